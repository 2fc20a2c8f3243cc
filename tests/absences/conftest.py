"""Samira is away and Julien replaces her, or will; a way to move the database to another day."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import pytest

from tests.conftest import Databases
from tests.reminders.conftest import desk
from tests.world import Case, Member, World

__all__ = ["desk"]

NOW = "(now() at time zone 'Europe/Paris')::date"


@dataclass(frozen=True)
class Team:
    """Who works here, and a person of each."""

    samira: Member
    julien: Member
    other: Member
    coordinator: Member
    spotter: Member
    elsewhere: Member
    hers: Case
    seconded: Case
    his: Case
    others: Case


@pytest.fixture
def team(world: World) -> Team:
    """Samira follows one person and seconds another; Julien and a third colleague follow one each."""
    cite, calais = world.cite("Roubaix"), world.cite("Calais")
    samira = world.member("referent", cite, last_name="Lahlou")
    julien = world.member("referent", cite, first_name="Julien", last_name="Petit")
    other = world.member("referent", cite, first_name="Aude", last_name="Roy")
    seconded = world.case(cite, referent=other, first_name="Inès")
    world.assign(seconded.person, seconded.parcours, samira, kind="co_referent")
    return Team(
        samira=samira,
        julien=julien,
        other=other,
        coordinator=world.member("coordinator", cite, first_name="Claire"),
        spotter=world.member("spotter", cite),
        elsewhere=world.member("referent", calais, first_name="Zoé"),
        hers=world.case(cite, referent=samira, first_name="Nadia"),
        seconded=seconded,
        his=world.case(cite, referent=julien, first_name="Karim"),
        others=world.case(cite, referent=other, first_name="Moussa"),
    )


Days = Callable[[int], AbstractContextManager[None]]


@pytest.fixture
def days_later(databases: Databases) -> Days:
    """`with days_later(1):` the database believes that it is tomorrow."""

    def believe(day: str) -> None:
        databases.superuser.execute(
            "create or replace function app.today() returns date language sql stable set search_path = pg_catalog"
            f" as $$ select {day} $$"
        )

    @contextmanager
    def moved(days: int) -> Iterator[None]:
        believe(f"{NOW} + {days}")
        try:
            yield
        finally:
            believe(NOW)

    return moved
