"""Methods that notebook 06 compares: from raw pixels to what the shop shows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.baseline import logistic_vectors
from fashion.attributes.layout import Layout
from fashion.attributes.network import join_features, load_network
from fashion.core.defaults import COLOUR_WEIGHT
from fashion.core.workspace import Workspace
from fashion.evaluation.protocol import Method, same_words, side_by_side
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
) -> dict[str, Method]:  # fmt: skip
    """Query and gallery vectors of every method, in the order of the tables.

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
    untrained = {
        PIXELS: workspace.vectors("pixels"), HISTOGRAM: workspace.vectors("histogram"), HOG: workspace.vectors("hog"),
        ALL_FEATURES: workspace.vectors("max_pooled"), FROZEN: workspace.vectors("frozen"),
    }  # fmt: skip
    # Centred: all cosines of features that are never negative are near 1, and the histogram alone would decide.
    centred = train if len(train) else np.arange(len(items))
    untrained[FROZEN_AND_HISTOGRAM] = side_by_side(
        untrained[FROZEN] - untrained[FROZEN][centred].mean(axis=0), untrained[HISTOGRAM]
    )
    methods: dict[str, Method] = {name: (table, table) for name, table in untrained.items()}
    learned, described = workspace.vectors("learned"), workspace.vectors("described")
    if len(train):
        methods[LOGISTIC] = _logistic(workspace, items, train, weights, seed)
    queries = layout.queries(learned, weights)
    methods |= {LEARNED: (queries, learned), DESCRIBED: (queries, described)}
    methods[SAME_WORDS] = same_words(items, untrained[FROZEN])
    methods[SHOWN] = (layout.queries(described, weights), described)
    return methods


def _logistic(
    workspace: Workspace, items: pd.DataFrame, train: NDArray[np.integer], weights: Mapping[str, float], seed: int
) -> Method:
    network = load_network(workspace.arrays("attributes"), workspace.json("attributes"))
    blocks = [slice(first, first + BLOCK) for first in range(0, len(items), BLOCK)]
    multilayer, max_pooled = workspace.vectors("multilayer"), workspace.vectors("max_pooled")
    looks = np.concatenate([network.looks(join_features(multilayer, max_pooled, rows)) for rows in blocks])
    words = weights["category"] + weights["colour"]
    return logistic_vectors(
        looks, workspace.vectors("colour_grid"), network.palette, items, train, seed,
        weights["colour"] / words if words else COLOUR_WEIGHT,
    )  # fmt: skip
