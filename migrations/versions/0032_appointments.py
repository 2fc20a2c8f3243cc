"""A thing to do may be an appointment: at an hour, in a place."""

from alembic import op

revision = "0032"
down_revision = "0031"

FORWARD = """
alter table next_step
  add column due_at time,
  add column place text;
alter table next_step add constraint ck_next_step_place
  check (place is null or (due_at is not null and length(place) between 1 and 200)) not valid;
alter table next_step validate constraint ck_next_step_place;
comment on column next_step.due_at is 'The hour in Paris, when it is an appointment.';
grant update (due_at) on next_step to cityjobs_web;
"""

def upgrade() -> None:
    """Two columns, empty."""
    op.execute(FORWARD)


def downgrade() -> None:
    """Without them."""
    op.execute("alter table next_step drop constraint ck_next_step_place, drop column place, drop column due_at")
