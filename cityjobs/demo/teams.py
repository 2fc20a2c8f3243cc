"""Who worked in each Cité of a bulk demo over ten years: posts, and who held them one after another."""

import uuid
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from cityjobs.core.permissions import Role
from cityjobs.demo import words
from cityjobs.demo.days import SPOTTING, Calendar
from cityjobs.demo.nation import Share
from cityjobs.demo.surnames import surname
from cityjobs.people.rules import fold
from cityjobs.territory.rules import OrganisationFamily

OPEN_SHARE = 0.135
"""How many persons have an open parcours: about 12 % of the parcours, for some persons had others before."""
CASELOAD = 45
"""Open parcours that a référent follows, on average."""

_COLLECTIVE = (
    ("Ville", OrganisationFamily.COLLECTIVITE, "COMMUNE"),
    ("CCAS", OrganisationFamily.COLLECTIVITE, "CCAS"),
    ("France Travail", OrganisationFamily.SERVICE_PUBLIC_EMPLOI, "FT"),
    ("Mission locale", OrganisationFamily.SERVICE_PUBLIC_EMPLOI, "ML"),
    ("Maison de l’emploi", OrganisationFamily.SERVICE_PUBLIC_EMPLOI, "MDE"),
    ("Centre social des Contes", OrganisationFamily.ASSOCIATION, "CENTRE_SOCIAL"),
    ("Régie de quartier de la Fiction", OrganisationFamily.ASSOCIATION, "REGIE_QUARTIER"),
    ("Adultes-relais de la Fable", OrganisationFamily.ASSOCIATION, "ADULTE_RELAIS"),
    ("Écoute du Songe", OrganisationFamily.ASSOCIATION, "CSAPA"),
    ("Atelier des Chimères", OrganisationFamily.ENTREPRISE, "ACI"),
)
_SENSITIVE = "CSAPA"


@dataclass(frozen=True, slots=True)
class Seat:
    """One professional in one post, from a working day to another (None: still there)."""

    user_id: str
    organisation_id: str
    since: int
    until: int | None = None


class Post:
    """A post of a Cité, always held by somebody once it exists."""

    def __init__(self, seats: Sequence[Seat]) -> None:
        self.seats = list(seats)
        self._since = [seat.since for seat in seats]
        self.opened = self._since[0]

    def at(self, day: int) -> Seat:
        """Who holds it on a working day."""
        return self.seats[max(0, bisect_right(self._since, day) - 1)]

    def between(self, start: int, end: int) -> list[tuple[int, Seat]]:
        """Who holds it over a period, each with their first day in it."""
        first, last = (max(0, bisect_right(self._since, day) - 1) for day in (start, end))
        return [(max(start, seat.since), seat) for seat in self.seats[first : last + 1]]


@dataclass
class Team:
    """A Cité and whoever has worked there; `referents` by the day on which their post was opened."""

    cite_id: str
    commune: str
    postcode: str
    qpv_ids: tuple[str, ...]
    opened: int
    houses: list[str] = field(default_factory=list)
    leader: str = ""
    partners: dict[str, str] = field(default_factory=dict)
    referents: list[Post] = field(default_factory=list)
    coordinators: list[Post] = field(default_factory=list)
    spotters: list[Post] = field(default_factory=list)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def existing(posts: Sequence[Post], day: int) -> int:
    """How many posts, in the order of their opening, exist on a working day: at least one."""
    return max(1, sum(post.opened <= day for post in posts))


class Hiring:
    """Fills the posts of one Cité; `cast` are seats, by role, of those whom the demo always has."""

    def __init__(
        self, team: Team, share: Share, calendar: Calendar, dice: Random, names: uuid.UUID, password_hash: str
    ) -> None:
        self.team, self.share, self.calendar, self.dice = team, share, calendar, dice
        self.names, self.password_hash = names, password_hash
        self.hired = 0
        team.rows = {"organisation": [], "collective_member": [], "user_account": [], "membership": []}

    def fill(self, cast: dict[Role, list[Seat]], known: int) -> None:
        """Found the collective and hire as many as the share says, `known` of whom are there already."""
        self.found_collective()
        count = max(7, self.share.users - known)
        spare = count - 7
        spotters, partners, coordinators = spare // 5, spare // 7, spare // 12
        funders = 1 if spare > 3 else 0
        posts = max(1, round(self.share.parcours * OPEN_SHARE / CASELOAD))
        referents = count - 4 - spotters - partners - coordinators - funders
        self.team.referents = self.posts(Role.REFERENT, posts, referents, cast)
        coordinating = 1 + (self.share.parcours > 3_000) + (self.share.parcours > 8_000)
        self.team.coordinators = self.posts(Role.COORDINATOR, coordinating, 1 + coordinators, cast)
        self.team.spotters = self.posts(Role.SPOTTER, 1 + spotters // 2, 1 + spotters, cast)
        for role, held in (
            (Role.CHEF_DE_FILE, 1),
            (Role.ADMINISTRATOR, 1),
            (Role.FUNDER, funders),
            (Role.PARTNER, partners),
        ):
            self.posts(role, held, held, {})

    def found_collective(self) -> None:
        """The organisations of the Cité; the first one leads."""
        extra = [
            (f"Association n° {number}", OrganisationFamily.ASSOCIATION, "ASSO_PROXIMITE")
            for number in range(1, 2 + self.share.parcours // 900)
        ]
        for rank, (name, family, kind) in enumerate([*_COLLECTIVE, *extra], 1):
            house = uuid.uuid5(self.names, f"house {self.share.slug} {rank}")
            self.team.houses.append(str(house))
            self.team.partners.setdefault(kind, str(house))
            self.team.rows["organisation"].append(
                {
                    "id": house,
                    "name": f"{name}, {self.share.name} (démo)",
                    "family": family,
                    "kind": kind,
                    "is_sensitive": kind == _SENSITIVE,
                    "email": f"accueil-{rank}@{self.share.slug}.example",
                    "phone": f"+3326191{self.dice.randrange(10_000):04d}",
                    "created_at": self.calendar.moment(self.team.opened, SPOTTING, 0),
                }
            )
            self.team.rows["collective_member"].append(
                {"cite_id": self.team.cite_id, "organisation_id": house}
            )
        self.team.leader = self.team.houses[0]

    def posts(self, role: Role, count: int, holders: int, cast: dict[Role, list[Seat]]) -> list[Post]:
        """Posts opened as the Cité grew, each held by its part of the holders, the last ones by the cast."""
        stars = list(cast.get(role, ()))
        count = min(count, holders)
        made = []
        for number in range(count):
            opened = self.team.opened + int((self.calendar.last - self.team.opened) * 0.6 * number / count)
            star = stars.pop(0) if stars else None
            end = star.since if star else self.calendar.last
            if star and opened >= end - 1:
                opened = self.team.opened
            terms = len(range(number, holders, count))
            length = (end - opened) / (terms if star else terms + 0.3)
            starts = sorted({opened + int(length * term) for term in range(terms)})
            ends = [*starts[1:], star.since if star else None]
            seats = [self.hire(role, since, until) for since, until in zip(starts, ends, strict=True)]
            made.append(Post([*seats, star] if star else seats))
        made += [Post([star]) for star in stars]
        return sorted(made, key=lambda post: post.opened)

    def hire(self, role: Role, since: int, until: int | None) -> Seat:
        """An account and a mission, both ended when the professional has left."""
        self.hired += 1
        user_id = uuid.uuid5(self.names, f"user {self.share.slug} {self.hired}")
        first, last = self.dice.choice((*words.WOMEN, *words.MEN)), surname(self.dice)
        house = self.team.leader if role is Role.CHEF_DE_FILE else self.dice.choice(self.team.houses)
        self.team.rows["user_account"].append(
            {
                "id": user_id,
                "email": f"{fold(first)}.{fold(last)}.{self.hired}@{self.share.slug}.example".replace(
                    " ", "-"
                ),
                "first_name": first,
                "last_name": last,
                "password_hash": self.password_hash,
                "created_at": self.calendar.moment(since, SPOTTING, 0),
                "disabled_at": None if until is None else self.calendar.moment(until, SPOTTING, 0),
            }
        )
        self.team.rows["membership"].append(
            {
                "id": uuid.uuid5(user_id, role),
                "user_id": user_id,
                "organisation_id": house,
                "cite_id": self.team.cite_id,
                "role": role,
                "started_on": self.calendar.text[since],
                "ended_on": None if until is None else self.calendar.text[until],
            }
        )
        return Seat(str(user_id), house, since, until)
