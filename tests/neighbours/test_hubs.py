"""Nearness to queries is the brute force's mean, and the correction shows more of a catalogue with a planted hub."""

import numpy as np

from fashion.neighbours import hubs
from fashion.neighbours.exact import normalise, top_k
from fashion.neighbours.hubs import nearest_query_similarity


def test_the_mean_of_the_nearest_is_the_brute_forces(monkeypatch):
    monkeypatch.setattr(hubs, "BLOCK", 7)
    random = np.random.default_rng(0)
    vectors, rows = normalise(random.normal(size=(50, 6))), np.arange(0, 50, 2)
    means = nearest_query_similarity(vectors[rows], vectors, rows, nearest=4)
    for item in range(50):
        products = [vectors[item] @ vectors[row] for row in rows if row != item]
        assert np.isclose(means[item], np.mean(sorted(products)[-4:]), atol=1e-6)
    new = nearest_query_similarity(vectors[rows], vectors[:3], nearest=99)
    assert np.allclose(new, (vectors[:3] @ vectors[rows].T).mean(axis=1), atol=1e-6)
    assert nearest_query_similarity(vectors[:1], vectors[:1], np.array([0])).tolist() == [0], "no query but itself"


def test_a_hub_is_lowered():
    """A point near the middle of a sphere's shell is near to all others, and the six nearest of most of them."""
    random = np.random.default_rng(1)
    directions = normalise(random.normal(size=(300, 40)))
    directions[0] = 0
    vectors = normalise(directions + 0.3 * np.eye(40)[0])
    near = nearest_query_similarity(vectors, vectors, np.arange(300))
    plain = top_k(vectors, 6)[0]
    similarity = vectors @ vectors.T - 0.5 * near
    np.fill_diagonal(similarity, -np.inf)
    corrected = np.argsort(-similarity, axis=1)[:, :6]
    assert (plain == 0).sum() > 3 * (corrected == 0).sum()
    assert len(np.unique(corrected)) >= len(np.unique(plain))
