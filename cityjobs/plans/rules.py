"""How goals and étapes move, when an étape is late, what an agreement asks, which papers are taken."""

import enum
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
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


class GoalGesture(enum.StrEnum):
    """What makes a goal move."""

    REACH = "reach"
    DROP = "drop"
    REOPEN = "reopen"


GOAL_GESTURE_LABELS: dict[GoalGesture, str] = {
    GoalGesture.REACH: "Objectif atteint",
    GoalGesture.DROP: "Mettre de côté",
    GoalGesture.REOPEN: "Reprendre",
}

GOAL_TRANSITIONS: dict[tuple[GoalStatus, GoalGesture], GoalStatus] = {
    (GoalStatus.OPEN, GoalGesture.REACH): GoalStatus.REACHED,
    (GoalStatus.OPEN, GoalGesture.DROP): GoalStatus.DROPPED,
    (GoalStatus.REACHED, GoalGesture.REOPEN): GoalStatus.OPEN,
    (GoalStatus.DROPPED, GoalGesture.REOPEN): GoalStatus.OPEN,
}


def goal_gestures_from(status: GoalStatus) -> list[GoalGesture]:
    """What may happen to a goal next."""
    return [gesture for gesture in GoalGesture if (status, gesture) in GOAL_TRANSITIONS]


PLAN_CLOSED = "Ce parcours est clos\u00a0: son plan reste lisible, mais ne change plus."


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

DATED_EVENTS = frozenset({EtapeEvent.START, EtapeEvent.FINISH, EtapeEvent.ABANDON})
"""Whoever notes one of these says on which day it was; the others are of the day they are noted."""


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


def progress_of(statuses: Iterable[EtapeStatus]) -> tuple[int, int]:
    """How many étapes were done, and out of how many: a cancelled one was never to be done."""
    counted = [status for status in statuses if status is not EtapeStatus.ANNULEE]
    return counted.count(EtapeStatus.REALISEE), len(counted)


def is_ready_to_settle(others: Collection[EtapeStatus]) -> bool:
    """Whether the last étape of a goal, or of a frein, is ending: none of the others is still open."""
    return not OPEN_ETAPES.intersection(others)


# Plans kept by a Cité


@dataclass(frozen=True)
class KeptLine:
    """A goal of a kept plan with at most one étape towards it; `after_days` counts from the day it is applied."""

    goal_label: str
    frein_code: str | None = None
    goal_code: str | None = None
    etape_type: str | None = None
    etape_label: str | None = None
    after_days: int | None = None

    @property
    def goal(self) -> tuple[str | None, str | None, str]:
        """What makes two lines those of one goal."""
        return self.frein_code, self.goal_code, self.goal_label


LATEST_AFTER = 1000
"""In days."""


def days_after(beginning: date, planned: date | None) -> int | None:
    """How long after the beginning of a plan something was planned, between 0 and 1 000 days."""
    return None if planned is None else max(0, min((planned - beginning).days, LATEST_AFTER))


class LineFate(enum.StrEnum):
    """What becomes of a line of a kept plan when it is applied to a parcours."""

    ADDED = "added"
    THERE = "there"
    SKIPPED = "skipped"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Offered:
    """The codes of goals and the types of étapes that may be chosen today."""

    goals: frozenset[str]
    etapes: frozenset[str]


def fate_of(
    line: KeptLine,
    present: Collection[str],
    there: Collection[tuple[object, ...]],
    offered: Offered | None = None,
) -> LineFate:
    """What becomes of a line: skipped when its frein is not identified here, left as it is when already planned.

    Withdrawn when it would write a goal or an étape that its list, since, offers no more; None: all are offered.

    `present` holds the codes of the freins of the parcours, `there` what its plan already has: the goal alone, or the
    goal with the type and the label of an étape.
    """
    if line.frein_code is not None and line.frein_code not in present:
        return LineFate.SKIPPED
    whole = line.goal if line.etape_type is None else (*line.goal, line.etape_type, line.etape_label)
    if whole in there:
        return LineFate.THERE
    if offered is not None and (
        (line.goal_code is not None and line.goal not in there and line.goal_code not in offered.goals)
        or (line.etape_type is not None and line.etape_type not in offered.etapes)
    ):
        return LineFate.WITHDRAWN
    return LineFate.ADDED


def fates_of(
    lines: Sequence[KeptLine],
    present: Collection[str],
    there: Collection[tuple[object, ...]],
    offered: Offered | None = None,
) -> list[tuple[KeptLine, LineFate]]:
    """What becomes of each line."""
    return [(line, fate_of(line, present, there, offered)) for line in lines]


# Agreements


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


MOST_PAPERS = 20
"""How many papers an agreement holds."""
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


EXTENSIONS: dict[str, tuple[str, ...]] = {
    "application/pdf": (".pdf",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
}
LONGEST_NAME = 120
PAPER_REFUSED = "Seuls un PDF, une photo JPEG ou une image PNG peuvent être joints."
PAPER_TOO_LARGE = "Ce fichier dépasse 5\u00a0Mo\u00a0: réduisez-le, ou photographiez-le autrement."
PAPER_EMPTY = "Ce fichier est vide\u00a0: choisissez-en un autre."


@dataclass(frozen=True)
class Paper:
    """A file that may be kept: its name without any path, what it is by its bytes, its content."""

    name: str
    media_type: str
    content: bytes


def paper_refusal(content: bytes) -> str | None:
    """Why a file cannot be kept, in a whole sentence, or None."""
    if not content:
        return PAPER_EMPTY
    if len(content) > LARGEST_ATTACHMENT:
        return PAPER_TOO_LARGE
    return None if media_type_of(content) else PAPER_REFUSED


def kept_name(name: str | None, media_type: str) -> str:
    """The name of a file without path nor control signs, 120 signs at most, ending as what it is ends.

    « scans/contrat.PDF » → « contrat.pdf », « page.html » found to be an image → « page.html.png »
    """
    last = re.split(r"[/\\]", name or "")[-1]
    plain = "".join(sign for sign in last if unicodedata.category(sign)[0] != "C" and sign not in '"<>:|?*')
    plain = " ".join(plain.split()).strip(". ")
    endings = EXTENSIONS[media_type]
    ending = next((each for each in endings if plain.lower().endswith(each)), None)
    stem = (plain[: -len(ending)] if ending else plain).strip(". ") or "document"
    ending = ending or endings[0]
    return stem[: LONGEST_NAME - len(ending)] + ending


def paper_of(name: str | None, content: bytes) -> Paper:
    """A file that was not refused, as it is kept."""
    media_type = media_type_of(content) or "application/pdf"
    return Paper(kept_name(name, media_type), media_type, content)
