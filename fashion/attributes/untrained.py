"""Stand-in for the network where none is trained: looks, measured colours, and the catalogue's own words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.network import LOOKS_COMPONENTS, SCALES, Architecture, AttributesNetwork
from fashion.attributes.palette import measured_colours
from fashion.attributes.weights import Weights
from fashion.embedding.features import SAMPLE, pca, some_rows

#: Items below which a network is not trained: a tenth of fewer says nothing of its errors.
LEAST_TAUGHT = 60

#: Share of the looks in the similarity: without categories, and beside them.
LOOKS_ALONE, LOOKS_BESIDE = 0.5, 0.3


def why_untrained(items: pd.DataFrame, colour_was_measured: bool) -> str:
    """The reason why no network is trained on a catalogue, in a sentence; empty where one is.

    Parameters
    ----------
    items : DataFrame
        With `category` and `colour`.
    colour_was_measured : bool
        The colours are no words of the catalogue's: a network would learn what is measured anyway.

    Examples
    --------
    >>> why_untrained(pd.DataFrame({"category": ["hat"] * 12, "colour": ["red", "blue"] * 6}), False)
    'No network is trained: the catalogue has 12 items; training needs at least 60.'
    >>> why_untrained(pd.DataFrame({"category": ["hat"] * 90, "colour": ["red"] * 90}), False)
    'No network is trained: the catalogue has neither two categories nor two colours to learn.'
    """
    if len(items) < LEAST_TAUGHT:
        return f"No network is trained: the catalogue has {len(items)} items; training needs at least {LEAST_TAUGHT}."
    if items["category"].nunique() < 2 and (colour_was_measured or items["colour"].nunique() < 2):
        return "No network is trained: the catalogue has neither two categories nor two colours to learn."
    return ""


def untrained_network(
    features: NDArray, grid: NDArray, items: pd.DataFrame, seed: int, further: Sequence[str] = ()
) -> AttributesNetwork:
    """A network without members: it sees the looks and the colour, and no category.

    A photo's colour is that of the words whose garments it is near to in CIELAB. All categories, and all words of
    further columns, are equally probable until an item's own words are known.

    Parameters
    ----------
    features : ndarray of float32, shape (n, f)
        From `network.join_features`.
    grid : ndarray of float, shape (n, 32, 32, 7)
        Colour grids.
    items : DataFrame, n rows
        With `category` and `colour`.
    seed : int
        Of the principal components' sample.
    further : sequence of str
        Further descriptive columns, from `training.further_columns`.
    """
    categories, colours = (tuple(sorted(items[column].astype(str).unique())) for column in ("category", "colour"))
    measured, words = measured_colours(grid), items["colour"].astype(str).to_numpy()
    centres = np.stack([measured[words == colour].mean(axis=0) for colour in colours])
    rows = some_rows(len(items), SAMPLE, seed)
    # Not whitened: with as many components as items, all would be equally unlike each other.
    fitted = pca(features[rows], seed, LOOKS_COMPONENTS)
    spread = np.sqrt(max(float(fitted.explained_variance_[0]), 1e-12))
    looks = (fitted.components_ / spread).astype(np.float32)
    said = {column: items[column].fillna("").astype(str) for column in further}
    spoken = {column: tuple(sorted(set(cells) - {""})) for column, cells in said.items()}
    spoken = {column: words for column, words in spoken.items() if len(words) > 1}
    return AttributesNetwork(
        (), categories, colours, Architecture(features.shape[1], 0, len(categories), len(colours)),
        {name: np.zeros(0, np.float32) for name in SCALES}, np.zeros((1, 3), np.float32),
        np.eye(len(categories), dtype=np.float32), fitted.mean_.astype(np.float32), looks,
        further=spoken,
        further_weights={name: np.zeros((len(looks) + 1, len(words)), np.float32) for name, words in spoken.items()},
        colour_centres=centres.astype(np.float32),
    )  # fmt: skip


def usual_weights(network: AttributesNetwork) -> Weights:
    """The default weights, as none can be chosen by measurement without a network; hubs are not corrected."""
    looks = LOOKS_BESIDE if len(network.categories) > 1 else LOOKS_ALONE
    return Weights(
        looks, 0.0, f"Looks weigh {looks}, by default: without a network no weight is chosen by measurement."
    )
