"""Who replaces a référent while they are away, and who lives with whom.

Nothing is reassigned while somebody is away: the deputy sees whom the absent one follows as long as the day is among those
of the absence and nobody ended it. A tie between two persons is seen by whoever may open both files, and by nobody else.
"""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = depends_on = None

HERE = "cite_id = (select app.cite_id())"
MINE = "{person} = any ((select app.my_people())::uuid[])"

TABLES = r"""
create function app.today() returns date language sql stable set search_path = pg_catalog
  as $$ select (now() at time zone 'Europe/Paris')::date $$;
comment on function app.today is 'The present day in Paris, which absences are counted in.';
revoke execute on function app.today from public;
grant execute on function app.today to cityjobs_web, cityjobs_worker;

create table absence (
  id uuid primary key,
  cite_id uuid not null references cite,
  absent_id uuid not null references user_account,
  deputy_id uuid not null references user_account,
  starts_on date not null,
  ends_on date not null,
  ended_early_at timestamptz,
  ended_by_id uuid references user_account,
  created_by_id uuid references user_account,
  created_at timestamptz not null,
  version integer not null default 1,
  constraint ck_absence_days check (starts_on <= ends_on),
  constraint ck_absence_length check (ends_on <= starts_on + interval '1 year'),
  constraint ck_absence_deputy check (absent_id <> deputy_id),
  constraint ck_absence_ended check ((ended_early_at is null) = (ended_by_id is null))
);
create index ix_absence_deputy on absence (deputy_id, cite_id) where ended_early_at is null;
create index ix_absence_absent on absence (absent_id, cite_id) where ended_early_at is null;
create index ix_absence_cite on absence (cite_id, starts_on);

create function app.check_absence() returns trigger language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('absence:' || new.absent_id::text, 0));
  if exists (
    select from absence b
    where b.absent_id = new.absent_id and b.cite_id = new.cite_id and b.ended_early_at is null and b.id <> new.id
      and b.starts_on <= new.ends_on and new.starts_on <= b.ends_on) then
    raise exception 'absences of one professional do not overlap'
      using errcode = 'exclusion_violation', constraint = 'ex_absence_days';
  end if;
  if exists (
    select from unnest(array[new.absent_id, new.deputy_id]) as concerned (user_id)
    where not exists (
      select from membership m join user_account u on u.id = m.user_id
      where m.user_id = concerned.user_id and m.cite_id = new.cite_id and m.role in ('referent', 'coordinator')
        and m.started_on <= app.today() and (m.ended_on is null or m.ended_on > app.today()) and u.disabled_at is null)) then
    raise exception 'only who follows persons of this Cité is away from them, or replaces'
      using errcode = 'check_violation', constraint = 'ck_absence_members';
  end if;
  return null;
end $$;
-- After the policies: whoever may not say an absence learns nothing of those there are.
create trigger absence_is_possible after insert on absence for each row execute function app.check_absence();

create function app.keep_absence() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
  if tg_op = 'DELETE' or old.ended_early_at is not null then
    raise exception 'an absence is ended once, and its line stays' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger absence_is_kept before update or delete on absence for each row execute function app.keep_absence();
revoke execute on function app.check_absence, app.keep_absence from public;

create table person_link (
  id uuid primary key,
  cite_id uuid not null references cite,
  person_id uuid not null,
  other_id uuid not null,
  kind text not null,
  created_by_id uuid references user_account,
  created_at timestamptz not null,
  foreign key (person_id, cite_id) references person (id, cite_id),
  foreign key (other_id, cite_id) references person (id, cite_id),
  unique (person_id, other_id),
  constraint ck_person_link_order check (person_id < other_id),
  constraint ck_person_link_kind check (kind in ('conjoint', 'parent', 'enfant', 'fratrie', 'autre_foyer'))
);
create index ix_person_link_other on person_link (other_id);
create trigger person_link_is_kept before update on person_link for each row execute function app.refuse_change();

grant select, insert on absence, person_link to cityjobs_web;
grant update (ended_early_at, ended_by_id, version) on absence to cityjobs_web;
grant delete on person_link to cityjobs_web;
grant select, insert, update, delete on absence, person_link to cityjobs_worker;
"""

# in service: the function answers as before until an absence is written
MY_PEOPLE = r"""
create or replace function app.my_people() returns uuid[] language sql stable security definer
  set search_path = pg_catalog, public as $$
  select case app.role()
    when 'referent' then array(
      select a.person_id from assignment a
      where a.referent_id = app.user_id() and a.cite_id = app.cite_id() and a.ended_at is null
      union
{replaced}      select s.person_id from spotting s
      where s.spotted_by_id = app.user_id() and s.cite_id = app.cite_id()
        and not exists (select from assignment a where a.person_id = s.person_id and a.kind = 'referent' and a.ended_at is null))
    when 'spotter' then array(
      select s.person_id from spotting s where s.spotted_by_id = app.user_id() and s.cite_id = app.cite_id())
    else '{{}}'::uuid[]
  end
$$;
"""
REPLACED = """      select a.person_id from absence b
      join assignment a on a.referent_id = b.absent_id and a.cite_id = b.cite_id and a.ended_at is null
      where b.deputy_id = app.user_id() and b.cite_id = app.cite_id()
        and b.ended_early_at is null and app.today() between b.starts_on and b.ends_on
      union
"""

CASEWORK = "(select app.role() in ('referent', 'coordinator'))"
CONCERNED = f"{HERE} and {CASEWORK}"
LINKED = f"""{HERE} and ((select app.role() = 'coordinator') or ((select app.role() = 'referent')
  and {MINE.format(person="person_id")} and {MINE.format(person="other_id")}))"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(MY_PEOPLE.format(replaced=REPLACED))
    for table in ("absence", "person_link"):
        op.execute(f"alter table {table} enable row level security, force row level security")
        op.execute(f"create policy owner_all on {table} to cityjobs_owner using (true) with check (true)")
        op.execute(f"create policy worker_all on {table} to cityjobs_worker using (true) with check (true)")
        op.execute(
            f"create trigger traced after insert or update or delete on {table} for each row execute function audit.trace()"
        )
    op.execute(f"create policy web_sees on absence for select to cityjobs_web using ({CONCERNED})")
    op.execute(
        f"create policy web_adds on absence for insert to cityjobs_web with check ({CONCERNED}"
        " and created_by_id = (select app.user_id()) and ended_early_at is null"
        " and ((select app.role() = 'coordinator') or absent_id = (select app.user_id())))"
    )
    told = (
        f"{CONCERNED} and ((select app.role() = 'coordinator') or (select app.user_id()) in (absent_id, deputy_id))"
    )
    op.execute(
        f"create policy web_changes on absence for update to cityjobs_web using ({told})"
        f" with check ({told} and ended_by_id = (select app.user_id()))"
    )
    op.execute(f"create policy web_sees on person_link for select to cityjobs_web using ({LINKED})")
    op.execute(
        f"create policy web_adds on person_link for insert to cityjobs_web with check ({LINKED}"
        " and created_by_id = (select app.user_id()))"
    )
    op.execute(f"create policy web_drops on person_link for delete to cityjobs_web using ({LINKED})")


def downgrade() -> None:
    op.execute(MY_PEOPLE.format(replaced=""))
    op.execute("drop table person_link, absence")
    op.execute("drop function app.check_absence, app.keep_absence, app.today")
