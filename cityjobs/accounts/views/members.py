"""Who works in this Cité: inviting, ending a mission, shutting an account. For its administrator."""

import enum
import uuid
from typing import TypeVar

from flask import abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from cityjobs.accounts.actions import (
    AlreadyThere,
    Invitation,
    InvitedMeanwhile,
    disable_account,
    end_membership,
    invite,
    send_invitation,
)
from cityjobs.accounts.forms import InviteForm
from cityjobs.accounts.queries import (
    Colleague,
    MemberState,
    colleagues_of,
    collective_of,
    count_colleagues,
    count_followed_by,
    find_colleague,
)
from cityjobs.accounts.rules import Professional
from cityjobs.accounts.views.blueprint import bp
from cityjobs.core.clock import now
from cityjobs.core.permissions import ROLE_LABELS, Permission, Role, requires, signed_in
from cityjobs.core.web import Page, last_page, page_number, redirect_after, words_sought

_Code = TypeVar("_Code", bound=enum.StrEnum)
ON_A_PAGE = 30
STATE_LABELS = {
    MemberState.OPEN: "En poste",
    MemberState.INVITED: "Invités, compte à ouvrir",
    MemberState.ENDED: "Missions terminées",
}
NOT_ONESELF = "C’est votre propre mission\u00a0: demandez à un autre administrateur de la Cité."


@bp.get("/administration/comptes")
@requires(Permission.ACCOUNTS_MANAGE)
def members() -> ResponseReturnValue:
    """Everybody who works, was invited or worked in this Cité."""
    me: Professional = signed_in()
    words = words_sought()
    role = _one_of(Role, request.args.get("role"))
    state = _one_of(MemberState, request.args.get("etat")) or MemberState.OPEN
    counts = count_colleagues(_cite(me), words=words, role=role)
    number = min(page_number(), last_page(counts[state], ON_A_PAGE))
    rows = colleagues_of(
        _cite(me), words=words, role=role, state=state, first=(number - 1) * ON_A_PAGE, most=ON_A_PAGE
    )
    return render_template(
        "accounts/members.html",
        page=Page(rows, number, ON_A_PAGE, counts[state]),
        counts=counts,
        state=state,
        states=STATE_LABELS,
        words=words,
        role=role,
        roles=[(each.value, ROLE_LABELS[each]) for each in Role],
        now=now(),
    )


@bp.route("/administration/comptes/inviter", methods=["GET", "POST"])
@requires(Permission.ACCOUNTS_MANAGE)
def invite_member() -> ResponseReturnValue:
    """Invite somebody to work in this Cité, and nowhere else."""
    me: Professional = signed_in()
    form = InviteForm(collective_of(_cite(me)))
    if form.accepted() and _is_invited(form, me):
        flash("L’invitation part à l’adresse indiquée.", "done")
        return redirect_after(url_for("accounts.members", etat=MemberState.INVITED.value))
    return render_template("accounts/invite.html", form=form), 422 if form.errors else 200


def _is_invited(form: InviteForm, me: Professional) -> bool:
    email = str(form.email.data)
    if email == me.email:
        form.refuse(
            "email",
            "C’est votre adresse\u00a0: on ne se donne pas un rôle à soi-même. Demandez à un autre administrateur.",
        )
        return False
    try:
        invite(
            Invitation(
                email=email,
                first_name=str(form.first_name.data),
                last_name=str(form.last_name.data),
                role=Role(str(form.role.data)),
                cite_id=_cite(me),
                organisation_id=uuid.UUID(str(form.organisation.data)),
                capacity=form.capacity.data,
            ),
            membership_id=form.membership.key(),
        )
    except AlreadyThere:
        form.refuse("email", "Cette personne a déjà ce rôle dans votre Cité.")
        return False
    except InvitedMeanwhile:
        form.refuse("email", "Quelqu’un vient d’inviter cette personne\u00a0: relisez la liste des comptes.")
        return False
    return True


@bp.post("/administration/comptes/<uuid:membership_id>/relancer")
@requires(Permission.ACCOUNTS_MANAGE)
def invite_again(membership_id: uuid.UUID) -> ResponseReturnValue:
    """Send the invitation once more; the one before no longer opens anything."""
    colleague = _colleague(membership_id)
    if colleague.is_opened or colleague.is_disabled:
        flash("Ce compte est déjà ouvert\u00a0: rien n’a été envoyé.", "due")
    else:
        send_invitation(colleague.user_id, colleague.email)
        flash("Une nouvelle invitation part.", "done")
    return redirect_after(url_for("accounts.members", etat=MemberState.INVITED.value))


@bp.route("/administration/comptes/<uuid:membership_id>/terminer", methods=["GET", "POST"])
@requires(Permission.ACCOUNTS_MANAGE)
def end_mission(membership_id: uuid.UUID) -> ResponseReturnValue:
    """End a mission in this Cité, after saying what is lost."""
    colleague = _colleague(membership_id)
    if colleague.user_id == signed_in().id:
        return _refuse(NOT_ONESELF)
    if request.method == "POST":
        end_membership(membership_id)
        flash("La mission est terminée.", "done")
        return redirect_after(url_for("accounts.members"))
    followed = count_followed_by(colleague.user_id) if colleague.role is Role.REFERENT else 0
    return render_template("accounts/end_mission.html", colleague=colleague, followed=followed)


@bp.route("/administration/comptes/<uuid:membership_id>/desactiver", methods=["GET", "POST"])
@requires(Permission.ACCOUNTS_MANAGE)
def disable(membership_id: uuid.UUID) -> ResponseReturnValue:
    """Shut the account of somebody who works in no other Cité."""
    colleague = _colleague(membership_id)
    if colleague.user_id == signed_in().id:
        return _refuse(NOT_ONESELF)
    if colleague.works_elsewhere:
        return _refuse(
            "Cette personne travaille aussi dans une autre Cité\u00a0: terminez sa mission ici, son compte reste ouvert là-bas."
        )
    if request.method == "POST":
        disable_account(colleague.user_id, _cite(signed_in()))
        flash("Le compte est désactivé.", "done")
        return redirect_after(url_for("accounts.members"))
    followed = count_followed_by(colleague.user_id)
    return render_template("accounts/disable.html", colleague=colleague, followed=followed)


def _cite(me: Professional) -> uuid.UUID:
    if me.cite_id is None:
        abort(403)
    return me.cite_id


def _colleague(membership_id: uuid.UUID) -> Colleague:
    """Somebody who works here today; not there when it was elsewhere, or has ended."""
    colleague = find_colleague(membership_id, _cite(signed_in()))
    if colleague is None or colleague.has_ended:
        abort(404)
    return colleague


def _refuse(sentence: str) -> ResponseReturnValue:
    flash(sentence, "due")
    return redirect_after(url_for("accounts.members"))


def _one_of(codes: type[_Code], asked: str | None) -> _Code | None:
    return next((code for code in codes if code.value == asked), None)
