"""Closing a parcours well: how it ends, what that counts as, what is still open, what became of the person."""

import uuid
from dataclasses import replace
from datetime import date
from typing import Any

from flask import Blueprint, abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError

from cityjobs.accounts.rules import Professional
from cityjobs.core.audit import record_reading
from cityjobs.core.clock import today
from cityjobs.core.db import constraint_of, db
from cityjobs.core.permissions import Permission, requires, signed_in
from cityjobs.core.web import redirect_after
from cityjobs.desk.forms import CloseForm, closing_form
from cityjobs.desk.leftovers import Leftover, given_up, leftovers_of, settle
from cityjobs.parcours.actions import MoveRefused, move_parcours, take_snapshot
from cityjobs.parcours.models import Job, Parcours
from cityjobs.parcours.queries.exits import Reading, find_reading_in_force
from cityjobs.parcours.queries.life import find_current_job, find_custom, find_last_day
from cityjobs.parcours.queries.present import find_last_move, find_present_parcours
from cityjobs.parcours.rules.exits import EXIT_CATEGORY_LABELS, category_of, whole_months
from cityjobs.parcours.rules.lifecycle import (
    EVENT_LABELS,
    STATUS_LABELS,
    TRANSITIONS,
    Custom,
    Event,
    Move,
    Status,
    events_from,
    may,
)
from cityjobs.parcours.rules.situations import Moment
from cityjobs.people.models import Person
from cityjobs.people.queries import find_person
from cityjobs.vocabulary.queries import read_lists
from cityjobs.vocabulary.rules import ListName

bp = Blueprint("closing", __name__)
EXIT_COUNTS = "parcours_exit_counts"
READ_OTHERWISE = "La lecture des sorties de votre Cité vient de changer\u00a0: voyez comme quoi celle-ci compte maintenant, puis confirmez."
LISTS = (ListName.PREUVE_SORTIE, ListName.SITUATION_PROFESSIONNELLE, ListName.INSCRIPTION_FT)


@bp.route("/personnes/<uuid:person_id>/parcours/close", methods=["GET", "POST"])
@requires(Permission.PARCOURS_MOVE)
def close(person_id: uuid.UUID) -> ResponseReturnValue:
    """How a parcours ends; « lire » only shows what the exit counts as, and writes nothing."""
    person = find_person(person_id) or abort(404)
    record_reading("person", person.id, person.cite_id)
    posted = request.method == "POST"
    parcours = find_present_parcours(person.id, to_change=posted) or abort(404)
    if (Status(parcours.status), Event.CLOSE) not in TRANSITIONS:
        return _already_moved(person, parcours), 409
    if not may(signed_in().role, Status(parcours.status), Event.CLOSE, Custom()):
        abort(403)
    left = leftovers_of(parcours.id, to_change=posted)
    job = find_current_job(parcours.id) if parcours.status == Status.SUIVI_EMPLOI else None
    reading = find_reading_in_force(person.cite_id)
    form = closing_form(left)(data={"on": today(), "version": parcours.version, "months": _months(job)})
    form.offer_lists(read_lists(*LISTS))
    if posted and form.version.data != parcours.version:
        return _already_moved(person, parcours), 409
    facts: dict[str, Any] = {"person": person, "parcours": parcours, "left": left, "job": job}
    if posted and request.form.get("geste") == "lire":
        return _page(form, reading, **facts)
    if form.holds():
        try:
            closed = _closed(form, person, parcours, left, reading)
        except IntegrityError as failure:
            if constraint_of(failure) != EXIT_COUNTS:
                raise
            closed = False
            db.session.expire_all()
            reading = find_reading_in_force(person.cite_id)
            form.refuse("reason", READ_OTHERWISE)
        if closed:
            flash("Le parcours est clos. Le dossier reste lisible.", "done")
            return redirect_after(f"/personnes/{person.id}")
    return _page(form, reading, **facts), 422 if posted else 200


def _months(job: Job | None) -> int | None:
    """For how many whole months the present job has been held, or is agreed upon."""
    if job is None:
        return None
    return whole_months(job.started_on, max(today(), job.expected_end_on or today()))


def _closed(
    form: CloseForm, person: Person, parcours: Parcours, left: list[Leftover], reading: Reading
) -> bool:
    me: Professional = signed_in()
    on = form.on.data
    assert isinstance(on, date)  # noqa: S101 - the field is required
    decided = [(each, str(form[each.name].data)) for each in left]
    leaving = replace(form.leaving(reading), given_up=given_up(decided))
    told = Move(Event.CLOSE, on, form.reason.data, leaving=leaving)
    try:
        with db.session.begin_nested():
            move_parcours(parcours, person, told, today=today(), recorded_by=me.id)
            settle(decided, on=on, by=me.id)
            db.session.flush()
            situation = form.told()
            if situation and not take_snapshot(
                parcours, person, Moment.EXIT, on=on, by=me.id, situation=situation
            ):
                flash("Une situation à la sortie était déjà notée\u00a0: c’est elle qui est gardée.", "due")
    except MoveRefused as failure:
        form.refuse_each(failure.refused, otherwise="on")
        return False
    return True


def _page(
    form: CloseForm,
    reading: Reading,
    *,
    person: Person,
    parcours: Parcours,
    left: list[Leftover],
    job: Job | None,
) -> str:
    rule = reading.rules.get(form.reason.data or "")
    counts = category_of(form.leaving(reading).facts(form.reason.data or ""), reading.rules) if rule else None
    return render_template(
        "desk/close.html",
        form=form,
        person=person,
        parcours=parcours,
        left=left,
        job=job,
        status=STATUS_LABELS[Status(parcours.status)],
        not_before=find_last_day(parcours),
        reading=reading.ruleset.label,
        rule=rule,
        counts=counts,
        categories=EXIT_CATEGORY_LABELS,
        wants_evidence=rule is not None and rule.needs_evidence and counts is rule.category,
    )


def _already_moved(person: Person, parcours: Parcours) -> str:
    custom = find_custom(parcours.cite_id)
    return render_template(
        "parcours/moved.html",
        person=person,
        parcours=parcours,
        status=STATUS_LABELS[Status(parcours.status)],
        last=find_last_move(parcours.id),
        events=[
            (event.value, EVENT_LABELS[event])
            for event in events_from(Status(parcours.status), signed_in().role, custom)
        ],
    )
