"""The error tracker, with a receiver on loopback: nothing personal leaves, and nothing is loaded without its address."""

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import brotli
import pytest

from tests.conftest import Databases

ROOT = Path(__file__).resolve().parents[2]
NAME, EMAIL, NOTE, COOKIE = "Zoubida-Quillfeather", "zq@ville.example", "Sujet délicat 7c21", "jar-of-secrets"
SECRETS = (
    NAME,
    EMAIL,
    NOTE,
    COOKIE,
    "Mozilla/5.0 Tell-Tale",
    "203.0.113.77",
    "d0551e12-0000-4000-8000-000000000001",
)

PROGRAM = f"""
import sys
from flask import request
from cityjobs.app import create_app
from cityjobs.core.permissions import PUBLIC, requires
from celery import shared_task
from config import load_settings

class Refused(Exception):
    pass

@requires(PUBLIC)
def burst(person_id):
    name, note = {NAME!r}, request.form["note"]
    try:
        raise ValueError("duplicate key: (email)=({EMAIL})")
    except ValueError as failure:
        raise Refused(name + note) from failure

@shared_task(name="tests.burst")
def burst_in_worker(name):
    raise Refused("for " + name)

def attach(app):
    app.add_url_rule("/personnes/<person_id>/eclat", "burst", burst, methods=["POST"])
    app.config["WTF_CSRF_ENABLED"] = False

import cityjobs.app
cityjobs.app.ROOMS = (*cityjobs.app.ROOMS, type("Room", (), {{"init_app": staticmethod(attach)}}))
app = create_app(load_settings().flask_config())
client = app.test_client()
client.set_cookie("jar", {COOKIE!r})
assert (sys.argv[1] == "sentry_sdk") == ("sentry_sdk" in sys.modules)
answer = client.post(
    "/personnes/d0551e12-0000-4000-8000-000000000001/eclat?nom={NAME}",
    data={{"note": {NOTE!r}, "email": {EMAIL!r}}},
    headers={{"User-Agent": "Mozilla/5.0 Tell-Tale", "X-Forwarded-For": "203.0.113.77"}},
    environ_base={{"REMOTE_ADDR": "203.0.113.77"}},
)
assert answer.status_code == 500, answer.status_code
print(answer.headers["X-Request-Id"])
burst_in_worker.apply(args=({NAME!r},), task_id="0b5c1f9e-task")
print("sentry_sdk" in sys.modules)
"""


UNPACK = {"br": brotli.decompress, "gzip": gzip.decompress, "": bytes}


class Receiver:
    """A tracker that keeps what it is sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[str] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.bodies.append(UNPACK[self.headers.get("Content-Encoding", "")](body))
                receiver.headers.append(str(self.headers))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """Where events are to be sent."""
        return f"http://0123456789abcdef@127.0.0.1:{self.server.server_address[1]}/7"

    def events(self) -> list[dict[str, Any]]:
        """The events of every envelope."""
        found = []
        for body in self.bodies:
            _, *rest = body.decode().splitlines()
            found += [json.loads(line) for line in rest if '"exception"' in line]
        return found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def play(databases: Databases, expects: str, **more: str) -> subprocess.CompletedProcess[str]:
    environ = databases.environment(ENVIRONMENT="development", PATH="/usr/bin:/bin", **more)
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, expects], cwd=ROOT, env=environ, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    return ended


def test_a_failure_is_told_by_its_place_and_nothing_personal_leaves(
    databases: Databases, receiver: Receiver
) -> None:
    said = play(databases, "sentry_sdk", ERROR_TRACKER_DSN=receiver.address)
    in_web, in_worker = receiver.events()
    everything = b"\n".join(receiver.bodies).decode() + "\n".join(receiver.headers)
    for secret in SECRETS:
        assert secret not in everything, secret
    assert in_web["tags"] == {"request_id": said.stdout.split()[0], "endpoint": "burst"}
    assert in_worker["tags"] == {"task_id": "0b5c1f9e-task", "task": "tests.burst"}
    assert [each["type"] for each in in_web["exception"]["values"]] == ["ValueError", "Refused"]
    place = in_web["exception"]["values"][-1]["stacktrace"]["frames"][-1]
    assert (place["function"], place["module"]) == ("burst", "__main__")
    assert place["lineno"] == 1 + PROGRAM.splitlines().index(
        "        raise Refused(name + note) from failure"
    )


def test_an_event_holds_only_what_is_listed(databases: Databases, receiver: Receiver) -> None:
    play(databases, "sentry_sdk", ERROR_TRACKER_DSN=receiver.address)
    for event in receiver.events():
        assert set(event) <= {
            "event_id", "timestamp", "platform", "level", "environment", "exception", "tags", "transaction",
        }  # fmt: skip
        for exception in event["exception"]["values"]:
            assert set(exception) == {"type", "module", "stacktrace"}
            for frame in exception["stacktrace"]["frames"]:
                assert set(frame) <= {"module", "function", "lineno", "in_app"}


def test_nothing_is_loaded_nor_sent_without_an_address(databases: Databases, receiver: Receiver) -> None:
    said = play(databases, "nothing")
    assert said.stdout.split()[-1] == "False"
    assert receiver.bodies == []


def test_the_same_failures_in_the_logs_name_nobody(databases: Databases) -> None:
    said = play(databases, "nothing")
    lines = [json.loads(line) for line in said.stderr.splitlines()]
    assert lines
    for secret in SECRETS:
        assert secret not in said.stderr, secret
    (failed,) = [line for line in lines if line["event"] == "Exception on"]
    assert failed["failures"] == ["__main__.Refused", "builtins.ValueError"]
    assert failed["request_id"] == said.stdout.split()[0]
    assert failed["trace"][-1].startswith("__main__:")
