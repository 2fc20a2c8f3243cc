"""Which lists there are, which of them a Cité may complete, and how a local code is made."""

import enum
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from cityjobs.core.wording import ADMITTED, fold, says_the_same


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
    SUJET_SENSIBLE = "sujet_sensible"
    MOT_SENSIBLE = "mot_sensible"


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
    ListName.SUJET_SENSIBLE: "Sujets des mots sensibles",
    ListName.MOT_SENSIBLE: "Mots sensibles",
}

COMPLETED_BY_CITES: dict[ListName, ListName | tuple[ListName, ...] | None] = {
    ListName.SITUATION: ListName.FREIN,
    ListName.OBJECTIF: (ListName.FREIN, ListName.BESOIN_PROFESSIONNEL),
    ListName.TYPE_ETAPE: ListName.PHASE_ETAPE,
    ListName.MOTIF_ABANDON: None,
    ListName.MOTIF_SUSPENSION: None,
    ListName.SECTEUR: None,
    ListName.MOT_SENSIBLE: ListName.SUJET_SENSIBLE,
}
"""Lists to which a coordinator may add, and the list that each addition must belong to; figures stand on the others."""

OUTSIDE_LABELS = {
    "ft": "France Travail",
    "di": "data·inclusion",
    "emplois": "Les emplois de l’inclusion",
    "iae": "Critère IAE",
    "asp": "ASP",
    "cite": "CITE",
}
"""Houses whose codes a line may bear, in `outside_codes`."""

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


CLOSED_PARENTS = frozenset({"sante"})
"""What no Cité completes: a word of its own under health would soon say what somebody suffers from (domain.md §3.2)."""


@dataclass(frozen=True)
class Item:
    """One line of a list, as pages and forms use it."""

    list: ListName
    code: str
    label: str
    parent: str | None = None
    is_sensitive: bool = False
    is_active: bool = True
    is_local: bool = False


def parents_of(list_name: ListName) -> tuple[ListName, ...]:
    """The lists that an addition to this one must belong to, if any."""
    above = COMPLETED_BY_CITES.get(list_name)
    return above if isinstance(above, tuple) else (above,) if above else ()


def _folded(label: str) -> str:
    return " ".join("".join(sign if sign.isalnum() else " " for sign in fold(label)).split())


def addition_refusal(label: str, parent: str | None, present: Sequence[Item]) -> str | None:
    """Why a line cannot be added beside those of its list, in a whole sentence, or None."""
    if parent in CLOSED_PARENTS:
        return "La santé ne se complète pas\u00a0: seules les difficultés déclarées de la liste nationale y figurent."
    if not _folded(label):
        return "Écrivez au moins un mot\u00a0: ce texte n’a ni lettre ni chiffre."
    alike = [each for each in present if each.parent == parent and _folded(each.label) == _folded(label)]
    if any(each.is_active for each in alike):
        return "Cette réponse est déjà dans la liste."
    if parent == ADMITTED and any(_is_watched(each) and says_the_same(label, each.label) for each in present):
        return (
            "Ce mot est dans la liste nationale des mots sensibles\u00a0: il ne peut pas être admis tel quel. "
            "Écrivez l’expression entière."
        )
    if alike and alike[0].is_local:
        return "Cette réponse a été mise de côté\u00a0: reprenez-la plutôt que d’en écrire une autre."
    return "Cette réponse n’est plus proposée par la liste nationale." if alike else None


def _is_watched(item: Item) -> bool:
    """Whether a line is a sensitive word of the nation."""
    return not item.is_local and item.list == ListName.MOT_SENSIBLE and item.parent != ADMITTED


_SMALL_WORDS = frozenset(
    ["a", "au", "aux", "d", "de", "des", "du", "en", "et", "l", "la", "le", "les", "un", "une"]
)
LEAST_SOUGHT = 2
"""Letters without which the name of an occupation is not sought."""


def words_sought(text: str) -> str:
    """What distinguishes the name of an occupation: « Agent d’entretien » → « agent entretien », 60 signs at most."""
    words = re.sub(r"['’]", " ", text[:200]).split()
    kept = " ".join(word for word in words if _folded(word) not in _SMALL_WORDS)
    return kept[:60] if len(_folded(kept)) >= LEAST_SOUGHT else ""
