"""Pages of étapes: adding one, planning it otherwise, saying what happened to it."""

import uuid
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from flask import abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from cityjobs.core.clock import today
from cityjobs.core.db import db
from cityjobs.core.forms import chosen_answers
from cityjobs.core.permissions import Permission, requires, signed_in
from cityjobs.core.web import day, redirect_after, safe_next
from cityjobs.parcours.actions import hold_parcours
from cityjobs.parcours.models import Parcours
from cityjobs.people.models import Person
from cityjobs.plans.actions import (
    Refused,
    change_etape,
    move_etape,
    plan_etape_once,
    plan_of,
    settle_around,
)
from cityjobs.plans.forms import EtapeForm, HappeningForm
from cityjobs.plans.models import Etape
from cityjobs.plans.queries.parts import (
    Choice,
    Endings,
    endings_of,
    find_etape,
    goals_to_choose,
    partners_to_choose,
)
from cityjobs.plans.rules import (
    ETAPE_EVENT_LABELS,
    ETAPE_STATUS_LABELS,
    ETAPE_TRANSITIONS,
    PLAN_CLOSED,
    EtapeEvent,
    EtapePlan,
    EtapeStatus,
)
from cityjobs.plans.views.blueprint import (
    OF_PERSON,
    bp,
    hold_case,
    is_closed,
    load_case,
    note_reading,
    plan_url,
)
from cityjobs.vocabulary.queries import Lists, read_lists
from cityjobs.vocabulary.rules import ListName

ETAPE_LISTS = (ListName.PHASE_ETAPE, ListName.TYPE_ETAPE)
ENDING_LISTS = (ListName.RESULTAT_ETAPE, ListName.MOTIF_ABANDON)


@bp.route(f"{OF_PERSON}/plan/etapes/nouvelle", methods=["GET", "POST"])
@requires(Permission.FOLLOWUP_LOG)
def add_etape(person_id: uuid.UUID) -> ResponseReturnValue:
    """One more étape, towards some goals."""
    person, parcours = load_case(person_id)
    form = (
        EtapeForm()
        if request.method == "POST"
        else EtapeForm(formdata=None, goals=request.args.getlist("objectif"))
    )
    if form.is_submitted():
        hold_parcours(parcours)
    goals, _ = goals_to_choose(parcours.id)
    form.offer(read_lists(*ETAPE_LISTS), goals, partners_to_choose())
    stands = form.holds(started_on=parcours.spotted_on)
    if stands and not is_closed(parcours):
        plan_etape_once(
            parcours,
            form.plan(),
            goal_ids=form.goal_ids(),
            organisation_id=form.organisation_id(),
            etape_id=form.etape.key(),
            by=signed_in().id,
        )
        flash("Étape ajoutée au plan.", "done")
        return redirect_after(plan_url(person.id))
    if stands:
        form.refuse("type", PLAN_CLOSED)
    return etape_page(person, parcours, None, form), 422 if form.errors else 200


def etape_page(person: Person, parcours: Parcours, etape: Etape | None, form: EtapeForm) -> str:
    """The form of an étape, new or already there."""
    return render_template(
        "plans/etape.html",
        person=person,
        etape=etape,
        form=form,
        is_closed=is_closed(parcours),
        closed_sentence=PLAN_CLOSED,
    )


@bp.route(f"{OF_PERSON}/plan/etapes/<uuid:etape_id>/modifier", methods=["GET", "POST"])
@requires(Permission.FOLLOWUP_LOG)
def edit_etape(person_id: uuid.UUID, etape_id: uuid.UUID) -> ResponseReturnValue:
    """Plan an étape otherwise; two people who overlap choose between both versions."""
    posted = request.method == "POST"
    if posted:
        hold_case(person_id)
    person, parcours, etape = find_etape(person_id, etape_id, to_change=posted) or abort(404)
    note_reading(person)
    goals, served = goals_to_choose(parcours.id, etape.id)
    kept = {**vars(plan_of(etape)), "goals": served, "organisation": str(etape.organisation_id or "") or None}
    form = EtapeForm(formdata=answers() if posted else None, data={**kept, "version": etape.version})
    lists, partners = read_lists(*ETAPE_LISTS), partners_to_choose(etape.organisation_id)
    form.offer(lists, goals, partners, kept)
    stands = form.holds(started_on=parcours.spotted_on)
    if stands and is_closed(parcours):
        form.refuse("type", PLAN_CLOSED)
    elif stands:
        mine = answers_of(form.plan(), form.goal_ids(), form.organisation_id())
        theirs = answers_of(plan_of(etape), [uuid.UUID(code) for code in served], etape.organisation_id)
        if form.version.data != etape.version and mine != theirs:
            fields = differences(mine, theirs, form, lists, goals, partners)
            return render_template("plans/conflict.html", person=person, etape=etape, fields=fields), 409
        change_etape(
            parcours, etape, form.plan(), goal_ids=form.goal_ids(), organisation_id=form.organisation_id()
        )
        flash("L’étape est à jour.", "done")
        return redirect_after(plan_url(person.id, f"etape-{etape.id}"))
    return etape_page(person, parcours, etape, form), 422 if form.errors else 200


def answers() -> MultiDict[str, str]:
    """What was posted; where two versions were shown, what was chosen of each, the goals one by one again."""
    chosen = chosen_answers(request.form)
    if chosen is None:
        return request.form
    chosen.setlist("goals", chosen.get("goals", "").split())
    return chosen


SHOWN = (
    "type",
    "label",
    "goals",
    "organisation",
    "planned_from",
    "planned_to",
    "hours",
    "cost_euros",
    "note",
)


def answers_of(
    plan: EtapePlan, goal_ids: Sequence[uuid.UUID], organisation_id: uuid.UUID | None
) -> dict[str, Any]:
    """Everything that the form of an étape asks, as it is compared."""
    return {**vars(plan), "goals": sorted(map(str, goal_ids)), "organisation": organisation_id}


def differences(
    mine: dict[str, Any],
    theirs: dict[str, Any],
    form: EtapeForm,
    lists: Lists,
    goals: Sequence[Choice],
    partners: Sequence[Choice],
) -> list[dict[str, str]]:
    """Each field in both versions, as it is read and as it is sent."""
    labels = {
        **lists.labels(ListName.TYPE_ETAPE),
        **{choice.code: choice.label for choice in (*goals, *partners)},
    }
    return [
        {
            "name": name,
            "label": form[name].label.text,
            "mine": in_words(mine[name], labels),
            "theirs": in_words(theirs[name], labels),
            "mine_raw": raw(mine[name]),
            "theirs_raw": raw(theirs[name]),
        }
        for name in SHOWN
    ]


def in_words(answer: Any, labels: dict[str, str]) -> str:
    """One answer, as it is read."""
    if isinstance(answer, date):
        return day(answer)
    if isinstance(answer, Decimal):
        return raw(answer)
    if isinstance(answer, list):
        return ", ".join(labels.get(str(code), str(code)) for code in answer)
    return labels.get(str(answer), str(answer)) if answer is not None else ""


def raw(answer: Any) -> str:
    """One answer, as the form sends it."""
    if isinstance(answer, date):
        return answer.isoformat()
    if isinstance(answer, Decimal):
        return f"{answer.normalize():f}".replace(".", ",")
    return " ".join(answer) if isinstance(answer, list) else str(answer or "")


SAID = {
    EtapeEvent.START: "L’étape a commencé.",
    EtapeEvent.PAUSE: "L’étape est en attente.",
    EtapeEvent.RESUME: "L’étape reprend.",
    EtapeEvent.FINISH: "L’étape est réalisée.",
    EtapeEvent.ABANDON: "L’étape est abandonnée.",
    EtapeEvent.CANCEL: "L’étape est annulée.",
}


@bp.route(f"{OF_PERSON}/plan/etapes/<uuid:etape_id>/<gesture>", methods=["GET", "POST"])
@requires(Permission.FOLLOWUP_LOG)
def move(person_id: uuid.UUID, etape_id: uuid.UUID, gesture: str) -> ResponseReturnValue:
    """What happened to an étape, unless somebody else said something else first: then the page says so."""
    event = next((each for each in EtapeEvent if each == gesture), None) or abort(404)
    posted = request.method == "POST"
    if posted:
        hold_case(person_id)
    person, parcours, etape = find_etape(person_id, etape_id, to_change=posted) or abort(404)
    note_reading(person)
    form = HappeningForm()
    endings = endings_of(etape) if event is EtapeEvent.FINISH else Endings()
    form.ask(event, read_lists(*ENDING_LISTS), endings)
    onward = safe_next(
        form.suite.data if posted else request.args.get("suite"), plan_url(person.id, f"etape-{etape.id}")
    )
    possible = (EtapeStatus(etape.status), event) in ETAPE_TRANSITIONS
    overtaken = not possible or (posted and form.version.data != etape.version)
    if posted and not overtaken and form.accepted():
        if is_closed(parcours):
            form.form_errors.append(PLAN_CLOSED)
        elif happened(etape, event, form):
            flash(SAID[event], "done")
            return redirect_after(onward)
    form.version.data, form.suite.data = etape.version, onward
    return render_template(
        "plans/event.html",
        person=person,
        etape=etape,
        event=event,
        form=form,
        overtaken=overtaken,
        possible=possible,
        onward=onward,
        labels=ETAPE_EVENT_LABELS,
        statuses=ETAPE_STATUS_LABELS,
    ), 409 if posted and overtaken else 422 if form.errors else 200


def happened(etape: Etape, event: EtapeEvent, form: HappeningForm) -> bool:
    """Whether it could be written, whole; if not, the form says why and nothing is."""
    happening = form.happening(event)
    try:
        with db.session.begin_nested():
            move_etape(etape, happening, today=today())
            settle_around(
                etape,
                goal_ids=form.chosen("reached"),
                frein_ids=form.chosen("freins"),
                on=happening.on,
                by=signed_in().id,
            )
    except Refused as refused:
        if refused.field in form:
            form.refuse(refused.field, str(refused))
        else:
            form.form_errors.append(str(refused))
        return False
    return True
