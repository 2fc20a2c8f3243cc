"""How exits are read: the rulesets of the nation and those of a Cité."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from cityjobs.core.db import db
from cityjobs.parcours.models import ExitRuleRow, ExitRuleset
from cityjobs.parcours.rules.exits import ExitCategory, ExitRule
from cityjobs.parcours.rules.reasons import ExitReason
from cityjobs.territory.models import Cite

NATIONAL_READING = "iae"
"""By which exits are read where a Cité has chosen nothing."""


@dataclass(frozen=True)
class Reading:
    """A ruleset with its rules by type of exit."""

    ruleset: ExitRuleset
    rules: Mapping[str, ExitRule]


def _rule_of(row: ExitRuleRow) -> ExitRule:
    return ExitRule(
        ExitCategory(row.category),
        row.minimum_months,
        ExitCategory(row.otherwise) if row.otherwise else None,
        row.needs_evidence,
    )


def readings_of(cite_id: uuid.UUID) -> list[Reading]:
    """The rulesets that a Cité may read its exits by: those of the nation, then its own."""
    rows = db.session.execute(
        sa.select(ExitRuleset, ExitRuleRow)
        .join(ExitRuleRow, ExitRuleRow.ruleset_id == ExitRuleset.id)
        .where(sa.or_(ExitRuleset.cite_id.is_(None), ExitRuleset.cite_id == cite_id), ExitRuleset.is_active)
        .order_by(ExitRuleset.cite_id.is_not(None), ExitRuleset.code)
    )
    read: dict[uuid.UUID, tuple[ExitRuleset, dict[str, ExitRule]]] = {}
    for ruleset, row in rows:
        read.setdefault(ruleset.id, (ruleset, {}))[1][row.exit_type] = _rule_of(row)
    return [Reading(ruleset, rules) for ruleset, rules in read.values()]


def _chosen_in(cite_id: uuid.UUID) -> sa.ScalarSelect[uuid.UUID]:
    national = (
        sa.select(ExitRuleset.id)
        .where(ExitRuleset.cite_id.is_(None), ExitRuleset.code == NATIONAL_READING)
        .scalar_subquery()
    )
    return (
        sa.select(sa.func.coalesce(Cite.exit_ruleset_id, national))
        .where(Cite.id == cite_id)
        .scalar_subquery()
    )


def find_chosen_ruleset_id(cite_id: uuid.UUID) -> uuid.UUID | None:
    """The ruleset in force in a Cité: the one it chose, else the national one."""
    return db.session.scalar(sa.select(_chosen_in(cite_id)))


def find_reading_in_force(cite_id: uuid.UUID) -> Reading:
    """The ruleset by which the exits of a Cité are read today, with its rules: one query."""
    rows = db.session.execute(
        sa.select(ExitRuleset, ExitRuleRow)
        .join(ExitRuleRow, ExitRuleRow.ruleset_id == ExitRuleset.id)
        .where(ExitRuleset.id == _chosen_in(cite_id))
    ).all()
    return Reading(rows[0][0], {row.exit_type: _rule_of(row) for _, row in rows})


def find_own_ruleset(
    cite_id: uuid.UUID, ruleset_id: uuid.UUID, *, to_change: bool = False
) -> ExitRuleset | None:
    """A ruleset that this very Cité may change; None for one of the nation or of another."""
    wanted = sa.select(ExitRuleset).where(ExitRuleset.id == ruleset_id, ExitRuleset.cite_id == cite_id)
    return db.session.scalar(wanted.with_for_update() if to_change else wanted)


def find_rule(ruleset_id: uuid.UUID, exit_type: ExitReason) -> ExitRuleRow | None:
    """What one type of exit counts as in a ruleset."""
    return db.session.get(ExitRuleRow, (ruleset_id, exit_type))
