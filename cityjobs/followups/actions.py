"""Writes about follow-ups: noting and correcting an exchange, saying what comes next and how it went."""

import uuid
from dataclasses import dataclass
from datetime import date, time

from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.exc import IntegrityError

from cityjobs.core import outbox
from cityjobs.core.clock import now
from cityjobs.core.db import db
from cityjobs.followups.models import Interview, InterviewVersion, NextStep, PrivateNote
from cityjobs.followups.queries import find_private_note, said_in, steps_agreed_in
from cityjobs.followups.rules import LETTER, Exchange, Plan, StepState, event_after
from cityjobs.parcours.actions import MoveRefused, move_parcours
from cityjobs.parcours.models import Parcours
from cityjobs.parcours.queries.following import Follower
from cityjobs.parcours.rules.lifecycle import Move, Status
from cityjobs.people.models import Person


@dataclass(frozen=True)
class Logged:
    """What noting an exchange did. `kept_back` says why a parcours that could have moved has not.

    `already`: it was noted before; `completed`: with less, and what is next or the private note was added to it now.
    """

    interview_id: uuid.UUID
    already: bool = False
    completed: bool = False
    moved_to: Status | None = None
    kept_back: str | None = None


def log_interview(
    person: Person,
    parcours: Parcours,
    exchange: Exchange,
    *,
    interview_id: uuid.UUID,
    author_id: uuid.UUID,
    today: date,
    plan: Plan | None = None,
    note: str | None = None,
) -> Logged:
    """Note an exchange once, however often it is sent, with what comes next and what only its author reads."""
    if not _write_interview(parcours, exchange, interview_id, author_id):
        if _is_same(interview_id, exchange, author_id):
            completed = _complete(interview_id, person, parcours, plan, note, author_id=author_id)
            return Logged(interview_id, already=True, completed=completed)
        interview_id = uuid.uuid4()
        _write_interview(parcours, exchange, interview_id, author_id)
    if note:
        db.session.add(_private_note(interview_id, author_id, person, note))
    if plan:
        plan_step(parcours, plan, author_id=author_id, interview_id=interview_id)
    moved_to, kept_back = _move_on(person, parcours, exchange, author_id=author_id, today=today)
    return Logged(interview_id, moved_to=moved_to, kept_back=kept_back)


def _write_interview(
    parcours: Parcours, exchange: Exchange, interview_id: uuid.UUID, author_id: uuid.UUID
) -> bool:
    """False when this key was written before, even an instant ago by another process."""
    row = pg.insert(Interview).values(
        id=interview_id,
        **parcours.ties,
        author_id=author_id,
        held_on=exchange.held_on,
        mode=exchange.mode,
        duration=exchange.duration,
        reached=exchange.reached,
        synthesis=exchange.synthesis,
        created_at=now(),
    )
    written = db.session.scalar(
        row.on_conflict_do_nothing(index_elements=[Interview.id]).returning(Interview.id)
    )
    return written is not None


def _is_same(interview_id: uuid.UUID, exchange: Exchange, author_id: uuid.UUID) -> bool:
    """Whether what is kept under this key is this very exchange, and not another text sent from an old page."""
    kept = db.session.get(Interview, interview_id)
    return kept is not None and kept.author_id == author_id and said_in(kept) == exchange


def _complete(
    interview_id: uuid.UUID,
    person: Person,
    parcours: Parcours,
    plan: Plan | None,
    note: str | None,
    *,
    author_id: uuid.UUID,
) -> bool:
    """Add to an exchange that was noted before what was not sent with it then; False when nothing is new."""
    new_plan = plan is not None and all(
        _plan_of(step) != plan for step in steps_agreed_in(interview_id) if step.created_by_id == author_id
    )
    kept = find_private_note(interview_id)
    new_note = note is not None and (kept is None or kept.body != note)
    if plan and new_plan:
        plan_step(parcours, plan, author_id=author_id, interview_id=interview_id)
    if new_note:
        interview = db.session.get_one(Interview, interview_id)
        write_private_note(interview, kept, note, person=person)
    return new_plan or new_note


def _private_note(interview_id: uuid.UUID, author_id: uuid.UUID, person: Person, body: str) -> PrivateNote:
    return PrivateNote(
        interview_id=interview_id, author_id=author_id, person_id=person.id, cite_id=person.cite_id, body=body
    )


def _move_on(
    person: Person, parcours: Parcours, exchange: Exchange, *, author_id: uuid.UUID, today: date
) -> tuple[Status | None, str | None]:
    """Let a contact speak for itself: « contacté » or « rencontré », never further."""
    if event_after(Status(parcours.status), exchange) is None:
        return None, None
    # Somebody else may be moving it: wait, then look again. A key share lock, for exchanges being written point to it.
    db.session.refresh(parcours, with_for_update={"key_share": True})
    event = event_after(Status(parcours.status), exchange)
    if event is None:
        return None, None
    try:
        transition = move_parcours(
            parcours, person, Move(event, exchange.held_on), today=today, recorded_by=author_id
        )
    except MoveRefused as refused:
        return None, str(refused)
    return Status(transition.to_status), None


def correct_interview(interview: Interview, exchange: Exchange, *, editor_id: uuid.UUID) -> bool:
    """Replace what an exchange says and keep what it said; False when nothing differs."""
    was = said_in(interview)
    if was == exchange:
        return False
    db.session.add(
        InterviewVersion(
            cite_id=interview.cite_id,
            person_id=interview.person_id,
            interview_id=interview.id,
            number=interview.version,
            held_on=was.held_on,
            mode=was.mode,
            duration=was.duration,
            reached=was.reached,
            synthesis=was.synthesis,
            replaced_by_id=editor_id,
        )
    )
    interview.held_on, interview.mode = exchange.held_on, exchange.mode
    interview.duration, interview.reached = exchange.duration, exchange.reached
    interview.synthesis, interview.updated_at = exchange.synthesis, now()
    return True


def write_private_note(
    interview: Interview, note: PrivateNote | None, body: str | None, *, person: Person
) -> None:
    """Write, replace or drop the note that the author of an exchange keeps for themself."""
    if note is None:
        if body:
            db.session.add(_private_note(interview.id, interview.author_id, person, body))
    elif not body:
        db.session.delete(note)
    elif note.body != body:
        note.body, note.updated_at = body, now()


def plan_step(
    parcours: Parcours,
    plan: Plan,
    *,
    author_id: uuid.UUID,
    interview_id: uuid.UUID | None = None,
    step_id: uuid.UUID | None = None,
) -> NextStep:
    """Agree on what comes next."""
    step = NextStep(
        id=step_id or uuid.uuid4(),
        **parcours.ties,
        interview_id=interview_id,
        title=plan.title,
        due_on=plan.due_on,
        due_at=plan.due_at,
        place=plan.place,
        created_by_id=author_id,
    )
    db.session.add(step)
    return step


def plan_step_once(parcours: Parcours, plan: Plan, *, step_id: uuid.UUID, author_id: uuid.UUID) -> bool:
    """Agree on what comes next, once, however often it is sent; False when it was written before.

    Something else sent under a key already used, from an old page, is another step.
    """
    try:
        with db.session.begin_nested():
            plan_step(parcours, plan, author_id=author_id, step_id=step_id)
            db.session.flush()
    except IntegrityError:  # the key: written before, even an instant ago by another process
        kept = db.session.get(NextStep, step_id)
        if kept is not None and _is_that(kept, parcours, plan, author_id):
            return False
        plan_step(parcours, plan, author_id=author_id)
    return True


def _is_that(kept: NextStep, parcours: Parcours, plan: Plan, author_id: uuid.UUID) -> bool:
    return _plan_of(kept) == plan and kept.parcours_id == parcours.id and kept.created_by_id == author_id


def _plan_of(step: NextStep) -> Plan:
    return Plan(step.title, step.first_due_on or step.due_on, step.due_at, step.place)


def finish_step(step: NextStep, *, by: uuid.UUID, result: str | None = None) -> None:
    """It was done."""
    _settle(step, StepState.DONE, by, result)


def drop_step(step: NextStep, *, by: uuid.UUID, reason: str) -> None:
    """It will not be done."""
    _settle(step, StepState.CANCELLED, by, reason)


def _settle(step: NextStep, state: StepState, by: uuid.UUID, result: str | None) -> None:
    step.state, step.result, step.settled_by_id, step.settled_at = state, result, by, now()


def pass_on_step(step: NextStep, to: Follower, *, by: uuid.UUID, reason: str | None = None) -> None:
    """It is a colleague's now, who is told by one letter; taking it back is passing it on to oneself."""
    step.entrusted_to_id, step.entrusted_by_id, step.entrusted_because = to.id, by, reason
    step.entrusted_at = now()
    step.entrusted_times += 1
    db.session.flush()
    if to.id != by:
        time = str(step.entrusted_times)
        about = f"{step.id}:{time}"
        outbox.queue(LETTER, to=to.email, about=about, step=str(step.id), colleague=str(to.id), time=time)


def take_back_step(step: NextStep) -> None:
    """It was not done after all."""
    step.state, step.result, step.settled_by_id, step.settled_at = StepState.TODO, None, None, None


def postpone_step(
    step: NextStep, due_on: date, *, due_at: time | None = None, reason: str | None = None
) -> None:
    """Put it off, to another hour when one is given; the day first agreed, the last one and the reason are kept."""
    step.first_due_on = step.first_due_on or step.due_on
    step.postponed_from, step.postponed_because = step.due_on, reason
    step.postponed_times += 1
    step.due_on, step.due_at = due_on, due_at or step.due_at
