"""The coordinator's board: who waits, who carries what, and giving several persons at once."""

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from cityjobs.coordination.forms import SUGGESTED
from cityjobs.core.clock import now
from cityjobs.core.outbox import Outgoing
from cityjobs.core.permissions import Role
from cityjobs.parcours.models import Assignment
from cityjobs.parcours.rules.lifecycle import Status
from tests.conftest import Databases
from tests.manners import Page, PageClient
from tests.world import Case, Member, World

SignIn = Callable[[Any], PageClient]


@pytest.fixture
def claire(world: World) -> Member:
    return world.member(Role.COORDINATOR, world.cite(), first_name="Claire", last_name="Martin")


@pytest.fixture
def samira(world: World, claire: Member) -> Member:
    return world.member(Role.REFERENT, claire.cite, first_name="Samira", last_name="Lahlou")


def history(world: World, case: Case) -> list[Assignment]:
    world.session.expire_all()
    rows = world.session.scalars(
        sa.select(Assignment)
        .where(Assignment.parcours_id == case.parcours.id)
        .order_by(Assignment.started_at, Assignment.ended_at.nulls_last())
    )
    return list(rows)


def current(world: World, case: Case) -> uuid.UUID | None:
    return next((line.referent_id for line in history(world, case) if line.ended_at is None), None)


def letters(world: World, kind: str = "assignment") -> list[Outgoing]:
    world.session.expire_all()
    return list(world.session.scalars(sa.select(Outgoing).where(Outgoing.kind == kind)))


def deliver_all(app: Flask, world: World) -> None:
    for letter in world.session.scalars(sa.select(Outgoing.id).order_by(Outgoing.created_at)).all():
        app.extensions["celery"].tasks["outbox.deliver"](str(letter))


def attribute(client: PageClient, to: Member | str, *cases: Case, reason: str = "") -> Page:
    form = client.get("/coordination").form("/coordination/attribuer")
    picked = [str(case.parcours.id) for case in cases]
    target = to if isinstance(to, str) else str(to.id)
    return client.follow(client.submit(form, picked=picked, target=target, reason=reason))


def test_the_second_page_comes_back_with_its_ticks_then_the_last_there_is(
    client_of: SignIn, world: World, claire: Member, samira: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cityjobs.coordination.views.PAGE_SIZE", 2)
    cases = [
        world.case(claire.cite, days_ago=40 - number, last_name=f"Attend{number}") for number in range(3)
    ]
    client, last = client_of(claire), cases[2]
    form = client.get("/coordination?page=2").form("/coordination/attribuer")
    line = str(last.parcours.id)
    page = client.submit(form, picked=[line], target="", status=422)
    assert "Attend2" in page.main() and "Attend0" not in page.main()
    assert any("checked" in box.attributes for box in page.all("input", name="picked"))
    client.submit(form, picked=[line], target=str(samira.id))
    emptied = client.get("/coordination?page=2").main()
    assert "2 personnes attendent" in emptied and "Attend1" in emptied
    world.case(claire.cite, referent=samira)
    followed = client.get(f"/coordination/referents/{samira.id}?page=9").main()
    assert "Attend2" in followed


def test_who_waits_is_listed_oldest_first_with_why(
    client_of: SignIn, world: World, claire: Member, samira: Member
) -> None:
    spotter = world.member(Role.SPOTTER, claire.cite, first_name="Mehdi", last_name="Aziz")
    world.case(claire.cite, last_name="Récente", days_ago=2, spotted_by=spotter)
    world.case(claire.cite, last_name="Ancienne", days_ago=40)
    world.case(claire.cite, last_name="Suivie", referent=samira)
    world.case(claire.cite, last_name="Partie", status=Status.NON_ENTREE)
    world.case(world.cite("Calais"), last_name="Ailleurs", days_ago=90)
    page = client_of(claire).get("/coordination")
    text = page.main()
    assert text.index("Ancienne") < text.index("Récente")
    assert not any(name in text for name in ("Partie", "Ailleurs"))
    assert "2 personnes attendent un référent" in text
    assert "Mehdi Aziz" in text
    assert "Adulte-relais" in text
    assert "il y a 5 semaines" in text and "il y a 2 jours" in text
    assert "Samira Lahlou charge la plus légère, 1 / 70" in text


def test_somebody_whose_referent_left_waits_since_then(
    client_of: SignIn, world: World, claire: Member, samira: Member
) -> None:
    case = world.case(claire.cite, days_ago=200)
    world.assign(
        case.person,
        case.parcours,
        samira,
        started_at=now() - timedelta(days=100),
        ended_at=now() - timedelta(days=3),
    )
    assert "il y a 3 jours" in client_of(claire).get("/coordination").main()


def test_load_against_capacity_is_said_in_words(
    client_of: SignIn, world: World, claire: Member, samira: Member
) -> None:
    julien = world.member(Role.REFERENT, claire.cite, first_name="Julien", last_name="Petit", capacity=1)
    for _ in range(2):
        world.case(claire.cite, referent=julien)
    world.case(claire.cite, referent=samira, status=Status.SORTI)
    text = client_of(claire).get("/coordination").main()
    assert "2 / 1 dépassé" in text
    assert "0 / 70" in text
    assert "2 nouvelles cette semaine" in text


def test_somebody_who_left_the_cite_with_files_is_shown_and_cannot_be_chosen(
    client_of: SignIn, world: World, claire: Member, samira: Member
) -> None:
    gone = world.member(
        Role.REFERENT, claire.cite, first_name="Paul", last_name="Parti", ended_on=now().date()
    )
    case = world.case(claire.cite, referent=gone)
    waiting = world.case(claire.cite)
    client = client_of(claire)
    assert "ne travaille plus ici" in client.get("/coordination").main()
    form = client.get("/coordination").form("/coordination/attribuer")
    refused = client.submit(form, picked=[str(waiting.parcours.id)], target=str(gone.id), status=422)
    assert "n’existe pas dans la liste" in refused.main()
    client.get(f"/personnes/{case.id}/equipe")


def test_several_are_given_to_one_and_the_referent_hears_once(
    app: Flask, as_worker: Flask, client_of: SignIn, world: World, claire: Member, samira: Member
) -> None:
    cases = [world.case(claire.cite, first_name="Nadia", last_name="Lefebvre") for _ in range(3)]
    result = attribute(client_of(claire), samira, *cases, reason="Quartier connu")
    assert result.main().count("attribuée à Samira Lahlou.") == 3
    assert [current(world, case) for case in cases] == [samira.id] * 3
    (line,) = history(world, cases[0])
    assert (line.reason, line.assigned_by_id) == ("Quartier connu", claire.id)
    deliver_all(as_worker, world)
    (letter,) = as_worker.extensions["postman"].to(samira.user.email)
    assert letter.subject == "CityJobs\u00a0: 3 personnes vous sont confiées"
    for body in (letter.text, letter.html):
        assert all(f"/personnes/{case.id}" in body for case in cases)
        assert "N… L…" in body
        assert "Lefebvre" not in body and "Nadia" not in body


def test_each_goes_to_the_suggestion_of_its_row(
    client_of: SignIn, world: World, claire: Member, samira: Member
) -> None:
    julien = world.member(Role.REFERENT, claire.cite, capacity=10)
    cases = [world.case(claire.cite) for _ in range(4)]
    client = client_of(claire)
    form = client.get("/coordination").form("/coordination/attribuer")
    shown = [element["value"] for element in client.get("/coordination").all("input", name="suggested")]
    picked = [str(case.parcours.id) for case in cases]
    client.submit(form, picked=picked, suggested=shown, target="suggestion")
    suggested = dict(value.split(".") for value in shown)
    assert {str(case.parcours.id): str(current(world, case)) for case in cases} == suggested
    assert {current(world, case) for case in cases} <= {samira.id, julien.id}
    assert len(letters(world)) == len(set(suggested.values()))


def test_one_refused_item_leaves_the_others_done(
    client_of: SignIn, world: World, claire: Member, samira: Member
) -> None:
    julien = world.member(Role.REFERENT, claire.cite)
    good, taken, closed = (world.case(claire.cite, last_name=name) for name in ("Bonne", "Prise", "Close"))
    elsewhere = world.case(world.cite("Calais"), last_name="Calaisienne")
    client = client_of(claire)
    form = client.get("/coordination").form("/coordination/attribuer")
    world.assign(taken.person, taken.parcours, julien)
    shut = world.case(claire.cite, last_name="Fermée", status=Status.NON_ENTREE)
    world.session.commit()
    picked = [str(case.parcours.id) for case in (good, taken, closed, elsewhere, shut)]
    page = client.follow(client.submit(form, picked=picked, target=str(samira.id)))
    text = page.main()
    assert "Bonne attribuée à Samira Lahlou." in text
    assert "Prise non attribuée : quelqu’un d’autre l’a attribuée entre-temps." in text
    assert "Fermée non attribuée : son parcours est clos." in text
    assert "Dossier introuvable non attribuée : ce dossier n’est pas dans votre Cité." in text
    assert "Calaisienne" not in text
    assert "2 attributions faites, 3 refusées" in text
    assert current(world, taken) == julien.id
    assert current(world, elsewhere) is None


def test_nothing_ticked_nobody_chosen(
    client_of: SignIn, world: World, claire: Member, samira: Member
) -> None:
    case = world.case(claire.cite)
    client = client_of(claire)
    form = client.get("/coordination").form("/coordination/attribuer")
    assert "Cochez au moins une personne." in client.submit(form, target=str(samira.id), status=422).main()
    page = client.submit(form, picked=[str(case.parcours.id)], target="", status=422)
    assert "Choisissez à qui attribuer." in page.main()
    assert [box["value"] for box in page.all("input", name="picked") if "checked" in box.attributes] == [
        str(case.parcours.id)
    ]


def test_a_professional_of_another_cite_cannot_be_chosen(
    client_of: SignIn, world: World, claire: Member
) -> None:
    foreign = world.member(Role.REFERENT, world.cite("Calais"))
    case = world.case(claire.cite)
    client = client_of(claire)
    form = client.get("/coordination").form("/coordination/attribuer")
    client.submit(form, picked=[str(case.parcours.id)], target=str(foreign.id), status=422)
    assert current(world, case) is None


def test_the_same_form_sent_twice_attributes_once(
    client_of: SignIn, world: World, claire: Member, samira: Member
) -> None:
    case = world.case(claire.cite)
    client = client_of(claire)
    form = client.get("/coordination").form("/coordination/attribuer")
    for _ in range(2):
        page = client.follow(client.submit(form, picked=[str(case.parcours.id)], target=str(samira.id)))
        assert "attribuée à Samira Lahlou." in page.main()
    assert len(history(world, case)) == 1
    assert len(letters(world)) == 1


def test_an_organisation_whose_referent_is_not_known_yet(
    client_of: SignIn, world: World, claire: Member, samira: Member
) -> None:
    cap_emploi = world.organisation(claire.cite, "Cap emploi")
    case = world.case(claire.cite, last_name="Orientée")
    client = client_of(claire)
    result = attribute(client, f"organisation:{cap_emploi.id}", case)
    assert "attribuée à Cap emploi, référent pas encore connu." in result.main()
    assert letters(world) == []
    board = client.get("/coordination")
    assert "référent à préciser" in board.main() and "Orientée" in board.main()
    form = board.form("/coordination/attribuer")
    picked = f"{case.parcours.id}.{history(world, case)[0].id}"
    client.submit(form, picked=[picked], target=str(samira.id), reason="Nommée par Cap emploi")
    assert current(world, case) == samira.id


def test_undoing_puts_back_who_waited_and_whoever_followed_before(
    as_worker: Flask, client_of: SignIn, world: World, claire: Member, samira: Member
) -> None:
    julien = world.member(Role.REFERENT, claire.cite, first_name="Julien", last_name="Petit")
    waiting, followed, moved = (
        world.case(claire.cite),
        world.case(claire.cite, referent=julien),
        world.case(claire.cite),
    )
    client = client_of(claire)
    form = client.get("/coordination").form("/coordination/attribuer")
    picked = [
        str(waiting.parcours.id),
        f"{followed.parcours.id}.{followed.assignment.id}",
        str(moved.parcours.id),
    ]  # type: ignore[union-attr]
    result = client.follow(client.submit(form, picked=picked, target=str(samira.id), reason="Répartition"))
    again = client.get(f"/coordination/referents/{samira.id}").form("/coordination/attribuer")
    given = history(world, moved)[0]
    client.submit(
        again, picked=[f"{moved.parcours.id}.{given.id}"], target=str(julien.id), reason="Finalement"
    )
    page = client.follow(client.submit(result.form("/coordination/annuler")))
    assert "Attributions annulées : 2. Déjà changées depuis : 1." in page.text()
    assert "attend de nouveau un référent" in page.main()
    assert "de retour à Julien Petit" in page.main()
    assert "puis à Julien Petit : ne s’annule plus" in page.main()
    assert [current(world, case) for case in (waiting, followed, moved)] == [None, julien.id, julien.id]
    assert [line.referent_id for line in history(world, followed)] == [julien.id, samira.id, julien.id]
    assert history(world, followed)[1].end_reason == "Attribution annulée"
    deliver_all(as_worker, world)
    assert as_worker.extensions["postman"].to(samira.user.email) == []


def test_whoever_had_read_the_letter_is_told_that_it_was_taken_back(
    as_worker: Flask, client_of: SignIn, world: World, claire: Member, samira: Member
) -> None:
    client = client_of(claire)
    result = attribute(client, samira, world.case(claire.cite), world.case(claire.cite))
    deliver_all(as_worker, world)
    client.submit(result.form("/coordination/annuler"))
    deliver_all(as_worker, world)
    subjects = [letter.subject for letter in as_worker.extensions["postman"].to(samira.user.email)]
    assert subjects == [
        "CityJobs\u00a0: 2 personnes vous sont confiées", "CityJobs\u00a0: 2 attributions sont annulées",
    ]  # fmt: skip


def test_after_fifteen_minutes_nothing_is_undone(
    client_of: SignIn, world: World, claire: Member, samira: Member
) -> None:
    batch = uuid.uuid4()
    case = world.case(claire.cite)
    world.assign(case.person, case.parcours, samira, batch_id=batch, started_at=now() - timedelta(minutes=16))
    client = client_of(claire)
    assert "Annuler" not in client.get(f"/coordination/attributions/{batch}").main()
    page = client.follow(client.post("/coordination/annuler", {"batch_id": str(batch)}))
    assert "trop tard" in page.text()
    assert current(world, case) == samira.id


def answers_of_two(clients: list[PageClient], cases: list[Case], targets: list[Member]) -> list[Page]:
    """Both coordinators send their form in the same instant, with the rows in opposite orders."""
    picked = [str(case.parcours.id) for case in cases]
    forms = [client.get("/coordination").form("/coordination/attribuer") for client in clients]
    start = threading.Barrier(2)
    answers: list[Page] = []

    def work(number: int) -> None:
        order = picked if number else picked[::-1]
        start.wait()
        answers.append(clients[number].submit(forms[number], picked=order, target=str(targets[number].id)))

    threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


def test_two_coordinators_at_the_same_instant_exactly_one_wins_each_person(
    client_of: SignIn, world: World, claire: Member, samira: Member
) -> None:
    other = world.member(Role.COORDINATOR, claire.cite)
    julien = world.member(Role.REFERENT, claire.cite)
    for _ in range(5):
        cases = [world.case(claire.cite) for _ in range(3)]
        answers = answers_of_two([client_of(claire), client_of(other)], cases, [samira, julien])
        assert len(answers) == 2
        for case in cases:
            (line,) = history(world, case)
            assert line.referent_id in (samira.id, julien.id)


def test_the_loser_of_a_race_reads_a_clear_sentence(
    client_of: SignIn, world: World, claire: Member, samira: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other coordinator commits between our look at the person and our write."""
    case = world.case(claire.cite, last_name="Disputée")
    julien = world.member(Role.REFERENT, claire.cite)
    import cityjobs.coordination.actions as actions

    real = actions.assign_referent

    def late(parcours: Any, **facts: Any) -> Any:
        world.assign(case.person, case.parcours, julien)
        return real(parcours, **facts)

    monkeypatch.setattr(actions, "find_current_assignment", lambda _id: None)
    monkeypatch.setattr("cityjobs.parcours.actions.find_current_assignment", lambda _id: None)
    monkeypatch.setattr(actions, "assign_referent", late)
    result = attribute(client_of(claire), samira, case)
    assert "Disputée non attribuée : quelqu’un d’autre l’a attribuée entre-temps." in result.main()
    assert current(world, case) == julien.id


def test_history_cannot_be_changed_nor_erased(
    world: World, claire: Member, samira: Member, databases: Databases
) -> None:
    case = world.case(claire.cite, referent=samira)
    told = {"user_id": claire.id, "role": "coordinator", "cite_id": claire.cite.id}
    for statement in (
        "update assignment set reason = 'autre'",
        "update assignment set referent_id = null",
        "delete from assignment",
    ):
        with (
            databases.connected_as("cityjobs_web", **told) as web,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            web.execute(statement)
        with (
            databases.connected_as("cityjobs_worker") as worker,
            pytest.raises(psycopg.errors.RestrictViolation),
        ):
            worker.execute(statement)
    with databases.connected_as("cityjobs_web", **told) as web:
        web.execute(
            "update assignment set ended_at = now(), end_reason = 'Congé' where id = %s",
            (case.assignment.id,),
        )  # type: ignore[union-attr]
        with pytest.raises(psycopg.errors.RestrictViolation):
            web.execute("update assignment set ended_at = null")


def test_a_referents_persons_can_be_given_to_another_with_a_reason(
    client_of: SignIn, world: World, claire: Member, samira: Member
) -> None:
    julien = world.member(Role.REFERENT, claire.cite, first_name="Julien", last_name="Petit")
    case = world.case(claire.cite, referent=samira, last_name="Transmise")
    client = client_of(claire)
    page = client.get(f"/coordination/referents/{samira.id}")
    assert "Transmise" in page.main()
    form = page.form("/coordination/attribuer")
    assert str(samira.id) not in [option["value"] for option in form.element.all("option")]
    picked = [f"{case.parcours.id}.{case.assignment.id}"]  # type: ignore[union-attr]
    refused = client.submit(form, picked=picked, target=str(julien.id), status=422)
    assert "Indiquez pourquoi la personne change de référent." in refused.main()
    result = client.follow(
        client.submit(
            refused.form("/coordination/attribuer"),
            picked=picked,
            target=str(julien.id),
            reason="Congé maternité",
        )
    )
    assert "attribuée à Julien Petit." in result.main()
    before, after = history(world, case)
    assert (before.end_reason, before.ended_by_id, before.ended_at) == (
        "Congé maternité",
        claire.id,
        after.started_at,
    )


def test_queries_are_constant(
    client_of: SignIn, world: World, claire: Member, samira: Member, count_queries: Any
) -> None:
    counted = []
    for total in (1, 20, 200):
        while world.counter >= 0 and world.session.scalar(sa.text("select count(*) from parcours")) < total:
            world.case(claire.cite)
        client = client_of(claire)
        with count_queries() as statements:
            client.get("/coordination")
        counted.append(len(statements))
    assert len(set(counted)) == 1
    assert counted[0] <= 6


@pytest.mark.parametrize("path", ["/coordination", "/coordination/rappels"])
def test_only_coordinators_see_the_board(
    client_of: SignIn, client: PageClient, world: World, claire: Member, path: str
) -> None:
    client_of(claire).get(path)
    for role in set(Role) - {Role.COORDINATOR}:
        client_of(world.member(role, claire.cite)).get(path, status=403)
    assert client.get(path, status=303).location.startswith("/connexion")


def test_what_is_elsewhere_is_not_there(
    client_of: SignIn, client: PageClient, world: World, claire: Member, samira: Member
) -> None:
    case = world.case(claire.cite, referent=samira)
    batch = uuid.uuid4()
    given = world.case(claire.cite)
    world.assign(given.person, given.parcours, samira, batch_id=batch)
    stranger = world.member(Role.COORDINATOR, world.cite("Calais"))
    paths = (
        f"/coordination/attributions/{batch}",
        f"/coordination/referents/{samira.id}",
        f"/personnes/{case.id}/equipe",
    )
    for path in paths:
        client_of(claire).get(path)
        client_of(stranger).get(path, status=404)
        client_of(samira).get(path, status=403)
        assert client.get(path, status=303).location.startswith("/connexion")
    client_of(stranger).post("/coordination/annuler", {"batch_id": str(batch)}, status=404)
    client_of(samira).post("/coordination/annuler", {"batch_id": str(batch)}, status=403)
    client_of(samira).post("/coordination/attribuer", {"picked": str(given.parcours.id)}, status=403)
    assert current(world, given) == samira.id


def test_a_co_referent_joins_and_leaves_the_team(
    as_worker: Flask, client_of: SignIn, world: World, claire: Member, samira: Member
) -> None:
    julien = world.member(Role.REFERENT, claire.cite, first_name="Julien", last_name="Petit")
    case = world.case(claire.cite, referent=samira)
    client = client_of(claire)
    path = f"/personnes/{case.id}/equipe"
    join = client.get(path).form("/co-referents")
    page = client.follow(client.submit(join, colleague=str(julien.id), why="Deux langues"))
    assert "Julien Petit Co-référent" in page.main()
    client_of(julien).get(path, status=403)
    assert "déjà co-référente" in client.submit(join, status=422, colleague=str(julien.id)).main()
    assert "déjà le référent" in client.submit(join, status=422, colleague=str(samira.id)).main()
    deliver_all(as_worker, world)
    (letter,) = as_worker.extensions["postman"].to(julien.user.email)
    assert "Vous rejoignez l’équipe" in letter.text
    page = client.follow(client.submit(page.form("/fin")))
    assert "Julien Petit Co-référent" not in page.main()
    lines = [line for line in history(world, case) if line.referent_id == julien.id]
    assert [(line.kind, line.ended_by_id, line.reason) for line in lines] == [
        ("co_referent", claire.id, "Deux langues")
    ]
    client.post(f"/personnes/{case.id}/co-referents/{lines[0].id}/fin", status=404)
    stranger = client_of(world.member(Role.COORDINATOR, world.cite("Calais")))
    stranger.post(f"/personnes/{case.id}/co-referents", {"colleague": str(julien.id)}, status=404)
    client_of(samira).post(f"/personnes/{case.id}/co-referents", {"colleague": str(julien.id)}, status=403)


def test_the_referent_can_be_changed_from_the_team_page(
    client_of: SignIn, world: World, claire: Member, samira: Member
) -> None:
    julien = world.member(Role.REFERENT, claire.cite)
    case = world.case(claire.cite, referent=samira)
    client = client_of(claire)
    form = client.get(f"/personnes/{case.id}/equipe").form("/coordination/attribuer")
    offered = [option["value"] for option in form.element.all("select")[0].all("option")]
    assert str(julien.id) in offered and SUGGESTED not in offered, (
        "one person alone has no line with a suggestion"
    )
    refused = client.submit(form, target=str(julien.id), status=422)
    assert "Indiquez pourquoi" in refused.main() and "Équipe de" in refused.main()
    client.submit(form, target=str(julien.id), reason="Déménagement")
    assert current(world, case) == julien.id
