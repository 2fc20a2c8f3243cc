"""The container file: nobody's registry, nobody's root, pinned packages, and only files that are there."""

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "deploy" / "Containerfile"


def instructions() -> list[tuple[str, str]]:
    """Each instruction, its continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", FILE.read_text(), flags=re.MULTILINE)
    joined = re.sub(r"\\\n", " ", text)
    return [
        (line.split()[0], line.split(maxsplit=1)[1].strip()) for line in joined.splitlines() if line.strip()
    ]


def stages() -> list[list[tuple[str, str]]]:
    """The instructions of each stage, from its FROM on."""
    found: list[list[tuple[str, str]]] = []
    for name, rest in instructions():
        if name == "FROM":
            found.append([])
        if found:
            found[-1].append((name, rest))
    return found


def test_images_are_named_by_arguments_without_a_registry() -> None:
    defaults = dict(rest.split("=", 1) for name, rest in instructions() if name == "ARG")
    for stage in stages():
        named = re.match(r"\$\{(\w+)\}", stage[0][1])
        assert named, stage[0]
        image = defaults[named[1]]
        assert "/" not in image
        assert re.fullmatch(r"[a-z]+:[\w.-]+", image), "an image is named with its version"
        assert not image.endswith(":latest")


def test_the_last_stage_runs_as_nobody_in_particular() -> None:
    last = stages()[-1]
    users = [rest for name, rest in last if name == "USER"]
    assert users
    assert all(re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user) for user in users)
    after = last[last.index(("USER", users[-1])) :]
    assert not [rest for name, rest in after if name in ("RUN", "COPY", "ADD")]
    assert not [name for name, _ in instructions() if name == "ADD"]
    assert [name for name, _ in last if name == "HEALTHCHECK"]


def test_packages_come_with_their_hashes_and_scripts_do_not_run() -> None:
    runs = [rest for name, rest in instructions() if name == "RUN"]
    for run in runs:
        if "pip install" in run:
            assert "--require-hashes" in run
        if "npm" in run:
            assert "npm ci --ignore-scripts" in run
        assert not re.search(r"curl|wget|apt|git clone", run)
    assert any("pip install" in run for run in runs)


def test_what_is_copied_is_there_and_everything_that_runs_is_copied() -> None:
    copied = [
        word
        for name, rest in instructions()
        if name == "COPY" and "--from" not in rest
        for word in shlex.split(rest)[:-1]
    ]
    assert [path for path in copied if not (ROOT / path).exists()] == []
    assert {"config.py", "wsgi.py", "cityjobs", "migrations", "templates", "deploy/gunicorn.conf.py"} <= set(
        copied
    )
    assert not {"tests", "docs", ".", ".git"} & set(copied)


def test_what_is_sent_to_the_builder_is_what_is_copied() -> None:
    lines = [
        line for line in (ROOT / ".containerignore").read_text().splitlines() if line[:1] not in ("", "#")
    ]
    assert lines[0] == "*"
    copied = {
        word
        for name, rest in instructions()
        if name == "COPY" and "--from" not in rest
        for word in shlex.split(rest)[:-1]
    }
    sent = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert {path for path in copied if not path.startswith("cityjobs/")} == sent
    assert {"cityjobs/static", "**/node_modules", "**/__pycache__"} <= set(lines), "made anew by the image"


def test_the_examples_give_each_process_what_its_unit_is_given() -> None:
    """The commands at the head of the file, against deploy/systemd."""
    said = [line.removeprefix("#").strip() for line in FILE.read_text().splitlines() if line.startswith("#")]
    text = re.sub(r"\\\\ ", " ", re.sub(r"\\\\$ ?", "", " ".join(said)))
    units = {"web": "cityjobs-web", "worker": "cityjobs-worker", "command": "cityjobs-migrate@"}
    for process, name in units.items():
        (example,) = re.findall(rf"… [^…]*PROCESS={process}[^…]*", text)
        unit = (ROOT / f"deploy/systemd/{name}.service").read_text()
        given = set(re.findall(r"^LoadCredential=(\w+):", unit, re.MULTILINE))
        assert set(re.findall(r"--secret (\w+)", example)) == given, process
        (file,) = re.findall(r"^EnvironmentFile=/etc/cityjobs/(\S+)", unit, re.MULTILINE)
        assert f"--env-file {file}" in example
        (command,) = re.findall(r"^ExecStart=\S+/bin/(.+)$", unit, re.MULTILINE)
        if process != "web":  # that one is the image's own
            assert f"cityjobs {command.removesuffix(' --loglevel INFO')}" in example
    (build,) = re.findall(r"podman build [^(]+", text)
    assert "--format docker" in build, "the other format has no HEALTHCHECK"


def test_nothing_secret_is_baked_in() -> None:
    baked = " ".join(rest for name, rest in instructions() if name in ("ENV", "ARG"))
    names = set(re.findall(r"(\w+)=", baked))
    assert names & {"PATH", "CREDENTIALS_DIRECTORY"}
    assert not [name for name in names if re.search(r"URL|KEY|TOKEN|DSN|PASSWORD", name)]


@pytest.mark.parametrize("file", sorted((ROOT / "deploy").rglob("*")), ids=lambda file: file.name)
def test_no_file_of_deploy_names_a_registry_or_a_real_host(file: Path) -> None:
    if not file.is_file() or file.suffix == ".pyc":
        return
    text = file.read_text()
    assert not re.search(r"\b(docker\.io|ghcr\.io|quay\.io|registry\.)", text)
    hosts = re.findall(r"https?://([\w.-]+)", text)
    assert [
        host for host in hosts if not re.fullmatch(r"cityjobs|127\.0\.0\.1:?|[\w.-]+\.example", host)
    ] == []


def test_nobody_reaches_the_web_until_its_address_is_chosen() -> None:
    """With the host's own network, listening everywhere would pass by the proxy on every interface."""
    text = FILE.read_text()
    assert re.findall(r"WEB_BIND=(\S+)", text) == ["127.0.0.1:8000"]
    assert not re.search(r"(?:-p|--publish)[ =](?!127\.0\.0\.1:)\d", text)
