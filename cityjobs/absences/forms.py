"""What is asked to say an absence, and to end it."""

import uuid
from collections.abc import Sequence
from typing import Any

from cityjobs.absences.rules import Days
from cityjobs.core.forms import ChoiceField, DayField, Form, VersionField


class AbsenceForm(Form):
    """Who is away, from when to when, and who replaces them."""

    absent = ChoiceField("Qui est absent\u00a0?", [], required="Dites qui est absent.", blank="Choisir…")
    starts_on = DayField("Premier jour d’absence", required="Indiquez le premier jour d’absence.")
    ends_on = DayField(
        "Dernier jour d’absence",
        required="Indiquez le dernier jour d’absence\u00a0: tout est rendu le lendemain.",
    )
    deputy = ChoiceField("Qui remplace\u00a0?", [], required="Choisissez qui remplace.", blank="Choisir…")

    def offer(self, colleagues: Sequence[Any], me: uuid.UUID, *, whole_cite: bool) -> None:
        """A référent is away oneself; a coordinator says it of any référent."""
        if whole_cite:
            self.absent.choices = [("", "Choisir…"), *_choices(row for row in colleagues if row.is_referent)]
        else:
            del self.absent
        kept = colleagues if whole_cite else [row for row in colleagues if row.id != me]
        self.deputy.choices = [("", "Choisir…"), *_choices(kept)]

    def days(self) -> Days:
        """Both days, once accepted."""
        starts_on, ends_on = self.starts_on.data, self.ends_on.data
        assert starts_on and ends_on  # noqa: S101 - both were asked for
        return Days(starts_on, ends_on)

    def who(self, me: uuid.UUID) -> tuple[uuid.UUID, uuid.UUID]:
        """Who is away, and who replaces them."""
        absent = self.absent.data if "absent" in self else me
        return uuid.UUID(str(absent)), uuid.UUID(self.deputy.data)


def _choices(rows: Any) -> list[tuple[str, str]]:
    return [(str(row.id), f"{row.name} · {row.organisation_name}") for row in rows]


class EndForm(Form):
    """Hand back now."""

    version = VersionField()
