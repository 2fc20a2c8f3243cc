"""What is still open when a parcours ends, and the one decision that closes each of them.

Each kind of thing has its keeper in KEEPERS: whoever adds a kind adds a keeper, and the closing page asks about it.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import sqlalchemy as sa

from cityjobs.core.clock import today
from cityjobs.core.db import db
from cityjobs.core.web import day
from cityjobs.diagnosis.actions import close_diagnosis, stand_in
from cityjobs.diagnosis.models import Diagnosis, Frein
from cityjobs.followups.actions import drop_step, finish_step, take_back_step
from cityjobs.followups.models import NextStep
from cityjobs.followups.rules import StepState
from cityjobs.parcours.actions import when_reopened
from cityjobs.plans.actions import close_etape, close_goal, end_agreement, take_up_again
from cityjobs.plans.models import Agreement, Etape, Goal
from cityjobs.plans.queries.due import OpenThing, open_things
from cityjobs.plans.rules import ETAPE_STATUS_LABELS, EtapeStatus

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
    stood: str = ""
    giving_up: str = ""
    """The decision that the exit alone calls for: taken back with it, the thing stands again as it `stood`."""

    @property
    def name(self) -> str:
        """The name of its field."""
        return f"{self.kind}_{self.id.hex}"


class Keeper(Protocol):
    """Knows some kinds of things that a closed parcours leaves open."""

    kinds: tuple[str, ...]

    def open_of(self, parcours_id: uuid.UUID, *, to_change: bool) -> list[Leftover]:
        """Those of a parcours, held against other writers when they are about to be closed."""

    def settle(self, left: Leftover, decision: str, *, on: date, by: uuid.UUID) -> None:
        """Close one of them as decided, on the day of the exit."""

    def put_back(self, parcours_id: uuid.UUID, kind: str, thing_id: uuid.UUID, stood: str) -> None:
        """Take up again what was given up for the exit alone."""


class NextSteps:
    """What was to be done next."""

    kinds: tuple[str, ...] = ("step",)
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
            Leftover(
                self.kinds[0],
                row.id,
                row.title,
                f"à faire, {day(row.due_on)}",
                self.decisions,
                giving_up="cancelled",
            )
            for row in rows
        ]

    def settle(self, left: Leftover, decision: str, *, on: date, by: uuid.UUID) -> None:  # noqa: ARG002
        """Done, or given up."""
        step = db.session.get_one(NextStep, left.id)
        if decision == "done":
            finish_step(step, by=by)
        else:
            drop_step(step, by=by, reason=CLOSED_WITH_THE_PARCOURS)

    def put_back(self, parcours_id: uuid.UUID, kind: str, thing_id: uuid.UUID, stood: str) -> None:  # noqa: ARG002
        """To do again, on the day that was agreed."""
        step = db.session.get(NextStep, thing_id)
        if step is not None and step.parcours_id == parcours_id and step.state == StepState.CANCELLED:
            take_back_step(step)


class Plan:
    """What is open in the plan, étapes, goals, the agreement, and the version of the diagnosis that nobody finished."""

    kinds: tuple[str, ...] = ("etape", "goal", "agreement", "diagnosis")
    decisions: Mapping[str, tuple[tuple[str, str], ...]] = {
        "etape": (("done", "Elle est réalisée"), ("not_done", "Elle ne se fera pas")),
        "goal": (("reached", "Il est atteint"), ("dropped", "Il est mis de côté")),
        "agreement": (("ended", "Il prend fin avec le parcours"),),
        "diagnosis": (("finished", "Elle s’arrête là, telle qu’elle est"),),
    }
    giving_up: Mapping[str, str] = {"etape": "not_done", "goal": "dropped", "agreement": "ended"}
    """Not the diagnosis: a finished version never changes, the next one begins as its copy."""

    def open_of(self, parcours_id: uuid.UUID, *, to_change: bool) -> list[Leftover]:
        """Étapes planned, begun or waiting; goals still pursued; the agreement in force; the version being filled."""
        return [
            Leftover(
                each.kind,
                each.id,
                *_said_of(each),
                self.decisions[each.kind],
                stood=each.status,
                giving_up=self.giving_up.get(each.kind, ""),
            )
            for each in open_things(parcours_id, to_change=to_change)
        ]

    def settle(self, left: Leftover, decision: str, *, on: date, by: uuid.UUID) -> None:  # noqa: ARG002
        """Done or not, reached or dropped, ended; a diagnosis finished, the freins as they stand kept beside it."""
        if left.kind == "etape":
            close_etape(db.session.get_one(Etape, left.id), done=decision == "done", on=on, today=today())
        elif left.kind == "goal":
            close_goal(db.session.get_one(Goal, left.id), reached=decision == "reached", on=on)
        elif left.kind == "diagnosis":
            diagnosis = db.session.get_one(Diagnosis, left.id)
            freins = db.session.scalars(sa.select(Frein).where(Frein.parcours_id == diagnosis.parcours_id))
            close_diagnosis(diagnosis, {row.code: stand_in(row) for row in freins}, on=on)
        else:
            end_agreement(db.session.get_one(Agreement, left.id), on=on)

    def put_back(self, parcours_id: uuid.UUID, kind: str, thing_id: uuid.UUID, stood: str) -> None:
        """Étapes as they were, goals pursued again, the agreement in force again."""
        models: dict[str, Any] = {"etape": Etape, "goal": Goal, "agreement": Agreement}
        thing: Etape | Goal | Agreement | None = db.session.get(models[kind], thing_id)
        if thing is not None and thing.parcours_id == parcours_id:
            take_up_again(thing, stood)


def _said_of(thing: OpenThing) -> tuple[str, str]:
    """How one thing is called, and where it stands."""
    if thing.kind == "diagnosis":
        return f"Diagnostic, version {thing.label}", f"commencée le {day(thing.on)}"
    if thing.kind == "agreement":
        return f"Contrat d’engagement n° {thing.label}", f"accord du {day(thing.on)}"
    if thing.kind == "goal":
        return thing.label, f"objectif du {day(thing.on)}"
    stands = f"étape {ETAPE_STATUS_LABELS[EtapeStatus(thing.status)].lower()}"
    return thing.label, f"{stands}, {day(thing.on)}" if thing.on else stands


KEEPERS: list[Keeper] = [NextSteps(), Plan()]


def leftovers_of(parcours_id: uuid.UUID, *, to_change: bool = False) -> list[Leftover]:
    """All that is still open in a parcours, kind after kind."""
    return [left for keeper in KEEPERS for left in keeper.open_of(parcours_id, to_change=to_change)]


def given_up(decided: Sequence[tuple[Leftover, str]]) -> list[dict[str, str]]:
    """What the exit alone gives up, to be put back if it is taken back; what was done stays done."""
    return [
        {"kind": left.kind, "id": str(left.id), "stood": left.stood}
        for left, decision in decided
        if decision == left.giving_up
    ]


def settle(decided: Sequence[tuple[Leftover, str]], *, on: date, by: uuid.UUID) -> None:
    """Close each thing as decided."""
    for left, decision in decided:
        _keeper_of(left.kind).settle(left, decision, on=on, by=by)


def put_back(parcours_id: uuid.UUID, things: Sequence[Mapping[str, str]]) -> None:
    """Take up again, in a parcours whose exit is taken back, what that exit gave up."""
    for thing in things:
        _keeper_of(thing["kind"]).put_back(parcours_id, thing["kind"], uuid.UUID(thing["id"]), thing["stood"])


def _keeper_of(kind: str) -> Keeper:
    return next(keeper for keeper in KEEPERS if kind in keeper.kinds)


when_reopened(put_back)
