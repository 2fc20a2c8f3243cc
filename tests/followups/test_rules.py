"""What an exchange proves, and which days can be."""

from datetime import UTC, date, datetime, timedelta

import pytest

from cityjobs.followups.rules import (
    Exchange,
    InterviewMode,
    day_refusal,
    days_late,
    due_refusal,
    due_suggestions,
    event_after,
    heard_on,
    is_silent,
    may_undo,
)
from cityjobs.parcours.rules.lifecycle import Event, Status

TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("status", "mode", "reached", "event"),
    [
        (Status.REPERE, InterviewMode.TELEPHONE, True, Event.CONTACT_OK),
        (Status.REPERE, InterviewMode.SMS_MAIL, True, Event.CONTACT_OK),
        (Status.REPERE, InterviewMode.TELEPHONE, False, None),
        (Status.REPERE, InterviewMode.DOMICILE, False, None),
        (Status.REPERE, InterviewMode.TIERS, True, None),
        (Status.REPERE, InterviewMode.COURRIER, True, None),
        (Status.REPERE, InterviewMode.PRESENTIEL_RDV, True, Event.FIRST_MET),
        (Status.CONTACTE, InterviewMode.TELEPHONE, True, None),
        (Status.CONTACTE, InterviewMode.VISIO, True, Event.FIRST_MET),
        (Status.RENCONTRE, InterviewMode.PRESENTIEL_RDV, True, None),
        (Status.DIAGNOSTIC, InterviewMode.DOMICILE, True, None),
        (Status.ACTIF, InterviewMode.TRIPARTITE, True, None),
        (Status.SORTI, InterviewMode.PRESENTIEL_RDV, True, None),
        (Status.NON_ENTREE, InterviewMode.TELEPHONE, True, None),
    ],
)
def test_an_exchange_moves_a_parcours_as_far_as_it_proves(
    status: Status, mode: InterviewMode, reached: bool, event: Event | None
) -> None:
    assert event_after(status, Exchange(TODAY, mode, "Vu.", reached)) is event


def test_an_exchange_is_neither_in_the_future_nor_before_the_spotting() -> None:
    spotted = TODAY - timedelta(days=10)
    assert day_refusal(TODAY, today=TODAY, spotted_on=spotted) is None
    assert day_refusal(spotted, today=TODAY, spotted_on=spotted) is None
    assert "futur" in (day_refusal(TODAY + timedelta(days=1), today=TODAY, spotted_on=spotted) or "")
    assert "repérage" in (day_refusal(spotted - timedelta(days=1), today=TODAY, spotted_on=spotted) or "")


def test_a_next_step_is_due_today_or_later_within_two_years() -> None:
    assert due_refusal(TODAY, today=TODAY) is None
    assert "passée" in (due_refusal(TODAY - timedelta(days=1), today=TODAY) or "")
    assert "deux ans" in (due_refusal(TODAY + timedelta(days=800), today=TODAY) or "")


def test_suggested_days_are_working_days_in_order_and_all_different() -> None:
    for span in range(14):
        days = [day for day, _ in due_suggestions(TODAY + timedelta(days=span))]
        assert all(day.weekday() < 5 and day > TODAY + timedelta(days=span) for day in days)
        assert days == sorted(set(days))


def test_suggestions_are_called_by_what_they_are() -> None:
    friday = date(2026, 11, 20)
    assert due_suggestions(friday)[0] == (date(2026, 11, 23), "lundi")
    assert due_suggestions(date(2026, 11, 17))[0] == (date(2026, 11, 18), "demain")


def test_late_is_counted_in_days() -> None:
    assert [days_late(TODAY + timedelta(days=n), TODAY) for n in (-3, 0, 5)] == [3, 0, 0]


def test_silence_is_counted_from_the_last_contact_or_else_from_the_assignment() -> None:
    spotted, assigned, contact = date(2026, 9, 1), date(2026, 10, 1), date(2026, 9, 20)
    assert heard_on(last_contact_on=contact, assigned_on=assigned, spotted_on=spotted) == contact
    assert heard_on(last_contact_on=None, assigned_on=assigned, spotted_on=spotted) == assigned
    assert heard_on(last_contact_on=None, assigned_on=None, spotted_on=spotted) == spotted
    assert is_silent(TODAY - timedelta(days=30), today=TODAY, silence_days=30)
    assert not is_silent(TODAY - timedelta(days=29), today=TODAY, silence_days=30)


def test_a_step_can_be_taken_back_for_a_quarter_of_an_hour() -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert may_undo(now - timedelta(minutes=15), now)
    assert not may_undo(now - timedelta(minutes=15, seconds=1), now)
    assert not may_undo(None, now)
