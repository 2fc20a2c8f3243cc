"""What happens by the clock: the ledger is filled, and in the morning letters leave.

Beat only wakes these; they decide by state, so that a night missed is caught up and a double run is harmless.
"""

import uuid
from collections import Counter
from datetime import date, datetime

import sqlalchemy as sa
from celery import shared_task
from celery.schedules import crontab
from flask import Flask, current_app

from cityjobs.core import jobs, outbox
from cityjobs.core.clock import now, today
from cityjobs.core.db import transaction
from cityjobs.core.outbox import Delivery, Outgoing
from cityjobs.core.post import Letter, write_letter
from cityjobs.core.web import hour
from cityjobs.reminders.actions import (
    cancel_untrue_lines,
    queue_morning_letters,
    settle_lines,
    take_lines,
    write_due_lines,
)
from cityjobs.reminders.queries import LETTER, lines_of_letter
from cityjobs.reminders.rules import (
    SECTIONS,
    Line,
    ReminderRule,
    ReminderState,
    morning_subject,
    when_in_words,
)


@shared_task(name="reminders.scan")
def scan() -> int:
    """Write the lines due today; returns how many are new."""
    return write_due_lines(now())


@shared_task(name="reminders.morning")
def morning() -> int:
    """Write what is due, then one letter per person who has lines waiting; returns how many letters."""
    write_due_lines(now())
    return len(queue_morning_letters(now()))


def send_as_of(at: datetime) -> Counter[str]:
    """What beat and a worker do, as of another instant: write, gather, deliver. Returns what became of letters."""
    with transaction():
        write_due_lines(at)
        letters = queue_morning_letters(at)
    for letter_id in letters:
        outbox.deliver(str(letter_id))
    with transaction() as session:
        return Counter(session.scalars(sa.select(Outgoing.state).where(Outgoing.id.in_(letters))))


def _claimed(row: Outgoing) -> None:
    take_lines(row.id, uuid.UUID(row.facts["recipient"]))


def _compose(row: Outgoing) -> Letter | None:
    """The letter of one morning, from what still holds now; None when nothing does."""
    on = max(date.fromisoformat(row.facts["on"]), today())
    lines = cancel_untrue_lines(lines_of_letter(row.id, on), on)
    if not lines:
        return None
    sections = [
        (heading, [line for line in lines if line.rule is rule])
        for rule, heading in SECTIONS.items()
        if any(line.rule is rule for line in lines)
    ]
    return write_letter(
        "morning",
        subject=morning_subject(len(lines)),
        sections=sections,
        on=on,
        when=lambda line: _when(line, on),
        several_cites=len({line.cite_id for line in lines}) > 1,
        base=current_app.config["BASE_URL"],
    )


def _when(line: Line, on: date) -> str:
    """The date of a line, with the hour of an appointment; never its place, which may say what it is about."""
    words = when_in_words(line, on)
    is_appointment = line.rule is ReminderRule.STEP_TOMORROW and line.due_at
    return f"{words} à {hour(line.due_at)}" if is_appointment else words


def _settled(row: Outgoing) -> None:
    settle_lines(row.id, ReminderState.SENT if row.state == Delivery.SENT else ReminderState.FAILED)


outbox.register(LETTER, outbox.Kind(_compose, claimed=_claimed, settled=_settled, by_clock=True))
jobs.every(crontab(minute="*/10", hour="6-20"), "reminders.scan")
jobs.every(crontab(minute="*/10", hour="7-11"), "reminders.morning")


def init_app(_app: Flask) -> None:
    """Nothing to attach: importing this module makes its tasks and its letter known."""
