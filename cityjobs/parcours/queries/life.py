"""The life of a parcours: its pauses, jobs, exit and situations, as the file of the person shows them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import aliased

from cityjobs.core.db import HERE, db
from cityjobs.parcours.models import Exit, Job, JobCheck, Parcours, Snapshot, Suspension, Transition
from cityjobs.parcours.queries.present import held
from cityjobs.parcours.rules.exits import ExitCategory
from cityjobs.parcours.rules.jobs import CHECK_LABELS, CheckMoment, check_due_on, moments_reached
from cityjobs.parcours.rules.lifecycle import Custom, Event, Status
from cityjobs.parcours.rules.situations import MOMENT_LABELS, NEVER_ASKED_AFTER, Moment, asked_between
from cityjobs.territory.models import Cite
from cityjobs.vocabulary.queries import item_of
from cityjobs.vocabulary.rules import ListName


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
    return db.session.scalar(held(wanted) if to_change else wanted)


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
    item, is_it = item_of(code, name)
    return sa.select(item.label).where(is_it).limit(1).scalar_subquery()


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
