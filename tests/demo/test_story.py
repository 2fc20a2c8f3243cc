"""What is invented: always the same for a seed, visibly fictional, and possible."""

import random
import re
import uuid
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import phonenumbers
import pytest

from cityjobs.core.clock import PARIS
from cityjobs.core.nir import holds_nir
from cityjobs.demo import words
from cityjobs.demo.cast import HOUSES, WORKERS
from cityjobs.demo.days import Calendar
from cityjobs.demo.lifetimes import ExitReading, Lifetimes, Turn
from cityjobs.demo.places import Place, Somebody
from cityjobs.demo.scenes import PLANS
from cityjobs.demo.story import FICTIONAL_PHONES, KNOWN_PERSON, Story, invent
from cityjobs.followups.models import Interview, NextStep
from cityjobs.parcours.models import Assignment, Job, Parcours, Spotting, Transition
from cityjobs.parcours.rules.exits import ExitCategory, ExitRule
from cityjobs.parcours.rules.jobs import Hiring, end_refusal
from cityjobs.parcours.rules.lifecycle import OPEN_STATUSES, TRANSITIONS, Event, Status
from cityjobs.parcours.rules.reasons import ExitReason, SpottingChannel
from cityjobs.people.models import Person
from cityjobs.people.rules import age_on

DAYS = (date(2026, 11, 23), date(2026, 11, 22), date(2027, 1, 1), date(2028, 2, 29), date(2026, 5, 14))
"""A Monday, a Sunday, a holiday, a leap day, Ascension."""


RULE = ExitRule(ExitCategory.DURABLE, 6, ExitCategory.TRANSITION, needs_evidence=True)
READING = ExitReading(uuid.UUID(int=9), dict.fromkeys(ExitReason, RULE))


def places(size: str = "normal") -> dict[str, Place]:
    made = {}
    for plan in PLANS[size]:
        name = uuid.UUID(int=len(plan.slug))
        staff = {
            worker.email: Somebody(uuid.uuid5(name, worker.email), uuid.uuid5(name, mission.house), mission)
            for worker in WORKERS
            for mission in worker.missions
            if mission.cite == plan.slug
        }
        houses = tuple(uuid.uuid5(name, house.name) for house in HOUSES if plan.slug in house.cites.split())
        qpvs = tuple(uuid.uuid5(name, f"qpv {number}") for number in range(3))
        made[plan.slug] = Place(plan.slug, uuid.uuid5(name, plan.slug), qpvs, houses, staff, READING)
    return made


def told(seed: int = 2026, today: date = DAYS[0], size: str = "normal") -> Story:
    return invent(seed, today, places(size), size)


@pytest.fixture(
    scope="module", params=[(2026, DAYS[0]), (7, DAYS[1]), (41, DAYS[2]), (2, DAYS[3]), (99, DAYS[4])]
)
def story(request: pytest.FixtureRequest) -> Story:
    return told(*request.param)


def by_parcours(story: Story, table: Any) -> dict[uuid.UUID, list[dict[str, Any]]]:
    grouped: dict[uuid.UUID, list[dict[str, Any]]] = {}
    for row in story.rows[table]:
        grouped.setdefault(row["parcours_id"], []).append(row)
    return grouped


def test_the_same_seed_on_the_same_day_tells_the_same_story() -> None:
    assert told().rows == told().rows
    assert told(1).rows != told(2).rows


def test_the_story_does_not_touch_the_dice_of_others() -> None:
    random.seed(5)
    expected = random.random()  # noqa: S311
    random.seed(5)
    told(size="small")
    assert random.random() == expected  # noqa: S311


def test_about_three_hundred_persons_in_three_cites(story: Story) -> None:
    assert 280 <= len(story.rows[Person]) <= 320
    assert len({person["cite_id"] for person in story.rows[Person]}) == 3
    assert len(story.rows[Parcours]) == len(story.rows[Spotting]) == len(story.rows[Person])
    assert 1200 <= len(story.rows[Interview]) <= 2600


def test_every_status_and_every_channel_exists(story: Story) -> None:
    without_commission = set(Status) - {Status.EN_VALIDATION}
    assert {row["status"] for row in story.rows[Parcours]} == without_commission
    assert {row["channel"] for row in story.rows[Spotting]} == set(SpottingChannel)


def test_everybody_is_visibly_fictional(story: Story) -> None:
    invented = set(words.SURNAMES)
    for person in story.rows[Person]:
        name = person["last_name"]
        bare = (name or "").replace(" ", "").lower()
        misspelt = any(each.replace(" ", "").lower().startswith(bare) for each in invented)
        assert name is None or name in invented or misspelt, name
        for phone in (person["phone"], person["second_phone"]):
            assert phone is None or phone.startswith(FICTIONAL_PHONES)
            assert phone is None or phonenumbers.is_valid_number(phonenumbers.parse(phone))
        assert person["email"] is None or re.fullmatch(r"[a-z.0-9]+@exemple\.example", person["email"])
        assert person["address"] is None or any(street in person["address"] for street in words.STREETS)


def test_phone_numbers_are_shared_by_look_alikes_only(story: Story) -> None:
    shared = Counter(person["phone"] for person in story.rows[Person] if person["phone"])
    assert 2 <= sum(count > 1 for count in shared.values()) <= 5
    assert max(shared.values()) == 2


def test_professionals_have_invented_names_too() -> None:
    for worker in WORKERS:
        assert worker.last_name in words.SURNAMES or worker.last_name.lower() in {
            each.lower() for each in words.SURNAMES
        }, worker
        assert worker.email.endswith(".example")


def test_everybody_can_be_reached(story: Story) -> None:
    for person in story.rows[Person]:
        reach = ("phone", "second_phone", "email", "address", "reached_through")
        assert any(person[column] for column in reach)


def test_ages_and_genders_are_mixed(story: Story) -> None:
    ages = [
        age_on(person["birth_date"], story.today) for person in story.rows[Person] if person["birth_date"]
    ]
    assert min(ages) >= 17 and max(ages) <= 60 and min(ages) <= 19 and max(ages) >= 50
    genders = Counter(person["gender"] for person in story.rows[Person])
    assert 0.4 < genders["femme"] / len(story.rows[Person]) < 0.7
    assert {"inside", "outside", "to_check", "unknown"} == {
        person["qpv_answer"] for person in story.rows[Person]
    }
    assert all(
        (person["qpv_answer"] == "inside") == (person["qpv_id"] is not None) for person in story.rows[Person]
    )


PLANNED = ("due_on", "expected_end_on", "planned_from", "planned_to", "review_on", "ends_on")


def test_nothing_happens_in_the_future_but_what_is_planned(story: Story) -> None:
    morning = datetime.combine(story.today, datetime.min.time(), PARIS)
    for table, rows in story.rows.items():
        for row in rows:
            for column, value in row.items():
                if column in PLANNED:
                    continue
                if isinstance(value, datetime):
                    assert value < morning, (table, column)
                elif isinstance(value, date):
                    assert value < story.today, (table, column)


def test_a_year_and_not_more(story: Story) -> None:
    oldest = min(row["spotted_on"] for row in story.rows[Parcours])
    assert story.today - timedelta(days=380) < oldest < story.today - timedelta(days=200)


def test_work_is_done_on_working_days(story: Story) -> None:
    days = [row["held_on"] for row in story.rows[Interview]]
    assert all(day.weekday() < 5 and day not in story.closed_days for day in days)


def test_dates_follow_each_other(story: Story) -> None:
    for row in story.rows[Parcours]:
        steps = ("spotted_on", "contacted_on", "met_on", "diagnosed_on", "started_on", "ended_on")
        days = [row[step] for step in steps if row[step]]
        assert days == sorted(days)
        assert (row["status"] in OPEN_STATUSES) == (row["ended_on"] is None)
        if row["started_on"]:
            assert row["entry_gender"] and row["entry_age"] is not None and row["entry_age"] >= 16


def test_every_job_ends_as_its_contract_says(story: Story) -> None:
    jobs = story.rows[Job]
    assert {"cdi", "cdd_6m_plus", "cdd_moins_6m"} <= {row["contract"] for row in jobs}
    for row in jobs:
        hiring = Hiring(row["kind"], row["contract"], row["started_on"], row["expected_end_on"])
        assert end_refusal(hiring) is None, row


def test_a_job_lost_after_more_than_six_months_was_agreed_for_as_long() -> None:
    lives = Lifetimes(Calendar(DAYS[0], 1000), random.Random(1))  # noqa: S311 - the same life each time
    for days, contract in ((300, "cdd_moins_6m"), (900, "cdd_6m_plus")):
        life = lives.draw(DAYS[0] - timedelta(days=days), DAYS[0], None, Turn.EVENTFUL)
        assert [job.contract for job in life.jobs] == [contract]


def test_histories_lead_to_the_present_status(story: Story) -> None:
    moves = by_parcours(story, Transition)
    for row in story.rows[Parcours]:
        present = Status.REPERE
        for move in sorted(
            moves.get(row["id"], []), key=lambda each: (each["happened_on"], list(Event).index(each["event"]))
        ):
            assert move["from_status"] == present
            assert TRANSITIONS[present, move["event"]] == move["to_status"]
            present = move["to_status"]
        assert present == row["status"]


def test_exchanges_happen_between_spotting_and_end_by_whoever_was_in_charge(story: Story) -> None:
    parcours = {row["id"]: row for row in story.rows[Parcours]}
    for row in story.rows[Interview]:
        mine = parcours[row["parcours_id"]]
        assert mine["spotted_on"] <= row["held_on"] <= (mine["ended_on"] or story.today)
        assert "{" not in row["synthesis"] and not holds_nir(row["synthesis"])
    syntheses = Counter(row["synthesis"] for row in story.rows[Interview])
    assert len(syntheses) > 150, "varied"


def test_no_phrase_tells_of_health_justice_or_religion() -> None:
    every = " ".join(
        text
        for name, value in vars(words).items()
        if name.isupper() and isinstance(value, tuple) and name not in ("SURNAMES", "WOMEN", "MEN")
        for text in map(str, value)
    ).lower()
    forbidden = (
        "santé", "maladie", "malade", "hôpital", "médecin", "handicap", "enceinte", "addiction", "alcool", "dépress",
        "prison", "justice", "tribunal", "police", "condamn", "religion", "musulman", "catholique", "église", "mosquée",
        "voile", "ramadan", "syndic", "politique", "titre de séjour", "violence",
    )  # fmt: skip
    assert not [word for word in forbidden if word in every]


def test_one_current_referent_and_coherent_assignments(story: Story) -> None:
    parcours = {row["id"]: row for row in story.rows[Parcours]}
    for key, rows in by_parcours(story, Assignment).items():
        referents = [row for row in rows if row["kind"] == "referent"]
        assert sum(row["ended_at"] is None for row in referents) == 1
        for row in rows:
            assert row["started_at"].astimezone(PARIS).date() >= parcours[key]["spotted_on"]
            assert row["ended_at"] is None or row["ended_at"] >= row["started_at"]
    assert any(row["kind"] == "co_referent" for row in story.rows[Assignment])
    assert any(row["referent_id"] is None for row in story.rows[Assignment])
    assert any(row["ended_at"] for row in story.rows[Assignment])


def test_some_wait_for_a_referent_since_various_days(story: Story) -> None:
    assigned = set(by_parcours(story, Assignment))
    waiting = [
        row for row in story.rows[Parcours] if row["id"] not in assigned and row["status"] in OPEN_STATUSES
    ]
    assert 20 <= len(waiting) <= 45
    assert len({row["spotted_on"] for row in waiting}) >= 6


def test_somebody_is_over_capacity(story: Story) -> None:
    karim = next(worker for worker in WORKERS if worker.first_name == "Karim")
    me = places()["roubaix"].staff[karim.email]
    mine = {
        row["parcours_id"]
        for row in story.rows[Assignment]
        if row["referent_id"] == me.user_id and row["kind"] == "referent" and not row["ended_at"]
    }
    load = sum(row["id"] in mine and row["status"] in OPEN_STATUSES for row in story.rows[Parcours])
    assert load > (karim.missions[0].capacity or 70)


@pytest.mark.parametrize("size", ["normal", "small"])
@pytest.mark.parametrize("today", DAYS)
def test_the_referent_of_the_demo_has_a_rich_day(size: str, today: date) -> None:
    story = told(today=today, size=size)
    me = places(size)["roubaix"].staff["referent@roubaix.example"].user_id
    current = [
        row for row in story.rows[Assignment]
        if row["referent_id"] == me and row["kind"] == "referent" and not row["ended_at"]
    ]  # fmt: skip
    mine = {row["parcours_id"] for row in current}
    open_ones = [row for row in story.rows[Parcours] if row["id"] in mine and row["status"] in OPEN_STATUSES]
    assert len(open_ones) == (40 if size == "normal" else 26)
    todo = [row for row in story.rows[NextStep] if row["parcours_id"] in mine and row["state"] == "todo"]
    assert sum(row["due_on"] == today for row in todo) >= 4
    assert sum(row["due_on"] == today + timedelta(days=1) for row in todo) >= 3
    assert sum(row["due_on"] < today for row in todo) >= 5
    fresh = datetime.combine(today - timedelta(days=8), datetime.min.time(), PARIS)
    assert sum(row["started_at"] > fresh for row in current) >= 3
    contacts = by_parcours(story, Interview)
    silent = 0
    for row in open_ones:
        reached = [
            each["held_on"]
            for each in contacts.get(row["id"], [])
            if each["reached"] and each["mode"] not in ("tiers", "courrier")
        ]
        silent += bool(reached) and max(reached) < today - timedelta(days=30)
    assert silent >= 6


def test_steps_are_settled_once_and_after_they_were_agreed(story: Story) -> None:
    for row in story.rows[NextStep]:
        assert (row["state"] == "todo") == (row["settled_at"] is None)
        assert row["settled_at"] is None or row["settled_at"] > row["created_at"]
    closed = {row["id"] for row in story.rows[Parcours] if row["status"] not in OPEN_STATUSES}
    assert not [
        row for row in story.rows[NextStep] if row["state"] == "todo" and row["parcours_id"] in closed
    ]


def test_somebody_is_known_twice_with_a_misspelling(story: Story) -> None:
    names = {(person["first_name"], person["last_name"]): person for person in story.rows[Person]}
    twin = names["Kadija", "Ben Hikaya"]
    assert (
        twin["phone"] == names[KNOWN_PERSON]["phone"]
        and twin["birth_date"] == names[KNOWN_PERSON]["birth_date"]
    )
    assert [person["first_name"] for person in story.rows[Person]].count("Kadija") >= 1
