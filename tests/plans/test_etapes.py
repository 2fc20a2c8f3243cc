"""Étapes: planned, planned otherwise, and what happens to them."""

import itertools
import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cityjobs.core.clock import today
from cityjobs.diagnosis.rules import FreinStatus
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.plans.rules import ETAPE_TRANSITIONS, EtapeEvent, EtapeStatus, GoalStatus
from tests.followups.conftest import Scene
from tests.manners import PageClient
from tests.plans import makers
from tests.world import World

Rows = Callable[..., list[Any]]
Clients = Callable[[Any], PageClient]
SOON = today() + timedelta(days=20)


@pytest.fixture
def url(scene: Scene) -> str:
    return f"{scene.url}/plan/etapes"


def said(**more: Any) -> dict[str, Any]:
    """What a form for a new étape sends."""
    return {"etape": str(uuid.uuid4()), "type": "permis_code", **more}


def test_the_pages_open_to_those_who_follow(
    scene: Scene, world: World, url: str, try_everyone: Callable[[str], None]
) -> None:
    etape = makers.etape(world, scene.case)
    for path in (
        "nouvelle",
        f"{etape.id}/modifier",
        f"{etape.id}/start",
        f"{etape.id}/finish",
        f"{etape.id}/cancel",
    ):
        try_everyone(f"{url}/{path}")  # fmt: skip


def test_nobody_else_writes(
    scene: Scene, world: World, url: str, refuse_everyone: Callable[..., None], rows: Rows
) -> None:
    etape = makers.etape(world, scene.case)
    refuse_everyone(f"{url}/nouvelle", said())
    refuse_everyone(f"{url}/{etape.id}/modifier", said(version="1"))
    refuse_everyone(f"{url}/{etape.id}/start", {"version": "1", "on": today().isoformat()})
    assert rows("select status, version from etape") == [("prevue", 1)]


def test_an_etape_of_one_person_is_not_found_under_another(
    scene: Scene, world: World, client_of: Clients, rows: Rows
) -> None:
    etape = makers.etape(world, scene.case)
    another = world.case(scene.samira.cite, referent=scene.samira)
    client, there = client_of(scene.samira), f"/personnes/{another.id}/plan/etapes/{etape.id}"
    for gesture in ("modifier", *EtapeEvent):
        client.get(f"{there}/{gesture}", status=404)
        client.post(f"{there}/{gesture}", {"version": "1", "on": today().isoformat()}, status=404)
    client.get(f"{scene.url}/plan/etapes/{etape.id}/explode", status=404)
    assert rows("select status, version from etape") == [("prevue", 1)]


def test_an_etape_is_planned_with_all_of_it(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    goals = [makers.goal(world, scene.case, label=label) for label in ("Obtenir le permis", "Faire son CV")]
    partner = world.organisation(scene.samira.cite, "Auto-école solidaire")
    client = client_of(scene.samira)
    page = client.get(f"{url}/nouvelle?objectif={goals[0].id}")
    form = page.form(holding="type")
    assert page.all("optgroup", label="Levée des freins")[0].all("option", value="permis_code")
    assert form.values["goals"] == [str(goals[0].id)]
    answer = client.post(
        f"{url}/nouvelle",
        {
            **said(etape=form.values["etape"], label="Code avec Ali 😀", organisation=str(partner.id)),
            "goals": [str(goal.id) for goal in goals],
            "planned_from": today().isoformat(),
            "planned_to": SOON.isoformat(),
            "hours": "12,5",
            "cost_euros": "1 240,50",
            "note": "Le mardi\r\nà 18 h",
        },
    )
    assert "Étape ajoutée au plan." in client.follow(answer).text()
    assert rows(
        "select type, label, status, organisation_id, planned_from, planned_to, hours::text, cost_euros::text, note,"
        " created_by_id from etape"
    ) == [
        ("permis_code", "Code avec Ali 😀", "prevue", partner.id, today(), SOON, "12.5", "1240.50",
         "Le mardi\nà 18 h", scene.samira.id),
    ]  # fmt: skip
    assert rows("select count(*) from etape_goal") == [(2,)]


def test_an_etape_without_words_is_called_as_its_type_is(
    scene: Scene, url: str, client_of: Clients, rows: Rows
) -> None:
    client_of(scene.samira).post(f"{url}/nouvelle", said())
    national = rows("select label from list_item where list = 'type_etape' and code = 'permis_code'")
    assert rows("select label from etape") == national


def test_an_etape_sent_twice_is_planned_once_and_another_from_an_old_page_is_not_lost(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    goal = makers.goal(world, scene.case)
    client, sent = client_of(scene.samira), said(label="Code", goals=str(goal.id))
    for _ in range(2):
        client.post(f"{url}/nouvelle", sent)
    assert rows("select count(*) from etape") == [(1,)] == rows("select count(*) from etape_goal")
    client.post(f"{url}/nouvelle", {**sent, "label": "Conduite"})
    assert rows("select count(*) from etape") == [(2,)] == rows("select count(*) from etape_goal")
    client.post(f"{url}/nouvelle", {**sent, "goals": []})
    assert rows("select count(*) from etape") == [(3,)], "other goals make another étape"


def test_an_etape_sent_six_times_at_once_is_planned_once(
    scene: Scene, url: str, client_of: Clients, rows: Rows
) -> None:
    clients, sent = [client_of(scene.samira) for _ in range(6)], said(label="Code")
    start = threading.Barrier(len(clients))

    def send(client: PageClient) -> None:
        values = {**sent, "csrf_token": client.token()}
        start.wait()
        client.flask.post(f"{url}/nouvelle", data=values)

    threads = [threading.Thread(target=send, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows("select count(*) from etape") == [(1,)]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"type": ""}, "de quelle étape il s’agit"),
        ({"type": "inventé"}, "n’existe pas dans la liste"),
        ({"label": "a" * 20_000}, "200 caractères"),
        ({"note": "a" * 20_000}, "10 000 caractères"),
        ({"note": "2 85 03 59 512 045 28"}, "sécurité sociale"),
        ({"planned_from": SOON.isoformat(), "planned_to": today().isoformat()}, "précède le début"),
        ({"planned_to": "2190-01-01"}, "trois ans"),
        ({"planned_to": "2001-01-01"}, "début du parcours"),
        ({"planned_to": "bientôt"}, "pas reconnue"),
        ({"hours": "beaucoup"}, "par exemple 12,5"),
        ({"hours": "0"}, "va de 0,1"),
        ({"hours": "1,25"}, "après la virgule"),
        ({"hours": "9" * 400}, "par exemple"),
        ({"cost_euros": "-3"}, "par exemple"),
        ({"cost_euros": "NaN"}, "par exemple"),
        ({"goals": "00000000-0000-4000-8000-000000000000"}, "n’existe pas dans la liste"),
        ({"organisation": "00000000-0000-4000-8000-000000000000"}, "n’existe pas dans la liste"),
        ({"organisation": "n’importe quoi"}, "n’existe pas dans la liste"),
    ],
)
def test_an_etape_that_cannot_be_comes_back_as_typed(
    scene: Scene, url: str, client_of: Clients, rows: Rows, wrong: dict[str, str], sentence: str
) -> None:
    page = client_of(scene.samira).post(f"{url}/nouvelle", said(**wrong), status=422)
    assert sentence in page.errors().replace("\u202f", " ")
    (name, typed), *_ = wrong.items()
    if name not in ("type", "goals", "organisation"):
        assert page.form(holding="type").values[name].strip() == typed
    assert rows("select 1 from etape") == []


def test_goals_and_partners_are_of_this_parcours_and_of_this_collective(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    another = world.case(scene.samira.cite, referent=scene.samira)
    dropped = makers.goal(world, scene.case, status=GoalStatus.DROPPED, label="Partir")
    foreign = world.organisation(scene.elsewhere.cite)
    discreet = world.organisation(scene.samira.cite, "Écoute", kind="CSAPA", is_sensitive=True)
    client = client_of(scene.samira)
    for wrong, sentence in (
        ({"goals": str(makers.goal(world, another).id)}, "n’existe pas"),
        ({"goals": str(dropped.id)}, "n’est plus proposé"),
        ({"organisation": str(foreign.id)}, "n’existe pas"),
        ({"organisation": str(discreet.id)}, "n’existe pas"),
    ):
        page = client.post(f"{url}/nouvelle", said(**wrong), status=422)
        assert sentence in page.errors()
    assert "Écoute" not in client.get(f"{url}/nouvelle").main()
    coordinator = client_of(scene.coordinator)
    assert "Écoute" in coordinator.get(f"{url}/nouvelle").main()
    coordinator.post(f"{url}/nouvelle", said(organisation=str(discreet.id)))
    assert "Autre partenaire" in client.get(f"{scene.url}/plan").main()
    assert rows("select organisation_id from etape") == [(discreet.id,)]


# Planned otherwise


def test_an_etape_is_planned_otherwise(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    goals = [makers.goal(world, scene.case) for _ in range(2)]
    etape = makers.etape(world, scene.case, goals[0], label="Code", planned_to=SOON)
    client = client_of(scene.samira)
    form = client.get(f"{url}/{etape.id}/modifier").form(holding="type")
    assert (form.values["label"], form.values["planned_to"], form.values["version"]) == (
        "Code",
        SOON.isoformat(),
        "1",
    )
    assert form.values["goals"] == [str(goals[0].id)]
    client.submit(form)
    assert rows("select version from etape") == [(1,)], "nothing changed, nothing written"
    client.submit(form, label="Code et conduite", hours="30", goals=str(goals[1].id))
    assert rows("select label, hours::text, version from etape") == [("Code et conduite", "30.0", 2)]
    assert rows("select goal_id from etape_goal") == [(goals[1].id,)]
    again = client.get(f"{url}/{etape.id}/modifier").form(holding="type")
    client.submit(again, goals=None)
    assert rows("select version from etape") == [(3,)] and rows("select 1 from etape_goal") == []


def test_two_overlapping_changes_are_shown_side_by_side(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    goals = [makers.goal(world, scene.case, label=label) for label in ("Permis", "CV")]
    etape = makers.etape(world, scene.case, goals[0], label="Code")
    here, there = client_of(scene.samira), client_of(scene.coordinator)
    mine = here.get(f"{url}/{etape.id}/modifier").form(holding="type")
    there.submit(
        there.get(f"{url}/{etape.id}/modifier").form(holding="type"), label="Code en ligne", goals=str(goals[1].id)
    )  # fmt: skip
    page = here.submit(mine, status=409, label="Code du soir", hours="12,5")
    for word in ("Code du soir", "Code en ligne", "Permis", "CV", "12,5", "La version enregistrée"):
        assert word in page.main(), word
    assert rows("select label, version from etape") == [("Code en ligne", 2)]
    form = page.form(f"{url}/{etape.id}/modifier")
    here.submit(form, **{"keep-goals": "theirs"})
    assert rows("select label, hours::text, version from etape") == [("Code du soir", "12.5", 3)]
    assert rows("select goal_id from etape_goal") == [(goals[1].id,)]


def test_what_an_etape_has_may_stay_though_it_is_offered_no_longer(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    goal = makers.goal(world, scene.case, status=GoalStatus.REACHED)
    gone = world.organisation(scene.elsewhere.cite, "Partie ailleurs")
    etape = makers.etape(world, scene.case, goal, organisation_id=gone.id)
    client = client_of(scene.samira)
    client.submit(client.get(f"{url}/{etape.id}/modifier").form(holding="type"), label="Autrement")
    assert rows("select label, organisation_id from etape") == [("Autrement", gone.id)]
    assert rows("select goal_id from etape_goal") == [(goal.id,)]


# What happens


def facts_of(event: EtapeEvent) -> dict[str, str]:
    """What an event asks for."""
    asked = {
        EtapeEvent.FINISH: {"on": today().isoformat(), "result": "partiellement"},
        EtapeEvent.ABANDON: {"on": today().isoformat(), "reason": "absences"},
        EtapeEvent.START: {"on": today().isoformat()},
    }
    return asked.get(event, {})


def test_every_event_from_every_status(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    client = client_of(scene.samira)
    for status, event in itertools.product(EtapeStatus, EtapeEvent):
        etape, leads = makers.etape(world, scene.case, status=status), ETAPE_TRANSITIONS.get((status, event))
        client.get(f"{url}/{etape.id}/{event}")
        client.post(
            f"{url}/{etape.id}/{event}",
            {"version": "1", **facts_of(event)},
            status=303 if leads else 409,
        )
        became = rows("select status, version from etape where id = %s", etape.id)
        assert became == [(leads or status, 2 if leads else 1)], (status, event)


def test_in_one_gesture_from_the_plan(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    etape = makers.etape(world, scene.case)
    client = client_of(scene.samira)
    page = client.follow(client.submit(client.get(f"{scene.url}/plan").form(f"{url}/{etape.id}/start")))
    assert "a commencé" in page.text()
    assert rows("select status, started_on from etape") == [("en_cours", today())]


def test_it_comes_back_where_it_was_asked(scene: Scene, world: World, url: str, client_of: Clients) -> None:
    etape = makers.etape(world, scene.case)
    client = client_of(scene.samira)
    form = client.get(f"{url}/{etape.id}/finish?suite=/ma-journee").form(holding="result")
    assert client.submit(form, result="atteint").location.endswith("/ma-journee")
    for hostile in ("https://ailleurs.example", "//ailleurs.example", "javascript:alert(1)"):
        other = makers.etape(world, scene.case)
        form = client.get(f"{url}/{other.id}/finish?suite={hostile}").form(holding="result")
        assert "ailleurs" not in client.submit(form, result="atteint", suite=hostile).location


@pytest.mark.parametrize(
    ("event", "wrong", "sentence"),
    [
        ("finish", {"result": ""}, "ce que l’étape a donné"),
        ("finish", {"result": "inventé"}, "n’existe pas"),
        ("finish", {"on": (today() + timedelta(days=1)).isoformat()}, "futur"),
        ("finish", {"on": (today() - timedelta(days=6)).isoformat()}, "précède le début"),
        ("finish", {"on": ""}, "Indiquez le jour"),
        ("abandon", {"reason": ""}, "pourquoi l’étape est abandonnée"),
        ("abandon", {"reason": "inventé"}, "n’existe pas"),
    ],
)
def test_what_cannot_have_happened(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows, event: str, wrong: dict[str, str], sentence: str
) -> None:  # fmt: skip
    etape = makers.etape(world, scene.case, status=EtapeStatus.EN_COURS)
    page = client_of(scene.samira).post(
        f"{url}/{etape.id}/{event}", {"version": "1", **facts_of(EtapeEvent(event)), **wrong}, status=422
    )
    assert sentence in page.errors()
    assert rows("select status, version from etape") == [("en_cours", 1)]


def test_two_events_at_once_have_one_winner(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    etape = makers.etape(world, scene.case, status=EtapeStatus.EN_COURS)
    events = [EtapeEvent.FINISH, EtapeEvent.ABANDON, EtapeEvent.PAUSE] * 2
    clients = [client_of(scene.samira) for _ in events]
    start, told = threading.Barrier(len(clients)), []

    def send(client: PageClient, event: EtapeEvent) -> None:
        values = {"version": "1", **facts_of(event), "csrf_token": client.token()}
        start.wait()
        told.append(client.flask.post(f"{url}/{etape.id}/{event}", data=values).status_code)

    threads = [threading.Thread(target=send, args=pair) for pair in zip(clients, events, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [303, 409, 409, 409, 409, 409]
    assert rows("select version from etape") == [(2,)]


def test_nothing_happens_in_a_closed_parcours(
    scene: Scene, world: World, client_of: Clients, rows: Rows
) -> None:
    closed = world.case(scene.samira.cite, referent=scene.samira, status=Status.SORTI)
    etape = makers.etape(world, closed)
    client, url = client_of(scene.samira), f"/personnes/{closed.id}/plan/etapes"
    for path, values in (
        ("nouvelle", said()),
        (f"{etape.id}/modifier", said(version="1", label="X")),
        (f"{etape.id}/start", {"version": "1", "on": today().isoformat()}),
        (f"{etape.id}/finish", {"version": "1", **facts_of(EtapeEvent.FINISH)}),
    ):
        assert "clos" in client.post(f"{url}/{path}", values, status=422).errors()
    assert rows("select status, version from etape") == [("prevue", 1)]


# The last one


def test_the_last_etape_of_a_frein_proposes_to_lift_it(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    about = makers.frein(world, scene.case, "mobilite", FreinStatus.EN_COURS)
    code_goal, drive_goal = (
        makers.goal(world, scene.case, about, label=word) for word in ("Code", "Conduite")
    )
    code, drive = (makers.etape(world, scene.case, goal) for goal in (code_goal, drive_goal))
    client = client_of(scene.samira)
    page = client.get(f"{url}/{code.id}/finish")
    assert not page.all("input", name="freins"), "another étape of this frein is still open"
    assert [box["value"] for box in page.all("input", name="reached")] == [str(code_goal.id)]
    client.submit(page.form(holding="result"), result="atteint", reached=str(code_goal.id))
    page = client.get(f"{url}/{drive.id}/finish")
    assert "Mobilité" in page.main()
    client.submit(page.form(holding="result"), result="atteint", freins=str(about.id))
    assert rows("select status, settled_on from frein") == [("leve", today())]
    assert rows("select label, status from goal order by label") == [
        ("Code", "reached"),
        ("Conduite", "open"),
    ]
    assert rows("select count(*) from etape where status = 'realisee'") == [(2,)]


def test_a_frein_is_never_lifted_unasked(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    about = makers.frein(world, scene.case, "mobilite")
    etape = makers.etape(world, scene.case, makers.goal(world, scene.case, about))
    client = client_of(scene.samira)
    client.submit(client.get(f"{url}/{etape.id}/finish").form(holding="result"), result="non_atteint")
    assert rows("select status from frein") == [("identifie",)]
    assert rows("select status from goal") == [("open",)]


def test_a_frein_that_is_not_proposed_is_not_lifted(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    about = makers.frein(world, scene.case, "mobilite")
    another = world.case(scene.samira.cite, referent=scene.samira)
    theirs = makers.frein(world, another, "logement")
    etape = makers.etape(world, scene.case, makers.goal(world, scene.case, about))
    page = client_of(scene.samira).post(
        f"{url}/{etape.id}/finish", {"version": "1", **facts_of(EtapeEvent.FINISH), "freins": str(theirs.id)}, status=422
    )  # fmt: skip
    assert "n’existe pas" in page.errors()
    assert rows("select distinct status from frein") == [("identifie",)]


def test_a_frein_cannot_be_lifted_before_it_was_identified(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows
) -> None:
    about = makers.frein(world, scene.case, "mobilite")
    etape = makers.etape(world, scene.case, makers.goal(world, scene.case, about))
    long_ago = (today() - timedelta(days=30)).isoformat()
    client = client_of(scene.samira)
    form = client.get(f"{url}/{etape.id}/finish").form(holding="result")
    page = client.submit(form, status=422, result="atteint", on=long_ago, freins=str(about.id))
    assert "identifié" in page.errors()
    assert rows("select status from etape") == [("prevue",)] and rows("select status from frein") == [
        ("identifie",)
    ]
    client.submit(page.form(holding="result"), on=today().isoformat())
    assert rows("select status from etape") == [("realisee",)] and rows("select status from frein") == [
        ("leve",)
    ]


@pytest.mark.parametrize("many", [1, 20, 200])
@pytest.mark.parametrize(
    ("path", "most"), [("nouvelle", 6), ("{id}/modifier", 6), ("{id}/finish", 5), ("{id}/start", 4)]
)
def test_as_many_questions_in_a_large_plan_as_in_a_small_one(
    scene: Scene,
    world: World,
    url: str,
    client_of: Clients,
    count_queries: Callable[[], Any],
    many: int,
    path: str,
    most: int,
) -> None:
    about = makers.frein(world, scene.case)
    goals = [makers.goal(world, scene.case, about) for _ in range(max(1, many // 10))]
    etapes = [makers.etape(world, scene.case, goals[number % len(goals)]) for number in range(many)]
    client, page = client_of(scene.samira), f"{url}/{path.format(id=etapes[0].id)}"
    client.get(page)
    with count_queries() as statements:
        client.get(page)
    assert len(statements) == most, statements
