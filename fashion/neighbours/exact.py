"""Exact nearest neighbours by cosine similarity, in bounded memory, with the same numbers on every run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from fashion.core.errors import ArtefactError

Float = NDArray[np.float32]

Int = NDArray[np.int64]


def filled(part: NDArray) -> Float:
    """Rows with one number more that brings each to length one; rows longer than one by rounding are scaled first."""
    rows = np.asarray(part, np.float64)
    squares = (rows**2).sum(axis=1, keepdims=True)
    rows = rows / np.sqrt(np.maximum(squares, 1))
    return np.asarray(np.concatenate([rows, np.sqrt(np.maximum(1 - squares, 0))], axis=1), np.float32)


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
        raise ArtefactError(f"expected vectors of shape (n, d); found {table.shape}")
    unit = np.empty(table.shape, np.float32)
    for start in range(0, len(table), 4096):  # float64 for a few rows at a time, not for the whole table
        rows = table[start : start + 4096].astype(np.float64)
        largest = np.abs(rows).max(axis=1, keepdims=True)
        if not np.isfinite(largest).all():
            bad = start + int(np.argmin(np.isfinite(largest)))
            raise ArtefactError(
                f"expected finite vectors; found NaN or infinity in row {bad} of {len(table)}. "
                "Make the embedding again."
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

    Memory and determinism are `fashion.neighbours.exact.search`'s: never more than 9 x `block_rows` x gallery bytes
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
        raise ValueError("expected each row of the gallery once; found one repeated")
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
            raise ValueError(f"expected one vector for each of {len(rows)} queries; found {len(heads)}")
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
        raise ValueError(f"expected a mask of bool, shape ({len(unit)},); found {allowed.dtype}, {allowed.shape}")
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
        raise ValueError(f"expected {name} as row numbers; found {numbers.dtype} of shape {numbers.shape}")
    if numbers.min() < 0 or numbers.max() >= n:
        raise ValueError(f"expected {name} from 0 to {n - 1}; found {numbers.min()} to {numbers.max()}")
    return numbers.astype(np.int64)


def _check_k(k: int, possible: int) -> None:
    if not 1 <= k <= possible:
        raise ValueError(f"expected k from 1 to {possible}, the size of the gallery; found {k}")


def _check_dimensions(asking: Float, unit: Float) -> None:
    if asking.shape[1] != unit.shape[1]:
        raise ValueError(f"expected a query of {unit.shape[1]} dimensions, as the vectors; found {asking.shape[1]}")


#: Bytes of all cores' blocks of similarities together (queries x gallery, float32), where `block_rows` is not given.
BLOCK_BYTES = 128 * 2**20

#: Places of a group of `candidates`.
GROUP = 64


def search(
    asking: Float,
    rows: Int,
    gallery: Float,
    k: int,
    own: Int,
    block_rows: int | None = None,
    progress: bool = False,
    allowed: NDArray[np.bool_] | None = None,
) -> tuple[Int, Float]:
    """Find the k most similar rows of a gallery for each query; arguments are taken as checked.

    Blocks are worked at side by side, one on each core, each with a matrix library of one thread: so the rest of the
    work uses all cores as well as the product does. Memory beside arguments and result: a block of similarities
    (4 bytes each) a core and little more: at most 9 x `block_rows` x gallery bytes a core (some 40 x where all
    similarities tie), never queries x gallery. By default that is 9 x `BLOCK_BYTES`, 1.1 GiB, for all cores together
    (or one query a core, where that is more).

    The answer depends on neither `block_rows` nor threads. A float32 matrix product only picks candidates,
    with a margin for its rounding error (Higham, Accuracy and Stability of Numerical Algorithms, 2002,
    section 3.1); their cosines are then summed in float64 in a fixed order, rounded to float32, and ranked.

    Parameters
    ----------
    asking, gallery : ndarrays of float32, shapes (m, d) and (g, d)
        Unit rows.
    rows : ndarray of int64, shape (q,)
        Rows of `asking` that ask.
    k : int
        At most the number of places that every query may be given.
    own : ndarray of int64, shape (q,)
        Place in the gallery that query i may not be given; -1 for none.
    block_rows : int, optional
        Queries per block; chosen from `BLOCK_BYTES` where not given.
    progress : bool
        Show a progress bar.
    allowed : ndarray of bool, shape (g,), optional
        Places that may be given to any query.

    Returns
    -------
    places : ndarray of int64, shape (q, k)
        Places in the gallery, most similar first, ties to the lower place.
    similarity : ndarray of float32, shape (q, k)
        Cosines, -1 to 1.

    Raises
    ------
    ValueError
        When `block_rows` is less than 1.
    """
    if block_rows is not None and block_rows < 1:
        raise ValueError(f"expected block_rows of at least 1; found {block_rows}")
    cores = os.cpu_count() or 1
    size = block_rows or max(1, BLOCK_BYTES // (4 * len(gallery) * cores))
    # Four times Higham's d x 2^-24: the candidate and the k-th may both be off, and so may their lengths.
    margin = 4 * (gallery.shape[1] + 2) * 2.0**-24
    forbidden = None if allowed is None else ~allowed
    found, similarity = np.empty((len(rows), k), np.int64), np.empty((len(rows), k), np.float32)

    def work(start: int) -> int:
        block = asking[rows[start : start + size]]  # (b, d)
        rough = block @ gallery.T  # (b, g)
        mine = own[start : start + size]
        rough[np.flatnonzero(mine >= 0), mine[mine >= 0]] = -np.inf
        if forbidden is not None:
            np.copyto(rough, -np.inf, where=forbidden)
        query, answer = candidates(rough, k, margin)
        exact = cosines(block, gallery, query, answer)
        order = np.lexsort((answer, -exact, query))
        first = np.searchsorted(query, np.arange(len(block)))  # where each query's candidates begin
        best = order[first[:, np.newaxis] + np.arange(k)]
        found[start : start + size], similarity[start : start + size] = answer[best], exact[best]
        return len(block)

    starts = range(0, len(rows), size)
    with tqdm(total=len(rows), desc="neighbours", unit="item", disable=not progress) as bar:
        if len(starts) < cores:
            for start in starts:
                bar.update(work(start))
        else:
            with _side_by_side(cores) as spread:
                for done in spread(work, starts):
                    bar.update(done)
    return found, similarity


@contextmanager
def _side_by_side(cores: int) -> Iterator[Callable[..., Iterator[int]]]:
    """A `map` over threads, in which matrix products take one thread each."""
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(cores) as pool:
        yield pool.map


def candidates(rough: Float, k: int, margin: float) -> tuple[Int, Int]:
    """Every place that may be among a query's k best: k of each query or a few more, query by query.

    A block is read only once. It is cut into groups; the k-th largest of their maxima is at most the k-th
    largest of all, as k groups hold k different places. So what is below it, less the margin, is out, and
    only the few groups whose maximum is not below are looked into.

    Parameters
    ----------
    rough : ndarray of float32, shape (b, g)
        Similarities; minus infinity where a place may not be given.
    k : int
        At most g.
    margin : float
        How far below the k-th largest a place may be.

    Returns
    -------
    query, answer : ndarrays of int64, shape (c,)
        Rows and columns of `rough`, sorted by both.
    """
    width = rough.shape[1]
    groups = width // GROUP
    if groups < max(4 * k, GROUP):  # a small gallery; from here on the tail is shorter than a row of groups
        limit = np.partition(rough, width - k, axis=1)[:, width - k, np.newaxis] - margin
        query, answer = np.divmod(np.flatnonzero(rough >= limit), width)
        return query, answer
    # Places j, j + groups, j + 2 x groups ... make group j, so that maxima are taken of whole rows at once.
    whole = groups * GROUP
    maxima = rough[:, :whole].reshape(len(rough), GROUP, groups).max(axis=1)  # (b, groups)
    tail = rough[:, whole:]  # one place more for each of the first groups
    np.maximum(maxima[:, : tail.shape[1]], tail, out=maxima[:, : tail.shape[1]])
    limit = np.partition(maxima, groups - k, axis=1)[:, groups - k] - margin
    asked, group = np.nonzero(maxima >= limit[:, np.newaxis])
    answer = group[:, np.newaxis] + groups * np.arange(GROUP + 1)  # (c, GROUP + 1), the last in the tail or beyond
    seen = rough[asked[:, np.newaxis], np.minimum(answer, width - 1)]
    # Where the places that may be given lie in fewer than k groups, the limit is minus infinity: those alone then.
    kept = (seen >= limit[asked, np.newaxis]) & (seen > -np.inf) & (answer < width)
    query, answer = np.broadcast_to(asked[:, np.newaxis], answer.shape)[kept], answer[kept]
    order = np.lexsort((answer, query))
    return query[order], answer[order]


def cosines(asking: Float, gallery: Float, query: Int, answer: Int) -> Float:
    """Cosines of asking[query[i]] and gallery[answer[i]], summed in one order whatever the pair's place."""
    result = np.empty(len(query), np.float32)
    step = max(1, 2**18 // gallery.shape[1])  # 2 MiB of products at a time stay in the cache

    def fill(start: int) -> None:
        part = slice(start, start + step)
        # float64 holds the product of two float32 exactly: only the sum rounds
        pairs = np.take(asking, query[part], axis=0), np.take(gallery, answer[part], axis=0)
        result[part] = np.multiply(*pairs, dtype=np.float64).sum(axis=1)

    starts = range(0, len(query), step)
    if len(starts) < 4:
        for start in starts:
            fill(start)
    else:  # NumPy frees the interpreter's lock in each of the three steps
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(fill, starts))
    return np.clip(result, -1, 1, out=result)
