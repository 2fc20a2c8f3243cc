"""Founds what the cast of the demo works in, and hires it: organisations, collectives, accounts, missions."""

import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cityjobs.accounts.models import Membership, User
from cityjobs.core.clock import PARIS
from cityjobs.demo.cast import HOUSES, WORKERS
from cityjobs.demo.lifetimes import ExitReading
from cityjobs.demo.places import Somebody
from cityjobs.parcours.models import ExitRuleRow, ExitRuleset
from cityjobs.parcours.queries.exits import NATIONAL_READING
from cityjobs.parcours.rules.exits import ExitCategory, ExitRule
from cityjobs.territory.models import Cite, CollectiveMember, Organisation, ProgrammeYear

LOCAL_ENVELOPE = 50_000
OPENED_SINCE = 430
"""Days since the cast began to work with CityJobs: more than a year."""

Writer = sa.Connection | Session


def opening(today: date) -> datetime:
    """When the cast began to work with CityJobs."""
    return datetime.combine(today - timedelta(days=OPENED_SINCE), time(9), PARIS).astimezone(UTC)


def found_collectives(
    writer: Writer, cites: Mapping[str, uuid.UUID], names: uuid.UUID, today: date
) -> dict[str, uuid.UUID]:
    """Write the organisations, who leads, and the years after the national programme; organisations by name."""
    opened_at = opening(today)
    houses = {house.name: uuid.uuid5(names, house.name) for house in HOUSES}
    writer.execute(
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
    writer.execute(
        sa.insert(CollectiveMember),
        [
            {"cite_id": cites[slug], "organisation_id": houses[house.name]}
            for house in HOUSES
            for slug in house.cites.split()
            if slug in cites
        ],
    )
    for house in HOUSES:
        if house.leads and house.leads in cites:
            name_leader(writer, cites[house.leads], houses[house.name])
    for cite_id in cites.values():
        go_on_after_the_programme(writer, cite_id, today)
    return houses


def name_leader(writer: Writer, cite_id: uuid.UUID, organisation_id: uuid.UUID) -> None:
    """Write who leads a Cité, where nobody does."""
    writer.execute(
        sa.update(Cite)
        .where(Cite.id == cite_id, Cite.chef_de_file_id.is_(None))
        .values(chef_de_file_id=organisation_id, version=Cite.version + 1)
        .execution_options(synchronize_session=False)
    )


def go_on_after_the_programme(writer: Writer, cite_id: uuid.UUID, today: date) -> None:
    """Write the years since the last one that is known, up to this one."""
    last = writer.execute(
        sa.select(sa.func.max(ProgrammeYear.year)).where(ProgrammeYear.cite_id == cite_id)
    ).scalar()
    missing = range((last or today.year - 1) + 1, today.year + 1)
    if missing:
        writer.execute(
            sa.insert(ProgrammeYear),
            [{"cite_id": cite_id, "year": year, "envelope_euros": LOCAL_ENVELOPE} for year in missing],
        )


def read_exits(writer: Writer) -> ExitReading:
    """The ruleset of the nation by which the exits of the demo are read, as every Cité does until it chooses another."""
    rows = writer.execute(
        sa.select(
            ExitRuleset.id, ExitRuleRow.exit_type, ExitRuleRow.category, ExitRuleRow.minimum_months,
            ExitRuleRow.otherwise, ExitRuleRow.needs_evidence,
        )
        .join(ExitRuleRow, ExitRuleRow.ruleset_id == ExitRuleset.id)
        .where(ExitRuleset.code == NATIONAL_READING, ExitRuleset.cite_id.is_(None))
    ).all()  # fmt: skip
    rules = {
        row.exit_type: ExitRule(
            ExitCategory(row.category),
            row.minimum_months,
            ExitCategory(row.otherwise) if row.otherwise else None,
            row.needs_evidence,
        )
        for row in rows
    }
    return ExitReading(rows[0].id, rules)


def hire_cast(
    writer: Writer,
    cites: Mapping[str, uuid.UUID],
    houses: Mapping[str, uuid.UUID],
    names: uuid.UUID,
    today: date,
    password_hash: str,
) -> dict[str, dict[str, Somebody]]:
    """Write every professional with their missions; whom each Cité knows, by e-mail."""
    opened_at = opening(today)
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
                    "cite_id": cites[mission.cite],
                    "role": mission.role,
                    "capacity": mission.capacity,
                    "started_on": opened_at.date(),
                }
            )
    writer.execute(sa.insert(User), people)
    writer.execute(sa.insert(Membership), missions)
    return staff
