"""`python -m tests.bench.export EMAIL ROWS`: the export of the list, read again until there are as many rows."""

import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

from cityjobs.accounts.models import Membership, User
from cityjobs.app import create_app
from cityjobs.core.clock import today
from cityjobs.core.db import Actor, act_as, db
from cityjobs.desk.export import write_people
from cityjobs.desk.forms import read_filters
from cityjobs.desk.queries.people import PeopleList
from config import load_settings
from tests.bench.numbers import memory_of_process, peak_of_process


def main() -> int:
    """Write the spreadsheet, and say in JSON what it took."""
    email, wanted = sys.argv[1], int(sys.argv[2])
    app = create_app(load_settings().flask_config())
    logging.getLogger("cityjobs").setLevel(logging.ERROR)
    with app.test_request_context("/personnes/export.xlsx"), tempfile.TemporaryFile() as sheet:
        who = db.session.execute(
            db.select(User.id, Membership.role, Membership.cite_id)
            .join(Membership, Membership.user_id == User.id)
            .where(User.email == email, Membership.ended_on.is_(None))
        ).one()
        act_as(Actor(who.id, who.role, who.cite_id))
        asked = PeopleList(read_filters({}, who.role, today()), who.role, today())
        before, started = memory_of_process(os.getpid()), time.perf_counter()
        write_people(sheet, islice(_again_and_again(asked), wanted))
        told = {
            "rows": wanted,
            "seconds": round(time.perf_counter() - started, 1),
            "before_mb": before["rss_mb"],
            "peak_mb": peak_of_process(os.getpid()),
            "file_mb": round(sheet.tell() / 1e6, 1),
        }
    print(json.dumps(told))
    return 0


def _again_and_again(asked: PeopleList) -> Iterator[Any]:
    while True:
        yield from asked.every_row()


if __name__ == "__main__":
    sys.exit(main())
