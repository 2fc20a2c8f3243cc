"""Loads a bulk demo by COPY, as the owner of the tables, in one transaction that leaves every rule in place.

COPY passes by row policies and is slow under triggers, foreign keys and indexes. While it runs, the tables that it
fills have none of them; at the end each is put back as the catalogue described it, foreign keys checking every row.
What triggers would have computed is computed by the demo. The journal holds nothing of it: nobody did these things.
"""

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from random import Random
from typing import Any

import sqlalchemy as sa

from cityjobs.accounts.actions import hasher
from cityjobs.accounts.models import Membership, User
from cityjobs.accounts.rules import DEMO_PASSWORD
from cityjobs.core.permissions import Role
from cityjobs.demo import founding
from cityjobs.demo.actions import NotEmpty
from cityjobs.demo.cast import WORKERS
from cityjobs.demo.days import Calendar
from cityjobs.demo.lines import COLUMNS
from cityjobs.demo.lives import Batch, Lives
from cityjobs.demo.nation import TEN_YEARS, InventedCite, Share, Size, invented_cites, shares
from cityjobs.demo.places import Somebody
from cityjobs.demo.teams import Hiring, Seat, Team
from cityjobs.people.models import Person
from cityjobs.territory.models import (
    Cite,
    CiteCommune,
    CiteQpv,
    CollectiveMember,
    Organisation,
    ProgrammeYear,
    Qpv,
    QpvCommune,
)
from cityjobs.territory.reference import PROGRAMME_NAME, envelope_of, national_years
from cityjobs.territory.rules import QpvGeneration

_FOUNDED: dict[str, Any] = {
    "organisation": Organisation, "collective_member": CollectiveMember, "user_account": User, "membership": Membership,
}  # fmt: skip


def load_bulk(owner_uri: str, seed: int, today: date, size: Size) -> Counter[str]:
    """Fill a database whose reference is seeded and where nobody works; returns how many rows of each table.

    `owner_uri` is the SQLAlchemy address of the owner of the tables. Raises NotEmpty. All or nothing.
    """
    owner = sa.create_engine(owner_uri, poolclass=sa.NullPool, hide_parameters=True)
    with owner.begin() as connection:
        connection.execute(sa.text("set local lock_timeout = '5s'"))
        connection.execute(sa.text("select set_config('cityjobs.role', 'system', true)"))
        connection.execute(sa.text(f"lock table {', '.join(COLUMNS)}, user_account in access exclusive mode"))
        if connection.scalar(sa.select(sa.exists().select_from(User) | sa.exists().select_from(Person))):
            raise NotEmpty
        counted: Counter[str] = Counter()
        told = Nation(connection, seed, today, size)
        with bare_tables(connection):
            for batch in told.batches():
                for table, lines in batch.items():
                    copy(connection, table, lines)
                    counted[table] += len(lines)
        counted["user_account"] = connection.scalar(sa.select(sa.func.count()).select_from(User)) or 0
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"vacuum (analyze) {', '.join(COLUMNS)}"))
        connection.execute(sa.text("analyze"))
    return counted


def copy(connection: sa.Connection, table: str, lines: list[str]) -> None:
    """Send lines of a table."""
    if lines:
        statement = f"copy {table} ({', '.join(COLUMNS[table])}) from stdin with (format text, null '')"
        with connection.connection.cursor() as cursor, cursor.copy(statement) as into:  # type: ignore[attr-defined]
            into.write("".join(lines))


_FOREIGN_KEYS = """
select conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) from pg_constraint
where contype = 'f' and conrelid = any (cast(:tables as regclass[])) order by 1, 2"""
_PLAIN_INDEXES = """
select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index
where indrelid = any (cast(:tables as regclass[])) and not exists (select from pg_constraint where conindid = indexrelid and contype in ('p', 'u'))
order by 1"""
_FORCED = "select relname from pg_class where oid = any (cast(:tables as regclass[])) and relforcerowsecurity order by 1"
_ENABLED_TRIGGERS = """
select tgrelid::regclass::text, quote_ident(tgname) from pg_trigger
where tgrelid = any (cast(:tables as regclass[])) and not tgisinternal and tgenabled = 'O' order by 1, 2"""


@contextmanager
def bare_tables(connection: sa.Connection) -> Iterator[None]:
    """Take foreign keys, plain indexes, triggers and the forcing of row policies off the tables filled by COPY, then put them back."""
    tables = {"tables": list(COLUMNS)}
    foreign_keys, indexes, forced, triggers = (
        [tuple(row) for row in connection.execute(sa.text(asked), tables)]
        for asked in (_FOREIGN_KEYS, _PLAIN_INDEXES, _FORCED, _ENABLED_TRIGGERS)
    )
    run = connection.exec_driver_sql
    for table, name in triggers:
        run(f"alter table {table} disable trigger {name}")
    for (table,) in forced:
        run(f"alter table {table} no force row level security")
    for table, name, _ in foreign_keys:
        run(f"alter table {table} drop constraint {name}")
    for name, _ in indexes:
        run(f"drop index {name}")
    yield
    run("set local maintenance_work_mem = '256MB'")
    for _, definition in indexes:
        run(definition)
    for table, name, definition in foreign_keys:
        run(f"alter table {table} add constraint {name} {definition}")
    for (table,) in forced:
        run(f"alter table {table} force row level security")
    for table, name in triggers:
        run(f"alter table {table} enable trigger {name}")


class Nation:
    """Founds every Cité with its team on one connection, then tells their lives one after another."""

    def __init__(self, connection: sa.Connection, seed: int, today: date, size: Size) -> None:
        self.connection, self.seed, self.today, self.size = connection, seed, today, size
        self.names = uuid.UUID(int=seed % 2**128)
        self.calendar = Calendar(today, TEN_YEARS)
        self.password_hash = hasher.hash(DEMO_PASSWORD)
        self.reading = founding.read_exits(connection)
        for cite in invented_cites(size.cites - 14, self.names):
            self.found_cite(cite)
        self.cites = {row.slug: row.id for row in connection.execute(sa.select(Cite.slug, Cite.id))}
        houses = founding.found_collectives(connection, self.cites, self.names, today)
        self.cast = founding.hire_cast(connection, self.cites, houses, self.names, today, self.password_hash)

    def found_cite(self, cite: InventedCite) -> None:
        """A Cité that does not exist, with its commune and its QPV."""
        run = self.connection.execute
        run(sa.insert(Cite), [{
            "id": cite.id, "slug": cite.slug, "name": cite.name, "programme_name": PROGRAMME_NAME,
            "labelled_year": cite.labelled_year, "longitude": cite.longitude, "latitude": cite.latitude,
        }])  # fmt: skip
        run(
            sa.insert(CiteCommune),
            [{"cite_id": cite.id, "insee_code": cite.insee_code, "name": cite.commune}],
        )
        run(sa.insert(ProgrammeYear), [
            {"cite_id": cite.id, "year": year, "envelope_euros": envelope_of(year)}
            for year in national_years(cite.labelled_year)
        ])  # fmt: skip
        for qpv in cite.qpvs:
            known_since = date(2024, 1, 1)
            run(sa.insert(Qpv), [{
                "id": qpv.id, "code": qpv.code, "name": qpv.name, "generation": QpvGeneration.Y2024,
                "valid_from": known_since,
            }])  # fmt: skip
            run(
                sa.insert(QpvCommune),
                [{"qpv_id": qpv.id, "insee_code": cite.insee_code, "name": cite.commune}],
            )
            run(sa.insert(CiteQpv), [{"cite_id": cite.id, "qpv_id": qpv.id}])

    def batches(self) -> Iterator[Batch]:
        """The lines of every Cité, in the order of the plan."""
        for rank, share in enumerate(shares(self.size, self.names)):
            dice = Random(f"{self.seed} {share.slug}")  # noqa: S311 - a story is to be told again, not kept secret
            team = self.found_team(share, rank, dice)
            yield from Lives(team, self.calendar, dice, self.reading).tell(share)

    def found_team(self, share: Share, rank: int, dice: Random) -> Team:
        """Whoever works and has worked in a Cité."""
        cite_id = self.cites[share.slug]
        qpvs = self.connection.scalars(
            sa.select(Qpv.id)
            .join(CiteQpv, CiteQpv.qpv_id == Qpv.id)
            .where(CiteQpv.cite_id == cite_id)
            .order_by(Qpv.code)
        )
        commune = self.connection.execute(
            sa.select(CiteCommune.name, CiteCommune.insee_code)
            .where(CiteCommune.cite_id == cite_id)
            .order_by(CiteCommune.insee_code)
        ).first()
        team = Team(
            cite_id=str(cite_id),
            commune=commune.name if commune else share.name,
            postcode=f"{commune.insee_code[:2]}000" if commune else "00000",
            qpv_ids=tuple(map(str, qpvs)),
            opened=rank * 37 % 750,
        )
        seats, known = self.cast_of(share.slug)
        Hiring(team, share, self.calendar, dice, self.names, self.password_hash).fill(seats, known)
        for table, model in _FOUNDED.items():
            if team.rows[table]:
                self.connection.execute(sa.insert(model), team.rows[table])
        team.rows.clear()
        founding.name_leader(self.connection, cite_id, uuid.UUID(team.leader))
        return team

    def cast_of(self, slug: str) -> tuple[dict[Role, list[Seat]], int]:
        """Seats of the cast in a Cité, by role; and how many of its accounts are counted there."""
        since = self.calendar.index(founding.opening(self.today).date())
        seats: dict[Role, list[Seat]] = {}
        each: Somebody
        for each in self.cast.get(slug, {}).values():
            seat = Seat(str(each.user_id), str(each.organisation_id), since)
            seats.setdefault(each.mission.role, []).append(seat)
        return seats, sum(worker.missions[0].cite == slug for worker in WORKERS)
