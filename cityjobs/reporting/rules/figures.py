"""What is counted: the definition of each figure, and what it was measured to be."""

import enum
from dataclasses import dataclass

from cityjobs.parcours.rules.reasons import ExitReason

DEFINITIONS_VERSION = 2
"""To be raised whenever a definition below changes: a frozen report says under which one it was computed."""

DYNAMIC_EXITS = frozenset(
    {
        ExitReason.CDI,
        ExitReason.CDD_6M_PLUS,
        ExitReason.INTERIM_6M_PLUS,
        ExitReason.FONCTION_PUBLIQUE,
        ExitReason.CREATION_ENTREPRISE,
        ExitReason.CDD_MOINS_6M,
        ExitReason.INTERIM_MOINS_6M,
        ExitReason.CONTRAT_AIDE_HORS_IAE,
        ExitReason.FORMATION_QUALIFIANTE,
        ExitReason.FORMATION_PREQUALIFIANTE,
        ExitReason.EMBAUCHE_SIAE,
        ExitReason.ALTERNANCE,
        ExitReason.SERVICE_CIVIQUE,
        ExitReason.ENTREE_DROIT_COMMUN,
    }
)
"""Lasting job, job of transition, or positive exit (domain.md §2.14), for exits recorded before rulesets read them."""

NEUTRAL_EXITS = frozenset({ExitReason.DEMENAGEMENT, ExitReason.INDEPENDANTE})
"""Exits that say nothing of the accompaniment: left out of the rate (domain.md §2.14)."""

YOUNG_BEFORE = 26
"""Years of age at entry (domain.md §1.5, ind_jeunes)."""


class Kind(enum.StrEnum):
    """How a figure is obtained from its rows."""

    COUNT = "count"
    SHARE = "share"
    MEDIAN = "median"


class Rows(enum.StrEnum):
    """What one row behind a figure is."""

    PERSONS = "persons"
    PARCOURS = "parcours"
    EXCHANGES = "exchanges"


ROWS_LABELS: dict[Rows, str] = {
    Rows.PERSONS: "personnes",
    Rows.PARCOURS: "parcours",
    Rows.EXCHANGES: "échanges",
}


@dataclass(frozen=True)
class Figure:
    """One figure: its definition is what the page, the report and the rows go by.

    `within` is the larger figure it is a part of; `better` is 1 when more is good news, -1 when less is.
    """

    code: str
    label: str
    how: str
    source: str
    kind: Kind = Kind.COUNT
    rows: Rows = Rows.PARCOURS
    unit: str = ""
    within: str | None = None
    better: int = 0


def in_number(plural: str, value: float) -> str:
    """A word as it goes with a number: « 1,5 jour », « 2 jours »; French counts several from two on."""
    return plural if abs(value) >= 2 else plural.removesuffix("s")


_SHARE = "Les personnes dont la réponse n’est pas connue ne sont comptées ni d’un côté ni de l’autre."

FIGURES: dict[str, Figure] = {
    figure.code: figure
    for figure in (
        Figure(
            "ind_reperees",
            "Personnes repérées",
            "Personnes différentes dont le repérage, tel qu’il a ouvert un parcours, est daté de la période.",
            "Date de repérage",
            rows=Rows.PERSONS,
            better=1,
        ),
        Figure(
            "ind_rencontrees",
            "Personnes rencontrées",
            "Personnes différentes avec qui un échange a eu lieu de vive voix dans la période (rendez-vous, visite, "
            "domicile, extérieur, groupe, visio), ou dont la première rencontre est datée de la période. "
            "Un appel ou un message ne suffit pas.",
            "Échanges et date de première rencontre",
            rows=Rows.PERSONS,
            better=1,
        ),
        Figure(
            "ind_premieres_rencontres",
            "Rencontrées pour la première fois",
            "Personnes différentes dont la première rencontre est datée de la période.",
            "Date de première rencontre",
            rows=Rows.PERSONS,
            within="ind_rencontrees",
            better=1,
        ),
        Figure(
            "ind_accompagnees",
            "Personnes accompagnées",
            "Personnes différentes dont le parcours, entré, a été en cours au moins un jour de la période.",
            "Dates d’entrée et de sortie",
            rows=Rows.PERSONS,
            better=1,
        ),
        Figure(
            "ind_entrees",
            "Entrées en parcours",
            "Parcours dont l’entrée est datée de la période.",
            "Date d’entrée",
            within="ind_accompagnees",
            better=1,
        ),
        Figure(
            "ind_sorties",
            "Sorties",
            "Parcours entrés dont la sortie, quelle qu’elle soit, est datée de la période.",
            "Date de sortie",
            within="ind_accompagnees",
        ),
        Figure(
            "ind_sorties_dynamiques",
            "Sorties dynamiques",
            "Part des sorties de la période vers un emploi durable ou de transition, une formation, une structure "
            "d’insertion ou un autre accompagnement. Les déménagements et les raisons indépendantes de "
            "l’accompagnement ne sont pas comptés. La catégorie est celle donnée à la sortie par la lecture de la Cité.",
            "Catégorie de sortie, ou motif pour les sorties plus anciennes",
            Kind.SHARE,
            within="ind_sorties",
            better=1,
        ),
        Figure(
            "ind_file_active",
            "File active",
            "Parcours entrés, ni sortis ni suspendus, et confiés à un référent ou à une organisation au soir du dernier jour "
            "de la période. Le suivi dans l’emploi en fait partie.",
            "Dates du parcours, suspensions et attributions",
        ),
        Figure(
            "ind_attente",
            "En attente d’un référent",
            "Parcours ouverts que personne ne suit au soir du dernier jour de la période.",
            "Dates du parcours et attributions",
            better=-1,
        ),
        Figure(
            "ind_silencieux",
            "Sans contact",
            "Parcours de la file active dont la personne n’a pas été jointe depuis le nombre de jours fixé par la Cité, "
            "au soir du dernier jour de la période. Sans aucun échange, on compte depuis l’attribution.",
            "Échanges où la personne a été jointe",
            within="ind_file_active",
            better=-1,
        ),
        Figure(
            "ind_echanges",
            "Échanges",
            "Échanges de la période où la personne, ou un tiers pour elle, a été joint. "
            "Les essais sans réponse ne comptent pas.",
            "Échanges notés",
            rows=Rows.EXCHANGES,
            better=1,
        ),
        Figure(
            "ind_qpv",
            "Habitent en QPV à l’entrée",
            f"Part des personnes accompagnées dont l’adresse, le jour de leur entrée, était en QPV. {_SHARE}",
            "Situation figée à l’entrée",
            Kind.SHARE,
            Rows.PERSONS,
            within="ind_accompagnees",
        ),
        Figure(
            "ind_femmes",
            "Femmes",
            f"Part des femmes parmi les personnes accompagnées, selon la situation du jour de leur entrée. {_SHARE}",
            "Situation figée à l’entrée",
            Kind.SHARE,
            Rows.PERSONS,
            within="ind_accompagnees",
        ),
        Figure(
            "ind_jeunes",
            "Moins de 26 ans à l’entrée",
            f"Part des personnes accompagnées qui n’avaient pas 26 ans le jour de leur entrée. {_SHARE}",
            "Situation figée à l’entrée",
            Kind.SHARE,
            Rows.PERSONS,
            within="ind_accompagnees",
        ),
        Figure(
            "ind_delai_1er_rdv",
            "Du repérage à la rencontre",
            "Durée médiane entre le repérage et la première rencontre, pour les premières rencontres de la période\u00a0: "
            "la moitié des personnes a attendu moins, la moitié davantage.",
            "Dates de repérage et de première rencontre",
            Kind.MEDIAN,
            unit="jours",
            better=-1,
        ),
        Figure(
            "ind_delai_diag",
            "De la rencontre au diagnostic",
            "Durée médiane entre la première rencontre et le diagnostic, pour les diagnostics de la période.",
            "Dates de première rencontre et de diagnostic",
            Kind.MEDIAN,
            unit="jours",
            better=-1,
        ),
        Figure(
            "ind_duree_parcours",
            "Durée des parcours terminés",
            "Durée médiane entre l’entrée et la sortie, pour les sorties de la période.",
            "Dates d’entrée et de sortie",
            Kind.MEDIAN,
            unit="jours",
        ),
    )
}


@dataclass(frozen=True)
class Measure:
    """One figure measured: how many rows are behind it, out of how many, and the median in days where it is one."""

    rows: int = 0
    known: int = 0
    median: float | None = None

    def value(self, kind: Kind) -> float | None:
        """What is shown: a number, a share between 0 and 1, or days; None when there is nothing to measure."""
        if kind is Kind.COUNT:
            return self.rows
        if kind is Kind.MEDIAN:
            return self.median
        return self.rows / self.known if self.known else None


class Trend(enum.StrEnum):
    """Whether a change is good news."""

    GOOD = "done"
    BAD = "due"
    PLAIN = ""


def trend(figure: Figure, now: float | None, before: float | None) -> Trend:
    """How a change from before to now should look."""
    if now is None or before is None or now == before or not figure.better:
        return Trend.PLAIN
    return Trend.GOOD if (now > before) == (figure.better > 0) else Trend.BAD
