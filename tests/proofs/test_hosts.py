"""Several hosts: a web host and a worker die during a load of writes; nothing said to be saved is lost, no letter leaves twice."""

import time

import pytest

from tests.hosts.rig import WEBS, WORKERS, Rig, wait_until
from tests.hosts.visitors import Crowd, House, settle_accounts
from tests.proofs.conftest import Proof

pytestmark = pytest.mark.xdist_group("hosts")
TEST = "several hosts"
PAUSE = 0.5


def test_a_web_host_and_a_worker_die_under_a_load_of_writes(rig: Rig, proof: Proof) -> None:
    """Two beats all along: what the second one wakes does no harm."""
    rounds = proof.times(quick=1, full=40)
    house = House(rig)
    rig.start("beat-2")
    in_doubt: set[str] = set()
    green = 0
    try:
        with Crowd(rig, house) as crowd:
            for turn in range(rounds):
                crowd.work(4)
                web, worker = WEBS[turn % 2], WORKERS[turn % 2]
                rig.kill(web)
                rig.kill(worker)
                in_doubt |= doubtful(rig)
                green += rig.health(WEBS[1 - turn % 2])[0] == 200
                crowd.work(4, PAUSE)
                rig.start(web)
                rig.start(worker)
                wait_until(lambda web=web: rig.answers(web), 60, rig.said(web))
            crowd.work(4)
        wait_until(lambda: rig.unsettled() == 0, 120, "letters that wait")
    finally:
        rig.remove("beat-2")
    found = settle_accounts(rig, crowd.journal)
    proof.at_least(TEST, f"acknowledged writes ({rig.lan.isolation})", found.acknowledged, 10)
    proof.at_most(TEST, "acknowledged writes lost", len(found.lost), 0)
    proof.at_most(TEST, "writes done twice", len(found.twice), 0)
    proof.at_most(TEST, "letters lost", len(found.letters_lost), 0)
    proof.at_most(TEST, "letters sent twice", len(set(found.letters_twice) - in_doubt), 0)
    proof.at_most(
        TEST,
        "letters whose worker died between sending and saying so, sent again",
        len(set(found.letters_twice) & in_doubt),
        rounds,
    )
    refused = [each for each in crowd.journal.exchanges if each.status >= 500]
    proof.at_most(TEST, "pages in error while the other host was up", len(refused), 0)
    proof.at_least(TEST, "times the health page was green with one worker left", green, rounds)
    assert crowd.journal.broken == []


def doubtful(rig: Rig) -> set[str]:
    """Letters that were taken by the mail host and that nobody alive is about to write down."""
    first = rig.letters_in_doubt()
    if not first:
        return first
    time.sleep(0.5)
    return first & rig.letters_in_doubt()
