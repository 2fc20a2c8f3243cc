"""Rows of the bulk demo as PostgreSQL's COPY reads them: text, one line a row, nothing for NULL."""

from collections.abc import Iterable

COLUMNS: dict[str, tuple[str, ...]] = {
    "person": (
        "id", "cite_id", "first_name", "last_name", "birth_name", "civility", "gender", "birth_date", "phone",
        "second_phone", "email", "reached_through", "preferred_channel", "language", "needs_interpreter", "address",
        "postcode", "commune", "qpv_answer", "qpv_id", "qpv_source", "qpv_checked_on", "qpv_confirmed_by_id",
        "created_by_id", "created_at",
    ),
    "parcours": (
        "id", "cite_id", "person_id", "status", "spotted_on", "contacted_on", "met_on", "diagnosed_on", "started_on",
        "ended_on", "end_reason", "entry_gender", "entry_age", "entry_in_qpv", "entry_qpv_id", "last_contact_on",
        "created_at",
    ),
    "spotting": (
        "id", "cite_id", "person_id", "parcours_id", "spotted_on", "channel", "place", "first_need",
        "agreed_to_be_contacted", "was_informed", "spotted_by_id", "organisation_id", "created_at",
    ),
    "parcours_transition": (
        "id", "cite_id", "person_id", "parcours_id", "event", "from_status", "to_status", "happened_on", "reason",
        "recorded_by_id", "recorded_at",
    ),
    "assignment": (
        "id", "cite_id", "person_id", "parcours_id", "kind", "referent_id", "organisation_id", "started_at", "ended_at",
        "reason", "end_reason", "assigned_by_id", "ended_by_id",
    ),
    "interview": (
        "id", "cite_id", "person_id", "parcours_id", "author_id", "held_on", "mode", "duration", "reached", "synthesis",
        "created_at",
    ),
    "next_step": (
        "id", "cite_id", "person_id", "parcours_id", "interview_id", "title", "due_on", "state", "result",
        "created_by_id", "created_at", "settled_by_id", "settled_at", "first_due_on", "postponed_from",
        "postponed_because", "postponed_times",
    ),
    "reminder": (
        "id", "cite_id", "person_id", "parcours_id", "rule", "subject_id", "due_on", "recipient_id", "channel", "state",
        "letter_id", "created_at", "settled_at",
    ),
}  # fmt: skip
"""What is written of each table, in the order in which tables may be filled; the rest has its default value."""


def line(values: Iterable[object]) -> str:
    """One row; raises ValueError on what COPY would read otherwise than it is."""
    cells = [value if value.__class__ is str else _said(value) for value in values]
    row = "\t".join(cells)
    if "\\" in row or "\n" in row or row.count("\t") != len(cells) - 1:
        raise ValueError("a text that COPY would not read as it is")
    return row + "\n"


def _said(value: object) -> str:
    if value is None:
        return ""
    if value is True:
        return "t"
    if value is False:
        return "f"
    return str(value)
