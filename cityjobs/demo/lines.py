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
        "postponed_because", "postponed_times", "due_at", "place",
    ),
    "reminder": (
        "id", "cite_id", "person_id", "parcours_id", "rule", "subject_id", "due_on", "recipient_id", "channel", "state",
        "letter_id", "created_at", "settled_at",
    ),
    "absence": (
        "id", "cite_id", "absent_id", "deputy_id", "starts_on", "ends_on", "created_by_id", "created_at",
    ),
    "person_link": ("id", "cite_id", "person_id", "other_id", "kind", "created_by_id", "created_at"),
    "suspension": (
        "id", "cite_id", "person_id", "parcours_id", "reason", "started_on", "expected_end_on", "ended_on",
        "created_by_id", "created_at",
    ),
    "job": (
        "id", "cite_id", "person_id", "parcours_id", "kind", "contract", "occupation", "employer", "working_time",
        "started_on", "expected_end_on", "ended_on", "end_reason", "created_by_id", "created_at",
    ),
    "job_check": (
        "id", "cite_id", "person_id", "job_id", "moment", "done_on", "in_job", "note", "recorded_by_id", "recorded_at",
    ),
    "parcours_exit": (
        "parcours_id", "cite_id", "person_id", "exit_type", "category", "ruleset_id", "months", "evidence",
        "evidence_seen_on", "recorded_by_id", "recorded_at",
    ),
    "situation_snapshot": (
        "id", "cite_id", "person_id", "parcours_id", "moment", "taken_on", "is_reached", "gender", "age", "in_qpv",
        "qpv_id", "situation", "inscription_ft", "months_without_job", "organisme_referent", "education", "housing",
        "household", "children", "children_under_3", "resources", "mobility", "criteria", "recorded_by_id", "recorded_at",
    ),
    "diagnosis": (
        "id", "cite_id", "person_id", "parcours_id", "number", "opened_on", "finished_on", "strengths", "project",
        "occupation", "sector", "radius_km", "working_time", "contract", "digital_autonomy", "french_spoken",
        "french_written", "author_id", "created_at",
    ),
    "frein": (
        "id", "cite_id", "person_id", "parcours_id", "code", "status", "severity", "is_priority", "owner", "situations",
        "identified_on", "settled_on", "recorded_by_id", "recorded_at",
    ),
    "frein_reading": (
        "id", "cite_id", "person_id", "diagnosis_id", "code", "status", "severity", "is_priority",
    ),
    "goal": (
        "id", "cite_id", "person_id", "parcours_id", "frein_id", "code", "label", "status", "opened_on", "settled_on",
        "created_by_id", "created_at",
    ),
    "etape": (
        "id", "cite_id", "person_id", "parcours_id", "type", "label", "status", "organisation_id", "planned_from",
        "planned_to", "started_on", "ended_on", "hours", "cost_euros", "result", "abandon_reason", "note", "created_by_id",
        "created_at",
    ),
    "etape_goal": ("etape_id", "goal_id", "parcours_id", "person_id", "cite_id"),
    "agreement": (
        "id", "cite_id", "person_id", "parcours_id", "number", "agreed_on", "review_on", "way", "organisation_id",
        "created_by_id", "created_at", "ended_on",
    ),
    "agreement_goal": ("agreement_id", "goal_id", "label", "parcours_id", "person_id", "cite_id"),
    "plan_template": ("id", "cite_id", "name", "is_active", "created_by_id", "created_at"),
    "plan_template_line": (
        "template_id", "rank", "cite_id", "frein_code", "goal_code", "goal_label", "etape_type", "etape_label",
        "after_days",
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
    if isinstance(value, (list, tuple)):
        return f"{{{','.join(map(str, value))}}}"
    return str(value)
