"""The units: what systemd itself says of them, and that each process is told no more than it needs."""

import ast
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from config import Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "deploy" / "systemd"
NAMES = ("cityjobs-web", "cityjobs-worker", "cityjobs-beat", "cityjobs-migrate@", "cityjobs-verify")
SERVICES = (*NAMES, "cityjobs-backup", "cityjobs-restore-check")
ALL = sorted(path.name for path in UNITS.iterdir() if path.is_file())
VERSION = "1.4.0-b"
COMMAND = ROOT / "deploy" / "cityjobs-command"
OF_THE_PROCESS = {"MALLOC_ARENA_MAX", "PYTHONDONTWRITEBYTECODE", "CITYJOBS_HOME"}
SECRETS = {"DATABASE_URL", "WORKER_DATABASE_URL", "OWNER_DATABASE_URL", "REDIS_URL", "SMTP_URL", "SECRET_KEY"}
SECRETS |= {"METRICS_TOKEN", "ERROR_TRACKER_DSN"}


def lines_of(name: str, *, commented: bool = False) -> list[tuple[str, str]]:
    """Each setting of a unit and of what is added to it, in order."""
    files = (UNITS / f"{name}.service", UNITS / "cityjobs-.service.d" / "hardening.conf")
    lines = [line for file in files for line in file.read_text().splitlines()]
    if commented:
        lines = [line.removeprefix("#") if re.match(r"#\w+=", line) else line for line in lines]
    kept = [line for line in lines if "=" in line and not line.startswith(("#", "["))]
    return [(key, value) for key, _, value in (line.partition("=") for line in kept)]


def values(name: str, key: str, *, commented: bool = False) -> list[str]:
    return [value for found, value in lines_of(name, commented=commented) if found == key]


def credentials(name: str) -> set[str]:
    return {value.split(":")[0] for value in values(name, "LoadCredential", commented=True)}


def plain_variables(name: str) -> set[str]:
    """What a unit and its environment file name."""
    told = {value.split("=")[0] for value in values(name, "Environment")}
    for file in values(name, "EnvironmentFile"):
        example = ROOT / "deploy" / "env" / Path(file).name
        told |= {
            line.split("=")[0] for line in example.read_text().splitlines() if "=" in line and line[0] != "#"
        }
    return told


def read_by_gunicorn() -> set[str]:
    """The variables that deploy/gunicorn.conf.py asks for."""
    text = (ROOT / "deploy" / "gunicorn.conf.py").read_text()
    constants = {
        target.id: node.value.value
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    asked = re.findall(r"os\.environ(?:\.get\(|\[)(\w+|\"\w+\")", text)
    return {name.strip('"') if name.startswith('"') else str(constants[name]) for name in asked}


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_named_is_one_that_is_read(name: str) -> None:
    known = {field.upper() for field in Settings.model_fields}
    assert credentials(name) <= known
    assert plain_variables(name) <= known | OF_THE_PROCESS | read_by_gunicorn()


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_is_in_an_environment_nor_in_a_unit(name: str) -> None:
    assert not plain_variables(name) & SECRETS
    for value in values(name, "LoadCredential", commented=True):
        variable, path = value.split(":")
        assert path.startswith("/etc/cityjobs/")
        assert Path(path).name in (variable, "identity.txt")


def test_each_process_has_the_rights_of_its_role_alone() -> None:
    of_databases = {
        name: {each for each in credentials(name) if each.endswith("DATABASE_URL")} for name in NAMES
    }
    assert of_databases == {
        "cityjobs-web": {"DATABASE_URL"},
        "cityjobs-worker": {"WORKER_DATABASE_URL"},
        "cityjobs-beat": {"WORKER_DATABASE_URL"},
        "cityjobs-migrate@": {"OWNER_DATABASE_URL", "WORKER_DATABASE_URL"},
        "cityjobs-verify": {"OWNER_DATABASE_URL", "WORKER_DATABASE_URL"},
    }
    assert "SMTP_URL" not in credentials("cityjobs-web"), "the web sends no letter"
    places = [re.findall(r"/etc/cityjobs/(\w+)/", " ".join(values(name, "LoadCredential"))) for name in NAMES]
    assert set(places[0]) == {"web"}
    assert "web" not in {place for others in places[1:] for place in others}


EXAMPLES = {
    "DATABASE_URL": "postgresql://cityjobs_web:a@db.example/cityjobs?sslmode=verify-full",
    "WORKER_DATABASE_URL": "postgresql://cityjobs_worker:a@db.example/cityjobs?sslmode=verify-full",
    "OWNER_DATABASE_URL": "postgresql://cityjobs_owner:a@db.example/cityjobs?sslmode=verify-full",
    "REDIS_URL": "rediss://cityjobs_web:a@queue.example:6380/0",
    "SMTP_URL": "smtps://letters:a@mail.example",
    "SECRET_KEY": "kV3xQ9mT2pLr8WbZ5nYc7HdJ4sFg6AuE1oRi",
}


def settings_of(secrets: list[str], files: list[str], environ: dict[str, str], place: Path) -> Settings:
    """What the application makes of what systemd would hand over; nothing else is known to it."""
    for value in secrets:
        variable = value.split(":")[0]
        (place / variable).write_text(EXAMPLES[variable])
    told = dict(environ)
    for file in files:
        for line in (ROOT / "deploy" / "env" / Path(file).name).read_text().splitlines():
            if "=" in line and not line.startswith("#"):
                told.update([line.split("=", 1)])
    return load_settings({**told, "CREDENTIALS_DIRECTORY": str(place)})


@pytest.mark.parametrize("name", NAMES)
def test_what_a_unit_gives_is_enough_to_start(name: str, tmp_path: Path) -> None:
    """The settings are refused when anything that the process needs is missing."""
    environ = dict(value.split("=", 1) for value in values(name, "Environment"))
    settings = settings_of(values(name, "LoadCredential"), values(name, "EnvironmentFile"), environ, tmp_path)
    assert settings.environment == "production"
    assert settings.process == environ["PROCESS"]
    assert settings.database_uri


@pytest.mark.parametrize("name", NAMES)
def test_the_command_of_a_unit_is_understood(name: str) -> None:
    (command,) = values(name, "ExecStart")
    program, *arguments = shlex.split(command)
    (tree,) = values(name, "WorkingDirectory")
    assert tree in ("/opt/cityjobs/current", "/opt/cityjobs/releases/%i")
    assert program.startswith(f"{tree}/.venv/bin/"), "the programs of a tree run in that tree"
    here = ROOT / ".venv" / "bin" / Path(program).name
    assert os.access(here, os.X_OK), "the package that has this command is not in requirements.txt"
    for argument in arguments:
        if argument.startswith("deploy/"):
            assert (ROOT / argument).is_file()
    asked = {
        "gunicorn": ["--check-config", *arguments],
        "celery": [*arguments, "--help"],
        "flask": [*arguments, "--help"],
    }[Path(program).name]
    environ = {
        "PATH": "/usr/bin:/bin",
        "ENVIRONMENT": "test",
        "PROCESS": "web",
        "SECRET_KEY": "kV3xQ9mT2pLr8WbZ5nYc7HdJ4sFg6AuE1oRi",
        "DATABASE_URL": "postgresql://cityjobs_web:a@127.0.0.1:1/cityjobs",
        "CITYJOBS_HOME": "/nonexistent",
    }
    told = subprocess.run([here, *asked], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr[-2000:]
    assert "Error" not in told.stdout


def test_a_stop_leaves_time_for_what_is_under_way() -> None:
    conf: dict[str, object] = {}
    exec((ROOT / "deploy" / "gunicorn.conf.py").read_text(), conf)  # noqa: S102 - our own file
    (patience,) = values("cityjobs-web", "TimeoutStopSec")
    assert int(str(conf["graceful_timeout"])) < int(patience)
    for name in ("cityjobs-web", "cityjobs-worker"):
        assert values(name, "KillMode") == ["mixed"], (
            "children are told by their parent, and killed only at the end"
        )
    for name in NAMES[:3]:
        assert values(name, "Restart") == ["always"]


def installed(place: Path) -> Path:
    """A small root where the units and what they name are."""
    there = place / "etc/systemd/system"
    shutil.copytree(UNITS, there)
    for unit in (
        "network-online.target",
        "multi-user.target",
        "basic.target",
        "sysinit.target",
        "shutdown.target",
        "timers.target",
    ):
        (there / unit).write_text(f"[Unit]\nDescription={unit}\n")
    programs = {shlex.split(value)[0] for name in SERVICES for value in values(name, "ExecStart")}
    for program in programs:
        path = place / program.lstrip("/").replace("%i", VERSION)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    return place


def find_systemd() -> str | None:
    """The program that knows units, from the first version that can look at files elsewhere."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return None
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"systemd (\d+)", told)
    return program if version and int(version[1]) >= 252 else None


ANALYZE = find_systemd()
WITHOUT = "systemd 252 or later is not on this machine: nobody else can say what it makes of the units"


def loaded(name: str) -> str:
    """The unit as it is started: a template for one version."""
    return f"{name}{VERSION}.service" if name.endswith("@") else f"{name}.service"


@pytest.mark.parametrize("file", ALL)
def test_a_unit_is_written_as_sections_of_settings(file: str) -> None:
    lines = [line for line in (UNITS / file).read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "[Unit]"
    assert [
        line for line in lines if not re.fullmatch(r"\[(Unit|Service|Timer|Install)\]|[A-Z]\w+=.*", line)
    ] == []


def test_a_clock_wakes_a_unit_that_is_there() -> None:
    for file in ALL:
        if file.endswith(".timer"):
            assert file.replace(".timer", ".service") in ALL
            assert "OnCalendar=" in (UNITS / file).read_text()


@pytest.mark.skipif(ANALYZE is None, reason=WITHOUT)
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    place = installed(tmp_path)
    timers = [file for file in ALL if file.endswith(".timer")]
    told = subprocess.run(
        [str(ANALYZE), "verify", f"--root={place}", "--man=no", *map(loaded, SERVICES), *timers],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin"},
        check=False,
    )
    ours = [line for line in (told.stdout + told.stderr).splitlines() if "cityjobs" in line]
    assert ours == []


@pytest.mark.parametrize("name", SERVICES)
def test_little_is_left_open_to_a_process(name: str) -> None:
    must = {
        "DynamicUser": "yes",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "CapabilityBoundingSet": "",
        "UMask": "0077",
    }
    told = dict(lines_of(name))
    assert {key: told.get(key) for key in must} == must


@pytest.mark.skipif(ANALYZE is None, reason=WITHOUT)
@pytest.mark.parametrize("name", SERVICES)
def test_systemd_itself_rates_a_process_as_little_exposed(name: str, tmp_path: Path) -> None:
    place = installed(tmp_path)
    rated = subprocess.run(
        [str(ANALYZE), "security", "--offline=true", f"--root={place}", "--threshold=20", loaded(name)],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin"},
        check=False,
    )
    assert rated.returncode == 0, rated.stdout[-600:] + rated.stderr[-600:]


def asked_of_systemd(tmp_path: Path, *arguments: str) -> list[str]:
    """What deploy/cityjobs-command asks of systemd-run, here played by a script that repeats it."""
    stand_in = tmp_path / "bin" / "systemd-run"
    stand_in.parent.mkdir()
    stand_in.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    stand_in.chmod(0o755)
    done = subprocess.run(
        [COMMAND, *arguments],
        capture_output=True,
        text=True,
        env={"PATH": f"{stand_in.parent}:/usr/bin:/bin"},
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("arguments", "tree", "secrets"),
    [
        (["accounts", "invite"], "current", {"WORKER_DATABASE_URL"}),
        (["--owner", "audit", "verify"], "current", {"WORKER_DATABASE_URL", "OWNER_DATABASE_URL"}),
        (
            ["--owner", "--release", "1.4.0", "db", "upgrade", "0017"],
            "releases/1.4.0",
            {"WORKER_DATABASE_URL", "OWNER_DATABASE_URL"},
        ),
    ],
)
def test_a_command_is_told_what_it_needs_and_lives_as_the_units_do(
    arguments: list[str], tree: str, secrets: set[str], tmp_path: Path
) -> None:
    asked = asked_of_systemd(tmp_path, *arguments)
    end = asked.index("--")
    typed = [argument for argument in arguments if not argument.startswith("--") and argument != "1.4.0"]
    assert asked[end + 1 :] == [f"/opt/cityjobs/{tree}/.venv/bin/flask", "--app", "wsgi", *typed]
    properties = [each.removeprefix("--property=") for each in asked if each.startswith("--property=")]
    assert {"DynamicUser=yes", "User=cityjobs-command", f"WorkingDirectory=/opt/cityjobs/{tree}"} <= set(
        properties
    )
    (unit,) = (each for each in asked if each.startswith("--unit="))
    assert unit.startswith("--unit=cityjobs-"), "cityjobs-.service.d is read for such names"
    credentials = [each.partition("=")[2] for each in properties if each.startswith("LoadCredential=")]
    known = {value for name in NAMES for value in values(name, "LoadCredential")}
    assert set(credentials) <= known, "secrets are where the units find them"
    assert {each.split(":")[0] for each in credentials if "DATABASE" in each} == secrets
    files = [each.partition("=")[2] for each in properties if each.startswith("EnvironmentFile=")]
    environ = dict(
        each.removeprefix("--setenv=").split("=", 1) for each in asked if each.startswith("--setenv=")
    )
    place = tmp_path / "credentials"
    place.mkdir()
    settings = settings_of(credentials, files, environ, place)
    assert (settings.environment, settings.process) == ("production", "command")
    assert bool(settings.owner_database_url) == ("--owner" in arguments)


def test_a_command_of_nothing_is_refused() -> None:
    done = subprocess.run([COMMAND, "--owner"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage" in done.stderr
