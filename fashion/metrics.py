"""Measures of a ranking, one value per query: agreement, success, MAP@R, nDCG, and what chance would give.

A ranking is an array of int, shape (q, k): for each query the rows of the items table recommended to it, best
first, as `fashion.neighbours.top_k` returns them. `query_rows`, shape (q,), are the rows that asked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

DESCRIPTION = ("department", "category", "colour")
#: The column that `agreement_at_k` adds: category and colour at once.
BOTH = "both"


def relevance(items: pd.DataFrame, ranking: ArrayLike, query_rows: ArrayLike, column: str) -> NDArray[np.bool_]:
    """Whether each recommendation has its query's word in `column`; `both` is category and colour. Shape (q, k).

    A missing word agrees with nothing.
    """
    codes = _codes(items, column)
    rows, queries = _fit(ranking, query_rows, len(items))
    own = codes[queries][:, np.newaxis]
    return np.asarray((codes[rows] == own) & (own >= 0))


def agreement_at_k(
    items: pd.DataFrame, ranking: ArrayLike, query_rows: ArrayLike, columns: Sequence[str] = DESCRIPTION
) -> pd.DataFrame:
    """Share of a query's k recommendations with its own word: precision at k, with "same word" as relevant.

    Parameters
    ----------
    items : DataFrame
        The items table.
    ranking : array of int, shape (q, k)
    query_rows : array of int, shape (q,)
    columns : sequence of str
        Columns to compare; where category and colour are among them, `both` (the two at once) is added.

    Returns
    -------
    DataFrame
        One row a query (index: its row), one column each: 0-1.

    Raises
    ------
    ValueError
        When ranking and queries do not fit each other or the table.
    """
    return _per_query(items, ranking, query_rows, columns, "mean")


def success_at_k(
    items: pd.DataFrame, ranking: ArrayLike, query_rows: ArrayLike, columns: Sequence[str] = DESCRIPTION
) -> pd.DataFrame:
    """Whether at least one of a query's k recommendations has its word: 0 or 1 (hit rate, not recall).

    Arguments and result as for `agreement_at_k`.
    """
    return _per_query(items, ranking, query_rows, columns, "max")


def random_expectation(
    items: pd.DataFrame,
    query_rows: ArrayLike,
    gallery_rows: ArrayLike | None = None,
    columns: Sequence[str] = DESCRIPTION,
    success_k: int | None = None,
) -> pd.DataFrame:
    """What recommending at random scores on average, in closed form.

    Of the G gallery items that are not the query itself, m have its word. Drawn without replacement, the
    expected agreement is m / G for any k; the chance of at least one hit among k (hypergeometric) is
    1 - C(G - m, k) / C(G, k).

    Parameters
    ----------
    items, query_rows, columns
        As for `agreement_at_k`.
    gallery_rows : array of int, optional
        Rows that may be recommended (each once); every row where not given.
    success_k : int, optional
        Give the chance of success at this k instead of the agreement.

    Returns
    -------
    DataFrame
        As `agreement_at_k`.
    """
    queries, gallery, inside = _gallery(query_rows, gallery_rows, len(items))
    size = len(gallery) - inside
    if (size < max(success_k or 1, 1)).any():
        raise ValueError(f"gallery: {len(gallery)} items are too few to recommend {success_k or 1} of")
    result = {}
    for column in _with_both(columns):
        codes = _codes(items, column)
        counts = np.bincount(codes[gallery] + 1, minlength=codes.max(initial=-1) + 2)
        counts[0] = 0  # missing words
        matching = counts[codes[queries] + 1] - (inside & (codes[queries] >= 0))
        if success_k is None:
            result[column] = matching / size
        else:
            steps = np.arange(success_k)  # the product form of the ratio of binomials: no large numbers
            misses = (size - matching)[:, np.newaxis] - steps
            result[column] = 1 - (np.maximum(misses, 0) / (size[:, np.newaxis] - steps)).prod(axis=1)
    return pd.DataFrame(result, index=pd.Index(queries, name="query"))


def random_neighbours(
    query_rows: ArrayLike, k: int, seed: int, n_items: int, gallery_rows: ArrayLike | None = None
) -> NDArray[np.int32]:
    """Recommend at random: k different gallery rows for each query, never itself, shape (q, k).

    Every ordered choice is equally likely: rows of draws with a repetition or the query are drawn again.
    """
    queries, gallery, inside = _gallery(query_rows, gallery_rows, n_items)
    if len(gallery) - inside.any() < k or k < 1:
        raise ValueError(f"k: expected 1 to {len(gallery) - int(inside.any())}, found {k}")
    rng = np.random.default_rng(seed)
    ranking = np.empty((len(queries), k), np.int32)
    if len(gallery) < 4 * k * k:  # so few that whole shuffles are cheaper than draws that repeat
        for place, query in enumerate(queries):
            ranking[place] = rng.permutation(gallery[gallery != query])[:k]
        return ranking
    todo = np.arange(len(queries))
    while todo.size:
        drawn = gallery[rng.integers(0, len(gallery), (len(todo), k))]
        ranking[todo] = drawn
        ordered = np.sort(drawn, axis=1)
        again = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1) | (drawn == queries[todo, np.newaxis]).any(axis=1)
        todo = todo[again]
    return ranking


def average_precision_at_r(relevant: ArrayLike, total: ArrayLike, limit: int | None = None) -> NDArray[np.float64]:
    """Average precision at R of each query; their mean is MAP@R.

    (1 / R) x sum over i = 1..R of P(i) rel(i), where R is the number of relevant items in the gallery, rel(i) 1
    if the i-th recommendation is relevant, and P(i) the share of relevant ones among the first i
    (Musgrave, Belongie & Lim, A Metric Learning Reality Check, ECCV 2020, section 3.2). It rewards the order of
    all relevant items, and is 1 only if the first R are all relevant.

    Parameters
    ----------
    relevant : array of bool, shape (q, k)
        rel(i), from `relevance`; k at least the largest R, or `limit`.
    total : array of int, shape (q,)
        R of each query.
    limit : int, optional
        Use min(R, limit) for R: a truncated measure for large classes, not comparable with published MAP@R.

    Returns
    -------
    ndarray of float64, shape (q,)
        0-1; NaN where nothing is relevant.

    Raises
    ------
    ValueError
        When the rankings are shorter than R.
    """
    hits = np.asarray(relevant, bool)
    depth = np.asarray(total, np.int64) if limit is None else np.minimum(total, limit)
    if depth.shape != (len(hits),) or depth.max(initial=0) > hits.shape[1]:
        raise ValueError(
            f"expected rankings of at least R = {depth.max(initial=0)} for {depth.size} queries, found shape "
            f"{hits.shape}; rank more neighbours, or set a limit"
        )
    ranks = np.arange(1, hits.shape[1] + 1)
    counted = hits & (ranks <= depth[:, np.newaxis])
    precision = np.cumsum(hits, axis=1) / ranks
    with np.errstate(invalid="ignore"):
        return np.asarray((precision * counted).sum(axis=1) / depth)


def ndcg_at_k(gains: ArrayLike, ideal: ArrayLike) -> NDArray[np.float64]:
    """Normalised discounted cumulative gain of each query.

    DCG = sum over i = 1..k of g(i) / log2(i + 1), divided by the DCG of the best possible ranking (Järvelin &
    Kekäläinen, ACM Transactions on Information Systems 20:422-446, 2002; with their graded gains taken as they
    are, and the now usual discount, under which rank 2 counts less than rank 1 already).

    Parameters
    ----------
    gains : array, shape (q, k)
        Gain of each recommendation, at least 0, in rank order.
    ideal : array, shape (q, k)
        The k largest gains that the gallery holds for the query, falling.

    Returns
    -------
    ndarray of float64, shape (q,)
        0-1; NaN where the gallery holds nothing of any gain.

    Raises
    ------
    ValueError
        When the shapes differ, a gain is negative, or a ranking beats its "ideal".
    """
    found, best = np.asarray(gains, np.float64), np.asarray(ideal, np.float64)
    if found.ndim != 2 or found.shape != best.shape:
        raise ValueError(f"expected gains and ideal of one shape (q, k), found {found.shape} and {best.shape}")
    if not (found >= 0).all():
        raise ValueError("gains: expected numbers of at least 0")
    discount = 1 / np.log2(np.arange(2, found.shape[1] + 2))
    reached, possible = found @ discount, best @ discount
    if (reached > possible + 1e-9).any():
        raise ValueError("ideal: a ranking gains more than its ideal; take the ideal from the same gallery")
    with np.errstate(invalid="ignore"):
        return np.asarray(reached / possible)


def _per_query(
    items: pd.DataFrame, ranking: ArrayLike, query_rows: ArrayLike, columns: Sequence[str], reduce: str
) -> pd.DataFrame:
    values = {
        column: getattr(relevance(items, ranking, query_rows, column).astype(float), reduce)(axis=1)
        for column in _with_both(columns)
    }
    return pd.DataFrame(values, index=pd.Index(np.asarray(query_rows), name="query"))


def _with_both(columns: Sequence[str]) -> list[str]:
    return [*columns, *([BOTH] if {"category", "colour"} <= set(columns) else [])]


def _codes(items: pd.DataFrame, column: str) -> NDArray[np.int64]:
    """Numbers for words, -1 for missing ones, shape (n,)."""
    if column != BOTH:
        return np.asarray(pd.factorize(items[column])[0], np.int64)
    first, second = _codes(items, "category"), _codes(items, "colour")
    pair = first * (second.max(initial=0) + 1) + second
    return np.where((first < 0) | (second < 0), -1, pair)


def _fit(ranking: ArrayLike, query_rows: ArrayLike, n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rows, queries = np.asarray(ranking, np.int64), np.asarray(query_rows, np.int64)
    if rows.ndim != 2 or queries.shape != (len(rows),) or (rows.size and not 0 <= rows.min() <= rows.max() < n):
        raise ValueError(
            f"expected a ranking (q, k) of rows 0 to {n - 1} and q query rows, found shapes {rows.shape} and "
            f"{queries.shape}"
        )
    return rows, queries


def _gallery(
    query_rows: ArrayLike, gallery_rows: ArrayLike | None, n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    queries = np.asarray(query_rows, np.int64)
    gallery = np.arange(n) if gallery_rows is None else np.asarray(gallery_rows, np.int64)
    return queries, gallery, np.isin(queries, gallery)
