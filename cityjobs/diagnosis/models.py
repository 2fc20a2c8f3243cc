"""Versions of a diagnosis, freins as they stand, and how they stood in each version."""

import uuid
from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, mapped_column

from cityjobs.accounts.models import User
from cityjobs.core.db import Model, Versioned, created, key
from cityjobs.diagnosis.rules import FreinOwner, FreinStatus
from cityjobs.parcours.models import OfParcours
from cityjobs.territory.models import Cite


class Diagnosis(OfParcours, Versioned, Model):
    """One version of the shared diagnosis: being filled while `finished_on` is empty, never changed afterwards."""

    __tablename__ = "diagnosis"
    id: Mapped[key]
    number: Mapped[int]
    opened_on: Mapped[date]
    finished_on: Mapped[date | None]
    strengths: Mapped[str | None]
    project: Mapped[str | None]
    rome_code: Mapped[str | None]
    occupation: Mapped[str | None]
    sector: Mapped[str | None]
    radius_km: Mapped[int | None]
    working_time: Mapped[str | None]
    contract: Mapped[str | None]
    digital_autonomy: Mapped[str | None]
    french_spoken: Mapped[str | None]
    french_written: Mapped[str | None]
    author_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(User.id))
    created_at: Mapped[created]

    __table_args__ = (
        OfParcours.tie(),
        sa.UniqueConstraint("id", "person_id", "cite_id"),
        sa.UniqueConstraint("parcours_id", "number"),
        sa.Index(
            "uq_diagnosis_open", "parcours_id", unique=True, postgresql_where=sa.text("finished_on is null")
        ),
        sa.Index("ix_diagnosis_person", "person_id"),
    )


class Frein(OfParcours, Versioned, Model):
    """One frein of one parcours as it stands now. `code` and `situations` are of the lists « frein » and « situation »."""

    __tablename__ = "frein"
    id: Mapped[key]
    code: Mapped[str]
    status: Mapped[FreinStatus] = mapped_column(sa.Text)
    severity: Mapped[int | None]
    is_priority: Mapped[bool] = mapped_column(default=False)
    owner: Mapped[FreinOwner | None] = mapped_column(sa.Text)
    situations: Mapped[list[str]] = mapped_column(postgresql.ARRAY(sa.Text), default=list)
    identified_on: Mapped[date | None]
    settled_on: Mapped[date | None]
    recorded_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    recorded_at: Mapped[created]

    __table_args__ = (
        OfParcours.tie(),
        sa.UniqueConstraint("id", "parcours_id", "person_id", "cite_id"),
        sa.UniqueConstraint("parcours_id", "code"),
        sa.Index("ix_frein_person", "person_id"),
        sa.Index("ix_frein_cite", "cite_id", "code", "status"),
    )


class FreinReading(Model):
    """How a frein stood when a version of the diagnosis was finished; never changed."""

    __tablename__ = "frein_reading"
    id: Mapped[key]
    cite_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Cite.id))
    person_id: Mapped[uuid.UUID]
    diagnosis_id: Mapped[uuid.UUID]
    code: Mapped[str]
    status: Mapped[FreinStatus] = mapped_column(sa.Text)
    severity: Mapped[int | None]
    is_priority: Mapped[bool]

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["diagnosis_id", "person_id", "cite_id"],
            ["diagnosis.id", "diagnosis.person_id", "diagnosis.cite_id"],
        ),
        sa.UniqueConstraint("diagnosis_id", "code"),
        sa.Index("ix_frein_reading_person", "person_id"),
    )
