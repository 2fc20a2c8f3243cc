"""Spotting, parcours, its history, and who is the référent."""

import uuid
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cityjobs.accounts.models import User
from cityjobs.core.db import Model, Versioned, created, key
from cityjobs.parcours.rules import AssignmentKind, Event, SpottingChannel, Status
from cityjobs.people.models import Person
from cityjobs.people.rules import Gender
from cityjobs.territory.models import Cite, Organisation, Qpv

_PERSON = ("person.id", "person.cite_id")


class Parcours(Versioned, Model):
    """One accompaniment of one person. The entry_… columns are frozen on the day of entry.

    `last_contact_on` is the last day on which the person was really reached; the database keeps it.
    The database also writes `entry_qpv_id`, the neighbourhood on that day.
    """

    __tablename__ = "parcours"
    id: Mapped[key]
    cite_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Cite.id))
    person_id: Mapped[uuid.UUID]
    status: Mapped[Status] = mapped_column(sa.Text, default=Status.REPERE)
    spotted_on: Mapped[date]
    contacted_on: Mapped[date | None]
    met_on: Mapped[date | None]
    diagnosed_on: Mapped[date | None]
    started_on: Mapped[date | None]
    ended_on: Mapped[date | None]
    end_reason: Mapped[str | None]
    entry_gender: Mapped[Gender | None] = mapped_column(sa.Text)
    entry_age: Mapped[int | None]
    entry_in_qpv: Mapped[bool | None]
    entry_qpv_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(Qpv.id))
    last_contact_on: Mapped[date | None]
    created_at: Mapped[created]
    person: Mapped[Person] = relationship()

    __table_args__ = (
        sa.ForeignKeyConstraint(["person_id", "cite_id"], _PERSON),
        sa.UniqueConstraint("id", "person_id", "cite_id"),
        sa.Index(
            "uq_parcours_open",
            "person_id",
            "cite_id",
            unique=True,
            postgresql_where=sa.text("status not in ('sorti', 'non_entree')"),
        ),
        sa.Index("ix_parcours_cite_status", "cite_id", "status"),
        sa.Index(
            "ix_parcours_open_contact",
            "cite_id",
            "last_contact_on",
            postgresql_where=sa.text("status not in ('non_entree', 'sorti')"),
        ),
        sa.Index("ix_parcours_person", "person_id"),
    )


class Spotting(Model):
    """How, when and by whom a person was spotted."""

    __tablename__ = "spotting"
    id: Mapped[key]
    cite_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Cite.id))
    person_id: Mapped[uuid.UUID]
    parcours_id: Mapped[uuid.UUID] = mapped_column(index=True)
    spotted_on: Mapped[date]
    channel: Mapped[SpottingChannel] = mapped_column(sa.Text)
    place: Mapped[str | None]
    first_need: Mapped[str | None]
    agreed_to_be_contacted: Mapped[bool] = mapped_column(default=True)
    was_informed: Mapped[bool] = mapped_column(default=False)
    spotted_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id), index=True)
    organisation_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(Organisation.id))
    created_at: Mapped[created]

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["parcours_id", "person_id", "cite_id"], ["parcours.id", "parcours.person_id", "parcours.cite_id"]
        ),
        sa.Index("ix_spotting_cite_on", "cite_id", "spotted_on"),
    )


class Transition(Model):
    """One move of a parcours; never changed."""

    __tablename__ = "parcours_transition"
    id: Mapped[key]
    cite_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Cite.id))
    person_id: Mapped[uuid.UUID]
    parcours_id: Mapped[uuid.UUID] = mapped_column(index=True)
    event: Mapped[Event] = mapped_column(sa.Text)
    from_status: Mapped[Status] = mapped_column(sa.Text)
    to_status: Mapped[Status] = mapped_column(sa.Text)
    happened_on: Mapped[date]
    reason: Mapped[str | None]
    recorded_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    recorded_at: Mapped[created]

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["parcours_id", "person_id", "cite_id"], ["parcours.id", "parcours.person_id", "parcours.cite_id"]
        ),
    )


class Assignment(Model):
    """Who is the référent of a parcours, from when to when, why and by whom. Only its end can be written later.

    `referent_id` None with an organisation means: followed there, by somebody not yet known.
    """

    __tablename__ = "assignment"
    id: Mapped[key]
    cite_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Cite.id))
    person_id: Mapped[uuid.UUID]
    parcours_id: Mapped[uuid.UUID]
    kind: Mapped[AssignmentKind] = mapped_column(sa.Text, default=AssignmentKind.REFERENT)
    referent_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    organisation_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(Organisation.id))
    started_at: Mapped[created]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    end_reason: Mapped[str | None]
    batch_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    assigned_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    ended_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    referent: Mapped[User | None] = relationship(foreign_keys=[referent_id])
    organisation: Mapped[Organisation | None] = relationship()

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["parcours_id", "person_id", "cite_id"], ["parcours.id", "parcours.person_id", "parcours.cite_id"]
        ),
        sa.Index(
            "uq_assignment_current",
            "parcours_id",
            unique=True,
            postgresql_where=sa.text("kind = 'referent' and ended_at is null"),
        ),
        sa.Index(
            "uq_assignment_co_referent_current",
            "parcours_id",
            "referent_id",
            unique=True,
            postgresql_where=sa.text("kind = 'co_referent' and ended_at is null"),
        ),
        sa.Index(
            "ix_assignment_referent_current", "referent_id", postgresql_where=sa.text("ended_at is null")
        ),
        sa.Index("ix_assignment_parcours", "parcours_id"),
        sa.Index("ix_assignment_person_current", "person_id", postgresql_where=sa.text("ended_at is null")),
        sa.Index(
            "ix_assignment_cite",
            "cite_id",
            "kind",
            "parcours_id",
            postgresql_include=["referent_id", "organisation_id", "started_at", "ended_at"],
        ),
    )
