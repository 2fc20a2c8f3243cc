"""A Cité of the demo and who works there, with what the database calls them."""

import uuid
from dataclasses import dataclass

from cityjobs.core.permissions import Role
from cityjobs.demo.cast import HOUSES, Mission
from cityjobs.demo.lifetimes import ExitReading


@dataclass(frozen=True)
class Somebody:
    """A professional in one mission, with what the database calls them."""

    user_id: uuid.UUID
    organisation_id: uuid.UUID
    mission: Mission


@dataclass(frozen=True)
class Place:
    """A Cité with the identifiers of what stands in it; `houses` are the organisations of its collective."""

    slug: str
    cite_id: uuid.UUID
    qpv_ids: tuple[uuid.UUID, ...]
    houses: tuple[uuid.UUID, ...]
    staff: dict[str, Somebody]
    reading: ExitReading

    @property
    def partners(self) -> dict[str, uuid.UUID]:
        """The organisations of the collective by kind."""
        kinds = [house.kind for house in HOUSES if self.slug in house.cites.split()]
        return dict(zip(kinds, self.houses, strict=True))

    def staff_as(self, role: Role) -> list[Somebody]:
        """Who works here in a role, in a steady order."""
        return [each for each in self.staff.values() if each.mission.role is role]
