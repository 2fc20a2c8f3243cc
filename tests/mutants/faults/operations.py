"""What would make a deployment lose, repeat or tell too much."""

from tests.mutants.fault import Fault

RESTORE = "tests/hosts/test_restore.py"
METRICS = "tests/core/test_metrics.py"
TRACKER = "tests/core/test_tracker.py"
UNITS = "tests/deploy/test_units.py"
MIGRATIONS = "tests/deploy/test_migrations.py"

FAULTS = [
    Fault(
        proof=RESTORE,
        name="the drill restores the base backup and forgets the WAL written after it",
        file="tests/hosts/restore_drill.py",
        was='"recovery_target_time": at,',
        becomes='"recovery_target": "immediate",',
    ),
    Fault(
        proof=RESTORE,
        name="the drill goes past the chosen instant, to what had to be undone",
        file="tests/hosts/restore_drill.py",
        was='"recovery_target_time": at,',
        becomes='"recovery_target_timeline": "latest",',
    ),
    Fault(
        proof=RESTORE,
        name="the log does not say which letters left",
        file="cityjobs/core/outbox.py",
        was='        log.info("letter_sent", extra=_trace_of(row))\n',
        becomes="",
    ),
    Fault(
        proof=RESTORE,
        name="a letter recalled as sent stays waiting",
        file="cityjobs/core/outbox.py",
        was="            row.state, row.settled_at, row.failure = Delivery.SENT, letter.at, None\n",
        becomes="            row.settled_at, row.failure = letter.at, None\n",
    ),
    Fault(
        proof=RESTORE,
        name="the morning's letters are forgotten by a restore",
        file="cityjobs/reminders/tasks.py",
        was=", by_clock=True",
        becomes="",
    ),
    Fault(
        proof=METRICS,
        name="figures are told without their token",
        file="cityjobs/core/metrics.py",
        was='    if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected.encode()):',
        becomes='    if not request.headers.get("Authorization", expected):',
    ),
    Fault(
        proof=METRICS,
        name="requests are counted by their path, which names a person",
        file="cityjobs/core/metrics.py",
        was='    endpoint = request.endpoint or "none"\n',
        becomes="    endpoint = request.path\n",
    ),
    Fault(
        proof=METRICS,
        name="letters sent long ago are counted as waiting",
        sql="alter function app.figures_of_the_house() rename to figures_before;"
        " create function app.figures_of_the_house() returns table (name text, state text, value double precision)"
        " language sql stable security definer set search_path = pg_catalog, public, app as $$"
        " select f.name, f.state, case when f.state = 'waiting' then (select count(*) from outgoing) else f.value end"
        " from app.figures_before() f $$;"
        " grant execute on function app.figures_of_the_house to cityjobs_web, cityjobs_worker",
    ),
    Fault(
        proof=TRACKER,
        name="the tracker is sent what exceptions say",
        file="cityjobs/core/tracker.py",
        was='        "module": exception.get("module"),\n        "stacktrace"',
        becomes='        "module": exception.get("value"),\n        "stacktrace"',
    ),
    Fault(
        proof=TRACKER,
        name="the tracker is sent the whole event",
        file="cityjobs/core/tracker.py",
        was="    return kept  # type: ignore[return-value]",
        becomes="    return told | kept  # type: ignore[return-value]",
    ),
    Fault(
        proof=TRACKER,
        name="logs quote what an exception says",
        file="cityjobs/core/journal.py",
        was='        event["failures"] = [kind_of(each) for each in causes_of(failure)]\n',
        becomes='        event["failures"] = [str(each) for each in causes_of(failure)]\n',
    ),
    Fault(
        proof=UNITS,
        name="the web is given the worker's database role",
        file="deploy/systemd/cityjobs-web.service",
        was="LoadCredential=REDIS_URL:",
        becomes="LoadCredential=WORKER_DATABASE_URL:/etc/cityjobs/web/WORKER_DATABASE_URL\nLoadCredential=REDIS_URL:",
    ),
    Fault(
        proof=UNITS,
        name="a unit names a setting that nobody reads",
        file="deploy/env/web.env",
        was="TRUSTED_PROXIES=1",
        becomes="TRUSTED_PROXYS=1",
    ),
    Fault(
        proof=UNITS,
        name="a unit may write everywhere",
        file="deploy/systemd/cityjobs-.service.d/hardening.conf",
        was="ProtectSystem=strict\n",
        becomes="",
    ),
    Fault(
        proof=MIGRATIONS,
        name="a migration waits for ever on a lock",
        file="migrations/env.py",
        was="set lock_timeout = '5s'",
        becomes="set lock_timeout = 0",
    ),
    Fault(
        proof=MIGRATIONS,
        name="an index is built while writers wait, and nobody says why",
        file="migrations/versions/0022_assignments_by_cite.py",
        was="    # in service: assignment holds some 300 000 lines for the whole country; indexing them takes less than a second\n",
        becomes="",
    ),
    Fault(
        proof=MIGRATIONS,
        name="a column is renamed under the version that still serves",
        file="migrations/versions/0036_discretion.py",
        was="    op.execute(MY_PEOPLE.format(still_here=STILL_HERE))\n",
        becomes='    op.execute("alter table person rename column phone to telephone")\n',
    ),
]
