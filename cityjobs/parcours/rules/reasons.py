"""How somebody was spotted, why they did not enter, how an accompaniment ended: closed lists."""

import enum


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
    REPRISE_ETUDES = "reprise_etudes"
    SERVICE_CIVIQUE = "service_civique"
    ENTREE_DROIT_COMMUN = "entree_droit_commun"
    SANS_SUITE_CHOMAGE = "sans_suite_chomage"
    INACTIVITE = "inactivite"
    ABANDON = "abandon"
    PERDU_DE_VUE = "perdu_de_vue"
    REFUS_PERSONNE = "refus_personne"
    NON_ADHESION = "non_adhesion"
    EXCLUSION = "exclusion"
    RELAIS_SOCIAL = "relais_social"
    DEMENAGEMENT = "demenagement"
    CONGE_MATERNITE_PARENTAL = "conge_maternite_parental"
    RETRAITE = "retraite"
    DECES = "deces"
    INDEPENDANTE = "independante"
    ERREUR_DOUBLON = "erreur_doublon"


EXIT_REASON_LABELS: dict[ExitReason, str] = {
    ExitReason.CDI: "Emploi\u00a0: CDI",
    ExitReason.CDD_6M_PLUS: "Emploi\u00a0: CDD de 6 mois et plus",
    ExitReason.INTERIM_6M_PLUS: "Emploi\u00a0: intérim, 6 mois et plus",
    ExitReason.FONCTION_PUBLIQUE: "Emploi\u00a0: fonction publique",
    ExitReason.CREATION_ENTREPRISE: "Création d’entreprise",
    ExitReason.CDD_MOINS_6M: "Emploi\u00a0: CDD de moins de 6 mois",
    ExitReason.INTERIM_MOINS_6M: "Emploi\u00a0: intérim, moins de 6 mois",
    ExitReason.CONTRAT_AIDE_HORS_IAE: "Emploi\u00a0: contrat aidé",
    ExitReason.FORMATION_QUALIFIANTE: "Formation qualifiante",
    ExitReason.FORMATION_PREQUALIFIANTE: "Formation préqualifiante",
    ExitReason.EMBAUCHE_SIAE: "Embauche dans une structure d’insertion",
    ExitReason.ALTERNANCE: "Alternance",
    ExitReason.REPRISE_ETUDES: "Reprise d’études",
    ExitReason.SERVICE_CIVIQUE: "Service civique",
    ExitReason.ENTREE_DROIT_COMMUN: "Relais par un accompagnement de droit commun",
    ExitReason.SANS_SUITE_CHOMAGE: "Sans suite, en recherche d’emploi",
    ExitReason.INACTIVITE: "Ne cherche plus d’emploi",
    ExitReason.ABANDON: "Abandon",
    ExitReason.PERDU_DE_VUE: "Sans nouvelles",
    ExitReason.REFUS_PERSONNE: "À la demande de la personne",
    ExitReason.NON_ADHESION: "N’adhère pas à l’accompagnement",
    ExitReason.EXCLUSION: "Fin décidée par la Cité",
    ExitReason.RELAIS_SOCIAL: "Relais par un accompagnement social",
    ExitReason.DEMENAGEMENT: "Déménagement",
    ExitReason.CONGE_MATERNITE_PARENTAL: "Congé de maternité ou parental",
    ExitReason.RETRAITE: "Retraite",
    ExitReason.DECES: "Décès",
    ExitReason.INDEPENDANTE: "Raison indépendante de l’accompagnement",
    ExitReason.ERREUR_DOUBLON: "Erreur de saisie ou doublon",
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
