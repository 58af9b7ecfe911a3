"""Relevance of recommendations: matching labels, graded gains, and what random recommendations reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fashion.catalogue.swatches import GARMENT, UNKNOWN, Swatches
from fashion.core.colour import delta_e, hex_to_lab
from fashion.evaluation.metrics import precision_and_success

Float = NDArray[np.float64]

Int = NDArray[np.integer]

#: Label that matches where category and colour both do.
BOTH = "category and colour"


def matches(
    items: pd.DataFrame, recommended: ArrayLike, queries: ArrayLike, columns: Sequence[str]
) -> dict[str, NDArray[np.bool_]]:
    """Whether each recommendation matches its query, label by label.

    Parameters
    ----------
    items, recommended, queries, columns
        As for `precision_at_k`.

    Returns
    -------
    dict of str to ndarray of bool, shape (q, k)
    """
    matching = {column: relevance(items, recommended, queries, column) for column in columns}
    if {"category", "colour"} <= set(columns):
        matching[BOTH] = matching["category"] & matching["colour"]
    return matching


def precision_at_k(
    items: pd.DataFrame, recommended: ArrayLike, queries: ArrayLike, columns: Sequence[str]
) -> pd.DataFrame:
    """Precision@k by label: for each query the share of its k recommendations that match it.

    Parameters
    ----------
    items : DataFrame
        The items table.
    recommended : array of int, shape (q, k)
        Rows of the recommendations.
    queries : array of int, shape (q,)
        Rows of the queries.
    columns : sequence of str
        Labels to compare; with both category and colour, "category and colour" is added.

    Returns
    -------
    DataFrame of float
        One row a query, one column a label, 0-1.
    """
    matching = matches(items, recommended, queries, columns)
    return pd.DataFrame(_at_k(matching, "Precision", ()))


def success_at_k(
    items: pd.DataFrame, recommended: ArrayLike, queries: ArrayLike, columns: Sequence[str]
) -> pd.DataFrame:
    """Success@k (hit rate, which fashion papers call Recall@k): 1 where at least one of the k matches, else 0."""
    matching = matches(items, recommended, queries, columns)
    return pd.DataFrame(_at_k(matching, "Success", (np.shape(recommended)[1],)))


def _at_k(matching: Mapping[str, NDArray[np.bool_]], measure: str, cutoffs: Sequence[int]) -> dict[str, Float]:
    return {
        column: precision_and_success(hits, cutoffs)[f"{measure}@{hits.shape[1]}"] for column, hits in matching.items()
    }


def random_neighbours(queries: ArrayLike, gallery: ArrayLike, k: int, seed: int) -> Int:
    """k distinct rows of the gallery for each query, uniformly, never the query itself; shape (q, k)."""
    rows, candidates = np.asarray(queries), np.asarray(gallery)
    random = np.random.default_rng(seed)
    recommended = np.empty((len(rows), k), np.int64)
    for line, query in enumerate(rows):
        drawn = random.choice(len(candidates), k + 1, replace=False)
        drawn = drawn[candidates[drawn] != query][:k]
        recommended[line] = candidates[drawn]
    return recommended


def random_expectation(
    items: pd.DataFrame, queries: ArrayLike, gallery: ArrayLike, columns: Sequence[str]
) -> pd.Series:
    """Expected Precision@k of uniformly random recommendations, in closed form.

    For a query with label y it is (number of gallery items labelled y, less the query itself if it is
    there) / (gallery size, less the query itself), whatever k is; the mean over queries is returned.
    """
    rows, candidates = np.asarray(queries), np.asarray(gallery)
    inside = np.isin(rows, candidates)
    labels = {column: pd.factorize(items[column])[0] for column in columns}
    if {"category", "colour"} <= set(columns):
        pair = labels["category"] * (labels["colour"].max(initial=0) + 1) + labels["colour"]
        labels[BOTH] = np.where((labels["category"] < 0) | (labels["colour"] < 0), -1, pair)
    expected = {}
    for column, codes in labels.items():
        count = np.bincount(codes[candidates] + 1, minlength=codes.max(initial=0) + 2)
        count[0] = 0  # missing words match nothing
        alike = count[codes[rows] + 1] - (inside & (codes[rows] >= 0))
        expected[column] = float((alike / (len(candidates) - inside)).mean())
    return pd.Series(expected)


#: CIEDE2000 from which a colour counts as another one: on the real catalogue about three in four pairs of garments
#: with one colour word are closer, and about one in three random pairs.
COLOUR_REACH = 20.0


def word_lab(colours: pd.Series, swatches: Swatches) -> Float:
    """CIELAB of colour words, shape (n, 3), by `Run.swatches`; mid grey for words without one."""
    return np.asarray(hex_to_lab([swatches.get(word, UNKNOWN) for word in colours]))


def relevance(items: pd.DataFrame, ranking: ArrayLike, query_rows: ArrayLike, column: str) -> NDArray[np.bool_]:
    """Whether each recommendation has its query's word in a column, shape (q, k); missing words never match."""
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


class _Kinds:
    """Inputs of the gains: word codes (-1: missing) and colours of all items."""

    def __init__(self, items: pd.DataFrame, lab: ArrayLike | None) -> None:
        self.category = pd.factorize(items["category"])[0]
        self.department = pd.factorize(items["department"])[0]
        self.lab = np.asarray(items[list(GARMENT)] if lab is None else lab, np.float64)
        if self.lab.shape != (len(items), 3):
            raise ValueError(f"expected lab of shape ({len(items)}, 3); found {self.lab.shape}")


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
