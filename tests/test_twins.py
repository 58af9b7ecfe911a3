"""Near-duplicates of photos that come later: by the rule of the split, whoever came first gives its name."""

import numpy as np
import pandas as pd

from fashion import twins
from fashion.features import same_picture_pairs
from fashion.neighbours import normalise
from fashion.twins import joined_groups, twin_pairs, twins_of_new


def rows(count, seed, width=24):
    return np.abs(np.random.default_rng(seed).normal(size=(count, width))).astype(np.float32)


def turned(vector, cosine, seed):
    """A vector at exactly this cosine to another one, and three times its length."""
    own = normalise(vector[None])[0]
    other = np.random.default_rng(seed).normal(size=len(own))
    other -= (other @ own) * own
    return (3 * (cosine * own + np.sqrt(1 - cosine**2) * other / np.linalg.norm(other))).astype(np.float32)


def table(names, hashes):
    return pd.DataFrame({"item": names, "phash": hashes})


FAR, NEAR, OTHER = "0000000000000000", "0000000000000007", "ffffffffffffffff"


def test_pairs_follow_the_rule_of_the_split(monkeypatch):
    monkeypatch.setattr(twins, "BLOCK", 3)
    old = rows(7, 0)
    cosines = [(5, 0.985), (2, 0.92), (2, 0.92), (4, 0.89)]
    new = np.stack([turned(old[row], cosine, seed) for seed, (row, cosine) in enumerate(cosines)])
    hashes, codes = [FAR] * 7, [OTHER, NEAR, OTHER, FAR]
    assert twin_pairs(old, hashes, new, codes) == [(0, 5), (1, 2)]
    together = np.concatenate([old, new])
    by_hash = [(i, j) for i in range(7) for j in (8, 10)]
    expected = {(j - 7, i) for i, j in same_picture_pairs(together, by_hash).tolist() if i < 7 <= j}
    assert set(twin_pairs(old, hashes, new, codes)) == expected
    assert twin_pairs(np.zeros((2, 24), np.float32), [FAR] * 2, new, codes) == []


def test_a_new_item_is_the_twin_of_whichever_came_first():
    old = rows(4, 0)
    new = np.stack([rows(1, 9)[0], turned(old[1], 0.99, 1), turned(rows(1, 9)[0], 0.99, 2), turned(old[1], 0.99, 1)])
    there = table(["a", "b", "c", "d"], [FAR] * 4)
    items = table(["e", "f", "g", "h"], [OTHER] * 4)
    assert twins_of_new(there, old, items, new) == ["", "b", "e", "b"]


def test_added_items_join_their_twins_group_or_get_their_own():
    items = pd.DataFrame({"item": list("abcdefgh"), "twin": ["", "", "", "", "b", "d", "", "gone"]})
    assert joined_groups(np.array([4, 2, 4]), items).tolist() == [4, 2, 4, 5, 2, 5, 6, 7]
