"""Writes of the coordinator: giving persons to référents, taking it back, seconding a référent."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from cityjobs.accounts.models import User
from cityjobs.coordination.queries import assignments_of_batch, find_parcours, find_replaced
from cityjobs.coordination.rules import UNDONE, Outcome, Picked, Standing, Target, standing
from cityjobs.core import outbox
from cityjobs.core.clock import now
from cityjobs.core.db import db
from cityjobs.parcours.actions import assign_referent
from cityjobs.parcours.models import Assignment, Parcours
from cityjobs.parcours.queries.present import find_current_assignment
from cityjobs.parcours.rules.lifecycle import OPEN_STATUSES, AssignmentKind, Status


class SecondingRefused(Exception):
    """Somebody cannot be made a co-référent; the message is a whole French sentence."""


@dataclass(frozen=True)
class Attribution:
    """What is to be written of a batch: why, by whom, in which Cité, under which number."""

    cite_id: uuid.UUID
    batch_id: uuid.UUID
    by: uuid.UUID
    reason: str | None


def assign_each(
    picked: Sequence[Picked], targets: Mapping[uuid.UUID, Target], attribution: Attribution
) -> dict[uuid.UUID, Outcome]:
    """Give each parcours its target; what fails for one is undone for that one alone.

    Always in the same order, so that two coordinators at once wait for each other instead of dying together.
    Each new référent, but the author, gets one letter for the whole batch.
    """
    outcomes = {}
    for one in sorted(picked, key=lambda each: each.parcours_id):
        target = targets.get(one.parcours_id)
        outcomes[one.parcours_id] = _assign_one(one, target, attribution) if target else Outcome.NO_SUGGESTION
    told = {targets[key] for key, outcome in outcomes.items() if outcome is Outcome.DONE}
    for target in sorted(told, key=str):
        if target.email and target.referent_id != attribution.by:
            outbox.queue(
                "assignment",
                to=target.email,
                about=f"{attribution.batch_id}:{target.referent_id}",
                batch=str(attribution.batch_id),
                referent=str(target.referent_id),
            )
    return outcomes


def _assign_one(picked: Picked, target: Target, attribution: Attribution) -> Outcome:
    parcours = find_parcours(attribution.cite_id, picked.parcours_id)
    if parcours is None:
        return Outcome.NOT_FOUND
    if Status(parcours.status) not in OPEN_STATUSES:
        return Outcome.CLOSED
    present = find_current_assignment(parcours.id)
    if present is not None and present.batch_id == attribution.batch_id:
        return Outcome.DONE  # the same form, sent twice
    if (present.id if present else None) != picked.assignment_id:
        return Outcome.TAKEN
    if present is not None and _is_same(present, target):
        return Outcome.SAME
    try:
        with db.session.begin_nested():
            assign_referent(
                parcours,
                referent_id=target.referent_id,
                organisation_id=target.organisation_id,
                reason=attribution.reason,
                assigned_by=attribution.by,
                batch_id=attribution.batch_id,
            )
            db.session.flush()
    except sa.exc.IntegrityError:  # somebody else was faster: the database keeps one current référent
        return Outcome.TAKEN
    return Outcome.DONE


def _is_same(present: Assignment, target: Target) -> bool:
    if present.referent_id != target.referent_id:
        return False
    return target.referent_id is not None or present.organisation_id == target.organisation_id


def undo_batch(cite_id: uuid.UUID, batch_id: uuid.UUID, *, by: uuid.UUID) -> dict[uuid.UUID, Standing]:
    """Take a batch back: each attribution that still holds ends, and the one it had replaced begins again.

    Nothing is erased: undoing adds lines to the history. Returns, per parcours, what became of it.
    """
    stands: dict[uuid.UUID, Standing] = {}
    told: set[uuid.UUID] = set()
    for assignment in assignments_of_batch(cite_id, batch_id):
        before = standing(assignment.ended_at, assignment.end_reason)
        if before is not Standing.HOLDS:
            stands[assignment.parcours_id] = before
            continue
        stands[assignment.parcours_id] = _undo_one(assignment, by)
        referent_id = assignment.referent_id
        if stands[assignment.parcours_id] is Standing.UNDONE and referent_id and referent_id != by:
            told.add(referent_id)
    for referent_id, email in _addresses(told):
        outbox.queue(
            "assignment_undone",
            to=email,
            about=f"{batch_id}:{referent_id}",
            batch=str(batch_id),
            referent=str(referent_id),
        )
    return stands


def _addresses(user_ids: set[uuid.UUID]) -> Sequence[sa.Row[uuid.UUID, str]]:
    return db.session.execute(
        sa.select(User.id, User.email).where(User.id.in_(user_ids)).order_by(User.id)
    ).all()


def _undo_one(assignment: Assignment, by: uuid.UUID) -> Standing:
    former = find_replaced(assignment)
    parcours = find_parcours(assignment.cite_id, assignment.parcours_id)
    at = now()
    try:
        with db.session.begin_nested():
            assignment.ended_at, assignment.ended_by_id, assignment.end_reason = at, by, UNDONE
            db.session.flush()
            if former is not None and parcours is not None and Status(parcours.status) in OPEN_STATUSES:
                db.session.add(
                    Assignment(
                        id=uuid.uuid4(),
                        cite_id=former.cite_id,
                        person_id=former.person_id,
                        parcours_id=former.parcours_id,
                        kind=former.kind,
                        referent_id=former.referent_id,
                        organisation_id=former.organisation_id,
                        reason=UNDONE,
                        assigned_by_id=by,
                        started_at=at,
                    )
                )
                db.session.flush()
    except sa.exc.IntegrityError:  # it moved in the very instant
        return Standing.MOVED
    return Standing.UNDONE


def add_co_referent(parcours: Parcours, target: Target, *, reason: str | None, by: uuid.UUID) -> Assignment:
    """Let somebody second the référent and open the file; they are written to. Raises SecondingRefused."""
    if Status(parcours.status) not in OPEN_STATUSES:
        raise SecondingRefused("Ce parcours est clos\u00a0: son équipe ne change plus.")
    present = find_current_assignment(parcours.id)
    if present is not None and present.referent_id == target.referent_id:
        raise SecondingRefused("Cette personne est déjà le référent de ce parcours.")
    seconding = Assignment(
        id=uuid.uuid4(),
        **parcours.ties,
        kind=AssignmentKind.CO_REFERENT,
        referent_id=target.referent_id,
        organisation_id=target.organisation_id,
        reason=reason,
        assigned_by_id=by,
        started_at=now(),
    )
    try:
        with db.session.begin_nested():
            db.session.add(seconding)
            db.session.flush()
    except sa.exc.IntegrityError:
        raise SecondingRefused("Cette personne est déjà co-référente de ce parcours.") from None
    if target.email and target.referent_id != by:
        outbox.queue(
            "assignment",
            to=target.email,
            about=str(seconding.id),
            assignment=str(seconding.id),
            referent=str(target.referent_id),
        )
    return seconding


def end_co_referent(seconding: Assignment, *, by: uuid.UUID) -> None:
    """Somebody no longer seconds the référent; the line stays in the history."""
    seconding.ended_at, seconding.ended_by_id, seconding.end_reason = now(), by, "Retiré de l’équipe"
