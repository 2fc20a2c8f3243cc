"""What each event of a parcours asks."""

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from wtforms import DecimalField, HiddenField, RadioField
from wtforms.validators import Optional

from cityjobs.core.forms import ChoiceField, DayField, Form, ItemField, LineField, VersionField
from cityjobs.parcours.forms.situations import ENTRY_LISTS, SituationFields
from cityjobs.parcours.rules.jobs import Hiring, JobKind
from cityjobs.parcours.rules.lifecycle import Event, Move
from cityjobs.parcours.rules.reasons import NON_ENTRY_REASON_LABELS
from cityjobs.vocabulary.queries import Lists
from cityjobs.vocabulary.rules import ListName


class HoursField(DecimalField):
    """Hours in a week, with a comma or a point; 60 at most."""

    def __init__(self, label: str, **kwargs: Any) -> None:
        super().__init__(label, [Optional()], places=1, **kwargs)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Parse, or say what is expected."""
        typed = valuelist[0].strip().replace(",", ".") if valuelist else ""
        self.data = None
        if not typed:
            return
        sentence = "Écrivez un nombre d’heures par semaine, de 0,5 à 60\u00a0: par exemple 35 ou 17,5."
        try:
            hours = Decimal(typed) if typed.isascii() and len(typed) < 8 else Decimal(0)
        except InvalidOperation:
            raise ValueError(sentence) from None
        if not hours.is_finite() or not Decimal("0.5") <= hours <= 60:
            raise ValueError(sentence)
        self.data = hours.quantize(Decimal("0.1"))

    def _value(self) -> str:
        """As it was typed, or as it is kept, with a comma."""
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else f"{self.data.normalize():f}".replace(".", ",")


class MoveForm(Form):
    """One event of a parcours and its day."""

    event = HiddenField("Étape")
    on = DayField("Date", required="Indiquez le jour où cela a eu lieu.")
    version = VersionField()

    lists: tuple[ListName, ...] = ()
    """The lists that the answers are of."""

    def offer_lists(self, lists: Lists) -> None:
        """Set the choices that come from lists."""

    def may_be_read(self) -> bool:
        """Whether the answers say enough for the rules to read them, though some may be wrong."""
        return self.on.data is not None and not self.on.errors

    def move(self) -> Move:
        """The answers."""
        return Move(Event(self.event.data or ""), cast(date, self.on.data))


class DeclineForm(MoveForm):
    """Somebody does not enter."""

    reason = ChoiceField(
        "Pourquoi",
        [(reason.value, label) for reason, label in NON_ENTRY_REASON_LABELS.items()],
        required="Indiquez pourquoi la personne n’entre pas en parcours.",
        blank="Choisir",
    )

    def move(self) -> Move:
        """With the reason."""
        return Move(Event.DECLINE, cast(date, self.on.data), self.reason.data)


class SuspendForm(MoveForm):
    """A pause, until a day."""

    on = DayField("Début", required="Indiquez le jour où la suspension commence.")
    reason = ItemField("Pourquoi", required="Indiquez pourquoi le parcours est suspendu.", blank="Choisir")
    until = DayField("Fin prévue", required="Indiquez le jour où vous pensez reprendre.")
    lists = (ListName.MOTIF_SUSPENSION,)

    def offer_lists(self, lists: Lists) -> None:
        """The reasons."""
        self.reason.offer(lists.items(ListName.MOTIF_SUSPENSION))

    def move(self) -> Move:
        """With the reason and the end."""
        return Move(Event.SUSPEND, cast(date, self.on.data), self.reason.data, until=self.until.data)


class HireForm(MoveForm):
    """A job, or a training that qualifies."""

    kind = RadioField(
        "De quoi s’agit-il\u202f?",
        choices={JobKind.CONTRACT.value: "Un emploi", JobKind.TRAINING.value: "Une formation qualifiante"},
        default=JobKind.CONTRACT.value,
    )
    on = DayField("Premier jour", required="Indiquez le premier jour.")
    contract = ItemField(
        "Type de contrat",
        required="Choisissez le type de contrat, ou «\u00a0Autre contrat\u00a0».",
        blank="Choisir",
    )
    expected_end_on = DayField("Fin prévue")
    occupation = LineField("Métier ou intitulé")
    employer = LineField("Employeur ou organisme")
    working_time = ItemField("Temps de travail")
    weekly_hours = HoursField("Heures par semaine")
    lists = (ListName.TYPE_CONTRAT, ListName.TEMPS_TRAVAIL)
    rome_code: str | None = None
    """The code of the occupation, when its name is a known one."""

    def offer_lists(self, lists: Lists) -> None:
        """Contracts and working times."""
        self.contract.offer(lists.items(ListName.TYPE_CONTRAT))
        self.working_time.offer(lists.items(ListName.TEMPS_TRAVAIL))

    def may_be_read(self) -> bool:
        """Also: it is a job or a training."""
        return super().may_be_read() and self.kind.data in tuple(JobKind)

    def move(self) -> Move:
        """With the hiring."""
        on = cast(date, self.on.data)
        hiring = Hiring(
            kind=JobKind(self.kind.data),
            contract=self.contract.data or "",
            started_on=on,
            expected_end_on=self.expected_end_on.data,
            occupation=self.occupation.data,
            rome_code=self.rome_code,
            employer=self.employer.data,
            working_time=self.working_time.data or None,
            weekly_hours=self.weekly_hours.data,
        )
        return Move(Event.HIRE, on, hiring=hiring)


class BrokenForm(MoveForm):
    """A job or a training that stopped."""

    on = DayField("Dernier jour", required="Indiquez le dernier jour.")
    reason = ItemField(
        "Pourquoi", required="Indiquez pourquoi l’emploi ou la formation s’est arrêté.", blank="Choisir"
    )
    lists = (ListName.FIN_EMPLOI,)

    def offer_lists(self, lists: Lists) -> None:
        """The reasons."""
        self.reason.offer(lists.items(ListName.FIN_EMPLOI))

    def move(self) -> Move:
        """With the reason."""
        return Move(Event.CONTRACT_BROKEN, cast(date, self.on.data), self.reason.data)


class EnrollForm(MoveForm, SituationFields):
    """The entry, with the situation that it freezes: eight answers are needed, twelve at most ever will be."""

    on = DayField("Date d’entrée", required="Indiquez le jour de l’entrée.")
    lists = tuple(ENTRY_LISTS.values())

    def offer_lists(self, lists: Lists) -> None:
        """Every list of a situation."""
        SituationFields.offer_lists(self, lists)


FORMS: dict[Event, type[MoveForm]] = {
    Event.DECLINE: DeclineForm,
    Event.SUSPEND: SuspendForm,
    Event.HIRE: HireForm,
    Event.CONTRACT_BROKEN: BrokenForm,
    Event.ENROLL: EnrollForm,
}
"""The form of each event that asks more than its day."""
