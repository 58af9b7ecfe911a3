"""What the report's page says of its settings, and what reading a notebook takes."""

import sys

import nbformat
import pytest

from fashion.report.page import _provenance_rows


def test_a_notebook_is_checked_without_the_grammar_of_addresses():
    assert "jsonschema" in sys.modules and "lark" not in sys.modules, "it takes seconds to compile"
    sound = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    nbformat.validate(sound)
    del sound.cells[0]["source"]
    with pytest.raises(nbformat.ValidationError, match="'source' is a required property"):
        nbformat.validate(sound)


def test_settings_of_zero_are_shown_and_those_that_were_not_given_are_not():
    provenance = {
        "machine": {"processor": "p", "cores": 2, "memory_bytes": 2**33}, "seconds": {"01": 3.0}, "commit": "c",
        "settings": {"seed": 0, "colour_weight": 0.0, "k": 6, "limit": None, "keep_unknown": False, "beside": ""},
        "versions": dict.fromkeys(["python", "tensorflow", "numpy", "pandas", "scikit-learn"], "1"),
        "backbone": {"reason": "b"}, "runtime": {"reason": "r"},
        "checksums": {"weights": "w", "table": "t", "photos": "p"},
    }  # fmt: skip
    assert dict(_provenance_rows(provenance))["Settings"] == "seed = 0, colour_weight = 0.0, k = 6"
