"""What was measured, line by line: one JSON object each, kept in docs/measures and shown in the tables of docs/."""

import json
import os
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "measures"
PLACE = "CITYJOBS_MEASURES"
"""Name of the environment variable that says in which file new lines are written; nothing is written without it."""


@dataclass(frozen=True)
class Measure:
    """One number against its bar; `margin` is what was left before missing it, in the number's own unit."""

    test: str
    what: str
    number: float
    bar: str
    margin: float
    holds: bool
    unit: str
    command: str
    date: str
    commit: str


def record(measure: Measure) -> None:
    """Add a line to the file named by CITYJOBS_MEASURES; several processes may do so at once."""
    if place := os.environ.get(PLACE):
        line = json.dumps(asdict(measure), ensure_ascii=False) + "\n"
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(line)


def measured(
    test: str, what: str, number: float, *, bar: float, at_least: bool, unit: str, command: str
) -> Measure:
    """A measure of this moment, on the present commit."""
    return Measure(
        test=test,
        what=what,
        number=number,
        bar=f"{'≥' if at_least else '≤'} {bar:g}",
        margin=number - bar if at_least else bar - number,
        holds=number >= bar if at_least else number <= bar,
        unit=unit,
        command=command,
        date=datetime.now(UTC).date().isoformat(),
        commit=present_commit(),
    )


def present_commit() -> str:
    """The short name of the commit being measured, with a + when the tree had other changes."""
    told = subprocess.run(
        ["git", "describe", "--always", "--abbrev=7", "--exclude=*", "--dirty=+"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip()


def read_measures(path: Path) -> list[dict[str, Any]]:
    """The lines of one file, the last one for each test and thing measured, in order of first appearance.

    Empty while nothing was measured.
    """
    lines: dict[tuple[str, str], dict[str, Any]] = {}
    if not path.exists():
        return []
    for text in path.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        lines[line["test"], line["what"]] = line
    return list(lines.values())
