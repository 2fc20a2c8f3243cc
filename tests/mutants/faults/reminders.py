"""Letters that would not tell what falls due by itself, or would tell it to another, or for nothing."""

from tests.mutants.fault import Fault

DUE = "tests/reminders/test_due_things.py::{}"

FAULTS = [
    Fault(
        proof=DUE.format("test_each_goes_to_whoever_replaces_and_another_absence_changes_nothing"),
        name="as soon as somebody is away, any deputy of the country is taken for that of each référent",
        file="cityjobs/parcours/queries.py",
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
        proof=DUE.format("test_what_is_over_is_not_read_again_every_morning"),
        name="every parcours that ever ended is read again every morning",
        sql="drop index ix_parcours_exit_day",
    ),
]
