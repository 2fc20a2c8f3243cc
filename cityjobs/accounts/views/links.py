"""Links sent by e-mail: opening an account, choosing a new password."""

import logging

from flask import current_app, flash, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from cityjobs.accounts import links
from cityjobs.accounts.actions import close_session_of_token, request_reset, use_link
from cityjobs.accounts.forms import ChoosePasswordForm, ForgottenForm
from cityjobs.accounts.queries import find_usable_link, find_user, memberships_of
from cityjobs.accounts.rules import LinkPurpose, personal_parts
from cityjobs.accounts.views.blueprint import bp
from cityjobs.accounts.views.presence import COOKIE, become, enter
from cityjobs.core.permissions import PUBLIC, requires
from cityjobs.core.web import redirect_after

log = logging.getLogger(__name__)


@bp.route("/mot-de-passe-oublie", methods=["GET", "POST"])
@requires(PUBLIC)
def forgotten() -> ResponseReturnValue:
    """Ask for a link; the answer and the work are the same whether or not the address has an account."""
    form = ForgottenForm()
    if form.accepted():
        request_reset(str(form.email.data))
        return redirect_after(url_for("accounts.forgotten_asked"))
    return render_template("accounts/forgotten.html", form=form), 422 if form.errors else 200


@bp.get("/mot-de-passe-oublie/envoye")
@requires(PUBLIC)
def forgotten_asked() -> ResponseReturnValue:
    """What happens next."""
    return render_template("accounts/forgotten_asked.html")


@bp.route("/invitation/<token>", methods=["GET", "POST"])
@requires(PUBLIC)
def accept_invitation(token: str) -> ResponseReturnValue:
    """Open one's account by choosing its password."""
    return _choose_by_link(token, LinkPurpose.INVITATION)


@bp.route("/reinitialisation/<token>", methods=["GET", "POST"])
@requires(PUBLIC)
def reset(token: str) -> ResponseReturnValue:
    """Choose a new password."""
    return _choose_by_link(token, LinkPurpose.RESET)


def _choose_by_link(token: str, purpose: LinkPurpose) -> ResponseReturnValue:
    link_id = links.link_in(token, purpose, current_app.config["SECRET_KEY"])
    link = find_usable_link(link_id, purpose) if link_id else None
    user = find_user(link.user_id) if link else None
    if link is None or user is None:
        return render_template("accounts/link_spent.html", purpose=purpose), 410
    form = ChoosePasswordForm()
    if form.accepted_for(personal_parts(user.first_name, user.last_name, user.email)):
        become(user.id)
        opened = use_link(link, str(form.password.data), request.user_agent.string)
        if opened is None:
            return render_template("accounts/link_spent.html", purpose=purpose), 410
        if COOKIE in session:
            close_session_of_token(str(session[COOKIE]))
        enter(opened)
        log.info("password_chosen_by_link", extra={"purpose": purpose.value})
        flash(
            "Bienvenue\u00a0! Votre compte est ouvert."
            if purpose is LinkPurpose.INVITATION
            else "Votre nouveau mot de passe est enregistré. Vos autres sessions ont été fermées.",
            "done",
        )
        return redirect_after(url_for("home"))
    missions = memberships_of(user.id)
    page = render_template(
        "accounts/choose_password.html", form=form, user=user, missions=missions, purpose=purpose
    )
    return page, 422 if form.errors else 200
