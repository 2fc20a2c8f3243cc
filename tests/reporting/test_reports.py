"""Frozen reports: asked for, computed once by a worker, announced, downloaded, never changed."""

import io
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pypdf
import pytest
import sqlalchemy as sa
import time_machine
from click.testing import Result
from flask import Flask
from python_calamine import CalamineWorkbook

from cityjobs.core.clock import now, today
from cityjobs.core.db import SYSTEM, act_as, transaction
from cityjobs.core.outbox import Outgoing
from cityjobs.reporting import tasks
from cityjobs.reporting.actions import write_monthly_reports
from cityjobs.reporting.documents import NOT_PUBLISHED, definitions, write_pdf, write_workbook
from cityjobs.reporting.models import ActivityReport
from cityjobs.reporting.rules.figures import DEFINITIONS_VERSION, FIGURES
from cityjobs.reporting.rules.periods import month_of
from cityjobs.reporting.rules.reports import MOST_ATTEMPTS, ReportState
from cityjobs.territory.rules import OTHER_PARTNER
from tests.conftest import Databases, Letterbox
from tests.manners import PageClient
from tests.reporting.lives import live
from tests.world import World

ClientOf = Callable[[Any], PageClient]
SHEETS = ["Synthèse", "Par QPV", "Par référent", "Par semaine", "Définitions"]


class House:
    """A Cité with a life, its readers, and the worker's application."""

    def __init__(self, world: World, worker: Flask, name: str = "Roubaix") -> None:
        self.world, self.worker = world, worker
        self.cite = world.cite(name)
        self.referents = [
            world.member("referent", self.cite, first_name="=1+1", last_name="@Petit"),
            world.member("referent", self.cite),
        ]
        self.chef = world.member("chef_de_file", self.cite)
        self.coordinator = world.member("coordinator", self.cite)
        live(world, self.cite, self.referents, seed=5, persons=60)

    def run(self, task: str, *arguments: str) -> Any:
        return self.worker.extensions["celery"].tasks[task](*arguments)

    def report(self, report_id: Any = None) -> ActivityReport:
        self.world.session.expire_all()
        wanted = sa.select(ActivityReport).where(ActivityReport.cite_id == self.cite.id)
        if report_id is not None:
            wanted = wanted.where(ActivityReport.id == uuid.UUID(str(report_id)))
        return self.world.session.scalars(wanted).one()

    def asked(self, **facts: Any) -> ActivityReport:
        """A report that waits, on the last three whole months."""
        last = month_of(today().replace(day=1) - timedelta(days=1))
        start = (last.start - timedelta(days=35)).replace(day=1)
        report = ActivityReport(
            id=uuid.uuid4(), cite_id=self.cite.id, occasion=f"request:{uuid.uuid4()}",
            **{"period_start": start, "period_end": last.end, "as_of": today(), "requested_by_id": self.chef.id, **facts},
        )  # fmt: skip
        self.world.keep(report)
        return report

    def letters(self) -> list[Outgoing]:
        return list(self.world.session.scalars(sa.select(Outgoing).where(Outgoing.kind == "report")))


@pytest.fixture
def house(world: World, as_worker: Flask) -> House:
    return House(world, as_worker)


def test_a_report_is_asked_for_computed_shown_and_downloaded(house: House, client_of: ClientOf) -> None:
    client = client_of(house.chef)
    form = client.get("/pilotage/rapports").form("/pilotage/rapports")
    last = today().replace(day=1) - timedelta(days=1)
    assert form.values["first"] == form.values["last"] == f"{last:%Y-%m}"
    earlier = last.replace(day=1) - timedelta(days=1)
    path = client.submit(form, first=f"{earlier:%Y-%m}").location
    page = client.get(path)
    assert "Demandé" in page.main() and page.links()["Actualiser"] == path
    client.get(f"{path}/rapport.pdf", status=404)
    report = house.report()
    assert (report.period_start, report.period_end) == (
        earlier.replace(day=1),
        last,
    ) and report.as_of == today()
    assert house.run("reporting.compute", str(report.id)) == "ready"
    page = client.get(path)
    assert (
        "Demandé" not in page.main()
        and "Synthèse" in page.main()
        and "hx-trigger" not in str(page.response.data)
    )
    xlsx, pdf = client.get(f"{path}/rapport.xlsx").response, client.get(f"{path}/rapport.pdf").response
    assert xlsx.data[:2] == b"PK" and pdf.data[:5] == b"%PDF-"
    for answer in (xlsx, pdf):
        assert answer.headers["Content-Disposition"].startswith("attachment; filename=rapport-roubaix")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert house.letters() == [] and "Prêt" in client.get("/pilotage/rapports").main()


def test_a_report_names_no_sensitive_organisation(house: House) -> None:
    hidden = house.world.organisation(house.cite, "CSAPA du Pont", kind="CSAPA", is_sensitive=True)
    house.world.member("referent", house.cite, organisation_id=hidden.id)
    report = house.asked(requested_by_id=house.coordinator.id)
    assert house.run("reporting.compute", str(report.id)) == "ready"
    figures = house.report().figures
    assert figures is not None
    assert OTHER_PARTNER in {each["organisation"] for each in figures["referents"]}
    assert hidden.name not in str(figures)


def test_asking_twice_leads_to_the_report_under_way(house: House, client_of: ClientOf) -> None:
    client = client_of(house.coordinator)
    form = client.get("/pilotage/rapports").form("/pilotage/rapports")
    assert client.submit(form).location == client.submit(form).location
    assert house.report().requested_by_id == house.coordinator.id


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-02", "2026-01"), ("1999-01", "2026-01"), ("", ""), ("2999-01", "2999-01"), ("mars", "mars")],
)
def test_months_that_make_no_sense_are_refused_in_words(
    house: House, client_of: ClientOf, first: str, last: str
) -> None:
    client = client_of(house.chef)
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=True):
        house.world.session.rollback()
        client = client_of(house.chef)
        form = client.get("/pilotage/rapports").form("/pilotage/rapports")
        page = client.submit(form, first=first, last=last, status=422)
    assert page.errors()
    assert not house.world.session.scalars(sa.select(ActivityReport)).all()


def test_only_months_that_are_over_are_offered(house: House, client_of: ClientOf) -> None:
    form = client_of(house.chef).get("/pilotage/rapports").form("/pilotage/rapports")
    offered = [option["value"] for option in form.element.all("select", name="last")[0].all("option")]
    assert max(offered) < f"{today():%Y-%m}" and len(offered) == 36


def test_who_may_read_and_who_may_ask(house: House, client: PageClient, client_of: ClientOf) -> None:
    report = house.asked()
    assert house.run("reporting.compute", str(report.id)) == "ready"
    paths = [
        "/pilotage/rapports",
        *(f"/pilotage/rapports/{report.id}{end}" for end in ("", "/rapport.pdf", "/rapport.xlsx")),
    ]
    funder = client_of(house.world.member("funder", house.cite))
    for path in paths:
        assert funder.get(path).status == 200
        for role in ("referent", "spotter", "partner", "administrator"):
            client_of(house.world.member(role, house.cite)).get(path, status=403)
        assert client.get(path, status=303).location.startswith("/connexion")
    assert "Demander un rapport" not in funder.get("/pilotage/rapports").main()
    funder.post("/pilotage/rapports", {"first": "2026-01", "last": "2026-01"}, status=403)
    outsider = client_of(house.world.member("chef_de_file", house.world.cite("Calais")))
    for path in paths[1:]:
        outsider.get(path, status=404)
    assert "Aucun rapport" in outsider.get("/pilotage/rapports").main()


def test_ten_deliveries_compute_once(house: House) -> None:
    report = house.asked()
    assert [house.run("reporting.compute", str(report.id)) for _ in range(10)] == ["ready"] + [
        "not_waiting"
    ] * 9
    assert house.report(report.id).attempts == 1


def test_two_computations_as_of_the_same_day_are_equal(house: House) -> None:
    first = house.asked()
    house.run("reporting.compute", str(first.id))
    later = house.world.case(house.cite, referent=house.referents[0], days_ago=3)
    house.world.interview(later, house.referents[0], days_ago=1)
    second = house.asked()
    house.run("reporting.compute", str(second.id))
    one, two = house.report(first.id), house.report(second.id)
    assert one.figures == two.figures and one.definitions == two.definitions
    assert one.figures and any(figure["value"] for figure in one.figures["figures"].values())


def test_what_is_frozen_says_its_definitions_and_holds_no_name_nor_small_count(house: House) -> None:
    report = house.asked()
    house.run("reporting.compute", str(report.id))
    frozen = house.report(report.id)
    assert frozen.definitions_version == DEFINITIONS_VERSION
    assert [each["code"] for each in frozen.definitions["figures"]] == list(FIGURES)
    figures = frozen.figures
    text = str(figures)
    assert "Nomdefamille" not in text and "Prenom" not in text
    counts = [figures["figures"][code]["value"] for code in FIGURES if FIGURES[code].kind == "count"]
    counts += [each["persons"] for each in figures["qpv"]] + [
        each["followed"] for each in figures["referents"]
    ]
    counts += [each["exchanges"] for each in figures["weeks"]]
    assert all(count is None or count >= 6 for count in counts)
    assert any(count is not None for count in counts)


def test_a_ready_report_is_never_changed_even_by_the_worker(house: House, databases: Databases) -> None:
    report = house.asked()
    house.run("reporting.compute", str(report.id))
    for statement in (
        "update activity_report set progress = 3",
        "update activity_report set figures = '{}'",
        "delete from activity_report",
    ):
        with (
            databases.connected_as("cityjobs_worker") as connection,
            pytest.raises(psycopg.errors.RestrictViolation),
        ):
            connection.execute(statement)
    assert house.report(report.id).progress == 100


def test_the_web_cannot_write_a_report_itself(house: House, databases: Databases) -> None:
    member, cite_id = house.chef, house.cite.id
    with (
        databases.connected_as(
            "cityjobs_web", user_id=member.id, role=member.role.value, cite_id=cite_id
        ) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"),
    ):
        connection.execute(
            "insert into activity_report"
            " (id, cite_id, occasion, period_start, period_end, as_of, state, progress, created_at)"
            " values (gen_random_uuid(), %s, 'x', '2026-01-01', '2026-01-31', '2026-02-01', 'computing', 0, now())",
            (cite_id,),
        )


# When things go wrong


def test_a_failure_is_said_with_a_way_to_ask_again(
    house: House, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bytes:
        raise OSError("disk full")

    monkeypatch.setattr(tasks, "write_pdf", broken)
    report = house.asked()
    assert house.run("reporting.compute", str(report.id)) == "failed"
    kept = house.report(report.id)
    assert kept.state == ReportState.FAILED and kept.figures is None and kept.xlsx is None
    client = client_of(house.chef)
    page = client.get(f"/pilotage/rapports/{report.id}")
    assert "n’a pas pu être calculé" in page.errors() and "disk full" not in page.text()
    monkeypatch.undo()
    fresh = client.submit(page.form("/pilotage/rapports")).location.rsplit("/", 1)[-1]
    assert fresh != str(report.id)
    assert house.run("reporting.compute", fresh) == "ready"


def test_progress_is_seen_while_the_report_is_computed(
    house: House, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, seen = client_of(house.chef), []
    report = house.asked()

    def looking(frozen: Any, meant: Any) -> bytes:
        page = client.get(f"/pilotage/rapports/{report.id}")
        seen.append(page.main())
        assert page.all("div", id="rapport")[0]["hx-trigger"] == "every 2s"
        return write_pdf(frozen, meant)

    monkeypatch.setattr(tasks, "write_pdf", looking)
    assert house.run("reporting.compute", str(report.id)) == "ready"
    assert len(seen) == 1 and "En cours de calcul" in seen[0] and "70 %" in seen[0]


def test_the_sweep_takes_what_a_lost_nudge_or_a_dead_worker_left(house: House) -> None:
    lost = house.asked()
    dead = house.asked(
        state=ReportState.COMPUTING, progress=50, attempts=1, claimed_at=now() - timedelta(minutes=13)
    )
    alive = house.asked(
        state=ReportState.COMPUTING, progress=50, attempts=1, claimed_at=now() - timedelta(minutes=1)
    )
    failed = house.asked(
        state=ReportState.FAILED, attempts=1, claimed_at=now() - timedelta(minutes=11), failure="…"
    )
    hopeless = house.asked(
        state=ReportState.FAILED,
        attempts=MOST_ATTEMPTS,
        claimed_at=now() - timedelta(minutes=60),
        failure="…",
    )
    doomed = house.asked(
        state=ReportState.COMPUTING, attempts=MOST_ATTEMPTS, claimed_at=now() - timedelta(minutes=13)
    )
    assert house.run("reporting.sweep") == 3
    assert {house.report(each.id).state for each in (lost, dead, failed)} == {ReportState.READY}
    assert house.report(alive.id).state == ReportState.COMPUTING
    assert house.report(hopeless.id).state == house.report(doomed.id).state == ReportState.FAILED
    assert house.report(doomed.id).failure
    assert house.run("reporting.sweep") == 0


# Each month


def test_the_month_that_ended_is_owed_once_to_each_cite_and_announced(
    house: House, as_worker: Flask, client_of: ClientOf
) -> None:
    other = house.world.member("chef_de_file", house.world.cite("Calais"), email="calais@cite.example")
    house.world.cite("Fourmies")
    assert house.run("reporting.monthly") == 2
    assert house.run("reporting.monthly") == 0
    report = house.report()
    last = month_of(today().replace(day=1) - timedelta(days=1))
    assert (report.period_start, report.period_end, report.as_of) == (
        last.start,
        last.end,
        last.end + timedelta(days=1),
    )
    assert house.run("reporting.sweep") == 2
    letters = house.letters()
    assert {letter.recipient for letter in letters} == {house.chef.user.email, other.user.email}
    assert house.run("outbox.sweep") == 2
    box: Letterbox = as_worker.extensions["postman"]
    (letter,) = box.to(house.chef.user.email)
    assert (
        house.cite.name not in letter.subject and house.chef.user.last_name not in letter.text + letter.html
    )
    assert f"http://localhost/pilotage/rapports/{report.id}" in letter.text
    assert f"http://localhost/pilotage/rapports/{report.id}" in letter.html
    assert "Synthèse" in client_of(house.chef).get(f"/pilotage/rapports/{report.id}").main()


def test_who_is_no_longer_chef_de_file_when_it_leaves_gets_no_letter(house: House, as_worker: Flask) -> None:
    house.run("reporting.monthly")
    house.run("reporting.sweep")
    house.chef.membership.ended_on = today()
    house.world.session.commit()
    house.run("outbox.sweep")
    assert as_worker.extensions["postman"].letters == []
    assert [letter.state for letter in house.letters()] == ["cancelled"]


@pytest.mark.parametrize(
    ("at", "occasion", "as_of"),
    [
        (datetime(2027, 1, 1, 0, 10, tzinfo=UTC), "monthly:2026-12", date(2027, 1, 1)),
        (datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "monthly:2026-12", date(2027, 1, 1)),
        (datetime(2026, 12, 31, 22, 30, tzinfo=UTC), "monthly:2026-11", date(2026, 12, 1)),
        (datetime(2028, 3, 4, 9, 0, tzinfo=UTC), "monthly:2028-02", date(2028, 3, 1)),
    ],
)
def test_the_month_is_that_of_paris_and_a_beat_that_slept_catches_up_as_of_the_first(
    house: House, at: datetime, occasion: str, as_of: date
) -> None:
    with time_machine.travel(at, tick=False):
        house.run("reporting.monthly")
        house.run("reporting.monthly")
    report = house.report()
    assert (report.occasion, report.as_of) == (occasion, as_of)


def test_the_command_computes_what_is_missing_and_leaves_what_is_ready(
    house: House, databases: Databases
) -> None:
    month = today().replace(day=1) - timedelta(days=1)

    def command(*arguments: str) -> Result:
        return house.worker.test_cli_runner().invoke(args=["reports", "compute", *arguments])

    done = command("--month", f"{month:%Y-%m}", "--cite", house.cite.slug)
    assert done.exit_code == 0 and "Prêt" in done.output, done.output
    ready_at = house.report().ready_at
    assert command("--month", f"{month:%Y-%m}").exit_code == 0
    assert house.report().ready_at == ready_at
    assert "n’est pas terminé" in command("--month", f"{today():%Y-%m}").output
    assert "n’est pas un mois" in command("--month", "octobre").output
    assert "Aucune Cité" in command("--month", f"{month:%Y-%m}", "--cite", "atlantide").output


# The documents


@pytest.fixture
def written(house: House) -> ActivityReport:
    report = house.asked()
    assert house.run("reporting.compute", str(report.id)) == "ready"
    found = house.report(report.id)
    assert found.xlsx and found.pdf
    return found


def test_the_workbook_says_what_the_page_says(house: House, written: ActivityReport) -> None:
    book = CalamineWorkbook.from_filelike(io.BytesIO(written.xlsx or b""))
    assert book.sheet_names == SHEETS
    summary = {row[0]: row[1] for row in book.get_sheet_by_name("Synthèse").to_python()}
    for code, figure in FIGURES.items():
        frozen = written.figures["figures"][code]  # type: ignore[index]
        assert summary[figure.label] == (
            NOT_PUBLISHED if frozen["hidden"] else "–" if frozen["value"] is None else frozen["value"]
        )
    weeks = book.get_sheet_by_name("Par semaine").to_python()[1:]
    assert len(weeks) == len(written.figures["weeks"])  # type: ignore[index]
    assert len(book.get_sheet_by_name("Définitions").to_python()) == len(FIGURES) + 1


def test_formulas_in_names_stay_texts(written: ActivityReport) -> None:
    import zipfile

    book = CalamineWorkbook.from_filelike(io.BytesIO(written.xlsx or b""))
    assert "=1+1 @Petit" in {row[0] for row in book.get_sheet_by_name("Par référent").to_python()}
    with zipfile.ZipFile(io.BytesIO(written.xlsx or b"")) as archive:
        sheets = [archive.read(name).decode() for name in archive.namelist() if "worksheets/sheet" in name]
    assert not any("<f>" in sheet or "hyperlink" in sheet for sheet in sheets)


def test_the_pdf_is_tagged_titled_and_in_french(house: House, written: ActivityReport) -> None:
    pdf = pypdf.PdfReader(io.BytesIO(written.pdf or b""))
    root: Any = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in root and root["/Lang"].startswith("fr")
    assert (
        pdf.metadata
        and pdf.metadata.title == f"Rapport d’activité\u00a0: {house.cite.name}"
        and pdf.metadata.author == "CityJobs"
    )
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    text = " ".join(page.extract_text() for page in pdf.pages)
    assert "Personnes accompagnées" in text and "=1+1 @Petit" in text and "Nomdefamille" not in text


def test_no_text_of_anybody_is_read_as_markup() -> None:
    figures: dict[str, Any] = {
        "cite": '#panic("x") *Roubaix* <a>', "programme": "$x$ @ref `code` = titre", "start": "2026-10-01", "end": "2026-10-31",
        "as_of": "2026-11-01", "silence_days": 30,
        "figures": {code: {"hidden": False, "value": None} for code in FIGURES},
        "qpv": [{"code": "QN1", "name": "#include \"/etc/passwd\"", "persons": None}],
        "referents": [], "weeks": [],
    }  # fmt: skip
    pdf = pypdf.PdfReader(io.BytesIO(write_pdf(figures, definitions())))
    text = " ".join(page.extract_text() for page in pdf.pages).replace("\n", " ")
    assert '#panic("x") *Roubaix* <a>' in text and '#include "/etc/passwd"' in text and "root:" not in text
    assert (
        CalamineWorkbook.from_filelike(io.BytesIO(write_workbook(figures, definitions()))).sheet_names
        == SHEETS
    )


def test_monthly_reports_are_written_once_for_the_same_occasion(house: House, as_worker: Flask) -> None:
    with as_worker.app_context():
        act_as(SYSTEM)
        with transaction():
            assert len(write_monthly_reports(date(2026, 2, 14), [house.cite.id], tell_worker=False)) == 1
        with transaction():
            assert write_monthly_reports(date(2026, 2, 1), [house.cite.id], tell_worker=False) == []
