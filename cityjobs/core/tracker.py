"""The error tracker: absent without ERROR_TRACKER_DSN; what leaves says where the code failed, never about whom.

Any tracker that speaks Sentry's protocol will do, one's own included.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from celery import current_task
from celery.signals import task_failure
from flask import Flask, g, got_request_exception, has_request_context, request

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

KEPT = ("event_id", "timestamp", "platform", "level", "environment")
"""What is passed on of an event as the tracker's library made it."""


def keep_places(event: "Event", _hint: "Hint") -> "Event":
    """An event made again from nothing: kinds of exceptions, modules, functions, lines, request, endpoint, task."""
    told: dict[str, Any] = dict(event)
    exceptions = (told.get("exception") or {}).get("values") or []
    kept: dict[str, Any] = {name: told[name] for name in KEPT if name in told}
    kept["exception"] = {"values": [_place(each) for each in exceptions]}
    kept["tags"] = where()
    kept["transaction"] = kept["tags"].get("endpoint") or kept["tags"].get("task") or ""
    return kept  # type: ignore[return-value]


def _place(exception: Mapping[str, Any]) -> dict[str, Any]:
    frames = (exception.get("stacktrace") or {}).get("frames") or []
    return {
        "type": exception.get("type"),
        "module": exception.get("module"),
        "stacktrace": {
            "frames": [
                {name: frame.get(name) for name in ("module", "function", "lineno", "in_app")}
                for frame in frames
            ]
        },
    }


def where() -> dict[str, str]:
    """What was being done: the request's identifier and endpoint, or the task's."""
    if has_request_context():
        return {"request_id": str(g.get("request_id") or ""), "endpoint": str(request.endpoint or "")}
    if current_task and current_task.request.id:
        return {"task_id": str(current_task.request.id), "task": str(current_task.name)}
    return {}


def _tell_request(_app: Flask, exception: BaseException, **_facts: object) -> None:
    from sentry_sdk import capture_exception

    capture_exception(exception)


def _tell_task(exception: BaseException | None = None, **_facts: object) -> None:
    from sentry_sdk import capture_exception

    capture_exception(exception)


def init_app(app: Flask) -> None:
    """Tell the tracker of what nobody expected, in requests and in tasks; without its address, nothing is loaded."""
    address = app.config.get("ERROR_TRACKER_DSN")
    if not address:
        return
    import sentry_sdk
    from sentry_sdk.integrations.atexit import AtexitIntegration

    sentry_sdk.init(
        dsn=str(address),
        environment=str(app.config["ENVIRONMENT"]),
        before_send=keep_places,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[AtexitIntegration(callback=lambda *_asked: None)],
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_session_tracking=False,
        send_client_reports=False,
        enable_logs=False,
        traces_sample_rate=None,
        propagate_traces=False,
        shutdown_timeout=2,
    )
    got_request_exception.connect(_tell_request, app)
    task_failure.connect(_tell_task, weak=False)
