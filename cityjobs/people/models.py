"""A person known to one Cité. Two Cités that know the same person keep two files: their controllers differ."""

import uuid
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import Mapped, mapped_column

from cityjobs.accounts.models import User
from cityjobs.core.db import Model, Versioned, created, key
from cityjobs.people.rules import Civility, ContactChannel, Gender, LinkKind, initials
from cityjobs.territory.models import Cite, Qpv
from cityjobs.territory.rules import QpvAnswer, QpvSource


class Person(Versioned, Model):
    """Identity, contact and address (domain.md §1.4, §3.2). Phones are E.164; there is no NIR."""

    __tablename__ = "person"
    id: Mapped[key]
    cite_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Cite.id))
    first_name: Mapped[str]
    last_name: Mapped[str | None]
    birth_name: Mapped[str | None]
    civility: Mapped[Civility | None] = mapped_column(sa.Text)
    gender: Mapped[Gender] = mapped_column(sa.Text, default=Gender.NON_RENSEIGNE)
    birth_date: Mapped[date | None]
    phone: Mapped[str | None]
    second_phone: Mapped[str | None]
    email: Mapped[str | None]
    reached_through: Mapped[str | None]
    preferred_channel: Mapped[ContactChannel | None] = mapped_column(sa.Text)
    language: Mapped[str | None]
    needs_interpreter: Mapped[bool] = mapped_column(default=False)
    address: Mapped[str | None]
    postcode: Mapped[str | None]
    commune: Mapped[str | None]
    longitude: Mapped[float | None]
    latitude: Mapped[float | None]
    qpv_answer: Mapped[QpvAnswer] = mapped_column(sa.Text, default=QpvAnswer.UNKNOWN)
    qpv_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(Qpv.id))
    qpv_source: Mapped[QpvSource | None] = mapped_column(sa.Text)
    qpv_checked_on: Mapped[date | None]
    qpv_confirmed_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    created_at: Mapped[created]
    updated_at: Mapped[datetime | None]
    updated_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    sort_name: Mapped[str] = mapped_column(
        sa.Computed("app.fold(coalesce(last_name, '') || ' ' || first_name)", persisted=True)
    )
    search_name: Mapped[str] = mapped_column(
        sa.Computed(
            "app.fold(first_name || ' ' || coalesce(last_name, '') || ' ' || coalesce(birth_name, ''))",
            persisted=True,
        )
    )
    trigrams: Mapped[list[str]] = mapped_column(
        pg.ARRAY(sa.Text),
        sa.Computed(
            "app.trigrams(first_name || ' ' || coalesce(last_name, '') || ' ' || coalesce(birth_name, ''))",
            persisted=True,
        ),
        deferred=True,
    )

    __table_args__ = (
        sa.UniqueConstraint("id", "cite_id"),
        sa.Index("ix_person_cite_name", "cite_id", "search_name"),
        sa.Index("ix_person_cite_sort_name", "cite_id", "sort_name", postgresql_include=["id"]),
        sa.Index("ix_person_phone", "cite_id", "phone", postgresql_where=sa.text("phone is not null")),
        sa.Index(
            "ix_person_second_phone",
            "cite_id",
            "second_phone",
            postgresql_where=sa.text("second_phone is not null"),
        ),
        sa.Index("ix_person_email", "cite_id", "email", postgresql_where=sa.text("email is not null")),
        sa.Index(
            "ix_person_birth_date",
            "cite_id",
            "birth_date",
            postgresql_where=sa.text("birth_date is not null"),
        ),
    )

    @property
    def display_name(self) -> str:
        """Usual first and last name."""
        return f"{self.first_name} {self.last_name}" if self.last_name else self.first_name

    @property
    def initials(self) -> str:
        """What letters and masked lists show of the name."""
        return initials(self.first_name, self.last_name)


class PersonLink(Model):
    """Two persons of one Cité who belong together; the smaller identifier first, so that each pair is told once.

    `kind` says what the other is for the first: `rules.other_way` tells it the other way round.
    """

    __tablename__ = "person_link"
    id: Mapped[key]
    cite_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Cite.id))
    person_id: Mapped[uuid.UUID]
    other_id: Mapped[uuid.UUID]
    kind: Mapped[LinkKind] = mapped_column(sa.Text)
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    created_at: Mapped[created]

    __table_args__ = (
        sa.ForeignKeyConstraint(["person_id", "cite_id"], ["person.id", "person.cite_id"]),
        sa.ForeignKeyConstraint(["other_id", "cite_id"], ["person.id", "person.cite_id"]),
        sa.UniqueConstraint("person_id", "other_id"),
        sa.Index("ix_person_link_other", "other_id"),
    )
