"""Pages of agreements: writing one, reading and printing it, putting its review off."""

import uuid

from flask import abort, flash, render_template, url_for
from flask.typing import ResponseReturnValue

from cityjobs.core.clock import today
from cityjobs.core.permissions import Permission, requires, signed_in
from cityjobs.core.web import day, redirect_after
from cityjobs.parcours.actions import hold_parcours
from cityjobs.parcours.models import Parcours
from cityjobs.people.models import Person
from cityjobs.plans.actions import Refused, agree, postpone_review
from cityjobs.plans.forms import AgreementForm, PaperForm, ReviewForm
from cityjobs.plans.models import Agreement
from cityjobs.plans.queries.agreements import accepted_in, find_agreement, find_agreement_in_force, papers_of
from cityjobs.plans.queries.parts import goals_held, goals_to_choose, partners_to_choose
from cityjobs.plans.rules import AGREEMENT_WAY_LABELS, PLAN_CLOSED, AttachmentSubject
from cityjobs.plans.views.blueprint import OF_PERSON, bp, is_closed, load_case


def agreement_url(person_id: uuid.UUID, number: int) -> str:
    """The page of an agreement."""
    return url_for("plans.agreement", person_id=person_id, number=number)


@bp.route(f"{OF_PERSON}/accord/nouveau", methods=["GET", "POST"])
@requires(Permission.FOLLOWUP_LOG)
def add_agreement(person_id: uuid.UUID) -> ResponseReturnValue:
    """What the person accepts; the agreement before it ends that day."""
    person, parcours = load_case(person_id)
    goals, _ = goals_to_choose(parcours.id)
    form = AgreementForm(data={"goals": [goal.code for goal in goals if goal.is_active]})
    form.goals.offer(goals)
    form.organisation.offer(partners_to_choose())
    if form.is_submitted():
        hold_parcours(parcours)
    stands = form.holds(not_before=parcours.met_on or parcours.spotted_on)
    if stands and is_closed(parcours):
        form.refuse("agreed_on", PLAN_CLOSED)
    elif stands:
        written = agreed(parcours, form)
        if written:
            flash("L’accord est enregistré.", "done")
            return redirect_after(agreement_url(person.id, written.number))
    former = find_agreement_in_force(parcours.id)
    return render_template(
        "plans/agree.html",
        person=person,
        form=form,
        former=former,
        has_goals=any(goal.is_active for goal in goals),
        is_closed=is_closed(parcours),
        closed_sentence=PLAN_CLOSED,
    ), 422 if form.errors else 200


def agreed(parcours: Parcours, form: AgreementForm) -> Agreement | None:
    """The agreement as written; None when it cannot be, and the form then says why."""
    goals = goals_held(parcours.id, form.goal_ids())
    try:
        written, _ = agree(
            parcours,
            form.terms(),
            goals,
            agreement_id=form.agreement.key(),
            by=signed_in().id,
            today=today(),
        )
    except Refused as refused:
        form.refuse(refused.field, str(refused))
        return None
    return written


@bp.get(f"{OF_PERSON}/accord/<int(max=100000):number>")
@requires(Permission.FOLLOWUP_READ)
def agreement(person_id: uuid.UUID, number: int) -> ResponseReturnValue:
    """An agreement, as it is read and printed, with its papers."""
    person, parcours = load_case(person_id)
    found = find_agreement(parcours.id, number) or abort(404)
    return agreement_page(person, parcours, found)


def agreement_page(
    person: Person,
    parcours: Parcours,
    found: tuple[Agreement, str | None, str],
    *,
    refused: ReviewForm | PaperForm | None = None,
    overtaken: bool = False,
) -> str:
    """The page of an agreement; `refused` takes the place of one of its forms."""
    held, partner, author = found
    review = refused if isinstance(refused, ReviewForm) else ReviewForm(formdata=None)
    review.version.data = held.version
    paper = refused if isinstance(refused, PaperForm) else PaperForm(formdata=None)
    paper.csrf_token.id = "csrf_token-paper"
    return render_template(
        "plans/agreement.html",
        person=person,
        agreement=held,
        goals=accepted_in(held),
        partner=partner,
        author=author,
        way=AGREEMENT_WAY_LABELS[held.way],
        papers=papers_of(AttachmentSubject.AGREEMENT, held.id),
        review=review,
        paper=paper,
        form=refused,
        is_closed=is_closed(parcours),
        overtaken=overtaken,
        me_id=signed_in().id,
    )


@bp.post(f"{OF_PERSON}/accord/<int(max=100000):number>/revoir")
@requires(Permission.FOLLOWUP_LOG)
def put_review_off(person_id: uuid.UUID, number: int) -> ResponseReturnValue:
    """Look at an agreement again on another day."""
    person, parcours = load_case(person_id)
    hold_parcours(parcours)
    found = find_agreement(parcours.id, number, to_change=True) or abort(404)
    held, form = found[0], ReviewForm()
    stands = form.holds(agreed_on=held.agreed_on)
    if stands and is_closed(parcours):
        form.refuse("review_on", PLAN_CLOSED)
    elif stands and held.ended_on is not None:
        form.refuse("review_on", "Cet accord ne tient plus\u00a0: un autre l’a remplacé.")
    elif stands and form.version.data != held.version:
        return agreement_page(person, parcours, found, refused=form, overtaken=True), 409
    elif stands and form.review_on.data:
        postpone_review(held, form.review_on.data)
        flash(f"Vous en reparlerez le {day(form.review_on.data)}.", "done")
        return redirect_after(agreement_url(person.id, held.number))
    return agreement_page(person, parcours, found, refused=form), 422
