"""On which day a step is recalled, when letters may leave, and what makes a line untrue."""

import uuid
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityjobs.core.clock import PARIS
from cityjobs.desk.rules import QUEUE_TITLES, Queue
from cityjobs.reminders.rules import (
    CANCELLATION_LABELS,
    REMINDER_RULE_LABELS,
    SECTIONS,
    Cancellation,
    Line,
    ReminderRule,
    is_working_day,
    may_leave,
    morning_subject,
    reason_to_cancel,
    when_in_words,
    working_day_after,
)

SAME_NAME = {
    Queue.OVERDUE: ReminderRule.STEP_OVERDUE,
    Queue.CHECKS: ReminderRule.JOB_CHECK,
    Queue.SITUATIONS: ReminderRule.SITUATION,
    Queue.ETAPES: ReminderRule.ETAPE_OVERDUE,
    Queue.AGREEMENTS: ReminderRule.AGREEMENT_REVIEW,
    Queue.SUSPENSIONS: ReminderRule.SUSPENSION_ENDING,
}
SOMEBODY, ANOTHER = uuid.uuid4(), uuid.uuid4()
ON = date(2026, 12, 1)


def working_day_before(day: date) -> date:
    """The last working day strictly before a day: when what is due on it is recalled."""
    before = day - timedelta(days=1)
    while not is_working_day(before):
        before -= timedelta(days=1)
    return before


@pytest.mark.parametrize(
    ("due", "recalled"),
    [
        (date(2026, 12, 2), date(2026, 12, 1)),  # Wednesday: the day before
        (date(2026, 12, 7), date(2026, 12, 4)),  # Monday: Friday
        (date(2026, 12, 6), date(2026, 12, 4)),  # Sunday: Friday
        (date(2026, 12, 26), date(2026, 12, 24)),  # the day after Christmas: the 24th
        (date(2027, 1, 4), date(2026, 12, 31)),  # Monday after New Year's Friday: the 31st
        (date(2027, 3, 30), date(2027, 3, 26)),  # the Tuesday after Easter Monday: Good Friday is worked
        (date(2026, 5, 15), date(2026, 5, 13)),  # the Friday after Ascension: Wednesday
    ],
)
def test_a_step_is_recalled_on_the_last_working_day_before(due: date, recalled: date) -> None:
    assert working_day_before(due) == recalled


@given(due=st.dates(date(2025, 1, 1), date(2030, 12, 31)), on=st.dates(date(2025, 1, 1), date(2030, 12, 31)))
def test_what_is_due_by_the_next_working_day_is_what_should_have_been_recalled_by_now(
    due: date, on: date
) -> None:
    assert (due <= working_day_after(on)) == (working_day_before(due) <= on)


def test_holidays_and_weekends_are_not_worked() -> None:
    rest = [date(2026, 7, 14), date(2026, 11, 11), date(2027, 3, 29), date(2026, 12, 5), date(2026, 12, 6)]
    assert not any(map(is_working_day, rest))
    assert is_working_day(date(2026, 12, 4))


@pytest.mark.parametrize(
    ("local", "leaves"),
    [
        (datetime(2026, 12, 1, 6, 59, tzinfo=PARIS), False),
        (datetime(2026, 12, 1, 7, 0, tzinfo=PARIS), True),
        (datetime(2026, 12, 25, 8, 0, tzinfo=PARIS), False),
        (datetime(2026, 12, 5, 8, 0, tzinfo=PARIS), False),
    ],
)
def test_letters_leave_on_working_days_from_seven(local: datetime, leaves: bool) -> None:
    assert may_leave(local) is leaves


SINCE = {ReminderRule.JOB_CHECK: ON - timedelta(days=8), ReminderRule.SITUATION: date(2026, 9, 1)}
"""A job of eight days ago, an exit of three months ago."""


def line(rule: ReminderRule, **facts: Any) -> Line:
    told = {"told_id": SOMEBODY, "told_silent_until": ON} if rule is ReminderRule.SILENCE_ESCALATED else {}
    return Line(
        **{
            "id": uuid.uuid4(), "rule": rule, "due_on": ON, "recipient_id": SOMEBODY, "person_id": uuid.uuid4(),
            "cite_id": uuid.uuid4(), "cite_name": "Roubaix", "initials": "N… L…", "recipient_is_here": True,
            "parcours_is_open": rule is not ReminderRule.SITUATION, "follower_id": SOMEBODY, "subject_is_open": True,
            "subject_due_on": ON, "counted_from": SINCE.get(rule), "heard_on": ON - timedelta(days=30), "silent_until": ON,
            **told, **facts,
        }
    )  # fmt: skip


@pytest.mark.parametrize("rule", list(ReminderRule))
def test_a_line_that_is_still_true_is_sent(rule: ReminderRule) -> None:
    assert reason_to_cancel(line(rule), ON) is None


@pytest.mark.parametrize("rule", list(ReminderRule))
@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"recipient_is_here": False}, Cancellation.RECIPIENT_LEFT),
        ({"follower_id": ANOTHER}, Cancellation.REASSIGNED),
        ({"follower_id": None}, Cancellation.REASSIGNED),
    ],
)
def test_any_line_is_cancelled_when_its_ground_is_gone(
    rule: ReminderRule, facts: dict[str, Any], reason: Cancellation
) -> None:
    assert reason_to_cancel(line(rule, **facts), ON) is reason


@pytest.mark.parametrize("rule", list(ReminderRule))
def test_what_closes_a_parcours_cancels_its_lines_but_those_of_the_exit(rule: ReminderRule) -> None:
    after_exit = rule is ReminderRule.SITUATION
    reason = reason_to_cancel(line(rule, parcours_is_open=after_exit), ON)
    assert reason is (Cancellation.EXIT_UNDONE if after_exit else Cancellation.PARCOURS_CLOSED)


LATER = {"subject_due_on": ON + timedelta(days=9)}


@pytest.mark.parametrize(
    ("rule", "facts", "on", "reason"),
    [
        (ReminderRule.STEP_TOMORROW, {"subject_is_open": False}, ON, Cancellation.STEP_SETTLED),
        (ReminderRule.STEP_OVERDUE, {"subject_is_open": None}, ON, Cancellation.STEP_SETTLED),
        (ReminderRule.STEP_OVERDUE, LATER, ON, Cancellation.STEP_PUT_OFF),
        (ReminderRule.JOB_CHECK, {"noted": frozenset({"j8"})}, ON, Cancellation.CHECK_NOTED),
        (ReminderRule.JOB_CHECK, {"noted": frozenset({"m1"})}, ON, None),
        (ReminderRule.JOB_CHECK, {"subject_is_open": False}, ON, Cancellation.JOB_ENDED),
        (
            ReminderRule.JOB_CHECK,
            {"noted": frozenset({"j8"}), "subject_is_open": False},
            ON,
            Cancellation.CHECK_NOTED,
        ),
        (ReminderRule.JOB_CHECK, {}, date(2026, 12, 22), None),
        (ReminderRule.JOB_CHECK, {}, date(2026, 12, 23), Cancellation.CHECK_PASSED),
        (ReminderRule.JOB_CHECK, {"counted_from": ON - timedelta(days=9)}, ON, Cancellation.CHECK_PASSED),
        (ReminderRule.SITUATION, {"noted": frozenset({"m3"})}, ON, Cancellation.SITUATION_NOTED),
        (ReminderRule.SITUATION, {"noted": frozenset({"entry", "exit"})}, ON, None),
        (ReminderRule.SITUATION, {"subject_is_open": False}, ON, Cancellation.CAME_BACK),
        (ReminderRule.SITUATION, {"counted_from": None}, ON, Cancellation.SITUATION_PASSED),
        (ReminderRule.SITUATION, {}, date(2027, 2, 28), None),
        (ReminderRule.SITUATION, {}, date(2027, 3, 1), Cancellation.SITUATION_PASSED),
        (ReminderRule.SUSPENSION_ENDING, {"subject_is_open": False}, ON, Cancellation.RESUMED),
        (ReminderRule.SUSPENSION_ENDING, LATER, ON, Cancellation.SUSPENSION_MOVED),
        (ReminderRule.SUSPENSION_ENDING, {}, ON + timedelta(days=40), None),
        (ReminderRule.ETAPE_OVERDUE, {"subject_is_open": False}, ON, Cancellation.ETAPE_OVER),
        (ReminderRule.ETAPE_OVERDUE, LATER, ON, Cancellation.ETAPE_PUT_OFF),
        (ReminderRule.ETAPE_OVERDUE, {"subject_due_on": None}, ON, Cancellation.ETAPE_PUT_OFF),
        (ReminderRule.AGREEMENT_REVIEW, {"subject_is_open": False}, ON, Cancellation.AGREEMENT_OVER),
        (ReminderRule.AGREEMENT_REVIEW, LATER, ON, Cancellation.REVIEW_PUT_OFF),
        (ReminderRule.STEP_TOMORROW, {}, ON + timedelta(days=1), Cancellation.DATE_PASSED),
        (ReminderRule.STEP_OVERDUE, {}, ON + timedelta(days=1), None),
        (ReminderRule.SILENCE, {"silent_until": ON + timedelta(days=3)}, ON, Cancellation.CONTACTED),
        (
            ReminderRule.SILENCE_ESCALATED,
            {"silent_until": ON + timedelta(days=3)},
            ON,
            Cancellation.CONTACTED,
        ),
        (ReminderRule.SILENCE_ESCALATED, {"reacted": True}, ON, Cancellation.REACTED),
        (ReminderRule.SILENCE_ESCALATED, {"recipient_id": ANOTHER}, ON, None),
        (ReminderRule.SILENCE_ESCALATED, {"told_id": ANOTHER}, ON, Cancellation.REASSIGNED),
    ],
)
def test_a_line_is_cancelled_when_its_subject_moved(
    rule: ReminderRule, facts: dict[str, Any], on: date, reason: Cancellation | None
) -> None:
    assert reason_to_cancel(line(rule, **facts), on) is reason


def test_words_of_the_letter() -> None:
    assert morning_subject(1) == "CityJobs\u00a0: 1 rappel ce matin"
    assert morning_subject(4) == "CityJobs\u00a0: 4 rappels ce matin"
    tomorrow = line(ReminderRule.STEP_TOMORROW)
    assert [when_in_words(tomorrow, ON - timedelta(days=d)) for d in (0, 1, 3)] == [
        "aujourd’hui",
        "demain",
        "dans 3 jours",
    ]
    late = line(ReminderRule.STEP_OVERDUE)
    assert [when_in_words(late, ON + timedelta(days=d)) for d in (1, 2)] == [
        "en retard de 1 jour",
        "en retard de 2 jours",
    ]
    assert when_in_words(line(ReminderRule.SILENCE), ON) == "sans nouvelles depuis 30 jours"


@pytest.mark.parametrize(
    ("rule", "late", "said"),
    [
        (ReminderRule.JOB_CHECK, 0, "8 jours après l’embauche, à demander aujourd’hui"),
        (ReminderRule.JOB_CHECK, 2, "8 jours après l’embauche, à demander depuis 2 jours"),
        (ReminderRule.SITUATION, 1, "3 mois après la sortie, à demander depuis 1 jour"),
        (ReminderRule.ETAPE_OVERDUE, 1, "en retard de 1 jour"),
        (ReminderRule.AGREEMENT_REVIEW, 0, "à revoir aujourd’hui"),
        (ReminderRule.AGREEMENT_REVIEW, 12, "à revoir depuis 12 jours"),
        (ReminderRule.SUSPENSION_ENDING, -14, "fin prévue dans 14 jours"),
        (ReminderRule.SUSPENSION_ENDING, 0, "fin prévue aujourd’hui"),
        (ReminderRule.SUSPENSION_ENDING, 3, "fin prévue dépassée de 3 jours"),
    ],
)
def test_words_of_what_falls_due_by_itself(rule: ReminderRule, late: int, said: str) -> None:
    assert when_in_words(line(rule), ON + timedelta(days=late)) == said


def test_everything_has_words_and_what_is_to_do_is_never_called_an_etape() -> None:
    assert set(REMINDER_RULE_LABELS) == set(SECTIONS) == set(ReminderRule)
    assert set(CANCELLATION_LABELS) == set(Cancellation)
    assert {queue: QUEUE_TITLES[queue] for queue in SAME_NAME} == {
        queue: SECTIONS[rule] for queue, rule in SAME_NAME.items()
    }
    every = [*REMINDER_RULE_LABELS.values(), *SECTIONS.values(), *CANCELLATION_LABELS.values()]
    about_etapes = [words for words in every if "étape" in words.lower()]
    assert len(about_etapes) == 4
    assert all("tape du plan" in words or "tapes du plan" in words for words in about_etapes)
