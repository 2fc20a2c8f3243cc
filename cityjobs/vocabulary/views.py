"""Pages of the lists: reading them, completing those that a Cité may complete; names of occupations while typing."""

import uuid
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Flask, abort, flash, render_template, request
from flask.typing import ResponseReturnValue

from cityjobs.core.forms import watch_words
from cityjobs.core.permissions import Permission, requires, signed_in
from cityjobs.core.web import redirect_after
from cityjobs.vocabulary.actions import AdditionRefused, add_item, item_of, move_item, offer_item
from cityjobs.vocabulary.forms import AddItemForm
from cityjobs.vocabulary.models import ListItem
from cityjobs.vocabulary.queries import (
    count_rome_names,
    counts_of,
    find_local_item,
    find_rome_names,
    lexicon_here,
    lines_of,
)
from cityjobs.vocabulary.rules import (
    COMPLETED_BY_CITES,
    LIST_LABELS,
    OUTSIDE_LABELS,
    Item,
    ListName,
    parents_of,
)

bp = Blueprint("vocabulary", __name__)
LISTS = "/administration/listes"
LONGEST_TYPED = 200


def named(list_name: str, *, completed: bool = False) -> ListName:
    """The list of an address, or 404; `completed` also asks that a Cité may add to it."""
    if list_name not in tuple(ListName) or (completed and ListName(list_name) not in COMPLETED_BY_CITES):
        abort(404)
    return ListName(list_name)


@bp.get(LISTS)
@requires(Permission.LISTS_READ)
def lists() -> ResponseReturnValue:
    """Every list, what it counts, and which ones the Cité may complete."""
    return render_template(
        "vocabulary/lists.html",
        lists=[(name, LIST_LABELS[name], name in COMPLETED_BY_CITES) for name in ListName],
        counts=counts_of(),
        rome_names=count_rome_names(),
    )


@bp.get(f"{LISTS}/<list_name>")
@requires(Permission.LISTS_READ)
def items(list_name: str) -> ResponseReturnValue:
    """One list: its codes, those of other houses, and what the Cité added."""
    name = named(list_name)
    lines = lines_of(name, *parents_of(name))
    form = AddItemForm(formdata=None)
    form.offer_parents(above(name, lines))
    return list_page(name, lines, form)


@bp.post(f"{LISTS}/<list_name>")
@requires(Permission.LISTS_EDIT)
def add(list_name: str) -> ResponseReturnValue:
    """One more line of the Cité."""
    name = named(list_name, completed=True)
    me = signed_in()
    lines = lines_of(name, *parents_of(name))
    form = AddItemForm()
    form.offer_parents(above(name, lines))
    if form.accepted():
        label, parent = form.answers()
        try:
            add_item(name, label, parent, cite_id=me.cite_id, by=me.id)
        except AdditionRefused as refused:
            form.refuse("label", str(refused))
        else:
            flash("La réponse est ajoutée à la liste.", "done")
            return redirect_after(f"{LISTS}/{name}")
    return list_page(name, lines, form), 422


def above(name: ListName, lines: Sequence[ListItem]) -> list[Item]:
    """The lines that an addition may belong to."""
    return [item_of(line) for line in lines if line.list != name]


def list_page(name: ListName, lines: Sequence[ListItem], form: AddItemForm) -> str:
    """The page of one list, its lines under those of the list above."""
    own = [line for line in lines if line.list == name]
    heads = {line.code: line.label for line in lines if line.list != name}
    order = {code: rank for rank, code in enumerate(heads)}
    own.sort(key=lambda line: order.get(line.parent or "", -1))
    groups: dict[str | None, list[ListItem]] = {}
    for line in own:
        groups.setdefault(line.parent, []).append(line)
    return render_template(
        "vocabulary/items.html",
        name=name,
        title=LIST_LABELS[name],
        groups=[(heads.get(parent or ""), each) for parent, each in groups.items()],
        outside=[
            each for each in OUTSIDE_LABELS.items() if any(each[0] in line.outside_codes for line in own)
        ],
        form=form if name in COMPLETED_BY_CITES else None,
        count=sum(line.is_active for line in own),
    )


# What the Cité added


@bp.post(f"{LISTS}/<list_name>/<uuid:item_id>/ecarter")
@requires(Permission.LISTS_EDIT)
def set_aside(list_name: str, item_id: uuid.UUID) -> ResponseReturnValue:
    """Offer a line no longer; what was recorded with it stays readable."""
    item = find_local_item(named(list_name), item_id) or abort(404)
    offer_item(item, active=False)
    said: Any = {
        "text": "La réponse n’est plus proposée. Les dossiers où elle figure la montrent toujours.",
        "undo_url": f"{LISTS}/{list_name}/{item_id}/reprendre",
        "undo_label": "Annuler",
    }
    flash(said, "done")
    return redirect_after(f"{LISTS}/{list_name}")


@bp.post(f"{LISTS}/<list_name>/<uuid:item_id>/reprendre")
@requires(Permission.LISTS_EDIT)
def take_back(list_name: str, item_id: uuid.UUID) -> ResponseReturnValue:
    """Offer a line again."""
    item = find_local_item(named(list_name), item_id) or abort(404)
    offer_item(item, active=True)
    flash("La réponse est de nouveau proposée.", "done")
    return redirect_after(f"{LISTS}/{list_name}")


@bp.post(f"{LISTS}/<list_name>/<uuid:item_id>/deplacer")
@requires(Permission.LISTS_EDIT)
def move(list_name: str, item_id: uuid.UUID) -> ResponseReturnValue:
    """Put a line before or after its neighbour."""
    item = find_local_item(named(list_name), item_id) or abort(404)
    moved = move_item(item, up=request.form.get("sens") == "haut")
    flash(
        "L’ordre est enregistré." if moved else "Cette réponse est déjà au bout.", "done" if moved else "calm"
    )
    return redirect_after(f"{LISTS}/{list_name}")


# Occupations


@bp.get("/metiers")
@requires(Permission.LISTS_READ)
def occupations() -> ResponseReturnValue:
    """Names of occupations that look like what is being typed, as options of a field."""
    typed = (request.args.get("occupation") or request.args.get("q") or "")[:LONGEST_TYPED]
    return render_template("vocabulary/occupations.html", names=find_rome_names(typed))


def init_app(app: Flask) -> None:
    """Attach the pages of lists, and tell forms the sensitive words."""
    watch_words(app, lexicon_here)
    app.register_blueprint(bp)
