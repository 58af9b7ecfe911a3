"""Maximal marginal relevance against a brute-force reference, and its two ends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fashion.recommendation.reranking import first_of_each, maximal_marginal_relevance


def brute(relevance, similarity, k, d):
    chosen = []
    while len(chosen) < min(k, len(relevance)):
        scores = {}
        for i in set(range(len(relevance))) - set(chosen):
            repeats = max((similarity[i][j] for j in chosen), default=None)
            scores[i] = relevance[i] if repeats is None else (1 - d) * relevance[i] - d * repeats
        chosen.append(min(scores, key=lambda i: (-scores[i], i)))
    return chosen


@given(seed=st.integers(0, 200), k=st.integers(1, 9), d=st.sampled_from([0.0, 0.25, 0.7, 1.0]))
def test_equals_brute_force(seed, k, d):
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(7, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    relevance, similarity = vectors @ vectors[0], vectors @ vectors.T
    assert maximal_marginal_relevance(relevance, similarity, k, d).tolist() == brute(relevance, similarity, k, d)


def test_ends():
    relevance = np.array([0.9, 0.89, 0.1])
    similarity = np.array([[1, 0.99, 0], [0.99, 1, 0], [0, 0, 1]])
    assert maximal_marginal_relevance(relevance, similarity, 2, 0).tolist() == [0, 1]
    assert maximal_marginal_relevance(relevance, similarity, 2, 0.5).tolist() == [0, 2]
    assert maximal_marginal_relevance(np.empty(0), np.empty((0, 0)), 3, 0.5).tolist() == []
    with pytest.raises(ValueError, match="diversity from 0"):
        maximal_marginal_relevance(relevance, similarity, 2, 1.5)


def test_first_of_each_group_in_order():
    groups = np.array([5, 7, 5, 8, 7])
    assert first_of_each(groups, np.array([4, 0, 1, 2, 3])).tolist() == [4, 0, 3]
