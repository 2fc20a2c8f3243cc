"""What the page /composants shows: invented answers in every state, for the demo and for development."""

from datetime import timedelta
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, PasswordField, RadioField, SelectMultipleField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from cityjobs.assets.build import icon_names
from cityjobs.core.clock import now, today
from cityjobs.core.forms import ChoiceField, DayField, EmailField, Form, PhoneField, RemarkField, TextField
from cityjobs.core.web import Page

MODES = [
    ("telephone", "Téléphone"),
    ("rendez-vous", "Rendez-vous"),
    ("visite", "Visite à domicile"),
    ("sms", "SMS"),
]
WRONG = {
    "said": " ",
    "mode": "pigeon",
    "due_on": "31/02/2026",
    "phone": "06 12",
    "email": "nadia",
    "way": "sms",
}
WAYS = [
    SelectChoice("sms", "SMS"),
    SelectChoice("telephone", "Téléphone"),
    SelectChoice("courriel", "Courriel"),
]


class SampleForm(Form):
    """One field of each kind."""

    said = TextField("Ce qui s’est dit", required="Écrivez en une phrase ce qui s’est dit.")
    mode = ChoiceField("Comment", MODES, required="Choisissez comment l’échange a eu lieu.", blank="Choisir")
    next_step = RemarkField("Prochaine étape")
    due_on = DayField("Pour le")
    phone = PhoneField("Téléphone")
    email = EmailField("Adresse électronique")
    password = PasswordField("Mot de passe")
    way = RadioField("Comment la joindre de préférence", choices=WAYS, default="sms")
    languages = SelectMultipleField(
        "Langues parlées",
        choices=[
            SelectChoice("fr", "Français"),
            SelectChoice("ar", "Arabe"),
            SelectChoice("pt", "Portugais"),
        ],
    )
    charter = BooleanField("La personne a signé la charte")


def samples() -> dict[str, Any]:
    """The variables of composants.html."""
    day = today()
    wrong = SampleForm(formdata=None, prefix="faux-", meta={"csrf": False})
    wrong.process(MultiDict({f"faux-{name}": value for name, value in WRONG.items()}))
    wrong.validate()
    return {
        "right": SampleForm(formdata=None, meta={"csrf": False}),
        "wrong": wrong,
        "page": Page(rows=[None] * 25, number=4, size=25, total=236),
        "day_before": lambda days: day - timedelta(days=days),
        "moment": now(),
        "icon_names": icon_names(),
    }
