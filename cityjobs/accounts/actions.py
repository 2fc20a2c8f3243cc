"""Writes about accounts: sessions, passwords, drafts; who is invited, to what, and when that ends."""

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app
from sqlalchemy.dialects import postgresql as pg

from cityjobs.accounts.links import key_of
from cityjobs.accounts.models import AccountLink, Draft, Membership, SignInSession, User
from cityjobs.accounts.queries import (
    find_password_hash,
    find_user_by_email,
    holds_role,
    is_current,
    token_hash,
)
from cityjobs.accounts.rules import INVITATION_LASTS, MOST_DRAFTS, RESET_LASTS, TRACES_LAST, LinkPurpose
from cityjobs.core import outbox
from cityjobs.core.clock import now, today
from cityjobs.core.db import db, present
from cityjobs.core.permissions import Role

hasher = PasswordHasher()
_NOBODYS_HASH = hasher.hash(secrets.token_urlsafe(16))
PRESENCE = timedelta(minutes=1)
"""How often a presence is written at most."""


# Passwords


def check_password(user: User | None, password: str) -> bool:
    """Whether the password opens the account; takes as long when there is no such account."""
    kept = find_password_hash(user.email if user else "")
    try:
        hasher.verify(kept or _NOBODYS_HASH, password)
    except (VerificationError, InvalidHashError):
        return False
    return user is not None and kept is not None and user.disabled_at is None


def choose_password(user: User, password: str) -> None:
    """Give an account the password that opens it from now on."""
    user.password_hash = hasher.hash(password)


# Sessions


def open_session(user: User, device: str) -> str:
    """Open a session in the most recently used membership; returns the opaque token for the cookie."""
    token = secrets.token_urlsafe(32)
    last_used = (
        sa.select(SignInSession.membership_id, sa.func.max(SignInSession.last_seen_at).label("at"))
        .where(SignInSession.user_id == user.id)
        .group_by(SignInSession.membership_id)
        .subquery()
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
            token_hash=token_hash(token),
            user_id=user.id,
            membership_id=membership_id,
            opened_at=now(),
            last_seen_at=now(),
            device=device[:200],
        )
    )
    return token


def close_session(session_id: uuid.UUID, owner_id: uuid.UUID) -> bool:
    """Revoke one session of its owner; False when there is no such open session."""
    closed = db.session.execute(
        sa.update(SignInSession)
        .where(
            SignInSession.id == session_id,
            SignInSession.user_id == owner_id,
            SignInSession.revoked_at.is_(None),
        )
        .values(revoked_at=now())
    )
    return bool(closed.rowcount)  # type: ignore[attr-defined]


def close_session_of_token(token: str) -> None:
    """Revoke the session that a cookie held, whoever it belongs to."""
    present(token_hash(token))
    db.session.execute(
        sa.update(SignInSession)
        .where(SignInSession.token_hash == token_hash(token), SignInSession.revoked_at.is_(None))
        .values(revoked_at=now())
    )


def close_all_sessions(user_id: uuid.UUID, *, but: uuid.UUID | None = None) -> int:
    """Sign somebody out everywhere, or everywhere but in one session; returns how many were open.

    Links sent before open nothing any more: whoever closes their sessions may have lost their mailbox too.
    """
    _spend_links(user_id)
    closed = db.session.execute(
        sa.update(SignInSession)
        .where(
            SignInSession.user_id == user_id,
            SignInSession.revoked_at.is_(None),
            SignInSession.id.is_distinct_from(but),
        )
        .values(revoked_at=now())
    )
    return int(closed.rowcount)  # type: ignore[attr-defined]


def note_presence(session_id: uuid.UUID) -> None:
    """Push back the idle lock; another request that is doing so is not waited for."""
    mine = sa.select(SignInSession.id).where(
        SignInSession.id == session_id, SignInSession.last_seen_at < now() - PRESENCE
    )
    db.session.execute(
        sa.update(SignInSession)
        .where(SignInSession.id.in_(mine.with_for_update(skip_locked=True)))
        .values(last_seen_at=now())
    )


def choose_membership(session_id: uuid.UUID, user_id: uuid.UUID, membership_id: uuid.UUID) -> bool:
    """Work in another Cité or role from now on; False when it is not a current membership of this user."""
    theirs = sa.select(Membership.id).where(
        Membership.id == membership_id, Membership.user_id == user_id, is_current()
    )
    if db.session.scalar(theirs) is None:
        return False
    db.session.execute(
        sa.update(SignInSession)
        .where(SignInSession.id == session_id, SignInSession.user_id == user_id)
        .values(membership_id=membership_id, last_seen_at=now())
    )
    return True


# Drafts


def keep_draft(author_id: uuid.UUID, form: str, fields: dict[str, Any]) -> datetime:
    """Write or replace the draft of one form; returns the instant at which it was saved.

    Beyond 200 drafts of one author, those saved first are dropped.
    """
    saved_at = now()
    row = pg.insert(Draft).values(author_id=author_id, form=form, fields=fields, saved_at=saved_at)
    db.session.execute(
        row.on_conflict_do_update(
            index_elements=[Draft.author_id, Draft.form], set_={"fields": fields, "saved_at": saved_at}
        )
    )
    theirs = (
        sa.select(Draft.form).where(Draft.author_id == author_id).order_by(Draft.saved_at.desc(), Draft.form)
    )
    db.session.execute(
        sa.delete(Draft)
        .where(Draft.author_id == author_id, Draft.form.in_(theirs.offset(MOST_DRAFTS)))
        .execution_options(synchronize_session=False)
    )
    return saved_at


def forget_draft(author_id: uuid.UUID, form: str) -> None:
    """Drop the draft: the form was accepted, or its author said so."""
    db.session.execute(sa.delete(Draft).where(Draft.author_id == author_id, Draft.form == form))


# Links


def create_link(user_id: uuid.UUID, purpose: LinkPurpose) -> AccountLink:
    """A single-use link: an invitation lasts seven days, a reset one hour."""
    lasts = INVITATION_LASTS if purpose is LinkPurpose.INVITATION else RESET_LASTS
    link = AccountLink(
        id=uuid.uuid4(), user_id=user_id, purpose=purpose, created_at=now(), expires_at=now() + lasts
    )
    db.session.add(link)
    return link


def use_link(link: AccountLink, password: str, device: str) -> str | None:
    """Open the account with the password chosen, close every other door, and open a session.

    Returns the token of the session; None when the link was used in the same instant.
    """
    used = db.session.execute(
        sa.update(AccountLink)
        .where(AccountLink.id == link.id, AccountLink.used_at.is_(None))
        .values(used_at=now())
    )
    if not used.rowcount:  # type: ignore[attr-defined]
        return None
    _spend_links(link.user_id)
    user = db.session.get_one(User, link.user_id)
    choose_password(user, password)
    close_all_sessions(user.id)
    return open_session(user, device)


def _spend_links(user_id: uuid.UUID, purpose: LinkPurpose | None = None) -> None:
    spent = sa.update(AccountLink).where(AccountLink.user_id == user_id, AccountLink.used_at.is_(None))
    if purpose is not None:
        spent = spent.where(AccountLink.purpose == purpose)
    db.session.execute(spent.values(used_at=now()))


def request_reset(email: str) -> None:
    """Ask that a reset be sent to an address; whether it has an account is found out when the letter is written.

    Asking again within the same ten minutes of the clock sends no second letter.
    """
    moment = int(now().timestamp()) // 600
    key = key_of(email, current_app.config["SECRET_KEY"])
    outbox.queue("reset", to=email, about=f"{key}:{moment}")


# Members of a Cité


@dataclass(frozen=True)
class Invitation:
    """Who is asked to work here, as what, for whom; `capacity` only for a référent."""

    email: str
    first_name: str
    last_name: str
    role: Role
    cite_id: uuid.UUID
    organisation_id: uuid.UUID
    capacity: int | None = None


class AlreadyThere(Exception):
    """This person already works in this Cité in this role."""


class InvitedMeanwhile(Exception):
    """Somebody else invited this person in the same instant."""


def invite(invitation: Invitation, membership_id: uuid.UUID | None = None) -> None:
    """Give somebody a membership, and write to them: an invitation, or a word when their account is already open.

    A disabled account is opened again by the invitation, with a new password. Asked again under the same
    `membership_id`, it does nothing more. Raises AlreadyThere or InvitedMeanwhile.
    """
    if membership_id and _is_that(membership_id, invitation):
        return
    try:
        with db.session.begin_nested():
            _give_membership(invitation, membership_id or uuid.uuid4())
    except (
        AlreadyThere,
        sa.exc.IntegrityError,
    ) as refusal:  # perhaps this very form, sent in the same instant
        if membership_id and _is_that(membership_id, invitation):
            return
        if isinstance(refusal, AlreadyThere):
            raise
        raise InvitedMeanwhile(invitation.role) from None


def _is_that(membership_id: uuid.UUID, invitation: Invitation) -> bool:
    """Whether this very invitation is what was kept under a key."""
    kept = db.session.get(Membership, membership_id)
    return kept is not None and (kept.user.email, kept.cite_id, kept.role, kept.organisation_id) == (
        invitation.email,
        invitation.cite_id,
        invitation.role,
        invitation.organisation_id,
    )


def _give_membership(invitation: Invitation, membership_id: uuid.UUID) -> None:
    user = find_user_by_email(invitation.email)
    if user is None:
        user = User(
            id=uuid.uuid4(),
            email=invitation.email,
            first_name=invitation.first_name,
            last_name=invitation.last_name,
        )
        db.session.add(user)
        db.session.flush()
    elif holds_role(user.id, invitation.cite_id, invitation.role):
        raise AlreadyThere(invitation.role)
    membership = Membership(
        id=membership_id,
        user_id=user.id,
        organisation_id=invitation.organisation_id,
        cite_id=invitation.cite_id,
        role=invitation.role,
        capacity=invitation.capacity if invitation.role is Role.REFERENT else None,
        started_on=today(),
    )
    db.session.add(membership)
    db.session.flush()
    if (
        user.disabled_at is not None
    ):  # their work here is written first: without it the account is out of reach
        user.disabled_at = user.password_hash = None
        db.session.flush()
    if not user.has_password:
        send_invitation(user.id, user.email)
    else:
        outbox.queue("membership", to=user.email, about=str(membership.id), membership_id=str(membership.id))


def send_invitation(user_id: uuid.UUID, email: str) -> None:
    """Send an invitation, which spends those sent before."""
    _spend_links(user_id, LinkPurpose.INVITATION)
    link = create_link(user_id, LinkPurpose.INVITATION)
    db.session.flush()
    outbox.queue("invitation", to=email, about=str(link.id), link_id=str(link.id))


def end_membership(membership_id: uuid.UUID) -> bool:
    """End a membership today: its holder loses it at their next request. False when it had ended."""
    ended = db.session.execute(
        sa.update(Membership)
        .where(Membership.id == membership_id, Membership.ended_on.is_(None))
        .values(ended_on=sa.func.greatest(Membership.started_on, today()))
    )
    return bool(ended.rowcount)  # type: ignore[attr-defined]


def disable_account(user_id: uuid.UUID, cite_id: uuid.UUID) -> None:
    """Shut an account: its memberships in this Cité end, its sessions close, its links open nothing."""
    user = db.session.get_one(User, user_id)
    user.disabled_at = now()
    db.session.execute(
        sa.update(Membership)
        .where(Membership.user_id == user_id, Membership.cite_id == cite_id, Membership.ended_on.is_(None))
        .values(ended_on=sa.func.greatest(Membership.started_on, today()))
    )
    db.session.flush()
    db.session.execute(sa.select(sa.func.app.shut_doors(user_id)))


# What is forgotten by itself


def purge_traces() -> None:
    """Drop drafts left for 30 days, and sessions and links of more than a year."""
    db.session.execute(sa.select(sa.func.app.purge_drafts()))
    limit = now() - TRACES_LAST
    db.session.execute(sa.delete(SignInSession).where(SignInSession.opened_at < limit))
    db.session.execute(sa.delete(AccountLink).where(AccountLink.expires_at < limit))
