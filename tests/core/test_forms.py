"""Days in forms: read as they are typed, shown again so that neither a browser nor a refusal loses them."""

from datetime import date

import pytest
from flask import Flask
from lxml import etree
from werkzeug.datastructures import MultiDict

from cityjobs.core.clock import today
from cityjobs.core.forms import DayField, Form, LineField


class Meeting(Form):
    """A day that is needed, another that has a default."""

    on = DayField("Le", required="Indiquez le jour.")
    since = DayField("Depuis", default=today)
    title = LineField("Titre")


def shown(form: Meeting, name: str = "on") -> tuple[str, str]:
    """The kind of control and what stands in it."""
    control = etree.HTML(str(form[name]())).find(".//input")
    return control.get("type"), control.get("value")


@pytest.mark.parametrize(
    ("typed", "kind", "value"),
    [
        ("1990-03-12", "date", "1990-03-12"),
        ("12/03/1990", "date", "1990-03-12"),
        (" 3/7/26 ", "date", "2026-07-03"),
        ("12.03.1990", "date", "1990-03-12"),
        ("12-03-1990", "date", "1990-03-12"),
        ("0202-03-12", "date", "0202-03-12"),
        ("2999-01-01", "date", "2999-01-01"),
        ("", "date", ""),
        ("   ", "date", ""),
        ("31/02/2026", "text", "31/02/2026"),
        ("2026-02-31", "text", "2026-02-31"),
        (" mardi <prochain> ", "text", " mardi <prochain> "),
    ],
)
def test_a_day_is_shown_again_in_the_calendar_and_what_is_no_day_as_it_was_typed(
    app: Flask, typed: str, kind: str, value: str
) -> None:
    with app.test_request_context():
        form = Meeting(MultiDict({"on": typed}), meta={"csrf": False})
        form.validate()
        assert shown(form) == (kind, value)


def test_a_day_refused_for_what_it_means_stays_in_the_calendar(app: Flask) -> None:
    with app.test_request_context():
        form = Meeting(MultiDict({"on": "01/01/2030"}), meta={"csrf": False})
        form.refuse("on", "Cette date est dans le futur.")
        assert form.on.errors and shown(form) == ("date", "2030-01-01")


def test_a_day_never_typed_shows_what_is_known(app: Flask) -> None:
    with app.test_request_context():
        known = Meeting(data={"on": date(2026, 3, 4)}, meta={"csrf": False})
        assert shown(known) == ("date", "2026-03-04")
        assert shown(known, "since") == ("date", today().isoformat())
