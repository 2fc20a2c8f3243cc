"""Over which days figures are asked, and how these days are cut."""

import enum
import math
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Period:
    """Days from `start` to `end`, both included."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """How many days; at least one."""
        return (self.end - self.start).days + 1

    @property
    def months(self) -> int:
        """How many calendar months exactly, or 0 when it does not begin and end with one."""
        if self.start.day != 1 or (self.end + timedelta(days=1)).day != 1:
            return 0
        return (self.end.year - self.start.year) * 12 + self.end.month - self.start.month + 1

    def until(self, day: date) -> "Period":
        """The same, ending on a day at the latest (but never before it starts)."""
        return Period(self.start, max(self.start, min(self.end, day)))


def months_later(day: date, months: int) -> date:
    """The first day of the month that many months later, or earlier when negative."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def month_of(day: date) -> Period:
    """The calendar month of a day."""
    return Period(day.replace(day=1), months_later(day, 1) - timedelta(days=1))


def period_before(period: Period) -> Period:
    """The equal period just before: as many whole months where it is whole months, else as many days."""
    end = period.start - timedelta(days=1)
    if period.months:
        return Period(months_later(period.start, -period.months), end)
    return Period(end - timedelta(days=period.days - 1), end)


class Span(enum.StrEnum):
    """The periods offered."""

    MONTH = "mois"
    LAST_MONTH = "mois-dernier"
    QUARTER = "3-mois"
    YEAR = "annee"
    PROGRAMME = "programme"
    FREE = "libre"


SPAN_LABELS: dict[Span, str] = {
    Span.MONTH: "Ce mois",
    Span.LAST_MONTH: "Mois dernier",
    Span.QUARTER: "3 mois",
    Span.YEAR: "Cette année",
    Span.PROGRAMME: "Tout le programme",
    Span.FREE: "Du … au …",
}
DEFAULT_SPAN = Span.QUARTER


@dataclass(frozen=True)
class Asked:
    """The period that somebody asked to see; `refusal` says why it is not the one they named."""

    span: Span
    period: Period
    refusal: str | None = None


PUBLISHED_SPANS = (Span.LAST_MONTH, Span.QUARTER, Span.YEAR, Span.PROGRAMME)
"""For who is outside the Cité: whole months that are over, so that two periods never differ by a few days.

They differ by whole months, and each is hidden by itself (secrecy.py): the same figure of three months and of the year
around them, or of one page kept from one month to the next, gives by subtraction that of the months between, were it 5 or less.
"""


def period_of(span: Span, today: date, programme: Period, free: Period | None = None) -> Period:
    """The days of a span, seen from today; a free one is what was asked, else the default."""
    first = today.replace(day=1)
    if span is Span.FREE and free is not None:
        return free
    if span is Span.MONTH:
        return Period(first, today)
    if span is Span.LAST_MONTH:
        return month_of(first - timedelta(days=1))
    if span is Span.YEAR:
        return Period(date(today.year, 1, 1), today)
    if span is Span.PROGRAMME:
        return programme.until(today)
    return Period(months_later(first, -2), today)


def published_period_of(span: Span, today: date, programme: Period) -> Period:
    """The days of a span in whole months that are over."""
    over = today.replace(day=1) - timedelta(days=1)
    if span is Span.YEAR:
        return Period(date(over.year, 1, 1), over)
    if span is Span.PROGRAMME:
        return Period(min(programme.start, over.replace(day=1)), over)
    return Period(months_later(over, 0 if span is Span.LAST_MONTH else -2), over)


@dataclass(frozen=True)
class Slice:
    """A part of a period, under a short name and a whole one; `unit` is what it is: a week, a month, a year."""

    label: str
    name: str
    unit: str
    period: Period


MOST_WEEKS = 15
MOST_MONTHS = 18
MONTHS = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")


def slices_of(period: Period, *, weekly: bool = False, monthly: bool = False) -> list[Slice]:
    """A period cut into weeks, or months, or years when it is long; together they are exactly the period.

    `weekly` cuts into weeks however long it is, `monthly` never into weeks.
    """
    slices: list[Slice] = []
    start = period.start
    weeks = math.ceil((period.days + period.start.weekday()) / 7)
    months = (period.end.year - period.start.year) * 12 + period.end.month - period.start.month + 1
    while start <= period.end:
        if weekly or (weeks <= MOST_WEEKS and not monthly):
            number = start.isocalendar()
            end, label = start + timedelta(days=6 - start.weekday()), f"S{number.week}"
            unit, name = "semaine", f"semaine {number.week} de {number.year}"
        elif months <= MOST_MONTHS:
            end, label = month_of(start).end, MONTHS[start.month - 1]
            unit, name = "mois", f"{label} {start.year}"
        else:
            end, label = date(start.year, 12, 31), str(start.year)
            unit, name = "année", f"année {start.year}"
        slices.append(Slice(label, name, unit, Period(start, min(end, period.end))))
        start = end + timedelta(days=1)
    return slices
