"""A form carries every column of every table under every name one may guess, and changes nothing more.

Each request that pages offer and that writes is sent twice from the same state of the database: as it is, then with the columns
added to it. What both leave behind must be the same, row by row and column by column.
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa

from cityjobs.core.db import Model
from tests.proofs.conftest import Proof
from tests.proofs.offers import Harvest, Offer
from tests.proofs.twins import THERE, UUID, Side

TEST = "injected columns"
STAMP = re.compile(r"(?!2001)\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[^\s\"]*")
SECRET = re.compile(r"\$argon2[^\s\"]*|\b[0-9a-f]{64}\b")
ON_A_CONFLICT = {"territory.edit_year": {"version"}}
"""What a view reads of the page of two versions alone: it refuses the whole request when that does not fit."""
SHORT = 800
"""Names in one JSON, which a draft must hold."""
PARTS = 1_500
"""Names in one form that carries a file: the house reads 2 000 parts at most, and answers 413 beyond."""
GUESSED = (
    "becomes_referent",
    "role_ids",
    "groups",
    "is_admin",
    "admin",
    "is_superuser",
    "permissions",
    "actor_id",
    "_method",
)
"""Names that are no column, and that other houses let through."""
Row = tuple[str, str]
Rows = dict[Row, dict[str, Any]]


# What is injected


def mapped_columns() -> list[tuple[str, str, sa.Column[Any]]]:
    """Class, table and column of everything that the application maps."""
    return [
        (mapper.class_.__name__, mapper.local_table.name, column)  # type: ignore[attr-defined]
        for mapper in Model.registry.mappers
        for column in mapper.local_table.columns
    ]  # fmt: skip


def aliases(kind: str, table: str, column: str) -> Iterator[str]:
    """The names under which a careless form would read a column."""
    bare = column.removesuffix("_id")
    humped = re.sub(r"_(\w)", lambda found: found[1].upper(), column)
    yield from dict.fromkeys(
        (
            column, bare, f"{bare}_id", f"{bare}_ids", humped, column.upper(),
            f"{table}.{column}", f"{table}[{column}]", f"{table}-{column}", f"{table}_{column}", f"{kind}.{column}",
            f"{table}-0-{column}", f"{table}[0][{column}]", f"{column}-0", f"{column}[]", f"form-{column}",
            f"mine-{column}", f"theirs-{column}", f"keep-{column}", f"garde-{column}",
        )
    )  # fmt: skip


def strange(column: sa.Column[Any], there: Side, turn: int) -> str:
    """A value that somebody would like to write there."""
    kind = column.type.python_type
    if column.name == "role":
        return ("administrator", "coordinator")[turn]
    if column.name in ("status", "state"):
        return ("sorti", "done")[turn]
    if kind is uuid.UUID:
        named = (
            "cite" if column.name.startswith("cite") else "user:referent" if turn else "user:administrator"
        )
        return str(there.named[named])
    if kind is bool:
        return ("y", "")[turn]
    if kind in (int, float):
        return ("0", "77")[turn]
    if kind is datetime:
        return "2001-01-01T00:00:00+00:00"
    if kind is date:
        return ("2001-01-01", "2099-12-31")[turn]
    return (f"zzb injecté {column.name}", "[]")[turn]


def injected(
    offer: Offer, asked: set[str], there: Side, turn: int, spellings: slice
) -> tuple[list[tuple[str, str]], int]:
    """What is added to a request, without what its own pages ask; and how many columns that is.

    Of the names under which a column may be read, its own and those that `spellings` takes.
    """
    asked = asked | {name for name, _ in offer.pairs} | ON_A_CONFLICT.get(offer.endpoint, set())
    added, columns = [(name, "1") for name in GUESSED if name not in asked], 0
    for kind, table, column in mapped_columns():
        value = strange(column, there, turn)
        names = [
            name
            for name in dict.fromkeys((column.name, *tuple(aliases(kind, table, column.name))[spellings]))
            if name not in asked and name.partition("-")[2] not in asked and name.lower() not in asked
        ]
        added.extend((name, value) for name in names)
        columns += bool(names)
    return added, columns


def with_more(offer: Offer, added: list[tuple[str, str]], turn: int) -> Iterator[Offer]:
    """The request with more in its form, before or after what it says, and in its address; in several when it must be short."""
    plain = [(name, value) for name, value in added if name.isidentifier() and name.islower()]
    query = urlencode(plain[:: 1 if turn else 4])
    url = f"{offer.url}{'&' if '?' in offer.url else '?'}{query}"
    if offer.file:
        for first in range(0, len(added), PARTS):
            some = added[first : first + PARTS]
            yield replace(
                offer, url=url, pairs=tuple((*some, *offer.pairs) if turn else (*offer.pairs, *some))
            )
        return
    if offer.method == "POST":
        yield replace(offer, url=url, pairs=tuple((*added, *offer.pairs) if turn else (*offer.pairs, *added)))
        return
    for first in range(0, len(added), SHORT):
        yield replace(offer, url=url, beside=tuple(added[first : first + SHORT]))


# What it left behind


class Ledger:
    """Every row of the database, and what differs from the beginning."""

    def __init__(self, house: Harvest) -> None:
        twins = house.twins
        self.house, self.twins, self.server = house, twins, twins.databases.superuser
        keys = dict(
            self.server.execute(
                "select conrelid::regclass::text, string_agg(quote_ident(a.attname), ', ') from pg_constraint c"
                " join pg_attribute a on a.attrelid = c.conrelid and a.attnum = any (c.conkey) where contype = 'p'"
                " and connamespace = 'public'::regnamespace group by 1"
            ).fetchall()
        )
        self.asked = " union all ".join(
            f"select '{table}', concat_ws(' ', {keys[table.removeprefix('public.')]}), to_jsonb(t) - 'xlsx' - 'pdf' from {table} t"
            for table in twins.tables
        )
        twins.restore(twins.tables)
        self.first = self._rows()
        self.known = set(UUID.findall(str(self.first)))

    def _rows(self) -> Rows:
        return {(table, key): row for table, key, row in self.server.execute(self.asked).fetchall()}

    def left_by(self, offer: Offer) -> tuple[int, list[str]]:
        """Send from the beginning; the status, and what changed: each line « table key column value », in a steady order."""
        self.house.forget_throttling()
        status: int = self.house.send(offer).status_code
        now = self._rows()
        lines = []
        for row in {*now, *self.first}:
            was, becomes = self.first.get(row, {}), now.get(row, {})
            if was == becomes:
                continue
            name = f"{row[0]} {self._plain(row[1])}"
            columns = [
                f"{name} {column} {self._plain(becomes.get(column, 'gone'))}"
                for column in sorted({*was, *becomes})
                if was.get(column) != becomes.get(column)
            ]
            columns = [line for line in columns if line != f"{name} last_seen_at instant"]
            if columns:  # a presence is noted, or not, when a minute has passed
                lines.append("\n".join(columns))
        self.twins.restore({row[0] for row in {*now, *self.first} if now.get(row) != self.first.get(row)})
        return status, sorted(lines)

    def _plain(self, value: Any) -> str:
        """A value without what two equal requests may write differently: instants, new identifiers, hashes."""
        text = SECRET.sub("secret", STAMP.sub("instant", str(value)))
        return UUID.sub(lambda found: found.group() if found.group() in self.known | {THERE} else "new", text)


def test_no_column_is_written_because_a_form_names_it(house: Harvest, proof: Proof) -> None:
    ledger, there = Ledger(house), house.twins.there
    every = len(mapped_columns())
    writing = [offer for offer in house.offers if offer.method != "GET"]
    asked: dict[tuple[str, str], set[str]] = {}
    for offer in writing:
        asked.setdefault((offer.seat, offer.endpoint), set()).update(offer.shown)
    routes: dict[tuple[str, str], int] = {}
    modified: list[str] = []
    refused: list[str] = []
    fewest = every
    for rank, offer in enumerate(one_of_each(writing, every_seat=proof.soaking)):
        status, plainly = ledger.left_by(offer)
        if status >= 400:
            continue
        for turn in (0, 1) if proof.soaking else (rank % 2,):
            spellings = slice(None) if proof.soaking else slice(rank % 3, None, 3)
            added, columns = injected(offer, asked[offer.seat, offer.endpoint], there, turn, spellings)
            fewest = min(fewest, columns)
            for more in with_more(offer, added, turn):
                again, carrying = ledger.left_by(more)
                if again >= 400:
                    refused.append(f"{again} {offer}")
                elif carrying != plainly:
                    modified.append(f"{offer}\n{status} {plainly}\n{again} {carrying}")
            routes[offer.method, offer.endpoint] = routes.get((offer.method, offer.endpoint), 0) + 1
    reached = {(offer.method, offer.endpoint) for offer in writing if offer.endpoint}
    assert not refused, "\n".join(refused[:3])
    assert not modified, "\n\n".join(modified[:3])
    assert not reached - set(routes), sorted(reached - set(routes))
    proof.at_least(TEST, "requests that write, each sent with every column", sum(routes.values()), 60)
    proof.at_least(TEST, "columns injected, of those mapped", fewest / every * 100, 100, "%")
    proof.at_most(TEST, "protected columns modified", len(modified), 0)


def one_of_each(offers: list[Offer], *, every_seat: bool) -> list[Offer]:
    """For each route, one request of each role at least; all of them when there is time."""
    chosen: dict[tuple[Any, ...], Offer] = {}
    for offer in offers:
        names = frozenset(name for name, _ in offer.pairs)
        key = (offer.method, offer.endpoint, names, offer.gesture, offer.seat if every_seat else "")
        chosen.setdefault(key, offer)
    return list(chosen.values())
