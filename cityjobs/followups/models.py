"""Interviews, their versions, private notes and next steps."""

import secrets
import uuid
from datetime import date, datetime, time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from cityjobs.accounts.models import User
from cityjobs.core.db import Model, Versioned, created, key
from cityjobs.followups.rules import InterviewMode, StepState
from cityjobs.parcours.models import OfParcours
from cityjobs.territory.models import Cite


class Interview(OfParcours, Versioned, Model):
    """An exchange that took place, or was tried (`reached` false); `duration` in minutes."""

    __tablename__ = "interview"
    id: Mapped[key]
    author_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(User.id), index=True)
    held_on: Mapped[date]
    mode: Mapped[InterviewMode] = mapped_column(sa.Text)
    duration: Mapped[int | None]
    reached: Mapped[bool] = mapped_column(default=True)
    synthesis: Mapped[str]
    created_at: Mapped[created]
    updated_at: Mapped[datetime | None]
    author: Mapped[User] = relationship()

    __table_args__ = (
        OfParcours.tie(),
        sa.UniqueConstraint("id", "person_id", "cite_id"),
        sa.Index(
            "ix_interview_person_held", "person_id", sa.text("held_on desc"), sa.text("created_at desc")
        ),
        sa.Index("ix_interview_parcours_held", "parcours_id", "held_on"),
        sa.Index(
            "ix_interview_cite_held",
            "cite_id",
            "held_on",
            postgresql_include=["reached", "mode", "parcours_id"],
        ),
    )


class InterviewVersion(Model):
    """What an interview said before an edit; never changed."""

    __tablename__ = "interview_version"
    id: Mapped[key]
    cite_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Cite.id))
    person_id: Mapped[uuid.UUID]
    interview_id: Mapped[uuid.UUID]
    number: Mapped[int]
    held_on: Mapped[date]
    mode: Mapped[InterviewMode] = mapped_column(sa.Text)
    duration: Mapped[int | None]
    reached: Mapped[bool]
    synthesis: Mapped[str]
    replaced_by_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(User.id))
    replaced_at: Mapped[created]

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["interview_id", "person_id", "cite_id"],
            ["interview.id", "interview.person_id", "interview.cite_id"],
        ),
        sa.UniqueConstraint("interview_id", "number"),
    )


def _next_version(version: int | None) -> int:
    """A note dropped and written again is another note: a page that showed the former one must not fit it."""
    return version + 1 if version else 1 + secrets.randbelow(100_000_000)


class PrivateNote(Versioned, Model):
    """A note that its author alone can read: not the coordinator, not the worker, not an export."""

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        """Versions that begin somewhere else each time."""
        return {
            "version_id_col": cls.version,
            "version_id_generator": _next_version,
            "eager_defaults": False,
        }

    __tablename__ = "private_note"
    interview_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    author_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(User.id), primary_key=True)
    person_id: Mapped[uuid.UUID]
    cite_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Cite.id))
    body: Mapped[str]
    updated_at: Mapped[created]

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["interview_id", "person_id", "cite_id"],
            ["interview.id", "interview.person_id", "interview.cite_id"],
        ),
        sa.Index("ix_private_note_person", "person_id", "author_id"),
    )


class NextStep(OfParcours, Versioned, Model):
    """What was agreed to come next, and for when; with an hour it is an appointment. It is due for whoever is the référent on that day,
    or for the colleague `entrusted_to_id` as long as they follow the parcours too.

    `postponed_from` is the day it was due before it was last put off; `first_due_on` the day first agreed.
    """

    __tablename__ = "next_step"
    id: Mapped[key]
    interview_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(Interview.id), index=True)
    title: Mapped[str]
    due_on: Mapped[date]
    due_at: Mapped[time | None]
    place: Mapped[str | None]
    state: Mapped[StepState] = mapped_column(sa.Text, default=StepState.TODO)
    result: Mapped[str | None]
    created_by_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(User.id))
    created_at: Mapped[created]
    settled_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    settled_at: Mapped[datetime | None]
    first_due_on: Mapped[date | None]
    postponed_from: Mapped[date | None]
    postponed_because: Mapped[str | None]
    postponed_times: Mapped[int] = mapped_column(default=0, server_default="0")
    entrusted_to_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    entrusted_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    entrusted_because: Mapped[str | None]
    entrusted_at: Mapped[datetime | None]
    entrusted_times: Mapped[int] = mapped_column(default=0, server_default="0")

    __table_args__ = (
        OfParcours.tie(),
        sa.CheckConstraint(
            "place is null or (due_at is not null and length(place) between 1 and 200)", name="place"
        ),
        sa.CheckConstraint(
            "(entrusted_to_id is null) = (entrusted_at is null) and (entrusted_to_id is null) = (entrusted_by_id is null)"
            " and (entrusted_to_id is null) = (entrusted_times = 0)",
            name="entrusted",
        ),
        sa.CheckConstraint(
            "entrusted_because is null or (entrusted_to_id is not null and length(entrusted_because) between 1 and 500)",
            name="entrusted_because",
        ),
        sa.Index("ix_next_step_todo", "parcours_id", "due_on", postgresql_where=sa.text("state = 'todo'")),
        sa.Index(
            "ix_next_step_cite_todo",
            "cite_id",
            "parcours_id",
            "due_on",
            postgresql_include=["person_id"],
            postgresql_where=sa.text("state = 'todo'"),
        ),
        sa.Index(
            "ix_next_step_entrusted",
            "cite_id",
            "entrusted_to_id",
            postgresql_where=sa.text("state = 'todo' and entrusted_to_id is not null"),
        ),
        sa.Index("ix_next_step_due", "due_on", postgresql_where=sa.text("state = 'todo'")),
        sa.Index("ix_next_step_person", "person_id"),
    )
