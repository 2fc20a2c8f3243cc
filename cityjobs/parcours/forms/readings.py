"""How exits are read: which ruleset, and what one type of exit counts as."""

from typing import Any

from wtforms import BooleanField, HiddenField, IntegerField
from wtforms.validators import NumberRange, Optional

from cityjobs.core.forms import ChoiceField, Form, VersionField
from cityjobs.parcours.rules.exits import EXIT_CATEGORY_LABELS, ExitCategory, ExitRule

CATEGORIES = [(category.value, label) for category, label in EXIT_CATEGORY_LABELS.items()]


class RulesetForm(Form):
    """One gesture on a ruleset."""

    ruleset_id = HiddenField()


class MonthsField(IntegerField):
    """Whole months from 1 to 24, or nothing."""

    def __init__(self, label: str, *, least: int = 1, most: int = 24, **kwargs: Any) -> None:
        bounds = NumberRange(min=least, max=most, message=f"Ce nombre de mois va de {least} à {most}.")
        super().__init__(label, [Optional(), bounds], **kwargs)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Parse, or say what is expected."""
        typed = valuelist[0].strip() if valuelist else ""
        self.data = None
        if typed and not (typed.isascii() and typed.isdecimal() and len(typed) < 5):
            raise ValueError("Écrivez un nombre entier de mois, en chiffres.")
        self.data = int(typed) if typed else None


class RuleForm(Form):
    """What one type of exit counts as."""

    category = ChoiceField("Compte comme", CATEGORIES, required="Choisissez une catégorie.")
    minimum_months = MonthsField("À partir de combien de mois")
    otherwise = ChoiceField("Sinon, compte comme", CATEGORIES, blank="Sans objet")
    needs_evidence = BooleanField("Un justificatif est demandé")
    version = VersionField()

    def holds(self) -> bool:
        """Posted, and the number of months goes with what a shorter exit counts as."""
        stands = self.accepted()
        if self.is_submitted() and not self.minimum_months.errors:
            if self.minimum_months.data and not self.otherwise.data:
                self.refuse("otherwise", "Dites comme quoi compte une sortie qui dure moins longtemps.")
            elif self.otherwise.data and not self.minimum_months.data:
                self.refuse(
                    "minimum_months", "Dites à partir de combien de mois, ou choisissez « Sans objet »."
                )
        return stands and not self.errors

    def rule(self) -> ExitRule:
        """The answers."""
        return ExitRule(
            ExitCategory(self.category.data),
            self.minimum_months.data,
            ExitCategory(self.otherwise.data) if self.otherwise.data else None,
            bool(self.needs_evidence.data),
        )
