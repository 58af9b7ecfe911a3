"""Reciprocal rank fusion against its formula, and its closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fashion.recommendation.fusion import DAMPING, reciprocal_rank_fusion


@given(st.lists(st.permutations(range(7)), min_size=1, max_size=4), st.data())
def test_scores_are_the_sum_of_reciprocal_ranks(orders, data):
    rankings = [np.array(order[: data.draw(st.integers(0, 7))], np.intp) for order in orders]
    expected = [sum(1 / (DAMPING + 1 + list(one).index(item)) for one in rankings if item in one) for item in range(7)]
    assert reciprocal_rank_fusion(rankings, 7) == pytest.approx(expected)


def test_the_first_of_all_rankings_has_the_most_and_agreement_beats_one_first_place():
    scores = reciprocal_rank_fusion([np.array([0, 1, 2, 3]), np.array([4, 1, 2, 5])], 6)
    assert scores[1] == 2 / (DAMPING + 2) and scores[0] == scores[4] == 1 / (DAMPING + 1)
    assert np.argsort(-scores, kind="stable").tolist()[:2] == [1, 2], "second twice is more than first once"
    assert reciprocal_rank_fusion([], 2).tolist() == [0, 0]
