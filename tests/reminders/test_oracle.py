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
from hypothesis import HealthCheck, Phase, example, given, settings
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

THERE = """(select user_id, cite_id from membership where role in ('referent', 'coordinator') and :day >= started_on
    and coalesce(ended_on, 'infinity') > :day)"""
AWAY = "select absent_id, cite_id from absence where ended_early_at is null and :day between starts_on and ends_on"

REPLACING = f"""(select b.absent_id, b.deputy_id, b.cite_id from absence b
    where b.ended_early_at is null and :day between b.starts_on and b.ends_on
    and (b.absent_id, b.cite_id) in {THERE} and (b.deputy_id, b.cite_id) in {THERE}
    and (b.deputy_id, b.cite_id) not in ({AWAY})
    and b.deputy_id not in (select id from user_account where disabled_at is not null))"""

ANSWERS = f"""coalesce((select r.deputy_id from {REPLACING} r
    where r.absent_id = a.referent_id and r.cite_id = p.cite_id), a.referent_id)"""

FOLLOWED = f"""
with here as (
  select distinct m.user_id, m.cite_id from membership m join user_account u on u.id = m.user_id
  where u.disabled_at is null and m.role in ('referent', 'coordinator')
    and :day >= m.started_on and (m.ended_on > :day or m.ended_on is null)),
followed as (
  select p.*, p.ended_on is null as is_open, h.user_id as told
  from parcours p join assignment a on a.parcours_id = p.id and a.kind = 'referent' and a.ended_at is null
  join here h on h.cite_id = p.cite_id and h.user_id = {ANSWERS})
"""

STEPS = f"""{FOLLOWED},
replacing as {REPLACING},
kept as (
  select n.id, s.referent_id as by_id, s.referent_id = n.entrusted_to_id as in_person from next_step n
  join here x on x.user_id = n.entrusted_to_id and x.cite_id = n.cite_id
  join assignment s on s.parcours_id = n.parcours_id and s.ended_at is null
  left join replacing r on r.absent_id = s.referent_id and r.cite_id = n.cite_id
  where n.entrusted_to_id in (s.referent_id, r.deputy_id)),
due as (
  select n.id, n.due_on, n.state, n.parcours_id,
    case when n.id not in (select id from kept) then (select f.told from followed f where f.id = n.parcours_id)
      when exists (select from kept k where k.id = n.id and k.in_person)
        then coalesce((select r.deputy_id from replacing r where r.absent_id = n.entrusted_to_id and r.cite_id = n.cite_id), n.entrusted_to_id)
      else n.entrusted_to_id end as told, n.cite_id
  from next_step n)
select case when n.due_on < :day then 'step_overdue' else 'step_tomorrow' end, n.id, n.due_on, n.told
from due n join here h on h.user_id = n.told and h.cite_id = n.cite_id join parcours p on p.id = n.parcours_id
where p.ended_on is null and n.state = 'todo' and :day >= (
  select case when n.due_on < :day then n.due_on else max(d)::date end
  from generate_series(n.due_on - 12, n.due_on - 1, interval '1 day') d
  where extract(isodow from d) < 6 and d::date <> all (:holidays))
"""

SITUATIONS = f"""{FOLLOWED}
select 'situation', f.id, (f.ended_on + make_interval(months => since))::date, f.told
from followed f cross join (values ('exit', 0), ('m3', 3), ('m6', 6)) asked (moment, since)
where f.status = 'sorti' and f.end_reason <> 'deces' and f.end_reason <> 'erreur_doublon'
  and :day >= (f.ended_on + make_interval(months => since))::date
  and :day < (f.ended_on + make_interval(months => since + 3))::date
  and asked.moment not in (select s.moment from situation_snapshot s where s.parcours_id = f.id)
  and f.id not in (select reopened_from_id from parcours where reopened_from_id is not null)
"""

BY_ITSELF = f"""{FOLLOWED}
select 'job_check', j.id, latest.day, f.told from followed f join job j on j.parcours_id = f.id and j.ended_on is null
  cross join lateral (
    select d.day, d.moment from (values ('j8', j.started_on + 8), ('m1', (j.started_on + interval '1 month')::date),
      ('m3', (j.started_on + interval '3 months')::date), ('m6', (j.started_on + interval '6 months')::date)) d (moment, day)
    where d.day <= :day order by d.day desc limit 1) latest
  where f.is_open and not exists (select from job_check c where c.job_id = j.id and c.moment = latest.moment)
union all
select 'suspension_ending', s.id, s.expected_end_on, f.told from followed f join suspension s on s.parcours_id = f.id
  where f.is_open and s.ended_on is null and s.expected_end_on - 14 <= :day
union all
select 'etape_overdue', e.id, e.planned_to, f.told from followed f join etape e on e.parcours_id = f.id
  where f.is_open and e.planned_to < :day and e.status not in ('realisee', 'abandonnee', 'annulee')
union all
select 'agreement_review', g.id, g.review_on, f.told from followed f join agreement g on g.parcours_id = f.id
  where f.is_open and g.ended_on is null and g.review_on <= :day
"""

SILENCES = f"""
select p.id, heard.day + c.silence_days, {ANSWERS} as told, c.escalation_days, p.cite_id
from cite c, parcours p, assignment a, lateral (
  select coalesce(
    (select max(i.held_on) from interview i where i.parcours_id = p.id and i.reached
      and i.mode in ('presentiel_rdv', 'presentiel_spontane', 'telephone', 'visio', 'domicile', 'exterieur', 'collectif',
                     'tripartite', 'sms_mail')),
    (a.started_at at time zone 'Europe/Paris')::date) as day) heard
where c.id = p.cite_id and p.status not in ('sorti', 'non_entree', 'suspendu') and a.parcours_id = p.id
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
        with Session(world.engine) as session:
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
        with Session(self.world.engine) as session:
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

    def second(self, case: Any, day: date) -> None:
        """Somebody joins the team of a person, or leaves it."""
        parcours_id, cite_id, person_id = case
        who = self.chance.choice(self.referents[cite_id][:2] + self.coordinators[cite_id])
        self.do(
            sql="""with gone as (update assignment set ended_at = :now where parcours_id = :p and referent_id = :who
              and kind = 'co_referent' and ended_at is null returning id)
            insert into assignment (id, cite_id, person_id, parcours_id, kind, referent_id, organisation_id, started_at)
            select gen_random_uuid(), :c, :person, :p, 'co_referent', :who, chef_de_file_id, :now from cite
            where id = :c and not exists (select from gone)""",
            now=at(day, 10), p=parcours_id, who=who.id, c=cite_id, person=person_id,
        )  # fmt: skip

    def happen(self, day: date) -> None:
        """Something happens to somebody on a day, after the letters have left."""
        case = self.chance.choice(self.parcours)
        parcours_id, cite_id, person_id = case
        keys = {"cite_id": cite_id, "person_id": person_id, "parcours_id": parcours_id}
        author = self.referents[cite_id][0].id
        what = self.chance.choice(
            [
                *("step", "step", "step", "talk", "talk", "settle", "put off", "close", "assign", "leave"),
                *("hire", "check", "suspend", "go on", "plan", "plan", "review", "work", "note", "away"),
                *("second", "second", "pass on", "pass on", "pass on"),
            ]
        )
        if what in _BY_ITSELF:
            self.do(
                sql=_BY_ITSELF[what],
                day=day,
                p=parcours_id,
                c=cite_id,
                who=person_id,
                salt=str(day),
                author=author,
            )
            return
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
        elif what == "second":
            self.second(case, day)
        elif what == "pass on":
            self.do(sql=_PASS_ON, day=day, now=at(day, 12), salt=str(day), by=author)
        elif what == "away":
            absent, deputy = self.chance.sample(self.referents[cite_id] + self.coordinators[cite_id], 2)
            self.do(
                sql="insert into absence (id, cite_id, absent_id, deputy_id, starts_on, ends_on, created_at)"
                " select gen_random_uuid(), :c, :a, :d, :day + 1, :day + 6, now() where not exists"
                " (select from absence where absent_id = :a and ends_on > :day) and not exists"
                " (select from membership where user_id in (:a, :d) and ended_on is not null)",
                c=cite_id, a=absent.id, d=deputy.id, day=day,
            )  # fmt: skip
        else:
            self.do(
                sql="update membership set ended_on = :day where user_id = :u",
                day=day + timedelta(days=1),
                u=self.referents[cite_id][2].id,
            )


_BY_ITSELF = {
    "hire": """with moved as (update parcours set status = 'suivi_emploi' where id = :p and status = 'actif' returning id)
        insert into job (id, cite_id, person_id, parcours_id, kind, contract, started_on, created_at)
        select gen_random_uuid(), :c, :who, id, 'contract', 'cdi', :day - 5, now() from moved""",
    "check": """insert into job_check (id, cite_id, person_id, job_id, moment, done_on, in_job, recorded_at)
        select gen_random_uuid(), cite_id, person_id, id, case when started_on + 25 > :day then 'j8' else 'm1' end, :day, true, now()
        from job order by md5(id::text || :salt) limit 1 on conflict do nothing""",
    "suspend": """with moved as (update parcours set status = 'suspendu' where id = :p and status = 'actif' returning id)
        insert into suspension (id, cite_id, person_id, parcours_id, reason, started_on, expected_end_on, created_at)
        select gen_random_uuid(), :c, :who, id, 'raison_personnelle', :day, :day + 20, now() from moved""",
    "go on": """with over as (update suspension set ended_on = :day where parcours_id = :p and ended_on is null returning parcours_id)
        update parcours set status = 'actif' where id in (select parcours_id from over)""",
    "plan": """insert into etape (id, cite_id, person_id, parcours_id, type, label, status, planned_to, created_at)
        values (gen_random_uuid(), :c, :who, :p, 'permis_code', 'Code', 'prevue', :day + 3, now())""",
    "work": """update etape set status = 'annulee', ended_on = :day where id in
        (select id from etape where status = 'prevue' order by md5(id::text || :salt) limit 1)""",
    "review": """with last as (update agreement set ended_on = :day where parcours_id = :p and ended_on is null returning id)
        insert into agreement (id, cite_id, person_id, parcours_id, number, agreed_on, review_on, way, created_by_id, created_at)
        select gen_random_uuid(), :c, :who, :p, (select count(*) from agreement where parcours_id = :p) + 1, :day, :day + 4, 'signed',
          :author, now() where (select count(*) from last) = 0""",
    "note": """insert into situation_snapshot (id, cite_id, person_id, parcours_id, moment, taken_on, is_reached, recorded_at)
        select gen_random_uuid(), cite_id, person_id, id, 'exit', :day, false, now() from parcours
        where status = 'sorti' order by md5(id::text || :salt) limit 1 on conflict do nothing""",
}
"""What happens around what falls due by itself, in SQL."""


_PASS_ON = """
with chosen as (
  select distinct on (n.id) n.id, a.referent_id from next_step n
  join assignment a on a.parcours_id = n.parcours_id and a.ended_at is null and a.referent_id is not null
  where n.state = 'todo' and a.referent_id in (select user_id from membership where ended_on is null)
  order by n.id, md5(a.id::text || :salt))
update next_step n set entrusted_to_id = c.referent_id, entrusted_by_id = :by, entrusted_at = :now,
  entrusted_times = n.entrusted_times + 1
from chosen c where c.id = n.id and n.id in (select id from chosen order by md5(id::text || :salt) limit 3)
"""


class Oracle:
    """What has ever been due, by rule, subject, day and recipient."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.lines: set[tuple[str, Any, date, uuid.UUID]] = set()
        self.told: dict[tuple[uuid.UUID, date, uuid.UUID], date] = {}

    def scan(self, day: date) -> None:
        with Session(self.engine) as session:
            for question in (STEPS, SITUATIONS, BY_ITSELF):
                asked = {"day": day, **({"holidays": HOLIDAYS} if question is STEPS else {})}
                for rule, subject, due_on, recipient in session.execute(sa.text(question), asked):
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


@settings(
    max_examples=1,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate],
)
@example(seed=1021)
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
        for _ in range(chance.randint(6, 14)):
            life.happen(day)
        day += timedelta(days=chance.choice([1, 1, 1, 2, 4]))
    world.session.close()
    rules = {rule for rule, *_ in oracle.lines}
    usual = {"step_overdue", "silence", "etape_overdue"}
    assert rules >= usual, "nothing happened in this life"


@pytest.mark.parametrize("fault", ["horizon", "closed", "recipient", "passed on"])
def test_the_oracle_sees_faults(
    desk: Desk, databases: Databases, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Four known faults, each of which must turn the comparison red."""
    from cityjobs.reminders import queries

    if fault == "horizon":
        monkeypatch.setattr(queries, "working_day_after", lambda day: day + timedelta(days=1))
    elif fault == "closed":
        monkeypatch.setattr("cityjobs.followups.queries.is_open", sa.true())
    elif fault == "passed on":
        monkeypatch.setattr("cityjobs.followups.queries.due_with", lambda _on: Assignment.referent_id)
    else:
        monkeypatch.setattr(queries, "_works_in", lambda user_id, *_rest: user_id.is_not(None))
    with pytest.raises(AssertionError, match=r"missing on|too much on"):
        for seed in range(4):
            test_recall_and_precision_are_whole.hypothesis.inner_test(desk, None, databases, seed)
