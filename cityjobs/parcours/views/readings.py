"""« Lecture des sorties »: the national readings, the Cité's own, and which one is in force."""

import uuid

from flask import abort, flash, render_template
from flask.typing import ResponseReturnValue

from cityjobs.accounts.rules import Professional
from cityjobs.core.permissions import Permission, requires, signed_in
from cityjobs.core.web import redirect_after
from cityjobs.parcours.actions import adapt_ruleset, change_rule, choose_ruleset
from cityjobs.parcours.forms.readings import RuleForm, RulesetForm
from cityjobs.parcours.queries.exits import find_chosen_ruleset_id, find_own_ruleset, find_rule, readings_of
from cityjobs.parcours.rules.exits import EXIT_CATEGORY_LABELS, ExitCategory
from cityjobs.parcours.rules.reasons import EXIT_REASON_LABELS, ExitReason
from cityjobs.parcours.views.blueprint import bp

PAGE = "/coordination/sorties"
NOT_THERE = "Cette lecture n’existe pas, ou plus\u00a0: choisissez-en une autre."


@bp.get(PAGE)
@requires(Permission.EXITS_EDIT)
def readings() -> ResponseReturnValue:
    """What each type of exit counts as, in each ruleset."""
    me: Professional = signed_in()
    cite_id = me.cite_id or abort(404)
    return render_template(
        "parcours/readings.html",
        readings=readings_of(cite_id),
        chosen=find_chosen_ruleset_id(cite_id),
        types=EXIT_REASON_LABELS,
        categories=EXIT_CATEGORY_LABELS,
        form=RulesetForm(formdata=None),
    )


def _asked(form: RulesetForm) -> uuid.UUID | None:
    try:
        return uuid.UUID(form.ruleset_id.data or "") if form.accepted() else None
    except ValueError:
        return None


@bp.post(f"{PAGE}/choisir")
@requires(Permission.EXITS_EDIT)
def choose_reading() -> ResponseReturnValue:
    """From now on exits are read so; former ones keep what they counted as."""
    wanted = _asked(RulesetForm())
    if wanted and choose_ruleset(wanted):
        flash("Les prochaines sorties seront lues ainsi. Celles déjà notées gardent leur catégorie.", "done")
    else:
        flash(NOT_THERE, "due")
    return redirect_after(PAGE)


@bp.post(f"{PAGE}/adapter")
@requires(Permission.EXITS_EDIT)
def adapt_reading() -> ResponseReturnValue:
    """A copy of a national ruleset that the Cité may change."""
    me: Professional = signed_in()
    cite_id, wanted = me.cite_id or abort(404), _asked(RulesetForm())
    mine = readings_of(cite_id)
    national = next((each for each in mine if each.ruleset.id == wanted and not each.ruleset.cite_id), None)
    if national is None:
        flash(NOT_THERE, "due")
    elif adapt_ruleset(national, cite_id, by=me.id):
        flash(
            "La copie de votre Cité est prête\u00a0: modifiez-la ligne par ligne, puis choisissez-la.", "done"
        )
    else:
        flash("Votre Cité a déjà sa copie de cette lecture.", "calm")
    return redirect_after(PAGE)


@bp.route(f"{PAGE}/<uuid:ruleset_id>/<exit_type>", methods=["GET", "POST"])
@requires(Permission.EXITS_EDIT)
def edit_rule(ruleset_id: uuid.UUID, exit_type: str) -> ResponseReturnValue:
    """What one type of exit counts as, in the Cité's own ruleset."""
    me: Professional = signed_in()
    if exit_type not in tuple(ExitReason):
        abort(404)
    form = RuleForm()
    ruleset = find_own_ruleset(me.cite_id or abort(404), ruleset_id, to_change=form.is_submitted()) or abort(
        404
    )
    rule = find_rule(ruleset.id, ExitReason(exit_type)) or abort(404)
    overtaken = form.is_submitted() and form.version.data != ruleset.version
    if form.holds() and not overtaken:
        change_rule(ruleset, rule, form.rule())
        flash(f"C’est noté\u00a0: {EXIT_REASON_LABELS[ExitReason(exit_type)]}.", "done")
        return redirect_after(PAGE)
    if not form.is_submitted():
        form = RuleForm(
            formdata=None,
            data={
                "category": rule.category,
                "minimum_months": rule.minimum_months,
                "otherwise": rule.otherwise,
                "needs_evidence": rule.needs_evidence,
            },
        )
    form.version.data = ruleset.version
    page = render_template(
        "parcours/rule.html",
        form=form,
        ruleset=ruleset,
        rule=rule,
        overtaken=overtaken,
        title=EXIT_REASON_LABELS[ExitReason(exit_type)],
        present=EXIT_CATEGORY_LABELS[ExitCategory(rule.category)],
    )
    return page, 409 if overtaken else 422 if form.errors else 200
