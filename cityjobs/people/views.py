"""The pages where identity, contact and address are changed, and where a household is told."""

import uuid
from typing import Any

from flask import Blueprint, Flask, abort, flash, render_template, request
from flask.typing import ResponseReturnValue

from cityjobs.accounts.rules import Professional
from cityjobs.core.audit import record_reading
from cityjobs.core.clock import today
from cityjobs.core.forms import chosen_answers
from cityjobs.core.permissions import Permission, requires, signed_in
from cityjobs.core.web import redirect_after
from cityjobs.people.actions import change_person, tie, untie
from cityjobs.people.forms import KinSearchForm, PersonForm, TieForm, answers_about
from cityjobs.people.models import Person
from cityjobs.people.queries import (
    find_household,
    find_link,
    find_name_of,
    find_person,
    find_quarter,
    people_in_sight,
    quarters_of,
)
from cityjobs.people.rules import LINK_KIND_LABELS, LinkKind, LinkRefused, QpvReply, Sought, read_search
from cityjobs.territory.queries import find_qpv_answer
from cityjobs.territory.rules import QPV_ANSWER_LABELS, QPV_SOURCE_LABELS, QpvAnswer, QpvSource

bp = Blueprint("people", __name__)


@bp.route("/personnes/<uuid:person_id>/modifier", methods=["GET", "POST"])
@requires(Permission.PERSON_EDIT)
def edit(person_id: uuid.UUID) -> ResponseReturnValue:
    """Change identity, contact and address; two people who overlap choose between both versions."""
    me: Professional = signed_in()
    person = find_person(person_id, to_change=request.method == "POST") or abort(404)
    record_reading("person", person.id, person.cite_id)
    chosen = chosen_answers(request.form)
    form = (
        PersonForm(chosen, data=answers_about(person)) if chosen else PersonForm(data=answers_about(person))
    )
    form.offer_quarters(_offered(person))
    back = f"/personnes/{person.id}"
    if form.accepted():
        if form.version.data != person.version:
            return _both_versions(form, person), 409
        change_person(person, form.identity(), form.qpv_check(), today=today(), by=me.id)
        flash("L’identité et le contact sont à jour.", "done")
        return redirect_after(back)
    page = render_template(
        "people/edit.html",
        form=form,
        person=person,
        back=back,
        provenance=_provenance(person),
        name=person.display_name,
    )
    return page, 422 if form.errors else 200


def _offered(person: Person) -> list[tuple[str, str]]:
    quarters = {str(row.id): row.name for row in quarters_of(person.cite_id, today())}
    if person.qpv_id and str(person.qpv_id) not in quarters:
        quarters[str(person.qpv_id)] = f"{find_quarter(person.qpv_id)} (hors du périmètre actuel)"
    return [
        (QpvReply(QpvAnswer.INSIDE, uuid.UUID(key)).code, f"Habite en QPV {name}")
        for key, name in quarters.items()
    ]


def _provenance(person: Person) -> dict[str, Any]:
    return {
        "answer": QPV_ANSWER_LABELS[QpvAnswer(person.qpv_answer)],
        "source": QPV_SOURCE_LABELS[QpvSource(person.qpv_source)] if person.qpv_source else None,
        "on": person.qpv_checked_on,
        "by": find_name_of(person.qpv_confirmed_by_id),
        "position": _position_says(person),
    }


def _position_says(person: Person) -> str | None:
    """What the known position answers, to be compared with what was declared."""
    if person.longitude is None or person.latitude is None:
        return None
    found = find_qpv_answer(person.longitude, person.latitude)
    if found.answer is QpvAnswer.UNKNOWN:
        return None
    return (
        f"en QPV {found.name}"
        if found.answer is QpvAnswer.INSIDE
        else QPV_ANSWER_LABELS[found.answer].lower()
    )


def _both_versions(form: PersonForm, person: Person) -> str:
    """Only what differs is asked; what I had not touched takes the answer saved meanwhile."""
    before, mine = form.before(), form.answers()
    saved = PersonForm(None, data=answers_about(person), meta={"csrf": False})
    saved.qpv.choices = form.qpv.choices
    theirs = saved.answers()
    kept, fields = {}, []
    for name, answer in mine.items():
        if name in ("qpv_source", "qpv_again"):
            kept[name] = answer
        elif answer == theirs[name] or (before and answer == before.get(name, "")):
            kept[name] = theirs[name]
        else:
            fields.append(
                {
                    "name": name,
                    "label": form.label_of(name),
                    "mine": form.shown(name, answer),
                    "theirs": form.shown(name, theirs[name]),
                    "mine_raw": answer,
                    "theirs_raw": theirs[name],
                }
            )
    return render_template(
        "people/conflict.html",
        fields=fields,
        person=person,
        kept=kept,
        version=person.version,
        by=find_name_of(person.updated_by_id),
        at=person.updated_at,
        back=f"/personnes/{person.id}",
    )


@bp.get("/personnes/<uuid:person_id>/foyer")
@requires(Permission.PERSON_EDIT)
def household(person_id: uuid.UUID) -> ResponseReturnValue:
    """Who belongs with a person, among those whose file one may open; add somebody, or take a tie away."""
    return _show_household(_person_read(person_id), KinSearchForm(formdata=None))


@bp.post("/personnes/<uuid:person_id>/foyer/chercher")
@requires(Permission.PERSON_EDIT)
def search_kin(person_id: uuid.UUID) -> ResponseReturnValue:
    """Whom one may mean, to be chosen; nobody whose file one may not open."""
    person, asked = _person_read(person_id), KinSearchForm()
    if not asked.accepted():
        return _show_household(person, asked), 422
    form = TieForm(formdata=None, data={"sought": asked.q.data})
    _offer_kin(form, person, read_search(asked.q.data, today()))
    return _show_household(person, asked, form)


@bp.post("/personnes/<uuid:person_id>/foyer")
@requires(Permission.PERSON_EDIT)
def add_kin(person_id: uuid.UUID) -> ResponseReturnValue:
    """Tie somebody to a person; both files must be open to whoever asks."""
    me: Professional = signed_in()
    person, form = _person_read(person_id), TieForm()
    accepted = form.accepted()
    other_id = form.other_id()
    other = find_person(other_id) if other_id else None
    if form.other.data and other is None:
        abort(404)
    if accepted and other is not None:
        try:
            tie(person, other, LinkKind(form.kind.data), by=me.id)
        except LinkRefused as refused:
            form.refuse("other", str(refused))
        else:
            flash("Le foyer est complété.", "done")
            return redirect_after(f"/personnes/{person.id}/foyer")
    words = (form.sought.data or "")[:200]
    _offer_kin(form, person, read_search(words, today()) if words else Sought())
    return _show_household(person, KinSearchForm(formdata=None, data={"q": words}), form), 422


@bp.post("/personnes/<uuid:person_id>/foyer/<uuid:link_id>/retirer")
@requires(Permission.PERSON_EDIT)
def remove_kin(person_id: uuid.UUID, link_id: uuid.UUID) -> ResponseReturnValue:
    """Take a tie away; both files stay as they are."""
    person = find_person(person_id) or abort(404)
    link = find_link(person.id, link_id) or abort(404)
    if untie(link.id):
        flash("Le lien est retiré\u00a0: les deux dossiers restent tels quels.", "done")
    return redirect_after(f"/personnes/{person.id}/foyer")


def _offer_kin(form: TieForm, person: Person, sought: Sought) -> None:
    """Offer those whom one may mean; naming some of them is a reading of the list, as on the list itself."""
    found = people_in_sight(sought, but_not=person.id)
    if found:
        record_reading("people", person.cite_id, person.cite_id)
    form.offer(found)


def _person_read(person_id: uuid.UUID) -> Person:
    person = find_person(person_id) or abort(404)
    record_reading("person", person.id, person.cite_id)
    return person


def _show_household(person: Person, asked: KinSearchForm, form: TieForm | None = None) -> str:
    return render_template(
        "people/household_page.html",
        person=person,
        household=find_household(person.id),
        kinds=LINK_KIND_LABELS,
        search=asked,
        form=form,
    )


def init_app(app: Flask) -> None:
    """Attach the pages of this room."""
    app.register_blueprint(bp)
