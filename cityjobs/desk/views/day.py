"""« Ma journée », and each of its queues whole."""

from flask import Blueprint, abort, flash, render_template
from flask.typing import ResponseReturnValue

from cityjobs.core.clock import today
from cityjobs.core.permissions import Permission, requires, signed_in
from cityjobs.core.web import day as in_full
from cityjobs.core.web import page_number, redirect_after
from cityjobs.desk.forms import BatchForm
from cityjobs.desk.queries.day import find_day, page_of
from cityjobs.desk.rules import QUEUE_TITLES, Queue
from cityjobs.followups.actions import finish_step, postpone_step
from cityjobs.followups.queries import steps_held
from cityjobs.followups.rules import StepState, due_suggestions
from cityjobs.parcours.rules.jobs import CHECK_LABELS
from cityjobs.parcours.rules.lifecycle import STATUS_LABELS
from cityjobs.parcours.rules.reasons import SPOTTING_CHANNEL_LABELS
from cityjobs.parcours.rules.situations import MOMENT_LABELS
from cityjobs.plans.rules import ETAPE_STATUS_LABELS

bp = Blueprint("day", __name__, url_prefix="/ma-journee")

LABELS = {
    "channels": SPOTTING_CHANNEL_LABELS,
    "status_labels": STATUS_LABELS,
    "checks": CHECK_LABELS,
    "moments": MOMENT_LABELS,
    "etape_statuses": ETAPE_STATUS_LABELS,
    "titles": QUEUE_TITLES,
    "queues": Queue,
}


@bp.get("")
@requires(Permission.DAY_SEE)
def show() -> ResponseReturnValue:
    """What waits for me, each thing acted on in place."""
    return render_template(
        "desk/day.html", day=find_day(today()), suggestions=due_suggestions(today()), **LABELS
    )


@bp.get("/<queue>")
@requires(Permission.DAY_SEE)
def whole(queue: str) -> ResponseReturnValue:
    """One queue, to its last line."""
    if queue not in tuple(Queue):
        abort(404)
    return _whole(Queue(queue), BatchForm())


def _whole(queue: Queue, form: BatchForm) -> str:
    page, day = page_of(queue, today(), page_number())
    return render_template(
        "desk/day_queue.html",
        queue=queue,
        page=page,
        day=day,
        form=form,
        suggestions=due_suggestions(today()),
        **LABELS,
    )


@bp.post("/<queue>")
@requires(Permission.FOLLOWUP_LOG)
def settle(queue: str) -> ResponseReturnValue:
    """Several things to do at once: done, or put off; those that changed meanwhile are left as they are, and told."""
    if queue not in (Queue.OVERDUE, Queue.TODAY):
        abort(404)
    form = BatchForm()
    if not form.holds():
        return _whole(Queue(queue), form), 422
    steps = steps_held(list(form.picked.data))
    if not steps:
        abort(404)
    settled = [
        step
        for step, is_mine in steps
        if is_mine and step.state == StepState.TODO and step.version == form.picked.data[step.id]
    ]
    for step in settled:
        if form.gesture.data == "done":
            finish_step(step, by=signed_in().id)
        elif form.due_on.data and step.due_on != form.due_on.data:
            postpone_step(step, form.due_on.data)
    _say(form, len(settled), len(form.picked.data) - len(settled))
    return redirect_after(f"/ma-journee/{queue}")


def _say(form: BatchForm, settled: int, changed: int) -> None:
    one = settled == 1
    if settled and form.gesture.data == "done":
        flash("1 chose faite." if one else f"{settled} choses faites.", "done")
    elif settled:
        what = "1 chose reportée" if one else f"{settled} choses reportées"
        flash(f"{what}\u00a0: {in_full(form.due_on.data)}.", "done")
    if changed:
        flash(
            "1 avait changé entre-temps\u00a0: elle est laissée comme elle est."
            if changed == 1
            else f"{changed} avaient changé entre-temps\u00a0: elles sont laissées comme elles sont.",
            "due",
        )
