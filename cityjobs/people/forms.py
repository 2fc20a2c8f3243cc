"""What the file of a person asks about identity, contact and address."""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from wtforms import BooleanField, HiddenField, RadioField, ValidationError

from cityjobs.core.clock import today
from cityjobs.core.forms import (
    ChoiceField,
    DayField,
    EmailField,
    Form,
    LineField,
    PhoneField,
    Said,
    VersionField,
)
from cityjobs.core.web import day, phone
from cityjobs.people.models import Person
from cityjobs.people.rules import (
    CIVILITY_LABELS,
    CONTACT_CHANNEL_LABELS,
    GENDER_LABELS,
    HARD_TO_REACH,
    LINK_KIND_LABELS,
    OLDEST,
    Civility,
    ContactChannel,
    Gender,
    Identity,
    QpvCheck,
    QpvReply,
    age_on,
)
from cityjobs.territory.rules import QPV_SOURCE_LABELS, QpvAnswer, QpvSource

_NOT_ASKED = ("csrf_token", "version", "was")


class PersonForm(Form):
    """Identity, contact and address. `was` holds the answers as they stood when the form was opened."""

    first_name = LineField("Prénom", required="Indiquez au moins un prénom.")
    last_name = LineField("Nom d’usage")
    birth_name = LineField("Nom de naissance")
    civility = ChoiceField(
        "Civilité", [(c.value, label) for c, label in CIVILITY_LABELS.items()], blank="Non précisée"
    )
    gender = ChoiceField("Genre", [(g.value, label) for g, label in GENDER_LABELS.items()])
    birth_date = DayField("Date de naissance")
    phone = PhoneField("Téléphone")
    second_phone = PhoneField("Autre téléphone")
    email = EmailField("Courriel")
    reached_through = LineField("Par qui la joindre")
    preferred_channel = ChoiceField(
        "Moyen préféré",
        [(c.value, label) for c, label in CONTACT_CHANNEL_LABELS.items()],
        blank="Sans préférence",
    )
    language = LineField("Langue parlée", longest=60)
    needs_interpreter = BooleanField("A besoin d’un interprète")
    address = LineField("Adresse")
    postcode = LineField("Code postal", longest=10)
    commune = LineField("Commune", longest=100)
    qpv = ChoiceField("Quartier prioritaire", [])
    qpv_source = ChoiceField(
        "Comment le savez-vous\u202f?",
        [
            (source.value, QPV_SOURCE_LABELS[source].capitalize())
            for source in (QpvSource.DECLARE, QpvSource.SIG_VILLE)
        ],
        blank="Sans changement",
    )
    qpv_again = BooleanField("Réponse vérifiée aujourd’hui")
    version = VersionField()
    was = HiddenField()

    def offer_quarters(self, quarters: Iterable[tuple[str, str]]) -> None:
        """Set the choices about the QPV."""
        self.qpv.choices = [
            *quarters,
            (QpvAnswer.OUTSIDE.value, "Hors QPV"),
            (QpvAnswer.TO_CHECK.value, "À vérifier"),
            (QpvAnswer.UNKNOWN.value, "Ne sait pas"),
        ]

    def validate_birth_date(self, field: DayField) -> None:
        """Nobody is born tomorrow, nor lives for ever."""
        if field.data and field.data > today():
            raise ValidationError("Cette date de naissance est dans le futur\u00a0: vérifiez l’année.")
        if (age_on(field.data, today()) or 0) > OLDEST:
            raise ValidationError("Cette date de naissance est trop ancienne\u00a0: vérifiez l’année.")

    def validate_postcode(self, field: LineField) -> None:
        """Five digits, or a foreign code."""
        if field.data and field.data.replace(" ", "").isdigit() and len(field.data.replace(" ", "")) != 5:
            raise ValidationError("Un code postal a cinq chiffres, comme 59100.")

    def validate(self, extra_validators: Mapping[str, Any] | None = None) -> bool:
        """There must be one way to reach the person."""
        accepted = bool(super().validate(extra_validators))
        ways = (self.phone, self.second_phone, self.email, self.address, self.reached_through)
        if not any(way.data or way.errors for way in ways):
            self.refuse("phone", HARD_TO_REACH)
            return False
        return accepted

    def validate_qpv(self, field: ChoiceField) -> None:
        """A move out of the neighbourhood is asked about, never guessed."""
        before = self.before()
        address = ("address", "postcode", "commune")
        if (
            before
            and any((self[name].data or "") != before.get(name, "") for name in address)
            and field.data == before.get("qpv")
            and field.data in _settled(self.qpv.choices)
            and not self.qpv_again.data
        ):
            raise ValidationError(
                "L’adresse a changé\u00a0: dites si elle est encore dans le même cas, cochez «\u00a0Réponse vérifiée aujourd’hui\u00a0» ou choisissez «\u00a0À vérifier\u00a0»."
            )

    def identity(self) -> Identity:
        """The answers about who the person is and how to reach them."""
        return Identity(
            first_name=self.first_name.data or "",
            last_name=self.last_name.data,
            birth_name=self.birth_name.data,
            civility=Civility(self.civility.data) if self.civility.data else None,
            gender=Gender(self.gender.data or Gender.NON_RENSEIGNE),
            birth_date=self.birth_date.data,
            phone=self.phone.data,
            second_phone=self.second_phone.data,
            email=self.email.data,
            reached_through=self.reached_through.data,
            preferred_channel=ContactChannel(self.preferred_channel.data)
            if self.preferred_channel.data
            else None,
            language=self.language.data,
            needs_interpreter=bool(self.needs_interpreter.data),
            address=self.address.data,
            postcode=self.postcode.data,
            commune=self.commune.data,
        )

    def qpv_check(self) -> QpvCheck:
        """The answer about the QPV, with how it is known."""
        source = QpvSource(self.qpv_source.data) if self.qpv_source.data else None
        return QpvCheck(QpvReply.read(self.qpv.data), source, bool(self.qpv_again.data))

    def before(self) -> dict[str, str]:
        """The answers as they stood when the form was opened; empty when that is not told."""
        try:
            told = json.loads(self.was.data or "{}")
        except ValueError:
            return {}
        return {str(name): str(value) for name, value in told.items()} if isinstance(told, dict) else {}

    def answers(self) -> dict[str, str]:
        """Every answer as a form writes it."""
        return {field.name: _written(field.data) for field in self if field.name not in _NOT_ASKED}

    def label_of(self, name: str) -> str:
        """The words above a field."""
        return str(self[name].label.text)

    def shown(self, name: str, written: str) -> str:
        """An answer as it is read: choices by their label, phones and days in French."""
        field = self[name]
        if isinstance(field, ChoiceField):
            return dict(field.iter_flat()).get(written, written)
        if isinstance(field, BooleanField):
            return "Oui" if written else "Non"
        if isinstance(field, PhoneField) and written:
            return phone(written)
        if isinstance(field, DayField) and written:
            return day(date.fromisoformat(written))
        return written


def _settled(choices: Any) -> set[str]:
    return {code for code, _ in choices if code not in (QpvAnswer.TO_CHECK, QpvAnswer.UNKNOWN)}


def _written(answer: object) -> str:
    if answer is None or answer is False:
        return ""
    return "y" if answer is True else answer.isoformat() if isinstance(answer, date) else str(answer)


def answers_about(person: Person) -> dict[str, Any]:
    """What the form shows of a person as they are known now."""
    plain = (
        "first_name",
        "last_name",
        "birth_name",
        "civility",
        "gender",
        "birth_date",
        "phone",
        "second_phone",
        "email",
        "reached_through",
        "preferred_channel",
        "language",
        "needs_interpreter",
        "address",
        "postcode",
        "commune",
        "version",
    )
    known = {name: getattr(person, name) for name in plain}
    reply = QpvReply(QpvAnswer(person.qpv_answer), person.qpv_id)
    written = {name: _written(answer) for name, answer in known.items() if name != "version"}
    was = {**written, "qpv": reply.code, "qpv_source": "", "qpv_again": ""}
    return {**known, "qpv": reply.code, "was": json.dumps(was, ensure_ascii=False)}


class KinSearchForm(Form):
    """Whom to look for, among those whose file may be opened."""

    q = LineField("Nom, téléphone ou date de naissance", required="Écrivez un nom, un téléphone ou une date.")


class TieForm(Form):
    """Who belongs with a person, and what they are for them. `sought` is what the choices were found by."""

    sought = HiddenField()
    other = RadioField("Qui\u00a0?", [Said("Choisissez la personne.")], choices=[], validate_choice=False)
    kind = ChoiceField(
        "Qui est-ce pour elle\u00a0?",
        [(kind.value, label) for kind, label in LINK_KIND_LABELS.items()],
        required="Dites qui est cette personne pour elle.",
        blank="Choisir…",
    )

    def offer(self, found: Sequence[Any]) -> None:
        """Whom the search found."""
        self.other.choices = [(str(row.id), _found_as(row)) for row in found]

    def other_id(self) -> uuid.UUID | None:
        """The person chosen; None when that is no identifier."""
        try:
            return uuid.UUID(self.other.data or "")
        except ValueError:
            return None


def _found_as(row: Any) -> str:
    name = " ".join(filter(None, (row.first_name, row.last_name)))
    return f"{name}, {day(row.birth_date)}" if row.birth_date else name
