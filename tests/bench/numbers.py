"""Medians, and the memory of processes."""

import statistics
from pathlib import Path


class Series:
    """Durations of one thing, told in milliseconds."""

    def __init__(self) -> None:
        self._seconds: list[float] = []

    def add(self, seconds: float) -> None:
        """One more."""
        self._seconds.append(seconds)

    def clear(self) -> None:
        """Forget what was measured while warming up."""
        self._seconds.clear()

    @property
    def median(self) -> float:
        """The middle one."""
        return round(statistics.median(self._seconds) * 1000, 2)

    @property
    def p95(self) -> float:
        """What 95 % stay under."""
        ordered = sorted(self._seconds)
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))] * 1000, 2)


def memory_of(master: int) -> dict[str, float]:
    """Resident and proportional memory, in MB, of the largest child of a gunicorn master."""
    workers = [
        memory_of_process(int(child))
        for child in Path(f"/proc/{master}/task/{master}/children").read_text().split()
    ]
    return max(workers, key=lambda worker: worker["rss_mb"])


def memory_of_process(pid: int) -> dict[str, float]:
    """Resident and proportional memory of one process, in MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return {"rss_mb": round(kilobytes["Rss"] / 1024, 1), "pss_mb": round(kilobytes["Pss"] / 1024, 1)}


def memory_of_machine() -> int:
    """What there is for everybody, in GB."""
    kilobytes = int(Path("/proc/meminfo").read_text().split("MemTotal:")[1].split()[0])
    return round(kilobytes / 1024 / 1024)


def peak_of_process(pid: int) -> float:
    """The most that a process ever held, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return round(int(status.split("VmHWM:")[1].split()[0]) / 1024, 1)
