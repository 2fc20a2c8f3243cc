"""Whatever identifier a request names, nothing of another Cité is shown, nor changed, nor told apart.

Two Cités with mirrored rows; requests harvested from the pages of one, then forged by a seeded generator. An address typed
in an invitation, or the name of an organisation that several Cités share, is no forgery: both are how people work together.
"""

import base64
import io
import json
import random
import re
import statistics
import time
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import itsdangerous
from flask import Flask
from pypdf import PdfReader
from werkzeug.test import TestResponse

from cityjobs.core.clock import today
from cityjobs.parcours.views.spotting import _serializer
from tests.conftest import Letterbox
from tests.proofs.conftest import Proof
from tests.proofs.offers import NOT_OFFERED, Harvest, Offer
from tests.proofs.twins import FOREIGN, HERE, NOWHERE, THERE, UUID, Twins, mirrored

TEST = "forged requests"
SEED = 20_260_927
BURST = 250
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
POINTERS = (
    "person_id", "parcours_id", "cite_id", "user_id", "referent_id", "membership_id", "organisation_id", "interview_id",
    "step_id", "report_id", "id", "assignment_id", "batch_id", "batch", "picked", "suggested", "target", "colleague", "qpv",
    "suite", "origin", "referent", "chef_de_file", "organisation",
)  # fmt: skip
"""Names under which somebody may guess that an identifier is read."""
FILTERS = ("referent", "qpv", "user", "cite", "cite_id", "organisation", "person_id", "parcours_id")


# Forging


@dataclass
class Forger:
    """Makes forged requests from offers; the same seed makes the same ones."""

    harvest: Harvest
    seed: int
    made: int = 0
    chance: random.Random = field(init=False)
    foreign: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311
        self.foreign = [str(each) for each in self.harvest.twins.there.named.values()]
        with self.harvest.app.app_context():
            person, owner = (
                self.harvest.twins.there.named["person:followed"],
                self.harvest.twins.there.members["referent"],
            )
            self.stolen_key = str(_serializer().dumps([person.hex, owner.user_id.hex]))
        named = [each for each in self.harvest.offers if identifiers_in(each)]
        plain = [each for each in self.harvest.offers if not identifiers_in(each)]
        self.chosen = [*named, *self.chance.sample(plain, len(plain) // 4)]
        self.kinds = (
            self.mirror_all, self.mirror_all, self.mirror_one, self.mirror_one, self.mirror_path, self.mirror_form,
            self.lose_one, self.confuse_one, self.say_twice, self.add_pointer, self.add_filter, self.change_seat,
            self.change_verb, self.guess_path, self.steal_key,
        )  # fmt: skip

    def next(self) -> Offer:
        """One more forged request."""
        self.made += 1
        offer = self.chance.choice(self.chosen)
        forged: Offer = self.chance.choice(self.kinds)(offer)
        if self.chance.random() < 0.1:
            forged = self.chance.choice(self.kinds)(forged)
        return forged

    def some(self) -> str:
        """An identifier of the twin."""
        return self.chance.choice(self.foreign)

    def mirror_all(self, offer: Offer) -> Offer:
        """Everything is the twin's."""
        return replace(
            offer, url=mirrored(offer.url), pairs=tuple((n, mirrored(value)) for n, value in offer.pairs)
        )

    def mirror_path(self, offer: Offer) -> Offer:
        """The address is the twin's, the form is ours."""
        return replace(offer, url=mirrored(offer.url))

    def mirror_form(self, offer: Offer) -> Offer:
        """The form is the twin's, the address is ours."""
        return offer.with_pairs((name, mirrored(value)) for name, value in offer.pairs)

    def mirror_one(self, offer: Offer) -> Offer:
        """One identifier alone: the parent of one with the child of the other."""
        return self.put_one(offer, mirrored)

    def lose_one(self, offer: Offer) -> Offer:
        """One identifier is nobody's."""
        return self.put_one(
            offer, lambda text: f"{NOWHERE}-0000-4000-8000-{self.chance.randrange(16**12):012x}"
        )

    def confuse_one(self, offer: Offer) -> Offer:
        """One identifier is that of something else over there."""
        return self.put_one(offer, lambda text: self.some())

    def put_one(self, offer: Offer, change: Any) -> Offer:
        """The same with one identifier changed."""
        places = identifiers_in(offer)
        if not places:
            return self.add_pointer(offer)
        return put(offer, self.chance.choice(places), change)

    def say_twice(self, offer: Offer) -> Offer:
        """A field is said twice, the second time or the first of the twin."""
        told = [pair for pair in offer.pairs if HERE in pair[1]] or list(offer.pairs)
        if not told:
            return self.add_pointer(offer)
        name, value = self.chance.choice(told)
        again = (name, mirrored(value) if HERE in value else self.some())
        return offer.with_pairs(
            (again, *offer.pairs) if self.chance.random() < 0.5 else (*offer.pairs, again)
        )

    def add_pointer(self, offer: Offer) -> Offer:
        """A field that nobody asked for names something of the twin."""
        name, whose = self.chance.choice(POINTERS), self.some()
        value = self.chance.choice(
            (whose, f"{whose}:{self.some()}", f"/personnes/{whose}", f"//{whose}", f"team:{whose}")
        )
        if name == "suite":
            value = f"/personnes/{whose}"
        if offer.method == "GET" or self.chance.random() < 0.3:
            return replace(offer, url=with_query(offer.url, [(name, value)]))
        return offer.with_pairs((*offer.pairs, (name, value)))

    def add_filter(self, offer: Offer) -> Offer:
        """A list is asked for what the twin holds."""
        url = self.chance.choice(
            ("/personnes", "/personnes/export.xlsx", "/coordination", "/coordination/rappels", "/pilotage",
             "/pilotage/lignes?chiffre=ind_reperees", "/administration/comptes", "/administration/organisations", offer.url)
        )  # fmt: skip
        asked = [("voir", "cite"), (self.chance.choice(FILTERS), self.some())]
        if self.chance.random() < 0.5:
            asked.append(
                (
                    "q",
                    self.chance.choice(("Nadia Lefebvre", "06 77 00 00 33", "03/03/1990", "Ness", "Relais")),
                )
            )
        return replace(offer, method="GET", url=with_query(url, asked), pairs=(), json=False)

    def change_seat(self, offer: Offer) -> Offer:
        """Somebody else here sends it, of the twin."""
        return replace(self.mirror_all(offer), seat=self.chance.choice(list(self.harvest.cookies)))

    def change_verb(self, offer: Offer) -> Offer:
        """Another verb, of the twin."""
        return replace(self.mirror_all(offer), method=self.chance.choice(("GET", "POST", "PUT", "DELETE")))

    def guess_path(self, offer: Offer) -> Offer:
        """An address that no page here ever gave."""
        one, other = self.some(), self.some()
        url = self.chance.choice(
            (
                f"/personnes/{one}", f"/personnes/{one}/equipe", f"/personnes/{one}/entretiens/{other}",
                f"/personnes/{one}/etapes/{other}/faite", f"/coordination/referents/{one}",
                f"/coordination/attributions/{one}", f"/pilotage/rapports/{one}", f"/pilotage/rapports/{one}/rapport.pdf",
                f"/pilotage/rapports/{one}/rapport.xlsx", f"/administration/organisations/{one}",
                f"/administration/comptes/{one}/terminer", f"/administration/comptes/{one}/desactiver",
                f"/administration/comptes/{one}/relancer", "/administration/annees/2019",
                "/administration/annees/2019/retirer", "/administration/perimetre/communes/62193/retirer",
                f"/brouillons/entretien:{one}", f"/compte/sessions/{one}/fermer", f"/invitation/{one}",
                f"/reinitialisation/{one}", f"/ma-journee/{one}", f"/personnes/{one}/parcours/close",
                f"/administration/perimetre?q={one}", f"/connexion?suite=/personnes/{one}",
            )
        )  # fmt: skip
        return replace(offer, url=url, seat=self.chance.choice(list(self.harvest.cookies)))

    def steal_key(self, offer: Offer) -> Offer:
        """The signed key of somebody of the twin, or one whose signature was touched."""
        spotting = [each for each in self.harvest.offers if each.endpoint == "parcours.spotted"]
        chosen = self.chance.choice(spotting)
        key = self.chance.choice((self.stolen_key, self.stolen_key[:-1] + "A", self.some()))
        return chosen.with_pairs((name, key if name == "key" else value) for name, value in chosen.pairs)


Place = tuple[str, int]
"""Where an identifier stands: "url" and its rank, or the name of a field and the rank of its pair."""


def identifiers_in(offer: Offer) -> list[Place]:
    """Where an offer names something of its own side."""
    places: list[Place] = [
        ("url", rank) for rank, found in enumerate(UUID.finditer(offer.url)) if found.group().startswith(HERE)
    ]
    places += [(name, rank) for rank, (name, value) in enumerate(offer.pairs) if HERE in value]
    return places


def put(offer: Offer, place: Place, change: Any) -> Offer:
    """The same with the identifiers of one place changed."""
    where, rank = place
    if where == "url":
        counted = iter(range(99))
        return replace(
            offer,
            url=UUID.sub(
                lambda found: change(found.group()) if next(counted) == rank else found.group(), offer.url
            ),
        )
    pairs = list(offer.pairs)
    pairs[rank] = (pairs[rank][0], UUID.sub(lambda found: change(found.group()), pairs[rank][1]))
    return offer.with_pairs(pairs)


def with_query(url: str, more: Sequence[tuple[str, str]]) -> str:
    """An address with more in its query."""
    split = urlsplit(url)
    return f"{split.path}?{urlencode([*parse_qsl(split.query), *more])}"


# Looking


def foreign_bytes(answer: TestResponse, told: set[str]) -> int:
    """How many bytes of an answer only the twin holds: its texts, and identifiers that no request named since."""
    body = headers_of(answer) + said_in(answer)
    found = sum(body.count(sign) * len(sign) for sign in FOREIGN)
    if THERE.encode() in body:
        named = set(UUID.findall(body.decode("utf-8", "replace")))
        found += sum(len(each) for each in named - told if each.startswith(THERE))
    return found


TOKEN = re.compile(rb"(\.?[\w-]{8,})(?:\.[\w-]{6})?\.[\w-]{27}(?![\w-])")
"""What the house signed: words, folded when they are long, then a signature, with an instant before it where it ends."""


def unsealed(body: bytes) -> bytes:
    """The same with the words of signed tokens in their place, without instant nor signature, which are any letters."""

    def words_of(token: re.Match[bytes]) -> bytes:
        words = token[1].lstrip(b".")
        try:
            told = base64.urlsafe_b64decode(words + b"=" * (-len(words) % 4))
            return zlib.decompress(told) if token[1].startswith(b".") else told
        except (ValueError, zlib.error):
            return token[0]

    return TOKEN.sub(words_of, body)


def headers_of(answer: TestResponse) -> bytes:
    """The headers of an answer; of a cookie that is drawn by chance, only its name."""
    said = []
    for name, value in answer.headers:
        cookie, _, rest = value.partition("=")
        is_drawn = name == "Set-Cookie" and not TOKEN.match(rest.encode())
        said.append(f"{name}: {cookie if is_drawn else value}")
    return unsealed("\n".join(said).encode())


def said_in(answer: TestResponse) -> bytes:
    """What an answer says: a workbook or a PDF unfolded, for anything may be found by chance in compressed bytes."""
    body = answer.get_data()
    if answer.mimetype == XLSX and body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as book:
            return b"".join(book.read(name) for name in book.namelist())
    if answer.mimetype == "application/pdf" and body.startswith(b"%PDF"):
        return "".join(page.extract_text() for page in PdfReader(io.BytesIO(body)).pages).encode()
    return unsealed(body)


def excerpt(answer: TestResponse) -> str:
    """What stands around the first foreign sign of an answer."""
    text = headers_of(answer) + b"\n\n" + said_in(answer)
    at = min((text.find(sign) for sign in (*FOREIGN, THERE.encode()) if sign in text), default=0)
    return text[max(0, at - 200) : at + 100].decode("utf-8", "replace")


def test_signed_words_are_read_and_drawn_ones_are_not(app: Flask) -> None:
    answer = app.response_class("x")
    signed = app.session_interface.get_signing_serializer(app).dumps({"said": "Ω zzb " * 40})
    answer.set_cookie("flash", signed)
    answer.set_cookie("drawn", "zzb" * 9)
    told = headers_of(answer)
    assert told.count(b"zzb") == 40 and b"drawn" in told
    answer.set_data(f'<input value="{signed}"> zzb'.encode())
    assert unsealed(answer.get_data()).count(b"zzb") == 41
    key = itsdangerous.URLSafeSerializer("h7Qm").dumps("zzb" * 40).rpartition(".")[0] + "." + "zzb" * 9
    answer.set_data(f'<input value="{key}">'.encode())
    assert unsealed(answer.get_data()).count(b"zzb") == 40


class Watch:
    """Every row of the twin or that points to it, as it was; what became of them since.

    Whoever sends a form may name what it creates (`OnceField`): a row that says its Cité is not the twin's for its name alone,
    nor is another that points to it.
    """

    def __init__(self, twins: Twins) -> None:
        self.server = twins.databases.superuser
        self.asked = " union all ".join(
            f"select '{table}', xmin::text, md5(t::text), ({pointers})::text from {table} t where ({pointers})::text like '%{THERE}%'"
            for table, pointers in self._pointers()
        )
        self.named = " union all ".join(
            f"select '{table}_id', id::text from {table} where id::text like '{THERE}%' and cite_id::text like '{HERE}%'"
            for table in self._named_by_their_form()
        )
        self.before: set[tuple[Any, ...]] = set()
        self.line = 0

    def _pointers(self) -> list[tuple[str, str]]:
        """Of each table, as an object, the columns that may point somewhere: identifiers, and those of a letter."""
        own = self._named_by_their_form()
        told: dict[str, list[str]] = {}
        for table, column in self.server.execute(
            "select table_name, column_name from information_schema.columns"
            " where table_schema = 'public' and data_type = 'uuid' and column_name <> 'batch_id'"
        ).fetchall():
            if column != "id" or table not in own:
                told.setdefault(table, []).append(f"'{column}', {column}")
        objects = {table: f"jsonb_build_object({', '.join(pairs)})" for table, pairs in told.items()}
        letters = (
            "(facts - 'batch') || jsonb_build_object('to', case when recipient like 'zzb%' then 'THERE' end)"
        )
        return sorted({**objects, "outgoing": letters.replace("THERE", THERE)}.items())

    def _named_by_their_form(self) -> set[str]:
        """Tables whose rows have an identifier of their own and always a Cité."""
        found = self.server.execute(
            "select table_name from information_schema.columns where table_schema = 'public' and is_nullable = 'NO'"
            " and (column_name = 'cite_id' or (column_name = 'id' and data_type = 'uuid')) group by 1 having count(*) = 2"
        ).fetchall()
        return {table for (table,) in found}

    def begin(self) -> None:
        """Look at the rows as they are, which is how they must stay."""
        self.before = set(self.server.execute(self.asked).fetchall())
        self.line = self._lines("select coalesce(max(id), 0) from audit.journal")

    def changed(self) -> list[Any]:
        """Rows changed, gone or newly pointing there, and lines of the journal that say so."""
        own = set(self.server.execute(self.named).fetchall())
        differing: list[Any] = [
            row
            for row in sorted(self.before ^ set(self.server.execute(self.asked).fetchall()))
            if any(
                THERE in str(name) and (column, name) not in own
                for column, name in json.loads(row[3]).items()
            )
        ]
        told = self._lines(
            f"select count(*) from audit.journal where id > %s and (cite_id::text like '{THERE}%%'"
            f" or subject_id like '{THERE}%%' and not (verb = 'insert' and cite_id::text like '{HERE}%%'))",
            self.line,
        )
        return [*differing, *(["journal"] * told)]

    def _lines(self, statement: str, *values: object) -> int:
        row = self.server.execute(statement, values).fetchone()
        return int(row[0]) if row else 0


def test_a_row_named_like_one_of_the_twin_is_ones_own_until_it_points_there(house: Harvest) -> None:
    house.twins.restore()
    watch, name = Watch(house.twins), f"{THERE}-0000-4000-8000-00000000dead"
    watch.begin()
    attach = next(offer for offer in house.offers if offer.endpoint == "plans.attach")
    named = attach.with_pairs((key, name if key == "paper" else value) for key, value in attach.pairs)
    assert house.send(named).status_code == 303
    assert watch.changed() == []
    log = next(o for o in house.offers if o.endpoint == "followups.log" and "interview" in dict(o.pairs))
    told = {"interview": name, "next_step": "Rappeler", "due_on": (today() + timedelta(days=5)).isoformat()}
    assert house.send(log.with_pairs({**dict(log.pairs), **told}.items())).status_code == 303
    assert watch.changed() == [], "nor is what points to it"
    watch.server.execute("update attachment set subject_id = id where id = %s", (name,))
    assert [row[0] for row in watch.changed()] == ["attachment"]


def test_every_route_is_offered_and_answers_as_it_should(house: Harvest, proof: Proof) -> None:
    house.twins.restore()
    accepted: set[tuple[str, str]] = set()
    for offer in house.offers:
        route = (offer.method, offer.endpoint)
        if route not in accepted and ask(house, offer).status_code < 400:
            accepted.add(route)
    rules = {
        (method, rule.endpoint)
        for rule in house.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint not in NOT_OFFERED
    }
    missing = sorted(rules - accepted)
    assert not missing, missing
    proof.at_least(TEST, "requests that pages offer", len(house.offers), 300)
    proof.at_most(TEST, "routes without a request that is accepted", len(missing), 0)


def test_no_forged_request_shows_or_changes_anything_of_the_twin(
    house: Harvest, proof: Proof, as_worker: Flask
) -> None:
    forger, watch, times = Forger(house, SEED), Watch(house.twins), proof.times(quick=1_000, full=100_000)
    shown: list[str] = []
    changed: list[Any] = []
    broken: list[str] = []
    letters: list[Any] = []
    accepted = 0
    while forger.made < times:
        house.twins.restore()
        watch.begin()
        sent: list[Offer] = []
        told: set[str] = set()
        for _ in range(min(BURST, times - forger.made)):
            offer = forger.next()
            sent.append(offer)
            told.update(UUID.findall(f"{offer.url} {offer.pairs}"))
            try:
                answer = house.send(offer)
            except Exception as failure:
                broken.append(f"{failure!r}: {offer}")
                continue
            accepted += answer.status_code < 400
            if answer.status_code >= 500:
                broken.append(f"{answer.status_code}: {offer}")
            if foreign_bytes(answer, told):
                shown.append(f"{answer.status_code}: {offer}: {excerpt(answer)}")
        letters += sent_letters(as_worker)
        found = watch.changed()
        changed += found if not found else [*found, sent]
    assert not broken, "\n".join(map(str, broken[:3]))
    assert not shown, "\n".join(map(str, shown[:3]))
    assert not changed, "\n".join(map(str, changed[:3]))
    telling = [each for each in letters if any(sign in repr(each).encode() for sign in FOREIGN)]
    proof.at_least(TEST, "requests forged", forger.made, times)
    proof.at_least(TEST, "of which accepted on what is ours", accepted, times // 20)
    proof.at_most(TEST, "foreign bytes returned", len(shown), 0)
    proof.at_most(TEST, "foreign rows changed or pointed to", len(changed), 0)
    proof.at_most(TEST, "letters that tell of the twin", len(telling), 0)


def sent_letters(worker: Flask) -> list[Any]:
    """Let the letters that wait leave: to whom, and what they say."""
    worker.extensions["celery"].tasks["outbox.sweep"]()
    box: Letterbox = worker.extensions["postman"]
    letters, box.letters = box.letters, []
    return list(letters)


# « Not yours » and « not there »


CHANGING = re.compile(
    rb'"[\w.-]{60,}"|value="[^"]{40,}"|<span class="num">[0-9a-f]{12}</span>|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'
)
"""Tokens, incident numbers and identifiers: what two answers may differ by."""


@dataclass(frozen=True)
class Pair:
    """The same request, of what is somebody else's and of what does not exist."""

    what: str
    not_yours: Offer
    not_there: Offer


def pairs_of(house: Harvest) -> list[Pair]:
    """For each route, role and place of an identifier: somebody else's against nobody's."""
    found: dict[tuple[Any, ...], Pair] = {}
    ours = house.twins.here.named
    swap = {
        str(ours[name]): str(ours[name.replace("followed", "masked")])
        for name in ours
        if "followed" in name and name.replace("followed", "masked") in ours
    }
    for offer in house.offers:
        for place in identifiers_in(offer):
            key = (offer.method, offer.endpoint, place)
            nobody = put(offer, place, nowhere)
            found.setdefault(("other Cité", *key), Pair("other Cité", put(offer, place, mirrored), nobody))
            own = [each for each in UUID.findall(f"{offer.url} {offer.pairs}") if each in swap]
            if offer.seat in ("referent", "spotter") and place[0] == "url" and own:
                masked = replace(offer, url=UUID.sub(lambda f: swap.get(f.group(), f.group()), offer.url))
                gone = replace(
                    offer, url=UUID.sub(lambda f: nowhere(f.group()) if f.group() in swap else f.group(), offer.url)
                )  # fmt: skip
                found.setdefault(("same Cité", *key), Pair("same Cité", masked, gone))
    year = next(each for each in house.offers if each.endpoint == "territory.edit_year")
    commune = next(each for each in house.offers if each.endpoint == "territory.remove_commune")
    for which, there, nowhere_ in ((year, "2019", "2018"), (commune, "62193", "62199")):
        theirs, none = (re.sub(r"\d{4,5}", code, which.url) for code in (there, nowhere_))
        found["code", which.url] = Pair("other Cité", replace(which, url=theirs), replace(which, url=none))
    return list(found.values())


def nowhere(text: str) -> str:
    """The same number, of nobody."""
    return text.replace(HERE, NOWHERE)


def said(answer: TestResponse) -> tuple[Any, ...]:
    """What an answer says, without what changes at each request."""
    headers = sorted(
        (n, v)
        for n, v in answer.headers
        if n not in ("X-Request-Id", "Content-Length", "Set-Cookie", "Retry-After")
    )
    return answer.status_code, CHANGING.sub(b"", repr(headers).encode()), CHANGING.sub(b"", answer.get_data())


def test_not_yours_and_not_there_are_one_answer(house: Harvest, proof: Proof) -> None:
    house.twins.restore()
    pairs, told_apart, slow = pairs_of(house), [], []
    for pair in pairs:
        house.forget_throttling()
        answers = [said(ask(house, offer)) for offer in (pair.not_yours, pair.not_there)]
        if answers[0] != answers[1]:
            told_apart.append((pair, answers[0][:2], answers[1][:2]))
    gaps = []
    timed = random.Random(SEED).sample(pairs, proof.times(quick=12, full=len(pairs)))  # noqa: S311
    for pair in timed:
        gap = gap_of(house, pair, proof.times(quick=7, full=100))
        for _ in range(5):  # a busy machine makes gaps that do not last; a real one is there each time
            gap = gap if gap < 5 else min(gap, gap_of(house, pair, 25))
        gaps.append(gap)
        if gap >= 5:
            slow.append((gap, pair))
    assert not told_apart, "\n".join(map(str, told_apart[:3]))
    assert not slow, "\n".join(map(str, slow[:3]))
    proof.at_least(TEST, "places of an identifier compared", len(pairs), 60)
    proof.at_most(TEST, "told apart by status, headers or body", len(told_apart), 0)
    proof.at_most(TEST, "largest median gap", max(gaps), 5, "ms")


def ask(house: Harvest, offer: Offer) -> TestResponse:
    """Send, and put back what an accepted request changed."""
    answer = house.send(offer)
    if offer.method != "GET" and answer.status_code < 400:
        house.twins.restore()
    return answer


def gap_of(house: Harvest, pair: Pair, samples: int) -> float:
    """How much longer one takes than the other, interleaved, in milliseconds between medians."""
    spent: tuple[list[float], list[float]] = [], []
    for turn in range(samples):
        order = (0, 1) if turn % 2 else (1, 0)
        for side in order:
            offer = (pair.not_yours, pair.not_there)[side]
            began = time.perf_counter()
            answer = house.send(offer)
            spent[side].append(1000 * (time.perf_counter() - began))
            if offer.method != "GET" and answer.status_code < 400:
                house.twins.restore()
    return abs(statistics.median(spent[0]) - statistics.median(spent[1]))
