"""Agreements: written, replaced, read, printed, looked at again."""

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cityjobs.core.clock import today
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.plans.rules import GoalStatus
from tests.conftest import Databases
from tests.followups.conftest import Scene
from tests.manners import PageClient
from tests.plans import makers
from tests.world import World

Rows = Callable[..., list[Any]]
Clients = Callable[[Any], PageClient]
LATER = today() + timedelta(days=60)


def said(*goals: Any, **more: Any) -> dict[str, Any]:
    """What the form of an agreement sends."""
    return {
        "agreement": str(uuid.uuid4()),
        "goals": [str(goal.id) for goal in goals],
        "agreed_on": today().isoformat(),
        "review_on": LATER.isoformat(),
        "way": "signed",
        **more,
    }


@pytest.fixture
def url(scene: Scene) -> str:
    return f"{scene.url}/accord"


def test_the_pages_open_to_those_who_follow(
    scene: Scene, world: World, url: str, try_everyone: Callable[[str], None]
) -> None:
    makers.agreement(world, scene.case, scene.samira, makers.goal(world, scene.case))
    try_everyone(f"{url}/nouveau")
    try_everyone(f"{url}/1")


def test_nobody_else_writes(
    scene: Scene, world: World, url: str, refuse_everyone: Callable[..., None], rows: Rows
) -> None:
    goal = makers.goal(world, scene.case)
    makers.agreement(world, scene.case, scene.samira, goal)
    refuse_everyone(f"{url}/nouveau", said(goal))
    refuse_everyone(f"{url}/1/revoir", {"version": "1", "review_on": LATER.isoformat()})
    assert rows("select number, version from agreement") == [(1, 1)]


def test_an_agreement_keeps_what_was_worded(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    about = makers.frein(world, scene.case, "mobilite")
    goals = [
        makers.goal(world, scene.case, about, label="Obtenir le permis"),
        makers.goal(world, scene.case, label="Faire son CV"),
    ]
    makers.goal(world, scene.case, label="Partir", status=GoalStatus.DROPPED)
    partner = world.organisation(scene.samira.cite, "Mission locale")
    client = client_of(scene.samira)
    page = client.get(f"{url}/nouveau")
    form = page.form(holding="agreed_on")
    assert (form.values["agreed_on"], form.values["review_on"]) == (
        today().isoformat(),
        (today() + timedelta(days=91)).isoformat(),
    )
    assert sorted(form.values["goals"]) == sorted(str(goal.id) for goal in goals)
    assert "Partir" not in page.main()
    page = client.follow(client.submit(form, organisation=str(partner.id), way="spoken"))
    for word in (
        "L’accord est enregistré",
        "Obtenir le permis",
        "Mobilité",
        "Faire son CV",
        "Mission locale",
        "De vive voix",
    ):
        assert word in page.text(), word  # fmt: skip
    assert (
        page.all("button", class_="no-print")
        and "data-print" in page.all("button", class_="no-print")[0].attributes
    )
    world.session.execute(goals[1].__table__.update().values(label="Autrement"))
    world.session.commit()
    assert "Faire son CV" in client.get(f"{url}/1").main()
    assert rows("select number, way, organisation_id, created_by_id, ended_on from agreement") == [
        (1, "spoken", partner.id, scene.samira.id, None)
    ]
    assert "Contrat d’engagement n° 1" in client.get(f"{scene.url}/plan").main()


@pytest.mark.parametrize("code", ["sante", "administratif_juridique", "discrimination"])
def test_the_paper_names_no_sensitive_frein(
    scene: Scene, world: World, url: str, client_of: Clients, databases: Databases, code: str
) -> None:
    goals = [
        makers.goal(world, scene.case, makers.frein(world, scene.case, about), label=label)
        for about, label in ((code, "Avancer pas à pas"), ("mobilite", "Venir à l’heure"))
    ]
    makers.agreement(world, scene.case, scene.samira, *goals)
    [(label,)] = databases.superuser.execute(
        "select label from list_item where list = 'frein' and code = %s", (code,)
    ).fetchall()
    for reader in (scene.samira, scene.coordinator):
        page = client_of(reader).get(f"{url}/1").main()
        assert "Avancer pas à pas" in page and "Mobilité" in page
        assert label not in page


def test_a_new_agreement_ends_the_former(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    goal = makers.goal(world, scene.case)
    makers.agreement(world, scene.case, scene.samira, goal)
    client = client_of(scene.coordinator)
    assert "prendra fin" in client.get(f"{url}/nouveau").main()
    sent = said(goal)
    assert client.post(f"{url}/nouveau", sent).location.endswith("/accord/2")
    assert client.post(f"{url}/nouveau", sent).location.endswith("/accord/2"), "sent twice, written once"
    assert rows("select number, ended_on from agreement order by number") == [(1, today()), (2, None)]
    other = {**sent, "review_on": (LATER + timedelta(days=1)).isoformat()}
    assert client.post(f"{url}/nouveau", other).location.endswith("/accord/3"), (
        "other terms, another agreement"
    )
    assert "ne tient plus" in client.get(f"{url}/1").main()
    page = client.post(f"{url}/1/revoir", {"version": "2", "review_on": LATER.isoformat()}, status=422)
    assert "un autre l’a remplacé" in page.errors()


def test_agreements_written_at_once_hold_one_at_a_time(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    goal = makers.goal(world, scene.case)
    clients, same = [client_of(scene.samira) for _ in range(6)], said(goal)
    start, told = threading.Barrier(len(clients)), []

    def send(client: PageClient, sent: dict[str, Any]) -> None:
        values = {**sent, "csrf_token": client.token()}
        start.wait()
        told.append(client.flask.post(f"{url}/nouveau", data=values).status_code)

    sendings = [same, same, same, said(goal), said(goal), said(goal)]
    threads = [threading.Thread(target=send, args=pair) for pair in zip(clients, sendings, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(told) == {303}
    assert rows("select number from agreement order by number") == [(1,), (2,), (3,), (4,)]
    assert rows("select number from agreement where ended_on is null") == [(4,)]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"goals": []}, "au moins un objectif"),
        ({"goals": ["00000000-0000-4000-8000-000000000000"]}, "n’existe pas"),
        ({"agreed_on": (today() + timedelta(days=1)).isoformat()}, "futur"),
        ({"agreed_on": (today() - timedelta(days=400)).isoformat()}, "précède la rencontre"),
        ({"agreed_on": ""}, "jour de l’accord"),
        ({"review_on": today().isoformat()}, "suivre celle de l’accord"),
        ({"review_on": (today() + timedelta(days=400)).isoformat()}, "dans l’année"),
        ({"way": "gravé"}, "n’existe pas"),
        ({"organisation": "00000000-0000-4000-8000-000000000000"}, "n’existe pas"),
    ],
)
def test_an_agreement_that_cannot_be_comes_back_as_typed(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows, wrong: dict[str, Any], sentence: str
) -> None:
    goal = makers.goal(world, scene.case)
    page = client_of(scene.samira).post(f"{url}/nouveau", said(goal, **wrong), status=422)
    assert sentence in page.errors()
    assert rows("select 1 from agreement") == []


def test_all_that_is_wrong_with_an_agreement_is_said_at_once(
    scene: Scene, world: World, url: str, client_of: Clients
) -> None:
    wrong = said(makers.goal(world, scene.case), goals=[], review_on=today().isoformat(), way="gravé")
    errors = client_of(scene.samira).post(f"{url}/nouveau", wrong, status=422).errors()
    for sentence in ("au moins un objectif", "suivre celle de l’accord", "n’existe pas"):
        assert sentence in errors


def test_an_agreement_is_about_the_goals_of_this_person(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    makers.goal(world, scene.case)
    another = world.case(scene.samira.cite, referent=scene.samira)
    theirs = makers.goal(world, another)
    client = client_of(scene.samira)
    assert "n’existe pas" in client.post(f"{url}/nouveau", said(theirs), status=422).errors()
    makers.agreement(world, another, scene.samira, theirs)
    client.get(f"{url}/1", status=404)
    client.post(f"{url}/1/revoir", {"version": "1", "review_on": LATER.isoformat()}, status=404)
    client.get(f"{url}/99999999999999999999", status=404)
    assert rows("select version from agreement") == [(1,)]


def test_an_agreement_never_precedes_the_former(
    scene: Scene, world: World, url: str, client_of: Clients
) -> None:
    goal = makers.goal(world, scene.case)
    makers.agreement(world, scene.case, scene.samira, goal, agreed_on=today() - timedelta(days=5))
    yesterday = (today() - timedelta(days=10)).isoformat()
    page = client_of(scene.samira).post(f"{url}/nouveau", said(goal, agreed_on=yesterday), status=422)
    assert "l’accord d’avant" in page.errors()


def test_a_review_is_put_off(scene: Scene, world: World, url: str, client_of: Clients, rows: Rows) -> None:
    makers.agreement(
        world, scene.case, scene.samira, makers.goal(world, scene.case), review_on=today() - timedelta(days=2)
    )
    client = client_of(scene.samira)
    page = client.get(f"{url}/1")
    assert "À revoir depuis" in page.main() and "À revoir depuis" in client.get(f"{scene.url}/plan").main()
    form = page.form(f"{url}/1/revoir")
    client.submit(form, review_on=LATER.isoformat())
    assert rows("select review_on, version from agreement") == [(LATER, 2)]
    page = client.submit(form, status=409, review_on=(LATER + timedelta(days=1)).isoformat())
    assert "pendant que vous écriviez" in page.main()
    assert (
        page.form(f"{url}/1/revoir").values["review_on"],
        page.form(f"{url}/1/revoir").values["version"],
    ) == ((LATER + timedelta(days=1)).isoformat(), "2")
    for wrong, sentence in (
        ("", "nouveau jour"),
        ((today() - timedelta(days=1)).isoformat(), "passée"),
        ((today() + timedelta(days=500)).isoformat(), "dans l’année"),
    ):
        assert sentence in client.submit(form, status=422, review_on=wrong).errors()
    assert rows("select review_on from agreement") == [(LATER,)]


def test_nothing_is_agreed_in_a_closed_parcours(
    scene: Scene, world: World, client_of: Clients, rows: Rows
) -> None:
    closed = world.case(scene.samira.cite, referent=scene.samira, status=Status.SORTI)
    goal = makers.goal(world, closed)
    makers.agreement(world, closed, scene.samira, goal)
    client, url = client_of(scene.samira), f"/personnes/{closed.id}/accord"
    assert "clos" in client.post(f"{url}/nouveau", said(goal), status=422).errors()
    later = {"version": "1", "review_on": (today() + timedelta(days=20)).isoformat()}
    assert "clos" in client.post(f"{url}/1/revoir", later, status=422).errors()
    assert rows("select version, ended_on from agreement") == [(1, None)]


@pytest.mark.parametrize("many", [1, 20, 200])
def test_as_many_questions_for_two_hundred_goals_as_for_one(
    scene: Scene, world: World, url: str, client_of: Clients, count_queries: Callable[[], Any], many: int
) -> None:
    goals = [makers.goal(world, scene.case) for _ in range(many)]
    held = makers.agreement(world, scene.case, scene.samira, *goals)
    for _ in range(min(many, 20)):
        makers.paper(world, scene.case, held, scene.samira)
    client = client_of(scene.samira)
    for path in ("1", "nouveau"):
        client.get(f"{url}/{path}")
        with count_queries() as statements:
            client.get(f"{url}/{path}")
        assert len(statements) == 6, statements
