"""Reads about places: a Cité and its settings, its perimeter, its collective, and whether a position is in a QPV."""

import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from cityjobs.core.db import acting, db
from cityjobs.territory.contours import (
    FAR,
    MARGIN,
    box_around,
    distance_to_boundary,
    is_inside,
    read_contour,
)
from cityjobs.territory.models import (
    Cite,
    CiteCommune,
    CiteQpv,
    CollectiveMember,
    Organisation,
    ProgrammeYear,
    Qpv,
    QpvCommune,
)
from cityjobs.territory.rules import (
    OTHER_PARTNER,
    SEES_SENSITIVE,
    QpvAnswer,
    QpvFinding,
    QpvGeneration,
    Sharing,
)

Rows = Sequence[sa.Row[*tuple[Any, ...]]]
_WAITING = {"key_share": True}
"""Held against other writers, not against rows being added that point here."""


def find_cite(cite_id: uuid.UUID, *, to_change: bool = False) -> Cite | None:
    """A Cité by its identifier. `to_change` makes overlapping writers wait."""
    return db.session.get(Cite, cite_id, with_for_update=_WAITING if to_change else None)


def years_of(cite_id: uuid.UUID) -> Sequence[ProgrammeYear]:
    """The years of the programme, the latest first."""
    return db.session.scalars(
        sa.select(ProgrammeYear).where(ProgrammeYear.cite_id == cite_id).order_by(ProgrammeYear.year.desc())
    ).all()


def find_year(cite_id: uuid.UUID, year: int, *, to_change: bool = False) -> ProgrammeYear | None:
    """One year of the programme. `to_change` makes overlapping writers wait: it has no version but its envelope."""
    return db.session.get(ProgrammeYear, (cite_id, year), with_for_update=_WAITING if to_change else None)


def communes_of(cite_id: uuid.UUID) -> Sequence[CiteCommune]:
    """The communes of the perimeter, by name."""
    return db.session.scalars(
        sa.select(CiteCommune)
        .where(CiteCommune.cite_id == cite_id)
        .order_by(sa.func.app.fold(CiteCommune.name), CiteCommune.insee_code)
    ).all()


# QPV


def _commune_names() -> sa.ScalarSelect[Any]:
    return (
        sa.select(sa.func.string_agg(QpvCommune.name, sa.text("', ' order by qpv_commune.name")))
        .where(QpvCommune.qpv_id == Qpv.id)
        .correlate(Qpv)
        .scalar_subquery()
    )


def perimeter_of(cite_id: uuid.UUID) -> Rows:
    """The QPV of the perimeter of every generation: id, code, name, generation, has_contour, communes."""
    return db.session.execute(
        sa.select(
            Qpv.id,
            Qpv.code,
            Qpv.name,
            Qpv.generation,
            Qpv.contour.is_not(None).label("has_contour"),
            _commune_names().label("communes"),
        )
        .join(CiteQpv, CiteQpv.qpv_id == Qpv.id)
        .where(CiteQpv.cite_id == cite_id)
        .order_by(Qpv.generation.desc(), sa.func.app.fold(Qpv.name), Qpv.code)
    ).all()


def qpvs_to_add(cite_id: uuid.UUID, sought: str, limit: int = 20) -> Rows:
    """Known QPV outside the perimeter whose code, name or commune holds the words sought: those near come first."""
    words = [f"%{word}%" for word in (db.session.scalar(sa.select(sa.func.app.fold(sought))) or "").split()]
    if not words:
        return []
    communes = _commune_names()
    haystack = sa.func.app.fold(Qpv.code + " " + Qpv.name + " " + sa.func.coalesce(communes, ""))
    theirs = sa.select(CiteQpv.qpv_id).where(CiteQpv.cite_id == cite_id)
    return db.session.execute(
        sa.select(Qpv.id, Qpv.code, Qpv.name, Qpv.generation, communes.label("communes"))
        .where(*(haystack.like(word) for word in words), Qpv.id.not_in(theirs))
        .order_by(_in_same_departement(cite_id).desc(), Qpv.generation.desc(), Qpv.code)
        .limit(limit)
    ).all()


def _in_same_departement(cite_id: uuid.UUID) -> sa.ColumnElement[bool]:
    """QN059… and 59512 are of the same one."""
    return sa.exists().where(
        CiteCommune.cite_id == cite_id,
        sa.func.substr(CiteCommune.insee_code, 1, 2) == sa.func.substr(Qpv.code, 4, 2),
    )


def find_qpv(qpv_id: uuid.UUID) -> Qpv | None:
    """A QPV by its identifier."""
    return db.session.get(Qpv, qpv_id)


def find_qpv_answer(
    longitude: float,
    latitude: float,
    precise: bool = True,
    generation: int = QpvGeneration.Y2024,
) -> QpvFinding:
    """Whether a position is in a QPV of a generation: inside, outside, to check, or unknown.

    To check: under 20 m from a boundary, or when the address is not `precise` (a street, a commune). Unknown: no
    contour was imported anywhere near.
    """
    wanted = QpvGeneration(generation)
    nearby = [
        (is_inside(longitude, latitude, contour), distance_to_boundary(longitude, latitude, contour), row)
        for row in _contours_near(box_around(longitude, latitude, MARGIN), wanted)
        for contour in (read_contour(row.contour),)
    ]
    nearby = [each for each in nearby if each[0] or each[1] < MARGIN]
    if nearby:
        inside, distance, row = min(nearby, key=lambda each: (not each[0], each[1] < MARGIN, each[1]))
        sure = inside and distance >= MARGIN and precise
        answer = QpvAnswer.INSIDE if sure else QpvAnswer.TO_CHECK
        return QpvFinding(answer, wanted, row.id, row.code, row.name, distance)
    if not _any_contour_around(longitude, latitude, wanted):
        return QpvFinding(QpvAnswer.UNKNOWN, wanted)
    return QpvFinding(QpvAnswer.OUTSIDE if precise else QpvAnswer.TO_CHECK, wanted)


def _contours_near(box: tuple[float, float, float, float], generation: int) -> Rows:
    return db.session.execute(
        sa.select(Qpv.id, Qpv.code, Qpv.name, Qpv.contour)
        .where(*_meets(box), Qpv.generation == generation, Qpv.contour.is_not(None))
        .order_by(Qpv.code)
    ).all()


def _any_contour_around(longitude: float, latitude: float, generation: int) -> bool:
    box = (longitude - FAR, latitude - FAR, longitude + FAR, latitude + FAR)
    wanted = sa.exists().where(*_meets(box), Qpv.generation == generation, Qpv.contour.is_not(None))
    return bool(db.session.scalar(sa.select(wanted)))


def _meets(box: tuple[float, float, float, float]) -> tuple[sa.ColumnElement[bool], ...]:
    west, south, east, north = box
    return Qpv.west <= east, Qpv.east >= west, Qpv.south <= north, Qpv.north >= south


# Maps


# The collective


_is_kept_from_asker = sa.bindparam(
    "is_kept_from_asker", callable_=lambda: acting().role not in SEES_SENSITIVE, type_=sa.Boolean()
)


def shown_name_of(organisation: type[Organisation]) -> sa.ColumnElement[str]:
    """The name of an organisation as whoever asks may read it (rules.shown_name, in SQL); a task reads as anybody."""
    is_hidden = sa.and_(organisation.is_sensitive, _is_kept_from_asker)
    return sa.case((is_hidden, sa.literal(OTHER_PARTNER)), else_=organisation.name)


def is_in_collective(cite_id: uuid.UUID) -> sa.ColumnElement[bool]:
    """Organisations that take part in the collective of a Cité."""
    return Organisation.id.in_(
        sa.select(CollectiveMember.organisation_id).where(CollectiveMember.cite_id == cite_id)
    )


def organisations_of(cite_id: uuid.UUID) -> Sequence[Organisation]:
    """The whole collective, by name."""
    return db.session.scalars(
        sa.select(Organisation).where(is_in_collective(cite_id)).order_by(sa.func.app.fold(Organisation.name))
    ).all()


def listed_organisations(cite_id: uuid.UUID, sought: str = "", family: str | None = None) -> sa.Select[Any]:
    """The collective, by family then name, whose name holds every word sought."""
    chosen = sa.select(Organisation).where(is_in_collective(cite_id))
    if family:
        chosen = chosen.where(Organisation.family == family)
    for word in sought.split():
        folded = sa.func.app.fold(word)
        chosen = chosen.where(sa.func.app.fold(Organisation.name).contains(folded, autoescape=False))
    return chosen.order_by(Organisation.family, sa.func.app.fold(Organisation.name), Organisation.id)


def families_of(cite_id: uuid.UUID, sought: str = "") -> dict[str, int]:
    """How many organisations of each family match the words sought."""
    rows = listed_organisations(cite_id, sought).order_by(None).subquery()
    counted = sa.select(rows.c.family, sa.func.count().label("count")).group_by(rows.c.family)
    return {row[0]: row[1] for row in db.session.execute(counted)}


def find_organisation(
    cite_id: uuid.UUID, organisation_id: uuid.UUID, *, to_change: bool = False
) -> Organisation | None:
    """An organisation of the collective of a Cité; None when it is not one. `to_change` makes writers wait."""
    wanted = sa.select(Organisation).where(Organisation.id == organisation_id, is_in_collective(cite_id))
    return db.session.scalar(wanted.with_for_update(key_share=True) if to_change else wanted)


def find_organisation_named(name: str) -> Organisation | None:
    """The organisation that has this name wherever it works, accents and case ignored."""
    return db.session.scalar(
        sa.select(Organisation)
        .where(sa.func.app.fold(Organisation.name) == sa.func.app.fold(name))
        .order_by(Organisation.created_at)
        .limit(1)
    )


def sharing_of(organisation_id: uuid.UUID, cite_id: uuid.UUID) -> Sharing:
    """Which Cités an organisation works with besides this one, and which of them keeps what it is."""
    rows = db.session.execute(
        sa.select(CollectiveMember.cite_id, CollectiveMember.is_keeper, Cite.name)
        .join(Cite, Cite.id == CollectiveMember.cite_id)
        .where(CollectiveMember.organisation_id == organisation_id)
    ).all()
    keeper = next((row for row in rows if row.is_keeper), None)
    return Sharing(
        others=sum(row.cite_id != cite_id for row in rows),
        is_keeper=keeper is not None and keeper.cite_id == cite_id,
        kept_by=keeper.name if keeper else None,
    )
