"""What somebody's situation is: asked whole at the entry, in short after the exit."""

from collections.abc import Mapping
from datetime import date
from typing import Any, cast

from wtforms import RadioField

from cityjobs.core.clock import today
from cityjobs.core.forms import DayField, Form, ItemField, ItemsField, WholeNumberField
from cityjobs.parcours.rules.situations import (
    ASKED_CRITERIA,
    Situation,
    inscription_of,
    situation_refusals,
    taking_refusal,
)
from cityjobs.vocabulary.queries import Lists
from cityjobs.vocabulary.rules import ListName

ENTRY_LISTS: dict[str, ListName] = {
    "situation": ListName.SITUATION_PROFESSIONNELLE,
    "inscription_ft": ListName.INSCRIPTION_FT,
    "months_without_job": ListName.DUREE_SANS_EMPLOI,
    "organisme_referent": ListName.ORGANISME_REFERENT,
    "education": ListName.NIVEAU_FORMATION,
    "household": ListName.SITUATION_FAMILIALE,
    "housing": ListName.LOGEMENT,
    "resources": ListName.RESSOURCES,
    "mobility": ListName.MOBILITE,
    "criteria": ListName.CRITERE_IAE,
}
LATER_LISTS = {name: ENTRY_LISTS[name] for name in ("situation", "inscription_ft", "organisme_referent")}
UNANSWERED = "Choisissez une réponse\u202f; la plus proche suffit quand personne ne sait."
NOT_REGISTERED = "Dites si la personne est inscrite à France Travail\u00a0: sa situation ne le dit pas."


FEW = "Ce nombre va de 0 à 30."


class SituationFields(Form):
    """A whole situation. Age, gender and neighbourhood are on the file already, and so not asked."""

    situation = ItemField("Situation aujourd’hui", required=UNANSWERED, blank="Choisir")
    inscription_ft = ItemField("Inscription à France Travail", blank="Choisir")
    months_without_job = ItemField("Sans emploi depuis", required=UNANSWERED, blank="Choisir")
    organisme_referent = ItemField("Déjà suivie par", required=UNANSWERED, blank="Choisir")
    education = ItemField("Niveau de formation", required=UNANSWERED, blank="Choisir")
    household = ItemField("Situation familiale", required=UNANSWERED, blank="Choisir")
    resources = ItemsField("Ressources")
    children = WholeNumberField("Enfants à charge", least=0, most=30, fits=FEW)
    children_under_3 = WholeNumberField("dont moins de 3 ans", least=0, most=30, fits=FEW)
    housing = ItemField("Logement")
    mobility = ItemsField("Moyens de déplacement")
    criteria = ItemsField("Autres situations")

    def offer_lists(self, lists: Lists) -> None:
        """Set every choice; criteria that follow from other answers are not offered."""
        for name, of in ENTRY_LISTS.items():
            self[name].offer([i for i in lists.items(of) if name != "criteria" or i.code in ASKED_CRITERIA])

    def validate(self, extra_validators: Mapping[str, Any] | None = None) -> bool:
        """Also: what the situation does not say must be answered, and answers fit together."""
        accepted = bool(super().validate(extra_validators))
        if (
            not self.inscription_ft.data
            and not self.inscription_ft.errors
            and not inscription_of(self.situation.data)
        ):
            self.refuse("inscription_ft", NOT_REGISTERED)
        if not self.resources.data and not self.resources.errors:
            self.refuse(
                "resources",
                "Cochez au moins une réponse\u00a0: «\u00a0Aucune\u00a0» ou «\u00a0Non renseigné\u00a0» en est une.",
            )
        self.refuse_each(situation_refusals(self.told()), otherwise="situation")
        return accepted and not self.errors

    def told(self) -> Situation:
        """The answers."""
        return Situation(
            situation=self.situation.data or None,
            inscription_ft=self.inscription_ft.data or inscription_of(self.situation.data),
            months_without_job=self.months_without_job.data or None,
            organisme_referent=self.organisme_referent.data or None,
            education=self.education.data or None,
            housing=self.housing.data or None,
            household=self.household.data or None,
            children=self.children.data,
            children_under_3=self.children_under_3.data,
            resources=tuple(self.resources.data or ()),
            mobility=tuple(self.mobility.data or ()),
            criteria=tuple(self.criteria.data or ()),
        )


class LaterForm(Form):
    """The situation after the exit, or that nobody could be reached."""

    reached = RadioField(
        "La personne a-t-elle répondu\u202f?",
        choices={"oui": "Oui", "non": "Non, personne non jointe"},
        default="oui",
    )
    on = DayField("Le", required="Indiquez le jour où vous l’avez demandé.", default=today)
    situation = ItemField("Situation ce jour-là", blank="Choisir")
    inscription_ft = ItemField("Inscription à France Travail", blank="Choisir")
    organisme_referent = ItemField("Suivie par")

    def offer_lists(self, lists: Lists) -> None:
        """Set every choice."""
        for name, of in LATER_LISTS.items():
            self[name].offer(lists.items(of))

    def holds(self, *, asked: tuple[date, date]) -> bool:
        """Posted, and every answer stands for a situation that is asked from a day until another."""
        stands = self.accepted()
        if self.is_submitted() and self.on.data:
            refused = taking_refusal(self.on.data, asked=asked, today=today())
            if refused:
                self.refuse("on", refused)
        if self.is_submitted() and self.reached.data == "oui":
            if not self.situation.data and not self.situation.errors:
                self.refuse("situation", UNANSWERED)
            elif not self.inscription_ft.data and not inscription_of(self.situation.data):
                self.refuse("inscription_ft", NOT_REGISTERED)
        return stands and not self.errors

    def told(self) -> Situation | None:
        """The answers; None when the person was not reached."""
        if self.reached.data != "oui":
            return None
        return Situation(
            situation=cast(str, self.situation.data),
            inscription_ft=self.inscription_ft.data or inscription_of(self.situation.data),
            organisme_referent=self.organisme_referent.data or None,
        )
