"""The plans that a Cité keeps to be applied again."""

import uuid
from dataclasses import dataclass

import sqlalchemy as sa

from cityjobs.core.db import acting, db
from cityjobs.plans.models import PlanTemplate, PlanTemplateLine
from cityjobs.plans.rules import KeptLine


@dataclass(frozen=True)
class KeptPlan:
    """A plan that the Cité keeps, and its lines."""

    template: PlanTemplate
    lines: tuple[KeptLine, ...]


def kept_plans(*, aside: bool = False) -> list[KeptPlan]:
    """The plans that the Cité keeps, by name; `aside` adds those set aside, last."""
    chosen = PlanTemplate.cite_id == acting().cite_id
    rows = db.session.execute(
        sa.select(PlanTemplate, PlanTemplateLine)
        .join(PlanTemplateLine, PlanTemplateLine.template_id == PlanTemplate.id)
        .where(chosen if aside else sa.and_(chosen, PlanTemplate.is_active))
        .order_by(
            PlanTemplate.is_active.desc(), sa.func.app.fold(PlanTemplate.name), PlanTemplate.id, PlanTemplateLine.rank
        )
    )  # fmt: skip
    found: dict[uuid.UUID, tuple[PlanTemplate, list[KeptLine]]] = {}
    for template, line in rows:
        found.setdefault(template.id, (template, []))[1].append(_kept_line(line))
    return [KeptPlan(template, tuple(lines)) for template, lines in found.values()]


def _kept_line(line: PlanTemplateLine) -> KeptLine:
    return KeptLine(
        line.goal_label, line.frein_code, line.goal_code, line.etape_type, line.etape_label, line.after_days
    )


def lines_of(template_id: uuid.UUID) -> list[KeptLine]:
    """The lines of a kept plan, in their order."""
    wanted = sa.select(PlanTemplateLine).where(PlanTemplateLine.template_id == template_id)
    return [_kept_line(line) for line in db.session.scalars(wanted.order_by(PlanTemplateLine.rank))]


def find_kept_plan(template_id: uuid.UUID, *, to_change: bool = False) -> PlanTemplate | None:
    """A plan that this very Cité keeps; None for any other. `to_change` makes overlapping writers wait."""
    wanted = sa.select(PlanTemplate).where(
        PlanTemplate.id == template_id, PlanTemplate.cite_id == acting().cite_id
    )
    return db.session.scalar(wanted.with_for_update(key_share=True) if to_change else wanted)
