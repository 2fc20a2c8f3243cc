"""Writes about a parcours: opening, moving, giving it a référent."""

import uuid
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from cityjobs.accounts.rules import Professional
from cityjobs.core import outbox
from cityjobs.core.clock import now
from cityjobs.core.db import db
from cityjobs.parcours.models import Assignment, Parcours, Spotting, Transition
from cityjobs.parcours.queries import find_current_assignment
from cityjobs.parcours.rules.lifecycle import TRANSITIONS, AssignmentKind, Event, Move, Status, refusal
from cityjobs.parcours.rules.reasons import SpottingChannel
from cityjobs.people.models import Person
from cityjobs.people.rules import Gender, age_on
from cityjobs.territory.rules import QpvAnswer


class MoveRefused(Exception):
    """The move is not allowed from here; the message is a whole French sentence."""


def open_parcours(person: Person, *, spotted_on: date) -> Parcours:
    """Begin a parcours; the database refuses a second open one for the same person (uq_parcours_open)."""
    parcours = Parcours(
        id=uuid.uuid4(),
        cite_id=person.cite_id,
        person_id=person.id,
        status=Status.REPERE,
        spotted_on=spotted_on,
    )
    db.session.add(parcours)
    return parcours


def move_parcours(
    parcours: Parcours, person: Person, move: Move, *, today: date, recorded_by: uuid.UUID
) -> Transition:
    """Record an event: the status changes, the day is kept, the history gains a line. Raises MoveRefused."""
    refused = refusal(Status(parcours.status), move, today=today, not_before=last_move_on(parcours))
    if refused:
        raise MoveRefused(refused)
    transition = Transition(
        cite_id=parcours.cite_id,
        person_id=parcours.person_id,
        parcours_id=parcours.id,
        event=move.event,
        from_status=parcours.status,
        to_status=TRANSITIONS[Status(parcours.status), move.event],
        happened_on=move.on,
        reason=move.reason,
        recorded_by_id=recorded_by,
    )
    parcours.status = transition.to_status
    if move.event is Event.CONTACT_OK:
        parcours.contacted_on = move.on
    elif move.event is Event.FIRST_MET:
        parcours.met_on, parcours.contacted_on = move.on, parcours.contacted_on or move.on
    elif move.event is Event.START_ASSESSMENT:
        parcours.diagnosed_on = move.on
    elif move.event is Event.ENROLL:
        _freeze_entry(parcours, person, move.on)
    else:
        parcours.ended_on, parcours.end_reason = move.on, move.reason
    db.session.add(transition)
    return transition


def last_move_on(parcours: Parcours) -> date:
    """The day of the last move, before which nothing else can have happened."""
    days = (
        parcours.spotted_on,
        parcours.contacted_on,
        parcours.met_on,
        parcours.diagnosed_on,
        parcours.started_on,
    )
    return max(day for day in days if day)


def _freeze_entry(parcours: Parcours, person: Person, on: date) -> None:
    """Figures about entries read what was true on that day, never the present profile (domain.md §0, 5)."""
    parcours.started_on = on
    parcours.entry_gender = Gender(person.gender)
    parcours.entry_age = age_on(person.birth_date, on)
    parcours.entry_in_qpv = {QpvAnswer.INSIDE: True, QpvAnswer.OUTSIDE: False}.get(
        QpvAnswer(person.qpv_answer)
    )


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
        cite_id=parcours.cite_id,
        person_id=parcours.person_id,
        parcours_id=parcours.id,
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


def spot_again(person: Person, sighting: Sighting, *, by: Professional) -> Parcours:
    """Open a new parcours for somebody whose parcours is closed; whoever followed the former one is thanked.

    IntegrityError when a parcours is already open.
    """
    parcours = _begin(person, sighting, by)
    db.session.execute(sa.select(sa.func.app.leave_former(person.id)))
    return parcours


def _begin(person: Person, sighting: Sighting, by: Professional) -> Parcours:
    parcours = open_parcours(person, spotted_on=sighting.spotted_on)
    db.session.flush()
    db.session.add(
        Spotting(
            cite_id=person.cite_id,
            person_id=person.id,
            parcours_id=parcours.id,
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
