"""The page of the diagnosis in a real browser: by keyboard alone, kept while typing, on a phone too."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from cityjobs.core.permissions import Role
from cityjobs.parcours.rules.lifecycle import Status
from tests.conftest import Databases
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


@pytest.fixture
def opened(
    app: Flask, address: str, world: World, client_of: Callable[[Any], PageClient], chromium: Browser
) -> Iterator[Callable[[int], Page]]:
    """Opens the page of a version just begun, in a window of some width."""
    referent = world.member(Role.REFERENT, world.cite())
    case = world.case(referent.cite, referent=referent, status=Status.DIAGNOSTIC)
    client, path = client_of(referent), f"/personnes/{case.id}/diagnostic"
    client.submit(client.get(path).form("/commencer"))
    cookie = client.flask.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    windows = []

    def open_page(width: int) -> Page:
        window = chromium.new_context(
            viewport={"width": width, "height": 800}, locale="fr-FR", reduced_motion="reduce"
        )
        windows.append(window)
        window.add_cookies([{"name": cookie.key, "value": cookie.value, "url": address}])
        page = window.new_page()
        page.goto(address + path)
        return page

    yield open_page
    for window in windows:
        window.close()


def test_what_is_typed_is_kept_though_suggestions_are_asked_for_meanwhile(
    opened: Callable[[int], Page], databases: Databases
) -> None:
    databases.superuser.execute(
        "insert into rome_name (id, rome_code, occupation, name) values (1, 'D1102', 'Boulanger / Boulangère', 'Boulanger / Boulangère')"
    )
    page = opened(1280)
    page.locator("#occupation").press_sequentially("boulanj")
    page.locator("#metiers option").wait_for(state="attached")
    assert page.locator("#metiers option").first.get_attribute("value") == "Boulanger / Boulangère"
    page.get_by_text("Brouillon enregistré").wait_for()
    (kept,) = databases.superuser.execute("select fields ->> 'occupation' from draft").fetchall()
    assert kept == ("boulanj",)


def test_a_frein_is_told_and_saved_by_keyboard_alone(
    opened: Callable[[int], Page], databases: Databases
) -> None:
    page = opened(1280)
    page.locator("#mobilite_severity").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Diagnostic enregistré").first.wait_for()
    told = "select code, status, severity, is_priority, situations from frein"
    assert databases.superuser.execute(told).fetchall() == [
        ("mobilite", "identifie", 1, True, ["sans_transport"])
    ]


@pytest.mark.parametrize("width", [1280, 360, 320])
def test_the_page_fits_and_is_accessible(width: int, opened: Callable[[int], Page]) -> None:
    page = opened(width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(AXE.read_text())
    assert page.evaluate(WRONG) == []
