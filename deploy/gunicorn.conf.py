"""How gunicorn serves CityJobs: `gunicorn --config deploy/gunicorn.conf.py wsgi:app`.

WEB_BIND (127.0.0.1:8000), WEB_PROCESSES (2) and WEB_THREADS (8) change what differs between machines.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

METRICS = "PROMETHEUS_MULTIPROC_DIR"

# The tree itself and not the link to it: what is loaded late comes from the version that was started (docs/operations.md).
chdir = str(Path.cwd())
bind = os.environ.get("WEB_BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_PROCESSES", "2"))
worker_class = "gthread"
threads = int(os.environ.get("WEB_THREADS", "8"))
timeout = 60
graceful_timeout = 30
keepalive = 15
# Memory goes back to the system now and then; not for every process at the same moment.
max_requests = 20_000
max_requests_jitter = 2_000
# Beats are files: in memory, so that a slow disk kills nobody.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
control_socket_disable = True
# The proxy says how the browser came; CityJobs itself counts the proxies (TRUSTED_PROXIES).
forwarded_allow_ips = ""
limit_request_line = 4094
limit_request_fields = 60
accesslog = None
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "root": {"level": "WARNING", "handlers": ["lines"]},
    "handlers": {"lines": {"()": "cityjobs.core.journal.handler"}},
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": ["lines"], "propagate": False}},
}


def on_starting(_server: Any) -> None:
    """Give the processes one place for their counts, empty: those of the former life are over."""
    place = os.environ.get(METRICS)
    if place is None:
        place = os.environ[METRICS] = tempfile.mkdtemp(prefix="cityjobs-metrics-")
    shutil.rmtree(place, ignore_errors=True)
    Path(place).mkdir(mode=0o700, parents=True)


def child_exit(_server: Any, worker: Any) -> None:
    """A process ended: what it counted stays, what it held is forgotten."""
    if any(Path(os.environ[METRICS]).glob("*.db")):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)


def on_exit(_server: Any) -> None:
    """Leave nothing behind."""
    shutil.rmtree(os.environ[METRICS], ignore_errors=True)
