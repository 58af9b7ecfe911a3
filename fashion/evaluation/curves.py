"""Precision@k by gallery size, by embedding length and by the weight of colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fashion.evaluation.protocol import CEILING, RANDOM, Method, best_possible
from fashion.evaluation.relevance import precision_at_k, random_expectation
from fashion.evaluation.statistics import bootstrap_interval
from fashion.neighbours.exact import filled, normalise, top_k

Int = NDArray[np.integer]

#: Lengths to which embeddings are cut.
LENGTHS = (8, 16, 32, 64, 128)


def gallery_sizes(n: int, k: int, most: int = 6) -> list[int]:
    """Gallery sizes: the `most` largest of ..., 100, 200, 500, 1,000, ... below n that hold 5 k, then n."""
    steps = [lead * 10**power for power in range(9) for lead in (1, 2, 5)]
    return [*[size for size in steps if 5 * k <= size < n][-most:], n]


def by_gallery_size(
    methods: Mapping[str, Method], items: pd.DataFrame, queries: Int, k: int, columns: Sequence[str], seed: int
) -> pd.DataFrame:
    """Precision@k of the same queries in nested galleries of growing size.

    Chance (in closed form) and the ceiling are added: a larger gallery holds more correct items, so the ceiling
    rises with it.

    Parameters
    ----------
    methods : dict
        Name -> tables of `fashion.evaluation.protocol.Method`.
    items : DataFrame
    queries : ndarray of int, shape (q,)
    k : int
    columns : sequence of str
        As for `precision_at_k`.
    seed : int
        Of the order in which items join the gallery, and of the bootstrap.

    Returns
    -------
    DataFrame
        `method`, `size`, `column`, `mean`, `low`, `high`.
    """
    order = np.random.default_rng(seed).permutation(len(items))
    galleries = {size: np.sort(order[:size]) for size in gallery_sizes(len(items), k)}
    lines = []
    for method, (query_table, gallery_table) in methods.items():
        unit = normalise(gallery_table)
        vectors = normalise(np.asarray(query_table)[queries])
        for size, gallery in galleries.items():
            rows = None if size == len(unit) else gallery
            recommended = top_k(unit, k, queries, rows, query_vectors=vectors, assume_unit=True)[0]
            lines += _lines(precision_at_k(items, recommended, queries, columns), seed, method=method, size=size)
    for size, gallery in galleries.items():
        expected = random_expectation(items, queries, gallery, columns)
        lines += [
            {"method": RANDOM, "size": size, "column": column, "mean": mean, "low": mean, "high": mean}
            for column, mean in expected.items()
        ]
        best = best_possible(items, queries, gallery, k, list(expected.index))
        lines += _lines(best, seed, method=CEILING, size=size)
    return pd.DataFrame(lines)


def directions(vectors: ArrayLike, training: ArrayLike) -> NDArray[np.float32]:
    """Right singular vectors of the training rows, not centred, largest singular value first; (d, min(d, rows)).

    The first s of them give the s-dimensional vectors whose dot products are nearest to the full ones in the
    least-squares sense (Eckart & Young, Psychometrika 1:211-218, 1936). Centring would change every product.
    """
    table, chosen = np.asarray(vectors), np.asarray(training)
    if len(chosen) < table.shape[1]:  # the (d, d) matrix of products would take by far the longest here
        return np.asarray(np.linalg.svd(table[chosen].astype(np.float64), full_matrices=False)[2].T, np.float32)
    gram = np.zeros((table.shape[1], table.shape[1]))
    for first in range(0, len(chosen), 4096):  # in double precision, a block at a time
        rows = table[chosen[first : first + 4096]].astype(np.float64)
        gram += rows.T @ rows
    return np.asarray(np.linalg.eigh(gram)[1][:, ::-1], np.float32)


def by_embedding_length(
    methods: Mapping[str, Method],
    items: pd.DataFrame,
    training: Int,
    queries: Int,
    k: int,
    columns: Sequence[str],
    seed: int,
) -> pd.DataFrame:
    """Precision@k in the whole catalogue with each embedding cut to its first `LENGTHS` directions, and uncut.

    The directions are computed on training items alone, from their query vectors; on all items where there are none.

    Parameters
    ----------
    methods : dict
        Name -> tables of `fashion.evaluation.protocol.Method`.
    training : ndarray of int
        Rows of training items.
    items, queries, k, columns, seed
        As for `by_gallery_size`.

    Returns
    -------
    DataFrame
        `method`, `length`, `column`, `mean`, `low`, `high`; the uncut embedding has its own length.
    """
    lines, training = [], training if len(training) else np.arange(len(items))
    for method, (query_table, gallery_table) in methods.items():
        query_unit = normalise(query_table)
        gallery_unit = query_unit if query_table is gallery_table else normalise(gallery_table)
        whole = query_unit.shape[1]
        turn = directions(query_unit, training)[:, : max(LENGTHS)]
        turned = query_unit[queries] @ turn, gallery_unit @ turn
        for length in [*(size for size in LENGTHS if size < whole), whole]:
            cut = (query_unit[queries], gallery_unit) if length == whole else tuple(t[:, :length] for t in turned)
            vectors, gallery = cut
            if query_table is not gallery_table:  # a padding dimension keeps the inner products
                vectors, gallery = np.pad(vectors, ((0, 0), (0, 1))), filled(gallery)
            scaled = gallery if gallery is gallery_unit else normalise(gallery)
            recommended = top_k(scaled, k, queries, query_vectors=normalise(vectors), assume_unit=True)[0]
            lines += _lines(precision_at_k(items, recommended, queries, columns), seed, method=method, length=length)
    return pd.DataFrame(lines)


#: Weights of colour at which lists are scored: category alone, ten steps, colour alone.
COLOUR_WEIGHTS = tuple(step / 10 for step in range(11))


def by_colour_weight(
    weighted: Mapping[float, ArrayLike], gallery: ArrayLike, items: pd.DataFrame, queries: Int, k: int,
    columns: Sequence[str], seed: int,
) -> pd.DataFrame:  # fmt: skip
    """Precision@k in the whole catalogue by the weight of colour beside category.

    Parameters
    ----------
    weighted : mapping of float to array, shape (q, d)
        Weight of colour, 0 to 1 -> the queries' vectors.
    gallery : array, shape (n, d)
        Gallery vectors.
    items, queries, k, columns, seed
        As for `by_gallery_size`.

    Returns
    -------
    DataFrame
        `weight`, `column`, `mean`, `low`, `high`.
    """
    unit, lines = normalise(gallery), list[dict[str, object]]()
    for weight, vectors in weighted.items():
        recommended = top_k(unit, k, queries, query_vectors=normalise(vectors), assume_unit=True)[0]
        lines += _lines(precision_at_k(items, recommended, queries, columns), seed, weight=weight)
    return pd.DataFrame(lines)


def _lines(shares: pd.DataFrame, seed: int, **about: object) -> list[dict[str, object]]:
    lines: list[dict[str, object]] = []
    for column in shares:
        mean, low, high = bootstrap_interval(shares[column].to_numpy(), seed)
        lines.append({**about, "column": column, "mean": mean, "low": low, "high": high})
    return lines
