"""Rights that a replacement or a household would leave behind."""

from tests.mutants.fault import Fault

REPLACING = "tests/absences/test_replacing.py::{}"
HOUSEHOLD = "tests/people/test_household.py::{}"
ANY_QUERY = "tests/proofs/test_row_policies_alone.py::test_any_query_is_answered_the_rows_of_whoever_asks"
MIGRATION = "migrations/versions/0036_discretion.py"
STILL = "and b.ended_early_at is null and app.today() between b.starts_on and b.ends_on"

FAULTS = [
    Fault(
        proof=REPLACING.format("test_what_is_open_is_shut_at_the_next_request_once_handed_back"),
        name="a deputy goes on seeing after what was handed back",
        file=MIGRATION,
        was=STILL,
        becomes="and app.today() between b.starts_on and b.ends_on",
    ),
    Fault(
        proof=REPLACING.format("test_neither_before_the_first_day_nor_after_the_last"),
        name="a deputy goes on seeing the day after",
        file=MIGRATION,
        was=STILL,
        becomes="and b.ended_early_at is null and app.today() >= b.starts_on",
    ),
    Fault(
        proof=REPLACING.format("test_nobody_is_replaced_any_more_once_gone"),
        name="a deputy goes on seeing whom somebody followed who has left",
        file=MIGRATION,
        was="still_here=STILL_HERE",
        becomes='still_here=""',
    ),
    Fault(
        proof=REPLACING.format("test_what_is_due_reaches_somebody_who_is_there"),
        name="letters go to a deputy who is away too",
        file="cityjobs/parcours/queries/following.py",
        was=", ~_is_away(Absence.deputy_id, on)",
        becomes="",
    ),
    Fault(
        proof=ANY_QUERY,
        name="an absence opens the persons of the absent one to the whole Cité",
        file=MIGRATION,
        was="where b.deputy_id = app.user_id() and b.cite_id = app.cite_id()",
        becomes="where b.cite_id = app.cite_id()",
    ),
    Fault(
        proof=REPLACING.format("test_another_cite_of_the_absent_one_stays_closed"),
        name="an absence counts in the other Cité of the absent one",
        file=MIGRATION,
        was="and a.cite_id = b.cite_id and a.ended_at is null\n      where b.deputy_id = app.user_id() and b.cite_id = app.cite_id()",
        becomes="and a.ended_at is null\n      where b.deputy_id = app.user_id()",
    ),
    Fault(
        proof=ANY_QUERY,
        name="a tie is seen by whoever may open one of both files",
        sql="""alter policy web_sees on person_link using (cite_id = (select app.cite_id()) and (app.role() = 'coordinator'
          or (app.role() = 'referent' and person_id = any ((select app.my_people())::uuid[]))))""",
    ),
    Fault(
        proof=REPLACING.format("test_whoever_is_not_concerned_writes_nothing"),
        name="a référent says that a colleague is away",
        sql="alter policy web_adds on absence with check (cite_id = app.cite_id() and created_by_id = app.user_id())",
    ),
    Fault(
        proof=REPLACING.format("test_scope_is_looked_at_again_when_the_letter_leaves"),
        name="a letter written for a deputy leaves after what was handed back",
        file="cityjobs/reminders/queries.py",
        was='who_answers_for(due_with(passed), Reminder.cite_id, on).label("follower_id")',
        becomes='Reminder.recipient_id.label("follower_id")',
    ),
    Fault(
        proof=REPLACING.format("test_an_absence_elsewhere_takes_no_letter_from_anybody"),
        name="letters go to whoever replaces anybody, anywhere",
        file="cityjobs/parcours/queries/following.py",
        was=".correlate_except(Absence)",
        becomes="",
    ),
    Fault(
        proof=REPLACING.format("test_every_due_thing_says_so"),
        name="what is due is not on the day of whoever replaces",
        file="cityjobs/parcours/queries/following.py",
        was="return Parcours.id.in_(sa.union_all(own, replaced))",
        becomes="return Parcours.id.in_(own)",
    ),
]
