"""Sessions and links are seen by their holder or by whoever presents them; hashes of passwords by no query at all.

To be run once every host runs a version that presents what it holds (0017).
An administrator changes accounts of those who work or worked in their Cité, and there only what shuts or opens them.
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = depends_on = None

MINE = "user_id = (select app.user_id())"
ADMINISTERS = "(select app.role()) = 'administrator'"
COLLEAGUE = (
    "exists (select from membership m where m.user_id = {account} and m.cite_id = (select app.cite_id()))"
)
INVITES = f"{ADMINISTERS} and purpose = 'invitation' and {COLLEAGUE.format(account='account_link.user_id')}"
PRESENTED = {
    "sign_in_session": "token_hash = (select app.presented())",
    "account_link": "id::text = (select app.presented())",
}

POLICIES = f"""
create policy web_sees on sign_in_session for select to cityjobs_web using ({MINE} or {PRESENTED["sign_in_session"]});
create policy web_adds on sign_in_session for insert to cityjobs_web with check ({MINE});
create policy web_changes on sign_in_session for update to cityjobs_web
  using ({MINE} or {PRESENTED["sign_in_session"]}) with check ({MINE} or {PRESENTED["sign_in_session"]});

create policy web_sees on account_link for select to cityjobs_web
  using ({MINE} or {PRESENTED["account_link"]} or ({INVITES}));
create policy web_adds on account_link for insert to cityjobs_web with check ({INVITES} and used_at is null);
create policy web_changes on account_link for update to cityjobs_web
  using ({MINE} or ({INVITES})) with check (used_at is not null and ({MINE} or ({INVITES})));

-- in service: user_account is asked for its secrets by 0017's functions once every web host is renewed; this is the second step
revoke select, update on user_account from cityjobs_web;
grant select (id, email, first_name, last_name, phone, disabled_at, created_at, version, has_password) on user_account
  to cityjobs_web;
grant update (password_hash, disabled_at, version) on user_account to cityjobs_web;
"""

OWN_ACCOUNT = "id = (select app.user_id())"
HELD = f"({ADMINISTERS} and {COLLEAGUE.format(account='user_account.id')})"
SHUT = "(password_hash is null or disabled_at is not null)"


def upgrade() -> None:
    for table in PRESENTED:
        op.execute(f"alter table {table} enable row level security, force row level security")
        op.execute(f"create policy owner_all on {table} to cityjobs_owner using (true) with check (true)")
        op.execute(f"create policy worker_all on {table} to cityjobs_worker using (true) with check (true)")
    op.execute(POLICIES)
    op.execute(
        f"alter policy web_changes on user_account using ({OWN_ACCOUNT} or {HELD})"
        f" with check ({OWN_ACCOUNT} or ({HELD} and {SHUT}))"
    )


def downgrade() -> None:
    for table in PRESENTED:
        for policy in ("owner_all", "worker_all", "web_sees", "web_adds", "web_changes"):
            op.execute(f"drop policy {policy} on {table}")
        op.execute(f"alter table {table} no force row level security, disable row level security")
    op.execute("grant select on user_account to cityjobs_web")
    op.execute("grant update (email, first_name, last_name, phone) on user_account to cityjobs_web")
    op.execute(
        f"alter policy web_changes on user_account using ({OWN_ACCOUNT} or {ADMINISTERS})"
        f" with check ({OWN_ACCOUNT} or ({ADMINISTERS} and {SHUT}))"
    )
