"""The second wall by itself: what the catalogue says of it, what it answers to any query, and to pages that forgot whose rows they mean."""

import contextlib
import io
import random
import re
import uuid
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from flask import Flask
from pypdf import PdfReader
from pypdf.errors import PdfReadError
from sqlalchemy import event

from cityjobs.core.db import db
from cityjobs.core.permissions import Role
from cityjobs.parcours.rules.lifecycle import TRANSITIONS, Event
from tests.conftest import Databases
from tests.manners import PageClient
from tests.proofs.conftest import Proof
from tests.proofs.crowd import KEYS, RELATIONS, Crowd, Sight, drawn_crowd
from tests.world import Member, World

TEST = "row policies alone"

# What the catalogue says

HOLDS_NOBODY = {"alembic_version", "heartbeat", "qpv", "qpv_commune", "rome_name"}
"""The only tables without policies: revisions, beats, the official neighbourhoods and names of occupations."""

POINTING = """
with recursive pointing as (
  select 'public.person'::regclass::oid as id
  union
  select c.conrelid from pg_constraint c join pointing p on c.confrelid = p.id where c.contype = 'f'
), holding as (
  select a.attrelid as id from pg_attribute a where not a.attisdropped
    and a.attname in ('person_id', 'parcours_id', 'interview_id', 'password_hash', 'token_hash', 'recipient', 'fields', 'expires_at')
)
select relname, relrowsecurity, relforcerowsecurity from pg_class
where relkind in ('r', 'p') and relnamespace in ('public'::regnamespace, 'app'::regnamespace)
  and oid in (select id from pointing union select id from holding)
"""


def rows(databases: Databases, query: str, *given: Any) -> list[Any]:
    """What a superuser is answered."""
    return databases.superuser.execute(query, given or None).fetchall()


def test_each_table_of_persons_and_of_secrets_has_policies_enabled_and_forced(
    databases: Databases, proof: Proof
) -> None:
    pointing = rows(databases, POINTING)
    assert {"person", "reminder", "private_note", "user_account", "sign_in_session"} <= {
        row[0] for row in pointing
    }
    bare = [row[0] for row in pointing if not (row[1] and row[2])]
    others = rows(
        databases,
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
        " and not (relrowsecurity and relforcerowsecurity)",
    )
    assert {row[0] for row in others} == HOLDS_NOBODY
    proof.at_most(TEST, "tables of persons or secrets without forced policies", len(bare), 0)
    proof.at_least(TEST, "tables of persons or secrets", len(pointing), 15)


GRANTED = """
select c.relname, p.command
from pg_class c, (values ('SELECT', 'r'), ('INSERT', 'a'), ('UPDATE', 'w'), ('DELETE', 'd')) as p (command, letter)
where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relrowsecurity
  and (has_table_privilege('cityjobs_web', c.oid, p.command)
       or (p.command <> 'DELETE' and has_any_column_privilege('cityjobs_web', c.oid, p.command)))
  and not exists (
    select from pg_policy pol
    where pol.polrelid = c.oid and pol.polcmd::text in (p.letter, '*')
      and pol.polroles = array[(select oid from pg_roles where rolname = 'cityjobs_web')])
"""


def test_each_command_the_web_is_granted_has_its_policy(databases: Databases) -> None:
    assert rows(databases, GRANTED) == []
    loose = rows(
        databases,
        "select polrelid::regclass::text, polname from pg_policy where 0 = any (polroles) or not polpermissive",
    )
    assert loose == [], "a policy for everybody, or one that only restricts"


def test_the_web_owns_nothing_and_is_member_of_nothing(databases: Databases) -> None:
    attributes = rows(
        databases,
        "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, rolinherit from pg_roles"
        " where rolname in ('cityjobs_web', 'cityjobs_worker')",
    )
    assert [row[:5] for row in attributes] == [(False,) * 5] * 2
    assert (
        rows(
            databases,
            "select * from pg_auth_members m join pg_roles r on r.oid = m.member where r.rolname like 'cityjobs%%'",
        )
        == []
    )
    owned = "select classid::regclass, objid from pg_shdepend d join pg_roles r on r.oid = d.refobjid where deptype = 'o' and rolname = %s"
    assert rows(databases, owned, "cityjobs_web") == rows(databases, owned, "cityjobs_worker") == []
    makes = "select nspname from pg_namespace where has_schema_privilege('cityjobs_web', oid, 'create') and nspname !~ '^pg_temp'"
    assert rows(databases, makes) == []
    assert rows(databases, "select has_database_privilege('cityjobs_web', current_database(), 'temp')") == [
        (False,)
    ]
    empties = (
        "select relname from pg_class where relkind = 'r' and relnamespace in ('public'::regnamespace, 'app'::regnamespace, 'audit'::regnamespace)"
        " and has_table_privilege('cityjobs_web', oid, 'truncate, references, trigger, maintain')"
    )
    assert rows(databases, empties) == []


MASKED = {
    "case_facts": "assigned_at cite_id contacted_on created_at diagnosed_on end_reason ended_on entry_age entry_gender entry_in_qpv"
    " entry_qpv_id exit_category initials last_contact_on met_on organisation_id parcours_id person_id person_key referent_id spotted_on"
    " started_on status",
    "present_cases": "assigned_at cite_id ended_on initials last_contact_on organisation_id parcours_id person_id referent_id"
    " spotted_on started_on status",
    "contact_facts": "author_id cite_id duration held_on interview_id mode parcours_id reached",
    "pause_facts": "cite_id ended_on parcours_id started_on",
    "assignment_facts": "assignment_id cite_id ended_at kind organisation_id parcours_id referent_id started_at",
}
"""The views that run with their owner's rights, and their columns: adding one is a decision about privacy."""


def test_views_run_as_whoever_asks_but_for_the_masked_ones(databases: Databases) -> None:
    views = rows(
        databases,
        "select relname, coalesce(reloptions, '{}'), relkind::text from pg_class where relkind in ('v', 'm')"
        " and relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)",
    )
    own = {name for name, options, kind in views if kind == "m" or "security_invoker=true" not in options}
    assert own == set(MASKED)
    assert all("security_barrier=true" in options for name, options, _ in views if name in MASKED)
    for name, columns in MASKED.items():
        found = rows(
            databases,
            "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0",
            f"app.{name}",
        )
        assert sorted(row[0] for row in found) == columns.split(), name


WEB, WORKER = "cityjobs_web", "cityjobs_worker"
DEFINERS: dict[str, set[str]] = {
    "app.choose_exit_ruleset": {WEB},
    "app.count_followed_by": {WEB},
    "app.figures_of_the_house": {WEB, WORKER},
    "app.find_people": {WEB, WORKER},
    "app.health": {WEB, WORKER},
    "app.is_my_batch": {WEB},
    "app.is_listed": set(),
    "app.just_entered": {WEB},
    "app.keeps": {WEB},
    "app.leave_former": {WEB},
    "app.look_alikes": {WEB, WORKER},
    "app.may_queue": {WEB},
    "app.may_read": set(),
    "app.my_people": {WEB, WORKER},
    "app.password_hash_of": {WEB, WORKER},
    "app.people_sought": {WEB, WORKER},
    "app.purge_drafts": {WORKER},
    "app.shut_doors": {WEB},
    "app.works_here": set(),
    "audit.record_reading": {WEB},
    "audit.record_warnings": {WEB},
    "audit.seal_lines": {WORKER},
}
"""The functions that run with their owner's rights, and who may call each."""

FUNCTIONS = """
select n.nspname || '.' || p.proname, p.prosecdef, coalesce(p.proconfig::text, ''), p.prorettype = 'trigger'::regtype,
  array(select r.rolname::text from pg_roles r where r.rolname in ('cityjobs_web', 'cityjobs_worker')
        and has_function_privilege(r.oid, p.oid, 'execute')),
  exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x where x.grantee = 0), p.provolatile::text
from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('app', 'audit', 'public')
"""


def test_functions_with_their_owners_rights_are_known_and_closed(databases: Databases) -> None:
    callable_ones = {row[0]: row for row in rows(databases, FUNCTIONS) if not row[3]}
    definers = {name: set(row[4]) for name, row in callable_ones.items() if row[1]}
    assert definers == DEFINERS
    paths = {row[0]: row[2] for row in rows(databases, FUNCTIONS) if row[1]}
    assert [
        name
        for name, path in paths.items()
        if not path.startswith(('{"search_path=pg_catalog', "{search_path=pg_catalog"))
    ] == []
    assert [name for name, row in callable_ones.items() if row[5]] == [], "anybody may call these"


# What it answers to any query

SERVED = """
select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('public', 'app', 'audit') and c.relkind in ('r', 'v', 'm', 'p')
"""


def asking(databases: Databases, member: Member) -> Any:
    """A connection of the web on behalf of somebody."""
    return databases.connected_as(WEB, user_id=member.id, role=member.role.value, cite_id=member.cite.id)


def test_any_query_is_answered_the_rows_of_whoever_asks(
    world: World, databases: Databases, proof: Proof
) -> None:
    wrong: list[str] = []
    asked = 0
    for seed in range(proof.times(quick=1, full=10)):
        databases.empty()
        dice = random.Random(seed)  # noqa: S311 - the same crowd for the same seed
        crowd = drawn_crowd(world, databases, seed)
        for member in crowd.members:
            world.open_session(member)
        sight = Sight(databases)
        relations = [row[0] for row in rows(databases, SERVED)]
        for member in crowd.drawn(dice, proof.times(quick=20, full=60)):
            with asking(databases, member) as connection:
                for relation in relations:
                    asked += 1
                    if not answers_right(connection, relation, sight, member):
                        wrong.append(f"{relation} for {member.role} (seed {seed})")
    assert set(RELATIONS) <= set(relations)
    proof.at_most(TEST, "relations that answer anything but what the rules say", len(wrong), 0)
    proof.at_least(TEST, "queries compared with the oracle", asked, 400)


def answers_right(connection: psycopg.Connection[Any], relation: str, sight: Sight, member: Member) -> bool:
    """Whether `select *` answers exactly the rows that somebody may see, or is refused where it must be."""
    expected = sight.keys(relation, member) if relation in RELATIONS else None
    try:
        with connection.transaction():
            cursor = connection.execute(f"select * from {relation}")
            names = [column.name for column in cursor.description or ()]
            place = names.index(KEYS.get(relation, "id"))
            found = cursor.fetchall()
    except psycopg.errors.InsufficientPrivilege:
        return expected is None
    if expected is None or {row[place] for row in found} != expected:
        return False
    if relation == "app.case_facts" and member.role is Role.FUNDER:
        return all(row[names.index("person_id")] is row[names.index("initials")] is None for row in found)
    return True


def test_functions_say_no_more_than_tables(world: World, databases: Databases, proof: Proof) -> None:
    """Search shows names of whom one may open, initials of others of the Cité, and nobody to roles without persons."""
    dice = random.Random(4)  # noqa: S311 - the same crowd for the same seed
    crowd = drawn_crowd(world, databases, 4)
    sight, leaks, asked = Sight(databases), 0, 0
    users = [(member.id, member.user.email) for member in crowd.members]
    for member in crowd.drawn(dice, proof.times(quick=25, full=len(crowd.members))):
        mine = sight.people(member)
        with asking(databases, member) as connection:
            assert set(connection.execute("select unnest(app.my_people())").fetchall()) == {
                (person,) for person in (mine if member.role is not Role.COORDINATOR else ())
            }
            for person in dice.sample(crowd.people, proof.times(quick=6, full=30)):
                asked += 1
                leaks += told_too_much(
                    connection, crowd, sight, member, person.last_name, f"+336{person.number:08d}"
                )
            stranger, address = dice.choice([user for user in users if user[0] != member.id])
            leaks += connection.execute("select app.password_hash_of(%s)", (address,)).fetchone() != (None,)
            assert connection.execute("select app.password_hash_of(%s)", (member.user.email,)).fetchone() == (
                f"argon{member.id.hex}",
            )
            connection.execute("select app.shut_doors(%s)", (stranger,))
            connection.execute("select app.leave_former(%s)", (dice.choice(crowd.people).id,))
            count = connection.execute("select app.count_followed_by(%s)", (stranger,)).fetchone()
            leaks += member.role is not Role.ADMINISTRATOR and count != (0,)
            for figures in ("app.health()", "app.figures_of_the_house()"):
                text = str(connection.execute(f"select * from {figures}").fetchall())
                leaks += bool(crowd.named_in(text) or crowd.marked_in(text))
    shut = rows(databases, "select count(*) from account_link where used_at is not null")
    assert shut == [(0,)]
    proof.at_most(TEST, "names or secrets told by functions out of scope", leaks, 0)
    proof.at_least(TEST, "searches by functions", asked, 100)


def told_too_much(
    connection: psycopg.Connection[Any], crowd: Crowd, sight: Sight, member: Member, name: str, phone: str
) -> int:
    """How many answers of the three searches name somebody out of sight, or know anybody of another Cité."""
    mine = sight.people(member)
    theirs = {row["id"] for row in sight.rows("person") if row["cite_id"] == member.cite.id}
    spots = member.role in (Role.REFERENT, Role.COORDINATOR, Role.SPOTTER)
    wrong = 0
    for query, given in (
        ("select * from app.find_people(%s, %s, null, null)", (name, phone)),
        ("select * from app.people_sought(%s, %s, null, null)", (name, phone)),
        ("select * from app.look_alikes(%s, %s, null, null, null, null)", (name, phone)),
    ):
        found = connection.execute(query, given).fetchall()
        wrong += not {row[0] for row in found} <= (theirs if spots else set())
        wrong += not crowd.named_in(str(found)) <= mine
        known = crowd.names[name].id
        wrong += spots and known in theirs and known not in {row[0] for row in found}
    return wrong


# What it answers to pages that forgot whose rows they mean

SCOPING = re.compile(
    r"\b(?!membership|cite_qpv|cite_commune|collective_member|programme_year)(?:\w+\.)+"
    r"(?:cite_id|referent_id|author_id|recipient_id|spotted_by_id) = %\(\w+\)s(?:::UUID)?"
)
"""A column that says whose a row is, compared with what the page knows of whoever asks."""


@contextmanager
def without_scoping(app: Flask) -> Iterator[Counter[str]]:
    """Take every such condition out of whatever the application sends; counts what was taken out, by condition."""
    removed: Counter[str] = Counter()

    def forget(_c: object, _cursor: object, sql: str, parameters: Any, *_rest: object) -> tuple[str, Any]:
        removed.update(found.split(" = ")[0] for found in SCOPING.findall(sql))
        return SCOPING.sub("true", sql), parameters

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", forget, retval=True)
    try:
        yield removed
    finally:
        event.remove(engine, "before_cursor_execute", forget)


OF_A_CITE = ("exit_ruleset", "plan_template", "list_item")
"""Tables of which a page is about a row of the Cité: another one's are tried by the proof of forged requests."""


class Pages:
    """Every address that answers to GET, filled with identifiers of the crowd."""

    def __init__(self, app: Flask, sight: Sight, crowd: Crowd, member: Member) -> None:
        self.cite_id = member.cite.id
        self.rules = sorted(
            (rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())),
            key=lambda rule: rule.rule,
        )
        self.app, self.sight, self.crowd = app, sight, crowd

    def addresses(self, dice: random.Random, people: list[uuid.UUID]) -> Iterator[str]:
        """All of them once, and those that name a person once for each of these."""
        with self.app.test_request_context():
            for rule in self.rules:
                if not rule.arguments:
                    yield rule.rule
                for person in people if "person_id" in rule.arguments else []:
                    yield self._filled(rule, dice, person)
                if rule.arguments and "person_id" not in rule.arguments:
                    yield self._filled(rule, dice, None)
        yield from (
            f"/personnes?{more}"
            for more in (
                "voir=cite&par=50",
                "voir=miennes&par=50",
                "voir=cite&par=50&page=2",
                "action=1",
                "attente=1",
            )
        )
        known = dice.choice(self.crowd.people)
        sought = known.last_name.lower()
        yield from (f"/personnes?q={sought}", f"/personnes/export.xlsx?q={sought}")
        for code in ("ind_reperees", "ind_file_active", "ind_attente", "ind_echanges"):
            yield f"/pilotage/lignes?figure={code}&periode=programme"

    def most_told(self, people: list[uuid.UUID], dice: random.Random, most: int) -> list[uuid.UUID]:
        """Some of these persons, those of whom the database holds the most first: their pages have something to show."""
        tables = ("interview", "next_step", "etape", "job", "diagnosis", "parcours_exit")
        held = Counter(
            person for table in tables for person in {row["person_id"] for row in self.sight.rows(table)}
        )
        mixed = dice.sample(people, len(people))
        return sorted(mixed, key=lambda person: -held[person])[:most]

    def _event_of(self, person: uuid.UUID | None) -> str:
        """Something that may happen to the parcours of a person as it stands."""
        theirs = [row for row in self.sight.rows("parcours") if row["person_id"] == person]
        stands = [row["status"] for row in sorted(theirs, key=lambda row: row["ended_on"] is not None)]
        possible = [event for status, event in TRANSITIONS if stands and status == stands[0]]
        return str(possible[0] if possible else Event.CONTACT_OK)

    def _those(self, rule: Any, table: str, person: uuid.UUID | None) -> list[uuid.UUID]:
        """The rows of a table that the page may be about: of the person, of the Cité, ended where it asks about an exit."""
        found = [
            row
            for row in self.sight.rows(table)
            if row.get("person_id", person) == person
            and (rule.endpoint != "parcours.take_situation" or row.get("status", "sorti") == "sorti")
        ]
        here = [row for row in found if table in OF_A_CITE and row["cite_id"] == self.cite_id]
        return [row["id"] for row in here or found]

    def _filled(self, rule: Any, dice: random.Random, person: uuid.UUID | None) -> str:
        offered: dict[str, Any] = {
            "person_id": person,
            "event": self._event_of(person),
            "user_id": dice.choice(self.crowd.members).id,
            "membership_id": dice.choice(self.crowd.members).membership.id,
            "batch_id": uuid.UUID(int=dice.getrandbits(128)),
            "year": 2026,
            "code": "59512",
            "queue": "en-retard",
            "kind": "pdf",
            "token": "x",
            "name": "x",
            "list_name": "secteur",
            "moment": "exit" if rule.endpoint == "parcours.take_situation" else "j8",
            "gesture": "finish",
            "version_number": 1,
            "exit_type": "abandon",
            "number": 1,
            "key": f"entretien:{person}",
        }
        for name, table in (
            ("interview_id", "interview"), ("step_id", "next_step"), ("report_id", "activity_report"),
            ("organisation_id", "organisation"), ("assignment_id", "assignment"), ("session_id", "sign_in_session"),
            ("job_id", "job"), ("parcours_id", "parcours"), ("ruleset_id", "exit_ruleset"), ("goal_id", "goal"), ("etape_id", "etape"),
            ("paper_id", "attachment"), ("template_id", "plan_template"),
            ("item_id", "list_item"), ("frein_id", "frein"), ("link_id", "person_link"), ("absence_id", "absence"),
        ):  # fmt: skip
            theirs = self._those(rule, table, person)
            offered[name] = dice.choice(theirs) if theirs else uuid.UUID(int=1)
        values = {name: offered[name] for name in rule.arguments if name in offered}
        assert len(values) == len(rule.arguments) or rule.endpoint == "static", (
            f"what is {rule.rule} made of?"
        )
        return str(rule.build(values)[1])


def words_of(response: Any) -> str:
    """What an answer says, also inside a spreadsheet."""
    if response.data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(response.data)) as book:
            return "\n".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))
    if response.mimetype == "application/pdf" and response.data[:4] == b"%PDF":
        with contextlib.suppress(PdfReadError):  # what a test attached is no whole document
            return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(response.data)).pages)
    return str(response.data.decode("utf-8", "replace"))


def out_of_scope(crowd: Crowd, sight: Sight, member: Member, text: str) -> set[str]:
    """What a text tells that this professional may not read: names and words of persons, notes and drafts of others."""
    people, cases = sight.people(member), sight.cases(member)
    notes = {row["person_id"] for row in sight.rows("private_note") if row["author_id"] == member.id}
    drafts = {uuid.UUID(row["form"][10:]) for row in sight.rows("draft") if row["author_id"] == member.id}
    allowed = {
        "n": people,
        "s": cases,
        "v": cases,
        "t": cases,
        "g": cases,
        "p": cases & notes,
        "d": cases & drafts,
    }
    told = {f"name of {person}" for person in crowd.named_in(text) - people}
    for kind, whose in crowd.marked_in(text).items():
        told |= {f"{kind} of {person}" for person in whose - allowed[kind]}
    return told


def browse(
    app: Flask, client: PageClient, crowd: Crowd, sight: Sight, member: Member, dice: random.Random, each: int
) -> tuple[int, set[str], Counter[int]]:
    """Ask for every page as somebody: how many, what was told out of scope, and the answers given."""
    mine = sorted(sight.people(member))
    others = [person.id for person in crowd.people if person.id not in mine]
    pages = Pages(app, sight, crowd, member)
    people = [*pages.most_told(mine, dice, each), *pages.most_told(others, dice, each)]
    asked, told, answers = 0, set(), Counter[int]()
    for address in pages.addresses(dice, people):
        response = client.flask.get(address)
        asked += 1
        answers[response.status_code] += 1
        told |= {f"{address}: {what}" for what in out_of_scope(crowd, sight, member, words_of(response))}
        response.close()
    return asked, told, answers


def test_pages_that_forget_whose_rows_they_mean_show_nothing_more(
    app: Flask, world: World, databases: Databases, client_of: Callable[[Any], PageClient], proof: Proof
) -> None:
    dice = random.Random(11)  # noqa: S311 - the same crowd for the same seed
    crowd = drawn_crowd(world, databases, 11)
    asked, told, answers = 0, set(), Counter[int]()
    with without_scoping(app) as removed:
        for member in crowd.drawn(dice, proof.times(quick=7, full=len(crowd.members))):
            client, sight = client_of(member), Sight(databases)
            more, leaks, given = browse(app, client, crowd, sight, member, dice, proof.times(quick=1, full=5))
            asked, told, answers = asked + more, told | leaks, answers + given
    assert answers[500] == 0, answers
    assert answers[200] > asked / 5, answers  # most routes are shut to most roles
    assert len(removed) >= 15, removed
    assert not told, sorted(told)[:5]
    proof.at_least(TEST, "scoping conditions taken out of the queries", removed.total(), 300)
    proof.at_least(TEST, "pages asked without scoping", asked, 300)
    proof.at_most(TEST, "texts shown out of scope", len(told), 0)


def test_without_the_policies_these_very_pages_would_tell(
    app: Flask, world: World, databases: Databases, client_of: Callable[[Any], PageClient]
) -> None:
    """The conditions were really taken out: with the policies of persons away too, pages name people of other Cités."""
    dice = random.Random(12)  # noqa: S311 - the same crowd for the same seed
    crowd = drawn_crowd(world, databases, 12, cites=2, people=30)
    (member,) = dice.sample([each for each in crowd.members if each.role is Role.COORDINATOR], 1)
    client, sight = client_of(member), Sight(databases)
    tables = ("person", "parcours", "assignment", "interview", "next_step", "spotting")
    try:
        for table in tables:
            databases.superuser.execute(f"alter table {table} disable row level security")
        with without_scoping(app):
            _, told, _ = browse(app, client, crowd, sight, member, dice, 0)
    finally:
        for table in tables:
            databases.superuser.execute(f"alter table {table} enable row level security")
    assert told


# Readings that could not have been


def test_the_journal_takes_no_reading_that_could_not_have_been(
    world: World, databases: Databases, proof: Proof
) -> None:
    dice = random.Random(21)  # noqa: S311 - the same crowd for the same seed
    crowd = drawn_crowd(world, databases, 21)
    sight, wrong, asked = Sight(databases), 0, 0
    elsewhere = crowd.cites
    for member in crowd.drawn(dice, proof.times(quick=16, full=len(crowd.members))):
        mine, cases = sight.people(member), sight.cases(member)
        interviews = dice.sample(sight.rows("interview"), 4)
        tries = [(("person", p.id, p.cite_id), p.id in mine) for p in dice.sample(crowd.people, 4)]
        tries += [(("interview", i["id"], i["cite_id"]), i["person_id"] in cases) for i in interviews]
        tries += [
            (("people", c.id, c.id), c.id == member.cite.id and bool(mine or member.role in SEARCHES))
            for c in elsewhere
        ]
        tries += [
            (("reminders", c.id, c.id), c.id == member.cite.id and member.role is Role.COORDINATOR)
            for c in elsewhere
        ]
        tries += [
            (("person", crowd.people[0].id, uuid.UUID(int=7)), False),
            (("anything", member.cite.id, member.cite.id), False),
        ]
        with asking(databases, member) as connection:
            for given, allowed in tries:
                asked += 1
                wrong += is_taken(connection, given) is not allowed
    for gone in crowd.left:
        with asking(databases, gone) as connection:
            ended = gone.membership.ended_on is not None
            wrong += ended and is_taken(connection, ("people", gone.cite.id, gone.cite.id))
    proof.at_most(TEST, "readings wrongly taken or refused by the journal", wrong, 0)
    proof.at_least(TEST, "readings tried", asked, 150)


SEARCHES = (Role.REFERENT, Role.COORDINATOR, Role.SPOTTER)


def is_taken(connection: psycopg.Connection[Any], given: tuple[Any, ...]) -> bool:
    """Whether the journal accepts that this was read."""
    try:
        with connection.transaction():
            connection.execute("select audit.record_reading(%s, %s, %s)", given)
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


# Secrets of professionals


def test_a_session_or_a_link_is_seen_by_presenting_it(world: World, databases: Databases) -> None:
    cite = world.cite("Roubaix")
    me, colleague = world.member("referent", cite), world.member("referent", cite)
    token = world.open_session(colleague)
    hashed = rows(databases, "select token_hash from sign_in_session where user_id = %s", colleague.id)[0][0]
    look = "select count(*) from sign_in_session"
    assert token not in hashed
    for settings, seen in (
        ({}, 0),
        ({"user_id": me.id, "role": "referent", "cite_id": cite.id}, 0),
        ({"user_id": me.id, "role": "administrator", "cite_id": cite.id}, 0),
        ({"presented": "x" * 64}, 0),
        ({"presented": hashed}, 1),
        ({"user_id": colleague.id}, 1),
    ):
        with databases.connected_as(WEB, **settings) as connection:
            assert connection.execute(look).fetchone() == (seen,), settings
    opened = (
        "insert into sign_in_session (id, token_hash, user_id, opened_at, last_seen_at, device)"
        " values (gen_random_uuid(), 'mine', %s, now(), now(), '')"
    )
    with asking(databases, me) as connection:
        assert connection.execute("update sign_in_session set revoked_at = now()").rowcount == 0
        assert connection.execute(opened, (me.id,)).rowcount == 1
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(opened.replace("'mine'", "'theirs'"), (colleague.id,))


@pytest.mark.parametrize(
    "statement",
    [
        "select password_hash from user_account",
        "select * from user_account",
        "select id from user_account order by password_hash",
        "select id from user_account where password_hash like '$argon2%'",
        "update user_account set password_hash = password_hash",
        "update user_account set email = 'autre@pro.example'",
        "update user_account set last_name = 'Autre'",
        "insert into user_account (id, email, first_name, last_name, created_at) values (gen_random_uuid(), 'a@b.example', 'A', 'B', now())"
        " returning password_hash",
    ],
)
def test_no_query_of_the_web_reads_a_hash(world: World, databases: Databases, statement: str) -> None:
    member = world.member("administrator", world.cite("Roubaix"), password_hash="$argon2id$kept")
    with asking(databases, member) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(
            statement.replace("%", "%%") if "%" in statement else statement, () if "%" in statement else None
        )


def test_an_administrator_changes_only_accounts_of_their_cite(world: World, databases: Databases) -> None:
    here, there = world.cite("Roubaix"), world.cite("Calais")
    me, ours = world.member("administrator", here), world.member("referent", here)
    theirs = world.member("referent", there)
    shut = "update user_account set disabled_at = now() where id = %s"
    with asking(databases, me) as connection:
        assert connection.execute(shut, (theirs.id,)).rowcount == 0
        assert connection.execute(shut, (ours.id,)).rowcount == 1
