"""Measures of a ranking: precision, success, MAP@R, nDCG with graded gains, rank correlation.

A ranking is an array of int, shape (q, k): for each query the rows of the items table recommended to it, best
first, as `fashion.neighbours.exact.top_k` returns them. Query rows, shape (q,), are the queries' own rows.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]

Int = NDArray[np.int64]


def average_precision_at_r(relevant: ArrayLike, total: ArrayLike, limit: int | None = None) -> Float:
    """Average precision at R of each query; the mean over queries is MAP@R.

    (1 / R) x sum over i = 1..R of P(i) rel(i), where R is the number of relevant items in the gallery, rel(i)
    is 1 if the i-th recommendation is relevant, else 0, and P(i) is the share of relevant ones among the
    first i (Musgrave, Belongie & Lim, A Metric Learning Reality Check, ECCV 2020, section 3.2). It is 1 only
    if the first R recommendations are all relevant.

    Parameters
    ----------
    relevant : array of bool, shape (q, k)
        rel(i), from `relevance`; k at least the largest R, or `limit`.
    total : array of int, shape (q,)
        R of each query, from `relevant_in_gallery`.
    limit : int, optional
        Take min(R, limit) for R: a truncated measure for large classes, not comparable with published MAP@R.

    Returns
    -------
    ndarray of float64, shape (q,)
        0-1; NaN where nothing is relevant.

    Raises
    ------
    ValueError
        When the rankings are shorter than R.
    """
    hits, depth = np.asarray(relevant, bool), np.asarray(total, np.int64)
    if limit is not None:
        depth = np.minimum(depth, limit)
    if hits.ndim != 2 or depth.shape != (len(hits),) or depth.max(initial=0) > hits.shape[1]:
        raise ValueError(
            f"expected rankings of at least R = {depth.max(initial=0)} for {depth.size} queries; found shape "
            f"{hits.shape}; rank more neighbours, or set a limit"
        )
    ranks = np.arange(1, hits.shape[1] + 1)
    precision = np.cumsum(hits, axis=1) / ranks
    counted = hits & (ranks <= depth[:, np.newaxis])
    with np.errstate(invalid="ignore"):
        return np.asarray((precision * counted).sum(axis=1) / depth)


def ndcg_at_k(gains: ArrayLike, ideal: ArrayLike) -> Float:
    """Normalised discounted cumulative gain of each query.

    DCG = sum over i = 1..k of g(i) / log2(i + 1), divided by the DCG of the best possible ranking (Järvelin &
    Kekäläinen, ACM Transactions on Information Systems 20:422-446, 2002, with gains as they are, and with the
    discount now usual, under which rank 2 already counts less than rank 1).

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
        When the shapes differ, a gain is negative or NaN, or a ranking beats its ideal.
    """
    gain, best = np.asarray(gains, np.float64), np.asarray(ideal, np.float64)
    if gain.ndim != 2 or gain.shape != best.shape:
        raise ValueError(f"expected gains and ideal of one shape (q, k); found {gain.shape} and {best.shape}")
    if not ((gain >= 0).all() and (best >= 0).all()):
        raise ValueError("expected gains of at least 0; found a negative one or NaN")
    discount = 1 / np.log2(np.arange(2, gain.shape[1] + 2))
    reached, possible = gain @ discount, best @ discount
    if (reached > possible + 1e-9).any():
        raise ValueError("expected an ideal from the same gallery; found a ranking that gains more")
    with np.errstate(invalid="ignore"):
        return np.asarray(reached / possible)


#: Gallery rows in a block: 500 queries x 4,096 rows are 16 MB of float64.
ROWS = 4096


def similarities(queries: ArrayLike, gallery: ArrayLike) -> NDArray[np.float32]:
    """Cosines of every query with every gallery item, shape (q, g).

    Summed in float64 and rounded to float32, so that the order does not depend on how the product is divided.

    Parameters
    ----------
    queries, gallery : arrays, shapes (q, d) and (g, d)
        Unit rows.
    """
    left, table = np.asarray(queries, np.float64), np.asarray(gallery)
    result = np.empty((len(left), len(table)), np.float32)
    for start in range(0, len(table), ROWS):
        result[:, start : start + ROWS] = left @ table[start : start + ROWS].astype(np.float64).T
    return result


def leading(similarity: ArrayLike, depth: int) -> NDArray[np.intp]:
    """Indices of the `depth` largest numbers of one row, largest first, ties to the lower index."""
    row = np.asarray(similarity)
    if depth == 0:
        return np.empty(0, np.intp)
    limit = np.partition(row, len(row) - depth)[len(row) - depth]
    places = np.flatnonzero(row >= limit)
    return np.asarray(places[np.argsort(-row[places], kind="stable")][:depth], np.intp)


def average_precisions(similarity: ArrayLike, relevant: ArrayLike) -> NDArray[np.float64]:
    """Average precision at R of each query over the whole gallery (`evaluation.metrics.average_precision_at_r`).

    R differs by query, from one item to thousands, so each query is ranked to its own R.

    Parameters
    ----------
    similarity : array of float, shape (q, g)
        -inf where an item is excluded: the query itself.
    relevant : array of bool, shape (q, g)
        False there.

    Returns
    -------
    ndarray of float64, shape (q,)
        0-1; NaN where nothing is relevant. The mean over the others is MAP@R.
    """
    cosine, wanted = np.asarray(similarity), np.asarray(relevant, bool)
    totals = wanted.sum(axis=1)
    result = np.full(len(cosine), np.nan)
    for query in np.flatnonzero(totals):
        hits = wanted[query, leading(cosine[query], int(totals[query]))]
        result[query] = average_precision_at_r(hits[np.newaxis], totals[query : query + 1])[0]
    return result


def rank_correlations(similarity: ArrayLike, gains: ArrayLike) -> NDArray[np.float64]:
    """Spearman's rank correlation of two orders of the same items, one number a query.

    rho = Pearson's correlation of the two rows' ranks, equal numbers sharing the mean of their ranks
    (Spearman, American Journal of Psychology 15:72-101, 1904). 1: the embedding orders the items as the
    description does; 0: the two are unrelated.

    Parameters
    ----------
    similarity, gains : arrays of float, shape (q, m)
        Similarity of m items to each query, by embedding and by description.

    Returns
    -------
    ndarray of float64, shape (q,)
        -1 to 1; NaN where one of the rows is constant and so orders nothing.
    """
    from scipy.stats import rankdata  # here: the shop loads this module, and ranks nothing

    first, second = (rankdata(np.asarray(part), axis=1) for part in (similarity, gains))
    first -= first.mean(axis=1, keepdims=True)
    second -= second.mean(axis=1, keepdims=True)
    spread = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(spread > 0, (first * second).sum(axis=1) / spread, np.nan))


def precision_and_success(relevant: ArrayLike, success: Iterable[int] = (1,)) -> dict[str, Float]:
    """Precision@k and Success@c of every query's k recommendations.

    Precision@k is the share of relevant ones among the k; Success@c is 1 where at least one of the first c is
    relevant, else 0. trec_eval's P and Success are equal to the bit (`tests/evaluation/test_trec.py`).

    Parameters
    ----------
    relevant : array of bool, shape (q, k)
        Whether each recommendation is relevant, in rank order.
    success : iterable of int
        Cutoffs c, 1 to k.

    Returns
    -------
    dict of str to ndarray of float64, shape (q,)
        "Precision@k", then "Success@c" for each c; 0-1.

    Raises
    ------
    ValueError
        When a cutoff lies outside 1 to k.

    Examples
    --------
    >>> scores = precision_and_success([[False, True, True, False]], success=(1, 4))
    >>> {name: values.tolist() for name, values in scores.items()}
    {'Precision@4': [0.5], 'Success@1': [0.0], 'Success@4': [1.0]}
    """
    hits, cutoffs = np.atleast_2d(np.asarray(relevant, bool)), list(dict.fromkeys(success))
    k = hits.shape[1]
    if not all(1 <= cutoff <= k for cutoff in cutoffs):
        raise ValueError(f"success: expected cutoffs from 1 to {k}, the recommendations of a query; found {cutoffs}")
    scores = {f"Precision@{k}": np.asarray(hits.mean(axis=1), np.float64)}
    return scores | {f"Success@{c}": np.asarray(hits[:, :c].any(axis=1), np.float64) for c in cutoffs}
