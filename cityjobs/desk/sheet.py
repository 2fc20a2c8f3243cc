"""« Mon parcours »: the one sheet that a person takes home, in plain words. It says nothing of freins, notes or reasons.

It may lie on a kitchen table or be asked for by an employer: no sensitive étape nor house is ever on it, and whoever hands
it over chooses what else is.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
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
class Thing:
    """A thing that may be printed; `usually` when it is, unless chosen otherwise."""

    id: uuid.UUID
    what: str
    detail: str
    usually: bool
    is_done: bool = False
    meeting: tuple[str, str] | None = None
    """As an appointment: when, and what for with its place."""


def things_to_print(beside: Around, on: date) -> list[Thing]:
    """Appointments, étapes neither sensitive nor towards something sensitive, and other things to do: in this order.

    What is to be done is typed freely, and is often a chore of the référent: it is printed only when chosen.
    """
    steps = [step for step in beside.steps if step.due_on >= on]
    etapes = beside.plan.plain_etapes if beside.plan else []
    going, done = (EtapeStatus.EN_COURS, EtapeStatus.PREVUE), EtapeStatus.REALISEE
    return [
        *(_step(step) for step in steps if step.due_at),
        *(
            Thing(each.id, _short(each.label), _when(each, on), True)
            for each in etapes
            if each.status in going
        ),
        *(
            Thing(each.id, _short(each.label), "", True, is_done=True)
            for each in etapes
            if each.status is done
        ),
        *(_step(step) for step in steps if not step.due_at),
    ]


def _step(step: Any) -> Thing:
    meeting = _appointment(step) if step.due_at else None
    return Thing(step.id, _short(step.title), day(step.due_on), meeting is not None, meeting=meeting)


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
    left_out: Sequence[str]
    """What was chosen and does not fit on one page."""


def write_sheet(
    file: File,
    beside: Around,
    things: Sequence[Thing],
    chosen: Collection[uuid.UUID],
    *,
    programme: str,
    on: date,
) -> Sheet:
    """The sheet of a person on a day: the next appointment, who helps, what comes next, what is done, of what is chosen."""
    printed = [thing for thing in things if thing.id in chosen]
    meeting = next((thing for thing in printed if thing.meeting), None)
    to_do = [thing for thing in printed if thing is not meeting and not thing.is_done]
    done = [thing for thing in printed if thing.is_done]
    return Sheet(
        name=file.person.display_name,
        programme=programme,
        on=on,
        appointment=meeting.meeting if meeting else None,
        helpers=[
            Helper(member.name or member.plain_organisation or "", member.plain_organisation if member.name else None, member.phone)
            for member in beside.team
            if member.ended_at is None
            and member.parcours_id == file.parcours.id
            and (member.name or member.plain_organisation)
        ][:HELPERS],
        to_do=[(thing.what, thing.detail) for thing in to_do[:TO_DO]],
        done=[thing.what for thing in done[-DONE:]],
        left_out=[thing.what for thing in (*to_do[TO_DO:], *done[:-DONE])],
    )  # fmt: skip


def _short(words: str) -> str:
    return shorten(words, LONGEST, placeholder=" …")


def _appointment(step: Any) -> tuple[str, str]:
    return f"{day(step.due_on)} à {hour(step.due_at)}", ", ".join(
        filter(None, [_short(step.title), step.place])
    )


def _when(etape: Any, on: date) -> str:
    until = f"avant le {day(etape.planned_to)}" if etape.planned_to and etape.planned_to >= on else ""
    is_said = etape.partner and not etape.partner_is_sensitive
    return ", ".join(filter(None, [f"avec {etape.partner}" if is_said else "", until]))


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
