"""Every write leaves a trace that the application's roles can neither see nor change."""

from typing import Any

import psycopg
import pytest

from tests.conftest import Databases
from tests.world import World

UNTRACED = {"alembic_version", "heartbeat", "outgoing", "draft", "qpv_commune", "rome_name"}
"""Tables that no journal tells of: neither people nor rights, or what one is still typing."""


def journal(databases: Databases, subject: str) -> list[Any]:
    return databases.superuser.execute(
        "select verb, actor, role, before, after from audit.journal where subject = %s order by id",
        (subject,),
    ).fetchall()


def test_a_write_is_traced_with_its_actor_and_the_changed_fields_only(
    world: World, databases: Databases
) -> None:
    cite = world.cite()
    referent = world.member("referent", cite)
    case = world.case(cite, referent=referent, first_name="Nadia")
    with psycopg.connect(databases.url("cityjobs_web")) as connection:
        for name, value in (("user_id", referent.id), ("role", "referent"), ("cite_id", cite.id)):
            connection.execute("select set_config(%s, %s, true)", (f"cityjobs.{name}", str(value)))
        connection.execute("update person set first_name = 'Nadège' where id = %s", (case.id,))
    assert journal(databases, "person")[-1] == (
        "update",
        referent.id,
        "referent",
        {"first_name": "Nadia"},
        {"first_name": "Nadège"},
    )


def test_a_write_that_is_rolled_back_leaves_no_trace(world: World, databases: Databases) -> None:
    cite = world.cite()
    case = world.case(cite)
    before = len(journal(databases, "person"))
    with psycopg.connect(databases.url("cityjobs_worker")) as connection:
        connection.execute("update person set first_name = 'X' where id = %s", (case.id,))
        connection.rollback()
    assert len(journal(databases, "person")) == before


def test_a_bulk_write_leaves_one_line_a_row(world: World, databases: Databases) -> None:
    cite = world.cite()
    for _ in range(3):
        world.case(cite)
    before = len(journal(databases, "person"))
    with psycopg.connect(databases.url("cityjobs_worker")) as connection:
        connection.execute("update person set language = 'fr'")
    assert len(journal(databases, "person")) == before + 3


@pytest.mark.parametrize("role", ["cityjobs_web", "cityjobs_worker"])
@pytest.mark.parametrize(
    "statement",
    ["select 1 from audit.journal", "update audit.journal set verb = 'read'", "delete from audit.journal"],
)
def test_the_journal_is_out_of_reach(databases: Databases, role: str, statement: str) -> None:
    with databases.connected_as(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def test_every_table_with_rows_of_people_or_rights_is_traced(databases: Databases) -> None:
    traced = {
        row[0]
        for row in databases.superuser.execute(
            "select tgrelid::regclass::text from pg_trigger where tgname = 'traced'"
        )
    }
    everything = {
        row[0]
        for row in databases.superuser.execute("select tablename from pg_tables where schemaname = 'public'")
    }
    assert everything - traced == UNTRACED


def test_secrets_are_not_copied_into_the_journal(world: World, databases: Databases) -> None:
    cite = world.cite()
    member = world.member("referent", cite, password_hash="$argon2id$empreinte")
    world.open_session(member)
    text = str(databases.superuser.execute("select before, after from audit.journal").fetchall())
    assert "empreinte" not in text and "token_hash" not in text
