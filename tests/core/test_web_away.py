"""A database that cannot be used now says « away » on its page; any other failure of it is an error of ours."""

from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from cityjobs.core.web import is_database_away


@pytest.mark.parametrize(
    ("failure", "away"),
    [
        (psycopg.errors.AdminShutdown, True),
        (psycopg.errors.CrashShutdown, True),
        (psycopg.errors.CannotConnectNow, True),
        (psycopg.errors.ConnectionFailure, True),
        (psycopg.errors.TooManyConnections, True),
        (psycopg.errors.DiskFull, True),
        (psycopg.errors.QueryCanceled, True),
        (psycopg.errors.DeadlockDetected, True),
        (psycopg.errors.LockNotAvailable, True),
        (psycopg.errors.IdleInTransactionSessionTimeout, True),
        (psycopg.errors.ReadOnlySqlTransaction, True),
        (psycopg.OperationalError, True),
        (psycopg.InterfaceError, True),
        (psycopg.errors.UndefinedTable, False),
        (psycopg.errors.InsufficientPrivilege, False),
        (psycopg.errors.UniqueViolation, False),
        (psycopg.errors.DivisionByZero, False),
    ],
)
def test_what_the_driver_says_is_away_or_not(failure: type[psycopg.Error], away: bool) -> None:
    told = sa.exc.DBAPIError.instance("select 1", {}, failure("…"), psycopg.Error)
    assert isinstance(told, sa.exc.DBAPIError)
    assert is_database_away(told) is away


def test_a_pool_without_a_connection_left_is_away() -> None:
    assert is_database_away(sa.exc.TimeoutError("QueuePool limit"))
    assert is_database_away(sa.exc.PendingRollbackError("connection invalidated"))
    assert not is_database_away(sa.exc.InvalidRequestError("a mistake of ours"))


@pytest.fixture
def failing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setitem(app.config, "TESTING", False)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    yield app


@pytest.mark.parametrize(("failure", "status"), [("AdminShutdown", 503), ("UndefinedTable", 500)])
def test_the_page_says_which_and_when_to_come_back(
    failing: Flask, monkeypatch: pytest.MonkeyPatch, failure: str, status: int
) -> None:
    def fail() -> str:
        raise sa.exc.DBAPIError.instance("x", {}, getattr(psycopg.errors, failure)("…"), psycopg.Error)

    monkeypatch.setitem(failing.view_functions, "accounts.sign_in", fail)
    setattr(fail, "needed", "public")  # noqa: B010
    answer = failing.test_client().get("/connexion")
    assert answer.status_code == status
    assert (answer.headers.get("Retry-After") == "10") is (status == 503)
    script = failing.test_client().get("/connexion", headers={"Accept": "application/json"})
    assert (script.status_code, script.data) == (status, b"")
