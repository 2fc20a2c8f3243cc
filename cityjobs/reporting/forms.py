"""What is asked: days to look at, months to report on."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from wtforms import ValidationError

from cityjobs.core.forms import ChoiceField, Form
from cityjobs.core.web import month
from cityjobs.reporting.rules.periods import (
    DEFAULT_SPAN,
    PUBLISHED_SPANS,
    Asked,
    Period,
    Span,
    month_of,
    months_later,
    period_of,
    published_period_of,
)

OFFERED_MONTHS = 36


def read_period(args: Mapping[str, str], today: date, programme: Period, *, published: bool) -> Asked:
    """The period named by a URL; what cannot be read is said, and the usual one is shown instead."""
    named = args.get("periode", Span.FREE if "du" in args else DEFAULT_SPAN)
    span = Span(named) if named in tuple(Span) else DEFAULT_SPAN
    if published:
        span = span if span in PUBLISHED_SPANS else DEFAULT_SPAN
        return Asked(span, published_period_of(span, today, programme))
    if span is not Span.FREE:
        return Asked(span, period_of(span, today, programme))
    start, end = _day(args.get("du")), _day(args.get("au"))
    if start is None or end is None:
        refusal = "Cette période n’est pas reconnue\u00a0: indiquez deux dates."
    elif start > end:
        refusal = "Cette période finit avant de commencer\u00a0: vérifiez les deux dates."
    elif start > today:
        refusal = "Cette période n’a pas encore commencé\u00a0: choisissez une date passée."
    else:
        return Asked(span, Period(start, end).until(today))
    return Asked(DEFAULT_SPAN, period_of(DEFAULT_SPAN, today, programme), refusal)


def _day(text: str | None) -> date | None:
    try:
        day = date.fromisoformat((text or "").strip())
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2200 else None


class ReportForm(Form):
    """From which month to which: only whole months that are over, so that two reports never differ by one day."""

    first = ChoiceField("Du début de", [], required="Choisissez le premier mois.")
    last = ChoiceField("À la fin de", [], required="Choisissez le dernier mois.")

    def offer_months(self, today: date) -> None:
        """The months that may be asked for, the last one first."""
        over = [months_later(today, -1 - back) for back in range(OFFERED_MONTHS)]
        self.first.choices = self.last.choices = [(f"{each:%Y-%m}", month(each)) for each in over]

    def validate_last(self, field: Any) -> None:
        """In order."""
        if self.first.data and field.data and field.data < self.first.data:
            raise ValidationError("Ce mois vient avant le premier\u00a0: vérifiez les deux mois.")

    def answers(self) -> Period:
        """The days asked for."""
        first, last = (date.fromisoformat(f"{field.data}-01") for field in (self.first, self.last))
        return Period(first, month_of(last).end)


def last_month(today: date) -> str:
    """The code of the month before today's."""
    return f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"
