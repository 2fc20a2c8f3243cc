"""`python -m tests.load`: fifty professionals for a minute on the national database, errors and p95 dated.

Use: make load (USERS=…, SECONDS=…, CITYJOBS_BENCH_HOME=…). Locust lives in its own environment, var/load: what its web
console needs must not decide which versions the application runs on.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cityjobs.accounts.rules import DEMO_PASSWORD
from tests.bench.house import ROOT, House, opened_house, say, web_of
from tests.bench.numbers import memory_of
from tests.proofs import measures

HERE = Path(__file__).parent
COMMAND = "make load"
USERS, SECONDS = 50, 60
MARK = "Échange noté pendant un essai de charge."
PAGE = ROOT / "docs" / "performance.md"
PLACE = re.compile(r"(<!-- load -->\n).*?(<!-- end -->)", re.DOTALL)
_ACCOUNTS = """
select u.email from membership m join user_account u on u.id = m.user_id
where m.role = %s and m.ended_on is null and u.disabled_at is null
  and (select count(*) from membership o where o.user_id = u.id and o.ended_on is null) = 1
  and (m.role <> 'referent' or exists (select from assignment a where a.referent_id = u.id and a.ended_at is null))
order by md5(u.email) limit %s
"""


def main() -> int:
    """Load, record, and fail when a request did."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--users", type=int, default=USERS)
    asked.add_argument("--seconds", type=int, default=SECONDS)
    asked.add_argument("--size", default="national", choices=("small", "large", "national"))
    asked.add_argument("--dry", action="store_true", help="write nothing in docs/")
    given = asked.parse_args()
    python = locust_python()
    with opened_house(given.size) as house:
        told = work(house, python, given.users, given.seconds)
    print(json.dumps(told, indent=1, ensure_ascii=False))
    if not given.dry:
        record(told)
    return 1 if told["failures"] else 0


def locust_python() -> Path:
    """The Python of the environment of locust, made when it is missing or out of date."""
    place = ROOT / "var" / "load"
    python, stamp = place / "bin" / "python", place / "installed"
    pinned = HERE / "requirements.txt"
    wanted = hashlib.sha256(pinned.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        say("Installing locust in var/load…")
        venv.create(place, with_pip=True, clear=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        subprocess.run([*install, "--require-hashes", "-r", pinned], check=True)
        stamp.write_text(wanted)
    return python


def work(house: House, python: Path, users: int, seconds: int) -> dict[str, Any]:
    """The web as `make run` starts it, and everybody at work."""
    with house.superuser() as server:
        accounts = {
            role: [email for (email,) in server.execute(_ACCOUNTS, (role, users)).fetchall()]
            for role in ("referent", "coordinator", "chef_de_file")
        }
        try:
            with web_of(house, workers=2) as (port, master), tempfile.TemporaryDirectory() as folder:
                told_in = Path(folder) / "told.json"
                argv = [python, "-m", "locust", "-f", HERE / "journeys.py", "--headless", "--only-summary"]
                argv += ["--users", str(users), "--spawn-rate", "5", "--run-time", f"{seconds}s"]
                argv += ["--host", f"http://127.0.0.1:{port}", "--stop-timeout", "10"]
                environment = {
                    "PATH": os.defpath,
                    "CITYJOBS_LOAD_ACCOUNTS": json.dumps(accounts),
                    "CITYJOBS_LOAD_PASSWORD": DEMO_PASSWORD,
                    "CITYJOBS_LOAD_MARK": MARK,
                    "CITYJOBS_LOAD_TOLD": str(told_in),
                }
                subprocess.run(argv, env=environment, cwd=folder, stdout=sys.stderr, check=False)
                told: dict[str, Any] = json.loads(told_in.read_text(encoding="utf-8"))
                told["worker"] = memory_of(master)
        finally:
            server.execute("delete from interview where synthesis = %s", (MARK,))
    told |= {
        "users": users,
        "seconds": seconds,
        "date": datetime.now(UTC).date().isoformat(),
        "commit": measures.present_commit(),
        "load": os.getloadavg()[0],
    }
    return told


def record(told: dict[str, Any]) -> None:
    """Each number against its bar, and the table of the page."""
    place = measures.FOLDER / "performance.jsonl"
    kept = place.read_text(encoding="utf-8").splitlines() if place.exists() else []
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(
        "".join(f"{line}\n" for line in kept if not json.loads(line)["command"].startswith(COMMAND)),
        encoding="utf-8",
    )
    os.environ[measures.PLACE] = str(place)
    bars = {
        "list": 500, "search": 500, "file": 500, "Ma journée": 500, "coordination board": 1000, "pilotage": 1000,
        "log a follow-up": 400,
    }  # fmt: skip

    command = (
        COMMAND
        if (told["users"], told["seconds"]) == (USERS, SECONDS)
        else (f"{COMMAND} USERS={told['users']} SECONDS={told['seconds']}")
    )

    def weigh(what: str, number: float, bar: float, unit: str, *, at_least: bool = False) -> None:
        measures.record(
            measures.measured("load", what, number, bar=bar, at_least=at_least, unit=unit, command=command)
        )

    weigh(f"{told['users']} users: requests that failed", told["failures"], 0, "")
    for name, bar in bars.items():
        if name in told["pages"]:
            weigh(f"{told['users']} users: {name}, p95", told["pages"][name]["p95_ms"], bar, "ms")
    (measures.FOLDER / "load.json").write_text(
        json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    if PAGE.exists():
        PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), told), encoding="utf-8")


def fill(text: str, told: dict[str, Any]) -> str:
    """The page with its table of load made anew."""
    lines = [
        f"{told['date']}, commit {told['commit']}, {told['users']} users for {told['seconds']} s, "
        f"{told['requests']} requests, {told['failures']} failed, {told['per_second']:.1f} a second, "
        f"p95 {told['p95_ms']:.0f} ms, machine load {told['load']:.1f} at the end.\n\n",
        "| journey | requests | failed | median | p95 |\n|---|---:|---:|---:|---:|\n",
        *(
            f"| {name} | {page['requests']} | {page['failures']} | {page['median_ms']:.0f} ms | {page['p95_ms']:.0f} ms |\n"
            for name, page in told["pages"].items()
        ),
    ]
    return PLACE.sub(lambda place: place[1] + "".join(lines) + place[2], text)


if __name__ == "__main__":
    sys.exit(main())
