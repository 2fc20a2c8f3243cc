"""The bulk demo, by its own generator in small: exact numbers, one story a seed, and every rule of the product kept."""

import hashlib
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

import pytest
import sqlalchemy as sa
from flask import Flask

from cityjobs.core.clock import today
from cityjobs.core.db import SYSTEM, Model, act_as, transaction
from cityjobs.core.permissions import Role
from cityjobs.demo import actions, words
from cityjobs.demo.days import Calendar
from cityjobs.demo.lines import COLUMNS, line
from cityjobs.demo.lives import Lives
from cityjobs.demo.loading import bare_tables, load_bulk
from cityjobs.demo.nation import BULK_SIZES, TEN_YEARS, Share, Size, invented_cites, shares
from cityjobs.demo.teams import Hiring, Seat, Team
from tests.conftest import Databases
from tests.demo.test_bulk_loaded import CATALOGUE
from tests.demo.test_story import READING

NAMES = uuid.UUID(int=7)
MONDAY = date(2026, 11, 23)


def told(seed: int, day: date = MONDAY, share: Share | None = None) -> Iterator[dict[str, list[str]]]:
    share = share or Share("roubaix", "Roubaix", 300, 3_000, 25)
    calendar, dice = Calendar(day, TEN_YEARS), Random(f"{seed} {share.slug}")  # noqa: S311
    team = Team(str(uuid.UUID(int=1)), "Roubaix", "59100", (str(uuid.UUID(int=2)),), opened=100)
    star = Seat(str(uuid.UUID(int=3)), str(uuid.UUID(int=4)), calendar.index(day - timedelta(days=430)))
    Hiring(team, share, calendar, dice, NAMES, "-").fill({Role.REFERENT: [star]}, known=1)
    return Lives(team, calendar, dice, READING).tell(share)


def digest(batches: Iterator[dict[str, list[str]]]) -> str:
    seen = hashlib.sha256()
    for batch in batches:
        for table, lines in batch.items():
            seen.update(f"{table}\n{''.join(lines)}".encode())
    return seen.hexdigest()


def test_the_same_seed_on_the_same_day_gives_the_same_bytes() -> None:
    first = digest(told(2026))
    assert digest(told(2026)) == first
    assert digest(told(2027)) != first
    assert digest(told(2026, MONDAY + timedelta(days=1))) != first


def test_the_sizes_are_what_they_say() -> None:
    national, large = BULK_SIZES["national"], BULK_SIZES["large"]
    assert national == Size(cites=84, parcours=250_000, interviews=2_500_000, users=5_000)
    assert large == Size(cites=14, parcours=25_000, interviews=250_000, users=500)
    held = shares(national, NAMES)
    assert len({share.slug for share in held}) == 84
    for column, total in (("parcours", 250_000), ("interviews", 2_500_000), ("users", 5_000)):
        assert sum(getattr(share, column) for share in held) == total
    by_size = sorted(share.parcours for share in held)
    assert by_size[0] < 400 and 2_500 < by_size[42] < 3_200 and 10_500 < by_size[-1] < 12_500
    assert max(held, key=lambda share: share.parcours).slug == "roubaix"


def test_made_up_places_say_that_they_are() -> None:
    cites = invented_cites(70, NAMES)
    assert len({cite.slug for cite in cites}) == len({cite.insee_code for cite in cites}) == 70
    for cite in cites:
        assert "fictive" in cite.name and cite.insee_code.startswith("00")
        assert all("fictif" in qpv.name and qpv.code.startswith("FICTIF") for qpv in cite.qpvs)
        assert -5 < cite.longitude < 8.3 and 42 < cite.latitude < 51.1


def test_every_column_is_told_but_for_defaults() -> None:
    for table, columns in COLUMNS.items():
        every = Model.metadata.tables[table].columns
        assert set(columns) <= set(every.keys())
        missing = [column for column in every if column.name not in columns]
        assert all(column.nullable or column.server_default or column.computed for column in missing), table


@pytest.mark.parametrize("text", ["a\tb", "a\nb", "a\\b"])
def test_a_text_that_copy_would_read_otherwise_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="COPY"):
        line((text,))


def test_no_phrase_holds_what_copy_reads_otherwise() -> None:
    every = [text for name, value in vars(words).items() if name.isupper() for text in map(str, value)]
    assert len(every) > 100 and line(every)


# On a database


def load(databases: Databases, worker: Flask, seed: int) -> None:
    with worker.app_context():
        act_as(SYSTEM)
        with transaction():
            actions.prepare_reference()
    owner = databases.url("cityjobs_owner").replace("postgresql://", "postgresql+psycopg://")
    load_bulk(owner, seed, MONDAY, BULK_SIZES["large"].divided_by(1000))


def written(databases: Databases) -> str:
    """Every row of every table, but for what differs between two installations: identifiers of Cités and QPV, salt."""
    seen = hashlib.sha256()
    for table in (*COLUMNS, "organisation", "user_account", "membership"):
        columns = ", ".join(
            column.name
            for column in Model.metadata.tables[table].columns
            if not column.name.endswith(("cite_id", "qpv_id")) and "password" not in column.name
        )
        for row in databases.superuser.execute(f"select row({columns})::text from {table} order by 1"):
            seen.update(str(row).encode())
    return seen.hexdigest()


def test_tables_are_bare_while_they_are_filled(app: Flask, databases: Databases) -> None:
    engine = sa.create_engine(
        databases.url("cityjobs_owner").replace("postgresql://", "postgresql+psycopg://"),
        poolclass=sa.NullPool,
    )
    left = sa.text(
        "select count(*) from pg_trigger where tgrelid = 'interview'::regclass and not tgisinternal and tgenabled = 'O'"
    )
    with engine.connect() as connection:
        with bare_tables(connection):
            assert connection.scalar(left) == 0
        assert connection.scalar(left) >= 2
        connection.rollback()


def test_a_failure_leaves_everything_as_it_was(
    app: Flask, as_worker: Flask, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = databases.superuser.execute(CATALOGUE).fetchall()
    with as_worker.app_context():
        act_as(SYSTEM)
        with transaction():
            actions.prepare_reference()
    monkeypatch.setattr("cityjobs.demo.exchanges.words.MISSED", ("a\tb",))
    owner = databases.url("cityjobs_owner").replace("postgresql://", "postgresql+psycopg://")
    with pytest.raises(ValueError, match="COPY"):
        load_bulk(owner, 2026, today(), BULK_SIZES["large"].divided_by(1000))
    assert databases.superuser.execute(CATALOGUE).fetchall() == before
    assert databases.superuser.execute("select count(*) from user_account").fetchall() == [(0,)]


def test_the_same_seed_on_the_same_day_writes_the_same_rows(
    app: Flask, as_worker: Flask, databases: Databases
) -> None:
    found = []
    for seed in (2026, 2026, 2027):
        load(databases, as_worker, seed)
        people = {row[0] for row in databases.superuser.execute("select id from person")}
        found.append((written(databases), people))
        databases.empty()
    assert found[0] == found[1]
    assert not found[0][1] & found[2][1], "another seed, other people"


def test_it_is_refused_in_production_and_without_the_owner(app: Flask, as_worker: Flask) -> None:
    shell = as_worker.test_cli_runner()
    as_worker.config["OWNER_DATABASE_URI"] = None
    said = shell.invoke(args=["demo", "--size", "large"])
    assert said.exit_code == 1 and "OWNER_DATABASE_URL" in said.output
    as_worker.config["ENVIRONMENT"] = "production"
    said = shell.invoke(args=["demo", "--size", "national"])
    assert said.exit_code == 1 and "production" in said.output
