"""Figures of a Cité over a period, and the rows behind each: the same conditions count and list."""

import uuid
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import load_only

from cityjobs.accounts.models import Membership, User
from cityjobs.accounts.queries import is_current
from cityjobs.core.db import db
from cityjobs.core.permissions import Role
from cityjobs.core.web import Page, last_page
from cityjobs.people.models import Person
from cityjobs.reporting.facts import behind_figures, case_facts, contact_facts, facts_of
from cityjobs.reporting.models import ActivityReport
from cityjobs.reporting.rules.figures import FIGURES, Measure, Rows
from cityjobs.reporting.rules.periods import Period, Slice, slices_of
from cityjobs.reporting.rules.reports import ReportState
from cityjobs.territory.models import Cite, CiteQpv, Organisation, ProgrammeYear, Qpv
from cityjobs.territory.queries import shown_name_of


@dataclass(frozen=True)
class Setting:
    """What the figures of a Cité depend on, and where it lies."""

    id: uuid.UUID
    name: str
    slug: str
    programme_name: str
    silence_days: int
    capacity: int
    programme: Period
    longitude: float | None
    latitude: float | None
    places: Sequence[Any] = field(default=(), repr=False)


def find_setting(cite_id: uuid.UUID) -> Setting | None:
    """The settings of a Cité, with all Cités as places (id, name, longitude, latitude), in one query."""
    years = (
        sa.select(
            ProgrammeYear.cite_id,
            sa.func.min(ProgrammeYear.year).label("first"),
            sa.func.max(ProgrammeYear.year).label("last"),
        )
        .group_by(ProgrammeYear.cite_id)
        .subquery()
    )
    rows = db.session.execute(
        sa.select(
            Cite.id,
            Cite.name,
            Cite.slug,
            Cite.programme_name,
            Cite.silence_days,
            Cite.referent_capacity,
            Cite.labelled_year,
            Cite.longitude,
            Cite.latitude,
            years.c.first,
            years.c.last,
        )
        .outerjoin(years, years.c.cite_id == Cite.id)
        .order_by(Cite.name)
    ).all()
    here = next((row for row in rows if row.id == cite_id), None)
    if here is None:
        return None
    return Setting(
        here.id, here.name, here.slug, here.programme_name, here.silence_days, here.referent_capacity,
        Period(date(here.first or here.labelled_year, 1, 1), date(max(here.last or 9998, here.labelled_year), 12, 31)),
        here.longitude, here.latitude, rows,
    )  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """Every figure of one period, and since when the one who waits longest has waited."""

    measures: Mapping[str, Measure]
    waiting_since: date | None = None


def figures_of(setting: Setting, periods: Mapping[str, Period]) -> dict[str, Figures]:
    """Every figure but exchanges of each period, by the name it was given, in one query."""
    fact = facts_of(setting.id, [*periods.values()])
    columns: list[sa.ColumnElement[Any]] = []
    behind = behind_figures(fact, setting.silence_days)
    for code, each in behind.items():
        figure = FIGURES[code]
        unit = sa.distinct(fact.c.person_key) if figure.rows is Rows.PERSONS else fact.c.parcours_id
        columns.append(sa.func.count(unit).filter(each.rows).label(f"{code}__rows"))
        if each.known is not None:
            columns.append(sa.func.count(unit).filter(each.known).label(f"{code}__known"))
        if each.days is not None:
            median = sa.func.percentile_cont(0.5).within_group(each.days)
            columns.append(median.filter(each.rows).label(f"{code}__median"))
    columns.append(
        sa.func.min(fact.c.waiting_since).filter(behind["ind_attente"].rows).label("waiting_since")
    )
    rows = db.session.execute(sa.select(fact.c.number, *columns).group_by(fact.c.number)).all()
    measured: dict[int, Mapping[Any, Any]] = {row.number: row._mapping for row in rows}
    return {name: _figures(measured.get(number, {})) for number, name in enumerate(periods)}


def _figures(row: Mapping[Any, Any]) -> Figures:
    measures = {}
    for code in FIGURES:
        rows = row.get(f"{code}__rows", 0)
        measures[code] = Measure(rows, row.get(f"{code}__known", rows), row.get(f"{code}__median"))
    return Figures(measures, row.get("waiting_since"))


def exchanges_of(setting: Setting, slices: Iterable[Period]) -> list[int]:
    """How many exchanges took place in each of these periods, in one query: they are counted day by day."""
    asked = list(slices)
    contact = contact_facts.c
    whole = contact.held_on.between(min(each.start for each in asked), max(each.end for each in asked))
    by_day = db.session.execute(
        sa.select(contact.held_on, sa.func.count().label("exchanges"))
        .where(contact.cite_id == setting.id, contact.reached, whole)
        .group_by(contact.held_on)
        .order_by(contact.held_on)
    ).all()
    days = [row.held_on for row in by_day]
    until = [0, *accumulate(row.exchanges for row in by_day)]
    return [until[bisect_right(days, each.end)] - until[bisect_left(days, each.start)] for each in asked]


@dataclass(frozen=True)
class Load:
    """What one référent follows on a day; `referent_id` None gathers files whose référent is not known yet.

    `organisation` is masked when it is a « structure sensible »: these lines are read by those who may not know it.
    """

    referent_id: uuid.UUID | None
    name: str
    organisation: str | None
    followed: int
    silent: int
    capacity: int

    @property
    def is_over(self) -> bool:
        """Whether more is followed than the capacity says."""
        return self.referent_id is not None and self.followed > self.capacity


def loads_of(setting: Setting, period: Period) -> list[Load]:
    """What each référent follows on the evening of the period's last day, in one query, by name.

    Référents of that day who follow nobody are there too.
    """
    fact = facts_of(setting.id, [period])
    behind = behind_figures(fact, setting.silence_days)
    followed = (
        sa.select(
            fact.c.referent_id,
            sa.func.count().label("followed"),
            sa.func.count().filter(behind["ind_silencieux"].rows).label("silent"),
        )
        .where(behind["ind_file_active"].rows)
        .group_by(fact.c.referent_id)
        .subquery()
    )
    member = (
        sa.select(Membership.user_id, Membership.capacity, shown_name_of(Organisation).label("organisation"))
        .ext(pg.distinct_on(Membership.user_id))
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(
            Membership.cite_id == setting.id,
            Membership.role == Role.REFERENT,
            is_current(period.end),
        )
        .order_by(Membership.user_id, Membership.started_on, Membership.id)
        .subquery()
    )
    rows = db.session.execute(
        sa.select(
            sa.func.coalesce(followed.c.referent_id, member.c.user_id).label("referent_id"),
            (User.first_name + " " + User.last_name).label("name"),
            member.c.organisation,
            sa.func.coalesce(followed.c.followed, 0).label("followed"),
            sa.func.coalesce(followed.c.silent, 0).label("silent"),
            sa.func.coalesce(member.c.capacity, setting.capacity).label("capacity"),
        )
        .select_from(followed)
        .join(member, member.c.user_id == followed.c.referent_id, full=True)
        .outerjoin(User, User.id == sa.func.coalesce(followed.c.referent_id, member.c.user_id))
        .where(sa.or_(followed.c.followed.is_not(None), User.disabled_at.is_(None)))
        .order_by(User.last_name.nulls_last(), User.first_name)
    ).all()
    return [
        Load(
            row.referent_id,
            row.name or "Référent à nommer",
            row.organisation,
            row.followed,
            row.silent,
            row.capacity,
        )
        for row in rows
    ]


@dataclass(frozen=True)
class Neighbourhood:
    """A QPV of the Cité and how many accompanied persons entered from it; `qpv_id` None: from elsewhere."""

    qpv_id: uuid.UUID | None
    code: str | None
    name: str
    contour: Mapping[str, Any] | None
    persons: int


ELSEWHERE = "Hors QPV ou non renseigné"


def neighbourhoods_of(setting: Setting, period: Period, *, contours: bool = True) -> list[Neighbourhood]:
    """Where the persons accompanied in a period lived on the day of their last entry, in one query.

    Every QPV of the perimeter is there, and any other from which somebody entered; elsewhere comes last.
    """
    fact = facts_of(setting.id, [period])
    entered = (
        sa.select(fact.c.person_key, fact.c.entry_qpv_id)
        .ext(pg.distinct_on(fact.c.person_key))
        .where(behind_figures(fact, setting.silence_days)["ind_accompagnees"].rows)
        .order_by(fact.c.person_key, fact.c.started_on.desc(), fact.c.parcours_id)
        .subquery()
    )
    counted = (
        sa.select(entered.c.entry_qpv_id.label("qpv_id"), sa.func.count().label("persons"))
        .group_by(entered.c.entry_qpv_id)
        .subquery()
    )
    perimeter = sa.select(CiteQpv.qpv_id).where(CiteQpv.cite_id == setting.id).subquery()
    place = sa.func.coalesce(counted.c.qpv_id, perimeter.c.qpv_id)
    contour = Qpv.contour if contours else sa.null()
    rows = db.session.execute(
        sa.select(
            place.label("qpv_id"),
            Qpv.code,
            sa.func.coalesce(Qpv.name, ELSEWHERE).label("name"),
            contour.label("contour"),
            sa.func.coalesce(counted.c.persons, 0).label("persons"),
        )
        .select_from(counted)
        .join(perimeter, perimeter.c.qpv_id == counted.c.qpv_id, full=True)
        .outerjoin(Qpv, Qpv.id == place)
        .order_by(Qpv.name.nulls_last(), Qpv.code)
    ).all()
    return [Neighbourhood(*row) for row in rows]


@dataclass(frozen=True)
class Snapshot:
    """All that a report says of a Cité over a period, before anything is hidden."""

    setting: Setting
    period: Period
    measures: Mapping[str, Measure]
    weeks: Sequence[tuple[Slice, int]]
    loads: Sequence[Load]
    neighbourhoods: Sequence[Neighbourhood]


def snapshot_of(setting: Setting, period: Period) -> Snapshot:
    """The whole of a period, week by week, in four queries."""
    slices = slices_of(period, weekly=True)
    counts = exchanges_of(setting, [each.period for each in slices])
    measures = figures_of(setting, {"now": period})["now"].measures
    return Snapshot(
        setting,
        period,
        {**measures, "ind_echanges": Measure(sum(counts), sum(counts))},
        list(zip(slices, counts, strict=True)),
        loads_of(setting, period),
        neighbourhoods_of(setting, period, contours=False),
    )


# The rows behind a figure


@dataclass(frozen=True)
class Line:
    """One row behind a figure. `name` is only there for who may open the file of that person."""

    person_id: uuid.UUID | None
    name: str | None
    initials: str
    status: str
    on: date | None
    days: int | None
    last_contact_on: date | None
    referent: str | None
    mode: str | None = None


_DATED = {
    "ind_reperees": "spotted_on",
    "ind_attente": "spotted_on",
    "ind_rencontrees": "met_on",
    "ind_premieres_rencontres": "met_on",
    "ind_delai_1er_rdv": "met_on",
    "ind_delai_diag": "diagnosed_on",
    "ind_sorties": "ended_on",
    "ind_sorties_dynamiques": "ended_on",
    "ind_duree_parcours": "ended_on",
}


def dated_by(code: str) -> str:
    """The date that goes with the rows of a figure: the name of a column."""
    return _DATED.get(code, "started_on")


@dataclass(frozen=True)
class Narrowed:
    """Only the rows of one référent, or of one QPV at entry."""

    referent_id: uuid.UUID | None = None
    qpv_id: uuid.UUID | None = None


def lines_behind(
    code: str, setting: Setting, period: Period, *, narrowed: Narrowed, page: int, size: int = 50
) -> Page:
    """One page of the rows behind a figure, in one query (two beyond the last page), names joined under the
    row policies: whoever may not open a file is given initials."""
    if FIGURES[code].rows is Rows.EXCHANGES:
        rows = _exchange_lines(setting, period)
    else:
        rows = _parcours_lines(code, setting, period, narrowed)
    asked = rows.limit(size).offset((page - 1) * size)
    found = db.session.execute(asked).all()
    if found or page == 1:
        total = found[0].total if found else 0
    else:
        total = db.session.scalar(sa.select(sa.func.count()).select_from(rows.subquery())) or 0
    lines = [
        Line(
            row.person_id, " ".join(filter(None, (row.first_name, row.last_name))) or None, row.initials or "…", row.status,
            row.on, row.days, row.last_contact_on, row.referent, row.mode,
        )
        for row in found
    ]  # fmt: skip
    return Page(lines, page, size, total)


def _parcours_lines(
    code: str, setting: Setting, period: Period, narrowed: Narrowed
) -> sa.Select[*tuple[Any, ...]]:
    fact = facts_of(setting.id, [period])
    each = behind_figures(fact, setting.silence_days)[code]
    on = fact.c[dated_by(code)]
    days = each.days if each.days is not None else sa.null()
    behind = sa.select(
        fact.c.parcours_id, fact.c.person_id, fact.c.initials, fact.c.status, on.label("on"),
        sa.cast(days, sa.Integer).label("days"), fact.c.heard_on.label("last_contact_on"), fact.c.referent_id,
        fact.c.entry_qpv_id,
    ).where(each.rows)  # fmt: skip
    if FIGURES[code].rows is Rows.PERSONS:
        behind = behind.ext(pg.distinct_on(fact.c.person_key)).order_by(
            fact.c.person_key,
            fact.c.started_on.desc().nulls_last(),
            fact.c.spotted_on.desc(),
            fact.c.parcours_id,
        )
    line = behind.subquery()
    rows = (
        sa.select(
            line.c.person_id, Person.first_name, Person.last_name, line.c.initials, line.c.status, line.c.on, line.c.days,
            line.c.last_contact_on, (User.first_name + " " + User.last_name).label("referent"),
            sa.null().label("mode"), sa.func.count().over().label("total"),
        )
        .outerjoin(Person, Person.id == line.c.person_id)
        .outerjoin(User, User.id == line.c.referent_id)
        .order_by(line.c.on.desc().nulls_last(), line.c.parcours_id)
    )  # fmt: skip
    if narrowed.referent_id is not None:
        rows = rows.where(line.c.referent_id == narrowed.referent_id)
    if narrowed.qpv_id is not None:
        rows = rows.where(line.c.entry_qpv_id == narrowed.qpv_id)
    return rows


def _exchange_lines(setting: Setting, period: Period) -> sa.Select[*tuple[Any, ...]]:
    contact, case = contact_facts.c, case_facts.c
    return (
        sa.select(
            case.person_id, Person.first_name, Person.last_name, case.initials, case.status, contact.held_on.label("on"),
            sa.null().label("days"), sa.null().label("last_contact_on"),
            (User.first_name + " " + User.last_name).label("referent"), contact.mode,
            sa.func.count().over().label("total"),
        )
        .select_from(contact_facts)
        .join(case_facts, case.parcours_id == contact.parcours_id)
        .outerjoin(Person, Person.id == case.person_id)
        .outerjoin(User, User.id == contact.author_id)
        .where(
            contact.cite_id == setting.id, case.cite_id == setting.id, contact.reached,
            contact.held_on.between(period.start, period.end),
        )
        .order_by(contact.held_on.desc(), contact.interview_id)
    )  # fmt: skip


# Reports

_LISTED = load_only(
    ActivityReport.period_start,
    ActivityReport.period_end,
    ActivityReport.as_of,
    ActivityReport.state,
    ActivityReport.progress,
    ActivityReport.occasion,
    ActivityReport.ready_at,
    ActivityReport.created_at,
    ActivityReport.failure,
)


def reports_of(cite_id: uuid.UUID, *, page: int, size: int = 25) -> Page:
    """One page of the reports of a Cité (the last when there are fewer), the most recent first, without figures and files."""
    mine = ActivityReport.cite_id == cite_id
    total = db.session.scalar(sa.select(sa.func.count()).select_from(ActivityReport).where(mine)) or 0
    page = min(page, last_page(total, size))
    rows = db.session.scalars(
        sa.select(ActivityReport)
        .options(_LISTED)
        .where(mine)
        .order_by(ActivityReport.created_at.desc(), ActivityReport.id)
        .limit(size)
        .offset((page - 1) * size)
    ).all()
    return Page(rows, page, size, total)


def find_report(report_id: uuid.UUID, cite_id: uuid.UUID) -> ActivityReport | None:
    """A report of a Cité, without its files."""
    return db.session.scalar(
        sa.select(ActivityReport).where(ActivityReport.id == report_id, ActivityReport.cite_id == cite_id)
    )


def find_file(report_id: uuid.UUID, cite_id: uuid.UUID, kind: str) -> Any:
    """One file ("xlsx" or "pdf") of a report that is ready, with the Cité's slug and the first day of the period."""
    column = {"xlsx": ActivityReport.xlsx, "pdf": ActivityReport.pdf}[kind]
    return db.session.execute(
        sa.select(column.label("content"), Cite.slug, ActivityReport.period_start, ActivityReport.period_end)
        .join(Cite, Cite.id == ActivityReport.cite_id)
        .where(
            ActivityReport.id == report_id,
            ActivityReport.cite_id == cite_id,
            ActivityReport.state == ReportState.READY,
        )
    ).one_or_none()


def find_pending_report(cite_id: uuid.UUID, period: Period) -> uuid.UUID | None:
    """A report already asked for on these very days and not settled yet."""
    return db.session.scalar(
        sa.select(ActivityReport.id)
        .where(
            ActivityReport.cite_id == cite_id,
            ActivityReport.period_start == period.start,
            ActivityReport.period_end == period.end,
            ActivityReport.state.in_([ReportState.REQUESTED, ReportState.COMPUTING]),
        )
        .limit(1)
    )


def cites_at_work() -> Sequence[uuid.UUID]:
    """Cités in which somebody works: they are owed a report each month."""
    at_work = (
        sa.select(Membership.id).where(Membership.cite_id == Cite.id, Membership.ended_on.is_(None)).exists()
    )
    return db.session.scalars(sa.select(Cite.id).where(at_work).order_by(Cite.name)).all()


def readers_of(cite_id: uuid.UUID, on: date) -> Sequence[Any]:
    """Who is chef de file of a Cité on a day: user id and address."""
    return db.session.execute(
        sa.select(User.id, User.email)
        .join(Membership, Membership.user_id == User.id)
        .where(
            Membership.cite_id == cite_id,
            Membership.role == Role.CHEF_DE_FILE,
            is_current(on),
            User.disabled_at.is_(None),
        )
        .distinct()
        .order_by(User.email)
    ).all()


def find_announced_report(report_id: uuid.UUID, reader_id: uuid.UUID, on: date) -> Any:
    """A report (id, period_start, name of its Cité) for somebody who is its chef de file on that day, or None."""
    is_reader = (
        sa.select(Membership.id)
        .join(User, User.id == Membership.user_id)
        .where(
            Membership.user_id == reader_id,
            Membership.cite_id == ActivityReport.cite_id,
            Membership.role == Role.CHEF_DE_FILE,
            is_current(on),
            User.disabled_at.is_(None),
        )
        .exists()
    )
    return db.session.execute(
        sa.select(ActivityReport.id, ActivityReport.period_start, Cite.name)
        .join(Cite, Cite.id == ActivityReport.cite_id)
        .where(ActivityReport.id == report_id, is_reader)
    ).one_or_none()


def cites_named(slug: str | None) -> Sequence[Any]:
    """Cités by slug (id, name), or all those in which somebody works."""
    wanted = Cite.slug == slug if slug else Cite.id.in_(cites_at_work())
    return db.session.execute(sa.select(Cite.id, Cite.name).where(wanted).order_by(Cite.name)).all()


def monthly_reports(occasion: str, cite_ids: Sequence[uuid.UUID]) -> Sequence[Any]:
    """Reports of one month (id, state, name of the Cité), by Cité."""
    return db.session.execute(
        sa.select(ActivityReport.id, ActivityReport.state, Cite.name)
        .join(Cite, Cite.id == ActivityReport.cite_id)
        .where(ActivityReport.occasion == occasion, ActivityReport.cite_id.in_(cite_ids))
        .order_by(Cite.name)
    ).all()
