"""The list of people and its export."""

import tempfile
from collections.abc import Mapping
from typing import IO, Any

from flask import Blueprint, flash, redirect, render_template, request, send_file
from flask.typing import ResponseReturnValue

from cityjobs.accounts.queries import professionals_of
from cityjobs.accounts.rules import Professional
from cityjobs.core.audit import record_reading
from cityjobs.core.clock import today
from cityjobs.core.permissions import Permission, Role, requires, signed_in
from cityjobs.core.web import Page, day, last_page, page_number, url_with
from cityjobs.desk.export import TOO_MANY, write_people
from cityjobs.desk.forms import read_filters
from cityjobs.desk.queries.people import PeopleList
from cityjobs.desk.rules import CITE, EN_COURS, MINE, NOBODY, SILENCES, PeopleFilters
from cityjobs.parcours.rules.lifecycle import STATUS_LABELS, Status
from cityjobs.parcours.rules.reasons import SPOTTING_CHANNEL_LABELS
from cityjobs.people.queries import quarters_of

bp = Blueprint("people_list", __name__)

KINDS = {
    Status.ACTIF: "done",
    Status.SUIVI_EMPLOI: "done",
    Status.DIAGNOSTIC: "brand",
    Status.EN_VALIDATION: "brand",
    Status.SUSPENDU: "due",
    Status.SORTI: "",
    Status.NON_ENTREE: "",
}
QPV_LABELS = {
    "oui": "En QPV",
    "non": "Hors QPV",
    "a_verifier": "QPV à vérifier",
    "inconnu": "QPV non renseigné",
}
PANEL = ("referent", "qpv", "canal", "silence", "attente", "entree_du", "entree_au")
CHIPS = {
    Status.REPERE: "Repérées",
    Status.CONTACTE: "Contactées",
    Status.RENCONTRE: "Rencontrées",
    Status.DIAGNOSTIC: "En diagnostic",
    Status.EN_VALIDATION: "En validation",
    Status.ACTIF: "Actives",
    Status.SUSPENDU: "Suspendues",
    Status.SUIVI_EMPLOI: "Suivies dans l’emploi",
    Status.SORTI: "Sorties",
    Status.NON_ENTREE: "Non entrées",
}


@bp.get("/personnes")
@requires(Permission.PEOPLE_LIST)
def people() -> ResponseReturnValue:
    """Who is followed, or who was spotted: counts, filters, rows; the whole state is in the address."""
    me: Professional = signed_in()
    if me.cite_id:
        record_reading("people", me.cite_id, me.cite_id)
    role = me.role or Role.SPOTTER
    filters = read_filters(request.args, role, today())
    asked = PeopleList(filters, role, today())
    counts = asked.counts()
    number = min(page_number(), last_page(counts.total, filters.size))
    page = Page(asked.rows(page=number), number, filters.size, counts.total)
    if role is Role.SPOTTER:
        return render_template(
            "desk/people_spotted.html",
            page=page,
            filters=filters,
            chips=_status_chips(filters, counts, role),
            labels=STATUS_LABELS,
            kinds=KINDS,
        )
    referents = (
        [(str(row.id), row.name) for row in professionals_of(me.cite_id, Role.REFERENT)] if me.cite_id else []
    )
    quarters = [(str(row.id), row.name) for row in quarters_of(me.cite_id, today())]
    names = {
        "referent": {NOBODY: "Sans référent", **dict(referents)},
        "qpv": {**QPV_LABELS, **{key: f"QPV {name}" for key, name in quarters}},
    }
    return render_template(
        "desk/people.html",
        page=page,
        filters=filters,
        chips=[*_scope_chips(filters, counts, role), *_status_chips(filters, counts, role)],
        labels=STATUS_LABELS,
        kinds=KINDS,
        active=_active_filters(filters, names),
        clear=url_with(**dict.fromkeys((*PANEL, "q"))),
        names=names,
        channels=[(c.value, label) for c, label in SPOTTING_CHANNEL_LABELS.items()],
        silences=SILENCES,
        kept={name: request.args.get(name) for name in ("voir", "statut", "action", "q", "tri", "par")},
        export=_export_url(),
        today=today(),
    )


@bp.get("/personnes/export.xlsx")
@requires(Permission.PEOPLE_EXPORT)
def export() -> ResponseReturnValue:
    """The rows of the list, all pages, as a spreadsheet; one trace in the journal."""
    me: Professional = signed_in()
    role = me.role or Role.SPOTTER
    asked = PeopleList(read_filters(request.args, role, today()), role, today())
    if asked.counts().total > TOO_MANY:
        flash("Cette liste dépasse 100\u202f000 lignes\u202f: ajoutez un filtre avant de l’exporter.", "due")
        return redirect(f"/personnes?{request.query_string.decode()}", 303)
    sheet: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - the answer reads it, then closes it
    write_people(sheet, asked.every_row())
    assert me.cite_id is not None  # noqa: S101 - the permission holds in a Cité
    record_reading("people_export", me.cite_id, me.cite_id)
    sheet.seek(0)
    return send_file(
        sheet,
        mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        as_attachment=True,
        download_name=f"personnes-{today().isoformat()}.xlsx",
        conditional=False,
    )


def _export_url() -> str:
    query = url_with(par=None).partition("?")[2]
    return f"/personnes/export.xlsx?{query}" if query else "/personnes/export.xlsx"


def _scope_chips(filters: PeopleFilters, counts: Any, role: Role) -> list[dict[str, Any]]:
    if role is not Role.REFERENT:
        return []
    return [
        {
            "label": "Les miennes",
            "count": counts.mine,
            "href": url_with(voir=MINE),
            "current": filters.scope == MINE,
        },
        {
            "label": "Toute la Cité",
            "count": counts.cite,
            "href": url_with(voir=CITE),
            "current": filters.scope == CITE,
        },
    ]


def _status_chips(filters: PeopleFilters, counts: Any, role: Role) -> list[dict[str, Any]]:
    """Pressing the current one again takes it off."""
    asked = [("Toutes", counts.all_statuses, None), ("En cours", counts.open, EN_COURS)]
    asked += [(label, getattr(counts, status.value), status.value) for status, label in CHIPS.items()]
    chips: list[dict[str, Any]] = []
    for label, count, status in asked:
        current = filters.status == status
        if count or current or status is None:
            href = url_with(statut=None if current else status)
            chips.append({"label": label, "count": count, "href": href, "current": current})
    chips[0]["gap"] = role is Role.REFERENT
    if role is not Role.SPOTTER and (counts.action or filters.action):
        href = url_with(action=None if filters.action else "1")
        chips.append(
            {"label": "Action requise", "count": counts.action, "href": href, "current": filters.action}
        )
        chips[-1].update(hot=True, gap=True)
    return chips


def _active_filters(filters: PeopleFilters, names: Mapping[str, Mapping[str, str]]) -> list[dict[str, str]]:
    """One removable chip for each filter of the panel, and for the search."""
    on: list[tuple[str, str | None]] = [
        ("q", f"Recherche\u00a0: {filters.text}" if filters.text else None),
        (
            "referent",
            names["referent"].get(str(filters.referent), "Autre référent") if filters.referent else None,
        ),
        ("qpv", names["qpv"].get(str(filters.qpv), "Autre quartier") if filters.qpv else None),
        ("canal", SPOTTING_CHANNEL_LABELS[filters.channel] if filters.channel else None),
        ("silence", f"Sans contact depuis {filters.silent_for} jours" if filters.silent_for else None),
        ("attente", "Attend un référent" if filters.waiting else None),
        ("entree_du", f"Entrée à partir du {day(filters.entered_from)}" if filters.entered_from else None),
        ("entree_au", f"Entrée jusqu’au {day(filters.entered_until)}" if filters.entered_until else None),
    ]
    return [{"label": label, "href": url_with(**{name: None})} for name, label in on if label]
