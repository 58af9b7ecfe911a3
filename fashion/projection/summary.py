"""The numbers of results/05.json."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from fashion.projection.tsne import Map, map_trustworthiness, neighbour_recall


@dataclass(frozen=True)
class Quality:
    """Quality of a map: how far its neighbourhoods can be trusted, by the `near` nearest of each item.

    Attributes
    ----------
    near : int
        10, or fewer on a small map.
    trustworthiness, recall : float
        From `tsne.map_trustworthiness` and `tsne.neighbour_recall`.
    chance : float
        Recall of a random map.
    alike : dict of str to dict of str to float
        From `neighbours_alike`.
    """

    near: int
    trustworthiness: float
    recall: float
    chance: float
    alike: dict[str, dict[str, float]]

    @classmethod
    def of(cls, chart: Map, vectors: ArrayLike, items: pd.DataFrame, seed: int) -> Quality:
        """The quality of a map of `vectors`, shape (n, d), one for each of `items`; `seed` for random samples."""
        near = min(10, (len(items) - 1) // 2)
        return cls(
            near,
            map_trustworthiness(chart.unit, chart.xy, k=near, seed=seed),
            neighbour_recall(vectors, chart.xy, k=near, seed=seed),
            near / (len(items) - 1),
            neighbours_alike(items, chart.xy, near),
        )

    def as_dict(self) -> dict[str, Any]:
        """The numbers as a dictionary, for the results."""
        return {
            "trustworthiness": self.trustworthiness,
            "neighbour_recall_at_10": self.recall,
            "neighbour_recall_by_chance": self.chance,
            "neighbours_alike": self.alike,
        }


def results(chart: Map, initialisation: str, quality: Quality, seconds: float) -> dict[str, Any]:
    """The numbers of results/05.json.

    Parameters
    ----------
    chart : Map
    initialisation : str
        As for `tsne.tsne_map`.
    quality : Quality
    seconds : float
        Of the t-SNE.
    """
    return {
        "perplexity": chart.perplexity,
        "initialisation": initialisation,
        "divergence": chart.divergence,
        **quality.as_dict(),
        "timing": {"seconds": seconds},
    }


def neighbours_alike(items: pd.DataFrame, xy: NDArray[np.floating], k: int = 10) -> dict[str, dict[str, float]]:
    """Share of an item's k nearest on the map that have its word, and of any other item: department and colour.

    Returns
    -------
    dict
        Column -> `neighbours` and `chance`.
    """
    count = min(k, len(items) - 1)
    nearest = cKDTree(xy).query(xy, count + 1)[1]
    others = nearest != np.arange(len(xy))[:, np.newaxis]
    shares = {}
    for column in ("department", "colour"):
        codes = pd.factorize(items[column])[0]
        alike = (codes[nearest] == codes[:, np.newaxis]) & others
        sizes = np.bincount(codes[codes >= 0])
        chance = float((sizes * (sizes - 1)).sum() / (len(codes) * (len(codes) - 1)))
        shares[column] = {"neighbours": float((alike.sum(axis=1) / others.sum(axis=1)).mean()), "chance": chance}
    return shares
