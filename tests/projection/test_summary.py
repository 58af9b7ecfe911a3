"""How far a map can be trusted, against counts by hand."""

import numpy as np
import pandas as pd
import pytest

from fashion.projection.summary import Quality, neighbours_alike, results
from fashion.projection.tsne import Map


def test_neighbours_alike_are_counted():
    """Two islands, each of one department, colours in turn."""
    xy = np.array([[side * 100 + place, 0.0] for side in (0, 1) for place in range(20)])
    items = pd.DataFrame({"department": ["a"] * 20 + ["b"] * 20, "colour": ["red", "blue"] * 20})
    found = neighbours_alike(items, xy, k=10)
    assert found["department"]["neighbours"] == 1 and found["department"]["chance"] == pytest.approx(19 / 39)
    assert 0.35 < found["colour"]["neighbours"] < 0.55 and found["colour"]["chance"] == pytest.approx(19 / 39)


def test_a_map_that_is_its_vectors_keeps_all_neighbours():
    angle = np.linspace(0, 1.2, 9)
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    chart = Map(unit, unit, 0.25, 3.0)
    items = pd.DataFrame({"department": ["a"] * 9, "colour": ["red"] * 8 + ["blue"]})
    quality = Quality.of(chart, unit, items, seed=0)
    assert (quality.near, quality.recall, quality.trustworthiness, quality.chance) == (4, 1.0, 1.0, 0.5)
    said = results(chart, "pca", quality, 1.5)
    assert said["neighbours_alike"]["department"] == {"neighbours": 1.0, "chance": 1.0}
    assert said["timing"] == {"seconds": 1.5} and (said["perplexity"], said["divergence"]) == (3.0, 0.25)
    assert said["neighbour_recall_by_chance"] == 0.5 and said["initialisation"] == "pca"
