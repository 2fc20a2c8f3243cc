"""A report as it leaves the Cité: small counts hidden, then frozen, then written as a workbook and as a tagged PDF."""

import io
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]

from cityjobs.core.printing import print_pdf
from cityjobs.core.web import NARROW, day, number, percent
from cityjobs.reporting.drawing import bars_svg
from cityjobs.reporting.queries import Snapshot
from cityjobs.reporting.rules.figures import DEFINITIONS_VERSION, FIGURES, Kind, in_number
from cityjobs.reporting.rules.secrecy import Breakdown, hidden_cells

TEMPLATE = Path(__file__).with_name("report.typ")
NOT_PUBLISHED = "non publié"
NOTHING = "–"
WHY_HIDDEN = (
    "«\u00a0non publié\u00a0»\u00a0: 5 ou moins, ou ce qui permettrait de retrouver un tel nombre par différence. "
    "Ce rapport ne contient que des totaux et aucune identité."
)


def freeze(snapshot: Snapshot, as_of: date) -> dict[str, Any]:
    """The figures of a report as plain JSON, with None in the place of each count that must not leave the Cité."""
    breakdowns = [
        Breakdown("weeks", "ind_echanges", {str(n): count for n, (_, count) in enumerate(snapshot.weeks)}),
        Breakdown(
            "referents", "ind_file_active", {str(n): each.followed for n, each in enumerate(snapshot.loads)}
        ),
        Breakdown(
            "qpv",
            "ind_accompagnees",
            {str(n): each.persons for n, each in enumerate(snapshot.neighbourhoods)},
        ),
    ]
    hidden = hidden_cells(snapshot.measures, breakdowns)

    def shown(cell: str, count: int) -> int | None:
        return None if cell in hidden else count

    return {
        "cite": snapshot.setting.name,
        "programme": snapshot.setting.programme_name,
        "start": snapshot.period.start.isoformat(),
        "end": snapshot.period.end.isoformat(),
        "as_of": as_of.isoformat(),
        "silence_days": snapshot.setting.silence_days,
        "figures": {
            code: {
                "hidden": code in hidden,
                "value": None if code in hidden else snapshot.measures[code].value(figure.kind),
            }
            for code, figure in FIGURES.items()
        },
        "qpv": [
            {"code": each.code, "name": each.name, "persons": shown(f"qpv/{n}", each.persons)}
            for n, each in enumerate(snapshot.neighbourhoods)
        ],
        "referents": [
            {
                "name": each.name,
                "organisation": each.organisation,
                "followed": shown(f"referents/{n}", each.followed),
                "capacity": each.capacity if each.referent_id else None,
            }
            for n, each in enumerate(snapshot.loads)
        ],
        "weeks": [
            {
                "label": week.label,
                "name": week.name,
                "start": week.period.start.isoformat(),
                "end": week.period.end.isoformat(),
                "exchanges": shown(f"weeks/{n}", count),
            }
            for n, (week, count) in enumerate(snapshot.weeks)
        ],
    }


def definitions() -> dict[str, Any]:
    """The definitions in force, to be frozen beside the figures."""
    return {
        "version": DEFINITIONS_VERSION,
        "figures": [
            {
                "code": figure.code,
                "label": figure.label,
                "how": figure.how,
                "source": figure.source,
                "kind": figure.kind.value,
                "unit": figure.unit,
            }
            for figure in FIGURES.values()
        ],
    }


def said(value: float | None, kind: str, unit: str = "", *, hidden: bool = False) -> str:
    """A frozen figure in words: « 1 234 », « 54 % », « 9 jours »."""
    if hidden:
        return NOT_PUBLISHED
    if value is None:
        return NOTHING
    if kind == Kind.SHARE:
        return percent(value)
    return f"{number(value, 1 if kind == Kind.MEDIAN else 0)}{NARROW}{in_number(unit, value)}".strip(NARROW)


def _count(count: int | None) -> str:
    return NOT_PUBLISHED if count is None else number(count)


# The workbook


def write_workbook(frozen: Mapping[str, Any], meant: Mapping[str, Any]) -> bytes:
    """The report as xlsx; what looks like a formula or a link stays a text."""
    written = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = xlsxwriter.Workbook(written, options)
    book.set_properties({"title": title_of(frozen), "author": "CityJobs", "subject": frozen["programme"]})
    formats = {
        "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
        "wrap": book.add_format({"text_wrap": True, "valign": "top"}),
        "share": book.add_format({"num_format": "0 %"}),
        "title": book.add_format({"bold": True, "font_size": 14}),
    }
    by_code = {each["code"]: each for each in meant["figures"]}
    summary = book.add_worksheet("Synthèse")
    summary.set_column(0, 0, 38)
    summary.set_column(1, 2, 14)
    summary.write(0, 0, title_of(frozen), formats["title"])
    summary.write(1, 0, subtitle_of(frozen))
    summary.write(2, 0, WHY_HIDDEN)
    summary.write_row(4, 0, ["Chiffre", "Valeur", "Unité"], formats["head"])
    for row, (code, each) in enumerate(by_code.items(), 5):
        figure = frozen["figures"][code]
        summary.write(row, 0, each["label"])
        if figure["hidden"] or figure["value"] is None:
            summary.write(row, 1, NOT_PUBLISHED if figure["hidden"] else NOTHING)
        else:
            summary.write_number(
                row, 1, figure["value"], formats["share"] if each["kind"] == Kind.SHARE else None
            )
        summary.write(row, 2, each["unit"])
    _table(
        book, formats["head"], "Par QPV", ["Quartier à l’entrée", "Code", "Personnes accompagnées"],
        [[each["name"], each["code"] or "", each["persons"]] for each in frozen["qpv"]],
    )  # fmt: skip
    _table(
        book, formats["head"], "Par référent", ["Référent", "Organisation", "Suivis", "Capacité"],
        [
            [each["name"], each["organisation"] or "", each["followed"], "" if each["capacity"] is None else each["capacity"]]
            for each in frozen["referents"]
        ],
    )  # fmt: skip
    _table(
        book, formats["head"], "Par semaine", ["Semaine", "Du", "Au", "Échanges"],
        [[each["name"], each["start"], each["end"], each["exchanges"]] for each in frozen["weeks"]],
    )  # fmt: skip
    _table(
        book, formats["head"], "Définitions", ["Code", "Chiffre", "Comment c’est calculé", "Source"],
        [[each["code"], each["label"], each["how"], each["source"]] for each in by_code.values()], wide=True, cell=formats["wrap"],
    )  # fmt: skip
    book.close()
    return written.getvalue()


def _table(
    book: Any,
    head: Any,
    name: str,
    columns: list[str],
    rows: list[list[Any]],
    *,
    wide: bool = False,
    cell: Any = None,
) -> None:
    sheet = book.add_worksheet(name)
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, len(columns) - 1, 24)
    if wide:
        sheet.set_column(2, 2, 90)
    sheet.write_row(0, 0, columns, head)
    sheet.freeze_panes(1, 0)
    for index, row in enumerate(rows, 1):
        for column, value in enumerate(row):
            if isinstance(value, (int, float)):
                sheet.write_number(index, column, value, cell)
            else:
                sheet.write_string(index, column, NOT_PUBLISHED if value is None else value, cell)


# The PDF


def title_of(frozen: Mapping[str, Any]) -> str:
    """« Rapport d’activité, Cité de l’emploi : Roubaix »"""
    return f"Rapport d’activité\u00a0: {frozen['cite']}"


def subtitle_of(frozen: Mapping[str, Any]) -> str:
    """Programme and period in words."""
    start, end, as_of = (date.fromisoformat(frozen[name]) for name in ("start", "end", "as_of"))
    return f"{frozen['programme']}. Du {day(start)} au {day(end)}, arrêté au {day(as_of)}."


def write_pdf(frozen: Mapping[str, Any], meant: Mapping[str, Any]) -> bytes:
    """The report as a tagged PDF (PDF/UA-1); the compiler refuses one that is not accessible."""
    return print_pdf(TEMPLATE, _printed(frozen, meant))


def _printed(frozen: Mapping[str, Any], meant: Mapping[str, Any]) -> dict[str, Any]:
    figures = [
        [each["label"], said(frozen["figures"][each["code"]]["value"], each["kind"], each["unit"],
                             hidden=frozen["figures"][each["code"]]["hidden"])]
        for each in meant["figures"]
    ]  # fmt: skip
    bars = [(week["label"], week["exchanges"]) for week in frozen["weeks"]]
    known = [count for _, count in bars if count is not None]
    peak = (
        f"de {number(min(known))} à {number(max(known))} échanges par semaine"
        if known
        else "aucune semaine publiée"
    )
    return {
        "title": title_of(frozen),
        "subtitle": subtitle_of(frozen),
        "author": "CityJobs",
        "cite": frozen["cite"],
        "footer": f"{frozen['cite']} – du {day(date.fromisoformat(frozen['start']))} au {day(date.fromisoformat(frozen['end']))}",
        "introduction": WHY_HIDDEN,
        "sections": [
            _section("Synthèse", ["Chiffre", "Valeur"], figures, [3, 1], [1]),
            _section(
                "Échanges par semaine", ["Semaine", "Échanges"],
                [[week["name"], _count(week["exchanges"])] for week in frozen["weeks"]], [3, 1], [1],
                chart=bars_svg(bars), alt=f"Graphique en barres\u00a0: {peak}. Le tableau qui suit donne chaque semaine.",
                caption="Échanges par semaine",
            ),
            _section(
                "Personnes accompagnées, par quartier", ["Quartier à l’entrée", "Personnes"],
                [[each["name"], _count(each["persons"])] for each in frozen["qpv"]], [3, 1], [1],
            ),
            _section(
                "File active, par référent", ["Référent", "Organisation", "Suivis", "Capacité"],
                [
                    [each["name"], each["organisation"] or "", _count(each["followed"]),
                     "" if each["capacity"] is None else number(each["capacity"])]
                    for each in frozen["referents"]
                ], [3, 3, 1.4, 1.2], [2, 3],
            ),
            _section(
                "Définitions", ["Chiffre", "Comment c’est calculé"],
                [[each["label"], each["how"]] for each in meant["figures"]], [1, 2.6], [],
                note=f"Définitions, version {meant['version']}. Silence\u00a0: {frozen['silence_days']}\u00a0jours.",
            ),
        ],
    }  # fmt: skip


def _section(
    title: str, head: list[str], rows: list[list[str]], widths: list[float], numeric: list[int], **more: str
) -> dict[str, Any]:
    empty = "Rien à montrer sur cette période." if not rows else ""
    return {
        "title": title,
        "head": head,
        "rows": rows,
        "widths": widths,
        "numeric": numeric,
        "note": empty,
        **more,
    }
