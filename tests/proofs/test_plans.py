"""18: no page, letter or export reads a large table from end to end, as the planner sees the national database.

In `make test` the national demo is loaded in small, in its 84 Cités, and the planner is told that each table has as many
rows as the whole one. With --soak the whole one is loaded, and nothing is told.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from flask import Flask

from cityjobs.accounts.rules import DEMO_PASSWORD
from cityjobs.app import create_app
from cityjobs.core.clock import now, today
from cityjobs.core.db import SYSTEM, act_as, db, transaction
from cityjobs.demo import actions
from cityjobs.demo.lines import COLUMNS
from cityjobs.demo.loading import load_bulk
from cityjobs.demo.nation import BULK_SIZES
from cityjobs.desk.rules import Queue
from cityjobs.reminders.actions import write_due_lines
from cityjobs.reminders.queries import recipients_waiting, waiting_or_due
from config import load_settings
from tests.conftest import Databases, Letterbox
from tests.manners import PageClient
from tests.proofs.conftest import Proof
from tests.proofs.plans import LARGE, is_explained, plan_of, watched

DIVISOR = 100
NATIONAL_ROWS = {
    "person": 223_000, "parcours": 250_000, "spotting": 250_000, "parcours_transition": 1_000_000,
    "assignment": 283_000, "interview": 2_500_000, "next_step": 782_000, "reminder": 1_480_000,
}  # fmt: skip
"""What `flask --app wsgi demo --size national` says that it wrote, rounded."""

FEW = {"plan_template", "plan_template_line", "person_link", "absence"}
"""Tables of the demo that hold a few rows per Cité, or a row for one person in a hundred."""

LIVES = {
    "suspension": """insert into suspension (id, cite_id, person_id, parcours_id, reason, started_on, expected_end_on, created_at)
      select gen_random_uuid(), cite_id, person_id, id, 'raison_personnelle', started_on, started_on + 90, now()
      from parcours where status = 'suspendu'""",
    "job": """insert into job (id, cite_id, person_id, parcours_id, kind, contract, started_on, ended_on, end_reason, created_at)
      select gen_random_uuid(), cite_id, person_id, id, 'contract', 'cdi', started_on, case status when 'suivi_emploi' then null
        else started_on + 20 end, case status when 'suivi_emploi' then null else 'demission' end, now()
      from parcours where status = 'suivi_emploi' or status = 'sorti' and mod(abs(hashtext(id::text)), 3) = 0""",
    "job_check": """insert into job_check (id, cite_id, person_id, job_id, moment, done_on, in_job, recorded_at)
      select gen_random_uuid(), cite_id, person_id, id, 'j8', started_on + 8, true, now() from job
      where ended_on is not null""",
    "parcours_exit": """insert into parcours_exit (parcours_id, cite_id, person_id, exit_type, category, ruleset_id, recorded_at)
      select p.id, p.cite_id, p.person_id, 'abandon', 'autre', s.id, now() from parcours p, exit_ruleset s
      where p.status = 'sorti' and s.code = 'iae' and s.cite_id is null""",
    "situation_snapshot": """insert into situation_snapshot (id, cite_id, person_id, parcours_id, moment, taken_on, recorded_at)
      select gen_random_uuid(), cite_id, person_id, id, 'entry', started_on, now() from parcours where started_on is not null""",
    "diagnosis": """insert into diagnosis (id, cite_id, person_id, parcours_id, number, opened_on, finished_on, author_id, created_at)
      select gen_random_uuid(), cite_id, person_id, id, 1, diagnosed_on, diagnosed_on, (select id from user_account limit 1), now() from parcours where diagnosed_on is not null""",
    "frein": """insert into frein (id, cite_id, person_id, parcours_id, code, status, identified_on, recorded_at)
      select gen_random_uuid(), cite_id, person_id, id, code, 'identifie', diagnosed_on, now()
      from parcours, unnest(array['mobilite', 'logement', 'sante']) code where diagnosed_on is not null""",
    "frein_reading": """insert into frein_reading (id, cite_id, person_id, diagnosis_id, code, status, is_priority)
      select gen_random_uuid(), d.cite_id, d.person_id, d.id, f.code, f.status, false
      from diagnosis d join frein f on f.parcours_id = d.parcours_id""",
    "goal": """insert into goal (id, cite_id, person_id, parcours_id, frein_id, label, status, opened_on, created_at)
      select gen_random_uuid(), cite_id, person_id, parcours_id, id, 'Avancer', 'open', identified_on, now() from frein where code <> 'sante' and identified_on is not null""",
    "etape": """insert into etape (id, cite_id, person_id, parcours_id, type, label, status, planned_to, created_at)
      select gen_random_uuid(), cite_id, person_id, parcours_id, 'permis_code', 'Code', 'prevue',
        opened_on + 30 + mod(abs(hashtext(id::text)), 900), now() from goal""",
    "etape_goal": """insert into etape_goal (etape_id, goal_id, cite_id, person_id, parcours_id)
      select distinct on (e.id) e.id, g.id, e.cite_id, e.person_id, e.parcours_id from etape e join goal g on g.parcours_id = e.parcours_id""",
    "agreement": """insert into agreement (id, cite_id, person_id, parcours_id, number, agreed_on, review_on, way, created_by_id, created_at)
      select gen_random_uuid(), cite_id, person_id, id, 1, started_on, started_on + 91 + mod(abs(hashtext(id::text)), 600), 'signed',
        (select id from user_account limit 1), now()
      from parcours where started_on is not null""",
    "agreement_goal": """insert into agreement_goal (agreement_id, goal_id, label, cite_id, person_id, parcours_id)
      select a.id, g.id, g.label, g.cite_id, g.person_id, g.parcours_id from agreement a join goal g on g.parcours_id = a.parcours_id""",
    "attachment": """insert into attachment (id, cite_id, person_id, parcours_id, subject, subject_id, name, media_type, size, sha256, content,
        added_by_id, added_at)
      select gen_random_uuid(), cite_id, person_id, parcours_id, 'agreement', id, 'accord.pdf', 'application/pdf', 8, '0', '%PDF-1.7',
        (select id from user_account limit 1), now()
      from agreement""",
}
"""What the national demo does not write yet: the life of each parcours, its diagnosis and its plan, a few rows each."""

Journey = tuple[str, Flask, Callable[[], object]]


@dataclass
class Country:
    """The national demo in a database of its own, with the application as the web and as a worker see it."""

    databases: Databases
    web: Flask
    worker: Flask

    def connection(self, app: Flask) -> psycopg.Connection[Any]:
        """One more connection as the role of an application."""
        role = "cityjobs_web" if app is self.web else "cityjobs_worker"
        return psycopg.connect(self.databases.url(role))


@pytest.fixture(scope="module")
def country(worker_id: str, request: pytest.FixtureRequest) -> Iterator[Country]:
    databases = Databases(f"cityjobs_plans_{worker_id}")
    web, worker = (
        create_app(load_settings(databases.environment(PROCESS=process)).flask_config())
        for process in ("web", "worker")
    )
    for app in (web, worker):
        app.testing = True
        app.extensions["postman"] = Letterbox()
    with worker.app_context():
        act_as(SYSTEM)
        with transaction():
            actions.prepare_reference()
        db.session.remove()
    whole = bool(request.config.getoption("--soak"))
    size = BULK_SIZES["national"].divided_by(1 if whole else DIVISOR)
    load_bulk(
        databases.url("cityjobs_owner").replace("postgresql://", "postgresql+psycopg://"), 2026, today(), size
    )
    live(databases.superuser)
    if not whole:
        pretend_national(databases.superuser)
    yield Country(databases, web, worker)
    for app in (web, worker):
        with app.app_context():
            db.engine.dispose()
    databases.superuser.close()
    databases.worker_engine.dispose()


def live(superuser: psycopg.Connection[Any]) -> None:
    """Write more than the bulk demo does: all have a diagnosis and a plan."""
    for table, rows in LIVES.items():
        superuser.execute(f"{rows} on conflict do nothing")  # the demo wrote some of them
        superuser.execute(f"analyze {table}")
    superuser.execute("delete from job_check k using job j where j.id = k.job_id and j.ended_on is null")
    superuser.execute("analyze parcours, job_check")


OF_EACH = [
    "person_id",
    "parcours_id",
    "interview_id",
    "job_id",
    "diagnosis_id",
    "frein_id",
    "goal_id",
    "etape_id",
    "agreement_id",
]
"""Columns whose values grow with the country: a hundred times the rows are a hundred times the persons, with as many each."""


def pretend_national(superuser: psycopg.Connection[Any]) -> None:
    """Tell the planner how many rows there would be, in tables and in indexes; shares and spreads are already those."""
    for table in {*COLUMNS, *LIVES}:
        superuser.execute(f"alter table {table} set (autovacuum_enabled = false)")
        [(held,)] = superuser.execute(f"select count(*) from {table}").fetchall()
        assert held, table
        nation = NATIONAL_ROWS.get(table, held * DIVISOR)
        for column, distinct in superuser.execute(
            "select attname, n_distinct from pg_stats where tablename = %s and attname = any (%s) and n_distinct > 0",
            [table, OF_EACH],
        ).fetchall():
            superuser.execute(f"alter table {table} alter {column} set (n_distinct = {-distinct / held:.6f})")
            superuser.execute(f"analyze {table} ({column})")
        for name, pages, rows in superuser.execute(
            """select relname, relpages, reltuples from pg_class where oid = %s::regclass
            union all select relname, relpages, reltuples from pg_class join pg_index on indexrelid = oid where indrelid = %s::regclass""",
            [table, table],
        ).fetchall():
            superuser.execute(
                "select pg_restore_relation_stats('schemaname', 'public'::text, 'relname', %s::text, 'relpages', %s::int, 'reltuples', %s::real)",
                [name, pages, rows * nation / held],
            )


def sign_in(app: Flask, email: str) -> PageClient:
    client = PageClient(app)
    client.submit(client.get("/connexion").form(holding="password"), email=email, password=DEMO_PASSWORD)
    return client


def journeys(country: Country) -> Iterator[Journey]:
    """Every page whose speed is measured, as who opens it, on the data of Roubaix, and what happens by the clock."""
    web, worker, superuser = country.web, country.worker, country.databases.superuser
    referent, coordinator, leader, funder, spotter = (
        sign_in(web, f"{name}@roubaix.example")
        for name in ("referent", "coordination", "chef-de-file", "financeur", "reperage")
    )
    [(person_id, last_name)] = superuser.execute(
        """select p.id, p.last_name from person p join parcours c on c.person_id = p.id and c.ended_on is null
        join assignment a on a.parcours_id = c.id and a.ended_at is null join user_account u on u.id = a.referent_id
        where u.email = 'referent@roubaix.example' and p.last_name is not null order by c.started_on is null, c.status <> 'actif', p.id limit 1"""
    ).fetchall()
    [(check,)] = superuser.execute(
        """select '/personnes/' || j.person_id || '/emplois/' || j.id || '/points/j8' from job j join cite c on c.id = j.cite_id
        where c.name = 'Roubaix' and j.started_on <= current_date - 8
          and not exists (select from job_check k where k.job_id = j.id) order by j.id limit 1"""
    ).fetchall()
    [(situation,)] = superuser.execute(
        """select '/personnes/' || p.person_id || '/situations/' || p.id || '/exit' from parcours p join cite c on c.id = p.cite_id
        where c.name = 'Roubaix' and p.status = 'sorti' and not exists (select from situation_snapshot s where s.parcours_id = p.id and s.moment = 'exit')
        order by p.id limit 1"""
    ).fetchall()
    [(entered,)] = superuser.execute(
        """select '/personnes/' || p.person_id from parcours p join cite c on c.id = p.cite_id
        join agreement a on a.parcours_id = p.id and a.number = 1
        where c.name = 'Roubaix' order by p.status <> 'actif', p.id limit 1"""
    ).fetchall()
    [(active,)] = superuser.execute(
        """select '/personnes/' || p.person_id from parcours p join cite c on c.id = p.cite_id
        where c.name = 'Roubaix' and p.status = 'actif' order by p.id limit 1"""
    ).fetchall()
    [(version,)] = superuser.execute(
        """select '/personnes/' || d.person_id || '/diagnostic/' || d.number from diagnosis d join cite c on c.id = d.cite_id
        where c.name = 'Roubaix' and d.finished_on is not null order by d.id limit 1"""
    ).fetchall()
    typo = f"{last_name[:3]}{last_name[4:]}"

    def log() -> None:
        form = referent.get(f"/personnes/{person_id}/entretiens/nouveau").form(holding="synthesis")
        referent.submit(form, mode="telephone", reached="1", synthesis="Point par téléphone.", status=303)

    def by_the_clock(work: Callable[[], object]) -> Callable[[], None]:
        def do() -> None:
            with worker.app_context():
                act_as(SYSTEM)
                with transaction():
                    work()
                db.session.remove()

        return do

    for name, client, url in (
        ("list of 25 rows, référent", referent, "/personnes"),
        ("list of 50 rows, référent, whole Cité", referent, "/personnes?par=50&voir=cite"),
        ("list of 50 rows, coordination", coordinator, "/personnes?par=50"),
        ("list, page 2, coordination", coordinator, "/personnes?page=2"),
        ("list of a spotter", spotter, "/personnes"),
        ("search with a typo, référent", referent, f"/personnes?q={typo}&voir=cite"),
        ("search with a typo, coordination", coordinator, f"/personnes?q={typo}"),
        ("file, référent", referent, f"/personnes/{person_id}"),
        ("file, coordination", coordinator, f"/personnes/{person_id}"),
        ("Ma journée, référent", referent, "/ma-journee"),
        ("Ma journée, coordination", coordinator, "/ma-journee"),
        ("coordination board", coordinator, "/coordination"),
        ("ledger of reminders", coordinator, "/coordination/rappels"),
        ("pilotage, coordination", coordinator, "/pilotage"),
        ("pilotage, chef de file", leader, "/pilotage"),
        ("pilotage, funder", funder, "/pilotage"),
        ("export", coordinator, "/personnes/export.xlsx"),
        *((f"Ma journée, {queue.value}", referent, f"/ma-journee/{queue.value}") for queue in Queue),
        ("file, plan", coordinator, f"{entered}/plan"),
        ("file, diagnosis", coordinator, f"{entered}/diagnostic"),
        ("file, a version of it", coordinator, version),
        ("file, progress", coordinator, f"{entered}/diagnostic/progres"),
        ("file, an agreement", coordinator, f"{entered}/accord/1"),
        ("file, a new agreement", coordinator, f"{entered}/accord/nouveau"),
        ("file, a new étape", coordinator, f"{entered}/plan/etapes/nouvelle"),
        ("file, closing", coordinator, f"{active}/parcours/close"),
        ("file, suspending", coordinator, f"{active}/parcours/suspend"),
        ("file, a check of a job", coordinator, check),
        ("file, a situation", coordinator, situation),
        ("how exits are read", coordinator, "/coordination/sorties"),
    ):
        yield name, web, lambda client=client, url=url: client.get(url).response.close()
    yield "logging a follow-up", web, log
    yield "what would be sent", worker, by_the_clock(lambda: waiting_or_due(today()))
    yield "reminder scan", worker, by_the_clock(lambda: write_due_lines(now()))
    yield "whom to write to in the morning", worker, by_the_clock(lambda: recipients_waiting(today()))


OF_THE_WHOLE_COUNTRY = "what would be sent"
"""A command asked by hand, which tells of every line of every Cité: what it reads is what it says."""

ABOUT_FEW = ("file", "logging", "Ma journée")
"""Pages about one person or one caseload: they may not cost what a whole Cité costs.

A day asks its twelve questions in one trip, which costs what they cost together: each question is held to the bar of a
statement, and the trip to twice that.
"""


def test_no_large_table_is_read_from_end_to_end(country: Country, proof: Proof) -> None:
    scans: list[str] = []
    explained, dearest, whole = 0, 0.0, 0.0
    for name, app, act in journeys(country):
        with app.app_context():
            engine = db.engine
        with watched(engine) as seen:
            act()
        if name != OF_THE_WHOLE_COUNTRY:
            scans += [f"{name}: {table}, when it ran" for table in seen.scanned]
        with country.connection(app) as connection:
            for sent in filter(is_explained, seen.sent):
                planned = plan_of(connection, sent)
                said = " ".join(sent.statement.split())[:200]
                if name != OF_THE_WHOLE_COUNTRY:
                    scans += [f"{name}: {table}, in the plan of {said}" for table in planned.scans]
                if name.startswith(ABOUT_FEW):
                    dearest, whole = max(dearest, planned.dearest), max(whole, planned.cost)
                explained += 1
    print("\n".join(scans))
    proof.at_least("plans", "statements of pages explained", explained, 80)
    proof.at_most("plans", "sequential scans of a large table", len(scans), 0)
    proof.at_most("plans", "dearest question of a file, a note, a day", dearest, 1_000, "planner's units")
    proof.at_most("plans", "dearest trip of a file, a note, a day", whole, 2_000, "planner's units")


def test_the_planner_believes_that_it_is_in_the_whole_country(country: Country) -> None:
    superuser = country.databases.superuser
    for table in {*COLUMNS, *LIVES}:
        [(held,)] = superuser.execute(f"select count(*) from {table}").fetchall()
        rows = NATIONAL_ROWS.get(table, held * DIVISOR)
        [(plan,)] = superuser.execute(f"explain (format json) select from {table}").fetchall()
        assert 0.95 < plan[0]["Plan"]["Plan Rows"] / rows < 1.05, table
    assert (set(COLUMNS) | set(LIVES) | {"journal"}) - FEW == LARGE


JOINED = re.compile(r"JOIN (?:LATERAL )?(?:public\.)?(\w+) (\w+) ON (.+)")


def test_views_join_rows_of_a_cite_within_it(databases: Databases) -> None:
    """Otherwise rows of the whole country are read for one Cité, once it is large: the small one has no such plan."""
    server = databases.superuser
    of_a_cite = {
        name
        for (name,) in server.execute(
            "select table_name from information_schema.columns where table_schema = 'public' and column_name = 'cite_id'"
        ).fetchall()
    }
    views = server.execute("select viewname, definition from pg_views where schemaname = 'app'").fetchall()
    joins = [(view, *join) for view, text in views for join in JOINED.findall(text) if join[0] in of_a_cite]
    assert len(joins) >= 5
    assert [join for join in joins if f"{join[2]}.cite_id = " not in join[3]] == []


def test_a_scan_is_seen_in_a_plan_and_when_it_runs(country: Country) -> None:
    """The scales themselves: a query that no index serves is seen both ways."""
    with country.worker.app_context():
        act_as(SYSTEM)
        with watched(db.engine) as seen, transaction() as session:
            session.execute(db.text("select count(*) from spotting where place = :place"), {"place": "x"})
        db.session.remove()
    assert seen.scanned == {"spotting"}
    with country.connection(country.worker) as connection:
        assert plan_of(connection, seen.sent[0]).scans == {"spotting"}
