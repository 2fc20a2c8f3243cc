"""Start every program of CityJobs on this machine, keep them running, and leave none behind."""

import errno
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from cityjobs.embedded import children
from cityjobs.embedded.home import Refused, held_lock, make_directory, remembered_secrets, write_private
from cityjobs.embedded.postgres import EmbeddedPostgres
from cityjobs.embedded.valkey import EmbeddedValkey
from config import default_home

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_PORT = 8000
FREE_SPACE = 300_000_000  # bytes, for the database, its journal and the logs
PATIENCE_TO_STOP = 15  # seconds for requests and tasks under way
PATIENCE_TO_BE_GREEN = 40  # seconds before a web that answers, but not all green, is announced anyway
PATIENCE_TO_ANSWER = 90  # seconds
MOST_DEATHS = 3  # of one program within DEATH_PERIOD; one more and everything stops
DEATH_PERIOD = 60  # seconds
GIVEN_BY_US = (
    "DATABASE_URL", "WORKER_DATABASE_URL", "OWNER_DATABASE_URL", "REDIS_URL", "SMTP_URL", "MAIL_FROM",
    "SECRET_KEY", "BASE_URL", "PROCESS", "TRUSTED_PROXIES", "ENVIRONMENT", "CITYJOBS_HOME", "FLASK_APP",
    "FLASK_RUN_FROM_CLI", "FLASK_DEBUG",
)  # fmt: skip


class StopAsked(Exception):
    """A signal, or the death of who launched us, asks for the end."""


@dataclass(frozen=True)
class Program:
    """A program to keep running: its name in the home, how to call it in a sentence, how to start it."""

    name: str
    label: str
    argv: list[str]
    env: Mapping[str, str]
    pass_fds: tuple[int, ...] = ()


class Supervisor:
    """One running copy of CityJobs.

    `application` is the module that holds `app` (Flask) and `celery`, and whose Flask commands include
    `db upgrade` and `demo`; `wsgi` always, except in the tests of this room, which pass a small one.
    """

    def __init__(self, environ: Mapping[str, str], application: str = "wsgi") -> None:
        self.home = default_home(environ)
        self.environ = environ
        self.application = application
        self.environment = environ.get("ENVIRONMENT") or "demo"
        self.port = _port_of(environ)
        self.postgres = EmbeddedPostgres(self.home / "postgres")
        self.valkey = EmbeddedValkey(self.home / "valkey")
        self.programs: dict[str, tuple[Program, subprocess.Popen[bytes]]] = {}
        self.errand: subprocess.Popen[bytes] | None = None
        self.settings: dict[str, str] = {}
        self._held = ExitStack()
        self._launcher = os.getppid() if "MAKELEVEL" in environ else None
        self._deaths: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=MOST_DEATHS + 1))

    def run(self) -> int:
        """Start, announce, watch until asked to stop; the exit code."""
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if sign != signal.SIGHUP or signal.getsignal(sign) != signal.SIG_IGN:  # nohup wants to be heard
                signal.signal(sign, _ask_to_stop)
        code = 0
        try:
            self._start()
            self._watch()
        except StopAsked:
            say("\nArrêt de CityJobs…")
        except Refused as refusal:
            say(str(refusal), sys.stderr)
            code = 1
        except OSError as error:
            say(_sentence_of(error, self.home), sys.stderr)
            code = 1
        finally:
            _ignore_signals()
            self._stop()
        return code

    def _start(self) -> None:
        self._make_home()
        web = self._listen(self.port)
        page, post = self._listen_for_mail()
        if children.stop_leftovers(self.home, patience=PATIENCE_TO_STOP):
            say("Un arrêt brutal a laissé des programmes : ils sont arrêtés, et tout reprend.")
        say("Démarrage de PostgreSQL et de Valkey…")
        self.valkey.start()
        self.postgres.start()
        self._write_settings(post)
        self._keep(self._mail_catcher(post, page))
        accounts = self._take_first_steps()
        for program in self._applications(web):
            self._keep(program)
        self._wait_for_web()
        self._announce(accounts, page)

    def _stop(self) -> None:
        running = [child for _, child in self.programs.values()]
        if self.errand is not None:
            running.append(self.errand)
        children.stop(running, signal.SIGTERM, PATIENCE_TO_STOP)
        self.valkey.stop()
        self.postgres.stop()
        self._held.close()

    def _watch(self) -> None:
        """Bring back what dies; give up on what dies too often."""
        while True:
            self._check_launcher()
            for program, child in list(self.programs.values()):
                if child.poll() is not None:
                    children.stop([child], signal.SIGTERM, 1)
                    self._mourn(program.label, program.name, child.returncode, self._log(program.name))
                    self._keep(program)
            for server, label in ((self.postgres, "PostgreSQL"), (self.valkey, "Valkey")):
                if server.child is not None and server.child.poll() is not None:
                    code = server.child.returncode
                    server.stop()
                    self._mourn(label, label, code, server.log)
                    server.start()
            time.sleep(0.25)

    def _mourn(self, label: str, name: str, code: int, log: Path) -> None:
        if shutil.disk_usage(self.home).free < FREE_SPACE // 20:
            raise Refused(
                f"{label} s’est arrêté et le disque est plein : libérez de la place, puis relancez."
            )
        deaths = self._deaths[name]
        deaths.append(time.monotonic())
        if len(deaths) > MOST_DEATHS and deaths[-1] - deaths[0] < DEATH_PERIOD:
            raise Refused(
                f"{label} s’arrête sans cesse (code {code}) : tout s’arrête. Son journal est {log}."
            )
        say(f"{label} s’est arrêté (code {code}) : redémarrage. Son journal est {log}.", sys.stderr)

    def _make_home(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        make_directory(self.home, 0o711 if os.geteuid() == 0 else 0o700)
        self._held.enter_context(
            held_lock(
                self.home / "lock",
                f"CityJobs tourne déjà avec {self.home} : arrêtez-le, ou changez CITYJOBS_HOME.",
            )
        )
        free = shutil.disk_usage(self.home).free
        if free < FREE_SPACE:
            raise Refused(
                f"Le disque est plein : il reste {free // 1_000_000} Mo pour {self.home}, il en faut "
                f"{FREE_SPACE // 1_000_000}. Libérez de la place, puis relancez."
            )
        make_directory(self.home / "logs", 0o700)
        make_directory(self.home / "mails", 0o700)

    def _listen(self, port: int) -> socket.socket:
        """A listening socket on loopback, which programs receive and may die without losing."""
        try:
            listening = socket.create_server(("127.0.0.1", port), backlog=256)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Refused(
                    f"Le port {port} est déjà pris : choisissez-en un autre, « PORT={port + 10} make run »."
                ) from None
            if error.errno == errno.EACCES:
                raise Refused(
                    f"Ce compte ne peut pas ouvrir le port {port} : « PORT=8000 make run »."
                ) from None
            raise
        self._held.callback(listening.close)
        return listening

    def _listen_for_mail(self) -> tuple[socket.socket, socket.socket]:
        """The sockets of the mail page (PORT + 25 when free) and of SMTP (any)."""
        try:
            page = self._listen(self.port + 25)
        except (Refused, OverflowError):
            page = self._listen(0)
        return page, self._listen(0)

    def _write_settings(self, post: socket.socket) -> None:
        secret = remembered_secrets(self.home / "secrets.json", ("secret_key",))["secret_key"]
        self.settings = {
            "ENVIRONMENT": self.environment,
            "BASE_URL": f"http://127.0.0.1:{self.port}",
            "SECRET_KEY": secret,
            "DATABASE_URL": self.postgres.url("cityjobs_web"),
            "WORKER_DATABASE_URL": self.postgres.url("cityjobs_worker"),
            "OWNER_DATABASE_URL": self.postgres.url("cityjobs_owner"),
            "REDIS_URL": self.valkey.url(),
            "SMTP_URL": f"smtp://127.0.0.1:{post.getsockname()[1]}",
            "MAIL_FROM": "CityJobs <ne-pas-repondre@cityjobs.example>",
        }
        lines = "".join(f"{name}={value}\n" for name, value in self.settings.items())
        write_private(self.home / "settings.env", lines)

    def _base_environment(self) -> dict[str, str]:
        kept = {name: value for name, value in self.environ.items() if name not in GIVEN_BY_US}
        return {**kept, "CITYJOBS_HOME": str(self.home), "PYTHONUNBUFFERED": "1"}

    def _environment_for(self, process: str) -> dict[str, str]:
        """Each process gets its own database role and no other."""
        hidden = {
            "web": {"WORKER_DATABASE_URL", "OWNER_DATABASE_URL"},
            "worker": {"DATABASE_URL", "OWNER_DATABASE_URL"},
            "command": {"DATABASE_URL"},
        }[process]
        given = {name: value for name, value in self.settings.items() if name not in hidden}
        return {**self._base_environment(), **given, "PROCESS": process}

    def _mail_catcher(self, post: socket.socket, page: socket.socket) -> Program:
        argv = _python("-m", "cityjobs.embedded.mail_catcher", str(self.home / "mails"))
        argv += ["--smtp", str(post.fileno()), "--page", str(page.fileno())]
        return Program(
            "mail", "Le courrier local", argv, self._base_environment(), (post.fileno(), page.fileno())
        )

    def _applications(self, web: socket.socket) -> list[Program]:
        worker = self._environment_for("worker")
        celery = _python("-m", "celery", "-A", f"{self.application}:celery")
        gunicorn = _python("-m", "gunicorn", f"{self.application}:app", "--bind", f"fd://{web.fileno()}")
        gunicorn += ["--worker-class", "gthread", "--workers", "2", "--threads", "4", "--timeout", "60"]
        gunicorn += ["--graceful-timeout", "10", "--no-control-socket"]
        beat = ["beat", "--schedule", str(self.home / "beat-schedule"), "--pidfile=", "--loglevel", "INFO"]
        working = [
            "worker",
            "-P",
            "threads",
            "-c",
            "4",
            "--loglevel",
            "INFO",
            "--without-mingle",
            "--without-gossip",
        ]
        return [
            Program("web", "Le site", gunicorn, self._environment_for("web"), (web.fileno(),)),
            Program("worker", "Celery", [*celery, *working], worker),
            Program("beat", "L’horloge de Celery", [*celery, *beat], worker),
        ]

    def _keep(self, program: Program) -> None:
        self.programs[program.name] = (program, self._spawn(program))

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        return children.spawn(
            program.argv,
            home=self.home,
            name=program.name,
            env=program.env,
            log=self._log(program.name),
            cwd=ROOT,
            pass_fds=program.pass_fds,
        )

    def _log(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"

    def _take_first_steps(self) -> str:
        """Migrate, and for a demo fill an empty database; the demo accounts, as text. Raises Refused."""
        argv = _python("-m", "cityjobs.embedded.first_steps", self.application)
        accounts = self.home / "accounts.txt"
        accounts.unlink(missing_ok=True)
        if self.environment == "demo":
            argv += ["--demo", str(accounts)]
            say("Mise à jour de la base, et données de démonstration si elle est vide…")
        else:
            say("Mise à jour de la base…")
        log = self._log("first-steps")
        log.unlink(missing_ok=True)
        label = "La préparation de la base"
        self.errand = self._spawn(Program("first-steps", label, argv, self._environment_for("command")))
        code = self._wait_watching(self.errand.poll)
        self.errand = None
        if code != 0:
            raise Refused(f"{label} a échoué (code {code}). Son journal est {log} :\n{_end_of(log)}")
        return accounts.read_text(encoding="utf-8") if accounts.exists() else ""

    def _wait_watching(self, ended: Callable[[], int | None]) -> int:
        while (code := ended()) is None:
            self._check_launcher()
            time.sleep(0.05)
        return code

    def _wait_for_web(self) -> None:
        """Until /healthz is green; a web that answers but is not all green is announced with a warning."""
        began = time.monotonic()
        while True:
            self._check_launcher()
            for program, child in self.programs.values():
                if child.poll() is not None:
                    log = self._log(program.name)
                    raise Refused(
                        f"{program.label} s’arrête en démarrant. Son journal est {log} :\n{_end_of(log)}"
                    )
            status, body = _ask_health(self.port)
            waited = time.monotonic() - began
            if status == 200:
                return
            if status is not None and waited > PATIENCE_TO_BE_GREEN:
                say(f"Attention : /healthz répond {status} {body}", sys.stderr)
                return
            if waited > PATIENCE_TO_ANSWER:
                raise Refused(f"Le site ne répond pas. Son journal est {self._log('web')}.")
            time.sleep(0.1)

    def _announce(self, accounts: str, page: socket.socket) -> None:
        say(f"\nCityJobs: http://127.0.0.1:{self.port}\n")
        if accounts:
            say(accounts.rstrip() + "\n")
        say(f"Courrier envoyé : http://127.0.0.1:{page.getsockname()[1]}")
        say(f"État et journaux : {self.home}")
        say("Ctrl-C pour tout arrêter.")

    def _check_launcher(self) -> None:
        """`make` killed without a word leaves us to another parent: nobody would stop us any more."""
        if self._launcher is not None and os.getppid() != self._launcher:
            raise StopAsked


def say(sentence: str, stream: object = None) -> None:
    """Print; a closed terminal is no reason to fail."""
    try:
        print(sentence, file=stream or sys.stdout, flush=True)  # type: ignore[arg-type]
    except (OSError, ValueError):
        pass


def _ask_to_stop(_sign: int, _frame: FrameType | None) -> None:
    _ignore_signals()  # once is enough, and what follows is bounded
    raise StopAsked


def _ignore_signals() -> None:
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)


def _python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def _end_of(log: Path) -> str:
    return "\n".join(f"  | {line}" for line in log.read_text(errors="replace").splitlines()[-15:])


def _port_of(environ: Mapping[str, str]) -> int:
    asked = environ.get("PORT") or str(DEFAULT_PORT)
    if not asked.isascii() or not asked.isdigit() or not 1 <= int(asked) <= 65535:
        raise Refused(f"PORT vaut « {asked} » : il faut un nombre de 1 à 65535, « PORT=8000 make run ».")
    return int(asked)


def _ask_health(port: int) -> tuple[int | None, str]:
    """The status and body of /healthz, or None while nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status, answer.read(2000).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException):
        return None, ""
    finally:
        connection.close()


def _sentence_of(error: OSError, home: Path) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"Le disque est plein : libérez de la place pour {home}, puis relancez."
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}:
        return (
            f"Ce compte ne peut pas écrire dans {error.filename or home} : choisissez un autre CITYJOBS_HOME."
        )
    return f"Le système refuse : {error}."
