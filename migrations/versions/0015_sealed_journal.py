"""Seals on the journal: batches of finished lines, chained by their hashes, so that a changed or missing line shows.

Nothing is hashed while somebody waits: a writer only adds its line. A sealer comes later and takes, in the order
of identifiers, the lines that no transaction can add to any more.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = depends_on = None

SEALS = r"""
create table audit.seal (
  id bigint primary key check (id > 0),
  first_line bigint not null, last_line bigint not null,
  lines integer not null check (lines > 0),
  root bytea not null, previous bytea not null, hash bytea not null,
  sealed_at timestamptz not null default clock_timestamp(),
  line_ids bigint[], line_hashes bytea[],
  purged_at timestamptz,
  check (first_line <= last_line),
  check ((purged_at is null) = (line_ids is not null and line_hashes is not null)));
comment on table audit.seal is
  'One batch of the journal: every line from first_line to last_line. The hash is that of the seal before it and of the root, which is '
  'the hash of the lines'' own; it stays when the lines are purged.';

create table audit.sealing (
  sole boolean primary key default true check (sole),
  last_seal bigint not null, last_line bigint not null, last_hash bytea not null,
  mark_line bigint, mark_xid xid8);
comment on table audit.sealing is
  'Where sealing stands. Lines up to mark_line are complete once every transaction before mark_xid has ended.';

-- in service: the journal is read once through, a second for a few million lines
alter table audit.journal drop constraint journal_verb_check;
alter table audit.journal add constraint journal_verb_check check (verb in ('insert', 'update', 'delete', 'read', 'purge'));

create function audit.said_in(line audit.journal) returns bytea language sql stable set search_path = pg_catalog as $$
  select convert_to(jsonb_build_array(
    line.id, to_char(line.at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), line.actor, line.role, line.cite_id, line.request,
    line.verb, line.subject, line.subject_id, line.before, line.after)::text, 'UTF8')
$$;

-- An identifier is never drawn before its transaction has a number: what follows counts on it.
create or replace function audit.record_reading(subject text, subject_id uuid, cite_id uuid) returns void
  language plpgsql security definer set search_path = pg_catalog, audit as $$
begin
  perform pg_current_xact_id();
  insert into audit.journal (actor, role, cite_id, request, verb, subject, subject_id)
  values (app.user_id(), app.role(), record_reading.cite_id, nullif(current_setting('cityjobs.request_id', true), ''), 'read',
          record_reading.subject, record_reading.subject_id::text);
end $$;

create function audit.seal_lines(most integer default 10000) returns table (seal bigint, hash text, lines integer)
  language plpgsql security definer set search_path = pg_catalog, audit as $$
#variable_conflict use_column
declare stands audit.sealing; drawn bigint; me xid8; until bigint; made audit.seal; started bigint;
begin
  if pg_current_xact_id_if_assigned() is not null then
    raise exception 'audit.seal_lines must be the first write of its transaction';
  end if;
  perform pg_advisory_xact_lock(hashtext('audit.seal_lines'));
  -- In this order: whoever drew an identifier up to `drawn` has a number below `me`.
  select case when is_called then last_value else 0 end into drawn from audit.journal_id_seq;
  me := pg_current_xact_id();
  if not exists (select from audit.sealing) and not exists (select from audit.seal) then
    insert into audit.sealing (last_seal, last_line, last_hash) values (0, 0, decode(repeat('00', 32), 'hex'));
  end if;
  select * into strict stands from audit.sealing;
  if pg_snapshot_xmin(pg_current_snapshot()) >= me then
    until := drawn;
  elsif stands.mark_xid <= pg_snapshot_xmin(pg_current_snapshot()) then
    until := stands.mark_line;
  end if;
  -- A mark that is still waited for is kept, unless it comes from another cluster (a restored dump).
  if until is not null or stands.mark_xid is null or stands.mark_xid > me then
    stands.mark_line := drawn; stands.mark_xid := me;
  end if;
  while until > stands.last_line loop
    select stands.last_seal + 1, stands.last_line + 1, max(batch.id), count(*),
           array_agg(batch.id order by batch.id), array_agg(batch.hash order by batch.id)
      into made.id, made.first_line, made.last_line, made.lines, made.line_ids, made.line_hashes
      from (select line.id, sha256(audit.said_in(line)) as hash from audit.journal line
            where line.id > stands.last_line and line.id <= until order by line.id limit most) batch;
    exit when made.lines = 0;
    if made.lines < most then made.last_line := until; end if;
    made.root := sha256(convert_to((select string_agg(i || ':' || encode(h, 'hex'), ',' order by i)
                                    from unnest(made.line_ids, made.line_hashes) as u(i, h)), 'UTF8'));
    made.previous := stands.last_hash; made.sealed_at := clock_timestamp();
    made.hash := sha256(convert_to(concat_ws('|', made.id, made.first_line, made.last_line, made.lines,
                                             to_char(made.sealed_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
                                             encode(made.root, 'hex'), encode(made.previous, 'hex')), 'UTF8'));
    insert into audit.seal select made.*;
    stands.last_seal := made.id; stands.last_line := made.last_line; stands.last_hash := made.hash;
    seal := made.id; hash := encode(made.hash, 'hex'); lines := made.lines;
    return next;
  end loop;
  update audit.sealing set last_seal = stands.last_seal, last_line = stands.last_line, last_hash = stands.last_hash,
                           mark_line = stands.mark_line, mark_xid = stands.mark_xid;
end $$;
comment on function audit.seal_lines is 'Chains the complete lines that are not sealed yet; returns the seals made. Says nothing of their content.';

create function audit.purge(older_than timestamptz) returns integer language plpgsql set search_path = pg_catalog, audit as $$
declare upto audit.seal; gone integer;
begin
  perform pg_advisory_xact_lock(hashtext('audit.seal_lines'));
  select seal.* into upto from audit.seal seal
    where seal.id < coalesce((select min(young.id) from audit.seal young where young.purged_at is null and exists (
      select from audit.journal line where line.id between young.first_line and young.last_line and line.at >= older_than)),
      (select last_seal + 1 from audit.sealing))
    order by seal.id desc limit 1;
  if upto.id is null or upto.purged_at is not null then return 0; end if;
  delete from audit.journal where id <= upto.last_line;
  get diagnostics gone = row_count;
  update audit.seal set purged_at = clock_timestamp(), line_ids = null, line_hashes = null where id <= upto.id and purged_at is null;
  insert into audit.journal (role, verb, subject, subject_id, after)
  values ('system', 'purge', 'journal', upto.id::text, jsonb_build_object('lines', gone, 'older_than', older_than));
  return gone;
end $$;
comment on function audit.purge is
  'Forgets the oldest lines, by whole seals, and says so in the journal; the seals keep their hashes. For the owner alone.';

revoke execute on all functions in schema audit from public;
grant execute on function audit.record_reading to cityjobs_web, cityjobs_worker;
grant execute on function audit.seal_lines to cityjobs_worker;
"""

FORMER_READING = r"""
create function audit.record_reading(subject text, subject_id uuid, cite_id uuid) returns void
  language sql security definer set search_path = pg_catalog, audit as $$
  insert into audit.journal (actor, role, cite_id, request, verb, subject, subject_id)
  values (app.user_id(), app.role(), cite_id, nullif(current_setting('cityjobs.request_id', true), ''), 'read', subject, subject_id::text)
$$;
revoke execute on function audit.record_reading from public;
"""


def upgrade() -> None:
    op.execute(SEALS)


def downgrade() -> None:
    op.execute("drop function audit.purge, audit.seal_lines, audit.said_in")
    op.execute("drop table audit.sealing, audit.seal")
    op.execute("drop function audit.record_reading")
    op.execute(FORMER_READING)
    op.execute("grant execute on function audit.record_reading to cityjobs_web, cityjobs_worker")
