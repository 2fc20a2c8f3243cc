"""Whoever opens a new parcours leaves the closed ones; an account is its holder's; a report is asked for empty.

Even a spotter, who may change no assignment, ends those of a person's closed parcours by opening the next one.
An account is changed by its holder; an administrator may only invite, shut it, or open it again without a password.
A report is asked for in one's own name, with nothing written in it yet.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = depends_on = None

LEAVE_FORMER = r"""
create function app.leave_former(person uuid) returns void language sql security definer set search_path = pg_catalog, public as $$
  update assignment a set ended_at = clock_timestamp(), ended_by_id = app.user_id(), end_reason = 'Nouveau parcours'
  from parcours former
  where a.person_id = leave_former.person and a.cite_id = app.cite_id() and a.ended_at is null
    and former.id = a.parcours_id and former.ended_on is not null
    and exists (
      select from spotting s join parcours p on p.id = s.parcours_id
      where s.person_id = leave_former.person and s.spotted_by_id = app.user_id() and p.ended_on is null)
$$;
comment on function app.leave_former is
  'Ends the assignments of the closed parcours of a person, for whoever opened the present one.';
revoke execute on function app.leave_former from public;
grant execute on function app.leave_former to cityjobs_web;
"""

MINE = "id = (select app.user_id())"
ADMINISTERS = "(select app.role()) = 'administrator'"
ACCOUNTS = f"""
alter table user_account enable row level security, force row level security;
create policy owner_all on user_account to cityjobs_owner using (true) with check (true);
create policy worker_all on user_account to cityjobs_worker using (true) with check (true);
create policy web_sees on user_account for select to cityjobs_web using (true);
create policy web_adds on user_account for insert to cityjobs_web with check ({ADMINISTERS} and password_hash is null);
create policy web_changes on user_account for update to cityjobs_web using ({MINE} or {ADMINISTERS})
  with check ({MINE} or ({ADMINISTERS} and (password_hash is null or disabled_at is not null)));
"""

ASKS_REPORT = """cite_id = (select app.cite_id()) and (select app.role()) in ('coordinator', 'chef_de_file') and state = 'requested'"""
EMPTY_AND_MINE = "requested_by_id = (select app.user_id()) and figures is null and xlsx is null and pdf is null"


def upgrade() -> None:
    op.execute(LEAVE_FORMER)
    op.execute(ACCOUNTS)
    op.execute(f"alter policy web_adds on activity_report with check ({ASKS_REPORT} and {EMPTY_AND_MINE})")


def downgrade() -> None:
    op.execute(f"alter policy web_adds on activity_report with check ({ASKS_REPORT})")
    for policy in ("owner_all", "worker_all", "web_sees", "web_adds", "web_changes"):
        op.execute(f"drop policy {policy} on user_account")
    op.execute("alter table user_account no force row level security, disable row level security")
    op.execute("drop function app.leave_former")
