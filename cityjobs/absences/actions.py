"""Writes about absences: said, ended early. The clock ends the others: nothing is stored for it."""

import uuid
from datetime import date

import sqlalchemy as sa

from cityjobs.absences.queries import caseworkers, find_overlapping, find_replacing
from cityjobs.absences.rules import AbsenceRefused, Days, check_days
from cityjobs.core.clock import now
from cityjobs.core.db import constraint_of, db
from cityjobs.core.web import day
from cityjobs.parcours.models import Absence

GONE = "Cette personne ne suit plus personne dans la Cité\u00a0: choisissez-en une autre."
SAID = "Une autre absence vient d’être dite pour ces jours\u00a0: rechargez la page."


def say_absence(
    cite_id: uuid.UUID, absent_id: uuid.UUID, deputy_id: uuid.UUID, days: Days, *, on: date, by: uuid.UUID
) -> Absence:
    """Say who is away and who replaces them; nothing is reassigned. Raises AbsenceRefused."""
    check_days(days, on)
    if absent_id == deputy_id:
        raise AbsenceRefused("deputy", "On ne se remplace pas soi-même\u00a0: choisissez un collègue.")
    working = {row.id for row in caseworkers(cite_id)}
    for field, user_id in (("absent", absent_id), ("deputy", deputy_id)):
        if user_id not in working:
            raise AbsenceRefused(field, GONE)
    known = find_overlapping(absent_id, days)
    if known:
        raise AbsenceRefused(
            "starts_on",
            f"Une absence est déjà dite {_in_words(known)}\u00a0: rendez-la d’abord, ou changez les dates.",
        )
    counted_on = find_replacing(absent_id, days)
    if counted_on:
        raise AbsenceRefused(
            "starts_on",
            f"Un remplacement est prévu {_in_words(counted_on)}\u00a0: il ne tiendrait plus. "
            "Rendez-le d’abord pour qu’un autre collègue le prenne, ou changez les dates.",
        )
    away = find_overlapping(deputy_id, days)
    if away:
        raise AbsenceRefused(
            "deputy",
            f"Cette personne est elle-même absente {_in_words(away)}\u00a0: choisissez quelqu’un qui est là.",
        )
    absence = Absence(
        id=uuid.uuid4(),
        cite_id=cite_id,
        absent_id=absent_id,
        deputy_id=deputy_id,
        starts_on=days.starts_on,
        ends_on=days.ends_on,
        created_by_id=by,
        created_at=now(),
    )
    try:
        with db.session.begin_nested():
            db.session.add(absence)
            db.session.flush()
    except sa.exc.IntegrityError as refused:  # said, or gone, in the very instant
        which = constraint_of(refused)
        if which == "ck_absence_members":
            raise AbsenceRefused("deputy", GONE) from None
        raise AbsenceRefused("starts_on", SAID) from None
    return absence


def _in_words(days: Days) -> str:
    return f"du {day(days.starts_on)} au {day(days.ends_on)}"


def end_absence(absence: Absence, *, by: uuid.UUID) -> None:
    """Hand back at once: the deputy's next request no longer finds the persons. Before it begins, call it off."""
    absence.ended_early_at, absence.ended_by_id = now(), by
