"""Coverage is counted as by hand."""

import numpy as np
import pandas as pd
import pytest

from fashion.evaluation.coverage import coverage, coverage_table, gini, lists_of, never_shown_by, times_shown
from fashion.neighbours.exact import normalise


def test_counts_gini_and_the_share_never_shown():
    lists = np.array([[1, 2], [0, 2], [0, 1], [0, 2]])
    assert times_shown(lists, 5).tolist() == [3, 2, 3, 0, 0]
    found = coverage(lists, np.arange(5), 0)
    assert found["never_shown"] == pytest.approx(0.4) and found["low"] < 0.4 < found["high"]
    pairs = np.abs(np.subtract.outer([3, 2, 3, 0, 0], [3, 2, 3, 0, 0])).mean()
    assert found["gini"] == pytest.approx(pairs / (2 * 8 / 5)), "half the mean difference over the mean"
    assert gini([0, 0]) == 0
    inside = coverage(np.array([[4], [2]]), np.array([2, 4]), 0)
    assert inside["never_shown"] == 0 and list(coverage_table({("a", "whole"): (lists, np.arange(5))}, 0)["gini"])


def test_shares_by_word_are_largest_first():
    table = never_shown_by(pd.Series(["x", "y", "x", "x", "y"]), np.array([[0], [1]]))
    assert table.index.tolist() == ["x", "y"] and table["never_shown"].tolist() == pytest.approx([2 / 3, 0.5])


def test_lists_of_a_gallery_stay_inside_it():
    vectors = normalise(np.random.default_rng(0).normal(size=(30, 5)))
    gallery = np.array([3, 7, 11, 20, 29])
    rows = lists_of(vectors, gallery, 2)
    for query, found in zip(gallery, rows, strict=True):
        others = [row for row in gallery if row != query]
        assert found.tolist() == sorted(others, key=lambda row: -float(vectors[row] @ vectors[query]))[:2]
    assert (lists_of(vectors, gallery, 2, -vectors) != rows).any()
