"""Signs of life of what runs beside the web, and the health page's facts."""

import time
from datetime import datetime
from typing import Any

import redis
import sqlalchemy as sa
from celery import shared_task
from celery.beat import PersistentScheduler
from celery.signals import worker_ready
from flask import Flask, current_app
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import Mapped, mapped_column

from cityjobs.core import jobs
from cityjobs.core.clock import now
from cityjobs.core.db import SYSTEM, Model, act_as, db, transaction


class Heartbeat(Model):
    """When a part last showed that it lives."""

    __tablename__ = "heartbeat"
    part: Mapped[str] = mapped_column(primary_key=True)
    beaten_at: Mapped[datetime]


EVERY = 15.0


def sign(part: str) -> None:
    """Write that a part lives, now."""
    row = pg.insert(Heartbeat).values(part=part, beaten_at=now())
    db.session.execute(row.on_conflict_do_update(index_elements=[Heartbeat.part], set_={"beaten_at": now()}))


@shared_task(name="heartbeat.worker")
def worker_lives() -> None:
    """Run by a worker: its trace proves that one takes tasks."""
    sign("worker")


jobs.every(EVERY, "heartbeat.worker")


@worker_ready.connect
def sign_at_once(**_facts: object) -> None:
    """A worker that has just started signs without waiting for beat."""
    worker_lives.apply_async(ignore_result=True)


class SigningScheduler(PersistentScheduler):
    """Beat's own scheduler, which also signs that it ticks."""

    _signed_at = 0.0

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Sign at most every 15 seconds; a database that is away never stops the clock."""
        flask_app: Flask = getattr(self.app, "flask_app")  # noqa: B009 - set by create_celery
        if time.monotonic() - self._signed_at >= flask_app.config.get("HEARTBEAT_SECONDS", EVERY):
            self._signed_at = time.monotonic()
            with flask_app.app_context():
                try:
                    act_as(SYSTEM)
                    with transaction():
                        sign("beat")
                except sa.exc.SQLAlchemyError:
                    current_app.logger.warning("beat_could_not_sign")
        return float(super().tick(*args, **kwargs))


OLDEST = {"worker": 120.0, "beat": 120.0, "outbox": 900.0}
"""Seconds after which a part is said not to live, or a letter to be stuck."""


def examine(app: Flask) -> dict[str, Any]:
    """What the health page says: every part, its age in seconds where it has one, and whether all is well."""
    parts: dict[str, Any] = {"database": False, "broker": _broker_answers(app), "migration": None}
    try:
        row = db.session.execute(sa.text("select * from app.health()")).one()
    except sa.exc.SQLAlchemyError:
        db.session.rollback()
        row = None
    if row is not None:
        parts |= {
            "database": True,
            "migration": row.revision,
            "worker_age": row.worker_age,
            "beat_age": row.beat_age,
            "outbox_age": row.outbox_age,
        }
    oldest = {**OLDEST, **app.config.get("HEALTH_LIMITS", {})}
    parts["ok"] = (
        parts["database"]
        and parts["broker"]
        and all(_recent(parts.get(f"{name}_age"), oldest[name]) for name in ("worker", "beat"))
        and (parts.get("outbox_age") or 0.0) < oldest["outbox"]
    )
    return parts


def _recent(age: float | None, oldest: float) -> bool:
    return age is not None and age < oldest


def _broker_answers(app: Flask) -> bool:
    try:
        with redis.Redis.from_url(
            app.config["REDIS_CLIENT_URL"],
            socket_timeout=1,
            socket_connect_timeout=1,
            retry=Retry(NoBackoff(), 0),
        ) as broker:
            return bool(broker.ping())
    except redis.RedisError:
        return False
