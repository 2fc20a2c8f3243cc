"""The second wall: what PostgreSQL itself lets each role see, asked without any of the application's own scoping."""

import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

import psycopg
import pytest

from cityjobs.core.clock import today
from cityjobs.followups.models import InterviewVersion
from cityjobs.parcours.models import Transition
from cityjobs.parcours.rules.lifecycle import Event, Status
from cityjobs.reminders.models import Reminder
from cityjobs.reminders.rules import ReminderRule
from cityjobs.reporting.models import ActivityReport
from tests.conftest import Databases
from tests.world import Case, Member, World

POINTING = "select c.table_name from information_schema.columns c where c.table_schema = 'public' and c.column_name in ('person_id', 'parcours_id', 'interview_id')"
CASE_TABLES = ("interview", "next_step", "interview_version", "reminder")
PERSON_TABLES = ("person", "parcours", "spotting", "assignment", "parcours_transition")


class Two:
    """Two Cités, mirrored: coordination, two référents, a spotter, cases of each."""

    def __init__(self, world: World) -> None:
        self.here, self.there = world.cite("Roubaix"), world.cite("Calais")
        self.coordinator = world.member("coordinator", self.here)
        self.referent = world.member("referent", self.here)
        self.colleague = world.member("referent", self.here)
        self.spotter = world.member("spotter", self.here)
        self.outsider = world.member("referent", self.there)
        self.mine = self._full(world, self.referent)
        self.colleagues = self._full(world, self.colleague)
        self.theirs = self._full(world, self.outsider)
        self.spotted = world.case(self.here, spotted_by=self.spotter, status=Status.REPERE)

    @staticmethod
    def _full(world: World, referent: Member) -> Case:
        case = world.case(referent.cite, referent=referent)
        interview = world.interview(case, referent)
        step = world.step(case, referent)
        whose = {"cite_id": case.person.cite_id, "person_id": case.id}
        world.keep(
            InterviewVersion(
                **whose,
                interview_id=interview.id,
                number=1,
                held_on=interview.held_on,
                mode=interview.mode,
                reached=True,
                synthesis="Avant correction.",
                replaced_by_id=referent.id,
            ),
            Transition(
                **whose,
                parcours_id=case.parcours.id,
                event=Event.CONTACT_OK,
                from_status=Status.REPERE,
                to_status=Status.CONTACTE,
                happened_on=today(),
                recorded_by_id=referent.id,
            ),
            Reminder(
                **whose,
                parcours_id=case.parcours.id,
                rule=ReminderRule.STEP_TOMORROW,
                subject_id=step.id,
                due_on=step.due_on,
                recipient_id=referent.id,
            ),
        )
        return case


@pytest.fixture
def two(world: World) -> Two:
    return Two(world)


@pytest.fixture
def as_member(databases: Databases) -> Callable[[Member | None], Any]:
    def connected(member: Member | None) -> Any:
        if member is None:
            return databases.connected_as("cityjobs_web")
        return databases.connected_as(
            "cityjobs_web", user_id=member.id, role=member.role.value, cite_id=member.cite.id
        )

    return connected


def people(connection: psycopg.Connection[Any], table: str) -> set[uuid.UUID]:
    column = "id" if table == "person" else "person_id"
    return {row[0] for row in connection.execute(f"select {column} from {table}")}


def test_every_table_that_holds_or_points_to_a_person_is_policed(databases: Databases) -> None:
    guarded = {
        row[0]
        for row in databases.superuser.execute(
            "select relname from pg_class where relnamespace = 'public'::regnamespace and relrowsecurity and relforcerowsecurity"
        )
    }
    pointing = {
        row[0]
        for row in databases.superuser.execute(
            f"{POINTING} and c.table_name not in (select viewname from pg_views)"
        )
    }
    assert pointing | {"person", "draft", "outgoing", "activity_report"} <= guarded


def test_the_web_owns_nothing_and_cannot_bypass(databases: Databases) -> None:
    roles = databases.superuser.execute(
        "select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles where rolname in ('cityjobs_web', 'cityjobs_worker')"
    ).fetchall()
    assert [row[1:] for row in roles] == [(False,) * 4] * 2
    owned = databases.superuser.execute(
        "select count(*) from pg_class where relowner in (select oid from pg_roles where rolname in ('cityjobs_web', 'cityjobs_worker'))"
    ).fetchone()
    assert owned == (0,)


def test_whoever_is_not_named_sees_nothing(two: Two, as_member: Any) -> None:
    with as_member(None) as connection:
        for table in (
            *PERSON_TABLES,
            *CASE_TABLES,
            "reminder",
            "parcours_transition",
            "activity_report",
            "app.case_facts",
            "app.contact_facts",
        ):
            assert connection.execute(f"select count(*) from {table}").fetchone() == (0,), table


def test_a_coordinator_sees_the_whole_cite_and_nothing_else(two: Two, as_member: Any) -> None:
    with as_member(two.coordinator) as connection:
        for table in PERSON_TABLES[:3]:
            assert people(connection, table) == {two.mine.id, two.colleagues.id, two.spotted.id}, table
        for table in CASE_TABLES:
            assert people(connection, table) == {two.mine.id, two.colleagues.id}, table


def test_a_referent_sees_whom_they_follow(two: Two, as_member: Any) -> None:
    with as_member(two.referent) as connection:
        for table in (*PERSON_TABLES, *CASE_TABLES):
            assert people(connection, table) == {two.mine.id}, table


def test_a_co_referent_sees_the_case_too(two: Two, world: World, as_member: Any) -> None:
    world.assign(two.colleagues.person, two.colleagues.parcours, two.referent, kind="co_referent")
    with as_member(two.referent) as connection:
        for table in (*PERSON_TABLES, *CASE_TABLES):
            assert people(connection, table) == {two.mine.id, two.colleagues.id}, table


def test_an_assignment_that_ended_opens_nothing(two: Two, databases: Databases, as_member: Any) -> None:
    databases.superuser.execute(
        "update assignment set ended_at = now() where referent_id = %s", (two.referent.id,)
    )
    with as_member(two.referent) as connection:
        assert people(connection, "person") == set()


def test_a_spotter_sees_whom_they_spotted_but_not_what_was_said(
    two: Two, world: World, as_member: Any
) -> None:
    world.assign(two.spotted.person, two.spotted.parcours, two.referent)
    world.interview(two.spotted, two.referent)
    with as_member(two.spotter) as connection:
        assert people(connection, "person") == {two.spotted.id}
        for table in CASE_TABLES:
            assert people(connection, table) == set(), table


@pytest.mark.parametrize(
    "role", ["chef_de_file", "funder", "partner", "administrator", "nobody", "system", "owner"]
)
def test_other_roles_see_no_person(two: Two, databases: Databases, role: str) -> None:
    with databases.connected_as(
        "cityjobs_web", user_id=two.coordinator.id, role=role, cite_id=two.here.id
    ) as connection:
        for table in (*PERSON_TABLES, *CASE_TABLES):
            assert people(connection, table) == set(), table


def test_masked_facts_hold_no_identity(two: Two, databases: Databases) -> None:
    with databases.connected_as(
        "cityjobs_web", user_id=two.referent.id, role="chef_de_file", cite_id=two.here.id
    ) as connection:
        rows = connection.execute("select * from app.case_facts").fetchall()
        assert len(rows) == 3
        assert two.mine.person.last_name not in str(rows)
    with databases.connected_as(
        "cityjobs_web", user_id=two.referent.id, role="funder", cite_id=two.here.id
    ) as connection:
        rows = connection.execute("select person_id, initials from app.case_facts").fetchall()
        assert set(rows) == {(None, None)}
    with databases.connected_as(
        "cityjobs_web", user_id=two.referent.id, role="administrator", cite_id=two.here.id
    ) as connection:
        assert connection.execute("select count(*) from app.case_facts").fetchone() == (0,)


WRITES = {
    "person": "update person set first_name = 'X' where id = %(case)s",
    "parcours": "update parcours set status = 'sorti', ended_on = current_date, end_reason = 'cdi' where person_id = %(case)s",
    "assignment": "update assignment set ended_at = now() where person_id = %(case)s",
    "interview": "update interview set synthesis = 'X' where person_id = %(case)s",
    "next_step": "update next_step set title = 'X' where person_id = %(case)s",
}


@pytest.mark.parametrize("table", WRITES)
def test_nobody_changes_what_they_cannot_see(two: Two, as_member: Any, table: str) -> None:
    with as_member(two.referent) as connection:
        for case in (two.colleagues, two.theirs):
            assert connection.execute(WRITES[table], {"case": case.id}).rowcount == 0
        assert connection.execute(WRITES[table], {"case": two.mine.id}).rowcount == 1


INSERTS = {
    "interview": "insert into interview (id, cite_id, person_id, parcours_id, author_id, held_on, mode, reached, synthesis, created_at)"
    " values (gen_random_uuid(), %(cite)s, %(person)s, %(parcours)s, %(me)s, current_date, 'telephone', true, 'X', now())",
    "next_step": "insert into next_step (id, cite_id, person_id, parcours_id, title, due_on, state, created_by_id, created_at)"
    " values (gen_random_uuid(), %(cite)s, %(person)s, %(parcours)s, 'X', current_date, 'todo', %(me)s, now())",
    "assignment": "insert into assignment (id, cite_id, person_id, parcours_id, kind, referent_id, assigned_by_id, started_at)"
    " values (gen_random_uuid(), %(cite)s, %(person)s, %(parcours)s, 'co_referent', %(me)s, %(me)s, now())",
}


@pytest.mark.parametrize("table", INSERTS)
def test_nobody_adds_to_a_file_they_cannot_see(two: Two, as_member: Any, table: str) -> None:
    for case in (two.colleagues, two.theirs):
        for cite in (two.here, two.there):
            with (
                as_member(two.referent) as connection,
                pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ForeignKeyViolation)),
            ):
                connection.execute(
                    INSERTS[table],
                    {"cite": cite.id, "person": case.id, "parcours": case.parcours.id, "me": two.referent.id},
                )
    with as_member(two.referent) as connection:
        written = connection.execute(
            INSERTS[table],
            {
                "cite": two.here.id,
                "person": two.mine.id,
                "parcours": two.mine.parcours.id,
                "me": two.referent.id,
            },
        )
        assert written.rowcount == 1


def test_nobody_writes_in_somebody_elses_name(two: Two, as_member: Any) -> None:
    with as_member(two.referent) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(
            INSERTS["interview"],
            {
                "cite": two.here.id,
                "person": two.mine.id,
                "parcours": two.mine.parcours.id,
                "me": two.colleague.id,
            },
        )


@pytest.mark.parametrize(
    "statement",
    [
        "update person set cite_id = %(there)s where id = %(mine)s",
        "update parcours set spotted_on = '2020-01-01' where person_id = %(mine)s",
        "update assignment set referent_id = %(me)s where person_id = %(mine)s",
        "update interview set author_id = %(me)s where person_id = %(mine)s",
        "delete from person where id = %(mine)s",
        "delete from interview where person_id = %(mine)s",
        "delete from assignment where person_id = %(mine)s",
        "update parcours_transition set reason = 'X'",
        "select * from outgoing",
        "select * from audit.journal",
        "insert into audit.journal (verb, subject, subject_id) values ('read', 'person', 'x')",
        "update audit.journal set actor = null",
        "delete from audit.journal",
        "truncate audit.journal",
        "alter table person disable row level security",
        "alter table person disable trigger all",
        "drop policy web_sees on person",
        "set role cityjobs_owner",
        "set session_replication_role = replica",
    ],
)
def test_the_web_is_refused_what_no_page_needs(two: Two, as_member: Any, statement: str) -> None:
    with as_member(two.referent) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(
            statement,
            {"there": two.there.id, "mine": two.mine.id, "me": two.referent.id}
            if "%(" in statement
            else None,
        )


def test_a_private_note_is_its_authors_alone(two: Two, databases: Databases, as_member: Any) -> None:
    secret = "mot-que-personne-ne-doit-lire"
    with psycopg.connect(databases.url("cityjobs_web")) as connection:
        for name, value in (("user_id", two.referent.id), ("role", "referent"), ("cite_id", two.here.id)):
            connection.execute("select set_config(%s, %s, true)", (f"cityjobs.{name}", str(value)))
        connection.execute(
            "insert into private_note (interview_id, author_id, person_id, cite_id, body, updated_at)"
            " select id, author_id, person_id, cite_id, %s, now() from interview where person_id = %s",
            (secret, two.mine.id),
        )
    with as_member(two.referent) as connection:
        assert connection.execute("select body from private_note").fetchall() == [(secret,)]
    for other in (two.coordinator, two.colleague, two.outsider, two.spotter):
        with as_member(other) as connection:
            assert connection.execute("select count(*) from private_note").fetchone() == (0,)
    with (
        databases.connected_as("cityjobs_worker") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("select count(*) from private_note")
    with databases.connected_as("cityjobs_owner") as connection:
        assert connection.execute("select count(*) from private_note").fetchone() == (0,)
    journal = databases.superuser.execute(
        "select count(*) from audit.journal j where j::text like %s", (f"%{secret}%",)
    ).fetchone()
    assert journal == (0,)


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        ("coordinator", True),
        ("chef_de_file", True),
        ("funder", True),
        ("referent", False),
        ("administrator", False),
    ],
)
def test_a_report_is_read_in_its_cite_by_those_who_review(
    two: Two, world: World, databases: Databases, role: str, sees: bool
) -> None:
    for cite in (two.here, two.there):
        world.keep(
            ActivityReport(
                cite_id=cite.id,
                occasion="monthly:2026-10",
                period_start=date(2026, 10, 1),
                period_end=date(2026, 10, 31),
                as_of=date(2026, 10, 31),
            )
        )
    with databases.connected_as(
        "cityjobs_web", user_id=two.coordinator.id, role=role, cite_id=two.here.id
    ) as connection:
        seen = {row[0] for row in connection.execute("select cite_id from activity_report")}
    assert seen == ({two.here.id} if sees else set())


def test_a_draft_is_its_authors_alone(two: Two, databases: Databases, as_member: Any) -> None:
    for author in (two.referent, two.colleague):
        databases.superuser.execute(
            "insert into draft (author_id, form, fields, saved_at) values (%s, 'entretien', '{}', now())",
            (author.id,),
        )
    with as_member(two.referent) as connection:
        assert connection.execute("select author_id from draft").fetchall() == [(two.referent.id,)]
        assert connection.execute("update draft set fields = '[]'").rowcount == 1
        assert connection.execute("delete from draft").rowcount == 1
    with as_member(two.coordinator) as connection:
        assert connection.execute("select count(*) from draft").fetchone() == (0,)
    with (
        databases.connected_as("cityjobs_worker") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("select count(*) from draft")


POLICIES = (*PERSON_TABLES, *CASE_TABLES)


@pytest.mark.parametrize("table", POLICIES)
def test_these_tests_turn_red_when_a_policy_is_removed(
    two: Two, databases: Databases, as_member: Any, table: str
) -> None:
    databases.superuser.execute(f"alter table {table} disable row level security")
    try:
        with as_member(two.referent) as connection:
            assert two.theirs.id in people(connection, table), (
                f"without its policy, {table} shows another Cité"
            )
    finally:
        databases.superuser.execute(f"alter table {table} enable row level security")
    with as_member(two.referent) as connection:
        assert two.theirs.id not in people(connection, table)
