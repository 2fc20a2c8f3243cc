"""Help, for whoever is signed in, and who may do what: made from the very table that the gate reads.

It stands beside accounts and missions, for a mission is what gives a role.
"""

from flask import render_template
from flask.typing import ResponseReturnValue

from cityjobs.accounts.rules import Professional
from cityjobs.accounts.views.blueprint import bp
from cityjobs.core.grants import (
    PERMISSION_LABELS,
    REACH_WORDS,
    ROLE_LABELS,
    Permission,
    Role,
    in_words,
    reach_of,
    told_to_me,
)
from cityjobs.core.permissions import SIGNED_IN, requires, signed_in


@bp.get("/aide")
@requires(SIGNED_IN)
def help_page() -> ResponseReturnValue:
    """Who sees whom, the keys, the rule of passwords."""
    return render_template("help/help.html")


@bp.get("/aide/droits")
@requires(SIGNED_IN)
def rights() -> ResponseReturnValue:
    """What my role opens, then what each role opens."""
    me: Professional = signed_in()
    return render_template(
        "help/rights.html",
        mine=_rights_of(me.role),
        lines=[
            (PERMISSION_LABELS[permission], [(role, in_words(reach_of(role, permission))) for role in Role])
            for permission in Permission
        ],
        labels=ROLE_LABELS,
        columns=[{"label": "Action"}, *({"label": label} for label in ROLE_LABELS.values())],
        words=REACH_WORDS.values(),
    )


def _rights_of(role: Role | None) -> dict[str, list[str]]:
    """How far, in sentences, and what may be done so far."""
    rights: dict[str, list[str]] = {}
    for permission in Permission:
        if reach := reach_of(role, permission):
            rights.setdefault(told_to_me(reach), []).append(PERMISSION_LABELS[permission])
    return rights
