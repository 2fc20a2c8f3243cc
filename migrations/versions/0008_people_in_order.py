"""A person's alphabetical place, who changed a file last, and what a search may tell of masked files."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = depends_on = None

SORT_NAME = "app.fold(coalesce(last_name, '') || ' ' || first_name)"

SEARCH = r"""
create function app.people_sought(sought text, sought_phone text, sought_email text, sought_birth_date date)
returns table (person_id uuid, is_visible boolean, shown_name text, shown_birth_date date, status text, waits_since date,
               referent text, organisation text, closeness real)
language sql stable security definer set search_path = pg_catalog, public as $$
  with mine as (select app.role() = 'coordinator' as all_of_them, app.my_people() as people),
  nearest as (
    select f.person_id, f.closeness, mine.all_of_them or f.person_id = any (mine.people) as is_visible
    from app.find_people(sought, sought_phone, sought_email, sought_birth_date) f, mine
    order by f.closeness desc, is_visible desc, f.person_id
    limit 12)
  select n.person_id, n.is_visible,
    case when n.is_visible then concat_ws(' ', p.first_name, p.last_name) else app.initials(p.first_name, p.last_name) end,
    case when n.is_visible then p.birth_date end,
    pc.status, case when a.id is null and pc.ended_on is null then pc.spotted_on end,
    nullif(concat_ws(' ', u.first_name, u.last_name), ''), case when not o.is_sensitive then o.name end, n.closeness
  from nearest n
  join public.person p on p.id = n.person_id
  left join lateral (select * from public.parcours where parcours.person_id = p.id
                     order by ended_on is not null, spotted_on desc, created_at desc limit 1) pc on true
  left join public.assignment a on a.parcours_id = pc.id and a.kind = 'referent' and a.ended_at is null
  left join public.user_account u on u.id = a.referent_id
  left join public.organisation o on o.id = a.organisation_id
  order by n.closeness desc, n.is_visible desc, n.person_id
$$;
comment on function app.people_sought is
  'The dozen persons of the Cité nearest to what is sought; of those whoever asks may not open: initials, status, who follows.';
revoke execute on function app.people_sought from public;
grant execute on function app.people_sought to cityjobs_web, cityjobs_worker;
"""


def upgrade() -> None:
    op.add_column("person", sa.Column("updated_by_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        "fk_person_updated_by_id_user_account", "person", "user_account", ["updated_by_id"], ["id"]
    )
    op.execute("grant update (updated_by_id) on person to cityjobs_web")
    op.add_column(
        "person", sa.Column("sort_name", sa.Text(), sa.Computed(SORT_NAME, persisted=True), nullable=False)
    )
    op.create_index("ix_person_cite_sort_name", "person", ["cite_id", "sort_name"])
    _trace("search_name", "trigrams", "sort_name")
    op.execute(SEARCH)


def downgrade() -> None:
    op.execute("drop function app.people_sought")
    _trace("search_name", "trigrams")
    op.drop_index("ix_person_cite_sort_name", "person")
    op.drop_column("person", "sort_name")
    op.drop_column("person", "updated_by_id")


def _trace(*silent: str) -> None:
    """Write every change of a person in the journal, but for what can be computed again."""
    op.execute("drop trigger traced on person")
    columns = ", ".join(f"'{column}'" for column in silent)
    op.execute(
        "create trigger traced after insert or update or delete on person for each row"
        f" execute function audit.trace({columns})"
    )
