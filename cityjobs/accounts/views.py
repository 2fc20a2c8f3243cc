"""Signing in and out, and telling the database who is asking."""

from flask import Blueprint, Flask, flash, g, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import AnonymousUserMixin, LoginManager, current_user

from cityjobs.accounts.actions import check_password, close_session, note_presence, open_session
from cityjobs.accounts.forms import SignInForm
from cityjobs.accounts.queries import find_professional, find_user_by_email, seconds_since_seen
from cityjobs.accounts.rules import Professional, is_over
from cityjobs.core.clock import now
from cityjobs.core.db import Actor, act_as
from cityjobs.core.permissions import PUBLIC, SIGNED_IN, requires, signed_in
from cityjobs.core.web import redirect_after, safe_next

bp = Blueprint("accounts", __name__)
login = LoginManager()
TOKEN = "_user_id"


@login.user_loader  # type: ignore[untyped-decorator]
def load_professional(token: str) -> Professional | None:
    """Whoever the cookie's opaque token belongs to."""
    professional = find_professional(token)
    if professional is None or is_over(professional.opened_at, now()):
        return None
    return professional


def introduce() -> None:
    """Before each request: tell the database who is asking, as what, and where."""
    g.actor_id = None
    if current_user.is_authenticated:
        me: Professional = signed_in()
        g.actor_id = str(me.id)
        act_as(Actor(me.id, me.role or "nobody", me.cite_id), g.request_id)
        if seconds_since_seen(me) > 60:
            note_presence(me.session_id)


@bp.route("/connexion", methods=["GET", "POST"])
@requires(PUBLIC)
def sign_in() -> ResponseReturnValue:
    """Open a session; the same answer, in the same time, for an unknown account."""
    form = SignInForm()
    if form.accepted():
        user = find_user_by_email(form.email.data)
        if check_password(user, form.password.data) and user is not None:
            onward = safe_next(request.args.get("suite"), url_for("home"))
            session.clear()
            session[TOKEN] = open_session(user, request.user_agent.string)
            return redirect_after(onward)
        form.refuse("password", "L’adresse ou le mot de passe ne correspond pas.")
    return render_template("accounts/sign_in.html", form=form), 422 if form.errors else 200


@bp.post("/deconnexion")
@requires(SIGNED_IN)
def sign_out() -> ResponseReturnValue:
    """Close this session."""
    me: Professional = signed_in()
    close_session(me.session_id, me.id)
    session.clear()
    flash("Vous êtes déconnecté.", "done")
    return redirect_after(url_for("accounts.sign_in"))


def init_app(app: Flask) -> None:
    """Attach sign-in; a revoked session is as good as none."""
    login.anonymous_user = AnonymousUserMixin
    login.session_protection = None
    login.init_app(app)
    app.before_request(introduce)
    app.register_blueprint(bp)
    app.context_processor(lambda: {"me": signed_in() if current_user.is_authenticated else None})
    app.jinja_env.globals["environment_banner"] = (
        "Démonstration : toutes les personnes sont fictives." if current_app_is_demo(app) else None
    )


def current_app_is_demo(app: Flask) -> bool:
    """Whether fictional people live here."""
    return app.config["ENVIRONMENT"] == "demo"
