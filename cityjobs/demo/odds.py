"""How often things happen in invented lives, and how long they take."""

from cityjobs.followups.rules import InterviewMode
from cityjobs.parcours.rules.lifecycle import Event, Status
from cityjobs.parcours.rules.reasons import ExitReason, SpottingChannel

OPEN_MIX = (
    (Status.REPERE, 5), (Status.CONTACTE, 10), (Status.RENCONTRE, 13), (Status.DIAGNOSTIC, 15), (Status.ACTIF, 57),
)  # fmt: skip

PATH = (
    (Status.CONTACTE, Event.CONTACT_OK, (1, 9)),
    (Status.RENCONTRE, Event.FIRST_MET, (2, 12)),
    (Status.DIAGNOSTIC, Event.START_ASSESSMENT, (4, 18)),
    (Status.ACTIF, Event.ENROLL, (3, 18)),
)
"""The steps of a parcours, and the days that each takes after the one before."""

TAILS = {
    Status.REPERE: (1, 21), Status.CONTACTE: (2, 20), Status.RENCONTRE: (2, 24), Status.DIAGNOSTIC: (3, 25),
    Status.ACTIF: (12, 270),
}  # fmt: skip
"""How many days ago the last step of an open parcours was."""

CHANNEL_WEIGHTS = dict.fromkeys(SpottingChannel, 2) | {
    SpottingChannel.ADULTE_RELAIS: 12,
    SpottingChannel.FRANCE_TRAVAIL: 8,
    SpottingChannel.PIED_IMMEUBLE: 8,
    SpottingChannel.CENTRE_SOCIAL: 7,
    SpottingChannel.BOUCHE_A_OREILLE: 6,
    SpottingChannel.MISSION_LOCALE: 6,
}

EXIT_WEIGHTS = dict.fromkeys(ExitReason, 2) | {
    ExitReason.CDI: 6,
    ExitReason.CDD_6M_PLUS: 9,
    ExitReason.FORMATION_QUALIFIANTE: 8,
    ExitReason.EMBAUCHE_SIAE: 5,
    ExitReason.PERDU_DE_VUE: 4,
}

TALK_MODES = {
    InterviewMode.PRESENTIEL_RDV: 36,
    InterviewMode.TELEPHONE: 30,
    InterviewMode.SMS_MAIL: 9,
    InterviewMode.PRESENTIEL_SPONTANE: 6,
    InterviewMode.COLLECTIF: 5,
    InterviewMode.TRIPARTITE: 4,
    InterviewMode.VISIO: 3,
    InterviewMode.EXTERIEUR: 4,
    InterviewMode.DOMICILE: 2,
}

DURATIONS = {
    InterviewMode.TELEPHONE: (5, 10, 15, 20),
    InterviewMode.SMS_MAIL: (5, 10),
    InterviewMode.TIERS: (5, 10, 15),
}
