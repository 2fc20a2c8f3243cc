"""Figures read the assignments of one Cité, and no longer those of the whole country."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = depends_on = None


def upgrade() -> None:
    # in service: assignment holds some 300 000 lines for the whole country; indexing them takes less than a second
    op.create_index("ix_assignment_cite", "assignment", ["cite_id", "kind", "parcours_id"])


def downgrade() -> None:
    op.drop_index("ix_assignment_cite", "assignment")
