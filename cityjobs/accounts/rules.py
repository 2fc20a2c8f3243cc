"""Who a professional is, what a good password is, and when a session ends."""

import enum
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from cityjobs.core.permissions import ROLE_LABELS, Role

IDLE_LIMIT = timedelta(minutes=30)
SESSION_LIMIT = timedelta(hours=12)
INVITATION_LASTS = timedelta(days=7)
RESET_LASTS = timedelta(hours=1)


class LinkPurpose(enum.StrEnum):
    """What a single-use link sent by e-mail is for."""

    INVITATION = "invitation"
    RESET = "reset"


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
    memberships: int

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
        return self.memberships > 1


def is_idle(last_seen_at: datetime, now: datetime) -> bool:
    """Whether the session must be unlocked by the password again (30 minutes)."""
    return now - last_seen_at > IDLE_LIMIT


def is_over(opened_at: datetime, now: datetime) -> bool:
    """Whether the session has lasted a working day (12 hours) and must be opened anew."""
    return now - opened_at > SESSION_LIMIT


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
    if not (long_enough or passphrase):
        return (
            "Ce mot de passe est trop facile à trouver : 12 caractères avec minuscule, majuscule, chiffre et signe, "
            "ou 14 avec minuscule, majuscule et chiffre, ou une phrase de 7 mots."
        )
    if any(len(part) >= 4 and part.lower() in password.lower() for part in personal):
        return "Ce mot de passe contient votre nom ou votre adresse : choisissez-en un autre."
    return None
