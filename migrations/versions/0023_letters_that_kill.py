"""Count apart the workers that died while sending a letter: a mail server away is no reason to give it up."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = depends_on = None


def upgrade() -> None:
    op.execute("alter table outgoing add column deaths integer not null default 0")


def downgrade() -> None:
    op.execute("alter table outgoing drop column deaths")
