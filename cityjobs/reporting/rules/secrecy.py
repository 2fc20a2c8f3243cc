"""What may leave the Cité: no count small enough to point to somebody, nor what on its page would let it be found."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cityjobs.reporting.rules.figures import FIGURES, Kind, Measure

SMALLEST_PUBLISHED = 6
"""Cells of 5 and less are hidden in whatever leaves the Cité (domain.md §1.5)."""


@dataclass(frozen=True)
class Sum:
    """A published total and its parts; `rest` is a part that is never shown, None when there is none."""

    total: str
    parts: tuple[str, ...]
    rest: int | None = None


def is_small(count: int) -> bool:
    """Whether a count could point to somebody."""
    return count < SMALLEST_PUBLISHED


def cells_to_hide(cells: Mapping[str, int], sums: Iterable[Sum]) -> frozenset[str]:
    """Which counts must not be published: the small ones, and as many others as it takes to keep them unfindable.

    Afterwards each small count, even by who subtracts what is published in any of these sums and knows this rule,
    could be anything from 0 to 5. The smallest other cell is hidden first, a total last. Only these sums count: not what
    other pages say, of another period or another month.
    """
    sums = tuple(sums)
    hidden = {name for name, count in cells.items() if is_small(count)}
    while True:
        sacrificed = next((cell for each in sums if (cell := _next_to_hide(cells, each, hidden))), None)
        if sacrificed is None:
            return frozenset(hidden)
        hidden.add(sacrificed)


def _next_to_hide(cells: Mapping[str, int], each: Sum, hidden: set[str]) -> str | None:
    unknown = [cells[part] for part in each.parts if part in hidden]
    shown = [part for part in each.parts if part not in hidden]
    if each.total in hidden:
        exposed = bool(shown) and not unknown and each.rest is None
    else:
        exposed = _is_exposed(cells[each.total] - sum(cells[part] for part in shown), unknown, each.rest)
    if not exposed:
        return None
    if shown:
        return min(shown, key=lambda part: (cells[part], part))
    return None if each.total in hidden else each.total


def _is_exposed(remainder: int, unknown: list[int], rest: int | None) -> bool:
    """Whether a small count among those that add up to a known remainder could not be anything from 0 to 5.

    The worst reader is assumed: one who knows which hidden counts are small and which only cover for them.
    """
    most = SMALLEST_PUBLISHED - 1
    small = sum(is_small(count) for count in unknown)
    covers = len(unknown) - small
    too_high = remainder - covers * SMALLEST_PUBLISHED < most
    if small and (too_high or (not covers and rest is None and remainder > most * (small - 1))):
        return True
    return rest is not None and is_small(rest) and (too_high or (not covers and remainder > most * small))


def hides_share(measure: Measure) -> bool:
    """Whether a share would tell of 5 persons or less, on either side."""
    return is_small(measure.rows) or is_small(measure.known - measure.rows)


@dataclass(frozen=True)
class Breakdown:
    """A figure cut into named parts, in the order in which they are shown; `name` is what the parts are."""

    name: str
    total: str
    parts: Mapping[str, int]


def hidden_cells(measures: Mapping[str, Measure], breakdowns: Iterable[Breakdown]) -> frozenset[str]:
    """Codes of figures, and `name/part` of breakdowns, that must not leave the Cité."""
    counts = {code: measures[code].rows for code, figure in FIGURES.items() if figure.kind is Kind.COUNT}
    sums = [
        Sum(figure.within, (code,), max(0, counts[figure.within] - counts[code]))
        for code, figure in FIGURES.items()
        if figure.kind is Kind.COUNT and figure.within
    ]
    for breakdown in breakdowns:
        counts |= {f"{breakdown.name}/{part}": count for part, count in breakdown.parts.items()}
        sums.append(Sum(breakdown.total, tuple(f"{breakdown.name}/{part}" for part in breakdown.parts)))
    hidden = set(cells_to_hide(counts, sums))
    for code, figure in FIGURES.items():
        shares = figure.kind is Kind.SHARE and (hides_share(measures[code]) or figure.within in hidden)
        if shares or (figure.kind is Kind.MEDIAN and is_small(measures[code].rows)):
            hidden.add(code)
    return frozenset(hidden)
