"""The filters of the list of people: read from the address, never refused, left out when they make no sense."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from cityjobs.core.forms import clean
from cityjobs.core.permissions import Role
from cityjobs.desk.rules import CITE, EN_COURS, MINE, NOBODY, QPV_WORDS, SILENCES, SIZES, SORTS, PeopleFilters
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.parcours.rules.reasons import SpottingChannel
from cityjobs.people.rules import LONGEST_SEARCH, read_search


def read_filters(args: Mapping[str, str], role: Role, today: date) -> PeopleFilters:
    """The filters of an address. Searching looks in the whole Cité unless the address says otherwise."""
    text = (clean(args.get("q")) or "")[:LONGEST_SEARCH]
    scope = args.get("voir", "")
    if role is not Role.REFERENT or scope not in (MINE, CITE):
        scope = CITE if role is not Role.REFERENT or text else MINE
    wanted = args.get("statut", "")
    channel, silence, size = args.get("canal", ""), args.get("silence", ""), args.get("par", "")
    qpv, referent, sort = args.get("qpv", ""), args.get("referent", ""), args.get("tri", "")
    filters = PeopleFilters(
        scope=scope,
        text=text,
        sought=read_search(text, today),
        status=wanted if wanted == EN_COURS or wanted in tuple(Status) else None,
        sort=sort if sort.removeprefix("-") in SORTS else "",
        size=int(size) if size in map(str, SIZES) else SIZES[0],
    )
    if role is Role.SPOTTER:
        return filters
    return replace(
        filters,
        action=args.get("action") == "1",
        referent=NOBODY if referent == NOBODY else _uuid(referent),
        qpv=qpv if qpv in QPV_WORDS else _uuid(qpv),
        channel=SpottingChannel(channel) if channel in tuple(SpottingChannel) else None,
        silent_for=int(silence) if silence in map(str, SILENCES) else None,
        waiting=args.get("attente") == "1",
        entered_from=_day(args.get("entree_du", "")),
        entered_until=_day(args.get("entree_au", "")),
    )


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
