"""Several lists in one trip come back as they would have one by one."""

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from cityjobs.core.db import db
from cityjobs.core.together import Together

KEY = uuid.uuid4()
VALUES: dict[str, tuple[Any, Any]] = {
    "day": (date(2026, 3, 1), sa.Date()),
    "instant": (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), sa.DateTime(timezone=True)),
    "hour": (time(9, 5), sa.Time()),
    "key": (KEY, sa.Uuid()),
    "amount": (Decimal("12.50"), sa.Numeric(9, 2)),
    "count": (3, sa.Integer()),
    "told": (True, sa.Boolean()),
    "words": ('L’été « 😀 »\n"x"\\ <b>', sa.Text()),
    "nothing": (None, sa.Date()),
}


def test_each_kind_of_value_comes_back_as_it_was(app: Flask, count_queries: Callable[[], Any]) -> None:
    row = sa.select(*(sa.literal(value, kind).label(name) for name, (value, kind) in VALUES.items()))
    letters = sa.values(sa.column("letter", sa.Text()), name="letters").data([("b",), ("c",), ("a",)])
    several = sa.select(letters).where(letters.c.letter != sa.bindparam("but", type_=sa.Text()))
    asked = Together(
        one=row, ordered=several.order_by(letters.c.letter.desc()), none=several.where(sa.false())
    )
    with app.app_context(), count_queries() as statements:
        for _ in range(2):
            told = asked.ask({"but": "b"})
        assert len(statements) == 2
        db.session.rollback()
    assert told["one"][0]._asdict() == {name: value for name, (value, _) in VALUES.items()}
    assert [each.letter for each in told["ordered"]] == ["c", "a"]
    assert told["none"] == []


def test_what_json_cannot_carry_is_refused_when_the_page_is_built(app: Flask) -> None:
    with pytest.raises(TypeError, match="content"):
        Together(paper=sa.select(sa.literal(b"%PDF", sa.LargeBinary()).label("content")))
