"""What is not a page: the reminder scan, the figures of every Cité, an export of 100 000 rows."""

import json
import logging
import os
import subprocess
import sys
import time
from typing import Any

from cityjobs.app import create_app
from cityjobs.core.clock import now, today
from cityjobs.core.db import SYSTEM, act_as, db
from cityjobs.reminders.actions import write_due_lines
from cityjobs.reporting.queries import figures_of, find_setting
from cityjobs.reporting.rules.periods import Period
from cityjobs.territory.models import Cite
from config import load_settings
from tests.bench.house import ROOT, House

EXPORTED = 100_000


def _as_worker(house: House) -> Any:
    app = create_app(load_settings(house.environment("worker")).flask_config())
    logging.getLogger("cityjobs").setLevel(logging.ERROR)
    return app


def measure_scan(house: House) -> dict[str, Any]:
    """Every line due today, written and taken back; then once more with nothing new to write."""
    with _as_worker(house).app_context():
        act_as(SYSTEM)
        started = time.perf_counter()
        written = write_due_lines(now())
        first = time.perf_counter() - started
        started = time.perf_counter()
        write_due_lines(now())
        again = time.perf_counter() - started
        db.session.rollback()
        db.engine.dispose()
    return {
        "written": written,
        "first_s": round(first, 2),
        "again_s": round(again, 2),
        "aims": [("reminder scan of the country", round(first, 2), 30, "s")],
    }


def measure_all_figures(house: House) -> dict[str, Any]:
    """The figures of a month of every Cité, one after the other, as the monthly task computes them."""
    with _as_worker(house).app_context():
        act_as(SYSTEM)
        period = Period(today().replace(day=1), today())
        settings = [find_setting(cite) for cite in db.session.scalars(db.select(Cite.id))]
        times = []
        for setting in settings:
            if setting is not None:
                started = time.perf_counter()
                figures_of(setting, {"now": period})
                times.append(time.perf_counter() - started)
        db.session.rollback()
        db.engine.dispose()
    return {
        "cites": len(times),
        "whole_s": round(sum(times), 2),
        "slowest_ms": round(max(times) * 1000, 1),
        "aims": [("figures of all Cités, one after the other", round(sum(times), 2), 1, "s")],
    }


def measure_export(house: House, email: str) -> dict[str, Any]:
    """100 000 rows of the list written as a spreadsheet by a process of its own, for its peak of memory."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.bench.export", email, str(EXPORTED)],
        cwd=ROOT,
        env={**os.environ, **house.environment("web")},
        stdout=subprocess.PIPE,
        check=True,
    )
    told: dict[str, Any] = json.loads(ended.stdout)
    told["aims"] = [("export of 100 000 rows, peak of memory", told["peak_mb"], 300, "MB")]
    return told
