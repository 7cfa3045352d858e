"""The table says what tests show, and docs/failure.md says what the table does."""

import ast

import pytest

from parley.settings import ROOT
from tests.faults.table import FAULTS, Fault


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.part}, {fault.fault}")
def test_each_fault_is_shown_by_a_test(fault: Fault) -> None:
    file, _, name = fault.shown_by.partition("::")
    module = ast.parse((ROOT / "tests" / file).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    assert name in {each.name for each in module.body if isinstance(each, functions)}


def test_the_page_has_each_fault() -> None:
    page = (ROOT / "docs" / "failure.md").read_text().splitlines()
    assert [fault.row() for fault in FAULTS if fault.row() not in page] == []
