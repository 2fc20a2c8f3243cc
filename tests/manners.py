"""A client that reads pages as a careful visitor: it checks each page's manners and fills forms as they are."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from lxml import etree
from werkzeug.test import TestResponse

UNLABELLED = frozenset({"hidden", "submit", "button", "image", "reset"})


@dataclass
class Element:
    """One element of a page."""

    tag: str
    attributes: dict[str, str]
    children: list["Element"] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def all(self, tag: str, **attributes: str) -> list["Element"]:
        """Every descendant with this tag and these attributes, in order (`class_` looks among the classes)."""
        found = list(self.inside) if tag == "*" else [each for each in self.inside if each.tag == tag]
        for name, value in attributes.items():
            if name == "class_":
                found = [each for each in found if value in each.attributes.get("class", "").split()]
            else:
                found = [each for each in found if each.attributes.get(name.replace("_", "-")) == value]
        return found

    @cached_property
    def inside(self) -> list["Element"]:
        """Every descendant, in order; for a page that is read whole."""
        return [each for child in self.children for each in (child, *child.inside)]

    def text(self) -> str:
        """The words inside, spaces folded (no-break spaces are kept as plain ones)."""
        inside = " ".join([*self.words, *(child.text() for child in self.children)])
        return re.sub(r"\s+", " ", inside).strip()

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]


def _element(node: Any) -> Element:
    """A node and what is inside, as tests ask for it."""
    children = [Element("#text", {}, words=[node.text])] if node.text and node.text.strip() else []
    for child in node:
        if isinstance(child.tag, str):
            children.append(_element(child))
        if child.tail and child.tail.strip():
            children.append(Element("#text", {}, words=[child.tail]))
    return Element(node.tag, dict(node.attrib), children)


@dataclass
class FilledForm:
    """A form as it stands on its page: where it goes, how, and with which values."""

    action: str
    method: str
    values: dict[str, Any]
    element: Element


class Page:
    """An answer, read as a page."""

    def __init__(self, response: TestResponse, url: str) -> None:
        self.response, self.url, self.status = response, url, response.status_code
        is_page = response.mimetype == "text/html" and response.get_data()
        self.tree = etree.HTML(response.get_data(as_text=True)) if is_page else None

    @cached_property
    def root(self) -> Element:
        """The elements of the page."""
        return Element("root", {}, [] if self.tree is None else [_element(self.tree)])

    @property
    def location(self) -> str:
        """Where a redirect leads."""
        return self.response.headers["Location"]

    @property
    def json(self) -> Any:
        """The JSON answer."""
        return self.response.json

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """Every element with this tag and these attributes."""
        return self.root.all(tag, **attributes)

    def text(self) -> str:
        """All the words of the page."""
        return self.root.text()

    def main(self) -> str:
        """The words of its main part."""
        return " ".join(element.text() for element in self.all("main"))

    def links(self) -> dict[str, str]:
        """Link texts and where they lead."""
        return {link.text(): link.attributes.get("href", "") for link in self.all("a")}

    def form(self, action: str | None = None, *, holding: str | None = None) -> FilledForm:
        """The form of an action (its path's end) or holding a field; by default the only one in the main part."""
        places = self.all("main") or [self.root]
        forms = [form for place in places for form in place.all("form")]
        if action is not None:
            forms = [
                form
                for form in self.all("form")
                if urlsplit(form.attributes.get("action") or self.url).path.endswith(action)
            ]
        if holding is not None:
            forms = [
                form for form in forms if any(holding == e.attributes.get("name") for e in form.all("*"))
            ]
        assert forms, f"no form {action or ''} {holding or ''} on {self.url}: {self.text()[:600]}"
        form = forms[0]
        return FilledForm(
            urljoin(self.url, form.attributes.get("action") or self.url),
            form.attributes.get("method", "get").lower(),
            _values(form),
            form,
        )

    def errors(self) -> str:
        """What the page says is wrong."""
        return " ".join(element.text() for element in self.all("*", role="alert"))


def _values(form: Element) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for control in form.all("*"):
        name = control.attributes.get("name")
        if not name or "disabled" in control.attributes:
            continue
        if control.tag == "textarea":
            values[name] = "".join(word for child in control.children for word in child.words).removeprefix(
                "\n"
            )
        elif control.tag == "select":
            options = control.all("option")
            chosen = [option for option in options if "selected" in option.attributes] or options[:1]
            values[name] = chosen[0].attributes.get("value", chosen[0].text()) if chosen else ""
        elif control.tag == "input":
            kind = control.attributes.get("type", "text")
            if kind in ("checkbox", "radio"):
                if "checked" in control.attributes:
                    values.setdefault(name, []) if kind == "checkbox" else None
                    value = control.attributes.get("value", "on")
                    if kind == "checkbox":
                        values[name].append(value)
                    else:
                        values[name] = value
            elif kind not in ("submit", "button", "image", "reset", "file"):
                values[name] = control.attributes.get("value", "")
    return values


class PageClient:
    """Gets pages and submits the forms found on them."""

    def __init__(self, app: Flask) -> None:
        self.flask: FlaskClient = app.test_client()

    def session_transaction(self) -> Any:
        """The signed cookie, to read or write."""
        return self.flask.session_transaction()

    def get(self, url: str, *, status: int = 200, **kwargs: Any) -> Page:
        """Get a page, expecting a status, and check its manners."""
        return self._answer(self.flask.get(url, **kwargs), url, status)

    def post(
        self, url: str, values: dict[str, Any] | None = None, *, status: int = 303, **kwargs: Any
    ) -> Page:
        """Post values with this session's token, without a page: what a forger with a session would do."""
        token = {} if "json" in kwargs else {"csrf_token": self.token()}
        return self._answer(
            self.flask.post(
                url, data={**token, **(values or {})} if "json" not in kwargs else None, **kwargs
            ),
            url,
            status,
        )

    def submit(self, form: FilledForm, *, status: int = 303, **changes: Any) -> Page:
        """Send a form as a visitor would, with some fields changed (None leaves a field out)."""
        values = {name: value for name, value in {**form.values, **changes}.items() if value is not None}
        if form.method == "get":
            return self._answer(self.flask.get(form.action, query_string=values), form.action, status)
        return self._answer(self.flask.post(form.action, data=values), form.action, status)

    def follow(self, page: Page) -> Page:
        """Go where a redirect leads."""
        return self.get(page.location)

    def token(self) -> str:
        """A forgery token valid for this session."""
        from flask_wtf.csrf import generate_csrf

        with self.flask.session_transaction() as cookie:
            kept = dict(cookie)
        with self.flask.application.test_request_context():
            from flask import session

            session.update(kept)
            token = generate_csrf()
            raw = session["csrf_token"]
        with self.flask.session_transaction() as cookie:
            cookie["csrf_token"] = raw
        return str(token)

    def _answer(self, response: TestResponse, url: str, status: int) -> Page:
        page = Page(response, url)
        assert page.status == status, (
            f"{url}: {page.status} instead of {status}: {page.errors() or page.text()[:800]}"
        )
        check_headers(page)
        if response.mimetype == "text/html" and page.status not in (301, 302, 303):
            check_manners(page)
        return page


def check_headers(page: Page) -> None:
    """Headers that every answer carries."""
    policy = page.response.headers.get("Content-Security-Policy", "")
    assert "default-src 'none'" in policy and "unsafe" not in policy, page.url
    assert page.response.headers.get("X-Content-Type-Options") == "nosniff", page.url


def check_manners(page: Page) -> None:
    """One h1, a title, labels, no duplicate ids, captions, tokens, nothing inline."""
    where, seek = page.url, page.tree.xpath
    assert [html.get("lang") for html in seek("/html")] == ["fr"], where
    assert len(seek("//h1")) == 1, f"{where}: {len(seek('//h1'))} h1"
    titles = seek("//head//title")
    assert len(titles) == 1 and _words(titles[0]), where
    ids = seek("//@id[. != '']")
    assert len(ids) == len(set(ids)), f"{where}: {sorted({i for i in ids if ids.count(i) > 1})}"
    assert not seek("//@style"), f"{where}: inline style"
    assert not seek("//@*[starts-with(name(), 'on')]"), f"{where}: inline script"
    labelled = set(seek("//label/@for"))
    for control in seek("(//select | //textarea | //input)[not(@hidden) and not(ancestor::label)]"):
        asks = control.tag != "input" or control.get("type", "text") not in UNLABELLED
        assert not asks or _is_named(control) or control.get("id") in labelled, (
            f"{where}: no label for {control.get('name')}"
        )
    assert not seek("//img[not(@alt)]"), where
    assert not seek("//table[not(.//caption) or not(.//th)]"), f"{where}: a table without caption or headers"
    for button in seek("//button | //a"):
        assert _is_named(button) or _words(button) or button.find(".//title") is not None, (
            f"{where}: an empty {button.tag}"
        )
    for form in seek("//form[not(.//input[@name = 'csrf_token'])]"):
        assert form.get("method", "get").lower() != "post", f"{where}: a form without token"
    assert not [s for s in seek("//script") if not s.get("src") or _words(s)], f"{where}: an inline script"
    pointed = " ".join(seek("//@aria-describedby | //@aria-labelledby | //@aria-controls")).split()
    assert not {*pointed} - {*ids}, f"{where}: { ({*pointed} - {*ids}) } point to nothing"


def _words(node: Any) -> str:
    return "".join(node.itertext()).strip()


def _is_named(node: Any) -> bool:
    return bool(node.get("aria-label") or node.get("aria-labelledby"))
