"""What the pilotage page shows of a Cité: figures in words, compared, with links to their rows.

`published` is for who is outside the Cité: no rows, no comparison, and nothing that points to a few persons.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from cityjobs.core.web import NARROW, day_short, number, percent
from cityjobs.reporting.drawing import Frame, legible_labels, path_of, rings_of
from cityjobs.reporting.queries import (
    Figures,
    Load,
    Neighbourhood,
    Setting,
    exchanges_of,
    figures_of,
    loads_of,
    neighbourhoods_of,
)
from cityjobs.reporting.rules.figures import FIGURES, Figure, Kind, Measure, in_number, trend
from cityjobs.reporting.rules.periods import Period, Slice, period_before, slices_of
from cityjobs.reporting.rules.secrecy import Breakdown, hidden_cells

TILES = (
    "ind_file_active",
    "ind_entrees",
    "ind_sorties_dynamiques",
    "ind_echanges",
    "ind_qpv",
    "ind_femmes",
    "ind_jeunes",
    "ind_silencieux",
    "ind_delai_1er_rdv",
    "ind_delai_diag",
    "ind_duree_parcours",
)
FUNNEL = ("ind_reperees", "ind_rencontrees", "ind_accompagnees", "ind_sorties")
FUNNEL_LABELS = {
    "ind_reperees": "Repérées",
    "ind_rencontrees": "Rencontrées",
    "ind_accompagnees": "Accompagnées",
    "ind_sorties": "Sorties",
}
HIDDEN_NOTE = "non publié"
MINUS = "\u2212"


@dataclass(frozen=True)
class Board:
    """Everything about one Cité over one period and the equal one before."""

    setting: Setting
    period: Period
    before: Period
    now: Mapping[str, Measure]
    then: Mapping[str, Measure]
    waiting_since: date | None
    slices: Sequence[tuple[Slice, int]]
    loads: Sequence[Load]
    neighbourhoods: Sequence[Neighbourhood]
    hidden: frozenset[str]
    published: bool

    def measured(self, code: str) -> float | None:
        """The value of a figure, None when hidden or when there is nothing to measure."""
        return None if code in self.hidden else self.now[code].value(FIGURES[code].kind)

    def rows_href(self, code: str, **narrowed: object) -> str | None:
        """Where the rows behind a figure are, for who may open them."""
        days = {"du": self.period.start.isoformat(), "au": self.period.end.isoformat()}
        return (
            None if self.published else f"/pilotage/lignes?{urlencode({'figure': code, **days, **narrowed})}"
        )


def board_of(setting: Setting, period: Period, *, published: bool) -> Board:
    """Read a board, in four queries."""
    before = period_before(period)
    figures = figures_of(setting, {"now": period, "before": before})
    slices = slices_of(period, monthly=published)
    *counts, earlier = exchanges_of(setting, [*(each.period for each in slices), before])
    loads = loads_of(setting, period)
    neighbourhoods = neighbourhoods_of(setting, period)
    now = _with_exchanges(figures["now"], sum(counts))
    breakdowns = [
        Breakdown("slices", "ind_echanges", {str(n): count for n, count in enumerate(counts)}),
        Breakdown("loads", "ind_file_active", {str(n): each.followed for n, each in enumerate(loads)}),
        Breakdown("qpv", "ind_accompagnees", {str(n): each.persons for n, each in enumerate(neighbourhoods)}),
    ]
    return Board(
        setting, period, before, now, _with_exchanges(figures["before"], earlier), figures["now"].waiting_since,
        list(zip(slices, counts, strict=True)), loads, neighbourhoods,
        hidden_cells(now, breakdowns) if published else frozenset(), published,
    )  # fmt: skip


def _with_exchanges(figures: Figures, count: int) -> dict[str, Measure]:
    return {**figures.measures, "ind_echanges": Measure(count, count)}


# Figures in words


def said(figure: Figure, value: float | None) -> str:
    """A value without its unit: « 1 234 », « 54 % », « 9 »."""
    if value is None:
        return "–"
    return (
        percent(value) if figure.kind is Kind.SHARE else number(value, 1 if figure.kind is Kind.MEDIAN else 0)
    )


def change_in_words(figure: Figure, now: float | None, before: float | None) -> str | None:
    """« + 12 », « − 4 jours », « + 5 points », « stable »; None when there is nothing to compare."""
    if now is None or before is None:
        return None
    share = figure.kind is Kind.SHARE
    gap = round(now * 100) - round(before * 100) if share else round(now - before, 1)
    if not gap:
        return "stable"
    unit = in_number("points" if share else figure.unit, gap)
    size = number(abs(gap), 0 if share else 1)
    return f"{'+' if gap > 0 else MINUS}{NARROW}{size} {unit}".strip()


def tiles_of(board: Board) -> list[dict[str, Any]]:
    """The figures, each with its change, its definition and its rows."""
    return [_tile(board, FIGURES[code]) for code in TILES]


def _tile(board: Board, figure: Figure) -> dict[str, Any]:
    value = board.measured(figure.code)
    hidden = figure.code in board.hidden
    before = None if board.published else board.then[figure.code].value(figure.kind)
    change = change_in_words(figure, value, before)
    label = figure.label
    if figure.code == "ind_silencieux":
        label = f"Sans contact depuis {board.setting.silence_days} jours"
    return {
        "label": label,
        "value": said(figure, value),
        "unit": "" if value is None else in_number(figure.unit, value),
        "change": change,
        "change_kind": trend(figure, value, before).value,
        "change_note": HIDDEN_NOTE if hidden else _beside(figure, board.now[figure.code], change, before, board.published),
        "how": figure.how,
        "href": board.rows_href(figure.code) if board.now[figure.code].rows else None,
    }  # fmt: skip


def _beside(
    figure: Figure, measure: Measure, change: str | None, before: float | None, published: bool
) -> str:
    if published:
        return ""
    if figure.kind is Kind.SHARE and measure.known:
        return f"{number(measure.rows)} sur {number(measure.known)}"
    if change is None or change == "stable":
        return ""
    return f"contre {said(figure, before)}"


def funnel_of(board: Board) -> list[dict[str, Any]]:
    """The four steps; those that may not be published are left out."""
    notes = {
        "ind_rencontrees": ("ind_premieres_rencontres", "nouvelles"),
        "ind_accompagnees": ("ind_entrees", "entrées"),
        "ind_sorties": ("ind_sorties_dynamiques", "dynamiques"),
    }
    steps = []
    for code in FUNNEL:
        value = board.measured(code)
        if value is None:
            continue
        within, kind = notes.get(code, ("", ""))
        part = board.measured(within) if within else None
        note = f"dont {said(FIGURES[within], part)} {in_number(kind, part)}" if part is not None else ""
        steps.append(
            {
                "label": FUNNEL_LABELS[code],
                "value": int(value),
                "note": note,
                "href": board.rows_href(code) if value else None,
                "kind": "done" if code == "ind_sorties" else "",
            }
        )
    return steps


def unpublished_of(board: Board) -> list[str]:
    """Labels of the steps of the funnel that may not be published."""
    return [FUNNEL_LABELS[code] for code in FUNNEL if code in board.hidden]


# Charts


def exchanges_chart(board: Board) -> dict[str, Any]:
    """Exchanges slice by slice: bars, or only a table where some are not published."""
    unit = board.slices[0][0].unit
    rows: list[tuple[Any, ...]] = []
    for index, (part, count) in enumerate(board.slices):
        hidden = f"slices/{index}" in board.hidden
        href = (
            None
            if board.published or not count
            else f"/pilotage/lignes?{urlencode({'figure': 'ind_echanges', **_days(part.period)})}"
        )
        rows.append((part.label, HIDDEN_NOTE if hidden else count, href))
    counts = [count for _, count, _ in rows if isinstance(count, int)]
    about = (
        f"De {number(min(counts))} à {number(max(counts))} échanges par {unit}" if counts else "Non publié"
    )
    last = f", {number(counts[-1])} sur la dernière." if counts else "."
    return {
        "rows": rows,
        "table": [(part.name, row[1]) for (part, _), row in zip(board.slices, rows, strict=True)],
        "whole": len(counts) == len(rows),
        "description": about + last,
        "unit": unit.capitalize(),
    }


def _days(period: Period) -> dict[str, str]:
    return {"du": period.start.isoformat(), "au": period.end.isoformat()}


def loads_chart(board: Board) -> dict[str, Any]:
    """Each référent against capacity; files whose référent is to be named are counted apart."""
    bars, table, unnamed = [], [], 0
    for index, load in enumerate(board.loads):
        hidden = f"loads/{index}" in board.hidden
        shown = HIDDEN_NOTE if hidden else load.followed
        if load.referent_id is None:
            unnamed = 0 if hidden else load.followed
            continue
        table.append((load.name, shown, load.capacity, "" if board.published else load.silent))
        if not hidden:
            href = board.rows_href("ind_file_active", referent=load.referent_id) if load.followed else None
            silent = f"dont {number(load.silent)} sans contact" if load.silent and not board.published else ""
            note = " · ".join(filter(None, (load.organisation, silent)))
            bars.append(
                {
                    "label": load.name,
                    "load": load.followed,
                    "capacity": load.capacity,
                    "note": note,
                    "href": href,
                }
            )
    return {"bars": bars, "table": table, "unnamed": unnamed}


def map_of(board: Board) -> dict[str, Any]:
    """The QPV of the Cité as contours when they were imported; otherwise the Cités as points."""
    outlined = [
        (index, each, rings)
        for index, each in enumerate(board.neighbourhoods)
        if (rings := rings_of(each.contour))
    ]
    return _contours(board, outlined) if outlined else _points(board)


def _contours(board: Board, outlined: Sequence[tuple[int, Neighbourhood, Any]]) -> dict[str, Any]:
    frame = Frame(point for _, _, rings in outlined for ring in rings for point in ring)
    top = max([each.persons for index, each, _ in outlined if f"qpv/{index}" not in board.hidden] + [1])
    places = []
    for index, each, rings in outlined:
        hidden = f"qpv/{index}" in board.hidden
        level = 1 if hidden or not each.persons else max(2, math.ceil(each.persons / top * 5))
        place: dict[str, Any] = {"label": each.name, "path": path_of(rings, frame), "level": level}
        if not hidden:
            place["value"] = each.persons
            if each.persons:
                place["href"] = board.rows_href("ind_accompagnees", qpv=each.qpv_id)
        places.append(place)
    return {
        "title": "Personnes accompagnées par quartier",
        "description": "Carte schématique des quartiers prioritaires de la Cité, plus foncés quand plus de personnes "
        "accompagnées y habitaient à leur entrée.",
        "places": places,
        "columns": ("Quartier à l’entrée", "Personnes"),
        "quarters": _quarters(board),
    }  # fmt: skip


def _points(board: Board) -> dict[str, Any]:
    located = [
        each for each in board.setting.places if each.longitude is not None and each.latitude is not None
    ]
    places = []
    if located:
        frame = Frame((each.longitude, each.latitude) for each in located)
        spots = {each.id: (each.name, *frame.place((each.longitude, each.latitude))) for each in located}
        labelled = legible_labels(spots, first=board.setting.id)
        for each in located:
            x, y = frame.place((each.longitude, each.latitude))
            here = each.id == board.setting.id
            place: dict[str, Any] = {
                "label": each.name, "x": x, "y": y, "kind": "here" if here else "quiet",
                "radius": 9 if here else 5, "minor": not here,
                "unlabelled": each.id not in labelled,
            }  # fmt: skip
            accompanied = board.measured("ind_accompagnees")
            if here and accompanied is not None:
                place |= {"value": int(accompanied), "href": board.rows_href("ind_accompagnees")}
            places.append(place)
    return {
        "title": "Les Cités de l’emploi",
        "description": f"Carte schématique des Cités de la région\u00a0; {board.setting.name} est mise en avant.",
        "places": places,
        "columns": ("Cité", "Personnes accompagnées"),
        "quarters": _quarters(board),
    }


def _quarters(board: Board) -> list[dict[str, Any]]:
    """Persons accompanied by QPV at entry, as bars."""
    top = max([each.persons for each in board.neighbourhoods] + [1])
    rows = []
    for index, each in enumerate(board.neighbourhoods):
        hidden = f"qpv/{index}" in board.hidden
        named = each.qpv_id is not None and each.persons
        rows.append(
            {
                "label": each.name,
                "persons": HIDDEN_NOTE if hidden else number(each.persons),
                "share": 0 if hidden else each.persons / top,
                "href": board.rows_href("ind_accompagnees", qpv=each.qpv_id) if named else None,
            }
        )
    return rows


# What appeals for a decision


def decisions_of(board: Board, *, may_assign: bool) -> list[dict[str, Any]]:
    """What somebody must decide, the most pressing first, with a link for who may open it."""
    found: list[dict[str, Any]] = []
    waiting, silent = board.measured("ind_attente"), board.measured("ind_silencieux")
    if waiting:
        since = (
            ""
            if board.published or not board.waiting_since
            else f"la plus ancienne depuis le {day_short(board.waiting_since)}"
        )
        found.append(
            {
                "title": f"{number(waiting)} {'personnes attendent' if waiting > 1 else 'personne attend'} un référent",
                "detail": since,
                "href": "/coordination" if may_assign else board.rows_href("ind_attente"),
                "link": "Attribuer" if may_assign else "Voir les dossiers en attente",
            }
        )  # fmt: skip
    for load in [] if board.published else board.loads:
        if load.is_over:
            found.append(
                {
                    "title": f"{load.name} dépasse sa capacité",
                    "detail": f"{number(load.followed)} suivis pour {number(load.capacity)}, {number(load.silent)} sans contact",
                    "href": board.rows_href("ind_file_active", referent=load.referent_id),
                    "link": "Voir ses dossiers",
                }
            )  # fmt: skip
    if silent:
        found.append(
            {
                "title": f"{number(silent)} {'dossiers' if silent > 1 else 'dossier'} sans contact "
                f"depuis {board.setting.silence_days} jours",
                "detail": "",
                "href": board.rows_href("ind_silencieux"),
                "link": "Voir les dossiers silencieux",
            }
        )
    return found
