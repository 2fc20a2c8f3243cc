"""What a place is: kinds of organisation, generations of QPV, inside or outside a contour."""

import enum


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
