"""Closed lists about a person, names, and what makes two files look alike."""

import enum
import re
import unicodedata
from datetime import date


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
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).lower()
    bare = bare.replace("œ", "oe").replace("æ", "ae")
    bare = re.sub(r"['’ʼ`´]", "", bare)
    return re.sub(r"[^0-9a-z]+", " ", bare).strip()


def initials(first_name: str, last_name: str | None) -> str:
    """What is left of a name where it is masked: « N… L… »."""
    return " ".join(f"{part[0].upper()}…" for part in (first_name, last_name) if part)


def age_on(birth_date: date | None, day: date) -> int | None:
    """Completed years on a day, or None when the birth date is unknown."""
    if birth_date is None:
        return None
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))
