"""The events of a parcours: each one asked on its page, recorded once."""

import uuid
from typing import Any

from flask import abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError

from cityjobs.accounts.rules import Professional
from cityjobs.core.clock import today
from cityjobs.core.db import constraint_of, db
from cityjobs.core.permissions import Permission, requires, signed_in
from cityjobs.core.web import redirect_after
from cityjobs.parcours.actions import move_parcours, take_snapshot, what_refuses
from cityjobs.parcours.forms.moves import FORMS, EnrollForm, HireForm, MoveForm
from cityjobs.parcours.models import Parcours
from cityjobs.parcours.queries.life import (
    find_current_job,
    find_custom,
    find_last_day,
    find_open_suspension,
    find_status_before_exit,
)
from cityjobs.parcours.queries.present import find_last_move, find_present_parcours
from cityjobs.parcours.rules.jobs import JobKind
from cityjobs.parcours.rules.lifecycle import (
    EVENT_DONE_LABELS,
    EVENT_LABELS,
    STATUS_LABELS,
    TRANSITIONS,
    Event,
    Status,
    events_from,
    latest_end_of_pause,
    may,
)
from cityjobs.parcours.rules.situations import Moment
from cityjobs.parcours.views.blueprint import bp, person_of
from cityjobs.people.models import Person
from cityjobs.people.rules import age_on
from cityjobs.territory.rules import QpvAnswer
from cityjobs.vocabulary.queries import find_rome_code, read_lists

TITLES = {JobKind.CONTRACT: "l’emploi", JobKind.TRAINING: "la formation"}


@bp.get("/personnes/<uuid:person_id>/parcours/<event>")
@requires(Permission.PARCOURS_MOVE)
def ask_move(person_id: uuid.UUID, event: str) -> ResponseReturnValue:
    """What one event asks, and what it entails."""
    if event not in tuple(Event):
        abort(404)
    person = person_of(person_id)
    parcours = find_present_parcours(person.id) or abort(404)
    if (Status(parcours.status), Event(event)) not in TRANSITIONS:
        return _already_moved(person, parcours), 409
    if not _may_i(parcours, Event(event)):
        abort(403)
    form = _form_of(Event(event), {"on": today(), "version": parcours.version})
    return _move_page(form, person, parcours)


@bp.post("/personnes/<uuid:person_id>/parcours")
@requires(Permission.PARCOURS_MOVE)
def move(person_id: uuid.UUID) -> ResponseReturnValue:
    """Record one event: of two people who overlap, the second is told what the first did."""
    person = person_of(person_id)
    if request.form.get("event") not in tuple(Event):
        abort(400)
    event = Event(request.form["event"])
    if event is Event.CLOSE:
        flash("Clore un parcours demande maintenant quelques réponses de plus\u00a0: les voici.", "calm")
        return redirect_after(f"/personnes/{person.id}/parcours/close")
    parcours = find_present_parcours(person.id, to_change=True) or abort(404)
    form = _form_of(event, {"on": today()} if event is Event.REOPEN else {})
    accepted = form.accepted()
    if form.version.data != parcours.version or (Status(parcours.status), event) not in TRANSITIONS:
        return _already_moved(person, parcours), 409
    if not _may_i(parcours, event):
        abort(403)
    if form.may_be_read():
        form.refuse_each(what_refuses(parcours, form.move(), today=today()), otherwise="on")
    if accepted and not form.errors:
        if isinstance(form, HireForm) and form.occupation.data:
            form.rome_code = find_rome_code(form.occupation.data)
        try:
            with db.session.begin_nested():
                _record(form, person, parcours)
        except IntegrityError as failure:
            if constraint_of(failure) != "uq_parcours_open":
                raise
            db.session.expire_all()
            return _already_moved(person_of(person_id), parcours), 409
        else:
            flash(f"C’est noté\u00a0: {EVENT_DONE_LABELS[event]}.", "done")
            return redirect_after(f"/personnes/{person_id}")
    return _move_page(form, person, parcours), 422


def _record(form: MoveForm, person: Person, parcours: Parcours) -> None:
    me: Professional = signed_in()
    told = form.move()
    move_parcours(parcours, person, told, today=today(), recorded_by=me.id)
    db.session.flush()
    if isinstance(form, EnrollForm):
        take_snapshot(parcours, person, Moment.ENTRY, on=told.on, by=me.id, situation=form.told())


def _may_i(parcours: Parcours, event: Event) -> bool:
    return may(signed_in().role, Status(parcours.status), event, find_custom(parcours.cite_id))


def _form_of(event: Event, known: dict[str, Any]) -> MoveForm:
    """The form of an event, its choices read; the day of an exit taken back is today and is not asked."""
    form = FORMS.get(event, MoveForm)(data=known)
    form.event.data = event.value
    if event is Event.REOPEN:
        form.on.data = today()
        form.on.validators = []
    if form.lists:
        form.offer_lists(read_lists(*form.lists))
    return form


def _move_page(form: MoveForm, person: Person, parcours: Parcours) -> str:
    event, status = Event(form.event.data or ""), Status(parcours.status)
    job = find_current_job(parcours.id) if event is Event.CONTRACT_BROKEN else None
    before = find_status_before_exit(parcours.id) if event is Event.REOPEN else None
    return render_template(
        "parcours/move_page.html",
        form=form,
        person=person,
        parcours=parcours,
        event=event.value,
        title=EVENT_LABELS[event],
        status=STATUS_LABELS[status],
        not_before=find_last_day(parcours),
        age=age_on(person.birth_date, today()),
        in_qpv={"inside": "oui", "outside": "non"}.get(QpvAnswer(person.qpv_answer).value),
        suspension=find_open_suspension(parcours.id) if event is Event.RESUME else None,
        job=job,
        what=TITLES[JobKind(job.kind)] if job else None,
        before=STATUS_LABELS[before] if before else None,
        latest_end=latest_end_of_pause(today()),
    )


def _already_moved(person: Person, parcours: Parcours) -> str:
    return render_template(
        "parcours/moved.html",
        person=person,
        parcours=parcours,
        status=STATUS_LABELS[Status(parcours.status)],
        last=find_last_move(parcours.id),
        events=[
            (e.value, EVENT_LABELS[e])
            for e in events_from(Status(parcours.status), signed_in().role, find_custom(parcours.cite_id))
        ],
    )
