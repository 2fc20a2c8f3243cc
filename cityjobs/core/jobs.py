"""Celery in our clothes: every task is one transaction, done as SYSTEM, safe to run twice."""

import threading
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import redis
from celery import Celery, Task, shared_task
from celery.schedules import crontab
from flask import Flask
from kombu.transport.redis import Channel

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
        self._lock = threading.Lock()

    def lets_through(self) -> bool:
        """Whether the broker may be asked: after a rest by one at first, who says whether the others may."""
        with self._lock:
            if time.monotonic() < self.closed_until:
                return False
            if self.closed_until:
                self.closed_until = time.monotonic() + BROKER_REST
            return True

    def note_success(self) -> None:
        """The broker answers."""
        self.closed_until = 0.0

    def note_failure(self) -> None:
        """The broker did not answer: leave it alone for a while."""
        self.closed_until = time.monotonic() + BROKER_REST


breaker = Breaker()


def say_lost_when_closed() -> None:
    """Make a channel whose connection was given up say « connection lost », which a worker outlives.

    Celery 5.7 collects a lost connection, then closes it; Kombu 5.7 then hands the messages in hand back through that
    channel and trips over None, and the worker ends there. The messages are no loss: the sweeps know what was left.
    """
    channels: Any = Channel
    parameters_of: Callable[..., dict[str, Any]] = channels._connparams
    if parameters_of.__name__ == "parameters_or_lost":
        return

    def parameters_or_lost(channel: Any, asynchronous: bool = False) -> dict[str, Any]:
        if channel.connection.client is None:
            raise redis.ConnectionError("the connection of this channel was given up")
        return parameters_of(channel, asynchronous=asynchronous)

    channels._connparams = parameters_or_lost


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
        breaker.note_success()

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

    say_lost_when_closed()
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
        broker_connection_max_retries=None,
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
