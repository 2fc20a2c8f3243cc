"""Every reminder that is due and no other: the ledger against an oracle that shares no line with it.

Weeks of a made-up life are played day by day, with beats that miss days; after each scan the ledger must hold
exactly what the oracle, written in other words over the bare facts, has ever called due.
"""

import random
import uuid
from collections import Counter
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from cityjobs.core.clock import PARIS
from cityjobs.core.permissions import Role
from cityjobs.followups.models import Interview, NextStep
from cityjobs.followups.rules import InterviewMode
from cityjobs.parcours.models import Assignment, Parcours
from cityjobs.people.models import Person
from tests.conftest import Databases
from tests.reminders.conftest import Desk
from tests.world import Member, World

FIRST = date(2026, 4, 20)
HOLIDAYS = [
    date(2026, 4, 6),
    date(2026, 5, 1),
    date(2026, 5, 8),
    date(2026, 5, 14),
    date(2026, 5, 25),
    date(2026, 7, 14),
]

STEPS = """
with here as (
  select distinct m.user_id, m.cite_id from membership m join user_account u on u.id = m.user_id
  where u.disabled_at is null and m.role in ('referent', 'coordinator')
    and :day >= m.started_on and (m.ended_on > :day or m.ended_on is null)),
followed as (
  select p.id as parcours_id, p.cite_id,
    (select a.referent_id from assignment a where a.parcours_id = p.id and a.kind = 'referent' and a.ended_at is null) as referent_id
  from parcours p where p.ended_on is null)
select case when n.due_on < :day then 'step_overdue' else 'step_tomorrow' end, n.id, n.due_on, f.referent_id
from next_step n join followed f using (parcours_id) join here h on h.user_id = f.referent_id and h.cite_id = f.cite_id
where n.state = 'todo' and :day >= (
  select case when n.due_on < :day then n.due_on else max(d)::date end
  from generate_series(n.due_on - 12, n.due_on - 1, interval '1 day') d
  where extract(isodow from d) < 6 and d::date <> all (:holidays))
"""

SILENCES = """
select p.id, heard.day + c.silence_days, a.referent_id, c.escalation_days, p.cite_id
from cite c, parcours p, assignment a, lateral (
  select coalesce(
    (select max(i.held_on) from interview i where i.parcours_id = p.id and i.reached
      and i.mode in ('presentiel_rdv', 'presentiel_spontane', 'telephone', 'visio', 'domicile', 'exterieur', 'collectif',
                     'tripartite', 'sms_mail')),
    (a.started_at at time zone 'Europe/Paris')::date) as day) heard
where c.id = p.cite_id and p.status not in ('sorti', 'non_entree') and a.parcours_id = p.id
  and a.kind = 'referent' and a.ended_at is null and a.referent_id is not null
  and :day - heard.day >= c.silence_days
"""


def at(day: date, hour: int = 8) -> datetime:
    return datetime.combine(day, time(hour), PARIS)


class Life:
    """Made-up persons whom things happen to."""

    def __init__(self, world: World, chance: random.Random, size: int) -> None:
        self.world, self.chance = world, chance
        self.cites = [
            world.cite(name, silence_days=chance.choice([5, 9, 14]), escalation_days=chance.choice([0, 3, 6]))
            for name in ("Roubaix", "Calais")
        ]
        self.referents = {
            cite.id: [world.member(Role.REFERENT, cite) for _ in range(3)] for cite in self.cites
        }
        self.coordinators = {
            cite.id: [world.member(Role.COORDINATOR, cite) for _ in range(2)] for cite in self.cites
        }
        self.open: list[uuid.UUID] = []
        rows: list[Any] = []
        for number in range(size):
            cite = chance.choice(self.cites)
            person = Person(
                id=uuid.uuid4(),
                cite_id=cite.id,
                first_name="P",
                last_name=str(number),
                phone="+33612345678",
                gender="femme",
            )
            parcours = Parcours(
                id=uuid.uuid4(), cite_id=cite.id, person_id=person.id, status="actif",
                spotted_on=FIRST - timedelta(days=40), started_on=FIRST - timedelta(days=30),
            )  # fmt: skip
            rows += [person, parcours]
        with Session(world.session.get_bind()) as session:
            session.add_all([row for row in rows if isinstance(row, Person)])
            session.flush()
            session.add_all([row for row in rows if isinstance(row, Parcours)])
            session.commit()
            self.parcours = [
                (row.id, row.cite_id, row.person_id) for row in session.scalars(sa.select(Parcours))
            ]
        for case in self.parcours:
            self.assign(case, FIRST - timedelta(days=chance.randint(0, 30)))

    def do(self, *rows: Any, sql: str = "", **facts: Any) -> None:
        with Session(self.world.session.get_bind()) as session:
            session.add_all(rows)
            if sql:
                session.execute(sa.text(sql), facts)
            session.commit()

    def assign(self, case: Any, day: date) -> None:
        """Somebody becomes the référent, or nobody, or somebody not known yet."""
        parcours_id, cite_id, person_id = case
        self.do(
            sql="update assignment set ended_at = :now where parcours_id = :p and ended_at is null",
            now=at(day, 9),
            p=parcours_id,
        )
        kind = self.chance.random()
        if kind < 0.1:
            return
        referent: Member | None = None if kind < 0.2 else self.chance.choice(self.referents[cite_id])
        self.do(
            Assignment(
                id=uuid.uuid4(), cite_id=cite_id, person_id=person_id, parcours_id=parcours_id, started_at=at(day, 9),
                referent_id=referent.id if referent else None,
                organisation_id=self.world.session.get_one(type(self.cites[0]), cite_id).chef_de_file_id,
            )
        )  # fmt: skip

    def happen(self, day: date) -> None:
        """Something happens to somebody on a day, after the letters have left."""
        case = self.chance.choice(self.parcours)
        parcours_id, cite_id, person_id = case
        keys = {"cite_id": cite_id, "person_id": person_id, "parcours_id": parcours_id}
        author = self.referents[cite_id][0].id
        what = self.chance.choice(
            ["step", "step", "step", "talk", "talk", "settle", "put off", "close", "assign", "leave"]
        )
        if what == "step":
            due = day + timedelta(days=self.chance.randint(-2, 12))
            self.do(
                NextStep(
                    id=uuid.uuid4(),
                    **keys,
                    title="Étape",
                    due_on=due,
                    created_by_id=author,
                    created_at=at(day, 12),
                )
            )
        elif what == "talk":
            held = day - timedelta(days=self.chance.randint(0, 3))
            mode, reached = self.chance.choice(list(InterviewMode)), self.chance.random() < 0.7
            self.do(
                Interview(
                    id=uuid.uuid4(), **keys, author_id=author, held_on=held, mode=mode, reached=reached, synthesis="…",
                    created_at=at(day, 12),
                )
            )  # fmt: skip
        elif what == "settle":
            self.do(
                sql="update next_step set state = 'done', settled_at = :now where id in"
                " (select id from next_step where state = 'todo' order by md5(id::text || :salt) limit 2)",
                now=at(day, 12), salt=str(day),
            )  # fmt: skip
        elif what == "put off":
            self.do(
                sql="update next_step set due_on = due_on + 4 where id in"
                " (select id from next_step where state = 'todo' order by md5(id::text || :salt) limit 2)",
                salt=str(day),
            )
        elif what == "close":
            self.do(
                sql="update parcours set status = 'sorti', ended_on = :day, end_reason = 'cdi' where id = :p and status = 'actif'",
                day=day, p=parcours_id,
            )  # fmt: skip
        elif what == "assign":
            self.assign(case, day)
        else:
            self.do(
                sql="update membership set ended_on = :day where user_id = :u",
                day=day + timedelta(days=1),
                u=self.referents[cite_id][2].id,
            )


class Oracle:
    """What has ever been due, by rule, subject, day and recipient."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.lines: set[tuple[str, Any, date, uuid.UUID]] = set()
        self.told: dict[tuple[uuid.UUID, date, uuid.UUID], date] = {}

    def scan(self, day: date) -> None:
        with Session(self.engine) as session:
            for rule, subject, due_on, recipient in session.execute(
                sa.text(STEPS), {"day": day, "holidays": HOLIDAYS}
            ):
                self.lines.add((rule, subject, due_on, recipient))
            here = self._here(session, day, ("referent", "coordinator"))
            coordinators = self._here(session, day, ("coordinator",))
            for parcours, due_on, referent, patience, cite in session.execute(
                sa.text(SILENCES), {"day": day}
            ).all():
                silence = (parcours, due_on, referent)
                told_on = self.told.get(silence)
                if (
                    told_on
                    and told_on + timedelta(days=patience) <= day
                    and not self._noted(session, parcours, told_on)
                ):
                    self.lines |= {
                        ("silence_escalated", silence, due_on, who)
                        for who, where in coordinators
                        if where == cite
                    }
                if (referent, cite) in here:
                    self.lines.add(("silence", parcours, due_on, referent))

    def leave(self, day: date) -> None:
        """The letters of a day left: every silence written so far has been told, once."""
        for rule, subject, due_on, recipient in self.lines:
            if rule == "silence":
                self.told.setdefault((subject, due_on, recipient), day)

    @staticmethod
    def _here(session: Session, day: date, roles: tuple[str, ...]) -> set[tuple[uuid.UUID, uuid.UUID]]:
        rows = session.execute(sa.text("select user_id, cite_id, role, started_on, ended_on from membership"))
        return {
            (r.user_id, r.cite_id)
            for r in rows
            if r.role in roles and r.started_on <= day and (r.ended_on is None or r.ended_on > day)
        }

    @staticmethod
    def _noted(session: Session, parcours: uuid.UUID, since: date) -> bool:
        rows = session.execute(
            sa.text("select created_at from interview where parcours_id = :p"), {"p": parcours}
        )
        return any(row.created_at > at(since) for row in rows)


def ledger(desk: Desk) -> Counter[tuple[str, Any, date, uuid.UUID]]:
    """The lines as the oracle names them: an escalation by the silence that it follows."""
    lines = desk.ledger()
    silences = {line.id: (line.subject_id, line.due_on, line.recipient_id) for line in lines}
    return Counter(
        (
            str(line.rule),
            silences[line.subject_id] if line.rule == "silence_escalated" else line.subject_id,
            line.due_on,
            line.recipient_id,
        )
        for line in lines
    )


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**9))
def test_recall_and_precision_are_whole(desk: Desk, app: Flask, databases: Databases, seed: int) -> None:
    databases.empty()
    chance = random.Random(seed)  # noqa: S311
    world = World(databases.worker_engine)
    life = Life(world, chance, size=30)
    oracle = Oracle(databases.worker_engine)
    day = FIRST
    while day < FIRST + timedelta(days=45):
        desk.scan(at(day))
        oracle.scan(day)
        expected, found = oracle.lines, ledger(desk)
        assert expected - set(found) == set(), f"missing on {day}"
        assert set(found) - expected == set(), f"too much on {day}"
        assert max(found.values(), default=1) == 1
        life.do(
            sql="update reminder set state = 'sent', settled_at = :now where state = 'waiting'", now=at(day)
        )
        oracle.leave(day)
        for _ in range(chance.randint(4, 9)):
            life.happen(day)
        day += timedelta(days=chance.choice([1, 1, 1, 2, 4]))
    world.session.close()
    rules = {rule for rule, *_ in oracle.lines}
    assert rules >= {"step_overdue", "silence", "silence_escalated"}, "nothing happened in this life"


@pytest.mark.parametrize("fault", ["horizon", "closed", "recipient"])
def test_the_oracle_sees_faults(
    desk: Desk, databases: Databases, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Three known faults, each of which must turn the comparison red."""
    from cityjobs.reminders import queries

    if fault == "horizon":
        monkeypatch.setattr(queries, "working_day_after", lambda day: day + timedelta(days=1))
    elif fault == "closed":
        monkeypatch.setattr("cityjobs.followups.queries._IS_OPEN", sa.true())
    else:
        monkeypatch.setattr(queries, "_works_in", lambda user_id, *_rest: user_id.is_not(None))
    with pytest.raises(AssertionError, match=r"missing on|too much on"):
        for seed in range(4):
            test_recall_and_precision_are_whole.hypothesis.inner_test(desk, None, databases, seed)
