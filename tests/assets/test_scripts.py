"""What the scripts do in a real browser: the lock loses nothing, drafts are kept, forms leave once, pages stand up to axe."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import (
    Flask,
    Response,
    flash,
    jsonify,
    render_template,
    render_template_string,
    request,
    send_from_directory,
)
from flask.typing import ResponseReturnValue
from werkzeug.serving import make_server

from cityjobs.assets import build, showcase
from cityjobs.core import web

FORM = """{% extends "layout.html" %}{% import "ui/forms.html" as forms %}{% block title %}Essai{% endblock %}
{% block content %}<h1>Essai</h1>{% call forms.form(form, action="/essai", draft=draft, quick=True) %}{{ forms.field(form.said) }}{% endcall %}{% endblock %}"""
MINUTE = 60_000


@dataclass
class Server:
    """A house of one page, with a server that locks when told to."""

    url: str = ""
    locked: bool = False
    drafts: dict[str, Any] = field(default_factory=dict)
    posts: list[dict[str, str]] = field(default_factory=list)
    asked: int = 0


def make_pages(server: Server, static: Path) -> Flask:
    app = Flask(__name__, template_folder=str(Path(__file__).parents[2] / "templates"), static_folder=None)
    app.config.update(SECRET_KEY="only for this test", WTF_CSRF_ENABLED=False)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    for shape in (web.day, web.day_short, web.month, web.hour, web.ago, web.number, web.percent, web.phone):
        app.add_template_filter(shape)
    manifest = build.build(static)
    me = SimpleNamespace(
        missions=[SimpleNamespace(id=1, cite_name="Roubaix", role="Référente", organisation_name="PLIE")],
        display_name="Samira Lahlou", initials="SL", role_label="Référente", cite_name="Roubaix",
        membership_id=1, has_several_cites=True,
    )  # fmt: skip
    places = [
        ("Ma journée", "sun"),
        ("Personnes", "people"),
        ("Agenda", "calendar3"),
        ("Orientations", "signpost-split"),
    ]
    places += [("Coordination", "diagram-3"), ("Pilotage", "bar-chart"), ("Administration", "gear")]
    app.jinja_env.globals.update(
        asset=lambda name: f"/static/{manifest[name]}",
        url_with=web.url_with,
        can=lambda permission: bool(permission),
        csrf_token=lambda: "token",
        role_label=lambda role: role,
        environment_banner="Démonstration : toutes les personnes sont fictives.",
        me=me,
        navigation=[
            {
                "label": label,
                "href": f"/{icon}",
                "icon": icon,
                "current": icon == "people",
                "count": 3,
                "hot": True,
            }
            for label, icon in places
        ],
    )

    @app.get("/composants")
    def components() -> str:
        flash("Échange enregistré.", "done")
        flash({"text": "3 personnes attribuées.", "undo_url": "/essai", "undo_label": "Annuler"}, "done")
        return render_template("composants.html", **showcase.samples())

    @app.get("/erreur/<int:status>")
    def failure(status: int) -> str:
        return render_template(f"errors/{status}.html", request_id="a1b2c3", locked=status == 401)

    @app.route("/essai", methods=["GET", "POST"])
    def attempt() -> str:
        if request.method == "POST":
            server.posts.append(request.form.to_dict())
            return "<p id=received>Reçu"
        return render_template_string(
            FORM, form=showcase.SampleForm(formdata=None), draft=request.args.get("draft")
        )

    @app.route("/verrou", methods=["GET", "POST"])
    def lock() -> ResponseReturnValue:
        if request.method == "GET":
            server.asked += 1
            return ("", 401, {"X-Lock": "1"}) if server.locked else ("", 204)
        if request.get_json()["password"] != "bon":
            return "", 401
        server.locked = False
        return "", 204, {"X-CSRFToken": "new token"}

    @app.put("/brouillons/<key>")
    def draft(key: str) -> ResponseReturnValue:
        if server.locked:
            return "", 401, {"X-Lock": "1"}
        if "NIR" in str(request.get_json()):
            return jsonify(refused="Ce texte semble contenir un numéro de sécurité sociale."), 422
        server.drafts[key] = request.get_json()
        return "", 204

    @app.get("/static/<path:name>")
    def file(name: str) -> Response:
        return send_from_directory(static, name)

    app.after_request(headers)
    return app


def headers(response: Response) -> Response:
    response.headers.update(web.HEADERS)
    return response


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server()
    listening = make_server(
        "127.0.0.1", 0, make_pages(server, tmp_path_factory.mktemp("static")), threaded=True
    )
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{listening.server_port}"
    yield server
    listening.shutdown()
    thread.join()
    listening.server_close()


@pytest.fixture
def page(chromium: Any, served: Server) -> Iterator[Any]:
    served.locked, served.asked = False, 0
    served.drafts.clear()
    served.posts.clear()
    context = chromium.new_context(locale="fr-FR", viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    failures: list[str] = []
    opened.on("pageerror", lambda error: failures.append(str(error)))
    opened.on("console", lambda said: failures.append(said.text) if "Content Security" in said.text else None)
    yield opened
    context.close()
    assert not failures


def until(page: Any, condition: Any) -> None:
    for _ in range(60):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not happen within 3 seconds")


def is_locked(page: Any) -> bool:
    return bool(page.evaluate("document.getElementById('lock').open"))


def test_thirty_minutes_without_a_gesture_lock_the_screen_and_lose_nothing(page: Any, served: Server) -> None:
    page.clock.install()
    page.goto(f"{served.url}/essai")
    page.fill("#said", "Un texte précieux")
    page.clock.run_for(28 * MINUTE + 6_000)
    assert "se verrouille dans 2 minutes" in page.inner_text("#messages")
    assert not is_locked(page)
    page.clock.run_for(2 * MINUTE)
    assert is_locked(page)
    for _ in range(3):
        page.keyboard.press("Escape")
    assert is_locked(page)
    page.fill("#lock-password", "faux")
    page.keyboard.press("Enter")
    until(page, lambda: "pas le bon mot de passe" in page.inner_text("#lock"))
    assert is_locked(page)
    page.fill("#lock-password", "bon")
    page.keyboard.press("Enter")
    until(page, lambda: not is_locked(page))
    assert page.input_value("#said") == "Un texte précieux"
    assert page.get_attribute('meta[name="csrf-token"]', "content") == "new token"


def test_a_gesture_puts_the_lock_off(page: Any, served: Server) -> None:
    page.clock.install()
    page.goto(f"{served.url}/essai")
    page.clock.run_for(29 * MINUTE)
    page.keyboard.press("Shift")
    until(page, lambda: served.asked == 1)
    page.clock.run_for(29 * MINUTE)
    assert not is_locked(page)
    assert served.asked == 1


def test_a_form_sent_into_a_locked_session_asks_first_then_leaves(page: Any, served: Server) -> None:
    page.clock.install()
    page.goto(f"{served.url}/essai")
    page.fill("#said", "Pas envoyé dans le vide")
    page.clock.fast_forward(27 * MINUTE)
    served.locked = True
    page.click("form[data-quick-entry] [type=submit]")
    until(page, lambda: is_locked(page))
    assert served.posts == []
    page.fill("#lock-password", "bon")
    page.keyboard.press("Enter")
    until(page, lambda: page.locator("#received").count() == 1)
    assert [post["said"] for post in served.posts] == ["Pas envoyé dans le vide"]


def test_what_is_typed_is_kept_while_typing_and_when_leaving(page: Any, served: Server) -> None:
    page.goto(f"{served.url}/essai?draft=interview-1")
    page.fill("#said", "Première phrase")
    until(page, lambda: served.drafts.get("interview-1") == {"said": "Première phrase"})
    until(page, lambda: "Brouillon enregistré à" in page.inner_text("[data-draft-status]"))
    page.fill("#said", "Deuxième phrase")
    page.goto(f"{served.url}/erreur/404")
    until(page, lambda: served.drafts.get("interview-1") == {"said": "Deuxième phrase"})


def test_a_form_that_was_sent_leaves_no_draft_behind(page: Any, served: Server) -> None:
    page.goto(f"{served.url}/essai?draft=interview-2")
    page.fill("#said", "Envoyé aussitôt")
    page.click("form[data-quick-entry] [type=submit]")
    page.wait_for_selector("#received")
    page.wait_for_timeout(300)
    assert served.posts
    assert served.drafts == {}


def test_a_draft_that_is_refused_says_why(page: Any, served: Server) -> None:
    page.goto(f"{served.url}/essai?draft=interview-4")
    page.fill("#said", "Son NIR : voir au dossier")
    page.get_by_text("numéro de sécurité sociale").wait_for()
    assert served.drafts == {} and page.input_value("#said") == "Son NIR : voir au dossier"


def test_a_draft_waits_for_the_network(page: Any, served: Server) -> None:
    page.goto(f"{served.url}/essai?draft=interview-3")
    page.context.set_offline(True)
    page.fill("#said", "Dans la cage d’escalier")
    until(page, lambda: "Pas de réseau" in page.inner_text("[data-draft-status]"))
    assert page.input_value("#said") == "Dans la cage d’escalier"
    page.context.set_offline(False)
    until(page, lambda: served.drafts.get("interview-3") == {"said": "Dans la cage d’escalier"})


def test_a_second_click_sends_nothing_more_and_the_back_button_frees_the_form(
    page: Any, served: Server
) -> None:
    page.goto(f"{served.url}/essai")
    page.fill("#said", "Une fois")
    page.evaluate(
        "const b = document.querySelector('form[data-quick-entry] [type=submit]'); b.click(); b.click();"
    )
    page.wait_for_selector("#received")
    assert len(served.posts) == 1
    page.go_back()
    assert page.get_attribute("form[data-quick-entry] [type=submit]", "aria-disabled") is None
    page.fill("#said", "Une autre fois")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#received")
    assert len(served.posts) == 2


def test_the_keys_lead_to_the_search_and_to_the_entry_but_never_while_typing(
    page: Any, served: Server
) -> None:
    page.goto(f"{served.url}/essai")
    page.keyboard.press("n")
    page.keyboard.type("n / n")
    assert page.input_value("#said") == "n / n"
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "recherche"
    assert page.input_value("#recherche") == ""


def test_messages_are_announced_and_can_be_closed(page: Any, served: Server) -> None:
    page.goto(f"{served.url}/composants")
    until(page, lambda: page.locator("#messages .toast").count() == 2)
    assert page.get_attribute("#messages", "aria-live") == "polite"
    page.click("#messages .toast >> nth=0 >> .close")
    assert page.locator("#messages .toast").count() == 1


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (1280, "light"),
        (320, "dark"),
        *(
            pytest.param(width, scheme, marks=pytest.mark.soak)
            for width, scheme in (
                (1280, "dark"), (768, "light"), (768, "dark"), (360, "light"), (360, "dark"), (320, "light"),
            )
        ),
    ],
)  # fmt: skip
def test_components_pass_axe_and_never_scroll_sideways(
    chromium: Any, served: Server, width: int, scheme: str
) -> None:
    axe = (build.NODE_MODULES / "axe-core" / "axe.min.js").read_text()
    context = chromium.new_context(
        locale="fr-FR", viewport={"width": width, "height": 760}, color_scheme=scheme, has_touch=width < 500
    )
    page = context.new_page()
    broken: list[str] = []
    page.on("console", lambda said: broken.append(said.text) if said.type == "error" else None)
    for path in ("/composants", "/erreur/404", "/erreur/401", "/erreur/500"):
        page.goto(served.url + path)
        page.wait_for_timeout(250)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        page.evaluate(axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        assert not [(path, each["id"], each["nodes"][0]["target"]) for each in found]
        if width < 500:
            small = page.evaluate(
                "[...document.querySelectorAll('a.btn, button, .chip, summary, select, .pages a, .rail a')]"
                ".filter((e) => e.offsetParent && e.getBoundingClientRect().height < 43.9).map((e) => e.outerHTML.slice(0, 90))"
            )
            assert small == [], path
    context.close()
    assert broken == []


def test_without_scripts_the_rail_the_forms_and_the_messages_still_serve(
    chromium: Any, served: Server
) -> None:
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 360, "height": 720})
    page = context.new_page()
    page.goto(f"{served.url}/composants")
    assert page.locator("#messages .toast").count() == 2
    page.click(".rail .plus summary")
    assert page.locator(".rail .plus a", has_text="Pilotage").is_visible()
    page.goto(f"{served.url}/essai")
    page.fill("#said", "Sans script")
    page.click("form[data-quick-entry] [type=submit]")
    page.wait_for_selector("#received")
    context.close()
    assert [post["said"] for post in served.posts][-1:] == ["Sans script"]
