"""The reminders that were sent over the years of a bulk demo: what its ledger would hold, had it run every morning."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cityjobs.demo.days import MORNING, Calendar
from cityjobs.demo.exchanges import Agreed
from cityjobs.demo.teams import Team
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.parcours.rules.situations import NEVER_ASKED_AFTER, Moment, asked_between
from cityjobs.reminders.queries import CHANNEL
from cityjobs.reminders.rules import ReminderRule, ReminderState

if TYPE_CHECKING:
    from cityjobs.demo.lives import Case

SILENCE_DAYS, ESCALATION_DAYS = 30, 7
"""As every Cité of the demo has them."""


class Ledger:
    """Writes the lines of one Cité; all of them left before today, on a working day."""

    def __init__(
        self, team: Team, calendar: Calendar, new_id: Callable[[], str], write: Callable[..., None]
    ) -> None:
        self.team, self.calendar, self.new_id, self.write = team, calendar, new_id, write
        self.letters: dict[tuple[str, int], str] = {}

    def write_step(self, case: "Case", step_id: str, agreed_on: int, step: Agreed, ended: int | None) -> None:
        """A step recalled on the working day before, then on the first one after it was missed."""
        before, after, settled = step.due - 1, step.due + 1, step.settled
        due_on = self.calendar.text[step.due]
        if agreed_on < before <= self.calendar.last and (settled is None or settled > before):
            self.send(
                case, ReminderRule.STEP_TOMORROW, step_id, due_on, before, case.carer_on(before).user_id
            )
        is_late = settled is None or settled > step.due
        if is_late and after <= self.calendar.last and (ended is None or ended >= after):
            self.send(case, ReminderRule.STEP_OVERDUE, step_id, due_on, after, case.carer_on(after).user_id)

    def write_silences(self, case: "Case", contacts: Sequence[int], noted: Sequence[int], end: int) -> None:
        """Every silence told to the référent and, without a reaction, to the coordination."""
        heard = [*contacts] or [case.assigned]
        is_open = case.path.ended is None
        for day, until in zip(heard, [*heard[1:], end + 1 if is_open else end], strict=True):
            due_on, told = self.calendar.after(day, SILENCE_DAYS)
            if told >= until or told > self.calendar.last:
                continue
            line_id = self.send(
                case, ReminderRule.SILENCE, case.id, due_on, told, case.carer_on(told).user_id
            )
            _, escalated = self.calendar.after(told, ESCALATION_DAYS)
            if (
                escalated >= until
                or escalated > self.calendar.last
                or any(told <= at <= escalated for at in noted)
            ):
                continue
            present = {
                post.at(escalated).user_id for post in self.team.coordinators if post.opened <= escalated
            }
            for user_id in sorted(present):
                self.send(case, ReminderRule.SILENCE_ESCALATED, line_id, due_on, escalated, user_id)

    def write_situations(self, case: "Case") -> None:
        """What is asked after an exit, of those still asked today: told as long as the last référent answers for the parcours."""
        left, reason = case.path.ended, case.path.reason
        if case.path.status is not Status.SORTI or left is None or reason in NEVER_ASKED_AFTER:
            return
        for moment in (Moment.EXIT, Moment.M3, Moment.M6):
            due_on, until = asked_between(self.calendar.days[left], moment)
            told = self.calendar.index(due_on)
            seat = case.carer_on(told)
            stands = (seat.until is None or told < seat.until) and (
                case.next_opens is None or told < case.next_opens
            )
            if until > self.calendar.today and told <= self.calendar.last and stands:
                self.send(case, ReminderRule.SITUATION, case.id, due_on.isoformat(), told, seat.user_id)

    def send(
        self, case: "Case", rule: ReminderRule, subject_id: str, due_on: str, day: int, recipient_id: str
    ) -> str:
        """One line, sent with the letter of its recipient on a morning; returns its identifier."""
        line_id = self.new_id()
        letter_id = self.letters.get((recipient_id, day))
        if letter_id is None:
            letter_id = self.letters[recipient_id, day] = self.new_id()
        self.write(
            "reminder", line_id, *case.keys, rule, subject_id, due_on, recipient_id, CHANNEL, ReminderState.SENT,
            letter_id, self.calendar.moment(day, MORNING - 1, 0), self.calendar.moment(day, MORNING, 10),
        )  # fmt: skip
        return line_id
