"""Plans that a Cité keeps: keeping the one of a parcours, applying one to another, setting one aside."""

import uuid

from flask import abort, flash, render_template
from flask.typing import ResponseReturnValue

from cityjobs.core.clock import today
from cityjobs.core.permissions import Permission, requires, signed_in
from cityjobs.core.web import redirect_after
from cityjobs.parcours.actions import hold_parcours
from cityjobs.plans.actions import (
    Applied,
    Refused,
    apply_plan_once,
    keep_plan,
    lines_to_keep,
    set_plan_aside,
    told_of,
)
from cityjobs.plans.forms import ApplyForm, AsideForm, KeepForm, offered_lines
from cityjobs.plans.queries.kept import find_kept_plan, kept_plans
from cityjobs.plans.queries.parts import Choice
from cityjobs.plans.queries.plan import find_plan
from cityjobs.plans.rules import PLAN_CLOSED, LineFate, Offered, fates_of
from cityjobs.plans.views.blueprint import OF_PERSON, bp, is_closed, load_case, plan_url
from cityjobs.vocabulary.queries import Lists, labels_of, read_lists
from cityjobs.vocabulary.rules import ListName

KEPT = "/administration/modeles"


@bp.route(f"{OF_PERSON}/plan/modeles", methods=["GET", "POST"])
@requires(Permission.TEMPLATES_KEEP)
def keep(person_id: uuid.UUID) -> ResponseReturnValue:
    """Keep the present plan under a name; own words, which may tell of the person, are kept only when chosen."""
    person, parcours = load_case(person_id)
    lines = lines_to_keep(find_plan(parcours.id))
    usual = [key for key, _, own in lines if not own]
    form = KeepForm(data={"lines": usual})
    form.lines.offer(offered_lines(lines))
    if form.holds():
        me = signed_in()
        chosen = [line for key, line, _ in lines if key in (form.lines.data or [])]
        try:
            keep_plan(
                form.name.data or "", chosen, template_id=form.template.key(), cite_id=me.cite_id, by=me.id
            )
        except Refused as refused:
            form.refuse(refused.field, str(refused))
        else:
            flash("Le modèle est gardé\u00a0: les référents de la Cité peuvent l’appliquer.", "done")
            return redirect_after(KEPT)
    page = render_template("plans/keep.html", person=person, form=form, lines=lines)
    return page, 422 if form.errors else 200


@bp.route(f"{OF_PERSON}/plan/modeles/appliquer", methods=["GET", "POST"])
@requires(Permission.FOLLOWUP_LOG)
def apply(person_id: uuid.UUID) -> ResponseReturnValue:
    """Choose a kept plan and add to this one what it has more; each line says before what will become of it."""
    person, parcours = load_case(person_id)
    form = ApplyForm()
    if form.is_submitted():
        hold_parcours(parcours)
    plan, kept = find_plan(parcours.id), kept_plans()
    lists = read_lists(ListName.FREIN, ListName.OBJECTIF, ListName.TYPE_ETAPE)
    offered = Offered(codes_of(lists, ListName.OBJECTIF), codes_of(lists, ListName.TYPE_ETAPE))
    form.template.offer(Choice(str(each.template.id), each.template.name) for each in kept)
    if form.accepted():
        if is_closed(parcours):
            form.refuse("template", PLAN_CLOSED)
        else:
            chosen = next(each for each in kept if str(each.template.id) == form.template.data)
            applied = apply_plan_once(
                parcours, plan, chosen, offered=offered, key=form.key.key(), by=signed_in().id, today=today()
            )
            flash(told(applied), "done" if applied.goals or applied.etapes else "calm")
            return redirect_after(plan_url(person.id))
    freins, there = told_of(plan)
    return render_template(
        "plans/apply.html",
        person=person,
        form=form,
        is_closed=is_closed(parcours),
        closed_sentence=PLAN_CLOSED,
        kept=[(each.template, fates_of(each.lines, freins, there, offered)) for each in kept],
        freins=lists.labels(ListName.FREIN),
        fates=LineFate,
    ), 422 if form.errors else 200


def codes_of(lists: Lists, name: ListName) -> frozenset[str]:
    """The codes of a list that may be chosen."""
    return frozenset(item.code for item in lists.offered(name))


def told(applied: Applied) -> str:
    """What applying a plan did, in words; of nobody, for it travels in the cookie."""
    if applied.already:
        return "Ce modèle vient d’être appliqué\u00a0: il ne l’a pas été deux fois."
    withdrawn = ""
    if applied.withdrawn:
        several = applied.withdrawn > 1
        says = "lignes ne sont plus proposées" if several else "ligne n’est plus proposée"
        withdrawn = f" {applied.withdrawn} {says} dans les listes de la Cité."
    if not applied.goals and not applied.etapes and withdrawn:
        return f"Rien n’a été ajouté.{withdrawn}"
    if not applied.goals and not applied.etapes:
        return "Rien à ajouter\u00a0: tout ce que ce modèle prévoit ici est déjà au plan."
    added = [
        f"{count} {word}{'s' if count > 1 else ''}"
        for count, word in ((applied.goals, "objectif"), (applied.etapes, "étape"))
        if count
    ]
    said = f"Modèle appliqué\u00a0: {' et '.join(added)} de plus."
    if applied.skipped:
        left = "ligne laissée" if applied.skipped == 1 else "lignes laissées"
        said += f" {applied.skipped} {left} de côté, faute du frein correspondant."
    return said + withdrawn


@bp.get(KEPT)
@requires(Permission.TEMPLATES_KEEP)
def templates() -> ResponseReturnValue:
    """The plans that the Cité keeps, and those set aside."""
    return kept_page()


def kept_page(overtaken: str | None = None) -> str:
    """The page of kept plans."""
    names = labels_of(ListName.FREIN)
    return render_template(
        "plans/kept.html", kept=kept_plans(aside=True), freins=names[ListName.FREIN], overtaken=overtaken
    )


@bp.post(f"{KEPT}/<uuid:template_id>/ecarter")
@requires(Permission.TEMPLATES_KEEP)
def set_aside(template_id: uuid.UUID) -> ResponseReturnValue:
    """Offer a kept plan no longer; the parcours it was applied to keep what it gave them."""
    template = find_kept_plan(template_id, to_change=True) or abort(404)
    form = AsideForm()
    if form.accepted() and template.is_active and form.version.data == template.version:
        set_plan_aside(template)
        flash("Le modèle n’est plus proposé. Les plans déjà faits ne changent pas.", "done")
        return redirect_after(KEPT)
    return kept_page("Ce modèle a changé depuis que la page est ouverte\u00a0: le voici tel qu’il est."), 409
