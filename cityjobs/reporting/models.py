"""Reports as they were frozen."""

import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import Mapped, mapped_column

from cityjobs.accounts.models import User
from cityjobs.core.db import Model, created, key
from cityjobs.reporting.rules.reports import ReportState
from cityjobs.territory.models import Cite


class ActivityReport(Model):
    """One report of one Cité on a period, as computed on `as_of`. Once ready, nothing in it changes.

    `progress` goes from 0 to 100; `occasion` is unique: "monthly:2026-11" or "request:<id>".
    Its figures are already fit to leave the Cité: what would point to a few persons is not in them.
    `failure` is a sentence, as the page shows it.
    """

    __tablename__ = "activity_report"
    id: Mapped[key]
    cite_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Cite.id))
    occasion: Mapped[str]
    period_start: Mapped[date]
    period_end: Mapped[date]
    as_of: Mapped[date]
    state: Mapped[ReportState] = mapped_column(sa.Text, default=ReportState.REQUESTED)
    progress: Mapped[int] = mapped_column(default=0)
    definitions_version: Mapped[int | None]
    figures: Mapped[dict[str, Any] | None] = mapped_column(pg.JSONB)
    definitions: Mapped[dict[str, Any] | None] = mapped_column(pg.JSONB)
    xlsx: Mapped[bytes | None] = mapped_column(deferred=True)
    pdf: Mapped[bytes | None] = mapped_column(deferred=True)
    requested_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    created_at: Mapped[created]
    claimed_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    failure: Mapped[str | None]
    ready_at: Mapped[datetime | None]

    __table_args__ = (
        sa.UniqueConstraint("cite_id", "occasion"),
        sa.Index("ix_activity_report_cite", "cite_id", sa.text("created_at desc")),
        sa.Index("ix_activity_report_unsettled", "created_at", postgresql_where=sa.text("state <> 'ready'")),
    )
