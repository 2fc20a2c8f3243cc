"""Programs we start: how they are born, recognised later, and stopped with all that they started.

A program is ours when the kernel says so: either its start time is the one we wrote down beside its pid, or
the environment it was born with names our home. A pid alone proves nothing, since pids are used again.
"""

import ctypes
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

MARK = "CITYJOBS_EMBEDDED_HOME"
LARGEST_LOG = 5_000_000  # bytes; beyond, the log of the previous run is set aside when a program starts

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def birth_of(pid: int) -> str | None:
    """What tells this life of a pid from any other (boot and start time), or None when nobody has it."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    return None if fields[0] in {"Z", "X"} else f"{boot} {fields[19]}"


def spawn(
    argv: list[str],
    *,
    home: Path,
    name: str,
    env: Mapping[str, str],
    log: Path,
    cwd: Path,
    user: pwd.struct_passwd | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    pass_fds: tuple[int, ...] = (),
) -> subprocess.Popen[bytes]:
    """Start a program in its own session, its output in `log`; it gets `death_signal` if we die.

    To be called from the main thread: the kernel sends that signal when the calling thread ends.
    """
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_name(f"{log.name}.1"))
    mother = os.getpid()

    def follow_mother() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != mother:
            os.kill(os.getpid(), signal.SIGKILL)

    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**env, MARK: str(home)},
            start_new_session=True,
            preexec_fn=follow_mother,
            pass_fds=pass_fds,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )
    record = _records(home) / name
    record.parent.mkdir(mode=0o700, exist_ok=True)
    record.write_text(f"{child.pid} {birth_of(child.pid)}")
    return child


def stop(children: Iterable[subprocess.Popen[bytes]], sign: signal.Signals, patience: float) -> None:
    """Ask programs to end together, wait `patience` seconds, then kill what is left of their sessions."""
    asked = list(children)
    for child in asked:
        if child.poll() is None:
            child.send_signal(sign)
    deadline = time.monotonic() + patience
    for child in asked:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        _kill_session(child.pid)


def leftovers_of(home: Path, working_in: Path | None = None) -> list[int]:
    """The living programs that an earlier supervisor of this home, now dead, started.

    PostgreSQL writes its title over its environment: its processes are also known by `working_in`, the data
    directory they work in.
    """
    recorded: dict[int, str] = {}
    if _records(home).is_dir():
        for record in _records(home).iterdir():
            number, _, written = record.read_text().partition(" ")
            if number.isdigit():
                recorded[int(number)] = written
    mark = f"{MARK}={home}".encode()
    found = []
    for pid in _living_pids():
        if pid == os.getpid():
            continue
        birth = birth_of(pid)
        if birth is not None and (
            recorded.get(pid) == birth
            or mark in _environment_of(pid)
            or (working_in is not None and _works_in(pid, working_in))
        ):
            found.append(pid)
    return found


def stop_leftovers(
    home: Path,
    sign: signal.Signals = signal.SIGTERM,
    patience: float = 10.0,
    working_in: Path | None = None,
) -> int:
    """Stop what an earlier supervisor of this home left behind; the number of programs stopped."""
    left = {pid: birth for pid in leftovers_of(home, working_in) if (birth := birth_of(pid))}
    for pid in left:
        _send(pid, sign)
    deadline = time.monotonic() + patience
    while any(birth_of(pid) == birth for pid, birth in left.items()):
        if time.monotonic() > deadline:
            for pid, birth in left.items():
                if birth_of(pid) == birth:
                    _send(pid, signal.SIGKILL)
            deadline += patience
        time.sleep(0.02)
    if _records(home).is_dir():
        for record in _records(home).iterdir():
            record.unlink()
    return len(left)


def _records(home: Path) -> Path:
    return home / "pids"


def _living_pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def _environment_of(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _works_in(pid: int, directory: Path) -> bool:
    try:
        return (
            Path(f"/proc/{pid}/cwd").readlink() == directory
            and Path(f"/proc/{pid}/comm").read_text().strip() == "postgres"
        )
    except OSError:
        return False


def _send(pid: int, sign: signal.Signals) -> None:
    try:
        os.kill(pid, sign)
    except ProcessLookupError:
        pass


def _kill_session(leader: int) -> None:
    """Kill the descendants a dead leader left; the number of a session in use is given to nobody else."""
    for pid in _living_pids():
        try:
            if os.getsid(pid) == leader:
                _send(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
