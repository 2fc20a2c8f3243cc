"""Writes about a person: identity, contact, address, and where the answer about the QPV comes from."""

import uuid
from dataclasses import asdict
from datetime import date

from cityjobs.core.clock import now
from cityjobs.people.models import Person
from cityjobs.people.rules import Identity, QpvCheck, QpvReply
from cityjobs.territory.rules import QpvAnswer, QpvSource


def change_person(person: Person, identity: Identity, qpv: QpvCheck, *, today: date, by: uuid.UUID) -> None:
    """Keep new answers. A position found for another address is forgotten with it."""
    moved = (person.address, person.postcode, person.commune) != (
        identity.address,
        identity.postcode,
        identity.commune,
    )
    if moved:
        person.longitude = person.latitude = None
    for name, answer in asdict(identity).items():
        setattr(person, name, answer)
    answer_qpv(person, qpv, today=today, by=by)
    person.updated_at, person.updated_by_id = now(), by


def answer_qpv(person: Person, qpv: QpvCheck, *, today: date, by: uuid.UUID) -> None:
    """Keep whether the address is in a QPV with its provenance, which an unchanged answer does not lose."""
    present = QpvReply(QpvAnswer(person.qpv_answer or QpvAnswer.UNKNOWN), person.qpv_id)
    source = qpv.source or QpvSource.DECLARE
    same_source = qpv.source is None or qpv.source == person.qpv_source
    if qpv.reply == present and same_source and not qpv.again:
        return
    known = qpv.reply.answer is not QpvAnswer.UNKNOWN
    person.qpv_answer, person.qpv_id = qpv.reply.answer, qpv.reply.qpv_id
    person.qpv_source = source if known else None
    person.qpv_checked_on = today if known else None
    person.qpv_confirmed_by_id = by if known else None
