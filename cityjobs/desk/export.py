"""The list of people as a spreadsheet in which nothing that somebody typed is ever a formula."""

from collections.abc import Iterable
from datetime import date
from typing import IO, Any

import xlsxwriter  # type: ignore[import-untyped]

from cityjobs.parcours.rules.lifecycle import STATUS_LABELS, Status
from cityjobs.territory.rules import QPV_ANSWER_LABELS, QpvAnswer

TOO_MANY = 100_000
LONGEST_CELL = 32_000
HEADERS = (
    ("Prénom", 18), ("Nom", 22), ("Téléphone", 16), ("Courriel", 28), ("Date de naissance", 16), ("QPV", 24),
    ("Situation", 14), ("Repérage", 12), ("Entrée", 12), ("Sortie", 12), ("Référent", 24), ("Organisation", 28),
    ("Attend un référent depuis", 22), ("Dernier contact", 15), ("Prochaine étape", 34), ("Pour le", 12),
    ("Action requise", 40),
)  # fmt: skip


def write_people(target: IO[bytes], rows: Iterable[Any]) -> None:
    """Write rows of the list, one by one; masked ones keep their initials as a name and nothing else of identity."""
    book = xlsxwriter.Workbook(
        target,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    sheet = book.add_worksheet("Personnes")
    bold, days = book.add_format({"bold": True}), book.add_format({"num_format": "dd/mm/yyyy"})
    for column, (label, width) in enumerate(HEADERS):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, label, bold)
    sheet.freeze_panes(1, 0)
    line = 0
    for line, row in enumerate(rows, start=1):
        for column, cell in enumerate(_cells(row)):
            if isinstance(cell, date):
                sheet.write_datetime(line, column, cell, days)
            elif cell:
                sheet.write_string(line, column, cell[:LONGEST_CELL])
    sheet.autofilter(0, 0, line, len(HEADERS) - 1)
    book.close()


def _cells(row: Any) -> tuple[str | date | None, ...]:
    qpv = row.qpv_name or (QPV_ANSWER_LABELS[QpvAnswer(row.qpv_answer)] if row.qpv_answer else None)
    return (
        row.first_name or row.initials, row.last_name, row.phone, row.email, row.birth_date, qpv,
        STATUS_LABELS[Status(row.status)], row.spotted_on, row.started_on, row.ended_on, row.referent, row.organisation,
        row.spotted_on if row.waits else None, row.last_contact_on, row.step_title, row.step_due_on,
        " ; ".join(reasons_of(row)) if row.acts else None,
    )  # fmt: skip


def reasons_of(row: Any) -> list[str]:
    """Why a row needs action, in words."""
    why = (
        (row.waits, "attend un référent"),
        (row.overdue, "étape en retard"),
        (row.silent, "sans nouvelles"),
    )
    return [words for holds, words in why if holds]
