"""What is decided on plain values."""

from datetime import UTC, datetime, timedelta

import pytest

from cityjobs.accounts.rules import (
    DEMO_ACCOUNTS,
    DEMO_PASSWORD,
    MOST_CARRIED,
    carried,
    device_label,
    is_idle,
    password_weakness,
    personal_parts,
)

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "password",
    ["Briques-2026", "Briquesrouges7", "sept briques rouges posent devant une grande porte", DEMO_PASSWORD],
)
def test_each_of_the_three_ways_is_good_enough(password: str) -> None:
    assert password_weakness(password) is None


@pytest.mark.parametrize(
    "password",
    [
        "Brique-2026",  # 11
        "briques-2026",  # no capital
        "Briquesrouges",  # 13, no digit
        "Briquerouges7",  # 13 of three classes
        "six briques rouges posent devant toi",  # six words
        "a b c d e f g h i j",  # words of one letter
        "Aa1!Aa1!Aa1!Aa1!",  # four different signs
    ],
)
def test_what_is_too_easy_is_refused_with_the_rule(password: str) -> None:
    assert "12 caractères" in str(password_weakness(password))


def test_a_password_neither_too_long_nor_personal() -> None:
    mine = personal_parts("Samira", "Lahlou", "s.lahlou@cite.example")
    assert "200" in str(password_weakness("Ab1!" * 51 + "cdefg"))
    assert "votre nom" in str(password_weakness("Lahlou-2026-ok", mine))
    assert "votre nom" in str(password_weakness("mais-S.LAHLOU-7", mine))
    assert password_weakness("Briques-2026", mine) is None


def test_half_an_hour() -> None:
    assert not is_idle(NOON, NOON + timedelta(minutes=30))
    assert is_idle(NOON, NOON + timedelta(minutes=30, seconds=1))


@pytest.mark.parametrize(
    ("said", "label"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0",
            "Firefox sur Windows",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/128.0 Safari/537.36 Edg/128.0",
            "Edge sur Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1 Version/17.5 Safari/604.1",
            "Safari sur iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/128.0 Mobile Safari/537.36",
            "Chrome sur Android",
        ),
        ("", "Appareil inconnu"),
    ],
)
def test_a_device_is_named_as_its_owner_would(said: str, label: str) -> None:
    assert device_label(said) == label


def test_what_a_lock_carries() -> None:
    posted = [
        ("csrf_token", "x"),
        ("synthesis", "Bien\nvu"),
        ("ids", "1"),
        ("ids", "2"),
        ("current_password", "secret"),
    ]
    assert carried(posted) == [("synthesis", "Bien\nvu"), ("ids", "1"), ("ids", "2")]
    assert carried([("synthesis", "x" * (MOST_CARRIED - len("synthesis")))]) is not None
    assert carried([("synthesis", "x" * MOST_CARRIED)]) is None


def test_the_demonstration_shows_each_role_and_two_cites() -> None:
    addresses = [account.email for account in DEMO_ACCOUNTS]
    assert addresses == [
        *(
            f"{name}@roubaix.example"
            for name in (
                "referent",
                "coordination",
                "chef-de-file",
                "partenaire",
                "reperage",
                "financeur",
                "administration",
            )
        ),
        "referent@calais.example",
        "coordination@calais.example",
    ]
    assert all(
        account.email.endswith(f"@{account.cite}.example") and account.sentence for account in DEMO_ACCOUNTS
    )
    assert password_weakness(DEMO_PASSWORD) is None
