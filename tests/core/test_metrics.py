"""/metrics: shut without its token, bounded, and about nobody."""

import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from cityjobs.app import create_app
from cityjobs.core import jobs
from cityjobs.core.db import db
from cityjobs.core.heartbeat import Heartbeat, worker_lives
from cityjobs.core.metrics import MEANINGS, QUEUE, instruments
from cityjobs.core.outbox import Delivery, Outgoing
from cityjobs.embedded.home import temporary_home
from cityjobs.embedded.valkey import EmbeddedValkey
from config import load_settings
from tests.conftest import Databases
from tests.manners import PageClient
from tests.world import World

TOKEN = "Vq7xM2kR9tLw4Zb8Nc6Ys3Kd5Jf0GpHa"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
LABELS = {"endpoint", "method", "status", "state", "reason", "le"}
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
def watched(app: Flask, databases: Databases) -> Iterator[Flask]:
    """The web with its figures on, and nothing counted yet; `app` has emptied the database."""
    instruments.cache_clear()
    built = create_app(load_settings(databases.environment(METRICS_TOKEN=TOKEN)).flask_config())
    built.testing = True
    yield built
    with built.app_context():
        db.engine.dispose()


def read(app: Flask) -> Samples:
    answer = app.test_client().get("/metrics", headers=BEARER)
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((f"cityjobs_{name}", tuple(sorted(labels.items()))), 0.0)


def test_without_a_token_in_the_settings_the_page_is_not_there(app: Flask) -> None:
    for headers in ({}, BEARER, {"Authorization": "Bearer "}):
        assert app.test_client().get("/metrics", headers=headers).status_code == 404


@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer é"]
)
def test_without_the_right_token_nothing_is_told(watched: Flask, given: str | None) -> None:
    answer = watched.test_client().get("/metrics", headers={} if given is None else {"Authorization": given})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.data == b""


def test_requests_are_counted_by_endpoint_method_and_status(watched: Flask) -> None:
    before = read(watched)
    client = watched.test_client()
    client.get("/connexion")
    client.get("/nulle/part")
    client.open("/connexion", method="BREW")
    after = read(watched)

    def more(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert more("requests_total", endpoint="accounts.sign_in", method="GET", status="200") == 1
    assert more("requests_total", endpoint="none", method="GET", status="404") == 1
    assert more("requests_total", endpoint="none", method="other", status="405") == 1
    assert more("request_seconds_count", endpoint="accounts.sign_in") == 1
    assert more("request_seconds_bucket", endpoint="accounts.sign_in", le="10.0") == 1
    assert more("requests_total", endpoint="metrics", method="GET", status="200") == 1


def test_wrong_passwords_are_counted_and_nobody_is_named(watched: Flask) -> None:
    before = read(watched)
    client = PageClient(watched)
    form = client.get("/connexion").form("/connexion")
    client.submit(form, status=422, email="amina.benali@ville.example", password="wrong")
    after = read(watched)
    assert value(after, "sign_in_failures_total", reason="password") == 1 + value(
        before, "sign_in_failures_total", reason="password"
    )
    assert "amina" not in str(after)


def test_labels_take_only_values_known_beforehand(
    watched: Flask, world: World, client_of: Callable[[Any], PageClient]
) -> None:
    cite = world.cite()
    claire = world.member("coordinator", cite)
    case = world.case(cite, referent=world.member("referent", cite))
    client = PageClient(watched)
    with client.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"] = world.open_session(claire), True
    client.get(f"/personnes/{case.id}")
    client.get(f"/personnes?q={case.person.last_name}")
    text = watched.test_client().get("/metrics", headers=BEARER).text
    endpoints = {rule.endpoint for rule in watched.url_map.iter_rules()} | {"none"}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert set(sample.labels) <= LABELS
            assert sample.labels.get("endpoint", "none") in endpoints
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", text)
    for secret in (case.person.last_name, claire.user.email, claire.user.last_name, cite.name):
        assert secret not in text


def test_what_waits_is_told_with_its_age(watched: Flask, world: World) -> None:
    ago = datetime.now(UTC) - timedelta(minutes=7)

    def letter(state: Delivery, **more: Any) -> Outgoing:
        return Outgoing(
            kind="reset",
            dedupe_key=str(uuid.uuid4()),
            recipient="x@ville.example",
            facts={},
            state=state,
            not_before=ago,
            **more,
        )

    quiet = read(watched)
    assert value(quiet, "outbox_age_seconds") == value(quiet, "outbox_letters", state="waiting") == 0
    world.keep(
        letter(Delivery.WAITING),
        letter(Delivery.WAITING),
        letter(Delivery.SENT, settled_at=ago),
        letter(Delivery.FAILED, settled_at=ago),
        letter(Delivery.FAILED, settled_at=ago - timedelta(days=3)),
        Heartbeat(part="worker", beaten_at=ago),
    )
    busy = read(watched)
    assert value(busy, "database_up") == value(busy, "broker_up") == 1
    assert value(busy, "outbox_letters", state="waiting") == 2
    assert value(busy, "outbox_letters", state="failed") == 1
    assert 420 <= value(busy, "outbox_age_seconds") < 440
    assert 420 <= value(busy, "worker_age_seconds") < 440
    assert value(busy, "journal_unsealed_seconds") >= 0


def test_the_lag_of_reminders_is_the_age_of_the_oldest_line(watched: Flask, world: World) -> None:
    cite = world.cite()
    nadia = world.member("referent", cite)
    case = world.case(cite, referent=nadia)
    world.session.execute(
        sa.text(
            "insert into reminder (id, cite_id, person_id, parcours_id, rule, subject_id, due_on, recipient_id, channel, state,"
            " created_at) values (gen_random_uuid(), :cite, :person, :parcours, 'due', gen_random_uuid(), current_date, :to,"
            " 'email', 'waiting', now() - interval '2 hours')"
        ),
        {"cite": cite.id, "person": case.id, "parcours": case.parcours.id, "to": nadia.id},
    )
    world.session.commit()
    samples = read(watched)
    assert value(samples, "reminder_lines", state="waiting") == 1
    assert 7200 <= value(samples, "reminder_lag_seconds") < 7230


def test_every_figure_of_the_database_has_its_meaning(databases: Databases) -> None:
    with databases.connected_as("cityjobs_web") as web:
        names = {row[0] for row in web.execute("select name from app.figures_of_the_house()")}
    assert names <= set(MEANINGS)
    assert {"outbox_age_seconds", "reminder_lag_seconds", "journal_unsealed_seconds"} <= names


def test_a_database_that_is_away_is_said_and_the_rest_is_told(databases: Databases) -> None:
    lost = databases.environment(
        METRICS_TOKEN=TOKEN, DATABASE_URL="postgresql://cityjobs_web:x@127.0.0.1:1/cityjobs"
    )
    app = create_app(load_settings(lost).flask_config())
    samples = read(app)
    assert value(samples, "database_up") == 0
    assert ("cityjobs_outbox_age_seconds", ()) not in samples


def test_the_queue_tells_its_length_and_the_age_of_its_oldest_task(databases: Databases) -> None:
    with temporary_home() as home, EmbeddedValkey(home / "valkey", durable=False) as broker:
        environ = databases.environment(METRICS_TOKEN=TOKEN, REDIS_URL=broker.url())
        app = create_app(load_settings(environ).flask_config())
        jobs.breaker.closed_until = 0.0
        assert value(read(app), "queue_length") == 0
        for _ in range(3):
            worker_lives.apply_async(ignore_result=True)
        samples = read(app)
        app.extensions["celery"].close()
        with app.app_context():
            db.engine.dispose()
    assert QUEUE == "cityjobs:celery"
    assert value(samples, "queue_length") == 3
    assert 0 < value(samples, "queue_age_seconds") < 30


def test_nothing_is_loaded_without_a_token(databases: Databases) -> None:
    asked = "import sys, wsgi; wsgi.app.test_client().get('/metrics'); sys.exit('prometheus_client' in sys.modules)"
    for token, loaded in (("", 0), (TOKEN, 1)):
        environ = databases.environment(METRICS_TOKEN=token, PATH="/usr/bin:/bin")
        root = Path(__file__).resolve().parents[2]
        ended = subprocess.run([sys.executable, "-c", asked], cwd=root, env=environ, capture_output=True)
        assert ended.returncode == loaded, ended.stderr.decode()


@pytest.fixture
def own_address(app: Flask, databases: Databases) -> Iterator[Flask]:
    """A web host that is bound to an address of its private network."""
    environ = databases.environment(
        METRICS_TOKEN=TOKEN,
        WEB_BIND="10.0.1.11:8000",
        BASE_URL="https://cite.ville.example",
        TRUSTED_PROXIES="1",
    )
    instruments.cache_clear()
    built = create_app(load_settings(environ).flask_config())
    yield built
    with built.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("host", ["10.0.1.11:8000", "10.0.1.11", "localhost", "cite.ville.example"])
def test_watchers_ask_a_web_host_on_its_own_address(own_address: Flask, host: str) -> None:
    client = own_address.test_client()
    assert client.get("/metrics", headers={"Host": host, **BEARER}).status_code == 200
    assert client.get("/healthz", headers={"Host": host}).json


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("10.0.1.11:8000", "/connexion"),
        ("10.0.1.11:8000", "/"),
        ("10.0.1.11:8000", "/metrics/"),
        ("10.0.1.11", "/compte"),
        ("10.0.1.12:8000", "/metrics"),
        ("10.0.1.11:9000", "/metrics"),
        ("10.0.1.11.evil.example", "/healthz"),
        ("evil.example", "/metrics"),
        ("", "/healthz"),
    ],
)
def test_nothing_else_answers_there_nor_those_elsewhere(own_address: Flask, host: str, path: str) -> None:
    assert own_address.test_client().get(path, headers={"Host": host, **BEARER}).status_code == 400


@pytest.mark.parametrize(
    ("bind", "hosts"),
    [
        ("", []),
        ("0.0.0.0:8000", []),
        ("[::]:8000", []),
        ("unix:/run/cityjobs-web/socket", []),
        ("10.0.1.11:8000", ["10.0.1.11", "10.0.1.11:8000"]),
        ("[FD00::11]:8000", ["[fd00::11]", "[fd00::11]:8000"]),
    ],
)
def test_a_web_host_bound_to_every_address_has_none_of_its_own(
    databases: Databases, bind: str, hosts: list[str]
) -> None:
    assert load_settings(databases.environment(WEB_BIND=bind)).own_hosts == hosts
