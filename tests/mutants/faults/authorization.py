"""Faults in who may do what: each must turn tests/proofs/test_authorization.py red."""

from tests.mutants.fault import Fault

CELLS = "tests/proofs/test_authorization.py::test_every_cell_is_answered_as_the_table_says[{}]"
SIGHTS = "tests/proofs/test_authorization.py::test_each_person_is_shown_as_far_as_the_table_says"
ROWS = (
    "tests/proofs/test_authorization.py"
    "::test_rows_behind_a_figure_name_those_whom_the_table_says_and_mask_the_others"
)
MY_PEOPLE = """
create or replace function app.my_people() returns uuid[] language sql stable security definer
  set search_path = pg_catalog, public as $$
  select case app.role()
    when 'referent' then array(
      select a.person_id from assignment a
      where a.referent_id = app.user_id() and a.cite_id = app.cite_id() {still}
      union
      select s.person_id from spotting s where s.spotted_by_id = app.user_id() and s.cite_id = app.cite_id() {waiting})
    when 'spotter' then array(
      select s.person_id from spotting s where s.spotted_by_id = app.user_id() and s.cite_id = app.cite_id())
    else '{{}}'::uuid[]
  end
$$;
"""
STILL = "and a.ended_at is null"
WAITING = """and not exists (select from assignment a
  where a.person_id = s.person_id and a.kind = 'referent' and a.ended_at is null)"""

FAULTS = [
    Fault(
        CELLS.format("people"),
        "a page asks for less than it gives",
        file="cityjobs/people/views.py",
        was="@requires(Permission.PERSON_EDIT)\ndef edit(",
        becomes="@requires(Permission.PERSON_SPOT)\ndef edit(",
    ),
    Fault(
        CELLS.format("territory"),
        "the gate looks at reading only",
        file="cityjobs/core/permissions.py",
        was="if isinstance(needed, Permission) and not can(needed):",
        becomes="if isinstance(needed, Permission) and request.method == 'GET' and not can(needed):",
    ),
    Fault(
        CELLS.format("day"),
        "a disabled account keeps its sessions",
        file="cityjobs/accounts/queries.py",
        was='            SignInSession.opened_at > sa.bindparam("opened_after", type_=sa.DateTime(timezone=True)),\n'
        "            User.disabled_at.is_(None),\n",
        becomes='            SignInSession.opened_at > sa.bindparam("opened_after", type_=sa.DateTime(timezone=True)),\n',
    ),
    Fault(
        CELLS.format("day"),
        "a mission that ended still gives its role",
        file="cityjobs/accounts/queries.py",
        was="Membership.id == SignInSession.membership_id, Membership.user_id == User.id, holds",
        becomes="Membership.id == SignInSession.membership_id, Membership.user_id == User.id",
    ),
    Fault(
        CELLS.format("accounts"),
        "the session of a colleague can be closed",
        file="cityjobs/accounts/actions.py",
        was="            SignInSession.id == session_id,\n            SignInSession.user_id == owner_id,\n",
        becomes="            SignInSession.id == session_id,\n",
        sql="alter policy web_sees on sign_in_session using (true);"
        " alter policy web_changes on sign_in_session using (true) with check (true)",
    ),
    Fault(
        CELLS.format("file"),
        "who followed once still follows",
        sql=MY_PEOPLE.format(still="", waiting=WAITING),
    ),
    Fault(
        CELLS.format("file"),
        "who spotted keeps the file of whom a colleague follows",
        sql=MY_PEOPLE.format(still=STILL, waiting=""),
    ),
    Fault(
        CELLS.format("people"),
        "the file of a person forgets its Cité, in the query and in the policy",
        file="cityjobs/people/queries.py",
        was="sa.select(Person).where(Person.id == person_id, Person.cite_id == acting().cite_id)",
        becomes="sa.select(Person).where(Person.id == person_id)",
        sql="alter policy web_sees on person using ((select app.role()) = 'coordinator'"
        " or id = any ((select app.my_people())::uuid[]))",
    ),
    Fault(
        CELLS.format("followups"),
        "a next step is looked for under any person",
        file="cityjobs/followups/queries.py",
        was="NextStep.id == step_id, NextStep.person_id == person_id, NextStep.cite_id",
        becomes="NextStep.id == step_id, NextStep.cite_id",
    ),
    Fault(
        CELLS.format("territory"),
        "any organisation can be opened from any Cité",
        file="cityjobs/territory/queries.py",
        was="sa.select(Organisation).where(Organisation.id == organisation_id, is_in_collective(cite_id))",
        becomes="sa.select(Organisation).where(Organisation.id == organisation_id)",
    ),
    Fault(
        CELLS.format("accounts"),
        "a mission of any Cité can be ended",
        file="cityjobs/accounts/queries.py",
        was="_colleagues().where(Membership.id == membership_id, Membership.cite_id == cite_id)",
        becomes="_colleagues().where(Membership.id == membership_id)",
    ),
    Fault(
        SIGHTS,
        "whoever searches before spotting reads the names of everybody",
        sql="""
            do $$ declare body text; begin
              select pg_get_functiondef('app.people_sought'::regproc) into body;
              execute replace(body, 'app.initials(', 'concat_ws('' '', ');
            end $$""",
    ),
    Fault(
        ROWS,
        "the chef de file is given the names behind a figure",
        sql="alter policy web_sees on person using (cite_id = (select app.cite_id())"
        " and ((select app.role()) in ('coordinator', 'chef_de_file') or id = any ((select app.my_people())::uuid[])))",
    ),
]
