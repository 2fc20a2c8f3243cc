"""Recognising a social-security number (NIR), which this house may not hold (décret 2019-341; domain.md §3.2)."""

import re

_SHAPE = re.compile(
    r"(?<![0-9A-Za-z+])([12378])[\s.\-]?(\d{2})[\s.\-]?(0[1-9]|1[0-2]|[2-4]\d|[5-9]\d)[\s.\-]?"
    r"(\d{2}|2[ABab])[\s.\-]?(\d{3})[\s.\-]?(\d{3})(?:[\s.\-/]?(\d{2}))?(?![0-9A-Za-z])"
)


def holds_nir(text: str) -> bool:
    """Whether a text holds 13 or 15 characters laid out like a NIR, spaced or not.

    With 15, the control key must fit; with 13 the layout alone is enough to refuse.
    """
    return any(_fits(found) for found in _SHAPE.finditer(text))


def _fits(found: re.Match[str]) -> bool:
    *body, control = found.groups()
    if control is None:
        return True
    digits = "".join(body).upper().replace("2A", "19").replace("2B", "18")
    return 97 - int(digits) % 97 == int(control)
