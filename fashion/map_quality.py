"""How much of the vectors' neighbourhoods a map keeps."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fashion.neighbours import top_k


def map_trustworthiness(vectors: ArrayLike, xy: ArrayLike, k: int = 10, *, seed: int = 0, limit: int = 5000) -> float:
    """How far neighbours on the map are neighbours in the vectors, too: 1 if all are, about 0.5 by chance.

    1 - 2 / (n k (2n - 3k - 1)) x the sum of (cosine rank - k) over the map neighbours, k of each item, that
    are none of its k nearest by cosine (Venna & Kaski, ICANN 2001).

    Parameters
    ----------
    vectors : array, shape (n, d)
    xy : array, shape (n, 2)
    k : int
        Neighbours; less than half of the items.
    seed, limit : int
        It takes memory and time by the square: above `limit` items a seeded part of that size is measured
        (5,000 items take 0.8 GB), whose neighbourhoods are wider than the whole map's.

    Returns
    -------
    float
        0-1.
    """
    from sklearn.manifold import trustworthiness

    near, positions = np.asarray(vectors), np.asarray(xy)
    rows = _drawn(len(positions), limit, seed)
    return float(trustworthiness(near[rows], positions[rows], n_neighbors=k, metric="cosine"))


def neighbour_recall(vectors: ArrayLike, xy: ArrayLike, k: int = 10, *, seed: int = 0, limit: int = 10_000) -> float:
    """Share of each item's k nearest by cosine that are among its k nearest on the map, on average.

    Parameters
    ----------
    vectors : array, shape (n, d)
    xy : array, shape (n, 2)
    k : int
        1 to n - 1.
    seed, limit : int
        Above `limit` items so many ask, a seeded part of them; any item may be their neighbour.

    Returns
    -------
    float
        0-1; by chance k / (n - 1).

    Raises
    ------
    ArtefactError, ValueError
        As `fashion.neighbours.top_k`; ValueError also where the numbers of rows differ.
    """
    from scipy.spatial import cKDTree

    positions = np.asarray(xy, np.float64)
    count = len(np.asarray(vectors))
    if positions.shape != (count, 2):
        raise ValueError(f"xy: expected shape ({count}, 2), found {positions.shape}")
    rows = _drawn(count, limit, seed)
    expected, _ = top_k(vectors, k, queries=rows)
    _, found = cKDTree(positions).query(positions[rows], k + 1)
    others = found != rows[:, np.newaxis]
    others[others.all(axis=1), -1] = False  # under k copies of it, an item may not be among its own nearest
    shown = found[others].reshape(len(found), k)
    return float((expected[:, :, np.newaxis] == shown[:, np.newaxis, :]).any(axis=2).mean())


def _drawn(count: int, limit: int, seed: int) -> NDArray[np.int64]:
    """All of `count` rows, or `limit` of them, drawn at random; rising."""
    rows = np.arange(count)
    return rows if count <= limit else np.sort(np.random.default_rng(seed).choice(rows, limit, replace=False))
