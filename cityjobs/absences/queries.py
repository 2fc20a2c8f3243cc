"""Reads about absences: those one may know, who may be away, who may replace, what was noted meanwhile."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from cityjobs.absences.rules import Days, Standing, last_day, standing_of
from cityjobs.accounts.models import Membership, User
from cityjobs.accounts.queries import is_current
from cityjobs.core.clock import day_of, today
from cityjobs.core.db import HERE, ME, acting, db
from cityjobs.core.permissions import Role
from cityjobs.core.web import Page
from cityjobs.followups.models import Interview
from cityjobs.parcours.models import Absence, Assignment
from cityjobs.parcours.queries.following import CASEWORK
from cityjobs.people.models import Person
from cityjobs.territory.models import Organisation
from cityjobs.territory.queries import shown_name_of

MOST_SHOWN = 100


@dataclass(frozen=True)
class Away:
    """One absence, as its pages tell it."""

    id: uuid.UUID
    absent_id: uuid.UUID
    absent: str
    deputy_id: uuid.UUID
    deputy: str
    starts_on: date
    ends_on: date
    ended_early_at: datetime | None
    ended_by: str | None
    version: int

    @property
    def days(self) -> Days:
        """From when to when it was said."""
        return Days(self.starts_on, self.ends_on)

    @property
    def ended_on(self) -> date | None:
        """The day on which somebody ended it."""
        return day_of(self.ended_early_at) if self.ended_early_at else None

    @property
    def standing(self) -> Standing:
        """How it stands today."""
        return standing_of(self.days, self.ended_on, today())

    @property
    def last_day(self) -> date:
        """The last day on which somebody was really replaced."""
        return last_day(self.days, self.ended_on)


def _absences(*, whole_cite: bool) -> sa.Select[*tuple[Any, ...]]:
    absent, deputy, ender = aliased(User), aliased(User), aliased(User)
    rows = (
        sa.select(
            Absence.id,
            Absence.absent_id,
            (absent.first_name + " " + absent.last_name).label("absent"),
            Absence.deputy_id,
            (deputy.first_name + " " + deputy.last_name).label("deputy"),
            Absence.starts_on,
            Absence.ends_on,
            Absence.ended_early_at,
            (ender.first_name + " " + ender.last_name).label("ended_by"),
            Absence.version,
        )
        .join(absent, absent.id == Absence.absent_id)
        .join(deputy, deputy.id == Absence.deputy_id)
        .outerjoin(ender, ender.id == Absence.ended_by_id)
        .where(Absence.cite_id == HERE)
    )
    return rows if whole_cite else rows.where(sa.or_(Absence.absent_id == ME, Absence.deputy_id == ME))


def absences(*, whole_cite: bool, page: int, size: int) -> Page:
    """Absences of the Cité, or those in which whoever asks is away or replaces; those that end last come first."""
    wanted = _absences(whole_cite=whole_cite).add_columns(sa.func.count().over().label("total"))
    rows = db.session.execute(
        wanted.order_by(Absence.ended_early_at.is_not(None), Absence.ends_on.desc(), Absence.id)
        .limit(size)
        .offset((page - 1) * size)
    ).all()
    return Page([Away(*row[:-1]) for row in rows], page, size, rows[0].total if rows else 0)


def find_absence(absence_id: uuid.UUID, *, whole_cite: bool) -> Away | None:
    """One of `absences`; None when it is not there for whoever asks."""
    row = db.session.execute(_absences(whole_cite=whole_cite).where(Absence.id == absence_id)).one_or_none()
    return Away(*row) if row else None


def find_to_end(absence_id: uuid.UUID) -> Absence | None:
    """An absence of the Cité, held until it is ended."""
    return db.session.scalar(
        sa.select(Absence).where(Absence.id == absence_id, Absence.cite_id == HERE).with_for_update()
    )


def caseworkers(cite_id: uuid.UUID) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Who follows persons of a Cité today, once each: id, name, organisation_name as whoever asks may read it, is_referent; by name."""
    rows = (
        sa.select(
            User.id,
            (User.first_name + " " + User.last_name).label("name"),
            sa.func.min(shown_name_of(Organisation)).label("organisation_name"),
            sa.func.bool_or(Membership.role == Role.REFERENT).label("is_referent"),
        )
        .join(Membership, Membership.user_id == User.id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(
            Membership.cite_id == cite_id,
            Membership.role.in_(CASEWORK),
            is_current(),
            User.disabled_at.is_(None),
        )
        .group_by(User.id, User.first_name, User.last_name)
        .order_by(User.last_name, User.first_name, User.id)
    )
    return db.session.execute(rows).all()


def find_overlapping(user_id: uuid.UUID, days: Days) -> Days | None:
    """The first absence of somebody in the Cité that shares a day with these."""
    return _first(Absence.absent_id == user_id, days)


def find_replacing(user_id: uuid.UUID, days: Days) -> Days | None:
    """The first absence in which somebody replaces a colleague of the Cité, that shares a day with these."""
    return _first(Absence.deputy_id == user_id, days)


def _first(whose: sa.ColumnElement[bool], days: Days) -> Days | None:
    row = db.session.execute(
        sa.select(Absence.starts_on, Absence.ends_on)
        .where(
            whose,
            Absence.cite_id == acting().cite_id,
            Absence.ended_early_at.is_(None),
            Absence.starts_on <= days.ends_on,
            Absence.ends_on >= days.starts_on,
        )
        .order_by(Absence.starts_on)
        .limit(1)
    ).one_or_none()
    return Days(*row) if row else None


def noted_meanwhile(away: Away) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """What the deputy noted about the persons of the absent one in those days, the latest first; one query.

    interview_id, person_id, first_name, last_name, held_on, mode, reached, noted_at, total. Whoever may no longer
    open a file does not find it here either.
    """
    noted_on = sa.cast(sa.func.timezone("Europe/Paris", Interview.created_at), sa.Date)
    began_on = sa.cast(sa.func.timezone("Europe/Paris", Assignment.started_at), sa.Date)
    stopped_on = sa.cast(sa.func.timezone("Europe/Paris", Assignment.ended_at), sa.Date)
    theirs = (
        sa.select(Assignment.id)
        .where(
            Assignment.parcours_id == Interview.parcours_id,
            Assignment.referent_id == away.absent_id,
            began_on <= away.last_day,
            sa.or_(stopped_on.is_(None), stopped_on >= away.starts_on),
        )
        .exists()
    )
    return db.session.execute(
        sa.select(
            Interview.id.label("interview_id"),
            Interview.person_id,
            Person.first_name,
            Person.last_name,
            Interview.held_on,
            Interview.mode,
            Interview.reached,
            Interview.created_at.label("noted_at"),
            sa.func.count().over().label("total"),
        )
        .join(Person, sa.and_(Person.id == Interview.person_id, Person.cite_id == Interview.cite_id))
        .where(
            Interview.cite_id == HERE,
            Interview.author_id == away.deputy_id,
            noted_on.between(away.starts_on, away.last_day),
            theirs,
        )
        .order_by(Interview.held_on.desc(), Interview.created_at.desc(), Interview.id)
        .limit(MOST_SHOWN)
    ).all()
