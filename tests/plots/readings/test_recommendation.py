"""Readings of notebook 04."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from fashion.evaluation.summary import Misses
from fashion.plots.readings import recommendation

ITEMS = pd.DataFrame({"category": ["a", "a", "b", "b"], "colour": ["red", "red", "red", "blue"]})


def test_rows_of_a_figure_are_counted_and_set_beside_the_mean():
    nearest = np.array([[1, 2], [0, 3], [3, 0], [2, 1]])
    assert recommendation.matching(ITEMS, [0, 1], nearest) == (2, 4)
    assert "luckier" not in recommendation.shown((2, 4), 0.45)
    assert "2 of these 4 match" in recommendation.shown((2, 4), 0.45)
    assert "These rows are unluckier" in recommendation.shown((2, 4), 0.9)
    assert "These rows are luckier" in recommendation.shown((4, 4), 0.5)


def query(**description):
    return SimpleNamespace(description=description)


def test_queries_by_photo():
    right = query(category="a", colour="red")
    said = recommendation.by_photo(ITEMS.iloc[[0]], [right], [ITEMS.iloc[[1, 2]]])
    assert "colour right in 1 of 1 photos and the category in 1; 1 of 2" in said and "misreads" not in said
    assert recommendation.by_photo(ITEMS.iloc[[0]], [right], [ITEMS.iloc[[1, 2]]], "No network was trained.") == ""
    assert "misreads" in recommendation.by_photo(ITEMS.iloc[[2]], [right], [ITEMS.iloc[[1]]])


def test_queries_by_words():
    asked = query(category=("a", "b"), colour="red")
    assert recommendation.by_words([asked], [ITEMS.iloc[[0, 2]]]).startswith("All 2 answers")
    assert recommendation.by_words([asked], [ITEMS.iloc[[0, 3]]]).startswith("1 of 2 answers")
    assert recommendation.by_words([query()], [ITEMS]) == ""


def misses(rows, confused, rare=0.0):
    return Misses(np.array(rows, int), 100, pd.Series(confused, dtype=int), rare)


def test_failures():
    said = recommendation.failures(misses([1, 2], {"shirt  →  top": 8, "coat  →  dress": 2}, 0.5), 6)
    assert "2 queries of 100 (2%)" in said and "*top* recommended for *shirt*, 8 times" in said
    assert "50% are of categories with at most six items" in said and "*shirt* is on one side of 80%" in said
    mild = recommendation.failures(misses([1], {"a  →  b": 3, "c  →  d": 3}), 6)
    once = recommendation.failures(misses([1], {"a  →  b": 1}), 6)
    assert "1 query of 100 (1%) has no" in once and "*b* recommended for *a*, 1 time." in once
    assert "cannot fill" not in mild and "one side" not in mild
    assert recommendation.failures(misses([], {}), 6) == ""


def test_diversity():
    def trial(likeness, spread):
        return pd.DataFrame({"diversity": [0.0, 0.4], "similarity to the query": likeness,
                             "frozen similarity within the list": spread})  # fmt: skip

    assert "the cost exceeds the gain" in recommendation.diversity(trial([0.7, 0.6], [0.95, 0.94]))
    assert "worth trying" in recommendation.diversity(trial([0.7, 0.69], [0.95, 0.8]))
    assert recommendation.diversity(trial([0.7, 0.7], [0.9, 0.8])) == ""


def test_findings():
    found = recommendation.findings({"described": 0.999, "frozen": 0.49}, 6, misses([1, 2], {"a  →  b": 2}))
    assert "99.9% of the six recommendations" in found[0] and "reaches 49%" in found[0] and "2 items (2%)" in found[1]
    assert "measured" not in found[0] and "trained" not in found[0]
    bare = recommendation.findings({"described": 0.9, "frozen": 0.5}, 6, misses([], {}), "Too few items.", True)
    assert "agreement in colour is by construction" in bare[0] and "No network was trained" in bare[0]
    none = recommendation.findings({"described": 0.4, "frozen": 0.49}, 4, misses([], {}))
    assert "Words do not help here" in none[0] and "every item gets" in none[1] and len(none) == 2
