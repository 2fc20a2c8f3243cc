"""The demo in a real database, as the command writes it."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from argon2 import PasswordHasher
from click.testing import Result
from flask import Flask

from cityjobs.accounts.rules import DEMO_ACCOUNTS, DEMO_PASSWORD
from cityjobs.core.permissions import Role
from tests.conftest import Databases
from tests.world import World

Shell = Callable[..., Result]


@pytest.fixture
def shell(app: Flask, as_worker: Flask) -> Shell:
    def run(*words: str) -> Result:
        return as_worker.test_cli_runner().invoke(args=["demo", *words])

    return run


def rows(databases: Databases, query: str) -> list[Any]:
    return databases.superuser.execute(query).fetchall()


def test_the_whole_demo_is_loaded_fast_and_kept_by_every_constraint(
    shell: Shell, databases: Databases
) -> None:
    began = time.monotonic()
    answer = shell()
    took = time.monotonic() - began
    assert answer.exit_code == 0, answer.output
    assert took < 20, "4 s on an idle machine"
    [(people, cites)] = rows(databases, "select count(*), count(distinct cite_id) from person")
    assert 280 <= people <= 320 and cites == 3
    assert f"{people} personnes fictives" in answer.output
    assert rows(databases, "select count(*) from cite") == [(14,)]
    wrong = """
        select count(*) from parcours p
        where last_contact_on is distinct from (
          select max(held_on) from interview i where i.parcours_id = p.id and reached and mode not in ('tiers', 'courrier'))"""
    assert rows(databases, wrong) == [(0,)]
    ahead = "select count(*) from interview where created_at > now() or held_on > current_date"
    assert rows(databases, ahead) == [(0,)]
    outside = "select count(*) from person p where qpv_id is not null and not exists (select from cite_qpv c where c.cite_id = p.cite_id and c.qpv_id = p.qpv_id)"
    assert rows(databases, outside) == [(0,)]
    year = "select count(*) from programme_year where year = extract(year from current_date)"
    assert rows(databases, year) == [(3,)]
    strangers = """
        select count(*) from assignment a where referent_id is not null and not exists (
          select from membership m where m.user_id = a.referent_id and m.cite_id = a.cite_id and m.role = 'referent')"""
    assert rows(databases, strangers) == [(0,)]


def test_the_one_click_accounts_open(shell: Shell, databases: Databases) -> None:
    shell("--size", "small")
    known = dict(rows(databases, "select email, password_hash from user_account"))
    assert {account.email for account in DEMO_ACCOUNTS} <= set(known)
    for account in DEMO_ACCOUNTS:
        PasswordHasher().verify(known[account.email], DEMO_PASSWORD)
        held = f"""select role, slug from membership m join cite c on c.id = m.cite_id join user_account u on u.id = m.user_id
            where email = '{account.email}'"""
        assert (account.role, account.cite) in rows(databases, held)
    roles = "select distinct role from membership m join user_account u on u.id = m.user_id where email like '%@roubaix.example'"
    assert {row[0] for row in rows(databases, roles)} == set(Role)
    listed = shell("--accounts").output
    assert DEMO_PASSWORD in listed
    assert [line.split()[-1] for line in listed.splitlines()[1:]] == [
        account.email for account in DEMO_ACCOUNTS
    ]
    both = "select count(distinct cite_id) from membership m join user_account u on u.id = m.user_id where first_name = 'Fatou'"
    assert rows(databases, both) == [(2,)]
    referents = "select count(*) from membership m join cite c on c.id = m.cite_id where slug = 'roubaix' and role = 'referent'"
    assert rows(databases, referents) == [(4,)]


def test_the_collective_has_its_four_families_and_leads(shell: Shell, databases: Databases) -> None:
    shell("--size", "small")
    assert len(rows(databases, "select distinct family from organisation")) == 4
    assert rows(databases, "select count(*) from cite where chef_de_file_id is not null") == [(3,)]
    assert rows(databases, "select name from organisation where is_sensitive") == [
        ("Écoute du Petit-Poucet",)
    ]


def test_the_same_seed_writes_the_same_persons(shell: Shell, databases: Databases) -> None:
    query = "select p.id, first_name, last_name, phone, c.slug from person p join cite c on c.id = p.cite_id order by 1"
    shell("--size", "small", "--seed", "5")
    first = rows(databases, query)
    databases.empty()
    shell("--size", "small", "--seed", "5")
    assert rows(databases, query) == first
    databases.empty()
    shell("--size", "small", "--seed", "6")
    assert rows(databases, query) != first


def test_a_second_time_adds_nothing(shell: Shell, databases: Databases) -> None:
    shell("--size", "small")
    before = rows(databases, "select count(*) from person")
    quiet, refused = shell("--if-empty"), shell()
    assert (quiet.exit_code, refused.exit_code) == (0, 1)
    assert "rien n’a été ajouté" in quiet.output and "rien n’a été ajouté" in refused.output
    assert rows(databases, "select count(*) from person") == before


def test_a_database_where_somebody_works_is_left_alone(
    shell: Shell, world: World, databases: Databases
) -> None:
    world.member(Role.REFERENT, world.cite())
    assert shell("--if-empty").exit_code == 0
    assert rows(databases, "select count(*) from person") == [(0,)]
    assert shell("--accounts").output == ""


def test_production_is_refused(shell: Shell, as_worker: Flask, databases: Databases) -> None:
    as_worker.config["ENVIRONMENT"] = "production"
    for words in ((), ("--if-empty",), ("--accounts",)):
        answer = shell(*words)
        assert answer.exit_code == 1 and "production" in answer.output
    assert rows(databases, "select count(*) from user_account") == [(0,)]
