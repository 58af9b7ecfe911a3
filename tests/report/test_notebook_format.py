"""nbformat comes without its grammar of addresses, checks notebooks as ever, and leaves the package to others."""

import subprocess
import sys

import pytest

from fashion.core.paths import project_root

CHECK = """
import sys, nbformat, jsonschema
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
nbformat.validate(notebook)
del notebook.cells[0]["source"]
try:
    nbformat.validate(notebook)
except nbformat.ValidationError as error:
    print("required" in str(error), "lark" in sys.modules, jsonschema.FormatChecker().conforms("<>", "iri"))
"""


@pytest.mark.parametrize(
    ("before", "lark", "any_iri"),
    [("from fashion.report.page import sentence; sentence('*a*')", False, True),
     ("import fashion.report.runner as runner; runner.import_nbformat()", False, True),
     ("import jsonschema; from fashion.report.notebook_format import import_nbformat; import_nbformat()", True, False)],
)  # fmt: skip
def test_the_grammar_is_left_out_unless_jsonschema_is_loaded_before(before, lark, any_iri):
    said = subprocess.run(
        [sys.executable, "-c", before + CHECK], capture_output=True, text=True, check=True, cwd=project_root()
    )
    assert said.stdout.split() == ["True", str(lark), str(any_iri)]


def test_the_grammar_can_be_imported_afterwards():
    code = "from fashion.report.notebook_format import import_nbformat; import_nbformat(); import sys, rfc3987_syntax"
    code += "; print('lark' in sys.modules, rfc3987_syntax.is_valid_syntax('iri', '<>'))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=project_root())
    assert said.stdout.split() == ["True", "False"]
