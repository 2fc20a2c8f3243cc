"""Reads of the lists: lines offered, labels of codes whatever became of them, names of occupations."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from cityjobs.core.db import HERE, acting, db
from cityjobs.core.wording import Lexicon
from cityjobs.vocabulary.models import ListItem, RomeName
from cityjobs.vocabulary.rules import Item, ListName, words_sought

_SEEN = sa.or_(ListItem.cite_id.is_(None), ListItem.cite_id == HERE)
_IN_ORDER = (ListItem.cite_id.is_not(None), ListItem.rank, ListItem.label, ListItem.code)
"""Those of the nation in their order, then those of the Cité in theirs."""


def item_of(column: Any, name: ListName) -> tuple[type[ListItem], sa.ColumnElement[bool]]:
    """A line of a list, aliased, and how it is joined to the column that holds its code."""
    item = aliased(ListItem)
    is_seen = sa.or_(item.cite_id.is_(None), item.cite_id == HERE)
    return item, sa.and_(item.list == name, item.code == column, is_seen)


@dataclass(frozen=True)
class Lists:
    """Some lists as a Cité knows them, read at once; lines set aside are among them."""

    read: dict[ListName, list[Item]] = field(default_factory=dict)

    def items(self, name: ListName, parent: str | None = None) -> list[Item]:
        """The lines of a list in order, or those under one line of the list above."""
        return [item for item in self.read.get(name, []) if parent is None or item.parent == parent]

    def offered(self, name: ListName, parent: str | None = None) -> list[Item]:
        """The lines that may be chosen."""
        return [item for item in self.items(name, parent) if item.is_active]

    def labels(self, name: ListName) -> dict[str, str]:
        """Labels by code, of every line that there ever was."""
        return {item.code: item.label for item in self.items(name)}


def read_lists(*names: ListName) -> Lists:
    """Several lists in one question: for forms that offer lines and also show codes kept before."""
    rows = db.session.execute(
        sa.select(
            ListItem.list, ListItem.code, ListItem.label, ListItem.parent, ListItem.is_sensitive, ListItem.is_active,
            ListItem.cite_id.is_not(None),
        )
        .where(ListItem.list.in_(names), _SEEN)
        .order_by(*_IN_ORDER)
    )  # fmt: skip
    read: dict[ListName, list[Item]] = {name: [] for name in names}
    for row in rows:
        read[ListName(row[0])].append(Item(ListName(row[0]), *row[1:]))
    return Lists(read)


def labels_of(*names: ListName) -> dict[ListName, dict[str, str]]:
    """What to show for each code, by list, lines set aside included."""
    lists = read_lists(*names)
    return {name: lists.labels(name) for name in names}


# Sensitive words

LEXICON_LIFE = 60.0
"""Seconds after which what another process added is known here."""
MOST_LEXICONS = 40
_lexicons: dict[uuid.UUID | None, tuple[float, Lexicon]] = {}


def lexicon_here() -> Lexicon:
    """The sensitive words of the nation and of the Cité being worked in: read at most once a minute by each process."""
    cite_id = acting().cite_id
    read_at, lexicon = _lexicons.get(cite_id, (0.0, None))
    if lexicon is None or monotonic() - read_at > LEXICON_LIFE:
        words = read_lists(ListName.MOT_SENSIBLE).offered(ListName.MOT_SENSIBLE)
        lexicon = Lexicon((word.parent or "", word.label) for word in words)
        if len(_lexicons) >= MOST_LEXICONS:
            _lexicons.clear()
        _lexicons[cite_id] = monotonic(), lexicon
    return lexicon


def forget_lexicon(cite_id: uuid.UUID | None) -> None:
    """Read the sensitive words of a Cité again when next needed."""
    _lexicons.pop(cite_id, None)


# The pages of lists


def counts_of() -> dict[str, tuple[int, int, bool]]:
    """By list: how many lines of the nation, how many of the Cité that are offered, and whether one is sensitive."""
    is_national = ListItem.cite_id.is_(None)
    rows = db.session.execute(
        sa.select(
            ListItem.list,
            sa.func.count().filter(is_national),
            sa.func.count().filter(~is_national, ListItem.is_active),
            sa.func.bool_or(ListItem.is_sensitive),
        )
        .where(_SEEN)
        .group_by(ListItem.list)
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def lines_of(*names: ListName) -> Sequence[ListItem]:
    """Every line of some lists, for the page of one of them: those of the lists above come along."""
    return db.session.scalars(
        sa.select(ListItem).where(ListItem.list.in_(names), _SEEN).order_by(*_IN_ORDER)
    ).all()


def find_local_item(name: ListName, item_id: uuid.UUID) -> ListItem | None:
    """A line that this very Cité added to this very list, held against other writers; None for any other."""
    wanted = sa.select(ListItem).where(
        ListItem.id == item_id, ListItem.list == name, ListItem.cite_id == acting().cite_id
    )
    return db.session.scalar(wanted.with_for_update())


def local_items_beside(item: ListItem) -> Sequence[ListItem]:
    """The offered lines that this Cité added to the same list, under the same line; held against other writers."""
    return db.session.scalars(
        sa.select(ListItem)
        .where(
            ListItem.list == item.list,
            ListItem.cite_id == item.cite_id,
            ListItem.parent.is_not_distinct_from(item.parent),
            ListItem.is_active,
        )
        .order_by(ListItem.rank, ListItem.label, ListItem.code)
        .with_for_update()
    ).all()


# Names of occupations

_BEGINS_SO = sa.text(
    """
    select rome_code, occupation, name from rome_name
    where trigrams @> (
      select coalesce(array_agg(distinct substr('  ' || word, i, 3)), '{}')
      from regexp_split_to_table(app.fold(:sought), ' ') word, generate_series(1, length(word)) i where word <> '')
    order by length(name), name limit :most
    """
)
"""Each word sought begins a word of the name: the index answers alone."""

_LOOKS_SO = sa.text(
    """
    with asked as materialized (
      select grams, app.signature(grams) as signature,
        ceil(cardinality(grams) * 0.6) - cardinality(grams) + bit_count(app.signature(grams)) as bits_in_common
      from (select app.trigrams(:sought) as grams) words)
    select rome_code, occupation, name from (
      select n.rome_code, n.occupation, n.name, app.closeness(n.trigrams, asked.grams) as closeness
      from rome_name n, asked where bit_count(n.signature & asked.signature) >= asked.bits_in_common) compared
    where closeness >= 0.6 order by closeness desc, length(name), name limit :most
    """
)
"""Six groups of letters in ten are there: for words misspelt, when none begins so."""


def find_rome_names(words: str, most: int = 12) -> Sequence[sa.Row[tuple[Any, ...]]]:
    """Names of occupations that look like some words, misspelt or not, the nearest first: rome_code, occupation, name."""
    sought = words_sought(words)
    if not sought:
        return []
    asked = {"sought": sought, "most": most}
    return db.session.execute(_BEGINS_SO, asked).all() or db.session.execute(_LOOKS_SO, asked).all()


def find_rome_code(name: str) -> str | None:
    """The code of the occupation that bears exactly this name; None when it is free text."""
    if not words_sought(name):
        return None
    grams = sa.cast(sa.func.app.trigrams(name), RomeName.trigrams.type)
    return db.session.scalar(
        sa.select(RomeName.rome_code)
        .where(
            RomeName.trigrams.contains(grams),  # the index answers, then few names are compared whole
            sa.func.app.fold(RomeName.name) == sa.func.app.fold(name),
        )
        .order_by(RomeName.id)
        .limit(1)
    )


def count_rome_names() -> int:
    """How many names were imported."""
    return db.session.scalar(sa.select(sa.func.count()).select_from(RomeName)) or 0
