"""Real PostgreSQL and Valkey for the whole run, one database per xdist worker, pages read by a client with manners."""

import gc
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from cityjobs.core.db import db
from cityjobs.core.post import Letter
from cityjobs.embedded.postgres import EmbeddedPostgres
from cityjobs.embedded.valkey import EmbeddedValkey
from tests.chromium import browser
from tests.manners import PageClient
from tests.sharing import SharedScheduling
from tests.world import World

TEMPLATE = "cityjobs_template"
SECRET = "h7Qm2Zx9Lw4Rt8Vb1Nc6Ys3Kd5Jf0Gp" + "a"
_running: dict[str, Any] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--soak`: the whole of each proof, in hours rather than seconds."""
    parser.addoption("--soak", action="store_true", help="Try each proof as often as its full form asks.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to `--soak` what is marked for it, and say how many those are."""
    if not config.getoption("--soak"):
        left = [item for item in items if item.get_closest_marker("soak")]
        items[:] = [item for item in items if not item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=left)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left, for workers do not."""
    if not terminalreporter.config.getoption("--soak"):
        terminalreporter.write_line("Left to `make soak`: what is marked soak, and the proofs whole.")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharedScheduling:
    """Who runs which test."""
    return SharedScheduling(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Once per run, before the workers start: the servers, and a migrated template database."""
    gc.set_threshold(100_000, 20, 20)
    if hasattr(config, "workerinput"):
        return
    home = Path(tempfile.mkdtemp(prefix="cityjobs-tests-", dir="/tmp"))
    home.chmod(0o755)
    postgres = _running["postgres"] = EmbeddedPostgres(home / "postgres", durable=False).start()
    valkey = _running["valkey"] = EmbeddedValkey(home / "valkey", durable=False).start()
    _running["home"] = home
    postgres.create_database(TEMPLATE)
    os.environ["CITYJOBS_TEST_HOME"] = str(home)
    os.environ["CITYJOBS_TEST_REDIS"] = valkey.url()
    for role in ("postgres", "cityjobs_owner", "cityjobs_web", "cityjobs_worker"):
        os.environ[f"CITYJOBS_TEST_{role.upper()}"] = postgres.url(role, "DATABASE")
    _migrate()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers and forget their files."""
    if hasattr(config, "workerinput") or not _running:
        return
    import shutil

    _running["valkey"].stop()
    _running["postgres"].stop()
    shutil.rmtree(_running["home"], ignore_errors=True)


def _migrate() -> None:
    from alembic import command
    from flask_migrate import Migrate

    from config import load_settings

    bare = Flask("migrations")
    bare.config.update(load_settings(environment(TEMPLATE)).flask_config())
    db.init_app(bare)
    migrate = Migrate(bare, db, directory="migrations")
    with bare.app_context():
        command.upgrade(migrate.get_config(), "head")
        db.engine.dispose()


def environment(database: str, **more: str) -> dict[str, str]:
    """What a process of the application needs to work on one of the test databases."""
    return {
        "ENVIRONMENT": "test",
        "SECRET_KEY": SECRET,
        "PROCESS": "web",
        "DATABASE_URL": _url("cityjobs_web", database),
        "WORKER_DATABASE_URL": _url("cityjobs_worker", database),
        "OWNER_DATABASE_URL": _url("cityjobs_owner", database),
        "REDIS_URL": os.environ["CITYJOBS_TEST_REDIS"],
        "SMTP_URL": "smtp://127.0.0.1:1",
        "BASE_URL": "http://localhost",
        "MAIL_FROM": "CityJobs <cityjobs@cityjobs.example>",
        "CITYJOBS_HOME": os.environ["CITYJOBS_TEST_HOME"],
        **more,
    }


def _url(role: str, database: str) -> str:
    return os.environ[f"CITYJOBS_TEST_{role.upper()}"].replace("/DATABASE?", f"/{database}?")


OF_A_CITE = {
    "public.list_item": "where cite_id is not null",
    "public.exit_ruleset": "where cite_id is not null",
    "public.exit_rule": "where ruleset_id not in (select id from exit_ruleset where cite_id is null)",
}
"""Which rows of a table a test may have written, where the migrations wrote others."""


class Databases:
    """The database of this xdist worker, and ways into it as each role."""

    def __init__(self, name: str) -> None:
        self.name = name
        with psycopg.connect(_url("postgres", "postgres"), autocommit=True) as server:
            # Roles are of the whole server: one worker at a time.
            server.execute("select pg_advisory_lock(1)")
            server.execute(f"drop database if exists {name} with (force)")
            server.execute(
                f"create database {name} template {TEMPLATE} strategy wal_log owner cityjobs_owner"
            )
            with psycopg.connect(_url("postgres", name), autocommit=True) as own:
                own.execute((Path("cityjobs/embedded/roles.sql")).read_text())
        self.superuser = psycopg.connect(_url("postgres", name), autocommit=True)
        self.superuser.execute("set session_replication_role = replica")
        self.emptied = count(1)
        self.tables = [
            row[0]
            for row in self.superuser.execute(
                "select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables where schemaname in ('public', 'audit')"
                " and tablename <> 'alembic_version'"
            )
        ]
        self.worker_engine = sa.create_engine(
            _url("cityjobs_worker", name).replace("postgresql://", "postgresql+psycopg://")
        )

    def url(self, role: str) -> str:
        """The libpq address of this database for a role."""
        return _url(role, self.name)

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a real process on this database."""
        return environment(self.name, **more)

    def empty(self) -> None:
        """Leave no row behind, but those of the nation that the migrations write."""
        self.superuser.execute(
            "; ".join(f"delete from {table} {OF_A_CITE.get(table, '')}" for table in self.tables)
        )
        if next(self.emptied) % 40 == 0:
            self.sweep()

    def sweep(self) -> None:
        """Give back the room of deleted rows: a test that reads whole tables is five times slower among many."""
        self.superuser.execute("vacuum")

    @contextmanager
    def connected_as(self, database_role: str, /, **settings: object) -> Iterator[psycopg.Connection[Any]]:
        """A connection as one role, with cityjobs.<setting> told for the one transaction that is rolled back."""
        with psycopg.connect(self.url(database_role)) as connection:
            for name, value in settings.items():
                connection.execute("select set_config(%s, %s, true)", (f"cityjobs.{name}", str(value or "")))
            yield connection
            connection.rollback()


@pytest.fixture(scope="session")
def databases(worker_id: str) -> Iterator[Databases]:
    """This worker's own database, cloned from the migrated template."""
    mine = Databases(f"cityjobs_{worker_id}")
    yield mine
    mine.superuser.close()
    mine.worker_engine.dispose()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The one browser of this worker: Playwright starts only once in a process."""
    with browser() as running:
        yield running


class Letterbox:
    """Where letters go in tests: the contract of cityjobs.core.post.Postman, and nothing leaves."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, Letter]] = []
        self.refuses: Exception | None = None

    def send(self, letter: Letter, *, to: str, reference: uuid.UUID) -> None:
        """Keep the letter, or fail as a mail server would."""
        assert isinstance(reference, uuid.UUID)
        if self.refuses:
            raise self.refuses
        self.letters.append((to, letter))

    def to(self, address: str) -> list[Letter]:
        """Letters received at an address."""
        return [letter for recipient, letter in self.letters if recipient == address]


@pytest.fixture(scope="session")
def built_app(databases: Databases) -> Iterator[Flask]:
    """The whole application, on this worker's database, as the web's role."""
    from cityjobs.app import create_app
    from config import load_settings

    app = create_app(load_settings(databases.environment()).flask_config())
    app.testing = True
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(built_app: Flask, databases: Databases) -> Iterator[Flask]:
    """The application over an empty database."""
    databases.empty()
    built_app.extensions["postman"] = Letterbox()
    _forget_throttling(built_app)
    return built_app


def _forget_throttling(app: Flask) -> None:
    limiter = app.extensions.get("cityjobs.limiter")
    if limiter is not None:
        limiter.reset()


@pytest.fixture
def letterbox(app: Flask) -> Letterbox:
    """The letters of this test."""
    box: Letterbox = app.extensions["postman"]
    return box


@pytest.fixture
def world(app: Flask, databases: Databases) -> Iterator[World]:
    """Makes Cités, professionals and persons, committed as the worker's role does."""
    with databases.worker_engine.connect() as connection:
        made = World(connection)
        yield made
        made.session.close()


@pytest.fixture
def client(app: Flask) -> PageClient:
    """Nobody signed in."""
    return PageClient(app)


@pytest.fixture
def client_of(app: Flask, world: World) -> Callable[[Any], PageClient]:
    """A client signed in as a professional made by `world`, as the membership given or their first one."""

    def sign_in(member: Any) -> PageClient:
        client = PageClient(app)
        with client.session_transaction() as cookie:
            cookie["_user_id"] = world.open_session(member)
            cookie["_fresh"] = True
        return client

    return sign_in


@pytest.fixture(scope="session")
def built_worker(databases: Databases) -> Iterator[Flask]:
    """The whole application, on this worker's database, as the role of whoever takes tasks."""
    from cityjobs.app import create_app
    from config import load_settings

    app = create_app(load_settings(databases.environment(PROCESS="worker")).flask_config())
    app.testing = True
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def as_worker(built_worker: Flask) -> Iterator[Flask]:
    """The same application as a worker sees it: Celery's tasks can be called in it."""
    built_worker.extensions["celery"].set_default()
    built_worker.extensions["celery"].set_current()
    built_worker.extensions["postman"] = Letterbox()
    settings = dict(built_worker.config)
    yield built_worker
    built_worker.config.update(settings)


@pytest.fixture
def count_queries(app: Flask) -> Callable[[], Any]:
    """`with count_queries() as statements: …` lists the SQL sent meanwhile, but for telling who asks."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        seen: list[str] = []

        def note(_c: object, _cur: object, statement: str, *_rest: object) -> None:
            if "set_config" not in statement:
                seen.append(statement)

        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(engine, "before_cursor_execute", note)

    return counting
