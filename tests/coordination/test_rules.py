"""Who is suggested to whom, and why."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityjobs.coordination.rules import (
    UNDONE,
    Candidate,
    Picked,
    Standing,
    Wanting,
    can_be_undone,
    entrusted_subject,
    parse_picked,
    standing,
    suggest,
    suggest_each,
)

ALMA, MISSION_LOCALE = uuid.uuid4(), uuid.uuid4()


def candidate(
    name: str, load: int, *, capacity: int = 70, organisation: uuid.UUID | None = None, alma: int = 0
) -> Candidate:
    return Candidate(
        uuid.uuid4(), name, organisation or uuid.uuid4(), "Association", load, capacity, {ALMA: alma}
    )


def wanting(**ties: uuid.UUID) -> Wanting:
    return Wanting(uuid.uuid4(), **ties)  # type: ignore[arg-type]


def test_all_things_equal_the_least_loaded_is_suggested() -> None:
    suggestion = suggest(wanting(), [candidate("Awa", 49), candidate("Leïla", 12), candidate("Julien", 60)])
    assert suggestion is not None
    assert (suggestion.name, suggestion.reasons) == ("Leïla", ("charge la plus légère, 12\u202f/\u202f70",))


def test_load_is_measured_against_ones_own_capacity() -> None:
    half_time = candidate("Awa", 20, capacity=25)
    suggestion = suggest(wanting(), [half_time, candidate("Julien", 40)])
    assert suggestion is not None and suggestion.name == "Julien"


def test_the_same_organisation_and_the_quarter_weigh_more_than_a_few_files() -> None:
    near = candidate("Awa", 30, organisation=MISSION_LOCALE, alma=4)
    suggestion = suggest(
        wanting(quarter_id=ALMA, organisation_id=MISSION_LOCALE), [near, candidate("Leïla", 15)]
    )
    assert suggestion is not None
    assert suggestion.name == "Awa"
    assert suggestion.reasons == (
        "même organisation que le repérage", "suit déjà 4 personnes de ce quartier", "de la place, 30\u202f/\u202f70",
    )  # fmt: skip


def test_one_person_of_a_quarter_is_not_knowing_it() -> None:
    suggestion = suggest(wanting(quarter_id=ALMA), [candidate("Awa", 20, alma=1), candidate("Leïla", 15)])
    assert suggestion is not None and suggestion.name == "Leïla"


def test_whoever_spotted_the_person_is_told_so() -> None:
    samira = candidate("Samira", 10, organisation=MISSION_LOCALE)
    one = wanting(spotted_by_id=samira.user_id, organisation_id=MISSION_LOCALE)
    suggestion = suggest(one, [samira])
    assert suggestion is not None and suggestion.reasons[0] == "a repéré la personne"


def test_nobody_full_is_suggested_while_somebody_is_not() -> None:
    full = candidate("Awa", 70, organisation=MISSION_LOCALE, alma=20)
    one = wanting(quarter_id=ALMA, organisation_id=MISSION_LOCALE, spotted_by_id=full.user_id)
    suggestion = suggest(one, [full, candidate("Leïla", 69)])
    assert suggestion is not None and suggestion.name == "Leïla"


def test_when_all_are_full_it_is_said() -> None:
    suggestion = suggest(wanting(), [candidate("Awa", 75), candidate("Leïla", 71)])
    assert suggestion is not None
    assert (suggestion.name, suggestion.reasons) == ("Leïla", ("tous sont au complet, 71\u202f/\u202f70",))


def test_nobody_to_suggest() -> None:
    assert suggest(wanting(), []) is None
    assert suggest_each([wanting()], []) == {}


@given(loads=st.lists(st.integers(0, 90), min_size=1, max_size=6), count=st.integers(1, 40))
def test_suggestions_for_many_are_spread_and_never_pass_a_capacity_while_there_is_room(
    loads: list[int], count: int
) -> None:
    candidates = [candidate(f"Référent {number}", load) for number, load in enumerate(loads)]
    suggested = suggest_each([wanting() for _ in range(count)], candidates)
    assert len(suggested) == count
    after = {one.user_id: one.load for one in candidates}
    for suggestion in suggested.values():
        after[suggestion.user_id] += 1
    room = sum(max(0, 70 - load) for load in loads)
    given_beyond = sum(max(0, after[one.user_id] - max(70, one.load)) for one in candidates)
    assert given_beyond == max(0, count - room)
    free = [after[one.user_id] for one in candidates if one.load < 70 and after[one.user_id] > one.load]
    assert not free or max(free) - min(after[one.user_id] for one in candidates) <= max(
        1, max(free) - min(loads)
    )


def test_a_suggestion_does_not_depend_on_the_order_of_the_candidates() -> None:
    some = [candidate(name, 20) for name in ("Awa", "Leïla", "Julien")]
    one = wanting()
    assert suggest(one, some) == suggest(one, some[::-1])
    assert suggest(one, [replace(each, load=30) for each in some]) != suggest(one, some)


def test_a_batch_can_be_taken_back_for_fifteen_minutes() -> None:
    then = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
    assert can_be_undone(then, then + timedelta(minutes=15))
    assert not can_be_undone(then, then + timedelta(minutes=15, seconds=1))


@pytest.mark.parametrize(
    ("ended_at", "reason", "expected"),
    [
        (None, None, Standing.HOLDS),
        (datetime.now(UTC), UNDONE, Standing.UNDONE),
        (datetime.now(UTC), "Congé", Standing.MOVED),
    ],
)
def test_where_an_attribution_stands(
    ended_at: datetime | None, reason: str | None, expected: Standing
) -> None:
    assert standing(ended_at, reason) is expected


def test_ticked_rows_are_read_back() -> None:
    parcours, assignment = uuid.uuid4(), uuid.uuid4()
    assert parse_picked(str(parcours)) == Picked(parcours)
    assert parse_picked(f"{parcours}.{assignment}") == Picked(parcours, assignment)
    assert parse_picked("n’importe quoi") is None
    assert parse_picked(f"{parcours}.x") is None


def test_subjects_count_and_never_name() -> None:
    assert entrusted_subject(1) == "CityJobs\u00a0: une personne vous est confiée"
    assert entrusted_subject(3) == "CityJobs\u00a0: 3 personnes vous sont confiées"
