"""Ways to the secrets of professionals that need no reading of them; 0018 shuts the old way.

Two steps, so that hosts of the version before go on serving between them: this one only adds.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = depends_on = None

WAYS = r"""
create function app.presented() returns text language sql stable parallel safe
  return nullif(current_setting('cityjobs.presented', true), '');
comment on function app.presented is
  'What a visitor presented in this transaction: the hash of their session''s token, or the identifier of a link.';

create function app.password_hash_of(address text) returns text language sql stable security definer
  set search_path = pg_catalog, public as $$
  select password_hash from user_account
  where email = address and disabled_at is null and (app.user_id() is null or id = app.user_id())
$$;
comment on function app.password_hash_of is
  'What a password is compared with, one address at a time: for whoever is not signed in yet, or for oneself.';

create function app.shut_doors(account uuid) returns void language sql security definer
  set search_path = pg_catalog, public as $$
  update sign_in_session set revoked_at = clock_timestamp()
  where user_id = shut_doors.account and revoked_at is null
    and exists (select from user_account u where u.id = shut_doors.account and u.disabled_at is not null);
  update account_link set used_at = clock_timestamp()
  where user_id = shut_doors.account and used_at is null
    and exists (select from user_account u where u.id = shut_doors.account and u.disabled_at is not null)
$$;
comment on function app.shut_doors is 'Ends the sessions and links of an account that is disabled, and of no other.';

revoke execute on function app.presented, app.password_hash_of, app.shut_doors from public;
grant execute on function app.presented, app.password_hash_of to cityjobs_web, cityjobs_worker;
grant execute on function app.shut_doors to cityjobs_web;
"""


def upgrade() -> None:
    # in service: user_account is written anew for this column, some 5 000 lines
    op.add_column(
        "user_account",
        sa.Column(
            "has_password", sa.Boolean(), sa.Computed("password_hash is not null", persisted=True), nullable=False
        ),
    )
    op.execute(WAYS)


def downgrade() -> None:
    op.execute("drop function app.shut_doors, app.password_hash_of, app.presented")
    op.drop_column("user_account", "has_password")
