"""Where a report stands, and what makes it the only one of its occasion."""

import enum
from datetime import date


class ReportState(enum.StrEnum):
    """Where a report stands."""

    REQUESTED = "requested"
    COMPUTING = "computing"
    READY = "ready"
    FAILED = "failed"


REPORT_STATE_LABELS: dict[ReportState, str] = {
    ReportState.REQUESTED: "Demandé",
    ReportState.COMPUTING: "En cours de calcul",
    ReportState.READY: "Prêt",
    ReportState.FAILED: "Interrompu",
}
MOST_ATTEMPTS = 5


def monthly_occasion(month: date) -> str:
    """What makes the report of a month unique in its Cité."""
    return f"monthly:{month:%Y-%m}"


def is_monthly(occasion: str) -> bool:
    """Whether a report was owed, rather than asked for."""
    return occasion.startswith("monthly:")
