"""What the pages of this room share: where they hang, and whom they are about."""

import uuid

from flask import Blueprint, abort

from cityjobs.core.audit import record_reading
from cityjobs.people.models import Person
from cityjobs.people.queries import find_person

bp = Blueprint("parcours", __name__)


def person_of(person_id: uuid.UUID) -> Person:
    """The person, or 404; a page made from them is a reading of the file."""
    person = find_person(person_id) or abort(404)
    record_reading("person", person.id, person.cite_id)
    return person
