"""docs/operations.md names every setting, every figure and only files that are there."""

import re
from pathlib import Path

from cityjobs.core.metrics import MEANINGS
from config import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def test_every_setting_is_explained_and_no_other() -> None:
    settings = {name.upper() for name in Settings.model_fields} - {"STATE_DIR"}
    (table,) = re.findall(r"\n\| variable .*?\n\n", PAGE, re.DOTALL)
    explained = set(re.findall(r"`([A-Z_]{4,})`", table))
    assert explained - {"WEB_PROCESSES", "WEB_THREADS"} == settings


def test_every_figure_is_explained_and_no_other() -> None:
    by_itself = (ROOT / "cityjobs" / "core" / "metrics.py").read_text()
    told = {f"cityjobs_{name}" for name in MEANINGS}
    told |= {f"cityjobs_{name}" for name in re.findall(r'gauge\("(\w+)"', by_itself)}
    told |= {"cityjobs_requests_total", "cityjobs_request_seconds", "cityjobs_sign_in_failures_total"}
    told |= {"cityjobs_database_connections"}
    assert (
        set(re.findall(r"`(cityjobs_\w+?)(?:\{[^}]*\})?`", PAGE))
        - {
            "cityjobs_web",
            "cityjobs_worker",
            "cityjobs_owner",
            "cityjobs_backup",
        }
        == told
    )


def test_every_file_named_is_there() -> None:
    named = set(re.findall(r"`((?:deploy|tests|cityjobs|docs)/[\w./-]+)`", PAGE))
    assert len(named) > 8
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_variable_given_to_a_process_is_marked_for_it() -> None:
    """The table says the same as the units."""
    (table,) = re.findall(r"\n\| variable .*?\n\n", PAGE, re.DOTALL)
    columns = {
        "cityjobs-web": 1,
        "cityjobs-worker": 2,
        "cityjobs-beat": 2,
        "cityjobs-migrate@": 3,
        "cityjobs-verify": 3,
    }
    for unit, column in columns.items():
        text = (ROOT / "deploy" / "systemd" / f"{unit}.service").read_text()
        given = set(re.findall(r"^LoadCredential=(\w+):", text, re.MULTILINE))
        marked = set()
        for line in table.splitlines()[3:]:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if len(cells) > 4 and cells[column] == "●" and cells[4] == "●":
                marked |= set(re.findall(r"`([A-Z_]{4,})`", cells[0]))
        assert given == marked, unit
