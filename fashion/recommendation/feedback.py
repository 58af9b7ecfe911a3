"""Relevance feedback: "more like these, less like that", part by part of the embedding.

Rocchio's rule (1971, Relevance Feedback in Information Retrieval; weights of Manning, Raghavan and Schütze 2008,
Introduction to Information Retrieval, section 9.1.1): the query moves towards the mean of the liked items and away from
that of the disliked ones. Here each part moves by itself, so that its scale stays: a part of words remains a mixture of
distributions, and looks remain a direction.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fashion.attributes.layout import Layout
from fashion.neighbours.exact import normalise
from fashion.recommendation.filters import DESCRIPTION

Float = NDArray[np.float32]

#: Weights of the liked and of the disliked items beside the query, which has 1. The textbook's .15 for the disliked
#: ones hardly moves a list; .5 was best on the sample's validation items, by little (docs/shop-window.md).
LIKED, DISLIKED = 0.75, 0.5


def moved(vectors: Float, liked: Float, disliked: Float, layout: Layout | None) -> Float:
    """Query vectors moved towards liked items and away from disliked ones, part by part, shape (m, d).

    Parameters
    ----------
    vectors : ndarray of float32, shape (m, d)
        Alternatives; the liked items fill a part that they leave open.
    liked, disliked : ndarrays of float32, shapes (a, d) and (b, d)
        Items' vectors, each part of length one; no rows for none.
    layout : Layout or None
        Of the dimensions; None for an embedding without parts.

    Examples
    --------
    >>> moved(np.array([[1, 0]], np.float32), np.array([[0, 1]], np.float32), np.empty((0, 2)), None).round(2)
    array([[0.8, 0.6]], dtype=float32)
    """
    result = np.array(vectors, np.float32)
    for name, part in {"looks": slice(None)}.items() if layout is None else layout.parts.items():
        said = result[:, part]
        if name == "hub" or not said.shape[1]:
            continue
        if len(liked):
            own = np.any(said != 0, axis=1, keepdims=True)
            said = (own * said + LIKED * liked[:, part].mean(axis=0)) / (own + LIKED)
        if len(disliked) and np.any(said):
            said = said - DISLIKED * disliked[:, part].mean(axis=0)
        if name == "looks":
            said = normalise(said)
        elif name != "category":  # whose projection has negative numbers of its own
            said = np.maximum(said, 0)
        result[:, part] = said
    return result


def described_together(
    description: Mapping[Any, Any], others: Sequence[Mapping[Hashable, object]]
) -> dict[Hashable, object]:
    """A description with the words of liked items as alternatives.

    Examples
    --------
    >>> described_together({"colour": "red", "category": "boots"}, [{"colour": "blue", "category": "boots"}])
    {'colour': ('red', 'blue'), 'category': 'boots'}
    """
    together = dict(description)
    for column in DESCRIPTION:
        words = together.get(column, ())
        known = dict.fromkeys([words] if isinstance(words, str) else words)
        known |= dict.fromkeys(str(other[column]) for other in others if other.get(column))
        if known:
            together[column] = tuple(known) if len(known) > 1 else next(iter(known))
    return together
