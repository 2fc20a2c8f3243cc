"""Accounts, memberships, sessions on the server, single-use links."""

import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cityjobs.accounts.rules import LinkPurpose
from cityjobs.core.db import Model, Versioned, created, key
from cityjobs.core.permissions import Role
from cityjobs.territory.models import Cite, Organisation


class User(Versioned, Model):
    """A professional's account. `email` is in lower case; without a password the account was never opened.

    Pages may write `password_hash` and never read it: `queries.find_password_hash`.
    """

    __tablename__ = "user_account"
    id: Mapped[key]
    email: Mapped[str] = mapped_column(unique=True)
    first_name: Mapped[str]
    last_name: Mapped[str]
    password_hash: Mapped[str | None] = mapped_column(deferred=True)
    has_password: Mapped[bool] = mapped_column(sa.Computed("password_hash is not null", persisted=True))
    phone: Mapped[str | None]
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[created]

    @property
    def display_name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


class Membership(Model):
    """As what somebody works in a Cité, for which organisation; `capacity` overrides the Cité's."""

    __tablename__ = "membership"
    id: Mapped[key]
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(User.id), index=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Organisation.id), index=True)
    cite_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Cite.id))
    role: Mapped[Role] = mapped_column(sa.Text)
    capacity: Mapped[int | None]
    started_on: Mapped[date]
    ended_on: Mapped[date | None]
    user: Mapped[User] = relationship()
    organisation: Mapped[Organisation] = relationship()
    cite: Mapped[Cite] = relationship()

    __table_args__ = (
        sa.Index(
            "uq_membership_current",
            "user_id",
            "organisation_id",
            "cite_id",
            "role",
            unique=True,
            postgresql_where=sa.text("ended_on is null"),
        ),
        sa.Index("ix_membership_cite_role", "cite_id", "role", postgresql_where=sa.text("ended_on is null")),
    )


class SignInSession(Model):
    """An open session, known by the hash of an opaque token; it can be listed and revoked."""

    __tablename__ = "sign_in_session"
    id: Mapped[key]
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(User.id), index=True)
    membership_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(Membership.id))
    opened_at: Mapped[created]
    last_seen_at: Mapped[created]
    revoked_at: Mapped[datetime | None]
    device: Mapped[str]


class AccountLink(Model):
    """A single-use link: an invitation or a reset. The link itself is signed; only its use is kept."""

    __tablename__ = "account_link"
    id: Mapped[key]
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(User.id), index=True)
    purpose: Mapped[LinkPurpose] = mapped_column(sa.Text)
    created_at: Mapped[created]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Draft(Model):
    """What somebody is typing in one form, kept until the form is accepted; readable by its author only."""

    __tablename__ = "draft"
    author_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(User.id), primary_key=True)
    form: Mapped[str] = mapped_column(primary_key=True)
    fields: Mapped[dict[str, Any]] = mapped_column(pg.JSONB)
    saved_at: Mapped[created]
