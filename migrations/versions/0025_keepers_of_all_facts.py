"""A shared organisation is changed by its keeper alone, wholly; the key of a reset's letter says nothing of its address.

Another Cité that joins it reads its phone, its address and whether it is masked, and asks its keeper for a change. What is
masked though its type does not ask for it is unmasked by its keeper; a sensitive type stays masked while others share it.

in service: organisation: a host of the version before still shows these fields to every Cité that shares it, and its
answer is an error page when one that does not keep it changes them.
"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = depends_on = None

GUARD = r"""
create or replace function app.guard_organisation() returns trigger language plpgsql security definer
  set search_path = pg_catalog, public as $$
begin
  if row(old.name, old.kind, old.family, old.is_sensitive, old.phone, old.email)
      is distinct from row(new.name, new.kind, new.family, new.is_sensitive, new.phone, new.email)
    and not app.keeps(new.id) then
    raise exception 'another Cité keeps this organisation' using errcode = 'insufficient_privilege';
  end if;
  if old.is_sensitive and not new.is_sensitive
    and array[old.kind, new.kind] && array['ASE', 'CAARUD', 'CSAPA', 'PENSION', 'PJJ', 'PREVENTION', 'SPIP']
    and exists (
      select from collective_member m where m.organisation_id = new.id and m.cite_id is distinct from app.cite_id()) then
    raise exception 'another Cité counts on this organisation being masked' using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
comment on function app.keeps is
  'Whether the Cité being worked in may change an organisation: it was the first to have it, or has it alone.';
"""

MAY_QUEUE = r"""
create or replace function app.may_queue(kind text, about text, recipient text, facts jsonb) returns boolean language sql stable
  security definer set search_path = pg_catalog, public as $$
  select case may_queue.kind
    when 'reset' then
      facts = '{}' and about ~ '^[0-9a-f]{64}:[0-9]{1,12}$'
    when 'invitation' then app.role() = 'administrator' and about = facts ->> 'link_id' and exists (
      select from account_link l
      join user_account u on u.id = l.user_id
      join membership m on m.user_id = u.id
      where l.id = (facts ->> 'link_id')::uuid and l.purpose = 'invitation' and l.used_at is null
        and u.email = may_queue.recipient and m.cite_id = app.cite_id() and m.ended_on is null)
    when 'membership' then app.role() = 'administrator' and about = facts ->> 'membership_id' and exists (
      select from membership m
      join user_account u on u.id = m.user_id
      where m.id = (facts ->> 'membership_id')::uuid and m.cite_id = app.cite_id() and u.email = may_queue.recipient)
    when 'assignment' then app.role() = 'coordinator'
      and about in ((facts ->> 'batch') || ':' || (facts ->> 'referent'), facts ->> 'assignment') and exists (
      select from assignment a
      join user_account u on u.id = a.referent_id
      where a.cite_id = app.cite_id() and a.assigned_by_id = app.user_id() and u.email = may_queue.recipient
        and a.referent_id = (facts ->> 'referent')::uuid
        and (a.batch_id = (facts ->> 'batch')::uuid or a.id = (facts ->> 'assignment')::uuid))
    when 'assignment_undone' then app.role() = 'coordinator'
      and about = (facts ->> 'batch') || ':' || (facts ->> 'referent') and exists (
      select from assignment a
      join user_account u on u.id = a.referent_id
      where a.cite_id = app.cite_id() and a.ended_by_id = app.user_id() and u.email = may_queue.recipient
        and a.referent_id = (facts ->> 'referent')::uuid and a.batch_id = (facts ->> 'batch')::uuid)
    else false
  end
$$;
update outgoing set dedupe_key = id::text where kind = 'reset' and state not in ('waiting', 'sending');
"""


def upgrade() -> None:
    op.execute(GUARD)
    op.execute(MAY_QUEUE)


def downgrade() -> None:
    raise NotImplementedError(
        "the version before runs on this one, with fewer rights on what another Cité keeps"
    )
