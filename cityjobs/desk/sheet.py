"""« Mon parcours »: the one sheet that a person takes home, in plain words. It says nothing of freins, notes or reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from textwrap import shorten
from typing import Any

from cityjobs.core.printing import print_pdf
from cityjobs.core.web import day, hour, phone
from cityjobs.desk.queries.file import Around, File
from cityjobs.plans.rules import EtapeStatus

TEMPLATE = Path(__file__).with_name("sheet.typ")
PICTOGRAMS = Path(__file__).with_name("pictograms")
HELPERS, TO_DO, DONE, LONGEST = 3, 5, 3, 80
"""How many lines each part holds, and signs each line, so that it all fits on one sheet."""


@dataclass(frozen=True)
class Helper:
    """Somebody who helps."""

    name: str
    organisation: str | None
    phone: str | None


@dataclass(frozen=True)
class Sheet:
    """What the sheet says; every text is ready to be read."""

    name: str
    programme: str
    on: date
    appointment: tuple[str, str] | None
    """When, and what for with its place."""
    helpers: Sequence[Helper]
    to_do: Sequence[tuple[str, str]]
    """What, and for when or with whom."""
    done: Sequence[str]


def write_sheet(file: File, beside: Around, *, programme: str, on: date) -> Sheet:
    """The sheet of a person on a day: the next appointment to come, who helps, what comes next, what is done."""
    steps = [step for step in beside.steps if step.due_on >= on]
    meeting = next((step for step in steps if step.due_at), None)
    etapes = beside.plan.etapes if beside.plan else []
    open_ = [etape for etape in etapes if etape.status in (EtapeStatus.EN_COURS, EtapeStatus.PREVUE)]
    to_do = [(_short(step.title), day(step.due_on)) for step in steps if step is not meeting]
    to_do += [(_short(etape.label), _when(etape, on)) for etape in open_]
    return Sheet(
        name=file.person.display_name,
        programme=programme,
        on=on,
        appointment=_appointment(meeting) if meeting else None,
        helpers=[
            Helper(member.name or member.organisation or "", member.organisation if member.name else None, member.phone)
            for member in beside.team
            if member.ended_at is None and member.parcours_id == file.parcours.id and (member.name or member.organisation)
        ],
        to_do=to_do[:TO_DO],
        done=[_short(etape.label) for etape in etapes if etape.status is EtapeStatus.REALISEE][-DONE:],
    )  # fmt: skip


def _short(words: str) -> str:
    return shorten(words, LONGEST, placeholder=" …")


def _appointment(step: Any) -> tuple[str, str]:
    return f"{day(step.due_on)} à {hour(step.due_at)}", ", ".join(
        filter(None, [_short(step.title), step.place])
    )


def _when(etape: Any, on: date) -> str:
    until = f"avant le {day(etape.planned_to)}" if etape.planned_to and etape.planned_to >= on else ""
    return ", ".join(filter(None, [f"avec {etape.partner}" if etape.partner else "", until]))


def print_sheet(sheet: Sheet) -> bytes:
    """The sheet as a tagged PDF on A5 paper."""
    return print_pdf(TEMPLATE, _printed(sheet))


def _printed(sheet: Sheet) -> Mapping[str, Any]:
    return {
        "name": sheet.name,
        "programme": sheet.programme,
        "on": day(sheet.on),
        "appointment": sheet.appointment,
        "helpers": [[each.name, each.organisation or "", phone(each.phone)] for each in sheet.helpers],
        "to_do": sheet.to_do,
        "done": sheet.done,
        "pictograms": {path.stem: path.read_text() for path in sorted(PICTOGRAMS.glob("*.svg"))},
    }
