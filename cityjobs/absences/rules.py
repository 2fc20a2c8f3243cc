"""Which absences may be said, and how one stands on a day. Nothing moves at the end: the day alone decides."""

import enum
from dataclasses import dataclass
from datetime import date


class Standing(enum.StrEnum):
    """Where an absence stands on a day."""

    UNDER_WAY = "under_way"
    COMING = "coming"
    OVER = "over"
    HANDED_BACK = "handed_back"
    CALLED_OFF = "called_off"


STANDING_LABELS: dict[Standing, str] = {
    Standing.UNDER_WAY: "en cours",
    Standing.COMING: "à venir",
    Standing.OVER: "terminée",
    Standing.HANDED_BACK: "rendue plus tôt",
    Standing.CALLED_OFF: "annulée",
}
STANDING_KINDS: dict[Standing, str] = {
    Standing.UNDER_WAY: "due",
    Standing.COMING: "calm",
    Standing.OVER: "",
    Standing.HANDED_BACK: "done",
    Standing.CALLED_OFF: "",
}
OPEN = frozenset({Standing.UNDER_WAY, Standing.COMING})
"""Those that may still be ended."""


class AbsenceRefused(ValueError):
    """An absence cannot be said so: at which field, and a sentence for the page."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True)
class Days:
    """From a day to a day, both away."""

    starts_on: date
    ends_on: date


def standing_of(days: Days, ended_on: date | None, on: date) -> Standing:
    """How an absence stands on a day; `ended_on` is the day on which somebody ended it."""
    if ended_on is not None:
        return Standing.CALLED_OFF if ended_on < days.starts_on else Standing.HANDED_BACK
    if on < days.starts_on:
        return Standing.COMING
    return Standing.UNDER_WAY if on <= days.ends_on else Standing.OVER


def last_day(days: Days, ended_on: date | None) -> date:
    """The last day on which somebody was really replaced."""
    return days.ends_on if ended_on is None else min(days.ends_on, ended_on)


def year_after(day: date) -> date:
    """The latest end of an absence that begins on a day."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:  # 29 February
        return date(day.year + 1, 2, 28)


def check_days(days: Days, on: date) -> None:
    """Raise AbsenceRefused when an absence ends before it begins, is over already, or lasts more than a year."""
    if days.ends_on < days.starts_on:
        raise AbsenceRefused("ends_on", "La fin est avant le début\u00a0: vérifiez les deux dates.")
    if days.ends_on < on:
        raise AbsenceRefused(
            "ends_on", "Cette fin est déjà passée\u00a0: une absence se dit tant qu’elle dure."
        )
    if days.ends_on > year_after(days.starts_on):
        raise AbsenceRefused(
            "ends_on",
            "Une absence dure un an au plus\u00a0: au-delà, attribuez les personnes à un autre référent.",
        )
