"""Who sees which rows, and what each role of the database may do to which columns.

Three readers: cityjobs_owner (migrations and the functions of schema app), cityjobs_worker (tasks and commands),
cityjobs_web (pages), for whom a row is visible by the role, the Cité and the user named in the transaction.
Nobody named: nothing is visible. Private notes and drafts exist for their author alone.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = depends_on = None

ASKERS = r"""
create function app.my_people() returns uuid[] language sql stable security definer set search_path = pg_catalog, public as $$
  select case app.role()
    when 'referent' then array(
      select a.person_id from assignment a
      where a.referent_id = app.user_id() and a.cite_id = app.cite_id() and a.ended_at is null
      union
      select s.person_id from spotting s
      where s.spotted_by_id = app.user_id() and s.cite_id = app.cite_id()
        and not exists (select from assignment a where a.parcours_id = s.parcours_id and a.kind = 'referent' and a.ended_at is null))
    when 'spotter' then array(
      select s.person_id from spotting s where s.spotted_by_id = app.user_id() and s.cite_id = app.cite_id())
    else '{}'::uuid[]
  end
$$;
comment on function app.my_people is 'Persons whom whoever asks may open: theirs as a référent, those they spotted as a spotter.';
"""

IN_CITE = "cite_id = (select app.cite_id())"
PERSON_SEEN = f"""{IN_CITE} and ((select app.role()) = 'coordinator'
  or ((select app.role()) in ('referent', 'spotter') and {{person}} = any ((select app.my_people())::uuid[])))"""
CASE_SEEN = f"""{IN_CITE} and ((select app.role()) = 'coordinator'
  or ((select app.role()) = 'referent' and person_id = any ((select app.my_people())::uuid[])))"""
MINE = "{column} = (select app.user_id())"
SPOTTING_ROLES = "(select app.role()) in ('referent', 'coordinator', 'spotter')"
FIGURES_ROLES = "(select app.role()) in ('coordinator', 'chef_de_file', 'funder')"

POINTING_TO_A_PERSON = (
    "person",
    "parcours",
    "spotting",
    "parcours_transition",
    "assignment",
    "interview",
    "interview_version",
    "private_note",
    "next_step",
    "reminder",
    "draft",
    "activity_report",
    "outgoing",
)
AUTHOR_ONLY = ("private_note", "draft")

WEB_SEES = {
    "person": PERSON_SEEN.format(person="id"),
    "parcours": PERSON_SEEN.format(person="person_id"),
    "spotting": PERSON_SEEN.format(person="person_id"),
    "parcours_transition": PERSON_SEEN.format(person="person_id"),
    "assignment": PERSON_SEEN.format(person="person_id"),
    "interview": CASE_SEEN,
    "interview_version": CASE_SEEN,
    "private_note": f"{MINE.format(column='author_id')} and {CASE_SEEN}",
    "next_step": CASE_SEEN,
    "reminder": CASE_SEEN,
    "draft": MINE.format(column="author_id"),
    "activity_report": f"{IN_CITE} and {FIGURES_ROLES}",
}

WEB_ADDS = {
    "person": f"{IN_CITE} and {SPOTTING_ROLES} and created_by_id = (select app.user_id())",
    "parcours": f"{IN_CITE} and {SPOTTING_ROLES} and status = 'repere'",
    "spotting": f"{IN_CITE} and {SPOTTING_ROLES} and spotted_by_id = (select app.user_id())",
    "parcours_transition": f"{CASE_SEEN} and recorded_by_id = (select app.user_id())",
    "assignment": f"{CASE_SEEN} and assigned_by_id = (select app.user_id())",
    "interview": f"{CASE_SEEN} and author_id = (select app.user_id())",
    "interview_version": f"{CASE_SEEN} and replaced_by_id = (select app.user_id())",
    "private_note": f"{MINE.format(column='author_id')} and {CASE_SEEN}",
    "next_step": f"{CASE_SEEN} and created_by_id = (select app.user_id())",
    "draft": MINE.format(column="author_id"),
    "activity_report": f"{IN_CITE} and (select app.role()) in ('coordinator', 'chef_de_file') and state = 'requested'",
    "outgoing": "(select app.user_id()) is not null or kind = 'reset'",
}

WEB_CHANGES = {
    "person": CASE_SEEN.replace("person_id", "id"),
    "parcours": CASE_SEEN,
    "assignment": CASE_SEEN,
    "interview": CASE_SEEN,
    "private_note": f"{MINE.format(column='author_id')} and {CASE_SEEN}",
    "next_step": CASE_SEEN,
    "draft": MINE.format(column="author_id"),
}

WEB_GRANTS = r"""
grant select, insert on person, parcours, spotting, parcours_transition, assignment, interview, interview_version,
  private_note, next_step, draft, activity_report to cityjobs_web;
grant select on reminder to cityjobs_web;
grant insert on outgoing to cityjobs_web;
grant update (first_name, last_name, birth_name, civility, gender, birth_date, phone, second_phone, email, reached_through,
  preferred_channel, language, needs_interpreter, address, postcode, commune, longitude, latitude, qpv_answer, qpv_id,
  qpv_source, qpv_checked_on, qpv_confirmed_by_id, updated_at, version) on person to cityjobs_web;
grant update (status, contacted_on, met_on, diagnosed_on, started_on, ended_on, end_reason, entry_gender, entry_age,
  entry_in_qpv, version) on parcours to cityjobs_web;
grant update (ended_at, end_reason, ended_by_id) on assignment to cityjobs_web;
grant update (held_on, mode, duration, reached, synthesis, updated_at, version) on interview to cityjobs_web;
grant update (body, updated_at, version) on private_note to cityjobs_web;
grant update (title, due_on, state, result, settled_by_id, settled_at, version) on next_step to cityjobs_web;
grant update (fields, saved_at), delete on draft to cityjobs_web;

grant select on heartbeat, organisation, qpv, qpv_commune, cite, cite_commune, cite_qpv, collective_member, programme_year,
  user_account, membership, sign_in_session, account_link to cityjobs_web;
grant insert on organisation, collective_member, cite_commune, cite_qpv, programme_year, user_account, membership,
  sign_in_session, account_link to cityjobs_web;
grant update (name, family, kind, is_sensitive, phone, email, version) on organisation to cityjobs_web;
grant update (name, programme_name, labelled_year, chef_de_file_id, contrat_de_ville, npnru, qrr, equip_emploi, silence_days,
  escalation_days, referent_capacity, version) on cite to cityjobs_web;
grant update (envelope_euros), delete on programme_year to cityjobs_web;
grant delete on cite_commune, cite_qpv, collective_member to cityjobs_web;
grant update (email, first_name, last_name, password_hash, phone, disabled_at, version) on user_account to cityjobs_web;
grant update (ended_on, capacity) on membership to cityjobs_web;
grant update (membership_id, last_seen_at, revoked_at) on sign_in_session to cityjobs_web;
grant update (used_at) on account_link to cityjobs_web;

grant select on alembic_version to cityjobs_web, cityjobs_worker;
"""


def upgrade() -> None:
    op.execute(ASKERS)
    for table in POINTING_TO_A_PERSON:
        op.execute(f"alter table {table} enable row level security, force row level security")
        if table not in AUTHOR_ONLY:
            op.execute(f"create policy owner_all on {table} to cityjobs_owner using (true) with check (true)")
            op.execute(f"create policy worker_all on {table} to cityjobs_worker using (true) with check (true)")
    for table, seen in WEB_SEES.items():
        op.execute(f"create policy web_sees on {table} for select to cityjobs_web using ({seen})")
    for table, allowed in WEB_ADDS.items():
        op.execute(f"create policy web_adds on {table} for insert to cityjobs_web with check ({allowed})")
    for table, allowed in WEB_CHANGES.items():
        op.execute(f"create policy web_changes on {table} for update to cityjobs_web using ({allowed}) with check ({allowed})")
    op.execute(f"create policy web_drops on draft for delete to cityjobs_web using ({MINE.format(column='author_id')})")
    op.execute("grant select, insert, update, delete on all tables in schema public to cityjobs_worker")
    op.execute("revoke all on private_note, draft from cityjobs_worker")
    op.execute("revoke insert, update, delete on alembic_version from cityjobs_worker")
    op.execute(WEB_GRANTS)
    op.execute("revoke execute on all functions in schema app from public")
    op.execute("grant execute on all functions in schema app to cityjobs_web, cityjobs_worker")


def downgrade() -> None:
    raise NotImplementedError("the first release is undone by dropping the database")
