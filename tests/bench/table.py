"""The dated table of docs/performance.md, made from what was measured last."""

import json
import re
from typing import Any

from tests.proofs.measures import FOLDER, ROOT

PAGE = ROOT / "docs" / "performance.md"
KEPT = FOLDER / "bench.json"
PLACE = re.compile(r"(<!-- bench -->\n).*?(<!-- end -->)", re.DOTALL)
HEAD = (
    "| page | median | p95 | floor | × floor | queries | bytes | br | zstd | gzip |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
)
JOBS = {
    "scan": "Reminders of the whole country: {written} lines written in {first_s} s; looked for again in {again_s} s.",
    "figures": "Figures of the month of {cites} Cités, one after the other: {whole_s} s, the slowest {slowest_ms} ms.",
    "export": "{rows} rows exported in {seconds} s, {file_mb} MB; the process held {before_mb} MB before, {peak_mb} MB at most.",
}


def write(found: dict[str, Any]) -> None:
    """Keep what was measured, and put it in the page."""
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    KEPT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if PAGE.exists():
        PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")


def fill(text: str, found: dict[str, Any]) -> str:
    """A page with its table made anew."""
    return PLACE.sub(lambda place: place[1] + told(found) + place[2], text)


def told(found: dict[str, Any]) -> str:
    """The table and what goes with it."""
    cites = "; ".join(
        f"{where}: {cite['name']}, {cite['parcours']} parcours" for where, cite in found["cites"].items()
    )
    machine = found["machine"]
    lines = [
        f"{found['date']}, commit {found['commit']}, {found['rounds']} rounds, PostgreSQL {machine['postgresql']}, "
        f"{machine['processors']} processors, {machine['memory_gb']} GB, load {found['load']:.1f}. {cites}.\n\n",
        HEAD,
    ]
    for page in found["pages"]:
        sizes = page["bytes"]
        told_sizes = " | ".join(
            f"{sizes[coding] / 1000:.1f} kB" if coding in sizes else ""
            for coding in ("identity", "br", "zstd", "gzip")
        )
        lines.append(
            f"| {page['name']} | {page['median_ms']:.1f} ms | {page['p95_ms']:.1f} ms | {page['floor_ms']:.1f} ms "
            f"| {page['ratio']:.2f} | {page['queries']} | {told_sizes} |\n"
        )
    worker = found["worker"]["after"]
    lines.append(
        f"\nOne worker after the run: {worker['rss_mb']:.0f} MB resident, {worker['pss_mb']:.0f} MB of its own share.\n"
    )
    return "".join(
        [*lines, "\n", *(f"- {words.format(**found['jobs'][job])}\n" for job, words in JOBS.items())]
    )
