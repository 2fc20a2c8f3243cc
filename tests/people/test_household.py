"""Who belongs with whom: told, taken away, and seen only by whoever may open both files."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from flask import Flask, render_template_string

from cityjobs.core.db import Actor, act_as
from cityjobs.people.queries import find_household
from cityjobs.people.rules import LINK_KIND_LABELS, LinkKind, other_way
from tests.conftest import Databases
from tests.manners import Page, PageClient
from tests.world import Case, Member, World

ClientOf = Callable[[Any], PageClient]


class Family:
    """Nadia and her brother, both of Samira; their mother, of a colleague; somebody of another Cité."""

    def __init__(self, world: World) -> None:
        here, there = world.cite("Roubaix"), world.cite("Calais")
        self.samira, self.colleague = world.member("referent", here), world.member("referent", here)
        self.coordinator = world.member("coordinator", here)
        self.spotter = world.member("spotter", here)
        self.elsewhere = world.member("referent", there)
        self.nadia = world.case(
            here, referent=self.samira, spotted_by=self.spotter, first_name="Nadia", last_name="Benali"
        )
        self.karim = world.case(here, referent=self.samira, first_name="Karim", last_name="Benali")
        self.mother = world.case(here, referent=self.colleague, first_name="Fatou", last_name="Benali")
        self.stranger = world.case(there, referent=self.elsewhere, first_name="Ali", last_name="Benali")


@pytest.fixture
def family(world: World) -> Family:
    return Family(world)


def home(case: Case) -> str:
    return f"/personnes/{case.id}/foyer"


def searched(client: PageClient, case: Case, words: str = "Benali", *, status: int = 200) -> Page:
    return client.submit(client.get(home(case)).form("/chercher"), status=status, q=words)


def added(client: PageClient, case: Case, other: Case, kind: str = "fratrie", *, status: int = 303) -> Page:
    form = searched(client, case).form(holding="kind")
    return client.submit(form, status=status, other=str(other.id), kind=kind)


def links(databases: Databases) -> list[Any]:
    return databases.superuser.execute("select person_id, other_id, kind from person_link").fetchall()


def test_two_persons_are_tied_and_each_file_says_it_its_own_way(
    family: Family, client_of: ClientOf, databases: Databases
) -> None:
    client = client_of(family.samira)
    page = client.follow(added(client, family.nadia, family.karim, "enfant"))
    assert "Le foyer est complété" in page.text()
    assert "Karim Benali" in page.main() and "Enfant" in page.main()
    assert "Nadia Benali" in client.get(home(family.karim)).main()
    assert "Mère ou père" in [
        each.text() for each in client.get(home(family.karim)).all("div", **{"class": "small soft"})
    ]
    ((first, second, kind),) = links(databases)
    assert first < second and {first, second} == {family.nadia.id, family.karim.id}
    assert kind == ("enfant" if first == family.nadia.id else "parent")
    assert f"/personnes/{family.karim.id}" in page.links().values()


@pytest.mark.parametrize("kind", LinkKind)
def test_the_other_way_of_the_other_way_is_the_same(kind: LinkKind) -> None:
    assert other_way(other_way(kind)) is kind and kind in LINK_KIND_LABELS


def test_the_search_names_only_whom_one_may_open(family: Family, client_of: ClientOf) -> None:
    page = searched(client_of(family.samira), family.nadia)
    assert "Karim Benali" in page.main()
    for absent in ("Fatou", "F… B…", "Ali Benali"):
        assert absent not in page.main()
    values = {field.attributes["value"] for field in page.all("input", name="other")}
    assert values == {str(family.karim.id)}
    page = searched(client_of(family.coordinator), family.nadia)
    assert "Fatou Benali" in page.main() and "Ali Benali" not in page.main()
    assert "Personne ne correspond" in searched(client_of(family.samira), family.nadia, "Zzyzx").main()


def test_naming_whom_one_may_mean_is_a_reading_of_the_list(
    family: Family, client_of: ClientOf, databases: Databases
) -> None:
    def read() -> list[Any]:
        return databases.superuser.execute(
            "select subject, subject_id from audit.journal where verb = 'read' order by id"
        ).fetchall()

    client, cite = client_of(family.samira), str(family.samira.cite.id)
    page = searched(client, family.nadia)
    assert read()[-1] == ("people", cite)
    client.submit(page.form(holding="kind"), status=422, other=str(family.karim.id), kind="")
    assert read()[-1] == ("people", cite) and len(read()) == 3
    searched(client, family.nadia, "Zzyzx")
    assert read()[-1] == ("person", str(family.nadia.id))


def test_a_tie_with_whom_one_may_not_open_is_neither_named_nor_counted(
    family: Family, client_of: ClientOf, world: World, databases: Databases
) -> None:
    before = client_of(family.samira).get(home(family.nadia)).main()
    world.tie(family.nadia, family.mother, LinkKind.PARENT)
    assert client_of(family.samira).get(home(family.nadia)).main() == before
    assert "Fatou Benali" in client_of(family.coordinator).get(home(family.nadia)).main()
    for member, seen in ((family.coordinator, 1), (family.samira, 0), (family.colleague, 0), (family.elsewhere, 0), (family.spotter, 0)):  # fmt: skip
        with as_member(databases, member) as connection:
            assert len(connection.execute("select * from person_link").fetchall()) == seen, member.role


def as_member(databases: Databases, member: Member) -> Any:
    return databases.connected_as(
        "cityjobs_web", user_id=member.id, role=member.role.value, cite_id=member.cite.id
    )


def test_a_deputy_sees_the_household_while_they_replace(
    family: Family, client_of: ClientOf, world: World
) -> None:
    world.tie(family.nadia, family.mother)
    world.absence(family.samira, family.colleague)
    assert "Fatou Benali" in client_of(family.colleague).get(home(family.nadia)).main()


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [({"kind": ""}, "Dites qui est cette personne"), ({"other": ""}, "Choisissez la personne"), ({"kind": "cousin"}, "liste")],
)  # fmt: skip
def test_what_is_missing_is_asked_for_and_what_was_found_stays(
    answers: dict[str, str], sentence: str, family: Family, client_of: ClientOf, databases: Databases
) -> None:
    client = client_of(family.samira)
    form = searched(client, family.nadia).form(holding="kind")
    told = {"other": str(family.karim.id), "kind": "fratrie", **answers}
    page = client.submit(form, status=422, **told)
    assert sentence in page.errors()
    assert page.form(holding="kind").values["sought"] == "Benali" and "Karim Benali" in page.main()
    assert links(databases) == []


def test_nobody_is_tied_twice_nor_to_oneself(
    family: Family, client_of: ClientOf, databases: Databases
) -> None:
    client = client_of(family.samira)
    added(client, family.nadia, family.karim)
    page = added(client, family.karim, family.nadia, "conjoint", status=422)
    assert "est déjà dans ce foyer" in page.errors()
    values = {"other": str(family.nadia.id), "kind": "fratrie"}
    assert "une autre personne" in client.post(home(family.nadia), values, status=422).errors()
    assert len(links(databases)) == 1


def test_a_person_from_elsewhere_is_not_there(
    family: Family, client_of: ClientOf, databases: Databases
) -> None:
    client = client_of(family.samira)
    for other in (str(family.stranger.id), str(family.mother.id), "nobody"):
        client.post(home(family.nadia), {"other": other, "kind": "fratrie"}, status=404)
    coordinator = client_of(family.coordinator)
    coordinator.post(home(family.nadia), {"other": str(family.stranger.id), "kind": "fratrie"}, status=404)
    assert links(databases) == []


def test_a_tie_is_taken_away_from_either_side_and_traced(
    family: Family, client_of: ClientOf, world: World, databases: Databases
) -> None:
    link = world.tie(family.nadia, family.karim)
    client = client_of(family.samira)
    client.post(f"{home(family.mother)}/{link.id}/retirer", status=404)
    client.submit(client.get(home(family.karim)).form("/retirer"))
    assert links(databases) == []
    client.post(f"{home(family.karim)}/{link.id}/retirer", status=404)
    told = databases.superuser.execute(
        "select verb, actor from audit.journal where subject = 'person_link' order by id desc limit 1"
    ).fetchone()
    assert told == ("delete", family.samira.id)


def test_others_are_turned_away(
    family: Family, client_of: ClientOf, client: PageClient, world: World
) -> None:
    link = world.tie(family.nadia, family.karim)
    for member, status in ((family.colleague, 404), (family.elsewhere, 404), (family.spotter, 403)):
        theirs = client_of(member)
        theirs.get(home(family.nadia), status=status)
        theirs.post(home(family.nadia), {"other": str(family.karim.id), "kind": "fratrie"}, status=status)
        theirs.post(f"{home(family.nadia)}/chercher", {"q": "Benali"}, status=status)
        theirs.post(f"{home(family.nadia)}/{link.id}/retirer", status=status)
    assert client.get(home(family.nadia), status=303).location.startswith("/connexion")


def test_the_database_refuses_what_pages_would_not_ask(family: Family, databases: Databases) -> None:
    adding = (
        "insert into person_link (id, cite_id, person_id, other_id, kind, created_by_id, created_at)"
        " values (gen_random_uuid(), %s, %s, %s, 'fratrie', %s, now())"
    )
    cases: list[tuple[Member, Case, type[Exception]]] = [
        (family.samira, family.mother, psycopg.errors.InsufficientPrivilege),
        (family.spotter, family.karim, psycopg.errors.InsufficientPrivilege),
        (family.coordinator, family.stranger, psycopg.errors.ForeignKeyViolation),
    ]
    for member, other, refused in cases:
        pair = sorted((family.nadia.id, other.id))
        with as_member(databases, member) as connection, pytest.raises(refused):
            connection.execute(adding, (family.nadia.person.cite_id, *pair, member.id))


def test_the_section_of_the_file(family: Family, world: World, app: Flask) -> None:
    world.tie(family.nadia, family.karim, LinkKind.CONJOINT)
    world.tie(family.nadia, family.mother, LinkKind.PARENT)
    section = "{% from 'people/household.html' import household %}{{ household(person, kin, kinds, may_edit=True) }}"
    with app.test_request_context():
        act_as(Actor(family.samira.id, "referent", family.samira.cite.id))
        kin = find_household(family.nadia.id)
        shown = render_template_string(section, person=family.nadia.id, kin=kin, kinds=LINK_KIND_LABELS)
    assert [(one.display_name, one.kind) for one in kin] == [("Karim Benali", LinkKind.CONJOINT)]
    assert "Karim Benali" in shown and "Conjoint ou conjointe" in shown and home(family.nadia) in shown


@pytest.mark.parametrize("many", [1, 20, 200])
def test_pages_ask_as_much_whatever_there_is(
    many: int, family: Family, client_of: ClientOf, world: World, count_queries: Callable[[], Any]
) -> None:
    for _ in range(many):
        world.tie(family.nadia, world.case(family.samira.cite, referent=family.samira, last_name="Benali"))
    client = client_of(family.samira)
    client.get(home(family.nadia))
    with count_queries() as statements:
        client.get(home(family.nadia))
    assert len(statements) <= 4, statements
    form = client.get(home(family.nadia)).form("/chercher")
    with count_queries() as statements:
        client.submit(form, status=200, q="Benali")
    assert len(statements) <= 5, statements
