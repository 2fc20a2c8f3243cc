"""One goal or one étape, through whoever it is about; what their forms offer; what may be settled with the last étape."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from cityjobs.core.db import acting, db
from cityjobs.diagnosis.models import Frein
from cityjobs.diagnosis.rules import PRESENT_STATUSES, FreinStatus
from cityjobs.parcours.models import Parcours
from cityjobs.people.models import Person
from cityjobs.plans.models import Etape, EtapeGoal, Goal
from cityjobs.plans.rules import EtapeStatus, GoalStatus, is_ready_to_settle
from cityjobs.territory.models import Organisation
from cityjobs.territory.queries import is_in_collective, shown_name_of
from cityjobs.territory.rules import SEES_SENSITIVE
from cityjobs.vocabulary.queries import item_of
from cityjobs.vocabulary.rules import ListName


def find_goal(
    person_id: uuid.UUID, goal_id: uuid.UUID, *, to_change: bool = False
) -> tuple[Person, Parcours, Goal] | None:
    """A goal of this very person with its parcours; None when out of sight. `to_change` makes writers wait."""
    return _through_person(Goal, person_id, goal_id, to_change=to_change)


def find_etape(
    person_id: uuid.UUID, etape_id: uuid.UUID, *, to_change: bool = False
) -> tuple[Person, Parcours, Etape] | None:
    """An étape of this very person with its parcours; None when out of sight. `to_change` makes writers wait."""
    return _through_person(Etape, person_id, etape_id, to_change=to_change)


def _through_person(
    model: Any, person_id: uuid.UUID, part_id: uuid.UUID, *, to_change: bool
) -> tuple[Any, Any, Any] | None:
    of_person = sa.and_(Parcours.person_id == Person.id, Parcours.cite_id == Person.cite_id)
    of_parcours = sa.and_(model.parcours_id == Parcours.id, model.cite_id == Parcours.cite_id)
    wanted = (
        sa.select(Person, Parcours, model)
        .select_from(Person)
        .join(Parcours, of_person)
        .join(model, of_parcours)
        .where(Person.id == person_id, Person.cite_id == acting().cite_id, model.id == part_id)
    )
    held = wanted.with_for_update(of=model, key_share=True) if to_change else wanted
    row = db.session.execute(held).one_or_none()
    return (row[0], row[1], row[2]) if row else None


@dataclass(frozen=True)
class Choice:
    """A line that a form offers: a goal, a frein, a partner, a kept plan."""

    code: str
    label: str
    is_active: bool = True
    parent: str | None = None


def goals_to_choose(
    parcours_id: uuid.UUID, etape_id: uuid.UUID | None = None
) -> tuple[list[Choice], list[str]]:
    """The goals of a parcours, those settled no longer offered; and the identifiers of those an étape serves."""
    serves = (
        sa.select(EtapeGoal.etape_id)
        .where(EtapeGoal.goal_id == Goal.id, EtapeGoal.etape_id == etape_id)
        .correlate(Goal)
        .exists()
    )
    rows = db.session.execute(
        sa.select(Goal.id, Goal.label, Goal.status, serves)
        .where(Goal.parcours_id == parcours_id, Goal.cite_id == acting().cite_id)
        .order_by(Goal.created_at, Goal.id)
    ).all()
    choices = [Choice(str(row.id), row.label, row.status == GoalStatus.OPEN) for row in rows]
    return choices, [str(row.id) for row in rows if row[3]]


def partners_to_choose(kept: uuid.UUID | None = None) -> list[Choice]:
    """The organisations of the collective, by name.

    Whoever may not read the names of sensitive ones is not offered them, but keeps the one already chosen.
    """
    shown = shown_name_of(Organisation)
    chosen = is_in_collective(acting().cite_id)  # type: ignore[arg-type]
    if acting().role not in SEES_SENSITIVE:
        chosen = sa.and_(chosen, sa.not_(Organisation.is_sensitive))
    rows = db.session.execute(
        sa.select(Organisation.id, shown, chosen)
        .where(sa.or_(chosen, Organisation.id == kept))
        .order_by(sa.func.app.fold(shown), Organisation.id)
    )
    return [Choice(str(row[0]), row[1], bool(row[2])) for row in rows]


@dataclass(frozen=True)
class Endings:
    """What may be settled when an étape ends: goals and freins that nothing else is open for."""

    goals: tuple[Choice, ...] = ()
    freins: tuple[Choice, ...] = ()


def endings_of(etape: Etape) -> Endings:
    """The goals that an étape serves, and their freins, when all their other étapes are over: one question."""
    mine = sa.select(EtapeGoal.goal_id).where(EtapeGoal.etape_id == etape.id)
    goal, other = aliased(Goal), aliased(Etape)
    frein_item, of_frein = item_of(Frein.code, ListName.FREIN)
    about = sa.select(Goal.frein_id).where(Goal.id.in_(mine), Goal.frein_id.is_not(None))
    rows = db.session.execute(
        sa.select(
            goal.id, goal.label, goal.status, goal.id.in_(mine), Frein.id, Frein.status, frein_item.label, other.id, other.status
        )
        .select_from(goal)
        .outerjoin(Frein, Frein.id == goal.frein_id)
        .outerjoin(frein_item, of_frein)
        .outerjoin(EtapeGoal, EtapeGoal.goal_id == goal.id)
        .outerjoin(other, other.id == EtapeGoal.etape_id)
        .where(
            goal.parcours_id == etape.parcours_id,
            goal.cite_id == acting().cite_id,
            sa.or_(goal.id.in_(mine), goal.frein_id.in_(about)),
        )
        .order_by(goal.created_at, goal.id)
    ).all()  # fmt: skip
    goals: dict[uuid.UUID, Choice] = {}
    freins: dict[uuid.UUID, Choice] = {}
    around_goal: dict[uuid.UUID, set[EtapeStatus]] = {}
    around_frein: dict[uuid.UUID, set[EtapeStatus]] = {}
    for goal_id, label, status, is_mine, frein_id, frein_status, frein_label, other_id, other_status in rows:
        others = {EtapeStatus(other_status)} if other_id and other_id != etape.id else set()
        if is_mine and status == GoalStatus.OPEN:
            goals.setdefault(goal_id, Choice(str(goal_id), label))
        around_goal.setdefault(goal_id, set()).update(others)
        if frein_id and FreinStatus(frein_status) in PRESENT_STATUSES:
            freins.setdefault(frein_id, Choice(str(frein_id), frein_label))
            around_frein.setdefault(frein_id, set()).update(others)
    return Endings(
        tuple(each for key, each in goals.items() if is_ready_to_settle(around_goal[key])),
        tuple(each for key, each in freins.items() if is_ready_to_settle(around_frein[key])),
    )


def goals_held(parcours_id: uuid.UUID, goal_ids: Iterable[uuid.UUID]) -> Sequence[Goal]:
    """Some open goals of a parcours, held against other writers."""
    return db.session.scalars(
        sa.select(Goal)
        .where(
            Goal.parcours_id == parcours_id,
            Goal.cite_id == acting().cite_id,
            Goal.status == GoalStatus.OPEN,
            Goal.id.in_(list(goal_ids)),
        )
        .order_by(Goal.created_at, Goal.id)
        .with_for_update(key_share=True)
    ).all()


def freins_held(parcours_id: uuid.UUID, frein_ids: Iterable[uuid.UUID]) -> Sequence[Frein]:
    """Some freins of a parcours, held against other writers."""
    return db.session.scalars(
        sa.select(Frein)
        .where(Frein.parcours_id == parcours_id, Frein.cite_id == acting().cite_id, Frein.id.in_(list(frein_ids)))
        .order_by(Frein.id)
        .with_for_update(key_share=True)
    ).all()  # fmt: skip


def links_of(etape_id: uuid.UUID) -> Sequence[EtapeGoal]:
    """Which goals an étape serves, as rows to change."""
    return db.session.scalars(sa.select(EtapeGoal).where(EtapeGoal.etape_id == etape_id)).all()
