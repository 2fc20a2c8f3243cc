"""A file with 400 events of all kinds, written beside the actions of the product and taken away again.

It is written as the superuser, without triggers: what is measured is how a thick file is read, not how it came to be.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

WORD = "serrurerie"
"""What a few of the exchanges hold, to be sought."""

_ID = "md5(%(mark)s || '{table}' || n)::uuid"
_KEYS = "p.cite_id, p.person_id, p.id"
_DAY = "(p.spotted_on + n %% greatest(1, current_date - p.spotted_on))"
_AT = "(p.spotted_on + n %% greatest(1, current_date - p.spotted_on) + time '10:00') at time zone 'Europe/Paris'"
_KINDS: dict[str, tuple[int, str, str]] = {
    "interview": (
        150, "id, cite_id, person_id, parcours_id, author_id, held_on, mode, duration, reached, synthesis, created_at",
        f"{_ID}, {_KEYS}, %(by)s, {_DAY}, 'telephone', 15, true, case when n %% 60 = 0 then 'Atelier de {WORD} visité.' "
        f"else 'Point sur les démarches, numéro ' || n || '.' end, {_AT}",
    ),
    "next_step": (
        80, "id, cite_id, person_id, parcours_id, title, due_on, state, result, created_by_id, created_at, settled_by_id, settled_at",
        f"{_ID}, {_KEYS}, 'Rappeler la crèche', {_DAY}, 'done', 'Fait.', %(by)s, {_AT}, %(by)s, {_AT}",
    ),
    "reminder": (
        40, "id, cite_id, person_id, parcours_id, rule, subject_id, due_on, recipient_id, channel, state, created_at, settled_at",
        f"{_ID}, {_KEYS}, 'step_overdue', {_ID}, {_DAY}, %(by)s, 'email', 'sent', {_AT}, {_AT}",
    ),
    "parcours_transition": (
        20, "id, cite_id, person_id, parcours_id, event, from_status, to_status, happened_on, recorded_by_id, recorded_at",
        f"{_ID}, {_KEYS}, 'resume', 'suspendu', 'actif', {_DAY}, %(by)s, {_AT}",
    ),
    "assignment": (
        20, "id, cite_id, person_id, parcours_id, kind, referent_id, started_at, ended_at, assigned_by_id, ended_by_id",
        f"{_ID}, {_KEYS}, 'co_referent', %(by)s, {_AT}, {_AT}, %(by)s, %(by)s",
    ),
    "diagnosis": (
        20, "id, cite_id, person_id, parcours_id, number, opened_on, finished_on, project, author_id, created_at",
        f"{_ID}, {_KEYS}, 1000 + n, {_DAY}, {_DAY}, 'Travailler dans un atelier.', %(by)s, {_AT}",
    ),
    "goal": (
        20, "id, cite_id, person_id, parcours_id, label, status, opened_on, settled_on, created_by_id, created_at",
        f"{_ID}, {_KEYS}, 'Reprendre confiance', 'reached', {_DAY}, {_DAY}, %(by)s, {_AT}",
    ),
    "etape": (
        40, "id, cite_id, person_id, parcours_id, type, label, status, started_on, ended_on, result, created_by_id, created_at",
        f"{_ID}, {_KEYS}, 'cv_lettre', 'Atelier CV', 'realisee', {_DAY}, {_DAY}, 'atteint', %(by)s, {_AT}",
    ),
    "agreement": (
        10, "id, cite_id, person_id, parcours_id, number, agreed_on, review_on, way, created_by_id, created_at, ended_on",
        f"{_ID}, {_KEYS}, 1000 + n, {_DAY}, {_DAY} + 90, 'spoken', %(by)s, {_AT}, {_DAY}",
    ),
}  # fmt: skip
EVENTS = sum(count for count, _, _ in _KINDS.values())


def thicken(server: psycopg.Connection[Any], person_id: uuid.UUID, by: uuid.UUID) -> None:
    """Add EVENTS happenings to the present parcours of a person, all told by one professional."""
    given = {"mark": str(person_id), "by": by, "person": person_id}
    with _without_triggers(server):
        for table, (count, columns, values) in _KINDS.items():
            server.execute(
                f"insert into {table} ({columns}) select {values.format(table=table)}"
                f" from generate_series(1, {count}) n,"
                " (select * from parcours where person_id = %(person)s order by spotted_on desc limit 1) p",
                given,
            )


def thin(server: psycopg.Connection[Any], person_id: uuid.UUID) -> None:
    """Take away what `thicken` added."""
    with _without_triggers(server):
        for table, (count, _, _) in _KINDS.items():
            server.execute(
                f"delete from {table} where person_id = %(person)s and id in"
                f" (select {_ID.format(table=table)} from generate_series(1, {count}) n)",
                {"mark": str(person_id), "person": person_id},
            )


@contextmanager
def _without_triggers(server: psycopg.Connection[Any]) -> Iterator[None]:
    (before,) = server.execute("show session_replication_role").fetchone() or ("origin",)
    server.execute("set session_replication_role = replica")
    try:
        yield
    finally:
        server.execute(f"set session_replication_role = {before}")
