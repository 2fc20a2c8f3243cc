"""Occupations: importing an edition, finding a name that was misspelt."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from cityjobs.core.db import SYSTEM, act_as, db
from cityjobs.core.permissions import Role
from cityjobs.vocabulary.queries import _BEGINS_SO, find_rome_code, find_rome_names
from cityjobs.vocabulary.rules import words_sought
from tests.conftest import Databases
from tests.manners import PageClient
from tests.world import World

SignIn = Callable[[Any], PageClient]
CODES = """code_rome,libelle,code_rome_parent
D1102,Boulanger / Boulangère,D1102
K2204,Agent / Agente d'entretien,K2204
M1607,Secrétaire,M1607
"""
NAMES = """code_ogr,libelle,code_rome,classification
11573,Boulanger / Boulangère,D1102,PRINCIPALE
11574,Boulanger / Boulangère de nuit,D1102,SYNONYME
10933,Agent / Agente d'entretien de bureaux,K2204,SYNONYME
19364,Secrétaire bureautique,M1607,SYNONYME
"""


@pytest.fixture
def shell(app: Flask, as_worker: Flask, tmp_path: Path) -> Callable[..., Result]:
    """Types the command over two files."""

    def run(codes: str | bytes = CODES, names: str | bytes = NAMES) -> Result:
        for name, content in (("codes.csv", codes), ("names.csv", names)):
            (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        files = [str(tmp_path / "codes.csv"), str(tmp_path / "names.csv")]
        return as_worker.test_cli_runner().invoke(args=["vocabulary", "import-rome", *files])

    return run


def rows(databases: Databases, query: str) -> list[Any]:
    return databases.superuser.execute(query).fetchall()


def test_an_edition_is_read_once_then_what_differs(
    shell: Callable[..., Result], databases: Databases
) -> None:
    assert shell().output == "Créées : 4. Mises à jour : 0. Inchangées : 0. Retirées : 0. Rejetées : 0.\n"
    before = rows(databases, "select xmin, * from rome_name order by id")
    assert shell().output == "Créées : 0. Mises à jour : 0. Inchangées : 4. Retirées : 0. Rejetées : 0.\n"
    assert rows(databases, "select xmin, * from rome_name order by id") == before
    later = NAMES.replace("de nuit", "de jour").replace("19364,Secrétaire bureautique,M1607,SYNONYME\n", "")
    assert (
        shell(names=later).output
        == "Créées : 0. Mises à jour : 1. Inchangées : 2. Retirées : 1. Rejetées : 0.\n"
    )
    assert rows(databases, "select name, occupation from rome_name where id = 11574") == [
        ("Boulanger / Boulangère de jour", "Boulanger / Boulangère")
    ]


def test_lines_that_cannot_be_kept_are_said_and_the_others_read(shell: Callable[..., Result]) -> None:
    bad = NAMES + "abc,Sans numéro,D1102,\n12,Sans code,Z9999,\n13,,D1102,\n99999999999,Trop grand,D1102,\n"
    output = shell(names="\ufeff" + bad).output
    assert "Créées : 4." in output and "Rejetées : 4." in output
    assert "ligne 6 : « abc » n’est pas un numéro" in output.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("codes", "names", "said"),
    [
        (CODES, "a,b\n1,2\n", "n’a pas la colonne"),
        ("x\n", NAMES, "n’a pas la colonne"),
        (CODES, b"code_ogr,libelle,code_rome\n1,\xff,D1102\n", "UTF-8"),
        (CODES, "code_ogr,libelle,code_rome\n", "aucune ligne lisible"),
    ],
)
def test_a_broken_file_changes_nothing(
    shell: Callable[..., Result], databases: Databases, codes: str, names: str | bytes, said: str
) -> None:
    shell()
    refused = shell(codes, names)
    assert refused.exit_code == 1
    assert said in refused.output and "Rien n’a été changé." in refused.output
    assert rows(databases, "select count(*) from rome_name") == [(4,)]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("boulang", "Boulanger / Boulangère"),
        ("Boulangere", "Boulanger / Boulangère"),
        ("boulanjer", "Boulanger / Boulangère"),
        ("agent d’entretien", "Agent / Agente d'entretien de bureaux"),
        ("agent dentretien", "Agent / Agente d'entretien de bureaux"),
        ("secretere", "Secrétaire bureautique"),
        ("nuit boulanger", "Boulanger / Boulangère de nuit"),
        ("astronaute", None),
        ("b", None),
        ("😀", None),
    ],
)
def test_a_name_is_found_though_misspelt(
    shell: Callable[..., Result], app: Flask, typed: str, first: str | None
) -> None:
    shell()
    with app.test_request_context():
        act_as(SYSTEM)
        found = find_rome_names(typed)
        assert (found[0].name if found else None) == first
        db.session.rollback()


def test_the_code_is_that_of_a_name_written_whole(shell: Callable[..., Result], app: Flask) -> None:
    shell()
    with app.test_request_context():
        act_as(SYSTEM)
        assert find_rome_code("boulanger / boulangère de nuit") == "D1102"
        assert find_rome_code("Boulanger volant") is None
        db.session.rollback()


def test_names_come_as_options_while_typing(
    shell: Callable[..., Result], world: World, client_of: SignIn
) -> None:
    cite = world.cite()
    client = client_of(world.member(Role.REFERENT, cite))
    fragment = client.flask.get("/metiers?q=boulanjer")
    assert fragment.status_code == 200 and fragment.get_data() == b""
    shell()
    fragment = client.flask.get("/metiers?occupation=boulanjer")
    assert '<option value="Boulanger / Boulangère">' in fragment.get_data(as_text=True)
    assert client.flask.get("/metiers?q=" + "b" * 5000).status_code == 200
    assert client.flask.get("/metiers").status_code == 200
    client_of(world.member(Role.FUNDER, cite)).get("/metiers?q=boulanger", status=403)


def test_the_index_answers_among_as_many_names_as_there_are(app: Flask, databases: Databases) -> None:
    """13 120 names, as in the edition of 2025: the plan goes by the index, and a misspelt word takes some milliseconds."""
    with databases.superuser.cursor() as cursor:
        cursor.execute(
            "insert into rome_name (id, rome_code, occupation, name) select i, 'A1101', 'Conducteur d’engins',"
            " initcap(translate(md5(i::text), '0123456789', 'aeiouaeiou')) || ' en ' || translate(md5((i % 700)::text), '0123456789', 'oiueaoiuea')"
            " from generate_series(1, 13119) i"
        )
        cursor.execute(
            "insert into rome_name (id, rome_code, occupation, name) values (20000, 'D1102', 'Boulanger', 'Boulanger de nuit')"
        )
        cursor.execute("analyze rome_name")
    with app.test_request_context():
        act_as(SYSTEM)
        plan = "\n".join(
            row[0]
            for row in db.session.execute(
                db.text(f"explain {_BEGINS_SO.text}"),
                {"sought": words_sought("boulanger de nuit"), "most": 12},
            )
        )
        assert re.search(r"Bitmap Index Scan on ix_rome_name_trigrams", plan), plan
        for typed in ("boulanger nuit", "boulanjer de nuis"):
            times = []
            for _ in range(5):
                began = time.perf_counter()
                assert find_rome_names(typed)[0].name == "Boulanger de nuit"
                times.append(time.perf_counter() - began)
            assert min(times) < 0.05, times
        db.session.rollback()
