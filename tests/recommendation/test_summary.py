"""What notebook 04 says of all lists, against counts by hand."""

import numpy as np
import pandas as pd

from fashion.recommendation.queries import Query
from fashion.recommendation.summary import AllLists, results


def test_lists_are_summed_up_by_embedding():
    items = pd.DataFrame({
        "item": list("abcd"), "department": "tops", "category": ["x", "x", "y", "y"], "colour": ["red", "blue"] * 2
    })  # fmt: skip
    good, bad = np.array([[1], [0], [3], [2]]), np.array([[2], [0], [0], [2]])
    similarity = np.array([[0.9], [0.8], [0.7], [0.4]])
    lists = AllLists(items, {"learned": (bad, similarity), "frozen": (good, similarity / 2)})
    assert lists.both == {"learned": 0.0, "frozen": 0.0}
    assert lists.misses.rows.tolist() == [0, 2]
    vectors = np.zeros((1, 2), np.float32)
    photo, words = Query("d", vectors, {"colour": "blue", "category": None}), Query("red x", vectors, {})
    said = results(lists, [3, 0], [photo], [words], pd.DataFrame({"diversity": [0.0, 0.5]}))
    assert said["k"] == 1 and said["shown"] == ["d", "a"]
    assert said["precision_at_k_all_items"]["frozen"]["category"] == 1.0
    assert said["precision_at_k_all_items"]["learned"]["category"] == said["failures"]["share"] == 0.5
    assert said["similarity_median"]["learned"] == 0.75 and said["diversity"] == [
        {"diversity": 0.0},
        {"diversity": 0.5},
    ]
    assert said["queries_by_photo"] == [{"item": "d", "seen": {"colour": "blue", "category": None}}]
    assert said["queries_by_words"] == ["red x"]
