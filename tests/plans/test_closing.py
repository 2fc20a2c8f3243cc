"""A plan when its parcours is closed: each thing still open asks for one decision."""

from collections.abc import Callable
from typing import Any

from cityjobs.core.clock import today
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
