"""The journal takes no reading that could not have been: of a subject unknown, in a Cité worked elsewhere, of a row out of sight.

A page that shows something new adds its subject to app.may_read, with who may see it.
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = depends_on = None

MAY_READ = r"""
create function app.works_here(cite uuid) returns boolean language sql stable security definer
  set search_path = pg_catalog, public as $$
  select cite is not distinct from app.cite_id() and exists (
    select from membership m
    where m.user_id = app.user_id() and m.cite_id = app.cite_id() and m.role = app.role()
      and m.started_on <= (now() at time zone 'Europe/Paris')::date
      and (m.ended_on is null or m.ended_on > (now() at time zone 'Europe/Paris')::date))
$$;
comment on function app.works_here is 'Whether whoever asks works in this Cité today, in the role they say.';

create function app.may_read(subject text, subject_id uuid, cite uuid) returns boolean language sql stable security definer
  set search_path = pg_catalog, public as $$
  select app.works_here(cite) and case may_read.subject
    when 'person' then exists (
      select from person p where p.id = may_read.subject_id and p.cite_id = may_read.cite
        and (app.role() = 'coordinator' or p.id = any (app.my_people())))
    when 'interview' then app.role() in ('coordinator', 'referent') and exists (
      select from interview i where i.id = may_read.subject_id and i.cite_id = may_read.cite
        and (app.role() = 'coordinator' or i.person_id = any (app.my_people())))
    when 'activity_report' then app.role() in ('coordinator', 'chef_de_file', 'funder') and exists (
      select from activity_report r where r.id = may_read.subject_id and r.cite_id = may_read.cite)
    when 'people' then subject_id = cite and app.role() in ('coordinator', 'referent', 'spotter')
    when 'look_alikes' then subject_id = cite and app.role() in ('coordinator', 'referent', 'spotter')
    when 'people_export' then subject_id = cite and app.role() in ('coordinator', 'referent')
    when 'figure_rows' then subject_id = cite and app.role() in ('coordinator', 'referent', 'chef_de_file')
    when 'reminders' then subject_id = cite and app.role() = 'coordinator'
    else false
  end
$$;
comment on function app.may_read is 'Whether whoever asks could have been shown this; what the journal accepts as read.';

create or replace function audit.record_reading(subject text, subject_id uuid, cite_id uuid) returns void
  language plpgsql security definer set search_path = pg_catalog, audit as $$
begin
  if app.may_read(record_reading.subject, record_reading.subject_id, record_reading.cite_id) is not true then
    raise exception 'nothing of the kind could have been read' using errcode = 'insufficient_privilege';
  end if;
  perform pg_current_xact_id();
  insert into audit.journal (actor, role, cite_id, request, verb, subject, subject_id)
  values (app.user_id(), app.role(), record_reading.cite_id, nullif(current_setting('cityjobs.request_id', true), ''), 'read',
          record_reading.subject, record_reading.subject_id::text);
end $$;

revoke execute on function app.works_here, app.may_read from public;
-- in service: record_reading was never called by a worker
revoke execute on function audit.record_reading from cityjobs_worker;
"""

UNCHECKED = r"""
create or replace function audit.record_reading(subject text, subject_id uuid, cite_id uuid) returns void
  language plpgsql security definer set search_path = pg_catalog, audit as $$
begin
  perform pg_current_xact_id();
  insert into audit.journal (actor, role, cite_id, request, verb, subject, subject_id)
  values (app.user_id(), app.role(), record_reading.cite_id, nullif(current_setting('cityjobs.request_id', true), ''), 'read',
          record_reading.subject, record_reading.subject_id::text);
end $$;
drop function app.may_read, app.works_here;
grant execute on function audit.record_reading to cityjobs_worker;
"""


def upgrade() -> None:
    op.execute(MAY_READ)


def downgrade() -> None:
    op.execute(UNCHECKED)
