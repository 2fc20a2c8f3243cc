"""A closed parcours takes nothing more, not even what was already on its way when it was closed."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from cityjobs.core.clock import today
from cityjobs.desk.views import closing
from cityjobs.diagnosis.models import Diagnosis
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.plans.rules import EtapeStatus, GoalStatus
from tests.conftest import Databases
from tests.followups.conftest import Scene, rows, scene
from tests.manners import PageClient
from tests.plans import makers
from tests.world import World

__all__ = ["rows", "scene"]

ClientOf = Callable[[Any], PageClient]
Rows = Callable[..., list[Any]]
TOLD = {"reason": "abandon", "on": today().isoformat(), "version": "1", "geste": "clore"}
SOON = (today() + timedelta(days=40)).isoformat()
STEP = {"title": "Rappeler", "due_on": SOON}
WRITES: dict[str, tuple[str, dict[str, Any]]] = {
    "etape": ("plan/etapes/nouvelle", {"type": "permis_code", "label": "Code de la route puis conduite"}),
    "step": ("etapes/nouvelle", STEP),
    "goal": ("plan/objectifs", {"label": "Passer le permis"}),
    "agreement": ("accord/nouveau", {"agreed_on": today().isoformat(), "review_on": SOON, "way": "signed"}),
    "exchange": (
        "entretiens/nouveau",
        {"synthesis": "Point", "mode": "telephone", "held_on": today().isoformat(), "reached": "y",
         "next_step": "Rappeler", "due_on": SOON},
    ),
    "diagnosis": ("diagnostic/commencer", {}),
}  # fmt: skip
ENTRY = {
    "situation": "de_inscrit_ft_indemnise", "organisme_referent": "aucun", "months_without_job": "24m_plus",
    "education": "n3", "household": "parent_isole", "resources": ["rsa"],
}  # fmt: skip
KEYS = {"etape": "etape", "step": "step", "goal": "goal", "agreement": "agreement", "exchange": "interview"}
LEFT = """
select 'step' from next_step where state = 'todo' union all select 'goal' from goal where status = 'open'
union all select 'etape' from etape where ended_on is null union all select 'agreement' from agreement where ended_on is null
union all select 'diagnosis' from diagnosis where finished_on is null
"""


CLOSED = "status = 'sorti', ended_on = current_date, end_reason = 'abandon'"
REOPENED = "status = 'actif', ended_on = null, end_reason = null"


@contextmanager
def writing(databases: Databases, scene: Scene, becomes: str) -> Iterator[None]:
    """Somebody moves the parcours: they hold it while the block begins, and have moved it when it ends."""
    with psycopg.connect(databases.superuser.info.dsn, password=databases.superuser.info.password) as other:
        other.execute("select from parcours where id = %s for update", (scene.case.parcours.id,))
        yield
        until = time.monotonic() + 20
        while not databases.superuser.execute(
            "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        ).fetchall():
            assert time.monotonic() < until, "nobody waits for the other"
            time.sleep(0.02)
        other.execute(
            f"update parcours set {becomes} where id = %s",
            (scene.case.parcours.id,),
        )


def posted_while_closing(
    databases: Databases, scene: Scene, client: PageClient, path: str, values: dict[str, Any],
    becomes: str = CLOSED,
) -> Any:  # fmt: skip
    """What is answered to what was sent while somebody closed the parcours, or moved it otherwise."""
    said = {**values, "csrf_token": client.token()}
    answers: list[Any] = []
    sent = threading.Thread(
        target=lambda: answers.append(client.flask.post(f"{scene.url}/{path}", data=said))
    )
    with writing(databases, scene, becomes):
        sent.start()
    sent.join()
    return answers[0]


def values_of(what: str, goal: Any) -> dict[str, Any]:
    """What the page of one thing sends, under a key of its own."""
    more = {"goals": str(goal.id)} if what == "agreement" else {}
    return {**WRITES[what][1], **more, **({KEYS[what]: str(uuid.uuid4())} if what in KEYS else {})}


@pytest.mark.parametrize("what", WRITES)
def test_what_waits_for_a_closing_adds_nothing(
    scene: Scene, world: World, client_of: ClientOf, databases: Databases, rows: Rows, what: str
) -> None:
    goal = makers.goal(world, scene.case, status=GoalStatus.REACHED)
    if what == "agreement":
        goal = makers.goal(world, scene.case)
    before = rows(LEFT)
    answer = posted_while_closing(
        databases, scene, client_of(scene.samira), WRITES[what][0], values_of(what, goal)
    )
    assert answer.status_code == 422 and "clos" in answer.get_data(as_text=True)
    assert rows(LEFT) == before


@pytest.mark.parametrize("what", WRITES)
def test_each_of_them_is_added_to_a_parcours_that_goes_on(
    scene: Scene, world: World, client_of: ClientOf, rows: Rows, what: str
) -> None:
    goal = makers.goal(world, scene.case)
    client_of(scene.samira).post(f"{scene.url}/{WRITES[what][0]}", values_of(what, goal), status=303)
    assert len(rows(LEFT)) == 2


def test_a_goal_is_not_taken_up_again_while_its_parcours_is_closed(
    scene: Scene, world: World, client_of: ClientOf, databases: Databases, rows: Rows
) -> None:
    goal = makers.goal(world, scene.case, status=GoalStatus.REACHED)
    told = {"gesture": "reopen", "version": "1"}
    answer = posted_while_closing(
        databases, scene, client_of(scene.samira), f"plan/objectifs/{goal.id}", told
    )
    assert answer.status_code == 409 and "Ce parcours est clos" in answer.get_data(as_text=True)
    assert rows(LEFT) == []


@pytest.mark.parametrize(
    ("what", "forgetful"),
    [
        ("etape", "cityjobs.plans.views.etapes.hold_parcours"),
        ("goal", "cityjobs.plans.views.board.hold_parcours"),
        ("step", "cityjobs.followups.views.hold_parcours"),
        ("exchange", "cityjobs.followups.views.hold_parcours"),
        ("agreement", "cityjobs.plans.views.agreements.hold_parcours"),
    ],
)
def test_the_database_refuses_what_a_page_that_forgot_to_wait_would_add(
    scene: Scene, world: World, client_of: ClientOf, databases: Databases, rows: Rows,
    monkeypatch: pytest.MonkeyPatch, what: str, forgetful: str,
) -> None:  # fmt: skip
    goal = makers.goal(world, scene.case)
    client = client_of(scene.samira)
    monkeypatch.setattr(forgetful, lambda _parcours: None)
    answer = posted_while_closing(databases, scene, client, WRITES[what][0], values_of(what, goal))
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409 and "Ce parcours vient d’être clos" in text
    assert "Code de la route puis conduite" in text or what != "etape"
    assert rows(LEFT) == [("goal",)] and rows("select from interview") == []


@pytest.mark.parametrize("status", [Status.SORTI, Status.NON_ENTREE])
def test_nothing_open_is_added_to_a_closed_parcours_by_any_query(
    world: World, databases: Databases, status: Status
) -> None:
    cite = world.cite("Roubaix")
    samira = world.member("referent", cite)
    case = world.case(cite, referent=samira, status=status)
    goal = makers.goal(world, case, status=GoalStatus.DROPPED)
    half = Diagnosis(
        id=uuid.uuid4(), **makers.ties(case), number=1, opened_on=case.parcours.spotted_on, author_id=samira.id
    )  # fmt: skip
    world.keep(half)
    ids = (cite.id, case.id, case.parcours.id, samira.id)
    for write, given in (
        ("insert into goal (id, cite_id, person_id, parcours_id, label, opened_on, created_by_id, created_at)"
         " values (gen_random_uuid(), %s, %s, %s, 'But', current_date, %s, now())", ids),
        ("update goal set status = 'open', settled_on = null where id = %s", (goal.id,)),
        ("update diagnosis set strengths = 'Ponctuelle' where id = %s", (half.id,)),
    ):  # fmt: skip
        with databases.connected_as(
            "cityjobs_web", user_id=samira.id, role="referent", cite_id=cite.id
        ) as web:
            assert web.execute(write, given).rowcount == 1
            with pytest.raises(psycopg.Error) as refused:
                web.execute("set constraints all immediate")
            assert refused.value.sqlstate == "PJ409"


def test_the_version_of_the_diagnosis_left_open_ends_with_the_parcours(
    scene: Scene, world: World, client_of: ClientOf, rows: Rows
) -> None:
    makers.frein(world, scene.case)
    client = client_of(scene.samira)
    client.post(f"{scene.url}/diagnostic/commencer", {}, status=303)
    page = client.get(f"{scene.url}/parcours/close")
    assert "Diagnostic, version 1" in page.main() and "Elle s’arrête là" in page.main()
    assert "Décidez" in client.post(f"{scene.url}/parcours/close", TOLD, status=422).errors()
    [(kept,)] = rows("select id from diagnosis")
    client.post(f"{scene.url}/parcours/close", {**TOLD, f"diagnosis_{kept.hex}": "finished"}, status=303)
    assert rows("select finished_on from diagnosis") == [(today(),)]
    assert rows("select code, status from frein_reading") == [("mobilite", "identifie")]


# An exit taken back


def test_no_situation_is_frozen_after_an_exit_being_taken_back(
    scene: Scene, world: World, client_of: ClientOf, databases: Databases, rows: Rows
) -> None:
    client = client_of(scene.samira)
    client.post(f"{scene.url}/parcours/close", TOLD, status=303)
    told = {"reached": "oui", "on": today().isoformat(), "situation": "de_inscrit_ft_indemnise"}
    path = f"situations/{scene.case.parcours.id}/exit"
    assert posted_while_closing(databases, scene, client, path, told, REOPENED).status_code == 404
    assert (
        rows("select status from parcours") == [("actif",)] and rows("select from situation_snapshot") == []
    )


def test_the_next_exit_has_its_own_situation(
    scene: Scene, world: World, client_of: ClientOf, rows: Rows
) -> None:
    client, url = client_of(scene.coordinator), f"{scene.url}/parcours"
    for situation in ("de_inscrit_ft_indemnise", "inactif_non_demandeur"):
        [(version,)] = rows("select version from parcours")
        said = {"situation": situation, "inscription_ft": "inscrit", "version": str(version)}
        client.post(f"{url}/close", {**TOLD, **said}, status=303)
        assert rows("select situation from situation_snapshot where moment = 'exit'") == [(situation,)]
        client.post(url, {"event": "reopen", "version": str(version + 1)}, status=303)
        assert rows("select from situation_snapshot") == rows("select from parcours_exit") == []


def test_an_exit_taken_back_gives_the_plan_back(
    scene: Scene, world: World, client_of: ClientOf, rows: Rows
) -> None:
    goal, other = makers.goal(world, scene.case), makers.goal(world, scene.case)
    begun = makers.etape(world, scene.case, goal, status=EtapeStatus.EN_ATTENTE)
    planned, done = makers.etape(world, scene.case, goal), makers.etape(world, scene.case, goal)
    before = makers.etape(world, scene.case, goal, status=EtapeStatus.ANNULEE)
    held = makers.agreement(world, scene.case, scene.samira, goal)
    step, called = (world.step(scene.case, scene.samira) for _ in range(2))
    state = """
select id, status, ended_on, abandon_reason from etape union all select id, status, settled_on, null from goal
union all select id, null, ended_on, null from agreement union all select id, state, settled_at::date, result from next_step
"""
    was = {row[0]: row[1:] for row in rows(state)}
    decided = {
        f"etape_{begun.id.hex}": "not_done", f"etape_{planned.id.hex}": "not_done", f"etape_{done.id.hex}": "done",
        f"goal_{goal.id.hex}": "dropped", f"goal_{other.id.hex}": "reached", f"agreement_{held.id.hex}": "ended",
        f"step_{step.id.hex}": "cancelled", f"step_{called.id.hex}": "done",
    }  # fmt: skip
    client, url = client_of(scene.coordinator), f"{scene.url}/parcours"
    client.post(f"{url}/close", {**TOLD, **decided}, status=303)
    closed = {row[0]: row[1:] for row in rows(state)}
    given_up = {begun.id, planned.id, goal.id, held.id, step.id}
    assert {each for each in was if was[each] != closed[each]} == {*given_up, done.id, other.id, called.id}
    page = client.get(f"{url}/reopen")
    assert "revient comme avant" in page.main()
    client.submit(page.form("/parcours"))
    expected = {each: was[each] if each in given_up else closed[each] for each in was}
    assert {row[0]: row[1:] for row in rows(state)} == expected
    assert expected[before.id] == was[before.id] and rows("select status from parcours") == [("actif",)]


def test_the_database_keeps_exits_and_what_follows_to_those_who_left(
    world: World, databases: Databases
) -> None:
    cite = world.cite("Roubaix")
    samira = world.member("referent", cite)
    case = world.case(cite, referent=samira)
    ids = (case.parcours.id, cite.id, case.id, samira.id)
    for write in (
        "insert into parcours_exit (parcours_id, cite_id, person_id, exit_type, category, ruleset_id, recorded_by_id, recorded_at)"
        " select %s, %s, %s, 'abandon', 'autre', id, %s, now() from exit_ruleset where code = 'iae'",
        "insert into situation_snapshot (id, parcours_id, cite_id, person_id, moment, taken_on, is_reached, recorded_by_id, recorded_at)"
        " values (gen_random_uuid(), %s, %s, %s, 'exit', current_date, false, %s, now())",
    ):
        with databases.connected_as(
            "cityjobs_web", user_id=samira.id, role="referent", cite_id=cite.id
        ) as web:
            assert web.execute(write, ids).rowcount == 1
            with pytest.raises(psycopg.errors.CheckViolation, match="that ended"):
                web.execute("set constraints all immediate")


# What is frozen


@pytest.mark.parametrize(
    "change",
    ["entry_gender = 'homme'", "entry_age = 20", "entry_in_qpv = true", "started_on = started_on + 1"],
)
@pytest.mark.parametrize("role", ["referent", "coordinator"])
def test_an_entry_is_frozen_for_whoever_writes(
    world: World, databases: Databases, role: str, change: str
) -> None:
    cite = world.cite("Roubaix")
    me = world.member(role, cite)
    entered, coming = (
        world.case(cite, referent=me, status=status) for status in (Status.ACTIF, Status.DIAGNOSTIC)
    )
    with databases.connected_as("cityjobs_web", user_id=me.id, role=role, cite_id=cite.id) as web:
        if not change.startswith("started"):
            written = web.execute(f"update parcours set {change} where id = %s", (coming.parcours.id,))  # type: ignore[arg-type]
            assert written.rowcount == 1
        with pytest.raises(psycopg.errors.RestrictViolation):
            web.execute(f"update parcours set {change} where id = %s", (entered.parcours.id,))  # type: ignore[arg-type]


def test_no_page_changes_an_exit(scene: Scene, client_of: ClientOf, databases: Databases) -> None:
    claire = scene.coordinator
    client_of(claire).post(f"{scene.url}/parcours/close", TOLD, status=303)
    with (
        databases.connected_as(
            "cityjobs_web", user_id=claire.id, role="coordinator", cite_id=claire.cite.id
        ) as web,
        pytest.raises(psycopg.errors.RestrictViolation),
    ):
        web.execute("update parcours_exit set months = 9")


def test_an_age_that_cannot_be_right_stops_neither_the_entry_nor_the_exit(
    world: World, client_of: ClientOf, rows: Rows
) -> None:
    cite = world.cite("Roubaix")
    claire = world.member("coordinator", cite)
    case = world.case(cite, status=Status.DIAGNOSTIC, birth_date=date(1900, 1, 1))
    client, url = client_of(claire), f"/personnes/{case.id}/parcours"
    client.submit(client.get(f"{url}/enroll").form("/parcours"), **ENTRY)
    [(version,)] = rows("select version from parcours")
    said = {"situation": "de_inscrit_ft_indemnise", "version": str(version)}
    client.post(f"{url}/close", {**TOLD, **said}, status=303)
    assert rows("select moment, age, gender from situation_snapshot order by moment") == [
        ("entry", None, "femme"),
        ("exit", None, "femme"),
    ]
    assert rows("select entry_age, status from parcours") == [(None, "sorti")]


def test_a_ruleset_changed_during_a_closing_is_read_again_before_it_counts(
    scene: Scene, client_of: ClientOf, databases: Databases, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = databases.superuser.execute
    [(own,)] = change(
        "insert into exit_ruleset (cite_id, code, label) values (%s, 'loc_ours', 'À nous') returning id",
        (scene.samira.cite.id,),
    ).fetchall()
    change("insert into exit_rule (ruleset_id, exit_type, category) values (%s, 'abandon', 'autre')", (own,))
    change("update cite set exit_ruleset_id = %s where id = %s", (own, scene.samira.cite.id))
    read = closing.find_reading_in_force
    changes = ["update exit_rule set category = 'neutre' where ruleset_id = %s"]

    def read_just_before(cite_id: uuid.UUID) -> Any:
        found = read(cite_id)
        if changes:
            change(changes.pop(), (own,))
        return found

    monkeypatch.setattr(closing, "find_reading_in_force", read_just_before)
    client = client_of(scene.samira)
    page = client.post(f"{scene.url}/parcours/close", TOLD, status=422)
    assert "vient de changer" in page.errors() and "Sortie neutre" in page.main()
    assert rows("select status from parcours") == [("actif",)] and rows("select from parcours_exit") == []
    client.submit(page.form("/parcours/close"), geste="clore")
    assert rows("select category from parcours_exit") == [("neutre",)]
