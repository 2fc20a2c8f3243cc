"""What falls due, and what a closed parcours leaves open."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from cityjobs.core.clock import today
from cityjobs.core.db import Actor, act_as, db
from cityjobs.parcours.rules.lifecycle import AssignmentKind, Status
from cityjobs.plans.actions import close_etape, close_goal, end_agreement
from cityjobs.plans.models import Agreement, Etape, Goal
from cityjobs.plans.queries.due import agreements_to_review, open_things, overdue_etapes
from cityjobs.plans.queries.plan import find_plan
from cityjobs.plans.rules import EtapeStatus, GoalStatus
from tests.followups.conftest import Scene
from tests.plans import makers
from tests.world import World

LATE = today() - timedelta(days=1)


def ids(world: World, select: sa.Select[*tuple[Any, ...]], column: str) -> list[Any]:
    world.session.rollback()
    return [getattr(row, column) for row in world.session.execute(select)]


@pytest.mark.parametrize("status", EtapeStatus)
def test_an_open_etape_is_late_the_day_after(scene: Scene, world: World, status: EtapeStatus) -> None:
    etape = makers.etape(world, scene.case, status=status, planned_to=LATE)
    makers.etape(world, scene.case, status=status, planned_to=today())
    makers.etape(world, scene.case, status=status)
    is_open = status in (EtapeStatus.PREVUE, EtapeStatus.EN_COURS, EtapeStatus.EN_ATTENTE)
    assert ids(world, overdue_etapes(today()), "etape_id") == ([etape.id] if is_open else [])


def test_what_is_late_is_of_whoever_follows(scene: Scene, world: World) -> None:
    etape = makers.etape(world, scene.case, planned_to=LATE)
    held = makers.agreement(
        world, scene.case, scene.samira, makers.goal(world, scene.case), review_on=today()
    )
    alone, closed = (
        world.case(scene.samira.cite),
        world.case(scene.samira.cite, referent=scene.samira, status=Status.SORTI),
    )
    nobodys = makers.etape(world, alone, planned_to=LATE - timedelta(days=1))
    makers.etape(world, closed, planned_to=LATE)
    makers.agreement(world, closed, scene.samira, makers.goal(world, closed), review_on=today())
    found = {row.etape_id: row.referent_id for row in world.session.execute(overdue_etapes(today()))}
    assert found == {nobodys.id: None, etape.id: scene.samira.id}
    for select, column, mine in (
        (overdue_etapes, "etape_id", etape.id),
        (agreements_to_review, "agreement_id", held.id),
    ):
        assert ids(world, select(today(), referent_id=scene.samira.id), column) == [mine]
        assert ids(world, select(today(), referent_id=scene.other.id), column) == []
    world.assign(scene.case.person, scene.case.parcours, scene.other, kind=AssignmentKind.CO_REFERENT)
    assert ids(world, overdue_etapes(today(), referent_id=scene.other.id), "etape_id") == [etape.id]


def test_an_agreement_is_looked_at_from_its_day_while_it_holds(scene: Scene, world: World) -> None:
    goal = makers.goal(world, scene.case)
    held = makers.agreement(
        world, scene.case, scene.samira, goal, number=2, review_on=today() + timedelta(days=1)
    )
    makers.agreement(world, scene.case, scene.samira, goal, review_on=today(), ended_on=today())
    assert ids(world, agreements_to_review(today()), "agreement_id") == []
    assert ids(world, agreements_to_review(today() + timedelta(days=1)), "agreement_id") == [held.id]


def test_an_etape_of_several_goals_is_counted_once(as_worker: Flask, scene: Scene, world: World) -> None:
    about = makers.frein(world, scene.case)
    goals = [makers.goal(world, scene.case, about) for _ in range(3)]
    makers.etape(world, scene.case, *goals, planned_to=LATE)
    makers.etape(world, scene.case, goals[0], status=EtapeStatus.REALISEE)
    makers.etape(world, scene.case, status=EtapeStatus.ANNULEE)
    another = world.case(scene.samira.cite, referent=scene.samira)
    makers.etape(world, another, makers.goal(world, another))
    with as_worker.app_context():
        act_as(Actor(scene.samira.id, "referent", scene.samira.cite.id))
        plan = find_plan(scene.case.parcours.id)
    assert (plan.progress, plan.late, len(plan.etapes), len(plan.goals)) == ((1, 2), 1, 3, 3)
    assert [len(goal.etapes) for goal in plan.goals] == [2, 1, 1]
    assert plan.goals[0].progress == (1, 2) and len(plan.loose) == 1


def test_each_thing_left_open_is_closed_by_one_decision(as_worker: Flask, scene: Scene, world: World) -> None:
    goals = [makers.goal(world, scene.case) for _ in range(2)]
    for status in EtapeStatus:
        for _ in range(2):
            makers.etape(world, scene.case, status=status)
    makers.agreement(world, scene.case, scene.samira, *goals)
    with as_worker.app_context():
        act_as(Actor(scene.samira.id, "referent", scene.samira.cite.id))
        key, exit_on = scene.case.parcours.id, today() - timedelta(days=7)
        left = open_things(key, to_change=True)
        assert [each.kind for each in left] == ["etape"] * 6 + ["goal"] * 2 + ["agreement"]
        for place, each in enumerate(left):
            if each.kind == "etape":
                close_etape(
                    db.session.get_one(Etape, each.id), done=place % 2 == 0, on=exit_on, today=today()
                )
            elif each.kind == "goal":
                close_goal(db.session.get_one(Goal, each.id), reached=place % 2 == 0, on=exit_on)
            else:
                end_agreement(db.session.get_one(Agreement, each.id), on=exit_on)
        db.session.commit()
        assert open_things(key) == []
    world.session.expire_all()
    assert {goal.status for goal in goals} == {GoalStatus.REACHED, GoalStatus.DROPPED}
