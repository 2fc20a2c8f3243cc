"""Addresses sent by e-mail: signed from the identifier of a link, so that no letter in waiting holds a secret."""

import hashlib
import hmac
import uuid

from itsdangerous import BadSignature, URLSafeSerializer

from cityjobs.accounts.rules import LinkPurpose

PATHS = {LinkPurpose.INVITATION: "/invitation/", LinkPurpose.RESET: "/reinitialisation/"}


def _seal(secret: str, purpose: LinkPurpose) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt=f"account-link:{purpose.value}")


def path_of(link_id: uuid.UUID, purpose: LinkPurpose, secret: str) -> str:
    """The path of a link; one purpose's link opens nothing under another."""
    return PATHS[purpose] + str(_seal(secret, purpose).dumps(link_id.hex))


def key_of(email: str, secret: str) -> str:
    """What tells one address from another without saying it: nobody without the secret tries addresses against it."""
    return hmac.new(secret.encode(), f"reset\0{email}".encode(), hashlib.sha256).hexdigest()


def link_in(token: str, purpose: LinkPurpose, secret: str) -> uuid.UUID | None:
    """The identifier that a token was signed for; None when it was not signed here, or for something else."""
    try:
        return uuid.UUID(hex=_seal(secret, purpose).loads(token))
    except (BadSignature, ValueError, TypeError, AttributeError):
        return None
