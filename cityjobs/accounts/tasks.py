"""Letters about accounts, and what is forgotten by itself."""

import uuid

from celery import shared_task
from celery.schedules import crontab
from flask import Flask, current_app

from cityjobs.accounts import links
from cityjobs.accounts.actions import create_link, purge_traces
from cityjobs.accounts.models import AccountLink, Membership
from cityjobs.accounts.queries import find_usable_link, find_user, find_user_by_email, memberships_of
from cityjobs.accounts.rules import LinkPurpose
from cityjobs.core import jobs, outbox
from cityjobs.core.db import db
from cityjobs.core.permissions import ROLE_LABELS
from cityjobs.core.post import Letter, write_letter


def compose_invitation(row: outbox.Outgoing) -> Letter | None:
    """The invitation to open an account; nothing when its link was used or is too old, or the address is not the account’s."""
    link = find_usable_link(uuid.UUID(row.facts["link_id"]), LinkPurpose.INVITATION)
    user = find_user(link.user_id) if link else None
    if link is None or user is None or user.email != row.recipient:
        return None
    missions = memberships_of(user.id)
    if not missions:
        return None
    return write_letter(
        "invitation",
        subject="Votre accès à CityJobs",
        url=_address(link),
        first_name=user.first_name,
        missions=[
            {
                "role": ROLE_LABELS[mission.role],
                "cite": mission.cite_name,
                "organisation": mission.organisation_name,
            }
            for mission in missions
        ],
        expires_at=link.expires_at,
    )


def compose_membership(row: outbox.Outgoing) -> Letter | None:
    """A word to somebody whose account is open: they now work in one more Cité or role."""
    membership = db.session.get(Membership, uuid.UUID(row.facts["membership_id"]))
    if membership is None or membership.ended_on is not None or membership.user.disabled_at is not None:
        return None
    return write_letter(
        "membership",
        subject="Une mission de plus dans CityJobs",
        url=current_app.config["BASE_URL"] + "/compte",
        first_name=membership.user.first_name,
        role=ROLE_LABELS[membership.role],
        cite=membership.cite.name,
        organisation=membership.organisation.name,
    )


def compose_reset(row: outbox.Outgoing) -> Letter | None:
    """The link to choose a new password; nothing when the address has no account, or a disabled one."""
    user = find_user_by_email(row.recipient)
    if user is None or user.disabled_at is not None:
        return None
    link = create_link(user.id, LinkPurpose.RESET)
    db.session.flush()
    return write_letter(
        "reset",
        subject="Choisir un nouveau mot de passe",
        url=_address(link),
        first_name=user.first_name,
        expires_at=link.expires_at,
    )


def forget_stranger(row: outbox.Outgoing) -> None:
    """An address that has no account here is not kept; the key of its letter says nothing of it without our secret."""
    if row.state == outbox.Delivery.CANCELLED:
        row.recipient = ""


def _address(link: AccountLink) -> str:
    path = links.path_of(link.id, LinkPurpose(link.purpose), current_app.config["SECRET_KEY"])
    return str(current_app.config["BASE_URL"]) + path


outbox.register("invitation", outbox.Kind(compose_invitation))
outbox.register("membership", outbox.Kind(compose_membership))
outbox.register("reset", outbox.Kind(compose_reset, settled=forget_stranger))


@shared_task(name="accounts.purge")
def purge() -> None:
    """Forget old drafts, sessions and links."""
    purge_traces()


jobs.every(crontab(hour=3, minute=40), "accounts.purge")


def init_app(_app: Flask) -> None:
    """Nothing to attach: importing this module makes its tasks and its letters known."""
