"""One person's eight months, in a browser, with the clock moved: from a stairwell to a lasting job."""

import io
import re
import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from pypdf import PdfReader
from werkzeug.serving import make_server

from cityjobs.core import clock
from cityjobs.plans.rules import KeptLine
from tests.browser.conftest import AXE
from tests.conftest import Databases
from tests.manners import PageClient
from tests.plans import makers
from tests.world import Member, World

BEGAN = clock.today() - timedelta(days=245)


class Calendar:
    """What day it is for the house: some days before the true one, never after, as the database has its own clock."""

    def __init__(self) -> None:
        self.day = 0

    @property
    def today(self) -> date:
        return BEGAN + timedelta(days=self.day)

    def behind(self) -> timedelta:
        return timedelta(days=245 - self.day)

    def moved(self) -> type[datetime]:
        calendar = self

        class Moved(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
                return datetime.now(tz) - calendar.behind()

        return Moved


@pytest.fixture
def calendar(monkeypatch: pytest.MonkeyPatch) -> Calendar:
    known = Calendar()
    monkeypatch.setattr(clock, "datetime", known.moved())
    return known


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Window:
    """A professional at work: each page that they come to fits, and is accessible the first time that it is seen."""

    def __init__(self, page: Page, address: str, width: int, judged: set[tuple[str, int]]) -> None:
        self.page, self.address, self.width, self.judged = page, address, width, judged

    def go(self, path: str) -> None:
        answer = self.page.goto(self.address + path)
        assert answer is not None and answer.status < 400, (path, answer and answer.status)
        self.look()

    def look(self) -> None:
        """What axe and the width of the screen say of the page."""
        self.page.wait_for_load_state("load")
        assert self.page.evaluate("document.documentElement.scrollWidth") <= self.width, self.page.url
        place = re.sub(r"[0-9a-f-]{36}", "", self.page.url), self.width
        if place in self.judged:
            return
        self.judged.add(place)
        self.page.evaluate(AXE.read_text())
        wrong = self.page.evaluate(
            "async () => (await axe.run()).violations.map(v => [v.id, v.nodes[0].html])"
        )
        assert wrong == [], (self.page.url, self.width, wrong)

    def answer(self, **answers: Any) -> None:
        """Fill fields by their name: dates and numbers as they are typed, choices by their code, boxes when true."""
        for name, value in answers.items():
            field = self.page.locator(f"main [name='{name}']")
            kind = field.first.evaluate("e => e.tagName + ':' + (e.type || '')")
            if kind.endswith(":radio") or (kind.endswith(":checkbox") and value is not True):
                for code in value if isinstance(value, tuple) else (value,):
                    box = self.page.locator(f"main [name='{name}'][value='{code}']")
                    box.evaluate(
                        "e => { for (let d = e.closest('details'); d; d = d.parentElement.closest('details')) d.open = true }"
                    )
                    box.check()
            elif kind.endswith(":checkbox"):
                field.first.check()
            elif kind.startswith("SELECT"):
                field.first.select_option(value)
            else:
                field.first.fill(value.isoformat() if isinstance(value, date) else str(value))

    def press(self, name: str, leads_to: str = "") -> None:
        """Press the button so named; the page that follows is looked at."""
        button = self.page.locator("main").get_by_role("button", name=re.compile(name))
        with self.page.expect_navigation():
            button.first.click()
        errors = self.page.locator("main .field-error, main .error-summary").all_inner_texts()
        assert re.search(leads_to, self.page.url) and not errors, (leads_to, self.page.url, errors)
        self.look()

    def says(self, *words: str) -> None:
        shown = " ".join(self.page.inner_text("main").split()) + " ".join(
            self.page.locator("#messages").all_inner_texts()
        )
        for each in words:
            assert each in shown, (each, self.page.url, shown[:3000])

    def queue(self, name: str) -> str:
        """The words of a queue of « Ma journée », empty when it is not shown."""
        found = self.page.locator(f"section#{name}")
        return found.inner_text() if found.count() else ""


@pytest.fixture
def window(
    app: Flask, address: str, chromium: Browser, client_of: Callable[[Any], PageClient]
) -> Iterator[Callable[..., Window]]:
    """`window(member)`: somebody sits down to work on the present day of the calendar."""
    opened: list[Any] = []
    judged: set[tuple[str, int]] = set()

    def sit_down(member: Member, width: int = 1280) -> Window:
        cookie = client_of(member).flask.get_cookie(app.config["SESSION_COOKIE_NAME"])
        assert cookie is not None
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, locale="fr-FR", reduced_motion="reduce"
        )
        context.set_default_timeout(20_000)
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": address}])
        opened.append(context)
        return Window(context.new_page(), address, width, judged)

    yield sit_down
    for context in opened:
        context.close()


def test_from_a_stairwell_to_a_lasting_job(
    calendar: Calendar, window: Callable[..., Window], world: World, databases: Databases
) -> None:
    cite = world.cite("Roubaix")
    spotter = world.member("spotter", cite, first_name="Djamel")
    coordinator = world.member("coordinator", cite, first_name="Hélène")
    samira = world.member("referent", cite)
    makers.kept_plan(
        world, cite, "Lever les premiers freins",
        KeptLine("Se déplacer seule", "mobilite", None, "permis_code", "Code de la route", 40),
        KeptLine("Faire garder les enfants", "garde_enfant_famille", None, "garde_enfant_solution", "Place en crèche", 30),
        KeptLine("Un métier visé", None, None, "pmsmp_immersion", "Immersion en cuisine", 60),
    )  # fmt: skip

    # Day 0: met in a stairwell, by somebody who will see nothing more of it.
    adulte_relais = window(spotter, 360)
    adulte_relais.go("/reperage")
    adulte_relais.answer(q="Nadia Lefebvre 06 12 34 56 78")
    adulte_relais.press("Chercher")
    adulte_relais.answer(
        channel="porte_a_porte", qpv="unknown", spotted_on=calendar.today, agreed=True, informed=True
    )
    adulte_relais.press("^Enregistrer", "/personnes")
    (person_id,) = databases.superuser.execute("select id from person").fetchone()  # type: ignore[misc]
    file = f"/personnes/{person_id}"

    calendar.day = 2
    board = window(coordinator)
    board.go("/coordination")
    board.page.get_by_role("checkbox", name=re.compile("Choisir Nadia")).first.check()
    board.answer(target=str(samira.id))
    board.press("^Attribuer", "/coordination/attributions/")

    calendar.day = 3
    me = window(samira, 360)
    me.go("/ma-journee")
    assert "Nadia Lefebvre" in me.queue("nouvelles")
    me.go(file)
    me.answer(synthesis="Elle veut cuisiner. Rendez-vous pris.", mode="telephone")
    me.press("^Enregistrer")

    calendar.day = 10
    me = window(samira)
    me.go(file)
    me.answer(synthesis="Première rencontre, à l’accueil du quartier.", mode="presentiel_rdv")
    me.press("^Enregistrer")
    me.says("Rencontré")

    # Day 18: the shared diagnosis, during a conversation.
    calendar.day = 18
    me.go(f"{file}/parcours/start_assessment")
    me.answer(on=calendar.today)
    me.press("Commencer le diagnostic", f"{file}$")
    me.go(f"{file}/diagnostic")
    if me.page.get_by_role("button", name=re.compile("^Commencer")).count():
        me.press("^Commencer")
    for frein, severity in (("mobilite", "3"), ("garde_enfant_famille", "2"), ("numerique", "1")):
        me.answer(**{f"{frein}_status": "identifie", f"{frein}_severity": severity})
    me.answer(
        mobilite_priority=True, strengths="Cuisine pour la fête du quartier.", occupation="Commis de cuisine"
    )
    me.press("Terminer cette version")
    me.go(f"{file}/parcours/enroll")
    me.answer(
        on=calendar.today, situation="de_non_inscrit", inscription_ft="non_inscrit_jamais",
        organisme_referent="aucun", months_without_job="12_23m", education="n3", household="parent_isole",
        resources=("rsa",),
    )  # fmt: skip
    me.press("Entrer en parcours", f"{file}$")
    me.says("Actif", "Mobilité")

    # Day 20: the plan, from a template; the agreement, and its signed copy.
    calendar.day = 20
    me.go(f"{file}/plan/modeles/appliquer")
    me.press("Appliquer ce modèle", "/plan")
    me.says("Code de la route", "Place en crèche", "Immersion en cuisine")
    me.go(f"{file}/accord/nouveau")
    for box in me.page.locator("main [name='goals']").all():
        box.check()
    me.answer(agreed_on=calendar.today, review_on=calendar.today + timedelta(days=80), way="signed")
    me.press("Enregistrer l’accord", "/accord/1")
    me.page.locator("main [name='file']").set_input_files(
        {"name": "contrat.pdf", "mimeType": "application/pdf", "buffer": makers.PDF}
    )
    me.press("Joindre")
    me.says("contrat.pdf")

    # Day 66: two freins lifted, as the étapes that served them end.
    calendar.day = 66
    me = window(samira)
    for label in ("Code de la route", "Place en crèche"):
        me.go(f"{file}/plan")
        line = me.page.locator("main li", has=me.page.get_by_text(label, exact=True)).first
        line.get_by_role("link", name=re.compile("Réalisée|Terminer|réalisée")).first.click()
        me.look()
        me.answer(on=calendar.today, result="atteint")
        for box in me.page.locator("main [name='reached'], main [name='freins']").all():
            box.check()
        me.press("Étape réalisée")
    me.go(file)
    me.says("Levé")
    lifted = databases.superuser.execute(
        "select code from frein where status = 'leve' order by code"
    ).fetchall()
    assert lifted == [("garde_enfant_famille",), ("mobilite",)]

    # In the middle: the sheet she takes home.
    me.go(f"{file}/mon-parcours")
    me.says("Nadia Lefebvre", "Immersion en cuisine", "Code de la route", samira.user.display_name)
    with me.page.expect_download() as downloading:
        me.page.get_by_role("link", name=re.compile("Télécharger en PDF")).click()
    sheet = PdfReader(io.BytesIO(downloading.value.path().read_bytes()))
    assert len(sheet.pages) == 1 and "Immersion en cuisine" in sheet.pages[0].extract_text()

    # Day 90 to 112: a pause, which the day recalls when it ends.
    calendar.day = 90
    me = window(samira)
    me.go(f"{file}/parcours/suspend")
    me.answer(reason="raison_personnelle", on=calendar.today, until=calendar.today + timedelta(days=21))
    me.press("Suspendre", f"{file}$")
    me.says("Suspendu")
    calendar.day = 112
    me = window(samira, 360)
    me.go("/ma-journee")
    assert "Nadia Lefebvre" in me.queue("suspensions") and "Nadia Lefebvre" in me.queue("accords-a-revoir")
    assert "Nadia Lefebvre" not in me.queue("sans-contact")
    me.page.locator("section#suspensions").get_by_role("link", name=re.compile("^Reprendre")).click()
    me.look()
    me.answer(on=calendar.today)
    me.press("^Reprendre", f"{file}$")

    # Day 140: hired. Then day 8 and month 3, which fall due by themselves.
    calendar.day = 140
    me = window(samira)
    me.go(f"{file}/parcours/hire")
    me.answer(
        kind="contract",
        contract="cdi",
        on=calendar.today,
        occupation="Commis de cuisine",
        employer="Cantine du Port",
    )
    me.press("Commencer le suivi", f"{file}$")
    for day, moment in ((149, "8 jours"), (234, "3 mois")):
        calendar.day = day
        me = window(samira, 360 if day == 149 else 1280)
        me.go("/ma-journee")
        assert "Nadia Lefebvre" in me.queue("points-emploi") and moment in me.queue("points-emploi")
        me.page.locator("section#points-emploi").get_by_role(
            "link", name=re.compile("^Faire le point")
        ).click()
        me.look()
        me.answer(in_job="oui", done_on=calendar.today, note="Tout va bien, l’équipe est contente.")
        me.press("Noter le point", f"{file}$")
        me.go("/ma-journee")
        assert me.queue("points-emploi") == ""

    # Day 245: out, into a lasting job, with its evidence; what is still open is closed with one decision each.
    calendar.day = 245
    me = window(samira)
    me.go(f"{file}/parcours/close")
    me.page.locator("main [name='reason']").select_option("cdi")
    me.page.locator("#lecture .tag").first.wait_for()
    me.says("durable")
    me.answer(
        evidence="contrat",
        evidence_seen_on=calendar.today,
        on=calendar.today,
        situation="emploi_cdi",
        inscription_ft="radie_sorti",
    )
    for group in me.page.locator("#ouvert ~ fieldset, section[aria-labelledby='ouvert'] fieldset").all():
        group.locator("input[type=radio]").first.check()
    me.press("Clore le parcours", f"{file}$")
    me.says("Sorti", "durable")
    assert databases.superuser.execute("select category, evidence from parcours_exit").fetchall() == [
        ("durable", "contrat")
    ]
    open_things = "select (select count(*) from goal where status = 'open') + (select count(*) from agreement where ended_on is null)"
    assert databases.superuser.execute(open_things).fetchone() == (0,)

    # The figures agree, and open the row behind them.
    board = window(coordinator)
    board.go(f"/pilotage?periode=annee&du={BEGAN.isoformat()}")
    figure = board.page.locator("main a[href*='figure=ind_sorties_dynamiques']").first
    assert re.search(r"\b(1|100)\b", figure.inner_text()), figure.inner_text()
    figure.click()
    board.look()
    board.says("Nadia Lefebvre")
