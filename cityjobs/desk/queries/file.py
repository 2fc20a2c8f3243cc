"""The whole file of a person: who they are, all that happened, what comes next, who is around them."""

import enum
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from cityjobs.accounts.models import Draft, User
from cityjobs.core.db import HERE, ME, db
from cityjobs.core.together import Together
from cityjobs.diagnosis.models import Diagnosis, Frein
from cityjobs.diagnosis.queries import PresentFrein, freins_from, freins_question
from cityjobs.diagnosis.rules import FreinStatus
from cityjobs.followups.models import Interview, NextStep, PrivateNote
from cityjobs.followups.queries import is_unfinished_exchange, present_parcours_of_person, steps_question
from cityjobs.followups.rules import WITHOUT_THE_PERSON, StepState
from cityjobs.parcours.models import Assignment, Job, JobCheck, Parcours, Spotting, Suspension, Transition
from cityjobs.parcours.queries.following import present_absences
from cityjobs.parcours.queries.life import Life, life_from, life_question
from cityjobs.parcours.rules.lifecycle import Event
from cityjobs.people.models import Person
from cityjobs.people.queries import Kin, household_of, kin_of
from cityjobs.plans.models import Agreement, Etape, Goal
from cityjobs.plans.queries.plan import Plan, plan_from, plan_question
from cityjobs.plans.rules import EtapeStatus, GoalStatus
from cityjobs.reminders.models import Reminder
from cityjobs.reminders.rules import ReminderState
from cityjobs.territory.models import Cite, Organisation, Qpv
from cityjobs.territory.queries import shown_name_of
from cityjobs.vocabulary.models import ListItem
from cityjobs.vocabulary.queries import item_of
from cityjobs.vocabulary.rules import ListName

EVENTS_A_PAGE = 20
_PERSON = sa.bindparam("person_id", type_=sa.Uuid())


@dataclass(frozen=True)
class File:
    """What the head of a file stands on; `draft` is of whoever asks."""

    person: Person
    parcours: Parcours
    silence_days: int
    uses_commission: bool
    qpv: str | None
    qpv_confirmed_by: str | None
    last_mode: str | None
    spotting: Spotting | None
    spotted_by: str | None
    spotted_from: str | None
    draft: Draft | None
    agreed_to_be_contacted: bool | None
    """What they said when they were last spotted, during this parcours; None when they never were."""
    was_informed: bool | None


@cache
def _file() -> sa.Select[*tuple[Any, ...]]:
    present = present_parcours_of_person()
    confirmer, spotter, source = aliased(User), aliased(User), aliased(Organisation)
    last_mode = (
        sa.select(Interview.mode)
        .where(
            Interview.parcours_id == present.id,
            Interview.held_on == present.last_contact_on,
            Interview.reached,
            Interview.mode.not_in(WITHOUT_THE_PERSON),
        )
        .order_by(Interview.created_at.desc())
        .limit(1)
        .correlate(present)
        .scalar_subquery()
    )
    spottings = sa.select(Spotting).where(Spotting.parcours_id == present.id).correlate(present)
    last = spottings.order_by(Spotting.spotted_on.desc(), Spotting.created_at.desc()).limit(1)
    return (
        sa.select(
            Person,
            present,
            Cite.silence_days,
            Cite.uses_commission,
            Qpv.name,
            confirmer.first_name + " " + confirmer.last_name,
            last_mode,
            Spotting,
            spotter.first_name + " " + spotter.last_name,
            shown_name_of(source),
            Draft,
            last.with_only_columns(Spotting.agreed_to_be_contacted).scalar_subquery(),
            spottings.with_only_columns(sa.func.bool_or(Spotting.was_informed)).scalar_subquery(),
        )
        .select_from(Person)
        .join(present, sa.true())
        .join(Cite, Cite.id == Person.cite_id)
        .outerjoin(Qpv, Qpv.id == Person.qpv_id)
        .outerjoin(confirmer, confirmer.id == Person.qpv_confirmed_by_id)
        .outerjoin(Spotting, Spotting.parcours_id == present.id)
        .outerjoin(spotter, spotter.id == Spotting.spotted_by_id)
        .outerjoin(source, source.id == Spotting.organisation_id)
        .outerjoin(Draft, is_unfinished_exchange())
        .where(Person.id == _PERSON, Person.cite_id == HERE)
        .order_by(Spotting.created_at)
        .limit(1)
    )


def find_file(person_id: uuid.UUID) -> File | None:
    """A person of the Cité being worked in, with all that the head shows, in one query; None when out of sight."""
    row = db.session.execute(_file(), {"person_id": person_id}).one_or_none()
    return File(*row) if row else None


class EventKind(enum.StrEnum):
    """What a timeline is made of, as it is filtered."""

    EXCHANGES = "echanges"
    PARCOURS = "parcours"
    DIAGNOSIS = "diagnostic"
    PLAN = "plan"
    STEPS = "a-faire"
    TEAM = "equipe"
    REMINDERS = "rappels"


EVENT_KIND_LABELS: dict[EventKind, str] = {
    EventKind.EXCHANGES: "Échanges",
    EventKind.PARCOURS: "Parcours",
    EventKind.DIAGNOSIS: "Diagnostic",
    EventKind.PLAN: "Plan d’action",
    EventKind.STEPS: "À faire",
    EventKind.TEAM: "Équipe",
    EventKind.REMINDERS: "Rappels",
}


@dataclass(frozen=True)
class Happening:
    """One line of the timeline; `code` and `other` are codes of the room that the `kind` names."""

    kind: str
    id: uuid.UUID
    on: date
    at: datetime
    who: str | None
    code: str
    other: str | None
    text: str | None
    note: str | None
    duration: int | None
    version: int | None
    agreed: bool | None
    """Whether they agreed to be contacted, when spotted."""
    informed: bool | None
    until: date | None
    """When a suspension was expected to end."""


def happenings_of(
    person_id: uuid.UUID,
    kind: EventKind | None = None,
    word: str = "",
    *,
    page: int = 1,
    size: int = EVENTS_A_PAGE,
) -> tuple[list[Happening], bool]:
    """One page of all that happened with a person, the latest first, and whether there is more; one query.

    With a `word`: only what holds it, whatever its accents and capitals.
    """
    asked = {"person_id": person_id, "first": (page - 1) * size, "most": size + 1}
    if word:
        asked["word"] = word
    rows = db.session.execute(_happenings(kind, bool(word)), asked).all()
    return [Happening(*row) for row in rows[:size]], len(rows) > size


@cache
def _happenings(kind: EventKind | None, holds_a_word: bool) -> sa.Select[*tuple[Any, ...]]:
    theirs = sa.select(Parcours.id).where(Parcours.person_id == _PERSON, Parcours.cite_id == HERE)
    branches = {
        EventKind.EXCHANGES: [_exchanges()],
        EventKind.PARCOURS: [_spottings(theirs), _moves(theirs), _checks()],
        EventKind.DIAGNOSIS: [_versions(), _settled_freins()],
        EventKind.PLAN: [_ended_etapes(), _settled_goals(), _agreements()],
        EventKind.STEPS: [_settled_steps()],
        EventKind.TEAM: [_assignments(theirs)],
        EventKind.REMINDERS: [_reminders()],
    }
    wanted = [branch for each, selects in branches.items() for branch in selects if kind in (None, each)]
    line = sa.union_all(*wanted).subquery("line")
    lines = sa.select(line)
    if holds_a_word:
        said = sa.func.app.fold(sa.func.concat_ws(" ", line.c.text, line.c.note, line.c.other))
        sought = sa.func.app.fold(sa.bindparam("word", type_=sa.Text()))
        lines = lines.where(sa.func.strpos(said, sought) > 0)
    return (
        lines.order_by(line.c.on.desc(), line.c.at.desc(), line.c.id)
        .offset(sa.bindparam("first", type_=sa.Integer()))
        .limit(sa.bindparam("most", type_=sa.Integer()))
    )


def _line(
    kind: str,
    identifier: Any,
    on: Any,
    at: Any,
    who: Any,
    code: Any,
    other: Any = None,
    text: Any = None,
    note: Any = None,
    duration: Any = None,
    version: Any = None,
    agreed: Any = None,
    informed: Any = None,
    until: Any = None,
) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(
        sa.literal(kind, sa.Text).label("kind"),
        identifier.label("id"),
        sa.cast(on, sa.Date).label("on"),
        at.label("at"),
        sa.cast(who, sa.Text).label("who"),
        sa.cast(code, sa.Text).label("code"),
        sa.cast(other, sa.Text).label("other"),
        sa.cast(text, sa.Text).label("text"),
        sa.cast(note, sa.Text).label("note"),
        sa.cast(duration, sa.Integer).label("duration"),
        sa.cast(version, sa.Integer).label("version"),
        sa.cast(agreed, sa.Boolean).label("agreed"),
        sa.cast(informed, sa.Boolean).label("informed"),
        sa.cast(until, sa.Date).label("until"),
    )


_name = User.first_name + " " + User.last_name


def _exchanges() -> sa.Select[*tuple[Any, ...]]:
    reached = sa.case((Interview.reached, "reached"), else_="missed")
    return (
        _line(
            "exchange", Interview.id, Interview.held_on, Interview.created_at, _name, Interview.mode, reached,
            Interview.synthesis, PrivateNote.body, Interview.duration, Interview.version,
        )
        .select_from(Interview)
        .join(User, User.id == Interview.author_id)
        .outerjoin(
            PrivateNote,
            sa.and_(PrivateNote.interview_id == Interview.id, PrivateNote.author_id == ME),
        )
        .where(Interview.person_id == _PERSON, Interview.cite_id == HERE)
    )  # fmt: skip


def _spottings(theirs: sa.Select[uuid.UUID]) -> sa.Select[*tuple[Any, ...]]:
    return (
        _line(
            "spotting", Spotting.id, Spotting.spotted_on, Spotting.created_at,
            sa.func.coalesce(_name, shown_name_of(Organisation)), Spotting.channel, Spotting.place, Spotting.first_need,
            agreed=Spotting.agreed_to_be_contacted, informed=Spotting.was_informed,
        )
        .select_from(Spotting)
        .outerjoin(User, User.id == Spotting.spotted_by_id)
        .outerjoin(Organisation, Organisation.id == Spotting.organisation_id)
        .where(Spotting.parcours_id.in_(theirs))
    )  # fmt: skip


def _moves(theirs: sa.Select[uuid.UUID]) -> sa.Select[*tuple[Any, ...]]:
    of_event = sa.case(
        (Transition.event == Event.SUSPEND, ListName.MOTIF_SUSPENSION.value),
        (Transition.event == Event.CONTRACT_BROKEN, ListName.FIN_EMPLOI.value),
    )
    is_seen = sa.or_(ListItem.cite_id.is_(None), ListItem.cite_id == HERE)
    hired = sa.case((Transition.event == Event.HIRE, _hired_as()))
    expected_end = sa.case((Transition.event == Event.SUSPEND, _suspended_until()))
    return (
        _line(
            "move", Transition.id, Transition.happened_on, Transition.recorded_at, _name, Transition.to_status,
            Transition.event, sa.func.coalesce(ListItem.label, Transition.reason, hired), until=expected_end,
        )
        .select_from(Transition)
        .outerjoin(User, User.id == Transition.recorded_by_id)
        .outerjoin(ListItem, sa.and_(ListItem.list == of_event, ListItem.code == Transition.reason, is_seen))
        .where(Transition.parcours_id.in_(theirs))
    )  # fmt: skip


def _hired_as() -> sa.ScalarSelect[str]:
    contract, is_contract = item_of(Job.contract, ListName.TYPE_CONTRAT)
    said = sa.func.concat_ws(
        ", ", Job.occupation, sa.func.coalesce(contract.label, Job.contract), Job.employer
    )
    return _begun_by_the_move(Job, sa.select(said).select_from(Job).outerjoin(contract, is_contract))


def _suspended_until() -> sa.ScalarSelect[date]:
    return _begun_by_the_move(Suspension, sa.select(Suspension.expected_end_on))


def _begun_by_the_move(model: Any, rows: sa.Select[Any]) -> sa.ScalarSelect[Any]:
    """Of the jobs or suspensions of that day, the one written with the move: two may have begun on one day."""
    apart = sa.func.abs(sa.extract("epoch", model.created_at - Transition.recorded_at))
    return (
        rows.where(
            model.person_id == _PERSON,
            model.parcours_id == Transition.parcours_id,
            model.started_on == Transition.happened_on,
        )
        .order_by(apart)
        .limit(1)
        .correlate(Transition)
        .scalar_subquery()
    )


def _assignments(theirs: sa.Select[uuid.UUID]) -> sa.Select[*tuple[Any, ...]]:
    referent = aliased(User)
    given_to = sa.func.coalesce(referent.first_name + " " + referent.last_name, shown_name_of(Organisation))
    return (
        _line(
            "assignment", Assignment.id, sa.func.timezone("Europe/Paris", Assignment.started_at),
            Assignment.started_at, _name, Assignment.kind, given_to, Assignment.reason,
        )
        .select_from(Assignment)
        .outerjoin(User, User.id == Assignment.assigned_by_id)
        .outerjoin(referent, referent.id == Assignment.referent_id)
        .outerjoin(Organisation, Organisation.id == Assignment.organisation_id)
        .where(Assignment.parcours_id.in_(theirs))
    )  # fmt: skip


def _settled_steps() -> sa.Select[*tuple[Any, ...]]:
    return (
        _line(
            "step", NextStep.id, sa.func.timezone("Europe/Paris", NextStep.settled_at), NextStep.settled_at, _name,
            NextStep.state, NextStep.title, NextStep.result,
        )
        .select_from(NextStep)
        .outerjoin(User, User.id == NextStep.settled_by_id)
        .where(
            NextStep.person_id == _PERSON,
            NextStep.cite_id == HERE,
            NextStep.state != StepState.TODO,
        )
    )  # fmt: skip


def _reminders() -> sa.Select[*tuple[Any, ...]]:
    return (
        _line(
            "reminder", Reminder.id, sa.func.timezone("Europe/Paris", Reminder.settled_at), Reminder.settled_at, _name,
            Reminder.rule,
        )
        .select_from(Reminder)
        .join(User, User.id == Reminder.recipient_id)
        .where(
            Reminder.person_id == _PERSON,
            Reminder.cite_id == HERE,
            Reminder.state == ReminderState.SENT,
        )
    )  # fmt: skip


def _checks() -> sa.Select[*tuple[Any, ...]]:
    in_job = sa.case((JobCheck.in_job, "in_job"), else_="left")
    return (
        _line(
            "check",
            JobCheck.id,
            JobCheck.done_on,
            JobCheck.recorded_at,
            _name,
            JobCheck.moment,
            in_job,
            JobCheck.note,
        )
        .select_from(JobCheck)
        .outerjoin(User, User.id == JobCheck.recorded_by_id)
        .where(JobCheck.person_id == _PERSON, JobCheck.cite_id == HERE)
    )


def _versions() -> sa.Select[*tuple[Any, ...]]:
    return (
        _line(
            "version", Diagnosis.id, Diagnosis.finished_on, Diagnosis.created_at, _name, Diagnosis.number,
            Diagnosis.occupation, Diagnosis.project,
        )
        .select_from(Diagnosis)
        .join(User, User.id == Diagnosis.author_id)
        .where(Diagnosis.person_id == _PERSON, Diagnosis.cite_id == HERE, Diagnosis.finished_on.is_not(None))
    )  # fmt: skip


def _settled_freins() -> sa.Select[*tuple[Any, ...]]:
    return (
        _line("frein", Frein.id, Frein.settled_on, Frein.recorded_at, _name, Frein.status, ListItem.label)
        .select_from(Frein)
        .join(
            ListItem,
            sa.and_(ListItem.list == ListName.FREIN, ListItem.code == Frein.code, ListItem.cite_id.is_(None)),
        )
        .outerjoin(User, User.id == Frein.recorded_by_id)
        .where(
            Frein.person_id == _PERSON,
            Frein.cite_id == HERE,
            Frein.settled_on.is_not(None),
            Frein.status == FreinStatus.LEVE,
        )
    )


def _ended_etapes() -> sa.Select[*tuple[Any, ...]]:
    return (
        _line(
            "etape", Etape.id, Etape.ended_on, Etape.created_at, shown_name_of(Organisation), Etape.status, Etape.label,
            Etape.note,
        )
        .select_from(Etape)
        .outerjoin(Organisation, Organisation.id == Etape.organisation_id)
        .where(
            Etape.person_id == _PERSON,
            Etape.cite_id == HERE,
            Etape.status.in_([EtapeStatus.REALISEE, EtapeStatus.ABANDONNEE]),
        )
    )  # fmt: skip


def _settled_goals() -> sa.Select[*tuple[Any, ...]]:
    return _line("goal", Goal.id, Goal.settled_on, Goal.created_at, sa.null(), Goal.status, Goal.label).where(
        Goal.person_id == _PERSON, Goal.cite_id == HERE, Goal.status != GoalStatus.OPEN
    )


def _agreements() -> sa.Select[*tuple[Any, ...]]:
    return (
        _line("agreement", Agreement.id, Agreement.agreed_on, Agreement.created_at, _name, Agreement.number)
        .select_from(Agreement)
        .join(User, User.id == Agreement.created_by_id)
        .where(Agreement.person_id == _PERSON, Agreement.cite_id == HERE)
    )


@dataclass(frozen=True)
class TeamMember:
    """Somebody who is or was around a person; `organisation` is masked when it is a « structure sensible ».

    `plain_organisation` is what may be read by anybody. `deputy` replaces them today, until `away_until`.
    """

    parcours_id: uuid.UUID
    kind: str
    name: str | None
    phone: str | None
    email: str | None
    organisation: str | None
    started_at: datetime
    ended_at: datetime | None
    reason: str | None
    deputy: str | None
    away_until: date | None
    plain_organisation: str | None


@dataclass(frozen=True)
class Around:
    """What stands around the head of a file: who, what comes next, freins, plan, life of the parcours."""

    team: Sequence[TeamMember]
    steps: Sequence[Any] = ()
    freins: Sequence[PresentFrein] = ()
    plan: Plan | None = None
    life: Life | None = None
    kin: Sequence[Kin] = ()


@cache
def _everything_around() -> Together:
    return Together(
        team=_team(),
        steps=steps_question(),
        freins=freins_question(),
        plan=plan_question(),
        life=life_question(),
        kin=household_of(),
    )


def around(file: File, *, follows: bool) -> Around:
    """All of it in one trip, or the team alone for whoever does not follow the person.

    Present référents come first, then those who were, the latest first.
    """
    asked = {"person_id": file.person.id, "parcours_id": file.parcours.id}
    if not follows:
        return Around([TeamMember(*row) for row in db.session.execute(_team(), asked)])
    told = _everything_around().ask(asked)
    return Around(
        [TeamMember(*row) for row in told["team"]],
        told["steps"],
        freins_from(told["freins"]),
        plan_from(told["plan"]),
        life_from(told["life"][0]) if told["life"] else None,
        kin_of(told["kin"]),
    )


@cache
def _team() -> sa.Select[*tuple[Any, ...]]:
    away = present_absences()
    theirs = sa.select(Parcours.id).where(Parcours.person_id == _PERSON, Parcours.cite_id == HERE)
    return (
        sa.select(
            Assignment.parcours_id,
            Assignment.kind,
            _name.label("name"),
            User.phone,
            User.email,
            shown_name_of(Organisation).label("organisation"),
            Assignment.started_at,
            Assignment.ended_at,
            Assignment.reason,
            away.c.deputy,
            away.c.ends_on.label("away_until"),
            sa.case((sa.not_(Organisation.is_sensitive), Organisation.name)).label("plain_organisation"),
        )
        .select_from(Assignment)
        .outerjoin(User, User.id == Assignment.referent_id)
        .outerjoin(Organisation, Organisation.id == Assignment.organisation_id)
        .outerjoin(
            away,
            sa.and_(
                away.c.absent_id == Assignment.referent_id,
                away.c.cite_id == Assignment.cite_id,
                Assignment.ended_at.is_(None),
            ),
        )
        .where(Assignment.parcours_id.in_(theirs))
        .order_by(
            Assignment.ended_at.is_not(None),
            Assignment.kind.desc(),
            Assignment.started_at.desc(),
            Assignment.id,
        )
    )
