"""Writes about plans: goals, étapes and how they move, kept plans, agreements, papers."""

import hashlib
import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import flag_modified

from cityjobs.core.clock import now
from cityjobs.core.db import constraint_of, db
from cityjobs.diagnosis.actions import Refused as FreinRefused
from cityjobs.diagnosis.actions import move_frein
from cityjobs.diagnosis.rules import FreinStatus
from cityjobs.parcours.models import Parcours
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
from cityjobs.plans.queries.agreements import (
    count_papers,
    find_agreement_in_force,
    find_last_number,
    goals_accepted_in,
)
from cityjobs.plans.queries.kept import KeptPlan, lines_of
from cityjobs.plans.queries.parts import freins_held, goals_held, links_of
from cityjobs.plans.queries.plan import Plan
from cityjobs.plans.rules import (
    ETAPE_TRANSITIONS,
    GOAL_TRANSITIONS,
    MOST_PAPERS,
    AgreementWay,
    AttachmentSubject,
    EtapeEvent,
    EtapePlan,
    EtapeStatus,
    GoalGesture,
    GoalStatus,
    KeptLine,
    LineFate,
    Offered,
    Paper,
    agreement_refusal,
    days_after,
    etape_refusal,
    fates_of,
)


class Refused(Exception):
    """It cannot be so; the message is a whole French sentence, `field` the answer that does not stand."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


_UNIQUE = "23505"


def _once(key: uuid.UUID, write: Callable[[uuid.UUID], None], is_same: Callable[[uuid.UUID], bool]) -> bool:
    """Write under the key that the page gave; False when this very thing was written before, even an instant ago.

    Something else sent under a key already used, from an old page, is another thing.
    """
    try:
        with db.session.begin_nested():
            write(key)
            db.session.flush()
    except IntegrityError as failure:
        if getattr(failure.orig, "sqlstate", None) != _UNIQUE:
            raise
        if is_same(key):
            return False
        write(uuid.uuid4())
        db.session.flush()
    return True


# Goals


@dataclass(frozen=True)
class Aim:
    """What a goal says: about a frein of the parcours or, without, the project; chosen in the list or in own words."""

    label: str
    code: str | None = None
    frein_id: uuid.UUID | None = None


def set_goal_once(parcours: Parcours, aim: Aim, *, goal_id: uuid.UUID, by: uuid.UUID, today: date) -> bool:
    """Agree on a goal, once, however often it is sent; False when it was written before."""

    def is_same(key: uuid.UUID) -> bool:
        kept = db.session.get(Goal, key)
        said = kept and (Aim(kept.label, kept.code, kept.frein_id), kept.parcours_id, kept.created_by_id)
        return said == (aim, parcours.id, by)

    return _once(goal_id, lambda key: _set_goal(parcours, aim, key, by, today), is_same)


def _set_goal(parcours: Parcours, aim: Aim, key: uuid.UUID, by: uuid.UUID, today: date) -> None:
    db.session.add(
        Goal(
            id=key,
            **parcours.ties,
            frein_id=aim.frein_id,
            code=aim.code,
            label=aim.label,
            opened_on=today,
            created_by_id=by,
        )
    )


def move_goal(goal: Goal, gesture: GoalGesture, *, on: date) -> bool:
    """Reach, drop or take up a goal; False when it is not where that begins. Whoever calls holds the row."""
    becomes = GOAL_TRANSITIONS.get((GoalStatus(goal.status), gesture))
    if becomes is None:
        return False
    goal.status = becomes
    goal.settled_on = None if becomes is GoalStatus.OPEN else max(on, goal.opened_on)
    return True


# Étapes


def plan_of(etape: Etape) -> EtapePlan:
    """What is planned, as plain values."""
    return EtapePlan(
        etape.type,
        etape.label,
        etape.planned_from,
        etape.planned_to,
        etape.hours,
        etape.cost_euros,
        etape.note,
    )


def plan_etape_once(
    parcours: Parcours,
    plan: EtapePlan,
    *,
    goal_ids: Collection[uuid.UUID],
    organisation_id: uuid.UUID | None,
    etape_id: uuid.UUID,
    by: uuid.UUID,
) -> bool:
    """Add an étape to a plan, once, however often it is sent; False when it was written before."""

    def is_same(key: uuid.UUID) -> bool:
        kept = db.session.get(Etape, key)
        said = kept and (plan_of(kept), kept.organisation_id, kept.parcours_id, kept.created_by_id)
        aims = {link.goal_id for link in links_of(key)}
        return said == (plan, organisation_id, parcours.id, by) and aims == {*goal_ids}

    def write(key: uuid.UUID) -> None:
        db.session.add(
            Etape(id=key, **parcours.ties, **vars(plan), organisation_id=organisation_id, created_by_id=by)
        )
        db.session.flush()
        _link(parcours, key, goal_ids)

    return _once(etape_id, write, is_same)


def _link(parcours: Parcours, etape_id: uuid.UUID, goal_ids: Iterable[uuid.UUID]) -> None:
    db.session.add_all(EtapeGoal(**parcours.ties, etape_id=etape_id, goal_id=goal_id) for goal_id in goal_ids)


def change_etape(
    parcours: Parcours,
    etape: Etape,
    plan: EtapePlan,
    *,
    goal_ids: Collection[uuid.UUID],
    organisation_id: uuid.UUID | None,
) -> bool:
    """Plan an étape otherwise; False when nothing differs. Whoever calls holds the row and checked the version."""
    links = {link.goal_id: link for link in links_of(etape.id)}
    same_goals = set(links) == set(goal_ids)
    if same_goals and plan == plan_of(etape) and organisation_id == etape.organisation_id:
        return False
    for name, value in vars(plan).items():
        setattr(etape, name, value)
    etape.organisation_id = organisation_id
    if not same_goals:
        for goal_id in set(links) - set(goal_ids):
            db.session.delete(links[goal_id])
        _link(parcours, etape.id, [goal_id for goal_id in goal_ids if goal_id not in links])
        flag_modified(etape, "label")  # the étape itself is newer, for whoever has its former version
    return True


@dataclass(frozen=True)
class Happening:
    """What happened to an étape, on a day, with its result or the reason why it was given up."""

    event: EtapeEvent
    on: date
    result: str | None = None
    reason: str | None = None


def move_etape(etape: Etape, happening: Happening, *, today: date) -> None:
    """Make an étape start, pause, resume or end. Raises Refused. Whoever calls holds the row and checked the version."""
    status, event, on = EtapeStatus(etape.status), happening.event, happening.on
    refused = etape_refusal(
        status,
        event,
        on=on,
        today=today,
        started_on=etape.started_on,
        result=happening.result,
        reason=happening.reason,
    )
    if refused:
        raise Refused(_field_at_fault(happening, today, etape.started_on), refused)
    etape.status = ETAPE_TRANSITIONS[status, event]
    if event is EtapeEvent.START:
        etape.started_on = on
    elif event is EtapeEvent.FINISH:
        etape.ended_on, etape.result = on, happening.result
    elif event in (EtapeEvent.ABANDON, EtapeEvent.CANCEL):
        etape.ended_on, etape.abandon_reason = on, happening.reason


def _field_at_fault(happening: Happening, today: date, started_on: date | None) -> str:
    if happening.on > today or (started_on and happening.on < started_on):
        return "on"
    if happening.event is EtapeEvent.FINISH and not happening.result:
        return "result"
    return "reason" if happening.event is EtapeEvent.ABANDON and not happening.reason else "on"


def settle_around(
    etape: Etape,
    *,
    goal_ids: Collection[uuid.UUID],
    frein_ids: Collection[uuid.UUID],
    on: date,
    by: uuid.UUID,
) -> None:
    """Reach goals and lift freins that nothing else is open for. Raises Refused; what is already settled stays so."""
    for goal in goals_held(etape.parcours_id, goal_ids) if goal_ids else ():
        move_goal(goal, GoalGesture.REACH, on=on)
    for frein in freins_held(etape.parcours_id, frein_ids) if frein_ids else ():
        try:
            move_frein(frein, FreinStatus.LEVE, on=on, by=by)
        except FreinRefused as refused:
            raise Refused("freins", str(refused)) from refused


# Kept plans


def lines_to_keep(plan: Plan) -> list[tuple[str, KeptLine, bool]]:
    """What could be kept of a plan: a key, the line, and whether it holds own words that may tell of the person.

    Goals that were dropped and étapes that will not be done are left out. Days count from the first goal.
    """
    goals = [
        (group.code, goal)
        for group in plan.groups
        for goal in group.goals
        if goal.status is not GoalStatus.DROPPED
    ]
    beginning = min((goal.opened_on for _, goal in goals), default=None)
    found = []
    for frein_code, goal in goals:
        kept = [
            etape
            for etape in goal.etapes
            if etape.status not in (EtapeStatus.ANNULEE, EtapeStatus.ABANDONNEE)
        ]
        for etape in kept:
            line = KeptLine(
                goal.label,
                frein_code,
                goal.code,
                etape.type,
                etape.label,
                days_after(beginning, etape.planned_to or etape.planned_from) if beginning else None,
            )
            own = goal.code is None or etape.label != etape.type_label
            found.append((f"{goal.id.hex}-{etape.id.hex}", line, own))
        if not kept:
            found.append((goal.id.hex, KeptLine(goal.label, frein_code, goal.code), goal.code is None))
    return found


def keep_plan(
    name: str, lines: Sequence[KeptLine], *, template_id: uuid.UUID, cite_id: uuid.UUID, by: uuid.UUID
) -> bool:
    """Keep lines as a plan of the Cité; False when this very one was kept before. Raises Refused for a name already taken."""

    def write(key: uuid.UUID) -> None:
        db.session.add(PlanTemplate(id=key, cite_id=cite_id, name=name, created_by_id=by))
        db.session.flush()
        db.session.add_all(
            PlanTemplateLine(template_id=key, rank=rank, cite_id=cite_id, **vars(line))
            for rank, line in enumerate(lines, 1)
        )

    def is_same(key: uuid.UUID) -> bool:
        kept = db.session.get(PlanTemplate, key)
        same_name = kept is not None and kept.name == name and kept.created_by_id == by
        return same_name and lines_of(key) == [*lines]

    try:
        with db.session.begin_nested():
            return _once(template_id, write, is_same)
    except IntegrityError as failure:
        if constraint_of(failure) != "uq_plan_template_name":
            raise
        raise Refused("name", "Un modèle porte déjà ce nom\u00a0: choisissez-en un autre.") from failure


@dataclass(frozen=True)
class Applied:
    """What applying a kept plan added, and how many of its lines were left out."""

    goals: int = 0
    etapes: int = 0
    skipped: int = 0
    withdrawn: int = 0
    already: bool = False


def told_of(plan: Plan) -> tuple[dict[str, uuid.UUID], set[tuple[object, ...]]]:
    """The freins that goals may be about, by code, and what is already planned, as `rules.fate_of` wants it."""
    freins = {group.code: group.frein_id for group in plan.groups if group.code and group.takes_goals}
    there: set[tuple[object, ...]] = set()
    for group in plan.groups:
        for goal in group.goals:
            if goal.status is GoalStatus.OPEN:
                key = (group.code, goal.code, goal.label)
                there.add(key)
                there |= {(*key, etape.type, etape.label) for etape in goal.etapes}
    return {code: frein_id for code, frein_id in freins.items() if frein_id}, there


def apply_plan_once(
    parcours: Parcours,
    plan: Plan,
    kept: KeptPlan,
    *,
    offered: Offered,
    key: uuid.UUID,
    by: uuid.UUID,
    today: date,
) -> Applied:
    """Add to a plan what a kept one has more: goals about the freins identified here, étapes so many days from today.

    Sent twice under the same key it is applied once. Whoever calls holds the parcours.
    """
    freins, there = told_of(plan)
    fates = fates_of(kept.lines, freins, there, offered)
    goals = {
        (group.code, goal.code, goal.label): goal.id
        for group in plan.groups
        for goal in group.goals
        if goal.status is GoalStatus.OPEN
    }
    keys = [_own_key(key, parcours, by, number) for number in range(2 * len(kept.lines))]
    if db.session.get(Goal, keys[0]) or db.session.get(Etape, keys[0]):
        return Applied(already=True)
    made: list[Goal | Etape] = []
    links: list[tuple[uuid.UUID, uuid.UUID]] = []
    for line, fate in fates:
        if fate is not LineFate.ADDED:
            continue
        if line.goal not in goals:
            goal = _goal_of(parcours, line, freins, keys[len(made)], by, today)
            goals[line.goal] = goal.id
            made.append(goal)
        if line.etape_type and line.etape_label:
            etape = _etape_of(parcours, line, keys[len(made)], by, today)
            links.append((etape.id, goals[line.goal]))
            made.append(etape)
    db.session.add_all(made)
    db.session.flush()
    for etape_id, goal_id in links:
        _link(parcours, etape_id, [goal_id])
    return Applied(
        goals=sum(isinstance(each, Goal) for each in made),
        etapes=len(links),
        skipped=sum(fate is LineFate.SKIPPED for _, fate in fates),
        withdrawn=sum(fate is LineFate.WITHDRAWN for _, fate in fates),
    )


def _own_key(key: uuid.UUID, parcours: Parcours, by: uuid.UUID, number: int = 0) -> uuid.UUID:
    """A key made from that of the page, which nobody else and no other parcours can have."""
    return uuid.uuid5(key, f"{parcours.id} {by} {number}")


def _goal_of(
    parcours: Parcours,
    line: KeptLine,
    freins: dict[str, uuid.UUID],
    key: uuid.UUID,
    by: uuid.UUID,
    today: date,
) -> Goal:
    return Goal(
        id=key,
        **parcours.ties,
        frein_id=freins[line.frein_code] if line.frein_code else None,
        code=line.goal_code,
        label=line.goal_label,
        opened_on=today,
        created_by_id=by,
    )


def _etape_of(parcours: Parcours, line: KeptLine, key: uuid.UUID, by: uuid.UUID, today: date) -> Etape:
    due_on = None if line.after_days is None else date.fromordinal(today.toordinal() + line.after_days)
    return Etape(
        id=key,
        **parcours.ties,
        type=line.etape_type,
        label=line.etape_label,
        planned_to=due_on,
        created_by_id=by,
    )


def set_plan_aside(template: PlanTemplate) -> bool:
    """Offer a kept plan no longer; False when it already was so."""
    changed, template.is_active = template.is_active, False
    return changed


# Agreements


@dataclass(frozen=True)
class Terms:
    """When and how a person agreed, with whom besides the référent, and when it is looked at again."""

    agreed_on: date
    review_on: date
    way: AgreementWay
    organisation_id: uuid.UUID | None = None


def agree(
    parcours: Parcours,
    terms: Terms,
    goals: Sequence[Goal],
    *,
    agreement_id: uuid.UUID,
    by: uuid.UUID,
    today: date,
) -> tuple[Agreement, bool]:
    """Write what a person agrees to; the agreement before it ends that day. Raises Refused.

    Returns the agreement, and False when this very one was written before. Whoever calls holds the parcours.
    """
    key = _own_key(agreement_id, parcours, by)
    kept = db.session.get(Agreement, key)
    if kept is not None:
        if _is_agreed(kept, terms, goals):
            return kept, False
        key = uuid.uuid4()
    not_before = parcours.met_on or parcours.spotted_on
    refused = agreement_refusal(terms.agreed_on, terms.review_on, today=today, not_before=not_before)
    if refused:
        wrong = terms.agreed_on > today or terms.agreed_on < not_before
        raise Refused("agreed_on" if wrong else "review_on", refused)
    former = find_agreement_in_force(parcours.id, to_change=True)
    if former is not None:
        if terms.agreed_on < former.agreed_on:
            raise Refused(
                "agreed_on", "Cette date précède celle de l’accord d’avant\u00a0: vérifiez le jour."
            )
        former.ended_on = terms.agreed_on
        db.session.flush()
    agreement = Agreement(
        id=key,
        **parcours.ties,
        number=find_last_number(parcours.id) + 1,
        created_by_id=by,
        **vars(terms),
    )
    db.session.add(agreement)
    db.session.flush()
    db.session.add_all(
        AgreementGoal(**parcours.ties, agreement_id=agreement.id, goal_id=goal.id, label=goal.label)
        for goal in goals
    )
    return agreement, True


def _is_agreed(kept: Agreement, terms: Terms, goals: Sequence[Goal]) -> bool:
    """Whether an agreement says this very thing, and not another sent from an old page."""
    said = Terms(kept.agreed_on, kept.review_on, AgreementWay(kept.way), kept.organisation_id)
    return said == terms and goals_accepted_in(kept.id) == {goal.id for goal in goals}


def postpone_review(agreement: Agreement, review_on: date) -> None:
    """Look at an agreement again on another day. Whoever calls checked the day, the version, and that it still holds."""
    agreement.review_on = review_on


def end_agreement(agreement: Agreement, *, on: date) -> None:
    """It holds no more."""
    agreement.ended_on = max(on, agreement.agreed_on)


# Papers


def attach_once(
    parcours: Parcours,
    subject: AttachmentSubject,
    subject_id: uuid.UUID,
    paper: Paper,
    *,
    attachment_id: uuid.UUID,
    by: uuid.UUID,
) -> bool:
    """Keep a paper about an agreement held against other writers; False when this very one was kept before.

    Raises Refused when there are as many as there may be.
    """
    if count_papers(subject, subject_id, but_not=attachment_id) >= MOST_PAPERS:
        raise Refused(
            "file",
            f"Cet accord a déjà {MOST_PAPERS} pièces, il n’en prend pas plus\u00a0: retirez-en une avant d’en joindre une autre.",
        )
    digest = hashlib.sha256(paper.content).hexdigest()

    def write(key: uuid.UUID) -> None:
        db.session.add(
            Attachment(
                id=key,
                **parcours.ties,
                subject=subject,
                subject_id=subject_id,
                name=paper.name,
                media_type=paper.media_type,
                size=len(paper.content),
                sha256=digest,
                content=paper.content,
                added_by_id=by,
                added_at=now(),
            )
        )

    def is_same(key: uuid.UUID) -> bool:
        kept = db.session.get(Attachment, key)
        said = kept and (kept.parcours_id, kept.subject_id, kept.name, kept.sha256, kept.added_by_id)
        return said == (parcours.id, subject_id, paper.name, digest, by)

    return _once(attachment_id, write, is_same)


def remove_paper(paper: Attachment) -> None:
    """Forget a paper. The database lets only whoever added it."""
    db.session.delete(paper)


# When a parcours is closed

CLOSED_REASON = "autre"


def close_etape(etape: Etape, *, done: bool, on: date, today: date) -> None:
    """End an étape with its parcours: done with a result, or not; on the day of the exit, or when it began if later."""
    on = max(on, etape.started_on) if etape.started_on else on
    if not done:
        event = EtapeEvent.CANCEL if etape.status == EtapeStatus.PREVUE else EtapeEvent.ABANDON
        reason = None if event is EtapeEvent.CANCEL else CLOSED_REASON
        move_etape(etape, Happening(event, on, reason=reason), today=today)
        return
    if etape.status == EtapeStatus.EN_ATTENTE:
        move_etape(etape, Happening(EtapeEvent.RESUME, on), today=today)
    move_etape(etape, Happening(EtapeEvent.FINISH, on, result="atteint"), today=today)


def close_goal(goal: Goal, *, reached: bool, on: date) -> None:
    """End a goal with its parcours."""
    move_goal(goal, GoalGesture.REACH if reached else GoalGesture.DROP, on=on)


def take_up_again(thing: Etape | Goal | Agreement, stood: str) -> None:
    """Put back as it stood what ended with a parcours whose exit is taken back; what is not over stays as it is."""
    if isinstance(thing, Agreement):
        thing.ended_on = None
    elif isinstance(thing, Goal):
        move_goal(thing, GoalGesture.REOPEN, on=thing.opened_on)
    elif thing.ended_on is not None:
        thing.status = EtapeStatus(stood)
        thing.ended_on, thing.abandon_reason = None, None
