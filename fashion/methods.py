"""How a method answers: rows that ask, rows that answer, and what is made of their products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fashion.balance import Balance, geometric_mean
from fashion.description import PARTS_LENGTH, as_asked
from fashion.neighbours import Neighbours, normalise, top_k
from fashion.ranking import similarities

Float = NDArray[np.float32]
Int = NDArray[np.integer]


class Method(NamedTuple):
    """A method, as two tables with one row an item.

    Attributes
    ----------
    asking, answering : arrays of float, shape (n, d)
        What queries ask with, and what the gallery answers with.
    colour_from : int, optional
        For learned embeddings: index of the first number of the colour. Looks and colour are then weighed by their
        geometric mean, as `recommender.Recommender` does; otherwise the cosine ranks.
    """

    asking: ArrayLike
    answering: ArrayLike
    colour_from: int | None = None


@dataclass(frozen=True)
class Posed:
    """A method with its rows scaled, and some queries.

    Attributes
    ----------
    queries : ndarray of int, shape (q,)
        Rows of the queries' items.
    asking, answering : ndarrays of float32, shapes (q, d) and (n, d)
    balance : Balance or None
    """

    queries: Int
    asking: Float
    answering: Float
    balance: Balance | None

    def answers(self, k: int, gallery: Int | None = None) -> Neighbours:
        """Rows of the k most similar items of a gallery (all, if not given) for each query, itself excluded."""
        return top_k(
            self.answering, k, self.queries, gallery, asking=self.asking, assume_unit=True, balance=self.balance
        )

    def similarities(self, places: Int) -> Float:
        """Similarity of the queries at `places` and every item, shape (places, n)."""
        asking = self.asking[places]
        if self.balance is None:
            return similarities(asking, self.answering)
        first, second = (similarities(asking[:, part], self.answering[:, part]) for part in self.balance.parts)
        return geometric_mean(first, second, self.balance.weights[places, np.newaxis])


def posed(method: Method, queries: Int) -> Posed:
    """Make a method ready for some queries; its tables are copied once."""
    answering = normalise(method.answering)
    if method.colour_from is not None:
        rows, balance = as_asked(np.asarray(method.asking)[queries], method.colour_from)
        return Posed(queries, rows * PARTS_LENGTH, answering, balance)
    same = method.asking is method.answering
    asking = answering[queries] if same else normalise(np.asarray(method.asking)[queries])
    return Posed(queries, asking, answering, None)
