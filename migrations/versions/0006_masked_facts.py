"""What may be known of everybody in a Cité without their identity: figures, masked lists, search, health."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = depends_on = None

FACTS = r"""
create view app.case_facts with (security_barrier = true) as
select pc.id as parcours_id, pc.cite_id,
  case when (select app.role()) = 'funder' then null else pc.person_id end as person_id,
  case when (select app.role()) = 'funder' then null else app.initials(p.first_name, p.last_name) end as initials,
  pc.status, pc.spotted_on, pc.contacted_on, pc.met_on, pc.diagnosed_on, pc.started_on, pc.ended_on, pc.end_reason,
  pc.entry_gender, pc.entry_age, pc.entry_in_qpv, pc.last_contact_on, pc.created_at,
  a.referent_id, a.organisation_id, a.started_at as assigned_at
from public.parcours pc
join public.person p on p.id = pc.person_id
left join public.assignment a on a.parcours_id = pc.id and a.kind = 'referent' and a.ended_at is null
where current_user = 'cityjobs_worker'
   or (pc.cite_id = (select app.cite_id()) and (select app.role()) in ('referent', 'coordinator', 'chef_de_file', 'funder'));
comment on view app.case_facts is 'One row per parcours of the Cité being worked in, without identity.';

create view app.contact_facts with (security_barrier = true) as
select i.id as interview_id, i.cite_id, i.parcours_id, i.author_id, i.held_on, i.mode, i.reached, i.duration
from public.interview i
where current_user = 'cityjobs_worker'
   or (i.cite_id = (select app.cite_id()) and (select app.role()) in ('referent', 'coordinator', 'chef_de_file', 'funder'));
comment on view app.contact_facts is 'One row per exchange of the Cité being worked in, without its text.';

create view app.assignment_facts with (security_barrier = true) as
select a.id as assignment_id, a.cite_id, a.parcours_id, a.kind, a.referent_id, a.organisation_id, a.started_at, a.ended_at
from public.assignment a
where current_user = 'cityjobs_worker'
   or (a.cite_id = (select app.cite_id()) and (select app.role()) in ('referent', 'coordinator', 'chef_de_file', 'funder'));
comment on view app.assignment_facts is 'Who was the référent of which parcours and when, without identity of the person.';
grant select on app.case_facts, app.contact_facts, app.assignment_facts to cityjobs_web, cityjobs_worker;

create function app.find_people(sought text, sought_phone text, sought_email text, sought_birth_date date)
returns table (person_id uuid, closeness real)
language sql stable security definer set search_path = pg_catalog, public as $$
  with asked as (
    select app.fold(sought) as folded, app.trigrams(sought) as grams),
  found as (
    select p.id, greatest(
      case when p.phone = sought_phone or p.second_phone = sought_phone then 1.0 end,
      case when p.email = sought_email then 1.0 end,
      case when p.birth_date = sought_birth_date then 0.9 end,
      case when asked.folded <> '' and (select bool_and(' ' || p.search_name like '% ' || word || '%')
                                        from unnest(string_to_array(asked.folded, ' ')) word) then 0.95 end,
      case when cardinality(asked.grams) > 2 and p.trigrams && asked.grams then app.closeness(p.trigrams, asked.grams) * 0.9 end
    )::real as closeness
    from public.person p, asked
    where p.cite_id = app.cite_id() and app.role() in ('referent', 'coordinator', 'spotter'))
  select id, closeness from found where closeness >= 0.45
$$;
comment on function app.find_people is
  'Persons of the Cité who may be the one sought, even where only initials may be shown; closeness from 0.45 to 1.';

create function app.look_alikes(names text, at_phone text, at_second_phone text, at_email text, born_on date, but_not uuid)
returns table (person_id uuid, is_visible boolean, shown_name text, shown_birth_date date, same_phone boolean, same_email boolean,
               same_birth_date boolean, closeness real, status text, referent text, organisation text)
language sql stable security definer set search_path = pg_catalog, public as $$
  with asked as (select app.trigrams(names) as grams, app.my_people() as mine),
  compared as (
    select p.*, coalesce(p.phone in (at_phone, at_second_phone) or p.second_phone in (at_phone, at_second_phone), false) as same_phone,
      coalesce(p.email = at_email, false) as same_email, coalesce(p.birth_date = born_on, false) as same_birth_date,
      least(app.closeness(p.trigrams, asked.grams), app.closeness(asked.grams, p.trigrams) * 1.4)::real as closeness,
      app.role() = 'coordinator' or p.id = any (asked.mine) as is_visible
    from public.person p, asked
    where p.cite_id = app.cite_id() and p.id is distinct from but_not and app.role() in ('referent', 'coordinator', 'spotter'))
  select c.id, c.is_visible,
    case when c.is_visible then concat_ws(' ', c.first_name, c.last_name) else app.initials(c.first_name, c.last_name) end,
    case when c.is_visible then c.birth_date end,
    c.same_phone, c.same_email, c.same_birth_date, c.closeness, pc.status,
    concat_ws(' ', u.first_name, u.last_name), case when not o.is_sensitive then o.name end
  from compared c
  left join lateral (select * from public.parcours where parcours.person_id = c.id order by created_at desc limit 1) pc on true
  left join public.assignment a on a.parcours_id = pc.id and a.kind = 'referent' and a.ended_at is null
  left join public.user_account u on u.id = a.referent_id
  left join public.organisation o on o.id = a.organisation_id
  where c.same_phone or c.same_email or c.closeness >= 0.7 or (c.same_birth_date and c.closeness >= 0.35)
  order by (c.same_phone or c.same_email)::int + c.same_birth_date::int + c.closeness desc
  limit 8
$$;
comment on function app.look_alikes is 'Persons of the Cité who look like the one being entered, and why; masked where not visible.';

create function app.health() returns table (revision text, worker_age double precision, beat_age double precision, outbox_age double precision)
language sql stable security definer set search_path = pg_catalog, public as $$
  select (select version_num from alembic_version),
    (select extract(epoch from clock_timestamp() - beaten_at) from heartbeat where part = 'worker'),
    (select extract(epoch from clock_timestamp() - beaten_at) from heartbeat where part = 'beat'),
    (select extract(epoch from clock_timestamp() - min(not_before)) from outgoing
     where state in ('waiting', 'sending') and not_before <= clock_timestamp())
$$;

revoke execute on function app.find_people, app.look_alikes, app.health from public;
grant execute on function app.find_people, app.look_alikes, app.health to cityjobs_web, cityjobs_worker;
"""


def upgrade() -> None:
    op.execute(FACTS)


def downgrade() -> None:
    raise NotImplementedError("the first release is undone by dropping the database")
