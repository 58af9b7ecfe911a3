"""Near-duplicates of photos that come later: by the rule of the split, whoever came first gives its name."""

import numpy as np
import pandas as pd

from fashion import twins
from fashion.checks import pixel_difference
from fashion.features import same_picture_pairs
from fashion.neighbours import normalise
from fashion.twins import TWIN_PIXELS, Pictures, joined_groups, twin_pairs, twins_of_new


def rows(count, seed, width=24):
    return np.abs(np.random.default_rng(seed).normal(size=(count, width))).astype(np.float32)


def turned(vector, cosine, seed):
    """A vector at exactly this cosine to another one, and three times its length."""
    own = normalise(vector[None])[0]
    other = np.random.default_rng(seed).normal(size=len(own))
    other -= (other @ own) * own
    return (3 * (cosine * own + np.sqrt(1 - cosine**2) * other / np.linalg.norm(other))).astype(np.float32)


FAR, NEAR, OTHER = "0000000000000000", "0000000000000007", "ffffffffffffffff"


def pictures(maxima, hashes, seed=0):
    """Photos of noise: far from each other in pixels."""
    pixels = np.random.default_rng(seed).integers(0, 256, (len(maxima), 3072), np.uint8)
    return Pictures(maxima, hashes, pixels)


def test_pairs_follow_the_rule_of_the_split(monkeypatch):
    monkeypatch.setattr(twins, "BLOCK", 3)
    old = rows(7, 0)
    cosines = [(5, 0.985), (2, 0.92), (2, 0.92), (4, 0.89), (6, 0.5), (6, 0.5)]
    new = np.stack([turned(old[row], cosine, seed) for seed, (row, cosine) in enumerate(cosines)])
    known, asked = pictures(old, [FAR] * 7), pictures(new, [OTHER, NEAR, OTHER, FAR, NEAR, OTHER], 1)
    for number in (4, 5):  # nearly the pixels of a known photo; one has its hash, too
        asked.pixels[number] = np.clip(known.pixels[6].astype(int) + 3, 0, 255)
    assert twin_pairs(known, asked) == [(0, 5), (1, 2), (4, 6)]
    # The split's own functions, over both together.
    together = np.concatenate([old, new])
    by_hash = np.array([(i, j) for i in range(7) for j in (8, 10, 11)])
    expected = {(j - 7, i) for i, j in same_picture_pairs(together, by_hash).tolist() if i < 7 <= j}
    small = np.concatenate([known.pixels, asked.pixels]).reshape(-1, 16, 2, 16, 2, 3).mean(axis=(2, 4))
    apart = pixel_difference(pd.DataFrame(by_hash, columns=["first", "second"]), small.reshape(len(small), -1))
    expected |= {(j - 7, i) for (i, j), far in zip(by_hash.tolist(), apart, strict=True) if far <= TWIN_PIXELS}
    assert set(twin_pairs(known, asked)) == expected
    nothing = pictures(np.zeros((2, 24), np.float32), [FAR] * 2, 5)
    assert twin_pairs(nothing, asked) == []


def test_a_new_item_is_the_twin_of_whichever_came_first():
    old = rows(4, 0)
    new = np.stack([rows(1, 9)[0], turned(old[1], 0.99, 1), turned(rows(1, 9)[0], 0.99, 2), turned(old[1], 0.99, 1)])
    known, added = pictures(old, [FAR] * 4), pictures(new, [OTHER] * 4, 1)
    assert twins_of_new(list("abcd"), known, list("efgh"), added) == ["", "b", "e", "b"]


def test_added_items_join_their_twins_group_or_get_their_own():
    items = pd.DataFrame({"item": list("abcdefgh"), "twin": ["", "", "", "", "b", "d", "", "gone"]})
    assert joined_groups(np.array([4, 2, 4]), items).tolist() == [4, 2, 4, 5, 2, 5, 6, 7]
