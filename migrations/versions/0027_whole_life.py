"""The whole life of a parcours: validation, suspension, job follow-up, exit by a ruleset, situations frozen, coming back.

What the version before writes stays allowed: a page still open on a host of that version goes on working.
"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = depends_on = None

MOVES = (
    ("diagnostic", "en_validation"),
    ("en_validation", "actif"),
    ("en_validation", "non_entree"),
    ("actif", "suspendu"),
    ("suspendu", "actif"),
    ("actif", "suivi_emploi"),
    ("suivi_emploi", "actif"),
    ("suspendu", "sorti"),
    ("suivi_emploi", "sorti"),
    ("sorti", "actif"),
    ("sorti", "suspendu"),
    ("sorti", "suivi_emploi"),
)

HERE = "cite_id = (select app.cite_id())"
MINE = "person_id = any ((select app.my_people())::uuid[])"
CASE_SEEN = f"{HERE} and ((select app.role() = 'coordinator') or ((select app.role() = 'referent') and {MINE}))"

LIFE = r"""
-- in service: cite holds a hundred lines
alter table cite
  add column uses_commission boolean not null default false,
  add column exit_ruleset_id uuid;
-- in service: parcours: a check that is looked at on new lines only; the old one stays until it is dropped below
alter table parcours
  add column reopened_from_id uuid,
  add constraint ck_parcours_status_known check (status in ('repere', 'contacte', 'rencontre', 'diagnostic', 'en_validation',
    'actif', 'suspendu', 'suivi_emploi', 'sorti', 'non_entree')) not valid,
  add constraint ck_parcours_started_if_in check (status not in ('actif', 'suspendu', 'suivi_emploi', 'sorti') or started_on is not null) not valid,
  add constraint fk_parcours_reopened_from foreign key (reopened_from_id, person_id, cite_id)
    references parcours (id, person_id, cite_id) not valid;
alter table parcours validate constraint ck_parcours_status_known;
alter table parcours validate constraint ck_parcours_started_if_in;
alter table parcours validate constraint fk_parcours_reopened_from;
alter table parcours drop constraint ck_parcours_status, drop constraint ck_parcours_started;

create table suspension (
  id uuid primary key,
  cite_id uuid not null references cite,
  person_id uuid not null,
  parcours_id uuid not null,
  reason text not null,
  started_on date not null,
  expected_end_on date not null,
  ended_on date,
  created_by_id uuid references user_account,
  created_at timestamptz not null,
  version integer not null default 1,
  foreign key (parcours_id, person_id, cite_id) references parcours (id, person_id, cite_id),
  constraint ck_suspension_dates check (started_on <= expected_end_on and started_on <= coalesce(ended_on, 'infinity')),
  constraint ck_suspension_length check (expected_end_on <= started_on + interval '6 months')
);
create unique index uq_suspension_open on suspension (parcours_id) where ended_on is null;
create index ix_suspension_person on suspension (person_id);
create index ix_suspension_cite on suspension (cite_id, parcours_id) include (started_on, ended_on);
create index ix_suspension_ending on suspension (cite_id, expected_end_on) where ended_on is null;

create table job (
  id uuid primary key,
  cite_id uuid not null references cite,
  person_id uuid not null,
  parcours_id uuid not null,
  kind text not null,
  contract text not null,
  occupation text,
  rome_code text,
  employer text,
  working_time text,
  weekly_hours numeric(4, 1),
  started_on date not null,
  expected_end_on date,
  ended_on date,
  end_reason text,
  created_by_id uuid references user_account,
  created_at timestamptz not null,
  version integer not null default 1,
  foreign key (parcours_id, person_id, cite_id) references parcours (id, person_id, cite_id),
  unique (id, person_id, cite_id),
  constraint ck_job_kind check (kind in ('contract', 'training')),
  constraint ck_job_dates check (started_on <= coalesce(expected_end_on, 'infinity') and started_on <= coalesce(ended_on, 'infinity')),
  constraint ck_job_end_reason check ((ended_on is null) = (end_reason is null)),
  constraint ck_job_weekly_hours check (weekly_hours > 0 and weekly_hours <= 60)
);
create unique index uq_job_current on job (parcours_id) where ended_on is null;
create index ix_job_person on job (person_id);
create index ix_job_started on job (cite_id, started_on) where ended_on is null;

create table job_check (
  id uuid primary key,
  cite_id uuid not null references cite,
  person_id uuid not null,
  job_id uuid not null,
  moment text not null,
  done_on date not null,
  in_job boolean not null,
  note text,
  recorded_by_id uuid references user_account,
  recorded_at timestamptz not null,
  foreign key (job_id, person_id, cite_id) references job (id, person_id, cite_id),
  constraint ck_job_check_moment check (moment in ('j8', 'm1', 'm3', 'm6')),
  unique (job_id, moment)
);
create index ix_job_check_person on job_check (person_id);

create table exit_ruleset (
  id uuid primary key default gen_random_uuid(),
  cite_id uuid references cite,
  code text not null,
  label text not null,
  is_active boolean not null default true,
  created_by_id uuid references user_account,
  created_at timestamptz not null default now(),
  version integer not null default 1,
  constraint ck_exit_ruleset_local check ((cite_id is not null) = (code like 'loc\_%'))
);
create unique index uq_exit_ruleset_national on exit_ruleset (code) where cite_id is null;
create unique index uq_exit_ruleset_local on exit_ruleset (cite_id, code) where cite_id is not null;
create table exit_rule (
  ruleset_id uuid not null references exit_ruleset,
  exit_type text not null,
  category text not null,
  minimum_months integer,
  otherwise text,
  needs_evidence boolean not null default false,
  primary key (ruleset_id, exit_type),
  constraint ck_exit_rule_category check (category in ('durable', 'transition', 'positive', 'autre', 'neutre')),
  constraint ck_exit_rule_otherwise check (otherwise in ('durable', 'transition', 'positive', 'autre', 'neutre')),
  constraint ck_exit_rule_minimum check ((minimum_months is null) = (otherwise is null) and minimum_months between 1 and 24)
);
alter table cite add constraint fk_cite_exit_ruleset foreign key (exit_ruleset_id) references exit_ruleset not valid;
alter table cite validate constraint fk_cite_exit_ruleset;

create table parcours_exit (
  parcours_id uuid primary key,
  cite_id uuid not null references cite,
  person_id uuid not null,
  exit_type text not null,
  category text not null,
  ruleset_id uuid not null references exit_ruleset,
  months integer,
  evidence text,
  evidence_seen_on date,
  recorded_by_id uuid references user_account,
  recorded_at timestamptz not null,
  version integer not null default 1,
  foreign key (parcours_id, person_id, cite_id) references parcours (id, person_id, cite_id),
  constraint ck_parcours_exit_category check (category in ('durable', 'transition', 'positive', 'autre', 'neutre')),
  constraint ck_parcours_exit_months check (months between 0 and 600),
  constraint ck_parcours_exit_evidence check ((evidence is null) = (evidence_seen_on is null))
);
create index ix_parcours_exit_person on parcours_exit (person_id);
create index ix_parcours_exit_cite on parcours_exit (cite_id, category);

create table situation_snapshot (
  id uuid primary key,
  cite_id uuid not null references cite,
  person_id uuid not null,
  parcours_id uuid not null,
  moment text not null,
  taken_on date not null,
  is_reached boolean not null default true,
  gender text,
  age integer,
  in_qpv boolean,
  qpv_id uuid references qpv,
  situation text,
  inscription_ft text,
  months_without_job text,
  organisme_referent text,
  education text,
  housing text,
  household text,
  children integer,
  children_under_3 integer,
  resources text[] not null default '{}',
  mobility text[] not null default '{}',
  criteria text[] not null default '{}',
  recorded_by_id uuid references user_account,
  recorded_at timestamptz not null,
  foreign key (parcours_id, person_id, cite_id) references parcours (id, person_id, cite_id),
  unique (parcours_id, moment),
  constraint ck_situation_snapshot_moment check (moment in ('entry', 'exit', 'm3', 'm6')),
  constraint ck_situation_snapshot_age check (age between 0 and 120),
  constraint ck_situation_snapshot_reached check (is_reached or coalesce(gender, situation, inscription_ft, months_without_job,
    organisme_referent, education, housing, household, age::text, children::text, children_under_3::text) is null
    and resources || mobility || criteria = '{}'),
  constraint ck_situation_snapshot_children check (children between 0 and 30 and children_under_3 between 0 and children)
);
create index ix_situation_snapshot_person on situation_snapshot (person_id);
create index ix_situation_snapshot_cite on situation_snapshot (cite_id, moment, taken_on);
create trigger situation_snapshot_is_kept before update on situation_snapshot for each row execute function app.refuse_change();
create trigger situation_snapshot_of_entry_stays before delete on situation_snapshot
  for each row when (old.moment = 'entry') execute function app.refuse_change();
create trigger job_check_is_kept before update or delete on job_check for each row execute function app.refuse_change();

create trigger suspension_codes before insert or update on suspension for each row
  execute function app.check_listed('reason=motif_suspension');
create trigger job_codes before insert or update on job for each row
  execute function app.check_listed('contract=type_contrat', 'working_time=temps_travail', 'end_reason=fin_emploi');
create trigger parcours_exit_codes before insert or update on parcours_exit for each row
  execute function app.check_listed('evidence=preuve_sortie');
create trigger situation_snapshot_codes before insert on situation_snapshot for each row
  execute function app.check_listed('situation=situation_professionnelle', 'inscription_ft=inscription_ft',
    'months_without_job=duree_sans_emploi', 'organisme_referent=organisme_referent', 'education=niveau_formation',
    'housing=logement', 'household=situation_familiale', 'resources=ressources', 'mobility=mobilite', 'criteria=critere_iae');

create or replace function app.check_parcours_move() returns trigger language plpgsql security definer
  set search_path = pg_catalog, app, public as $$
begin
  if new.status is not distinct from old.status then return new; end if;
  if not exists (select from app.parcours_move m where m.from_status = old.status and m.to_status = new.status) then
    raise exception 'a parcours cannot move from % to %', old.status, new.status using errcode = 'check_violation';
  end if;
  if session_user <> 'cityjobs_web' then return new; end if;
  if old.status = 'sorti' and (app.role() <> 'coordinator' or old.ended_on < app.paris_today() - 30) then
    raise exception 'an exit is taken back by the coordinator, within 30 days' using errcode = 'check_violation';
  end if;
  if old.status = 'sorti' and new.status is distinct from (
    select t.from_status from public.parcours_transition t where t.parcours_id = old.id and t.event = 'close'
    order by t.recorded_at desc limit 1) then
    raise exception 'an exit taken back leads to where the parcours stood before' using errcode = 'check_violation';
  end if;
  if old.status = 'en_validation' and app.role() <> 'coordinator' then
    raise exception 'the commission''s decision is written by the coordinator' using errcode = 'check_violation';
  end if;
  if new.status = 'en_validation' and not exists (select from public.cite c where c.id = new.cite_id and c.uses_commission) then
    raise exception 'this Cité has no commission' using errcode = 'check_violation';
  end if;
  if old.status = 'diagnostic' and new.status = 'actif'
     and exists (select from public.cite c where c.id = new.cite_id and c.uses_commission) then
    raise exception 'entries go through the commission of this Cité' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create function app.paris_today() returns date language sql stable set search_path = pg_catalog
  return (now() at time zone 'Europe/Paris')::date;
comment on function app.paris_today is 'The day it is in France.';
revoke execute on function app.paris_today from public;
grant execute on function app.paris_today to cityjobs_web, cityjobs_worker;

create function app.check_parcours_state() returns trigger language plpgsql security definer set search_path = pg_catalog, public as $$
declare p parcours; pauses integer; jobs integer;
begin
  select * into p from parcours where id = (to_jsonb(new) ->> tg_argv[0])::uuid;
  select count(*) into pauses from suspension s where s.parcours_id = p.id and s.ended_on is null;
  select count(*) into jobs from job j where j.parcours_id = p.id and j.ended_on is null;
  if (p.status = 'suspendu') <> (pauses = 1) then
    raise exception 'a parcours is suspended when it has a suspension under way, and only then' using errcode = 'check_violation';
  end if;
  if p.status = 'suivi_emploi' and jobs = 0 or p.status not in ('suivi_emploi', 'sorti') and jobs > 0 then
    raise exception 'a parcours follows a job when it has one under way, and only then' using errcode = 'check_violation';
  end if;
  if exists (select from suspension s where s.parcours_id = p.id and (s.started_on < p.started_on or s.ended_on > p.ended_on))
     or exists (select from job j where j.parcours_id = p.id and j.started_on < p.started_on) then
    raise exception 'suspensions and jobs are dated within their parcours' using errcode = 'check_violation';
  end if;
  return null;
end $$;
comment on function app.check_parcours_state is 'At commit: the status, the suspension and the job of a parcours say the same.';
revoke execute on function app.check_parcours_state from public;
create constraint trigger parcours_begins_as_it_says after insert on parcours deferrable initially deferred
  for each row when (new.status in ('suspendu', 'suivi_emploi')) execute function app.check_parcours_state('id');
create constraint trigger parcours_is_as_it_says after update of status on parcours deferrable initially deferred
  for each row when (old.status is distinct from new.status) execute function app.check_parcours_state('id');
create constraint trigger suspension_is_as_parcours_says after insert or update on suspension deferrable initially deferred
  for each row execute function app.check_parcours_state('parcours_id');
create constraint trigger job_is_as_parcours_says after insert or update on job deferrable initially deferred
  for each row execute function app.check_parcours_state('parcours_id');

create function app.check_exit() returns trigger language plpgsql security definer set search_path = pg_catalog, public as $$
declare r exit_rule; counts text;
begin
  select e.* into r from exit_rule e join exit_ruleset s on s.id = e.ruleset_id
  where e.ruleset_id = new.ruleset_id and e.exit_type = new.exit_type and (s.cite_id is null or s.cite_id = new.cite_id);
  counts := case when r.minimum_months is null or coalesce(new.months, 0) >= r.minimum_months then r.category else r.otherwise end;
  if r.category is null or new.category is distinct from counts then
    raise exception 'an exit counts as its ruleset says' using errcode = 'check_violation';
  end if;
  if r.needs_evidence and new.category = r.category and new.evidence is null then
    raise exception 'this exit needs an evidence' using errcode = 'check_violation';
  end if;
  return new;
end $$;
comment on function app.check_exit is 'The category of an exit is the one its ruleset gives on the day it is written.';
revoke execute on function app.check_exit from public;
create trigger parcours_exit_counts before insert or update on parcours_exit for each row execute function app.check_exit();

create function app.choose_exit_ruleset(ruleset uuid) returns boolean language sql security definer set search_path = pg_catalog, public as $$
  update cite c set exit_ruleset_id = choose_exit_ruleset.ruleset
  where c.id = app.cite_id() and app.role() = 'coordinator' and app.works_here(c.id)
    and exists (select from exit_ruleset s where s.id = choose_exit_ruleset.ruleset and s.is_active and (s.cite_id is null or s.cite_id = c.id))
  returning true
$$;
comment on function app.choose_exit_ruleset is 'How the exits of the Cité being worked in are read from now on, said by its coordinator.';
revoke execute on function app.choose_exit_ruleset from public;
grant execute on function app.choose_exit_ruleset to cityjobs_web;

create or replace function audit.trace() returns trigger language plpgsql security definer set search_path = pg_catalog, audit as $$
declare was jsonb; becomes jsonb; changed text[]; line jsonb; silent text[] := coalesce(tg_argv, '{}');
begin
  if tg_op <> 'INSERT' then was := to_jsonb(old); end if;
  if tg_op <> 'DELETE' then becomes := to_jsonb(new); end if;
  line := coalesce(becomes, was);
  if tg_op = 'UPDATE' then
    select array_agg(k) into changed from jsonb_object_keys(becomes) k where was -> k is distinct from becomes -> k;
    if changed is null then return null; end if;
    select jsonb_object_agg(k, was -> k), jsonb_object_agg(k, becomes -> k) into was, becomes from unnest(changed) k;
  end if;
  was := was - silent; becomes := becomes - silent;
  insert into audit.journal (actor, role, cite_id, request, verb, subject, subject_id, before, after)
  values (app.user_id(), app.role(), coalesce((line ->> 'cite_id')::uuid, app.cite_id()),
          nullif(current_setting('cityjobs.request_id', true), ''), lower(tg_op), tg_table_name,
          coalesce(line ->> 'id', line ->> 'interview_id', line ->> 'parcours_id', line ->> 'ruleset_id',
                   line ->> 'cite_id', line ->> 'qpv_id'), was, becomes);
  return null;
end $$;
"""

TABLES = ("suspension", "job", "job_check", "parcours_exit", "situation_snapshot")
WRITER = {
    "suspension": "created_by_id",
    "job": "created_by_id",
    "job_check": "recorded_by_id",
    "parcours_exit": "recorded_by_id",
    "situation_snapshot": "recorded_by_id",
}
CHANGED = ("suspension", "job", "parcours_exit")

RULESETS = r"""
alter table exit_ruleset enable row level security, force row level security;
alter table exit_rule enable row level security, force row level security;
create policy owner_all on exit_ruleset to cityjobs_owner using (true) with check (true);
create policy owner_all on exit_rule to cityjobs_owner using (true) with check (true);
create policy worker_all on exit_ruleset to cityjobs_worker using (true) with check (true);
create policy worker_all on exit_rule to cityjobs_worker using (true) with check (true);
create policy web_sees on exit_ruleset for select to cityjobs_web using (cite_id is null or cite_id = (select app.cite_id()));
create policy web_adds on exit_ruleset for insert to cityjobs_web
  with check (cite_id = (select app.cite_id()) and (select app.role()) = 'coordinator' and created_by_id = (select app.user_id()));
create policy web_changes on exit_ruleset for update to cityjobs_web
  using (cite_id = (select app.cite_id()) and (select app.role()) = 'coordinator')
  with check (cite_id = (select app.cite_id()) and (select app.role()) = 'coordinator');
create policy web_sees on exit_rule for select to cityjobs_web
  using (exists (select from exit_ruleset s where s.id = ruleset_id));
create policy web_adds on exit_rule for insert to cityjobs_web
  with check ((select app.role()) = 'coordinator' and exists (select from exit_ruleset s where s.id = ruleset_id and s.cite_id = app.cite_id()));
create policy web_changes on exit_rule for update to cityjobs_web
  using ((select app.role()) = 'coordinator' and exists (select from exit_ruleset s where s.id = ruleset_id and s.cite_id = app.cite_id()))
  with check ((select app.role()) = 'coordinator' and exists (select from exit_ruleset s where s.id = ruleset_id and s.cite_id = app.cite_id()));
grant select, insert on exit_ruleset, exit_rule to cityjobs_web;
grant update (label, is_active, version) on exit_ruleset to cityjobs_web;
grant update (category, minimum_months, otherwise, needs_evidence) on exit_rule to cityjobs_web;
grant select, insert, update on exit_ruleset, exit_rule to cityjobs_worker;
grant update (uses_commission) on cite to cityjobs_web;

grant select, insert on suspension, job, job_check, parcours_exit, situation_snapshot to cityjobs_web;
grant update (expected_end_on, ended_on, version) on suspension to cityjobs_web;
grant update (contract, occupation, rome_code, employer, working_time, weekly_hours, started_on, expected_end_on, ended_on,
  end_reason, version) on job to cityjobs_web;
grant update (exit_type, category, ruleset_id, months, evidence, evidence_seen_on, version) on parcours_exit to cityjobs_web;
grant delete on parcours_exit, situation_snapshot to cityjobs_web;
grant select, insert, update, delete on suspension, job, job_check, parcours_exit, situation_snapshot to cityjobs_worker;

insert into exit_ruleset (code, label) values
  ('iae', 'Lecture de l’insertion par l’activité économique'), ('plie', 'Lecture du PLIE');
with rules (exit_type, iae, plie, months, otherwise, evidence) as (values
  ('cdi', 'durable', 'durable', 6, 'transition', true),
  ('cdd_6m_plus', 'durable', 'durable', 6, 'transition', true),
  ('interim_6m_plus', 'durable', 'durable', 6, 'transition', true),
  ('fonction_publique', 'durable', 'durable', 6, 'transition', true),
  ('creation_entreprise', 'durable', 'durable', 6, 'transition', true),
  ('cdd_moins_6m', 'transition', 'transition', null, null, false),
  ('interim_moins_6m', 'transition', 'transition', null, null, false),
  ('contrat_aide_hors_iae', 'transition', 'durable', 6, 'transition', true),
  ('formation_qualifiante', 'positive', 'positive', 6, 'autre', true),
  ('formation_prequalifiante', 'positive', 'autre', null, null, false),
  ('embauche_siae', 'positive', 'transition', null, null, false),
  ('alternance', 'positive', 'durable', 6, 'transition', true),
  ('reprise_etudes', 'positive', 'autre', null, null, false),
  ('service_civique', 'positive', 'autre', null, null, false),
  ('entree_droit_commun', 'positive', 'autre', null, null, false),
  ('sans_suite_chomage', 'autre', 'autre', null, null, false), ('inactivite', 'autre', 'autre', null, null, false),
  ('abandon', 'autre', 'autre', null, null, false), ('perdu_de_vue', 'autre', 'autre', null, null, false),
  ('refus_personne', 'autre', 'autre', null, null, false), ('non_adhesion', 'autre', 'autre', null, null, false),
  ('exclusion', 'autre', 'autre', null, null, false), ('relais_social', 'autre', 'autre', null, null, false),
  ('demenagement', 'neutre', 'neutre', null, null, false), ('conge_maternite_parental', 'neutre', 'neutre', null, null, false),
  ('retraite', 'neutre', 'neutre', null, null, false), ('deces', 'neutre', 'neutre', null, null, false),
  ('independante', 'neutre', 'neutre', null, null, false), ('erreur_doublon', 'neutre', 'neutre', null, null, false))
insert into exit_rule (ruleset_id, exit_type, category, minimum_months, otherwise, needs_evidence)
select s.id, r.exit_type, case s.code when 'iae' then r.iae else r.plie end,
  case s.code when 'plie' then r.months end, case s.code when 'plie' then r.otherwise end,
  r.evidence and (s.code = 'plie' or r.iae = 'durable')
from rules r, exit_ruleset s;
update cite set exit_ruleset_id = (select id from exit_ruleset where code = 'iae');
"""


SEEN_IN_FACTS = """(select current_user = 'cityjobs_worker' or app.role() in ('referent', 'coordinator', 'chef_de_file', 'funder'))
  and case when (select current_user = 'cityjobs_worker') then true else {table}.cite_id = (select app.cite_id()) end"""

FACTS = f"""
create or replace view app.case_facts with (security_barrier = true) as
select pc.id as parcours_id, pc.cite_id,
  case when (select app.role()) = 'funder' then null else pc.person_id end as person_id,
  case when (select app.role()) = 'funder' then null else app.initials(p.first_name, p.last_name) end as initials,
  pc.status, pc.spotted_on, pc.contacted_on, pc.met_on, pc.diagnosed_on, pc.started_on, pc.ended_on, pc.end_reason,
  pc.entry_gender, pc.entry_age, pc.entry_in_qpv, pc.last_contact_on, pc.created_at,
  a.referent_id, a.organisation_id, a.started_at as assigned_at,
  case when (select app.role()) = 'funder' then md5(pc.person_id::text)::uuid else pc.person_id end as person_key,
  pc.entry_qpv_id, e.category as exit_category
from public.parcours pc
left join public.person p on p.id = pc.person_id and p.cite_id = pc.cite_id
left join public.assignment a
  on a.parcours_id = pc.id and a.cite_id = pc.cite_id and a.kind = 'referent' and a.ended_at is null
left join public.parcours_exit e on e.parcours_id = pc.id
where {SEEN_IN_FACTS.format(table='pc')};
comment on column app.case_facts.exit_category is 'What the exit counted as when it was recorded; null for exits recorded before.';

create view app.pause_facts with (security_barrier = true) as
select s.cite_id, s.parcours_id, s.started_on, s.ended_on
from public.suspension s
where {SEEN_IN_FACTS.format(table='s')};
comment on view app.pause_facts is 'When parcours of the Cité being worked in were suspended, without the reason.';
grant select on app.pause_facts to cityjobs_web, cityjobs_worker;
"""


def upgrade() -> None:
    op.execute(LIFE)
    for departure, arrival in MOVES:
        op.execute(f"insert into app.parcours_move values ('{departure}', '{arrival}')")
    for table in TABLES:
        op.execute(f"alter table {table} enable row level security, force row level security")
        op.execute(f"create policy owner_all on {table} to cityjobs_owner using (true) with check (true)")
        op.execute(f"create policy worker_all on {table} to cityjobs_worker using (true) with check (true)")
        op.execute(f"create policy web_sees on {table} for select to cityjobs_web using ({CASE_SEEN})")
        written = f"{CASE_SEEN} and {WRITER[table]} = (select app.user_id())"
        op.execute(f"create policy web_adds on {table} for insert to cityjobs_web with check ({written})")
        op.execute(
            f"create trigger traced after insert or update or delete on {table} for each row execute function audit.trace()"
        )
    for table in CHANGED:
        op.execute(
            f"create policy web_changes on {table} for update to cityjobs_web using ({CASE_SEEN}) with check ({CASE_SEEN})"
        )
    taken_back = f"{HERE} and (select app.role()) = 'coordinator'"
    op.execute(f"create policy web_drops on parcours_exit for delete to cityjobs_web using ({taken_back})")
    op.execute(
        f"create policy web_drops on situation_snapshot for delete to cityjobs_web using ({taken_back} and moment <> 'entry'"
        " and exists (select from parcours p where p.id = parcours_id and p.ended_on is null))"
    )
    op.execute(FACTS)
    op.execute(RULESETS)
    for table in ("exit_ruleset", "exit_rule"):
        op.execute(
            f"create trigger traced after insert or update or delete on {table} for each row execute function audit.trace()"
        )


def downgrade() -> None:
    raise NotImplementedError("parcours that were suspended or in a job would have no status left")
