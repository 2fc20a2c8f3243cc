"""How often a password may be wrong."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from flask import Flask

from cityjobs.accounts import actions
from cityjobs.accounts.views import throttle
from cityjobs.core.db import db
from tests.accounts import HASH, PASSWORD
from tests.accounts.conftest import House
from tests.conftest import Databases
from tests.manners import Page, PageClient
from tests.world import World

SignIn = Callable[..., Page]
ME = "samira.lahlou@cite.example"
WRONG = "Faux-Faux-Faux-1"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "_NOBODYS_HASH", HASH)


@pytest.fixture
def another_process(databases: Databases) -> Iterator[Callable[..., Flask]]:
    """The same application as another worker of the web would hold it."""
    from cityjobs.app import create_app
    from config import load_settings

    made = []

    def start(**config: Any) -> Flask:
        settings = load_settings(databases.environment()).flask_config()
        made.append(create_app({**settings, **config}))
        made[-1].testing = True
        return made[-1]

    yield start
    for app in made:
        with app.app_context():
            db.engine.dispose()


def fail(signing_in: SignIn, times: int, email: str = ME, **kwargs: Any) -> None:
    for _ in range(times):
        signing_in(email, WRONG, status=422, **kwargs)


def test_the_seventh_failure_in_a_minute_waits_even_with_the_right_password(
    house: House, signing_in: SignIn, client: PageClient
) -> None:
    fail(signing_in, 6, client=client)
    page = signing_in(ME, PASSWORD, client=client, status=429)
    assert "attendez une minute" in page.errors()
    assert 0 < int(page.response.headers["Retry-After"]) <= 61
    assert page.form("/connexion").values["email"] == ME
    client.get("/compte", status=303)


def test_another_account_is_not_held_back(house: House, signing_in: SignIn) -> None:
    fail(signing_in, 6)
    signing_in(house.administrator.user.email)


def test_successes_are_not_counted(house: House, signing_in: SignIn) -> None:
    for _ in range(8):
        signing_in(ME)


def test_one_address_cannot_try_one_account_after_another(house: House, signing_in: SignIn) -> None:
    for number in range(30):
        signing_in(f"inconnu{number}@cite.example", WRONG, status=422)
    signing_in("inconnu99@cite.example", WRONG, status=429)


def test_unknown_accounts_are_held_back_alike(signing_in: SignIn) -> None:
    fail(signing_in, 6, "personne@cite.example")
    signing_in("personne@cite.example", WRONG, status=429)


def test_processes_count_together(
    house: House, signing_in: SignIn, another_process: Callable[..., Flask]
) -> None:
    other = another_process()
    fail(signing_in, 3)
    fail(signing_in, 3, client=PageClient(other))
    signing_in(ME, PASSWORD, status=429)
    signing_in(ME, PASSWORD, client=PageClient(other), status=429)


def test_without_valkey_each_process_counts_for_itself(
    house: House, signing_in: SignIn, another_process: Callable[..., Flask]
) -> None:
    alone = another_process(LIMITER_STORAGE_URI="redis://127.0.0.1:1/0")
    fail(signing_in, 6, client=PageClient(alone))
    signing_in(ME, PASSWORD, client=PageClient(alone), status=429)
    signing_in(house.administrator.user.email, client=PageClient(alone))


def test_valkey_holds_no_address_of_any_kind(house: House, signing_in: SignIn) -> None:
    fail(signing_in, 2)
    with redis.Redis.from_url(os.environ["CITYJOBS_TEST_REDIS"]) as valkey:
        keys = b" ".join(valkey.keys("cityjobs:*:limits*"))
    assert keys
    for told in (b"samira", b"cite.example", b"127.0.0.1"):
        assert told not in keys


def test_one_address_of_a_network_is_as_good_as_another(app: Flask) -> None:
    def key(address: str) -> str:
        with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
            return throttle.by_address()

    assert key("2001:db8:1:2::1") == key("2001:db8:1:2:ffff::9") != key("2001:db8:1:3::1")
    assert key("192.0.2.1") != key("192.0.2.2")


def test_the_lock_and_the_change_of_password_count_with_the_door(
    house: House, signing_in: SignIn, client_of: Any
) -> None:
    mine = client_of(house.referent)
    fail(signing_in, 2)
    for _ in range(2):
        mine.post("/verrou", status=401, json={"password": WRONG}, headers={"X-CSRFToken": mine.token()})
    for _ in range(2):
        mine.submit(
            mine.get("/compte/mot-de-passe").form("/compte/mot-de-passe"),
            current_password=WRONG,
            password="Neuf-Pavés-2028-la",
            repeated="Neuf-Pavés-2028-la",
            status=422,
        )
    refused = mine.post(
        "/verrou", status=429, json={"password": PASSWORD}, headers={"X-CSRFToken": mine.token()}
    )
    assert "Retry-After" in refused.response.headers
    signing_in(ME, PASSWORD, status=429)


def test_asking_for_resets_is_counted_by_address(client: PageClient, world: World) -> None:
    for number in range(20):
        client.post("/mot-de-passe-oublie", {"email": f"a{number}@cite.example"})
    client.post("/mot-de-passe-oublie", {"email": "z@cite.example"}, status=429)


def test_signs_that_the_form_drops_make_no_other_account(
    house: House, signing_in: SignIn, client: PageClient
) -> None:
    for sign in "\x01\x02\x03\x04\x05\x06":
        fail(signing_in, 1, email=ME.replace("@", f"{sign}@"), client=client)
    signing_in(ME, PASSWORD, client=client, status=429)


def at(app: Flask, address: str) -> PageClient:
    """A browser at an address of its own."""
    client = PageClient(app)
    client.flask.environ_base["REMOTE_ADDR"] = address
    return client


def test_guesses_from_everywhere_have_a_ceiling_an_hour(
    app: Flask, house: House, signing_in: SignIn, client_of: Any
) -> None:
    inside = client_of(house.referent)
    for number in range(60):
        signing_in(ME, WRONG, client=at(app, f"192.0.2.{number % 20}"), status=422)
    page = signing_in(ME, PASSWORD, client=at(app, "192.0.2.200"), status=429)
    assert "Mot de passe oublié" in page.errors() and "une heure" in page.errors()
    assert int(page.response.headers["Retry-After"]) > 60
    signing_in(house.administrator.user.email, client=at(app, "192.0.2.200"))
    inside.post("/verrou", status=204, json={"password": PASSWORD}, headers={"X-CSRFToken": inside.token()})


def test_whoever_is_signed_in_tries_another_account_no_longer(
    app: Flask, house: House, signing_in: SignIn, client_of: Any
) -> None:
    """Their own name is not what their guesses at the door are counted under."""
    theirs = client_of(house.administrator)
    token = theirs.token()
    for _ in range(6):
        theirs.post("/connexion", {"email": ME, "password": WRONG, "csrf_token": token}, status=422)
    theirs.post("/connexion", {"email": ME, "password": PASSWORD, "csrf_token": token}, status=429)
    signing_in(house.administrator.user.email)
