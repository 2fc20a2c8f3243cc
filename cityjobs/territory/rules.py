"""What a place is: kinds of organisation, whose name may be shown, and the answers about a QPV."""

import enum
import uuid
from dataclasses import dataclass

from cityjobs.core.permissions import Role


class OrganisationFamily(enum.StrEnum):
    """The four families of the collective."""

    COLLECTIVITE = "collectivite"
    SERVICE_PUBLIC_EMPLOI = "service_public_emploi"
    ASSOCIATION = "association"
    ENTREPRISE = "entreprise"


FAMILY_LABELS: dict[OrganisationFamily, str] = {
    OrganisationFamily.COLLECTIVITE: "Collectivité",
    OrganisationFamily.SERVICE_PUBLIC_EMPLOI: "Service public de l’emploi",
    OrganisationFamily.ASSOCIATION: "Association",
    OrganisationFamily.ENTREPRISE: "Entreprise",
}


class QpvGeneration(enum.IntEnum):
    """Which national list a QPV belongs to (domain.md §2.9)."""

    Y2015 = 2015
    Y2024 = 2024


class QpvAnswer(enum.StrEnum):
    """Whether an address lies in a QPV: three answers, never two (near a boundary, it must be checked)."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    TO_CHECK = "to_check"
    UNKNOWN = "unknown"


QPV_ANSWER_LABELS: dict[QpvAnswer, str] = {
    QpvAnswer.INSIDE: "En QPV",
    QpvAnswer.OUTSIDE: "Hors QPV",
    QpvAnswer.TO_CHECK: "À vérifier",
    QpvAnswer.UNKNOWN: "Non renseigné",
}


class QpvSource(enum.StrEnum):
    """How the answer was found (domain.md §2.9)."""

    GEOCODE = "geocode"
    DECLARE = "declare"
    SIG_VILLE = "sig_ville"
    IMPORT = "import"


QPV_SOURCE_LABELS: dict[QpvSource, str] = {
    QpvSource.GEOCODE: "position calculée",
    QpvSource.DECLARE: "déclaré par la personne",
    QpvSource.SIG_VILLE: "vérifié sur SIG Ville",
    QpvSource.IMPORT: "repris d’un fichier",
}


@dataclass(frozen=True)
class QpvFinding:
    """What is known of a position: the QPV it is in, or the nearest one when it is to be checked.

    `distance` is in metres, to the nearest boundary; None when no contour is near.
    """

    answer: QpvAnswer
    generation: QpvGeneration
    qpv_id: uuid.UUID | None = None
    code: str | None = None
    name: str | None = None
    distance: float | None = None


@dataclass(frozen=True)
class OrganisationKind:
    """A finer kind of organisation (domain.md §2.10); being known there may say something of somebody's health or past."""

    code: str
    label: str
    is_sensitive: bool = False


ORGANISATION_KINDS: dict[OrganisationFamily, tuple[OrganisationKind, ...]] = {
    OrganisationFamily.COLLECTIVITE: (
        OrganisationKind("COMMUNE", "Commune"),
        OrganisationKind("EPCI", "Intercommunalité"),
        OrganisationKind("DEPT", "Département"),
        OrganisationKind("ODC", "Organisme délégué par le Département"),
        OrganisationKind("CCAS", "CCAS ou CIAS"),
        OrganisationKind("ASE", "Aide sociale à l’enfance", True),
        OrganisationKind("PJJ", "Protection judiciaire de la jeunesse", True),
        OrganisationKind("SPIP", "Service pénitentiaire d’insertion et de probation", True),
        OrganisationKind("PENSION", "Pension de famille, résidence accueil", True),
        OrganisationKind("SANTE_PMI", "Santé, PMI"),
        OrganisationKind("FRANCE_SERVICES", "France services"),
        OrganisationKind("ETABL_SCOLAIRE", "Établissement scolaire"),
        OrganisationKind("CRECHE_AVIP", "Crèche, dont crèche à vocation d’insertion"),
        OrganisationKind("ETAT", "Service de l’État"),
        OrganisationKind("Autre", "Autre collectivité ou service public"),
    ),
    OrganisationFamily.SERVICE_PUBLIC_EMPLOI: (
        OrganisationKind("FT", "France Travail"),
        OrganisationKind("ML", "Mission locale"),
        OrganisationKind("CAP_EMPLOI", "Cap emploi"),
        OrganisationKind("APEC", "APEC"),
        OrganisationKind("PLIE", "PLIE"),
        OrganisationKind("MDE", "Maison de l’emploi"),
        OrganisationKind("CAF", "CAF"),
        OrganisationKind("MSA", "MSA"),
        OrganisationKind("AFPA", "AFPA"),
        OrganisationKind("E2C", "École de la deuxième chance"),
        OrganisationKind("EPIDE", "EPIDE"),
        OrganisationKind("CIDFF", "CIDFF"),
        OrganisationKind("PIJ_BIJ", "Point ou bureau information jeunesse"),
        OrganisationKind("Orienteur", "Autre orienteur"),
    ),
    OrganisationFamily.ASSOCIATION: (
        OrganisationKind("ASSO_PROXIMITE", "Association de proximité"),
        OrganisationKind("CENTRE_SOCIAL", "Centre social"),
        OrganisationKind("REGIE_QUARTIER", "Régie de quartier"),
        OrganisationKind("ADULTE_RELAIS", "Adultes-relais, médiation"),
        OrganisationKind("BAILLEUR", "Bailleur social"),
        OrganisationKind("OF", "Organisme de formation"),
        OrganisationKind("MOBILITE", "Aide à la mobilité"),
        OrganisationKind("BGE_ADIE", "Aide à la création d’entreprise"),
        OrganisationKind("PREVENTION", "Prévention spécialisée", True),
        OrganisationKind("CAARUD", "CAARUD", True),
        OrganisationKind("CSAPA", "CSAPA", True),
        OrganisationKind("CHRS", "CHRS"),
        OrganisationKind("CHU", "Centre d’hébergement d’urgence"),
        OrganisationKind("CPH", "Centre provisoire d’hébergement"),
        OrganisationKind("CADA", "CADA"),
        OrganisationKind("HUDA", "HUDA"),
        OrganisationKind("OIL", "Intermédiation locative"),
        OrganisationKind("RS_FJT", "Résidence sociale, foyer de jeunes travailleurs"),
        OrganisationKind("CAVA", "Centre d’adaptation à la vie active"),
        OrganisationKind("OACAS", "Organisme d’accueil communautaire"),
        OrganisationKind("OHPD", "Organisme habilité pour personnes en difficulté"),
        OrganisationKind("AUTRE_ASSOCIATION", "Autre association"),
    ),
    OrganisationFamily.ENTREPRISE: (
        OrganisationKind("ENTREPRISE", "Entreprise"),
        OrganisationKind("ETTI_INTERIM", "Agence d’intérim"),
        OrganisationKind("SIAE", "Structure d’insertion par l’activité"),
        OrganisationKind("ACI", "Atelier et chantier d’insertion"),
        OrganisationKind("AI", "Association intermédiaire"),
        OrganisationKind("EI", "Entreprise d’insertion"),
        OrganisationKind("ETTI", "Entreprise de travail temporaire d’insertion"),
        OrganisationKind("EITI", "Entreprise d’insertion par le travail indépendant"),
        OrganisationKind("GEIQ", "GEIQ"),
        OrganisationKind("EA", "Entreprise adaptée"),
        OrganisationKind("EATT", "Entreprise adaptée de travail temporaire"),
        OrganisationKind("EA_ESAT", "ESAT"),
        OrganisationKind("OPCS", "Facilitateur de la clause sociale"),
        OrganisationKind("CONSULAIRE", "Chambre consulaire"),
        OrganisationKind("AUTRE_ENTREPRISE", "Autre employeur"),
    ),
}
KIND_LABELS: dict[str, str] = {
    kind.code: kind.label for kinds in ORGANISATION_KINDS.values() for kind in kinds
}
SENSITIVE_KINDS = frozenset(
    kind.code for kinds in ORGANISATION_KINDS.values() for kind in kinds if kind.is_sensitive
)
"""Kinds that France Travail must not receive as such (domain.md §2.10): sensitive unless somebody says otherwise."""

OTHER_PARTNER = "Autre partenaire"
SEES_SENSITIVE = frozenset({Role.COORDINATOR, Role.ADMINISTRATOR})


def family_of(kind: str) -> OrganisationFamily | None:
    """The family that a finer kind belongs to; None for a kind that is not in the list."""
    return next(
        (family for family, kinds in ORGANISATION_KINDS.items() if kind in {each.code for each in kinds}),
        None,
    )


def shown_name(name: str | None, is_sensitive: bool, role: Role | str | None) -> str | None:
    """The name of an organisation as a role may read it: « Autre partenaire » for a sensitive one."""
    if name is None or not is_sensitive or role in SEES_SENSITIVE:
        return name
    return OTHER_PARTNER


def is_insee_code(code: str) -> bool:
    """Whether a text has the shape of a commune's INSEE code: 59512, 2A004."""
    return (
        len(code) == 5
        and code[0].isdecimal()
        and code[1] in "0123456789AB"
        and code[2:].isdecimal()
        and code.isascii()
    )


@dataclass(frozen=True)
class CiteSettings:
    """What an administrator decides for a Cité: delays in days, capacity in persons per référent."""

    programme_name: str
    chef_de_file_id: uuid.UUID | None
    contrat_de_ville: bool
    npnru: bool
    qrr: bool
    equip_emploi: bool
    uses_commission: bool
    silence_days: int
    escalation_days: int
    referent_capacity: int


@dataclass(frozen=True)
class Sharing:
    """In how many other Cités an organisation works, and whether this one keeps what it is; else who does, if known."""

    others: int
    is_keeper: bool
    kept_by: str | None = None

    @property
    def may_change(self) -> bool:
        """Whether it may be changed from here: what others read, and call, is changed by its keeper alone."""
        return self.is_keeper or not self.others


@dataclass(frozen=True)
class OrganisationFacts:
    """What the directory holds of an organisation; the phone is in E.164."""

    name: str
    family: OrganisationFamily
    kind: str
    is_sensitive: bool
    phone: str | None
    email: str | None
