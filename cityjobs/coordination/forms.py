"""What the coordinator is asked: who goes to whom, and why."""

import uuid
from collections.abc import Sequence
from typing import Any

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer
from wtforms import HiddenField

from cityjobs.coordination.rules import PAGE_SIZE, Picked, batch_number, parse_picked
from cityjobs.core.forms import ChoiceField, Form, RemarkField

SUGGESTED = "suggestion"
ORGANISATION = "organisation:"


def _seal() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="attribution")


class AssignForm(Form):
    """Several persons to one référent, to each one's suggestion, or to an organisation."""

    target = ChoiceField(
        "Attribuer à", [], required="Choisissez à qui attribuer.", blank="Choisir…", validate_choice=False
    )
    reason = RemarkField("Motif")
    batch = HiddenField()

    def offer(
        self,
        referents: Sequence[tuple[str, str]],
        organisations: Sequence[tuple[str, str]],
        *,
        suggested: bool,
    ) -> None:
        """What can be chosen: codes and labels."""
        self.groups = [
            ("", [(SUGGESTED, "La suggestion de chaque ligne")] if suggested else []),
            ("Référents", list(referents)),
            (
                "Référent pas encore connu",
                [(f"{ORGANISATION}{code}", label) for code, label in organisations],
            ),
        ]
        self.target.choices = [
            ("", "Choisir…"),
            *(choice for _, choices in self.groups for choice in choices),
        ]

    def number_page(self, user_id: uuid.UUID) -> None:
        """Give a page that has none its key, so that sending it twice attributes once; it serves one person alone."""
        self.batch.data = self.batch.data or _seal().dumps([uuid.uuid4().hex, user_id.hex])

    def batch_id(self, user_id: uuid.UUID, picked: Sequence[Picked]) -> uuid.UUID:
        """The number of what was sent; a key that is not ours, or somebody else's, gives a number of its own."""
        try:
            key, owner = _seal().loads(self.batch.data or "")
        except (BadSignature, TypeError, ValueError):
            key, owner = "", None
        ours = owner == user_id.hex
        return batch_number(uuid.UUID(key) if ours else uuid.uuid4(), self.target.data or "", picked)

    def chosen(self) -> tuple[uuid.UUID | None, uuid.UUID | None]:
        """The référent, or the organisation; both None for the suggestions."""
        code = self.target.data
        if code == SUGGESTED:
            return None, None
        if code.startswith(ORGANISATION):
            return None, uuid.UUID(code.removeprefix(ORGANISATION))
        return uuid.UUID(code), None

    def check_picked(self, picked: Sequence[Picked]) -> bool:
        """Whether something was ticked, and a reason given where somebody changes hands."""
        if not picked:
            self.refuse("target", "Cochez au moins une personne.")
        elif len(picked) > PAGE_SIZE:
            self.refuse("target", f"Attribuez au plus {PAGE_SIZE} personnes à la fois.")
        elif any(one.assignment_id for one in picked) and not self.reason.data:
            self.refuse("reason", "Indiquez pourquoi la personne change de référent.")
        return not self.errors


class SecondForm(Form):
    """One more professional in the team of a person."""

    colleague = ChoiceField(
        "Co-référent",
        [],
        required="Choisissez qui rejoint l’équipe.",
        blank="Choisir…",
        validate_choice=False,
    )
    why = RemarkField("Motif")


def picked_from(values: Sequence[str]) -> list[Picked]:
    """The rows ticked, each once; what is not a row is left out."""
    found = {picked.parcours_id: picked for value in values if (picked := parse_picked(value))}
    return list(found.values())


def suggestions_from(values: Sequence[str]) -> dict[uuid.UUID, uuid.UUID]:
    """The suggestions that the page showed: référent by parcours."""
    found: dict[uuid.UUID, uuid.UUID] = {}
    for value in values:
        shown: Any = parse_picked(value)
        if shown and shown.assignment_id:
            found[shown.parcours_id] = shown.assignment_id
    return found
