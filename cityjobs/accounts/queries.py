"""Reads about accounts: whoever is signed in, their memberships, sessions and drafts, who works in a Cité."""

import enum
import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from cityjobs.accounts.models import AccountLink, Membership, SignInSession, User
from cityjobs.accounts.rules import SESSION_LIMIT, LinkPurpose, Mission, Professional
from cityjobs.core.clock import now, today
from cityjobs.core.db import Day, db, present
from cityjobs.core.permissions import Role
from cityjobs.territory.models import Cite, CollectiveMember, Organisation


def token_hash(token: str) -> str:
    """What is kept of a session token."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_current(day: object = None, membership: type[Membership] = Membership) -> sa.ColumnElement[bool]:
    """Memberships that hold on a day, today by default."""
    on = today() if day is None else day
    return sa.and_(
        membership.started_on <= on, sa.or_(membership.ended_on.is_(None), membership.ended_on > on)
    )


def works_in(user_id: Any, cite_id: Any, on: Day, roles: Sequence[Role]) -> sa.ColumnElement[bool]:
    """Whether an account that is not disabled works in a Cité on a day, in one of some roles.

    However deep it is put in a question, it is about the account and the Cité of the row being read.
    """
    account, mission = aliased(User), aliased(Membership)
    works = (
        sa.select(mission.id)
        .join(account, account.id == mission.user_id)
        .where(
            mission.user_id == user_id,
            mission.cite_id == cite_id,
            mission.role.in_(roles),
            mission.started_on <= on,
            sa.or_(mission.ended_on.is_(None), mission.ended_on > on),
            account.disabled_at.is_(None),
        )
    )
    return works.correlate_except(account, mission).exists()


# Whoever is signed in


@cache
def _holder_of_session() -> sa.Select[*tuple[Any, ...]]:
    holds = is_current(sa.bindparam("on", type_=sa.Date()))
    mission, place, employer = aliased(Membership), aliased(Cite), aliased(Organisation)
    told = sa.func.json_build_array(mission.id, place.name, mission.role, employer.name)
    missions = (
        sa.select(sa.func.json_agg(aggregate_order_by(told, place.name, mission.role, employer.name)))
        .select_from(mission)
        .join(place, place.id == mission.cite_id)
        .join(employer, employer.id == mission.organisation_id)
        .where(mission.user_id == User.id, is_current(sa.bindparam("on", type_=sa.Date()), mission))
        .correlate(User)
        .scalar_subquery()
    )
    return (
        sa.select(
            User.id,
            SignInSession.id.label("session_id"),
            User.email,
            User.first_name,
            User.last_name,
            SignInSession.last_seen_at,
            SignInSession.opened_at,
            Membership.id.label("membership_id"),
            Membership.role,
            Cite.id.label("cite_id"),
            Cite.name.label("cite_name"),
            Organisation.id.label("organisation_id"),
            Organisation.name.label("organisation_name"),
            missions.label("missions"),
        )
        .join(User, User.id == SignInSession.user_id)
        .outerjoin(
            Membership,
            sa.and_(Membership.id == SignInSession.membership_id, Membership.user_id == User.id, holds),
        )
        .outerjoin(Cite, Cite.id == Membership.cite_id)
        .outerjoin(Organisation, Organisation.id == Membership.organisation_id)
        .where(
            SignInSession.token_hash == sa.bindparam("token_hash"),
            SignInSession.revoked_at.is_(None),
            SignInSession.opened_at > sa.bindparam("opened_after", type_=sa.DateTime(timezone=True)),
            User.disabled_at.is_(None),
        )
    )


def find_professional(token: str) -> Professional | None:
    """Whoever holds an open session, as what and where, in one query; None when revoked, over or disabled."""
    hashed = token_hash(token)
    present(hashed)
    known = {"token_hash": hashed, "opened_after": now() - SESSION_LIMIT, "on": today()}
    row = db.session.execute(_holder_of_session(), known).one_or_none()
    if row is None:
        return None
    facts = dict(row._mapping)
    facts["role"] = Role(row.role) if row.role else None
    facts["missions"] = tuple(
        Mission(uuid.UUID(key), *facts_of_mission) for key, *facts_of_mission in row.missions or ()
    )
    return Professional(**facts)


def find_user(user_id: uuid.UUID) -> User | None:
    """An account by its identifier, whatever its state."""
    return db.session.get(User, user_id)


def find_user_by_email(email: str) -> User | None:
    """The account of an address, whatever its state."""
    return db.session.scalar(sa.select(User).where(User.email == email.strip().lower()))


def find_password_hash(email: str) -> str | None:
    """What the password of an open account is compared with: of anybody while nobody is signed in, else one's own."""
    kept: str | None = db.session.scalar(sa.select(sa.func.app.password_hash_of(email)))
    return kept


def memberships_of(user_id: uuid.UUID) -> Sequence[sa.Row[uuid.UUID, Role, date, uuid.UUID, str, str]]:
    """Current memberships of somebody: id, role, start, Cité and organisation names, in a steady order."""
    return db.session.execute(
        sa.select(
            Membership.id,
            Membership.role,
            Membership.started_on,
            Membership.cite_id,
            Cite.name.label("cite_name"),
            Organisation.name.label("organisation_name"),
        )
        .join(Cite, Cite.id == Membership.cite_id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(Membership.user_id == user_id, is_current())
        .order_by(Cite.name, Membership.role, Organisation.name)
    ).all()


def open_sessions_of(user_id: uuid.UUID) -> Sequence[SignInSession]:
    """Sessions that are neither closed nor over, the most recent first."""
    return db.session.scalars(
        sa.select(SignInSession)
        .where(
            SignInSession.user_id == user_id,
            SignInSession.revoked_at.is_(None),
            SignInSession.opened_at > now() - SESSION_LIMIT,
        )
        .order_by(SignInSession.last_seen_at.desc())
    ).all()


def find_usable_link(link_id: uuid.UUID, purpose: LinkPurpose) -> AccountLink | None:
    """A link that was neither used nor is too old, of an account that is not disabled."""
    present(str(link_id))
    return db.session.scalar(
        sa.select(AccountLink)
        .join(User, User.id == AccountLink.user_id)
        .where(
            AccountLink.id == link_id,
            AccountLink.purpose == purpose,
            AccountLink.used_at.is_(None),
            AccountLink.expires_at > now(),
            User.disabled_at.is_(None),
        )
    )


def seconds_since_seen(professional: Professional) -> float:
    """How long ago the session was last used."""
    return (now() - professional.last_seen_at).total_seconds()


# Who works in a Cité


@cache
def _professionals() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            User.id,
            (User.first_name + " " + User.last_name).label("name"),
            Organisation.id.label("organisation_id"),
            Organisation.name.label("organisation_name"),
            Membership.capacity,
        )
        .join(Membership, Membership.user_id == User.id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(
            Membership.cite_id == sa.bindparam("cite_id", type_=sa.Uuid()),
            Membership.role == sa.bindparam("role"),
            is_current(sa.bindparam("on", type_=sa.Date())),
            User.disabled_at.is_(None),
        )
        .order_by(User.last_name, User.first_name)
    )


def professionals_of(
    cite_id: uuid.UUID, role: Role
) -> Sequence[sa.Row[uuid.UUID, str, uuid.UUID, str, int | None]]:
    """Who works in a Cité in one role today: user id, name, organisation id and name, own capacity."""
    return db.session.execute(_professionals(), {"cite_id": cite_id, "role": role, "on": today()}).all()


class MemberState(enum.StrEnum):
    """Where somebody's membership stands, as the list of accounts counts them."""

    OPEN = "ouverts"
    INVITED = "invites"
    ENDED = "termines"


@dataclass(frozen=True)
class Colleague:
    """One membership of a Cité, as its administrator sees it: who, as what, for whom, since when."""

    id: uuid.UUID
    user_id: uuid.UUID
    first_name: str
    last_name: str
    email: str
    role: Role
    organisation_name: str
    cite_id: uuid.UUID
    cite_name: str
    capacity: int | None
    started_on: date
    ended_on: date | None
    is_opened: bool
    is_disabled: bool
    invitation_expires_at: datetime | None
    works_elsewhere: bool

    @property
    def display_name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"

    @property
    def has_ended(self) -> bool:
        """Whether this membership no longer holds."""
        return self.ended_on is not None


def _colleagues() -> sa.Select[*tuple[Any, ...]]:
    elsewhere = aliased(Membership)
    invitation = (
        sa.select(sa.func.max(AccountLink.expires_at))
        .where(
            AccountLink.user_id == User.id,
            AccountLink.purpose == LinkPurpose.INVITATION,
            AccountLink.used_at.is_(None),
        )
        .correlate(User)
        .scalar_subquery()
    )
    return (
        sa.select(
            Membership.id,
            User.id.label("user_id"),
            User.first_name,
            User.last_name,
            User.email,
            Membership.role,
            Organisation.name.label("organisation_name"),
            Cite.id.label("cite_id"),
            Cite.name.label("cite_name"),
            Membership.capacity,
            Membership.started_on,
            Membership.ended_on,
            User.has_password.label("is_opened"),
            User.disabled_at.is_not(None).label("is_disabled"),
            invitation.label("invitation_expires_at"),
            sa.exists()
            .where(
                elsewhere.user_id == User.id,
                elsewhere.cite_id != Membership.cite_id,
                elsewhere.ended_on.is_(None),
            )
            .label("works_elsewhere"),
        )
        .join(User, User.id == Membership.user_id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .join(Cite, Cite.id == Membership.cite_id)
    )


def _state() -> sa.ColumnElement[str]:
    return sa.case(
        (Membership.ended_on.is_not(None), MemberState.ENDED.value),
        (~User.has_password, MemberState.INVITED.value),
        else_=MemberState.OPEN.value,
    )


def _sought(cite_id: uuid.UUID, words: str, role: Role | None) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [Membership.cite_id == cite_id]
    written = sa.func.app.fold(User.first_name + " " + User.last_name + " " + Organisation.name)
    for word in words.split()[:6]:
        folded = sa.func.app.fold(word)
        named = sa.and_(folded != "", written.contains(folded))
        conditions.append(sa.or_(named, User.email.contains(word.lower(), autoescape=True)))
    if role is not None:
        conditions.append(Membership.role == role)
    return conditions


def colleagues_of(
    cite_id: uuid.UUID, *, words: str, role: Role | None, state: MemberState, first: int, most: int
) -> list[Colleague]:
    """Memberships of a Cité in one state, by name; `words` are parts of names, organisation or address."""
    rows = db.session.execute(
        _colleagues()
        .where(*_sought(cite_id, words, role), _state() == state.value)
        .order_by(sa.func.app.fold(User.last_name), sa.func.app.fold(User.first_name), Membership.id)
        .offset(first)
        .limit(most)
    )
    return [Colleague(**{**row._mapping, "role": Role(row.role)}) for row in rows]


def count_colleagues(cite_id: uuid.UUID, *, words: str, role: Role | None) -> dict[MemberState, int]:
    """How many memberships answer, in each state."""
    state = _state()
    rows = db.session.execute(
        sa.select(state, sa.func.count())
        .select_from(Membership)
        .join(User, User.id == Membership.user_id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(*_sought(cite_id, words, role))
        .group_by(sa.text("1"))
    )
    counted = {MemberState(name): total for name, total in rows}
    return {each: counted.get(each, 0) for each in MemberState}


def find_colleague(membership_id: uuid.UUID, cite_id: uuid.UUID) -> Colleague | None:
    """One membership of this Cité, whatever its state."""
    row = db.session.execute(
        _colleagues().where(Membership.id == membership_id, Membership.cite_id == cite_id)
    ).one_or_none()
    return Colleague(**{**row._mapping, "role": Role(row.role)}) if row else None


def collective_of(cite_id: uuid.UUID) -> list[tuple[str, str]]:
    """Organisations of the collective, as choices: identifier and name."""
    rows = db.session.execute(
        sa.select(Organisation.id, Organisation.name)
        .join(CollectiveMember, CollectiveMember.organisation_id == Organisation.id)
        .where(CollectiveMember.cite_id == cite_id)
        .order_by(sa.func.app.fold(Organisation.name))
    )
    return [(str(identifier), name) for identifier, name in rows]


def find_cite(slug: str) -> Cite | None:
    """A Cité by its short name."""
    return db.session.scalar(sa.select(Cite).where(Cite.slug == slug))


def find_in_collective(cite_id: uuid.UUID, name: str) -> uuid.UUID | None:
    """An organisation of the collective, by its exact name."""
    return db.session.scalar(
        sa.select(Organisation.id)
        .join(CollectiveMember, CollectiveMember.organisation_id == Organisation.id)
        .where(CollectiveMember.cite_id == cite_id, Organisation.name == name)
    )


def holds_role(user_id: uuid.UUID, cite_id: uuid.UUID, role: Role) -> bool:
    """Whether somebody already works in this Cité in this role."""
    theirs = sa.select(Membership.id).where(
        Membership.user_id == user_id,
        Membership.cite_id == cite_id,
        Membership.role == role,
        Membership.ended_on.is_(None),
    )
    return db.session.scalar(theirs.limit(1)) is not None


def count_followed_by(user_id: uuid.UUID) -> int:
    """How many persons somebody is the référent of in the Cité being worked in; for its administrator."""
    followed = db.session.scalar(sa.select(sa.func.app.count_followed_by(user_id)))
    return int(followed or 0)
