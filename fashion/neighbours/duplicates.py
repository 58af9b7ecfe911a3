"""Near-duplicates: items whose photos show nearly the same picture; one rule for the split, the shop and new items."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fashion.neighbours.exact import normalise, top_k

Int = NDArray[np.integer]

Vectors = NDArray[np.float32]

#: Bits of 64 in which the perceptual hashes of one picture may differ.
NEAR_BITS = 4

#: Cosines of frozen vectors from which two photos are near-duplicates: alone, and where their hashes agree too.
NEAR_COSINE, NEAR_COSINE_WITH_HASH = 0.98, 0.9

#: The same as shares of the distance (1 - cosine) of random pairs, for encoders whose cosines are higher or lower
#: throughout: with a median of .5, as of the ImageNet networks, they give the numbers above.
NEAR_SHARE, NEAR_SHARE_WITH_HASH = 0.04, 0.2

#: Mean difference of photos at 16 x 16, of 255, up to which two whose hashes agree are near-duplicates.
NEAR_PIXELS = 4.0

#: More items than this with the same perceptual hash are taken for featureless.
CROWD = 50

#: Rows or pairs that are compared at once.
BLOCK = 8192


@dataclass(frozen=True)
class Rule:
    """The rule by which two photos are near-duplicates.

    Either the cosine of their frozen vectors is at least `cosine`; or their perceptual hashes differ in at most `bits`,
    and the cosine is at least `cosine_with_hash` or their pixels at 16 x 16 differ by at most `pixels` on average. A
    hash alone joins garments that differ: it sees the outline of plain boots, not their colour.

    Attributes
    ----------
    pixels : float
        0 to 255; notebook 01's parameter.
    bits : int
        Of 64.
    cosine, cosine_with_hash : float

    Examples
    --------
    >>> Rule.stored({"near_duplicates": {"pixels": 3.0}}, {"name": "efficientnet-lite0"}).pixels
    3.0
    """

    pixels: float = NEAR_PIXELS
    bits: int = NEAR_BITS
    cosine: float = NEAR_COSINE
    cosine_with_hash: float = NEAR_COSINE_WITH_HASH

    def as_dict(self) -> dict[str, float]:
        """The rule as a report stores it in JSON."""
        return asdict(self)

    @classmethod
    def stored(cls, source: Mapping[str, Any], network: Mapping[str, Any]) -> Rule:
        """The rule of a report, from its source.json and backbone.json; the default where one has no entry."""
        return cls(**{**source.get("near_duplicates", {}), **network.get("near_duplicates", {})})


def relative_cosines(random: float) -> dict[str, float]:
    """`cosine` and `cosine_with_hash` of an encoder whose random pairs have this median cosine.

    Examples
    --------
    >>> relative_cosines(0.5)
    {'cosine': 0.98, 'cosine_with_hash': 0.9}
    >>> relative_cosines(0.9)
    {'cosine': 0.996, 'cosine_with_hash': 0.98}
    """
    shares = {"cosine": NEAR_SHARE, "cosine_with_hash": NEAR_SHARE_WITH_HASH}
    return {name: round(1 - share * (1 - random), 6) for name, share in shares.items()}


# ---- Pairs and groups within a catalogue ----


def near_duplicates(items: pd.DataFrame, distance: int = NEAR_BITS) -> pd.DataFrame:
    """Pairs of items whose 64-bit perceptual hashes differ in at most `distance` bits: candidates for near-duplicates.

    The hash sees shapes only: among plain boots it joins many that differ. `Rule` decides which are near-duplicates.

    By the pigeonhole principle, of `distance` + 1 bands of the hash at least one is equal in such a pair: only items
    that share a band are compared, never all n^2 pairs. Where more than `CROWD` items have the same hash (featureless
    photos), each is compared through the first of them only: linear cost, not quadratic.

    Returns
    -------
    DataFrame
        `first`, `second` (rows, first < second), `bits`.
    """
    hashes = np.array([int(text, 16) for text in items["phash"]], np.uint64)
    _, representative, group, size = np.unique(hashes, return_index=True, return_inverse=True, return_counts=True)
    members = np.arange(len(hashes))
    crowded = (size[group] > CROWD) & (members != representative[group])
    rows = np.flatnonzero(~crowded)
    edges = np.linspace(0, 64, distance + 2).astype(int)
    pairs_by_band = [np.stack([representative[group[crowded]], members[crowded]], axis=1)]
    for low, high in itertools.pairwise(edges):
        mask = np.uint64((1 << int(high - low)) - 1)
        pairs_by_band.append(rows[_equal_pairs((hashes[rows] >> np.uint64(low)) & mask, hashes[rows], distance)])
    pairs = np.unique(np.sort(np.concatenate(pairs_by_band), axis=1), axis=0)
    bits = np.bitwise_count(hashes[pairs[:, 0]] ^ hashes[pairs[:, 1]]).astype(np.int64)
    return pd.DataFrame({"first": pairs[:, 0], "second": pairs[:, 1], "bits": bits})


def _equal_pairs(band: NDArray[np.uint64], hashes: NDArray[np.uint64], distance: int) -> NDArray[np.intp]:
    """Pairs of places with an equal band and hashes at most `distance` bits apart, shape (p, 2)."""
    order = np.argsort(band, kind="stable")
    starts = np.flatnonzero(np.diff(band[order], prepend=band[order][:1] ^ np.uint64(1)))
    pairs = [np.empty((0, 2), np.intp)]
    for bucket in np.split(order, starts[1:]):
        for place in range(len(bucket) - 1):
            rest = bucket[place + 1 :]
            near = np.bitwise_count(hashes[rest] ^ hashes[bucket[place]]) <= distance
            if near.any():
                others = rest[near]
                mine = np.full(len(others), bucket[place])
                pairs.append(np.stack([np.minimum(mine, others), np.maximum(mine, others)], axis=1))
    return np.concatenate(pairs)


def same_photo_pairs(photos: pd.DataFrame) -> NDArray[np.int64]:
    """Pairs of items that have a photo in common, shape (p, 2): each item and the first one that shows that photo.

    A further photo that no item shows, such as a chart of sizes, joins none.

    Parameters
    ----------
    photos : DataFrame
        `row` and `sha256` of every photo of every item; that which is shown comes first.

    Examples
    --------
    >>> same_photo_pairs(pd.DataFrame({"row": [0, 0, 1, 1, 2, 2], "sha256": ["a", "chart", "b", "chart", "c", "a"]}))
    array([[0, 2]])
    """
    shown = photos[~photos.duplicated("row")]
    by_content = photos["sha256"].map(shown.groupby("sha256")["row"].min())
    joined = by_content.notna() & (by_content != photos["row"])
    pairs = np.stack([by_content[joined], photos.loc[joined, "row"]], axis=1).astype(np.int64)
    return np.unique(np.sort(pairs, axis=1), axis=0)


def candidate_pairs(
    items: pd.DataFrame, thumbnails: NDArray[np.uint8], rule: Rule, photos: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Pairs of items with nearly equal hashes or a photo in common, and whether they are near-duplicates.

    Those with a photo in common that one of them shows are; the others where their pixels say so.

    Parameters
    ----------
    items : DataFrame
        With `phash`.
    thumbnails : ndarray of uint8, shape (n, pixels)
        Photos at 16 x 16.
    rule : Rule
    photos : DataFrame, optional
        All photos of the items (`same_photo_pairs`), where they have several.

    Returns
    -------
    DataFrame
        `first`, `second`, `bits`, `difference` (of pixels, of the photos that are shown), `near_duplicate`.
    """
    pairs = near_duplicates(items, rule.bits).assign(same=False)
    if photos is not None and len(shared := same_photo_pairs(photos)):
        hashes = np.array([int(text, 16) for text in items["phash"]], np.uint64)
        bits = np.bitwise_count(hashes[shared[:, 0]] ^ hashes[shared[:, 1]]).astype(np.int64)
        same = pd.DataFrame({"first": shared[:, 0], "second": shared[:, 1], "bits": bits, "same": True})
        both = pd.concat([same, pairs], ignore_index=True).drop_duplicates(["first", "second"])
        pairs = both.sort_values(["first", "second"], ignore_index=True)
    pairs["difference"] = pixel_difference(pairs, thumbnails)
    pairs["near_duplicate"] = pairs.pop("same") | (pairs["difference"] <= rule.pixels)
    return pairs


def near_duplicate_pairs(vectors: Vectors, candidates: pd.DataFrame, rule: Rule) -> NDArray[np.int64]:
    """All pairs of near-duplicates by the whole rule: shape (p, 2), each once, sorted, the lower row first.

    Parameters
    ----------
    vectors : ndarray of float32, shape (n, d)
        Frozen vectors.
    candidates : DataFrame
        From `candidate_pairs`.
    rule : Rule
    """
    by_hash = candidates[["first", "second"]].to_numpy()
    by_pixels = candidates.loc[candidates["near_duplicate"], ["first", "second"]].to_numpy()
    by_vectors = same_picture_pairs(vectors, by_hash, alone=rule.cosine, with_hash=rule.cosine_with_hash)
    return np.unique(np.concatenate([by_vectors, by_pixels]), axis=0)


def pixel_difference(pairs: pd.DataFrame, thumbnails: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mean absolute difference of two items' thumbnails, 0 to 255, shape (p,).

    Parameters
    ----------
    pairs : DataFrame
        `first`, `second`.
    thumbnails : ndarray of uint8, shape (n, pixels)
        `thumbnail` of `measures.METADATA`, as numbers.
    """
    difference = np.empty(len(pairs))
    first, second = pairs["first"].to_numpy(), pairs["second"].to_numpy()
    for start in range(0, len(pairs), BLOCK):
        part = slice(start, start + BLOCK)
        a, b = thumbnails[first[part]].astype(np.int16), thumbnails[second[part]].astype(np.int16)
        difference[part] = np.abs(a - b).mean(axis=1)
    return difference


def same_picture_pairs(
    vectors: Vectors,
    by_hash: Int,
    *,
    alone: float = NEAR_COSINE,
    with_hash: float = NEAR_COSINE_WITH_HASH,
    most: int = 10,
) -> NDArray[np.int64]:
    """Pairs of near-duplicates by vectors: shape (p, 2), each once, the lower row first.

    A pair counts when its cosine is at least `alone`, or when it is in `by_hash` and its cosine at least
    `with_hash`: the hash of a plain silhouette is so poor that different garments share it.

    Parameters
    ----------
    vectors : ndarray of float32, shape (n, d)
        Frozen vectors.
    by_hash : ndarray of int, shape (h, 2)
        Pairs of rows with nearly equal perceptual hashes.
    alone, with_hash : float
        Cosines.
    most : int
        Nearest neighbours considered; a row with more near-duplicates is joined to them through one another.
    """
    unit = normalise(vectors)
    neighbours, similarity = top_k(unit, min(most, len(unit) - 1), assume_unit=True)
    first, place = np.nonzero(similarity >= alone)
    near = np.stack([first, neighbours[first, place]], axis=1).astype(np.int64)
    hashed = np.asarray(by_hash, np.int64).reshape(-1, 2)
    cosine = np.einsum("ij,ij->i", unit[hashed[:, 0]], unit[hashed[:, 1]])
    pairs = np.concatenate([near, hashed[cosine >= with_hash]])
    return np.unique(np.sort(pairs, axis=1), axis=0)


def duplicate_groups(n: int, pairs: ArrayLike) -> Int:
    """Group number of each of n items, shape (n,): items that `pairs` (p, 2) join, even through others, share one.

    Examples
    --------
    >>> duplicate_groups(4, [[0, 2]])
    array([0, 1, 0, 2], dtype=int32)
    """
    # Imported here: a question about an item does without SciPy, which takes half a second.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    joined = np.asarray(pairs, int).reshape(-1, 2)
    ones = np.ones(len(joined), bool)
    graph = coo_array((ones, (joined[:, 0], joined[:, 1])), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1])


# ---- New photos against a catalogue ----


@dataclass(frozen=True)
class Fingerprints:
    """Vectors, hashes and thumbnails by which near-duplicates of new photos are found.

    Attributes
    ----------
    max_pooled : ndarray of float32, shape (n, d)
        Frozen vectors; read a block at a time, so they may be memory-mapped.
    hashes : sequence of str, length n
        Perceptual hashes, hexadecimal.
    pixels : ndarray of uint8, shape (n, 3072)
        Photos at 32 x 32, RGB, flattened.
    """

    max_pooled: NDArray[np.float32]
    hashes: Sequence[str]
    pixels: NDArray

    def __len__(self) -> int:
        return len(self.hashes)

    @cached_property
    def codes(self) -> NDArray[np.uint64]:
        """The hashes as numbers, shape (n,)."""
        return np.array([int(code, 16) for code in self.hashes], np.uint64)

    @cached_property
    def lengths(self) -> NDArray[np.float32]:
        """Lengths of the frozen vectors, shape (n,), at least the smallest positive number; without a copy of them."""
        blocks = [_lengths(np.asarray(self.max_pooled[i : i + BLOCK], np.float32)) for i in range(0, len(self), BLOCK)]
        return np.concatenate([np.empty(0, np.float32), *blocks])


def matching_pairs(known: Fingerprints, new: Fingerprints, rule: Rule) -> list[tuple[int, int]]:
    """Near-duplicates among pairs of a new photo and a known one, sorted.

    Returns
    -------
    list of (int, int)
        Number of the new photo, and the known one's row.
    """
    own, pairs = normalise(new.max_pooled), []
    for first in range(0, len(known), BLOCK):
        rows = np.asarray(known.max_pooled[first : first + BLOCK], np.float32)
        cosines = own @ rows.T / known.lengths[first : first + BLOCK]  # (m, b)
        for number in range(len(new)):
            near = np.bitwise_count(known.codes[first : first + BLOCK] ^ new.codes[number]) <= rule.bits
            same = (cosines[number] >= rule.cosine) | (near & (cosines[number] >= rule.cosine_with_hash))
            for offset in np.flatnonzero(near & ~same):
                row = first + int(offset)
                same[offset] = _difference(known.pixels[row], new.pixels[number]) <= rule.pixels
            pairs += [(number, first + int(offset)) for offset in np.flatnonzero(same)]
    return sorted(pairs)


def _lengths(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.maximum(np.sqrt(np.einsum("ij,ij->i", rows, rows)), np.finfo(np.float32).tiny)


def _difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Mean absolute difference of two photos, each reduced from 32 x 32 to 16 x 16."""
    apart = one.astype(np.float32) - other.astype(np.float32)
    return float(np.abs(apart.reshape(16, 2, 16, 2, 3).mean(axis=(1, 3))).mean())


def repeated_items(
    names: Sequence[str], known: Fingerprints, new_names: Sequence[str], new: Fingerprints, rule: Rule
) -> list[str]:
    """For each new item the name of its first near-duplicate in the catalogue, or among the new items before it.

    Returns
    -------
    list of str, length m
        Empty where there is none.
    """
    first = dict(reversed(matching_pairs(known, new, rule)))
    repeated = {number: names[row] for number, row in first.items()}
    for number, row in matching_pairs(new, new, rule):
        if row < number and number not in repeated:
            repeated[number] = new_names[row]
    return [repeated.get(number, "") for number in range(len(new))]


def joined_groups(
    groups: NDArray[np.integer], names: Sequence[str], own: NDArray[np.integer], items: pd.DataFrame
) -> NDArray[np.int64]:
    """Groups of near-duplicates of a catalogue as it is now: an added item joins that of the item it repeats.

    It joins also where that item is gone: two copies of one item are copies of each other.

    Parameters
    ----------
    groups : ndarray of int, shape (n,)
        Of the report's own items.
    names : sequence of str, length n
        Theirs.
    own : ndarray of int, shape (m,)
        Rows of those that are still there.
    items : DataFrame
        These first, and then the added ones, with `item` and `near_duplicate_of`, from `changes.Present`.

    Returns
    -------
    ndarray of int64
        Of `items`.
    """
    group_of, free = dict(zip(names, groups.tolist(), strict=True)), int(groups.max(initial=-1)) + 1
    joined = groups[own].tolist()
    added = items.iloc[len(own) :]
    for name, repeated in zip(added["item"], added["near_duplicate_of"], strict=True):
        group = group_of.get(repeated, free) if repeated else free
        free += group == free
        group_of[name] = group
        joined.append(group)
    return np.array(joined, np.int64)
