"""Who read what. Who wrote what is recorded by the database itself, in the same journal (migrations 0005 and 0012).

Source: CNIL recommendation on logging (domain.md §3.7): access, creation, modification and deletion, kept apart.
"""

import uuid

import sqlalchemy as sa

from cityjobs.core.db import db


def record_reading(subject: str, subject_id: uuid.UUID, cite_id: uuid.UUID) -> None:
    """Leave one trace of a reading, in the transaction of the page that shows it."""
    db.session.execute(
        sa.text("select audit.record_reading(:subject, :subject_id, :cite_id)"),
        {"subject": subject, "subject_id": subject_id, "cite_id": cite_id},
    )
