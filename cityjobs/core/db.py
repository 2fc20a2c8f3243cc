"""One database, one session per request or task, one transaction, and who the database believes is asking."""

import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, ClassVar

import sqlalchemy as sa
from flask import Flask, appcontext_pushed
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, SessionTransaction, declared_attr, mapped_column

from cityjobs.core.clock import now

log = logging.getLogger(__name__)

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

key = Annotated[uuid.UUID, mapped_column(primary_key=True, default=uuid.uuid4)]
created = Annotated[datetime, mapped_column(default=now)]


class Model(DeclarativeBase):
    """A table. Nothing is read back after an insert: a writer may create rows it may not see."""

    metadata = sa.MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: sa.DateTime(timezone=True),
        date: sa.Date(),
        str: sa.Text(),
    }
    __mapper_args__: ClassVar[dict[str, Any]] = {"eager_defaults": False}  # type: ignore[misc]


class Versioned:
    """An editable aggregate: two overlapping edits cannot both be saved."""

    version: Mapped[int] = mapped_column(server_default="1")

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        """SQLAlchemy raises StaleDataError when the row changed under an update."""
        return {"version_id_col": cls.version, "eager_defaults": False}


db = SQLAlchemy(
    metadata=Model.metadata,
    disable_autonaming=True,
    session_options={"join_transaction_mode": "create_savepoint"},
)


@dataclass(frozen=True)
class Actor:
    """Who asks, as what, and in which Cité; the row policies answer from these three."""

    user_id: uuid.UUID | None
    role: str
    cite_id: uuid.UUID | None = None


NOBODY = Actor(None, "nobody")
SYSTEM = Actor(None, "system")

TELL = sa.text(
    "select set_config('cityjobs.user_id', :user_id, true), set_config('cityjobs.role', :role, true),"
    " set_config('cityjobs.cite_id', :cite_id, true), set_config('cityjobs.request_id', :request_id, true),"
    " set_config('cityjobs.presented', :presented, true)"
)


def act_as(actor: Actor, request_id: str | None = None) -> None:
    """Name who the database should believe is asking, now and in each later transaction of this session."""
    session = db.session()
    session.info["actor"] = actor
    if request_id is not None:
        session.info["request_id"] = request_id
    if session.in_transaction():
        _tell(session, session.connection())


def present(secret: str) -> None:
    """Show the database what a visitor holds, the hash of a token or a link: its row can then be seen, and no other."""
    session = db.session()
    session.info["presented"] = secret
    if session.in_transaction():
        _tell(session, session.connection())


def acting() -> Actor:
    """Who the database believes is asking."""
    actor: Actor = db.session().info.get("actor", NOBODY)
    return actor


ME = sa.bindparam("me", callable_=lambda: acting().user_id, type_=sa.Uuid())
"""Whoever asks, in a statement built once for all: putting one together takes longer than sending it."""

HERE = sa.bindparam("here", callable_=lambda: acting().cite_id, type_=sa.Uuid())
"""The Cité being worked in, in a statement built once for all."""


ON = sa.bindparam("on", type_=sa.Date())
"""The day a question is asked for, in a statement built once for all."""

Day = date | sa.ColumnElement[date]
"""A day, or what stands for one in a statement."""

Who = uuid.UUID | sa.ColumnElement[uuid.UUID]
"""A professional, or what stands for one in a statement."""


def as_day(on: Day) -> sa.ColumnElement[date]:
    """A day that a statement can count from."""
    return sa.literal(on, sa.Date()) if isinstance(on, date) else on


def _tell(session: Session, connection: sa.Connection) -> None:
    actor: Actor = session.info.get("actor", NOBODY)
    connection.execute(
        TELL,
        {
            "user_id": str(actor.user_id or ""),
            "role": actor.role,
            "cite_id": str(actor.cite_id or ""),
            "request_id": session.info.get("request_id", ""),
            "presented": session.info.get("presented", ""),
        },
    )


@event.listens_for(Session, "after_begin")
def _tell_each_transaction(session: Session, tx: SessionTransaction, connection: sa.Connection) -> None:
    if not tx.nested:
        _tell(session, connection)


def constraint_of(failure: sa.exc.DBAPIError) -> str | None:
    """The name of the constraint that the database refused to break; None for any other failure."""
    return getattr(getattr(failure.orig, "diag", None), "constraint_name", None)


def after_commit(callback: Callable[[], object]) -> None:
    """Run a callback once the present transaction has been committed, and never if it is not."""
    db.session().info.setdefault("after_commit", []).append(callback)


@contextmanager
def transaction() -> Iterator[Session]:
    """One unit of work outside a request: committed at the end, rolled back on any exception."""
    session = db.session()
    try:
        yield session
        commit()
    except BaseException:
        rollback()
        raise


def commit() -> None:
    """Commit, then run what waited for it. For the frame alone: business code never commits."""
    session = db.session()
    session.commit()
    for callback in session.info.pop("after_commit", []):
        try:
            callback()
        except Exception as failure:  # the work is saved; the sweep picks up what the broker missed
            log.warning("after_commit_failed", extra={"failure": type(failure).__name__})


def rollback() -> None:
    """Undo everything since the last commit and forget what waited for one."""
    session = db.session()
    session.rollback()
    session.info.pop("after_commit", None)


def init_app(app: Flask) -> None:
    """Attach the database; what a failing statement held is never repeated in a message."""
    app.config.setdefault("SQLALCHEMY_ENGINE_OPTIONS", {})
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        **app.config["SQLALCHEMY_ENGINE_OPTIONS"],
        "hide_parameters": True,
    }
    db.init_app(app)
    appcontext_pushed.connect(_begin_with_nobody, app)


def _begin_with_nobody(_app: Flask) -> None:
    """Drop the session of a context that is gone: when closing it failed, it waits under an address that is used again."""
    db.session.registry.clear()
