"""Writes about a parcours: opening, moving, checking a job, freezing a situation, giving it a référent."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm.attributes import flag_modified

from cityjobs.accounts.rules import Professional
from cityjobs.core import outbox
from cityjobs.core.clock import now
from cityjobs.core.db import db
from cityjobs.parcours.models import (
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
from cityjobs.parcours.queries.exits import Reading
from cityjobs.parcours.queries.life import (
    find_current_job,
    find_last_day,
    find_last_suspension,
    find_open_suspension,
    find_status_before_exit,
)
from cityjobs.parcours.queries.present import find_current_assignment
from cityjobs.parcours.rules.exits import ExitRule, category_of
from cityjobs.parcours.rules.jobs import CheckMoment
from cityjobs.parcours.rules.lifecycle import (
    TRANSITIONS,
    AssignmentKind,
    Event,
    Move,
    Refusal,
    Status,
    refusals,
)
from cityjobs.parcours.rules.reasons import ExitReason, SpottingChannel
from cityjobs.parcours.rules.situations import Moment, Situation, derived_criteria
from cityjobs.people.models import Person
from cityjobs.people.rules import Gender, credible_age_on
from cityjobs.territory.rules import QpvAnswer


class MoveRefused(Exception):
    """The move is not allowed from here; the message is in whole French sentences, `refused` says which answers they are about."""

    def __init__(self, refused: Sequence[Refusal]) -> None:
        super().__init__(" ".join(each.sentence for each in refused))
        self.refused = refused


def open_parcours(person: Person, *, spotted_on: date, reopened_from_id: uuid.UUID | None = None) -> Parcours:
    """Begin a parcours; the database refuses a second open one for the same person (uq_parcours_open)."""
    parcours = Parcours(
        id=uuid.uuid4(),
        cite_id=person.cite_id,
        person_id=person.id,
        status=Status.REPERE,
        spotted_on=spotted_on,
        reopened_from_id=reopened_from_id,
    )
    db.session.add(parcours)
    return parcours


def hold_parcours(parcours: Parcours) -> None:
    """Make whoever writes about the same parcours wait, and look at it again; rows that point to it can still be added.

    Whoever adds something to a parcours holds it before anything in it: a closing holds them in this order.
    """
    db.session.refresh(parcours, with_for_update={"key_share": True})


def what_refuses(parcours: Parcours, move: Move, *, today: date) -> list[Refusal]:
    """All that a move of a parcours would be refused for."""
    return refusals(
        Status(parcours.status),
        move,
        today=today,
        not_before=find_last_day(parcours),
        ended_on=parcours.ended_on,
    )


def move_parcours(
    parcours: Parcours, person: Person, move: Move, *, today: date, recorded_by: uuid.UUID
) -> Transition:
    """Record an event and all that it entails, the history gaining a line. Raises MoveRefused.

    Whoever calls holds the lock of the parcours. Who may make the event is decided before (rules.lifecycle.may).
    """
    refused = what_refuses(parcours, move, today=today)
    if refused:
        raise MoveRefused(refused)
    arrival = TRANSITIONS[Status(parcours.status), move.event] or find_status_before_exit(parcours.id)
    transition = Transition(
        **parcours.ties,
        event=move.event,
        from_status=parcours.status,
        to_status=arrival,
        happened_on=move.on,
        reason=move.reason,
        recorded_by_id=recorded_by,
    )
    _EFFECTS[move.event](parcours, person, move, recorded_by)
    parcours.status = transition.to_status
    db.session.add(transition)
    return transition


def _contacted(parcours: Parcours, _person: Person, move: Move, _by: uuid.UUID) -> None:
    parcours.contacted_on = move.on


def _met(parcours: Parcours, _person: Person, move: Move, _by: uuid.UUID) -> None:
    parcours.met_on, parcours.contacted_on = move.on, parcours.contacted_on or move.on


def _assessed(parcours: Parcours, _person: Person, move: Move, _by: uuid.UUID) -> None:
    parcours.diagnosed_on = move.on


def _proposed(_parcours: Parcours, _person: Person, _move: Move, _by: uuid.UUID) -> None:
    """The history alone keeps the day."""


def _enrolled(parcours: Parcours, person: Person, move: Move, _by: uuid.UUID) -> None:
    _freeze_entry(parcours, person, move.on)


def _declined(parcours: Parcours, _person: Person, move: Move, _by: uuid.UUID) -> None:
    parcours.ended_on, parcours.end_reason = move.on, move.reason


def _suspended(parcours: Parcours, _person: Person, move: Move, by: uuid.UUID) -> None:
    db.session.add(
        Suspension(
            id=uuid.uuid4(),
            **parcours.ties,
            reason=move.reason,
            started_on=move.on,
            expected_end_on=move.until,
            created_by_id=by,
            created_at=now(),
        )
    )


def _resumed(parcours: Parcours, _person: Person, move: Move, _by: uuid.UUID) -> None:
    pause = find_open_suspension(parcours.id)
    if pause is not None:
        pause.ended_on = move.on


def _hired(parcours: Parcours, _person: Person, move: Move, by: uuid.UUID) -> None:
    assert move.hiring is not None  # noqa: S101 - refused before
    db.session.add(
        Job(
            id=uuid.uuid4(),
            **parcours.ties,
            created_by_id=by,
            created_at=now(),
            **vars(move.hiring),
        )
    )


def _broken(parcours: Parcours, _person: Person, move: Move, _by: uuid.UUID) -> None:
    job = find_current_job(parcours.id)
    if job is not None:
        job.ended_on, job.end_reason = move.on, move.reason


def _closed(parcours: Parcours, person: Person, move: Move, by: uuid.UUID) -> None:
    """A suspension ends with the parcours; a job goes on after it."""
    if parcours.status == Status.SUSPENDU:
        _resumed(parcours, person, move, by)
    parcours.ended_on, parcours.end_reason = move.on, move.reason
    if move.leaving is None:
        return
    leaving, exit_type = move.leaving, ExitReason(str(move.reason))
    db.session.add(
        Exit(
            **parcours.ties,
            exit_type=exit_type,
            category=category_of(leaving.facts(exit_type), leaving.rules),
            ruleset_id=leaving.ruleset_id,
            months=leaving.months,
            evidence=leaving.evidence,
            evidence_seen_on=leaving.evidence_seen_on,
            given_up=[dict(each) for each in leaving.given_up],
            recorded_by_id=by,
            recorded_at=now(),
        )
    )


_PUT_BACK: list[Callable[[uuid.UUID, Sequence[Mapping[str, str]]], None]] = []


def when_reopened(put_back: Callable[[uuid.UUID, Sequence[Mapping[str, str]]], None]) -> None:
    """Name whoever puts back, in a parcours whose exit is taken back, what that exit gave up (`Leaving.given_up`)."""
    _PUT_BACK.append(put_back)


def _reopened(parcours: Parcours, _person: Person, _move: Move, _by: uuid.UUID) -> None:
    """What the exit had written is taken back, and what it gave up put back; the journal and the history keep it."""
    was = find_status_before_exit(parcours.id)
    assert was is not None  # noqa: S101 - a parcours that left was closed
    if was is Status.SUSPENDU:
        pause = find_last_suspension(parcours.id)
        if pause is not None:
            pause.ended_on = None
    parcours.status, parcours.ended_on, parcours.end_reason = was, None, None
    db.session.flush()
    given_up = db.session.scalar(sa.select(Exit.given_up).where(Exit.parcours_id == parcours.id))
    for put_back in _PUT_BACK:
        put_back(parcours.id, given_up or ())
    db.session.execute(sa.delete(Exit).where(Exit.parcours_id == parcours.id))
    db.session.execute(
        sa.delete(Snapshot).where(Snapshot.parcours_id == parcours.id, Snapshot.moment != Moment.ENTRY)
    )


_EFFECTS: dict[Event, Callable[[Parcours, Person, Move, uuid.UUID], None]] = {
    Event.CONTACT_OK: _contacted,
    Event.FIRST_MET: _met,
    Event.START_ASSESSMENT: _assessed,
    Event.PROPOSE: _proposed,
    Event.ENROLL: _enrolled,
    Event.DECLINE: _declined,
    Event.SUSPEND: _suspended,
    Event.RESUME: _resumed,
    Event.HIRE: _hired,
    Event.CONTRACT_BROKEN: _broken,
    Event.CLOSE: _closed,
    Event.REOPEN: _reopened,
}


@dataclass(frozen=True)
class Checked:
    """How a job goes, asked at one of its moments."""

    moment: CheckMoment
    done_on: date
    in_job: bool
    note: str | None = None


def record_check(job: Job, checked: Checked, *, by: uuid.UUID) -> bool:
    """Keep how a job goes; False when this moment was already recorded, even an instant ago."""
    kept = db.session.execute(
        pg.insert(JobCheck)
        .values(
            id=uuid.uuid4(),
            cite_id=job.cite_id,
            person_id=job.person_id,
            job_id=job.id,
            recorded_by_id=by,
            recorded_at=now(),
            **vars(checked),
        )
        .on_conflict_do_nothing(index_elements=["job_id", "moment"])
        .returning(JobCheck.id)
    )
    return kept.one_or_none() is not None


def take_snapshot(
    parcours: Parcours,
    person: Person,
    moment: Moment,
    *,
    on: date,
    by: uuid.UUID,
    situation: Situation | None,
) -> bool:
    """Freeze a situation; None when the person was not reached. False when this moment was already recorded.

    Age, gender, neighbourhood and the criteria that follow from other answers are written and never asked; an age
    that cannot be right is left unknown.
    """
    facts: dict[str, Any] = {"is_reached": situation is not None}
    if situation is not None:
        age = credible_age_on(person.birth_date, on)
        in_qpv = _in_qpv(person)
        derived = derived_criteria(situation, age=age, in_qpv=in_qpv)
        facts |= {
            **vars(situation),
            "resources": list(situation.resources),
            "mobility": list(situation.mobility),
            "criteria": sorted({*situation.criteria, *derived}),
            "age": age,
            "gender": Gender(person.gender),
            "in_qpv": in_qpv,
            "qpv_id": person.qpv_id,
        }
    kept = db.session.execute(
        pg.insert(Snapshot)
        .values(
            id=uuid.uuid4(),
            **parcours.ties,
            moment=moment,
            taken_on=on,
            recorded_by_id=by,
            recorded_at=now(),
            **facts,
        )
        .on_conflict_do_nothing(index_elements=["parcours_id", "moment"])
        .returning(Snapshot.id)
    )
    return kept.one_or_none() is not None


def _in_qpv(person: Person) -> bool | None:
    return {QpvAnswer.INSIDE: True, QpvAnswer.OUTSIDE: False}.get(QpvAnswer(person.qpv_answer))


def _freeze_entry(parcours: Parcours, person: Person, on: date) -> None:
    """Figures about entries read what was true on that day, never the present profile (domain.md §0, 5)."""
    parcours.started_on = on
    parcours.entry_gender = Gender(person.gender)
    parcours.entry_age = credible_age_on(person.birth_date, on)
    parcours.entry_in_qpv = _in_qpv(person)


def assign_referent(
    parcours: Parcours,
    *,
    referent_id: uuid.UUID | None,
    organisation_id: uuid.UUID | None,
    reason: str | None,
    assigned_by: uuid.UUID,
    batch_id: uuid.UUID | None = None,
    referent_email: str | None = None,
) -> Assignment:
    """Make somebody the référent from now on, ending the present assignment; the new référent is written to.

    `referent_email` is given when a letter must leave: not when somebody assigns themself, nor when whoever
    assigns several at once writes one letter for all. The former assignment ends as this one begins, in one
    instant: that is how undoing knows what to put back.
    """
    at = now()
    present = find_current_assignment(parcours.id)
    if present is not None:
        present.ended_at, present.ended_by_id, present.end_reason = at, assigned_by, reason
        db.session.flush()
    assignment = Assignment(
        id=uuid.uuid4(),
        **parcours.ties,
        kind=AssignmentKind.REFERENT,
        referent_id=referent_id,
        organisation_id=organisation_id,
        reason=reason,
        batch_id=batch_id,
        assigned_by_id=assigned_by,
        started_at=at,
    )
    db.session.add(assignment)
    if referent_email:
        outbox.queue(
            "assignment",
            to=referent_email,
            about=str(assignment.id),
            assignment=str(assignment.id),
            referent=str(referent_id),
        )
    return assignment


@dataclass(frozen=True)
class Sighting:
    """How somebody was spotted: when, how, where, what they asked for first, and what they agreed to."""

    spotted_on: date
    channel: SpottingChannel
    place: str | None
    first_need: str | None
    agreed_to_be_contacted: bool
    was_informed: bool
    becomes_referent: bool = False


def spot_person(person: Person, sighting: Sighting, *, by: Professional) -> Parcours:
    """Keep a new person with how they were spotted, and their first parcours.

    Written row by row: a spotter sees the person only once the spotting is there. IntegrityError when the
    person's identifier was already used: the same form sent twice.
    """
    person.created_by_id = by.id
    db.session.add(person)
    db.session.flush()
    return _begin(person, sighting, by)


def spot_again(
    person: Person, sighting: Sighting, *, by: Professional, former_id: uuid.UUID | None = None
) -> Parcours:
    """Open a new parcours for somebody whose parcours is closed; whoever followed the former one is thanked.

    It is tied to the former one. IntegrityError when a parcours is already open.
    """
    parcours = _begin(person, sighting, by, former_id)
    db.session.execute(sa.select(sa.func.app.leave_former(person.id)))
    return parcours


def _begin(
    person: Person, sighting: Sighting, by: Professional, former_id: uuid.UUID | None = None
) -> Parcours:
    parcours = open_parcours(person, spotted_on=sighting.spotted_on, reopened_from_id=former_id)
    db.session.flush()
    db.session.add(
        Spotting(
            **parcours.ties,
            spotted_on=sighting.spotted_on,
            channel=sighting.channel,
            place=sighting.place,
            first_need=sighting.first_need,
            agreed_to_be_contacted=sighting.agreed_to_be_contacted,
            was_informed=sighting.was_informed,
            spotted_by_id=by.id,
            organisation_id=by.organisation_id,
        )
    )
    db.session.flush()
    if sighting.becomes_referent:
        assign_referent(
            parcours,
            referent_id=by.id,
            organisation_id=by.organisation_id,
            reason="Repérage",
            assigned_by=by.id,
        )
        db.session.flush()
    return parcours


# How exits are read


def choose_ruleset(ruleset_id: uuid.UUID) -> bool:
    """Read the exits of the Cité so from now on; False when it is no ruleset of the nation nor of this Cité."""
    return bool(db.session.scalar(sa.select(sa.func.app.choose_exit_ruleset(ruleset_id))))


def adapt_ruleset(national: Reading, cite_id: uuid.UUID, *, by: uuid.UUID) -> bool:
    """Copy a national ruleset for a Cité to change; False when it has its copy already, even since an instant."""
    made = db.session.execute(
        pg.insert(ExitRuleset)
        .values(
            id=uuid.uuid4(),
            cite_id=cite_id,
            code=f"loc_{national.ruleset.code}",
            label=f"{national.ruleset.label}, adaptée par la Cité",
            is_active=True,
            created_by_id=by,
            created_at=now(),
        )
        .on_conflict_do_nothing(
            index_elements=["cite_id", "code"], index_where=ExitRuleset.cite_id.is_not(None)
        )
        .returning(ExitRuleset.id)
    ).one_or_none()
    if made is None:
        return False
    db.session.execute(
        sa.insert(ExitRuleRow),
        [
            {
                "ruleset_id": made.id,
                "exit_type": exit_type,
                "category": rule.category,
                "minimum_months": rule.minimum_months,
                "otherwise": rule.otherwise,
                "needs_evidence": rule.needs_evidence,
            }
            for exit_type, rule in national.rules.items()
        ],
    )
    return True


def change_rule(ruleset: ExitRuleset, row: ExitRuleRow, rule: ExitRule) -> None:
    """What one type of exit counts as from now on; the ruleset counts one more version."""
    row.category, row.minimum_months = rule.category, rule.minimum_months
    row.otherwise, row.needs_evidence = rule.otherwise, rule.needs_evidence
    flag_modified(ruleset, "label")
