"""What an exit counts as: a ruleset says it from the type of exit, how long it lasts and what proves it (domain.md §2.14)."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta


class ExitCategory(enum.StrEnum):
    """How an exit is counted."""

    DURABLE = "durable"
    TRANSITION = "transition"
    POSITIVE = "positive"
    AUTRE = "autre"
    NEUTRE = "neutre"


EXIT_CATEGORY_LABELS: dict[ExitCategory, str] = {
    ExitCategory.DURABLE: "Emploi durable",
    ExitCategory.TRANSITION: "Emploi de transition",
    ExitCategory.POSITIVE: "Sortie positive",
    ExitCategory.AUTRE: "Autre sortie",
    ExitCategory.NEUTRE: "Sortie neutre",
}

DYNAMIC_CATEGORIES = frozenset({ExitCategory.DURABLE, ExitCategory.TRANSITION, ExitCategory.POSITIVE})
"""« Sorties dynamiques »; neutral exits are counted in no rate."""


@dataclass(frozen=True)
class ExitRule:
    """What one type of exit counts as: `category` from `minimum_months` on where there is one, `otherwise` before."""

    category: ExitCategory
    minimum_months: int | None = None
    otherwise: ExitCategory | None = None
    needs_evidence: bool = False


@dataclass(frozen=True)
class ExitFacts:
    """What is known of an exit: its type, for how many whole months it has lasted or will last, and what proves it."""

    exit_type: str
    months: int | None = None
    evidence: str | None = None


def category_of(facts: ExitFacts, rules: Mapping[str, ExitRule]) -> ExitCategory:
    """What an exit counts as. Raises KeyError for a type that the ruleset does not know."""
    rule = rules[facts.exit_type]
    if rule.minimum_months is None or (facts.months or 0) >= rule.minimum_months:
        return rule.category
    return rule.otherwise or ExitCategory.AUTRE


def exit_refusal(facts: ExitFacts, rules: Mapping[str, ExitRule]) -> str | None:
    """Why an exit cannot be recorded so, in a whole sentence, or None."""
    rule = rules.get(facts.exit_type)
    if rule is None:
        return "Ce type de sortie n’est pas prévu par la lecture de votre Cité\u00a0: choisissez-en un autre."
    if rule.needs_evidence and category_of(facts, rules) is rule.category and not facts.evidence:
        return "Cette sortie demande un justificatif\u00a0: dites lequel vous avez vu."
    return None


def whole_months(started_on: date, ended_on: date) -> int:
    """How many whole months a job covers, its last day included."""
    span = relativedelta(ended_on + timedelta(days=1), started_on)
    return max(0, int(span.years) * 12 + int(span.months))
