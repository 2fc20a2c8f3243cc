"""The pages of absences: said, refused in a sentence, handed back, shown to whom they concern."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cityjobs.core.clock import now, today
from cityjobs.core.permissions import Role
from tests.absences.conftest import Team
from tests.conftest import Databases
from tests.manners import Page, PageClient
from tests.world import Member, World

ClientOf = Callable[[Any], PageClient]
NEW = "/absences/nouvelle"


def said(client: PageClient, *, status: int = 303, **answers: Any) -> Page:
    """Send the form of a new absence."""
    days = {"starts_on": today().isoformat(), "ends_on": (today() + timedelta(days=4)).isoformat()}
    told = {name: str(value) for name, value in {**days, **answers}.items()}
    return client.submit(client.get(NEW).form("/nouvelle"), status=status, **told)


def in_days(days: int) -> str:
    return (today() + timedelta(days=days)).isoformat()


def test_a_referent_says_their_absence_and_finds_it(team: Team, client_of: ClientOf) -> None:
    client = client_of(team.samira)
    page = client.get(NEW)
    assert "absent" not in page.form("/nouvelle").values
    shown = client.follow(said(client, deputy=team.julien.id))
    assert "Rien n’est attribué à quelqu’un d’autre" in shown.text()
    assert "Julien Petit" in shown.main() and "en cours" in shown.main()
    assert "Vous" in client.get("/absences").main()
    assert "Absence de Samira Lahlou" in client_of(team.julien).get(shown.url).text()


def test_a_coordinator_says_that_of_any_referent(team: Team, client_of: ClientOf) -> None:
    client = client_of(team.coordinator)
    options = {option.text() for option in client.get(NEW).all("option")}
    assert any(text.startswith("Samira Lahlou") for text in options)
    assert not any(text.startswith("Zoé") for text in options)
    shown = client.follow(said(client, absent=team.samira.id, deputy=team.coordinator.id))
    assert "Absence de Samira Lahlou" in shown.text()


def test_where_a_colleague_works_is_named_to_who_may_know_it(
    team: Team, client_of: ClientOf, world: World
) -> None:
    hidden = world.organisation(team.samira.cite, "CSAPA du Pont", kind="CSAPA", is_sensitive=True)
    world.member(Role.REFERENT, team.samira.cite, organisation_id=hidden.id, first_name="Nour")
    for reader, named in ((team.samira, False), (team.coordinator, True)):
        offered = client_of(reader).get(NEW).main()
        assert "Nour" in offered and ("CSAPA du Pont" in offered) is named


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"ends_on": ""}, "Indiquez le dernier jour"),
        ({"ends_on": in_days(-1)}, "La fin est avant le début"),
        ({"starts_on": in_days(-9), "ends_on": in_days(-1)}, "déjà passée"),
        ({"ends_on": in_days(400)}, "un an au plus"),
        ({"deputy": ""}, "Choisissez qui remplace"),
        ({"deputy": str(uuid.uuid4())}, "liste"),
        ({"ends_on": "demain"}, "n’est pas reconnue"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(
    answers: dict[str, str], sentence: str, team: Team, client_of: ClientOf, databases: Databases
) -> None:
    page = said(client_of(team.samira), status=422, **{"deputy": str(team.julien.id), **answers})
    assert sentence in page.errors(), page.errors()
    assert databases.superuser.execute("select count(*) from absence").fetchone() == (0,)


def test_nobody_replaces_oneself_nor_from_elsewhere(
    team: Team, client_of: ClientOf, world: World, databases: Databases
) -> None:
    shut = world.member("referent", team.samira.cite)
    databases.superuser.execute("update user_account set disabled_at = now() where id = %s", (shut.id,))
    for deputy in (team.samira, team.elsewhere, team.spotter, shut):
        assert said(client_of(team.samira), status=422, deputy=deputy.id).errors()
    page = said(client_of(team.coordinator), status=422, absent=team.samira.id, deputy=team.samira.id)
    assert "On ne se remplace pas soi-même" in page.errors()
    for absent in (team.elsewhere, team.spotter):
        assert said(client_of(team.coordinator), status=422, absent=absent.id, deputy=team.julien.id).errors()


def test_a_referent_cannot_say_that_of_a_colleague(
    team: Team, client_of: ClientOf, databases: Databases
) -> None:
    said(client_of(team.samira), absent=team.julien.id, deputy=team.other.id)
    assert databases.superuser.execute("select absent_id from absence").fetchall() == [(team.samira.id,)]


def test_days_that_overlap_and_a_deputy_who_is_away_are_refused(
    team: Team, client_of: ClientOf, world: World
) -> None:
    world.absence(team.samira, team.julien, since=2, until=5)
    page = said(client_of(team.samira), status=422, deputy=team.other.id)
    assert "Une absence est déjà dite" in page.errors()
    page = said(client_of(team.other), status=422, deputy=team.samira.id)
    assert "elle-même absente" in page.errors()
    said(client_of(team.samira), deputy=team.other.id, ends_on=in_days(1))


def test_nobody_leaves_who_replaces_on_those_days(team: Team, client_of: ClientOf, world: World) -> None:
    absence = world.absence(team.samira, team.julien, since=2, until=5)
    page = said(client_of(team.julien), status=422, deputy=team.other.id)
    assert "Un remplacement est prévu" in page.errors()
    page = said(client_of(team.coordinator), status=422, absent=team.julien.id, deputy=team.other.id)
    assert "Un remplacement est prévu" in page.errors()
    said(client_of(team.julien), deputy=team.other.id, ends_on=in_days(1))
    ending(client_of(team.julien), absence)
    said(client_of(team.julien), deputy=team.other.id, starts_on=in_days(2), ends_on=in_days(4))


def ending(client: PageClient, absence: Any, *, status: int = 303, **changes: Any) -> Page:
    page = client.get(f"/absences/{absence.id}")
    return client.submit(page.form("/rendre"), status=status, **changes)


@pytest.mark.parametrize("who", ["samira", "julien", "coordinator"])
def test_whoever_is_concerned_hands_back(who: str, team: Team, client_of: ClientOf, world: World) -> None:
    absence = world.absence(team.samira, team.julien)
    member: Member = getattr(team, who)
    client = client_of(member)
    page = client.follow(ending(client, absence))
    assert "rendue plus tôt" in page.main() and "C’est rendu" in page.text()
    assert not [form for form in page.all("form") if form.attributes.get("action", "").endswith("/rendre")]


def test_one_that_is_to_come_is_called_off(team: Team, client_of: ClientOf, world: World) -> None:
    absence = world.absence(team.samira, team.julien, since=3, until=9)
    client = client_of(team.samira)
    assert "annulée" in client.follow(ending(client, absence)).main()
    said(client, deputy=team.other.id, starts_on=in_days(3), ends_on=in_days(9))


def test_what_changed_meanwhile_is_told(team: Team, client_of: ClientOf, world: World) -> None:
    absence = world.absence(team.samira, team.julien)
    slow, quick = client_of(team.samira), client_of(team.julien)
    page = slow.get(f"/absences/{absence.id}")
    ending(quick, absence)
    again = slow.submit(page.form("/rendre"), status=409)
    assert "n’est plus comme votre page" in again.text() and "Julien Petit" in again.main()
    other = world.absence(team.other, team.julien)
    ending(client_of(team.other), other, status=409, version="7")


def test_who_comes_back_sees_what_was_noted_meanwhile(team: Team, client_of: ClientOf, world: World) -> None:
    world.interview(team.hers, team.julien, days_ago=30, created_at=now() - timedelta(days=30))
    absence = world.absence(team.samira, team.julien, since=-10, until=3)
    noted = world.interview(team.hers, team.julien, days_ago=2, created_at=now() - timedelta(days=2))
    world.interview(team.hers, team.samira, days_ago=2)
    world.interview(team.his, team.julien, days_ago=2)
    page = client_of(team.samira).get(f"/absences/{absence.id}")
    links = [href for href in page.links().values() if "/entretiens/" in href]
    assert links == [f"/personnes/{team.hers.id}/entretiens/{noted.id}"]
    assert team.hers.person.display_name in page.main()
    client_of(team.samira).get(links[0])


def test_the_deputy_no_longer_finds_the_names_once_it_is_over(
    team: Team, client_of: ClientOf, world: World
) -> None:
    case = world.case(team.samira.cite, first_name="Awa")
    world.assign(case.person, case.parcours, team.samira, started_at=now() - timedelta(days=50))
    absence = world.absence(team.samira, team.julien, since=-10, until=-1)
    world.interview(case, team.julien, days_ago=2, created_at=now() - timedelta(days=2))
    name = case.person.display_name
    assert name not in client_of(team.julien).get(f"/absences/{absence.id}").main()
    assert name in client_of(team.samira).get(f"/absences/{absence.id}").main()


def test_others_find_nothing(team: Team, client_of: ClientOf, client: PageClient, world: World) -> None:
    absence = world.absence(team.samira, team.julien)
    for member in (team.other, team.elsewhere, world.member("coordinator", team.elsewhere.cite)):
        client_of(member).get(f"/absences/{absence.id}", status=404)
        client_of(member).post(f"/absences/{absence.id}/rendre", {"version": "1"}, status=404)
        assert "Samira Lahlou" not in client_of(member).get("/absences").main()
    for role in ("spotter", "chef_de_file", "funder", "partner", "administrator"):
        for address in ("/absences", NEW, f"/absences/{absence.id}"):
            client_of(world.member(role, team.samira.cite)).get(address, status=403)
    assert client.get("/absences", status=303).location.startswith("/connexion")


def test_who_replaces_is_told_where_a_referent_is_named(
    team: Team, client_of: ClientOf, world: World
) -> None:
    client, told = client_of(team.coordinator), "remplacement par Julien Petit jusqu’au"
    pages = ("/coordination", f"/personnes/{team.hers.id}/equipe", f"/personnes/{team.seconded.id}/equipe")
    assert not any(told in client.get(each).main() for each in pages)
    absence = world.absence(team.samira, team.julien)
    assert all(told in client.get(each).main() for each in pages)
    assert told not in client.get(f"/personnes/{team.others.id}/equipe").main()
    ending(client, absence)
    assert not any(told in client.get(each).main() for each in pages)


def test_the_ways_there(team: Team, client_of: ClientOf, world: World) -> None:
    assert "/absences" in client_of(team.samira).get("/compte").links().values()
    assert "/absences" in client_of(team.coordinator).get("/coordination").links().values()
    assert "/absences" not in client_of(team.spotter).get("/compte").links().values()


@pytest.mark.parametrize("many", [1, 20, 200])
def test_pages_ask_as_much_whatever_there_is(
    many: int, team: Team, client_of: ClientOf, world: World, count_queries: Callable[[], Any]
) -> None:
    for number in range(1, min(many, 20)):
        world.absence(team.samira, team.julien, since=20 * number, until=20 * number + 1)
    absence = world.absence(team.samira, team.julien)
    for _ in range(many):
        world.interview(team.hers, team.julien, days_ago=0)
    for member in (team.samira, team.coordinator):
        client = client_of(member)
        for address in ("/absences", NEW, f"/absences/{absence.id}"):
            client.get(address)
            with count_queries() as statements:
                client.get(address)
            assert len(statements) <= 3, statements
