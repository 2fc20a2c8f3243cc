"""The scripts of deploy/backup, on a real server: what they archive is what they bring back, or they say so.

`age` is played by a script that only writes otherwise: what is tried here is when they answer yes and when no. So is
`pg_verifybackup`, which does not run in the server of the tests: the one here compares the same hashes.
"""

import os
import pwd
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from cityjobs.embedded.home import temporary_home
from cityjobs.embedded.postgres import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "deploy" / "backup"
AGE = """#!/bin/sh
case "$1" in
    --encrypt) test -s "$3" && base64 ;;
    --decrypt) test -s "$3" && base64 --decode ;;
    *) exit 2 ;;
esac
"""
VERIFY = r"""#!/bin/sh -e
for place do :; done
cd "$place"
sed -n 's/.*"Path": "\([^"]*\)".*"Checksum": "\([0-9a-f]*\)".*/\2  \1/p' backup_manifest > ../sums
test -s ../sums
sha256sum --check --status ../sums
"""


class Storage:
    """A backup host in one directory, whose programs run as PostgreSQL does."""

    def __init__(self, home: Path) -> None:
        self.home, self.archive = home, home / "archive"
        self.owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        for place in ("archive/wal", "archive/base", "bin", "restore"):
            (home / place).mkdir(parents=True)
        (home / "bin/age").write_text(AGE)
        (home / "bin/pg_verifybackup").write_text(VERIFY)
        for script in SCRIPTS.iterdir():
            shutil.copy(script, home / "bin")
        for path in (home / "bin").iterdir():
            path.chmod(0o755)
        for key in ("recipients", "identity"):
            (home / key).write_text("a key")
        if self.owner:
            for path in (self.archive, *self.archive.iterdir(), home / "restore"):
                os.chown(path, self.owner.pw_uid, self.owner.pw_gid)
        self.environ = {
            "PATH": f"{home}/bin:/usr/bin:/bin",
            "CITYJOBS_ARCHIVE": str(self.archive),
            "CITYJOBS_RECIPIENTS": str(home / "recipients"),
            "CITYJOBS_IDENTITY": str(home / "identity"),
            "CITYJOBS_FETCH": str(home / "bin/fetch-wal"),
            "CITYJOBS_RESTORE": str(home / "restore"),
        }

    def run(self, name: str, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
        """One of the scripts."""
        return subprocess.run(
            [self.home / "bin" / name, *map(str, arguments)],
            env={**self.environ, **more},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            user=self.owner.pw_uid if self.owner else None,
            group=self.owner.pw_gid if self.owner else None,
            extra_groups=[] if self.owner else None,
        )

    def write(self, name: str, text: str) -> Path:
        """A file that the scripts may read."""
        path = self.archive / name
        path.write_text(text)
        path.chmod(0o644)
        return path


@pytest.fixture
def storage() -> Iterator[Storage]:
    with temporary_home() as home:
        yield Storage(home)


@pytest.mark.parametrize("script", sorted(SCRIPTS.iterdir()), ids=lambda path: path.name)
def test_a_script_is_understood_and_stops_at_the_first_failure(script: Path) -> None:
    assert subprocess.run(["bash", "-n", script], capture_output=True, check=False).stderr == b""
    assert script.read_text().startswith("#!/usr/bin/env bash\n")
    assert "\nset -euo pipefail\n" in script.read_text()
    assert os.access(script, os.X_OK)


def test_a_file_is_archived_once_and_comes_back_the_same(storage: Storage) -> None:
    segment = storage.write("segment", "work of this minute")
    for _ in range(2):
        assert storage.run("archive-wal", segment, "0001").returncode == 0
    kept = sorted(path.name for path in (storage.archive / "wal").iterdir())
    assert kept == ["0001.age", "0001.sha256"]
    assert b"work" not in (storage.archive / "wal/0001.age").read_bytes()
    assert storage.run("fetch-wal", "0001", storage.archive / "back").returncode == 0
    assert (storage.archive / "back").read_text() == "work of this minute"

    other = storage.write("other", "work of somebody else")
    refused = storage.run("archive-wal", other, "0001")
    assert refused.returncode == 1
    assert "another 0001" in refused.stderr
    assert storage.run("fetch-wal", "0002", storage.archive / "none").returncode == 1


def test_what_could_not_be_encrypted_or_has_changed_is_a_failure(storage: Storage) -> None:
    segment = storage.write("segment", "work of this minute")
    (storage.home / "recipients").write_text("")
    assert storage.run("archive-wal", segment, "0001").returncode != 0
    assert list((storage.archive / "wal").iterdir()) == []

    (storage.home / "recipients").write_text("a key")
    assert storage.run("archive-wal", segment, "0001").returncode == 0
    (storage.archive / "wal/0001.sha256").write_text("0" * 64)
    changed = storage.run("fetch-wal", "0001", storage.archive / "back")
    assert changed.returncode == 1
    assert "not what was archived" in changed.stderr
    assert not (storage.archive / "back").exists()


def test_a_backup_is_taken_restored_and_judged(storage: Storage) -> None:
    told = " ".join(f"{name}={value}" for name, value in storage.environ.items())
    settings = {
        "archive_mode": "on",
        "archive_command": f"env {told} {storage.home}/bin/archive-wal %p %f",
        "wal_level": "replica",
    }
    with EmbeddedPostgres(storage.home / "postgres", settings=settings) as server:
        storage.environ["PATH"] = f"{storage.home}/bin:{server._bin}:/usr/bin:/bin"
        address = {"CITYJOBS_BACKUP_FROM": server.url("postgres", "postgres")}
        with psycopg.connect(server.url("postgres"), autocommit=True) as base:
            base.execute("create table alembic_version as select '0099' as version_num")
            base.execute("create table heartbeat as select now() as beaten_at")
            base.execute("create table person as select generate_series(1, 5) as id")
            old = storage.archive / "base/20200101T000000Z.tar.age"
            old.write_text("too old")
            os.utime(old, (time.time() - 40 * 86400,) * 2)
            taken = storage.run("base-backup", **address)
            assert taken.returncode == 0, taken.stderr
            assert not old.exists()
            base.execute("insert into person values (6)")
            base.execute("select pg_switch_wal()")
        # A server that stops in order archives what it has before.

    read = storage.run("restore-check")
    assert read.returncode == 0, read.stderr
    assert "migration 0099, 6 persons" in read.stdout, "written after the base backup: from the WAL"
    assert list((storage.home / "restore").iterdir()) == []
    late = storage.run("restore-check", CITYJOBS_RPO="-1")
    assert late.returncode == 1
    assert "lacks more than" in late.stderr
    for segment in (storage.archive / "wal").iterdir():
        segment.unlink()
    assert storage.run("restore-check").returncode != 0, "without the WAL nothing is restored"


def test_a_backup_that_fails_leaves_nothing_that_looks_like_one(storage: Storage) -> None:
    with EmbeddedPostgres(storage.home / "postgres", durable=False) as server:
        storage.environ["PATH"] = f"{storage.home}/bin:{server._bin}:/usr/bin:/bin"
        wrong = re.sub(r":[^:@]+@", ":wrong@", server.url("postgres", "postgres"))
        assert storage.run("base-backup", CITYJOBS_BACKUP_FROM=wrong).returncode != 0
    assert list((storage.archive / "base").iterdir()) == []


def test_units_and_settings_name_what_is_there() -> None:
    text = (ROOT / "deploy/postgresql/cityjobs.conf").read_text()
    named = set(re.findall(r"/usr/local/bin/([\w-]+)", text))
    units = [ROOT / f"deploy/systemd/cityjobs-{name}.service" for name in ("backup", "restore-check")]
    for unit in units:
        named |= set(re.findall(r"^ExecStart=/usr/local/bin/([\w-]+)$", unit.read_text(), re.MULTILINE))
    assert named == {"archive-wal", "base-backup", "restore-check"}
    assert named | {"fetch-wal"} == {path.name for path in SCRIPTS.iterdir()}
    variables = re.findall(r"^(\w+)=", (ROOT / "deploy/env/backup.env").read_text(), re.MULTILINE)
    scripts = " ".join(path.read_text() for path in SCRIPTS.iterdir())
    assert [name for name in variables if f"{{{name}:" not in scripts] == []
