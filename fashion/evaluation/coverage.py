"""Coverage: how much of a catalogue its recommendations show at all, and how evenly."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fashion.evaluation.protocol import Method
from fashion.evaluation.statistics import bootstrap_interval
from fashion.neighbours.exact import top_k

Int = NDArray[np.integer]


def times_shown(recommended: ArrayLike, n: int) -> NDArray[np.int64]:
    """The number of lists that each of n items is in, shape (n,).

    Parameters
    ----------
    recommended : array of int, shape (q, k)
        Rows of the recommendations, each list without repeats.
    n : int
    """
    return np.bincount(np.asarray(recommended, np.int64).ravel(), minlength=n)


def gini(counts: ArrayLike) -> float:
    """Gini coefficient: 0 where all items are shown equally often, towards 1 where few items are shown always.

    Examples
    --------
    >>> gini([2, 2, 2, 2]), gini([0, 0, 0, 8])
    (0.0, 0.75)
    """
    ordered = np.sort(np.asarray(counts, np.float64))
    n, total = len(ordered), ordered.sum()
    if not total:
        return 0.0
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total))


def coverage(recommended: ArrayLike, gallery: Int, seed: int) -> dict[str, float]:
    """Coverage of a gallery by the lists of its own items.

    Parameters
    ----------
    recommended : array of int, shape (q, k)
        Rows of the items table.
    gallery : ndarray of int, shape (g,)
        Rows that may be recommended.
    seed : int
        Of the bootstrap over the gallery's items.

    Returns
    -------
    dict
        `never_shown` (share of the gallery that is in no list) with `low` and `high` (95% interval), and `gini`.
    """
    counts = times_shown(recommended, int(gallery.max()) + 1)[gallery]
    share, low, high = bootstrap_interval((counts == 0).astype(float), seed)
    return {"never_shown": share, "low": low, "high": high, "gini": gini(counts)}


def lists_of(vectors: ArrayLike, gallery: Int, k: int, queries: ArrayLike | None = None) -> NDArray[np.integer]:
    """The k most similar items of a gallery for each of its items, shape (g, k), as rows of the items table.

    Parameters
    ----------
    vectors : array, shape (n, d)
        Gallery vectors of all items.
    gallery : ndarray of int, shape (g,)
    k : int
    queries : array, shape (n, d), optional
        Query vectors of all items, where they are others.
    """
    query_vectors = None if queries is None else np.asarray(queries)[gallery]
    return top_k(vectors, k, gallery, gallery, query_vectors=query_vectors)[0]


def lists_of_all(
    neighbours: pd.DataFrame, methods: Mapping[str, Method], galleries: Mapping[str, Int]
) -> dict[tuple[str, str], tuple[NDArray[np.integer], Int]]:
    """Every item's list in the whole catalogue, as notebook 04 made them, and in each smaller gallery.

    Parameters
    ----------
    neighbours : DataFrame
        From `recommender.neighbours_table`.
    methods : mapping of str to Method
        Embedding, as in `neighbours` -> its query and gallery vectors.
    galleries : mapping of str to ndarray of int
        Name -> rows; "whole" among them.

    Returns
    -------
    dict
        (embedding, gallery) -> lists, and the rows of the gallery: what `coverage_table` takes.
    """
    lists: dict[tuple[str, str], tuple[NDArray[np.integer], Int]] = {}
    for name, (queries, vectors) in methods.items():
        frame = neighbours[neighbours["embedding"] == name]
        k = int(frame["rank"].max())
        lists[name, "whole"] = frame["neighbour"].to_numpy().reshape(-1, k), galleries["whole"]
        for gallery, rows in galleries.items():
            if gallery != "whole":
                lists[name, gallery] = lists_of(vectors, rows, k, queries), rows
    return lists


def coverage_table(
    lists: Mapping[tuple[str, str], tuple[NDArray[np.integer], NDArray[np.integer]]], seed: int
) -> pd.DataFrame:
    """`coverage` of several methods' lists: `method`, `gallery`, `never_shown`, `low`, `high`, `gini`.

    Parameters
    ----------
    lists : mapping of (method, gallery) to (recommended, rows of the gallery)
        One list for each item of the gallery.
    seed : int
    """
    return pd.DataFrame([
        {"method": method, "gallery": gallery} | coverage(recommended, rows, seed)
        for (method, gallery), (recommended, rows) in lists.items()
    ])  # fmt: skip


def never_shown_by(column: pd.Series, recommended: ArrayLike) -> pd.DataFrame:
    """Share of items that are in no list, by a word of theirs.

    Returns
    -------
    DataFrame
        One row a word, the largest first: `items`, `never_shown`.
    """
    unseen = times_shown(recommended, len(column)) == 0
    grouped = pd.DataFrame({"word": column.to_numpy(), "unseen": unseen}).groupby("word")["unseen"]
    table = pd.DataFrame({"items": grouped.size(), "never_shown": grouped.mean()})
    return table.sort_values("items", ascending=False, kind="stable")
