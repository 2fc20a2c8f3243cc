"""What the planner does with the queries of real pages: those that were sent are explained again, and scans are counted.

Counting sees what no EXPLAIN of a page's own statements shows: what functions, policies and triggers run inside.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import _queries
from sqlalchemy import event

LARGE = frozenset(
    {
        "person", "parcours", "interview", "next_step", "assignment", "spotting", "parcours_transition", "reminder",
        "journal", "job", "job_check", "parcours_exit", "suspension", "situation_snapshot", "diagnosis", "frein", "frein_reading",
        "goal", "etape", "etape_goal", "agreement", "agreement_goal", "attachment",
    }
)  # fmt: skip
"""Tables that hold a row or more per person and grow with the years."""

_SCANNED = "select relname, seq_scan from pg_stat_xact_all_tables where seq_scan > 0 and relname = any (%s)"


@dataclass(frozen=True)
class Sent:
    """A statement of a page, with what the database was told of who asks."""

    statement: str
    parameters: Any
    told: dict[str, str]


@dataclass
class Seen:
    """What a page did: its statements, and the large tables of which it read every row."""

    sent: list[Sent] = field(default_factory=list)
    scanned: set[str] = field(default_factory=set)


@contextmanager
def watched(engine: sa.Engine) -> Iterator[Seen]:
    """Note what is sent on an engine, and ask before each commit which tables were read from end to end."""
    seen, told = Seen(), dict[str, str]()

    def note(_c: object, _cur: object, statement: str, parameters: Any, _ctx: object, many: bool) -> None:
        if "set_config('cityjobs.user_id'" in statement:
            told.clear()
            told.update({f"cityjobs.{name}": value for name, value in parameters.items()})
        elif "pg_stat_xact" not in statement:
            first = parameters[0] if many else parameters
            seen.sent.append(Sent(statement, first, dict(told)))

    def count(connection: sa.Connection) -> None:
        cursor = connection.connection.cursor()
        if cursor.connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS:
            cursor.execute(_SCANNED, [list(LARGE)])
            seen.scanned |= {name for name, _ in cursor.fetchall()}
        cursor.close()

    listeners = (("before_cursor_execute", note), ("commit", count), ("rollback", count))
    for name, listener in listeners:
        event.listen(engine, name, listener)
    try:
        yield seen
    finally:
        for name, listener in listeners:
            event.remove(engine, name, listener)


@dataclass(frozen=True)
class Planned:
    """Large tables that a plan reads from end to end, and what the planner believes that it costs, in its own unit.

    Reading a whole index, without a condition on what it is ordered by, is reading the table from end to end.
    """

    scans: set[str]
    cost: float
    dearest: float
    """What the dearest question costs, where a statement only puts several together; else the whole."""


def plan_of(connection: psycopg.Connection[Any], sent: Sent) -> Planned:
    """What the planner makes of a statement.

    Both plans that a prepared statement may get are asked for: the one for these parameters and, where the server would
    prefer it because it is not dearer, the one for any. The connection is one of the role that sent the statement;
    nothing is executed.
    """
    with connection.transaction(force_rollback=True):
        for name, value in sent.told.items():
            connection.execute("select set_config(%s, %s, true)", (name, value))
        parameters = sent.parameters or None
        row = connection.execute(f"explain (format json) {sent.statement}", parameters).fetchone()
        ordered_by = dict(connection.execute(_ORDERED_BY, [list(LARGE)]).fetchall())
        told = row[0] if row else None
        scans, cost, relations = _read(told, ordered_by)
        if parameters:
            asked = _queries.PostgresQuery(psycopg.adapt.Transformer(connection))
            asked.convert(sent.statement, parameters)
            answer = connection.pgconn.exec_(b"explain (generic_plan, format json) " + asked.query)
            if answer.status != psycopg.pq.ExecStatus.TUPLES_OK:
                raise AssertionError(answer.get_error_message())
            for_any, cost_for_any, _ = _read(answer.get_value(0, 0), ordered_by)
            if cost_for_any < cost + PLANNING * (relations + 1):
                scans |= for_any
    return Planned(scans, cost, _dearest_in(told))


def _dearest_in(plan: Any) -> float:
    """The cost of the dearest of the questions that are asked together; of the whole plan, when it is one question."""
    root = plan[0]["Plan"]
    together = [
        each["Total Cost"] for each in root.get("Plans", ()) if each["Parent Relationship"] == "InitPlan"
    ]
    return float(max(together) if root["Node Type"] == "Result" and together else root["Total Cost"])


_ORDERED_BY = """
select c.relname, pg_get_indexdef(indexrelid, 1, true) from pg_index join pg_class c on c.oid = indexrelid
join pg_class t on t.oid = indrelid join pg_am on pg_am.oid = c.relam
where indpred is null and amname = 'btree' and t.relname = any (%s)"""

PLANNING = 2.5
"""What the server adds to the cost of a plan made anew, for each relation: 1 000 times cpu_operator_cost."""


def is_explained(sent: Sent) -> bool:
    """Whether a statement has a plan."""
    return sent.statement.lstrip("( \n").split(None, 1)[0].lower() in {
        "select",
        "with",
        "insert",
        "update",
        "delete",
    }


def _read(told: Any, ordered_by: dict[str, str]) -> tuple[set[str], float, int]:
    """Large tables read from end to end, what the whole costs, and how many relations are in it."""
    plan = json.loads(told) if isinstance(told, bytes | str) else told
    found: set[str] = set()
    relations = 0
    nodes = [plan[0]["Plan"]]
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        relations += "Relation Name" in node
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE:
            found.add(node["Relation Name"])
        index = node.get("Index Name")
        if index in ordered_by and ordered_by[index] not in node.get("Index Cond", ""):
            found.add(f"{index}, whole")
    return found, plan[0]["Plan"]["Total Cost"], relations
