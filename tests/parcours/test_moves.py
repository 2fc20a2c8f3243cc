"""Moves of a parcours: one table, kept by the rules, by the pages and by the database; of two at once, one wins."""

import random
import threading
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from cityjobs.core.clock import today
from cityjobs.core.db import Actor, act_as, db
from cityjobs.core.grants import Role
from cityjobs.parcours.actions import MoveRefused, move_parcours
from cityjobs.parcours.models import Exit, Job, Parcours, Suspension, Transition
from cityjobs.parcours.queries.exits import find_reading_in_force
from cityjobs.parcours.rules.jobs import Hiring, JobKind, end_refusal
from cityjobs.parcours.rules.lifecycle import (
    CLOSED_STATUSES,
    EVENT_LABELS,
    TRANSITIONS,
    Custom,
    Event,
    Leaving,
    Move,
    Status,
    events_from,
    may,
    refusals,
)
from cityjobs.parcours.rules.reasons import ExitReason, NonEntryReason
from cityjobs.people.models import Person
from cityjobs.territory.models import Cite
from tests.conftest import Databases
from tests.manners import Element, Page, PageClient
from tests.world import Case, Member, World

ClientOf = Callable[[Any], PageClient]
TODAY = date(2026, 11, 23)
EVERY_PAIR = [(status, event) for status in Status for event in Event]

EXPECTED = """
repere contact_ok contacte
repere first_met rencontre
contacte first_met rencontre
rencontre start_assessment diagnostic
diagnostic propose en_validation commission
diagnostic enroll actif alone
en_validation enroll actif coordinator
repere decline non_entree
contacte decline non_entree
rencontre decline non_entree
diagnostic decline non_entree
en_validation decline non_entree coordinator
actif suspend suspendu
suspendu resume actif
actif hire suivi_emploi
suivi_emploi contract_broken actif
actif close sorti
suspendu close sorti
suivi_emploi close sorti
sorti reopen before coordinator
"""
"""domain.md §5.2 A, written again: from, event, to, and who or where: all, only with a commission, only without, the coordinator."""
TABLE = {
    (Status(line.split()[0]), Event(line.split()[1])): (line.split()[2], [*line.split(), ""][3])
    for line in EXPECTED.strip().splitlines()
}
ANSWERS: dict[Event, dict[str, Any]] = {
    Event.DECLINE: {"reason": "injoignable"},
    Event.SUSPEND: {"reason": "formation_longue", "until": (today() + timedelta(days=60)).isoformat()},
    Event.HIRE: {"kind": "contract", "contract": "cdi", "employer": "La Régie"},
    Event.CONTRACT_BROKEN: {"reason": "periode_essai"},
    Event.CLOSE: {"reason": "abandon", "geste": "clore"},
    Event.ENROLL: {
        "situation": "de_non_inscrit",
        "inscription_ft": "non_inscrit_jamais",
        "organisme_referent": "aucun",
        "months_without_job": "24m_plus",
        "education": "n3",
        "household": "parent_isole",
        "resources": ["rsa"],
    },
}
REASONS = {
    Event.DECLINE: "injoignable",
    Event.CLOSE: "abandon",
    Event.SUSPEND: "formation_longue",
    Event.CONTRACT_BROKEN: "periode_essai",
}


@pytest.fixture
def roubaix(world: World) -> Cite:
    return world.cite("Roubaix")


def parcours_of(world: World, case: Case) -> Parcours:
    world.session.rollback()
    world.session.expire_all()
    return world.session.get_one(Parcours, case.parcours.id)


def history_of(world: World, case: Case) -> list[Transition]:
    lines = sa.select(Transition).where(Transition.parcours_id == case.parcours.id)
    return list(world.session.scalars(lines.order_by(Transition.recorded_at)))


def url(case: Case, event: str = "") -> str:
    return f"/personnes/{case.id}/parcours" + (f"/{event}" if event else "")


def where(case: Case, event: Event) -> str:
    """Where the answers of an event are sent."""
    return url(case, event) if event is Event.CLOSE else url(case)


def answers(event: Event, **more: Any) -> dict[str, Any]:
    return {"event": event.value, "on": today().isoformat(), "version": "1", **ANSWERS.get(event, {}), **more}


def closed_from(world: World, cite: Cite, was: Status, referent: Member | None = None, **facts: Any) -> Case:
    """Somebody whose parcours ended ten days ago, from a status."""
    case = world.case(cite, status=Status.SORTI, referent=referent, **facts)
    parcours = world.session.get_one(Parcours, case.parcours.id)
    parcours.ended_on = today() - timedelta(days=10)
    of = {"cite_id": cite.id, "person_id": case.id, "parcours_id": parcours.id}
    world.keep(
        parcours,
        Transition(
            event=Event.CLOSE,
            from_status=was,
            to_status=Status.SORTI,
            happened_on=parcours.ended_on,
            reason="cdi",
            **of,
        ),
    )
    made = {"started_on": parcours.started_on, "created_at": sa.func.now(), **of}
    if was is Status.SUSPENDU:
        end = {"expected_end_on": parcours.ended_on, "ended_on": parcours.ended_on}
        world.keep(Suspension(id=uuid.uuid4(), reason="autre", **end, **made))
    if was is Status.SUIVI_EMPLOI:
        world.keep(Job(id=uuid.uuid4(), kind=JobKind.CONTRACT, contract="cdi", **made))
    return case


def standing(world: World, cite: Cite, status: Status, referent: Member) -> Case:
    """Somebody at a status, who can be moved from there in every way that the table says."""
    if status is Status.SORTI:
        return closed_from(world, cite, Status.ACTIF, referent)
    return world.case(cite, status=status, referent=referent)


# The table


def expected(status: Status, event: Event, role: Role, uses_commission: bool) -> str | None:
    """What the table above says: a status, « refused » or None when the event does not leave from there."""
    if (status, event) not in TABLE:
        return None
    arrival, who = TABLE[status, event]
    allowed = (
        role in (Role.REFERENT, Role.COORDINATOR)
        and {
            "": True,
            "commission": uses_commission,
            "alone": not uses_commission,
            "coordinator": role is Role.COORDINATOR,
        }[who]
    )
    return arrival if allowed else "refused"


def test_the_table_of_the_rules_is_the_one_of_the_trade() -> None:
    assert {pair: arrival or "before" for pair, arrival in TRANSITIONS.items()} == {
        pair: arrival for pair, (arrival, _) in TABLE.items()
    }


@pytest.mark.parametrize("uses_commission", [True, False])
@pytest.mark.parametrize("role", Role)
def test_who_may_is_what_the_trade_says(role: Role, uses_commission: bool) -> None:
    custom = Custom(uses_commission)
    for status, event in EVERY_PAIR:
        wanted = expected(status, event, role, uses_commission)
        assert may(role, status, event, custom) == (wanted not in (None, "refused")), (status, event)
    for status in Status:
        assert events_from(status, role, custom) == [e for e in Event if may(role, status, e, custom)]


@pytest.mark.parametrize("uses_commission", [True, False])
@pytest.mark.parametrize("status", Status)
def test_every_event_from_each_status_as_each_role_on_the_pages(
    world: World, client_of: ClientOf, status: Status, uses_commission: bool
) -> None:
    cite = world.cite("Roubaix", uses_commission=uses_commission)
    members = {
        Role.REFERENT: world.member("referent", cite),
        Role.COORDINATOR: world.member("coordinator", cite),
    }
    for role, member in members.items():
        client = client_of(member)
        for event in Event:
            case = standing(world, cite, status, members[Role.REFERENT])
            before = len(history_of(world, case))
            wanted = expected(status, event, role, uses_commission)
            asked = {None: 409, "refused": 403}.get(wanted, 200)
            got = {None: 409, "refused": 403}.get(wanted, 303)
            shown = client.get(url(case, event), status=asked)
            posted = client.post(
                where(case, event), answers(event, version=str(case.parcours.version)), status=got
            )
            parcours, history = parcours_of(world, case), history_of(world, case)
            if got != 303:
                assert (parcours.status, len(history)) == (status, before), (role, event)
                assert got == 403 or "Rien n’a été enregistré" in posted.main()
                continue
            assert EVENT_LABELS[event] in shown.all("h1")[0].text() and len(history) == before + 1
            assert posted.location == f"/personnes/{case.id}"
            line = history[-1]
            arrival = Status.ACTIF if wanted == "before" else Status(wanted)
            assert (line.event, line.from_status, line.to_status) == (event, status, arrival)
            assert (line.happened_on, line.reason, parcours.status) == (today(), REASONS.get(event), arrival)
            assert line.recorded_by_id == member.id
            assert (parcours.ended_on, parcours.end_reason) == (
                (today(), REASONS[event]) if arrival in CLOSED_STATUSES else (None, None)
            )


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.REFERENT, Role.COORDINATOR)])
def test_no_other_role_moves_anything(world: World, roubaix: Cite, client_of: ClientOf, role: Role) -> None:
    member = world.member(role, roubaix)
    case = world.case(roubaix, spotted_by=member if role is Role.SPOTTER else None)
    for event in Event:
        client_of(member).get(url(case, event), status=403)
        client_of(member).post(where(case, event), answers(event), status=403)
    assert parcours_of(world, case).status == Status.ACTIF


# The database


def test_the_database_keeps_the_same_table(databases: Databases) -> None:
    with databases.connected_as("cityjobs_web") as connection:
        kept = {
            tuple(row) for row in connection.execute("select from_status, to_status from app.parcours_move")
        }
    back = {(Status.SORTI, start) for start, event in TRANSITIONS if event is Event.CLOSE}
    assert kept == {(str(a), str(b)) for (a, _), b in TRANSITIONS.items() if b} | {
        (str(a), str(b)) for a, b in back
    }


MOVED = (
    "update parcours set status = %(to)s, started_on = coalesce(started_on, current_date),"
    " ended_on = case when %(closes)s then current_date end, end_reason = case when %(closes)s then 'autre' end where id = %(id)s"
)


def move_to(web: psycopg.Connection[Any], case: Case, end: Status) -> int:
    told = {"to": str(end), "closes": end in CLOSED_STATUSES, "id": case.parcours.id}
    return web.execute(MOVED, told).rowcount


@pytest.mark.parametrize("role", ["referent", "coordinator"])
@pytest.mark.parametrize("start", Status)
def test_the_database_refuses_every_other_move(
    world: World, databases: Databases, start: Status, role: str
) -> None:
    cite = world.cite("Roubaix", uses_commission=True)
    member, referent = world.member(role, cite), world.member("referent", cite)
    case = standing(world, cite, start, member if role == "referent" else referent)
    allowed = {
        Status.ACTIF if arrival == "before" else Status(arrival)
        for (status, event), (arrival, _) in TABLE.items()
        if status is start and expected(status, event, Role(role), True) != "refused"
    }
    for end in Status:
        if end is start:
            continue
        with databases.connected_as("cityjobs_web", user_id=member.id, role=role, cite_id=cite.id) as web:
            if end in allowed:
                assert move_to(web, case, end) == 1
            else:
                with pytest.raises(psycopg.errors.CheckViolation):
                    move_to(web, case, end)


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (Status.ACTIF, Status.SUSPENDU, "suspended"),
        (Status.SUSPENDU, Status.ACTIF, "suspended"),
        (Status.SUSPENDU, Status.SORTI, "suspended"),
        (Status.ACTIF, Status.SUIVI_EMPLOI, "follows a job"),
        (Status.SUIVI_EMPLOI, Status.ACTIF, "follows a job"),
    ],
)
def test_a_status_never_says_other_than_its_suspension_and_its_job(
    world: World, roubaix: Cite, databases: Databases, start: Status, end: Status, said: str
) -> None:
    case, me = world.case(roubaix, status=start), world.member("coordinator", roubaix)
    with databases.connected_as("cityjobs_web", user_id=me.id, role="coordinator", cite_id=roubaix.id) as web:
        move_to(web, case, end)
        with pytest.raises(psycopg.errors.CheckViolation, match=said):
            web.commit()
    assert parcours_of(world, case).status == start


def test_without_a_commission_nobody_is_proposed_and_with_one_nobody_enters_alone(
    world: World, databases: Databases
) -> None:
    for uses_commission, end in ((False, Status.EN_VALIDATION), (True, Status.ACTIF)):
        cite = world.cite("Roubaix", uses_commission=uses_commission)
        me, case = world.member("coordinator", cite), world.case(cite, status=Status.DIAGNOSTIC)
        with (
            databases.connected_as("cityjobs_web", user_id=me.id, role="coordinator", cite_id=cite.id) as web,
            pytest.raises(psycopg.errors.CheckViolation, match="commission"),
        ):
            move_to(web, case, end)


def test_an_exit_is_taken_back_within_thirty_days_to_where_it_came_from_by_the_coordinator_alone(
    world: World, roubaix: Cite, databases: Databases
) -> None:
    referent, me = world.member("referent", roubaix), world.member("coordinator", roubaix)
    case = closed_from(world, roubaix, Status.ACTIF, referent)
    old = closed_from(world, roubaix, Status.ACTIF, referent, days_ago=90)
    parcours = parcours_of(world, old)
    parcours.ended_on = today() - timedelta(days=31)
    world.keep(parcours)
    back = "update parcours set status = %s, ended_on = null, end_reason = null where id = %s"
    for who, role, about, end, match in (
        (referent, "referent", case, "actif", "by the coordinator"),
        (me, "coordinator", old, "actif", "30 days"),
        (me, "coordinator", case, "suspendu", "where the parcours stood"),
    ):
        with (
            databases.connected_as("cityjobs_web", user_id=who.id, role=role, cite_id=roubaix.id) as web,
            pytest.raises(psycopg.errors.CheckViolation, match=match),
        ):
            web.execute(back, (end, about.parcours.id))
    with databases.connected_as("cityjobs_web", user_id=me.id, role="coordinator", cite_id=roubaix.id) as web:
        assert web.execute(back, ("actif", case.parcours.id)).rowcount == 1


# What a move is refused for


@given(
    st.sampled_from(Status),
    st.sampled_from(Event),
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.one_of(st.none(), st.sampled_from([*ExitReason, *NonEntryReason]), st.text()),
    st.one_of(st.none(), st.dates(date(2020, 1, 1), date(2030, 1, 1))),
    st.dates(date(2020, 1, 1), TODAY),
    st.one_of(st.none(), st.dates(date(2026, 9, 1), TODAY)),
    st.sampled_from(["cdi", "cdi_inclusion", "cdd_6m_plus", "cdd_moins_6m", "interim"]),
)
def test_a_move_is_refused_exactly_when_it_should_be(
    status: Status,
    event: Event,
    on: date,
    reason: str | None,
    until: date | None,
    not_before: date,
    ended_on: date | None,
    contract: str,
) -> None:
    hiring = Hiring(JobKind.CONTRACT, contract, on, expected_end_on=until)
    move = Move(event, on, reason, until=until, hiring=hiring)
    said = refusals(status, move, today=TODAY, not_before=not_before, ended_on=ended_on)
    fits = (
        (status, event) in TRANSITIONS
        and not_before <= on <= TODAY
        and (event is not Event.DECLINE or reason in set(NonEntryReason))
        and (event is not Event.CLOSE or reason in set(ExitReason))
        and (event is not Event.CONTRACT_BROKEN or bool(reason))
        and (event is not Event.HIRE or until is None or ends_as_agreed(contract, on, until))
        and (event is not Event.REOPEN or (ended_on is not None and (TODAY - ended_on).days <= 30))
        and (
            event is not Event.SUSPEND
            or bool(reason and until and on <= until and months_after(on, 6) >= until)
        )
    )
    assert (not said) == fits
    assert all(each.sentence.endswith(".") for each in said)


def ends_as_agreed(contract: str, on: date, until: date) -> bool:
    """Whether a contract may begin on a day and end on another."""
    if contract.startswith("cdi") or until < on:
        return False
    is_long = until + timedelta(days=1) >= months_after(on, 6)
    return {"cdd_6m_plus": is_long, "cdd_moins_6m": not is_long}.get(contract, True)


@pytest.mark.parametrize(
    ("contract", "until", "said"),
    [
        ("cdi", date(2027, 11, 22), "Un CDI n’a pas de fin prévue"),
        ("cdi_inclusion", date(2027, 11, 22), "Un CDI n’a pas de fin prévue"),
        ("cdi", None, None),
        ("cdd_6m_plus", date(2026, 12, 1), "avant six mois"),
        ("cdd_6m_plus", date(2027, 5, 21), "avant six mois"),
        ("cdd_6m_plus", date(2027, 5, 22), None),
        ("cdd_6m_plus", None, None),
        ("cdd_moins_6m", date(2027, 5, 21), None),
        ("cdd_moins_6m", date(2027, 5, 22), "six mois ou plus"),
        ("cdd_moins_6m", date(2026, 11, 22), "précède le début"),
        ("cdd_moins_6m", None, None),
        ("interim", date(2026, 12, 1), None),
        ("interim", date(2028, 12, 1), None),
    ],
)
def test_an_expected_end_goes_with_its_contract(contract: str, until: date | None, said: str | None) -> None:
    refused = end_refusal(Hiring(JobKind.CONTRACT, contract, date(2026, 11, 23), expected_end_on=until))
    assert (refused is None) if said is None else (said in str(refused))


def months_after(day: date, months: int) -> date:
    """The same day of a later month, or its last day."""
    year, month = divmod(day.month - 1 + months, 12)
    for number in (day.day, 30, 29, 28):
        try:
            return date(day.year + year, month + 1, number)
        except ValueError:
            continue
    raise AssertionError(day)


# Walks


class Walker:
    """Somebody at random on the table, as the application does it: each refusal is put back, each move is kept."""

    def __init__(self, app: Flask, world: World, seed: int) -> None:
        self.chance, self.world, self.app = random.Random(seed), world, app  # noqa: S311 - the same walks each time
        self.cite = world.cite("Roubaix", uses_commission=self.chance.random() < 0.5)
        self.me = world.member("coordinator", self.cite)
        self.case = world.case(self.cite, status=Status.REPERE, days_ago=400)
        self.clock = today() - timedelta(days=400)
        self.refused = 0

    def go(self, steps: int) -> None:
        """Try events at random."""
        with self.app.app_context():
            act_as(Actor(self.me.id, "coordinator", self.cite.id))
            for _ in range(steps):
                event = self.chance.choice(list(Event))
                try:
                    self.try_out(event)
                    db.session.commit()
                except (MoveRefused, sa.exc.IntegrityError, sa.exc.DBAPIError):
                    db.session.rollback()
                    self.refused += 1

    def try_out(self, event: Event) -> None:
        """One event on some day, whatever the table says of it."""
        parcours = db.session.get_one(Parcours, self.case.parcours.id, with_for_update=True)
        person = db.session.get_one(Person, self.case.id)
        on = self.clock + timedelta(days=self.chance.randint(-4, 25))
        reading = find_reading_in_force(self.cite.id)
        evidence = self.chance.random() < 0.7
        move = Move(
            event,
            on,
            {
                Event.DECLINE: "autre",
                Event.SUSPEND: "autre",
                Event.CONTRACT_BROKEN: "demission",
                Event.CLOSE: "cdi",
            }.get(event),
            until=on + timedelta(days=self.chance.randint(-2, 200)),
            hiring=Hiring(JobKind.CONTRACT, "cdi", on),
            leaving=Leaving(
                reading.ruleset.id,
                reading.rules,
                7,
                "contrat" if evidence else None,
                on if evidence else None,
            ),
        )
        move_parcours(parcours, person, move, today=on, recorded_by=self.me.id)
        self.clock = max(self.clock, on)


@pytest.mark.parametrize("seed", range(12))
def test_any_walk_leaves_a_life_that_holds_together(app: Flask, world: World, seed: int) -> None:
    walker = Walker(app, world, seed)
    walker.go(60)
    parcours, history = parcours_of(world, walker.case), history_of(world, walker.case)
    assert history and walker.refused
    # The history is complete: it leads from the beginning to where one stands, by moves of the table.
    at = Status.REPERE
    for line in history:
        assert line.from_status == at and (Status(line.from_status), Event(line.event)) in TRANSITIONS
        at = Status(line.to_status)
    assert parcours.status == at
    # Days are in order, but for exits taken back.
    kept = [line.happened_on for line in history if line.event not in (Event.CLOSE, Event.REOPEN)]
    assert kept == sorted(kept) and all(parcours.spotted_on <= day for day in kept)
    days = [
        parcours.spotted_on,
        parcours.contacted_on,
        parcours.met_on,
        parcours.diagnosed_on,
        parcours.started_on,
        parcours.ended_on,
    ]
    told = [day for day in days if day]
    assert told == sorted(told)
    # One suspension, one job, one exit: when the status says so.
    of = lambda kind: list(world.session.scalars(sa.select(kind).where(kind.parcours_id == parcours.id)))  # noqa: E731
    assert len([s for s in of(Suspension) if s.ended_on is None]) == (at is Status.SUSPENDU)
    jobs = [job for job in of(Job) if job.ended_on is None]
    assert len(jobs) == 1 if at is Status.SUIVI_EMPLOI else len(jobs) <= (at is Status.SORTI)
    assert len(of(Exit)) == (at is Status.SORTI)
    assert (parcours.ended_on is None) == (parcours.end_reason is None) == (at not in CLOSED_STATUSES)
    world.session.rollback()


# What a move asks


@pytest.mark.parametrize(
    ("event", "status", "wrong", "said"),
    [
        (
            Event.FIRST_MET,
            Status.CONTACTE,
            {"on": (today() + timedelta(days=1)).isoformat()},
            "dans le futur",
        ),
        (
            Event.FIRST_MET,
            Status.CONTACTE,
            {"on": (today() - timedelta(days=300)).isoformat()},
            "précède l’étape d’avant",
        ),
        (Event.FIRST_MET, Status.CONTACTE, {"on": "31/02/2026"}, "n’est pas reconnue"),
        (Event.FIRST_MET, Status.CONTACTE, {"on": ""}, "Indiquez le jour"),
        (Event.DECLINE, Status.CONTACTE, {"reason": ""}, "Indiquez pourquoi"),
        (Event.DECLINE, Status.CONTACTE, {"reason": "cdi"}, "n’existe pas dans la liste"),
        (Event.SUSPEND, Status.ACTIF, {"reason": ""}, "Indiquez pourquoi"),
        (Event.SUSPEND, Status.ACTIF, {"reason": "malade"}, "n’existe pas dans la liste"),
        (
            Event.SUSPEND,
            Status.ACTIF,
            {"until": (today() + timedelta(days=200)).isoformat()},
            "six mois au plus",
        ),
        (
            Event.SUSPEND,
            Status.ACTIF,
            {"until": (today() - timedelta(days=2)).isoformat()},
            "précède le début",
        ),
        (Event.SUSPEND, Status.ACTIF, {"until": ""}, "où vous pensez reprendre"),
        (Event.HIRE, Status.ACTIF, {"contract": "emploi_franc"}, "n’est plus proposé"),
        (Event.HIRE, Status.ACTIF, {"weekly_hours": "quarante"}, "par exemple 35"),
        (
            Event.HIRE,
            Status.ACTIF,
            {"expected_end_on": (today() - timedelta(days=2)).isoformat()},
            "précède le début",
        ),
        (
            Event.HIRE,
            Status.ACTIF,
            {"contract": "cdi", "expected_end_on": (today() + timedelta(days=300)).isoformat()},
            "pas de fin prévue",
        ),
        (
            Event.HIRE,
            Status.ACTIF,
            {"contract": "cdd_6m_plus", "expected_end_on": (today() + timedelta(days=8)).isoformat()},
            "avant six mois",
        ),
        (Event.CONTRACT_BROKEN, Status.SUIVI_EMPLOI, {"reason": ""}, "Indiquez pourquoi"),
        (Event.ENROLL, Status.DIAGNOSTIC, {"education": ""}, "Choisissez une réponse"),
        (Event.ENROLL, Status.DIAGNOSTIC, {"inscription_ft": ""}, "inscrite à France Travail"),
        (Event.ENROLL, Status.DIAGNOSTIC, {"resources": ["aucune", "rsa"]}, "décochez"),
        (Event.ENROLL, Status.DIAGNOSTIC, {"resources": []}, "Cochez au moins"),
        (
            Event.ENROLL,
            Status.DIAGNOSTIC,
            {"children": "1", "children_under_3": "2"},
            "plus d’enfants de moins de 3 ans",
        ),
        (Event.ENROLL, Status.DIAGNOSTIC, {"children": "beaucoup"}, "en chiffres"),
    ],
)
def test_a_refusal_is_said_at_its_field(
    world: World,
    roubaix: Cite,
    client_of: ClientOf,
    event: Event,
    status: Status,
    wrong: dict[str, Any],
    said: str,
) -> None:
    case = world.case(roubaix, status=status)
    client = client_of(world.member("coordinator", roubaix))
    page = client.post(url(case), answers(event, **wrong), status=422)
    field = list(wrong)[-1]
    marked = {
        e.attributes.get("name") or e.attributes.get("id")
        for e in page.all("*")
        if "wrong" in e.attributes.get("class", "").split()
        for e in [*e.all("*"), e]
    }
    assert field in marked and said in page.errors()
    if field == "on":
        assert page.form("/parcours").values["on"] == wrong["on"]
    assert parcours_of(world, case).status == status


def test_what_closing_entails_is_said_before(world: World, roubaix: Cite, client_of: ClientOf) -> None:
    client = client_of(world.member("coordinator", roubaix))
    assert "Les relances s’arrêtent" in client.get(url(world.case(roubaix), Event.CLOSE)).main()
    entering = client.get(url(world.case(roubaix, status=Status.DIAGNOSTIC), Event.ENROLL)).main()
    assert "âge inconnu" in entering and "Complétez-la avant" in entering


def test_an_event_that_does_not_exist_is_not_a_page(world: World, roubaix: Cite, client_of: ClientOf) -> None:
    client = client_of(world.member("coordinator", roubaix))
    case = world.case(roubaix)
    client.get(url(case, "pigeon"), status=404)
    client.post(url(case), {"event": "pigeon"}, status=400)
    client.post(url(case), {}, status=400)


# Who


def test_who_may_move(world: World, roubaix: Cite, client_of: ClientOf, client: PageClient) -> None:
    mine, spotter = world.member("referent", roubaix), world.member("spotter", roubaix)
    case = world.case(roubaix, referent=mine, spotted_by=spotter)
    for member in (world.member("referent", roubaix), world.member("coordinator", world.cite("Calais"))):
        client_of(member).get(url(case, Event.CLOSE), status=404)
        client_of(member).post(url(case), answers(Event.CLOSE), status=404)
    for member in (
        spotter,
        *(world.member(role, roubaix) for role in ("chef_de_file", "funder", "partner", "administrator")),
    ):
        client_of(member).get(url(case, Event.CLOSE), status=403)
        client_of(member).post(url(case), answers(Event.CLOSE), status=403)
    assert client.get(url(case, Event.CLOSE), status=303).location.startswith("/connexion")
    assert parcours_of(world, case).status == Status.ACTIF
    client_of(mine).post(where(case, Event.CLOSE), answers(Event.CLOSE))
    assert parcours_of(world, case).status == Status.SORTI


# Two at once


def test_the_second_of_two_is_told_what_the_first_did(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    case = world.case(roubaix, status=Status.REPERE)
    first, second = (
        world.member("coordinator", roubaix, first_name="Awa", last_name="Traoré"),
        world.member("coordinator", roubaix),
    )
    late = client_of(second)
    form = late.get(url(case, Event.DECLINE)).form("/parcours")
    client_of(first).post(url(case), answers(Event.CONTACT_OK))
    page = late.submit(form, reason="injoignable", status=409)
    assert "« contacté »" in page.main() and "Awa Traoré" in page.main()
    assert page.links()["La personne a été rencontrée"] == url(case, Event.FIRST_MET)
    assert parcours_of(world, case).status == Status.CONTACTE


@pytest.mark.parametrize(
    "pair",
    [
        (Event.CONTACT_OK, Event.DECLINE),
        (Event.FIRST_MET, Event.FIRST_MET),
        (Event.CONTACT_OK, Event.FIRST_MET),
    ],
)
def test_of_two_moves_at_the_same_time_exactly_one_wins(
    world: World, roubaix: Cite, client_of: ClientOf, pair: tuple[Event, Event]
) -> None:
    case = world.case(roubaix, status=Status.REPERE)
    clients = [client_of(world.member("coordinator", roubaix)) for _ in pair]
    tokens = [client.token() for client in clients]
    start, statuses = threading.Barrier(2), []

    def send(client: PageClient, event: Event, token: str) -> None:
        start.wait()
        statuses.append(
            client.flask.post(url(case), data={**answers(event), "csrf_token": token}).status_code
        )

    threads = [threading.Thread(target=send, args=each) for each in zip(clients, pair, tokens, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [303, 409]
    assert parcours_of(world, case).status in {TRANSITIONS[Status.REPERE, event] for event in pair}
    assert len(world.session.scalars(sa.select(Transition)).all()) == 1


@pytest.mark.parametrize(
    ("event", "status", "wrong", "said"),
    [
        (
            Event.HIRE,
            Status.ACTIF,
            {
                "contract": "cdi",
                "on": (today() + timedelta(days=3)).isoformat(),
                "expected_end_on": (today() + timedelta(days=300)).isoformat(),
                "weekly_hours": "quarante",
            },
            {"on": "dans le futur", "expected_end_on": "pas de fin prévue", "weekly_hours": "par exemple 35"},
        ),
        (
            Event.HIRE,
            Status.ACTIF,
            {"contract": "", "kind": "bénévolat", "weekly_hours": "0", "on": today().isoformat()},
            {"contract": "Choisissez le type de contrat", "weekly_hours": "par exemple 35"},
        ),
        (
            Event.HIRE,
            Status.ACTIF,
            {"contract": "", "on": "2999-01-01", "expected_end_on": today().isoformat()},
            {"contract": "Choisissez le type de contrat", "on": "n’est pas vraisemblable"},
        ),
        (
            Event.SUSPEND,
            Status.ACTIF,
            {"reason": "", "until": (today() - timedelta(days=2)).isoformat()},
            {"reason": "Indiquez pourquoi", "until": "précède le début"},
        ),
        (
            Event.ENROLL,
            Status.DIAGNOSTIC,
            {
                "on": (today() + timedelta(days=3)).isoformat(),
                "education": "",
                "children": "1",
                "children_under_3": "2",
                "resources": ["aucune", "rsa"],
                "mobility": ["aucun_moyen", "permis_en_cours"],
            },
            {
                "on": "dans le futur",
                "education": "Choisissez une réponse",
                "children_under_3": "plus d’enfants de moins de 3 ans",
                "resources": "décochez l’une",
                "mobility": "décochez l’un ou",
            },
        ),
    ],
)
def test_all_that_is_wrong_is_said_at_once_and_once_each(
    world: World,
    roubaix: Cite,
    client_of: ClientOf,
    event: Event,
    status: Status,
    wrong: dict[str, Any],
    said: dict[str, str],
) -> None:
    case = world.case(roubaix, status=status)
    page = client_of(world.member("coordinator", roubaix)).post(
        url(case), answers(event, **wrong), status=422
    )
    told = {link["href"].removeprefix("#"): link.text() for link in page.all("a") if is_error(link, page)}
    assert {name: told.get(name, "") for name in said if said[name] not in told.get(name, "")} == {}
    assert told.keys() - {"kind"} == said.keys()
    assert not [text for text in told.values() if text.count(".") > 1]
    assert parcours_of(world, case).status == status


def is_error(link: Element, page: Page) -> bool:
    """Whether a link is one of those that lead from the summary of errors to a field."""
    return any(link in summary.inside for summary in page.all("div", class_="error-summary"))
