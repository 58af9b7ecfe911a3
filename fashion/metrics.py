"""Measures of a ranking beyond shares of equal words: MAP@R, and nDCG with graded gains.

A ranking is an array of int, shape (q, k): for each query the rows of the items table recommended to it, best
first, as `fashion.neighbours.top_k` returns them. Query rows, shape (q,), are the rows that asked.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fashion.colour import delta_e

Float = NDArray[np.float64]
Int = NDArray[np.int64]

#: CIEDE2000 difference from which on a colour counts as another one: on the real catalogue about three in
#: four pairs of garments with one colour word are closer, and about one in three random pairs.
COLOUR_REACH = 20.0
GARMENT = ("garment_l", "garment_a", "garment_b")


def relevance(items: pd.DataFrame, ranking: ArrayLike, query_rows: ArrayLike, column: str) -> NDArray[np.bool_]:
    """Whether each recommendation has its query's word in a column, shape (q, k); a missing word never."""
    rows, queries = _fit(ranking, query_rows, len(items))
    codes = pd.factorize(items[column])[0]
    own = codes[queries][:, np.newaxis]
    return np.asarray((codes[rows] == own) & (own >= 0))


def relevant_in_gallery(items: pd.DataFrame, query_rows: ArrayLike, gallery_rows: ArrayLike, column: str) -> Int:
    """R of each query: how many gallery items, itself not counted, have its word in `column`; shape (q,)."""
    queries, gallery = np.asarray(query_rows, np.int64), np.asarray(gallery_rows, np.int64)
    codes = pd.factorize(items[column])[0]
    counts = np.append(np.bincount(codes[gallery][codes[gallery] >= 0], minlength=codes.max(initial=-1) + 1), 0)
    known = codes[queries] >= 0  # code -1, a missing word, finds the 0 at the end
    return np.asarray(counts[codes[queries]] - (np.isin(queries, gallery) & known), np.int64)


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
            f"expected rankings of at least R = {depth.max(initial=0)} for {depth.size} queries, found shape "
            f"{hits.shape}; rank more neighbours, or set a limit"
        )
    ranks = np.arange(1, hits.shape[1] + 1)
    precision = np.cumsum(hits, axis=1) / ranks
    counted = hits & (ranks <= depth[:, np.newaxis])
    with np.errstate(invalid="ignore"):
        return np.asarray((precision * counted).sum(axis=1) / depth)


def graded_relevance(
    items: pd.DataFrame, query_rows: ArrayLike, ranking: ArrayLike, lab: ArrayLike | None = None
) -> Float:
    """Gain of each recommendation: how well it could stand in for its query, 0-1, shape (q, k).

    gain = kind x (1 + closeness) / 2, with kind = 1 for the same category, 1/2 for another category of the
    same department, else 0; closeness = max(0, 1 - CIEDE2000 / `COLOUR_REACH`) of the garments' measured
    colours. So colour counts only among things of a kind (a red shoe does not stand in for a red dress), and
    a thing of the category gains in any colour at least what another thing of the department can.

    Parameters
    ----------
    items : DataFrame
        With `category`, `department` and, where `lab` is not given, `garment_l`, `garment_a`, `garment_b`.
    query_rows : array of int, shape (q,)
    ranking : array of int, shape (q, k)
    lab : array, shape (n, 3), optional
        CIELAB of every item; closeness is 0 where it is NaN.

    Raises
    ------
    ValueError
        When ranking and queries do not fit each other or the table.
    """
    rows, queries = _fit(ranking, query_rows, len(items))
    return _gains(_Kinds(items, lab), np.repeat(queries, rows.shape[1]), rows.ravel()).reshape(rows.shape)


def ideal_gains(
    items: pd.DataFrame, query_rows: ArrayLike, gallery_rows: ArrayLike, k: int, lab: ArrayLike | None = None
) -> Float:
    """The k largest gains (of `graded_relevance`) that a gallery holds for each query, itself left out.

    Only the query's category is graded, and its department where the category has few items: nothing else can
    be among the k best. Where the gallery holds fewer than k of them, the rest is 0.

    Returns
    -------
    ndarray of float64, shape (q, k)
        Falling.
    """
    queries, gallery = np.asarray(query_rows, np.int64), np.asarray(gallery_rows, np.int64)
    kinds = _Kinds(items, lab)
    members: dict[tuple[int, int], Int] = {}
    result = np.zeros((len(queries), k))
    for place, query in enumerate(queries):
        category, department = int(kinds.category[query]), int(kinds.department[query])
        if (category, department) not in members:
            alike = (kinds.category[gallery] == category) & (category >= 0)
            if alike.sum() <= k:  # at most k, one of which may be the query
                alike |= (kinds.department[gallery] == department) & (department >= 0)
            members[category, department] = gallery[alike]
        rows = members[category, department]
        rows = rows[rows != query]
        best = np.sort(_gains(kinds, np.full(len(rows), query), rows))[::-1][:k]
        result[place, : len(best)] = best
    return result


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
    found, best = np.asarray(gains, np.float64), np.asarray(ideal, np.float64)
    if found.ndim != 2 or found.shape != best.shape:
        raise ValueError(f"expected gains and ideal of one shape (q, k), found {found.shape} and {best.shape}")
    if not ((found >= 0).all() and (best >= 0).all()):
        raise ValueError("gains: expected numbers of at least 0")
    discount = 1 / np.log2(np.arange(2, found.shape[1] + 2))
    reached, possible = found @ discount, best @ discount
    if (reached > possible + 1e-9).any():
        raise ValueError("ideal: a ranking gains more than its ideal; take the ideal from the same gallery")
    with np.errstate(invalid="ignore"):
        return np.asarray(reached / possible)


class _Kinds:
    """What gains are made of: codes of words (-1: missing) and colours of all items."""

    def __init__(self, items: pd.DataFrame, lab: ArrayLike | None) -> None:
        self.category = pd.factorize(items["category"])[0]
        self.department = pd.factorize(items["department"])[0]
        self.lab = np.asarray(items[list(GARMENT)] if lab is None else lab, np.float64)
        if self.lab.shape != (len(items), 3):
            raise ValueError(f"lab: expected shape ({len(items)}, 3), found {self.lab.shape}")


def _gains(kinds: _Kinds, query: Int, rows: Int) -> Float:
    """Gains of pairs of rows, shape (p,)."""
    same = [(code[query] == code[rows]) & (code[query] >= 0) for code in (kinds.category, kinds.department)]
    gains = np.where(same[0], 1.0, np.where(same[1], 0.5, 0.0))
    graded = np.flatnonzero(gains)  # no colour formula where the kind decides
    for start in range(0, len(graded), 2**17):
        part = graded[start : start + 2**17]
        difference = delta_e(kinds.lab[query[part]], kinds.lab[rows[part]])
        gains[part] *= (1 + np.fmax(0, 1 - difference / COLOUR_REACH)) / 2
    return gains


def _fit(ranking: ArrayLike, query_rows: ArrayLike, n: int) -> tuple[Int, Int]:
    rows, queries = np.asarray(ranking, np.int64), np.asarray(query_rows, np.int64)
    inside = all(not part.size or 0 <= part.min() <= part.max() < n for part in (rows, queries))
    if rows.ndim != 2 or queries.shape != (len(rows),) or not inside:
        raise ValueError(
            f"expected a ranking (q, k) and q query rows, all of them 0 to {n - 1}; "
            f"found shapes {rows.shape} and {queries.shape}"
        )
    return rows, queries
