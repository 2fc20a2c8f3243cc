"""A thing to do may be passed on to a colleague who follows the same person; whoever passes it on tells them by a letter."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = depends_on = None

COLUMNS = "entrusted_to_id, entrusted_by_id, entrusted_because, entrusted_at, entrusted_times"

# in service: next_step gains columns without values, and one with a constant, in an instant; what they say is judged without
# in service: holding next_step, and its index begins empty: finding that out of some 800 000 rows takes less than a second
PASSED_ON = f"""
alter table next_step
  add column entrusted_to_id uuid,
  add column entrusted_by_id uuid,
  add column entrusted_because text,
  add column entrusted_at timestamptz,
  add column entrusted_times integer not null default 0;
alter table next_step
  add constraint fk_next_step_entrusted_to_id_user_account foreign key (entrusted_to_id) references user_account not valid,
  add constraint fk_next_step_entrusted_by_id_user_account foreign key (entrusted_by_id) references user_account not valid,
  add constraint ck_next_step_entrusted check (
    (entrusted_to_id is null) = (entrusted_at is null) and (entrusted_to_id is null) = (entrusted_by_id is null)
    and (entrusted_to_id is null) = (entrusted_times = 0)) not valid,
  add constraint ck_next_step_entrusted_because check (
    entrusted_because is null or (entrusted_to_id is not null and length(entrusted_because) between 1 and 500)) not valid;
alter table next_step validate constraint fk_next_step_entrusted_to_id_user_account;
alter table next_step validate constraint fk_next_step_entrusted_by_id_user_account;
alter table next_step validate constraint ck_next_step_entrusted;
alter table next_step validate constraint ck_next_step_entrusted_because;
create index ix_next_step_entrusted on next_step (cite_id, entrusted_to_id) where state = 'todo' and entrusted_to_id is not null;
comment on column next_step.entrusted_to_id is
  'For whom it is due in place of the référent, as long as they follow the parcours.';
grant update ({COLUMNS}) on next_step to cityjobs_web;

create function app.check_entrusted() returns trigger language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if app.user_id() is not null and new.entrusted_by_id is distinct from app.user_id() then
    raise exception 'nobody passes on in the name of another' using errcode = 'insufficient_privilege';
  end if;
  if not exists (
    select from membership m join user_account u on u.id = m.user_id
    where m.user_id = new.entrusted_to_id and m.cite_id = new.cite_id and m.role in ('referent', 'coordinator')
      and m.started_on <= app.today() and (m.ended_on is null or m.ended_on > app.today()) and u.disabled_at is null)
    or not exists (
    select from assignment a
    where a.parcours_id = new.parcours_id and a.cite_id = new.cite_id and a.ended_at is null
      and (a.referent_id = new.entrusted_to_id or exists (
        select from absence b
        where b.absent_id = a.referent_id and b.cite_id = a.cite_id and b.deputy_id = new.entrusted_to_id
          and b.ended_early_at is null and app.today() between b.starts_on and b.ends_on))) then
    raise exception 'a thing to do is passed on to who follows the parcours'
      using errcode = 'check_violation', constraint = 'ck_next_step_entrusted_to';
  end if;
  return null;
end $$;
revoke execute on function app.check_entrusted from public;
-- After the policies: whoever may not change the thing to do learns nothing of who follows whom.
create trigger entrusted_to_who_follows_at_first after insert on next_step for each row
  when (new.entrusted_to_id is not null) execute function app.check_entrusted();
create trigger entrusted_to_who_follows after update of {COLUMNS} on next_step for each row
  when (new.entrusted_to_id is not null
    and row(new.entrusted_to_id, new.entrusted_by_id, new.entrusted_because, new.entrusted_at, new.entrusted_times)
      is distinct from row(old.entrusted_to_id, old.entrusted_by_id, old.entrusted_because, old.entrusted_at, old.entrusted_times))
  execute function app.check_entrusted();
"""

MAY_QUEUE = r"""
create or replace function app.may_queue(kind text, about text, recipient text, facts jsonb) returns boolean language sql stable
  security definer set search_path = pg_catalog, public as $$
  select case may_queue.kind
    when 'reset' then
      facts = '{{}}' and about ~ '^[0-9a-f]{{64}}:[0-9]{{1,12}}$'
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
{passed_on}    else false
  end
$$;
"""
LETTER = """    when 'passed_on' then app.role() in ('referent', 'coordinator')
      and about = (facts ->> 'step') || ':' || (facts ->> 'time') and exists (
      select from next_step n
      join user_account u on u.id = n.entrusted_to_id
      where n.id = (facts ->> 'step')::uuid and n.cite_id = app.cite_id() and n.state = 'todo'
        and n.entrusted_by_id = app.user_id() and n.entrusted_times::text = facts ->> 'time'
        and u.email = may_queue.recipient)
"""


def upgrade() -> None:
    """Five columns, empty; who may be chosen; one more letter of the web."""
    op.execute(PASSED_ON)
    op.execute(MAY_QUEUE.format(passed_on=LETTER))


def downgrade() -> None:
    """Without them: what was passed on is due for the référent again."""
    op.execute(MAY_QUEUE.format(passed_on=""))
    op.execute(
        "drop trigger entrusted_to_who_follows on next_step; drop trigger entrusted_to_who_follows_at_first on next_step;"
        " drop function app.check_entrusted"
    )
    for column in reversed(COLUMNS.split(", ")):
        op.drop_column("next_step", column)
