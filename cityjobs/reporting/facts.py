"""A Cité as it stood on the evening of a period's last day: one fact per parcours, and which facts are behind a figure.

What is dated later does not exist. The masked views show a page its own Cité; a task names the Cité it means.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from cityjobs.core.clock import PARIS
from cityjobs.followups.rules import MEETINGS, WITHOUT_THE_PERSON
from cityjobs.parcours.rules.exits import DYNAMIC_CATEGORIES, ExitCategory
from cityjobs.parcours.rules.lifecycle import AssignmentKind
from cityjobs.people.rules import Gender
from cityjobs.reporting.rules.figures import DYNAMIC_EXITS, NEUTRAL_EXITS, YOUNG_BEFORE
from cityjobs.reporting.rules.periods import Period

Condition = sa.ColumnElement[bool]


def _view(name: str, **columns: sa.types.TypeEngine[Any]) -> sa.TableClause:
    return sa.table(name, *(sa.column(column, kind) for column, kind in columns.items()), schema="app")


case_facts = _view(
    "case_facts",
    parcours_id=sa.Uuid(),
    cite_id=sa.Uuid(),
    person_id=sa.Uuid(),
    person_key=sa.Uuid(),
    initials=sa.Text(),
    status=sa.Text(),
    spotted_on=sa.Date(),
    met_on=sa.Date(),
    diagnosed_on=sa.Date(),
    started_on=sa.Date(),
    ended_on=sa.Date(),
    last_contact_on=sa.Date(),
    end_reason=sa.Text(),
    entry_gender=sa.Text(),
    entry_age=sa.Integer(),
    entry_in_qpv=sa.Boolean(),
    entry_qpv_id=sa.Uuid(),
    exit_category=sa.Text(),
)
pause_facts = _view(
    "pause_facts", cite_id=sa.Uuid(), parcours_id=sa.Uuid(), started_on=sa.Date(), ended_on=sa.Date()
)
contact_facts = _view(
    "contact_facts",
    interview_id=sa.Uuid(),
    cite_id=sa.Uuid(),
    parcours_id=sa.Uuid(),
    author_id=sa.Uuid(),
    held_on=sa.Date(),
    mode=sa.Text(),
    reached=sa.Boolean(),
)
assignment_facts = _view(
    "assignment_facts",
    cite_id=sa.Uuid(),
    parcours_id=sa.Uuid(),
    kind=sa.Text(),
    referent_id=sa.Uuid(),
    started_at=sa.DateTime(timezone=True),
    ended_at=sa.DateTime(timezone=True),
)


def evening_of(day: date) -> datetime:
    """The instant at which a day is over in Paris."""
    return datetime.combine(day + timedelta(days=1), time(), PARIS)


def numbered(periods: Sequence[Period], name: str = "period") -> sa.FromClause:
    """Periods as rows, in their order from 0: number, starts_on, ends_on, over_at."""
    columns: list[sa.ColumnClause[Any]] = [
        sa.column("number", sa.Integer()),
        sa.column("starts_on", sa.Date()),
        sa.column("ends_on", sa.Date()),
        sa.column("over_at", sa.DateTime(timezone=True)),
    ]
    rows = [(number, each.start, each.end, evening_of(each.end)) for number, each in enumerate(periods)]
    return sa.values(*columns, name=name).data(rows).cte(name)


def _paris_day(instant: sa.ColumnElement[Any]) -> sa.ColumnElement[date]:
    return sa.cast(sa.func.timezone("Europe/Paris", instant), sa.Date)


def _meetings(cite_id: uuid.UUID, periods: Sequence[Period]) -> sa.CTE:
    """In which period (number) which parcours (parcours_id) had a meeting."""
    each = numbered(periods, "within")
    contact = contact_facts.c
    whole = contact.held_on.between(
        min(period.start for period in periods), max(period.end for period in periods)
    )
    return (
        sa.select(each.c.number, contact.parcours_id)
        .join(contact_facts, contact.held_on.between(each.c.starts_on, each.c.ends_on))
        .where(contact.cite_id == cite_id, contact.reached, contact.mode.in_(MEETINGS), whole)
        .distinct()
        .cte("meeting")
    )


def _heard_on(cite_id: uuid.UUID, period: sa.FromClause) -> sa.ColumnElement[date | None]:
    """The last day of contact with the person by the end of a period.

    It is the one that the parcours keeps, unless that came later: then it is looked up.
    """
    kept, contact = case_facts.c.last_contact_on, contact_facts.c
    earlier = (
        sa.select(sa.func.max(contact.held_on))
        .where(
            contact.cite_id == cite_id,
            contact.parcours_id == case_facts.c.parcours_id,
            contact.held_on <= period.c.ends_on,
            contact.reached,
            contact.mode.not_in(WITHOUT_THE_PERSON),
        )
        .correlate(case_facts, period)
        .scalar_subquery()
    )
    return sa.case((kept > period.c.ends_on, earlier), else_=kept)


def facts_of(cite_id: uuid.UUID, periods: Sequence[Period]) -> sa.CTE:
    """One row per period and parcours spotted by its end: dates not later than it, last contact, référent then.

    A parcours that ended before a period, and of which nothing is dated in it, is behind no figure of that period: it
    has no row. Look-ups that few facts need are written where they are needed: PostgreSQL runs them for those facts alone.
    """
    period = numbered(periods)
    case = case_facts.c
    meeting = _meetings(cite_id, periods).c
    met_within = sa.tuple_(period.c.number, case.parcours_id).in_(
        sa.select(meeting.number, meeting.parcours_id)
    )
    last_dated_on = sa.func.greatest(
        case.spotted_on, case.met_on, case.diagnosed_on, case.started_on, case.ended_on
    )
    counts = sa.or_(case.ended_on.is_(None), last_dated_on >= period.c.starts_on, met_within)
    follows = (
        sa.select(
            period.c.number,
            assignment_facts.c.parcours_id,
            assignment_facts.c.referent_id,
            assignment_facts.c.started_at,
        )
        .ext(pg.distinct_on(period.c.number, assignment_facts.c.parcours_id))
        .join(
            period,
            sa.and_(
                assignment_facts.c.started_at < period.c.over_at,
                sa.or_(
                    assignment_facts.c.ended_at.is_(None), assignment_facts.c.ended_at >= period.c.over_at
                ),
            ),
        )
        .where(assignment_facts.c.cite_id == cite_id, assignment_facts.c.kind == AssignmentKind.REFERENT)
        .order_by(period.c.number, assignment_facts.c.parcours_id, assignment_facts.c.started_at.desc())
        .subquery()
    )
    left_at = (
        sa.select(sa.func.max(assignment_facts.c.ended_at))
        .where(
            assignment_facts.c.cite_id == cite_id,
            assignment_facts.c.parcours_id == case.parcours_id,
            assignment_facts.c.kind == AssignmentKind.REFERENT,
            assignment_facts.c.ended_at < period.c.over_at,
        )
        .correlate(case_facts, period)
        .scalar_subquery()
    )

    pause = pause_facts.c
    paused = (
        sa.select(pause.parcours_id)
        .where(
            pause.cite_id == cite_id,
            pause.parcours_id == case.parcours_id,
            pause.started_on <= period.c.ends_on,
            sa.or_(pause.ended_on.is_(None), pause.ended_on > period.c.ends_on),
        )
        .correlate(case_facts, period)
        .exists()
    )

    def by_then(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.case((column <= period.c.ends_on, column))

    ended_on = by_then(case.ended_on)
    return (
        sa.select(
            period.c.number,
            period.c.starts_on,
            period.c.ends_on,
            case.parcours_id,
            case.person_id,
            case.person_key,
            case.initials,
            case.status,
            case.spotted_on,
            by_then(case.met_on).label("met_on"),
            by_then(case.diagnosed_on).label("diagnosed_on"),
            by_then(case.started_on).label("started_on"),
            ended_on.label("ended_on"),
            sa.case((ended_on.is_not(None), case.end_reason)).label("end_reason"),
            sa.case((ended_on.is_not(None), case.exit_category)).label("exit_category"),
            paused.label("is_paused"),
            case.entry_gender,
            case.entry_age,
            case.entry_in_qpv,
            case.entry_qpv_id,
            met_within.label("met_within"),
            _heard_on(cite_id, period).label("heard_on"),
            follows.c.parcours_id.is_not(None).label("is_followed"),
            follows.c.referent_id,
            _paris_day(follows.c.started_at).label("assigned_on"),
            sa.func.greatest(case.spotted_on, _paris_day(left_at)).label("waiting_since"),
        )
        .select_from(period)
        .join(case_facts, sa.and_(case.cite_id == cite_id, case.spotted_on <= period.c.ends_on, counts))
        .outerjoin(
            follows, sa.and_(follows.c.number == period.c.number, follows.c.parcours_id == case.parcours_id)
        )
        .cte("fact")
    )


@dataclass(frozen=True)
class Behind:
    """Which facts are behind a figure, out of which known ones, and the days of which the median is taken."""

    rows: Condition
    known: Condition | None = None
    days: sa.ColumnElement[Any] | None = None


def behind_figures(fact: sa.CTE, silence_days: int) -> dict[str, Behind]:
    """For each figure, its definition in rules.FIGURES as conditions."""
    f = fact.c

    def within(column: sa.ColumnElement[Any]) -> Condition:
        return sa.and_(column >= f.starts_on, column <= f.ends_on)

    accompanied = sa.and_(f.started_on.is_not(None), sa.or_(f.ended_on.is_(None), f.ended_on >= f.starts_on))
    is_open = f.ended_on.is_(None)
    left = sa.and_(f.started_on.is_not(None), within(f.ended_on))
    was_read = f.exit_category.is_not(None)
    is_dynamic = sa.case(
        (was_read, f.exit_category.in_(DYNAMIC_CATEGORIES)), else_=f.end_reason.in_(DYNAMIC_EXITS)
    )
    is_neutral = sa.case(
        (was_read, f.exit_category == ExitCategory.NEUTRE), else_=f.end_reason.in_(NEUTRAL_EXITS)
    )
    counted = sa.and_(left, sa.not_(is_neutral))
    is_active = sa.and_(is_open, f.started_on.is_not(None), sa.not_(f.is_paused), f.is_followed)
    heard_on = sa.func.coalesce(f.heard_on, f.assigned_on, f.spotted_on)
    gender_known = sa.and_(accompanied, f.entry_gender != Gender.NON_RENSEIGNE)
    return {
        "ind_reperees": Behind(within(f.spotted_on)),
        "ind_rencontrees": Behind(sa.or_(within(f.met_on), f.met_within)),
        "ind_premieres_rencontres": Behind(within(f.met_on)),
        "ind_accompagnees": Behind(accompanied),
        "ind_entrees": Behind(within(f.started_on)),
        "ind_sorties": Behind(left),
        "ind_sorties_dynamiques": Behind(sa.and_(left, is_dynamic), counted),
        "ind_file_active": Behind(is_active),
        "ind_attente": Behind(sa.and_(is_open, sa.not_(f.is_followed))),
        "ind_silencieux": Behind(sa.and_(is_active, heard_on <= f.ends_on - silence_days)),
        "ind_qpv": Behind(
            sa.and_(accompanied, f.entry_in_qpv), sa.and_(accompanied, f.entry_in_qpv.is_not(None))
        ),
        "ind_femmes": Behind(sa.and_(accompanied, f.entry_gender == Gender.FEMME), gender_known),
        "ind_jeunes": Behind(
            sa.and_(accompanied, f.entry_age < YOUNG_BEFORE), sa.and_(accompanied, f.entry_age.is_not(None))
        ),
        "ind_delai_1er_rdv": Behind(within(f.met_on), days=f.met_on - f.spotted_on),
        "ind_delai_diag": Behind(
            sa.and_(within(f.diagnosed_on), f.met_on.is_not(None)), days=f.diagnosed_on - f.met_on
        ),
        "ind_duree_parcours": Behind(left, days=f.ended_on - f.started_on),
    }
