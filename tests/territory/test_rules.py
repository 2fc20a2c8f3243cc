"""Kinds of organisation and whose name may be shown."""

import pytest

from cityjobs.core.permissions import Role
from cityjobs.territory.rules import (
    KIND_LABELS,
    ORGANISATION_KINDS,
    SENSITIVE_KINDS,
    OrganisationFamily,
    family_of,
    is_insee_code,
    shown_name,
)


def test_every_family_has_kinds_and_no_kind_has_two_families() -> None:
    assert set(ORGANISATION_KINDS) == set(OrganisationFamily)
    codes = [kind.code for kinds in ORGANISATION_KINDS.values() for kind in kinds]
    assert len(codes) == len(set(codes)) == len(KIND_LABELS)
    assert family_of("FT") is OrganisationFamily.SERVICE_PUBLIC_EMPLOI
    assert family_of("n’existe pas") is None


def test_the_kinds_that_say_something_of_a_life_are_sensitive() -> None:
    expected = {"PREVENTION", "ASE", "PJJ", "SPIP", "CAARUD", "CSAPA", "PENSION"}
    assert expected == SENSITIVE_KINDS


@pytest.mark.parametrize("role", list(Role))
def test_a_sensitive_name_is_for_coordination_and_administration(role: Role) -> None:
    seen = role in (Role.COORDINATOR, Role.ADMINISTRATOR)
    assert shown_name("Écoute du Petit-Poucet", True, role) == (
        "Écoute du Petit-Poucet" if seen else "Autre partenaire"
    )
    assert shown_name("Centre social", False, role) == "Centre social"
    assert shown_name(None, False, role) is None


def test_somebody_without_a_role_reads_no_sensitive_name() -> None:
    assert shown_name("Écoute du Petit-Poucet", True, None) == "Autre partenaire"


@pytest.mark.parametrize("code", ["59512", "2A004", "2B033", "02691", "97101"])
def test_insee_codes(code: str) -> None:
    assert is_insee_code(code)


@pytest.mark.parametrize("code", ["5951", "595120", "A9512", "59 51", "5951A", "٥٩٥١٢", ""])
def test_what_is_no_insee_code(code: str) -> None:
    assert not is_insee_code(code)
