"""Situations frozen at entry, exit, three and six months: what is asked, why, and what is derived."""

import enum
from dataclasses import dataclass
from datetime import date

from dateutil.relativedelta import relativedelta

from cityjobs.parcours.rules.reasons import ExitReason


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


ASKED_AFTER: dict[Moment, tuple[relativedelta, relativedelta]] = {
    Moment.EXIT: (relativedelta(), relativedelta(months=3)),
    Moment.M3: (relativedelta(months=3), relativedelta(months=6)),
    Moment.M6: (relativedelta(months=6), relativedelta(months=9)),
}
"""How long after an exit each situation begins to be asked, and how long after it no longer is."""
ASKED_FOR_DAYS = 300
"""Nothing is asked longer after an exit, whatever the lengths of the months."""


def asked_again_on(ended_on: date, moment: Moment) -> date:
    """The day the situation after an exit is asked."""
    day: date = ended_on + ASKED_AFTER[moment][0]
    return day


def situation_refusals(situation: Situation) -> list[tuple[str, str]]:
    """All that does not fit together in a situation: the answer each is about, and a whole sentence."""
    refused = []
    if (situation.children_under_3 or 0) > (situation.children or 0):
        refused.append(
            (
                "children_under_3",
                "Il y a plus d’enfants de moins de 3 ans que d’enfants\u00a0: vérifiez les deux nombres.",
            )
        )
    alone = {"aucune", "non_renseigne"} & set(situation.resources)
    if alone and len(situation.resources) > 1:
        refused.append(
            (
                "resources",
                "«\u00a0Aucune\u00a0» ou «\u00a0Non renseigné\u00a0» ne va pas avec une autre ressource\u00a0: décochez l’une ou l’autre.",
            )
        )
    if "aucun_moyen" in situation.mobility and len(situation.mobility) > 1:
        refused.append(
            (
                "mobility",
                "«\u00a0Aucun moyen\u00a0» de transport ne va pas avec un autre\u00a0: décochez l’un ou l’autre.",
            )
        )
    return refused


def derived_criteria(situation: Situation, *, age: int | None, in_qpv: bool | None) -> tuple[str, ...]:
    """The criteria (domain.md §2.8) that follow from other answers, and so are never asked."""
    follows = {
        "rsa": "rsa" in situation.resources,
        "aah": "aah" in situation.resources,
        "ass": "ass" in situation.resources,
        "cap_bep": situation.education in ("n0", "n1", "n2", "n3"),
        "senior": age is not None and age >= 50,
        "jeune": age is not None and age < 26,
        "deld": situation.months_without_job in ("12_23m", "24m_plus"),
        "detld": situation.months_without_job == "24m_plus",
        "pi": situation.household == "parent_isole",
        "psh_pr": situation.housing in ("sans_hebergement", "logement_fortune"),
        "qpv": bool(in_qpv),
    }
    return tuple(code for code, holds in follows.items() if holds)


ASKED_CRITERIA = ("ase", "th", "ref_da", "zrr", "fle", "pm")
"""The criteria that nothing else says."""


def inscription_of(situation: str | None) -> str | None:
    """Whether a situation already says that the person is registered with France Travail."""
    return "inscrit" if situation in ("de_inscrit_ft_indemnise", "de_inscrit_ft_non_indemnise") else None


NEVER_ASKED_AFTER = frozenset({ExitReason.DECES, ExitReason.ERREUR_DOUBLON})
"""Exits after which nobody is asked anything."""


NOTHING_ASKED = "Après cette sortie, aucune situation n’est demandée."


def taking_refusal(taken_on: date, *, asked: tuple[date, date], today: date) -> str | None:
    """Why a situation cannot have been asked on a day, in a whole sentence, or None; `asked` as `asked_between` says."""
    first, until = asked
    if taken_on > today:
        return "Cette date est dans le futur\u00a0: indiquez le jour où vous l’avez demandé."
    if taken_on < first:
        return "Cette date précède celle où la situation est demandée\u00a0: vérifiez le jour."
    if taken_on >= until:
        return "À cette date, cette situation n’était plus demandée\u00a0: vérifiez le jour, ou notez un échange."
    return None


def asked_between(ended_on: date, moment: Moment) -> tuple[date, date]:
    """The first day on which a situation after an exit is asked, and the day from which it no longer is."""
    first, last = ASKED_AFTER[moment]
    return ended_on + first, ended_on + last
