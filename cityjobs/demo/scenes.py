"""What the demo is to hold: how many persons in each Cité, with whom, and what awaits whoever tries it."""

from dataclasses import dataclass

from cityjobs.demo.lifetimes import Turn


@dataclass(frozen=True)
class Caseload:
    """How many open and closed parcours a référent has."""

    email: str
    opened: int
    closed: int


@dataclass(frozen=True)
class Plan:
    """What a Cité holds; `waiting` have no référent, `elsewhere` an organisation but nobody known there.

    Whoever is `away` is replaced by the référent of the demo.
    """

    slug: str
    postcode: str
    commune: str
    caseloads: tuple[Caseload, ...]
    waiting: int
    elsewhere: int
    declined: int
    look_alikes: int
    away: str | None = None


PLANS = {
    "normal": (
        Plan(
            "roubaix", "59100", "Roubaix",
            (
                Caseload("referent@roubaix.example", 40, 7),
                Caseload("karim.contebrun@roubaix.example", 33, 8),
                Caseload("aurelie.fabliaux@roubaix.example", 14, 6),
                Caseload("fatou.sangriot@deux-cites.example", 9, 2),
            ),
            waiting=12, elsewhere=3, declined=8, look_alikes=4, away="aurelie.fabliaux@roubaix.example",
        ),
        Plan(
            "calais", "62100", "Calais",
            (
                Caseload("referent@calais.example", 30, 8),
                Caseload("ines.lendeira@calais.example", 22, 6),
                Caseload("fatou.sangriot@deux-cites.example", 8, 2),
            ),
            waiting=7, elsewhere=1, declined=4, look_alikes=2,
        ),
        Plan(
            "maubeuge", "59600", "Maubeuge",
            (Caseload("referent@maubeuge.example", 26, 8), Caseload("thomas.versaunier@maubeuge.example", 17, 5)),
            waiting=5, elsewhere=1, declined=4, look_alikes=1,
        ),
    ),
    "small": (
        Plan(
            "roubaix", "59100", "Roubaix",
            (Caseload("referent@roubaix.example", 26, 4), Caseload("karim.contebrun@roubaix.example", 5, 1)),
            waiting=4, elsewhere=1, declined=2, look_alikes=1, away="karim.contebrun@roubaix.example",
        ),
        Plan("calais", "62100", "Calais", (Caseload("referent@calais.example", 6, 1),), 2, 0, 1, 1),
        Plan("maubeuge", "59600", "Maubeuge", (Caseload("referent@maubeuge.example", 4, 1),), 1, 0, 0, 0),
    ),
}  # fmt: skip

RICH_DAY = (
    *("new",) * 3, "whole", *("today",) * 3, *("review",) * 2, "tomorrow", *("late",) * 2, *("overdue",) * 3,
    *("silent",) * 6, *("check",) * 2, *("ending",) * 2, "hired",
)  # fmt: skip
"""What awaits the référent of the demo this morning, whatever the dice say."""

RICH_ENDS = ("left", "left", "m3")
"""Among those who left: whose situation is to be asked, at the exit and three months after."""

DUE_ALSO = {"whole": "today", "review": "tomorrow", "late": "overdue"}
"""Scenes in which something is to be done, besides what makes each of them."""

TURNS = {
    None: Turn.ANY, "left": Turn.ANY, "m3": Turn.ANY, "check": Turn.CHECK_DUE, "ending": Turn.PAUSE_ENDING, "hired": Turn.HIRED,
    "whole": Turn.EVENTFUL,
}  # fmt: skip

WISHES = {
    "whole": frozenset({"whole"}), "review": frozenset({"review"}), "late": frozenset({"late"}), "left": frozenset({"exit"}),
    "m3": frozenset({"m3"}),
}  # fmt: skip

COUPLES = (("whole", "today"), ("hired", "check"))
