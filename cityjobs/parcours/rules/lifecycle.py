"""The life of a parcours as a table: statuses, events, and who may make which."""

import enum
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from dateutil.relativedelta import relativedelta

from cityjobs.core.grants import Role
from cityjobs.parcours.rules.exits import ExitFacts, ExitRule, exit_refusal
from cityjobs.parcours.rules.jobs import Hiring, end_refusal
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

EVENT_DONE_LABELS: dict[Event, str] = {
    Event.CONTACT_OK: "la personne a été contactée",
    Event.FIRST_MET: "la personne a été rencontrée",
    Event.START_ASSESSMENT: "le diagnostic est commencé",
    Event.PROPOSE: "le parcours est proposé à la commission",
    Event.ENROLL: "la personne est entrée en parcours",
    Event.DECLINE: "la personne n’entre pas en parcours",
    Event.SUSPEND: "le parcours est suspendu",
    Event.RESUME: "le parcours reprend",
    Event.HIRE: "la personne est en emploi ou en formation qualifiante",
    Event.CONTRACT_BROKEN: "l’emploi s’est arrêté",
    Event.CLOSE: "le parcours est clos",
    Event.REOPEN: "la sortie est annulée, le parcours reprend",
}
"""What is told once it is done."""

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
class Leaving:
    """What is known of an exit beside its type, and the rules of the ruleset by which it is read."""

    ruleset_id: uuid.UUID
    rules: Mapping[str, ExitRule]
    months: int | None = None
    evidence: str | None = None
    evidence_seen_on: date | None = None
    given_up: Sequence[Mapping[str, str]] = ()
    """What this exit alone gave up, as whoever gives it up can put it back."""

    def facts(self, exit_type: str) -> ExitFacts:
        """What the ruleset reads."""
        return ExitFacts(exit_type, self.months, self.evidence)


@dataclass(frozen=True)
class Move:
    """One event of one parcours, on a day, with what it needs: a reason, the end one expects, a hiring, an exit."""

    event: Event
    on: date
    reason: str | None = None
    until: date | None = None
    hiring: Hiring | None = None
    leaving: Leaving | None = None


class Refusal(NamedTuple):
    """Which answer does not stand, and why, in a whole sentence."""

    field: str
    sentence: str


def refusals(
    status: Status, move: Move, *, today: date, not_before: date, ended_on: date | None = None
) -> list[Refusal]:
    """All that a move is refused for. `not_before` is the day of the last move, `ended_on` that of the exit."""
    if (status, move.event) not in TRANSITIONS:
        label = STATUS_LABELS[Status(status)].lower()
        return [Refusal("on", f"Un parcours «\u00a0{label}\u00a0» ne peut pas suivre cette étape.")]
    refused = []
    if move.on > today:
        refused.append(
            Refusal("on", "Cette date est dans le futur\u00a0: indiquez le jour où cela a eu lieu.")
        )
    elif move.on < not_before:
        refused.append(Refusal("on", "Cette date précède l’étape d’avant\u00a0: vérifiez le jour."))
    needed = _NEEDED.get(move.event)
    return [*refused, *(needed(move, today, ended_on) if needed else ())]


def latest_end_of_pause(started_on: date) -> date:
    """A parcours is suspended for six months at most (domain.md §5.2 A)."""
    day: date = started_on + relativedelta(months=6)
    return day


def _decline(move: Move, _today: date, _ended_on: date | None) -> Iterator[Refusal]:
    if move.reason not in tuple(NonEntryReason):
        yield Refusal("reason", "Indiquez pourquoi la personne n’entre pas en parcours.")


def _suspend(move: Move, _today: date, _ended_on: date | None) -> Iterator[Refusal]:
    if not move.reason:
        yield Refusal("reason", "Indiquez pourquoi le parcours est suspendu.")
    if move.until is None:
        yield Refusal("until", "Indiquez le jour où vous pensez reprendre.")
    elif move.until < move.on:
        yield Refusal(
            "until", "La fin prévue précède le début de la suspension\u00a0: vérifiez les deux jours."
        )
    elif move.until > latest_end_of_pause(move.on):
        yield Refusal(
            "until",
            "Une suspension dure six mois au plus\u00a0: choisissez un jour plus proche, ou une sortie.",
        )


def _hire(move: Move, _today: date, _ended_on: date | None) -> Iterator[Refusal]:
    if move.hiring is None or move.hiring.started_on != move.on:
        yield Refusal("on", "Dites de quel emploi ou de quelle formation il s’agit.")
        return
    refused = end_refusal(move.hiring)
    if refused:
        yield Refusal("expected_end_on", refused)


def _broken(move: Move, _today: date, _ended_on: date | None) -> Iterator[Refusal]:
    if not move.reason:
        yield Refusal("reason", "Indiquez pourquoi l’emploi ou la formation s’est arrêté.")


def _close(move: Move, today: date, _ended_on: date | None) -> Iterator[Refusal]:
    if move.reason not in tuple(ExitReason):
        yield Refusal("reason", "Indiquez comment le parcours se termine.")
        return
    if move.leaving is None:
        return
    seen_on = move.leaving.evidence_seen_on
    refused = exit_refusal(move.leaving.facts(str(move.reason)), move.leaving.rules)
    if refused:
        yield Refusal("evidence", refused)
    elif (move.leaving.evidence is None) != (seen_on is None):
        yield Refusal(
            "evidence_seen_on", "Indiquez le justificatif et le jour où vous l’avez vu, ou aucun des deux."
        )
    if seen_on and seen_on > today:
        yield Refusal(
            "evidence_seen_on", "Cette date est dans le futur\u00a0: indiquez le jour où vous l’avez vu."
        )


def _reopen(_move: Move, today: date, ended_on: date | None) -> Iterator[Refusal]:
    if ended_on is None or ended_on + REOPENING_LASTS < today:
        yield Refusal(
            "on",
            "Cette sortie date de plus de 30 jours\u00a0: ouvrez plutôt un nouveau parcours, lié à celui-ci.",
        )


_NEEDED: dict[Event, Callable[[Move, date, date | None], Iterator[Refusal]]] = {
    Event.DECLINE: _decline,
    Event.SUSPEND: _suspend,
    Event.HIRE: _hire,
    Event.CONTRACT_BROKEN: _broken,
    Event.CLOSE: _close,
    Event.REOPEN: _reopen,
}
