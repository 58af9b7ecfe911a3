"""Exact nearest neighbours by cosine similarity, in bounded memory, with the same numbers on every run."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fashion.errors import ArtefactError
from fashion.exact import Float, Int, search

Neighbours = tuple[NDArray[np.int32], Float]


def normalise(vectors: ArrayLike) -> Float:
    """Scale rows to length 1, so that a dot product of two rows is their cosine.

    Parameters
    ----------
    vectors : array, shape (n, d)
        Finite numbers.

    Returns
    -------
    ndarray of float32, shape (n, d)
        Rows of length 1; a row of zeros stays zeros: it has no direction, and cosine 0 with everything.

    Raises
    ------
    ArtefactError
        When the array is not two-dimensional or holds NaN or infinity.
    """
    table = np.asarray(vectors)
    if table.ndim != 2 or table.shape[1] == 0:
        raise ArtefactError(f"vectors: expected an array of shape (n, d), found shape {table.shape}")
    unit = np.empty(table.shape, np.float32)
    for start in range(0, len(table), 4096):  # float64 for a few rows at a time, not for the whole table
        rows = table[start : start + 4096].astype(np.float64)
        largest = np.abs(rows).max(axis=1, keepdims=True)
        if not np.isfinite(largest).all():
            bad = start + int(np.argmin(np.isfinite(largest)))
            raise ArtefactError(
                f"vectors: row {bad} of {len(table)} holds NaN or infinity; delete this embedding and make it again"
            )
        rows /= np.where(largest > 0, largest, 1)  # by the largest first: squares neither overflow nor vanish
        norms = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
        unit[start : start + 4096] = rows / np.where(norms > 0, norms, 1)
    return unit


def top_k(
    vectors: ArrayLike,
    k: int,
    queries: ArrayLike | None = None,
    gallery: ArrayLike | None = None,
    *,
    asking: ArrayLike | None = None,
    exclude_self: bool = True,
    block_rows: int | None = None,
    assume_unit: bool = False,
    progress: bool = False,
) -> Neighbours:
    """Find each query's k most similar items by cosine: exact, ties to the lower row.

    Memory and determinism are `fashion.exact.search`'s: never more than 9 x `block_rows` x gallery bytes
    a core beside vectors, gallery rows and result (1.1 GiB in all by default), and the same bytes whatever the block.

    Parameters
    ----------
    vectors : array, shape (n, d)
        One row an item; need not have length 1.
    k : int
        Neighbours per query, at least 1.
    queries, gallery : arrays of int, optional
        Rows that ask, and rows that may be answers (each once); every row where not given.
    asking : array, shape (q, d), optional
        What each query asks with, where that is not its own row: an item as its photo shows it, in a table
        of items as their words describe them. Its row is left out all the same.
    exclude_self : bool
        Leave a query's own row out, by its number, so that an identical twin is still found.
    block_rows : int, optional
        Queries per block; chosen from `BLOCK_BYTES` where not given.
    assume_unit : bool
        The rows come from `normalise`: do not scale them again.
    progress : bool
        Show a progress bar.

    Returns
    -------
    indices : ndarray of int32, shape (q, k)
        Rows of `vectors`, most similar first.
    similarity : ndarray of float32, shape (q, k)
        Cosines, -1 to 1.

    Raises
    ------
    ArtefactError
        When the vectors are not finite or not two-dimensional.
    ValueError
        When k is larger than the number of possible answers, a row number is out of range, or `asking` does
        not fit queries and vectors.
    """
    unit = _unit(vectors, assume_unit)
    rows = _rows(queries, len(unit), "queries")
    answers = np.sort(_rows(gallery, len(unit), "gallery"))
    if (answers[1:] == answers[:-1]).any():
        raise ValueError("gallery: a row stands more than once; pass each row once")
    own = np.full(len(rows), -1)
    if exclude_self and len(answers):
        place = np.minimum(np.searchsorted(answers, rows), len(answers) - 1)
        own = np.where(answers[place] == rows, place, -1)
    _check_k(k, len(answers) - int((own >= 0).any()))
    chosen = unit if gallery is None else unit[answers]
    heads = unit
    if asking is not None:
        heads, rows = _unit(asking, assume_unit), np.arange(len(rows))
        _check_dimensions(heads, unit)
        if len(heads) != len(rows):
            raise ValueError(f"asking: expected one vector for each of {len(rows)} queries, found {len(heads)}")
    found, similarity = search(heads, rows, chosen, k, own, block_rows, progress)
    return answers[found].astype(np.int32), similarity


def cross_top_k(
    query_vectors: ArrayLike,
    vectors: ArrayLike,
    k: int,
    *,
    block_rows: int | None = None,
    assume_unit: bool = False,
    progress: bool = False,
) -> Neighbours:
    """`top_k` for queries (q, d) that are not rows of `vectors` (n, d), such as new photos; none is excluded.

    Raises
    ------
    ArtefactError, ValueError
        As `top_k`; ValueError also when the dimensions differ.
    """
    asking, unit = _unit(query_vectors, assume_unit), _unit(vectors, assume_unit)
    _check_dimensions(asking, unit)
    _check_k(k, len(unit))
    own = np.full(len(asking), -1)
    found, similarity = search(asking, np.arange(len(asking)), unit, k, own, block_rows, progress)
    return found.astype(np.int32), similarity


def nearest(
    vector: ArrayLike,
    vectors: ArrayLike,
    k: int,
    mask: ArrayLike | None = None,
    exclude: ArrayLike | None = None,
    *,
    assume_unit: bool = False,
) -> Neighbours:
    """Find the k rows most similar to each vector among those a filter allows: exact, ties to the lower row.

    The filter acts on all rows, not on a shortlist: k answers come back whenever k items pass it.

    Parameters
    ----------
    vector : array, shape (d,) or (q, d)
        The query, or several under one filter; need not have length 1.
    vectors : array, shape (n, d)
        One row an item. Scaling them costs far more than the search: where many queries come, keep what
        `normalise` gives and pass `assume_unit=True`.
    k : int
        Answers wanted, at least 1.
    mask : array of bool, shape (n,), optional
        True where a row may be an answer.
    exclude : int or array of int, optional
        Rows that may not be answers: the query item itself.
    assume_unit : bool
        `vectors` come from `normalise`.

    Returns
    -------
    indices : ndarray of int32, shape (m,), or (q, m) for several queries
        m = min(k, rows allowed), which may be 0.
    similarity : ndarray of float32, of the same shape
        Cosines, -1 to 1, falling.

    Raises
    ------
    ArtefactError
        When a vector is not finite.
    ValueError
        When the dimensions, the mask or an excluded row do not fit the table, or k < 1.
    """
    heads = np.asarray(vector)
    asking, unit = normalise(np.atleast_2d(heads)), _unit(vectors, assume_unit)
    _check_dimensions(asking, unit)
    allowed = np.ones(len(unit), bool) if mask is None else np.array(mask)
    if allowed.dtype != np.bool_ or allowed.shape != (len(unit),):
        raise ValueError(f"mask: expected bool, shape ({len(unit)},), found {allowed.dtype}, {allowed.shape}")
    if exclude is not None:
        allowed[_rows(np.atleast_1d(np.asarray(exclude)), len(unit), "exclude")] = False
    _check_k(k, max(k, 1))
    k = min(k, int(allowed.sum()))
    shape = (k,) if heads.ndim == 1 else (len(asking), k)
    if k == 0:
        return np.empty(shape, np.int32), np.empty(shape, np.float32)
    found, similarity = search(asking, np.arange(len(asking)), unit, k, np.full(len(asking), -1), allowed=allowed)
    return found.reshape(shape).astype(np.int32), similarity.reshape(shape)


def _unit(vectors: ArrayLike, assume_unit: bool) -> Float:
    return np.asarray(vectors, np.float32) if assume_unit else normalise(vectors)


def _rows(rows: ArrayLike | None, n: int, name: str) -> Int:
    """Check row numbers against a table of n rows; None means every row."""
    if rows is None:
        return np.arange(n)
    numbers = np.asarray(rows)
    if numbers.size == 0:
        return np.empty(0, np.int64)
    if numbers.ndim != 1 or not np.issubdtype(numbers.dtype, np.integer):
        raise ValueError(f"{name}: expected row numbers, found {numbers.dtype} of shape {numbers.shape}")
    if numbers.min() < 0 or numbers.max() >= n:
        raise ValueError(f"{name}: rows {numbers.min()} to {numbers.max()}, but the table's are 0 to {n - 1}")
    return numbers.astype(np.int64)


def _check_k(k: int, possible: int) -> None:
    if not 1 <= k <= possible:
        raise ValueError(f"k: expected 1 to {possible} (the items that may be answers), found {k}")


def _check_dimensions(asking: Float, unit: Float) -> None:
    if asking.shape[1] != unit.shape[1]:
        raise ValueError(
            f"the query has {asking.shape[1]} dimensions, the vectors {unit.shape[1]}: not one embedding's"
        )
