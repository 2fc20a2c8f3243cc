"""How goals and étapes move, when an étape is late, what an agreement asks, which papers are taken."""

import enum
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal


class GoalStatus(enum.StrEnum):
    """Where a goal stands."""

    OPEN = "open"
    REACHED = "reached"
    DROPPED = "dropped"


GOAL_STATUS_LABELS: dict[GoalStatus, str] = {
    GoalStatus.OPEN: "En cours",
    GoalStatus.REACHED: "Atteint",
    GoalStatus.DROPPED: "Mis de côté",
}


class EtapeStatus(enum.StrEnum):
    """Where an étape stands (domain.md §5.2 C)."""

    PREVUE = "prevue"
    EN_COURS = "en_cours"
    EN_ATTENTE = "en_attente"
    REALISEE = "realisee"
    ABANDONNEE = "abandonnee"
    ANNULEE = "annulee"


ETAPE_STATUS_LABELS: dict[EtapeStatus, str] = {
    EtapeStatus.PREVUE: "Prévue",
    EtapeStatus.EN_COURS: "En cours",
    EtapeStatus.EN_ATTENTE: "En attente",
    EtapeStatus.REALISEE: "Réalisée",
    EtapeStatus.ABANDONNEE: "Abandonnée",
    EtapeStatus.ANNULEE: "Annulée",
}

OPEN_ETAPES = frozenset({EtapeStatus.PREVUE, EtapeStatus.EN_COURS, EtapeStatus.EN_ATTENTE})


class EtapeEvent(enum.StrEnum):
    """What makes an étape move."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    FINISH = "finish"
    ABANDON = "abandon"
    CANCEL = "cancel"


ETAPE_EVENT_LABELS: dict[EtapeEvent, str] = {
    EtapeEvent.START: "Commencer",
    EtapeEvent.PAUSE: "Mettre en attente",
    EtapeEvent.RESUME: "Reprendre",
    EtapeEvent.FINISH: "Terminer",
    EtapeEvent.ABANDON: "Abandonner",
    EtapeEvent.CANCEL: "Annuler",
}

ETAPE_TRANSITIONS: dict[tuple[EtapeStatus, EtapeEvent], EtapeStatus] = {
    (EtapeStatus.PREVUE, EtapeEvent.START): EtapeStatus.EN_COURS,
    (EtapeStatus.PREVUE, EtapeEvent.FINISH): EtapeStatus.REALISEE,
    (EtapeStatus.PREVUE, EtapeEvent.CANCEL): EtapeStatus.ANNULEE,
    (EtapeStatus.EN_COURS, EtapeEvent.PAUSE): EtapeStatus.EN_ATTENTE,
    (EtapeStatus.EN_COURS, EtapeEvent.FINISH): EtapeStatus.REALISEE,
    (EtapeStatus.EN_COURS, EtapeEvent.ABANDON): EtapeStatus.ABANDONNEE,
    (EtapeStatus.EN_ATTENTE, EtapeEvent.RESUME): EtapeStatus.EN_COURS,
    (EtapeStatus.EN_ATTENTE, EtapeEvent.ABANDON): EtapeStatus.ABANDONNEE,
}


def etape_events_from(status: EtapeStatus) -> list[EtapeEvent]:
    """What may happen to an étape next."""
    return [event for event in EtapeEvent if (status, event) in ETAPE_TRANSITIONS]


@dataclass(frozen=True)
class EtapePlan:
    """What is planned: a type of the list « type_etape », in one's own words, with whom, from when to when."""

    type: str
    label: str
    planned_from: date | None = None
    planned_to: date | None = None
    hours: Decimal | None = None
    cost_euros: Decimal | None = None
    note: str | None = None


def plan_refusal(plan: EtapePlan, *, today: date, started_on: date | None) -> str | None:
    """Why an étape cannot be planned so, in a whole sentence, or None. `started_on` is the beginning of the parcours."""
    if plan.planned_from and plan.planned_to and plan.planned_to < plan.planned_from:
        return "La fin prévue précède le début\u00a0: vérifiez les deux dates."
    latest = plan.planned_to or plan.planned_from
    if latest and latest > today + timedelta(days=366 * 3):
        return "Cette date est à plus de trois ans\u00a0: vérifiez l’année."
    if latest and started_on and latest < started_on:
        return "Cette date précède le début du parcours\u00a0: vérifiez l’année."
    return None


def etape_refusal(
    status: EtapeStatus,
    event: EtapeEvent,
    *,
    on: date,
    today: date,
    started_on: date | None,
    result: str | None,
    reason: str | None,
) -> str | None:
    """Why an étape cannot move so, in a whole sentence, or None."""
    if (status, event) not in ETAPE_TRANSITIONS:
        return f"Une étape «\u00a0{ETAPE_STATUS_LABELS[status].lower()}\u00a0» ne peut pas suivre ce chemin."
    if on > today:
        return "Cette date est dans le futur\u00a0: indiquez le jour où cela a eu lieu."
    if started_on and on < started_on:
        return "Cette date précède le début de l’étape\u00a0: vérifiez le jour."
    if event is EtapeEvent.FINISH and not result:
        return "Dites ce que l’étape a donné."
    if event is EtapeEvent.ABANDON and not reason:
        return "Dites pourquoi l’étape est abandonnée."
    return None


def is_overdue(status: EtapeStatus, planned_to: date | None, today: date) -> bool:
    """Whether an étape should be over and is not: never stored."""
    return status in OPEN_ETAPES and planned_to is not None and planned_to < today


class AgreementWay(enum.StrEnum):
    """How a person agreed."""

    SIGNED = "signed"
    SPOKEN = "spoken"


AGREEMENT_WAY_LABELS: dict[AgreementWay, str] = {
    AgreementWay.SIGNED: "Signé sur papier",
    AgreementWay.SPOKEN: "De vive voix",
}

USUAL_REVIEW = timedelta(days=91)


def agreement_refusal(agreed_on: date, review_on: date, *, today: date, not_before: date) -> str | None:
    """Why an agreement cannot be dated so, in a whole sentence, or None."""
    if agreed_on > today:
        return "Cette date est dans le futur\u00a0: indiquez le jour où la personne a donné son accord."
    if agreed_on < not_before:
        return "Cette date précède la rencontre avec la personne\u00a0: vérifiez le jour."
    if review_on <= agreed_on:
        return "La date pour en reparler doit suivre celle de l’accord."
    if review_on > agreed_on + timedelta(days=366):
        return "Prévoyez d’en reparler dans l’année."
    return None


class AttachmentSubject(enum.StrEnum):
    """What a paper is about."""

    AGREEMENT = "agreement"
    EXIT = "exit"


LARGEST_ATTACHMENT = 5 * 1024 * 1024
"""In bytes."""

SIGNATURES: dict[bytes, str] = {
    b"%PDF-": "application/pdf",
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
}


def media_type_of(content: bytes) -> str | None:
    """What a file is by its first bytes, whatever its name says; None when it is not taken."""
    return next((media for beginning, media in SIGNATURES.items() if content.startswith(beginning)), None)
