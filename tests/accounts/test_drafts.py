"""What is being typed, kept for its author alone."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from cityjobs.accounts.models import AccountLink, SignInSession
from cityjobs.accounts.rules import LinkPurpose
from cityjobs.accounts.tasks import purge
from cityjobs.core import jobs
from tests.accounts.conftest import House
from tests.conftest import Databases
from tests.manners import PageClient
from tests.world import World

NIR = "2 84 05 59 512 123 31"


@pytest.fixture
def mine(house: House, client_of: Any) -> PageClient:
    client: PageClient = client_of(house.referent)
    return client


def put(client: PageClient, body: object, key: str = "echange:1a2b-3c") -> TestResponse:
    return client.flask.put(f"/brouillons/{key}", json=body, headers={"X-CSRFToken": client.token()})


def kept(databases: Databases) -> dict[tuple[Any, str], Any]:
    rows = databases.superuser.execute("select author_id, form, fields from draft").fetchall()
    return {(author, form): fields for author, form, fields in rows}


def test_a_draft_is_kept_replaced_and_forgotten(house: House, mine: PageClient, databases: Databases) -> None:
    answer = put(mine, {"synthesis": "Elle a", "ids": ["1", "2"]})
    assert answer.status_code == 200
    assert answer.json is not None and " h " in answer.json["saved_at"].replace("\u202f", " ")
    put(mine, {"fields": {"synthesis": "Elle a trouvé"}})
    assert kept(databases) == {(house.referent.id, "echange:1a2b-3c"): {"synthesis": "Elle a trouvé"}}
    gone = mine.flask.delete("/brouillons/echange:1a2b-3c", headers={"X-CSRFToken": mine.token()})
    assert gone.status_code == 204
    assert kept(databases) == {}


def test_the_key_may_come_encoded_and_a_leaving_page_saves_too(
    mine: PageClient, house: House, databases: Databases
) -> None:
    put(mine, {"synthesis": "x"}, "echange%3A1a2b")
    assert (house.referent.id, "echange:1a2b") in kept(databases)


def test_two_authors_of_one_form_never_meet(
    house: House, mine: PageClient, client_of: Any, databases: Databases
) -> None:
    other = client_of(house.administrator)
    put(mine, {"synthesis": "à moi"})
    put(other, {"synthesis": "à lui"})
    other.flask.delete("/brouillons/echange:1a2b-3c", headers={"X-CSRFToken": other.token()})
    assert kept(databases) == {(house.referent.id, "echange:1a2b-3c"): {"synthesis": "à moi"}}


def test_a_social_security_number_is_not_even_drafted(mine: PageClient, databases: Databases) -> None:
    for body in ({"synthesis": f"n° {NIR}"}, {"lines": ["rien", NIR]}):
        answer = put(mine, body)
        assert answer.status_code == 422
        assert answer.json is not None and "numéro de sécurité sociale" in answer.json["refused"]
    assert kept(databases) == {}


@pytest.mark.parametrize(
    ("body", "key", "status"),
    [
        ({"synthesis": "x" * 100_001}, "x", 413),
        ({"synthesis": "x"}, "Majuscule", 404),
        ({"synthesis": "x"}, "x" * 121, 404),
        ({"synthesis": "x"}, "a%20b", 404),
        ({"synthesis": 4}, "x", 400),
        ({"synthesis": {"deep": "x"}}, "x", 400),
        (["synthesis"], "x", 400),
    ],
)
def test_what_is_no_draft_is_refused(
    mine: PageClient, databases: Databases, body: Any, key: str, status: int
) -> None:
    assert put(mine, body, key).status_code == status
    assert kept(databases) == {}


def put_bytes(client: PageClient, body: bytes, **kwargs: Any) -> TestResponse:
    return client.flask.put(
        "/brouillons/x",
        input_stream=io.BytesIO(body),
        content_type="application/json",
        headers={"X-CSRFToken": client.token()},
        **kwargs,
    )


def test_a_draft_sent_in_pieces_has_the_same_limit(mine: PageClient, databases: Databases) -> None:
    pieces = {"environ_overrides": {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}}
    assert put_bytes(mine, json.dumps({"synthesis": "x" * 3_000_000}).encode(), **pieces).status_code == 413
    assert kept(databases) == {}
    assert put_bytes(mine, json.dumps({"synthesis": "x" * 90_000}).encode(), **pieces).status_code == 200


@pytest.mark.parametrize(
    ("sent", "saved"),
    [
        (rb'{"synthesis": "Elle a\u0000 dit"}', {"synthesis": "Elle a dit"}),
        (
            rb'{"synthesis": "Elle a\ud800 dit", "li\udc00nes": ["\u0000un"]}',
            {"synthesis": "Elle a dit", "lines": ["un"]},
        ),
        (rb'{"synthesis": "\ud83d\ude00"}', {"synthesis": "😀"}),
    ],
)
def test_what_no_database_keeps_is_left_out_of_a_draft(
    house: House, mine: PageClient, databases: Databases, sent: bytes, saved: Any
) -> None:
    assert put_bytes(mine, sent).status_code == 200
    assert kept(databases) == {(house.referent.id, "x"): saved}


@pytest.mark.parametrize(
    "sent", [b"[" * 50_000, b'{"a":' * 16_000, b'{"a": ' + b"9" * 5_000 + b"}", b"\xff\xfe", b"nul", b""]
)
def test_what_cannot_be_read_as_a_draft_is_refused(
    mine: PageClient, databases: Databases, sent: bytes
) -> None:
    assert put_bytes(mine, sent).status_code == 400
    assert kept(databases) == {}


def test_one_author_has_two_hundred_drafts_and_the_oldest_go(
    house: House, mine: PageClient, databases: Databases
) -> None:
    for number in range(200):
        databases.superuser.execute(
            "insert into draft (author_id, form, fields, saved_at)"
            " values (%s, %s, '{}', now() - make_interval(mins => 200 - %s))",
            (house.referent.id, f"ancien-{number}", number),
        )
    databases.superuser.execute(
        "insert into draft (author_id, form, fields, saved_at) values (%s, 'a-lui', '{}', now() - interval '9 days')",
        (house.administrator.id,),
    )
    for number in range(3):
        assert put(mine, {"synthesis": "x"}, f"neuf-{number}").status_code == 200
    forms = {form for author, form in kept(databases) if author == house.referent.id}
    assert len(forms) == 200
    assert {"neuf-0", "neuf-1", "neuf-2", "ancien-3"} <= forms
    assert not {"ancien-0", "ancien-1", "ancien-2"} & forms
    assert (house.administrator.id, "a-lui") in kept(databases)


def test_a_draft_needs_a_token_and_somebody(mine: PageClient, client: PageClient) -> None:
    assert mine.flask.put("/brouillons/x", json={}).status_code == 400
    nobody = client.flask.put("/brouillons/x", json={}, headers={"X-CSRFToken": client.token()})
    assert (nobody.status_code, nobody.data) == (401, b"")


def test_signing_out_keeps_drafts(house: House, mine: PageClient, databases: Databases) -> None:
    put(mine, {"synthesis": "à finir demain"})
    mine.post("/deconnexion")
    assert len(kept(databases)) == 1


# What is forgotten by itself


def draft_of(databases: Databases, house: House, form: str, days: int) -> None:
    databases.superuser.execute(
        "insert into draft (author_id, form, fields, saved_at) values (%s, %s, %s, now() - make_interval(days => %s))",
        (house.referent.id, form, json.dumps({}), days),
    )


def test_old_drafts_sessions_and_links_are_forgotten_and_recent_ones_kept(
    house: House, world: World, databases: Databases, as_worker: Flask
) -> None:
    draft_of(databases, house, "vieux", 31)
    draft_of(databases, house, "recent", 29)
    year = datetime.now(UTC) - timedelta(days=366)
    now = datetime.now(UTC)
    for at, token in ((year, "old"), (now, "new")):
        world.keep(
            SignInSession(
                token_hash=token, user_id=house.referent.id, opened_at=at, last_seen_at=at, device=""
            ),
            AccountLink(
                user_id=house.referent.id, purpose=LinkPurpose.RESET, created_at=at, expires_at=at, used_at=at
            ),
        )
    with as_worker.app_context():
        purge()
    world.session.rollback()
    assert [form for _, form in kept(databases)] == ["recent"]
    assert list(world.session.scalars(sa.select(SignInSession.token_hash))) == ["new"]
    assert world.session.execute(sa.select(sa.func.count()).select_from(AccountLink)).scalar_one() == 1


def test_beat_wakes_it_every_day(as_worker: Flask) -> None:
    assert "accounts.purge" in jobs.BEAT
    assert "accounts.purge" in as_worker.extensions["celery"].tasks


def test_neither_the_worker_nor_the_owner_reads_or_drops_a_draft(house: House, databases: Databases) -> None:
    draft_of(databases, house, "recent", 1)
    draft_of(databases, house, "vieux", 40)
    with (
        databases.connected_as("cityjobs_worker", role="system") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("select count(*) from draft")
    with databases.connected_as("cityjobs_owner") as connection:
        assert connection.execute("select count(*) from draft").fetchone() == (0,)
        assert connection.execute("delete from draft").rowcount == 1
    with (
        databases.connected_as("cityjobs_web", user_id=house.referent.id) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("select app.purge_drafts()")
