"""`python -m tests.proofs.tables`: put the measures of docs/measures into the tables of docs/*.md."""

import re
import sys
from pathlib import Path
from typing import Any

from tests.proofs.measures import FOLDER, ROOT, read_measures

HEAD = "| test | what | number | bar | margin | date | commit | command |\n|---|---|---:|---:|---:|---|---|---|\n"
PLACE = re.compile(r"(<!-- measures: ([\w-]+)(?: only ([^>]*?))? -->\n).*?(<!-- end -->)", re.DOTALL)
"""A table stands between `<!-- measures: NAME -->` (of docs/measures/NAME.jsonl) and `<!-- end -->`;
with `only one test, another` it shows the tests of these names."""


def line_of(measure: dict[str, Any]) -> str:
    """One line of a table."""
    unit = f" {measure['unit']}" if measure["unit"] else ""
    holds = "" if measure["holds"] else " **missed**"
    return (
        f"| {measure['test']} | {measure['what']} | {measure['number']:,.6g}{unit} | {measure['bar']}{unit} "
        f"| {measure['margin']:,.6g}{holds} | {measure['date']} | {measure['commit']} | `{measure['command']}` |\n"
    )


def fill(text: str, folder: Path = FOLDER) -> str:
    """The text of a page with each of its tables made anew."""

    def table(found: re.Match[str]) -> str:
        opening, name, only, end = found.groups()
        wanted = {word.strip() for word in (only or "").split(",")} - {""}
        lines = [
            measure
            for measure in read_measures(folder / f"{name}.jsonl")
            if not wanted or measure["test"] in wanted
        ]
        return opening + HEAD + "".join(map(line_of, lines)) + end

    return PLACE.sub(table, text)


def main() -> int:
    """Write the pages whose tables changed."""
    for page in sorted((ROOT / "docs").glob("*.md")):
        before = page.read_text(encoding="utf-8")
        after = fill(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(page.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
