"""What accounts ask."""

from wtforms import PasswordField

from cityjobs.core.forms import EmailField, Form, Said


class SignInForm(Form):
    """E-mail and password."""

    email = EmailField("Adresse électronique", required="Indiquez votre adresse électronique.")
    password = PasswordField("Mot de passe", [Said("Indiquez votre mot de passe.")])
