"""Papers: attached to an agreement, downloaded, taken away by whoever added them. None is ever shown in a page."""

import io
import uuid

from flask import abort, flash, render_template, send_file
from flask.typing import ResponseReturnValue

from cityjobs.core.audit import record_reading
from cityjobs.core.forms import Form
from cityjobs.core.permissions import Permission, requires, signed_in
from cityjobs.core.web import redirect_after
from cityjobs.plans.actions import Refused, attach_once, remove_paper
from cityjobs.plans.forms import PaperForm
from cityjobs.plans.queries.agreements import find_agreement, find_paper
from cityjobs.plans.rules import AttachmentSubject
from cityjobs.plans.views.agreements import agreement_page, agreement_url
from cityjobs.plans.views.blueprint import OF_PERSON, bp, load_case, plan_url

APART = "default-src 'none'; sandbox"
"""A browser that showed the file all the same would run nothing of it."""


@bp.post(f"{OF_PERSON}/accord/<int(max=100000):number>/pieces")
@requires(Permission.FOLLOWUP_LOG)
def attach(person_id: uuid.UUID, number: int) -> ResponseReturnValue:
    """Attach a signed copy; also to an agreement that no longer holds, or once the parcours is closed."""
    person, parcours = load_case(person_id)
    found = find_agreement(parcours.id, number, to_change=True) or abort(404)
    form = PaperForm()
    if form.accepted():
        try:
            attach_once(
                parcours,
                AttachmentSubject.AGREEMENT,
                found[0].id,
                form.kept(),
                attachment_id=form.paper.key(),
                by=signed_in().id,
            )
        except Refused as refused:
            form.refuse(refused.field, str(refused))
        else:
            flash("La pièce est jointe à l’accord.", "done")
            return redirect_after(agreement_url(person.id, number))
    return agreement_page(person, parcours, found, refused=form), 422


@bp.get(f"{OF_PERSON}/pieces/<uuid:paper_id>")
@requires(Permission.FOLLOWUP_READ)
def download(person_id: uuid.UUID, paper_id: uuid.UUID) -> ResponseReturnValue:
    """A paper, as a download and nothing else; the journal keeps that it was read."""
    paper = find_paper(person_id, paper_id, with_content=True) or abort(404)
    record_reading("attachment", paper.id, paper.cite_id)
    answer = send_file(
        io.BytesIO(paper.content),
        mimetype=paper.media_type,
        as_attachment=True,
        download_name=paper.name,
        conditional=False,
        etag=False,
    )
    answer.headers["Content-Security-Policy"] = APART
    return answer


@bp.route(f"{OF_PERSON}/pieces/<uuid:paper_id>/retirer", methods=["GET", "POST"])
@requires(Permission.FOLLOWUP_LOG)
def remove(person_id: uuid.UUID, paper_id: uuid.UUID) -> ResponseReturnValue:
    """Take a paper away: only whoever added it, once asked."""
    person, _ = load_case(person_id)
    paper = find_paper(person.id, paper_id) or abort(404)
    if paper.added_by_id != signed_in().id:
        flash("Seule la personne qui a joint cette pièce peut la retirer.", "due")
        return redirect_after(plan_url(person.id))
    form = Form()
    if form.accepted():
        remove_paper(paper)
        flash("La pièce est retirée.", "done")
        return redirect_after(plan_url(person.id))
    return render_template("plans/remove.html", person=person, paper=paper)
