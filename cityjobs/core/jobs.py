"""Celery in our clothes: every task is one transaction, done as SYSTEM, safe to run twice."""

import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from celery import Celery, Task, shared_task
from celery.schedules import crontab
from flask import Flask

from cityjobs.core.db import SYSTEM, act_as, db, transaction

BEAT: dict[str, dict[str, Any]] = {}


BROKER_REST = 30.0
"""Seconds during which a broker that did not answer is not asked again: the sweep does without it."""

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


def every(schedule: float | crontab, task: str) -> None:
    """Have beat wake a task; schedules are seconds or a crontab in Paris time.

    A wake-up that nobody took before the next one is forgotten: they never pile up.
    """
    patience = schedule if isinstance(schedule, float) else 600.0
    BEAT[task] = {"task": task, "schedule": schedule, "options": {"expires": max(patience, 10.0)}}


def in_steps(name: str) -> "Callable[[Callable[Given, Answer]], Task[Given, Answer]]":
    """Declare a task that opens its own transactions, one per step, instead of being one."""
    own: dict[str, Any] = {"name": name, "transactional": False}
    return cast("Callable[[Callable[Given, Answer]], Task[Given, Answer]]", shared_task(**own))


class Breaker:
    """Remembers that the broker did not answer, so that one request in many waits for it, not every one."""

    def __init__(self) -> None:
        self.closed_until = 0.0

    def lets_through(self) -> bool:
        """Whether the broker may be asked."""
        return time.monotonic() >= self.closed_until

    def note_failure(self) -> None:
        """The broker did not answer: leave it alone for a while."""
        self.closed_until = time.monotonic() + BROKER_REST


breaker = Breaker()


def nudge(task: "Task[..., Any]", identifier: str) -> Callable[[], None]:
    """A callback for after the commit: tell a worker that there is something to do, hardly waiting.

    Raises what the broker's client raises, at most once in 30 seconds; the work itself is already saved.
    """

    def publish() -> None:
        if not breaker.lets_through():
            return
        try:
            task.apply_async((identifier,), retry=False, ignore_result=True)
        except Exception:
            breaker.note_failure()
            raise

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
