"""Workers killed at any instant: no task is lost, nothing half-written shows, what kills them is set apart."""

import secrets
import time
import uuid
from datetime import date
from typing import Any

import pytest
from celery import Celery
from sqlalchemy.orm import Session

from cityjobs.core.outbox import MOST_DEATHS, Outgoing
from cityjobs.reporting.actions import COMPUTE
from cityjobs.reporting.models import ActivityReport
from tests.hosts.rig import WORKERS, Rig, wait_until
from tests.hosts.visitors import House, percentile
from tests.proofs.conftest import Proof
from tests.proofs.test_hosts import weigh_repeated

TEST = "worker crash"
HALF_WRITTEN = """
select count(*) from activity_report where
  (state = 'ready') <> (xlsx is not null and pdf is not null and figures is not null and ready_at is not null)
  or (state <> 'ready' and (xlsx is not null or pdf is not null or figures is not null))
"""


class Tasks:
    """Asks for letters and reports as pages do: a row, then a word to the broker."""

    def __init__(self, rig: Rig, house: House) -> None:
        self.rig, self.house = rig, house
        self.celery: Celery[Any] = Celery("tasks", broker=rig.environment("worker")["REDIS_URL"])
        self.celery.conf.broker_transport_options = {"global_keyprefix": "cityjobs:"}
        self.letters: list[str] = []
        self.reports: list[str] = []

    def letter(self, kind: str = "note", **facts: Any) -> str:
        """One more letter to send."""
        identifier = uuid.uuid4()
        with Session(self.rig.world_engine) as session:
            session.add(
                Outgoing(
                    id=identifier,
                    kind=kind,
                    dedupe_key=str(identifier),
                    recipient="a@nord.fr",
                    facts={},
                    **facts,
                )
            )
            session.commit()
        self.celery.send_task("outbox.deliver", (str(identifier),))
        if kind == "note":
            self.letters.append(str(identifier))
        return str(identifier)

    def report(self) -> None:
        """One more report to compute."""
        identifier = uuid.uuid4()
        with Session(self.rig.world_engine) as session:
            session.add(
                ActivityReport(
                    id=identifier,
                    cite_id=self.house.cite.id,
                    occasion=f"request:{identifier}",
                    period_start=date(2026, 1, 1),
                    period_end=date(2026, 1, 31),
                    as_of=date(2026, 2, 1),
                )
            )
            session.commit()
        self.celery.send_task(COMPUTE, (str(identifier),))
        self.reports.append(str(identifier))

    def unsettled(self) -> int:
        """How many are neither sent nor ready."""
        return self.rig.count(
            "select (select count(*) from outgoing where id::text = any(%(letters)s) and state <> 'sent')"
            " + (select count(*) from activity_report where id::text = any(%(reports)s) and state <> 'ready')",
            letters=self.letters,
            reports=self.reports,
        )

    def half_way(self) -> int:
        """How many are in somebody's hands at this instant."""
        return self.rig.count(
            "select (select count(*) from outgoing where state = 'sending')"
            " + (select count(*) from activity_report where state = 'computing')"
        )

    def seconds_taken(self) -> list[float]:
        """From being asked for to being settled, each."""
        rows = self.rig.ask(
            "select extract(epoch from settled_at - created_at) from outgoing where id::text = any(%(letters)s)"
            " union all select extract(epoch from ready_at - created_at) from activity_report"
            " where id::text = any(%(reports)s)",
            letters=self.letters,
            reports=self.reports,
        )
        return [float(row[0]) for row in rows]


MOST_FRUITLESS = 12
"""More kills when by chance none fell while a task was in hand."""


@pytest.fixture
def tasks(rig: Rig) -> Tasks:
    return Tasks(rig, House(rig, referents=1, cases=2))


def test_workers_killed_at_random_instants_lose_nothing(rig: Rig, tasks: Tasks, proof: Proof) -> None:
    wanted = proof.times(quick=3, full=200)
    kills = interrupted = half_written = 0
    while kills < wanted or (not interrupted and kills < wanted + MOST_FRUITLESS):
        turn, kills = kills, kills + 1
        worker = WORKERS[turn % 2]
        wait_until(lambda worker=worker: rig.listens(worker), 60, f"{worker}: {rig.said(worker)}")
        tasks.report()
        for _ in range(20):
            tasks.letter()
        time.sleep(secrets.randbelow(300) / 1000)
        rig.kill(worker)
        interrupted += tasks.half_way()
        half_written += rig.count(HALF_WRITTEN)
        rig.start(worker)
    wait_until(lambda: tasks.unsettled() == 0, proof.times(quick=60, full=900), "tasks that nobody takes")
    received = rig.received()
    twice = {letter for letter in tasks.letters if received[letter] > 1}
    proof.at_least(TEST, f"workers killed ({rig.lan.isolation})", kills, wanted)
    proof.at_least(TEST, "tasks in hand at the instant of a kill", interrupted, 1)
    proof.at_most(TEST, "tasks lost", tasks.unsettled(), 0)
    proof.at_most(TEST, "letters lost", sum(received[letter] == 0 for letter in tasks.letters), 0)
    weigh_repeated(TEST, proof, rig, twice, kills)
    proof.at_most(TEST, "half-written reports seen", half_written + rig.count(HALF_WRITTEN), 0)
    proof.at_most(TEST, "from asked to done, p95", percentile(tasks.seconds_taken(), 0.95), 300, "s")


def test_a_letter_that_kills_its_worker_is_set_apart_and_holds_nobody_up(
    rig: Rig, tasks: Tasks, proof: Proof
) -> None:
    died_before = 0 if proof.soaking else MOST_DEATHS - 2
    poison = tasks.letter("poison", deaths=died_before)
    restarts = 0
    began = time.monotonic()
    while state(rig, poison)["state"] not in ("failed", "sent", "cancelled"):
        assert time.monotonic() - began < proof.times(quick=90, full=1200), state(rig, poison)
        tasks.letter()
        for worker in WORKERS:
            if rig.programs[worker].poll() is not None:
                rig.start(worker)
                restarts += 1
        time.sleep(0.3)
    wait_until(lambda: tasks.unsettled() == 0, 120, "others")
    assert state(rig, poison)["state"] == "failed"
    proof.at_most(TEST, "deaths before a poisoned letter is set apart", state(rig, poison)["deaths"], 5)
    proof.at_least(TEST, "workers that it killed here", restarts, MOST_DEATHS - died_before)
    proof.at_most(TEST, "longest wait of another letter meanwhile", max(tasks.seconds_taken()), 60, "s")


def state(rig: Rig, letter: str) -> dict[str, Any]:
    """Where a letter stands."""
    found = rig.ask(
        "select jsonb_build_object('state', state, 'deaths', deaths) from outgoing where id::text = %(letter)s",
        letter=letter,
    )
    stands: dict[str, Any] = found[0][0]
    return stands
