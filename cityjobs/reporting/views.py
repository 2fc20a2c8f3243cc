"""Pilotage: figures, the rows behind them, reports."""

import io
import uuid
from datetime import date
from typing import Any

from flask import Blueprint, Flask, abort, flash, render_template, request, send_file
from flask.typing import ResponseReturnValue

from cityjobs.accounts.rules import Professional
from cityjobs.core.audit import record_reading
from cityjobs.core.clock import today
from cityjobs.core.permissions import Permission, Reach, can, reach_of, requires, signed_in
from cityjobs.core.web import page_number, redirect_after
from cityjobs.followups.rules import INTERVIEW_MODE_LABELS
from cityjobs.parcours.rules.lifecycle import STATUS_LABELS
from cityjobs.reporting import board as boards
from cityjobs.reporting.actions import request_report
from cityjobs.reporting.documents import NOT_PUBLISHED, said
from cityjobs.reporting.forms import ReportForm, last_month, read_period
from cityjobs.reporting.queries import (
    Narrowed,
    Setting,
    dated_by,
    find_file,
    find_pending_report,
    find_report,
    find_setting,
    lines_behind,
    reports_of,
)
from cityjobs.reporting.rules.figures import FIGURES, ROWS_LABELS, Kind, Rows
from cityjobs.reporting.rules.periods import PUBLISHED_SPANS, SPAN_LABELS, Period, Span
from cityjobs.reporting.rules.reports import REPORT_STATE_LABELS, ReportState, is_monthly

bp = Blueprint("reporting", __name__)

FILE_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
DATE_LABELS = {
    "spotted_on": "Repérage",
    "met_on": "Première rencontre",
    "diagnosed_on": "Diagnostic",
    "started_on": "Entrée",
    "ended_on": "Sortie",
}


@bp.get("/pilotage")
@requires(Permission.PILOTAGE_SEE)
def pilotage() -> ResponseReturnValue:
    """The figures of the Cité over a period; outside it, only what may leave it."""
    published = Reach.PUBLISHED in reach_of(signed_in().role, Permission.PILOTAGE_SEE)
    setting = _setting()
    asked = read_period(request.args, today(), setting.programme, published=published)
    board = boards.board_of(setting, asked.period, published=published)
    return render_template(
        "reporting/pilotage.html",
        asked=asked,
        board=board,
        spans=_spans(asked.span, published),
        free=None if published else Span.FREE,
        tiles=boards.tiles_of(board),
        funnel=boards.funnel_of(board),
        unpublished=boards.unpublished_of(board),
        steps=[FIGURES[code] for code in boards.FUNNEL],
        exchanges=boards.exchanges_chart(board),
        loads=boards.loads_chart(board),
        map=boards.map_of(board),
        decisions=boards.decisions_of(board, may_assign=can(Permission.COORDINATION_SEE)),
        figures=FIGURES,
    )


def _setting() -> Setting:
    me: Professional = signed_in()
    return (find_setting(me.cite_id) if me.cite_id else None) or abort(404)


def _spans(current: Span, published: bool) -> list[dict[str, Any]]:
    offered = PUBLISHED_SPANS if published else tuple(span for span in Span if span is not Span.FREE)
    return [
        {"label": SPAN_LABELS[span], "href": f"/pilotage?periode={span}", "current": span is current}
        for span in offered
    ]


@bp.get("/pilotage/lignes")
@requires(Permission.PILOTAGE_ROWS)
def lines() -> ResponseReturnValue:
    """The rows behind one figure: names for who may open the files, initials for others."""
    figure = FIGURES.get(request.args.get("figure", "")) or abort(404)
    setting = _setting()
    record_reading("figure_rows", setting.id, setting.id)
    asked = read_period(request.args, today(), setting.programme, published=False)
    narrowed = Narrowed(_identifier("referent"), _identifier("qpv"))
    page = lines_behind(figure.code, setting, asked.period, narrowed=narrowed, page=page_number())
    back = f"/pilotage?periode=libre&du={asked.period.start}&au={asked.period.end}"
    return render_template(
        "reporting/lines.html",
        figure=figure,
        asked=asked,
        page=page,
        back=back,
        unit=ROWS_LABELS[figure.rows],
        date_label="Échange" if figure.rows is Rows.EXCHANGES else DATE_LABELS[dated_by(figure.code)],
        is_exchange=figure.rows is Rows.EXCHANGES,
        is_median=figure.kind is Kind.MEDIAN,
        is_share=figure.kind is Kind.SHARE,
        narrowed=narrowed != Narrowed(),
        statuses=STATUS_LABELS,
        modes=INTERVIEW_MODE_LABELS,
    )


def _identifier(name: str) -> uuid.UUID | None:
    asked = request.args.get(name)
    try:
        return uuid.UUID(asked) if asked else None
    except ValueError:
        return abort(404)


# Reports


@bp.get("/pilotage/rapports")
@requires(Permission.REPORT_READ)
def reports() -> ResponseReturnValue:
    """The reports of the Cité, and asking for another."""
    return _reports_page(_empty_form())


@bp.post("/pilotage/rapports")
@requires(Permission.REPORT_REQUEST)
def ask_report() -> ResponseReturnValue:
    """Ask for a report on whole months; asking twice leads to the one already under way."""
    me: Professional = signed_in()
    form = ReportForm()
    form.offer_months(today())
    if not form.accepted() or me.cite_id is None:
        return _reports_page(form), 422
    period = form.answers()
    report_id = find_pending_report(me.cite_id, period)
    if report_id is None:
        report_id = request_report(me.cite_id, period, requested_by=me.id, as_of=today())
        flash("Le rapport est demandé. Vous pouvez quitter cette page\u00a0: il vous attendra ici.", "done")
    return redirect_after(f"/pilotage/rapports/{report_id}")


def _empty_form() -> ReportForm:
    form = ReportForm(data={"first": last_month(today()), "last": last_month(today())})
    form.offer_months(today())
    return form


def _reports_page(form: ReportForm) -> str:
    me: Professional = signed_in()
    return render_template(
        "reporting/reports.html",
        form=form,
        page=reports_of(me.cite_id or abort(404), page=page_number()),
        states=REPORT_STATE_LABELS,
        ReportState=ReportState,
        is_monthly=is_monthly,
    )


@bp.get("/pilotage/rapports/<uuid:report_id>")
@requires(Permission.REPORT_READ)
def report(report_id: uuid.UUID) -> ResponseReturnValue:
    """One report: how far it is, then its frozen figures under the definitions of that day."""
    me: Professional = signed_in()
    cite_id = me.cite_id or abort(404)
    found = find_report(report_id, cite_id) or abort(404)
    record_reading("activity_report", report_id, cite_id)
    return render_template(
        "reporting/report.html",
        report=found,
        period=Period(found.period_start, found.period_end),
        states=REPORT_STATE_LABELS,
        ReportState=ReportState,
        said=said,
        not_published=NOT_PUBLISHED,
        day_in=date.fromisoformat,
        months={"first": f"{found.period_start:%Y-%m}", "last": f"{found.period_end:%Y-%m}"},
    )


@bp.get("/pilotage/rapports/<uuid:report_id>/rapport.<any(xlsx, pdf):kind>")
@requires(Permission.REPORT_READ)
def download(report_id: uuid.UUID, kind: str) -> ResponseReturnValue:
    """One file of a report that is ready."""
    me: Professional = signed_in()
    cite_id = me.cite_id or abort(404)
    found = find_file(report_id, cite_id, kind) or abort(404)
    record_reading("activity_report", report_id, cite_id)
    return send_file(
        io.BytesIO(found.content),
        mimetype=FILE_TYPES[kind],
        as_attachment=True,
        download_name=f"rapport-{found.slug}-{found.period_start:%Y-%m}-{found.period_end:%Y-%m}.{kind}",
        conditional=False,
    )


def init_app(app: Flask) -> None:
    """Attach the pages of this room."""
    app.register_blueprint(bp)
