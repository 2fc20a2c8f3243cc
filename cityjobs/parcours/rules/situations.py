"""Situations frozen at entry, exit, three and six months: what is asked, why, and what is derived."""

import enum
from dataclasses import dataclass
from datetime import date

from dateutil.relativedelta import relativedelta


class Moment(enum.StrEnum):
    """When a situation is frozen (domain.md §1.4)."""

    ENTRY = "entry"
    EXIT = "exit"
    M3 = "m3"
    M6 = "m6"


MOMENT_LABELS: dict[Moment, str] = {
    Moment.ENTRY: "À l’entrée",
    Moment.EXIT: "À la sortie",
    Moment.M3: "3 mois après la sortie",
    Moment.M6: "6 mois après la sortie",
}


@dataclass(frozen=True)
class Situation:
    """What somebody's situation is, in codes of lists (domain.md §2.5 to §2.8). Age, sex and QPV are derived."""

    situation: str | None = None
    inscription_ft: str | None = None
    months_without_job: str | None = None
    organisme_referent: str | None = None
    education: str | None = None
    housing: str | None = None
    household: str | None = None
    children: int | None = None
    children_under_3: int | None = None
    resources: tuple[str, ...] = ()
    mobility: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()


def asked_again_on(ended_on: date, moment: Moment) -> date:
    """The day the situation after an exit is asked."""
    day: date = ended_on + relativedelta(months={Moment.M3: 3, Moment.M6: 6}[moment])
    return day


def situation_refusal(situation: Situation) -> str | None:
    """What does not fit together in a situation, in a whole sentence, or None."""
    if (situation.children_under_3 or 0) > (situation.children or 0):
        return "Il y a plus d’enfants de moins de 3 ans que d’enfants\u00a0: vérifiez les deux nombres."
    if "aucune" in situation.resources and len(situation.resources) > 1:
        return "«\u00a0Aucune\u00a0» ressource ne va pas avec une autre\u00a0: décochez l’une ou l’autre."
    if "aucun_moyen" in situation.mobility and len(situation.mobility) > 1:
        return (
            "«\u00a0Aucun moyen\u00a0» de transport ne va pas avec un autre\u00a0: décochez l’un ou l’autre."
        )
    return None
