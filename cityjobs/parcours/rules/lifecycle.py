"""The life of a parcours as a table: statuses, events, and who may make which."""

import enum
from dataclasses import dataclass
from datetime import date, timedelta

from cityjobs.core.grants import Role
from cityjobs.parcours.rules.reasons import ExitReason, NonEntryReason


class Status(enum.StrEnum):
    """Where a parcours stands (domain.md §5.2 A)."""

    REPERE = "repere"
    CONTACTE = "contacte"
    RENCONTRE = "rencontre"
    DIAGNOSTIC = "diagnostic"
    EN_VALIDATION = "en_validation"
    ACTIF = "actif"
    SUSPENDU = "suspendu"
    SUIVI_EMPLOI = "suivi_emploi"
    SORTI = "sorti"
    NON_ENTREE = "non_entree"


STATUS_LABELS: dict[Status, str] = {
    Status.REPERE: "Repéré",
    Status.CONTACTE: "Contacté",
    Status.RENCONTRE: "Rencontré",
    Status.DIAGNOSTIC: "Diagnostic",
    Status.EN_VALIDATION: "En validation",
    Status.ACTIF: "Actif",
    Status.SUSPENDU: "Suspendu",
    Status.SUIVI_EMPLOI: "Suivi dans l’emploi",
    Status.SORTI: "Sorti",
    Status.NON_ENTREE: "Non entré",
}

CLOSED_STATUSES = frozenset({Status.SORTI, Status.NON_ENTREE})
OPEN_STATUSES = frozenset(Status) - CLOSED_STATUSES
ENTERED_STATUSES = frozenset({Status.ACTIF, Status.SUSPENDU, Status.SUIVI_EMPLOI})
"""Open, and past the entry: goals, étapes and an agreement may be written."""
FOLLOWED_STATUSES = frozenset({Status.ACTIF, Status.SUIVI_EMPLOI})
"""What counts in the « file active » (domain.md §1.5)."""


class Event(enum.StrEnum):
    """What makes a parcours move."""

    CONTACT_OK = "contact_ok"
    FIRST_MET = "first_met"
    START_ASSESSMENT = "start_assessment"
    PROPOSE = "propose"
    ENROLL = "enroll"
    DECLINE = "decline"
    SUSPEND = "suspend"
    RESUME = "resume"
    HIRE = "hire"
    CONTRACT_BROKEN = "contract_broken"
    CLOSE = "close"
    REOPEN = "reopen"


EVENT_LABELS: dict[Event, str] = {
    Event.CONTACT_OK: "La personne a été contactée",
    Event.FIRST_MET: "La personne a été rencontrée",
    Event.START_ASSESSMENT: "Commencer le diagnostic",
    Event.PROPOSE: "Proposer à la commission",
    Event.ENROLL: "Entrer en parcours",
    Event.DECLINE: "Ne pas entrer en parcours",
    Event.SUSPEND: "Suspendre",
    Event.RESUME: "Reprendre après une suspension",
    Event.HIRE: "Emploi ou formation qualifiante",
    Event.CONTRACT_BROKEN: "L’emploi s’est arrêté",
    Event.CLOSE: "Clore le parcours",
    Event.REOPEN: "Annuler la sortie",
}

TRANSITIONS: dict[tuple[Status, Event], Status | None] = {
    (Status.REPERE, Event.CONTACT_OK): Status.CONTACTE,
    (Status.REPERE, Event.FIRST_MET): Status.RENCONTRE,
    (Status.CONTACTE, Event.FIRST_MET): Status.RENCONTRE,
    (Status.RENCONTRE, Event.START_ASSESSMENT): Status.DIAGNOSTIC,
    (Status.DIAGNOSTIC, Event.PROPOSE): Status.EN_VALIDATION,
    (Status.DIAGNOSTIC, Event.ENROLL): Status.ACTIF,
    (Status.EN_VALIDATION, Event.ENROLL): Status.ACTIF,
    (Status.REPERE, Event.DECLINE): Status.NON_ENTREE,
    (Status.CONTACTE, Event.DECLINE): Status.NON_ENTREE,
    (Status.RENCONTRE, Event.DECLINE): Status.NON_ENTREE,
    (Status.DIAGNOSTIC, Event.DECLINE): Status.NON_ENTREE,
    (Status.EN_VALIDATION, Event.DECLINE): Status.NON_ENTREE,
    (Status.ACTIF, Event.SUSPEND): Status.SUSPENDU,
    (Status.SUSPENDU, Event.RESUME): Status.ACTIF,
    (Status.ACTIF, Event.HIRE): Status.SUIVI_EMPLOI,
    (Status.SUIVI_EMPLOI, Event.CONTRACT_BROKEN): Status.ACTIF,
    (Status.ACTIF, Event.CLOSE): Status.SORTI,
    (Status.SUSPENDU, Event.CLOSE): Status.SORTI,
    (Status.SUIVI_EMPLOI, Event.CLOSE): Status.SORTI,
    (Status.SORTI, Event.REOPEN): None,
}
"""Where each event leads from each status; None: back to where the parcours stood before."""

REOPENING_LASTS = timedelta(days=30)


@dataclass(frozen=True)
class Custom:
    """How a Cité works: whether entries are decided by a commission."""

    uses_commission: bool = False


def may(role: Role, status: Status, event: Event, custom: Custom) -> bool:
    """Whether a role may make an event happen from a status (domain.md §5.2 A and §5.3)."""
    if (status, event) not in TRANSITIONS or role not in (Role.REFERENT, Role.COORDINATOR):
        return False
    if event is Event.PROPOSE:
        return custom.uses_commission
    if event is Event.REOPEN:
        return role is Role.COORDINATOR
    if event is Event.ENROLL:
        decided_by_commission = status is Status.EN_VALIDATION
        return role is Role.COORDINATOR if decided_by_commission else not custom.uses_commission
    if status is Status.EN_VALIDATION:
        return role is Role.COORDINATOR
    return True


def events_from(status: Status, role: Role, custom: Custom) -> list[Event]:
    """What somebody may make happen next."""
    return [event for event in Event if may(role, status, event, custom)]


class AssignmentKind(enum.StrEnum):
    """Whether somebody is the référent or seconds them."""

    REFERENT = "referent"
    CO_REFERENT = "co_referent"


UNDO_LASTS = timedelta(minutes=15)


@dataclass(frozen=True)
class Move:
    """One event of one parcours, on a day, for a reason where one is needed."""

    event: Event
    on: date
    reason: str | None = None


def refusal(status: Status, move: Move, *, today: date, not_before: date) -> str | None:
    """Why a move is refused, in a whole sentence, or None. `not_before` is the day of the last move."""
    if (status, move.event) not in TRANSITIONS:
        return f"Un parcours « {STATUS_LABELS[Status(status)].lower()} » ne peut pas suivre cette étape."
    if move.on > today:
        return "Cette date est dans le futur : indiquez le jour où cela a eu lieu."
    if move.on < not_before:
        return "Cette date précède l’étape d’avant : vérifiez le jour."
    if move.event is Event.DECLINE and move.reason not in tuple(NonEntryReason):
        return "Indiquez pourquoi la personne n’entre pas en parcours."
    if move.event is Event.CLOSE and move.reason not in tuple(ExitReason):
        return "Indiquez comment le parcours se termine."
    return None
