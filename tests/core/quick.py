"""The real application for a worker and a beat that tests start: the same, in more of a hurry."""

from cityjobs.app import create_app
from config import load_settings

HURRY = {"OUTBOX_CLAIM_SECONDS": 2.0, "HEARTBEAT_SECONDS": 1.0}

app = create_app({**load_settings().flask_config(), **HURRY})
celery = app.extensions["celery"]
for task, seconds in {"outbox.sweep": 1.0, "heartbeat.worker": 1.0, "reminders.scan": 1.0}.items():
    celery.conf.beat_schedule[task] = {**celery.conf.beat_schedule[task], "schedule": seconds}
