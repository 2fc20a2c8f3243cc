"""The list of people: who sees which rows, counts that say what their chip shows, search, sort, export."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from cityjobs.core.clock import today
from cityjobs.core.permissions import Role
from cityjobs.desk import views
from cityjobs.desk.forms import read_filters
from cityjobs.desk.rules import SIZES, SORTS
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.territory.models import Cite, CiteQpv, Qpv
from tests.manners import Page, PageClient
from tests.world import World

ClientOf = Callable[[Any], PageClient]
UNREACHED = {"mode": "telephone", "reached": False}


@pytest.fixture
def roubaix(world: World) -> Cite:
    return world.cite("Roubaix")


def rows(page: Page) -> list[list[str]]:
    """The words of each cell of each row."""
    return [[cell.text() for cell in row.all("*") if cell.tag in ("th", "td")] for row in page.all("tr")[1:]]


def shown(page: Page) -> list[str]:
    return [row.all("th")[0].all("*")[0].text() for row in page.all("tr")[1:]]


def chips(page: Page) -> dict[str, int]:
    """Label and number of each chip above the list."""
    return {
        chip.text().rsplit(" ", 1)[0]: int(chip.all("b")[0].text().replace("\u202f", ""))
        for chip in page.all("a", class_="chip")
        if chip.all("b")
    }


def export_of(client: PageClient, query: str = "") -> list[list[Any]]:
    answer = client.flask.get(f"/personnes/export.xlsx{query}")
    assert answer.status_code == 200, answer.text
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.data))
    answer.close()
    return book.get_sheet_by_index(0).to_python(skip_empty_area=False)


@pytest.fixture
def busy(world: World, roubaix: Cite) -> dict[str, Any]:
    """A Cité with a bit of everything, and Samira in it."""
    samira = world.member("referent", roubaix, first_name="Samira", last_name="Lahlou")
    julien = world.member("referent", roubaix, first_name="Julien", last_name="Petit")
    late = world.case(roubaix, referent=samira, first_name="Nadia", last_name="Lefebvre")
    world.interview(late, samira, days_ago=6)
    world.step(late, samira, in_days=-2, title="Crèche")
    fine = world.case(roubaix, referent=samira, first_name="Karim", last_name="Benali")
    world.interview(fine, samira, days_ago=1)
    world.step(fine, samira, in_days=3, title="Auto-école")
    world.step(fine, samira, in_days=9, title="Plus tard")
    silent = world.case(
        roubaix, referent=samira, first_name="Fatou", last_name="Diallo", status=Status.RENCONTRE
    )
    world.interview(silent, samira, days_ago=35)
    world.interview(silent, samira, days_ago=2, **UNREACHED)
    mine = world.case(
        roubaix, spotted_by=samira, first_name="Inès", last_name="Caron", status=Status.REPERE, days_ago=5
    )
    left = world.case(roubaix, referent=samira, first_name="Zoé", last_name="Zola", status=Status.SORTI)
    theirs = world.case(roubaix, referent=julien, first_name="Jean", last_name="Martin")
    waiting = world.case(roubaix, first_name="Paul", last_name="Quentin", status=Status.REPERE, days_ago=40)
    world.case(world.cite("Calais"), first_name="Anna", last_name="Calais")
    return {
        "samira": samira,
        "julien": julien,
        "late": late,
        "fine": fine,
        "silent": silent,
        "mine": mine,
        "left": left,
        "theirs": theirs,
        "waiting": waiting,
        "coordinator": world.member("coordinator", roubaix),
    }


# Who sees which rows


def test_a_referent_begins_with_theirs_what_presses_first(busy: dict[str, Any], client_of: ClientOf) -> None:
    page = client_of(busy["samira"]).get("/personnes")
    assert shown(page) == ["Nadia Lefebvre", "Inès Caron", "Fatou Diallo", "Karim Benali", "Zoé Zola"]
    assert page.links()["Nadia Lefebvre"] == f"/personnes/{busy['late'].id}"
    assert page.all("h1")[0].text() == "Personnes 5"


def test_the_rest_of_the_cite_is_masked_for_a_referent(busy: dict[str, Any], client_of: ClientOf) -> None:
    page = client_of(busy["samira"]).get("/personnes?voir=cite")
    assert (
        sorted(shown(page))[:2] == ["Fatou Diallo", "Inès Caron"]
        and "J… M…" in shown(page)
        and "P… Q…" in shown(page)
    )
    words = page.main()
    assert (
        "Martin" not in words and "Quentin" not in words and str(busy["theirs"].id) not in str(page.links())
    )
    masked = next(row for row in rows(page) if row[0].startswith("J…"))
    assert masked[1:3] == ["Actif", "Julien Petit " + masked[2].removeprefix("Julien Petit ")]
    assert "Suivie par une autre personne" in masked[4]
    assert "Anna" not in words


def test_a_coordinator_sees_the_whole_cite(busy: dict[str, Any], client_of: ClientOf) -> None:
    page = client_of(busy["coordinator"]).get("/personnes")
    assert len(shown(page)) == 7 and "Jean Martin" in shown(page) and "Paul Quentin" in shown(page)
    assert "Les miennes" not in chips(page)
    waiting = next(row for row in rows(page) if row[0] == "Paul Quentin")
    assert "attend un référent depuis le" in waiting[2]


def test_a_spotter_sees_what_they_spotted_with_its_status_only(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    spotter, samira = (
        world.member("spotter", roubaix),
        world.member("referent", roubaix, first_name="Samira", last_name="Lahlou"),
    )
    followed = world.case(
        roubaix, spotted_by=spotter, referent=samira, first_name="Nadia", last_name="Lefebvre"
    )
    world.step(followed, samira, title="Crèche")
    world.interview(followed, samira)
    world.case(roubaix, spotted_by=spotter, first_name="Karim", last_name="Benali", status=Status.REPERE)
    world.case(roubaix, first_name="Autre", last_name="Personne")
    page = client_of(spotter).get("/personnes")
    assert sorted(shown(page)) == ["Karim Benali", "Nadia Lefebvre"] and "Ce que j’ai repéré" in page.main()
    assert "Crèche" not in page.main() and "Dernier contact" not in page.main()
    assert shown(client_of(spotter).get("/personnes?q=autre")) == []
    client_of(spotter).get("/personnes/export.xlsx", status=403)


@pytest.mark.parametrize("role", ["chef_de_file", "funder", "partner", "administrator"])
def test_other_roles_have_no_list(world: World, roubaix: Cite, client_of: ClientOf, role: str) -> None:
    client = client_of(world.member(role, roubaix))
    client.get("/personnes", status=403)
    client.get("/personnes/export.xlsx", status=403)


def test_signed_out_is_sent_to_sign_in(client: PageClient) -> None:
    for url in ("/personnes?statut=actif", "/personnes/export.xlsx"):
        assert client.get(url, status=303).location.startswith("/connexion")


def test_another_cite_shows_its_own_rows_only(
    busy: dict[str, Any], world: World, client_of: ClientOf
) -> None:
    elsewhere = world.member("coordinator", world.cite("Maubeuge"))
    assert shown(client_of(elsewhere).get("/personnes")) == []
    assert export_of(client_of(elsewhere))[1:] == []


def test_a_person_with_two_parcours_is_one_row(world: World, roubaix: Cite, client_of: ClientOf) -> None:
    from cityjobs.parcours.models import Parcours

    case = world.case(roubaix, first_name="Nadia", last_name="Lefebvre", status=Status.SORTI, days_ago=200)
    world.keep(
        Parcours(
            cite_id=roubaix.id,
            person_id=case.id,
            status=Status.REPERE,
            spotted_on=today() - timedelta(days=3),
        )
    )
    page = client_of(world.member("coordinator", roubaix)).get("/personnes")
    assert [row[:2] for row in rows(page)] == [["Nadia Lefebvre", "Repéré"]] and chips(page)["Toutes"] == 1


# Words of a row


def test_a_row_says_why_it_needs_action(busy: dict[str, Any], client_of: ClientOf) -> None:
    words = {row[0]: row for row in rows(client_of(busy["samira"]).get("/personnes"))}
    assert (
        "Crèche" in words["Nadia Lefebvre"][4]
        and "en retard" in words["Nadia Lefebvre"][4]
        and "il y a 2 jours" in words["Nadia Lefebvre"][4]
    )
    assert "Sans nouvelles" in words["Fatou Diallo"][3] and "il y a 5 semaines" in words["Fatou Diallo"][3]
    assert "Auto-école" in words["Karim Benali"][4] and "Plus tard" not in words["Karim Benali"][4]
    assert "hier" in words["Karim Benali"][3]
    assert "attend un référent" in words["Inès Caron"][2]
    assert "terminé le" in words["Zoé Zola"][4]


# Counts, chips, filters


def test_each_chip_says_what_it_leads_to(busy: dict[str, Any], client_of: ClientOf) -> None:
    client = client_of(busy["samira"])
    for start in (
        "/personnes",
        "/personnes?voir=cite",
        "/personnes?voir=cite&statut=actif",
        "/personnes?action=1",
        "/personnes?q=a",
        "/personnes?silence=30",
    ):
        page = client.get(start)
        for chip in page.all("a", class_="chip"):
            if chip.all("b") and "aria-current" not in chip.attributes:
                target = client.get(chip["href"])
                assert len(shown(target)) == int(chip.all("b")[0].text()), (start, chip.text())
        current = [chip for chip in page.all("a", class_="chip") if "aria-current" in chip.attributes]
        assert {int(chip.all("b")[0].text()) for chip in current} == {len(shown(page))}, start


def test_counts_by_status_and_action(busy: dict[str, Any], client_of: ClientOf) -> None:
    assert chips(client_of(busy["samira"]).get("/personnes")) == {
        "Les miennes": 5,
        "Toute la Cité": 7,
        "Toutes": 5,
        "En cours": 4,
        "Repérées": 1,
        "Rencontrées": 1,
        "Actives": 2,
        "Sorties": 1,
        "Action requise": 3,
    }


FILTERS = [
    "",
    "voir=cite",
    "statut=actif",
    "statut=en_cours&voir=cite",
    "action=1",
    "q=lefebvre",
    "q=martin",
    "silence=30",
    "attente=1&voir=cite",
    "qpv=oui",
    "canal=adulte_relais",
    "referent=aucun&voir=cite",
    "tri=-nom",
    "tri=echeance",
    "statut=pigeon&qpv=zzz&silence=7&par=1000&tri=x&page=-1&referent=x&entree_du=demain",
]


@pytest.mark.parametrize("query", FILTERS)
def test_list_counts_and_export_agree(busy: dict[str, Any], client_of: ClientOf, query: str) -> None:
    for who in ("samira", "coordinator"):
        client = client_of(busy[who])
        page = client.get(f"/personnes?{query}")
        exported = export_of(client, f"?{query}")[1:]
        assert int(page.all("h1")[0].text().removeprefix("Personnes ")) == len(shown(page)) == len(exported)
        assert [f"{row[0]} {row[1]}".strip() for row in exported] == shown(page)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("statut=rencontre", ["Fatou Diallo"]),
        ("statut=sorti", ["Zoé Zola"]),
        ("silence=30", ["Fatou Diallo", "Paul Quentin"]),
        ("silence=60", []),
        ("attente=1", ["Paul Quentin", "Inès Caron"]),
        ("referent=aucun", ["Inès Caron", "Paul Quentin"]),
        ("q=nadya lefevre", ["Nadia Lefebvre"]),
        ("q=caron inès", ["Inès Caron"]),
        ("q=zola&statut=actif", []),
        ("canal=porte_a_porte", []),
    ],
)
def test_filters(busy: dict[str, Any], client_of: ClientOf, query: str, expected: list[str]) -> None:
    assert sorted(shown(client_of(busy["coordinator"]).get(f"/personnes?{query}"))) == sorted(expected)


def test_filters_by_referent_quarter_and_entry(
    world: World, busy: dict[str, Any], roubaix: Cite, client_of: ClientOf
) -> None:
    qpv = Qpv(code="QN05901M", name="Alma – Gare", generation=2024, valid_from=today() - timedelta(days=900))
    world.keep(qpv)
    world.keep(CiteQpv(cite_id=roubaix.id, qpv_id=qpv.id))
    world.case(roubaix, first_name="Ali", last_name="Alma", qpv_answer="inside", qpv_id=qpv.id)
    world.case(roubaix, first_name="Bea", last_name="Hors", qpv_answer="outside", days_ago=300)
    client = client_of(busy["coordinator"])
    assert (
        shown(client.get(f"/personnes?qpv={qpv.id}"))
        == ["Ali Alma"]
        == shown(client.get("/personnes?qpv=oui"))
    )
    assert shown(client.get("/personnes?qpv=non")) == ["Bea Hors"]
    assert shown(client.get(f"/personnes?referent={busy['julien'].id}")) == ["Jean Martin"]
    until = (today() - timedelta(days=200)).isoformat()
    assert shown(client.get(f"/personnes?entree_au={until}")) == ["Bea Hors"]
    assert "Bea Hors" not in shown(client.get(f"/personnes?entree_du={until}"))
    page = client.get(f"/personnes?qpv={qpv.id}&silence=30&entree_au={until}")
    active = [chip.text() for chip in page.all("a", class_="filter")]
    assert active[0] == "Retirer le filtre QPV Alma – Gare" and len(active) == 3
    assert "Tous les filtres (3)" in page.main()
    assert page.links()["Tout effacer"] == "/personnes"
    form = page.form("/personnes", holding="qpv")
    assert (
        form.values["qpv"] == str(qpv.id)
        and form.values["silence"] == "30"
        and form.values["entree_au"] == until
    )


def test_a_masked_row_never_answers_a_filter_about_identity(
    world: World, busy: dict[str, Any], roubaix: Cite, client_of: ClientOf
) -> None:
    world.case(roubaix, referent=busy["julien"], first_name="Léa", last_name="Masquée", qpv_answer="outside")
    assert shown(client_of(busy["samira"]).get("/personnes?voir=cite&qpv=non")) == []
    assert shown(client_of(busy["julien"]).get("/personnes?qpv=non")) == ["Léa Masquée"]


# Search


def test_search_looks_in_the_whole_cite_and_keeps_the_rest_masked(
    busy: dict[str, Any], client_of: ClientOf
) -> None:
    client = client_of(busy["samira"])
    assert shown(client.get("/personnes?q=Elyse+martain+jean")) == ["J… M…"]
    assert shown(client.get("/personnes?q=martin&voir=miennes")) == []
    page = client.get("/personnes?q=introuvable")
    assert "Personne ne correspond" in page.main()
    found = client.submit(page.form("/reperage/chercher"), status=200)
    assert found.form(holding="first_name").values["first_name"] == "Introuvable"


@pytest.mark.parametrize(
    "typed", ["🙂", "%", "'; drop table person; --", "x" * 20_000, "\x00", "+33", "12/03/1990", "é" * 300]
)
def test_any_search_is_answered(busy: dict[str, Any], client_of: ClientOf, typed: str) -> None:
    answer = client_of(busy["samira"]).flask.get("/personnes", query_string={"q": typed})
    assert answer.status_code == 200


# Sort, pages


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("nom", ["Karim Benali", "Inès Caron", "Fatou Diallo", "Nadia Lefebvre", "Zoé Zola"]),
        ("-nom", ["Zoé Zola", "Nadia Lefebvre", "Fatou Diallo", "Inès Caron", "Karim Benali"]),
        ("contact", ["Inès Caron", "Zoé Zola", "Fatou Diallo", "Nadia Lefebvre", "Karim Benali"]),
        ("-contact", ["Karim Benali", "Nadia Lefebvre", "Fatou Diallo", "Inès Caron", "Zoé Zola"]),
        ("echeance", ["Nadia Lefebvre", "Karim Benali", "Inès Caron", "Fatou Diallo", "Zoé Zola"]),
        ("statut", ["Inès Caron", "Fatou Diallo", "Karim Benali", "Nadia Lefebvre", "Zoé Zola"]),
    ],
)
def test_sort_by_header(busy: dict[str, Any], client_of: ClientOf, sort: str, expected: list[str]) -> None:
    page = client_of(busy["samira"]).get(f"/personnes?tri={sort}")
    assert shown(page) == expected
    sorted_by = [th for th in page.all("th") if "aria-sort" in th.attributes]
    assert [th["aria-sort"] for th in sorted_by] == ["descending" if sort.startswith("-") else "ascending"]


def test_pages_hold_25_or_50_rows_and_never_jump(world: World, roubaix: Cite, client_of: ClientOf) -> None:
    for number in range(60):
        world.case(roubaix, first_name="Nadia", last_name=f"Lefebvre {number:02}")
    client = client_of(world.member("coordinator", roubaix))
    pages = [client.get(f"/personnes?tri=nom&page={number}") for number in (1, 2, 3)]
    assert [len(shown(page)) for page in pages] == [25, 25, 10]
    everyone = [name for page in pages for name in shown(page)]
    assert everyone == sorted(set(everyone)) and len(everyone) == 60
    assert [len(shown(client.get(f"/personnes?par=50&page={n}"))) for n in (1, 2)] == [50, 10]
    assert len(shown(client.get("/personnes?page=99"))) == 10, "the last page, not an empty one"
    assert pages[0].links()["Afficher 50 lignes par page"] == "/personnes?tri=nom&par=50"


@pytest.mark.parametrize("who", ["referent", "coordinator", "spotter"])
def test_queries_are_as_many_at_1_20_and_200_rows(
    world: World, roubaix: Cite, client_of: ClientOf, count_queries: Callable[[], Any], who: str
) -> None:
    member = world.member(who, roubaix)
    author = world.member("referent", roubaix)
    client, counted, made = client_of(member), [], 0
    for amount in (1, 20, 200):
        for _ in range(amount - made):
            case = world.case(roubaix, referent=member if who == "referent" else author, spotted_by=member)
            world.step(case, author)
        made = amount
        with count_queries() as statements:
            client.get("/personnes?par=50&statut=actif")
        counted.append(len(statements))
    assert counted[0] == counted[1] == counted[2] <= 6, statements


@pytest.mark.parametrize("role", ["referent", "coordinator"])
def test_the_export_takes_as_many_queries_at_1_and_200_rows(
    world: World, roubaix: Cite, client_of: ClientOf, count_queries: Callable[[], Any], role: str
) -> None:
    member = world.member(role, roubaix)
    client, counted = client_of(member), []
    for amount in (1, 200):
        for _ in range(amount):
            world.case(roubaix, referent=member if role == "referent" else None)
        with count_queries() as statements:
            assert len(export_of(client)) >= amount
        counted.append(len(statements))
    assert counted[0] == counted[1] <= 6


# Export

PAYLOADS = [
    "=1+1",
    '=HYPERLINK("http://x","y")',
    "+33 cmd",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "https://exemple.fr",
    "007",
    "1e5",
    "🙂",
    "<b>&\x07</b>",
]


def test_what_was_typed_is_never_a_formula_a_link_or_a_number(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    import zipfile

    for payload in PAYLOADS:
        world.case(
            roubaix, first_name=payload, last_name=payload, phone="+33612345678", status=Status.RENCONTRE
        )
    client = client_of(world.member("coordinator", roubaix))
    read = [row[:3] for row in export_of(client)[1:]]
    expected = {payload.replace("\r", "\n") for payload in PAYLOADS}
    assert {str(row[0]).replace("_x0007_", "\x07").replace("\r", "\n") for row in read} == expected
    assert all(isinstance(cell, str) for row in read for cell in row) and {row[2] for row in read} == {
        "+33612345678"
    }
    answer = client.flask.get("/personnes/export.xlsx")
    book = zipfile.ZipFile(io.BytesIO(answer.data))
    answer.close()
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and "<hyperlink" not in sheet


def test_the_export_names_nobody_outside_and_masks_inside(
    busy: dict[str, Any], client_of: ClientOf, world: World
) -> None:
    client = client_of(busy["samira"])
    answer = client.flask.get("/personnes/export.xlsx?voir=cite")
    assert (
        answer.headers["Content-Disposition"] == f"attachment; filename=personnes-{today().isoformat()}.xlsx"
    )
    assert answer.mimetype.endswith("spreadsheetml.sheet")
    answer.close()
    table = export_of(client, "?voir=cite")
    assert table[0][:3] == ["Prénom", "Nom", "Téléphone"]
    masked = next(row for row in table if row[0] == "J… M…")
    assert masked[1:6] == ["", "", "", "", ""] and masked[10] == "Julien Petit"
    late = next(row for row in table if row[1] == "Lefebvre")
    assert late[14] == "Crèche" and late[15] == today() - timedelta(days=2) and late[16] == "étape en retard"


def test_the_export_leaves_one_trace(busy: dict[str, Any], client_of: ClientOf, databases: Any) -> None:
    export_of(client_of(busy["samira"]), "?q=lefebvre")
    traces = databases.superuser.execute(
        "select actor, verb, subject, cite_id from audit.journal where subject = 'people_export'"
    ).fetchall()
    assert traces == [(busy["samira"].id, "read", "people_export", busy["samira"].cite.id)]


def test_too_long_an_export_is_refused_in_words(
    busy: dict[str, Any], client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views.people, "TOO_MANY", 3)
    client = client_of(busy["coordinator"])
    refused = client.get("/personnes/export.xlsx?tri=nom", status=303)
    assert refused.location == "/personnes?tri=nom"
    assert "ajoutez un filtre" in client.follow(refused).text()
    assert len(export_of(client, "?statut=sorti")) == 2


# Whatever the address says

values = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "",
            "1",
            "cite",
            "miennes",
            "actif",
            "en_cours",
            "nom",
            "-nom",
            "oui",
            "aucun",
            "30",
            "50",
            "2024-02-30",
            "2024-02-29",
        ]
    ),
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "q",
                "voir",
                "statut",
                "action",
                "referent",
                "qpv",
                "canal",
                "silence",
                "attente",
                "entree_du",
                "entree_au",
                "tri",
                "par",
            ]
        ),
        values,
    )
)
def test_any_address_makes_a_list(args: dict[str, str]) -> None:
    for role in (Role.REFERENT, Role.COORDINATOR, Role.SPOTTER):
        filters = read_filters(args, role, today())
        assert filters.size in SIZES and filters.sort.removeprefix("-") in ("", *SORTS)
        assert role is Role.REFERENT or filters.scope == "cite"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "voir": st.sampled_from(["cite", "miennes"]), "statut": st.sampled_from([*Status, "en_cours"]), "action": st.just("1"),
            "q": st.sampled_from(["lefebvre", "a", "martin jean", "06"]), "silence": st.sampled_from(["30", "60"]),
            "attente": st.just("1"), "qpv": st.sampled_from(["oui", "inconnu"]), "tri": st.sampled_from([*SORTS, "-contact"]),
        },
    )
)  # fmt: skip
def test_the_title_counts_the_rows_whatever_the_filters(
    busy: dict[str, Any], client_of: ClientOf, asked: dict[str, str]
) -> None:
    client = client_of(busy["samira"])
    answer = client.flask.get("/personnes", query_string=asked)
    page = Page(answer, "/personnes")
    assert int(page.all("h1")[0].text().removeprefix("Personnes ")) == len(page.all("tr")[1:])
