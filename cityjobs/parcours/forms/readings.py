"""How exits are read: which ruleset, and what one type of exit counts as."""

from wtforms import BooleanField, HiddenField

from cityjobs.core.forms import ChoiceField, Form, VersionField, WholeNumberField
from cityjobs.parcours.rules.exits import EXIT_CATEGORY_LABELS, ExitCategory, ExitRule

CATEGORIES = [(category.value, label) for category, label in EXIT_CATEGORY_LABELS.items()]


class RulesetForm(Form):
    """One gesture on a ruleset."""

    ruleset_id = HiddenField()


class RuleForm(Form):
    """What one type of exit counts as."""

    category = ChoiceField("Compte comme", CATEGORIES, required="Choisissez une catégorie.")
    minimum_months = WholeNumberField(
        "À partir de combien de mois",
        least=1,
        most=24,
        fits="Ce nombre de mois va de 1 à 24.",
        how="Écrivez un nombre entier de mois, en chiffres.",
    )
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
                    "minimum_months",
                    "Dites à partir de combien de mois, ou choisissez «\u00a0Sans objet\u00a0».",
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
