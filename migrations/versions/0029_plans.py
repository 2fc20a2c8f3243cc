"""Goals, étapes, plans kept by a Cité, agreements, and the papers attached to a parcours."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = depends_on = None

HERE = "cite_id = (select app.cite_id())"
MINE = "person_id = any ((select app.my_people())::uuid[])"
CASE_SEEN = f"{HERE} and ((select app.role() = 'coordinator') or ((select app.role() = 'referent') and {MINE}))"

TABLES = r"""
create table goal (
  id uuid primary key,
  cite_id uuid not null references cite,
  person_id uuid not null,
  parcours_id uuid not null,
  frein_id uuid,
  code text,
  label text not null,
  status text not null default 'open',
  opened_on date not null,
  settled_on date,
  created_by_id uuid references user_account,
  created_at timestamptz not null,
  version integer not null default 1,
  foreign key (parcours_id, person_id, cite_id) references parcours (id, person_id, cite_id),
  foreign key (frein_id, parcours_id, person_id, cite_id) references frein (id, parcours_id, person_id, cite_id),
  unique (id, parcours_id, person_id, cite_id),
  constraint ck_goal_status check (status in ('open', 'reached', 'dropped')),
  constraint ck_goal_settled check ((status = 'open') = (settled_on is null)),
  constraint ck_goal_label check (length(label) between 1 and 200)
);
create index ix_goal_parcours on goal (parcours_id);
create index ix_goal_person on goal (person_id);
create index ix_goal_frein on goal (frein_id);

create table etape (
  id uuid primary key,
  cite_id uuid not null references cite,
  person_id uuid not null,
  parcours_id uuid not null,
  type text not null,
  label text not null,
  status text not null default 'prevue',
  organisation_id uuid references organisation,
  planned_from date,
  planned_to date,
  started_on date,
  ended_on date,
  hours numeric(6, 1),
  cost_euros numeric(9, 2),
  result text,
  abandon_reason text,
  note text,
  created_by_id uuid references user_account,
  created_at timestamptz not null,
  version integer not null default 1,
  foreign key (parcours_id, person_id, cite_id) references parcours (id, person_id, cite_id),
  unique (id, parcours_id, person_id, cite_id),
  constraint ck_etape_status check (status in ('prevue', 'en_cours', 'en_attente', 'realisee', 'abandonnee', 'annulee')),
  constraint ck_etape_label check (length(label) between 1 and 200),
  constraint ck_etape_planned check (planned_from <= planned_to),
  constraint ck_etape_dates check (started_on <= ended_on),
  constraint ck_etape_ended check ((status in ('realisee', 'abandonnee', 'annulee')) = (ended_on is not null)),
  constraint ck_etape_result check ((status = 'realisee') = (result is not null)),
  constraint ck_etape_abandon check (status <> 'abandonnee' or abandon_reason is not null),
  constraint ck_etape_hours check (hours > 0 and hours <= 5000),
  constraint ck_etape_cost check (cost_euros >= 0 and cost_euros <= 1000000)
);
create index ix_etape_parcours on etape (parcours_id);
create index ix_etape_person on etape (person_id);
create index ix_etape_organisation on etape (organisation_id);
create index ix_etape_due on etape (cite_id, planned_to) where status in ('prevue', 'en_cours', 'en_attente');

create table etape_goal (
  etape_id uuid not null,
  goal_id uuid not null,
  parcours_id uuid not null,
  person_id uuid not null,
  cite_id uuid not null references cite,
  primary key (etape_id, goal_id),
  foreign key (etape_id, parcours_id, person_id, cite_id) references etape (id, parcours_id, person_id, cite_id),
  foreign key (goal_id, parcours_id, person_id, cite_id) references goal (id, parcours_id, person_id, cite_id)
);
create index ix_etape_goal_goal on etape_goal (goal_id);
create index ix_etape_goal_person on etape_goal (person_id);

create table plan_template (
  id uuid primary key,
  cite_id uuid not null references cite,
  name text not null,
  is_active boolean not null default true,
  created_by_id uuid references user_account,
  created_at timestamptz not null,
  version integer not null default 1,
  unique (id, cite_id),
  constraint ck_plan_template_name check (length(name) between 1 and 200)
);
create unique index uq_plan_template_name on plan_template (cite_id, lower(name)) where is_active;
create table plan_template_line (
  template_id uuid not null,
  rank integer not null,
  cite_id uuid not null,
  frein_code text,
  goal_code text,
  goal_label text not null,
  etape_type text,
  etape_label text,
  after_days integer,
  primary key (template_id, rank),
  foreign key (template_id, cite_id) references plan_template (id, cite_id),
  constraint ck_plan_template_line_etape check ((etape_type is null) = (etape_label is null)),
  constraint ck_plan_template_line_days check (after_days between 0 and 1000)
);

create table agreement (
  id uuid primary key,
  cite_id uuid not null references cite,
  person_id uuid not null,
  parcours_id uuid not null,
  number integer not null,
  agreed_on date not null,
  review_on date not null,
  way text not null,
  organisation_id uuid references organisation,
  created_by_id uuid not null references user_account,
  created_at timestamptz not null,
  ended_on date,
  version integer not null default 1,
  foreign key (parcours_id, person_id, cite_id) references parcours (id, person_id, cite_id),
  unique (id, parcours_id, person_id, cite_id),
  unique (parcours_id, number),
  constraint ck_agreement_way check (way in ('signed', 'spoken')),
  constraint ck_agreement_dates check (agreed_on < review_on and agreed_on <= coalesce(ended_on, 'infinity'))
);
create unique index uq_agreement_current on agreement (parcours_id) where ended_on is null;
create index ix_agreement_person on agreement (person_id);
create index ix_agreement_review on agreement (cite_id, review_on) where ended_on is null;
create table agreement_goal (
  agreement_id uuid not null,
  goal_id uuid not null,
  label text not null,
  parcours_id uuid not null,
  person_id uuid not null,
  cite_id uuid not null references cite,
  primary key (agreement_id, goal_id),
  foreign key (agreement_id, parcours_id, person_id, cite_id) references agreement (id, parcours_id, person_id, cite_id),
  foreign key (goal_id, parcours_id, person_id, cite_id) references goal (id, parcours_id, person_id, cite_id)
);
create index ix_agreement_goal_person on agreement_goal (person_id);

create table attachment (
  id uuid primary key,
  cite_id uuid not null references cite,
  person_id uuid not null,
  parcours_id uuid not null,
  subject text not null,
  subject_id uuid not null,
  name text not null,
  media_type text not null,
  size integer not null,
  sha256 text not null,
  content bytea not null,
  added_by_id uuid not null references user_account,
  added_at timestamptz not null,
  foreign key (parcours_id, person_id, cite_id) references parcours (id, person_id, cite_id),
  constraint ck_attachment_subject check (subject in ('agreement', 'exit')),
  constraint ck_attachment_media_type check (media_type in ('application/pdf', 'image/jpeg', 'image/png')),
  constraint ck_attachment_size check (size between 1 and 5242880 and size = length(content)),
  constraint ck_attachment_name check (length(name) between 1 and 120 and name !~ '[/\\[:cntrl:]]'),
  constraint ck_attachment_content check (case media_type
    when 'application/pdf' then starts_with(encode(substr(content, 1, 8), 'hex'), '255044462d')
    when 'image/jpeg' then starts_with(encode(substr(content, 1, 8), 'hex'), 'ffd8ff')
    else encode(substr(content, 1, 8), 'hex') = '89504e470d0a1a0a' end)
);
create index ix_attachment_person on attachment (person_id);
create index ix_attachment_subject on attachment (subject_id);
alter table attachment alter column content set storage external;

create trigger agreement_goal_is_kept before update or delete on agreement_goal for each row execute function app.refuse_change();
create trigger goal_codes before insert or update on goal for each row execute function app.check_listed('code=objectif');
create trigger etape_codes before insert or update on etape for each row
  execute function app.check_listed('type=type_etape', 'result=resultat_etape', 'abandon_reason=motif_abandon');
create trigger plan_template_line_codes before insert or update on plan_template_line for each row
  execute function app.check_listed('frein_code=frein', 'goal_code=objectif', 'etape_type=type_etape');

grant select, insert on goal, etape, etape_goal, plan_template, plan_template_line, agreement, agreement_goal, attachment
  to cityjobs_web;
grant delete on etape_goal, attachment to cityjobs_web;
grant update (label, status, settled_on, version) on goal to cityjobs_web;
grant update (type, label, status, organisation_id, planned_from, planned_to, started_on, ended_on, hours, cost_euros, result,
  abandon_reason, note, version) on etape to cityjobs_web;
grant update (is_active, version) on plan_template to cityjobs_web;
grant update (review_on, ended_on, version) on agreement to cityjobs_web;
grant select, insert, update, delete on goal, etape, etape_goal, plan_template, plan_template_line, agreement, agreement_goal,
  attachment to cityjobs_worker;
"""

WRITER = {
    "goal": "created_by_id",
    "etape": "created_by_id",
    "etape_goal": None,
    "agreement": "created_by_id",
    "agreement_goal": None,
    "attachment": "added_by_id",
}
CHANGED = ("goal", "etape", "agreement")
DROPPED = {"etape_goal": CASE_SEEN, "attachment": f"{CASE_SEEN} and added_by_id = (select app.user_id())"}
TEMPLATES = f"{HERE} and (select app.role()) = 'coordinator'"
SILENT = {"attachment": "'content'"}

MAY_READ = r"""
create or replace function app.may_read(subject text, subject_id uuid, cite uuid) returns boolean language sql stable security definer
  set search_path = pg_catalog, public as $$
  select app.works_here(cite) and case may_read.subject
    when 'person' then exists (
      select from person p where p.id = may_read.subject_id and p.cite_id = may_read.cite
        and (app.role() = 'coordinator' or p.id = any (app.my_people())))
    when 'interview' then app.role() in ('coordinator', 'referent') and exists (
      select from interview i where i.id = may_read.subject_id and i.cite_id = may_read.cite
        and (app.role() = 'coordinator' or i.person_id = any (app.my_people())))
{attachment}    when 'activity_report' then app.role() in ('coordinator', 'chef_de_file', 'funder') and exists (
      select from activity_report r where r.id = may_read.subject_id and r.cite_id = may_read.cite)
    when 'people' then subject_id = cite and app.role() in ('coordinator', 'referent', 'spotter')
    when 'look_alikes' then subject_id = cite and app.role() in ('coordinator', 'referent', 'spotter')
    when 'people_export' then subject_id = cite and app.role() in ('coordinator', 'referent')
    when 'figure_rows' then subject_id = cite and app.role() in ('coordinator', 'referent', 'chef_de_file')
    when 'reminders' then subject_id = cite and app.role() = 'coordinator'
    else false
  end
$$;
"""
ATTACHMENT = """    when 'attachment' then app.role() in ('coordinator', 'referent') and exists (
      select from attachment a where a.id = may_read.subject_id and a.cite_id = may_read.cite
        and (app.role() = 'coordinator' or a.person_id = any (app.my_people())))
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(MAY_READ.format(attachment=ATTACHMENT))
    for table in (*WRITER, "plan_template", "plan_template_line"):
        op.execute(f"alter table {table} enable row level security, force row level security")
        op.execute(f"create policy owner_all on {table} to cityjobs_owner using (true) with check (true)")
        op.execute(f"create policy worker_all on {table} to cityjobs_worker using (true) with check (true)")
        op.execute(
            f"create trigger traced after insert or update or delete on {table} for each row"
            f" execute function audit.trace({SILENT.get(table, '')})"
        )
    for table, writer in WRITER.items():
        written = f"{CASE_SEEN} and {writer} = (select app.user_id())" if writer else CASE_SEEN
        op.execute(f"create policy web_sees on {table} for select to cityjobs_web using ({CASE_SEEN})")
        op.execute(f"create policy web_adds on {table} for insert to cityjobs_web with check ({written})")
    for table in CHANGED:
        op.execute(
            f"create policy web_changes on {table} for update to cityjobs_web using ({CASE_SEEN}) with check ({CASE_SEEN})"
        )
    for table, dropped in DROPPED.items():
        op.execute(f"create policy web_drops on {table} for delete to cityjobs_web using ({dropped})")
    for table in ("plan_template", "plan_template_line"):
        seen = f"{HERE} and (select app.role()) in ('referent', 'coordinator')"
        op.execute(f"create policy web_sees on {table} for select to cityjobs_web using ({seen})")
        op.execute(f"create policy web_adds on {table} for insert to cityjobs_web with check ({TEMPLATES})")
    op.execute(
        f"create policy web_changes on plan_template for update to cityjobs_web using ({TEMPLATES}) with check ({TEMPLATES})"
    )


def downgrade() -> None:
    op.execute(MAY_READ.format(attachment=""))
    op.execute(
        "drop table attachment, agreement_goal, agreement, plan_template_line, plan_template, etape_goal, etape, goal"
    )
