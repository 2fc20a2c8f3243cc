"""What a Cité is, and who is in its collective, is written by its own people; a shared organisation has one keeper.

The first collective that an organisation joins keeps its name and its kind: others read them. When it works in one
collective only, that one may change them, whoever kept them before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = depends_on = None

HERE = "cite_id = (select app.cite_id())"
ADMINISTERS = "(select app.role()) = 'administrator'"
KEEPS_DIRECTORY = "(select app.role()) in ('administrator', 'coordinator')"
IN_COLLECTIVE = "exists (select from collective_member m where m.organisation_id = organisation.id and m.{here})"
WRITES = {
    "cite": {"update": f"{ADMINISTERS} and id = (select app.cite_id())"},
    "programme_year": dict.fromkeys(("insert", "update", "delete"), f"{ADMINISTERS} and {HERE}"),
    "cite_commune": dict.fromkeys(("insert", "delete"), f"{ADMINISTERS} and {HERE}"),
    "cite_qpv": dict.fromkeys(("insert", "delete"), f"{ADMINISTERS} and {HERE}"),
    "collective_member": dict.fromkeys(("insert", "delete"), f"{KEEPS_DIRECTORY} and {HERE}"),
    "organisation": {
        "insert": KEEPS_DIRECTORY,
        "update": f"{KEEPS_DIRECTORY} and {IN_COLLECTIVE.format(here=HERE)}",
    },
}
NAMES = {"insert": "web_adds", "update": "web_changes", "delete": "web_drops"}

KEEPERS = r"""
update collective_member m set is_keeper = true
where not exists (
  select from collective_member other where other.organisation_id = m.organisation_id and other.cite_id <> m.cite_id);
-- in service: collective_member holds a few thousand lines
create unique index uq_collective_member_keeper on collective_member (organisation_id) where is_keeper;

create function app.note_keeper() returns trigger language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  new.is_keeper := not exists (select from collective_member m where m.organisation_id = new.organisation_id);
  return new;
end $$;
create trigger collective_member_notes_keeper before insert on collective_member
  for each row execute function app.note_keeper();

create function app.keeps(organisation uuid) returns boolean language sql stable security definer
  set search_path = pg_catalog, public as $$
  select coalesce(bool_or(m.cite_id = app.cite_id() and m.is_keeper), false)
      or coalesce(bool_and(m.cite_id = app.cite_id()), false)
  from collective_member m where m.organisation_id = keeps.organisation
$$;
comment on function app.keeps is
  'Whether the Cité being worked in may rename an organisation: it was the first to have it, or has it alone.';

create function app.guard_organisation() returns trigger language plpgsql security definer
  set search_path = pg_catalog, public as $$
begin
  if row(old.name, old.kind, old.family) is distinct from row(new.name, new.kind, new.family) and not app.keeps(new.id) then
    raise exception 'another Cité keeps the name of this organisation' using errcode = 'insufficient_privilege';
  end if;
  if old.is_sensitive and not new.is_sensitive and exists (
    select from collective_member m where m.organisation_id = new.id and m.cite_id is distinct from app.cite_id()) then
    raise exception 'another Cité counts on this organisation being masked' using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger organisation_is_guarded before update on organisation for each row
  when (current_user = 'cityjobs_web') execute function app.guard_organisation();

revoke execute on function app.note_keeper, app.keeps, app.guard_organisation from public;
grant execute on function app.keeps to cityjobs_web;
"""


def upgrade() -> None:
    op.add_column(
        "collective_member", sa.Column("is_keeper", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.execute(KEEPERS)
    for table, writes in WRITES.items():
        op.execute(f"alter table {table} enable row level security, force row level security")
        op.execute(f"create policy owner_all on {table} to cityjobs_owner using (true) with check (true)")
        op.execute(f"create policy worker_all on {table} to cityjobs_worker using (true) with check (true)")
        op.execute(f"create policy web_sees on {table} for select to cityjobs_web using (true)")
        for command, allowed in writes.items():
            clauses = {"insert": "with check", "update": "using", "delete": "using"}
            also = f" with check ({allowed})" if command == "update" else ""
            op.execute(
                f"create policy {NAMES[command]} on {table} for {command} to cityjobs_web"
                f" {clauses[command]} ({allowed}){also}"
            )


def downgrade() -> None:
    for table, writes in WRITES.items():
        for policy in ("owner_all", "worker_all", "web_sees", *(NAMES[command] for command in writes)):
            op.execute(f"drop policy {policy} on {table}")
        op.execute(f"alter table {table} no force row level security, disable row level security")
    op.execute("drop trigger organisation_is_guarded on organisation")
    op.execute("drop trigger collective_member_notes_keeper on collective_member")
    op.execute("drop function app.guard_organisation, app.keeps, app.note_keeper")
    op.drop_column("collective_member", "is_keeper")
