"""When things happened in one parcours of a bulk demo, in numbers of working days; nothing is written here."""

from dataclasses import dataclass
from itertools import accumulate
from random import Random

from cityjobs.demo.odds import EXIT_WEIGHTS, OPEN_MIX
from cityjobs.parcours.rules.lifecycle import Event, Status
from cityjobs.parcours.rules.reasons import ExitReason, NonEntryReason

_STAGES = (Status.CONTACTE, Status.RENCONTRE, Status.DIAGNOSTIC, Status.ACTIF)
_EVENTS = (Event.CONTACT_OK, Event.FIRST_MET, Event.START_ASSESSMENT, Event.ENROLL)
_GAPS = ((1, 6), (2, 8), (3, 12), (2, 12))
"""Working days between a stage and the one before, at least and at most."""

_TAILS = {
    Status.REPERE: (1, 14), Status.CONTACTE: (1, 14), Status.RENCONTRE: (1, 16), Status.DIAGNOSTIC: (2, 17),
    Status.ACTIF: (8, 190),
}  # fmt: skip
_SILENT_SINCE = (23, 60)
_OPEN = tuple(status for status, _ in OPEN_MIX)
_OPEN_WEIGHTS = tuple(accumulate(weight for _, weight in OPEN_MIX))
_EXITS = tuple(EXIT_WEIGHTS)
_EXIT_WEIGHTS = tuple(accumulate(EXIT_WEIGHTS.values()))
_REFUSALS = tuple(NonEntryReason)

EXCHANGES = {
    Status.REPERE: 0.6, Status.CONTACTE: 2.0, Status.RENCONTRE: 4.0, Status.DIAGNOSTIC: 6.0, Status.ACTIF: 12.5,
    Status.SORTI: 13.5, Status.NON_ENTREE: 3.0,
}  # fmt: skip
"""How many exchanges there are in a parcours, on average, by where it stands."""

EXPECTED = 10.2
"""The same for any parcours of the mix below."""


@dataclass(slots=True)
class Path:
    """The days of a parcours. `quiet_from` is the last day of contact of somebody who went silent."""

    status: Status
    spotted: int
    days: list[int]
    last: int
    moves: list[tuple[Event, Status, int]]
    ended: int | None = None
    reason: ExitReason | NonEntryReason | None = None
    quiet_from: int | None = None

    @property
    def contacted(self) -> int | None:
        """First day on which the person was reached."""
        return self.days[0] if self.days else None

    @property
    def met(self) -> int | None:
        """First day on which the person was met."""
        return self.days[1] if len(self.days) > 1 else None

    @property
    def started(self) -> int | None:
        """The day of entry."""
        return self.days[3] if len(self.days) > 3 else None


def invent_path(dice: Random, first: int, last: int, *, is_open: bool) -> Path | None:
    """A parcours spotted from `first` on; still open on `last`, or closed by then. None when there is no room."""
    rand = dice.random
    if is_open:
        status = dice.choices(_OPEN, cum_weights=_OPEN_WEIGHTS)[0]
        length = _OPEN.index(status)
    elif rand() < 0.7:
        status, length = Status.SORTI, 4
    else:
        status, length = Status.NON_ENTREE, int(rand() * 4)
    gaps = [low + int(rand() * (high - low + 1)) for low, high in _GAPS[:length]]
    quiet = status is Status.ACTIF and rand() < 0.12
    if is_open:
        low, high = (80, 190) if quiet else _TAILS[status]
        tail = low + int(rand() * (high - low + 1))
    elif status is Status.SORTI:
        tail = int(dice.triangular(18, 330, 90))
    else:
        tail = 2 + int(rand() * 24)
    room = last - first - sum(gaps) - tail
    if room < 0:
        return None
    end = last if is_open else last - int(room * rand() ** 1.7)
    spotted = end - tail - sum(gaps)
    days = list(accumulate(gaps, initial=spotted))[1:]
    skips_call = length >= 2 and rand() < 0.15
    if skips_call:
        days[0] = days[1]
    present = Status.REPERE
    moves = []
    for event, stage, day in zip(_EVENTS, _STAGES, days, strict=False):
        if stage is Status.CONTACTE and skips_call:
            continue
        moves.append((event, stage, day))
        present = stage
    path = Path(present, spotted, days, end, moves)
    if quiet:
        path.quiet_from = end - _SILENT_SINCE[0] - int(rand() * (_SILENT_SINCE[1] - _SILENT_SINCE[0]))
    if not is_open:
        closes = status is Status.SORTI
        path.status, path.ended = status, end
        path.reason = (
            dice.choices(_EXITS, cum_weights=_EXIT_WEIGHTS)[0]
            if closes
            else _REFUSALS[int(rand() * len(_REFUSALS))]
        )
        path.moves.append((Event.CLOSE if closes else Event.DECLINE, status, end))
    return path


class Rations:
    """Gives each parcours its number of exchanges, so that a whole Cité has exactly as many as it should."""

    def __init__(self, dice: Random, exchanges: int, parcours: int) -> None:
        self.dice, self.left, self.waiting = dice, exchanges, parcours

    def give(self, path: Path) -> int:
        """How many exchanges this parcours has; never fewer than its moves proved by one."""
        least = len(path.days) + (1 if path.status is Status.SORTI else 0)
        self.waiting -= 1
        if self.waiting == 0:
            return max(least, self.left)
        pace = self.left / (EXPECTED * (self.waiting + 1))
        wished = round(EXCHANGES[path.status] * pace * self.dice.gammavariate(2.4, 1 / 2.4))
        given = max(least, min(wished, self.left - 5 * self.waiting))
        self.left -= given
        return given
