"""Celery beside the web: a broker that is away stops nobody, and the health page says who lives."""

import os
import signal
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from cityjobs.core import jobs
from cityjobs.core.jobs import BEAT, BROKER_REST, Breaker
from cityjobs.core.outbox import Outgoing
from cityjobs.core.permissions import Role
from tests.conftest import Databases
from tests.core.processes import Stage, forget_connections, stage, wait_until
from tests.manners import PageClient
from tests.world import Case, Member, World


@pytest.fixture
def scene(databases: Databases) -> Iterator[Stage]:
    with stage(databases) as built:
        yield built


@pytest.fixture
def web(scene: Stage) -> Iterator[Flask]:
    app = scene.application("web", HEALTH_LIMITS={"worker": 4.0, "beat": 4.0})
    yield app
    forget_connections(app)


class Office:
    """A coordinator who works while the broker is in trouble."""

    def __init__(self, web: Flask, scene: Stage) -> None:
        self.world = World(scene.databases.worker_engine)
        self.claire = self.world.member(Role.COORDINATOR, self.world.cite())
        self.samira: Member = self.world.member(Role.REFERENT, self.claire.cite)
        self.client = PageClient(web)
        with self.client.session_transaction() as cookie:
            cookie["_user_id"] = self.world.open_session(self.claire)
            cookie["_fresh"] = True

    def assign(self) -> tuple[float, Case]:
        """Give somebody a référent, which queues a letter; returns how many seconds the request took."""
        case = self.world.case(self.claire.cite)
        form = self.client.get("/coordination").form("/coordination/attribuer")
        started = time.monotonic()
        self.client.submit(form, picked=[str(case.parcours.id)], target=str(self.samira.id))
        return time.monotonic() - started, case


def letters(scene: Stage) -> list[str]:
    with Session(scene.databases.worker_engine) as session:
        return [str(state) for state in session.scalars(sa.select(Outgoing.state))]


def test_requests_succeed_while_the_broker_is_stopped_and_nothing_is_lost(scene: Stage, web: Flask) -> None:
    worker = scene.worker()
    beat = scene.beat()
    office = Office(web, scene)
    office.assign()
    wait_until(lambda: letters(scene) == ["sent"])
    scene.broker.stop()
    took = [office.assign()[0] for _ in range(4)]
    assert max(took) < 2, took
    assert max(took[1:]) < 1, took
    assert len(scene.mail.letters) == 1
    scene.broker.start()
    wait_until(lambda: letters(scene) == ["sent"] * 5)
    assert len(scene.mail.letters) == 5
    assert worker.poll() is None and beat.poll() is None


def test_a_broker_that_no_longer_answers_delays_one_request_and_not_the_next(
    scene: Stage, web: Flask
) -> None:
    office = Office(web, scene)
    office.assign()
    assert scene.broker.child is not None
    os.kill(scene.broker.child.pid, signal.SIGSTOP)
    try:
        took = [office.assign()[0] for _ in range(3)]
    finally:
        os.kill(scene.broker.child.pid, signal.SIGCONT)
    assert took[0] < 4, took
    assert max(took[1:]) < 1, took
    assert letters(scene) == ["waiting"] * 4


def test_the_broker_is_asked_again_after_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    breaker = Breaker()
    assert breaker.lets_through()
    breaker.note_failure()
    assert not breaker.lets_through()
    later = time.monotonic() + BROKER_REST
    monkeypatch.setattr(jobs.time, "monotonic", lambda: later)
    assert breaker.lets_through()
    assert not breaker.lets_through(), "one asks first, and the others do not wait with it"
    breaker.note_success()
    assert breaker.lets_through() and breaker.lets_through()


def test_the_health_page_follows_the_worker_and_beat(scene: Stage, web: Flask) -> None:
    client = web.test_client()

    def health() -> tuple[int, dict[str, object]]:
        answer = client.get("/healthz")
        return answer.status_code, answer.json

    status, parts = health()
    assert (status, parts["worker_age"], parts["beat_age"]) == (503, None, None)
    worker, beat = scene.worker(), scene.beat()
    wait_until(lambda: health()[0] == 200)
    scene.end(worker)
    wait_until(lambda: health()[0] == 503)
    status, parts = health()
    assert parts["ok"] is False and parts["broker"] is True and parts["database"] is True
    assert float(str(parts["worker_age"])) > 4 > float(str(parts["beat_age"]))
    scene.worker()
    wait_until(lambda: health()[0] == 200)
    scene.end(beat)
    wait_until(lambda: health()[0] == 503)
    scene.broker.stop()
    assert health()[1]["broker"] is False


def test_what_beat_wakes_never_piles_up() -> None:
    assert {"outbox.sweep", "heartbeat.worker", "reminders.scan", "reminders.morning"} <= set(BEAT)
    for entry in BEAT.values():
        assert entry["options"]["expires"] <= 86_400
        if isinstance(entry["schedule"], float):
            assert entry["options"]["expires"] <= max(entry["schedule"], 10)
