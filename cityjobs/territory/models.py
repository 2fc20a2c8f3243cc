"""Places and organisations: they hold nobody's personal situation."""

import uuid
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cityjobs.core.db import Model, Versioned, created, key
from cityjobs.territory.rules import OrganisationFamily


class Organisation(Versioned, Model):
    """A member of one or several collectives: town, agency, association, employer."""

    __tablename__ = "organisation"
    id: Mapped[key]
    name: Mapped[str] = mapped_column(unique=True)
    family: Mapped[OrganisationFamily] = mapped_column(sa.Text)
    kind: Mapped[str]
    is_sensitive: Mapped[bool] = mapped_column(default=False)
    phone: Mapped[str | None]
    email: Mapped[str | None]
    created_at: Mapped[created]


class Cite(Versioned, Model):
    """A labelled territory and the settings of its programme."""

    __tablename__ = "cite"
    id: Mapped[key]
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    programme_name: Mapped[str]
    labelled_year: Mapped[int]
    chef_de_file_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey(Organisation.id))
    contrat_de_ville: Mapped[bool] = mapped_column(default=True)
    npnru: Mapped[bool] = mapped_column(default=False)
    qrr: Mapped[bool] = mapped_column(default=False)
    equip_emploi: Mapped[bool] = mapped_column(default=False)
    longitude: Mapped[float | None]
    latitude: Mapped[float | None]
    silence_days: Mapped[int] = mapped_column(default=30)
    escalation_days: Mapped[int] = mapped_column(default=7)
    referent_capacity: Mapped[int] = mapped_column(default=70)
    uses_commission: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    exit_ruleset_id: Mapped[uuid.UUID | None]
    chef_de_file: Mapped[Organisation | None] = relationship()


class ProgrammeYear(Model):
    """One year of the programme in one Cité, with its envelope in euros."""

    __tablename__ = "programme_year"
    cite_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Cite.id), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    envelope_euros: Mapped[int]


class CiteCommune(Model):
    """A commune of the perimeter; `insee_code` has five characters."""

    __tablename__ = "cite_commune"
    cite_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Cite.id), primary_key=True)
    insee_code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


class Qpv(Model):
    """A priority neighbourhood of one generation; `contour` is a GeoJSON geometry in WGS 84, when imported."""

    __tablename__ = "qpv"
    id: Mapped[key]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    generation: Mapped[int]
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    contour: Mapped[dict[str, Any] | None] = mapped_column(pg.JSONB)
    west: Mapped[float | None]
    south: Mapped[float | None]
    east: Mapped[float | None]
    north: Mapped[float | None]


class QpvCommune(Model):
    """A commune over which a QPV extends."""

    __tablename__ = "qpv_commune"
    qpv_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Qpv.id), primary_key=True)
    insee_code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


class CiteQpv(Model):
    """A QPV of the perimeter; two Cités may share one."""

    __tablename__ = "cite_qpv"
    cite_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Cite.id), primary_key=True)
    qpv_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Qpv.id), primary_key=True, index=True)


class CollectiveMember(Model):
    """An organisation that takes part in the collective of a Cité.

    `is_keeper` is written by the database: the first collective that an organisation joins keeps its name.
    """

    __tablename__ = "collective_member"
    cite_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey(Cite.id), primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey(Organisation.id), primary_key=True, index=True
    )
    is_keeper: Mapped[bool] = mapped_column(server_default=sa.false())

    __table_args__ = (
        sa.Index(
            "uq_collective_member_keeper",
            "organisation_id",
            unique=True,
            postgresql_where=sa.text("is_keeper"),
        ),
    )
