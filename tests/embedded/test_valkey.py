"""The embedded Valkey keeps its messages and answers only to who knows the password."""

from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cityjobs.embedded.home import Refused
from cityjobs.embedded.valkey import EmbeddedValkey

ONCE = Retry(NoBackoff(), 0)


def test_keeps_what_it_was_told_through_a_stop_and_through_a_kill(home: Path) -> None:
    with EmbeddedValkey(home) as server, redis.Redis.from_url(server.url()) as client:
        client.rpush("celery", "one")
    with EmbeddedValkey(home) as server, redis.Redis.from_url(server.url()) as client:
        client.rpush("celery", "two")
        assert server.child is not None
        server.child.kill()
        server.child.wait()
    with EmbeddedValkey(home) as server, redis.Redis.from_url(server.url()) as client:
        assert client.lrange("celery", 0, -1) == [b"one", b"two"]


def test_asks_for_the_password_and_opens_no_port(home: Path) -> None:
    with EmbeddedValkey(home, durable=False) as server:
        with redis.Redis.from_url(server.url()) as client:
            assert client.config_get("port") == {"port": "0"}
        with (
            redis.Redis(unix_socket_path=str(home / "run" / "valkey.sock"), retry=ONCE) as stranger,
            pytest.raises(redis.exceptions.AuthenticationError),
        ):
            stranger.ping()
        assert (home / "run").stat().st_mode & 0o777 == 0o700
        assert (home / "valkey.conf").stat().st_mode & 0o777 == 0o600


def test_a_home_has_one_server_at_a_time(home: Path) -> None:
    with EmbeddedValkey(home, durable=False), pytest.raises(Refused, match="déjà utilisé"):
        EmbeddedValkey(home, durable=False).start()
