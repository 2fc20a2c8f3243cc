"""What happens by the clock: reports asked for are computed, those of the month are asked for.

Beat only wakes these; they decide by state, so that a first of the month missed is caught up and a double run is harmless.
"""

import logging
import uuid
from datetime import timedelta

from celery import shared_task
from celery.schedules import crontab
from flask import Flask, current_app

from cityjobs.core import jobs, outbox
from cityjobs.core.clock import today
from cityjobs.core.db import transaction
from cityjobs.core.outbox import Outgoing
from cityjobs.core.post import Letter, write_letter
from cityjobs.reporting.actions import (
    COMPUTE,
    LETTER,
    claim_report,
    compute_figures,
    fail_report,
    note_progress,
    release_reports,
    settle_report,
    write_monthly_reports,
)
from cityjobs.reporting.documents import write_pdf, write_workbook
from cityjobs.reporting.queries import cites_at_work, find_announced_report

log = logging.getLogger(__name__)


@jobs.in_steps(COMPUTE)
def compute(report_id: str) -> str:
    """Compute one report that waits. Asking ten times computes once; returns what became of it."""
    identifier = uuid.UUID(report_id)
    with transaction():
        if not claim_report(identifier):
            return "not_waiting"
    try:
        return _compute(identifier)
    except Exception as failure:
        with transaction():
            fail_report(identifier)
        log.warning("report_not_computed", extra={"report": report_id, "failure": type(failure).__name__})
        return "failed"


def _compute(identifier: uuid.UUID) -> str:
    with transaction():
        frozen = compute_figures(identifier)
    with transaction():
        note_progress(identifier, 50)
    workbook = write_workbook(frozen.figures, frozen.definitions)
    with transaction():
        note_progress(identifier, 70)
    pdf = write_pdf(frozen.figures, frozen.definitions)
    with transaction():
        settled = settle_report(identifier, frozen, workbook=workbook, pdf=pdf)
    return "ready" if settled else "not_claimed"


@jobs.in_steps("reporting.sweep")
def sweep() -> int:
    """Compute whatever waits or was left half-way; returns how many were looked at."""
    with transaction():
        waiting = release_reports()
    for identifier in waiting:
        compute(str(identifier))
    return len(waiting)


@shared_task(name="reporting.monthly")
def monthly() -> int:
    """Ask for the report of last month wherever it is missing; returns how many were."""
    last_month = today().replace(day=1) - timedelta(days=1)
    return len(write_monthly_reports(last_month, cites_at_work()))


def _compose(row: Outgoing) -> Letter | None:
    """The announcement of a report; None when its reader is no longer chef de file."""
    report = find_announced_report(uuid.UUID(row.facts["report"]), uuid.UUID(row.facts["reader"]), today())
    if report is None:
        return None
    link = f"{current_app.config['BASE_URL']}/pilotage/rapports/{report.id}"
    return write_letter(
        "report",
        subject="Le rapport d’activité du mois est prêt",
        cite=report.name,
        month=report.period_start,
        link=link,
    )


outbox.register(LETTER, outbox.Kind(_compose))
jobs.every(60.0, "reporting.sweep")
jobs.every(crontab(minute="*/10"), "reporting.monthly")


def init_app(_app: Flask) -> None:
    """Nothing to attach: importing this module makes its tasks and its letter known."""
