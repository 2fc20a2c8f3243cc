"""While somebody is away, whoever replaces them sees and receives what is due; then no more, and nothing was reassigned."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from cityjobs.coordination.queries import loads_of
from cityjobs.core.clock import today
from cityjobs.core.db import Actor, act_as
from cityjobs.followups.queries import silent_parcours, steps_due_by
from cityjobs.parcours.models import Parcours
from cityjobs.parcours.queries.following import is_followed_by
from cityjobs.plans.queries.due import overdue_etapes
from tests.absences.conftest import Days, Team
from tests.conftest import Databases
from tests.manners import PageClient
from tests.plans import makers
from tests.reminders.conftest import Desk, morning_of, worked
from tests.world import Case, Member, World

ClientOf = Callable[[Any], PageClient]


def file_of(case: Case) -> str:
    return f"/personnes/{case.id}"


def seen_by(databases: Databases, member: Member) -> set[Any]:
    with databases.connected_as(
        "cityjobs_web", user_id=member.id, role=member.role.value, cite_id=member.cite.id
    ) as connection:
        return {row[0] for row in connection.execute("select id from person").fetchall()}


def test_the_deputy_sees_exactly_whom_the_absent_one_follows(
    team: Team, world: World, databases: Databases, client_of: ClientOf
) -> None:
    world.absence(team.samira, team.julien)
    assert seen_by(databases, team.julien) == {team.his.id, team.hers.id, team.seconded.id}
    assert seen_by(databases, team.other) == {team.others.id, team.seconded.id}
    client = client_of(team.julien)
    client.get(file_of(team.hers))
    client.get(file_of(team.others), status=404)


def test_a_former_assignment_is_not_inherited(team: Team, world: World, databases: Databases) -> None:
    former = world.case(team.samira.cite)
    at = datetime.now(UTC) - timedelta(days=9)
    world.assign(former.person, former.parcours, team.samira, started_at=at, ended_at=at + timedelta(days=1))
    world.absence(team.samira, team.julien)
    assert former.id not in seen_by(databases, team.julien)


def test_what_the_absent_one_replaces_is_not_inherited(
    team: Team, world: World, databases: Databases
) -> None:
    world.absence(team.other, team.samira)
    world.absence(team.samira, team.julien)
    assert team.others.id not in seen_by(databases, team.julien)
    assert team.others.id in seen_by(databases, team.samira)


def test_another_cite_of_the_absent_one_stays_closed(
    team: Team, world: World, databases: Databases, client_of: ClientOf
) -> None:
    there = world.also(team.samira.user, "referent", team.elsewhere.cite)
    theirs = world.case(there.cite, referent=there)
    world.absence(team.samira, team.julien)
    world.also(team.julien.user, "referent", there.cite)
    assert theirs.id not in seen_by(databases, team.julien)
    in_calais = Member(team.julien.user, team.julien.membership, there.cite, team.julien.role)
    assert seen_by(databases, in_calais) == set()


def test_neither_before_the_first_day_nor_after_the_last(
    team: Team, world: World, days_later: Days, client_of: ClientOf
) -> None:
    world.absence(team.samira, team.julien, since=1, until=3)
    client = client_of(team.julien)
    for day, status in ((0, 404), (1, 200), (3, 200), (4, 404)):
        with days_later(day):
            client.get(file_of(team.hers), status=status)


def test_what_is_open_is_shut_at_the_next_request_once_handed_back(
    team: Team, world: World, client_of: ClientOf
) -> None:
    absence = world.absence(team.samira, team.julien)
    deputy = client_of(team.julien)
    deputy.get(file_of(team.hers))
    page = client_of(team.samira).get(f"/absences/{absence.id}")
    client_of(team.samira).post(
        f"/absences/{absence.id}/rendre", {"version": page.form("/rendre").values["version"]}
    )
    deputy.get(file_of(team.hers), status=404)
    deputy.get(f"{file_of(team.hers)}/entretiens/nouveau", status=404)
    client_of(team.samira).get(file_of(team.hers))


def test_the_deputy_notes_exchanges_as_the_referent_would(
    team: Team, world: World, client_of: ClientOf
) -> None:
    world.absence(team.samira, team.julien)
    client = client_of(team.julien)
    page = client.get(f"{file_of(team.hers)}/entretiens/nouveau")
    client.submit(page.form("/entretiens/nouveau"), synthesis="Elle a trouvé une piste.", mode="telephone")
    assert "Elle a trouvé une piste" in client_of(team.samira).get(file_of(team.hers)).main()


@pytest.mark.parametrize("queue", ["/ma-journee", "/ma-journee/en-retard"])
def test_what_is_due_is_on_the_deputys_day(queue: str, team: Team, world: World, client_of: ClientOf) -> None:
    world.step(team.hers, team.samira, in_days=-1, title="Rappeler l’assistante maternelle")
    assert "assistante maternelle" not in client_of(team.julien).get(queue).main()
    world.absence(team.samira, team.julien)
    assert "assistante maternelle" in client_of(team.julien).get(queue).main()
    assert "assistante maternelle" not in client_of(team.other).get(queue).main()


def test_every_due_thing_says_so(team: Team, world: World) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=190)
    quiet = world.case(team.samira.cite, days_ago=200)
    world.assign(quiet.person, quiet.parcours, team.samira, started_at=long_ago)
    world.step(team.hers, team.samira, in_days=0)
    makers.etape(world, team.hers, planned_to=today() - timedelta(days=1))
    world.absence(team.samira, team.julien, until=2)

    def counted(member: Member, days: int) -> list[int]:
        world.session.rollback()
        on = today() + timedelta(days=days)
        selects = (
            each(on, referent_id=member.id) for each in (steps_due_by, overdue_etapes, silent_parcours)
        )
        return [len(world.session.execute(each).all()) for each in selects]

    assert counted(team.julien, 0) == counted(team.julien, 2) == counted(team.samira, 3) == [1, 1, 1]
    assert counted(team.julien, 3) == counted(team.other, 0) == [0, 0, 0]


def test_nothing_is_reassigned_and_loads_stay(
    team: Team, world: World, app: Flask, databases: Databases
) -> None:
    def stand() -> Any:
        with app.app_context():
            act_as(Actor(team.coordinator.id, "coordinator", team.coordinator.cite.id))
            loads = {row.user_id: row.load for row in loads_of(team.coordinator.cite.id)}
        return loads, databases.superuser.execute("select * from assignment order by id").fetchall()

    before = stand()
    absence = world.absence(team.samira, team.julien)
    assert stand() == before
    databases.superuser.execute(
        "update absence set ended_early_at = now(), ended_by_id = absent_id where id = %s", (absence.id,)
    )
    assert stand() == before


def test_figures_of_the_cite_stay(team: Team, world: World, client_of: ClientOf) -> None:
    before = client_of(team.coordinator).get("/pilotage").main()
    world.absence(team.samira, team.julien)
    assert client_of(team.coordinator).get("/pilotage").main() == before


# Letters


def test_the_deputy_receives_the_letters_and_the_absent_one_none(
    team: Team, world: World, desk: Desk
) -> None:
    at = morning_of(worked(0))
    world.step(team.hers, team.samira, in_days=(worked(0) - today()).days - 2)
    world.absence(team.samira, team.julien, until=(worked(0) - today()).days + 1)
    assert desk.send(at) == {"sent": 1}
    (letter,) = desk.box.to(team.julien.user.email)
    assert str(team.hers.id) in letter.text
    assert desk.box.to(team.samira.user.email) == []


def test_an_absence_elsewhere_takes_no_letter_from_anybody(team: Team, world: World, desk: Desk) -> None:
    at = morning_of(worked(0))
    world.step(team.his, team.julien, in_days=(worked(0) - today()).days - 2)
    world.absence(
        team.elsewhere, world.member("referent", team.elsewhere.cite), until=(worked(0) - today()).days + 1
    )
    world.step(world.case(team.elsewhere.cite, referent=team.elsewhere), team.elsewhere, in_days=-2)
    assert desk.send(at) == {"sent": 2}
    assert len(desk.box.to(team.julien.user.email)) == 1


def test_scope_is_looked_at_again_when_the_letter_leaves(
    team: Team, world: World, desk: Desk, databases: Databases
) -> None:
    at = morning_of(worked(0))
    world.step(team.hers, team.samira, in_days=(worked(0) - today()).days - 2)
    absence = world.absence(team.samira, team.julien, until=(worked(0) - today()).days + 1)
    assert desk.scan(at) == 1
    databases.superuser.execute(
        "update absence set ended_early_at = now(), ended_by_id = absent_id where id = %s", (absence.id,)
    )
    desk.send(at)
    assert desk.box.to(team.julien.user.email) == []
    assert [str(line.state) for line in desk.ledger() if line.recipient_id == team.julien.id] == ["cancelled"]
    assert len(desk.box.to(team.samira.user.email)) == 1


@pytest.mark.parametrize("how", ["shut", "gone", "away"])
def test_what_is_due_reaches_somebody_who_is_there(
    how: str, team: Team, world: World, desk: Desk, databases: Databases
) -> None:
    world.step(team.hers, team.samira, in_days=-3)
    world.absence(team.samira, team.julien, since=-5, until=60)
    if how == "away":
        world.absence(team.julien, team.other, since=-1, until=20)
    elif how == "gone":
        databases.superuser.execute(
            "update membership set ended_on = %s where user_id = %s", (today(), team.julien.id)
        )
    else:
        databases.superuser.execute(
            "update user_account set disabled_at = now() where id = %s", (team.julien.id,)
        )
    desk.send(morning_of(worked(0)))
    told = {line.recipient_id for line in desk.ledger() if line.person_id == team.hers.id}
    assert told == {team.samira.id}
    assert len(desk.box.to(team.samira.user.email)) == 1


def test_nobody_is_replaced_any_more_once_gone(
    team: Team, world: World, databases: Databases, client_of: ClientOf, desk: Desk
) -> None:
    world.step(team.hers, team.samira, in_days=-3)
    world.absence(team.samira, team.julien, until=60)
    client = client_of(team.julien)
    client.get(file_of(team.hers))
    databases.superuser.execute(
        "update membership set ended_on = %s where user_id = %s", (today(), team.samira.id)
    )
    assert seen_by(databases, team.julien) == {team.his.id}
    client.get(file_of(team.hers), status=404)
    desk.scan(morning_of(worked(0)))
    assert [line for line in desk.ledger() if line.person_id == team.hers.id] == []


def test_the_day_after_the_letters_come_back(team: Team, world: World, desk: Desk) -> None:
    world.step(team.hers, team.samira, in_days=-20)
    world.absence(team.samira, team.julien, since=-30, until=(worked(0) - today()).days - 1)
    desk.send(morning_of(worked(0)))
    assert len(desk.box.to(team.samira.user.email)) == 1
    assert desk.box.to(team.julien.user.email) == []


# What the database keeps by itself


@pytest.fixture
def writing(databases: Databases) -> Callable[..., None]:
    """Adds an absence as somebody of the web would, whatever the pages say."""

    def add(by: Member, absent: Member, deputy: Member, since: int = 0, until: int = 3) -> None:
        with databases.connected_as(
            "cityjobs_web", user_id=by.id, role=by.role.value, cite_id=by.cite.id
        ) as connection:
            connection.execute(
                "insert into absence (id, cite_id, absent_id, deputy_id, starts_on, ends_on, created_by_id, created_at)"
                " values (gen_random_uuid(), %s, %s, %s, %s, %s, %s, now())",
                (
                    by.cite.id,
                    absent.id,
                    deputy.id,
                    today() + timedelta(days=since),
                    today() + timedelta(days=until),
                    by.id,
                ),
            )

    return add


def test_whoever_is_not_concerned_writes_nothing(team: Team, writing: Callable[..., None]) -> None:
    writing(team.samira, team.samira, team.julien)
    writing(team.coordinator, team.samira, team.julien)
    for by, absent, deputy in (
        (team.julien, team.samira, team.julien),
        (team.spotter, team.spotter, team.julien),
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            writing(by, absent, deputy)


def test_impossible_absences_are_refused(
    team: Team, world: World, writing: Callable[..., None], databases: Databases
) -> None:
    gone = world.member("referent", team.samira.cite, ended_on=today())
    shut = world.member("referent", team.samira.cite)
    databases.superuser.execute("update user_account set disabled_at = now() where id = %s", (shut.id,))
    for deputy in (team.samira, team.elsewhere, team.spotter, gone, shut):
        with pytest.raises(psycopg.errors.CheckViolation):
            writing(team.samira, team.samira, deputy)
    for since, until in ((3, 2), (0, 400)):
        with pytest.raises(psycopg.errors.CheckViolation):
            writing(team.samira, team.samira, team.julien, since, until)
    world.absence(team.samira, team.julien, since=5, until=9)
    for since, until in ((0, 5), (9, 12), (6, 7), (1, 20)):
        with pytest.raises(psycopg.errors.ExclusionViolation):
            writing(team.samira, team.samira, team.other, since, until)
    writing(team.samira, team.samira, team.other, 0, 4)


def test_an_absence_is_ended_once_by_who_is_concerned(team: Team, world: World, databases: Databases) -> None:
    absence = world.absence(team.samira, team.julien)
    ending = "update absence set ended_early_at = now(), ended_by_id = %s where id = %s"

    def ended_by(member: Member) -> int:
        with databases.connected_as(
            "cityjobs_web", user_id=member.id, role=member.role.value, cite_id=member.cite.id
        ) as connection:
            return connection.execute(ending, (member.id, absence.id)).rowcount

    assert [ended_by(each) for each in (team.samira, team.julien, team.coordinator)] == [1, 1, 1]
    assert [ended_by(each) for each in (team.other, team.spotter, team.elsewhere)] == [0, 0, 0]
    with databases.connected_as("cityjobs_worker") as worker:
        worker.execute(ending, (team.samira.id, absence.id))
        with pytest.raises(psycopg.errors.RestrictViolation):
            worker.execute(ending, (team.samira.id, absence.id))


def test_one_question_says_whom_somebody_follows(team: Team, world: World) -> None:
    world.absence(team.samira, team.julien)
    with Session(world.session.get_bind()) as session:
        followed = session.scalars(sa.select(Parcours.person_id).where(is_followed_by(team.julien.id)))
        assert set(followed) == {team.his.id, team.hers.id, team.seconded.id}
