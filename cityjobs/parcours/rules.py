"""The life of a parcours as a table, and the closed lists that go with it."""

import enum
from dataclasses import dataclass
from datetime import date, timedelta


class Status(enum.StrEnum):
    """Where a parcours stands (domain.md §5.2 A)."""

    REPERE = "repere"
    CONTACTE = "contacte"
    RENCONTRE = "rencontre"
    DIAGNOSTIC = "diagnostic"
    ACTIF = "actif"
    SORTI = "sorti"
    NON_ENTREE = "non_entree"


STATUS_LABELS: dict[Status, str] = {
    Status.REPERE: "Repéré",
    Status.CONTACTE: "Contacté",
    Status.RENCONTRE: "Rencontré",
    Status.DIAGNOSTIC: "Diagnostic",
    Status.ACTIF: "Actif",
    Status.SORTI: "Sorti",
    Status.NON_ENTREE: "Non entré",
}

OPEN_STATUSES = frozenset({Status.REPERE, Status.CONTACTE, Status.RENCONTRE, Status.DIAGNOSTIC, Status.ACTIF})
CLOSED_STATUSES = frozenset({Status.SORTI, Status.NON_ENTREE})


class Event(enum.StrEnum):
    """What makes a parcours move."""

    CONTACT_OK = "contact_ok"
    FIRST_MET = "first_met"
    START_ASSESSMENT = "start_assessment"
    ENROLL = "enroll"
    DECLINE = "decline"
    CLOSE = "close"


EVENT_LABELS: dict[Event, str] = {
    Event.CONTACT_OK: "La personne a été contactée",
    Event.FIRST_MET: "La personne a été rencontrée",
    Event.START_ASSESSMENT: "Commencer le diagnostic",
    Event.ENROLL: "Entrer en parcours",
    Event.DECLINE: "Ne pas entrer en parcours",
    Event.CLOSE: "Clore le parcours",
}

TRANSITIONS: dict[tuple[Status, Event], Status] = {
    (Status.REPERE, Event.CONTACT_OK): Status.CONTACTE,
    (Status.REPERE, Event.FIRST_MET): Status.RENCONTRE,
    (Status.CONTACTE, Event.FIRST_MET): Status.RENCONTRE,
    (Status.RENCONTRE, Event.START_ASSESSMENT): Status.DIAGNOSTIC,
    (Status.DIAGNOSTIC, Event.ENROLL): Status.ACTIF,
    (Status.REPERE, Event.DECLINE): Status.NON_ENTREE,
    (Status.CONTACTE, Event.DECLINE): Status.NON_ENTREE,
    (Status.RENCONTRE, Event.DECLINE): Status.NON_ENTREE,
    (Status.DIAGNOSTIC, Event.DECLINE): Status.NON_ENTREE,
    (Status.ACTIF, Event.CLOSE): Status.SORTI,
}


def events_from(status: Status) -> list[Event]:
    """What may happen next."""
    return [event for event in Event if (status, event) in TRANSITIONS]


class NonEntryReason(enum.StrEnum):
    """Why somebody spotted did not enter (domain.md §2.14, motif_non_entree)."""

    NON_ELIGIBLE = "non_eligible"
    PAS_INTERESSE = "pas_interesse"
    DEJA_ACCOMPAGNE = "deja_accompagne"
    ORIENTATION_IMMEDIATE = "orientation_immediate"
    INJOIGNABLE = "injoignable"
    HORS_TERRITOIRE = "hors_territoire"
    AUTRE = "autre"


NON_ENTRY_REASON_LABELS: dict[NonEntryReason, str] = {
    NonEntryReason.NON_ELIGIBLE: "Ne relève pas du public de la Cité",
    NonEntryReason.PAS_INTERESSE: "Ne souhaite pas être accompagnée",
    NonEntryReason.DEJA_ACCOMPAGNE: "Déjà accompagnée ailleurs",
    NonEntryReason.ORIENTATION_IMMEDIATE: "Orientée tout de suite vers une solution",
    NonEntryReason.INJOIGNABLE: "Injoignable",
    NonEntryReason.HORS_TERRITOIRE: "Hors du territoire",
    NonEntryReason.AUTRE: "Autre raison",
}


class ExitReason(enum.StrEnum):
    """How an accompaniment ended (domain.md §2.14)."""

    CDI = "cdi"
    CDD_6M_PLUS = "cdd_6m_plus"
    INTERIM_6M_PLUS = "interim_6m_plus"
    FONCTION_PUBLIQUE = "fonction_publique"
    CREATION_ENTREPRISE = "creation_entreprise"
    CDD_MOINS_6M = "cdd_moins_6m"
    INTERIM_MOINS_6M = "interim_moins_6m"
    CONTRAT_AIDE_HORS_IAE = "contrat_aide_hors_iae"
    FORMATION_QUALIFIANTE = "formation_qualifiante"
    FORMATION_PREQUALIFIANTE = "formation_prequalifiante"
    EMBAUCHE_SIAE = "embauche_siae"
    ALTERNANCE = "alternance"
    SERVICE_CIVIQUE = "service_civique"
    ENTREE_DROIT_COMMUN = "entree_droit_commun"
    SANS_SUITE_CHOMAGE = "sans_suite_chomage"
    ABANDON = "abandon"
    PERDU_DE_VUE = "perdu_de_vue"
    REFUS_PERSONNE = "refus_personne"
    RELAIS_SOCIAL = "relais_social"
    DEMENAGEMENT = "demenagement"
    INDEPENDANTE = "independante"


EXIT_REASON_LABELS: dict[ExitReason, str] = {
    ExitReason.CDI: "Emploi : CDI",
    ExitReason.CDD_6M_PLUS: "Emploi : CDD de 6 mois et plus",
    ExitReason.INTERIM_6M_PLUS: "Emploi : intérim, 6 mois et plus",
    ExitReason.FONCTION_PUBLIQUE: "Emploi : fonction publique",
    ExitReason.CREATION_ENTREPRISE: "Création d’entreprise",
    ExitReason.CDD_MOINS_6M: "Emploi : CDD de moins de 6 mois",
    ExitReason.INTERIM_MOINS_6M: "Emploi : intérim, moins de 6 mois",
    ExitReason.CONTRAT_AIDE_HORS_IAE: "Emploi : contrat aidé",
    ExitReason.FORMATION_QUALIFIANTE: "Formation qualifiante",
    ExitReason.FORMATION_PREQUALIFIANTE: "Formation préqualifiante",
    ExitReason.EMBAUCHE_SIAE: "Embauche dans une structure d’insertion",
    ExitReason.ALTERNANCE: "Alternance",
    ExitReason.SERVICE_CIVIQUE: "Service civique",
    ExitReason.ENTREE_DROIT_COMMUN: "Relais par un accompagnement de droit commun",
    ExitReason.SANS_SUITE_CHOMAGE: "Sans suite, en recherche d’emploi",
    ExitReason.ABANDON: "Abandon",
    ExitReason.PERDU_DE_VUE: "Sans nouvelles",
    ExitReason.REFUS_PERSONNE: "À la demande de la personne",
    ExitReason.RELAIS_SOCIAL: "Relais par un accompagnement social",
    ExitReason.DEMENAGEMENT: "Déménagement",
    ExitReason.INDEPENDANTE: "Raison indépendante de l’accompagnement",
}


class SpottingChannel(enum.StrEnum):
    """How somebody was spotted (domain.md §2.10, canal_reperage)."""

    ALLER_VERS_RUE = "aller_vers_rue"
    PORTE_A_PORTE = "porte_a_porte"
    PIED_IMMEUBLE = "pied_immeuble"
    EVENEMENT_FORUM = "evenement_forum"
    PERMANENCE = "permanence"
    ADULTE_RELAIS = "adulte_relais"
    ASSOCIATION = "association"
    CENTRE_SOCIAL = "centre_social"
    BAILLEUR = "bailleur"
    ECOLE_COLLEGE = "ecole_college"
    FRANCE_TRAVAIL = "france_travail"
    MISSION_LOCALE = "mission_locale"
    CAP_EMPLOI = "cap_emploi"
    DEPARTEMENT_RSA = "departement_rsa"
    CCAS = "ccas"
    BOUCHE_A_OREILLE = "bouche_a_oreille"
    SPONTANE = "spontane"
    RESEAUX_SOCIAUX = "reseaux_sociaux"
    ELU = "elu"
    AUTRE = "autre"


SPOTTING_CHANNEL_LABELS: dict[SpottingChannel, str] = {
    SpottingChannel.ALLER_VERS_RUE: "Aller-vers dans la rue",
    SpottingChannel.PORTE_A_PORTE: "Porte-à-porte",
    SpottingChannel.PIED_IMMEUBLE: "Pied d’immeuble",
    SpottingChannel.EVENEMENT_FORUM: "Événement, forum",
    SpottingChannel.PERMANENCE: "Permanence",
    SpottingChannel.ADULTE_RELAIS: "Adulte-relais",
    SpottingChannel.ASSOCIATION: "Association",
    SpottingChannel.CENTRE_SOCIAL: "Centre social",
    SpottingChannel.BAILLEUR: "Bailleur",
    SpottingChannel.ECOLE_COLLEGE: "École, collège",
    SpottingChannel.FRANCE_TRAVAIL: "France Travail",
    SpottingChannel.MISSION_LOCALE: "Mission locale",
    SpottingChannel.CAP_EMPLOI: "Cap emploi",
    SpottingChannel.DEPARTEMENT_RSA: "Département (RSA)",
    SpottingChannel.CCAS: "CCAS",
    SpottingChannel.BOUCHE_A_OREILLE: "Bouche-à-oreille",
    SpottingChannel.SPONTANE: "Venue d’elle-même",
    SpottingChannel.RESEAUX_SOCIAUX: "Réseaux sociaux",
    SpottingChannel.ELU: "Élu",
    SpottingChannel.AUTRE: "Autre",
}


class AssignmentKind(enum.StrEnum):
    """Whether somebody is the référent or seconds them."""

    REFERENT = "referent"
    CO_REFERENT = "co_referent"


UNDO_LASTS = timedelta(minutes=15)


@dataclass(frozen=True)
class Move:
    """One event of one parcours, on a day, for a reason where one is needed."""

    event: Event
    on: date
    reason: str | None = None


def refusal(status: Status, move: Move, *, today: date, not_before: date) -> str | None:
    """Why a move is refused, in a whole sentence, or None. `not_before` is the day of the last move."""
    if (status, move.event) not in TRANSITIONS:
        return f"Un parcours « {STATUS_LABELS[Status(status)].lower()} » ne peut pas suivre cette étape."
    if move.on > today:
        return "Cette date est dans le futur : indiquez le jour où cela a eu lieu."
    if move.on < not_before:
        return "Cette date précède l’étape d’avant : vérifiez le jour."
    if move.event is Event.DECLINE and move.reason not in tuple(NonEntryReason):
        return "Indiquez pourquoi la personne n’entre pas en parcours."
    if move.event is Event.CLOSE and move.reason not in tuple(ExitReason):
        return "Indiquez comment le parcours se termine."
    return None
