"""« Ma journée »: what waits for whoever asks, in queues. Nothing of it is stored: each queue is a question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from cityjobs.accounts.models import Draft
from cityjobs.core.clock import now
from cityjobs.core.db import HERE, ME, ON, db
from cityjobs.core.together import Together
from cityjobs.core.web import Page, last_page
from cityjobs.desk.rules import Queue
from cityjobs.followups.models import Interview
from cityjobs.followups.queries import due_steps, silent_parcours
from cityjobs.parcours.models import Assignment, Parcours, Spotting
from cityjobs.parcours.queries.due import due_checks, situations_to_ask, suspensions_ending
from cityjobs.parcours.queries.following import replaced_by_me
from cityjobs.parcours.rules.lifecycle import CLOSED_STATUSES
from cityjobs.people.models import Person
from cityjobs.plans.queries.due import agreements_to_review, overdue_etapes
from cityjobs.territory.models import Cite
from cityjobs.vocabulary.models import ListItem
from cityjobs.vocabulary.rules import ListName

NEW_LASTS = timedelta(days=7)
SHOWN_AT_ONCE = 8
_SINCE = sa.bindparam("since", type_=sa.DateTime(timezone=True))


@dataclass(frozen=True)
class Day:
    """The first lines of each queue, with how many there are in all.

    `followed` is how many persons whoever asks accompanies, `silence_days` after how many days silence is told, `replaced`
    the absent colleagues they stand in for.
    """

    queues: Mapping[Queue, Page]
    drafts: Sequence[Any]
    followed: int
    silence_days: int
    suspension_reasons: Mapping[str, str]
    replaced: Sequence[Any] = ()


@cache
def _questions() -> dict[Queue, sa.Select[*tuple[Any, ...]]]:
    mine = {
        Queue.OVERDUE: due_steps(ON, overdue=True, referent_id=ME),
        Queue.TODAY: due_steps(ON, overdue=False, referent_id=ME),
        Queue.CHECKS: due_checks(ON, referent_id=ME),
        Queue.SITUATIONS: situations_to_ask(ON, referent_id=ME),
        Queue.SILENT: silent_parcours(ON, referent_id=ME),
        Queue.NEW: _new_with_me(),
        Queue.ETAPES: overdue_etapes(ON, referent_id=ME),
        Queue.AGREEMENTS: agreements_to_review(ON, referent_id=ME),
        Queue.SUSPENSIONS: suspensions_ending(ON, referent_id=ME),
    }
    return {queue: asked.where(asked.selected_columns["cite_id"] == HERE) for queue, asked in mine.items()}


def _new_with_me() -> sa.Select[*tuple[Any, ...]]:
    """Open parcours given to whoever asks within a week, about which they noted nothing since."""
    noted = (
        sa.select(Interview.id)
        .where(
            Interview.parcours_id == Assignment.parcours_id,
            Interview.author_id == ME,
            Interview.created_at >= Assignment.started_at,
        )
        .exists()
    )
    channel = (
        sa.select(Spotting.channel).where(Spotting.parcours_id == Parcours.id).limit(1).scalar_subquery()
    )
    return (
        sa.select(
            Parcours.id.label("parcours_id"),
            Parcours.person_id,
            Parcours.cite_id,
            Person.first_name,
            Person.last_name,
            Parcours.status,
            Parcours.spotted_on,
            Assignment.started_at,
            Assignment.reason,
            channel.label("channel"),
        )
        .select_from(Assignment)
        .join(Parcours, Parcours.id == Assignment.parcours_id)
        .join(Person, Person.id == Parcours.person_id)
        .where(
            Assignment.referent_id == ME,
            Assignment.ended_at.is_(None),
            Assignment.started_at >= _SINCE,
            Parcours.status.not_in(CLOSED_STATUSES),
            ~noted,
        )
        .order_by(Assignment.started_at.desc(), Parcours.id)
    )


def _unfinished_exchanges() -> sa.Select[*tuple[Any, ...]]:
    """Exchanges that whoever asks began to note: person_id, first_name, last_name, saved_at, begun (its first words)."""
    begun, planned, kept = (Draft.fields[name].astext for name in ("synthesis", "next_step", "private_note"))
    mine = (
        sa.select(
            sa.cast(sa.func.substr(Draft.form, 11), sa.Uuid).label("person_id"),
            sa.func.left(begun, 120, type_=sa.Text).label("begun"),
            Draft.fields["interview"].astext.label("interview"),
            Draft.saved_at,
        )
        .where(
            Draft.author_id == ME,
            Draft.form.regexp_match("^entretien:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"),
            sa.func.concat(begun, planned, kept).regexp_match("[^[:space:]]"),
        )
        .cte("mine")
        .prefix_with("materialized")
    )
    noted = sa.select(Interview.id).where(
        Interview.person_id == mine.c.person_id, sa.cast(Interview.id, sa.Text) == mine.c.interview
    )
    return (
        sa.select(mine.c.person_id, Person.first_name, Person.last_name, mine.c.saved_at, mine.c.begun)
        .join(Person, Person.id == mine.c.person_id)
        .where(Person.cite_id == HERE, ~noted.exists())
        .order_by(mine.c.saved_at.desc())
        .limit(SHOWN_AT_ONCE)
    )


def _setting() -> sa.Select[*tuple[Any, ...]]:
    followed = (
        sa.select(sa.func.count(sa.distinct(Parcours.person_id)))
        .join(Assignment, Assignment.parcours_id == Parcours.id)
        .where(
            Assignment.referent_id == ME,
            Assignment.ended_at.is_(None),
            Assignment.cite_id == HERE,
            Parcours.status.not_in(CLOSED_STATUSES),
        )
        .scalar_subquery()
    )
    return sa.select(followed.label("followed"), Cite.silence_days).where(Cite.id == HERE)


def _suspension_reasons() -> sa.Select[*tuple[Any, ...]]:
    is_seen = sa.or_(ListItem.cite_id.is_(None), ListItem.cite_id == HERE)
    return sa.select(ListItem.code, ListItem.label).where(
        ListItem.list == ListName.MOTIF_SUSPENSION.value, is_seen
    )


@cache
def _whole_day() -> Together:
    total = sa.func.count().over().label("total")
    return Together(
        drafts=_unfinished_exchanges(),
        setting=_setting(),
        reasons=_suspension_reasons(),
        replaced=replaced_by_me(),
        **{
            queue.name: asked.add_columns(total).limit(SHOWN_AT_ONCE) for queue, asked in _questions().items()
        },
    )


def _asked(on: date) -> dict[str, Any]:
    return {"on": on, "since": now() - NEW_LASTS}


def find_day(on: date) -> Day:
    """Everything that waits on a day for whoever asks, in one question."""
    told = _whole_day().ask(_asked(on))
    followed, silence_days = told["setting"][0] if told["setting"] else (0, 30)
    return Day(
        queues={queue: _first(told[queue.name]) for queue in Queue},
        drafts=told["drafts"],
        followed=followed,
        silence_days=silence_days,
        suspension_reasons=dict(told["reasons"]),
        replaced=told["replaced"],
    )


def _first(rows: Sequence[Any]) -> Page:
    return Page(rows=rows, number=1, size=SHOWN_AT_ONCE, total=rows[0].total if rows else 0)


@cache
def _beside_a_queue() -> Together:
    return Together(setting=_setting(), reasons=_suspension_reasons())


def page_of(queue: Queue, on: date, number: int, size: int = 25) -> tuple[Page, Day]:
    """One page of a whole queue, the last when there are fewer, and what is said beside it."""
    wanted = _questions()[queue]
    count = sa.select(sa.func.count()).select_from(wanted.order_by(None).subquery())
    total = db.session.scalar(count, _asked(on)) or 0
    number = min(number, last_page(total, size))
    rows = db.session.execute(wanted.offset((number - 1) * size).limit(size), _asked(on)).all()
    told = _beside_a_queue().ask({})
    followed, silence_days = told["setting"][0] if told["setting"] else (0, 30)
    day = Day({}, (), followed, silence_days, dict(told["reasons"]))
    return Page(rows=rows, number=number, size=size, total=total), day
