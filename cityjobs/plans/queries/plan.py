"""The plan of a parcours as rows: its goals by frein, their étapes, the agreement in force or else the last one."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import sqlalchemy as sa

from cityjobs.core.clock import today
from cityjobs.core.db import HERE, db
from cityjobs.diagnosis.models import Frein
from cityjobs.diagnosis.rules import PRESENT_STATUSES, FreinStatus
from cityjobs.parcours.models import Parcours
from cityjobs.plans.models import Agreement, Attachment, Etape, EtapeGoal, Goal
from cityjobs.plans.rules import (
    AgreementWay,
    AttachmentSubject,
    EtapeStatus,
    GoalStatus,
    is_overdue,
    progress_of,
)
from cityjobs.territory.models import Organisation
from cityjobs.territory.queries import shown_name_of
from cityjobs.vocabulary.queries import item_of
from cityjobs.vocabulary.rules import ListName


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
    """An agreement, and how many papers are attached to it; it is in force until it ends."""

    number: int
    agreed_on: date
    review_on: date
    way: AgreementWay
    ended_on: date | None
    papers: int


@dataclass(frozen=True)
class Plan:
    """The whole plan of a parcours."""

    groups: tuple[Group, ...]
    loose: tuple[EtapeRow, ...]
    """Étapes that serve no goal."""
    last_agreement: AgreementRow | None
    """The one in force or, without any, the last that was."""

    @property
    def agreement(self) -> AgreementRow | None:
        """The agreement in force."""
        last = self.last_agreement
        return last if last and last.ended_on is None else None

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


@cache
def plan_question() -> sa.Select[*tuple[Any, ...]]:
    """What `plan_from` reads: every goal and étape about the parcours `parcours_id`, beside its agreement."""
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
    frein_item, of_frein = item_of(frein.c.code, ListName.FREIN)
    goal_item, of_goal = item_of(goal.c.code, ListName.OBJECTIF)
    type_item, of_type = item_of(etape.c.type, ListName.TYPE_ETAPE)
    result_item, of_result = item_of(etape.c.result, ListName.RESULTAT_ETAPE)
    reason_item, of_reason = item_of(etape.c.abandon_reason, ListName.MOTIF_ABANDON)
    agreement = _last_agreement()
    named: dict[str, list[Any]] = {
        "frein": [frein.c.id, frein.c.code, frein.c.status, frein_item.label, frein_item.is_sensitive],
        "goal": [goal.c.id, goal.c.code, goal.c.label, goal.c.status, goal.c.opened_on, goal.c.settled_on, goal.c.version, goal.c.created_at, goal_item.is_sensitive],
        "etape": [
            etape.c.id, etape.c.type, type_item.label, etape.c.label, etape.c.status,
            shown_name_of(Organisation), etape.c.planned_from, etape.c.planned_to, etape.c.started_on, etape.c.ended_on,
            etape.c.hours, etape.c.cost_euros, result_item.label, reason_item.label, etape.c.note, etape.c.version,
            etape.c.created_at, type_item.is_sensitive, Organisation.is_sensitive,
        ],
        "agreement": list(agreement.c),
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
        .outerjoin(agreement, sa.true())
        .outerjoin(Organisation, Organisation.id == etape.c.organisation_id)
        .outerjoin(frein_item, of_frein)
        .outerjoin(goal_item, of_goal)
        .outerjoin(type_item, of_type)
        .outerjoin(result_item, of_result)
        .outerjoin(reason_item, of_reason)
        .where(Parcours.id == _OF_PARCOURS, Parcours.cite_id == HERE)
        .order_by(frein_item.rank, frein.c.code)
    )


def _last_agreement() -> sa.Subquery:
    papers = (
        sa.select(sa.func.count())
        .where(Attachment.subject == AttachmentSubject.AGREEMENT, Attachment.subject_id == Agreement.id)
        .correlate(Agreement)
        .scalar_subquery()
    )
    return (
        sa.select(
            Agreement.number,
            Agreement.agreed_on,
            Agreement.review_on,
            Agreement.way,
            Agreement.ended_on,
            papers.label("papers"),
        )
        .where(Agreement.parcours_id == _OF_PARCOURS)
        .order_by(Agreement.ended_on.is_not(None), Agreement.number.desc())
        .limit(1)
        .subquery()
    )


_PARTS = {"frein": 5, "goal": 9, "etape": 19, "agreement": 6}


def find_plan(parcours_id: uuid.UUID) -> Plan:
    """The whole plan of a parcours, in one question."""
    return plan_from(db.session.execute(plan_question(), {"parcours_id": parcours_id}))


def plan_from(rows: Iterable[Any]) -> Plan:
    """Rows of `plan_question`: goals by frein then about the project, étapes, the agreement.

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
            number, agreed_on, review_on, way, ended_on, papers = agreed
            agreement = AgreementRow(number, agreed_on, review_on, AgreementWay(way), ended_on, papers)
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
