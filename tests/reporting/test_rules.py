"""Periods, definitions, and what a reader who subtracts can find."""

from datetime import date, timedelta
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityjobs.parcours.rules.reasons import ExitReason
from cityjobs.reporting.rules.figures import (
    DYNAMIC_EXITS,
    FIGURES,
    NEUTRAL_EXITS,
    Kind,
    Measure,
    Trend,
    in_number,
    trend,
)
from cityjobs.reporting.rules.periods import (
    Period,
    Span,
    month_of,
    period_before,
    period_of,
    published_period_of,
    slices_of,
)
from cityjobs.reporting.rules.secrecy import (
    SMALLEST_PUBLISHED,
    Breakdown,
    Sum,
    cells_to_hide,
    hidden_cells,
    hides_share,
)

PROGRAMME = Period(date(2021, 1, 1), date(2027, 12, 31))
DAYS = st.dates(date(2019, 1, 1), date(2031, 12, 31))


@pytest.mark.parametrize("code", FIGURES)
def test_every_figure_says_what_it_is_in_whole_sentences(code: str) -> None:
    figure = FIGURES[code]
    assert figure.code == code and figure.label and figure.source
    assert figure.how.endswith(".") and "'" not in figure.how + figure.label
    assert figure.within is None or FIGURES[figure.within].kind is Kind.COUNT


def test_the_three_counts_are_three_different_definitions() -> None:
    assert len({FIGURES[code].how for code in ("ind_reperees", "ind_rencontrees", "ind_accompagnees")}) == 3


def test_exits_are_dynamic_or_neutral_or_neither_never_both() -> None:
    assert not DYNAMIC_EXITS & NEUTRAL_EXITS
    assert ExitReason.ABANDON not in DYNAMIC_EXITS | NEUTRAL_EXITS


@pytest.mark.parametrize(
    ("span", "today", "start", "end"),
    [
        (Span.MONTH, date(2026, 11, 22), date(2026, 11, 1), date(2026, 11, 22)),
        (Span.MONTH, date(2026, 3, 1), date(2026, 3, 1), date(2026, 3, 1)),
        (Span.LAST_MONTH, date(2026, 1, 15), date(2025, 12, 1), date(2025, 12, 31)),
        (Span.LAST_MONTH, date(2028, 3, 31), date(2028, 2, 1), date(2028, 2, 29)),
        (Span.QUARTER, date(2026, 1, 31), date(2025, 11, 1), date(2026, 1, 31)),
        (Span.YEAR, date(2026, 1, 1), date(2026, 1, 1), date(2026, 1, 1)),
        (Span.YEAR, date(2026, 12, 31), date(2026, 1, 1), date(2026, 12, 31)),
        (Span.PROGRAMME, date(2026, 11, 22), date(2021, 1, 1), date(2026, 11, 22)),
        (Span.PROGRAMME, date(2029, 5, 1), date(2021, 1, 1), date(2027, 12, 31)),
    ],
)
def test_a_span_is_these_days(span: Span, today: date, start: date, end: date) -> None:
    assert period_of(span, today, PROGRAMME) == Period(start, end)


@pytest.mark.parametrize(
    ("span", "today", "start", "end"),
    [
        (Span.LAST_MONTH, date(2026, 11, 1), date(2026, 10, 1), date(2026, 10, 31)),
        (Span.QUARTER, date(2026, 1, 31), date(2025, 10, 1), date(2025, 12, 31)),
        (Span.YEAR, date(2026, 1, 31), date(2025, 1, 1), date(2025, 12, 31)),
        (Span.YEAR, date(2026, 2, 1), date(2026, 1, 1), date(2026, 1, 31)),
        (Span.PROGRAMME, date(2026, 11, 22), date(2021, 1, 1), date(2026, 10, 31)),
    ],
)
def test_outside_the_cite_a_span_is_whole_months_that_are_over(
    span: Span, today: date, start: date, end: date
) -> None:
    period = published_period_of(span, today, PROGRAMME)
    assert period == Period(start, end) and period.months


@pytest.mark.parametrize(
    ("period", "before"),
    [
        (Period(date(2026, 3, 1), date(2026, 3, 31)), Period(date(2026, 2, 1), date(2026, 2, 28))),
        (Period(date(2026, 1, 1), date(2026, 12, 31)), Period(date(2025, 1, 1), date(2025, 12, 31))),
        (Period(date(2026, 11, 1), date(2026, 11, 22)), Period(date(2026, 10, 10), date(2026, 10, 31))),
        (Period(date(2026, 1, 1), date(2026, 1, 1)), Period(date(2025, 12, 31), date(2025, 12, 31))),
    ],
)
def test_the_period_before_is_equal_and_touches(period: Period, before: Period) -> None:
    assert period_before(period) == before
    assert before.end + timedelta(days=1) == period.start


@given(DAYS, st.integers(0, 2500), st.booleans())
def test_slices_are_exactly_the_period(start: date, length: int, weekly: bool) -> None:
    period = Period(start, start + timedelta(days=length))
    slices = slices_of(period, weekly=weekly)
    assert slices[0].period.start == period.start and slices[-1].period.end == period.end
    for one, following in pairwise(slices):
        assert one.period.end + timedelta(days=1) == following.period.start
    assert len({each.name for each in slices}) == len(slices)
    assert weekly or len(slices) <= 18


def test_a_year_end_keeps_its_iso_weeks() -> None:
    slices = slices_of(Period(date(2026, 12, 21), date(2027, 1, 10)))
    assert [each.name for each in slices] == ["semaine 52 de 2026", "semaine 53 de 2026", "semaine 1 de 2027"]


def test_a_month_ends_where_the_next_begins() -> None:
    assert month_of(date(2026, 12, 5)) == Period(date(2026, 12, 1), date(2026, 12, 31))


def test_a_change_is_good_or_bad_news_only_where_it_says_something() -> None:
    assert trend(FIGURES["ind_accompagnees"], 12, 10) is Trend.GOOD
    assert trend(FIGURES["ind_silencieux"], 12, 10) is Trend.BAD
    assert trend(FIGURES["ind_femmes"], 0.6, 0.5) is Trend.PLAIN
    assert trend(FIGURES["ind_accompagnees"], None, 10) is Trend.PLAIN


# What a reader who subtracts can find


def fillings(cells: dict[str, int], sums: list[Sum], hidden: frozenset[str]) -> list[dict[str, int]]:
    """Every way to fill what is hidden that agrees with what is published, for a reader who knows the rule:
    a small count lies from 0 to 5, a count hidden for another's sake from 6 up."""
    secret = sorted(hidden)
    top = max(cells.values(), default=0) + SMALLEST_PUBLISHED + 1
    ranges = [range(6) if cells[name] < SMALLEST_PUBLISHED else range(6, top) for name in secret]
    found = []
    for values in product(*ranges):
        world = {**cells, **dict(zip(secret, values, strict=True))}
        rests = [world[each.total] - sum(world[part] for part in each.parts) for each in sums]
        if all(rest == 0 if each.rest is None else rest >= 0 for each, rest in zip(sums, rests, strict=True)):
            found.append({**world, **{f"rest{n}": rest for n, rest in enumerate(rests)}})
    return found


SMALL_TABLES = st.lists(st.integers(0, 9), min_size=1, max_size=3)


@settings(max_examples=80, deadline=None)
@given(SMALL_TABLES)
def test_no_small_part_of_a_published_total_is_found_by_subtraction(counts: list[int]) -> None:
    parts = {f"p{n}": count for n, count in enumerate(counts)}
    cells = {"all": sum(counts), **parts}
    sums = [Sum("all", tuple(parts))]
    hidden = cells_to_hide(cells, sums)
    assert {name for name, count in cells.items() if count < SMALLEST_PUBLISHED} <= hidden
    worlds = fillings(cells, sums, hidden)
    for name, count in parts.items():
        if count < SMALLEST_PUBLISHED and "all" not in hidden:
            assert {world[name] for world in worlds} == set(range(6)), (cells, hidden)
    if "all" in hidden and sum(counts) >= SMALLEST_PUBLISHED:
        assert len({world["all"] for world in worlds}) > 1


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 40), st.integers(0, 40))
def test_neither_a_part_nor_what_is_left_of_it_is_found(part: int, left: int) -> None:
    cells = {"all": part + left, "part": part}
    sums = [Sum("all", ("part",), left)]
    hidden = cells_to_hide(cells, sums)
    worlds = fillings(cells, sums, hidden)
    if part < SMALLEST_PUBLISHED and "all" not in hidden:
        assert {world["part"] for world in worlds} >= set(range(6))
    if left < SMALLEST_PUBLISHED and "all" not in hidden:
        assert {world["rest0"] for world in worlds} >= set(range(6)), (cells, hidden)


def test_two_fives_are_not_given_away_by_their_sum() -> None:
    cells = {"all": 40, "a": 5, "b": 5, "c": 30}
    assert cells_to_hide(cells, [Sum("all", ("a", "b", "c"))]) == {"a", "b", "c"}


def test_large_tables_are_published_whole() -> None:
    cells = {"all": 60, "a": 20, "b": 40}
    assert cells_to_hide(cells, [Sum("all", ("a", "b"))]) == frozenset()


def test_a_cell_hidden_for_another_is_not_found_through_a_second_table() -> None:
    cells = {"all": 30, "week1": 3, "week2": 27, "north": 10, "south": 20}
    sums = [Sum("all", ("week1", "week2")), Sum("all", ("north", "south"))]
    hidden = cells_to_hide(cells, sums)
    assert hidden >= {"week1", "week2"}
    assert {world["week1"] for world in fillings(cells, sums, hidden)} == set(range(6))


def test_a_share_tells_nothing_of_five_persons_on_either_side() -> None:
    assert hides_share(Measure(5, 100)) and hides_share(Measure(95, 100))
    assert not hides_share(Measure(6, 100)) and not hides_share(Measure(94, 100))


def test_a_share_of_a_hidden_total_is_hidden_too() -> None:
    measures = {code: Measure(20, 40, 9.0) for code in FIGURES}
    measures["ind_accompagnees"] = Measure(4, 4)
    hidden = hidden_cells(measures, [Breakdown("qpv", "ind_accompagnees", {"a": 2, "b": 2})])
    assert {"ind_accompagnees", "ind_femmes", "ind_qpv", "ind_jeunes", "qpv/a", "qpv/b"} <= hidden
    assert "ind_reperees" not in hidden


def test_a_median_of_five_is_hidden() -> None:
    measures = {code: Measure(20, 40, 9.0) for code in FIGURES}
    measures["ind_delai_diag"] = Measure(5, 5, 12.0)
    assert "ind_delai_diag" in hidden_cells(measures, ())


def test_words_go_with_their_number() -> None:
    for value, word in ((0, "jour"), (1, "jour"), (1.5, "jour"), (2, "jours"), (-1, "jour"), (-4, "jours")):
        assert in_number("jours", value) == word
