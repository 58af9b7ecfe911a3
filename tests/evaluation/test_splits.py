"""Folds keep near-duplicates together and share every word among themselves."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fashion.evaluation.splits import folds, leading_words


@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 30)), min_size=1, max_size=80), st.integers(2, 5),
    st.integers(0, 3),
)  # fmt: skip
def test_groups_stay_whole_and_words_are_dealt_evenly(items, count, seed):
    words, groups = np.array([word for word, _ in items]), np.array([group for _, group in items])
    fold = folds(words, groups, count, seed)
    assert fold.shape == words.shape and fold.min() >= 0 and fold.max() < count
    for group in set(groups):
        assert len(set(fold[groups == group])) == 1
    of_group = {group: fold[groups == group][0] for group in groups}
    leading = leading_words(words, groups)
    for word in set(leading):
        dealt = np.bincount([of_group[group] for group in leading.index[leading == word]], minlength=count)
        assert dealt.max() - dealt.min() <= 1
    assert np.array_equal(fold, folds(words, groups, count, seed))


def test_a_seed_draws_other_folds():
    words, groups = np.repeat(["a", "b"], 50), np.arange(100)
    assert not np.array_equal(folds(words, groups, 5, 0), folds(words, groups, 5, 1))
    assert np.bincount(folds(words, groups, 5, 0)).tolist() == [20] * 5
    assert leading_words(np.array(["a", "b", "c"]), np.array([7, 7, 2])).to_dict() == {2: "c", 7: "a"}
