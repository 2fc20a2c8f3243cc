"""How a frein moves, what a version of the diagnosis needs to be finished, and what changed between two versions."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


class FreinStatus(enum.StrEnum):
    """Where a frein stands (domain.md §2.1)."""

    NON_ABORDE = "non_aborde"
    IDENTIFIE = "identifie"
    EN_COURS = "en_cours"
    LEVE = "leve"
    ABANDONNE = "abandonne"
    SANS_OBJET = "sans_objet"


FREIN_STATUS_LABELS: dict[FreinStatus, str] = {
    FreinStatus.NON_ABORDE: "Pas encore abordé",
    FreinStatus.IDENTIFIE: "Identifié",
    FreinStatus.EN_COURS: "En cours",
    FreinStatus.LEVE: "Levé",
    FreinStatus.ABANDONNE: "Mis de côté",
    FreinStatus.SANS_OBJET: "Sans objet",
}

PRESENT_STATUSES = frozenset({FreinStatus.IDENTIFIE, FreinStatus.EN_COURS})
SETTLED_STATUSES = frozenset({FreinStatus.LEVE, FreinStatus.ABANDONNE})

FREIN_MOVES: dict[FreinStatus, frozenset[FreinStatus]] = {
    FreinStatus.NON_ABORDE: frozenset({FreinStatus.IDENTIFIE, FreinStatus.EN_COURS, FreinStatus.SANS_OBJET}),
    FreinStatus.IDENTIFIE: frozenset(
        {FreinStatus.EN_COURS, FreinStatus.LEVE, FreinStatus.ABANDONNE, FreinStatus.SANS_OBJET}
    ),
    FreinStatus.EN_COURS: frozenset({FreinStatus.IDENTIFIE, FreinStatus.LEVE, FreinStatus.ABANDONNE}),
    FreinStatus.LEVE: frozenset({FreinStatus.IDENTIFIE}),
    FreinStatus.ABANDONNE: frozenset({FreinStatus.IDENTIFIE}),
    FreinStatus.SANS_OBJET: frozenset({FreinStatus.IDENTIFIE}),
}
"""What may follow what (domain.md §5.2): a frein that was lifted may come back."""


class FreinOwner(enum.StrEnum):
    """Who deals with a frein."""

    REFERENT = "referent"
    PARTNER = "partner"
    PERSON = "person"


FREIN_OWNER_LABELS: dict[FreinOwner, str] = {
    FreinOwner.REFERENT: "Le référent",
    FreinOwner.PARTNER: "Un partenaire",
    FreinOwner.PERSON: "La personne",
}

SEVERITY_LABELS: dict[int, str] = {1: "Gênant", 2: "Important", 3: "Bloquant"}


@dataclass(frozen=True)
class FreinStand:
    """What is said of a frein: its status, how heavy it is (1 to 3), whether it comes first, who deals with it."""

    status: FreinStatus
    severity: int | None = None
    is_priority: bool = False
    owner: FreinOwner | None = None
    situations: tuple[str, ...] = ()


class Progress(enum.StrEnum):
    """What became of a frein between two versions."""

    APPEARED = "appeared"
    LIFTED = "lifted"
    LIGHTER = "lighter"
    HEAVIER = "heavier"
    CAME_BACK = "came_back"
    SET_ASIDE = "set_aside"
    SAME = "same"


PROGRESS_LABELS: dict[Progress, str] = {
    Progress.APPEARED: "Apparu",
    Progress.LIFTED: "Levé",
    Progress.LIGHTER: "Allégé",
    Progress.HEAVIER: "Alourdi",
    Progress.CAME_BACK: "Revenu",
    Progress.SET_ASIDE: "Mis de côté",
    Progress.SAME: "Inchangé",
}


@dataclass(frozen=True)
class Reading:
    """How a frein stood in one version."""

    status: FreinStatus
    severity: int | None


def progress(before: Reading | None, after: Reading | None) -> Progress | None:
    """What became of one frein from one version to the next; None when it was never one."""
    was = before is not None and before.status in PRESENT_STATUSES
    now = after is not None and after.status in PRESENT_STATUSES
    if not now:
        if not was:
            return None
        lifted = after is not None and after.status is FreinStatus.LEVE
        return Progress.LIFTED if lifted else Progress.SET_ASIDE
    if not was:
        settled = before is not None and before.status in SETTLED_STATUSES
        return Progress.CAME_BACK if settled else Progress.APPEARED
    weight = ((before and before.severity) or 0, (after and after.severity) or 0)
    if 0 in weight or weight[0] == weight[1]:
        return Progress.SAME
    return Progress.LIGHTER if weight[1] < weight[0] else Progress.HEAVIER


def progresses(before: Mapping[str, Reading], after: Mapping[str, Reading]) -> dict[str, Progress]:
    """What became of each frein, by code, of those that were there in either version."""
    found = {code: progress(before.get(code), after.get(code)) for code in {*before, *after}}
    return {code: each for code, each in found.items() if each}


def finish_refusal(freins: Mapping[str, FreinStand]) -> str | None:
    """Why a version cannot be finished, in a whole sentence, or None: one word about the freins is needed, nothing else."""
    if all(stand.status is FreinStatus.NON_ABORDE for stand in freins.values()):
        return "Abordez au moins un frein, même pour dire qu’il est sans objet\u202f: le plan d’action part de là."
    return None


def frein_refusal(
    former: FreinStatus, becomes: FreinStatus, *, on: date, identified_on: date | None
) -> str | None:
    """Why a frein cannot become so on a day, in a whole sentence, or None."""
    if becomes is not former and becomes not in FREIN_MOVES[former]:
        said = FREIN_STATUS_LABELS[becomes].lower()
        return f"Un frein «\u00a0{FREIN_STATUS_LABELS[former].lower()}\u00a0» ne peut pas devenir «\u00a0{said}\u00a0» tout de suite."
    if identified_on and on < identified_on:
        return "Cette date précède le jour où le frein a été identifié\u00a0: vérifiez le jour."
    return None


def stand_of(
    status: FreinStatus,
    severity: int | None,
    is_priority: bool,
    owner: FreinOwner | None,
    situations: tuple[str, ...],
) -> FreinStand:
    """What was said of a frein during the conversation: saying anything of it is to have identified it."""
    said = bool(severity or is_priority or owner or situations)
    if status is FreinStatus.NON_ABORDE and said:
        status = FreinStatus.IDENTIFIE
    return FreinStand(status, severity, is_priority, owner, situations)


def stand_refusal(stand: FreinStand) -> str | None:
    """Why what is said of a frein contradicts itself, in a whole sentence, or None."""
    if stand.status is FreinStatus.SANS_OBJET and (stand.situations or stand.severity or stand.is_priority):
        return (
            "Un frein «\u00a0sans objet\u00a0» n’a ni gravité, ni priorité, ni situation\u00a0: retirez-les, "
            "ou choisissez un autre état."
        )
    return None


@dataclass(frozen=True)
class FreinDays:
    """Since when a frein is known, and when it was settled."""

    identified_on: date | None = None
    settled_on: date | None = None


def days_after(former: FreinStatus, days: FreinDays, becomes: FreinStatus, on: date) -> FreinDays:
    """The days of a frein once it became so: a frein that comes back is known since that day."""
    if becomes in PRESENT_STATUSES:
        stays = former in PRESENT_STATUSES
        return FreinDays((days.identified_on if stays else None) or on)
    if becomes in SETTLED_STATUSES:
        known = days.identified_on or on
        return days if former is becomes else FreinDays(known, on)
    return FreinDays()


@dataclass(frozen=True)
class Portrait:
    """What a version says besides the freins: strengths, project, autonomy. Codes are those of lists."""

    strengths: str | None = None
    project: str | None = None
    occupation: str | None = None
    sector: str | None = None
    radius_km: int | None = None
    working_time: str | None = None
    contract: str | None = None
    digital_autonomy: str | None = None
    french_spoken: str | None = None
    french_written: str | None = None


FARTHEST_KM = 1000


class Beginning(enum.Enum):
    """Whether a version of the diagnosis may be begun."""

    POSSIBLE = enum.auto()
    NOT_MET = enum.auto()
    CLOSED = enum.auto()


def weight_of(reading: Reading | None) -> int:
    """How heavy a frein weighs on a scale of 0 to 3, for a chart: 0 when it is no obstacle, 1 when nobody said."""
    if reading is None or reading.status not in PRESENT_STATUSES:
        return 0
    return reading.severity or 1
