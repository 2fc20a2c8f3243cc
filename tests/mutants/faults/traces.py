"""Faults in the journal and its seals: each must turn tests/proofs/test_traces.py red."""

from tests.mutants.fault import Fault

TRACES = "tests/proofs/test_traces.py"
ROUTES = f"{TRACES}::test_every_route_leaves_exactly_its_traces"
CRASHES = f"{TRACES}::test_a_crash_leaves_no_action_without_trace_nor_trace_without_action"
TAMPERING = f"{TRACES}::test_every_tampering_is_seen_and_named"
LATE = f"{TRACES}::test_a_line_committed_late_is_sealed_and_no_writer_waits"
OUT_OF_REACH = f"{TRACES}::test_the_application_reaches_neither_journal_nor_seals"

FAULTS = [
    Fault(ROUTES, "a table loses its trigger", sql="drop trigger traced on next_step"),
    Fault(
        ROUTES,
        "an update of a person is no longer traced",
        sql="drop trigger traced on person;"
        " create trigger traced after insert or delete on person for each row execute function audit.trace()",
    ),
    Fault(
        ROUTES,
        "a row is traced twice",
        sql="create trigger traced_again after update on next_step for each row execute function audit.trace()",
    ),
    Fault(
        ROUTES,
        "the page of an exchange is not said to be read",
        file="cityjobs/followups/views.py",
        was='    found = find_interview(person_id, interview_id) or abort(404)\n    record_reading("interview", found.id, found.cite_id)\n',
        becomes="    found = find_interview(person_id, interview_id) or abort(404)\n",
    ),
    Fault(
        ROUTES,
        "a refused form shows a file and leaves no trace",
        file="cityjobs/core/audit.py",
        was="SHOWING = frozenset({200, 206, 409, 422})",
        becomes="SHOWING = frozenset({200})",
    ),
    Fault(
        ROUTES,
        "a trace is written when nothing is shown",
        file="cityjobs/core/audit.py",
        was="SHOWING = frozenset({200, 206, 409, 422})",
        becomes="SHOWING = frozenset({200, 303, 409, 422})",
    ),
    Fault(
        ROUTES,
        "the journal is told that somebody else asked",
        sql="do $$ begin execute replace(pg_get_functiondef('audit.trace'::regproc), 'app.user_id()',"
        " '(select max(id::text)::uuid from public.user_account)'); end $$",
    ),
    Fault(
        ROUTES,
        "the journal is not told which request it was",
        file="cityjobs/core/db.py",
        was='            "request_id": session.info.get("request_id", ""),',
        becomes='            "request_id": "",',
    ),
    Fault(
        CRASHES,
        "the trace of a reading comes after the commit, and its failure is swallowed",
        file="cityjobs/core/audit.py",
        was="    if reading and response.status_code in SHOWING:\n",
        becomes="    if reading and response.status_code == 200:\n"
        "        commit()\n"
        "        try:\n"
        "            trace = sa.text('select audit.record_reading(:subject, :subject_id, :cite_id)')\n"
        "            db.session.execute(trace, reading)\n"
        "            commit()\n"
        "        except Exception:\n"
        "            rollback()\n"
        "        return response\n"
        "    if reading and response.status_code in SHOWING:\n",
    ),
    Fault(
        CRASHES,
        "whatever goes wrong with a trace, the page is shown",
        file="cityjobs/core/audit.py",
        was="    if reading and response.status_code in SHOWING:\n",
        becomes="    if reading and response.status_code == 200:\n"
        "        try:\n"
        "            trace = sa.text('select audit.record_reading(:subject, :subject_id, :cite_id)')\n"
        "            db.session.execute(trace, reading)\n"
        "            commit()\n"
        "        except Exception:\n"
        "            rollback()\n"
        "        return response\n"
        "    if reading and response.status_code in SHOWING:\n",
    ),
    Fault(CRASHES, "an exchange is no longer traced", sql="drop trigger traced on interview"),
    Fault(
        TAMPERING,
        "a line's own words are not compared",
        file="cityjobs/core/audit.py",
        was="        elif line.kept != line.sealed:\n",
        becomes="        elif False:\n",
    ),
    Fault(
        TAMPERING,
        "a changed moment is not seen",
        file="cityjobs/core/audit.py",
        was="    full join (\n",
        becomes="    left join (\n",
    ),
    Fault(
        TAMPERING,
        "seals are not compared with their own hash",
        file="cityjobs/core/audit.py",
        was="    if hashlib.sha256(said.encode()).digest() != row.hash:\n",
        becomes="    if False:\n",
    ),
    Fault(
        TAMPERING,
        "the end of the chain is not looked at",
        file="cityjobs/core/audit.py",
        was="    for number in range(last + 1, min(stands.last_seal, last + 100) + 1):\n",
        becomes="    for number in range(0):\n",
    ),
    Fault(
        LATE,
        "lines are sealed past those that are still being written",
        file="migrations/versions/0015_sealed_journal.py",
        was="  if pg_snapshot_xmin(pg_current_snapshot()) >= me then\n",
        becomes="  if true then\n",
    ),
    Fault(
        LATE,
        "each line is chained as it is written, so that writers wait for each other",
        sql="create function audit.wait() returns trigger language plpgsql as $$ begin"
        " perform pg_advisory_xact_lock(1); return new; end $$;"
        " grant execute on function audit.wait to public;"
        " create trigger waits before insert on audit.journal for each row execute function audit.wait()",
    ),
    Fault(OUT_OF_REACH, "the worker may read the seals", sql="grant select on audit.seal to cityjobs_worker"),
    Fault(
        OUT_OF_REACH,
        "anybody may purge",
        sql="grant execute on function audit.purge to cityjobs_web; alter function audit.purge security definer",
    ),
    Fault(
        OUT_OF_REACH, "the web may empty the journal", sql="grant truncate on audit.journal to cityjobs_web"
    ),
]
