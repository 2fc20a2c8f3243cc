"""Writes about places: the reference, the QPV, the settings of a Cité, its perimeter, its collective."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from cityjobs.core.db import db
from cityjobs.territory import reference
from cityjobs.territory.contours import OfficialQpv
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
from cityjobs.territory.rules import CiteSettings, OrganisationFacts, QpvGeneration


@dataclass(frozen=True)
class Seeded:
    """How many Cités and QPV were missing and are now there."""

    cites: int
    qpvs: int


def seed_reference() -> Seeded:
    """Create the Cités and QPV of the reference that are missing; what exists is left as administrators made it."""
    known = set(db.session.scalars(sa.select(Qpv.code)))
    new_qpvs = [facts for facts in reference.QPVS if facts.code not in known]
    for qpv_facts in new_qpvs:
        qpv = Qpv(
            id=uuid.uuid4(),
            code=qpv_facts.code,
            name=qpv_facts.name,
            generation=QpvGeneration.Y2024,
            valid_from=date(2024, 1, 1),
        )
        db.session.add(qpv)
        db.session.add_all(
            QpvCommune(qpv_id=qpv.id, insee_code=code, name=reference.COMMUNES[code])
            for code in qpv_facts.communes.split()
        )
    db.session.flush()
    qpv_ids = {row.code: row.id for row in db.session.execute(sa.select(Qpv.code, Qpv.id))}
    known = set(db.session.scalars(sa.select(Cite.slug)))
    new_cites = [facts for facts in reference.CITES if facts.slug not in known]
    for cite_facts in new_cites:
        _create_cite(cite_facts, qpv_ids)
    db.session.flush()
    return Seeded(cites=len(new_cites), qpvs=len(new_qpvs))


def _create_cite(facts: reference.CiteFacts, qpv_ids: dict[str, uuid.UUID]) -> None:
    cite = Cite(
        id=uuid.uuid4(),
        slug=facts.slug,
        name=facts.name,
        programme_name=reference.PROGRAMME_NAME,
        labelled_year=facts.labelled_year,
        longitude=facts.longitude,
        latitude=facts.latitude,
    )
    db.session.add(cite)
    db.session.flush()
    for year in reference.national_years(facts.labelled_year):
        db.session.add(ProgrammeYear(cite_id=cite.id, year=year, envelope_euros=reference.envelope_of(year)))
    for code in facts.communes.split():
        db.session.add(CiteCommune(cite_id=cite.id, insee_code=code, name=reference.COMMUNES[code]))
    for code in facts.qpvs.split():
        db.session.add(CiteQpv(cite_id=cite.id, qpv_id=qpv_ids[code]))


# QPV


@dataclass
class Imported:
    """What became of each QPV of a file, by code."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)


def import_qpvs(official: Sequence[OfficialQpv]) -> Imported:
    """Create or update QPV from what was read of an official file; the rest of the country is left alone."""
    codes = [each.code for each in official]
    known = {qpv.code: qpv for qpv in db.session.scalars(sa.select(Qpv).where(Qpv.code.in_(codes)))}
    communes: dict[uuid.UUID, dict[str, str]] = {qpv.id: {} for qpv in known.values()}
    for row in db.session.scalars(sa.select(QpvCommune).where(QpvCommune.qpv_id.in_(communes))):
        communes[row.qpv_id][row.insee_code] = row.name
    imported = Imported()
    for each in official:
        qpv = known.get(each.code)
        if qpv is None:
            qpv = Qpv(id=uuid.uuid4(), code=each.code)
            db.session.add(qpv)
            outcome = imported.created
        else:
            outcome = imported.unchanged
        changed = _take_over(qpv, each)
        changed = _place_in_communes(qpv, each, communes.get(qpv.id, {})) or changed
        if changed and outcome is imported.unchanged:
            outcome = imported.updated
        outcome.append(each.code)
    db.session.flush()
    return imported


def _take_over(qpv: Qpv, official: OfficialQpv) -> bool:
    """Set the columns that differ; whether any did."""
    west, south, east, north = official.contour.box
    said: dict[str, Any] = {
        "name": official.name, "generation": official.generation, "valid_from": official.valid_from,
        "valid_until": official.valid_until, "contour": official.contour.geometry(),
        "west": west, "south": south, "east": east, "north": north,
    }  # fmt: skip
    changed = {name: value for name, value in said.items() if getattr(qpv, name) != value}
    for name, value in changed.items():
        setattr(qpv, name, value)
    return bool(changed)


def _place_in_communes(qpv: Qpv, official: OfficialQpv, known: dict[str, str]) -> bool:
    """Make the communes those of the file, when it names any; whether something changed."""
    said = dict(official.communes)
    if not said or said == known:
        return False
    db.session.flush()
    db.session.execute(sa.delete(QpvCommune).where(QpvCommune.qpv_id == qpv.id))
    db.session.execute(
        sa.insert(QpvCommune),
        [{"qpv_id": qpv.id, "insee_code": code, "name": name} for code, name in said.items()],
    )
    return True


# Settings and perimeter of a Cité


def change_settings(cite: Cite, said: CiteSettings) -> None:
    """Write the settings of a Cité; the version protects from overlapping edits."""
    cite.programme_name = said.programme_name
    cite.chef_de_file_id = said.chef_de_file_id
    cite.contrat_de_ville = said.contrat_de_ville
    cite.npnru = said.npnru
    cite.qrr = said.qrr
    cite.equip_emploi = said.equip_emploi
    cite.uses_commission = said.uses_commission
    cite.silence_days = said.silence_days
    cite.escalation_days = said.escalation_days
    cite.referent_capacity = said.referent_capacity


def add_year(cite_id: uuid.UUID, year: int, envelope_euros: int) -> bool:
    """Add a year of the programme; False when it is there already."""
    row = pg.insert(ProgrammeYear).values(cite_id=cite_id, year=year, envelope_euros=envelope_euros)
    return _wrote(row.on_conflict_do_nothing())


def change_envelope(year: ProgrammeYear, envelope_euros: int) -> None:
    """Correct the envelope of a year, in euros."""
    year.envelope_euros = envelope_euros


def remove_year(year: ProgrammeYear) -> None:
    """Take a year out of the programme."""
    db.session.delete(year)


def add_commune(cite_id: uuid.UUID, insee_code: str, name: str) -> bool:
    """Add a commune to the perimeter; False when it is there already."""
    row = pg.insert(CiteCommune).values(cite_id=cite_id, insee_code=insee_code, name=name)
    return _wrote(row.on_conflict_do_nothing())


def remove_commune(cite_id: uuid.UUID, insee_code: str) -> bool:
    """Take a commune out of the perimeter; False when it was not in it."""
    return _wrote(
        sa.delete(CiteCommune).where(CiteCommune.cite_id == cite_id, CiteCommune.insee_code == insee_code)
    )


def add_qpv(cite_id: uuid.UUID, qpv_id: uuid.UUID) -> bool:
    """Add a QPV to the perimeter; False when it is there already."""
    row = pg.insert(CiteQpv).values(cite_id=cite_id, qpv_id=qpv_id)
    return _wrote(row.on_conflict_do_nothing())


def remove_qpv(cite_id: uuid.UUID, qpv_id: uuid.UUID) -> bool:
    """Take a QPV out of the perimeter, and leave the answers given to persons; False when it was not in it."""
    return _wrote(sa.delete(CiteQpv).where(CiteQpv.cite_id == cite_id, CiteQpv.qpv_id == qpv_id))


# The collective


class NameTaken(Exception):
    """Another organisation was given this name in the same instant."""


def create_organisation(cite_id: uuid.UUID, said: OrganisationFacts) -> Organisation:
    """Write a new organisation and make it a member of the collective of a Cité. Raises NameTaken."""
    organisation = Organisation(id=uuid.uuid4())
    with _the_only_one_so_named():
        _describe(organisation, said)
        db.session.add(organisation)
    join_collective(cite_id, organisation.id)
    return organisation


def change_organisation(organisation: Organisation, said: OrganisationFacts) -> None:
    """Write what is known of an organisation, for every Cité where it works. Raises NameTaken."""
    with _the_only_one_so_named():
        _describe(organisation, said)


@contextmanager
def _the_only_one_so_named() -> Iterator[None]:
    try:
        with db.session.begin_nested():
            yield
    except sa.exc.IntegrityError:
        raise NameTaken from None


def _describe(organisation: Organisation, said: OrganisationFacts) -> None:
    organisation.name = said.name
    organisation.family = said.family
    organisation.kind = said.kind
    organisation.is_sensitive = said.is_sensitive
    organisation.phone = said.phone
    organisation.email = said.email


def join_collective(cite_id: uuid.UUID, organisation_id: uuid.UUID) -> bool:
    """Make an organisation a member of the collective of a Cité; False when it is one already."""
    row = pg.insert(CollectiveMember).values(cite_id=cite_id, organisation_id=organisation_id)
    return _wrote(row.on_conflict_do_nothing())


def _wrote(statement: sa.Insert | sa.Delete) -> bool:
    """Whether an insert or a delete found a row to write."""
    return db.session.execute(statement.returning(sa.literal(True))).first() is not None
