"""One's own account: missions, sessions, password, the Cité worked in."""

import re
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask

from cityjobs.accounts.models import Membership, SignInSession
from cityjobs.core.clock import today
from tests.accounts import OTHER, PASSWORD
from tests.accounts.conftest import House
from tests.conftest import Letterbox
from tests.manners import Page, PageClient
from tests.world import World


@pytest.fixture
def mine(house: House, client_of: Any) -> PageClient:
    client: PageClient = client_of(house.referent)
    return client


def session_ids(world: World, user_id: uuid.UUID) -> set[uuid.UUID]:
    world.session.rollback()
    return set(world.session.scalars(sa.select(SignInSession.id).where(SignInSession.user_id == user_id)))


def test_the_account_shows_missions_and_sessions(
    house: House, mine: PageClient, world: World, client_of: Any
) -> None:
    world.also(house.referent.user, "coordinator", world.cite("Calais"))
    client_of(house.referent)
    page = mine.get("/compte").main()
    for said in (
        "Samira Lahlou",
        "Référent de parcours",
        "Roubaix",
        "Coordination",
        "Calais",
        "Travailler ici",
    ):
        assert said in page, said
    assert page.count("cette session") == 1
    assert page.count("vue aujourd’hui à") == 2


def test_a_session_closed_is_out_at_its_next_request(
    house: House, mine: PageClient, world: World, client_of: Any
) -> None:
    other = client_of(house.referent)
    other.get("/compte")
    page = mine.get("/compte")
    (form,) = [
        form["action"] for form in page.all("form") if re.search(r"/sessions/[^/]+/fermer$", form["action"])
    ]
    assert "La session est fermée" in mine.follow(mine.submit(page.form(form))).text()
    other.get("/compte", status=303)
    mine.get("/compte")


def test_nobody_closes_the_session_of_somebody_else(
    house: House, mine: PageClient, world: World, client_of: Any
) -> None:
    theirs = client_of(house.administrator)
    (session_id,) = session_ids(world, house.administrator.id)
    mine.post(f"/compte/sessions/{session_id}/fermer", status=404)
    theirs.get("/compte")


def test_closing_ones_own_session_leads_to_the_door(house: House, mine: PageClient, world: World) -> None:
    (session_id,) = session_ids(world, house.referent.id)
    assert mine.post(f"/compte/sessions/{session_id}/fermer").location == "/connexion"
    mine.get("/compte", status=303)


def test_signing_out_everywhere_closes_everything_of_mine_and_nothing_else(
    house: House, mine: PageClient, client_of: Any
) -> None:
    phone, colleague = client_of(house.referent), client_of(house.administrator)
    page = mine.get("/compte")
    answer = mine.submit(page.form("/compte/sessions/fermer"))
    assert "tous vos appareils" in mine.follow(answer).text()
    mine.get("/compte", status=303)
    phone.get("/compte", status=303)
    colleague.get("/compte")


def test_sessions_that_are_over_are_not_listed(house: House, mine: PageClient, world: World) -> None:
    (here,) = session_ids(world, house.referent.id)
    world.open_session(house.referent)
    world.session.execute(
        sa.update(SignInSession)
        .where(SignInSession.id != here)
        .values(opened_at=SignInSession.opened_at - timedelta(hours=13))
    )
    world.session.commit()
    assert mine.get("/compte").main().count("vue aujourd’hui à") == 1


def change(client: PageClient, status: int = 303, **typed: str) -> Page:
    form = client.get("/compte/mot-de-passe").form("/compte/mot-de-passe")
    said = {"current_password": PASSWORD, "password": OTHER, "repeated": OTHER, **typed}
    return client.submit(form, status=status, **said)


def test_changing_the_password_closes_the_other_sessions(
    house: House, mine: PageClient, client_of: Any, signing_in: Callable[..., Page]
) -> None:
    other = client_of(house.referent)
    assert "2022-100" in mine.get("/compte/mot-de-passe").main()
    assert "Vos autres sessions ont été fermées" in mine.follow(change(mine)).text()
    other.get("/compte", status=303)
    signing_in("samira.lahlou@cite.example", PASSWORD, status=422)
    signing_in("samira.lahlou@cite.example", OTHER)


def test_the_present_password_is_needed(mine: PageClient, signing_in: Callable[..., Page]) -> None:
    assert "mot de passe actuel" in change(mine, 422, current_password="Faux-Faux-Faux-1").errors()
    assert "12 caractères" in change(mine, 422, password="court", repeated="court").errors()
    assert "votre nom" in change(mine, 422, password="Samira-Briques-1", repeated="Samira-Briques-1").errors()
    signing_in("samira.lahlou@cite.example", PASSWORD)


# Several Cités


def test_the_cite_chosen_is_kept_shown_and_found_again(
    app: Flask, house: House, mine: PageClient, world: World, signing_in: Callable[..., Page]
) -> None:
    calais = world.cite("Calais")
    there = world.also(house.referent.user, "coordinator", calais)
    page = mine.get("/aide")
    bar = page.all("header", class_="bar")[0].text()
    assert "Roubaix" in bar and "Calais" in bar and "Coordination" in bar
    mine.get("/coordination", status=403)
    chosen = mine.post("/cite", {"membership_id": str(there.membership.id)})
    assert chosen.location == "/"
    assert "Vous travaillez maintenant à Calais" in mine.get("/aide").text()
    mine.get("/coordination")
    fresh = PageClient(app)
    signing_in("samira.lahlou@cite.example", client=fresh)
    fresh.get("/coordination")
    mine.post("/cite", {"membership_id": str(house.referent.membership.id)})
    later = PageClient(app)
    signing_in("samira.lahlou@cite.example", client=later)
    later.get("/coordination", status=403)


def test_a_form_made_in_a_cite_is_not_saved_in_another(house: House, mine: PageClient, world: World) -> None:
    """The page of Roubaix stays open while one goes on in Calais: what it sends would go to Calais."""
    calais = world.cite("Calais")
    there = world.also(house.referent.user, "referent", calais)
    open_tab = mine.get("/reperage").form("/reperage/chercher")
    mine.post("/cite", {"membership_id": str(there.membership.id)})
    assert "changé de Cité" in mine.submit(open_tab, status=400, q="Zoé Perdue").main()
    mine.submit(mine.get("/reperage").form("/reperage/chercher"), status=200, q="Zoé Perdue")


def test_changing_the_password_spends_the_links_sent_before(
    house: House, mine: PageClient, world: World, deliver: Callable[[], Letterbox], client: PageClient
) -> None:
    form = client.get("/mot-de-passe-oublie").form("/mot-de-passe-oublie")
    client.submit(form, email="samira.lahlou@cite.example")
    (letter,) = deliver().to("samira.lahlou@cite.example")
    path = urlsplit(re.search(r"https?://\S+/reinitialisation/\S+", letter.text)[0]).path  # type: ignore[index]
    client.get(path)
    change(mine)
    assert "ne sert plus" in client.get(path, status=410).main()


def test_one_only_works_where_one_has_a_current_mission(house: House, mine: PageClient, world: World) -> None:
    ended = world.also(house.referent.user, "coordinator", house.cite, ended_on=today())
    future = world.also(house.referent.user, "funder", house.cite, started_on=today() + timedelta(days=1))
    for wrong in (
        house.administrator.membership.id,
        ended.membership.id,
        future.membership.id,
        uuid.uuid4(),
        "x",
        "",
    ):
        mine.post("/cite", {"membership_id": str(wrong)}, status=404)


def test_without_another_mission_there_is_nothing_to_switch(mine: PageClient) -> None:
    page = mine.get("/aide")
    assert "Changer de Cité" not in page.text()
    assert "Cité : Roubaix" in page.text()
    assert mine.get("/cite", status=303).location == "/compte#missions"


def test_a_mission_that_ends_is_lost_at_the_next_request_and_the_other_offered(
    house: House, mine: PageClient, world: World
) -> None:
    world.also(house.referent.user, "coordinator", world.cite("Calais"))
    mine.get("/ma-journee")
    world.session.execute(
        sa.update(Membership).where(Membership.id == house.referent.membership.id).values(ended_on=today())
    )
    world.session.commit()
    mine.get("/ma-journee", status=403)
    assert mine.get("/", status=302).location == "/compte"
    assert "Calais" in mine.get("/aide").all("header", class_="bar")[0].text()


def test_the_mission_of_somebody_else_in_ones_session_gives_nothing(
    house: House, mine: PageClient, world: World
) -> None:
    world.session.execute(
        sa.update(SignInSession)
        .where(SignInSession.user_id == house.referent.id)
        .values(membership_id=house.administrator.membership.id)
    )
    world.session.commit()
    mine.get("/administration/comptes", status=403)


@pytest.mark.parametrize("many", [1, 20, 200])
def test_the_account_asks_the_same_of_the_database_whatever_its_size(
    house: House, world: World, client_of: Any, count_queries: Any, many: int
) -> None:
    client = client_of(house.referent)
    for _ in range(many - 1):
        world.also(
            house.referent.user, "partner", house.cite, organisation_id=world.organisation(house.cite).id
        )
    world.session.add_all(
        SignInSession(token_hash=uuid.uuid4().hex, user_id=house.referent.id, device="") for _ in range(many)
    )
    world.session.commit()
    client.get("/compte")
    with count_queries() as statements:
        client.get("/compte")
    assert len(statements) == 3, statements
    with count_queries() as statements:
        client.get("/aide")
    assert len(statements) == 1, statements


def test_the_account_is_for_whoever_is_signed_in(client: PageClient, client_of: Any, world: World) -> None:
    cite = world.cite("Calais")
    for role in ("partner", "funder", "spotter"):
        member = world.member(role, cite, started_on=date(2024, 1, 1))
        assert member.user.email in client_of(member).get("/compte").main()
    assert client.get("/compte/mot-de-passe", status=303).location == "/connexion?suite=/compte/mot-de-passe"
