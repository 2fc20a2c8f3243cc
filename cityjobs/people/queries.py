"""Reads about persons: one by its identifier, those who are sought, those who look alike, the neighbourhoods offered."""

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa

from cityjobs.accounts.models import User
from cityjobs.core.db import HERE, acting, db
from cityjobs.people.models import Person, PersonLink
from cityjobs.people.rules import LinkKind, Sought, other_way, why_alike
from cityjobs.territory.models import CiteQpv, Qpv


def found_people() -> sa.TableValuedAlias:
    """A table of person_id and closeness (0.45 to 1) of whoever may be sought in the Cité being worked in.

    What is sought is given with the statement: `asdict` of a Sought.
    """
    return sa.func.app.find_people(
        sa.cast(sa.bindparam("names"), sa.Text),
        sa.cast(sa.bindparam("phone"), sa.Text),
        sa.cast(sa.bindparam("email"), sa.Text),
        sa.cast(sa.bindparam("birth_date"), sa.Date),
    ).table_valued(sa.column("person_id", sa.Uuid), sa.column("closeness", sa.Float), name="found")


def people_sought(sought: Sought) -> Sequence[sa.Row[Any]]:
    """The dozen persons nearest to what is sought, masked where whoever asks may not open the file.

    person_id, is_visible, shown_name, shown_birth_date, status, waits_since, referent, organisation, closeness.
    """
    if not sought:
        return []
    asked = {
        "names": sought.names,
        "phone": sought.phone,
        "email": sought.email,
        "birth_date": sought.birth_date,
    }
    return db.session.execute(
        sa.text(
            "select * from app.people_sought(:names, cast(:phone as text), cast(:email as text), cast(:birth_date as date))"
        ),
        asked,
    ).all()


def people_in_sight(sought: Sought, *, but_not: uuid.UUID) -> Sequence[Any]:
    """The dozen persons nearest to what is sought whose file may be opened: id, first_name, last_name, birth_date."""
    if not sought:
        return []
    found = found_people()
    return db.session.execute(
        sa.select(Person.id, Person.first_name, Person.last_name, Person.birth_date)
        .join(found, found.c.person_id == Person.id)
        .where(Person.cite_id == HERE, Person.id != but_not)
        .order_by(found.c.closeness.desc(), Person.sort_name, Person.id)
        .limit(12),
        asdict(sought),
    ).all()


@dataclass(frozen=True)
class LookAlike:
    """A file that may be of the person being entered, and why; masked where it may not be opened."""

    person_id: uuid.UUID
    is_visible: bool
    shown_name: str
    shown_birth_date: date | None
    status: str | None
    referent: str | None
    organisation: str | None
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Quarter:
    """A QPV as it is offered in a list."""

    id: uuid.UUID
    name: str


def look_alikes_of(
    names: str,
    *,
    phone: str | None = None,
    second_phone: str | None = None,
    email: str | None = None,
    birth_date: date | None = None,
    but_not: uuid.UUID | None = None,
) -> list[LookAlike]:
    """Files of the Cité that look like these answers, the likeliest first."""
    rows = db.session.execute(
        sa.text(
            "select * from app.look_alikes(:names, cast(:phone as text), cast(:second_phone as text),"
            " cast(:email as text), cast(:birth_date as date), cast(:but_not as uuid))"
        ),
        {
            "names": names,
            "phone": phone,
            "second_phone": second_phone,
            "email": email,
            "birth_date": birth_date,
            "but_not": but_not,
        },
    ).all()
    return [
        LookAlike(
            row.person_id,
            row.is_visible,
            row.shown_name,
            row.shown_birth_date,
            row.status,
            row.referent or None,
            row.organisation,
            tuple(
                why_alike(
                    same_phone=row.same_phone,
                    same_email=row.same_email,
                    same_birth_date=row.same_birth_date,
                    closeness=row.closeness,
                )
            ),
        )
        for row in rows
    ]


def find_person(person_id: uuid.UUID, *, to_change: bool = False) -> Person | None:
    """A person of the Cité being worked in; None when out of sight. `to_change` makes overlapping writers wait."""
    wanted = sa.select(Person).where(Person.id == person_id, Person.cite_id == acting().cite_id)
    return db.session.scalar(wanted.with_for_update() if to_change else wanted)


def quarters_of(cite_id: uuid.UUID | None, on: date) -> list[Quarter]:
    """The QPV of a Cité's perimeter that hold on a day, in order of names."""
    rows = db.session.execute(
        sa.select(Qpv.id, Qpv.name)
        .join(CiteQpv, CiteQpv.qpv_id == Qpv.id)
        .where(
            CiteQpv.cite_id == cite_id,
            Qpv.valid_from <= on,
            sa.or_(Qpv.valid_until.is_(None), Qpv.valid_until >= on),
        )
        .order_by(sa.func.app.fold(Qpv.name), Qpv.code)
    )
    return [Quarter(key, name) for key, name in rows]


def find_name_of(user_id: uuid.UUID | None) -> str | None:
    """First and last name of a professional."""
    if user_id is None:
        return None
    return db.session.scalar(sa.select(User.first_name + " " + User.last_name).where(User.id == user_id))


def find_quarter(qpv_id: uuid.UUID) -> str | None:
    """The name of a QPV, of whatever generation."""
    return db.session.scalar(sa.select(Qpv.name).where(Qpv.id == qpv_id))


# Households


@dataclass(frozen=True)
class Kin:
    """Somebody tied to a person, and what they are for them."""

    link_id: uuid.UUID
    person_id: uuid.UUID
    first_name: str
    last_name: str | None
    kind: LinkKind

    @property
    def display_name(self) -> str:
        """First and last name, as known."""
        return " ".join(filter(None, (self.first_name, self.last_name)))


@cache
def household_of() -> sa.Select[*tuple[Any, ...]]:
    """Who is tied to `person_id` and may be seen: link_id, person_id, first_name, last_name, kind (for that person).

    Built once; `kin_of` reads its rows, which may also come from a trip made with other questions.
    """
    person_id = sa.bindparam("person_id", type_=sa.Uuid())
    forward = sa.select(PersonLink.id, PersonLink.other_id.label("kin_id"), PersonLink.kind).where(
        PersonLink.person_id == person_id, PersonLink.cite_id == HERE
    )
    turned = sa.case(
        *(
            (PersonLink.kind == kind, other_way(kind).value)
            for kind in LinkKind
            if other_way(kind) is not kind
        ),
        else_=PersonLink.kind,
    )
    backward = sa.select(PersonLink.id, PersonLink.person_id.label("kin_id"), turned.label("kind")).where(
        PersonLink.other_id == person_id, PersonLink.cite_id == HERE
    )
    ties = sa.union_all(forward, backward).subquery("ties")
    return (
        sa.select(
            ties.c.id.label("link_id"),
            Person.id.label("person_id"),
            Person.first_name,
            Person.last_name,
            ties.c.kind,
        )
        .select_from(ties)
        .join(Person, sa.and_(Person.id == ties.c.kin_id, Person.cite_id == HERE))
        .order_by(Person.sort_name, Person.id)
    )


def kin_of(rows: Sequence[Any]) -> list[Kin]:
    """Rows of `household_of`."""
    return [
        Kin(row.link_id, row.person_id, row.first_name, row.last_name, LinkKind(row.kind)) for row in rows
    ]


def find_household(person_id: uuid.UUID) -> list[Kin]:
    """Who is tied to a person and may be seen, by name; one query."""
    return kin_of(db.session.execute(household_of(), {"person_id": person_id}).all())


def find_link(person_id: uuid.UUID, link_id: uuid.UUID) -> PersonLink | None:
    """A tie of this very person, to be undone; None when out of sight."""
    return db.session.scalar(
        sa.select(PersonLink).where(
            PersonLink.id == link_id,
            sa.or_(PersonLink.person_id == person_id, PersonLink.other_id == person_id),
            PersonLink.cite_id == acting().cite_id,
        )
    )
