"""Figures of a Cité read its own exits: they were looked for among those of the whole country."""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = depends_on = None

SEEN_IN_FACTS = """(select current_user = 'cityjobs_worker' or app.role() in ('referent', 'coordinator', 'chef_de_file', 'funder'))
  and case when (select current_user = 'cityjobs_worker') then true else pc.cite_id = (select app.cite_id()) end"""

CASE_FACTS = """
create or replace view app.case_facts with (security_barrier = true) as
select pc.id as parcours_id, pc.cite_id,
  case when (select app.role()) = 'funder' then null else pc.person_id end as person_id,
  case when (select app.role()) = 'funder' then null else app.initials(p.first_name, p.last_name) end as initials,
  pc.status, pc.spotted_on, pc.contacted_on, pc.met_on, pc.diagnosed_on, pc.started_on, pc.ended_on, pc.end_reason,
  pc.entry_gender, pc.entry_age, pc.entry_in_qpv, pc.last_contact_on, pc.created_at,
  a.referent_id, a.organisation_id, a.started_at as assigned_at,
  case when (select app.role()) = 'funder' then md5(pc.person_id::text)::uuid else pc.person_id end as person_key,
  pc.entry_qpv_id, e.category as exit_category
from public.parcours pc
left join public.person p on p.id = pc.person_id and p.cite_id = pc.cite_id
left join public.assignment a
  on a.parcours_id = pc.id and a.cite_id = pc.cite_id and a.kind = 'referent' and a.ended_at is null
left join public.parcours_exit e on e.parcours_id = pc.id{same_cite}
where {seen}
"""


def upgrade() -> None:
    """An exit is of the Cité of its parcours (a composite key): saying so lets an index by Cité be read."""
    # in service: parcours_exit holds some 150 000 lines for the whole country; indexing them takes less than a second
    op.execute("drop index ix_parcours_exit_cite")
    op.execute("create index ix_parcours_exit_cite on parcours_exit (cite_id, parcours_id) include (category)")
    op.execute(CASE_FACTS.format(same_cite=" and e.cite_id = pc.cite_id", seen=SEEN_IN_FACTS))


def downgrade() -> None:
    op.execute(CASE_FACTS.format(same_cite="", seen=SEEN_IN_FACTS))
    op.execute("drop index ix_parcours_exit_cite")
    op.execute("create index ix_parcours_exit_cite on parcours_exit (cite_id, category)")
