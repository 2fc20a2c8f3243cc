"""What the logs hold: one JSON object a line, whose request or task it is, and nothing that somebody typed."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from celery import shared_task
from flask import Flask

from cityjobs.core import journal

SECRET = "Zoubida Quillfeather, 06 12 34 56 78"


class Lines:
    """What a logger wrote."""

    def __init__(self, name: str) -> None:
        self.logger = logging.getLogger(name)
        self.handler = journal.handler()
        self.text = io.StringIO()
        assert isinstance(self.handler, logging.StreamHandler)
        self.handler.setStream(self.text)
        self.logger.addHandler(self.handler)
        self.logger.setLevel(logging.INFO)

    def read(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.getvalue().splitlines()]


@pytest.fixture
def listen() -> Iterator[Any]:
    made: list[Lines] = []

    def start(name: str) -> Lines:
        made.append(Lines(name))
        return made[-1]

    yield start
    for each in made:
        each.logger.removeHandler(each.handler)


@shared_task(name="tests.speaks")
def speaks() -> None:
    logging.getLogger("cityjobs.tests").info("spoke", extra={"letters": 3})


def test_what_a_task_says_carries_its_identifier_and_name(as_worker: Flask, listen: Any) -> None:
    lines = listen("cityjobs.tests")
    speaks.apply(task_id="0b5c1f9e")
    (line,) = lines.read()
    assert (line["event"], line["task_id"], line["task"], line["letters"]) == (
        "spoke",
        "0b5c1f9e",
        "tests.speaks",
        3,
    )
    assert "request_id" not in line


def test_a_request_carries_its_identifier(app: Flask, listen: Any) -> None:
    lines = listen("cityjobs.request")
    answer = app.test_client().get("/connexion?nom=Quillfeather")
    (line,) = lines.read()
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert (line["endpoint"], line["actor_id"]) == ("accounts.sign_in", None)
    assert "Quillfeather" not in lines.text.getvalue()


def test_what_celery_says_of_a_failed_task_quotes_nothing(listen: Any) -> None:
    lines = listen("celery.app.trace")
    try:
        raise ValueError(SECRET)
    except ValueError:
        context = {"id": "0b5c", "name": "tests.x", "args": SECRET, "exc": repr(SECRET), "traceback": SECRET}
        lines.logger.error(
            "Task %(name)s[%(id)s] raised unexpected: %(exc)s\n%(traceback)s",
            context,
            exc_info=sys.exc_info(),
            extra={"data": context},
        )
    (line,) = lines.read()
    assert SECRET not in lines.text.getvalue()
    assert (line["event"], line["task_id"], line["task"]) == ("task_failed", "0b5c", "tests.x")
    assert line["failures"] == ["builtins.ValueError"]
    assert line["trace"][-1].startswith("tests.core.test_journal:") or "test_journal" in line["trace"][-1]


@pytest.mark.parametrize(
    ("logger", "said", "given"),
    [
        ("gunicorn.error", "Error handling request %s", f"/personnes?q={SECRET}"),
        ("cityjobs.app", "Exception on %s [%s]", (f"/personnes/{SECRET}", "GET")),
        ("gunicorn.error", f"Invalid request from ip={SECRET}: {SECRET}", ()),
    ],
)
def test_addresses_that_frames_would_quote_are_dropped(
    listen: Any, logger: str, said: str, given: Any
) -> None:
    lines = listen(logger)
    lines.logger.error(said, *(given if isinstance(given, tuple) else (given,)))
    (line,) = lines.read()
    assert SECRET not in lines.text.getvalue()
    assert said.startswith(line["event"])


def test_the_causes_of_a_failure_are_told_by_their_kinds() -> None:
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as first:
            raise RuntimeError(SECRET) from first
    except RuntimeError as failure:
        assert [journal.kind_of(each) for each in journal.causes_of(failure)] == [
            "builtins.RuntimeError",
            "builtins.KeyError",
        ]
