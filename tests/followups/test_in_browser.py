"""Sensitive words in a real browser: kept as a draft while typing, read again by keyboard, on a phone too."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from tests.followups.conftest import Scene
from tests.manners import PageClient

AXE = Path(__file__).parents[2] / "cityjobs" / "assets" / "node_modules" / "axe-core" / "axe.min.js"
WRONG = "async () => (await axe.run(document, {resultTypes: ['violations']})).violations.map(v => v.id)"
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


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
def test_the_quick_entry_of_the_file_asks_to_read_again(
    width: int,
    app: Flask,
    address: str,
    scene: Scene,
    client_of: Callable[[Any], PageClient],
    chromium: Browser,
    rows: Callable[..., list[Any]],
) -> None:
    cookie = client_of(scene.samira).flask.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    window = chromium.new_context(viewport={"width": width, "height": 800}, reduced_motion="reduce")
    window.add_cookies([{"name": cookie.key, "value": cookie.value, "url": address}])
    page: Page = window.new_page()
    page.goto(address + scene.url)
    page.locator("#synthesis").fill("Elle sort d’une dépression.")
    page.get_by_text("Brouillon enregistré").first.wait_for()
    page.locator("#synthesis").press("Control+Enter")
    box = page.get_by_label("Je l’ai relu : ces mots sont nécessaires")
    box.wait_for()
    assert page.locator("#synthesis").input_value() == "Elle sort d’une dépression."
    assert page.locator("#synthesis").get_attribute("aria-invalid") == "true"
    page.evaluate(AXE.read_text())
    assert page.evaluate(WRONG) == []
    assert page.evaluate(WIDER) <= 0
    assert rows("select 1 from interview") == []
    box.focus()
    page.keyboard.press("Space")
    page.locator("#synthesis").press("Control+Enter")
    page.get_by_text("Échange enregistré.").wait_for()
    assert rows("select synthesis from interview") == [("Elle sort d’une dépression.",)]
    assert rows("select subject_id from audit.journal where verb = 'warn'") == [("mots_sante",)]
    window.close()
