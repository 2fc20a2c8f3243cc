"""Ways of talking with a person, what counts as a contact, and when a next step is due."""

import enum
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from cityjobs.parcours.rules.lifecycle import Event, Status


class InterviewMode(enum.StrEnum):
    """How an exchange took place (domain.md §2.13)."""

    PRESENTIEL_RDV = "presentiel_rdv"
    PRESENTIEL_SPONTANE = "presentiel_spontane"
    TELEPHONE = "telephone"
    VISIO = "visio"
    DOMICILE = "domicile"
    EXTERIEUR = "exterieur"
    COLLECTIF = "collectif"
    TRIPARTITE = "tripartite"
    TIERS = "tiers"
    SMS_MAIL = "sms_mail"
    COURRIER = "courrier"


INTERVIEW_MODE_LABELS: dict[InterviewMode, str] = {
    InterviewMode.PRESENTIEL_RDV: "Sur rendez-vous",
    InterviewMode.PRESENTIEL_SPONTANE: "Sans rendez-vous",
    InterviewMode.TELEPHONE: "Téléphone",
    InterviewMode.VISIO: "Visio",
    InterviewMode.DOMICILE: "À domicile",
    InterviewMode.EXTERIEUR: "À l’extérieur",
    InterviewMode.COLLECTIF: "En groupe",
    InterviewMode.TRIPARTITE: "À trois, avec un partenaire",
    InterviewMode.TIERS: "Avec un tiers",
    InterviewMode.SMS_MAIL: "SMS ou courriel",
    InterviewMode.COURRIER: "Courrier",
}

MEETINGS = frozenset(
    {
        InterviewMode.PRESENTIEL_RDV,
        InterviewMode.PRESENTIEL_SPONTANE,
        InterviewMode.VISIO,
        InterviewMode.DOMICILE,
        InterviewMode.EXTERIEUR,
        InterviewMode.COLLECTIF,
        InterviewMode.TRIPARTITE,
    }
)
"""Modes in which the person is met, and not only reached."""

WITHOUT_THE_PERSON = frozenset({InterviewMode.TIERS, InterviewMode.COURRIER})
"""Modes that never count as a contact coming from the person (domain.md §3.5)."""


def is_contact(mode: InterviewMode, reached: bool) -> bool:
    """Whether an exchange proves that the person was there: the clock of silence starts again."""
    return reached and mode not in WITHOUT_THE_PERSON


class StepState(enum.StrEnum):
    """Where a next step stands."""

    TODO = "todo"
    DONE = "done"
    CANCELLED = "cancelled"


LETTER = "passed_on"
"""The kind of the letter to a colleague whom something is passed on to."""

PASSED_ON_SUBJECT = "CityJobs\u00a0: une chose à faire vous est confiée"
"""Never a name, nor what is to be done."""


def days_late(due_on: date, today: date) -> int:
    """How many days after its due date; 0 when not late."""
    return max(0, (today - due_on).days)


FINISH_UNDO_LASTS = timedelta(minutes=15)


@dataclass(frozen=True)
class Exchange:
    """What an interview says; `duration` in minutes."""

    held_on: date
    mode: InterviewMode
    synthesis: str
    reached: bool = True
    duration: int | None = None


@dataclass(frozen=True)
class Plan:
    """What comes next, and for when; with an hour it is an appointment, which may have a place."""

    title: str
    due_on: date
    due_at: time | None = None
    place: str | None = None


def day_refusal(held_on: date, *, today: date, spotted_on: date) -> str | None:
    """Why an exchange cannot have taken place on a day, in a whole sentence, or None."""
    if held_on > today:
        return "Cette date est dans le futur : un échange se note une fois qu’il a eu lieu."
    if held_on < spotted_on:
        return "Cette date précède le repérage de la personne : vérifiez le jour."
    return None


def due_refusal(due_on: date, *, today: date) -> str | None:
    """Why a next step cannot be due on a day, in a whole sentence, or None."""
    if due_on < today:
        return "Cette date est déjà passée : indiquez aujourd’hui ou un jour à venir."
    if due_on > today + timedelta(days=366 * 2):
        return "Cette date est à plus de deux ans : vérifiez l’année."
    return None


def due_suggestions(today: date) -> list[tuple[date, str]]:
    """Days most often chosen for what comes next, with how they are called; never a Saturday or a Sunday."""
    asked = (
        (1, "demain"),
        (3, "dans 3 jours"),
        (7, "dans une semaine"),
        (14, "dans deux semaines"),
        (28, "dans un mois"),
    )
    days: dict[date, str] = {}
    for span, label in asked:
        day = today + timedelta(days=span)
        if day.weekday() >= 5:
            day, label = day + timedelta(days=7 - day.weekday()), "lundi" if span < 7 else label
        days.setdefault(day, label)
    return sorted(days.items())


def event_after(status: Status, exchange: Exchange) -> Event | None:
    """The move that an exchange proves by itself, or None: it never goes further than « rencontré »."""
    if not is_contact(exchange.mode, exchange.reached):
        return None
    if exchange.mode in MEETINGS and status in (Status.REPERE, Status.CONTACTE):
        return Event.FIRST_MET
    if status is Status.REPERE:
        return Event.CONTACT_OK
    return None


def heard_on(*, last_contact_on: date | None, assigned_on: date | None, spotted_on: date) -> date:
    """The day from which silence is counted: the last contact or, when never reached, the day of assignment."""
    return last_contact_on or assigned_on or spotted_on


def is_silent(heard: date, *, today: date, silence_days: int) -> bool:
    """Whether nothing was heard for as many days as the Cité tolerates."""
    return (today - heard).days >= silence_days


def may_undo(settled_at: datetime | None, now: datetime) -> bool:
    """Whether « Fait » can still be taken back (15 minutes)."""
    return settled_at is not None and now - settled_at <= FINISH_UNDO_LASTS
