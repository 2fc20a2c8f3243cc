"""The filters of the list of people, read from the address; what closing a parcours asks.

A filter is never refused: it is left out when it makes no sense.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from wtforms import Field, RadioField, ValidationError

from cityjobs.core.clock import today
from cityjobs.core.forms import (
    ChoiceField,
    DayField,
    Form,
    ItemField,
    PickedField,
    VersionField,
    WholeNumberField,
    clean,
)
from cityjobs.core.permissions import Role
from cityjobs.desk.leftovers import Leftover
from cityjobs.desk.rules import CITE, EN_COURS, MINE, NOBODY, QPV_WORDS, SILENCES, SIZES, SORTS, PeopleFilters
from cityjobs.followups.rules import due_refusal
from cityjobs.parcours.queries.exits import Reading
from cityjobs.parcours.rules.lifecycle import Leaving, Status
from cityjobs.parcours.rules.reasons import EXIT_REASON_LABELS, SpottingChannel
from cityjobs.parcours.rules.situations import Situation, inscription_of
from cityjobs.people.rules import LONGEST_SEARCH, read_search
from cityjobs.vocabulary.queries import Lists
from cityjobs.vocabulary.rules import ListName


def read_filters(args: Mapping[str, str], role: Role, today: date) -> PeopleFilters:
    """The filters of an address. Searching looks in the whole Cité unless the address says otherwise."""
    text = (clean(args.get("q")) or "")[:LONGEST_SEARCH]
    scope = args.get("voir", "")
    if role is not Role.REFERENT or scope not in (MINE, CITE):
        scope = CITE if role is not Role.REFERENT or text else MINE
    wanted = args.get("statut", "")
    channel, silence, size = args.get("canal", ""), args.get("silence", ""), args.get("par", "")
    qpv, referent, sort = args.get("qpv", ""), args.get("referent", ""), args.get("tri", "")
    filters = PeopleFilters(
        scope=scope,
        text=text,
        sought=read_search(text, today),
        status=wanted if wanted == EN_COURS or wanted in tuple(Status) else None,
        sort=sort if sort.removeprefix("-") in SORTS else "",
        size=int(size) if size in map(str, SIZES) else SIZES[0],
    )
    if role is Role.SPOTTER:
        return filters
    return replace(
        filters,
        action=args.get("action") == "1",
        referent=NOBODY if referent == NOBODY else _uuid(referent),
        qpv=qpv if qpv in QPV_WORDS else _uuid(qpv),
        channel=SpottingChannel(channel) if channel in tuple(SpottingChannel) else None,
        silent_for=int(silence) if silence in map(str, SILENCES) else None,
        waiting=args.get("attente") == "1",
        entered_from=_day(args.get("entree_du", "")),
        entered_until=_day(args.get("entree_au", "")),
    )


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


class CloseForm(Form):
    """How a parcours ends. What is still open adds one field each (see `closing_form`)."""

    reason = ChoiceField(
        "Comment le parcours se termine",
        [(reason.value, label) for reason, label in EXIT_REASON_LABELS.items()],
        required="Indiquez comment le parcours se termine.",
        blank="Choisir",
    )
    on = DayField("Date de sortie", required="Indiquez le jour de la sortie.")
    months = WholeNumberField(
        "Durée en mois",
        least=0,
        most=600,
        fits="Ce nombre de mois va de 0 à 600.",
        how="Écrivez un nombre entier de mois, en chiffres.",
    )
    evidence = ItemField("Justificatif vu", blank="Aucun")
    evidence_seen_on = DayField("Vu le")
    situation = ItemField("Situation à la sortie", blank="À demander plus tard")
    inscription_ft = ItemField("Inscription à France Travail", blank="Choisir")
    version = VersionField()

    def offer_lists(self, lists: Lists) -> None:
        """Set the choices that come from lists."""
        self.evidence.offer(lists.items(ListName.PREUVE_SORTIE))
        self.situation.offer(lists.items(ListName.SITUATION_PROFESSIONNELLE))
        self.inscription_ft.offer(lists.items(ListName.INSCRIPTION_FT))

    def holds(self) -> bool:
        """Posted, and every answer stands."""
        stands = self.accepted()
        asked = self.situation.data and not self.inscription_ft.data
        if self.is_submitted() and asked and not inscription_of(self.situation.data):
            self.refuse(
                "inscription_ft",
                "Dites si la personne est inscrite à France Travail, ou laissez la situation pour plus tard.",
            )
        return stands and not self.errors

    def leaving(self, reading: Reading) -> Leaving:
        """What the ruleset reads."""
        return Leaving(
            reading.ruleset.id,
            reading.rules,
            self.months.data,
            self.evidence.data or None,
            self.evidence_seen_on.data,
        )

    def told(self) -> Situation | None:
        """The situation at the exit; None when it is left for later."""
        if not self.situation.data:
            return None
        return Situation(
            situation=self.situation.data,
            inscription_ft=self.inscription_ft.data or inscription_of(self.situation.data),
        )


class _Decided:
    """Validator: one of the decisions that close this thing."""

    field_flags = {"required": True}  # noqa: RUF012 - the attribute WTForms reads

    def __init__(self, left: Leftover) -> None:
        self.codes = frozenset(code for code, _ in left.decisions)

    def __call__(self, _form: object, field: Field) -> None:
        if field.data not in self.codes:
            raise ValidationError(
                "Décidez ce que cela devient\u00a0: le parcours se ferme avec tout ce qui est ouvert."
            )


def closing_form(left: Sequence[Leftover]) -> type[CloseForm]:
    """The form that closes a parcours with one decision for each thing that is still open."""
    fields = {
        each.name: RadioField(
            each.label,
            choices=dict(each.decisions),
            description=each.detail,
            validate_choice=False,
            validators=[_Decided(each)],
        )
        for each in left
    }
    return type("ClosingForm", (CloseForm,), fields)


class BatchForm(Form):
    """One gesture on several things to do: they are done, or put off to a day."""

    picked = PickedField("Ce qui est coché")
    due_on = DayField("Nouvelle date")
    gesture = ChoiceField("Geste", [("done", "C’est fait"), ("postpone", "Reporter")])

    def holds(self) -> bool:
        """Posted, something is ticked, and a day is said when it is put off."""
        if not self.accepted():
            return False
        if not self.picked.data:
            self.refuse("picked", "Cochez au moins une ligne.")
        if self.gesture.data == "postpone":
            day = self.due_on.data
            refused = due_refusal(day, today=today()) if day else "Indiquez le nouveau jour."
            if refused:
                self.refuse("due_on", refused)
        return not self.errors
