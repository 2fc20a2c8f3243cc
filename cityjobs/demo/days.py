"""The working days of a demo, by number: days are then added and compared as whole numbers."""

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, time, timedelta

from cityjobs.core.clock import PARIS
from cityjobs.reminders.rules import is_working_day

SPOTTING, ASSIGNING, TALKING, SETTLING, MORNING = 9, 10, 11, 16, 7
"""At which hour of a day things happen, so that what follows something is later than it."""


class Calendar:
    """Working days from `since` days before today to some weeks after it; `last` is the last one before today."""

    def __init__(self, today: date, since: int, until: int = 60) -> None:
        self.today = today
        every = (today + timedelta(days=days) for days in range(-since, until + 1))
        self.days = [day for day in every if is_working_day(day)]
        self.last = sum(day < today for day in self.days) - 1
        self.text = [day.isoformat() for day in self.days]
        self._number = [day.toordinal() for day in self.days]
        self._offset = [_offset_of(day) for day in self.days]

    def index(self, day: date) -> int:
        """The first working day that is not before a day."""
        return bisect_left(self._number, day.toordinal())

    def latest(self, day: date) -> date:
        """The last working day that is not after a day."""
        return self.days[bisect_right(self._number, day.toordinal()) - 1]

    @property
    def latest_past(self) -> date:
        """The last working day before today."""
        return self.days[self.last]

    def after(self, at: int, days: int) -> tuple[str, int]:
        """So many calendar days after a working day, as text; and the first working day not before it."""
        day = self.days[at] + timedelta(days=days)
        return day.isoformat(), self.index(day)

    def moment(self, at: int, hour: int, minute: int) -> str:
        """An instant of a working day, in Paris."""
        return f"{self.text[at]} {hour:02d}:{minute:02d}{self._offset[at]}"

    def moment_of(self, day: date, hour: int, minute: int) -> str:
        """An instant of any day before the last one, in Paris."""
        at = bisect_right(self._number, day.toordinal()) - 1
        return f"{day.isoformat()} {hour:02d}:{minute:02d}{self._offset[at]}"


def _offset_of(day: date) -> str:
    """« +01 » or « +02 », what a day in Paris is ahead of UTC."""
    noon = datetime.combine(day, time(12), PARIS)
    return f"+{(noon.replace(tzinfo=UTC) - noon).seconds // 3600:02d}"
