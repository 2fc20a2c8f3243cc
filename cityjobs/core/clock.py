"""What time it is, for the whole house: instants in UTC, days in the Cité's own zone."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The present day in Paris, which is the day written on letters and due dates."""
    return day_of(now())


def day_of(instant: datetime) -> date:
    """The Paris day on which an aware instant falls."""
    return instant.astimezone(PARIS).date()
