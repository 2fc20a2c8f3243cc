"""The parcours of a person that counts now, its référent, its last move."""

import uuid
from typing import Any

import sqlalchemy as sa

from cityjobs.accounts.models import User
from cityjobs.core.db import db
from cityjobs.parcours.models import Assignment, Parcours, Spotting, Transition
from cityjobs.parcours.rules.lifecycle import CLOSED_STATUSES, AssignmentKind
from cityjobs.parcours.rules.reasons import SpottingChannel
from cityjobs.people.models import Person

is_open = Parcours.status.not_in([sa.literal_column(f"'{status}'") for status in sorted(CLOSED_STATUSES)])
"""Written out and not bound: the planner must recognise the condition of the partial indexes."""

its_person = sa.and_(Person.id == Parcours.person_id, Person.cite_id == Parcours.cite_id)
"""The Cité is told on both sides of a join: the planner then knows how many rows each side has."""


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
    return db.session.scalar(held(present) if to_change else present)


def held(wanted: sa.Select[Parcours]) -> sa.Select[Parcours]:
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
