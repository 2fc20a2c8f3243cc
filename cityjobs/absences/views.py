"""The pages of absences: those one may know, a new one, and one with what was done meanwhile."""

import uuid
from typing import Any

from flask import Blueprint, Flask, abort, flash, render_template
from flask.typing import ResponseReturnValue

from cityjobs.absences.actions import end_absence, say_absence
from cityjobs.absences.forms import AbsenceForm, EndForm
from cityjobs.absences.queries import Away, absences, caseworkers, find_absence, find_to_end, noted_meanwhile
from cityjobs.absences.rules import OPEN, STANDING_KINDS, STANDING_LABELS, AbsenceRefused, Standing
from cityjobs.accounts.rules import Professional
from cityjobs.core.clock import today
from cityjobs.core.grants import Reach, reach_of
from cityjobs.core.permissions import Permission, requires, signed_in
from cityjobs.core.web import page_asked, redirect_after
from cityjobs.followups.rules import INTERVIEW_MODE_LABELS

bp = Blueprint("absences", __name__)
SIZE = 25


def _asker() -> tuple[Professional, uuid.UUID, bool]:
    """Who is at the keyboard, in which Cité, and whether its absences are all theirs to keep."""
    me: Professional = signed_in()
    return me, me.cite_id or abort(403), Reach.CITE in reach_of(me.role, Permission.ABSENCES_KEEP)


@bp.get("/absences")
@requires(Permission.ABSENCES_KEEP)
def index() -> ResponseReturnValue:
    """Who is away, was or will be: of the whole Cité, or those that concern whoever asks."""
    me, _, whole_cite = _asker()
    return render_template(
        "absences/index.html",
        page=page_asked(lambda number: absences(whole_cite=whole_cite, page=number, size=SIZE)),
        whole_cite=whole_cite,
        me_id=me.id,
        **_words(),
    )


@bp.route("/absences/nouvelle", methods=["GET", "POST"])
@requires(Permission.ABSENCES_KEEP)
def add() -> ResponseReturnValue:
    """Say an absence: one's own, or for the coordinator that of any référent."""
    me, cite_id, whole_cite = _asker()
    form = AbsenceForm(data={"starts_on": today()})
    form.offer(caseworkers(cite_id), me.id, whole_cite=whole_cite)
    if form.accepted():
        absent_id, deputy_id = form.who(me.id)
        try:
            absence = say_absence(cite_id, absent_id, deputy_id, form.days(), on=today(), by=me.id)
        except AbsenceRefused as refused:
            form.refuse(refused.field if refused.field in form else "deputy", str(refused))
        else:
            flash("L’absence est notée. Rien n’est attribué à quelqu’un d’autre.", "done")
            return redirect_after(f"/absences/{absence.id}")
    page = render_template("absences/new.html", form=form, whole_cite=whole_cite)
    return page, 422 if form.errors else 200


@bp.get("/absences/<uuid:absence_id>")
@requires(Permission.ABSENCES_KEEP)
def show(absence_id: uuid.UUID) -> ResponseReturnValue:
    """One absence, and what the deputy noted meanwhile about the persons whose file one may open."""
    return _show(_absence(absence_id))


@bp.post("/absences/<uuid:absence_id>/rendre")
@requires(Permission.ABSENCES_KEEP)
def hand_back(absence_id: uuid.UUID) -> ResponseReturnValue:
    """End it now, or call it off before it begins; by whoever is away, whoever replaces, or the coordinator."""
    me, _, _ = _asker()
    away, form = _absence(absence_id), EndForm()
    absence = find_to_end(away.id) or abort(404)
    if not form.accepted() or form.version.data != absence.version or away.standing not in OPEN:
        return _show(_absence(absence_id), stale=True), 409
    called_off = away.standing is Standing.COMING
    end_absence(absence, by=me.id)
    flash(
        "L’absence est annulée."
        if called_off
        else "C’est rendu\u00a0: chaque personne retrouve qui la suivait.",
        "done",
    )
    return redirect_after(f"/absences/{away.id}")


def _absence(absence_id: uuid.UUID) -> Away:
    _, _, whole_cite = _asker()
    return find_absence(absence_id, whole_cite=whole_cite) or abort(404)


def _show(away: Away, *, stale: bool = False) -> str:
    me, _, _ = _asker()
    return render_template(
        "absences/absence.html",
        away=away,
        noted=noted_meanwhile(away),
        modes=INTERVIEW_MODE_LABELS,
        may_end=away.standing in OPEN,
        stale=stale,
        me_id=me.id,
        **_words(),
    )


def _words() -> dict[str, Any]:
    return {"labels": STANDING_LABELS, "kinds": STANDING_KINDS, "standings": Standing}


def init_app(app: Flask) -> None:
    """Attach the pages of this room."""
    app.register_blueprint(bp)
