"""What leaves the house is first a row: queued in the caller's transaction, claimed once, sent, settled.

A row holds a kind, a recipient and identifiers, never a text: the letter is composed at the moment of sending,
from what is true then. Each kind registers how it is composed, and what is to be done when it was claimed or settled.
"""

import enum
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from celery import shared_task
from flask import current_app
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import Mapped, mapped_column

from cityjobs.core import jobs
from cityjobs.core.clock import now
from cityjobs.core.db import Model, after_commit, created, db, key, transaction
from cityjobs.core.post import Letter, Postman

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 8
CLAIM_LASTS = timedelta(minutes=2)
KEPT_FOR = timedelta(days=90)


class Delivery(enum.StrEnum):
    """Where a row of the outbox stands."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Outgoing(Model):
    """One thing that must leave the house, once."""

    __tablename__ = "outgoing"
    id: Mapped[key]
    kind: Mapped[str]
    dedupe_key: Mapped[str]
    recipient: Mapped[str]
    facts: Mapped[dict[str, Any]] = mapped_column(pg.JSONB)
    state: Mapped[Delivery] = mapped_column(sa.Text, default=Delivery.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[created]
    not_before: Mapped[created]
    claimed_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    failure: Mapped[str | None]

    __table_args__ = (
        sa.UniqueConstraint("kind", "dedupe_key"),
        sa.Index("ix_outgoing_unsettled", "not_before", postgresql_where=sa.text("state in ('waiting', 'sending')")),
    )


Compose = Callable[[Outgoing], Letter | None]
Hook = Callable[[Outgoing], None]


def _nothing(_row: Outgoing) -> None:
    return None


@dataclass(frozen=True)
class Kind:
    """How letters of one kind are made. `compose` returning None cancels: there is no longer anything to say."""

    compose: Compose
    claimed: Hook = field(default=_nothing)
    settled: Hook = field(default=_nothing)


KINDS: dict[str, Kind] = {}


def register(name: str, kind: Kind) -> None:
    """Declare a kind of letter, once, at import."""
    KINDS[name] = kind


def queue(kind: str, *, to: str, about: str, **facts: str) -> uuid.UUID | None:
    """Put a letter in the outbox of the present transaction; it leaves if, and only if, that commits.

    `to` is an e-mail address, `about` makes it unique within its kind (asking twice queues once),
    `facts` are identifiers. Returns the row's identifier, or None when it was already queued.
    """
    row_id = uuid.uuid4()
    row = {"id": row_id, "kind": kind, "dedupe_key": about, "recipient": to, "facts": facts}
    written = db.session.execute(
        pg.insert(Outgoing).values(**row, state=Delivery.WAITING, attempts=0, created_at=now(), not_before=now())
        .on_conflict_do_nothing()
    )
    if written.rowcount == 0:  # type: ignore[attr-defined]
        return None
    after_commit(jobs.nudge(deliver, str(row_id)))
    return row_id


@shared_task(name="outbox.deliver", transactional=False)
def deliver(row_id: str) -> str:
    """Send one waiting letter. Asking ten times sends once; returns what became of it."""
    identifier = uuid.UUID(row_id)
    with transaction():
        if not _claim(identifier):
            return "not_waiting"
    try:
        with transaction():
            return _send(identifier)
    except Exception as failure:
        with transaction():
            _postpone(identifier, type(failure).__name__)
        log.warning("letter_not_sent", extra={"letter": row_id, "failure": type(failure).__name__})
        return "postponed"


def _claim(identifier: uuid.UUID) -> bool:
    waiting = sa.select(Outgoing).where(
        Outgoing.id == identifier, Outgoing.state == Delivery.WAITING, Outgoing.not_before <= now()
    )
    row = db.session.scalar(waiting.with_for_update(skip_locked=True))
    if row is None:
        return False
    row.state, row.claimed_at, row.attempts = Delivery.SENDING, now(), row.attempts + 1
    KINDS[row.kind].claimed(row)
    return True


def _send(identifier: uuid.UUID) -> str:
    claimed = sa.select(Outgoing).where(Outgoing.id == identifier, Outgoing.state == Delivery.SENDING)
    row = db.session.scalar(claimed.with_for_update(skip_locked=True))
    if row is None:
        return "not_claimed"
    kind = KINDS[row.kind]
    letter = kind.compose(row)
    if letter is None:
        row.state = Delivery.CANCELLED
    else:
        postman: Postman = current_app.extensions["postman"]
        postman.send(letter, to=row.recipient, reference=row.id)
        row.state = Delivery.SENT
    row.settled_at, row.failure = now(), None
    kind.settled(row)
    return row.state.value


def _postpone(identifier: uuid.UUID, failure: str) -> None:
    row = db.session.scalar(sa.select(Outgoing).where(Outgoing.id == identifier).with_for_update())
    if row is None or row.state != Delivery.SENDING:
        return
    row.failure = failure
    if row.attempts >= MOST_ATTEMPTS:
        row.state, row.settled_at = Delivery.FAILED, now()
        KINDS[row.kind].settled(row)
    else:
        row.state, row.not_before = Delivery.WAITING, now() + timedelta(seconds=30 * 2 ** (row.attempts - 1))


@shared_task(name="outbox.sweep", transactional=False)
def sweep() -> int:
    """Send whatever waits or was left half-way by a worker that died; returns how many were looked at."""
    with transaction():
        left = sa.select(Outgoing).where(
            Outgoing.state == Delivery.SENDING, Outgoing.claimed_at < now() - CLAIM_LASTS
        )
        for row in db.session.scalars(left.with_for_update(skip_locked=True)):
            if row.attempts >= MOST_ATTEMPTS:
                row.state, row.settled_at, row.failure = Delivery.FAILED, now(), "abandoned"
                KINDS[row.kind].settled(row)
            else:
                row.state = Delivery.WAITING
    with transaction():
        due = sa.select(Outgoing.id).where(Outgoing.state == Delivery.WAITING, Outgoing.not_before <= now())
        identifiers = list(db.session.scalars(due.order_by(Outgoing.created_at).limit(500)))
    for identifier in identifiers:
        deliver(str(identifier))
    return len(identifiers)


@shared_task(name="outbox.purge")
def purge() -> None:
    """Forget letters settled long ago; the ledgers of the rooms keep what must be proven."""
    settled = sa.delete(Outgoing).where(Outgoing.settled_at < now() - KEPT_FOR)
    db.session.execute(settled)


jobs.every(30.0, "outbox.sweep")
jobs.every(86_400.0, "outbox.purge")
