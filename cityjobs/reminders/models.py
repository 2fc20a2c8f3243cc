"""The ledger: one line per rule, subject, due date, recipient and channel."""

import uuid
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from cityjobs.accounts.models import User
from cityjobs.core.db import Model, created, key
from cityjobs.reminders.rules import ReminderRule, ReminderState
from cityjobs.territory.models import Cite


class Reminder(Model):
    """One reminder; `letter_id` is the outgoing row that carries it.

    `subject_id` is, by the rule: a thing to do, a job, an étape, an agreement, a suspension; a parcours that is silent, or
    that ended; for an escalation, the line that got no reaction.
    """

    __tablename__ = "reminder"
    id: Mapped[key]
    cite_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Cite.id))
    person_id: Mapped[uuid.UUID]
    parcours_id: Mapped[uuid.UUID]
    rule: Mapped[ReminderRule] = mapped_column(sa.Text)
    subject_id: Mapped[uuid.UUID]
    due_on: Mapped[date]
    recipient_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(User.id))
    channel: Mapped[str] = mapped_column(default="email")
    state: Mapped[ReminderState] = mapped_column(sa.Text, default=ReminderState.WAITING)
    letter_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    created_at: Mapped[created]
    settled_at: Mapped[datetime | None]
    cancelled_because: Mapped[str | None]

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["parcours_id", "person_id", "cite_id"], ["parcours.id", "parcours.person_id", "parcours.cite_id"]
        ),
        sa.UniqueConstraint("rule", "subject_id", "due_on", "recipient_id", "channel"),
        sa.Index(
            "ix_reminder_unsettled",
            "recipient_id",
            postgresql_where=sa.text("state in ('waiting', 'sending')"),
        ),
        sa.Index("ix_reminder_person", "person_id"),
        sa.Index("ix_reminder_cite_state", "cite_id", "state", "rule"),
    )
