"""Nobody seconds the same référent twice; the ledger is read by Cité and state."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = depends_on = None


def upgrade() -> None:
    op.create_index(
        "uq_assignment_co_referent_current",
        "assignment",
        ["parcours_id", "referent_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'co_referent' and ended_at is null"),
    )
    op.create_index("ix_reminder_cite_state", "reminder", ["cite_id", "state", "rule"])


def downgrade() -> None:
    op.drop_index("ix_reminder_cite_state", "reminder")
    op.drop_index("uq_assignment_co_referent_current", "assignment")
