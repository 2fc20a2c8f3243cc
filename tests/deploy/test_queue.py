"""The rights given on the queue are enough for each role, and no more: real programs, and the server's own list of refusals."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from cityjobs.embedded.home import temporary_home
from cityjobs.embedded.valkey import EmbeddedValkey, _binary
from tests.conftest import Databases
from tests.core.processes import wait_until

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "Vq7xM2kR9tLw4Zb8Nc6Ys3Kd5Jf0GpHa"
PASSWORDS = {"WEB_PASSWORD": "web-of-tests", "WORKER_PASSWORD": "worker-of-tests"}

PLAY_WEB = """
import re
from cityjobs.core.heartbeat import worker_lives
from wsgi import app
client = app.test_client()
said = []
for _ in range(8):
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/connexion").text).group(1)
    said.append(client.post("/connexion", data={"csrf_token": token, "email": "a@ville.example", "password": "x"}).status_code)
worker_lives.apply_async(ignore_result=True)
figures = client.get("/metrics", headers={"Authorization": "Bearer TOKEN"}).text
print(said[0], said[-1], client.get("/healthz").json["broker"], "cityjobs_queue_length 1.0" in figures)
""".replace("TOKEN", TOKEN)


class Queue:
    """A Valkey with the rights of deploy/valkey/users.acl."""

    def __init__(self, server: EmbeddedValkey) -> None:
        self.server = server
        self.keeper = redis.Redis.from_url(server.url(), decode_responses=True)
        for line in (ROOT / "deploy/valkey/users.acl").read_text().splitlines():
            for word, password in PASSWORDS.items():
                line = line.replace(word, password)
            _, name, *rules = line.split()
            if name != "default":  # that one is the keeper of this test
                assert self.keeper.execute_command("ACL", "SETUSER", name, *rules)

    def url(self, role: str) -> str:
        """The address of the queue for a role."""
        password = PASSWORDS[f"{role.upper()}_PASSWORD"]
        return re.sub(r"//[^@]*@", f"//cityjobs_{role}:{password}@", self.server.url())

    def refusals(self) -> list[str]:
        """What somebody asked for and may not do."""
        return [f"{line['username']}: {line['reason']} {line['object']}" for line in self.keeper.acl_log()]


@pytest.fixture
def queue() -> Iterator[Queue]:
    with temporary_home() as home, EmbeddedValkey(home / "valkey", durable=False) as server:
        made = Queue(server)
        yield made
        made.keeper.close()


def environment(databases: Databases, queue: Queue, role: str) -> dict[str, str]:
    environ = databases.environment(PROCESS=role, REDIS_URL=queue.url(role), METRICS_TOKEN=TOKEN)
    return {**os.environ, **environ}


def test_each_role_may_do_its_work_on_the_queue(databases: Databases, queue: Queue, tmp_path: Path) -> None:
    databases.empty()
    web = subprocess.run(
        [sys.executable, "-c", PLAY_WEB],
        cwd=ROOT,
        env=environment(databases, queue, "web"),
        capture_output=True,
        text=True,
    )
    assert web.stdout.split() == ["422", "429", "True", "True"], web.stderr
    argv = [sys.executable, "-m", "celery", "-A", "wsgi:celery"]
    working = ["worker", "--concurrency", "1", "--without-gossip", "--without-mingle"]
    beating = ["beat", "--schedule", str(tmp_path / "schedule"), "--pidfile="]
    environ = environment(databases, queue, "worker")
    log = (tmp_path / "log").open("w")
    running = [
        subprocess.Popen(
            [*argv, *each], cwd=ROOT, env=environ, stdout=log, stderr=log, start_new_session=True
        )
        for each in (working, beating)
    ]
    try:

        def both_signed() -> bool:
            assert queue.refusals() == []
            asked = "select count(*) from heartbeat where part in ('worker', 'beat')"
            return databases.superuser.execute(asked).fetchone() == (2,)

        wait_until(both_signed)
        wait_until(lambda: queue.keeper.llen("cityjobs:celery") == 0)
        running[0].send_signal(signal.SIGTERM)
        assert running[0].wait(30) == 0
    finally:
        for child in running:
            if child.poll() is None:
                child.kill()
            child.wait()
        log.close()
    assert queue.refusals() == [], (tmp_path / "log").read_text()[-2000:]


@pytest.mark.parametrize(
    ("role", "asked"),
    [
        ("web", ["BRPOP", "cityjobs:celery", "1"]),
        ("web", ["HGETALL", "cityjobs:unacked"]),
        ("web", ["GET", "somebody:else"]),
        ("web", ["KEYS", "*"]),
        ("web", ["FLUSHALL"]),
        ("web", ["CONFIG", "GET", "*"]),
        ("web", ["ACL", "LIST"]),
        ("worker", ["GET", "cityjobs:0000:limits:x"]),
        ("worker", ["GET", "somebody:else"]),
        ("worker", ["FLUSHDB"]),
        ("worker", ["CONFIG", "SET", "save", ""]),
        ("worker", ["SHUTDOWN"]),
        ("worker", ["EVAL", "return 1", "0"]),
    ],
)
def test_neither_role_may_do_more(queue: Queue, role: str, asked: list[str]) -> None:
    with redis.Redis.from_url(queue.url(role)) as theirs, pytest.raises(redis.exceptions.NoPermissionError):
        theirs.execute_command(*asked)


def test_nobody_enters_without_a_name() -> None:
    first, *others = (ROOT / "deploy/valkey/users.acl").read_text().splitlines()
    assert first == "user default off"
    assert [line.split()[1] for line in others] == ["cityjobs_web", "cityjobs_worker"]
    for line in others:
        rules = line.split()
        assert "-@all" in rules
        assert not {"allcommands", "+@all", "allkeys", "~*", "allchannels", "&*", "nopass"} & set(rules)


def test_the_queue_speaks_tls_alone_and_never_evicts() -> None:
    lines = dict(
        line.split(maxsplit=1)
        for line in (ROOT / "deploy/valkey/valkey.conf").read_text().splitlines()
        if line and not line.startswith("#")
    )
    assert (lines["port"], lines["maxmemory-policy"], lines["appendonly"]) == ("0", "noeviction", "yes")
    assert int(lines["tls-port"]) > 0
    assert lines["aclfile"].endswith("users.acl")


def test_the_queue_starts_from_its_files_and_writes_where_it_is_told(tmp_path: Path) -> None:
    """As the service manager starts it, in a directory where nothing may be written. The server of the tests knows no TLS."""
    rights = (ROOT / "deploy/valkey/users.acl").read_text()
    for word, password in PASSWORDS.items():
        rights = rights.replace(word, password)
    (tmp_path / "users.acl").write_text(rights)
    (tmp_path / "kept").mkdir()
    lines = [
        line
        for line in (ROOT / "deploy/valkey/valkey.conf").read_text().splitlines()
        if not line.startswith(("tls-", "bind "))
    ]
    told = "\n".join([*lines, f"unixsocket {tmp_path}/socket"])
    told = told.replace("/etc/valkey", str(tmp_path)).replace("/var/lib/valkey", f"{tmp_path}/kept")
    (tmp_path / "valkey.conf").write_text(told)
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen([_binary(), tmp_path / "valkey.conf"], cwd="/proc", stdout=log, stderr=log)
    try:
        wait_until(lambda: (tmp_path / "socket").exists() or server.poll() is not None)
        password = PASSWORDS["WEB_PASSWORD"]
        with redis.Redis.from_url(f"unix://cityjobs_web:{password}@{tmp_path}/socket") as client:
            assert client.lpush("cityjobs:celery", "a task") == 1
        assert list((tmp_path / "kept").rglob("*.aof")), (tmp_path / "log").read_text()
    finally:
        server.terminate()
        server.wait()
