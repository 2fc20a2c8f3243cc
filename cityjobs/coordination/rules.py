"""Who should get whom, and what is said of each attribution."""

import enum
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cityjobs.parcours.rules.lifecycle import UNDO_LASTS

PAGE_SIZE = 50
"""Rows of a page of the board, and the most that can be attributed at once."""

KNOWS_QUARTER_FROM = 2
"""How many persons of a quarter one follows before being said to know it."""

SAME_ORGANISATION, KNOWS_QUARTER, SPOTTED = 0.15, 0.15, 0.10
"""What each tie is worth, as a share of capacity."""

UNDONE = "Attribution annulée"
"""The end written on an attribution that was undone, and the beginning of the one that replaces it."""


@dataclass(frozen=True)
class Candidate:
    """A référent of the Cité: what they carry, out of how much, and from which quarters (persons by QPV)."""

    user_id: uuid.UUID
    name: str
    organisation_id: uuid.UUID
    organisation_name: str
    load: int
    capacity: int
    by_quarter: Mapping[uuid.UUID, int]

    @property
    def share(self) -> float:
        """Load over capacity; no capacity at all counts as full."""
        return self.load / self.capacity if self.capacity else 1.0

    @property
    def is_full(self) -> bool:
        """Whether one more would pass the capacity."""
        return self.load >= self.capacity


@dataclass(frozen=True)
class Wanting:
    """Somebody who waits for a référent, and what ties them to one."""

    parcours_id: uuid.UUID
    quarter_id: uuid.UUID | None = None
    spotted_by_id: uuid.UUID | None = None
    organisation_id: uuid.UUID | None = None


@dataclass(frozen=True)
class Suggestion:
    """A référent for somebody, and why, in a few words."""

    parcours_id: uuid.UUID
    user_id: uuid.UUID
    name: str
    reasons: tuple[str, ...]


def suggest(wanting: Wanting, candidates: Sequence[Candidate]) -> Suggestion | None:
    """The least loaded, all things considered: the same organisation, the quarter, the spotting.

    Nobody who is full is suggested as long as somebody is not. None when there is no référent at all.
    """
    free = [candidate for candidate in candidates if not candidate.is_full]
    ranked = sorted(
        free or candidates, key=lambda one: (_cost(wanting, one), one.load, one.name, str(one.user_id))
    )
    if not ranked:
        return None
    best = ranked[0]
    reasons = (*_ties(wanting, best), _about_load(best, candidates, all_full=not free))
    return Suggestion(wanting.parcours_id, best.user_id, best.name, reasons)


def suggest_each(wanting: Sequence[Wanting], candidates: Sequence[Candidate]) -> dict[uuid.UUID, Suggestion]:
    """A suggestion for each, in order, counting those already suggested as carried."""
    carrying = {candidate.user_id: candidate for candidate in candidates}
    suggestions = {}
    for one in wanting:
        suggestion = suggest(one, list(carrying.values()))
        if suggestion is None:
            continue
        suggestions[one.parcours_id] = suggestion
        chosen = carrying[suggestion.user_id]
        carrying[suggestion.user_id] = replace(chosen, load=chosen.load + 1)
    return suggestions


def _cost(wanting: Wanting, candidate: Candidate) -> float:
    return (
        candidate.share
        - SAME_ORGANISATION * _is_same_organisation(wanting, candidate)
        - KNOWS_QUARTER * _knows_quarter(wanting, candidate)
        - SPOTTED * (wanting.spotted_by_id == candidate.user_id)
    )


def _is_same_organisation(wanting: Wanting, candidate: Candidate) -> bool:
    return wanting.organisation_id is not None and wanting.organisation_id == candidate.organisation_id


def _knows_quarter(wanting: Wanting, candidate: Candidate) -> bool:
    return (
        wanting.quarter_id is not None
        and candidate.by_quarter.get(wanting.quarter_id, 0) >= KNOWS_QUARTER_FROM
    )


def _ties(wanting: Wanting, candidate: Candidate) -> list[str]:
    ties = []
    if wanting.spotted_by_id == candidate.user_id:
        ties.append("a repéré la personne")
    elif _is_same_organisation(wanting, candidate):
        ties.append("même organisation que le repérage")
    if wanting.quarter_id is not None and _knows_quarter(wanting, candidate):
        ties.append(f"suit déjà {candidate.by_quarter[wanting.quarter_id]} personnes de ce quartier")
    return ties


def _about_load(best: Candidate, candidates: Sequence[Candidate], *, all_full: bool) -> str:
    figures = f"{best.load}\u202f/\u202f{best.capacity}"
    if all_full:
        return f"tous sont au complet, {figures}"
    if all(best.share <= other.share for other in candidates):
        return f"charge la plus légère, {figures}"
    return f"de la place, {figures}"


@dataclass(frozen=True)
class Target:
    """Who gets somebody: a référent, or an organisation whose référent is not known yet. `email` to write to."""

    referent_id: uuid.UUID | None
    organisation_id: uuid.UUID | None
    email: str | None = None


@dataclass(frozen=True)
class Picked:
    """A row that was ticked: a parcours, and the attribution it had on the page (None: it waited)."""

    parcours_id: uuid.UUID
    assignment_id: uuid.UUID | None = None


def batch_number(key: uuid.UUID, target: str, picked: Sequence[Picked]) -> uuid.UUID:
    """The number of a batch: the same for the same form sent twice, another when something else was ticked."""
    rows = sorted(f"{one.parcours_id}.{one.assignment_id or ''}" for one in picked)
    return uuid.uuid5(key, "|".join((target, *rows)))


class Outcome(enum.StrEnum):
    """What became of one row; the codes are short because they travel in a cookie."""

    DONE = "d"
    TAKEN = "t"
    SAME = "s"
    CLOSED = "c"
    NOT_FOUND = "n"
    NO_SUGGESTION = "g"


REFUSALS: dict[Outcome, str] = {
    Outcome.TAKEN: "non attribuée\u00a0: quelqu’un d’autre l’a attribuée entre-temps.",
    Outcome.SAME: "déjà suivie par cette personne\u00a0: rien n’a changé.",
    Outcome.CLOSED: "non attribuée\u00a0: son parcours est clos.",
    Outcome.NOT_FOUND: "non attribuée\u00a0: ce dossier n’est pas dans votre Cité.",
    Outcome.NO_SUGGESTION: "non attribuée\u00a0: aucun référent n’était suggéré.",
}


class Standing(enum.StrEnum):
    """Where an attribution of a batch stands now."""

    HOLDS = "holds"
    UNDONE = "undone"
    MOVED = "moved"


def standing(ended_at: datetime | None, end_reason: str | None) -> Standing:
    """Whether an attribution still holds, was undone, or was replaced by another since."""
    if ended_at is None:
        return Standing.HOLDS
    return Standing.UNDONE if end_reason == UNDONE else Standing.MOVED


def can_be_undone(started_at: datetime, now: datetime) -> bool:
    """Attributions can be taken back for 15 minutes."""
    return now - started_at <= UNDO_LASTS


def parse_picked(value: str) -> Picked | None:
    """« parcours » or « parcours.attribution », as the pages write them; None when it is neither."""
    parcours, _, assignment = value.partition(".")
    try:
        return Picked(uuid.UUID(parcours), uuid.UUID(assignment) if assignment else None)
    except ValueError:
        return None


def entrusted_subject(count: int) -> str:
    """The subject of the letter to a new référent: a number, never a name."""
    return "CityJobs\u00a0: " + (
        "une personne vous est confiée" if count == 1 else f"{count} personnes vous sont confiées"
    )


def taken_back_subject(count: int) -> str:
    """The subject of the letter that takes an attribution back."""
    return "CityJobs\u00a0: " + (
        "une attribution est annulée" if count == 1 else f"{count} attributions sont annulées"
    )
