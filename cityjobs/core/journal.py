"""Technical logs: one JSON object a line, with request, task and actor identifiers, never a name nor a text.

An exception is told by its kind and its lines: what it says may quote a row.
"""

import logging
import sys
import time
import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any

import structlog
from celery import current_task
from celery.signals import setup_logging
from flask import Flask, Response, g, has_request_context, request

STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "data"}
"""What a record always has; and `data`, where Celery puts arguments and exceptions."""
OUTCOMES = {"INFO": "task_done", "WARNING": "task_refused", "ERROR": "task_failed", "CRITICAL": "task_failed"}
QUOTING = ("Exception on", "Error handling request", "Invalid request from")
"""How Flask and gunicorn begin the messages in which they quote an address."""


def causes_of(failure: BaseException) -> Iterator[BaseException]:
    """An exception, then what it came from."""
    seen: set[int] = set()
    present: BaseException | None = failure
    while present is not None and id(present) not in seen:
        seen.add(id(present))
        yield present
        present = present.__cause__ or present.__context__


def kind_of(failure: BaseException) -> str:
    """« psycopg.errors.UniqueViolation »"""
    return f"{type(failure).__module__}.{type(failure).__qualname__}"


def _failure(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    told = event.pop("exc_info", None)
    failure = told[1] if isinstance(told, tuple) else told
    if isinstance(failure, BaseException):
        event["failures"] = [kind_of(each) for each in causes_of(failure)]
        event["trace"] = [
            f"{frame.f_globals.get('__name__')}:{line}"
            for frame, line in traceback.walk_tb(failure.__traceback__)
        ]
    event.pop("exception", None)
    event.pop("stack_info", None)
    return event


def _who(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if has_request_context():
        event["request_id"] = g.get("request_id")
        event["actor_id"] = g.get("actor_id")
    elif current_task and current_task.request.id:
        event["task_id"], event["task"] = current_task.request.id, current_task.name
    return event


def _without_quotes(record: logging.LogRecord) -> bool:
    """Filter: what Celery and gunicorn say of a failure, without the values they would quote."""
    told = record.__dict__.get("data")
    if record.name == "celery.app.trace" and isinstance(told, dict):
        record.msg, record.args = OUTCOMES.get(record.levelname, "task"), ()
        record.task_id, record.task = told.get("id"), told.get("name")
        if isinstance(seconds := told.get("runtime"), float):
            record.milliseconds = round(seconds * 1000, 1)
        return True
    said = str(record.msg)
    for beginning in QUOTING:
        if said.startswith(beginning):
            record.msg, record.args = beginning, ()
    return True


def _extra(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    record = event.get("_record")
    if record is not None:
        event.update({name: value for name, value in record.__dict__.items() if name not in STANDARD})
    return event


def _log_request(response: Response) -> Response:
    started = g.get("started_at")
    logging.getLogger("cityjobs.request").info(
        "request",
        extra={
            "method": request.method,
            "endpoint": request.endpoint,
            "status": response.status_code,
            "milliseconds": round((time.perf_counter() - started) * 1000, 1) if started else None,
        },
    )
    return response


def _start() -> None:
    g.started_at = time.perf_counter()


def formatter() -> logging.Formatter:
    """One JSON object a line."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _failure,
            _extra,
            _who,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def handler() -> logging.Handler:
    """To the standard error, as JSON; also named by deploy/gunicorn.conf.py."""
    made = logging.StreamHandler(sys.stderr)
    made.setFormatter(formatter())
    made.addFilter(_without_quotes)
    return made


@setup_logging.connect
def _speak_json(loglevel: int | str | None = None, **_facts: object) -> None:
    """Celery leaves the writing of its logs to us."""
    for name in ("celery", "kombu"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler()], False
        logger.setLevel(loglevel or logging.INFO)


def init_app(app: Flask) -> None:
    """Write logs to the standard error, as JSON. Paths and queries are not logged: they may identify somebody."""
    root = logging.getLogger("cityjobs")
    root.handlers, root.propagate = [handler()], app.config.get("ENVIRONMENT") == "test"
    root.setLevel(logging.INFO)
    app.before_request(_start)
    app.after_request(_log_request)
