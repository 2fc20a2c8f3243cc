"""Reads about reminders: what is due, what waits, what a letter carries, what the ledger proves."""

import uuid
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from cityjobs.accounts.models import Membership, User
from cityjobs.accounts.queries import works_in as _works_in
from cityjobs.core.db import db
from cityjobs.core.outbox import Delivery, Outgoing
from cityjobs.core.permissions import Role
from cityjobs.followups.models import Interview, NextStep
from cityjobs.followups.queries import due_steps, due_with, passed_on, silent_parcours
from cityjobs.followups.rules import StepState
from cityjobs.parcours.models import Assignment, Job, JobCheck, Parcours, Snapshot, Suspension
from cityjobs.parcours.queries.due import due_checks, situations_to_ask, suspensions_ending
from cityjobs.parcours.queries.following import who_answers_for
from cityjobs.parcours.rules.lifecycle import CLOSED_STATUSES, AssignmentKind, Status
from cityjobs.parcours.rules.situations import NEVER_ASKED_AFTER
from cityjobs.people.models import Person
from cityjobs.plans.models import Agreement, Etape
from cityjobs.plans.queries.due import agreements_to_review, overdue_etapes
from cityjobs.plans.rules import OPEN_ETAPES
from cityjobs.reminders.models import Reminder
from cityjobs.reminders.rules import (
    STEP_RULES,
    Line,
    ReminderRule,
    ReminderState,
    reason_to_cancel,
    working_day_after,
)
from cityjobs.territory.models import Cite

CHANNEL = "email"
LETTER = "morning"
_FOLLOWING = (Role.REFERENT, Role.COORDINATOR)
_TOLD = (ReminderState.SENT, ReminderState.FAILED)


def _lines(
    rule: ReminderRule, subject: Any, due_on: Any, recipient: Any, facts: Any
) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(
        facts.cite_id,
        facts.person_id,
        facts.parcours_id,
        sa.literal(rule.value, sa.Text).label("rule"),
        subject.label("subject_id"),
        due_on.label("due_on"),
        recipient.label("recipient_id"),
        sa.literal(CHANNEL, sa.Text).label("channel"),
    )


def lines_due(rule: ReminderRule, on: date) -> sa.Select[*tuple[Any, ...]]:
    """Every line that a rule asks for on a day, already in the ledger or not.

    Columns: cite_id, person_id, parcours_id, rule, subject_id, due_on, recipient_id, channel.
    """
    if rule in _DUE_THINGS:
        return _due_things(rule, on)
    return {
        ReminderRule.STEP_TOMORROW: _steps_due_soon,
        ReminderRule.SILENCE: _silences,
        ReminderRule.SILENCE_ESCALATED: _silences_without_reaction,
    }[rule](on)


_DUE_THINGS: dict[ReminderRule, tuple[Callable[[date], sa.Select[*tuple[Any, ...]]], str, str]] = {
    ReminderRule.STEP_OVERDUE: (lambda on: due_steps(on, overdue=True), "step_id", "due_on"),
    ReminderRule.JOB_CHECK: (due_checks, "job_id", "due_on"),
    ReminderRule.SITUATION: (situations_to_ask, "parcours_id", "due_on"),
    ReminderRule.ETAPE_OVERDUE: (overdue_etapes, "etape_id", "planned_to"),
    ReminderRule.AGREEMENT_REVIEW: (agreements_to_review, "agreement_id", "review_on"),
    ReminderRule.SUSPENSION_ENDING: (suspensions_ending, "suspension_id", "expected_end_on"),
}
"""Per rule the question that « Ma journée » asks too, and which of its columns are the subject and the day it is due."""


def _due_things(rule: ReminderRule, on: date) -> sa.Select[*tuple[Any, ...]]:
    """What a queue of « Ma journée » shows on a day, told to whoever answers for the référent."""
    question, subject, due_on = _DUE_THINGS[rule]
    due = question(on).order_by(None).subquery().c
    told = who_answers_for(due.referent_id, due.cite_id, on)
    lines = _lines(rule, due[subject], due[due_on], told, due)
    return lines.where(_works_in(told, due.cite_id, on, _FOLLOWING))


def _steps_due_soon(on: date) -> sa.Select[*tuple[Any, ...]]:
    """To be done on a day or by the next working day: « tomorrow » for whoever rests on Sundays."""
    soon = due_steps(working_day_after(on) + timedelta(days=1), overdue=True).subquery().c
    told = who_answers_for(soon.referent_id, soon.cite_id, on)
    lines = _lines(ReminderRule.STEP_TOMORROW, soon.step_id, soon.due_on, told, soon)
    return lines.where(soon.due_on >= on, _works_in(told, soon.cite_id, on, _FOLLOWING))


def _silences(on: date) -> sa.Select[*tuple[Any, ...]]:
    silent = silent_parcours(on).subquery().c
    due_on = silent.heard_on + Cite.silence_days
    told = who_answers_for(silent.referent_id, silent.cite_id, on)
    lines = _lines(ReminderRule.SILENCE, silent.parcours_id, due_on, told, silent)
    return lines.where(Cite.id == silent.cite_id, _works_in(told, silent.cite_id, on, _FOLLOWING))


def _silences_without_reaction(on: date) -> sa.Select[*tuple[Any, ...]]:
    """Whoever answers for the référent was told of this very silence, and nothing was noted since, for the days of the Cité."""
    silent = silent_parcours(on).subquery().c
    told_on = sa.cast(sa.func.timezone("Europe/Paris", Reminder.settled_at), sa.Date)
    coordinator = aliased(Membership)
    lines = _lines(ReminderRule.SILENCE_ESCALATED, Reminder.id, Reminder.due_on, coordinator.user_id, silent)
    return lines.distinct().where(
        Cite.id == silent.cite_id,
        Reminder.rule == ReminderRule.SILENCE,
        Reminder.subject_id == silent.parcours_id,
        Reminder.recipient_id == who_answers_for(silent.referent_id, silent.cite_id, on),
        Reminder.due_on == silent.heard_on + Cite.silence_days,
        Reminder.state.in_(_TOLD),
        told_on + Cite.escalation_days <= on,
        ~_noted_since(Reminder.parcours_id, Reminder.settled_at),
        coordinator.cite_id == silent.cite_id,
        coordinator.role == Role.COORDINATOR,
        _works_in(coordinator.user_id, silent.cite_id, on, (Role.COORDINATOR,)),
    )


def _noted_since(parcours_id: Any, instant: Any) -> sa.ColumnElement[bool]:
    return sa.exists().where(Interview.parcours_id == parcours_id, Interview.created_at > instant)


def lines_to_write(on: date) -> list[sa.Select[*tuple[Any, ...]]]:
    """Per rule, the lines due on a day that the ledger does not hold yet."""
    return [_not_in_ledger(lines_due(rule, on).subquery().c) for rule in ReminderRule]


def _not_in_ledger(due: Any) -> sa.Select[*tuple[Any, ...]]:
    known = sa.exists().where(
        Reminder.rule == due.rule,
        Reminder.subject_id == due.subject_id,
        Reminder.due_on == due.due_on,
        Reminder.recipient_id == due.recipient_id,
        Reminder.channel == due.channel,
    )
    return sa.select(*due).where(~known)


def letter_key(recipient_id: uuid.UUID, on: date) -> str:
    """What makes the morning letter of one person unique: one a day."""
    return f"{recipient_id}:{on.isoformat()}"


def _no_letter_left(recipient_id: Any, on: date) -> sa.ColumnElement[bool]:
    """Nobody is written to twice on the same day: what comes later waits for the next morning."""
    return ~sa.exists().where(
        Outgoing.kind == LETTER,
        Outgoing.dedupe_key == sa.func.concat(recipient_id, ":", on.isoformat()),
        Outgoing.state.in_((Delivery.SENT, Delivery.FAILED, Delivery.CANCELLED)),
    )


def recipients_waiting(on: date) -> Sequence[sa.Row[uuid.UUID, str]]:
    """Who has lines waiting and no settled letter of that day: id and e-mail."""
    waiting = sa.exists().where(Reminder.recipient_id == User.id, Reminder.state == ReminderState.WAITING)
    return db.session.execute(
        sa.select(User.id, User.email).where(waiting, _no_letter_left(User.id, on)).order_by(User.id)
    ).all()


def waiting_or_due(on: date) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """What would be sent on a day: lines that wait, and lines that the scan of that day would write.

    Columns: reminder_id (None when not yet written), rule, subject_id, due_on, recipient_id, email, cite_id,
    person_id, parcours_id, initials. Reads only.
    """
    columns = ("cite_id", "person_id", "parcours_id", "rule", "subject_id", "due_on", "recipient_id")
    written = sa.select(
        Reminder.id.label("reminder_id"), *(getattr(Reminder, name) for name in columns)
    ).where(Reminder.state == ReminderState.WAITING)
    unwritten = []
    for lines in lines_to_write(on):
        due = lines.subquery().c
        unwritten.append(
            sa.select(sa.null().cast(sa.Uuid).label("reminder_id"), *(due[name] for name in columns))
        )
    every = sa.union_all(written, *unwritten).subquery().c
    return db.session.execute(
        sa.select(
            *every, User.email, sa.func.app.initials(Person.first_name, Person.last_name).label("initials")
        )
        .join(User, User.id == every.recipient_id)
        .join(Person, Person.id == every.person_id)
        .where(_no_letter_left(User.id, on))
        .order_by(User.email, every.rule, every.due_on, every.person_id)
    ).all()


def lines_to_send(on: date) -> list[sa.Row[*tuple[Any, ...]]]:
    """Rows of `waiting_or_due` that would really be sent: those that still hold."""
    untrue = {line.id for line in lines_waiting(on) if reason_to_cancel(line, on)}
    return [row for row in waiting_or_due(on) if row.reminder_id not in untrue]


def lines_of_letter(letter_id: uuid.UUID, on: date) -> list[Line]:
    """The lines that a letter carries, each with what is true of it now."""
    return _lines_now(Reminder.letter_id == letter_id, on)


def lines_waiting(on: date) -> list[Line]:
    """The lines that wait, each with what is true of it now."""
    return _lines_now(Reminder.state == ReminderState.WAITING, on)


def _lines_now(which: sa.ColumnElement[bool], on: date) -> list[Line]:
    told, passed = aliased(Reminder), passed_on(on, settled_too=True)
    heard_on = sa.func.coalesce(
        Parcours.last_contact_on,
        sa.cast(sa.func.timezone("Europe/Paris", Assignment.started_at), sa.Date),
        Parcours.spotted_on,
    )
    roles = sa.case(
        (
            Reminder.rule == ReminderRule.SILENCE_ESCALATED,
            _works_in(Reminder.recipient_id, Reminder.cite_id, on, (Role.COORDINATOR,)),
        ),
        else_=_works_in(Reminder.recipient_id, Reminder.cite_id, on, _FOLLOWING),
    )
    rows = db.session.execute(
        sa.select(
            Reminder.id,
            Reminder.rule,
            Reminder.due_on,
            Reminder.recipient_id,
            Reminder.person_id,
            Reminder.cite_id,
            Cite.name.label("cite_name"),
            sa.func.app.initials(Person.first_name, Person.last_name).label("initials"),
            roles.label("recipient_is_here"),
            Parcours.status.not_in(CLOSED_STATUSES).label("parcours_is_open"),
            who_answers_for(due_with(passed), Reminder.cite_id, on).label("follower_id"),
            _subject_is_open().label("subject_is_open"),
            sa.func.coalesce(
                NextStep.due_on, Suspension.expected_end_on, Etape.planned_to, Agreement.review_on
            ).label("subject_due_on"),
            NextStep.due_at,
            sa.func.coalesce(Job.started_on, _asked_since_exit()).label("counted_from"),
            _moments_noted().label("noted"),
            heard_on.label("heard_on"),
            (heard_on + Cite.silence_days).label("silent_until"),
            told.recipient_id.label("told_id"),
            told.due_on.label("told_silent_until"),
            sa.func.coalesce(_noted_since(told.parcours_id, told.settled_at), sa.false()).label("reacted"),
        )
        .join(Cite, Cite.id == Reminder.cite_id)
        .join(Person, Person.id == Reminder.person_id)
        .join(Parcours, Parcours.id == Reminder.parcours_id)
        .outerjoin(
            Assignment,
            sa.and_(
                Assignment.parcours_id == Parcours.id,
                Assignment.kind == AssignmentKind.REFERENT,
                Assignment.ended_at.is_(None),
            ),
        )
        .outerjoin(NextStep, NextStep.id == Reminder.subject_id)
        .outerjoin(passed, passed.c.step_id == Reminder.subject_id)
        .outerjoin(Job, Job.id == Reminder.subject_id)
        .outerjoin(Suspension, Suspension.id == Reminder.subject_id)
        .outerjoin(Etape, Etape.id == Reminder.subject_id)
        .outerjoin(Agreement, Agreement.id == Reminder.subject_id)
        .outerjoin(
            told, sa.and_(told.id == Reminder.subject_id, Reminder.rule == ReminderRule.SILENCE_ESCALATED)
        )
        .where(which, Reminder.state.in_((ReminderState.WAITING, ReminderState.SENDING)))
        .order_by(Reminder.due_on, NextStep.due_at.nulls_last(), Reminder.id)
    )
    return [
        Line(**{**row._mapping, "rule": ReminderRule(row.rule), "noted": frozenset(row.noted or ())})
        for row in rows
    ]


def _subject_is_open() -> sa.ColumnElement[bool]:
    """Whether what a line is about goes on; null for a silence, and for what is no longer there."""
    again = aliased(Parcours)
    came_back = sa.exists().where(
        again.reopened_from_id == Reminder.parcours_id, again.reopened_from_id.is_not(None)
    )
    works, pauses = Parcours.status == Status.SUIVI_EMPLOI, Parcours.status == Status.SUSPENDU
    return sa.case(
        (Reminder.rule.in_(STEP_RULES), NextStep.state == StepState.TODO),
        (Reminder.rule == ReminderRule.JOB_CHECK, sa.and_(Job.ended_on.is_(None), works)),
        (Reminder.rule == ReminderRule.SITUATION, ~came_back),
        (Reminder.rule == ReminderRule.SUSPENSION_ENDING, sa.and_(Suspension.ended_on.is_(None), pauses)),
        (Reminder.rule == ReminderRule.ETAPE_OVERDUE, Etape.status.in_(OPEN_ETAPES)),
        (Reminder.rule == ReminderRule.AGREEMENT_REVIEW, Agreement.ended_on.is_(None)),
    )


def _asked_since_exit() -> sa.ColumnElement[date | None]:
    """The day of an exit after which something is asked."""
    asked = sa.and_(Reminder.rule == ReminderRule.SITUATION, Parcours.end_reason.not_in(NEVER_ASKED_AFTER))
    return sa.case((asked, Parcours.ended_on))


def _moments_noted() -> sa.ColumnElement[Any]:
    """Of which moments of a job, or after an exit, something was noted."""
    checks = sa.select(sa.func.array_agg(JobCheck.moment)).where(JobCheck.job_id == Reminder.subject_id)
    situations = sa.select(sa.func.array_agg(Snapshot.moment)).where(
        Snapshot.parcours_id == Reminder.parcours_id
    )
    return sa.case(
        (Reminder.rule == ReminderRule.JOB_CHECK, checks.scalar_subquery()),
        (Reminder.rule == ReminderRule.SITUATION, situations.scalar_subquery()),
    )


def counts_by_rule_and_state(cite_id: uuid.UUID) -> dict[tuple[ReminderRule, ReminderState], int]:
    """The ledger of a Cité in numbers."""
    rows = db.session.execute(
        sa.select(Reminder.rule, Reminder.state, sa.func.count())
        .where(Reminder.cite_id == cite_id)
        .group_by(Reminder.rule, Reminder.state)
    )
    return {(ReminderRule(rule), ReminderState(state)): count for rule, state, count in rows}


def ledger_lines(cite_id: uuid.UUID, *, states: Sequence[ReminderState]) -> sa.Select[*tuple[Any, ...]]:
    """The ledger of a Cité in some states, the latest first: line, names of the person and of the recipient."""
    return (
        sa.select(
            Reminder.id,
            Reminder.rule,
            Reminder.state,
            Reminder.due_on,
            Reminder.person_id,
            Reminder.created_at,
            Reminder.settled_at,
            Reminder.cancelled_because,
            Person.first_name,
            Person.last_name,
            User.first_name.label("recipient_first_name"),
            User.last_name.label("recipient_last_name"),
            sa.func.count().over().label("total"),
        )
        .join(Person, Person.id == Reminder.person_id)
        .join(User, User.id == Reminder.recipient_id)
        .where(Reminder.cite_id == cite_id, Reminder.state.in_(states))
        .order_by(sa.func.coalesce(Reminder.settled_at, Reminder.created_at).desc(), Reminder.id)
    )
