"""The pages of absences and of a household in a real browser: they fit a phone, and are accessible."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser
from werkzeug.serving import make_server

from tests.absences.conftest import Team
from tests.manners import PageClient
from tests.world import World

AXE = Path(__file__).parents[2] / "cityjobs" / "assets" / "node_modules" / "axe-core" / "axe.min.js"
WRONG = "async () => (await axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa']})).violations.map(v => v.id)"


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """The application, listening."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("width", [1280, 320])
def test_the_pages_fit_and_are_accessible(
    width: int,
    app: Flask,
    address: str,
    team: Team,
    world: World,
    client_of: Callable[[Any], PageClient],
    chromium: Browser,
) -> None:
    absence = world.absence(team.samira, team.julien)
    world.interview(team.hers, team.julien, days_ago=0)
    world.tie(team.hers, team.seconded)
    client = client_of(team.coordinator)
    client.get("/absences")
    cookie = client.flask.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    window = chromium.new_context(
        viewport={"width": width, "height": 800}, locale="fr-FR", reduced_motion="reduce"
    )
    window.add_cookies([{"name": cookie.key, "value": cookie.value, "url": address}])
    page = window.new_page()

    def look(what: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width, what
        page.evaluate(AXE.read_text())
        assert page.evaluate(WRONG) == [], what

    home = f"/personnes/{team.hers.id}/foyer"
    for path in ("/absences", "/absences/nouvelle", f"/absences/{absence.id}", "/coordination", home):
        page.goto(address + path)
        look(path)
    page.goto(f"{address}/absences/nouvelle")
    page.get_by_role("button", name="Noter l’absence").click()
    look("an absence refused")
    page.goto(address + home)
    page.locator("#q").fill("Lefebvre")
    page.get_by_role("button", name="Chercher", exact=True).last.click()
    page.get_by_role("heading", name="correspond").wait_for()
    look("whom the search found")
    window.close()
