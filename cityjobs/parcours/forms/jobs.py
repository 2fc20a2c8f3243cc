"""How a job goes, asked at one of its moments."""

from datetime import date
from typing import cast

from wtforms import RadioField

from cityjobs.core.clock import today
from cityjobs.core.forms import DayField, Form, TextField
from cityjobs.parcours.rules.jobs import CheckMoment, check_refusal


class CheckForm(Form):
    """Whether the person is still in the job, and how it goes."""

    in_job = RadioField(
        "La personne est-elle toujours en poste ou en formation\u202f?",
        choices={"oui": "Oui", "non": "Non, cela s’est arrêté"},
        validate_choice=False,
    )
    done_on = DayField("Demandé le", required="Indiquez le jour où vous l’avez demandé.", default=today)
    note = TextField("Comment cela se passe", longest=2000)

    def holds(self, moment: CheckMoment, *, started_on: date, ended_on: date | None) -> bool:
        """Posted, and every answer stands at a moment of a job begun on a day, and maybe over since another."""
        stands = self.accepted()
        if self.is_submitted() and self.in_job.data not in ("oui", "non"):
            self.refuse("in_job", "Dites si la personne est toujours en poste.")
        if self.is_submitted() and self.done_on.data:
            refused = check_refusal(
                self.done_on.data, moment, in_job=self.in_job.data == "oui", today=today(), started_on=started_on,
                ended_on=ended_on,
            )  # fmt: skip
            if refused:
                self.refuse("done_on", refused)
        return stands and not self.errors

    def day(self) -> date:
        """When it was asked."""
        return cast(date, self.done_on.data)
