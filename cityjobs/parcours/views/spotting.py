"""Spotting somebody after having searched, and opening a new parcours for somebody who comes back."""

import hashlib
import uuid
from collections.abc import Sequence

from flask import abort, current_app, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.exc import IntegrityError

from cityjobs.accounts.rules import Professional
from cityjobs.core.audit import record_reading
from cityjobs.core.clock import today
from cityjobs.core.db import constraint_of, db
from cityjobs.core.permissions import Permission, Role, requires, signed_in
from cityjobs.core.web import redirect_after
from cityjobs.parcours.actions import spot_again, spot_person
from cityjobs.parcours.forms.spotting import SearchForm, SightingForm, SpotForm
from cityjobs.parcours.models import Parcours
from cityjobs.parcours.queries.present import find_present_parcours, find_usual_channel
from cityjobs.parcours.rules.lifecycle import STATUS_LABELS
from cityjobs.parcours.views.blueprint import bp, person_of
from cityjobs.people.models import Person
from cityjobs.people.queries import (
    LookAlike,
    find_person,
    look_alikes_of,
    people_sought,
    quarters_of,
)
from cityjobs.people.rules import Sought, read_search, split_name
from cityjobs.territory.rules import QpvAnswer

THANKS = "Le repérage est enregistré. Merci\u00a0: la coordination va désigner un référent."


def _note_look_alikes(found: Sequence[object]) -> None:
    """Showing people of the whole Cité is a reading; finding nobody is not."""
    me: Professional = signed_in()
    if found and me.cite_id:
        record_reading("look_alikes", me.cite_id, me.cite_id)


# Spotting


@bp.get("/reperage")
@requires(Permission.PERSON_SPOT)
def spot() -> ResponseReturnValue:
    """First of all, search."""
    return render_template(
        "parcours/spot.html", search=SearchForm(), sought=None, found=[], form=None, alike=[]
    )


@bp.route("/reperage/chercher", methods=["GET", "POST"])
@requires(Permission.PERSON_SPOT)
def search() -> ResponseReturnValue:
    """Who may be the one sought, and below them the short form, filled with what was typed."""
    if request.method == "GET":
        return redirect("/reperage")
    asked = SearchForm()
    if not asked.accepted():
        return render_template(
            "parcours/spot.html", search=asked, sought=None, found=[], form=None, alike=[]
        ), 422
    sought = read_search(asked.q.data, today())
    form = SpotForm(formdata=None, data=_first_answers(sought))
    form.offer_quarters(quarters_of(signed_in().cite_id, today()))
    found = people_sought(sought)
    _note_look_alikes(found)
    return render_template(
        "parcours/spot.html", search=asked, sought=sought, found=found, form=form, alike=[]
    )


@bp.post("/reperage")
@requires(Permission.PERSON_SPOT)
def spotted() -> ResponseReturnValue:
    """Keep a new person, unless likely duplicates were not shown yet; the same form sent twice counts once."""
    me: Professional = signed_in()
    form = SpotForm()
    form.offer_quarters(quarters_of(me.cite_id, today()))
    person_id = _read_key(form.key.data, me)
    accepted = form.accepted()
    alike = _look_alikes(form, but_not=person_id) if accepted else []
    if accepted and person_id is None:
        form.key.data = _new_key(me)
        form.refuse(
            "first_name", "Ce formulaire n’est plus valable\u00a0: relisez-le et envoyez-le à nouveau."
        )
    elif person_id and accepted and form.seen.data == _names_of(alike):
        return _keep(form, person_id, me)
    form.seen.data = _names_of(alike)
    asked = SearchForm(formdata=None)
    return render_template(
        "parcours/spot.html", search=asked, sought=None, found=[], form=form, alike=alike
    ), 422


@bp.post("/reperage/ressemblances")
@requires(Permission.PERSON_SPOT)
def resemblances() -> ResponseReturnValue:
    """The likely duplicates of what is being typed, as a part of the page."""
    form = SpotForm(meta={"csrf": False})
    form.offer_quarters(quarters_of(signed_in().cite_id, today()))
    form.validate()
    return render_template("parcours/look_alikes.html", alike=_look_alikes(form), typing=True)


def _keep(form: SpotForm, person_id: uuid.UUID, me: Professional) -> ResponseReturnValue:
    person = form.fill(Person(id=person_id, cite_id=me.cite_id))
    if person.qpv_answer != QpvAnswer.UNKNOWN:
        person.qpv_confirmed_by_id = me.id
    try:
        with db.session.begin_nested():
            spot_person(person, form.sighting(may_follow=me.role is Role.REFERENT), by=me)
    except IntegrityError as failure:
        if constraint_of(failure) != "pk_person":
            raise
        return redirect_after(_after(person_id, me) if find_person(person_id) else "/personnes")
    flash(THANKS if me.role is Role.SPOTTER else "Le repérage est enregistré.", "done")
    return redirect_after(_after(person_id, me))


def _after(person_id: uuid.UUID, me: Professional) -> str:
    return "/personnes" if me.role is Role.SPOTTER else f"/personnes/{person_id}"


def _first_answers(sought: Sought) -> dict[str, object]:
    me: Professional = signed_in()
    first_name, last_name = split_name(sought.names)
    return {
        "first_name": first_name,
        "last_name": last_name,
        "phone": sought.phone,
        "email": sought.email,
        "birth_date": sought.birth_date,
        **_usual_answers(me),
    }


def _usual_answers(me: Professional) -> dict[str, object]:
    return {
        "spotted_on": today(),
        "channel": find_usual_channel(me.id),
        "key": _new_key(me),
        "becomes_referent": me.role is Role.REFERENT,
    }


def _look_alikes(form: SpotForm, *, but_not: uuid.UUID | None = None) -> list[LookAlike]:
    names = f"{form.first_name.data or ''} {form.last_name.data or ''}".strip()[:400]
    answered = {
        name: None if form[name].errors else form[name].data for name in ("phone", "email", "birth_date")
    }
    if len(names) < 3 and not any(answered.values()):
        return []
    alike = look_alikes_of(names, but_not=but_not, **answered)
    _note_look_alikes(alike)
    return alike


def _names_of(alike: list[LookAlike]) -> str:
    """A short name for a set of look-alikes: to know whether all of them were shown before."""
    ids = ",".join(sorted(str(each.person_id) for each in alike))
    return hashlib.sha256(ids.encode()).hexdigest()[:16] if alike else ""


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="spotting")


def _new_key(me: Professional) -> str:
    return str(_serializer().dumps([uuid.uuid4().hex, me.id.hex]))


def _read_key(key: str | None, me: Professional) -> uuid.UUID | None:
    try:
        person_id, owner = _serializer().loads(key or "")
    except (BadSignature, ValueError):
        return None
    return uuid.UUID(person_id) if owner == me.id.hex else None


# Spotting again


@bp.route("/personnes/<uuid:person_id>/parcours/nouveau", methods=["GET", "POST"])
@requires(Permission.PERSON_SPOT)
def reopen(person_id: uuid.UUID) -> ResponseReturnValue:
    """Open a new parcours for somebody whose parcours is closed."""
    me: Professional = signed_in()
    person = person_of(person_id)
    former = find_present_parcours(person.id) or abort(404)
    if former.ended_on is None:
        flash("Un parcours est déjà ouvert pour cette personne.", "calm")
        return redirect_after(_after(person.id, me))
    form = SightingForm(data=_usual_answers(me))
    if form.accepted():
        if form.spotted_on.data and form.spotted_on.data < former.ended_on:
            form.refuse(
                "spotted_on", "Cette date précède la fin du parcours d’avant\u00a0: vérifiez le jour."
            )
        else:
            return _begin_again(person, form, me, former)
    page = render_template(
        "parcours/reopen.html", form=form, person=person, former=former, labels=STATUS_LABELS
    )
    return page, 422 if form.errors else 200


def _begin_again(
    person: Person, form: SightingForm, me: Professional, former: Parcours
) -> ResponseReturnValue:
    person_id, former_id = person.id, former.id
    try:
        with db.session.begin_nested():
            spot_again(person, form.sighting(may_follow=me.role is Role.REFERENT), by=me, former_id=former_id)
    except IntegrityError as failure:
        if constraint_of(failure) != "uq_parcours_open":
            raise
        flash("Un parcours est déjà ouvert pour cette personne.", "calm")
    else:
        flash("Un nouveau parcours est ouvert.", "done")
    return redirect_after(_after(person_id, me))
