"""A closed parcours is closed: whoever waited for its closing adds nothing open to it, even in the same instant."""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = depends_on = None

CLOSED = r"""
create function app.refuse_in_closed() returns trigger language plpgsql security definer set search_path = pg_catalog, public as $$
declare stands text;
begin
  select p.status into stands from parcours p where p.id = new.parcours_id for share;
  if stands in ('sorti', 'non_entree') then
    raise exception 'this parcours is closed: nothing open is added to it' using errcode = 'PJ409';
  end if;
  return null;
end $$;
comment on function app.refuse_in_closed is
  'At commit: what is still open belongs to a parcours that goes on, a closing under way being waited for.';
revoke execute on function app.refuse_in_closed from public;
"""

LEFT = r"""
create function app.refuse_unless_left() returns trigger language plpgsql security definer set search_path = pg_catalog, public as $$
declare stands text;
begin
  select p.status into stands from parcours p where p.id = new.parcours_id for share;
  if stands is distinct from 'sorti' then
    raise exception 'only a parcours that ended has an exit, and a situation after it' using errcode = 'check_violation';
  end if;
  return null;
end $$;
comment on function app.refuse_unless_left is
  'At commit: an exit and the situations after it are of a parcours that ended, an exit being taken back waited for.';
revoke execute on function app.refuse_unless_left from public;
create constraint trigger parcours_exit_is_of_one_left after insert on parcours_exit deferrable initially deferred
  for each row when (session_user = 'cityjobs_web') execute function app.refuse_unless_left();
create constraint trigger situation_snapshot_is_of_one_left after insert on situation_snapshot deferrable initially deferred
  for each row when (new.moment <> 'entry' and session_user = 'cityjobs_web') execute function app.refuse_unless_left();
"""

KEPT = r"""
create trigger parcours_keeps_its_entry before update on parcours for each row
  when (old.started_on is not null and session_user = 'cityjobs_web'
        and row(new.started_on, new.entry_gender, new.entry_age, new.entry_in_qpv)
            is distinct from row(old.started_on, old.entry_gender, old.entry_age, old.entry_in_qpv))
  execute function app.refuse_change();
comment on trigger parcours_keeps_its_entry on parcours is 'Figures read what was true on the day of the entry.';

-- no page changes an exit: it is taken back, then written anew
create trigger parcours_exit_is_kept before update on parcours_exit for each row
  when (session_user = 'cityjobs_web') execute function app.refuse_change();
"""
NO_MORE_KEPT = r"""
drop trigger parcours_keeps_its_entry on parcours;
drop trigger parcours_exit_is_kept on parcours_exit;
"""

CHECK_EXIT = r"""
create or replace function app.check_exit() returns trigger language plpgsql security definer set search_path = pg_catalog, public as $$
declare r exit_rule; counts text;
begin
  select e.* into r from exit_rule e join exit_ruleset s on s.id = e.ruleset_id
  where e.ruleset_id = new.ruleset_id and e.exit_type = new.exit_type and (s.cite_id is null or s.cite_id = new.cite_id);
  counts := case when r.minimum_months is null or coalesce(new.months, 0) >= r.minimum_months then r.category else r.otherwise end;
  if r.category is null or new.category is distinct from counts then
    raise exception 'an exit counts as its ruleset says' using errcode = 'check_violation'NAMED;
  end if;
  if r.needs_evidence and new.category = r.category and new.evidence is null then
    raise exception 'this exit needs an evidence' using errcode = 'check_violation'NAMED;
  end if;
  return new;
end $$;
"""
"""The same as before; it says its name, so that the page tells a ruleset changed meanwhile from a fault of its own."""

GIVEN_UP = r"""
alter table parcours_exit add column given_up jsonb not null default '[]';
alter table parcours_exit add constraint ck_parcours_exit_given_up check (jsonb_typeof(given_up) = 'array') not valid;
alter table parcours_exit validate constraint ck_parcours_exit_given_up;
comment on column parcours_exit.given_up is
  'What this exit alone gave up, as objects kind, id, stood: an exit taken back puts it back.';
"""

OPEN = {
    "next_step": ("state", "= 'todo'"),
    "etape": ("status", "in ('prevue', 'en_cours', 'en_attente')"),
    "goal": ("status", "= 'open'"),
    "agreement": ("ended_on", "is null"),
    "diagnosis": ("finished_on", "is null"),
}
"""What says that a thing is open. Only pages are looked at: they alone are filled while somebody else closes."""


def upgrade() -> None:
    """A look at the parcours, at commit, each time a page adds or takes up something."""
    op.execute(CLOSED)
    op.execute(LEFT)
    op.execute(KEPT)
    op.execute(GIVEN_UP)
    op.execute(CHECK_EXIT.replace("NAMED", ", constraint = 'parcours_exit_counts'"))
    for table, (column, is_open) in OPEN.items():
        added = f"new.{column} {is_open} and session_user = 'cityjobs_web'"
        op.execute(
            f"create constraint trigger {table}_is_added_to_open after insert on {table} deferrable initially deferred"
            f" for each row when ({added}) execute function app.refuse_in_closed()"
        )
        # An open version of a diagnosis is written as one goes; of other things only the taking up is looked at,
        # so that whoever closes the parcours and holds it never waits for somebody who waits for it.
        again = "" if table == "diagnosis" else f" and not (old.{column} {is_open})"
        op.execute(
            f"create constraint trigger {table}_is_taken_up_in_open after update on {table} deferrable initially deferred"
            f" for each row when ({added}{again}) execute function app.refuse_in_closed()"
        )


def downgrade() -> None:
    """Pages alone look."""
    op.execute(CHECK_EXIT.replace("NAMED", ""))
    op.execute("alter table parcours_exit drop column given_up")
    op.execute(NO_MORE_KEPT)
    op.execute("drop trigger situation_snapshot_is_of_one_left on situation_snapshot")
    op.execute("drop trigger parcours_exit_is_of_one_left on parcours_exit")
    op.execute("drop function app.refuse_unless_left")
    for table in OPEN:
        op.execute(f"drop trigger {table}_is_added_to_open on {table}")
        op.execute(f"drop trigger {table}_is_taken_up_in_open on {table}")
    op.execute("drop function app.refuse_in_closed")
