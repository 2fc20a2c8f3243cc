"""The gate, over every route of the application: what each role is answered, from the one table of grants."""

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from cityjobs.core.permissions import Access, Permission, Role, may, needed_by
from tests.manners import PageClient
from tests.world import Member, World

UNSAFE = ("POST", "PUT", "DELETE", "PATCH")


@dataclass(frozen=True)
class Cell:
    """One route, one method."""

    endpoint: str
    path: str
    method: str


def cells(app: Flask) -> Iterator[Cell]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield Cell(rule.endpoint, rule.rule, method)


BLANKS = {"uuid": str(uuid.uuid4()), "int": "2020"}


def filled(path: str, values: dict[str, uuid.UUID]) -> str:
    """The path with identifiers in it: those given, else of nothing; the first word of a closed list."""

    def fill(found: re.Match[str]) -> str:
        kind, words, name = found.groups()
        otherwise = words.split(",")[0] if words else BLANKS.get(kind, name)
        return str(values.get(name, otherwise))

    return re.sub(r"<(?:(\w+)(?:\(([^)]*)\))?:)?(\w+)>", fill, path)


@pytest.fixture
def everyone(world: World) -> dict[Role, Member]:
    cite = world.cite("Roubaix")
    return {role: world.member(role, cite) for role in Role}


@pytest.fixture
def somewhere_else(world: World) -> dict[str, uuid.UUID]:
    """Identifiers of another Cité, for every kind of parameter that a path takes."""
    cite = world.cite("Calais")
    referent = world.member("referent", cite)
    case = world.case(cite, referent=referent)
    return {
        "person_id": case.id,
        "interview_id": world.interview(case, referent).id,
        "step_id": world.step(case, referent).id,
        "user_id": referent.id,
        "membership_id": referent.membership.id,
        "organisation_id": referent.membership.organisation_id,
    }


def answer(client: PageClient, cell: Cell, path: str) -> int:
    if cell.method in UNSAFE:
        return client.flask.open(path, method=cell.method, data={"csrf_token": client.token()}).status_code
    return client.flask.open(path, method=cell.method).status_code


def test_every_route_names_what_it_needs(built_app: Flask) -> None:
    for cell in cells(built_app):
        assert needed_by(built_app, cell.endpoint) in (*Permission, *Access)


def test_every_permission_is_asked_by_a_route(built_app: Flask) -> None:
    asked = {needed_by(built_app, cell.endpoint) for cell in cells(built_app)}
    assert set(Permission) <= asked


def test_nobody_signed_in_gets_nothing(
    app: Flask, client: PageClient, somewhere_else: dict[str, uuid.UUID]
) -> None:
    for cell in cells(app):
        if needed_by(app, cell.endpoint) is not Access.PUBLIC:
            status = answer(client, cell, filled(cell.path, somewhere_else))
            assert status in ((302, 303) if cell.method == "GET" else (401, 302, 303)), (cell, status)


def test_each_role_is_refused_what_the_table_does_not_grant(
    app: Flask,
    everyone: dict[Role, Member],
    client_of: Callable[[Any], PageClient],
    somewhere_else: dict[str, uuid.UUID],
) -> None:
    tried = 0
    for role, member in everyone.items():
        client = client_of(member)
        for cell in cells(app):
            needed = needed_by(app, cell.endpoint)
            if isinstance(needed, Permission) and not may(role, needed):
                assert answer(client, cell, filled(cell.path, somewhere_else)) == 403, (role, cell)
                tried += 1
    assert tried > 100


def test_what_belongs_to_another_cite_is_not_there(
    app: Flask,
    everyone: dict[Role, Member],
    client_of: Callable[[Any], PageClient],
    somewhere_else: dict[str, uuid.UUID],
) -> None:
    tried = 0
    for role, member in everyone.items():
        client = client_of(member)
        for cell in cells(app):
            needed = needed_by(app, cell.endpoint)
            if "uuid:" in cell.path and isinstance(needed, Permission) and may(role, needed):
                there = answer(client, cell, filled(cell.path, somewhere_else))
                nowhere = answer(
                    client, cell, filled(cell.path, {name: uuid.uuid4() for name in somewhere_else})
                )
                assert (there, nowhere) == (404, 404), (role, cell)
                tried += 1
    assert tried > 20


def test_no_form_is_taken_without_its_token(
    app: Flask,
    everyone: dict[Role, Member],
    client_of: Callable[[Any], PageClient],
    somewhere_else: dict[str, uuid.UUID],
) -> None:
    for member in everyone.values():
        client = client_of(member)
        for cell in cells(app):
            if cell.method in UNSAFE:
                status = client.flask.open(
                    filled(cell.path, somewhere_else), method=cell.method, data={}
                ).status_code
                assert status == 400, (cell, status)
