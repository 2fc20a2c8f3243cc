"""Writes about reports: asking for one, claiming it, freezing it. Pages only ask; the worker does the rest."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.dialects import postgresql as pg

from cityjobs.core import jobs, outbox
from cityjobs.core.clock import now, today
from cityjobs.core.db import after_commit, db
from cityjobs.reporting.documents import definitions, freeze
from cityjobs.reporting.models import ActivityReport
from cityjobs.reporting.queries import find_setting, readers_of, snapshot_of
from cityjobs.reporting.rules.periods import Period, month_of
from cityjobs.reporting.rules.reports import MOST_ATTEMPTS, ReportState, is_monthly, monthly_occasion

COMPUTE = "reporting.compute"
CLAIM_LASTS = timedelta(minutes=3)
"""Since the last step of a report: each takes seconds. Two workers on one report settle it once all the same."""
RETRY_AFTER = timedelta(minutes=10)
LETTER = "report"
INTERRUPTED = "Le calcul s’est interrompu. Rien n’est perdu\u00a0: demandez de nouveau ce rapport."


def request_report(cite_id: uuid.UUID, period: Period, *, requested_by: uuid.UUID, as_of: date) -> uuid.UUID:
    """Ask for a report; a worker hears of it once this is committed, and finds it by its state otherwise."""
    report_id = uuid.uuid4()
    db.session.add(
        ActivityReport(
            id=report_id,
            cite_id=cite_id,
            occasion=f"request:{report_id}",
            period_start=period.start,
            period_end=period.end,
            as_of=as_of,
            requested_by_id=requested_by,
        )
    )
    _tell_worker(report_id)
    return report_id


def write_monthly_reports(
    month: date, cites: Sequence[uuid.UUID], *, tell_worker: bool = True
) -> list[uuid.UUID]:
    """Ask for the missing report of a month in these Cités, as of the first of the next one; returns the new ones."""
    period = month_of(month)
    written = []
    for cite_id in cites:
        row = {
            "id": uuid.uuid4(), "cite_id": cite_id, "occasion": monthly_occasion(month), "period_start": period.start,
            "period_end": period.end, "as_of": period.end + timedelta(days=1), "state": ReportState.REQUESTED,
            "progress": 0, "attempts": 0, "created_at": now(),
        }  # fmt: skip
        added = db.session.scalar(
            pg.insert(ActivityReport).values(row).on_conflict_do_nothing().returning(ActivityReport.id)
        )
        if added is not None:
            written.append(added)
            if tell_worker:
                _tell_worker(added)
    return written


def _tell_worker(report_id: uuid.UUID) -> None:
    after_commit(jobs.nudge(current_app.extensions["celery"].tasks[COMPUTE], str(report_id)))


def claim_report(report_id: uuid.UUID) -> bool:
    """Take a report that waits; False when another worker has it, or when it is settled."""
    waiting = sa.select(ActivityReport).where(
        ActivityReport.id == report_id, ActivityReport.state == ReportState.REQUESTED
    )
    report = db.session.scalar(waiting.with_for_update(skip_locked=True))
    if report is None:
        return False
    report.state, report.claimed_at, report.progress = ReportState.COMPUTING, now(), 10
    report.attempts, report.failure = report.attempts + 1, None
    return True


def note_progress(report_id: uuid.UUID, progress: int) -> None:
    """Say how far the computing is, from 0 to 100."""
    db.session.execute(
        sa.update(ActivityReport)
        .where(ActivityReport.id == report_id, ActivityReport.state == ReportState.COMPUTING)
        .values(progress=progress, claimed_at=now())
    )


@dataclass(frozen=True)
class Frozen:
    """What a report will say for ever."""

    figures: Mapping[str, Any]
    definitions: Mapping[str, Any]


def compute_figures(report_id: uuid.UUID) -> Frozen:
    """The figures of a claimed report, all read from one and the same state of the database."""
    db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    report = db.session.get_one(ActivityReport, report_id)
    setting = find_setting(report.cite_id)
    if setting is None:
        raise LookupError("the Cité of a report is gone")
    period = Period(report.period_start, report.period_end).until(report.as_of)
    return Frozen(freeze(snapshot_of(setting, period), report.as_of), definitions())


def settle_report(report_id: uuid.UUID, frozen: Frozen, *, workbook: bytes, pdf: bytes) -> bool:
    """Freeze a report; that of a month is announced to the chef de file. False when it was no longer ours."""
    claimed = sa.select(ActivityReport).where(
        ActivityReport.id == report_id, ActivityReport.state == ReportState.COMPUTING
    )
    report = db.session.scalar(claimed.with_for_update())
    if report is None:
        return False
    report.figures, report.definitions = dict(frozen.figures), dict(frozen.definitions)
    report.definitions_version = frozen.definitions["version"]
    report.xlsx, report.pdf = workbook, pdf
    report.state, report.progress, report.ready_at = ReportState.READY, 100, now()
    if is_monthly(report.occasion):
        for reader in readers_of(report.cite_id, today()):
            outbox.queue(
                LETTER,
                to=reader.email,
                about=f"{report.id}:{reader.id}",
                report=str(report.id),
                reader=str(reader.id),
            )
    return True


def fail_report(report_id: uuid.UUID) -> None:
    """Give a claimed report up, with a sentence for its page."""
    db.session.execute(
        sa.update(ActivityReport)
        .where(ActivityReport.id == report_id, ActivityReport.state == ReportState.COMPUTING)
        .values(state=ReportState.FAILED, failure=INTERRUPTED)
    )


def ask_again(reports: Sequence[uuid.UUID]) -> None:
    """Make those of these reports wait again that were given up."""
    given_up = sa.and_(ActivityReport.id.in_(reports), ActivityReport.state == ReportState.FAILED)
    db.session.execute(
        sa.update(ActivityReport).where(given_up).values(state=ReportState.REQUESTED, progress=0)
    )


def release_reports() -> list[uuid.UUID]:
    """Make wait again what a dead worker left half-way or what failed less than MOST_ATTEMPTS times; returns all that wait."""
    lasts = timedelta(seconds=current_app.config.get("REPORT_CLAIM_SECONDS", CLAIM_LASTS.total_seconds()))
    left = sa.and_(ActivityReport.state == ReportState.COMPUTING, ActivityReport.claimed_at < now() - lasts)
    failed = sa.and_(
        ActivityReport.state == ReportState.FAILED, ActivityReport.claimed_at < now() - RETRY_AFTER
    )
    again = sa.update(ActivityReport).where(sa.or_(left, failed))
    db.session.execute(
        again.where(ActivityReport.attempts < MOST_ATTEMPTS).values(state=ReportState.REQUESTED, progress=0)
    )
    db.session.execute(
        sa.update(ActivityReport)
        .where(left, ActivityReport.attempts >= MOST_ATTEMPTS)
        .values(state=ReportState.FAILED, failure=INTERRUPTED)
    )
    waiting = sa.select(ActivityReport.id).where(ActivityReport.state == ReportState.REQUESTED)
    return list(db.session.scalars(waiting.order_by(ActivityReport.created_at).limit(100)))
