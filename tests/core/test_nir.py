"""What looks like a social-security number is refused; what does not is left alone."""

import pytest

from cityjobs.core.nir import holds_nir


def with_key(body: str) -> str:
    digits = body.upper().replace("2A", "19").replace("2B", "18")
    return f"{body}{97 - int(digits) % 97:02}"


@pytest.mark.parametrize("body", ["2840259512123", "1990762193001", "185052A004123", "185052B004123"])
def test_a_number_is_found_bare_spaced_and_inside_a_sentence(body: str) -> None:
    whole = with_key(body)
    spaced = f"{whole[0]} {whole[1:3]} {whole[3:5]} {whole[5:7]} {whole[7:10]} {whole[10:13]} {whole[13:]}"
    for text in (whole, body, spaced, spaced.replace(" ", "."), f"Son numéro : {spaced}, à vérifier"):
        assert holds_nir(text), text


@pytest.mark.parametrize(
    "text",
    [
        "06 12 34 56 78",
        "+33612345678",
        "+2348031234567",
        "+8613812345678",
        "SIRET 21590512200019",
        "rappeler le 12/03/1990 au 03 20 00 00 00",
        "dossier 284025951212399",
        "1234567890123456789",
        "",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert not holds_nir(text)
