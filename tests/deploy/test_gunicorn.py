"""The web as it runs for real: two processes under deploy/gunicorn.conf.py, replaced under load, and upgraded."""

import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
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
"""Seconds that deploy/nginx.conf waits for an answer: those asked while processes are replaced wait while the application is loaded."""
TOKEN = "Vq7xM2kR9tLw4Zb8Nc6Ys3Kd5Jf0GpHa"


class Web:
    """A gunicorn of one's own."""

    def __init__(
        self, databases: Databases, home: Path, argv: list[str] | None = None, tree: Path = ROOT
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.log = home / "log"
        environ = databases.environment(
            ENVIRONMENT="development",
            METRICS_TOKEN=TOKEN,
            WEB_BIND=f"127.0.0.1:{self.port}",
            WEB_PROCESSES="1" if argv else "2",
            PROMETHEUS_MULTIPROC_DIR=str(home / "metrics"),
        )
        (home / "metrics").mkdir(parents=True)
        (home / "metrics" / "counter_1.db").write_bytes(b"left by a former life")
        with self.log.open("wb") as log:
            self.child = subprocess.Popen(
                argv or [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "wsgi:app"],
                cwd=tree,
                env={**os.environ, **environ, "PWD": str(tree)},
                stdout=log,
                stderr=log,
                start_new_session=True,
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
    assert asks_for_health(f"127.0.0.1:{web.port}") == 0
    assert asks_for_health("127.0.0.1:1") != 0

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
    assert lost == [], "a request is lost when processes are replaced"
    assert web.counted() >= before + 40, "what a process counted is kept when it ends"

    web.child.send_signal(signal.SIGTERM)
    assert web.child.wait(40) == 0
    lines = [json.loads(line) for line in web.log.read_text().splitlines()]
    assert sum("Booting worker" in line["event"] for line in lines) >= 4
    assert not (web.log.parent / "metrics").exists()


def test_a_released_tree_is_served_whole_until_the_restart_and_the_next_one_after(
    databases: Databases, tmp_path: Path
) -> None:
    """docs/operations.md, « Upgrading »: a tree a version, a link to the present one, a restart and no reload."""
    unit = (ROOT / "deploy/systemd/cityjobs-web.service").read_text()
    (command,) = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    (place,) = re.findall(r"^WorkingDirectory=(.+)$", unit, re.MULTILINE)
    assert "ExecReload" not in unit, "a reload would go on with the tree that is known"
    home = tmp_path / "opt/cityjobs"
    for version in ("1.0", "1.1"):
        release(home / "releases" / version, version)
    (home / "current").symlink_to("releases/1.0")
    argv = shlex.split(command.replace("/opt/cityjobs", str(home)))
    tree = Path(place.replace("/opt/cityjobs", str(home)))

    old = Web(databases, tmp_path / "first", argv, tree)
    try:
        wait_until(old.answers)
        assert served_by(old) == ("1.0", "1.0")
        (home / "next").symlink_to("releases/1.1")
        (home / "next").rename(home / "current")
        os.kill(a_child_of(old.child.pid), signal.SIGKILL)
        wait_until(lambda: old.log.read_text().count("Booting worker") >= 2)
        for _ in range(3):
            assert served_by(old) == ("1.0", "1.0"), "two versions in one process"
        slow = http.client.HTTPConnection("127.0.0.1", old.port, timeout=PATIENCE)
        slow.putrequest("POST", "/connexion")
        slow.putheader("Content-Type", "application/x-www-form-urlencoded")
        slow.putheader("Content-Length", "3")
        slow.endheaders(b"a")
        time.sleep(0.5)
        old.child.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        slow.send(b"=b")
        with slow.getresponse() as answer:
            assert answer.status == 400, "what was under way is not finished"
        slow.close()
        assert old.child.wait(40) == 0
    finally:
        old.child.kill()
        old.child.wait()

    new = Web(databases, tmp_path / "second", argv, tree)
    try:
        wait_until(new.answers)
        assert served_by(new) == ("1.1", "1.1")
    finally:
        new.child.terminate()
        new.child.wait()


def release(tree: Path, version: str) -> None:
    """A tree of its own that says its version in its code and in its pages."""
    left_out = shutil.ignore_patterns("node_modules", "__pycache__")
    for folder in ("cityjobs", "templates", "deploy"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=left_out)
    for file in ("config.py", "wsgi.py"):
        shutil.copy(ROOT / file, tree)
    (tree / ".venv").symlink_to(ROOT / ".venv")
    code, page = tree / "cityjobs/core/web.py", tree / "templates/layout.html"
    code.write_text(code.read_text().replace("HEADERS = {", f'HEADERS = {{"X-Tree": "{version}",', 1))
    page.write_text(page.read_text().replace("</body>", f"<p>tree {version}</p></body>"))


def served_by(web: Web) -> tuple[str, str]:
    """The versions of the code and of the page that answer."""
    with urllib.request.urlopen(f"http://127.0.0.1:{web.port}/connexion", timeout=PATIENCE) as answer:
        (page,) = re.findall(r"<p>tree (\S+)</p>", answer.read().decode())
        return answer.headers["X-Tree"], page


def a_child_of(pid: int) -> int:
    """One of the processes that it started."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def asks_for_health(bind: str) -> int:
    """What the container file's HEALTHCHECK answers for a web at that address."""
    text = (ROOT / "deploy/Containerfile").read_text()
    (asked,) = re.findall(r"^HEALTHCHECK [^[]*CMD (\[.*\])$", text, re.MULTILINE)
    _python, *arguments = json.loads(asked)
    argv = [sys.executable, *arguments]
    return subprocess.run(argv, env={"WEB_BIND": bind}, capture_output=True, check=False).returncode
