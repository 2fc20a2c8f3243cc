"""Opinions, unions and private life are two more subjects of sensitive words (GDPR article 9; domain.md §3.2)."""

import csv
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = depends_on = None

WORDS = Path(__file__).parents[1] / "lists" / "opinions_and_intimacy.tsv"
RANKED_AFTER = 1000
"""Beyond the ranks of the words listed before."""

FORGET = """
alter table list_item disable trigger list_item_is_kept;
delete from list_item where cite_id is null and list in ('sujet_sensible', 'mot_sensible') and rank >= :after;
alter table list_item enable trigger list_item_is_kept;
"""

ITEMS = sa.table("list_item", *(sa.column(name) for name in ("list", "code", "parent", "label", "rank")))


def upgrade() -> None:
    with WORDS.open(encoding="utf-8", newline="") as lines:
        op.bulk_insert(
            ITEMS,
            [
                {
                    "list": line["liste"],
                    "code": line["code"],
                    "parent": line["parent"] or None,
                    "label": line["libelle"],
                    "rank": rank,
                }
                for rank, line in enumerate(csv.DictReader(lines, delimiter="\t"), start=RANKED_AFTER)
            ],
        )


def downgrade() -> None:
    op.execute(FORGET.replace(":after", str(RANKED_AFTER)))
