"""When a reminder is due, to whom, and on which days letters leave."""

import enum
import uuid
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache

import holidays

FIRST_HOUR = time(7)
"""Before it, in Paris, no reminder leaves."""


class ReminderRule(enum.StrEnum):
    """Why somebody is reminded."""

    STEP_TOMORROW = "step_tomorrow"
    STEP_OVERDUE = "step_overdue"
    SILENCE = "silence"
    SILENCE_ESCALATED = "silence_escalated"


REMINDER_RULE_LABELS: dict[ReminderRule, str] = {
    ReminderRule.STEP_TOMORROW: "Prochaine étape demain",
    ReminderRule.STEP_OVERDUE: "Prochaine étape en retard",
    ReminderRule.SILENCE: "Sans contact depuis longtemps",
    ReminderRule.SILENCE_ESCALATED: "Sans contact, et sans réaction du référent",
}

STEP_RULES = frozenset({ReminderRule.STEP_TOMORROW, ReminderRule.STEP_OVERDUE})


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


CANCELLATION_LABELS: dict[Cancellation, str] = {
    Cancellation.RECIPIENT_LEFT: "Le destinataire ne travaille plus dans la Cité",
    Cancellation.PARCOURS_CLOSED: "Le parcours est clos",
    Cancellation.REASSIGNED: "La personne a changé de référent ou de remplaçant",
    Cancellation.STEP_SETTLED: "L’étape était déjà réglée",
    Cancellation.STEP_PUT_OFF: "L’étape a changé de date",
    Cancellation.DATE_PASSED: "L’échéance est passée : rappelée comme en retard",
    Cancellation.CONTACTED: "La personne a donné des nouvelles",
    Cancellation.REACTED: "Le référent a réagi",
}


@cache
def _holidays_of(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("FR", years=year))


def is_working_day(day: date) -> bool:
    """Monday to Friday, but for the public holidays of metropolitan France."""
    return day.weekday() < 5 and day not in _holidays_of(day.year)


def working_day_before(day: date) -> date:
    """The last working day strictly before a day: when what is due on it is recalled."""
    before = day - timedelta(days=1)
    while not is_working_day(before):
        before -= timedelta(days=1)
    return before


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

    `silent_until` is the day on which the silence becomes one: last contact plus the days of the Cité;
    `follower_id` the référent of now, or whoever replaces them; for an escalation `told_id` is the référent who had been reminded.
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
    step_is_to_do: bool | None = None
    step_due_on: date | None = None
    heard_on: date | None = None
    silent_until: date | None = None
    told_id: uuid.UUID | None = None
    told_silent_until: date | None = None
    reacted: bool = False


def reason_to_cancel(line: Line, on: date) -> Cancellation | None:
    """Why a line must not be sent on a day, or None when it still holds."""
    if not line.recipient_is_here:
        return Cancellation.RECIPIENT_LEFT
    if not line.parcours_is_open:
        return Cancellation.PARCOURS_CLOSED
    addressed = line.told_id if line.rule is ReminderRule.SILENCE_ESCALATED else line.recipient_id
    if line.follower_id is None or line.follower_id != addressed:
        return Cancellation.REASSIGNED
    if line.rule in STEP_RULES:
        return _reason_about_step(line, on)
    silent_since = line.due_on if line.rule is ReminderRule.SILENCE else line.told_silent_until
    if line.silent_until != silent_since:
        return Cancellation.CONTACTED
    return Cancellation.REACTED if line.reacted else None


def _reason_about_step(line: Line, on: date) -> Cancellation | None:
    if not line.step_is_to_do:
        return Cancellation.STEP_SETTLED
    if line.step_due_on != line.due_on:
        return Cancellation.STEP_PUT_OFF
    if line.rule is ReminderRule.STEP_TOMORROW and line.due_on < on:
        return Cancellation.DATE_PASSED
    return None


SECTIONS: dict[ReminderRule, str] = {
    ReminderRule.STEP_TOMORROW: "À faire d’ici le prochain jour ouvré",
    ReminderRule.STEP_OVERDUE: "En retard",
    ReminderRule.SILENCE: "Sans nouvelles",
    ReminderRule.SILENCE_ESCALATED: "À relancer avec le référent",
}
"""Headings of the morning letter, in the order in which they are read."""


def morning_subject(count: int) -> str:
    """The subject of the morning letter: a number, never a name."""
    return f"CityJobs\u00a0: {count} rappel{'s' if count > 1 else ''} ce matin"


def when_in_words(line: Line, on: date) -> str:
    """What is said of the date of a line, read on a day."""
    days = (line.due_on - on).days
    if line.rule is ReminderRule.STEP_OVERDUE:
        return f"en retard de {-days} jour{'s' if days < -1 else ''}"
    if line.rule is ReminderRule.STEP_TOMORROW:
        return {0: "aujourd’hui", 1: "demain"}.get(days, f"dans {days} jours")
    silent = (on - line.heard_on).days if line.heard_on else 0
    return f"sans nouvelles depuis {silent} jours"
