"""Runs the migrations as the owner of the tables, each in its transaction, without waiting for ever on a lock."""

from importlib import import_module

import sqlalchemy as sa
from alembic import context
from flask import current_app

import cityjobs.core.outbox  # noqa: F401 - a table of the frame
from cityjobs.core.db import Model

ROOMS = (
    "territory",
    "accounts",
    "vocabulary",
    "people",
    "parcours",
    "diagnosis",
    "plans",
    "followups",
    "reminders",
    "reporting",
)
for room in ROOMS:
    import_module(f"cityjobs.{room}.models")


def ours(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "schema" or name in (None, "public")


def run() -> None:
    owner = sa.create_engine(
        current_app.config["OWNER_DATABASE_URI"], poolclass=sa.NullPool, hide_parameters=True
    )
    with owner.connect() as connection:
        connection.execute(sa.text("set lock_timeout = '5s'"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Model.metadata,
            include_name=ours,
            compare_type=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
