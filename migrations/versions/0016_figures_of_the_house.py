"""What /metrics may know: counts and ages of work that waits, never whose it is."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = depends_on = None

FIGURES = r"""
create function app.figures_of_the_house() returns table (name text, state text, value double precision)
language sql stable security definer set search_path = pg_catalog, public as $$
  with unsettled as materialized (
    select state, count(*) as letters, extract(epoch from clock_timestamp() - min(not_before)) as age from outgoing
    where state in ('waiting', 'sending') group by state),
  lines as materialized (
    select state, count(*) as lines, extract(epoch from clock_timestamp() - min(created_at)) as age from reminder
    where state in ('waiting', 'sending') group by state),
  reports as materialized (
    select state, count(*) as reports, extract(epoch from clock_timestamp() - min(created_at)) as age from activity_report
    where state <> 'ready' group by state)
  select 'outbox_letters', kind, coalesce((select letters from unsettled where state = kind), 0)
    from unnest(array['waiting', 'sending']) kind
  union all
  select 'outbox_letters', 'failed', (select count(*) from outgoing where state = 'failed' and settled_at > clock_timestamp() - interval '1 day')
  union all
  select 'outbox_age_seconds', null, greatest(0, coalesce((select max(age) from unsettled), 0))
  union all
  select 'reminder_lines', kind, coalesce((select lines from lines where state = kind), 0) from unnest(array['waiting', 'sending']) kind
  union all
  select 'reminder_lag_seconds', null, coalesce((select max(age) from lines), 0)
  union all
  select 'report_requests', state, reports from reports
  union all
  select 'report_age_seconds', null, coalesce((select max(age) from reports where state <> 'failed'), 0)
  union all
  select part || '_age_seconds', null, extract(epoch from clock_timestamp() - beaten_at) from heartbeat where part in ('worker', 'beat')
  union all
  select 'journal_unsealed_seconds', null, coalesce((
    select extract(epoch from clock_timestamp() - line.at) from audit.journal line
    where line.id > coalesce((select last_line from audit.sealing), 0) order by line.id limit 1), 0)
$$;
comment on function app.figures_of_the_house is 'Counts and ages for /metrics; nothing of a person, nothing of a Cité.';
revoke execute on function app.figures_of_the_house from public;
grant execute on function app.figures_of_the_house to cityjobs_web, cityjobs_worker;
"""


def upgrade() -> None:
    op.execute(FIGURES)
    # in service: outgoing keeps 90 days of letters; indexing it takes less than a second
    op.create_index("ix_outgoing_failed", "outgoing", ["settled_at"], postgresql_where="state = 'failed'")


def downgrade() -> None:
    op.drop_index("ix_outgoing_failed", "outgoing")
    op.execute("drop function app.figures_of_the_house")
