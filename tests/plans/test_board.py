"""The page of a plan, and goals written and settled in place."""

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cityjobs.core.clock import today
from cityjobs.diagnosis.rules import FreinStatus
from cityjobs.parcours.rules.lifecycle import AssignmentKind, Status
from cityjobs.plans.rules import EtapeStatus, GoalStatus
from tests.followups.conftest import Scene
from tests.manners import PageClient
from tests.plans import makers
from tests.world import World

Rows = Callable[..., list[Any]]
Clients = Callable[[Any], PageClient]


@pytest.fixture
def url(scene: Scene) -> str:
    return f"{scene.url}/plan"


def new_goal(**said: str) -> dict[str, str]:
    """What a form for a new goal sends."""
    return {"goal": str(uuid.uuid4()), "frein": "", "code": "", "label": "", **said}


def test_the_page_opens_to_those_who_follow(
    scene: Scene, world: World, url: str, try_everyone: Callable[[str], None], client_of: Clients
) -> None:
    try_everyone(url)
    client_of(scene.other).get(url, status=404)
    world.assign(scene.case.person, scene.case.parcours, scene.other, kind=AssignmentKind.CO_REFERENT)
    client_of(scene.other).get(url)


def test_nobody_else_writes(
    scene: Scene, world: World, url: str, refuse_everyone: Callable[..., None], rows: Rows
) -> None:
    goal = makers.goal(world, scene.case)
    refuse_everyone(f"{url}/objectifs", {"label": "X"})
    refuse_everyone(f"{url}/objectifs/{goal.id}", {"version": "1", "gesture": "reach"})
    assert rows("select status, version from goal") == [("open", 1)]


def test_the_page_says_all_of_a_plan(scene: Scene, world: World, url: str, client_of: Clients) -> None:
    client = client_of(scene.samira)
    assert "Aucun objectif pour le projet" in client.get(url).main()
    mobility = makers.frein(world, scene.case, "mobilite")
    makers.frein(world, scene.case, "numerique", FreinStatus.LEVE)
    licence = makers.goal(world, scene.case, mobility, label="Obtenir le permis")
    cv = makers.goal(world, scene.case, label="Faire son CV", status=GoalStatus.REACHED)
    partner = world.organisation(scene.samira.cite, "Auto-école solidaire")
    makers.etape(world, scene.case, licence, cv, label="Code", planned_to=today() - timedelta(days=3), organisation_id=partner.id, hours=12.5, cost_euros=240)  # fmt: skip
    makers.etape(world, scene.case, licence, label="Conduite", status=EtapeStatus.REALISEE)
    makers.etape(world, scene.case, label="Entretien", type="entretien_accueil")
    makers.agreement(world, scene.case, scene.samira, licence)
    page = client.get(url)
    said = page.main()
    for word in ("Mobilité", "Obtenir le permis", "En retard", "Auto-école solidaire", "12,5 h", "240 €", "1 sur 2", "1 sur 3",
                 "Résultat : atteint", "Faire son CV", "Atteint", "Étapes sans objectif", "Entretien", "Contrat d’engagement n° 1"):  # fmt: skip
        assert word in said, word
    assert "Équipement et usages numériques" not in said
    titles = [title.text() for title in page.all("h2")]
    assert titles.index("Mobilité") < titles.index("Projet professionnel")
    assert len([each for each in page.all("li") if each.attributes.get("id", "").startswith("etape-")]) == 3


def test_a_goal_is_chosen_in_the_list_or_in_own_words(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    mobility = makers.frein(world, scene.case, "mobilite")
    client = client_of(scene.samira)
    page = client.get(url)
    offered = {
        option["value"]
        for form in page.all("form", action=f"{url}/objectifs")
        if form.all("input", name="frein", value=str(mobility.id))
        for option in form.all("option")
    }
    assert "obtenir_permis" in offered and "cv_lettre_faire" not in offered
    assert page.all("optgroup", label="Préparer sa candidature")
    client.post(f"{url}/objectifs", new_goal(frein=str(mobility.id), code="obtenir_permis"))
    client.post(f"{url}/objectifs", new_goal(label="Devenir sa propre patronne 😀"))
    client.post(f"{url}/objectifs", new_goal(code="points_forts", label="Savoir ce qui plaît"))
    assert rows("select code, label, frein_id, status, opened_on, created_by_id from goal order by created_at") == [
        ("obtenir_permis", "Obtenir le permis", mobility.id, "open", today(), scene.samira.id),
        (None, "Devenir sa propre patronne 😀", None, "open", today(), scene.samira.id),
        ("points_forts", "Savoir ce qui plaît", None, "open", today(), scene.samira.id),
    ]  # fmt: skip


def test_the_form_of_the_page_is_sent_as_it_is(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    makers.frein(world, scene.case, "mobilite")
    client = client_of(scene.samira)
    form = next(f for f in client.get(url).all("form", action=f"{url}/objectifs"))
    values = {each["name"]: each.attributes.get("value", "") for each in form.all("input")}
    page = client.follow(client.post(f"{url}/objectifs", {**values, "code": "obtenir_permis"}))
    assert "Objectif ajouté." in page.text() and "Obtenir le permis" in page.main()
    client.post(f"{url}/objectifs", {**values, "code": "obtenir_permis"})
    assert rows("select count(*) from goal") == [(1,)]
    client.post(f"{url}/objectifs", {**values, "label": "Autre chose"})
    assert rows("select count(*) from goal") == [(2,)]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, "Choisissez un objectif"),
        ({"code": "inventé"}, "n’existe pas dans la liste"),
        ({"code": "obtenir_permis"}, "n’existe pas dans la liste"),
        ({"label": "a" * 20_000}, "200 caractères"),
        ({"label": "2 85 03 59 512 045 28"}, "sécurité sociale"),
        ({"frein": "00000000-0000-4000-8000-000000000000", "label": "X"}, "n’existe pas dans la liste"),
        ({"frein": "n’importe quoi", "label": "X"}, "n’existe pas dans la liste"),
    ],
)
def test_a_goal_that_cannot_be_comes_back_as_typed(
    scene: Scene, url: str, client_of: Clients, rows: Rows, said: dict[str, str], sentence: str
) -> None:
    client = client_of(scene.samira)
    page = client.post(f"{url}/objectifs", new_goal(**said), status=422)
    assert sentence in page.errors()
    if said.get("label"):
        assert said["label"] in {each.attributes.get("value") for each in page.all("input", name="label")}
    assert rows("select 1 from goal") == []


def test_a_goal_is_never_about_the_frein_of_another_parcours(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    another = world.case(scene.samira.cite, referent=scene.samira)
    theirs = makers.frein(world, another, "mobilite")
    lifted = makers.frein(world, scene.case, "logement", FreinStatus.LEVE)
    makers.goal(world, scene.case, lifted, status=GoalStatus.REACHED)
    client = client_of(scene.samira)
    for frein, sentence in ((theirs, "n’existe pas dans la liste"), (lifted, "n’est plus proposé")):
        page = client.post(f"{url}/objectifs", new_goal(frein=str(frein.id), label="X"), status=422)
        assert sentence in page.errors()
    assert rows("select count(*) from goal") == [(1,)]


def test_a_line_set_aside_is_refused_in_a_sentence(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    from cityjobs.vocabulary.models import ListItem
    from cityjobs.vocabulary.rules import ListName

    for code, active in (("loc_essai", False), ("loc_autre", True)):
        world.keep(
            ListItem(
                list=ListName.OBJECTIF, code=code, cite_id=scene.samira.cite.id, parent="se_former", label=f"Le {code}",
                is_active=active, created_by_id=scene.coordinator.id,
            )
        )  # fmt: skip
    client = client_of(scene.samira)
    page = client.post(f"{url}/objectifs", new_goal(code="loc_essai"), status=422)
    assert "« Le loc_essai » n’est plus proposé" in page.errors().replace("\xa0", " ")
    client.post(f"{url}/objectifs", new_goal(code="loc_autre"))
    assert rows("select label from goal") == [("Le loc_autre",)]


def test_a_goal_is_reached_dropped_and_taken_up_again(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    goal = makers.goal(world, scene.case, label="Faire son CV")
    client, there = client_of(scene.samira), f"{url}/objectifs/{goal.id}"
    page = client.follow(client.submit(forms_for(client, url, there, "reach")))
    assert "Objectif atteint." in page.text()
    assert rows("select status, settled_on from goal") == [("reached", today())]
    client.submit(forms_for(client, url, there, "reopen"))
    assert rows("select status, settled_on from goal") == [("open", None)]
    client.submit(forms_for(client, url, there, "drop"))
    assert rows("select status, settled_on, version from goal") == [("dropped", today(), 4)]


def forms_for(client: PageClient, url: str, there: str, gesture: str) -> Any:
    """The form of one gesture on one goal."""
    page = client.get(url)
    element = next(
        form for form in page.all("form", action=there) if form.all("input", name="gesture", value=gesture)
    )
    values = {each["name"]: each.attributes.get("value", "") for each in element.all("input")}
    filled = page.form(there)
    return type(filled)(filled.action, filled.method, values, element)


@pytest.mark.parametrize(
    "said", [{"version": "7", "gesture": "reach"}, {"version": "1", "gesture": "reopen"}, {"version": "1", "gesture": "x"}, {}]
)  # fmt: skip
def test_whoever_comes_second_is_told(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows, said: dict[str, str]
) -> None:
    goal = makers.goal(world, scene.case, label="Faire son CV")
    page = client_of(scene.samira).post(f"{url}/objectifs/{goal.id}", said, status=409)
    assert "Rien n’a été changé" in page.main() and "Faire son CV" in page.main()
    assert rows("select status, version from goal") == [("open", 1)]


def test_two_gestures_at_once_have_one_winner(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    goal = makers.goal(world, scene.case)
    clients = [client_of(scene.samira) for _ in range(6)]
    start, told = threading.Barrier(len(clients)), []

    def send(client: PageClient, gesture: str) -> None:
        values = {"version": "1", "gesture": gesture, "csrf_token": client.token()}
        start.wait()
        told.append(client.flask.post(f"{url}/objectifs/{goal.id}", data=values).status_code)

    threads = [
        threading.Thread(target=send, args=(client, ("reach", "drop")[place % 2]))
        for place, client in enumerate(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [303, 409, 409, 409, 409, 409]
    assert rows("select version from goal") == [(2,)]


def test_a_goal_is_only_found_under_its_own_person(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    another = world.case(scene.samira.cite, referent=scene.samira)
    theirs = makers.goal(world, another)
    said = {"version": "1", "gesture": "reach"}
    client_of(scene.samira).post(f"{url}/objectifs/{theirs.id}", said, status=404)
    client_of(scene.samira).post(f"{url}/objectifs/{uuid.uuid4()}", said, status=404)
    assert rows("select status from goal") == [("open",)]


def test_a_closed_parcours_keeps_its_plan_as_it_is(
    scene: Scene, world: World, client_of: Clients, rows: Rows
) -> None:
    closed = world.case(scene.samira.cite, referent=scene.samira, status=Status.SORTI)
    goal = makers.goal(world, closed, label="Faire son CV")
    client, url = client_of(scene.samira), f"/personnes/{closed.id}/plan"
    page = client.get(url)
    assert (
        "clos" in page.main()
        and "Faire son CV" in page.main()
        and not page.all("form", action=f"{url}/objectifs")
    )
    assert "clos" in client.post(f"{url}/objectifs", new_goal(label="X"), status=422).main()
    assert (
        "clos"
        in client.post(f"{url}/objectifs/{goal.id}", {"version": "1", "gesture": "reach"}, status=409).main()
    )
    assert rows("select label, status from goal") == [("Faire son CV", "open")]


@pytest.mark.parametrize("many", [1, 20, 200])
def test_as_many_questions_for_two_hundred_etapes_as_for_one(
    scene: Scene, world: World, url: str, client_of: Clients, count_queries: Callable[[], Any], many: int
) -> None:
    about = makers.frein(world, scene.case)
    goals = [makers.goal(world, scene.case, about) for _ in range(max(1, many // 10))]
    for number in range(many):
        makers.etape(world, scene.case, goals[number % len(goals)], goals[0]) if number % len(
            goals
        ) else makers.etape(world, scene.case, goals[0])
    client = client_of(scene.samira)
    client.get(url)
    with count_queries() as statements:
        page = client.get(url)
    assert len(statements) == 5, statements
    assert f"0 sur {many}" in page.main()
