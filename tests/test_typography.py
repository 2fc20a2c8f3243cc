"""French signs keep the space before them: no line of a page, a letter or a report begins with « : » or « ? »."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
AT_A_TERMINAL = {"cli.py", "embedded"}
PLAIN_SPACE = re.compile(r"(?<=[\w»’)}%]) [:?!;»](?=[\s<\"'~{]|$)|« ")
COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)


def sentences() -> Iterator[tuple[str, str]]:
    """Every text of the code but its docstrings, then every line of the templates, each with its place."""
    for path in sorted((ROOT / "cityjobs").rglob("*.py")):
        if not AT_A_TERMINAL & {path.name, *path.parts}:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            said_of_code = {
                id(each.value)
                for node in ast.walk(tree)
                for each in ast.iter_child_nodes(node)
                if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)
            }
            for node in ast.walk(tree):
                if (
                    isinstance(node, ast.Constant)
                    and isinstance(node.value, str)
                    and id(node) not in said_of_code
                ):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value
    for path in sorted((ROOT / "templates").rglob("*.*")):
        text = COMMENT.sub(lambda found: "\n" * found.group().count("\n"), path.read_text(encoding="utf-8"))
        for number, line in enumerate(text.splitlines(), 1):
            yield f"{path.relative_to(ROOT)}:{number}", line


def test_signs_of_two_parts_never_stand_after_a_plain_space() -> None:
    said = list(sentences())
    assert len(said) > 5000
    assert [place for place, text in said if PLAIN_SPACE.search(text)] == []


def test_a_plain_space_is_seen() -> None:
    for text in (
        "Qui ?",
        "Attention : trop tard.",
        "« Tous\u00a0»",
        "dit « oui »",
        "<b>Qui</b> remplace ?</p>",
    ):
        assert PLAIN_SPACE.search(text), text
    for text in ("Qui\u202f?", "À 14\u202fh\u00a0: rien", "«\u00a0Tous\u00a0»", "{% if a != b %}"):
        assert not PLAIN_SPACE.search(text), text
