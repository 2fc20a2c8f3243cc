"""Invents what happened in three Cités over a year. Same seed and same day: the same story, row for row.

Nothing here is drawn from anybody's life, and nothing happens after the day before `today`, but for what is
planned. Phone numbers are in ranges that Arcep keeps for fiction (03 53 01, 02 61 91, 01 99 00).
"""

import random
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import holidays

from cityjobs.core.clock import PARIS
from cityjobs.core.db import Model
from cityjobs.core.permissions import Role
from cityjobs.demo import words
from cityjobs.demo.casework import Casework, Pen, Row, Stay
from cityjobs.demo.cast import WORKERS
from cityjobs.demo.days import Calendar
from cityjobs.demo.lifetimes import Lifetime, Lifetimes, Turn
from cityjobs.demo.obstacles import APPOINTMENTS, KEPT_PLANS
from cityjobs.demo.odds import CHANNEL_WEIGHTS, DURATIONS, EXIT_WEIGHTS, OPEN_MIX, PATH, TAILS, TALK_MODES
from cityjobs.demo.places import Place, Somebody
from cityjobs.demo.scenes import COUPLES, DUE_ALSO, PLANS, RICH_DAY, RICH_ENDS, TURNS, WISHES, Plan
from cityjobs.diagnosis.models import Diagnosis, Frein, FreinReading
from cityjobs.followups.models import Interview, NextStep
from cityjobs.followups.rules import InterviewMode, StepState
from cityjobs.parcours.models import (
    Absence,
    Assignment,
    Exit,
    Job,
    JobCheck,
    Parcours,
    Snapshot,
    Spotting,
    Suspension,
    Transition,
)
from cityjobs.parcours.rules.lifecycle import AssignmentKind, Event, Status
from cityjobs.parcours.rules.reasons import ExitReason, NonEntryReason, SpottingChannel
from cityjobs.people.models import Person, PersonLink
from cityjobs.people.rules import Civility, ContactChannel, Gender, LinkKind, age_on, fold
from cityjobs.plans.models import (
    Agreement,
    AgreementGoal,
    Etape,
    EtapeGoal,
    Goal,
    PlanTemplate,
    PlanTemplateLine,
)
from cityjobs.reminders.models import Reminder
from cityjobs.reminders.queries import CHANNEL
from cityjobs.reminders.rules import ReminderRule, ReminderState
from cityjobs.territory.rules import QpvAnswer, QpvSource

Moved = tuple[Event, Status, date, str | None]
"""One move of a parcours, with its reason."""
TOLD_SINCE = 500
"""Days before today that the calendar of the story knows: more than a year."""
FICTIONAL_PHONES = ("+3335301", "+3326191", "+3319900")
KNOWN_PERSON = ("Khadija", "Benhikaya")
"""Always followed by the référent of the demo, and written again as « Kadija Ben Hikaya » by somebody else."""


_OF_THE_HOME = (
    "last_name", "address", "postcode", "commune", "qpv_answer", "qpv_id", "qpv_source", "qpv_checked_on",
    "qpv_confirmed_by_id",
)  # fmt: skip
HOURS = (time(9, 30), time(14), time(15, 45))

TABLES: tuple[type[Model], ...] = (
    Person, PersonLink, Absence, Parcours, Suspension, Job, JobCheck, Spotting, Transition, Assignment, Interview, NextStep,
    Reminder, Diagnosis, Frein, FreinReading, Goal, Etape, EtapeGoal, Agreement, AgreementGoal, PlanTemplate,
    PlanTemplateLine, Exit, Snapshot,
)  # fmt: skip
"""What the story is told in, in the order in which rows may be written."""
_BY_NAME = {table.__tablename__: table for table in TABLES}


@dataclass
class Case:
    """One person being invented: what is known so far, and who cares for them."""

    person: dict[str, Any]
    parcours: dict[str, Any]
    scene: str | None
    referent: Somebody | None
    carers: list[tuple[date, Somebody]] = field(default_factory=list)
    life: Lifetime = field(default_factory=Lifetime)

    @property
    def due(self) -> str | None:
        """When something is to be done, as its scene says."""
        return DUE_ALSO.get(self.scene or "", self.scene)

    def carer_on(self, day: date) -> Somebody:
        """Who meets the person on a day: the référent of that time."""
        return next((who for since, who in reversed(self.carers) if since <= day), self.carers[0][1])


class Story:
    """Rows of every table that holds a person, invented Cité after Cité."""

    def __init__(self, seed: int, today: date) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - a story is to be told again, not kept secret
        self.today = today
        self.rows: dict[type[Model], list[dict[str, Any]]] = defaultdict(list)
        self.closed_days = holidays.country_holidays("FR", years=range(today.year - 2, today.year + 1))
        self.phones = [f"{start}{number:04d}" for start in FICTIONAL_PHONES for number in range(1000, 1400)]
        self.dice.shuffle(self.phones)
        self.told: Counter[str] = Counter()
        self.calendar = Calendar(today, TOLD_SINCE)

    def new_id(self) -> uuid.UUID:
        """An identifier drawn from the seed."""
        return uuid.UUID(int=self.dice.getrandbits(128), version=4)

    def ago(self, days: int) -> date:
        """The last working day that is at least so many days ago."""
        day = self.today - timedelta(days=days)
        while day.weekday() >= 5 or day in self.closed_days:
            day -= timedelta(days=1)
        return day

    def at(self, day: date) -> datetime:
        """A moment of the working hours of a past day."""
        hour, minute = self.dice.randint(9, 16), self.dice.choice((0, 10, 15, 20, 30, 40, 45, 50))
        return datetime.combine(day, time(hour, minute), PARIS).astimezone(UTC)

    def moment(self, day: date, hour: int) -> datetime:
        """A moment of an hour of a past day."""
        return datetime.combine(day, time(hour, self.dice.randrange(60)), PARIS).astimezone(UTC)

    def write(self, table: str, row: Row) -> None:
        """Keep a row of a table."""
        self.rows[_BY_NAME[table]].append(row)

    def chance(self, share: float) -> bool:
        """Yes, so many times out of one."""
        return self.dice.random() < share

    def weighted(self, weights: dict[Any, int]) -> Any:
        """One of the keys, the heavier the likelier."""
        return self.dice.choices(list(weights), list(weights.values()))[0]

    # A Cité

    def tell(self, plan: Plan, place: Place) -> None:
        """Invent everything that a Cité holds."""
        cases: list[Case] = []
        casework = Casework(
            self.calendar, self.dice, Pen(self.new_id, self.moment, self.write), place.reading
        )
        for caseload in plan.caseloads:
            referent = place.staff[caseload.email]
            scenes: tuple[str | None, ...] = (None,) * caseload.opened
            ends: tuple[str | None, ...] = (None,) * caseload.closed
            if caseload.email == WORKERS[0].email:
                scenes = (*RICH_DAY, *scenes)[: caseload.opened]
                ends = (*RICH_ENDS, *ends)[: caseload.closed]
            for scene in scenes:
                cases.append(self.open_case(plan, place, self.status_for(scene), referent, scene))
            for scene in ends:
                status = Status.SORTI if scene or self.chance(0.7) else Status.NON_ENTREE
                cases.append(self.open_case(plan, place, status, referent, scene))
        for _ in range(plan.waiting):
            status = Status.CONTACTE if self.chance(0.2) else Status.REPERE
            cases.append(self.open_case(plan, place, status, None, "waiting"))
        for _ in range(plan.elsewhere):
            cases.append(self.open_case(plan, place, Status.REPERE, None, "elsewhere"))
        for _ in range(plan.declined):
            cases.append(self.open_case(plan, place, Status.NON_ENTREE, None, "declined"))
        for number in range(plan.look_alikes):
            self.look_alike(plan, place, cases, number)
        self.second_with_others(place, cases)
        self.tie_couples(cases)
        for case in cases:
            self.tell_casework(casework, place, case)
            self.keep(case)
        self.send_away(plan, place)
        self.keep_plans(place)

    def status_for(self, scene: str | None) -> Status:
        """Where an open parcours stands, so that its scene makes sense."""
        if scene == "new":
            return Status.REPERE
        if scene in ("silent", "check", "ending", "hired", *DUE_ALSO):
            return Status.ACTIF
        if scene in ("today", "tomorrow", "overdue"):
            return Status.ACTIF if self.chance(0.8) else Status.DIAGNOSTIC
        status: Status = self.weighted(dict(OPEN_MIX))
        return status

    # A person

    def invent_person(self, plan: Plan, place: Place, status: Status) -> dict[str, Any]:
        """Identity, contact and address; the further the parcours, the more is known."""
        known = status not in (Status.REPERE, Status.CONTACTE)
        gender: Gender = self.weighted(
            {Gender.FEMME: 54, Gender.HOMME: 43, Gender.AUTRE: 1, Gender.NON_RENSEIGNE: 2}
        )
        woman = gender is Gender.FEMME or (gender is not Gender.HOMME and self.chance(0.5))
        first_name = self.dice.choice(words.WOMEN if woman else words.MEN)
        last_name = self.dice.choice(words.SURNAMES) if known or self.chance(0.88) else None
        if (first_name, last_name) == KNOWN_PERSON:
            first_name = "Naïma"
        phone = self.phones.pop() if self.chance(0.9) else None
        address = self.chance(0.85 if known else 0.45)
        person: dict[str, Any] = {
            "id": self.new_id(),
            "cite_id": place.cite_id,
            "first_name": first_name,
            "last_name": last_name,
            "birth_name": self.dice.choice(words.SURNAMES)
            if woman and last_name and self.chance(0.12)
            else None,
            "civility": {Gender.FEMME: Civility.MADAME, Gender.HOMME: Civility.MONSIEUR}.get(gender),
            "gender": gender,
            "birth_date": self.birth_date() if known or self.chance(0.5) else None,
            "phone": phone,
            "second_phone": self.phones.pop() if phone and self.chance(0.06) else None,
            "email": self.email_of(first_name, last_name) if self.chance(0.5 if known else 0.2) else None,
            "reached_through": self.dice.choice(words.REACHED_THROUGH)
            if not phone or self.chance(0.05)
            else None,
            "preferred_channel": None,
            "language": self.dice.choice(words.LANGUAGES) if self.chance(0.12) else None,
            "address": f"{self.dice.randint(1, 140)} {self.dice.choice(words.STREETS)}" if address else None,
            "postcode": plan.postcode if address else None,
            "commune": plan.commune if address else None,
        }
        person["needs_interpreter"] = bool(person["language"]) and self.chance(0.3)
        if phone and self.chance(0.6):
            person["preferred_channel"] = self.weighted(
                {ContactChannel.SMS: 5, ContactChannel.TELEPHONE: 4, ContactChannel.VIA_REFERENT: 1}
            )
        return person | self.qpv_answer(place, known)

    def birth_date(self) -> date:
        """Somebody from 17 to 60 years old."""
        age = int(self.dice.triangular(17, 60, 27))
        return self.today - timedelta(days=round((age + 0.02 + 0.96 * self.dice.random()) * 365.25))

    def email_of(self, first_name: str, last_name: str | None) -> str:
        """An address under a domain that can never exist."""
        name = fold(f"{first_name} {last_name or ''}").replace(" ", ".")
        self.told[name] += 1
        return f"{name}{self.told[name] if self.told[name] > 1 else ''}@exemple.example"

    def qpv_answer(self, place: Place, known: bool) -> dict[str, Any]:
        """Whether the address is in a QPV, and who says so."""
        shares = {QpvAnswer.INSIDE: 62, QpvAnswer.OUTSIDE: 22, QpvAnswer.TO_CHECK: 9, QpvAnswer.UNKNOWN: 7}
        if not known:
            shares[QpvAnswer.UNKNOWN] = 40
        answer: QpvAnswer = self.weighted(shares)
        qpv_id = self.dice.choice(place.qpv_ids) if answer is QpvAnswer.INSIDE else None
        source = None
        if answer is not QpvAnswer.UNKNOWN:
            checked = known and answer is not QpvAnswer.TO_CHECK and self.chance(0.6)
            source = QpvSource.SIG_VILLE if checked else QpvSource.DECLARE
        return {"qpv_answer": answer, "qpv_id": qpv_id, "qpv_source": source}

    # A parcours

    def open_case(
        self, plan: Plan, place: Place, status: Status, referent: Somebody | None, scene: str | None
    ) -> Case:
        """A person, spotted on a day, led step after step to a status."""
        person = self.invent_person(plan, place, status)
        if scene == "whole":
            person |= {
                "first_name": KNOWN_PERSON[0], "last_name": KNOWN_PERSON[1], "gender": Gender.FEMME,
                "civility": Civility.MADAME, "phone": person["phone"] or self.phones.pop(),
                "email": self.email_of(*KNOWN_PERSON), "birth_name": None,
            }  # fmt: skip
        parcours: dict[str, Any] = {
            "id": self.new_id(), "cite_id": place.cite_id, "person_id": person["id"], "status": status,
            "contacted_on": None, "met_on": None, "diagnosed_on": None, "started_on": None, "ended_on": None,
            "end_reason": None, "entry_gender": None, "entry_age": None, "entry_in_qpv": None,
        }  # fmt: skip
        case = Case(person, parcours, scene, referent)
        moves = self.live(case, self.walk(case))
        self.begin(case, place)
        coordinator = place.staff_as(Role.COORDINATOR)[0]
        if referent:
            self.give_referent(case, place, coordinator)
        else:
            case.carers.append((parcours["spotted_on"], coordinator))
            if scene == "elsewhere":
                self.assign(case, None, self.dice.choice(place.houses), self.after(case), coordinator)
        self.move(case, moves)
        if status not in (Status.REPERE,):
            self.meet(case)
        elif referent and scene != "new" and self.chance(0.5):
            self.note(case, self.ago(1), InterviewMode.TELEPHONE, words.MISSED, reached=False)
        self.plan_next(case)
        return case

    def live(self, case: Case, moves: list[tuple[Event, Status, date]]) -> list[Moved]:
        """What happens after the entry, put between it and the end."""
        parcours = case.parcours
        reason = parcours["end_reason"]
        every: list[Moved] = [
            (event, status, day, reason if event in (Event.CLOSE, Event.DECLINE) else None)
            for event, status, day in moves
        ]
        if parcours["started_on"] is None:
            return every
        last = parcours["ended_on"] or self.calendar.latest_past
        turn = TURNS.get(case.scene, Turn.PLAIN)
        case.life = Lifetimes(self.calendar, self.dice).draw(
            parcours["started_on"], last, parcours["end_reason"], turn
        )
        if parcours["ended_on"]:
            return [*every[:-1], *case.life.moves, every[-1]]
        parcours["status"] = case.life.status
        return [*every, *case.life.moves]

    def walk(self, case: Case) -> list[tuple[Event, Status, date]]:
        """The days on which the parcours moved, oldest first; sets the days of the parcours."""
        parcours, status = case.parcours, case.parcours["status"]
        reached = [stage for stage, _, _ in PATH]
        if status is Status.NON_ENTREE:
            length = self.dice.choice((0, 1, 1, 2, 3))
        else:
            length = len(reached) if status is Status.SORTI else ([Status.REPERE, *reached].index(status))
        skips_call = length >= 2 and self.chance(0.15)
        gaps = [self.dice.randint(*span) for _, _, span in PATH[:length]]
        if status in TAILS:
            tail = self.tail_of(case, status)
        elif status is Status.SORTI:
            gaps.append(self.dice.randint(30, 190))
            span = {"left": (3, 20), "m3": (95, 130)}.get(case.scene or "", (3, 100))
            tail = self.dice.randint(*span)
        else:
            gaps.append(self.dice.randint(4, 35))
            tail = self.dice.randint(3, 250)
        days = [self.ago(tail + sum(gaps[index:])) for index in range(len(gaps) + 1)]
        parcours["spotted_on"] = days[0]
        moves: list[tuple[Event, Status, date]] = []
        for (stage, event, _), day in zip(PATH[:length], days[1:], strict=False):
            if stage is Status.CONTACTE and skips_call:
                continue
            moves.append((event, stage, day))
        columns = ("contacted_on", "met_on", "diagnosed_on", "started_on")
        for column, day in zip(columns[:length], days[1:], strict=False):
            parcours[column] = day
        if skips_call:
            parcours["contacted_on"] = parcours["met_on"]
        if status is Status.SORTI:
            moves.append((Event.CLOSE, status, days[-1]))
            parcours["end_reason"] = (
                ExitReason.CDD_6M_PLUS if case.scene == "m3" else self.weighted(EXIT_WEIGHTS)
            )
        elif status is Status.NON_ENTREE:
            moves.append((Event.DECLINE, status, days[-1]))
            parcours["end_reason"] = self.dice.choice(list(NonEntryReason))
        if parcours["end_reason"]:
            parcours["ended_on"] = days[-1]
        if parcours["started_on"]:
            born, answer = case.person["birth_date"], case.person["qpv_answer"]
            parcours["entry_gender"] = case.person["gender"]
            parcours["entry_age"] = age_on(born, parcours["started_on"])
            parcours["entry_in_qpv"] = {QpvAnswer.INSIDE: True, QpvAnswer.OUTSIDE: False}.get(answer)
        return moves

    def tail_of(self, case: Case, status: Status) -> int:
        """How many days ago an open parcours moved for the last time, as its scene asks."""
        if case.scene is None and status is Status.ACTIF and self.chance(0.12):
            case.scene = "silent"
        if case.scene == "silent":
            return self.dice.randint(80, 260)
        if case.scene == "new":
            return self.dice.randint(5, 12)
        if case.scene in ("whole", "check", "ending", "hired"):
            return self.dice.randint(190, 220) if case.scene == "whole" else self.dice.randint(90, 200)
        if case.due in ("today", "tomorrow", "overdue"):
            return self.dice.randint(20, 25) if status is Status.DIAGNOSTIC else self.dice.randint(30, 240)
        return self.dice.randint(*TAILS[status])

    def begin(self, case: Case, place: Place) -> None:
        """How the person was spotted; completes what depends on that day."""
        person, parcours = case.person, case.parcours
        spotted_on: date = parcours["spotted_on"]
        spotters = place.staff_as(Role.SPOTTER) or place.staff_as(Role.COORDINATOR)
        by = self.dice.choice(spotters)
        if self.chance(0.25):
            by = place.staff_as(Role.COORDINATOR)[0]
        elif case.referent and self.chance(0.15):
            by = case.referent
        self.told["spotted"] += 1
        every = list(SpottingChannel)
        number = self.told["spotted"]
        channel = every[number % len(every)] if number <= len(every) else self.weighted(CHANNEL_WEIGHTS)
        created_at = self.at(spotted_on)
        person |= {
            "created_by_id": by.user_id,
            "created_at": created_at,
            "qpv_checked_on": spotted_on if person["qpv_source"] else None,
            "qpv_confirmed_by_id": by.user_id if person["qpv_source"] is QpvSource.SIG_VILLE else None,
        }
        parcours["created_at"] = created_at
        self.rows[Spotting].append(
            self.pointing(case)
            | {
                "spotted_on": spotted_on,
                "channel": channel,
                "place": self.dice.choice(words.PLACES) if self.chance(0.6) else None,
                "first_need": self.dice.choice(words.FIRST_NEEDS) if self.chance(0.75) else None,
                "agreed_to_be_contacted": True,
                "was_informed": parcours["met_on"] is not None or self.chance(0.6),
                "spotted_by_id": by.user_id,
                "organisation_id": by.organisation_id,
                "created_at": created_at,
            }
        )

    def pointing(self, case: Case) -> dict[str, Any]:
        """The columns by which a row belongs to a parcours."""
        return {
            "id": self.new_id(),
            "cite_id": case.person["cite_id"],
            "person_id": case.person["id"],
            "parcours_id": case.parcours["id"],
        }

    def after(self, case: Case) -> date:
        """A working day soon after the spotting and never after the first contact."""
        parcours = case.parcours
        latest: date = parcours["contacted_on"] or parcours["ended_on"] or self.ago(1)
        since = (self.today - parcours["spotted_on"]).days - self.dice.randint(0, 6)
        spotted_on: date = parcours["spotted_on"]
        return min(max(spotted_on, self.ago(max(1, since))), latest)

    def give_referent(self, case: Case, place: Place, coordinator: Somebody) -> None:
        """The assignment, and sometimes the one of a colleague before."""
        referent = case.referent
        assert referent is not None  # noqa: S101
        day = self.ago(self.dice.choice((1, 1, 2))) if case.scene == "new" else self.after(case)
        others = [each for each in place.staff_as(Role.REFERENT) if each.user_id != referent.user_id]
        started_on = case.parcours["started_on"]
        if others and started_on and (self.today - started_on).days > 60 and self.chance(0.12):
            before = self.dice.choice(others)
            handed_on = self.ago((self.today - started_on).days - 20)
            handed_at = self.at(handed_on)
            self.assign(case, before, before.organisation_id, day, coordinator, until=handed_at)
            self.assign(case, referent, referent.organisation_id, handed_on, coordinator, at=handed_at)
            case.carers += [(day, before), (handed_on, referent)]
        else:
            self.assign(case, referent, referent.organisation_id, day, coordinator)
            case.carers.append((day, referent))

    def assign(
        self,
        case: Case,
        referent: Somebody | None,
        organisation_id: uuid.UUID,
        day: date,
        by: Somebody,
        *,
        at: datetime | None = None,
        until: datetime | None = None,
        kind: AssignmentKind = AssignmentKind.REFERENT,
    ) -> None:
        """One line of the history of référents."""
        reason = "Relais entre collègues" if at else "Proposé en cellule de coordination"
        self.rows[Assignment].append(
            self.pointing(case)
            | {
                "kind": kind,
                "referent_id": referent.user_id if referent else None,
                "organisation_id": organisation_id,
                "started_at": at or max(self.at(day), case.parcours["created_at"]),
                "ended_at": until,
                "reason": reason if at or self.chance(0.3) else None,
                "end_reason": "Relais entre collègues" if until else None,
                "assigned_by_id": by.user_id,
                "ended_by_id": by.user_id if until else None,
            }
        )

    def second_with_others(self, place: Place, cases: list[Case]) -> None:
        """A few co-référents, in each direction."""
        referents = place.staff_as(Role.REFERENT)
        running = [case for case in cases if case.referent and case.parcours["status"] is Status.ACTIF]
        for case in running[3::17]:
            other = next(
                (each for each in referents if case.referent and each.user_id != case.referent.user_id), None
            )
            if other:
                day = self.ago(max(1, (self.today - case.parcours["started_on"]).days - 7))
                self.assign(
                    case, other, other.organisation_id, day, place.staff_as(Role.COORDINATOR)[0],
                    kind=AssignmentKind.CO_REFERENT,
                )  # fmt: skip
                self.pass_on(case, other)

    def pass_on(self, case: Case, colleague: Somebody) -> None:
        """The next thing to do of somebody, for the co-référent."""
        waiting = [
            row
            for row in self.rows[NextStep]
            if row["parcours_id"] == case.parcours["id"] and row["state"] is StepState.TODO
        ]
        for row in waiting[:1]:
            row |= {
                "entrusted_to_id": colleague.user_id,
                "entrusted_by_id": case.carer_on(self.ago(1)).user_id,
                "entrusted_because": "Je suis en réunion ce jour-là.",
                "entrusted_at": self.at(self.ago(1)),
                "entrusted_times": 1,
            }

    def tell_casework(self, casework: Casework, place: Place, case: Case) -> None:
        """Diagnosis, plan, agreements, jobs, situations and exit of a case."""
        parcours = case.parcours
        casework.tell(
            Stay(
                keys={name: self.pointing(case)[name] for name in ("cite_id", "person_id", "parcours_id")},
                diagnosed_on=parcours["diagnosed_on"],
                started_on=parcours["started_on"],
                ended_on=parcours["ended_on"],
                last=parcours["ended_on"] or self.calendar.latest_past,
                reason=parcours["end_reason"],
                entry={
                    "gender": parcours["entry_gender"], "age": parcours["entry_age"],
                    "in_qpv": parcours["entry_in_qpv"], "qpv_id": case.person["qpv_id"],
                },
                trade=case.person.get("_trade") or self.dice.choice(words.TRADES),
                who=lambda day: case.carer_on(day).user_id,
                partners=place.partners,
                life=case.life,
                wishes=WISHES.get(case.scene or "", frozenset()),
            )
        )  # fmt: skip
        if case.scene == "whole":
            self.remind(case)

    def remind(self, case: Case) -> None:
        """What the référent was reminded of about somebody: a silence, and a thing to do that was late."""
        done = [
            row
            for row in self.rows[NextStep]
            if row["parcours_id"] == case.parcours["id"] and row["settled_at"]
        ]
        told = [(ReminderRule.SILENCE, case.parcours["id"], self.ago(96))]
        told += [(ReminderRule.STEP_OVERDUE, row["id"], row["due_on"]) for row in done[:1]]
        for rule, subject_id, due_on in told:
            day = self.ago((self.today - due_on).days - 1) if rule is not ReminderRule.SILENCE else due_on
            self.rows[Reminder].append(
                self.pointing(case)
                | {
                    "rule": rule,
                    "subject_id": subject_id,
                    "due_on": due_on,
                    "recipient_id": case.carer_on(day).user_id,
                    "channel": CHANNEL,
                    "state": ReminderState.SENT,
                    "letter_id": self.new_id(),
                    "created_at": self.moment(day, 6),
                    "settled_at": self.moment(day, 7),
                }
            )

    def tie_couples(self, cases: list[Case]) -> None:
        """Two couples followed by the same référent."""
        for scenes in COUPLES:
            both = [next((case for case in cases if case.scene == scene), None) for scene in scenes]
            first, second = both
            if first is None or second is None or first.referent is None:
                continue
            first.person["address"] = first.person["address"] or f"12 {words.STREETS[0]}"
            for column in _OF_THE_HOME:
                second.person[column] = first.person[column]
            second.parcours["entry_in_qpv"] = first.parcours["entry_in_qpv"]
            one, other = sorted((first.person["id"], second.person["id"]))
            self.rows[PersonLink].append(
                {
                    "id": self.new_id(), "cite_id": first.person["cite_id"], "person_id": one, "other_id": other,
                    "kind": LinkKind.CONJOINT, "created_by_id": first.referent.user_id,
                    "created_at": self.moment(self.ago(4), 11),
                }
            )  # fmt: skip

    # A team

    def send_away(self, plan: Plan, place: Place) -> None:
        """Whoever is away this week, and whom the référent of the demo replaces."""
        if plan.away is None:
            return
        absent, deputy = place.staff[plan.away], place.staff[WORKERS[0].email]
        self.rows[Absence].append(
            {
                "id": self.new_id(), "cite_id": place.cite_id, "absent_id": absent.user_id, "deputy_id": deputy.user_id,
                "starts_on": self.ago(2), "ends_on": self.today + timedelta(days=9), "created_by_id": absent.user_id,
                "created_at": self.moment(self.ago(9), 16),
            }
        )  # fmt: skip

    def keep_plans(self, place: Place) -> None:
        """The plans that the coordination keeps to be applied again."""
        coordinator = place.staff_as(Role.COORDINATOR)[0]
        for name, kept in KEPT_PLANS:
            template_id = self.new_id()
            self.rows[PlanTemplate].append(
                {
                    "id": template_id, "cite_id": place.cite_id, "name": name, "created_by_id": coordinator.user_id,
                    "created_at": self.moment(self.ago(150), 15),
                }
            )  # fmt: skip
            self.rows[PlanTemplateLine] += [
                {"template_id": template_id, "rank": rank, "cite_id": place.cite_id, **vars(each)}
                for rank, each in enumerate(kept, 1)
            ]

    def move(self, case: Case, moves: list[Moved]) -> None:
        """The history of the parcours."""
        present = Status.REPERE
        for event, status, day, reason in moves:
            self.rows[Transition].append(
                self.pointing(case)
                | {
                    "event": event,
                    "from_status": present,
                    "to_status": status,
                    "happened_on": day,
                    "reason": reason,
                    "recorded_by_id": case.carer_on(day).user_id,
                    "recorded_at": self.at(day),
                }
            )
            present = status

    # What was said

    def meet(self, case: Case) -> None:
        """The exchanges of a parcours, from the first call to the last."""
        parcours = case.parcours
        if parcours["contacted_on"] and parcours["contacted_on"] != parcours["met_on"]:
            if self.chance(0.2) and parcours["contacted_on"] > parcours["spotted_on"]:
                self.note(case, parcours["spotted_on"], InterviewMode.TELEPHONE, words.MISSED, reached=False)
            self.note(case, parcours["contacted_on"], InterviewMode.TELEPHONE, words.FIRST_CALLS)
        if parcours["met_on"]:
            where = (InterviewMode.PRESENTIEL_RDV, InterviewMode.PRESENTIEL_RDV, InterviewMode.EXTERIEUR)
            self.note(case, parcours["met_on"], self.dice.choice(where), words.FIRST_MEETINGS)
        if parcours["diagnosed_on"]:
            self.note(case, parcours["diagnosed_on"], InterviewMode.PRESENTIEL_RDV, words.ASSESSMENTS)
        if parcours["started_on"]:
            self.note(case, parcours["started_on"], InterviewMode.PRESENTIEL_RDV, words.ENTRIES)
            self.accompany(case)

    def accompany(self, case: Case) -> None:
        """Every two or three weeks, until the end or until the last contact."""
        parcours = case.parcours
        if parcours["ended_on"]:
            last = (self.today - parcours["ended_on"]).days
        elif case.scene == "silent":
            last = self.dice.randint(31, 68)
        elif case.due == "overdue":
            last = self.dice.randint(19, 24)
        else:
            last = self.dice.randint(1, 22)
        days_ago = (self.today - parcours["started_on"]).days - self.dice.randint(9, 22)
        while days_ago > last + 4:
            day = self.ago(days_ago)
            if day > parcours["started_on"]:
                self.talk(case, day)
            days_ago -= self.dice.randint(10, 27)
        day = self.ago(last)
        if day > parcours["started_on"]:
            if parcours["ended_on"]:
                self.note(case, day, InterviewMode.PRESENTIEL_RDV, words.ENDINGS)
            else:
                self.note(case, day, self.weighted(TALK_MODES), words.TALKS)
        if case.scene == "silent" and self.chance(0.4):
            self.note(
                case, self.ago(self.dice.randint(3, 20)), InterviewMode.TELEPHONE, words.MISSED, reached=False
            )

    def talk(self, case: Case, day: date) -> None:
        """One exchange among others, sometimes missed, sometimes with a third party."""
        if self.chance(0.09):
            self.note(case, day, InterviewMode.TELEPHONE, words.MISSED, reached=False)
        elif self.chance(0.07):
            self.note(case, day, InterviewMode.TIERS, words.THIRD_PARTY)
        else:
            interview = self.note(case, day, self.weighted(TALK_MODES), words.TALKS)
            if self.chance(0.45):
                self.settle_step(case, interview)

    def note(
        self, case: Case, day: date, mode: InterviewMode, phrases: tuple[str, ...], *, reached: bool = True
    ) -> dict[str, Any]:
        """One exchange, written down on the day."""
        trade = case.person.setdefault("_trade", self.dice.choice(words.TRADES))
        durations = DURATIONS.get(mode, (20, 30, 30, 45, 60))
        interview = self.pointing(case) | {
            "author_id": case.carer_on(day).user_id,
            "held_on": day,
            "mode": mode,
            "duration": self.dice.choice(durations) if reached else None,
            "reached": reached,
            "synthesis": self.dice.choice(phrases).format(trade=trade),
            "created_at": self.at(day),
        }
        self.rows[Interview].append(interview)
        return interview

    # What comes next

    def step(self, case: Case, interview: dict[str, Any] | None, due_on: date, **facts: Any) -> None:
        """A next step, agreed during an exchange."""
        day = interview["held_on"] if interview else self.ago(1)
        self.rows[NextStep].append(
            self.pointing(case)
            | {
                "interview_id": interview["id"] if interview else None,
                "title": self.dice.choice(words.STEPS),
                "due_on": due_on,
                "due_at": None,
                "place": None,
                "state": StepState.TODO,
                "result": None,
                "created_by_id": case.carer_on(day).user_id,
                "created_at": interview["created_at"] if interview else self.at(day),
                "settled_by_id": None,
                "settled_at": None,
                "entrusted_to_id": None,
                "entrusted_by_id": None,
                "entrusted_because": None,
                "entrusted_at": None,
                "entrusted_times": 0,
            }
            | facts
        )

    def settle_step(self, case: Case, interview: dict[str, Any]) -> None:
        """A step of the past: done on time, done late, or given up."""
        since = (self.today - interview["held_on"]).days
        due = since - self.dice.randint(4, 14)
        settled = due - self.dice.choice((-1, 0, 0, 0, 1, 4))
        end = (self.today - case.parcours["ended_on"]).days if case.parcours["ended_on"] else 1
        if min(due, settled) < max(1, end) or settled >= since:
            return
        done = self.chance(0.88)
        settled_on = self.ago(settled)
        if settled_on <= interview["held_on"]:
            return
        self.step(
            case, interview, self.ago(due),
            state=StepState.DONE if done else StepState.CANCELLED,
            result=self.dice.choice(words.RESULTS) if done else "N’est plus utile.",
            settled_by_id=case.carer_on(settled_on).user_id,
            settled_at=self.at(settled_on),
        )  # fmt: skip

    def plan_next(self, case: Case) -> None:
        """What is to be done now in an open parcours."""
        if case.parcours["ended_on"] or not case.referent or case.scene == "new":
            return
        mine = [
            row
            for row in self.rows[Interview]
            if row["parcours_id"] == case.parcours["id"] and row["reached"]
        ]
        last = max(mine, key=lambda row: row["held_on"], default=None)
        met: Row = {}
        if case.due in ("today", "tomorrow"):
            due_on = self.today + timedelta(days=case.due == "tomorrow")
            met = self.appointment(case.due)
        elif case.due == "overdue" or (case.scene is None and self.chance(0.1)):
            latest = (self.today - last["held_on"]).days if last else 2
            due_on = self.today - timedelta(days=self.dice.randint(1, max(1, min(16, latest - 1))))
        elif case.scene is None and self.chance(0.6):
            due_on = self.today + timedelta(
                days=self.dice.choice((0, 1, 2, 3, 5, 7, 7, 9, 12, 14, 18, 21, 28))
            )
        else:
            return
        if last and due_on <= last["held_on"]:
            due_on = self.today + timedelta(days=7)
        self.step(case, last, due_on, **met)

    def appointment(self, day: str) -> Row:
        """What, when and where, for most of what is due on a day."""
        self.told[f"due {day}"] += 1
        rank = self.told[f"due {day}"] - 1
        if rank >= len(HOURS):
            return {}
        title, place = APPOINTMENTS[rank]
        return {"title": title, "due_at": HOURS[rank], "place": place}

    # Look-alikes

    def look_alike(self, plan: Plan, place: Place, cases: list[Case], number: int) -> None:
        """Somebody already known, written again by somebody else with a mistake."""
        known = [
            case for case in cases if case.person["last_name"] and case.person["phone"] and case.referent
        ]
        twin = next(
            (case for case in known if (case.person["first_name"], case.person["last_name"]) == KNOWN_PERSON),
            None,
        )
        spellings = dict(words.MISSPELLINGS)
        if number or twin is None:
            rest = [case for case in known if case is not twin]
            twin = next(
                (case for case in rest[number:] if case.person["first_name"] in spellings), rest[number]
            )
        again = self.open_case(plan, place, Status.REPERE, None, "waiting")
        first_name, last_name = twin.person["first_name"], twin.person["last_name"]
        misspelt = (
            last_name[:3] + " " + last_name[3:].capitalize() if last_name.startswith("Ben") else last_name
        )
        again.person |= {
            "first_name": spellings.get(first_name, first_name),
            "last_name": misspelt if misspelt != last_name else f"{last_name[:-1]}",
            "birth_name": None,
            "gender": twin.person["gender"],
            "civility": twin.person["civility"],
            "birth_date": twin.person["birth_date"],
            "phone": twin.person["phone"] if number % 2 == 0 else again.person["phone"] or self.phones.pop(),
        }
        cases.append(again)

    def keep(self, case: Case) -> None:
        """Put the person and the parcours among the rows."""
        case.person.pop("_trade", None)
        self.rows[Person].append(case.person)
        self.rows[Parcours].append(case.parcours)


def invent(seed: int, today: date, places: dict[str, Place], size: str = "normal") -> Story:
    """The whole story of the Cités of a size (« normal » or « small »), by slug."""
    story = Story(seed, today)
    for plan in PLANS[size]:
        story.tell(plan, places[plan.slug])
    return story
