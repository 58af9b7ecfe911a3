"""Filters are exact, in both languages, and wrong ones say what would be right."""

import numpy as np
import pytest
from conftest import SIX_ITEMS as ITEMS

from fashion.recommendation.filters import QueryError, near_words, parse_where, where_mask


def test_where_reads_english_and_italian():
    assert parse_where(["colour=red,Blue "], ITEMS) == {"colour": ("red", "blue")}
    assert parse_where(["colour=ROSSO", "category=vestito corto"], ITEMS) == {
        "colour": ("red",),
        "category": ("short dress",),
    }


@pytest.mark.parametrize(
    ("condition", "complaint"),
    [
        ("colour", "expected a filter like"),
        ("colour=", "expected a filter like"),
        ("size=XL", "expected a column of the catalogue.*colour, category"),
        ("colour=rod", "expected a colour of the catalogue; found 'rod'; near: red"),
        ("category=boats", "near: boots"),
    ],
)
def test_wrong_filters(condition, complaint):
    with pytest.raises(QueryError, match=complaint):
        parse_where([condition], ITEMS)


def test_conditions_on_one_column_must_all_hold():
    assert parse_where(["colour=red,blue", "colour=blue,green"], ITEMS) == {"colour": ("blue",)}
    with pytest.raises(QueryError, match="that some item matches"):
        parse_where(["colour=red", "colour=blue"], ITEMS)


def test_mask_takes_any_of_the_values_and_all_of_the_columns():
    assert where_mask(ITEMS, None).all()
    mask = where_mask(ITEMS, {"colour": ("red", "blue"), "category": ("boots",)})
    assert np.flatnonzero(mask).tolist() == [0, 2, 3]


def test_near_words():
    assert near_words("rod", ["red", "blue"]) == "; near: red" and near_words("qqqq", ["red"]) == ""
