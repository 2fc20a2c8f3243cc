"""Thousands of surnames that nobody bears: each is made of words of tales, so that misspelling one stays readable."""

from itertools import product
from random import Random

from cityjobs.demo.words import SURNAMES

_FRONTS = ("", "Ben", "Le", "Du", "Van", "Da", "Ou", "Saint", "Bel", "Grand", "Petit", "Mal")
_ROOTS = (
    "conte", "fable", "roman", "légende", "saga", "mythe", "récit", "chapitre", "poème", "ballade", "énigme",
    "rime", "strophe", "intrigue", "prologue", "personnage", "songe", "chimère", "fiction", "dragon", "lutin",
    "farfadet", "sirène", "ogre",
)  # fmt: skip
_BACKS = ("ard", "eau", "elle", "oui", "ski", "ez", "ini", "off", "aga", "sen", "man", "in")
_BUILT = tuple(
    (front + root[:-1] + back).capitalize() for root, front, back in product(_ROOTS, _FRONTS, _BACKS)
)


def surname(dice: Random) -> str:
    """One of them; the short list of the small demo comes up more often than the others, as frequent names do."""
    if dice.random() < 0.25:
        return SURNAMES[int(len(SURNAMES) * dice.random())]
    return _BUILT[int(len(_BUILT) * dice.random())]
