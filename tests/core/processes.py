"""A broker, a mail server, workers and a beat of one's own: real programs, to be stopped and killed."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from flask import Flask

from cityjobs.app import create_app
from cityjobs.core import jobs
from cityjobs.core.db import db
from cityjobs.embedded.home import temporary_home
from cityjobs.embedded.valkey import EmbeddedValkey
from config import load_settings
from tests.conftest import Databases

ROOT = Path(__file__).resolve().parents[2]


def wait_until(true: Callable[[], object], patience: float = 60.0) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, "too long"
        time.sleep(0.05)


class MailServer:
    """Takes letters; while `stuck` it accepts a sender and then says nothing more."""

    def __init__(self) -> None:
        self.letters: list[tuple[list[str], bytes]] = []
        self.stuck = False
        self.reached = 0
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self.controller.start()

    async def handle_MAIL(
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        """Reached: the letter is claimed, and not sent yet."""
        self.reached += 1
        while self.stuck:
            await asyncio.sleep(0.02)
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Keep a letter."""
        self.letters.append((envelope.rcpt_tos, envelope.content))
        return "250 OK"


class Stage:
    """Everything that runs beside the web."""

    def __init__(self, home: Path, databases: Databases) -> None:
        self.databases, self.home = databases, home
        self.mail = MailServer()
        self.broker = EmbeddedValkey(home / "valkey", durable=True).start()
        self.running: list[subprocess.Popen[bytes]] = []

    def environment(self, process: str) -> dict[str, str]:
        """What a process of this stage is told."""
        return self.databases.environment(
            PROCESS=process,
            REDIS_URL=self.broker.url(),
            SMTP_URL=f"smtp://127.0.0.1:{self.mail.port}",
            CITYJOBS_HOME=str(self.home),
        )

    def application(self, process: str, **config: object) -> Flask:
        """The application in this process, on this stage's broker."""
        app = create_app({**load_settings(self.environment(process)).flask_config(), **config})
        app.testing = True
        return app

    def worker(self, application: str = "tests.core.quick") -> subprocess.Popen[bytes]:
        """A real worker."""
        return self._start(
            application, "worker", "-P", "threads", "-c", "2", "--without-gossip", "--without-mingle"
        )

    def beat(self) -> subprocess.Popen[bytes]:
        """A real beat."""
        return self._start("tests.core.quick", "beat", "-s", str(self.home / "beat-schedule"), "--pidfile=")

    def _start(self, application: str, *arguments: str) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", "celery", "-A", f"{application}:celery", *arguments, "-l", "warning"]
        environ = {**os.environ, **self.environment("worker"), "PYTHONPATH": str(ROOT)}
        with (self.home / "processes.log").open("ab") as log:
            child = subprocess.Popen(
                argv, cwd=ROOT, env=environ, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.running.append(child)
        return child

    def end(self, child: subprocess.Popen[bytes], sign: signal.Signals = signal.SIGTERM) -> None:
        """End one program and wait for it."""
        if child.poll() is None:
            child.send_signal(sign)
        child.wait(20)

    def close(self) -> None:
        """End everything."""
        for child in self.running:
            self.end(child, signal.SIGKILL)
        self.mail.stuck = False
        self.mail.controller.stop()
        self.broker.stop()


@contextmanager
def stage(databases: Databases) -> Iterator[Stage]:
    """A stage of one's own, over an empty database."""
    databases.empty()
    jobs.breaker.closed_until = 0.0
    with temporary_home() as home:
        built = Stage(home, databases)
        try:
            yield built
        except BaseException:
            log = home / "processes.log"
            print(log.read_text()[-6000:] if log.exists() else "")  # noqa: T201 - shown with the failed test
            raise
        finally:
            built.close()
            jobs.breaker.closed_until = 0.0


def forget_connections(app: Flask) -> None:
    """Close what an application opened."""
    with app.app_context():
        db.engine.dispose()
    app.extensions["celery"].close()
