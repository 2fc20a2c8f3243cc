"""What is due and who is silent: the same for my day and for reminders."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from cityjobs.core.clock import today
from cityjobs.followups.queries import due_steps, silent_parcours, steps_due_by
from cityjobs.followups.rules import InterviewMode, StepState
from cityjobs.parcours.rules.lifecycle import AssignmentKind, Status
from tests.followups.conftest import Scene
from tests.world import World


def ids(world: World, select: sa.Select[*tuple[Any, ...]], column: str) -> list[Any]:
    world.session.rollback()
    return [getattr(row, column) for row in world.session.execute(select)]


def test_due_on_a_day_and_overdue_are_two_different_lists(scene: Scene, world: World) -> None:
    late, now, later = (world.step(scene.case, scene.samira, in_days=n) for n in (-1, 0, 1))
    assert ids(world, due_steps(today(), overdue=False), "step_id") == [now.id]
    assert ids(world, due_steps(today(), overdue=True), "step_id") == [late.id]
    assert ids(world, due_steps(today() + timedelta(days=1), overdue=False), "step_id") == [later.id]
    assert ids(world, steps_due_by(today()), "step_id") == [late.id, now.id]


def test_settled_steps_and_closed_parcours_are_not_due(scene: Scene, world: World) -> None:
    world.step(scene.case, scene.samira, in_days=0, state=StepState.DONE, settled_at=datetime.now(UTC))
    closed = world.case(scene.samira.cite, referent=scene.samira, status=Status.SORTI)
    world.step(closed, scene.samira, in_days=0)
    assert ids(world, due_steps(today(), overdue=False), "step_id") == []


def test_a_step_is_due_for_whoever_is_the_referent_now(scene: Scene, world: World) -> None:
    step = world.step(scene.case, scene.samira, in_days=0)
    nobodys = world.case(scene.samira.cite)
    alone = world.step(nobodys, scene.coordinator, in_days=0)
    everybody = due_steps(today(), overdue=False)
    found = {row.step_id: row.referent_id for row in world.session.execute(everybody)}
    assert found == {step.id: scene.samira.id, alone.id: None}
    assert ids(world, due_steps(today(), overdue=False, referent_id=scene.samira.id), "step_id") == [step.id]
    assert ids(world, due_steps(today(), overdue=False, referent_id=scene.other.id), "step_id") == []
    world.assign(scene.case.person, scene.case.parcours, scene.other, kind=AssignmentKind.CO_REFERENT)
    assert ids(world, due_steps(today(), overdue=False, referent_id=scene.other.id), "step_id") == [step.id]
    assert len(ids(world, everybody, "step_id")) == 2


@pytest.mark.parametrize(("days", "silent"), [(29, False), (30, True), (45, True)])
def test_silent_from_the_thirtieth_day_without_contact(
    scene: Scene, world: World, days: int, silent: bool
) -> None:
    world.interview(scene.case, scene.samira, days_ago=days)
    assert ids(world, silent_parcours(today()), "parcours_id") == ([scene.case.parcours.id] if silent else [])


def test_an_attempt_or_a_letter_is_not_a_contact(scene: Scene, world: World) -> None:
    world.interview(scene.case, scene.samira, days_ago=40)
    world.interview(scene.case, scene.samira, days_ago=2, reached=False)
    world.interview(scene.case, scene.samira, days_ago=2, mode=InterviewMode.COURRIER)
    world.interview(scene.case, scene.samira, days_ago=2, mode=InterviewMode.TIERS)
    row = world.session.execute(silent_parcours(today())).one()
    assert (row.parcours_id, row.since, row.referent_id) == (scene.case.parcours.id, 40, scene.samira.id)
    world.interview(scene.case, scene.samira, days_ago=1, mode=InterviewMode.SMS_MAIL)
    assert ids(world, silent_parcours(today()), "parcours_id") == []


def test_never_reached_counts_from_the_assignment(scene: Scene, world: World) -> None:
    assert ids(world, silent_parcours(today()), "parcours_id") == []
    old = world.case(scene.samira.cite, days_ago=90)
    world.assign(old.person, old.parcours, scene.samira, started_at=datetime.now(UTC) - timedelta(days=31))
    assert ids(world, silent_parcours(today()), "parcours_id") == [old.parcours.id]


def test_each_cite_has_its_own_patience_and_closed_or_waiting_parcours_are_not_silent(
    scene: Scene, world: World
) -> None:
    patient = world.cite("Maubeuge", silence_days=90)
    referent = world.member("referent", patient)
    world.interview(world.case(patient, referent=referent), referent, days_ago=50)
    closed = world.case(scene.samira.cite, referent=scene.samira, status=Status.SORTI, days_ago=200)
    world.interview(closed, scene.samira, days_ago=100)
    world.case(scene.samira.cite, days_ago=200)
    assert ids(world, silent_parcours(today()), "parcours_id") == []


def test_the_most_silent_comes_first(scene: Scene, world: World) -> None:
    others = [world.case(scene.samira.cite, referent=scene.samira) for _ in range(3)]
    for case, days in zip(others, (35, 55, 45), strict=True):
        world.interview(case, scene.samira, days_ago=days)
    silent = silent_parcours(today(), referent_id=scene.samira.id)
    assert [row.since for row in world.session.execute(silent)] == [55, 45, 35]
