"""Something to do is passed on to a colleague: it is due for them as long as they follow the person, and they are told once."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from psycopg import errors

from cityjobs.core.clock import today
from cityjobs.followups.models import NextStep
from tests.conftest import Databases
from tests.followups.conftest import Scene
from tests.manners import PageClient
from tests.reminders.conftest import Desk, morning_of, worked
from tests.world import Member, World

Rows = Callable[..., list[Any]]
Clients = Callable[[Any], PageClient]
TITLE = "Confirmer la crèche"
UNTOLD = "select entrusted_to_id, entrusted_times, version from next_step"
LETTERS = "select recipient, state from outgoing where kind = 'passed_on' order by created_at"


@dataclass(frozen=True)
class Passing:
    """Samira's case, which Julien seconds; something was to be done two days ago."""

    scene: Scene
    julien: Member
    step: NextStep

    @property
    def url(self) -> str:
        """Where it is passed on."""
        return f"{self.scene.url}/etapes/{self.step.id}/confier"


@pytest.fixture
def passing(scene: Scene, world: World) -> Passing:
    julien = world.member("referent", scene.samira.cite, first_name="Julien", last_name="Roussel")
    world.assign(scene.case.person, scene.case.parcours, julien, kind="co_referent")
    return Passing(scene, julien, world.step(scene.case, scene.samira, in_days=-2, title=TITLE))


@pytest.fixture
def desk(as_worker: Flask, databases: Databases) -> Desk:
    return Desk(as_worker, databases.worker_engine)


def leave(world: World, passing: Passing) -> None:
    """Julien no longer seconds."""
    world.session.execute(
        sa.text("update assignment set ended_at = now() where referent_id = :who"), {"who": passing.julien.id}
    )
    world.session.commit()


def has_it(client: PageClient) -> tuple[bool, bool]:
    """Whether it is on somebody's day, and in the whole queue of what is late."""
    day, whole = client.get("/ma-journee").main(), client.get("/ma-journee/en-retard").main()
    return TITLE in day, TITLE in whole


# Who may, and to whom


def test_the_page_opens_to_those_who_follow(passing: Passing, try_everyone: Callable[[str], None]) -> None:
    try_everyone(passing.url)


def test_nobody_else_passes_it_on(passing: Passing, refuse_everyone: Callable[..., None], rows: Rows) -> None:
    refuse_everyone(passing.url, {"version": "1", "colleague": str(passing.julien.id)})
    assert rows(UNTOLD) == [(None, 0, 1)]


def test_a_partner_does_not(passing: Passing, world: World, client_of: Clients) -> None:
    client_of(world.member("partner", passing.scene.samira.cite)).get(passing.url, status=403)


def test_it_is_only_found_under_its_own_person(passing: Passing, world: World, client_of: Clients) -> None:
    another = world.case(passing.scene.samira.cite, referent=passing.scene.samira)
    client, url = client_of(passing.scene.samira), f"/personnes/{another.id}/etapes/{passing.step.id}/confier"
    client.get(url, status=404)
    client.post(url, {"version": "1", "colleague": str(passing.julien.id)}, status=404)


def test_those_who_follow_are_offered_and_nobody_else(
    passing: Passing, world: World, client_of: Clients
) -> None:
    deputy = world.member("coordinator", passing.scene.samira.cite, first_name="Inès")
    later = world.member("referent", passing.scene.samira.cite)
    gone = world.member("referent", passing.scene.samira.cite, ended_on=today())
    world.assign(passing.scene.case.person, passing.scene.case.parcours, gone, kind="co_referent")
    world.absence(passing.julien, deputy)
    world.absence(passing.scene.samira, later, since=1)
    form = client_of(passing.scene.samira).get(passing.url).form(holding="colleague")
    offered = {option["value"] for option in form.element.all("option")}
    assert offered == {"", str(passing.julien.id), str(deputy.id)}, "she has it already"


def test_whoever_has_it_is_not_proposed(passing: Passing, world: World, client_of: Clients) -> None:
    world.pass_on(passing.step, passing.julien, passing.scene.samira)
    for who, other in ((passing.scene.samira, "Vous, référent"), (passing.julien, "Samira")):
        form = client_of(who).get(passing.url).form(holding="colleague")
        values = [option["value"] for option in form.element.all("option")]
        assert values == ["", str(passing.scene.samira.id)]
        assert other in form.element.text()


def test_who_follows_alone_is_told_who_can_help(passing: Passing, world: World, client_of: Clients) -> None:
    leave(world, passing)
    page = client_of(passing.scene.samira).get(f"{passing.url}?suite=/ma-journee")
    assert "La coordination peut lui donner un co-référent" in page.main()
    assert not page.all("select", name="colleague")
    assert "Revenir" in page.main()


def test_somebody_who_does_not_follow_is_refused_and_nothing_typed_is_lost(
    passing: Passing, client_of: Clients, rows: Rows
) -> None:
    client = client_of(passing.scene.samira)
    form = client.get(passing.url).form(holding="colleague")
    for stranger in (
        passing.scene.other.id,
        passing.scene.elsewhere.id,
        passing.scene.coordinator.id,
        uuid.uuid4(),
        "x",
    ):
        page = client.submit(form, status=422, colleague=str(stranger), reason="Je suis en formation")
        assert "ne suit pas ce parcours" in page.errors()
        assert page.form(holding="reason").values["reason"] == "Je suis en formation"
    page = client.submit(form, status=422, colleague="", reason="Je suis en formation")
    assert "Choisissez à qui" in page.errors()
    assert rows(UNTOLD) == [(None, 0, 1)]


# What it does


def test_it_is_the_colleagues_and_no_longer_the_referents(
    passing: Passing, world: World, client_of: Clients, rows: Rows
) -> None:
    third = world.member("referent", passing.scene.samira.cite)
    world.assign(passing.scene.case.person, passing.scene.case.parcours, third, kind="co_referent")
    hers, his, theirs = (client_of(member) for member in (passing.scene.samira, passing.julien, third))
    assert has_it(hers) == has_it(his) == has_it(theirs) == (True, True)
    form = hers.get(passing.url).form(holding="colleague")
    page = hers.follow(hers.submit(form, colleague=str(passing.julien.id), reason="Je suis en formation"))
    assert "Confié à Julien Roussel" in page.text() and "Je suis en formation" in page.text()
    assert has_it(his) == (True, True)
    assert has_it(hers) == has_it(theirs) == (False, False)
    assert f"par {passing.scene.samira.user.first_name}" in his.get("/ma-journee").main()
    assert rows(
        "select entrusted_to_id, entrusted_by_id, entrusted_because, entrusted_times from next_step"
    ) == [(passing.julien.id, passing.scene.samira.id, "Je suis en formation", 1)]
    journal = "select after ->> 'entrusted_to_id' from audit.journal where subject = 'next_step' and verb = 'update'"
    assert rows(journal) == [(str(passing.julien.id),)]


def test_what_is_due_today_too(passing: Passing, world: World, client_of: Clients) -> None:
    step = world.step(passing.scene.case, passing.scene.samira, in_days=0, title="Relire le CV")
    world.pass_on(step, passing.julien, passing.scene.samira)
    assert "Relire le CV" in client_of(passing.julien).get("/ma-journee/aujourd-hui").main()
    assert "Relire le CV" not in client_of(passing.scene.samira).get("/ma-journee/aujourd-hui").main()


def test_it_is_taken_back_and_passed_on_again(passing: Passing, client_of: Clients, rows: Rows) -> None:
    hers, his = client_of(passing.scene.samira), client_of(passing.julien)
    hers.submit(hers.get(passing.url).form(holding="colleague"), colleague=str(passing.julien.id))
    hers.submit(hers.get(passing.url).form(holding="colleague"), colleague=str(passing.scene.samira.id))
    assert has_it(hers) == (True, True) and has_it(his) == (False, False)
    his.submit(his.get(passing.url).form(holding="colleague"), colleague=str(passing.julien.id))
    assert has_it(his) == (True, True) and has_it(hers) == (False, False)
    assert rows("select entrusted_times from next_step") == [(3,)]


def test_when_the_colleague_no_longer_follows_it_falls_back(
    passing: Passing, world: World, client_of: Clients
) -> None:
    world.pass_on(passing.step, passing.julien, passing.scene.samira)
    hers = client_of(passing.scene.samira)
    assert has_it(hers) == (False, False)
    leave(world, passing)
    assert has_it(hers) == (True, True)
    assert "Confié" not in hers.get(passing.scene.url).text()


def test_when_the_colleague_no_longer_works_here_it_falls_back(
    passing: Passing, world: World, client_of: Clients
) -> None:
    world.pass_on(passing.step, passing.julien, passing.scene.samira)
    passing.julien.membership.ended_on = today()
    world.keep(passing.julien.membership)
    assert has_it(client_of(passing.scene.samira)) == (True, True)


def test_who_replaces_the_colleague_has_it(passing: Passing, world: World, client_of: Clients) -> None:
    world.pass_on(passing.step, passing.julien, passing.scene.samira)
    world.absence(passing.julien, passing.scene.other)
    assert has_it(client_of(passing.scene.other)) == (True, True)
    assert has_it(client_of(passing.scene.samira)) == (False, False)


def test_who_replaces_the_referent_may_have_it_until_they_are_back(
    passing: Passing, world: World, client_of: Clients, databases: Databases
) -> None:
    world.absence(passing.scene.samira, passing.scene.other)
    world.pass_on(passing.step, passing.scene.other, passing.julien)
    assert has_it(client_of(passing.scene.other)) == (True, True)
    assert has_it(client_of(passing.julien)) == (False, False)
    databases.superuser.execute("update absence set ended_early_at = now(), ended_by_id = absent_id")
    assert has_it(client_of(passing.scene.samira)) == has_it(client_of(passing.julien)) == (True, True)


def test_several_at_once_leave_what_is_with_somebody_else(
    passing: Passing, world: World, client_of: Clients, rows: Rows
) -> None:
    mine = world.step(passing.scene.case, passing.scene.samira, in_days=-1, title="À moi")
    world.pass_on(passing.step, passing.julien, passing.scene.samira)
    hers, url = client_of(passing.scene.samira), "/ma-journee/en-retard"
    picked = [f"{step.id}.{step.version}" for step in (mine, passing.step)]
    page = hers.follow(hers.submit(hers.get(url).form(url), picked=picked, gesture="done", due_on=""))
    assert "1 chose faite" in page.text() and "1 avait changé" in page.text()
    assert dict(rows("select title, state from next_step")) == {"À moi": "done", TITLE: "todo"}
    his = client_of(passing.julien)
    his.submit(his.get(url).form(url), picked=picked[1:], gesture="done", due_on="")
    assert dict(rows("select title, state from next_step")) == {"À moi": "done", TITLE: "done"}


# Overlapping gestures


def test_who_comes_second_is_told_and_loses_nothing(passing: Passing, client_of: Clients, rows: Rows) -> None:
    hers, his = client_of(passing.scene.samira), client_of(passing.julien)
    form = hers.get(passing.url).form(holding="colleague")
    his.submit(his.get(passing.url).form(holding="colleague"), colleague=str(passing.julien.id))
    page = hers.submit(form, status=409, colleague=str(passing.scene.samira.id), reason="Je la vois demain")
    assert "confié à Julien Roussel" in page.main()
    assert page.form(holding="reason").values["reason"] == "Je la vois demain"
    assert rows("select entrusted_to_id from next_step") == [(passing.julien.id,)]
    hers.submit(page.form(holding="reason"))
    assert rows("select entrusted_to_id, entrusted_because from next_step") == [
        (passing.scene.samira.id, "Je la vois demain")
    ]


def test_what_is_settled_is_not_passed_on(passing: Passing, client_of: Clients, rows: Rows) -> None:
    hers, his = client_of(passing.scene.samira), client_of(passing.julien)
    form = hers.get(passing.url).form(holding="colleague")
    his.submit(his.get(passing.scene.url).form(f"{passing.step.id}/faite"))
    hers.submit(form, status=409, colleague=str(passing.julien.id))
    hers.post(passing.url, {"version": "2", "colleague": str(passing.julien.id)}, status=409)
    assert rows(UNTOLD) == [(None, 0, 2)] and rows(LETTERS) == []


# The letter


def test_the_colleague_is_told_once_without_a_name(
    passing: Passing, client_of: Clients, rows: Rows, desk: Desk
) -> None:
    hers = client_of(passing.scene.samira)
    form = hers.get(passing.url).form(holding="colleague")
    hers.submit(form, colleague=str(passing.julien.id), reason="Je suis en formation")
    hers.submit(form, status=409, colleague=str(passing.julien.id))
    for _ in range(2):
        desk.run("outbox.sweep")
    (letter,) = desk.box.to(passing.julien.user.email)
    assert len(desk.box.letters) == 1
    person = passing.scene.case.person
    assert letter.subject == "CityJobs\u00a0: une chose à faire vous est confiée"
    for text in (letter.text, letter.html):
        assert f"/personnes/{person.id}" in text
        for said in (person.first_name, person.last_name, TITLE, "formation"):
            assert said not in text


def test_nobody_is_written_to_by_themselves(passing: Passing, client_of: Clients, rows: Rows) -> None:
    hers = client_of(passing.scene.samira)
    hers.submit(hers.get(passing.url).form(holding="colleague"), colleague=str(passing.scene.samira.id))
    assert rows(LETTERS) == []


@pytest.mark.parametrize("meanwhile", ["done", "elsewhere", "left", "closed"])
def test_what_no_longer_holds_is_not_told(
    meanwhile: str,
    passing: Passing,
    world: World,
    client_of: Clients,
    rows: Rows,
    desk: Desk,
    databases: Databases,
) -> None:
    hers = client_of(passing.scene.samira)
    hers.submit(hers.get(passing.url).form(holding="colleague"), colleague=str(passing.julien.id))
    if meanwhile == "done":
        hers.submit(hers.get(passing.scene.url).form(f"{passing.step.id}/faite"))
    elif meanwhile == "elsewhere":
        hers.submit(hers.get(passing.url).form(holding="colleague"), colleague=str(passing.scene.samira.id))
    elif meanwhile == "left":
        leave(world, passing)
    else:
        databases.superuser.execute(
            "update parcours set status = 'sorti', ended_on = current_date, end_reason = 'cdi'"
        )
    desk.run("outbox.sweep")
    assert rows(LETTERS) == [(passing.julien.user.email, "cancelled")] and desk.box.letters == []


def test_passed_on_twice_before_any_letter_left_is_told_once(
    passing: Passing, client_of: Clients, rows: Rows, desk: Desk
) -> None:
    hers = client_of(passing.scene.samira)
    for colleague in (passing.julien, passing.scene.samira, passing.julien):
        hers.submit(hers.get(passing.url).form(holding="colleague"), colleague=str(colleague.id))
    desk.run("outbox.sweep")
    assert [state for _, state in rows(LETTERS)] == ["cancelled", "sent"]
    assert len(desk.box.to(passing.julien.user.email)) == 1


# Reminders


def test_the_reminder_goes_to_the_colleague(passing: Passing, world: World, desk: Desk) -> None:
    world.pass_on(passing.step, passing.julien, passing.scene.samira)
    assert desk.send(morning_of(worked(0))) == {"sent": 1}
    assert [address for address, _ in desk.box.letters] == [passing.julien.user.email]


def test_a_reminder_that_waits_for_the_referent_is_cancelled(
    passing: Passing, world: World, desk: Desk, rows: Rows
) -> None:
    desk.scan(morning_of(worked(0)))
    world.pass_on(passing.step, passing.julien, passing.scene.samira)
    desk.send(morning_of(worked(0), 9))
    told = rows(
        "select recipient_id, state, cancelled_because from reminder where rule = 'step_overdue' order by state"
    )
    assert told == [(passing.scene.samira.id, "cancelled", "reassigned"), (passing.julien.id, "sent", None)]


def test_the_reminder_falls_back_with_it(passing: Passing, world: World, desk: Desk) -> None:
    world.pass_on(passing.step, passing.julien, passing.scene.samira)
    leave(world, passing)
    desk.send(morning_of(worked(0)))
    assert [address for address, _ in desk.box.letters] == [passing.scene.samira.user.email]


# What the database refuses


PASS = "update next_step set entrusted_to_id = %s, entrusted_by_id = %s, entrusted_at = now(), entrusted_times = 1"


def test_the_database_refuses_who_does_not_follow(passing: Passing, databases: Databases) -> None:
    scene = passing.scene
    for stranger in (scene.other, scene.elsewhere, scene.coordinator, scene.spotter):
        with databases.connected_as("cityjobs_worker") as connection, pytest.raises(errors.CheckViolation):
            connection.execute(PASS, (stranger.id, scene.samira.id))
    with databases.connected_as("cityjobs_worker") as connection:
        assert connection.execute(PASS, (passing.julien.id, scene.samira.id)).rowcount == 1


def test_the_database_refuses_somebody_who_follows_and_works_here_no_longer(
    passing: Passing, world: World, databases: Databases
) -> None:
    passing.julien.membership.ended_on = today()
    world.keep(passing.julien.membership)
    with databases.connected_as("cityjobs_worker") as connection, pytest.raises(errors.CheckViolation):
        connection.execute(PASS, (passing.julien.id, passing.scene.samira.id))


@pytest.mark.parametrize(
    "said",
    [
        "entrusted_because = 'Parce que'",
        "entrusted_at = now()",
        "entrusted_times = 1",
        "entrusted_by_id = created_by_id",
        "entrusted_to_id = created_by_id",
        "entrusted_to_id = created_by_id, entrusted_by_id = created_by_id, entrusted_at = now()",
        "entrusted_to_id = created_by_id, entrusted_by_id = created_by_id, entrusted_at = now(), entrusted_times = 1, entrusted_because = ''",
    ],
)
def test_the_database_refuses_half_a_passing(said: str, passing: Passing, databases: Databases) -> None:
    with databases.connected_as("cityjobs_worker") as connection, pytest.raises(errors.CheckViolation):
        connection.execute(f"update next_step set {said}")


def web(databases: Databases, member: Member) -> Any:
    return databases.connected_as(
        "cityjobs_web", user_id=member.id, role=member.role.value, cite_id=member.cite.id
    )


def test_nobody_passes_on_in_the_name_of_another(passing: Passing, databases: Databases) -> None:
    scene = passing.scene
    with web(databases, scene.samira) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(PASS, (passing.julien.id, passing.julien.id))
    with web(databases, scene.samira) as connection:
        assert connection.execute(PASS, (passing.julien.id, scene.samira.id)).rowcount == 1
    with web(databases, scene.other) as connection:
        assert connection.execute(PASS, (passing.julien.id, scene.other.id)).rowcount == 0


def test_a_page_queues_the_letter_of_its_own_passing_alone(
    passing: Passing, world: World, databases: Databases
) -> None:
    queue = (
        "insert into outgoing (id, kind, dedupe_key, recipient, facts, state, attempts, created_at, not_before)"
        " values (gen_random_uuid(), 'passed_on', %s, %s, %s, 'waiting', 0, now(), now())"
    )
    world.pass_on(passing.step, passing.julien, passing.scene.samira)
    facts = f'{{"step": "{passing.step.id}", "colleague": "{passing.julien.id}", "time": "1"}}'
    about, to = f"{passing.step.id}:1", passing.julien.user.email
    for member, line in (
        (passing.julien, (about, to, facts)),
        (passing.scene.coordinator, (about, to, facts)),
        (passing.scene.elsewhere, (about, to, facts)),
        (passing.scene.samira, (about, "autre@ailleurs.example", facts)),
        (passing.scene.samira, (about, passing.scene.other.user.email, facts)),
        (passing.scene.samira, (f"{passing.step.id}:2", to, facts)),
        (passing.scene.samira, (f"{passing.step.id}:2", to, facts.replace('"1"', '"2"'))),
    ):
        with web(databases, member) as connection, pytest.raises(errors.InsufficientPrivilege):
            connection.execute(queue, line)
    with web(databases, passing.scene.samira) as connection:
        assert connection.execute(queue, (about, to, facts)).rowcount == 1


# How much is asked


@pytest.mark.parametrize("many", [1, 20])
def test_as_many_questions_however_many_were_passed_on(
    many: int, passing: Passing, world: World, client_of: Clients, count_queries: Callable[[], Any]
) -> None:
    for number in range(many):
        step = world.step(passing.scene.case, passing.scene.samira, in_days=-1, title=f"Chose {number}")
        world.pass_on(step, passing.julien, passing.scene.samira)
    his = client_of(passing.julien)
    for url, most in (
        ("/ma-journee", 2),
        ("/ma-journee/en-retard", 4),
        (passing.scene.url, 5),
        (passing.url, 6),
    ):
        his.get(url)
        with count_queries() as statements:
            his.get(url)
        assert len(statements) <= most, (url, statements)


def test_who_was_entrusted_long_ago_and_follows_again_has_it_again(
    passing: Passing, world: World, client_of: Clients
) -> None:
    world.pass_on(passing.step, passing.julien, passing.scene.samira)
    leave(world, passing)
    again = datetime.now(UTC) - timedelta(minutes=1)
    world.assign(
        passing.scene.case.person,
        passing.scene.case.parcours,
        passing.julien,
        kind="co_referent",
        started_at=again,
    )
    assert has_it(client_of(passing.julien)) == (True, True)
    assert has_it(client_of(passing.scene.samira)) == (False, False)
