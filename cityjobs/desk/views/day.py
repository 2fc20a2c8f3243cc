"""« Ma journée », and each of its queues whole."""

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue

from cityjobs.core.clock import today
from cityjobs.core.permissions import Permission, requires
from cityjobs.core.web import page_number
from cityjobs.desk.queries.day import find_day, page_of
from cityjobs.desk.rules import QUEUE_TITLES, Queue
from cityjobs.followups.rules import due_suggestions
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
    page, day = page_of(Queue(queue), today(), page_number())
    return render_template(
        "desk/day_queue.html",
        queue=Queue(queue),
        page=page,
        day=day,
        suggestions=due_suggestions(today()),
        **LABELS,
    )
