"""What must not be read by others: étapes and goals that tell of health, debts or papers are sensitive lines of their lists.

Whoever replaces a colleague no longer finds their persons once the colleague has left the Cité. Nobody is noted as still
in a job on a day when it had not begun, or was over. Whether a code is of the list of any Cité is asked by triggers alone.
"""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = depends_on = None

SENSITIVE = """
alter table list_item disable trigger list_item_is_kept;
update list_item set is_sensitive = true where cite_id is null and not is_sensitive and (
  (list = 'type_etape' and code in
    ('dossier_mdph_rqth', 'acces_soins', 'soutien_psy', 'budget_surendettement', 'regularisation_droit_travail'))
  or (list = 'objectif' and code in ('acces_droits_soins', 'comportements_sante')));
alter table list_item enable trigger list_item_is_kept;
"""

# in service: the function answers as before, but for the persons of whoever has left
MY_PEOPLE = r"""
create or replace function app.my_people() returns uuid[] language sql stable security definer
  set search_path = pg_catalog, public as $$
  select case app.role()
    when 'referent' then array(
      select a.person_id from assignment a
      where a.referent_id = app.user_id() and a.cite_id = app.cite_id() and a.ended_at is null
      union
      select a.person_id from absence b
      join assignment a on a.referent_id = b.absent_id and a.cite_id = b.cite_id and a.ended_at is null
      where b.deputy_id = app.user_id() and b.cite_id = app.cite_id()
        and b.ended_early_at is null and app.today() between b.starts_on and b.ends_on{still_here}
      union
      select s.person_id from spotting s
      where s.spotted_by_id = app.user_id() and s.cite_id = app.cite_id()
        and not exists (select from assignment a where a.person_id = s.person_id and a.kind = 'referent' and a.ended_at is null))
    when 'spotter' then array(
      select s.person_id from spotting s where s.spotted_by_id = app.user_id() and s.cite_id = app.cite_id())
    else '{{}}'::uuid[]
  end
$$;
"""
STILL_HERE = """
        and exists (select from membership m where m.user_id = b.absent_id and m.cite_id = b.cite_id
          and m.role in ('referent', 'coordinator') and m.started_on <= app.today()
          and (m.ended_on is null or m.ended_on > app.today()))"""

CHECKS = """
create function app.check_job_check() returns trigger language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if exists (select from job j where j.id = new.job_id
             and (new.done_on < j.started_on or (new.in_job and new.done_on > j.ended_on))) then
    raise exception 'a job is held from its first day to its last, and asked about from then on'
      using errcode = 'check_violation', constraint = 'ck_job_check_days';
  end if;
  return new;
end $$;
revoke execute on function app.check_job_check from public;
create trigger job_check_is_possible before insert on job_check for each row execute function app.check_job_check();
"""


def upgrade() -> None:
    op.execute(SENSITIVE)
    # in service: is_listed is asked by no page nor task of the version before, only by triggers with their owner's rights
    op.execute("revoke execute on function app.is_listed from cityjobs_web, cityjobs_worker")
    op.execute(CHECKS)
    op.execute(MY_PEOPLE.format(still_here=STILL_HERE))


def downgrade() -> None:
    """Lines stay sensitive: the version before only says so on the page of lists."""
    op.execute(MY_PEOPLE.format(still_here=""))
    op.execute("grant execute on function app.is_listed to cityjobs_web, cityjobs_worker")
    op.execute("drop trigger job_check_is_possible on job_check; drop function app.check_job_check")
