"""Exits are found by their day, as what is asked after them is recalled every morning for the whole country."""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = depends_on = None


def upgrade() -> None:
    """Two indexes: by the day of the exit, and of who came back after it."""
    # in service: some 250 000 parcours in the whole country; indexing those that ended takes less than a second
    op.execute("create index ix_parcours_exit_day on parcours (ended_on) where status = 'sorti'")
    op.execute(
        "create index ix_parcours_reopened_from on parcours (reopened_from_id) where reopened_from_id is not null"
    )


def downgrade() -> None:
    """Without them."""
    op.execute("drop index ix_parcours_exit_day, ix_parcours_reopened_from")
