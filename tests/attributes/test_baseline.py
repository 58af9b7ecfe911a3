"""The baseline learns what is linear, and its products are expected agreement."""

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from fashion.attributes import baseline
from fashion.attributes.baseline import logistic_vectors
from fashion.evaluation.splits import folds


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


def test_out_of_fold_is_what_a_regression_on_the_other_folds_predicts(planted):
    items, vectors = planted
    words, groups = items["category"].to_numpy(), np.arange(600) // 2  # pairs
    known, probability = baseline.out_of_fold(vectors, words, groups, 4, seed=1)
    fold = folds(words, groups, 4, seed=1)
    for number in range(4):
        model = LogisticRegression(C=baseline.PENALTY, max_iter=200).fit(vectors[fold != number], words[fold != number])
        assert np.allclose(probability[fold == number], model.predict_proba(vectors[fold == number]), atol=1e-6)
        assert known.tolist() == model.classes_.tolist()
    assert probability.dtype == np.float32 and probability.shape == (600, 5)
    assert np.allclose(probability.sum(axis=1), 1, atol=1e-5)
    assert (known[probability.argmax(axis=1)] == words).mean() > 0.9
