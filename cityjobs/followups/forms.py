"""What is asked to note an exchange, to correct it, and to say what comes next."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any, cast

from wtforms import BooleanField, HiddenField

from cityjobs.core.clock import today
from cityjobs.core.forms import (
    ChoiceField,
    DayField,
    Form,
    HourField,
    OnceField,
    RemarkField,
    TextField,
    VersionField,
    WholeNumberField,
)
from cityjobs.followups.rules import (
    INTERVIEW_MODE_LABELS,
    Exchange,
    InterviewMode,
    Plan,
    day_refusal,
    due_refusal,
)
from cityjobs.parcours.models import Parcours
from cityjobs.parcours.queries.following import Follower
from cityjobs.parcours.rules.lifecycle import CLOSED_STATUSES, AssignmentKind

MODES = [(mode.value, label) for mode, label in INTERVIEW_MODE_LABELS.items()]
LONGEST_RESULT = 500
LONGEST_PLACE = 200


class ExchangeForm(Form):
    """What an exchange says, whether noted or corrected."""

    synthesis = TextField("Ce qui s’est dit", required="Écrivez en une ou deux phrases ce qui s’est dit.")
    mode = ChoiceField(
        "Comment",
        MODES,
        required="Choisissez comment l’échange a eu lieu.",
        default=InterviewMode.TELEPHONE.value,
    )
    reached = BooleanField("La personne a été jointe", default=True)
    held_on = DayField("Date de l’échange", required="Indiquez le jour de l’échange.", default=today)
    duration = WholeNumberField(
        "Durée en minutes",
        least=1,
        most=1440,
        how="Écrivez la durée en minutes, par exemple 30.",
        fits="Une durée va de 1 à 1\u202f440 minutes.",
    )
    private_note = TextField("Note privée")

    def holds_for(self, parcours: Parcours) -> bool:
        """Posted, and every answer stands for this parcours."""
        stands = self.accepted()
        if self.is_submitted() and self.held_on.data:
            refused = day_refusal(self.held_on.data, today=today(), spotted_on=parcours.spotted_on)
            if refused:
                self.refuse("held_on", refused)
        return stands and not self.errors

    def exchange(self) -> Exchange:
        """The answers shared with the team."""
        return Exchange(
            held_on=cast(date, self.held_on.data),
            mode=InterviewMode(self.mode.data),
            synthesis=cast(str, self.synthesis.data),
            reached=self.reached.data,
            duration=self.duration.data,
        )

    def note(self) -> str | None:
        """What its author alone will read."""
        return self.private_note.data or None


class LogForm(ExchangeForm):
    """A new exchange and what comes next. `interview` makes a second sending of the same form harmless."""

    next_step = RemarkField("Prochaine étape")
    due_on = DayField("Pour le")
    interview = OnceField()

    def holds_for(self, parcours: Parcours) -> bool:
        """Also: a next step has a day, a day has a step, and neither is in a closed parcours."""
        stands = super().holds_for(parcours)
        step, day = self.next_step, self.due_on
        if self.is_submitted() and step.data and parcours.status in CLOSED_STATUSES:
            self.refuse("next_step", "Ce parcours est clos : ouvrez-en un autre pour prévoir quelque chose.")
        elif self.is_submitted() and step.data and not day.data and not day.errors:
            self.refuse("due_on", "Indiquez pour quel jour, ou effacez la prochaine étape.")
        elif self.is_submitted() and day.data and not step.data and not step.errors:
            self.refuse("next_step", "Écrivez ce qui est prévu ce jour-là, ou effacez la date.")
        elif self.is_submitted() and day.data:
            refused = due_refusal(day.data, today=today())
            if refused:
                self.refuse("due_on", refused)
        return stands and not self.errors

    def show_draft(self, fields: Mapping[str, Any]) -> bool:
        """Show what was being typed; False when nothing was. The key is never taken from a draft."""
        typed = {name: text for name, text in fields.items() if isinstance(text, str)}
        if not any(typed.get(name, "").strip() for name in ("synthesis", "next_step", "private_note")):
            return False
        for name in ("synthesis", "next_step", "private_note"):
            self[name].data = typed.get(name)
        for name in ("held_on", "due_on", "duration"):
            self[name].raw_data = [typed.get(name, "")]
        if typed.get("mode") in dict(MODES):
            self.mode.data = typed["mode"]
        self.reached.data = "reached" in typed
        return True

    def plan(self) -> Plan | None:
        """What comes next, if anything."""
        return Plan(self.next_step.data, cast(date, self.due_on.data)) if self.next_step.data else None


class CorrectForm(ExchangeForm):
    """An exchange corrected; `note_version` is that of the private note, 0 when there was none."""

    version = VersionField()
    note_version = VersionField()


class PlanForm(Form):
    """A next step by itself. `step` makes a second sending of the same form harmless."""

    step = OnceField()
    title = RemarkField("Prochaine étape", required="Écrivez ce qui est prévu.")
    due_on = DayField("Pour le", required="Indiquez pour quel jour.")
    due_at = HourField("À quelle heure")
    place = RemarkField("Lieu", longest=LONGEST_PLACE)

    def holds(self) -> bool:
        """Posted, and every answer stands today."""
        stands = self.accepted()
        if self.is_submitted() and self.due_on.data:
            refused = due_refusal(self.due_on.data, today=today())
            if refused:
                self.refuse("due_on", refused)
        if self.is_submitted() and self.place.data and not self.due_at.data and not self.due_at.errors:
            self.refuse("due_at", "Indiquez l’heure du rendez-vous, ou effacez le lieu.")
        return stands and not self.errors

    def plan(self) -> Plan:
        """The answers."""
        return Plan(
            cast(str, self.title.data),
            cast(date, self.due_on.data),
            self.due_at.data,
            self.place.data or None,
        )


SAME_INSTANT = "C’est déjà prévu à ce moment-là\u00a0: choisissez un autre jour, ou une autre heure."


class StepForm(Form):
    """One gesture on a next step; `suite` is the page to come back to."""

    version = VersionField()
    suite = HiddenField()

    def holds(self) -> bool:
        """Posted, and every answer stands today."""
        return self.accepted()


class FinishForm(StepForm):
    """It was done."""

    result = RemarkField("Ce que cela a donné", longest=LONGEST_RESULT)


class PostponeForm(StepForm):
    """It is put off, to another day or another hour."""

    planned: tuple[date, time | None]
    """When it was to be."""
    due_on = DayField("Nouvelle date", required="Indiquez le nouveau jour.")
    due_at = HourField("Nouvelle heure")
    reason = RemarkField("Pourquoi", longest=LONGEST_RESULT)

    def holds(self) -> bool:
        """Also: the day is still to come, and it is another day or hour than before."""
        stands = self.accepted()
        if self.is_submitted() and self.due_on.data:
            refused = due_refusal(self.due_on.data, today=today())
            on, at = self.planned
            if (self.due_on.data, self.due_at.data or at) == (on, at) and not self.due_at.errors:
                refused = refused or SAME_INSTANT
            if refused:
                self.refuse("due_on", refused)
        return stands and not self.errors


class DropForm(StepForm):
    """It will not be done."""

    reason = RemarkField(
        "Pourquoi",
        required="Indiquez en quelques mots pourquoi cela ne se fera pas.",
        longest=LONGEST_RESULT,
    )


class PassOnForm(StepForm):
    """A colleague does it."""

    followers: dict[str, Follower]
    holder = ""
    colleague = ChoiceField(
        "À qui",
        [],
        required="Choisissez à qui passer cette chose à faire.",
        blank="Choisir…",
        validate_choice=False,
    )
    reason = RemarkField("Pourquoi", longest=LONGEST_RESULT)

    def offer(self, followers: Sequence[Follower], *, me: uuid.UUID, holder_id: uuid.UUID | None) -> None:
        """Who can be chosen: whoever follows the parcours today. Whoever has it already is not proposed."""
        self.followers = {str(one.id): one for one in followers}
        self.holder = str(holder_id)
        self.colleague.choices = [
            ("", "Choisir…"),
            *((code, follower_label(one, me=me)) for code, one in self.followers.items()),
        ]

    def proposes_somebody(self) -> bool:
        """Whether there is anybody else to pass it on to."""
        return any(code != self.holder for code in self.followers)

    def holds(self) -> bool:
        """Also: who is chosen follows the parcours."""
        stands = self.accepted()
        if self.colleague.data and self.colleague.data not in self.followers:
            self.colleague.errors = [
                "Cette personne ne suit pas ce parcours aujourd’hui\u00a0: choisissez quelqu’un de la liste."
            ]
        offered = cast(list[tuple[str, str]], self.colleague.choices)
        self.colleague.choices = [(code, label) for code, label in offered if code != self.holder]
        return stands

    def chosen(self) -> Follower:
        """To whom."""
        return self.followers[cast(str, self.colleague.data)]


def follower_label(one: Follower, *, me: uuid.UUID) -> str:
    """How somebody who follows a parcours is offered."""
    part = f"remplace {one.replaces}" if one.replaces else FOLLOWER_LABELS[one.kind]
    return f"{'Vous' if one.id == me else one.name}, {part}"


FOLLOWER_LABELS = {AssignmentKind.REFERENT: "référent", AssignmentKind.CO_REFERENT: "co-référent"}
