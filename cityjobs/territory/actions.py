"""Writes about places: the reference, the settings of a Cité, its perimeter, its collective."""

import uuid
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from cityjobs.core.db import db
from cityjobs.territory import reference
from cityjobs.territory.models import Cite, CiteCommune, CiteQpv, ProgrammeYear, Qpv, QpvCommune
from cityjobs.territory.rules import QpvGeneration


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
    qpv_ids = dict(db.session.execute(sa.select(Qpv.code, Qpv.id)).tuples().all())
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
