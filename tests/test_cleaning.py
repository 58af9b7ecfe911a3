"""Each row is kept or counted under one reason: nothing goes silently."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fashion import cleaning
from fashion.errors import CatalogueError


def rows(*records):
    frame = pd.DataFrame(records, columns=["item", "colour", "category", "department"])
    frame.insert(0, "row", range(1, len(frame) + 1))
    frame.insert(1, "photo", frame["item"] + ".jpg")
    return frame


NONE = pd.DataFrame(columns=["row", "item", "photo", "reason"])


def test_reasons_in_order():
    table = rows(
        ("a", "red", "shoe", "footwear"),
        ("b", "", "shoe", "footwear"),
        ("a", "red", "shoe", "footwear"),
        ("a", "blue", "shoe", "footwear"),
        ("c", "red", "lamp", "lighting"),
        ("d", "red", "", ""),
    )
    step = cleaning.start(table, NONE)
    step = cleaning.drop_null_rows(step, ["item", "colour", "category", "department"])
    step = cleaning.drop_duplicate_rows(step)
    step = cleaning.drop_departments(step, ["lighting"])
    assert step.rows["item"].tolist() == ["a"]
    found = step.rejected.set_index("row")[["reason", "detail"]].to_dict("index")
    assert found[2] == {"reason": "null row", "detail": "empty: colour"}
    assert found[6] == {"reason": "null row", "detail": "empty: category, department"}
    assert found[3] == {"reason": "duplicate row", "detail": "same as row 1"}
    assert found[4] == {"reason": "duplicate item", "detail": "same item as row 1"}
    assert found[5] == {"reason": "not a garment", "detail": "lighting"}


def test_photos():
    table = rows(*[(name, "red", "shoe", "footwear") for name in "abcde"])
    problems = pd.Series(["", "missing: there is no 'b'", "truncated: c", "", ""])
    sha256 = pd.Series(["1", "", "2", "1", "3"])
    step = cleaning.drop_photos(cleaning.start(table, NONE), problems, sha256)
    assert step.rows["item"].tolist() == ["a", "e"]
    assert step.rejected[["item", "reason"]].values.tolist() == [
        ["b", "missing photo"],
        ["c", "unreadable photo"],
        ["d", "identical photo"],
    ]
    assert step.rejected["detail"].iloc[-1] == "same photo as a"


def test_malformed_rows_are_counted():
    malformed = pd.DataFrame([{"row": 7, "item": "", "photo": "", "reason": "9 fields where the header has 8"}])
    step = cleaning.start(rows(("a", "red", "shoe", "footwear")), malformed)
    line = step.summary().set_index("reason").loc["malformed row"]
    assert line["rows"] == 1 and step.rejected["detail"].tolist() == ["9 fields where the header has 8"]


def test_unknown_reason_is_refused():
    step = cleaning.start(rows(("a", "red", "shoe", "footwear")), NONE)
    with pytest.raises(ValueError, match="expected a reason"):
        step.drop(pd.Series([True]), "because")


def test_summary_names_every_reason_even_at_zero():
    summary = cleaning.start(rows(("a", "red", "shoe", "footwear")), NONE).summary()
    assert summary["reason"].tolist() == list(cleaning.REASONS) and summary["rows"].sum() == 0


words = st.sampled_from(["", "x", "y", "lighting"])


@given(st.lists(st.tuples(st.sampled_from("abcd"), words, words, words), max_size=25))
def test_every_row_is_kept_or_rejected_once(records):
    table = rows(*records)
    step = cleaning.start(table, NONE)
    step = cleaning.drop_null_rows(step, ["item", "colour", "category", "department"])
    step = cleaning.drop_departments(cleaning.drop_duplicate_rows(step), ["lighting"])
    sha256 = step.rows["colour"]
    step = cleaning.drop_photos(step, pd.Series([""] * len(step.rows), dtype=object), sha256)
    assert sorted([*step.rows["row"], *step.rejected["row"]]) == table["row"].tolist()
    assert step.rows["item"].is_unique and not (step.rows == "").any().any()
    assert step.summary()["rows"].sum() == len(step.rejected)


def test_too_little_left_says_why():
    step = cleaning.start(rows(("a", "red", "shoe", "footwear"), ("b", "red", "shoe", "footwear")), NONE)
    missing = pd.Series(["missing: there is no 'a.jpg' in shop", ""])
    step = cleaning.drop_photos(step, missing, pd.Series(["", "1"]))
    cleaning.require_items(step, "shop", least=1)
    with pytest.raises(
        CatalogueError, match=r"(?s)at least 2 items.*found 1.*1 × missing photo.*a\.jpg.*correct `photos`"
    ):
        cleaning.require_items(step, "shop", least=2)
