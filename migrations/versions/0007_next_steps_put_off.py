"""A next step remembers that it was put off; its author may drop a private note; silence is found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = depends_on = None


def upgrade() -> None:
    op.add_column("next_step", sa.Column("first_due_on", sa.Date(), nullable=True))
    op.add_column("next_step", sa.Column("postponed_from", sa.Date(), nullable=True))
    op.add_column("next_step", sa.Column("postponed_because", sa.Text(), nullable=True))
    op.add_column("next_step", sa.Column("postponed_times", sa.Integer(), server_default="0", nullable=False))
    op.execute(
        "alter table next_step add constraint ck_next_step_postponed"
        " check ((postponed_times = 0) = (postponed_from is null) and (postponed_from is null) = (first_due_on is null))"
    )
    op.execute(
        "grant update (first_due_on, postponed_from, postponed_because, postponed_times) on next_step to cityjobs_web"
    )
    op.execute("grant delete on private_note to cityjobs_web")
    op.execute(
        "create policy web_drops on private_note for delete to cityjobs_web using (author_id = (select app.user_id()))"
    )
    op.create_index(
        "ix_parcours_open_contact",
        "parcours",
        ["cite_id", "last_contact_on"],
        postgresql_where=sa.text("status not in ('non_entree', 'sorti')"),
    )


def downgrade() -> None:
    op.drop_index("ix_parcours_open_contact", "parcours")
    op.execute("drop policy web_drops on private_note")
    op.execute("revoke delete on private_note from cityjobs_web")
    op.execute("alter table next_step drop constraint ck_next_step_postponed")
    for column in ("postponed_times", "postponed_because", "postponed_from", "first_due_on"):
        op.drop_column("next_step", column)
