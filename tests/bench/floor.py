"""The least that a page can cost here: its own SQL through prepared statements, and its template with the same facts.

Both are taken once from the real page, in this process: the statements as SQLAlchemy sent them, with what the database
was told of who asks, and the template with the context that the view gave it.
"""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from flask import Flask, before_render_template, template_rendered
from jinja2 import Template
from sqlalchemy import event

from cityjobs.core.db import db, rollback
from tests.bench.house import TOKEN

_TOKENS = re.compile(r'(value|content)="[\w.-]{60,}"|\{"X-CSRFToken": "[^"]+"\}')


@dataclass
class Taken:
    """What one request did: statements with their parameters, and what it rendered."""

    path: str
    statements: list[tuple[str, Any]] = field(default_factory=list)
    template: Template | None = None
    context: dict[str, Any] = field(default_factory=dict)
    page: str = ""
    status: int = 0

    @property
    def queries(self) -> int:
        """How many statements, but for telling the database who asks."""
        return sum("set_config" not in statement for statement, _ in self.statements)


@contextmanager
def watched(app: Flask, taken: Taken) -> Iterator[None]:
    """Note what is sent and rendered meanwhile."""
    with app.app_context():
        engine = db.engine

    def note(_c: object, _cur: object, statement: str, parameters: Any, _ctx: object, many: bool) -> None:
        taken.statements.append((statement, parameters[0] if many else parameters))

    def keep(_app: Flask, template: Template, context: dict[str, Any], **_: object) -> None:
        taken.template, taken.context = template, dict(context)

    def leave(_app: Flask, **_: object) -> None:
        """What was read stays as it was read, and does not expire at the commit."""
        db.session.expunge_all()

    event.listen(engine, "before_cursor_execute", note)
    try:
        with before_render_template.connected_to(keep, app), template_rendered.connected_to(leave, app):
            yield
    finally:
        event.remove(engine, "before_cursor_execute", note)


def take(app: Flask, client: Any, path: str, form: dict[str, str] | None = None) -> Taken:
    """Ask for a page, or post a form, and note how it was made."""
    client.get(path)
    taken = Taken(path)
    with watched(app, taken):
        answer = client.get(path) if form is None else client.post(path, data=form)
    taken.page, taken.status = answer.get_data(as_text=True), answer.status_code
    if taken.status not in (200, 303):
        raise RuntimeError(f"{path} answered {taken.status}")
    return taken


def token_of(client: Any, path: str) -> str:
    """The token of a form, asked by the client of this process."""
    found = TOKEN.search(client.get(path).get_data(as_text=True))
    if found is None:
        raise RuntimeError(f"{path} has no form")
    return found[1] or found[2]


class Floor:
    """One raw connection, as the web's role, on which every statement is prepared."""

    def __init__(self, app: Flask, address: str) -> None:
        self.app = app
        options = "-c timezone=UTC -c statement_timeout=30000"
        self.connection = psycopg.connect(address, options=options, prepare_threshold=0)

    def repeat(self, taken: Taken, *, renewed: uuid.UUID | None = None) -> str:
        """Do again what a request did; `renewed` is an identifier to be replaced by a new one each time."""
        new = uuid.uuid4()
        for statement, parameters in taken.statements:
            if renewed is not None and isinstance(parameters, dict):
                parameters = {name: _renew(value, renewed, new) for name, value in parameters.items()}
            cursor = self.connection.execute(statement, parameters, prepare=True)
            if cursor.description is not None:
                cursor.fetchall()
        self.connection.commit()
        return taken.template.render(taken.context) if taken.template is not None else ""

    @contextmanager
    def ready_for(self, taken: Taken, cookie: str) -> Iterator[None]:
        """What a template asks of a request is there, outside what is measured."""
        with self.app.test_request_context(taken.path, headers={"Cookie": cookie}):
            self.app.preprocess_request()
            rollback()
            yield


def _renew(value: Any, old: uuid.UUID, new: uuid.UUID) -> Any:
    return new if value == old else str(new) if value == str(old) else value


def without_tokens(page: str) -> str:
    """A page but for its tokens, which are new at each request."""
    return _TOKENS.sub("", page)
