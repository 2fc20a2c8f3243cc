"""Who may do what, and how far: the one table behind the gate, the help page, the command and the proofs.

Which rows a reach opens is kept twice, by each query and by the row policies (migrations 0004, 0006, 0013 and 0030).
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
    """One thing that can be done."""

    PEOPLE_LIST = "people.list"
    PEOPLE_EXPORT = "people.export"
    PERSON_READ = "person.read"
    PERSON_EDIT = "person.edit"
    PERSON_SPOT = "person.spot"
    PARCOURS_MOVE = "parcours.move"
    FOLLOWUP_READ = "followup.read"
    FOLLOWUP_LOG = "followup.log"
    DIAGNOSIS_READ = "diagnosis.read"
    DIAGNOSIS_WRITE = "diagnosis.write"
    TEMPLATES_KEEP = "templates.keep"
    DAY_SEE = "day.see"
    ABSENCES_KEEP = "absences.keep"
    COORDINATION_SEE = "coordination.see"
    ASSIGN = "parcours.assign"
    EXITS_EDIT = "exits.edit"
    PILOTAGE_SEE = "pilotage.see"
    PILOTAGE_ROWS = "pilotage.rows"
    REPORT_READ = "report.read"
    REPORT_REQUEST = "report.request"
    CITE_EDIT = "cite.edit"
    ORGANISATIONS_EDIT = "organisations.edit"
    LISTS_READ = "lists.read"
    LISTS_EDIT = "lists.edit"
    ACCOUNTS_MANAGE = "accounts.manage"


PERMISSION_LABELS: dict[Permission, str] = {
    Permission.PEOPLE_LIST: "Voir la liste des personnes",
    Permission.PEOPLE_EXPORT: "Exporter la liste affichée",
    Permission.PERSON_READ: "Ouvrir le dossier d’une personne",
    Permission.PERSON_EDIT: "Modifier l’identité et le contact",
    Permission.PERSON_SPOT: "Enregistrer un repérage, ouvrir un nouveau parcours",
    Permission.PARCOURS_MOVE: "Faire avancer ou clore un parcours",
    Permission.FOLLOWUP_READ: "Lire les échanges et prochaines étapes",
    Permission.FOLLOWUP_LOG: "Noter un échange, fixer une prochaine étape",
    Permission.DIAGNOSIS_READ: "Lire le diagnostic partagé et les freins",
    Permission.DIAGNOSIS_WRITE: "Remplir le diagnostic partagé, faire avancer un frein",
    Permission.TEMPLATES_KEEP: "Garder un plan d’action comme modèle",
    Permission.DAY_SEE: "Voir «\u00a0Ma journée\u00a0»",
    Permission.ABSENCES_KEEP: "Dire une absence, nommer qui remplace, rendre les dossiers",
    Permission.COORDINATION_SEE: "Voir le tableau de coordination",
    Permission.ASSIGN: "Attribuer un référent",
    Permission.EXITS_EDIT: "Régler comment les sorties sont lues",
    Permission.PILOTAGE_SEE: "Voir les chiffres de la Cité",
    Permission.PILOTAGE_ROWS: "Ouvrir les lignes derrière un chiffre",
    Permission.REPORT_READ: "Lire les rapports d’activité",
    Permission.REPORT_REQUEST: "Demander un rapport d’activité",
    Permission.CITE_EDIT: "Régler la Cité\u00a0: programme, enveloppe, périmètre",
    Permission.ORGANISATIONS_EDIT: "Tenir l’annuaire des organisations",
    Permission.LISTS_READ: "Lire les listes de réponses et leurs codes",
    Permission.LISTS_EDIT: "Compléter les listes de la Cité",
    Permission.ACCOUNTS_MANAGE: "Inviter et désactiver des comptes",
}


class Reach(enum.Flag):
    """How far a permission goes; a role may hold several parts of it."""

    NEW = enum.auto()
    CITE = enum.auto()
    FOLLOWED = enum.auto()
    SPOTTED = enum.auto()
    OWN = enum.auto()
    PUBLISHED = enum.auto()
    MASKED = enum.auto()


NOTHING = Reach(0)


@dataclass(frozen=True)
class Words:
    """A part of a reach: in a cell, said to whoever holds it, and explained to anybody."""

    cell: str
    to_me: str
    meaning: str


REACH_WORDS: dict[Reach, Words] = {
    Reach.NEW: Words(
        "personnes nouvelles",
        "Toute personne que votre Cité ne connaît pas encore.",
        "celles que la Cité ne connaît pas encore",
    ),
    Reach.CITE: Words("toute la Cité", "Tout ce qui est de votre Cité.", "tout ce qui est de la Cité"),
    Reach.FOLLOWED: Words(
        "ses suivis",
        "Les personnes dont vous êtes référent ou co-référent, celles d’un collègue absent tant que vous le "
        "remplacez, et celles que vous avez repérées tant que personne ne les suit.",
        "les personnes dont on est référent ou co-référent, celles d’un collègue absent tant qu’on le remplace, et "
        "celles qu’on a repérées tant que personne ne les suit",
    ),
    Reach.SPOTTED: Words(
        "ses repérages",
        "Les personnes que vous avez repérées, même suivies depuis par quelqu’un d’autre.",
        "les personnes qu’on a repérées, même suivies depuis par quelqu’un d’autre",
    ),
    Reach.OWN: Words("ce qui le concerne", "Ce qui vous concerne, et vous seul.", "ce qui concerne chacun, et lui seul"),
    Reach.PUBLISHED: Words(
        "chiffres publiables",
        "Les chiffres qui peuvent sortir de la Cité\u00a0: un nombre trop petit n’est pas montré, pour que personne "
        "ne soit reconnu.",
        "ceux qui peuvent sortir de la Cité, sans les nombres trop petits",
    ),
    Reach.MASKED: Words(
        "initiales",
        "Les autres personnes de la Cité, par leurs initiales seulement.",
        "les personnes de la Cité, sans leur nom ni leur contact",
    ),
}  # fmt: skip
MASKED_ALONE = "Les personnes de votre Cité, par leurs initiales seulement."

_MINE = {Role.REFERENT: Reach.FOLLOWED, Role.COORDINATOR: Reach.CITE}
_MINE_BY_NAME = {Role.REFERENT: Reach.FOLLOWED | Reach.MASKED, Role.COORDINATOR: Reach.CITE}

GRANTS: Mapping[Permission, Mapping[Role, Reach]] = {
    Permission.PEOPLE_LIST: _MINE_BY_NAME | {Role.SPOTTER: Reach.SPOTTED},
    Permission.PEOPLE_EXPORT: _MINE_BY_NAME,
    Permission.PERSON_READ: _MINE | {Role.SPOTTER: Reach.SPOTTED},
    Permission.PERSON_EDIT: _MINE,
    Permission.PERSON_SPOT: {
        Role.REFERENT: Reach.NEW | Reach.FOLLOWED | Reach.MASKED,
        Role.COORDINATOR: Reach.NEW | Reach.CITE,
        Role.SPOTTER: Reach.NEW | Reach.SPOTTED | Reach.MASKED,
    },
    Permission.PARCOURS_MOVE: _MINE,
    Permission.FOLLOWUP_READ: _MINE,
    Permission.FOLLOWUP_LOG: _MINE,
    Permission.DIAGNOSIS_READ: _MINE,
    Permission.DIAGNOSIS_WRITE: _MINE,
    Permission.TEMPLATES_KEEP: {Role.COORDINATOR: Reach.CITE},
    Permission.DAY_SEE: {Role.REFERENT: Reach.OWN, Role.COORDINATOR: Reach.OWN},
    Permission.ABSENCES_KEEP: {Role.REFERENT: Reach.OWN, Role.COORDINATOR: Reach.CITE},
    Permission.COORDINATION_SEE: {Role.COORDINATOR: Reach.CITE},
    Permission.ASSIGN: {Role.COORDINATOR: Reach.CITE},
    Permission.EXITS_EDIT: {Role.COORDINATOR: Reach.CITE},
    Permission.PILOTAGE_SEE: {
        Role.REFERENT: Reach.CITE,
        Role.COORDINATOR: Reach.CITE,
        Role.CHEF_DE_FILE: Reach.CITE,
        Role.FUNDER: Reach.PUBLISHED,
    },
    Permission.PILOTAGE_ROWS: _MINE_BY_NAME | {Role.CHEF_DE_FILE: Reach.MASKED},
    Permission.REPORT_READ: {
        Role.COORDINATOR: Reach.CITE,
        Role.CHEF_DE_FILE: Reach.CITE,
        Role.FUNDER: Reach.CITE,
    },
    Permission.REPORT_REQUEST: {Role.COORDINATOR: Reach.CITE, Role.CHEF_DE_FILE: Reach.CITE},
    Permission.CITE_EDIT: {Role.ADMINISTRATOR: Reach.CITE},
    Permission.ORGANISATIONS_EDIT: {Role.COORDINATOR: Reach.CITE, Role.ADMINISTRATOR: Reach.CITE},
    Permission.LISTS_READ: {
        Role.REFERENT: Reach.CITE,
        Role.COORDINATOR: Reach.CITE,
        Role.SPOTTER: Reach.CITE,
    },
    Permission.LISTS_EDIT: {Role.COORDINATOR: Reach.CITE},
    Permission.ACCOUNTS_MANAGE: {Role.ADMINISTRATOR: Reach.CITE},
}


def reach_of(role: str | None, permission: Permission) -> Reach:
    """How far a permission goes for a role; NOTHING when it is not given, or without a role."""
    given = GRANTS[permission]
    return next((given[each] for each in given if each == role), NOTHING)


def codes_of(reach: Reach) -> list[str]:
    """The parts of a reach, as codes: for machines and for a terminal."""
    return [str(part.name).lower() for part in reach]


def in_words(reach: Reach) -> str:
    """« ses suivis, initiales »; empty when nothing is given."""
    return ", ".join(REACH_WORDS[part].cell for part in reach)


def told_to_me(reach: Reach) -> str:
    """A reach in whole sentences, to whoever holds it."""
    return MASKED_ALONE if reach == Reach.MASKED else " ".join(REACH_WORDS[part].to_me for part in reach)


def grants_table() -> list[dict[str, Any]]:
    """The whole table for machines: per permission its label, and per role the codes of its reach."""
    return [
        {
            "permission": permission.value,
            "label": PERMISSION_LABELS[permission],
            "roles": {role.value: codes_of(reach_of(role, permission)) for role in Role},
        }
        for permission in Permission
    ]
