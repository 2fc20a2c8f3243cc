"""The door: who comes in, who does not, and what is said to those who do not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from cityjobs.accounts import actions
from cityjobs.accounts.models import SignInSession, User
from tests.accounts import HASH, PASSWORD
from tests.accounts.conftest import House
from tests.conftest import Databases
from tests.manners import Page, PageClient
from tests.world import World

SignIn = Callable[..., Page]


def sessions(world: World, user: User) -> list[SignInSession]:
    world.session.expire_all()
    world.session.rollback()
    return list(world.session.scalars(sa.select(SignInSession).where(SignInSession.user_id == user.id)))


def test_the_right_password_opens_a_session_and_the_account(
    house: House, signing_in: SignIn, client: PageClient, world: World
) -> None:
    assert signing_in("Samira.Lahlou@cite.example ", client=client).location == "/"
    assert "Samira Lahlou" in client.get("/compte").text()
    (session,) = sessions(world, house.referent.user)
    assert session.membership_id == house.referent.membership.id
    with client.session_transaction() as cookie:
        assert cookie["_user_id"] not in (session.token_hash, str(session.id))


@pytest.mark.parametrize("suite", ["/personnes", "/compte/mot-de-passe"])
def test_one_comes_back_to_the_page_asked_for(house: House, signing_in: SignIn, suite: str) -> None:
    assert signing_in("samira.lahlou@cite.example", url=f"/connexion?suite={suite}").location == suite


@pytest.mark.parametrize(
    "suite",
    [
        "//evil.example",
        "https://evil.example",
        "/%5Cevil.example",
        "/%09/evil.example",
        "evil",
        "/connexion",
        "/verrou",
        "/deconnexion",
    ],
)
def test_no_other_house_is_ever_led_to(house: House, signing_in: SignIn, suite: str) -> None:
    assert signing_in("samira.lahlou@cite.example", url=f"/connexion?suite={suite}").location == "/"


def test_the_query_of_the_page_asked_for_is_dropped(house: House, signing_in: SignIn) -> None:
    url = "/connexion?suite=/personnes%3Fq=nadia"
    assert signing_in("samira.lahlou@cite.example", url=url).location == "/personnes"


def test_a_wrong_password_an_unknown_a_disabled_and_a_never_opened_account_hear_the_same(
    house: House, signing_in: SignIn, world: World
) -> None:
    world.member("partner", house.cite, email="jamais@cite.example")
    shut = world.member("partner", house.cite, email="ferme@cite.example", password_hash=HASH)
    shut.user.disabled_at = datetime.now(UTC)
    world.session.commit()
    said = {
        signing_in(email, password, status=422).errors().replace(email, "")
        for email, password in (
            ("samira.lahlou@cite.example", "Faux-Faux-Faux-1"),
            ("personne@cite.example", PASSWORD),
            ("ferme@cite.example", PASSWORD),
            ("jamais@cite.example", PASSWORD),
        )
    }
    assert len(said) == 1
    assert "ne correspond pas" in said.pop()


def test_the_same_work_is_done_for_each_of_them(
    house: House, signing_in: SignIn, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.member("partner", house.cite, email="jamais@cite.example")
    real, verified = actions.hasher, []
    world.member("partner", house.cite, email="ouvert@cite.example", password_hash=real.hash(PASSWORD))

    class Counting:
        def verify(self, kept: str, password: str) -> bool:
            verified.append(kept)
            return real.verify(kept, password)

    monkeypatch.setattr(actions, "hasher", Counting())
    for email in ("ouvert@cite.example", "personne@cite.example", "jamais@cite.example"):
        signing_in(email, "Faux-Faux-Faux-1", status=422)
    parameters = {kept.rsplit("$", 2)[0] for kept in verified}
    assert len(verified) == 3
    assert len(parameters) == 1 and "argon2id" in parameters.pop()


def test_a_session_is_new_at_each_sign_in_and_the_one_before_is_closed(
    app: Flask, house: House, signing_in: SignIn, world: World
) -> None:
    client = PageClient(app)
    planted = world.open_session(house.administrator)
    with client.session_transaction() as cookie:
        cookie["_user_id"] = planted
    client.post("/connexion", {"email": "samira.lahlou@cite.example", "password": PASSWORD})
    with client.session_transaction() as cookie:
        assert cookie["_user_id"] != planted
        assert "csrf_token" not in cookie
    assert [row.revoked_at is not None for row in sessions(world, house.administrator.user)] == [True]


def test_a_session_ends_after_twelve_hours(
    house: House, signing_in: SignIn, client: PageClient, world: World
) -> None:
    signing_in("samira.lahlou@cite.example", client=client)
    (session,) = sessions(world, house.referent.user)
    session.opened_at = datetime.now(UTC) - timedelta(hours=12, minutes=1)
    world.session.commit()
    assert client.get("/compte", status=303).location == "/connexion?suite=/compte"


def test_signing_out_closes_the_session_for_good(
    house: House, signing_in: SignIn, client: PageClient, world: World
) -> None:
    signing_in("samira.lahlou@cite.example", client=client)
    with client.session_transaction() as cookie:
        token = cookie["_user_id"]
    page = client.submit(client.get("/compte").form("/deconnexion"))
    assert page.location == "/connexion"
    assert "déconnecté" in client.follow(page).text()
    with client.session_transaction() as cookie:
        cookie["_user_id"] = token
    client.get("/compte", status=303)


def test_nothing_remembers_beyond_the_browser(house: House, signing_in: SignIn) -> None:
    cookies = signing_in("samira.lahlou@cite.example").response.headers.getlist("Set-Cookie")
    assert cookies and all(
        "remember" not in cookie and "Expires" not in cookie and "Max-Age" not in cookie for cookie in cookies
    )
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)


def test_a_disabled_account_is_out_at_its_next_request(
    house: House, signing_in: SignIn, client: PageClient, world: World
) -> None:
    signing_in("samira.lahlou@cite.example", client=client)
    house.referent.user.disabled_at = datetime.now(UTC)
    world.session.merge(house.referent.user)
    world.session.commit()
    client.get("/compte", status=303)


def test_signing_in_is_in_the_journal_under_its_name_without_the_token(
    house: House, signing_in: SignIn, databases: Databases
) -> None:
    signing_in("samira.lahlou@cite.example")
    rows = databases.superuser.execute(
        "select actor, after::text from audit.journal where subject = 'sign_in_session' and verb = 'insert'"
    ).fetchall()
    assert [row[0] for row in rows] == [house.referent.id]
    assert "token_hash" not in rows[0][1]


def test_somebody_already_in_is_not_asked_again(house: House, client_of: Any) -> None:
    assert client_of(house.referent).get("/connexion?suite=/aide", status=303).location == "/aide"


# Signed out


def test_a_get_leads_to_the_door_with_the_path_alone(client: PageClient) -> None:
    assert client.get("/compte?q=nadia", status=303).location == "/connexion?suite=/compte"


def test_a_post_shows_what_was_typed_and_keeps_nothing(client: PageClient) -> None:
    page = client.post("/cite", {"synthesis": "Elle a trouvé une place en crèche."}, status=401)
    assert "Elle a trouvé une place en crèche." in page.main()
    assert "Connexion nécessaire" in page.main()


def test_a_script_gets_a_bare_status(client: PageClient) -> None:
    page = client.get("/compte", status=401, headers={"Accept": "application/json"})
    assert page.response.data == b"" and "X-Lock" not in page.response.headers


def test_htmx_is_led_to_the_door_or_told_that_its_text_did_not_leave(client: PageClient) -> None:
    hx = {"HX-Request": "true"}
    assert client.get("/compte", status=401, headers=hx).response.headers["HX-Redirect"] == "/connexion"
    refused = client.post("/cite", status=401, headers=hx)
    assert "toast" in refused.response.headers["HX-Trigger"] and "HX-Redirect" not in refused.response.headers


def test_a_database_that_is_away_is_said_even_to_somebody_signed_in(
    app: Flask, house: House, client_of: Any
) -> None:
    from sqlalchemy.exc import OperationalError

    from cityjobs.accounts.views import presence

    client = client_of(house.referent)
    away = OperationalError("select", {}, Exception("away"))

    def fail(_token: str) -> None:
        raise away

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(presence, "find_professional", fail)
        assert "momentanément indisponible" in client.get("/compte", status=503).main()


# The demonstration


@pytest.fixture
def demo_app(app: Flask, databases: Databases) -> Any:
    from cityjobs.app import create_app
    from cityjobs.core.db import db
    from config import load_settings

    demo = create_app(load_settings(databases.environment(ENVIRONMENT="demo")).flask_config())
    demo.testing = True
    yield demo
    with demo.app_context():
        db.engine.dispose()


def test_a_demonstration_offers_each_role_in_one_click(demo_app: Flask, world: World) -> None:
    cite = world.cite("Roubaix")
    member = world.member("coordinator", cite, email="coordination@roubaix.example", password_hash=HASH)
    client = PageClient(demo_app)
    page = client.get("/connexion")
    offers = [form for form in page.all("form") if form.attributes["action"] == "/connexion/demo"]
    assert len(offers) == 9
    assert "Entrer comme Coordination, Roubaix" in page.text()
    client.post("/connexion/demo", {"email": member.user.email})
    assert member.user.last_name in client.get("/compte").text()
    assert "Démonstration" in client.get("/aide").text()


def test_a_demonstration_opens_no_other_account(demo_app: Flask, world: World) -> None:
    world.member("referent", world.cite("Roubaix"), email="samira@cite.example", password_hash=HASH)
    PageClient(demo_app).post("/connexion/demo", {"email": "samira@cite.example"}, status=404)


def test_an_account_of_the_demonstration_that_is_missing_is_said(demo_app: Flask) -> None:
    client = PageClient(demo_app)
    page = client.post("/connexion/demo", {"email": "referent@roubaix.example"})
    assert "pas encore prêt" in client.follow(page).text()


def test_there_is_no_such_door_elsewhere(app: Flask, client: PageClient, world: World) -> None:
    world.member("referent", world.cite("Roubaix"), email="referent@roubaix.example", password_hash=HASH)
    assert "/connexion/demo" not in {rule.rule for rule in app.url_map.iter_rules()}
    client.post("/connexion/demo", {"email": "referent@roubaix.example"}, status=404)
    assert "démonstration" not in client.get("/connexion").text()
