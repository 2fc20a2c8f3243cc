"""`python -m tests.bench`: measure every page against its floor, interleaved in one run, on the national database.

Writes docs/measures/bench.json (everything) and docs/measures/performance.jsonl (each number against its aim), then
the tables of docs/performance.md. Use: make bench (ROUNDS=…, CITYJOBS_BENCH_HOME=…).
"""

import argparse
import json
import logging
import os
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask

from cityjobs.app import create_app
from config import load_settings
from tests.bench import table
from tests.bench.floor import Floor, Taken, take, token_of, without_tokens
from tests.bench.house import Browser, House, opened_house, say, web_of
from tests.bench.jobs import measure_all_figures, measure_export, measure_scan
from tests.bench.numbers import Series, memory_of, memory_of_machine
from tests.bench.pages import Page, pages_of, staff_of
from tests.bench.thick import thicken, thin
from tests.proofs import measures

COMMAND = "make bench"
ROUNDS = 60
MARK = "Échange noté pour mesurer la vitesse."


def main() -> int:
    """Measure, record, and say what missed its aim."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rounds", type=int, default=ROUNDS, help="how many times each page and each floor")
    asked.add_argument("--size", default="national", choices=("small", "large", "national"))
    asked.add_argument("--only", default="", help="pages whose name holds this")
    asked.add_argument("--dry", action="store_true", help="write nothing in docs/")
    given = asked.parse_args()
    if not given.dry and (given.only or given.size != "national"):
        asked.error("docs/ tell of every page on the national data: add --dry")
    with opened_house(given.size) as house:
        found = measure(house, rounds=given.rounds, only=given.only)
    print(json.dumps(found, indent=1, ensure_ascii=False))
    if not given.dry:
        table.write(found)
    missed = [each for each in record(found, dry=given.dry) if not each.holds]
    for each in missed:
        say(f"missed: {each.test}: {each.what}: {each.number:g} {each.unit}, aim {each.bar}")
    return 0


def measure(house: House, *, rounds: int, only: str) -> dict[str, Any]:
    """Everything about one house."""
    logging.getLogger("cityjobs").setLevel(logging.ERROR)
    app = create_app(load_settings(house.environment("web")).flask_config())
    logging.getLogger("cityjobs").setLevel(logging.ERROR)
    with house.superuser() as server:
        large, usual = staff_of(server, 0), staff_of(server, 42)
        (version,) = server.execute("show server_version").fetchone() or ("",)
        pages = [page for page in pages_of(large, usual) if only in page.name]
        say(f"largest: {large.name}, {large.parcours} parcours; usual: {usual.name}, {usual.parcours}")
        try:
            for staff in (large, usual):
                thin(server, staff.thick_id)  # a run that was stopped may have left it
                thicken(server, staff.thick_id, staff.referent_id)
            server.execute("analyze")
            found = measure_pages(app, house, pages, rounds)
        finally:
            for staff in (large, usual):
                thin(server, staff.thick_id)
            server.execute("delete from interview where synthesis = %s", (MARK,))
    if not only:
        found["jobs"] = {
            "scan": measure_scan(house),
            "figures": measure_all_figures(house),
            "export": measure_export(house, large.coordinator),
        }
    found |= {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": measures.present_commit(),
        "rounds": rounds,
        "load": os.getloadavg()[0],
        "machine": {"processors": os.cpu_count(), "memory_gb": memory_of_machine(), "postgresql": version},
        "cites": {
            "largest Cité": {"name": large.name, "parcours": large.parcours},
            "usual Cité": {"name": usual.name, "parcours": usual.parcours},
        },
    }
    return found


class Subject:
    """One page ready to be asked again and again, as it is and as its floor."""

    def __init__(self, app: Flask, page: Page, port: int) -> None:
        self.app, self.page = app, page
        self.client = app.test_client()
        self.browser = Browser(port).sign_in(page.email)
        self._sign_in()
        self.interview = uuid.uuid4()
        self.taken: Taken = take(
            app, self.client, page.path, self.form(self.interview) if page.writes else None
        )
        self.pages, self.floors = Series(), Series()

    def _sign_in(self) -> None:
        from cityjobs.accounts.rules import DEMO_PASSWORD

        token = token_of(self.client, "/connexion")
        form = {"csrf_token": token, "email": self.page.email, "password": DEMO_PASSWORD}
        if self.client.post("/connexion", data=form).status_code != 303:
            raise RuntimeError(f"{self.page.email} was not let in")
        cookie = self.client.get_cookie(self.app.config["SESSION_COOKIE_NAME"])
        self.cookie = f"{cookie.key}={cookie.value}" if cookie else ""

    def form(self, interview: uuid.UUID, token: str | None = None) -> dict[str, str]:
        """An exchange to be noted, with what comes next."""
        return {
            "csrf_token": token or token_of(self.client, self.page.path),
            "interview": str(interview),
            "synthesis": MARK,
            "mode": "telephone",
            "reached": "y",
            "held_on": datetime.now(UTC).date().isoformat(),
        }

    def time_page(self, token: str) -> None:
        """Once, through gunicorn and the loopback."""
        form = self.form(uuid.uuid4(), token) if self.page.writes else None
        started = time.perf_counter()
        answer, _ = self.browser.ask("POST" if form else "GET", self.page.path, form)
        self.pages.add(time.perf_counter() - started)
        if answer.status not in (200, 303):
            raise RuntimeError(f"{self.page.path} answered {answer.status}")

    def time_floor(self, floor: Floor) -> str:
        """Once, by prepared statements and the template alone."""
        with floor.ready_for(self.taken, self.cookie):
            started = time.perf_counter()
            page = floor.repeat(self.taken, renewed=self.interview if self.page.writes else None)
            self.floors.add(time.perf_counter() - started)
        return page


def measure_pages(app: Flask, house: House, pages: list[Page], rounds: int) -> dict[str, Any]:
    """Pages and floors, one after the other, round after round."""
    floor = Floor(app, house.postgres.url("cityjobs_web"))
    with web_of(house) as (port, master):
        before = memory_of(master)
        subjects = [Subject(app, page, port) for page in pages]
        tokens = {id(s): s.browser.token(s.page.path) if s.page.writes else "" for s in subjects}
        for subject in subjects:
            page = subject.time_floor(floor)
            if not subject.page.writes and without_tokens(page) != without_tokens(subject.taken.page):
                raise RuntimeError(f"the floor of {subject.page.name} does not make the same page")
        for subject in subjects:
            subject.floors.clear()
            for _ in range(8):  # statements become prepared, templates compiled, on both sides
                subject.time_page(tokens[id(subject)])
            subject.pages.clear()
        for round_number in range(rounds):
            for subject in subjects:
                if round_number % 2:
                    subject.time_floor(floor)
                subject.time_page(tokens[id(subject)])
                if not round_number % 2:
                    subject.time_floor(floor)
        after = memory_of(master)
        told = [told_of(subject) for subject in subjects]
    return {"pages": told, "worker": {"at start": before, "after": after}}


def told_of(subject: Subject) -> dict[str, Any]:
    """One line of the table."""
    page = subject.page
    sizes = {}
    if not page.writes:
        for coding in ("identity", "gzip", "br", "zstd"):
            sizes[coding] = len(subject.browser.ask("GET", page.path, accepts=coding)[1])
    return {
        "name": page.name,
        "median_ms": subject.pages.median,
        "p95_ms": subject.pages.p95,
        "floor_ms": subject.floors.median,
        "floor_p95_ms": subject.floors.p95,
        "ratio": round(subject.pages.median / subject.floors.median, 2),
        "queries": subject.taken.queries,
        "bytes": sizes,
        "aim_ratio": page.aim.ratio,
        "aim_ms": page.aim.milliseconds,
    }


def record(found: dict[str, Any], *, dry: bool) -> list[measures.Measure]:
    """Each number against its aim, in the form of every proof."""
    if not dry:
        place = measures.FOLDER / "performance.jsonl"
        kept = place.read_text(encoding="utf-8").splitlines() if place.exists() else []
        others = [line for line in kept if not json.loads(line)["command"].startswith(COMMAND)]
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        place.write_text("".join(f"{line}\n" for line in others), encoding="utf-8")
        os.environ[measures.PLACE] = str(place)
    told: list[measures.Measure] = []
    command = COMMAND if found["rounds"] == ROUNDS else f"{COMMAND} ROUNDS={found['rounds']}"

    def weigh(test: str, what: str, number: float, bar: float, unit: str) -> None:
        told.append(
            measures.measured(test, what, number, bar=bar, at_least=False, unit=unit, command=command)
        )

    for page in found["pages"]:
        if page["aim_ratio"]:
            weigh("speed", f"{page['name']}: times its floor", page["ratio"], page["aim_ratio"], "×")
        if page["aim_ms"]:
            weigh("speed", f"{page['name']}: median", page["median_ms"], page["aim_ms"], "ms")
        if "logging" not in page["name"]:
            weigh("speed", f"{page['name']}: queries", page["queries"], 6, "")
            weigh("speed", f"{page['name']}: compressed", page["bytes"]["br"] / 1000, 100, "kB")
    weigh("speed", "one web worker, resident", found["worker"]["after"]["rss_mb"], 120, "MB")
    for job in found.get("jobs", {}).values():
        for what, number, bar, unit in job["aims"]:
            weigh("speed", what, number, bar, unit)
    if not dry:
        for each in told:
            measures.record(each)
    return told


if __name__ == "__main__":
    sys.exit(main())
