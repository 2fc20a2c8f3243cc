"""Several hosts: one PostgreSQL, one Valkey, one mail server, two webs, two workers and a beat, as in production."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from flask import Flask
from flask_migrate import Migrate

from cityjobs.core.db import db
from cityjobs.embedded import children
from cityjobs.embedded.home import temporary_home
from cityjobs.embedded.postgres import EmbeddedPostgres
from cityjobs.embedded.valkey import EmbeddedValkey
from config import load_settings
from tests.hosts.lan import make_lan

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = "cite-du-nord.fr"
HTTP, POSTGRESQL, VALKEY, SMTP = 8000, 5432, 6379, 2525
THREADS = 4
"""Of a worker: as many letters may be in its hands when it dies."""
WEBS, WORKERS = ("web-1", "web-2"), ("work-1", "work-2")


def wait_until(true: Callable[[], object], patience: float = 30.0, what: str = "") -> float:
    """Wait for something to become true; how many seconds it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < patience, f"too long: {what}"
        time.sleep(0.05)
    return time.monotonic() - began


class Rig:
    """Everything, on hosts of their own. To be built, used for killing and closed from the main thread."""

    def __init__(self, home: Path, *, patient: bool) -> None:
        self.home, self.patient = home, patient
        self.programs: dict[str, subprocess.Popen[bytes]] = {}
        self.secret = secrets.token_urlsafe(48)
        self.journal = home / "letters.jsonl"
        self._open = ExitStack()
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        self.lan = make_lan()
        self._open.callback(self.lan.close)
        self.addresses = {
            name: self.lan.add(name) for name in ("database", "broker", "mail", *WEBS, *WORKERS)
        }
        self._open.callback(self._end_programs)
        self.broker = EmbeddedValkey(
            self.home / "valkey", settings={"bind": self.addresses["broker"], "port": str(VALKEY)}
        )
        self.postgres = EmbeddedPostgres(
            self.home / "postgres",
            settings={"listen_addresses": self.addresses["database"], "port": str(POSTGRESQL)},
        )
        self._open.callback(self.broker.stop)
        self._open.callback(self.postgres.stop)
        with self.lan.inside("broker"):
            self.broker.start()
        with self.lan.inside("database"):
            self.postgres.start()
        with (self.postgres.data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host cityjobs all {self.lan.network} scram-sha-256\n")
        self.ask("select pg_reload_conf()")
        self._migrate()
        self._start_mail()
        for name in WEBS:
            self.start(name)
        for name in WORKERS:
            self.start(name)
        self.start("beat")
        self.world_engine = sa.create_engine(
            self.here("cityjobs_worker").replace("postgresql://", "postgresql+psycopg://"), pool_pre_ping=True
        )
        self._open.callback(self.world_engine.dispose)
        for name in WEBS:
            wait_until(lambda name=name: self.answers(name), 60, f"{name}: {self.said(name)}")
        wait_until(lambda: self.health(WEBS[0])[0] == 200, 60, "health")

    def close(self) -> None:
        """End everything."""
        self._open.close()

    # What processes are told

    def here(self, role: str) -> str:
        """The address of the database for this process, whatever happens to the network."""
        return self.postgres.url(role)

    def environment(self, process: str) -> dict[str, str]:
        """What a process of this installation is told: its own role, addresses, passwords, as in production."""

        def database(role: str) -> str:
            password = urlsplit(self.postgres.url(role)).password
            return f"postgresql://{role}:{password}@{self.addresses['database']}:{POSTGRESQL}/cityjobs"

        password = urlsplit(self.broker.url()).password
        own = {
            "web": {"DATABASE_URL": database("cityjobs_web")},
            "worker": {"WORKER_DATABASE_URL": database("cityjobs_worker")},
            "command": {
                "WORKER_DATABASE_URL": database("cityjobs_worker"),
                "OWNER_DATABASE_URL": database("cityjobs_owner"),
            },
        }[process]
        return {
            "ENVIRONMENT": "production",
            "PROCESS": process,
            "BASE_URL": f"https://{DOMAIN}",
            "TRUSTED_PROXIES": "1",
            "SECRET_KEY": self.secret,
            "REDIS_URL": f"redis://:{password}@{self.addresses['broker']}:{VALKEY}/0",
            "SMTP_URL": f"smtp://{self.addresses['mail']}:{SMTP}",
            "MAIL_FROM": f"CityJobs <cityjobs@{DOMAIN}>",
            "CITYJOBS_HOME": str(self.home),
            "CITYJOBS_PATIENT": "1" if self.patient else "",
            "PYTHONPATH": str(ROOT),
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            **own,
        }

    # Programs

    def start(self, name: str, **environment: str) -> None:
        """Start a web, a worker or a beat; does nothing while it runs."""
        if name in self.programs and self.programs[name].poll() is None:
            return
        web = name.startswith("web")
        argv = self._gunicorn(name) if web else self._celery(name)
        host = name if name in self.addresses else WORKERS[0]
        with self.lan.inside(host):
            self.programs[name] = children.spawn(
                argv,
                home=self.home,
                name=name,
                env={**self.environment("web" if web else "worker"), **environment},
                log=self._log(name),
                cwd=ROOT,
                death_signal=signal.SIGKILL,
            )

    def _gunicorn(self, name: str) -> list[str]:
        return [
            sys.executable, "-m", "gunicorn", "tests.hosts.hurried:app", "--bind", f"{self.addresses[name]}:{HTTP}",
            "--worker-class", "gthread", "--workers", "1", "--threads", "8", "--timeout", "60",
            "--graceful-timeout", "10", "--no-control-socket",
        ]  # fmt: skip

    def _celery(self, name: str) -> list[str]:
        celery = [sys.executable, "-m", "celery", "-A", "tests.hosts.hurried:celery"]
        if name.startswith("beat"):
            return [*celery, "beat", "-s", str(self.home / f"{name}-schedule"), "--pidfile=", "-l", "warning"]
        return [
            *celery, "worker", "-P", "threads", "-c", str(THREADS), "-n", f"{name}@%h", "--without-gossip",
            "--without-mingle", "-l", "warning",
        ]  # fmt: skip

    def _start_mail(self) -> None:
        with self.lan.inside("mail"):
            listening = socket.create_server((self.addresses["mail"], SMTP), backlog=256)
        self.journal.touch()
        argv = [sys.executable, "-m", "tests.hosts.mail", str(self.journal), "--socket"]
        with listening, self.lan.inside("mail"):
            self.programs["mail"] = children.spawn(
                [*argv, str(listening.fileno())],
                home=self.home,
                name="mail",
                env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
                log=self._log("mail"),
                cwd=ROOT,
                pass_fds=(listening.fileno(),),
            )

    def kill(self, name: str) -> None:
        """A power cut for one program: it and all that it started die at once, without a word."""
        child = self.programs[name]
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def _end_programs(self) -> None:
        children.stop(self.programs.values(), signal.SIGKILL, patience=5)

    def _log(self, name: str) -> Path:
        return self.home / f"{name}.log"

    def said(self, name: str) -> str:
        """The end of what a program wrote."""
        log = self._log(name)
        return log.read_text(errors="replace")[-3000:] if log.exists() else ""

    def remove(self, name: str) -> None:
        """End a program that is not of the usual ones."""
        self.kill(name)
        del self.programs[name]

    def family(self) -> dict[str, set[int]]:
        """Every program with what it started: the same before and after when nothing was started again."""
        return {
            name: {child.pid, *_children_of(child.pid)}
            for name, child in self.programs.items()
            if child.poll() is None
        }

    # Database and broker

    def stop_database(self, sign: signal.Signals) -> None:
        """Stop PostgreSQL: SIGINT fast, SIGQUIT at once, SIGKILL without a word."""
        assert self.postgres.child is not None
        self.postgres.child.send_signal(sign)
        self.postgres.child.wait(30)
        self.postgres.stop()

    def start_database(self) -> None:
        """Start PostgreSQL again where it was."""
        with self.lan.inside("database"):
            self.postgres.start()

    def stop_broker(self) -> None:
        """Stop Valkey."""
        self.broker.stop()

    def start_broker(self) -> None:
        """Start Valkey again, with what it had written down."""
        with self.lan.inside("broker"):
            self.broker.start()

    @contextmanager
    def frozen_broker(self) -> Iterator[None]:
        """Valkey accepts connections and answers nothing."""
        assert self.broker.child is not None
        os.kill(self.broker.child.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.broker.child.pid, signal.SIGCONT)

    def _migrate(self) -> None:
        bare = Flask("migrations")
        bare.config.update(load_settings({**self.environment("command"), "OWNER_DATABASE_URL": self.here("cityjobs_owner"),
                                          "WORKER_DATABASE_URL": self.here("cityjobs_worker")}).flask_config())  # fmt: skip
        db.init_app(bare)
        migrate = Migrate(bare, db, directory=str(ROOT / "migrations"))
        with bare.app_context():
            command.upgrade(migrate.get_config(), "head")
            db.engine.dispose()

    # What is seen from outside

    def ask(self, statement: str, **values: object) -> list[Any]:
        """Rows, read by the superuser of the database host."""
        with psycopg.connect(self.here("postgres"), autocommit=True, connect_timeout=10) as connection:
            found = connection.execute(statement, values)
            return found.fetchall() if found.description else []

    def count(self, statement: str, **values: object) -> int:
        """The one number that a query answers."""
        return int(self.ask(statement, **values)[0][0])

    def letters(self) -> list[dict[str, Any]]:
        """Every letter that the mail host accepted."""
        return [json.loads(line) for line in self.journal.read_text().splitlines()]

    def received(self, since: float = 0) -> Counter[str]:
        """How many times each row of the outbox arrived."""
        return Counter(
            letter["id"].strip("<>").split("@")[0] for letter in self.letters() if letter["at"] >= since
        )

    def listens(self, worker: str) -> bool:
        """Whether a worker's program has opened its connections: to the broker, and to the database for its sign of life."""
        child = self.programs[worker]
        return child.poll() is None and _connections_of(child.pid) >= 2

    def unsettled(self) -> int:
        """How many letters wait or are being sent."""
        return self.count("select count(*) from outgoing where state in ('waiting', 'sending')")

    def deaths(self) -> dict[str, int]:
        """How many workers died with each letter in hand, when any did."""
        return dict(self.ask("select id::text, deaths from outgoing where deaths > 0"))

    def answers(self, name: str) -> bool:
        """Whether a web host takes connections."""
        try:
            socket.create_connection((self.addresses[name], HTTP), timeout=2).close()
        except OSError:
            return False
        return True

    def health(self, name: str) -> tuple[int, dict[str, Any]]:
        """The health page of a web host."""
        import http.client

        connection = http.client.HTTPConnection(self.addresses[name], HTTP, timeout=10)
        try:
            connection.request("GET", "/healthz", headers={"Host": DOMAIN, "X-Forwarded-Proto": "https"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            return 0, {}
        finally:
            connection.close()

    def put_right(self) -> None:
        """Everything runs again and nothing waits, for the next test."""
        for name in (*WEBS, *WORKERS, "beat"):
            self.start(name)
        for name in WEBS:
            wait_until(lambda name=name: self.health(name)[0] == 200, 60, f"{name} {self.health(name)}")
        wait_until(lambda: self.unsettled() == 0, 60, "letters of another test")


def _connections_of(pid: int) -> int:
    """How many TCP connections a program holds in its own network."""
    sockets = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = entry.readlink().name
        except OSError:
            continue
        if target.startswith("socket:["):
            sockets.add(target[8:-1])
    lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    return sum(fields[3] == "01" and fields[9] in sockets for fields in map(str.split, lines))


def _children_of(pid: int) -> set[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return {int(child) for child in listed.read_text().split()} if listed.exists() else set()


@contextmanager
def running_rig(*, patient: bool) -> Iterator[Rig]:
    """A rig of one's own; what its programs said is shown when a test fails to build it."""
    with temporary_home() as home:
        rig = Rig(home, patient=patient)
        try:
            yield rig
        finally:
            rig.close()


@pytest.fixture(scope="session")
def shared_rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """One rig for all the proofs that need hosts; with --soak its workers are as patient as in production."""
    with running_rig(patient=bool(request.config.getoption("--soak"))) as rig:
        yield rig


@pytest.fixture
def rig(shared_rig: Rig) -> Iterator[Rig]:
    """The shared rig, with everything running again before and after."""
    shared_rig.put_right()
    yield shared_rig
    shared_rig.put_right()
