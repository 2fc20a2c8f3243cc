"""Writes the demo into an empty database."""

import uuid
from datetime import UTC, date, datetime, time, timedelta

import sqlalchemy as sa

from cityjobs.accounts.actions import hasher
from cityjobs.accounts.models import Membership, User
from cityjobs.accounts.rules import DEMO_ACCOUNTS, DEMO_PASSWORD, DemoAccount
from cityjobs.core.clock import PARIS
from cityjobs.core.db import Model, db
from cityjobs.demo.cast import HOUSES, WORKERS
from cityjobs.demo.story import PLANS, Place, Somebody, Story, invent
from cityjobs.followups.models import Interview, NextStep
from cityjobs.parcours.models import Assignment, Parcours, Spotting, Transition
from cityjobs.people.models import Person
from cityjobs.territory.actions import seed_reference
from cityjobs.territory.models import Cite, CiteQpv, CollectiveMember, Organisation, ProgrammeYear, Qpv

LOCAL_ENVELOPE = 50_000
TABLES: tuple[type[Model], ...] = (Person, Parcours, Spotting, Transition, Assignment, Interview, NextStep)


class NotEmpty(Exception):
    """Somebody works in this database already: the demo must not mix with it."""


def is_empty() -> bool:
    """Whether nobody has an account and nobody is known."""
    return not (
        db.session.scalar(sa.select(sa.exists().select_from(User)))
        or db.session.scalar(sa.select(sa.exists().select_from(Person)))
    )


def load_demo(seed: int, today: date, size: str = "normal") -> dict[str, int]:
    """Write the fictional year of the three Cités; returns how many rows of each table. Raises NotEmpty."""
    if not is_empty():
        raise NotEmpty
    seed_reference()
    slugs = [plan.slug for plan in PLANS[size]]
    cites = {cite.slug: cite for cite in db.session.scalars(sa.select(Cite).where(Cite.slug.in_(slugs)))}
    names = uuid.UUID(int=seed % 2**128)
    houses = _found_collectives(cites, names, today)
    staff = _hire(cites, houses, names, today)
    qpvs: dict[uuid.UUID, list[uuid.UUID]] = {}
    for cite_id, qpv_id in db.session.execute(
        sa.select(CiteQpv.cite_id, CiteQpv.qpv_id).join(Qpv, Qpv.id == CiteQpv.qpv_id).order_by(Qpv.code)
    ):
        qpvs.setdefault(cite_id, []).append(qpv_id)
    places = {
        slug: Place(
            cite_id=cite.id,
            qpv_ids=tuple(qpvs[cite.id]),
            houses=tuple(houses[house.name] for house in HOUSES if slug in house.cites.split()),
            staff=staff[slug],
        )
        for slug, cite in cites.items()
    }
    return _write(invent(seed, today, places, size))


def _found_collectives(cites: dict[str, Cite], names: uuid.UUID, today: date) -> dict[str, uuid.UUID]:
    """The organisations, who leads, and the years after the national programme."""
    opened_at = _opening(today)
    houses = {house.name: uuid.uuid5(names, house.name) for house in HOUSES}
    db.session.execute(
        sa.insert(Organisation),
        [
            {
                "id": houses[house.name],
                "name": house.name,
                "family": house.family,
                "kind": house.kind,
                "is_sensitive": house.is_sensitive,
                "email": f"accueil@structure-{rank}.example",
                "phone": f"+3335301{9000 + rank}",
                "created_at": opened_at,
            }
            for rank, house in enumerate(HOUSES, 1)
        ],
    )
    db.session.execute(
        sa.insert(CollectiveMember),
        [
            {"cite_id": cites[slug].id, "organisation_id": houses[house.name]}
            for house in HOUSES
            for slug in house.cites.split()
            if slug in cites
        ],
    )
    for house in HOUSES:
        if house.leads in cites and cites[house.leads].chef_de_file_id is None:
            cites[house.leads].chef_de_file_id = houses[house.name]
    for cite in cites.values():
        known = set(db.session.scalars(sa.select(ProgrammeYear.year).where(ProgrammeYear.cite_id == cite.id)))
        db.session.add_all(
            ProgrammeYear(cite_id=cite.id, year=year, envelope_euros=LOCAL_ENVELOPE)
            for year in range(max(known, default=today.year) + 1, today.year + 1)
        )
    db.session.flush()
    return houses


def _hire(
    cites: dict[str, Cite], houses: dict[str, uuid.UUID], names: uuid.UUID, today: date
) -> dict[str, dict[str, Somebody]]:
    """Every professional with their missions; whom each Cité knows, by e-mail."""
    password_hash, opened_at = hasher.hash(DEMO_PASSWORD), _opening(today)
    people: list[dict[str, object]] = []
    missions: list[dict[str, object]] = []
    staff: dict[str, dict[str, Somebody]] = {slug: {} for slug in cites}
    for worker in WORKERS:
        user_id = uuid.uuid5(names, worker.email)
        people.append(
            {
                "id": user_id,
                "email": worker.email,
                "first_name": worker.first_name,
                "last_name": worker.last_name,
                "password_hash": password_hash,
                "created_at": opened_at,
            }
        )
        for mission in worker.missions:
            staff[mission.cite][worker.email] = Somebody(user_id, houses[mission.house], mission)
            missions.append(
                {
                    "id": uuid.uuid5(names, f"{worker.email} {mission.cite} {mission.role}"),
                    "user_id": user_id,
                    "organisation_id": houses[mission.house],
                    "cite_id": cites[mission.cite].id,
                    "role": mission.role,
                    "capacity": mission.capacity,
                    "started_on": opened_at.date(),
                }
            )
    db.session.execute(sa.insert(User), people)
    db.session.execute(sa.insert(Membership), missions)
    return staff


def _opening(today: date) -> datetime:
    """When the three Cités began to work with CityJobs: more than a year ago."""
    return datetime.combine(today - timedelta(days=430), time(9), PARIS).astimezone(UTC)


def _write(story: Story) -> dict[str, int]:
    """Insert the rows; exchanges newest first, so that the day of the last contact is written once."""
    story.rows[Interview].sort(key=lambda row: (row["held_on"], row["reached"]), reverse=True)
    for table in TABLES:
        db.session.execute(sa.insert(table), story.rows[table])
    return {table.__tablename__: len(story.rows[table]) for table in TABLES}


def one_click_accounts() -> list[DemoAccount]:
    """The accounts of the sign-in page that exist here and may be opened."""
    known = set(db.session.scalars(sa.select(User.email).where(User.disabled_at.is_(None))))
    return [account for account in DEMO_ACCOUNTS if account.email in known]
