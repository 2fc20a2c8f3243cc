"""Following somebody in a job: what is asked at day 8 and at months 1, 3 and 6."""

import uuid

from flask import abort, flash, render_template
from flask.typing import ResponseReturnValue

from cityjobs.accounts.rules import Professional
from cityjobs.core.clock import today
from cityjobs.core.permissions import Permission, requires, signed_in
from cityjobs.core.web import redirect_after
from cityjobs.parcours.actions import Checked, record_check
from cityjobs.parcours.forms.jobs import CheckForm
from cityjobs.parcours.queries.life import checks_of, find_job_of
from cityjobs.parcours.rules.jobs import CHECK_LABELS, CheckMoment, check_due_on, moments_reached
from cityjobs.parcours.views.blueprint import bp, person_of
from cityjobs.vocabulary.queries import labels_of
from cityjobs.vocabulary.rules import ListName


@bp.route("/personnes/<uuid:person_id>/emplois/<uuid:job_id>/points/<moment>", methods=["GET", "POST"])
@requires(Permission.PARCOURS_MOVE)
def check_job(person_id: uuid.UUID, job_id: uuid.UUID, moment: str) -> ResponseReturnValue:
    """How a job goes at one of its moments; « not in the job » leads to the end of it."""
    me: Professional = signed_in()
    person = person_of(person_id)
    job = find_job_of(person.id, job_id) or abort(404)
    asked = next((each for each in moments_reached(job.started_on, today()) if each == moment), None)
    if asked is None:
        abort(404)
    form = CheckForm()
    back = f"/personnes/{person.id}"
    done = {check.moment: check for check in checks_of(job.id)}
    if asked in done and not form.is_submitted():
        flash("Ce point est déjà noté.", "calm")
        return redirect_after(back)
    if form.holds(asked, started_on=job.started_on, ended_on=job.ended_on):
        in_job = form.in_job.data == "oui"
        checked = Checked(asked, form.day(), in_job, form.note.data)
        if not record_check(job, checked, by=me.id):
            flash("Quelqu’un a déjà noté ce point\u00a0: le sien est gardé.", "due")
        elif in_job or job.ended_on is not None:
            flash("Le point est noté.", "done")
        else:
            flash("Le point est noté. Dites maintenant quand et pourquoi cela s’est arrêté.", "done")
            return redirect_after(f"{back}/parcours/contract_broken")
        return redirect_after(back)
    page = render_template(
        "parcours/check.html",
        form=form,
        person=person,
        job=job,
        title=f"Point {CHECK_LABELS[asked]}",
        due_on=check_due_on(job.started_on, CheckMoment(asked)),
        done=[(CHECK_LABELS[CheckMoment(each.moment)], each) for each in done.values()],
        contract=labels_of(ListName.TYPE_CONTRAT)[ListName.TYPE_CONTRAT].get(job.contract, job.contract),
    )
    return page, 422 if form.errors else 200
