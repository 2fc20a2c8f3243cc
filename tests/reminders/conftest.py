"""The reminders of a worker, seen from outside."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from cityjobs.core.clock import PARIS, today
from cityjobs.core.db import SYSTEM, act_as, transaction
from cityjobs.core.outbox import Outgoing
from cityjobs.reminders.actions import write_due_lines
from cityjobs.reminders.models import Reminder
from cityjobs.reminders.rules import is_working_day
from cityjobs.reminders.tasks import send_as_of
from tests.conftest import Databases, Letterbox


def morning_of(day: date, hour: int = 8) -> datetime:
    """A Paris time of a day."""
    return datetime.combine(day, time(hour), PARIS)


def worked(days: int) -> date:
    """A day as many working days after today (0: the first working day from today on)."""
    day = today()
    while not is_working_day(day):
        day += timedelta(days=1)
    for _ in range(days):
        day += timedelta(days=1)
        while not is_working_day(day):
            day += timedelta(days=1)
    return day


class Desk:
    """Scans and sends as of any instant, and reads the ledger."""

    def __init__(self, app: Flask, engine: sa.Engine) -> None:
        self.app, self.engine = app, engine
        self.box: Letterbox = app.extensions["postman"]

    def scan(self, at: datetime) -> int:
        with self.app.app_context():
            act_as(SYSTEM)
            with transaction():
                return write_due_lines(at)

    def send(self, at: datetime) -> dict[str, int]:
        with self.app.app_context():
            act_as(SYSTEM)
            return dict(send_as_of(at))

    def run(self, task: str, *arguments: str) -> Any:
        return self.app.extensions["celery"].tasks[task](*arguments)

    def command(self, *arguments: str, code: int = 0) -> Any:
        result = self.app.test_cli_runner().invoke(args=list(arguments))
        assert result.exit_code == code, result.output
        return result

    def ledger(self) -> Sequence[Reminder]:
        with Session(self.engine, expire_on_commit=False) as session:
            return session.scalars(
                sa.select(Reminder).order_by(Reminder.rule, Reminder.due_on, Reminder.id)
            ).all()

    def states(self) -> list[tuple[str, str]]:
        return [(str(line.rule), str(line.state)) for line in self.ledger()]

    def letters(self) -> Sequence[Outgoing]:
        with Session(self.engine, expire_on_commit=False) as session:
            return session.scalars(sa.select(Outgoing).where(Outgoing.kind == "morning")).all()

    def change(self, row: Any, **values: Any) -> None:
        with Session(self.engine) as session:
            kept = session.get_one(type(row), row.id)
            for name, value in values.items():
                setattr(kept, name, value)
            session.commit()

    def set_letter(self, letter_id: uuid.UUID, **values: Any) -> None:
        with Session(self.engine) as session:
            session.execute(sa.update(Outgoing).where(Outgoing.id == letter_id).values(**values))
            session.commit()


@pytest.fixture
def desk(app: Flask, as_worker: Flask, databases: Databases) -> Desk:
    return Desk(as_worker, databases.worker_engine)
