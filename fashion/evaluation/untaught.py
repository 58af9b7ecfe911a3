"""Agreement beyond the words that the network was taught: other columns, words of the title, the grey picture.

A network that is taught category and colour can put every right word first and still show a women's jacket for a men's.
Agreement in what it was never taught shows such errors: it is measured, and never used to choose anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fashion.evaluation.relevance import relevance
from fashion.evaluation.statistics import mean_where_defined

#: Names of the measures that are no column's.
TITLE, GREY = "title words", "grey picture"

#: Shares of red, green and blue in the brightness that people see (ITU-R BT.601).
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def untaught_columns(items: pd.DataFrame, taught: Sequence[str], named: Sequence[str] | None = None) -> list[str]:
    """Columns that the evaluation compares and nothing was taught.

    Parameters
    ----------
    items : DataFrame
        The items table.
    taught : sequence of str
        Columns that the embedding holds.
    named : sequence of str, optional
        The catalogue's own choice (`[evaluation] held_out` of its TOML); if not given, what is there of `USUAL`.
    """
    wanted = USUAL if named is None else tuple(named)
    return [column for column in wanted if column in items and column not in taught and column != "title"]


#: Columns of a shop's export that say more of a garment than category and colour.
USUAL = ("gender", "brand", "usage", "season", "pattern", "material", "style", "fit", "occasion")


def title_words(items: pd.DataFrame, taught: Sequence[str]) -> list[frozenset[str]]:
    """Each item's title as a set of words, without those of its own taught columns: they were taught.

    Examples
    --------
    >>> words = {"title": ["Turtle Check Men Navy Blue Shirt"], "colour": ["navy blue"], "category": ["shirts"]}
    >>> clothes = pd.DataFrame(words)
    >>> sorted(title_words(clothes, ["colour", "category"])[0])
    ['check', 'men', 'turtle']
    """
    names = [name for column in taught for name in (column, f"{column}_source")]  # a translated word, and its own
    columns = [items[name].astype(str).str.lower() for name in names if name in items]
    sets = []
    for place, title in enumerate(items["title"].fillna("").astype(str).str.lower()):
        known = {stem(word) for words in columns for word in re.findall(r"\w+", words.iloc[place])}
        sets.append(frozenset(word for word in re.findall(r"\w+", title) if stem(word) not in known))
    return sets


def stem(word: str) -> str:
    """A word without a plural's s, so that "shirt" is "shirts"."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def overlap(words: Sequence[frozenset[str]], recommended: NDArray[np.integer], queries: NDArray[np.integer]) -> NDArray:
    """Mean Jaccard index of each query's words with its recommendations', shape (q,); NaN where the query has none."""
    means = np.full(len(queries), np.nan)
    for line, query in enumerate(queries):
        own = words[query]
        if own:
            means[line] = np.mean([len(own & words[row]) / len(own | words[row]) for row in recommended[line]])
    return means


def grey_pictures(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Small photos without colour, of mean 0 and length 1, shape (n, p): their products are correlations.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (n, 3 p)
        RGB, a photo in a row.
    """
    grey = np.empty((len(pixels), pixels.shape[1] // 3), np.float32)
    for start in range(0, len(pixels), 4096):
        rows = np.asarray(pixels[start : start + 4096], np.float32)
        grey[start : start + 4096] = rows.reshape(len(rows), -1, 3) @ LUMA
    grey -= grey.mean(axis=1, keepdims=True)
    return grey / np.maximum(np.linalg.norm(grey, axis=1, keepdims=True), 1e-6)


def untaught_table(
    recommended: Mapping[tuple[str, str], NDArray[np.integer]],
    untaught: Untaught,
    queries: NDArray[np.integer],
    seed: int,
) -> pd.DataFrame:
    """Agreement that was never taught, by method and gallery, with 95% bootstrap intervals over queries.

    Parameters
    ----------
    recommended : mapping of (method, gallery) to ndarray of int, shape (q, k)
        As `Protocol.recommended`.
    untaught : Untaught
    queries : ndarray of int, shape (q,)
    seed : int

    Returns
    -------
    DataFrame
        `method`, `gallery`, `column` (the measure), `mean`, `low`, `high`, `queries`.
    """
    lines = []
    for (method, gallery), rows in recommended.items():
        for measure, values in untaught.scores(rows, queries).items():
            about = {"method": method, "gallery": gallery, "column": measure}
            lines.append(about | mean_where_defined(values, seed))
    return pd.DataFrame(lines)


class Untaught:
    """Columns and words of items that were never taught, and how far recommendations agree in them.

    Parameters
    ----------
    items : DataFrame
        The items table.
    columns : sequence of str
        From `untaught_columns`.
    pixels : ndarray of uint8, shape (n, 3 p)
        Small photos.
    taught : sequence of str
        Columns that the embedding holds; their words in a title do not count.
    """

    def __init__(self, items: pd.DataFrame, columns: Sequence[str], pixels: NDArray, taught: Sequence[str]) -> None:
        self.items, self.columns = items, list(columns)
        self._words = title_words(items, taught) if "title" in items else None
        self._grey = grey_pictures(pixels)

    @property
    def measures(self) -> list[str]:
        """Names of the measures, in the order of the tables."""
        return [*self.columns, *([TITLE] if self._words is not None else []), GREY]

    def scores(self, recommended: ArrayLike, queries: ArrayLike) -> dict[str, NDArray[np.float64]]:
        """Agreement of each query's recommendations, measure by measure, shapes (q,); NaN where a query has nothing.

        A column's is the share of recommendations with the query's word; that of the title's words is their mean
        Jaccard index; that of the grey pictures their mean correlation.

        Parameters
        ----------
        recommended : array of int, shape (q, k)
        queries : array of int, shape (q,)
        """
        rows, query_rows = np.asarray(recommended, np.int64), np.asarray(queries, np.int64)
        scores: dict[str, NDArray[np.float64]] = {}
        for column in self.columns:
            known = self.items[column].notna().to_numpy() & (self.items[column] != "").to_numpy()
            share = relevance(self.items, rows, query_rows, column).mean(axis=1)
            scores[column] = np.where(known[query_rows], share, np.nan)
        if self._words is not None:
            scores[TITLE] = overlap(self._words, rows, query_rows)
        scores[GREY] = np.einsum("qp,qkp->qk", self._grey[query_rows], self._grey[rows]).mean(axis=1).astype(np.float64)
        return scores
