"""Reads about a parcours: the present one of a person, its référent, its history."""

import uuid

import sqlalchemy as sa

from cityjobs.core.db import db
from cityjobs.parcours.models import Assignment, Parcours
from cityjobs.parcours.rules import AssignmentKind


def find_present_parcours(person_id: uuid.UUID) -> Parcours | None:
    """The open parcours of a person, or else the last one; None when out of sight."""
    return db.session.scalar(
        sa.select(Parcours)
        .where(Parcours.person_id == person_id)
        .order_by(Parcours.ended_on.is_not(None), Parcours.spotted_on.desc(), Parcours.created_at.desc())
        .limit(1)
    )


def find_current_assignment(parcours_id: uuid.UUID) -> Assignment | None:
    """Who is the référent of a parcours now."""
    return db.session.scalar(
        sa.select(Assignment).where(
            Assignment.parcours_id == parcours_id, Assignment.kind == AssignmentKind.REFERENT, Assignment.ended_at.is_(None)
        )
    )
