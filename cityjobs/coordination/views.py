"""The coordinator's pages: the board, what became of a batch, a référent's persons, the team of a person."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Blueprint, Flask, abort, flash, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from cityjobs.accounts.queries import professionals_of
from cityjobs.accounts.rules import Professional
from cityjobs.coordination import letters  # noqa: F401 - being imported makes its letters known
from cityjobs.coordination.actions import (
    Attribution,
    SecondingRefused,
    add_co_referent,
    assign_each,
    end_co_referent,
    undo_batch,
)
from cityjobs.coordination.forms import SUGGESTED, AssignForm, SecondForm, picked_from, suggestions_from
from cityjobs.coordination.queries import (
    batch_of,
    candidates_among,
    find_co_referent,
    find_referent_target,
    loads_of,
    nameless_parcours,
    names_of_parcours,
    organisations_of,
    parcours_of_referent,
    quarters_followed,
    team_of,
    waiting_parcours,
)
from cityjobs.coordination.rules import (
    PAGE_SIZE,
    REFUSALS,
    Outcome,
    Picked,
    Standing,
    Target,
    Wanting,
    can_be_undone,
    standing,
    suggest_each,
)
from cityjobs.core.audit import record_reading
from cityjobs.core.clock import now
from cityjobs.core.db import db
from cityjobs.core.permissions import Permission, Role, requires, signed_in
from cityjobs.core.web import Page, page_asked, redirect_after
from cityjobs.parcours.models import Parcours
from cityjobs.parcours.queries.present import find_current_assignment, find_present_parcours
from cityjobs.parcours.rules.lifecycle import STATUS_LABELS, AssignmentKind
from cityjobs.parcours.rules.reasons import SPOTTING_CHANNEL_LABELS
from cityjobs.territory.rules import QPV_ANSWER_LABELS

bp = Blueprint("coordination", __name__)
REFUSED = "coordination.refused"


@dataclass(frozen=True)
class Board:
    """What the two pages with a bulk form have in common."""

    page: Page
    loads: Sequence[Any]
    form: AssignForm
    picked: frozenset[str]


def _here() -> tuple[Professional, uuid.UUID]:
    """Who is at the keyboard, and in which Cité; the gate has let nobody else in."""
    me: Professional = signed_in()
    return me, me.cite_id or abort(403)


def _page_of(query: Any, number: int) -> Page:
    rows = db.session.execute(query.limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)).all()
    total = rows[0].total if rows else 0
    return Page(rows, number, PAGE_SIZE, total)


def _board(
    cite_id: uuid.UUID, page: Page, form: AssignForm, *, suggested: bool, but: uuid.UUID | None = None
) -> Board:
    loads = loads_of(cite_id)
    offered = [
        (str(row.user_id), f"{row.name} ({row.load} / {row.capacity}) · {row.organisation_name}")
        for row in loads
        if row.is_here and row.user_id != but
    ]
    organisations = [(str(row.id), row.name) for row in organisations_of(cite_id)]
    form.offer(offered, organisations, suggested=suggested)
    form.number_page(_here()[0].id)
    return Board(page, loads, form, frozenset(request.form.getlist("picked")))


@bp.get("/coordination")
@requires(Permission.COORDINATION_SEE)
def board() -> ResponseReturnValue:
    """Who waits for a référent and since when, each référent's load, and suggestions with their reasons."""
    return _show_board(AssignForm())


def _show_board(form: AssignForm) -> str:
    _, cite_id = _here()
    waiting = page_asked(lambda number: waiting_parcours(cite_id, page=number, size=PAGE_SIZE))
    shown = _board(cite_id, waiting, form, suggested=True)
    candidates = candidates_among(shown.loads, quarters_followed(cite_id))
    wanting = [
        Wanting(row.parcours_id, row.qpv_id, row.spotted_by_id, row.spotting_organisation_id)
        for row in shown.page.rows
    ]
    return render_template(
        "coordination/board.html",
        board=shown,
        form=form,
        suggestions=suggest_each(wanting, candidates),
        nameless=nameless_parcours(cite_id, PAGE_SIZE),
        status_labels=STATUS_LABELS,
        channel_labels=SPOTTING_CHANNEL_LABELS,
        qpv_labels=QPV_ANSWER_LABELS,
    )


@bp.get("/coordination/referents/<uuid:user_id>")
@requires(Permission.COORDINATION_SEE)
def referent(user_id: uuid.UUID) -> ResponseReturnValue:
    """Everybody whom one référent follows, to give some of them to others."""
    return _show_referent(user_id, AssignForm())


def _show_referent(user_id: uuid.UUID, form: AssignForm) -> str:
    _, cite_id = _here()
    page = page_asked(partial(_page_of, parcours_of_referent(cite_id, user_id)))
    shown = _board(cite_id, page, form, suggested=False, but=user_id)
    row = next((row for row in shown.loads if row.user_id == user_id), None) or abort(404)
    return render_template(
        "coordination/referent.html",
        board=shown,
        form=form,
        row=row,
        status_labels=STATUS_LABELS,
        qpv_labels=QPV_ANSWER_LABELS,
    )


@bp.post("/coordination/attribuer")
@requires(Permission.ASSIGN)
def assign() -> ResponseReturnValue:
    """Give several persons a référent at once; each has its own result."""
    me, cite_id = _here()
    form = AssignForm()
    picked = picked_from(request.form.getlist("picked"))
    _offer_everything(cite_id, form, suggested=True)
    if form.accepted() and form.check_picked(picked):
        batch_id = form.batch_id(me.id, picked)
        attribution = Attribution(cite_id, batch_id, me.id, form.reason.data)
        outcomes = assign_each(picked, _targets(cite_id, form, picked), attribution)
        refused = {key: outcome for key, outcome in outcomes.items() if outcome is not Outcome.DONE}
        session[REFUSED] = [str(batch_id), {key.hex: outcome.value for key, outcome in refused.items()}]
        return redirect_after(url_for("coordination.batch", batch_id=batch_id))
    return _page_of_origin(request.form.get("origin", ""), form), 422


def _page_of_origin(origin: str, form: AssignForm) -> str:
    """The page that the form came from: the board, a référent's persons or the team of a person."""
    room, _, key = origin.partition(":")
    if room == "referent" and _is_uuid(key):
        return _show_referent(uuid.UUID(key), form)
    if room == "team" and _is_uuid(key):
        return _show_team(uuid.UUID(key), SecondForm(formdata=None), form)
    return _show_board(form)


def _is_uuid(text: str) -> bool:
    try:
        return bool(uuid.UUID(text))
    except ValueError:
        return False


def _offer_everything(cite_id: uuid.UUID, form: AssignForm, *, suggested: bool) -> None:
    referents = professionals_of(cite_id, Role.REFERENT)
    organisations = organisations_of(cite_id)
    form.offer(
        [(str(row.id), row.name) for row in referents],
        [(str(row.id), row.name) for row in organisations],
        suggested=suggested,
    )


def _targets(cite_id: uuid.UUID, form: AssignForm, picked: Sequence[Picked]) -> dict[uuid.UUID, Target]:
    """Who each row goes to: everybody to one, or each to the suggestion that its row showed."""
    if form.target.data == SUGGESTED:
        shown = suggestions_from(request.form.getlist("suggested"))
        referents = {user_id: find_referent_target(cite_id, user_id) for user_id in set(shown.values())}
        suggested = {
            one.parcours_id: referents.get(shown.get(one.parcours_id, one.parcours_id)) for one in picked
        }
        return {key: target for key, target in suggested.items() if target}
    referent_id, organisation_id = form.chosen()
    target = find_referent_target(cite_id, referent_id) if referent_id else Target(None, organisation_id)
    return {one.parcours_id: target for one in picked} if target else {}


@bp.get("/coordination/attributions/<uuid:batch_id>")
@requires(Permission.COORDINATION_SEE)
def batch(batch_id: uuid.UUID) -> ResponseReturnValue:
    """What became of each row of a batch, and the way back while there is one."""
    _, cite_id = _here()
    rows = batch_of(cite_id, batch_id)
    refused = _refused_of(cite_id, batch_id)
    if not rows and not refused:
        abort(404)
    done = [_sentence_about(row) for row in rows]
    holding = [row for row in rows if row.ended_at is None]
    return render_template(
        "coordination/batch.html",
        outcomes=[*done, *refused],
        done=len(rows),
        refused=len(refused),
        undoable=bool(holding) and can_be_undone(min(row.started_at for row in rows), now()),
        until=min((row.started_at for row in rows), default=None),
        batch_id=batch_id,
    )


def _refused_of(cite_id: uuid.UUID, batch_id: uuid.UUID) -> list[dict[str, Any]]:
    kept_for, kept = session.get(REFUSED, ["", {}])
    if kept_for != str(batch_id):
        return []
    codes = {uuid.UUID(key): Outcome(code) for key, code in kept.items()}
    names = names_of_parcours(cite_id, list(codes))
    items = []
    for key, outcome in codes.items():
        person_id, name = names.get(key, (None, "Dossier introuvable"))
        href = f"/personnes/{person_id}" if person_id else None
        items.append({"ok": False, "label": name, "sentence": REFUSALS[outcome], "href": href})
    return items


def _sentence_about(row: Any) -> dict[str, Any]:
    name = " ".join(filter(None, (row.first_name, row.last_name)))
    given = row.referent or f"{row.organisation}, référent pas encore connu"
    present = row.present or row.present_organisation
    stands = standing(row.ended_at, row.end_reason)
    sentence = {
        Standing.HOLDS: f"attribuée à {given}.",
        Standing.UNDONE: f"attribution annulée\u00a0: {f'de retour à {present}' if present else 'attend de nouveau un référent'}.",
        Standing.MOVED: f"attribuée à {given}, puis {f'à {present}' if present else 'sans référent'}\u00a0: ne s’annule plus.",
    }[stands]
    return {
        "ok": stands is not Standing.MOVED,
        "label": name,
        "sentence": sentence,
        "href": f"/personnes/{row.person_id}",
    }


@bp.post("/coordination/annuler")
@requires(Permission.ASSIGN)
def undo() -> ResponseReturnValue:
    """Take a batch back within 15 minutes; what has moved since stays where it is."""
    me, cite_id = _here()
    asked = request.values.get("batch_id", "")
    batch_id = uuid.UUID(asked) if _is_uuid(asked) else abort(404)
    rows = batch_of(cite_id, batch_id) or abort(404)
    if not can_be_undone(min(row.started_at for row in rows), now()):
        flash("Il est trop tard pour annuler\u00a0: attribuez de nouveau les personnes concernées.", "due")
        return redirect_after(url_for("coordination.batch", batch_id=batch_id))
    stands = undo_batch(cite_id, batch_id, by=me.id)
    undone = sum(one is Standing.UNDONE for one in stands.values())
    moved = len(stands) - undone
    flash(
        f"Attributions annulées\u00a0: {undone}."
        + (f" Déjà changées depuis\u00a0: {moved}." if moved else ""),
        "due" if moved else "done",
    )
    return redirect_after(url_for("coordination.batch", batch_id=batch_id))


@bp.get("/personnes/<uuid:person_id>/equipe")
@requires(Permission.ASSIGN)
def team(person_id: uuid.UUID) -> ResponseReturnValue:
    """Who follows a person and who seconds them, now and before; change it here."""
    return _show_team(person_id, SecondForm(), AssignForm(formdata=None))


@bp.post("/personnes/<uuid:person_id>/co-referents")
@requires(Permission.ASSIGN)
def second(person_id: uuid.UUID) -> ResponseReturnValue:
    """Add somebody to the team of a person."""
    me, cite_id = _here()
    parcours = _parcours_here(person_id, cite_id)
    form = SecondForm()
    form.colleague.choices = _referent_choices(cite_id)
    if form.accepted():
        target = find_referent_target(parcours.cite_id, uuid.UUID(form.colleague.data))
        try:
            add_co_referent(parcours, target or abort(404), reason=form.why.data, by=me.id)
        except SecondingRefused as refused:
            form.refuse("colleague", str(refused))
        else:
            flash("L’équipe compte une personne de plus\u00a0: elle en est avertie par courriel.", "done")
            return redirect_after(url_for("coordination.team", person_id=person_id))
    return _show_team(person_id, form, AssignForm(formdata=None)), 422


@bp.post("/personnes/<uuid:person_id>/co-referents/<uuid:assignment_id>/fin")
@requires(Permission.ASSIGN)
def end_second(person_id: uuid.UUID, assignment_id: uuid.UUID) -> ResponseReturnValue:
    """Take somebody out of the team; the history keeps them."""
    me, cite_id = _here()
    parcours = _parcours_here(person_id, cite_id)
    seconding = find_co_referent(parcours.id, assignment_id) or abort(404)
    end_co_referent(seconding, by=me.id)
    flash("L’équipe compte une personne de moins.", "done")
    return redirect_after(url_for("coordination.team", person_id=person_id))


def _parcours_here(person_id: uuid.UUID, cite_id: uuid.UUID) -> Parcours:
    parcours = find_present_parcours(person_id)
    if parcours is None or parcours.cite_id != cite_id:
        abort(404)
    return parcours


def _referent_choices(cite_id: uuid.UUID) -> list[tuple[str, str]]:
    rows = professionals_of(cite_id, Role.REFERENT)
    return [("", "Choisir…"), *((str(row.id), f"{row.name} · {row.organisation_name}") for row in rows)]


def _show_team(person_id: uuid.UUID, form: SecondForm, change: AssignForm) -> str:
    me, cite_id = _here()
    parcours = _parcours_here(person_id, cite_id)
    record_reading("person", person_id, cite_id)
    form.colleague.choices = _referent_choices(cite_id)
    _offer_everything(cite_id, change, suggested=False)
    change.number_page(me.id)
    present = find_current_assignment(parcours.id)
    rows = team_of(parcours.id)
    return render_template(
        "coordination/team.html",
        name=parcours.person.display_name,
        person_id=person_id,
        parcours=parcours,
        present=present,
        team=[row for row in rows if row.ended_at is None],
        former=[row for row in rows if row.ended_at is not None],
        is_open=parcours.ended_on is None,
        form=form,
        change=change,
        kinds=AssignmentKind,
    )


def init_app(app: Flask) -> None:
    """Attach the pages."""
    app.register_blueprint(bp)
