"""No small input is an error of ours: NUL, halves of characters, numbers too long, in addresses, forms and JSON."""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

from werkzeug.test import TestResponse

from tests.proofs.conftest import Proof
from tests.proofs.offers import FORM, Harvest, Offer, read
from tests.proofs.twins import UUID

TEST = "small inputs"
HOSTILE = (
    "%00",
    "a%00b",
    "%ED%A0%80",
    "%FF%FE",
    "9" * 20,
    "9" * 5_000,
    "-1",
    "%C2%B2",
    "%D9%A3",
    "%F0%9D%9F%8E",
    "0001-01-01",
    "9999-12-31",
    "99999-01",
    "%25_%27%5C",
    "00000000-0000-0000-0000-00000000000%00",
    "",
)
"""Percent-encoded: NUL, a lone surrogate, what is no UTF-8, numbers too long, digits that are no numbers, dates at the ends."""
IN_JSON = (
    rb'"\u0000"',
    rb'"\ud800"',
    rb'"\udc00a"',
    b"9" * 5_000,
    b"[" * 20_000,
    b'{"a":' * 10_000,
    b"null",
    b"1e999",
)
SOUGHT = (
    "q",
    "page",
    "par",
    "famille",
    "role",
    "etat",
    "periode",
    "du",
    "au",
    "figure",
    "referent",
    "qpv",
    "suite",
)
NUMBER_IN_PATH = re.compile(r"(?<=/)\d+(?=/|$)")


def sent(house: Harvest, offer: Offer, url: str, body: bytes = b"", kind: str = FORM) -> int | str:
    """The status of an answer; the name of what was raised where a server would answer 500."""
    headers = [("Cookie", house.cookies[offer.seat]), ("X-CSRFToken", house.tokens[offer.seat])]
    try:
        answer: TestResponse = house.client.open(
            url, method=offer.method, headers=headers, data=body, content_type=kind if body else None
        )
        return read(answer).status_code
    except Exception as failure:  # what the test settings let through
        return type(failure).__name__


def failed(status: int | str) -> bool:
    return isinstance(status, str) or status >= 500


def addresses_of(offer: Offer) -> Iterator[str]:
    """The address with each of its parameters, its numbers, and what any page may be asked, made hostile."""
    split = urlsplit(offer.url)
    said = dict(parse_qsl(split.query, keep_blank_values=True))
    for name in dict.fromkeys((*said, *SOUGHT)):
        others = urlencode([(other, value) for other, value in said.items() if other != name])
        for hostile in HOSTILE:
            yield f"{split.path}?{others}{'&' if others else ''}{name}={hostile}"


def paths_of(offer: Offer) -> Iterator[str]:
    """The address with each variable part made hostile: numbers, identifiers, keys."""
    path = urlsplit(offer.url).path
    for shape, hostile in itertools.product((NUMBER_IN_PATH, UUID), HOSTILE):
        for match in shape.finditer(path):
            if hostile:
                yield path[: match.start()] + hostile + path[match.end() :]


def bodies_of(offer: Offer) -> Iterator[bytes]:
    """The form with each of its fields made hostile."""
    for place, hostile in itertools.product(range(len(offer.pairs)), HOSTILE):
        name = urlencode([(offer.pairs[place][0], "")])
        others = urlencode([pair for index, pair in enumerate(offer.pairs) if index != place])
        yield f"{others}&{name}{hostile}".encode()


def test_no_small_input_is_an_error_of_ours(house: Harvest, proof: Proof) -> None:
    tried, wrong = 0, []
    by_page = {
        (offer.endpoint, offer.seat if proof.soaking else ""): offer
        for offer in house.offers
        if offer.endpoint
    }
    every, every_form = proof.times(quick=60, full=1), proof.times(quick=120, full=1)
    asked = [
        (offer, url, b"")
        for offer in by_page.values()
        for url in (*(addresses_of(offer) if offer.method == "GET" else ()), *paths_of(offer))
    ]
    year = next(offer for offer in house.offers if "/administration/annees/" in offer.url)
    years = [(replace(year, method="GET"), url, b"") for url in paths_of(year)]
    for number, (offer, url, _) in enumerate([*years, *asked]):
        if number % every == 0 or "?q=" in url or number < len(years):
            tried += 1
            if failed(status := sent(house, offer, url)):
                wrong.append((offer.seat, offer.method, url[:120], status))
    posted = [
        (offer, body)
        for offer in by_page.values()
        if offer.method == "POST" and not offer.json and offer.endpoint != "accounts.sign_out"
        for body in bodies_of(offer)
    ]
    for number, (offer, body) in enumerate(posted):
        if number % every_form == 0:
            tried += 1
            if failed(status := sent(house, offer, offer.url, body)):
                wrong.append((offer.seat, "POST", offer.url, body[-120:], status))
            if status in (200, 303):
                house.twins.restore()
    draft = next(offer for offer in house.offers if offer.method == "PUT")
    lock = replace(draft, method="POST", url="/verrou")
    for offer, hostile in itertools.product((draft, lock), IN_JSON):
        for body in (hostile, b'{"fields": {"a": ' + hostile + b"}}", b'{"password": ' + hostile + b"}"):
            tried += 1
            if failed(status := sent(house, offer, offer.url, body, "application/json")):
                wrong.append((offer.seat, offer.method, offer.url, body[:60], status))
    proof.at_least(TEST, "requests tried", tried, proof.times(quick=300, full=5_000))
    assert not wrong[:20]
    proof.at_most(TEST, "errors of ours", len(wrong), 0)


def test_the_proof_sees_an_error_of_ours(house: Harvest) -> None:
    offer = next(offer for offer in house.offers if offer.method == "GET")
    assert failed(503) and failed("DataError") and not failed(422)
    assert failed(sent(replace_client(house), offer, offer.url))
    assert json.loads(b'"\\u0000"') == "\0"


def replace_client(house: Harvest) -> Harvest:
    """The same house behind a door that always fails."""

    class Broken:
        def open(self, *_args: object, **_kwargs: object) -> TestResponse:
            raise ValueError("NUL")

    broken = object.__new__(Harvest)
    broken.__dict__.update(house.__dict__, client=Broken())
    return broken
