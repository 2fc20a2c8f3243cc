"""« Ma journée », and each of its queues whole."""

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue

from cityjobs.core.clock import today
from cityjobs.core.permissions import Permission, requires
from cityjobs.core.web import page_number
from cityjobs.desk.queries.day import (
    Queue,
    due_today_and_before,
    find_setting,
    first_of,
    page_of,
    unfinished_exchanges,
)
from cityjobs.followups.rules import due_suggestions
from cityjobs.parcours.rules.lifecycle import STATUS_LABELS
from cityjobs.parcours.rules.reasons import SPOTTING_CHANNEL_LABELS

bp = Blueprint("day", __name__, url_prefix="/ma-journee")

LABELS = {"channels": SPOTTING_CHANNEL_LABELS, "status_labels": STATUS_LABELS, "queues": Queue}


@bp.get("")
@requires(Permission.DAY_SEE)
def show() -> ResponseReturnValue:
    """What waits for me, each thing acted on in place."""
    due, overdue = due_today_and_before(today())
    return render_template(
        "desk/day.html",
        due=due,
        overdue=overdue,
        new=first_of(Queue.NEW, today()),
        silent=first_of(Queue.SILENT, today()),
        drafts=unfinished_exchanges(),
        setting=find_setting(),
        suggestions=due_suggestions(today()),
        **LABELS,
    )


@bp.get("/<queue>")
@requires(Permission.DAY_SEE)
def whole(queue: str) -> ResponseReturnValue:
    """One queue, to its last line."""
    if queue not in tuple(Queue):
        abort(404)
    return render_template(
        "desk/day_queue.html",
        queue=Queue(queue),
        page=page_of(Queue(queue), today(), page_number()),
        setting=find_setting(),
        suggestions=due_suggestions(today()),
        **LABELS,
    )
