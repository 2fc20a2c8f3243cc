"""The tables of docs/ say what was measured, and nothing else."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.mutants.__main__ import known_faults
from tests.proofs.conftest import Proof
from tests.proofs.measures import PLACE, Measure, measured, read_measures, record
from tests.proofs.tables import fill


def a_measure(number: float, what: str = "tried") -> Measure:
    return measured("the matrix", what, number, bar=1000, at_least=True, unit="", command="make soak")


def test_the_margin_is_what_is_left_before_the_bar() -> None:
    assert (a_measure(1200).margin, a_measure(1200).holds) == (200, True)
    assert (a_measure(900).margin, a_measure(900).holds) == (-100, False)
    within = measured("6", "lost", 0, bar=0, at_least=False, unit="", command="")
    assert (within.bar, within.margin, within.holds) == ("≤ 0", 0, True)


def test_a_number_beyond_its_bar_fails_the_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PLACE, raising=False)
    quick = Proof(soaking=False, place="tests/proofs/test_x.py")
    with pytest.raises(AssertionError, match="the bar is ≤ 0"):
        quick.at_most("2", "foreign bytes", 1, 0)
    with pytest.raises(AssertionError, match="the bar is ≥ 1000"):
        quick.at_least("1", "cells", 999, 1000)
    quick.at_most("2", "foreign bytes", 0, 0)


def test_the_last_number_of_each_thing_is_shown(tmp_path: Path) -> None:
    lines = [a_measure(900), a_measure(1200), a_measure(5, what="other")]
    (tmp_path / "soak.jsonl").write_text("".join(json.dumps(asdict(line)) + "\n" for line in lines))
    assert [line["number"] for line in read_measures(tmp_path / "soak.jsonl")] == [1200, 5]
    page = "before\n<!-- measures: soak only the matrix, audit -->\nold\n<!-- end -->\nafter\n"
    made = fill(page, tmp_path)
    assert "old" not in made
    assert "| the matrix | tried | 1,200 | ≥ 1000 | 200 |" in made
    assert "**missed**" in made
    assert "1,200" not in fill(page.replace("only the matrix, audit", "only matrix"), tmp_path)
    assert fill(made, tmp_path) == made


def test_nothing_is_written_unless_a_place_is_named(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CITYJOBS_MEASURES", raising=False)
        record(a_measure(1))
        patch.setenv("CITYJOBS_MEASURES", str(tmp_path / "said"))
        record(a_measure(1))
    assert len((tmp_path / "said").read_text().splitlines()) == 1


def test_every_known_fault_names_a_proof_that_is_there() -> None:
    for fault in known_faults(None):
        assert Path(fault.proof.split("::")[0]).is_file(), fault
        assert fault.file or fault.sql, fault
        if fault.file:
            assert Path(fault.file).read_text(encoding="utf-8").count(fault.was) == 1, fault
