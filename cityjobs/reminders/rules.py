"""When a reminder is due, to whom, and on which days letters leave."""

import enum
import uuid
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache

import holidays

from cityjobs.parcours.rules.jobs import CHECK_LABELS, CheckMoment, check_due_on, moments_reached
from cityjobs.parcours.rules.situations import MOMENT_LABELS, Moment, asked_between

FIRST_HOUR = time(7)
"""Before it, in Paris, no reminder leaves."""


class ReminderRule(enum.StrEnum):
    """Why somebody is reminded."""

    STEP_TOMORROW = "step_tomorrow"
    STEP_OVERDUE = "step_overdue"
    JOB_CHECK = "job_check"
    SITUATION = "situation"
    SILENCE = "silence"
    SILENCE_ESCALATED = "silence_escalated"
    ETAPE_OVERDUE = "etape_overdue"
    AGREEMENT_REVIEW = "agreement_review"
    SUSPENSION_ENDING = "suspension_ending"


REMINDER_RULE_LABELS: dict[ReminderRule, str] = {
    ReminderRule.STEP_TOMORROW: "À faire demain",
    ReminderRule.STEP_OVERDUE: "À faire, en retard",
    ReminderRule.JOB_CHECK: "Point d’emploi à faire",
    ReminderRule.SITUATION: "Nouvelles à prendre après une sortie",
    ReminderRule.SILENCE: "Sans contact depuis longtemps",
    ReminderRule.SILENCE_ESCALATED: "Sans contact, et sans réaction du référent",
    ReminderRule.ETAPE_OVERDUE: "Étape du plan en retard",
    ReminderRule.AGREEMENT_REVIEW: "Accord à revoir",
    ReminderRule.SUSPENSION_ENDING: "Suspension qui se termine",
}

STEP_RULES = frozenset({ReminderRule.STEP_TOMORROW, ReminderRule.STEP_OVERDUE})
SILENCE_RULES = frozenset({ReminderRule.SILENCE, ReminderRule.SILENCE_ESCALATED})
ASKED_RULES = frozenset({ReminderRule.JOB_CHECK, ReminderRule.SITUATION})
"""What is asked at set moments after a hiring or an exit, and noted under each."""


class ReminderState(enum.StrEnum):
    """Where a line of the ledger stands."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


REMINDER_STATE_LABELS: dict[ReminderState, str] = {
    ReminderState.WAITING: "En attente",
    ReminderState.SENDING: "Envoi en cours",
    ReminderState.SENT: "Envoyé",
    ReminderState.FAILED: "Échoué",
    ReminderState.CANCELLED: "Annulé",
}


class Cancellation(enum.StrEnum):
    """Why a line was not sent: it was no longer true at the moment of sending."""

    RECIPIENT_LEFT = "recipient_left"
    PARCOURS_CLOSED = "parcours_closed"
    REASSIGNED = "reassigned"
    STEP_SETTLED = "step_settled"
    STEP_PUT_OFF = "step_put_off"
    DATE_PASSED = "date_passed"
    CONTACTED = "contacted"
    REACTED = "reacted"
    CHECK_NOTED = "check_noted"
    CHECK_PASSED = "check_passed"
    JOB_ENDED = "job_ended"
    SITUATION_NOTED = "situation_noted"
    SITUATION_PASSED = "situation_passed"
    EXIT_UNDONE = "exit_undone"
    CAME_BACK = "came_back"
    RESUMED = "resumed"
    SUSPENSION_MOVED = "suspension_moved"
    ETAPE_OVER = "etape_over"
    ETAPE_PUT_OFF = "etape_put_off"
    AGREEMENT_OVER = "agreement_over"
    REVIEW_PUT_OFF = "review_put_off"


CANCELLATION_LABELS: dict[Cancellation, str] = {
    Cancellation.RECIPIENT_LEFT: "Le destinataire ne travaille plus dans la Cité",
    Cancellation.PARCOURS_CLOSED: "Le parcours est clos",
    Cancellation.REASSIGNED: "La personne a changé de référent ou de remplaçant, ou la chose à faire est confiée à quelqu’un d’autre",
    Cancellation.STEP_SETTLED: "Ce qui était à faire est déjà réglé",
    Cancellation.STEP_PUT_OFF: "Ce qui est à faire a changé de date",
    Cancellation.DATE_PASSED: "L’échéance est passée\u00a0: rappelée comme en retard",
    Cancellation.CONTACTED: "La personne a donné des nouvelles",
    Cancellation.REACTED: "Le référent a réagi",
    Cancellation.CHECK_NOTED: "Le point d’emploi est déjà noté",
    Cancellation.CHECK_PASSED: "Le point d’emploi n’est plus à faire\u00a0: le suivant est arrivé, ou l’embauche a changé de date",
    Cancellation.JOB_ENDED: "L’emploi s’est arrêté",
    Cancellation.SITUATION_NOTED: "La situation est déjà notée",
    Cancellation.SITUATION_PASSED: "La situation n’est plus à demander",
    Cancellation.EXIT_UNDONE: "La sortie a été annulée",
    Cancellation.CAME_BACK: "La personne est revenue dans un nouveau parcours",
    Cancellation.RESUMED: "Le parcours a repris",
    Cancellation.SUSPENSION_MOVED: "La fin prévue de la suspension a changé de date",
    Cancellation.ETAPE_OVER: "L’étape du plan est terminée",
    Cancellation.ETAPE_PUT_OFF: "L’étape du plan a changé de date",
    Cancellation.AGREEMENT_OVER: "L’accord a été remplacé ou a pris fin",
    Cancellation.REVIEW_PUT_OFF: "La revue de l’accord a changé de date",
}

_WHEN_OVER: dict[ReminderRule, Cancellation] = {
    ReminderRule.STEP_TOMORROW: Cancellation.STEP_SETTLED,
    ReminderRule.STEP_OVERDUE: Cancellation.STEP_SETTLED,
    ReminderRule.JOB_CHECK: Cancellation.JOB_ENDED,
    ReminderRule.SITUATION: Cancellation.CAME_BACK,
    ReminderRule.SUSPENSION_ENDING: Cancellation.RESUMED,
    ReminderRule.ETAPE_OVERDUE: Cancellation.ETAPE_OVER,
    ReminderRule.AGREEMENT_REVIEW: Cancellation.AGREEMENT_OVER,
}
_WHEN_MOVED: dict[ReminderRule, Cancellation] = {
    ReminderRule.STEP_TOMORROW: Cancellation.STEP_PUT_OFF,
    ReminderRule.STEP_OVERDUE: Cancellation.STEP_PUT_OFF,
    ReminderRule.SUSPENSION_ENDING: Cancellation.SUSPENSION_MOVED,
    ReminderRule.ETAPE_OVERDUE: Cancellation.ETAPE_PUT_OFF,
    ReminderRule.AGREEMENT_REVIEW: Cancellation.REVIEW_PUT_OFF,
}


@cache
def _holidays_of(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("FR", years=year))


def is_working_day(day: date) -> bool:
    """Monday to Friday, but for the public holidays of metropolitan France."""
    return day.weekday() < 5 and day not in _holidays_of(day.year)


def working_day_after(day: date) -> date:
    """The first working day strictly after a day: steps due up to it are recalled on that day."""
    after = day + timedelta(days=1)
    while not is_working_day(after):
        after += timedelta(days=1)
    return after


def may_leave(local: datetime) -> bool:
    """Whether reminders may leave at this Paris time: a working day, from seven in the morning."""
    return is_working_day(local.date()) and local.time() >= FIRST_HOUR


@dataclass(frozen=True)
class Line:
    """One line of the ledger, with what is true of its subject at the moment of sending.

    `subject_is_open`: what is to do still is, the job, the suspension or the agreement goes on, the étape is not over, nobody
    came back since the exit; `subject_due_on` the day it is due now, `due_at` the hour of an appointment. What is asked at
    set moments counts them from `counted_from`, the day of the hiring or of the exit; `noted` are the moments already noted.
    `silent_until` is the day on which the silence becomes one: last contact plus the days of the Cité;
    `follower_id` the référent of now, or the colleague a thing to do is entrusted to, or whoever replaces them; for an escalation `told_id` is the référent who had been reminded.
    """

    id: uuid.UUID
    rule: ReminderRule
    due_on: date
    recipient_id: uuid.UUID
    person_id: uuid.UUID
    cite_id: uuid.UUID
    cite_name: str
    initials: str
    recipient_is_here: bool
    parcours_is_open: bool
    follower_id: uuid.UUID | None
    subject_is_open: bool | None = None
    subject_due_on: date | None = None
    due_at: time | None = None
    counted_from: date | None = None
    noted: frozenset[str] = frozenset()
    heard_on: date | None = None
    silent_until: date | None = None
    told_id: uuid.UUID | None = None
    told_silent_until: date | None = None
    reacted: bool = False


def reason_to_cancel(line: Line, on: date) -> Cancellation | None:
    """Why a line must not be sent on a day, or None when it still holds."""
    if not line.recipient_is_here:
        return Cancellation.RECIPIENT_LEFT
    if line.rule is ReminderRule.SITUATION:
        if line.parcours_is_open:
            return Cancellation.EXIT_UNDONE
    elif not line.parcours_is_open:
        return Cancellation.PARCOURS_CLOSED
    addressed = line.told_id if line.rule is ReminderRule.SILENCE_ESCALATED else line.recipient_id
    if line.follower_id is None or line.follower_id != addressed:
        return Cancellation.REASSIGNED
    if line.rule in SILENCE_RULES:
        return _reason_about_silence(line)
    return _reason_about_asking(line, on) if line.rule in ASKED_RULES else _reason_about_day(line, on)


def _reason_about_silence(line: Line) -> Cancellation | None:
    silent_since = line.due_on if line.rule is ReminderRule.SILENCE else line.told_silent_until
    if line.silent_until != silent_since:
        return Cancellation.CONTACTED
    return Cancellation.REACTED if line.reacted else None


def _reason_about_day(line: Line, on: date) -> Cancellation | None:
    if not line.subject_is_open:
        return _WHEN_OVER[line.rule]
    if line.subject_due_on != line.due_on:
        return _WHEN_MOVED[line.rule]
    if line.rule is ReminderRule.STEP_TOMORROW and line.due_on < on:
        return Cancellation.DATE_PASSED
    return None


def _reason_about_asking(line: Line, on: date) -> Cancellation | None:
    moment, about_job = moment_of(line), line.rule is ReminderRule.JOB_CHECK
    if moment in line.noted:
        return Cancellation.CHECK_NOTED if about_job else Cancellation.SITUATION_NOTED
    if not line.subject_is_open:
        return _WHEN_OVER[line.rule]
    if moment is None or moment is not _moment_asked(line, on):
        return Cancellation.CHECK_PASSED if about_job else Cancellation.SITUATION_PASSED
    return None


_AFTER_EXIT = (Moment.EXIT, Moment.M3, Moment.M6)


def moment_of(line: Line) -> CheckMoment | Moment | None:
    """Which moment after the hiring, or the exit, falls on the day of a line; None when none does any longer."""
    since = line.counted_from
    if since is None:
        return None
    if line.rule is ReminderRule.JOB_CHECK:
        return next((each for each in CheckMoment if check_due_on(since, each) == line.due_on), None)
    return next((each for each in _AFTER_EXIT if asked_between(since, each)[0] == line.due_on), None)


def _moment_asked(line: Line, on: date) -> CheckMoment | Moment | None:
    """The moment that is asked about on a day."""
    since = line.counted_from
    if since is None:
        return None
    if line.rule is ReminderRule.JOB_CHECK:
        return next(reversed(moments_reached(since, on)), None)
    for moment in _AFTER_EXIT:
        first, last = asked_between(since, moment)
        if first <= on < last:
            return moment
    return None


SECTIONS: dict[ReminderRule, str] = {
    ReminderRule.STEP_TOMORROW: "À faire d’ici le prochain jour ouvré",
    ReminderRule.STEP_OVERDUE: "À faire, en retard",
    ReminderRule.JOB_CHECK: "Points d’emploi à faire",
    ReminderRule.SITUATION: "Nouvelles à prendre après une sortie",
    ReminderRule.SILENCE: "Sans nouvelles",
    ReminderRule.ETAPE_OVERDUE: "Étapes du plan en retard",
    ReminderRule.AGREEMENT_REVIEW: "Accords à revoir",
    ReminderRule.SUSPENSION_ENDING: "Suspensions qui se terminent",
    ReminderRule.SILENCE_ESCALATED: "À relancer avec le référent",
}
"""Headings of the morning letter, in the order in which they are read; those of « Ma journée » bear the same names."""


def morning_subject(count: int) -> str:
    """The subject of the morning letter: a number, never a name."""
    return f"CityJobs\u00a0: {count} rappel{'s' if count > 1 else ''} ce matin"


def when_in_words(line: Line, on: date) -> str:
    """What is said of the date of a line, read on a day."""
    days = (line.due_on - on).days
    late = _counted(-days)
    match line.rule:
        case ReminderRule.STEP_OVERDUE | ReminderRule.ETAPE_OVERDUE:
            return f"en retard de {late}"
        case ReminderRule.STEP_TOMORROW:
            return _ahead(days)
        case ReminderRule.JOB_CHECK | ReminderRule.SITUATION:
            return f"{_moment_in_words(line)}, à demander {'aujourd’hui' if days == 0 else f'depuis {late}'}"
        case ReminderRule.AGREEMENT_REVIEW:
            return "à revoir aujourd’hui" if days == 0 else f"à revoir depuis {late}"
        case ReminderRule.SUSPENSION_ENDING:
            return f"fin prévue dépassée de {late}" if days < 0 else f"fin prévue {_ahead(days)}"
    silent = (on - line.heard_on).days if line.heard_on else 0
    return f"sans nouvelles depuis {silent} jours"


def _counted(days: int) -> str:
    return f"{days} jour{'s' if days > 1 else ''}"


def _ahead(days: int) -> str:
    return {0: "aujourd’hui", 1: "demain"}.get(days, f"dans {days} jours")


def _moment_in_words(line: Line) -> str:
    moment = moment_of(line)
    label = (
        CHECK_LABELS[moment] if isinstance(moment, CheckMoment) else MOMENT_LABELS[moment] if moment else ""
    )
    return label[:1].lower() + label[1:]
