"""What the pages of this room share: where they hang, whom they are about, where they lead."""

import uuid

from flask import Blueprint, abort, url_for

from cityjobs.core.audit import record_reading
from cityjobs.diagnosis.queries import find_case
from cityjobs.parcours.actions import hold_parcours
from cityjobs.parcours.models import Parcours
from cityjobs.parcours.rules.lifecycle import CLOSED_STATUSES
from cityjobs.people.models import Person

bp = Blueprint("plans", __name__)
OF_PERSON = "/personnes/<uuid:person_id>"


def load_case(person_id: uuid.UUID) -> tuple[Person, Parcours]:
    """The person and their present parcours, or 404; a page made from them is a reading of the file."""
    person, parcours = find_case(person_id) or abort(404)
    note_reading(person)
    return person, parcours


def hold_case(person_id: uuid.UUID) -> None:
    """Wait for whoever writes about the present parcours of a person, before anything in it is held."""
    case = find_case(person_id) or abort(404)
    hold_parcours(case[1])


def note_reading(person: Person) -> None:
    """A page made from somebody's rows is a reading of their file."""
    record_reading("person", person.id, person.cite_id)


def is_closed(parcours: Parcours) -> bool:
    """Whether a parcours ended: its plan is then read and no more written."""
    return parcours.status in CLOSED_STATUSES


def plan_url(person_id: uuid.UUID, anchor: str | None = None) -> str:
    """The page of the plan of a person."""
    return url_for("plans.show", person_id=person_id, _anchor=anchor)
