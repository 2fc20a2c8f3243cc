"""Who a professional is, what a good password is, and when a session ends."""

import enum
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cityjobs.core.permissions import ROLE_LABELS, Role

IDLE_LIMIT = timedelta(minutes=30)
SESSION_LIMIT = timedelta(hours=12)
INVITATION_LASTS = timedelta(days=7)
RESET_LASTS = timedelta(hours=1)
TRACES_LAST = timedelta(days=365)
"""How long closed sessions and links are kept (domain.md §3.5: traces of connection, one year)."""

DRAFT_KEY = re.compile(r"[a-z0-9:-]{1,120}")
LONGEST_DRAFT = 100_000
"""Bytes of one draft, as sent."""

MOST_DRAFTS = 200
"""Drafts of one author; a new one drops the oldest beyond."""

MOST_CARRIED = 500_000
"""Characters of a form that a lock carries over, names and answers together."""

LEAST_SIGNS = 6
"""Different signs that a password needs, so that « Aa1!Aa1!Aa1! » is none."""


class LinkPurpose(enum.StrEnum):
    """What a single-use link sent by e-mail is for."""

    INVITATION = "invitation"
    RESET = "reset"


@dataclass(frozen=True)
class Mission:
    """As what somebody works in a Cité: one choice of the menu of Cités."""

    id: uuid.UUID
    cite_name: str
    role: str
    organisation_name: str


@dataclass(frozen=True)
class Professional:
    """Whoever is signed in, as what and where: all that a page needs to know of them, in one row."""

    id: uuid.UUID
    session_id: uuid.UUID
    email: str
    first_name: str
    last_name: str
    last_seen_at: datetime
    opened_at: datetime
    membership_id: uuid.UUID | None
    role: Role | None
    cite_id: uuid.UUID | None
    cite_name: str | None
    organisation_id: uuid.UUID | None
    organisation_name: str | None
    missions: tuple[Mission, ...] = ()
    """Every current one, the present one among them, in a steady order."""

    is_authenticated = is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        """What Flask-Login compares; the cookie itself holds an opaque token."""
        return str(self.session_id)

    @property
    def display_name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"

    @property
    def initials(self) -> str:
        """Two letters."""
        return f"{self.first_name[:1]}{self.last_name[:1]}".upper()

    @property
    def role_label(self) -> str:
        """The role in words."""
        return ROLE_LABELS[self.role] if self.role else "Sans mission en cours"

    @property
    def has_several_cites(self) -> bool:
        """Whether there is another membership to switch to."""
        return len(self.missions) > (1 if self.membership_id else 0)


def is_idle(last_seen_at: datetime, now: datetime) -> bool:
    """Whether the session must be unlocked by the password again (30 minutes)."""
    return now - last_seen_at > IDLE_LIMIT


def password_weakness(password: str, personal: tuple[str, ...] = ()) -> str | None:
    """Why a password is refused, or None.

    Source: CNIL délibération 2022-100 (domain.md §3.7): 12 characters of 4 classes, or 14 of upper, lower and digit.
    """
    classes = [
        any(c.islower() for c in password),
        any(c.isupper() for c in password),
        any(c.isdigit() for c in password),
        any(not c.isalnum() for c in password),
    ]
    long_enough = (len(password) >= 12 and all(classes)) or (len(password) >= 14 and all(classes[:3]))
    passphrase = len([word for word in password.split() if len(word) >= 3]) >= 7
    if len(password) > 200:
        return "Ce mot de passe dépasse 200 caractères."
    if not (long_enough or passphrase) or len(set(password)) < LEAST_SIGNS:
        return (
            "Ce mot de passe est trop facile à trouver\u00a0: 12 caractères avec minuscule, majuscule, chiffre et signe, "
            "ou 14 avec minuscule, majuscule et chiffre, ou une phrase de 7 mots."
        )
    if any(len(part) >= 4 and part.lower() in password.lower() for part in personal):
        return "Ce mot de passe contient votre nom ou votre adresse\u00a0: choisissez-en un autre."
    return None


def personal_parts(first_name: str, last_name: str, email: str) -> tuple[str, ...]:
    """What a password may not contain: names and the beginning of the address."""
    return (first_name, last_name, email.partition("@")[0])


_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device_label(user_agent: str) -> str:
    """« Firefox sur Windows », from what the browser says of itself."""
    browser = next((label for sign, label in _BROWSERS if sign in user_agent), None)
    system = next((label for sign, label in _SYSTEMS if sign in user_agent), None)
    if browser and system:
        return f"{browser} sur {system}"
    return browser or system or "Appareil inconnu"


def carried(fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]] | None:
    """The answers of a form that a lock carries to its other side; None when there is too much of it.

    The forgery token is given anew, and a password is never written into a page.
    """
    kept = [(name, said) for name, said in fields if name != "csrf_token" and "password" not in name.lower()]
    return kept if sum(len(name) + len(said) for name, said in kept) <= MOST_CARRIED else None


# The accounts of a demonstration


@dataclass(frozen=True)
class DemoAccount:
    """One account that a visitor of the demonstration may open with one click; `cite` is the slug of its Cité."""

    email: str
    role: Role
    cite: str
    sentence: str

    @property
    def label(self) -> str:
        """The role in words."""
        return ROLE_LABELS[self.role]


DEMO_PASSWORD = "Demo-Cite-Emploi-2026"

DEMO_ACCOUNTS: tuple[DemoAccount, ...] = (
    DemoAccount(
        "referent@roubaix.example",
        Role.REFERENT,
        "roubaix",
        "Suit une quarantaine de personnes, note les échanges et les prochaines étapes.",
    ),
    DemoAccount(
        "coordination@roubaix.example",
        Role.COORDINATOR,
        "roubaix",
        "Voit toute la Cité, attribue les personnes repérées, veille sur les silences.",
    ),
    DemoAccount(
        "chef-de-file@roubaix.example",
        Role.CHEF_DE_FILE,
        "roubaix",
        "Pilote avec les chiffres et les rapports, sans lire les dossiers.",
    ),
    DemoAccount(
        "partenaire@roubaix.example",
        Role.PARTNER,
        "roubaix",
        "Reçoit des orientations\u00a0; ne voit encore aucun dossier.",
    ),
    DemoAccount(
        "reperage@roubaix.example",
        Role.SPOTTER,
        "roubaix",
        "Signale une personne rencontrée sur le terrain, en trente secondes.",
    ),
    DemoAccount(
        "financeur@roubaix.example",
        Role.FUNDER,
        "roubaix",
        "Lit les chiffres de la Cité, jamais un nom.",
    ),
    DemoAccount(
        "administration@roubaix.example",
        Role.ADMINISTRATOR,
        "roubaix",
        "Invite les professionnels, règle la Cité, sans accès aux dossiers.",
    ),
    DemoAccount(
        "referent@calais.example",
        Role.REFERENT,
        "calais",
        "Le même métier dans une autre Cité\u00a0: rien de Roubaix n’y est visible.",
    ),
    DemoAccount(
        "coordination@calais.example",
        Role.COORDINATOR,
        "calais",
        "La coordination d’une autre Cité, avec ses propres personnes.",
    ),
)
