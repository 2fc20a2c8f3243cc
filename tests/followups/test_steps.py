"""What comes next: planned, done, taken back, put off, dropped."""

import threading
from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

import pytest

from cityjobs.core.clock import today
from cityjobs.followups.models import NextStep
from cityjobs.parcours.rules.lifecycle import Status
from tests.followups.conftest import Scene
from tests.manners import PageClient
from tests.world import World

Rows = Callable[..., list[Any]]
Clients = Callable[[Any], PageClient]
SOON = today() + timedelta(days=5)


@pytest.fixture
def step(scene: Scene, world: World) -> NextStep:
    return world.step(scene.case, scene.samira, in_days=-2, title="Confirmer la crèche")


@pytest.fixture
def url(scene: Scene, step: NextStep) -> str:
    return f"{scene.url}/etapes/{step.id}"


def test_the_pages_open_to_those_who_follow(
    scene: Scene, url: str, try_everyone: Callable[[str], None]
) -> None:
    for path in (f"{scene.url}/etapes/nouvelle", f"{url}/faite", f"{url}/reporter", f"{url}/abandonner"):
        try_everyone(path)


def test_nobody_else_acts(scene: Scene, url: str, refuse_everyone: Callable[..., None], rows: Rows) -> None:
    refuse_everyone(f"{scene.url}/etapes/nouvelle", {"title": "X", "due_on": SOON.isoformat()})
    refuse_everyone(f"{url}/faite", {"version": "1"})
    refuse_everyone(f"{url}/reporter", {"version": "1", "due_on": SOON.isoformat()})
    refuse_everyone(f"{url}/abandonner", {"version": "1", "reason": "X"})
    refuse_everyone(f"{url}/reprendre", {})
    assert rows("select state, version from next_step") == [("todo", 1)]


def test_a_step_is_only_found_under_its_own_person(
    scene: Scene, world: World, step: NextStep, client_of: Clients
) -> None:
    another = world.case(scene.samira.cite, referent=scene.samira)
    client = client_of(scene.samira)
    for gesture in ("faite", "reporter", "abandonner"):
        client.get(f"/personnes/{another.id}/etapes/{step.id}/{gesture}", status=404)
        client.post(f"/personnes/{another.id}/etapes/{step.id}/{gesture}", {"version": "1"}, status=404)
    client.post(f"/personnes/{another.id}/etapes/{step.id}/reprendre", status=404)


def test_a_step_is_added_by_itself(scene: Scene, client_of: Clients, rows: Rows) -> None:
    client = client_of(scene.samira)
    form = client.get(f"{scene.url}/etapes/nouvelle").form(holding="title")
    page = client.follow(client.submit(form, title="Dossier Afpa 😀", due_on=SOON.isoformat()))
    assert "Dossier Afpa 😀" in page.text()
    assert rows("select title, due_on, created_by_id, interview_id from next_step") == [
        ("Dossier Afpa 😀", SOON, scene.samira.id, None)
    ]


def test_a_step_sent_twice_is_added_once_and_another_one_from_an_old_page_is_not_lost(
    scene: Scene, client_of: Clients, rows: Rows
) -> None:
    client = client_of(scene.samira)
    form = client.get(f"{scene.url}/etapes/nouvelle").form(holding="title")
    answers = [client.submit(form, title="Rappeler l’Afpa", due_on=SOON.isoformat()) for _ in range(2)]
    assert answers[0].location == answers[1].location
    assert rows("select title from next_step") == [("Rappeler l’Afpa",)]
    client.submit(form, title="Autre chose", due_on=SOON.isoformat())
    assert sorted(rows("select title from next_step")) == [("Autre chose",), ("Rappeler l’Afpa",)]


def test_a_step_sent_twice_in_the_same_instant_is_added_once(
    scene: Scene, client_of: Clients, rows: Rows
) -> None:
    clients = [client_of(scene.samira) for _ in range(6)]
    form = clients[0].get(f"{scene.url}/etapes/nouvelle").form(holding="title")
    said = {"title": "Rappeler l’Afpa", "due_on": SOON.isoformat(), "step": form.values["step"]}
    start = threading.Barrier(len(clients))

    def send(client: PageClient) -> None:
        start.wait()
        client.post(f"{scene.url}/etapes/nouvelle", said)

    threads = [threading.Thread(target=send, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows("select 1 from next_step")) == 1


@pytest.mark.parametrize(
    ("title", "due_on", "sentence"),
    [
        ("", SOON.isoformat(), "ce qui est prévu"),
        ("Rappeler", "", "pour quel jour"),
        ("Rappeler", (today() - timedelta(days=1)).isoformat(), "déjà passée"),
        ("Rappeler", "2190-01-01", "deux ans"),
    ],
)
def test_a_step_that_cannot_be_comes_back_as_typed(
    scene: Scene, client_of: Clients, rows: Rows, title: str, due_on: str, sentence: str
) -> None:
    client = client_of(scene.samira)
    form = client.get(f"{scene.url}/etapes/nouvelle").form(holding="title")
    page = client.submit(form, status=422, title=title, due_on=due_on)
    assert sentence in page.errors()
    assert page.form(holding="title").values["title"] == title
    assert rows("select 1 from next_step") == []


def test_all_that_is_wrong_with_a_step_is_said_at_once(scene: Scene, client_of: Clients) -> None:
    client = client_of(scene.samira)
    form = client.get(f"{scene.url}/etapes/nouvelle").form(holding="title")
    past = (today() - timedelta(days=1)).isoformat()
    errors = client.submit(form, status=422, title="", due_on=past, place="Mairie").errors()
    for sentence in ("ce qui est prévu", "déjà passée", "l’heure du rendez-vous"):
        assert sentence in errors


def test_nothing_is_planned_in_a_closed_parcours(scene: Scene, world: World, client_of: Clients) -> None:
    closed = world.case(scene.samira.cite, referent=scene.samira, status=Status.SORTI)
    client = client_of(scene.samira)
    url = f"/personnes/{closed.id}/etapes/nouvelle"
    page = client.submit(
        client.get(url).form(holding="title"), status=422, title="Rappeler", due_on=SOON.isoformat()
    )
    assert "clos" in page.errors()


def test_done_in_one_gesture_and_taken_back(scene: Scene, url: str, client_of: Clients, rows: Rows) -> None:
    client = client_of(scene.samira)
    page = client.follow(client.submit(client.get(scene.url).form(f"{url}/faite")))
    assert "C’est fait." in page.text() and "Fait : Confirmer la crèche" in page.text()
    assert rows("select state, settled_by_id, settled_at is not null from next_step") == [
        ("done", scene.samira.id, True)
    ]
    back = client.follow(client.submit(page.form(f"{url}/reprendre")))
    assert "de nouveau à faire" in back.text()
    assert rows("select state, settled_by_id, settled_at, result from next_step") == [
        ("todo", None, None, None)
    ]


def test_done_with_what_it_gave(scene: Scene, url: str, client_of: Clients, rows: Rows) -> None:
    client = client_of(scene.samira)
    form = client.get(f"{url}/faite").form(holding="result")
    page = client.follow(client.submit(form, result="Place obtenue au 1er décembre"))
    assert "Place obtenue au 1er décembre" in page.text()
    assert rows("select result from next_step") == [("Place obtenue au 1er décembre",)]


def test_one_comes_back_to_the_page_one_acted_on_and_to_no_other_house(
    scene: Scene, world: World, client_of: Clients
) -> None:
    client = client_of(scene.samira)
    for suite, expected in (
        ("/ma-journee", "/ma-journee"),
        ("//ailleurs.example", scene.url),
        ("https://x.example", scene.url),
    ):
        step = world.step(scene.case, scene.samira)
        answer = client.post(f"{scene.url}/etapes/{step.id}/faite", {"version": "1", "suite": suite})
        assert answer.location == expected


def test_too_late_or_by_somebody_else_it_is_not_taken_back(
    scene: Scene, world: World, url: str, client_of: Clients, rows: Rows, databases: Any
) -> None:
    client = client_of(scene.samira)
    client.submit(client.get(scene.url).form(f"{url}/faite"))
    hers = client_of(scene.coordinator)
    assert "ne peut pas être repris" in hers.follow(hers.post(f"{url}/reprendre")).text()
    databases.superuser.execute("update next_step set settled_at = settled_at - interval '16 minutes'")
    assert "trop tard" in client.follow(client.post(f"{url}/reprendre")).text()
    assert rows("select state from next_step") == [("done",)]


def test_what_was_done_in_a_parcours_since_closed_is_not_to_do_again(
    scene: Scene, url: str, client_of: Clients, rows: Rows
) -> None:
    client = client_of(scene.samira)
    client.submit(client.get(scene.url).form(f"{url}/faite"))
    told = {"reason": "abandon", "on": today().isoformat(), "version": "1", "geste": "clore"}
    client.post(f"{scene.url}/parcours/close", told, status=303)
    assert "Ce parcours est clos" in client.follow(client.post(f"{url}/reprendre")).text()
    assert rows("select state from next_step") == [("done",)]


def test_put_off_with_its_history(
    scene: Scene, step: NextStep, url: str, client_of: Clients, rows: Rows
) -> None:
    client = client_of(scene.samira)
    form = client.get(f"{url}/reporter").form(holding="due_on")
    page = client.follow(client.submit(form, due_on=f"{SOON:%d/%m/%Y}", reason="La crèche est fermée"))
    assert "reportée du" in page.text() and "La crèche est fermée" in page.text()
    later = SOON + timedelta(days=7)
    client.submit(client.get(f"{url}/reporter").form(holding="due_on"), due_on=later.isoformat())
    assert rows(
        "select due_on, first_due_on, postponed_from, postponed_because, postponed_times from next_step"
    ) == [(later, step.due_on, SOON, None, 2)]
    journal = "select after ->> 'due_on' from audit.journal where subject = 'next_step' and verb = 'update' order by id"
    assert [row[0] for row in rows(journal)] == [SOON.isoformat(), later.isoformat()]


def test_an_appointment_moves_to_another_hour_of_the_same_day(
    scene: Scene, url: str, client_of: Clients, rows: Rows
) -> None:
    client = client_of(scene.samira)
    form = client.get(f"{url}/reporter").form(holding="due_on")
    client.submit(form, due_on=SOON.isoformat(), due_at="9:00")
    form = client.get(f"{url}/reporter").form(holding="due_on")
    said = {"due_on": SOON.isoformat(), "due_at": "14:30", "reason": "Le matin est pris"}
    assert "à 14 h 30." in client.follow(client.submit(form, **said)).text()
    kept = "select due_on, due_at, postponed_because, postponed_times from next_step"
    moved = (SOON, time(14, 30), "Le matin est pris", 2)
    assert rows(kept) == [moved]
    page = client.submit(client.get(f"{url}/reporter").form(holding="due_on"), status=422, **said)
    assert "déjà prévu à ce moment-là" in page.errors()
    assert rows(kept) == [moved]


@pytest.mark.parametrize(
    ("due_on", "sentence"), [("", "nouveau jour"), ((today() - timedelta(days=3)).isoformat(), "passée")]
)
def test_put_off_to_a_day_that_cannot_be_keeps_the_reason(
    scene: Scene, url: str, client_of: Clients, rows: Rows, due_on: str, sentence: str
) -> None:
    client = client_of(scene.samira)
    form = client.get(f"{url}/reporter").form(holding="due_on")
    page = client.submit(form, status=422, due_on=due_on, reason="Grève")
    assert sentence in page.errors()
    assert page.form(holding="reason").values["reason"] == "Grève"
    assert rows("select postponed_times from next_step") == [(0,)]


def test_dropped_with_a_reason(scene: Scene, url: str, client_of: Clients, rows: Rows) -> None:
    client = client_of(scene.samira)
    form = client.get(f"{url}/abandonner").form(holding="reason")
    assert "pourquoi" in client.submit(form, status=422, reason=" ").errors()
    page = client.follow(client.submit(form, reason="A trouvé une place ailleurs"))
    assert "Laissé : Confirmer la crèche" in page.text()
    assert rows("select state, result from next_step") == [("cancelled", "A trouvé une place ailleurs")]


def test_who_comes_second_is_told_and_loses_nothing(
    scene: Scene, url: str, client_of: Clients, rows: Rows
) -> None:
    first, second = client_of(scene.coordinator), client_of(scene.samira)
    late = second.get(f"{url}/reporter").form(holding="due_on")
    first.submit(first.get(f"{url}/reporter").form(holding="due_on"), due_on=SOON.isoformat())
    page = second.submit(late, status=409, due_on=(SOON + timedelta(days=1)).isoformat(), reason="Mon motif")
    assert page.form(holding="reason").values["reason"] == "Mon motif"
    assert rows("select due_on from next_step") == [(SOON,)]
    second.submit(page.form(holding="reason"))
    assert rows("select due_on, postponed_because from next_step") == [
        (SOON + timedelta(days=1), "Mon motif")
    ]


def test_what_is_settled_by_somebody_else_is_not_settled_again(
    scene: Scene, url: str, client_of: Clients, rows: Rows
) -> None:
    first, second = client_of(scene.coordinator), client_of(scene.samira)
    form = second.get(f"{url}/faite").form(holding="result")
    first.submit(first.get(f"{url}/abandonner").form(holding="reason"), reason="Plus besoin")
    page = second.submit(form, status=409, result="Faite quand même")
    assert "Plus besoin" in page.main() and "Faite quand même" in page.form(holding="result").values["result"]
    assert rows("select state, result from next_step") == [("cancelled", "Plus besoin")]


def test_done_twice_by_a_double_click_is_done_once(
    scene: Scene, url: str, client_of: Clients, rows: Rows
) -> None:
    client = client_of(scene.samira)
    form = client.get(scene.url).form(f"{url}/faite")
    client.submit(form)
    client.submit(form)
    assert rows("select state, version from next_step") == [("done", 2)]


def test_of_two_gestures_in_the_same_instant_one_stands(
    scene: Scene, url: str, client_of: Clients, rows: Rows
) -> None:
    clients = [client_of(scene.samira), client_of(scene.coordinator)]
    tokens = [client.token() for client in clients]
    gestures: list[tuple[str, dict[str, str]]] = [
        ("faite", {"result": "Oui"}), ("abandonner", {"reason": "Non"}),
    ]  # fmt: skip
    start = threading.Barrier(2)
    statuses: list[int] = []

    def send(client: PageClient, token: str, gesture: str, values: dict[str, str]) -> None:
        start.wait()
        answer = client.flask.post(f"{url}/{gesture}", data={"csrf_token": token, "version": "1", **values})
        statuses.append(answer.status_code)

    threads = [
        threading.Thread(target=send, args=(client, token, *gesture))
        for client, token, gesture in zip(clients, tokens, gestures, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [303, 409]
    assert rows("select state, result, version from next_step") in (
        [("done", "Oui", 2)],
        [("cancelled", "Non", 2)],
    )
