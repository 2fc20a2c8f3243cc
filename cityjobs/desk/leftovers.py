"""What is still open when a parcours ends, and the one decision that closes each of them.

Each kind of thing has its keeper in KEEPERS: whoever adds a kind adds a keeper, and the closing page asks about it.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import sqlalchemy as sa

from cityjobs.core.db import db
from cityjobs.core.web import day
from cityjobs.followups.actions import drop_step, finish_step
from cityjobs.followups.models import NextStep
from cityjobs.followups.rules import StepState

CLOSED_WITH_THE_PARCOURS = "Parcours clos"


@dataclass(frozen=True)
class Leftover:
    """One thing still open: what it is, and the decisions that may close it, as codes and labels.

    `name` tells it from all others on the page; `kind` says which keeper closes it.
    """

    kind: str
    id: uuid.UUID
    label: str
    detail: str
    decisions: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """The name of its field."""
        return f"{self.kind}_{self.id.hex}"


class Keeper(Protocol):
    """Knows one kind of thing that a closed parcours leaves open."""

    kind: str

    def open_of(self, parcours_id: uuid.UUID, *, to_change: bool) -> list[Leftover]:
        """Those of a parcours, held against other writers when they are about to be closed."""

    def settle(self, left: Leftover, decision: str, *, on: date, by: uuid.UUID) -> None:
        """Close one of them as decided, on the day of the exit."""


class NextSteps:
    """What was to be done next."""

    kind = "step"
    decisions = (("done", "C’est fait"), ("cancelled", "Ce ne sera pas fait"))

    def open_of(self, parcours_id: uuid.UUID, *, to_change: bool) -> list[Leftover]:
        """Steps still to do."""
        steps = (
            sa.select(NextStep)
            .where(NextStep.parcours_id == parcours_id, NextStep.state == StepState.TODO)
            .order_by(NextStep.due_on, NextStep.created_at, NextStep.id)
        )
        rows = db.session.scalars(steps.with_for_update() if to_change else steps)
        return [
            Leftover(self.kind, row.id, row.title, f"à faire, {day(row.due_on)}", self.decisions)
            for row in rows
        ]

    def settle(self, left: Leftover, decision: str, *, on: date, by: uuid.UUID) -> None:  # noqa: ARG002
        """Done, or given up."""
        step = db.session.get_one(NextStep, left.id)
        if decision == "done":
            finish_step(step, by=by)
        else:
            drop_step(step, by=by, reason=CLOSED_WITH_THE_PARCOURS)


KEEPERS: list[Keeper] = [NextSteps()]


def leftovers_of(parcours_id: uuid.UUID, *, to_change: bool = False) -> list[Leftover]:
    """All that is still open in a parcours, kind after kind."""
    return [left for keeper in KEEPERS for left in keeper.open_of(parcours_id, to_change=to_change)]


def settle(decided: Sequence[tuple[Leftover, str]], *, on: date, by: uuid.UUID) -> None:
    """Close each thing as decided."""
    keepers = {keeper.kind: keeper for keeper in KEEPERS}
    for left, decision in decided:
        keepers[left.kind].settle(left, decision, on=on, by=by)
