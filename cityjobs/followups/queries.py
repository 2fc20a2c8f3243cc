"""Reads about follow-ups: exchanges, next steps, what is due, who has not been heard of.

`due_steps` and `silent_parcours` are what « Ma journée » shows and what reminders are sent for.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from cityjobs.accounts.models import Draft, User
from cityjobs.core.db import HERE, ME, Day, Who, acting, as_day, db
from cityjobs.followups.models import Interview, InterviewVersion, NextStep, PrivateNote
from cityjobs.followups.rules import Exchange, InterviewMode, StepState
from cityjobs.parcours.models import Absence, Assignment, Parcours
from cityjobs.parcours.queries.following import is_followed_by, its_referent, replaces_today, stands_for
from cityjobs.parcours.queries.present import is_open, its_person
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.people.models import Person
from cityjobs.territory.models import Cite

# Written out and not bound: the planner must recognise the condition of the partial indexes.
_IS_TODO = NextStep.state == sa.literal_column(f"'{StepState.TODO}'")

_of_parcours = sa.and_(NextStep.parcours_id == Parcours.id, NextStep.cite_id == Parcours.cite_id)
_assigned_on = sa.cast(sa.func.timezone("Europe/Paris", Assignment.started_at), sa.Date)
_heard_on = sa.func.coalesce(Parcours.last_contact_on, _assigned_on, Parcours.spotted_on)


def due_steps(on: Day, *, overdue: bool, referent_id: Who | None = None) -> sa.Select[*tuple[Any, ...]]:
    """Next steps still to do in open parcours: due on that day or, when `overdue`, due before it.

    One row per step: step_id, title, due_on, due_at, place, version, parcours_id, person_id, cite_id, first_name, last_name,
    referent_id (with whom it is due, see `due_with`; None when nobody is named), and when a colleague who follows the
    parcours was entrusted with it: entrusted_to, entrusted_by (names), entrusted_because. With `referent_id`: due for
    this professional: of whom they follow, also as co-référent or for an absent colleague, but for what is with somebody
    else.
    """
    steps = _steps_to_do(referent_id, on)
    return steps.where(NextStep.due_on < on if overdue else NextStep.due_on == on)


def steps_due_by(on: Day, *, referent_id: Who | None = None) -> sa.Select[*tuple[Any, ...]]:
    """Both kinds of `due_steps` together: due on that day and overdue."""
    return _steps_to_do(referent_id, on).where(NextStep.due_on <= on)


def _steps_to_do(referent_id: Who | None, on: Day) -> sa.Select[*tuple[Any, ...]]:
    passed = passed_on(on)
    steps = (
        sa.select(
            NextStep.id.label("step_id"),
            NextStep.title,
            NextStep.due_on,
            NextStep.due_at,
            NextStep.place,
            NextStep.version,
            NextStep.parcours_id,
            NextStep.person_id,
            NextStep.cite_id,
            Person.first_name,
            Person.last_name,
            due_with(passed).label("referent_id"),
            *_told_of(passed),
        )
        .select_from(NextStep)
        .join(Parcours, _of_parcours)
        .join(Person, its_person)
        .outerjoin(Assignment, its_referent)
        .outerjoin(passed, passed.c.step_id == NextStep.id)
        .where(_IS_TODO, is_open)
        .order_by(NextStep.due_on, NextStep.due_at.nulls_last(), NextStep.created_at, NextStep.id)
    )
    return steps if referent_id is None else steps.where(_is_due_for(referent_id, passed, on))


# What was passed on


def passed_on(on: Day | None, *, settled_too: bool = False) -> sa.Subquery:
    """Next steps with a colleague who follows the parcours on a day, today by default; to be joined by `step_id`.

    Also entrusted_to_id, stands_for (whom they follow it as), entrusted_to and entrusted_by (names), entrusted_because. As
    soon as they no longer follow it, the step is due for the référent again: nothing has to be written.
    """
    passed, to, by = aliased(NextStep), aliased(User), aliased(User)
    standing = stands_for(passed.entrusted_to_id, passed.parcours_id, passed.cite_id, on)
    rows = (
        sa.select(
            passed.id.label("step_id"),
            passed.entrusted_to_id,
            standing.c.referent_id.label("stands_for"),
            (to.first_name + " " + to.last_name).label("entrusted_to"),
            (by.first_name + " " + by.last_name).label("entrusted_by"),
            passed.entrusted_because,
        )
        .select_from(passed)
        .join(standing, sa.true())
        .join(to, to.id == passed.entrusted_to_id)
        .join(by, by.id == passed.entrusted_by_id)
        .where(passed.entrusted_to_id.is_not(None))
    )
    # Written out and not bound: the planner must recognise the condition of the partial index.
    is_todo = passed.state == sa.literal_column(f"'{StepState.TODO}'")
    return (rows if settled_too else rows.where(is_todo)).subquery("passed")


def due_with(passed: sa.Subquery) -> sa.ColumnElement[uuid.UUID | None]:
    """With whom a next step of a question is due: whom the colleague entrusted with it stands for, else the référent.

    Where `passed_on` and the present Assignment of the référent are joined. Whoever answers for them on that day is told.
    """
    return sa.func.coalesce(passed.c.stands_for, Assignment.referent_id)


def _is_due_for(who: Who, passed: sa.Subquery, on: Day | None = None) -> sa.ColumnElement[bool]:
    """Next steps due for somebody on a day, where `passed_on` is joined: of whom they follow, also as co-référent or for
    an absent colleague, but for those that are with somebody else whom they do not replace.
    """
    absent = sa.select(Absence.absent_id).where(replaces_today(who, on), Absence.cite_id == NextStep.cite_id)
    return sa.and_(
        is_followed_by(who, on),
        sa.or_(
            passed.c.step_id.is_(None),
            passed.c.entrusted_to_id == who,
            passed.c.entrusted_to_id.in_(absent.correlate_except(Absence)),
        ),
    )


def _told_of(passed: sa.Subquery) -> list[sa.ColumnElement[Any]]:
    return [passed.c.entrusted_to, passed.c.entrusted_by, passed.c.entrusted_because]


def steps_agreed_in(interview_id: uuid.UUID) -> Sequence[NextStep]:
    """What an exchange said would come next."""
    return db.session.scalars(sa.select(NextStep).where(NextStep.interview_id == interview_id)).all()


def find_passing(step: NextStep) -> Any:
    """To whom, by whom and why a step was passed on; None when it is not.

    Columns: entrusted_to_id, entrusted_to, entrusted_by, entrusted_because.
    """
    passed = passed_on(None)
    told = sa.select(passed.c.entrusted_to_id, *_told_of(passed)).where(passed.c.step_id == step.id)
    return db.session.execute(told).one_or_none()


def find_announced(step_id: uuid.UUID, colleague_id: uuid.UUID, time: int) -> Any:
    """What the letter to a colleague may still say of what was passed on to them that time; None when it no longer holds.

    For the worker: person_id, initials, cite_name, due_on, due_at.
    """
    passed = passed_on(None)
    return db.session.execute(
        sa.select(
            NextStep.person_id,
            sa.func.app.initials(Person.first_name, Person.last_name).label("initials"),
            Cite.name.label("cite_name"),
            NextStep.due_on,
            NextStep.due_at,
        )
        .join(Parcours, _of_parcours)
        .join(Person, its_person)
        .join(Cite, Cite.id == NextStep.cite_id)
        .join(passed, passed.c.step_id == NextStep.id)
        .where(
            NextStep.id == step_id,
            NextStep.entrusted_to_id == colleague_id,
            NextStep.entrusted_times == time,
            is_open,
        )
    ).one_or_none()


def silent_parcours(on: Day, *, referent_id: Who | None = None) -> sa.Select[*tuple[Any, ...]]:
    """Open parcours with a référent or an organisation, not heard of for the number of days of their Cité.

    Nobody is missed while a parcours is suspended.

    One row per parcours: parcours_id, person_id, cite_id, status, first_name, last_name, last_contact_on,
    heard_on, since, referent_id. `heard_on` is the last day the person was reached or, when never, the day of
    assignment; `since` is how many days before `on` that was. With `referent_id`: of whom this professional
    follows, also as co-référent or for an absent colleague.
    """
    limit = as_day(on) - Cite.silence_days
    silent = (
        sa.select(
            Parcours.id.label("parcours_id"),
            Parcours.person_id,
            Parcours.cite_id,
            Parcours.status,
            Person.first_name,
            Person.last_name,
            Parcours.last_contact_on,
            _heard_on.label("heard_on"),
            (as_day(on) - _heard_on).label("since"),
            Assignment.referent_id,
        )
        .select_from(Parcours)
        .join(Cite, Cite.id == Parcours.cite_id)
        .join(Person, its_person)
        .outerjoin(Assignment, its_referent)
        .where(
            is_open,
            Parcours.status != Status.SUSPENDU,
            sa.or_(Parcours.last_contact_on.is_(None), Parcours.last_contact_on <= limit),
            _heard_on <= limit,
        )
        .order_by(_heard_on, Parcours.id)
    )
    if referent_id is None:
        return silent.where(Assignment.id.is_not(None))
    return silent.where(is_followed_by(referent_id, on))


def present_parcours_of_person() -> type[Parcours]:
    """The open parcours of each Person of a query, or else the last one: to be joined, laterally."""
    present = (
        sa.select(Parcours)
        .where(Parcours.person_id == Person.id)
        .order_by(Parcours.ended_on.is_not(None), Parcours.spotted_on.desc(), Parcours.created_at.desc())
        .limit(1)
        .correlate(Person)
        .lateral()
    )
    return aliased(Parcours, present)


@cache
def _case() -> sa.Select[*tuple[Any, ...]]:
    present = present_parcours_of_person()
    return (
        sa.select(Person, present)
        .select_from(Person)
        .join(present, sa.true())
        .where(Person.id == sa.bindparam("person_id", type_=sa.Uuid()), Person.cite_id == HERE)
    )


def find_case(person_id: uuid.UUID) -> tuple[Person, Parcours] | None:
    """A person of the Cité being worked in with their present parcours; None when out of sight."""
    row = db.session.execute(_case(), {"person_id": person_id}).one_or_none()
    return (row[0], row[1]) if row else None


def find_interview(
    person_id: uuid.UUID, interview_id: uuid.UUID, *, to_change: bool = False
) -> Interview | None:
    """An exchange with this very person; None when out of sight. `to_change` makes overlapping writers wait."""
    wanted = sa.select(Interview).where(
        Interview.id == interview_id,
        Interview.person_id == person_id,
        Interview.cite_id == acting().cite_id,
    )
    return db.session.scalar(wanted.with_for_update(key_share=True) if to_change else wanted)


def find_private_note(interview_id: uuid.UUID) -> PrivateNote | None:
    """What whoever asks wrote for themself about an exchange."""
    return db.session.scalar(
        sa.select(PrivateNote).where(
            PrivateNote.interview_id == interview_id, PrivateNote.author_id == acting().user_id
        )
    )


def find_step(person_id: uuid.UUID, step_id: uuid.UUID, *, to_change: bool = False) -> NextStep | None:
    """A next step of this very person; None when out of sight. `to_change` makes overlapping writers wait."""
    wanted = sa.select(NextStep).where(
        NextStep.id == step_id, NextStep.person_id == person_id, NextStep.cite_id == acting().cite_id
    )
    return db.session.scalar(wanted.with_for_update() if to_change else wanted)


@dataclass(frozen=True)
class Writing:
    """One state of an exchange: what it said, who wrote it so, and when."""

    number: int
    by: str
    at: datetime
    exchange: Exchange
    is_present: bool


def writings_of(interview: Interview) -> list[Writing]:
    """Every state of an exchange, the present one first."""
    replaced = db.session.execute(
        sa.select(InterviewVersion, (User.first_name + " " + User.last_name).label("replaced_by"))
        .join(User, User.id == InterviewVersion.replaced_by_id)
        .where(InterviewVersion.interview_id == interview.id)
        .order_by(InterviewVersion.number)
    ).all()
    writings = []
    by, at = interview.author.display_name, interview.created_at
    for version, replaced_by in replaced:
        writings.append(Writing(version.number, by, at, said_in(version), False))
        by, at = replaced_by, version.replaced_at
    writings.append(Writing(interview.version, by, at, said_in(interview), True))
    return writings[::-1]


def said_in(row: Interview | InterviewVersion) -> Exchange:
    """What an exchange says, or said, as plain values."""
    return Exchange(row.held_on, InterviewMode(row.mode), row.synthesis, row.reached, row.duration)


@cache
def steps_question() -> sa.Select[*tuple[Any, ...]]:
    """What is still to do with the person `person_id`, the most pressing first."""
    passed = passed_on(None)
    return (
        sa.select(
            NextStep.id,
            NextStep.title,
            NextStep.due_on,
            NextStep.due_at,
            NextStep.place,
            NextStep.version,
            NextStep.postponed_from,
            NextStep.postponed_because,
            *_told_of(passed),
        )
        .select_from(NextStep)
        .outerjoin(passed, passed.c.step_id == NextStep.id)
        .where(
            NextStep.person_id == sa.bindparam("person_id", type_=sa.Uuid()),
            NextStep.cite_id == HERE,
            _IS_TODO,
        )
        .order_by(NextStep.due_on, NextStep.due_at.nulls_last(), NextStep.created_at, NextStep.id)
    )


def steps_held(step_ids: Sequence[uuid.UUID]) -> list[tuple[NextStep, bool]]:
    """Next steps of persons whom whoever asks follows today, held against other writers; and whether each is due for them."""
    passed = passed_on(None)
    rows = db.session.execute(
        sa.select(NextStep, _is_due_for(ME, passed).label("is_mine"))
        .join(Parcours, _of_parcours)
        .outerjoin(passed, passed.c.step_id == NextStep.id)
        .where(NextStep.id.in_(step_ids), NextStep.cite_id == HERE, is_followed_by(ME))
        .order_by(NextStep.id)
        .with_for_update(of=NextStep)
    )
    return [(step, is_mine) for step, is_mine in rows]


def draft_key(person_id: uuid.UUID) -> str:
    """Under which name the exchange being typed about a person is kept."""
    return f"entretien:{person_id}"


def is_unfinished_exchange() -> sa.ColumnElement[bool]:
    """Drafts of whoever asks about an exchange with the Person of a query, that was not noted since."""
    noted = (
        sa.select(Interview.id)
        .where(
            Interview.person_id == Person.id,
            sa.cast(Interview.id, sa.Text) == Draft.fields["interview"].astext,
        )
        .correlate(Person, Draft)
    )
    return sa.and_(
        Draft.author_id == ME,
        Draft.form == "entretien:" + sa.cast(Person.id, sa.Text),
        ~noted.exists(),
    )


def find_unfinished_exchange(person_id: uuid.UUID) -> Draft | None:
    """What whoever asks was typing about an exchange with a person."""
    return db.session.scalar(
        sa.select(Draft)
        .select_from(Draft)
        .join(Person, is_unfinished_exchange())
        .where(Person.id == person_id)
    )
