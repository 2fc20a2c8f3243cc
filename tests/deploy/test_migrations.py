"""Migrations that may run while people work: bounded waits, no long lock, and the version before goes on working.

What would hold a large table for long, or break the version that still serves pages, is refused, unless a line says why it
does not here: `in service: …` in a comment of the migration, naming the table.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Databases

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ROOT / "migrations" / "versions"
FIRST = 15
"""Those before were made for empty databases."""

DANGERS = {
    "an index built while writers wait": (
        r"create\s+(?:unique\s+)?index\s+(?!concurrently)(?:if not exists\s+)?[\w{}.]+\s+on\s+(?:only\s+)?([\w.{}]+)"
        r"|create_index\(\s*[\"'][^\"']+[\"'],\s*[\"'](\w+)[\"'](?![^)]*postgresql_concurrently)"
    ),
    "an index that a second try finds half built": (
        r"create\s+(?:unique\s+)?index\s+concurrently\s+(?:if\s+not\s+exists\s+)[\w{}.]+\s+on\s+(?:only\s+)?([\w.{}]+)"
        r"|create\s+(?:unique\s+)?index\s+concurrently\s+(?!if\s)(?P<built>[\w{}.]+)\s+on\s+(?:only\s+)?([\w.{}]+)"
        r"|create_index\(\s*[\"'][^\"']+[\"'],\s*[\"'](\w+)[\"'][^)]*postgresql_concurrently"
    ),
    "a column whose type changes": (
        r"alter\s+table\s+([\w.{}]+)[^;]*?\balter\s+(?:column\s+)?\w+\s+(?:set\s+data\s+)?type\b"
        r"|alter_column\(\s*[\"'](\w+)[\"'][^)]*type_="
    ),
    "a column that must be filled at once": (
        r"alter\s+table\s+([\w.{}]+)[^;]*?\badd\s+(?:column\s+)?(?!constraint)\w+\s+[^;,]*?\bnot\s+null\b(?![^;,]*\bdefault\b)(?<!default)"
        r"|alter\s+table\s+([\w.{}]+)[^;]*?\bset\s+not\s+null\b"
        r"|add_column\(\s*[\"'](\w+)[\"'](?:(?!server_default)[^\n])*nullable=False(?:(?!server_default)[^\n])*\n"
    ),
    "a constraint checked over the whole table": (
        r"alter\s+table\s+([\w.{}]+)[^;]*?\badd\s+constraint\s+\w+\s+(?:check|foreign)\b(?![^;]*\bnot\s+valid\b)"
        r"|create_(?:check_constraint|foreign_key)\(\s*[\"'][^\"']+[\"'],\s*[\"'](\w+)[\"'](?![^)]*not_valid)"
    ),
    "a column or a table taken from the version before": (
        r"alter\s+table\s+([\w.{}]+)[^;]*?\b(?:drop\s+column|rename)\b|drop\s+table\s+(?:if exists\s+)?([\w.{}]+)"
        r"|drop_column\(\s*[\"'](\w+)[\"']|drop_table\(\s*[\"'](\w+)[\"']"
    ),
    "a whole table written anew": (
        r"\b(?:vacuum\s+full|cluster)\s+([\w.]+)"
        r"|alter\s+table\s+([\w.{}]+)[^;]*?\badd\b[^;]*\bgenerated\s+always\s+as\b[^;]*\bstored\b"
        r"|add_column\(\s*[\"'](\w+)[\"'](?:(?!add_column).)*?\bComputed\((?:(?!add_column).)*?persisted=True"
    ),
    "a right taken from the version before": (
        r"\brevoke\s+(?!all\b)[\w, ()]+?\s+on\s+(?:table\s+|function\s+)?([\w.{}]+)[^;]*?\bfrom\s+[^;]*cityjobs_(?:web|worker)"
    ),
}
DROPPED = r"drop\s+index\s+concurrently\s+if\s+exists\s+(?:\w+\.)?{}\b"
"""What goes before an index built concurrently: stopped half way it stays, not valid, under its name."""


def versions() -> list[Path]:
    """The migrations that ran, or will run, on databases in service."""
    return [path for path in sorted(VERSIONS.glob("[0-9]*.py")) if int(path.name[:4]) >= FIRST]


def going_up(text: str) -> str:
    """A migration without what undoes it."""
    return text.split("def downgrade")[0]


def dangers_of(text: str) -> list[str]:
    """Each danger of a migration that no comment answers for, with its table; new tables are in nobody's way."""
    up = going_up(text)
    new = set(
        re.findall(
            r"create\s+table\s+(?:if not exists\s+)?([\w.]+)|create_table\(\s*[\"'](\w+)", up, re.IGNORECASE
        )
    )
    fresh = {name for pair in new for name in pair if name}
    answered = " ".join(re.findall(r"(?:#|--)\s*in service:\s*(.+)", text))
    code = re.sub(r"(#|--).*", "", up)
    found = []
    for danger, shape in DANGERS.items():
        for match in re.finditer(shape, code, re.IGNORECASE | re.DOTALL):
            built = match.groupdict().get("built")
            if built and re.search(DROPPED.format(re.escape(built)), code[: match.start()], re.IGNORECASE):
                continue
            table = next(group for group in match.groups() if group and group != built)
            plain = table.rpartition(".")[2].strip("{}")
            if table not in fresh and plain not in fresh and not re.search(rf"\b{plain}\b", answered):
                found.append(f"{danger}: {table}")
    return found


@pytest.mark.parametrize("path", versions(), ids=lambda path: path.stem)
def test_a_migration_stops_nobody(path: Path) -> None:
    assert dangers_of(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("statement", "danger"),
    [
        ("create index ix on interview (held_on)", "index"),
        ("create unique index ix on audit.journal (at)", "index"),
        ('op.create_index("ix", "person", ["name"])', "index"),
        ("create index concurrently ix on interview (held_on)", "half built"),
        ("create unique index concurrently if not exists ix on interview (held_on)", "half built"),
        (
            "drop index concurrently if exists other; create index concurrently ix on interview (held_on)",
            "half built",
        ),
        ('op.create_index("ix", "person", ["name"], postgresql_concurrently=True)', "half built"),
        ("alter table person alter column phone type varchar(20)", "type"),
        ('op.alter_column("person", "phone", type_=sa.String(20))', "type"),
        ("alter table person add column colour text not null", "filled"),
        ("alter table person alter column colour set not null", "filled"),
        ('op.add_column("person", sa.Column("colour", sa.Text(), nullable=False))\n', "filled"),
        ("alter table interview add constraint ck check (duration > 0)", "constraint"),
        ("alter table interview add constraint fk foreign key (a) references b", "constraint"),
        ("alter table person drop column phone", "taken"),
        ("alter table person rename column phone to telephone", "taken"),
        ("drop table draft", "taken"),
        ('op.drop_column("person", "phone")', "taken"),
        ("alter table person add column a text generated always as (b || c) stored", "anew"),
        ('op.add_column("person", sa.Column("a", sa.Text(), sa.Computed("b", persisted=True)))', "anew"),
        ("vacuum full person", "anew"),
        ("revoke select (phone) on person from cityjobs_web", "right"),
        ("revoke execute on function app.my_people from cityjobs_worker", "right"),
    ],
)
def test_each_danger_is_seen(statement: str, danger: str) -> None:
    (found,) = dangers_of(f'def upgrade():\n    op.execute("""{statement}""")\n')
    assert danger in found


@pytest.mark.parametrize(
    "statement",
    [
        "drop index concurrently if exists ix; create index concurrently ix on interview (held_on)",
        "drop index concurrently if exists public.ix; create unique index concurrently ix on interview (held_on)",
        "create table seal (id int not null); create index ix on seal (id)",
        "alter table person add column colour text",
        "alter table person add column colour text not null default 'grey'",
        "alter table interview add constraint ck check (duration > 0) not valid",
        "alter table interview validate constraint ck",
        "alter table person enable row level security",
        "revoke execute on function app.my_people from public",
        "-- in service: qpv holds 1 600 rows\ncreate index ix on qpv (code)",
    ],
)
def test_what_stops_nobody_is_let_through(statement: str) -> None:
    assert dangers_of(f'def upgrade():\n    op.execute("""{statement}""")\n') == []


def test_a_migration_gives_up_rather_than_make_everyone_wait(databases: Databases) -> None:
    """Run for real while somebody holds a table: it gives up within seconds, and nothing has changed."""
    from alembic import command
    from flask import Flask
    from flask_migrate import Migrate

    from cityjobs.core.db import db
    from config import load_settings

    bare = Flask("migrations")
    bare.config.update(load_settings(databases.environment()).flask_config())
    db.init_app(bare)
    migrate = Migrate(bare, db, directory="migrations")
    with psycopg.connect(databases.url("postgres")) as holder, bare.app_context():
        holder.execute("lock table alembic_version in access exclusive mode")
        with pytest.raises(Exception, match="lock timeout") as given_up:
            command.upgrade(migrate.get_config(), "head")
        holder.rollback()
        assert "LockNotAvailable" in type(given_up.value.orig).__name__  # type: ignore[attr-defined]
        db.engine.dispose()


def test_every_way_into_the_migrations_sets_that_patience() -> None:
    entry = (ROOT / "migrations" / "env.py").read_text(encoding="utf-8")
    assert entry.index("set lock_timeout = '5s'") < entry.index("run_migrations()")
    for path in versions():
        assert "lock_timeout" not in going_up(path.read_text(encoding="utf-8")), (
            "the patience of env.py is for all"
        )


@pytest.fixture
def other_locale(databases: Databases) -> Iterator[str]:
    """A database in the only built-in locale of PostgreSQL 17 that knows accents, made as docs/operations.md says."""
    name = f"{databases.name}_c_utf8"
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (made,) = re.findall(r'psql -c "(create database cityjobs .*)"', page)
    assert "On PostgreSQL 17 write `builtin_locale 'C.UTF-8'`" in page
    databases.superuser.execute(
        made.replace("database cityjobs", f"database {name}").replace("PG_UNICODE_FAST", "C.UTF-8")
    )
    with psycopg.connect(environment_url("postgres", name), autocommit=True) as own:
        own.execute((ROOT / "cityjobs/embedded/roles.sql").read_bytes())
    yield name
    databases.superuser.execute(f"drop database {name} with (force)")


def environment_url(role: str, database: str) -> str:
    """The address of any database of the tests' server."""
    return os.environ[f"CITYJOBS_TEST_{role.upper()}"].replace("/DATABASE?", f"/{database}?")


def test_the_locale_of_postgresql_17_does_as_well(databases: Databases, other_locale: str) -> None:
    """Every migration runs there, and what the search folds is folded in the same way."""
    from alembic import command
    from flask import Flask
    from flask_migrate import Migrate

    from cityjobs.core.db import db
    from config import load_settings
    from tests.conftest import environment

    bare = Flask("migrations")
    bare.config.update(load_settings(environment(other_locale)).flask_config())
    db.init_app(bare)
    migrate = Migrate(bare, db, directory="migrations")
    with bare.app_context():
        command.upgrade(migrate.get_config(), "head")
        db.engine.dispose()
    words = ["ÉLODIE", "Ñuñez", "œuvre", "Straße", "Ça", "İpek", "ΣΊΣΥΦΟΣ", "Ægir", "d’Arc", "Łukasz", "ﬁ"]
    asked = "select app.fold(word) from unnest(%s::text[]) with ordinality as said (word, rank) order by rank"
    with psycopg.connect(environment_url("postgres", other_locale)) as there:
        folded = databases.superuser.execute(asked, [words]).fetchall()
        assert ("elodie",) in folded
        assert there.execute(asked, [words]).fetchall() == folded
