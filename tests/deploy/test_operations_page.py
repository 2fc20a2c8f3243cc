"""docs/operations.md names every setting, every figure and only files that are there."""

import re
import subprocess
from pathlib import Path

import pytest

from cityjobs.core.metrics import MEANINGS
from config import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_every_command_can_be_typed(block: str) -> None:
    """The shell reads it, and nothing in it is left out."""
    told = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
    assert told.stderr == ""
    assert "…" not in block
    assert not re.search(r"(^|\s)(\.|source) \S+\.env", block), (
        "those files are for systemd, not for the shell"
    )
    assert not re.search(r"^\s*(PROCESS=\S+ )?flask ", block, re.MULTILINE), "commands have their own script"


def test_every_unit_and_script_is_on_the_page() -> None:
    deploy = ROOT / "deploy"
    units = {path.name.removesuffix(".service") for path in (deploy / "systemd").glob("*.service")}
    assert [name for name in units if not re.search(rf"{name}\b|{name}[\w.]", PAGE)] == []
    assert [path.name for path in (deploy / "backup").iterdir() if path.name not in PAGE] == []
    for timer in (deploy / "systemd").glob("*.timer"):
        assert f"{timer.name}" in PAGE, timer.name


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
    named = set(re.findall(r"`((?:deploy|tests|cityjobs|docs)/[\w./@-]+)`", PAGE))
    named |= {file for block in BLOCKS for file in re.findall(r"(?<![\w/])(deploy/[\w./@*-]+)", block)}
    assert len(named) > 8
    assert [path for path in named if not list(ROOT.glob(path.removesuffix("/.")))] == []


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
