"""What was said in one parcours of a bulk demo, and what was agreed to come next, in numbers of working days."""

from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import TypeVar

from cityjobs.demo import words
from cityjobs.demo.days import TALKING, Calendar
from cityjobs.demo.odds import DURATIONS, TALK_MODES
from cityjobs.demo.paths import Path
from cityjobs.followups.rules import InterviewMode, StepState
from cityjobs.parcours.rules.lifecycle import Status

_MODES, _MODE_WEIGHTS = tuple(TALK_MODES), tuple(TALK_MODES.values())
Some = TypeVar("Some")
_USUAL_DURATIONS = (20, 30, 30, 45, 60)
_LATE = (-1, 0, 0, 0, 1, 4)
_AHEAD = (0, 0, 1, 2, 3, 5, 5, 7, 9, 10, 14, 18)
_REMOTE = (InterviewMode.TELEPHONE, InterviewMode.TELEPHONE, InterviewMode.SMS_MAIL)


def _told(phrases: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    return {trade: tuple(phrase.format(trade=trade) for phrase in phrases) for trade in words.TRADES}


_TALKS, _FIRST_MEETINGS = _told(words.TALKS), _told(words.FIRST_MEETINGS)
_ASSESSMENTS, _ENTRIES = _told(words.ASSESSMENTS), _told(words.ENTRIES)


@dataclass(slots=True)
class Exchange:
    """One exchange, on a working day; `hour` keeps those of one day in order."""

    day: int
    mode: InterviewMode
    reached: bool
    synthesis: str
    duration: int | None
    hour: int = TALKING


@dataclass(slots=True)
class Agreed:
    """A next step; `first_due` when it was put off once."""

    title: str
    due: int
    state: StepState
    settled: int | None
    result: str | None
    first_due: int | None


class Exchanges:
    """Invents exchanges from the dice of a Cité."""

    def __init__(self, calendar: Calendar, dice: Random) -> None:
        self.calendar, self.dice = calendar, dice

    def pick(self, among: tuple[Some, ...]) -> Some:
        """One of them."""
        return among[int(self.dice.random() * len(among))]

    def invent(self, path: Path, count: int, end: int, trade: str) -> list[Exchange]:
        """So many exchanges, in order: one for each move of the parcours, the others in between."""
        said = self.moves_proved(path, trade)
        first, upper = path.days[0] if path.days else path.spotted, end
        if path.quiet_from is not None:
            upper = path.quiet_from
        extra = count - len(said)
        if extra > 0 and path.status is Status.ACTIF:
            day = (
                upper
                if path.quiet_from is not None
                else max(path.days[3], end - int(self.dice.random() * 14))
            )
            said.append(self.talk(path, day, trade, heard=True))
            extra -= 1
        if extra > 0 and path.quiet_from is not None and self.dice.random() < 0.4:
            said.append(self.missed(upper + 3 + int(self.dice.random() * (end - upper - 3))))
            extra -= 1
        span = upper - first + 1
        said += [self.talk(path, first + int(self.dice.random() * span), trade) for _ in range(extra)]
        said.sort(key=lambda each: each.day)
        for each, after in pairwise(said):
            if after.day == each.day:
                after.hour = min(each.hour + 1, 15)
        return said

    def moves_proved(self, path: Path, trade: str) -> list[Exchange]:
        """The exchanges by which the parcours moved."""
        said = []
        days = path.days
        if days and (len(days) == 1 or days[0] != days[1]):
            said.append(self.exchange(days[0], InterviewMode.TELEPHONE, self.pick(words.FIRST_CALLS)))
        for day, phrases in zip(days[1:], (_FIRST_MEETINGS, _ASSESSMENTS, _ENTRIES), strict=False):
            said.append(self.exchange(day, InterviewMode.PRESENTIEL_RDV, self.pick(phrases[trade])))
        if path.status is Status.SORTI:
            said.append(self.exchange(path.last, InterviewMode.PRESENTIEL_RDV, self.pick(words.ENDINGS)))
        return said

    def exchange(self, day: int, mode: InterviewMode, synthesis: str) -> Exchange:
        """One in which the person was reached."""
        among = DURATIONS.get(mode, _USUAL_DURATIONS)
        return Exchange(day, mode, True, synthesis, among[int(self.dice.random() * len(among))])

    def missed(self, day: int) -> Exchange:
        """One that was only tried."""
        return Exchange(day, InterviewMode.TELEPHONE, False, self.pick(words.MISSED), None)

    def talk(self, path: Path, day: int, trade: str, *, heard: bool = False) -> Exchange:
        """One exchange among others; nobody is met before the day of the first meeting, nor reached before the first call."""
        rand = self.dice.random
        if not path.days or (not heard and rand() < 0.09):
            return self.missed(day)
        if not heard and rand() < 0.07:
            return Exchange(
                day, InterviewMode.TIERS, True, self.pick(words.THIRD_PARTY), 5 + 5 * int(rand() * 3)
            )
        mode = _REMOTE[int(rand() * 3)]
        if path.met is not None and day >= path.met:
            mode = self.dice.choices(_MODES, _MODE_WEIGHTS)[0]
        talks = _TALKS[trade]
        synthesis = self.pick(talks)
        while rand() < 0.45 and len(synthesis) < 600:
            synthesis += " " + self.pick(talks)
        return self.exchange(day, mode, synthesis)

    def step_after(self, each: Exchange, end: int, *, to_do: bool) -> Agreed | None:
        """What was agreed in an exchange, when something was; `to_do` when it is the last one of an open parcours."""
        rand = self.dice.random
        if to_do:
            return self.step_ahead(each.day) if rand() < 0.65 else None
        if not each.reached or each.mode is InterviewMode.TIERS or rand() > 0.4:
            return None
        due = each.day + 3 + int(rand() * 9)
        first_due = None
        if rand() < 0.08:
            first_due, due = due, due + 2 + int(rand() * 5)
        settled = due + _LATE[int(rand() * 6)]
        if settled > end:
            return None
        title = self.pick(words.STEPS)
        if rand() < 0.88:
            return Agreed(title, due, StepState.DONE, settled, self.pick(words.RESULTS), first_due)
        return Agreed(title, due, StepState.CANCELLED, settled, "N’est plus utile.", first_due)

    def step_ahead(self, day: int) -> Agreed:
        """What is to be done now: mostly ahead, sometimes late."""
        last, rand = self.calendar.last, self.dice.random
        due = last + 1 + _AHEAD[int(rand() * len(_AHEAD))]
        late = last - int(rand() * 12)
        if rand() < 0.16 and late > day:
            due = late
        return Agreed(self.pick(words.STEPS), due, StepState.TODO, None, None, None)
