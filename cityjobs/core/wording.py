"""Words that a free text about somebody should do without, found whole whatever their accents, case, number or gender.

Which words these are is data: the list `mot_sensible`. Source: CNIL on « zones de commentaire libre » (domain.md §3.3).
"""

import enum
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class Subject(enum.StrEnum):
    """What a sensitive word is about, as the list `sujet_sensible` codes it."""

    HEALTH = "mots_sante"
    JUSTICE = "mots_justice"
    RELIGION = "mots_religion"
    ORIGIN = "mots_origine"
    OPINION = "mots_opinion"
    INTIMACY = "mots_intimite"
    JUDGEMENT = "mots_jugement"


ADMITTED = "mots_admis"
"""The code above expressions that hold a sensitive word and are not: « assurance maladie ». Longer than it, or it wins."""

_ABOUT = {
    Subject.HEALTH: "parle de santé",
    Subject.JUSTICE: "parle de justice",
    Subject.RELIGION: "parle de religion",
    Subject.ORIGIN: "parle d’origine",
    Subject.OPINION: "parle d’opinion politique ou de syndicat",
    Subject.INTIMACY: "parle de vie intime",
    Subject.JUDGEMENT: "peut être lu comme un jugement",
}
_ADVICE = {
    Subject.HEALTH: "Écrivez ce qui gêne dans le travail, jamais la cause.",
    Subject.JUSTICE: "Écrivez ce qui est possible et quand\u00a0: horaires, lieux, métiers. Jamais la raison.",
    Subject.RELIGION: "Écrivez les horaires ou les conditions demandés, jamais la croyance.",
    Subject.ORIGIN: "Écrivez si la personne a le droit de travailler et quelles langues elle parle, rien d’autre.",
    Subject.OPINION: "Écrivez ce que la personne sait faire ou demande, jamais ses idées ni ses adhésions.",
    Subject.INTIMACY: "Écrivez ce qui compte pour le travail ou la protection de la personne, jamais sa vie intime.",
    Subject.JUDGEMENT: "Écrivez ce qui s’est passé, avec la date, sans qualifier la personne.",
}
WHAT_TO_DO = "Modifiez ce texte, ou cochez la case si ces mots sont nécessaires."

_WORD = re.compile(r"[^\W_]+")
_ACCENTS = re.compile("[\u0300-\u036f]")
_SHORT = 3
"""A word of so few letters has a plural and nothing else: « rom », never « Rome »."""
_FEMININES = (
    ("teur", ("teuse", "trice")),
    ("eur", ("euse",)),
    ("eux", ("euse",)),
    ("if", ("ive",)),
    ("er", ("ere",)),
    ("el", ("elle",)),
    ("en", ("enne",)),
    ("al", ("ale", "aux")),
)


def fold(text: str) -> str:
    """Lower case, without accents nor ligatures."""
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text)).lower()
    return bare.replace("œ", "oe").replace("æ", "ae")


def forms_of(word: str) -> frozenset[str]:
    """A folded word with its plural and its feminines, by their endings."""
    if len(word) <= _SHORT:
        return frozenset({word, f"{word}s"})
    ending = next(((old, new) for old, new in _FEMININES if word.endswith(old)), None)
    stems = [word] if word.endswith("e") else [word, f"{word}e"]
    if ending:
        stems += [word.removesuffix(ending[0]) + new for new in ending[1]]
    return frozenset(form for stem in stems for form in (stem, f"{stem}s"))


@dataclass(frozen=True)
class Finding:
    """One word or expression found: what it is about, which line of the list it is, and how it stands in the text."""

    subject: Subject
    key: str
    said: str


@dataclass(frozen=True)
class _Line:
    forms: tuple[frozenset[str], ...]
    subject: Subject | None
    key: str


def says_the_same(label: str, other: str) -> bool:
    """Whether two lines of the list are found in the same texts: word for word, in some number and gender."""
    words, others = _WORD.findall(fold(label)), _WORD.findall(fold(other))
    return len(words) == len(others) and all(
        forms_of(word) & forms_of(beside) for word, beside in zip(words, others, strict=True)
    )


class Lexicon:
    """Sensitive words, and expressions admitted though they hold one."""

    def __init__(self, lines: Iterable[tuple[str, str]]) -> None:
        """`lines`: what each is about (a Subject, or ADMITTED) and the word or expression; others are left out."""
        self._by_first: dict[str, list[_Line]] = {}
        for about, label in lines:
            words = fold(label)
            forms = tuple(map(forms_of, _WORD.findall(words)))
            if not forms or about not in (*Subject, ADMITTED):
                continue
            line = _Line(forms, None if about == ADMITTED else Subject(about), " ".join(_WORD.findall(words)))
            for first in forms[0]:
                self._by_first.setdefault(first, []).append(line)
        for begun in self._by_first.values():
            begun.sort(key=lambda line: (-len(line.forms), line.subject is None))

    def find(self, text: str) -> list[Finding]:
        """What a text holds, each line of the list once, in the order of the text; the longest expression first."""
        text = unicodedata.normalize("NFC", text)
        places = list(_WORD.finditer(text))
        words = [fold(place.group()) for place in places]
        found: dict[str, Finding] = {}
        at = 0
        while at < len(words):
            line = self._line_at(words, at)
            long = len(line.forms) if line else 1
            if line and line.subject and line.key not in found:
                said = text[places[at].start() : places[at + long - 1].end()]
                found[line.key] = Finding(line.subject, line.key, " ".join(said.split()))
            at += long
        return list(found.values())

    def _line_at(self, words: Sequence[str], at: int) -> _Line | None:
        for line in self._by_first.get(words[at], ()):
            here = words[at : at + len(line.forms)]
            if len(here) == len(line.forms) and all(
                word in forms for word, forms in zip(here, line.forms, strict=True)
            ):
                return line
        return None


def warning_about(found: Sequence[Finding]) -> str:
    """What is said at the field: the words, what they are about, what to write instead; whole sentences."""
    said: list[str] = []
    for subject in Subject:
        words = [f"«\u00a0{each.said}\u00a0»" for each in found if each.subject is subject]
        if words:
            said += [f"Ce texte {_ABOUT[subject]}\u00a0: {', '.join(words)}.", _ADVICE[subject]]
    return " ".join([*said, WHAT_TO_DO])
