"""The engine of the neighbour search: exact cosine top-k in blocks, the same bytes on every run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm import tqdm

Float = NDArray[np.float32]
Int = NDArray[np.int64]

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
        raise ValueError(f"block_rows: expected at least 1, found {block_rows}")
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
