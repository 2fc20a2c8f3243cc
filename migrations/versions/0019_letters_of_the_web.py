"""A page queues only the letters that its own writes call for, to whom they concern; a batch is of one coordinator in one Cité."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = depends_on = None

LETTERS = r"""
create function app.may_queue(kind text, about text, recipient text, facts jsonb) returns boolean language sql stable
  security definer set search_path = pg_catalog, public as $$
  select case may_queue.kind
    when 'reset' then
      facts = '{}' and about like encode(sha256(convert_to(may_queue.recipient, 'UTF8')), 'hex') || ':%'
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
comment on function app.may_queue is
  'Whether whoever asks has just done what this letter tells, and its address is that of whom it concerns.';

create function app.is_my_batch(batch uuid) returns boolean language sql stable security definer
  set search_path = pg_catalog, public as $$
  select not exists (
    select from assignment a
    where a.batch_id = is_my_batch.batch
      and (a.cite_id is distinct from app.cite_id() or a.assigned_by_id is distinct from app.user_id()))
$$;
comment on function app.is_my_batch is 'Whether nobody else, and no other Cité, attributed anything under this number.';

revoke execute on function app.may_queue, app.is_my_batch from public;
grant execute on function app.may_queue, app.is_my_batch to cityjobs_web;
"""

UNSENT = "state = 'waiting' and attempts = 0 and claimed_at is null and settled_at is null and failure is null"
ASSIGNS = """cite_id = (select app.cite_id()) and ((select app.role()) = 'coordinator'
  or ((select app.role()) = 'referent' and person_id = any ((select app.my_people())::uuid[])))
  and assigned_by_id = (select app.user_id())"""


def upgrade() -> None:
    op.execute(LETTERS)
    op.execute(
        f"alter policy web_adds on outgoing with check ({UNSENT} and app.may_queue(kind, dedupe_key, recipient, facts))"
    )
    op.execute(
        f"alter policy web_adds on assignment with check ({ASSIGNS} and (batch_id is null or app.is_my_batch(batch_id)))"
    )


def downgrade() -> None:
    op.execute("alter policy web_adds on outgoing with check ((select app.user_id()) is not null or kind = 'reset')")
    op.execute(f"alter policy web_adds on assignment with check ({ASSIGNS})")
    op.execute("drop function app.is_my_batch, app.may_queue")
