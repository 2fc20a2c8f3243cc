"""What figures need: the neighbourhood frozen at entry, a key that counts persons without naming them, reports that can fail."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = depends_on = None

FREEZE = r"""
create function app.freeze_entry_qpv() returns trigger language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if new.started_on is not null and (tg_op = 'INSERT' or old.started_on is null) then
    new.entry_qpv_id := coalesce(new.entry_qpv_id, (select p.qpv_id from person p where p.id = new.person_id));
  end if;
  return new;
end $$;
comment on function app.freeze_entry_qpv is 'The neighbourhood on the day of entry, which a later move of the person does not change.';
create trigger parcours_freezes_entry_qpv before insert or update of started_on on parcours
  for each row execute function app.freeze_entry_qpv();
update parcours set entry_qpv_id = p.qpv_id from person p where p.id = parcours.person_id and parcours.started_on is not null;
"""

FACTS = r"""
create or replace view app.case_facts with (security_barrier = true) as
select pc.id as parcours_id, pc.cite_id,
  case when (select app.role()) = 'funder' then null else pc.person_id end as person_id,
  case when (select app.role()) = 'funder' then null else app.initials(p.first_name, p.last_name) end as initials,
  pc.status, pc.spotted_on, pc.contacted_on, pc.met_on, pc.diagnosed_on, pc.started_on, pc.ended_on, pc.end_reason,
  pc.entry_gender, pc.entry_age, pc.entry_in_qpv, pc.last_contact_on, pc.created_at,
  a.referent_id, a.organisation_id, a.started_at as assigned_at,
  md5(pc.person_id::text)::uuid as person_key, pc.entry_qpv_id
from public.parcours pc
join public.person p on p.id = pc.person_id
left join public.assignment a on a.parcours_id = pc.id and a.kind = 'referent' and a.ended_at is null
where current_user = 'cityjobs_worker'
   or (pc.cite_id = (select app.cite_id()) and (select app.role()) in ('referent', 'coordinator', 'chef_de_file', 'funder'));
comment on column app.case_facts.person_key is 'Tells two persons apart without saying who they are; opens no file.';

alter table activity_report
  add constraint ck_activity_report_state check (state in ('requested', 'computing', 'ready', 'failed')),
  add constraint ck_activity_report_progress check (progress between 0 and 100),
  add constraint ck_activity_report_period check (period_start <= period_end),
  add constraint ck_activity_report_ready check ((state = 'ready') = (ready_at is not null and figures is not null and pdf is not null));
create index ix_activity_report_unsettled on activity_report (created_at) where state <> 'ready';
"""


def upgrade() -> None:
    op.add_column("parcours", sa.Column("entry_qpv_id", sa.Uuid(), nullable=True))
    op.create_foreign_key("fk_parcours_entry_qpv_id_qpv", "parcours", "qpv", ["entry_qpv_id"], ["id"])
    op.add_column("activity_report", sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("activity_report", sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("activity_report", sa.Column("failure", sa.Text(), nullable=True))
    op.execute(FREEZE)
    op.execute(FACTS)


def downgrade() -> None:
    raise NotImplementedError("the first release is undone by dropping the database")
