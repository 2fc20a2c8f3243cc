"""Each route of the house: what it asks for, and what its address or its form names. A route must be here to be served.

This says nothing of who is let in: that is computed from `cityjobs.core.grants`.
"""

import enum

from cityjobs.core.permissions import PUBLIC, SIGNED_IN, Needed
from cityjobs.core.permissions import Permission as P


class Named(enum.Enum):
    """What a route names, by its address or by a field of its form."""

    NOTHING = enum.auto()
    PERSON = enum.auto()
    INTERVIEW = enum.auto()
    STEP = enum.auto()
    JOB = enum.auto()
    LEFT = enum.auto()
    """A parcours that ended, of somebody."""
    RULESET = enum.auto()
    GOAL = enum.auto()
    ETAPE = enum.auto()
    AGREEMENT = enum.auto()
    PAPER = enum.auto()
    KEPT_PLAN = enum.auto()
    """The Cité's own way of reading exits."""
    CO_REFERENT = enum.auto()
    """Somebody's seconding of a person."""
    FREIN = enum.auto()
    KIN = enum.auto()
    """Somebody's tie with another person."""
    ABSENCE = enum.auto()
    """Days on which a professional is away and replaced."""
    REFERENT = enum.auto()
    BATCH = enum.auto()
    """Attributions made at once."""
    REPORT = enum.auto()
    ORGANISATION = enum.auto()
    MEMBER = enum.auto()
    """Somebody's mission, for the administrator."""
    YEAR = enum.auto()
    COMMUNE = enum.auto()
    QPV = enum.auto()
    """A neighbourhood of the perimeter."""
    KNOWN_QPV = enum.auto()
    """Any neighbourhood: the list is public."""
    ITEM = enum.auto()
    """A line that a Cité added to a list."""
    SESSION = enum.auto()
    MISSION = enum.auto()
    """One's own mission, to work in."""
    INVITATION = enum.auto()
    RESET = enum.auto()
    LOCK = enum.auto()
    """The lock of a session: nothing to do there without one."""
    BEARER = enum.auto()
    """Nothing, for whoever holds a token of its own: a session opens nothing there."""


CASES = frozenset(
    {
        Named.PERSON,
        Named.INTERVIEW,
        Named.STEP,
        Named.CO_REFERENT,
        Named.JOB,
        Named.LEFT,
        Named.GOAL,
        Named.ETAPE,
        Named.AGREEMENT,
        Named.PAPER,
        Named.FREIN,
        Named.KIN,
    }
)
CHILDREN = CASES - {Named.PERSON}
OWN = frozenset({Named.SESSION, Named.MISSION})
LINKS = frozenset({Named.INVITATION, Named.RESET})

ROUTES: dict[str, tuple[Needed, Named]] = {
    "home": (SIGNED_IN, Named.NOTHING),
    "healthz": (PUBLIC, Named.NOTHING),
    "composants": (PUBLIC, Named.NOTHING),
    "metrics": (PUBLIC, Named.BEARER),
    "accounts.sign_in": (PUBLIC, Named.NOTHING),
    "accounts.sign_in_demo": (PUBLIC, Named.NOTHING),
    "accounts.sign_out": (PUBLIC, Named.NOTHING),
    "accounts.lock": (PUBLIC, Named.LOCK),
    "accounts.unlock": (PUBLIC, Named.LOCK),
    "accounts.forgotten": (PUBLIC, Named.NOTHING),
    "accounts.forgotten_asked": (PUBLIC, Named.NOTHING),
    "accounts.accept_invitation": (PUBLIC, Named.INVITATION),
    "accounts.reset": (PUBLIC, Named.RESET),
    "accounts.account": (SIGNED_IN, Named.NOTHING),
    "accounts.change_password": (SIGNED_IN, Named.NOTHING),
    "accounts.close_one": (SIGNED_IN, Named.SESSION),
    "accounts.close_everywhere": (SIGNED_IN, Named.NOTHING),
    "accounts.cite": (SIGNED_IN, Named.NOTHING),
    "accounts.switch_cite": (SIGNED_IN, Named.MISSION),
    "accounts.save_draft": (SIGNED_IN, Named.NOTHING),
    "accounts.drop_draft": (SIGNED_IN, Named.NOTHING),
    "accounts.help_page": (SIGNED_IN, Named.NOTHING),
    "accounts.rights": (SIGNED_IN, Named.NOTHING),
    "accounts.members": (P.ACCOUNTS_MANAGE, Named.NOTHING),
    "accounts.invite_member": (P.ACCOUNTS_MANAGE, Named.NOTHING),
    "accounts.invite_again": (P.ACCOUNTS_MANAGE, Named.MEMBER),
    "accounts.end_mission": (P.ACCOUNTS_MANAGE, Named.MEMBER),
    "accounts.disable": (P.ACCOUNTS_MANAGE, Named.MEMBER),
    "territory.settings": (P.CITE_EDIT, Named.NOTHING),
    "territory.add_year": (P.CITE_EDIT, Named.NOTHING),
    "territory.edit_year": (P.CITE_EDIT, Named.YEAR),
    "territory.remove_year": (P.CITE_EDIT, Named.YEAR),
    "territory.perimeter": (P.CITE_EDIT, Named.NOTHING),
    "territory.remove_commune": (P.CITE_EDIT, Named.COMMUNE),
    "territory.add_qpv": (P.CITE_EDIT, Named.KNOWN_QPV),
    "territory.remove_qpv": (P.CITE_EDIT, Named.QPV),
    "territory.organisations": (P.ORGANISATIONS_EDIT, Named.NOTHING),
    "territory.add_organisation": (P.ORGANISATIONS_EDIT, Named.NOTHING),
    "territory.edit_organisation": (P.ORGANISATIONS_EDIT, Named.ORGANISATION),
    "vocabulary.lists": (P.LISTS_READ, Named.NOTHING),
    "vocabulary.items": (P.LISTS_READ, Named.NOTHING),
    "vocabulary.add": (P.LISTS_EDIT, Named.NOTHING),
    "vocabulary.set_aside": (P.LISTS_EDIT, Named.ITEM),
    "vocabulary.take_back": (P.LISTS_EDIT, Named.ITEM),
    "vocabulary.move": (P.LISTS_EDIT, Named.ITEM),
    "vocabulary.occupations": (P.LISTS_READ, Named.NOTHING),
    "day.show": (P.DAY_SEE, Named.NOTHING),
    "day.whole": (P.DAY_SEE, Named.NOTHING),
    "day.settle": (P.FOLLOWUP_LOG, Named.NOTHING),
    "people_list.people": (P.PEOPLE_LIST, Named.NOTHING),
    "people_list.export": (P.PEOPLE_EXPORT, Named.NOTHING),
    "file.show": (P.PERSON_READ, Named.PERSON),
    "people.edit": (P.PERSON_EDIT, Named.PERSON),
    "people.household": (P.PERSON_EDIT, Named.PERSON),
    "people.search_kin": (P.PERSON_EDIT, Named.PERSON),
    "people.add_kin": (P.PERSON_EDIT, Named.PERSON),
    "people.remove_kin": (P.PERSON_EDIT, Named.KIN),
    "parcours.spot": (P.PERSON_SPOT, Named.NOTHING),
    "parcours.spotted": (P.PERSON_SPOT, Named.NOTHING),
    "parcours.search": (P.PERSON_SPOT, Named.NOTHING),
    "parcours.resemblances": (P.PERSON_SPOT, Named.NOTHING),
    "parcours.reopen": (P.PERSON_SPOT, Named.PERSON),
    "parcours.ask_move": (P.PARCOURS_MOVE, Named.PERSON),
    "parcours.move": (P.PARCOURS_MOVE, Named.PERSON),
    "parcours.check_job": (P.PARCOURS_MOVE, Named.JOB),
    "parcours.take_situation": (P.PARCOURS_MOVE, Named.LEFT),
    "parcours.readings": (P.EXITS_EDIT, Named.NOTHING),
    "parcours.choose_reading": (P.EXITS_EDIT, Named.NOTHING),
    "parcours.adapt_reading": (P.EXITS_EDIT, Named.NOTHING),
    "parcours.edit_rule": (P.EXITS_EDIT, Named.RULESET),
    "closing.close": (P.PARCOURS_MOVE, Named.PERSON),
    "sheet.show": (P.FOLLOWUP_READ, Named.PERSON),
    "sheet.download": (P.FOLLOWUP_READ, Named.PERSON),
    "followups.interview": (P.FOLLOWUP_READ, Named.INTERVIEW),
    "followups.correct": (P.FOLLOWUP_LOG, Named.INTERVIEW),
    "followups.log": (P.FOLLOWUP_LOG, Named.PERSON),
    "followups.drop_draft": (P.FOLLOWUP_LOG, Named.PERSON),
    "followups.plan": (P.FOLLOWUP_LOG, Named.PERSON),
    "followups.finish": (P.FOLLOWUP_LOG, Named.STEP),
    "followups.postpone": (P.FOLLOWUP_LOG, Named.STEP),
    "followups.drop": (P.FOLLOWUP_LOG, Named.STEP),
    "followups.pass_on": (P.FOLLOWUP_LOG, Named.STEP),
    "followups.take_back": (P.FOLLOWUP_LOG, Named.STEP),
    "diagnosis.edit": (P.DIAGNOSIS_WRITE, Named.PERSON),
    "diagnosis.begin": (P.DIAGNOSIS_WRITE, Named.PERSON),
    "diagnosis.drop_draft": (P.DIAGNOSIS_WRITE, Named.PERSON),
    "diagnosis.version": (P.DIAGNOSIS_READ, Named.PERSON),
    "diagnosis.progress": (P.DIAGNOSIS_READ, Named.PERSON),
    "diagnosis.move": (P.DIAGNOSIS_WRITE, Named.FREIN),
    "plans.show": (P.FOLLOWUP_READ, Named.PERSON),
    "plans.add_goal": (P.FOLLOWUP_LOG, Named.PERSON),
    "plans.settle_goal": (P.FOLLOWUP_LOG, Named.GOAL),
    "plans.add_etape": (P.FOLLOWUP_LOG, Named.PERSON),
    "plans.edit_etape": (P.FOLLOWUP_LOG, Named.ETAPE),
    "plans.move": (P.FOLLOWUP_LOG, Named.ETAPE),
    "plans.keep": (P.TEMPLATES_KEEP, Named.PERSON),
    "plans.apply": (P.FOLLOWUP_LOG, Named.PERSON),
    "plans.templates": (P.TEMPLATES_KEEP, Named.NOTHING),
    "plans.set_aside": (P.TEMPLATES_KEEP, Named.KEPT_PLAN),
    "plans.add_agreement": (P.FOLLOWUP_LOG, Named.PERSON),
    "plans.agreement": (P.FOLLOWUP_READ, Named.AGREEMENT),
    "plans.put_review_off": (P.FOLLOWUP_LOG, Named.AGREEMENT),
    "plans.attach": (P.FOLLOWUP_LOG, Named.AGREEMENT),
    "plans.download": (P.FOLLOWUP_READ, Named.PAPER),
    "plans.remove": (P.FOLLOWUP_LOG, Named.PAPER),
    "coordination.board": (P.COORDINATION_SEE, Named.NOTHING),
    "coordination.referent": (P.COORDINATION_SEE, Named.REFERENT),
    "coordination.batch": (P.COORDINATION_SEE, Named.BATCH),
    "coordination.assign": (P.ASSIGN, Named.NOTHING),
    "coordination.undo": (P.ASSIGN, Named.BATCH),
    "coordination.team": (P.ASSIGN, Named.PERSON),
    "coordination.second": (P.ASSIGN, Named.PERSON),
    "coordination.end_second": (P.ASSIGN, Named.CO_REFERENT),
    "absences.index": (P.ABSENCES_KEEP, Named.NOTHING),
    "absences.add": (P.ABSENCES_KEEP, Named.NOTHING),
    "absences.show": (P.ABSENCES_KEEP, Named.ABSENCE),
    "absences.hand_back": (P.ABSENCES_KEEP, Named.ABSENCE),
    "reminders.ledger": (P.COORDINATION_SEE, Named.NOTHING),
    "reporting.pilotage": (P.PILOTAGE_SEE, Named.NOTHING),
    "reporting.lines": (P.PILOTAGE_ROWS, Named.NOTHING),
    "reporting.reports": (P.REPORT_READ, Named.NOTHING),
    "reporting.ask_report": (P.REPORT_REQUEST, Named.NOTHING),
    "reporting.report": (P.REPORT_READ, Named.REPORT),
    "reporting.download": (P.REPORT_READ, Named.REPORT),
}
