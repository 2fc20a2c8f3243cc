"""Writes about accounts: opening and closing sessions, links, passwords, drafts."""

import secrets
import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.dialects import postgresql as pg

from cityjobs.accounts.models import Draft, Membership, SignInSession, User
from cityjobs.accounts.queries import is_current, token_hash
from cityjobs.core.clock import now
from cityjobs.core.db import db

hasher = PasswordHasher()
_NOBODYS_HASH = hasher.hash(secrets.token_urlsafe(16))


def check_password(user: User | None, password: str) -> bool:
    """Whether the password opens the account; takes as long when there is no such account."""
    try:
        hasher.verify((user.password_hash if user else None) or _NOBODYS_HASH, password)
    except (VerificationError, InvalidHashError):
        return False
    return user is not None and user.password_hash is not None and user.disabled_at is None


def open_session(user: User, device: str) -> str:
    """Open a session in the most recently used membership; returns the opaque token for the cookie."""
    token = secrets.token_urlsafe(32)
    last_used = (
        sa.select(SignInSession.membership_id, sa.func.max(SignInSession.last_seen_at).label("at"))
        .where(SignInSession.user_id == user.id).group_by(SignInSession.membership_id).subquery()
    )
    membership_id = db.session.scalar(
        sa.select(Membership.id)
        .outerjoin(last_used, last_used.c.membership_id == Membership.id)
        .where(Membership.user_id == user.id, is_current())
        .order_by(last_used.c.at.desc().nulls_last(), Membership.started_on, Membership.id)
        .limit(1)
    )
    db.session.add(
        SignInSession(
            token_hash=token_hash(token), user_id=user.id, membership_id=membership_id,
            opened_at=now(), last_seen_at=now(), device=device[:200],
        )
    )
    return token


def close_session(session_id: uuid.UUID, owner_id: uuid.UUID) -> bool:
    """Revoke one session of its owner; False when there is no such open session."""
    closed = db.session.execute(
        sa.update(SignInSession)
        .where(SignInSession.id == session_id, SignInSession.user_id == owner_id, SignInSession.revoked_at.is_(None))
        .values(revoked_at=now())
    )
    return bool(closed.rowcount)  # type: ignore[attr-defined]


def close_all_sessions(user_id: uuid.UUID) -> int:
    """Sign out everywhere; returns how many sessions were open."""
    closed = db.session.execute(
        sa.update(SignInSession)
        .where(SignInSession.user_id == user_id, SignInSession.revoked_at.is_(None))
        .values(revoked_at=now())
    )
    return int(closed.rowcount)  # type: ignore[attr-defined]


def note_presence(session_id: uuid.UUID) -> None:
    """Push back the idle lock."""
    db.session.execute(sa.update(SignInSession).where(SignInSession.id == session_id).values(last_seen_at=now()))


def choose_membership(session_id: uuid.UUID, user_id: uuid.UUID, membership_id: uuid.UUID) -> bool:
    """Work in another Cité or role from now on; False when it is not a current membership of this user."""
    theirs = sa.select(Membership.id).where(Membership.id == membership_id, Membership.user_id == user_id, is_current())
    if db.session.scalar(theirs) is None:
        return False
    db.session.execute(
        sa.update(SignInSession).where(SignInSession.id == session_id).values(membership_id=membership_id)
    )
    return True


def keep_draft(author_id: uuid.UUID, form: str, fields: dict[str, Any]) -> datetime:
    """Write or replace the draft of one form; returns the instant at which it was saved."""
    saved_at = now()
    row = pg.insert(Draft).values(author_id=author_id, form=form, fields=fields, saved_at=saved_at)
    db.session.execute(
        row.on_conflict_do_update(index_elements=[Draft.author_id, Draft.form], set_={"fields": fields, "saved_at": saved_at})
    )
    return saved_at


def forget_draft(author_id: uuid.UUID, form: str) -> None:
    """Drop the draft: the form was accepted, or its author said so."""
    db.session.execute(sa.delete(Draft).where(Draft.author_id == author_id, Draft.form == form))
