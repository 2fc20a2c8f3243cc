"""The journal: every write by trigger, every reading by a function, unreachable to the application's roles."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = depends_on = None

JOURNAL = r"""
create schema audit;
create table audit.journal (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  actor uuid, role text, cite_id uuid, request text,
  verb text not null check (verb in ('insert', 'update', 'delete', 'read')),
  subject text not null, subject_id text not null,
  before jsonb, after jsonb);
create index ix_journal_subject on audit.journal (subject, subject_id);
create index ix_journal_at on audit.journal (at);
revoke all on schema audit from public;
grant usage on schema audit to cityjobs_web, cityjobs_worker;

create function audit.trace() returns trigger language plpgsql security definer set search_path = pg_catalog, audit as $$
declare was jsonb; becomes jsonb; changed text[]; line jsonb;
begin
  if tg_op <> 'INSERT' then was := to_jsonb(old); end if;
  if tg_op <> 'DELETE' then becomes := to_jsonb(new); end if;
  line := coalesce(becomes, was);
  if tg_op = 'UPDATE' then
    select array_agg(k) into changed from jsonb_object_keys(becomes) k where was -> k is distinct from becomes -> k;
    if changed is null then return null; end if;
    select jsonb_object_agg(k, was -> k), jsonb_object_agg(k, becomes -> k) into was, becomes from unnest(changed) k;
  end if;
  was := was - tg_argv; becomes := becomes - tg_argv;
  insert into audit.journal (actor, role, cite_id, request, verb, subject, subject_id, before, after)
  values (app.user_id(), app.role(), coalesce((line ->> 'cite_id')::uuid, app.cite_id()),
          nullif(current_setting('cityjobs.request_id', true), ''), lower(tg_op), tg_table_name,
          coalesce(line ->> 'id', line ->> 'interview_id', line ->> 'cite_id', line ->> 'qpv_id'), was, becomes);
  return null;
end $$;

create function audit.record_reading(subject text, subject_id uuid, cite_id uuid) returns void
  language sql security definer set search_path = pg_catalog, audit as $$
  insert into audit.journal (actor, role, cite_id, request, verb, subject, subject_id)
  values (app.user_id(), app.role(), cite_id, nullif(current_setting('cityjobs.request_id', true), ''), 'read', subject, subject_id::text)
$$;
revoke execute on all functions in schema audit from public;
grant execute on function audit.record_reading to cityjobs_web, cityjobs_worker;
"""

TRACED = (
    "person", "parcours", "spotting", "parcours_transition", "assignment", "interview", "interview_version", "next_step",
    "reminder", "organisation", "cite", "programme_year", "cite_commune", "cite_qpv", "qpv", "collective_member",
    "membership", "account_link",
)
"""Traced whole, but for what can be computed again."""

UNTRACED_COLUMNS = {
    "person": ("search_name", "trigrams"),
    "qpv": ("contour",),
    "private_note": ("body",),
    "user_account": ("password_hash",),
    "sign_in_session": ("token_hash",),
    "activity_report": ("figures", "definitions", "xlsx", "pdf"),
}


def upgrade() -> None:
    op.execute(JOURNAL)
    for table in (*TRACED, *(name for name in UNTRACED_COLUMNS if name not in TRACED)):
        silent = ", ".join(f"'{column}'" for column in UNTRACED_COLUMNS.get(table, ()))
        when = "insert or delete or update of membership_id, revoked_at" if table == "sign_in_session" else "insert or update or delete"
        op.execute(f"create trigger traced after {when} on {table} for each row execute function audit.trace({silent})")


def downgrade() -> None:
    raise NotImplementedError("the first release is undone by dropping the database")
