"""Half an hour of silence: the screen locks, and nothing typed is lost."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from cityjobs.accounts.models import SignInSession
from tests.accounts import PASSWORD
from tests.accounts.conftest import House
from tests.manners import Page, PageClient
from tests.world import World


@pytest.fixture
def sleep(world: World) -> Callable[..., None]:
    """Let time pass since everybody was last seen."""

    def for_(minutes: float) -> None:
        seen = datetime.now(UTC) - timedelta(minutes=minutes)
        world.session.execute(sa.update(SignInSession).values(last_seen_at=seen))
        world.session.commit()

    return for_


@pytest.fixture
def mine(house: House, client_of: Any) -> PageClient:
    client: PageClient = client_of(house.referent)
    return client


def last_seen(world: World) -> datetime:
    world.session.rollback()
    seen: datetime = world.session.execute(sa.select(SignInSession.last_seen_at)).scalar_one()
    return seen


def json(client: PageClient, password: object, status: int) -> Any:
    return client.post(
        "/verrou", status=status, json={"password": password}, headers={"X-CSRFToken": client.token()}
    )


def test_after_half_an_hour_a_page_asks_for_the_password_and_comes_back(
    mine: PageClient, sleep: Callable[..., None]
) -> None:
    sleep(29)
    mine.get("/compte")
    sleep(31)
    door = mine.get("/compte?q=nadia", status=303)
    assert door.location == "/verrou?suite=/compte"
    page = mine.follow(door)
    assert "Samira Lahlou" in page.main()
    assert mine.submit(page.form("/verrou"), password=PASSWORD).location == "/compte"
    mine.get("/compte")


def test_somebody_locked_out_sees_and_does_nothing_meanwhile(
    mine: PageClient, sleep: Callable[..., None]
) -> None:
    sleep(31)
    page = mine.get("/verrou")
    assert not page.all("nav") and "Mon compte" not in page.text()
    for path in ("/", "/aide", "/compte/mot-de-passe"):
        mine.get(path, status=303)
    assert mine.post("/compte/sessions/fermer", status=401).response.headers["X-Lock"] == "1"


def test_a_script_is_told_that_the_screen_is_locked(mine: PageClient, sleep: Callable[..., None]) -> None:
    assert mine.get("/verrou", status=204, headers={"Accept": "application/json"}).response.data == b""
    sleep(31)
    for headers in ({"Accept": "application/json"}, {"HX-Request": "true"}):
        page = mine.get("/compte", status=401, headers=headers)
        assert page.response.headers["X-Lock"] == "1" and page.response.data == b""
    draft = mine.flask.put("/brouillons/x", json={}, headers={"X-CSRFToken": mine.token()})
    assert (draft.status_code, draft.headers["X-Lock"]) == (401, "1")


def test_a_script_unlocks(mine: PageClient, sleep: Callable[..., None]) -> None:
    sleep(31)
    json(mine, "Faux-Faux-Faux-1", 401)
    json(mine, {"not": "a text"}, 401)
    mine.get("/compte", status=303)
    json(mine, PASSWORD, 204)
    mine.get("/compte")


def test_a_script_without_a_session_is_not_told_that_its_password_is_wrong(client: PageClient) -> None:
    json(client, PASSWORD, 410)


def answer_lock(client: PageClient, page: Page, password: str, status: int) -> Page:
    """Give a password at the lock, with every hidden field of the page, in order."""
    hidden = page.form("/verrou").element.all("input", type="hidden")
    posted: dict[str, list[str]] = {"password": [password]}
    for field in hidden:
        posted.setdefault(field["name"], []).append(field["value"])
    return client._answer(client.flask.post("/verrou", data=posted), "/verrou", status)


def test_what_was_being_saved_is_carried_through_the_lock_and_sent_again(
    mine: PageClient, sleep: Callable[..., None]
) -> None:
    sleep(31)
    typed = {
        "synthesis": "Elle a trouvé une place\r\nen crèche « Les Lucioles ».",
        "password": "jamais-dans-une-page",
        "suite": "/ailleurs",
        "ids": ["1", "2"],
        "version": "4",
    }
    locked = mine.post("/cite?retour=1", typed, status=401)
    assert locked.response.headers["X-Lock"] == "1"
    assert "jamais-dans-une-page" not in locked.response.get_data(as_text=True)

    wrong = answer_lock(mine, locked, "Faux-Faux-Faux-1", 422)
    assert "toujours là" in wrong.errors()
    answer = answer_lock(mine, wrong, PASSWORD, 200)

    resume = answer.form("/cite")
    assert resume.element.attributes["action"] == "/cite?retour=1"
    again = [
        (field["name"], field["value"])
        for field in resume.element.all("input", type="hidden")
        if field["name"] != "csrf_token"
    ]
    assert again == [
        ("synthesis", str(typed["synthesis"]).replace("\r\n", "\n")),
        ("suite", "/ailleurs"),
        ("ids", "1"),
        ("ids", "2"),
        ("version", "4"),
    ]
    assert "Reprendre l’enregistrement" in answer.main()


def test_what_was_carried_is_saved_when_sent_again(
    house: House, mine: PageClient, world: World, sleep: Callable[..., None]
) -> None:
    there = world.also(house.referent.user, "referent", world.cite("Calais"))
    sleep(31)
    locked = mine.post("/cite", {"membership_id": str(there.membership.id)}, status=401)
    resume = mine.submit(locked.form("/verrou"), password=PASSWORD, status=200)
    mine.submit(resume.form("/cite"))
    assert "Calais" in mine.get("/compte").all("header", class_="bar")[0].text()


def test_a_lock_never_sends_anything_to_another_house(mine: PageClient, sleep: Callable[..., None]) -> None:
    sleep(31)
    form = {"password": PASSWORD, "suite": "https://evil.example/x", "garde-synthesis": "Bien vu"}
    page = mine.post("/verrou", form, status=200)
    actions = {form.attributes.get("action") for form in page.all("form", method="post")}
    assert actions == {"/"}


def test_too_much_to_carry_is_said_rather_than_cut(mine: PageClient, sleep: Callable[..., None]) -> None:
    sleep(31)
    page = mine.post("/cite", {"synthesis": "x" * 600_000}, status=401)
    assert "trop long" in page.main()
    assert "xxx" not in page.response.get_data(as_text=True)


def test_too_many_wrong_passwords_keep_what_was_typed(mine: PageClient, sleep: Callable[..., None]) -> None:
    sleep(31)
    page = mine.post("/cite", {"synthesis": "Une place en crèche."}, status=401)
    for _ in range(6):
        page = mine.submit(page.form("/verrou"), password="Faux-Faux-Faux-1", status=422)
    page = mine.submit(page.form("/verrou"), password=PASSWORD, status=429)
    assert page.form("/verrou").values["garde-synthesis"] == "Une place en crèche."
    assert "Retry-After" in page.response.headers


def test_a_session_that_ended_behind_the_lock_still_shows_what_was_typed(
    mine: PageClient, world: World, sleep: Callable[..., None]
) -> None:
    sleep(31)
    page = mine.post("/cite", {"synthesis": "Une place en crèche trouvée."}, status=401)
    world.session.execute(sa.update(SignInSession).values(revoked_at=datetime.now(UTC)))
    world.session.commit()
    assert (
        "Une place en crèche trouvée."
        in mine.submit(page.form("/verrou"), password=PASSWORD, status=401).main()
    )


def test_one_can_leave_from_behind_the_lock(
    mine: PageClient, world: World, sleep: Callable[..., None]
) -> None:
    sleep(31)
    assert mine.submit(mine.get("/verrou").form("/deconnexion")).location == "/connexion"
    world.session.rollback()
    assert world.session.execute(sa.select(SignInSession.revoked_at)).scalar_one() is not None


def test_the_lock_of_somebody_who_is_not_locked_leads_on(mine: PageClient, client: PageClient) -> None:
    assert mine.get("/verrou?suite=/aide", status=303).location == "/aide"
    assert client.get("/verrou?suite=/aide", status=303).location == "/connexion?suite=/aide"


def test_a_presence_is_written_once_a_minute(
    mine: PageClient, world: World, sleep: Callable[..., None], count_queries: Any
) -> None:
    before = last_seen(world)
    with count_queries() as statements:
        mine.get("/aide")
    assert last_seen(world) == before
    assert not [statement for statement in statements if not statement.lower().startswith("select")]
    sleep(2)
    with count_queries() as statements:
        mine.get("/aide")
    assert last_seen(world) > before - timedelta(seconds=1)
    assert len([statement for statement in statements if statement.lower().startswith("update")]) == 1


def test_a_presence_being_written_elsewhere_is_not_waited_for(
    mine: PageClient, world: World, sleep: Callable[..., None]
) -> None:
    sleep(2)
    world.session.execute(sa.select(SignInSession).with_for_update())
    mine.get("/aide")
    world.session.rollback()
