"""Who the persons of a bulk demo are: nobody. Names are words of tales, phones are kept for fiction by Arcep."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from random import Random

from cityjobs.demo import words
from cityjobs.demo.days import Calendar
from cityjobs.demo.paths import Path
from cityjobs.demo.surnames import surname
from cityjobs.demo.teams import Team
from cityjobs.people.rules import Civility, ContactChannel, Gender, fold
from cityjobs.territory.rules import QpvAnswer, QpvSource

FICTIONAL_PHONES = ("+3335301", "+3326191", "+3319900", "+3346571", "+3353649")
_NUMBERS, _STRIDE = 10_000 * len(FICTIONAL_PHONES), 7_919
_GENDERS, _GENDER_WEIGHTS = tuple(Gender), (54, 97, 98, 100)
_CIVILITIES = {Gender.FEMME: Civility.MADAME, Gender.HOMME: Civility.MONSIEUR}
_CHANNELS = (ContactChannel.SMS,) * 5 + (ContactChannel.TELEPHONE,) * 4 + (ContactChannel.VIA_REFERENT,)
_ANSWERS = (QpvAnswer.INSIDE, QpvAnswer.OUTSIDE, QpvAnswer.TO_CHECK, QpvAnswer.UNKNOWN)
_KNOWN, _HARDLY_KNOWN = tuple(accumulate((62, 22, 9, 7))), tuple(accumulate((62, 22, 9, 40)))


@dataclass(slots=True)
class Portrait:
    """One person, with the columns that are told as they are in `rest`."""

    id: str
    cite_id: str
    gender: Gender
    birth_date: date | None
    names: tuple[str, str | None, str | None]
    qpv_answer: QpvAnswer
    qpv_id: str | None
    qpv_source: QpvSource | None
    rest: tuple[object, ...]

    def columns(self, known_since: str, created_by: str, created_at: str) -> tuple[object, ...]:
        """The values of lines.COLUMNS["person"]."""
        return (
            self.id, self.cite_id, *self.names, _CIVILITIES.get(self.gender), self.gender, self.birth_date, *self.rest,
            self.qpv_answer, self.qpv_id, self.qpv_source, known_since if self.qpv_source else None,
            created_by if self.qpv_source is QpvSource.SIG_VILLE else None, created_by, created_at,
        )  # fmt: skip


class Portraits:
    """Draws the persons of one Cité; in it no phone number is given twice."""

    def __init__(self, team: Team, calendar: Calendar, dice: Random) -> None:
        self.team, self.calendar, self.dice = team, calendar, dice
        self.drawn = 0
        self.phones = dice.randrange(_NUMBERS)

    def phone(self) -> str:
        """The next number of the Cité."""
        self.phones = (self.phones + _STRIDE) % _NUMBERS
        start, number = divmod(self.phones, 10_000)
        return f"{FICTIONAL_PHONES[start]}{number:04d}"

    def draw(self, person_id: str, first_seen: int, latest: Path) -> Portrait:
        """Somebody; the further their parcours, the more is known of them."""
        rand, pick = self.dice.random, self.pick
        self.drawn += 1
        known = latest.met is not None
        gender = self.dice.choices(_GENDERS, cum_weights=_GENDER_WEIGHTS)[0]
        woman = gender is Gender.FEMME or (gender is not Gender.HOMME and rand() < 0.5)
        first_name = pick(words.WOMEN if woman else words.MEN)
        last_name = surname(self.dice) if known or rand() < 0.88 else None
        birth_name = surname(self.dice) if woman and last_name and rand() < 0.12 else None
        age = int(self.dice.triangular(17, 60, 27) * 365.25) + int(rand() * 300)
        birth_date = self.calendar.days[first_seen] - timedelta(days=age)
        phone = self.phone() if rand() < 0.9 else None
        has_address = rand() < (0.85 if known else 0.45)
        has_email = rand() < (0.5 if known else 0.2)
        language = pick(words.LANGUAGES) if rand() < 0.12 else None
        rest = (
            phone,
            self.phone() if phone and rand() < 0.06 else None,
            f"{fold(f'{first_name} {last_name or str()}')}.{self.drawn}@exemple.example".replace(" ", ".")
            if has_email
            else None,
            pick(words.REACHED_THROUGH) if not phone or rand() < 0.05 else None,
            _CHANNELS[int(rand() * len(_CHANNELS))] if phone and rand() < 0.6 else None,
            language,
            bool(language) and rand() < 0.3,
            f"{1 + int(rand() * 140)} {pick(words.STREETS)}" if has_address else None,
            self.team.postcode if has_address else None,
            self.team.commune if has_address else None,
        )
        answer = self.dice.choices(_ANSWERS, cum_weights=_KNOWN if known else _HARDLY_KNOWN)[0]
        source = None
        if answer is not QpvAnswer.UNKNOWN:
            checked = known and answer is not QpvAnswer.TO_CHECK and rand() < 0.6
            source = QpvSource.SIG_VILLE if checked else QpvSource.DECLARE
        return Portrait(
            id=person_id,
            cite_id=self.team.cite_id,
            gender=gender,
            birth_date=birth_date if known or rand() < 0.5 else None,
            names=(first_name, last_name, birth_name),
            qpv_answer=answer,
            qpv_id=pick(self.team.qpv_ids) if answer is QpvAnswer.INSIDE else None,
            qpv_source=source,
            rest=rest,
        )

    def pick(self, among: tuple[str, ...]) -> str:
        """One of them."""
        return among[int(self.dice.random() * len(among))]
