"""The two commands of this room, as they are typed."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from cityjobs.core.db import SYSTEM, act_as, db, transaction
from cityjobs.territory import reference
from cityjobs.territory.models import Cite, CiteCommune, CiteQpv, ProgrammeYear, Qpv, QpvCommune
from tests.conftest import Databases
from tests.territory.shapes import collection, feature, official, square


@pytest.fixture
def shell(app: Flask, as_worker: Flask) -> Any:
    """Types a command."""

    def run(*words: str) -> Result:
        return as_worker.test_cli_runner().invoke(args=["territory", *words])

    return run


def rows(databases: Databases, query: str) -> list[Any]:
    return databases.superuser.execute(query).fetchall()


def written(tmp_path: Path, *features: Any, name: str = "qpv.geojson") -> str:
    path = tmp_path / name
    path.write_bytes(collection(*features))
    return str(path)


def test_seeding_creates_the_fourteen_cites_once(shell: Any, databases: Databases) -> None:
    first, second = shell("seed"), shell("seed")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "Cités créées : 14." in first.output
    assert second.output == "Cités créées : 0. QPV créés : 0.\n"
    labelled = rows(databases, "select labelled_year, count(*) from cite group by 1 order by 1")
    assert labelled == [(2020, 2), (2021, 12)]
    assert rows(databases, "select distinct programme_name from cite") == [("Cités de l’emploi",)]
    envelopes = "select year, envelope_euros from programme_year y join cite c on c.id = y.cite_id where slug = '{}' order by 1"
    assert rows(databases, envelopes.format("roubaix")) == [
        (2021, 100_000),
        (2022, 100_000),
        (2023, 100_000),
        (2024, 50_000),
    ]
    assert rows(databases, envelopes.format("maubeuge"))[0] == (2020, 100_000)


def test_two_cites_share_their_qpv(shell: Any, databases: Databases) -> None:
    shell("seed")
    shared = "select count(*) from (select qpv_id from cite_qpv group by 1 having count(*) = 2) both_of_them"
    assert rows(databases, shared) == [(2,)]


def test_seeding_again_leaves_what_an_administrator_made(
    shell: Any, as_worker: Flask, databases: Databases
) -> None:
    shell("seed")
    with as_worker.app_context():
        act_as(SYSTEM)
        with transaction() as session:
            cite = session.scalars(sa.select(Cite).where(Cite.slug == "roubaix")).one()
            cite.programme_name, cite.silence_days = "Roubaix Emploi", 45
            session.execute(sa.delete(CiteQpv).where(CiteQpv.cite_id == cite.id))
            session.execute(sa.delete(CiteCommune).where(CiteCommune.cite_id == cite.id))
            session.execute(sa.delete(ProgrammeYear).where(ProgrammeYear.cite_id == cite.id))
            session.execute(sa.delete(Cite).where(Cite.slug == "inexistante"))
    assert "Cités créées : 0" in shell("seed").output
    kept = "select programme_name, silence_days, (select count(*) from cite_qpv where cite_id = c.id) from cite c where slug = 'roubaix'"
    assert rows(databases, kept) == [("Roubaix Emploi", 45, 0)]


def test_the_reference_agrees_with_itself() -> None:
    codes = {qpv.code for qpv in reference.QPVS}
    for cite in reference.CITES:
        assert set(cite.qpvs.split()) <= codes
        assert set(cite.communes.split()) <= set(reference.COMMUNES)
        assert 1.5 < cite.longitude < 4.3 and 48.8 < cite.latitude < 51.1
    assert {code for qpv in reference.QPVS for code in qpv.communes.split()} <= set(reference.COMMUNES)


def test_the_reference_says_what_the_official_file_says(shell: Any, databases: Databases) -> None:
    shell("seed")
    before = rows(databases, "select code, name from qpv order by 1")
    shell("import-qpv", str(official("qpv_2024_hdf.geojson")))
    codes = ", ".join(f"'{code}'" for code, _ in before)
    assert rows(databases, f"select code, name from qpv where code in ({codes}) order by 1") == before


def test_importing_the_region_twice(shell: Any, databases: Databases) -> None:
    file = str(official("qpv_2024_hdf.geojson"))
    first = shell("import-qpv", file, "--json")
    assert first.exit_code == 0
    report = json.loads(first.output)
    assert len(report["created"]) == 204 and not report["updated"] and not report["rejected"]
    assert rows(databases, "select count(*) from qpv where contour is not null and west < east") == [(204,)]
    spread = "select count(*) from (select qpv_id from qpv_commune group by 1 having count(*) > 1) several"
    assert rows(databases, spread) == [(55,)]
    again = json.loads(shell("import-qpv", file, "--json").output)
    assert len(again["unchanged"]) == 204 and not again["created"] and not again["updated"]


def test_importing_the_country_and_the_generation_before(shell: Any, databases: Databases) -> None:
    assert "Créés : 1584." in shell("import-qpv", str(official("qpv_2024_france.geojson"))).output
    old = str(official("qpv_2014_mel.geojson"))
    assert "Créés : 26." in shell("import-qpv", old, "--generation", "2015").output
    dates = "select generation, valid_from::text, valid_until::text, count(*) from qpv group by 1, 2, 3 order by 1, 2"
    assert rows(databases, dates) == [
        (2015, "2015-01-01", "2023-12-31", 26), (2024, "2024-01-01", None, 1362), (2024, "2025-01-01", None, 222),
    ]  # fmt: skip


def test_a_file_of_the_other_generation_keeps_nothing(shell: Any, databases: Databases) -> None:
    answer = shell("import-qpv", str(official("qpv_2014_mel.geojson")))
    assert answer.exit_code == 1
    assert "Rejetés : 26." in answer.output and "n’a pas la forme d’un QPV de 2024" in answer.output
    assert rows(databases, "select count(*) from qpv") == [(0,)]


def test_what_changed_is_updated_and_said(shell: Any, databases: Databases, tmp_path: Path) -> None:
    shell("import-qpv", written(tmp_path, feature("QN05901M"), feature("QN05902M"), feature("QN05903M")))
    file = written(
        tmp_path,
        feature("QN05901M", lib_qp="Nouveau nom"),
        feature("QN05902M", insee_com="59512", lib_com="Roubaix"),
        feature("QN05903M"),
        feature("QN05904M", rings=[square(300)]),
        feature("QN05904M"),
        feature("FAUX"),
        feature(code_qp=None),
    )
    answer = shell("import-qpv", file)
    assert answer.exit_code == 0
    assert "Créés : 1. Mis à jour : 2. Inchangés : 1. Rejetés : 3." in answer.output
    assert "élément 5, QN05904M : Ce code est déjà plus haut dans le fichier." in answer.output
    assert "élément 7, sans code : Le code (code_qp) manque." in answer.output
    assert rows(databases, "select name from qpv where code = 'QN05901M'") == [("Nouveau nom",)]
    communes = "select insee_code from qpv_commune join qpv on qpv.id = qpv_id where code = 'QN05902M'"
    assert rows(databases, communes) == [("59512",)]


def test_a_moved_contour_is_an_update(shell: Any, tmp_path: Path) -> None:
    shell("import-qpv", written(tmp_path, feature()))
    moved = written(tmp_path, feature(rings=[square(501)]))
    assert "Mis à jour : 1." in shell("import-qpv", moved).output
    assert "Inchangés : 1." in shell("import-qpv", moved).output


@pytest.mark.parametrize("cut", [0, 1, 40_000, -3])
def test_a_broken_file_changes_nothing(shell: Any, databases: Databases, tmp_path: Path, cut: int) -> None:
    shell("import-qpv", written(tmp_path, feature()))
    before = rows(databases, "select code, name, contour::text from qpv")
    truncated = tmp_path / "tronque.geojson"
    truncated.write_bytes(official("qpv_2024_hdf.geojson").read_bytes()[:cut])
    answer = shell("import-qpv", str(truncated))
    assert answer.exit_code == 1
    assert "Rien n’a été changé." in answer.output
    assert rows(databases, "select code, name, contour::text from qpv") == before


def test_a_broken_file_says_so_in_json_too(shell: Any, tmp_path: Path) -> None:
    broken = tmp_path / "faux.geojson"
    broken.write_text("{}")
    answer = shell("import-qpv", str(broken), "--json")
    assert answer.exit_code == 1
    assert "FeatureCollection" in json.loads(answer.stdout.splitlines()[0])["refused"]


def test_a_failure_in_the_middle_leaves_nothing(
    shell: Any, databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the power went off")

    monkeypatch.setattr("cityjobs.territory.actions._place_in_communes", fail)
    assert shell("import-qpv", written(tmp_path, feature())).exit_code == 1
    assert rows(databases, "select count(*) from qpv") == [(0,)]


def test_a_file_that_is_not_there(shell: Any) -> None:
    assert shell("import-qpv", "/nowhere/qpv.geojson").exit_code == 2


def test_contours_of_the_perimeter_come_with_the_official_file(shell: Any, databases: Databases) -> None:
    contours = """select q.code, q.name, q.contour ->> 'type' from qpv q join cite_qpv l on l.qpv_id = q.id
        join cite c on c.id = l.cite_id where c.slug = 'calais' order by q.code"""
    shell("seed")
    assert rows(
        databases, "select count(*) from cite where longitude is not null and latitude is not null"
    ) == [(14,)]
    named = [("QN06253M", "Fort Nieulay - Cailloux - Saint-Pierre"), ("QN06254M", "Beau Marais")]
    assert rows(databases, contours) == [(*qpv, None) for qpv in named]
    shell("import-qpv", str(official("qpv_2024_hdf.geojson")))
    assert rows(databases, contours) == [(*qpv, "MultiPolygon") for qpv in named]


def test_importing_touches_no_perimeter(shell: Any, as_worker: Flask, databases: Databases) -> None:
    shell("seed")
    before = rows(databases, "select count(*) from cite_qpv")
    shell("import-qpv", str(official("qpv_2024_hdf.geojson")))
    assert rows(databases, "select count(*) from cite_qpv") == before
    with as_worker.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Qpv)) == 204
        assert db.session.scalar(sa.select(sa.func.count(sa.distinct(QpvCommune.qpv_id)))) == 204
        db.session.rollback()
