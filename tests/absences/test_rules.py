"""Days of an absence: which are possible, and how one stands on each."""

from datetime import date, timedelta

import pytest

from cityjobs.absences.rules import (
    AbsenceRefused,
    Days,
    Standing,
    check_days,
    last_day,
    standing_of,
    year_after,
)

MONDAY = date(2026, 11, 23)
WEEK = Days(MONDAY, MONDAY + timedelta(days=6))


@pytest.mark.parametrize(
    ("days", "standing"),
    [(-1, Standing.COMING), (0, Standing.UNDER_WAY), (6, Standing.UNDER_WAY), (7, Standing.OVER)],
)
def test_both_days_count(days: int, standing: Standing) -> None:
    assert standing_of(WEEK, None, MONDAY + timedelta(days=days)) is standing


def test_whoever_ends_it_before_the_first_day_calls_it_off() -> None:
    assert standing_of(WEEK, MONDAY - timedelta(days=1), MONDAY) is Standing.CALLED_OFF
    assert standing_of(WEEK, MONDAY, MONDAY) is Standing.HANDED_BACK
    assert last_day(WEEK, MONDAY + timedelta(days=2)) == MONDAY + timedelta(days=2)
    assert last_day(WEEK, None) == WEEK.ends_on


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (0, -1, "La fin est avant le début"),
        (-9, -1, "déjà passée"),
        (0, 366, "un an au plus"),
    ],
)
def test_days_that_cannot_be(first: int, last: int, said: str) -> None:
    days = Days(MONDAY + timedelta(days=first), MONDAY + timedelta(days=last))
    with pytest.raises(AbsenceRefused, match=said) as refused:
        check_days(days, MONDAY)
    assert refused.value.field == "ends_on"


def test_a_day_a_year_and_one_that_began_are_possible() -> None:
    for first, last in ((0, 0), (0, 365), (-5, 0), (300, 300)):
        check_days(Days(MONDAY + timedelta(days=first), MONDAY + timedelta(days=last)), MONDAY)
    assert year_after(date(2028, 2, 29)) == date(2029, 2, 28)
