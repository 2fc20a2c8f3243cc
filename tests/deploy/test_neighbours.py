"""The proxy and the database as described in deploy/, against what the application expects of them."""

import re
from pathlib import Path

import pytest
from flask import Flask
from psycopg import sql

from cityjobs.embedded.postgres import ROLES
from tests.conftest import Databases

ROOT = Path(__file__).resolve().parents[2]
NGINX = (ROOT / "deploy" / "nginx.conf").read_text()
BARE = re.sub(r"(^|\s)#.*", "", NGINX)


def directives(name: str) -> list[str]:
    return [found.strip() for found in re.findall(rf"^\s*{name}\s+([^;]+);", BARE, re.MULTILINE)]


def test_the_proxy_closes_what_it_opens() -> None:
    assert BARE.count("{") == BARE.count("}") > 5
    for line in BARE.splitlines():
        assert not line.strip() or line.rstrip().endswith((";", "{", "}")), line


def test_the_proxy_takes_as_much_as_the_application_and_no_more(built_app: Flask) -> None:
    (size,) = directives("client_max_body_size")
    assert int(size.removesuffix("m")) * 1024 * 1024 == built_app.config["MAX_CONTENT_LENGTH"]
    assert directives("proxy_request_buffering") == directives("proxy_buffering") == ["on"]


def test_the_proxy_waits_longer_than_gunicorn_lets_a_request_last() -> None:
    gunicorn = (ROOT / "deploy" / "gunicorn.conf.py").read_text()
    (patience,) = re.findall(r"^timeout = (\d+)$", gunicorn, re.MULTILINE)
    assert int(directives("proxy_read_timeout")[0].removesuffix("s")) > int(patience)


def test_what_a_client_claims_about_itself_is_forgotten() -> None:
    """With TRUSTED_PROXIES=1 the application believes the last word of these three headers."""
    told = dict(line.split(maxsplit=1) for line in directives("proxy_set_header"))
    assert (told["X-Forwarded-For"], told["X-Forwarded-Proto"]) == ("$remote_addr", "$scheme")
    assert told["X-Forwarded-Host"] == told["Host"] == "$host"
    assert "proxy_add_x_forwarded_for" not in BARE
    assert "TRUSTED_PROXIES=1" in (ROOT / "deploy" / "env" / "web.env").read_text()


def test_the_proxy_promises_tls_as_the_application_does(databases: Databases) -> None:
    from cityjobs.app import create_app
    from config import load_settings

    environ = databases.environment(BASE_URL="https://localhost", TRUSTED_PROXIES="1")
    app = create_app(load_settings(environ).flask_config())
    answer = app.test_client().get("/connexion", headers={"X-Forwarded-Proto": "https"})
    (promised,) = re.findall(r'add_header Strict-Transport-Security "([^"]+)" always', BARE)
    assert answer.headers["Strict-Transport-Security"] == promised
    assert directives("ssl_protocols") == ["TLSv1.2 TLSv1.3"]


def block(location: str) -> str:
    found = re.search(rf"location {re.escape(location)} \{{([^}}]*)\}}", BARE)
    assert found, location
    return found[1]


def test_what_is_for_watchers_is_not_for_everyone() -> None:
    assert "deny all;" in block("= /healthz")
    assert "allow" in block("= /healthz")
    assert "return 404;" in block("= /metrics")
    assert "proxy_pass" not in block("= /metrics")


def test_a_file_that_one_host_has_not_got_is_asked_of_the_next() -> None:
    """Hosts are upgraded in turn: each has its own build, and what its page names may be asked of the other."""
    assert "http_404" in block("/static/")
    assert "proxy_next_upstream_tries 0;" in block("/static/"), "each of them"
    assert "proxy_next_upstream error timeout;" in BARE, "a page that is not there is asked of one only"
    assert "proxy_set_header" not in block("/static/"), "else those of the whole server are forgotten"


def test_the_proxy_is_written_for_the_versions_that_are_named() -> None:
    assert directives("listen")[2:] == ["443 ssl http2", "[::]:443 ssl http2"]
    assert not directives("http2"), "known from 1.25.1 on only"


def test_the_proxy_logs_neither_addresses_nor_paths() -> None:
    (line,) = re.findall(r"log_format \w+ '([^']+)'", BARE)
    personal = {
        "$remote_addr",
        "$request",
        "$request_uri",
        "$uri",
        "$args",
        "$http_referer",
        "$http_user_agent",
    }
    assert not personal & set(re.findall(r"\$\w+", line))


def settings_of_postgresql() -> dict[str, str]:
    lines = (ROOT / "deploy" / "postgresql" / "cityjobs.conf").read_text().splitlines()
    kept = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    return {name.strip(): value.strip().strip("'") for name, value in kept}


def test_postgresql_takes_every_setting(databases: Databases) -> None:
    """ALTER SYSTEM checks name and value as the file would be; nothing is loaded, and all is taken back.

    The server of the tests was built without TLS: it only knows the name of `ssl`.
    """
    told = settings_of_postgresql()
    assert len(told) > 30
    known = {row[0] for row in databases.superuser.execute("select lower(name) from pg_settings")}
    assert set(told) <= known
    for name, value in told.items():
        if name == "ssl":
            continue
        try:
            databases.superuser.execute(
                sql.SQL("alter system set {} = {}").format(sql.Identifier(name), sql.Literal(value))
            )
        finally:
            databases.superuser.execute(sql.SQL("alter system reset {}").format(sql.Identifier(name)))


def test_postgresql_keeps_what_it_is_told_and_quotes_nothing() -> None:
    told = settings_of_postgresql()
    assert (told["fsync"], told["full_page_writes"], told["synchronous_commit"]) == ("on", "on", "on")
    assert (told["ssl"], told["password_encryption"]) == ("on", "scram-sha-256")
    assert (told["log_error_verbosity"], told["log_statement"]) == ("terse", "none")
    assert told["log_min_error_statement"] == "panic"
    assert told["archive_mode"] == "on"
    assert int(told["archive_timeout"].removesuffix("s")) <= 300, "what may be lost with the host"


def test_each_role_enters_by_tls_with_its_password_and_nobody_else() -> None:
    lines = [
        line.split()
        for line in (ROOT / "deploy" / "postgresql" / "pg_hba.conf").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert lines[-1] == ["host", "all", "all", "all", "reject"]
    assert lines[0] == ["local", "all", "postgres", "peer"]
    remote = lines[1:-1]
    assert {line[2] for line in remote} == (set(ROLES) - {"postgres"}) | {"cityjobs_backup"}
    for kind, _, role, address, *method in remote:
        assert (kind, method) == ("hostssl", ["scram-sha-256"]), role
        assert int(address.rpartition("/")[2]) >= 24, "a network small enough to be known"


@pytest.mark.parametrize("setting", ["web", "worker"])
def test_the_examples_hold_no_secret(setting: str) -> None:
    text = (ROOT / "deploy" / "env" / f"{setting}.env").read_text()
    assert not re.search(r"://[^/\s]*:[^/\s]*@", text)
