"""Whole rankings of some queries: MAP@R, and how far the embedding's order is the description's.

Six recommendations say nothing about the seventh. Here a query's cosines with the whole gallery are taken,
which is affordable for some hundred queries: 500 x 60,000 cosines are 120 MB and a second or two a method.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from fashion.metrics import average_precision_at_r

#: Gallery rows taken at a time: 500 queries x 4,096 rows are 16 MB of float64.
ROWS = 4096


def similarities(asking: ArrayLike, gallery: ArrayLike) -> NDArray[np.float32]:
    """Cosines of every query with every gallery item, shape (q, g).

    Summed in float64 and rounded to float32, so that the order does not hang on how the product was cut up.

    Parameters
    ----------
    asking, gallery : arrays, shapes (q, d) and (g, d)
        Unit rows.
    """
    heads, table = np.asarray(asking, np.float64), np.asarray(gallery)
    result = np.empty((len(heads), len(table)), np.float32)
    for start in range(0, len(table), ROWS):
        result[:, start : start + ROWS] = heads @ table[start : start + ROWS].astype(np.float64).T
    return result


def leading(similarity: ArrayLike, depth: int) -> NDArray[np.intp]:
    """Places of the `depth` largest numbers of one row, largest first, ties to the lower place."""
    row = np.asarray(similarity)
    if depth == 0:
        return np.empty(0, np.intp)
    limit = np.partition(row, len(row) - depth)[len(row) - depth]
    places = np.flatnonzero(row >= limit)
    return np.asarray(places[np.argsort(-row[places], kind="stable")][:depth], np.intp)


def average_precisions(similarity: ArrayLike, relevant: ArrayLike) -> NDArray[np.float64]:
    """Average precision at R of each query over the whole gallery (`fashion.metrics.average_precision_at_r`).

    R differs from query to query, from one item to thousands, so each query is ranked as deep as its own R.

    Parameters
    ----------
    similarity : array of float, shape (q, g)
        -inf where an item may not be an answer: the query itself.
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
    """Spearman's rank correlation of two orders of the same items, for each query.

    rho = Pearson's correlation of the two rows' ranks, equal numbers sharing the mean of their ranks
    (Spearman, American Journal of Psychology 15:72-101, 1904). 1: the embedding orders the items as the
    description does; 0: the two have nothing to do with each other.

    Parameters
    ----------
    similarity, gains : arrays of float, shape (q, m)
        Closeness of m items to each query, in the embedding and by description.

    Returns
    -------
    ndarray of float64, shape (q,)
        -1 to 1; NaN where one of the rows is constant and so orders nothing.
    """
    first, second = (rankdata(np.asarray(part), axis=1) for part in (similarity, gains))
    first -= first.mean(axis=1, keepdims=True)
    second -= second.mean(axis=1, keepdims=True)
    spread = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(spread > 0, (first * second).sum(axis=1) / spread, np.nan))
