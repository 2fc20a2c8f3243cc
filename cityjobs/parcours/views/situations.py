"""The situation after an exit: at once, three and six months later."""

import uuid

from flask import abort, flash, render_template, request
from flask.typing import ResponseReturnValue

from cityjobs.accounts.rules import Professional
from cityjobs.core.clock import today
from cityjobs.core.permissions import Permission, requires, signed_in
from cityjobs.core.web import redirect_after
from cityjobs.parcours.actions import take_snapshot
from cityjobs.parcours.forms.situations import LATER_LISTS, LaterForm
from cityjobs.parcours.queries.life import find_parcours_of, find_snapshot
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.parcours.rules.situations import (
    MOMENT_LABELS,
    NEVER_ASKED_AFTER,
    NOTHING_ASKED,
    Moment,
    asked_between,
)
from cityjobs.parcours.views.blueprint import bp, person_of
from cityjobs.vocabulary.queries import labels_of, read_lists
from cityjobs.vocabulary.rules import ListName


@bp.route("/personnes/<uuid:person_id>/situations/<uuid:parcours_id>/<moment>", methods=["GET", "POST"])
@requires(Permission.PARCOURS_MOVE)
def take_situation(person_id: uuid.UUID, parcours_id: uuid.UUID, moment: str) -> ResponseReturnValue:
    """What became of somebody after an exit, or that they could not be reached."""
    me: Professional = signed_in()
    person = person_of(person_id)
    parcours = find_parcours_of(person.id, parcours_id, to_change=request.method == "POST") or abort(404)
    asked = next((each for each in Moment if each == moment and each is not Moment.ENTRY), None)
    if asked is None or parcours.status != Status.SORTI or parcours.ended_on is None:
        abort(404)
    between = due_on, _ = asked_between(parcours.ended_on, asked)
    if due_on > today():
        abort(404)
    back = f"/personnes/{person.id}"
    if parcours.end_reason in NEVER_ASKED_AFTER:
        flash(NOTHING_ASKED, "calm")
        return redirect_after(back)
    form = LaterForm()
    form.offer_lists(read_lists(*LATER_LISTS.values()))
    if not form.is_submitted() and find_snapshot(parcours.id, asked):
        flash("Cette situation est déjà notée.", "calm")
        return redirect_after(back)
    if form.holds(asked=between) and form.on.data:
        if take_snapshot(parcours, person, asked, on=form.on.data, by=me.id, situation=form.told()):
            flash("La situation est notée.", "done")
        else:
            flash("Quelqu’un a déjà noté cette situation\u00a0: la sienne est gardée.", "due")
        return redirect_after(back)
    at_entry = find_snapshot(parcours.id, Moment.ENTRY)
    situations = labels_of(ListName.SITUATION_PROFESSIONNELLE)[ListName.SITUATION_PROFESSIONNELLE]
    page = render_template(
        "parcours/situation.html",
        form=form,
        person=person,
        parcours=parcours,
        title=f"Situation {MOMENT_LABELS[asked][:1].lower()}{MOMENT_LABELS[asked][1:]}",
        due_on=due_on,
        at_entry=situations.get(at_entry.situation or "") if at_entry else None,
    )
    return page, 422 if form.errors else 200
