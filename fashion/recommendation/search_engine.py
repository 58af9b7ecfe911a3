"""Search engines, which find the rows nearest to a query: exact search in memory, or any that answers as it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fashion.attributes.layout import Layout
from fashion.core.kept import Kept
from fashion.neighbours.approximate import APPROXIMATE_FROM, ApproximateIndex, nearest_rows
from fashion.neighbours.exact import Neighbours, candidates, cosines, nearest, normalise
from fashion.neighbours.products import JoinedProducts
from fashion.recommendation.filters import Where

#: Rows, best first, and their scores, shapes (m,).
Ranked = tuple[NDArray[np.integer], NDArray[np.float32]]

#: Bytes of words' products with all items that are kept, 4 bytes an item each: 139 words of 60,000 items.
SCORES_HELD = 32 * 2**20

#: Largest share of rows left by a filter at which these are copied and searched alone: a pass over all takes longer.
FEW = 1 / 16

#: Most bytes of such a copy: each request that runs at the same time has one of its own.
MOST_COPIED = 16 * 2**20

#: More than any similarity: what matches every word comes before what does not.
EXACT_FIRST = 4.0


@dataclass(frozen=True)
class Allowed:
    """The rows that may be returned.

    Attributes
    ----------
    mask : ndarray of bool, shape (n,)
        All of them; it decides.
    where : mapping of str to sequence of str
        Column -> values, conditions that `mask` holds already: an engine may check them in its own index.
    """

    mask: NDArray[np.bool_]
    where: Where

    def without(self, row: int | None) -> Allowed:
        """The same rows without `row`."""
        if row is None or not self.mask[row]:
            return self
        mask = self.mask.copy()
        mask[row] = False
        return Allowed(mask, self.where)


@dataclass(frozen=True)
class WordScores:
    """Scores of a search in words, beside those of its vectors.

    Attributes
    ----------
    exact : ndarray of bool, shape (n,)
        Items that match every word; they come first.
    texts : ndarray of float32, shape (n,), or None
        How well each item's texts match the other words, 0 to 1.
    share : float
        Of the texts in a score; 0 where there are none.
    """

    exact: NDArray[np.bool_]
    texts: NDArray[np.float32] | None = None
    share: float = 0.0

    def join(self, similarity: NDArray[np.float32], rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """The scores of some rows from their similarities."""
        if self.texts is None:
            return similarity
        return np.asarray((1 - self.share) * similarity + self.share * self.texts[rows], np.float32)


class SearchEngine(Protocol):
    """Finds rows by their vectors.

    Queries are rows (q, d) whose products with the unit rows of the gallery are similarities; their lengths count.
    """

    def prepare(self) -> None:
        """Make what the first query would wait for."""
        ...

    def nearest(self, queries: NDArray[np.float32], k: int, allowed: Allowed) -> Neighbours:
        """The k rows most similar to each query, and their cosines, shapes (q, m), m at most k; ties: the lower row."""
        ...

    def nearest_to_words(self, queries: NDArray[np.float32], k: int, allowed: Allowed, words: WordScores) -> Ranked:
        """The k rows of the best scores, and these, shapes (m,): those that match every word first."""
        ...


@dataclass(frozen=True)
class ExactSearch:
    """Exact search over all vectors in memory; by an approximate index where there is one (`nearest_rows`).

    Attributes
    ----------
    vectors : ndarray of float32, shape (n, d)
        Unit rows.
    layout : Layout or None
        Of their dimensions.
    index : ApproximateIndex or None
        Of the first rows.
    columns : ndarray of float32, shape (d, n), or None
        The vectors' dimensions as rows, if available.
    """

    vectors: NDArray[np.float32]
    layout: Layout | None = None
    index: ApproximateIndex | None = None
    columns: NDArray[np.float32] | None = None

    def prepare(self) -> None:
        """See `SearchEngine`."""
        if self.index is None and len(self.vectors) < APPROXIMATE_FROM:
            _ = self._products

    def nearest(self, queries: NDArray[np.float32], k: int, allowed: Allowed) -> Neighbours:
        """See `SearchEngine`."""
        left = np.count_nonzero(allowed.mask)
        if left <= FEW * len(self.vectors) and left * self.vectors[0].nbytes <= MOST_COPIED:
            rows = np.flatnonzero(allowed.mask).astype(np.int32)
            places, cosine = nearest(queries, self.vectors[rows], k, assume_unit=True)
            return rows[places], cosine
        if self.index is not None or len(self.vectors) >= APPROXIMATE_FROM:
            return nearest_rows(self.index, queries, self.vectors, k, allowed.mask)
        return nearest(queries, self.vectors, k, allowed.mask, assume_unit=True, multiply=self._products)

    def nearest_to_words(self, queries: NDArray[np.float32], k: int, allowed: Allowed, words: WordScores) -> Ranked:
        """See `SearchEngine`.

        Alternatives are all combinations of kinds and colours, so that the best one has each part's best: one product
        for each word in place of one for each combination. As in `neighbours.exact.search`, float32 products only pick
        candidates.
        """
        assert self.layout is not None
        k = min(k, int(allowed.mask.sum()))
        if not k:
            return np.empty(0, np.intp), np.empty(0, np.float32)
        rough = np.zeros(len(self.vectors), np.float32)
        for name in self._word_columns:
            said = dict.fromkeys(row.tobytes() for row in queries[:, self.layout.parts[name]])
            scores = self._word_scores(name, list(said))
            rough += np.maximum.reduce(scores) if len(scores) > 1 else scores[0]
        order = words.join(rough, np.arange(len(rough))) + EXACT_FIRST * words.exact
        order[~allowed.mask] = -np.inf
        margin = rounding(self.vectors)
        _, index = candidates(order[np.newaxis], k, margin)
        return best_of_words(queries, self.vectors, index, k, words)

    @cached_property
    def _word_columns(self) -> dict[str, NDArray[np.float32]]:
        """The parts that words ask for, each with its columns of all items as rows, shape (p, n)."""
        assert self.layout is not None
        columns = self.vectors.T if len(self.vectors) >= APPROXIMATE_FROM else self._products.columns
        return {name: columns[part] for name, part in self.layout.parts.items() if name != "looks"}

    @cached_property
    def _products(self) -> JoinedProducts:
        """Products with all items, by a copy with their dimensions as rows: a product takes half of the time.

        The copy takes as much memory as the vectors, so that large catalogues do without.
        """
        return JoinedProducts(np.ascontiguousarray(self.vectors.T) if self.columns is None else self.columns)

    @cached_property
    def _kept_scores(self) -> Kept[NDArray[np.float32]]:
        return Kept(SCORES_HELD, lambda scores: int(scores.nbytes))

    def _word_scores(self, name: str, said: Sequence[bytes]) -> list[NDArray[np.float32]]:
        """Each word's products with every item in one part, shapes (n,); recent ones are cached, as words recur."""
        columns = self._word_columns[name]
        return [
            self._kept_scores.get((name, row), lambda row=row: np.frombuffer(row, np.float32) @ columns)  # type: ignore[misc]
            for row in said
        ]


def rounding(vectors: NDArray[np.float32]) -> float:
    """The margin for the rounding errors of float32 products of unit rows, as in `neighbours.exact.search`."""
    return float(4 * (vectors.shape[1] + 2) * 2.0**-24)


def best_of_words(
    queries: NDArray[np.float32], vectors: NDArray[np.float32], index: NDArray[np.integer], k: int, words: WordScores
) -> Ranked:
    """The k best of some candidate rows `index`, by their exact scores, those that match every word first."""
    gallery = vectors[index]
    between = queries @ gallery.T
    query, place = np.nonzero(between >= between.max(axis=0) - rounding(vectors))
    lengths = np.linalg.norm(queries, axis=1)
    similarity = np.full(len(index), -1, np.float32)
    exact = cosines(normalise(queries), gallery, query, place) * lengths[query]
    np.maximum.at(similarity, place, exact.astype(np.float32))
    similarity = words.join(similarity, index)
    best = np.lexsort((index, -similarity, ~words.exact[index]))[:k]
    return index[best], np.clip(similarity[best], -1, 1)
