"""Every route, method, role and relation: the answer is the one that the table of grants says, and no other.

The expected answer is computed from `cityjobs.core.grants`, from what each route names (`places`), and from what each
part of a reach means here (REACHED). Requests go through the whole application, over real rows; what they write is
sent to the database, then undone, so that each cell finds the same town.
"""

import enum
import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy.session import Session
from python_calamine import CalamineWorkbook
from werkzeug.test import TestResponse

from cityjobs.accounts.rules import DEMO_ACCOUNTS
from cityjobs.app import create_app
from cityjobs.core.clock import today
from cityjobs.core.db import db
from cityjobs.core.grants import GRANTS, NOTHING, Permission, Reach, Role, reach_of
from cityjobs.core.permissions import Access, needed_by
from config import load_settings
from tests.conftest import Databases, Letterbox
from tests.manners import Page
from tests.proofs.conftest import Proof
from tests.proofs.places import LINKS, ROUTES, Named
from tests.proofs.relations import IN, OF_CASES, Actor, Relation, Standing, Town, relations_of
from tests.world import World

TEST = "authorization matrix"
OF_HERE = frozenset(OF_CASES) - {Relation.OWN_ELSEWHERE, Relation.OTHER_CITE, Relation.NOWHERE}
REACHED: dict[Reach, frozenset[Relation]] = {
    Reach.NEW: frozenset(),
    Reach.CITE: OF_HERE | {Relation.HERE, Relation.MINE},
    Reach.FOLLOWED: frozenset({Relation.OWNER, Relation.SECOND, Relation.REPLACED, Relation.SPOTTED_WAITING}),
    Reach.SPOTTED: frozenset({Relation.SPOTTED_WAITING, Relation.SPOTTED_FOLLOWED}),
    Reach.OWN: frozenset({Relation.MINE}),
    Reach.PUBLISHED: frozenset(),
    Reach.MASKED: frozenset(),
}
"""Which relations each part of a reach opens, by name and by address."""

SAFE = "GET"
WORDS = {
    "queue": "en-retard",
    "kind": "xlsx",
    "event": "contact_ok",
    "key": "essai",
    "list_name": "secteur",
    "version_number": 1,
    "exit_type": "cdi",
    "moment": "j8",
    "gesture": "start",
}
QUERIES = {
    "reporting.lines": {"figure": "ind_reperees"},
    "parcours.take_situation": {"moment": "exit"},
}
FORMS = {"parcours.move": {"event": "contact_ok"}, "accounts.sign_in_demo": {"email": DEMO_ACCOUNTS[0].email}}
SWITCHES = {"ENVIRONMENT": "demo", "METRICS_TOKEN": "figures-of-the-house-2026-11-23-Zq8"}
"""All on, so that every route there can be is there."""


class Answer(enum.Enum):
    """What a request is told."""

    ANSWERED = "answered"
    SIGN_IN = "sent to sign in"
    FORBIDDEN = "forbidden"
    NOT_THERE = "not there"
    GONE = "gone"


@dataclass(frozen=True)
class Cell:
    """One request of the matrix."""

    endpoint: str
    method: str
    actor: Actor
    relation: Relation

    def __str__(self) -> str:
        return f"{self.method} {self.endpoint}, {self.actor.name}, {self.relation.value}"


def part_of(endpoint: str) -> str:
    """The part of the house that a route belongs to."""
    blueprint, dot, _ = endpoint.partition(".")
    return blueprint if dot else "frame"


# What the table says


def opened_by(reach: Reach) -> frozenset[Relation]:
    """Every relation that a reach opens; a page that names nothing is opened by any."""
    return frozenset({Relation.NONE}).union(*(REACHED[part] for part in reach)) if reach else frozenset()


def expected(cell: Cell) -> Answer:
    """The answer that the table gives."""
    needed, named = ROUTES[cell.endpoint]
    is_in = cell.actor.standing in IN
    if named in LINKS:
        return Answer.ANSWERED if cell.relation is Relation.USABLE else Answer.GONE
    if named is Named.LOCK:
        return Answer.ANSWERED if is_in or cell.actor.standing is Standing.LOCKED else Answer.SIGN_IN
    if named is Named.BEARER:
        return Answer.SIGN_IN
    if needed is Access.PUBLIC:
        return Answer.ANSWERED
    if not is_in:
        return Answer.SIGN_IN
    if isinstance(needed, Permission):
        role = cell.actor.role if cell.actor.standing is Standing.WORKING else None
        reach = reach_of(role, needed)
        if not reach:
            return Answer.FORBIDDEN
        return Answer.ANSWERED if cell.relation in opened_by(reach) else Answer.NOT_THERE
    mine = (Relation.NONE, Relation.MINE)
    return Answer.ANSWERED if cell.relation in mine else Answer.NOT_THERE


RARE = frozenset({Standing.NOT_YET, Standing.OVER, Standing.REVOKED})
EASIER = frozenset(
    {
        Relation.OWNER,
        Relation.SECOND,
        Relation.REPLACED,
        Relation.SPOTTED_WAITING,
        Relation.SPOTTED_FOLLOWED,
    }
)
"""What whoever reaches a colleague's file reaches all the more."""


def is_worth_a_minute(cell: Cell) -> bool:
    """Whether a quick run tries a cell.

    Whoever is stopped before the thing is looked for is tried on one thing alone, the nearest to them; whoever reaches
    the whole Cité, on what is not theirs; what asks for no role, with one role.
    """
    needed, named = ROUTES[cell.endpoint]
    usual = cell.actor.standing not in RARE
    if expected(cell) in (Answer.FORBIDDEN, Answer.SIGN_IN):
        return cell.relation is relations_of(named)[0] and (usual or cell.method == SAFE)
    if not isinstance(needed, Permission):
        return usual and (needed is Access.SIGNED_IN or cell.actor.role is Role.COORDINATOR)
    whole = Reach.CITE in reach_of(cell.actor.role, needed)
    return not (whole and cell.relation in EASIER)


# What the application says


class House:
    """The application at which requests are made, one address of the network for each."""

    def __init__(self, app: Flask, town: Town) -> None:
        self.app, self.town = app, town
        self.client = app.test_client(use_cookies=False)
        self.urls = app.url_map.bind("localhost")
        self.rules = {rule.endpoint: rule for rule in app.url_map.iter_rules()}
        self.told: dict[Cell, Answer | str] = {}
        self.addresses = map("10.{0[0]}.{0[1]}.{0[2]}".format, itertools.product(range(256), repeat=3))

    def cells(self) -> Iterator[Cell]:
        """Every route, method, actor and relation."""
        for endpoint, rule in sorted(self.rules.items()):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                for actor, relation in itertools.product(self.town.actors, relations_of(ROUTES[endpoint][1])):
                    yield Cell(endpoint, method, actor, relation)

    def cells_of(self, part: str, *, whole: bool) -> list[Cell]:
        """The cells of a part of the house, all of them or those that a quick run tries."""
        mine = (cell for cell in self.cells() if part_of(cell.endpoint) == part)
        return [cell for cell in mine if whole or is_worth_a_minute(cell)]

    def wrong_among(self, cells: list[Cell]) -> list[str]:
        """Those answered otherwise than the table says; each is asked once."""
        for cell in cells:
            if cell not in self.told:
                self.told[cell] = answer(cell, self.ask(cell))
        wrong = [cell for cell in cells if self.told[cell] is not expected(cell)]
        return [f"{cell}: {expected(cell).value}, was {self.told[cell]}" for cell in wrong]

    def path(self, cell: Cell) -> str:
        """The address of a cell."""
        asked = {**WORDS, **self.town.values(cell.actor, ROUTES[cell.endpoint][1], cell.relation)}
        wanted = {name: asked[name] for name in self.rules[cell.endpoint].arguments}
        wanted |= QUERIES.get(cell.endpoint, {})
        return str(self.urls.build(cell.endpoint, wanted, method=cell.method))

    def ask(self, cell: Cell, *, token: bool = True) -> TestResponse:
        """Make the request, with a token and a form that says nothing but what it is about."""
        about = self.town.values(cell.actor, ROUTES[cell.endpoint][1], cell.relation)
        form = {name: str(value) for name, value in about.items()} | FORMS.get(cell.endpoint, {})
        headers = {"X-CSRFToken": cell.actor.token} if token else {}
        body: dict[str, Any] = {} if cell.method == SAFE else {"data": form}
        if cell.endpoint == "accounts.save_draft":
            body = {"json": {"fields": {"synthesis": "Bonjour"}}}
        return self.open(cell.actor, cell.method, self.path(cell), headers=headers, **body)

    def open(self, actor: Actor, method: str, path: str, **request: Any) -> TestResponse:
        """One request of somebody."""
        headers = {"Cookie": actor.cookie, **request.pop("headers", {})}
        origin = {"REMOTE_ADDR": next(self.addresses)}
        return self.client.open(
            path, method=method, headers=headers, environ_overrides=origin, buffered=True, **request
        )


def answer(cell: Cell, response: TestResponse) -> Answer | str:
    """What a response says; anything else is given as it is."""
    status, location = response.status_code, response.headers.get("Location", "")
    if status == 401 or (cell.method == SAFE and location.startswith(("/connexion", "/verrou"))):
        return Answer.SIGN_IN
    if status in (403, 404, 410):
        return {403: Answer.FORBIDDEN, 404: Answer.NOT_THERE, 410: Answer.GONE}[status]
    healthy = cell.endpoint == "healthz" and status == 503
    if status in (200, 204, 302, 303, 409, 422) or healthy:
        return Answer.ANSWERED
    return f"{status} {Page(response, '').text()[:200]}"


def try_and_undo(session: Session) -> None:
    """In place of a commit: everything written is sent to the database, and undone; what waited for it is forgotten."""
    session.flush()
    session.rollback()
    session.info.pop("after_commit", None)


@pytest.fixture(scope="module")
def whole_app(databases: Databases) -> Iterator[Flask]:
    """The application with every switch on."""
    app = create_app(load_settings(databases.environment(**SWITCHES)).flask_config())
    app.testing = True
    app.extensions["postman"] = Letterbox()
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="module")
def house(whole_app: Flask, databases: Databases) -> Iterator[House]:
    """The town, built once, and requests whose writes are undone."""
    databases.empty()
    whole_app.extensions["cityjobs.limiter"].reset()
    world = World(databases.worker_engine)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "commit", try_and_undo)
        yield House(whole_app, Town(world, whole_app))
    world.session.close()


# The proofs


def test_every_route_says_what_it_names_and_asks_what_is_written_here(whole_app: Flask, proof: Proof) -> None:
    routes = {rule.endpoint: needed_by(whole_app, rule.endpoint) for rule in whole_app.url_map.iter_rules()}
    assert {endpoint: needed for endpoint, (needed, _) in ROUTES.items()} == routes
    proof.at_least(TEST, "routes covered", 100 * len(ROUTES) / len(routes), 100, "%")


def test_every_permission_is_given_to_somebody_and_asked_by_a_route() -> None:
    assert set(GRANTS) == set(Permission) <= {needed for needed, _ in ROUTES.values()}
    assert all(given and NOTHING not in given.values() for given in GRANTS.values())


PARTS = sorted({part_of(endpoint) for endpoint in ROUTES})


@pytest.mark.parametrize("part", PARTS)
def test_every_cell_is_answered_as_the_table_says(house: House, proof: Proof, part: str) -> None:
    cells = house.cells_of(part, whole=proof.soaking)
    wrong = house.wrong_among(cells)
    print("\n".join(wrong[:20]))
    assert cells and wrong == [], f"{len(wrong)} of {len(cells)}"


def test_the_whole_matrix(house: House, proof: Proof) -> None:
    cells = [cell for part in PARTS for cell in house.cells_of(part, whole=proof.soaking)]
    wrong = house.wrong_among(cells)
    print("\n".join(wrong[:20]))
    proof.at_least(TEST, "cells tried", len(house.told), proof.times(quick=1_000, full=5_000))
    proof.at_most(TEST, "wrong cells", len(wrong), 0)


def test_no_form_is_taken_without_its_token(house: House, proof: Proof) -> None:
    roles = set(Role) if proof.soaking else {Role.REFERENT, Role.COORDINATOR, Role.ADMINISTRATOR}
    unsafe = [
        cell
        for cell in house.cells()
        if cell.method != SAFE
        and cell.actor.standing is Standing.WORKING
        and cell.actor.role in roles
        and cell.relation is relations_of(ROUTES[cell.endpoint][1])[0]
    ]
    assert len(unsafe) > 40 * len(roles)
    assert [str(cell) for cell in unsafe if house.ask(cell, token=False).status_code != 400] == []


# What is shown, where a page names nobody: by name, by initials, or not at all


class Shown(enum.Enum):
    """How a person is shown to somebody."""

    BY_NAME = "by name"
    MASKED = "masked"
    NOT_AT_ALL = "not at all"


def expected_sight(reach: Reach, relation: Relation) -> Shown:
    """How the table says that a person is shown."""
    if relation in opened_by(reach):
        return Shown.BY_NAME
    return Shown.MASKED if Reach.MASKED in reach and relation in OF_HERE else Shown.NOT_AT_ALL


def rows_of_list(house: House, actor: Actor, number: str) -> list[str]:
    """The list of people, sought by a telephone number."""
    page = Page(house.open(actor, SAFE, f"/personnes?q={number}"), "/personnes")
    return [row.text() for body in page.all("tbody") for row in body.all("tr")]


def rows_of_export(house: House, actor: Actor, number: str) -> list[str]:
    """The same list as a spreadsheet."""
    book = house.open(actor, SAFE, f"/personnes/export.xlsx?q={number}").data
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    return [" ".join(map(str, row)) for row in sheet[1:]]


def rows_of_search(house: House, actor: Actor, number: str) -> list[str]:
    """Who may be the one being spotted."""
    form = {"q": number, "csrf_token": actor.token}
    page = Page(house.open(actor, "POST", "/reperage/chercher", data=form), "/reperage/chercher")
    return [each.text() for found in page.all("section", id="resultats") for each in found.all("li")]


SURFACES = {
    rows_of_list: Permission.PEOPLE_LIST,
    rows_of_export: Permission.PEOPLE_EXPORT,
    rows_of_search: Permission.PERSON_SPOT,
}


def test_each_person_is_shown_as_far_as_the_table_says(house: House, proof: Proof) -> None:
    wrong, tried = [], 0
    for (surface, permission), actor in itertools.product(SURFACES.items(), house.town.actors[: len(Role)]):
        reach = reach_of(actor.role, permission)
        for relation in OF_CASES if reach else ():
            if relation is Relation.NOWHERE:
                continue
            person = house.town.cases[actor, relation].person
            rows = surface(house, actor, f"0{(person.phone or '')[3:]}")
            named = any(str(person.last_name) in row for row in rows)
            seen = Shown.BY_NAME if named else Shown.MASKED if rows else Shown.NOT_AT_ALL
            tried += 1
            if seen is not expected_sight(reach, relation):
                wrong.append(f"{surface.__name__}, {actor.name}, {relation.value}: {seen.value}")
    print("\n".join(wrong[:20]))
    proof.at_least(TEST, "sights of a person tried", tried, 70)
    proof.at_most(TEST, "wrong sights of a person", len(wrong), 0)


def test_rows_behind_a_figure_name_those_whom_the_table_says_and_mask_the_others(house: House) -> None:
    everybody = [case.person for case in house.town.everybody if case.person.cite_id == house.town.here.id]
    period = f"du={today() - timedelta(days=90)}&au={today()}"
    for actor in house.town.actors[: len(Role)]:
        reach = reach_of(actor.role, Permission.PILOTAGE_ROWS)
        if not reach:
            continue
        rows: list[str] = []
        for number in (1, 2, 3):
            path = f"/pilotage/lignes?figure=ind_reperees&{period}&page={number}"
            page = Page(house.open(actor, SAFE, path), path)
            rows += [row.text() for body in page.all("tbody") for row in body.all("tr")]
        told = " ".join(rows)
        relations = {house.town.cases[actor, relation].id: relation for relation in OF_CASES[:-1]}
        for person in everybody:
            relation = relations.get(person.id, Relation.COLLEAGUE)
            by_name = expected_sight(reach, relation) is Shown.BY_NAME
            assert (str(person.last_name) in told) == by_name, (actor.name, relation)
        assert len(rows) == len(everybody), actor.name
        assert not any(
            case.person.last_name in told for case in house.town.everybody if case.person not in everybody
        )


# What the table itself may never say

NAMES = Reach.CITE | Reach.FOLLOWED | Reach.SPOTTED
ABOUT_PEOPLE = frozenset(Permission) - {
    Permission.DAY_SEE,
    Permission.PILOTAGE_SEE,
    Permission.REPORT_READ,
    Permission.REPORT_REQUEST,
    Permission.CITE_EDIT,
    Permission.ORGANISATIONS_EDIT,
    Permission.LISTS_READ,
    Permission.LISTS_EDIT,
    Permission.ACCOUNTS_MANAGE,
}
EXCHANGES = frozenset(
    {
        Permission.FOLLOWUP_READ,
        Permission.FOLLOWUP_LOG,
        Permission.PARCOURS_MOVE,
        Permission.DIAGNOSIS_READ,
        Permission.DIAGNOSIS_WRITE,
    }
)


@pytest.mark.parametrize("role", [Role.CHEF_DE_FILE, Role.PARTNER, Role.FUNDER, Role.ADMINISTRATOR])
def test_whoever_accompanies_nobody_reads_no_name(role: Role) -> None:
    assert [each for each in ABOUT_PEOPLE if reach_of(role, each) & NAMES] == []


def test_funders_see_no_row_and_partners_nothing() -> None:
    given = {role: {each for each in Permission if reach_of(role, each)} for role in Role}
    assert given[Role.FUNDER] == {Permission.PILOTAGE_SEE, Permission.REPORT_READ}
    assert reach_of(Role.FUNDER, Permission.PILOTAGE_SEE) == Reach.PUBLISHED
    assert given[Role.PARTNER] == set()


def test_what_was_said_is_for_those_who_follow_and_only_the_coordination_reaches_everybody() -> None:
    for permission in EXCHANGES:
        assert set(GRANTS[permission]) == {Role.REFERENT, Role.COORDINATOR}
    for permission in ABOUT_PEOPLE:
        assert {role for role in Role if Reach.CITE in reach_of(role, permission)} <= {Role.COORDINATOR}
