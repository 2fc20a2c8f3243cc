"""What the file shows of freins."""

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, get_template_attribute

from cityjobs.core.clock import today
from cityjobs.core.db import Actor, act_as, db
from cityjobs.core.permissions import Role
from cityjobs.diagnosis.queries import PresentFrein, freins_from, freins_question
from cityjobs.diagnosis.rules import FreinOwner, FreinStatus, Progress
from tests.diagnosis.test_pages import a_frein, a_version
from tests.world import Member, World


@pytest.fixture
def asking(app: Flask) -> Iterator[Callable[[Member], None]]:
    with app.test_request_context():
        yield lambda member: act_as(Actor(member.id, member.role.value, member.cite.id))
        db.session.rollback()


def freins_told(parcours_id: uuid.UUID) -> list[PresentFrein]:
    return freins_from(db.session.execute(freins_question(), {"parcours_id": parcours_id}).all())


def test_freins_come_with_what_became_of_them_in_one_question(
    world: World, asking: Callable[[Member], None], count_queries: Callable[[], Any]
) -> None:
    referent = world.member(Role.REFERENT, world.cite())
    case = world.case(referent.cite, referent=referent)
    a_version(
        world, case, referent, 1, today() - timedelta(20), mobilite=("identifie", 1), sante=("identifie", 2)
    )
    a_version(
        world, case, referent, 2, today() - timedelta(10), mobilite=("identifie", 3), sante=("identifie", 2)
    )
    a_version(world, case, referent, 3, None)
    a_frein(world, case, referent, "mobilite", severity=2)
    a_frein(world, case, referent, "sante", status=FreinStatus.LEVE, settled_on=today(), severity=2)
    a_frein(world, case, referent, "langue", is_priority=True, owner=FreinOwner.PARTNER)
    other = world.case(referent.cite, referent=referent)
    a_frein(world, other, referent, "logement")
    asking(referent)
    with count_queries() as statements:
        found = freins_told(case.parcours.id)
    assert len(statements) == 1
    assert [(each.code, each.progress, each.is_sensitive) for each in found] == [
        ("langue", Progress.APPEARED, False), ("mobilite", Progress.LIGHTER, False), ("sante", Progress.LIFTED, True),
    ]  # fmt: skip
    shown = get_template_attribute("diagnosis/parts.html", "freins")(found, case.id)
    for words in (
        "Maîtrise du français",
        "Priorité",
        "un partenaire",
        "allégé depuis le dernier diagnostic",
        "Sensible",
    ):
        assert words in shown
    assert "Aucun frein noté" in get_template_attribute("diagnosis/parts.html", "freins")([], case.id)


def test_a_colleague_and_another_cite_see_no_frein(world: World, asking: Callable[[Member], None]) -> None:
    referent = world.member(Role.REFERENT, world.cite())
    case = world.case(referent.cite, referent=referent)
    a_frein(world, case, referent)
    for member in (
        world.member(Role.REFERENT, referent.cite),
        world.member(Role.CHEF_DE_FILE, referent.cite),
        world.member(Role.COORDINATOR, world.cite("Calais")),
    ):
        asking(member)
        assert freins_told(case.parcours.id) == []
        db.session.rollback()
