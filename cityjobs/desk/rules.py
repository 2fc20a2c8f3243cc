"""What the list of people can be narrowed by, and in which orders; the queues of « Ma journée »."""

import enum
import uuid
from dataclasses import dataclass
from datetime import date

from cityjobs.parcours.rules.lifecycle import OPEN_STATUSES, Status
from cityjobs.parcours.rules.reasons import SpottingChannel
from cityjobs.people.rules import Sought

SILENCES = (30, 60, 90)
SIZES = (25, 50)
SORTS = ("nom", "contact", "echeance", "statut")
MINE, CITE = "miennes", "cite"
EN_COURS = "en_cours"
NOBODY = "aucun"
QPV_WORDS = ("oui", "non", "a_verifier", "inconnu")


@dataclass(frozen=True)
class PeopleFilters:
    """Which rows of the list are asked for, in which order; everything is in the address of the page."""

    scope: str
    text: str = ""
    sought: Sought = Sought()  # noqa: RUF009 - frozen
    status: str | None = None
    action: bool = False
    referent: uuid.UUID | str | None = None
    qpv: uuid.UUID | str | None = None
    channel: SpottingChannel | None = None
    silent_for: int | None = None
    waiting: bool = False
    entered_from: date | None = None
    entered_until: date | None = None
    sort: str = ""
    size: int = SIZES[0]

    @property
    def statuses(self) -> frozenset[Status] | None:
        """The statuses asked for, or None for all of them."""
        if self.status is None:
            return None
        return OPEN_STATUSES if self.status == EN_COURS else frozenset({Status(self.status)})

    @property
    def panel(self) -> int:
        """How many filters of the panel are on."""
        on = (
            self.referent,
            self.qpv,
            self.channel,
            self.silent_for,
            self.waiting,
            self.entered_from,
            self.entered_until,
        )
        return sum(bool(each) for each in on)


class Queue(enum.StrEnum):
    """One queue of « Ma journée », as in its URL."""

    OVERDUE = "en-retard"
    TODAY = "aujourd-hui"
    CHECKS = "points-emploi"
    SITUATIONS = "situations"
    SILENT = "sans-contact"
    NEW = "nouvelles"
    ETAPES = "etapes-en-retard"
    AGREEMENTS = "accords-a-revoir"
    SUSPENSIONS = "suspensions"


QUEUE_TITLES: dict[Queue, str] = {
    Queue.OVERDUE: "À faire, en retard",
    Queue.TODAY: "À faire aujourd’hui",
    Queue.CHECKS: "Points d’emploi à faire",
    Queue.SITUATIONS: "Nouvelles à prendre après une sortie",
    Queue.SILENT: "Sans contact depuis longtemps",
    Queue.NEW: "Nouvelles avec moi",
    Queue.ETAPES: "Étapes du plan en retard",
    Queue.AGREEMENTS: "Accords à revoir",
    Queue.SUSPENSIONS: "Suspensions qui se terminent",
}
"""How each is called; that of silence is told with the number of days of the Cité."""
