"""Real programs in temporary homes."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cityjobs.embedded import children
from cityjobs.embedded.home import temporary_home

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory that nothing survives: what a failed test left running is killed."""
    with temporary_home() as path:
        yield path
        for place in (path, *(entry for entry in path.rglob("*") if (entry / "pids").is_dir())):
            children.stop_leftovers(place, signal.SIGKILL, patience=1)


class Copy:
    """A running `python -m cityjobs.embedded` and all that it has printed."""

    def __init__(self, home: Path, port: int | str, application: str, environment: str) -> None:
        self.home = home
        self.port = port
        self.output = home.with_name(f"{home.name}.out")
        environ = {name: value for name, value in os.environ.items() if name != "MAKELEVEL"}
        environ |= {"CITYJOBS_HOME": str(home), "PORT": str(port), "ENVIRONMENT": environment}
        argv = [sys.executable, "-m", "cityjobs.embedded", "--application", application]
        hung_up = signal.signal(
            signal.SIGHUP, signal.SIG_DFL
        )  # or a copy of `nohup make test` would ignore it too
        try:
            with self.output.open("w") as output:
                self.child = subprocess.Popen(
                    argv,
                    cwd=ROOT,
                    env=environ,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        finally:
            signal.signal(signal.SIGHUP, hung_up)

    def said(self) -> str:
        return self.output.read_text()

    def wait_until_ready(self, patience: float = 90) -> str:
        wait_until(lambda: "Ctrl-C" in self.said() or self.child.poll() is not None, patience)
        assert f"CityJobs: http://127.0.0.1:{self.port}\n" in self.said(), self.said()
        return self.said()

    def end(self, sign: signal.Signals) -> int:
        self.child.send_signal(sign)
        return self.child.wait(90)

    def refused(self) -> str:
        """What a copy that must not start says, in one sentence."""
        assert self.child.wait(15) == 1
        (sentence,) = self.said().strip().splitlines()
        assert re.search(r"[.!]$|»\.$", sentence)
        return sentence

    def programs(self) -> list[int]:
        """Every living program of this home."""
        postgres = self.home / "postgres"
        return [
            *children.leftovers_of(self.home),
            *children.leftovers_of(postgres, working_in=postgres / "data"),
            *children.leftovers_of(self.home / "valkey"),
        ]


def wait_until(true: Callable[[], bool], patience: float = 10) -> None:
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, "too long"
        time.sleep(0.05)


@pytest.fixture
def start_copy() -> Iterator[Callable[..., Copy]]:
    started: list[Copy] = []

    def start(
        home: Path, port: int | str, application: str = "tests.embedded.stand_in", environment: str = "demo"
    ) -> Copy:
        started.append(Copy(home, port, application, environment))
        return started[-1]

    yield start
    for copy in started:
        if copy.child.poll() is None:
            copy.child.kill()
        copy.child.wait()
