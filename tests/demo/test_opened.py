"""The demo opened in the pages of the product: a whole day for the référent, a whole file, a page for every role."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from cityjobs.accounts.rules import DEMO_ACCOUNTS, DEMO_PASSWORD
from cityjobs.app import create_app
from cityjobs.core.clock import today
from cityjobs.core.db import SYSTEM, act_as, db, transaction
from cityjobs.core.permissions import Role
from cityjobs.core.wording import Lexicon
from cityjobs.demo import obstacles, words
from cityjobs.demo.actions import load_demo
from cityjobs.demo.story import KNOWN_PERSON
from cityjobs.desk.queries.file import EventKind
from cityjobs.desk.rules import Queue
from config import load_settings
from tests.conftest import Databases
from tests.manners import PageClient
from tests.national_words import WORDS

HOMES = {
    Role.REFERENT: ("/ma-journee", "/personnes", "/absences", "/pilotage"),
    Role.COORDINATOR: ("/ma-journee", "/personnes", "/coordination", "/absences", "/pilotage"),
    Role.CHEF_DE_FILE: ("/pilotage",),
    Role.FUNDER: ("/pilotage",),
    Role.SPOTTER: ("/reperage", "/personnes"),
    Role.ADMINISTRATOR: ("/administration/comptes",),
    Role.PARTNER: ("/compte",),
}


@pytest.fixture(scope="module", params=["normal", pytest.param("small", marks=pytest.mark.soak)])
def opened(databases: Databases, built_app: Flask, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """The demo, loaded once for every test of this file."""
    worker = create_app(load_settings(databases.environment(PROCESS="worker")).flask_config())
    databases.empty()
    with worker.app_context():
        act_as(SYSTEM)
        with transaction():
            load_demo(2026, today(), request.param)
        db.session.remove()
    yield built_app
    databases.empty()
    with worker.app_context():
        db.engine.dispose()


def signed_in(app: Flask, email: str) -> PageClient:
    client = PageClient(app)
    client.submit(client.get("/connexion").form(holding="password"), email=email, password=DEMO_PASSWORD)
    return client


def known_person(databases: Databases) -> Any:
    named = "select id from person where first_name = %s and last_name = %s"
    return databases.superuser.execute(named, KNOWN_PERSON).fetchone()[0]


def test_every_queue_of_the_day_holds_a_few_lines(opened: Flask) -> None:
    page = signed_in(opened, "referent@roubaix.example").get("/ma-journee")
    for queue in Queue:
        (section,) = page.all("section", id=queue.value)
        assert 1 <= len(section.all("li")) <= 8, queue
    assert "remplacez" in page.main()


def test_one_file_tells_of_everything(opened: Flask, databases: Databases) -> None:
    client, person_id = signed_in(opened, "referent@roubaix.example"), known_person(databases)
    file = f"/personnes/{person_id}"
    for kind in EventKind:
        assert client.get(f"{file}?type={kind.value}").all("ol", class_="trail"), kind
    client.get(f"{file}/diagnostic/1")
    client.get(f"{file}/diagnostic/progres")
    plan = client.get(f"{file}/plan").main()
    for state in ("Prévue", "En cours", "En attente", "Réalisée", "Abandonnée", "Annulée"):
        assert state in plan, state
    client.get(f"{file}/plan/modeles/appliquer")
    client.get(f"{file}/accord/1")
    client.get(f"{file}/mon-parcours")


def test_every_role_finds_its_pages(opened: Flask) -> None:
    for account in DEMO_ACCOUNTS:
        client = signed_in(opened, account.email)
        for path in HOMES[account.role]:
            client.get(path)


@pytest.mark.parametrize(
    ("what", "query"),
    [
        ("two versions whose freins moved", "select 1 from frein_reading group by person_id, code having count(distinct status) > 1"),
        ("a sensitive frein", "select 1 from frein where code = 'sante'"),
        ("kept plans", "select 1 from plan_template group by cite_id having count(*) = 2"),
        ("appointments", "select 1 from next_step where due_at is not null and place is not null"),
        ("something passed on to a colleague", "select 1 from next_step where state = 'todo' and entrusted_to_id is not null"),
        ("two couples", "select 1 from person_link having count(*) = 2"),
        ("evidence of an exit", "select 1 from parcours_exit where evidence is not null"),
        ("situations after an exit", "select 1 from situation_snapshot where moment = 'exit'"),
        ("partners", "select 1 from etape where organisation_id is not null"),
    ],
)  # fmt: skip
def test_there_is_something_of_everything(opened: Flask, databases: Databases, what: str, query: str) -> None:
    assert databases.superuser.execute(query).fetchone(), what


def test_an_exit_counts_as_the_ruleset_reads_it_and_only_who_left_has_one(
    opened: Flask, databases: Databases
) -> None:
    wrong = """select 1 from parcours p left join parcours_exit e on e.parcours_id = p.id
        where (p.status = 'sorti') <> (e.parcours_id is not null) or e.exit_type <> p.end_reason"""
    assert databases.superuser.execute(wrong).fetchone() is None


def test_no_text_holds_a_sensitive_word() -> None:
    lexicon = Lexicon(WORDS)
    assert len(WORDS) > 100 and lexicon.find("Elle est enceinte.")
    said = [
        str(value)
        for module in (words, obstacles)
        for name, value in vars(module).items()
        if name.isupper() and name not in ("SURNAMES", "WOMEN", "MEN", "LANGUAGES", "MISSPELLINGS")
    ]
    assert len(said) > 20
    assert [finding for text in said for finding in lexicon.find(text)] == []
