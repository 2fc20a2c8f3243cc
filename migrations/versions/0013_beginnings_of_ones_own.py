"""Nobody enters a file by spotting it: a parcours or a spotting begins where one may look, or with a person just entered.

Without this, a spotting added to somebody else's parcours that nobody follows would show the person to its author; so
would a second parcours opened for a person whose first is closed. For the same reason, somebody whom a colleague follows
in a later parcours is no longer shown to the référent who spotted them in an earlier one.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = depends_on = None

MY_PEOPLE = r"""
create or replace function app.my_people() returns uuid[] language sql stable security definer
  set search_path = pg_catalog, public as $$
  select case app.role()
    when 'referent' then array(
      select a.person_id from assignment a
      where a.referent_id = app.user_id() and a.cite_id = app.cite_id() and a.ended_at is null
      union
      select s.person_id from spotting s
      where s.spotted_by_id = app.user_id() and s.cite_id = app.cite_id()
        and not exists (select from assignment a where a.{followed} and a.kind = 'referent' and a.ended_at is null))
    when 'spotter' then array(
      select s.person_id from spotting s where s.spotted_by_id = app.user_id() and s.cite_id = app.cite_id())
    else '{{}}'::uuid[]
  end
$$;
"""

JUST_ENTERED = r"""
create function app.just_entered(person uuid) returns boolean language sql stable security definer
  set search_path = pg_catalog, public as $$
  select exists (
    select from person p
    where p.id = just_entered.person and p.cite_id = app.cite_id() and p.created_by_id = app.user_id()
      and not exists (select from spotting s where s.person_id = p.id))
$$;
comment on function app.just_entered is 'Whether whoever asks entered this person and nobody spotted them yet.';
revoke execute on function app.just_entered from public;
grant execute on function app.just_entered to cityjobs_web;
"""

IN_CITE = "cite_id = (select app.cite_id()) and (select app.role()) in ('referent', 'coordinator', 'spotter')"
REACHED = """((select app.role()) = 'coordinator' or person_id = any ((select app.my_people())::uuid[])
  or app.just_entered(person_id))"""
BEGINNINGS = {
    "parcours": f"{IN_CITE} and status = 'repere'",
    "spotting": f"{IN_CITE} and spotted_by_id = (select app.user_id())",
}


def upgrade() -> None:
    op.execute(MY_PEOPLE.format(followed="person_id = s.person_id"))
    op.execute(JUST_ENTERED)
    for table, allowed in BEGINNINGS.items():
        op.execute(f"alter policy web_adds on {table} with check ({allowed} and {REACHED})")


def downgrade() -> None:
    for table, allowed in BEGINNINGS.items():
        op.execute(f"alter policy web_adds on {table} with check ({allowed})")
    op.execute("drop function app.just_entered")
    op.execute(MY_PEOPLE.format(followed="parcours_id = s.parcours_id"))
