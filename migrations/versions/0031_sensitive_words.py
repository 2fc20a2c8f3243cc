"""Sensitive words as two lists, one of subjects and one of words; the journal takes that a warning about them was passed.

A line says the subject, never the word nor the text: with the same request, other lines say what was written.
"""

import csv
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = depends_on = None

WORDS = Path(__file__).parents[1] / "lists" / "sensitive_words.tsv"

WARNINGS = r"""
-- in service: the journal is read once through, a second for a few million lines
alter table audit.journal drop constraint journal_verb_check;
alter table audit.journal add constraint journal_verb_check
  check (verb in ('insert', 'update', 'delete', 'read', 'purge', 'warn'));

create function audit.record_warnings(subjects text[]) returns void
  language plpgsql security definer set search_path = pg_catalog, audit as $$
begin
  if app.works_here(app.cite_id()) is not true
     or exists (select from unnest(subjects) subject where not app.is_listed('sujet_sensible', subject, null)) then
    raise exception 'nothing of the kind could have been written' using errcode = 'insufficient_privilege';
  end if;
  perform pg_current_xact_id();
  insert into audit.journal (actor, role, cite_id, request, verb, subject, subject_id)
  select app.user_id(), app.role(), app.cite_id(), nullif(current_setting('cityjobs.request_id', true), ''), 'warn',
         'sensitive_words', subject
  from unnest(subjects) subject;
end $$;
comment on function audit.record_warnings is
  'Whoever asks keeps a text in which sensitive words about these subjects were read again.';
revoke execute on function audit.record_warnings from public;
grant execute on function audit.record_warnings to cityjobs_web;
"""

FORGET = r"""
drop function audit.record_warnings;
alter table list_item disable trigger user;
delete from list_item where list in ('sujet_sensible', 'mot_sensible');
alter table list_item enable trigger user;
"""

ITEMS = sa.table("list_item", *(sa.column(name) for name in ("list", "code", "parent", "label", "rank")))


def upgrade() -> None:
    op.execute(WARNINGS)
    with WORDS.open(encoding="utf-8", newline="") as lines:
        op.bulk_insert(
            ITEMS,
            [
                {
                    "list": line["liste"],
                    "code": line["code"],
                    "parent": line["parent"] or None,
                    "label": line["libelle"],
                    "rank": rank,
                }
                for rank, line in enumerate(csv.DictReader(lines, delimiter="\t"))
            ],
        )


def downgrade() -> None:
    op.execute(FORGET)
