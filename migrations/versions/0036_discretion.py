"""What must not be read by others: étapes and goals that tell of health, debts or papers are sensitive lines of their lists."""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = depends_on = None

SENSITIVE = """
alter table list_item disable trigger list_item_is_kept;
update list_item set is_sensitive = true where cite_id is null and not is_sensitive and (
  (list = 'type_etape' and code in
    ('dossier_mdph_rqth', 'acces_soins', 'soutien_psy', 'budget_surendettement', 'regularisation_droit_travail'))
  or (list = 'objectif' and code in ('acces_droits_soins', 'comportements_sante')));
alter table list_item enable trigger list_item_is_kept;
"""


def upgrade() -> None:
    op.execute(SENSITIVE)


def downgrade() -> None:
    """Lines stay sensitive: the version before only says so on the page of lists."""
