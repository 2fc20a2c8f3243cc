"""Signatures spare comparisons and nothing else: searches find exactly what comparing every name letter by letter finds."""

from random import Random
from typing import Any

import pytest

from tests.conftest import Databases
from tests.world import Case, World

EVERY_NAME = """
  with asked as (select app.fold(%(names)s) as folded, app.trigrams(%(names)s) as grams),
  found as (
    select p.id, greatest(
      case when p.phone = %(phone)s::text or p.second_phone = %(phone)s::text then 1.0 end,
      case when p.email = %(email)s::text then 1.0 end,
      case when p.birth_date = %(birth_date)s::date then 0.9 end,
      case when asked.folded <> '' and (select bool_and(' ' || p.search_name like '%% ' || word || '%%')
                                        from unnest(string_to_array(asked.folded, ' ')) word) then 0.95 end,
      case when cardinality(asked.grams) > 2 then app.closeness(p.trigrams, asked.grams) * 0.9 end)::real as closeness
    from person p, asked where p.cite_id = %(cite)s)
  select id, closeness from found where closeness >= 0.45
"""
EVERY_LIKENESS = """
  with asked as (select app.trigrams(%(names)s) as grams),
  compared as (
    select p.id, coalesce(p.phone = %(phone)s::text or p.second_phone = %(phone)s::text, false) as same_phone,
      coalesce(p.email = %(email)s::text, false) as same_email, coalesce(p.birth_date = %(birth_date)s::date, false) as same_day,
      least(app.closeness(p.trigrams, asked.grams), app.closeness(asked.grams, p.trigrams) * 1.4)::real as closeness
    from person p, asked where p.cite_id = %(cite)s)
  select same_phone, same_email, same_day, closeness from compared
  where same_phone or same_email or closeness >= 0.7 or (same_day and closeness >= 0.35)
  order by (same_phone or same_email)::int + same_day::int + closeness desc, closeness desc, same_phone desc limit 8
"""
FIRST = ("Nadia", "Mohamed", "Fatoumata", "Émilie", "Jean-Pierre", "Aïcha", "Ousmane", "Zoé", "N’Golo", "Li")
PARTS = ("ben", "dia", "mar", "lef", "ou", "ssa", "ra", "ttou", "ché", "vre", "ko", "né", "bal", "ga")


@pytest.fixture
def crowd(world: World) -> list[Case]:
    """Persons whose names are made of the same few parts."""
    dice, cite = Random(5), world.cite("Roubaix")  # noqa: S311
    cases = []
    for number in range(160):
        last_name = "".join(dice.choice(PARTS) for _ in range(dice.randint(1, 3))).capitalize()
        cases.append(
            world.case(
                cite,
                first_name=dice.choice(FIRST),
                last_name=last_name,
                birth_name="Sow" if number % 11 == 0 else None,
                email=f"p{number % 40}@exemple.fr" if number % 4 == 0 else None,
                birth_date=f"1990-01-{1 + number % 28:02}" if number % 3 == 0 else None,
            )
        )
    return cases


def typed(dice: Random, case: Case) -> str:
    """A name as it may be typed: whole, begun, misspelt, or somebody else's."""
    name = f"{case.person.first_name} {case.person.last_name}"
    at = dice.randrange(len(name))
    ways = (name, name[: at + 1], name[:at] + name[at + 1 :], name[at:] + " " + name[:at], dice.choice(PARTS))
    return dice.choice(ways)


def test_searches_find_what_comparing_every_name_finds(crowd: list[Case], databases: Databases) -> None:
    dice, some = Random(7), 0  # noqa: S311
    cite = crowd[0].person.cite_id
    with databases.connected_as("cityjobs_worker", role="coordinator", cite_id=cite) as connection:
        for number in range(150):
            case = dice.choice(crowd)
            asked: dict[str, Any] = {
                "names": typed(dice, case),
                "phone": case.person.phone if number % 5 == 0 else None,
                "email": case.person.email if number % 7 == 0 else None,
                "birth_date": case.person.birth_date if number % 6 == 0 else None,
                "cite": cite,
            }
            found = connection.execute(
                "select person_id, closeness from app.find_people(%(names)s, %(phone)s, %(email)s, %(birth_date)s::date)",
                asked,
            ).fetchall()
            assert sorted(found) == sorted(connection.execute(EVERY_NAME, asked).fetchall()), asked
            alike = connection.execute(
                "select same_phone, same_email, same_birth_date, closeness"
                " from app.look_alikes(%(names)s, %(phone)s, null, %(email)s, %(birth_date)s::date, null)",
                asked,
            ).fetchall()
            assert sorted(alike) == sorted(connection.execute(EVERY_LIKENESS, asked).fetchall()), asked
            some += bool(found)
    assert some > 100
