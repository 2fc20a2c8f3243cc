"""What falls due by itself: told once to whoever answers for it, as « Ma journée » shows it, and no longer when it is settled."""

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from dateutil.relativedelta import relativedelta
from flask import Flask

from cityjobs.core.clock import now, today
from cityjobs.core.db import SYSTEM, act_as, db
from cityjobs.core.permissions import Role
from cityjobs.parcours.models import Job, JobCheck, Parcours, Snapshot, Suspension
from cityjobs.parcours.queries.due import due_checks, situations_to_ask, suspensions_ending
from cityjobs.parcours.rules.jobs import CheckMoment, JobKind, check_due_on
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.parcours.rules.situations import Moment, asked_between
from cityjobs.plans.queries.due import agreements_to_review, overdue_etapes
from cityjobs.plans.rules import EtapeStatus
from cityjobs.reminders.queries import lines_due
from cityjobs.reminders.rules import ReminderRule
from cityjobs.territory.models import Cite
from tests.conftest import Databases
from tests.plans import makers
from tests.plans.makers import ties
from tests.proofs.conftest import Proof, proof  # noqa: F401 - a fixture
from tests.proofs.crowd import CASEWORK, drawn_crowd
from tests.proofs.plans import is_explained, watched
from tests.reminders.conftest import Desk, morning_of, worked
from tests.world import Case, Member, World

Rule = ReminderRule
FALLING = (Rule.JOB_CHECK, Rule.SITUATION, Rule.SUSPENSION_ENDING, Rule.ETAPE_OVERDUE, Rule.AGREEMENT_REVIEW)
DAY = timedelta(days=1)


@pytest.fixture
def samira(world: World) -> Member:
    return world.member(Role.REFERENT, world.cite())


# Each is due on the day of the first letter, and was not on the day before.


@dataclass(frozen=True)
class Due:
    """Something due, of which rule and which day, and the row that it is about."""

    rule: ReminderRule
    case: Case
    row: Any
    due_on: date


def hired(world: World, referent: Member, since: date) -> tuple[Case, Job]:
    """Somebody at work from a day on, in a parcours that began long before."""
    case = world.case(
        referent.cite, referent=referent, days_ago=400, first_name="Nadia", last_name="Lefebvre"
    )
    job = Job(
        id=uuid.uuid4(), **ties(case), kind=JobKind.CONTRACT, contract="cdi", started_on=since, created_at=now()
    )  # fmt: skip
    case.parcours.status = Status.SUIVI_EMPLOI
    world.keep(case.parcours, job)
    return case, job


def check(world: World, referent: Member) -> Due:
    due_on = worked(0)
    case, job = hired(world, referent, due_on - 8 * DAY)
    return Due(Rule.JOB_CHECK, case, job, due_on)


def left(world: World, referent: Member, on: date) -> Case:
    """Somebody who left the Cité's programme on a day."""
    case = world.case(referent.cite, referent=referent, days_ago=400)
    case.parcours.status, case.parcours.ended_on, case.parcours.end_reason = Status.SORTI, on, "cdi"
    world.keep(case.parcours)
    return case


def situation(world: World, referent: Member) -> Due:
    case = left(world, referent, worked(0))
    return Due(Rule.SITUATION, case, case.parcours, worked(0))


def suspension(world: World, referent: Member, *, ends_on: date | None = None) -> Due:
    ends_on = ends_on or worked(0) + 14 * DAY
    case = world.case(referent.cite, referent=referent, days_ago=400)
    pause = Suspension(
        id=uuid.uuid4(), **ties(case), reason="raison_personnelle", started_on=ends_on - 60 * DAY,
        expected_end_on=ends_on, created_at=now(),
    )  # fmt: skip
    case.parcours.status = Status.SUSPENDU
    world.keep(case.parcours, pause)
    return Due(Rule.SUSPENSION_ENDING, case, pause, ends_on)


def etape(world: World, referent: Member) -> Due:
    case = world.case(referent.cite, referent=referent)
    made = makers.etape(world, case, planned_to=worked(0) - DAY)
    return Due(Rule.ETAPE_OVERDUE, case, made, worked(0) - DAY)


def agreement(world: World, referent: Member) -> Due:
    case = world.case(referent.cite, referent=referent)
    made = makers.agreement(world, case, referent, review_on=worked(0))
    return Due(Rule.AGREEMENT_REVIEW, case, made, worked(0))


MAKERS = [check, situation, suspension, etape, agreement]
Maker = Callable[[World, Member], Due]


def lines(desk: Desk) -> list[tuple[str, uuid.UUID, date, uuid.UUID]]:
    """The ledger, but for silences."""
    return [
        (str(line.rule), line.subject_id, line.due_on, line.recipient_id)
        for line in desk.ledger()
        if line.rule in FALLING
    ]


@pytest.mark.parametrize("make", MAKERS)
def test_each_is_told_from_its_day_on_once_to_the_referent(
    desk: Desk, world: World, samira: Member, make: Maker
) -> None:
    world.member(Role.REFERENT, samira.cite)
    due = make(world, samira)
    desk.scan(morning_of(worked(0) - DAY))
    assert lines(desk) == []
    for day in (0, 0, 1, 2):
        desk.scan(morning_of(worked(day)))
    told = (due.rule.value, due.row.id, due.due_on, samira.id)
    assert lines(desk) == [told]
    assert desk.send(morning_of(worked(0))) == {"sent": 1}
    desk.send(morning_of(worked(3)))
    assert lines(desk) == [told]


@pytest.mark.parametrize("make", MAKERS)
def test_each_goes_to_whoever_replaces_and_another_absence_changes_nothing(
    desk: Desk, world: World, samira: Member, make: Maker
) -> None:
    julien = world.member(Role.REFERENT, samira.cite, first_name="Julien")
    calais = world.cite("Calais")
    zoe, aude = (world.member(Role.REFERENT, calais) for _ in range(2))
    due, theirs = make(world, samira), make(world, zoe)
    world.absence(samira, julien)
    desk.scan(morning_of(worked(0)))
    assert sorted(lines(desk)) == sorted(
        [
            (due.rule.value, due.row.id, due.due_on, julien.id),
            (due.rule.value, theirs.row.id, theirs.due_on, zoe.id),
        ]
    )
    assert aude.id not in {line[3] for line in lines(desk)}


@pytest.mark.parametrize("make", MAKERS)
def test_nobody_is_told_where_nobody_present_follows(
    desk: Desk, world: World, samira: Member, make: Maker
) -> None:
    gone = world.member(Role.REFERENT, samira.cite, ended_on=today())
    make(world, gone)
    alone = make(world, samira)
    desk.change(alone.case.assignment, ended_at=now())
    desk.scan(morning_of(worked(0)))
    assert lines(desk) == []


# What makes a line untrue


def note_check(_desk: Desk, world: World, due: Due) -> None:
    world.keep(
        JobCheck(
            id=uuid.uuid4(), cite_id=due.row.cite_id, person_id=due.case.id, job_id=due.row.id, moment=CheckMoment.J8,
            done_on=today(), in_job=True, recorded_at=now(),
        )
    )  # fmt: skip


def break_contract(_desk: Desk, world: World, due: Due) -> None:
    due.row.ended_on, due.row.end_reason = today(), "demission"
    due.case.parcours.status = Status.ACTIF
    world.keep(due.row, due.case.parcours)


def reach_next_moment(_desk: Desk, world: World, due: Due) -> None:
    due.row.started_on = worked(0) - relativedelta(months=1) - DAY
    world.keep(due.row)


def note_situation(_desk: Desk, world: World, due: Due) -> None:
    world.keep(
        Snapshot(
            id=uuid.uuid4(), **ties(due.case), moment=Moment.EXIT, taken_on=today(), is_reached=False, recorded_at=now()
        )
    )  # fmt: skip


def undo_exit(_desk: Desk, world: World, due: Due) -> None:
    parcours = due.case.parcours
    parcours.status, parcours.ended_on, parcours.end_reason = Status.ACTIF, None, None
    world.keep(parcours)


def come_back(_desk: Desk, world: World, due: Due) -> None:
    world.keep(
        Parcours(
            id=uuid.uuid4(), cite_id=due.row.cite_id, person_id=due.case.id, spotted_on=today(), reopened_from_id=due.row.id
        )
    )  # fmt: skip


def turn_out_dead(_desk: Desk, world: World, due: Due) -> None:
    due.case.parcours.end_reason = "deces"
    world.keep(due.case.parcours)


def resume(_desk: Desk, world: World, due: Due) -> None:
    due.row.ended_on, due.case.parcours.status = today(), Status.ACTIF
    world.keep(due.row, due.case.parcours)


def close(_desk: Desk, world: World, due: Due) -> None:
    if due.rule is Rule.SUSPENSION_ENDING:
        due.row.ended_on = today()
    parcours = due.case.parcours
    parcours.status, parcours.ended_on, parcours.end_reason = Status.SORTI, today(), "cdi"
    world.keep(due.row, parcours)


def reassign(desk: Desk, world: World, due: Due) -> None:
    cite = world.session.get_one(Cite, due.case.person.cite_id)
    desk.change(due.case.assignment, ended_at=now())
    world.assign(due.case.person, due.case.parcours, world.member(Role.REFERENT, cite))


def changed(**facts: Any) -> Callable[[Desk, World, Due], None]:
    return lambda desk, _world, due: desk.change(due.row, **facts)


CANCELLED: list[tuple[Maker, Callable[[Desk, World, Due], None], str]] = [
    (check, note_check, "check_noted"),
    (check, break_contract, "job_ended"),
    (check, reach_next_moment, "check_passed"),
    (check, close, "parcours_closed"),
    (situation, note_situation, "situation_noted"),
    (situation, undo_exit, "exit_undone"),
    (situation, come_back, "came_back"),
    (situation, turn_out_dead, "situation_passed"),
    (suspension, resume, "resumed"),
    (suspension, changed(expected_end_on=worked(0) + 40 * DAY), "suspension_moved"),
    (suspension, close, "parcours_closed"),
    (etape, changed(status=EtapeStatus.ANNULEE, ended_on=today()), "etape_over"),
    (etape, changed(planned_to=worked(9)), "etape_put_off"),
    (etape, close, "parcours_closed"),
    (agreement, changed(ended_on=today()), "agreement_over"),
    (agreement, changed(review_on=worked(9)), "review_put_off"),
    (agreement, close, "parcours_closed"),
    *((make, reassign, "reassigned") for make in MAKERS),
]


@pytest.mark.parametrize(("make", "change", "reason"), CANCELLED)
def test_what_is_settled_before_the_letter_leaves_is_cancelled_with_its_reason(
    desk: Desk, world: World, samira: Member, make: Maker, change: Callable[..., None], reason: str
) -> None:
    due, at = make(world, samira), morning_of(worked(0))
    desk.scan(at)
    change(desk, world, due)
    desk.send(at)
    settled = [
        (str(line.state), line.cancelled_because)
        for line in desk.ledger()
        if (line.rule, line.subject_id, line.due_on) == (due.rule, due.row.id, due.due_on)
        and line.recipient_id == samira.id
    ]
    assert settled == [("cancelled", reason)]


def test_whoever_left_is_not_told(desk: Desk, world: World, samira: Member) -> None:
    for make in MAKERS:
        make(world, samira)
    desk.scan(morning_of(worked(0)))
    desk.change(samira.user, disabled_at=now())
    assert desk.send(morning_of(worked(0))) == {"cancelled": 1}
    assert {line.cancelled_because for line in desk.ledger()} == {"recipient_left"}


def test_a_suspension_put_off_is_told_again_for_its_new_end(desk: Desk, world: World, samira: Member) -> None:
    due = suspension(world, samira)
    desk.send(morning_of(worked(0)))
    desk.change(due.row, expected_end_on=due.due_on + 30 * DAY)
    desk.scan(morning_of(due.due_on))
    assert len(lines(desk)) == 1
    desk.scan(morning_of(due.due_on + 30 * DAY))
    assert [line[2] for line in lines(desk)] == [due.due_on, due.due_on + 30 * DAY]


def test_a_check_falls_due_at_each_moment_and_each_situation_after_the_exit(
    desk: Desk, world: World, samira: Member
) -> None:
    _, job = hired(world, samira, worked(0))
    gone = left(world, samira, worked(0))
    for month in range(12):
        desk.scan(morning_of(worked(0) + relativedelta(months=month) + 10 * DAY))
    found = [(rule, due_on) for rule, _, due_on, _ in lines(desk)]
    assert sorted(found) == sorted(
        [("job_check", check_due_on(job.started_on, moment)) for moment in CheckMoment]
        + [("situation", asked_between(gone.parcours.ended_on, moment)[0]) for moment in list(Moment)[1:]]  # type: ignore[arg-type]
    )


# The letter


def test_the_letter_tells_each_in_its_section_without_a_name(
    desk: Desk, world: World, samira: Member
) -> None:
    due = [make(world, samira) for make in MAKERS]
    appointment = world.case(samira.cite, referent=samira)
    world.step(
        appointment, samira, in_days=(worked(1) - today()).days, due_at=now().time().replace(14, 30), place="CMP, 2e étage"
    )  # fmt: skip
    assert desk.send(morning_of(worked(0))) == {"sent": 1}
    (letter,) = desk.box.to(samira.user.email)
    for heading in (
        "Points d’emploi à faire", "Nouvelles à prendre après une sortie", "Étapes du plan en retard", "Accords à revoir",
        "Suspensions qui se terminent",
    ):  # fmt: skip
        assert f"{heading} (1)" in letter.text and f"{heading} (1)" in letter.html
    for body in (letter.text, letter.html):
        for words in (
            "8 jours après l’embauche, à demander aujourd’hui", "à la sortie, à demander aujourd’hui",
            "fin prévue dans 14 jours", "en retard de 1 jour", "à revoir aujourd’hui", "à 14\u202fh\u202f30",
        ):  # fmt: skip
            assert words in body
        assert all(f"http://localhost/personnes/{each.case.id}" in body for each in due)
        assert not any(word in body for word in ("Nadia", "Lefebvre", "CMP", "Code de la route"))
    assert letter.subject.endswith("6 rappels ce matin")


# The ledger and « Ma journée » are one question

QUEUES: dict[ReminderRule, tuple[Callable[..., Any], str, str]] = {
    Rule.JOB_CHECK: (due_checks, "job_id", "due_on"),
    Rule.SITUATION: (situations_to_ask, "parcours_id", "due_on"),
    Rule.SUSPENSION_ENDING: (suspensions_ending, "suspension_id", "expected_end_on"),
    Rule.ETAPE_OVERDUE: (overdue_etapes, "etape_id", "planned_to"),
    Rule.AGREEMENT_REVIEW: (agreements_to_review, "agreement_id", "review_on"),
}


def test_lines_are_the_queues_of_everybody_given_to_whoever_answers(
    desk: Desk,
    world: World,
    databases: Databases,
    proof: Proof,  # noqa: F811
) -> None:
    """For crowds and days at random: no line that is on nobody's day, and nothing of a day that nobody is told of."""
    missing = too_much = 0
    compared: set[ReminderRule] = set()
    for seed in range(proof.times(quick=2, full=40)):
        databases.empty()
        crowd = drawn_crowd(world, databases, seed, people=60)
        absences = databases.superuser.execute(
            "select absent_id, cite_id, deputy_id, starts_on, ends_on from absence where ended_early_at is null"
        ).fetchall()
        referents = dict(
            databases.superuser.execute(
                "select parcours_id, referent_id from assignment where kind = 'referent' and ended_at is null"
            ).fetchall()
        )
        on = today() + random.Random(seed).choice([0, 1, 7, 60]) * DAY  # noqa: S311
        shown: set[tuple[Any, ...]] = set()
        with desk.app.app_context():
            act_as(SYSTEM)
            told = {
                (rule, row.subject_id, row.due_on, row.recipient_id)
                for rule in FALLING
                for row in db.session.execute(lines_due(rule, on))
            }
            for member in crowd.members:
                if member.role not in CASEWORK:
                    continue
                for rule, (question, subject, due_on) in QUEUES.items():
                    for row in db.session.execute(question(on, referent_id=member.id)):
                        referent = referents.get(row.parcours_id)
                        answers = next(
                            (d for a, c, d, first, last in absences if (a, c) == (referent, row.cite_id) and first <= on <= last),
                            referent,
                        )  # fmt: skip
                        if answers == member.id and row.cite_id == member.cite.id:
                            shown.add((rule, getattr(row, subject), getattr(row, due_on), member.id))
            db.session.rollback()
        missing, too_much = missing + len(shown - told), too_much + len(told - shown)
        compared |= {rule for rule, *_ in shown}
    proof.at_most("20 reminders", "due on a day and told to nobody", missing, 0)
    proof.at_most("20 reminders", "told and on nobody's day", too_much, 0)
    assert compared == set(FALLING)


MANY = """
insert into job (id, cite_id, person_id, parcours_id, kind, contract, started_on, ended_on, end_reason, created_at)
  select gen_random_uuid(), cite_id, person_id, id, 'contract', 'cdi', spotted_on, spotted_on + n, 'demission', now()
  from parcours, generate_series(1, 20000) n where id = %(parcours)s;
insert into suspension (id, cite_id, person_id, parcours_id, reason, started_on, expected_end_on, ended_on, created_at)
  select gen_random_uuid(), cite_id, person_id, id, 'raison_personnelle', spotted_on, spotted_on + 9, spotted_on + 8, now()
  from parcours, generate_series(1, 20000) n where id = %(parcours)s;
insert into etape (id, cite_id, person_id, parcours_id, type, label, status, planned_to, ended_on, result, created_at)
  select gen_random_uuid(), cite_id, person_id, id, 'permis_code', 'Code', 'realisee', spotted_on + mod(n, 400), spotted_on, 'atteint', now()
  from parcours, generate_series(1, 20000) n where id = %(parcours)s;
insert into agreement (id, cite_id, person_id, parcours_id, number, agreed_on, review_on, way, created_by_id, created_at, ended_on)
  select gen_random_uuid(), cite_id, person_id, id, n + 1, spotted_on, spotted_on + 90, 'signed', %(author)s, now(), spotted_on + 50
  from parcours, generate_series(1, 20000) n where id = %(parcours)s;
with many as (
  insert into person (id, cite_id, first_name, phone, gender, needs_interpreter, qpv_answer, created_at)
  select gen_random_uuid(), cite_id, 'Jean', '+33612345678', 'homme', false, qpv_answer, now()
  from person, generate_series(1, 10000) n where id = %(person)s returning id, cite_id)
insert into parcours (id, cite_id, person_id, status, spotted_on, started_on, ended_on, end_reason, created_at)
  select gen_random_uuid(), cite_id, id, 'sorti', day - 2000, day - 2000, day - 400, 'cdi', now()
  from many, lateral (select current_date - (random() * 1500)::int as day) on_a_day;
"""


@pytest.mark.parametrize("rule", FALLING)
def test_what_is_over_is_not_read_again_every_morning(
    as_worker: Flask, world: World, samira: Member, databases: Databases, rule: ReminderRule
) -> None:
    """Among years of what is over, the index of what is not finds what is due."""
    for make in MAKERS:
        made = make(world, samira)
    facts = {"parcours": made.case.parcours.id, "person": made.case.id, "author": samira.id}
    table = {
        Rule.JOB_CHECK: "job", Rule.SITUATION: "parcours", Rule.SUSPENSION_ENDING: "suspension", Rule.ETAPE_OVERDUE: "etape",
        Rule.AGREEMENT_REVIEW: "agreement",
    }[rule]  # fmt: skip
    many = next(each for each in MANY.split(";") if f"insert into {table} (" in each)
    server = databases.superuser
    server.execute(many, facts)
    server.execute("analyze")
    with as_worker.app_context():
        act_as(SYSTEM)
        with watched(db.engine) as seen:
            assert len(db.session.execute(lines_due(rule, worked(0))).all()) == 1
            db.session.rollback()
        (sent,) = filter(is_explained, seen.sent)
    explained = server.execute(f"explain {sent.statement}", sent.parameters)
    plan = "\n".join(row[0] for row in explained.fetchall())
    assert f"Seq Scan on {table} " not in plan, plan
    assert rule is not Rule.SITUATION or "ix_parcours_exit_day" in plan, plan
