"""Rights forgotten in one place: by a policy, by one surface among those that show the same persons, by what waits."""

from tests.mutants.fault import Fault

ALONE = "tests/proofs/test_row_policies_alone.py"
PARITY = "tests/proofs/test_scope_parity.py"
BATCHES = "tests/coordination/test_batches.py"
SHARED = "tests/territory/test_shared_organisations.py"
ANY_QUERY = f"{ALONE}::test_any_query_is_answered_the_rows_of_whoever_asks"
SAME_SET = f"{PARITY}::test_every_surface_shows_the_same_set"
VERSIONS = "migrations/versions"

FAULTS = [
    # Policies
    Fault(
        proof=f"{ALONE}::test_each_table_of_persons_and_of_secrets_has_policies_enabled_and_forced",
        name="the policies of reminders are not forced on their owner",
        sql="alter table reminder no force row level security",
    ),
    Fault(
        proof=f"{ALONE}::test_each_command_the_web_is_granted_has_its_policy",
        name="next steps have no policy to be added",
        sql="drop policy web_adds on next_step",
    ),
    Fault(
        proof=ANY_QUERY,
        name="next steps of everybody are seen",
        sql="alter policy web_sees on next_step using (true)",
    ),
    Fault(
        proof=ANY_QUERY,
        name="a private note is of whoever follows the person",
        sql="alter policy web_sees on private_note using (person_id = any ((select app.my_people())::uuid[]))",
    ),
    Fault(
        proof=ANY_QUERY,
        name="an assignment that ended still shows the person",
        file=f"{VERSIONS}/0036_discretion.py",
        was="a.referent_id = app.user_id() and a.cite_id = app.cite_id() and a.ended_at is null",
        becomes="a.referent_id = app.user_id() and a.cite_id = app.cite_id()",
    ),
    Fault(
        proof=ANY_QUERY,
        name="sessions of everybody are seen",
        sql="alter policy web_sees on sign_in_session using (true)",
    ),
    Fault(
        proof=f"{ALONE}::test_functions_say_no_more_than_tables",
        name="the search before spotting names everybody",
        file=f"{VERSIONS}/0008_people_in_order.py",
        was="case when n.is_visible then concat_ws(' ', p.first_name, p.last_name)",
        becomes="case when true then concat_ws(' ', p.first_name, p.last_name)",
    ),
    Fault(
        proof=f"{ALONE}::test_functions_with_their_owners_rights_are_known_and_closed",
        name="a function with its owner's rights looks for names anywhere",
        sql="alter function app.my_people reset search_path",
    ),
    Fault(
        proof=f"{ALONE}::test_pages_that_forget_whose_rows_they_mean_show_nothing_more",
        name="initials behind a figure are whole names",
        file=f"{VERSIONS}/0038_exits_by_cite.py",
        was="else app.initials(p.first_name, p.last_name) end as initials",
        becomes="else p.last_name end as initials",
    ),
    Fault(
        proof=f"{ALONE}::test_pages_that_forget_whose_rows_they_mean_show_nothing_more",
        name="initials in the list are whole names",
        file=f"{VERSIONS}/0024_quick_pages.py",
        was="pc.person_id, app.initials(p.first_name, p.last_name) as initials",
        becomes="pc.person_id, p.last_name as initials",
    ),
    Fault(
        proof=f"{ALONE}::test_no_query_of_the_web_reads_a_hash",
        name="hashes of passwords are read",
        sql="grant select on user_account to cityjobs_web",
    ),
    Fault(
        proof=f"{ALONE}::test_the_journal_takes_no_reading_that_could_not_have_been",
        name="the journal takes any reading",
        file=f"{VERSIONS}/0021_readings_that_could_be.py",
        was="record_reading.cite_id) is not true then",
        becomes="record_reading.cite_id) is null then",
    ),
    # Surfaces
    Fault(
        proof=SAME_SET,
        name="the list alone leads to files that do not open",
        file="cityjobs/desk/queries/people.py",
        was="self.is_visible = Person.id.is_not(None)",
        becomes="self.is_visible = c.person_id.is_not(None)",
    ),
    Fault(
        proof=SAME_SET,
        name="the export alone forgets a row",
        file="cityjobs/desk/queries/people.py",
        was="self.every_row = self._told(self._chosen())",
        becomes="self.every_row = self._told(self._chosen()).offset(1)",
    ),
    Fault(
        proof=SAME_SET,
        name="a chip alone counts the others too",
        file="cityjobs/desk/queries/people.py",
        was='count("mine", self.is_visible, status, action)',
        becomes='count("mine", status, action)',
    ),
    Fault(
        proof=SAME_SET,
        name="a figure alone counts those who wait",
        file="cityjobs/reporting/facts.py",
        was='"ind_file_active": Behind(is_active)',
        becomes='"ind_file_active": Behind(is_open)',
    ),
    Fault(
        proof=SAME_SET,
        name="the board alone shows another Cité too",
        file="cityjobs/coordination/queries.py",
        was=".where(Parcours.cite_id == cite_id, is_open)",
        becomes=".where(is_open, Parcours.last_contact_on.is_(None))",
    ),
    # What is taken away, and what waits
    Fault(
        proof=f"{PARITY}::test_the_next_request_of_an_open_session_is_refused",
        name="a mission that ended goes on until the session closes",
        file="cityjobs/accounts/queries.py",
        was="Membership.id == SignInSession.membership_id, Membership.user_id == User.id, holds",
        becomes="Membership.id == SignInSession.membership_id, Membership.user_id == User.id",
    ),
    Fault(
        proof=f"{PARITY}::test_a_reminder_that_waits_does_not_go_to_whoever_lost_the_file",
        name="a reminder goes to the former référent",
        file="cityjobs/reminders/rules.py",
        was="if line.follower_id is None or line.follower_id != addressed:",
        becomes="if line.follower_id is None:",
    ),
    Fault(
        proof=f"{PARITY}::test_an_attribution_that_waits_is_announced_to_whoever_has_it_now",
        name="an attribution is announced to whoever no longer has it",
        file="cityjobs/coordination/queries.py",
        was="which, Assignment.referent_id == referent_id, Assignment.ended_at.is_(None), is_open,",
        becomes="which, Assignment.referent_id == referent_id, is_open,",
    ),
    Fault(
        proof=f"{PARITY}::test_an_attribution_that_waits_is_announced_to_whoever_has_it_now",
        name="an attribution is announced to a partner",
        file="cityjobs/coordination/queries.py",
        was="        Membership.role.in_((Role.REFERENT, Role.COORDINATOR)),\n",
        becomes="",
    ),
    Fault(
        proof=f"{PARITY}::test_a_report_that_was_asked_for_is_not_for_whoever_left",
        name="a report is announced to whoever is no longer chef de file",
        file="cityjobs/reporting/queries.py",
        was="            Membership.cite_id == ActivityReport.cite_id,\n            Membership.role == Role.CHEF_DE_FILE,\n"
        "            is_current(on),\n            User.disabled_at.is_(None),\n        )\n        .exists()\n",
        becomes="            Membership.cite_id == ActivityReport.cite_id,\n            Membership.role == Role.CHEF_DE_FILE,\n"
        "            User.disabled_at.is_(None),\n        )\n        .exists()\n",
    ),
    # Letters and batches of a page
    Fault(
        proof=BATCHES,
        name="a letter about an attribution goes to any address",
        file=f"{VERSIONS}/0034_passed_on.py",
        was="a.assigned_by_id = app.user_id() and u.email = may_queue.recipient",
        becomes="a.assigned_by_id = app.user_id()",
    ),
    Fault(
        proof=BATCHES,
        name="going back and ticking others continues the batch before",
        file="cityjobs/coordination/rules.py",
        was='return uuid.uuid5(key, "|".join((target, *rows)))',
        becomes="return uuid.uuid5(key, target if rows else str())",
    ),
    Fault(
        proof=BATCHES,
        name="a batch is anybody's",
        file=f"{VERSIONS}/0019_letters_of_the_web.py",
        was="and (batch_id is null or app.is_my_batch(batch_id)))",
        becomes=")",
    ),
    # Organisations and settings
    Fault(
        proof=SHARED,
        name="any Cité changes a shared organisation by its page",
        file="cityjobs/territory/rules.py",
        was="return self.is_keeper or not self.others",
        becomes="return True",
    ),
    Fault(
        proof=f"{SHARED}::test_the_database_refuses_what_the_page_does_not_offer",
        name="any Cité changes a shared organisation by a query",
        sql="drop trigger organisation_is_guarded on organisation",
    ),
    Fault(
        proof=f"{SHARED}::test_the_database_refuses_what_the_page_does_not_offer",
        name="any Cité gives a shared organisation another phone by a query",
        file=f"{VERSIONS}/0025_keepers_of_all_facts.py",
        was="old.is_sensitive, old.phone, old.email)",
        becomes="old.is_sensitive, new.phone, old.email)",
    ),
    Fault(
        proof=f"{SHARED}::test_a_cite_is_written_by_its_own_people",
        name="an administrator writes the envelope of any Cité",
        sql="alter policy web_changes on programme_year using (true)",
    ),
]
