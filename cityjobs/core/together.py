"""Several questions in one trip to the database: a page made of many short lists asks for them all at once."""

import json
import uuid
from collections import namedtuple
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from cityjobs.core.db import db

_READERS: list[tuple[type[Any], Callable[[Any], Any]]] = [
    (sa.Uuid, uuid.UUID),
    (sa.DateTime, datetime.fromisoformat),
    (sa.Date, date.fromisoformat),
    (sa.Time, time.fromisoformat),
    (sa.Numeric, lambda number: Decimal(str(number))),
]
"""What JSON keeps as text, by the type of its column. Other values come back as they left."""


class Together:
    """Questions that are always asked together, put into one statement once for all.

    Each answers rows whose columns are read by name, in the order that the question asks for. A column holds a date,
    an hour, an instant, an identifier, a number, a truth value, a text, or JSON; entities and bytes cannot travel so. Raises
    TypeError for a column that cannot, or whose type is not known.
    """

    def __init__(self, **questions: sa.Select[Any]) -> None:
        asked = {name: question.subquery(f"q_{name}") for name, question in questions.items()}
        self._rows: dict[str, Any] = {
            name: namedtuple("Row", list(table.c.keys())) for name, table in asked.items()
        }
        self._read = {name: [_reader_of(column) for column in table.c] for name, table in asked.items()}
        self._statement = sa.select(
            *(
                sa.select(sa.cast(sa.func.json_agg(sa.func.json_build_array(*table.c)), sa.Text))
                .select_from(table)
                .scalar_subquery()
                .label(name)
                for name, table in asked.items()
            )
        )

    def ask(self, asked: Mapping[str, Any]) -> dict[str, list[Any]]:
        """The rows of each question, by its name; `asked` are the values that all of them are bound to."""
        answer = db.session.execute(self._statement, dict(asked)).one()._mapping
        return {
            name: [self._row(name, told) for told in json.loads(answer[name] or "[]")] for name in self._rows
        }

    def _row(self, name: str, told: list[Any]) -> Any:
        read = zip(self._read[name], told, strict=True)
        return self._rows[name]._make(
            reader(value) if reader and value is not None else value for reader, value in read
        )


def _reader_of(column: sa.ColumnElement[Any]) -> Callable[[Any], Any] | None:
    kind = column.type
    if isinstance(kind, sa.LargeBinary | sa.types.NullType):
        raise TypeError(f"the column {column} of type {kind} cannot travel as JSON")
    return next((reader for base, reader in _READERS if isinstance(kind, base)), None)
