"""What is asked during the conversation of a diagnosis, and to move one frein."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, HiddenField

from cityjobs.core.clock import today
from cityjobs.core.forms import (
    ChoiceField,
    DayField,
    Form,
    ItemField,
    ItemsField,
    LineField,
    TextField,
    VersionField,
    WholeNumberField,
)
from cityjobs.diagnosis.rules import (
    FARTHEST_KM,
    FREIN_MOVES,
    FREIN_OWNER_LABELS,
    FREIN_STATUS_LABELS,
    SEVERITY_LABELS,
    FreinOwner,
    FreinStand,
    FreinStatus,
    Portrait,
    frein_refusal,
    stand_of,
    stand_refusal,
)
from cityjobs.vocabulary.queries import Lists
from cityjobs.vocabulary.rules import ListName

STATUSES = [(status.value, label) for status, label in FREIN_STATUS_LABELS.items()]
SEVERITIES = [(str(severity), label) for severity, label in SEVERITY_LABELS.items()]
OWNERS = [(owner.value, label) for owner, label in FREIN_OWNER_LABELS.items()]

LISTED = {
    "sector": ListName.SECTEUR,
    "working_time": ListName.TEMPS_TRAVAIL,
    "contract": ListName.TYPE_CONTRAT,
    "digital_autonomy": ListName.AUTONOMIE_NUMERIQUE,
    "french_spoken": ListName.NIVEAU_FRANCAIS,
    "french_written": ListName.NIVEAU_FRANCAIS,
}
"""Fields of the portrait whose answers are of a list."""

ASKED = (ListName.FREIN, ListName.SITUATION, *dict.fromkeys(LISTED.values()))
"""The lists that the page needs, read at once."""

PARTS = ("status", "severity", "priority", "owner", "situations")


class DiagnosisForm(Form):
    """The whole page; the twelve freins are added by `diagnosis_form_of`.

    `version` is that of the version being filled, `seen` those of its freins: what was read before writing.
    """

    version = VersionField()
    seen = HiddenField()
    strengths = TextField("Points forts")
    occupation = LineField("Métier visé")
    sector = ItemField("Secteur")
    radius_km = WholeNumberField(
        "Distance possible, en kilomètres",
        least=0,
        most=FARTHEST_KM,
        unit="km",
        how="Écrivez la distance en kilomètres, par exemple 30.",
        fits="Une distance va de 0 à 1\u202f000\u00a0km.",
    )
    working_time = ItemField("Temps de travail")
    contract = ItemField("Type de contrat recherché")
    project = TextField("Ce que la personne veut faire")
    digital_autonomy = ItemField("Avec le numérique")
    french_spoken = ItemField("Français à l’oral")
    french_written = ItemField("Français à l’écrit")

    codes: tuple[str, ...] = ()

    def offer(self, lists: Lists, portrait: Portrait, stands: Mapping[str, FreinStand]) -> None:
        """Set the choices: what lists offer, and what is already kept."""
        for name, listed in LISTED.items():
            self[name].offer(lists.items(listed), kept=getattr(portrait, name))
        labels = lists.labels(ListName.FREIN)
        for code in self.codes:
            stand = stands.get(code, FreinStand(FreinStatus.NON_ABORDE))
            self[f"{code}_situations"].offer(lists.items(ListName.SITUATION, code), kept=stand.situations)
            status = self[f"{code}_status"]
            possible = {stand.status, *FREIN_MOVES[stand.status], status.data}
            status.choices = [choice for choice in STATUSES if choice[0] in possible]
            for part in PARTS:
                field = self[f"{code}_{part}"]
                field.label.text = f"{labels.get(code, code)}\u00a0: {field.label.text.lower()}"

    def freins_stand(self, stands: Mapping[str, FreinStand], identified: Mapping[str, date | None]) -> bool:
        """Whether what was said of each frein may follow what is kept; if not, each field says why."""
        for code in self.codes:
            if any(self[f"{code}_{part}"].errors for part in PARTS):
                continue
            said, former = self.stand(code), stands.get(code, FreinStand(FreinStatus.NON_ABORDE))
            refused = stand_refusal(said) or frein_refusal(
                former.status, said.status, on=today(), identified_on=identified.get(code)
            )
            if refused:
                self.refuse(f"{code}_status", refused)
        return not self.errors

    def stand(self, code: str) -> FreinStand:
        """What was said of one frein."""
        severity, owner = self[f"{code}_severity"].data, self[f"{code}_owner"].data
        return stand_of(
            FreinStatus(self[f"{code}_status"].data or FreinStatus.NON_ABORDE),
            int(severity) if severity else None,
            self[f"{code}_priority"].data,
            FreinOwner(owner) if owner else None,
            tuple(self[f"{code}_situations"].data or ()),
        )

    def stands(self) -> dict[str, FreinStand]:
        """What was said of every frein, by code."""
        return {code: self.stand(code) for code in self.codes}

    def portrait(self) -> Portrait:
        """What was said besides the freins."""
        return Portrait(**{name: self[name].data for name in Portrait.__dataclass_fields__})

    def told(self) -> Iterator[str]:
        """The names of every answer, in the order of the page."""
        for code in self.codes:
            yield from (f"{code}_{part}" for part in PARTS)
        yield from Portrait.__dataclass_fields__

    def shown(self, name: str) -> str:
        """One answer, in words."""
        field = self[name]
        if isinstance(field, BooleanField):
            return "Oui" if field.data else "Non"
        if isinstance(field, ItemsField):
            choices: Any = field.choices or []
            return ", ".join(dict(choices).get(code, code) for code in field.data or [])
        if isinstance(field, ChoiceField):
            return "" if not field.data else dict(field.iter_flat()).get(field.data, field.data)
        return str(field.data or "") if field.data != 0 else "0"

    def raw(self, name: str) -> str:
        """One answer as the page of two versions sends it."""
        field = self[name]
        if isinstance(field, BooleanField):
            return "y" if field.data else ""
        if isinstance(field, ItemsField):
            return " ".join(field.data or [])
        return "" if field.data is None else str(field.data)


@cache
def diagnosis_form_of(codes: tuple[str, ...]) -> type[DiagnosisForm]:
    """The page with its freins, one row of fields each."""
    fields: dict[str, Any] = {"codes": codes}
    makers: dict[str, Callable[[], Any]] = {
        "status": lambda: ChoiceField("État", STATUSES, default=FreinStatus.NON_ABORDE.value),
        "severity": lambda: ChoiceField("Gravité", SEVERITIES, blank="Non dite"),
        "priority": lambda: BooleanField("Priorité"),
        "owner": lambda: ChoiceField("Qui s’en occupe", OWNERS, blank="À décider"),
        "situations": lambda: ItemsField("Situations"),
    }
    for code in codes:
        fields |= {f"{code}_{part}": make() for part, make in makers.items()}
    return type("FilledDiagnosisForm", (DiagnosisForm,), fields)


def data_of(portrait: Portrait, stands: Mapping[str, FreinStand]) -> dict[str, Any]:
    """What is kept, as the form holds it."""
    data: dict[str, Any] = dict(vars(portrait))
    for code, stand in stands.items():
        data |= {
            f"{code}_status": stand.status.value,
            f"{code}_severity": str(stand.severity) if stand.severity else None,
            f"{code}_priority": stand.is_priority,
            f"{code}_owner": stand.owner.value if stand.owner else None,
            f"{code}_situations": list(stand.situations),
        }
    return data


def typed_in(fields: Mapping[str, Any]) -> MultiDict[str, str]:
    """A draft, as a form that was posted: texts, and lists of texts."""
    typed: MultiDict[str, str] = MultiDict()
    for name, said in fields.items():
        for text in said if isinstance(said, list) else [said]:
            if isinstance(text, str) and name != "csrf_token":
                typed.add(name, text)
    return typed


def chosen_in(answers: MultiDict[str, str]) -> MultiDict[str, str]:
    """Answers chosen between two versions: situations come there as codes with spaces between."""
    for name in [name for name in answers if name.endswith("_situations")]:
        answers.setlist(name, [code for text in answers.getlist(name) for code in text.split()])
    return answers


class BeginForm(Form):
    """A version begun; `moves` says that the parcours passes to the diagnosis."""

    moves = BooleanField("Le parcours passe à «\u00a0Diagnostic\u00a0»")


class MoveFreinForm(Form):
    """One frein that moves, outside of a version."""

    version = VersionField()
    suite = HiddenField()
    status = ChoiceField("Ce frein est maintenant", STATUSES, required="Choisissez où en est ce frein.")
    severity = ChoiceField("Gravité", SEVERITIES, blank="Inchangée")
    on = DayField("Depuis le", required="Indiquez le jour où cela a changé.", default=today)

    def offer(self, former: FreinStatus) -> None:
        """Set the choices: what may follow."""
        possible = {former, *FREIN_MOVES[former]}
        self.status.choices = [choice for choice in STATUSES if choice[0] in possible]

    def holds(self) -> bool:
        """Posted, and every answer stands today."""
        stands = self.accepted()
        if self.is_submitted() and self.on.data and self.on.data > today():
            self.refuse("on", "Cette date est dans le futur\u00a0: indiquez le jour où cela a eu lieu.")
        return stands and not self.errors
