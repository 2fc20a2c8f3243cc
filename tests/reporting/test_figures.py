"""Each figure equals the number of rows that its link opens, and equals a count made without SQL, for whoever asks."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from cityjobs.core.clock import today
from cityjobs.core.db import SYSTEM, Actor, act_as, db
from cityjobs.core.permissions import Role
from cityjobs.followups.models import Interview
from cityjobs.followups.rules import InterviewMode
from cityjobs.parcours.models import Assignment, Parcours
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.parcours.rules.reasons import ExitReason
from cityjobs.reporting.board import board_of, loads_chart
from cityjobs.reporting.documents import freeze
from cityjobs.reporting.queries import (
    Narrowed,
    Setting,
    exchanges_of,
    figures_of,
    find_setting,
    lines_behind,
    loads_of,
    neighbourhoods_of,
    snapshot_of,
)
from cityjobs.reporting.rules.figures import FIGURES, Rows
from cityjobs.reporting.rules.periods import Period, Span, month_of, period_before, period_of, slices_of
from tests.reporting.lives import DAY, Life, Recount, live, noon
from tests.world import Member, World

PROGRAMME = Period(date(2021, 1, 1), date(2030, 12, 31))


class Lived:
    """Two Cités with random lives."""

    def __init__(self, world: World, seed: int, persons: int = 40) -> None:
        self.cite, elsewhere = world.cite("Roubaix"), world.cite("Calais")
        self.referents = [world.member("referent", self.cite) for _ in range(3)]
        self.lives = live(world, self.cite, self.referents, seed, persons)
        live(world, elsewhere, [world.member("referent", elsewhere)], seed + 1000, 15)
        self.readers = {
            role: world.member(role, self.cite) for role in ("coordinator", "chef_de_file", "funder")
        }
        self.readers["referent"] = self.referents[0]


@contextmanager
def asking(app: Flask, member: Member | None) -> Iterator[None]:
    """A transaction in which the database believes that somebody asks, or the worker."""
    with app.app_context():
        act_as(Actor(member.id, member.role.value, member.cite.id) if member else SYSTEM)
        yield
        db.session.rollback()


def setting_of(member_cite: Any) -> Setting:
    setting = find_setting(member_cite.id)
    assert setting is not None
    return setting


def counted(code: str, rows: list[Life]) -> int:
    return len({one.person for one in rows}) if FIGURES[code].rows is Rows.PERSONS else len(rows)


def periods() -> list[Period]:
    last_month = month_of(today().replace(day=1) - DAY)
    return [
        last_month,
        period_before(last_month),
        period_of(Span.QUARTER, today(), PROGRAMME),
        Period(today() - DAY * 200, today() - DAY * 11),
        Period(today() - DAY * 40, today() - DAY * 40),
        period_of(Span.PROGRAMME, today(), PROGRAMME),
    ]


def edges(lives: list[Life]) -> list[Period]:
    """Periods that begin or end on the very day of an entry or an exit."""
    one = next(each for each in lives if each.started and each.ended)
    assert one.started and one.ended
    return [
        Period(one.ended, one.ended + DAY),
        Period(one.started - DAY, one.started),
        Period(one.ended - DAY, one.ended),
    ]


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 20))]
)
def test_every_figure_equals_its_rows_and_a_count_made_without_sql(
    app: Flask, world: World, seed: int
) -> None:
    lived = Lived(world, seed)
    with asking(app, lived.readers["coordinator"]):
        setting = setting_of(lived.cite)
        asked = {str(index): each for index, each in enumerate([*periods(), *edges(lived.lives)])}
        figures = figures_of(setting, asked)
        for name, period in asked.items():
            recount = Recount(lived.lives, period)
            rows, known, medians = recount.rows(), recount.known(), recount.medians()
            for code in FIGURES.keys() - {"ind_echanges"}:
                measure = figures[name].measures[code]
                where = (code, period, seed)
                assert measure.rows == counted(code, rows[code]), where
                if code in known:
                    assert measure.known == counted(code, known[code]), where
                if code in medians:
                    assert measure.median == medians[code], where
                page = lines_behind(code, setting, period, narrowed=Narrowed(), page=1, size=1000)
                assert page.total == len(page.rows) == measure.rows, where
            assert exchanges_of(setting, [period]) == [recount.exchanges()]
            page = lines_behind("ind_echanges", setting, period, narrowed=Narrowed(), page=1, size=1000)
            assert page.total == recount.exchanges()


def test_whoever_is_met_after_their_exit_is_met(app: Flask, world: World) -> None:
    """A parcours over before a period is looked at no more, but for this."""
    leader = world.member(Role.CHEF_DE_FILE, world.cite())
    referent = world.member(Role.REFERENT, leader.cite)
    left = [world.case(leader.cite, referent=referent, status=Status.SORTI, days_ago=90) for _ in range(2)]
    world.interview(left[0], referent, days_ago=0, mode=InterviewMode.PRESENTIEL_RDV)
    one_day = Period(today(), today())
    with asking(app, leader):
        setting = setting_of(leader.cite)
        measures = figures_of(setting, {"now": one_day})["now"].measures
        assert {code for code, each in measures.items() if each.rows} == {"ind_rencontrees"}
        page = lines_behind("ind_rencontrees", setting, one_day, narrowed=Narrowed(), page=1)
        assert page.total == measures["ind_rencontrees"].rows == 1


@pytest.mark.parametrize("seed", range(2))
def test_parts_add_up_to_their_figure_and_equal_their_own_rows(app: Flask, world: World, seed: int) -> None:
    lived = Lived(world, seed)
    with asking(app, lived.readers["chef_de_file"]):
        setting = setting_of(lived.cite)
        for period in periods():
            recount = Recount(lived.lives, period)
            measures = figures_of(setting, {"now": period})["now"].measures
            loads = {load.referent_id: load.followed for load in loads_of(setting, period) if load.followed}
            assert loads == recount.loads()
            assert sum(load.silent for load in loads_of(setting, period)) == measures["ind_silencieux"].rows
            quarters = {each.qpv_id: each.persons for each in neighbourhoods_of(setting, period)}
            assert quarters == recount.quarters()
            assert sum(quarters.values()) == measures["ind_accompagnees"].rows
            assert (
                sum(exchanges_of(setting, [each.period for each in slices_of(period)])) == recount.exchanges()
            )
            for referent_id, followed in loads.items():
                if referent_id:
                    page = lines_behind(
                        "ind_file_active", setting, period, narrowed=Narrowed(referent_id), page=1
                    )
                    assert page.total == followed
            for qpv_id, persons in quarters.items():
                if qpv_id:
                    page = lines_behind(
                        "ind_accompagnees", setting, period, narrowed=Narrowed(qpv_id=qpv_id), page=1
                    )
                    assert page.total == persons


def test_whoever_may_see_figures_sees_the_same_and_so_does_the_worker(
    app: Flask, as_worker: Flask, world: World
) -> None:
    lived = Lived(world, 7)
    period = period_of(Span.QUARTER, today(), PROGRAMME)
    seen = {}
    for role, member in lived.readers.items():
        with asking(app, member):
            setting = setting_of(lived.cite)
            seen[role] = (
                figures_of(setting, {"now": period}),
                snapshot_of(setting, period).loads,
                neighbourhoods_of(setting, period),
            )
    with asking(as_worker, None):
        setting = setting_of(lived.cite)
        seen["worker"] = (
            figures_of(setting, {"now": period}),
            snapshot_of(setting, period).loads,
            neighbourhoods_of(setting, period),
        )
    assert seen["worker"][0]["now"].measures["ind_accompagnees"].rows > 5
    assert all(each == seen["worker"] for each in seen.values())


@pytest.mark.parametrize("role", ["spotter", "partner", "administrator"])
def test_the_database_itself_shows_no_figure_to_other_roles(app: Flask, world: World, role: str) -> None:
    lived = Lived(world, 3, persons=15)
    with asking(app, world.member(role, lived.cite)):
        measures = figures_of(setting_of(lived.cite), {"now": period_of(Span.PROGRAMME, today(), PROGRAMME)})[
            "now"
        ].measures
        assert not any(measure.rows for measure in measures.values())


def test_what_is_dated_later_changes_nothing(as_worker: Flask, world: World) -> None:
    lived = Lived(world, 11)
    as_of = today() - timedelta(days=25)
    period = Period(as_of - DAY * 59, as_of)
    with asking(as_worker, None):
        before = freeze(snapshot_of(setting_of(lived.cite), period), as_of)
        measures = snapshot_of(setting_of(lived.cite), period).measures
    later = as_of + DAY
    for one in [each for each in lived.lives if each.ended is None]:
        row = world.session.get_one(Parcours, one.parcours)
        world.keep(
            Interview(
                id=uuid.uuid4(), cite_id=row.cite_id, person_id=row.person_id, parcours_id=row.id, author_id=lived.referents[0].id,
                held_on=later, mode=InterviewMode.DOMICILE, synthesis="Après coup.",
            )
        )  # fmt: skip
        for assignment in world.session.query(Assignment).filter_by(parcours_id=row.id, ended_at=None):
            if assignment.started_at < noon(later):
                assignment.ended_at = noon(later)
        world.session.commit()
        world.session.refresh(row)
        resumed = all(until is not None and until <= later for _, until in one.pauses)
        if row.status == Status.ACTIF and resumed and one.started and one.started <= later:
            row.status, row.ended_on, row.end_reason = Status.SORTI, later, ExitReason.CDI
        world.session.commit()
    live(world, lived.cite, lived.referents, 99, persons=0)
    world.case(lived.cite, referent=lived.referents[1], days_ago=24)
    with asking(as_worker, None):
        assert snapshot_of(setting_of(lived.cite), period).measures == measures
        assert freeze(snapshot_of(setting_of(lived.cite), period), as_of) == before


def test_a_later_move_of_the_person_does_not_move_their_entry(app: Flask, world: World) -> None:
    lived = Lived(world, 5, persons=1)
    quarter = world.session.execute(sa.text("select id from qpv limit 1")).scalar_one()
    case = world.case(lived.cite, status=Status.DIAGNOSTIC, qpv_answer="inside", qpv_id=quarter)
    case.parcours.status, case.parcours.started_on = Status.ACTIF, today()
    world.session.commit()
    world.session.refresh(case.parcours)
    assert case.parcours.entry_qpv_id == quarter
    case.person.qpv_answer, case.person.qpv_id = "outside", None
    case.parcours.contacted_on = case.parcours.met_on
    world.session.commit()
    with asking(app, lived.readers["coordinator"]):
        found = neighbourhoods_of(setting_of(lived.cite), Period(today(), today()))
    assert {each.qpv_id: each.persons for each in found}[quarter] == 1


def test_outside_the_cite_no_small_count_is_in_the_board(app: Flask, world: World) -> None:
    for seed in range(3):
        lived = Lived(world, 20 + seed, persons=25)
        with asking(app, lived.readers["funder"]):
            board = board_of(setting_of(lived.cite), month_of(today().replace(day=1) - DAY), published=True)
        shown = [bar["load"] for bar in loads_chart(board)["bars"]]
        shown += [measure.rows for code, measure in board.now.items() if code not in board.hidden]
        shown += [
            each.persons for n, each in enumerate(board.neighbourhoods) if f"qpv/{n}" not in board.hidden
        ]
        assert all(count >= 6 for count in shown)
        assert board.hidden and board.rows_href("ind_accompagnees") is None
