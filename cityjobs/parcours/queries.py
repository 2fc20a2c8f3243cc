"""Reads about a parcours: the present one of a person, its life, its référent, what falls due, how exits are read.

`due_checks`, `suspensions_ending` and `situations_to_ask` are what « Ma journée » shows and what letters are sent for:
nothing of it is stored.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import aliased

from cityjobs.accounts.models import Membership, User
from cityjobs.accounts.queries import is_current, works_in
from cityjobs.core.clock import today
from cityjobs.core.db import HERE, ME, Day, Who, as_day, db
from cityjobs.core.permissions import Role
from cityjobs.parcours.models import (
    Absence,
    Assignment,
    Exit,
    ExitRuleRow,
    ExitRuleset,
    Job,
    JobCheck,
    Parcours,
    Snapshot,
    Spotting,
    Suspension,
    Transition,
)
from cityjobs.parcours.rules.exits import ExitCategory, ExitRule
from cityjobs.parcours.rules.jobs import CHECK_LABELS, CheckMoment, check_due_on, moments_reached
from cityjobs.parcours.rules.lifecycle import AssignmentKind, Custom, Event, Status
from cityjobs.parcours.rules.reasons import ExitReason, SpottingChannel
from cityjobs.parcours.rules.situations import MOMENT_LABELS, NEVER_ASKED_AFTER, Moment, asked_between
from cityjobs.people.models import Person
from cityjobs.territory.models import Cite
from cityjobs.vocabulary.models import ListItem
from cityjobs.vocabulary.rules import ListName

CASEWORK = (Role.REFERENT, Role.COORDINATOR)
"""In which roles somebody follows persons."""

NATIONAL_READING = "iae"
"""By which exits are read where a Cité has chosen nothing."""


def find_present_parcours(person_id: uuid.UUID, *, to_change: bool = False) -> Parcours | None:
    """The open parcours of a person, or else the last one; None when out of sight.

    `to_change` makes overlapping writers wait for each other, and reads again what was read before they did.
    """
    present = (
        sa.select(Parcours)
        .where(Parcours.person_id == person_id)
        .order_by(Parcours.ended_on.is_not(None), Parcours.spotted_on.desc(), Parcours.created_at.desc())
        .limit(1)
    )
    return db.session.scalar(_held(present) if to_change else present)


def _held(wanted: sa.Select[Parcours]) -> sa.Select[Parcours]:
    """The same rows, held; what this session read of them before it had to wait is read again."""
    return wanted.with_for_update().execution_options(populate_existing=True)


def find_current_assignment(parcours_id: uuid.UUID) -> Assignment | None:
    """Who is the référent of a parcours now."""
    return db.session.scalar(
        sa.select(Assignment).where(
            Assignment.parcours_id == parcours_id,
            Assignment.kind == AssignmentKind.REFERENT,
            Assignment.ended_at.is_(None),
        )
    )


def find_last_move(parcours_id: uuid.UUID) -> Any:
    """The latest line of the history: to_status, happened_on, recorded_at, recorded_by; or None."""
    return db.session.execute(
        sa.select(
            Transition.to_status,
            Transition.happened_on,
            Transition.recorded_at,
            (User.first_name + " " + User.last_name).label("recorded_by"),
        )
        .outerjoin(User, User.id == Transition.recorded_by_id)
        .where(Transition.parcours_id == parcours_id)
        .order_by(Transition.recorded_at.desc())
        .limit(1)
    ).one_or_none()


def find_usual_channel(user_id: uuid.UUID) -> SpottingChannel | None:
    """How somebody spotted last, which the next time begins with."""
    channel = db.session.scalar(
        sa.select(Spotting.channel)
        .where(Spotting.spotted_by_id == user_id)
        .order_by(Spotting.created_at.desc())
        .limit(1)
    )
    return SpottingChannel(channel) if channel else None


# The life of a parcours


def find_custom(cite_id: uuid.UUID) -> Custom:
    """How a Cité works."""
    uses = db.session.scalar(sa.select(Cite.uses_commission).where(Cite.id == cite_id))
    return Custom(uses_commission=bool(uses))


def find_parcours_of(
    person_id: uuid.UUID, parcours_id: uuid.UUID, *, to_change: bool = False
) -> Parcours | None:
    """One parcours of a person; None when it is another's, or out of sight."""
    wanted = sa.select(Parcours).where(
        Parcours.id == parcours_id, Parcours.person_id == person_id, Parcours.cite_id == HERE
    )
    return db.session.scalar(_held(wanted) if to_change else wanted)


def find_last_day(parcours: Parcours) -> date:
    """The day of the last move, before which nothing else can have happened; an exit taken back does not count."""
    days = (
        parcours.spotted_on,
        parcours.contacted_on,
        parcours.met_on,
        parcours.diagnosed_on,
        parcours.started_on,
        _last_noted(parcours.id) if parcours.status not in _KEPT_IN_COLUMNS else None,
    )
    return max(day for day in days if day)


_KEPT_IN_COLUMNS = frozenset({Status.REPERE, Status.CONTACTE, Status.RENCONTRE, Status.DIAGNOSTIC})


def _last_noted(parcours_id: uuid.UUID) -> date | None:
    return db.session.scalar(
        sa.select(sa.func.max(Transition.happened_on)).where(
            Transition.parcours_id == parcours_id, Transition.event.not_in((Event.CLOSE, Event.REOPEN))
        )
    )


def find_status_before_exit(parcours_id: uuid.UUID) -> Status | None:
    """Where a parcours stood when it was closed last."""
    was = db.session.scalar(
        sa.select(Transition.from_status)
        .where(Transition.parcours_id == parcours_id, Transition.event == Event.CLOSE)
        .order_by(Transition.recorded_at.desc())
        .limit(1)
    )
    return Status(was) if was else None


def find_open_suspension(parcours_id: uuid.UUID) -> Suspension | None:
    """The suspension under way."""
    return db.session.scalar(
        sa.select(Suspension).where(Suspension.parcours_id == parcours_id, Suspension.ended_on.is_(None))
    )


def find_last_suspension(parcours_id: uuid.UUID) -> Suspension | None:
    """The latest suspension, under way or over."""
    return db.session.scalar(
        sa.select(Suspension)
        .where(Suspension.parcours_id == parcours_id)
        .order_by(Suspension.created_at.desc())
        .limit(1)
    )


def find_current_job(parcours_id: uuid.UUID) -> Job | None:
    """The job or training under way."""
    return db.session.scalar(sa.select(Job).where(Job.parcours_id == parcours_id, Job.ended_on.is_(None)))


def find_job_of(person_id: uuid.UUID, job_id: uuid.UUID, *, to_change: bool = False) -> Job | None:
    """One job of a person; None when it is another's, or out of sight."""
    wanted = sa.select(Job).where(Job.id == job_id, Job.person_id == person_id, Job.cite_id == HERE)
    return db.session.scalar(wanted.with_for_update() if to_change else wanted)


def checks_of(job_id: uuid.UUID) -> Sequence[JobCheck]:
    """What was recorded of a job, in order."""
    return db.session.scalars(
        sa.select(JobCheck).where(JobCheck.job_id == job_id).order_by(JobCheck.done_on, JobCheck.recorded_at)
    ).all()


def find_snapshot(parcours_id: uuid.UUID, moment: Moment) -> Snapshot | None:
    """The situation frozen at one moment of a parcours."""
    return db.session.scalar(
        sa.select(Snapshot).where(Snapshot.parcours_id == parcours_id, Snapshot.moment == moment)
    )


@dataclass(frozen=True)
class Pause:
    """The suspension under way."""

    reason: str
    started_on: date
    expected_end_on: date


@dataclass(frozen=True)
class PresentJob:
    """The job or training under way; `checked` are the moments already asked."""

    id: uuid.UUID
    occupation: str | None
    contract: str
    employer: str | None
    started_on: date
    expected_end_on: date | None
    checked: frozenset[CheckMoment]


@dataclass(frozen=True)
class Left:
    """What an exit counts as, and what proves it."""

    category: ExitCategory
    evidence: str | None
    evidence_seen_on: date | None
    from_status: Status | None


@dataclass(frozen=True)
class Former:
    """The parcours that this one comes back from."""

    id: uuid.UUID
    status: Status
    ended_on: date | None


@dataclass(frozen=True)
class Life:
    """What the file shows of the life of a parcours beside its status; codes of lists are said in words."""

    pause: Pause | None
    job: PresentJob | None
    left: Left | None
    former: Former | None
    moments: frozenset[Moment]
    """Situations already frozen."""


def _label(name: ListName, code: Any) -> sa.ScalarSelect[str]:
    item = aliased(ListItem)
    return (
        sa.select(item.label)
        .where(item.list == name, item.code == code, sa.or_(item.cite_id.is_(None), item.cite_id == HERE))
        .limit(1)
        .scalar_subquery()
    )


@cache
def life_question() -> sa.Select[*tuple[Any, ...]]:
    """What `life_from` reads: one row of plain values, about the parcours `parcours_id`."""
    former = aliased(Parcours)
    checked = (
        sa.select(sa.func.jsonb_agg(JobCheck.moment, type_=pg.JSONB))
        .where(JobCheck.job_id == Job.id)
        .correlate(Job)
        .scalar_subquery()
    )
    moments = (
        sa.select(sa.func.jsonb_agg(Snapshot.moment, type_=pg.JSONB))
        .where(Snapshot.parcours_id == Parcours.id)
        .correlate(Parcours)
        .scalar_subquery()
    )
    was = (
        sa.select(Transition.from_status)
        .where(Transition.parcours_id == Parcours.id, Transition.event == Event.CLOSE)
        .order_by(Transition.recorded_at.desc())
        .limit(1)
        .correlate(Parcours)
        .scalar_subquery()
    )
    said: dict[str, Any] = {
        "pause_reason": sa.func.coalesce(
            _label(ListName.MOTIF_SUSPENSION, Suspension.reason), Suspension.reason
        ),
        "paused_on": Suspension.started_on,
        "pause_ends_on": Suspension.expected_end_on,
        "job_id": Job.id,
        "occupation": Job.occupation,
        "contract": sa.func.coalesce(_label(ListName.TYPE_CONTRAT, Job.contract), Job.contract),
        "employer": Job.employer,
        "hired_on": Job.started_on,
        "job_ends_on": Job.expected_end_on,
        "checked": checked,
        "category": Exit.category,
        "evidence": sa.func.coalesce(_label(ListName.PREUVE_SORTIE, Exit.evidence), Exit.evidence),
        "evidence_seen_on": Exit.evidence_seen_on,
        "status_before_exit": was,
        "former_id": former.id,
        "former_status": former.status,
        "former_ended_on": former.ended_on,
        "moments": moments,
    }
    return (
        sa.select(*(column.label(name) for name, column in said.items()))
        .select_from(Parcours)
        .outerjoin(Suspension, sa.and_(Suspension.parcours_id == Parcours.id, Suspension.ended_on.is_(None)))
        .outerjoin(Job, sa.and_(Job.parcours_id == Parcours.id, Job.ended_on.is_(None)))
        .outerjoin(Exit, Exit.parcours_id == Parcours.id)
        .outerjoin(former, former.id == Parcours.reopened_from_id)
        .where(Parcours.id == sa.bindparam("parcours_id", type_=sa.Uuid()), Parcours.cite_id == HERE)
    )


def life_from(row: Any) -> Life:
    """A row of `life_question`, as what it tells of."""
    return Life(
        pause=Pause(row.pause_reason, row.paused_on, row.pause_ends_on) if row.pause_reason else None,
        job=PresentJob(
            row.job_id, row.occupation, row.contract, row.employer, row.hired_on, row.job_ends_on,
            frozenset(CheckMoment(moment) for moment in row.checked or ()),
        )
        if row.job_id
        else None,
        left=Left(
            ExitCategory(row.category), row.evidence, row.evidence_seen_on,
            Status(row.status_before_exit) if row.status_before_exit else None,
        )
        if row.category
        else None,
        former=Former(row.former_id, Status(row.former_status), row.former_ended_on) if row.former_id else None,
        moments=frozenset(Moment(moment) for moment in row.moments or ()),
    )  # fmt: skip


@dataclass(frozen=True)
class AskedSituation:
    """One situation after an exit: noted, to be asked, or to come."""

    moment: Moment
    label: str
    due_on: date
    is_taken: bool
    is_due: bool


@dataclass(frozen=True)
class Asked:
    """What may be asked of a person on a day: about the job, and after the exit."""

    check: CheckMoment | None
    check_label: str | None
    next_check: date | None
    situations: Sequence[AskedSituation]


def asked_of(life: Life, parcours: Parcours, on: date) -> Asked:
    """Which check of the job may be noted on a day, when the next one comes, and which situations are asked."""
    started_on = life.job.started_on if life.job else None
    reached = moments_reached(started_on, on) if started_on else []
    to_come = [moment for moment in CheckMoment if moment not in reached]
    check = reached[-1] if life.job and reached and reached[-1] not in life.job.checked else None
    return Asked(
        check=check,
        check_label=CHECK_LABELS[check] if check else None,
        next_check=check_due_on(started_on, to_come[0]) if started_on and to_come else None,
        situations=_situations_asked(life, parcours, on),
    )


def _situations_asked(life: Life, parcours: Parcours, on: date) -> list[AskedSituation]:
    if (
        parcours.status != Status.SORTI
        or parcours.ended_on is None
        or parcours.end_reason in NEVER_ASKED_AFTER
    ):
        return []
    asked = []
    for moment in (Moment.EXIT, Moment.M3, Moment.M6):
        first, last = asked_between(parcours.ended_on, moment)
        taken = moment in life.moments
        if taken or on < last:
            label = MOMENT_LABELS[moment]
            asked.append(
                AskedSituation(moment, label[:1].lower() + label[1:], first, taken, not taken and first <= on)
            )
    return asked


# What falls due


_referent = sa.and_(
    Assignment.parcours_id == Parcours.id,
    Assignment.cite_id == Parcours.cite_id,
    Assignment.kind == sa.literal_column(f"'{AssignmentKind.REFERENT}'"),
    Assignment.ended_at.is_(None),
)


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


def _day(moment: sa.ColumnElement[Any]) -> sa.ColumnElement[date]:
    return sa.cast(moment, sa.Date)


def _spans(name: str, **spans: str) -> sa.FromClause:
    """Moments and how long after they come, as rows: moment, span."""
    columns: list[sa.ColumnClause[Any]] = [sa.column("moment", sa.Text()), sa.column("span", sa.Text())]
    return sa.values(*columns, name=name).data(list(spans.items()))


def due_checks(on: Day, *, referent_id: Who | None = None) -> sa.Select[*tuple[Any, ...]]:
    """What is to be asked of a job by a day, and was not yet: day 8, months 1, 3 and 6 after a hiring.

    Only the latest moment reached is due: an earlier one that nobody asked is no longer worth asking. One row per job:
    job_id, moment, due_on, started_on, parcours_id, person_id, cite_id, first_name, last_name, occupation, employer,
    kind, referent_id (None when nobody is named). With `referent_id`: of whom this professional follows, also as
    co-référent.
    """
    after = _spans("after", j8="8 days", m1="1 month", m3="3 months", m6="6 months")
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
        .outerjoin(Assignment, _referent)
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
        .outerjoin(Assignment, _referent)
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
    spans = [("exit", "0 months", "3 months"), ("m3", "3 months", "6 months"), ("m6", "6 months", "9 months")]
    columns: list[sa.ColumnClause[Any]] = [sa.column(name, sa.Text()) for name in ("moment", "first", "last")]
    after = sa.values(*columns, name="after").data(spans)
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
        .join(Person, sa.and_(Person.id == Parcours.person_id, Person.cite_id == Parcours.cite_id))
        .outerjoin(Assignment, _referent)
        .where(
            # Written out and not bound, between two days: the planner must recognise the index of exits, for any day.
            Parcours.status == sa.literal_column(f"'{Status.SORTI}'"),
            Parcours.ended_on.between(as_day(on) - 300, as_day(on)),
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


# How exits are read


@dataclass(frozen=True)
class Reading:
    """A ruleset with its rules by type of exit."""

    ruleset: ExitRuleset
    rules: Mapping[str, ExitRule]


def _rule_of(row: ExitRuleRow) -> ExitRule:
    return ExitRule(
        ExitCategory(row.category),
        row.minimum_months,
        ExitCategory(row.otherwise) if row.otherwise else None,
        row.needs_evidence,
    )


def readings_of(cite_id: uuid.UUID) -> list[Reading]:
    """The rulesets that a Cité may read its exits by: those of the nation, then its own."""
    rows = db.session.execute(
        sa.select(ExitRuleset, ExitRuleRow)
        .join(ExitRuleRow, ExitRuleRow.ruleset_id == ExitRuleset.id)
        .where(sa.or_(ExitRuleset.cite_id.is_(None), ExitRuleset.cite_id == cite_id), ExitRuleset.is_active)
        .order_by(ExitRuleset.cite_id.is_not(None), ExitRuleset.code)
    )
    read: dict[uuid.UUID, tuple[ExitRuleset, dict[str, ExitRule]]] = {}
    for ruleset, row in rows:
        read.setdefault(ruleset.id, (ruleset, {}))[1][row.exit_type] = _rule_of(row)
    return [Reading(ruleset, rules) for ruleset, rules in read.values()]


def find_chosen_ruleset_id(cite_id: uuid.UUID) -> uuid.UUID | None:
    """The ruleset in force in a Cité: the one it chose, else the national one."""
    national = (
        sa.select(ExitRuleset.id)
        .where(ExitRuleset.cite_id.is_(None), ExitRuleset.code == NATIONAL_READING)
        .scalar_subquery()
    )
    return db.session.scalar(
        sa.select(sa.func.coalesce(Cite.exit_ruleset_id, national)).where(Cite.id == cite_id)
    )


def find_reading_in_force(cite_id: uuid.UUID) -> Reading:
    """The ruleset by which the exits of a Cité are read today, with its rules: one query."""
    national = (
        sa.select(ExitRuleset.id)
        .where(ExitRuleset.cite_id.is_(None), ExitRuleset.code == NATIONAL_READING)
        .scalar_subquery()
    )
    chosen = (
        sa.select(sa.func.coalesce(Cite.exit_ruleset_id, national))
        .where(Cite.id == cite_id)
        .scalar_subquery()
    )
    rows = db.session.execute(
        sa.select(ExitRuleset, ExitRuleRow)
        .join(ExitRuleRow, ExitRuleRow.ruleset_id == ExitRuleset.id)
        .where(ExitRuleset.id == chosen)
    ).all()
    return Reading(rows[0][0], {row.exit_type: _rule_of(row) for _, row in rows})


def find_own_ruleset(
    cite_id: uuid.UUID, ruleset_id: uuid.UUID, *, to_change: bool = False
) -> ExitRuleset | None:
    """A ruleset that this very Cité may change; None for one of the nation or of another."""
    wanted = sa.select(ExitRuleset).where(ExitRuleset.id == ruleset_id, ExitRuleset.cite_id == cite_id)
    return db.session.scalar(wanted.with_for_update() if to_change else wanted)


def find_rule(ruleset_id: uuid.UUID, exit_type: ExitReason) -> ExitRuleRow | None:
    """What one type of exit counts as in a ruleset."""
    return db.session.get(ExitRuleRow, (ruleset_id, exit_type))
