"""Tells the lives of the persons of one Cité of a bulk demo, as lines ready to be copied, a few hundred at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from cityjobs.demo import words
from cityjobs.demo.casework import Casework, Pen, Row, Stay, trade_of
from cityjobs.demo.days import ASSIGNING, SETTLING, SPOTTING, Calendar
from cityjobs.demo.exchanges import Exchange, Exchanges
from cityjobs.demo.ledger import Ledger
from cityjobs.demo.lifetimes import ExitReading, Lifetime
from cityjobs.demo.lines import COLUMNS, line
from cityjobs.demo.nation import Share
from cityjobs.demo.obstacles import APPOINTMENTS, KEPT_PLANS
from cityjobs.demo.odds import CHANNEL_WEIGHTS
from cityjobs.demo.paths import Path, Rations, invent_path
from cityjobs.demo.portraits import Portrait, Portraits
from cityjobs.demo.teams import OPEN_SHARE, Post, Seat, Team, existing
from cityjobs.followups.rules import StepState, is_contact
from cityjobs.parcours.rules.lifecycle import AssignmentKind, Event, Status
from cityjobs.people.rules import LinkKind, age_on
from cityjobs.territory.rules import QpvAnswer

Batch = dict[str, list[str]]
PERSONS_AT_ONCE = 400
_CHANNELS, _CHANNEL_WEIGHTS = tuple(CHANNEL_WEIGHTS), tuple(CHANNEL_WEIGHTS.values())
_COMES_BACK = 0.12
_UNATTENDED = {Status.REPERE: 0.5, Status.CONTACTE: 0.1, Status.NON_ENTREE: 0.35}
"""How often a parcours that stands there has no référent."""
_LATE, _UNASKED = 0.05, 0.2
_TIED = 0.04
_TIES = (LinkKind.CONJOINT, LinkKind.CONJOINT, LinkKind.FRATRIE, LinkKind.AUTRE_FOYER)
_AWAY_EVERY = 6
"""One référent out of so many is away today."""


@dataclass(slots=True)
class Case:
    """One parcours while it is being written; `next_opens` is the day of the person's next parcours."""

    id: str
    keys: tuple[str, str, str]
    path: Path
    assigned: int
    coordination: Post
    carers: list[tuple[int, Seat]] = field(default_factory=list)
    next_opens: int | None = None
    life: Lifetime | None = None

    def carer_on(self, day: int) -> Seat:
        """Who meets the person on a working day."""
        for since, seat in reversed(self.carers):
            if since <= day:
                return seat
        return self.coordination.at(day)


class Lives:
    """Everybody whom a Cité has known, from a seed: the same seed and day give the same lines."""

    def __init__(self, team: Team, calendar: Calendar, dice: Random, reading: ExitReading) -> None:
        self.team, self.calendar, self.dice = team, calendar, dice
        self.portraits = Portraits(team, calendar, dice)
        self.exchanges = Exchanges(calendar, dice)
        self.ledger = Ledger(team, calendar, self.new_id, self.write)
        self.casework = Casework(
            calendar,
            dice,
            Pen(self.new_id, lambda day, hour: calendar.moment_of(day, hour, self.minute()), self.write_row),
            reading,
            late_share=_LATE,
            unasked_share=_UNASKED,
        )
        self.batch: Batch = {table: [] for table in COLUMNS}
        self.former: str | None = None

    def tell(self, share: Share) -> Iterator[Batch]:
        """Lines by table, batch after batch: as many parcours and exchanges as the share says."""
        rations = Rations(self.dice, share.interviews, share.parcours)
        left, persons = share.parcours, 0
        self.keep_plans()
        self.send_away()
        while left:
            left -= self.tell_person(left, rations)
            persons += 1
            if persons % PERSONS_AT_ONCE == 0 or not left:
                yield self.batch
                self.batch = {table: [] for table in COLUMNS}

    def new_id(self) -> str:
        """A random UUID of version 4, drawn from the seed."""
        bits = self.dice.getrandbits(128)
        return f"{bits & ~(0xF000 << 64) & ~(0xC000 << 48) | 0x4000 << 64 | 0x8000 << 48:032x}"

    def write(self, table: str, *values: object) -> None:
        """Put one row in the batch, with the values of its COLUMNS."""
        self.batch[table].append(line(values))

    def write_row(self, table: str, row: Row) -> None:
        """The same, from columns by name."""
        self.batch[table].append(line([row[name] for name in COLUMNS[table]]))

    def minute(self) -> int:
        """A minute of an hour."""
        return int(self.dice.random() * 60)

    # A Cité

    def keep_plans(self) -> None:
        """The plans that the Cité keeps."""
        post = self.team.coordinators[0]
        for name, kept in KEPT_PLANS:
            template_id = self.new_id()
            self.write(
                "plan_template", template_id, self.team.cite_id, name, True, post.at(self.calendar.last).user_id,
                self.calendar.moment(self.calendar.last - 120, SETTLING, self.minute()),
            )  # fmt: skip
            for rank, each in enumerate(kept, 1):
                self.write(
                    "plan_template_line", template_id, rank, self.team.cite_id, each.frein_code, each.goal_code,
                    each.goal_label, each.etape_type, each.etape_label, each.after_days,
                )  # fmt: skip

    def send_away(self) -> None:
        """Who is away today, and who was some weeks ago, each replaced by the next colleague."""
        calendar, present = self.calendar, {}
        for post in self.team.referents:
            seat = post.at(calendar.last)
            if seat.until is None and seat.since < calendar.last - 60:
                present[seat.user_id] = seat
        seats = list(present)
        for rank, user_id in enumerate(seats):
            deputy = seats[(rank + 1) % len(seats)]
            if deputy == user_id:
                return
            for since, length in ((calendar.last - 1, 11), (calendar.last - 45, 7)):
                if length == 11 and rank % _AWAY_EVERY:
                    continue
                starts_on = calendar.days[since]
                self.write(
                    "absence", self.new_id(), self.team.cite_id, user_id, deputy, starts_on,
                    starts_on + timedelta(days=length), user_id, calendar.moment(since - 4, SETTLING, self.minute()),
                )  # fmt: skip

    # A person

    def tell_person(self, most: int, rations: Rations) -> int:
        """One person with one to several parcours, one after another; returns how many."""
        paths = self.invent_paths(most)
        portrait = self.portraits.draw(self.new_id(), paths[0].spotted, paths[-1])
        seen_by = self.spotter_on(paths[0].spotted)
        created_at = self.calendar.moment(paths[0].spotted, SPOTTING, self.minute())
        self.write(
            "person", *portrait.columns(self.calendar.text[paths[0].spotted], seen_by.user_id, created_at)
        )
        self.tie(portrait.id, seen_by, created_at)
        for number, path in enumerate(paths):
            following = paths[number + 1].spotted if number + 1 < len(paths) else None
            by = seen_by if number == 0 else self.spotter_on(path.spotted)
            at = created_at if number == 0 else self.calendar.moment(path.spotted, SPOTTING, self.minute())
            self.tell_parcours(portrait, path, by, at, rations.give(path), following)
        return len(paths)

    def tie(self, person_id: str, by: Seat, at: str) -> None:
        """Now and then, somebody who lives with the person before."""
        if self.former is not None and self.dice.random() < _TIED:
            first, second = sorted((self.former, person_id))
            kind = _TIES[int(self.dice.random() * len(_TIES))]
            self.write("person_link", self.new_id(), self.team.cite_id, first, second, kind, by.user_id, at)
            self.former = None
        else:
            self.former = person_id

    def invent_paths(self, most: int) -> list[Path]:
        """The parcours of one person, the oldest first: only the last one may be open."""
        opened, last = self.team.opened, self.calendar.last
        path = None
        while path is None:
            path = invent_path(self.dice, opened, last, is_open=self.dice.random() < OPEN_SHARE)
        paths = [path]
        while len(paths) < most and self.dice.random() < _COMES_BACK:
            until = paths[0].spotted - 8 - int(self.dice.random() * 300)
            earlier = invent_path(self.dice, opened, until, is_open=False) if until > opened else None
            if earlier is None:
                break
            paths.insert(0, earlier)
        return paths

    def spotter_on(self, day: int) -> Seat:
        """Who spots somebody on a day: mostly a spotter, else a coordinator or a référent."""
        draw = self.dice.random()
        posts = (
            self.team.spotters
            if draw < 0.6
            else self.team.coordinators
            if draw < 0.85
            else self.team.referents
        )
        return self.holder(posts, day)

    def post(self, posts: list[Post], day: int) -> Post:
        """One of the posts that exist on a day."""
        return posts[int(self.dice.random() * existing(posts, day))]

    def holder(self, posts: list[Post], day: int) -> Seat:
        """Who holds one of the posts that exist on a day."""
        return self.post(posts, day).at(day)

    # A parcours

    def tell_parcours(
        self, portrait: Portrait, path: Path, by: Seat, created_at: str, exchanges: int, following: int | None
    ) -> None:
        """A parcours with all that points to it."""
        text, parcours_id = self.calendar.text, self.new_id()
        keys = (self.team.cite_id, portrait.id, parcours_id)
        end = path.ended if path.ended is not None else path.last
        case = Case(parcours_id, keys, path, path.spotted, self.post(self.team.coordinators, path.spotted))
        case.next_opens = following
        self.give_referents(case, end)
        trade = trade_of(self.dice)
        said = self.exchanges.invent(path, exchanges, end, trade)
        self.live(case, end)
        contacts = [each.day for each in said if is_contact(each.mode, each.reached)]
        started = path.started
        answer = {QpvAnswer.INSIDE: True, QpvAnswer.OUTSIDE: False}.get(portrait.qpv_answer)
        days = [*path.days, None, None, None, None][:4]
        self.write(
            "parcours", parcours_id, self.team.cite_id, portrait.id, path.status, text[path.spotted],
            *(None if day is None else text[day] for day in days),
            None if path.ended is None else text[path.ended], path.reason,
            None if started is None else portrait.gender,
            None if started is None else age_on(portrait.birth_date, self.calendar.days[started]),
            None if started is None else answer,
            None if started is None else portrait.qpv_id,
            text[max(contacts)] if contacts else None, created_at,
        )  # fmt: skip
        rand = self.dice.random
        self.write(
            "spotting", self.new_id(), *keys, text[path.spotted],
            self.dice.choices(_CHANNELS, _CHANNEL_WEIGHTS)[0],
            words.PLACES[int(rand() * len(words.PLACES))] if rand() < 0.6 else None,
            words.FIRST_NEEDS[int(rand() * len(words.FIRST_NEEDS))] if rand() < 0.75 else None,
            True, path.met is not None or rand() < 0.6, by.user_id, by.organisation_id, created_at,
        )  # fmt: skip
        self.write_moves(case)
        self.write_assignments(case)
        self.write_exchanges(case, said, end)
        self.write_casework(case, portrait, end, trade)
        if case.carers:
            self.ledger.write_silences(case, contacts, [each.day for each in said], end)
            self.ledger.write_situations(case)

    def give_referents(self, case: Case, end: int) -> None:
        """Who follows the parcours: whoever holds a post, then whoever holds it next."""
        path, rand = case.path, self.dice.random
        if rand() < _UNATTENDED.get(path.status, 0):
            return
        latest = min(path.contacted if path.contacted is not None else end, path.spotted + 6)
        case.assigned = path.spotted + int(rand() * (latest - path.spotted + 1))
        post = self.post(self.team.referents, case.assigned)
        started = path.started
        if started is not None and end - started > 45 and rand() < 0.06:
            other = self.post(self.team.referents, started)
            handed_on = started + 20 + int(rand() * (end - started - 40))
            if other is not post:
                case.carers = [*post.between(case.assigned, handed_on - 1), *other.between(handed_on, end)]
                return
        case.carers = post.between(case.assigned, end)

    def live(self, case: Case, end: int) -> None:
        """What happens after the entry; nobody who went silent is suspended or hired."""
        path = case.path
        if path.started is None or path.quiet_from is not None:
            return
        days = self.calendar.days
        case.life = self.casework.lifetimes.draw(days[path.started], days[end], path.reason)
        if path.ended is None:
            path.status = case.life.status

    def write_casework(self, case: Case, portrait: Portrait, end: int, trade: str) -> None:
        """Diagnosis, plan, agreements, situations, exit."""
        path, days = case.path, self.calendar.days
        if len(path.days) < 3:
            return
        started = path.started
        answer = {QpvAnswer.INSIDE: True, QpvAnswer.OUTSIDE: False}.get(portrait.qpv_answer)
        entry: Row = {"gender": portrait.gender, "age": None, "in_qpv": answer, "qpv_id": portrait.qpv_id}
        if started is not None:
            entry["age"] = age_on(portrait.birth_date, days[started])

        def who(day: date) -> str:
            return case.carer_on(self.calendar.index(day)).user_id

        cite_id, person_id, parcours_id = case.keys
        self.casework.tell(
            Stay(
                keys={"cite_id": cite_id, "person_id": person_id, "parcours_id": parcours_id},
                diagnosed_on=days[path.days[2]],
                started_on=None if started is None else days[started],
                ended_on=None if path.ended is None else days[path.ended],
                last=days[end],
                reason=path.reason,
                entry=entry,
                trade=trade,
                who=who,
                partners=self.team.partners,
                life=case.life or Lifetime(),
            )
        )

    def moves_of(self, case: Case) -> list[tuple[Event, Status, int, str | None]]:
        """Every move in order, with its reason."""
        path = case.path
        moves: list[tuple[Event, Status, int, str | None]] = [(*move, None) for move in path.moves]
        since = [
            (event, status, self.calendar.index(day), reason)
            for event, status, day, reason in (case.life.moves if case.life else ())
        ]
        if path.ended is None:
            return [*moves, *since]
        return [*moves[:-1], *since, (*path.moves[-1], path.reason)]

    def write_moves(self, case: Case) -> None:
        """The history of the parcours, each move noted by whoever was in charge."""
        present = Status.REPERE
        for event, status, day, reason in self.moves_of(case):
            self.write(
                "parcours_transition", self.new_id(), *case.keys, event, present, status, self.calendar.text[day],
                reason, case.carer_on(day).user_id, self.calendar.moment(day, SETTLING, self.minute()),
            )  # fmt: skip
            present = status

    def write_assignments(self, case: Case) -> None:
        """Every référent, until the next one, until they left, or until the person came back."""
        started_at = self.calendar.moment(case.assigned, ASSIGNING, self.minute())
        reason = "Proposé en cellule de coordination" if self.dice.random() < 0.3 else None
        for number, (since, seat) in enumerate(case.carers):
            by = self.holder(self.team.coordinators, since).user_id
            ended, why = 0, None
            ended_at = ended_by = None
            if number + 1 < len(case.carers):
                ended, why = case.carers[number + 1][0], "Relais entre collègues"
            elif case.next_opens is not None and (seat.until is None or case.next_opens <= seat.until):
                ended, why = case.next_opens, "Nouveau parcours"
            elif seat.until is not None:
                ended, why = seat.until, "Départ du référent"
            if why:
                ended_at = self.calendar.moment(ended, ASSIGNING, self.minute())
                ended_by = self.holder(self.team.coordinators, ended).user_id
            self.write(
                "assignment", self.new_id(), *case.keys, AssignmentKind.REFERENT, seat.user_id, seat.organisation_id,
                started_at, ended_at, reason, why, by, ended_by,
            )  # fmt: skip
            started_at, reason = ended_at or started_at, why
        if not case.carers and case.path.status is Status.REPERE and self.dice.random() < 0.1:
            house = self.team.houses[int(self.dice.random() * len(self.team.houses))]
            self.write(
                "assignment", self.new_id(), *case.keys, AssignmentKind.REFERENT, None, house, started_at, None, None,
                None, case.coordination.at(case.assigned).user_id, None,
            )  # fmt: skip
        elif case.path.status is Status.ACTIF and len(self.team.referents) > 1 and self.dice.random() < 0.04:
            self.second(case)

    def second(self, case: Case) -> None:
        """A colleague who seconds the référent of an open parcours."""
        other = self.holder(self.team.referents, case.path.last)
        if other.user_id not in {seat.user_id for _, seat in case.carers}:
            since = max(other.since, case.path.last - 5)
            self.write(
                "assignment", self.new_id(), *case.keys, AssignmentKind.CO_REFERENT, other.user_id,
                other.organisation_id, self.calendar.moment(since, SETTLING, self.minute()), None, None, None,
                case.carer_on(since).user_id, None,
            )  # fmt: skip

    # What was said, and what comes next

    def write_exchanges(self, case: Case, said: list[Exchange], end: int) -> None:
        """Every exchange by whoever was in charge, and the steps agreed in some of them."""
        is_open = case.path.ended is None
        latest = max((each for each in said if each.reached), key=lambda each: each.day, default=None)
        for each in said:
            interview_id, author = self.new_id(), case.carer_on(each.day)
            created_at = self.calendar.moment(each.day, each.hour, self.minute())
            self.write(
                "interview", interview_id, *case.keys, author.user_id, self.calendar.text[each.day], each.mode,
                each.duration, each.reached, each.synthesis, created_at,
            )  # fmt: skip
            agreed = self.exchanges.step_after(
                each, end, to_do=is_open and each is latest and bool(case.carers)
            )
            if agreed is None:
                continue
            step_id, settled = self.new_id(), agreed.settled
            put_off = agreed.first_due
            self.write(
                "next_step", step_id, *case.keys, interview_id, agreed.title, self.calendar.text[agreed.due],
                agreed.state, agreed.result, author.user_id, created_at,
                None if settled is None else case.carer_on(settled).user_id,
                None if settled is None else self.calendar.moment(settled, SETTLING, self.minute()),
                None if put_off is None else self.calendar.text[put_off],
                None if put_off is None else self.calendar.text[put_off],
                None, 0 if put_off is None else 1, *self.hour_and_place(),
            )  # fmt: skip
            if case.carers and agreed.state is not StepState.CANCELLED:
                self.ledger.write_step(case, step_id, each.day, agreed, end if not is_open else None)

    def hour_and_place(self) -> tuple[str | None, str | None]:
        """When and where, for one thing to do out of five."""
        drawn = self.dice.random()
        if drawn > 0.2:
            return None, None
        hour = f"{9 + int(drawn * 40):02d}:{(0, 15, 30, 45)[int(drawn * 400) % 4]:02d}"
        return hour, APPOINTMENTS[int(drawn * 1000) % len(APPOINTMENTS)][1]
