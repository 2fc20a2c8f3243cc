"""Valkey stopped, frozen, or swallowed by the network, while people work: nobody waits for it, nothing is lost."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.hosts.rig import Rig, wait_until
from tests.hosts.visitors import Crowd, Exchange, House, Journal, Visitor, percentile, settle_accounts
from tests.proofs.conftest import Proof

TEST = "broker away"
WRONG_PASSWORDS = 9


@contextmanager
def stopped(rig: Rig) -> Iterator[bool]:
    """Nobody listens."""
    rig.stop_broker()
    try:
        yield True
    finally:
        rig.start_broker()


@contextmanager
def frozen(rig: Rig) -> Iterator[bool]:
    """It accepts and answers nothing."""
    with rig.frozen_broker():
        yield True


@contextmanager
def swallowed(rig: Rig) -> Iterator[bool]:
    """What is sent to it disappears; only where hosts are namespaces."""
    done = rig.lan.cut("broker")
    try:
        yield done
    finally:
        rig.lan.mend("broker")


@pytest.mark.parametrize("away", [stopped, frozen, swallowed])
def test_nobody_waits_for_a_broker_that_is_away(
    rig: Rig, proof: Proof, away: Callable[[Rig], AbstractContextManager[bool]]
) -> None:
    manner = f"{away.__name__} {'two minutes' if proof.soaking else 'a few seconds'}"
    house = House(rig)
    family = rig.family()
    with Crowd(rig, house) as crowd:
        crowd.work(6, proof.times(quick=1, full=60))
        usual = list(crowd.journal.exchanges)
        mark = len(crowd.journal.exchanges)
        with away(rig) as is_away:
            if not is_away:
                assert not proof.soaking, (
                    "the whole proof is made as root: only so is the network of a host cut"
                )
                pytest.skip("the network of a host is cut only as root, with network namespaces")
            crowd.work(12, proof.times(quick=1, full=120))
            refusals = guess_passwords(rig, house)
            during = crowd.journal.exchanges[mark:]
    drained = wait_until(
        lambda: rig.unsettled() == 0 or rig.family().keys() != family.keys(),
        proof.times(quick=240, full=600),
        "the outbox does not empty itself",
    )
    assert rig.family().keys() == family.keys(), "a program ended with its broker"
    found = settle_accounts(rig, crowd.journal)
    served = sum(each.status < 500 for each in during) / len(during)
    seconds = [each.seconds for each in during]
    proof.at_least(TEST, f"{manner}: requests", len(during), proof.times(quick=5, full=500))
    proof.at_least(TEST, f"{manner}: requests that succeed", 100 * served, 99.9, "%")
    slower = 1000 * (
        percentile(times_of(publishing(during)), 0.5) - percentile(times_of(publishing(usual)), 0.5)
    )
    proof.at_most(TEST, f"{manner}: median over the usual one, of requests that publish", slower, 1000, "ms")
    if proof.soaking:  # beside other tests, a fifth of a second says nothing
        slower = 1000 * (percentile(seconds, 0.95) - percentile(times_of(usual), 0.95))
        proof.at_most(TEST, f"{manner}: p95 over the usual one", slower, 200, "ms")
    proof.at_most(TEST, f"{manner}: longest request", max(seconds), 5 if proof.soaking else 10, "s")
    proof.at_most(TEST, f"{manner}: events lost", len(found.lost) + len(found.letters_lost), 0)
    proof.at_most(TEST, f"{manner}: letters sent twice", len(found.letters_twice), 0)
    proof.at_most(TEST, f"{manner}: outbox empty after its return", drained, 600, "s")
    proof.at_least(TEST, f"{manner}: wrong passwords throttled all the same", refusals, 1)
    again = sum(family[name] != rig.family().get(name) for name in family)
    proof.at_most(TEST, f"{manner}: programs that had to be started again", again, 0)
    assert crowd.journal.broken == []


def publishing(exchanges: list[Exchange]) -> list[Exchange]:
    """Those that have a worker told of a letter."""
    ends = ("/attribuer", "/inviter")
    return [each for each in exchanges if each.method == "POST" and each.path.endswith(ends)]


def times_of(exchanges: list[Exchange]) -> list[float]:
    """In seconds."""
    return [each.seconds for each in exchanges]


def guess_passwords(rig: Rig, house: House) -> int:
    """Try wrong passwords at one host; how many tries were refused for being too many."""
    visitor = Visitor(rig, Journal(), 77)
    refused = 0
    for _ in range(WRONG_PASSWORDS):
        form = visitor.get("/connexion").form(holding="password")
        page = visitor.post(form, email=house.coordinator.user.email, password="Pas-Le-Bon-2026")
        assert page.status in (422, 429), page.text()[:300]
        refused += page.status == 429
    return refused
