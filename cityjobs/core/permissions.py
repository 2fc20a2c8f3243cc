"""Who may do what: one table of grants, one decorator, one gate that is shut by default."""

import enum
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, current_app, request
from flask_login import current_user


class Role(enum.StrEnum):
    """As what somebody works in a Cité (domain.md §1.2)."""

    REFERENT = "referent"
    COORDINATOR = "coordinator"
    CHEF_DE_FILE = "chef_de_file"
    PARTNER = "partner"
    SPOTTER = "spotter"
    FUNDER = "funder"
    ADMINISTRATOR = "administrator"


ROLE_LABELS: dict[Role, str] = {
    Role.REFERENT: "Référent de parcours",
    Role.COORDINATOR: "Coordination",
    Role.CHEF_DE_FILE: "Chef de file",
    Role.PARTNER: "Partenaire",
    Role.SPOTTER: "Repérage",
    Role.FUNDER: "Financeur",
    Role.ADMINISTRATOR: "Administration",
}


class Permission(enum.StrEnum):
    """One thing that can be done; which rows it may be done to is another question."""

    PEOPLE_LIST = "people.list"
    PEOPLE_EXPORT = "people.export"
    PERSON_READ = "person.read"
    PERSON_EDIT = "person.edit"
    PERSON_SPOT = "person.spot"
    PARCOURS_MOVE = "parcours.move"
    FOLLOWUP_READ = "followup.read"
    FOLLOWUP_LOG = "followup.log"
    DAY_SEE = "day.see"
    COORDINATION_SEE = "coordination.see"
    ASSIGN = "parcours.assign"
    PILOTAGE_SEE = "pilotage.see"
    PILOTAGE_ROWS = "pilotage.rows"
    REPORT_READ = "report.read"
    REPORT_REQUEST = "report.request"
    CITE_EDIT = "cite.edit"
    ORGANISATIONS_EDIT = "organisations.edit"
    ACCOUNTS_MANAGE = "accounts.manage"


PERMISSION_LABELS: dict[Permission, str] = {
    Permission.PEOPLE_LIST: "Voir la liste des personnes",
    Permission.PEOPLE_EXPORT: "Exporter la liste affichée",
    Permission.PERSON_READ: "Ouvrir le dossier d’une personne visible",
    Permission.PERSON_EDIT: "Modifier l’identité et le contact",
    Permission.PERSON_SPOT: "Enregistrer un repérage",
    Permission.PARCOURS_MOVE: "Faire avancer ou clore un parcours",
    Permission.FOLLOWUP_READ: "Lire les échanges et prochaines étapes",
    Permission.FOLLOWUP_LOG: "Noter un échange, fixer une prochaine étape",
    Permission.DAY_SEE: "Voir « Ma journée »",
    Permission.COORDINATION_SEE: "Voir le tableau de coordination",
    Permission.ASSIGN: "Attribuer un référent",
    Permission.PILOTAGE_SEE: "Voir les chiffres de la Cité",
    Permission.PILOTAGE_ROWS: "Ouvrir les lignes derrière un chiffre",
    Permission.REPORT_READ: "Lire les rapports d’activité",
    Permission.REPORT_REQUEST: "Demander un rapport d’activité",
    Permission.CITE_EDIT: "Régler la Cité : programme, enveloppe, périmètre",
    Permission.ORGANISATIONS_EDIT: "Tenir l’annuaire des organisations",
    Permission.ACCOUNTS_MANAGE: "Inviter et désactiver des comptes",
}

_CASEWORK = frozenset({Role.REFERENT, Role.COORDINATOR})
_FIGURES = frozenset({Role.REFERENT, Role.COORDINATOR, Role.CHEF_DE_FILE, Role.FUNDER})

GRANTS: dict[Permission, frozenset[Role]] = {
    Permission.PEOPLE_LIST: _CASEWORK | {Role.SPOTTER},
    Permission.PEOPLE_EXPORT: _CASEWORK,
    Permission.PERSON_READ: _CASEWORK | {Role.SPOTTER},
    Permission.PERSON_EDIT: _CASEWORK,
    Permission.PERSON_SPOT: _CASEWORK | {Role.SPOTTER},
    Permission.PARCOURS_MOVE: _CASEWORK,
    Permission.FOLLOWUP_READ: _CASEWORK,
    Permission.FOLLOWUP_LOG: _CASEWORK,
    Permission.DAY_SEE: _CASEWORK,
    Permission.COORDINATION_SEE: frozenset({Role.COORDINATOR}),
    Permission.ASSIGN: frozenset({Role.COORDINATOR}),
    Permission.PILOTAGE_SEE: _FIGURES,
    Permission.PILOTAGE_ROWS: _FIGURES - {Role.FUNDER},
    Permission.REPORT_READ: frozenset({Role.COORDINATOR, Role.CHEF_DE_FILE, Role.FUNDER}),
    Permission.REPORT_REQUEST: frozenset({Role.COORDINATOR, Role.CHEF_DE_FILE}),
    Permission.CITE_EDIT: frozenset({Role.ADMINISTRATOR}),
    Permission.ORGANISATIONS_EDIT: frozenset({Role.ADMINISTRATOR, Role.COORDINATOR}),
    Permission.ACCOUNTS_MANAGE: frozenset({Role.ADMINISTRATOR}),
}


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
    return role in GRANTS[permission]


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


def grants_table() -> list[dict[str, Any]]:
    """The whole table, one dict per permission, for the help page, the command and the tests."""
    return [
        {
            "permission": permission.value,
            "label": PERMISSION_LABELS[permission],
            "roles": {role.value: role in GRANTS[permission] for role in Role},
        }
        for permission in Permission
    ]
