"""Products of queries with one gallery, for several threads at a time: the gallery is read once for all of them."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from fashion.neighbours.exact import Float

#: Queries of one product at most; further ones wait for the next.
MOST_TOGETHER = 64

#: Queries from which one matrix product takes less time than a product for each.
FROM_MATRIX = 4


@dataclass
class _Waiting:
    """A thread's queries, and their products once they are made."""

    queries: Float
    products: Float | None = None
    error: BaseException | None = None


class JoinedProducts:
    """Makes products of queries and a gallery; call it as a function, from any thread.

    A product with one query is bound by the memory's speed: eight together take the time of four. While one
    thread multiplies, others queue up; the next one multiplies for all of them. A single thread never waits.

    Parameters
    ----------
    columns : ndarray of float32, shape (d, n)
        The gallery's dimensions as rows, contiguous: half of the time that its items as rows take.

    Examples
    --------
    >>> JoinedProducts(np.array([[1, 0, 2], [0, 1, 0]], np.float32))(np.array([[1, 1]], np.float32))
    array([[1., 1., 2.]], dtype=float32)
    """

    def __init__(self, columns: Float) -> None:
        self.columns = columns
        self._queue: list[_Waiting] = []
        self._queueing, self._multiplying = threading.Lock(), threading.Lock()

    def __call__(self, queries: Float) -> Float:
        """The products, shape (q, n), of queries of shape (q, d); the caller's own to change."""
        own = _Waiting(queries)
        with self._queueing:
            self._queue.append(own)
        with self._multiplying:
            if own.products is None and own.error is None:
                self._multiply(self._next(own))
        if own.error is not None:
            raise own.error
        assert own.products is not None
        return own.products

    def _next(self, own: _Waiting) -> list[_Waiting]:
        """The queries to multiply next: a thread's own, and others that wait."""
        with self._queueing:
            taken, count = [own], len(own.queries)
            for other in self._queue:
                if other is not own and count + len(other.queries) <= MOST_TOGETHER:
                    taken.append(other)
                    count += len(other.queries)
            self._queue = [other for other in self._queue if all(other is not one for one in taken)]
        return taken

    def _product(self, queries: Float) -> Float:
        if len(queries) >= FROM_MATRIX:
            return np.asarray(queries @ self.columns)
        return np.stack([query @ self.columns for query in queries])

    def _multiply(self, waiting: list[_Waiting]) -> None:
        try:
            products = self._product(np.concatenate([one.queries for one in waiting]))
        except BaseException as error:  # each asking thread raises it
            for one in waiting:
                one.error = error
            return
        first = 0
        for one in waiting:
            one.products = products[first : first + len(one.queries)]
            first += len(one.queries)
