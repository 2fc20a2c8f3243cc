"""The pages that are measured, who reads them, and the most that each may cost beside its floor."""

import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import psycopg

from tests.bench.thick import EVENTS, WORD


@dataclass(frozen=True)
class Aim:
    """The most that a page may cost: times its floor, and in milliseconds; None where nothing is asked."""

    ratio: float | None = None
    milliseconds: float | None = None


@dataclass(frozen=True)
class Page:
    """One page of one professional."""

    name: str
    email: str
    path: str
    aim: Aim = Aim()
    writes: bool = False


@dataclass(frozen=True)
class Staff:
    """Who works in one Cité, and whom they follow."""

    cite_id: uuid.UUID
    name: str
    parcours: int
    coordinator: str
    referent: str
    chef_de_file: str
    person_id: uuid.UUID
    misspelt: str
    referent_id: uuid.UUID
    thick_id: uuid.UUID
    """Somebody else of the référent's, whose file is made thick for the time of the measures."""


_CITE = """
select c.id, c.name, count(*) from cite c join parcours p on p.cite_id = c.id group by c.id order by count(*) desc, c.id
"""
_MEMBER = """
select u.id, u.email from membership m join user_account u on u.id = m.user_id
where m.cite_id = %s and m.role = %s and m.ended_on is null and u.disabled_at is null
  and (select count(*) from membership o where o.user_id = u.id and o.ended_on is null) = 1
order by (select count(*) from assignment a where a.referent_id = u.id and a.ended_at is null) desc, u.email limit 1
"""
_FILE = """
select i.person_id from interview i join assignment a on a.person_id = i.person_id and a.ended_at is null
join parcours p on p.id = a.parcours_id and p.ended_on is null
where a.referent_id = %s group by i.person_id
order by abs(count(distinct i.id) + (select count(*) from next_step s where s.person_id = i.person_id and s.state <> 'todo')
  + (select count(*) from parcours_transition t where t.person_id = i.person_id) - 40), i.person_id limit 2
"""


def staff_of(server: psycopg.Connection[Any], rank: int) -> Staff:
    """Who works in the Cité of a rank by size, from 0, or in the smallest; the référent is the one who follows most."""
    cites = server.execute(_CITE).fetchall()
    cite_id, name, parcours = cites[min(rank, len(cites) - 1)]

    def member(role: str) -> tuple[uuid.UUID, str]:
        found = server.execute(_MEMBER, (cite_id, role)).fetchone()
        if found is None:
            raise RuntimeError(f"nobody is {role} in {name}")
        return found[0], found[1]

    referent_id, referent = member("referent")
    files = server.execute(_FILE, (referent_id,)).fetchall()
    if len(files) < 2:
        raise RuntimeError(f"{referent} follows nobody, or one person")
    file, thick = files
    last_name = server.execute(
        "select coalesce(last_name, first_name) from person where id = %s", (file[0],)
    ).fetchone()
    written = str(last_name[0]) if last_name else ""
    return Staff(
        cite_id, name, parcours, member("coordinator")[1], referent, member("chef_de_file")[1], file[0], misspell(written),
        referent_id, thick[0],
    )  # fmt: skip


def misspell(name: str) -> str:
    """A name with two letters the wrong way round."""
    at = max(1, len(name) // 2 - 1)
    return name[:at] + name[at + 1 : at + 2] + name[at : at + 1] + name[at + 2 :]


LIST, FILE, LOG = Aim(ratio=2.5), Aim(ratio=3), Aim(ratio=3)
SEARCH, FIGURES = Aim(milliseconds=60), Aim(milliseconds=150)


def pages_of(large: Staff, usual: Staff) -> list[Page]:
    """Each page in the largest Cité and in one of the usual size."""
    found = []
    for where, staff, list_aim in (
        ("largest Cité", large, Aim(ratio=2.5, milliseconds=150)),
        ("usual Cité", usual, Aim(ratio=2.5, milliseconds=60)),
    ):
        referent, coordinator = staff.referent, staff.coordinator
        file = f"/personnes/{staff.person_id}"
        thick = f"/personnes/{staff.thick_id}"
        found += [
            Page(f"list of 25, référent, {where}", referent, "/personnes", list_aim),
            Page(f"list of 25, coordination, {where}", coordinator, "/personnes", list_aim),
            Page(f"list of 50, coordination, {where}", coordinator, "/personnes?par=50", list_aim),
            Page(f"search with a typo, {where}", referent, f"/personnes?q={quote(staff.misspelt)}", SEARCH),
            Page(f"file with 40 events, {where}", referent, file, FILE),
            Page(f"file with {EVENTS} events, {where}", referent, thick, FILE),
            Page(f"file with {EVENTS} events, page 10, {where}", referent, f"{thick}?page=10", FILE),
            Page(
                f"file with {EVENTS} events, exchanges only, {where}",
                referent,
                f"{thick}?type=echanges",
                FILE,
            ),
            Page(
                f"file with {EVENTS} events, a word sought, {where}",
                referent,
                f"{thick}?mot={WORD}",
                FILE,
            ),
            Page(f"logging a follow-up, {where}", referent, f"{file}/entretiens/nouveau", LOG, writes=True),
            Page(f"Ma journée, {where}", referent, "/ma-journee"),
            Page(f"coordination board, {where}", coordinator, "/coordination"),
            Page(f"pilotage of the month, {where}", staff.chef_de_file, "/pilotage", FIGURES),
            Page(f"pilotage of the year, {where}", staff.chef_de_file, "/pilotage?periode=annee", FIGURES),
        ]
    return found
