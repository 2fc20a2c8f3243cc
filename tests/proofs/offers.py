"""Every request that pages offer: harvested from the real pages as each role, filled as a careful visitor would."""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Flask
from werkzeug.datastructures import MultiDict
from werkzeug.test import Client, TestResponse

from cityjobs.accounts import links
from cityjobs.accounts.rules import LinkPurpose
from cityjobs.core.clock import today
from cityjobs.core.permissions import Role
from tests.manners import Element, Page, PageClient
from tests.proofs.twins import PASSWORD, UUID, Seat, Side, Twins, a_pdf

Pairs = tuple[tuple[str, str], ...]
NOT_OFFERED = frozenset({"composants", "accounts.sign_in_demo", "healthz", "metrics"})
"""Routes of a demonstration alone, or that say nothing of anybody."""
PAPER = a_pdf("Contrat d'engagement")
"""What is put in a form that takes a file."""
MOST_PAGES = 60
GESTURES = ("event", "geste", "gesture")
"""Fields that say which of several things a form does."""
ONE_OF_SEVERAL = ("resources", "mobility")
"""Boxes of which a visitor ticks the first."""
FORM = "application/x-www-form-urlencoded"
ENTRANCES = (
    "/ma-journee",
    "/personnes",
    "/coordination",
    "/pilotage",
    "/administration",
    "/administration/listes",
    "/administration/listes/secteur",
    "/administration/modeles",
    "/reperage",
    "/compte",
    "/aide",
)


@dataclass(frozen=True)
class Offer:
    """One request that somebody's pages offer: where, how, and the pairs of its form. `shown` names every control.

    `beside` is said in the JSON that a script sends, outside of what was typed.
    """

    seat: str
    method: str
    url: str
    pairs: Pairs = ()
    json: bool = False
    shown: frozenset[str] = frozenset()
    endpoint: str = ""
    beside: Pairs = ()
    file: str = ""
    """The name of the control that a file is put in."""

    @property
    def shape(self) -> tuple[Any, ...]:
        """What makes two offers the same but for their identifiers."""
        path = urlsplit(self.url)
        named = tuple(sorted({name for name, _ in (*parse_qsl(path.query), *self.pairs)}))
        return self.seat, self.method, UUID.sub("…", path.path), named, self.gesture

    @property
    def gesture(self) -> tuple[str, ...]:
        """What one address is asked to do, where its form says it: two gestures are two requests."""
        return tuple(value for name, value in self.pairs if name in GESTURES)

    def with_pairs(self, pairs: Iterable[tuple[str, str]]) -> "Offer":
        """The same with another form."""
        return replace(self, pairs=tuple(pairs))


def read(answer: TestResponse) -> TestResponse:
    """An answer read to its end, and what it was read from closed."""
    answer.get_data()
    answer.close()
    return answer


def typed(name: str, page: Page) -> str:
    """What a visitor writes in an empty field."""
    soon, past = today() + timedelta(days=6), today() - timedelta(days=1)
    written = {
        "synthesis": "Elle a trouvé une piste.",
        "title": "Préparer le CV",
        "next_step": "Rappeler lundi",
        "reason": "Parce que c’est mieux ainsi",
        "why": "Pour les remplacements",
        "result": "C’est fait",
        "first_name": "Inès",
        "last_name": "Nouvelle",
        "phone": "06 98 76 54 32",
        "email": f"ines{len(page.url)}@neuf.example",
        "password": PASSWORD,
        "current_password": PASSWORD,
        "repeated": PASSWORD,
        "year": "2031",
        "envelope_euros": "1234",
        "insee_code": "59599",
        "name": f"Nouvelle organisation {len(page.url)}",
        "q": "Nadia",
        "held_on": past.isoformat(),
        "spotted_on": past.isoformat(),
        "on": today().isoformat(),
        "due_on": soon.isoformat(),
        "review_on": (today() + timedelta(days=40)).isoformat(),
        "address": "12 rue du Port",
        "strengths": "Parle trois langues",
        "project": "Cuisiner pour une école",
        "occupation": "Cuisinière",
        "radius_km": "20",
        "until": (today() + timedelta(days=60)).isoformat(),
        "employer": "Le Fournil du port",
        "weekly_hours": "17,5",
        "note": "Tout se passe bien",
        "evidence_seen_on": today().isoformat(),
        "months": "8",
        "minimum_months": "6",
        "children": "2",
        "children_under_3": "1",
        "label": f"Nouvelle réponse {len(page.url)}",
    }
    if "/mot-de-passe" in page.url or "/reinitialisation" in page.url or "/invitation" in page.url:
        written |= {"password": "Neuf-Pont-Bleu-Marine-77", "repeated": "Neuf-Pont-Bleu-Marine-77"}
    return written.get(name, "")


def filled(form: Element, page: Page) -> tuple[Pairs, frozenset[str], Pairs]:
    """The pairs that a visitor would send, the names of every control of the form, and its buttons: one is pressed."""
    buttons: list[tuple[str, str]] = []
    pairs: list[tuple[str, str]] = []
    shown: set[str] = set()
    radios: dict[str, list[Element]] = {}
    for control in form.all("*"):
        name, kind = control.attributes.get("name"), control.attributes.get("type", "text")
        if not name or "disabled" in control.attributes:
            continue
        shown.add(name)
        value = control.attributes.get("value", "")
        if control.tag == "textarea":
            text = "".join(word for child in control.children for word in child.words).removeprefix("\n")
            pairs.append((name, text or typed(name, page)))
        elif control.tag == "select":
            options = [option.attributes.get("value", option.text()) for option in control.all("option")]
            chosen = [o.attributes.get("value", "") for o in control.all("option", selected="")]
            pairs.append((name, next(filter(None, [*chosen, *options]), "")))
        elif control.tag == "input" and kind == "radio":
            radios.setdefault(name, []).append(control)
        elif control.tag == "input" and kind == "checkbox":
            first = name in ONE_OF_SEVERAL and all(name != told for told, _ in pairs)
            if "checked" in control.attributes or name in ("picked", "lines") or first:
                pairs.append((name, value or "y"))
        elif control.tag in ("input", "button"):
            if control.tag == "input" and kind not in ("submit", "button", "image", "reset", "file"):
                pairs.append((name, value or typed(name, page)))
            elif control.tag == "button" and value:
                buttons.append((name, value))
    for name, choices in radios.items():
        one = next((each for each in choices if "checked" in each.attributes), choices[0])
        pairs.append((name, one.attributes.get("value", "on")))
    return tuple(pairs), frozenset(shown), tuple(buttons)


class Harvest:
    """The offers of every seat of one side, and a way to send them fast."""

    def __init__(self, app: Flask, twins: Twins, side: Side) -> None:
        self.app, self.twins, self.side = app, twins, side
        self.adapter = app.url_map.bind("localhost")
        self.client = Client(app, use_cookies=False)
        self.cookies: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.offers: list[Offer] = []
        known = set()
        for name, seat in side.members.items():
            self._sit(name, seat)
            for offer in self._seen_from(name) if name in tuple(Role) else ():
                if offer.shape not in known:
                    known.add(offer.shape)
                    self.offers.append(offer)
        twins.restore()

    # Harvesting

    def _sit(self, name: str, seat: Seat) -> None:
        client = PageClient(self.app)
        with client.session_transaction() as cookie:
            cookie["_user_id"], cookie["_fresh"] = seat.token, True
        self.tokens[name] = client.token()
        jar = client.flask._cookies.values()
        self.cookies[name] = "; ".join(f"{each.key}={each.value}" for each in jar)
        self.page_client = client

    def _seen_from(self, name: str) -> Iterator[Offer]:
        client = self.page_client
        waiting, met = list(ENTRANCES), set()
        yield from self._unwritten(name)
        yield from (self._offer(name, "GET", url) for url in ENTRANCES)
        for _ in range(MOST_PAGES):
            url = next((each for each in waiting if self._kind_of(each) not in met), None)
            if url is None:
                break
            met.add(self._kind_of(url))
            response = read(client.flask.get(url))
            if response.status_code != 200 or response.mimetype != "text/html":
                continue
            page = Page(response, url)
            yield from self._forms_of(name, page)
            for link in self._links_of(page):
                waiting.append(link)
                yield self._offer(name, "GET", link)

    def _kind_of(self, url: str) -> tuple[Any, ...]:
        """Pages of one endpoint are read once, whoever they are about and however filtered."""
        path = urlsplit(url).path
        return self._endpoint("GET", path), "" if UUID.search(path) else path

    def _links_of(self, page: Page) -> Iterator[str]:
        for link in page.all("a"):
            href = link.attributes.get("href", "")
            if href.startswith("/") and not href.startswith("/static/"):
                yield href.partition("#")[0]

    def _forms_of(self, name: str, page: Page) -> Iterator[Offer]:
        for form in page.all("form"):
            action = (form.attributes.get("action") or page.url).partition("#")[0]
            pairs, shown, buttons = filled(form, page)
            pairs = tuple(pair for pair in pairs if pair[0] != "csrf_token")
            if form.attributes.get("method", "get").lower() == "get":
                yield self._offer(name, "GET", f"{urlsplit(action).path}?{urlencode(pairs)}")
                continue
            if self._endpoint("POST", urlsplit(action).path) == "accounts.sign_out" and name != "referent":
                continue
            file = next((each["name"] for each in form.all("input", type="file")), "")
            for pressed in buttons or (None,):
                told = (*pairs, pressed) if pressed else pairs
                yield replace(self._offer(name, "POST", action, told, shown), file=file)

    def _unwritten(self, name: str) -> Iterator[Offer]:
        """What scripts send, and pages that only a letter, a lock, a long list or another form leads to."""
        named = self.side.named
        person, draft = f"/personnes/{named['person:followed']}", f"entretien:{named['person:followed']}"
        yield self._offer(name, "PUT", f"/brouillons/{draft}", (("synthesis", "Je commence"),), json=True)
        yield self._offer(name, "DELETE", f"/brouillons/{draft}")
        yield self._offer(name, "POST", "/verrou", (("password", PASSWORD), ("suite", person)))
        masked = f"/personnes/{named['person:masked']}/entretiens/{named['interview:masked']}"
        for url in ("/cite", "/verrou", f"{person}/entretiens/nouveau", masked, f"/verrou?suite={person}"):
            yield self._offer(name, "GET", url)
        yield self._offer(name, "POST", "/cite", (("membership_id", str(named[f"membership:{name}"])),))
        if name in ("referent", "coordinator", "spotter"):
            yield self._offer(name, "GET", "/metiers?occupation=boulanger")
            again = f"/personnes/{named['person:closed']}/parcours/nouveau"
            yield self._offer(name, "GET", again)
            yield from self._forms_of(name, Page(read(self.page_client.flask.get(again)), again))
            answer = self.page_client.flask.post(
                "/reperage/chercher", data={"q": "Inès Nouvelle", "csrf_token": self.tokens[name]}
            )
            spotting = list(self._forms_of(name, Page(read(answer), "/reperage")))
            yield from spotting
            typing = next(offer for offer in spotting if offer.url == "/reperage")
            yield self._offer(name, "POST", "/reperage/ressemblances", typing.pairs, typing.shown)
        if name in ("referent", "coordinator"):
            done = named["step:followed:done"]
            yield self._offer(name, "POST", f"{person}/etapes/{done}/reprendre?suite=/ma-journee")
            yield self._offer(name, "GET", "/ma-journee/en-retard")
            said = f"{person}/entretiens/{named['interview:followed']}/modifier"
            yield self._offer(name, "GET", said)
            yield from self._forms_of(name, Page(read(self.page_client.flask.get(said)), said))
            yield self._offer(name, "GET", "/reperage/chercher")
            picked = (("picked", f"{named['step:followed:late']}.1"), ("gesture", "done"))
            yield self._offer(name, "POST", "/ma-journee/en-retard", picked, frozenset({"due_on"}))
            yield from self._moves(name)
            yield from self._households(name)
            yield from self._absences(name)
            yield from self._lives(name)
            yield from self._diagnoses(name)
            yield from self._plans(name)
        if name in ("coordinator", "chef_de_file", "funder"):
            report = f"/pilotage/rapports/{named['report:ready']}"
            for url in (report, f"{report}/rapport.pdf", f"{report}/rapport.xlsx"):
                yield self._offer(name, "GET", url)
        if name == "coordinator":
            batch = named["batch"]
            yield self._offer(name, "GET", f"/coordination/attributions/{batch}")
            yield self._offer(name, "POST", "/coordination/annuler", (("batch_id", str(batch)),))
            yield from self._teams(name)
        if name == "administrator":
            invited = named["membership:invited"]
            yield self._offer(name, "POST", f"/administration/comptes/{invited}/relancer")
            yield self._offer(name, "POST", f"/administration/perimetre/qpv/{self.twins.quarters[2]}/ajouter")
        if name == "partner":
            yield from self._from_letters(name)

    def _teams(self, name: str) -> Iterator[Offer]:
        """The team of somebody who has one, and of somebody to whom a colleague may be added."""
        for case in ("assessed", "followed"):
            url = f"/personnes/{self.side.named[f'person:{case}']}/equipe"
            for offer in self._forms_of(name, Page(read(self.page_client.flask.get(url)), url)):
                if offer.endpoint == "coordination.second":
                    colleague = str(self.side.members["colleague"].user_id)
                    offer = offer.with_pairs([("colleague", colleague), ("why", "Pour les remplacements")])
                yield offer

    def _households(self, name: str) -> Iterator[Offer]:
        """Whoever belongs with a person: sought, added, taken away."""
        url = f"/personnes/{self.side.named['person:followed']}/foyer"
        yield self._offer(name, "GET", url)
        yield from self._forms_of(name, Page(read(self.page_client.flask.get(url)), url))
        sought = {"q": "Lefebvre", "csrf_token": self.tokens[name]}
        answer = self.page_client.flask.post(f"{url}/chercher", data=sought)
        for offer in self._forms_of(name, Page(read(answer), f"{url}/chercher")):
            if offer.endpoint == "people.add_kin":
                waiting = str(self.side.named["person:assessed"])
                kept = [pair for pair in offer.pairs if pair[0] not in ("other", "kind")]
                yield offer.with_pairs([*kept, ("other", waiting), ("kind", "parent")])

    def _absences(self, name: str) -> Iterator[Offer]:
        """An absence to come, that may be called off; a new one."""
        url = f"/absences/{self.side.named['absence:coming']}"
        yield self._offer(name, "GET", url)
        yield from self._forms_of(name, Page(read(self.page_client.flask.get(url)), url))
        new = "/absences/nouvelle"
        yield self._offer(name, "GET", new)
        for offer in self._forms_of(name, Page(read(self.page_client.flask.get(new)), new)):
            if offer.endpoint == "absences.add":
                said = {
                    "absent": str(self.side.members["colleague"].user_id),
                    "deputy": str(self.side.members["coordinator"].user_id),
                    "ends_on": (today() + timedelta(days=8)).isoformat(),
                }
                yield offer.with_pairs([(field, said.get(field, value)) for field, value in offer.pairs])

    def _diagnoses(self, name: str) -> Iterator[Offer]:
        """A diagnosis to begin, one being filled, its versions, and a frein by itself."""
        named = self.side.named
        person = f"/personnes/{named['person:followed']}"
        for url in (
            f"/personnes/{named['person:assessed']}/diagnostic",
            f"{person}/diagnostic",
            f"{person}/freins/{named['frein:followed:logement']}",
        ):
            yield self._offer(name, "GET", url)
            yield from self._forms_of(name, Page(read(self.page_client.flask.get(url)), url))
        for url in (f"{person}/diagnostic/1", f"{person}/diagnostic/progres"):
            yield self._offer(name, "GET", url)
        masked = f"/personnes/{named['person:masked']}/freins/{named['frein:masked:sante']}"
        yield self._offer(name, "GET", masked)
        unmet = f"/personnes/{named['person:begun']}/diagnostic/commencer"
        yield self._offer(name, "POST", unmet, (("moves", "y"),))

    def _plans(self, name: str) -> Iterator[Offer]:
        """The pages of a plan, which the file of a person leads to."""
        named = self.side.named
        person = f"/personnes/{named['person:followed']}"
        etape = {
            status: f"{person}/plan/etapes/{named[f'etape:followed:{status}']}"
            for status in ("prevue", "en_cours", "en_attente")
        }
        urls = [f"{person}/plan", f"{person}/plan/etapes/nouvelle", f"{person}/plan/modeles/appliquer", f"{person}/accord/nouveau",
                f"{person}/accord/2", f"{person}/pieces/{named['paper:followed']}/retirer", f"{etape['en_attente']}/resume",
                *(f"{etape['prevue']}/{gesture}" for gesture in ("modifier", "start", "finish", "cancel")),
                *(f"{etape['en_cours']}/{gesture}" for gesture in ("pause", "abandon"))]  # fmt: skip
        for url in (*urls, *([f"{person}/plan/modeles"] if name == "coordinator" else [])):
            yield self._offer(name, "GET", url)
            page = Page(read(self.page_client.flask.get(url)), url)
            yield from self._forms_of(name, page)
        yield self._offer(name, "GET", f"{person}/pieces/{named['paper:followed']}")

    def _moves(self, name: str) -> Iterator[Offer]:
        for case, event in (
            ("begun", "first_met"),
            ("assessed", "enroll"),
            ("waiting", "decline"),
            ("followed", "suspend"),
            ("followed", "hire"),
            ("employed", "contract_broken"),
            ("suspended", "resume"),
            ("gone", "reopen"),
        ):
            url = f"/personnes/{self.side.named[f'person:{case}']}/parcours/{event}"
            answer = read(self.page_client.flask.get(url))
            if answer.status_code == 200:
                yield from self._forms_of(name, Page(answer, url))

    def _lives(self, name: str) -> Iterator[Offer]:
        """What a job and an exit ask later, closing once its type was chosen, and how exits are read."""
        named = self.side.named
        close = f"/personnes/{named['person:followed']}/parcours/close"
        urls = [
            f"/personnes/{named['person:employed']}/emplois/{named['job:employed']}/points/m1",
            f"/personnes/{named['person:gone']}/situations/{named['left:gone']}/m3",
            f"/personnes/{named['person:followed']}/situations/{named['left:followed']}/m3",
            f"/personnes/{named['person:followed']}/emplois/{named['job:followed']}/points/m1",
            f"/personnes/{named['person:suspended']}",
            f"/personnes/{named['person:employed']}",
            f"/personnes/{named['person:gone']}",
            close,
        ]
        if name == "coordinator":
            urls += ["/coordination/sorties", f"/coordination/sorties/{named['ruleset']}/cdi"]
            chosen = (("ruleset_id", str(named["ruleset"])),)
            yield self._offer(name, "POST", "/coordination/sorties/choisir", chosen)
        over = f"/emplois/{named['job:followed']}/"
        for url in urls:
            yield self._offer(name, "GET", url)
            for offer in self._forms_of(name, Page(read(self.page_client.flask.get(url)), url)):
                if offer.endpoint == "parcours.check_job" and over in offer.url:
                    offer = offer.with_pairs((n, "non" if n == "in_job" else v) for n, v in offer.pairs)
                yield offer
        chosen = {"geste": "lire", "reason": "cdi", "csrf_token": self.tokens[name]}
        answer = read(self.page_client.flask.post(close, data=chosen))
        yield from self._forms_of(name, Page(answer, close))

    def _from_letters(self, name: str) -> Iterator[Offer]:
        secret = str(self.app.config["SECRET_KEY"])
        for purpose, link in ((LinkPurpose.INVITATION, "link"), (LinkPurpose.RESET, "reset")):
            path = links.path_of(self.side.named[link], purpose, secret)
            answer = read(self.app.test_client().get(path))
            for offer in self._forms_of(name, Page(answer, path)):
                if offer.method == "POST":
                    yield offer
            yield self._offer(name, "GET", path)
        for path in ("/connexion", "/mot-de-passe-oublie", "/mot-de-passe-oublie/envoye"):
            yield self._offer(name, "GET", path)
            page = Page(read(self.app.test_client().get(path)), path)
            for offer in self._forms_of(name, page):
                address = ("email", self.side.members["referent"].email)
                yield offer.with_pairs([address, *(pair for pair in offer.pairs if pair[0] != "email")])

    def _offer(
        self,
        name: str,
        method: str,
        url: str,
        pairs: Pairs = (),
        shown: frozenset[str] = frozenset(),
        *,
        json: bool = False,
    ) -> Offer:
        return Offer(name, method, url, pairs, json, shown, self._endpoint(method, urlsplit(url).path))

    def _endpoint(self, method: str, path: str) -> str:
        try:
            endpoint: str = self.adapter.match(path, method=method)[0]
        except Exception:  # a redirect, a page that is not there, a method refused
            return ""
        return endpoint

    # Sending

    def forget_throttling(self) -> None:
        """As if nobody had given a wrong password within the hour."""
        self.app.extensions["cityjobs.limiter"].reset()

    def send(self, offer: Offer, *, more: Mapping[str, str] | None = None) -> TestResponse:
        """Send an offer as its seat, with the token of its session, keeping no cookie; the answer is read whole."""
        headers = [("Cookie", self.cookies[offer.seat]), *(more or {}).items()]
        if offer.method == "GET":
            answer = self.client.open(offer.url, method="GET", headers=headers)
        elif offer.json or offer.method in ("PUT", "DELETE"):
            headers.append(("X-CSRFToken", self.tokens[offer.seat]))
            body = {**dict(offer.beside), "fields": dict(offer.pairs)}
            answer = self.client.open(offer.url, method=offer.method, headers=headers, json=body)
        elif offer.file:
            parts = MultiDict[str, Any]([("csrf_token", self.tokens[offer.seat]), *offer.pairs])
            parts.add(offer.file, (io.BytesIO(PAPER), "contrat.pdf", "application/pdf"))
            answer = self.client.open(offer.url, method=offer.method, headers=headers, data=parts)
        else:
            form = urlencode([("csrf_token", self.tokens[offer.seat]), *offer.pairs]).encode()
            answer = self.client.open(
                offer.url, method=offer.method, headers=headers, data=form, content_type=FORM
            )
        return read(answer)
