"""Methods that notebook 06 compares: from raw pixels to what the shop shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.baseline import logistic_vectors
from fashion.attributes.layout import Layout
from fashion.attributes.network import AttributesNetwork, join_features, load_network
from fashion.core.defaults import COLOUR_WEIGHT
from fashion.core.workspace import Workspace
from fashion.evaluation.protocol import Method, Methods, same_words, side_by_side
from fashion.evaluation.summary import (
    ALL_FEATURES,
    DESCRIBED,
    FROZEN,
    FROZEN_AND_HISTOGRAM,
    HISTOGRAM,
    HOG,
    LEARNED,
    LOGISTIC,
    PIXELS,
    SAME_WORDS,
    SHOWN,
)

#: Rows of the network's features in memory at a time.
BLOCK = 4096


def all_methods(
    workspace: Workspace, items: pd.DataFrame, train: NDArray[np.integer], layout: Layout,
    weights: Mapping[str, float], seed: int,
) -> Methods:  # fmt: skip
    """Query and gallery vectors of every method, in the order of the tables; made when they are asked for.

    Parameters
    ----------
    workspace : Workspace
        With the artefacts of notebooks 02 and 03.
    items : DataFrame
        The items table.
    train : ndarray of int
        Rows that the logistic regression may learn from; without any it is left out.
    layout : Layout
        Of the learned and described embeddings.
    weights : mapping of str to float
        From `Layout.weights`.
    seed : int
    """

    def same(name: str) -> Callable[[], Method]:
        def read() -> Method:
            table = workspace.vectors(name)
            return table, table

        return read

    def frozen_and_histogram() -> Method:
        # Centred: all cosines of features that are never negative are near 1, and the histogram alone would decide.
        frozen, centred = workspace.vectors("frozen"), train if len(train) else np.arange(len(items))
        table = side_by_side(frozen, workspace.vectors("histogram"), centre=_mean(frozen, centred))
        return table, table

    def by_layout(queries: str, gallery: str) -> Callable[[], Method]:
        return lambda: (layout.queries(workspace.vectors(queries), weights), workspace.vectors(gallery))

    makers: dict[str, Callable[[], Method]] = {
        PIXELS: same("pixels"), HISTOGRAM: same("histogram"), HOG: same("hog"), ALL_FEATURES: same("max_pooled"),
        FROZEN: same("frozen"), FROZEN_AND_HISTOGRAM: frozen_and_histogram,
    }  # fmt: skip
    if len(train):
        makers[LOGISTIC] = lambda: _logistic(workspace, items, train, weights, seed)
    makers |= {LEARNED: by_layout("learned", "learned"), DESCRIBED: by_layout("learned", "described")}
    makers[SAME_WORDS] = lambda: same_words(items, workspace.vectors("frozen"))
    makers[SHOWN] = by_layout("described", "described")
    return Methods(makers)


def _mean(table: NDArray, rows: NDArray[np.integer]) -> NDArray[np.float32]:
    """Mean of some rows, in double precision, a block at a time."""
    total = np.zeros(table.shape[1])
    for first in range(0, len(rows), BLOCK):
        total += table[rows[first : first + BLOCK]].sum(axis=0, dtype=np.float64)
    return np.asarray(total / len(rows), np.float32)


def _logistic(
    workspace: Workspace, items: pd.DataFrame, train: NDArray[np.integer], weights: Mapping[str, float], seed: int
) -> Method:
    network = load_network(workspace.arrays("attributes"), workspace.json("attributes"))
    looks = _looks(workspace, network, len(items))
    words = weights["category"] + weights["colour"]
    return logistic_vectors(
        looks, workspace.vectors("colour_grid"), network.palette, items, train, seed,
        weights["colour"] / words if words else COLOUR_WEIGHT,
    )  # fmt: skip


def _looks(workspace: Workspace, network: AttributesNetwork, count: int) -> NDArray[np.float32]:
    """The network's looks of all items, computed block by block so that the features are never all in memory."""
    blocks = [slice(first, first + BLOCK) for first in range(0, count, BLOCK)]
    multilayer, max_pooled = workspace.vectors("multilayer"), workspace.vectors("max_pooled")
    return np.concatenate([network.looks(join_features(multilayer, max_pooled, rows)) for rows in blocks])
