"""« Mon parcours »: what the person takes home, and nothing that others should not read on a kitchen table."""

import io
from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from pypdf import PdfReader

from cityjobs.core.clock import today
from cityjobs.core.web import day
from cityjobs.followups.models import NextStep
from cityjobs.plans.models import Etape
from cityjobs.plans.rules import EtapeStatus
from tests.conftest import Databases
from tests.manners import PageClient
from tests.plans import makers
from tests.world import Case, Member, World

Clients = Callable[[Any], PageClient]


@pytest.fixture
def samira(world: World) -> Member:
    cite = world.cite("Roubaix")
    member = world.member("referent", cite, organisation_id=world.organisation(cite, "PLIE").id)
    member.user.phone = "+33320010203"
    world.session.commit()
    return member


@pytest.fixture
def case(world: World, samira: Member) -> Case:
    case = world.case(samira.cite, referent=samira)
    in_days = lambda days: today() + timedelta(days=days)  # noqa: E731
    world.step(case, samira, in_days=2, title="Apporter le CV")
    world.step(case, samira, in_days=-4, title="Déjà passé", due_at=time(9))
    world.step(
        case, samira, in_days=5, title="Point avec Samira", due_at=time(14, 30), place="12 rue du Port"
    )
    world.interview(case, samira, synthesis="Ceci ne sort pas.")
    goal = makers.goal(world, case, makers.frein(world, case, "mobilite"), label="Objectif discret")
    makers.etape(world, case, goal, label="Code de la route", planned_to=in_days(30))
    makers.etape(world, case, goal, label="Carte de transport", status=EtapeStatus.REALISEE)
    makers.etape(world, case, goal, label="Stage laissé", status=EtapeStatus.ABANDONNEE)
    csapa = world.organisation(samira.cite, "CSAPA du Nord", kind="CSAPA", is_sensitive=True)
    house = csapa.id
    care = makers.goal(world, case, makers.frein(world, case, "sante"), label="Se soigner")
    owed = makers.goal(world, case, code="problematique_judiciaire", label="Être appuyé")
    makers.etape(world, case, care, label="Rendez-vous tenu", status=EtapeStatus.REALISEE)
    makers.etape(world, case, owed, label="Préparer l’audience")
    for code in (
        "dossier_mdph_rqth",
        "acces_soins",
        "soutien_psy",
        "budget_surendettement",
        "regularisation_droit_travail",
    ):
        makers.etape(world, case, goal, type=code, label=f"Discrète {code}", organisation_id=house)
    makers.etape(world, case, label="Atelier du mardi", organisation_id=house)
    second = world.member("referent", samira.cite, first_name="Inès", last_name="Roy", organisation_id=house)
    world.assign(case.person, case.parcours, second, kind="co_referent")
    return case


def read(answer: Any) -> str:
    return " ".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.get_data())).pages)


DISCREET = (
    "CSAPA",
    "Autre partenaire",
    "Se soigner",
    "Rendez-vous tenu",
    "audience",
    "Discrète",
    "MDPH",
    "appuyé",
)


def said_on(answer: Any) -> str:
    """The words of the sheet itself, without what else is on its page."""
    assert answer.status_code == 200
    text = read(answer) if answer.mimetype == "application/pdf" else answer.get_data(as_text=True)
    return " ".join(text.split("<article", 1)[-1].split("</article>")[0].split())


@pytest.mark.parametrize("role", ["referent", "coordinator"])
@pytest.mark.parametrize("name", ["mon-parcours", "mon-parcours.pdf"])
def test_the_sheet_says_what_the_person_needs_and_nothing_else(
    world: World, case: Case, samira: Member, client_of: Clients, name: str, role: str
) -> None:
    reader = samira if role == "referent" else world.member(role, samira.cite)
    answer = client_of(reader).flask.get(f"/personnes/{case.id}/{name}")
    said = said_on(answer)
    for words in (
        case.person.first_name, "Point avec Samira", "12 rue du Port", "30", samira.user.display_name, "PLIE",
        "03 20 01 02 03", "Code de la route", "Carte de transport", "Atelier du mardi", "Inès Roy",
    ):  # fmt: skip
        assert words in said, words
    assert day(today() + timedelta(days=5)).split()[-1] in said
    for words in (
        "Ceci ne sort pas",
        "santé",
        "Santé",
        "Objectif discret",
        "Stage laissé",
        "Déjà passé",
        "Apporter",
    ):
        assert words not in said, words
    whole = said if answer.mimetype == "application/pdf" else answer.get_data(as_text=True)
    assert [words for words in DISCREET if words in whole] == []


def test_whoever_hands_it_over_chooses_what_it_says(
    world: World, case: Case, samira: Member, client_of: Clients
) -> None:
    client, url = client_of(samira), f"/personnes/{case.id}/mon-parcours"
    page = client.get(url)
    ticked = dict.fromkeys(page.form(holding="choisi").values["chose"])
    hidden = world.session.scalar(sa.select(Etape.id).where(Etape.type == "acces_soins"))
    [errand] = world.session.scalars(sa.select(NextStep.id).where(NextStep.title == "Apporter le CV"))
    assert len(ticked) == 4 and str(errand) not in ticked
    asked = {"choisi": "1", "chose": [str(errand), str(hidden), "rien", *list(ticked)[:1]]}
    for name in (url, f"{url}.pdf"):
        said = said_on(client.flask.get(name, query_string=asked))
        assert "Apporter le CV" in said and "Point avec Samira" in said, "what was ticked"
        assert [
            words for words in (*DISCREET, "Code de la route", "Carte de transport") if words in said
        ] == []
    page = client.get(f"{url}?choisi=1&chose={errand}")
    assert page.form(holding="choisi").values["chose"] == [str(errand)]
    assert f"mon-parcours.pdf?choisi=1&chose={errand}" in " ".join(page.links().values())
    nothing = said_on(client.flask.get(url, query_string={"choisi": "1"}))
    assert "Pas encore fixé" in nothing and "Rien de prévu" in nothing


def test_the_pdf_is_one_a5_sheet_that_is_read_aloud(case: Case, samira: Member, client_of: Clients) -> None:
    answer = client_of(samira).flask.get(f"/personnes/{case.id}/mon-parcours.pdf")
    assert answer.headers["Content-Disposition"] == "attachment; filename=mon-parcours.pdf"
    pdf = PdfReader(io.BytesIO(answer.get_data()))
    assert len(pdf.pages) == 1
    width, height = (float(side) / 72 * 25.4 for side in pdf.pages[0].mediabox.upper_right)
    assert (round(width), round(height)) == (148, 210)
    root = pdf.trailer["/Root"].get_object()
    assert root["/MarkInfo"]["/Marked"] and root["/Lang"].startswith("fr")


def test_the_fullest_sheet_is_still_one_page(
    world: World, case: Case, samira: Member, client_of: Clients
) -> None:
    for number in range(12):
        world.step(case, samira, in_days=6 + number, title=f"Apporter un papier bien nommé {number} " * 2)
        makers.etape(world, case, label="Une étape au nom plutôt long " * 2, status=EtapeStatus.REALISEE)
        makers.etape(world, case, label="Une étape au nom plutôt long " * 2)
    for _ in range(3):
        world.assign(case.person, case.parcours, world.member("referent", samira.cite), kind="co_referent")
    answer = client_of(samira).flask.get(f"/personnes/{case.id}/mon-parcours.pdf")
    assert len(PdfReader(io.BytesIO(answer.get_data())).pages) == 1


def test_what_does_not_fit_on_the_sheet_is_named_beside_it(
    world: World, case: Case, samira: Member, client_of: Clients
) -> None:
    for number in range(6):
        world.step(case, samira, in_days=6 + number, title=f"Apporter le papier {number}")
    url = f"/personnes/{case.id}/mon-parcours"
    papers = world.session.scalars(
        sa.select(NextStep).where(NextStep.title.like("Apporter le papier%"))
    ).all()
    asked = {"choisi": "1", "chose": [str(paper.id) for paper in papers]}
    answer = client_of(samira).flask.get(url, query_string=asked)
    assert "Apporter le papier 4" in said_on(answer) and "Apporter le papier 5" not in said_on(answer)
    beside = answer.get_data(as_text=True).split("</article>")[1]
    assert "tient sur une page\u00a0: «\u00a0Apporter le papier 5\u00a0» n’y est pas" in beside
    five = client_of(samira).flask.get(url, query_string={"choisi": "1", "chose": asked["chose"][:5]})
    assert "tient sur une page" not in five.get_data(as_text=True)


def test_the_sheet_invites_to_call_only_whoever_can_be_called(
    world: World, case: Case, samira: Member, client_of: Clients
) -> None:
    url = f"/personnes/{case.id}/mon-parcours"
    assert samira.user.phone
    for phone, invited in ((samira.user.phone, True), (None, False)):
        samira.user.phone = phone
        world.keep(samira.user)
        for name in (url, f"{url}.pdf"):
            said = said_on(client_of(samira).flask.get(name, query_string={"choisi": "1"}))
            assert "Pas encore fixé" in said and ("Je peux appeler" in said) is invited, (name, phone)


def test_an_empty_sheet_still_speaks(world: World, samira: Member, client_of: Clients) -> None:
    alone = world.case(samira.cite, referent=samira)
    page = client_of(samira).get(f"/personnes/{alone.id}/mon-parcours").main()
    assert "Pas encore fixé" in page and "Rien de prévu" in page and samira.user.display_name in page


def test_it_is_for_those_who_follow_and_leaves_a_trace(
    world: World, case: Case, samira: Member, client_of: Clients, client: PageClient, databases: Databases
) -> None:
    for name in ("mon-parcours", "mon-parcours.pdf"):
        url = f"/personnes/{case.id}/{name}"
        client_of(world.member("referent", samira.cite)).get(url, status=404)
        client_of(world.member("coordinator", world.cite("Calais"))).get(url, status=404)
        client_of(world.member("chef_de_file", samira.cite)).get(url, status=403)
        assert client.get(url, status=303).location.startswith("/connexion")
        assert client_of(world.member("coordinator", samira.cite)).flask.get(url).status_code == 200
    read_by = databases.superuser.execute(
        "select count(*) from audit.journal where verb = 'read' and subject = 'person' and subject_id = %s",
        (str(case.id),),
    ).fetchone()
    assert read_by is not None and read_by[0] == 2


def test_the_sheet_costs_the_same_whatever_there_is(
    case: Case, samira: Member, client_of: Clients, count_queries: Callable[[], Any]
) -> None:
    client = client_of(samira)
    for name in ("mon-parcours", "mon-parcours.pdf"):
        client.flask.get(f"/personnes/{case.id}/{name}")
        with count_queries() as statements:
            client.flask.get(f"/personnes/{case.id}/{name}")
        assert len(statements) == 4, statements
