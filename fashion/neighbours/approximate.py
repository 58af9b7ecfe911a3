"""Approximate neighbours for large catalogues: a graph in a memory-mapped file, keyed by its content.

Hierarchical navigable small worlds (Malkov and Yashunin 2018, Efficient and robust approximate nearest neighbor search
using Hierarchical Navigable Small World graphs), by usearch, in half precision. Its candidates are ranked by exact
cosines, so the only possible error is a missed item; `recall` measures how many are missed (docs/speed.md).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fashion.core.checksums import array_checksum, sha256_json
from fashion.core.files import read_sealed, write_sealed
from fashion.core.progress import progress_bar
from fashion.core.provenance import versions
from fashion.neighbours.exact import Float, Int, Neighbours, cosines, nearest, normalise, top_k

#: Items from which single queries use the index. Below, one pass over all rows takes less than some 20 ms, which
#: nobody notices, and costs neither minutes of building nor a missed item (docs/speed.md).
APPROXIMATE_FROM = 500_000

#: Edges of a node, and candidates considered when it is inserted and when it is searched.
CONNECTIVITY, EXPANSION_ADD, EXPANSION_SEARCH = 16, 128, 128

#: Rows inserted at once.
BLOCK = 8192

#: Rows that a filter may forbid; where it forbids more, the search is exact.
PASSED_OVER = 200


@dataclass(frozen=True)
class ApproximateIndex:
    """The index of rows of a table of unit vectors.

    Attributes
    ----------
    graph : usearch.index.Index
        A view of the file.
    vectors : ndarray of float32, shape (n, d)
        Unit rows, by which candidates are ranked.
    rows : ndarray of int, optional
        The row of each indexed one in `vectors`, -1 where it is gone, after the table changed; its own if not given.
    """

    graph: Any
    vectors: Float
    rows: Int | None = None

    def __len__(self) -> int:
        return len(self.vectors) if self.rows is None else len(self.rows)

    def now(self, vectors: Float, rows: Int) -> ApproximateIndex | None:
        """The index for a table that changed; None where more than `PASSED_OVER` indexed rows are gone from it."""
        return replace(self, vectors=vectors, rows=rows) if (rows < 0).sum() < PASSED_OVER else None

    @cached_property
    def later(self) -> Int:
        """Rows of `vectors` that were added or changed since indexing, in ascending order."""
        return np.setdiff1d(np.arange(len(self.vectors)), np.arange(len(self)) if self.rows is None else self.rows)

    def nearest(self, queries: NDArray, k: int, forbidden: Int | None = None) -> Neighbours:
        """The k rows most similar to each query, shape (q, k), most similar first.

        Parameters
        ----------
        queries : ndarray of float32, shape (q, d)
            Unit rows.
        k : int
        forbidden : ndarray of int, optional
            At most `PASSED_OVER` rows to leave out.

        Returns
        -------
        indices, similarity : ndarrays of int32 and float32, shapes (q, m)
            m is k, or fewer where the table has no more.
        """
        barred = np.empty(0, np.int64) if forbidden is None else np.asarray(forbidden, np.int64)
        there = len(self.vectors) - len(self.later)
        wanted = min(k + len(barred) + len(self) - there, len(self))
        heads = np.ascontiguousarray(queries, np.float32)
        candidates = np.atleast_2d(self.graph.search(heads, wanted).keys).astype(np.int64).ravel()
        query = np.repeat(np.arange(len(heads)), len(candidates) // len(heads))
        if self.rows is not None:
            candidates = self.rows[candidates]
            query, candidates = query[candidates >= 0], candidates[candidates >= 0]
        exact = cosines(heads, self.vectors, query, candidates)
        kept = ~np.isin(candidates, barred)
        most = min(k, there - len(barred))
        rows, similarity = np.empty((len(heads), most), np.int32), np.empty((len(heads), most), np.float32)
        for number in range(len(heads)):
            own = np.flatnonzero(kept & (query == number))
            best = own[np.lexsort((candidates[own], -exact[own]))[:most]]
            rows[number], similarity[number] = candidates[best], exact[best]
        return rows, similarity

    def recall(self, k: int = 10, queries: int = 500, seed: int = 0) -> float:
        """Recall@k: the share of the exact k nearest that the index finds, over rows drawn at random."""
        rows = np.sort(np.random.default_rng(seed).permutation(len(self))[:queries])
        true, _ = top_k(self.vectors, k, queries=rows, assume_unit=True)
        hits = []
        for row, expected in zip(rows, true, strict=True):
            neighbours, _ = self.nearest(self.vectors[row][np.newaxis], k, np.array([row]))
            hits.append(len(np.intersect1d(neighbours[0], expected)) / k)
        return float(np.mean(hits))


def nearest_rows(
    index: ApproximateIndex | None,
    queries: NDArray,
    vectors: Float,
    k: int,
    mask: NDArray[np.bool_],
    row: int | None = None,
) -> Neighbours:
    """`exact.nearest` for unit rows, by the index where there is one and next to nothing is filtered out.

    Parameters
    ----------
    index : ApproximateIndex or None
        Of rows of `vectors`; the others, added or renewed since, are searched exactly.
    queries : ndarray of float32, shape (q, d)
        Need not have length 1.
    vectors : ndarray of float32, shape (n, d)
        Unit rows.
    k : int
    mask : ndarray of bool, shape (n,)
        True where a row passes the filter. Where it forbids more than `PASSED_OVER` rows, the search is exact.
    row : int, optional
        The query item's own, which is left out.
    """
    forbidden = np.flatnonzero(~mask)
    if index is None or len(forbidden) >= PASSED_OVER:
        return nearest(queries, vectors, k, mask, row, assume_unit=True)
    if row is not None:
        forbidden = np.union1d(forbidden, [row])
    later, unit = index.later, normalise(queries)
    rows, cosine = index.nearest(unit, k, np.setdiff1d(forbidden, later))
    if not len(later):
        return rows, cosine
    late = np.setdiff1d(later, forbidden)
    more, further = nearest(unit, vectors[late], k, assume_unit=True)
    rows, cosine = np.hstack([rows, late[more].astype(np.int32)]), np.hstack([cosine, further])
    order = np.argsort(-cosine, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(cosine, order, axis=1)


def index_key(vectors: NDArray) -> str:
    """Checksum of what an index file is made of: content, settings, versions."""
    return sha256_json([array_checksum(vectors), CONNECTIVITY, EXPANSION_ADD, versions(["usearch"])])


def open_index(vectors: Float, path: Path, *, progress: bool = True) -> ApproximateIndex:
    """The index of `vectors` at `path`: opened where the file is whole and of these vectors, else built.

    Building an index of a million rows of 256 dimensions takes some minutes.

    Parameters
    ----------
    vectors : ndarray of float32, shape (n, d)
        Unit rows.
    path : Path
        Ends in ``.usearch``; its seal stands beside it (`files.write_sealed`).
    progress : bool
    """
    from usearch.index import Index

    key = index_key(vectors)
    kept = read_sealed(path, lambda whole: _view(whole, vectors), "the index is built again", key)
    if kept is not None:
        return kept
    graph = Index(
        ndim=vectors.shape[1], metric="ip", dtype="f16", connectivity=CONNECTIVITY, expansion_add=EXPANSION_ADD
    )
    with progress_bar(len(vectors), "items indexed", "item", show=progress) as bar:
        for first in range(0, len(vectors), BLOCK):
            rows = np.ascontiguousarray(vectors[first : first + BLOCK])
            # Rows that are inserted at once don't see one another. In a graph of few rows that costs edges, so that one
            # thread begins it; a graph of at most one block is thus always the same.
            graph.add(np.arange(first, first + len(rows)), rows, threads=(os.cpu_count() or 1) if first else 1)
            bar.update(len(rows))
    write_sealed(path, lambda aside: graph.save(str(aside)), key)
    return _view(path, vectors)


def _view(path: Path, vectors: Float) -> ApproximateIndex:
    from usearch.index import Index

    graph = Index.restore(str(path), view=True)
    graph.expansion_search = EXPANSION_SEARCH
    return ApproximateIndex(graph, vectors)
