"""What accounts ask."""

from typing import Any

from wtforms import IntegerField, PasswordField
from wtforms.validators import NumberRange, Optional

from cityjobs.accounts.rules import password_weakness
from cityjobs.core.forms import ChoiceField, EmailField, Form, LineField, OnceField, Said
from cityjobs.core.permissions import ROLE_LABELS, Role


class SignInForm(Form):
    """E-mail and password."""

    email = EmailField("Adresse électronique", required="Indiquez votre adresse électronique.")
    password = PasswordField("Mot de passe", [Said("Indiquez votre mot de passe.")])


class ForgottenForm(Form):
    """The address to which a new password may be asked."""

    email = EmailField("Adresse électronique", required="Indiquez votre adresse électronique.")


class ChoosePasswordForm(Form):
    """A password chosen, typed twice."""

    password = PasswordField("Nouveau mot de passe", [Said("Choisissez un mot de passe.")])
    repeated = PasswordField("Le même, encore une fois", [Said("Écrivez le mot de passe une seconde fois.")])

    def accepted_for(self, personal: tuple[str, ...]) -> bool:
        """Posted, strong enough for whoever bears these names, and twice the same."""
        if not self.accepted():
            return False
        password: Any = self.password.data
        weakness = password_weakness(password, personal)
        if weakness:
            self.refuse("password", weakness)
        elif password != self.repeated.data:
            self.refuse(
                "repeated", "Les deux mots de passe ne sont pas les mêmes\u00a0: écrivez-les de nouveau."
            )
        return not self.errors


class ChangePasswordForm(ChoosePasswordForm):
    """The password of today, then the new one twice."""

    current_password = PasswordField("Mot de passe actuel", [Said("Indiquez votre mot de passe actuel.")])


class InviteForm(Form):
    """Who is invited to work in the Cité, as what, for whom. `membership` makes a second sending harmless."""

    membership = OnceField()
    email = EmailField("Adresse électronique", required="Indiquez l’adresse électronique.")
    first_name = LineField("Prénom", required="Indiquez le prénom.", longest=80)
    last_name = LineField("Nom", required="Indiquez le nom.", longest=80)
    role = ChoiceField(
        "Rôle",
        [(role.value, ROLE_LABELS[role]) for role in Role],
        required="Choisissez un rôle.",
        blank="Choisir un rôle",
    )
    organisation = ChoiceField(
        "Organisation", [], required="Choisissez une organisation.", blank="Choisir une organisation"
    )
    capacity = IntegerField(
        "Nombre de personnes suivies à la fois",
        [Optional(), NumberRange(1, 500, message="Indiquez un nombre entre 1 et 500.")],
    )

    def __init__(self, organisations: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.organisation.choices = [("", "Choisir une organisation"), *organisations]
