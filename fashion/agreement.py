"""How far recommendations agree with the query's description, and how far random ones would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fashion.metrics import relevance
from fashion.trec import precision_and_success

Float = NDArray[np.float64]
Int = NDArray[np.integer]

#: Name of the column that holds agreement in category and in colour at once.
BOTH = "category and colour"


def agreements(
    items: pd.DataFrame, found: ArrayLike, queries: ArrayLike, columns: Sequence[str]
) -> dict[str, NDArray[np.bool_]]:
    """Whether each recommendation agrees with its query, label by label.

    Parameters
    ----------
    items, found, queries, columns
        As for `agreement_at_k`.

    Returns
    -------
    dict of str to ndarray of bool, shape (q, k)
    """
    agrees = {column: relevance(items, found, queries, column) for column in columns}
    if {"category", "colour"} <= set(columns):
        agrees[BOTH] = agrees["category"] & agrees["colour"]
    return agrees


def agreement_at_k(items: pd.DataFrame, found: ArrayLike, queries: ArrayLike, columns: Sequence[str]) -> pd.DataFrame:
    """Precision@k by label: for each query the share of its k recommendations that agree with it.

    Parameters
    ----------
    items : DataFrame
        The items table.
    found : array of int, shape (q, k)
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
    agrees = agreements(items, found, queries, columns)
    return pd.DataFrame(_at_k(agrees, "Precision", ()))


def success_at_k(items: pd.DataFrame, found: ArrayLike, queries: ArrayLike, columns: Sequence[str]) -> pd.DataFrame:
    """Success@k (hit rate, which fashion papers call Recall@k): 1 where at least one of the k agrees, else 0."""
    agrees = agreements(items, found, queries, columns)
    return pd.DataFrame(_at_k(agrees, "Success", (np.shape(found)[1],)))


def _at_k(agrees: Mapping[str, NDArray[np.bool_]], measure: str, cutoffs: Sequence[int]) -> dict[str, Float]:
    return {
        column: precision_and_success(hits, cutoffs)[f"{measure}@{hits.shape[1]}"] for column, hits in agrees.items()
    }


def random_neighbours(queries: ArrayLike, gallery: ArrayLike, k: int, seed: int) -> Int:
    """k distinct rows of the gallery for each query, uniformly, never the query itself; shape (q, k)."""
    rows, answers = np.asarray(queries), np.asarray(gallery)
    random = np.random.default_rng(seed)
    found = np.empty((len(rows), k), np.int64)
    for line, query in enumerate(rows):
        drawn = random.choice(len(answers), k + 1, replace=False)
        drawn = drawn[answers[drawn] != query][:k]
        found[line] = answers[drawn]
    return found


def random_expectation(
    items: pd.DataFrame, queries: ArrayLike, gallery: ArrayLike, columns: Sequence[str]
) -> pd.Series:
    """Expected agreement of uniformly random recommendations, in closed form.

    For a query with label y it is (number of gallery items labelled y, less the query itself if it is
    there) / (gallery size, less the query itself), whatever k is; the mean over queries is returned.
    """
    rows, answers = np.asarray(queries), np.asarray(gallery)
    inside = np.isin(rows, answers)
    labels = {column: pd.factorize(items[column])[0] for column in columns}
    if {"category", "colour"} <= set(columns):
        pair = labels["category"] * (labels["colour"].max(initial=0) + 1) + labels["colour"]
        labels[BOTH] = np.where((labels["category"] < 0) | (labels["colour"] < 0), -1, pair)
    expected = {}
    for column, codes in labels.items():
        count = np.bincount(codes[answers] + 1, minlength=codes.max(initial=0) + 2)
        count[0] = 0  # missing words agree with nothing
        alike = count[codes[rows] + 1] - (inside & (codes[rows] >= 0))
        expected[column] = float((alike / (len(answers) - inside)).mean())
    return pd.Series(expected)
