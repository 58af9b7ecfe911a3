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


def test_only_columns_that_people_filter_by_are_offered_and_the_others_work():
    more = dict.fromkeys(["photo", "sha256", "phash", "added", "near_duplicate_of", "title", "gender_source"], "a")
    items = ITEMS.assign(**more, gender="women", price="9")
    with pytest.raises(QueryError) as told:
        parse_where(["size=XL"], items)
    offered = str(told.value).partition("Choose one of ")[2].rstrip(".").split(", ")
    assert {"colour", "category", "gender", "price"} <= set(offered) and not {*more, "item"} & set(offered)
    assert parse_where(["added=a"], items) == {"added": ("a",)}


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
