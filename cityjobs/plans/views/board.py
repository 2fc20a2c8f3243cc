"""The page of a plan, and the goals that are written and settled in place."""

import uuid
from typing import Any

from flask import abort, flash, render_template
from flask.typing import ResponseReturnValue

from cityjobs.core.clock import today
from cityjobs.core.permissions import Permission, can, requires, signed_in
from cityjobs.core.web import redirect_after
from cityjobs.parcours.actions import hold_parcours
from cityjobs.parcours.models import Parcours
from cityjobs.people.models import Person
from cityjobs.plans.actions import move_goal, set_goal_once
from cityjobs.plans.forms import GoalForm, GoalGestureForm
from cityjobs.plans.queries.parts import find_goal
from cityjobs.plans.queries.plan import Plan, find_plan
from cityjobs.plans.rules import (
    AGREEMENT_WAY_LABELS,
    ETAPE_EVENT_LABELS,
    ETAPE_STATUS_LABELS,
    GOAL_GESTURE_LABELS,
    GOAL_STATUS_LABELS,
    PLAN_CLOSED,
    GoalGesture,
    GoalStatus,
    etape_events_from,
    goal_gestures_from,
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

GOAL_LISTS = (ListName.OBJECTIF, ListName.BESOIN_PROFESSIONNEL)


@bp.get(f"{OF_PERSON}/plan")
@requires(Permission.FOLLOWUP_READ)
def show(person_id: uuid.UUID) -> ResponseReturnValue:
    """The whole plan of the present parcours: goals by frein then about the project, étapes, agreement."""
    person, parcours = load_case(person_id)
    plan = find_plan(parcours.id)
    return plan_page(person, parcours, plan, goal_lists(parcours))


def goal_lists(parcours: Parcours) -> Lists:
    """What goals are chosen from, where they can be."""
    writes = can(Permission.FOLLOWUP_LOG) and not is_closed(parcours)
    return read_lists(*GOAL_LISTS) if writes else Lists()


def plan_page(
    person: Person,
    parcours: Parcours,
    plan: Plan,
    lists: Lists,
    *,
    refused: GoalForm | None = None,
    overtaken: str | None = None,
) -> str:
    """The page of a plan, with a form for a new goal in each group; `refused` takes the place of one of them."""
    writes = can(Permission.FOLLOWUP_LOG) and not is_closed(parcours)
    return render_template(
        "plans/plan.html",
        person=person,
        parcours=parcours,
        plan=plan,
        is_closed=is_closed(parcours),
        forms_by_group=_forms_of(plan, lists, refused) if writes else {},
        form=refused,
        overtaken=overtaken,
        **words(),
    )


def _forms_of(plan: Plan, lists: Lists, refused: GoalForm | None) -> dict[uuid.UUID | None, GoalForm]:
    """A form for each group that takes goals; identifiers of the page are told apart by the place of the group."""
    about = refused.frein.data if refused else None
    known = {str(group.frein_id) for group in plan.groups if group.takes_goals}
    forms: dict[uuid.UUID | None, GoalForm] = {}
    for place, group in enumerate(plan.groups):
        if not group.takes_goals:
            continue
        code = str(group.frein_id) if group.frein_id else None
        is_there = refused is not None and (about == code or (code is None and about not in known))
        if refused is not None and is_there:
            form = refused
        else:
            form = GoalForm(formdata=None)
            form.offer(plan, lists, code)
        for field in form:
            field.id = f"{field.id}-{place}"
        forms[group.frein_id] = form
    return forms


def words() -> dict[str, Any]:
    """What pages say for codes."""
    return {
        "goal_statuses": GOAL_STATUS_LABELS,
        "goal_gestures": GOAL_GESTURE_LABELS,
        "goal_gestures_from": goal_gestures_from,
        "etape_statuses": ETAPE_STATUS_LABELS,
        "etape_events": ETAPE_EVENT_LABELS,
        "etape_events_from": etape_events_from,
        "ways": AGREEMENT_WAY_LABELS,
    }


@bp.post(f"{OF_PERSON}/plan/objectifs")
@requires(Permission.FOLLOWUP_LOG)
def add_goal(person_id: uuid.UUID) -> ResponseReturnValue:
    """One more goal, about a frein of this parcours or the project."""
    person, parcours = load_case(person_id)
    hold_parcours(parcours)
    plan, lists, form = find_plan(parcours.id), read_lists(*GOAL_LISTS), GoalForm()
    form.offer(plan, lists, form.frein.data)
    if form.holds() and not is_closed(parcours):
        set_goal_once(parcours, form.aim(), goal_id=form.goal.key(), by=signed_in().id, today=today())
        flash("Objectif ajouté.", "done")
        return redirect_after(plan_url(person.id))
    closed = PLAN_CLOSED if is_closed(parcours) else None
    if closed:
        form.refuse("label", closed)
    return plan_page(person, parcours, plan, lists, refused=form, overtaken=closed), 422


SETTLED = {
    GoalGesture.REACH: "Objectif atteint.",
    GoalGesture.DROP: "Objectif mis de côté.",
    GoalGesture.REOPEN: "Objectif repris.",
}


@bp.post(f"{OF_PERSON}/plan/objectifs/<uuid:goal_id>")
@requires(Permission.FOLLOWUP_LOG)
def settle_goal(person_id: uuid.UUID, goal_id: uuid.UUID) -> ResponseReturnValue:
    """A goal is reached, dropped, or taken up again; overtaken by somebody else, the page says what it became."""
    hold_case(person_id)
    person, parcours, goal = find_goal(person_id, goal_id, to_change=True) or abort(404)
    form = GoalGestureForm()
    gesture = form.said()
    stands = form.accepted() and form.version.data == goal.version and not is_closed(parcours)
    if stands and gesture and move_goal(goal, gesture, on=today()):
        flash(SETTLED[gesture], "done")
        return redirect_after(plan_url(person.id, f"objectif-{goal.id}"))
    note_reading(person)
    becomes = GOAL_STATUS_LABELS[GoalStatus(goal.status)].lower()
    said = f"«\u00a0{goal.label}\u00a0» est maintenant {becomes}. Rien n’a été changé."
    if is_closed(parcours):
        said = PLAN_CLOSED
    plan = find_plan(parcours.id)
    return plan_page(person, parcours, plan, goal_lists(parcours), overtaken=said), 409
