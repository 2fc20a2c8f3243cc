"""Pages to note an exchange, to read and correct it, and to act on what comes next."""

import uuid
from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any, cast

from flask import Blueprint, Flask, abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from cityjobs.accounts.actions import forget_draft
from cityjobs.core.audit import record_reading
from cityjobs.core.clock import now, today
from cityjobs.core.db import db
from cityjobs.core.permissions import Permission, requires, signed_in
from cityjobs.core.web import day, hour, redirect_after, safe_next
from cityjobs.followups import letters  # noqa: F401 - being imported makes its letter known
from cityjobs.followups.actions import (
    Logged,
    correct_interview,
    drop_step,
    finish_step,
    log_interview,
    pass_on_step,
    plan_step_once,
    postpone_step,
    take_back_step,
    write_private_note,
)
from cityjobs.followups.forms import (
    CorrectForm,
    DropForm,
    FinishForm,
    LogForm,
    PassOnForm,
    PlanForm,
    PostponeForm,
    StepForm,
)
from cityjobs.followups.models import Interview, NextStep, PrivateNote
from cityjobs.followups.queries import (
    draft_key,
    find_case,
    find_interview,
    find_passing,
    find_private_note,
    find_step,
    find_unfinished_exchange,
    said_in,
    writings_of,
)
from cityjobs.followups.rules import (
    INTERVIEW_MODE_LABELS,
    Exchange,
    Plan,
    StepState,
    due_suggestions,
    may_undo,
)
from cityjobs.parcours.actions import hold_parcours
from cityjobs.parcours.models import Parcours
from cityjobs.parcours.queries.following import followers_of
from cityjobs.parcours.rules.lifecycle import CLOSED_STATUSES, STATUS_LABELS, AssignmentKind
from cityjobs.people.models import Person

bp = Blueprint("followups", __name__, url_prefix="/personnes/<uuid:person_id>")

SHARED = ("synthesis", "mode", "held_on", "duration", "reached", "private_note")


def load_case(person_id: uuid.UUID) -> tuple[Person, Parcours]:
    """The person and their present parcours, or 404; a page made from them is a reading of the file."""
    person, parcours = find_case(person_id) or abort(404)
    record_reading("person", person.id, person.cite_id)
    return person, parcours


def file_of(person_id: uuid.UUID) -> str:
    """Where the file of a person is."""
    return url_for("file.show", person_id=person_id)


@bp.route("/entretiens/nouveau", methods=["GET", "POST"])
@requires(Permission.FOLLOWUP_LOG)
def log(person_id: uuid.UUID) -> ResponseReturnValue:
    """Note an exchange; what was typed comes back as long as it is not accepted."""
    person, parcours = load_case(person_id)
    me, form = signed_in(), LogForm()
    if form.is_submitted():
        hold_parcours(parcours)
    if form.holds_for(parcours):
        logged = log_interview(
            person,
            parcours,
            form.exchange(),
            interview_id=form.interview.key(),
            author_id=me.id,
            today=today(),
            plan=form.plan(),
            note=form.note(),
        )
        forget_draft(me.id, draft_key(person.id))
        flash(told(logged, form.plan()), "due" if logged.kept_back else "done")
        return redirect_after(file_of(person.id))
    draft = find_unfinished_exchange(person.id) if request.method == "GET" else None
    return render_template(
        "followups/log.html",
        person=person,
        form=form,
        draft=draft if draft and form.show_draft(draft.fields) else None,
        draft_key=draft_key(person.id),
        suggestions=due_suggestions(today()),
        is_closed=parcours.status in CLOSED_STATUSES,
    ), 422 if form.errors else 200


def told(logged: Logged, plan: Plan | None) -> str:
    """What noting an exchange did, in words; without anybody's name, for it travels in the cookie."""
    if logged.completed:
        return "Cet échange était déjà enregistré\u00a0: ce que vous y avez ajouté l’est maintenant aussi."
    if logged.already:
        return "Cet échange était déjà enregistré\u00a0: il n’a pas été noté deux fois."
    said = ["Échange enregistré."]
    if logged.moved_to:
        said.append(f"Le parcours passe à « {STATUS_LABELS[logged.moved_to]} ».")
    if logged.kept_back:
        said.append(f"Le parcours n’a pas avancé. {logged.kept_back}")
    if plan:
        said.append(f"Prochaine étape : {day(plan.due_on)}.")
    return " ".join(said)


@bp.post("/entretiens/brouillon")
@requires(Permission.FOLLOWUP_LOG)
def drop_draft(person_id: uuid.UUID) -> ResponseReturnValue:
    """Forget what was being typed about a person."""
    load_case(person_id)
    forget_draft(signed_in().id, draft_key(person_id))
    flash("Brouillon effacé.", "done")
    return redirect_after(safe_next(request.form.get("suite"), file_of(person_id)))


@bp.get("/entretiens/<uuid:interview_id>")
@requires(Permission.FOLLOWUP_READ)
def interview(person_id: uuid.UUID, interview_id: uuid.UUID) -> ResponseReturnValue:
    """Read an exchange and all it said before."""
    person, _ = load_case(person_id)
    found = find_interview(person_id, interview_id) or abort(404)
    record_reading("interview", found.id, found.cite_id)
    return render_template(
        "followups/interview.html",
        person=person,
        interview=found,
        note=find_private_note(found.id),
        writings=writings_of(found),
        modes=INTERVIEW_MODE_LABELS,
    )


@bp.route("/entretiens/<uuid:interview_id>/modifier", methods=["GET", "POST"])
@requires(Permission.FOLLOWUP_LOG)
def correct(person_id: uuid.UUID, interview_id: uuid.UUID) -> ResponseReturnValue:
    """Correct what an exchange says; two overlapping corrections are shown side by side."""
    posted = request.method == "POST"
    person, _ = load_case(person_id)
    found = find_interview(person_id, interview_id, to_change=posted) or abort(404)
    record_reading("interview", found.id, found.cite_id)
    note = find_private_note(found.id)
    form = correction_of(found, note, posted=posted)
    parcours = db.session.get(Parcours, found.parcours_id) or abort(404)
    if form.holds_for(parcours):
        if is_overtaken(form, found, note):
            return render_template("followups/conflict.html", **both_versions(person, found, note, form)), 409
        correct_interview(found, form.exchange(), editor_id=signed_in().id)
        if "private_note" in form:
            write_private_note(found, note, form.note(), person=person)
        flash("Échange corrigé. La version d’avant est conservée.", "done")
        return redirect_after(url_for(".interview", person_id=person.id, interview_id=found.id))
    return render_template("followups/correct.html", person=person, interview=found, form=form), (
        422 if form.errors else 200
    )


def correction_of(found: Interview, note: PrivateNote | None, *, posted: bool) -> CorrectForm:
    """The form of a correction: as posted, as chosen between two versions, or as the exchange stands."""
    if posted:
        form = CorrectForm(formdata=chosen(request.form))
        form.synthesis.was(found.synthesis)
        form.private_note.was(note.body if note else None)
    else:
        form = CorrectForm(
            formdata=None,
            data={
                **vars(said_in(found)),
                "private_note": note.body if note else None,
                "version": found.version,
                "note_version": note.version if note else 0,
            },
        )
    if found.author_id != signed_in().id:
        del form.private_note
    return form


def chosen(answers: MultiDict[str, str]) -> MultiDict[str, str]:
    """Answers of a correction; where two versions were shown, those of the version kept, field by field."""
    if not any(f"mine-{name}" in answers for name in SHARED):
        return answers
    kept = MultiDict(answers)
    for name in SHARED:
        side = "theirs" if answers.get(f"keep-{name}") == "theirs" else "mine"
        if f"{side}-{name}" in answers:
            kept[name] = answers[f"{side}-{name}"]
    return kept


def is_overtaken(form: CorrectForm, found: Interview, note: PrivateNote | None) -> bool:
    """Whether somebody else, or the author elsewhere, saved something different meanwhile."""
    if form.version.data != found.version and form.exchange() != said_in(found):
        return True
    if "private_note" not in form or form.note_version.data == (note.version if note else 0):
        return False
    return form.note() != (note.body if note else None)


def both_versions(
    person: Person, found: Interview, note: PrivateNote | None, form: CorrectForm
) -> dict[str, Any]:
    """What the page of a conflict shows: mine, and what was saved meanwhile."""
    mine, theirs = form.exchange(), said_in(found)
    fields = [
        {"name": name, "label": form[name].label.text, "mine": shown(mine, name), "theirs": shown(theirs, name),
         "mine_raw": raw(mine, name), "theirs_raw": raw(theirs, name)}
        for name in SHARED
        if name != "private_note"
    ]  # fmt: skip
    if "private_note" in form:
        texts = form.note() or "", note.body if note else ""
        fields.append({"name": "private_note", "label": "Note privée", "mine": texts[0], "theirs": texts[1]})
    latest = writings_of(found)[0]
    return {
        "person": person,
        "interview": found,
        "fields": fields,
        "by": latest.by,
        "at": latest.at,
        "kept": {"note_version": note.version if note else 0},
    }


def shown(exchange: Exchange, name: str) -> str:
    """One answer, in words."""
    if name == "mode":
        return INTERVIEW_MODE_LABELS[exchange.mode]
    if name == "held_on":
        return day(exchange.held_on)
    if name == "reached":
        return "Oui" if exchange.reached else "Non"
    return raw(exchange, name)


def raw(exchange: Exchange, name: str) -> str:
    """One answer, as the form sends it."""
    answer = getattr(exchange, name)
    if isinstance(answer, bool):
        return "y" if answer else ""
    return answer.isoformat() if isinstance(answer, date) else str(answer or "")


# Next steps


@bp.route("/etapes/nouvelle", methods=["GET", "POST"])
@requires(Permission.FOLLOWUP_LOG)
def plan(person_id: uuid.UUID) -> ResponseReturnValue:
    """Agree on what comes next, without an exchange."""
    person, parcours = load_case(person_id)
    form = PlanForm()
    if form.is_submitted():
        hold_parcours(parcours)
    if form.holds():
        if parcours.status not in CLOSED_STATUSES:
            plan_step_once(parcours, form.plan(), step_id=form.step.key(), author_id=signed_in().id)
            flash(f"Prévu : {day(form.due_on.data)}.", "done")
            return redirect_after(file_of(person.id))
        form.refuse("title", "Ce parcours est clos : ouvrez-en un autre pour prévoir quelque chose.")
    return render_template(
        "followups/plan.html", person=person, form=form, suggestions=due_suggestions(today())
    ), 422 if form.errors else 200


@bp.route("/etapes/<uuid:step_id>/faite", methods=["GET", "POST"])
@requires(Permission.FOLLOWUP_LOG)
def finish(person_id: uuid.UUID, step_id: uuid.UUID) -> ResponseReturnValue:
    """It was done; can be taken back for a quarter of an hour."""
    form = FinishForm()

    def act(step: NextStep) -> dict[str, str]:
        finish_step(step, by=signed_in().id, result=form.result.data)
        undo = url_for(".take_back", person_id=person_id, step_id=step_id, suite=form.suite.data or None)
        return {"text": "C’est fait.", "undo_url": undo, "undo_label": "Annuler"}

    return settle_step(person_id, step_id, form, act, "finish")


@bp.route("/etapes/<uuid:step_id>/reporter", methods=["GET", "POST"])
@requires(Permission.FOLLOWUP_LOG)
def postpone(person_id: uuid.UUID, step_id: uuid.UUID) -> ResponseReturnValue:
    """It is put off to another day, or to another hour of the same one."""
    form = PostponeForm()

    def remember(step: NextStep, _passing: Any) -> None:
        form.planned = step.due_on, step.due_at

    def act(step: NextStep) -> dict[str, str]:
        postpone_step(step, cast(date, form.due_on.data), due_at=form.due_at.data, reason=form.reason.data)
        at = f" à {hour(step.due_at)}" if step.due_at else ""
        return {"text": f"Reporté\u00a0: {day(step.due_on)}{at}."}

    return settle_step(person_id, step_id, form, act, "postpone", ready=remember)


@bp.route("/etapes/<uuid:step_id>/abandonner", methods=["GET", "POST"])
@requires(Permission.FOLLOWUP_LOG)
def drop(person_id: uuid.UUID, step_id: uuid.UUID) -> ResponseReturnValue:
    """It will not be done, and why."""
    form = DropForm()

    def act(step: NextStep) -> dict[str, str]:
        drop_step(step, by=signed_in().id, reason=form.reason.data or "")
        return {"text": "Laissé de côté."}

    return settle_step(person_id, step_id, form, act, "drop")


@bp.route("/etapes/<uuid:step_id>/confier", methods=["GET", "POST"])
@requires(Permission.FOLLOWUP_LOG)
def pass_on(person_id: uuid.UUID, step_id: uuid.UUID) -> ResponseReturnValue:
    """A colleague who follows the person does it; or whoever asks takes it back."""
    form, me = PassOnForm(), signed_in().id

    def offer(step: NextStep, passing: Any) -> None:
        followers = followers_of(step.parcours_id)
        referent_id = next(
            (one.id for one in followers if one.kind == AssignmentKind.REFERENT and not one.replaces), None
        )
        form.offer(followers, me=me, holder_id=passing.entrusted_to_id if passing else referent_id)

    def act(step: NextStep) -> dict[str, str]:
        pass_on_step(step, form.chosen(), by=me, reason=form.reason.data)
        return {"text": "C’est à vous." if form.chosen().id == me else "Passé à votre collègue."}

    return settle_step(person_id, step_id, form, act, "pass_on", ready=offer)


def settle_step(
    person_id: uuid.UUID,
    step_id: uuid.UUID,
    form: StepForm,
    act: Callable[[NextStep], Any],
    gesture: str,
    ready: Callable[[NextStep, Any], None] | None = None,
) -> ResponseReturnValue:
    """One gesture on one step, unless somebody else made another one first: then the page says so."""
    person, _ = load_case(person_id)
    posted = request.method == "POST"
    step = find_step(person_id, step_id, to_change=posted) or abort(404)
    onward = safe_next(form.suite.data if posted else request.args.get("suite"), file_of(person_id))
    overtaken = False
    passing = cache(lambda: find_passing(step))
    if ready:
        ready(step, passing())
    if form.holds():
        overtaken = step.state != StepState.TODO or form.version.data != step.version
        if not overtaken:
            flash(act(step), "done")
            return redirect_after(onward)
        if gesture == "finish" and step.state == StepState.DONE and step.settled_by_id == signed_in().id:
            return redirect_after(onward)
    form.version.data, form.suite.data = step.version, onward
    return render_template(
        "followups/step.html",
        person=person,
        step=step,
        passing=passing(),
        form=form,
        gesture=gesture,
        overtaken=overtaken,
        onward=onward,
        suggestions=due_suggestions(today()),
    ), 409 if overtaken else 422 if form.errors else 200


@bp.post("/etapes/<uuid:step_id>/reprendre")
@requires(Permission.FOLLOWUP_LOG)
def take_back(person_id: uuid.UUID, step_id: uuid.UUID) -> ResponseReturnValue:
    """It was not done after all: only for whoever said so, for a quarter of an hour."""
    _, parcours = load_case(person_id)
    hold_parcours(parcours)
    step = find_step(person_id, step_id, to_change=True) or abort(404)
    is_closed = parcours.status in CLOSED_STATUSES or step.parcours_id != parcours.id
    mine = step.state == StepState.DONE and step.settled_by_id == signed_in().id
    if mine and is_closed:
        flash("Ce parcours est clos\u00a0: ce qui y était à faire ne peut plus être repris.", "due")
    elif mine and may_undo(step.settled_at, now()):
        take_back_step(step)
        flash("C’est de nouveau à faire.", "done")
    elif mine:
        flash("Il est trop tard pour annuler : ajoutez une chose à faire.", "due")
    elif step.state != StepState.TODO:
        flash("Cela ne peut pas être repris.", "due")
    return redirect_after(safe_next(request.args.get("suite"), file_of(person_id)))


def init_app(app: Flask) -> None:
    """Attach the pages of follow-ups."""
    app.register_blueprint(bp)
