"""Who gives rights to whom, what is forgotten by itself, and what an administrator may count.

Rights are given by the administrator of a Cité, in that Cité, to somebody else: the database checks all three, whatever
the pages do. Old drafts are dropped by a function that may drop nothing else and read nothing.
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = depends_on = None

GIVES_RIGHTS = (
    "(select app.role()) = 'administrator' and cite_id = (select app.cite_id()) and user_id <> (select app.user_id())"
)

ACCOUNTS = f"""
alter table membership enable row level security, force row level security;
create policy owner_all on membership to cityjobs_owner using (true) with check (true);
create policy worker_all on membership to cityjobs_worker using (true) with check (true);
create policy web_sees on membership for select to cityjobs_web using (true);
create policy web_adds on membership for insert to cityjobs_web with check ({GIVES_RIGHTS});
create policy web_changes on membership for update to cityjobs_web using ({GIVES_RIGHTS}) with check ({GIVES_RIGHTS});

alter table membership
  add constraint ck_membership_role check (role in ('referent', 'coordinator', 'chef_de_file', 'partner', 'spotter', 'funder',
    'administrator')),
  add constraint ck_membership_capacity check (capacity between 1 and 500);
alter table account_link add constraint ck_account_link_purpose check (purpose in ('invitation', 'reset'));

create policy owner_drops_old on draft for delete to cityjobs_owner using (saved_at < now() - interval '30 days');

create function app.purge_drafts() returns bigint language plpgsql security definer set search_path = pg_catalog, public as $$
declare dropped bigint;
begin
  delete from draft;
  get diagnostics dropped = row_count;
  return dropped;
end $$;
comment on function app.purge_drafts is 'Drops drafts left for 30 days: the policy lets its owner reach no other.';

create function app.count_followed_by(referent uuid) returns bigint language sql stable security definer
  set search_path = pg_catalog, public as $$
  select count(distinct a.person_id) from assignment a
  where app.role() = 'administrator' and a.cite_id = app.cite_id() and a.referent_id = referent and a.ended_at is null
$$;
comment on function app.count_followed_by is 'How many persons somebody follows in the Cité, for whoever ends their membership.';

revoke execute on function app.purge_drafts, app.count_followed_by from public;
grant execute on function app.purge_drafts to cityjobs_worker;
grant execute on function app.count_followed_by to cityjobs_web;
"""


def upgrade() -> None:
    op.execute(ACCOUNTS)


def downgrade() -> None:
    raise NotImplementedError("the first release is undone by dropping the database")
