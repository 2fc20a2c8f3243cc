"""What happens to a parcours between the entry and the end: pauses, jobs, and how an exit counts. Nothing is written here."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from cityjobs.demo.days import Calendar
from cityjobs.parcours.rules.exits import ExitFacts, ExitRule, category_of, whole_months
from cityjobs.parcours.rules.jobs import (
    LESS_THAN_SIX_MONTHS,
    SIX_MONTHS_OR_MORE,
    CheckMoment,
    JobKind,
    check_due_on,
    lasts_six_months,
)
from cityjobs.parcours.rules.lifecycle import Event, Status
from cityjobs.parcours.rules.reasons import ExitReason

CONTRACTS: dict[str, tuple[str, int | None]] = {
    ExitReason.CDI: ("cdi", None),
    ExitReason.CDD_6M_PLUS: ("cdd_6m_plus", 240),
    ExitReason.INTERIM_6M_PLUS: ("interim", 210),
    ExitReason.FONCTION_PUBLIQUE: ("fonction_publique", None),
    ExitReason.CREATION_ENTREPRISE: ("creation_entreprise", None),
    ExitReason.CDD_MOINS_6M: ("cdd_moins_6m", 90),
    ExitReason.INTERIM_MOINS_6M: ("interim", 60),
    ExitReason.CONTRAT_AIDE_HORS_IAE: ("pec_cui_cae", 300),
    ExitReason.EMBAUCHE_SIAE: ("cddi", 240),
    ExitReason.ALTERNANCE: ("apprentissage", 360),
    ExitReason.FORMATION_QUALIFIANTE: ("autre", 220),
}
"""The contract by which somebody leaves so, and for how many days; the last one is a training."""

_EVIDENCE = {
    ExitReason.CREATION_ENTREPRISE: "kbis",
    ExitReason.FORMATION_QUALIFIANTE: "attestation_formation",
}
_PROOFS = ("contrat", "contrat", "bulletin_paie", "attestation_employeur")
_SIX_MONTHS = (ExitReason.CDD_6M_PLUS, ExitReason.INTERIM_6M_PLUS)
_PAUSES = ("formation_longue", "raison_personnelle", "absence_territoire", "injoignable_provisoire")
_HIRED = ("cdd_6m_plus", "cdd_6m_plus", "cdi", "interim", "cddi")


class Turn(enum.Enum):
    """What an open parcours is to have; ANY leaves it to the dice, PLAIN is nothing."""

    ANY = enum.auto()
    PLAIN = enum.auto()
    CHECK_DUE = enum.auto()
    HIRED = enum.auto()
    PAUSE_ENDING = enum.auto()
    PAUSED = enum.auto()
    EVENTFUL = enum.auto()


@dataclass(slots=True)
class Pause:
    """A suspension; `ended_on` None when it is under way."""

    reason: str
    started_on: date
    expected_end_on: date
    ended_on: date | None = None


@dataclass(slots=True)
class Employment:
    """A job or a training, with what was asked of it: moment and day."""

    kind: JobKind
    contract: str
    started_on: date
    expected_end_on: date | None
    ended_on: date | None = None
    end_reason: str | None = None
    checks: list[tuple[CheckMoment, date]] = field(default_factory=list)


@dataclass(slots=True)
class Lifetime:
    """Moves after the entry, each with its reason, and the status they lead to before the end."""

    moves: list[tuple[Event, Status, date, str | None]] = field(default_factory=list)
    status: Status = Status.ACTIF
    pauses: list[Pause] = field(default_factory=list)
    jobs: list[Employment] = field(default_factory=list)


@dataclass(frozen=True)
class ExitReading:
    """The ruleset by which the exits of the demo are read."""

    ruleset_id: Any
    rules: Mapping[str, ExitRule]


class Lifetimes:
    """Draws lives from the dice of a Cité."""

    def __init__(self, calendar: Calendar, dice: Random) -> None:
        self.calendar, self.dice = calendar, dice

    def draw(self, started_on: date, last: date, reason: str | None, turn: Turn = Turn.ANY) -> Lifetime:
        """The life of a parcours entered on a day; `last` is the day of its end, or the last one known of an open one."""
        life, length = Lifetime(), (last - started_on).days
        if turn is Turn.ANY and reason is None:
            turn = self._turn(length)
        if turn is Turn.EVENTFUL:
            self._come_back(life, started_on, length)
            self._lose(life, started_on, length)
        elif turn in (Turn.CHECK_DUE, Turn.HIRED):
            self._hire(life, started_on, last, turn)
        elif turn in (Turn.PAUSE_ENDING, Turn.PAUSED):
            self._pause(life, started_on, last, turn)
        elif reason in CONTRACTS and length > 30 and self.dice.random() < 0.6:
            self._leave_hired(life, started_on, last, str(reason))
        return life

    def _turn(self, length: int) -> Turn:
        drawn = self.dice.random()
        if length < 40 or drawn > 0.27:
            return Turn.PLAIN
        if drawn < 0.1:
            return Turn.HIRED
        return Turn.PAUSED if drawn < 0.18 else Turn.EVENTFUL if length > 120 else Turn.PLAIN

    def day(self, since: date, days: float) -> date:
        """The last working day at most so many days after another."""
        return max(since, self.calendar.latest(since + timedelta(days=int(days))))

    def _hire(self, life: Lifetime, started_on: date, last: date, turn: Turn) -> None:
        """Hired, and still there; on CHECK_DUE the month after is to be asked, the first week was."""
        ago = (
            33 + int(self.dice.random() * 6) if turn is Turn.CHECK_DUE else 10 + int(self.dice.random() * 110)
        )
        day = max(self.day(started_on, 2), self.calendar.latest(self.calendar.today - timedelta(days=ago)))
        job = Employment(
            JobKind.CONTRACT, self.dice.choice(_HIRED), day, day + timedelta(days=200 + int(self.dice.random() * 60))
        )  # fmt: skip
        if job.contract == "cdi":
            job.expected_end_on = None
        for moment in CheckMoment:
            asked = self.calendar.latest(check_due_on(day, moment) + timedelta(days=2))
            is_left = turn is Turn.CHECK_DUE and moment is not CheckMoment.J8
            if day < asked <= last and not is_left:
                job.checks.append((moment, asked))
        life.jobs.append(job)
        life.moves.append((Event.HIRE, Status.SUIVI_EMPLOI, day, None))
        life.status = Status.SUIVI_EMPLOI

    def _pause(self, life: Lifetime, started_on: date, last: date, turn: Turn) -> None:
        """Suspended, and still so."""
        today = self.calendar.today
        day = max(
            self.day(started_on, 2),
            self.calendar.latest(today - timedelta(days=12 + int(self.dice.random() * 70))),
        )
        ahead = 4 + int(self.dice.random() * 8)
        if turn is not Turn.PAUSE_ENDING:
            ahead = 20 + int(self.dice.random() * 60)
        reason = self.dice.choice(_PAUSES)
        life.pauses.append(Pause(reason, min(day, last), today + timedelta(days=ahead)))
        life.moves.append((Event.SUSPEND, Status.SUSPENDU, min(day, last), reason))
        life.status = Status.SUSPENDU

    def _come_back(self, life: Lifetime, started_on: date, length: int) -> None:
        """Suspended for a month or two, then back."""
        day, back = self.day(started_on, length * 0.15), self.day(started_on, length * 0.32)
        if back <= day:
            return
        reason = self.dice.choice(_PAUSES)
        life.pauses.append(Pause(reason, day, back, back))
        life.moves.append((Event.SUSPEND, Status.SUSPENDU, day, reason))
        life.moves.append((Event.RESUME, Status.ACTIF, back, None))

    def _lose(self, life: Lifetime, started_on: date, length: int) -> None:
        """Hired, asked twice, and the contract came to its end."""
        day, end = self.day(started_on, length * 0.42), self.day(started_on, length * 0.8)
        contract = SIX_MONTHS_OR_MORE if lasts_six_months(day, end) else LESS_THAN_SIX_MONTHS
        job = Employment(JobKind.CONTRACT, contract, day, end, end, "fin_contrat")
        for moment in (CheckMoment.J8, CheckMoment.M1):
            asked = self.calendar.latest(check_due_on(day, moment) + timedelta(days=1))
            if day < asked < end:
                job.checks.append((moment, asked))
        life.jobs.append(job)
        life.moves.append((Event.HIRE, Status.SUIVI_EMPLOI, day, None))
        life.moves.append((Event.CONTRACT_BROKEN, Status.ACTIF, end, "fin_contrat"))

    def _leave_hired(self, life: Lifetime, started_on: date, last: date, reason: str) -> None:
        """Followed in the job by which the parcours ends."""
        length = (last - started_on).days
        day = self.day(started_on, length * (0.35 + 0.5 * self.dice.random()))
        if not started_on < day < last:
            return
        contract, days = CONTRACTS[reason]
        kind = JobKind.TRAINING if reason == ExitReason.FORMATION_QUALIFIANTE else JobKind.CONTRACT
        job = Employment(kind, contract, day, None if days is None else day + timedelta(days=days))
        for moment in CheckMoment:
            asked = self.calendar.latest(check_due_on(day, moment) + timedelta(days=2))
            if day < asked < last:
                job.checks.append((moment, asked))
        life.jobs.append(job)
        life.moves.append((Event.HIRE, Status.SUIVI_EMPLOI, day, None))
        life.status = Status.SUIVI_EMPLOI

    def exit_of(self, reading: ExitReading, reason: str, ended_on: date, life: Lifetime) -> dict[str, Any]:
        """How an exit counts: the columns of « parcours_exit » that say it."""
        job = life.jobs[-1] if life.jobs else None
        months = None
        if reason in CONTRACTS:
            until = max(ended_on, job.expected_end_on or ended_on) if job else ended_on
            months = whole_months(job.started_on if job else ended_on, until)
            if reason in _SIX_MONTHS or self.dice.random() < 0.75:
                months = max(months, 6 + int(self.dice.random() * 7))
        category = category_of(ExitFacts(reason, months), reading.rules)
        rule = reading.rules[reason]
        proof = None
        if rule.needs_evidence and category is rule.category:
            proof = _EVIDENCE.get(ExitReason(reason)) or self.dice.choice(_PROOFS)
        return {
            "exit_type": reason,
            "category": category,
            "ruleset_id": reading.ruleset_id,
            "months": months,
            "evidence": proof,
            "evidence_seen_on": ended_on if proof else None,
        }
