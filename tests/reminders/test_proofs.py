"""With a real worker over a real Valkey: nothing is lost, nothing is sent twice."""

import signal
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from cityjobs.core.db import SYSTEM, act_as, transaction
from cityjobs.core.outbox import Outgoing
from cityjobs.core.permissions import Role
from cityjobs.reminders.actions import queue_morning_letters, write_due_lines
from cityjobs.reminders.models import Reminder
from tests.conftest import Databases
from tests.core.processes import Stage, forget_connections, stage, wait_until
from tests.reminders.conftest import morning_of, worked
from tests.world import World


@pytest.fixture
def scene(databases: Databases) -> Iterator[Stage]:
    with stage(databases) as built:
        yield built


@pytest.fixture
def house(scene: Stage) -> Iterator[Flask]:
    app = scene.application("worker")
    yield app
    forget_connections(app)


def remind_somebody(scene: Stage, house: Flask, steps: int = 1) -> str:
    """Steps for the next working day, their lines and the letter that must leave, as beat would do it."""
    world = World(scene.databases.worker_engine)
    samira = world.member(Role.REFERENT, world.cite())
    for _ in range(steps):
        case = world.case(samira.cite, referent=samira)
        world.step(case, samira, in_days=0, title="Rappeler")
    with world.session as session:
        session.execute(sa.text("update next_step set due_on = :day"), {"day": worked(1)})
        session.commit()
    at = morning_of(worked(0))
    with house.app_context():
        act_as(SYSTEM)
        with transaction():
            write_due_lines(at)
            (letter,) = queue_morning_letters(at)
    return str(letter)


def states(scene: Stage) -> set[str]:
    with Session(scene.databases.worker_engine) as session:
        return {str(state) for state in session.scalars(sa.select(Reminder.state))}


def letter_state(scene: Stage) -> str:
    with Session(scene.databases.worker_engine) as session:
        return str(session.scalars(sa.select(Outgoing.state)).one())


def test_the_same_task_delivered_ten_times_sends_once(scene: Stage, house: Flask) -> None:
    letter = remind_somebody(scene, house, steps=3)
    celery = house.extensions["celery"]
    for _ in range(9):
        celery.send_task("outbox.deliver", (letter,))
    scene.worker("wsgi")
    wait_until(lambda: states(scene) == {"sent"})
    with celery.connection_for_read() as connection:
        queue = connection.default_channel
        wait_until(
            lambda: queue.client.llen("cityjobs:celery") == 0 and queue.client.hlen("cityjobs:unacked") == 0
        )
    assert len(scene.mail.letters) == 1
    assert scene.mail.reached == 1


def test_a_worker_killed_between_claim_and_send_loses_nothing(scene: Stage, house: Flask) -> None:
    scene.mail.stuck = True
    remind_somebody(scene, house, steps=2)
    worker = scene.worker()
    wait_until(lambda: scene.mail.reached == 1)
    assert (letter_state(scene), states(scene)) == ("sending", {"sending"})
    scene.end(worker, signal.SIGKILL)
    scene.mail.stuck = False
    assert scene.mail.letters == []
    assert (letter_state(scene), states(scene)) == ("sending", {"sending"})
    scene.worker()
    scene.beat()
    wait_until(lambda: states(scene) == {"sent"})
    assert letter_state(scene) == "sent"
    time.sleep(2.5)  # beat sweeps twice more
    assert len(scene.mail.letters) == 1


def test_a_beat_and_a_worker_that_wake_late_catch_up_once(scene: Stage, house: Flask) -> None:
    """Queued while nobody ran, overdue since: the sweep and the scan find it, each many times, and it leaves once."""
    remind_somebody(scene, house)
    house.extensions["celery"].control.purge()  # whatever the broker held is forgotten
    with Session(scene.databases.worker_engine) as session:
        three_days = timedelta(days=3)
        session.execute(
            sa.update(Outgoing).values(
                created_at=Outgoing.created_at - three_days, not_before=Outgoing.not_before - three_days
            )
        )
        session.commit()
    scene.beat()
    scene.worker()
    wait_until(lambda: letter_state(scene) == "sent")
    time.sleep(2.5)
    assert len(scene.mail.letters) == 1
    assert states(scene) == {"sent"}
