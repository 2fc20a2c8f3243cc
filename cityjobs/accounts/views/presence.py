"""Who is at the keyboard: found from the cookie, told to the database, locked out after half an hour of silence.

Somebody locked is nobody: every page, policy and menu sees them as signed out. Only the lock knows them, by `locked()`.
"""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import AnonymousUserMixin, LoginManager, current_user
from werkzeug.exceptions import Unauthorized

from cityjobs.accounts.actions import PRESENCE, note_presence
from cityjobs.accounts.queries import find_professional, seconds_since_seen
from cityjobs.accounts.rules import Professional, carried, is_idle
from cityjobs.core.clock import now
from cityjobs.core.db import NOBODY, Actor, act_as, rollback
from cityjobs.core.permissions import ROLE_LABELS, Role, signed_in
from cityjobs.core.web import asked_by_script, bare, error_page, safe_next

login = LoginManager()
COOKIE = "_user_id"
CARRIED = "garde-"
DOORS = ("/connexion", "/deconnexion", "/verrou")
OVER = "Votre session est terminée. Copiez ce que vous ne voulez pas perdre, puis reconnectez-vous."


@login.user_loader  # type: ignore[untyped-decorator]
def load_professional(token: str) -> Professional | None:
    """Whoever the cookie's opaque token belongs to; nobody while they are locked out.

    A database that is away is asked once a request, so that its error page can be shown.
    """
    if g.get("asking"):
        return None
    g.asking = True
    professional = find_professional(token)
    g.asking = False
    if professional is not None and is_idle(professional.last_seen_at, now()):
        g.locked = professional
        return None
    return professional


def locked() -> Professional | None:
    """Whoever must give their password again before anything else."""
    who: Professional | None = g.get("locked")
    return who


def become(user_id: Any, role: str = "nobody", cite_id: Any = None) -> None:
    """Tell the database and the logs who is asking from now on."""
    g.actor_id = str(user_id)
    act_as(Actor(user_id, role, cite_id), g.request_id)


def introduce() -> None:
    """Before each request: tell the database who is asking, as what, and where."""
    g.actor_id = None
    act_as(NOBODY, g.request_id)
    if current_user.is_authenticated:
        me: Professional = signed_in()
        become(me.id, me.role or "nobody", me.cite_id)
        if seconds_since_seen(me) > PRESENCE.total_seconds():
            note_presence(me.session_id)


def enter(token: str) -> None:
    """Put a new session in the cookie, and nothing of what was there."""
    session.clear()
    session[COOKIE] = token


def onward(target: str | None = None) -> str:
    """Where to go once in: the path asked for, in this house and not a door of it, else the home page."""
    asked = safe_next(target if target is not None else request.args.get("suite"), "/")
    path = urlsplit(asked).path
    return url_for("home") if path.startswith(DOORS) else path


def to_door(endpoint: str) -> ResponseReturnValue:
    """Send to sign in or to unlock, with the path to come back to; never its query, which may hold a name."""
    suite = request.path if request.path != "/" else None
    return redirect(url_for(endpoint, suite=suite), 303)


def on_nobody(_error: Unauthorized) -> ResponseReturnValue:
    """Nobody is signed in, or they are locked out: the way in, and nothing typed is lost."""
    rollback()
    who, reading = locked(), request.method in ("GET", "HEAD")
    if asked_by_script():
        return _answer_script(who is not None, reading)
    if reading:
        return to_door("accounts.lock" if who else "accounts.sign_in")
    if who is None:
        return error_page(401)
    answers = carried(list(request.form.items(multi=True)))
    return lock_page(who, suite=_whole_path(), kept=answers, files=bool(request.files), status=401)


def _answer_script(is_locked: bool, reading: bool) -> ResponseReturnValue:
    if is_locked:
        return bare(401, {"X-Lock": "1"})
    if "HX-Request" not in request.headers:
        return bare(401)
    if reading:
        return bare(401, {"HX-Redirect": url_for("accounts.sign_in")})
    return bare(401, {"HX-Trigger": json.dumps({"toast": {"text": OVER, "kind": "lost"}})})


def _whole_path() -> str:
    query = request.query_string.decode("ascii", "ignore")
    return f"{request.path}?{query}" if query else request.path


def lock_page(
    who: Professional,
    *,
    suite: str,
    kept: Sequence[tuple[str, str]] | None = (),
    files: bool = False,
    refusal: str | None = None,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> ResponseReturnValue:
    """The page that asks for the password; `kept` is what was posted, None when it was too much to carry."""
    page = render_template(
        "accounts/lock.html",
        who=who,
        suite=suite,
        kept=kept or (),
        too_much=kept is None,
        files=files,
        refusal=refusal,
        prefix=CARRIED,
    )
    return page, status, {"X-Lock": "1", **(headers or {})}


def role_label(role: str) -> str:
    """A role in words."""
    return ROLE_LABELS[Role(role)]


def _known_to_pages() -> dict[str, object]:
    return {"me": signed_in() if current_user.is_authenticated else None}


def init_app(app: Flask) -> None:
    """Know who is asking before each request; a revoked session is as good as none."""
    login.anonymous_user = AnonymousUserMixin
    login.session_protection = None
    login.init_app(app)
    app.before_request(introduce)
    app.register_error_handler(Unauthorized, on_nobody)
    app.context_processor(_known_to_pages)
    app.jinja_env.globals["role_label"] = role_label
    app.jinja_env.globals["environment_banner"] = (
        "Démonstration\u00a0: toutes les personnes sont fictives."
        if app.config["ENVIRONMENT"] == "demo"
        else None
    )
