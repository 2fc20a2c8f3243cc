"""What the database itself refuses of the life of a parcours, its diagnosis and its plan, whatever the application says.

Asked as the worker, whom no policy holds back: what is refused here is refused to everybody.
"""

import uuid
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import errors

from cityjobs.core.clock import now, today
from cityjobs.diagnosis.models import Diagnosis, FreinReading
from cityjobs.diagnosis.rules import FreinStatus
from cityjobs.parcours.models import ExitRuleRow, ExitRuleset, Job, JobCheck, Snapshot, Suspension
from cityjobs.parcours.rules.exits import ExitCategory
from cityjobs.parcours.rules.jobs import CheckMoment, JobKind
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.parcours.rules.reasons import ExitReason
from cityjobs.parcours.rules.situations import Moment
from tests.conftest import Databases
from tests.plans import makers
from tests.proofs.conftest import Proof
from tests.world import Case, World

TEST = "guards of the database"


class Scene:
    """Two persons of a Cité and one of another, with something of everything, named for the statements below."""

    def __init__(self, world: World) -> None:
        here, there = world.cite("Roubaix"), world.cite("Calais")
        self.world = world
        self.named: dict[str, Any] = {"national": self._national(), "new": uuid.uuid4()}
        self.referent = world.member("referent", here)
        self._person("one", world.case(here, referent=self.referent))
        self._person("two", world.case(here, referent=self.referent))
        self._person("far", world.case(there))
        for name, status in (
            ("paused", Status.SUSPENDU),
            ("hired", Status.SUIVI_EMPLOI),
            ("gone", Status.SORTI),
        ):
            self._name(name, world.case(here, referent=self.referent, status=status))
        theirs = ExitRuleset(
            id=uuid.uuid4(), cite_id=there.id, code="loc_iae", label="La leur", created_at=now()
        )
        world.keep(theirs)
        world.keep(
            ExitRuleRow(ruleset_id=theirs.id, exit_type=ExitReason.ABANDON, category=ExitCategory.AUTRE)
        )
        self.named["their_ruleset"] = theirs.id

    def _national(self) -> uuid.UUID:
        found = self.world.session.query(ExitRuleset).filter_by(code="iae", cite_id=None).one()
        return found.id

    def _name(self, name: str, case: Case) -> None:
        self.named |= {f"{name}_{key.removesuffix('_id')}": value for key, value in makers.ties(case).items()}

    def _person(self, name: str, case: Case) -> None:
        """Somebody with a goal, an étape, an agreement, a diagnosis that is finished, a frein, a job that ended."""
        world, ties = self.world, makers.ties(case)
        self._name(name, case)
        of_person = {key: ties[key] for key in ("cite_id", "person_id")}
        goal, frein = makers.goal(world, case), makers.frein(world, case)
        since = case.parcours.started_on
        assert since is not None
        job = Job(
            id=uuid.uuid4(), **ties, kind=JobKind.CONTRACT, contract="cdi", started_on=since, ended_on=today(), end_reason="demission",
            created_at=now(),
        )  # fmt: skip
        finished = Diagnosis(
            id=uuid.uuid4(),
            **ties,
            number=1,
            opened_on=today(),
            finished_on=today(),
            author_id=self.referent.id,
        )
        pause = Suspension(
            id=uuid.uuid4(), **ties, reason="autre", started_on=since, expected_end_on=today(), ended_on=since + timedelta(days=1),
            created_at=now(),
        )  # fmt: skip
        snapshot = Snapshot(id=uuid.uuid4(), **ties, moment=Moment.ENTRY, taken_on=today(), recorded_at=now())
        world.keep(job, finished, pause, snapshot)
        check = JobCheck(
            id=uuid.uuid4(), **of_person, job_id=job.id, moment=CheckMoment.J8, done_on=today(), in_job=True, recorded_at=now()
        )  # fmt: skip
        reading = FreinReading(
            id=uuid.uuid4(), **of_person, diagnosis_id=finished.id, code="sante", status=FreinStatus.IDENTIFIE, is_priority=False
        )  # fmt: skip
        world.keep(check, reading)
        held = makers.agreement(world, case, self.referent, goal)
        rows = {"goal": goal, "frein": frein, "etape": makers.etape(world, case, goal), "agreement": held, "job": job,
                "diagnosis": finished, "check": check, "reading": reading, "pause": pause, "snapshot": snapshot}  # fmt: skip
        self.named |= {f"{name}_{key}": row.id for key, row in rows.items()}


EXIT = (
    "insert into parcours_exit (parcours_id, cite_id, person_id, exit_type, category, ruleset_id, months, evidence, evidence_seen_on,"
    " recorded_at) values (%(gone_parcours)s, %(gone_cite)s, %(gone_person)s, {}, now())"
)
PAUSE = (
    "insert into suspension (id, cite_id, person_id, parcours_id, reason, started_on, expected_end_on, created_at)"
    " values (%(new)s, %(paused_cite)s, %(paused_person)s, %(paused_parcours)s, 'autre', current_date, current_date + 9, now())"
)
JOB = (
    "insert into job (id, cite_id, person_id, parcours_id, kind, contract, started_on, created_at)"
    " values (%(new)s, %(hired_cite)s, %(hired_person)s, %(hired_parcours)s, 'contract', 'cdi', current_date, now())"
)
AGREEMENT = (
    "insert into agreement (id, cite_id, person_id, parcours_id, number, agreed_on, review_on, way, created_by_id, created_at)"
    " select %(new)s, cite_id, person_id, parcours_id, 2, agreed_on, review_on, way, created_by_id, now() from agreement"
    " where id = %(one_agreement)s"
)
TOWARDS = "insert into etape_goal (etape_id, goal_id, cite_id, person_id, parcours_id) values (%(one_etape)s, {}, {})"
OF_ONE, OF_TWO = (f"%({who}_cite)s, %({who}_person)s, %({who}_parcours)s" for who in ("one", "two"))

GUARDS: dict[str, tuple[type[psycopg.Error], str]] = {
    "an exit counts as its ruleset says":
        (errors.CheckViolation, EXIT.format("'abandon', 'durable', %(national)s, null, null, null")),
    "an exit is proved where its ruleset asks for it":
        (errors.CheckViolation, EXIT.format("'cdi', 'durable', %(national)s, 8, null, null")),
    "an exit is not read by the ruleset of another Cité":
        (errors.CheckViolation, EXIT.format("'abandon', 'autre', %(their_ruleset)s, null, null, null")),
    "a parcours that is suspended has one suspension under way": (errors.UniqueViolation, PAUSE),
    "a parcours has one job under way": (errors.UniqueViolation, JOB),
    "a parcours has one agreement in force": (errors.UniqueViolation, AGREEMENT),
    "an étape leads to goals of its own parcours":
        (errors.ForeignKeyViolation, TOWARDS.format("%(two_goal)s", OF_ONE)),
    "an étape is tied to goals in its own parcours":
        (errors.ForeignKeyViolation, TOWARDS.format("%(two_goal)s", OF_TWO)),
    "a goal is about a frein of its own parcours":
        (errors.ForeignKeyViolation, "update goal set frein_id = %(two_frein)s where id = %(one_goal)s"),
    "an agreement is about goals of its own parcours":
        (errors.ForeignKeyViolation, "insert into agreement_goal (agreement_id, goal_id, label, cite_id, person_id, parcours_id)"
                                     f" values (%(one_agreement)s, %(two_goal)s, 'x', {OF_ONE})"),
    "nobody is still in a job that is over":
        (errors.CheckViolation, "insert into job_check (id, cite_id, person_id, job_id, moment, done_on, in_job, recorded_at)"
                                " values (%(new)s, %(one_cite)s, %(one_person)s, %(one_job)s, 'm1', current_date + 2, true, now())"),
    "a check is about a job of the same person":
        (errors.ForeignKeyViolation, "insert into job_check (id, cite_id, person_id, job_id, moment, done_on, in_job, recorded_at)"
                                     " values (%(new)s, %(one_cite)s, %(one_person)s, %(two_job)s, 'm1', current_date, true, now())"),
    "a reading is in a diagnosis of the same person":
        (errors.ForeignKeyViolation, "insert into frein_reading (id, cite_id, person_id, diagnosis_id, code, status, is_priority)"
                                     " values (%(new)s, %(one_cite)s, %(one_person)s, %(two_diagnosis)s, 'logement', 'identifie', false)"),
    "a check that was noted never changes": (errors.RestrictViolation, "update job_check set in_job = false where id = %(one_check)s"),
    "a situation once frozen never changes": (errors.RestrictViolation, "update situation_snapshot set age = 30 where id = %(one_snapshot)s"),
    "a situation of the entry is never taken away": (errors.RestrictViolation, "delete from situation_snapshot where id = %(one_snapshot)s"),
    "what an agreement was about never changes":
        (errors.RestrictViolation, "update agreement_goal set label = 'x' where agreement_id = %(one_agreement)s"),
    "a diagnosis once finished never changes": (errors.RestrictViolation, "update diagnosis set project = 'x' where id = %(one_diagnosis)s"),
    "a reading of a frein never changes": (errors.RestrictViolation, "update frein_reading set severity = 3 where id = %(one_reading)s"),
    "a goal is never of another Cité than its parcours":
        (errors.ForeignKeyViolation, "update goal set cite_id = %(far_cite)s where id = %(one_goal)s"),
}  # fmt: skip
"""Each guard, what it answers, and the statement that it refuses."""


@pytest.fixture
def scene(world: World) -> Scene:
    return Scene(world)


@pytest.mark.parametrize("guard", GUARDS)
def test_the_database_refuses(scene: Scene, databases: Databases, guard: str) -> None:
    refusal, statement = GUARDS[guard]
    with databases.connected_as("cityjobs_worker") as connection, pytest.raises(refusal):
        connection.execute(statement, scene.named)  # type: ignore[call-overload]
        connection.execute("set constraints all immediate")


def test_a_category_is_read_again_at_each_change(scene: Scene, databases: Databases) -> None:
    """Written right, an exit is taken; changed by itself, its category is not."""
    right = EXIT.format("'cdi', 'durable', %(national)s, 8, 'contrat', current_date")
    with databases.connected_as("cityjobs_worker") as connection:
        connection.execute(right, scene.named)  # type: ignore[call-overload]
        with pytest.raises(errors.CheckViolation):
            connection.execute("update parcours_exit set category = 'positive'")


def test_what_is_right_is_taken(scene: Scene, databases: Databases, proof: Proof) -> None:
    """The statements above are refused for what they say of others, not for their form."""
    right = [
        EXIT.format("'abandon', 'autre', %(national)s, null, null, null"),
        TOWARDS.format("%(one_goal)s", OF_ONE) + " on conflict do nothing",
        "update goal set frein_id = %(one_frein)s where id = %(one_goal)s",
        "update agreement set ended_on = current_date where id = %(one_agreement)s",
        AGREEMENT,
    ]
    with databases.connected_as("cityjobs_worker") as connection:
        for statement in right:
            connection.execute(statement, scene.named)  # type: ignore[call-overload]
        connection.execute("set constraints all immediate")
    proof.at_least(TEST, "guards of the whole parcours tried against the database", len(GUARDS), 19)
