"""Ways of talking with a person, what counts as a contact, and when a next step is due."""

import enum
from datetime import date


class InterviewMode(enum.StrEnum):
    """How an exchange took place (domain.md §2.13)."""

    PRESENTIEL_RDV = "presentiel_rdv"
    PRESENTIEL_SPONTANE = "presentiel_spontane"
    TELEPHONE = "telephone"
    VISIO = "visio"
    DOMICILE = "domicile"
    EXTERIEUR = "exterieur"
    COLLECTIF = "collectif"
    TRIPARTITE = "tripartite"
    TIERS = "tiers"
    SMS_MAIL = "sms_mail"
    COURRIER = "courrier"


INTERVIEW_MODE_LABELS: dict[InterviewMode, str] = {
    InterviewMode.PRESENTIEL_RDV: "Sur rendez-vous",
    InterviewMode.PRESENTIEL_SPONTANE: "Sans rendez-vous",
    InterviewMode.TELEPHONE: "Téléphone",
    InterviewMode.VISIO: "Visio",
    InterviewMode.DOMICILE: "À domicile",
    InterviewMode.EXTERIEUR: "À l’extérieur",
    InterviewMode.COLLECTIF: "En groupe",
    InterviewMode.TRIPARTITE: "À trois, avec un partenaire",
    InterviewMode.TIERS: "Avec un tiers",
    InterviewMode.SMS_MAIL: "SMS ou courriel",
    InterviewMode.COURRIER: "Courrier",
}

MEETINGS = frozenset(
    {
        InterviewMode.PRESENTIEL_RDV,
        InterviewMode.PRESENTIEL_SPONTANE,
        InterviewMode.VISIO,
        InterviewMode.DOMICILE,
        InterviewMode.EXTERIEUR,
        InterviewMode.COLLECTIF,
        InterviewMode.TRIPARTITE,
    }
)
"""Modes in which the person is met, and not only reached."""

WITHOUT_THE_PERSON = frozenset({InterviewMode.TIERS, InterviewMode.COURRIER})
"""Modes that never count as a contact coming from the person (domain.md §3.5)."""


def is_contact(mode: InterviewMode, reached: bool) -> bool:
    """Whether an exchange proves that the person was there: the clock of silence starts again."""
    return reached and mode not in WITHOUT_THE_PERSON


class StepState(enum.StrEnum):
    """Where a next step stands."""

    TODO = "todo"
    DONE = "done"
    CANCELLED = "cancelled"


STEP_STATE_LABELS: dict[StepState, str] = {
    StepState.TODO: "À faire",
    StepState.DONE: "Fait",
    StepState.CANCELLED: "Abandonné",
}


def days_late(due_on: date, today: date) -> int:
    """How many days after its due date; 0 when not late."""
    return max(0, (today - due_on).days)
