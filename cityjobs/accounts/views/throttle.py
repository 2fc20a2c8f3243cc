"""How often a password may be wrong: counted across processes, by account from one address, by address, by account; failures alone.

What is counted is kept in Valkey under keyed digests, never an address of any kind; when Valkey is away, each process counts
for itself.
"""

import hashlib
import hmac
import ipaddress
import math
import time
from typing import Any

from flask import Flask, current_app, g, request
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter, RateLimitExceeded
from flask_login import current_user

from cityjobs.accounts.views import door
from cityjobs.accounts.views.presence import lock_page, locked
from cityjobs.core.db import rollback
from cityjobs.core.forms import clean
from cityjobs.core.permissions import signed_in
from cityjobs.core.web import asked_by_script, bare, error_page

PER_ACCOUNT = "6 per minute"
PER_ADDRESS = "30 per minute"
PER_ACCOUNT_ANYWHERE = "60 per hour"
"""Failures for one account wherever they come from: somebody who has many addresses has no more guesses than that."""

RESETS = "20 per hour"
TOO_MANY = "Trop d’essais en peu de temps\u00a0: attendez une minute avant de recommencer."
TOO_MANY_FOR_LONG = "Trop d’essais pour ce compte\u00a0: attendez une heure, ou demandez un lien par «\u00a0Mot de passe oublié\u00a0»."
A_WHILE = 120
"""Seconds; whoever has to wait longer is told so."""


def _digest(*parts: str) -> str:
    secret = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.new(secret, "\0".join(parts).encode(), hashlib.sha256).hexdigest()[:32]


def _neighbourhood() -> str:
    """The address asking, or the /64 it can move in."""
    address = request.remote_addr or "unknown"
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((known, 64), strict=False)) if known.version == 6 else address


def by_address() -> str:
    """Who asks, from where."""
    return _digest("address", _neighbourhood())


def by_account() -> str:
    """For whom, from where."""
    return _digest("account", _email_tried(), _neighbourhood())


def by_account_anywhere() -> str:
    """For whom, wherever from."""
    return _digest("anywhere", _email_tried())


def _email_tried() -> str:
    """Whose password is tried: at the door whoever is named there, behind it whoever is there."""
    inside = request.endpoint != "accounts.sign_in"
    who = (signed_in() if current_user.is_authenticated else locked()) if inside else None
    return who.email if who else (clean(request.form.get("email")) or "").lower()


def was_refused(_response: object) -> bool:
    """Whether this request gave a wrong password."""
    return bool(g.get("password_refused"))


def on_too_many(_error: RateLimitExceeded) -> ResponseReturnValue:
    """The page as it was, with what was typed, and when to come back."""
    rollback()
    limiter: Limiter = current_app.extensions["cityjobs.limiter"]
    limit = limiter.current_limit
    wait = max(1, math.ceil(limit.reset_at - time.time())) if limit else 60
    headers = {"Retry-After": str(wait)}
    if asked_by_script():
        return bare(429, headers)
    refusal = TOO_MANY if wait <= A_WHILE else TOO_MANY_FOR_LONG
    if request.endpoint == "accounts.sign_in":
        return *door.sign_in_page(refusal=refusal), 429, headers
    if request.endpoint == "accounts.unlock" and (who := locked()):
        return lock_page(who, **door.asked_at_lock(), refusal=refusal, status=429, headers=headers)
    return *error_page(429), headers


def init_app(app: Flask) -> None:
    """Give the application its limiter, and the views that take a password their limits."""
    database = hashlib.sha256(str(app.config["SQLALCHEMY_DATABASE_URI"]).encode()).hexdigest()[:8]
    limiter = Limiter(
        by_address,
        storage_uri=app.config["LIMITER_STORAGE_URI"],
        storage_options=_patience(app.config["LIMITER_STORAGE_URI"], f"cityjobs:{database}:limits"),
        strategy="sliding-window-counter",
        in_memory_fallback_enabled=True,
        swallow_errors=True,
    )
    limiter.init_app(app)
    app.extensions["cityjobs.limiter"] = limiter
    views: dict[str, Any] = app.view_functions
    for endpoint in ("accounts.sign_in", "accounts.unlock", "accounts.change_password"):
        # Counted apart: guesses made at the door keep nobody who is inside from their own lock.
        side = "door" if endpoint == "accounts.sign_in" else "inside"
        for allowed, key, scope in (
            (PER_ACCOUNT, by_account, "password"),
            (PER_ADDRESS, by_address, "password"),
            (PER_ACCOUNT_ANYWHERE, by_account_anywhere, f"password-{side}"),
        ):
            limit = limiter.shared_limit(
                allowed, scope=scope, key_func=key, methods=["POST"], deduct_when=was_refused
            )
            views[endpoint] = limit(views[endpoint])
    resets = limiter.limit(RESETS, key_func=by_address, methods=["POST"])
    views["accounts.forgotten"] = resets(views["accounts.forgotten"])
    app.register_error_handler(RateLimitExceeded, on_too_many)


def _patience(uri: str, prefix: str) -> dict[str, str | int]:
    if uri.startswith("memory:"):
        return {}
    return {"key_prefix": prefix, "socket_connect_timeout": 1, "socket_timeout": 1}
