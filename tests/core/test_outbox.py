"""A letter leaves once, if and only if its transaction was committed; whatever goes wrong, it waits or is given up."""

import smtplib
import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from cityjobs.core import outbox
from cityjobs.core.clock import now
from cityjobs.core.db import SYSTEM, act_as, db, transaction
from cityjobs.core.outbox import MOST_ATTEMPTS, MOST_DEATHS, Delivery, Kind, Outgoing
from cityjobs.core.post import InDoubt, Letter
from tests.conftest import Databases, Letterbox

ADDRESS = "samira@cite.example"


@pytest.fixture
def told() -> Iterator[dict[str, list[Any]]]:
    """A kind of letter that says what its hooks were told."""
    seen: dict[str, list[Any]] = {"claimed": [], "settled": []}
    outbox.register(
        "test",
        Kind(
            lambda row: None if row.facts.get("moot") else Letter("Bonjour", "Texte", "<p>Texte</p>"),
            claimed=lambda row: seen["claimed"].append(row.id),
            settled=lambda row: seen["settled"].append(row.state),
        ),
    )
    yield seen
    outbox.KINDS.pop("test", None)


class Post:
    """The outbox of a worker, from outside."""

    def __init__(self, app: Flask, engine: sa.Engine) -> None:
        self.app, self.engine = app, engine
        self.box: Letterbox = app.extensions["postman"]

    def queue(self, about: str = "one", *, kind: str = "test", **facts: str) -> str:
        with self.app.app_context():
            act_as(SYSTEM)
            with transaction():
                return str(outbox.queue(kind, to=ADDRESS, about=about, **facts))

    def run(self, task: str, *arguments: str) -> Any:
        return self.app.extensions["celery"].tasks[task](*arguments)

    def deliver(self, letter_id: str) -> str:
        return str(self.run("outbox.deliver", letter_id))

    def row(self, letter_id: str) -> Outgoing:
        with Session(self.engine) as session:
            return session.get_one(Outgoing, uuid.UUID(letter_id))

    def sent(self) -> list[Outgoing]:
        """The rows that left, in order."""
        with Session(self.engine) as session:
            settled = sa.select(Outgoing).where(Outgoing.state == Delivery.SENT)
            return list(session.scalars(settled.order_by(Outgoing.settled_at)))

    def set(self, letter_id: str, **values: Any) -> None:
        with Session(self.engine) as session:
            session.execute(sa.update(Outgoing).where(Outgoing.id == uuid.UUID(letter_id)).values(**values))
            session.commit()


@pytest.fixture
def post(app: Flask, as_worker: Flask, databases: Databases, told: dict[str, list[Any]]) -> Post:
    return Post(as_worker, databases.worker_engine)


def test_a_letter_delivered_ten_times_is_sent_once(post: Post, told: dict[str, list[Any]]) -> None:
    letter = post.queue()
    answers = [post.deliver(letter) for _ in range(10)]
    assert answers == ["sent"] + ["not_waiting"] * 9
    assert len(post.box.to(ADDRESS)) == 1
    assert told["claimed"] == [uuid.UUID(letter)]
    assert told["settled"] == [Delivery.SENT]


def test_ten_workers_at_the_same_instant_send_one_letter(post: Post) -> None:
    letter = post.queue()
    start = threading.Barrier(10)
    answers: list[str] = []

    def work() -> None:
        start.wait()
        answers.append(post.deliver(letter))

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert answers.count("sent") == 1
    assert len(answers) == 10
    assert len(post.box.letters) == 1


def test_the_same_matter_is_queued_once(post: Post) -> None:
    assert post.queue("matter") != "None"
    assert post.queue("matter") == "None"
    assert post.queue("another") != "None"


def test_a_transaction_that_fails_leaves_no_letter(post: Post) -> None:
    with post.app.app_context():
        act_as(SYSTEM)
        with pytest.raises(RuntimeError), transaction():
            outbox.queue("test", to=ADDRESS, about="undone")
            raise RuntimeError
    with Session(post.engine) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Outgoing)) == 0


def test_nothing_left_to_say_cancels(post: Post, told: dict[str, list[Any]]) -> None:
    letter = post.queue(moot="yes")
    assert post.deliver(letter) == "cancelled"
    assert told["settled"] == [Delivery.CANCELLED]
    assert post.box.letters == []


@pytest.mark.parametrize(
    ("refusal", "away"),
    [
        (ConnectionRefusedError(), True),
        (TimeoutError(), True),
        (smtplib.SMTPServerDisconnected("gone"), True),
        (smtplib.SMTPDataError(451, b"later"), True),
        (smtplib.SMTPRecipientsRefused({ADDRESS: (450, b"busy")}), True),
        (smtplib.SMTPRecipientsRefused({ADDRESS: (550, b"unknown")}), False),
        (smtplib.SMTPDataError(554, b"no"), False),
        (ValueError("a bug"), False),
    ],
)
def test_a_letter_not_taken_waits_longer_each_time_and_is_given_up_at_last(
    post: Post, told: dict[str, list[Any]], refusal: Exception, away: bool
) -> None:
    letter = post.queue()
    post.box.refuses = refusal
    waits = []
    for _ in range(MOST_ATTEMPTS - 1):
        assert post.deliver(letter) == "postponed"
        row = post.row(letter)
        assert row.state == Delivery.WAITING
        assert row.failure == type(refusal).__name__
        waits.append(timedelta(seconds=round((row.not_before - now()).total_seconds())))
        post.set(letter, not_before=now())
    assert waits == sorted(waits)
    assert timedelta(minutes=14) < waits[-1] <= timedelta(minutes=15)
    post.deliver(letter)
    if away:
        assert post.row(letter).state == Delivery.WAITING
        post.set(letter, not_before=now())
        post.box.refuses = None
        assert post.deliver(letter) == "sent"
    else:
        assert post.row(letter).state == Delivery.FAILED
        assert told["settled"] == [Delivery.FAILED]
        post.box.refuses = None
        assert post.deliver(letter) == "not_waiting"


def test_a_letter_not_due_yet_waits(post: Post) -> None:
    letter = post.queue()
    post.set(letter, not_before=now() + timedelta(minutes=1))
    assert post.deliver(letter) == "not_waiting"
    post.run("outbox.sweep")
    assert post.box.letters == []


def test_the_sweep_takes_what_nobody_was_told_of(post: Post) -> None:
    for number in range(3):
        post.queue(f"matter {number}")
    assert post.run("outbox.sweep") == 3
    assert len(post.box.letters) == 3


def test_the_sweep_takes_back_what_a_dead_worker_had_claimed_and_nothing_younger(post: Post) -> None:
    old, young = post.queue("old"), post.queue("young")
    post.set(old, state=Delivery.SENDING, attempts=1, claimed_at=now() - timedelta(seconds=21))
    post.set(young, state=Delivery.SENDING, attempts=1, claimed_at=now() - timedelta(seconds=15))
    post.run("outbox.sweep")
    row = post.row(old)
    assert (row.state, row.deaths) == (Delivery.WAITING, 1)
    assert timedelta() < row.not_before - now() <= outbox.TAKEN_BACK_FOR
    post.set(old, not_before=now())
    post.run("outbox.sweep")
    assert post.row(old).state == Delivery.SENT
    assert post.row(young).state == Delivery.SENDING


def test_the_sweep_leaves_alone_what_a_slow_worker_still_holds(post: Post) -> None:
    letter = post.queue()
    post.set(letter, state=Delivery.SENDING, attempts=1, claimed_at=now() - timedelta(hours=1))
    with Session(post.engine) as slow:
        slow.execute(sa.select(Outgoing).where(Outgoing.id == uuid.UUID(letter)).with_for_update())
        post.run("outbox.sweep")
        assert post.box.letters == []
    assert post.row(letter).state == Delivery.SENDING


def test_a_letter_that_kills_its_workers_is_given_up(post: Post, told: dict[str, list[Any]]) -> None:
    letter = post.queue()
    for death in range(MOST_DEATHS):
        assert post.row(letter).state == Delivery.WAITING
        post.set(letter, state=Delivery.SENDING, claimed_at=now() - timedelta(hours=1))
        post.run("outbox.sweep")
        assert post.row(letter).deaths == death + 1
    assert MOST_DEATHS <= 5
    assert post.row(letter).state == Delivery.FAILED
    assert post.row(letter).failure == "abandoned"
    assert told["settled"] == [Delivery.FAILED]
    assert post.box.letters == []


def test_a_worker_that_dies_after_a_long_absence_of_the_mail_server_does_not_condemn_the_letter(
    post: Post,
) -> None:
    letter = post.queue()
    post.set(letter, state=Delivery.SENDING, attempts=60, claimed_at=now() - timedelta(hours=1))
    post.run("outbox.sweep")
    post.set(letter, not_before=now())
    post.run("outbox.sweep")
    assert post.row(letter).state == Delivery.SENT


def test_what_killed_a_worker_goes_after_everything_else(post: Post) -> None:
    suspect, sound = post.queue("suspect"), post.queue("sound")
    post.set(suspect, deaths=1, not_before=now() - timedelta(hours=1))
    post.run("outbox.sweep")
    assert [letter.id for letter in post.sent()] == [uuid.UUID(sound), uuid.UUID(suspect)]


@pytest.mark.parametrize("outages", [1, 3])
def test_a_letter_that_left_while_the_database_went_is_written_down_and_not_sent_again(
    post: Post, told: dict[str, list[Any]], outages: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = post.queue()
    left = {"commits": outages}
    commit = Session.commit

    def fail_once_gone(session: Session) -> None:
        if post.box.letters and left["commits"]:
            left["commits"] -= 1
            raise sa.exc.OperationalError("commit", {}, Exception("terminating connection"))
        commit(session)

    monkeypatch.setattr(Session, "commit", fail_once_gone)
    assert post.deliver(letter) == "sent"
    post.run("outbox.sweep")
    assert post.row(letter).state == Delivery.SENT
    assert len(post.box.letters) == 1
    assert told["settled"][-1] == Delivery.SENT


def test_a_letter_in_doubt_is_never_sent_again_and_is_told_as_failed(
    post: Post, told: dict[str, list[Any]]
) -> None:
    letter = post.queue()
    post.box.refuses = InDoubt()
    assert post.deliver(letter) == "failed"
    post.box.refuses = None
    post.run("outbox.sweep")
    assert (post.row(letter).state, post.row(letter).failure) == (Delivery.FAILED, "InDoubt")
    assert post.box.letters == []
    assert told["settled"][-1] == Delivery.FAILED


def test_one_poisoned_letter_does_not_stop_the_others(post: Post) -> None:
    poisoned, sound = post.queue("poison", kind="a kind of tomorrow"), post.queue("sound")
    post.run("outbox.sweep")
    assert post.row(sound).state == Delivery.SENT
    row = post.row(poisoned)
    assert (row.state, row.attempts, row.failure) == (Delivery.WAITING, 1, "KeyError")
    post.set(poisoned, attempts=MOST_ATTEMPTS - 1, not_before=now())
    post.deliver(poisoned)
    assert post.row(poisoned).state == Delivery.FAILED


def test_a_failing_hook_does_not_send_the_letter_again(post: Post) -> None:
    def fail(_row: Outgoing) -> None:
        db.session.execute(sa.text("select 1 / 0"))

    outbox.register("test", Kind(lambda _row: Letter("Bonjour", "Texte", "<p>Texte</p>"), settled=fail))
    letter = post.queue()
    assert post.deliver(letter) == "sent"
    post.run("outbox.sweep")
    assert len(post.box.letters) == 1


def test_the_sweep_stops_knocking_when_the_mail_server_is_away(post: Post) -> None:
    letters = [post.queue(f"matter {number}") for number in range(6)]
    post.box.refuses = ConnectionRefusedError()
    post.run("outbox.sweep")
    assert sum(post.row(letter).attempts for letter in letters) == 3


def test_old_settled_letters_are_forgotten(post: Post) -> None:
    old, recent = post.queue("old"), post.queue("recent")
    post.set(old, state=Delivery.SENT, settled_at=now() - timedelta(days=91))
    post.set(recent, state=Delivery.SENT, settled_at=now() - timedelta(days=89))
    post.run("outbox.purge")
    with Session(post.engine) as session:
        assert set(session.scalars(sa.select(Outgoing.id))) == {uuid.UUID(recent)}
