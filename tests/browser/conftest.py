"""The product as `make run` starts it, and a visitor who checks each page for accessibility and refused content."""

import email
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from cityjobs.embedded.home import temporary_home

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "cityjobs" / "assets" / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD = "Demo-Cite-Emploi-2026"


@dataclass(frozen=True)
class Product:
    """A running copy with its demonstration."""

    home: Path
    address: str

    def flask(self, *arguments: str) -> str:
        """Run one command beside it; returns what it printed."""
        environ = {**os.environ, "CITYJOBS_HOME": str(self.home)}
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
            cwd=ROOT,
            env=environ,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def letters_to(self, address: str) -> list[EmailMessage]:
        """What the mail catcher holds for somebody, oldest first."""
        letters = [
            email.message_from_bytes(path.read_bytes(), policy=default)
            for path in sorted(self.home.rglob("*.eml"))
        ]
        return [letter for letter in letters if address in str(letter["To"])]


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    """`make run`'s own program, in a home of its own, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with temporary_home() as home:
        environ = {name: value for name, value in os.environ.items() if name != "MAKELEVEL"}
        environ |= {"CITYJOBS_HOME": str(home), "PORT": str(port), "ENVIRONMENT": "demo"}
        log = home.with_name(f"{home.name}.out")
        with log.open("w") as output:
            running = subprocess.Popen(
                [sys.executable, "-m", "cityjobs.embedded"],
                cwd=ROOT,
                env=environ,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until(lambda: "Ctrl-C" in log.read_text() or running.poll() is not None, 120, log.read_text)
            assert running.poll() is None, log.read_text()
            yield Product(home, f"http://127.0.0.1:{port}")
        finally:
            running.terminate()
            running.wait(60)
            log.unlink()


class Visitor:
    """Somebody with a browser window: goes to pages, checks each, and notes what the browser refused."""

    def __init__(self, browser: Browser, product: Product, width: int) -> None:
        self.product, self.width = product, width
        self.context = browser.new_context(
            viewport={"width": width, "height": 900 if width > 600 else 740},
            locale="fr-FR",
            timezone_id="Europe/Paris",
            base_url=product.address,
            reduced_motion="reduce",
        )
        self.context.set_default_timeout(15_000)
        self.page: Page = self.context.new_page()
        self.refused: list[str] = []
        self.page.on("console", lambda said: self._note(said.type, said.text))
        self.page.on("pageerror", lambda error: self.refused.append(str(error)))

    def _note(self, kind: str, text: str) -> None:
        if "Content Security Policy" in text or (kind == "error" and "Failed to load resource" not in text):
            self.refused.append(text)

    def sign_in(self, address: str) -> None:
        """Sign in with the demonstration's password."""
        self.go("/connexion")
        self.page.get_by_label("Adresse électronique").fill(address)
        self.page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
        self.page.get_by_role("button", name="Se connecter", exact=True).click()
        self.page.wait_for_url(re.compile(r"^(?!.*connexion)"))
        self.check()

    def go(self, path: str) -> None:
        """Open a page and check it."""
        answer = self.page.goto(path)
        assert answer is not None and answer.status < 400, f"{path}: {answer and answer.status}"
        self.check()

    def check(self) -> None:
        """No accessibility violation, nothing wider than the screen, nothing refused by the policy."""
        self.page.wait_for_load_state("networkidle")
        self.page.evaluate(AXE.read_text())
        found: dict[str, Any] = self.page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
        violations = [
            f"{rule['id']}: {rule['help']}: {[node['html'][:200] for node in rule['nodes'][:3]]}"
            for rule in found["violations"]
        ]
        assert violations == [], f"{self.page.url} at {self.width}: {violations}"
        overflow = self.page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow <= 0, f"{self.page.url} is {overflow} px wider than {self.width}"
        assert self.refused == [], f"{self.page.url}: {self.refused}"

    def close(self) -> None:
        """Close the window."""
        self.context.close()


@pytest.fixture
def visit(chromium: Browser, product: Product) -> Iterator[Callable[[int], Visitor]]:
    """`visit(1280)` opens a window of that width."""
    opened: list[Visitor] = []

    def opening(width: int) -> Visitor:
        opened.append(Visitor(chromium, product, width))
        return opened[-1]

    yield opening
    for visitor in opened:
        visitor.close()


def wait_until(true: Callable[[], bool], patience: float, say: Callable[[], str] = lambda: "") -> None:
    """Ask again and again; fail with what `say` tells when patience is over."""
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, f"too long: {say()}"
        time.sleep(0.2)
