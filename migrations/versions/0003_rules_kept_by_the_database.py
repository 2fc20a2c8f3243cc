"""Rules that no code can forget: moves of a parcours, dates in order, histories that never change."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = depends_on = None

MOVES = (
    ("repere", "contacte"),
    ("repere", "rencontre"),
    ("contacte", "rencontre"),
    ("rencontre", "diagnostic"),
    ("diagnostic", "actif"),
    ("repere", "non_entree"),
    ("contacte", "non_entree"),
    ("rencontre", "non_entree"),
    ("diagnostic", "non_entree"),
    ("actif", "sorti"),
)

RULES = r"""
create table app.parcours_move (from_status text not null, to_status text not null, primary key (from_status, to_status));
grant select on app.parcours_move to cityjobs_web, cityjobs_worker;

create function app.check_parcours_move() returns trigger language plpgsql security definer set search_path = pg_catalog, app as $$
begin
  if new.status is distinct from old.status
     and not exists (select from app.parcours_move m where m.from_status = old.status and m.to_status = new.status) then
    raise exception 'a parcours cannot move from % to %', old.status, new.status using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger parcours_moves before update of status on parcours for each row execute function app.check_parcours_move();

alter table parcours
  add constraint ck_parcours_status check (status in ('repere', 'contacte', 'rencontre', 'diagnostic', 'actif', 'sorti', 'non_entree')),
  add constraint ck_parcours_started check (status not in ('actif', 'sorti') or started_on is not null),
  add constraint ck_parcours_ended check ((status in ('sorti', 'non_entree')) = (ended_on is not null)),
  add constraint ck_parcours_end_reason check (ended_on is null or end_reason is not null),
  add constraint ck_parcours_dates check (
    spotted_on <= coalesce(contacted_on, met_on, diagnosed_on, started_on, ended_on, 'infinity')
    and coalesce(met_on, '-infinity') <= coalesce(diagnosed_on, started_on, ended_on, 'infinity')
    and coalesce(diagnosed_on, '-infinity') <= coalesce(started_on, ended_on, 'infinity')
    and coalesce(started_on, '-infinity') <= coalesce(ended_on, 'infinity'));

alter table person
  add constraint ck_person_reachable check (coalesce(phone, second_phone, email, address, reached_through) is not null),
  add constraint ck_person_phone check (phone ~ '^\+[1-9][0-9]{6,14}$'),
  add constraint ck_person_second_phone check (second_phone ~ '^\+[1-9][0-9]{6,14}$'),
  add constraint ck_person_email check (email = lower(email) and email like '%_@_%'),
  add constraint ck_person_qpv check ((qpv_answer = 'inside') = (qpv_id is not null));

alter table interview add constraint ck_interview_duration check (duration between 1 and 1440);
alter table next_step
  add constraint ck_next_step_state check (state in ('todo', 'done', 'cancelled')),
  add constraint ck_next_step_settled check ((state = 'todo') = (settled_at is null));
alter table outgoing add constraint ck_outgoing_state check (state in ('waiting', 'sending', 'sent', 'failed', 'cancelled'));
alter table reminder
  add constraint ck_reminder_state check (state in ('waiting', 'sending', 'sent', 'failed', 'cancelled')),
  add constraint ck_reminder_settled check ((state in ('sent', 'failed', 'cancelled')) = (settled_at is not null));
alter table programme_year add constraint ck_programme_year_envelope check (envelope_euros >= 0 and year between 2000 and 2200);
alter table membership add constraint ck_membership_dates check (ended_on is null or ended_on >= started_on);
alter table user_account add constraint ck_user_account_email check (email = lower(email));

create function app.keep_last_contact() returns trigger language plpgsql security definer set search_path = pg_catalog, public as $$
declare touched uuid;
begin
  for touched in select distinct id from unnest(array[
      case when tg_op <> 'INSERT' then old.parcours_id end, case when tg_op <> 'DELETE' then new.parcours_id end]) id where id is not null
  loop
    update parcours set last_contact_on = latest.held_on
    from (select max(i.held_on) as held_on from interview i
          where i.parcours_id = touched and i.reached and i.mode not in ('tiers', 'courrier')) latest
    where parcours.id = touched and parcours.last_contact_on is distinct from latest.held_on;
  end loop;
  return null;
end $$;
create trigger interview_keeps_last_contact after insert or delete or update of held_on, reached, mode, parcours_id on interview
  for each row execute function app.keep_last_contact();

create function app.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is never changed once written', tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger spotting_is_kept before update or delete on spotting for each row execute function app.refuse_change();
create trigger parcours_transition_is_kept before update or delete on parcours_transition for each row execute function app.refuse_change();
create trigger interview_version_is_kept before update or delete on interview_version for each row execute function app.refuse_change();

create function app.keep_assignment() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or old.ended_at is not null or row(new.id, new.cite_id, new.person_id, new.parcours_id, new.kind,
       new.referent_id, new.organisation_id, new.started_at, new.reason, new.batch_id, new.assigned_by_id)
     is distinct from row(old.id, old.cite_id, old.person_id, old.parcours_id, old.kind,
       old.referent_id, old.organisation_id, old.started_at, old.reason, old.batch_id, old.assigned_by_id) then
    raise exception 'an assignment is never changed: only its end is written, once' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger assignment_is_kept before update or delete on assignment for each row execute function app.keep_assignment();

create function app.freeze_report() returns trigger language plpgsql as $$
begin
  raise exception 'a report that is ready is frozen' using errcode = 'restrict_violation';
end $$;
create trigger activity_report_is_frozen before update or delete on activity_report
  for each row when (old.state = 'ready') execute function app.freeze_report();
"""


def upgrade() -> None:
    op.execute(RULES)
    for departure, arrival in MOVES:
        op.execute(f"insert into app.parcours_move values ('{departure}', '{arrival}')")


def downgrade() -> None:
    raise NotImplementedError("the first release is undone by dropping the database")
