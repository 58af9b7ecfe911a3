"""Exact nearest neighbours by cosine similarity: bounded memory, and the same numbers on every run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from fashion.core.errors import ArtefactError, in_short
from fashion.neighbours.joined import Joined

Float = NDArray[np.float32]

Int = NDArray[np.int64]


Neighbours = tuple[NDArray[np.int32], Float]

#: Bytes of all cores' blocks of similarities together (queries x gallery, float32), where `block_rows` is not given.
BLOCK_BYTES = 128 * 2**20

#: Columns of a group in `candidates`.
GROUP = 64


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
        When the array is not two-dimensional, or holds NaN, infinity or anything but real numbers.
    """
    try:
        table = vectors if isinstance(vectors, Joined) else np.asarray(vectors)
        if not isinstance(table, Joined) and table.dtype.kind not in "biuf":
            table = table.astype(np.float64, casting="unsafe" if table.dtype == object else "same_kind")
    except (TypeError, ValueError) as error:
        raise ArtefactError(
            f"expected vectors of real numbers, a row for each item; found {in_short(error)}. Pass an array of shape "
            "(n, d)."
        ) from error
    if table.ndim != 2 or table.shape[1] == 0:
        raise ArtefactError(
            f"expected vectors of shape (n, d), a row for each item; found shape {table.shape}. Pass such an array; if "
            "it is a report's, run `make report` again."
        )
    unit = np.empty(table.shape, np.float32)
    for start in range(0, len(table), 4096):  # float64 for a few rows at a time, not for the whole table
        rows = table[start : start + 4096].astype(np.float64)
        largest = np.abs(rows).max(axis=1, keepdims=True)
        if not np.isfinite(largest).all():
            bad = start + int(np.argmin(np.isfinite(largest)))
            raise ArtefactError(
                f"expected finite vectors; found NaN or infinity in row {bad} of {len(table)}. Leave such rows out; "
                "if they are a report's, delete this embedding and run `make report` again."
            )
        rows /= np.where(largest > 0, largest, 1)  # by the largest first: squares neither overflow nor vanish
        norms = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
        unit[start : start + 4096] = rows / np.where(norms > 0, norms, 1)
    return unit


def filled(part: NDArray) -> Float:
    """Rows padded by one dimension to length one, shape (n, d + 1).

    Queries have 0 there, so ranking by inner product equals ranking by cosine. Rows longer than one by rounding are
    scaled first.

    Examples
    --------
    >>> filled(np.array([[0.6, 0.0], [0.0, 0.0]]))
    array([[0.6, 0. , 0.8],
           [0. , 0. , 1. ]], dtype=float32)
    """
    table = np.asarray(part)
    unit = np.empty((len(table), table.shape[1] + 1), np.float32)
    for start in range(0, len(table), 4096):  # float64 for a few rows at a time
        rows = table[start : start + 4096].astype(np.float64)
        squares = (rows**2).sum(axis=1, keepdims=True)
        unit[start : start + 4096, :-1] = rows / np.sqrt(np.maximum(squares, 1))
        unit[start : start + 4096, -1:] = np.sqrt(np.maximum(1 - squares, 0))
    return unit


# ---- The searches ----


def top_k(
    vectors: ArrayLike,
    k: int,
    queries: ArrayLike | None = None,
    gallery: ArrayLike | None = None,
    *,
    query_vectors: ArrayLike | None = None,
    exclude_self: bool = True,
    block_rows: int | None = None,
    assume_unit: bool = False,
    progress: bool = False,
) -> Neighbours:
    """Each query's k most similar rows of the gallery by cosine, shape (q, k): exact, ties to the lower row.

    Memory and determinism are `search`'s: at most 9 x `block_rows` x gallery bytes a core beside vectors, gallery rows
    and result (1.1 GiB in all by default), and the same bytes whatever the block.

    Parameters
    ----------
    vectors : array, shape (n, d)
        One row an item; need not have length 1.
    k : int
        Neighbours per query, at least 1.
    queries, gallery : arrays of int, optional
        Rows that are queries, and rows of the gallery (each once); every row where not given.
    query_vectors : array, shape (q, d), optional
        The queries' vectors where they are not the table's: an item as its photo shows it, in a table of items as
        their words describe them. Its own row is left out all the same.
    exclude_self : bool
        Leave a query's own row out, by its number, so that an identical item is still found.
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
        When k is larger than the gallery, a row number is out of range, or `query_vectors` does not fit.

    Examples
    --------
    >>> top_k([[1, 0], [1, 1], [0, 1]], 1)[0].ravel()
    array([1, 0, 1], dtype=int32)
    """
    unit = _unit(vectors, assume_unit)
    rows = _rows(queries, len(unit), "queries")
    answers = np.sort(_rows(gallery, len(unit), "gallery"))
    if (answers[1:] == answers[:-1]).any():
        raise ValueError("expected each gallery row once; found one more than once")
    own = np.full(len(rows), -1)
    if exclude_self and len(answers):
        place = np.minimum(np.searchsorted(answers, rows), len(answers) - 1)
        own = np.where(answers[place] == rows, place, -1)
    _check_k(k, len(answers) - int((own >= 0).any()))
    heads = unit
    if query_vectors is not None:
        heads, rows = _unit(query_vectors, assume_unit), np.arange(len(rows))
        _check_dimensions(heads, unit)
        if len(heads) != len(rows):
            raise ValueError(
                f"expected in `query_vectors` one vector for each of {len(rows)} queries; found {len(heads)}"
            )
    if len(answers) > len(unit) / 2:  # no copy of most of the table
        allowed = np.isin(np.arange(len(unit)), answers) if len(answers) < len(unit) else None
        own = np.where(own >= 0, answers[own], -1)
        indices, similarity = search(heads, rows, unit, k, own, block_rows, progress, allowed)
        return indices.astype(np.int32), similarity
    indices, similarity = search(heads, rows, unit[answers], k, own, block_rows, progress)
    return answers[indices].astype(np.int32), similarity


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
    queries, unit = _unit(query_vectors, assume_unit), _unit(vectors, assume_unit)
    _check_dimensions(queries, unit)
    _check_k(k, len(unit))
    own = np.full(len(queries), -1)
    indices, similarity = search(queries, np.arange(len(queries)), unit, k, own, block_rows, progress)
    return indices.astype(np.int32), similarity


def nearest(
    vector: ArrayLike,
    vectors: ArrayLike,
    k: int,
    mask: ArrayLike | None = None,
    exclude: ArrayLike | None = None,
    *,
    assume_unit: bool = False,
    multiply: Callable[[Float], Float] | None = None,
) -> Neighbours:
    """The k rows most similar to each query among those that a filter allows, shape (m,) or (q, m): exact.

    The filter acts on all rows, not on a shortlist: k rows come back whenever k items pass it. Ties: the lower row.

    Parameters
    ----------
    vector : array, shape (d,) or (q, d)
        The query, or several under one filter; need not have length 1.
    vectors : array, shape (n, d)
        One row an item. Scaling them costs far more than the search: for many queries keep `normalise`'s result
        and pass `assume_unit=True`.
    k : int
        Neighbours wanted, at least 1.
    mask : array of bool, shape (n,), optional
        True where a row passes the filter.
    exclude : int or array of int, optional
        Rows to leave out: the query item itself.
    assume_unit : bool
        `vectors` come from `normalise`.
    multiply : callable, optional
        As `search` takes it.

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
    queries, unit = normalise(np.atleast_2d(heads)), _unit(vectors, assume_unit)
    _check_dimensions(queries, unit)
    allowed = np.ones(len(unit), bool) if mask is None else np.array(mask)
    if allowed.dtype != np.bool_ or allowed.shape != (len(unit),):
        raise ValueError(f"expected a mask of bool, shape ({len(unit)},); found {allowed.dtype}, {allowed.shape}")
    if exclude is not None:
        allowed[_rows(np.atleast_1d(np.asarray(exclude)), len(unit), "exclude")] = False
    _check_k(k, max(k, 1))
    k = min(k, int(allowed.sum()))
    shape = (k,) if heads.ndim == 1 else (len(queries), k)
    if k == 0:
        return np.empty(shape, np.int32), np.empty(shape, np.float32)
    none = np.full(len(queries), -1)
    indices, similarity = search(queries, np.arange(len(queries)), unit, k, none, allowed=allowed, multiply=multiply)
    return indices.reshape(shape).astype(np.int32), similarity.reshape(shape)


# ---- Checks of arguments ----


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
        raise ValueError(f"expected row numbers in {name}; found {numbers.dtype} of shape {numbers.shape}")
    if numbers.min() < 0 or numbers.max() >= n:
        raise ValueError(f"expected rows from 0 to {n - 1} in {name}; found {numbers.min()} to {numbers.max()}")
    return numbers.astype(np.int64)


def _check_k(k: int, possible: int) -> None:
    if not 1 <= k <= possible:
        raise ValueError(f"expected k from 1 to {possible}, the items that can be recommended; found {k}")


def _check_dimensions(queries: Float, unit: Float) -> None:
    if queries.shape[1] != unit.shape[1]:
        raise ValueError(
            f"expected a query of {unit.shape[1]} dimensions, as the vectors have; found {queries.shape[1]}"
        )


# ---- The search that all of them use ----


def search(
    queries: Float,
    rows: Int,
    gallery: Float,
    k: int,
    own: Int,
    block_rows: int | None = None,
    progress: bool = False,
    allowed: NDArray[np.bool_] | None = None,
    multiply: Callable[[Float], Float] | None = None,
) -> tuple[Int, Float]:
    """The k most similar rows of a gallery for each query, shape (q, k); arguments are taken as checked.

    Each core works at a block of its own, with a matrix library of one thread: so the rest of the work uses all cores
    as well as the product does. Memory beside arguments and result: a block of similarities
    (4 bytes each) a core and little more: at most 9 x `block_rows` x gallery bytes a core (some 40 x where all
    similarities tie), never queries x gallery. By default that is 9 x `BLOCK_BYTES`, 1.1 GiB, for all cores together
    (or one query a core, where that is more).

    The answer depends on neither `block_rows` nor threads. A float32 matrix product only picks candidates,
    with a margin for its rounding error (Higham, Accuracy and Stability of Numerical Algorithms, 2002,
    section 3.1); their cosines are then summed in float64 in a fixed order, rounded to float32, and ranked.

    Parameters
    ----------
    queries, gallery : ndarrays of float32, shapes (m, d) and (g, d)
        Unit rows.
    rows : ndarray of int64, shape (q,)
        Rows of `queries` to search for.
    k : int
        At most the rows that are left for every query.
    own : ndarray of int64, shape (q,)
        Gallery row to leave out for query i; -1 for none.
    block_rows : int, optional
        Queries per block; chosen from `BLOCK_BYTES` where not given.
    progress : bool
        Show a progress bar.
    allowed : ndarray of bool, shape (g,), optional
        Gallery rows that pass the filter.
    multiply : callable, optional
        Makes the products of queries (b, d) with the gallery, float32, shape (b, g), which are changed here; a matrix
        product if not given (`products.JoinedProducts` for threads that search at the same time).

    Returns
    -------
    indices : ndarray of int64, shape (q, k)
        Gallery rows, most similar first, ties to the lower row.
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
    indices, similarity = np.empty((len(rows), k), np.int64), np.empty((len(rows), k), np.float32)

    def work(start: int) -> int:
        block = queries[rows[start : start + size]]  # (b, d)
        rough = block @ gallery.T if multiply is None else multiply(block)  # (b, g)
        mine = own[start : start + size]
        rough[np.flatnonzero(mine >= 0), mine[mine >= 0]] = -np.inf
        if forbidden is not None:
            np.copyto(rough, -np.inf, where=forbidden)
        query, answer = candidates(rough, k, margin)
        exact = cosines(block, gallery, query, answer)
        order = np.lexsort((answer, -exact, query))
        first = np.searchsorted(query, np.arange(len(block)))  # where each query's candidates begin
        best = order[first[:, np.newaxis] + np.arange(k)]
        indices[start : start + size], similarity[start : start + size] = answer[best], exact[best]
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
    return indices, similarity


@contextmanager
def _side_by_side(cores: int) -> Iterator[Callable[..., Iterator[int]]]:
    """A `map` over threads in which each matrix product takes one thread."""
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(cores) as pool:
        yield pool.map


def candidates(rough: Float, k: int, margin: float) -> tuple[Int, Int]:
    """All gallery rows that may be among a query's k best: k of each query or a few more, query by query.

    A block is read only once. It is cut into groups; the k-th largest of their maxima is at most the k-th largest of
    all, as k groups hold k different rows. So anything below it, less the margin, is out, and only the few groups with
    a larger maximum are searched.

    Parameters
    ----------
    rough : ndarray of float32, shape (b, g)
        Similarities; minus infinity where a row is left out.
    k : int
        At most g.
    margin : float
        How far below the k-th largest a candidate may be.

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
    # Where all allowed rows lie in fewer than k groups, the limit is minus infinity: those alone then.
    kept = (seen >= limit[asked, np.newaxis]) & (seen > -np.inf) & (answer < width)
    query, answer = np.broadcast_to(asked[:, np.newaxis], answer.shape)[kept], answer[kept]
    order = np.lexsort((answer, query))
    return query[order], answer[order]


def cosines(queries: Float, gallery: Float, query: Int, answer: NDArray[np.integer]) -> Float:
    """Cosines of queries[query[i]] and gallery[answer[i]], shape (c,), summed in one order wherever the pair stands."""
    result = np.empty(len(query), np.float32)
    step = max(1, 2**18 // gallery.shape[1])  # 2 MiB of products at a time stay in the cache

    def fill(start: int) -> None:
        part = slice(start, start + step)
        # float64 holds the product of two float32 exactly: only the sum rounds
        pairs = np.take(queries, query[part], axis=0), np.take(gallery, answer[part], axis=0)
        result[part] = np.multiply(*pairs, dtype=np.float64).sum(axis=1)

    starts = range(0, len(query), step)
    if len(starts) < 4:
        for start in starts:
            fill(start)
    else:  # NumPy frees the interpreter's lock in each of the three steps
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(fill, starts))
    return np.clip(result, -1, 1, out=result)
