"""The directory where one copy of CityJobs keeps its state, its locks and its secrets."""

import fcntl
import hashlib
import json
import os
import pwd
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# sun_path holds 108 bytes with its final NUL; PostgreSQL adds "/.s.PGSQL.5432".
_LONGEST_SOCKET_DIRECTORY = 107 - len("/.s.PGSQL.5432")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")


class Refused(Exception):
    """Starting is impossible; the message is one French sentence for the person at the keyboard."""


def write_private(path: Path, content: str) -> None:
    """Replace a file by one that only its owner reads; a crash leaves the old one or the new one."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def remembered_secrets(path: Path, names: tuple[str, ...]) -> dict[str, str]:
    """The secrets kept in a file, drawn at random the first time each name is asked for."""
    kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    missing = [name for name in names if name not in kept]
    if missing:
        kept.update({name: secrets.token_urlsafe(32) for name in missing})
        write_private(path, json.dumps(kept, indent=1))
    return {name: kept[name] for name in names}


def make_directory(path: Path, mode: int, owner: pwd.struct_passwd | None = None) -> None:
    """Create a directory of ours, or give it back its owner and mode. Its parents are never touched."""
    path.mkdir(mode=mode, exist_ok=True)
    if owner is not None:
        os.chown(path, owner.pw_uid, owner.pw_gid)
    path.chmod(mode)


@contextmanager
def held_lock(path: Path, refusal: str) -> Iterator[None]:
    """Hold an exclusive lock; raises Refused when somebody has it. The kernel frees it if we die."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(refusal) from None
        yield
    finally:
        os.close(descriptor)


def socket_directory(wanted: Path, owner: pwd.struct_passwd | None = None) -> Path:
    """A private directory for a unix socket.

    `wanted` itself, or, when that path is too long for a socket or needs quoting in an address, a directory
    of the temporary folder named after a hash of it. Raises Refused when another user holds that name.
    """
    if len(os.fsencode(wanted)) <= _LONGEST_SOCKET_DIRECTORY and _PLAIN_PATH.fullmatch(str(wanted)):
        make_directory(wanted, 0o700, owner)
        return wanted
    label = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]
    short = Path(tempfile.gettempdir()).resolve() / f"cityjobs-{label}"
    uid = owner.pw_uid if owner else os.geteuid()
    try:
        short.mkdir(mode=0o700)
    except FileExistsError:
        found = short.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {uid, os.geteuid()}:
            raise Refused(
                f"Le dossier {short} appartient à un autre compte : supprimez-le, puis relancez."
            ) from None
    make_directory(short, 0o700, owner)
    return short


def leave_socket_directory(used: Path, wanted: Path) -> None:
    """Remove the directory socket_directory chose outside the home, if it did."""
    if used != wanted:
        shutil.rmtree(used, ignore_errors=True)


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A home for tests: short, and traversable by the account PostgreSQL runs as when we are root."""
    with tempfile.TemporaryDirectory(prefix="cj-") as name:
        path = Path(name).resolve()
        path.chmod(0o711)
        yield path
