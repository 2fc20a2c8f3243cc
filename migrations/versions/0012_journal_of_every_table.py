"""The journal keeps what changed in every table: a trigger without arguments has no list of silent columns, not an empty one."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = depends_on = None

TRACE = r"""
create or replace function audit.trace() returns trigger language plpgsql security definer set search_path = pg_catalog, audit as $$
declare was jsonb; becomes jsonb; changed text[]; line jsonb; silent text[] := coalesce(tg_argv, '{{}}');
begin
  if tg_op <> 'INSERT' then was := to_jsonb(old); end if;
  if tg_op <> 'DELETE' then becomes := to_jsonb(new); end if;
  line := coalesce(becomes, was);
  if tg_op = 'UPDATE' then
    select array_agg(k) into changed from jsonb_object_keys(becomes) k where was -> k is distinct from becomes -> k;
    if changed is null then return null; end if;
    select jsonb_object_agg(k, was -> k), jsonb_object_agg(k, becomes -> k) into was, becomes from unnest(changed) k;
  end if;
  was := was - {silent}; becomes := becomes - {silent};
  insert into audit.journal (actor, role, cite_id, request, verb, subject, subject_id, before, after)
  values (app.user_id(), app.role(), coalesce((line ->> 'cite_id')::uuid, app.cite_id()),
          nullif(current_setting('cityjobs.request_id', true), ''), lower(tg_op), tg_table_name,
          coalesce(line ->> 'id', line ->> 'interview_id', line ->> 'cite_id', line ->> 'qpv_id'), was, becomes);
  return null;
end $$;
"""


def upgrade() -> None:
    op.execute(TRACE.format(silent="silent"))


def downgrade() -> None:
    op.execute(TRACE.format(silent="tg_argv"))
