"""Two agreements weighed as one: the geometric mean, which puts first what fits in both.

A weighted arithmetic mean is a cosine, but it gives a full half to an item that fits in one respect alone; the chance
that two independent things both hold is their product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Int = NDArray[np.int64]

#: Added to both products before a geometric mean is taken of them, so that where one says "never" the other still
#: tells the items apart; and so that rounding is never magnified more than a hundred times.
FLOOR = 0.01


@dataclass(frozen=True)
class Balance:
    """Two parts of a row, each with a product of its own, which are weighed against each other.

    Attributes
    ----------
    split : int
        First column of the second part.
    weights : ndarray of float32, shape (q,)
        Share of the second part for each query, 0 to 1.
    """

    split: int
    weights: Float

    @property
    def parts(self) -> tuple[slice, slice]:
        """The columns of the two parts."""
        return slice(None, self.split), slice(self.split, None)

    def __getitem__(self, queries: slice | Int) -> Balance:
        """The same for some of the queries."""
        return Balance(self.split, self.weights[queries])


def geometric_mean(first: NDArray, second: NDArray, weights: NDArray | float) -> Float:
    """Weighted geometric mean of two products, first^(1-w) second^w, float32; at most their arithmetic mean.

    If the products are chances that two things hold of a pair, and the two are independent, then at equal weight the
    square is the chance that both hold: the order by it is the best one for those who want both (the probability
    ranking principle, Robertson 1977). Negative products count as zero; `FLOOR` is added to both and taken off again.

    Parameters
    ----------
    first, second : ndarrays of float
        Of one shape.
    weights : ndarray or float
        w, 0 to 1, broadcast against them.
    """
    share = np.asarray(weights, np.float64)
    one, other = (np.log(np.maximum(part, 0, dtype=np.float64) + FLOOR) for part in (first, second))
    return np.asarray(np.exp((1 - share) * one + share * other) - FLOOR, np.float32)


def rough_means(block: Float, gallery: Float, balance: Balance) -> Float:
    """`geometric_mean` of a block's products with the whole gallery, in float32 and in place; shape (b, g)."""
    first, second = (block[:, part] @ gallery[:, part].T for part in balance.parts)
    for product in (first, second):
        np.maximum(product, 0, out=product)
        product += np.float32(FLOOR)
    if (balance.weights == 0.5).all():
        first *= second
        np.sqrt(first, out=first)
    else:
        for product, share in ((first, 1 - balance.weights), (second, balance.weights)):
            np.log(product, out=product)
            product *= share[:, np.newaxis].astype(np.float32)
        first += second
        np.exp(first, out=first)
    first -= np.float32(FLOOR)
    return first
