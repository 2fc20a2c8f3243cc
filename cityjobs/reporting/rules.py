"""What each figure means, over which days, and which figures may leave the Cité."""

import enum
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from cityjobs.parcours.rules import ExitReason

DEFINITIONS_VERSION = 1
"""To be raised whenever a definition below changes: a frozen report says under which one it was computed."""

SMALLEST_PUBLISHED = 6
"""Cells of 5 and less are hidden in whatever leaves the Cité (domain.md §1.5)."""

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
"""Lasting job, job of transition, or positive exit (domain.md §2.14)."""

NEUTRAL_EXITS = frozenset({ExitReason.DEMENAGEMENT, ExitReason.INDEPENDANTE})
"""Exits that say nothing of the accompaniment: left out of the rate (domain.md §2.14)."""

YOUNG_BEFORE = 26
"""Years of age at entry (domain.md §1.5, ind_jeunes)."""


class ReportState(enum.StrEnum):
    """Where a report stands."""

    REQUESTED = "requested"
    COMPUTING = "computing"
    READY = "ready"
    FAILED = "failed"


REPORT_STATE_LABELS: dict[ReportState, str] = {
    ReportState.REQUESTED: "Demandé",
    ReportState.COMPUTING: "En cours de calcul",
    ReportState.READY: "Prêt",
    ReportState.FAILED: "Interrompu",
}
MOST_ATTEMPTS = 3


def monthly_occasion(month: date) -> str:
    """What makes the report of a month unique in its Cité."""
    return f"monthly:{month:%Y-%m}"


def is_monthly(occasion: str) -> bool:
    """Whether a report was owed, rather than asked for."""
    return occasion.startswith("monthly:")


# What is counted


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
            "l’accompagnement ne sont pas comptés.",
            "Motif de sortie",
            Kind.SHARE,
            within="ind_sorties",
            better=1,
        ),
        Figure(
            "ind_file_active",
            "File active",
            "Parcours ouverts et confiés à un référent ou à une organisation au soir du dernier jour de la période.",
            "Dates du parcours et attributions",
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


# Over which days


@dataclass(frozen=True)
class Period:
    """Days from `start` to `end`, both included."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """How many days; at least one."""
        return (self.end - self.start).days + 1

    @property
    def months(self) -> int:
        """How many calendar months exactly, or 0 when it does not begin and end with one."""
        if self.start.day != 1 or (self.end + timedelta(days=1)).day != 1:
            return 0
        return (self.end.year - self.start.year) * 12 + self.end.month - self.start.month + 1

    def until(self, day: date) -> "Period":
        """The same, ending on a day at the latest (but never before it starts)."""
        return Period(self.start, max(self.start, min(self.end, day)))


def months_later(day: date, months: int) -> date:
    """The first day of the month that many months later, or earlier when negative."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def month_of(day: date) -> Period:
    """The calendar month of a day."""
    return Period(day.replace(day=1), months_later(day, 1) - timedelta(days=1))


def period_before(period: Period) -> Period:
    """The equal period just before: as many whole months where it is whole months, else as many days."""
    end = period.start - timedelta(days=1)
    if period.months:
        return Period(months_later(period.start, -period.months), end)
    return Period(end - timedelta(days=period.days - 1), end)


class Span(enum.StrEnum):
    """The periods offered."""

    MONTH = "mois"
    LAST_MONTH = "mois-dernier"
    QUARTER = "3-mois"
    YEAR = "annee"
    PROGRAMME = "programme"
    FREE = "libre"


SPAN_LABELS: dict[Span, str] = {
    Span.MONTH: "Ce mois",
    Span.LAST_MONTH: "Mois dernier",
    Span.QUARTER: "3 mois",
    Span.YEAR: "Cette année",
    Span.PROGRAMME: "Tout le programme",
    Span.FREE: "Du … au …",
}
DEFAULT_SPAN = Span.QUARTER


@dataclass(frozen=True)
class Asked:
    """The period that somebody asked to see; `refusal` says why it is not the one they named."""

    span: Span
    period: Period
    refusal: str | None = None


PUBLISHED_SPANS = (Span.LAST_MONTH, Span.QUARTER, Span.YEAR, Span.PROGRAMME)
"""For who is outside the Cité: whole months that are over, so that two periods never differ by a day or a person."""


def period_of(span: Span, today: date, programme: Period, free: Period | None = None) -> Period:
    """The days of a span, seen from today; a free one is what was asked, else the default."""
    first = today.replace(day=1)
    if span is Span.FREE and free is not None:
        return free
    if span is Span.MONTH:
        return Period(first, today)
    if span is Span.LAST_MONTH:
        return month_of(first - timedelta(days=1))
    if span is Span.YEAR:
        return Period(date(today.year, 1, 1), today)
    if span is Span.PROGRAMME:
        return programme.until(today)
    return Period(months_later(first, -2), today)


def published_period_of(span: Span, today: date, programme: Period) -> Period:
    """The days of a span in whole months that are over."""
    over = today.replace(day=1) - timedelta(days=1)
    if span is Span.YEAR:
        return Period(date(over.year, 1, 1), over)
    if span is Span.PROGRAMME:
        return Period(min(programme.start, over.replace(day=1)), over)
    return Period(months_later(over, 0 if span is Span.LAST_MONTH else -2), over)


@dataclass(frozen=True)
class Slice:
    """A part of a period, under a short name and a whole one; `unit` is what it is: a week, a month, a year."""

    label: str
    name: str
    unit: str
    period: Period


MOST_WEEKS = 15
MOST_MONTHS = 18
MONTHS = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")


def slices_of(period: Period, *, weekly: bool = False, monthly: bool = False) -> list[Slice]:
    """A period cut into weeks, or months, or years when it is long; together they are exactly the period.

    `weekly` cuts into weeks however long it is, `monthly` never into weeks.
    """
    slices: list[Slice] = []
    start = period.start
    weeks = math.ceil((period.days + period.start.weekday()) / 7)
    months = (period.end.year - period.start.year) * 12 + period.end.month - period.start.month + 1
    while start <= period.end:
        if weekly or (weeks <= MOST_WEEKS and not monthly):
            number = start.isocalendar()
            end, label = start + timedelta(days=6 - start.weekday()), f"S{number.week}"
            unit, name = "semaine", f"semaine {number.week} de {number.year}"
        elif months <= MOST_MONTHS:
            end, label = month_of(start).end, MONTHS[start.month - 1]
            unit, name = "mois", f"{label} {start.year}"
        else:
            end, label = date(start.year, 12, 31), str(start.year)
            unit, name = "année", f"année {start.year}"
        slices.append(Slice(label, name, unit, Period(start, min(end, period.end))))
        start = end + timedelta(days=1)
    return slices


# What may leave the Cité


@dataclass(frozen=True)
class Sum:
    """A published total and its parts; `rest` is a part that is never shown, None when there is none."""

    total: str
    parts: tuple[str, ...]
    rest: int | None = None


def is_small(count: int) -> bool:
    """Whether a count could point to somebody."""
    return count < SMALLEST_PUBLISHED


def cells_to_hide(cells: Mapping[str, int], sums: Iterable[Sum]) -> frozenset[str]:
    """Which counts must not be published: the small ones, and as many others as it takes to keep them unfindable.

    Afterwards each small count, even by who subtracts what is published in any of these sums and knows this rule,
    could be anything from 0 to 5. The smallest other cell is hidden first, a total last.
    """
    sums = tuple(sums)
    hidden = {name for name, count in cells.items() if is_small(count)}
    while True:
        sacrificed = next((cell for each in sums if (cell := _next_to_hide(cells, each, hidden))), None)
        if sacrificed is None:
            return frozenset(hidden)
        hidden.add(sacrificed)


def _next_to_hide(cells: Mapping[str, int], each: Sum, hidden: set[str]) -> str | None:
    unknown = [cells[part] for part in each.parts if part in hidden]
    shown = [part for part in each.parts if part not in hidden]
    if each.total in hidden:
        exposed = bool(shown) and not unknown and each.rest is None
    else:
        exposed = _is_exposed(cells[each.total] - sum(cells[part] for part in shown), unknown, each.rest)
    if not exposed:
        return None
    if shown:
        return min(shown, key=lambda part: (cells[part], part))
    return None if each.total in hidden else each.total


def _is_exposed(remainder: int, unknown: list[int], rest: int | None) -> bool:
    """Whether a small count among those that add up to a known remainder could not be anything from 0 to 5.

    The worst reader is assumed: one who knows which hidden counts are small and which only cover for them.
    """
    most = SMALLEST_PUBLISHED - 1
    small = sum(is_small(count) for count in unknown)
    covers = len(unknown) - small
    too_high = remainder - covers * SMALLEST_PUBLISHED < most
    if small and (too_high or (not covers and rest is None and remainder > most * (small - 1))):
        return True
    return rest is not None and is_small(rest) and (too_high or (not covers and remainder > most * small))


def hides_share(measure: Measure) -> bool:
    """Whether a share would tell of 5 persons or less, on either side."""
    return is_small(measure.rows) or is_small(measure.known - measure.rows)


@dataclass(frozen=True)
class Breakdown:
    """A figure cut into named parts, in the order in which they are shown; `name` is what the parts are."""

    name: str
    total: str
    parts: Mapping[str, int]


def hidden_cells(measures: Mapping[str, Measure], breakdowns: Iterable[Breakdown]) -> frozenset[str]:
    """Codes of figures, and `name/part` of breakdowns, that must not leave the Cité."""
    counts = {code: measures[code].rows for code, figure in FIGURES.items() if figure.kind is Kind.COUNT}
    sums = [
        Sum(figure.within, (code,), max(0, counts[figure.within] - counts[code]))
        for code, figure in FIGURES.items()
        if figure.kind is Kind.COUNT and figure.within
    ]
    for breakdown in breakdowns:
        counts |= {f"{breakdown.name}/{part}": count for part, count in breakdown.parts.items()}
        sums.append(Sum(breakdown.total, tuple(f"{breakdown.name}/{part}" for part in breakdown.parts)))
    hidden = set(cells_to_hide(counts, sums))
    for code, figure in FIGURES.items():
        shares = figure.kind is Kind.SHARE and (hides_share(measures[code]) or figure.within in hidden)
        if shares or (figure.kind is Kind.MEDIAN and is_small(measures[code].rows)):
            hidden.add(code)
    return frozenset(hidden)
