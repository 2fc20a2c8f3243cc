"""Closed lists about a person, names, and what makes two files look alike."""

import enum
import re
import uuid
from dataclasses import dataclass
from datetime import date

import phonenumbers

from cityjobs.core import wording
from cityjobs.territory.rules import QpvAnswer, QpvSource


class Civility(enum.StrEnum):
    """How a person is addressed (domain.md §2.5)."""

    MADAME = "madame"
    MONSIEUR = "monsieur"
    NON_PRECISE = "non_precise"


CIVILITY_LABELS: dict[Civility, str] = {
    Civility.MADAME: "Madame",
    Civility.MONSIEUR: "Monsieur",
    Civility.NON_PRECISE: "Ne souhaite pas préciser",
}


class Gender(enum.StrEnum):
    """Gender as counted by programmes (domain.md §2.5)."""

    FEMME = "femme"
    HOMME = "homme"
    AUTRE = "autre"
    NON_RENSEIGNE = "non_renseigne"


GENDER_LABELS: dict[Gender, str] = {
    Gender.FEMME: "Femme",
    Gender.HOMME: "Homme",
    Gender.AUTRE: "Autre",
    Gender.NON_RENSEIGNE: "Non renseigné",
}


class ContactChannel(enum.StrEnum):
    """How a person prefers to be reached (domain.md §2.5, canal_contact)."""

    SMS = "sms"
    TELEPHONE = "telephone"
    EMAIL = "email"
    COURRIER = "courrier"
    VIA_REFERENT = "via_referent"
    VIA_TIERS = "via_tiers"


CONTACT_CHANNEL_LABELS: dict[ContactChannel, str] = {
    ContactChannel.SMS: "SMS",
    ContactChannel.TELEPHONE: "Téléphone",
    ContactChannel.EMAIL: "Courriel",
    ContactChannel.COURRIER: "Courrier",
    ContactChannel.VIA_REFERENT: "Par le référent",
    ContactChannel.VIA_TIERS: "Par un tiers",
}


def fold(text: str) -> str:
    """Lower case, no accents, no apostrophes, single spaces: « Élise N’Diaye-Lefèvre » → « elise ndiaye lefevre ».

    The same as the database's app.fold, which a test compares.
    """
    bare = re.sub(r"['’ʼ`´]", "", wording.fold(text))
    return re.sub(r"[^0-9a-z]+", " ", bare).strip(" ")


def initials(first_name: str, last_name: str | None) -> str:
    """What is left of a name where it is masked: « N… L… »."""
    return " ".join(f"{part[0].upper()}…" for part in (first_name, last_name) if part)


def age_on(birth_date: date | None, day: date) -> int | None:
    """Completed years on a day, or None when the birth date is unknown."""
    if birth_date is None:
        return None
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


OLDEST = 120
"""In years: nobody is known to be older, and a date that says so was mistyped."""


def credible_age_on(birth_date: date | None, day: date) -> int | None:
    """Completed years on a day, or None when the birth date is unknown or cannot be right."""
    age = age_on(birth_date, day)
    return age if age is not None and 0 <= age <= OLDEST else None


LONGEST_SEARCH = 200


@dataclass(frozen=True)
class Sought:
    """What one search box asks for: parts of names, a phone in E.164, an e-mail, a birth date."""

    names: str = ""
    phone: str | None = None
    email: str | None = None
    birth_date: date | None = None

    def __bool__(self) -> bool:
        """Whether anything at all can be looked for."""
        return bool(fold(self.names) or self.phone or self.email or self.birth_date)


_MONTHS = {
    "janvier": 1,
    "janv": 1,
    "fevrier": 2,
    "fevr": 2,
    "mars": 3,
    "avril": 4,
    "avr": 4,
    "mai": 5,
    "juin": 6,
    "juillet": 7,
    "juil": 7,
    "aout": 8,
    "septembre": 9,
    "sept": 9,
    "octobre": 10,
    "oct": 10,
    "novembre": 11,
    "nov": 11,
    "decembre": 12,
    "dec": 12,
}
_BORN = r"(?:\bn[ée]e?\b\s*)?(?:\(e\)\s*)?(?:\ble\s+)?"
_DAY_SHAPES = (
    re.compile(
        _BORN + r"(?<![\d./-])(?P<d>\d{1,2})\s*[./-]\s*(?P<m>\d{1,2})\s*[./-]\s*(?P<y>\d{4})(?!\d|[./-]\d)",
        re.I,
    ),
    re.compile(_BORN + r"(?<![\d./-])(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?!\d|[./-]\d)", re.I),
    re.compile(_BORN + r"(?<![\d./-])(?P<d>\d{1,2})[./-](?P<m>\d{1,2})[./-](?P<y>\d{2})(?!\d|[./-]\d)", re.I),
    re.compile(_BORN + r"(?<!\d)(?<!\d )(?P<d>\d{1,2}) (?P<m>\d{1,2}) (?P<y>(?:19|20)\d{2})(?! ?\d)", re.I),
    re.compile(
        _BORN + r"(?<!\d)(?P<d>\d{1,2})(?:er)?\s+(?P<w>[a-zéèûôA-ZÉÛ]{3,9})\.?\s+(?P<y>\d{4})(?!\d)", re.I
    ),
    re.compile(_BORN + r"(?<![\d+])(?P<d>\d{2})(?P<m>\d{2})(?P<y>(?:19|20)\d{2})(?!\d)", re.I),
)


def take_birth_date(text: str, today: date) -> tuple[str, date | None]:
    """The first birth date written in a text, in any usual French way, and the text without it.

    « 12/03/1990 », « 12.3.90 », « 12 mars 1990 », « née le 1er août 1990 », « 1990-03-12 », « 12031990 ».
    """
    for shape in _DAY_SHAPES:
        for found in shape.finditer(text):
            parts = found.groupdict()
            month = _MONTHS.get(fold(parts["w"]), 0) if "w" in parts else int(parts["m"])
            year = int(parts["y"])
            if len(parts["y"]) == 2:
                year += 2000 if year <= today.year % 100 else 1900
            try:
                day = date(year, month, int(parts["d"]))
            except ValueError:
                continue
            if day.year >= 1900 and day <= today:
                return f"{text[: found.start()]} {text[found.end() :]}", day
    return text, None


_EMAIL = re.compile(r"[^@\s<>,;:\"()\[\]\\]+@[^@\s<>,;:\"()\[\]\\]+\.[^@\s.<>,;]{2,}")


def read_search(text: str | None, today: date) -> Sought:
    """What one search box asks for, whatever the order: names, phone, e-mail, birth date."""
    left = re.sub(r"[\x00-\x1f\x7f]", " ", text or "").strip()[:LONGEST_SEARCH]
    email = _EMAIL.search(left)
    if email:
        left = f"{left[: email.start()]} {left[email.end() :]}"
    left, birth_date = take_birth_date(left, today)
    phone = next(iter(phonenumbers.PhoneNumberMatcher(left, "FR")), None)
    if phone:
        left = f"{left[: phone.start]} {left[phone.end :]}"
    names = re.sub(r"[^\w\s'’ʼ`´\-.]|[\d_]", " ", left)
    return Sought(
        names=" ".join(word.strip(".-") for word in names.split() if word.strip(".-")),
        phone=phonenumbers.format_number(phone.number, phonenumbers.PhoneNumberFormat.E164)
        if phone
        else None,
        email=email.group().lower() if email else None,
        birth_date=birth_date,
    )


def split_name(names: str) -> tuple[str, str]:
    """First and last name as typed in one go: a part all in capitals is the last name, else the first word goes first."""
    words = names.split()
    shouted = [word for word in words if len(word) > 1 and word.isupper()]
    if shouted and len(shouted) < len(words):
        return " ".join(tidy_case(word) for word in words if word not in shouted), " ".join(
            map(tidy_case, shouted)
        )
    first, *rest = words or [""]
    return tidy_case(first), " ".join(map(tidy_case, rest))


def tidy_case(word: str) -> str:
    """A name all in capitals or all in small letters, as it is written in French; any other is left alone."""
    if not (word.isupper() or word.islower()):
        return word
    return re.sub(r"[^\W\d_]+", lambda part: part.group()[:1].upper() + part.group()[1:].lower(), word)


def why_alike(*, same_phone: bool, same_email: bool, same_birth_date: bool, closeness: float) -> list[str]:
    """Why two files may be the same person, in words."""
    reasons = (
        (same_phone, "même téléphone"),
        (same_email, "même adresse électronique"),
        (same_birth_date, "même date de naissance"),
        (closeness >= 0.95, "même nom"),
        (0.7 <= closeness < 0.95, "nom très proche"),
        (0.35 <= closeness < 0.7 and same_birth_date, "nom proche"),
    )
    return [words for holds, words in reasons if holds]


@dataclass(frozen=True)
class QpvReply:
    """What was answered about the QPV: one of four answers, and which one when inside."""

    answer: QpvAnswer
    qpv_id: uuid.UUID | None = None

    @property
    def code(self) -> str:
        """How a form writes it: « inside:<id> », « outside », « to_check », « unknown »."""
        return f"{self.answer}:{self.qpv_id}" if self.qpv_id else str(self.answer)

    @classmethod
    def read(cls, code: str | None) -> "QpvReply":
        """The reply a form wrote; no answer is « unknown »."""
        answer, _, qpv_id = (code or QpvAnswer.UNKNOWN).partition(":")
        return cls(QpvAnswer(answer), uuid.UUID(qpv_id) if qpv_id else None)


@dataclass(frozen=True)
class Identity:
    """All that the form of a person answers (domain.md §1.4). Phones in E.164, e-mail in lower case."""

    first_name: str
    last_name: str | None
    birth_name: str | None
    civility: Civility | None
    gender: Gender
    birth_date: date | None
    phone: str | None
    second_phone: str | None
    email: str | None
    reached_through: str | None
    preferred_channel: ContactChannel | None
    language: str | None
    needs_interpreter: bool
    address: str | None
    postcode: str | None
    commune: str | None


@dataclass(frozen=True)
class QpvCheck:
    """A reply about the QPV, how it is known, and whether it was verified again today."""

    reply: QpvReply
    source: QpvSource | None
    again: bool = False


HARD_TO_REACH = (
    "Indiquez au moins un moyen de joindre la personne\u00a0: téléphone, courriel, adresse ou tiers."
)


class LinkKind(enum.StrEnum):
    """What another person is for somebody (domain.md §6, « Foyer »)."""

    CONJOINT = "conjoint"
    PARENT = "parent"
    ENFANT = "enfant"
    FRATRIE = "fratrie"
    AUTRE_FOYER = "autre_foyer"


LINK_KIND_LABELS: dict[LinkKind, str] = {
    LinkKind.CONJOINT: "Conjoint ou conjointe",
    LinkKind.PARENT: "Mère ou père",
    LinkKind.ENFANT: "Enfant",
    LinkKind.FRATRIE: "Frère ou sœur",
    LinkKind.AUTRE_FOYER: "Autre personne du foyer",
}
_OTHER_WAY = {LinkKind.PARENT: LinkKind.ENFANT, LinkKind.ENFANT: LinkKind.PARENT}


def other_way(kind: LinkKind) -> LinkKind:
    """What somebody is for the person who is this for them."""
    return _OTHER_WAY.get(kind, kind)


class LinkRefused(ValueError):
    """Two persons cannot be tied so; the message is a sentence for the page."""
