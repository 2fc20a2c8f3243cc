"""Recognising a social-security number (NIR), which this house may not hold (décret 2019-341; domain.md §3.2)."""

import re

_BETWEEN = r"[\s.\-_/–·]"
_SHAPE = re.compile(
    r"(?<![0-9A-Za-z+])([12378])S{0,3}(\d{2})S{0,3}(0[1-9]|1[0-2]|[2-4]\d|[5-9]\d)S{0,3}"
    r"(\d{2}|2[ABab])S{0,3}(\d{3})S{0,3}(\d{3})(?:S{0,3}(\d{2}))?(?![0-9A-Za-z])".replace("S", _BETWEEN)
)
_SCATTERED = re.compile(
    r"(?<![0-9A-Za-z+])[12378](?:S?\d){5}S?[\dABab](?:S?\d){8}(?![0-9A-Za-z])".replace("S", _BETWEEN)
)
"""Fifteen characters, cut anywhere: by threes, by fives."""
_TOGETHER = re.compile(r"([12378])(\d{2})(0[1-9]|1[0-2]|[2-9]\d)(\d{2}|2[ABab])(\d{3})(\d{3})(\d{2})")


def holds_nir(text: str) -> bool:
    """Whether a text holds 13 or 15 characters laid out like a NIR, cut by spaces, points, dashes, or not.

    With 15, the control key must fit; with 13 the layout alone is enough to refuse.
    """
    return any(_fits(found) for found in _SHAPE.finditer(text)) or any(
        (whole := _TOGETHER.fullmatch(re.sub(_BETWEEN, "", found.group()))) and _fits(whole)
        for found in _SCATTERED.finditer(text)
    )


def _fits(found: re.Match[str]) -> bool:
    *body, control = found.groups()
    if control is None:
        return True
    digits = "".join(body).upper().replace("2A", "19").replace("2B", "18")
    return 97 - int(digits) % 97 == int(control)
