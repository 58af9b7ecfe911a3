"""Queries by words and changed by words: what becomes a vector, and what a condition."""

import numpy as np
import pandas as pd
import pytest

from fashion.attributes.layout import Layout
from fashion.recommendation.filters import QueryError
from fashion.recommendation.queries import Query, reworded, words_query

ITEMS = pd.DataFrame(
    {
        "item": ["a", "b", "c"],
        "colour": ["red", "blue", "red"],
        "category": ["boots", "sandals", "hat"],
        "department": ["footwear", "footwear", "accessories"],
        "gender": ["men", "women", "women"],
    }
)
LAYOUT = Layout(("boots", "sandals"), ("red", "blue"), np.eye(2, dtype=np.float32))


def test_kinds_and_colours_are_vectors_and_the_rest_conditions():
    query = words_query("red or blue boots for men", ITEMS, LAYOUT)
    assert query.vectors.shape == (2, LAYOUT.width) and query.where == {"gender": ("men",)}
    assert query.description == {"colour": ("red", "blue"), "category": "boots", "gender": "men"}
    assert (query.vectors[:, 0] > 0).all() and query.row is None


def test_a_department_stands_for_its_categories():
    assert len(words_query("footwear", ITEMS, LAYOUT).vectors) == 2


def test_a_kind_that_was_not_taught_is_a_condition_and_leaves_the_colour():
    query = words_query("red hat", ITEMS, LAYOUT)
    assert query.where == {"category": ("hat",)} and not query.vectors[:, :3].any() and query.vectors[:, 3:].any()


def test_words_keep_hidden_what_a_query_hides():
    hidden = Query("a", np.ones((1, LAYOUT.width), np.float32), {}, allowed=np.array([True, True, False]))
    assert reworded(hidden, "red", ITEMS, LAYOUT).allowed.tolist() == [True, True, False]
    assert reworded(hidden, "not blue", ITEMS, LAYOUT).allowed.tolist() == [True, False, False]


def test_words_change_the_part_that_they_name_and_nothing_else():
    asked = Query("a", np.array([[0.9, 0.1, 0.2, 0.6, 0.4, 0.1, 0, 1]], np.float32), dict(ITEMS.iloc[0]), row=0)
    changed = reworded(asked, "blue", ITEMS, LAYOUT)
    assert np.array_equal(changed.vectors[0, :3], asked.vectors[0, :3]) and changed.vectors[0, 4] > 0.5
    assert changed.description["colour"] == "blue" and changed.description["category"] == "boots" and changed.row == 0
    kind = reworded(asked, "sandals", ITEMS, LAYOUT)
    assert np.array_equal(kind.vectors[0, 3:], asked.vectors[0, 3:]) and "department" not in kind.description
    with pytest.raises(QueryError, match="expected the learned or described"):
        reworded(Query("x", np.ones((1, 9), np.float32), {}), "blue", ITEMS, LAYOUT)
