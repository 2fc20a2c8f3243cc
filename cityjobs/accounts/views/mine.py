"""One's own account: sessions, password, the Cité worked in, drafts."""

import uuid

from flask import abort, flash, g, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from cityjobs.accounts.actions import (
    check_password,
    choose_membership,
    choose_password,
    close_all_sessions,
    close_session,
    forget_draft,
    keep_draft,
)
from cityjobs.accounts.forms import ChangePasswordForm
from cityjobs.accounts.queries import find_user, memberships_of, open_sessions_of
from cityjobs.accounts.rules import DRAFT_KEY, LONGEST_DRAFT, Professional, device_label, personal_parts
from cityjobs.accounts.views.blueprint import bp
from cityjobs.core.forms import NIR_REFUSED
from cityjobs.core.nir import holds_nir
from cityjobs.core.permissions import (
    ROLE_LABELS,
    SIGNED_IN,
    Role,
    requires,
    signed_in,
)
from cityjobs.core.web import bare, forget_forms, hour, redirect_after


@bp.get("/compte")
@requires(SIGNED_IN)
def account() -> ResponseReturnValue:
    """Who I am here, as what, and where I am signed in."""
    me: Professional = signed_in()
    return render_template(
        "accounts/account.html",
        missions=memberships_of(me.id),
        sessions=[
            {"row": row, "device": device_label(row.device), "is_this": row.id == me.session_id}
            for row in open_sessions_of(me.id)
        ],
    )


@bp.post("/compte/sessions/<uuid:session_id>/fermer")
@requires(SIGNED_IN)
def close_one(session_id: uuid.UUID) -> ResponseReturnValue:
    """Close one of my sessions: it is shut at its next request."""
    me: Professional = signed_in()
    if not close_session(session_id, me.id):
        abort(404)
    if session_id == me.session_id:
        session.clear()
        return redirect_after(url_for("accounts.sign_in"))
    flash("La session est fermée.", "done")
    return redirect_after(url_for("accounts.account"))


@bp.post("/compte/sessions/fermer")
@requires(SIGNED_IN)
def close_everywhere() -> ResponseReturnValue:
    """Sign out everywhere, here too."""
    me: Professional = signed_in()
    close_all_sessions(me.id)
    session.clear()
    flash("Vous êtes déconnecté de tous vos appareils.", "done")
    return redirect_after(url_for("accounts.sign_in"))


@bp.route("/compte/mot-de-passe", methods=["GET", "POST"])
@requires(SIGNED_IN)
def change_password() -> ResponseReturnValue:
    """Change my password, which closes my other sessions."""
    me: Professional = signed_in()
    form = ChangePasswordForm()
    if form.accepted_for(personal_parts(me.first_name, me.last_name, me.email)):
        user = find_user(me.id)
        if user is not None and check_password(user, str(form.current_password.data)):
            choose_password(user, str(form.password.data))
            closed = close_all_sessions(me.id, but=me.session_id)
            flash(
                "Votre mot de passe est changé."
                + (" Vos autres sessions ont été fermées." if closed else ""),
                "done",
            )
            return redirect_after(url_for("accounts.account"))
        g.password_refused = True
        form.refuse("current_password", "Ce n’est pas votre mot de passe actuel.")
    return render_template("accounts/change_password.html", form=form), 422 if form.errors else 200


@bp.get("/cite")
@requires(SIGNED_IN)
def cite() -> ResponseReturnValue:
    """The Cités are chosen from one's account."""
    return redirect(url_for("accounts.account", _anchor="missions"), 303)


@bp.post("/cite")
@requires(SIGNED_IN)
def switch_cite() -> ResponseReturnValue:
    """Work in another of my Cités or roles; the next sign-in starts there."""
    me: Professional = signed_in()
    try:
        membership_id = uuid.UUID(request.form.get("membership_id", ""))
    except ValueError:
        abort(404)
    chosen = next((each for each in memberships_of(me.id) if each.id == membership_id), None)
    if chosen is None or not choose_membership(me.session_id, me.id, membership_id):
        abort(404)
    forget_forms()
    flash(f"Vous travaillez maintenant à {chosen.cite_name}\u00a0: {ROLE_LABELS[Role(chosen.role)]}.", "done")
    return redirect_after(url_for("home"))


# Drafts


@bp.put("/brouillons/<key>")
@requires(SIGNED_IN)
def save_draft(key: str) -> ResponseReturnValue:
    """Keep what is being typed in one form, for its author alone."""
    _check_draft_key(key)
    if (request.content_length or 0) > LONGEST_DRAFT or len(request.get_data()) > LONGEST_DRAFT:
        abort(413)  # sent in pieces, it says no length before it is read
    body = request.get_json(silent=True)
    fields = body.get("fields") if isinstance(body, dict) and isinstance(body.get("fields"), dict) else body
    if not isinstance(fields, dict):
        abort(400)
    texts = [text for said in fields.values() for text in (said if isinstance(said, list) else [said])]
    if not all(isinstance(text, str) for text in texts):
        abort(400)
    if any(holds_nir(text) for text in texts):
        return jsonify(refused=NIR_REFUSED), 422
    me: Professional = signed_in()
    return jsonify(saved_at=hour(keep_draft(me.id, key, fields)))


@bp.delete("/brouillons/<key>")
@requires(SIGNED_IN)
def drop_draft(key: str) -> ResponseReturnValue:
    """Forget what was being typed."""
    _check_draft_key(key)
    me: Professional = signed_in()
    forget_draft(me.id, key)
    return bare(204)


def _check_draft_key(key: str) -> None:
    if not DRAFT_KEY.fullmatch(key):
        abort(404)
