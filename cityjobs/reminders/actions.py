"""Writes about reminders: lines of the ledger, morning letters, and what became of them."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from cityjobs.core import outbox
from cityjobs.core.clock import PARIS, day_of, now
from cityjobs.core.db import db
from cityjobs.reminders.models import Reminder
from cityjobs.reminders.queries import LETTER, letter_key, lines_to_write, recipients_waiting
from cityjobs.reminders.rules import Cancellation, Line, ReminderState, may_leave, reason_to_cancel

_COLUMNS = ("cite_id", "person_id", "parcours_id", "rule", "subject_id", "due_on", "recipient_id", "channel")


def write_due_lines(at: datetime) -> int:
    """Write every line due on the Paris day of an instant; those already in the ledger stay as they are.

    One statement per rule, decided by state: run twice it writes nothing, run three days late it misses nothing.
    """
    written = 0
    for due in lines_to_write(day_of(at)):
        lines = due.subquery().c
        complete = sa.select(
            sa.func.gen_random_uuid(),
            *(lines[name] for name in _COLUMNS),
            sa.literal(ReminderState.WAITING.value, sa.Text),
            sa.literal(now(), sa.DateTime(timezone=True)),
        )
        insert = pg.insert(Reminder).from_select(["id", *_COLUMNS, "state", "created_at"], complete)
        counted = insert.on_conflict_do_nothing().execution_options(preserve_rowcount=True)
        written += db.session.execute(counted).rowcount  # type: ignore[attr-defined]
    return written


def queue_morning_letters(at: datetime) -> list[uuid.UUID]:
    """One letter per person who has lines waiting, when letters may leave; returns the outgoing rows."""
    if not may_leave(at.astimezone(PARIS)):
        return []
    on = day_of(at)
    queued = [
        outbox.queue(
            LETTER,
            to=email,
            about=letter_key(recipient_id, on),
            recipient=str(recipient_id),
            on=on.isoformat(),
        )
        for recipient_id, email in recipients_waiting(on)
    ]
    return [letter_id for letter_id in queued if letter_id is not None]


def take_lines(letter_id: uuid.UUID, recipient_id: uuid.UUID) -> None:
    """A letter was claimed: whatever waits for its recipient goes with it."""
    db.session.execute(
        sa.update(Reminder)
        .where(Reminder.recipient_id == recipient_id, Reminder.state == ReminderState.WAITING)
        .values(state=ReminderState.SENDING, letter_id=letter_id)
    )


def cancel_untrue_lines(lines: Sequence[Line], on: date) -> list[Line]:
    """Cancel the lines that no longer hold on a day, each with its reason; returns those that do."""
    holding = []
    reasons: dict[Cancellation, list[uuid.UUID]] = {}
    for line in lines:
        reason = reason_to_cancel(line, on)
        if reason is None:
            holding.append(line)
        else:
            reasons.setdefault(reason, []).append(line.id)
    for reason, ids in reasons.items():
        db.session.execute(
            sa.update(Reminder)
            .where(Reminder.id.in_(ids))
            .values(state=ReminderState.CANCELLED, cancelled_because=reason.value, settled_at=now())
        )
    return holding


def settle_lines(letter_id: uuid.UUID, state: ReminderState) -> None:
    """A letter was sent, or given up: so were its lines."""
    db.session.execute(
        sa.update(Reminder)
        .where(Reminder.letter_id == letter_id, Reminder.state == ReminderState.SENDING)
        .values(state=state, settled_at=now())
    )
