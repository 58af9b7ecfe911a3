"""Statistics of features against closed forms and planted truths."""

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score, roc_auc_score

from fashion.embedding.features import (
    PairSimilarity,
    feature_statistics,
    mutual_information,
    pca_spectrum,
    sample_pairs,
    separation,
    some_rows,
)


def test_separation_is_the_area_under_the_curve():
    random = np.random.default_rng(1)
    high, low = random.normal(1, 1, 300).round(1), random.normal(0, 1, 200).round(1)
    expected = roc_auc_score([1] * 300 + [0] * 200, np.concatenate([high, low]))
    assert separation(high, low) == pytest.approx(expected, abs=1e-12)


def test_mutual_information_of_a_copy_is_its_entropy_and_of_noise_is_nothing():
    random = np.random.default_rng(2)
    labels = random.integers(0, 4, 5000)
    features = np.stack([labels, random.normal(size=5000), np.zeros(5000)], axis=1).astype(np.float32)
    copy, noise, constant = mutual_information(features, labels)
    bias = 3 * 3 / 10000
    assert copy == pytest.approx(mutual_info_score(labels, labels) - bias, abs=1e-9)
    assert noise < 0.003 and constant == 0


def test_statistics_find_the_planted_features(planted):
    items, vectors = planted
    table = feature_statistics(vectors, items, seed=0)
    assert table["category"][:10].min() > table["category"][15:].max()
    assert table["colour"][10:15].min() > table["colour"][15:].max()
    assert table.loc[39, "variance"] == 0 and table["highest_correlation"].between(0, 1.0001).all()
    assert table["variance"].to_numpy() == pytest.approx(vectors.var(axis=0), rel=1e-4, abs=1e-9)


def test_spectrum_sums_to_one_and_falls(planted):
    spectrum = pca_spectrum(planted[1], seed=0)
    assert spectrum.sum() == pytest.approx(1, abs=1e-5) and (np.diff(spectrum) <= 1e-9).all()


def test_pairs_are_of_their_kind(planted):
    items, vectors = planted
    pairs = sample_pairs(items, vectors, seed=0, count=4000)
    assert np.median(pairs["random"]) < np.median(pairs["same category"]) < np.median(pairs["same category and colour"])
    assert max(values.max() for values in pairs.values()) < 0.9999, "an item was paired with itself"
    again = sample_pairs(items, vectors, seed=0, count=4000)
    assert all(np.array_equal(pairs[name], again[name]) for name in pairs)


def test_similarity_is_told_in_medians_and_one_chance():
    found = PairSimilarity.of({"random": np.array([0.1, 0.2, 0.9]), "same category": np.array([0.5, 0.95])})
    assert found.as_dict() == {
        "cosine_medians": {"random": 0.2, "same category": 0.725}, "category_separation_auc": pytest.approx(5 / 6)
    }  # fmt: skip
    assert np.isnan(PairSimilarity.of({"random": np.array([0.1])}).separation)


def test_drawn_rows_are_all_or_a_seeded_part():
    assert some_rows(4, 10, 0).tolist() == [0, 1, 2, 3]
    assert len(set(some_rows(100, 10, 0))) == 10 and (some_rows(100, 10, 0) == some_rows(100, 10, 0)).all()
    assert (some_rows(100, 10, 0) != some_rows(100, 10, 1)).any()
