"""Faults of what holds when hosts die, and when the broker or the database is away."""

from tests.mutants.fault import Fault

DIE = "tests/proofs/test_hosts.py"
CRASH = "tests/proofs/test_crashes.py"
RANDOM = f"{CRASH}::test_workers_killed_at_random_instants_lose_nothing"
POISON = f"{CRASH}::test_a_letter_that_kills_its_worker_is_set_apart_and_holds_nobody_up"
DATABASE = "tests/proofs/test_database.py"
BROKER = "tests/proofs/test_broker.py"
REPORTS = "tests/reporting/test_reports.py"

FAULTS = [
    Fault(
        DIE,
        "one write in four is said to be saved and is not",
        "cityjobs/core/db.py",
        "    session.commit()\n",
        "    session.commit() if uuid.uuid4().int % 4 else session.rollback()\n",
    ),
    Fault(
        DIE,
        "nobody writes to whom somebody was entrusted",
        "cityjobs/coordination/actions.py",
        "        if target.email and target.referent_id != attribution.by:\n",
        "        if not target.email:\n",
    ),
    Fault(
        DIE,
        "that a letter has left is not written down",
        "cityjobs/core/outbox.py",
        "row.state = Delivery.CANCELLED if letter is None else Delivery.SENT\n",
        "row.state = Delivery.CANCELLED if letter is None else Delivery.WAITING\n",
    ),
    Fault(
        RANDOM,
        "the sweep sends nothing",
        "cityjobs/core/outbox.py",
        "    for identifier in identifiers:\n",
        "    for identifier in identifiers[:0]:\n",
    ),
    Fault(
        RANDOM,
        "what a dead worker held is taken back by nobody",
        "cityjobs/core/outbox.py",
        "row.state, row.not_before = Delivery.WAITING, now() + TAKEN_BACK_FOR",
        "pass",
    ),
    Fault(
        f"{REPORTS}::test_a_failure_is_said_with_a_way_to_ask_again",
        "a report shows its spreadsheet before its figures are complete",
        "cityjobs/reporting/tasks.py",
        "    pdf = write_pdf(frozen.figures, frozen.definitions)\n",
        "    with transaction() as early:\n"
        "        from cityjobs.reporting.models import ActivityReport\n"
        "        early.get_one(ActivityReport, identifier).xlsx = workbook\n"
        "    pdf = write_pdf(frozen.figures, frozen.definitions)\n",
    ),
    Fault(
        f"{REPORTS}::test_the_sweep_takes_what_a_lost_nudge_or_a_dead_worker_left",
        "a report left half-way is computed by nobody",
        "cityjobs/reporting/actions.py",
        "sa.update(ActivityReport).where(sa.or_(left, failed))",
        "sa.update(ActivityReport).where(failed)",
    ),
    Fault(
        POISON,
        "a letter that kills is tried for ever",
        "cityjobs/core/outbox.py",
        "if row.deaths >= MOST_DEATHS:",
        "if row.deaths >= 1000:",
    ),
    Fault(
        DATABASE,
        "a connection that died is used again",
        "config.py",
        '"pool_pre_ping": True',
        '"pool_pre_ping": False',
    ),
    Fault(
        DATABASE,
        "a database that is away is answered by an empty page",
        "cityjobs/core/web.py",
        '    return *error_page(503), {"Retry-After": "10"}\n',
        '    return "<h1>Personnes</h1><p>Aucune personne.</p>", 200\n',
    ),
    Fault(
        "tests/core/test_outbox.py::test_a_letter_that_left_while_the_database_went_is_written_down_and_not_sent_again",
        "a letter that left while the database went is sent again",
        "cityjobs/core/outbox.py",
        "        departure.has_left = True\n",
        "",
    ),
    Fault(
        BROKER,
        "every request asks a broker that does not answer",
        "cityjobs/core/jobs.py",
        "        if not breaker.lets_through():\n            return\n",
        "",
    ),
    Fault(
        BROKER,
        "a page fails when the broker is away",
        "cityjobs/core/db.py",
        '            log.warning("after_commit_failed", extra={"failure": type(failure).__name__})',
        "            raise",
    ),
    Fault(
        BROKER,
        "a worker ends with its broker",
        "cityjobs/core/jobs.py",
        "    say_lost_when_closed()\n    celery",
        "    celery",
    ),
    Fault(
        BROKER,
        "a try at a password fails when the broker is away",
        "cityjobs/accounts/views/throttle.py",
        "        in_memory_fallback_enabled=True,\n        swallow_errors=True,\n",
        "",
    ),
]
