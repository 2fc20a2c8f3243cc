"""Faults in the life of a parcours, its diagnosis and its plan: rows seen by others, guards of the database that fell, pages that forget."""

from tests.mutants.fault import Fault

ANY_QUERY = "tests/proofs/test_row_policies_alone.py::test_any_query_is_answered_the_rows_of_whoever_asks"
GUARDS = "tests/proofs/test_guards.py::test_the_database_refuses"
CLOSED = "tests/desk/test_closed.py"
MOVES = "tests/parcours/test_moves.py"
LOST = "tests/proofs/test_lost_updates.py"
STALE = f"{LOST}::test_a_stale_tab_overwrites_nothing"
ENDS = f"{LOST}::test_of_many_who_enrol_or_close_one_does_and_the_others_see_it"
SETTLED = f"{LOST}::test_of_two_who_say_what_became_of_something_one_is_heard"
SAME_SET = "tests/proofs/test_scope_parity.py::test_every_surface_shows_the_same_set"
PLANS = "tests/proofs/test_plans.py::test_no_large_table_is_read_from_end_to_end"
FORGED = "tests/proofs/test_forged_requests.py::test_no_forged_request_shows_or_changes_anything_of_the_twin"
HEADERS = "tests/proofs/test_pages.py::test_every_answer_has_its_headers"
TRACES = "tests/proofs/test_traces.py::test_every_route_leaves_exactly_its_traces"
SCRIPTS = "tests/proofs/test_scripts_in_text.py"

TABLES = (
    "list_item", "suspension", "job", "job_check", "parcours_exit", "situation_snapshot", "exit_ruleset", "exit_rule", "diagnosis",
    "frein", "frein_reading", "goal", "etape", "etape_goal", "agreement", "agreement_goal", "attachment", "plan_template",
    "plan_template_line",
)  # fmt: skip
UNTIED = """do $$ declare each record; begin
  for each in select conname from pg_constraint where conrelid = '{0}'::regclass and confrelid = '{1}'::regclass loop
    execute format('alter table {0} drop constraint %I', each.conname);
  end loop; end $$"""


def unguarded(name: str, sql: str, proof: str = GUARDS) -> Fault:
    """A guard of the database that is no longer there."""
    return Fault(proof=proof, name=name, sql=sql)


FAULTS = [
    # Policies
    *(
        Fault(
            ANY_QUERY,
            f"rows of {table} are seen by everybody",
            sql=f"alter policy web_sees on {table} using (true)",
        )
        for table in TABLES
    ),
    # Guards
    unguarded(
        "any status follows any other",
        "drop trigger if exists parcours_move on parcours; do $$ declare each record; begin"
        " for each in select tgname from pg_trigger where tgrelid = 'parcours'::regclass"
        " and tgfoid = 'app.check_parcours_move'::regproc loop"
        " execute format('drop trigger %I on parcours', each.tgname); end loop; end $$",
        f"{MOVES}::test_the_database_refuses_every_other_move",
    ),
    unguarded(
        "a parcours is suspended without a suspension",
        "drop trigger parcours_is_as_it_says on parcours; drop trigger parcours_begins_as_it_says on parcours;"
        " drop trigger suspension_is_as_parcours_says on suspension; drop trigger job_is_as_parcours_says on job",
        f"{MOVES}::test_a_status_never_says_other_than_its_suspension_and_its_job",
    ),
    unguarded(
        "an exit counts as whoever writes it says", "drop trigger parcours_exit_counts on parcours_exit"
    ),
    Fault(
        "tests/proofs/test_guards.py::test_a_category_is_read_again_at_each_change",
        "a category is read when an exit is written, and no more",
        file="migrations/versions/0027_whole_life.py",
        was="create trigger parcours_exit_counts before insert or update on",
        becomes="create trigger parcours_exit_counts before insert on",
    ),
    Fault(
        GUARDS,
        "an exit is read by the ruleset of any Cité",
        file="migrations/versions/0035_closed_is_closed.py",
        was="and e.exit_type = new.exit_type and (s.cite_id is null or s.cite_id = new.cite_id);",
        becomes="and e.exit_type = new.exit_type;",
    ),
    Fault(
        GUARDS,
        "an exit needs no evidence",
        file="migrations/versions/0035_closed_is_closed.py",
        was="  if r.needs_evidence and new.category = r.category and new.evidence is null then\n",
        becomes="  if false then\n",
    ),
    unguarded(
        "an exit that nobody waits for: goals land in a closed parcours",
        "drop trigger goal_is_added_to_open on goal",
        f"{CLOSED}::test_the_database_refuses_what_a_page_that_forgot_to_wait_would_add",
    ),
    unguarded(
        "an exit of somebody who goes on",
        "drop trigger parcours_exit_is_of_one_left on parcours_exit",
        f"{CLOSED}::test_the_database_keeps_exits_and_what_follows_to_those_who_left",
    ),
    unguarded(
        "an exit leaves the entry to be rewritten",
        "drop trigger parcours_keeps_its_entry on parcours",
        f"{CLOSED}::test_an_entry_is_frozen_for_whoever_writes",
    ),
    unguarded("two suspensions are under way", "drop index uq_suspension_open"),
    unguarded("two jobs are under way", "drop index uq_job_current"),
    unguarded("two agreements are in force", "drop index uq_agreement_current"),
    unguarded("an étape leads to the goal of another parcours", UNTIED.format("etape_goal", "goal")),
    unguarded("an étape is tied in another parcours", UNTIED.format("etape_goal", "etape")),
    unguarded("a goal is about the frein of another parcours", UNTIED.format("goal", "frein")),
    unguarded("an agreement is about the goal of another parcours", UNTIED.format("agreement_goal", "goal")),
    unguarded("a check is about the job of another person", UNTIED.format("job_check", "job")),
    unguarded("somebody is still in a job that is over", "drop trigger job_check_is_possible on job_check"),
    unguarded("a reading is in the diagnosis of another person", UNTIED.format("frein_reading", "diagnosis")),
    unguarded("a check that was noted is changed", "drop trigger job_check_is_kept on job_check"),
    unguarded(
        "a frozen situation is changed", "drop trigger situation_snapshot_is_kept on situation_snapshot"
    ),
    unguarded(
        "the situation of the entry is taken away",
        "drop trigger situation_snapshot_of_entry_stays on situation_snapshot",
    ),
    unguarded(
        "what an agreement was about is changed", "drop trigger agreement_goal_is_kept on agreement_goal"
    ),
    unguarded("a finished diagnosis is changed", "drop trigger diagnosis_is_kept on diagnosis"),
    unguarded("a reading of a frein is changed", "drop trigger frein_reading_is_kept on frein_reading"),
    # Saves that overwrite unseen
    Fault(
        STALE,
        "an étape is planned otherwise whatever was saved meanwhile",
        file="cityjobs/plans/views/etapes.py",
        was="        if form.version.data != etape.version and mine != theirs:\n",
        becomes="        if False:\n",
    ),
    Fault(
        STALE,
        "a diagnosis is saved whatever was saved meanwhile",
        file="cityjobs/diagnosis/views.py",
        was="        if form.version.data != self.diagnosis.version and form.portrait() != self.portrait:\n",
        becomes="        if False:\n",
    ),
    Fault(
        STALE,
        "an agreement is put off whatever was saved meanwhile",
        file="cityjobs/plans/views/agreements.py",
        was="    elif stands and form.version.data != held.version:\n",
        becomes="    elif False:\n",
    ),
    Fault(
        ENDS,
        "a parcours is closed without being held",
        file="cityjobs/desk/views/closing.py",
        was="    parcours = find_present_parcours(person.id, to_change=posted) or abort(404)\n",
        becomes="    parcours = find_present_parcours(person.id) or abort(404)\n",
    ),
    Fault(
        ENDS,
        "the situation of the entry is not frozen",
        file="cityjobs/parcours/views/moves.py",
        was="    if isinstance(form, EnrollForm):\n",
        becomes="    if False:\n",
    ),
    Fault(
        SETTLED,
        "a frein moves whatever became of it",
        file="cityjobs/diagnosis/views.py",
        was="    overtaken = posted and form.version.data != frein.version\n",
        becomes="    overtaken = False\n",
    ),
    # Surfaces
    Fault(
        SAME_SET,
        "checks of everybody's jobs wait in the day of each",
        file="cityjobs/parcours/queries/due.py",
        was="        checks = checks.where(is_followed_by(referent_id, on))\n",
        becomes="        checks = checks.where(sa.true())\n",
    ),
    Fault(
        SAME_SET,
        "situations of everybody who left wait in the day of each",
        file="cityjobs/parcours/queries/due.py",
        was="    return asked if referent_id is None else asked.where(is_followed_by(referent_id, on))\n",
        becomes="    return asked\n",
    ),
    Fault(
        SAME_SET,
        "a figure counts whoever is suspended",
        file="cityjobs/reporting/facts.py",
        was="sa.and_(is_open, f.started_on.is_not(None), sa.not_(f.is_paused), f.is_followed)",
        becomes="sa.and_(is_open, f.started_on.is_not(None), f.is_followed)",
    ),
    # Identifiers of another Cité
    Fault(
        FORGED,
        "a paper is found whoever it is of, and its policy shows every Cité's",
        file="cityjobs/plans/queries/agreements.py",
        was="        Attachment.id == paper_id, Attachment.person_id == person_id, Attachment.cite_id == acting().cite_id\n",
        becomes="        Attachment.id == paper_id\n",
        sql="alter policy web_sees on attachment using (true)",
    ),
    # Plans of the planner
    Fault(
        PLANS,
        "the links of a plan are sought by parcours, which no index serves",
        file="cityjobs/plans/queries/plan.py",
        was="    link = sa.select(EtapeGoal).where(EtapeGoal.goal_id.in_(mine)).subquery()\n",
        becomes="    link = sa.select(EtapeGoal).where(EtapeGoal.parcours_id == _OF_PARCOURS).subquery()\n",
    ),
    Fault(
        PLANS, "the étapes of a parcours are looked for in the country", sql="drop index ix_etape_parcours"
    ),
    # Pages
    Fault(
        HEADERS,
        "a paper is answered with the policy of a page",
        file="cityjobs/plans/views/papers.py",
        was='    answer.headers["Content-Security-Policy"] = APART\n',
        becomes="",
    ),
    Fault(
        HEADERS,
        "a paper is shown in the browser",
        file="cityjobs/plans/views/papers.py",
        was="        as_attachment=True,\n",
        becomes="        as_attachment=False,\n",
    ),
    Fault(
        TRACES,
        "the download of a paper is not said to be read",
        file="cityjobs/plans/views/papers.py",
        was='    record_reading("attachment", paper.id, paper.cite_id)\n',
        becomes="",
    ),
    Fault(TRACES, "a check of a job is no longer traced", sql="drop trigger traced on job_check"),
    Fault(
        f"{SCRIPTS}::test_every_column_shows_as_text_on_every_page",
        "the name of an employer is trusted",
        file="templates/parcours/check.html",
        was="{% if job.employer %}, {{ job.employer }}{% endif %}",
        becomes="{% if job.employer %}, {{ job.employer|safe }}{% endif %}",
    ),
    Fault(
        f"{SCRIPTS}::test_every_column_of_text_is_spoilt_or_known_to_hold_no_words",
        "a column that somebody types in is forgotten by the proof",
        sql="alter table job add column remark text",
    ),
]
