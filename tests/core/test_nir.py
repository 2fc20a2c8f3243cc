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


@pytest.mark.parametrize("body", ["2840259512123", "1990762193001", "185052A004123", "185052b004123"])
@pytest.mark.parametrize("between", [" ", "  ", ".", "-", " - ", "_", "/", "\u00a0", "\u202f", " . "])
def test_a_number_is_found_however_it_is_cut(body: str, between: str) -> None:
    groups = [body[0], body[1:3], body[3:5], body[5:7], body[7:10], body[10:]]
    for cut in (groups, [*groups, with_key(body)[13:]]):
        assert holds_nir(f"Voici {between.join(cut)}."), between.join(cut)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_a_number_with_its_key_is_found_cut_anywhere(size: int) -> None:
    whole = with_key("185052A004123")
    cut = " ".join(whole[at : at + size] for at in range(0, 15, size))
    assert holds_nir(cut)
    assert not holds_nir(cut[:-1] + ("0" if cut[-1] != "0" else "1"))


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
        "1 850 520 041 237 99",
        "IBAN FR76 3000 4000 0312 3456 7890 143",
        "le 12.03.1990 - 03 20 00 00 00",
        "SIREN 185 052 004, NIC 00019",
        "1234567890123456789",
        "",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert not holds_nir(text)
