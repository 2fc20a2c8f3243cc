"""Whatever is typed is only ever text, on each page, in each letter, workbook and PDF.

Two ways in: what forms accept or show again, and what is written straight into every column, which no form has cleaned.
"""

import email
import io
import json
import re
import uuid
import zipfile
from collections.abc import Iterator
from email.policy import default
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree

import pytest
from flask import Flask
from pypdf import PdfReader
from python_calamine import CalamineWorkbook
from werkzeug.test import TestResponse

from cityjobs.core.clock import now
from cityjobs.core.db import SYSTEM, act_as, db
from cityjobs.core.post import Letter, SmtpPostman
from cityjobs.desk.export import LONGEST_CELL
from cityjobs.reminders.tasks import send_as_of
from tests.conftest import Databases
from tests.proofs.conftest import Proof
from tests.proofs.offers import Harvest, Offer
from tests.proofs.payloads import PAYLOADS
from tests.proofs.twins import HERE, NATION

TEST = "scripts in texts"
STORED = tuple(payload.replace("\x00", "") for payload in PAYLOADS)
"""As a column can hold them: PostgreSQL keeps no null sign."""
ELEMENTS = tuple(
    payload for payload in STORED if payload.lower().startswith(("<script>", "<img", "<svg", "<iframe"))
)
"""Each makes an element wherever a text is trusted: every cell holds one of them once."""
COLUMNS = {
    "organisation": ("name",),
    "qpv": ("name",),
    "qpv_commune": ("name",),
    "user_account": ("first_name", "last_name"),
    "cite": ("name", "programme_name"),
    "cite_commune": ("name",),
    "person": (
        "first_name",
        "last_name",
        "birth_name",
        "reached_through",
        "language",
        "address",
        "postcode",
        "commune",
    ),
    "sign_in_session": ("device",),
    "assignment": ("reason", "end_reason"),
    "interview": ("synthesis",),
    "interview_version": ("synthesis",),
    "private_note": ("body",),
    "next_step": ("title", "result", "postponed_because"),
    "spotting": ("place", "first_need"),
    "parcours_transition": ("reason",),
    "goal": ("label",),
    "etape": ("label", "note"),
    "agreement_goal": ("label",),
    "plan_template": ("name",),
    "plan_template_line": ("goal_label", "etape_label"),
    "activity_report": ("failure",),
    "list_item": ("label",),
    "exit_ruleset": ("label",),
    "job": ("occupation", "employer"),
    "job_check": ("note",),
    "diagnosis": ("strengths", "project", "occupation"),
}
"""Every column that holds what somebody typed. Codes, dates and addresses have their own constraints."""
SHORTEST = {("list_item", "label"): 120}
"""Columns that take fewer signs than the longest payload has."""
NEVER_TYPED = {
    "account_link": "purpose",
    "activity_report": "occasion state",
    "agreement": "way",
    "alembic_version": "version_num",
    "assignment": "kind",
    "attachment": "subject media_type sha256",
    "cite": "slug",
    "cite_commune": "insee_code",
    "diagnosis": "rome_code sector working_time contract digital_autonomy french_spoken french_written",
    "draft": "form",
    "etape": "type status result abandon_reason",
    "exit_rule": "exit_type category otherwise",
    "exit_ruleset": "code",
    "frein": "code status owner situations",
    "frein_reading": "code status",
    "goal": "code status",
    "heartbeat": "part",
    "interview": "mode",
    "interview_version": "mode",
    "job": "kind contract rome_code working_time end_reason",
    "job_check": "moment",
    "list_item": "list code parent",
    "membership": "role",
    "next_step": "state",
    "organisation": "family kind phone email",
    "outgoing": "kind dedupe_key recipient state failure",
    "parcours": "status end_reason entry_gender",
    "parcours_exit": "exit_type category evidence",
    "parcours_transition": "event from_status to_status",
    "person": "civility gender phone second_phone preferred_channel qpv_answer qpv_source sort_name search_name trigrams",
    "person_link": "kind",
    "plan_template_line": "frein_code goal_code etape_type",
    "qpv": "code",
    "qpv_commune": "insee_code",
    "reminder": "rule channel state cancelled_because",
    "rome_name": "rome_code occupation name trigrams",
    "sign_in_session": "token_hash",
    "situation_snapshot": "moment gender situation inscription_ft months_without_job organisme_referent education housing household"
    " resources mobility criteria",
    "spotting": "channel",
    "suspension": "reason",
    "user_account": "email password_hash phone",
}
"""Columns of text that hold codes, numbers of telephone, addresses, or what the database makes of others: no payload fits."""
MADE_OF_WORDS = {"person": ("email", "lower(regexp_replace({}, '[\\s@]', '', 'g')) || 'x@zq.example'")}
RUNNING = re.compile(r"^\s*(javascript|vbscript|data|file|blob)\s*:", re.I)
TEXT_FIELDS = (
    "synthesis", "private_note", "next_step", "title", "reason", "why", "result", "first_name", "last_name", "birth_name", "phone",
    "second_phone", "email", "reached_through", "language", "address", "postcode", "commune", "place", "first_need", "q", "name",
    "programme_name", "insee_code", "password", "current_password", "repeated", "suite", "origin", "year", "envelope_euros",
    "silence_days", "held_on", "due_on", "on", "birth_date", "spotted_on", "duration", "key", "seen", "version", "was", "mode", "event",
    "label", "note", "hours", "cost_euros", "planned_from", "planned_to", "agreed_on", "review_on", "code", "frein", "type", "goals",
    "occupation", "employer", "weekly_hours", "strengths", "project", "radius_km", "months", "minimum_months", "children",
    "until", "expected_end_on", "evidence_seen_on", "done_on", "contract", "evidence", "category", "exit_type", "ruleset_id", "in_job",
    "organisation", "template", "lines", "gesture", "goal", "etape", "agreement", "paper", "reached", "freins", "way",
)  # fmt: skip


@pytest.fixture(autouse=True)
def put_back(house: Harvest) -> Iterator[None]:
    """Each test leaves both Cités as they were."""
    yield
    house.twins.restore()


# What a page is made of


class Reading(HTMLParser):
    """A page as its elements: what they are called, how they are attributed, what comments hold."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.faults: list[str] = []
        self.words: list[str] = []
        self.within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.within = tag if tag in ("script", "style") else ""
        for name, value in attrs:
            self.attributes.add((tag, name))
            if (
                name in ("href", "src", "action", "formaction", "xlink:href")
                and value
                and not goes_nowhere_else(value)
            ):
                self.faults.append(f"{tag} {name}={value[:80]}")
        if tag == "script" and not (dict(attrs).get("src") or "").startswith("/static/"):
            self.faults.append("an inline script")

    def handle_endtag(self, tag: str) -> None:
        self.within = ""

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.within and data.strip():
            self.faults.append(f"words in {self.within}")

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"a comment: {data[:80]}")

    unknown_decl = handle_pi = handle_comment  # type: ignore[assignment]


def goes_nowhere_else(value: str) -> bool:
    """Whether an address stays in the house, or is a telephone number or a mailbox."""
    if RUNNING.match(re.sub(r"[\t\r\n\x00]", "", value)):
        return False
    there = urlsplit(value.replace("\\", "/"))
    return (there.scheme in ("", "tel", "mailto") and not there.netloc) or value.startswith(
        "http://localhost"
    )


MARKING = re.compile(r"[<>\"']")


class Structure:
    """The elements and attributes that the house's own templates use: a page has no other."""

    def __init__(self) -> None:
        source = "\n".join(path.read_text(encoding="utf-8") for path in Path("templates").rglob("*.html"))
        source = re.sub(r"{#.*?#}", "", source, flags=re.DOTALL)
        self.tags = set(re.findall(r"<([a-zA-Z][a-zA-Z0-9]*)", source)) | {"tbody"}
        self.tags = {tag.lower() for tag in self.tags}
        self.attributes = {name.lower() for name in re.findall(r"[a-zA-Z][\w:-]*", source)} | MADE_BY_FIELDS

    def faults_of(self, body: str, payloads: tuple[str, ...]) -> list[str]:
        """What in this page comes from a payload: raw in its source, or as an element or attribute of no template."""
        reading = read_page(body)
        faults = [f"raw: {payload}" for payload in payloads if tells_apart(payload) and payload in body]
        faults += reading.faults
        faults += [f"element {tag}" for tag in reading.tags - self.tags]
        faults += [
            f"attribute {name}"
            for _, name in reading.attributes
            if name not in self.attributes or NEVER.match(name)
        ]
        return faults


MADE_BY_FIELDS = {"required", "min", "max", "minlength", "maxlength", "list", "selected", "checked", "rows"}
NEVER = re.compile(r"on|style$|srcdoc|formaction|http-equiv|xlink|hx-on")
"""Attributes that no page of ours has, and that would run something."""


def tells_apart(payload: str) -> bool:
    """Whether this text, found as such in the source of a page, can only come from somebody's typing."""
    return len(payload) > 2 and MARKING.search(payload) is not None


def read_page(body: str) -> Reading:
    """Its elements."""
    reading = Reading()
    reading.feed(body)
    reading.close()
    return reading


def tour(house: Harvest, *, every: bool = True) -> list[Offer]:
    """One address of each page that shows something, as each seat that is offered it; or one seat for each page."""
    found: dict[tuple[Any, ...], Offer] = {}
    for offer in house.offers:
        page = (offer.endpoint, "?" in offer.url, offer.seat if every else "")
        if offer.method == "GET" and page not in found:
            answer = house.send(offer)
            if answer.status_code == 200 and answer.mimetype == "text/html":
                found[page] = offer
    return list(found.values())


@pytest.fixture(scope="module")
def structure() -> Structure:
    """What pages are made of."""
    return Structure()


# Straight into the columns


def spoil(
    house: Harvest, databases: Databases, shift: int, payloads: tuple[str, ...] = STORED
) -> dict[tuple[str, str], list[str]]:
    """Give each text of each row of the Cité a payload, the next one at each cell; returns what each column holds."""
    server = databases.superuser
    held: dict[tuple[str, str], list[str]] = {}
    turn = shift
    for table, columns in COLUMNS.items():
        mine = f"({HERE!r}, {NATION!r})"
        keys = [row[0] for row in server.execute(
            f"select ctid from {table} t where left(coalesce(to_jsonb(t) ->> 'id', to_jsonb(t) ->> 'qpv_id', to_jsonb(t) ->> 'cite_id',"
            f" to_jsonb(t) ->> 'interview_id'), 8) in {mine} order by to_jsonb(t)::text"
        )]  # fmt: skip
        values = []
        for _ in keys:
            row = [
                payloads[(turn + n) % len(payloads)][: SHORTEST.get((table, column))]
                for n, column in enumerate(columns)
            ]
            turn += len(columns)
            values.append(row)
        for key, row in zip(keys, values, strict=True):
            settings = ", ".join(f"{column} = %s" for column in columns)
            server.execute(f"update {table} set {settings} where ctid = %s", (*row, key))
            for column, payload in zip(columns, row, strict=True):
                held.setdefault((table, column), []).append(payload)
    made = MADE_OF_WORDS["person"][1].format("first_name")
    server.execute(f"update person set email = {made} where id::text like '{HERE}%'")
    server.execute(
        "update next_step set due_at = '14:30', place = coalesce(nullif(left(title, 200), ''), 'x')"
        f" where id::text like '{HERE}%'"
    )
    server.execute(
        "update next_step set entrusted_because = coalesce(nullif(left(title, 500), ''), 'x')"
        f" where id::text like '{HERE}%' and entrusted_to_id is not null"
    )
    server.execute(
        "update attachment a set name = coalesce(nullif(left(regexp_replace((select label from goal g where g.person_id = a.person_id limit 1),"
        " '[/\\\\[:cntrl:]]', '', 'g'), 120), ''), 'x')"
    )
    typed = {
        name: payloads[(turn + n) % len(payloads)]
        for n, name in enumerate(("synthesis", "private_note", "next_step"))
    }
    server.execute("update draft set fields = fields || %s", (json.dumps(typed),))
    held["draft", "fields"] = list(typed.values())
    return held


def test_every_column_of_text_is_spoilt_or_known_to_hold_no_words(databases: Databases) -> None:
    """A new column that somebody types in must be put among those that are spoilt; one that holds codes, among the others."""
    found = databases.superuser.execute(
        "select table_name, column_name from information_schema.columns where table_schema = 'public'"
        " and (data_type in ('text', 'character varying', 'character') or udt_name in ('_text', '_varchar'))"
    ).fetchall()
    spoilt = {(table, column) for table, columns in COLUMNS.items() for column in columns}
    spoilt |= {
        ("attachment", "name"),
        ("next_step", "place"),
        ("next_step", "entrusted_because"),
        ("person", MADE_OF_WORDS["person"][0]),
    }
    others = {(table, column) for table, columns in NEVER_TYPED.items() for column in columns.split()}
    assert not spoilt & others
    assert set(found) == spoilt | others, set(found) ^ (spoilt | others)


def test_every_column_shows_as_text_on_every_page(
    house: Harvest, structure: Structure, databases: Databases, proof: Proof
) -> None:
    rounds, faults, pages = proof.times(quick=2, full=len(STORED)), [], 0
    shown: set[str] = set()
    stored: set[str] = set()
    plans = [(0, ELEMENTS), *((rank * (len(STORED) // rounds), STORED) for rank in range(rounds))]
    for rank, (shift, payloads) in enumerate(plans):
        house.twins.restore()
        stored |= {each for held in spoil(house, databases, shift, payloads).values() for each in held}
        for offer in tour(house, every=proof.soaking and rank % 10 == 0):
            answer = house.send(offer)
            assert answer.status_code < 500, offer
            if answer.mimetype != "text/html":
                continue
            body = answer.get_data(as_text=True)
            pages += 1
            faults += [f"{offer.endpoint}: {fault}" for fault in structure.faults_of(body, STORED)]
            words = unescape(body)
            shown |= {payload for payload in stored - shown if payload in words}
    assert not faults, "\n".join(sorted(set(faults))[:20])
    proof.at_least(TEST, "payloads written into every kind of column", len(stored), 150)
    proof.at_least(TEST, "of which seen whole, as text, on a page", len(shown), 150)
    proof.at_least(TEST, "pages read", pages, 100)
    proof.at_most(TEST, "elements, attributes or addresses made by a payload", len(faults), 0)


# Through the forms


def test_every_field_of_every_form_takes_it_as_text(
    house: Harvest, structure: Structure, proof: Proof, databases: Databases
) -> None:
    forms: dict[tuple[str, str, tuple[str, ...]], Offer] = {}
    for offer in house.offers:
        texts = tuple(sorted({name for name, _ in offer.pairs} & set(TEXT_FIELDS)))
        if texts and offer.endpoint != "accounts.sign_out":
            forms.setdefault((offer.method, offer.endpoint, texts), offer)
    times = proof.times(quick=4, full=len(PAYLOADS))
    faults: list[str] = []
    given: set[tuple[str, str, str]] = set()
    turn = fields = 0
    for offer in forms.values():
        for _ in range(times):
            pairs = list(offer.pairs)
            chosen = PAYLOADS[turn % len(PAYLOADS)]
            turn += 1
            some = (turn % 3 == 0) or len(pairs) < 3
            spoilt = [(n, chosen if n in TEXT_FIELDS and (some or free(n)) else v) for n, v in pairs]
            given |= {(offer.endpoint, n, v) for n, v in spoilt if v == chosen}
            answer = house.send(offer.with_pairs(spoilt) if offer.method != "GET" else asked(offer, spoilt))
            assert answer.status_code < 500, (offer, chosen)
            faults += headers_hurt(answer)
            if answer.mimetype == "text/html":
                faults += [
                    f"{offer.endpoint} {chosen!r}: {f}"
                    for f in structure.faults_of(answer.get_data(as_text=True), (chosen,))
                ]
            if answer.status_code in (302, 303) and offer.endpoint.split(".")[0] in (
                "followups",
                "people",
                "parcours",
                "coordination",
                "territory",
            ):
                after = house.send(Offer(offer.seat, "GET", answer.headers["Location"]))
                if after.mimetype == "text/html":
                    faults += [
                        f"after {offer.endpoint} {chosen!r}: {f}"
                        for f in structure.faults_of(after.get_data(as_text=True), PAYLOADS)
                    ]
        house.twins.restore()
    fields = len({(endpoint, name) for endpoint, name, _ in given})
    assert not faults, "\n".join(sorted(set(faults))[:20])
    proof.at_least(TEST, "fields of forms given payloads", fields, 60)
    proof.at_least(TEST, "payloads typed, each in some field", len({payload for _, _, payload in given}), 150)
    proof.at_most(TEST, "answers to forms made otherwise by a payload", len(faults), 0)


def free(name: str) -> bool:
    """Whether a field takes any words: the others refuse the whole form, which is then shown again."""
    return name in ("synthesis", "private_note", "next_step", "title", "reason", "why", "result", "first_name", "last_name", "birth_name",
                    "reached_through", "address", "commune", "place", "first_need", "q", "name", "programme_name", "occupation", "employer",
                    "strengths", "project", "note", "label")  # fmt: skip


def asked(offer: Offer, pairs: list[tuple[str, str]]) -> Offer:
    """A search with these words."""

    return Offer(
        offer.seat, "GET", f"{offer.url.partition('?')[0]}?{urlencode(pairs)}", endpoint=offer.endpoint
    )


def headers_hurt(answer: TestResponse) -> list[str]:
    """Headers that a typed line end would have added or cut."""
    return [
        f"header {name}: {value[:80]}"
        for name, value in answer.headers
        if name.lower() in ("bcc", "x-evil")
        or (name == "Set-Cookie" and value.startswith("a=b"))
        or re.search(r"[\r\n\x00]", value)
    ]


# Letters


class Wire:
    """Stands for a mail server: keeps what would have been sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.envelopes: list[list[str]] = []

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_failure: object) -> None:
        return None

    def send_message(self, message: Any, *_rest: object, **_more: object) -> dict[str, Any]:
        """As smtplib does: who it is for is read in the headers."""
        self.sent.append(message.as_bytes())
        self.envelopes.append([str(message["To"]), *message.get_all("Cc", []), *message.get_all("Bcc", [])])
        return {}

    sock = None

    def __getattr__(self, _name: str) -> Any:
        return lambda *_rest, **_more: (250, b"")


LETTERS = {
    "assignment",
    "assignment_undone",
    "invitation",
    "membership",
    "reset",
    "morning",
    "report",
    "passed_on",
}
KNOWN_HEADERS = {
    "Subject",
    "From",
    "To",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
    "Date",
}


def test_letters_hold_texts_and_no_header_of_anybody(
    house: Harvest, databases: Databases, as_worker: Flask, proof: Proof, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire()
    postman = SmtpPostman("smtp://127.0.0.1:1", as_worker.config["MAIL_FROM"])
    monkeypatch.setattr(SmtpPostman, "_connect", lambda _self: wire)
    as_worker.extensions["postman"] = postman
    kinds: set[str] = set()
    for rank in range(proof.times(quick=4, full=len(STORED) // 4)):
        house.twins.restore()
        spoil(house, databases, rank * 53)
        report = house.side.named["report:requested"]
        databases.superuser.execute(
            "update activity_report set occasion = 'monthly:2026-01' where id = %s", (report,)
        )
        tasks = as_worker.extensions["celery"].tasks
        for offer in house.offers:  # before anybody changes hands, or there would be nothing to tell
            named = offer.endpoint, offer.method, offer.seat
            if named == (
                "followups.pass_on",
                "POST",
                "coordinator",
            ):  # to the référent, and not to themselves
                house.send(offer)
        tasks["outbox.sweep"]()
        batches = []
        for offer in letters_asked(house):
            there = house.send(offer).headers.get("Location", "")
            batches += [there.rpartition("/")[2]] if "/attributions/" in there else []
        tasks["reporting.compute"](str(report))
        with as_worker.app_context():
            act_as(SYSTEM)
            send_as_of(now().replace(hour=9))
            db.session.remove()
        tasks["outbox.sweep"]()
        for batch in batches:
            house.send(Offer("coordinator", "POST", "/coordination/annuler", (("batch_id", batch),)))
        tasks["outbox.sweep"]()
        kinds |= {
            row[0] for row in databases.superuser.execute("select kind from outgoing where state = 'sent'")
        }
    faults: list[str] = []
    for raw, envelope in zip(wire.sent, wire.envelopes, strict=True):
        faults += faults_of_letter(raw, envelope)
    assert not faults, "\n".join(faults[:10])
    assert kinds >= LETTERS, LETTERS - kinds
    proof.at_least(TEST, "letters written about hostile names", len(wire.sent), 20)
    proof.at_most(TEST, "letters with a header, a recipient or an element made by a payload", len(faults), 0)


ASKING = (
    "coordination.assign",
    "coordination.second",
    "accounts.invite_again",
    "accounts.invite_member",
    "accounts.forgotten",
)


def letters_asked(house: Harvest) -> Iterator[Offer]:
    """What makes letters leave; inviting somebody who has an account elsewhere; giving a person to somebody named."""
    known = {"email": house.twins.there.members["funder"].email, "membership": str(uuid.uuid4())}
    named = {"target": str(house.side.members["leaver"].user_id)}
    for offer in house.offers:
        if offer.endpoint in ASKING and offer.method == "POST":
            other = known if offer.endpoint == "accounts.invite_member" else named
            yield offer.with_pairs((name, other.get(name, value)) for name, value in offer.pairs)
            yield offer


def faults_of_letter(raw: bytes, envelope: list[str]) -> list[str]:
    """What in a letter comes from a payload."""
    message = email.message_from_bytes(raw, policy=default)
    faults = [f"header {name}" for name in message if name not in KNOWN_HEADERS]
    if len(envelope) != 1 or "," in envelope[0]:
        faults.append(f"recipients {envelope}")
    subject = str(message["Subject"])
    faults += [
        f"subject: {payload}"
        for payload in STORED
        if len(payload) > 3 and payload.strip() and payload in subject
    ]
    html = message.get_body(("html",))
    text = message.get_body(("plain",))
    assert html is not None and text is not None
    body = html.get_content()
    faults += [f"raw: {payload}" for payload in STORED if tells_apart(payload) and payload in body]
    reading = read_page(body)
    faults += [f"element {tag}" for tag in reading.tags - MAIL_TAGS]
    faults += [f"attribute {name}" for _, name in reading.attributes if name not in MAIL_ATTRIBUTES]
    return faults + [fault for fault in reading.faults if "words in style" not in fault]


MAIL_TAGS = {"html", "head", "meta", "title", "style", "body", "p", "a", "h1", "h2", "ul", "li", "table", "tr", "td", "tbody", "div", "span", "strong", "small", "br", "ol", "hr"}  # fmt: skip
MAIL_ATTRIBUTES = {"lang", "charset", "name", "content", "href", "class", "style", "role", "width", "cellpadding", "cellspacing", "align", "border", "bgcolor"}  # fmt: skip


@pytest.mark.parametrize(
    "hostile", [payload for payload in PAYLOADS if re.search(r"[\r\n\u2028\u0085]", payload)]
)
def test_a_line_end_in_a_subject_or_an_address_never_reaches_the_server(
    hostile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire()
    monkeypatch.setattr(SmtpPostman, "_connect", lambda _self: wire)
    postman = SmtpPostman("smtp://127.0.0.1:1", "CityJobs <cityjobs@cityjobs.example>")
    for subject, to in ((hostile, "a@b.example"), ("Bonjour", f"a@b.example{hostile}")):
        try:
            postman.send(Letter(subject, "Texte", "<p>Texte</p>"), to=to, reference=uuid.uuid4())
        except ValueError:
            continue
    for raw in wire.sent:
        message = email.message_from_bytes(raw, policy=default)
        assert set(message.keys()) <= KNOWN_HEADERS and message["Bcc"] is None


# Workbooks and PDF


def sheet_faults(content: bytes) -> list[str]:
    """Cells that compute, addresses that lead somewhere, parts that a workbook of ours never has."""
    faults = []
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        for name in book.namelist():
            if re.search(r"vbaProject|externalLink|oleObject|embeddings|activeX|connections", name):
                faults.append(f"part {name}")
            if name.endswith((".xml", ".rels")):
                for element in ElementTree.fromstring(book.read(name)).iter():  # noqa: S314 - we wrote it
                    tag = element.tag.rpartition("}")[2]
                    if tag in ("f", "hyperlink") or element.attrib.get("TargetMode") == "External":
                        faults.append(f"{name}: {tag} {element.attrib}")
    return faults


def test_no_cell_computes_and_each_value_is_whole(house: Harvest, databases: Databases, proof: Proof) -> None:
    faults: list[str] = []
    cells: set[str] = set()
    for rank in range(proof.times(quick=16, full=len(STORED))):
        house.twins.restore()
        held = spoil(house, databases, rank * 19)
        answer = house.send(Offer("coordinator", "GET", "/personnes/export.xlsx?voir=cite"))
        assert answer.status_code == 200
        content = answer.get_data()
        faults += sheet_faults(content)
        read = {
            str(cell)
            for row in CalamineWorkbook.from_object(io.BytesIO(content)).get_sheet_by_index(0).to_python()
            for cell in row
        }
        for column in (("person", "first_name"), ("person", "last_name")):
            expected = {legible(payload) for payload in held[column]}
            faults += [
                f"{column}: {lost!r} is not whole" for lost in expected - {legible(cell) for cell in read}
            ]
            cells |= set(held[column])
    assert not faults, "\n".join(faults[:10])
    proof.at_least(TEST, "payloads in cells", len(cells), 150)
    proof.at_most(TEST, "cells that compute, lead away or lost a sign", len(faults), 0)


def legible(text: str) -> str:
    """A cell's words: line ends are one kind, and control signs that XML cannot hold are escaped or left out."""
    return re.sub(r"_x[0-9A-F]{4}_|[\x00-\x1f\x7f\ufeff]", "", text)[:LONGEST_CELL].strip()


def test_reports_print_it_literally(
    house: Harvest, databases: Databases, as_worker: Flask, proof: Proof
) -> None:
    report, printed, faults = house.side.named["report:requested"], set(), []
    task = as_worker.extensions["celery"].tasks["reporting.compute"]
    for rank in range(proof.times(quick=6, full=len(STORED) // 3)):
        house.twins.restore()
        held = spoil(house, databases, rank * 29)
        assert task(str(report)) == "ready"
        xlsx, pdf = databases.superuser.execute(
            "select xlsx, pdf from activity_report where id = %s", (report,)
        ).fetchone()  # type: ignore[misc]
        faults += sheet_faults(bytes(xlsx))
        reader = PdfReader(io.BytesIO(bytes(pdf)))
        faults += pdf_faults(reader)
        words = squeezed(" ".join(page.extract_text() for page in reader.pages))
        names = [
            *held["cite", "programme_name"],
            *held["qpv", "name"],
            *held["user_account", "last_name"],
            *held["organisation", "name"],
        ]
        printed |= {name for name in names if len(squeezed(name)) > 3 and squeezed(name) in words}
    assert not faults, "\n".join(faults[:10])
    proof.at_least(TEST, "payloads printed literally in a PDF", len(printed), 8)
    proof.at_most(TEST, "actions, scripts or attachments in a PDF, formulas in its workbook", len(faults), 0)


def squeezed(text: str) -> str:
    """Without spaces: a line may be folded anywhere, and quotes are printed as French ones."""
    return re.sub(r"[\s\u200b-\u200f\ufeff\x00-\x1f-]", "", text)


ACTING = ("/JavaScript", "/JS", "/Launch", "/URI", "/EmbeddedFile", "/OpenAction", "/AA")


def pdf_faults(reader: PdfReader) -> list[str]:
    """Anything in a PDF that acts, however deep in its objects."""
    numbers = range(1, len(reader.xref[0]) + 1 if reader.xref else 1)
    return [key for number in numbers for key in acting_in(reader.get_object(number))]


def acting_in(entry: Any) -> list[str]:
    """Keys of one object, and of what stands inside it, that make a reader do something."""
    if isinstance(entry, dict):
        inside = [entry.raw_get(key) if hasattr(entry, "raw_get") else entry[key] for key in entry]
        return [key for key in ACTING if key in entry] + [
            each for value in inside for each in acting_in(value)
        ]
    return [each for value in entry for each in acting_in(value)] if isinstance(entry, list) else []


# In a real browser


def test_a_browser_runs_nothing(house: Harvest, databases: Databases, chromium: Any, proof: Proof) -> None:
    """Chromium opens the pages as they are answered, with their headers, and with every payload somewhere."""
    context = chromium.new_context(locale="fr-FR", base_url="http://localhost")
    page = context.new_page()
    page.set_default_timeout(30_000)
    ran: list[str] = []
    page.on("dialog", lambda dialog: (ran.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("console", lambda said: ran.append(said.text) if "Content Security Policy" in said.text else None)
    page.on("pageerror", lambda error: ran.append(str(error)))
    context.on("page", lambda other: ran.append(f"a window: {other.url}"))
    seat = ["referent"]

    def answer_route(route: Any) -> None:
        request = route.request
        there = urlsplit(request.url)
        if there.hostname != "localhost":
            ran.append(f"a request to {request.url[:100]}")
            route.abort()
            return
        headers = [("Cookie", house.cookies[seat[0]])]
        headers += [
            (n, v) for n, v in request.headers.items() if n in ("hx-request", "accept", "x-csrftoken")
        ]
        path = f"{there.path}?{there.query}" if there.query else there.path
        answer = house.client.open(path, method=request.method, headers=headers)
        route.fulfill(status=answer.status_code, headers=dict(answer.headers.items()), body=answer.get_data())
        answer.close()

    page.route("**/*", answer_route)
    opened, marks = 0, set()
    rounds = proof.times(quick=1, full=20)
    for rank in range(rounds):
        house.twins.restore()
        spoil(house, databases, rank * 11)
        pack(databases)
        for offer in pages_for_a_browser(house, every=proof.soaking):
            seat[0] = offer.seat
            answer = page.goto(offer.url)
            assert answer is not None
            opened += 1
            if page.evaluate("window.__pwned === 1"):
                ran.append(f"ran on {offer.url}")
            words = page.inner_text("body")
            marks |= {payload for payload in STORED if payload in words}
    context.close()
    assert not ran, "\n".join(ran[:10])
    proof.at_least(TEST, "pages opened in Chromium, full of payloads", opened, 8)
    proof.at_least(TEST, "payloads read there as text", len(marks), 100)
    proof.at_most(TEST, "scripts run, dialogs, requests away, policy violations", len(ran), 0)


def pack(databases: Databases) -> None:
    """Every payload at once in each long text of the person followed."""
    everything = "\n".join(STORED)
    for table, column in (("interview", "synthesis"), ("interview_version", "synthesis"), ("private_note", "body"), ("spotting", "first_need"), ("next_step", "title"), ("etape", "note")):  # fmt: skip
        databases.superuser.execute(
            f"update {table} set {column} = %s where person_id::text like '{HERE}%%'", (everything,)
        )


def pages_for_a_browser(house: Harvest, *, every: bool) -> list[Offer]:
    """The pages with the most text."""
    wanted = ("file.show", "day.show", "people_list.people", "followups.interview", "followups.correct", "plans.show", "plans.edit_etape", "people.edit", "coordination.board",
              "coordination.team", "reporting.pilotage", "accounts.account", "territory.organisations", "territory.settings")  # fmt: skip
    chosen = {offer.endpoint: offer for offer in reversed(tour(house)) if every or offer.endpoint in wanted}
    return list(chosen.values())
