"""The embedded PostgreSQL survives any death and never takes another program for its own."""

import os
import pwd
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from cityjobs.embedded import children
from cityjobs.embedded.home import Refused
from cityjobs.embedded.postgres import EmbeddedPostgres
from tests.embedded.conftest import ROOT, wait_until

START_AND_WAIT = """
import sys, time
from pathlib import Path
from cityjobs.embedded.postgres import EmbeddedPostgres
print(EmbeddedPostgres(Path(sys.argv[1]), durable=False).start().child.pid, flush=True)
time.sleep(60)
"""


def ask(server: EmbeddedPostgres, query: str, role: str = "cityjobs_owner") -> list[tuple[object, ...]]:
    with psycopg.connect(server.url(role)) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


def driver_of(home: Path) -> tuple[subprocess.Popen[str], int]:
    """Another Python that drives the server of a home; it and the server's pid."""
    argv = [sys.executable, "-c", START_AND_WAIT, str(home)]
    driver = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    with driver.stdout:
        return driver, int(driver.stdout.readline())


def test_keeps_rows_from_one_start_to_the_next(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    with EmbeddedPostgres(home) as server:
        assert ask(server, "SELECT answer FROM kept") == [(42,)]


def test_the_application_roles_own_nothing_and_cannot_bypass_policies(home: Path) -> None:
    with EmbeddedPostgres(home, durable=False) as server:
        server.create_database("model")
        server.create_database("clone", "model")
        for database in ("cityjobs", "clone"):
            for role in ("cityjobs_web", "cityjobs_worker"):
                with psycopg.connect(server.url(role, database)) as connection:
                    rights = "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles"
                    assert (
                        connection.execute(f"{rights} WHERE rolname = current_user").fetchone()
                        == (False,) * 4
                    )
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        connection.execute("CREATE TABLE mine ()")
                with (
                    psycopg.connect(server.url(role, database)) as connection,
                    pytest.raises(psycopg.errors.InsufficientPrivilege),
                ):
                    connection.execute("CREATE TEMPORARY TABLE mine ()")
        server.drop_database("clone")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(server.url("cityjobs_web", "clone"))


def test_asks_for_the_password_and_listens_on_no_network(home: Path) -> None:
    with EmbeddedPostgres(home, durable=False) as server:
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.url().replace("cityjobs_web:", "cityjobs_web:x"))
        assert ask(server, "SHOW listen_addresses") == [("",)]


def test_a_pid_file_naming_a_living_stranger_stops_nobody(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        ask(server, "CREATE TABLE kept AS SELECT 1 AS one")
        child = server.child
        assert child is not None
        pid_file = (server.data / "postmaster.pid").read_text()
        child.kill()
        child.wait()
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    stranger = subprocess.Popen(["sleep", "60"], user=account.pw_uid if account else None)
    try:
        stale = pid_file.replace(str(child.pid), str(stranger.pid), 1)
        (home / "data" / "postmaster.pid").write_text(stale)
        (home / "run" / ".s.PGSQL.5432.lock").write_text(stale)
        with EmbeddedPostgres(home, durable=False) as server:
            assert ask(server, "SELECT one FROM kept") == [(1,)]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_recorded_pid_that_lives_again_is_left_alone(home: Path) -> None:
    with EmbeddedPostgres(home, durable=False):
        pass
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (home / "pids" / "postgres").write_text(f"{stranger.pid} another-boot 1")
        with EmbeddedPostgres(home, durable=False):
            assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_the_server_follows_its_killed_driver(home: Path) -> None:
    driver, server = driver_of(home)
    driver.kill()
    driver.wait()
    wait_until(lambda: children.birth_of(server) is None)
    with EmbeddedPostgres(home, durable=False) as mine:
        assert ask(mine, "SELECT 1") == [(1,)]


def test_starts_again_after_driver_and_server_were_killed_together(home: Path) -> None:
    driver, server = driver_of(home)
    os.kill(driver.pid, signal.SIGSTOP)
    os.kill(server, signal.SIGKILL)
    driver.kill()
    driver.wait()
    with EmbeddedPostgres(home, durable=False) as mine:
        assert ask(mine, "SELECT 1") == [(1,)]


def test_a_home_has_one_driver_at_a_time(home: Path) -> None:
    with EmbeddedPostgres(home, durable=False) as server:
        with pytest.raises(Refused, match="déjà utilisé"):
            EmbeddedPostgres(home, durable=False).start()
        assert ask(server, "SELECT 1") == [(1,)]


def test_an_interrupted_creation_is_begun_again(home: Path) -> None:
    (home / "data.partial").mkdir()
    (home / "data.partial" / "rubbish").touch()
    with EmbeddedPostgres(home, durable=False) as server:
        assert ask(server, "SELECT 1") == [(1,)]


def test_a_long_path_with_spaces_gets_a_short_socket_and_leaves_nothing_behind(home: Path) -> None:
    deep = home / "une très longue adresse" / ("x" * 120)
    deep.parent.mkdir(mode=0o711)
    with EmbeddedPostgres(deep, durable=False) as server:
        directory = Path(server.url().partition("host=")[2])
        assert ask(server, "SELECT 1") == [(1,)]
        assert directory.stat().st_mode & 0o777 == 0o700
    assert not directory.exists()


def test_two_homes_live_side_by_side(home: Path) -> None:
    with (
        EmbeddedPostgres(home / "a", durable=False) as one,
        EmbeddedPostgres(home / "b", durable=False) as two,
    ):
        ask(one, "CREATE TABLE only_here ()")
        assert ask(two, "SELECT to_regclass('only_here')") == [(None,)]


def test_errors_do_not_write_what_was_typed_into_the_log(home: Path) -> None:
    with EmbeddedPostgres(home, durable=False) as server:
        ask(server, "CREATE TABLE person (name text UNIQUE)")
        ask(server, "INSERT INTO person VALUES ('Amel')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            ask(server, "INSERT INTO person VALUES ('Amel')")
    log = server.log.read_text()
    assert "duplicate key" in log
    assert "Amel" not in log
