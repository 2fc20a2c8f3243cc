"""A known fault: what it changes in the house, and which proof must see it."""

from dataclasses import dataclass
from pathlib import Path

LAST = '''"""A fault put in on purpose."""

from alembic import op

revision = "9999"
down_revision = "{head}"
branch_labels = depends_on = None


def upgrade() -> None:
    op.execute("reset role")
    op.execute({sql!r})
'''


class FaultNotFound(Exception):
    """The text to be spoilt is not in the file, or is there more than once: the fault must be written again."""


@dataclass(frozen=True)
class Fault:
    """Either a text of a file becomes another, or a statement is run as the owner after the last migration."""

    proof: str
    """What pytest is asked to run: a file, or one test of it."""
    name: str
    file: str = ""
    was: str = ""
    becomes: str = ""
    sql: str = ""

    def put_into(self, house: Path) -> None:
        """Spoil a copy of the house. Raises FaultNotFound."""
        if self.file:
            path = house / self.file
            text = path.read_text(encoding="utf-8")
            if text.count(self.was) != 1:
                raise FaultNotFound(f"{self.name}: {text.count(self.was)} times in {self.file}: {self.was}")
            path.write_text(text.replace(self.was, self.becomes), encoding="utf-8")
        if self.sql:
            versions = house / "migrations" / "versions"
            head = max(path.name[:4] for path in versions.glob("[0-9]*.py"))
            (versions / "9999_fault.py").write_text(LAST.format(head=head, sql=self.sql), encoding="utf-8")
