"""Re-ranking for diversity (maximal marginal relevance)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]


def maximal_marginal_relevance(relevance: NDArray, similarity: NDArray, k: int, diversity: float) -> NDArray[np.intp]:
    """Choose k candidates one by one, trading relevance against similarity to those already chosen.

    Next is the candidate with the largest (1 - d) x relevance - d x (largest similarity to one already chosen)
    (Carbonell and Goldstein 1998, Maximal Marginal Relevance, with lambda = 1 - d).

    Parameters
    ----------
    relevance : ndarray of float, shape (m,)
        Similarity of each candidate to the query.
    similarity : ndarray of float, shape (m, m)
        Similarity of the candidates to each other.
    k : int
        How many; all where there are fewer candidates.
    diversity : float
        d, from 0 (by relevance alone) to 1 (by dissimilarity alone, after the most relevant one).

    Returns
    -------
    ndarray of int, shape (min(k, m),)
        Places of the chosen, in the order of choice; ties go to the lower place.

    Raises
    ------
    ValueError
        When `diversity` is outside [0, 1].
    """
    if not 0 <= diversity <= 1:
        raise ValueError(f"expected a diversity from 0 (none) to 1; found {diversity}.")
    count = min(k, len(relevance))
    if not count:
        return np.empty(0, np.intp)
    chosen = [int(np.argmax(relevance))]
    nearest = np.array(similarity[chosen[0]], np.float64)
    while len(chosen) < count:
        score = (1 - diversity) * np.asarray(relevance, np.float64) - diversity * nearest
        score[chosen] = -np.inf
        chosen.append(int(np.argmax(score)))
        nearest = np.maximum(nearest, similarity[chosen[-1]])
    return np.array(chosen, np.intp)


def first_of_each(groups: NDArray[np.integer], order: NDArray[np.integer]) -> NDArray[np.integer]:
    """`order` with only the first of each group of near-duplicates."""
    _, first = np.unique(groups[order], return_index=True)
    return order[np.sort(first)]
