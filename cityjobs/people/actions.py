"""Writes about a person: identity, contact, address, where the answer about the QPV comes from, and who belongs with them."""

import uuid
from dataclasses import asdict
from datetime import date

import sqlalchemy as sa

from cityjobs.core.clock import now
from cityjobs.core.db import db
from cityjobs.people.models import Person, PersonLink
from cityjobs.people.rules import Identity, LinkKind, LinkRefused, QpvCheck, QpvReply, other_way
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


def tie(person: Person, other: Person, kind: LinkKind, *, by: uuid.UUID) -> PersonLink:
    """Tell what the other is for a person. Raises LinkRefused for oneself, or when they are tied already."""
    if person.id == other.id:
        raise LinkRefused("Choisissez une autre personne que celle de ce dossier.")
    first, second, told = (person, other, kind) if person.id < other.id else (other, person, other_way(kind))
    link = PersonLink(
        id=uuid.uuid4(),
        cite_id=person.cite_id,
        person_id=first.id,
        other_id=second.id,
        kind=told,
        created_by_id=by,
        created_at=now(),
    )
    try:
        with db.session.begin_nested():
            db.session.add(link)
            db.session.flush()
    except sa.exc.IntegrityError:
        raise LinkRefused(
            f"{other.display_name} est déjà dans ce foyer\u00a0: retirez d’abord le lien pour le dire autrement."
        ) from None
    return link


def untie(link_id: uuid.UUID) -> bool:
    """Undo a tie; False when somebody just did."""
    undone = sa.delete(PersonLink).where(PersonLink.id == link_id).returning(PersonLink.id)
    return db.session.scalar(undone) is not None
