"""What a parcours keeps beside its status: suspensions, jobs and their checks, situations frozen, coming back; and what falls due."""

import uuid
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from dateutil.relativedelta import relativedelta
from flask import Flask

from cityjobs.core.clock import now, today
from cityjobs.core.db import Actor, act_as, db
from cityjobs.parcours.models import Exit, Job, JobCheck, Parcours, Snapshot, Suspension
from cityjobs.parcours.queries.due import due_checks, situations_to_ask, suspensions_ending
from cityjobs.parcours.queries.life import Life, asked_of, life_from, life_question
from cityjobs.parcours.rules.jobs import CheckMoment, check_due_on
from cityjobs.parcours.rules.lifecycle import Event, Status
from cityjobs.parcours.rules.situations import (
    ASKED_AFTER,
    ASKED_FOR_DAYS,
    Moment,
    Situation,
    asked_between,
    derived_criteria,
)
from cityjobs.territory.models import Cite
from tests.conftest import Databases
from tests.manners import PageClient
from tests.parcours.test_moves import answers, closed_from, history_of, parcours_of, url
from tests.world import Case, Member, World

ClientOf = Callable[[Any], PageClient]


@pytest.fixture
def roubaix(world: World) -> Cite:
    return world.cite("Roubaix")


def rows_of(world: World, kind: Any, case: Case) -> list[Any]:
    world.session.rollback()
    world.session.expire_all()
    return list(world.session.scalars(sa.select(kind).where(kind.person_id == case.id)))


def hired(world: World, cite: Cite, days_ago: int, referent: Member | None = None) -> tuple[Case, Job]:
    """Somebody in a job for so many days."""
    case = world.case(cite, status=Status.SUIVI_EMPLOI, days_ago=days_ago + 4, referent=referent)
    return case, rows_of(world, Job, case)[0]


# Entering


def test_the_entry_asks_twelve_answers_at_most_each_saying_why(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    case = world.case(roubaix, status=Status.DIAGNOSTIC)
    page = client_of(world.member("coordinator", roubaix)).get(url(case, "enroll"))
    form = next(form for form in page.all("form") if form.attributes.get("action") == url(case))
    fields = [e for e in form.all("*") if "field" in e.attributes.get("class", "").split()]
    asked = [field for field in fields if "(facultatif)" not in field.text()]
    assert 0 < len(asked) <= 12
    for field in asked:
        assert [e for e in field.all("p") if "help" in e.attributes.get("class", "")], field.text()
    assert not {"age", "gender", "birth_date", "qpv"} & set(page.form("/parcours").values)


def test_the_entry_freezes_the_situation_and_derives_what_it_can(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    case = world.case(roubaix, status=Status.DIAGNOSTIC, birth_date=date(1960, 3, 3), qpv_answer="outside")
    me = world.member("coordinator", roubaix)
    client_of(me).post(
        url(case), answers(Event.ENROLL, situation="de_inscrit_ft_indemnise", inscription_ft="")
    )
    (kept,) = rows_of(world, Snapshot, case)
    assert (kept.moment, kept.taken_on, kept.situation, kept.inscription_ft) == (
        Moment.ENTRY, today(), "de_inscrit_ft_indemnise", "inscrit",
    )  # fmt: skip
    assert (kept.gender, kept.in_qpv, kept.is_reached, kept.recorded_by_id) == ("femme", False, True, me.id)
    assert kept.age is not None and kept.age >= 66
    assert kept.criteria == ["cap_bep", "deld", "detld", "pi", "rsa", "senior"]
    parcours = parcours_of(world, case)
    assert (parcours.entry_age, parcours.entry_gender, parcours.entry_in_qpv) == (kept.age, "femme", False)


@pytest.mark.parametrize(
    ("situation", "age", "in_qpv", "said"),
    [
        (Situation(), None, None, ()),
        (Situation(education="n4"), 25, True, ("jeune", "qpv")),
        (Situation(education="n3"), 26, False, ("cap_bep",)),
        (
            Situation(months_without_job="12_23m", housing="logement_fortune"),
            50,
            None,
            ("senior", "deld", "psh_pr"),
        ),
        (Situation(resources=("aah", "ass")), 49, None, ("aah", "ass")),
    ],
)
def test_criteria_that_follow_are_not_asked(
    situation: Situation, age: int | None, in_qpv: bool | None, said: tuple[str, ...]
) -> None:
    assert derived_criteria(situation, age=age, in_qpv=in_qpv) == said


def test_a_situation_once_frozen_never_changes(world: World, roubaix: Cite, databases: Databases) -> None:
    case, me = world.case(roubaix), world.member("coordinator", roubaix)
    world.keep(snapshot_of(case, Moment.ENTRY))
    for change in ("update situation_snapshot set age = 3", "delete from situation_snapshot"):
        with (
            databases.connected_as("cityjobs_worker") as worker,
            pytest.raises(psycopg.errors.RestrictViolation),
        ):
            worker.execute(change)
    told = {"user_id": me.id, "role": "coordinator", "cite_id": roubaix.id}
    with databases.connected_as("cityjobs_web", **told) as web:
        assert web.execute("delete from situation_snapshot").rowcount == 0


def snapshot_of(case: Case, moment: Moment, **facts: Any) -> Snapshot:
    return Snapshot(
        id=uuid.uuid4(), cite_id=case.person.cite_id, person_id=case.id, parcours_id=case.parcours.id, moment=moment,
        taken_on=today(), recorded_at=now(), **facts,
    )  # fmt: skip


# Suspending


def test_a_suspension_is_kept_and_ends_with_its_resuming(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    me = world.member("referent", roubaix)
    case, client = world.case(roubaix, referent=me), client_of(me)
    until = today() + timedelta(days=60)
    client.post(url(case), answers(Event.SUSPEND, until=until.isoformat()))
    (pause,) = rows_of(world, Suspension, case)
    assert (pause.reason, pause.started_on, pause.expected_end_on, pause.ended_on) == (
        "formation_longue",
        today(),
        until,
        None,
    )
    assert "prévue jusqu’au" in client.get(url(case, "resume")).main()
    client.post(url(case), answers(Event.RESUME, version="2"))
    (pause,) = rows_of(world, Suspension, case)
    assert pause.ended_on == today() and parcours_of(world, case).status == Status.ACTIF


# Working


def test_a_hiring_is_kept_with_all_that_was_said(world: World, roubaix: Cite, client_of: ClientOf) -> None:
    me = world.member("referent", roubaix)
    case = world.case(roubaix, referent=me)
    told = {
        "contract": "cdd_6m_plus", "expected_end_on": (today() + timedelta(days=200)).isoformat(), "occupation": "Cuisinière",
        "working_time": "partiel_choisi", "weekly_hours": "17,5",
    }  # fmt: skip
    client_of(me).post(url(case), answers(Event.HIRE, **told))
    (job,) = rows_of(world, Job, case)
    assert (job.kind, job.contract, job.occupation, job.employer) == (
        "contract",
        "cdd_6m_plus",
        "Cuisinière",
        "La Régie",
    )
    assert (job.working_time, float(job.weekly_hours), job.started_on) == ("partiel_choisi", 17.5, today())
    client_of(me).post(url(case), answers(Event.CONTRACT_BROKEN, version="2"))
    (job,) = rows_of(world, Job, case)
    assert (job.ended_on, job.end_reason) == (today(), "periode_essai")


def check_url(case: Case, job: Job, moment: str) -> str:
    return f"/personnes/{case.id}/emplois/{job.id}/points/{moment}"


def test_a_check_is_noted_once_and_leaving_the_job_leads_to_its_end(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    me = world.member("referent", roubaix)
    case, job = hired(world, roubaix, 40, me)
    client = client_of(me)
    client.get(check_url(case, job, "m3"), status=404)
    page = client.get(check_url(case, job, "j8"))
    assert "CDI" in page.main()
    said = {"in_job": "oui", "done_on": today().isoformat(), "note": "Tout va bien."}
    assert client.post(check_url(case, job, "j8"), said).location == f"/personnes/{case.id}"
    client.post(check_url(case, job, "j8"), {**said, "in_job": "non"})
    (kept,) = rows_of(world, JobCheck, case)
    assert (kept.moment, kept.in_job, kept.note, kept.recorded_by_id) == ("j8", True, "Tout va bien.", me.id)
    assert client.get(check_url(case, job, "j8"), status=303).location == f"/personnes/{case.id}"
    gone = client.post(check_url(case, job, "m1"), {**said, "in_job": "non"})
    assert gone.location == url(case, "contract_broken")


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"in_job": ""}, "in_job", "toujours en poste"),
        ({"done_on": (today() + timedelta(days=2)).isoformat()}, "done_on", "dans le futur"),
        ({"done_on": (today() - timedelta(days=300)).isoformat()}, "done_on", "précède le premier jour"),
        ({"note": "a" * 20_000}, "note", "caractères"),
        ({"note": "Son numéro : 1 85 05 78 006 084 91"}, "note", "sécurité sociale"),
    ],
)
def test_a_check_is_refused_at_its_field(
    world: World, roubaix: Cite, client_of: ClientOf, wrong: dict[str, str], field: str, said: str
) -> None:
    case, job = hired(world, roubaix, 40)
    client = client_of(world.member("coordinator", roubaix))
    told = {"in_job": "oui", "done_on": today().isoformat(), "note": "Tout va bien 🙂", **wrong}
    page = client.post(check_url(case, job, "j8"), told, status=422)
    assert said in page.errors() and rows_of(world, JobCheck, case) == []
    assert page.form(check_url(case, job, "j8")).values["note"].strip() == told["note"]


@pytest.mark.parametrize(
    ("moment", "days", "in_job", "said"),
    [
        ("m6", 1, "oui", "trop tôt"),
        ("m1", 15, "non", "trop tôt"),
        ("j8", 5, "oui", "trop tôt"),
        ("m3", 150, "oui", "déjà terminé"),
        ("m3", 150, "non", ""),
        ("m3", 86, "oui", ""),
        ("j8", 6, "oui", ""),
    ],
)
def test_a_check_is_of_its_moment_and_of_a_job_still_held(
    world: World, roubaix: Cite, client_of: ClientOf, moment: str, days: int, in_job: str, said: str
) -> None:
    case, job = hired(world, roubaix, 200)
    job.ended_on, job.end_reason = job.started_on + timedelta(days=100), "demission"
    case.parcours.status = Status.ACTIF
    world.keep(job, case.parcours)
    client = client_of(world.member("coordinator", roubaix))
    told = {"in_job": in_job, "done_on": (job.started_on + timedelta(days=days)).isoformat()}
    page = client.post(check_url(case, job, moment), told, status=422 if said else 303)
    assert len(rows_of(world, JobCheck, case)) == (0 if said else 1)
    assert not said or said in page.errors()


def test_the_job_of_another_person_is_not_there(world: World, roubaix: Cite, client_of: ClientOf) -> None:
    me = world.member("referent", roubaix)
    (case, job), (other, theirs) = hired(world, roubaix, 40, me), hired(world, roubaix, 40, me)
    said = {"in_job": "oui", "done_on": today().isoformat()}
    client_of(me).get(check_url(case, theirs, "j8"), status=404)
    client_of(me).post(check_url(case, theirs, "j8"), said, status=404)
    client_of(world.member("referent", roubaix)).get(check_url(case, job, "j8"), status=404)
    client_of(world.member("spotter", roubaix)).get(check_url(case, job, "j8"), status=403)
    client_of(world.member("coordinator", world.cite("Calais"))).post(
        check_url(case, job, "j8"), said, status=404
    )
    assert rows_of(world, JobCheck, other) == rows_of(world, JobCheck, case) == []


# What falls due


@pytest.mark.parametrize("days", [0, 7, 8, 29, 31, 89, 93, 181, 190, 400])
def test_the_check_that_is_due_is_the_latest_reached_and_not_yet_noted(
    world: World, roubaix: Cite, as_worker: Flask, days: int
) -> None:
    me = world.member("referent", roubaix)
    _, job = hired(world, roubaix, days, me)
    reached = [m for m in CheckMoment if check_due_on(job.started_on, m) <= today()]
    with as_worker.app_context():
        act_as(Actor(None, "system"))
        due = db.session.execute(due_checks(today(), referent_id=me.id)).all()
        assert [(row.job_id, row.moment, row.due_on) for row in due] == [
            (job.id, m, check_due_on(job.started_on, m)) for m in reached[-1:]
        ]
        assert db.session.execute(due_checks(today(), referent_id=uuid.uuid4())).all() == []
        db.session.rollback()
    for moment in reached[-1:]:
        world.keep(
            JobCheck(
                id=uuid.uuid4(), cite_id=job.cite_id, person_id=job.person_id, job_id=job.id, moment=moment, done_on=today(),
                in_job=True, recorded_at=now(),
            )
        )  # fmt: skip
    with as_worker.app_context():
        act_as(Actor(None, "system"))
        assert db.session.execute(due_checks(today())).all() == []


def test_suspensions_that_end_are_due_with_their_referent(
    world: World, roubaix: Cite, as_worker: Flask
) -> None:
    me = world.member("referent", roubaix)
    soon = world.case(roubaix, status=Status.SUSPENDU, referent=me, days_ago=84)  # ends in ten days
    later = world.case(roubaix, status=Status.SUSPENDU, referent=me, days_ago=40)
    world.case(roubaix, referent=me)
    with as_worker.app_context():
        act_as(Actor(None, "system"))
        due = db.session.execute(suspensions_ending(today(), referent_id=me.id)).all()
        assert [(row.person_id, row.referent_id) for row in due] == [(soon.id, me.id)]
        every = db.session.execute(suspensions_ending(today(), within=400)).all()
        assert [row.person_id for row in every] == [soon.id, later.id]


@pytest.mark.parametrize(
    ("days", "moment"),
    [(0, "exit"), (27, "exit"), (89, "exit"), (93, "m3"), (180, "m3"), (186, "m6"), (280, None)],
)
def test_situations_are_asked_until_the_next_is_due(
    world: World, roubaix: Cite, as_worker: Flask, days: int, moment: str | None
) -> None:
    me = world.member("referent", roubaix)
    case = world.case(roubaix, status=Status.SORTI, days_ago=days + 5, referent=me)
    wanted = [(case.parcours.id, moment)] if moment else []
    with as_worker.app_context():
        act_as(Actor(None, "system"))
        due = db.session.execute(situations_to_ask(today(), referent_id=me.id)).all()
        assert [(row.parcours_id, row.moment) for row in due] == wanted
        db.session.rollback()
    if moment:
        world.keep(snapshot_of(case, Moment(moment), is_reached=False))
        with as_worker.app_context():
            act_as(Actor(None, "system"))
            assert db.session.execute(situations_to_ask(today())).all() == []


def test_nobody_is_asked_who_died_or_came_back(world: World, roubaix: Cite, as_worker: Flask) -> None:
    gone, back = (world.case(roubaix, status=Status.SORTI, days_ago=20) for _ in range(2))
    gone.parcours.end_reason = "deces"
    again = Parcours(
        id=uuid.uuid4(), cite_id=roubaix.id, person_id=back.id, spotted_on=today(), reopened_from_id=back.parcours.id
    )  # fmt: skip
    world.keep(gone.parcours, again)
    with as_worker.app_context():
        act_as(Actor(None, "system"))
        assert db.session.execute(situations_to_ask(today())).all() == []


# After the exit


def situation_url(case: Case, moment: str) -> str:
    return f"/personnes/{case.id}/situations/{case.parcours.id}/{moment}"


def test_the_situation_after_an_exit_is_noted_once_or_nobody_answered(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    me = world.member("referent", roubaix)
    client = client_of(me)
    case = world.case(roubaix, status=Status.SORTI, days_ago=100, referent=me)
    client.get(situation_url(case, "m6"), status=404)
    client.get(situation_url(case, "entry"), status=404)
    assert "demandée à partir du" in client.get(situation_url(case, "m3")).main()
    said = {
        "reached": "oui",
        "on": today().isoformat(),
        "situation": "emploi_cdi",
        "inscription_ft": "radie_sorti",
    }
    client.post(situation_url(case, "m3"), said)
    client.post(situation_url(case, "m3"), {**said, "situation": "retraite"})
    at_once = (today() - timedelta(days=80)).isoformat()
    client.post(situation_url(case, "exit"), {**said, "reached": "non", "on": at_once})
    kept = {row.moment: row for row in rows_of(world, Snapshot, case)}
    assert (kept["m3"].situation, kept["m3"].is_reached, kept["m3"].inscription_ft) == (
        "emploi_cdi",
        True,
        "radie_sorti",
    )
    assert (kept["exit"].situation, kept["exit"].is_reached, kept["exit"].age) == (None, False, None)
    assert client.get(situation_url(case, "m3"), status=303).location == f"/personnes/{case.id}"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"situation": ""}, "Choisissez une réponse"),
        ({"situation": "en_prison"}, "n’existe pas dans la liste"),
        ({"inscription_ft": ""}, "inscrite à France Travail"),
        ({"on": (today() + timedelta(days=1)).isoformat()}, "dans le futur"),
        ({"on": (today() - timedelta(days=90)).isoformat()}, "précède celle où"),
    ],
)
def test_a_situation_is_refused_at_its_field(
    world: World, roubaix: Cite, client_of: ClientOf, wrong: dict[str, str], said: str
) -> None:
    case = world.case(roubaix, status=Status.SORTI, days_ago=100)
    told = {
        "reached": "oui",
        "on": today().isoformat(),
        "situation": "emploi_cdi",
        "inscription_ft": "radie_sorti",
        **wrong,
    }
    page = client_of(world.member("coordinator", roubaix)).post(situation_url(case, "m3"), told, status=422)
    assert said in page.errors() and rows_of(world, Snapshot, case) == []


@pytest.mark.parametrize(("moment", "last"), [("exit", 3), ("m3", 6), ("m6", 9)])
def test_a_situation_no_longer_asked_is_not_made_up(
    world: World, roubaix: Cite, client_of: ClientOf, moment: str, last: int
) -> None:
    case = world.case(roubaix, status=Status.SORTI, days_ago=500)
    ended_on = case.parcours.ended_on
    assert ended_on is not None
    until = ended_on + relativedelta(months=last)
    client = client_of(world.member("coordinator", roubaix))
    said = {"reached": "oui", "situation": "emploi_cdi", "inscription_ft": "radie_sorti"}
    for late in (today(), until):
        page = client.post(situation_url(case, moment), {**said, "on": late.isoformat()}, status=422)
        assert "n’était plus demandée" in page.errors()
    assert rows_of(world, Snapshot, case) == []
    client.post(situation_url(case, moment), {**said, "on": (until - timedelta(days=1)).isoformat()})
    assert len(rows_of(world, Snapshot, case)) == 1


@pytest.mark.parametrize("reason", ["deces", "erreur_doublon"])
def test_nothing_is_asked_after_some_exits(
    world: World, roubaix: Cite, client_of: ClientOf, databases: Databases, reason: str
) -> None:
    case = world.case(roubaix, status=Status.SORTI, days_ago=100)
    databases.superuser.execute("update parcours set end_reason = %s", (reason,))
    client = client_of(world.member("coordinator", roubaix))
    said = {
        "reached": "oui",
        "on": today().isoformat(),
        "situation": "emploi_cdi",
        "inscription_ft": "radie_sorti",
    }
    page = client.follow(client.post(situation_url(case, "m3"), said))
    assert "aucune situation n’est demandée" in page.text()
    assert rows_of(world, Snapshot, case) == []


# Taking an exit back, coming back


def test_an_exit_taken_back_leaves_nothing_of_itself_but_its_history(
    world: World, roubaix: Cite, client_of: ClientOf, databases: Databases
) -> None:
    case = closed_from(world, roubaix, Status.SUSPENDU)
    iae = world.session.scalar(sa.text("select id from exit_ruleset where code = 'iae'"))
    left = Exit(
        parcours_id=case.parcours.id, cite_id=roubaix.id, person_id=case.id, exit_type="abandon", category="autre",
        ruleset_id=iae, recorded_at=now(),
    )  # fmt: skip
    world.keep(left, snapshot_of(case, Moment.ENTRY), snapshot_of(case, Moment.EXIT))
    me = world.member("coordinator", roubaix)
    client = client_of(me)
    page = client.get(url(case, "reopen"))
    assert "« suspendu »" in page.main()
    client.submit(page.form("/parcours"))
    parcours = parcours_of(world, case)
    assert (parcours.status, parcours.ended_on, parcours.end_reason) == (Status.SUSPENDU, None, None)
    assert rows_of(world, Exit, case) == []
    assert [row.moment for row in rows_of(world, Snapshot, case)] == [Moment.ENTRY]
    assert [pause.ended_on for pause in rows_of(world, Suspension, case)] == [None]
    assert [line.event for line in history_of(world, case)] == [Event.CLOSE, Event.REOPEN]
    journal = "select verb from audit.journal where subject = 'parcours_exit' and subject_id = %s order by id"
    told = databases.superuser.execute(journal, (str(case.parcours.id),)).fetchall()
    assert told == [("insert",), ("delete",)]


def test_an_old_exit_is_not_taken_back(world: World, roubaix: Cite, client_of: ClientOf) -> None:
    case = closed_from(world, roubaix, Status.ACTIF, days_ago=120)
    case.parcours.ended_on = today() - timedelta(days=31)
    world.keep(case.parcours)
    told = answers(Event.REOPEN, version=str(case.parcours.version))
    page = client_of(world.member("coordinator", roubaix)).post(url(case), told, status=422)
    assert "plus de 30 jours" in page.main() and parcours_of(world, case).status == Status.SORTI


def test_whoever_comes_back_has_a_parcours_tied_to_the_former_one(
    world: World, roubaix: Cite, client_of: ClientOf, app: Flask
) -> None:
    me = world.member("coordinator", roubaix)
    case = world.case(roubaix, status=Status.SORTI)
    client = client_of(me)
    form = client.get(url(case, "nouveau")).form("/parcours/nouveau")
    client.submit(form, channel="spontane", spotted_on=today().isoformat())
    again = world.session.scalar(
        sa.select(Parcours).where(Parcours.person_id == case.id, Parcours.status == Status.REPERE)
    )
    assert again is not None and again.reopened_from_id == case.parcours.id
    with app.app_context():
        act_as(Actor(me.id, "coordinator", roubaix.id))
        life = life_of(again.id)
        assert life.former is not None and life.former.id == case.parcours.id
        assert life.former.status is Status.SORTI


def life_of(parcours_id: uuid.UUID) -> Life:
    return life_from(db.session.execute(life_question(), {"parcours_id": parcours_id}).one())


def test_the_life_of_a_file_tells_of_the_job_and_when_to_ask_about_it(
    world: World, roubaix: Cite, app: Flask
) -> None:
    me = world.member("coordinator", roubaix)
    case, job = hired(world, roubaix, 40)
    parcours = parcours_of(world, case)
    with app.app_context():
        act_as(Actor(me.id, "coordinator", roubaix.id))
        life = life_of(case.parcours.id)
        assert life.job is not None and (life.job.id, life.job.contract) == (job.id, "CDI")
        asked = asked_of(life, parcours, today())
    assert (asked.check, asked.next_check) == (
        CheckMoment.M1,
        check_due_on(job.started_on, CheckMoment.M3),
    )


def test_the_days_looked_back_at_hold_all_that_is_still_asked() -> None:
    for month in range(1, 13):
        left = date(2026, month, 28)
        assert max(asked_between(left, moment)[1] for moment in ASKED_AFTER) <= left + timedelta(
            ASKED_FOR_DAYS
        )
