"""What differs between machines, read from the environment; one refusal names all that is wrong."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from typing import Literal, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

_ROOT = Path(__file__).resolve().parent
_DATABASE_VARIABLES = ("DATABASE_URL", "WORKER_DATABASE_URL", "OWNER_DATABASE_URL")
_POSTGRESQL_SCHEMES = {"postgresql", "postgres", "postgresql+psycopg"}
_SMTP_SCHEMES = {"smtp", "smtp+starttls", "smtps"}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_PLACEHOLDERS = (
    "changeme",
    "change-me",
    "change_me",
    "placeholder",
    "your-",
    "example",
    "secret-key",
    "secret_key",
)
_TEST_DEFAULTS = {
    "BASE_URL": "http://localhost",
    "SMTP_URL": "smtp://127.0.0.1:1",
    "MAIL_FROM": "CityJobs <cityjobs@cityjobs.example>",
    "REDIS_URL": "memory://",
}


class ConfigurationRefused(Exception):
    """CityJobs cannot start with these values; `problems` lists everything that is missing or unsafe."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("Configuration refusée :\n" + "\n".join(f"  - {problem}" for problem in problems))


@dataclass(frozen=True)
class RedisForms:
    """One Redis or Valkey address as each library wants it written."""

    client: str
    celery: str
    limiter: str


def redis_forms(url: str) -> RedisForms:
    """The spellings of `redis://…`, `rediss://…`, `unix://:password@/path?db=0` or, in tests, `memory://`.

    Only a unix socket is spelt differently by each library.
    """
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return RedisForms(url, url, url)
    database = parse_qs(parts.query).get("db", ["0"])[0]
    place = f"{parts.netloc}{parts.path}"
    return RedisForms(
        client=f"unix://{place}?db={database}",
        celery=f"redis+socket://{place}?virtual_host={database}",
        limiter=f"redis+unix://{place}?db={database}",
    )


class Settings(BaseSettings):
    """The values of one process, already checked. Made by load_settings."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    environment: Literal["production", "demo", "development", "test"] = "production"
    process: Literal["web", "worker", "command"] = "web"
    database_url: str | None = None
    worker_database_url: str | None = None
    owner_database_url: str | None = None
    redis_url: str = ""
    smtp_url: str = ""
    mail_from: str = ""
    secret_key: str = ""
    base_url: str = ""
    trusted_proxies: int = 0
    web_bind: str = ""
    metrics_token: str = ""
    error_tracker_dsn: str = ""
    state_dir: Path

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what load_settings gives: it has merged the environment with the local home."""
        return (init_settings,)

    @classmethod
    def read(cls, values: Mapping[str, str], state_dir: Path) -> Self:
        known = {name: values[name.upper()] for name in cls.model_fields if values.get(name.upper())}
        return cls.model_validate({**known, "state_dir": state_dir})

    def flask_config(self) -> dict[str, object]:
        """What `app.config` receives."""
        forms = redis_forms(self.redis_url)
        base = urlsplit(self.base_url)
        secure = base.scheme == "https"
        return {
            "ENVIRONMENT": self.environment,
            "DEMO": self.environment == "demo",
            "TESTING": self.environment == "test",
            "PROCESS": self.process,
            "SECRET_KEY": self.secret_key,
            "BASE_URL": self.base_url.rstrip("/"),
            "PREFERRED_URL_SCHEME": base.scheme,
            "TRUSTED_HOSTS": sorted({base.hostname or "localhost", "localhost", "127.0.0.1"}),
            "OWN_HOSTS": self.own_hosts,
            "TRUSTED_PROXIES": self.trusted_proxies,
            "METRICS_TOKEN": self.metrics_token,
            "ERROR_TRACKER_DSN": self.error_tracker_dsn,
            "SQLALCHEMY_DATABASE_URI": self.database_uri,
            "SQLALCHEMY_ENGINE_OPTIONS": self._engine_options(),
            "OWNER_DATABASE_URI": _sqlalchemy_form(self.owner_database_url),
            "SMTP_URL": self.smtp_url,
            "MAIL_FROM": self.mail_from,
            "REDIS_CLIENT_URL": forms.client,
            "CELERY_BROKER_URL": forms.celery,
            "LIMITER_STORAGE_URI": forms.limiter,
            "SESSION_COOKIE_NAME": self._cookie_name(),
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Lax",
            "SESSION_COOKIE_SECURE": secure,
            "SESSION_COOKIE_PATH": "/",
            "MAX_CONTENT_LENGTH": 16 * 1024 * 1024,
            "MAX_FORM_MEMORY_SIZE": 1024 * 1024,
            "MAX_FORM_PARTS": 2000,
        }

    @property
    def database_uri(self) -> str | None:
        """The database of this process for SQLAlchemy, as the role that fits it."""
        return _sqlalchemy_form(self.database_url if self.process == "web" else self.worker_database_url)

    @property
    def own_hosts(self) -> list[str]:
        """How watchers write this web host in the address: WEB_BIND, with and without its port. None when it is every address."""
        host, _, port = self.web_bind.rpartition(":")
        if not port.isdecimal() or host in {"", "0.0.0.0", "[::]", "unix"}:  # noqa: S104 - not bound here
            return []
        return [host.lower(), f"{host}:{port}".lower()]

    def _engine_options(self) -> dict[str, object]:
        session = "-c timezone=UTC -c idle_in_transaction_session_timeout=60000"
        # Each end notices within half a minute that the other host has lost its power or its network.
        session += " -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
        alive = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
        if self.process == "web":
            session += " -c statement_timeout=30000"
        return {
            "pool_pre_ping": True,
            "pool_size": 5,
            "max_overflow": 5,
            "pool_timeout": 10,
            "pool_recycle": 1800,
            "connect_args": {
                "connect_timeout": 5,
                "tcp_user_timeout": 15_000,
                **alive,
                "application_name": f"cityjobs-{self.process}",
                "options": session,
            },
        }

    def _cookie_name(self) -> str:
        """Browsers send a host's cookies to all its ports: two local copies need two names."""
        base = urlsplit(self.base_url)
        if base.scheme == "https":
            return "__Host-cityjobs"
        return f"cityjobs_{base.port or 80}"


def default_home(environ: Mapping[str, str]) -> Path:
    """Where a local copy keeps its state: CITYJOBS_HOME, else /var/lib/cityjobs for root, else ./var."""
    chosen = environ.get("CITYJOBS_HOME")
    if chosen:
        return Path(chosen).expanduser().resolve()
    return Path("/var/lib/cityjobs") if os.geteuid() == 0 else _ROOT / "var"


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment (or `environ`), the credentials, then the local home when no database is named at all.

    Raises ConfigurationRefused with every problem at once.
    """
    stated = os.environ if environ is None else environ
    given = {**_credentials(stated), **stated}
    home = default_home(given)
    values = {**_local_values(given, home), **{name: value for name, value in given.items() if value}}
    values.setdefault("PROCESS", "command" if given.get("FLASK_RUN_FROM_CLI") == "true" else "web")
    if values.get("ENVIRONMENT") == "test":
        values = {**_TEST_DEFAULTS, **values}
    try:
        settings = Settings.read(values, home)
    except ValidationError as error:
        wrong = {
            str(problem["loc"][0]): f"{str(problem['loc'][0]).upper()} : {problem['msg']}"
            for problem in error.errors()
        }
        partial = Settings.read(
            {name: value for name, value in values.items() if name.lower() not in wrong}, home
        )
        raise ConfigurationRefused([*wrong.values(), *_problems_of(partial)]) from None
    problems = _problems_of(settings)
    if problems:
        raise ConfigurationRefused(problems)
    return settings


def _credentials(given: Mapping[str, str]) -> dict[str, str]:
    """The values that the service manager handed over as files, each named like its variable.

    Source: systemd.exec(5), LoadCredential. A secret in a file shows in no listing of processes.
    """
    place = given.get("CREDENTIALS_DIRECTORY")
    if not place:
        return {}
    files = {name.upper(): Path(place) / name.upper() for name in Settings.model_fields}
    return {name: file.read_text(encoding="utf-8").strip() for name, file in files.items() if file.is_file()}


def _local_values(given: Mapping[str, str], home: Path) -> dict[str, str]:
    """What the supervisor of `make run` wrote for commands typed beside it."""
    if any(given.get(name) for name in _DATABASE_VARIABLES):
        return {}
    try:
        lines = (home / "settings.env").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    kept = dict(line.split("=", 1) for line in lines if "=" in line)
    if given.get("ENVIRONMENT", kept.get("ENVIRONMENT")) != kept.get("ENVIRONMENT"):
        return {}
    return kept


def _problems_of(settings: Settings) -> list[str]:
    return [
        *_database_problems(settings),
        *_redis_problems(settings),
        *_mail_problems(settings),
        *_web_problems(settings),
        *_watching_problems(settings),
    ]


def _database_problems(settings: Settings) -> list[str]:
    needed = "DATABASE_URL" if settings.process == "web" else "WORKER_DATABASE_URL"
    addresses = {
        "DATABASE_URL": settings.database_url,
        "WORKER_DATABASE_URL": settings.worker_database_url,
        "OWNER_DATABASE_URL": settings.owner_database_url,
    }
    problems = []
    roles: dict[str, str] = {}
    for name, address in addresses.items():
        if not address:
            if name == needed:
                problems.append(f"{name} manque : l’adresse postgresql:// de la base.")
            continue
        parts = urlsplit(address)
        if parts.scheme not in _POSTGRESQL_SCHEMES:
            problems.append(
                f"{name} doit désigner PostgreSQL (postgresql://…), la seule base prise en charge."
            )
            continue
        role = parts.username or parse_qs(parts.query).get("user", [""])[0]
        if not role:
            problems.append(f"{name} doit nommer le rôle qui se connecte (postgresql://rôle:mot-de-passe@…).")
        elif role == "postgres":
            problems.append(
                f"{name} emploie le superutilisateur « postgres », que les règles d’accès n’arrêtent pas."
            )
        elif role in roles:
            problems.append(
                f"{name} et {roles[role]} emploient le même rôle « {role} » : il en faut un pour chacun."
            )
        else:
            roles[role] = name
    return problems


def _redis_problems(settings: Settings) -> list[str]:
    if not settings.redis_url:
        return ["REDIS_URL manque : l’adresse de Redis ou de Valkey (redis://, rediss:// ou unix://)."]
    scheme = urlsplit(settings.redis_url).scheme
    if scheme in {"redis", "rediss", "unix"} or (scheme == "memory" and settings.environment == "test"):
        return []
    return ["REDIS_URL doit commencer par redis://, rediss:// ou unix://."]


def _mail_problems(settings: Settings) -> list[str]:
    """The web queues letters and sends none: it need not know how."""
    problems = []
    smtp, sends = urlsplit(settings.smtp_url), settings.process != "web"
    if not settings.smtp_url:
        if sends:
            problems.append(
                "SMTP_URL manque : le serveur qui envoie les lettres (smtps://compte:mot-de-passe@serveur)."
            )
    elif smtp.scheme not in _SMTP_SCHEMES or not smtp.hostname:
        problems.append(
            "SMTP_URL doit être de la forme smtps://serveur, smtp+starttls://serveur ou smtp://serveur."
        )
    elif smtp.scheme == "smtp" and smtp.password and smtp.hostname not in _LOOPBACK:
        problems.append(
            "SMTP_URL enverrait le mot de passe en clair : employez smtps:// ou smtp+starttls://."
        )
    if not settings.mail_from:
        if sends:
            problems.append("MAIL_FROM manque : l’adresse d’expéditeur des lettres.")
    elif "@" not in parseaddr(settings.mail_from)[1]:
        problems.append("MAIL_FROM doit être une adresse électronique.")
    return problems


def _web_problems(settings: Settings) -> list[str]:
    problems = []
    secret = settings.secret_key
    if not secret:
        problems.append("SECRET_KEY manque : au moins 32 caractères tirés au hasard.")
    elif len(secret) < 32 or len(set(secret)) < 10:
        problems.append("SECRET_KEY est trop simple : au moins 32 caractères tirés au hasard.")
    elif settings.environment != "test" and any(word in secret.lower() for word in _PLACEHOLDERS):
        problems.append("SECRET_KEY est une valeur d’exemple : tirez-en une au hasard.")
    base = urlsplit(settings.base_url)
    if not settings.base_url:
        problems.append("BASE_URL manque : l’adresse publique du site (https://…).")
    elif base.scheme not in {"http", "https"} or not base.hostname or base.path.strip("/") or base.query:
        problems.append("BASE_URL doit être une adresse sans chemin, comme https://cite.ville.fr.")
    elif base.scheme == "http" and settings.environment == "production":
        problems.append("BASE_URL doit commencer par https:// en production.")
    if settings.trusted_proxies < 0:
        problems.append("TRUSTED_PROXIES est le nombre de relais devant CityJobs : 0 ou plus.")
    return problems


def _watching_problems(settings: Settings) -> list[str]:
    problems = []
    token = settings.metrics_token
    if token and (len(token) < 32 or len(set(token)) < 10):
        problems.append("METRICS_TOKEN est trop simple : au moins 32 caractères tirés au hasard.")
    tracker = urlsplit(settings.error_tracker_dsn)
    if not settings.error_tracker_dsn:
        return problems
    if tracker.scheme not in {"http", "https"} or not tracker.hostname or not tracker.username:
        problems.append("ERROR_TRACKER_DSN doit être de la forme https://clé@serveur/numéro.")
    elif tracker.scheme == "http" and tracker.hostname not in _LOOPBACK:
        problems.append("ERROR_TRACKER_DSN enverrait les incidents en clair : employez https://.")
    return problems


def _sqlalchemy_form(url: str | None) -> str | None:
    return None if url is None else f"postgresql+psycopg://{url.split('://', 1)[1]}"
