"""Writes of the diagnosis: beginning a version, saving it as one goes, finishing it, moving one frein."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from sqlalchemy.exc import IntegrityError

from cityjobs.core.clock import now
from cityjobs.core.db import constraint_of, db
from cityjobs.diagnosis.models import Diagnosis, Frein, FreinReading
from cityjobs.diagnosis.queries import PORTRAIT, portrait_of
from cityjobs.diagnosis.rules import (
    PRESENT_STATUSES,
    FreinDays,
    FreinOwner,
    FreinStand,
    FreinStatus,
    Portrait,
    days_after,
    finish_refusal,
    frein_refusal,
)
from cityjobs.parcours.models import Parcours


class Refused(Exception):
    """It cannot be so; the message is a whole French sentence."""


def begin_diagnosis(
    parcours: Parcours, former: Diagnosis | None, *, author_id: uuid.UUID, today: date
) -> bool:
    """Open a version, a copy of the former one; False when one was opened meanwhile."""
    begun = Diagnosis(
        id=uuid.uuid4(),
        **parcours.ties,
        number=former.number + 1 if former else 1,
        opened_on=today,
        author_id=author_id,
        **(vars(portrait_of(former)) | {"rome_code": former.rome_code} if former else {}),
    )
    try:
        with db.session.begin_nested():
            db.session.add(begun)
    except IntegrityError as failure:
        constraint = constraint_of(failure)
        if constraint not in ("uq_diagnosis_open", "diagnosis_parcours_id_number_key"):
            raise
        return False
    return True


def stand_in(frein: Frein | None) -> FreinStand:
    """What is kept of a frein, as plain values."""
    if frein is None:
        return FreinStand(FreinStatus.NON_ABORDE)
    return FreinStand(
        FreinStatus(frein.status),
        frein.severity,
        frein.is_priority,
        FreinOwner(frein.owner) if frein.owner else None,
        tuple(frein.situations),
    )


def save_portrait(diagnosis: Diagnosis, portrait: Portrait, *, rome_code: str | None) -> bool:
    """Keep what a version says besides the freins; False when nothing differs."""
    if portrait == portrait_of(diagnosis) and rome_code == diagnosis.rome_code:
        return False
    for name in PORTRAIT:
        setattr(diagnosis, name, getattr(portrait, name))
    diagnosis.rome_code = rome_code
    return True


def save_freins(
    parcours: Parcours,
    freins: Mapping[str, Frein],
    stands: Mapping[str, FreinStand],
    *,
    by: uuid.UUID,
    today: date,
) -> int:
    """Keep what was said of each frein; returns how many changed. Whoever calls checked each move."""
    changed = 0
    for code, stand in stands.items():
        frein = freins.get(code)
        if stand == stand_in(frein):
            continue
        changed += 1
        if frein is None:
            frein = Frein(
                id=uuid.uuid4(),
                **parcours.ties,
                code=code,
                status=FreinStatus.NON_ABORDE,
            )
            db.session.add(frein)
        _write(frein, stand, on=today, by=by)
    return changed


def _write(frein: Frein, stand: FreinStand, *, on: date, by: uuid.UUID) -> None:
    days = days_after(
        FreinStatus(frein.status), FreinDays(frein.identified_on, frein.settled_on), stand.status, on
    )
    frein.status, frein.severity, frein.is_priority = stand.status, stand.severity, stand.is_priority
    frein.owner, frein.situations = stand.owner, list(stand.situations)
    frein.identified_on, frein.settled_on = days.identified_on, days.settled_on
    frein.recorded_by_id, frein.recorded_at = by, now()


def finish_diagnosis(diagnosis: Diagnosis, stands: Mapping[str, FreinStand], *, today: date) -> None:
    """Close a version: how each frein stands now is kept beside it, and neither changes any more. Raises Refused."""
    refused = finish_refusal(stands)
    if refused:
        raise Refused(refused)
    _finish(diagnosis, stands, on=today)


def close_diagnosis(diagnosis: Diagnosis, stands: Mapping[str, FreinStand], *, on: date) -> None:
    """Close a version as it stands, with its parcours, even when little was said; not before the day it was begun."""
    _finish(diagnosis, stands, on=max(on, diagnosis.opened_on))


def _finish(diagnosis: Diagnosis, stands: Mapping[str, FreinStand], *, on: date) -> None:
    diagnosis.finished_on = on
    db.session.add_all(
        FreinReading(
            cite_id=diagnosis.cite_id,
            person_id=diagnosis.person_id,
            diagnosis_id=diagnosis.id,
            code=code,
            status=stand.status,
            severity=stand.severity,
            is_priority=stand.is_priority,
        )
        for code, stand in stands.items()
        if stand.status is not FreinStatus.NON_ABORDE
    )


def move_frein(
    frein: Frein,
    becomes: FreinStatus,
    *,
    on: date,
    by: uuid.UUID,
    severity: int | None = None,
) -> bool:
    """Move one frein on a day, outside of any version; False when nothing differs. Raises Refused.

    `severity` 1 to 3 says how heavy it now is; None leaves it. Whoever calls holds the row and checked that `on`
    is not in the future.
    """
    former = FreinStatus(frein.status)
    refused = frein_refusal(former, becomes, on=on, identified_on=_known_since(frein, becomes))
    if refused:
        raise Refused(refused)
    stand = stand_in(frein)
    moved = replace(stand, status=becomes, severity=severity or stand.severity)
    if becomes is FreinStatus.SANS_OBJET:
        moved = FreinStand(becomes, owner=stand.owner)
    if moved == stand:
        return False
    _write(frein, moved, on=on, by=by)
    return True


def _known_since(frein: Frein, becomes: FreinStatus) -> date | None:
    """The day before which this move cannot be: a frein that comes back does not come back before it was settled."""
    returns = becomes in PRESENT_STATUSES and frein.settled_on is not None
    return frein.settled_on if returns else frein.identified_on
