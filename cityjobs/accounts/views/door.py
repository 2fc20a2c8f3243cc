"""Signing in and out, the lock, and the one-click accounts of a demonstration."""

import logging
from typing import Any

from flask import abort, current_app, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cityjobs.accounts.actions import (
    check_password,
    close_session,
    close_session_of_token,
    note_presence,
    open_session,
)
from cityjobs.accounts.forms import SignInForm
from cityjobs.accounts.models import User
from cityjobs.accounts.queries import find_user, find_user_by_email
from cityjobs.accounts.rules import DEMO_ACCOUNTS, Professional, carried
from cityjobs.accounts.views.blueprint import bp
from cityjobs.accounts.views.presence import (
    CARRIED,
    COOKIE,
    become,
    enter,
    lock_page,
    locked,
    onward,
)
from cityjobs.core.db import NOBODY, act_as
from cityjobs.core.permissions import PUBLIC, requires, signed_in
from cityjobs.core.web import asked_by_script, bare, error_page, redirect_after, safe_next

log = logging.getLogger(__name__)
WRONG = "L’adresse ou le mot de passe ne correspond pas."
WRONG_PASSWORD = "Ce n’est pas le bon mot de passe. Ce que vous avez écrit est toujours là."


def sign_in_page(form: SignInForm | None = None, refusal: str | None = None) -> tuple[str]:
    """The page of the door, with the accounts of the demonstration when this is one."""
    shown = form or SignInForm()
    if refusal:
        shown.refuse("password", refusal)
    offered = DEMO_ACCOUNTS if current_app.config["ENVIRONMENT"] == "demo" else ()
    return (render_template("accounts/sign_in.html", form=shown, offered=offered),)


@bp.route("/connexion", methods=["GET", "POST"])
@requires(PUBLIC)
def sign_in() -> ResponseReturnValue:
    """Open a session; the same answer, in the same time, for an unknown account."""
    if request.method == "GET" and current_user.is_authenticated:
        return redirect(onward(), 303)
    form = SignInForm()
    if form.accepted():
        act_as(NOBODY)  # another account may be opened from here: until its password is right, nobody asks
        user = find_user_by_email(str(form.email.data))
        if check_password(user, str(form.password.data)) and user is not None:
            return let_in(user)
        g.password_refused = True
        log.info("sign_in_refused")
        form.refuse("password", WRONG)
    return *sign_in_page(form), 422 if form.errors else 200


def let_in(user: User) -> ResponseReturnValue:
    """A new session for this account; the one that the cookie held is closed."""
    become(user.id)
    if COOKIE in session:
        close_session_of_token(str(session[COOKIE]))
    enter(open_session(user, request.user_agent.string))
    log.info("signed_in")
    return redirect_after(onward())


@requires(PUBLIC)
def sign_in_demo() -> ResponseReturnValue:
    """Open one of the accounts that the demonstration offers, without a password."""
    email = request.form.get("email", "")
    if email not in {account.email for account in DEMO_ACCOUNTS}:
        abort(404)
    user = find_user_by_email(email)
    if user is None or user.disabled_at is not None:
        flash("Ce compte de démonstration n’est pas encore prêt\u00a0: réessayez dans un instant.", "due")
        return redirect_after(url_for("accounts.sign_in"))
    return let_in(user)


@bp.post("/deconnexion")
@requires(PUBLIC)
def sign_out() -> ResponseReturnValue:
    """Close this session, locked or not."""
    me: Professional | None = signed_in() if current_user.is_authenticated else locked()
    if me is not None:
        become(me.id)
        close_session(me.session_id, me.id)
    session.clear()
    flash("Vous êtes déconnecté.", "done")
    return redirect_after(url_for("accounts.sign_in"))


# The lock


@bp.get("/verrou")
@requires(PUBLIC)
def lock() -> ResponseReturnValue:
    """Where somebody locked out gives their password; for scripts, whether the screen is locked."""
    who = locked()
    if asked_by_script():
        if current_user.is_authenticated:
            return bare(204)
        return bare(401, {"X-Lock": "1"} if who else None)
    if who is not None:
        return lock_page(who, suite=onward())
    if current_user.is_authenticated:
        return redirect(onward(), 303)
    return redirect(url_for("accounts.sign_in", suite=request.args.get("suite")), 303)


@bp.post("/verrou", endpoint="unlock")
@requires(PUBLIC)
def unlock() -> ResponseReturnValue:
    """Unlock with the password, then go on, or offer what was being saved for a second sending."""
    who: Professional | None = signed_in() if current_user.is_authenticated else locked()
    script = request.is_json or asked_by_script()
    if who is None:
        return bare(410) if script else error_page(401)
    if not check_password(find_user(who.id), _password_given()):
        g.password_refused = True
        log.info("unlock_refused")
        if script:
            return bare(401)
        return lock_page(who, **asked_at_lock(), refusal=WRONG_PASSWORD, status=422)
    become(who.id, who.role or "nobody", who.cite_id)
    note_presence(who.session_id)
    if script:
        return bare(204)
    asked = asked_at_lock()
    if asked["kept"]:
        return render_template("accounts/resume.html", action=asked["suite"], kept=asked["kept"])
    return redirect_after(onward(asked["suite"]))


def asked_at_lock() -> dict[str, Any]:
    """What the page of the lock was sent with: where to go on, and what was posted there."""
    posted = [
        (name.removeprefix(CARRIED), said)
        for name, said in request.form.items(multi=True)
        if name.startswith(CARRIED)
    ]
    return {"suite": safe_next(request.form.get("suite"), "/"), "kept": carried(posted)}


def _password_given() -> str:
    if request.is_json:
        body = request.get_json(silent=True)
        given = body.get("password") if isinstance(body, dict) else None
        return given if isinstance(given, str) else ""
    return request.form.get("password", "")
