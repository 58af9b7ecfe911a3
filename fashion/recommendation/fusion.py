"""Rankings joined to one: reciprocal rank fusion, which needs no scores that can be compared."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

#: Constant of the method: it damps the first places. Cormack, Clarke and Büttcher chose 60.
DAMPING = 60


def reciprocal_rank_fusion(
    rankings: Iterable[NDArray[np.integer]], count: int, damping: float = DAMPING
) -> NDArray[np.float64]:
    """Scores of `count` items, shape (count,): the sum over rankings of 1 / (damping + rank).

    Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods",
    SIGIR 2009.

    Parameters
    ----------
    rankings : iterable of ndarray of int
        Items, best first, each once; an item that a ranking lacks gets nothing from it.
    count : int
    damping : float

    Examples
    --------
    >>> scores = reciprocal_rank_fusion([np.array([2, 0]), np.array([1, 2])], 4)
    >>> np.argsort(-scores, kind="stable").tolist()
    [2, 1, 0, 3]
    """
    scores = np.zeros(count)
    for ranking in rankings:
        scores[ranking] += 1 / (damping + np.arange(1, len(ranking) + 1))
    return scores
