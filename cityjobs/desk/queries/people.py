"""The list of people: rows, counts, and the same rows for the export.

Rows are facts and not entities: whoever may not open a file gets initials, its status and who follows it.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from cityjobs.accounts.models import User
from cityjobs.core.db import HERE, db
from cityjobs.core.permissions import Role
from cityjobs.desk.rules import MINE, NOBODY, PeopleFilters
from cityjobs.followups.models import NextStep
from cityjobs.followups.rules import StepState
from cityjobs.parcours.models import Assignment, Parcours, Spotting
from cityjobs.parcours.rules.lifecycle import AssignmentKind, Status
from cityjobs.parcours.rules.reasons import SpottingChannel
from cityjobs.people.models import Person
from cityjobs.people.queries import found_people
from cityjobs.people.rules import Sought
from cityjobs.territory.models import Cite, Organisation, Qpv
from cityjobs.territory.rules import QpvAnswer

_PRESENT_CASES = sa.table(
    "present_cases",
    sa.column("parcours_id", sa.Uuid),
    sa.column("cite_id", sa.Uuid),
    sa.column("person_id", sa.Uuid),
    sa.column("initials", sa.Text),
    sa.column("status", sa.Text),
    sa.column("spotted_on", sa.Date),
    sa.column("started_on", sa.Date),
    sa.column("ended_on", sa.Date),
    sa.column("last_contact_on", sa.Date),
    sa.column("referent_id", sa.Uuid),
    sa.column("organisation_id", sa.Uuid),
    sa.column("assigned_at", sa.DateTime(timezone=True)),
    schema="app",
)
_QPV = {
    "oui": QpvAnswer.INSIDE,
    "non": QpvAnswer.OUTSIDE,
    "a_verifier": QpvAnswer.TO_CHECK,
    "inconnu": QpvAnswer.UNKNOWN,
}
_GIVEN = uuid.UUID(int=0)
_TODAY = sa.bindparam("today", type_=sa.Date())
# Written out and not bound: the planner must recognise the condition of the partial index.
_IS_TODO = NextStep.state == sa.literal_column(f"'{StepState.TODO}'")


class PeopleList:
    """The list for one professional and one set of filters, on a day."""

    def __init__(self, filters: PeopleFilters, role: Role, today: date) -> None:
        self.statements = _statements(_shape_of(filters), role)
        self.size = filters.size
        self.given = {
            "today": today,
            "referent": filters.referent,
            "qpv": filters.qpv,
            "channel": filters.channel,
            "silent_for": filters.silent_for,
            "entered_from": filters.entered_from,
            "entered_until": filters.entered_until,
            **asdict(filters.sought),
        }

    def counts(self) -> Any:
        """total, mine, cite, one count per status, open, action: each is what its chip would show."""
        return db.session.execute(self.statements.counts, self.given).one()

    def rows(self, *, page: int) -> Sequence[sa.Row[Any]]:
        """One page of rows, from 1."""
        shown = {"most": self.size, "first": (page - 1) * self.size}
        return db.session.execute(self.statements.rows, {**self.given, **shown}).all()

    def every_row(self) -> Iterator[sa.Row[Any]]:
        """All the rows of all the pages, fetched little by little."""
        little_by_little = {"yield_per": 1000}
        yield from db.session.execute(
            self.statements.every_row, self.given, execution_options=little_by_little
        )


def _shape_of(filters: PeopleFilters) -> PeopleFilters:
    """The same filters for all lists that differ only by what is given with their statements."""
    return replace(
        filters,
        text="?" if filters.text else "",
        sought=Sought(),
        referent=_GIVEN if isinstance(filters.referent, uuid.UUID) else filters.referent,
        qpv=_GIVEN if isinstance(filters.qpv, uuid.UUID) else filters.qpv,
        channel=SpottingChannel.PERMANENCE if filters.channel else None,
        silent_for=1 if filters.silent_for else None,
        entered_from=date.min if filters.entered_from else None,
        entered_until=date.max if filters.entered_until else None,
        size=0,
    )


@lru_cache(maxsize=32)
def _statements(shape: PeopleFilters, role: Role) -> "_Statements":
    return _Statements(shape, role)


class _Statements:
    """What is sent for one shape of the list, put together once."""

    def __init__(self, shape: PeopleFilters, role: Role) -> None:
        self.filters = shape
        self.cases = _present_cases(role)
        c = self.cases.c
        due = _first_due_dates()
        self.due_on = due.c.due_on
        self.is_visible = Person.id.is_not(None)
        self.is_open = c.ended_on.is_(None)
        self.waits = sa.and_(self.is_open, c.referent_id.is_(None))
        self.heard_on = sa.func.coalesce(
            c.last_contact_on, sa.cast(sa.func.timezone("Europe/Paris", c.assigned_at), sa.Date), c.spotted_on
        )
        silence_days = sa.select(Cite.silence_days).where(Cite.id == HERE).scalar_subquery()
        self.overdue = sa.and_(self.is_open, self.due_on < _TODAY)
        self.silent = sa.and_(
            self.is_open,
            c.status != Status.SUSPENDU,
            c.assigned_at.is_not(None),
            self.heard_on <= _TODAY - silence_days,
        )
        self.acts = sa.and_(
            self.is_visible, sa.or_(self.waits, sa.func.coalesce(self.overdue, False), self.silent)
        )
        self.joined = self.cases.outerjoin(
            Person, sa.and_(Person.id == c.person_id, Person.cite_id == HERE)
        ).outerjoin(due, due.c.parcours_id == c.parcours_id)
        self.found = None
        if shape.text:
            # Found once, then looked up: the others of the Cité are not read.
            self.found = sa.select(found_people()).cte("found").prefix_with("materialized")
            self.joined = self.joined.join(self.found, self.found.c.person_id == c.person_id)
        self.counts = self._counts()
        in_order = self._chosen().order_by(*(key.sorts() for key in self._order()))
        most, first = (sa.bindparam(name, type_=sa.Integer()) for name in ("most", "first"))
        self.rows = self._told(in_order.limit(most).offset(first))
        self.every_row = self._told(self._chosen())

    def _counts(self) -> sa.Select[*tuple[Any, ...]]:
        c, f = self.cases.c, self.filters
        everything: sa.ColumnElement[bool] = sa.true()
        scope = self.is_visible if f.scope == MINE else everything
        status = c.status.in_([str(s) for s in f.statuses]) if f.statuses else everything
        action = self.acts if f.action else everything

        def count(name: str, *conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
            return sa.func.count().filter(sa.and_(sa.true(), *conditions)).label(name)

        return (
            sa.select(
                count("total", scope, status, action),
                count("mine", self.is_visible, status, action),
                count("cite", status, action),
                count("all_statuses", scope, action),
                count("open", scope, action, self.is_open),
                count("action", scope, status, self.acts),
                *(count(s.value, scope, action, c.status == s.value) for s in Status),
            )
            .select_from(self.joined)
            .where(*self._panel())
        )

    def _chosen(self) -> sa.Select[Any]:
        """What the rows asked for are, and what puts them in order."""
        c, f = self.cases.c, self.filters
        conditions = self._panel()
        if f.scope == MINE:
            conditions.append(self.is_visible)
        if f.statuses:
            conditions.append(c.status.in_([str(s) for s in f.statuses]))
        if f.action:
            conditions.append(self.acts)
        return (
            sa.select(
                c.parcours_id,
                c.person_id,
                c.initials,
                c.status,
                c.spotted_on,
                c.started_on,
                c.ended_on,
                c.last_contact_on,
                c.referent_id,
                c.organisation_id,
                self.is_visible.label("is_visible"),
                self.waits.label("waits"),
                self.silent.label("silent"),
                self.heard_on.label("heard_on"),
                sa.func.coalesce(self.overdue, False).label("overdue"),
                self.acts.label("acts"),
                *(key.by.label(f"key{place}") for place, key in enumerate(self._order())),
            )
            .select_from(self.joined)
            .where(*conditions)
        )

    def _told(self, chosen: sa.Select[Any]) -> sa.Select[Any]:
        """The same rows in the same order, with names and the first step still to do."""
        line = chosen.subquery("line")
        told = line.c
        step = (
            sa.select(NextStep.title, NextStep.due_on)
            .where(NextStep.parcours_id == told.parcours_id, NextStep.cite_id == HERE, _IS_TODO)
            .order_by(NextStep.due_on, NextStep.created_at)
            .limit(1)
            .lateral("first_step")
        )
        return (
            sa.select(
                *(column for column in told if not column.name.startswith("key")),
                Person.first_name,
                Person.last_name,
                Person.phone,
                Person.email,
                Person.birth_date,
                Person.qpv_answer,
                Qpv.name.label("qpv_name"),
                (User.first_name + " " + User.last_name).label("referent"),
                sa.case((sa.not_(Organisation.is_sensitive), Organisation.name)).label("organisation"),
                step.c.title.label("step_title"),
                step.c.due_on.label("step_due_on"),
            )
            .select_from(line)
            .outerjoin(Person, sa.and_(Person.id == told.person_id, Person.cite_id == HERE))
            .outerjoin(step, sa.true())
            .outerjoin(User, User.id == told.referent_id)
            .outerjoin(Organisation, Organisation.id == told.organisation_id)
            .outerjoin(Qpv, Qpv.id == Person.qpv_id)
            .order_by(*(key.sorts(told[f"key{place}"]) for place, key in enumerate(self._order())))
        )

    def _panel(self) -> list[sa.ColumnElement[bool]]:
        c, f = self.cases.c, self.filters
        asked: list[sa.ColumnElement[bool]] = []
        if self.found is not None:
            asked.append(
                c.person_id == sa.any_(sa.func.array(sa.select(self.found.c.person_id).scalar_subquery()))
            )
        if f.referent:
            asked.append(
                c.referent_id.is_(None)
                if f.referent == NOBODY
                else c.referent_id == sa.bindparam("referent", type_=sa.Uuid())
            )
        if isinstance(f.qpv, uuid.UUID):
            asked.append(Person.qpv_id == sa.bindparam("qpv", type_=sa.Uuid()))
        elif f.qpv:
            asked.append(Person.qpv_answer == _QPV[f.qpv])
        if f.channel:
            spotted = sa.select(Spotting.parcours_id).where(
                Spotting.cite_id == HERE, Spotting.channel == sa.bindparam("channel")
            )
            asked.append(c.parcours_id.in_(spotted))
        if f.silent_for:
            asked += [self.is_open, self.heard_on <= _TODAY - sa.bindparam("silent_for", type_=sa.Integer())]
        if f.waiting:
            asked.append(self.waits)
        if f.entered_from:
            asked.append(c.started_on >= sa.bindparam("entered_from", type_=sa.Date()))
        if f.entered_until:
            asked.append(c.started_on <= sa.bindparam("entered_until", type_=sa.Date()))
        return asked

    def _order(self) -> list["_Key"]:
        c = self.cases.c
        name = [_Key(Person.__table__.c.sort_name), _Key(c.initials)]
        rank = sa.case({status.value: place for place, status in enumerate(Status)}, value=c.status)
        ways: dict[str, list[_Key]] = {
            "nom": name,
            "-nom": [key.reversed() for key in name],
            "contact": [_Key(c.last_contact_on, nothing_first=True), *name],
            "-contact": [_Key(c.last_contact_on, down=True), *name],
            "echeance": [_Key(self.due_on), *name],
            "-echeance": [_Key(self.due_on, down=True), *name],
            "statut": [_Key(rank), *name],
            "-statut": [_Key(rank, down=True), *name],
        }
        last = _Key(c.parcours_id)
        if self.filters.sort:
            return [*ways[self.filters.sort], last]
        nearest = [_Key(self.found.c.closeness, down=True)] if self.found is not None else []
        pressing = [_Key(each, down=True) for each in (self.is_open, self.is_visible, self.acts)]
        return [*nearest, *pressing, _Key(self.due_on), *name, last]


@dataclass(frozen=True)
class _Key:
    """One thing by which rows are sorted; what is not known comes last unless it comes first."""

    by: sa.ColumnElement[Any]
    down: bool = False
    nothing_first: bool = False

    def reversed(self) -> "_Key":
        """The other way round, what is not known staying where it was."""
        return replace(self, down=not self.down)

    def sorts(self, column: sa.ColumnElement[Any] | None = None) -> sa.ColumnElement[Any]:
        """Sorting by it, or by the column that holds it."""
        asked = self.by if column is None else column
        way = asked.desc() if self.down else asked.asc()
        return way.nulls_first() if self.nothing_first else way.nulls_last()


def _first_due_dates() -> sa.Subquery:
    """The nearest date of each parcours of the Cité with something still to do."""
    return (
        sa.select(NextStep.parcours_id, sa.func.min(NextStep.due_on).label("due_on"))
        .where(NextStep.cite_id == HERE, _IS_TODO)
        .group_by(NextStep.parcours_id)
        .subquery("due")
    )


def _present_cases(role: Role) -> sa.Subquery:
    """One row per person: their open parcours, or else the last one. A spotter's own rows come from the tables."""
    if role is not Role.SPOTTER:
        return sa.select(_PRESENT_CASES).where(_PRESENT_CASES.c.cite_id == HERE).subquery("cases")
    return (
        sa.select(
            Parcours.id.label("parcours_id"),
            Parcours.cite_id,
            Parcours.person_id,
            sa.literal("").label("initials"),
            Parcours.status,
            Parcours.spotted_on,
            Parcours.started_on,
            Parcours.ended_on,
            sa.null().cast(sa.Date).label("last_contact_on"),
            Assignment.referent_id,
            Assignment.organisation_id,
            Assignment.started_at.label("assigned_at"),
        )
        .outerjoin(
            Assignment,
            sa.and_(
                Assignment.parcours_id == Parcours.id,
                Assignment.kind == AssignmentKind.REFERENT,
                Assignment.ended_at.is_(None),
            ),
        )
        .where(Parcours.cite_id == HERE)
        .ext(distinct_on(Parcours.person_id))
        .order_by(
            Parcours.person_id,
            Parcours.ended_on.is_not(None),
            Parcours.spotted_on.desc(),
            Parcours.created_at.desc(),
            Parcours.id,
        )
        .subquery("cases")
    )
