"""The shared diagnosis, in versions: freins as they stand now, and how they stood in each version."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = depends_on = None

HERE = "cite_id = (select app.cite_id())"
MINE = "person_id = any ((select app.my_people())::uuid[])"
CASE_SEEN = f"{HERE} and ((select app.role() = 'coordinator') or ((select app.role() = 'referent') and {MINE}))"

TABLES = r"""
create table diagnosis (
  id uuid primary key,
  cite_id uuid not null references cite,
  person_id uuid not null,
  parcours_id uuid not null,
  number integer not null,
  opened_on date not null,
  finished_on date,
  strengths text,
  project text,
  rome_code text,
  occupation text,
  sector text,
  radius_km integer,
  working_time text,
  contract text,
  digital_autonomy text,
  french_spoken text,
  french_written text,
  author_id uuid not null references user_account,
  created_at timestamptz not null,
  version integer not null default 1,
  foreign key (parcours_id, person_id, cite_id) references parcours (id, person_id, cite_id),
  unique (id, person_id, cite_id),
  unique (parcours_id, number),
  constraint ck_diagnosis_number check (number >= 1),
  constraint ck_diagnosis_dates check (opened_on <= coalesce(finished_on, 'infinity')),
  constraint ck_diagnosis_radius check (radius_km between 0 and 1000)
);
create unique index uq_diagnosis_open on diagnosis (parcours_id) where finished_on is null;
create index ix_diagnosis_person on diagnosis (person_id);

create table frein (
  id uuid primary key,
  cite_id uuid not null references cite,
  person_id uuid not null,
  parcours_id uuid not null,
  code text not null,
  status text not null,
  severity integer,
  is_priority boolean not null default false,
  owner text,
  situations text[] not null default '{}',
  identified_on date,
  settled_on date,
  recorded_by_id uuid references user_account,
  recorded_at timestamptz not null,
  version integer not null default 1,
  foreign key (parcours_id, person_id, cite_id) references parcours (id, person_id, cite_id),
  unique (id, parcours_id, person_id, cite_id),
  unique (parcours_id, code),
  constraint ck_frein_status check (status in ('non_aborde', 'identifie', 'en_cours', 'leve', 'abandonne', 'sans_objet')),
  constraint ck_frein_severity check (severity between 1 and 3),
  constraint ck_frein_owner check (owner in ('referent', 'partner', 'person')),
  constraint ck_frein_identified check ((status in ('identifie', 'en_cours', 'leve', 'abandonne')) = (identified_on is not null)),
  constraint ck_frein_settled check ((status in ('leve', 'abandonne')) = (settled_on is not null)),
  constraint ck_frein_dates check (identified_on <= settled_on)
);
create index ix_frein_person on frein (person_id);
create index ix_frein_cite on frein (cite_id, code, status);

create table frein_reading (
  id uuid primary key,
  cite_id uuid not null references cite,
  person_id uuid not null,
  diagnosis_id uuid not null,
  code text not null,
  status text not null,
  severity integer,
  is_priority boolean not null,
  foreign key (diagnosis_id, person_id, cite_id) references diagnosis (id, person_id, cite_id),
  unique (diagnosis_id, code)
);
create index ix_frein_reading_person on frein_reading (person_id);
create trigger frein_reading_is_kept before update or delete on frein_reading for each row execute function app.refuse_change();

create function app.keep_diagnosis() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
  if tg_op = 'DELETE' or old.finished_on is not null then
    raise exception 'a finished diagnosis is never changed: a new version is begun' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger diagnosis_is_kept before update or delete on diagnosis for each row execute function app.keep_diagnosis();
revoke execute on function app.keep_diagnosis from public;

create trigger diagnosis_codes before insert or update on diagnosis for each row
  execute function app.check_listed('sector=secteur', 'working_time=temps_travail', 'contract=type_contrat',
    'digital_autonomy=autonomie_numerique', 'french_spoken=niveau_francais', 'french_written=niveau_francais');
create trigger frein_codes before insert or update on frein for each row
  execute function app.check_listed('code=frein', 'situations=situation');

grant select, insert on diagnosis, frein, frein_reading to cityjobs_web;
grant update (finished_on, strengths, project, rome_code, occupation, sector, radius_km, working_time, contract,
  digital_autonomy, french_spoken, french_written, version) on diagnosis to cityjobs_web;
grant update (status, severity, is_priority, owner, situations, identified_on, settled_on, recorded_by_id, recorded_at, version)
  on frein to cityjobs_web;
grant select, insert, update, delete on diagnosis, frein, frein_reading to cityjobs_worker;
"""

TRACED = ("diagnosis", "frein", "frein_reading")


def upgrade() -> None:
    op.execute(TABLES)
    for table in TRACED:
        op.execute(f"alter table {table} enable row level security, force row level security")
        op.execute(f"create policy owner_all on {table} to cityjobs_owner using (true) with check (true)")
        op.execute(f"create policy worker_all on {table} to cityjobs_worker using (true) with check (true)")
        op.execute(f"create policy web_sees on {table} for select to cityjobs_web using ({CASE_SEEN})")
        op.execute(
            f"create trigger traced after insert or update or delete on {table} for each row execute function audit.trace()"
        )
    for table, writer in (("diagnosis", "author_id"), ("frein", "recorded_by_id"), ("frein_reading", None)):
        written = f"{CASE_SEEN} and {writer} = (select app.user_id())" if writer else CASE_SEEN
        op.execute(f"create policy web_adds on {table} for insert to cityjobs_web with check ({written})")
    for table in ("diagnosis", "frein"):
        op.execute(
            f"create policy web_changes on {table} for update to cityjobs_web using ({CASE_SEEN}) with check ({CASE_SEEN})"
        )


def downgrade() -> None:
    op.execute("drop table frein_reading, frein, diagnosis")
    op.execute("drop function app.keep_diagnosis")
