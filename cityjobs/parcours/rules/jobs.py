"""Following somebody in a job: what is recorded of it, and when one asks how it goes."""

import enum
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from dateutil.relativedelta import relativedelta

from cityjobs.parcours.rules.exits import whole_months


class JobKind(enum.StrEnum):
    """A contract, or a training that qualifies."""

    CONTRACT = "contract"
    TRAINING = "training"


class CheckMoment(enum.StrEnum):
    """When one asks how a job goes (domain.md §5.2 A: day 8, months 1, 3 and 6)."""

    J8 = "j8"
    M1 = "m1"
    M3 = "m3"
    M6 = "m6"


CHECK_LABELS: dict[CheckMoment, str] = {
    CheckMoment.J8: "8 jours après l’embauche",
    CheckMoment.M1: "1 mois après l’embauche",
    CheckMoment.M3: "3 mois après l’embauche",
    CheckMoment.M6: "6 mois après l’embauche",
}

CHECKED_AFTER: dict[CheckMoment, relativedelta] = {
    CheckMoment.J8: relativedelta(days=8),
    CheckMoment.M1: relativedelta(months=1),
    CheckMoment.M3: relativedelta(months=3),
    CheckMoment.M6: relativedelta(months=6),
}
"""How long after a hiring each check falls due."""


def check_due_on(started_on: date, moment: CheckMoment) -> date:
    """The day a check falls due: the last day of the month where the month is shorter."""
    day: date = started_on + CHECKED_AFTER[moment]
    return day


@dataclass(frozen=True)
class Hiring:
    """A job or a training begun; `contract` and `working_time` are codes of lists, `weekly_hours` in hours."""

    kind: JobKind
    contract: str
    started_on: date
    expected_end_on: date | None = None
    occupation: str | None = None
    rome_code: str | None = None
    employer: str | None = None
    working_time: str | None = None
    weekly_hours: Decimal | None = None


OPEN_ENDED = frozenset({"cdi", "cdi_inclusion"})
"""Contracts that have no expected end."""
SIX_MONTHS_OR_MORE, LESS_THAN_SIX_MONTHS = "cdd_6m_plus", "cdd_moins_6m"


def lasts_six_months(started_on: date, ended_on: date) -> bool:
    """Whether a job covers six whole months, its last day included (domain.md §2.11)."""
    return whole_months(started_on, ended_on) >= 6


def end_refusal(hiring: Hiring) -> str | None:
    """Why an expected end does not go with the first day or with the contract, in a whole sentence, or None."""
    end = hiring.expected_end_on
    if end is None:
        return None
    if end < hiring.started_on:
        return "La fin prévue précède le début\u00a0: vérifiez les deux dates."
    if hiring.contract in OPEN_ENDED:
        return "Un CDI n’a pas de fin prévue\u00a0: effacez cette date, ou changez le type de contrat."
    is_long = lasts_six_months(hiring.started_on, end)
    if hiring.contract == SIX_MONTHS_OR_MORE and not is_long:
        return "Cette fin arrive avant six mois\u00a0: vérifiez les deux dates, ou choisissez un CDD de moins de 6 mois."
    if hiring.contract == LESS_THAN_SIX_MONTHS and is_long:
        return "Ce contrat dure six mois ou plus\u00a0: vérifiez les deux dates, ou choisissez un CDD de 6 mois et plus."
    return None


EARLY: dict[CheckMoment, timedelta] = {
    CheckMoment.J8: timedelta(days=2),
    CheckMoment.M1: timedelta(days=7),
    CheckMoment.M3: timedelta(days=7),
    CheckMoment.M6: timedelta(days=7),
}
"""How long before its day a check may have been done: an appointment is taken when it can be."""


def check_refusal(
    done_on: date, moment: CheckMoment, *, in_job: bool, today: date, started_on: date, ended_on: date | None
) -> str | None:
    """Why a job cannot have been asked about so on a day, in a whole sentence, or None."""
    if done_on > today:
        return "Cette date est dans le futur\u00a0: un point se note une fois fait."
    if done_on < started_on:
        return "Cette date précède le premier jour\u00a0: vérifiez le jour."
    if done_on < check_due_on(started_on, moment) - EARLY[moment]:
        return "C’est trop tôt pour ce point\u00a0: indiquez le jour où vous l’avez vraiment demandé."
    if in_job and ended_on and done_on > ended_on:
        return (
            "L’emploi était déjà terminé ce jour-là\u00a0: répondez «\u00a0Non\u00a0», ou vérifiez le jour."
        )
    return None


def moments_reached(started_on: date, on: date) -> list[CheckMoment]:
    """The moments that have come by a day, in order."""
    return [moment for moment in CheckMoment if check_due_on(started_on, moment) <= on]
