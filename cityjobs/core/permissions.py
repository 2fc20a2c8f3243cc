"""One decorator and one gate, shut by default; what it lets through is said by the table of `core.grants`."""

import enum
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, current_app, request
from flask_login import current_user

from cityjobs.core.grants import (
    GRANTS,
    PERMISSION_LABELS,
    ROLE_LABELS,
    Permission,
    Reach,
    Role,
    grants_table,
    reach_of,
)

__all__ = [
    "GRANTS",
    "PERMISSION_LABELS",
    "PUBLIC",
    "ROLE_LABELS",
    "SIGNED_IN",
    "Access",
    "Needed",
    "Permission",
    "Reach",
    "Role",
    "RouteWithoutPermission",
    "can",
    "check_every_route",
    "gate",
    "grants_table",
    "may",
    "needed_by",
    "reach_of",
    "requires",
    "signed_in",
]


class Access(enum.StrEnum):
    """Routes that ask for no particular grant."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"


PUBLIC = Access.PUBLIC
SIGNED_IN = Access.SIGNED_IN
Needed = Permission | Access
View = TypeVar("View", bound=Callable[..., Any])


class RouteWithoutPermission(RuntimeError):
    """A route names no permission: the application must not start."""


def requires(needed: Needed) -> Callable[[View], View]:
    """Name the permission that a view needs. The gate reads it; without it nothing starts."""

    def mark(view: View) -> View:
        setattr(view, "needed", needed)  # noqa: B010 - a function has no declared attribute to assign
        return view

    return mark


def may(role: str | None, permission: Permission) -> bool:
    """Whether the table of grants gives this permission to this role."""
    return bool(reach_of(role, permission))


def can(permission: Permission | str) -> bool:
    """Whether whoever is signed in holds the permission, in the Cité being worked in."""
    return bool(current_user.is_authenticated) and may(current_user.role, Permission(permission))


def needed_by(app: Flask, endpoint: str) -> Needed:
    """What an endpoint asks for; raises RouteWithoutPermission when it names nothing."""
    needed = getattr(app.view_functions[endpoint], "needed", None)
    if needed is None:
        raise RouteWithoutPermission(endpoint)
    return Permission(needed) if needed in tuple(Permission) else Access(needed)


def check_every_route(app: Flask) -> None:
    """Refuse to start when any route names no permission."""
    nameless = sorted(
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "needed", None) is None
    )
    if nameless:
        raise RouteWithoutPermission(", ".join(nameless))


def gate() -> None:
    """Before each request: public, signed in, or granted; else 401 or 403."""
    if request.endpoint is None:
        return
    needed = needed_by(current_app, request.endpoint)
    if needed is Access.PUBLIC:
        return
    if not current_user.is_authenticated:
        abort(401)
    if isinstance(needed, Permission) and not can(needed):
        abort(403)


def signed_in() -> Any:
    """The professional at the keyboard: an accounts.rules.Professional."""
    return current_user._get_current_object()
