"""Pilotage and its rows: who sees them, what they never show, how many queries they cost."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from cityjobs.core.clock import today
from cityjobs.core.permissions import GRANTS, Permission, Role
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.reporting.rules.figures import FIGURES
from cityjobs.territory.rules import OTHER_PARTNER
from tests.manners import Page, PageClient
from tests.world import World

ClientOf = Callable[[Any], PageClient]
INSIDE = ("coordinator", "referent", "chef_de_file")
NARROW = "\u202f"


class Town:
    """A Cité with two référents, their files, and one person who waits."""

    def __init__(self, world: World, cases: int = 8) -> None:
        self.cite = world.cite("Roubaix", longitude=3.17, latitude=50.69)
        world.cite("Calais", longitude=1.85, latitude=50.95)
        self.mine = world.member("referent", self.cite, first_name="Samira", last_name="Lahlou")
        self.colleague = world.member(
            "referent", self.cite, first_name="Julien", last_name="Petit", capacity=2
        )
        self.cases = [
            world.case(
                self.cite,
                referent=self.mine if n % 2 else self.colleague,
                first_name=f"Zoubida{n}",
                last_name=f"Kowalska{n}",
            )
            for n in range(cases)
        ]
        for case in self.cases:
            world.interview(case, self.mine, days_ago=10)
        self.waiting = world.case(
            self.cite, status=Status.REPERE, first_name="Odile", last_name="Quesnoy", days_ago=20
        )


@pytest.fixture
def town(world: World) -> Town:
    return Town(world)


def figure_on(page: Page, label: str) -> str:
    """The value of a tile."""
    tile = next(each for each in page.all("article") if each.all("h3")[0].text() == label)
    return tile.all("p", class_="v")[0].text()


@pytest.mark.parametrize("role", [*INSIDE, "funder"])
def test_who_may_see_figures_sees_the_page(town: Town, world: World, client_of: ClientOf, role: str) -> None:
    page = client_of(world.member(role, town.cite)).get("/pilotage")
    assert "Du repérage à la sortie" in page.main() and "Comment c’est calculé" in page.main()


@pytest.mark.parametrize("path", ["/pilotage", "/pilotage/lignes?figure=ind_reperees", "/pilotage/rapports"])
def test_others_are_refused_and_nobody_is_sent_to_the_door(
    town: Town, world: World, client: PageClient, client_of: ClientOf, path: str
) -> None:
    needed = {
        "/pilotage": Permission.PILOTAGE_SEE,
        "/pilotage/rapports": Permission.REPORT_READ,
    }.get(path, Permission.PILOTAGE_ROWS)
    for role in Role:
        client_of(world.member(role, town.cite)).get(path, status=200 if role in GRANTS[needed] else 403)
    assert client.get(path, status=303).location.startswith("/connexion")


def test_the_figures_are_those_of_the_cite_being_worked_in(
    town: Town, world: World, client_of: ClientOf
) -> None:
    elsewhere = world.cite("Maubeuge")
    page = client_of(world.member("chef_de_file", elsewhere)).get("/pilotage")
    assert figure_on(page, "File active") == "0"
    assert "Samira Lahlou" not in page.main() and "Julien Petit" not in page.main()


def test_each_figure_leads_to_as_many_rows(town: Town, world: World, client_of: ClientOf) -> None:
    client = client_of(world.member("coordinator", town.cite))
    page = client.get("/pilotage?periode=3-mois")
    hrefs = {
        link["href"]
        for link in page.all("a")
        if link.attributes.get("href", "").startswith("/pilotage/lignes")
    }
    assert len(hrefs) > 8
    checked = 0
    for article in page.all("article"):
        link = next(iter(article.all("a")), None)
        if link is None:
            continue
        value = link.text().split(" :")[0]
        rows = client.get(link["href"])
        total = rows.all("h1")[0].all("span", class_="n")[0].text()
        beside = re.search(r"(\d+) sur (\d+)", article.text())
        if "%" in value:
            assert beside and total == beside[1]
        elif not article.all("span", class_="u"):
            assert total == value, article.text()
        assert len(rows.all("tbody")[0].all("tr")) == int(total)
        checked += 1
    for step in page.all("ol", class_="funnel")[0].all("li"):
        for link in step.all("a"):
            rows = client.get(link["href"])
            assert rows.all("h1")[0].all("span", class_="n")[0].text() == step.all("b")[-1].text()
            checked += 1
    assert checked >= 8


@pytest.mark.parametrize("code", FIGURES)
def test_masked_rows_hold_no_name_anywhere(town: Town, world: World, client_of: ClientOf, code: str) -> None:
    page = client_of(world.member("chef_de_file", town.cite)).get(
        f"/pilotage/lignes?figure={code}&periode=annee"
    )
    html = page.response.get_data(as_text=True)
    assert not any(name in html for name in ("Zoubida", "Kowalska", "Odile", "Quesnoy"))
    assert "/personnes/" not in html
    if code == "ind_accompagnees":
        assert "Z… K…" in page.main() and "Samira Lahlou" in page.main()


def test_a_referent_reads_their_own_names_and_initials_of_the_others(town: Town, client_of: ClientOf) -> None:
    page = client_of(town.mine).get("/pilotage/lignes?figure=ind_accompagnees&periode=3-mois")
    links = {text: href for text, href in page.links().items() if "Kowalska" in text}
    assert sorted(links) == [f"Zoubida{n} Kowalska{n}" for n in (1, 3, 5, 7)]
    assert links["Zoubida1 Kowalska1"] == f"/personnes/{town.cases[1].id}"
    assert page.main().count("(nom masqué)") == 4
    assert "Zoubida0" not in page.response.get_data(as_text=True)


def test_a_coordinator_reads_every_name(town: Town, world: World, client_of: ClientOf) -> None:
    page = client_of(world.member("coordinator", town.cite)).get("/pilotage/lignes?figure=ind_attente")
    assert page.links()["Odile Quesnoy"] == f"/personnes/{town.waiting.id}"
    assert "nom masqué" not in page.main()


def test_the_funder_gets_no_row_no_link_and_no_small_count(
    town: Town, world: World, client_of: ClientOf
) -> None:
    client = client_of(world.member("funder", town.cite))
    client.get("/pilotage/lignes?figure=ind_reperees", status=403)
    page = client.get("/pilotage?periode=programme")
    assert not [link for link in page.all("a") if "/pilotage/lignes" in link.attributes.get("href", "")]
    capacities = {
        id(row.all("td")[1])
        for table in page.all("table")
        if "Charge" in table.text()
        for row in table.all("tbody")[0].all("tr")
    }
    for element in page.all("span", class_="num") + page.all("p", class_="v") + page.all("td", class_="n"):
        if "jour" in element.text() or id(element) in capacities:
            continue
        for count in re.findall(r"(?<![\d,])\d+(?![\d,]|\s*%)", element.text().split(" / ")[0]):
            assert int(count) >= 6, element.text()


def test_days_are_not_for_the_funder_to_choose(town: Town, world: World, client_of: ClientOf) -> None:
    client = client_of(world.member("funder", town.cite))
    start = today() - timedelta(days=3)
    chosen, usual = client.get(f"/pilotage?periode=libre&du={start}&au={today()}"), client.get("/pilotage")
    assert chosen.main() == usual.main()
    assert "Voir cette période" not in chosen.main()


def test_the_period_is_in_the_url_and_on_the_page(town: Town, world: World, client_of: ClientOf) -> None:
    client = client_of(world.member("chef_de_file", town.cite))
    page = client.get("/pilotage?periode=libre&du=2026-02-01&au=2026-02-28")
    assert "Du dim. 1er févr. 2026 au sam. 28 févr. 2026" in page.main()
    assert "1er janv. au sam. 31 janv. 2026" in page.main()
    assert [link.text() for link in page.all("a", aria_current="true")] == []
    page = client.get("/pilotage?periode=mois-dernier")
    assert [link.text() for link in page.all("a", aria_current="true")] == ["Mois dernier"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("du=2026-05-02&au=2026-05-01", "finit avant de commencer"),
        ("du=hier&au=2026-05-01", "n’est pas reconnue"),
        ("du=2026-05-02", "n’est pas reconnue"),
        ("du=2199-01-01&au=2199-02-01", "n’a pas encore commencé"),
    ],
)
def test_a_period_that_cannot_be_read_is_said(
    town: Town, world: World, client_of: ClientOf, query: str, sentence: str
) -> None:
    page = client_of(world.member("chef_de_file", town.cite)).get(f"/pilotage?periode=libre&{query}")
    assert sentence in page.errors()


def test_strange_addresses_do_not_break_the_page(town: Town, world: World, client_of: ClientOf) -> None:
    client = client_of(world.member("coordinator", town.cite))
    client.get("/pilotage?periode=demain")
    client.get("/pilotage/lignes?figure=ind_secret", status=404)
    client.get("/pilotage/lignes", status=404)
    client.get("/pilotage/lignes?figure=ind_reperees&referent=Samira", status=404)
    page = client.get("/pilotage/lignes?figure=ind_accompagnees&page=9")
    assert "sur 8 personnes" in page.main() or page.all("span", class_="n")[0].text() == "8"


def test_what_appeals_for_a_decision_is_named_with_links_for_who_may_open_them(
    town: Town, world: World, client_of: ClientOf
) -> None:
    page = client_of(world.member("coordinator", town.cite)).get("/pilotage")
    assert "1 personne attend un référent" in page.main()
    assert "Julien Petit dépasse sa capacité" in page.main()
    assert any(
        href == "/coordination" and text.startswith("Attribuer") for text, href in page.links().items()
    )
    page = client_of(world.member("chef_de_file", town.cite)).get("/pilotage")
    assert "1 personne attend un référent" in page.main()
    assert "/coordination" not in page.links().values()
    page = client_of(world.member("funder", town.cite)).get("/pilotage")
    assert "dépasse" not in page.main() and "attend un référent" not in page.main()


def test_charts_say_in_words_and_in_tables_what_they_draw(
    town: Town, world: World, client_of: ClientOf
) -> None:
    page = client_of(world.member("chef_de_file", town.cite)).get("/pilotage")
    charts = [svg for svg in page.all("svg") if svg.attributes.get("class") in ("chart", "map")]
    assert len(charts) == 2
    for svg in charts:
        title, description = svg.all("title")[0], svg.all("desc")[0]
        assert svg["aria-labelledby"].split() == [title["id"], description["id"]]
        assert title.text() and description.text()
    captions = [table.all("caption")[0].text() for table in page.all("table")]
    assert {
        "Du repérage à la sortie",
        "Échanges par semaine",
        "Charge des référents",
        "Les Cités de l’emploi",
    } <= set(captions)
    weeks = next(
        table for table in page.all("table") if table.all("caption")[0].text() == "Échanges par semaine"
    )
    assert sum(int(cell.text()) for cell in weeks.all("td")) == 8


def test_the_quarters_of_the_cite_are_drawn_when_their_contours_were_imported(
    town: Town, world: World, client_of: ClientOf
) -> None:
    from cityjobs.territory.models import CiteQpv, Qpv

    contour = {"type": "Polygon", "coordinates": [[[3.1, 50.6], [3.2, 50.6], [3.2, 50.7], [3.1, 50.6]]]}
    qpv = Qpv(
        code="QN05999M", name="Alma Gare", generation=2024, valid_from=date(2024, 1, 1), contour=contour
    )
    world.keep(qpv)
    world.keep(CiteQpv(cite_id=town.cite.id, qpv_id=qpv.id))
    for number in range(7):
        world.case(
            town.cite, referent=town.mine, qpv_answer="inside", qpv_id=qpv.id, last_name=f"Voisin{number}"
        )
    page = client_of(world.member("chef_de_file", town.cite)).get("/pilotage")
    places = next(iter(page.all("svg", class_="map")))
    assert places.all("a")[0]["aria-label"].replace("\xa0", " ") == "Alma Gare : 7"
    href = places.all("a")[0]["href"]
    rows = client_of(world.member("coordinator", town.cite)).get(href)
    assert rows.all("h1")[0].all("span", class_="n")[0].text() == "7"
    outside = client_of(world.member("funder", town.cite)).get("/pilotage?periode=3-mois")
    assert "Alma Gare" in outside.main()


@pytest.mark.parametrize("rows", [1, 20, 200])
def test_pages_cost_the_same_however_many_rows(
    world: World, client_of: ClientOf, count_queries: Callable[[], Any], rows: int
) -> None:
    town = Town(world, cases=rows)
    for role in (*INSIDE, "funder"):
        client = client_of(town.mine if role == "referent" else world.member(role, town.cite))
        with count_queries() as board:
            client.get("/pilotage?periode=annee")
        assert len(board) == 6, board
        if role != "funder":
            with count_queries() as lines:
                client.get("/pilotage/lignes?figure=ind_accompagnees&periode=annee")
            assert len(lines) == 4, lines


@pytest.mark.parametrize("role", INSIDE)
def test_a_sensitive_organisation_is_named_to_the_coordination_alone(
    world: World, client_of: ClientOf, role: str
) -> None:
    cite = world.cite("Roubaix")
    hidden = world.organisation(cite, "CSAPA du Pont", kind="CSAPA", is_sensitive=True)
    referent = world.member("referent", cite, organisation_id=hidden.id)
    world.case(cite, referent=referent)
    page = client_of(world.member(role, cite)).get("/pilotage").main()
    assert (hidden.name in page) == (role == "coordinator")
    assert (OTHER_PARTNER in page) == (role != "coordinator")
