"""The file of a person."""

import uuid
from typing import Any

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from cityjobs.core.audit import record_reading
from cityjobs.core.clock import day_of, today
from cityjobs.core.forms import clean
from cityjobs.core.permissions import Permission, can, requires, signed_in
from cityjobs.core.web import page_number
from cityjobs.desk.queries.file import (
    EVENT_KIND_LABELS,
    Around,
    EventKind,
    File,
    TeamMember,
    around,
    find_file,
    happenings_of,
)
from cityjobs.followups.forms import LogForm
from cityjobs.followups.queries import draft_key
from cityjobs.followups.rules import (
    INTERVIEW_MODE_LABELS,
    days_late,
    due_suggestions,
    heard_on,
    is_silent,
)
from cityjobs.parcours.queries.life import asked_of
from cityjobs.parcours.rules.exits import EXIT_CATEGORY_LABELS
from cityjobs.parcours.rules.jobs import CHECK_LABELS
from cityjobs.parcours.rules.lifecycle import (
    CLOSED_STATUSES,
    EVENT_LABELS,
    OPEN_STATUSES,
    REOPENING_LASTS,
    STATUS_LABELS,
    AssignmentKind,
    Custom,
    Event,
    Status,
    events_from,
)
from cityjobs.parcours.rules.reasons import (
    EXIT_REASON_LABELS,
    NON_ENTRY_REASON_LABELS,
    SPOTTING_CHANNEL_LABELS,
)
from cityjobs.people.rules import CONTACT_CHANNEL_LABELS, LINK_KIND_LABELS, age_on
from cityjobs.plans.rules import AGREEMENT_WAY_LABELS, ETAPE_STATUS_LABELS
from cityjobs.reminders.rules import REMINDER_RULE_LABELS
from cityjobs.territory.rules import QPV_ANSWER_LABELS, QPV_SOURCE_LABELS

bp = Blueprint("file", __name__)
LONGEST_WORD = 60
"""How long what is sought in a timeline may be, in characters."""
SOMETIMES = frozenset({Status.EN_VALIDATION, Status.SUSPENDU, Status.SUIVI_EMPLOI})
"""Stages that not everybody goes through: shown on the route of whoever stands there."""


@bp.get("/personnes/<uuid:person_id>")
@requires(Permission.PERSON_READ)
def show(person_id: uuid.UUID) -> ResponseReturnValue:
    """Who, where it stands, who takes care of it, what comes next; leaves one trace of the reading."""
    file = find_file(person_id) or abort(404)
    record_reading("person", file.person.id, file.person.cite_id)
    follows = can(Permission.FOLLOWUP_READ)
    beside = around(file, follows=follows)
    facts: dict[str, Any] = {
        "file": file,
        **about(file),
        "team": beside.team,
        "referent": present_referent(file, beside.team),
    }
    if follows:
        facts |= followed_up(file, beside, facts["referent"])
    return render_template("desk/file.html", **facts)


def about(file: File) -> dict[str, Any]:
    """Who the person is and where the parcours stands, in words."""
    person, parcours = file.person, file.parcours
    return {
        "person": person,
        "parcours": parcours,
        "age": age_on(person.birth_date, today()),
        "is_closed": parcours.status in CLOSED_STATUSES,
        "status": STATUS_LABELS[Status(parcours.status)],
        "route": [
            (status.value, STATUS_LABELS[status])
            for status in Status
            if status == parcours.status or status in OPEN_STATUSES - SOMETIMES
        ],
        "route_dates": {
            Status.REPERE.value: parcours.spotted_on,
            Status.CONTACTE.value: parcours.contacted_on,
            Status.RENCONTRE.value: parcours.met_on,
            Status.DIAGNOSTIC.value: parcours.diagnosed_on,
            Status.ACTIF.value: parcours.started_on,
            parcours.status if parcours.status in CLOSED_STATUSES else "": parcours.ended_on,
        },
        "end_reason": reasons().get(parcours.end_reason or "", parcours.end_reason),
        "modes": INTERVIEW_MODE_LABELS,
        "preferred": CONTACT_CHANNEL_LABELS.get(person.preferred_channel)
        if person.preferred_channel
        else None,
        "qpv_answer": QPV_ANSWER_LABELS[person.qpv_answer],
        "qpv_source": QPV_SOURCE_LABELS.get(person.qpv_source) if person.qpv_source else None,
        "channels": SPOTTING_CHANNEL_LABELS,
    }


def reasons() -> dict[str, str]:
    """Every reason for which a parcours ends, in words."""
    return {
        **{str(code): label for code, label in NON_ENTRY_REASON_LABELS.items()},
        **{str(code): label for code, label in EXIT_REASON_LABELS.items()},
    }


def present_referent(file: File, team: Any) -> TeamMember | None:
    """Who is the référent of the present parcours now."""
    return next(
        (
            member
            for member in team
            if member.parcours_id == file.parcours.id
            and member.kind == AssignmentKind.REFERENT
            and member.ended_at is None
        ),
        None,
    )


def followed_up(file: File, beside: Around, referent: TeamMember | None) -> dict[str, Any]:
    """What only those who follow the person see: the quick entry, what happened, what comes next, freins and plan."""
    form = LogForm()
    shows_draft = file.draft is not None and form.show_draft(file.draft.fields)
    kinds = tuple(EventKind)
    kind = EventKind(request.args["type"]) if request.args.get("type") in kinds else None
    word = (clean(request.args.get("mot", "")) or "")[:LONGEST_WORD]
    events, has_more = happenings_of(file.person.id, kind, word, page=page_number())
    heard = heard_on(
        last_contact_on=file.parcours.last_contact_on,
        assigned_on=day_of(referent.started_at) if referent else None,
        spotted_on=file.parcours.spotted_on,
    )
    return {
        "form": form,
        "draft": file.draft if shows_draft else None,
        "draft_key": draft_key(file.person.id),
        "suggestions": due_suggestions(today()),
        "steps": beside.steps,
        "late": {step.id: days_late(step.due_on, today()) for step in beside.steps},
        "freins": beside.freins,
        "plan": beside.plan,
        "life": beside.life,
        "kin": beside.kin,
        "kinds_of_kin": LINK_KIND_LABELS,
        "asked": asked_of(beside.life, file.parcours, today()) if beside.life else None,
        "former_statuses": STATUS_LABELS,
        "exit_categories": EXIT_CATEGORY_LABELS,
        "etape_statuses": ETAPE_STATUS_LABELS,
        "agreement_ways": AGREEMENT_WAY_LABELS,
        "check_labels": CHECK_LABELS,
        "events": events,
        "has_more": has_more,
        "page_number": page_number(),
        "kind": kind,
        "word": word,
        "kinds": EVENT_KIND_LABELS,
        "status_labels": STATUS_LABELS,
        "rules": REMINDER_RULE_LABELS,
        "reasons": reasons(),
        "moves": moves_of(file),
        "is_silent": file.parcours.status in OPEN_STATUSES - {Status.SUSPENDU}
        and is_silent(heard, today=today(), silence_days=file.silence_days),
    }


def moves_of(file: File) -> list[tuple[str, str]]:
    """What whoever asks may make happen next; an exit can be taken back for some days only."""
    parcours = file.parcours
    events = events_from(Status(parcours.status), signed_in().role, Custom(file.uses_commission))
    lasts = parcours.ended_on is not None and today() <= parcours.ended_on + REOPENING_LASTS
    return [(event.value, EVENT_LABELS[event]) for event in events if event is not Event.REOPEN or lasts]
