"""How freins move, what a version needs, what became of each between two versions."""

from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityjobs.diagnosis.rules import (
    FREIN_MOVES,
    FREIN_STATUS_LABELS,
    PRESENT_STATUSES,
    PROGRESS_LABELS,
    SETTLED_STATUSES,
    FreinDays,
    FreinOwner,
    FreinStand,
    FreinStatus,
    Progress,
    Reading,
    days_after,
    finish_refusal,
    frein_refusal,
    progress,
    progresses,
    stand_of,
    stand_refusal,
    weight_of,
)

S, P = FreinStatus, Progress
DAY = date(2026, 3, 2)
spoken = st.builds(Reading, st.sampled_from(S), st.sampled_from([None, 1, 2, 3]))
readings = st.none() | spoken


def test_every_status_and_progress_has_its_words() -> None:
    assert set(FREIN_STATUS_LABELS) == set(FREIN_MOVES) == set(S)
    assert set(PROGRESS_LABELS) == set(P)


@pytest.mark.parametrize(("former", "becomes"), list(product(S, S)))
def test_a_frein_moves_as_the_table_says_and_no_other_way(former: FreinStatus, becomes: FreinStatus) -> None:
    refused = frein_refusal(former, becomes, on=DAY, identified_on=None)
    assert (refused is None) == (becomes is former or becomes in FREIN_MOVES[former])
    assert refused is None or refused.endswith(".")


def test_the_table_of_moves_is_this_one() -> None:
    moves = {f"{former} {becomes}" for former, many in FREIN_MOVES.items() for becomes in many}
    assert moves == {
        "non_aborde identifie", "non_aborde en_cours", "non_aborde sans_objet",
        "identifie en_cours", "identifie leve", "identifie abandonne", "identifie sans_objet",
        "en_cours identifie", "en_cours leve", "en_cours abandonne",
        "leve identifie", "abandonne identifie", "sans_objet identifie",
    }  # fmt: skip


def test_a_frein_is_not_settled_before_it_was_known() -> None:
    assert frein_refusal(S.IDENTIFIE, S.LEVE, on=DAY, identified_on=DAY + timedelta(1))
    assert frein_refusal(S.IDENTIFIE, S.LEVE, on=DAY, identified_on=DAY) is None


@pytest.mark.parametrize(
    ("before", "after", "became"),
    [
        (None, None, None),
        (None, Reading(S.SANS_OBJET, None), None),
        (None, Reading(S.LEVE, 2), None),
        (None, Reading(S.IDENTIFIE, 2), P.APPEARED),
        (Reading(S.SANS_OBJET, None), Reading(S.EN_COURS, None), P.APPEARED),
        (Reading(S.LEVE, 2), Reading(S.IDENTIFIE, 1), P.CAME_BACK),
        (Reading(S.ABANDONNE, 2), Reading(S.EN_COURS, 2), P.CAME_BACK),
        (Reading(S.IDENTIFIE, 3), Reading(S.EN_COURS, 2), P.LIGHTER),
        (Reading(S.IDENTIFIE, 1), Reading(S.IDENTIFIE, 3), P.HEAVIER),
        (Reading(S.IDENTIFIE, 2), Reading(S.EN_COURS, 2), P.SAME),
        (Reading(S.IDENTIFIE, None), Reading(S.EN_COURS, 3), P.SAME),
        (Reading(S.EN_COURS, 3), Reading(S.LEVE, 3), P.LIFTED),
        (Reading(S.EN_COURS, 3), Reading(S.ABANDONNE, 3), P.SET_ASIDE),
        (Reading(S.IDENTIFIE, 3), Reading(S.SANS_OBJET, None), P.SET_ASIDE),
        (Reading(S.IDENTIFIE, 3), None, P.SET_ASIDE),
        (Reading(S.LEVE, 3), Reading(S.LEVE, 3), None),
    ],
)
def test_what_became_of_a_frein(
    before: Reading | None, after: Reading | None, became: Progress | None
) -> None:
    assert progress(before, after) is became


@given(readings, readings)
def test_progress_agrees_with_who_is_there(before: Reading | None, after: Reading | None) -> None:
    was = before is not None and before.status in PRESENT_STATUSES
    now = after is not None and after.status in PRESENT_STATUSES
    became = progress(before, after)
    assert (became is None) == (not was and not now)
    assert (became in (P.APPEARED, P.CAME_BACK)) == (now and not was)
    assert (became in (P.LIFTED, P.SET_ASIDE)) == (was and not now)
    if was and now:
        assert {P.LIGHTER: P.HEAVIER, P.HEAVIER: P.LIGHTER, P.SAME: P.SAME}[became] is progress(after, before)  # type: ignore[index]
    assert weight_of(after) == 0 if not now else 1 <= weight_of(after) <= 3


@given(readings)
def test_nothing_changes_between_a_version_and_itself(reading: Reading | None) -> None:
    assert progress(reading, reading) in (None, P.SAME)


stories = st.lists(st.dictionaries(st.sampled_from("abcdef"), spoken), min_size=3, max_size=3)


@given(stories)
def test_whoever_is_counted_was_there(versions: list[dict[str, Reading]]) -> None:
    first, second, third = versions
    whole, steps = progresses(first, third), (progresses(first, second), progresses(second, third))
    assert set(whole) <= {*first, *third}
    appeared = {code for code, became in whole.items() if became in (P.APPEARED, P.CAME_BACK)}
    assert appeared <= {
        c for step in steps for c, became in step.items() if became in (P.APPEARED, P.CAME_BACK)
    }


@pytest.mark.parametrize(
    ("said", "becomes"),
    [
        ((S.NON_ABORDE, None, False, None, ()), S.NON_ABORDE),
        ((S.NON_ABORDE, 2, False, None, ()), S.IDENTIFIE),
        ((S.NON_ABORDE, None, True, None, ()), S.IDENTIFIE),
        ((S.NON_ABORDE, None, False, FreinOwner.PERSON, ()), S.IDENTIFIE),
        ((S.NON_ABORDE, None, False, None, ("sans_transport",)), S.IDENTIFIE),
        ((S.EN_COURS, None, False, None, ("sans_transport",)), S.EN_COURS),
        ((S.SANS_OBJET, 2, False, None, ()), S.SANS_OBJET),
    ],
)
def test_saying_anything_of_a_frein_identifies_it(said: tuple, becomes: FreinStatus) -> None:  # type: ignore[type-arg]
    assert stand_of(*said).status is becomes


def test_a_frein_without_object_weighs_nothing() -> None:
    assert stand_refusal(FreinStand(S.SANS_OBJET)) is None
    assert stand_refusal(FreinStand(S.SANS_OBJET, owner=FreinOwner.PERSON)) is None
    for stand in (
        FreinStand(S.SANS_OBJET, 1),
        FreinStand(S.SANS_OBJET, situations=("x",)),
        FreinStand(S.SANS_OBJET, is_priority=True),
    ):
        assert stand_refusal(stand)


def test_one_word_about_one_frein_finishes_a_version() -> None:
    nothing = FreinStand(S.NON_ABORDE)
    assert finish_refusal({}) and finish_refusal({"a": nothing, "b": nothing})
    assert finish_refusal({"a": nothing, "b": FreinStand(S.SANS_OBJET)}) is None


@given(st.lists(st.tuples(st.sampled_from(S), st.integers(0, 40)), max_size=8))
def test_days_always_fit_what_the_database_asks(walk: list[tuple[FreinStatus, int]]) -> None:
    status, days, on = S.NON_ABORDE, FreinDays(), DAY
    for becomes, later in walk:
        if becomes is not status and becomes not in FREIN_MOVES[status]:
            continue
        on += timedelta(later)
        days, status = days_after(status, days, becomes, on), becomes
        assert (days.identified_on is not None) == (status in PRESENT_STATUSES | SETTLED_STATUSES)
        assert (days.settled_on is not None) == (status in SETTLED_STATUSES)
        assert days.settled_on is None or (days.identified_on or on) <= days.settled_on


def test_a_frein_that_comes_back_is_known_since_that_day() -> None:
    lifted = days_after(S.IDENTIFIE, FreinDays(DAY), S.LEVE, DAY + timedelta(30))
    assert lifted == FreinDays(DAY, DAY + timedelta(30))
    assert days_after(S.LEVE, lifted, S.LEVE, DAY + timedelta(60)) == lifted
    assert days_after(S.LEVE, lifted, S.IDENTIFIE, DAY + timedelta(90)) == FreinDays(DAY + timedelta(90))
    assert days_after(S.IDENTIFIE, FreinDays(DAY), S.EN_COURS, DAY + timedelta(9)) == FreinDays(DAY)
