"""Codes made once, labels that say the same, what may be added."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityjobs.vocabulary.rules import (
    COMPLETED_BY_CITES,
    LIST_LABELS,
    Item,
    ListName,
    addition_refusal,
    local_code,
    parents_of,
    words_sought,
)


def test_each_list_has_a_label_and_completed_ones_stand_on_known_ones() -> None:
    assert set(LIST_LABELS) == set(ListName)
    for name in ListName:
        assert all(above not in COMPLETED_BY_CITES for above in parents_of(name))


@given(st.text(max_size=130), st.lists(st.text(max_size=40), max_size=5))
def test_a_local_code_always_fits_and_is_never_taken(label: str, others: list[str]) -> None:
    taken = frozenset(local_code(each) for each in [*others, label])
    code = local_code(label, taken)
    assert re.fullmatch(r"loc_[a-z0-9_]{1,56}", code), code
    assert code not in taken


def item(label: str, parent: str | None = "mobilite", **facts: bool) -> Item:
    return Item(ListName.SITUATION, "loc_x", label, parent, **{"is_local": True, **facts})


@pytest.mark.parametrize(
    ("label", "parent", "present", "said"),
    [
        ("Pas de vélo", "mobilite", [], None),
        ("Pas de vélo", "mobilite", [item("Autre chose")], None),
        ("pas  DE velo", "mobilite", [item("Pas de vélo")], "déjà dans la liste"),
        ("Pas de vélo", "logement", [item("Pas de vélo")], None),
        ("Soeur à charge", "mobilite", [item("Sœur à charge")], "déjà dans la liste"),
        ("Pas de vélo", "mobilite", [item("Pas de vélo", is_active=False)], "reprenez-la"),
        (
            "Pas de vélo",
            "mobilite",
            [item("Pas de vélo", is_active=False, is_local=False)],
            "liste nationale",
        ),
        ("Diabète", "sante", [], "La santé ne se complète pas"),
        ("…!", "mobilite", [], "au moins un mot"),
    ],
)
def test_what_may_be_added(label: str, parent: str, present: list[Item], said: str | None) -> None:
    refused = addition_refusal(label, parent, present)
    assert (refused is None) if said is None else (refused is not None and said in refused)


@pytest.mark.parametrize(
    ("typed", "sought"),
    [
        ("Agent d’entretien", "Agent entretien"),
        ("conducteur de bus", "conducteur bus"),
        ("e", ""),
        ("de la", ""),
        ("😀", ""),
    ],
)
def test_small_words_distinguish_no_occupation(typed: str, sought: str) -> None:
    assert words_sought(typed) == sought
