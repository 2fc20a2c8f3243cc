"""Who follows a parcours on a day: its référent, whoever replaces them, to whom a thing was passed on."""

import uuid
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from cityjobs.accounts.models import Membership, User
from cityjobs.accounts.queries import is_current, works_in
from cityjobs.core.clock import today
from cityjobs.core.db import HERE, ME, Day, Who, as_day, db
from cityjobs.core.permissions import Role
from cityjobs.parcours.models import Absence, Assignment, Parcours
from cityjobs.parcours.rules.lifecycle import AssignmentKind

CASEWORK = (Role.REFERENT, Role.COORDINATOR)
"""In which roles somebody follows persons."""

its_assignments = sa.and_(Assignment.parcours_id == Parcours.id, Assignment.cite_id == Parcours.cite_id)
is_current_referent = sa.and_(
    Assignment.kind == sa.literal_column(f"'{AssignmentKind.REFERENT}'"), Assignment.ended_at.is_(None)
)
its_referent = sa.and_(its_assignments, is_current_referent)


def replaces_today(deputy_id: Any, on: Day | None = None) -> sa.ColumnElement[bool]:
    """Absences under way on a day, today by default, in which somebody replaces."""
    return sa.and_(Absence.deputy_id == deputy_id, is_under_way(on))


def is_under_way(on: Day | None = None, absence: type[Absence] = Absence) -> sa.ColumnElement[bool]:
    """Absences that nobody ended, of which a day is one; today by default."""
    day = TODAY if on is None else as_day(on)
    return sa.and_(absence.ended_early_at.is_(None), absence.starts_on <= day, absence.ends_on >= day)


TODAY = sa.bindparam("present_day", callable_=today, type_=sa.Date())
"""The present day, in a statement built once for all."""


def is_followed_by(referent_id: Who, on: Day | None = None) -> sa.ColumnElement[bool]:
    """Parcours that somebody follows on a day, as référent, as co-référent, or for an absent colleague they replace."""
    own = sa.select(Assignment.parcours_id).where(
        Assignment.referent_id == referent_id, Assignment.ended_at.is_(None)
    )
    replaced = (
        sa.select(Assignment.parcours_id)
        .join(
            Absence,
            sa.and_(Absence.absent_id == Assignment.referent_id, Absence.cite_id == Assignment.cite_id),
        )
        .where(replaces_today(referent_id, on), Assignment.ended_at.is_(None))
    )
    return Parcours.id.in_(sa.union_all(own, replaced))


def who_answers_for(referent_id: Any, cite_id: Any, on: Day | None) -> sa.ColumnElement[uuid.UUID]:
    """To whom what is due with a référent goes on a day: to whoever replaces them and is there, or else to them.

    Whoever left the Cité, whose account is shut, or who is away too does not replace; nor is anybody replaced once gone.
    However deep it is put in a question, it is about the référent and the Cité of the row being read.
    """
    day = TODAY if on is None else on
    is_there = sa.and_(
        works_in(Absence.deputy_id, Absence.cite_id, day, CASEWORK), ~_is_away(Absence.deputy_id, on)
    )
    deputy = (
        sa.select(Absence.deputy_id)
        .where(Absence.absent_id == referent_id, Absence.cite_id == cite_id, is_under_way(on))
        .where(is_there, _is_member(Absence.absent_id, day))
        .limit(1)
        .correlate_except(Absence)
        .scalar_subquery()
    )
    return sa.func.coalesce(deputy, referent_id, type_=sa.Uuid())


def stands_for(colleague_id: Any, parcours_id: Any, cite_id: Any, on: Day | None) -> sa.FromClause:
    """Whom a colleague follows a parcours as on a day (referent_id): themselves, référent or co-référent, or an absent one
    they replace. To be joined, laterally; no row when they do not follow it, or no longer work in the Cité.

    Whoever answers for whom it says is told of what is due with the colleague.
    """
    followed = aliased(Assignment)
    is_theirs = followed.referent_id == colleague_id
    standing = (
        sa.select(followed.referent_id)
        .where(
            followed.parcours_id == parcours_id,
            followed.cite_id == cite_id,
            followed.ended_at.is_(None),
            sa.or_(is_theirs, who_answers_for(followed.referent_id, followed.cite_id, on) == colleague_id),
            works_in(colleague_id, cite_id, TODAY if on is None else on, CASEWORK),
        )
        .order_by(is_theirs.desc(), followed.id)
        .limit(1)
        .correlate_except(followed)
    )
    return standing.lateral()


@dataclass(frozen=True)
class Follower:
    """Somebody who follows a parcours today; `replaces` names the absent colleague they do it for."""

    id: uuid.UUID
    name: str
    email: str
    kind: AssignmentKind
    replaces: str | None


def followers_of(parcours_id: uuid.UUID) -> list[Follower]:
    """Who follows a parcours of the Cité being worked in today, each once: the référent, co-référents, those who replace them."""
    absent = aliased(User)
    own = sa.select(
        Assignment.referent_id.label("user_id"), Assignment.kind, sa.null().label("replaces")
    ).where(_is_under(parcours_id), Assignment.referent_id.is_not(None))
    deputies = (
        sa.select(Absence.deputy_id, Assignment.kind, absent.first_name + " " + absent.last_name)
        .select_from(Assignment)
        .join(
            Absence,
            sa.and_(Absence.absent_id == Assignment.referent_id, Absence.cite_id == Assignment.cite_id),
        )
        .join(absent, absent.id == Absence.absent_id)
        .where(_is_under(parcours_id), is_under_way())
    )
    all_of_them = sa.union_all(own, deputies).subquery()
    rows = db.session.execute(
        sa.select(
            User.id,
            (User.first_name + " " + User.last_name).label("name"),
            User.email,
            all_of_them.c.kind,
            all_of_them.c.replaces,
        )
        .join(all_of_them, all_of_them.c.user_id == User.id)
        .where(works_in(User.id, HERE, TODAY, CASEWORK))
        .order_by(
            all_of_them.c.replaces.is_not(None),
            all_of_them.c.kind != AssignmentKind.REFERENT,
            User.last_name,
            User.first_name,
            User.id,
        )
    )
    found: dict[uuid.UUID, Follower] = {}
    for row in rows:
        found.setdefault(
            row.id, Follower(row.id, row.name, row.email, AssignmentKind(row.kind), row.replaces)
        )
    return list(found.values())


def _is_under(parcours_id: uuid.UUID) -> sa.ColumnElement[bool]:
    return sa.and_(
        Assignment.parcours_id == parcours_id, Assignment.cite_id == HERE, Assignment.ended_at.is_(None)
    )


def _is_member(user_id: Any, day: Day) -> sa.ColumnElement[bool]:
    """Whether somebody follows persons, on a day, in the Cité of the Absence being read."""
    mission = aliased(Membership)
    return sa.exists().where(
        mission.user_id == user_id,
        mission.cite_id == Absence.cite_id,
        mission.role.in_(CASEWORK),
        is_current(day, mission),
    )


def _is_away(user_id: Any, on: Day | None) -> sa.ColumnElement[bool]:
    own = aliased(Absence)
    return sa.exists().where(own.absent_id == user_id, own.cite_id == Absence.cite_id, is_under_way(on, own))


@cache
def present_absences() -> sa.Subquery:
    """Absences under way, to be joined by `absent_id` and `cite_id`: also absence_id, deputy_id, deputy, ends_on."""
    deputy = aliased(User)
    return (
        sa.select(
            Absence.id.label("absence_id"),
            Absence.cite_id,
            Absence.absent_id,
            Absence.deputy_id,
            (deputy.first_name + " " + deputy.last_name).label("deputy"),
            Absence.ends_on,
        )
        .join(deputy, deputy.id == Absence.deputy_id)
        .where(is_under_way())
        .subquery("away")
    )


@cache
def replaced_by_me() -> sa.Select[*tuple[Any, ...]]:
    """Whom whoever asks replaces today in the Cité being worked in: absence_id, absent, ends_on."""
    absent = aliased(User)
    return (
        sa.select(
            Absence.id.label("absence_id"),
            (absent.first_name + " " + absent.last_name).label("absent"),
            Absence.ends_on,
        )
        .join(absent, absent.id == Absence.absent_id)
        .where(replaces_today(ME), Absence.cite_id == HERE)
        .order_by(Absence.ends_on, Absence.id)
    )
