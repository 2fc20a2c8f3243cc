"""`make run`, without the set-up: starting, staying up, stopping, being killed, and who may not start."""

import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from config import load_settings
from tests.embedded.conftest import Copy, wait_until

StartCopy = Callable[..., Copy]
SECOND_START = 20  # seconds: under 10 on an idle machine, here beside other tests


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def ask_health(port: int) -> dict[str, object]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/healthz")
        answer: dict[str, object] = json.loads(connection.getresponse().read())
        return answer
    finally:
        connection.close()


def test_two_copies_side_by_side_then_a_stop_leaves_nothing(home: Path, start_copy: StartCopy) -> None:
    one, two = start_copy(home / "one", free_port()), start_copy(home / "two", free_port())
    said = one.wait_until_ready()
    two.wait_until_ready()
    assert "referent@roubaix.example" in said
    assert "Courrier envoyé : http://127.0.0.1:" in said
    assert ask_health(one.port) == {"role": "cityjobs_web", "visits": 1}

    third = start_copy(home / "one", free_port())
    assert "tourne déjà" in third.refused()
    fourth = start_copy(home / "four", one.port)
    assert f"Le port {one.port} est déjà pris" in fourth.refused()

    settings = load_settings({"CITYJOBS_HOME": str(home / "one"), "FLASK_RUN_FROM_CLI": "true"})
    assert settings.environment == "demo"
    assert "cityjobs_worker" in str(settings.database_uri)
    assert (home / "one" / "settings.env").stat().st_mode & 0o777 == 0o600

    (web,) = [
        pid for pid in one.programs() if (home / "one" / "pids" / "web").read_text().startswith(f"{pid} ")
    ]
    os.kill(web, signal.SIGKILL)
    wait_until(lambda: "Le site s’est arrêté" in one.said())
    assert ask_health(one.port)["visits"] == 1

    assert one.end(signal.SIGTERM) == 0
    assert two.end(signal.SIGINT) == 0
    assert one.programs() == two.programs() == []
    with pytest.raises(ConnectionRefusedError):
        ask_health(one.port)


def test_killed_copies_start_again_with_their_rows(home: Path, start_copy: StartCopy) -> None:
    first = start_copy(home / "one", free_port())
    first.wait_until_ready()
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    wait_until(lambda: not first.programs(), 20)  # they follow their supervisor without being told

    second = start_copy(home / "one", first.port)
    second.wait_until_ready()
    assert ask_health(second.port)["visits"] == 2

    os.kill(second.child.pid, signal.SIGSTOP)
    for pid in second.programs():
        os.kill(pid, signal.SIGKILL)
    second.end(signal.SIGKILL)

    third = start_copy(home / "one", first.port)
    third.wait_until_ready()
    assert ask_health(third.port)["visits"] == 3
    assert third.end(signal.SIGHUP) == 0
    assert third.programs() == []


def test_the_real_application_turns_green_and_starts_again_quickly(home: Path, start_copy: StartCopy) -> None:
    first = start_copy(home / "one", free_port(), "wsgi")
    said = first.wait_until_ready(90)
    for name in ("referent@roubaix.example", "coordination@calais.example", "Demo-Cite-Emploi-2026"):
        assert name in said
    health = ask_health(first.port)
    assert health["ok"] is True, first.said()
    assert first.end(signal.SIGTERM) == 0
    assert first.programs() == []

    began = time.monotonic()
    second = start_copy(home / "one", first.port, "wsgi")
    second.wait_until_ready(90)
    assert time.monotonic() - began < SECOND_START
    assert ask_health(second.port)["migration"] == health["migration"]
    assert second.end(signal.SIGINT) == 0


def test_a_stop_while_starting_leaves_nothing(home: Path, start_copy: StartCopy) -> None:
    copy = start_copy(home / "one", free_port())
    wait_until(lambda: "Mise à jour" in copy.said())
    assert copy.end(signal.SIGTERM) == 0
    assert copy.programs() == []


def test_a_failing_command_is_shown_and_everything_stops(home: Path, start_copy: StartCopy) -> None:
    copy = start_copy(home / "one", free_port(), "tests.embedded.no_such_application")
    assert copy.child.wait(30) == 1
    assert "La préparation de la base a échoué" in copy.said()
    assert "no_such_application" in copy.said()
    assert copy.programs() == []


@pytest.mark.parametrize("port", ["abc", "0", "70000", "-1", "٣"])
def test_an_impossible_port_is_refused(home: Path, start_copy: StartCopy, port: str) -> None:
    assert f"PORT vaut « {port} »" in start_copy(home / "one", port).refused()


def test_a_home_that_cannot_be_is_refused(home: Path, start_copy: StartCopy) -> None:
    (home / "file").touch()
    assert "CITYJOBS_HOME" in start_copy(home / "file", free_port()).refused()
