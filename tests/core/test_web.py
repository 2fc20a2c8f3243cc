"""French dates and numbers, and lists whose state is in the URL."""

from datetime import UTC, date, datetime

import pytest
from flask import Flask

from cityjobs.core import web

NARROW = "\u202f"


@pytest.mark.parametrize(
    ("on", "written"), [(date(2026, 3, 3), "mar. 3 mars 2026"), (date(2026, 9, 1), "mar. 1er sept. 2026")]
)
def test_a_day(on: date, written: str) -> None:
    assert web.day(on) == written


def test_an_instant_is_dated_and_timed_in_paris() -> None:
    late_evening = datetime(2026, 6, 30, 22, 30, tzinfo=UTC)
    assert web.day_short(late_evening) == "1er juil."
    assert web.hour(late_evening) == f"0{NARROW}h{NARROW}30"


@pytest.mark.parametrize(
    ("on", "written"),
    [
        (date(2026, 11, 22), "aujourd’hui"),
        (date(2026, 11, 21), "hier"),
        (date(2026, 11, 23), "demain"),
        (date(2026, 11, 10), "il y a 12 jours"),
        (date(2026, 11, 1), "il y a 3 semaines"),
        (date(2026, 8, 1), "il y a 3 mois"),
        (date(2026, 11, 25), "dans 3 jours"),
        (date(2023, 11, 25), "il y a 2 ans"),
    ],
)
def test_how_long_ago(on: date, written: str) -> None:
    assert web.ago(on, since=date(2026, 11, 22)) == written


def test_numbers_use_narrow_no_break_spaces() -> None:
    assert web.number(1234567) == f"1{NARROW}234{NARROW}567"
    assert web.percent(0.5432) == f"54{NARROW}%"
    assert web.number(None) == "–"


def test_a_mailbox_leads_to_a_mailbox_whatever_it_is_called() -> None:
    assert web.mailbox("samira.lahlou+cite@plie.example") == "mailto:samira.lahlou+cite@plie.example"
    assert web.mailbox("//ailleurs/x?cc=y@zq.example") == "mailto:%2F%2Failleurs%2Fx%3Fcc%3Dy@zq.example"


def test_a_phone_is_read_as_it_is_dialled() -> None:
    assert web.phone("+33612345678") == "06 12 34 56 78"
    assert web.phone("+32470123456") == "+32 470 12 34 56"


@pytest.mark.parametrize(
    "target",
    [
        None,
        "",
        "https://ailleurs.example",
        "//ailleurs.example",
        "/\\ailleurs.example",
        "/a\nb",
        "javascript:x",
    ],
)
def test_nobody_is_sent_to_another_house(target: str | None) -> None:
    assert web.safe_next(target, "/compte") == "/compte"


def test_a_change_of_filter_starts_again_at_the_first_page(built_app: Flask) -> None:
    with built_app.test_request_context("/personnes?statut=actif&page=4&qpv=a"):
        assert web.url_with(statut="sorti", qpv=None) == "/personnes?statut=sorti"


@pytest.mark.parametrize(
    ("asked", "number"), [("3", 3), ("0", 1), ("-1", 1), ("x", 1), ("", 1), ("9" * 30, 100_000)]
)
def test_a_page_number_is_always_one(built_app: Flask, asked: str, number: int) -> None:
    with built_app.test_request_context(f"/personnes?page={asked}"):
        assert web.page_number() == number


def test_a_page_knows_what_it_shows() -> None:
    page = web.Page(rows=list(range(25)), number=2, size=25, total=60)
    assert (page.pages, page.first, page.last, page.has_prev, page.has_next) == (3, 26, 50, True, True)
    empty = web.Page(rows=[], number=1, size=25, total=0)
    assert (empty.pages, empty.first, empty.last, empty.has_next) == (1, 0, 0, False)
