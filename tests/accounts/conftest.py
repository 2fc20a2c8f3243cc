"""A Cité with its administrator, a référent whose password is known, and letters that really leave."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from cityjobs.core.outbox import Outgoing, sweep
from cityjobs.territory.models import Cite
from tests.accounts import HASH, PASSWORD
from tests.conftest import Letterbox
from tests.manners import Page, PageClient
from tests.world import Member, World


@dataclass(frozen=True)
class House:
    """One Cité and who works in it."""

    cite: Cite
    referent: Member
    administrator: Member


@pytest.fixture
def house(world: World) -> House:
    cite = world.cite("Roubaix")
    return House(
        cite,
        world.member(
            "referent", cite, email="samira.lahlou@cite.example", last_name="Lahlou", password_hash=HASH
        ),
        world.member("administrator", cite, first_name="Denis", last_name="Wattel", password_hash=HASH),
    )


@pytest.fixture
def signing_in(app: Flask) -> Callable[..., Page]:
    """Try to sign in from a new browser, or a given one; returns the answer."""

    def try_to(
        email: str,
        password: str = PASSWORD,
        *,
        client: PageClient | None = None,
        status: int = 303,
        url: str = "/connexion",
    ) -> Page:
        browser = client or PageClient(app)
        return browser.submit(
            browser.get(url).form("/connexion"), email=email, password=password, status=status
        )

    return try_to


@pytest.fixture
def deliver(as_worker: Flask) -> Callable[[], Letterbox]:
    """Let a worker send what waits; returns the letters it sent."""

    def send() -> Letterbox:
        with as_worker.app_context():
            sweep()
        box: Letterbox = as_worker.extensions["postman"]
        return box

    return send


@pytest.fixture
def waiting(world: World) -> Callable[[str], list[Outgoing]]:
    """What the outbox holds of one kind."""

    def of_kind(kind: str) -> list[Any]:
        world.session.rollback()
        return list(world.session.scalars(sa.select(Outgoing).where(Outgoing.kind == kind)))

    return of_kind
