"""Notebooks are thin: at most three imports of the package, one line that opens the study, no function."""

import ast

import nbformat
import pytest

from fashion.report.steps import STEPS


def code_of(step):
    cells = nbformat.read(step.path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.number)
def test_a_notebook_imports_little_opens_one_study_and_defines_nothing(step):
    nodes = list(ast.walk(ast.parse(code_of(step))))
    ours = [
        node for node in nodes
        if (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "fashion")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "fashion" for alias in node.names))
    ]  # fmt: skip
    assert 1 <= len(ours) <= 3, [ast.unparse(node) for node in ours]
    opening = [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == "Run.in_project"]
    assert len(opening) == 1 and len({"processed", "reports"} - {word.arg for word in opening[0].keywords}) == 0
    assert not any(isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda) for node in nodes)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.number)
def test_a_notebook_is_short(step):
    lines = [line for line in code_of(step).splitlines() if line.strip() and not line.strip().startswith("#")]
    assert len(lines) <= (150 if step.number == "06" else 200)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.number)
def test_the_last_cell_writes_the_results_and_shows_the_findings(step):
    """What a run by hand is told stands at its end; and numbers are put together by the package."""
    cells = nbformat.read(step.path, as_version=4).cells
    place = max(place for place, cell in enumerate(cells) if cell.cell_type == "code")
    assert [place] == [n for n, cell in enumerate(cells) if "write_results(" in cell.source]
    assert cells[place - 1].source == "## Findings"
    tree = ast.parse(cells[place].source)
    assert ast.unparse(tree.body[-1]) == "Markdown(readings.text.numbered(findings))"
    assert len(cells[place].source.splitlines()) <= 10
    values = [value for node in ast.walk(tree) if isinstance(node, ast.Dict) for value in node.values]
    assert all(isinstance(value, ast.Name | ast.List) for value in values), "a number is computed here"
