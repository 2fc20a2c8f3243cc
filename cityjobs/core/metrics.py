"""/metrics for Prometheus, behind METRICS_TOKEN: how the house does, never who.

Labels take few values, all known beforehand: endpoints, methods, statuses, states. What workers do is read from the
database and the broker when asked, so that a worker opens no port.
"""

import functools
import hmac
import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import redis
import sqlalchemy as sa
from celery.signals import before_task_publish
from flask import Flask, Response, current_app, g, request
from flask.typing import ResponseReturnValue
from redis.backoff import NoBackoff
from redis.retry import Retry

from cityjobs.core.db import db
from cityjobs.core.permissions import PUBLIC, requires

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from prometheus_client import Counter, Gauge, Histogram
    from prometheus_client.metrics_core import Metric

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
QUEUE = "cityjobs:celery"
"""The list in which the broker keeps tasks that no worker has taken."""
PUBLISHED = "published_at"
BELONGS = "PROMETHEUS_MULTIPROC_DIR"
"""The variable naming the directory that the processes of one gunicorn share (deploy/gunicorn.conf.py makes it)."""

WATCHED = frozenset({"/healthz", "/metrics"})
"""What is asked of each web host by itself, not through the proxy."""


@dataclass(frozen=True)
class Instruments:
    """What each process counts by itself."""

    requests: "Counter"
    seconds: "Histogram"
    sign_in_failures: "Counter"
    connections: "Gauge"


@functools.cache
def instruments() -> Instruments:
    """Made once in a process, whatever the number of applications in it."""
    from prometheus_client import Counter, Gauge, Histogram

    return Instruments(
        requests=Counter(
            "cityjobs_requests", "Requests answered.", ["endpoint", "method", "status"], registry=None
        ),
        seconds=Histogram(
            "cityjobs_request_seconds", "Time to answer.", ["endpoint"], buckets=BUCKETS, registry=None
        ),
        sign_in_failures=Counter(
            "cityjobs_sign_in_failures", "Wrong passwords, and tries too many.", ["reason"], registry=None
        ),
        connections=Gauge(
            "cityjobs_database_connections",
            "Connections held by the web's processes.",
            ["state"],
            multiprocess_mode="livesum",
            registry=None,
        ),
    )


@before_task_publish.connect
def _note_publication(headers: dict[str, Any] | None = None, **_facts: object) -> None:
    """Each message carries its instant, so that the oldest waiting one tells the age of the queue."""
    if headers is not None:
        headers[PUBLISHED] = time.time()


def _count(response: Response) -> Response:
    counted = instruments()
    endpoint = request.endpoint or "none"
    method = request.method if request.method in METHODS else "other"
    counted.requests.labels(endpoint, method, str(response.status_code)).inc()
    if started := g.get("started_at"):
        counted.seconds.labels(endpoint).observe(time.perf_counter() - started)
    if g.get("password_refused"):
        counted.sign_in_failures.labels("password").inc()
    elif response.status_code == 429:
        counted.sign_in_failures.labels("too_many").inc()
    pool: Any = db.engine.pool
    if isinstance(pool, sa.QueuePool):
        counted.connections.labels("used").set(pool.checkedout())
        counted.connections.labels("idle").set(pool.checkedin())
    return response


@requires(PUBLIC)
def metrics() -> ResponseReturnValue:
    """The figures of this moment, for whoever holds the token."""
    expected = f"Bearer {current_app.config['METRICS_TOKEN']}"
    if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected.encode()):
        return Response("", 401, {"WWW-Authenticate": "Bearer"}, mimetype="text/plain")
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

    return Response(generate_latest(_registry()), content_type=CONTENT_TYPE_LATEST)


def _registry() -> Any:
    """Everything to be told now: the counts of all processes of this host, then the state of the house."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    if os.environ.get(BELONGS):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        mine = instruments()
        for each in (mine.requests, mine.seconds, mine.sign_in_failures, mine.connections):
            registry.register(each)
    registry.register(_House(list(_state_of_the_house())))
    return registry


class _House:
    """Prometheus asks a collector for families of figures."""

    def __init__(self, families: Iterable["Metric"]) -> None:
        self.families = families

    def collect(self) -> Iterable["Metric"]:
        """The figures."""
        return self.families


def _state_of_the_house() -> Iterator["Metric"]:
    """What the database and the broker say; a part that is away is said to be, and the rest goes on."""
    from prometheus_client.metrics_core import GaugeMetricFamily

    def gauge(name: str, meaning: str, value: float) -> "Metric":
        return GaugeMetricFamily(f"cityjobs_{name}", meaning, value=value)

    waiting = _queue()
    yield gauge("broker_up", "Whether the broker answers.", waiting is not None)
    if waiting is not None:
        yield gauge("queue_length", "Tasks that no worker has taken.", waiting[0])
        yield gauge("queue_age_seconds", "Age of the oldest of them.", waiting[1])
    rows = _figures()
    yield gauge("database_up", "Whether the database answers.", rows is not None)
    families: dict[str, GaugeMetricFamily] = {}
    for row in rows or ():
        name = f"cityjobs_{row.name}"
        family = families.setdefault(
            name,
            GaugeMetricFamily(name, MEANINGS[row.name], labels=["state"] if row.state is not None else []),
        )
        family.add_metric([] if row.state is None else [row.state], float(row.value))
    yield from families.values()


MEANINGS = {
    "outbox_letters": "Letters of the outbox that are waiting, being sent, or given up within a day.",
    "outbox_age_seconds": "For how long the oldest letter could have left; 0 when none waits.",
    "reminder_lines": "Lines of the reminder ledger not settled yet.",
    "reminder_lag_seconds": "Age of the oldest line of the reminder ledger not settled; 0 when none waits.",
    "report_requests": "Activity reports asked for and not ready.",
    "report_age_seconds": "Age of the oldest of them; 0 when none waits.",
    "journal_unsealed_seconds": "Age of the oldest line of the journal that no seal covers; 0 when all are sealed.",
    "worker_age_seconds": "Since a worker last did a task.",
    "beat_age_seconds": "Since beat last ticked.",
}
"""Every figure that app.figures_of_the_house() gives (migration 0016)."""


def _figures() -> list[Any] | None:
    try:
        return list(db.session.execute(sa.text("select name, state, value from app.figures_of_the_house()")))
    except sa.exc.SQLAlchemyError:
        db.session.rollback()
        return None


def _queue() -> tuple[int, float] | None:
    """How many tasks wait and for how many seconds the oldest has; None when the broker does not answer."""
    try:
        with redis.Redis.from_url(
            current_app.config["REDIS_CLIENT_URL"],
            socket_timeout=1,
            socket_connect_timeout=1,
            retry=Retry(NoBackoff(), 0),
        ) as broker:
            length: Any = broker.llen(QUEUE)
            oldest: Any = broker.lindex(QUEUE, -1)
    except redis.RedisError:
        return None
    published = json.loads(oldest)["headers"].get(PUBLISHED) if oldest else None
    return int(length), max(0.0, time.time() - published) if published else 0.0


def answer_watchers(served: "WSGIApplication", own_hosts: Iterable[str]) -> "WSGIApplication":
    """On the web host's own address, which TRUSTED_HOSTS does not hold, let what is WATCHED answer and nothing else."""
    known = frozenset(own_hosts)

    def asked(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        if environ.get("PATH_INFO") in WATCHED and environ.get("HTTP_HOST", "").lower() in known:
            environ["HTTP_HOST"] = "localhost"
        return served(environ, start)

    return asked


def init_app(app: Flask) -> None:
    """Hang the page and count, when there is a token to read the counts with; else there is no such page."""
    if app.config.get("METRICS_TOKEN"):
        app.add_url_rule("/metrics", "metrics", metrics)
        app.after_request(_count)
    if hosts := app.config.get("OWN_HOSTS"):
        app.wsgi_app = answer_watchers(app.wsgi_app, hosts)  # type: ignore[method-assign, assignment]
