"""Reads of the diagnosis: its versions, the freins as they stand, how they stood."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import aliased

from cityjobs.accounts.models import Draft, User
from cityjobs.core.db import HERE, acting, db
from cityjobs.diagnosis.models import Diagnosis, Frein, FreinReading
from cityjobs.diagnosis.rules import (
    FreinOwner,
    FreinStatus,
    Portrait,
    Progress,
    Reading,
    progress,
)
from cityjobs.parcours.models import Parcours
from cityjobs.people.models import Person
from cityjobs.vocabulary.models import ListItem
from cityjobs.vocabulary.rules import ListName

PORTRAIT = tuple(Portrait.__dataclass_fields__)


@cache
def _case() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(Person, Parcours)
        .join(Parcours, sa.and_(Parcours.person_id == Person.id, Parcours.cite_id == Person.cite_id))
        .where(Person.id == sa.bindparam("person_id", type_=sa.Uuid()), Person.cite_id == HERE)
        .order_by(Parcours.ended_on.is_not(None), Parcours.spotted_on.desc(), Parcours.created_at.desc())
        .limit(1)
    )


def find_case(person_id: uuid.UUID) -> tuple[Person, Parcours] | None:
    """A person of the Cité being worked in with their present parcours; None when out of sight."""
    row = db.session.execute(_case(), {"person_id": person_id}).one_or_none()
    return (row[0], row[1]) if row else None


def draft_key(person_id: uuid.UUID) -> str:
    """Under which name the diagnosis being filled with a person is kept."""
    return f"diagnostic:{person_id}"


@dataclass(frozen=True)
class Version:
    """One version of the diagnosis, who began it, and what whoever asks was typing in it."""

    diagnosis: Diagnosis
    author: str
    draft: Draft | None = None


def versions_of(parcours: Parcours) -> list[Version]:
    """Every version of the diagnosis of a parcours, the first one first."""
    rows = db.session.execute(
        sa.select(Diagnosis, User.first_name + " " + User.last_name, Draft)
        .join(User, User.id == Diagnosis.author_id)
        .outerjoin(
            Draft,
            sa.and_(
                Draft.author_id == acting().user_id,
                Draft.form == draft_key(parcours.person_id),
                Diagnosis.finished_on.is_(None),
            ),
        )
        .where(
            Diagnosis.parcours_id == parcours.id,
            Diagnosis.person_id == parcours.person_id,
            Diagnosis.cite_id == acting().cite_id,
        )
        .order_by(Diagnosis.number)
    )
    return [Version(*row) for row in rows]


def find_open_diagnosis(parcours: Parcours) -> Diagnosis | None:
    """The version being filled, held against other writers."""
    return db.session.scalar(
        sa.select(Diagnosis)
        .where(
            Diagnosis.parcours_id == parcours.id,
            Diagnosis.cite_id == acting().cite_id,
            Diagnosis.finished_on.is_(None),
        )
        .with_for_update(key_share=True)
    )


def portrait_of(diagnosis: Diagnosis) -> Portrait:
    """What a version says besides the freins, as plain values."""
    return Portrait(**{name: getattr(diagnosis, name) for name in PORTRAIT})


def freins_of(parcours: Parcours, *, to_change: bool = False) -> dict[str, Frein]:
    """The freins of a parcours as they stand, by code; those never spoken of have no row."""
    wanted = (
        sa.select(Frein)
        .where(
            Frein.parcours_id == parcours.id,
            Frein.person_id == parcours.person_id,
            Frein.cite_id == acting().cite_id,
        )
        .order_by(Frein.code)
    )
    rows = db.session.scalars(wanted.with_for_update(key_share=True) if to_change else wanted)
    return {frein.code: frein for frein in rows}


def find_frein(person_id: uuid.UUID, frein_id: uuid.UUID, *, to_change: bool = False) -> Frein | None:
    """A frein of this very person; None when out of sight. `to_change` makes overlapping writers wait."""
    wanted = sa.select(Frein).where(
        Frein.id == frein_id, Frein.person_id == person_id, Frein.cite_id == acting().cite_id
    )
    return db.session.scalar(wanted.with_for_update(key_share=True) if to_change else wanted)


@dataclass(frozen=True)
class FreinThen:
    """How a frein stood in a version, beside the frein as it stands now."""

    reading: FreinReading
    now: Frein | None


def readings_of(diagnoses: Sequence[Diagnosis]) -> dict[uuid.UUID, dict[str, FreinThen]]:
    """How freins stood in some versions: by version, then by code."""
    is_same = sa.and_(
        Frein.parcours_id == Diagnosis.parcours_id,
        Frein.cite_id == Diagnosis.cite_id,
        Frein.code == FreinReading.code,
    )
    rows = db.session.execute(
        sa.select(FreinReading, Frein)
        .join(Diagnosis, Diagnosis.id == FreinReading.diagnosis_id)
        .outerjoin(Frein, is_same)
        .where(
            FreinReading.diagnosis_id.in_([each.id for each in diagnoses]),
            FreinReading.cite_id == acting().cite_id,
        )
    )
    found: dict[uuid.UUID, dict[str, FreinThen]] = {each.id: {} for each in diagnoses}
    for reading, now in rows:
        found[reading.diagnosis_id][reading.code] = FreinThen(reading, now)
    return found


def stands_at(
    parcours: Parcours, diagnoses: Sequence[Diagnosis], *, and_now: bool
) -> dict[uuid.UUID | None, dict[str, Reading]]:
    """How freins stood in some versions and, under None when asked, how they stand now: in one question."""
    then = sa.select(
        FreinReading.diagnosis_id, FreinReading.code, FreinReading.status, FreinReading.severity
    ).where(
        FreinReading.diagnosis_id.in_([each.id for each in diagnoses]),
        FreinReading.cite_id == acting().cite_id,
    )
    now = sa.select(sa.null(), Frein.code, Frein.status, Frein.severity).where(
        Frein.parcours_id == parcours.id, Frein.cite_id == acting().cite_id
    )
    found: dict[uuid.UUID | None, dict[str, Reading]] = {each.id: {} for each in diagnoses} | {None: {}}
    for where, code, status, severity in db.session.execute(then.union_all(now) if and_now else then):
        found[where][code] = Reading(FreinStatus(status), severity)
    return found


def reading_of(row: Frein | FreinReading) -> Reading:
    """How a frein stands, or stood, as plain values."""
    return Reading(FreinStatus(row.status), row.severity)


# For the file


@dataclass(frozen=True)
class PresentFrein:
    """One frein as the file shows it; `progress` is what became of it since the last finished version."""

    id: uuid.UUID
    code: str
    label: str
    is_sensitive: bool
    status: FreinStatus
    severity: int | None
    is_priority: bool
    owner: FreinOwner | None
    identified_on: date | None
    settled_on: date | None
    version: int
    progress: Progress | None
    situations: tuple[str, ...]
    """In words."""


@cache
def freins_question() -> sa.Select[*tuple[Any, ...]]:
    """What `freins_from` reads, about the parcours `parcours_id`: those still there first, then by weight."""
    of_parcours = sa.bindparam("parcours_id", type_=sa.Uuid())
    last = (
        sa.select(Diagnosis.id)
        .where(Diagnosis.parcours_id == of_parcours, Diagnosis.finished_on.is_not(None))
        .order_by(Diagnosis.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    return (
        sa.select(
            Frein.id, Frein.code, ListItem.label, ListItem.is_sensitive, Frein.status, Frein.severity, Frein.is_priority,
            Frein.owner, Frein.identified_on, Frein.settled_on, Frein.version, FreinReading.status.label("status_then"),
            FreinReading.severity.label("severity_then"), _situations_in_words().label("situations"),
        )
        .join(
            ListItem,
            sa.and_(ListItem.list == ListName.FREIN, ListItem.code == Frein.code, ListItem.cite_id.is_(None)),
        )
        .outerjoin(FreinReading, sa.and_(FreinReading.diagnosis_id == last, FreinReading.code == Frein.code))
        .where(Frein.parcours_id == of_parcours, Frein.cite_id == HERE)
        .order_by(
            Frein.status.in_([FreinStatus.IDENTIFIE, FreinStatus.EN_COURS]).desc(),
            Frein.is_priority.desc(),
            Frein.severity.desc().nulls_last(),
            ListItem.rank,
        )
    )  # fmt: skip


def _situations_in_words() -> sa.ScalarSelect[Any]:
    told = aliased(ListItem)
    in_order = postgresql.aggregate_order_by(told.label, told.rank, told.label)
    return (
        sa.select(sa.func.array_agg(in_order, type_=postgresql.ARRAY(sa.Text)))
        .where(
            told.list == ListName.SITUATION,
            told.code == sa.any_(Frein.situations),
            sa.or_(told.cite_id.is_(None), told.cite_id == HERE),
        )
        .correlate(Frein)
        .scalar_subquery()
    )


def freins_from(rows: Sequence[Any]) -> list[PresentFrein]:
    """Rows of `freins_question`, as the freins spoken of in a parcours."""
    return [
        PresentFrein(
            row.id, row.code, row.label, row.is_sensitive, FreinStatus(row.status), row.severity, row.is_priority,
            FreinOwner(row.owner) if row.owner else None, row.identified_on, row.settled_on, row.version,
            progress(
                Reading(FreinStatus(row.status_then), row.severity_then) if row.status_then else None,
                Reading(FreinStatus(row.status), row.severity),
            ),
            tuple(row.situations or ()),
        )
        for row in rows
    ]  # fmt: skip
