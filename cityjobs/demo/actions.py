"""Writes the demo into an empty database."""

import uuid
from datetime import date

import sqlalchemy as sa

from cityjobs.accounts.actions import hasher
from cityjobs.accounts.models import User
from cityjobs.accounts.rules import DEMO_ACCOUNTS, DEMO_PASSWORD, DemoAccount
from cityjobs.core.db import db
from cityjobs.demo.cast import HOUSES
from cityjobs.demo.founding import found_collectives, hire_cast, read_exits
from cityjobs.demo.places import Place
from cityjobs.demo.scenes import PLANS
from cityjobs.demo.story import TABLES, Story, invent
from cityjobs.followups.models import Interview
from cityjobs.people.models import Person
from cityjobs.territory.actions import seed_reference
from cityjobs.territory.models import Cite, CiteQpv, Qpv


class NotEmpty(Exception):
    """Somebody works in this database already: the demo must not mix with it."""


def is_empty() -> bool:
    """Whether nobody has an account and nobody is known."""
    return not (
        db.session.scalar(sa.select(sa.exists().select_from(User)))
        or db.session.scalar(sa.select(sa.exists().select_from(Person)))
    )


def prepare_reference() -> None:
    """Seed the Cités and QPV that a bulk demo stands on, where nobody works yet. Raises NotEmpty."""
    if not is_empty():
        raise NotEmpty
    seed_reference()


def load_demo(seed: int, today: date, size: str = "normal") -> dict[str, int]:
    """Write the fictional year of the three Cités; returns how many rows of each table. Raises NotEmpty."""
    prepare_reference()
    slugs = [plan.slug for plan in PLANS[size]]
    cites = {
        row.slug: row.id
        for row in db.session.execute(sa.select(Cite.slug, Cite.id).where(Cite.slug.in_(slugs)))
    }
    names = uuid.UUID(int=seed % 2**128)
    houses = found_collectives(db.session(), cites, names, today)
    staff = hire_cast(db.session(), cites, houses, names, today, hasher.hash(DEMO_PASSWORD))
    qpvs: dict[uuid.UUID, list[uuid.UUID]] = {}
    for cite_id, qpv_id in db.session.execute(
        sa.select(CiteQpv.cite_id, CiteQpv.qpv_id).join(Qpv, Qpv.id == CiteQpv.qpv_id).order_by(Qpv.code)
    ):
        qpvs.setdefault(cite_id, []).append(qpv_id)
    reading = read_exits(db.session())
    places = {
        slug: Place(
            slug=slug,
            cite_id=cite_id,
            qpv_ids=tuple(qpvs[cite_id]),
            houses=tuple(houses[house.name] for house in HOUSES if slug in house.cites.split()),
            staff=staff[slug],
            reading=reading,
        )
        for slug, cite_id in cites.items()
    }
    return _write(invent(seed, today, places, size))


def _write(story: Story) -> dict[str, int]:
    """Insert the rows; exchanges newest first, so that the day of the last contact is written once."""
    story.rows[Interview].sort(key=lambda row: (row["held_on"], row["reached"]), reverse=True)
    for table in TABLES:
        if story.rows[table]:
            db.session.execute(sa.insert(table), story.rows[table])
    return {table.__tablename__: len(story.rows[table]) for table in TABLES}


def one_click_accounts() -> list[DemoAccount]:
    """The accounts of the sign-in page that exist here and may be opened."""
    known = set(db.session.scalars(sa.select(User.email).where(User.disabled_at.is_(None))))
    return [account for account in DEMO_ACCOUNTS if account.email in known]
