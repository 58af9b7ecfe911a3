"""Methods that notebook 06 compares: from raw pixels to what the shop shows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.baseline import logistic_vectors
from fashion.attributes.layout import Layout
from fashion.attributes.network import join_features, load_network
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
        Rows that the logistic regression may learn from.
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
    centred = untrained[FROZEN] - untrained[FROZEN][train].mean(axis=0)
    untrained[FROZEN_AND_HISTOGRAM] = side_by_side(centred, untrained[HISTOGRAM])
    methods: dict[str, Method] = {name: (table, table) for name, table in untrained.items()}
    learned, described = workspace.vectors("learned"), workspace.vectors("described")
    network = load_network(workspace.arrays("attributes"), workspace.json("attributes"))
    looks = network.looks(join_features(workspace.vectors("multilayer"), untrained[ALL_FEATURES]))
    methods[LOGISTIC] = logistic_vectors(
        looks, workspace.vectors("colour_grid"), network.palette, items, train, seed
    )  # fmt: skip
    queries = layout.queries(learned, weights)
    methods |= {LEARNED: (queries, learned), DESCRIBED: (queries, described)}
    methods[SAME_WORDS] = same_words(items, untrained[FROZEN])
    methods[SHOWN] = (layout.queries(described, weights), described)
    return methods
