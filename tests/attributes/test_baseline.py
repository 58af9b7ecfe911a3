"""The baseline learns what is linear, and its products are expected agreement."""

import numpy as np
import pandas as pd

from fashion.attributes import baseline
from fashion.attributes.baseline import logistic_vectors


def test_learns_planted_words_and_matches_by_them(monkeypatch):
    monkeypatch.setattr(baseline, "palette_features", lambda grid, palette: grid)
    random = np.random.default_rng(0)
    kind, shade = random.integers(0, 3, 400), random.integers(0, 2, 400)
    looks = random.normal(size=(400, 8))
    looks[:, :3] += 6 * np.eye(3)[kind]
    seen = random.normal(size=(400, 4)) + 6 * np.eye(4)[shade]
    items = pd.DataFrame({"category": kind.astype(str), "colour": shade.astype(str)})
    queries, gallery = logistic_vectors(looks, seen, np.zeros((1, 3)), items, np.arange(300), 0, 0.25)
    assert np.allclose(np.linalg.norm(gallery, axis=1), np.sqrt(2), atol=1e-5)
    products = queries[300:] @ gallery.T
    same_k, same_c = kind[300:, None] == kind, shade[300:, None] == shade
    assert products[same_k & same_c].mean() > 0.85 and products[~same_k & ~same_c].mean() < 0.15
    assert abs(products[same_k & ~same_c].mean() - 0.75) < 0.1


def test_one_word_is_no_regression(monkeypatch):
    monkeypatch.setattr(baseline, "palette_features", lambda grid, palette: grid)
    items = pd.DataFrame({"category": ["a"] * 6, "colour": ["r", "b"] * 3})
    queries, gallery = logistic_vectors(np.eye(6), np.eye(6), np.zeros((1, 3)), items, np.arange(6), 0)
    assert np.isfinite(queries).all() and queries.shape == gallery.shape
