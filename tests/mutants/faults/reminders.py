"""Letters that would not tell what falls due, by itself or passed on, or would tell it to another, or for nothing."""

from tests.mutants.fault import Fault

DUE = "tests/reminders/test_due_things.py::{}"
PASSING = "tests/followups/test_passing_on.py::{}"

FAULTS = [
    Fault(
        proof=DUE.format("test_each_goes_to_whoever_replaces_and_another_absence_changes_nothing"),
        name="as soon as somebody is away, any deputy of the country is taken for that of each référent",
        file="cityjobs/parcours/queries/following.py",
        was="        .correlate_except(Absence)\n",
        becomes="",
    ),
    Fault(
        proof=DUE.format("test_what_is_settled_before_the_letter_leaves_is_cancelled_with_its_reason"),
        name="a check noted before the letter leaves is asked all the same",
        file="cityjobs/reminders/rules.py",
        was="    if moment in line.noted:\n",
        becomes="    if moment is None:\n",
    ),
    Fault(
        proof=DUE.format("test_lines_are_the_queues_of_everybody_given_to_whoever_answers"),
        name="a suspension is on the day, but its letter waits for the last day",
        file="cityjobs/reminders/queries.py",
        was="ReminderRule.SUSPENSION_ENDING: (suspensions_ending,",
        becomes="ReminderRule.SUSPENSION_ENDING: (lambda on: suspensions_ending(on, within=0),",
    ),
    Fault(
        proof=PASSING.format("test_the_reminder_goes_to_the_colleague"),
        name="what was passed on is still recalled to the référent",
        file="cityjobs/followups/queries.py",
        was="return sa.func.coalesce(passed.c.stands_for, Assignment.referent_id)",
        becomes="return sa.func.coalesce(Assignment.referent_id, passed.c.stands_for)",
    ),
    Fault(
        proof=PASSING.format("test_when_the_colleague_no_longer_follows_it_falls_back"),
        name="what was passed on is lost with the colleague who no longer follows the person",
        file="cityjobs/parcours/queries/following.py",
        was="            followed.ended_at.is_(None),\n",
        becomes="",
    ),
    Fault(
        proof=PASSING.format("test_what_no_longer_holds_is_not_told"),
        name="a colleague is told of what was settled meanwhile",
        file="cityjobs/followups/queries.py",
        was="    passed = passed_on(None)\n    return db.session.execute(\n        sa.select(\n            NextStep.person_id,",
        becomes="    passed = passed_on(None, settled_too=True)\n    return db.session.execute(\n        sa.select(\n            NextStep.person_id,",
    ),
    Fault(
        proof=PASSING.format("test_several_at_once_leave_what_is_with_somebody_else"),
        name="several at once settle what is with a colleague",
        file="cityjobs/desk/views/day.py",
        was="if is_mine and step.state",
        becomes="if (is_mine or True) and step.state",
    ),
    Fault(
        proof=PASSING.format("test_the_database_refuses_who_does_not_follow"),
        name="something to do is passed on to anybody",
        sql="drop trigger entrusted_to_who_follows on next_step",
    ),
    Fault(
        proof=PASSING.format("test_a_page_queues_the_letter_of_its_own_passing_alone"),
        name="a page queues the letter of what a colleague passed on",
        file="migrations/versions/0034_passed_on.py",
        was="and n.entrusted_by_id = app.user_id() and",
        becomes="and",
    ),
    Fault(
        proof=DUE.format("test_what_is_over_is_not_read_again_every_morning"),
        name="every parcours that ever ended is read again every morning",
        sql="drop index ix_parcours_exit_day",
    ),
]
