"""The frame itself."""

import ast
import json
from pathlib import Path

import pytest
from flask import Flask

from cityjobs.app import create_app
from cityjobs.core.grants import GRANTS, Permission, Role, codes_of
from cityjobs.core.permissions import RouteWithoutPermission
from tests.manners import PageClient
from tests.sharing import TOGETHER


def test_somebody_not_signed_in_is_sent_to_sign_in(client: PageClient) -> None:
    assert client.get("/", status=303).location == "/connexion"


def test_a_route_without_permission_stops_the_application_from_starting(
    built_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cityjobs.app.home", lambda: "no permission named")
    with pytest.raises(RouteWithoutPermission, match="home"):
        create_app(built_app.config)


NAMES = {"display_name", "first_name", "last_name", "absent", "deputy", "email", "phone", "title", "label"}
"""Attributes that say who somebody is, or what was written about them."""


def test_no_message_names_anybody() -> None:
    """What is said after a redirect travels in the cookie, which is signed and not encrypted."""
    named, said = [], 0
    for file in sorted((Path(__file__).parents[1] / "cityjobs").rglob("*.py")):
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "flash":
                said += 1
                parts = [each for each in ast.walk(call) if isinstance(each, ast.Attribute)]
                named += [f"{file}:{call.lineno}" for each in parts if each.attr in NAMES]
    assert said > 50 and named == []


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


def test_what_shares_a_worker_exists() -> None:
    assert [place for places in TOGETHER.values() for place in places if not Path(place).exists()] == []
