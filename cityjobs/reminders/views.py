"""The coordinator's page about reminders: what left, what waits, what failed."""

from functools import partial
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Flask, abort, render_template, request
from flask.typing import ResponseReturnValue

from cityjobs.accounts.rules import Professional
from cityjobs.core.audit import record_reading
from cityjobs.core.db import db
from cityjobs.core.permissions import Permission, requires, signed_in
from cityjobs.core.web import Page, page_asked
from cityjobs.reminders.queries import counts_by_rule_and_state, ledger_lines
from cityjobs.reminders.rules import (
    CANCELLATION_LABELS,
    REMINDER_RULE_LABELS,
    REMINDER_STATE_LABELS,
    Cancellation,
    ReminderRule,
    ReminderState,
)

bp = Blueprint("reminders", __name__)
PAGE_SIZE = 50


@bp.get("/coordination/rappels")
@requires(Permission.COORDINATION_SEE)
def ledger() -> ResponseReturnValue:
    """The ledger of the Cité: counts by rule and state, then the lines of one state."""
    me: Professional = signed_in()
    cite_id = me.cite_id or abort(403)
    record_reading("reminders", cite_id, cite_id)
    counts = counts_by_rule_and_state(cite_id)
    asked = request.args.get("etat", "")
    states = [ReminderState(asked)] if asked in tuple(ReminderState) else list(ReminderState)
    return render_template(
        "reminders/ledger.html",
        page=page_asked(partial(_page_of, ledger_lines(cite_id, states=states))),
        counts=counts,
        asked=asked if asked in tuple(ReminderState) else "",
        of_state={state: sum(n for (_, one), n in counts.items() if one is state) for state in ReminderState},
        rules=list(ReminderRule),
        states=list(ReminderState),
        rule_labels=REMINDER_RULE_LABELS,
        state_labels=REMINDER_STATE_LABELS,
        reasons={reason.value: CANCELLATION_LABELS[reason] for reason in Cancellation},
    )


def _page_of(lines: sa.Select[*tuple[Any, ...]], number: int) -> Page:
    rows = db.session.execute(lines.limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)).all()
    return Page(rows, number, PAGE_SIZE, rows[0].total if rows else 0)


def init_app(app: Flask) -> None:
    """Attach the page."""
    app.register_blueprint(bp)
