"""Pages of administration: the Cité, its perimeter, the directory of its collective."""

import uuid
from typing import Any, TypeVar

from flask import Blueprint, Flask, abort, flash, render_template, request
from flask.typing import ResponseReturnValue

from cityjobs.core.db import db
from cityjobs.core.forms import Form, chosen_answers
from cityjobs.core.permissions import Permission, requires, signed_in
from cityjobs.core.web import Page, last_page, number, page_number, redirect_after, words_sought
from cityjobs.territory import actions, forms, queries
from cityjobs.territory.models import Cite, Organisation
from cityjobs.territory.rules import FAMILY_LABELS, KIND_LABELS, SENSITIVE_KINDS, OrganisationFamily

AnyForm = TypeVar("AnyForm", bound=Form)
bp = Blueprint("territory", __name__)

SETTINGS, PERIMETER, DIRECTORY = (
    "/administration",
    "/administration/perimetre",
    "/administration/organisations",
)
TABS = (
    (Permission.CITE_EDIT, "La Cité", SETTINGS),
    (Permission.CITE_EDIT, "Périmètre", PERIMETER),
    (Permission.ORGANISATIONS_EDIT, "Annuaire", DIRECTORY),
    (Permission.LISTS_EDIT, "Listes", "/administration/listes"),
    (Permission.ACCOUNTS_MANAGE, "Comptes", "/administration/comptes"),
)
PAGE_SIZE = 25
NAME_TAKEN = "Une organisation de ce nom vient d’être ajoutée\u00a0: relisez l’annuaire."


def my_cite(*, to_change: bool = False) -> Cite:
    """The Cité being worked in."""
    return queries.find_cite(signed_in().cite_id, to_change=to_change) or abort(404)


def _filled(kind: type[AnyForm], known: dict[str, Any]) -> AnyForm:
    """A form of what is known, or of what was posted: the form itself, or choices between two versions."""
    chosen = chosen_answers(request.form)
    return kind(chosen, data=known) if chosen else kind(data=known)


# The Cité


@bp.route(SETTINGS, methods=["GET", "POST"])
@requires(Permission.CITE_EDIT)
def settings() -> ResponseReturnValue:
    """The programme, who leads it, flags, delays, and the years with their envelopes."""
    cite = my_cite(to_change=request.method == "POST")
    organisations = queries.organisations_of(cite.id)
    form = _filled(forms.SettingsForm, forms.settings_of(cite))
    form.offer_leads(organisations)
    if form.accepted():
        if form.version.data != cite.version:
            return _both_settings(form, cite), 409
        actions.change_settings(cite, form.answers())
        flash("Les réglages de la Cité sont enregistrés.", "done")
        return redirect_after(SETTINGS)
    page = render_template(
        "territory/settings.html", form=form, cite=cite, years=queries.years_of(cite.id), tabs=TABS
    )
    return page, 422 if form.errors else 200


def _both_settings(form: forms.SettingsForm, cite: Cite) -> str:
    saved = forms.SettingsForm(None, data=forms.settings_of(cite), meta={"csrf": False})
    saved.chef_de_file.choices = form.chef_de_file.choices
    names = [field.name for field in form if field.name not in ("csrf_token", "version")]
    return render_template(
        "territory/conflict.html",
        title="Deux versions des réglages",
        fields=forms.both_versions(form, saved, names),
        action=SETTINGS,
        version=cite.version,
        back=SETTINGS,
        kept={},
    )


@bp.route("/administration/annees/nouvelle", methods=["GET", "POST"])
@requires(Permission.CITE_EDIT)
def add_year() -> ResponseReturnValue:
    """A new year of the programme."""
    cite, form = my_cite(), forms.YearForm()
    if form.accepted():
        if actions.add_year(cite.id, *form.answers()):
            flash(f"L’année {form.year.data} est ajoutée.", "done")
            return redirect_after(SETTINGS)
        form.refuse("year", "Cette année est déjà dans le programme : modifiez-la depuis la page de la Cité.")
    page = render_template("territory/year.html", form=form, year=None, tabs=TABS)
    return page, 422 if form.errors else 200


@bp.route("/administration/annees/<int(fixed_digits=4):year>", methods=["GET", "POST"])
@requires(Permission.CITE_EDIT)
def edit_year(year: int) -> ResponseReturnValue:
    """The envelope of a year."""
    row = queries.find_year(signed_in().cite_id, year, to_change=request.method == "POST") or abort(404)
    known = {"year": year, "envelope_euros": row.envelope_euros, "was": row.envelope_euros}
    form = _filled(forms.YearForm, known)
    if form.accepted():
        if (request.form.get("version") or form.was.data) != str(row.envelope_euros):
            saved = forms.YearForm(None, data=known, meta={"csrf": False})
            page = render_template(
                "territory/conflict.html",
                title=f"Deux enveloppes pour {year}",
                fields=forms.both_versions(form, saved, ["envelope_euros"]),
                action=request.path,
                version=row.envelope_euros,
                back=SETTINGS,
                kept={"year": year, "was": row.envelope_euros},
            )
            return page, 409
        actions.change_envelope(row, form.answers()[1])
        flash(f"L’enveloppe de {year} est enregistrée.", "done")
        return redirect_after(SETTINGS)
    return render_template("territory/year.html", form=form, year=row, tabs=TABS), 422 if form.errors else 200


@bp.post("/administration/annees/<int(fixed_digits=4):year>/retirer")
@requires(Permission.CITE_EDIT)
def remove_year(year: int) -> ResponseReturnValue:
    """Take a year out of the programme."""
    row = queries.find_year(signed_in().cite_id, year, to_change=True) or abort(404)
    envelope = number(row.envelope_euros)
    if request.form.get("was", str(row.envelope_euros)) != str(row.envelope_euros):
        flash(f"L’enveloppe de {year} vient de passer à {envelope}\u00a0€\u00a0: rien n’a été retiré.", "due")
        return redirect_after(f"/administration/annees/{year}")
    actions.remove_year(row)
    flash(f"L’année {year} est retirée ; son enveloppe était de {envelope} €.", "done")
    return redirect_after(SETTINGS)


# The perimeter


@bp.route(PERIMETER, methods=["GET", "POST"])
@requires(Permission.CITE_EDIT)
def perimeter() -> ResponseReturnValue:
    """Communes and QPV of the Cité; posting adds a commune."""
    cite, form = my_cite(), forms.CommuneForm()
    if form.accepted():
        if actions.add_commune(cite.id, *form.answers()):
            flash(f"{form.name.data} fait partie du périmètre.", "done")
            return redirect_after(PERIMETER)
        form.refuse("insee_code", "Cette commune est déjà dans le périmètre.")
    sought = words_sought()
    page = render_template(
        "territory/perimeter.html",
        form=form,
        cite=cite,
        tabs=TABS,
        communes=queries.communes_of(cite.id),
        qpvs=queries.perimeter_of(cite.id),
        sought=sought,
        found=queries.qpvs_to_add(cite.id, sought) if sought else [],
    )
    return page, 422 if form.errors else 200


@bp.post(PERIMETER + "/communes/<code>/retirer")
@requires(Permission.CITE_EDIT)
def remove_commune(code: str) -> ResponseReturnValue:
    """Take a commune out of the perimeter."""
    cite = my_cite()
    name = next((each.name for each in queries.communes_of(cite.id) if each.insee_code == code), None)
    if name is None or not actions.remove_commune(cite.id, code):
        abort(404)
    flash(f"{name} ne fait plus partie du périmètre.", "done")
    return redirect_after(PERIMETER)


@bp.post(PERIMETER + "/qpv/<uuid:qpv_id>/ajouter")
@requires(Permission.CITE_EDIT)
def add_qpv(qpv_id: uuid.UUID) -> ResponseReturnValue:
    """Add a known QPV to the perimeter."""
    qpv = queries.find_qpv(qpv_id) or abort(404)
    actions.add_qpv(my_cite().id, qpv.id)
    flash(f"{qpv.name} fait partie du périmètre.", "done")
    return redirect_after(PERIMETER)


@bp.post(PERIMETER + "/qpv/<uuid:qpv_id>/retirer")
@requires(Permission.CITE_EDIT)
def remove_qpv(qpv_id: uuid.UUID) -> ResponseReturnValue:
    """Take a QPV out of the perimeter; persons keep the answer they were given."""
    qpv = queries.find_qpv(qpv_id)
    if qpv is None or not actions.remove_qpv(my_cite().id, qpv_id):
        abort(404)
    undo = f"{PERIMETER}/qpv/{qpv_id}/ajouter"
    said: Any = {"text": f"{qpv.name} ne fait plus partie du périmètre.", "undo_url": undo}
    flash(said, "done")
    return redirect_after(PERIMETER)


# The directory


@bp.get(DIRECTORY)
@requires(Permission.ORGANISATIONS_EDIT)
def organisations() -> ResponseReturnValue:
    """The collective, by family, with search."""
    cite_id = signed_in().cite_id
    sought = words_sought()
    family = request.args.get("famille", "")
    family = family if family in tuple(OrganisationFamily) else ""
    counts = queries.families_of(cite_id, sought)
    chosen = queries.listed_organisations(cite_id, sought, family or None)
    total = counts.get(family, 0) if family else sum(counts.values())
    asked = min(page_number(), last_page(total, PAGE_SIZE))
    rows = db.session.scalars(chosen.limit(PAGE_SIZE).offset((asked - 1) * PAGE_SIZE)).all()
    return render_template(
        "territory/organisations.html",
        page=Page(rows, asked, PAGE_SIZE, total),
        counts=counts,
        everything=sum(counts.values()),
        family=family,
        families=FAMILY_LABELS,
        kinds=KIND_LABELS,
        sought=sought,
        tabs=TABS,
    )


@bp.route(DIRECTORY + "/nouvelle", methods=["GET", "POST"])
@requires(Permission.ORGANISATIONS_EDIT)
def add_organisation() -> ResponseReturnValue:
    """A new member of the collective; one that works elsewhere already is not written twice."""
    cite_id, form = signed_in().cite_id, forms.OrganisationForm()
    if form.accepted():
        said = form.answers()
        known = queries.find_organisation_named(said.name)
        if known is None:
            try:
                actions.create_organisation(cite_id, said)
            except actions.NameTaken:
                form.refuse("name", NAME_TAKEN)
            else:
                flash(f"{said.name} fait partie du collectif.", "done")
                return redirect_after(DIRECTORY)
        elif actions.join_collective(cite_id, known.id):
            flash(f"{known.name} travaille déjà avec une autre Cité et rejoint votre collectif.", "done")
            return redirect_after(f"{DIRECTORY}/{known.id}")
        else:
            form.refuse("name", "Cette organisation est déjà dans votre annuaire.")
    page = render_template(
        "territory/organisation.html", form=form, organisation=None, shared=None, tabs=TABS
    )
    return page, 422 if form.errors else 200


@bp.route(DIRECTORY + "/<uuid:organisation_id>", methods=["GET", "POST"])
@requires(Permission.ORGANISATIONS_EDIT)
def edit_organisation(organisation_id: uuid.UUID) -> ResponseReturnValue:
    """What is known of an organisation of the collective; one that another Cité keeps is read, not written."""
    organisation = queries.find_organisation(
        signed_in().cite_id, organisation_id, to_change=request.method == "POST"
    ) or abort(404)
    shared = queries.sharing_of(organisation.id, signed_in().cite_id)
    if not shared.may_change:
        if request.method == "POST":
            abort(403)
        return render_template(
            "territory/kept_organisation.html", organisation=organisation, shared=shared, kinds=KIND_LABELS
        )
    form = _filled(forms.OrganisationForm, forms.facts_of(organisation))
    if form.accepted():
        if form.version.data != organisation.version:
            return _both_organisations(form, organisation), 409
        said = form.answers()
        known = queries.find_organisation_named(said.name)
        unmasks = organisation.is_sensitive and not said.is_sensitive
        if unmasks and shared.others and SENSITIVE_KINDS & {organisation.kind, said.kind}:
            form.refuse(
                "sensitivity", "Une autre Cité compte sur cette discrétion\u00a0: elle reste sensible."
            )
        elif known is None or known.id == organisation.id:
            try:
                actions.change_organisation(organisation, said)
            except actions.NameTaken:
                form.refuse("name", NAME_TAKEN)
            else:
                flash(f"{said.name} est à jour.", "done")
                return redirect_after(DIRECTORY)
        else:
            form.refuse("name", "Une autre organisation porte déjà ce nom.")
    page = render_template(
        "territory/organisation.html",
        form=form,
        organisation=organisation,
        shared=shared,
        tabs=TABS,
    )
    return page, 422 if form.errors else 200


def _both_organisations(form: forms.OrganisationForm, organisation: Organisation) -> str:
    saved = forms.OrganisationForm(None, data=forms.facts_of(organisation), meta={"csrf": False})
    return render_template(
        "territory/conflict.html",
        title="Deux versions de cette organisation",
        fields=forms.both_versions(form, saved, ["name", "kind", "sensitivity", "phone", "email"]),
        action=request.path,
        version=organisation.version,
        back=request.path,
        kept={},
    )


def init_app(app: Flask) -> None:
    """Attach the pages of this room."""
    app.register_blueprint(bp)
