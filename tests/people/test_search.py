"""Reading one search box, folding names, finding persons in spite of misspellings."""

import unicodedata
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityjobs.core.nir import holds_nir
from cityjobs.people.rules import Sought, fold, initials, read_search, split_name, take_birth_date
from tests.conftest import Databases
from tests.world import World

TODAY = date(2026, 11, 23)
BORN = date(1990, 3, 12)


@pytest.mark.parametrize(
    ("typed", "sought"),
    [
        ("Élise Lefèvre", Sought("Élise Lefèvre")),
        ("  nadia   LEFEBVRE ", Sought("nadia LEFEBVRE")),
        ("N’Diaye Fatou", Sought("N’Diaye Fatou")),
        ("06 12 34 56 78", Sought(phone="+33612345678")),
        ("0612345678 nadia", Sought("nadia", phone="+33612345678")),
        ("nadia 06.12.34.56.78", Sought("nadia", phone="+33612345678")),
        ("nadia +33 6 12 34 56 78 lefebvre", Sought("nadia lefebvre", phone="+33612345678")),
        ("0033612345678", Sought(phone="+33612345678")),
        ("+32 470 12 34 56", Sought(phone="+32470123456")),
        ("Nadia@Exemple.fr lefebvre", Sought("lefebvre", email="nadia@exemple.fr")),
        ("12/03/1990", Sought(birth_date=BORN)),
        ("12-03-1990 nadia", Sought("nadia", birth_date=BORN)),
        ("nadia 12.3.90", Sought("nadia", birth_date=BORN)),
        ("nadia née le 12 mars 1990", Sought("nadia", birth_date=BORN)),
        ("Nadia Lefebvre 12 03 1990", Sought("Nadia Lefebvre", birth_date=BORN)),
        ("12031990", Sought(birth_date=BORN)),
        ("1990-03-12", Sought(birth_date=BORN)),
        ("né le 1er août 2001 Karim", Sought("Karim", birth_date=date(2001, 8, 1))),
        ("lefebvre 12/03/1990 06 12 34 56 78 n@ex.fr", Sought("lefebvre", "+33612345678", "n@ex.fr", BORN)),
        ("06 12 34 56 78 12/03/1990", Sought(phone="+33612345678", birth_date=BORN)),
        ("31/02/1990", Sought()),
        ("12/03/2190", Sought()),
        ("", Sought()),
        ("🙂", Sought()),
        ("-- … !!", Sought()),
        ("\x00nadia\x07", Sought("nadia")),
        ("née", Sought("née")),
    ],
)
def test_one_box_is_read_as_names_phone_email_and_birth_date(typed: str, sought: Sought) -> None:
    assert read_search(typed, TODAY) == sought


@given(st.text(max_size=400))
def test_any_text_can_be_sought(typed: str) -> None:
    sought = read_search(typed, TODAY)
    assert len(sought.names) <= 200
    assert sought.phone is None or sought.phone.startswith("+")
    assert sought.birth_date is None or sought.birth_date <= TODAY


@given(
    st.dates(date(1905, 1, 1), TODAY),
    st.sampled_from(["%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y-%m-%d", "%d %m %Y", "%d%m%Y"]),
)
def test_a_birth_date_is_read_in_every_usual_way(born: date, shape: str) -> None:
    assert take_birth_date(f"Nadia {born.strftime(shape)}", TODAY)[1] == born


def test_two_digits_of_a_year_never_make_somebody_born_tomorrow() -> None:
    assert take_birth_date("1/1/27", TODAY)[1] == date(1927, 1, 1)
    assert take_birth_date("1/1/26", TODAY)[1] == date(2026, 1, 1)


@pytest.mark.parametrize(
    ("typed", "first", "last"),
    [
        ("Nadia Lefebvre", "Nadia", "Lefebvre"),
        ("LEFEBVRE Nadia", "Nadia", "Lefebvre"),
        ("nadia", "Nadia", ""),
        ("élise n’diaye", "Élise", "N’Diaye"),
        ("Anne de La Tour", "Anne", "De La Tour"),
        ("JEAN-PIERRE", "Jean-Pierre", ""),
        ("", "", ""),
    ],
)
def test_what_was_sought_fills_the_form(typed: str, first: str, last: str) -> None:
    assert split_name(typed) == (first, last)


def test_masked_names_keep_initials_only() -> None:
    assert initials("Élise", "Lefèvre") == "É… L…"
    assert initials("Nadia", None) == "N…"


# The corpus leaves out characters that Unicode gave a meaning after the version Python 3.11 knows.
letters = st.characters(exclude_categories=("Cs", "Cn"), exclude_characters="\x00")


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(letters, max_size=20),
            st.sampled_from(["Élise N’Diaye-Lefèvre", "ŒUVRARD", "Æ", "l'Hermitte", "ﬁ", "İstanbul", "ẞ", "Ǆ", "K", "a\u0301", "a\u05b0b", "x ´y"]),
        ),
        min_size=1, max_size=20,
    )
)  # fmt: skip
def test_names_fold_in_python_as_in_the_database(databases: Databases, texts: list[str]) -> None:
    with databases.worker_engine.connect() as connection:
        folded = connection.execute(
            sa.text(
                "select array(select app.fold(t) from unnest(cast(:texts as text[])) with ordinality u(t, n) order by n)"
            ),
            {"texts": texts},
        ).scalar_one()
    assert folded == [fold(text) for text in texts], [unicodedata.normalize("NFKD", text) for text in texts]


def find(databases: Databases, member: Any, typed: str) -> list[str]:
    sought = read_search(typed, TODAY)
    with databases.connected_as(
        "cityjobs_web", user_id=member.id, role=member.role, cite_id=member.cite.id
    ) as connection:
        return [
            row[0]
            for row in connection.execute(
                "select shown_name from app.people_sought(%s, %s, %s, %s)",
                (sought.names, sought.phone, sought.email, sought.birth_date),
            )
        ]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("Elyse Lefebvre", "Élise Lefèvre"),
        ("lefevre elise", "Élise Lefèvre"),
        ("LEFÈVRE", "Élise Lefèvre"),
        ("mohamed benaisa", "Mohammed Benaïssa"),
        ("benaissa moh", "Mohammed Benaïssa"),
        ("ndiaye", "Fatou N’Diaye"),
        ("N'Diaye fatou", "Fatou N’Diaye"),
        ("n’diaye", "Fatou N’Diaye"),
        ("06 00 00 99 01", "Fatou N’Diaye"),
        ("+33600009901", "Fatou N’Diaye"),
        ("FATOU@EXEMPLE.FR", "Fatou N’Diaye"),
        ("12 mars 1990", "Fatou N’Diaye"),
        ("caron", "Inès Martin"),
    ],
)
def test_somebody_is_found_in_spite_of_spelling(
    world: World, databases: Databases, typed: str, found: str
) -> None:
    cite = world.cite()
    coordinator = world.member("coordinator", cite)
    world.case(cite, first_name="Élise", last_name="Lefèvre")
    world.case(cite, first_name="Mohammed", last_name="Benaïssa")
    world.case(
        cite,
        first_name="Fatou",
        last_name="N’Diaye",
        phone="+33600009901",
        email="fatou@exemple.fr",
        birth_date=BORN,
    )
    world.case(cite, first_name="Inès", last_name="Martin", birth_name="Caron")
    world.case(cite, first_name="Zoé", last_name="Quentin")
    assert find(databases, coordinator, typed) == [found]


def test_a_search_stays_in_its_cite_and_masks_what_is_not_theirs(world: World, databases: Databases) -> None:
    roubaix, calais = world.cite("Roubaix"), world.cite("Calais")
    mine, other = (
        world.member("referent", roubaix),
        world.member("referent", roubaix, first_name="Julien", last_name="Petit"),
    )
    world.case(roubaix, first_name="Élise", last_name="Lefèvre", referent=mine)
    world.case(roubaix, first_name="Élise", last_name="Lefebvre", referent=other)
    world.case(calais, first_name="Élise", last_name="Lefèvre")
    assert find(databases, mine, "elise lefevre") == ["Élise Lefèvre", "É… L…"]
    assert find(databases, world.member("spotter", roubaix), "elise lefevre") == ["É… L…", "É… L…"]
    assert find(databases, world.member("funder", roubaix), "elise lefevre") == []
    assert find(databases, world.member("coordinator", calais), "elise lefevre") == ["Élise Lefèvre"]


@pytest.mark.parametrize(
    "text",
    [
        "2 85 03 59 512 045 28",
        "285035951204528",
        "2.85.03.59.512.045.28",
        "Son numéro : 1 85 03 2A 512 045 91.",
        "1 85 03 2B 512 045 21",
        "185035951204578",
        "1850359512045",
    ],
)
def test_a_social_security_number_is_recognised(text: str) -> None:
    assert holds_nir(text)


@pytest.mark.parametrize(
    "text",
    [
        "73282932000074",
        "732 829 320 00074",
        "06 12 34 56 78",
        "+33 6 12 34 56 78",
        "0033612345678",
        "06 12 34 56 78 07 98 76 54 32",
        "12/03/1990",
        "59100 Roubaix",
        "285035951204529",
    ],
)
def test_other_numbers_are_not_taken_for_one(text: str) -> None:
    assert not holds_nir(text)
