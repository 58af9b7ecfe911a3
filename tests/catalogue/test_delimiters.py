"""Delimiters of tables, found without being told."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fashion.catalogue.delimiters import ENOUGH, USUAL, delimiter_of

CELL = st.text(st.sampled_from("ab ,;|é9.-'\n\""), max_size=8)


def written(rows, delimiter, quoting=csv.QUOTE_MINIMAL):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=quoting).writerows(rows)
    return text.getvalue()


@given(
    rows=st.lists(st.tuples(CELL, CELL, st.sampled_from(["top", "bag"])), min_size=1, max_size=12),
    delimiter=st.sampled_from(USUAL),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_the_delimiter_that_wrote_a_table_is_found(rows, delimiter, quoting):
    """Whatever the cells hold, under a header of plain names."""
    text = written([["id", "title", "kind"], *rows], delimiter, quoting)
    assert delimiter_of(text) == delimiter_of(text, ["kind", "id"]) == delimiter


@pytest.mark.parametrize(
    ("text", "wanted", "delimiter"),
    [
        ("name, full;kind, of\na, b;c, d\n", (), ";"),  # both cut the header in more than one
        ("id,brand;maker,kind\n1,a;b,top\n", (), ","),
        ("id,brand;maker\n1,a;b\n", ("id", "brand;maker"), ","),
        ("id,brand;maker\n1,a;b\n", ("maker",), ";"),
        ('"id, of the shop";"kind"\n"1";"top"\n', (), ";"),
        ("sep=~\nid~kind\n1~top\n", (), "~"),
        ("id|kind\n1|top|x|y\n2|bag\n", (), "|"),
        ("id\tprice, euro\n1\t5,90\n2\t7,00\n", (), "\t"),
        ("one\n1\n", (), ","),
        ("", (), ","),
        ("\n\n", (), ","),
    ],
)
def test_hard_cases(text, wanted, delimiter):
    assert delimiter_of(text, wanted) == delimiter


def test_a_long_table_is_told_by_its_beginning_to_the_end_of_a_line():
    rows = [["id", "title"], *([str(n), "a, b; c"] for n in range(ENOUGH // 4))]
    text = written(rows, ";")
    assert len(text) > 2 * ENOUGH and delimiter_of(text) == ";"
    assert delimiter_of("id;kind\n" + "x" * (2 * ENOUGH) + ";top\n") == ";"
