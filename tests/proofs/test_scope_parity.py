"""Whom somebody sees is one set, whatever shows it: list, files, search, export, counts, board, figures, letters; and it changes at once.

The set is the oracle's (crowd.Sight). After a right is taken away, the very next request of a session that was open, the
letter that was waiting and the report that was asked for are all refused.
"""

import io
import random
import re
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from cityjobs.core import outbox
from cityjobs.core.clock import today
from cityjobs.core.db import SYSTEM, act_as, transaction
from cityjobs.core.permissions import Role
from cityjobs.desk.rules import Queue
from cityjobs.parcours.rules.jobs import moments_reached
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.parcours.rules.situations import Moment, asked_between
from cityjobs.reminders.actions import queue_morning_letters, write_due_lines
from cityjobs.reminders.tasks import send_as_of
from cityjobs.reporting.models import ActivityReport
from tests.conftest import Databases, Letterbox
from tests.manners import PageClient
from tests.proofs.conftest import Proof
from tests.proofs.crowd import Crowd, Known, Sight, drawn_crowd
from tests.reminders.conftest import morning_of, worked
from tests.world import Case, Member, World

TEST = "scope parity"
LINK = re.compile(r'href="/personnes/([0-9a-f-]{36})"')
CHIP = re.compile(r'class="chip[^"]*" href="[^"]*"[^>]*>([^<]+) <b>([^<]+)</b>')
ROWS = re.compile(r"sur (\d+)")
NAMED = re.compile(r'href="/personnes/([0-9a-f-]{36})[/"]')
LETTER_LINK = re.compile(r"/personnes/([0-9a-f-]{36})")
SEES_LIST = (Role.REFERENT, Role.COORDINATOR, Role.SPOTTER)
CASEWORK = (Role.REFERENT, Role.COORDINATOR)
QUEUES = [queue for queue in Queue if queue not in (Queue.SILENT, Queue.NEW)]
"""Those of « Ma journée » that are one table's; silence and new persons have tests of their own, in tests/desk."""


@dataclass
class Eyes:
    """What the surfaces show to one professional, read from their pages."""

    client: PageClient
    member: Member
    crowd: Crowd
    sight: Sight

    def html(self, address: str) -> str:
        """A page, or nothing when it is refused."""
        response = self.client.flask.get(address)
        assert response.status_code in (200, 403, 404), (address, response.status_code)
        text = response.get_data(as_text=True) if response.status_code == 200 else ""
        response.close()
        return text

    def linked(self, address: str) -> set[uuid.UUID]:
        """Files that the rows of every page of a list lead to."""
        found: set[uuid.UUID] = set()
        page, number = self.html(address), 1
        while page:
            rows = page.partition("<table")[2]
            found |= {uuid.UUID(each) for each in LINK.findall(rows)}
            number += 1
            more = re.search(rf'href="[^"]*page={number}[^"]*"', page)
            page = self.html(f"{address}&page={number}") if more else ""
        return found

    def queued(self, address: str) -> set[uuid.UUID]:
        """Files that the lines of a whole queue lead to, to its last page."""
        found: set[uuid.UUID] = set()
        page, number = self.html(address), 1
        while page:
            found |= {uuid.UUID(each) for each in NAMED.findall(page)}
            number += 1
            more = re.search(rf'href="[^"]*page={number}[^"]*"', page)
            page = self.html(f"{address}?page={number}") if more else ""
        return found

    def chips(self, address: str) -> dict[str, int]:
        """What the chips of a list count."""
        return {
            label.strip(): int(re.sub(r"\D", "", count)) for label, count in CHIP.findall(self.html(address))
        }

    def answers(self, person: uuid.UUID) -> int:
        """The status of a file."""
        return self.client.flask.get(f"/personnes/{person}").status_code

    def exported(self) -> set[uuid.UUID]:
        """Whose name is in the spreadsheet of the whole Cité."""
        response = self.client.flask.get("/personnes/export.xlsx?voir=cite")
        assert response.status_code in (200, 403)
        if response.status_code == 403:
            return set()
        with zipfile.ZipFile(io.BytesIO(response.data)) as book:
            text = "".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))
        response.close()
        return self.crowd.named_in(text)

    def finds(self, person: Known) -> bool:
        """Whether the list, searched by an exact name, leads to the file."""
        page = self.html(f"/personnes?voir=cite&q={person.last_name}").partition("<table")[2]
        return str(person.id) in LINK.findall(page)

    def sought(self, person: Known) -> bool:
        """Whether the search before spotting leads to the file, by the exact name."""
        answer = self.client.flask.post(
            "/reperage/chercher", data={"q": person.last_name, "csrf_token": self.client.token()}
        )
        return answer.status_code == 200 and str(person.id) in LINK.findall(answer.get_data(as_text=True))


class Facts:
    """Counts about persons, in plain Python over the rows of a superuser."""

    def __init__(self, sight: Sight) -> None:
        self.present: dict[uuid.UUID, dict[str, Any]] = {}
        for row in sight.rows("parcours"):
            kept = self.present.get(row["person_id"])
            if kept is None or self._rank(row) > self._rank(kept):
                self.present[row["person_id"]] = row
        self.followed = {
            row["parcours_id"]: row["referent_id"]
            for row in sight.rows("assignment")
            if row["kind"] == "referent" and row["ended_at"] is None
        }
        self.open = [row for row in sight.rows("parcours") if row["ended_on"] is None]
        self.sight = sight

    @staticmethod
    def _rank(row: dict[str, Any]) -> Any:
        return (row["ended_on"] is None, row["spotted_on"], row["created_at"])

    def in_cite(self, cite_id: uuid.UUID) -> set[uuid.UUID]:
        """Everybody who has a parcours in a Cité."""
        return {person for person, row in self.present.items() if row["cite_id"] == cite_id}

    def carried(self, cite_id: uuid.UUID, referent: uuid.UUID) -> set[uuid.UUID]:
        """Open parcours that this référent follows, suspended or not: their persons."""
        return {
            row["person_id"]
            for row in self.open
            if row["cite_id"] == cite_id and self.followed.get(row["id"]) == referent
        }

    def active(self, cite_id: uuid.UUID) -> set[uuid.UUID]:
        """The « file active »: persons who entered, whom somebody follows, and whose parcours is not suspended."""
        return {
            row["person_id"]
            for row in self.open
            if row["cite_id"] == cite_id
            and row["id"] in self.followed
            and row["started_on"] is not None
            and row["status"] != Status.SUSPENDU
        }

    # What waits in « Ma journée »

    def followed_by(self, member: Member) -> dict[uuid.UUID, dict[str, Any]]:
        """Parcours of the Cité that somebody follows or seconds now, by identifier: those that ended too."""
        answers_for = self.sight.answers_for(member)
        theirs = {
            row["parcours_id"]
            for row in self.sight.rows("assignment")
            if row["referent_id"] in answers_for and row["ended_at"] is None
        }
        here = member.cite.id
        return {
            row["id"]: row
            for row in self.sight.rows("parcours")
            if row["id"] in theirs and row["cite_id"] == here and member.role in CASEWORK
        }

    def waits_in(self, queue: Queue, member: Member) -> set[uuid.UUID]:
        """Persons whom a queue names to somebody: whoever follows them, and nobody else."""
        mine = self.followed_by(member)
        waiting = self._waiting_in(queue, member)
        return {mine[parcours]["person_id"] for parcours in waiting if parcours in mine}

    def holder_of(self, step: dict[str, Any]) -> tuple[uuid.UUID, bool] | None:
        """Which colleague has a step that was passed on, and whether as référent or co-référent; None when nobody has."""
        to, rows = step["entrusted_to_id"], self.sight.rows
        works = any(
            row["user_id"] == to and row["cite_id"] == step["cite_id"] and row["ended_on"] is None
            and row["role"] in ("referent", "coordinator")
            for row in rows("membership")
        )  # fmt: skip
        followers = {
            row["referent_id"]
            for row in rows("assignment")
            if row["parcours_id"] == step["parcours_id"] and row["ended_at"] is None
        }
        if to is None or not works:
            return None
        if to in followers:
            return to, True
        away = {row["absent_id"]: row["deputy_id"] for row in self.sight.absences_now(step["cite_id"])}
        return (to, False) if to in {away.get(follower) for follower in followers} else None

    def _is_with(self, step: dict[str, Any], member: Member) -> bool:
        """Whether nobody else has it."""
        held = self.holder_of(step)
        return held is None or held[0] in self.sight.answers_for(member)

    def _waiting_in(self, queue: Queue, member: Member) -> Iterator[uuid.UUID]:
        on, is_open = today(), {row["id"] for row in self.open}
        stands = {row["id"]: row["status"] for row in self.open}
        rows = self.sight.rows
        if queue in (Queue.OVERDUE, Queue.TODAY):
            late = queue is Queue.OVERDUE
            for row in rows("next_step"):
                due = row["due_on"] < on if late else row["due_on"] == on
                still = row["state"] == "todo" and row["parcours_id"] in is_open
                if due and still and self._is_with(row, member):
                    yield row["parcours_id"]
        elif queue is Queue.CHECKS:
            done = {(row["job_id"], row["moment"]) for row in rows("job_check")}
            for row in rows("job"):
                reached = moments_reached(row["started_on"], on)
                under_way = row["ended_on"] is None and stands.get(row["parcours_id"]) == Status.SUIVI_EMPLOI
                if under_way and reached and (row["id"], reached[-1]) not in done:
                    yield row["parcours_id"]
        elif queue is Queue.SITUATIONS:
            yield from self._situations_on(on)
        elif queue is Queue.SUSPENSIONS:
            for row in rows("suspension"):
                if row["ended_on"] is None and row["expected_end_on"] <= on + timedelta(days=14):
                    yield row["parcours_id"]
        elif queue is Queue.ETAPES:
            for row in rows("etape"):
                over = row["status"] in ("realisee", "abandonnee", "annulee")
                if not over and row["planned_to"] < on and row["parcours_id"] in is_open:
                    yield row["parcours_id"]
        elif queue is Queue.AGREEMENTS:
            for row in rows("agreement"):
                if row["ended_on"] is None and row["review_on"] <= on and row["parcours_id"] in is_open:
                    yield row["parcours_id"]

    def _situations_on(self, on: date) -> Iterator[uuid.UUID]:
        taken = {(row["parcours_id"], row["moment"]) for row in self.sight.rows("situation_snapshot")}
        came_back = {row["reopened_from_id"] for row in self.sight.rows("parcours")}
        for row in self.sight.rows("parcours"):
            if row["status"] != Status.SORTI or row["id"] in came_back:
                continue
            for moment in (Moment.EXIT, Moment.M3, Moment.M6):
                first, last = asked_between(row["ended_on"], moment)
                if first <= on < last and (row["id"], moment) not in taken:
                    yield row["id"]

    def waiting(self, cite_id: uuid.UUID) -> set[uuid.UUID]:
        """Open parcours without a référent known by name: their persons."""
        return {
            row["person_id"]
            for row in self.open
            if row["cite_id"] == cite_id and self.followed.get(row["id"]) is None
        }


Differences = Iterator[tuple[str, object]]


def compared(eyes: Eyes, dice: random.Random, most: int) -> Differences:
    """Every surface against the oracle, for one professional."""
    member, sight = eyes.member, eyes.sight
    mine, facts = sight.people(member), Facts(sight)
    listed = eyes.linked("/personnes?voir=cite&par=50")
    yield "list", listed ^ mine
    yield from _files_and_search(eyes, dice, mine, most)
    exported = mine if member.role in CASEWORK else set()
    yield "export", eyes.exported() ^ exported
    if member.role in SEES_LIST:
        yield from _counts(eyes, facts, mine, dice)
    yield from _board(eyes, facts, dice)
    yield from _figures(eyes, facts, mine)
    for queue in dice.sample(QUEUES, min(most, len(QUEUES))):
        named = eyes.queued(f"/ma-journee/{queue.value}")
        yield f"queue {queue.value}", named ^ facts.waits_in(queue, member)


def _files_and_search(eyes: Eyes, dice: random.Random, mine: set[uuid.UUID], most: int) -> Differences:
    inside = [person for person in eyes.crowd.people if person.id in mine]
    outside = [person for person in eyes.crowd.people if person.id not in mine]
    for person in [
        *dice.sample(inside, min(most, len(inside))),
        *dice.sample(outside, min(most, len(outside))),
    ]:
        opens, refused = eyes.answers(person.id), 404 if eyes.member.role in SEES_LIST else 403
        yield "files", None if opens == (200 if person.id in mine else refused) else (person.id, opens)
    asked = [
        *dice.sample(inside, min(most // 2, len(inside))),
        *dice.sample(outside, min(most // 2, len(outside))),
    ]
    for person in asked:
        shown = person.id in mine
        yield "search", None if eyes.finds(person) is shown else person.id
        yield "search before spotting", None if eyes.sought(person) is shown else person.id


def _counts(eyes: Eyes, facts: Facts, mine: set[uuid.UUID], dice: random.Random) -> Differences:
    chips, role = eyes.chips("/personnes"), eyes.member.role
    yield "chip of all", chips["Toutes"] - len(mine)
    if role is Role.REFERENT:
        yield "chip of mine", chips["Les miennes"] - len(mine)
        yield "chip of the Cité", chips["Toute la Cité"] - len(facts.in_cite(eyes.member.cite.id))
    label, status = dice.choice(
        [("Repérées", Status.REPERE), ("Actives", Status.ACTIF), ("Sorties", Status.SORTI)]
    )
    counted = sum(facts.present[person]["status"] == status for person in mine)
    yield "chip of a status", chips.get(label, 0) - counted
    yield "rows of that chip", len(eyes.linked(f"/personnes?par=50&statut={status.value}")) - counted


def _board(eyes: Eyes, facts: Facts, dice: random.Random) -> Differences:
    here = eyes.member.cite.id
    if eyes.member.role is not Role.COORDINATOR:
        yield "board", eyes.html("/coordination")
        return
    yield "board", eyes.linked("/coordination?x=1") ^ facts.waiting(here)
    referent = dice.choice(eyes.crowd.of_role(here, Role.REFERENT)).id
    carried = facts.carried(here, referent)
    yield "a référent's page", eyes.linked(f"/coordination/referents/{referent}?x=1") ^ carried
    yield "a référent's list", eyes.linked(f"/personnes?par=50&statut=en_cours&referent={referent}") ^ carried


def _figures(eyes: Eyes, facts: Facts, mine: set[uuid.UUID]) -> Differences:
    here, role = eyes.member.cite.id, eyes.member.role
    active = facts.active(here)
    page = eyes.html("/pilotage/lignes?figure=ind_file_active&x=1")
    if role not in (*CASEWORK, Role.CHEF_DE_FILE):
        yield "rows behind a figure", page
        return
    named = eyes.linked("/pilotage/lignes?figure=ind_file_active&x=1")
    yield "names behind a figure", named ^ (active & mine)
    yield "a figure and its rows", int(ROWS.findall(page)[0] if active else 0) - len(active)


def test_every_surface_shows_the_same_set(
    app: Flask, world: World, databases: Databases, client_of: Callable[[Any], PageClient], proof: Proof
) -> None:
    wanted, users, asked, wrong = proof.times(quick=40, full=500), 0, 0, []
    surfaces: set[str] = set()
    seed = 100
    while users < wanted and not wrong:
        databases.empty()
        dice = random.Random(seed)  # noqa: S311 - the same crowd for the same seed
        crowd = drawn_crowd(world, databases, seed, people=proof.times(quick=50, full=150))
        sight = Sight(databases)
        for member in crowd.drawn(dice, wanted - users):
            if wrong:  # one is enough
                break
            users += 1
            eyes = Eyes(client_of(member), member, crowd, sight)
            for surface, difference in compared(eyes, dice, proof.times(quick=2, full=12)):
                asked += 1
                surfaces.add(surface)
                if difference:
                    wrong.append(f"{surface}, {member.role} of {member.cite.name}, seed {seed}: {difference}")
        seed += 1
    assert not wrong, wrong[:5]
    assert len(surfaces) >= 12 + len(QUEUES), surfaces
    proof.at_most(TEST, "surfaces that show another set", len(wrong), 0)
    proof.at_least(TEST, "users at random", users, 40)
    proof.at_least(TEST, "surfaces compared", asked, 400)


def test_letters_are_about_files_that_their_readers_open(
    app: Flask,
    as_worker: Flask,
    world: World,
    databases: Databases,
    client_of: Callable[[Any], PageClient],
    proof: Proof,
) -> None:
    wrong, letters, lines, opened = [], 0, 0, 0
    for seed in range(proof.times(quick=1, full=10)):
        databases.empty()
        dice = random.Random(seed)  # noqa: S311 - the same crowd for the same seed
        crowd, box = drawn_crowd(world, databases, seed, people=60), as_worker.extensions["postman"]
        box.letters.clear()
        with as_worker.app_context():
            act_as(SYSTEM)
            send_as_of(morning_of(worked(0)))
        sight = Sight(databases)
        jobs: dict[str, list[Member]] = {}
        for member in crowd.members:
            jobs.setdefault(member.user.email, []).append(member)
        for address, letter in box.letters:
            letters += 1
            about = {uuid.UUID(person) for person in LETTER_LINK.findall(letter.text)}
            lines += len(about)
            scope = {person: member for member in jobs.get(address, []) for person in sight.people(member)}
            wrong += [(address, person) for person in about - scope.keys()]
            for person in dice.sample(sorted(about & scope.keys()), min(2, len(about & scope.keys()))):
                opened += 1
                if client_of(scope[person]).flask.get(f"/personnes/{person}").status_code != 200:
                    wrong.append((address, person))
        wrong += unwritten(sight, jobs, box)
    assert not wrong, wrong[:5]
    proof.at_most(
        TEST, "lines of letters about files that their reader cannot open, or missing", len(wrong), 0
    )
    proof.at_least(TEST, "letters read", letters, 5)
    proof.at_least(TEST, "lines of letters compared", lines, 20)


def unwritten(sight: Sight, jobs: dict[str, list[Member]], box: Letterbox) -> Iterator[tuple[str, uuid.UUID]]:
    """Persons with a late step, in an open parcours, of whom the letter to the référent, or to whoever has it, says nothing."""
    facts = Facts(sight)
    told = {
        (address, uuid.UUID(person))
        for address, letter in box.letters
        for person in LETTER_LINK.findall(letter.text)
    }
    at_work = {
        (member.id, member.cite.id): address
        for address, members in jobs.items()
        for member in members
        if member.role in CASEWORK
    }
    still_open = {row["id"] for row in facts.open}
    for step in sight.rows("next_step"):
        referent = facts.followed.get(step["parcours_id"])
        away = {row["absent_id"]: row["deputy_id"] for row in sight.absences_now(step["cite_id"])}
        referent = away.get(referent, referent)
        if held := facts.holder_of(step):
            referent = away.get(held[0], held[0]) if held[1] else held[0]
        address = at_work.get((referent, step["cite_id"])) if referent else None
        due = step["state"] == "todo" and step["due_on"] < today() and step["parcours_id"] in still_open
        if address and due and (address, step["person_id"]) not in told:
            yield address, step["person_id"]


# What is taken away is gone at the next request


class House:
    """A Cité at work: an administrator, a coordinator, two référents of whom one has an open session on a file."""

    def __init__(self, world: World, client_of: Callable[[Any], PageClient]) -> None:
        self.world = world
        self.here, self.there = world.cite("Roubaix"), world.cite("Calais")
        self.administrator = world.member("administrator", self.here)
        self.coordinator = world.member("coordinator", self.here)
        self.samira, self.karim = world.member("referent", self.here), world.member("referent", self.here)
        self.elsewhere = world.also(self.samira.user, "referent", self.there)
        self.case = world.case(self.here, referent=self.samira, last_name="Belkacemi")
        self.interview = world.interview(self.case, self.samira)
        self.step = world.step(self.case, self.samira, in_days=-2, title="Rappeler")
        self.away = world.case(self.there, referent=self.elsewhere, last_name="Delattre")
        self.open = client_of(self.samira)
        self.office = client_of(self.administrator)
        self.desk = client_of(self.coordinator)

    def surfaces(self, case: Case | None = None) -> dict[str, int | bool]:
        """What a session that was open is answered: statuses of pages of a file, and whether lists name the person."""
        case = case or self.case
        file = f"/personnes/{case.id}"
        statuses: dict[str, int | bool] = {
            address: self._ask(address).status_code
            for address in (
                file,
                f"{file}/modifier",
                f"{file}/entretiens/nouveau",
                f"{file}/entretiens/{self.interview.id}",
                f"{file}/etapes/{self.step.id}/faite",
            )
        }
        written = self.open.flask.post(f"{file}/etapes/nouvelle", data={"csrf_token": self.open.token()})
        statuses["a write"] = written.status_code
        name = str(case.person.last_name)
        for address in (
            "/personnes?voir=cite",
            f"/personnes?q={name.lower()}",
            "/personnes/export.xlsx?voir=cite",
            "/ma-journee",
            "/pilotage/lignes?figure=ind_file_active",
        ):
            statuses[address] = name in self._text(address)
        return statuses

    def _ask(self, address: str) -> Any:
        return self.open.flask.get(address)

    def _text(self, address: str) -> str:
        response = self._ask(address)
        if response.data[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(response.data)) as book:
                text = "".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))
        else:
            text = response.get_data(as_text=True)
        response.close()
        return text

    # What takes rights away, each by the page that does it

    def reassign(self) -> None:
        """The coordinator gives the person to Karim."""
        form = self.desk.get(f"/personnes/{self.case.id}/equipe").form("/attribuer")
        assert self.case.assignment is not None
        self.desk.submit(form, target=str(self.karim.id), reason="Congé")

    def end_mission(self) -> None:
        """The administrator ends Samira's mission here."""
        self.office.post(f"/administration/comptes/{self.samira.membership.id}/terminer")

    def disable(self) -> None:
        """The administrator shuts Samira's account, which works nowhere else any more."""
        self.world.session.execute(
            sa.text("update membership set ended_on = current_date where id = :id"),
            {"id": self.elsewhere.membership.id},
        )
        self.world.session.commit()
        self.office.post(f"/administration/comptes/{self.samira.membership.id}/desactiver")

    def move_away(self) -> None:
        """Samira goes to work in her other Cité, in the same session."""
        self.open.post("/cite", {"membership_id": str(self.elsewhere.membership.id)})

    def sign_out_everywhere(self) -> None:
        """Samira closes her sessions from another device."""
        self.other.post("/compte/sessions/fermer")

    other: PageClient


@pytest.fixture
def house(world: World, client_of: Callable[[Any], PageClient]) -> House:
    made = House(world, client_of)
    made.other = client_of(made.samira)
    return made


WAYS: dict[str, tuple[Callable[[House], None], set[int]]] = {
    "the person given to another": (House.reassign, {404}),
    "the mission ended": (House.end_mission, {403}),
    "the account disabled": (House.disable, {303, 401}),
    "another Cité chosen": (House.move_away, {404}),
    "every session closed": (House.sign_out_everywhere, {303, 401}),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_next_request_of_an_open_session_is_refused(house: House, way: str, proof: Proof) -> None:
    take_away, refusals = WAYS[way]
    before = house.surfaces()
    assert set(before.values()) == {200, 422, True}, before
    take_away(house)
    after = house.surfaces()
    still = {
        surface: answer
        for surface, answer in after.items()
        if answer is True or (answer is not False and answer not in refusals)
    }
    proof.at_most(TEST, f"surfaces still open at the next request: {way}", len(still), 0)
    assert len(after) == 11
    if way == "another Cité chosen":
        assert house.open.flask.get(f"/personnes/{house.away.id}").status_code == 200


def test_somebody_who_seconded_and_no_longer_does_is_refused(house: House, client_of: Any) -> None:
    seconding = house.world.assign(house.case.person, house.case.parcours, house.karim, kind="co_referent")
    house.open = client_of(house.karim)
    assert house.surfaces()[f"/personnes/{house.case.id}"] == 200
    house.desk.post(f"/personnes/{house.case.id}/co-referents/{seconding.id}/fin")
    assert set(house.surfaces().values()) == {404, False}


# What waits is refused too


class Post:
    """The worker, and the letters that left."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.box: Letterbox = app.extensions["postman"]

    def write(self) -> None:
        """Write and gather the morning letters, without sending them."""
        at = morning_of(worked(0))
        with self.app.app_context():
            act_as(SYSTEM)
            with transaction():
                write_due_lines(at)
                queue_morning_letters(at)

    def send(self) -> None:
        """Send whatever waits."""
        with self.app.app_context():
            act_as(SYSTEM)
            outbox.sweep()

    def about(self, member: Member, case: Case) -> list[str]:
        """Subjects of the letters to somebody that lead to a file."""
        return [letter.subject for letter in self.box.to(member.user.email) if str(case.id) in letter.text]


@pytest.fixture
def post(as_worker: Flask) -> Post:
    return Post(as_worker)


def become_partner(house: House) -> None:
    """Samira's mission as a référent ends and one as a partner begins: she works here still, and opens no file."""
    house.end_mission()
    house.world.also(house.samira.user, "partner", house.here, organisation_id=house.here.chef_de_file_id)


LEAVING: dict[str, Callable[[House], None]] = {
    "the person given to another": House.reassign,
    "the mission ended": House.end_mission,
    "the account disabled": House.disable,
    "partner from now on": become_partner,
}


@pytest.mark.parametrize("way", LEAVING)
def test_a_reminder_that_waits_does_not_go_to_whoever_lost_the_file(
    house: House, post: Post, way: str, proof: Proof
) -> None:
    post.write()
    LEAVING[way](house)
    post.send()
    proof.at_most(TEST, f"reminders sent after: {way}", len(post.about(house.samira, house.case)), 0)
    if way == "the person given to another":
        assert any("confiée" in subject for subject in post.about(house.karim, house.case))
        post.write()
        post.send()
        assert any("rappel" in subject for subject in post.about(house.karim, house.case))


def test_a_reminder_goes_when_nothing_was_taken_away(house: House, post: Post) -> None:
    post.write()
    post.send()
    assert len(post.about(house.samira, house.case)) == 1


@pytest.mark.parametrize("way", [*LEAVING, "nothing"])
def test_an_attribution_that_waits_is_announced_to_whoever_has_it_now(
    house: House, post: Post, way: str, proof: Proof
) -> None:
    given = house.world.case(house.here)
    form = house.desk.get("/coordination").form("/attribuer")
    house.desk.submit(form, picked=[str(given.parcours.id)], target=str(house.samira.id))
    if way == "the person given to another":
        form = house.desk.get(f"/personnes/{given.id}/equipe").form("/attribuer")
        house.desk.submit(form, target=str(house.karim.id), reason="Congé")
    elif way != "nothing":
        LEAVING[way](house)
    post.send()
    if way == "nothing":
        assert len(post.about(house.samira, given)) == 1
        return
    proof.at_most(TEST, f"attributions announced after: {way}", len(post.about(house.samira, given)), 0)
    assert len(post.about(house.karim, given)) == (way == "the person given to another")


def monthly(house: House) -> ActivityReport:
    """The report of last month, not computed yet."""
    last = today().replace(day=1) - timedelta(days=1)
    report = ActivityReport(
        cite_id=house.here.id,
        occasion=f"monthly:{last:%Y-%m}",
        period_start=last.replace(day=1),
        period_end=last,
        as_of=today().replace(day=1),
    )
    house.world.keep(report)
    return report


def test_a_report_that_was_asked_for_is_not_for_whoever_left(
    house: House, post: Post, client_of: Any, proof: Proof
) -> None:
    lead = house.world.member("chef_de_file", house.here, email="chef@ville.example")
    stays = house.world.member("chef_de_file", house.here, email="reste@ville.example")
    report, client = monthly(house), client_of(lead)
    first = date(today().year, 1, 1) if today().month > 1 else date(today().year - 1, 12, 1)
    asked = client.submit(
        client.get("/pilotage/rapports").form("/rapports"), first=f"{first:%Y-%m}", last=f"{first:%Y-%m}"
    ).location
    post.app.extensions["celery"].tasks["reporting.compute"](str(report.id))
    house.office.post(f"/administration/comptes/{lead.membership.id}/terminer")
    post.send()
    with post.app.app_context():
        post.app.extensions["celery"].tasks["reporting.compute"](asked.rsplit("/", 1)[1])
    refused = [
        client.flask.get(f"{path}{kind}").status_code
        for path in (asked, f"/pilotage/rapports/{report.id}")
        for kind in ("", "/rapport.pdf", "/rapport.xlsx")
    ]
    proof.at_most(TEST, "reports still open to whoever left", sum(status != 403 for status in refused), 0)
    proof.at_most(TEST, "reports announced to whoever left", len(post.box.to("chef@ville.example")), 0)
    assert len(post.box.to("reste@ville.example")) == 1
    assert client_of(stays).flask.get(f"/pilotage/rapports/{report.id}/rapport.pdf").status_code == 200


def test_an_invitation_that_waits_opens_nothing_once_the_mission_is_over(house: House, post: Post) -> None:
    form = house.office.get("/administration/comptes/inviter").form(holding="email")
    house.office.submit(
        form,
        email="nouvelle@ville.example",
        first_name="Léa",
        last_name="Fontaine",
        role="referent",
        organisation=str(house.here.chef_de_file_id),
    )
    invited = house.world.session.execute(
        sa.text("select m.id from membership m join user_account u on u.id = m.user_id where email = :email"),
        {"email": "nouvelle@ville.example"},
    ).scalar_one()
    house.office.post(f"/administration/comptes/{invited}/terminer")
    post.send()
    assert post.box.to("nouvelle@ville.example") == []
