"""A page asks as many questions with 200 persons as with one, and six at most."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from cityjobs.core.clock import today
from cityjobs.territory.models import Cite
from tests.manners import PageClient
from tests.proofs.conftest import Proof
from tests.world import Case, Member, World

MOST = 6
AMOUNTS = (1, 20, 200)
ClientOf = Callable[[Member], PageClient]
PAGES = {
    "list of 25": ("referent", "/personnes"),
    "list of 50": ("coordinator", "/personnes?par=50"),
    "search": ("referent", "/personnes?q=Lefevbre"),
    "file": ("referent", "/personnes/{first}"),
    "Ma journée": ("referent", "/ma-journee"),
    "what is overdue": ("referent", "/ma-journee/en-retard"),
    "coordination board": ("coordinator", "/coordination"),
    "pilotage": ("chef_de_file", "/pilotage"),
    "rows behind a figure": ("chef_de_file", "/pilotage/lignes?figure=ind_file_active"),
}


class Town:
    """A Cité that grows; everybody in it also works elsewhere, which a menu of the page tells."""

    def __init__(self, world: World) -> None:
        self.world, self.cite = world, world.cite("Roubaix")
        elsewhere: Cite = world.cite("Tourcoing")
        self.staff: dict[str, Member] = {}
        for role in ("referent", "coordinator", "chef_de_file"):
            self.staff[role] = world.member(role, self.cite)
            world.also(self.staff[role].user, role, elsewhere)
        self.cases: list[Case] = []

    def grow_to(self, amount: int) -> None:
        """As many persons, exchanges and steps as that, half of the persons without a référent but for the first."""
        referent = self.staff["referent"]
        while len(self.cases) < amount:
            number = len(self.cases)
            case = self.world.case(self.cite, referent=None if number % 2 else referent)
            self.cases.append(case)
            self.world.step(case, referent, in_days=-(number % 3))
            self.world.interview(self.cases[0], referent, days_ago=number % 50)
            if number % 4 == 0:
                self.world.interview(case, referent, days_ago=50)


@pytest.fixture
def town(world: World) -> Town:
    """Still empty."""
    return Town(world)


def test_pages_ask_as_much_of_one_person_as_of_200(
    town: Town, client_of: ClientOf, count_queries: Callable[[], Any], proof: Proof
) -> None:
    clients = {role: client_of(member) for role, member in town.staff.items()}
    counted: dict[str, list[int]] = {page: [] for page in PAGES}
    for amount in AMOUNTS:
        town.grow_to(amount)
        for page, (role, path) in PAGES.items():
            with count_queries() as statements:
                clients[role].get(path.format(first=town.cases[0].id))
            counted[page].append(len(statements))
    for page, counts in counted.items():
        proof.at_most("queries", f"{page}: queries at 200 rows less those at 1", max(counts) - min(counts), 0)
        proof.at_most("queries", f"{page}: queries", max(counts), MOST)


def test_noting_an_exchange_asks_as_much_in_a_thick_file_as_in_a_thin_one(
    town: Town, client_of: ClientOf, count_queries: Callable[[], Any], proof: Proof
) -> None:
    client = client_of(town.staff["referent"])
    counts = []
    for amount in (AMOUNTS[0], *AMOUNTS):  # the first time, words to be read again are fetched for a minute
        town.grow_to(amount)
        path = f"/personnes/{town.cases[0].id}"
        form = client.get(path).form(f"{path}/entretiens/nouveau")
        answers = {"interview": str(uuid4()), "synthesis": "Point fait.", "held_on": today().isoformat()}
        with count_queries() as statements:
            client.submit(form, **answers)
        counts.append(len(statements))
    proof.at_most(
        "queries",
        "logging a follow-up: queries at 200 rows less those at 1",
        max(counts[1:]) - min(counts[1:]),
        0,
    )
    proof.at_most("queries", "logging a follow-up: queries", max(counts), MOST)
