"""Agreements, and the papers attached to them or to an exit."""

import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from cityjobs.accounts.models import User
from cityjobs.core.db import acting, db
from cityjobs.diagnosis.models import Frein
from cityjobs.plans.models import Agreement, AgreementGoal, Attachment, Goal
from cityjobs.plans.rules import AttachmentSubject
from cityjobs.territory.models import Organisation
from cityjobs.territory.queries import shown_name_of
from cityjobs.vocabulary.queries import item_of
from cityjobs.vocabulary.rules import ListName


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


def goals_accepted_in(agreement_id: uuid.UUID) -> set[uuid.UUID]:
    """The goals that an agreement is about."""
    wanted = sa.select(AgreementGoal.goal_id).where(AgreementGoal.agreement_id == agreement_id)
    return {*db.session.scalars(wanted)}


def accepted_in(agreement: Agreement) -> list[tuple[str, str | None]]:
    """What the person accepted, as it was worded then, and the frein that each goal is about.

    Partners read the paper: a sensitive frein is not named on it.
    """
    frein_item, of_frein = item_of(Frein.code, ListName.FREIN)
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
    """The papers of an agreement, the first one first."""
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
