"""The letter to a colleague: something to do was passed on to them."""

import uuid

from flask import current_app

from cityjobs.core import outbox
from cityjobs.core.outbox import Outgoing
from cityjobs.core.post import Letter, write_letter
from cityjobs.followups.queries import find_announced
from cityjobs.followups.rules import LETTER, PASSED_ON_SUBJECT


def _compose(row: Outgoing) -> Letter | None:
    """None when it was settled or handed elsewhere meanwhile, or its reader no longer follows the person."""
    facts = row.facts
    line = find_announced(uuid.UUID(facts["step"]), uuid.UUID(facts["colleague"]), int(facts["time"]))
    if line is None:
        return None
    return write_letter(
        "passed_on", subject=PASSED_ON_SUBJECT, line=line, base=current_app.config["BASE_URL"]
    )


outbox.register(LETTER, outbox.Kind(_compose))
