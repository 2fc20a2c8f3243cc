"""Functions that tables and policies stand on: how names are folded, and who is asking."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = depends_on = None

FUNCTIONS = r"""
create schema app;
grant usage on schema app to cityjobs_web, cityjobs_worker;

create function app.fold(t text) returns text language sql immutable strict parallel safe
  set search_path = pg_catalog
  return btrim(regexp_replace(
    regexp_replace(
      replace(replace(lower(regexp_replace(normalize(t, NFKD), '[\u0300-\u036f]', '', 'g')), 'œ', 'oe'), 'æ', 'ae'),
      '[''’ʼ`´]', '', 'g'),
    '[^0-9a-z]+', ' ', 'g'));
comment on function app.fold is 'Lower case, no accents, no apostrophes, single spaces; also the French alphabetical order.';

create function app.trigrams(t text) returns text[] language sql immutable strict parallel safe
  set search_path = pg_catalog, app
  return (
    select coalesce(array_agg(distinct substr(word, i, 3)), '{}')
    from (select '  ' || w || ' ' as word from regexp_split_to_table(app.fold(t), ' ') w where w <> '') s,
         generate_series(1, length(word) - 2) i);
comment on function app.trigrams is 'Groups of three letters of each word, which survive a misspelling.';

create function app.closeness(grams text[], sought text[]) returns real language sql immutable strict parallel safe
  return (select count(*) from unnest(sought) g where g = any(grams))::real / greatest(cardinality(sought), 1);
comment on function app.closeness is 'Share of the sought groups of letters that are found, from 0 to 1.';

create function app.initials(first_name text, last_name text) returns text language sql immutable parallel safe
  return concat_ws(' ', upper(left(first_name, 1)) || '…', upper(left(last_name, 1)) || '…');

create function app.user_id() returns uuid language sql stable parallel safe
  return nullif(current_setting('cityjobs.user_id', true), '')::uuid;
create function app.role() returns text language sql stable parallel safe
  return coalesce(nullif(current_setting('cityjobs.role', true), ''), 'nobody');
create function app.cite_id() returns uuid language sql stable parallel safe
  return nullif(current_setting('cityjobs.cite_id', true), '')::uuid;
"""


def upgrade() -> None:
    op.execute(FUNCTIONS)


def downgrade() -> None:
    op.execute("drop schema app cascade")
