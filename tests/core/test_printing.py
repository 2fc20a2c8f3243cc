"""Whatever somebody is called, a document with their name is printed."""

import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from cityjobs.core.printing import print_pdf, printable
from tests.proofs.payloads import PAYLOADS

TEMPLATE = """#let d = json(bytes(sys.inputs.values))
#set document(title: d.title)
#set text(lang: "fr")
= #d.title
#d.name
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("typst") / "name.typ"
    path.write_text(TEMPLATE)
    return path


def words_of(pdf: bytes) -> str:
    return " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("Nguyễn Thị Ánh", "Nguyễn Thị Ánh"),
        ("Łukasz Ćwikła, œuvre 12 €", "Łukasz Ćwikła, œuvre 12 €"),
        ("Ангелина Δημήτρη", "Ангелина Δημήτρη"),
        ("\uff21\uff22\uff1c", "AB<"),
        ("a\u200bb\ufeffc", "abc"),
        ("a\x07b", "a b"),
        ("Régie 🙂", "Régie �"),
        ("ｆ\ud83d", "f�"),
        ("e\u0301te\u0301", "été"),
    ],
)
def test_signs_are_kept_spelled_plainly_left_out_or_marked(typed: str, printed: str) -> None:
    assert printable({"name": [typed]}) == {"name": [printed]}


def test_numbers_and_absences_are_left_alone() -> None:
    assert printable([1, 2.5, None, True, ("é",)]) == [1, 2.5, None, True, ["é"]]


def test_every_hostile_text_is_printed(template: Path) -> None:
    for payload in PAYLOADS:
        assert print_pdf(template, {"title": "Essai", "name": payload[:2000]}).startswith(b"%PDF")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=st.text(max_size=60))
def test_any_text_is_printed(template: Path, typed: str) -> None:
    assert print_pdf(template, {"title": "Essai", "name": typed}).startswith(b"%PDF")


def test_what_is_printed_is_what_was_typed(template: Path) -> None:
    every = " ".join(chr(code) for code in (*range(0x21, 0x7F), *range(0xA1, 0x180), *range(0x1E00, 0x1F00)))
    words = words_of(print_pdf(template, {"title": "Essai", "name": every}))
    assert "é" in words and "ễ" in words
