"""Several people save the same thing at once, and nothing accepted is lost without being seen.

Real requests, each writer with a client, a session and a connection of their own. What was accepted is compared with the journal
of the database: an accepted answer may replace only what its writer had seen.
"""

import json
import logging
import random
import secrets
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import Client

from cityjobs.core.clock import today
from cityjobs.core.web import day
from cityjobs.diagnosis.models import Diagnosis
from cityjobs.parcours.rules.lifecycle import Status
from tests.conftest import Databases
from tests.manners import Page
from tests.plans import makers
from tests.proofs.conftest import Proof
from tests.world import Case, Member, World

TEST = "lost updates"
SEED = 20_261_025
CROWD, SEVERAL = 50, 20
ACCEPTED, CONFLICT = 303, 409


@dataclass
class Writer:
    """One person at one keyboard."""

    member: Member
    client: Client
    cookie: str
    token: str

    def post(self, url: str, values: dict[str, str], *, read: bool = False) -> "Answer":
        """Send a form; its answer is taken apart when it is to be read."""
        body = urlencode({"csrf_token": self.token, **values}).encode()
        kind = "application/x-www-form-urlencoded"
        answer = self.client.post(url, data=body, content_type=kind, headers=[("Cookie", self.cookie)])
        return Answer(
            answer.status_code,
            answer.headers.get("X-Request-Id", ""),
            answer.get_data(as_text=True),
            values,
            self,
            Page(answer, url) if read else None,
        )


@dataclass
class Answer:
    """What became of one edit."""

    status: int
    request: str
    text: str
    sent: dict[str, str]
    writer: Writer
    page: Page | None = None


@dataclass
class House:
    """A Cité with a crowd of writers, and things to write on."""

    world: World
    databases: Databases
    referents: list[Writer] = field(default_factory=list)
    administrators: list[Writer] = field(default_factory=list)
    case: Case | None = None
    edits: int = 0
    overlapping: int = 0
    shown: int = 0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    merged: int = 0
    merges: int = 0

    def row(self, statement: str, *values: object) -> dict[str, Any]:
        """One row as it is now."""
        cursor = self.databases.superuser.execute(statement, values)
        names = [column.name for column in cursor.description or ()]
        found = cursor.fetchone()
        return dict(zip(names, found, strict=True)) if found else {}

    def journal(self, subject: str, request: str) -> dict[str, Any]:
        """What the journal says that one request changed in one table: before and after."""
        return self.row(
            "select before, after from audit.journal where subject = %s and request = %s and verb = 'update'",
            subject,
            request,
        )

    def all_at_once(
        self, edits: Sequence[tuple[Writer, str, dict[str, str]]], *, read: bool = False
    ) -> list[Answer]:
        """Send edits at the same time, each from its own thread."""
        answers: list[Answer | None] = [None] * len(edits)
        ready = threading.Barrier(len(edits))

        def send(rank: int) -> None:
            writer, url, values = edits[rank]
            ready.wait(30)
            answers[rank] = writer.post(url, values, read=read)

        threads = [threading.Thread(target=send, args=(rank,)) for rank in range(len(edits))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.edits += len(edits)
        return [answer for answer in answers if answer is not None]


@pytest.fixture
def house(app: Flask, world: World, databases: Databases, request: pytest.FixtureRequest) -> Iterator[House]:
    """A crowd of coordinators and of administrators of one Cité."""
    logging.disable(logging.CRITICAL)
    cite = world.cite("Roubaix")
    made = House(world, databases)
    for role, crowd in (("coordinator", made.referents), ("administrator", made.administrators)):
        for _ in range(CROWD if "overlaps" in request.node.name else SEVERAL):
            member = world.member(role, cite)
            crowd.append(seated(app, world, member))
    made.case = world.case(cite, referent=made.referents[0].member, status=Status.RENCONTRE)
    world.organisation(cite, name="Maison des familles")
    yield made
    logging.disable(logging.NOTSET)


def seated(app: Flask, world: World, member: Member) -> Writer:
    """Somebody signed in, with the token of their forms: a cookie as the application signs it."""
    raw = secrets.token_hex(20)
    token = URLSafeTimedSerializer(str(app.secret_key), salt="wtf-csrf-token").dumps(raw)
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert signer is not None
    cookie = signer.dumps({"_user_id": world.open_session(member), "_fresh": True, "csrf_token": raw})
    named = f"{app.config['SESSION_COOKIE_NAME']}={cookie}"
    return Writer(member, Client(app, use_cookies=False), named, str(token))


# What is edited


@dataclass(frozen=True)
class Edited:
    """Something editable: where, what its form holds now, and the field that everybody wants to change."""

    name: str
    table: str
    url: str
    writers: list[Writer]
    seen: Callable[[], dict[str, str]]
    column: str
    field: str
    value: Callable[[int], str]
    kept: Callable[[], Any]


def editable(house: House) -> list[Edited]:
    """Identity, an exchange with its private note, a step, an étape, a diagnosis, an agreement; an organisation, settings, an envelope."""
    assert house.case is not None
    case, world, people, admins = house.case, house.world, house.referents, house.administrators
    interview = world.interview(case, people[0].member)
    step = world.step(case, people[0].member)
    cite = people[0].member.cite
    organisation = world.organisation(cite, name="Le Relais du port")
    house.databases.superuser.execute("insert into programme_year values (%s, 2026, 1000)", (cite.id,))
    held = (today()).isoformat()
    goal = makers.goal(world, case)
    etape = makers.etape(world, case, goal)
    agreement = makers.agreement(world, case, people[0].member, goal)
    diagnosis = Diagnosis(
        id=uuid.uuid4(), **makers.ties(case), number=1, opened_on=today(), author_id=people[0].member.id
    )
    world.keep(diagnosis)

    def of(table: str, key: uuid.UUID) -> dict[str, Any]:
        return house.row(f"select * from {table} where id = %s", key)

    def person() -> dict[str, str]:
        now = of("person", case.person.id)
        plain = {
            name: str(now[name] or "") for name in ("first_name", "last_name", "phone", "address", "language")
        }
        was = {**plain, "gender": now["gender"], "qpv": "unknown"}
        return {**plain, "gender": now["gender"], "qpv": "unknown", "version": str(now["version"]),
                "was": json.dumps(was)}  # fmt: skip

    def exchange() -> dict[str, str]:
        now = of("interview", interview.id)
        return {"synthesis": now["synthesis"], "mode": now["mode"], "held_on": held if now["held_on"] is None else now["held_on"].isoformat(),
                "reached": "y", "version": str(now["version"]), "note_version": "0"}  # fmt: skip

    def postponing() -> dict[str, str]:
        now = of("next_step", step.id)
        return {"due_on": now["due_on"].isoformat(), "reason": now["postponed_because"] or "", "version": str(now["version"])}  # fmt: skip

    def planning() -> dict[str, str]:
        now = of("etape", etape.id)
        return {"type": now["type"], "label": now["label"], "goals": str(goal.id), "note": now["note"] or "", "version": str(now["version"])}  # fmt: skip

    def portrait() -> dict[str, str]:
        now = of("diagnosis", diagnosis.id)
        return {"strengths": now["strengths"] or "", "project": now["project"] or "", "seen": "", "geste": "enregistrer",
                "version": str(now["version"])}  # fmt: skip

    def review() -> dict[str, str]:
        now = of("agreement", agreement.id)
        return {"review_on": now["review_on"].isoformat(), "version": str(now["version"])}

    def organisation_form() -> dict[str, str]:
        now = of("organisation", organisation.id)
        return {"name": now["name"], "kind": now["kind"], "sensitivity": "auto", "phone": now["phone"] or "",
                "email": now["email"] or "", "version": str(now["version"])}  # fmt: skip

    def settings() -> dict[str, str]:
        now = of("cite", cite.id)
        names = ("programme_name", "silence_days", "escalation_days", "referent_capacity", "version")
        return {**{name: str(now[name]) for name in names}, "chef_de_file": str(now["chef_de_file_id"]), "contrat_de_ville": "y"}  # fmt: skip

    def year() -> dict[str, str]:
        now = house.row("select * from programme_year where cite_id = %s and year = 2026", cite.id)
        return {
            "year": "2026",
            "envelope_euros": str(now["envelope_euros"]),
            "was": str(now["envelope_euros"]),
        }

    file = f"/personnes/{case.id}"
    within = [(today() + timedelta(days=1 + n)).isoformat() for n in range(300)]
    ahead = [f"{today().year + 1}-{1 + n // 28 % 12:02d}-{1 + n % 28:02d}" for n in range(336)]
    return [
        Edited("identity", "person", f"{file}/modifier", people, person, "address", "address",
               lambda n: f"{n} rue des Longues Haies", lambda: of("person", case.person.id)["address"]),
        Edited("exchange", "interview", f"{file}/entretiens/{interview.id}/modifier", people, exchange, "synthesis",
               "synthesis", lambda n: f"Ce que le texte {n} raconte.", lambda: of("interview", interview.id)["synthesis"]),
        Edited("step", "next_step", f"{file}/etapes/{step.id}/reporter", people, postponing, "due_on", "due_on",
               lambda n: ahead[n % 336], lambda: of("next_step", step.id)["due_on"].isoformat()),
        Edited("étape", "etape", f"{file}/plan/etapes/{etape.id}/modifier", people, planning, "note", "note",
               lambda n: f"Ce que l’étape {n} demande.", lambda: of("etape", etape.id)["note"]),
        Edited("diagnosis", "diagnosis", f"{file}/diagnostic", people, portrait, "strengths", "strengths",
               lambda n: f"Ce qui fait sa force, en {n} mots.", lambda: of("diagnosis", diagnosis.id)["strengths"]),
        Edited("agreement", "agreement", f"{file}/accord/{agreement.number}/revoir", people, review, "review_on", "review_on",
               lambda n: within[n % 300], lambda: of("agreement", agreement.id)["review_on"].isoformat()),
        Edited("organisation", "organisation", f"/administration/organisations/{organisation.id}", admins,
               organisation_form, "email", "email", lambda n: f"accueil{n}@relais.example",
               lambda: of("organisation", organisation.id)["email"]),
        Edited("settings", "cite", "/administration", admins, settings, "programme_name", "programme_name",
               lambda n: f"Programme numéro {n}", lambda: of("cite", cite.id)["programme_name"]),
        Edited("envelope", "programme_year", "/administration/annees/2026", admins, year, "envelope_euros",
               "envelope_euros", lambda n: str(10_000 + n), lambda: str(year()["envelope_euros"])),
    ]  # fmt: skip


# What is looked at


def judge(house: House, edited: Edited, seen: dict[str, str], answers: list[Answer]) -> None:
    """One is accepted; each other one is shown its text and the one that is kept; nobody replaced what they had not seen."""
    accepted = [answer for answer in answers if answer.status == ACCEPTED]
    refused = [answer for answer in answers if answer.status == CONFLICT]
    if len(accepted) + len(refused) != len(answers):
        house.wrong.append(f"{edited.name}: {[a.status for a in answers]}")
    house.overlapping += len(answers) - 1
    for answer in accepted:
        line = house.journal(edited.table, answer.request)
        before = str((line.get("before") or {}).get(edited.column) or "")
        if before != str(seen[edited.field] or ""):
            house.lost.append(
                f"{edited.name}: « {before} » was replaced by somebody who had seen « {seen[edited.field]} »"
            )
    if len(accepted) != 1:
        house.lost.append(f"{edited.name}: {len(accepted)} accepted of {len(answers)} on one version")
        return
    kept = edited.kept()
    if str(kept) != accepted[0].sent[edited.field]:
        house.lost.append(f"{edited.name}: {kept} is kept, {accepted[0].sent[edited.field]} was accepted")
    for answer in refused:
        house.shown += shows_both(answer, answer.sent[edited.field], str(kept))


def shows_both(answer: Answer, mine: str, theirs: str) -> bool:
    """Whether a page of conflict holds what I wrote and what was saved meanwhile, as text or in words."""
    said = answer.text.replace("&#39;", "'").replace("\u202f", "")
    return all(text in said or _day(text) in said for text in (mine, theirs))


def _day(text: str) -> str:
    try:
        return day(date.fromisoformat(text))
    except ValueError:
        return text


def test_whoever_overlaps_is_shown_both_versions_and_nothing_is_lost(house: House, proof: Proof) -> None:
    chance = random.Random(SEED)  # noqa: S311
    things, wanted, number = editable(house), proof.times(quick=1_000, full=10_000), 0
    while house.edits < wanted:
        edited = things[number % len(things)]
        seen = edited.seen()
        crowd = chance.sample(edited.writers, min(chance.choice((2, 3, 5, 8, 13, CROWD)), wanted))
        edits = []
        for writer in crowd:
            number += (
                2 if edited.value(number + 1) == seen[edited.field] else 1
            )  # what is there already is no edit
            edits.append((writer, edited.url, {**seen, edited.field: edited.value(number)}))
        number += 1
        judge(house, edited, seen, house.all_at_once(edits))
    assert not house.wrong, "\n".join(house.wrong[:5])
    assert not house.lost, "\n".join(house.lost[:5])
    proof.at_least(TEST, "edits sent at once", house.edits, wanted)
    proof.at_most(TEST, "silently lost writes", len(house.lost), 0)
    proof.at_least(
        TEST, "overlapping edits shown both versions", 100 * house.shown / house.overlapping, 100, "%"
    )


def test_different_fields_are_put_together(house: House, proof: Proof) -> None:
    """The page of both versions keeps what the other one changed and I did not touch: sent as it is, it merges."""
    identity = editable(house)[0]
    people, wanted = house.referents, proof.times(quick=10, full=400)
    for turn in range(wanted):
        seen = identity.seen()
        mine = {"phone": f"06 {turn // 100 % 100:02d} {turn % 100:02d} 12 34"}
        theirs = {"language": f"langue {turn}"}
        edits = [(people[1], identity.url, {**seen, **mine}), (people[2], identity.url, {**seen, **theirs})]
        answers = house.all_at_once(edits, read=True)
        late = next(answer for answer in answers if answer.status == CONFLICT)
        assert late.page is not None
        form = late.page.form(holding="version")
        again = late.writer.post(identity.url, {name: str(value) for name, value in form.values.items() if name != "csrf_token"})  # fmt: skip
        assert again.status == ACCEPTED, again.text[:500]
        row = house.row(
            "select phone, language from person where id = %s", house.case.id if house.case else None
        )
        house.merges += 1
        house.merged += row["language"] == theirs["language"] and row["phone"].endswith(mine["phone"][3:].replace(" ", ""))  # fmt: skip
    proof.at_least(TEST, "non-overlapping merges preserved", 100 * house.merged / house.merges, 99.9, "%")


def test_a_note_and_a_move_at_once_both_stand(house: House, proof: Proof) -> None:
    """An exchange noted while the parcours moves: both are kept, and the parcours moves once."""
    assert house.case is not None
    cite, people = house.referents[0].member.cite, house.referents
    lost = 0
    for turn in range(proof.times(quick=10, full=200)):
        case = house.world.case(cite, referent=people[0].member, status=Status.REPERE)
        text = f"Vue au marché, tour {turn}."
        exchange = {"synthesis": text, "mode": "presentiel_rdv", "held_on": today().isoformat(), "reached": "y", "interview": str(uuid.uuid4())}  # fmt: skip
        event = {"event": "contact_ok", "version": "1", "on": today().isoformat()}
        answers = house.all_at_once(
            [
                (people[1], f"/personnes/{case.id}/entretiens/nouveau", exchange),
                (people[2], f"/personnes/{case.id}/parcours", event),
            ]
        )
        row = house.row(
            "select p.status, (select count(*) from interview i where i.parcours_id = p.id and i.synthesis = %s) as notes,"
            " (select array_agg(from_status || '>' || to_status order by recorded_at) from parcours_transition t where t.parcours_id = p.id) as moves"
            " from parcours p where p.id = %s",
            text,
            case.parcours.id,
        )
        moved = answers[1].status == ACCEPTED
        chain = ["repere>contacte", "contacte>rencontre"] if moved else ["repere>rencontre"]
        lost += answers[0].status != ACCEPTED or row["notes"] != 1 or row["moves"] != chain or row["status"] != "rencontre"  # fmt: skip
        lost += not moved and answers[1].status != CONFLICT
    proof.at_most(TEST, "notes or moves lost when both happen at once", lost, 0)


def test_of_many_who_move_a_parcours_one_does_and_the_others_see_it(house: House, proof: Proof) -> None:
    cite, people = house.referents[0].member.cite, house.referents
    wrong = 0
    for crowd in (2, 5, 20) * proof.times(quick=1, full=30):
        case = house.world.case(cite, referent=people[0].member, status=Status.RENCONTRE)
        event = {"event": "start_assessment", "version": "1", "on": today().isoformat()}
        answers = house.all_at_once([(w, f"/personnes/{case.id}/parcours", event) for w in people[:crowd]])
        statuses = sorted(answer.status for answer in answers)
        told = [a for a in answers if a.status == CONFLICT and "diagnostic" in a.text]
        lines = house.row(
            "select count(*) as n from parcours_transition where parcours_id = %s", case.parcours.id
        )
        wrong += statuses != [ACCEPTED] + [CONFLICT] * (crowd - 1) or lines["n"] != 1 or len(told) < crowd - 1
    proof.at_most(TEST, "moves recorded twice or hidden", wrong, 0)


ENTRY = {
    "situation": "de_non_inscrit", "inscription_ft": "non_inscrit_jamais", "months_without_job": "12_23m", "organisme_referent": "aucun",
    "education": "n3", "household": "celibataire", "resources": "rsa",
}  # fmt: skip
"""What the entry freezes."""


def test_of_many_who_enrol_or_close_one_does_and_the_others_see_it(house: House, proof: Proof) -> None:
    """The situation is frozen once, the exit is read once, what was open is settled once: whoever comes second changes nothing."""
    people, cite, wrong = house.referents, house.referents[0].member.cite, []
    on = today().isoformat()
    for crowd in (2, 5, 20) * proof.times(quick=1, full=20):
        entering = house.world.case(cite, referent=people[0].member, status=Status.DIAGNOSTIC)
        leaving = house.world.case(cite, referent=people[0].member, status=Status.ACTIF)
        step = house.world.step(leaving, people[0].member)
        goal = makers.goal(house.world, leaving)
        settled = {f"step_{step.id.hex}": "done", f"goal_{goal.id.hex}": "reached"}
        for case, url, values, becomes, left in (
            (entering, "parcours", {"event": "enroll", **ENTRY}, "actif", "situation_snapshot"),
            (leaving, "parcours/close", {"geste": "clore", "reason": "abandon", **settled}, "sorti", "parcours_exit"),
        ):  # fmt: skip
            sent = {**values, "version": "1", "on": on}
            answers = house.all_at_once([(w, f"/personnes/{case.id}/{url}", sent) for w in people[:crowd]])
            statuses = sorted(answer.status for answer in answers)
            told = [a for a in answers if a.status == CONFLICT and becomes in a.text]
            kept = house.row(
                f"select (select count(*) from {left} where parcours_id = %s) as rows, status from parcours where id = %s",
                case.parcours.id, case.parcours.id,
            )  # fmt: skip
            expected = [ACCEPTED] + [CONFLICT] * (crowd - 1)
            if statuses != expected or len(told) < crowd - 1 or kept != {"rows": 1, "status": becomes}:
                wrong.append(f"{url}: {statuses}, {len(told)} told, {kept}")
    assert not wrong, "\n".join(wrong[:5])
    proof.at_most(TEST, "entries and exits recorded twice or hidden", len(wrong), 0)


def test_of_two_who_say_what_became_of_something_one_is_heard(house: House, proof: Proof) -> None:
    """A goal reached or dropped, an étape begun or given up, a frein lifted or not: the second is told what it became."""
    people, cite, wrong = house.referents, house.referents[0].member.cite, []
    on = today().isoformat()
    for _ in range(proof.times(quick=4, full=100)):
        case = house.world.case(cite, referent=people[0].member)
        goal, frein = makers.goal(house.world, case), makers.frein(house.world, case)
        etape = makers.etape(house.world, case, goal)
        file = f"/personnes/{case.id}"
        for table, key, edits in (
            ("goal", goal.id, [(f"plan/objectifs/{goal.id}", {"gesture": "reach"}), (f"plan/objectifs/{goal.id}", {"gesture": "drop"})]),
            ("etape", etape.id, [(f"plan/etapes/{etape.id}/start", {"on": on}), (f"plan/etapes/{etape.id}/cancel", {})]),
            ("frein", frein.id, [(f"freins/{frein.id}", {"status": "en_cours", "on": on}), (f"freins/{frein.id}", {"status": "leve", "on": on})]),
        ):  # fmt: skip
            sent = [
                (people[n], f"{file}/{url}", {**values, "version": "1"})
                for n, (url, values) in enumerate(edits, 1)
            ]
            answers = house.all_at_once(sent)
            statuses = [answer.status for answer in answers]
            now = house.row(f"select version, status from {table} where id = %s", key)
            if sorted(statuses) != [ACCEPTED, CONFLICT] or now["version"] != 2:
                wrong.append(f"{table}: {statuses}, {now}")
                continue
            told = answers[statuses.index(CONFLICT)].text.lower()
            if BECAME[str(now["status"])] not in told:
                wrong.append(f"{table}: not told that it became {now['status']}")
    assert not wrong, "\n".join(wrong[:5])
    proof.at_most(TEST, "goals, étapes and freins settled twice or unseen", len(wrong), 0)


BECAME = {
    "reached": "atteint",
    "dropped": "mis de côté",
    "en_cours": "en cours",
    "annulee": "annulée",
    "leve": "levé",
}
"""How the pages say what something became."""


def test_two_who_agree_at_once_leave_one_agreement_in_force(house: House, proof: Proof) -> None:
    people, cite, wrong = house.referents, house.referents[0].member.cite, []
    for crowd in (2, 5, 10) * proof.times(quick=1, full=20):
        case = house.world.case(cite, referent=people[0].member)
        goal = makers.goal(house.world, case)
        said = {"goals": str(goal.id), "agreed_on": today().isoformat(), "way": "spoken",
                "review_on": (today() + timedelta(days=60)).isoformat()}  # fmt: skip
        answers = house.all_at_once(
            [(w, f"/personnes/{case.id}/accord/nouveau", {**said, "agreement": str(uuid.uuid4())}) for w in people[:crowd]]
        )  # fmt: skip
        kept = house.row(
            "select count(*) as all, count(*) filter (where ended_on is null) as present, count(distinct number) as numbers"
            " from agreement where parcours_id = %s", case.parcours.id,
        )  # fmt: skip
        accepted = sum(answer.status == ACCEPTED for answer in answers)
        refused = {answer.status for answer in answers} - {ACCEPTED, CONFLICT, 422}
        if refused or kept != {"all": accepted, "present": 1, "numbers": accepted}:
            wrong.append(f"{[answer.status for answer in answers]}: {kept}")
    assert not wrong, "\n".join(wrong[:5])
    proof.at_most(TEST, "agreements in force beside another", len(wrong), 0)


def test_a_stale_tab_overwrites_nothing(house: House, proof: Proof) -> None:
    """Two hours later, each thing has changed: the page shows both, whatever it is; so does a note written anew."""
    shown = 0
    things = editable(house)
    for edited in things:
        old = edited.seen()
        first = edited.writers[1].post(edited.url, {**old, edited.field: edited.value(1)})
        late = edited.writers[2].post(edited.url, {**old, edited.field: edited.value(2)})
        assert (first.status, late.status) == (ACCEPTED, CONFLICT), edited.name
        shown += shows_both(late, edited.value(2), edited.value(1)) and str(edited.kept()) == edited.value(1)
    proof.at_least(TEST, "kinds of stale tabs shown both versions", shown, len(things))


def test_a_private_note_dropped_and_written_again_is_not_overwritten_by_an_old_tab(
    house: House, proof: Proof
) -> None:
    exchange = editable(house)[1]
    author = house.referents[0]
    seen = exchange.seen()

    def version() -> str:
        return str(house.row("select version from private_note").get("version", 0))

    assert author.post(exchange.url, {**seen, "private_note": "Une première."}).status == ACCEPTED
    old = version()
    assert author.post(exchange.url, {**seen, "private_note": "", "note_version": old}).status == ACCEPTED
    assert (
        author.post(exchange.url, {**seen, "private_note": "Une autre.", "note_version": "0"}).status
        == ACCEPTED
    )
    late = author.post(exchange.url, {**seen, "private_note": "Vieille page.", "note_version": old})
    proof.at_least(TEST, "old pages refused on a note written anew", late.status == CONFLICT, 1)
    assert shows_both(late, "Vieille page.", "Une autre.")


def test_two_who_create_or_end_the_same_thing_meet_no_error(house: House, proof: Proof) -> None:
    """The same organisation, invitation, and end of a seconding or of a mission, in one instant: no failure, nothing twice."""
    assert house.case is not None
    cite, wrong = house.referents[0].member.cite, []
    organisation = str(house.row("select organisation_id from collective_member where cite_id = %s limit 1", cite.id)["organisation_id"])  # fmt: skip
    for turn in range(proof.times(quick=4, full=60)):
        invitation = {"email": f"neuf{turn}@cite.example", "first_name": "Inès", "last_name": "Neuve", "role": "spotter", "organisation": organisation}  # fmt: skip
        second = house.world.member("referent", cite)
        seconding = house.world.assign(house.case.person, house.case.parcours, second, kind="co_referent")
        end = f"/personnes/{house.case.id}/co-referents/{seconding.id}/fin"
        mission = f"/administration/comptes/{second.membership.id}/terminer"
        for crowd, url, values, allowed in (
            (house.administrators, "/administration/comptes/inviter", invitation, {ACCEPTED, 422}),
            (house.administrators, "/administration/organisations/nouvelle", {"name": f"Neuve {turn}", "kind": "ASSO_PROXIMITE", "sensitivity": "auto"}, {ACCEPTED, 422}),
            (house.referents, end, {}, {ACCEPTED, 404}),
            (house.administrators, mission, {}, {ACCEPTED, 404}),
        ):  # fmt: skip
            statuses = {answer.status for answer in house.all_at_once([(w, url, values) for w in crowd[:4]])}
            if not statuses <= allowed or ACCEPTED not in statuses:
                wrong.append(f"{url}: {statuses}")
    assert not wrong, "\n".join(wrong[:5])
    proof.at_most(TEST, "failures when two create or end the same thing", len(wrong), 0)
