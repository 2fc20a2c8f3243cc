"""Who read what, and whether the journal is whole. Who wrote what is recorded by the database itself (migrations 0005, 0012).

Source: CNIL recommendation on logging (domain.md §3.7): access, creation, modification and deletion, kept apart.
"""

import enum
import hashlib
import logging
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from celery import shared_task
from flask import Response

from cityjobs.core import jobs
from cityjobs.core.db import after_commit, commit, db, rollback

log = logging.getLogger(__name__)

# Readings

SHOWING = frozenset({200, 206, 409, 422})
"""Answers that are pages about what was asked; every other one is a redirect, or says only that something is wrong."""

SENDING_ELSEWHERE = range(300, 400)
WARN = sa.text("select audit.record_warnings(:subjects)")


def record_reading(subject: str, subject_id: uuid.UUID, cite_id: uuid.UUID) -> None:
    """Say what the page being made shows: the frame leaves one trace of it when that page leaves.

    The last call counts: a page about an exchange says the exchange after its loader said the person.
    """
    db.session().info["reading"] = {"subject": subject, "subject_id": subject_id, "cite_id": cite_id}


def note_warning_passed(subjects: Iterable[str]) -> None:
    """Say that a text is kept with sensitive words, about these subjects, that its author has read again.

    The journal holds the subjects, never the text nor a word of it; the request tells which rows were written with them.
    """
    db.session().info.setdefault("warnings", set()).update(subjects)


def settle(response: Response) -> Response:
    """Commit what a request did when its answer is a success, else roll it back; keep the trace of what it shows.

    A refused form shows the file all the same: its trace is then alone in a transaction of its own. A warning was passed
    only when something is saved, and whatever saves sends elsewhere.
    """
    reading = db.session().info.pop("reading", None)
    warnings = db.session().info.pop("warnings", None)
    if response.status_code >= 400:
        rollback()
    if warnings and response.status_code in SENDING_ELSEWHERE:
        db.session.execute(WARN, {"subjects": sorted(warnings)}).close()
    if reading and response.status_code in SHOWING:
        db.session.execute(
            sa.text("select audit.record_reading(:subject, :subject_id, :cite_id)"), reading
        ).close()
    elif response.status_code >= 400:
        return response
    commit()
    return response


# Seals

FIRST = bytes(32)
"""What stands before the first seal."""


@shared_task(name="audit.seal")
def seal() -> list[str]:
    """Chain the lines that nobody can add to any more; the log keeps each seal's number and hash, outside the database."""
    made = db.session.execute(sa.text("select seal, hash, lines from audit.seal_lines()")).all()
    for row in made:
        told = {"seal": row.seal, "hash": row.hash, "lines": row.lines}
        after_commit(partial(log.info, "audit_sealed", extra=told))
    return [f"{row.seal}:{row.hash}" for row in made]


jobs.every(60.0, "audit.seal")


class Kind(enum.StrEnum):
    """What is wrong with one line, one seal or the chain."""

    ALTERED = "line_altered"
    REMOVED = "line_removed"
    INSERTED = "line_inserted"
    SEAL_ALTERED = "seal_altered"
    SEAL_MISSING = "seal_missing"
    UNSAID_PURGE = "purge_not_in_the_journal"
    NOT_ANCHORED = "anchor_not_found"


@dataclass(frozen=True)
class Fault:
    """One thing that is not as it was sealed."""

    kind: Kind
    seal: int
    line: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What was verified; `last` is the last seal as « number:hash », to be kept elsewhere as an anchor."""

    faults: tuple[Fault, ...]
    seals: int
    lines: int
    waiting: int
    last: str | None
    until: datetime | None


def verify(owner: sa.Connection, anchors: Mapping[int, str] | None = None) -> Verdict:
    """Read the whole journal as its owner and compare it with its seals, then these with each other and the anchors.

    `anchors` are hashes noted outside the database, by number of seal. Nothing in the database is trusted to compare.
    """
    owner.execute(sa.text("set transaction isolation level repeatable read read only"))
    faults: list[Fault] = []
    seals = owner.execute(SEALS).all()
    stands = owner.execute(STANDS).one_or_none()
    for before, row in pairwise([None, *seals]):
        assert row is not None  # noqa: S101 - only the first of the pairs has none before
        faults += _faults_of_seal(before, row)
        if row.purged_at is None:
            lines = owner.execute(LINES, {"seal": row.id, "first": row.first_line, "last": row.last_line})
            faults += _faults_of_lines(row, lines)
    faults += _faults_of_end(seals, stands)
    faults += _faults_of_purge(seals, owner)
    hashes = {row.id: row.hash.hex() for row in seals}
    faults += [
        Fault(Kind.NOT_ANCHORED, number)
        for number, noted in (anchors or {}).items()
        if hashes.get(number) != noted.lower()
    ]
    last = seals[-1] if seals else None
    after = {"after": last.last_line if last else 0}
    return Verdict(
        tuple(faults),
        len(seals),
        sum(row.lines for row in seals if row.purged_at is None),
        owner.scalar(sa.text("select count(*) from audit.journal where id > :after"), after) or 0,
        f"{last.id}:{last.hash.hex()}" if last else None,
        last.sealed_at if last else None,
    )


SEALS = sa.text(
    "select id, first_line, last_line, lines, root, previous, hash, sealed_at, purged_at,"
    " to_char(sealed_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') as said_at from audit.seal order by id"
)
STANDS = sa.text("select last_seal, last_line, last_hash from audit.sealing")
LINES = sa.text(
    """
    select coalesce(sealed.id, kept.id) as id, sealed.hash as sealed, kept.hash as kept
    from (
      select i as id, h as hash from audit.seal, unnest(line_ids, line_hashes) as u(i, h) where seal.id = :seal
    ) sealed
    full join (
      select id, sha256(convert_to(jsonb_build_array(
        id, to_char(at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), actor, role, cite_id, request,
        verb, subject, subject_id, before, after)::text, 'UTF8')) as hash
      from audit.journal where id between :first and :last
    ) kept on kept.id = sealed.id
    order by 1
    """
)
"""Written here and not called from audit.said_in, which whoever alters the journal could alter too."""


def _faults_of_seal(before: Any, row: Any) -> Iterator[Fault]:
    """A seal against itself, and against the one before it."""
    number, first, previous = (before.id + 1, before.last_line + 1, before.hash) if before else (1, 1, FIRST)
    said = "|".join(
        map(
            str,
            (
                row.id,
                row.first_line,
                row.last_line,
                row.lines,
                row.said_at,
                row.root.hex(),
                row.previous.hex(),
            ),
        )
    )
    if row.id != number:
        yield Fault(Kind.SEAL_MISSING, number)
    elif row.previous != previous or row.first_line != first:
        yield Fault(Kind.SEAL_ALTERED, row.id)
    if hashlib.sha256(said.encode()).digest() != row.hash:
        yield Fault(Kind.SEAL_ALTERED, row.id)


def _faults_of_lines(row: Any, lines: Any) -> Iterator[Fault]:
    """The lines of one seal against what it says of them."""
    sealed = []
    for line in lines:
        if line.sealed is not None:
            sealed.append(f"{line.id}:{line.sealed.hex()}")
        if line.sealed is None and line.kept is not None:
            yield Fault(Kind.INSERTED, row.id, line.id)
        elif line.sealed is None:
            yield Fault(Kind.SEAL_ALTERED, row.id)
        elif line.kept is None:
            yield Fault(Kind.REMOVED, row.id, line.id)
        elif line.kept != line.sealed:
            yield Fault(Kind.ALTERED, row.id, line.id)
    if hashlib.sha256(",".join(sealed).encode()).digest() != row.root or len(sealed) != row.lines:
        yield Fault(Kind.SEAL_ALTERED, row.id)


def _faults_of_end(seals: Any, stands: Any) -> Iterator[Fault]:
    """The last seals, against where sealing says that it stands."""
    if stands is None:
        if seals:
            yield Fault(Kind.SEAL_ALTERED, seals[-1].id)
        return
    last = seals[-1].id if seals else 0
    for number in range(last + 1, min(stands.last_seal, last + 100) + 1):
        yield Fault(Kind.SEAL_MISSING, number)
    if stands.last_seal < last or (seals and stands.last_seal == last and stands.last_hash != seals[-1].hash):
        yield Fault(Kind.SEAL_ALTERED, last)


def _faults_of_purge(seals: Any, owner: sa.Connection) -> Iterator[Fault]:
    """A purge takes the oldest seals only, leaves none of their lines, and is itself told in the journal."""
    purged = [row for row in seals if row.purged_at is not None]
    if not purged:
        return
    told = owner.scalar(
        sa.text(
            "select max(subject_id::bigint) from audit.journal where verb = 'purge' and subject = 'journal'"
        )
    )
    for row in purged:
        if row.id > (told or 0):
            yield Fault(Kind.UNSAID_PURGE, row.id)
    for line in owner.scalars(
        sa.text("select id from audit.journal where id <= :last"), {"last": purged[-1].last_line}
    ):
        yield Fault(Kind.INSERTED, purged[-1].id, line)
