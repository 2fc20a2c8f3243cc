"""Reads about plans: goals and étapes as rows, the agreement in force, kept plans, papers, what is late.

`overdue_etapes` and `agreements_to_review` are what « Ma journée » shows: nothing of it is stored.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from cityjobs.accounts.models import User
from cityjobs.core.clock import today
from cityjobs.core.db import HERE, Day, Who, acting, db
from cityjobs.diagnosis.models import Diagnosis, Frein
from cityjobs.diagnosis.rules import PRESENT_STATUSES, FreinStatus
from cityjobs.parcours.models import Assignment, Parcours
from cityjobs.parcours.queries import is_followed_by
from cityjobs.parcours.rules.lifecycle import CLOSED_STATUSES, AssignmentKind
from cityjobs.people.models import Person
from cityjobs.plans.models import (
    Agreement,
    AgreementGoal,
    Attachment,
    Etape,
    EtapeGoal,
    Goal,
    PlanTemplate,
    PlanTemplateLine,
)
from cityjobs.plans.rules import (
    AgreementWay,
    AttachmentSubject,
    EtapeStatus,
    GoalStatus,
    KeptLine,
    is_overdue,
    is_ready_to_settle,
    progress_of,
)
from cityjobs.territory.models import Organisation
from cityjobs.territory.queries import is_in_collective, shown_name_of
from cityjobs.territory.rules import SEES_SENSITIVE
from cityjobs.vocabulary.models import ListItem
from cityjobs.vocabulary.rules import ListName

# The plan of a parcours, as rows


@dataclass(frozen=True)
class EtapeRow:
    """An étape as pages show it; codes of lists are said in words."""

    id: uuid.UUID
    type: str
    type_label: str
    label: str
    status: EtapeStatus
    partner: str | None
    planned_from: date | None
    planned_to: date | None
    started_on: date | None
    ended_on: date | None
    hours: Decimal | None
    cost_euros: Decimal | None
    result: str | None
    abandon_reason: str | None
    note: str | None
    version: int
    created_at: datetime
    is_overdue: bool
    is_sensitive: bool
    """Whether its very type tells what only those who follow the person may read."""
    partner_is_sensitive: bool

    @property
    def rank(self) -> tuple[date, datetime]:
        """In which order étapes are read: as planned, then as written."""
        return self.planned_to or self.planned_from or self.started_on or date.max, self.created_at


@dataclass(frozen=True)
class GoalRow:
    """A goal and the étapes that serve it, in the order in which they are planned."""

    id: uuid.UUID
    code: str | None
    label: str
    status: GoalStatus
    opened_on: date
    settled_on: date | None
    version: int
    created_at: datetime
    is_sensitive: bool
    etapes: tuple[EtapeRow, ...]

    @property
    def progress(self) -> tuple[int, int]:
        """Étapes done, of how many."""
        return progress_of(etape.status for etape in self.etapes)


@dataclass(frozen=True)
class Group:
    """The goals about one frein, or about the project: then the frein is empty."""

    frein_id: uuid.UUID | None
    code: str | None
    label: str
    status: FreinStatus | None
    is_sensitive: bool
    goals: tuple[GoalRow, ...]

    @property
    def takes_goals(self) -> bool:
        """Whether a goal may be added: not about a frein that was lifted or set aside."""
        return self.status is None or self.status in PRESENT_STATUSES


@dataclass(frozen=True)
class AgreementRow:
    """The agreement in force."""

    number: int
    agreed_on: date
    review_on: date
    way: AgreementWay


@dataclass(frozen=True)
class Plan:
    """The whole plan of a parcours."""

    groups: tuple[Group, ...]
    loose: tuple[EtapeRow, ...]
    """Étapes that serve no goal."""
    agreement: AgreementRow | None

    @property
    def goals(self) -> list[GoalRow]:
        """Every goal, group after group."""
        return [goal for group in self.groups for goal in group.goals]

    @property
    def etapes(self) -> list[EtapeRow]:
        """Every étape, once, in the order in which they are planned."""
        found = {etape.id: etape for goal in self.goals for etape in goal.etapes}
        return sorted([*found.values(), *self.loose], key=lambda etape: etape.rank)

    @property
    def plain_etapes(self) -> list[EtapeRow]:
        """Those that may be read by others than who follows the person: neither their type nor what they serve is sensitive."""
        served = {
            etape.id
            for group in self.groups
            for goal in group.goals
            if group.is_sensitive or goal.is_sensitive
            for etape in goal.etapes
        }
        return [etape for etape in self.etapes if not etape.is_sensitive and etape.id not in served]

    @property
    def progress(self) -> tuple[int, int]:
        """Étapes done, of how many."""
        return progress_of(etape.status for etape in self.etapes)

    @property
    def late(self) -> int:
        """How many étapes should be over and are not."""
        return sum(etape.is_overdue for etape in self.etapes)


PROJECT = "Projet professionnel"
_OF_PARCOURS = sa.bindparam("parcours_id", type_=sa.Uuid())


def _label_of(column: Any, name: ListName) -> tuple[type[ListItem], sa.ColumnElement[bool]]:
    """A line of a list, aliased, and how it is joined to the column that holds its code."""
    item = aliased(ListItem)
    is_seen = sa.or_(item.cite_id.is_(None), item.cite_id == HERE)
    return item, sa.and_(item.list == name, item.code == column, is_seen)


@cache
def plan_question() -> sa.Select[*tuple[Any, ...]]:
    """What `plan_from` reads: every goal and étape about the parcours `parcours_id`, beside the agreement in force."""
    frein = sa.select(Frein.id, Frein.code, Frein.status).where(Frein.parcours_id == _OF_PARCOURS).subquery()
    goal = sa.select(Goal).where(Goal.parcours_id == _OF_PARCOURS).subquery()
    mine = sa.select(Goal.id).where(Goal.parcours_id == _OF_PARCOURS)
    link = sa.select(EtapeGoal).where(EtapeGoal.goal_id.in_(mine)).subquery()
    etape = sa.select(Etape).where(Etape.parcours_id == _OF_PARCOURS).subquery()
    whole = (
        frein.join(goal, goal.c.frein_id == frein.c.id, full=True)
        .join(link, link.c.goal_id == goal.c.id, full=True)
        .join(etape, etape.c.id == link.c.etape_id, full=True)
    )
    frein_item, of_frein = _label_of(frein.c.code, ListName.FREIN)
    goal_item, of_goal = _label_of(goal.c.code, ListName.OBJECTIF)
    type_item, of_type = _label_of(etape.c.type, ListName.TYPE_ETAPE)
    result_item, of_result = _label_of(etape.c.result, ListName.RESULTAT_ETAPE)
    reason_item, of_reason = _label_of(etape.c.abandon_reason, ListName.MOTIF_ABANDON)
    in_force = sa.and_(Agreement.parcours_id == Parcours.id, Agreement.ended_on.is_(None))
    named: dict[str, list[Any]] = {
        "frein": [frein.c.id, frein.c.code, frein.c.status, frein_item.label, frein_item.is_sensitive],
        "goal": [goal.c.id, goal.c.code, goal.c.label, goal.c.status, goal.c.opened_on, goal.c.settled_on, goal.c.version, goal.c.created_at, goal_item.is_sensitive],
        "etape": [
            etape.c.id, etape.c.type, type_item.label, etape.c.label, etape.c.status,
            shown_name_of(Organisation), etape.c.planned_from, etape.c.planned_to, etape.c.started_on, etape.c.ended_on,
            etape.c.hours, etape.c.cost_euros, result_item.label, reason_item.label, etape.c.note, etape.c.version,
            etape.c.created_at, type_item.is_sensitive, Organisation.is_sensitive,
        ],
        "agreement": [Agreement.number, Agreement.agreed_on, Agreement.review_on, Agreement.way],
    }  # fmt: skip
    columns = [
        column.label(f"{part}_{place}")
        for part, listed in named.items()
        for place, column in enumerate(listed)
    ]
    return (
        sa.select(*columns)
        .select_from(Parcours)
        .outerjoin(whole, sa.true())
        .outerjoin(Agreement, in_force)
        .outerjoin(Organisation, Organisation.id == etape.c.organisation_id)
        .outerjoin(frein_item, of_frein)
        .outerjoin(goal_item, of_goal)
        .outerjoin(type_item, of_type)
        .outerjoin(result_item, of_result)
        .outerjoin(reason_item, of_reason)
        .where(Parcours.id == _OF_PARCOURS, Parcours.cite_id == HERE)
        .order_by(frein_item.rank, frein.c.code)
    )


_PARTS = {"frein": 5, "goal": 9, "etape": 19, "agreement": 4}


def find_plan(parcours_id: uuid.UUID) -> Plan:
    """The whole plan of a parcours, in one question."""
    return plan_from(db.session.execute(plan_question(), {"parcours_id": parcours_id}))


def plan_from(rows: Iterable[Any]) -> Plan:
    """Rows of `plan_question`: goals by frein then about the project, étapes, the agreement in force.

    A frein that is neither there any more nor the reason of a goal is left out.
    """
    freins: dict[uuid.UUID | None, tuple[Any, ...]] = {}
    goals: dict[uuid.UUID, tuple[uuid.UUID | None, tuple[Any, ...]]] = {}
    etapes: dict[uuid.UUID, EtapeRow] = {}
    served: dict[uuid.UUID | None, list[EtapeRow]] = {}
    agreement: AgreementRow | None = None
    for row in rows:
        frein, goal, etape, agreed = _parts_of(tuple(row))
        if frein[0]:
            freins.setdefault(frein[0], frein)
        if goal[0]:
            goals.setdefault(goal[0], (frein[0], goal))
        if etape[0]:
            shown = etapes.setdefault(etape[0], _etape_row(etape))
            served.setdefault(goal[0], []).append(shown)
        if agreed[0]:
            agreement = AgreementRow(agreed[0], agreed[1], agreed[2], AgreementWay(agreed[3]))
    about: dict[uuid.UUID | None, list[GoalRow]] = {}
    for goal_id, (frein_id, told) in goals.items():
        about.setdefault(frein_id, []).append(_goal_row(told, served.get(goal_id, [])))
    groups = [
        Group(
            frein_id,
            code,
            label or code,
            FreinStatus(status),
            bool(hides),
            _in_order(about.get(frein_id, ())),
        )
        for frein_id, code, status, label, hides in freins.values()
        if frein_id in about or FreinStatus(status) in PRESENT_STATUSES
    ]
    groups.sort(key=lambda group: not group.takes_goals)
    project = Group(None, None, PROJECT, None, False, _in_order(about.get(None, ())))
    loose = sorted(served.get(None, []), key=lambda each: each.rank)
    return Plan((*groups, project), tuple(loose), agreement)


def _parts_of(row: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    parts, first = [], 0
    for width in _PARTS.values():
        parts.append(row[first : first + width])
        first += width
    return parts


def _etape_row(told: tuple[Any, ...]) -> EtapeRow:
    key, code, type_label, label, status, partner, planned_from, planned_to = told[:8]
    started_on, ended_on, hours, cost_euros, result, abandon_reason, note, version, created_at = told[8:17]
    stands = EtapeStatus(status)
    return EtapeRow(
        key, code, type_label or code, label, stands, partner, planned_from, planned_to, started_on, ended_on, hours,
        cost_euros, result, abandon_reason, note, version, created_at, is_overdue(stands, planned_to, today()),
        bool(told[17]), bool(told[18]),
    )  # fmt: skip


def _goal_row(told: tuple[Any, ...], etapes: Iterable[EtapeRow]) -> GoalRow:
    key, code, label, status, opened_on, settled_on, version, created_at, hides = told
    served = tuple(sorted(etapes, key=lambda each: each.rank))
    return GoalRow(
        key, code, label, GoalStatus(status), opened_on, settled_on, version, created_at, bool(hides), served
    )


def _in_order(goals: Iterable[GoalRow]) -> tuple[GoalRow, ...]:
    return tuple(sorted(goals, key=lambda goal: (goal.status is not GoalStatus.OPEN, goal.created_at)))


# One goal, one étape, through whoever they are about


def find_goal(
    person_id: uuid.UUID, goal_id: uuid.UUID, *, to_change: bool = False
) -> tuple[Person, Parcours, Goal] | None:
    """A goal of this very person with its parcours; None when out of sight. `to_change` makes writers wait."""
    wanted = _through_person(Goal, person_id).where(Goal.id == goal_id)
    held = wanted.with_for_update(of=Goal, key_share=True) if to_change else wanted
    row = db.session.execute(held).one_or_none()
    return (row[0], row[1], row[2]) if row else None


def find_etape(
    person_id: uuid.UUID, etape_id: uuid.UUID, *, to_change: bool = False
) -> tuple[Person, Parcours, Etape] | None:
    """An étape of this very person with its parcours; None when out of sight. `to_change` makes writers wait."""
    wanted = _through_person(Etape, person_id).where(Etape.id == etape_id)
    held = wanted.with_for_update(of=Etape, key_share=True) if to_change else wanted
    row = db.session.execute(held).one_or_none()
    return (row[0], row[1], row[2]) if row else None


def _through_person(model: Any, person_id: uuid.UUID) -> sa.Select[Any]:
    of_person = sa.and_(Parcours.person_id == Person.id, Parcours.cite_id == Person.cite_id)
    of_parcours = sa.and_(model.parcours_id == Parcours.id, model.cite_id == Parcours.cite_id)
    return (
        sa.select(Person, Parcours, model)
        .select_from(Person)
        .join(Parcours, of_person)
        .join(model, of_parcours)
        .where(Person.id == person_id, Person.cite_id == acting().cite_id)
    )


# What forms offer


@dataclass(frozen=True)
class Choice:
    """A line that a form offers: a goal, a frein, a partner, a kept plan."""

    code: str
    label: str
    is_active: bool = True
    parent: str | None = None


def goals_to_choose(
    parcours_id: uuid.UUID, etape_id: uuid.UUID | None = None
) -> tuple[list[Choice], list[str]]:
    """The goals of a parcours, those settled no longer offered; and the identifiers of those an étape serves."""
    serves = (
        sa.select(EtapeGoal.etape_id)
        .where(EtapeGoal.goal_id == Goal.id, EtapeGoal.etape_id == etape_id)
        .correlate(Goal)
        .exists()
    )
    rows = db.session.execute(
        sa.select(Goal.id, Goal.label, Goal.status, serves)
        .where(Goal.parcours_id == parcours_id, Goal.cite_id == acting().cite_id)
        .order_by(Goal.created_at, Goal.id)
    ).all()
    choices = [Choice(str(row.id), row.label, row.status == GoalStatus.OPEN) for row in rows]
    return choices, [str(row.id) for row in rows if row[3]]


def partners_to_choose(kept: uuid.UUID | None = None) -> list[Choice]:
    """The organisations of the collective, by name.

    Whoever may not read the names of sensitive ones is not offered them, but keeps the one already chosen.
    """
    shown = shown_name_of(Organisation)
    chosen = is_in_collective(acting().cite_id)  # type: ignore[arg-type]
    if acting().role not in SEES_SENSITIVE:
        chosen = sa.and_(chosen, sa.not_(Organisation.is_sensitive))
    rows = db.session.execute(
        sa.select(Organisation.id, shown, chosen)
        .where(sa.or_(chosen, Organisation.id == kept))
        .order_by(sa.func.app.fold(shown), Organisation.id)
    )
    return [Choice(str(row[0]), row[1], bool(row[2])) for row in rows]


# When the last étape ends


@dataclass(frozen=True)
class Endings:
    """What may be settled when an étape ends: goals and freins that nothing else is open for."""

    goals: tuple[Choice, ...] = ()
    freins: tuple[Choice, ...] = ()


def endings_of(etape: Etape) -> Endings:
    """The goals that an étape serves, and their freins, when all their other étapes are over: one question."""
    mine = sa.select(EtapeGoal.goal_id).where(EtapeGoal.etape_id == etape.id)
    goal, other = aliased(Goal), aliased(Etape)
    frein_item, of_frein = _label_of(Frein.code, ListName.FREIN)
    about = sa.select(Goal.frein_id).where(Goal.id.in_(mine), Goal.frein_id.is_not(None))
    rows = db.session.execute(
        sa.select(
            goal.id, goal.label, goal.status, goal.id.in_(mine), Frein.id, Frein.status, frein_item.label, other.id, other.status
        )
        .select_from(goal)
        .outerjoin(Frein, Frein.id == goal.frein_id)
        .outerjoin(frein_item, of_frein)
        .outerjoin(EtapeGoal, EtapeGoal.goal_id == goal.id)
        .outerjoin(other, other.id == EtapeGoal.etape_id)
        .where(
            goal.parcours_id == etape.parcours_id,
            goal.cite_id == acting().cite_id,
            sa.or_(goal.id.in_(mine), goal.frein_id.in_(about)),
        )
        .order_by(goal.created_at, goal.id)
    ).all()  # fmt: skip
    goals: dict[uuid.UUID, Choice] = {}
    freins: dict[uuid.UUID, Choice] = {}
    around_goal: dict[uuid.UUID, set[EtapeStatus]] = {}
    around_frein: dict[uuid.UUID, set[EtapeStatus]] = {}
    for goal_id, label, status, is_mine, frein_id, frein_status, frein_label, other_id, other_status in rows:
        others = {EtapeStatus(other_status)} if other_id and other_id != etape.id else set()
        if is_mine and status == GoalStatus.OPEN:
            goals.setdefault(goal_id, Choice(str(goal_id), label))
        around_goal.setdefault(goal_id, set()).update(others)
        if frein_id and FreinStatus(frein_status) in PRESENT_STATUSES:
            freins.setdefault(frein_id, Choice(str(frein_id), frein_label))
            around_frein.setdefault(frein_id, set()).update(others)
    return Endings(
        tuple(each for key, each in goals.items() if is_ready_to_settle(around_goal[key])),
        tuple(each for key, each in freins.items() if is_ready_to_settle(around_frein[key])),
    )


def goals_held(parcours_id: uuid.UUID, goal_ids: Iterable[uuid.UUID]) -> Sequence[Goal]:
    """Some open goals of a parcours, held against other writers."""
    return db.session.scalars(
        sa.select(Goal)
        .where(
            Goal.parcours_id == parcours_id,
            Goal.cite_id == acting().cite_id,
            Goal.status == GoalStatus.OPEN,
            Goal.id.in_(list(goal_ids)),
        )
        .order_by(Goal.created_at, Goal.id)
        .with_for_update(key_share=True)
    ).all()


def freins_held(parcours_id: uuid.UUID, frein_ids: Iterable[uuid.UUID]) -> Sequence[Frein]:
    """Some freins of a parcours, held against other writers."""
    return db.session.scalars(
        sa.select(Frein)
        .where(Frein.parcours_id == parcours_id, Frein.cite_id == acting().cite_id, Frein.id.in_(list(frein_ids)))
        .order_by(Frein.id)
        .with_for_update(key_share=True)
    ).all()  # fmt: skip


def links_of(etape_id: uuid.UUID) -> Sequence[EtapeGoal]:
    """Which goals an étape serves, as rows to change."""
    return db.session.scalars(sa.select(EtapeGoal).where(EtapeGoal.etape_id == etape_id)).all()


# Kept plans


@dataclass(frozen=True)
class KeptPlan:
    """A plan that the Cité keeps, and its lines."""

    template: PlanTemplate
    lines: tuple[KeptLine, ...]


def kept_plans(*, aside: bool = False) -> list[KeptPlan]:
    """The plans that the Cité keeps, by name; `aside` adds those set aside, last."""
    chosen = PlanTemplate.cite_id == acting().cite_id
    rows = db.session.execute(
        sa.select(PlanTemplate, PlanTemplateLine)
        .join(PlanTemplateLine, PlanTemplateLine.template_id == PlanTemplate.id)
        .where(chosen if aside else sa.and_(chosen, PlanTemplate.is_active))
        .order_by(
            PlanTemplate.is_active.desc(), sa.func.app.fold(PlanTemplate.name), PlanTemplate.id, PlanTemplateLine.rank
        )
    )  # fmt: skip
    found: dict[uuid.UUID, tuple[PlanTemplate, list[KeptLine]]] = {}
    for template, line in rows:
        found.setdefault(template.id, (template, []))[1].append(_kept_line(line))
    return [KeptPlan(template, tuple(lines)) for template, lines in found.values()]


def _kept_line(line: PlanTemplateLine) -> KeptLine:
    return KeptLine(
        line.goal_label, line.frein_code, line.goal_code, line.etape_type, line.etape_label, line.after_days
    )


def find_kept_plan(template_id: uuid.UUID, *, to_change: bool = False) -> PlanTemplate | None:
    """A plan that this very Cité keeps; None for any other. `to_change` makes overlapping writers wait."""
    wanted = sa.select(PlanTemplate).where(
        PlanTemplate.id == template_id, PlanTemplate.cite_id == acting().cite_id
    )
    return db.session.scalar(wanted.with_for_update(key_share=True) if to_change else wanted)


# Agreements and papers


def find_agreement(
    parcours_id: uuid.UUID, number: int, *, to_change: bool = False
) -> tuple[Agreement, str | None, str] | None:
    """An agreement of a parcours, with whom besides the person, and who wrote it; None when there is none."""
    wanted = (
        sa.select(Agreement, shown_name_of(Organisation), User.first_name + " " + User.last_name)
        .outerjoin(Organisation, Organisation.id == Agreement.organisation_id)
        .join(User, User.id == Agreement.created_by_id)
        .where(
            Agreement.parcours_id == parcours_id,
            Agreement.number == number,
            Agreement.cite_id == acting().cite_id,
        )
    )
    held = wanted.with_for_update(of=Agreement, key_share=True) if to_change else wanted
    row = db.session.execute(held).one_or_none()
    return (row[0], row[1], row[2]) if row else None


def find_agreement_in_force(parcours_id: uuid.UUID, *, to_change: bool = False) -> Agreement | None:
    """The agreement that holds now."""
    wanted = sa.select(Agreement).where(
        Agreement.parcours_id == parcours_id,
        Agreement.cite_id == acting().cite_id,
        Agreement.ended_on.is_(None),
    )
    return db.session.scalar(wanted.with_for_update(key_share=True) if to_change else wanted)


def find_last_number(parcours_id: uuid.UUID) -> int:
    """The number of the latest agreement of a parcours; 0 without any."""
    last = sa.select(sa.func.max(Agreement.number)).where(Agreement.parcours_id == parcours_id)
    return db.session.scalar(last) or 0


def accepted_in(agreement: Agreement) -> list[tuple[str, str | None]]:
    """What the person accepted, as it was worded then, and the frein that each goal is about.

    Partners read the paper: a sensitive frein is not named on it.
    """
    frein_item, of_frein = _label_of(Frein.code, ListName.FREIN)
    rows = db.session.execute(
        sa.select(AgreementGoal.label, sa.case((sa.not_(frein_item.is_sensitive), frein_item.label)))
        .join(Goal, Goal.id == AgreementGoal.goal_id)
        .outerjoin(Frein, Frein.id == Goal.frein_id)
        .outerjoin(frein_item, of_frein)
        .where(AgreementGoal.agreement_id == agreement.id, AgreementGoal.cite_id == acting().cite_id)
        .order_by(frein_item.rank.nulls_last(), Goal.created_at, Goal.id)
    )
    return [(row[0], row[1]) for row in rows]


@dataclass(frozen=True)
class PaperRow:
    """A paper as pages list it, without its content; `size` in bytes."""

    id: uuid.UUID
    name: str
    media_type: str
    size: int
    added_at: datetime
    added_by_id: uuid.UUID
    added_by: str


def papers_of(subject: AttachmentSubject, subject_id: uuid.UUID) -> list[PaperRow]:
    """The papers of an agreement or, under the identifier of its parcours, of an exit: the first one first."""
    rows = db.session.execute(
        sa.select(
            Attachment.id,
            Attachment.name,
            Attachment.media_type,
            Attachment.size,
            Attachment.added_at,
            Attachment.added_by_id,
            User.first_name + " " + User.last_name,
        )
        .join(User, User.id == Attachment.added_by_id)
        .where(
            Attachment.subject == subject,
            Attachment.subject_id == subject_id,
            Attachment.cite_id == acting().cite_id,
        )
        .order_by(Attachment.added_at, Attachment.id)
    )
    return [PaperRow(*row) for row in rows]


def count_papers(subject: AttachmentSubject, subject_id: uuid.UUID, *, but_not: uuid.UUID) -> int:
    """How many papers there are about something, besides one."""
    others = sa.select(sa.func.count()).where(
        Attachment.subject == subject, Attachment.subject_id == subject_id, Attachment.id != but_not
    )
    return db.session.scalar(others) or 0


def find_paper(person_id: uuid.UUID, paper_id: uuid.UUID, *, with_content: bool = False) -> Attachment | None:
    """A paper of this very person; None when out of sight. Its content is read only when it is asked for."""
    wanted = sa.select(Attachment).where(
        Attachment.id == paper_id, Attachment.person_id == person_id, Attachment.cite_id == acting().cite_id
    )
    if with_content:
        wanted = wanted.options(sa.orm.undefer(Attachment.content))
    return db.session.scalar(wanted)


# What falls due

_referent = sa.and_(
    Assignment.parcours_id == Parcours.id,
    Assignment.cite_id == Parcours.cite_id,
    Assignment.kind == sa.literal_column(f"'{AssignmentKind.REFERENT}'"),
    Assignment.ended_at.is_(None),
)
# Written out and not bound: the planner must recognise the condition of the partial indexes.
_IS_OPEN = Parcours.status.not_in([sa.literal_column(f"'{status}'") for status in sorted(CLOSED_STATUSES)])
_IS_TO_DO = Etape.status.in_(
    [sa.literal_column(f"'{status}'") for status in (EtapeStatus.PREVUE, EtapeStatus.EN_COURS, EtapeStatus.EN_ATTENTE)]
)  # fmt: skip


def _of_open_parcours(
    model: Any, *columns: Any, referent_id: Who | None, on: Day
) -> sa.Select[*tuple[Any, ...]]:
    rows = (
        sa.select(
            *columns,
            model.parcours_id,
            model.person_id,
            model.cite_id,
            Person.first_name,
            Person.last_name,
            Assignment.referent_id,
        )
        .select_from(model)
        .join(Parcours, sa.and_(Parcours.id == model.parcours_id, Parcours.cite_id == model.cite_id))
        .join(Person, sa.and_(Person.id == Parcours.person_id, Person.cite_id == Parcours.cite_id))
        .outerjoin(Assignment, _referent)
        .where(_IS_OPEN)
    )
    if referent_id is None:
        return rows
    return rows.where(is_followed_by(referent_id, on))


def overdue_etapes(on: Day, *, referent_id: Who | None = None) -> sa.Select[*tuple[Any, ...]]:
    """Étapes of open parcours that should have been over before a day and are not.

    One row per étape: etape_id, label, type, status, planned_to, version, parcours_id, person_id, cite_id, first_name,
    last_name, referent_id (None when nobody is named). With `referent_id`: of whom this professional follows, also as
    co-référent.
    """
    columns = (
        Etape.id.label("etape_id"),
        Etape.label,
        Etape.type,
        Etape.status,
        Etape.planned_to,
        Etape.version,
    )
    rows = _of_open_parcours(Etape, *columns, referent_id=referent_id, on=on)
    return rows.where(_IS_TO_DO, Etape.planned_to < on).order_by(Etape.planned_to, Etape.created_at, Etape.id)


def agreements_to_review(on: Day, *, referent_id: Who | None = None) -> sa.Select[*tuple[Any, ...]]:
    """Agreements in force in open parcours whose review was due by a day.

    One row per agreement: agreement_id, number, agreed_on, review_on, version, parcours_id, person_id, cite_id,
    first_name, last_name, referent_id. With `referent_id`: of whom this professional follows, also as co-référent.
    """
    columns = (
        Agreement.id.label("agreement_id"),
        Agreement.number,
        Agreement.agreed_on,
        Agreement.review_on,
        Agreement.version,
    )
    rows = _of_open_parcours(Agreement, *columns, referent_id=referent_id, on=on)
    return rows.where(Agreement.ended_on.is_(None), Agreement.review_on <= on).order_by(
        Agreement.review_on, Agreement.id
    )


# What a closed parcours leaves open


@dataclass(frozen=True)
class OpenThing:
    """An étape, a goal, an agreement or a version of the diagnosis that is not over; `on` is when it was to end, was agreed, or began."""

    kind: str
    id: uuid.UUID
    label: str
    status: str
    on: date | None


def open_things(parcours_id: uuid.UUID, *, to_change: bool = False) -> list[OpenThing]:
    """What is still open in a parcours: étapes, goals, the agreement, the version of its diagnosis, in one question.

    `to_change` first holds them against other writers.
    """
    mine = {"etape": (Etape, _IS_TO_DO), "goal": (Goal, Goal.status == GoalStatus.OPEN),
            "agreement": (Agreement, Agreement.ended_on.is_(None)),
            "diagnosis": (Diagnosis, Diagnosis.finished_on.is_(None))}  # fmt: skip
    if to_change:
        for model, is_open in mine.values():
            held: Any = model
            db.session.execute(
                sa.select(held.id)
                .where(held.parcours_id == parcours_id, is_open)
                .order_by(held.id)
                .with_for_update(key_share=True)
            ).close()
    said: dict[str, tuple[Any, ...]] = {
        "etape": (Etape.label, Etape.status, Etape.planned_to),
        "goal": (Goal.label, Goal.status, Goal.opened_on),
        "agreement": (sa.cast(Agreement.number, sa.Text), sa.literal("in_force"), Agreement.agreed_on),
        "diagnosis": (sa.cast(Diagnosis.number, sa.Text), sa.literal("open"), Diagnosis.opened_on),
    }
    parts = []
    for place, (kind, (model, is_open)) in enumerate(mine.items()):
        table: Any = model
        part = sa.select(
            sa.literal(place).label("place"), sa.literal(kind).label("kind"), table.id.label("id"),
            *(column.label(name) for column, name in zip(said[kind], ("label", "status", "on"), strict=True)),
        )  # fmt: skip
        parts.append(part.where(table.parcours_id == parcours_id, table.cite_id == acting().cite_id, is_open))
    found = sa.union_all(*parts).subquery()
    rows = db.session.execute(
        sa.select(found).order_by(found.c.place, found.c.on.nulls_last(), found.c.label, found.c.id)
    )
    return [OpenThing(row.kind, row.id, row.label, row.status, row.on) for row in rows]
