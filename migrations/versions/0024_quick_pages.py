"""Pages as quick with ten thousand persons in a Cité as with a hundred: who sees what stays exactly as it was.

A policy that says « of this Cité, and (a coordinator or …) » made the planner expect a handful of rows where there are
thousands, and read them one by one. Said as below, each question about who asks is answered once per statement, and the
number of rows expected is the number of rows of the Cité. Hosts of the version before go on serving meanwhile.
"""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = depends_on = None

IN_CITE = "cite_id = (select app.cite_id())"
MINE = "{person} = any ((select app.my_people())::uuid[])"
PERSON_SEEN = f"""{IN_CITE} and ((select app.role() = 'coordinator')
  or ((select app.role() in ('referent', 'spotter')) and {MINE}))"""
CASE_SEEN = f"{IN_CITE} and ((select app.role() = 'coordinator') or ((select app.role() = 'referent') and {MINE}))"
AUTHOR = "author_id = (select app.user_id())"

SEES = {
    "person": PERSON_SEEN.format(person="id"),
    **dict.fromkeys(
        ("parcours", "spotting", "parcours_transition", "assignment"), PERSON_SEEN.format(person="person_id")
    ),
    **dict.fromkeys(
        ("interview", "interview_version", "next_step", "reminder"), CASE_SEEN.format(person="person_id")
    ),
    "private_note": f"{AUTHOR} and {CASE_SEEN.format(person='person_id')}",
}
CHANGES = {
    "person": CASE_SEEN.format(person="id"),
    **dict.fromkeys(
        ("parcours", "assignment", "interview", "next_step"), CASE_SEEN.format(person="person_id")
    ),
    "private_note": f"{AUTHOR} and {CASE_SEEN.format(person='person_id')}",
}

SEEN_IN_FACTS = """(select current_user = 'cityjobs_worker' or app.role() in ('referent', 'coordinator', 'chef_de_file', 'funder'))
  and case when (select current_user = 'cityjobs_worker') then true else {table}.cite_id = (select app.cite_id()) end"""

FACTS = f"""
-- Small enough to be read within a query, which a function of concat_ws is not.
create or replace function app.initials(first_name text, last_name text) returns text language sql immutable parallel safe
  return coalesce(upper(left(first_name, 1)) || '…' || coalesce(' ' || upper(left(last_name, 1)) || '…', ''),
                  upper(left(last_name, 1)) || '…', '');

create or replace view app.case_facts with (security_barrier = true) as
select pc.id as parcours_id, pc.cite_id,
  case when (select app.role()) = 'funder' then null else pc.person_id end as person_id,
  case when (select app.role()) = 'funder' then null else app.initials(p.first_name, p.last_name) end as initials,
  pc.status, pc.spotted_on, pc.contacted_on, pc.met_on, pc.diagnosed_on, pc.started_on, pc.ended_on, pc.end_reason,
  pc.entry_gender, pc.entry_age, pc.entry_in_qpv, pc.last_contact_on, pc.created_at,
  a.referent_id, a.organisation_id, a.started_at as assigned_at,
  case when (select app.role()) = 'funder' then md5(pc.person_id::text)::uuid else pc.person_id end as person_key,
  pc.entry_qpv_id
from public.parcours pc
left join public.person p on p.id = pc.person_id and p.cite_id = pc.cite_id
left join public.assignment a
  on a.parcours_id = pc.id and a.cite_id = pc.cite_id and a.kind = 'referent' and a.ended_at is null
where {SEEN_IN_FACTS.format(table="pc")};

create or replace view app.contact_facts with (security_barrier = true) as
select i.id as interview_id, i.cite_id, i.parcours_id, i.author_id, i.held_on, i.mode, i.reached, i.duration
from public.interview i
where {SEEN_IN_FACTS.format(table="i")};

create or replace view app.assignment_facts with (security_barrier = true) as
select a.id as assignment_id, a.cite_id, a.parcours_id, a.kind, a.referent_id, a.organisation_id, a.started_at, a.ended_at
from public.assignment a
where {SEEN_IN_FACTS.format(table="a")};

create view app.present_cases with (security_barrier = true) as
select pc.id as parcours_id, pc.cite_id, pc.person_id, app.initials(p.first_name, p.last_name) as initials,
  pc.status, pc.spotted_on, pc.started_on, pc.ended_on, pc.last_contact_on,
  a.referent_id, a.organisation_id, a.started_at as assigned_at
from (select distinct on (cite_id, person_id) *
      from public.parcours
      order by cite_id, person_id, ended_on is not null, spotted_on desc, created_at desc, id) pc
left join public.person p on p.id = pc.person_id and p.cite_id = pc.cite_id
left join public.assignment a
  on a.parcours_id = pc.id and a.cite_id = pc.cite_id and a.kind = 'referent' and a.ended_at is null
where (select app.role() in ('referent', 'coordinator')) and pc.cite_id = (select app.cite_id());
comment on view app.present_cases is
  'One row per person of the Cité being worked in: their open parcours, or else the last one, without identity.';
grant select on app.present_cases to cityjobs_web;
"""

# in service: no release came before this one. On a full database assignment, next_step, interview and person cannot be
# written to while their indexes are built and person is written anew: run it at a quiet hour (docs/operations.md).
INDEXES = """
-- lock: each of these is made in seconds on 2 500 000 exchanges and 300 000 assignments; only writes wait for it
create index ix_assignment_person_current on assignment (person_id) where ended_at is null;
drop index ix_assignment_cite;
create index ix_assignment_cite on assignment (cite_id, kind, parcours_id)
  include (referent_id, organisation_id, started_at, ended_at);
create index ix_next_step_cite_todo on next_step (cite_id, parcours_id, due_on) include (person_id) where state = 'todo';
drop index ix_interview_cite_held;
create index ix_interview_cite_held on interview (cite_id, held_on) include (reached, mode, parcours_id);
drop index ix_person_cite_sort_name;
create index ix_person_cite_sort_name on person (cite_id, sort_name) include (id);
drop index ix_person_trigrams;
"""

SEARCH = """
create function app.signature(grams text[]) returns bit(256) language sql immutable strict parallel safe
  set search_path = pg_catalog
  return (select coalesce(bit_or(set_bit(repeat('0', 256)::bit(256), get_byte(sha256(gram::bytea), 0), 1)),
                          repeat('0', 256)::bit(256))
          from unnest(grams) gram);
comment on function app.signature is
  'Groups of letters as bits: what two names share has at least as many bits in common as bits differ in its groups.';
revoke execute on function app.signature from public;
grant execute on function app.signature to cityjobs_web, cityjobs_worker;

-- lock: persons are written anew, some ten seconds for 250 000 during which pages wait
alter table person add column signature bit(256) not null generated always as
  (app.signature(app.trigrams(first_name || ' ' || coalesce(last_name, '') || ' ' || coalesce(birth_name, '')))) stored;
drop trigger traced on person;
create trigger traced after insert or update or delete on person for each row
  execute function audit.trace('search_name', 'trigrams', 'sort_name', 'signature');

create or replace function app.find_people(sought text, sought_phone text, sought_email text, sought_birth_date date)
returns table (person_id uuid, closeness real)
language sql stable security definer set search_path = pg_catalog, public as $$
  with asked as materialized (
    select folded, grams, app.signature(grams) as signature,
      -- Several groups of letters may share one bit: as many fewer are then asked of a signature.
      ceil(cardinality(grams) * 0.5) - cardinality(grams) + bit_count(app.signature(grams)) as bits_in_common,
      array(select '% ' || word || '%' from unnest(string_to_array(folded, ' ')) word) as beginnings
    from (select app.fold(sought) as folded, app.trigrams(sought) as grams) words),
  compared as (
    select p.id, p.trigrams, asked.grams,
      p.phone = sought_phone or p.second_phone = sought_phone as same_phone, p.email = sought_email as same_email,
      p.birth_date = sought_birth_date as same_birth_date,
      asked.folded <> '' and ' ' || p.search_name like all (asked.beginnings) as begins_so,
      cardinality(asked.grams) > 2 and bit_count(p.signature & asked.signature) >= asked.bits_in_common as may_look_so
    from public.person p, asked
    where p.cite_id = app.cite_id() and app.role() in ('referent', 'coordinator', 'spotter')),
  found as (
    select id, greatest(
      case when same_phone then 1.0 end,
      case when same_email then 1.0 end,
      case when same_birth_date then 0.9 end,
      case when begins_so then 0.95 end,
      case when may_look_so then app.closeness(trigrams, grams) * 0.9 end)::real as closeness
    from compared
    where same_phone or same_email or same_birth_date or begins_so or may_look_so)
  select id, closeness from found where closeness >= 0.45
$$;

create or replace function app.look_alikes(names text, at_phone text, at_second_phone text, at_email text, born_on date, but_not uuid)
returns table (person_id uuid, is_visible boolean, shown_name text, shown_birth_date date, same_phone boolean, same_email boolean,
               same_birth_date boolean, closeness real, status text, referent text, organisation text)
language sql stable security definer set search_path = pg_catalog, public as $$
  with asked as materialized (
    select grams, mine, app.signature(grams) as signature,
      ceil(cardinality(grams) * 0.7) - cardinality(grams) + bit_count(app.signature(grams)) as bits_in_common
    from (select app.trigrams(names) as grams, app.my_people() as mine) words),
  likely as (
    select p.id, p.first_name, p.last_name, p.birth_date, p.trigrams,
      coalesce(p.phone in (at_phone, at_second_phone) or p.second_phone in (at_phone, at_second_phone), false) as same_phone,
      coalesce(p.email = at_email, false) as same_email, coalesce(p.birth_date = born_on, false) as same_birth_date,
      bit_count(p.signature & asked.signature) >= asked.bits_in_common as may_look_so
    from public.person p, asked
    where p.cite_id = app.cite_id() and p.id is distinct from but_not and app.role() in ('referent', 'coordinator', 'spotter')),
  compared as (
    select l.*,
      least(app.closeness(l.trigrams, asked.grams), app.closeness(asked.grams, l.trigrams) * 1.4)::real as closeness,
      app.role() = 'coordinator' or l.id = any (asked.mine) as is_visible
    from likely l, asked
    where l.same_phone or l.same_email or l.same_birth_date or l.may_look_so)
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
"""


def upgrade() -> None:
    for table, seen in SEES.items():
        op.execute(f"alter policy web_sees on {table} using ({seen})")
    for table, allowed in CHANGES.items():
        op.execute(f"alter policy web_changes on {table} using ({allowed}) with check ({allowed})")
    op.execute(FACTS)
    op.execute(INDEXES)
    op.execute(SEARCH)


def downgrade() -> None:
    raise NotImplementedError("the version before runs on this one: the same rows, sooner")
