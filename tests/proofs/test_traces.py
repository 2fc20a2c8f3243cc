"""Each write and each reading of a file leaves exactly one trace, in its own transaction, for good.

What changed is found without the journal, by comparing the tables before and after; what a page shows, by its names.
"""

import json
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from cityjobs.core import audit
from cityjobs.core.db import db
from cityjobs.core.permissions import Access, needed_by
from tests.conftest import Databases
from tests.proofs.conftest import Proof
from tests.proofs.offers import Harvest, Offer
from tests.proofs.twins import HERE, UUID, Twins
from tests.test_audit import UNTRACED

TEST = "audit"
SEED = 20_261_123

READINGS = {
    "file.show": "person",
    "people.edit": "person",
    "people.household": "person",
    "people.search_kin": "person",
    "people.add_kin": "person",
    "followups.log": "person",
    "followups.plan": "person",
    "followups.finish": "person",
    "followups.postpone": "person",
    "followups.drop": "person",
    "followups.pass_on": "person",
    "followups.interview": "interview",
    "diagnosis.edit": "person",
    "diagnosis.begin": "person",
    "diagnosis.version": "person",
    "diagnosis.progress": "person",
    "diagnosis.move": "person",
    "followups.correct": "interview",
    "plans.show": "person",
    "plans.add_goal": "person",
    "plans.settle_goal": "person",
    "plans.add_etape": "person",
    "plans.edit_etape": "person",
    "plans.move": "person",
    "plans.keep": "person",
    "plans.apply": "person",
    "plans.add_agreement": "person",
    "plans.agreement": "person",
    "plans.put_review_off": "person",
    "plans.attach": "person",
    "plans.download": "attachment",
    "plans.remove": "person",
    "closing.close": "person",
    "sheet.show": "person",
    "sheet.download": "person",
    "parcours.check_job": "person",
    "parcours.take_situation": "person",
    "parcours.reopen": "person",
    "parcours.ask_move": "person",
    "parcours.move": "person",
    "coordination.team": "person",
    "coordination.second": "person",
    "people_list.people": "people",
    "people_list.export": "people_export",
    "reporting.lines": "figure_rows",
    "reporting.report": "activity_report",
    "reporting.download": "activity_report",
    "reminders.ledger": "reminders",
}
"""What a page of each route is a reading of."""
SEARCHES = {"parcours.search", "parcours.spotted", "parcours.resemblances"}
"""Readings of the whole Cité when they find somebody."""
CHOICES = {"people.search_kin", "people.add_kin"}
"""Readings of the list when they offer whom one may mean."""
QUEUES = {
    "day.show",
    "day.whole",
    "coordination.board",
    "coordination.referent",
    "coordination.batch",
    "coordination.assign",
    "absences.show",
    "absences.hand_back",
}
"""The queues of one's own work: they name people, say nothing of their files, and leave no line (decision 9)."""
NAMES = ("Nadia zza", "Lefebvre zza")
"""How every person of the Cité that asks is named."""
WATCHED_COLUMNS = {"sign_in_session": {"membership_id", "revoked_at"}}
"""Tables of which some columns alone are traced when they change."""
SHOWING = (200, 409, 422)


# What happened, seen without the journal and in the journal


@dataclass(frozen=True)
class Line:
    """One line of the journal, and the transaction that wrote it."""

    id: int
    actor: str | None
    role: str | None
    cite_id: str | None
    request: str | None
    verb: str
    subject: str
    subject_id: str
    transaction: str


Change = tuple[str, str, str]
"""A table, what the journal calls the row, and the verb."""


@dataclass
class Changes:
    """Rows that differ, as the journal should tell them; the transactions that wrote them; rows that it need not tell."""

    rows: Counter[Change]
    transactions: set[str]
    unwatched: set[Change]


class Witness:
    """The rows of every traced table before and after, and the lines that the journal took meanwhile."""

    def __init__(self, twins: Twins) -> None:
        self.server = twins.databases.superuser
        keys = self.server.execute(
            """select i.indrelid::regclass::text, array_agg(a.attname::text order by a.attnum)
            from pg_index i join pg_class c on c.oid = i.indrelid and c.relnamespace = 'public'::regnamespace
            join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
            where i.indisprimary and not c.relname = any(%s) group by 1""",
            (sorted(UNTRACED),),
        ).fetchall()
        assert len(keys) > 20
        self.counted = " union all ".join(
            f"select '{table}', count(*), sum(xmin::text::bigint), max(xmin::text::bigint) from {table}"
            for table, _ in keys
        )
        self.stands: list[Any] = []
        self.asked = " union all ".join(
            f"select '{table}', jsonb_build_array({', '.join(columns)})::text, to_jsonb(t), t.xmin::text from {table} t"
            for table, columns in keys
        )

    def begin(self) -> None:
        """Look at the rows and at the end of the journal."""
        stands = self._stands()
        if stands != self.stands:
            self.stands, self.rows = stands, self._rows()
        self.last = self.server.execute("select coalesce(max(id), 0) from audit.journal").fetchone()[0]  # type: ignore[index]

    def _rows(self) -> dict[tuple[str, str], tuple[Any, str]]:
        return {(table, key): (row, xmin) for table, key, row, xmin in self.server.execute(self.asked)}

    def _stands(self) -> list[Any]:
        """How many rows each table has and which transactions wrote them: the same as long as nothing changes."""
        return self.server.execute(self.counted).fetchall()

    def changes(self) -> Changes:
        """What differs since."""
        found = Changes(Counter(), set(), set())
        if self._stands() == self.stands:
            return found
        after = self._rows()
        for (table, key), (row, xmin) in after.items():
            was = self.rows.get((table, key))
            if was is None:
                found.rows[table, _called(row), "insert"] += 1
                found.transactions.add(xmin)
                continue
            differing = {name for name in row if row[name] != was[0][name]}
            if differing & WATCHED_COLUMNS.get(table, differing):
                found.rows[table, _called(row), "update"] += 1
                found.transactions.add(xmin)
            elif differing:
                found.unwatched.add((table, _called(row), "update"))
        for (table, key), (row, _) in self.rows.items():
            if (table, key) not in after:
                found.rows[table, _called(row), "delete"] += 1
        return found

    def lines(self) -> list[Line]:
        """The lines written since."""
        rows = self.server.execute(
            "select id, actor::text, role, cite_id::text, request, verb, subject, subject_id, xmin::text"
            " from audit.journal where id > %s order by id",
            (self.last,),
        )
        return [Line(*row) for row in rows]


def _called(row: dict[str, Any]) -> str:
    return next(
        str(row[name])
        for name in ("id", "interview_id", "parcours_id", "ruleset_id", "cite_id", "qpv_id")
        if row.get(name)
    )


def told(lines: list[Line], but: set[Change]) -> Counter[Change]:
    """The writes that lines of the journal tell."""
    every = ((line.subject, line.subject_id, line.verb) for line in lines if line.verb != "read")
    return Counter(change for change in every if change not in but)


def names_somebody(answer: TestResponse) -> bool:
    """Whether a page names a person of the Cité."""
    return answer.mimetype == "text/html" and any(name in answer.get_data(as_text=True) for name in NAMES)


def due_reading(offer: Offer, answer: TestResponse) -> tuple[str, str] | None:
    """The subject and the identifier that the trace of this page should hold, when it should leave one."""
    if answer.status_code not in SHOWING:
        return None
    origin = dict(offer.pairs).get("origin", "")
    if offer.endpoint == "coordination.assign" and origin.startswith("team:"):
        return "person", origin.removeprefix("team:")
    subject = READINGS.get(offer.endpoint)
    if offer.endpoint in SEARCHES and names_somebody(answer):
        subject = "look_alikes"
    if offer.endpoint in CHOICES and b'name="other"' in answer.data:
        subject = "people"
    if subject is None:
        return None
    named = UUID.findall(offer.url.partition("?")[0])
    place = {"person": 0, "interview": 1, "attachment": 1, "activity_report": 0}.get(subject)
    return subject, named[place] if place is not None else CITE


CITE = f"{HERE}-0000-4000-8000-000000000002"


def refused(offer: Offer) -> Iterator[Offer]:
    """The same form as somebody sends it who forgot what is needed, or who opened it long ago."""
    hidden = (
        "version",
        "note_version",
        "key",
        "batch",
        "picked",
        "suggested",
        "origin",
        "event",
        "geste",
        "gesture",
        "interview",
        "suite",
    )
    forgotten = replace(offer, file="")
    yield forgotten.with_pairs((n, v if n in hidden else "") for n, v in offer.pairs)
    yield offer.with_pairs(
        (n, "x" * 20_000 if n not in hidden and not v.startswith(HERE) else v) for n, v in offer.pairs
    )
    if any(name == "version" for name, _ in offer.pairs):
        yield offer.with_pairs(
            (n, "0" if "version" in n else v + " autrement" if n in TEXTS else v) for n, v in offer.pairs
        )


TEXTS = ("synthesis", "first_name", "last_name", "reason", "result", "title", "programme_name", "name")


def with_searches(house: Harvest) -> list[Offer]:
    """Everything offered, and searches that find somebody."""
    found = list(house.offers)
    for offer in house.offers:
        if offer.endpoint in SEARCHES and offer.method == "POST":
            known = {"q": "Nadia Lefebvre", "first_name": "Nadia", "last_name": "Lefebvre"}
            found.append(offer.with_pairs((name, known.get(name, value)) for name, value in offer.pairs))
    return found


def tries_of(house: Harvest, *, every: bool) -> list[Offer]:
    """What two seats read and one writes by each route, and forms that are refused; or all that pages offer."""
    offers = with_searches(house)
    chosen: dict[tuple[str, ...], list[Offer]] = {}
    forms: dict[tuple[str, ...], Offer] = {}
    for offer in offers:
        words = dict(offer.pairs)
        sought = words.get("q", "") if offer.endpoint in SEARCHES else ""
        asked = (offer.method, offer.endpoint, sought, words.get("origin", "")[:4], *offer.gesture)
        chosen.setdefault(asked, []).append(offer)
        if offer.method == "POST":
            forms[offer.seat if every else "", *asked] = offer
    if every:
        kept = offers
    else:
        kept = [
            offer
            for (method, *_), those in chosen.items()
            for offer in list({each.seat: each for each in those}.values())[: 2 if method == "GET" else 1]
        ]
    return [*kept, *(each for offer in forms.values() for each in refused(offer))]


# Each route


def test_every_route_leaves_exactly_its_traces(house: Harvest, proof: Proof) -> None:
    witness, written, read = Witness(house.twins), set(), set()
    faults: list[str] = []
    traced = readings = 0
    tries = tries_of(house, every=proof.soaking)
    for offer in tries:
        witness.begin()
        answer = house.send(offer)
        lines, changes = witness.lines(), witness.changes()
        writes = [line for line in lines if line.verb != "read"]
        reads = [line for line in lines if line.verb == "read"]
        faults += [
            f"{fault}: {answer.status_code} {offer}"
            for fault in faults_of(house, offer, answer, lines, changes)
        ]
        if changes.transactions - {line.transaction for line in lines}:
            faults.append(f"traces in another transaction: {offer}")
        traced, readings = traced + len(writes), readings + len(reads)
        written |= {(offer.method, offer.endpoint)} if writes else set()
        read |= {offer.endpoint} if reads else set()
        if changes.rows or changes.unwatched:
            house.twins.restore()
    assert not faults, "\n".join(faults[:10])
    unread = (set(READINGS) | SEARCHES) - read
    assert not unread, f"pages that no offer read: {unread}"
    proof.at_least(TEST, "writes traced exactly once, route by route", traced, 60)
    proof.at_least(TEST, "readings traced exactly once, route by route", readings, 50)
    proof.at_least(TEST, "routes that write, shown to be traced", len(written), 30)
    proof.at_most(TEST, "requests with a trace too many, too few or of somebody else", len(faults), 0)


PARTS = (
    {"Range": "bytes=0-"},
    {"Range": "bytes=1-9"},
    {"If-None-Match": "*", "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
)
"""Ways of asking for a part of an answer, or for an answer only if it changed."""


def test_a_part_of_a_file_is_a_reading_of_it(house: Harvest, proof: Proof) -> None:
    witness, faults, tried = Witness(house.twins), [], 0
    shown = {o.endpoint: o for o in house.offers if o.method == "GET" and house.send(o).status_code == 200}
    for offer in shown.values():
        for part in PARTS if proof.soaking or "." in offer.url else PARTS[:1]:
            witness.begin()
            answer = house.send(offer, more=part)
            tried += 1
            lines, body = witness.lines(), answer.get_data()
            if offer.endpoint in READINGS and body and not lines:
                faults.append(f"{answer.status_code}, {len(body)} bytes without a trace: {part} {offer}")
    assert not faults, "\n".join(faults[:10])
    proof.at_least(TEST, "pages asked in part", tried, proof.times(quick=50, full=90))
    proof.at_most(TEST, "parts of a file read without a trace", len(faults), 0)


def faults_of(
    house: Harvest, offer: Offer, answer: TestResponse, lines: list[Line], changes: Changes
) -> Iterator[str]:
    """What is wrong with the traces of one request."""
    written = told(lines, changes.unwatched)
    if written != changes.rows:
        yield f"journal {written - changes.rows}, tables {changes.rows - written}"
    reads = [(line.subject, line.subject_id) for line in lines if line.verb == "read"]
    due = due_reading(offer, answer)
    if reads != ([due] if due else []):
        yield f"readings {reads}, and not {due}"
    if names_somebody(answer) and not reads and offer.endpoint not in QUEUES:
        yield "names somebody and leaves no reading"
    seat = house.side.members[offer.seat]
    public = needed_by(house.app, offer.endpoint) is Access.PUBLIC
    for line in lines:
        if line.request != answer.headers["X-Request-Id"]:
            yield f"another request: {line}"
        if line.actor is None if public else line.actor != str(seat.user_id):
            yield f"somebody else: {line}"
        if not public and (line.role != seat.role or line.cite_id not in (CITE, None)):
            yield f"another role or Cité: {line}"


def test_every_route_says_whether_it_is_a_reading(built_app: Flask) -> None:
    """A new page must be put in one of the lists, or be shown to name nobody."""
    known = set(READINGS) | SEARCHES | QUEUES
    assert known <= set(built_app.view_functions)
    of_a_person = {rule.endpoint for rule in built_app.url_map.iter_rules() if "person_id" in rule.rule}
    redirecting = {
        "followups.drop_draft",
        "diagnosis.drop_draft",
        "followups.take_back",
        "coordination.end_second",
        "people.remove_kin",
    }
    assert of_a_person - known == redirecting


# Crashes


WAYS = ("die", "lose", "die once committed")


class Crash(Exception):
    """The process died here."""


@contextmanager
def crashing(app: Flask, server: psycopg.Connection[Any], at: int, how: str) -> Iterator[list[int]]:
    """At the n-th step of a request (each statement, then its commit): die, lose the database, or die once committed."""
    steps = [0]
    with app.app_context():
        engine = db.engine

    def step(pooled: Any) -> None:
        steps[0] += 1
        if steps[0] != at:
            return
        if how == "die":
            pooled.dbapi_connection.close()
            raise Crash
        if how == "lose":
            pid = pooled.dbapi_connection.info.backend_pid
            server.execute("select pg_terminate_backend(%s, 5000)", (pid,))

    def executing(connection: sa.Connection, *_rest: object) -> None:
        step(connection.connection)

    def committing(pooled: Any) -> None:
        step(pooled)
        commit(pooled)

    def committed(_session: Session) -> None:
        if how == "die once committed":
            raise Crash

    commit = engine.dialect.do_commit
    event.listen(engine, "before_cursor_execute", executing)
    event.listen(Session, "after_commit", committed)
    engine.dialect.do_commit = committing  # type: ignore[method-assign]
    try:
        yield steps
    finally:
        engine.dialect.do_commit = commit  # type: ignore[method-assign]
        event.remove(engine, "before_cursor_execute", executing)
        event.remove(Session, "after_commit", committed)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a crash closes no file
def test_a_crash_leaves_no_action_without_trace_nor_trace_without_action(
    house: Harvest, proof: Proof
) -> None:
    chance, witness = random.Random(SEED), Witness(house.twins)  # noqa: S311 - the same for the same seed
    server = house.twins.databases.superuser
    candidates = [each for each in house.offers if each.method != "GET" or each.endpoint in READINGS]
    known: dict[Offer, int] = {}

    def steps_of(offer: Offer) -> int:
        """How many steps the request takes when nothing happens to it; 0 when it leaves no trace."""
        if offer not in known:
            witness.begin()
            with crashing(house.app, server, 0, "never") as steps:
                house.send(offer)
            known[offer] = steps[0] if witness.lines() else 0
            if witness.changes().rows or witness.changes().unwatched:
                house.twins.restore()
        return known[offer]

    def plans() -> Iterator[tuple[Offer, int, str]]:
        """Every step of one reading and of one writing, in every way; then any step of anything."""
        for method, endpoint in (("GET", "file.show"), ("POST", "followups.log")):
            offer = next(each for each in candidates if (each.method, each.endpoint) == (method, endpoint))
            yield from ((offer, at, how) for at in range(1, steps_of(offer) + 1) for how in WAYS)
        for _ in range(proof.times(quick=25, full=500)):
            while not steps_of(offer := chance.choice(candidates)):
                pass
            yield offer, chance.randint(1, steps_of(offer)), chance.choice(WAYS)

    crashed, kept, faults = 0, 0, []
    for offer, at, how in plans():
        witness.begin()
        answer = None
        with crashing(house.app, server, at, how):
            try:
                answer = house.send(offer)
            except Exception:
                crashed += 1
            else:
                crashed += answer.status_code >= 500
        lines, changes = witness.lines(), witness.changes()
        kept += bool(changes.rows)
        shown = answer is not None and answer.status_code in SHOWING
        reads = sum(line.verb == "read" for line in lines)
        if told(lines, changes.unwatched) != changes.rows or (
            shown and reads != (1 if offer.endpoint in READINGS else 0)
        ):
            faults.append(f"{how} at {at} of {steps_of(offer)}: {offer}: {lines} {changes}")
        if changes.rows or changes.unwatched:
            house.twins.restore()
    assert not faults, "\n".join(faults[:5])
    proof.at_least(
        TEST, "crashes between the first statement and the answer", crashed, proof.times(quick=25, full=500)
    )
    proof.at_most(TEST, "actions without trace or traces without action after a crash", len(faults), 0)
    assert kept, "no crash came after a commit: the proof looked at one side only"


# Seals


@dataclass
class Ledger:
    """A journal of some seals, and a way to put it back."""

    databases: Databases
    kept: dict[str, bytes]

    def restore(self) -> None:
        """As it was sealed."""
        self.run("; ".join(f"delete from {table}" for table in self.kept))
        for table, rows in self.kept.items():
            overriding = self.databases.superuser.cursor().copy(f"copy {table} from stdin")
            with overriding as target:
                target.write(rows)

    def run(self, statement: Any) -> None:
        """As a superuser: no rule of the database stops this."""
        self.databases.superuser.execute(statement)

    def ask(self, statement: str) -> list[Any]:
        """Rows, as a superuser."""
        return self.databases.superuser.execute(statement).fetchall()

    def verdict(self, anchors: dict[int, str] | None = None) -> audit.Verdict:
        """What the owner's verification finds."""
        engine = sa.create_engine(
            self.databases.url("cityjobs_owner").replace("postgresql://", "postgresql+psycopg://"),
            poolclass=sa.NullPool,
        )
        with engine.connect() as owner:
            return audit.verify(owner, anchors)


def seal(databases: Databases, most: int = 10_000) -> int:
    """Seal until no line waits; transactions of other tests on the same server may delay it for a moment."""
    waiting = (
        "select count(*) from audit.journal where id > (select coalesce(max(last_line), 0) from audit.seal)"
    )
    for _ in range(600):
        with psycopg.connect(databases.url("cityjobs_worker")) as worker:
            worker.execute("select * from audit.seal_lines(%s)", (most,))
        row = databases.superuser.execute(waiting).fetchone()  # type: ignore[call-overload]
        if row[0] == 0:
            return most
        databases.superuser.execute("select pg_sleep(0.1)")
    raise AssertionError("lines were never sealed")


@pytest.fixture
def ledger(house: Harvest, databases: Databases) -> Iterator[Ledger]:
    """A sealed journal: several seals of a few lines."""
    databases.superuser.execute(
        "delete from audit.seal; delete from audit.sealing; delete from audit.journal"
    )
    writing = [
        offer for offer in house.offers if offer.endpoint in ("followups.log", "people.edit", "file.show")
    ]
    for offer in writing[:6] * 4:
        house.send(offer)
    seal(databases, most=9)
    house.twins.restore()
    tables = ("audit.journal", "audit.seal", "audit.sealing")
    kept = {}
    for table in tables:
        with databases.superuser.cursor().copy(f"copy {table} to stdout") as lines:
            kept[table] = b"".join(bytes(line) for line in lines)
    yield Ledger(databases, kept)
    house.twins.restore()
    databases.superuser.execute(
        "delete from audit.seal; delete from audit.sealing; delete from audit.journal"
    )


OTHERWISE = {
    "at": "at + interval '1 microsecond'",
    "actor": "gen_random_uuid()",
    "role": "coalesce(role, '') || 'x'",
    "cite_id": "gen_random_uuid()",
    "request": "coalesce(request, '') || 'x'",
    "verb": "case verb when 'read' then 'update' else 'read' end",
    "subject": "subject || 'x'",
    "subject_id": "subject_id || 'x'",
    "before": "coalesce(before, '{}') || '{\"x\": 1}'",
    "after": "coalesce(after, '{}') || '{\"x\": 1}'",
}
SEAL_OTHERWISE = {
    "lines": "lines + 1",
    "root": "sha256(root)",
    "previous": "sha256(previous)",
    "hash": "sha256(hash)",
    "sealed_at": "sealed_at - interval '1 day'",
    "first_line": "first_line - 1",
    "last_line": "last_line + 1",
    "line_ids": "array_append(line_ids, 999999999)",
    "line_hashes": "line_hashes[2:] || line_hashes[1]",
}


def alter_line(ledger: Ledger, line: int, chance: random.Random) -> set[audit.Kind]:
    column = chance.choice(list(OTHERWISE))
    ledger.run(f"update audit.journal set {column} = {OTHERWISE[column]} where id = {line}")
    return {audit.Kind.ALTERED}


def remove_line(ledger: Ledger, line: int, chance: random.Random) -> set[audit.Kind]:
    ledger.run(f"delete from audit.journal where id = {line}")
    return {audit.Kind.REMOVED}


def insert_line(ledger: Ledger, line: int, chance: random.Random) -> set[audit.Kind]:
    """A gap is made first, as a transaction that was undone leaves one."""
    ledger.run(f"delete from audit.journal where id = {line}")
    ledger.run(
        "insert into audit.journal (id, at, verb, subject, subject_id) overriding system value"
        f" values ({line}, now(), 'read', 'person', 'x')"
    )
    return {audit.Kind.ALTERED}


def insert_before_all(ledger: Ledger, line: int, chance: random.Random) -> set[audit.Kind]:
    ledger.run(
        "insert into audit.journal (id, verb, subject, subject_id) overriding system value"
        " values ((select min(id) - 1 from audit.journal), 'read', 'person', 'x')"
    )
    return {audit.Kind.INSERTED}


def swap_lines(ledger: Ledger, line: int, chance: random.Random) -> set[audit.Kind]:
    other = chance.choice([each for each in ids(ledger) if each != line])
    columns = ", ".join(OTHERWISE)
    ledger.run(
        f"update audit.journal mine set ({columns}) = (select {columns} from audit.journal theirs"
        f" where theirs.id = {line} + {other} - mine.id) where id in ({line}, {other})"
    )
    return {audit.Kind.ALTERED}


def cut_tail(ledger: Ledger, line: int, chance: random.Random) -> set[audit.Kind]:
    ledger.run(f"delete from audit.journal where id >= {line}")
    return {audit.Kind.REMOVED}


def cut_tail_and_seals(ledger: Ledger, line: int, chance: random.Random) -> set[audit.Kind]:
    ledger.run(
        f"delete from audit.journal where id >= (select first_line from audit.seal where {line} between first_line and last_line)"
    )
    ledger.run(f"delete from audit.seal where last_line >= {line}")
    return {audit.Kind.SEAL_MISSING}


def empty_journal(ledger: Ledger, line: int, chance: random.Random) -> set[audit.Kind]:
    ledger.run("truncate audit.journal")
    return {audit.Kind.REMOVED}


def alter_seal(ledger: Ledger, line: int, chance: random.Random) -> set[audit.Kind]:
    column = chance.choice(list(SEAL_OTHERWISE))
    ledger.run(
        f"update audit.seal set {column} = {SEAL_OTHERWISE[column]} where {line} between first_line and last_line"
    )
    return {audit.Kind.SEAL_ALTERED}


def remove_seal(ledger: Ledger, line: int, chance: random.Random) -> set[audit.Kind]:
    ledger.run(f"delete from audit.seal where {line} between first_line and last_line")
    return {audit.Kind.SEAL_MISSING}


def forget_where_sealing_stands(ledger: Ledger, line: int, chance: random.Random) -> set[audit.Kind]:
    ledger.run("delete from audit.sealing")
    return {audit.Kind.SEAL_ALTERED}


def forge_purge(ledger: Ledger, line: int, chance: random.Random) -> set[audit.Kind]:
    ledger.run(f"delete from audit.journal using audit.seal where {line} between first_line and last_line"
               " and audit.journal.id between first_line and last_line")  # fmt: skip
    ledger.run(
        "update audit.seal set purged_at = now(), line_ids = null, line_hashes = null"
        f" where {line} between first_line and last_line"
    )
    return {audit.Kind.UNSAID_PURGE}


Tamper = Callable[[Ledger, int, random.Random], set[audit.Kind]]
TAMPERINGS: tuple[Tamper, ...] = (
    alter_line, alter_line, alter_line, remove_line, insert_line, insert_before_all, swap_lines, cut_tail, cut_tail_and_seals,
    empty_journal, alter_seal, alter_seal, remove_seal, forget_where_sealing_stands, forge_purge,
)  # fmt: skip


def ids(ledger: Ledger) -> list[int]:
    """The lines there are."""
    return [row[0] for row in ledger.ask("select id from audit.journal order by id")]


def test_every_tampering_is_seen_and_named(ledger: Ledger, proof: Proof) -> None:
    whole = ledger.verdict()
    assert not whole.faults and whole.waiting == 0 and whole.seals >= 3, whole
    chance = random.Random(SEED)  # noqa: S311 - the same for the same seed
    times, unseen = proof.times(quick=3 * len(TAMPERINGS), full=1_000), []
    for rank in range(times):
        tamper = TAMPERINGS[rank % len(TAMPERINGS)]
        line = chance.choice(ids(ledger))
        expected = tamper(ledger, line, chance)
        verdict = ledger.verdict()
        named = {fault.line for fault in verdict.faults}
        kinds = {fault.kind for fault in verdict.faults}
        if not expected & kinds or (
            tamper in (alter_line, remove_line, insert_line, swap_lines) and line not in named
        ):
            unseen.append(f"{tamper.__name__} of {line}: {verdict.faults}")
        ledger.restore()
    assert not ledger.verdict().faults
    assert not unseen, "\n".join(unseen[:5])
    proof.at_least(TEST, "tamperings as a superuser", times, 3 * len(TAMPERINGS))
    proof.at_least(TEST, "tamperings seen and named", 100 * (times - len(unseen)) / times, 100, "%")


def test_a_chain_made_anew_by_the_owner_differs_from_the_anchor(ledger: Ledger, databases: Databases) -> None:
    """Whoever owns the database can forge a whole chain: only what was noted outside shows it."""
    last = ledger.verdict().last
    assert last is not None
    number, _, noted = last.partition(":")
    assert not ledger.verdict({int(number): noted}).faults
    ledger.run("delete from audit.journal where id = (select min(id) from audit.journal)")
    ledger.run("delete from audit.seal; delete from audit.sealing")
    seal(databases, most=9)
    assert not ledger.verdict().faults
    found = ledger.verdict({int(number): noted}).faults
    assert [fault.kind for fault in found] == [audit.Kind.NOT_ANCHORED]


def write(connection: psycopg.Connection[Any], house: Harvest, case: str) -> None:
    """Change a person, which leaves a line."""
    person = house.side.named[f"person:{case}"]
    connection.execute("update person set language = 'wolof' where id = %s", (person,))


def test_a_line_committed_late_is_sealed_and_no_writer_waits(
    ledger: Ledger, house: Harvest, databases: Databases
) -> None:
    """A slow transaction holds a small identifier: others go on, nothing is sealed past it, it is sealed in its turn."""
    url, before = databases.url("cityjobs_worker"), ledger.verdict()
    with psycopg.connect(url) as slow, psycopg.connect(url) as quick, psycopg.connect(url) as sealer:
        quick.execute("set lock_timeout = '1s'")
        quick.commit()
        write(slow, house, "followed")
        write(quick, house, "begun")
        quick.commit()
        assert sealer.execute("select * from audit.seal_lines()").fetchall() == []
        write(quick, house, "masked")
        quick.commit()
        sealer.commit()
        assert ledger.verdict().waiting == 2
        slow.commit()
    seal(databases)
    verdict = ledger.verdict()
    assert (verdict.faults, verdict.waiting, verdict.lines) == ((), 0, before.lines + 3)


def test_a_dump_restored_elsewhere_goes_on_being_sealed(
    ledger: Ledger, house: Harvest, databases: Databases
) -> None:
    """There, transactions have other numbers: a mark from before must not hold sealing back."""
    ledger.run("update audit.sealing set mark_line = 999999999, mark_xid = '999999999999'")
    with psycopg.connect(databases.url("cityjobs_worker")) as worker:
        write(worker, house, "followed")
    seal(databases)
    assert ledger.verdict().faults == ()


def test_purged_lines_leave_a_chain_that_still_holds(ledger: Ledger, databases: Databases) -> None:
    before = ledger.verdict()
    middle = ledger.ask(
        "select at from audit.journal order by id offset (select count(*) / 2 from audit.journal) limit 1"
    )[0][0]
    with psycopg.connect(databases.url("cityjobs_owner")) as owner:
        gone = owner.execute("select audit.purge(%s)", (middle,)).fetchone()
    assert gone is not None and 0 < gone[0] < before.lines
    seal(databases)
    verdict = ledger.verdict()
    assert verdict.faults == () and verdict.lines == before.lines - gone[0] + 1
    assert ledger.ask("select verb, subject from audit.journal order by id desc limit 1") == [
        ("purge", "journal")
    ]
    ledger.run("delete from audit.journal where verb = 'purge'")
    assert audit.Kind.UNSAID_PURGE in {fault.kind for fault in ledger.verdict().faults}


@pytest.mark.parametrize("role", ["cityjobs_web", "cityjobs_worker"])
@pytest.mark.parametrize(
    "statement",
    [
        "select 1 from audit.seal",
        "update audit.seal set hash = root",
        "delete from audit.sealing",
        "insert into audit.journal (verb, subject, subject_id) values ('read', 'person', 'x')",
        "truncate audit.journal",
        "select audit.purge(now())",
        "alter table person disable trigger traced",
        "set session_replication_role = replica",
    ],
)
def test_the_application_reaches_neither_journal_nor_seals(
    databases: Databases, role: str, statement: str
) -> None:
    with databases.connected_as(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)  # type: ignore[call-overload]


def test_only_the_worker_seals(databases: Databases) -> None:
    with databases.connected_as("cityjobs_web") as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
        web.execute("select * from audit.seal_lines()")


def test_the_clock_seals_and_the_command_answers(
    ledger: Ledger, as_worker: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.run("insert into audit.journal (verb, subject, subject_id) values ('read', 'person', 'x')")
    task = as_worker.extensions["celery"].tasks["audit.seal"]
    assert as_worker.extensions["celery"].conf.beat_schedule["audit.seal"]["schedule"] == 60.0
    logging.getLogger("cityjobs").setLevel(logging.INFO)
    try:
        made = next(filter(None, (task() or ledger.run("select pg_sleep(0.1)") for _ in range(100))))
    finally:
        logging.getLogger("cityjobs").setLevel(logging.CRITICAL)
    logged = [record for record in caplog.records if record.getMessage() == "audit_sealed"]
    assert [f"{record.seal}:{record.hash}" for record in logged] == made  # type: ignore[attr-defined]
    run = as_worker.test_cli_runner().invoke
    answer = run(args=["audit", "verify", "--anchor", made[-1]])
    assert answer.exit_code == 0 and "Le journal est entier." in answer.output and made[-1] in answer.output
    line = ids(ledger)[4]
    ledger.run(f"update audit.journal set actor = gen_random_uuid() where id = {line}")
    answer = run(args=["audit", "verify"])
    assert answer.exit_code == 1 and f"ligne {line} modifiée" in answer.output
    answer = run(args=["audit", "verify", "--json"])
    said = json.loads(answer.stdout)
    assert answer.exit_code == 1 and not said["whole"]
    assert [(fault["kind"], fault["line"]) for fault in said["faults"]] == [("line_altered", line)]
    assert run(args=["audit", "verify", "--anchor", "7"]).exit_code == 2
