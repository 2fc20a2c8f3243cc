"""Spotting, parcours, its history, who is the référent and who replaces them, suspensions, jobs, exits, frozen situations."""

import uuid
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cityjobs.accounts.models import User
from cityjobs.core.db import Model, Versioned, created, key
from cityjobs.parcours.rules.exits import ExitCategory
from cityjobs.parcours.rules.jobs import CheckMoment, JobKind
from cityjobs.parcours.rules.lifecycle import AssignmentKind, Event, Status
from cityjobs.parcours.rules.reasons import ExitReason, SpottingChannel
from cityjobs.parcours.rules.situations import Moment
from cityjobs.people.models import Person
from cityjobs.people.rules import Gender
from cityjobs.territory.models import Cite, Organisation, Qpv

_PERSON = ("person.id", "person.cite_id")
_PARCOURS = ("parcours.id", "parcours.person_id", "parcours.cite_id")


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
    reopened_from_id: Mapped[uuid.UUID | None]
    created_at: Mapped[created]
    person: Mapped[Person] = relationship()

    @property
    def ties(self) -> dict[str, uuid.UUID]:
        """What each row of this parcours names: `OfParcours`."""
        return {"cite_id": self.cite_id, "person_id": self.person_id, "parcours_id": self.id}

    __table_args__ = (
        sa.ForeignKeyConstraint(["person_id", "cite_id"], _PERSON),
        sa.ForeignKeyConstraint(["reopened_from_id", "person_id", "cite_id"], _PARCOURS),
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
        sa.Index("ix_parcours_exit_day", "ended_on", postgresql_where=sa.text("status = 'sorti'")),
        sa.Index(
            "ix_parcours_reopened_from",
            "reopened_from_id",
            postgresql_where=sa.text("reopened_from_id is not null"),
        ),
    )


class OfParcours:
    """What belongs to one parcours: the row names it, its person and its Cité, and the database refuses any mixture of two."""

    cite_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Cite.id))
    person_id: Mapped[uuid.UUID]
    parcours_id: Mapped[uuid.UUID]

    @staticmethod
    def tie() -> sa.ForeignKeyConstraint:
        """What holds the three together; rows under a parent that is itself tied point to that parent instead."""
        return sa.ForeignKeyConstraint(["parcours_id", "person_id", "cite_id"], _PARCOURS)


class Spotting(OfParcours, Model):
    """How, when and by whom a person was spotted."""

    __tablename__ = "spotting"
    id: Mapped[key]
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
        OfParcours.tie(),
        sa.Index("ix_spotting_cite_on", "cite_id", "spotted_on"),
    )


class Transition(OfParcours, Model):
    """One move of a parcours; never changed."""

    __tablename__ = "parcours_transition"
    id: Mapped[key]
    parcours_id: Mapped[uuid.UUID] = mapped_column(index=True)
    event: Mapped[Event] = mapped_column(sa.Text)
    from_status: Mapped[Status] = mapped_column(sa.Text)
    to_status: Mapped[Status] = mapped_column(sa.Text)
    happened_on: Mapped[date]
    reason: Mapped[str | None]
    recorded_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    recorded_at: Mapped[created]

    __table_args__ = (OfParcours.tie(),)


class Assignment(OfParcours, Model):
    """Who is the référent of a parcours, from when to when, why and by whom. Only its end can be written later.

    `referent_id` None with an organisation means: followed there, by somebody not yet known.
    """

    __tablename__ = "assignment"
    id: Mapped[key]
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
        OfParcours.tie(),
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


class Absence(Versioned, Model):
    """Who replaces a professional of a Cité on which days; both days count. Only its early end can be written later.

    Nothing is reassigned: the database shows the deputy whom the absent one follows, by the day alone.
    """

    __tablename__ = "absence"
    id: Mapped[key]
    cite_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Cite.id))
    absent_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(User.id))
    deputy_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(User.id))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    ended_early_at: Mapped[datetime | None]
    ended_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    created_at: Mapped[created]

    __table_args__ = (
        sa.Index(
            "ix_absence_deputy", "deputy_id", "cite_id", postgresql_where=sa.text("ended_early_at is null")
        ),
        sa.Index(
            "ix_absence_absent", "absent_id", "cite_id", postgresql_where=sa.text("ended_early_at is null")
        ),
        sa.Index("ix_absence_cite", "cite_id", "starts_on"),
    )


class Suspension(OfParcours, Versioned, Model):
    """A pause of a parcours, with the day one expects it to end; one at a time."""

    __tablename__ = "suspension"
    id: Mapped[key]
    reason: Mapped[str]
    started_on: Mapped[date]
    expected_end_on: Mapped[date]
    ended_on: Mapped[date | None]
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    created_at: Mapped[created]

    __table_args__ = (
        OfParcours.tie(),
        sa.Index(
            "uq_suspension_open", "parcours_id", unique=True, postgresql_where=sa.text("ended_on is null")
        ),
        sa.Index("ix_suspension_person", "person_id"),
        sa.Index(
            "ix_suspension_cite", "cite_id", "parcours_id", postgresql_include=["started_on", "ended_on"]
        ),
        sa.Index(
            "ix_suspension_ending", "cite_id", "expected_end_on", postgresql_where=sa.text("ended_on is null")
        ),
    )


class Job(OfParcours, Versioned, Model):
    """A contract or a qualifying training during a parcours; `contract` is of the list « type_contrat »."""

    __tablename__ = "job"
    id: Mapped[key]
    kind: Mapped[JobKind] = mapped_column(sa.Text)
    contract: Mapped[str]
    occupation: Mapped[str | None]
    rome_code: Mapped[str | None]
    employer: Mapped[str | None]
    working_time: Mapped[str | None]
    weekly_hours: Mapped[Decimal | None] = mapped_column(sa.Numeric(4, 1))
    started_on: Mapped[date]
    expected_end_on: Mapped[date | None]
    ended_on: Mapped[date | None]
    end_reason: Mapped[str | None]
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    created_at: Mapped[created]

    __table_args__ = (
        OfParcours.tie(),
        sa.UniqueConstraint("id", "person_id", "cite_id"),
        sa.Index("uq_job_current", "parcours_id", unique=True, postgresql_where=sa.text("ended_on is null")),
        sa.Index("ix_job_person", "person_id"),
        sa.Index("ix_job_started", "cite_id", "started_on", postgresql_where=sa.text("ended_on is null")),
    )


class JobCheck(Model):
    """How a job went, asked at one of its moments; never changed. What is due is not stored: it follows from the job."""

    __tablename__ = "job_check"
    id: Mapped[key]
    cite_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Cite.id))
    person_id: Mapped[uuid.UUID]
    job_id: Mapped[uuid.UUID]
    moment: Mapped[CheckMoment] = mapped_column(sa.Text)
    done_on: Mapped[date]
    in_job: Mapped[bool]
    note: Mapped[str | None]
    recorded_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    recorded_at: Mapped[created]

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["job_id", "person_id", "cite_id"], ["job.id", "job.person_id", "job.cite_id"]
        ),
        sa.UniqueConstraint("job_id", "moment"),
        sa.Index("ix_job_check_person", "person_id"),
    )


class ExitRuleset(Versioned, Model):
    """How a programme reads exits: national, or adapted by a Cité under `loc_`."""

    __tablename__ = "exit_ruleset"
    id: Mapped[key]
    cite_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(Cite.id))
    code: Mapped[str]
    label: Mapped[str]
    is_active: Mapped[bool] = mapped_column(default=True)
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    created_at: Mapped[created]

    __table_args__ = (
        sa.Index(
            "uq_exit_ruleset_national", "code", unique=True, postgresql_where=sa.text("cite_id is null")
        ),
        sa.Index(
            "uq_exit_ruleset_local",
            "cite_id",
            "code",
            unique=True,
            postgresql_where=sa.text("cite_id is not null"),
        ),
    )


class ExitRuleRow(Model):
    """What one type of exit counts as in one ruleset."""

    __tablename__ = "exit_rule"
    ruleset_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(ExitRuleset.id), primary_key=True)
    exit_type: Mapped[ExitReason] = mapped_column(sa.Text, primary_key=True)
    category: Mapped[ExitCategory] = mapped_column(sa.Text)
    minimum_months: Mapped[int | None]
    otherwise: Mapped[ExitCategory | None] = mapped_column(sa.Text)
    needs_evidence: Mapped[bool] = mapped_column(default=False)


class Exit(OfParcours, Versioned, Model):
    """What the exit of a parcours counted as when it was recorded, by which ruleset, and what proved it."""

    __tablename__ = "parcours_exit"
    parcours_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    exit_type: Mapped[ExitReason] = mapped_column(sa.Text)
    category: Mapped[ExitCategory] = mapped_column(sa.Text)
    ruleset_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(ExitRuleset.id))
    months: Mapped[int | None]
    evidence: Mapped[str | None]
    evidence_seen_on: Mapped[date | None]
    given_up: Mapped[list[dict[str, str]]] = mapped_column(
        postgresql.JSONB, default=list, server_default="[]"
    )
    recorded_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    recorded_at: Mapped[created]

    __table_args__ = (
        OfParcours.tie(),
        sa.Index("ix_parcours_exit_person", "person_id"),
        sa.Index("ix_parcours_exit_cite", "cite_id", "parcours_id", postgresql_include=["category"]),
    )


class Snapshot(OfParcours, Model):
    """Somebody's situation as it was on a day, in codes of lists; never changed. Figures read this, never the profile.

    `is_reached` is false when the person could not be asked: all the rest is then empty.
    """

    __tablename__ = "situation_snapshot"
    id: Mapped[key]
    moment: Mapped[Moment] = mapped_column(sa.Text)
    taken_on: Mapped[date]
    is_reached: Mapped[bool] = mapped_column(default=True)
    gender: Mapped[Gender | None] = mapped_column(sa.Text)
    age: Mapped[int | None]
    in_qpv: Mapped[bool | None]
    qpv_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(Qpv.id))
    situation: Mapped[str | None]
    inscription_ft: Mapped[str | None]
    months_without_job: Mapped[str | None]
    organisme_referent: Mapped[str | None]
    education: Mapped[str | None]
    housing: Mapped[str | None]
    household: Mapped[str | None]
    children: Mapped[int | None]
    children_under_3: Mapped[int | None]
    resources: Mapped[list[str]] = mapped_column(postgresql.ARRAY(sa.Text), default=list)
    mobility: Mapped[list[str]] = mapped_column(postgresql.ARRAY(sa.Text), default=list)
    criteria: Mapped[list[str]] = mapped_column(postgresql.ARRAY(sa.Text), default=list)
    recorded_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    recorded_at: Mapped[created]

    __table_args__ = (
        OfParcours.tie(),
        sa.UniqueConstraint("parcours_id", "moment"),
        sa.Index("ix_situation_snapshot_person", "person_id"),
        sa.Index("ix_situation_snapshot_cite", "cite_id", "moment", "taken_on"),
    )
