"""A private note: of its author, and of nobody else, in the pages as in the database."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.conftest import Databases
from tests.followups.conftest import Scene
from tests.manners import PageClient

Rows = Callable[..., list[Any]]
Clients = Callable[[Any], PageClient]
SECRET = "Ne l’a dit qu’à moi : chut."


@pytest.fixture
def interview_id(scene: Scene, client_of: Clients, rows: Rows) -> str:
    """An exchange noted by Samira with a private note."""
    client = client_of(scene.samira)
    form = client.get(scene.url).form(f"{scene.url}/entretiens/nouveau")
    client.submit(form, synthesis="Point.", private_note=SECRET)
    return str(rows("select id from interview")[0][0])


def test_only_its_author_sees_it(scene: Scene, interview_id: str, client_of: Clients) -> None:
    for path in ("", f"/entretiens/{interview_id}", f"/entretiens/{interview_id}/modifier"):
        assert SECRET in client_of(scene.samira).get(f"{scene.url}{path}").text()
        assert SECRET not in client_of(scene.coordinator).get(f"{scene.url}{path}").text()
    page = client_of(scene.samira).get(f"{scene.url}/entretiens/{interview_id}/modifier")
    assert "droit d’accès" in page.text() and "Visible par vous seul" in page.text()


def test_nobody_else_can_write_one_on_it(
    scene: Scene, interview_id: str, client_of: Clients, rows: Rows
) -> None:
    client = client_of(scene.coordinator)
    form = client.get(f"{scene.url}/entretiens/{interview_id}/modifier").form(holding="synthesis")
    assert "private_note" not in form.values
    client.submit(form, synthesis="Corrigé.", private_note="De Claire", note_version="1")
    assert rows("select author_id, body from private_note") == [(scene.samira.id, SECRET)]


def test_its_author_changes_and_drops_it(
    scene: Scene, interview_id: str, client_of: Clients, rows: Rows
) -> None:
    client = client_of(scene.samira)
    url = f"{scene.url}/entretiens/{interview_id}/modifier"
    [(first,)] = rows("select version from private_note")
    client.submit(client.get(url).form(holding="synthesis"), private_note="Autre chose")
    assert rows("select body, version from private_note") == [("Autre chose", first + 1)]
    client.submit(client.get(url).form(holding="synthesis"), private_note="")
    assert rows("select 1 from private_note") == []
    client.submit(client.get(url).form(holding="synthesis"), private_note="De nouveau")
    assert rows("select body from private_note") == [("De nouveau",)]
    assert rows("select version from interview") == [(1,)]


def test_two_windows_of_its_author_do_not_overwrite_each_other(
    scene: Scene, interview_id: str, client_of: Clients, rows: Rows
) -> None:
    client = client_of(scene.samira)
    url = f"{scene.url}/entretiens/{interview_id}/modifier"
    old = client.get(url).form(holding="synthesis")
    client.submit(client.get(url).form(holding="synthesis"), private_note="Première fenêtre")
    page = client.submit(old, status=409, private_note="Seconde fenêtre")
    assert "Première fenêtre" in page.main() and "Seconde fenêtre" in page.main()
    assert rows("select body from private_note") == [("Première fenêtre",)]
    client.submit(page.form(holding="mine-private_note"), **{"keep-private_note": "mine"})
    assert rows("select body from private_note") == [("Seconde fenêtre",)]


@pytest.mark.parametrize("who", ["other", "coordinator", "spotter", "figures", "elsewhere"])
def test_in_the_database_nobody_else_finds_it(
    scene: Scene, interview_id: str, databases: Databases, who: str
) -> None:
    member = getattr(scene, who)
    told = {"user_id": member.id, "role": member.role.value, "cite_id": scene.samira.cite.id}
    with databases.connected_as("cityjobs_web", **told) as connection:
        assert connection.execute("select * from private_note").fetchall() == []
        assert connection.execute("update private_note set body = 'lu'").rowcount == 0
        assert connection.execute("delete from private_note").rowcount == 0


def test_in_the_database_its_author_finds_it_while_they_follow_the_person(
    scene: Scene, interview_id: str, databases: Databases
) -> None:
    told = {"user_id": scene.samira.id, "role": "referent", "cite_id": scene.samira.cite.id}
    with databases.connected_as("cityjobs_web", **told) as connection:
        assert connection.execute("select body from private_note").fetchall() == [(SECRET,)]


def test_neither_the_worker_nor_the_owner_of_the_tables_reads_it(
    interview_id: str, databases: Databases
) -> None:
    with (
        databases.connected_as("cityjobs_worker") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("select * from private_note")
    with databases.connected_as("cityjobs_owner") as connection:
        assert connection.execute("select * from private_note").fetchall() == []


def test_the_journal_says_that_it_was_written_and_never_what(
    scene: Scene, interview_id: str, client_of: Clients, rows: Rows
) -> None:
    client = client_of(scene.samira)
    url = f"{scene.url}/entretiens/{interview_id}/modifier"
    client.submit(client.get(url).form(holding="synthesis"), private_note="Autre secret")
    client.submit(client.get(url).form(holding="synthesis"), private_note="")
    lines = rows(
        "select verb, before::text, after::text from audit.journal where subject = 'private_note' order by id"
    )
    assert [line[0] for line in lines] == ["insert", "update", "delete"]
    whole = " ".join(str(line) for line in rows("select before::text, after::text from audit.journal"))
    assert "chut" not in whole and "Autre secret" not in whole


def test_no_search_finds_it(scene: Scene, interview_id: str, client_of: Clients) -> None:
    for member in (scene.samira, scene.coordinator):
        assert SECRET not in client_of(member).get("/personnes?q=chut").text()
