"""The web as it runs for real: two processes under deploy/gunicorn.conf.py, reloaded and stopped under load."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import Databases
from tests.core.processes import wait_until

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 65
"""Seconds that deploy/nginx.conf waits for an answer: those asked during a reload wait while the application is loaded."""
TOKEN = "Vq7xM2kR9tLw4Zb8Nc6Ys3Kd5Jf0GpHa"


class Web:
    """A gunicorn of one's own."""

    def __init__(self, databases: Databases, home: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.log = home / "log"
        environ = databases.environment(
            ENVIRONMENT="development",
            METRICS_TOKEN=TOKEN,
            WEB_BIND=f"127.0.0.1:{self.port}",
            WEB_PROCESSES="2",
            PROMETHEUS_MULTIPROC_DIR=str(home / "metrics"),
        )
        (home / "metrics").mkdir()
        (home / "metrics" / "counter_1.db").write_bytes(b"left by a former life")
        argv = [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "wsgi:app"]
        with self.log.open("wb") as log:
            self.child = subprocess.Popen(
                argv, cwd=ROOT, env={**os.environ, **environ}, stdout=log, stderr=log, start_new_session=True
            )

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - on loopback
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, ""

    def answers(self) -> bool:
        try:
            return self.get("/connexion")[0] == 200
        except OSError:
            return False

    def counted(self) -> float:
        """How many times the door was opened, in all processes."""
        _, text = self.get("/metrics", Authorization=f"Bearer {TOKEN}")
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "cityjobs_requests_total" and sample.labels["endpoint"] == "accounts.sign_in"
        )


@pytest.fixture
def web(databases: Databases, tmp_path: Path) -> Iterator[Web]:
    made = Web(databases, tmp_path)
    wait_until(made.answers)
    yield made
    if made.child.poll() is None:
        made.child.kill()
    made.child.wait()


def test_counts_are_those_of_all_processes_and_outlive_them(web: Web) -> None:
    before = web.counted()
    for _ in range(40):
        assert web.get("/connexion")[0] == 200
    assert web.counted() == before + 40
    assert web.get("/metrics")[0] == 401

    started = web.log.read_text().count("Booting worker")
    lost: list[object] = []
    over = threading.Event()

    def keep_asking() -> None:
        while not over.is_set():
            try:
                if (status := web.get("/connexion")[0]) != 200:
                    lost.append(status)
            except OSError as failure:
                lost.append(failure)

    asking = threading.Thread(target=keep_asking)
    asking.start()
    web.child.send_signal(signal.SIGHUP)
    wait_until(lambda: web.log.read_text().count("Booting worker") >= started + 2)
    over.set()
    asking.join()
    assert lost == [], "a reload loses a request"
    assert web.counted() >= before + 40, "what a process counted is kept when it ends"

    web.child.send_signal(signal.SIGTERM)
    assert web.child.wait(40) == 0
    lines = [json.loads(line) for line in web.log.read_text().splitlines()]
    assert sum("Booting worker" in line["event"] for line in lines) >= 4
    assert not (web.log.parent / "metrics").exists()
