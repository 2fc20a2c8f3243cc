"""Plans that a Cité keeps: kept from a parcours, applied to another, set aside."""

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cityjobs.core.clock import today
from cityjobs.diagnosis.rules import FreinStatus
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.plans.rules import EtapeStatus, GoalStatus, KeptLine
from cityjobs.vocabulary.models import ListItem
from tests.followups.conftest import Scene
from tests.manners import PageClient
from tests.plans import makers
from tests.world import World

Rows = Callable[..., list[Any]]
Clients = Callable[[Any], PageClient]
KEPT = "/administration/modeles"
PERMIT = KeptLine("Obtenir le permis", "mobilite", "obtenir_permis", "permis_code", "Code", 30)
DRIVE = KeptLine("Obtenir le permis", "mobilite", "obtenir_permis", "permis_conduite", "Conduite", 90)
HOME = KeptLine("Accéder à un logement", "logement", "acceder_logement", "demarche_logement", "Dossier", 10)
CV = KeptLine("Faire son CV et sa lettre", None, "cv_lettre_faire")
LINES = "select rank, frein_code, goal_code, goal_label, etape_type, etape_label, after_days from plan_template_line order by rank"


def said(**more: Any) -> dict[str, Any]:
    """What the form that applies a plan sends."""
    return {"key": str(uuid.uuid4()), **more}


def test_only_the_coordinator_keeps_plans(
    scene: Scene, world: World, client_of: Clients, client: PageClient
) -> None:
    makers.goal(world, scene.case)
    template = makers.kept_plan(world, scene.samira.cite, "Permis", PERMIT)
    keep, aside = f"{scene.url}/plan/modeles", f"{KEPT}/{template.id}/ecarter"
    for path in (keep, KEPT):
        client_of(scene.coordinator).get(path)
        for member in (scene.samira, scene.other, scene.figures, scene.spotter, scene.elsewhere):
            client_of(member).get(path, status=403)
        assert client.get(path, status=303).location.startswith("/connexion")
    for member in (scene.samira, scene.figures, scene.spotter):
        client_of(member).post(keep, {"name": "X"}, status=403)
        client_of(member).post(aside, {"version": "1"}, status=403)
    abroad = client_of(world.member("coordinator", scene.elsewhere.cite))
    abroad.get(keep, status=404)
    abroad.post(aside, {"version": "1"}, status=404)
    assert "Permis" not in abroad.get(KEPT).main()


def test_whoever_follows_applies_them(
    scene: Scene, world: World, try_everyone: Callable[[str], None], refuse_everyone: Callable[..., None]
) -> None:
    template = makers.kept_plan(world, scene.samira.cite, "Permis", PERMIT)
    try_everyone(f"{scene.url}/plan/modeles/appliquer")
    refuse_everyone(f"{scene.url}/plan/modeles/appliquer", said(template=str(template.id)))


def test_a_plan_is_kept_without_what_tells_of_the_person(
    scene: Scene, world: World, client_of: Clients, rows: Rows
) -> None:
    about = makers.frein(world, scene.case, "mobilite")
    national = dict(rows("select code, label from list_item where list = 'type_etape'"))
    opened = today() - timedelta(days=10)
    permit = makers.goal(
        world, scene.case, about, label="Obtenir le permis", code="obtenir_permis", opened_on=opened
    )
    own = makers.goal(world, scene.case, label="Faire garder Lina par sa tante")
    dropped = makers.goal(world, scene.case, label="Partir", status=GoalStatus.DROPPED)
    makers.etape(
        world,
        scene.case,
        permit,
        label=national["permis_code"],
        planned_to=opened + timedelta(days=30),
        note="À 18 h",
    )
    makers.etape(world, scene.case, permit, type="permis_conduite", label="Avec Ali")
    makers.etape(world, scene.case, permit, label="Annulée", status=EtapeStatus.ANNULEE)
    makers.etape(world, scene.case, dropped, label="Valises")
    client, url = client_of(scene.coordinator), f"{scene.url}/plan/modeles"
    page = client.get(url)
    boxes = {box["value"]: "checked" in box.attributes for box in page.all("input", name="lines")}
    assert sorted(boxes.values()) == [False, False, True], "own words are kept only when chosen"
    assert (
        "Écrit avec vos mots" in page.main() and "Valises" not in page.main() and "Annulée" not in page.main()
    )
    form = page.form(holding="name")
    page = client.follow(client.submit(form, name="Retrouver une mobilité"))
    assert "Retrouver une mobilité" in page.main()
    assert rows(LINES) == [
        (1, "mobilite", "obtenir_permis", "Obtenir le permis", "permis_code", national["permis_code"], 30)
    ]
    client.submit(client.get(url).form(holding="name"), name="Tout", lines=list(boxes))
    assert rows(
        "select count(*) from plan_template_line l join plan_template t on t.id = l.template_id where t.name = 'Tout'"
    ) == [(3,)]
    assert own.label in client.get(KEPT).main()


def test_a_name_is_taken_once(scene: Scene, world: World, client_of: Clients, rows: Rows) -> None:
    makers.goal(world, scene.case, code="points_forts")
    makers.kept_plan(world, scene.samira.cite, "Permis", PERMIT)
    makers.kept_plan(world, scene.samira.cite, "Ancien", PERMIT, is_active=False)
    client, url = client_of(scene.coordinator), f"{scene.url}/plan/modeles"
    form = client.get(url).form(holding="name")
    assert "porte déjà ce nom" in client.submit(form, status=422, name="PERMIS").errors()
    assert "un nom" in client.submit(form, status=422, name="").errors()
    assert "80 caractères" in client.submit(form, status=422, name="a" * 20_000).errors()
    assert "au moins une ligne" in client.submit(form, status=422, name="X", lines=None).errors()
    assert "n’existe pas" in client.submit(form, status=422, name="X", lines="inventé").errors()
    client.submit(form, name="Ancien")
    client.submit(form, name="Ancien")
    assert rows("select name, is_active from plan_template order by name, is_active") == [
        ("Ancien", False), ("Ancien", True), ("Permis", True),
    ]  # fmt: skip


def test_what_a_list_offers_no_more_is_not_written_from_a_kept_plan(
    scene: Scene, world: World, client_of: Clients, rows: Rows
) -> None:
    cite = scene.samira.cite
    workshop, aim = (
        ListItem(id=uuid.uuid4(), list=name, code=f"loc_{name}", cite_id=cite.id, parent=parent, label=name,
                 is_active=True, rank=1)
        for name, parent in (("type_etape", "mobilisation"), ("objectif", "points_forts"))
    )  # fmt: skip
    world.keep(workshop, aim)
    template = makers.kept_plan(
        world, cite, "Ateliers",
        KeptLine("But", None, None, "loc_type_etape", "Atelier", 3),
        KeptLine("Visée", None, "loc_objectif"),
        KeptLine("But", None, None, "permis_code", "Code", 3),
    )  # fmt: skip
    for row in (workshop, aim):
        row.is_active = False
    world.session.commit()
    client, url = client_of(scene.samira), f"{scene.url}/plan/modeles/appliquer"
    page = client.get(url)
    assert (page.main().count("N’est plus proposé"), page.main().count("Sera ajouté")) == (2, 1)
    page = client.follow(client.submit(page.form(url)))
    assert "2 lignes ne sont plus proposées" in page.text()
    assert rows("select label, code from goal") == [("But", None)] and rows("select type from etape") == [
        ("permis_code",)
    ]
    assert template.is_active


def test_a_plan_is_applied_to_the_freins_identified_here(
    scene: Scene, world: World, client_of: Clients, rows: Rows
) -> None:
    template = makers.kept_plan(world, scene.samira.cite, "Tout", PERMIT, DRIVE, HOME, CV)
    about = makers.frein(world, scene.case, "mobilite")
    makers.frein(world, scene.case, "logement", FreinStatus.LEVE)
    client, url = client_of(scene.samira), f"{scene.url}/plan/modeles/appliquer"
    page = client.get(url)
    assert page.main().count("Sera ajouté") == 3 and page.main().count("Laissé de côté") == 1
    form = page.form(url)
    page = client.follow(client.submit(form))
    assert "2 objectifs et 2 étapes de plus" in page.text() and "1 ligne laissée de côté" in page.text()
    assert rows("select code, label, frein_id, opened_on from goal order by label desc") == [
        ("obtenir_permis", "Obtenir le permis", about.id, today()),
        ("cv_lettre_faire", "Faire son CV et sa lettre", None, today()),
    ]
    assert rows("select type, label, planned_from, planned_to, status from etape order by planned_to") == [
        ("permis_code", "Code", None, today() + timedelta(days=30), "prevue"),
        ("permis_conduite", "Conduite", None, today() + timedelta(days=90), "prevue"),
    ]
    assert rows("select count(distinct goal_id), count(*) from etape_goal") == [(1, 2)]
    assert "deux fois" in client.follow(client.submit(form)).text()
    assert client.get(url).main().count("Déjà au plan") == 3
    assert "Rien à ajouter" in client.follow(client.post(url, said(template=str(template.id)))).text()
    assert rows("select count(*) from goal") == [(2,)] == rows("select count(*) from etape")


def test_a_plan_applied_six_times_at_once_is_applied_once(
    scene: Scene, world: World, client_of: Clients, rows: Rows
) -> None:
    template = makers.kept_plan(world, scene.samira.cite, "Tout", PERMIT, DRIVE, CV)
    makers.frein(world, scene.case, "mobilite")
    clients, sent = [client_of(scene.samira) for _ in range(6)], said(template=str(template.id))
    start, told = threading.Barrier(len(clients)), []

    def send(client: PageClient) -> None:
        values = {**sent, "csrf_token": client.token()}
        start.wait()
        told.append(client.flask.post(f"{scene.url}/plan/modeles/appliquer", data=values).status_code)

    threads = [threading.Thread(target=send, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(told) == {303}
    assert rows("select count(*) from goal") == [(2,)] == rows("select count(*) from etape")


def test_only_plans_offered_here_are_applied(
    scene: Scene, world: World, client_of: Clients, rows: Rows
) -> None:
    client, url = client_of(scene.samira), f"{scene.url}/plan/modeles/appliquer"
    assert "Aucun modèle" in client.get(url).main()
    for template in (
        makers.kept_plan(world, scene.samira.cite, "Ancien", CV, is_active=False),
        makers.kept_plan(world, scene.elsewhere.cite, "Ailleurs", CV),
    ):
        assert "n’existe pas" in client.post(url, said(template=str(template.id)), status=422).errors()
    assert "Choisissez" in client.post(url, said(), status=422).errors()
    closed = world.case(scene.samira.cite, referent=scene.samira, status=Status.SORTI)
    usable = makers.kept_plan(world, scene.samira.cite, "CV", CV)
    there = f"/personnes/{closed.id}/plan/modeles/appliquer"
    assert "clos" in client.post(there, said(template=str(usable.id)), status=422).errors()
    assert rows("select 1 from goal") == []


def test_a_plan_is_set_aside_once(scene: Scene, world: World, client_of: Clients, rows: Rows) -> None:
    template = makers.kept_plan(world, scene.samira.cite, "Permis", PERMIT)
    client = client_of(scene.coordinator)
    form = client.get(KEPT).form(f"{KEPT}/{template.id}/ecarter")
    assert "n’est plus proposé" in client.follow(client.submit(form)).text()
    assert "tel qu’il est" in client.submit(form, status=409).main()
    assert rows("select is_active, version from plan_template") == [(False, 2)]
    assert "Aucun modèle" in client.get(f"{scene.url}/plan/modeles/appliquer").main()


@pytest.mark.parametrize("many", [1, 20, 200])
def test_as_many_questions_for_two_hundred_lines_as_for_one(
    scene: Scene, world: World, client_of: Clients, count_queries: Callable[[], Any], many: int
) -> None:
    makers.kept_plan(
        world, scene.samira.cite, "Tout", *[KeptLine(f"Objectif {number}") for number in range(many)]
    )
    for _ in range(min(many, 40)):
        makers.etape(world, scene.case, makers.goal(world, scene.case))
    client = client_of(scene.coordinator)
    for path, most in (
        (f"{scene.url}/plan/modeles/appliquer", 6),
        (f"{scene.url}/plan/modeles", 4),
        (KEPT, 3),
    ):
        client.get(path)
        with count_queries() as statements:
            client.get(path)
        assert len(statements) == most, statements
