"""`python -m tests.hosts.restore_drill`: lose the database's host, restore the base backup and its WAL elsewhere, compare.

One PostgreSQL archives its WAL while people work. A base backup is taken, work goes on, an instant is chosen, then
everything happens that one would like undone: rows deleted, letters sent, the server killed, its files gone. From
the archive alone, another server is brought to that instant, and must be the first one as it then was: every row,
role, policy and function. Then its web opens, and its worker is told which letters had left. No letter leaves for real.
"""

import argparse
import hashlib
import io
import json
import logging
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
import time_machine
from alembic import command
from flask import Flask
from flask_migrate import Migrate
from psycopg import sql

from cityjobs.app import create_app
from cityjobs.core import journal, outbox
from cityjobs.core.clock import PARIS
from cityjobs.core.db import SYSTEM, act_as, db, transaction
from cityjobs.core.permissions import Role
from cityjobs.core.post import Letter
from cityjobs.embedded.home import temporary_home, write_private
from cityjobs.embedded.postgres import EmbeddedPostgres
from cityjobs.reminders.models import Reminder
from cityjobs.reminders.rules import may_leave
from cityjobs.reminders.tasks import send_as_of
from config import load_settings
from tests.proofs import measures
from tests.world import World

TEST = "restore"
RPO_BAR, RTO_BAR = 300.0, 3600.0
SECRET = "Tb6Wm9Xq2Lr7Zc4Vn8Ys1Kd5Jf0GpHu3"
PAGES = ("/personnes", "/ma-journee", "/coordination")

TABLES = """
select format('%I.%I', schemaname, tablename) from pg_tables
where schemaname not in ('pg_catalog', 'information_schema') order by 1"""

CATALOGUE = {
    "roles": "select to_jsonb(r) - 'oid' from pg_authid r where rolname ~ '^(cityjobs|postgres)'",
    "policies": "select to_jsonb(p) from pg_policies p",
    "tables": """select c.oid::regclass, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relowner::regrole, c.relacl
        from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('public', 'app', 'audit')""",
    "columns": """select a.attrelid::regclass, a.attname, a.atttypid::regtype, a.attnotnull, a.attacl
        from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('public', 'app', 'audit') and a.attnum > 0""",
    "constraints": """select conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated from pg_constraint
        where connamespace in ('public'::regnamespace, 'app'::regnamespace, 'audit'::regnamespace)""",
    "indexes": "select pg_get_indexdef(indexrelid), indisvalid from pg_index",
    "triggers": "select tgrelid::regclass, pg_get_triggerdef(oid), tgenabled from pg_trigger",
    "functions": """select p.oid::regprocedure, pg_get_functiondef(p.oid), p.proacl, p.proowner::regrole from pg_proc p
        where p.pronamespace in ('app'::regnamespace, 'audit'::regnamespace)""",
    "database": """select datname, datdba::regrole, datacl from pg_database where datname = current_database()""",
}
"""What makes the rows safe to show; compared line by line."""


@dataclass(frozen=True)
class Content:
    """A database at one instant: for each table its number of rows and two sums of their hashes; the catalogue."""

    tables: dict[str, tuple[int, str, str]]
    catalogue: dict[str, list[str]]
    sequences: dict[str, int]


def content_of(server: EmbeddedPostgres) -> Content:
    """Everything there is, read as the superuser, whom no row policy hides anything from."""
    with psycopg.connect(server.url("postgres")) as connection:
        connection.execute("set transaction isolation level repeatable read")
        connection.execute("set timezone to 'UTC'")
        tables = {}
        for (table,) in connection.execute(TABLES).fetchall():
            tables[table] = connection.execute(
                sql.SQL(
                    "select count(*), coalesce(sum(hashtextextended(line::text, 1)::numeric), 0)::text,"
                    " coalesce(sum(hashtextextended(line::text, 2)::numeric), 0)::text from {} line"
                ).format(sql.SQL(table))
            ).fetchone()
        catalogue = {
            name: sorted(str(row) for row in connection.execute(asked).fetchall())
            for name, asked in CATALOGUE.items()
        }
        sequences = dict(
            connection.execute(
                "select schemaname || '.' || sequencename, coalesce(last_value, 0) from pg_sequences"
            ).fetchall()
        )
    return Content(tables, catalogue, sequences)


def configure(server: EmbeddedPostgres, settings: dict[str, str]) -> None:
    """Write settings that the next start reads; the last line of each name counts."""
    with (server.data / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())


class Letterbox:
    """Where the letters of the drill end: nothing leaves for real."""

    def __init__(self) -> None:
        self.references: list[uuid.UUID] = []

    def send(self, letter: Letter, *, to: str, reference: uuid.UUID) -> None:
        """Keep the reference."""
        self.references.append(reference)


class House:
    """One database server and what works on it."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server
        self.letterbox = Letterbox()
        self.log = io.StringIO()

    def environment(self, process: str) -> dict[str, str]:
        """What a process is told; its mail server does not exist."""
        return {
            "ENVIRONMENT": "test",
            "PROCESS": process,
            "SECRET_KEY": SECRET,
            "DATABASE_URL": self.server.url("cityjobs_web"),
            "WORKER_DATABASE_URL": self.server.url("cityjobs_worker"),
            "OWNER_DATABASE_URL": self.server.url("cityjobs_owner"),
            "SMTP_URL": "smtp://127.0.0.1:1",
            "BASE_URL": "http://localhost",
            "CITYJOBS_HOME": str(self.server.home.parent),
        }

    def application(self, process: str) -> Flask:
        """The application in a process, whose letters go to the letterbox."""
        app = create_app(load_settings(self.environment(process)).flask_config())
        app.extensions["postman"] = self.letterbox
        return app

    @contextmanager
    def worker(self) -> Iterator[Flask]:
        """Work as a worker does, its log kept."""
        app = self.application("worker")
        handler = journal.handler()
        handler.stream = self.log  # type: ignore[attr-defined]
        logging.getLogger("cityjobs").addHandler(handler)
        try:
            with app.app_context():
                act_as(SYSTEM)
                yield app
        finally:
            logging.getLogger("cityjobs").removeHandler(handler)
            with app.app_context():
                db.session.remove()
                db.engine.dispose()

    @contextmanager
    def engine(self) -> Iterator[sa.Engine]:
        """The database as the worker's role."""
        made = sa.create_engine(
            self.server.url("cityjobs_worker").replace("postgresql://", "postgresql+psycopg://")
        )
        try:
            yield made
        finally:
            made.dispose()

    def migrate(self) -> None:
        """Bring an empty database to the present tables."""
        bare = Flask("migrations")
        bare.config.update(load_settings(self.environment("command")).flask_config())
        db.init_app(bare)
        migrate = Migrate(bare, db, directory="migrations")
        with bare.app_context():
            command.upgrade(migrate.get_config(), "head")
            db.engine.dispose()

    def flask(self, *arguments: str, said: str = "") -> str:
        """A command of the application; what it prints."""
        with self.worker() as app:
            done = app.test_cli_runner().invoke(args=list(arguments), input=said)
        assert done.exit_code == 0, done.output
        return done.output

    def seen_by(self, member: "Eye", table: str) -> set[str]:
        """The identifiers that the row policies let somebody see, as the web's role."""
        key = {"private_note": "interview_id", "draft": "form"}.get(table, "id")
        with psycopg.connect(self.server.url("cityjobs_web")) as connection:
            for name, value in (
                ("user_id", member.user_id),
                ("role", member.role),
                ("cite_id", member.cite_id),
            ):
                connection.execute("select set_config(%s, %s, true)", (f"cityjobs.{name}", str(value or "")))
            asked = sql.SQL("select {}::text from {}").format(sql.Identifier(key), sql.Identifier(table))
            return {row[0] for row in connection.execute(asked)}


@dataclass(frozen=True)
class Eye:
    """Somebody who looks, as the row policies know them."""

    user_id: uuid.UUID | None
    role: str
    cite_id: uuid.UUID | None


WATCHED = ("person", "interview", "next_step", "private_note", "draft")


@dataclass
class Report:
    """What the drill found; `differences` and `faults` must be empty."""

    tables: int = 0
    rows: int = 0
    differences: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    sent_again: int = 0
    sent_at_last: int = 0
    base_seconds: float = 0.0
    rpo: float = 0.0
    rto: float = 0.0

    def check(self, holds: object, fault: str) -> None:
        """Note what does not hold."""
        if not holds:
            self.faults.append(fault)


class Drill:
    """One drill in a home of its own. `archive_timeout`: seconds after which an unfinished segment is archived."""

    def __init__(self, home: Path, *, size: str, archive_timeout: int) -> None:
        self.home, self.size = home, size
        self.archive, self.base = home / "archive", home / "base"
        self.report = Report()
        copy = f"test ! -f {self.archive}/%f && cp %p {self.archive}/.%f && mv {self.archive}/.%f {self.archive}/%f"
        self.settings = {
            "archive_mode": "on",
            "archive_timeout": f"{archive_timeout}s",
            "archive_command": copy,
            "max_wal_size": "2GB",
        }
        self.source = House(EmbeddedPostgres(home / "source"))
        self.archive_timeout = archive_timeout
        self.paused, self.over = threading.Event(), threading.Event()

    def run(self) -> Report:
        """Everything, from an empty directory to the report."""
        try:
            self._start_archiving()
            self._fill()
            self._back_up()
            at, then, eyes, waiting = self._work_until_the_instant()
            letters, lost_lines = self._do_what_will_be_undone(waiting)
            died = self._lose_the_host(at)
            restored = self._restore(at, died)
            try:
                self._compare(restored, then, eyes)
                self._send_what_is_left(restored, letters, lost_lines, waiting)
            finally:
                restored.server.stop()
        finally:
            self.over.set()
            self.source.server.stop()
        return self.report

    # Before

    def _start_archiving(self) -> None:
        server = self.source.server
        server.start()
        for place in (self.archive, self.base):
            place.mkdir(mode=0o700)
            if server._owner:
                shutil.chown(place, server._owner.pw_uid, server._owner.pw_gid)
        server.stop()
        configure(server, self.settings)
        server.start()

    def _fill(self) -> None:
        self.source.migrate()
        self.source.flask("demo", "--size", self.size)

    def _program(self, name: str, *arguments: str) -> str:
        """Run a program of PostgreSQL as the account that owns the files."""
        server = self.source.server
        done = server._execute([str(server._bin / name), *arguments])
        assert done.returncode == 0, done.stdout
        return done.stdout

    def _back_up(self) -> None:
        """A base backup without its WAL: that must come from the archive."""
        began = time.monotonic()
        self._program(
            "pg_basebackup",
            f"--dbname={self.source.server.url('postgres')}",
            f"--pgdata={self.base}",
            "--wal-method=none",
            "--checkpoint=fast",
            "--manifest-checksums=SHA256",
        )
        self._verify_backup()
        self.report.base_seconds = time.monotonic() - began

    def _verify_backup(self) -> None:
        """Every file of the manifest is there, whole (what pg_verifybackup does)."""
        manifest = json.loads((self.base / "backup_manifest").read_text(encoding="utf-8"))
        for file in manifest["Files"]:
            content = (self.base / file["Path"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file["Checksum"], file["Path"]

    def _work_until_the_instant(
        self,
    ) -> tuple[str, Content, dict[Eye, dict[str, set[str]]], dict[str, uuid.UUID]]:
        """People work, letters leave and wait; the chosen instant, and all there is at it."""
        outbox.register("drill", outbox.Kind(lambda _row: Letter("Exercice", "Exercice", "<p>Exercice</p>")))
        with self.source.engine() as engine:
            world = World(engine)
            eyes = self._people_at_work(world)
            world.session.close()
        threading.Thread(target=self._go_on_writing, daemon=True).start()
        waiting = {}
        with self.source.worker():
            for name in ("left_before", "left_after", "never_left"):
                with transaction():
                    queued = outbox.queue("drill", to="pro@ville.example", about=name)
                assert queued is not None
                waiting[name] = queued
            assert outbox.deliver(str(waiting["left_before"])) == "sent"
        time.sleep(0.5)
        self.paused.set()
        time.sleep(0.3)
        with psycopg.connect(self.source.server.url("postgres")) as connection:
            (at,) = connection.execute("select clock_timestamp()::text").fetchone() or ("",)
        then = content_of(self.source.server)
        seen = {eye: {table: self.source.seen_by(eye, table) for table in WATCHED} for eye in eyes}
        self.paused.clear()
        return at, then, seen, waiting

    def _people_at_work(self, world: World) -> list[Eye]:
        """Cases, notes and drafts written after the base backup; whose eyes to look with later."""
        eyes = [Eye(None, "nobody", None)]
        for name in ("Roubaix", "Calais"):
            cite = world.cite(name)
            samira, claire = world.member(Role.REFERENT, cite), world.member(Role.COORDINATOR, cite)
            interviews = [
                world.interview(
                    world.case(cite, referent=samira), samira, synthesis=f"Après la sauvegarde {n}."
                )
                for n in range(10)
            ]
            eyes += [Eye(samira.id, "referent", cite.id), Eye(claire.id, "coordinator", cite.id)]
            with psycopg.connect(self.source.server.url("cityjobs_web")) as mine:
                for setting, told in (("user_id", samira.id), ("role", "referent"), ("cite_id", cite.id)):
                    mine.execute("select set_config(%s, %s, true)", (f"cityjobs.{setting}", str(told)))
                for interview in interviews:
                    mine.execute(
                        "insert into private_note (interview_id, author_id, person_id, cite_id, body, updated_at, version)"
                        " values (%s, %s, %s, %s, 'Pour moi seule.', now(), 1)",
                        (interview.id, samira.id, interview.person_id, cite.id),
                    )
                mine.execute(
                    "insert into draft (author_id, form, fields, saved_at) values (%s, 'drill', '{}', now())",
                    (samira.id,),
                )
        return eyes

    def _go_on_writing(self) -> None:
        """Somebody commits ten times a second, until the server dies."""
        try:
            with psycopg.connect(self.source.server.url("cityjobs_worker"), autocommit=True) as connection:
                while not self.over.wait(0.1):
                    if not self.paused.is_set():
                        connection.execute(
                            "insert into heartbeat values ('drill', clock_timestamp())"
                            " on conflict (part) do update set beaten_at = excluded.beaten_at"
                        )
        except psycopg.OperationalError:
            pass

    # What will be undone

    def _do_what_will_be_undone(
        self, waiting: dict[str, uuid.UUID]
    ) -> tuple[set[uuid.UUID], set[tuple[Any, ...]]]:
        """Letters leave, and somebody deletes what they should not; the letters and the ledger's lines that left."""
        before = set(self.source.letterbox.references)
        with self.source.worker():
            assert outbox.deliver(str(waiting["left_after"])) == "sent"
            with time_machine.travel(next_morning(), tick=True):
                send_as_of(datetime.now(UTC))
            with transaction() as session:
                lines = {tuple(line) for line in session.execute(_lines_sent())}
        assert lines, "the demonstration has nothing to recall: the drill would prove nothing"
        with psycopg.connect(self.source.server.url("postgres")) as connection:
            connection.execute("truncate private_note, draft")
            connection.execute("delete from interview_version")
            connection.execute("drop policy web_sees on person")
        return set(self.source.letterbox.references) - before, {line[1:] for line in lines}

    def _lose_the_host(self, at: str) -> datetime:
        """Once the archive has passed the instant, kill the server at some point between two segments."""
        deadline = time.monotonic() + 60 + 3 * self.archive_timeout
        while self._archived_until() <= datetime.fromisoformat(at):
            assert time.monotonic() < deadline, "the archive does not receive the WAL"
            time.sleep(0.2)
        time.sleep(self.archive_timeout * 0.6)
        server = self.source.server
        assert server.child is not None
        self._trace("le serveur est tué")
        server.child.send_signal(signal.SIGKILL)
        died = datetime.now(UTC)
        self.over.set()
        server.stop()
        shutil.rmtree(server.data)
        self.report.rpo = (died - self._archived_until()).total_seconds()
        return died

    def _archived_until(self) -> datetime:
        """The instant of the last commit that the archive holds."""
        segments = sorted(path for path in self.archive.iterdir() if re.fullmatch(r"[0-9A-F]{24}", path.name))
        for segment in reversed(segments):
            told = subprocess.run(
                [self.source.server._bin / "pg_waldump", "--rmgr=Transaction", segment],
                capture_output=True,
                text=True,
                env={"TZ": "UTC", "LC_ALL": "C"},
                check=False,
            )
            commits = re.findall(r"COMMIT (\d{4}-\d\d-\d\d [\d:.]+) UTC", told.stdout)
            if commits:
                return datetime.fromisoformat(commits[-1]).replace(tzinfo=UTC)
        return datetime.min.replace(tzinfo=UTC)

    # After

    def _restore(self, at: str, died: datetime) -> House:
        """From the base backup and the archive alone, into an empty place, until a page is served."""
        home = self.home / "restored"
        restored = House(EmbeddedPostgres(home))
        home.mkdir(mode=0o711)
        kept = (self.source.server.home / "passwords.json").read_text(encoding="utf-8")
        write_private(home / "passwords.json", kept)
        shutil.copytree(self.base, restored.server.data)
        configure(
            restored.server,
            {
                "archive_mode": "off",
                "hot_standby": "off",
                "restore_command": f"cp {self.archive}/%f %p",
                "recovery_target_time": at,
                "recovery_target_action": "promote",
            },
        )
        (restored.server.data / "recovery.signal").touch()
        restored.server.data.chmod(0o700)
        if owner := self.source.server._owner:
            for path in (restored.server.data, *restored.server.data.rglob("*")):
                shutil.chown(path, owner.pw_uid, owner.pw_gid)
        self._trace("restauration")
        restored.server.start()
        with psycopg.connect(restored.server.url("postgres")) as connection:
            (recovering,) = connection.execute("select pg_is_in_recovery()").fetchone() or (True,)
        self.report.check(not recovering, "the restored server is still recovering")
        self._open_the_web(restored)
        self.report.rto = (datetime.now(UTC) - died).total_seconds()
        return restored

    def _open_the_web(self, restored: House) -> None:
        web = restored.application("web")
        client = web.test_client()
        self.report.check(client.get("/connexion").status_code == 200, "the sign-in page does not open")
        with web.app_context():
            db.engine.dispose()

    def _compare(self, restored: House, then: Content, seen: dict[Eye, dict[str, set[str]]]) -> None:
        now = content_of(restored.server)
        report = self.report
        report.tables = len(then.tables)
        report.rows = sum(rows for rows, _, _ in then.tables.values())
        for table in sorted({*then.tables, *now.tables}):
            if then.tables.get(table) != now.tables.get(table):
                was, becomes = then.tables.get(table), now.tables.get(table)
                report.differences.append(f"{table}: {was} became {becomes}")
        for name, lines in then.catalogue.items():
            if lines != now.catalogue[name]:
                changed = sorted(set(lines) ^ set(now.catalogue[name]))
                report.differences.append(f"{name}: {changed[:3]}")
        for name, value in then.sequences.items():
            report.check(now.sequences[name] >= value, f"{name} would give a number again")
        for eye, tables in seen.items():
            for table, identifiers in tables.items():
                report.check(
                    restored.seen_by(eye, table) == identifiers, f"{eye.role} no longer sees the same {table}"
                )
        nobody = next(eye for eye in seen if eye.user_id is None)
        referents = [eye for eye in seen if eye.role == "referent"]
        report.check(not any(seen[nobody].values()), "nobody sees something")
        for eye in referents:
            report.check(len(seen[eye]["private_note"]) == 10, "private notes are missing")
            report.check(seen[eye]["draft"], "a draft is missing")
            report.check(len(seen[eye]["person"]) == 10, "a référent does not see their own")

    def _send_what_is_left(
        self,
        restored: House,
        letters: set[uuid.UUID],
        lost_lines: set[tuple[Any, ...]],
        waiting: dict[str, uuid.UUID],
    ) -> None:
        """Tell the outbox what had left, then work on: that day again, and the working day after."""
        said = restored.flask("outbox", "recall", "-", said=self.source.log.getvalue())
        self._trace(said.strip())
        with restored.worker():
            with transaction() as session:
                recalled = {line[0] for line in session.execute(_lines_sent())}
            outbox.sweep()
            morning = next_morning()
            for hour in (morning + timedelta(minutes=30), next_morning(morning + timedelta(hours=6))):
                with time_machine.travel(hour, tick=True):
                    send_as_of(datetime.now(UTC))
                    outbox.sweep()
            with transaction() as session:
                lines = {
                    tuple(line[1:]) for line in session.execute(_lines_sent()) if line[0] not in recalled
                }
        again = [reference for reference in restored.letterbox.references if reference in letters]
        twice = len(restored.letterbox.references) - len(set(restored.letterbox.references))
        self.report.sent_again = len(again) + twice + len(lines & lost_lines)
        self.report.sent_at_last = restored.letterbox.references.count(waiting["never_left"])
        self.report.check(self.report.sent_at_last == 1, "the letter that had not left did not leave once")
        with psycopg.connect(restored.server.url("postgres")) as connection:
            gone = connection.execute(
                "select count(*) from outgoing where state in ('waiting', 'sending')"
            ).fetchone()
        self.report.check(gone == (0,), "letters still wait")

    def _trace(self, sentence: str) -> None:
        logging.getLogger("drill").info(sentence)


def _lines_sent() -> sa.Select[Any]:
    """Each line of the ledger that left: its identifier, then what makes it one reminder."""
    what = (Reminder.rule, Reminder.subject_id, Reminder.due_on, Reminder.recipient_id)
    return sa.select(Reminder.id, *what).where(Reminder.state == "sent")


def next_morning(after: datetime | None = None) -> datetime:
    """Eight o'clock of the next working day in Paris."""
    local = (after or datetime.now(UTC)).astimezone(PARIS)
    morning = local.replace(hour=8, minute=0, second=0, microsecond=0)
    while morning <= local or not may_leave(morning):
        morning += timedelta(days=1)
    return morning


def record(report: Report, command_line: str) -> bool:
    """Add the numbers to the measures, print them, and say whether all hold."""
    numbers = [
        ("rows or definitions that differ", len(report.differences), 0, False, ""),
        ("checks that do not hold", len(report.faults), 0, False, ""),
        ("letters and reminders sent again", report.sent_again, 0, False, ""),
        ("rows compared", report.rows, 1000, True, ""),
        ("tables compared", report.tables, 30, True, ""),
        ("RPO: work lost with the host", round(report.rpo, 1), RPO_BAR, False, "s"),
        ("RTO: from the loss to a page", round(report.rto, 1), RTO_BAR, False, "s"),
    ]
    holds = True
    for what, number, bar, at_least, unit in numbers:
        measure = measures.measured(
            TEST, what, number, bar=bar, at_least=at_least, unit=unit, command=command_line
        )
        measures.record(measure)
        holds = holds and measure.holds
        print(f"{what:<36}{number:>12,} {unit:<3}{measure.bar:>10}{'' if measure.holds else '   MISSED'}")
    for line in (*report.differences, *report.faults):
        print(f"  {line}")
    return holds


def main() -> int:
    """One whole drill; 0 when everything holds."""
    parser = argparse.ArgumentParser(prog="python -m tests.hosts.restore_drill", description=__doc__)
    parser.add_argument(
        "--size", default="large", help="of the demonstration, as `flask demo --size` knows them"
    )
    parser.add_argument("--archive-timeout", type=int, default=60, help="seconds")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with temporary_home() as home:
        report = Drill(home, size=asked.size, archive_timeout=asked.archive_timeout).run()
    if asked.json:
        print(json.dumps(vars(report)))
    return (
        0
        if record(report, "make restore-drill" + (f" SIZE={asked.size}" if asked.size != "large" else ""))
        else 1
    )


if __name__ == "__main__":
    sys.exit(main())
