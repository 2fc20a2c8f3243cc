"""What spotting somebody, and spotting them again, ask."""

from collections.abc import Iterable, Mapping
from typing import Any

from wtforms import BooleanField, HiddenField, ValidationError

from cityjobs.core.clock import today
from cityjobs.core.forms import (
    ChoiceField,
    DayField,
    EmailField,
    Form,
    LineField,
    PhoneField,
    RemarkField,
    TextField,
)
from cityjobs.parcours.actions import Sighting
from cityjobs.parcours.rules.reasons import SPOTTING_CHANNEL_LABELS, SpottingChannel
from cityjobs.people.models import Person
from cityjobs.people.queries import Quarter
from cityjobs.people.rules import HARD_TO_REACH, QpvReply
from cityjobs.territory.rules import QpvAnswer, QpvSource

IN_THE_FUTURE = "Cette date est dans le futur\u00a0: indiquez le jour où la personne a été repérée."


class SearchForm(Form):
    """The one field that comes before spotting. Posted, so that a name never stands in an address."""

    q = LineField(
        "Nom, téléphone, courriel ou date de naissance", required="Écrivez au moins un prénom ou un numéro."
    )


class SightingForm(Form):
    """How somebody was spotted. `key` is a signed identifier: the same form sent twice counts once."""

    channel = ChoiceField(
        "Comment l’avez-vous rencontrée\u202f?",
        [(channel.value, label) for channel, label in SPOTTING_CHANNEL_LABELS.items()],
        required="Choisissez comment la personne a été repérée.",
        blank="Choisir",
    )
    spotted_on = DayField("Date du repérage", required="Indiquez le jour du repérage.")
    place = RemarkField("Lieu")
    first_need = TextField("Première demande", longest=2000)
    agreed = BooleanField("La personne accepte d’être recontactée")
    informed = BooleanField("La notice d’information lui a été remise ou lue")
    becomes_referent = BooleanField("Je deviens son référent")
    key = HiddenField()

    def validate_spotted_on(self, field: DayField) -> None:
        """Nobody was spotted tomorrow."""
        if field.data and field.data > today():
            raise ValidationError(IN_THE_FUTURE)

    def sighting(self, *, may_follow: bool) -> Sighting:
        """The answers. Whoever may not follow people never becomes a référent."""
        spotted_on = self.spotted_on.data
        assert spotted_on is not None  # noqa: S101 - the field is required
        return Sighting(
            spotted_on=spotted_on,
            channel=SpottingChannel(self.channel.data),
            place=self.place.data,
            first_need=self.first_need.data,
            agreed_to_be_contacted=bool(self.agreed.data),
            was_informed=bool(self.informed.data),
            becomes_referent=may_follow and bool(self.becomes_referent.data),
        )


class SpotForm(SightingForm):
    """A person met for the first time. `seen` names the look-alikes that were shown before."""

    first_name = LineField("Prénom", required="Indiquez au moins un prénom.")
    last_name = LineField("Nom")
    phone = PhoneField("Téléphone")
    email = EmailField("Courriel")
    reached_through = LineField("Par qui la joindre")
    birth_date = DayField("Date de naissance")
    qpv = ChoiceField("Quartier", [], blank="Choisir")
    address = LineField("Adresse")
    seen = HiddenField()

    def offer_quarters(self, quarters: Iterable[Quarter]) -> None:
        """Set the choices about the QPV."""
        self.qpv.choices = [
            ("", "Choisir"),
            *((QpvReply(QpvAnswer.INSIDE, row.id).code, f"Habite en QPV {row.name}") for row in quarters),
            (QpvAnswer.OUTSIDE.value, "Hors QPV"),
            (QpvAnswer.TO_CHECK.value, "À vérifier"),
            (QpvAnswer.UNKNOWN.value, "Ne sait pas"),
        ]

    def validate(self, extra_validators: Mapping[str, Any] | None = None) -> bool:
        """There must be one way to reach the person."""
        accepted = bool(super().validate(extra_validators))
        ways = (self.phone, self.email, self.address, self.reached_through)
        if not any(way.data or way.errors for way in ways):
            self.refuse("phone", HARD_TO_REACH)
            return False
        return accepted

    def validate_qpv(self, field: ChoiceField) -> None:
        """A QPV or an address: « ne sait pas » is an answer too."""
        if not field.data and not self.address.data:
            raise ValidationError(
                "Dites si la personne habite en quartier prioritaire, ou indiquez son adresse\u00a0: «\u00a0Ne sait pas\u00a0» est une réponse."
            )

    def validate_birth_date(self, field: DayField) -> None:
        """Nobody is born tomorrow, nor after having been spotted."""
        if field.data and field.data > today():
            raise ValidationError("Cette date de naissance est dans le futur\u00a0: vérifiez l’année.")
        if field.data and self.spotted_on.data and field.data > self.spotted_on.data:
            raise ValidationError("Cette date de naissance suit le repérage\u00a0: vérifiez l’année.")

    def fill(self, person: Person) -> Person:
        """Write the answers on a new person."""
        reply = QpvReply.read(self.qpv.data)
        person.first_name, person.last_name = self.first_name.data or "", self.last_name.data
        person.phone, person.email = self.phone.data, self.email.data
        person.reached_through, person.address = self.reached_through.data, self.address.data
        person.birth_date = self.birth_date.data
        person.qpv_answer, person.qpv_id = reply.answer, reply.qpv_id
        if reply.answer is not QpvAnswer.UNKNOWN:
            person.qpv_source, person.qpv_checked_on = QpvSource.DECLARE, self.spotted_on.data
        return person
