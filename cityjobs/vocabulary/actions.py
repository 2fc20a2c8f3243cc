"""Writes about lists: what a Cité adds to them, sets aside, takes back and orders; the names of occupations."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.exc import IntegrityError

from cityjobs.core.db import after_commit, constraint_of, db
from cityjobs.vocabulary.models import ListItem, RomeName
from cityjobs.vocabulary.queries import forget_lexicon, lines_of, local_items_beside
from cityjobs.vocabulary.rome import Name
from cityjobs.vocabulary.rules import Item, ListName, addition_refusal, local_code, parents_of

TRIES = 3
"""Others may add at the same instant: each time, what they added is read first."""


class AdditionRefused(Exception):
    """The line cannot be added; the message is a whole French sentence."""


def add_item(
    name: ListName, label: str, parent: str | None, *, cite_id: uuid.UUID, by: uuid.UUID
) -> ListItem:
    """Add a line to a list, for one Cité, after the others that it added. Raises AdditionRefused."""
    for _ in range(TRIES):
        every = lines_of(name, *parents_of(name))
        present = [line for line in every if line.list == name]
        refused = addition_refusal(label, parent, [item_of(line) for line in present])
        if refused:
            raise AdditionRefused(refused)
        item = ListItem(
            id=uuid.uuid4(),
            list=name,
            code=local_code(label, frozenset(line.code for line in present)),
            cite_id=cite_id,
            parent=parent,
            label=label,
            is_sensitive=any(
                line.is_sensitive for line in every if line.list != name and line.code == parent
            ),
            rank=max((line.rank for line in present if line.cite_id), default=0) + 1,
            created_by_id=by,
        )
        try:
            with db.session.begin_nested():
                db.session.add(item)
        except IntegrityError as failure:
            if constraint_of(failure) != "uq_list_item_local":
                raise
            continue
        _tell_words_changed(item)
        return item
    raise AdditionRefused("Plusieurs personnes complètent cette liste en ce moment\u00a0: réessayez.")


def item_of(line: ListItem) -> Item:
    """A row as plain values."""
    return Item(
        ListName(line.list),
        line.code,
        line.label,
        line.parent,
        line.is_sensitive,
        line.is_active,
        line.cite_id is not None,
    )


def offer_item(item: ListItem, *, active: bool) -> bool:
    """Set a line aside or take it back; False when it already was so. What was recorded with it stays readable."""
    changed, item.is_active = item.is_active != active, active
    _tell_words_changed(item)
    return changed


def _tell_words_changed(item: ListItem) -> None:
    if item.list == ListName.MOT_SENSIBLE:
        after_commit(partial(forget_lexicon, item.cite_id))


def move_item(item: ListItem, *, up: bool) -> bool:
    """Put a line before or after its neighbour among those added under the same line; False when it has none there."""
    beside = list(local_items_beside(item))
    if item not in beside:
        return False
    place = beside.index(item)
    other = place - 1 if up else place + 1
    if not 0 <= other < len(beside):
        return False
    beside[place], beside[other] = beside[other], beside[place]
    for rank, each in enumerate(beside, 1):
        if each.rank != rank:
            each.rank = rank
    return True


@dataclass(frozen=True)
class ImportedNames:
    """How many names an edition brought, changed, left as they were, and no longer has."""

    created: int
    updated: int
    unchanged: int
    removed: int


def import_rome(names: Sequence[Name]) -> ImportedNames:
    """Make the names of occupations those of one edition. The same edition again changes nothing."""
    known = {
        row.id: (row.rome_code, row.occupation, row.name)
        for row in db.session.execute(
            sa.select(RomeName.id, RomeName.rome_code, RomeName.occupation, RomeName.name)
        )
    }
    changed = [each for each in names if known.get(each.id) != (each.rome_code, each.occupation, each.name)]
    gone = known.keys() - {each.id for each in names}
    if gone:
        db.session.execute(sa.delete(RomeName).where(RomeName.id.in_(gone)))
    if changed:
        row = pg.insert(RomeName)
        kept = {name: row.excluded[name] for name in ("rome_code", "occupation", "name")}
        db.session.execute(
            row.on_conflict_do_update(index_elements=[RomeName.id], set_=kept),
            [vars(each) for each in changed],
        )
    created = sum(each.id not in known for each in changed)
    return ImportedNames(created, len(changed) - created, len(names) - len(changed), len(gone))
