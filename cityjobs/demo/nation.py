"""How much a bulk demo holds, where, and the Cités that are made up for it.

« large » is the region: the 14 Cités of the reference. « national » is 84 Cités, 70 of them invented and called so,
with ten years of work behind them. Follow-ups are exchanges (rows of `interview`); next steps come on top of them.
"""

import math
import uuid
from dataclasses import dataclass
from statistics import NormalDist

from cityjobs.territory import reference

LARGEST = "roubaix"
"""The Cité that holds most people: the one whose accounts a visitor opens."""

TEN_YEARS = 3652
MEDIAN, BIGGEST, SMALLEST = 2_900, 13_000, 330
_LEAST_STAFF = 12
_MIDDLE_FIRST = ("calais", "maubeuge")


@dataclass(frozen=True)
class Size:
    """How many rows a bulk demo holds, all Cités together."""

    cites: int
    parcours: int
    interviews: int
    users: int

    def divided_by(self, divisor: int) -> "Size":
        """The same demo in small, with as many Cités: for tests."""
        least = self.cites * (_LEAST_STAFF + 2)
        return Size(
            self.cites,
            max(self.parcours // divisor, self.cites * 8),
            max(self.interviews // divisor, self.cites * 80),
            max(self.users // divisor, least),
        )


BULK_SIZES = {
    "large": Size(14, 25_000, 250_000, 500),
    "national": Size(84, 250_000, 2_500_000, 5_000),
}


@dataclass(frozen=True)
class Share:
    """What one Cité holds of a bulk demo."""

    slug: str
    name: str
    parcours: int
    interviews: int
    users: int


@dataclass(frozen=True)
class InventedQpv:
    """A QPV that does not exist; its code has not the shape of a real one."""

    id: uuid.UUID
    code: str
    name: str


@dataclass(frozen=True)
class InventedCite:
    """A Cité that does not exist; its commune has a code that INSEE gives to none."""

    id: uuid.UUID
    slug: str
    name: str
    labelled_year: int
    longitude: float
    latitude: float
    insee_code: str
    commune: str
    qpvs: tuple[InventedQpv, ...]


_FRONTS = ("Val", "Mont", "Bois", "Pont", "Roche", "Ville", "Font", "Clair", "Haute", "Belle")
_BACKS = ("conte", "fable", "roman", "saga", "songe", "mythe", "récit")
_QUARTERS = ("Les Chimères", "Le Petit-Poucet", "Nulle-Part", "Les Trois-Points", "La Fiction")


def invented_cites(count: int, names: uuid.UUID) -> list[InventedCite]:
    """Cités with made-up names on made-up places; `names` is what identifiers are drawn from."""
    cites = []
    for rank in range(count):
        commune = _FRONTS[rank % len(_FRONTS)] + _BACKS[rank // len(_FRONTS)]
        slug = commune.replace("é", "e").lower()
        qpvs = tuple(
            InventedQpv(
                uuid.uuid5(names, f"qpv {slug} {number}"),
                f"FICTIF{rank + 1:03d}{number}",
                f"{quarter} ({commune}, fictif)",
            )
            for number, quarter in enumerate(_QUARTERS[: 2 + rank % 4], 1)
        )
        cites.append(
            InventedCite(
                id=uuid.uuid5(names, f"cite {slug}"),
                slug=slug,
                name=f"{commune} (Cité fictive)",
                labelled_year=2019 + rank % 3,
                longitude=round(-0.8 + (rank * 0.618034 % 1) * 6.6, 3),
                latitude=round(43.6 + rank / max(1, count) * 5.6, 3),
                insee_code=f"00{rank + 1:03d}",
                commune=commune,
                qpvs=qpvs,
            )
        )
    return cites


def shares(size: Size, names: uuid.UUID) -> list[Share]:
    """What each Cité holds: one very large, most near the median, some very small; sums are exact."""
    facts = [(each.slug, each.name) for each in reference.CITES]
    facts += [(each.slug, each.name) for each in invented_cites(size.cites - len(facts), names)]
    weights = _skewed(size.cites)
    middle = len(weights) // 2
    order = [LARGEST, *(slug for slug, _ in facts if slug not in (LARGEST, *_MIDDLE_FIRST))]
    order[middle:middle] = _MIDDLE_FIRST
    weight_of = dict(zip(order, weights, strict=True))
    in_order = [weight_of[slug] for slug, _ in facts]
    parcours = _apportioned(size.parcours, in_order, 8)
    interviews = _apportioned(size.interviews, [float(held) for held in parcours], 0)
    users = _apportioned(size.users, in_order, _LEAST_STAFF)
    return [
        Share(slug, name, *held)
        for (slug, name), *held in zip(facts, parcours, interviews, users, strict=True)
    ]


def _skewed(count: int) -> list[float]:
    """Weights from the heaviest to the lightest, log-normal on each side of the median."""
    normal = NormalDist()
    edge = normal.inv_cdf(1 - 0.5 / count)
    weights = []
    for rank in range(count):
        place = normal.inv_cdf(1 - (rank + 0.5) / count)
        far = math.log(BIGGEST / MEDIAN) if place > 0 else math.log(MEDIAN / SMALLEST)
        weights.append(MEDIAN * math.exp(far * place / edge))
    return weights


def _apportioned(total: int, weights: list[float], least: int) -> list[int]:
    """Whole shares of a total, in proportion to weights, by the largest remainders; each gets at least so many."""
    left, whole = total - least * len(weights), sum(weights)
    exact = [left * weight / whole for weight in weights]
    given = [int(each) for each in exact]
    by_remainder = sorted(range(len(weights)), key=lambda at: (given[at] - exact[at], at))
    for at in by_remainder[: left - sum(given)]:
        given[at] += 1
    return [least + each for each in given]
