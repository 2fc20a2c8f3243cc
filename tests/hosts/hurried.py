"""The real application, as in production, for workers and a beat that are in more of a hurry; and a letter that kills."""

import os
import signal
from datetime import timedelta

from cityjobs.app import create_app
from cityjobs.core import jobs, outbox
from cityjobs.core.post import Letter
from config import load_settings

HURRY = {"OUTBOX_CLAIM_SECONDS": 1.0, "HEARTBEAT_SECONDS": 1.0, "REPORT_CLAIM_SECONDS": 2.0}
EVERY_SECOND = ("outbox.sweep", "heartbeat.worker", "reporting.sweep")


def kill_whoever_writes_it(_row: outbox.Outgoing) -> Letter | None:
    """As a letter would whose composing runs out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)
    return None


outbox.register("note", outbox.Kind(lambda _row: Letter("Une note", "Une note", "<p>Une note</p>")))
outbox.register("poison", outbox.Kind(kill_whoever_writes_it))
patient = os.environ.get("CITYJOBS_PATIENT") == "1"
app = create_app({**load_settings().flask_config(), **({} if patient else HURRY)})
celery = app.extensions["celery"]
if not patient:
    jobs.BROKER_REST = 8.0
    outbox.TAKEN_BACK_FOR = timedelta(seconds=0.5)
    for task in EVERY_SECOND:
        celery.conf.beat_schedule[task] = {**celery.conf.beat_schedule[task], "schedule": 1.0}
