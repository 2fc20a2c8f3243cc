"""Correcting an exchange: what it said is kept, two overlapping corrections are shown side by side."""

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cityjobs.core.clock import today
from cityjobs.followups.models import Interview
from tests.followups.conftest import Scene
from tests.manners import PageClient
from tests.world import World

Rows = Callable[..., list[Any]]
Clients = Callable[[Any], PageClient]


@pytest.fixture
def interview(scene: Scene, world: World) -> Interview:
    return world.interview(scene.case, scene.samira, synthesis="Ce qui fut dit.", days_ago=4)


@pytest.fixture
def url(scene: Scene, interview: Interview) -> str:
    return f"{scene.url}/entretiens/{interview.id}"


def test_an_exchange_is_read_and_corrected_by_those_who_follow(
    url: str, try_everyone: Callable[[str], None]
) -> None:
    try_everyone(url)
    try_everyone(f"{url}/modifier")


def test_nobody_else_corrects(url: str, refuse_everyone: Callable[..., None], rows: Rows) -> None:
    refuse_everyone(f"{url}/modifier", {"synthesis": "X", "mode": "telephone", "version": "1"})
    assert rows("select synthesis, version from interview") == [("Ce qui fut dit.", 1)]


def test_an_exchange_is_only_found_under_its_own_person(
    scene: Scene, world: World, interview: Interview, client_of: Clients
) -> None:
    another = world.case(scene.samira.cite, referent=scene.samira)
    client = client_of(scene.samira)
    wrong = f"/personnes/{another.id}/entretiens/{interview.id}"
    client.get(wrong, status=404)
    client.get(f"{wrong}/modifier", status=404)
    client.post(f"{wrong}/modifier", {"synthesis": "X", "version": "1"}, status=404)
    client.get(f"{scene.url}/entretiens/{uuid.uuid4()}", status=404)


def test_what_was_said_before_is_kept_and_shown(
    scene: Scene, url: str, interview: Interview, client_of: Clients, rows: Rows
) -> None:
    client = client_of(scene.coordinator)
    form = client.get(f"{url}/modifier").form(holding="synthesis")
    earlier = (today() - timedelta(days=6)).isoformat()
    answer = client.submit(
        form,
        synthesis="Ce qui fut\nvraiment dit 😀.",
        mode="visio",
        held_on=earlier,
        duration="40",
        reached=None,
    )
    assert answer.location == url
    page = client.follow(answer)
    assert (
        "vraiment dit 😀." in page.text() and "Version 1" in page.text() and "Ce qui fut dit." in page.text()
    )
    assert (
        scene.coordinator.user.display_name in page.text() and scene.samira.user.display_name in page.text()
    )
    assert rows("select synthesis, mode, duration, reached, version, author_id from interview") == [
        ("Ce qui fut\nvraiment dit 😀.", "visio", 40, False, 2, scene.samira.id)
    ]
    assert rows("select number, synthesis, mode, held_on, replaced_by_id from interview_version") == [
        (1, "Ce qui fut dit.", "telephone", interview.held_on, scene.coordinator.id)
    ]


def test_each_version_is_told_with_who_wrote_it(scene: Scene, url: str, client_of: Clients) -> None:
    for member, text in ((scene.coordinator, "Deux."), (scene.samira, "Trois.")):
        client = client_of(member)
        client.submit(client.get(f"{url}/modifier").form(holding="synthesis"), synthesis=text)
    page = client_of(scene.samira).get(url)
    versions = [element.text() for element in page.all("li") if "Version" in element.text()]
    assert ["Version 2" in versions[0], "Deux." in versions[0]] == [True, True]
    assert scene.coordinator.user.display_name in versions[0]
    assert "Ce qui fut dit." in versions[1] and scene.samira.user.display_name in versions[1]


def test_saving_without_changing_makes_no_version(
    scene: Scene, url: str, client_of: Clients, rows: Rows
) -> None:
    client = client_of(scene.samira)
    client.submit(client.get(f"{url}/modifier").form(holding="synthesis"))
    assert rows("select version from interview") == [(1,)]
    assert rows("select 1 from interview_version") == []


def test_a_day_in_the_future_is_refused_and_the_text_kept(scene: Scene, url: str, client_of: Clients) -> None:
    client = client_of(scene.samira)
    form = client.get(f"{url}/modifier").form(holding="synthesis")
    ahead = (today() + timedelta(days=2)).isoformat()
    page = client.submit(form, status=422, synthesis="Autre texte", held_on=ahead)
    assert "futur" in page.errors()
    assert page.form(holding="synthesis").values["synthesis"].strip() == "Autre texte"


def test_the_day_of_the_last_contact_follows_a_correction(
    scene: Scene, url: str, interview: Interview, client_of: Clients, rows: Rows
) -> None:
    held = "select last_contact_on from parcours where id = %s"
    assert rows(held, scene.case.parcours.id) == [(interview.held_on,)]
    client = client_of(scene.samira)
    client.submit(client.get(f"{url}/modifier").form(holding="synthesis"), reached=None)
    assert rows(held, scene.case.parcours.id) == [(None,)]


def test_who_comes_second_is_shown_both_texts_and_chooses_field_by_field(
    scene: Scene, url: str, client_of: Clients, rows: Rows
) -> None:
    first, second = client_of(scene.coordinator), client_of(scene.samira)
    form = second.get(f"{url}/modifier").form(holding="synthesis")
    first.submit(
        first.get(f"{url}/modifier").form(holding="synthesis"),
        synthesis="De Claire.",
        mode="visio",
        duration="20",
    )
    page = second.submit(
        form, status=409, synthesis="De Samira <i>.", mode="domicile", private_note="Rien que moi"
    )
    for words in ("De Claire.", "De Samira <i>.", "Visio", "À domicile", "Rien que moi", "Claire"):
        assert words in page.main(), words
    assert rows("select synthesis, version from interview") == [("De Claire.", 2)]
    assert rows("select 1 from private_note") == []
    choice = page.form(holding="mine-synthesis")
    second.submit(choice, **{"keep-synthesis": "mine", "keep-mode": "theirs", "keep-duration": "theirs"})
    assert rows("select synthesis, mode, duration, version from interview") == [
        ("De Samira <i>.", "visio", 20, 3)
    ]
    assert [row[0] for row in rows("select synthesis from interview_version order by number")] == [
        "Ce qui fut dit.", "De Claire.",
    ]  # fmt: skip
    assert rows("select body from private_note") == [("Rien que moi",)]


def test_a_choice_between_two_versions_can_itself_be_overtaken(
    scene: Scene, url: str, client_of: Clients, rows: Rows
) -> None:
    first, second = client_of(scene.coordinator), client_of(scene.samira)
    form = second.get(f"{url}/modifier").form(holding="synthesis")
    first.submit(first.get(f"{url}/modifier").form(holding="synthesis"), synthesis="Un.")
    page = second.submit(form, status=409, synthesis="Deux.")
    first.submit(first.get(f"{url}/modifier").form(holding="synthesis"), synthesis="Trois.")
    again = second.submit(page.form(holding="mine-synthesis"), status=409)
    assert "Trois." in again.main() and "Deux." in again.main()
    assert rows("select synthesis from interview") == [("Trois.",)]


def test_the_same_correction_sent_twice_is_no_conflict(
    scene: Scene, url: str, client_of: Clients, rows: Rows
) -> None:
    client = client_of(scene.samira)
    form = client.get(f"{url}/modifier").form(holding="synthesis")
    client.submit(form, synthesis="Corrigé.\r\nDeux lignes.", private_note="Note")
    client.submit(form, synthesis="Corrigé.\r\nDeux lignes.", private_note="Note")
    assert rows("select synthesis, version from interview") == [("Corrigé.\nDeux lignes.", 2)]


def test_of_two_corrections_in_the_same_instant_none_is_lost(
    scene: Scene, url: str, client_of: Clients, rows: Rows
) -> None:
    clients = {"De Claire.": client_of(scene.coordinator), "De Samira.": client_of(scene.samira)}
    forms = {
        text: client.get(f"{url}/modifier").form(holding="synthesis") for text, client in clients.items()
    }
    start = threading.Barrier(2)
    answers: dict[str, Any] = {}

    def send(text: str) -> None:
        start.wait()
        answers[text] = clients[text].flask.post(
            forms[text].action, data={**forms[text].values, "reached": "y", "synthesis": text}
        )

    threads = [threading.Thread(target=send, args=(text,)) for text in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = {text: answer.status_code for text, answer in answers.items()}
    assert sorted(statuses.values()) == [303, 409]
    kept = next(text for text, status in statuses.items() if status == 303)
    refused = next(text for text, status in statuses.items() if status == 409)
    assert rows("select synthesis, version from interview") == [(kept, 2)]
    shown = answers[refused].get_data(as_text=True)
    assert kept in shown and refused in shown


def test_a_missing_version_never_overwrites(scene: Scene, url: str, client_of: Clients, rows: Rows) -> None:
    client = client_of(scene.samira)
    values = {
        "synthesis": "Sans version",
        "mode": "telephone",
        "held_on": today().isoformat(),
        "reached": "y",
    }
    client.post(f"{url}/modifier", values, status=409)
    client.post(f"{url}/modifier", {**values, "version": "-1"}, status=409)
    assert rows("select synthesis from interview") == [("Ce qui fut dit.",)]


def test_reading_and_opening_the_correction_leave_one_trace_each(
    scene: Scene, url: str, interview: Interview, client_of: Clients, rows: Rows
) -> None:
    client = client_of(scene.coordinator)
    read = "select actor, subject, subject_id from audit.journal where verb = 'read'"
    client.get(url)
    assert rows(read) == [(scene.coordinator.id, "interview", str(interview.id))]
    client.get(f"{url}/modifier")
    assert len(rows(read)) == 2
    client_of(scene.other).get(url, status=404)
    assert len(rows(read)) == 2
