"""« Ma journée »: what waits, for whom, acted on in place."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from cityjobs.core.clock import today
from cityjobs.followups.rules import StepState
from cityjobs.parcours.models import Job, Parcours, Suspension
from cityjobs.parcours.rules.lifecycle import AssignmentKind, Status
from cityjobs.parcours.rules.reasons import ExitReason
from tests.manners import Page, PageClient
from tests.plans import makers
from tests.world import Member, World

Clients = Callable[[Any], PageClient]


@pytest.fixture
def cite(world: World) -> Any:
    return world.cite("Roubaix")


@pytest.fixture
def samira(world: World, cite: Any) -> Member:
    return world.member("referent", cite)


def old(world: World, member: Member, **facts: Any) -> Any:
    """A case that is no longer new with somebody."""
    case = world.case(member.cite, **facts)
    world.assign(case.person, case.parcours, member, started_at=datetime.now(UTC) - timedelta(days=20))
    return case


def queue(page: Page, name: str) -> list[str]:
    return [line.text() for section in page.all("section", id=name) for line in section.all("li")]


def test_the_page_is_for_those_who_follow(
    world: World, cite: Any, samira: Member, client_of: Clients, client: PageClient
) -> None:
    for path in ("/ma-journee", "/ma-journee/en-retard"):
        client_of(samira).get(path)
        client_of(world.member("coordinator", cite)).get(path)
        for role in ("chef_de_file", "partner", "spotter", "funder", "administrator"):
            client_of(world.member(role, cite)).get(path, status=403)
        assert client.get(path, status=303).location.startswith("/connexion")
    client_of(samira).get("/ma-journee/nimporte", status=404)


def test_a_new_professional_is_greeted_by_empty_queues_with_words(samira: Member, client_of: Clients) -> None:
    page = client_of(samira).get("/ma-journee")
    assert "Rien en retard" in page.main() and "aucune personne accompagnée" in page.main()
    assert all(
        not queue(page, name)
        for name in ("en-retard", "aujourd-hui", "sans-contact", "nouvelles", "brouillons")
    )


def test_what_is_mine_is_in_its_queue_and_nothing_else(
    world: World, cite: Any, samira: Member, client_of: Clients
) -> None:
    julien = world.member("referent", cite)
    mine, theirs = old(world, samira), old(world, julien)
    for case, member in ((mine, samira), (theirs, julien)):
        world.step(case, member, in_days=-3, title=f"En retard de {member.id}")
        world.step(case, member, in_days=0, title=f"Pour aujourd’hui de {member.id}")
        world.step(case, member, in_days=1, title=f"Demain de {member.id}")
        world.interview(case, member, days_ago=40)
    closed = old(world, samira, status=Status.SORTI)
    world.step(closed, samira, in_days=0, title="D’un parcours clos")
    world.step(
        mine, samira, in_days=0, title="Déjà faite", state=StepState.DONE, settled_at=datetime.now(UTC)
    )
    page = client_of(samira).get("/ma-journee")
    assert [f"En retard de {samira.id}" in line for line in queue(page, "en-retard")] == [True]
    assert [f"Pour aujourd’hui de {samira.id}" in line for line in queue(page, "aujourd-hui")] == [True]
    assert ["il y a 40 jours" in line for line in queue(page, "sans-contact")] == [True]
    assert "1 personne accompagnée" in page.main()
    for words in (str(julien.id), "D’un parcours clos", "Déjà faite", "Demain de"):
        assert words not in page.main()


def test_another_cite_stays_in_its_own_day(
    world: World, cite: Any, samira: Member, client_of: Clients
) -> None:
    elsewhere = world.also(samira.user, "referent", world.cite("Calais"))
    case = old(world, elsewhere, last_name="De-Calais")
    world.step(case, elsewhere, in_days=0)
    assert "De-Calais" not in client_of(samira).get("/ma-journee").text()
    assert "De-Calais" in client_of(elsewhere).get("/ma-journee").text()


def test_a_coreferent_sees_the_day_of_those_they_second(
    world: World, samira: Member, cite: Any, client_of: Clients
) -> None:
    case = old(world, world.member("referent", cite))
    world.assign(case.person, case.parcours, samira, kind=AssignmentKind.CO_REFERENT)
    world.step(case, samira, in_days=0, title="Pendant les congés")
    assert "Pendant les congés" in client_of(samira).get("/ma-journee").text()


def test_a_coordinator_sees_their_own_persons_and_the_way_to_coordination(
    world: World, cite: Any, samira: Member, client_of: Clients
) -> None:
    claire = world.member("coordinator", cite)
    world.step(old(world, claire), claire, in_days=0, title="De Claire")
    world.step(old(world, samira), samira, in_days=0, title="De Samira")
    page = client_of(claire).get("/ma-journee")
    assert "De Claire" in page.main() and "De Samira" not in page.main()
    assert page.links()["Coordination"] == "/coordination"


def test_new_with_me_until_i_note_something(
    world: World, cite: Any, samira: Member, client_of: Clients
) -> None:
    fresh = world.case(cite, referent=samira, last_name="Nouvelle", status=Status.REPERE)
    old(world, samira, last_name="Ancienne")
    client = client_of(samira)
    lines = queue(client.get("/ma-journee"), "nouvelles")
    assert len(lines) == 1 and "Nouvelle" in lines[0] and "confiée aujourd’hui" in lines[0]
    world.interview(fresh, world.member("coordinator", cite), days_ago=0)
    assert len(queue(client.get("/ma-journee"), "nouvelles")) == 1
    world.interview(fresh, samira, days_ago=0)
    assert queue(client.get("/ma-journee"), "nouvelles") == []


def test_done_and_put_off_in_place(world: World, samira: Member, client_of: Clients, databases: Any) -> None:
    case = old(world, samira)
    done = world.step(case, samira, in_days=-1, title="À finir")
    later = world.step(case, samira, in_days=0, title="À reporter")
    client = client_of(samira)
    page = client.get("/ma-journee")
    answer = client.submit(page.form(f"/etapes/{done.id}/faite"))
    assert answer.location == "/ma-journee"
    page = client.follow(answer)
    assert "Rien en retard" in page.main()
    undone = client.submit(page.form(f"/etapes/{done.id}/reprendre"))
    assert undone.location == "/ma-journee"
    page = client.follow(undone)
    assert len(queue(page, "en-retard")) == 1
    form = page.form(f"/etapes/{later.id}/reporter")
    days = [button["value"] for button in form.element.all("button", name="due_on")]
    assert client.submit(form, due_on=days[0]).location == "/ma-journee"
    row = databases.superuser.execute(
        "select due_on, postponed_times from next_step where id = %s", (later.id,)
    ).fetchone()
    assert (row[0].isoformat(), row[1]) == (days[0], 1)


def test_each_line_leads_to_the_file_and_to_its_quick_entry(
    world: World, samira: Member, client_of: Clients
) -> None:
    case = old(world, samira)
    world.step(case, samira, in_days=0)
    world.interview(case, samira, days_ago=45)
    hrefs = [link.attributes.get("href") for link in client_of(samira).get("/ma-journee").all("a")]
    assert hrefs.count(f"/personnes/{case.id}") == 2
    assert hrefs.count(f"/personnes/{case.id}#noter") == 2


def test_drafts_left_are_found_again_and_erased(
    world: World, cite: Any, samira: Member, client_of: Clients
) -> None:
    case = old(world, samira, last_name="Commencée")
    client = client_of(samira)
    for key, typed in (
        (f"entretien:{case.id}", {"synthesis": "Elle me dit 😀 que"}),
        ("entretien:nimporte-quoi", {"synthesis": "X"}),
        ("entretien:" + "f" * 36, {"synthesis": "X"}),
        ("autre:formulaire", {"synthesis": "X"}),
    ):
        client.flask.put(f"/brouillons/{key}", json=typed, headers={"X-CSRFToken": client.token()})
    page = client.get("/ma-journee")
    lines = queue(page, "brouillons")
    assert len(lines) == 1 and "Commencée" in lines[0] and "Elle me dit 😀 que" in lines[0]
    assert queue(client_of(world.member("coordinator", cite)).get("/ma-journee"), "brouillons") == []
    erased = client.submit(page.form(f"/personnes/{case.id}/entretiens/brouillon"))
    assert erased.location == "/ma-journee"
    assert queue(client.follow(erased), "brouillons") == []


def test_a_long_queue_says_how_many_and_leads_to_the_exact_list(
    world: World, samira: Member, client_of: Clients
) -> None:
    case = old(world, samira)
    steps = [world.step(case, samira, in_days=-1 - number, title=f"Étape {number}.") for number in range(30)]
    client = client_of(samira)
    page = client.get("/ma-journee")
    section = page.all("section", id="en-retard")[0]
    assert "30" in section.all("h2")[0].text() and len(section.all("li")) == 8
    assert section.all("a", href="/ma-journee/en-retard")
    whole = client.get("/ma-journee/en-retard")
    lines = queue(whole, "file") + queue(client.get("/ma-journee/en-retard?page=2"), "file")
    assert len(lines) == len(steps) == 30 and len(set(lines)) == 30
    form = whole.form(f"/etapes/{steps[-1].id}/faite")
    assert client.submit(form).location == "/ma-journee/en-retard"


def test_several_at_once_are_one_link_away_as_soon_as_there_are_two(
    world: World, samira: Member, client_of: Clients
) -> None:
    case = old(world, samira)
    client = client_of(samira)
    for number, offered in ((1, False), (2, True)):
        world.step(case, samira, in_days=-number)
        section = client.get("/ma-journee").all("section", id="en-retard")[0]
        assert ("En régler plusieurs" in section.text()) is offered
    assert len(client.get("/ma-journee/en-retard").all("input", name="picked")) == 2


@pytest.mark.parametrize("rows", [1, 20, 200])
def test_my_day_costs_the_same_however_full(
    world: World, samira: Member, client_of: Clients, count_queries: Callable[[], Any], rows: int
) -> None:
    for number in range(min(rows, 40)):
        case = old(world, samira) if number % 2 else world.case(samira.cite, referent=samira)
        world.interview(case, samira, days_ago=35 + number) if number % 3 else None
        for each in range(rows // min(rows, 40)):
            world.step(case, samira, in_days=-(each % 2))
    client = client_of(samira)
    for path in ("/ma-journee", "/ma-journee/en-retard", "/ma-journee/nouvelles", "/ma-journee/sans-contact"):
        client.get(path)
        with count_queries() as statements:
            client.get(path)
        assert len(statements) == (2 if path == "/ma-journee" else 4), (path, statements)


def test_several_are_put_off_or_done_at_once(
    world: World, samira: Member, client_of: Clients, databases: Any
) -> None:
    case = old(world, samira)
    steps = [world.step(case, samira, in_days=-1, title=f"Chose {number}") for number in range(4)]
    client, url = client_of(samira), "/ma-journee/en-retard"
    form = client.get(url).form(url)
    picked = [f"{step.id}.1" for step in steps]
    later = today() + timedelta(days=3)
    page = client.follow(client.submit(form, picked=picked[:2], due_on=later.isoformat(), gesture="postpone"))
    assert "2 choses reportées" in page.text() and len(queue(page, "file")) == 2
    page = client.follow(client.submit(form, picked=picked[1:3], due_on="", gesture="done"))
    assert "1 chose faite" in page.text() and "1 avait changé entre-temps" in page.text()
    told = databases.superuser.execute("select title, state, due_on from next_step order by title").fetchall()
    assert told == [
        ("Chose 0", "todo", later), ("Chose 1", "todo", later), ("Chose 2", "done", today() - timedelta(days=1)),
        ("Chose 3", "todo", today() - timedelta(days=1)),
    ]  # fmt: skip
    lines = "select count(*) from audit.journal where subject = 'next_step' and verb = 'update'"
    assert databases.superuser.execute(lines).fetchone() == (3,)


def test_several_at_once_say_what_is_missing_and_keep_what_was_ticked(
    world: World, samira: Member, client_of: Clients
) -> None:
    step = world.step(old(world, samira), samira, in_days=0, title="Chose")
    client, url = client_of(samira), "/ma-journee/aujourd-hui"
    form, line = client.get(url).form(url), f"{step.id}.1"
    assert "Cochez au moins une ligne." in client.submit(form, gesture="done", status=422).main()
    page = client.submit(form, picked=[line], gesture="postpone", due_on="", status=422)
    assert "Indiquez le nouveau jour." in page.errors()
    assert any(
        box.attributes.get("value") == line and "checked" in box.attributes for box in page.all("input")
    )
    past = (today() - timedelta(days=1)).isoformat()
    assert (
        "déjà passée"
        in client.submit(form, picked=[line], gesture="postpone", due_on=past, status=422).errors()
    )
    client.submit(form, picked=[line], gesture="autre", status=422)
    client.post("/ma-journee/nouvelles", {"picked": line, "gesture": "done"}, status=404)


def test_the_second_page_of_a_queue_comes_back_with_its_ticks_then_the_last_there_is(
    world: World, samira: Member, client_of: Clients
) -> None:
    case = old(world, samira)
    steps = [world.step(case, samira, in_days=number - 40, title=f"Chose {number}") for number in range(26)]
    client, url, line = client_of(samira), "/ma-journee/en-retard", f"{steps[25].id}.1"
    form = client.get(f"{url}?page=2").form(url)
    page = client.submit(form, picked=[line], gesture="postpone", due_on="", status=422)
    assert any(
        box.attributes.get("value") == line and "checked" in box.attributes for box in page.all("input")
    )
    client.submit(form, picked=[line], gesture="done")
    assert "Chose 24" in client.get(f"{url}?page=2").main()


def test_what_somebody_else_follows_is_not_settled_with_mine(
    world: World, cite: Any, samira: Member, client_of: Clients, databases: Any
) -> None:
    mine = world.step(old(world, samira), samira, in_days=0)
    theirs = world.step(old(world, world.member("referent", cite)), samira, in_days=0)
    both = {"picked": [f"{mine.id}.1", f"{theirs.id}.1"], "gesture": "done"}
    client_of(world.member("coordinator", cite)).post("/ma-journee/aujourd-hui", both, status=404)
    client = client_of(samira)
    client.post("/ma-journee/aujourd-hui", {**both, "picked": [f"{theirs.id}.1"]}, status=404)
    told = client.follow(client.post("/ma-journee/aujourd-hui", both)).text()
    assert "1 chose faite." in told and "1 avait changé entre-temps" in told
    states = dict(databases.superuser.execute("select id, state from next_step").fetchall())
    assert states == {mine.id: "done", theirs.id: "todo"}


def hrefs(page: Page) -> list[str]:
    return [link["href"] for link in page.all("a")]


@pytest.fixture
def busy(world: World, samira: Member) -> dict[str, Any]:
    """Somebody for each queue that stands on the life of a parcours or on its plan."""
    ago = lambda days: today() - timedelta(days=days)  # noqa: E731
    hired, paused, left, planned = (
        world.case(samira.cite, referent=samira, last_name=name, **facts)
        for name, facts in (
            ("Embauchée", {"status": Status.SUIVI_EMPLOI, "days_ago": 14}),
            ("Enpause", {"status": Status.SUSPENDU, "days_ago": 60}),
            ("Sortie", {"status": Status.SORTI, "days_ago": 300}),
            ("Planifiée", {}),
        )
    )
    world.session.execute(
        sa.update(Job).where(Job.parcours_id == hired.parcours.id).values(started_on=ago(9))
    )
    world.session.execute(
        sa.update(Suspension)
        .where(Suspension.parcours_id == paused.parcours.id)
        .values(expected_end_on=today() + timedelta(days=5))
    )
    world.session.execute(
        sa.update(Parcours)
        .where(Parcours.id == left.parcours.id)
        .values(ended_on=ago(95), end_reason=ExitReason.CDI)
    )
    world.session.commit()
    etape = makers.etape(world, planned, label="Code de la route", planned_to=ago(2))
    makers.agreement(world, planned, samira, agreed_on=ago(90), review_on=ago(1))
    return {"hired": hired, "paused": paused, "left": left, "planned": planned, "etape": etape}


LIFE_QUEUES = {
    "points-emploi": "Embauchée",
    "suspensions": "Enpause",
    "situations": "Sortie",
    "etapes-en-retard": "Planifiée",
    "accords-a-revoir": "Planifiée",
}


def test_what_falls_due_by_itself_is_in_its_queue_and_for_its_referent_only(
    world: World, cite: Any, samira: Member, busy: dict[str, Any], client_of: Clients
) -> None:
    page = client_of(samira).get("/ma-journee")
    for name, who in LIFE_QUEUES.items():
        lines = queue(page, name)
        assert len(lines) == 1 and who in lines[0], name
        whole = client_of(samira).get(f"/ma-journee/{name}")
        assert [who in line for line in queue(whole, "file")] == [True], name
    julien = client_of(world.member("referent", cite))
    page = julien.get("/ma-journee")
    for name in LIFE_QUEUES:
        assert not queue(page, name), name
        assert not queue(julien.get(f"/ma-journee/{name}"), "file"), name


def test_each_leads_to_what_settles_it_and_leaves_its_queue(
    busy: dict[str, Any], samira: Member, client_of: Clients
) -> None:
    client = client_of(samira)
    page = client.get("/ma-journee")
    for href in hrefs(page):
        if href.startswith("/personnes/"):
            client.get(href.partition("#")[0])
    finish = next(href for href in hrefs(page) if "/finish" in href)
    answer = client.submit(client.get(finish).form(holding="result"), result="atteint")
    assert answer.location.startswith("/ma-journee")
    check = next(href for href in hrefs(page) if "/points/" in href)
    client.submit(client.get(check).form(holding="in_job"), in_job="oui")
    page = client.get("/ma-journee")
    assert not queue(page, "etapes-en-retard") and not queue(page, "points-emploi")
    assert queue(page, "suspensions") and queue(page, "situations")


def test_the_day_is_written_in_full(samira: Member, client_of: Clients) -> None:
    assert str(today().year) in client_of(samira).get("/ma-journee").main()


def test_a_narrow_screen_counts_what_waits_and_says_where(
    busy: dict[str, Any], samira: Member, client_of: Clients
) -> None:
    page = client_of(samira).get("/ma-journee")
    (ways,) = page.all("nav", class_="jump")
    sections = {section.attributes.get("id") for section in page.all("section")}
    for link in ways.all("a"):
        name = link.attributes["href"].removeprefix("#")
        assert name in sections and link.text().endswith(str(len(queue(page, name)))), name
    assert set(LIFE_QUEUES) <= {link.attributes["href"].removeprefix("#") for link in ways.all("a")}
