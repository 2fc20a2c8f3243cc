"""`proof`: how many times to try, and the number that must hold against its bar."""

from dataclasses import dataclass

import pytest

from tests.hosts.rig import rig, shared_rig  # noqa: F401 - fixtures of the proofs that need several hosts
from tests.proofs import measures


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
