"""Items of lists, and names of occupations."""

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, mapped_column

from cityjobs.accounts.models import User
from cityjobs.core.db import Model, Versioned, created, key
from cityjobs.territory.models import Cite
from cityjobs.vocabulary.rules import ListName


class ListItem(Versioned, Model):
    """One code of one list: national without a Cité, else added by a Cité under `loc_`; never renamed nor reused.

    `parent` is a code of the list above: the frein of a situation or of a goal, the phase of a type of étape.
    """

    __tablename__ = "list_item"
    id: Mapped[key]
    list: Mapped[ListName] = mapped_column(sa.Text)
    code: Mapped[str]
    cite_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(Cite.id))
    parent: Mapped[str | None]
    label: Mapped[str]
    outside_codes: Mapped[dict[str, Any]] = mapped_column(postgresql.JSONB, default=dict)
    is_sensitive: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    rank: Mapped[int] = mapped_column(default=0)
    created_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(User.id))
    created_at: Mapped[created]

    __table_args__ = (
        sa.Index(
            "uq_list_item_national", "list", "code", unique=True, postgresql_where=sa.text("cite_id is null")
        ),
        sa.Index(
            "uq_list_item_local",
            "cite_id",
            "list",
            "code",
            unique=True,
            postgresql_where=sa.text("cite_id is not null"),
        ),
    )


class RomeName(Model):
    """One of the names by which an occupation is known (ROME 4.0), as imported from the official files."""

    __tablename__ = "rome_name"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rome_code: Mapped[str]
    occupation: Mapped[str]
    name: Mapped[str]
    trigrams: Mapped[list[str]] = mapped_column(
        postgresql.ARRAY(sa.Text), sa.Computed("app.trigrams(name)", persisted=True)
    )
    signature: Mapped[str] = mapped_column(
        postgresql.BIT(256), sa.Computed("app.signature(app.trigrams(name))", persisted=True)
    )

    __table_args__ = (sa.Index("ix_rome_name_trigrams", "trigrams", postgresql_using="gin"),)
