"""The ledger as the coordinator sees it, and who may see its lines at all."""

import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from cityjobs.core.clock import now
from cityjobs.core.permissions import Role
from cityjobs.reminders.models import Reminder
from cityjobs.reminders.rules import ReminderRule, ReminderState
from tests.conftest import Databases
from tests.manners import PageClient
from tests.world import Case, Member, World

SignIn = Callable[[Any], PageClient]


@pytest.fixture
def claire(world: World) -> Member:
    return world.member(Role.COORDINATOR, world.cite())


@pytest.fixture
def samira(world: World, claire: Member) -> Member:
    return world.member(Role.REFERENT, claire.cite, first_name="Samira", last_name="Lahlou")


def line(world: World, case: Case, to: Member, state: str = "sent", **facts: Any) -> Reminder:
    reminder = Reminder(
        id=uuid.uuid4(), cite_id=case.person.cite_id, person_id=case.id, parcours_id=case.parcours.id,
        rule=ReminderRule.STEP_OVERDUE, subject_id=uuid.uuid4(), due_on=date(2026, 12, 1), recipient_id=to.id,
        state=ReminderState(state), settled_at=None if state in ("waiting", "sending") else now(), **facts,
    )  # fmt: skip
    world.keep(reminder)
    return reminder


def test_counts_lines_and_reasons(client_of: SignIn, world: World, claire: Member, samira: Member) -> None:
    case = world.case(claire.cite, referent=samira, first_name="Nadia", last_name="Lefebvre")
    for state in ("sent", "sent", "failed", "waiting"):
        line(world, case, samira, state)
    line(world, case, samira, "cancelled", cancelled_because="step_settled")
    calais = world.cite("Calais")
    line(world, world.case(calais, last_name="Ailleurs"), samira)
    client = client_of(claire)
    page = client.get("/coordination/rappels")
    text = page.main()
    assert "Tous 5" in text and "Envoyé 2" in text and "Échoué 1" in text and "En attente 1" in text
    assert "Des rappels n’ont pas pu partir." in text
    assert "Ce qui était à faire est déjà réglé" in text
    assert "À faire, en retard 1 0 2 1 1" in text
    assert "Nadia Lefebvre" in text and "Samira Lahlou" in text and "mar. 1er déc. 2026" in text
    assert "Ailleurs" not in text
    failed = client.get(page.links()["Échoué 1"])
    assert failed.main().count("Nadia Lefebvre") == 1


def test_an_empty_ledger_has_words(client_of: SignIn, claire: Member) -> None:
    text = client_of(claire).get("/coordination/rappels?etat=n-importe-quoi").main()
    assert "Rien n’a été rappelé, et rien n’attend." in text


def test_queries_are_constant(
    client_of: SignIn, world: World, claire: Member, samira: Member, count_queries: Any
) -> None:
    case = world.case(claire.cite, referent=samira)
    client = client_of(claire)
    counted, written = [], 0
    for total in (1, 20, 200):
        for _ in range(total - written):
            line(world, case, samira)
        written = total
        with count_queries() as statements:
            client.get("/coordination/rappels")
        counted.append(len(statements))
    assert len(set(counted)) == 1
    assert counted[0] <= 6


def test_a_line_is_seen_by_those_who_see_the_case(
    world: World, claire: Member, samira: Member, databases: Databases
) -> None:
    line(world, world.case(claire.cite, referent=samira), samira)
    other = world.member(Role.REFERENT, claire.cite)
    stranger = world.member(Role.COORDINATOR, world.cite("Calais"))
    chef = world.member(Role.CHEF_DE_FILE, claire.cite)
    seen = {}
    for name, member in {
        "claire": claire,
        "samira": samira,
        "other": other,
        "stranger": stranger,
        "chef": chef,
    }.items():
        told = {"user_id": member.id, "role": member.role, "cite_id": member.cite.id}
        with databases.connected_as("cityjobs_web", **told) as web:
            seen[name] = web.execute("select count(*) from reminder").fetchone()[0]  # type: ignore[index]
    assert seen == {"claire": 1, "samira": 1, "other": 0, "stranger": 0, "chef": 0}
