"""Lists of the trade as rows: national ones are read only, a Cité adds its own under loc_, nothing is renamed nor reused."""

import csv
from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = depends_on = None

NATIONAL = Path(__file__).parents[1] / "lists" / "national.tsv"

TABLES = r"""
create table list_item (
  id uuid primary key default gen_random_uuid(),
  list text not null,
  code text not null,
  cite_id uuid references cite,
  parent text,
  label text not null,
  outside_codes jsonb not null default '{}',
  is_sensitive boolean not null default false,
  is_active boolean not null default true,
  rank integer not null default 0,
  created_by_id uuid references user_account,
  created_at timestamptz not null default now(),
  version integer not null default 1,
  constraint ck_list_item_code check (code ~ '^[a-z0-9][a-z0-9_]{0,59}$'),
  constraint ck_list_item_local check ((cite_id is not null) = (code like 'loc\_%')),
  constraint ck_list_item_label check (length(label) between 1 and 120)
);
create unique index uq_list_item_national on list_item (list, code) where cite_id is null;
create unique index uq_list_item_local on list_item (cite_id, list, code) where cite_id is not null;

create table rome_name (
  id integer primary key,
  rome_code text not null,
  occupation text not null,
  name text not null,
  trigrams text[] not null generated always as (app.trigrams(name)) stored,
  signature bit(256) not null generated always as (app.signature(app.trigrams(name))) stored,
  constraint ck_rome_name_code check (rome_code ~ '^[A-Z][0-9]{4}$')
);
create index ix_rome_name_trigrams on rome_name using gin (trigrams);

create function app.keep_list_item() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
  if tg_op = 'DELETE' or row(new.id, new.list, new.code, new.cite_id, new.parent, new.label, new.is_sensitive, new.created_by_id)
     is distinct from row(old.id, old.list, old.code, old.cite_id, old.parent, old.label, old.is_sensitive, old.created_by_id) then
    raise exception 'an item of a list is never renamed, reused nor removed: it is set aside' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger list_item_is_kept before update or delete on list_item for each row execute function app.keep_list_item();

create function app.is_listed(list text, code text, cite uuid) returns boolean language sql stable security definer
  set search_path = pg_catalog, public as $$
  select exists (select from list_item i where i.list = is_listed.list and i.code = is_listed.code
                 and (i.cite_id is null or i.cite_id = is_listed.cite))
$$;
comment on function app.is_listed is 'Whether a code is, or was, of a list: of the nation, or of this Cité.';

create function app.check_listed() returns trigger language plpgsql security definer set search_path = pg_catalog, public as $$
declare told text[]; value text; line jsonb := to_jsonb(new); code text;
begin
  foreach value in array tg_argv loop
    told := string_to_array(value, '=');
    for code in
      select line ->> told[1] where jsonb_typeof(line -> told[1]) = 'string'
      union all
      select jsonb_array_elements_text(line -> told[1]) where jsonb_typeof(line -> told[1]) = 'array'
    loop
      if not app.is_listed(told[2], code, (line ->> 'cite_id')::uuid) then
        raise exception '% is not a code of the list %', code, told[2] using errcode = 'foreign_key_violation';
      end if;
    end loop;
  end loop;
  return new;
end $$;
comment on function app.check_listed is 'Refuses codes that no list has; arguments: column=list.';

alter table list_item enable row level security, force row level security;
create policy owner_all on list_item to cityjobs_owner using (true) with check (true);
create policy worker_all on list_item to cityjobs_worker using (true) with check (true);
create policy web_sees on list_item for select to cityjobs_web
  using (cite_id is null or cite_id = (select app.cite_id()));
create policy web_adds on list_item for insert to cityjobs_web
  with check (cite_id = (select app.cite_id()) and (select app.role()) = 'coordinator' and created_by_id = (select app.user_id()));
create policy web_changes on list_item for update to cityjobs_web
  using (cite_id = (select app.cite_id()) and (select app.role()) = 'coordinator')
  with check (cite_id = (select app.cite_id()) and (select app.role()) = 'coordinator');
grant select on list_item, rome_name to cityjobs_web;
grant insert on list_item to cityjobs_web;
grant update (is_active, rank, version) on list_item to cityjobs_web;
grant select, insert, update on list_item to cityjobs_worker;
grant select, insert, update, delete on rome_name to cityjobs_worker;
revoke execute on function app.keep_list_item, app.is_listed, app.check_listed from public;
grant execute on function app.is_listed to cityjobs_web, cityjobs_worker;
create trigger traced after insert or update or delete on list_item for each row execute function audit.trace();
"""

ITEMS = sa.table(
    "list_item",
    *(sa.column(name) for name in ("list", "code", "parent", "label", "is_sensitive", "is_active", "rank")),
    sa.column("outside_codes", postgresql.JSONB),
)


def upgrade() -> None:
    op.execute(TABLES)
    with NATIONAL.open(encoding="utf-8", newline="") as lines:
        read = csv.DictReader(lines, delimiter="\t")
        op.bulk_insert(
            ITEMS,
            [
                {
                    "list": line["liste"],
                    "code": line["code"],
                    "parent": line["parent"] or None,
                    "label": line["libelle"],
                    "is_sensitive": line["sensible"] == "oui",
                    "is_active": line["actif"] == "oui",
                    "rank": rank,
                    "outside_codes": dict(pair.split("=", 1) for pair in filter(None, line["codes_externes"].split(";"))),
                }
                for rank, line in enumerate(read)
            ],
        )


def downgrade() -> None:
    op.execute("drop table list_item, rome_name")
    op.execute("drop function app.check_listed, app.is_listed, app.keep_list_item")
