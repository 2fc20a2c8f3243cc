"""Documents as accessible PDFs (PDF/UA-1), printed by Typst from plain values: what anybody typed is never markup.

The compiler refuses a document that holds a sign its fonts cannot draw, or one that no reader can say aloud. A name
written with such a sign must not stop a document: the sign is spelled plainly, left out when it is invisible, or printed
as « � ».
"""

import json
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_DRAWN = (
    range(0x20, 0x7F), range(0xA0, 0x530), range(0x1E00, 0x1F00), range(0x2010, 0x2028), range(0x202F, 0x205F),
    range(0x20A0, 0x20BB), range(0x2190, 0x219A), range(0xFB00, 0xFB07),
)  # fmt: skip
"""Signs that the fonts of the compiler draw: Latin, Greek, Cyrillic, punctuation, currencies, arrows."""
_NOT_DRAWN = frozenset({*range(0x526, 0x530), 0xAD})
_UNKNOWN = "\ufffd"


@cache
def _drawn(sign: str) -> str:
    if sign == "\n" or (ord(sign) not in _NOT_DRAWN and any(ord(sign) in signs for signs in _DRAWN)):
        return sign
    kind = unicodedata.category(sign)
    if kind in ("Cf", "Mn", "Me"):
        return ""
    if kind in ("Cc", "Zs", "Zl", "Zp"):
        return " "
    plain = unicodedata.normalize("NFKC", sign)
    return "".join(_drawn(each) for each in plain) if plain != sign else _UNKNOWN


def printable(value: Any) -> Any:
    """A value, or values however deep in each other, with texts made only of signs that can be printed."""
    if isinstance(value, str):
        return "".join(_drawn(sign) for sign in unicodedata.normalize("NFC", value))
    if isinstance(value, Mapping):
        return {name: printable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [printable(each) for each in value]
    return value


def print_pdf(template: Path, values: Mapping[str, Any]) -> bytes:
    """The tagged PDF of a Typst template that reads its values as JSON under `values`."""
    import typst  # a web process that prints nothing is smaller without it

    told = json.dumps(printable(values), ensure_ascii=False)
    pdf = typst.compile(
        template.read_bytes(), format="pdf", pdf_standards=["ua-1"], sys_inputs={"values": told}
    )
    if not isinstance(pdf, bytes):
        raise TypeError("one document was expected")
    return pdf
