"""The pages where an administrator keeps the Cité and its perimeter."""

import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from cityjobs.core.permissions import Role
from cityjobs.territory.models import CiteCommune, CiteQpv, CollectiveMember, ProgrammeYear, Qpv, QpvCommune
from tests.conftest import Databases
from tests.manners import PageClient
from tests.world import Member, World

SignIn = Callable[[Any], PageClient]
PAGES = ("/administration", "/administration/perimetre", "/administration/annees/nouvelle")


@pytest.fixture
def administrator(world: World) -> Member:
    return world.member(Role.ADMINISTRATOR, world.cite("Roubaix"))


@pytest.fixture
def page_of(administrator: Member, client_of: SignIn) -> PageClient:
    return client_of(administrator)


def known_qpv(world: World, code: str = "QN05981M", name: str = "Nouveau Roubaix", **facts: Any) -> Qpv:
    qpv = Qpv(id=uuid.uuid4(), code=code, name=name, generation=2024, valid_from=date(2024, 1, 1), **facts)
    world.keep(qpv)
    world.keep(QpvCommune(qpv_id=qpv.id, insee_code="59512", name="Roubaix"))
    return qpv


def one(databases: Databases, query: str) -> Any:
    return databases.superuser.execute(query).fetchone()


@pytest.mark.parametrize("url", PAGES)
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_nobody_else_opens_these_pages(url: str, role: Role, world: World, client_of: SignIn) -> None:
    client_of(world.member(role, world.cite())).get(url, status=403)


@pytest.mark.parametrize("url", PAGES)
def test_somebody_not_signed_in_is_sent_to_sign_in(url: str, client: PageClient) -> None:
    assert "/connexion" in client.get(url, status=303).location


@pytest.mark.parametrize(
    "url",
    [
        "/administration/perimetre/qpv/{id}/retirer",
        "/administration/perimetre/qpv/{id}/ajouter",
        "/administration/perimetre/communes/59512/retirer",
        "/administration/annees/2024/retirer",
    ],
)
def test_what_is_not_mine_is_not_there(url: str, page_of: PageClient, world: World) -> None:
    other = world.cite("Calais")
    qpv = known_qpv(world)
    world.keep(
        CiteQpv(cite_id=other.id, qpv_id=qpv.id),
        CiteCommune(cite_id=other.id, insee_code="59512", name="Roubaix"),
        ProgrammeYear(cite_id=other.id, year=2024, envelope_euros=50_000),
    )
    page_of.post(url.format(id=qpv.id if "retirer" in url else uuid.uuid4()), status=404)
    page_of.get("/administration/annees/2024", status=404)


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.REFERENT])
def test_others_cannot_post_either(role: Role, world: World, client_of: SignIn) -> None:
    client = client_of(world.member(role, world.cite()))
    for url in (
        "/administration",
        "/administration/perimetre",
        f"/administration/perimetre/qpv/{uuid.uuid4()}/retirer",
    ):
        client.post(url, status=403)


# Settings


def test_settings_are_changed_and_said(
    page_of: PageClient, administrator: Member, databases: Databases
) -> None:
    page = page_of.get("/administration")
    assert page.form().values["programme_name"] == "Cités de l’emploi"
    answer = page_of.submit(
        page.form(),
        programme_name="Roubaix Emploi",
        qrr="y",
        uses_commission="y",
        silence_days="45",
        referent_capacity="60",
    )
    assert "enregistrés" in page_of.follow(answer).text()
    saved = "select programme_name, qrr, uses_commission, contrat_de_ville, silence_days, referent_capacity, version from cite where id = '{}'"
    assert one(databases, saved.format(administrator.cite.id)) == (
        "Roubaix Emploi",
        True,
        True,
        True,
        45,
        60,
        2,
    )


def test_the_lead_is_chosen_among_the_collective(
    page_of: PageClient, world: World, administrator: Member, databases: Databases
) -> None:
    ours = world.organisation(administrator.cite, "Centre social du Roman")
    theirs = world.organisation(world.cite("Calais"), "Mission d’ailleurs")
    form = page_of.get("/administration").form()
    assert "Mission d’ailleurs" not in page_of.get("/administration").text()
    page_of.submit(form, chef_de_file=str(ours.id))
    assert one(databases, f"select chef_de_file_id from cite where id = '{administrator.cite.id}'") == (
        ours.id,
    )
    form = page_of.get("/administration").form()
    refused = page_of.submit(form, chef_de_file=str(theirs.id), status=422)
    assert "Ce choix n’existe pas dans la liste" in refused.errors()


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("programme_name", "  ", "Donnez un nom au programme."),
        ("silence_days", "3", "compris entre 7 et 365"),
        ("silence_days", "trente", "Écrivez un nombre entier"),
        ("silence_days", "", "Indiquez un nombre de jours."),
        ("silence_days", "-30", "Écrivez un nombre entier"),
        ("escalation_days", "0", "compris entre 1 et 90"),
        ("referent_capacity", "9" * 40, "compris entre 1 et 500"),
    ],
)
def test_bad_settings_are_refused_in_french(
    page_of: PageClient, databases: Databases, field: str, typed: str, sentence: str
) -> None:
    page = page_of.submit(page_of.get("/administration").form(), status=422, **{field: typed})
    assert sentence in page.errors()
    assert page.form().values[field].strip() == typed.strip()
    assert one(databases, "select version from cite") == (1,)


def test_two_administrators_choose_between_both_versions(
    page_of: PageClient, world: World, administrator: Member, client_of: SignIn, databases: Databases
) -> None:
    first = page_of.get("/administration").form()
    other = client_of(world.member(Role.ADMINISTRATOR, administrator.cite))
    second = other.get("/administration").form()
    page_of.submit(first, programme_name="Le nom du premier", silence_days="20", npnru="y")
    both = other.submit(second, programme_name="Le nom du second", silence_days="40", status=409)
    assert "Le nom du premier" in both.text() and "Le nom du second" in both.text()
    chosen = {"keep-programme_name": "mine", "keep-silence_days": "theirs", "keep-npnru": "theirs"}
    other.submit(both.form(), **chosen)
    saved = f"select programme_name, silence_days, npnru from cite where id = '{administrator.cite.id}'"
    assert one(databases, saved) == ("Le nom du second", 20, True)


def test_settings_of_another_cite_never_move(page_of: PageClient, world: World, databases: Databases) -> None:
    other = world.cite("Calais")
    page_of.submit(page_of.get("/administration").form(), programme_name="Seulement le mien")
    assert one(databases, f"select programme_name from cite where id = '{other.id}'") == (
        "Cités de l’emploi",
    )


# Years


def test_years_are_added_changed_and_removed(page_of: PageClient, databases: Databases) -> None:
    page_of.submit(
        page_of.get("/administration/annees/nouvelle").form(), year="2026", envelope_euros="50 000 €"
    )
    assert one(databases, "select year, envelope_euros from programme_year") == (2026, 50_000)
    assert "50 000 €" in page_of.get("/administration").text()
    page = page_of.get("/administration/annees/2026")
    page_of.submit(page.form(holding="envelope_euros"), envelope_euros="60000")
    assert one(databases, "select envelope_euros from programme_year") == (60_000,)
    page = page_of.get("/administration/annees/2026")
    page_of.submit(page.form("/retirer"))
    assert one(databases, "select count(*) from programme_year") == (0,)
    page_of.get("/administration/annees/2026", status=404)


def test_a_year_cannot_be_there_twice(page_of: PageClient, databases: Databases) -> None:
    form = page_of.get("/administration/annees/nouvelle").form()
    page_of.submit(form, year="2026", envelope_euros="1")
    refused = page_of.submit(form, year="2026", envelope_euros="2", status=422)
    assert "déjà dans le programme" in refused.errors()
    assert one(databases, "select envelope_euros from programme_year") == (1,)


@pytest.mark.parametrize(
    ("year", "envelope", "sentence"),
    [
        ("1999", "1", "compris entre 2 000 et 2 200"),
        ("", "1", "Indiquez une année."),
        ("2026", "mille", "Écrivez un nombre entier"),
        ("2026", "", "Indiquez un montant"),
    ],
)
def test_bad_years_are_refused(page_of: PageClient, year: str, envelope: str, sentence: str) -> None:
    form = page_of.get("/administration/annees/nouvelle").form()
    page = page_of.submit(form, year=year, envelope_euros=envelope, status=422)
    assert sentence in page.errors().replace("\u202f", " ")


def test_an_envelope_changed_meanwhile_shows_both(page_of: PageClient, databases: Databases) -> None:
    page_of.submit(page_of.get("/administration/annees/nouvelle").form(), year="2026", envelope_euros="100")
    form = page_of.get("/administration/annees/2026").form(holding="envelope_euros")
    page_of.submit(form, envelope_euros="200")
    both = page_of.submit(form, envelope_euros="300", status=409)
    assert "200" in both.main() and "300" in both.main()
    page_of.submit(both.form(), **{"keep-envelope_euros": "theirs"})
    assert one(databases, "select envelope_euros from programme_year") == (200,)
    page_of.submit(both.form(), **{"keep-envelope_euros": "mine"})
    assert one(databases, "select envelope_euros from programme_year") == (300,)


# Perimeter


def test_a_commune_is_added_and_removed(page_of: PageClient, databases: Databases) -> None:
    form = page_of.get("/administration/perimetre").form(holding="insee_code")
    page_of.submit(form, insee_code=" 2b 033 ", name="Bastia")
    assert one(databases, "select insee_code, name from cite_commune") == ("2B033", "Bastia")
    page = page_of.get("/administration/perimetre")
    refused = page_of.submit(page.form(holding="insee_code"), insee_code="2B033", name="Bastia", status=422)
    assert "déjà dans le périmètre" in refused.errors()
    page_of.submit(page.form("/communes/2B033/retirer"))
    assert one(databases, "select count(*) from cite_commune") == (0,)


@pytest.mark.parametrize(
    ("code", "name", "sentence"),
    [
        ("5951", "Roubaix", "cinq caractères"),
        ("", "Roubaix", "Indiquez le code INSEE"),
        ("59512", "", "Indiquez le nom"),
    ],
)
def test_bad_communes_are_refused(page_of: PageClient, code: str, name: str, sentence: str) -> None:
    form = page_of.get("/administration/perimetre").form(holding="insee_code")
    assert sentence in page_of.submit(form, insee_code=code, name=name, status=422).errors()


@pytest.mark.parametrize("sought", ["QN05981M", "nouveau ROUBAIX", "roubaix", "qn059 rou"])
def test_a_qpv_is_found_added_removed_and_put_back(
    page_of: PageClient, world: World, databases: Databases, sought: str
) -> None:
    qpv = known_qpv(world)
    found = page_of.get(f"/administration/perimetre?q={sought}")
    page_of.submit(found.form("/ajouter"))
    assert one(databases, "select qpv_id from cite_qpv") == (qpv.id,)
    page = page_of.get(f"/administration/perimetre?q={sought}")
    assert "Aucun quartier connu" in page.text(), "what is in the perimeter is not offered again"
    removed = page_of.follow(page_of.submit(page.form("/retirer")))
    assert one(databases, "select count(*) from cite_qpv") == (0,)
    page_of.submit(removed.form("/ajouter"))
    assert one(databases, "select count(*) from cite_qpv") == (1,)


def test_qpv_near_the_cite_come_first(page_of: PageClient, world: World, administrator: Member) -> None:
    known_qpv(world, "QN01301M", "Europe d’ailleurs")
    known_qpv(world, "QN05999M", "Europe d’ici")
    world.keep(CiteCommune(cite_id=administrator.cite.id, insee_code="59512", name="Roubaix"))
    text = page_of.get("/administration/perimetre?q=europe").text()
    assert text.index("Europe d’ici") < text.index("Europe d’ailleurs")


@pytest.mark.parametrize("sought", ["%", "_", "''", "<script>", "é" * 300, " "])
def test_odd_searches_find_nothing_and_break_nothing(page_of: PageClient, world: World, sought: str) -> None:
    known_qpv(world)
    page = page_of.get("/administration/perimetre", query_string={"q": sought})
    assert "Ajouter Nouveau Roubaix" not in page.text()


@pytest.mark.parametrize("rows", [1, 20, 200])
def test_pages_cost_the_same_whatever_they_hold(
    page_of: PageClient, world: World, administrator: Member, count_queries: Any, rows: int
) -> None:
    cite = administrator.cite
    for number in range(rows):
        qpv = Qpv(
            id=uuid.uuid4(), code=f"QN{number:05}M", name=f"Quartier {number}", generation=2024,
            valid_from=date(2024, 1, 1),
        )  # fmt: skip
        world.session.add(qpv)
        world.session.flush()
        world.session.add_all(
            [
                CiteQpv(cite_id=cite.id, qpv_id=qpv.id),
                QpvCommune(qpv_id=qpv.id, insee_code="59512", name="Roubaix"),
                CiteCommune(cite_id=cite.id, insee_code=f"{number:05}", name=f"Commune {number}"),
                ProgrammeYear(cite_id=cite.id, year=2000 + number % 200, envelope_euros=1),
            ]
        )
    world.session.commit()
    for number in range(rows):
        organisation = world.organisation(cite, f"Organisation {number:03}") if number < 20 else None
        assert organisation is None or organisation.id
    for url, most in (("/administration", 4), ("/administration/perimetre?q=quartier", 6)):
        with count_queries() as statements:
            page_of.get(url)
        assert len(statements) <= most, statements


def test_a_collective_member_alone_gives_no_page(world: World, client_of: SignIn) -> None:
    """Working for the chef de file is not being its administrator."""
    cite = world.cite()
    organisation = world.organisation(cite)
    world.keep(CollectiveMember(cite_id=world.cite("Calais").id, organisation_id=organisation.id))
    client_of(world.member(Role.CHEF_DE_FILE, cite, organisation_id=organisation.id)).get(
        "/administration", status=403
    )
