"""Reading writes nothing, no form is accepted from elsewhere, each answer has its headers,
nobody is sent away, and nothing personal is ever logged."""

import io
import itertools
import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event
from werkzeug.test import TestResponse

from cityjobs.core import journal, outbox
from cityjobs.core.db import SYSTEM, act_as, db, transaction
from cityjobs.core.permissions import Role
from cityjobs.core.post import Letter
from cityjobs.core.web import STATIC
from tests.conftest import Databases, Letterbox
from tests.manners import Page
from tests.proofs.conftest import Proof
from tests.proofs.offers import FORM, Harvest, Offer, read
from tests.proofs.twins import UUID

TEST = "pages"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
APART = {
    **HEADERS,
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": "attachment",
}
"""Those of a paper that somebody attached: a browser that showed it all the same would run and load nothing of it."""
PAPER = re.compile(r"^/personnes/[0-9a-f-]{36}/pieces/[0-9a-f-]{36}$")
WRITING = re.compile(
    r"^\s*(with\b.*\)\s*)?(insert|update|delete|merge|copy|truncate|alter|create|drop|grant|lock|call|do)\b",
    re.I | re.S,
)
PRESENCE = "update sign_in_session set last_seen_at"


@contextmanager
def statements_of(app: Flask) -> Iterator[list[str]]:
    """Every statement that the web sends meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(" ".join(statement.split()))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


class Rows:
    """How many rows each table has and which transactions wrote them: whatever writes, triggers too, is seen."""

    def __init__(self, databases: Databases) -> None:
        self.server = databases.superuser
        tables = [table for table in databases.tables if table != "audit.journal"]
        self.asked = " union all ".join(
            f"select '{table}', count(*), sum(xmin::text::bigint), max(xmin::text::bigint) from {table}"
            for table in tables
        )

    def stand(self) -> tuple[Any, ...]:
        """Every table, and the writes that the journal tells."""
        writes = self.server.execute("select count(*) from audit.journal where verb <> 'read'").fetchone()
        return (*self.server.execute(self.asked).fetchall(), writes)

    def rest(self) -> None:
        """Everybody was last seen long enough ago for presence to be noted, not long enough to be locked out."""
        self.server.execute(
            "update sign_in_session set last_seen_at = now() - interval '10 minutes' where revoked_at is null"
        )


def addresses(house: Harvest) -> list[str]:
    """One address for each page that anybody is offered, and those of nobody."""
    found: dict[tuple[str, bool], str] = {}
    for offer in house.offers:
        if offer.method == "GET" and offer.endpoint:
            found.setdefault((offer.endpoint, "?" in offer.url), offer.url)
    return [
        *found.values(),
        "/composants",
        "/nulle-part",
        "/personnes/",
        "/personnes/123",
        "/static/nothing.js",
    ]


def get_as(house: Harvest, seat: str, url: str) -> TestResponse:
    """What a seat is answered; nobody, without a seat."""
    if not seat:
        return read(house.client.open(url))
    return house.send(Offer(seat, "GET", url))


# Reading writes nothing


def test_no_get_writes_anything_but_the_trace_and_the_presence(
    house: Harvest, proof: Proof, databases: Databases
) -> None:
    rows, tried, writes, presences = Rows(databases), 0, [], 0
    urls = (
        addresses(house) if not proof.soaking else sorted({o.url for o in house.offers if o.method == "GET"})
    )
    for seat in ("", *Role):
        rows.rest()
        for url in urls:
            if not proof.soaking:
                rows.server.execute(
                    "update sign_in_session set last_seen_at = now() where last_seen_at < now() - interval '25 minutes'"
                )
            before = rows.stand()
            with statements_of(house.app) as statements:
                answer = get_as(house, seat, url)
            tried += 1
            changed = [each for each in rows.stand() if each not in before]
            noted = [each for each in statements if each.lower().startswith(PRESENCE)]
            presences += len(noted)
            unexpected = [each for each in changed if not (each[0] == "public.sign_in_session" and noted)]
            unexpected += [
                each for each in statements if WRITING.match(each) and not each.lower().startswith(PRESENCE)
            ]
            if unexpected:
                writes.append(f"{seat} {answer.status_code} {url}: {unexpected}")
    assert not writes, "\n".join(writes[:10])
    assert presences >= len(tuple(Role)), "no presence was noted: the proof would not see a write"
    proof.at_least(TEST, "pages read as each role", tried, 400)
    proof.at_most(TEST, "writes on GET but the trace and the presence", len(writes), 0)


# Forms from elsewhere


def test_no_form_is_accepted_without_its_own_token(
    house: Harvest, proof: Proof, databases: Databases
) -> None:
    rows, faults, tried = Rows(databases), [], 0
    unsafe: dict[tuple[str, str], Offer] = {}
    for offer in house.offers:
        if offer.method != "GET":
            unsafe.setdefault((offer.method, offer.endpoint), offer)
    routes = {
        (method, rule.endpoint)
        for rule in house.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
        if rule.endpoint != "accounts.sign_in_demo"
    }
    assert routes == set(unsafe), routes ^ set(unsafe)
    before = rows.stand()
    for offer in unsafe.values():
        own = house.tokens[offer.seat]
        foreign = house.tokens["both" if offer.seat != "both" else "referent"]
        spoilt = own[:-9] + ("a" if own[-9] != "a" else "b") + own[-8:]
        tries = [
            (None, "form"),
            ("", "form"),
            (foreign, "form"),
            (foreign, "header"),
            (foreign, "query"),
            (spoilt, "form"),
        ]
        if proof.soaking:
            tries += [
                (own[::-1], "form"),
                (spoilt, "header"),
                (spoilt, "query"),
                ("", "header"),
                (own, "query"),
            ]
        for token, place in tries:
            answer = forged(house, offer, token, place)
            tried += 1
            if answer.status_code != 400:
                faults.append(f"{answer.status_code} with {token and token[:8]} in {place}: {offer}")
    changed = [each for each in rows.stand() if each not in before]
    assert not faults, "\n".join(faults[:10])
    proof.at_least(TEST, "requests without the token of their session", tried, 250)
    proof.at_most(TEST, "accepted, or refused otherwise than by 400", len(faults), 0)
    proof.at_most(TEST, "tables changed by them", len(changed), 0)


def forged(house: Harvest, offer: Offer, token: str | None, place: str) -> TestResponse:
    """The same request with this token there, and the right one nowhere."""
    headers = [("Cookie", house.cookies[offer.seat])]
    url, pairs = offer.url, list(offer.pairs)
    if token is not None:
        if place == "form":
            pairs.append(("csrf_token", token))
        elif place == "header":
            headers.append(("X-CSRFToken", token))
        else:
            url += f"{'&' if '?' in url else '?'}{urlencode({'csrf_token': token})}"
    if offer.json or offer.method in ("PUT", "DELETE"):
        return read(
            house.client.open(url, method=offer.method, headers=headers, json={"fields": dict(pairs)})
        )
    body = urlencode(pairs).encode()
    return read(house.client.open(url, method=offer.method, headers=headers, data=body, content_type=FORM))


# Headers


def lacking(answer: TestResponse, url: str) -> list[str]:
    """The headers that an answer lacks or says otherwise."""
    is_paper = PAPER.match(url) is not None and answer.status_code == 200
    expected = APART if is_paper else HEADERS
    wrong = [
        name
        for name, value in expected.items()
        if answer.headers.get(name, "").split("; filename")[0] != value
    ]
    if len(answer.headers.getlist("Content-Security-Policy")) != 1:
        wrong.append("Content-Security-Policy, once")
    kept = answer.headers.get("Cache-Control", "")
    of_a_file = url.startswith("/static/") and answer.status_code in (200, 206, 304)
    if (kept != "no-store") if not of_a_file else ("max-age" not in kept):
        wrong.append(f"Cache-Control: {kept}")
    if answer.headers.get("Server"):
        wrong.append("Server")
    for cookie in answer.headers.getlist("Set-Cookie"):
        if not all(flag in cookie for flag in ("HttpOnly", "SameSite=Lax", "Path=/")):
            wrong.append(f"cookie: {cookie.split('=')[0]}")
    return wrong


@contextmanager
def failing(app: Flask, endpoint: str, failure: Exception) -> Iterator[None]:
    """A page whose view fails, as it would in production."""
    view = app.view_functions[endpoint]

    def fails(**_: object) -> None:
        raise failure

    fails.needed = view.needed  # type: ignore[attr-defined]
    app.view_functions[endpoint], app.testing = fails, False  # type: ignore[assignment]
    app.config["PROPAGATE_EXCEPTIONS"] = False
    try:
        yield
    finally:
        app.view_functions[endpoint], app.testing = view, True
        app.config["PROPAGATE_EXCEPTIONS"] = None


def test_every_answer_has_its_headers(house: Harvest, proof: Proof) -> None:
    answers: list[tuple[str, TestResponse]] = []
    for seat in ("", *(Role if proof.soaking else ("referent", "coordinator", "administrator"))):
        answers += [(url, get_as(house, seat, url)) for url in addresses(house)]
    client = house.client
    files = [
        f"/static/{path.name}" for path in STATIC.iterdir() if path.suffix not in (".br", ".gz", ".json")
    ]
    answers += [(url, read(client.open(url))) for url in files]
    answers += [(url, read(client.open(url, headers={"Accept-Encoding": "br, gzip"}))) for url in files]
    answers += [(url, read(client.open(url, headers={"Range": "bytes=0-9"}))) for url in files]
    tag = read(client.open(files[0]))
    answers.append(
        (files[0], read(client.open(files[0], headers={"If-Modified-Since": tag.headers["Last-Modified"]})))
    )
    assert answers[-1][1].status_code == 304
    for method in ("HEAD", "OPTIONS", "POST", "PATCH", "TRACE"):
        answers += [
            (url, read(client.open(url, method=method)))
            for url in ("/healthz", "/connexion", "/personnes", files[0])
        ]
    for bad in (
        {"Host": "evil.example"},
        {"Accept": "application/json"},
        {"HX-Request": "true"},
        {"Content-Length": "99999999"},
    ):
        answers += [
            (url, read(client.open(url, headers=bad))) for url in ("/personnes", "/nulle-part", "/connexion")
        ]
    answers += [
        (u, read(client.open(u, method="POST")))
        for u in ("/connexion", "/deconnexion", "/mot-de-passe-oublie")
    ]
    seat = {"Cookie": house.cookies["referent"]}
    for failure in (
        RuntimeError("x"),
        sa.exc.OperationalError("x", {}, Exception("x")),
        sa.exc.IntegrityError("x", {}, Exception("x")),
    ):
        with failing(house.app, "accounts.help_page", failure):
            answers.append(("/aide", read(client.open("/aide", headers=seat))))
            assert answers[-1][1].status_code >= 500
    big = {"data": b"x" * (17 * 1024 * 1024), "content_type": FORM, "method": "POST"}
    answers.append(("/connexion", read(client.open("/connexion", **big))))  # type: ignore[arg-type]
    faults = [f"{a.status_code} {url}: {wrong}" for url, a in answers if (wrong := lacking(a, url))]
    papers = [answer for url, answer in answers if PAPER.match(url) and answer.status_code == 200]
    assert papers, "no paper was downloaded: the proof would not see its headers"
    statuses = {answer.status_code for _, answer in answers}
    assert {200, 206, 302, 303, 304, 400, 403, 404, 405, 413, 500, 503} <= statuses, statuses
    assert not faults, "\n".join(sorted(set(faults))[:20])
    proof.at_least(TEST, "answers looked at, of every status", len(answers), 250)
    proof.at_most(TEST, "answers without all their headers", len(faults), 0)


def test_cookies_and_transport_are_strict_behind_tls(house: Harvest) -> None:
    answer = read(house.client.open("/connexion", base_url="https://localhost"))
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


# Nobody is sent away

ELSEWHERE = (
    "https://evil.example", "http://evil.example/", "//evil.example", "///evil.example", "////evil.example/x", "/\\evil.example",
    "\\\\evil.example", "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example", "/%09/evil.example",
    "https:evil.example", "https:/evil.example", "javascript:alert(1)", "data:text/html,x", "//evil.example@localhost",
    "http://localhost@evil.example", "/.evil.example", "@evil.example", ".evil.example", "/..//evil.example", "/./\\evil.example",
    "/ /evil.example", "/\u2028/evil.example", "／／evil.example", "/\x00/evil.example", "?suite=//evil.example", "//localhost:x@evil.example",
    "/connexion?suite=//evil.example", "/\r\nLocation: https://evil.example", "/%5cevil.example", "/%2f/evil.example", "mailto:x@evil.example",
)  # fmt: skip


def leads_away(target: str, base: str = "http://localhost/connexion") -> bool:
    """Whether a browser would go to another host, or run something: it drops tabs and line ends, and turns \\ round."""
    seen = re.sub(r"[\t\r\n]", "", target).strip("".join(map(chr, range(33)))).replace("\\", "/")
    there = urlsplit(urljoin(base, seen))
    return there.scheme not in ("http", "https") or there.hostname != "localhost"


def test_no_address_given_sends_anybody_away(house: Harvest, proof: Proof) -> None:
    tried, away = 0, []
    offers = {
        (offer.method, offer.endpoint): offer
        for offer in house.offers
        if "suite" in offer.url or any(name == "suite" for name, _ in offer.pairs) or offer.endpoint in (
            "accounts.sign_in", "accounts.unlock", "accounts.lock", "accounts.switch_cite", "people_list.export", "people_list.people"
        )
    }  # fmt: skip
    assert len(offers) >= 10
    turn = itertools.count()
    for offer in offers.values():
        rank = next(turn)
        for target in ELSEWHERE if proof.soaking or rank < 2 else ELSEWHERE[rank % 4 :: 4]:
            path = offer.url.partition("?")[0]
            given = f"{path}?{urlencode({'suite': target, 'next': target, 'origin': target})}"
            pairs = [(n, v) for n, v in offer.pairs if n != "suite"] + [("suite", target)]
            answer = house.send(
                Offer(
                    offer.seat, offer.method, given, tuple(pairs) if offer.method != "GET" else (), offer.json
                )
            )
            tried += 1
            leads = [answer.headers["Location"]] if "Location" in answer.headers else []
            if answer.mimetype == "text/html":
                page = Page(answer, given)
                leads += [link.attributes.get("href", "") for link in page.all("a")]
                leads += [form.attributes.get("action", "") for form in page.all("form")]
            away += [f"{offer.endpoint} {target!r}: {each!r}" for each in leads if each and leads_away(each)]
        house.twins.restore()
    for path in ("//evil.example", "//evil.example/%2e%2e", "/\\evil.example", "//evil.example//personnes/"):
        answer = read(house.client.open(path))
        there = answer.headers.get("Location", "/")
        away += [f"{path}: {there}"] * leads_away(there)
    assert not away, "\n".join(away[:10])
    proof.at_least(TEST, "redirects tempted", tried, 150)
    proof.at_most(TEST, "answers that lead to another host", len(away), 0)


# Logs

PERSONAL = ("Zéphyrine", "Quenouillard", "zephyrine.quenouillard@secret.example", "0698123457", "+33698123457", "06 98 12 34 57",
            "2900359512345", "Sans toit depuis jeudi", "9 impasse du Lavoir", "1987-11-23")  # fmt: skip
TYPED = {
    "first_name": "Zéphyrine", "last_name": "Quenouillard", "birth_name": "Quenouillard", "email": "zephyrine.quenouillard@secret.example",
    "phone": "06 98 12 34 57", "second_phone": "06 98 12 34 57", "synthesis": "Sans toit depuis jeudi", "private_note": "Sans toit depuis jeudi",
    "address": "9 impasse du Lavoir", "q": "Zéphyrine Quenouillard 06 98 12 34 57", "title": "Sans toit depuis jeudi",
    "reason": "Sans toit depuis jeudi", "result": "Sans toit depuis jeudi", "first_need": "Sans toit depuis jeudi", "place": "9 impasse du Lavoir",
    "reached_through": "Zéphyrine Quenouillard", "why": "Zéphyrine Quenouillard", "birth_date": "1987-11-23", "name": "Quenouillard",
}  # fmt: skip
SIGNS = tuple(
    sign.casefold()
    for text in PERSONAL
    for sign in {
        text,
        quote(text),
        json.dumps(text)[1:-1],
        text.encode("unicode_escape").decode(),
        repr(text)[1:-1],
    }
)
SHAPES = (
    re.compile(r"[\w.+-]+@[\w-]+\.\w+"),
    re.compile(r"(?<![\w.:-])(?:\+33|0)[1-9](?:[ .]?\d\d){4}(?![\w.:-])"),
    re.compile(r"(?<![\w.-])[12]\d{2}(?:0[1-9]|1[0-2])\d{8}(?:\d\d)?(?![\w.-])"),
)
"""E-mail addresses, French telephone numbers, social-security numbers."""


@contextmanager
def everything_said() -> Iterator[io.StringIO]:
    """What the processes would write: every logger, from INFO, as journal writes it."""
    said = io.StringIO()
    ours = journal.handler()
    assert isinstance(ours, logging.StreamHandler)
    ours.setStream(said)
    root, kept = logging.getLogger(), logging.getLogger().level
    levels = {name: logging.getLogger(name).level for name in ("cityjobs", "celery")}
    for name in levels:
        logging.getLogger(name).setLevel(logging.INFO)
    spread = logging.getLogger("celery").propagate
    logging.getLogger("celery").propagate = True
    root.addHandler(ours)
    root.setLevel(logging.INFO)
    try:
        yield said
    finally:
        root.removeHandler(ours)
        root.setLevel(kept)
        logging.getLogger("celery").propagate = spread
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def personal_in(text: str) -> list[str]:
    """What is personal in the lines of a log."""
    found = []
    for line in text.splitlines():
        low = line.casefold()
        bare = UUID.sub("", line)
        found += [line[:300] for sign in SIGNS if sign in low]
        found += [line[:300] for shape in SHAPES if shape.search(bare)]
    return found


def test_the_scan_sees_what_it_looks_for() -> None:
    for text in (
        '{"event": "Z\\u00e9phyrine"}',
        "a@b.example",
        "06 98 12 34 57",
        "2900359512345",
        "/personnes?q=Z%C3%A9phyrine",
    ):
        assert personal_in(text), text
    assert not personal_in(
        '{"request_id": "0612345678ab", "milliseconds": 12.3, "actor_id": "a0a0a0a0-0000-4000-8000-000000000012"}'
    )


def worst_requests(house: Harvest, *, every: bool) -> Iterator[Callable[[], object]]:
    """The whole tour with distinctive names in each field, each address and each failure."""
    once = {(offer.method, offer.endpoint): offer for offer in house.offers}
    for offer in house.offers if every else once.values():
        pairs = tuple((name, TYPED.get(name, value)) for name, value in offer.pairs)
        yield lambda offer=offer, pairs=pairs: house.send(offer.with_pairs(pairs))
        if offer.method == "GET":
            path = offer.url.partition("?")[0]
            words = {"q": TYPED["q"], "suite": f"/personnes?q={TYPED['q']}", "page": "Quenouillard"}
            asked = f"{path}?{urlencode(words)}"
            yield lambda offer=offer, asked=asked: house.send(Offer(offer.seat, "GET", asked))
    for path in (
        "/personnes/Quenouillard",
        "/Zéphyrine",
        "/brouillons/Quenouillard",
        "/invitation/Quenouillard",
        "/static/Quenouillard",
    ):
        for method in ("GET", "POST", "DELETE"):
            yield lambda path=path, method=method: read(house.client.open(path, method=method))
    yield lambda: read(
        house.client.open(
            "/connexion", headers={"Host": "Quenouillard.example", "User-Agent": "Quenouillard"}
        )
    )


def test_nothing_personal_is_ever_logged(
    house: Harvest, proof: Proof, as_worker: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with everything_said() as said:
        for request in worst_requests(house, every=proof.soaking):
            request()
        house.twins.restore()
        fail_in_every_way(house)
        fail_in_the_worker(as_worker, monkeypatch)
    lines = said.getvalue().splitlines()
    told = [json.loads(line) for line in lines]
    events = {line["event"] for line in told}
    assert {"request", "letter_not_sent", "task_failed", "database_unreachable", "Exception on"} <= events, (
        events
    )
    assert any("InvalidTextRepresentation" in str(line.get("failures")) for line in told)
    found = personal_in(said.getvalue())
    assert not found, "\n".join(found[:10])
    proof.at_least("audit", "lines of logs scanned", len(lines), 150)
    proof.at_most("audit", "personal data in the logs of web and worker", len(found), 0)


def fail_in_every_way(house: Harvest) -> None:
    """Pages that fail with names in the exception, in its cause, in the statement and in the row that PostgreSQL quotes."""
    seat = {"Cookie": house.cookies["referent"]}

    def broken_row() -> None:
        """PostgreSQL quotes what it does not understand."""
        db.session.execute(sa.text("select cast(:name as uuid)"), {"name": "Zéphyrine Quenouillard"})

    def nested() -> None:
        try:
            raise ValueError("Zéphyrine Quenouillard, 06 98 12 34 57")
        except ValueError as cause:
            raise RuntimeError(f"personne {TYPED['email']}") from cause

    def away() -> None:
        raise sa.exc.OperationalError("select 'Quenouillard'", {"q": "Zéphyrine"}, Exception("Zéphyrine"))

    app = house.app
    view = app.view_functions["accounts.help_page"]
    for fails in (broken_row, nested, away):
        fails.needed = view.needed  # type: ignore[attr-defined]
        app.view_functions["accounts.help_page"], app.testing = fails, False  # type: ignore[assignment]
        app.config["PROPAGATE_EXCEPTIONS"] = False
        try:
            answer = read(house.client.open(f"/aide?{urlencode({'q': TYPED['q']})}", headers=seat))
            assert answer.status_code >= 500
            assert not any(sign in answer.get_data(as_text=True) for sign in ("Quenouillard", "Zéphyrine"))
        finally:
            app.view_functions["accounts.help_page"], app.testing = view, True
            app.config["PROPAGATE_EXCEPTIONS"] = None


def fail_in_the_worker(worker: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A letter that cannot be composed, one that the mail server refuses by quoting it, a task that fails whole."""

    def compose(row: outbox.Outgoing) -> Letter | None:
        if row.facts.get("fails"):
            raise KeyError("Zéphyrine Quenouillard")
        return Letter("Bonjour", "Zéphyrine Quenouillard", "<p>Zéphyrine Quenouillard</p>")

    monkeypatch.setitem(outbox.KINDS, "scan", outbox.Kind(compose))
    celery = worker.extensions["celery"]
    box: Letterbox = worker.extensions["postman"]
    box.refuses = OSError(f"550 <{TYPED['email']}>: Zéphyrine Quenouillard unknown")
    for facts in ({"fails": "x"}, {}):
        with worker.app_context():
            act_as(SYSTEM)
            with transaction():
                letter = outbox.queue("scan", to=TYPED["email"], about=f"Zéphyrine {facts}", **facts)
        celery.tasks["outbox.deliver"].apply((str(letter),), throw=False)
    box.refuses = None

    @celery.task(name="scan.fail")  # type: ignore[untyped-decorator]
    def fail(name: str) -> None:
        raise RuntimeError(f"{name} {TYPED['email']}")

    fail.apply(("Zéphyrine Quenouillard",), throw=False)


def test_no_server_beside_us_logs_addresses() -> None:
    """gunicorn keeps no access log; the proxy's says neither path nor query: a search holds a name."""
    settings = Path("deploy/gunicorn.conf.py").read_text()
    assert (
        "accesslog = None" in settings
        and "access-logfile" not in Path("cityjobs/embedded/supervisor.py").read_text()
    )
    proxy = Path("deploy/nginx.conf").read_text()
    logged = " ".join(re.findall(r"log_format[^;]*;|access_log[^;]*;", proxy))
    assert logged, "nginx keeps its own access log unless told otherwise"
    assert not re.search(
        r"\$(request\b|request_uri|uri|args|query_string|http_referer|http_cookie|remote_user)|combined",
        logged,
    )
