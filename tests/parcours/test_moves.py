"""Moves of a parcours: one table, kept by the rules, by the pages and by the database; of two at once, one wins."""

import threading
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from cityjobs.core.clock import today
from cityjobs.parcours.models import Parcours, Transition
from cityjobs.parcours.rules.lifecycle import (
    CLOSED_STATUSES,
    EVENT_LABELS,
    TRANSITIONS,
    Event,
    Move,
    Status,
    events_from,
    refusal,
)
from cityjobs.parcours.rules.reasons import ExitReason, NonEntryReason
from cityjobs.territory.models import Cite
from tests.conftest import Databases
from tests.manners import PageClient
from tests.world import Case, World

ClientOf = Callable[[Any], PageClient]
REASONS = {Event.DECLINE: NonEntryReason.INJOIGNABLE.value, Event.CLOSE: ExitReason.CDI.value}
EVERY_PAIR = [(status, event) for status in Status for event in Event]
TODAY = date(2026, 11, 23)


@pytest.fixture
def roubaix(world: World) -> Cite:
    return world.cite("Roubaix")


def parcours_of(world: World, case: Case) -> Parcours:
    world.session.rollback()
    world.session.expire_all()
    return world.session.get_one(Parcours, case.parcours.id)


def url(case: Case, event: str = "") -> str:
    return f"/personnes/{case.id}/parcours" + (f"/{event}" if event else "")


def answers(event: Event, **more: Any) -> dict[str, Any]:
    return {
        "event": event.value,
        "on": today().isoformat(),
        "reason": REASONS.get(event, ""),
        "version": "1",
        **more,
    }


# The table


@pytest.mark.parametrize(("status", "event"), EVERY_PAIR)
def test_every_pair_follows_the_table_on_the_page(
    world: World, roubaix: Cite, client_of: ClientOf, status: Status, event: Event
) -> None:
    case = world.case(roubaix, status=status, birth_date=date(1990, 3, 12), qpv_answer="outside")
    client = client_of(world.member("coordinator", roubaix))
    allowed = (status, event) in TRANSITIONS
    assert allowed == (event in events_from(status))
    asked = client.get(url(case, event), status=200 if allowed else 409)
    posted = client.post(url(case), answers(event), status=303 if allowed else 409)
    parcours = parcours_of(world, case)
    history = world.session.scalars(sa.select(Transition)).all()
    if not allowed:
        assert parcours.status == status and history == [] and "Rien n’a été enregistré" in posted.main()
        return
    assert EVENT_LABELS[event] in asked.all("h1")[0].text()
    assert posted.location == f"/personnes/{case.id}" and parcours.status == TRANSITIONS[status, event]
    (line,) = history
    assert (line.event, line.from_status, line.to_status, line.happened_on) == (
        event,
        status,
        parcours.status,
        today(),
    )
    assert line.reason == REASONS.get(event)
    if event is Event.ENROLL:
        assert (parcours.started_on, parcours.entry_gender, parcours.entry_in_qpv) == (
            today(),
            "femme",
            False,
        )
        assert parcours.entry_age in (35, 36, 37, 38, 39, 40)
    if parcours.status in CLOSED_STATUSES:
        assert (parcours.ended_on, parcours.end_reason) == (today(), REASONS[event])


def test_the_database_keeps_the_same_table(databases: Databases) -> None:
    with databases.connected_as("cityjobs_web") as connection:
        kept = {
            tuple(row) for row in connection.execute("select from_status, to_status from app.parcours_move")
        }
    assert kept == {(str(start), str(end)) for (start, _), end in TRANSITIONS.items()}


@pytest.mark.parametrize("start", Status)
def test_the_database_refuses_every_other_move(
    world: World, roubaix: Cite, databases: Databases, start: Status
) -> None:
    coordinator = world.member("coordinator", roubaix)
    allowed = {end for (status, _), end in TRANSITIONS.items() if status is start}
    case = world.case(roubaix, status=start)
    for end in Status:
        if end is start:
            continue
        with databases.connected_as(
            "cityjobs_web", user_id=coordinator.id, role="coordinator", cite_id=roubaix.id
        ) as web:
            change = web.execute if end in allowed else None
            moved = (
                "update parcours set status = %s, started_on = coalesce(started_on, current_date),"
                " ended_on = case when %s then current_date end, end_reason = case when %s then 'autre' end where id = %s"
            )
            closes = end in CLOSED_STATUSES
            if change:
                assert change(moved, (end, closes, closes, case.parcours.id)).rowcount == 1
            else:
                with pytest.raises(psycopg.errors.CheckViolation, match="cannot move"):
                    web.execute(moved, (end, closes, closes, case.parcours.id))


@given(
    st.sampled_from(Status),
    st.sampled_from(Event),
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.one_of(st.none(), st.sampled_from([*ExitReason, *NonEntryReason]), st.text()),
    st.dates(date(2020, 1, 1), TODAY),
)
def test_a_move_is_refused_exactly_when_it_should_be(
    status: Status, event: Event, on: date, reason: str | None, not_before: date
) -> None:
    said = refusal(status, Move(event, on, reason), today=TODAY, not_before=not_before)
    fits = (
        (status, event) in TRANSITIONS
        and not_before <= on <= TODAY
        and (event is not Event.DECLINE or reason in set(NonEntryReason))
        and (event is not Event.CLOSE or reason in set(ExitReason))
    )
    assert (said is None) == fits
    assert said is None or said.endswith(".")


@given(st.lists(st.sampled_from(Event), max_size=12))
def test_whatever_happens_a_closed_parcours_stays_closed(events: list[Event]) -> None:
    status, seen = Status.REPERE, [Status.REPERE]
    for event in events:
        status = TRANSITIONS.get((status, event), status)
        seen.append(status)
    closed = [place for place, each in enumerate(seen) if each in CLOSED_STATUSES]
    assert not closed or set(seen[closed[0] :]) == {seen[closed[0]]}
    assert Status.SORTI not in seen or Status.ACTIF in seen


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
        (Event.CLOSE, Status.ACTIF, {"reason": ""}, "Indiquez comment"),
        (Event.CLOSE, Status.ACTIF, {"reason": "injoignable"}, "n’existe pas dans la liste"),
    ],
)
def test_a_refusal_is_said_at_its_field(
    world: World,
    roubaix: Cite,
    client_of: ClientOf,
    event: Event,
    status: Status,
    wrong: dict[str, str],
    said: str,
) -> None:
    case = world.case(roubaix, status=status)
    client = client_of(world.member("coordinator", roubaix))
    form = client.get(url(case, event)).form("/parcours")
    page = client.submit(form, **{"reason": REASONS.get(event), **wrong}, status=422)
    (field,) = wrong
    marked = [e for e in page.all("*") if e.attributes.get("aria-invalid") == "true"]
    assert [e.attributes["name"] for e in marked] == [field] and said in page.errors()
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
    client_of(mine).post(url(case), answers(Event.CLOSE))
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
