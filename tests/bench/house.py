"""A house at the size of the country on this machine: real servers, one web worker with every layer on.

The loaded database is kept in CITYJOBS_BENCH_HOME (else in var/bench, which is not versioned) and used again.
"""

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlencode

import psycopg

from cityjobs.accounts.rules import DEMO_PASSWORD
from cityjobs.embedded.postgres import EmbeddedPostgres
from cityjobs.embedded.valkey import EmbeddedValkey

ROOT = Path(__file__).resolve().parents[2]
TOKEN = re.compile(r'name="csrf_token" type="hidden" value="([^"]+)"|name="csrf_token" value="([^"]+)"')


class House:
    """The servers of one measurement, and what processes need to work on them."""

    def __init__(self, postgres: EmbeddedPostgres, valkey: EmbeddedValkey, home: Path) -> None:
        self.postgres, self.valkey, self.home = postgres, valkey, home
        self.secret = secrets.token_hex(32)

    def environment(self, process: str, port: int = 0) -> dict[str, str]:
        """What a process of the application reads from its environment."""
        return {
            "ENVIRONMENT": "demo",
            "PROCESS": process,
            "SECRET_KEY": self.secret,
            "DATABASE_URL": self.postgres.url("cityjobs_web"),
            "WORKER_DATABASE_URL": self.postgres.url("cityjobs_worker"),
            "OWNER_DATABASE_URL": self.postgres.url("cityjobs_owner"),
            "REDIS_URL": self.valkey.url(),
            "SMTP_URL": "smtp://127.0.0.1:1",
            "MAIL_FROM": "CityJobs <cityjobs@cityjobs.example>",
            "BASE_URL": f"http://127.0.0.1:{port}" if port else "http://127.0.0.1",
            "CITYJOBS_HOME": str(self.home),
        }

    def run(self, *arguments: str) -> None:
        """One Flask command, which must succeed."""
        subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
            cwd=ROOT,
            env={**os.environ, **self.environment("command")},
            check=True,
        )

    def superuser(self) -> psycopg.Connection[tuple[object, ...]]:
        """A connection that passes by every policy, to prepare and to put back."""
        return psycopg.connect(self.postgres.url("postgres"), autocommit=True)

    def prepare(self, size: str = "national") -> None:
        """Bring the database to the present migrations, and load it when nobody is in it."""
        self.run("db", "upgrade")
        with self.superuser() as server:
            loaded = server.execute("select exists (select from person)").fetchone() == (True,)
        if not loaded:
            say(f"Loading the demo of size {size}: some minutes, once…")
            self.run("demo", "--size", size)
        with self.superuser() as server:
            server.execute("vacuum (analyze)")


@contextmanager
def opened_house(size: str = "national") -> Iterator[House]:
    """PostgreSQL with fsync and Valkey, the database loaded; everything stops at the end."""
    home = Path(os.environ.get("CITYJOBS_BENCH_HOME") or ROOT / "var" / "bench").resolve() / size
    home.mkdir(parents=True, exist_ok=True)
    with EmbeddedPostgres(home / "postgres") as postgres, EmbeddedValkey(home / "valkey") as valkey:
        house = House(postgres, valkey, home)
        house.prepare(size)
        yield house


@contextmanager
def web_of(house: House, *, workers: int = 1, threads: int = 4) -> Iterator[tuple[int, int]]:
    """Gunicorn as `make run` starts it, on a free port of the loopback; yields the port and the master's pid."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", f"127.0.0.1:{port}"]
    argv += ["--worker-class", "gthread", "--workers", str(workers), "--threads", str(threads)]
    argv += ["--timeout", "60", "--keep-alive", "600", "--no-control-socket"]
    with (house.home / "web.log").open("wb") as log:
        web = subprocess.Popen(
            argv,
            cwd=ROOT,
            env={**os.environ, **house.environment("web", port)},
            stdout=log,
            stderr=log,
        )
        try:
            _await_web(port, web)
            yield port, web.pid
        finally:
            web.send_signal(signal.SIGTERM)
            web.wait(30)


def _await_web(port: int, web: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and web.poll() is None:
        try:
            client = HTTPConnection("127.0.0.1", port, timeout=5)
            client.request("GET", "/connexion")
            if client.getresponse().read():
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the web did not start: see web.log")


class Browser:
    """One professional's connection to the web, kept open, with their cookie."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.http = HTTPConnection("127.0.0.1", port, timeout=120)
        self.cookie = ""

    def ask(
        self, method: str, path: str, form: Mapping[str, str] | None = None, *, accepts: str = "br"
    ) -> tuple[HTTPResponse, bytes]:
        """One request and the whole of its answer, as sent."""
        headers = {"Accept-Encoding": accepts, "Cookie": self.cookie}
        body = None
        if form is not None:
            body = urlencode(form)
            headers |= {"Content-Type": "application/x-www-form-urlencoded"}
            headers |= {"Referer": f"http://127.0.0.1:{self.port}{path}"}
        self.http.request(method, path, body, headers)
        answer = self.http.getresponse()
        content = answer.read()
        for said in answer.headers.get_all("Set-Cookie") or ():
            self.cookie = said.partition(";")[0]
        return answer, content

    def page(self, path: str) -> str:
        """The text of a page that must be there."""
        answer, content = self.ask("GET", path, accepts="identity")
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}")
        return content.decode()

    def token(self, path: str) -> str:
        """The token of the forms of a page."""
        found = TOKEN.search(self.page(path))
        if found is None:
            raise RuntimeError(f"{path} has no form")
        return found[1] or found[2]

    def sign_in(self, email: str) -> "Browser":
        """Through the door, with the password of the demonstration."""
        form = {"csrf_token": self.token("/connexion"), "email": email, "password": DEMO_PASSWORD}
        answer, _ = self.ask("POST", "/connexion", form)
        if answer.status != 303:
            raise RuntimeError(f"{email} was not let in: {answer.status}")
        return self


def say(sentence: str) -> None:
    """Tell whoever waits."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()
