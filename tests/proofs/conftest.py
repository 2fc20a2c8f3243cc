"""`proof`: how many times to try, and the number that must hold against its bar. `house`: twin Cités and what their pages offer."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask

from tests.conftest import Databases, Letterbox
from tests.hosts.rig import rig, shared_rig  # noqa: F401 - fixtures of the proofs that need several hosts
from tests.proofs import measures
from tests.proofs.offers import Harvest
from tests.proofs.twins import Twins


@dataclass(frozen=True)
class Proof:
    """The proof being made: quick in each run of the tests, whole with --soak."""

    soaking: bool
    place: str

    def times(self, *, quick: int, full: int) -> int:
        """How many times to try."""
        return full if self.soaking else quick

    def at_most(self, test: str, what: str, number: float, bar: float, unit: str = "") -> None:
        """The number may not pass the bar."""
        self._weigh(test, what, number, bar, unit, at_least=False)

    def at_least(self, test: str, what: str, number: float, bar: float, unit: str = "") -> None:
        """The number must reach the bar."""
        self._weigh(test, what, number, bar, unit, at_least=True)

    def _weigh(self, test: str, what: str, number: float, bar: float, unit: str, *, at_least: bool) -> None:
        measure = measures.measured(
            test, what, number, bar=bar, at_least=at_least, unit=unit, command=self._command()
        )
        measures.record(measure)
        assert measure.holds, f"{test}: {what}: {number:g} {unit}, and the bar is {measure.bar}"

    def _command(self) -> str:
        return f".venv/bin/pytest {self.place}{' --soak' if self.soaking else ''}"


@pytest.fixture
def proof(request: pytest.FixtureRequest) -> Proof:
    """The scales of this run."""
    place = request.path.relative_to(request.config.rootpath).as_posix()
    return Proof(soaking=bool(request.config.getoption("--soak")), place=place)


@pytest.fixture(scope="session")
def harvest(built_app: Flask, databases: Databases) -> Harvest:
    """Two Cités, and what the pages of the first one offer: read once for all the proofs of a worker."""
    databases.empty()
    built_app.extensions["postman"] = Letterbox()
    twins = Twins(databases)
    return Harvest(built_app, twins, twins.here)


@pytest.fixture(scope="module")
def house(harvest: Harvest, databases: Databases) -> Iterator[Harvest]:
    """Both Cités as they were at first, and requests by the thousand whose log lines say nothing here."""
    databases.empty()
    databases.sweep()
    harvest.app.extensions["postman"] = Letterbox()
    harvest.twins.restore()
    harvest.forget_throttling()
    quiet = logging.getLogger("cityjobs")
    level = quiet.level
    quiet.setLevel(logging.CRITICAL)
    yield harvest
    quiet.setLevel(level)
    databases.empty()
