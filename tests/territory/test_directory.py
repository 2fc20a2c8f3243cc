"""The directory of the collective."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from cityjobs.core.permissions import Role
from cityjobs.territory.models import CollectiveMember, Organisation
from cityjobs.territory.rules import OrganisationFamily
from tests.conftest import Databases
from tests.manners import PageClient
from tests.world import Member, World

SignIn = Callable[[Any], PageClient]
URL = "/administration/organisations"
ALLOWED = (Role.ADMINISTRATOR, Role.COORDINATOR)


@pytest.fixture
def coordinator(world: World) -> Member:
    return world.member(Role.COORDINATOR, world.cite("Roubaix"))


@pytest.fixture
def page_of(coordinator: Member, client_of: SignIn) -> PageClient:
    return client_of(coordinator)


def one(databases: Databases, query: str) -> Any:
    return databases.superuser.execute(query).fetchone()


@pytest.mark.parametrize("role", list(Role))
def test_who_keeps_the_directory(role: Role, world: World, client_of: SignIn) -> None:
    cite = world.cite()
    organisation = world.organisation(cite)
    client = client_of(world.member(role, cite))
    expected = 200 if role in ALLOWED else 403
    for url in (URL, f"{URL}/nouvelle", f"{URL}/{organisation.id}"):
        client.get(url, status=expected)


def test_somebody_not_signed_in_is_sent_to_sign_in(client: PageClient) -> None:
    for url in (URL, f"{URL}/nouvelle", f"{URL}/{uuid.uuid4()}"):
        assert "/connexion" in client.get(url, status=303).location


def test_the_collective_of_another_cite_is_not_there(
    page_of: PageClient, world: World, databases: Databases
) -> None:
    theirs = world.organisation(world.cite("Calais"), "Dentelles et Récits")
    assert "Dentelles" not in page_of.get(URL).text()
    page_of.get(f"{URL}/{theirs.id}", status=404)
    page_of.post(f"{URL}/{theirs.id}", {"name": "Prise", "kind": "FT", "version": "1"}, status=404)
    assert one(databases, f"select name from organisation where id = '{theirs.id}'") == (
        "Dentelles et Récits",
    )


def test_a_coordinator_sees_only_the_tab_of_the_directory(page_of: PageClient) -> None:
    tabs = [
        nav for nav in page_of.get(URL).all("nav") if nav.attributes.get("aria-label") == "Administration"
    ]
    assert [link.text() for link in tabs[0].all("a")] == ["Annuaire", "Listes"]


def test_an_organisation_is_added(page_of: PageClient, coordinator: Member, databases: Databases) -> None:
    form = page_of.get(f"{URL}/nouvelle").form()
    answer = page_of.submit(
        form,
        name="Centre  social du Roman",
        kind="CENTRE_SOCIAL",
        phone="03 53 01 12 34",
        email="Accueil@Roman.Example",
    )
    assert "Centre social du Roman" in page_of.follow(answer).text()
    saved = (
        "select name, family, kind, is_sensitive, phone, email from organisation where kind = 'CENTRE_SOCIAL'"
    )
    assert one(databases, saved) == (
        "Centre social du Roman", "association", "CENTRE_SOCIAL", False, "+33353011234", "accueil@roman.example",
    )  # fmt: skip
    member = "select count(*) from collective_member m join organisation o on o.id = m.organisation_id where kind = 'CENTRE_SOCIAL'"
    assert one(databases, member) == (1,)


@pytest.mark.parametrize(
    ("kind", "said", "expected"),
    [("CSAPA", "auto", True), ("CSAPA", "no", False), ("FT", "auto", False), ("FT", "yes", True)],
)
def test_sensitivity_follows_the_kind_unless_said(
    page_of: PageClient, databases: Databases, kind: str, said: str, expected: bool
) -> None:
    page_of.submit(page_of.get(f"{URL}/nouvelle").form(), name="Écoute", kind=kind, sensitivity=said)
    row = one(databases, "select id, is_sensitive from organisation where name = 'Écoute'")
    assert row[1] is expected
    assert page_of.get(f"{URL}/{row[0]}").form().values["sensitivity"] == said


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("name", "", "Donnez le nom"),
        ("kind", "", "Choisissez un type"),
        ("kind", "INVENTE", "Ce choix n’existe pas"),
        ("phone", "12", "Ce numéro n’est pas valable"),
        ("email", "roman", "Cette adresse n’est pas valable"),
        ("name", "2 85 03 59 512 045 28", "numéro de sécurité sociale"),
    ],
)
def test_bad_answers_are_refused_in_french(
    page_of: PageClient, field: str, typed: str, sentence: str
) -> None:
    answers = {"name": "Centre", "kind": "CENTRE_SOCIAL", field: typed}
    page = page_of.submit(page_of.get(f"{URL}/nouvelle").form(), status=422, **answers)
    assert sentence in page.errors()


def test_one_that_works_elsewhere_joins_and_is_not_written_twice(
    page_of: PageClient, world: World, coordinator: Member, databases: Databases
) -> None:
    theirs = world.organisation(world.cite("Calais"), "Auto-école du Chat-Botté", kind="MOBILITE")
    answer = page_of.submit(page_of.get(f"{URL}/nouvelle").form(), name="auto ecole du chat botte", kind="FT")
    assert answer.location.endswith(str(theirs.id))
    assert "travaille déjà avec une autre Cité" in page_of.follow(answer).text()
    page = page_of.get(f"{URL}/{theirs.id}")
    assert "une autre Cité" in page.text() and not page.all("input", name="phone")
    assert one(databases, "select count(*) from organisation where name ilike 'auto%'") == (1,)
    again = page_of.submit(
        page_of.get(f"{URL}/nouvelle").form(), name="Auto-école du Chat-Botté", kind="FT", status=422
    )
    assert "déjà dans votre annuaire" in again.errors()


def test_an_organisation_is_changed(
    page_of: PageClient, world: World, coordinator: Member, databases: Databases
) -> None:
    ours = world.organisation(coordinator.cite, "Ancien nom")
    page_of.submit(page_of.get(f"{URL}/{ours.id}").form(), name="Nouveau nom", kind="ENTREPRISE")
    saved = f"select name, family, version from organisation where id = '{ours.id}'"
    assert one(databases, saved) == ("Nouveau nom", "entreprise", 2)


def test_a_name_already_taken_is_refused(page_of: PageClient, world: World, coordinator: Member) -> None:
    world.organisation(coordinator.cite, "Déjà là")
    ours = world.organisation(coordinator.cite, "À renommer")
    page = page_of.submit(page_of.get(f"{URL}/{ours.id}").form(), name="deja la", status=422)
    assert "Une autre organisation porte déjà ce nom." in page.errors()


def test_two_who_change_the_same_one_choose_between_both(
    page_of: PageClient, world: World, coordinator: Member, databases: Databases
) -> None:
    ours = world.organisation(coordinator.cite, "Centre")
    form = page_of.get(f"{URL}/{ours.id}").form()
    page_of.submit(form, name="Centre premier", email="un@centre.example")
    both = page_of.submit(form, name="Centre second", phone="03 53 01 12 34", status=409)
    assert "Centre premier" in both.text() and "Centre second" in both.text()
    page_of.submit(both.form(), **{"keep-name": "theirs", "keep-email": "theirs", "keep-phone": "mine"})
    saved = f"select name, email, phone from organisation where id = '{ours.id}'"
    assert one(databases, saved) == ("Centre premier", "un@centre.example", "+33353011234")


def filled(world: World, cite_id: uuid.UUID, rows: int) -> None:
    for number in range(rows):
        family = list(OrganisationFamily)[number % 4]
        organisation = Organisation(
            id=uuid.uuid4(), name=f"Organisation {number:03}", family=family, kind="FT"
        )
        world.session.add(organisation)
        world.session.flush()
        world.session.add(CollectiveMember(cite_id=cite_id, organisation_id=organisation.id))
    world.session.commit()


def test_search_families_and_pages(page_of: PageClient, world: World, coordinator: Member) -> None:
    filled(world, coordinator.cite.id, 60)
    world.organisation(coordinator.cite, "Écoute du Petit-Poucet", is_sensitive=True, kind="CSAPA")
    page = page_of.get(URL)
    assert "1 à 25 sur 62 organisations" in page.text()
    assert "51 à 62 sur 62 organisations" in page_of.get(f"{URL}?page=3").text()
    found = page_of.get(f"{URL}?q=poucet+ecoute").main()
    assert "1 à 1 sur 1" in found and "Sensible" in found and "CSAPA" in found
    family = page_of.get(f"{URL}?famille=entreprise")
    assert "1 à 15 sur 15" in family.text() and "Organisation 003" in family.text()
    assert "Organisation 000" not in family.text()
    assert "Aucune organisation ne correspond" in page_of.get(f"{URL}?q=introuvable").text()
    assert "sur 62" in page_of.get(f"{URL}?famille=inconnue").text()
    page_of.get(f"{URL}?page=999")
    assert "sur 62" in page_of.get(URL, query_string={"q": "%_'"}).text()


@pytest.mark.parametrize("rows", [1, 20, 200])
def test_the_list_costs_the_same_whatever_it_holds(
    page_of: PageClient, world: World, coordinator: Member, count_queries: Any, rows: int
) -> None:
    filled(world, coordinator.cite.id, rows)
    with count_queries() as statements:
        page_of.get(URL)
    assert len(statements) <= 4, statements
