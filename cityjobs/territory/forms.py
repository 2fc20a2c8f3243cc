"""What administration asks: settings of a Cité, years, communes, organisations."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from wtforms import BooleanField, HiddenField, RadioField, ValidationError

from cityjobs.core.forms import (
    ChoiceField,
    EmailField,
    Form,
    LineField,
    PhoneField,
    VersionField,
    WholeNumberField,
    spaced,
)
from cityjobs.territory.models import Cite, Organisation
from cityjobs.territory.rules import (
    FAMILY_LABELS,
    ORGANISATION_KINDS,
    SENSITIVE_KINDS,
    CiteSettings,
    OrganisationFacts,
    OrganisationFamily,
    family_of,
    is_insee_code,
)

NO_CHOICE = "Choisissez un type"
SENSITIVITY = {"auto": "Selon son type", "yes": "Oui", "no": "Non"}


class SettingsForm(Form):
    """The programme of a Cité, who leads it, its flags and delays."""

    programme_name = LineField("Nom du programme", required="Donnez un nom au programme.", longest=120)
    chef_de_file = ChoiceField("Chef de file", [], blank="Pas encore désigné")
    contrat_de_ville = BooleanField("Contrat de ville")
    npnru = BooleanField("NPNRU, renouvellement urbain")
    qrr = BooleanField("QRR, quartier de reconquête républicaine")
    equip_emploi = BooleanField("Équip’emploi")
    uses_commission = BooleanField("Commission d’entrée")
    silence_days = WholeNumberField(
        "Silence : jours sans contact", required="Indiquez un nombre de jours.", least=7, most=365
    )
    escalation_days = WholeNumberField(
        "Relais : jours sans réaction", required="Indiquez un nombre de jours.", least=1, most=90
    )
    referent_capacity = WholeNumberField(
        "Capacité d’un référent", required="Indiquez un nombre de personnes.", least=1, most=500
    )
    version = VersionField()

    def offer_leads(self, organisations: Iterable[Organisation]) -> None:
        """Set the choices of chef de file."""
        self.chef_de_file.choices = [
            ("", "Pas encore désigné"),
            *((str(each.id), each.name) for each in organisations),
        ]

    def answers(self) -> CiteSettings:
        """What was decided."""
        said: dict[str, Any] = self.data
        lead = said["chef_de_file"]
        return CiteSettings(
            programme_name=said["programme_name"],
            chef_de_file_id=uuid.UUID(lead) if lead else None,
            contrat_de_ville=said["contrat_de_ville"],
            npnru=said["npnru"],
            qrr=said["qrr"],
            equip_emploi=said["equip_emploi"],
            uses_commission=said["uses_commission"],
            silence_days=said["silence_days"],
            escalation_days=said["escalation_days"],
            referent_capacity=said["referent_capacity"],
        )


def settings_of(cite: Cite) -> dict[str, Any]:
    """The settings of a Cité as SettingsForm holds them."""
    return {
        "programme_name": cite.programme_name,
        "chef_de_file": str(cite.chef_de_file_id or ""),
        "contrat_de_ville": cite.contrat_de_ville,
        "npnru": cite.npnru,
        "qrr": cite.qrr,
        "equip_emploi": cite.equip_emploi,
        "uses_commission": cite.uses_commission,
        "silence_days": cite.silence_days,
        "escalation_days": cite.escalation_days,
        "referent_capacity": cite.referent_capacity,
        "version": cite.version,
    }


class YearForm(Form):
    """A year of the programme and its envelope; `was` is the envelope that the form was filled from."""

    year = WholeNumberField("Année", required="Indiquez une année.", least=2000, most=2200)
    envelope_euros = WholeNumberField(
        "Enveloppe, en euros",
        required="Indiquez un montant, 0 s’il n’y en a pas.",
        least=0,
        most=100_000_000,
        unit="€",
    )
    was = HiddenField()

    def answers(self) -> tuple[int, int]:
        """The year, and its envelope in euros."""
        said: dict[str, Any] = self.data
        return said["year"], said["envelope_euros"]


class CommuneForm(Form):
    """A commune to add to the perimeter."""

    insee_code = LineField("Code INSEE", required="Indiquez le code INSEE de la commune.", longest=20)
    name = LineField("Nom de la commune", required="Indiquez le nom de la commune.", longest=100)

    def validate_insee_code(self, field: LineField) -> None:
        """Five characters, which are not the postal code."""
        field.data = (field.data or "").upper().replace(" ", "")
        if not is_insee_code(field.data):
            raise ValidationError(
                "Un code INSEE a cinq caractères, comme 59512 ; ce n’est pas le code postal."
            )

    def answers(self) -> tuple[str, str]:
        """The INSEE code and the name."""
        said: dict[str, Any] = self.data
        return said["insee_code"], said["name"]


class KindField(ChoiceField):
    """The finer kind of an organisation, grouped by family."""

    def __init__(self, label: str, *, required: str, **kwargs: Any) -> None:
        super().__init__(label, [], required=required, **kwargs)
        self.choices = {
            "": NO_CHOICE,
            **{
                FAMILY_LABELS[family]: {kind.code: kind.label for kind in kinds}
                for family, kinds in ORGANISATION_KINDS.items()
            },
        }

    def iter_flat(self) -> list[tuple[str, str]]:
        """The offered codes and labels, without families."""
        kinds = [kind for group in ORGANISATION_KINDS.values() for kind in group]
        return [("", ""), *((kind.code, kind.label) for kind in kinds)]


class OrganisationForm(Form):
    """An organisation of the collective."""

    name = LineField("Nom", required="Donnez le nom de l’organisation.", longest=120)
    kind = KindField("Type", required="Choisissez un type d’organisation.")
    sensitivity = RadioField(
        "Structure sensible",
        choices=SENSITIVITY,
        default="auto",
    )
    phone = PhoneField("Téléphone")
    email = EmailField("Courriel")
    version = VersionField()

    def answers(self) -> OrganisationFacts:
        """What was said; « selon son type » becomes yes or no."""
        said: dict[str, Any] = self.data
        kind: str = said["kind"]
        return OrganisationFacts(
            name=" ".join(said["name"].split()),
            family=family_of(kind) or OrganisationFamily.ASSOCIATION,
            kind=kind,
            is_sensitive={"yes": True, "no": False}.get(said["sensitivity"], kind in SENSITIVE_KINDS),
            phone=said["phone"],
            email=said["email"],
        )


def facts_of(organisation: Organisation) -> dict[str, Any]:
    """An organisation as OrganisationForm holds it."""
    usual = organisation.is_sensitive == (organisation.kind in SENSITIVE_KINDS)
    return {
        "name": organisation.name,
        "kind": organisation.kind,
        "sensitivity": "auto" if usual else "yes" if organisation.is_sensitive else "no",
        "phone": organisation.phone,
        "email": organisation.email,
        "version": organisation.version,
    }


def both_versions(mine: Form, theirs: Form, names: Sequence[str]) -> list[dict[str, str]]:
    """Two forms side by side, for the page of both versions: shown texts and the values to post."""
    return [
        {
            "name": name,
            "label": mine[name].label.text,
            "mine": _shown(mine[name]),
            "theirs": _shown(theirs[name]),
            "mine_raw": _raw(mine[name]),
            "theirs_raw": _raw(theirs[name]),
        }
        for name in names
    ]


def _shown(field: Any) -> str:
    if isinstance(field, BooleanField):
        return "Oui" if field.data else "Non"
    if isinstance(field, ChoiceField):
        return dict(field.iter_flat()).get(field.data or "", "")
    if isinstance(field, RadioField):
        return SENSITIVITY.get(field.data, "")
    return spaced(field.data) if isinstance(field.data, int) else str(field.data or "")


def _raw(field: Any) -> str:
    if isinstance(field, BooleanField):
        return "y" if field.data else ""
    return "" if field.data is None else str(field.data)
