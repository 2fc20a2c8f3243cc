"""Noting an exchange: once, in a few seconds, losing nothing."""

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cityjobs.core.clock import today
from cityjobs.parcours.rules.lifecycle import Status
from tests.followups.conftest import Scene
from tests.manners import PageClient
from tests.world import World

Rows = Callable[..., list[Any]]
Clients = Callable[[Any], PageClient]
SAID = "A obtenu son rendez-vous à la crèche 👶🏽 ; « c’est bon » dit-elle."


def test_the_page_opens_to_those_who_follow_the_person(
    scene: Scene, try_everyone: Callable[[str], None]
) -> None:
    try_everyone(f"{scene.url}/entretiens/nouveau")


def test_nobody_else_can_note(scene: Scene, refuse_everyone: Callable[..., None], rows: Rows) -> None:
    refuse_everyone(f"{scene.url}/entretiens/nouveau", {"synthesis": SAID, "mode": "telephone"})
    assert rows("select 1 from interview") == []


def test_an_exchange_is_noted_from_the_file_with_three_answers(
    scene: Scene, client_of: Clients, rows: Rows
) -> None:
    client = client_of(scene.samira)
    form = client.get(scene.url).form(f"{scene.url}/entretiens/nouveau")
    due = today() + timedelta(days=8)
    answer = client.submit(form, synthesis=SAID, next_step="Vérifier l’inscription", due_on=due.isoformat())
    assert answer.location == scene.url
    page = client.follow(answer)
    assert "Échange enregistré." in page.text() and SAID in page.text()
    assert rows(
        "select author_id, held_on, mode, reached, duration, synthesis, parcours_id from interview"
    ) == [(scene.samira.id, today(), "telephone", True, None, SAID, scene.case.parcours.id)]
    assert rows("select title, due_on, state, interview_id = (select id from interview) from next_step") == [
        ("Vérifier l’inscription", due, "todo", True)
    ]


def test_everything_can_be_told(scene: Scene, client_of: Clients, rows: Rows) -> None:
    client = client_of(scene.coordinator)
    form = client.get(f"{scene.url}/entretiens/nouveau").form(holding="synthesis")
    earlier = today() - timedelta(days=3)
    client.submit(
        form,
        synthesis="Pas de réponse.",
        mode="domicile",
        reached=None,
        held_on=f"{earlier:%d/%m/%Y}",
        duration="25",
    )
    assert rows("select held_on, mode, reached, duration, author_id from interview") == [
        (earlier, "domicile", False, 25, scene.coordinator.id)
    ]
    assert rows("select last_contact_on from parcours where id = %s", scene.case.parcours.id) == [(None,)]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"synthesis": "   "}, "ce qui s’est dit"),
        ({"synthesis": "x" * 20_000}, "10 000 caractères"),
        ({"synthesis": "Son numéro est 2 92 03 59 512 123 92."}, "sécurité sociale"),
        ({"private_note": "NIR 292035951212392"}, "sécurité sociale"),
        ({"mode": "pigeon"}, "n’existe pas"),
        ({"held_on": "demain"}, "pas reconnue"),
        ({"held_on": ""}, "jour de l’échange"),
        ({"held_on": (today() + timedelta(days=1)).isoformat()}, "futur"),
        ({"held_on": (today() - timedelta(days=61)).isoformat()}, "repérage"),
        ({"duration": "une heure"}, "en minutes"),
        ({"duration": "1441"}, "1 440 minutes"),
        ({"duration": "0"}, "1 440 minutes"),
        ({"duration": "9" * 5000}, "1 440 minutes"),
        ({"next_step": "Rappeler"}, "pour quel jour"),
        ({"due_on": (today() + timedelta(days=2)).isoformat()}, "ce qui est prévu"),
        ({"next_step": "Rappeler", "due_on": (today() - timedelta(days=1)).isoformat()}, "déjà passée"),
        ({"next_step": "Rappeler", "due_on": "31/02/2026"}, "pas reconnue"),
        ({"next_step": "é" * 201, "due_on": today().isoformat()}, "200 caractères"),
    ],
)
def test_a_refused_exchange_comes_back_with_all_that_was_typed(
    scene: Scene, client_of: Clients, rows: Rows, changes: dict[str, str], sentence: str
) -> None:
    client = client_of(scene.samira)
    form = client.get(scene.url).form(f"{scene.url}/entretiens/nouveau")
    typed = {
        "synthesis": "Dit <b>ceci</b> & cela\navec 😀.",
        "private_note": "Pour moi 🤫.",
        "mode": "visio",
        "reached": None,
        "duration": "35",
        **changes,
    }
    page = client.submit(form, status=422, **typed)
    assert sentence in page.errors()
    again = page.form(f"{scene.url}/entretiens/nouveau")
    for name, value in typed.items():
        if value is None:
            assert again.values.get(name) in (None, [])
        elif name == "mode" and value == "pigeon":
            assert again.values[name] in dict.fromkeys(["presentiel_rdv"])
        else:
            assert again.values[name].strip() == value.strip(), name
    assert again.values["interview"] == form.values["interview"]
    assert rows("select 1 from interview") == []


def test_the_same_form_sent_twice_counts_once(scene: Scene, client_of: Clients, rows: Rows) -> None:
    client = client_of(scene.samira)
    form = client.get(scene.url).form(f"{scene.url}/entretiens/nouveau")
    said = {"synthesis": SAID, "next_step": "Rappeler", "due_on": today().isoformat(), "private_note": "Moi."}
    first = client.submit(form, **said)
    second = client.submit(form, **said)
    assert first.location == second.location
    assert "pas été noté deux fois" in client.follow(second).text()
    for table in ("interview", "next_step", "private_note"):
        assert len(rows(f"select 1 from {table}")) == 1, table


def test_what_was_added_to_a_form_sent_again_is_written(scene: Scene, client_of: Clients, rows: Rows) -> None:
    client = client_of(scene.samira)
    form = client.get(scene.url).form(f"{scene.url}/entretiens/nouveau")
    client.submit(form, synthesis=SAID)
    more = {"next_step": "Rappeler", "due_on": today().isoformat(), "private_note": "Moi."}
    assert "ajouté" in client.follow(client.submit(form, synthesis=SAID, **more)).text()
    assert "pas été noté deux fois" in client.follow(client.submit(form, synthesis=SAID, **more)).text()
    assert rows("select synthesis from interview") == [(SAID,)]
    assert rows("select s.title from next_step s join interview i on i.id = s.interview_id") == [
        ("Rappeler",)
    ]
    client.submit(form, synthesis=SAID, **{**more, "private_note": "Moi, encore."})
    assert rows("select body from private_note") == [("Moi, encore.",)]
    assert len(rows("select 1 from next_step")) == 1


def test_another_text_sent_from_an_old_page_is_not_lost(scene: Scene, client_of: Clients, rows: Rows) -> None:
    client = client_of(scene.samira)
    form = client.get(scene.url).form(f"{scene.url}/entretiens/nouveau")
    client.submit(form, synthesis="Premier appel.")
    client.submit(form, synthesis="Second appel.")
    assert {row[0] for row in rows("select synthesis from interview")} == {"Premier appel.", "Second appel."}


def test_a_key_that_belongs_elsewhere_is_not_used(
    scene: Scene, world: World, client_of: Clients, rows: Rows
) -> None:
    theirs = world.case(scene.elsewhere.cite, referent=scene.elsewhere)
    taken = world.interview(theirs, scene.elsewhere)
    client = client_of(scene.samira)
    for key in (str(taken.id), "nimporte", ""):
        client.post(
            f"{scene.url}/entretiens/nouveau",
            {"synthesis": SAID, "mode": "telephone", "held_on": today().isoformat(), "interview": key},
        )
    assert len(rows("select 1 from interview where person_id = %s", scene.case.id)) == 3
    assert rows("select synthesis from interview where id = %s", taken.id) == [(taken.synthesis,)]


def test_two_sendings_in_the_same_instant_count_once(scene: Scene, client_of: Clients, rows: Rows) -> None:
    form = client_of(scene.samira).get(scene.url).form(f"{scene.url}/entretiens/nouveau")
    clients = [client_of(scene.samira) for _ in range(4)]
    tokens = [client.token() for client in clients]
    start = threading.Barrier(len(clients))
    statuses: list[int] = []

    def send(client: PageClient, token: str) -> None:
        start.wait()
        values = {
            **form.values,
            "csrf_token": token,
            "synthesis": SAID,
            "next_step": "Rappeler",
            "reached": "y",
        }
        answer = client.flask.post(form.action, data={**values, "due_on": today().isoformat()})
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=send, args=pair) for pair in zip(clients, tokens, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [303] * 4
    assert len(rows("select 1 from interview")) == 1
    assert len(rows("select 1 from next_step")) == 1


@pytest.mark.parametrize(
    ("status", "mode", "reached", "becomes"),
    [
        (Status.REPERE, "telephone", "y", "contacte"),
        (Status.REPERE, "telephone", None, "repere"),
        (Status.REPERE, "tiers", "y", "repere"),
        (Status.REPERE, "presentiel_rdv", "y", "rencontre"),
        (Status.CONTACTE, "visio", "y", "rencontre"),
        (Status.CONTACTE, "telephone", "y", "contacte"),
        (Status.RENCONTRE, "presentiel_rdv", "y", "rencontre"),
        (Status.ACTIF, "presentiel_rdv", "y", "actif"),
    ],
)
def test_a_contact_moves_the_parcours_on_and_says_so(
    scene: Scene,
    world: World,
    client_of: Clients,
    rows: Rows,
    status: Status,
    mode: str,
    reached: str,
    becomes: str,
) -> None:
    case = world.case(scene.samira.cite, referent=scene.samira, status=status)
    client = client_of(scene.samira)
    form = client.get(f"/personnes/{case.id}").form(f"/personnes/{case.id}/entretiens/nouveau")
    page = client.follow(client.submit(form, synthesis=SAID, mode=mode, reached=reached))
    assert rows("select status from parcours where id = %s", case.parcours.id) == [(becomes,)]
    moves = rows(
        "select to_status, happened_on, recorded_by_id from parcours_transition where parcours_id = %s",
        case.parcours.id,
    )
    if becomes == status:
        assert moves == [] and "Le parcours passe" not in page.text()
    else:
        assert moves == [(becomes, today(), scene.samira.id)]
        assert "Le parcours passe à" in page.text()


def test_a_contact_dated_before_the_last_move_is_noted_without_moving(
    scene: Scene, world: World, client_of: Clients, rows: Rows
) -> None:
    case = world.case(scene.samira.cite, referent=scene.samira, status=Status.CONTACTE, days_ago=20)
    client = client_of(scene.samira)
    form = client.get(f"/personnes/{case.id}").form(f"/personnes/{case.id}/entretiens/nouveau")
    held_on = (today() - timedelta(days=20)).isoformat()
    page = client.follow(client.submit(form, synthesis=SAID, mode="presentiel_rdv", held_on=held_on))
    assert "Le parcours n’a pas avancé" in page.text()
    assert rows("select status from parcours where id = %s", case.parcours.id) == [("contacte",)]
    assert len(rows("select 1 from interview")) == 1


def test_after_the_end_an_exchange_may_be_noted_but_nothing_planned(
    scene: Scene, world: World, client_of: Clients, rows: Rows
) -> None:
    case = world.case(scene.samira.cite, referent=scene.samira, status=Status.SORTI)
    client = client_of(scene.samira)
    page = client.get(f"/personnes/{case.id}")
    form = page.form(f"/personnes/{case.id}/entretiens/nouveau")
    assert "next_step" not in form.values
    refused = client.submit(
        form, status=422, synthesis=SAID, next_step="Rappeler", due_on=today().isoformat()
    )
    assert "clos" in refused.errors()
    assert refused.form(holding="synthesis").values["next_step"] == "Rappeler"
    client.submit(form, synthesis=SAID)
    assert len(rows("select 1 from interview where parcours_id = %s", case.parcours.id)) == 1
    assert rows("select 1 from next_step") == []


# Drafts


def keep_draft(client: PageClient, scene: Scene, **typed: str) -> None:
    answer = client.flask.put(
        f"/brouillons/entretien:{scene.case.id}", json=typed, headers={"X-CSRFToken": client.token()}
    )
    assert answer.status_code in (200, 204)


def test_what_was_being_typed_comes_back_everywhere_the_form_is(scene: Scene, client_of: Clients) -> None:
    client = client_of(scene.samira)
    keep_draft(
        client, scene, synthesis="Elle dit que…\n😀", mode="visio", held_on="03/11/2026", duration="abc",
        next_step="Rappeler", due_on="", private_note="Moi seule", interview=str(uuid.uuid4()),
    )  # fmt: skip
    for url in (scene.url, f"{scene.url}/entretiens/nouveau"):
        page = client.get(url)
        assert "Brouillon retrouvé" in page.text()
        values = page.form(f"{scene.url}/entretiens/nouveau").values
        assert values["synthesis"].strip() == "Elle dit que…\n😀"
        assert (values["mode"], values["held_on"], values["duration"]) == ("visio", "2026-11-03", "abc")
        assert (values["next_step"], values["private_note"].strip()) == ("Rappeler", "Moi seule")
        assert "reached" not in values or values["reached"] == []


def test_a_draft_is_its_authors_alone(scene: Scene, client_of: Clients) -> None:
    keep_draft(client_of(scene.samira), scene, synthesis="Secret de travail", private_note="Très privé")
    for url in (scene.url, f"{scene.url}/entretiens/nouveau"):
        page = client_of(scene.coordinator).get(url)
        assert "Secret de travail" not in page.text() and "Très privé" not in page.text()


def test_a_draft_goes_when_the_exchange_is_noted_and_does_not_come_back(
    scene: Scene, client_of: Clients, rows: Rows
) -> None:
    client = client_of(scene.samira)
    form = client.get(scene.url).form(f"{scene.url}/entretiens/nouveau")
    keep_draft(client, scene, synthesis=SAID, interview=form.values["interview"])
    client.submit(form, synthesis=SAID)
    assert rows("select 1 from draft") == []
    keep_draft(client, scene, synthesis=SAID, interview=form.values["interview"])
    assert "Brouillon retrouvé" not in client.get(scene.url).text()
    assert "Brouillon retrouvé" not in client.get(f"{scene.url}/entretiens/nouveau").text()


def test_a_draft_with_nothing_in_it_is_not_announced(scene: Scene, client_of: Clients) -> None:
    client = client_of(scene.samira)
    keep_draft(client, scene, synthesis=" ", mode="telephone", reached="y")
    assert "Brouillon retrouvé" not in client.get(scene.url).text()


def test_a_draft_can_be_erased(scene: Scene, client_of: Clients, rows: Rows) -> None:
    client = client_of(scene.samira)
    keep_draft(client, scene, synthesis="À jeter")
    form = client.get(scene.url).form(f"{scene.url}/entretiens/brouillon")
    assert client.submit(form).location == scene.url
    assert rows("select 1 from draft") == []


def test_nobody_erases_a_draft_about_somebody_they_do_not_follow(
    scene: Scene, refuse_everyone: Callable[..., None]
) -> None:
    refuse_everyone(f"{scene.url}/entretiens/brouillon", {})


def test_a_refused_exchange_keeps_its_draft(scene: Scene, client_of: Clients, rows: Rows) -> None:
    client = client_of(scene.samira)
    form = client.get(scene.url).form(f"{scene.url}/entretiens/nouveau")
    keep_draft(client, scene, synthesis="Commencé", next_step="Rappeler")
    client.submit(form, status=422, synthesis="Commencé", next_step="Rappeler")
    assert len(rows("select 1 from draft")) == 1
