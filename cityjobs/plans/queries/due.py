"""What falls due in a plan, and what a parcours that closes leaves open: found in what is kept, stored nowhere."""

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from cityjobs.core.db import Day, Who, acting, db
from cityjobs.diagnosis.models import Diagnosis
from cityjobs.parcours.models import Assignment, Parcours
from cityjobs.parcours.queries.following import is_followed_by, its_referent
from cityjobs.parcours.queries.present import is_open, its_person
from cityjobs.people.models import Person
from cityjobs.plans.models import Agreement, Etape, Goal
from cityjobs.plans.rules import EtapeStatus, GoalStatus

# Written out and not bound: the planner must recognise the condition of the partial indexes.
_IS_TO_DO = Etape.status.in_(
    [sa.literal_column(f"'{status}'") for status in (EtapeStatus.PREVUE, EtapeStatus.EN_COURS, EtapeStatus.EN_ATTENTE)]
)  # fmt: skip


def _of_open_parcours(
    model: Any, *columns: Any, referent_id: Who | None, on: Day
) -> sa.Select[*tuple[Any, ...]]:
    rows = (
        sa.select(
            *columns,
            model.parcours_id,
            model.person_id,
            model.cite_id,
            Person.first_name,
            Person.last_name,
            Assignment.referent_id,
        )
        .select_from(model)
        .join(Parcours, sa.and_(Parcours.id == model.parcours_id, Parcours.cite_id == model.cite_id))
        .join(Person, its_person)
        .outerjoin(Assignment, its_referent)
        .where(is_open)
    )
    if referent_id is None:
        return rows
    return rows.where(is_followed_by(referent_id, on))


def overdue_etapes(on: Day, *, referent_id: Who | None = None) -> sa.Select[*tuple[Any, ...]]:
    """Étapes of open parcours that should have been over before a day and are not.

    One row per étape: etape_id, label, type, status, planned_to, version, parcours_id, person_id, cite_id, first_name,
    last_name, referent_id (None when nobody is named). With `referent_id`: of whom this professional follows, also as
    co-référent.
    """
    columns = (
        Etape.id.label("etape_id"),
        Etape.label,
        Etape.type,
        Etape.status,
        Etape.planned_to,
        Etape.version,
    )
    rows = _of_open_parcours(Etape, *columns, referent_id=referent_id, on=on)
    return rows.where(_IS_TO_DO, Etape.planned_to < on).order_by(Etape.planned_to, Etape.created_at, Etape.id)


def agreements_to_review(on: Day, *, referent_id: Who | None = None) -> sa.Select[*tuple[Any, ...]]:
    """Agreements in force in open parcours whose review was due by a day.

    One row per agreement: agreement_id, number, agreed_on, review_on, version, parcours_id, person_id, cite_id,
    first_name, last_name, referent_id. With `referent_id`: of whom this professional follows, also as co-référent.
    """
    columns = (
        Agreement.id.label("agreement_id"),
        Agreement.number,
        Agreement.agreed_on,
        Agreement.review_on,
        Agreement.version,
    )
    rows = _of_open_parcours(Agreement, *columns, referent_id=referent_id, on=on)
    return rows.where(Agreement.ended_on.is_(None), Agreement.review_on <= on).order_by(
        Agreement.review_on, Agreement.id
    )


@dataclass(frozen=True)
class OpenThing:
    """An étape, a goal, an agreement or a version of the diagnosis that is not over; `on` is when it was to end, was agreed, or began."""

    kind: str
    id: uuid.UUID
    label: str
    status: str
    on: date | None


def open_things(parcours_id: uuid.UUID, *, to_change: bool = False) -> list[OpenThing]:
    """What is still open in a parcours: étapes, goals, the agreement, the version of its diagnosis, in one question.

    `to_change` first holds them against other writers.
    """
    mine = {"etape": (Etape, _IS_TO_DO), "goal": (Goal, Goal.status == GoalStatus.OPEN),
            "agreement": (Agreement, Agreement.ended_on.is_(None)),
            "diagnosis": (Diagnosis, Diagnosis.finished_on.is_(None))}  # fmt: skip
    if to_change:
        for model, is_open in mine.values():
            held: Any = model
            db.session.execute(
                sa.select(held.id)
                .where(held.parcours_id == parcours_id, is_open)
                .order_by(held.id)
                .with_for_update(key_share=True)
            ).close()
    said: dict[str, tuple[Any, ...]] = {
        "etape": (Etape.label, Etape.status, Etape.planned_to),
        "goal": (Goal.label, Goal.status, Goal.opened_on),
        "agreement": (sa.cast(Agreement.number, sa.Text), sa.literal("in_force"), Agreement.agreed_on),
        "diagnosis": (sa.cast(Diagnosis.number, sa.Text), sa.literal("open"), Diagnosis.opened_on),
    }
    parts = []
    for place, (kind, (model, is_open)) in enumerate(mine.items()):
        table: Any = model
        part = sa.select(
            sa.literal(place).label("place"), sa.literal(kind).label("kind"), table.id.label("id"),
            *(column.label(name) for column, name in zip(said[kind], ("label", "status", "on"), strict=True)),
        )  # fmt: skip
        parts.append(part.where(table.parcours_id == parcours_id, table.cite_id == acting().cite_id, is_open))
    found = sa.union_all(*parts).subquery()
    rows = db.session.execute(
        sa.select(found).order_by(found.c.place, found.c.on.nulls_last(), found.c.label, found.c.id)
    )
    return [OpenThing(row.kind, row.id, row.label, row.status, row.on) for row in rows]
