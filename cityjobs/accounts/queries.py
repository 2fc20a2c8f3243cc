"""Reads about accounts: whoever is signed in, their memberships, sessions and drafts."""

import hashlib
import uuid
from collections.abc import Sequence

import sqlalchemy as sa

from cityjobs.accounts.models import Draft, Membership, SignInSession, User
from cityjobs.accounts.rules import Professional
from cityjobs.core.clock import now, today
from cityjobs.core.db import db
from cityjobs.core.permissions import Role
from cityjobs.territory.models import Cite, Organisation


def token_hash(token: str) -> str:
    """What is kept of a session token."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_current(day: object = None) -> sa.ColumnElement[bool]:
    """Memberships that hold on a day, today by default."""
    on = day or today()
    return sa.and_(Membership.started_on <= on, sa.or_(Membership.ended_on.is_(None), Membership.ended_on > on))


def find_professional(token: str) -> Professional | None:
    """Whoever holds an open session, as what and where, in one query; None when revoked, over or disabled."""
    others = (
        sa.select(sa.func.count()).where(Membership.user_id == User.id, is_current()).correlate(User).scalar_subquery()
    )
    row = db.session.execute(
        sa.select(
            User.id, SignInSession.id.label("session_id"), User.email, User.first_name, User.last_name,
            SignInSession.last_seen_at, SignInSession.opened_at, Membership.id.label("membership_id"), Membership.role,
            Cite.id.label("cite_id"), Cite.name.label("cite_name"), Organisation.id.label("organisation_id"),
            Organisation.name.label("organisation_name"), others.label("memberships"),
        )
        .join(User, User.id == SignInSession.user_id)
        .outerjoin(Membership, sa.and_(Membership.id == SignInSession.membership_id, is_current()))
        .outerjoin(Cite, Cite.id == Membership.cite_id)
        .outerjoin(Organisation, Organisation.id == Membership.organisation_id)
        .where(
            SignInSession.token_hash == token_hash(token),
            SignInSession.revoked_at.is_(None),
            User.disabled_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        return None
    facts = dict(row._mapping)
    facts["role"] = Role(row.role) if row.role else None
    return Professional(**facts)


def find_user_by_email(email: str) -> User | None:
    """The account of an address, whatever its state."""
    return db.session.scalar(sa.select(User).where(User.email == email.strip().lower()))


def memberships_of(user_id: uuid.UUID) -> Sequence[sa.Row[tuple[uuid.UUID, str, str, str]]]:
    """Current memberships of somebody: id, role, Cité and organisation names, in a steady order."""
    return db.session.execute(
        sa.select(Membership.id, Membership.role, Cite.name.label("cite_name"), Organisation.name.label("organisation_name"))
        .join(Cite, Cite.id == Membership.cite_id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(Membership.user_id == user_id, is_current())
        .order_by(Cite.name, Membership.role, Organisation.name)
    ).all()


def open_sessions_of(user_id: uuid.UUID) -> Sequence[SignInSession]:
    """Sessions that are not closed, the most recent first."""
    return db.session.scalars(
        sa.select(SignInSession)
        .where(SignInSession.user_id == user_id, SignInSession.revoked_at.is_(None))
        .order_by(SignInSession.last_seen_at.desc())
    ).all()


def find_draft(author_id: uuid.UUID, form: str) -> Draft | None:
    """The draft of one form, if its author left one."""
    return db.session.get(Draft, (author_id, form))


def professionals_of(cite_id: uuid.UUID, role: Role) -> Sequence[sa.Row[tuple[uuid.UUID, str, uuid.UUID, str, int | None]]]:
    """Who works in a Cité in one role today: user id, name, organisation id and name, own capacity."""
    return db.session.execute(
        sa.select(
            User.id, (User.first_name + " " + User.last_name).label("name"), Organisation.id.label("organisation_id"),
            Organisation.name.label("organisation_name"), Membership.capacity,
        )
        .join(Membership, Membership.user_id == User.id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(Membership.cite_id == cite_id, Membership.role == role, is_current(), User.disabled_at.is_(None))
        .order_by(User.last_name, User.first_name)
    ).all()


def seconds_since_seen(professional: Professional) -> float:
    """How long ago the session was last used."""
    return (now() - professional.last_seen_at).total_seconds()
