"""A plan when its parcours is closed: each thing still open asks for one decision."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cityjobs.core.clock import today
from cityjobs.core.web import day
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.plans.rules import EtapeStatus
from tests.followups.conftest import Scene
from tests.manners import PageClient
from tests.plans import makers
from tests.world import World

Rows = Callable[..., list[Any]]
Clients = Callable[[Any], PageClient]


def test_what_is_open_in_the_plan_is_closed_with_the_parcours(
    scene: Scene, world: World, client_of: Clients, rows: Rows
) -> None:
    goal = makers.goal(world, scene.case, label="Obtenir le permis")
    done = makers.etape(world, scene.case, goal, label="Code", status=EtapeStatus.EN_ATTENTE)
    dropped = makers.etape(world, scene.case, goal, label="Conduite", status=EtapeStatus.EN_COURS)
    never = makers.etape(world, scene.case, goal, label="Achat")
    over = makers.etape(world, scene.case, goal, label="Bilan", status=EtapeStatus.REALISEE)
    held = makers.agreement(world, scene.case, scene.samira, goal)
    client, url = client_of(scene.samira), f"{scene.url}/parcours/close"
    page = client.get(url)
    for word in ("Code", "Conduite", "Achat", "Obtenir le permis", "Contrat d’engagement n° 1"):
        assert word in page.main(), word
    assert "Bilan" not in page.main()
    told = {"reason": "abandon", "on": today().isoformat(), "version": "1", "geste": "clore"}
    assert "Décidez" in client.post(url, told, status=422).errors()
    decided = {
        f"etape_{done.id.hex}": "done",
        f"etape_{dropped.id.hex}": "not_done",
        f"etape_{never.id.hex}": "not_done",
        f"goal_{goal.id.hex}": "dropped",
        f"agreement_{held.id.hex}": "ended",
    }
    client.post(url, {**told, **decided})
    statuses = {
        row[0]: row[1:] for row in rows("select id, status, ended_on, result, abandon_reason from etape")
    }
    assert statuses == {
        done.id: ("realisee", today(), "atteint", None),
        dropped.id: ("abandonnee", today(), None, "autre"),
        never.id: ("annulee", today(), None, None),
        over.id: ("realisee", today(), "atteint", None),
    }
    assert rows("select status, settled_on from goal") == [("dropped", today())]
    assert rows("select ended_on from agreement") == [(today(),)]
    assert "clos" in client.get(f"{scene.url}/plan").main()


@pytest.mark.parametrize("page", ["", "/plan"])
@pytest.mark.parametrize("papers", [0, 1, 2])
def test_a_closed_parcours_tells_the_agreement_that_ended_with_it(
    scene: Scene, world: World, client_of: Clients, page: str, papers: int
) -> None:
    closed = world.case(scene.samira.cite, referent=scene.samira, status=Status.SORTI)
    goal, file = makers.goal(world, closed), f"/personnes/{closed.id}"
    begun, ended = today() - timedelta(days=40), today() - timedelta(days=3)
    makers.agreement(world, closed, scene.samira, goal, agreed_on=begun, ended_on=begun)
    held = makers.agreement(world, closed, scene.samira, goal, number=2, agreed_on=begun, ended_on=ended)
    for _ in range(papers):
        makers.paper(world, closed, held, scene.samira)
    shown = client_of(scene.samira).get(f"{file}{page}")
    said, links = shown.main(), shown.links()
    assert f"Contrat d’engagement n° 2 , du {day(begun)}, terminé le {day(ended)}." in said
    assert "Aucun accord" not in said and "On en reparle" not in said and "À revoir" not in said
    assert links["Contrat d’engagement n° 2"] == f"{file}/accord/2"
    told = {0: None, 1: "1 pièce jointe au contrat n° 2", 2: "2 pièces jointes au contrat n° 2"}[papers]
    assert ("au contrat n°" in said) == (papers > 0)
    assert told is None or links[told] == f"{file}/accord/2#pieces"


@pytest.mark.parametrize("page", ["", "/plan"])
def test_an_agreement_in_force_is_told_before_those_that_ended(
    scene: Scene, world: World, client_of: Clients, page: str
) -> None:
    goal = makers.goal(world, scene.case)
    makers.agreement(world, scene.case, scene.samira, goal, number=1)
    makers.agreement(world, scene.case, scene.samira, goal, number=2, ended_on=today())
    said = client_of(scene.samira).get(f"{scene.url}{page}").main()
    assert "Contrat d’engagement n° 1 du " in said and "terminé le" not in said and "On en reparle" in said


@pytest.mark.parametrize("page", ["", "/plan"])
def test_after_an_agreement_ended_another_may_be_written(
    scene: Scene, world: World, client_of: Clients, page: str
) -> None:
    makers.agreement(world, scene.case, scene.samira, makers.goal(world, scene.case), ended_on=today())
    assert "Écrire un accord" in client_of(scene.samira).get(f"{scene.url}{page}").links()


@pytest.mark.parametrize(
    ("cancelled", "sentence"),
    [(0, "Aucune étape n’a été prévue"), (1, "L’étape prévue a été annulée"), (3, "Les 3 étapes prévues ont été annulées")],
)  # fmt: skip
def test_a_closed_plan_never_says_that_there_was_nothing_when_there_was(
    scene: Scene, world: World, client_of: Clients, cancelled: int, sentence: str
) -> None:
    closed = world.case(scene.samira.cite, referent=scene.samira, status=Status.SORTI)
    goal = makers.goal(world, closed)
    for _ in range(cancelled):
        makers.etape(world, closed, goal, status=EtapeStatus.ANNULEE)
    client, file = client_of(scene.samira), f"/personnes/{closed.id}"
    assert client.get(f"{file}/plan").main().count(sentence) == 2, "for the goal, and for the whole plan"
    assert sentence in client.get(file).main()
    for page in ("", "/plan"):
        said = client.get(f"{file}{page}").main()
        assert "pour l’instant" not in said and "Aucun accord n’a été écrit" in said


def test_a_parcours_closed_without_any_plan_promises_none(
    scene: Scene, world: World, client_of: Clients
) -> None:
    closed = world.case(scene.samira.cite, referent=scene.samira, status=Status.SORTI)
    said = client_of(scene.samira).get(f"/personnes/{closed.id}").main()
    assert "Aucun plan n’a été écrit" in said and "Pas encore de plan" not in said


def test_an_open_plan_says_that_its_only_etape_was_cancelled(
    scene: Scene, world: World, client_of: Clients
) -> None:
    client, goal = client_of(scene.samira), makers.goal(world, scene.case)
    assert "Aucune étape pour l’instant" in client.get(f"{scene.url}/plan").main()
    makers.etape(world, scene.case, goal, status=EtapeStatus.ANNULEE)
    assert "Aucune étape" not in client.get(f"{scene.url}/plan").main()
