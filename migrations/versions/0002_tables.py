"""Every table of the first release, with its keys and indexes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0002"
down_revision = "0001"
branch_labels = depends_on = None


def upgrade() -> None:
    op.create_table('heartbeat',
    sa.Column('part', sa.Text(), nullable=False),
    sa.Column('beaten_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('part', name='pk_heartbeat')
    )
    op.create_table('organisation',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('family', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('is_sensitive', sa.Boolean(), nullable=False),
    sa.Column('phone', sa.Text(), nullable=True),
    sa.Column('email', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.PrimaryKeyConstraint('id', name='pk_organisation'),
    sa.UniqueConstraint('name', name='uq_organisation_name')
    )
    op.create_table('outgoing',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('dedupe_key', sa.Text(), nullable=False),
    sa.Column('recipient', sa.Text(), nullable=False),
    sa.Column('facts', pg.JSONB(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('not_before', sa.DateTime(timezone=True), nullable=False),
    sa.Column('claimed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failure', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id', name='pk_outgoing'),
    sa.UniqueConstraint('kind', 'dedupe_key', name='uq_outgoing_kind_dedupe_key')
    )
    op.create_index('ix_outgoing_unsettled', 'outgoing', ['not_before'], unique=False, postgresql_where=sa.text("state in ('waiting', 'sending')"))
    op.create_table('qpv',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('generation', sa.Integer(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_until', sa.Date(), nullable=True),
    sa.Column('contour', pg.JSONB(), nullable=True),
    sa.Column('west', sa.Double(), nullable=True),
    sa.Column('south', sa.Double(), nullable=True),
    sa.Column('east', sa.Double(), nullable=True),
    sa.Column('north', sa.Double(), nullable=True),
    sa.PrimaryKeyConstraint('id', name='pk_qpv'),
    sa.UniqueConstraint('code', name='uq_qpv_code')
    )
    op.create_table('user_account',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('first_name', sa.Text(), nullable=False),
    sa.Column('last_name', sa.Text(), nullable=False),
    sa.Column('password_hash', sa.Text(), nullable=True),
    sa.Column('phone', sa.Text(), nullable=True),
    sa.Column('disabled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.PrimaryKeyConstraint('id', name='pk_user_account'),
    sa.UniqueConstraint('email', name='uq_user_account_email')
    )
    op.create_table('account_link',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('purpose', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name='fk_account_link_user_id_user_account'),
    sa.PrimaryKeyConstraint('id', name='pk_account_link')
    )
    op.create_index('ix_account_link_user_id', 'account_link', ['user_id'], unique=False)
    op.create_table('cite',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('programme_name', sa.Text(), nullable=False),
    sa.Column('labelled_year', sa.Integer(), nullable=False),
    sa.Column('chef_de_file_id', sa.Uuid(), nullable=True),
    sa.Column('contrat_de_ville', sa.Boolean(), nullable=False),
    sa.Column('npnru', sa.Boolean(), nullable=False),
    sa.Column('qrr', sa.Boolean(), nullable=False),
    sa.Column('equip_emploi', sa.Boolean(), nullable=False),
    sa.Column('longitude', sa.Double(), nullable=True),
    sa.Column('latitude', sa.Double(), nullable=True),
    sa.Column('silence_days', sa.Integer(), nullable=False),
    sa.Column('escalation_days', sa.Integer(), nullable=False),
    sa.Column('referent_capacity', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.ForeignKeyConstraint(['chef_de_file_id'], ['organisation.id'], name='fk_cite_chef_de_file_id_organisation'),
    sa.PrimaryKeyConstraint('id', name='pk_cite'),
    sa.UniqueConstraint('slug', name='uq_cite_slug')
    )
    op.create_table('draft',
    sa.Column('author_id', sa.Uuid(), nullable=False),
    sa.Column('form', sa.Text(), nullable=False),
    sa.Column('fields', pg.JSONB(), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['author_id'], ['user_account.id'], name='fk_draft_author_id_user_account'),
    sa.PrimaryKeyConstraint('author_id', 'form', name='pk_draft')
    )
    op.create_table('qpv_commune',
    sa.Column('qpv_id', sa.Uuid(), nullable=False),
    sa.Column('insee_code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['qpv_id'], ['qpv.id'], name='fk_qpv_commune_qpv_id_qpv'),
    sa.PrimaryKeyConstraint('qpv_id', 'insee_code', name='pk_qpv_commune')
    )
    op.create_table('activity_report',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('cite_id', sa.Uuid(), nullable=False),
    sa.Column('occasion', sa.Text(), nullable=False),
    sa.Column('period_start', sa.Date(), nullable=False),
    sa.Column('period_end', sa.Date(), nullable=False),
    sa.Column('as_of', sa.Date(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('progress', sa.Integer(), nullable=False),
    sa.Column('definitions_version', sa.Integer(), nullable=True),
    sa.Column('figures', pg.JSONB(), nullable=True),
    sa.Column('definitions', pg.JSONB(), nullable=True),
    sa.Column('xlsx', sa.LargeBinary(), nullable=True),
    sa.Column('pdf', sa.LargeBinary(), nullable=True),
    sa.Column('requested_by_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ready_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['cite_id'], ['cite.id'], name='fk_activity_report_cite_id_cite'),
    sa.ForeignKeyConstraint(['requested_by_id'], ['user_account.id'], name='fk_activity_report_requested_by_id_user_account'),
    sa.PrimaryKeyConstraint('id', name='pk_activity_report'),
    sa.UniqueConstraint('cite_id', 'occasion', name='uq_activity_report_cite_id_occasion')
    )
    op.create_index('ix_activity_report_cite', 'activity_report', ['cite_id', sa.literal_column('created_at desc')], unique=False)
    op.create_table('cite_commune',
    sa.Column('cite_id', sa.Uuid(), nullable=False),
    sa.Column('insee_code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['cite_id'], ['cite.id'], name='fk_cite_commune_cite_id_cite'),
    sa.PrimaryKeyConstraint('cite_id', 'insee_code', name='pk_cite_commune')
    )
    op.create_table('cite_qpv',
    sa.Column('cite_id', sa.Uuid(), nullable=False),
    sa.Column('qpv_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['cite_id'], ['cite.id'], name='fk_cite_qpv_cite_id_cite'),
    sa.ForeignKeyConstraint(['qpv_id'], ['qpv.id'], name='fk_cite_qpv_qpv_id_qpv'),
    sa.PrimaryKeyConstraint('cite_id', 'qpv_id', name='pk_cite_qpv')
    )
    op.create_index('ix_cite_qpv_qpv_id', 'cite_qpv', ['qpv_id'], unique=False)
    op.create_table('collective_member',
    sa.Column('cite_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['cite_id'], ['cite.id'], name='fk_collective_member_cite_id_cite'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name='fk_collective_member_organisation_id_organisation'),
    sa.PrimaryKeyConstraint('cite_id', 'organisation_id', name='pk_collective_member')
    )
    op.create_index('ix_collective_member_organisation_id', 'collective_member', ['organisation_id'], unique=False)
    op.create_table('membership',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('cite_id', sa.Uuid(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('capacity', sa.Integer(), nullable=True),
    sa.Column('started_on', sa.Date(), nullable=False),
    sa.Column('ended_on', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['cite_id'], ['cite.id'], name='fk_membership_cite_id_cite'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name='fk_membership_organisation_id_organisation'),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name='fk_membership_user_id_user_account'),
    sa.PrimaryKeyConstraint('id', name='pk_membership')
    )
    op.create_index('ix_membership_cite_role', 'membership', ['cite_id', 'role'], unique=False, postgresql_where=sa.text('ended_on is null'))
    op.create_index('ix_membership_organisation_id', 'membership', ['organisation_id'], unique=False)
    op.create_index('ix_membership_user_id', 'membership', ['user_id'], unique=False)
    op.create_index('uq_membership_current', 'membership', ['user_id', 'organisation_id', 'cite_id', 'role'], unique=True, postgresql_where=sa.text('ended_on is null'))
    op.create_table('person',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('cite_id', sa.Uuid(), nullable=False),
    sa.Column('first_name', sa.Text(), nullable=False),
    sa.Column('last_name', sa.Text(), nullable=True),
    sa.Column('birth_name', sa.Text(), nullable=True),
    sa.Column('civility', sa.Text(), nullable=True),
    sa.Column('gender', sa.Text(), nullable=False),
    sa.Column('birth_date', sa.Date(), nullable=True),
    sa.Column('phone', sa.Text(), nullable=True),
    sa.Column('second_phone', sa.Text(), nullable=True),
    sa.Column('email', sa.Text(), nullable=True),
    sa.Column('reached_through', sa.Text(), nullable=True),
    sa.Column('preferred_channel', sa.Text(), nullable=True),
    sa.Column('language', sa.Text(), nullable=True),
    sa.Column('needs_interpreter', sa.Boolean(), nullable=False),
    sa.Column('address', sa.Text(), nullable=True),
    sa.Column('postcode', sa.Text(), nullable=True),
    sa.Column('commune', sa.Text(), nullable=True),
    sa.Column('longitude', sa.Double(), nullable=True),
    sa.Column('latitude', sa.Double(), nullable=True),
    sa.Column('qpv_answer', sa.Text(), nullable=False),
    sa.Column('qpv_id', sa.Uuid(), nullable=True),
    sa.Column('qpv_source', sa.Text(), nullable=True),
    sa.Column('qpv_checked_on', sa.Date(), nullable=True),
    sa.Column('qpv_confirmed_by_id', sa.Uuid(), nullable=True),
    sa.Column('created_by_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('search_name', sa.Text(), sa.Computed("app.fold(first_name || ' ' || coalesce(last_name, '') || ' ' || coalesce(birth_name, ''))", persisted=True), nullable=False),
    sa.Column('trigrams', pg.ARRAY(sa.Text()), sa.Computed("app.trigrams(first_name || ' ' || coalesce(last_name, '') || ' ' || coalesce(birth_name, ''))", persisted=True), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.ForeignKeyConstraint(['cite_id'], ['cite.id'], name='fk_person_cite_id_cite'),
    sa.ForeignKeyConstraint(['created_by_id'], ['user_account.id'], name='fk_person_created_by_id_user_account'),
    sa.ForeignKeyConstraint(['qpv_confirmed_by_id'], ['user_account.id'], name='fk_person_qpv_confirmed_by_id_user_account'),
    sa.ForeignKeyConstraint(['qpv_id'], ['qpv.id'], name='fk_person_qpv_id_qpv'),
    sa.PrimaryKeyConstraint('id', name='pk_person'),
    sa.UniqueConstraint('id', 'cite_id', name='uq_person_id_cite_id')
    )
    op.create_index('ix_person_birth_date', 'person', ['cite_id', 'birth_date'], unique=False, postgresql_where=sa.text('birth_date is not null'))
    op.create_index('ix_person_cite_name', 'person', ['cite_id', 'search_name'], unique=False)
    op.create_index('ix_person_email', 'person', ['cite_id', 'email'], unique=False, postgresql_where=sa.text('email is not null'))
    op.create_index('ix_person_phone', 'person', ['cite_id', 'phone'], unique=False, postgresql_where=sa.text('phone is not null'))
    op.create_index('ix_person_second_phone', 'person', ['cite_id', 'second_phone'], unique=False, postgresql_where=sa.text('second_phone is not null'))
    op.create_index('ix_person_trigrams', 'person', ['trigrams'], unique=False, postgresql_using='gin')
    op.create_table('programme_year',
    sa.Column('cite_id', sa.Uuid(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('envelope_euros', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['cite_id'], ['cite.id'], name='fk_programme_year_cite_id_cite'),
    sa.PrimaryKeyConstraint('cite_id', 'year', name='pk_programme_year')
    )
    op.create_table('parcours',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('cite_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('spotted_on', sa.Date(), nullable=False),
    sa.Column('contacted_on', sa.Date(), nullable=True),
    sa.Column('met_on', sa.Date(), nullable=True),
    sa.Column('diagnosed_on', sa.Date(), nullable=True),
    sa.Column('started_on', sa.Date(), nullable=True),
    sa.Column('ended_on', sa.Date(), nullable=True),
    sa.Column('end_reason', sa.Text(), nullable=True),
    sa.Column('entry_gender', sa.Text(), nullable=True),
    sa.Column('entry_age', sa.Integer(), nullable=True),
    sa.Column('entry_in_qpv', sa.Boolean(), nullable=True),
    sa.Column('last_contact_on', sa.Date(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.ForeignKeyConstraint(['cite_id'], ['cite.id'], name='fk_parcours_cite_id_cite'),
    sa.ForeignKeyConstraint(['person_id', 'cite_id'], ['person.id', 'person.cite_id'], name='fk_parcours_person_id_cite_id_person'),
    sa.PrimaryKeyConstraint('id', name='pk_parcours'),
    sa.UniqueConstraint('id', 'person_id', 'cite_id', name='uq_parcours_id_person_id_cite_id')
    )
    op.create_index('ix_parcours_cite_status', 'parcours', ['cite_id', 'status'], unique=False)
    op.create_index('ix_parcours_person', 'parcours', ['person_id'], unique=False)
    op.create_index('uq_parcours_open', 'parcours', ['person_id', 'cite_id'], unique=True, postgresql_where=sa.text("status not in ('sorti', 'non_entree')"))
    op.create_table('sign_in_session',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('token_hash', sa.Text(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('membership_id', sa.Uuid(), nullable=True),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('device', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['membership_id'], ['membership.id'], name='fk_sign_in_session_membership_id_membership'),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name='fk_sign_in_session_user_id_user_account'),
    sa.PrimaryKeyConstraint('id', name='pk_sign_in_session'),
    sa.UniqueConstraint('token_hash', name='uq_sign_in_session_token_hash')
    )
    op.create_index('ix_sign_in_session_user_id', 'sign_in_session', ['user_id'], unique=False)
    op.create_table('assignment',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('cite_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('parcours_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('referent_id', sa.Uuid(), nullable=True),
    sa.Column('organisation_id', sa.Uuid(), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('end_reason', sa.Text(), nullable=True),
    sa.Column('batch_id', sa.Uuid(), nullable=True),
    sa.Column('assigned_by_id', sa.Uuid(), nullable=True),
    sa.Column('ended_by_id', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['assigned_by_id'], ['user_account.id'], name='fk_assignment_assigned_by_id_user_account'),
    sa.ForeignKeyConstraint(['cite_id'], ['cite.id'], name='fk_assignment_cite_id_cite'),
    sa.ForeignKeyConstraint(['ended_by_id'], ['user_account.id'], name='fk_assignment_ended_by_id_user_account'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name='fk_assignment_organisation_id_organisation'),
    sa.ForeignKeyConstraint(['parcours_id', 'person_id', 'cite_id'], ['parcours.id', 'parcours.person_id', 'parcours.cite_id'], name='fk_assignment_parcours_id_person_id_cite_id_parcours'),
    sa.ForeignKeyConstraint(['referent_id'], ['user_account.id'], name='fk_assignment_referent_id_user_account'),
    sa.PrimaryKeyConstraint('id', name='pk_assignment')
    )
    op.create_index('ix_assignment_batch_id', 'assignment', ['batch_id'], unique=False)
    op.create_index('ix_assignment_parcours', 'assignment', ['parcours_id'], unique=False)
    op.create_index('ix_assignment_referent_current', 'assignment', ['referent_id'], unique=False, postgresql_where=sa.text('ended_at is null'))
    op.create_index('uq_assignment_current', 'assignment', ['parcours_id'], unique=True, postgresql_where=sa.text("kind = 'referent' and ended_at is null"))
    op.create_table('interview',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('cite_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('parcours_id', sa.Uuid(), nullable=False),
    sa.Column('author_id', sa.Uuid(), nullable=False),
    sa.Column('held_on', sa.Date(), nullable=False),
    sa.Column('mode', sa.Text(), nullable=False),
    sa.Column('duration', sa.Integer(), nullable=True),
    sa.Column('reached', sa.Boolean(), nullable=False),
    sa.Column('synthesis', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.ForeignKeyConstraint(['author_id'], ['user_account.id'], name='fk_interview_author_id_user_account'),
    sa.ForeignKeyConstraint(['cite_id'], ['cite.id'], name='fk_interview_cite_id_cite'),
    sa.ForeignKeyConstraint(['parcours_id', 'person_id', 'cite_id'], ['parcours.id', 'parcours.person_id', 'parcours.cite_id'], name='fk_interview_parcours_id_person_id_cite_id_parcours'),
    sa.PrimaryKeyConstraint('id', name='pk_interview'),
    sa.UniqueConstraint('id', 'person_id', 'cite_id', name='uq_interview_id_person_id_cite_id')
    )
    op.create_index('ix_interview_author_id', 'interview', ['author_id'], unique=False)
    op.create_index('ix_interview_cite_held', 'interview', ['cite_id', 'held_on'], unique=False)
    op.create_index('ix_interview_parcours_held', 'interview', ['parcours_id', 'held_on'], unique=False)
    op.create_index('ix_interview_person_held', 'interview', ['person_id', sa.literal_column('held_on desc'), sa.literal_column('created_at desc')], unique=False)
    op.create_table('parcours_transition',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('cite_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('parcours_id', sa.Uuid(), nullable=False),
    sa.Column('event', sa.Text(), nullable=False),
    sa.Column('from_status', sa.Text(), nullable=False),
    sa.Column('to_status', sa.Text(), nullable=False),
    sa.Column('happened_on', sa.Date(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('recorded_by_id', sa.Uuid(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['cite_id'], ['cite.id'], name='fk_parcours_transition_cite_id_cite'),
    sa.ForeignKeyConstraint(['parcours_id', 'person_id', 'cite_id'], ['parcours.id', 'parcours.person_id', 'parcours.cite_id'], name='fk_parcours_transition_parcours_id_person_id_cite_id_parcours'),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['user_account.id'], name='fk_parcours_transition_recorded_by_id_user_account'),
    sa.PrimaryKeyConstraint('id', name='pk_parcours_transition')
    )
    op.create_index('ix_parcours_transition_parcours_id', 'parcours_transition', ['parcours_id'], unique=False)
    op.create_table('reminder',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('cite_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('parcours_id', sa.Uuid(), nullable=False),
    sa.Column('rule', sa.Text(), nullable=False),
    sa.Column('subject_id', sa.Uuid(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('recipient_id', sa.Uuid(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('letter_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cancelled_because', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['cite_id'], ['cite.id'], name='fk_reminder_cite_id_cite'),
    sa.ForeignKeyConstraint(['parcours_id', 'person_id', 'cite_id'], ['parcours.id', 'parcours.person_id', 'parcours.cite_id'], name='fk_reminder_parcours_id_person_id_cite_id_parcours'),
    sa.ForeignKeyConstraint(['recipient_id'], ['user_account.id'], name='fk_reminder_recipient_id_user_account'),
    sa.PrimaryKeyConstraint('id', name='pk_reminder'),
    sa.UniqueConstraint('rule', 'subject_id', 'due_on', 'recipient_id', 'channel', name='uq_reminder_rule_subject_id_due_on_recipient_id_channel')
    )
    op.create_index('ix_reminder_letter_id', 'reminder', ['letter_id'], unique=False)
    op.create_index('ix_reminder_person', 'reminder', ['person_id'], unique=False)
    op.create_index('ix_reminder_unsettled', 'reminder', ['recipient_id'], unique=False, postgresql_where=sa.text("state in ('waiting', 'sending')"))
    op.create_table('spotting',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('cite_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('parcours_id', sa.Uuid(), nullable=False),
    sa.Column('spotted_on', sa.Date(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('place', sa.Text(), nullable=True),
    sa.Column('first_need', sa.Text(), nullable=True),
    sa.Column('agreed_to_be_contacted', sa.Boolean(), nullable=False),
    sa.Column('was_informed', sa.Boolean(), nullable=False),
    sa.Column('spotted_by_id', sa.Uuid(), nullable=True),
    sa.Column('organisation_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['cite_id'], ['cite.id'], name='fk_spotting_cite_id_cite'),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name='fk_spotting_organisation_id_organisation'),
    sa.ForeignKeyConstraint(['parcours_id', 'person_id', 'cite_id'], ['parcours.id', 'parcours.person_id', 'parcours.cite_id'], name='fk_spotting_parcours_id_person_id_cite_id_parcours'),
    sa.ForeignKeyConstraint(['spotted_by_id'], ['user_account.id'], name='fk_spotting_spotted_by_id_user_account'),
    sa.PrimaryKeyConstraint('id', name='pk_spotting')
    )
    op.create_index('ix_spotting_cite_on', 'spotting', ['cite_id', 'spotted_on'], unique=False)
    op.create_index('ix_spotting_parcours_id', 'spotting', ['parcours_id'], unique=False)
    op.create_index('ix_spotting_spotted_by_id', 'spotting', ['spotted_by_id'], unique=False)
    op.create_table('interview_version',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('cite_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('interview_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('held_on', sa.Date(), nullable=False),
    sa.Column('mode', sa.Text(), nullable=False),
    sa.Column('duration', sa.Integer(), nullable=True),
    sa.Column('reached', sa.Boolean(), nullable=False),
    sa.Column('synthesis', sa.Text(), nullable=False),
    sa.Column('replaced_by_id', sa.Uuid(), nullable=False),
    sa.Column('replaced_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['cite_id'], ['cite.id'], name='fk_interview_version_cite_id_cite'),
    sa.ForeignKeyConstraint(['interview_id', 'person_id', 'cite_id'], ['interview.id', 'interview.person_id', 'interview.cite_id'], name='fk_interview_version_interview_id_person_id_cite_id_interview'),
    sa.ForeignKeyConstraint(['replaced_by_id'], ['user_account.id'], name='fk_interview_version_replaced_by_id_user_account'),
    sa.PrimaryKeyConstraint('id', name='pk_interview_version'),
    sa.UniqueConstraint('interview_id', 'number', name='uq_interview_version_interview_id_number')
    )
    op.create_table('next_step',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('cite_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('parcours_id', sa.Uuid(), nullable=False),
    sa.Column('interview_id', sa.Uuid(), nullable=True),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('result', sa.Text(), nullable=True),
    sa.Column('created_by_id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('settled_by_id', sa.Uuid(), nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.ForeignKeyConstraint(['cite_id'], ['cite.id'], name='fk_next_step_cite_id_cite'),
    sa.ForeignKeyConstraint(['created_by_id'], ['user_account.id'], name='fk_next_step_created_by_id_user_account'),
    sa.ForeignKeyConstraint(['interview_id'], ['interview.id'], name='fk_next_step_interview_id_interview'),
    sa.ForeignKeyConstraint(['parcours_id', 'person_id', 'cite_id'], ['parcours.id', 'parcours.person_id', 'parcours.cite_id'], name='fk_next_step_parcours_id_person_id_cite_id_parcours'),
    sa.ForeignKeyConstraint(['settled_by_id'], ['user_account.id'], name='fk_next_step_settled_by_id_user_account'),
    sa.PrimaryKeyConstraint('id', name='pk_next_step')
    )
    op.create_index('ix_next_step_due', 'next_step', ['due_on'], unique=False, postgresql_where=sa.text("state = 'todo'"))
    op.create_index('ix_next_step_interview_id', 'next_step', ['interview_id'], unique=False)
    op.create_index('ix_next_step_person', 'next_step', ['person_id'], unique=False)
    op.create_index('ix_next_step_todo', 'next_step', ['parcours_id', 'due_on'], unique=False, postgresql_where=sa.text("state = 'todo'"))
    op.create_table('private_note',
    sa.Column('interview_id', sa.Uuid(), nullable=False),
    sa.Column('author_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('cite_id', sa.Uuid(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.ForeignKeyConstraint(['author_id'], ['user_account.id'], name='fk_private_note_author_id_user_account'),
    sa.ForeignKeyConstraint(['cite_id'], ['cite.id'], name='fk_private_note_cite_id_cite'),
    sa.ForeignKeyConstraint(['interview_id', 'person_id', 'cite_id'], ['interview.id', 'interview.person_id', 'interview.cite_id'], name='fk_private_note_interview_id_person_id_cite_id_interview'),
    sa.PrimaryKeyConstraint('interview_id', 'author_id', name='pk_private_note')
    )
    op.create_index('ix_private_note_person', 'private_note', ['person_id', 'author_id'], unique=False)


def downgrade() -> None:
    for table in (
        "private_note",
        "next_step",
        "interview_version",
        "spotting",
        "reminder",
        "parcours_transition",
        "interview",
        "assignment",
        "sign_in_session",
        "parcours",
        "programme_year",
        "person",
        "membership",
        "collective_member",
        "cite_qpv",
        "cite_commune",
        "activity_report",
        "qpv_commune",
        "draft",
        "cite",
        "account_link",
        "user_account",
        "qpv",
        "outgoing",
        "organisation",
        "heartbeat",
    ):
        op.drop_table(table)
