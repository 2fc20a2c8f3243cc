"""Technical logs: one JSON object a line, with request and actor identifiers, never a name nor a text."""

import logging
import sys
import time
from collections.abc import MutableMapping
from typing import Any

import structlog
from flask import Flask, Response, g, has_request_context, request

STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def _who(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if has_request_context():
        event["request_id"] = g.get("request_id")
        event["actor_id"] = g.get("actor_id")
    return event


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


def init_app(app: Flask) -> None:
    """Write logs to the standard error, as JSON. Paths and queries are not logged: they may identify somebody."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                _extra,
                _who,
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger("cityjobs")
    root.handlers, root.propagate = [handler], app.config.get("ENVIRONMENT") == "test"
    root.setLevel(logging.INFO)
    app.before_request(_start)
    app.after_request(_log_request)
