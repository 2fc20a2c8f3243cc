"""Professionals at work through the front door, who write down all that they were told was saved.

The front door does as a reverse proxy does: another host when one cannot be reached, a reading asked again when it was
not answered, and never a writing. Whoever gets no answer to a writing sends the same form again, as one does.
"""

import http.client
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

import sqlalchemy as sa

from cityjobs.core.clock import today
from cityjobs.core.permissions import Role
from cityjobs.parcours.rules.lifecycle import Event, Status
from tests.accounts import HASH, PASSWORD
from tests.hosts.rig import DOMAIN, HTTP, WEBS, Rig
from tests.manners import FilledForm, Page
from tests.world import Case, Member, World


class Unanswered(Exception):
    """A writing was sent, and nothing came back: nobody knows whether it was done."""


class AwayTooLong(Exception):
    """No host answered in all the time that somebody is ready to wait."""


@dataclass
class Answer:
    """What came back, as a page is read from."""

    status_code: int
    headers: dict[str, str]
    body: bytes

    @property
    def mimetype(self) -> str:
        """text/html and the like."""
        return self.headers.get("Content-Type", "").split(";")[0]

    def get_data(self, as_text: bool = False) -> Any:
        """The body."""
        return self.body.decode() if as_text else self.body


@dataclass(frozen=True)
class Exchange:
    """One request as somebody lived it, retries of the front door included."""

    at: float
    method: str
    path: str
    status: int
    seconds: float


@dataclass
class Deed:
    """Something that somebody wanted written: its mark is found again in the database."""

    kind: str
    mark: str
    sent: int = 0
    acknowledged: bool = False


@dataclass
class Journal:
    """What all the visitors lived, and all that they were told."""

    began: float = field(default_factory=time.time)
    exchanges: list[Exchange] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Pages that were answered as if all were well, and were not what they should be."""

    def acknowledged(self, kind: str) -> set[str]:
        """The marks of what was said to be saved."""
        return {deed.mark for deed in self.deeds if deed.kind == kind and deed.acknowledged}

    def sent_again(self) -> int:
        """How many forms were sent more than once."""
        return sum(deed.sent > 1 for deed in self.deeds)


class Visitor:
    """One browser."""

    def __init__(self, rig: Rig, journal: Journal, number: int, *, patience: float = 60.0) -> None:
        self.rig, self.journal, self.number, self.patience = rig, journal, number, patience
        self.first = number
        self.cookies: dict[str, str] = {}

    def sign_in(self, member: Member) -> None:
        """By the page and its form, with a password."""
        form = self.get("/connexion").form(holding="password")
        page = self.post(form, email=member.user.email, password=PASSWORD)
        assert page.status == 303, page.text()[:500]

    def get(self, path: str, *, expecting: str | None = None) -> Page:
        """A page; one that is answered without what it must hold goes into the journal."""
        page = self._ask("GET", path)
        if (
            expecting is not None
            and page.status < 500
            and (page.status != 200 or expecting not in page.text())
        ):
            self.journal.broken.append(f"{path}: {page.status} without {expecting}: {page.text()[:300]}")
        return page

    def get_surely(self, path: str) -> Page:
        """A page, asked for again while the house says that it is away."""
        began = time.monotonic()
        while (page := self.get(path)).status >= 500:
            if time.monotonic() - began > self.patience:
                raise AwayTooLong(path)
            time.sleep(0.2)
        return page

    def post(self, form: FilledForm, **changes: Any) -> Page:
        """Send a form once. Raises Unanswered."""
        values = {name: value for name, value in {**form.values, **changes}.items() if value is not None}
        return self._ask("POST", form.action, values)

    def post_or_none(self, form: FilledForm, **changes: Any) -> Page | None:
        """Send a form that writes nothing; None when it was not answered."""
        try:
            return self.post(form, **changes)
        except Unanswered:
            return None

    def do(self, deed: Deed, form: FilledForm, **changes: Any) -> Page:
        """Send a form until it is answered by anything but « away »; say in the journal whether it was saved."""
        self.journal.deeds.append(deed)
        began = time.monotonic()
        while True:
            deed.sent += 1
            try:
                page = self.post(form, **changes)
                if page.status < 500:
                    deed.acknowledged = page.status == 303
                    return page
            except Unanswered:
                pass
            if time.monotonic() - began > self.patience:
                raise AwayTooLong(form.action)
            time.sleep(0.2)

    def _ask(self, method: str, url: str, values: dict[str, Any] | None = None) -> Page:
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        began = time.monotonic()
        status = 0
        try:
            answer = self._through_front_door(method, path, values, began)
            status = answer.status_code
            return Page(answer, url)  # type: ignore[arg-type]
        finally:
            self.journal.exchanges.append(
                Exchange(time.time(), method, parts.path, status, time.monotonic() - began)
            )

    def _through_front_door(
        self, method: str, path: str, values: dict[str, Any] | None, began: float
    ) -> Answer:
        while time.monotonic() - began < self.patience:
            for step in range(len(WEBS)):
                host = WEBS[(self.first + step) % len(WEBS)]
                connection = http.client.HTTPConnection(self.rig.addresses[host], HTTP, timeout=1)
                try:
                    connection.connect()
                except OSError:
                    continue
                try:
                    return self._exchange(connection, method, path, values)
                except (OSError, http.client.HTTPException) as failure:
                    if method != "GET":
                        raise Unanswered(path) from failure
                finally:
                    connection.close()
            time.sleep(0.1)
        raise AwayTooLong(path)

    def _exchange(
        self, connection: http.client.HTTPConnection, method: str, path: str, values: dict[str, Any] | None
    ) -> Answer:
        assert connection.sock is not None
        connection.sock.settimeout(30)
        headers = {
            "Host": DOMAIN,
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": f"198.51.100.{1 + self.number % 250}",
            "X-Forwarded-Host": DOMAIN,
            "Referer": f"https://{DOMAIN}{path}",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
        }
        body = None
        if values is not None:
            body = urlencode(values, doseq=True)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        for line in answer.headers.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        return Answer(answer.status, dict(answer.headers.items()), text)


class House:
    """A Cité with people who have a password, and persons to follow."""

    def __init__(self, rig: Rig, *, referents: int = 2, cases: int = 6) -> None:
        self.rig = rig
        self._lock = threading.Lock()
        self.world = World(rig.world_engine)
        self.world.counter = (1 + secrets.randbelow(900_000)) * 1000
        self.cite = self.world.cite(f"Nord{self.world.next()}")
        self.coordinator = self._member(Role.COORDINATOR)
        self.administrator = self._member(Role.ADMINISTRATOR)
        self.referents = [self._member(Role.REFERENT) for _ in range(referents)]
        self.cases = {
            member.id: [self.case(referent=member, status=Status.ACTIF) for _ in range(cases)]
            for member in self.referents
        }
        self.world.session.expunge_all()

    def _member(self, role: Role) -> Member:
        return self.world.member(role, self.cite, password_hash=HASH)

    def case(self, **facts: Any) -> Case:
        """One more person of this Cité, whose making waits for the database."""
        while True:
            with self._lock:
                self.world.counter += 10
                apart = World(self.rig.world_engine)
                apart.counter = self.world.counter
            try:
                return apart.case(self.cite, **facts)
            except sa.exc.OperationalError:
                time.sleep(0.2)
            finally:
                apart.session.expunge_all()
                apart.session.close()


def new_mark() -> str:
    """A word like no other, made of letters alone."""
    return "z" + "".join(secrets.choice("bcdfghjklmnpqrstvwx") for _ in range(14))


def log_exchange(visitor: Visitor, case: Case) -> None:
    """Note an exchange with what comes next."""
    page = visitor.get_surely(f"/personnes/{case.id}/entretiens/nouveau")
    mark = new_mark()
    visitor.do(
        Deed("exchange", mark),
        page.form("/entretiens/nouveau"),
        synthesis=mark,
        next_step=f"Rappeler {mark}",
        due_on=(today() + timedelta(days=3)).isoformat(),
    )


def plan_step(visitor: Visitor, case: Case) -> None:
    """Agree on what comes next."""
    page = visitor.get_surely(f"/personnes/{case.id}/etapes/nouvelle")
    mark = new_mark()
    due_on = (today() + timedelta(days=5)).isoformat()
    visitor.do(Deed("step", mark), page.form(holding="title"), title=mark, due_on=due_on)


def move(visitor: Visitor, case: Case) -> None:
    """Say that somebody was contacted."""
    page = visitor.get_surely(f"/personnes/{case.id}/parcours/{Event.CONTACT_OK}")
    deed = Deed("move", str(case.parcours.id))
    answer = visitor.do(deed, page.form(holding="event"))
    # Sent again after no answer, the page says that it is already so: told, if not with a redirect.
    deed.acknowledged = deed.acknowledged or (deed.sent > 1 and answer.status == 409)


def spot(visitor: Visitor) -> None:
    """Search, find nobody, and enter a person."""
    mark = new_mark()
    search = visitor.get_surely("/reperage").form("/reperage/chercher")
    while (page := visitor.post_or_none(search, q=f"{mark} {mark[::-1]}")) is None or page.status >= 500:
        time.sleep(0.2)
    deed = Deed("spotting", mark)
    said = {
        "first_name": mark,
        "last_name": mark[::-1],
        "phone": f"06{secrets.randbelow(10**8):08d}",
        "qpv": "unknown",
        "channel": "pied_immeuble",
    }
    answer = visitor.do(deed, page.form(holding="first_name"), **said)
    if answer.status == 422:  # look-alikes were shown: it is somebody else
        deed = Deed("spotting", mark)
        visitor.do(deed, answer.form(holding="first_name"))


def assign(visitor: Visitor, case: Case, referent: Member) -> None:
    """Give somebody a référent, who is written to."""
    form = visitor.get_surely("/coordination").form("/coordination/attribuer")
    visitor.do(
        Deed("assignment", str(case.parcours.id)),
        form,
        picked=[str(case.parcours.id)],
        target=str(referent.id),
    )


def invite(visitor: Visitor) -> None:
    """Invite somebody, who is written to."""
    form = visitor.get_surely("/administration/comptes/inviter").form("/inviter")
    organisation = next(
        option["value"]
        for option in form.element.all("option")
        if len(option.attributes.get("value", "")) == 36
    )
    mark = new_mark()
    visitor.do(
        Deed("invitation", mark),
        form,
        email=f"{mark}@{DOMAIN}",
        first_name="Léa",
        last_name="Morel",
        role=Role.SPOTTER.value,
        organisation=organisation,
    )


class Crowd:
    """Visitors at work, each in a thread, until told to stop."""

    def __init__(self, rig: Rig, house: House, *, patience: float = 60.0) -> None:
        self.rig, self.house, self.patience = rig, house, patience
        self.journal = Journal()
        self.failures: list[BaseException] = []
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._signed_in = 0

    def __enter__(self) -> "Crowd":
        for number, (member, work) in enumerate(self._jobs()):
            thread = threading.Thread(target=self._work, args=(number, member, work), daemon=True)
            self._threads.append(thread)
            thread.start()
        deadline = time.monotonic() + self.patience
        while self._signed_in < len(self._threads) and not self.failures and time.monotonic() < deadline:
            time.sleep(0.02)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(self.patience + 10)
        if kind is None and self.failures:
            raise self.failures[0]

    def work(self, deeds: int, seconds: float = 0.0) -> None:
        """Let them work for some time, and until so many more of their writings were acknowledged."""
        before, began = self._acknowledged(), time.monotonic()
        while time.monotonic() - began < seconds or self._acknowledged() - before < deeds:
            if self.failures:
                raise self.failures[0]
            assert time.monotonic() - began < seconds + 2 * self.patience, "nothing is acknowledged any more"
            time.sleep(0.02)

    def _acknowledged(self) -> int:
        return sum(deed.acknowledged for deed in list(self.journal.deeds))

    def _jobs(self) -> "Sequence[tuple[Member, Callable[[Visitor, int], None]]]":
        house = self.house

        def follow(cases: list[Case], member: Member) -> Callable[[Visitor, int], None]:
            def work(visitor: Visitor, turn: int) -> None:
                case = cases[turn % len(cases)]
                visitor.get(f"/personnes/{case.id}", expecting=case.person.last_name)
                visitor.get("/personnes", expecting=cases[0].person.last_name)
                (log_exchange if turn % 2 else plan_step)(visitor, case)
                if turn % 3 == 0:
                    move(visitor, house.case(referent=member, status=Status.REPERE))

            return work

        def coordinate(visitor: Visitor, turn: int) -> None:
            assign(visitor, house.case(), house.referents[turn % len(house.referents)])
            visitor.get("/coordination", expecting="")
            if turn % 2:
                spot(visitor)

        def administer(visitor: Visitor, _turn: int) -> None:
            invite(visitor)

        return [
            *((member, follow(house.cases[member.id], member)) for member in house.referents),
            (house.coordinator, coordinate),
            (house.administrator, administer),
        ]

    def _work(self, number: int, member: Member, work: Callable[[Visitor, int], None]) -> None:
        try:
            visitor = Visitor(self.rig, self.journal, number, patience=self.patience)
            visitor.sign_in(member)
            self._signed_in += 1
            turn = 0
            while not self._stop.is_set():
                work(visitor, turn)
                turn += 1
        except BaseException as failure:  # shown by the test, whose thread is another one
            self.failures.append(failure)


@dataclass(frozen=True)
class Accounts:
    """What is found in the database and at the mail host, compared with what the visitors were told."""

    acknowledged: int
    lost: list[str]
    twice: list[str]
    letters_lost: list[str]
    letters_twice: list[str]


FOUND = {
    "exchange": "select synthesis, count(*) from interview where synthesis = any(%(marks)s) group by 1",
    "step": "select title, count(*) from next_step where title = any(%(marks)s) group by 1",
    "move": "select parcours_id::text, count(*) from parcours_transition where parcours_id = any(%(marks)s::uuid[]) group by 1",
    "spotting": "select first_name, count(*) from person where first_name = any(%(marks)s) group by 1",
    "assignment": "select parcours_id::text, count(*) from assignment where parcours_id = any(%(marks)s::uuid[]) group by 1",
    "invitation": (
        "select split_part(u.email, '@', 1), count(*) from membership m join user_account u on u.id = m.user_id"
        " where split_part(u.email, '@', 1) = any(%(marks)s) group by 1"
    ),
}
ALSO = {
    "exchange": "select substr(title, 10), count(*) from next_step where title = any(%(marks)s) group by 1"
}


def settle_accounts(rig: Rig, journal: Journal) -> Accounts:
    """Compare, once every letter is settled."""
    lost, twice = [], []
    for kind, query in FOUND.items():
        marks = [deed.mark for deed in journal.deeds if deed.kind == kind]
        found = dict(rig.ask(query, marks=marks))
        lost += [f"{kind} {mark}" for mark in journal.acknowledged(kind) if not found.get(mark)]
        twice += [f"{kind} {mark}" for mark, times in found.items() if times > 1]
    marks = [f"Rappeler {deed.mark}" for deed in journal.deeds if deed.kind == "exchange"]
    steps = dict(rig.ask(ALSO["exchange"], marks=marks))
    lost += [f"its step {mark}" for mark in journal.acknowledged("exchange") if not steps.get(mark)]
    twice += [f"its step {mark}" for mark, times in steps.items() if times > 1]

    received = rig.received(journal.began)
    addresses = {address for letter in rig.letters() for address in letter["to"]}
    since = "select id::text from outgoing where state = 'sent' and created_at > to_timestamp(%(began)s)"
    sent = {row[0] for row in rig.ask(since, began=journal.began)}
    letters_lost = sorted(sent - set(received))
    letters_lost += [
        f"invitation {mark}"
        for mark in journal.acknowledged("invitation")
        if f"{mark}@{DOMAIN}" not in addresses
    ]
    batches = dict(
        rig.ask(
            "select a.parcours_id::text, o.id::text from assignment a join outgoing o"
            " on o.kind = 'assignment' and o.facts->>'batch' = a.batch_id::text"
            " where a.parcours_id = any(%(marks)s::uuid[])",
            marks=list(journal.acknowledged("assignment")),
        )
    )
    letters_lost += [
        f"assignment {mark}"
        for mark in journal.acknowledged("assignment")
        if batches.get(mark) not in received
    ]
    letters_twice = [letter for letter, times in received.items() if times > 1]
    acknowledged = sum(deed.acknowledged for deed in journal.deeds)
    return Accounts(acknowledged, lost, twice, letters_lost, letters_twice)


def percentile(numbers: Sequence[float], share: float) -> float:
    """The value under which this share of the numbers stands."""
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
