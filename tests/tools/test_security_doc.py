"""Each claim of the threat model names a test, and each test that it names is there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text()
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def functions_of(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text())
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def claims() -> Iterator[str]:
    """Rows of the tables whose last column is `test`."""
    inside = False
    for line in PAGE.splitlines():
        if line.endswith("| test |"):
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and not line.startswith("|---"):
            yield line


def test_a_test_that_is_named_is_there() -> None:
    named = NAMED.findall(PAGE)
    assert named
    assert [(file, name) for file, name in named if not (ROOT / file).exists()] == []
    assert [(file, name) for file, name in named if name not in functions_of(file)] == []


def test_every_claim_names_a_test() -> None:
    rows = list(claims())
    assert rows
    assert [row for row in rows if not NAMED.search(row.rpartition(" | ")[2])] == []
