"""What falls due in a parcours: « Ma journée » shows it, letters are sent for it, and nothing of it is stored."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import sqlalchemy as sa
from dateutil.relativedelta import relativedelta
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import aliased

from cityjobs.core.db import Day, Who, as_day
from cityjobs.parcours.models import Assignment, Job, JobCheck, Parcours, Snapshot, Suspension
from cityjobs.parcours.queries.following import is_followed_by, its_referent
from cityjobs.parcours.queries.present import its_person
from cityjobs.parcours.rules.jobs import CHECKED_AFTER
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.parcours.rules.situations import ASKED_AFTER, ASKED_FOR_DAYS, NEVER_ASKED_AFTER
from cityjobs.people.models import Person


def _day(moment: sa.ColumnElement[Any]) -> sa.ColumnElement[date]:
    return sa.cast(moment, sa.Date)


def _after(rows: Iterable[tuple[str, *tuple[relativedelta, ...]]], *spans: str) -> sa.FromClause:
    """Moments and how long after they come, as rows: moment, and each span as PostgreSQL reads it."""
    columns: list[sa.ColumnClause[Any]] = [sa.column(name, sa.Text()) for name in ("moment", *spans)]
    told = [
        (moment, *(f"{12 * each.years + each.months} months {each.days} days" for each in spent))
        for moment, *spent in rows
    ]
    return sa.values(*columns, name="after").data(told)


def due_checks(on: Day, *, referent_id: Who | None = None) -> sa.Select[*tuple[Any, ...]]:
    """What is to be asked of a job by a day, and was not yet: day 8, months 1, 3 and 6 after a hiring.

    Only the latest moment reached is due: an earlier one that nobody asked is no longer worth asking. One row per job:
    job_id, moment, due_on, started_on, parcours_id, person_id, cite_id, first_name, last_name, occupation, employer,
    kind, referent_id (None when nobody is named). With `referent_id`: of whom this professional follows, also as
    co-référent.
    """
    after = _after(CHECKED_AFTER.items(), "span")
    due_on = _day(Job.started_on + sa.cast(after.c.span, pg.INTERVAL))
    checks = (
        sa.select(
            Job.id.label("job_id"),
            after.c.moment,
            due_on.label("due_on"),
            Job.started_on,
            Job.parcours_id,
            Job.person_id,
            Job.cite_id,
            Person.first_name,
            Person.last_name,
            Job.occupation,
            Job.employer,
            Job.kind,
            Assignment.referent_id,
        )
        .ext(pg.distinct_on(Job.id))
        .select_from(Job)
        .join(after, due_on <= on)
        .join(Parcours, sa.and_(Parcours.id == Job.parcours_id, Parcours.cite_id == Job.cite_id))
        .join(Person, sa.and_(Person.id == Job.person_id, Person.cite_id == Job.cite_id))
        .outerjoin(Assignment, its_referent)
        .where(Job.ended_on.is_(None), Parcours.status == Status.SUIVI_EMPLOI)
        .order_by(Job.id, due_on.desc())
    )
    if referent_id is not None:
        checks = checks.where(is_followed_by(referent_id, on))
    latest = checks.subquery("latest")
    done = sa.select(JobCheck.id).where(
        JobCheck.job_id == latest.c.job_id, JobCheck.moment == latest.c.moment
    )
    return sa.select(latest).where(~done.exists()).order_by(latest.c.due_on, latest.c.job_id)


def suspensions_ending(
    on: Day, *, within: int = 14, referent_id: Who | None = None
) -> sa.Select[*tuple[Any, ...]]:
    """Suspensions under way whose expected end has come by a day, or comes within some days of it.

    One row per suspension: suspension_id, reason, started_on, expected_end_on, parcours_id, person_id, cite_id,
    first_name, last_name, referent_id. With `referent_id`: of whom this professional follows, also as co-référent.
    """
    ending = (
        sa.select(
            Suspension.id.label("suspension_id"),
            Suspension.reason,
            Suspension.started_on,
            Suspension.expected_end_on,
            Suspension.parcours_id,
            Suspension.person_id,
            Suspension.cite_id,
            Person.first_name,
            Person.last_name,
            Assignment.referent_id,
        )
        .select_from(Suspension)
        .join(
            Parcours, sa.and_(Parcours.id == Suspension.parcours_id, Parcours.cite_id == Suspension.cite_id)
        )
        .join(Person, sa.and_(Person.id == Suspension.person_id, Person.cite_id == Suspension.cite_id))
        .outerjoin(Assignment, its_referent)
        .where(
            Suspension.ended_on.is_(None),
            Parcours.status == Status.SUSPENDU,
            Suspension.expected_end_on <= as_day(on) + within,
        )
        .order_by(Suspension.expected_end_on, Suspension.id)
    )
    return ending if referent_id is None else ending.where(is_followed_by(referent_id, on))


def situations_to_ask(on: Day, *, referent_id: Who | None = None) -> sa.Select[*tuple[Any, ...]]:
    """Situations after an exit that are to be asked on a day, and were not yet: at the exit, 3 and 6 months after.

    Each is asked until the next one falls due (rules.situations.asked_between). One row per parcours: parcours_id,
    moment, due_on, ended_on, end_reason, person_id, cite_id, first_name, last_name, referent_id. Nobody is asked who
    came back in a new parcours. With `referent_id`: of whom this professional was the last référent or co-référent.
    """
    after = _after(((moment, *spans) for moment, spans in ASKED_AFTER.items()), "first", "last")
    due_on = _day(Parcours.ended_on + sa.cast(after.c.first, pg.INTERVAL))
    again = aliased(Parcours)
    asked = (
        sa.select(
            Parcours.id.label("parcours_id"),
            after.c.moment,
            due_on.label("due_on"),
            Parcours.ended_on,
            Parcours.end_reason,
            Parcours.person_id,
            Parcours.cite_id,
            Person.first_name,
            Person.last_name,
            Assignment.referent_id,
        )
        .select_from(Parcours)
        .join(
            after,
            sa.and_(
                due_on <= on,
                _day(Parcours.ended_on + sa.cast(after.c.last, pg.INTERVAL)) > on,
            ),
        )
        .join(Person, its_person)
        .outerjoin(Assignment, its_referent)
        .where(
            # Written out and not bound, between two days: the planner must recognise the index of exits, for any day.
            Parcours.status == sa.literal_column(f"'{Status.SORTI}'"),
            Parcours.ended_on.between(as_day(on) - ASKED_FOR_DAYS, as_day(on)),
            Parcours.end_reason.not_in(NEVER_ASKED_AFTER),
            ~sa.select(Snapshot.id)
            .where(Snapshot.parcours_id == Parcours.id, Snapshot.moment == after.c.moment)
            .exists(),
            ~sa.select(again.id)
            .where(again.reopened_from_id == Parcours.id, again.reopened_from_id.is_not(None))
            .exists(),
        )
        .order_by(due_on, Parcours.id)
    )
    return asked if referent_id is None else asked.where(is_followed_by(referent_id, on))
