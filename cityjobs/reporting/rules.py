"""What each figure means, and which figures may leave the Cité."""

import enum

SMALLEST_PUBLISHED = 6
"""Cells of 5 and less are hidden in whatever leaves the Cité (domain.md §1.5)."""


class ReportState(enum.StrEnum):
    """Where a report stands."""

    REQUESTED = "requested"
    COMPUTING = "computing"
    READY = "ready"
    FAILED = "failed"
