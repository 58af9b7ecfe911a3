"""Hubs: items that are among the nearest of very many queries, while others are among the nearest of none.

In many dimensions some points are near to most others (Radovanović, Nanopoulos and Ivanović 2010, Hubs in Space).
Cross-domain similarity local scaling (CSLS) subtracts from each similarity the mean similarity of the item's nearest
queries (Conneau et al. 2018, Word Translation Without Parallel Data, equation 3): one number an item, which is added to
every similarity with it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Nearest queries whose similarity is averaged.
NEAREST = 10

#: Queries drawn at most. With 4,096, more of a large catalogue is never shown (docs/decisions.md).
QUERIES = 16_384

#: Rows of similarities in memory at a time: with all queries 34 MB.
BLOCK = 512


def nearest_query_similarity(
    queries: NDArray, vectors: NDArray, own: NDArray[np.integer] | None = None, nearest: int = NEAREST
) -> NDArray[np.float32]:
    """Mean similarity of each gallery item to the queries nearest to it, shape (n,).

    Parameters
    ----------
    queries : ndarray of float, shape (q, d)
        Scaled, so that their products with gallery vectors are similarities.
    vectors : ndarray of float, shape (n, d)
        Gallery vectors.
    own : ndarray of int, shape (q,), optional
        The gallery row that each query itself is, which does not count; -1 for none.
    nearest : int
        How many queries are averaged.

    Examples
    --------
    >>> nearest_query_similarity(np.eye(2), np.array([[1.0, 0.5], [0.0, 0.2]]), nearest=1).tolist()
    [1.0, 0.20000000298023224]
    """
    query_vectors = np.asarray(queries, np.float32)
    means = np.zeros(len(vectors), np.float32)
    taken = min(nearest, len(query_vectors) - (own is not None))
    if taken < 1:
        return means
    for start in range(0, len(vectors), BLOCK):
        similarity = np.asarray(vectors[start : start + BLOCK], np.float32) @ query_vectors.T
        if own is not None:
            inside = np.flatnonzero((own >= start) & (own < start + BLOCK))
            similarity[own[inside] - start, inside] = -np.inf
        means[start : start + BLOCK] = np.partition(similarity, -taken, axis=1)[:, -taken:].mean(axis=1)
    return means
