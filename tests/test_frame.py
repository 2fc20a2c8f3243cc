"""The frame itself."""

import json

import pytest
from flask import Flask

from cityjobs.app import create_app
from cityjobs.core.grants import GRANTS, Permission, Role, codes_of
from cityjobs.core.permissions import RouteWithoutPermission
from tests.manners import PageClient


def test_somebody_not_signed_in_is_sent_to_sign_in(client: PageClient) -> None:
    assert client.get("/", status=303).location == "/connexion"


def test_a_route_without_permission_stops_the_application_from_starting(
    built_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cityjobs.app.home", lambda: "no permission named")
    with pytest.raises(RouteWithoutPermission, match="home"):
        create_app(built_app.config)


def test_the_table_of_grants_is_printed(built_app: Flask) -> None:
    runner = built_app.test_cli_runner()
    table = json.loads(runner.invoke(args=["permissions", "--json"]).output)
    assert {
        line["permission"]: {role: codes for role, codes in line["roles"].items() if codes} for line in table
    } == {
        permission.value: {role.value: codes_of(reach) for role, reach in given.items()}
        for permission, given in GRANTS.items()
    }
    lines = runner.invoke(args=["permissions"]).output.splitlines()
    assert len(lines) == len(Permission) + 1
    managed = next(line for line in lines if line.startswith("accounts.manage")).split()
    assert managed[1:] == ["cite" if role is Role.ADMINISTRATOR else "·" for role in Role]
