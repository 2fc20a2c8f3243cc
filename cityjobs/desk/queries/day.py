"""« Ma journée »: what waits for whoever asks, in queues."""

import enum
import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from cityjobs.accounts.models import Draft
from cityjobs.core.clock import now
from cityjobs.core.db import acting, db
from cityjobs.core.web import Page
from cityjobs.followups.models import Interview, NextStep
from cityjobs.followups.queries import (
    due_steps,
    silent_parcours,
    steps_due_by,
)
from cityjobs.parcours.models import Assignment, Parcours, Spotting
from cityjobs.parcours.rules.lifecycle import CLOSED_STATUSES
from cityjobs.people.models import Person
from cityjobs.territory.models import Cite

NEW_LASTS = timedelta(days=7)
SHOWN_AT_ONCE = 8


class Queue(enum.StrEnum):
    """One queue, as in its URL."""

    TODAY = "aujourd-hui"
    OVERDUE = "en-retard"
    NEW = "nouvelles"
    SILENT = "sans-contact"


@dataclass(frozen=True)
class Setting:
    """How many persons whoever asks accompanies, and after how many days silence is told."""

    followed: int
    silence_days: int


def _me() -> uuid.UUID:
    return acting().user_id or uuid.UUID(int=0)


def find_setting() -> Setting:
    """Both in one query."""
    followed = (
        sa.select(sa.func.count(sa.distinct(Parcours.person_id)))
        .join(Assignment, Assignment.parcours_id == Parcours.id)
        .where(
            Assignment.referent_id == _me(),
            Assignment.ended_at.is_(None),
            Assignment.cite_id == acting().cite_id,
            Parcours.status.not_in(CLOSED_STATUSES),
        )
        .scalar_subquery()
    )
    row = db.session.execute(
        sa.select(followed, Cite.silence_days).where(Cite.id == acting().cite_id)
    ).one_or_none()
    return Setting(*row) if row else Setting(0, 30)


def select_queue(queue: Queue, on: date) -> sa.Select[*tuple[Any, ...]]:
    """The rows of one queue of whoever asks, in the Cité being worked in."""
    if queue is Queue.NEW:
        return new_with(_me())
    if queue is Queue.SILENT:
        return silent_parcours(on, referent_id=_me()).where(Parcours.cite_id == acting().cite_id)
    due = due_steps(on, overdue=queue is Queue.OVERDUE, referent_id=_me())
    return due.where(NextStep.cite_id == acting().cite_id)


def new_with(referent_id: uuid.UUID) -> sa.Select[*tuple[Any, ...]]:
    """Open parcours given to somebody within a week, about which they noted nothing since.

    One row per parcours: parcours_id, person_id, first_name, last_name, status, spotted_on, started_at, reason, channel.
    """
    noted = (
        sa.select(Interview.id)
        .where(
            Interview.parcours_id == Assignment.parcours_id,
            Interview.author_id == referent_id,
            Interview.created_at >= Assignment.started_at,
        )
        .exists()
    )
    return (
        sa.select(
            Parcours.id.label("parcours_id"), Parcours.person_id, Person.first_name, Person.last_name,
            Parcours.status, Parcours.spotted_on, Assignment.started_at, Assignment.reason,
            sa.select(Spotting.channel).where(Spotting.parcours_id == Parcours.id).limit(1).scalar_subquery().label("channel"),
        )
        .select_from(Assignment)
        .join(Parcours, Parcours.id == Assignment.parcours_id)
        .join(Person, Person.id == Parcours.person_id)
        .where(
            Assignment.referent_id == referent_id,
            Assignment.ended_at.is_(None),
            Assignment.cite_id == acting().cite_id,
            Assignment.started_at >= now() - NEW_LASTS,
            Parcours.status.not_in(CLOSED_STATUSES),
            ~noted,
        )
        .order_by(Assignment.started_at.desc(), Parcours.id)
    )  # fmt: skip


def due_today_and_before(on: date) -> tuple[Page, Page]:
    """The first lines of what is due on a day and of what is overdue, with how many there are; one query."""
    due = (
        steps_due_by(on, referent_id=_me())
        .where(NextStep.cite_id == acting().cite_id)
        .order_by(None)
        .subquery()
    )
    late = (due.c.due_on < on).label("late")
    ranked = sa.select(
        due,
        late,
        sa.func.row_number().over(partition_by=late, order_by=(due.c.due_on, due.c.step_id)).label("rank"),
        sa.func.count().over(partition_by=late).label("total"),
    ).subquery()
    rows = db.session.execute(
        sa.select(ranked).where(ranked.c.rank <= SHOWN_AT_ONCE).order_by(ranked.c.due_on, ranked.c.step_id)
    ).all()
    return _first([row for row in rows if not row.late]), _first([row for row in rows if row.late])


def first_of(queue: Queue, on: date) -> Page:
    """The first lines of a queue, with how many there are; one query."""
    wanted = select_queue(queue, on).add_columns(sa.func.count().over().label("total")).limit(SHOWN_AT_ONCE)
    return _first(db.session.execute(wanted).all())


def _first(rows: Any) -> Page:
    return Page(rows=rows, number=1, size=SHOWN_AT_ONCE, total=rows[0].total if rows else 0)


def page_of(queue: Queue, on: date, number: int, size: int = 25) -> Page:
    """One page of a whole queue."""
    wanted = select_queue(queue, on)
    rows = db.session.execute(wanted.offset((number - 1) * size).limit(size)).all()
    total = db.session.scalar(sa.select(sa.func.count()).select_from(wanted.order_by(None).subquery())) or 0
    return Page(rows=rows, number=number, size=size, total=total)


def unfinished_exchanges() -> Any:
    """Exchanges that whoever asks began to note: person_id, first_name, last_name, saved_at, begun (its first words)."""
    begun, planned, kept = (Draft.fields[name].astext for name in ("synthesis", "next_step", "private_note"))
    mine = (
        sa.select(
            sa.cast(sa.func.substr(Draft.form, 11), sa.Uuid).label("person_id"),
            sa.func.left(begun, 120).label("begun"),
            Draft.fields["interview"].astext.label("interview"),
            Draft.saved_at,
        )
        .where(
            Draft.author_id == _me(),
            Draft.form.regexp_match("^entretien:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"),
            sa.func.concat(begun, planned, kept).regexp_match("[^[:space:]]"),
        )
        .cte("mine")
        .prefix_with("materialized")
    )
    noted = sa.select(Interview.id).where(
        Interview.person_id == mine.c.person_id, sa.cast(Interview.id, sa.Text) == mine.c.interview
    )
    return db.session.execute(
        sa.select(mine.c.person_id, Person.first_name, Person.last_name, mine.c.saved_at, mine.c.begun)
        .join(Person, Person.id == mine.c.person_id)
        .where(Person.cite_id == acting().cite_id, ~noted.exists())
        .order_by(mine.c.saved_at.desc())
        .limit(SHOWN_AT_ONCE)
    ).all()
