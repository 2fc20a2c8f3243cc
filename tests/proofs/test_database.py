"""PostgreSQL dies under load and comes back: nothing saved is lost, nobody restarts anything, no list is empty."""

import signal
import time

from tests.hosts.rig import WEBS, Rig, wait_until
from tests.hosts.visitors import Crowd, House, Journal, Visitor, settle_accounts
from tests.proofs.conftest import Proof

TEST = "database restart"
DOWN = 1.0
STUCK = """
select count(*) from pg_stat_activity where application_name like 'cityjobs-%%'
  and (state like 'idle in transaction%%' and state_change < now() - interval '5 seconds'
       or state = 'active' and query_start < now() - interval '5 seconds')
"""
MANNERS = {"asked to stop at once": signal.SIGQUIT, "killed": signal.SIGKILL}


def test_the_database_dies_under_load_and_comes_back(rig: Rig, proof: Proof) -> None:
    house = House(rig)
    family = rig.family()
    longest = 0.0
    with Crowd(rig, house) as crowd:
        for manner in list(MANNERS) * proof.times(quick=1, full=5):
            crowd.work(5, proof.times(quick=0, full=20))
            began = time.time()
            rig.stop_database(MANNERS[manner])
            time.sleep(DOWN)
            rig.start_database()
            wait_until(lambda began=began: is_back(crowd.journal, began), 60, "the pages do not come back")
            crowd.work(3, proof.times(quick=0, full=20))
            failed = [each.at for each in crowd.journal.exchanges if each.status >= 500 and each.at > began]
            longest = max([longest, *(at - began for at in failed)])
    wait_until(lambda: rig.unsettled() == 0, 180, "letters that wait")
    wait_until(lambda: rig.health(WEBS[0])[0] == 200, 60, str(rig.health(WEBS[0])))
    found = settle_accounts(rig, crowd.journal)
    proof.at_least(TEST, f"acknowledged writes ({rig.lan.isolation})", found.acknowledged, 10)
    proof.at_least(TEST, "pages that said that the database was away", count_away(crowd.journal), 1)
    proof.at_most(TEST, "from its death to the last page in error", longest, 30, "s")
    proof.at_most(TEST, "database errors shown as an empty list", len(crowd.journal.broken), 0)
    proof.at_most(TEST, "acknowledged writes lost", len(found.lost), 0)
    proof.at_most(TEST, "writes done twice", len(found.twice), 0)
    proof.at_most(TEST, "letters lost", len(found.letters_lost), 0)
    proof.at_most(TEST, "letters sent twice", len(found.letters_twice), 0)
    proof.at_most(
        TEST, "errors that are not « away »", sum(e.status == 500 for e in crowd.journal.exchanges), 0
    )
    proof.at_most(TEST, "connections stuck afterwards", rig.count(STUCK), 0)
    proof.at_most(
        TEST,
        "programs that had to be started again",
        sum(family[n] != rig.family().get(n) for n in family),
        0,
    )


def is_back(journal: Journal, since: float) -> bool:
    """Whether ten requests in a row have been answered since."""
    last = journal.exchanges[-10:]
    return len(last) == 10 and all(each.at > since and 200 <= each.status < 500 for each in last)


def count_away(journal: Journal) -> int:
    """How many pages said 503."""
    return sum(each.status == 503 for each in journal.exchanges)


def test_connections_that_died_while_nobody_worked_are_not_used(rig: Rig, proof: Proof) -> None:
    """A restart at night: the first page of the morning is a page."""
    house = House(rig, referents=1)
    journal = Journal()
    visitors = [Visitor(rig, journal, number) for number in range(len(WEBS))]
    for visitor in visitors:
        visitor.sign_in(house.referents[0])
        visitor.get_surely("/personnes")
    rig.stop_database(signal.SIGINT)
    rig.start_database()
    mark = len(journal.exchanges)
    name = house.cases[house.referents[0].id][0].person.last_name
    for visitor in visitors:
        for _ in range(3):
            visitor.get("/personnes", expecting=name)
    refused = [each for each in journal.exchanges[mark:] if each.status != 200]
    proof.at_most(TEST, "pages in error after a restart while nobody worked", len(refused), 0)
    assert journal.broken == []
