"""What is asked to write a plan: goals, étapes and what happens to them, kept plans, agreements, papers."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from werkzeug.datastructures import FileStorage
from wtforms import HiddenField, RadioField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import Optional

from cityjobs.core.clock import today
from cityjobs.core.forms import (
    UNLISTED,
    DayField,
    Form,
    HeadedItemField,
    ItemField,
    ItemsField,
    LineField,
    OnceField,
    RemarkField,
    TextField,
    UploadField,
    VersionField,
)
from cityjobs.plans.actions import Aim, Happening, Terms
from cityjobs.plans.queries.parts import Choice, Endings
from cityjobs.plans.queries.plan import Plan
from cityjobs.plans.rules import (
    AGREEMENT_WAY_LABELS,
    DATED_EVENTS,
    LARGEST_ATTACHMENT,
    USUAL_REVIEW,
    AgreementWay,
    EtapeEvent,
    EtapePlan,
    GoalGesture,
    Paper,
    agreement_refusal,
    paper_of,
    paper_refusal,
    plan_refusal,
)
from cityjobs.vocabulary.queries import Lists
from cityjobs.vocabulary.rules import Item, ListName

LONGEST_NAME = 80


class AmountField(StringField):
    """A number with a comma or a point, between two bounds, to so many decimals."""

    data: Any

    def __init__(
        self, label: str, *, least: Decimal, most: Decimal, places: int, example: str, **kwargs: Any
    ) -> None:
        super().__init__(label, [Optional()], **kwargs)
        self.least, self.most, self.places, self.example = least, most, places, example

    def process_formdata(self, valuelist: list[str]) -> None:
        """Parse, or say what is expected."""
        typed = valuelist[0].strip() if valuelist else ""
        plain = "".join(typed.split()).replace(",", ".").removesuffix("€").removesuffix("h")
        self.data = None
        if not typed:
            return
        try:
            if not plain.isascii() or len(plain) > 12 or not plain.replace(".", "", 1).isdecimal():
                raise InvalidOperation
            self.data = Decimal(plain)
        except InvalidOperation as unreadable:
            raise ValueError(f"Écrivez un nombre, par exemple {self.example}.") from unreadable
        if not self.least <= self.data <= self.most:
            raise ValueError(f"Ce nombre va de {_shown(self.least)} à {_shown(self.most)}.")
        if -int(self.data.as_tuple().exponent) > self.places:
            raise ValueError(
                f"Ce nombre a trop de chiffres après la virgule\u00a0: écrivez-le comme {self.example}."
            )

    def _value(self) -> str:
        if self.raw_data and self.errors:
            return str(self.raw_data[0])
        return "" if self.data is None else _shown(self.data)


def _shown(amount: Decimal) -> str:
    """« 12,5 », « 5 000 »"""
    plain = f"{amount:,f}".replace(",", "\u202f").replace(".", ",")
    return plain.rstrip("0").rstrip(",") if "," in plain else plain


def _key(code: str | None) -> uuid.UUID | None:
    return uuid.UUID(code) if code else None


# Goals


class GoalForm(Form):
    """A goal, about a frein or the project. `goal` makes a second sending of the same form harmless."""

    goal = OnceField()
    frein = ItemField("Frein", blank="Projet professionnel")
    code = HeadedItemField("Objectif", blank="Choisir dans la liste")
    label = RemarkField("Avec vos mots")

    def offer(self, plan: Plan, lists: Lists, about: str | None) -> None:
        """Set the freins that a goal may be about, and the goals of the list that belong to one, or to the project."""
        self.frein.offer(
            Choice(str(group.frein_id), group.label, group.takes_goals)
            for group in plan.groups
            if group.frein_id
        )
        code = next((group.code for group in plan.groups if str(group.frein_id or "") == (about or "")), None)
        needs = lists.items(ListName.BESOIN_PROFESSIONNEL)
        parents = {code} if about else {need.code for need in needs}
        goals = [item for item in lists.items(ListName.OBJECTIF) if item.parent in parents]
        self.code.offer_under(needs, goals)

    def holds(self) -> bool:
        """Posted, and something is said."""
        stands = self.accepted()
        if stands and not self.label.data and not self.code.data:
            self.refuse("code", "Choisissez un objectif, ou écrivez-le avec vos mots.")
        return stands and not self.errors

    def aim(self) -> Aim:
        """The answers; a goal of the list is worded as the list does unless somebody wrote otherwise."""
        labels = dict(self.code.iter_flat())
        return Aim(self.label.data or labels[self.code.data], self.code.data, _key(self.frein.data))


class GoalGestureForm(Form):
    """One gesture on a goal."""

    version = VersionField()
    gesture = HiddenField()

    def said(self) -> GoalGesture | None:
        """The gesture; None when it is none."""
        return next((each for each in GoalGesture if each == self.gesture.data), None)


# Étapes


class EtapeForm(Form):
    """What is planned. `etape` makes a second sending of the same form harmless; `version` is that of the étape."""

    etape = OnceField()
    version = VersionField()
    type = HeadedItemField("Type d’étape", required="Choisissez de quelle étape il s’agit.", blank="Choisir")
    label = RemarkField("Intitulé")
    goals = ItemsField("Pour quels objectifs")
    organisation = ItemField("Partenaire", blank="Sans partenaire")
    planned_from = DayField("Début prévu")
    planned_to = DayField("Fin prévue")
    hours = AmountField("Durée en heures", least=Decimal("0.1"), most=Decimal(5000), places=1, example="12,5")
    cost_euros = AmountField(
        "Coût en euros", least=Decimal(0), most=Decimal(1_000_000), places=2, example="240,50"
    )
    note = TextField("Note")

    def offer(
        self,
        lists: Lists,
        goals: Sequence[Choice],
        partners: Sequence[Choice],
        kept: Mapping[str, Any] | None = None,
    ) -> None:
        """Set the choices; what an étape already has may stay though it is offered no longer."""
        kept = kept or {}
        phases, types = lists.items(ListName.PHASE_ETAPE), lists.items(ListName.TYPE_ETAPE)
        self.type.offer_under(phases, types, kept=kept.get("type"))
        self.goals.offer(goals, kept=kept.get("goals", ()))
        self.organisation.offer(partners, kept=kept.get("organisation"))

    def holds(self, *, started_on: date | None) -> bool:
        """Posted, and the days go together."""
        stands = self.accepted()
        if self.is_submitted() and not self.planned_from.errors and not self.planned_to.errors:
            dates = EtapePlan("", "", planned_from=self.planned_from.data, planned_to=self.planned_to.data)
            refused = plan_refusal(dates, today=today(), started_on=started_on)
            if refused:
                self.refuse("planned_to" if self.planned_to.data else "planned_from", refused)
        return stands and not self.errors

    def plan(self) -> EtapePlan:
        """The answers; without words of its own an étape is called as its type is."""
        code = cast(str, self.type.data)
        return EtapePlan(
            type=code,
            label=self.label.data or dict(self.type.iter_flat())[code],
            planned_from=self.planned_from.data,
            planned_to=self.planned_to.data,
            hours=cast(Decimal | None, self.hours.data),
            cost_euros=cast(Decimal | None, self.cost_euros.data),
            note=self.note.data or None,
        )

    def goal_ids(self) -> list[uuid.UUID]:
        """The goals chosen."""
        return [uuid.UUID(code) for code in self.goals.data or []]

    def organisation_id(self) -> uuid.UUID | None:
        """The partner chosen."""
        return _key(self.organisation.data)


class HappeningForm(Form):
    """What happened to an étape; `suite` is the page to come back to."""

    version = VersionField()
    suite = HiddenField()
    on = DayField("Date", required="Indiquez le jour.", default=today)
    result = ItemField("Ce que l’étape a donné", required="Dites ce que l’étape a donné.", blank="Choisir")
    reason = ItemField("Pourquoi", required="Dites pourquoi l’étape est abandonnée.", blank="Choisir")
    reached = ItemsField("Objectif atteint")
    freins = ItemsField("Frein levé")

    def ask(self, event: EtapeEvent, lists: Lists, endings: Endings) -> None:
        """Keep what this event asks for, and set the choices."""
        wanted = {
            "on": event in DATED_EVENTS,
            "result": event is EtapeEvent.FINISH,
            "reason": event is EtapeEvent.ABANDON,
            "reached": bool(endings.goals),
            "freins": bool(endings.freins),
        }
        self.result.offer(lists.items(ListName.RESULTAT_ETAPE))
        self.reason.offer(lists.items(ListName.MOTIF_ABANDON))
        self.reached.offer(endings.goals)
        self.freins.offer(endings.freins)
        for name, is_asked in wanted.items():
            if not is_asked:
                del self[name]

    def happening(self, event: EtapeEvent) -> Happening:
        """The answers."""
        return Happening(
            event,
            self.on.data if "on" in self and self.on.data else today(),
            self.result.data if "result" in self else None,
            self.reason.data if "reason" in self else None,
        )

    def chosen(self, name: str) -> list[uuid.UUID]:
        """Goals reached, or freins lifted."""
        return [uuid.UUID(code) for code in (self[name].data or [])] if name in self else []


# Kept plans


class KeepForm(Form):
    """Under which name a plan is kept, and which of its lines."""

    template = OnceField()
    name = LineField("Nom du modèle", required="Donnez un nom à ce modèle.", longest=LONGEST_NAME)
    lines = ItemsField("Ce qui est gardé")

    def holds(self) -> bool:
        """Posted, named, and not empty."""
        stands = self.accepted()
        if self.is_submitted() and not self.lines.data and not self.lines.errors:
            self.refuse("lines", "Choisissez au moins une ligne à garder.")
        return stands and not self.errors


class ApplyForm(Form):
    """Which kept plan is applied. `key` makes a second sending of the same form harmless."""

    key = OnceField()
    template = ItemField("Modèle", required="Choisissez un modèle.", blank="Choisir")


class AsideForm(Form):
    """A kept plan as it was seen."""

    version = VersionField()


# Agreements


class AgreementForm(Form):
    """What a person agrees to. `agreement` makes a second sending of the same form harmless."""

    agreement = OnceField()
    goals = ItemsField("Objectifs acceptés")
    agreed_on = DayField("Date de l’accord", required="Indiquez le jour de l’accord.", default=today)
    review_on = DayField(
        "On en reparle le",
        required="Indiquez quand vous en reparlerez.",
        default=lambda: today() + USUAL_REVIEW,
    )
    way = RadioField(
        "Comment",
        choices=[SelectChoice(way.value, label) for way, label in AGREEMENT_WAY_LABELS.items()],
        default=AgreementWay.SIGNED.value,
        validate_choice=False,
    )
    organisation = ItemField("Avec aussi", blank="Personne d’autre")

    def validate_way(self, field: Any) -> None:
        """Only the two ways there are."""
        if field.data not in tuple(AgreementWay):
            raise ValidationError(UNLISTED)

    def holds(self, *, not_before: date) -> bool:
        """Posted, with a goal at least, and the days go together."""
        stands = self.accepted()
        if self.is_submitted() and not self.goals.data and not self.goals.errors:
            self.refuse("goals", "Cochez au moins un objectif que la personne accepte.")
        if self.is_submitted() and self.agreed_on.data and self.review_on.data:
            agreed_on, review_on = self.agreed_on.data, self.review_on.data
            refused = agreement_refusal(agreed_on, review_on, today=today(), not_before=not_before)
            wrong = agreed_on > today() or agreed_on < not_before
            if refused:
                self.refuse("agreed_on" if wrong else "review_on", refused)
        return stands and not self.errors

    def goal_ids(self) -> list[uuid.UUID]:
        """The goals accepted."""
        return [uuid.UUID(code) for code in self.goals.data or []]

    def terms(self) -> Terms:
        """The other answers."""
        return Terms(
            cast(date, self.agreed_on.data),
            cast(date, self.review_on.data),
            AgreementWay(self.way.data),
            _key(self.organisation.data),
        )


class ReviewForm(Form):
    """Another day to look at an agreement again."""

    version = VersionField()
    review_on = DayField("Nouvelle date", required="Indiquez le nouveau jour.")

    def holds(self, *, agreed_on: date) -> bool:
        """Posted, and the day is to come, within a year."""
        stands = self.accepted()
        if self.is_submitted() and self.review_on.data:
            review_on = self.review_on.data
            refused = agreement_refusal(agreed_on, review_on, today=today(), not_before=agreed_on)
            if review_on < today():
                refused = "Cette date est déjà passée\u00a0: choisissez un jour à venir."
            if refused:
                self.refuse("review_on", refused)
        return stands and not self.errors


class PaperForm(Form):
    """A file to attach. `paper` makes a second sending of the same form harmless."""

    paper = OnceField()
    file = UploadField(
        "Fichier",
        judge=paper_refusal,
        largest=LARGEST_ATTACHMENT,
        required="Choisissez un fichier à joindre.",
    )

    def kept(self) -> Paper:
        """The file, as it is kept."""
        sent = cast(FileStorage, self.file.data)
        return paper_of(sent.filename, self.file.content or b"")


def offered_lines(lines: Sequence[tuple[str, Any, bool]]) -> list[Item]:
    """Lines that may be kept, as a form offers them."""
    return [
        Item(ListName.OBJECTIF, key, " · ".join(filter(None, (line.goal_label, line.etape_label))))
        for key, line, _ in lines
    ]
