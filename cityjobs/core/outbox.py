"""What leaves the house is first a row: queued in the caller's transaction, claimed once, sent, settled.

A row holds a kind, a recipient and identifiers, never a text: the letter is composed at the moment of sending,
from what is true then. Each kind registers how it is composed, and what is to be done when it was claimed or settled.
"""

import enum
import json
import logging
import smtplib
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
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
from cityjobs.core.post import InDoubt, Letter, Postman

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 8
MOST_ATTEMPTS_WHEN_AWAY = 200
"""With the delays below: two days of a mail server that does not answer."""
FIRST_DELAY = timedelta(seconds=30)
LONGEST_DELAY = timedelta(minutes=15)
MOST_DEATHS = 5
"""A letter in whose sending so many workers died is given up: it is what kills them."""
CLAIM_LASTS = timedelta(seconds=20)
"""Between a claim and the lock that holds the letter while it is sent; the lock goes with the worker that dies."""
TAKEN_BACK_FOR = timedelta(seconds=3)
"""What was left half-way waits that long: whoever was only cut off from the database may still write it down."""
PATIENCE_TO_WRITE_DOWN = 120.0
"""Seconds during which a worker whose letter has left tries to write so in a database that went away meanwhile."""
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
    deaths: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[created]
    not_before: Mapped[created]
    claimed_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    failure: Mapped[str | None]

    __table_args__ = (
        sa.UniqueConstraint("kind", "dedupe_key"),
        sa.Index(
            "ix_outgoing_unsettled", "not_before", postgresql_where=sa.text("state in ('waiting', 'sending')")
        ),
        sa.Index("ix_outgoing_failed", "settled_at", postgresql_where=sa.text("state = 'failed'")),
    )


Compose = Callable[[Outgoing], Letter | None]
Hook = Callable[[Outgoing], None]


def _nothing(_row: Outgoing) -> None:
    return None


@dataclass(frozen=True)
class Kind:
    """How letters of one kind are made. `compose` returning None cancels: there is no longer anything to say.

    `by_clock`: nobody asks for these, the clock does, so that it would ask again after a restore.
    """

    compose: Compose
    claimed: Hook = field(default=_nothing)
    settled: Hook = field(default=_nothing)
    by_clock: bool = False


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
        pg.insert(Outgoing)
        .values(**row, state=Delivery.WAITING, attempts=0, created_at=now(), not_before=now())
        .on_conflict_do_nothing()
        .execution_options(preserve_rowcount=True)
    )
    if written.rowcount == 0:  # type: ignore[attr-defined]
        return None
    after_commit(jobs.nudge(deliver, str(row_id)))
    return row_id


@jobs.in_steps("outbox.deliver")
def deliver(row_id: str) -> str:
    """Send one waiting letter. Asking ten times sends once; returns what became of it."""
    identifier = uuid.UUID(row_id)
    departure = Departure()
    try:
        with transaction():
            if not _claim(identifier):
                return "not_waiting"
        with transaction():
            return _send(identifier, departure)
    except Exception as failure:
        if departure.has_left:
            return _write_down(identifier)
        with transaction():
            _postpone(identifier, failure)
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


@dataclass
class Departure:
    """Whether the mail server has taken the letter, whatever becomes of the transaction that was to say so."""

    has_left: bool = False


def _send(identifier: uuid.UUID, departure: Departure) -> str:
    """Compose and send, holding the row: nobody else takes it while a slow mail server makes up its mind.

    That it has left is written before it leaves, so that hardly more than the commit is to come: a worker that dies
    between the last dot and that commit is the one way in which a letter leaves twice. A mail server that took the
    whole letter and never answered leaves it in doubt: it is settled as failed, and a person decides.
    """
    db.session.execute(sa.text("set local idle_in_transaction_session_timeout = '10min'"))
    claimed = sa.select(Outgoing).where(Outgoing.id == identifier, Outgoing.state == Delivery.SENDING)
    row = db.session.scalar(claimed.with_for_update(skip_locked=True))
    if row is None:
        return "not_claimed"
    letter, recipient = KINDS[row.kind].compose(row), row.recipient
    row.state = Delivery.CANCELLED if letter is None else Delivery.SENT
    row.settled_at, row.failure = now(), None
    db.session.flush()
    if letter is not None:
        postman: Postman = current_app.extensions["postman"]
        try:
            postman.send(letter, to=recipient, reference=row.id)
        except InDoubt as doubt:
            row.state, row.failure = Delivery.FAILED, type(doubt).__name__
            log.error("letter_in_doubt", extra=_trace_of(row))
        else:
            departure.has_left = True
            log.info("letter_sent", extra=_trace_of(row))
    _tell_settled(row)
    return row.state.value


def _trace_of(row: Outgoing) -> dict[str, Any]:
    """What the log keeps of a letter that left, so that a restored database can be told: identifiers alone."""
    trace: dict[str, Any] = {"letter": str(row.id), "kind": row.kind}
    if KINDS[row.kind].by_clock:
        trace |= {"about": row.dedupe_key, "facts": row.facts}
    return trace


@dataclass(frozen=True)
class SentLetter:
    """A letter that left, as the worker's log says; `about` and `facts` only for a kind that the clock asks for."""

    id: uuid.UUID
    kind: str
    at: datetime
    about: str | None
    facts: dict[str, str]


def letters_sent(lines: Iterable[str]) -> list[SentLetter]:
    """The letters of a worker's log, oldest first; every other line is passed over."""
    letters = []
    for line in lines:
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict) and told.get("event") == "letter_sent":
            at = datetime.fromisoformat(told["timestamp"])
            identifier = uuid.UUID(told["letter"])
            letters.append(
                SentLetter(identifier, told["kind"], at, told.get("about"), told.get("facts") or {})
            )
    return sorted(letters, key=lambda letter: letter.at)


def recall_sent(letters: Iterable[SentLetter]) -> Counter[str]:
    """Tell a restored database of the letters that had left: none of them will leave again.

    A letter it never heard of is written down when the clock would ask for it again. Counts « recalled »,
    « written » and « known » ones.
    """
    recalled: Counter[str] = Counter()
    for letter in letters:
        same = sa.or_(
            Outgoing.id == letter.id,
            sa.and_(Outgoing.kind == letter.kind, Outgoing.dedupe_key == letter.about),
        )
        row = db.session.scalar(sa.select(Outgoing).where(same).with_for_update())
        if row is None and letter.about is None:
            recalled["known"] += 1
            continue
        recalled["written" if row is None else "known" if row.settled_at else "recalled"] += 1
        if row is None:
            row = Outgoing(
                id=letter.id, kind=letter.kind, dedupe_key=letter.about, recipient="", facts=letter.facts
            )
            row.state, row.attempts, row.created_at, row.not_before = (
                Delivery.WAITING,
                1,
                letter.at,
                letter.at,
            )
            db.session.add(row)
        if row.state == Delivery.WAITING:
            KINDS[row.kind].claimed(row)
        if row.settled_at is None:
            row.state, row.settled_at, row.failure = Delivery.SENT, letter.at, None
            _tell_settled(row)
    return recalled


def _write_down(identifier: uuid.UUID) -> str:
    """Say that a letter has left, as soon as the database, lost since, is there again: else it would leave twice."""
    deadline = time.monotonic() + PATIENCE_TO_WRITE_DOWN
    while True:
        try:
            with transaction():
                row = db.session.scalar(
                    sa.select(Outgoing).where(Outgoing.id == identifier).with_for_update()
                )
                if row is not None and row.state in (Delivery.WAITING, Delivery.SENDING):
                    row.state, row.settled_at, row.failure = Delivery.SENT, now(), None
                    _tell_settled(row)
            return Delivery.SENT.value
        except sa.exc.SQLAlchemyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _tell_settled(row: Outgoing) -> None:
    """Run the kind's hook; its failure must not undo what is settled, or the letter would be sent again."""
    kind = KINDS.get(row.kind)
    if kind is None or kind.settled is _nothing:
        return
    db.session.flush()
    try:
        with db.session.begin_nested():
            kind.settled(row)
    except Exception as failure:
        log.error("settled_hook_failed", extra={"letter": str(row.id), "failure": type(failure).__name__})


def _postpone(identifier: uuid.UUID, failure: Exception) -> None:
    row = db.session.scalar(sa.select(Outgoing).where(Outgoing.id == identifier).with_for_update())
    if row is None or row.state not in (Delivery.WAITING, Delivery.SENDING):
        return
    if row.state == Delivery.WAITING:  # it could not even be claimed
        row.attempts += 1
    row.failure = type(failure).__name__
    most = MOST_ATTEMPTS_WHEN_AWAY if is_mail_server_away(failure) else MOST_ATTEMPTS
    if row.attempts >= most:
        _give_up(row)
    else:
        delay = min(FIRST_DELAY * 2 ** min(row.attempts - 1, 16), LONGEST_DELAY)
        row.state, row.not_before = Delivery.WAITING, now() + delay


def _give_up(row: Outgoing) -> None:
    row.state, row.settled_at = Delivery.FAILED, now()
    _tell_settled(row)


def is_mail_server_away(failure: Exception) -> bool:
    """Whether the mail server could not be reached or said « later »: nothing is wrong with the letter."""
    if isinstance(failure, smtplib.SMTPRecipientsRefused):
        return all(400 <= code < 500 for code, _ in failure.recipients.values())
    if isinstance(failure, smtplib.SMTPResponseException):
        return 400 <= failure.smtp_code < 500
    return isinstance(failure, OSError)


@jobs.in_steps("outbox.sweep")
def sweep() -> int:
    """Send whatever waits or was left half-way by a worker that died; returns how many were looked at.

    Stops early when the mail server is plainly away: the next sweep goes on.
    """
    lasts = timedelta(seconds=current_app.config.get("OUTBOX_CLAIM_SECONDS", CLAIM_LASTS.total_seconds()))
    with transaction():
        left = sa.select(Outgoing).where(
            Outgoing.state == Delivery.SENDING, Outgoing.claimed_at < now() - lasts
        )
        for row in db.session.scalars(left.with_for_update(skip_locked=True)).all():
            row.deaths += 1
            if row.deaths >= MOST_DEATHS:
                row.failure = "abandoned"
                _give_up(row)
            else:
                row.state, row.not_before = Delivery.WAITING, now() + TAKEN_BACK_FOR
    with transaction():
        due = sa.select(Outgoing.id).where(Outgoing.state == Delivery.WAITING, Outgoing.not_before <= now())
        identifiers = list(db.session.scalars(due.order_by(Outgoing.deaths, Outgoing.not_before).limit(500)))
    postponed = 0
    for identifier in identifiers:
        postponed = postponed + 1 if deliver(str(identifier)) == "postponed" else 0
        if postponed >= 3:
            break
    return len(identifiers)


@shared_task(name="outbox.purge")
def purge() -> None:
    """Forget letters settled long ago; the ledgers of the rooms keep what must be proven."""
    settled = sa.delete(Outgoing).where(Outgoing.settled_at < now() - KEPT_FOR)
    db.session.execute(settled)


jobs.every(30.0, "outbox.sweep")
jobs.every(86_400.0, "outbox.purge")
