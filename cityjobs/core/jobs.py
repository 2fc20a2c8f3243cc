"""Celery in our clothes: every task is one transaction, done as SYSTEM, safe to run twice."""

from collections.abc import Callable
from typing import Any

from celery import Celery, Task
from celery.schedules import crontab
from flask import Flask

from cityjobs.core.db import SYSTEM, act_as, db, transaction

BEAT: dict[str, dict[str, Any]] = {}


def every(schedule: float | crontab, task: str) -> None:
    """Have beat wake a task; schedules are seconds or a crontab in Paris time."""
    BEAT[task] = {"task": task, "schedule": schedule}


def nudge(task: "Task[..., Any]", identifier: str) -> Callable[[], None]:
    """A callback for after the commit: tell a worker that there is something to do, without waiting."""

    def publish() -> None:
        task.apply_async((identifier,), retry=False, ignore_result=True)

    return publish


def create_celery(app: Flask) -> "Celery[Any]":
    """The Celery application of this Flask application."""

    class UnitOfWork(Task[..., Any]):
        """A task whose body runs inside one transaction, or which opens its own when `transactional` is False."""

        abstract = True
        transactional = True

        def __call__(self, *args: object, **kwargs: object) -> object:
            with app.app_context():
                act_as(SYSTEM)
                try:
                    if not self.transactional:
                        return self.run(*args, **kwargs)
                    with transaction():
                        return self.run(*args, **kwargs)
                finally:
                    db.session.remove()

    celery: Celery[Any] = Celery("cityjobs", task_cls=UnitOfWork)
    celery.conf.update(
        broker_url=app.config["CELERY_BROKER_URL"],
        broker_transport_options={
            "visibility_timeout": 3600,
            "socket_timeout": 2,
            "socket_connect_timeout": 1,
            "global_keyprefix": "cityjobs:",
        },
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=1,
        beat_schedule=BEAT,
        timezone="Europe/Paris",
        enable_utc=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        task_store_eager_result=False,
        task_time_limit=600,
        task_soft_time_limit=540,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        event_queue_expires=60,
        task_serializer="json",
        accept_content=["json"],
    )
    celery.conf.beat_scheduler = "cityjobs.core.heartbeat:SigningScheduler"
    celery.flask_app = app  # type: ignore[attr-defined]
    celery.set_default()
    app.extensions["celery"] = celery
    return celery
