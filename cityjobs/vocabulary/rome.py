"""Reading the official files of the ROME: occupations, and the names by which they are known. Pure."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

CODE = re.compile(r"[A-Z][0-9]{4}")
MOST_REJECTED = 100
LARGEST_NUMBER = 2_147_483_647


class BrokenFile(Exception):
    """The file is not what it says it is; the message is a whole French sentence."""


@dataclass(frozen=True)
class Name:
    """One name: the number that its producer gave it, the code and the main name of its occupation, the name."""

    id: int
    rome_code: str
    occupation: str
    name: str


@dataclass(frozen=True)
class Edition:
    """What both files hold, and the lines that could not be read, with why."""

    names: list[Name]
    rejected: list[tuple[int, str]]


def read_edition(codes: bytes, names: bytes) -> Edition:
    """Both files of one edition; raises BrokenFile when one is not a table with the columns that are needed."""
    occupations = {
        line["code_rome"].strip(): line["libelle"].strip()
        for _, line in _lines(codes, "des codes", ("code_rome", "libelle"))
    }
    kept: dict[int, Name] = {}
    rejected: list[tuple[int, str]] = []
    for number, line in _lines(names, "des appellations", ("code_ogr", "libelle", "code_rome")):
        code, name = line["code_rome"].strip(), " ".join(line["libelle"].split())
        ogr = line["code_ogr"].strip()
        if not (ogr.isascii() and ogr.isdecimal()) or int(ogr) > LARGEST_NUMBER:
            rejected.append((number, f"«\u00a0{ogr[:20]}\u00a0» n’est pas un numéro d’appellation."))
        elif not CODE.fullmatch(code) or code not in occupations:
            rejected.append(
                (number, f"le code «\u00a0{code[:20]}\u00a0» n’est pas dans le fichier des codes.")
            )
        elif not 1 <= len(name) <= 200:
            rejected.append((number, "le libellé est vide ou dépasse 200 caractères."))
        else:
            kept[int(ogr)] = Name(int(ogr), code, occupations[code], name)
    if not kept:
        raise BrokenFile("Le fichier des appellations ne contient aucune ligne lisible.")
    return Edition(list(kept.values()), rejected)


def _lines(content: bytes, which: str, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BrokenFile(f"Le fichier {which} n’est pas un texte UTF-8.") from None
    read = csv.DictReader(io.StringIO(text, newline=""), restval="")
    missing = [column for column in columns if column not in (read.fieldnames or [])]
    if missing:
        raise BrokenFile(f"Le fichier {which} n’a pas la colonne «\u00a0{missing[0]}\u00a0».")
    try:
        yield from ((read.line_num, line) for line in read)
    except csv.Error:
        raise BrokenFile(f"Le fichier {which} n’est pas un tableau CSV lisible.") from None
