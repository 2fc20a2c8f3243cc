"""What locust runs: référents, coordinators and chefs de file at work, each signed in once.

Run by `python -m tests.load` in an environment of its own, hence nothing of the application here. Accounts come as JSON
in CITYJOBS_LOAD_ACCOUNTS: {"referent": [emails], "coordinator": [...], "chef_de_file": [...]}, the password beside it.
"""

import json
import os
import re
from datetime import datetime
from secrets import choice
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from locust import HttpUser, between, events, task

ACCOUNTS: dict[str, list[str]] = json.loads(os.environ["CITYJOBS_LOAD_ACCOUNTS"])
PASSWORD = os.environ["CITYJOBS_LOAD_PASSWORD"]
MARK = os.environ["CITYJOBS_LOAD_MARK"]
TOKEN = re.compile(r'name="csrf_token"[^>]* value="([^"]+)"')
FILE = re.compile(r'href="(/personnes/[0-9a-f-]{36})"')
BEGINNINGS = ("ben", "mar", "dia", "fat", "moh", "na", "sou", "dup")


class Professional(HttpUser):
    """Somebody who signed in, and thinks a few seconds between two pages."""

    abstract = True
    wait_time = between(1, 3)
    role = ""

    def on_start(self) -> None:
        """Through the door, once."""
        waiting = ACCOUNTS[self.role]
        self.email = waiting.pop() if len(waiting) > 1 else waiting[0]
        form = {"csrf_token": self._token("/connexion"), "email": self.email, "password": PASSWORD}
        with self._post("/connexion", form, "sign in") as answer:
            if answer.status_code != 303:
                answer.failure(f"not let in: {answer.status_code}")

    def see(self, path: str, name: str) -> str:
        """A page, which must be there."""
        with self.client.get(path, name=name, allow_redirects=False, catch_response=True) as answer:
            if answer.status_code != 200:
                answer.failure(f"answered {answer.status_code}")
            return str(answer.text)

    def _post(self, path: str, form: dict[str, str], name: str) -> Any:
        return self.client.post(path, data=form, name=name, allow_redirects=False, catch_response=True)

    def _token(self, path: str) -> str:
        found = TOKEN.search(self.see(path, f"GET {path}"))
        return found[1] if found else ""


class CaseWorker(Professional):
    """Whoever opens files."""

    abstract = True

    @task(6)
    def list(self) -> None:
        """The list, then somebody's file."""
        files = FILE.findall(self.see("/personnes", "list"))
        if files:
            self.see(choice(files), "file")

    @task(3)
    def search(self) -> None:
        """Part of a name."""
        self.see(f"/personnes?q={choice(BEGINNINGS)}", "search")

    @task(3)
    def log(self) -> None:
        """The list, a file, and an exchange noted in it."""
        files = FILE.findall(self.see("/personnes", "list"))
        if not files:
            return
        path = choice(files)
        page = self.see(path, "file")
        token = TOKEN.search(page)
        form = {
            "csrf_token": token[1] if token else "",
            "interview": str(uuid4()),
            "synthesis": MARK,
            "mode": "telephone",
            "reached": "y",
            "held_on": datetime.now(ZoneInfo("Europe/Paris")).date().isoformat(),
        }
        with self._post(f"{path}/entretiens/nouveau", form, "log a follow-up") as answer:
            if answer.status_code != 303:
                answer.failure(f"not noted: {answer.status_code}")
        self.see(path, "file")

    @task(3)
    def day(self) -> None:
        """What waits for me."""
        self.see("/ma-journee", "Ma journée")


class Referent(CaseWorker):
    """Eight in ten."""

    weight = 8
    role = "referent"


class Coordinator(CaseWorker):
    """Who also gives persons to référents, and looks at figures."""

    weight = 1
    role = "coordinator"

    @task(6)
    def board(self) -> None:
        """Who waits for a référent."""
        self.see("/coordination", "coordination board")

    @task(2)
    def figures(self) -> None:
        """How the Cité does."""
        self.see("/pilotage", "pilotage")


class ChefDeFile(Professional):
    """Who reads figures, and the rows behind them."""

    weight = 1
    role = "chef_de_file"

    @task(3)
    def figures(self) -> None:
        """The month, then the year."""
        self.see("/pilotage", "pilotage")
        self.see("/pilotage?periode=annee", "pilotage of the year")

    @task(1)
    def rows(self) -> None:
        """What is behind one figure."""
        self.see("/pilotage/lignes?figure=ind_file_active", "rows behind a figure")


@events.quitting.add_listener
def tell(environment: Any, **_: Any) -> None:
    """Write what was measured where the caller asked for it."""
    total = environment.stats.total
    told = {
        "requests": total.num_requests,
        "failures": total.num_failures,
        "per_second": round(total.total_rps, 1),
        "pages": {
            entry.name: {
                "requests": entry.num_requests,
                "failures": entry.num_failures,
                "median_ms": entry.median_response_time,
                "p95_ms": entry.get_response_time_percentile(0.95),
            }
            for entry in sorted(environment.stats.entries.values(), key=lambda entry: str(entry.name))
        },
        "p95_ms": total.get_response_time_percentile(0.95),
        "median_ms": total.median_response_time,
        "errors": [str(error.error) for error in environment.stats.errors.values()],
    }
    with open(os.environ["CITYJOBS_LOAD_TOLD"], "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(told, file, ensure_ascii=False)
