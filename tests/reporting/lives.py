"""Random lives of a Cité, written to the database and kept in plain memory, where figures are counted a second time."""

import random
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Any

import sqlalchemy as sa

from cityjobs.core.clock import PARIS, today
from cityjobs.followups.models import Interview
from cityjobs.followups.rules import InterviewMode
from cityjobs.parcours.models import Assignment, Exit, Parcours, Spotting, Suspension
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.parcours.rules.reasons import ExitReason, SpottingChannel
from cityjobs.people.models import Person
from cityjobs.people.rules import Gender
from cityjobs.reporting.rules.periods import Period
from cityjobs.territory.models import Cite, Qpv
from tests.world import Member, World

FACE_TO_FACE = {
    "presentiel_rdv",
    "presentiel_spontane",
    "visio",
    "domicile",
    "exterieur",
    "collectif",
    "tripartite",
}
JOBS_AND_TRAINING = {
    "cdi", "cdd_6m_plus", "interim_6m_plus", "fonction_publique", "creation_entreprise", "cdd_moins_6m", "interim_moins_6m",
    "contrat_aide_hors_iae", "formation_qualifiante", "formation_prequalifiante", "embauche_siae", "alternance",
    "service_civique", "entree_droit_commun",
}  # fmt: skip
NOBODYS_FAULT = {"demenagement", "independante"}
DAY = timedelta(days=1)


@dataclass
class Followed:
    """Who followed a parcours, from an instant to another."""

    referent: uuid.UUID | None
    since: datetime
    until: datetime | None = None


@dataclass
class Life:
    """One parcours as it was lived."""

    person: uuid.UUID
    parcours: uuid.UUID
    spotted: date
    met: date | None = None
    diagnosed: date | None = None
    started: date | None = None
    ended: date | None = None
    reason: str | None = None
    gender: str | None = None
    age: int | None = None
    in_qpv: bool | None = None
    qpv: uuid.UUID | None = None
    followed: list[Followed] = field(default_factory=list)
    exchanges: list[tuple[date, str, bool]] = field(default_factory=list)
    pauses: list[tuple[date, date | None]] = field(default_factory=list)
    category: str | None = None


def noon(day: date) -> datetime:
    """An instant of a day."""
    return datetime.combine(day, time(12), PARIS)


def live(world: World, cite: Cite, referents: list[Member], seed: int, persons: int = 40) -> list[Life]:
    """Write random persons, parcours, référents and exchanges over the last 400 days."""
    chance = random.Random(seed)  # noqa: S311 - the same lives for the same seed
    quarters = [
        Qpv(
            id=uuid.uuid4(),
            code=f"QN{seed:03}{n:03}{world.next()}",
            name=f"Quartier {n}",
            generation=2024,
            valid_from=date(2024, 1, 1),
        )
        for n in range(2)
    ]
    world.keep(*quarters)
    lives, people, parcours, rest = [], [], [], []
    for _ in range(persons):
        number = world.next()
        person = Person(
            id=uuid.uuid4(), cite_id=cite.id, first_name=f"Prenom{number}", last_name=f"Nomdefamille{number}",
            phone=f"+336{number:08d}", qpv_answer="outside",
        )  # fmt: skip
        people.append(person)
        day = today() - DAY * chance.randint(20, 400)
        for turn in range(chance.choice([1, 1, 1, 2])):
            one = _one(chance, person.id, day, quarters, must_end=turn == 0)
            lives.append(one)
            _follow(chance, one, referents)
            _talk(chance, one)
            if one.ended is None or one.ended + DAY * 5 > today():
                break
            day = one.ended + DAY * chance.randint(1, 5)
    rules = world.session.execute(
        sa.text(
            "select s.id, r.* from exit_rule r join exit_ruleset s on s.id = r.ruleset_id where s.code = 'plie'"
        )
    ).all()
    for one in lives:
        _pause(chance, one)
        parcours.append(_row(cite, one))
        of = {"cite_id": cite.id, "person_id": one.person, "parcours_id": one.parcours}
        rest.extend(
            Suspension(
                id=uuid.uuid4(), reason="autre", started_on=since, expected_end_on=since + DAY * 90, ended_on=until,
                created_at=noon(since), **of,
            )
            for since, until in one.pauses
        )  # fmt: skip
        rule = next((row for row in rules if row.exit_type == one.reason), None)
        if one.started and one.ended and rule and chance.random() < 0.6:
            months = chance.choice([None, 3, 9])
            is_long = rule.minimum_months is None or (months or 0) >= rule.minimum_months
            one.category = rule.category if is_long else rule.otherwise
            rest.append(
                Exit(
                    exit_type=one.reason, category=one.category, ruleset_id=rule.ruleset_id, months=months, evidence="contrat",
                    evidence_seen_on=one.ended, recorded_at=noon(one.ended), **of,
                )
            )  # fmt: skip
        rest.append(
            Spotting(
                cite_id=cite.id,
                person_id=one.person,
                parcours_id=one.parcours,
                spotted_on=one.spotted,
                channel=SpottingChannel.CCAS,
            )
        )
        rest.extend(
            Assignment(
                id=uuid.uuid4(), cite_id=cite.id, person_id=one.person, parcours_id=one.parcours, referent_id=each.referent,
                organisation_id=cite.chef_de_file_id, started_at=each.since, ended_at=each.until,
            )
            for each in one.followed
        )  # fmt: skip
        rest.extend(
            Interview(
                id=uuid.uuid4(), cite_id=cite.id, person_id=one.person, parcours_id=one.parcours, author_id=referents[0].id,
                held_on=held, mode=InterviewMode(mode), reached=reached, synthesis="Point.",
            )
            for held, mode, reached in one.exchanges
        )  # fmt: skip
    world.keep(*people)
    with world.together():
        world.keep(*parcours)
        world.keep(*rest)
    return lives


def _one(chance: random.Random, person: uuid.UUID, day: date, quarters: list[Qpv], *, must_end: bool) -> Life:
    one = Life(person, uuid.uuid4(), day)
    reached = chance.randint(0, 4)

    def later() -> date | None:
        nonlocal day
        day = day + DAY * chance.choice([0, 1, 2, 9, 30])
        return day if day <= today() else None

    if reached >= 1:
        one.met = later()
    if one.met and reached >= 2:
        one.diagnosed = later()
    if one.diagnosed and reached >= 3:
        one.started = later()
    if one.started:
        one.gender = chance.choice(["femme", "femme", "homme", "autre", "non_renseigne", None])
        one.age = chance.choice([18, 25, 26, 40, None])
        quarter = chance.choice([*quarters, None])
        one.in_qpv, one.qpv = (True, quarter.id) if quarter else (chance.choice([False, None]), None)
    if chance.random() < (0.5 if one.started else 0.2) or (must_end and chance.random() < 0.3):
        ended = later()
        if ended:
            one.ended = ended
            one.reason = chance.choice(list(ExitReason)).value if one.started else "autre"
    return one


def _follow(chance: random.Random, one: Life, referents: list[Member]) -> None:
    if chance.random() < 0.2:
        return
    first = noon(one.spotted + DAY * chance.randint(0, 10))
    if first.date() > today():
        return
    who = chance.choice([*[member.id for member in referents], None])
    follow = Followed(who, first)
    one.followed.append(follow)
    until = first + DAY * chance.randint(1, 60)
    if chance.random() < 0.4 and until.date() <= today():
        follow.until = until
        if chance.random() < 0.7:
            one.followed.append(Followed(chance.choice(referents).id, until))


def _pause(chance: random.Random, one: Life) -> None:
    if one.started is None or chance.random() < 0.6:
        return
    last = one.ended or today()
    since = one.started + DAY * chance.randint(0, max(0, (last - one.started).days))
    until = since + DAY * chance.randint(0, 80)
    one.pauses.append((since, one.ended if until > last else until))


def _talk(chance: random.Random, one: Life) -> None:
    last = one.ended or today()
    for _ in range(chance.randint(0, 6)):
        held = one.spotted + DAY * chance.randint(0, max(0, (last - one.spotted).days))
        one.exchanges.append((held, chance.choice(list(InterviewMode)).value, chance.random() < 0.8))


def _row(cite: Cite, one: Life) -> Parcours:
    status = (
        Status.SORTI if one.ended and one.started else Status.NON_ENTREE if one.ended
        else Status.SUSPENDU if any(until is None for _, until in one.pauses) else Status.ACTIF if one.started else Status.DIAGNOSTIC if one.diagnosed
        else Status.RENCONTRE if one.met else Status.REPERE
    )  # fmt: skip
    return Parcours(
        id=one.parcours, cite_id=cite.id, person_id=one.person, status=status, spotted_on=one.spotted,
        met_on=one.met, diagnosed_on=one.diagnosed, started_on=one.started, ended_on=one.ended, end_reason=one.reason,
        entry_gender=Gender(one.gender) if one.gender else None, entry_age=one.age, entry_in_qpv=one.in_qpv,
        entry_qpv_id=one.qpv,
    )  # fmt: skip


class Recount:
    """Figures of a period counted person by person, without any SQL, from the definitions as a reader reads them."""

    def __init__(self, lives: list[Life], period: Period, silence_days: int = 30) -> None:
        self.lives, self.period, self.silence = lives, period, silence_days

    def within(self, day: date | None) -> bool:
        return day is not None and self.period.start <= day <= self.period.end

    def follower(self, one: Life) -> Followed | None:
        evening = datetime.combine(self.period.end + DAY, time(), PARIS)
        return next(
            (f for f in one.followed if f.since < evening and (f.until is None or f.until >= evening)), None
        )

    def was_open(self, one: Life) -> bool:
        return one.spotted <= self.period.end and (one.ended is None or one.ended > self.period.end)

    def accompanied(self, one: Life) -> bool:
        return (
            one.started is not None and one.started <= self.period.end
            and (one.ended is None or one.ended >= self.period.start)
        )  # fmt: skip

    def met(self, one: Life) -> bool:
        seen = any(r and m in FACE_TO_FACE and self.within(d) for d, m, r in one.exchanges)
        return one.spotted <= self.period.end and (self.within(one.met) or seen)

    def left(self, one: Life) -> bool:
        return one.started is not None and self.within(one.ended)

    def was_active(self, one: Life) -> bool:
        entered = one.started is not None and one.started <= self.period.end
        paused = any(
            since <= self.period.end and (until is None or until > self.period.end)
            for since, until in one.pauses
        )
        return entered and not paused and self.was_open(one) and self.follower(one) is not None

    def silent(self, one: Life) -> bool:
        follower = self.follower(one)
        if not self.was_active(one) or follower is None:
            return False
        heard = [
            d for d, m, r in one.exchanges if r and m not in ("tiers", "courrier") and d <= self.period.end
        ]
        last = max(heard) if heard else follower.since.astimezone(PARIS).date()
        return (self.period.end - last).days >= self.silence

    def rows(self) -> dict[str, list[Life]]:
        """The parcours behind each figure."""
        tests = {
            "ind_reperees": lambda o: self.within(o.spotted),
            "ind_rencontrees": self.met,
            "ind_premieres_rencontres": lambda o: self.within(o.met),
            "ind_accompagnees": self.accompanied,
            "ind_entrees": lambda o: self.within(o.started),
            "ind_sorties": self.left,
            "ind_sorties_dynamiques": lambda o: (
                self.left(o)
                and (
                    o.category in ("durable", "transition", "positive")
                    if o.category
                    else o.reason in JOBS_AND_TRAINING
                )
            ),
            "ind_file_active": self.was_active,
            "ind_attente": lambda o: self.was_open(o) and self.follower(o) is None,
            "ind_silencieux": self.silent,
            "ind_qpv": lambda o: self.accompanied(o) and o.in_qpv is True,
            "ind_femmes": lambda o: self.accompanied(o) and o.gender == "femme",
            "ind_jeunes": lambda o: self.accompanied(o) and o.age is not None and o.age < 26,
            "ind_delai_1er_rdv": lambda o: self.within(o.met),
            "ind_delai_diag": lambda o: self.within(o.diagnosed) and o.met is not None,
            "ind_duree_parcours": self.left,
        }
        return {code: [one for one in self.lives if test(one)] for code, test in tests.items()}

    def known(self) -> dict[str, list[Life]]:
        """The parcours of which the answer is known, behind each share."""
        return {
            "ind_sorties_dynamiques": [
                o
                for o in self.lives
                if self.left(o) and (o.category != "neutre" if o.category else o.reason not in NOBODYS_FAULT)
            ],
            "ind_qpv": [o for o in self.lives if self.accompanied(o) and o.in_qpv is not None],
            "ind_femmes": [
                o for o in self.lives if self.accompanied(o) and o.gender not in (None, "non_renseigne")
            ],
            "ind_jeunes": [o for o in self.lives if self.accompanied(o) and o.age is not None],
        }

    def medians(self) -> dict[str, float | None]:
        """The median of each delay, in days."""
        days: dict[str, list[int]] = {
            "ind_delai_1er_rdv": [(o.met - o.spotted).days for o in self.rows()["ind_delai_1er_rdv"]],  # type: ignore[operator]
            "ind_delai_diag": [(o.diagnosed - o.met).days for o in self.rows()["ind_delai_diag"]],  # type: ignore[operator]
            "ind_duree_parcours": [(o.ended - o.started).days for o in self.rows()["ind_duree_parcours"]],  # type: ignore[operator]
        }
        return {code: median(each) if each else None for code, each in days.items()}

    def exchanges(self) -> int:
        """How many exchanges took place."""
        return sum(reached and self.within(day) for one in self.lives for day, _, reached in one.exchanges)

    def loads(self) -> dict[uuid.UUID | None, int]:
        """How many files each référent followed on the last evening."""
        counted: dict[Any, int] = {}
        for one in self.rows()["ind_file_active"]:
            follower = self.follower(one)
            assert follower is not None
            counted[follower.referent] = counted.get(follower.referent, 0) + 1
        return counted

    def quarters(self) -> dict[uuid.UUID | None, int]:
        """From which QPV the persons accompanied last entered."""
        last: dict[uuid.UUID, Life] = {}
        for one in self.rows()["ind_accompagnees"]:
            present = last.get(one.person)
            if present is None or (one.started, present.parcours) > (present.started, one.parcours):  # type: ignore[operator]
                last[one.person] = one
        counted: dict[uuid.UUID | None, int] = {}
        for one in last.values():
            counted[one.qpv] = counted.get(one.qpv, 0) + 1
        return counted
