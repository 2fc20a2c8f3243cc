"""How goals and étapes move, which dates go together, which papers are taken and under what name."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityjobs.plans.rules import (
    ETAPE_TRANSITIONS,
    GOAL_TRANSITIONS,
    LARGEST_ATTACHMENT,
    LATEST_AFTER,
    LONGEST_NAME,
    OPEN_ETAPES,
    EtapeEvent,
    EtapePlan,
    EtapeStatus,
    GoalGesture,
    GoalStatus,
    KeptLine,
    LineFate,
    agreement_refusal,
    days_after,
    etape_events_from,
    etape_refusal,
    fate_of,
    goal_gestures_from,
    is_overdue,
    is_ready_to_settle,
    kept_name,
    media_type_of,
    paper_of,
    paper_refusal,
    plan_refusal,
    progress_of,
)
from tests.plans.makers import JPEG, PDF, PNG

NOW = date(2026, 6, 15)
BEFORE, AFTER = NOW - timedelta(days=1), NOW + timedelta(days=1)
S, E = EtapeStatus, EtapeEvent
LEADS = {
    (S.PREVUE, E.START): S.EN_COURS,
    (S.PREVUE, E.FINISH): S.REALISEE,
    (S.PREVUE, E.CANCEL): S.ANNULEE,
    (S.EN_COURS, E.PAUSE): S.EN_ATTENTE,
    (S.EN_COURS, E.FINISH): S.REALISEE,
    (S.EN_COURS, E.ABANDON): S.ABANDONNEE,
    (S.EN_ATTENTE, E.RESUME): S.EN_COURS,
    (S.EN_ATTENTE, E.ABANDON): S.ABANDONNEE,
}


@pytest.mark.parametrize(("status", "event"), list(itertools.product(EtapeStatus, EtapeEvent)))
def test_every_status_and_every_event(status: EtapeStatus, event: EtapeEvent) -> None:
    leads = LEADS.get((status, event))
    assert ETAPE_TRANSITIONS.get((status, event)) == leads
    assert (event in etape_events_from(status)) == (leads is not None)
    said = etape_refusal(
        status, event, on=NOW, today=NOW, started_on=None, result="atteint", reason="absences"
    )
    assert (said is None) == (leads is not None)
    assert said is None or said.endswith(".")


def test_what_is_over_stays_over() -> None:
    assert [status for status in EtapeStatus if not etape_events_from(status)] == [
        status for status in EtapeStatus if status not in OPEN_ETAPES
    ]


@pytest.mark.parametrize(
    ("event", "facts", "word"),
    [
        (E.FINISH, {"on": AFTER}, "futur"),
        (E.FINISH, {"started_on": NOW, "on": BEFORE}, "précède le début"),
        (E.FINISH, {"result": None}, "donné"),
        (E.ABANDON, {"reason": None}, "pourquoi"),
    ],
)
def test_an_event_needs_what_it_needs(event: EtapeEvent, facts: dict[str, object], word: str) -> None:
    usual: dict[str, object] = {
        "on": NOW,
        "today": NOW,
        "started_on": None,
        "result": "atteint",
        "reason": "absences",
    }
    assert etape_refusal(S.EN_COURS, event, **usual) is None  # type: ignore[arg-type]
    assert word in (etape_refusal(S.EN_COURS, event, **{**usual, **facts}) or "")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("first", "last", "word"),
    [
        (NOW, BEFORE, "précède le début"),
        (None, NOW + timedelta(days=1200), "trois ans"),
        (NOW + timedelta(days=1200), None, "trois ans"),
        (None, date(2025, 12, 31), "début du parcours"),
        (date(2025, 12, 31), None, "début du parcours"),
    ],
)
def test_dates_that_cross_are_refused(first: date | None, last: date | None, word: str) -> None:
    plan = EtapePlan("stage", "Stage", planned_from=first, planned_to=last)
    assert word in (plan_refusal(plan, today=NOW, started_on=date(2026, 1, 1)) or "")


@pytest.mark.parametrize(("first", "last"), [(None, None), (NOW, NOW), (BEFORE, AFTER), (None, AFTER)])
def test_dates_that_go_together_stand(first: date | None, last: date | None) -> None:
    plan = EtapePlan("stage", "Stage", planned_from=first, planned_to=last)
    assert plan_refusal(plan, today=NOW, started_on=date(2026, 1, 1)) is None


@pytest.mark.parametrize("status", EtapeStatus)
def test_late_is_computed(status: EtapeStatus) -> None:
    assert is_overdue(status, BEFORE, NOW) == (status in OPEN_ETAPES)
    assert not is_overdue(status, NOW, NOW) and not is_overdue(status, None, NOW)


@pytest.mark.parametrize(("status", "gesture"), list(itertools.product(GoalStatus, GoalGesture)))
def test_a_goal_is_reached_or_dropped_and_taken_up_again(status: GoalStatus, gesture: GoalGesture) -> None:
    is_open = status is GoalStatus.OPEN
    assert ((status, gesture) in GOAL_TRANSITIONS) == (is_open is (gesture is not GoalGesture.REOPEN))
    assert (gesture in goal_gestures_from(status)) == ((status, gesture) in GOAL_TRANSITIONS)


def test_a_cancelled_etape_was_never_to_be_done() -> None:
    assert progress_of([S.REALISEE, S.ANNULEE, S.PREVUE, S.ABANDONNEE]) == (1, 3)
    assert progress_of([]) == (0, 0)


@given(st.lists(st.sampled_from(EtapeStatus)))
def test_ready_when_nothing_else_is_open(others: list[EtapeStatus]) -> None:
    assert is_ready_to_settle(others) == (not any(status in OPEN_ETAPES for status in others))


@pytest.mark.parametrize(
    ("agreed_on", "review_on", "word"),
    [
        (AFTER, AFTER + timedelta(days=9), "futur"),
        (date(2026, 1, 1), NOW, "rencontre"),
        (NOW, NOW, "suivre"),
        (NOW, NOW + timedelta(days=400), "dans l’année"),
    ],
)
def test_an_agreement_is_dated_as_it_can_be(agreed_on: date, review_on: date, word: str) -> None:
    not_before = date(2026, 2, 1)
    said = agreement_refusal(agreed_on, review_on, today=NOW, not_before=not_before)
    assert word in (said or "")
    assert agreement_refusal(NOW, NOW + timedelta(days=91), today=NOW, not_before=not_before) is None


# Kept plans


def test_what_becomes_of_each_line() -> None:
    alone = KeptLine("Obtenir le permis", "mobilite", "obtenir_permis")
    line = KeptLine("Obtenir le permis", "mobilite", "obtenir_permis", "permis_code", "Code", 30)
    there = {alone.goal, (*alone.goal, "permis_code", "Code")}
    assert fate_of(line, {"mobilite"}, set()) is LineFate.ADDED
    assert fate_of(line, {"logement"}, set()) is LineFate.SKIPPED
    assert fate_of(line, {"mobilite"}, {alone.goal}) is LineFate.ADDED
    assert fate_of(line, {"mobilite"}, there) is fate_of(alone, {"mobilite"}, there) is LineFate.THERE
    assert fate_of(KeptLine("Faire son CV"), set(), set()) is LineFate.ADDED


@given(st.dates(date(2000, 1, 1), date(2050, 1, 1)), st.none() | st.dates(date(2000, 1, 1), date(2050, 1, 1)))
def test_days_after_are_those_that_the_database_takes(beginning: date, planned: date | None) -> None:
    days = days_after(beginning, planned)
    assert (days is None) == (planned is None)
    assert days is None or 0 <= days <= LATEST_AFTER


# Papers


@pytest.mark.parametrize(
    ("content", "media_type"),
    [(PDF, "application/pdf"), (JPEG, "image/jpeg"), (PNG, "image/png"), (b"<html>", None), (b" %PDF-", None), (b"", None)],
)  # fmt: skip
def test_a_file_is_what_its_first_bytes_say(content: bytes, media_type: str | None) -> None:
    assert media_type_of(content) == media_type
    assert (paper_refusal(content) is None) == (media_type is not None)


def test_a_file_may_be_large_but_not_too_large() -> None:
    most = PDF + bytes(LARGEST_ATTACHMENT - len(PDF))
    assert paper_refusal(most) is None
    assert "5\u00a0Mo" in (paper_refusal(most + b"0") or "")
    assert "vide" in (paper_refusal(b"") or "")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("contrat signé.PDF", "contrat signé.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Scans\\contrat.pdf", "contrat.pdf"),
        ("page.html", "page.html.pdf"),
        ('a"; filename="b.exe', "a; filename=b.exe.pdf"),
        ("x\r\nSet-Cookie: y.pdf", "xSet-Cookie y.pdf"),
        ("\u202efdp.exe", "fdp.exe.pdf"),
        (".pdf", "pdf.pdf"),
        ("", "document.pdf"),
        (None, "document.pdf"),
        ("😀 contrat.pdf", "😀 contrat.pdf"),
    ],
)
def test_a_name_is_kept_without_what_could_harm(name: str | None, kept: str) -> None:
    assert kept_name(name, "application/pdf") == kept


@given(st.text(max_size=400), st.sampled_from([PDF, PNG, JPEG]))
def test_any_name_becomes_one_that_the_database_takes(name: str, content: bytes) -> None:
    kept = paper_of(name, content).name
    assert 1 <= len(kept) <= LONGEST_NAME
    assert not set(kept) & set('/\\"<>\r\n\0') and kept.isprintable()
    assert kept.endswith((".pdf", ".png", ".jpg", ".jpeg"))
