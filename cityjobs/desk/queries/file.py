"""The whole file of a person: who they are, all that happened, what comes next, who is around them."""

import enum
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from cityjobs.accounts.models import Draft, User
from cityjobs.core.db import HERE, ME, db
from cityjobs.followups.models import Interview, NextStep, PrivateNote
from cityjobs.followups.queries import is_unfinished_exchange, present_parcours_of_person
from cityjobs.followups.rules import WITHOUT_THE_PERSON, StepState
from cityjobs.parcours.models import Assignment, Parcours, Spotting, Transition
from cityjobs.people.models import Person
from cityjobs.reminders.models import Reminder
from cityjobs.reminders.rules import ReminderState
from cityjobs.territory.models import Cite, Organisation, Qpv
from cityjobs.territory.queries import shown_name_of

EVENTS_A_PAGE = 20
_PERSON = sa.bindparam("person_id", type_=sa.Uuid())


@dataclass(frozen=True)
class File:
    """What the head of a file stands on; `draft` is of whoever asks."""

    person: Person
    parcours: Parcours
    silence_days: int
    uses_commission: bool
    qpv: str | None
    qpv_confirmed_by: str | None
    last_mode: str | None
    spotting: Spotting | None
    spotted_by: str | None
    spotted_from: str | None
    draft: Draft | None


@cache
def _file() -> sa.Select[*tuple[Any, ...]]:
    present = present_parcours_of_person()
    confirmer, spotter, source = aliased(User), aliased(User), aliased(Organisation)
    last_mode = (
        sa.select(Interview.mode)
        .where(
            Interview.parcours_id == present.id,
            Interview.held_on == present.last_contact_on,
            Interview.reached,
            Interview.mode.not_in(WITHOUT_THE_PERSON),
        )
        .order_by(Interview.created_at.desc())
        .limit(1)
        .correlate(present)
        .scalar_subquery()
    )
    return (
        sa.select(
            Person,
            present,
            Cite.silence_days,
            Cite.uses_commission,
            Qpv.name,
            confirmer.first_name + " " + confirmer.last_name,
            last_mode,
            Spotting,
            spotter.first_name + " " + spotter.last_name,
            shown_name_of(source),
            Draft,
        )
        .select_from(Person)
        .join(present, sa.true())
        .join(Cite, Cite.id == Person.cite_id)
        .outerjoin(Qpv, Qpv.id == Person.qpv_id)
        .outerjoin(confirmer, confirmer.id == Person.qpv_confirmed_by_id)
        .outerjoin(Spotting, Spotting.parcours_id == present.id)
        .outerjoin(spotter, spotter.id == Spotting.spotted_by_id)
        .outerjoin(source, source.id == Spotting.organisation_id)
        .outerjoin(Draft, is_unfinished_exchange())
        .where(Person.id == _PERSON, Person.cite_id == HERE)
        .order_by(Spotting.created_at)
        .limit(1)
    )


def find_file(person_id: uuid.UUID) -> File | None:
    """A person of the Cité being worked in, with all that the head shows, in one query; None when out of sight."""
    row = db.session.execute(_file(), {"person_id": person_id}).one_or_none()
    return File(*row) if row else None


class EventKind(enum.StrEnum):
    """What a timeline is made of, as it is filtered."""

    EXCHANGES = "echanges"
    PARCOURS = "parcours"
    TEAM = "equipe"
    STEPS = "etapes"
    REMINDERS = "rappels"


EVENT_KIND_LABELS: dict[EventKind, str] = {
    EventKind.EXCHANGES: "Échanges",
    EventKind.PARCOURS: "Parcours",
    EventKind.TEAM: "Équipe",
    EventKind.STEPS: "Étapes",
    EventKind.REMINDERS: "Rappels",
}


@dataclass(frozen=True)
class Happening:
    """One line of the timeline; `code` and `other` are codes of the room that the `kind` names."""

    kind: str
    id: uuid.UUID
    on: date
    at: datetime
    who: str | None
    code: str
    other: str | None
    text: str | None
    note: str | None
    duration: int | None
    version: int | None


def happenings_of(
    person_id: uuid.UUID, kind: EventKind | None = None, *, page: int = 1, size: int = EVENTS_A_PAGE
) -> tuple[list[Happening], bool]:
    """One page of all that happened with a person, the latest first, and whether there is more; one query."""
    asked = {"person_id": person_id, "first": (page - 1) * size, "most": size + 1}
    rows = db.session.execute(_happenings(kind), asked).all()
    return [Happening(*row) for row in rows[:size]], len(rows) > size


@cache
def _happenings(kind: EventKind | None) -> sa.Select[*tuple[Any, ...]]:
    theirs = sa.select(Parcours.id).where(Parcours.person_id == _PERSON, Parcours.cite_id == HERE)
    branches = {
        EventKind.EXCHANGES: [_exchanges()],
        EventKind.PARCOURS: [_spottings(theirs), _moves(theirs)],
        EventKind.TEAM: [_assignments(theirs)],
        EventKind.STEPS: [_settled_steps()],
        EventKind.REMINDERS: [_reminders()],
    }
    wanted = [branch for each, selects in branches.items() for branch in selects if kind in (None, each)]
    line = sa.union_all(*wanted).subquery("line")
    return (
        sa.select(line)
        .order_by(line.c.on.desc(), line.c.at.desc(), line.c.id)
        .offset(sa.bindparam("first", type_=sa.Integer()))
        .limit(sa.bindparam("most", type_=sa.Integer()))
    )


def _line(
    kind: str,
    identifier: Any,
    on: Any,
    at: Any,
    who: Any,
    code: Any,
    other: Any = None,
    text: Any = None,
    note: Any = None,
    duration: Any = None,
    version: Any = None,
) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(
        sa.literal(kind, sa.Text).label("kind"),
        identifier.label("id"),
        sa.cast(on, sa.Date).label("on"),
        at.label("at"),
        sa.cast(who, sa.Text).label("who"),
        sa.cast(code, sa.Text).label("code"),
        sa.cast(other, sa.Text).label("other"),
        sa.cast(text, sa.Text).label("text"),
        sa.cast(note, sa.Text).label("note"),
        sa.cast(duration, sa.Integer).label("duration"),
        sa.cast(version, sa.Integer).label("version"),
    )


_name = User.first_name + " " + User.last_name


def _exchanges() -> sa.Select[*tuple[Any, ...]]:
    reached = sa.case((Interview.reached, "reached"), else_="missed")
    return (
        _line(
            "exchange", Interview.id, Interview.held_on, Interview.created_at, _name, Interview.mode, reached,
            Interview.synthesis, PrivateNote.body, Interview.duration, Interview.version,
        )
        .select_from(Interview)
        .join(User, User.id == Interview.author_id)
        .outerjoin(
            PrivateNote,
            sa.and_(PrivateNote.interview_id == Interview.id, PrivateNote.author_id == ME),
        )
        .where(Interview.person_id == _PERSON, Interview.cite_id == HERE)
    )  # fmt: skip


def _spottings(theirs: sa.Select[uuid.UUID]) -> sa.Select[*tuple[Any, ...]]:
    return (
        _line(
            "spotting", Spotting.id, Spotting.spotted_on, Spotting.created_at,
            sa.func.coalesce(_name, shown_name_of(Organisation)), Spotting.channel, Spotting.place, Spotting.first_need,
        )
        .select_from(Spotting)
        .outerjoin(User, User.id == Spotting.spotted_by_id)
        .outerjoin(Organisation, Organisation.id == Spotting.organisation_id)
        .where(Spotting.parcours_id.in_(theirs))
    )  # fmt: skip


def _moves(theirs: sa.Select[uuid.UUID]) -> sa.Select[*tuple[Any, ...]]:
    return (
        _line(
            "move", Transition.id, Transition.happened_on, Transition.recorded_at, _name, Transition.to_status,
            Transition.event, Transition.reason,
        )
        .select_from(Transition)
        .outerjoin(User, User.id == Transition.recorded_by_id)
        .where(Transition.parcours_id.in_(theirs))
    )  # fmt: skip


def _assignments(theirs: sa.Select[uuid.UUID]) -> sa.Select[*tuple[Any, ...]]:
    referent = aliased(User)
    given_to = sa.func.coalesce(referent.first_name + " " + referent.last_name, shown_name_of(Organisation))
    return (
        _line(
            "assignment", Assignment.id, sa.func.timezone("Europe/Paris", Assignment.started_at),
            Assignment.started_at, _name, Assignment.kind, given_to, Assignment.reason,
        )
        .select_from(Assignment)
        .outerjoin(User, User.id == Assignment.assigned_by_id)
        .outerjoin(referent, referent.id == Assignment.referent_id)
        .outerjoin(Organisation, Organisation.id == Assignment.organisation_id)
        .where(Assignment.parcours_id.in_(theirs))
    )  # fmt: skip


def _settled_steps() -> sa.Select[*tuple[Any, ...]]:
    return (
        _line(
            "step", NextStep.id, sa.func.timezone("Europe/Paris", NextStep.settled_at), NextStep.settled_at, _name,
            NextStep.state, NextStep.title, NextStep.result,
        )
        .select_from(NextStep)
        .outerjoin(User, User.id == NextStep.settled_by_id)
        .where(
            NextStep.person_id == _PERSON,
            NextStep.cite_id == HERE,
            NextStep.state != StepState.TODO,
        )
    )  # fmt: skip


def _reminders() -> sa.Select[*tuple[Any, ...]]:
    return (
        _line(
            "reminder", Reminder.id, sa.func.timezone("Europe/Paris", Reminder.settled_at), Reminder.settled_at, _name,
            Reminder.rule,
        )
        .select_from(Reminder)
        .join(User, User.id == Reminder.recipient_id)
        .where(
            Reminder.person_id == _PERSON,
            Reminder.cite_id == HERE,
            Reminder.state == ReminderState.SENT,
        )
    )  # fmt: skip


@dataclass(frozen=True)
class TeamMember:
    """Somebody who is or was around a person; `organisation` is masked when it is a « structure sensible »."""

    parcours_id: uuid.UUID
    kind: str
    name: str | None
    phone: str | None
    email: str | None
    organisation: str | None
    started_at: datetime
    ended_at: datetime | None
    reason: str | None


def team_of(person_id: uuid.UUID) -> Sequence[TeamMember]:
    """Present référents first, then those who were, the latest first."""
    rows = db.session.execute(_team(), {"person_id": person_id}).all()
    return [TeamMember(*row) for row in rows]


@cache
def _team() -> sa.Select[*tuple[Any, ...]]:
    theirs = sa.select(Parcours.id).where(Parcours.person_id == _PERSON, Parcours.cite_id == HERE)
    return (
        sa.select(
            Assignment.parcours_id,
            Assignment.kind,
            _name,
            User.phone,
            User.email,
            shown_name_of(Organisation),
            Assignment.started_at,
            Assignment.ended_at,
            Assignment.reason,
        )
        .select_from(Assignment)
        .outerjoin(User, User.id == Assignment.referent_id)
        .outerjoin(Organisation, Organisation.id == Assignment.organisation_id)
        .where(Assignment.parcours_id.in_(theirs))
        .order_by(
            Assignment.ended_at.is_not(None),
            Assignment.kind.desc(),
            Assignment.started_at.desc(),
            Assignment.id,
        )
    )
