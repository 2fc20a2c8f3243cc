"""Letters to référents: somebody is entrusted to them, or no longer is."""

import uuid

import sqlalchemy as sa
from flask import current_app

from cityjobs.coordination.queries import entrusted_now, taken_back
from cityjobs.coordination.rules import UNDONE, entrusted_subject, taken_back_subject
from cityjobs.core import outbox
from cityjobs.core.db import db
from cityjobs.core.outbox import Delivery, Outgoing
from cityjobs.core.post import Letter, write_letter
from cityjobs.parcours.rules.lifecycle import AssignmentKind


def _compose_entrusted(row: Outgoing) -> Letter | None:
    """What of a batch still holds; None when all of it was undone or given to others."""
    facts = row.facts
    lines = entrusted_now(
        uuid.UUID(facts["referent"]),
        batch_id=uuid.UUID(facts["batch"]) if "batch" in facts else None,
        assignment_id=uuid.UUID(facts["assignment"]) if "assignment" in facts else None,
    )
    if not lines:
        return None
    return write_letter(
        "assignment",
        subject=entrusted_subject(len(lines)),
        lines=lines,
        cite_name=lines[0].cite_name,
        seconding=lines[0].kind == AssignmentKind.CO_REFERENT,
        base=current_app.config["BASE_URL"],
    )


def _compose_taken_back(row: Outgoing) -> Letter | None:
    """Only for those who had read that somebody was entrusted to them."""
    announced = db.session.scalar(
        sa.select(Outgoing.state)
        .where(Outgoing.kind == "assignment", Outgoing.dedupe_key == row.dedupe_key)
        .with_for_update()
    )
    lines = taken_back(uuid.UUID(row.facts["referent"]), uuid.UUID(row.facts["batch"]), UNDONE)
    if announced != Delivery.SENT or not lines:
        return None
    return write_letter(
        "assignment_undone",
        subject=taken_back_subject(len(lines)),
        lines=lines,
        base=current_app.config["BASE_URL"],
    )


outbox.register("assignment", outbox.Kind(_compose_entrusted))
outbox.register("assignment_undone", outbox.Kind(_compose_taken_back))
