"""Spotting is no way into a file, nor administering into an account: asked of PostgreSQL itself, as the web's role."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from cityjobs.core.clock import now, today
from cityjobs.parcours.models import Parcours
from cityjobs.parcours.rules.lifecycle import Status
from tests.conftest import Databases
from tests.world import Case, Member, World

PARCOURS = "insert into parcours (id, cite_id, person_id, status, spotted_on, created_at) values (gen_random_uuid(), %s, %s, 'repere', current_date, now())"
SPOTTING = (
    "insert into spotting (id, cite_id, person_id, parcours_id, spotted_on, channel, agreed_to_be_contacted, was_informed,"
    " spotted_by_id, created_at) values (gen_random_uuid(), %s, %s, %s, current_date, 'adulte_relais', true, true, %s, now())"
)
PERSON = (
    "insert into person (id, cite_id, first_name, gender, phone, needs_interpreter, qpv_answer, created_by_id, created_at)"
    " values (%s, %s, 'Nadia', 'femme', '+33612345678', false, 'unknown', %s, now())"
)


def asking(databases: Databases, member: Member) -> Any:
    """A connection of the web on behalf of somebody."""
    return databases.connected_as(
        "cityjobs_web", user_id=member.id, role=member.role.value, cite_id=member.cite.id
    )


def seen(connection: psycopg.Connection[Any], case: Case) -> bool:
    """Whether the person of a case is in sight."""
    return connection.execute("select from person where id = %s", (case.id,)).rowcount == 1


@pytest.mark.parametrize("role", ["referent", "spotter"])
def test_nobody_spots_their_way_into_a_file_that_nobody_follows(
    world: World, databases: Databases, role: str
) -> None:
    here = world.cite("Roubaix")
    nosy, colleague = world.member(role, here), world.member("spotter", here)
    case = world.case(here, spotted_by=colleague, status=Status.REPERE)
    with asking(databases, nosy) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(SPOTTING, (here.id, case.id, case.parcours.id, nosy.id))


@pytest.mark.parametrize("role", ["referent", "spotter"])
def test_nobody_opens_a_parcours_for_somebody_out_of_sight(
    world: World, databases: Databases, role: str
) -> None:
    here = world.cite("Roubaix")
    nosy, colleague = world.member(role, here), world.member("spotter", here)
    case = world.case(here, spotted_by=colleague, status=Status.SORTI)
    with asking(databases, nosy) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(PARCOURS, (here.id, case.id))


def test_having_entered_a_person_once_opens_nothing_later(world: World, databases: Databases) -> None:
    here = world.cite("Roubaix")
    first, colleague = world.member("referent", here), world.member("referent", here)
    case = world.case(here, spotted_by=colleague, status=Status.SORTI, created_by_id=first.id)
    with asking(databases, first) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(PARCOURS, (here.id, case.id))


@pytest.mark.parametrize("role", ["referent", "spotter", "coordinator"])
def test_a_new_person_is_entered_with_a_parcours_and_a_spotting(
    world: World, databases: Databases, role: str
) -> None:
    here = world.cite("Roubaix")
    me = world.member(role, here)
    person_id = "8f9a4c1e-6d1b-4a55-9d3c-0f6a3b1f2e77"
    parcours_id = "1a2b3c4d-0000-4000-8000-000000000001"
    with asking(databases, me) as connection:
        connection.execute(PERSON, (person_id, here.id, me.id))
        connection.execute(PARCOURS.replace("gen_random_uuid()", f"'{parcours_id}'"), (here.id, person_id))
        connection.execute(SPOTTING, (here.id, person_id, parcours_id, me.id))
        assert connection.execute("select from person where id = %s", (person_id,)).rowcount == 1


def test_a_referent_no_longer_sees_whom_they_spotted_once_a_colleague_follows_them_anew(
    world: World, databases: Databases
) -> None:
    here = world.cite("Roubaix")
    me, colleague = world.member("referent", here), world.member("referent", here)
    case = world.case(here, spotted_by=me, status=Status.SORTI)
    with asking(databases, me) as connection:
        assert seen(connection, case)
    again = Parcours(cite_id=here.id, person_id=case.id, status=Status.REPERE, spotted_on=today())
    world.keep(again)
    world.assign(case.person, again, colleague, started_at=now() - timedelta(days=1))
    with asking(databases, me) as connection:
        assert not seen(connection, case)
    with asking(databases, colleague) as connection:
        assert seen(connection, case)


@pytest.mark.parametrize("role", ["referent", "coordinator", "administrator"])
def test_nobody_gives_a_colleague_a_password(world: World, databases: Databases, role: str) -> None:
    here = world.cite("Roubaix")
    me = world.member(role, here)
    colleague = world.member("coordinator", here, password_hash="kept")
    change = "update user_account set password_hash = 'mine' where id = %s"
    with asking(databases, me) as connection:
        assert connection.execute(change, (me.id,)).rowcount == 1
        if role == "administrator":
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(change, (colleague.id,))
        else:
            assert connection.execute(change, (colleague.id,)).rowcount == 0


REPORT = (
    "insert into activity_report (id, cite_id, occasion, period_start, period_end, as_of, state, progress, requested_by_id,"
    " created_at, figures) values (gen_random_uuid(), %s, 'x', '2026-01-01', '2026-01-31', '2026-02-01', 'requested', 0, %s,"
    " now(), %s)"
)


def test_a_report_is_asked_for_in_ones_own_name_and_empty(world: World, databases: Databases) -> None:
    here = world.cite("Roubaix")
    me, colleague = world.member("chef_de_file", here), world.member("coordinator", here)
    for asker, figures in ((colleague, None), (me, "{}")):
        with asking(databases, me) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(REPORT, (here.id, asker.id, figures))
    with asking(databases, me) as connection:
        assert connection.execute(REPORT, (here.id, me.id, None)).rowcount == 1


@pytest.mark.parametrize("role", ["spotter", "referent"])
def test_nobody_ends_an_assignment_without_opening_a_parcours(
    world: World, databases: Databases, role: str
) -> None:
    here = world.cite("Roubaix")
    nosy, colleague = world.member(role, here), world.member("referent", here)
    case = world.case(here, referent=colleague, spotted_by=nosy, status=Status.SORTI)
    with asking(databases, nosy) as connection:
        connection.execute("select app.leave_former(%s)", (case.id,))
        connection.execute("select set_config('cityjobs.role', 'coordinator', true)")
        kept = connection.execute("select ended_at from assignment where person_id = %s", (case.id,))
        assert kept.fetchall() == [(None,)]
