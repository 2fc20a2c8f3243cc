"""What the coordinator is asked: who goes to whom, and why."""

import uuid
from collections.abc import Sequence
from typing import Any

from wtforms import HiddenField

from cityjobs.coordination.rules import PAGE_SIZE, Picked, parse_picked
from cityjobs.core.forms import ChoiceField, Form, LineField

SUGGESTED = "suggestion"
ORGANISATION = "organisation:"


class AssignForm(Form):
    """Several persons to one référent, to each one's suggestion, or to an organisation."""

    target = ChoiceField(
        "Attribuer à", [], required="Choisissez à qui attribuer.", blank="Choisir…", validate_choice=False
    )
    reason = LineField("Motif")
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

    def batch_id(self) -> uuid.UUID:
        """The number of the batch, made with the page so that sending twice attributes once."""
        try:
            return uuid.UUID(self.batch.data or "")
        except ValueError:
            return uuid.uuid4()

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
    why = LineField("Motif")


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
