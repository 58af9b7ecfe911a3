"""The choice of features follows what was planted."""

import numpy as np
import pandas as pd
import pytest

from fashion.embedding.features import Selection, choose, feature_statistics, selection_trials


def test_selection_round_trip_and_effect(planted):
    _, vectors = planted
    blocks = {"embedding": vectors, "multilayer": vectors[:, :3]}
    mean, components = vectors.mean(axis=0), np.eye(40, dtype=np.float32)[:7]
    selection = Selection("seven", "embedding", mean=mean, components=components)
    assert np.allclose(selection.apply(blocks), (vectors - mean)[:, :7], atol=1e-6)
    again = Selection.from_arrays(selection.arrays())
    assert again.name == "seven" and np.array_equal(again.apply(blocks), selection.apply(blocks))
    assert np.array_equal(Selection("x", "multilayer", columns=np.array([2, 0])).apply(blocks), vectors[:, [2, 0]])


def test_trials_prefer_telling_features(planted):
    items, vectors = planted
    statistics = feature_statistics(vectors, items, seed=0)
    table, selections = selection_trials(vectors, vectors[:, 15:], statistics, items, seed=0, k=6)
    means = table[table["column"] == "category"].set_index("choice")["mean"]
    assert (
        means["the most telling quarter"]
        > means["all 40 max-pooled channels (the original's)"]
        > means["mean- and max-pooled layers"]
    )
    assert means["mean- and max-pooled layers"] == pytest.approx(0.2, abs=0.05)  # noise alone: one in five categories
    assert set(selections) == set(means.index)
    chosen = choose(table)
    assert chosen["choice"] == "the most telling half", "the quarter knows the category, the half the colour too"
    assert "20 dimensions" in chosen["why"]


def test_choose_takes_the_fewest_that_are_as_good():
    table = pd.DataFrame(
        [("all", 100, 0.50, 0.48), ("few", 10, 0.49, 0.47), ("tiny", 2, 0.40, 0.38)],
        columns=["choice", "features", "mean", "low"],
    ).assign(column="category and colour", high=lambda t: 2 * t["mean"] - t["low"], behind=[0.0, -0.001, 0.05])
    assert choose(table)["choice"] == "few"
