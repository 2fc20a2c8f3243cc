"""The bulk demo in a database, by its own generator in small: loaded once, it keeps every rule of the product."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from cityjobs.accounts.rules import DEMO_ACCOUNTS, DEMO_PASSWORD
from cityjobs.app import create_app
from cityjobs.core.clock import PARIS, now, today
from cityjobs.core.db import SYSTEM, Model, act_as, db, transaction
from cityjobs.demo import actions
from cityjobs.demo.lines import COLUMNS
from cityjobs.demo.loading import load_bulk
from cityjobs.demo.nation import BULK_SIZES
from cityjobs.demo.portraits import FICTIONAL_PHONES
from cityjobs.parcours.rules.lifecycle import TRANSITIONS
from cityjobs.reminders.actions import write_due_lines
from cityjobs.reminders.rules import working_day_after
from config import load_settings
from tests.conftest import Databases
from tests.manners import PageClient
from tests.reminders.test_oracle import HOLIDAYS, SILENCES, SITUATIONS, STEPS

SMALL = BULK_SIZES["large"].divided_by(20)


BAD: dict[str, str] = {
    "interviews as planned": f"select 1 where (select count(*) from interview) <> {SMALL.interviews}",
    "parcours as planned": f"select 1 where (select count(*) from parcours) <> {SMALL.parcours}",
    "accounts as planned": f"select 1 where (select count(*) from user_account) <> {SMALL.users}",
    "last contact as the trigger keeps it": """
        select from parcours p where last_contact_on is distinct from (select max(held_on) from interview i
          where i.parcours_id = p.id and reached and mode not in ('tiers', 'courrier'))""",
    "neighbourhood of entry as the trigger freezes it": """
        select from parcours p join person q on q.id = p.person_id
        where entry_qpv_id is distinct from case when started_on is not null then q.qpv_id end""",
    "entry facts of those who entered": "select from parcours where (started_on is null) <> (entry_gender is null)",
    "histories lead to the status": """
        select from parcours p where status <> coalesce((select to_status from parcours_transition t
          where t.parcours_id = p.id order by happened_on desc, recorded_at desc, array_position(
            array['contacte', 'rencontre', 'diagnostic', 'actif', 'suspendu', 'suivi_emploi', 'sorti', 'non_entree'], to_status) desc limit 1), 'repere')""",
    "histories without a gap": """
        select from (select from_status, lag(to_status, 1, 'repere') over (partition by parcours_id order by happened_on, array_position(
            array['contacte', 'rencontre', 'diagnostic', 'actif', 'suspendu', 'suivi_emploi', 'sorti', 'non_entree'], to_status)) as before
          from parcours_transition) t where from_status <> before""",
    "days of the history are those of the parcours": """
        select from parcours_transition t join parcours p on p.id = t.parcours_id where happened_on is distinct from case to_status
          when 'contacte' then contacted_on when 'rencontre' then met_on when 'diagnostic' then diagnosed_on
          when 'actif' then started_on else ended_on end and event not in ('suspend', 'resume', 'hire', 'contract_broken')""",
    "moves between the entry and the end": """
        select from parcours_transition t join parcours p on p.id = t.parcours_id
        where event in ('suspend', 'resume', 'hire', 'contract_broken') and (happened_on < started_on or happened_on > ended_on)""",
    "suspensions and jobs as the moves tell them": """
        select parcours_id, started_on from suspension except select parcours_id, happened_on from parcours_transition where event = 'suspend'
        union all select parcours_id, started_on from job except select parcours_id, happened_on from parcours_transition where event = 'hire'""",
    "checks of a job while it lasts, none ahead": """
        select from job_check c join job j on j.id = c.job_id
        where done_on < started_on or done_on > ended_on or done_on >= (now() at time zone 'Europe/Paris')::date""",
    "an exit for whoever left, and for nobody else": """
        select from parcours p left join parcours_exit e on e.parcours_id = p.id
        where (p.status = 'sorti') <> (e.parcours_id is not null) or e.exit_type is distinct from p.end_reason and e.parcours_id is not null""",
    "nothing of the plan stays open once the parcours is over": """
        select from etape e join parcours p on p.id = e.parcours_id where p.ended_on is not null and e.ended_on is null
        union all select from goal g join parcours p on p.id = g.parcours_id where p.ended_on is not null and g.status = 'open'
        union all select from agreement a join parcours p on p.id = a.parcours_id where p.ended_on is not null and a.ended_on is null""",
    "an agreement in force and a situation at the entry for whoever is in": """
        select from parcours p where started_on is not null and (
          not exists (select from situation_snapshot s where s.parcours_id = p.id and moment = 'entry' and taken_on = started_on)
          or ended_on is null and not exists (select from agreement a where a.parcours_id = p.id and a.ended_on is null))""",
    "the plan after the entry, the diagnosis after it was begun": """
        select from etape e join parcours p on p.id = e.parcours_id where e.started_on < p.started_on or e.ended_on > coalesce(p.ended_on, e.ended_on)
        union all select from goal g join parcours p on p.id = g.parcours_id where g.opened_on < p.started_on or g.settled_on > p.ended_on
        union all select from diagnosis d join parcours p on p.id = d.parcours_id where d.opened_on < p.diagnosed_on or d.finished_on > p.ended_on
        union all select from frein f join parcours p on p.id = f.parcours_id where f.identified_on < p.diagnosed_on or f.settled_on > p.ended_on""",
    "the last reading of a frein says how it stands, unless it moved since": """
        select from (select distinct on (r.person_id, d.parcours_id, r.code) d.parcours_id, r.code, r.status, d.finished_on
          from frein_reading r join diagnosis d on d.id = r.diagnosis_id order by r.person_id, d.parcours_id, r.code, d.number desc) r
        join frein f using (parcours_id, code) where f.settled_on <= r.finished_on and f.status <> r.status""",
    "whoever is away or replaces works here": """
        select from absence a cross join unnest(array[absent_id, deputy_id]) as u (id) where not exists (
          select from membership m where m.user_id = u.id and m.cite_id = a.cite_id and m.role = 'referent'
          and m.started_on <= a.starts_on and m.ended_on is null)""",
    "exchanges between spotting and end": """
        select from interview i join parcours p on p.id = i.parcours_id
        where held_on not between spotted_on and coalesce(ended_on, (now() at time zone 'Europe/Paris')::date - 1)""",
    "nobody met before the first meeting": """
        select from interview i join parcours p on p.id = i.parcours_id
        where reached and mode not in ('telephone', 'sms_mail', 'tiers', 'courrier') and held_on < coalesce(met_on, 'infinity')""",
    "nobody reached before the first contact": """
        select from interview i join parcours p on p.id = i.parcours_id
        where reached and mode not in ('tiers', 'courrier') and held_on < coalesce(contacted_on, 'infinity')""",
    "parcours of a person follow each other": """
        select from parcours a join parcours b using (person_id)
        where a.id <> b.id and a.spotted_on <= b.spotted_on and coalesce(a.ended_on, 'infinity') >= b.spotted_on""",
    "assignments one after another": """
        select from assignment a join assignment b using (parcours_id, kind)
        where a.id <> b.id and kind = 'referent' and tstzrange(a.started_at, a.ended_at) && tstzrange(b.started_at, b.ended_at)""",
    "assignments after the spotting": """
        select from assignment a join parcours p on p.id = a.parcours_id where a.started_at < p.created_at or a.ended_at < a.started_at""",
    "authors work in the Cité on that day": """
        select from interview i where not exists (select from membership m where m.user_id = i.author_id and m.cite_id = i.cite_id
          and i.held_on between m.started_on and coalesce(m.ended_on, 'infinity'))""",
    "référents work in the Cité as such": """
        select from assignment a where referent_id is not null and not exists (select from membership m
          where m.user_id = a.referent_id and m.cite_id = a.cite_id and m.role = 'referent'
          and a.started_at::date >= m.started_on and (a.ended_at is not null or m.ended_on is null))""",
    "steps settled after they were agreed, before the end": """
        select from next_step n join parcours p on p.id = n.parcours_id where settled_at <= n.created_at
          or (p.ended_on is not null and (state = 'todo' or (settled_at at time zone 'Europe/Paris')::date > p.ended_on))
          or due_on < (n.created_at at time zone 'Europe/Paris')::date or first_due_on > due_on""",
    "nothing in the future but what is planned": """
        select from interview where created_at > now() union all select from person where created_at > now()
        union all select from assignment where greatest(started_at, ended_at) > now() union all select from next_step where settled_at > now()
        union all select from reminder where settled_at > (now() at time zone 'Europe/Paris')::date""",
    "QPV of the Cité": """
        select from person p where qpv_id is not null and not exists
          (select from cite_qpv c where c.cite_id = p.cite_id and c.qpv_id = p.qpv_id)""",
    "phones are fictional and given once in a Cité": f"""
        select from person where phone !~ '^[+]({"|".join(start[1:] for start in FICTIONAL_PHONES)})'
        union all select from person where phone is not null group by cite_id, phone having count(*) > 1""",
    "ledger about what existed": """
        select from reminder r left join next_step n on n.id = r.subject_id left join parcours p on p.id = r.subject_id
          left join reminder s on s.id = r.subject_id
        where case when r.rule like 'step%' then n.id when r.rule in ('silence', 'situation') then p.id else s.id end is null""",
    "ledger sent to whoever was the référent": """
        select from reminder r where rule <> 'silence_escalated' and not exists (select from assignment a
          where a.parcours_id = r.parcours_id and a.referent_id = r.recipient_id
          and r.settled_at > a.started_at - interval '1 day' and r.settled_at <= coalesce(a.ended_at, 'infinity') + interval '1 day')""",
}

CATALOGUE = """
select 'c', conrelid::regclass::text, conname, pg_get_constraintdef(oid) || convalidated from pg_constraint
  where connamespace = 'public'::regnamespace
union all select 'i', indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid) || indisvalid || indisready
  from pg_index where indrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace)
union all select 't', tgrelid::regclass::text, tgname, tgenabled::text from pg_trigger where not tgisinternal
union all select 'p', relname, '', relrowsecurity::text || relforcerowsecurity from pg_class
  where relnamespace = 'public'::regnamespace and relkind = 'r'
order by 1, 2, 3, 4"""


@dataclass
class Loaded:
    """What the load counted, and how the catalogue stood before it."""

    counted: Counter[str]
    catalogue: list[Any]
    app: Flask


def rows(databases: Databases, query: str) -> list[Any]:
    return databases.superuser.execute(query).fetchall()


def owner_of(databases: Databases) -> str:
    return databases.url("cityjobs_owner").replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture(scope="module")
def loaded(databases: Databases) -> Iterator[Loaded]:
    """The demo loaded once for every test of this file, with the application as a worker sees it."""
    worker = create_app(load_settings(databases.environment(PROCESS="worker")).flask_config())
    databases.empty()
    catalogue = rows(databases, CATALOGUE)
    with worker.app_context():
        act_as(SYSTEM)
        with transaction():
            actions.prepare_reference()
        db.session.remove()
    yield Loaded(load_bulk(owner_of(databases), 2026, today(), SMALL), catalogue, worker)
    databases.empty()
    with worker.app_context():
        db.engine.dispose()


def test_constraints_indexes_triggers_and_policies_are_as_before(
    loaded: Loaded, databases: Databases
) -> None:
    assert len(loaded.catalogue) > 200
    assert rows(databases, CATALOGUE) == loaded.catalogue


def test_the_bulk_demo_keeps_every_rule(loaded: Loaded, databases: Databases) -> None:
    wrong = {name: len(found) for name, query in BAD.items() if (found := rows(databases, query))}
    assert not wrong
    for table in COLUMNS:
        assert loaded.counted[table] == rows(databases, f"select count(*) from {table}")[0][0] > 0, table
    allowed = {(str(start), str(event), str(end)) for (start, event), end in TRANSITIONS.items()}
    assert (
        set(rows(databases, "select distinct from_status, event, to_status from parcours_transition"))
        <= allowed
    )
    [(share,)] = rows(databases, "select avg((ended_on is null)::int)::float from parcours")
    assert 0.06 < share < 0.18, "about 12 % open"
    late, ahead = (
        rows(
            databases,
            f"select count(*) from next_step where state = 'todo' and due_on {sign} (now() at time zone 'Europe/Paris')::date",
        )[0][0]
        for sign in "<>"
    )
    assert 0 < late < ahead
    [(years,)] = rows(databases, "select extract(year from age(min(spotted_on))) from parcours")
    assert years >= 7
    _recall_as_the_oracle_says(loaded.app, databases)


OF_THE_ORACLE = {"step_tomorrow", "step_overdue", "silence", "situation"}
"""The rules that this test computes again on its own; the others have tests/reminders."""


def _recall_as_the_oracle_says(app: Flask, databases: Databases) -> None:
    """The scan of a day adds to the ledger what the oracle calls due, and nothing else."""
    day = working_day_after(today() - timedelta(days=1))
    key = "select rule, subject_id, due_on, recipient_id from reminder"
    before = set(rows(databases, key))
    with app.app_context():
        act_as(SYSTEM)
        with transaction():
            write_due_lines(
                now().astimezone(PARIS).replace(year=day.year, month=day.month, day=day.day, hour=8)
            )
    found = set(rows(databases, key))
    holidays = [
        *HOLIDAYS,
        *(
            d
            for d in (day + timedelta(days=n) for n in range(-40, 40))
            if d.weekday() < 5 and working_day_after(d - timedelta(days=1)) != d
        ),
    ]
    away = """select s.id, deputy_id from (select id, parcours_id, cite_id from next_step union all select id, id, cite_id from parcours) s
        join assignment a on a.parcours_id = s.parcours_id and a.kind = 'referent' and a.ended_at is null
        join absence b on b.absent_id = a.referent_id and b.cite_id = s.cite_id and %s between b.starts_on and b.ends_on"""
    replaced = dict(databases.superuser.execute(away, (day,)).fetchall())
    with databases.worker_engine.connect() as worker:
        steps = {tuple(row) for row in worker.execute(sa.text(STEPS), {"day": day, "holidays": holidays})}
        silences = {("silence", *row[:3]) for row in worker.execute(sa.text(SILENCES), {"day": day})}
        situations = {tuple(row) for row in worker.execute(sa.text(SITUATIONS), {"day": day})}
    paused = {row[0] for row in rows(databases, "select id from parcours where status = 'suspendu'")}
    lines = [line for line in steps | silences if line[1] not in paused] + list(situations)
    may_be = {(*line[:3], replaced.get(line[1], line[3])) for line in lines}
    must_be = {(*line[:3], replaced.get(line[1], line[3])) for line in lines if line not in before}
    assert len(lines) > 20 and must_be
    assert must_be - found == set()
    told = {row for row in found - before if row[0] in OF_THE_ORACLE}
    assert told - may_be == set()


def test_the_accounts_of_the_sign_in_page_open_and_find_their_work(
    loaded: Loaded, built_app: Flask, databases: Databases
) -> None:
    known = {row[0] for row in rows(databases, "select email from user_account where disabled_at is null")}
    assert {account.email for account in DEMO_ACCOUNTS} <= known
    client = PageClient(built_app)
    door = client.get("/connexion").form(holding="password")
    client.submit(door, email="referent@roubaix.example", password=DEMO_PASSWORD)
    assert "Ma journée" in client.get("/ma-journee").text()
    followed = """select count(*) from assignment a join user_account u on u.id = a.referent_id join parcours p on p.id = a.parcours_id
        where email = 'referent@roubaix.example' and a.ended_at is null"""
    assert rows(databases, followed)[0][0] > 0


def test_a_database_where_somebody_works_is_refused(loaded: Loaded, databases: Databases) -> None:
    people = rows(databases, "select count(*) from person")
    with pytest.raises(actions.NotEmpty):
        load_bulk(owner_of(databases), 1, today(), SMALL)
    shell = loaded.app.test_cli_runner()
    assert shell.invoke(args=["demo", "--size", "large"]).exit_code == 1
    assert shell.invoke(args=["demo", "--size", "large", "--if-empty"]).exit_code == 0
    assert rows(databases, "select count(*) from person") == people


def test_triggers_would_have_changed_nothing_of_what_was_copied(loaded: Loaded, databases: Databases) -> None:
    """Every row is written again in the ordinary way, one statement a table, and compared whole."""
    server = databases.superuser
    server.execute("set session_replication_role = origin")
    try:
        for table in reversed(COLUMNS):
            server.execute(f"create temp table kept_{table} as select * from {table}")
        server.execute("set session_replication_role = replica")
        for table in reversed(COLUMNS):
            server.execute(f"delete from {table}")
        server.execute("set session_replication_role = origin; begin")
        for table in COLUMNS:
            columns = ", ".join(
                [*COLUMNS[table], "version"]
                if "version" in Model.metadata.tables[table].columns
                else COLUMNS[table]
            )
            server.execute(f"insert into {table} ({columns}) select {columns} from kept_{table}")
        server.execute("commit")
        for table in COLUMNS:
            shown = ", ".join(column for column in COLUMNS[table])
            assert not rows(
                databases, f"(select {shown} from {table} except select {shown} from kept_{table})"
            ), table
    finally:
        server.execute("rollback")
        server.execute("; ".join(f"drop table if exists kept_{table}" for table in COLUMNS))
        server.execute("set session_replication_role = replica")
