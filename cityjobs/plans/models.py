"""Goals, étapes and what they serve, plans kept by a Cité, agreements, attached papers."""

import uuid
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from cityjobs.accounts.models import User
from cityjobs.core.db import Model, Versioned, created, key
from cityjobs.parcours.models import OfParcours
from cityjobs.plans.rules import AgreementWay, AttachmentSubject, EtapeStatus, GoalStatus
from cityjobs.territory.models import Cite, Organisation


class Goal(OfParcours, Versioned, Model):
    """What a person wants to reach: about one frein, or, without, about their project.

    `code` is of the list « objectif » when the goal was chosen there.
    """

    __tablename__ = "goal"
    id: Mapped[key]
    frein_id: Mapped[uuid.UUID | None]
    code: Mapped[str | None]
    label: Mapped[str]
    status: Mapped[GoalStatus] = mapped_column(sa.Text, default=GoalStatus.OPEN)
    opened_on: Mapped[date]
    settled_on: Mapped[date | None]
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    created_at: Mapped[created]

    __table_args__ = (
        OfParcours.tie(),
        sa.ForeignKeyConstraint(
            ["frein_id", "parcours_id", "person_id", "cite_id"],
            ["frein.id", "frein.parcours_id", "frein.person_id", "frein.cite_id"],
        ),
        sa.UniqueConstraint("id", "parcours_id", "person_id", "cite_id"),
        sa.Index("ix_goal_parcours", "parcours_id"),
        sa.Index("ix_goal_person", "person_id"),
        sa.Index("ix_goal_frein", "frein_id"),
    )


class Etape(OfParcours, Versioned, Model):
    """One action of a plan, with its dates as planned and as they were, hours, cost in euros, and its result."""

    __tablename__ = "etape"
    id: Mapped[key]
    type: Mapped[str]
    label: Mapped[str]
    status: Mapped[EtapeStatus] = mapped_column(sa.Text, default=EtapeStatus.PREVUE)
    organisation_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(Organisation.id))
    planned_from: Mapped[date | None]
    planned_to: Mapped[date | None]
    started_on: Mapped[date | None]
    ended_on: Mapped[date | None]
    hours: Mapped[Decimal | None] = mapped_column(sa.Numeric(6, 1))
    cost_euros: Mapped[Decimal | None] = mapped_column(sa.Numeric(9, 2))
    result: Mapped[str | None]
    abandon_reason: Mapped[str | None]
    note: Mapped[str | None]
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    created_at: Mapped[created]

    __table_args__ = (
        OfParcours.tie(),
        sa.UniqueConstraint("id", "parcours_id", "person_id", "cite_id"),
        sa.Index("ix_etape_parcours", "parcours_id"),
        sa.Index("ix_etape_person", "person_id"),
        sa.Index("ix_etape_organisation", "organisation_id"),
        sa.Index(
            "ix_etape_due",
            "cite_id",
            "planned_to",
            postgresql_where=sa.text("status in ('prevue', 'en_cours', 'en_attente')"),
        ),
    )


class EtapeGoal(OfParcours, Model):
    """Which goal an étape serves: both of one parcours."""

    __tablename__ = "etape_goal"
    etape_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    goal_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["etape_id", "parcours_id", "person_id", "cite_id"],
            ["etape.id", "etape.parcours_id", "etape.person_id", "etape.cite_id"],
        ),
        sa.ForeignKeyConstraint(
            ["goal_id", "parcours_id", "person_id", "cite_id"],
            ["goal.id", "goal.parcours_id", "goal.person_id", "goal.cite_id"],
        ),
        sa.Index("ix_etape_goal_goal", "goal_id"),
        sa.Index("ix_etape_goal_person", "person_id"),
    )


class PlanTemplate(Versioned, Model):
    """A plan that a Cité keeps to be applied again; set aside, never changed once made."""

    __tablename__ = "plan_template"
    id: Mapped[key]
    cite_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Cite.id))
    name: Mapped[str]
    is_active: Mapped[bool] = mapped_column(default=True)
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    created_at: Mapped[created]

    __table_args__ = (
        sa.UniqueConstraint("id", "cite_id"),
        sa.Index(
            "uq_plan_template_name",
            "cite_id",
            sa.text("lower(name)"),
            unique=True,
            postgresql_where=sa.text("is_active"),
        ),
    )


class PlanTemplateLine(Model):
    """One goal of a kept plan and one étape towards it, due so many days after it is applied."""

    __tablename__ = "plan_template_line"
    template_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    rank: Mapped[int] = mapped_column(primary_key=True)
    cite_id: Mapped[uuid.UUID]
    frein_code: Mapped[str | None]
    goal_code: Mapped[str | None]
    goal_label: Mapped[str]
    etape_type: Mapped[str | None]
    etape_label: Mapped[str | None]
    after_days: Mapped[int | None]

    __table_args__ = (
        sa.ForeignKeyConstraint(["template_id", "cite_id"], ["plan_template.id", "plan_template.cite_id"]),
    )


class Agreement(OfParcours, Versioned, Model):
    """What a person committed to, when, how, and when it is looked at again. One holds at a time."""

    __tablename__ = "agreement"
    id: Mapped[key]
    number: Mapped[int]
    agreed_on: Mapped[date]
    review_on: Mapped[date]
    way: Mapped[AgreementWay] = mapped_column(sa.Text)
    organisation_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(Organisation.id))
    created_by_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(User.id))
    created_at: Mapped[created]
    ended_on: Mapped[date | None]

    __table_args__ = (
        OfParcours.tie(),
        sa.UniqueConstraint("id", "parcours_id", "person_id", "cite_id"),
        sa.UniqueConstraint("parcours_id", "number"),
        sa.Index(
            "uq_agreement_current", "parcours_id", unique=True, postgresql_where=sa.text("ended_on is null")
        ),
        sa.Index("ix_agreement_person", "person_id"),
        sa.Index("ix_agreement_review", "cite_id", "review_on", postgresql_where=sa.text("ended_on is null")),
    )


class AgreementGoal(OfParcours, Model):
    """A goal as it was worded when the person accepted it; never changed."""

    __tablename__ = "agreement_goal"
    agreement_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    goal_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    label: Mapped[str]

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["agreement_id", "parcours_id", "person_id", "cite_id"],
            ["agreement.id", "agreement.parcours_id", "agreement.person_id", "agreement.cite_id"],
        ),
        sa.ForeignKeyConstraint(
            ["goal_id", "parcours_id", "person_id", "cite_id"],
            ["goal.id", "goal.parcours_id", "goal.person_id", "goal.cite_id"],
        ),
        sa.Index("ix_agreement_goal_person", "person_id"),
    )


class Attachment(OfParcours, Model):
    """A paper, such as a signed agreement. Served as a download, never shown in a page."""

    __tablename__ = "attachment"
    id: Mapped[key]
    subject: Mapped[AttachmentSubject] = mapped_column(sa.Text)
    subject_id: Mapped[uuid.UUID]
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    content: Mapped[bytes] = mapped_column(deferred=True)
    added_by_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(User.id))
    added_at: Mapped[datetime]

    __table_args__ = (
        OfParcours.tie(),
        sa.Index("ix_attachment_person", "person_id"),
        sa.Index("ix_attachment_subject", "subject_id"),
    )
