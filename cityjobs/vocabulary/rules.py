"""Which lists there are, which of them a Cité may complete, and how a local code is made."""

import enum
import unicodedata


class ListName(enum.StrEnum):
    """A list, as in the database and in the address of its page (domain.md §2)."""

    FREIN = "frein"
    SITUATION = "situation"
    OBJECTIF = "objectif"
    BESOIN_PROFESSIONNEL = "besoin_professionnel"
    PHASE_ETAPE = "phase_etape"
    TYPE_ETAPE = "type_etape"
    RESULTAT_ETAPE = "resultat_etape"
    MOTIF_ABANDON = "motif_abandon"
    MOTIF_SUSPENSION = "motif_suspension"
    TYPE_CONTRAT = "type_contrat"
    TEMPS_TRAVAIL = "temps_travail"
    FIN_EMPLOI = "fin_emploi"
    PREUVE_SORTIE = "preuve_sortie"
    SITUATION_FAMILIALE = "situation_familiale"
    LOGEMENT = "logement"
    MOBILITE = "mobilite"
    RESSOURCES = "ressources"
    SITUATION_PROFESSIONNELLE = "situation_professionnelle"
    INSCRIPTION_FT = "inscription_ft"
    DUREE_SANS_EMPLOI = "duree_sans_emploi"
    ORGANISME_REFERENT = "organisme_referent"
    NIVEAU_FORMATION = "niveau_formation"
    NIVEAU_FRANCAIS = "niveau_francais"
    AUTONOMIE_NUMERIQUE = "autonomie_numerique"
    CRITERE_IAE = "critere_iae"
    SECTEUR = "secteur"
    LIEN_PERSONNE = "lien_personne"


LIST_LABELS: dict[ListName, str] = {
    ListName.FREIN: "Freins",
    ListName.SITUATION: "Situations, par frein",
    ListName.OBJECTIF: "Objectifs, par frein ou besoin",
    ListName.BESOIN_PROFESSIONNEL: "Besoins professionnels",
    ListName.PHASE_ETAPE: "Phases du parcours",
    ListName.TYPE_ETAPE: "Types d’étapes",
    ListName.RESULTAT_ETAPE: "Résultats d’une étape",
    ListName.MOTIF_ABANDON: "Raisons d’abandon d’une étape",
    ListName.MOTIF_SUSPENSION: "Raisons de suspension",
    ListName.TYPE_CONTRAT: "Types de contrat",
    ListName.TEMPS_TRAVAIL: "Temps de travail",
    ListName.FIN_EMPLOI: "Fins d’emploi",
    ListName.PREUVE_SORTIE: "Justificatifs de sortie",
    ListName.SITUATION_FAMILIALE: "Situations familiales",
    ListName.LOGEMENT: "Logement",
    ListName.MOBILITE: "Mobilité",
    ListName.RESSOURCES: "Ressources",
    ListName.SITUATION_PROFESSIONNELLE: "Situations professionnelles",
    ListName.INSCRIPTION_FT: "Inscription à France Travail",
    ListName.DUREE_SANS_EMPLOI: "Durée sans emploi",
    ListName.ORGANISME_REFERENT: "Organismes référents",
    ListName.NIVEAU_FORMATION: "Niveaux de formation",
    ListName.NIVEAU_FRANCAIS: "Niveaux de français",
    ListName.AUTONOMIE_NUMERIQUE: "Autonomie numérique",
    ListName.CRITERE_IAE: "Critères de l’insertion par l’activité économique",
    ListName.SECTEUR: "Secteurs",
    ListName.LIEN_PERSONNE: "Liens entre personnes",
}

COMPLETED_BY_CITES: dict[ListName, ListName | tuple[ListName, ...] | None] = {
    ListName.SITUATION: ListName.FREIN,
    ListName.OBJECTIF: (ListName.FREIN, ListName.BESOIN_PROFESSIONNEL),
    ListName.TYPE_ETAPE: ListName.PHASE_ETAPE,
    ListName.MOTIF_ABANDON: None,
    ListName.MOTIF_SUSPENSION: None,
    ListName.SECTEUR: None,
}
"""Lists to which a coordinator may add, and the list that each addition must belong to; figures stand on the others."""

LONGEST_LABEL = 120


def local_code(label: str, taken: frozenset[str] = frozenset()) -> str:
    """The code of a local item, made once from its label: `loc_`, lower case, 60 signs at most, never one already taken."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    stem = "loc_" + ("_".join("".join(c if c.isalnum() else " " for c in plain).split()) or "item")[
        :50
    ].rstrip("_")
    code, number = stem, 2
    while code in taken:
        code, number = f"{stem}_{number}", number + 1
    return code
