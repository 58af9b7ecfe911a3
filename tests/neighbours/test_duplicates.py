"""Near-duplicates: candidates against brute force, one rule for the split and for photos that come later."""

import numpy as np
import pandas as pd
import pytest

from fashion.neighbours import duplicates
from fashion.neighbours.duplicates import (
    NEAR_COSINE,
    NEAR_COSINE_WITH_HASH,
    Fingerprints,
    Rule,
    candidate_pairs,
    duplicate_groups,
    joined_groups,
    matching_pairs,
    near_duplicate_pairs,
    near_duplicates,
    pixel_difference,
    relative_cosines,
    repeated_items,
    same_picture_pairs,
)
from fashion.neighbours.exact import normalise


def rows(count, seed, width=24):
    return np.abs(np.random.default_rng(seed).normal(size=(count, width))).astype(np.float32)


def turned(vector, cosine, seed):
    """A vector at exactly this cosine to another one, and three times its length."""
    own = normalise(vector[None])[0]
    other = np.random.default_rng(seed).normal(size=len(own))
    other -= (other @ own) * own
    return (3 * (cosine * own + np.sqrt(1 - cosine**2) * other / np.linalg.norm(other))).astype(np.float32)


FAR, NEAR, OTHER = "0000000000000000", "0000000000000007", "ffffffffffffffff"


def pictures(max_pooled, hashes, seed=0):
    """Photos of noise: far from each other in pixels."""
    pixels = np.random.default_rng(seed).integers(0, 256, (len(max_pooled), 3072), np.uint8)
    return Fingerprints(max_pooled, hashes, pixels)


def test_pairs_follow_the_rule_of_the_split(monkeypatch):
    monkeypatch.setattr(duplicates, "BLOCK", 3)
    rule, old = Rule(), rows(7, 0)
    cosines = [(5, 0.985), (2, 0.92), (2, 0.92), (4, 0.89), (6, 0.5), (6, 0.5)]
    new = np.stack([turned(old[row], cosine, seed) for seed, (row, cosine) in enumerate(cosines)])
    known, asked = pictures(old, [FAR] * 7), pictures(new, [OTHER, NEAR, OTHER, FAR, NEAR, OTHER], 1)
    for number in (4, 5):  # nearly the pixels of a known photo; one has its hash, too
        asked.pixels[number] = np.clip(known.pixels[6].astype(int) + 3, 0, 255)
    assert matching_pairs(known, asked, rule) == [(0, 5), (1, 2), (4, 6)]
    # The split's own functions, over both together.
    together = np.concatenate([old, new])
    by_hash = np.array([(i, j) for i in range(7) for j in (8, 10, 11)])
    expected = {(j - 7, i) for i, j in same_picture_pairs(together, by_hash).tolist() if i < 7 <= j}
    small = np.concatenate([known.pixels, asked.pixels]).reshape(-1, 16, 2, 16, 2, 3).mean(axis=(2, 4))
    apart = pixel_difference(pd.DataFrame(by_hash, columns=["first", "second"]), small.reshape(len(small), -1))
    expected |= {(j - 7, i) for (i, j), far in zip(by_hash.tolist(), apart, strict=True) if far <= rule.pixels}
    assert set(matching_pairs(known, asked, rule)) == expected
    nothing = pictures(np.zeros((2, 24), np.float32), [FAR] * 2, 5)
    assert matching_pairs(nothing, asked, rule) == []


def test_a_new_item_repeats_whichever_came_first():
    old = rows(4, 0)
    new = np.stack([rows(1, 9)[0], turned(old[1], 0.99, 1), turned(rows(1, 9)[0], 0.99, 2), turned(old[1], 0.99, 1)])
    known, added = pictures(old, [FAR] * 4), pictures(new, [OTHER] * 4, 1)
    assert repeated_items(list("abcd"), known, list("efgh"), added, Rule()) == ["", "b", "e", "b"]


def test_added_items_join_the_group_that_they_repeat_or_get_their_own():
    items = pd.DataFrame({"item": list("abcdefgh"), "near_duplicate_of": ["", "", "", "", "b", "d", "", "gone"]})
    groups, names = np.array([4, 2, 4]), list("abc")
    assert joined_groups(groups, names, np.arange(3), items).tolist() == [4, 2, 4, 5, 2, 5, 6, 7]
    without = items[items["item"] != "b"]
    assert joined_groups(groups, names, np.array([0, 2]), without).tolist() == [4, 4, 5, 2, 5, 6, 7]


def of_one_colour(hashes):
    return pd.DataFrame({"phash": hashes, "garment_l": 50.0, "garment_a": 0.0, "garment_b": 0.0})


def near(hashes, distance):
    """All pairs by brute force."""
    return {
        (i, j): (hashes[i] ^ hashes[j]).bit_count()
        for i in range(len(hashes))
        for j in range(i + 1, len(hashes))
        if (hashes[i] ^ hashes[j]).bit_count() <= distance
    }


@pytest.mark.parametrize("distance", [0, 1, 4, 7])
def test_near_duplicates_are_the_brute_forces(distance):
    rng = np.random.default_rng(distance)
    hashes = [int(value) for value in rng.integers(0, 2**64, 150, dtype=np.uint64)]
    for _ in range(250):  # relatives of what is there, 1 to 8 bits away
        flips = rng.choice(64, rng.integers(1, 9), replace=False)
        hashes.append(hashes[rng.integers(0, len(hashes))] ^ sum(1 << int(bit) for bit in flips))
    hashes = list(dict.fromkeys(hashes))
    hashes += [0, 2**64 - 1, 1, 2**63]
    pairs = near_duplicates(of_one_colour([f"{value:016x}" for value in hashes]), distance)
    found = {(int(i), int(j)): int(bits) for i, j, bits in pairs[["first", "second", "bits"]].to_numpy()}
    assert found == near(hashes, distance)
    assert bool(found) == (distance > 0)


def test_equal_hashes_are_joined_without_listing_every_pair():
    pairs = near_duplicates(of_one_colour(["00000000000000ff"] * 5000 + ["ffffffffffffff00", "00000000000000fe"]))
    assert len(pairs) == 5000
    assert set(pairs["first"]) | set(pairs["second"]) == {*range(5000), 5001}
    assert (pairs["first"] < pairs["second"]).all()


def test_pixel_difference_is_the_mean_over_pixels():
    thumbnails = np.array([[0, 0, 10, 250], [0, 4, 10, 254], [255, 255, 255, 0]], np.uint8)
    pairs = pd.DataFrame({"first": [0, 0, 1], "second": [1, 2, 2]})
    expected = [2.0, (255 + 255 + 245 + 250) / 4, (255 + 251 + 245 + 254) / 4]
    assert pixel_difference(pairs, thumbnails).tolist() == expected
    assert len(pixel_difference(pairs.head(0), thumbnails)) == 0


def test_same_picture_pairs():
    base = np.eye(4, dtype=np.float32)
    vectors = np.stack([base[0], base[0] + 0.01 * base[1], base[1], base[1] + 0.4 * base[2], base[2], base[3]])
    by_hash = np.array([[2, 3], [4, 5]])  # 2 and 3 look alike too; 4 and 5 share a hash by accident
    pairs = same_picture_pairs(vectors, by_hash)
    assert pairs.tolist() == [[0, 1], [2, 3]]
    assert same_picture_pairs(vectors, np.empty((0, 2), int)).tolist() == [[0, 1]]


def test_groups_are_what_pairs_join_directly_or_not():
    groups = duplicate_groups(9, [(0, 4), (4, 8), (2, 3)])
    assert groups[0] == groups[4] == groups[8]
    assert groups[2] == groups[3]
    assert len(set(groups)) == 6
    assert len(set(duplicate_groups(5, np.empty((0, 2), int)))) == 5
    table = pd.DataFrame({"first": [1], "second": [2]}).to_numpy()
    assert len(set(duplicate_groups(4, table))) == 3


def test_each_number_of_the_rule_decides_in_the_split_and_for_later_photos():
    """Photos 1-4 repeat photo 0: by their vectors alone, by hash and vectors, by hash and pixels, by nothing."""
    old = rows(1, 3)
    new = np.stack([turned(old[0], cosine, seed) for seed, cosine in enumerate((0.985, 0.92, 0.3, 0.3))])
    hashes = [FAR, OTHER, NEAR, NEAR, OTHER]
    known, later = pictures(old, hashes[:1]), pictures(new, hashes[1:], 1)
    later.pixels[2] = np.clip(known.pixels[0].astype(int) + 3, 0, 255)
    small = np.concatenate([known.pixels, later.pixels]).reshape(-1, 16, 2, 16, 2, 3).mean(axis=(2, 4))
    small = small.round().astype(np.uint8).reshape(5, -1)
    vectors = np.concatenate([old, new])
    for rule, expected in [
        (Rule(), [1, 2, 3]),
        (Rule(pixels=2.0), [1, 2]),
        (Rule(cosine_with_hash=0.95), [1, 3]),
        (Rule(cosine=0.99), [2, 3]),
        (Rule(bits=2), [1]),
    ]:
        pairs = near_duplicate_pairs(vectors, candidate_pairs(pd.DataFrame({"phash": hashes}), small, rule), rule)
        assert [j for i, j in pairs.tolist() if i == 0] == expected, rule
        assert [number + 1 for number, _ in matching_pairs(known, later, rule)] == expected, rule


def test_a_report_stores_its_rule_and_an_older_report_has_the_default():
    rule = Rule(pixels=3.0, bits=2)
    assert Rule.stored({"near_duplicates": rule.as_dict(), "title": "x"}, {"name": "resnet50"}) == rule
    assert Rule.stored({"title": "x"}, {}) == Rule() == Rule(4.0, 4, 0.98, 0.9)
    own = {"near_duplicates": relative_cosines(0.5)}
    assert Rule.stored({"near_duplicates": rule.as_dict()}, own) == rule, "the ImageNet networks' numbers"


@pytest.mark.parametrize("common", [0.0, 1.0, 3.0])
def test_an_encoders_own_cosines_join_the_same_pairs_however_high_all_of_them_are(common):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, 64))
    vectors[1] = vectors[0] + 0.15 * rng.normal(size=64)  # a copy
    vectors[2] = vectors[0] + 0.45 * rng.normal(size=64)  # a like item
    told = normalise(np.hstack([normalise(vectors), np.full((300, 1), common)]))  # all share one direction
    cosines = told @ told.T
    rule = Rule(**relative_cosines(float(np.median(cosines[np.triu_indices(300, 1)]))))
    none = np.empty((0, 2), np.int64)
    found = same_picture_pairs(told.astype(np.float32), none, alone=rule.cosine, with_hash=rule.cosine_with_hash)
    assert found.tolist() == [[0, 1]]
    if common == 3:  # with the fixed numbers the like item, too
        fixed = same_picture_pairs(told.astype(np.float32), none, alone=NEAR_COSINE, with_hash=NEAR_COSINE_WITH_HASH)
        assert 2 in fixed


def test_items_with_a_photo_in_common_are_near_duplicates():
    """0, 3 and 4 by a photo that one shows; not 0 and 1 by a chart; 1 and 2 have the same hash, other pixels."""
    items = pd.DataFrame({"phash": [FAR, OTHER, OTHER, "00000000ffffffff", NEAR]})
    thumbnails = np.repeat(np.array([[0], [90], [92], [200], [50]], np.uint8), 12, axis=1)
    each = [("a", "s", "chart"), ("b", "chart"), ("c",), ("s", "d"), ("e", "a")]
    photos = pd.DataFrame([(row, sha256) for row, own in enumerate(each) for sha256 in own], columns=["row", "sha256"])
    alone = candidate_pairs(items, thumbnails, Rule(pixels=1.0))
    told = ["first", "second", "bits", "difference", "near_duplicate"]
    assert alone[told].to_numpy().tolist() == [[0, 4, 3, 50.0, False], [1, 2, 0, 2.0, False]]
    found = candidate_pairs(items, thumbnails, Rule(pixels=1.0), photos)
    assert list(found.columns) == list(alone.columns) == told
    assert found.to_numpy().tolist() == [[0, 3, 32, 200.0, True], [0, 4, 3, 50.0, True], [1, 2, 0, 2.0, False]]
    one_each = photos.drop_duplicates("row")
    assert candidate_pairs(items, thumbnails, Rule(pixels=1.0), one_each).equals(alone)
