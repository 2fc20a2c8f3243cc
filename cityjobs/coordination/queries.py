"""Reads of the coordinator: who waits, who carries how much, what became of a batch, who is in a team."""

import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import aliased

from cityjobs.accounts.models import Membership, User
from cityjobs.accounts.queries import is_current
from cityjobs.coordination.rules import Candidate, Target
from cityjobs.core.clock import today
from cityjobs.core.db import db
from cityjobs.core.permissions import Role
from cityjobs.core.web import Page
from cityjobs.followups.queries import silent_parcours
from cityjobs.parcours.models import Assignment, Parcours, Spotting
from cityjobs.parcours.queries.following import (
    is_current_referent,
    its_assignments,
    its_referent,
    present_absences,
)
from cityjobs.parcours.queries.present import is_open, its_person
from cityjobs.parcours.rules.lifecycle import AssignmentKind
from cityjobs.people.models import Person
from cityjobs.territory.models import Cite, CollectiveMember, Organisation, Qpv

_name = User.first_name + " " + User.last_name


def _paris_day(instant: Any) -> sa.ColumnElement[date]:
    return sa.cast(sa.func.timezone("Europe/Paris", instant), sa.Date)


def _first_spotting() -> Any:
    return (
        sa.select(Spotting)
        .where(Spotting.parcours_id == Parcours.id)
        .order_by(Spotting.spotted_on, Spotting.created_at)
        .limit(1)
        .lateral("spotted")
    )


def _rows_of(cite_id: uuid.UUID) -> sa.Select[*tuple[Any, ...]]:
    """Open parcours of a Cité as the board shows them, whoever has them."""
    spotted = _first_spotting()
    return (
        sa.select(
            Parcours.id.label("parcours_id"),
            Parcours.person_id,
            Parcours.status,
            Parcours.spotted_on,
            Parcours.last_contact_on,
            Person.first_name,
            Person.last_name,
            Person.qpv_answer,
            Person.qpv_id,
            Qpv.name.label("quarter"),
            spotted.c.channel,
            spotted.c.first_need,
            spotted.c.spotted_by_id,
            spotted.c.organisation_id.label("spotting_organisation_id"),
            _name.label("spotted_by"),
        )
        .select_from(Parcours)
        .join(Person, its_person)
        .outerjoin(Qpv, Qpv.id == Person.qpv_id)
        .outerjoin(spotted, sa.true())
        .outerjoin(User, User.id == spotted.c.spotted_by_id)
        .where(Parcours.cite_id == cite_id, is_open)
    )


def waiting_parcours(cite_id: uuid.UUID, *, page: int, size: int) -> Page:
    """Open parcours of a Cité that nobody follows, who waits longest first; `waiting_since` is a day.

    One waits from the spotting, or from the end of the last attribution. The lines of the page are chosen first, and
    theirs alone are told in full.
    """
    former = aliased(Assignment)
    last_end = (
        sa.select(sa.func.max(_paris_day(former.ended_at)))
        .where(
            former.parcours_id == Parcours.id,
            former.cite_id == cite_id,
            former.kind == AssignmentKind.REFERENT,
        )
        .scalar_subquery()
    )
    followed = sa.exists().where(its_referent)
    chosen = (
        sa.select(
            Parcours.id,
            sa.func.greatest(Parcours.spotted_on, last_end).label("waiting_since"),
            sa.func.count().over().label("total"),
        )
        .where(Parcours.cite_id == cite_id, is_open, ~followed)
        .order_by("waiting_since", Parcours.created_at, Parcours.id)
        .limit(size)
        .offset((page - 1) * size)
        .subquery("chosen")
    )
    rows = db.session.execute(
        _rows_of(cite_id)
        .add_columns(chosen.c.waiting_since, chosen.c.total)
        .join(chosen, chosen.c.id == Parcours.id)
        .order_by(chosen.c.waiting_since, Parcours.created_at, Parcours.id)
    ).all()
    return Page(rows, page, size, rows[0].total if rows else 0)


def parcours_of_referent(cite_id: uuid.UUID, user_id: uuid.UUID) -> sa.Select[*tuple[Any, ...]]:
    """Open parcours that somebody follows, by name, with `assignment_id` and `assigned_at`."""
    return (
        _rows_of(cite_id)
        .join(Assignment, its_referent)
        .add_columns(
            Assignment.id.label("assignment_id"),
            Assignment.started_at.label("assigned_at"),
            sa.func.count().over().label("total"),
        )
        .where(Assignment.referent_id == user_id)
        .order_by(Person.last_name, Person.first_name, Parcours.id)
    )


def nameless_parcours(cite_id: uuid.UUID, limit: int) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Open parcours followed by an organisation whose référent is not known yet, the oldest first."""
    return db.session.execute(
        _rows_of(cite_id)
        .join(Assignment, its_referent)
        .join(Organisation, Organisation.id == Assignment.organisation_id)
        .add_columns(
            Assignment.id.label("assignment_id"),
            Assignment.started_at.label("assigned_at"),
            Organisation.name.label("organisation_name"),
        )
        .where(Assignment.referent_id.is_(None))
        .order_by(Assignment.started_at, Parcours.id)
        .limit(limit)
    ).all()


def loads_of(cite_id: uuid.UUID) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Référents of a Cité: name, organisation, load, capacity, silent files, new this week, `is_here`, who replaces them.

    `deputy` and `away_until` are of an absence under way: the load stays with whoever is away.

    Whoever still carries files without working here any more is among them, with `is_here` false.
    """
    mission = (
        sa.select(Membership.user_id, Membership.organisation_id, Membership.capacity)
        .where(Membership.cite_id == cite_id, Membership.role == Role.REFERENT, is_current())
        .ext(pg.distinct_on(Membership.user_id))
        .order_by(Membership.user_id, Membership.started_on, Membership.id)
        .subquery()
    )
    carried = (
        sa.select(
            Assignment.referent_id,
            sa.func.count().label("load"),
            sa.func.count()
            .filter(_paris_day(Assignment.started_at) > today() - timedelta(days=7))
            .label("new"),
        )
        .join(Parcours, its_assignments)
        .where(is_current_referent, is_open, Assignment.cite_id == cite_id)
        .group_by(Assignment.referent_id)
        .subquery()
    )
    silent = silent_parcours(today()).where(Parcours.cite_id == cite_id).order_by(None).subquery()
    quiet = (
        sa.select(silent.c.referent_id, sa.func.count().label("silent"))
        .group_by(silent.c.referent_id)
        .subquery()
    )
    away = present_absences()
    load = sa.func.coalesce(carried.c.load, 0)
    is_here = sa.and_(mission.c.user_id.is_not(None), User.disabled_at.is_(None))
    return db.session.execute(
        sa.select(
            User.id.label("user_id"),
            _name.label("name"),
            is_here.label("is_here"),
            Organisation.id.label("organisation_id"),
            Organisation.name.label("organisation_name"),
            sa.func.coalesce(mission.c.capacity, Cite.referent_capacity).label("capacity"),
            load.label("load"),
            sa.func.coalesce(carried.c.new, 0).label("new"),
            sa.func.coalesce(quiet.c.silent, 0).label("silent"),
            away.c.deputy,
            away.c.ends_on.label("away_until"),
        )
        .select_from(User)
        .join(Cite, Cite.id == cite_id)
        .outerjoin(mission, mission.c.user_id == User.id)
        .outerjoin(Organisation, Organisation.id == mission.c.organisation_id)
        .outerjoin(carried, carried.c.referent_id == User.id)
        .outerjoin(quiet, quiet.c.referent_id == User.id)
        .outerjoin(away, sa.and_(away.c.absent_id == User.id, away.c.cite_id == cite_id))
        .where(sa.or_(is_here, load > 0))
        .order_by(User.last_name, User.first_name, User.id)
    ).all()


def quarters_followed(cite_id: uuid.UUID) -> dict[uuid.UUID, dict[uuid.UUID, int]]:
    """How many persons of each QPV each référent of a Cité follows."""
    rows = db.session.execute(
        sa.select(Assignment.referent_id, Person.qpv_id, sa.func.count())
        .join(Parcours, its_assignments)
        .join(Person, its_person)
        .where(is_current_referent, is_open, Assignment.cite_id == cite_id, Person.qpv_id.is_not(None))
        .group_by(Assignment.referent_id, Person.qpv_id)
    )
    followed: dict[uuid.UUID, dict[uuid.UUID, int]] = {}
    for referent_id, qpv_id, count in rows:
        if referent_id and qpv_id:
            followed.setdefault(referent_id, {})[qpv_id] = count
    return followed


def candidates_among(
    loads: Sequence[Any], quarters: dict[uuid.UUID, dict[uuid.UUID, int]]
) -> list[Candidate]:
    """Those of `loads_of` who may be given somebody."""
    return [
        Candidate(
            row.user_id, row.name, row.organisation_id, row.organisation_name, row.load, row.capacity,
            quarters.get(row.user_id, {}),
        )
        for row in loads
        if row.is_here
    ]  # fmt: skip


def organisations_of(cite_id: uuid.UUID) -> Sequence[sa.Row[uuid.UUID, str]]:
    """The collective of a Cité: id and name, by name."""
    return db.session.execute(
        sa.select(Organisation.id, Organisation.name)
        .join(CollectiveMember, CollectiveMember.organisation_id == Organisation.id)
        .where(CollectiveMember.cite_id == cite_id)
        .order_by(sa.func.app.fold(Organisation.name))
    ).all()


def find_referent_target(cite_id: uuid.UUID, user_id: uuid.UUID) -> Target | None:
    """Where an attribution to somebody goes, if they are a référent of the Cité today."""
    row = db.session.execute(
        sa.select(User.id, Membership.organisation_id, User.email)
        .join(Membership, Membership.user_id == User.id)
        .where(
            User.id == user_id,
            User.disabled_at.is_(None),
            Membership.cite_id == cite_id,
            Membership.role == Role.REFERENT,
            is_current(),
        )
        .order_by(Membership.started_on, Membership.id)
        .limit(1)
    ).one_or_none()
    return Target(row.id, row.organisation_id, row.email) if row else None


def find_parcours(cite_id: uuid.UUID, parcours_id: uuid.UUID) -> Parcours | None:
    """A parcours of the Cité, whatever its status, to be given: whoever else would give it waits until this is over."""
    return db.session.scalar(
        sa.select(Parcours)
        .where(Parcours.id == parcours_id, Parcours.cite_id == cite_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


def batch_of(cite_id: uuid.UUID, batch_id: uuid.UUID) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """The attributions made at once: assignment, person's names, to whom, and who has them now."""
    now_current = aliased(Assignment)
    present, present_organisation = aliased(User), aliased(Organisation)
    return db.session.execute(
        sa.select(
            Assignment.id.label("assignment_id"),
            Assignment.person_id,
            Assignment.parcours_id,
            Assignment.started_at,
            Assignment.ended_at,
            Assignment.end_reason,
            Person.first_name,
            Person.last_name,
            _name.label("referent"),
            Organisation.name.label("organisation"),
            (present.first_name + " " + present.last_name).label("present"),
            present_organisation.name.label("present_organisation"),
        )
        .select_from(Assignment)
        .join(Person, Person.id == Assignment.person_id)
        .outerjoin(User, User.id == Assignment.referent_id)
        .outerjoin(Organisation, Organisation.id == Assignment.organisation_id)
        .outerjoin(
            now_current,
            sa.and_(
                now_current.parcours_id == Assignment.parcours_id,
                now_current.kind == AssignmentKind.REFERENT,
                now_current.ended_at.is_(None),
            ),
        )
        .outerjoin(present, present.id == now_current.referent_id)
        .outerjoin(present_organisation, present_organisation.id == now_current.organisation_id)
        .where(
            Assignment.batch_id == batch_id,
            Assignment.cite_id == cite_id,
            Assignment.kind == AssignmentKind.REFERENT,
        )
        .order_by(Person.last_name, Person.first_name, Assignment.id)
    ).all()


def names_of_parcours(
    cite_id: uuid.UUID, parcours_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, tuple[uuid.UUID, str]]:
    """Person and name behind parcours of the Cité; those of elsewhere are absent."""
    rows = db.session.execute(
        sa.select(Parcours.id, Person.id.label("person_id"), Person.first_name, Person.last_name)
        .join(Person, Person.id == Parcours.person_id)
        .where(Parcours.id.in_(parcours_ids), Parcours.cite_id == cite_id)
    )
    return {row.id: (row.person_id, " ".join(filter(None, (row.first_name, row.last_name)))) for row in rows}


def assignments_of_batch(cite_id: uuid.UUID, batch_id: uuid.UUID) -> Sequence[Assignment]:
    """The attributions made at once, always in the same order."""
    return db.session.scalars(
        sa.select(Assignment)
        .where(
            Assignment.batch_id == batch_id,
            Assignment.cite_id == cite_id,
            Assignment.kind == AssignmentKind.REFERENT,
        )
        .order_by(Assignment.parcours_id)
    ).all()


def find_replaced(assignment: Assignment) -> Assignment | None:
    """The attribution that ended in the very instant in which this one began."""
    return db.session.scalar(
        sa.select(Assignment)
        .where(
            Assignment.parcours_id == assignment.parcours_id,
            Assignment.kind == AssignmentKind.REFERENT,
            Assignment.ended_at == assignment.started_at,
            Assignment.id != assignment.id,
        )
        .limit(1)
    )


def team_of(parcours_id: uuid.UUID) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Référent and co-référents of a parcours, now and before: the present ones first, then the latest.

    `deputy` and `away_until` say who replaces one of the present ones today.
    """
    away = present_absences()
    return db.session.execute(
        sa.select(
            Assignment.id.label("assignment_id"),
            Assignment.kind,
            Assignment.referent_id,
            Assignment.started_at,
            Assignment.ended_at,
            Assignment.reason,
            Assignment.end_reason,
            _name.label("name"),
            Organisation.name.label("organisation"),
            away.c.deputy,
            away.c.ends_on.label("away_until"),
        )
        .select_from(Assignment)
        .outerjoin(User, User.id == Assignment.referent_id)
        .outerjoin(Organisation, Organisation.id == Assignment.organisation_id)
        .outerjoin(
            away,
            sa.and_(
                away.c.absent_id == Assignment.referent_id,
                away.c.cite_id == Assignment.cite_id,
                Assignment.ended_at.is_(None),
            ),
        )
        .where(Assignment.parcours_id == parcours_id)
        .order_by(
            Assignment.ended_at.desc().nulls_first(), Assignment.kind.desc(), Assignment.started_at.desc()
        )
    ).all()


def find_co_referent(parcours_id: uuid.UUID, assignment_id: uuid.UUID) -> Assignment | None:
    """A present co-référent of a parcours, held so that it ends once."""
    return db.session.scalar(
        sa.select(Assignment)
        .where(
            Assignment.id == assignment_id,
            Assignment.parcours_id == parcours_id,
            Assignment.kind == AssignmentKind.CO_REFERENT,
            Assignment.ended_at.is_(None),
        )
        .with_for_update()
    )


def entrusted_now(
    referent_id: uuid.UUID, *, batch_id: uuid.UUID | None = None, assignment_id: uuid.UUID | None = None
) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """What a letter to a new référent may still say: attributions that hold, in open parcours. For the worker.

    Columns: person_id, initials, kind, cite_name.
    """
    which = Assignment.batch_id == batch_id if batch_id else Assignment.id == assignment_id
    here = sa.exists().where(
        Membership.user_id == Assignment.referent_id,
        Membership.cite_id == Assignment.cite_id,
        Membership.role.in_((Role.REFERENT, Role.COORDINATOR)),
        is_current(),
    )
    return db.session.execute(
        sa.select(
            Assignment.person_id,
            sa.func.app.initials(Person.first_name, Person.last_name).label("initials"),
            Assignment.kind,
            Cite.name.label("cite_name"),
        )
        .select_from(Assignment)
        .join(Person, Person.id == Assignment.person_id)
        .join(Parcours, Parcours.id == Assignment.parcours_id)
        .join(Cite, Cite.id == Assignment.cite_id)
        .join(User, User.id == Assignment.referent_id)
        .where(
            which, Assignment.referent_id == referent_id, Assignment.ended_at.is_(None), is_open,
            User.disabled_at.is_(None), here,
        )
        .order_by(Assignment.started_at, Assignment.id)
    ).all()  # fmt: skip


def taken_back(
    referent_id: uuid.UUID, batch_id: uuid.UUID, end_reason: str
) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """What was undone of a batch for one référent who has not got it back since: initials. For the worker."""
    again = aliased(Assignment)
    returned = sa.exists().where(
        again.parcours_id == Assignment.parcours_id,
        again.referent_id == referent_id,
        again.ended_at.is_(None),
    )
    return db.session.execute(
        sa.select(sa.func.app.initials(Person.first_name, Person.last_name).label("initials"))
        .select_from(Assignment)
        .join(Person, Person.id == Assignment.person_id)
        .where(
            Assignment.batch_id == batch_id,
            Assignment.referent_id == referent_id,
            Assignment.end_reason == end_reason,
            ~returned,
        )
        .order_by(Assignment.started_at, Assignment.id)
    ).all()
