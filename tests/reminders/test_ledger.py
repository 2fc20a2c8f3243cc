"""What the scan writes, what the morning sends, what is cancelled: the ledger tells all of it."""

import json
from datetime import date, timedelta

import pytest

from cityjobs.core.clock import day_of, now, today
from cityjobs.core.permissions import Role
from cityjobs.followups.rules import InterviewMode, StepState
from cityjobs.parcours.rules.lifecycle import Status
from tests.reminders.conftest import Desk, morning_of, worked
from tests.world import Case, Member, World


@pytest.fixture
def samira(world: World) -> Member:
    return world.member(Role.REFERENT, world.cite())


def quiet(world: World, samira: Member, *, days: int) -> Case:
    """A person assigned long ago and last reached so many days ago."""
    case = world.case(samira.cite, days_ago=200)
    assignment = world.assign(case.person, case.parcours, samira, started_at=now() - timedelta(days=190))
    world.interview(case, samira, days_ago=days, created_at=now() - timedelta(days=days))
    return Case(case.person, case.parcours, assignment)


def step_due(world: World, samira: Member, day: date) -> Case:
    case = world.case(samira.cite, referent=samira, first_name="Nadia", last_name="Lefebvre")
    world.step(case, samira, in_days=(day - today()).days)
    return case


def test_a_step_for_the_next_working_day_is_recalled_once_however_often_beat_wakes(
    desk: Desk, world: World, samira: Member
) -> None:
    step_due(world, samira, worked(1))
    at = morning_of(worked(0))
    assert [desk.scan(at) for _ in range(3)] == [1, 0, 0]
    assert desk.send(at) == {"sent": 1}
    assert desk.send(at) == {}
    assert desk.states() == [("step_tomorrow", "sent")]
    assert len(desk.box.letters) == 1


def test_the_letter_holds_initials_and_links_and_no_name(desk: Desk, world: World, samira: Member) -> None:
    case = step_due(world, samira, worked(1))
    desk.send(morning_of(worked(0)))
    (letter,) = desk.box.to(samira.user.email)
    assert letter.subject == "CityJobs\u00a0: 1 rappel ce matin"
    for body in (letter.text, letter.html):
        assert f"http://localhost/personnes/{case.id}" in body
        assert "N… L…" in body
        assert not {"Nadia", "Lefebvre", "crèche"} & set(body.replace("<", " ").split())


def test_one_letter_gathers_everything_of_one_person(desk: Desk, world: World, samira: Member) -> None:
    step_due(world, samira, worked(1))
    step_due(world, samira, worked(0) - timedelta(days=4))
    quiet(world, samira, days=45)
    assert desk.send(morning_of(worked(0))) == {"sent": 1}
    (letter,) = desk.box.to(samira.user.email)
    assert letter.subject.endswith("3 rappels ce matin")
    assert all(
        heading in letter.text for heading in ("À faire", "À faire, en retard (1)", "Sans nouvelles (1)")
    )
    assert {state for _, state in desk.states()} == {"sent"}


def test_nothing_leaves_before_seven_nor_on_a_day_of_rest(desk: Desk, world: World, samira: Member) -> None:
    step_due(world, samira, worked(0) - timedelta(days=4))
    saturday = today() + timedelta(days=(5 - today().weekday()) % 7)
    assert desk.send(morning_of(saturday)) == {}
    assert desk.send(morning_of(worked(5), hour=6)) == {}
    assert desk.states() == [("step_overdue", "waiting")]
    assert desk.send(morning_of(worked(5))) == {"sent": 1}


def test_a_beat_that_slept_three_days_catches_up_once(desk: Desk, world: World, samira: Member) -> None:
    """Due while it slept: recalled as overdue; due the day it wakes: as of today; silent meanwhile: once."""
    step_due(world, samira, worked(2))
    step_due(world, samira, worked(4))
    quiet(world, samira, days=30 - (worked(2) - today()).days)
    desk.send(morning_of(worked(0)))
    assert desk.states() == []
    wakes = morning_of(worked(4), hour=9)
    assert desk.send(wakes) == {"sent": 1}
    assert desk.states() == [("silence", "sent"), ("step_overdue", "sent"), ("step_tomorrow", "sent")]
    assert "aujourd’hui" in desk.box.letters[0][1].text
    assert desk.send(wakes) == {}
    assert desk.send(morning_of(worked(5))) == {"sent": 1}  # the step of worked(4) is late now
    assert len(desk.ledger()) == 4


@pytest.mark.parametrize(
    "reason", ["step_settled", "step_put_off", "parcours_closed", "reassigned", "recipient_left"]
)
def test_what_changed_before_the_sending_is_cancelled_with_its_reason(
    desk: Desk, world: World, samira: Member, reason: str
) -> None:
    case = world.case(samira.cite, referent=samira)
    step = world.step(case, samira, in_days=(worked(1) - today()).days)
    at = morning_of(worked(0))
    desk.scan(at)
    if reason == "step_settled":
        desk.change(step, state=StepState.DONE, settled_at=now())
    elif reason == "step_put_off":
        desk.change(step, due_on=worked(9))
    elif reason == "parcours_closed":
        desk.change(case.parcours, status=Status.SORTI, ended_on=today(), end_reason="cdi")
    elif reason == "reassigned":
        desk.change(case.assignment, ended_at=now())
        world.assign(case.person, case.parcours, world.member(Role.REFERENT, samira.cite))
    else:
        desk.change(samira.user, disabled_at=now())
    desk.send(at)
    cancelled = [
        line for line in desk.ledger() if line.subject_id == step.id and line.recipient_id == samira.id
    ]
    assert [(str(line.state), line.cancelled_because) for line in cancelled] == [("cancelled", reason)]
    assert not any("À faire" in letter.text for letter in desk.box.to(samira.user.email))


def test_a_contact_noted_before_the_sending_cancels_the_silence(
    desk: Desk, world: World, samira: Member
) -> None:
    case = quiet(world, samira, days=40)
    at = morning_of(worked(0))
    desk.scan(at)
    world.interview(case, samira, days_ago=0)
    assert desk.send(at) == {"cancelled": 1}
    assert [line.cancelled_because for line in desk.ledger()] == ["contacted"]


def test_a_letter_never_read_is_not_a_contact(desk: Desk, world: World, samira: Member) -> None:
    case = quiet(world, samira, days=40)
    world.interview(case, samira, days_ago=1, mode=InterviewMode.COURRIER)
    world.interview(case, samira, days_ago=1, reached=False)
    assert desk.send(morning_of(worked(0))) == {"sent": 1}
    assert desk.states() == [("silence", "sent")]


def test_silence_is_recalled_from_the_day_of_the_cite_on_and_again_only_after_a_new_contact(
    desk: Desk, world: World
) -> None:
    samira = world.member(Role.REFERENT, world.cite(silence_days=10))
    case = quiet(world, samira, days=0)
    due = today() + timedelta(days=10)
    assert desk.scan(morning_of(due - timedelta(days=1))) == 0
    assert desk.scan(morning_of(due)) == 1
    assert [line.due_on for line in desk.ledger()] == [due]
    assert desk.scan(morning_of(due + timedelta(days=50))) == 0
    desk.send(morning_of(worked(15)))
    world.interview(case, samira, days_ago=-60)
    assert desk.scan(morning_of(today() + timedelta(days=70))) == 1


def test_silence_without_reaction_goes_to_the_coordinators_after_the_days_of_the_cite(
    desk: Desk, world: World, samira: Member
) -> None:
    first, second = (world.member(Role.COORDINATOR, samira.cite) for _ in range(2))
    world.member(Role.COORDINATOR, world.cite("Calais"))
    gone = world.member(Role.COORDINATOR, samira.cite)
    desk.change(gone.user, disabled_at=now())
    quiet(world, samira, days=40)
    desk.send(morning_of(worked(0)))
    told = day_of(next(line.settled_at for line in desk.ledger() if line.settled_at))
    assert desk.scan(morning_of(told + timedelta(days=6))) == 0
    assert desk.scan(morning_of(told + timedelta(days=7))) == 2
    escalated = [line for line in desk.ledger() if line.rule == "silence_escalated"]
    assert {line.recipient_id for line in escalated} == {first.id, second.id}
    assert desk.scan(morning_of(told + timedelta(days=30))) == 0
    assert desk.send(morning_of(worked(8))) == {"sent": 2}


def test_an_attempt_noted_by_the_referent_is_a_reaction(desk: Desk, world: World, samira: Member) -> None:
    world.member(Role.COORDINATOR, samira.cite)
    case = quiet(world, samira, days=40)
    desk.send(morning_of(worked(0)))
    world.interview(case, samira, days_ago=0, reached=False, created_at=now() + timedelta(seconds=1))
    assert desk.scan(morning_of(worked(20))) == 0


def test_a_new_referent_is_told_of_a_silence_and_the_coordinator_waits_for_them(
    desk: Desk, world: World, samira: Member
) -> None:
    world.member(Role.COORDINATOR, samira.cite)
    case = quiet(world, samira, days=40)
    desk.send(morning_of(worked(0)))
    desk.change(case.assignment, ended_at=now())
    julien = world.member(Role.REFERENT, samira.cite)
    world.assign(case.person, case.parcours, julien)
    desk.send(morning_of(worked(9)))
    assert {(str(line.rule), line.recipient_id) for line in desk.ledger()} == {
        ("silence", samira.id), ("silence", julien.id),
    }  # fmt: skip


def test_a_mail_server_away_loses_nothing(desk: Desk, world: World, samira: Member) -> None:
    step_due(world, samira, worked(1))
    desk.box.refuses = ConnectionRefusedError()
    assert desk.send(morning_of(worked(0))) == {"waiting": 1}
    assert desk.states() == [("step_tomorrow", "sending")]
    desk.box.refuses = None
    (letter,) = desk.letters()
    desk.set_letter(letter.id, not_before=now())
    desk.run("outbox.sweep")
    assert desk.states() == [("step_tomorrow", "sent")]
    assert len(desk.box.letters) == 1


def test_a_letter_refused_for_good_is_written_as_failed(desk: Desk, world: World, samira: Member) -> None:
    step_due(world, samira, worked(1))
    desk.box.refuses = ValueError("no such mailbox")
    desk.send(morning_of(worked(0)))
    (letter,) = desk.letters()
    desk.set_letter(letter.id, attempts=7, not_before=now())
    desk.run("outbox.sweep")
    assert desk.states() == [("step_tomorrow", "failed")]


def test_what_comes_after_the_letter_of_the_day_waits_for_the_next_morning(
    desk: Desk, world: World, samira: Member
) -> None:
    step_due(world, samira, worked(1))
    desk.send(morning_of(worked(0)))
    step_due(world, samira, worked(1))
    assert desk.send(morning_of(worked(0), hour=11)) == {}
    assert desk.send(morning_of(worked(1))) == {"sent": 1}
    assert [state for _, state in desk.states()] == ["sent", "sent"]


def test_nobody_without_a_named_and_present_referent_is_recalled(
    desk: Desk, world: World, samira: Member
) -> None:
    unknown = world.case(samira.cite)
    world.step(unknown, samira, in_days=(worked(1) - today()).days)
    left = world.member(Role.REFERENT, samira.cite, ended_on=today())
    step_due(world, left, worked(1))
    assert desk.scan(morning_of(worked(0))) == 0


def test_the_command_lists_what_would_be_sent_and_changes_nothing(
    desk: Desk, world: World, samira: Member
) -> None:
    case = step_due(world, samira, worked(1))
    at = morning_of(worked(0)).strftime("%Y-%m-%dT%H:%M")
    listed = json.loads(desk.command("reminders", "due", "--at", at, "--json").stdout)
    assert desk.ledger() == [] and desk.letters() == []
    (line,) = listed
    assert (line["rule"], line["recipient"], line["case"]) == ("step_tomorrow", samira.user.email, "N… L…")
    assert line["due_on"] == worked(1).isoformat()
    assert line["link"] == f"http://localhost/personnes/{case.id}"
    assert "Lefebvre" not in str(listed)
    assert "1 rappel" in desk.command("reminders", "due", "--at", at).output

    desk.scan(morning_of(worked(0)))
    assert json.loads(desk.command("reminders", "due", "--at", at, "--json").stdout) == listed
    assert "1 sent" in desk.command("reminders", "send", "--at", at).output
    assert json.loads(desk.command("reminders", "due", "--at", at, "--json").stdout) == []
    assert len(desk.box.to(samira.user.email)) == 1


def test_the_command_does_not_list_what_is_no_longer_true(desk: Desk, world: World, samira: Member) -> None:
    case = world.case(samira.cite, referent=samira)
    step = world.step(case, samira, in_days=(worked(1) - today()).days)
    desk.scan(morning_of(worked(0)))
    desk.change(step, state=StepState.DONE, settled_at=now())
    at = morning_of(worked(0)).isoformat()
    assert json.loads(desk.command("reminders", "due", "--at", at, "--json").stdout) == []


def test_the_clock_is_not_moved_in_production(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(desk.app.config, "ENVIRONMENT", "production")
    assert "production" in desk.command("reminders", "send", "--at", "2026-12-01T08:00", code=1).output
    assert "2026-12-01T08:00" in desk.command("reminders", "due", "--at", "demain", code=2).output
