"""Several hosts: a web host and a worker die during a load of writes; nothing said to be saved is lost, no letter leaves twice."""

from tests.hosts.rig import THREADS, WEBS, WORKERS, Rig, wait_until
from tests.hosts.visitors import Crowd, House, settle_accounts
from tests.proofs.conftest import Proof

TEST = "several hosts"
PAUSE = 0.5


def test_a_web_host_and_a_worker_die_under_a_load_of_writes(rig: Rig, proof: Proof) -> None:
    """Two beats all along: what the second one wakes does no harm."""
    rounds = proof.times(quick=1, full=40)
    house = House(rig)
    rig.start("beat-2")
    green = 0
    try:
        with Crowd(rig, house) as crowd:
            for turn in range(rounds):
                crowd.work(4)
                web, worker = WEBS[turn % 2], WORKERS[turn % 2]
                rig.kill(web)
                rig.kill(worker)
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
    weigh_repeated(TEST, proof, rig, set(found.letters_twice), rounds)
    refused = [each for each in crowd.journal.exchanges if each.status >= 500]
    proof.at_most(TEST, "pages in error while the other host was up", len(refused), 0)
    proof.at_least(TEST, "times the health page was green with one worker left", green, rounds)
    assert crowd.journal.broken == []


def weigh_repeated(test: str, proof: Proof, rig: Rig, repeated: set[str], kills: int) -> None:
    """A letter leaves once, and once more for each worker that died with it in hand.

    No protocol tells whether it was taken: between the server's word and its being written down, nobody can know.
    """
    received, deaths = rig.received(), rig.deaths()
    unexplained = [one for one in repeated if received[one] > 1 + deaths.get(one, 0)]
    proof.at_most(test, "letters sent twice", len(unexplained), 0)
    what = "letters whose worker was killed between sending and saying so, sent again"
    proof.at_most(test, what, len(repeated) - len(unexplained), kills * THREADS)
