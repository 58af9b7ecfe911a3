"""The attributes network: frozen features and measured colours -> category, colour, and a learned embedding.

The category is read from the backbone's features. The colour is read from the photo itself, by how much of each colour
of a learned palette its regions hold (`fashion.palette`); the features tell which region counts for which garment.

The learned embedding is made of the two class distributions (`fashion.description`); a share of frozen looks tells
apart what the words do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.description import Layout, blend_words, distribution, filled, looks_of
from fashion.errors import ArtefactError
from fashion.palette import palette_features
from fashion.quiet import import_keras

if TYPE_CHECKING:
    import keras

Float = NDArray[np.float32]

#: Numbers of the learned embedding at most; the category's part is projected where words are more. A catalogue of more
#: than 160 colour words gets more, since the category keeps its least.
WIDTH, LEAST_CATEGORY_WIDTH = 256, 32
#: Components of the frozen looks in the looks part, and numbers that fill both parts to length one.
LOOKS_COMPONENTS, FILLERS = 32, 2


#: Arrays of a trained network beside its weights: those that scale its inputs, and the others.
SCALES = ("mean", "variance", "colour_mean", "colour_variance")
PARTS = ("palette", "projection", "looks_mean", "looks_components")


@dataclass(frozen=True)
class Architecture:
    """Sizes of the network; a small catalogue needs no other ones."""

    features: int
    colour_features: int
    categories: int
    colours: int
    hidden: tuple[int, int] = (1024, 512)
    colour_hidden: tuple[int, int] = (640, 320)
    context: int = 128


def build_network(sizes: Architecture, scales: dict[str, Float]) -> keras.Model:
    """Build the network, untrained.

    Parameters
    ----------
    sizes : Architecture
    scales : dict of str to ndarray of float32
        `mean` and `variance` (features,), `colour_mean` and `colour_variance` (colour_features,): of the training
        items, by which the inputs are standardised inside the network.

    Returns
    -------
    keras.Model
        {"features": (n, features), "colours": (n, colour_features)} -> logits {"category", "colour"}.
    """
    keras = import_keras()
    layers = keras.layers
    looks = keras.Input((sizes.features,), name="features")
    seen = keras.Input((sizes.colour_features,), name="colours")
    x = layers.Normalization(mean=scales["mean"], variance=scales["variance"], name="standardised")(looks)
    x = layers.ReLU(max_value=12, name="clipped")(x + 6) - 6  # to +-6: a rare feature must not shout
    first = layers.Dense(sizes.hidden[0], activation="relu", name="hidden_1")(layers.Dropout(0.1)(x))
    h = layers.Dense(sizes.hidden[1], activation="relu", name="hidden_2")(layers.Dropout(0.25)(first))
    category = layers.Dense(sizes.categories, name="category")(layers.Dropout(0.25)(h))
    # What the garment is tells in which region its colour is to be read.
    context = layers.Dense(sizes.context, activation="relu", name="context")(first)
    c = layers.Normalization(mean=scales["colour_mean"], variance=scales["colour_variance"], name="colour_scaled")(seen)
    c = layers.Concatenate()([layers.Dropout(0.1)(c), context])
    c = layers.Dense(sizes.colour_hidden[0], activation="relu", name="colour_1")(c)
    c = layers.Dense(sizes.colour_hidden[1], activation="relu", name="colour_2")(layers.Dropout(0.2)(c))
    colour = layers.Dense(sizes.colours, name="colour")(layers.Dropout(0.2)(c))
    return keras.Model(
        {"features": looks, "colours": seen}, {"category": category, "colour": colour}, name="attributes"
    )


def join_features(depths: NDArray, maxima: NDArray, rows: Sequence[int] | NDArray | slice = slice(None)) -> Float:
    """What the network takes as "features": poolings of every depth beside the last layer's maxima, float32."""
    return np.concatenate([depths[rows], maxima[rows]], axis=1, dtype=np.float32)


@dataclass(frozen=True)
class AttributesNetwork:
    """A trained network with its words.

    Attributes
    ----------
    model : keras.Model
    categories, colours : tuple of str
        Words in the order of the logits.
    sizes : Architecture
    scales : dict of str to ndarray of float32
        As in `build_network`.
    palette : ndarray of float32, shape (c, 3)
        From `palette.learn_palette`.
    projection : ndarray of float32, shape (categories, c)
        Takes the category part to `c` numbers; inner products are kept as well as `c` numbers can (SVD).
    looks_mean, looks_components : ndarray of float32, shapes (m,) and (l, m)
        Principal components of the last m features, the frozen embedding.
    """

    model: keras.Model
    categories: tuple[str, ...]
    colours: tuple[str, ...]
    sizes: Architecture
    scales: dict[str, Float]
    palette: Float
    projection: Float
    looks_mean: Float
    looks_components: Float

    def logits(self, features: NDArray, grid: NDArray, batch: int = 1024) -> tuple[Float, Float]:
        """Logits of category (n, categories) and colour (n, colours), float32, in batches."""
        found: list[tuple[Float, Float]] = []
        for first in range(0, len(features), batch):
            part = slice(first, first + batch)
            seen = palette_features(grid[part], self.palette).astype(np.float32)
            out = self.model({"features": np.asarray(features[part], np.float32), "colours": seen}, training=False)
            found.append((np.asarray(out["category"]), np.asarray(out["colour"])))
        return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])

    def embed(self, features: NDArray, grid: NDArray, words: pd.DataFrame | None = None) -> Float:
        """The learned embedding, float32, shape (n, <= 256): a unit looks part, then a unit colour part.

        The rows answer; `description.as_queries` makes them ask.

        Parameters
        ----------
        features : ndarray of float, shape (n, f)
            From `join_features`.
        grid : ndarray of float, shape (n, 16, 16, 7)
            Colour grids.
        words : DataFrame, optional
            The items' own `category` and `colour`, where they are known: they are mixed into what the network sees
            (`description.blend_words`), for a catalogue whose items are described.
        """
        return self.compose(features, *self.distributions(features, grid), words)

    def distributions(self, features: NDArray, grid: NDArray) -> tuple[Float, Float]:
        """What the network sees: distributions over categories (n, categories) and colours (n, colours)."""
        category, colour = self.logits(features, grid)
        return distribution(category), distribution(colour)

    def compose(self, features: NDArray, category: Float, colour: Float, words: pd.DataFrame | None = None) -> Float:
        """`embed` from what `distributions` gave, so that one run of the network serves with words and without."""
        if words is not None:
            category = blend_words(category, words["category"], self.categories)
            colour = blend_words(colour, words["colour"], self.colours)
        frozen = np.asarray(features[:, -len(self.looks_mean) :], np.float32)
        looks = (frozen - self.looks_mean) @ self.looks_components.T
        return np.concatenate([filled(looks_of(category, self.projection, looks)), filled(colour)], axis=1)

    @property
    def layout(self) -> Layout:
        """How the embedding is laid out."""
        return Layout(self.categories, self.colours, self.projection, self.colour_from)

    @property
    def colour_from(self) -> int:
        """Index of the embedding's first number that belongs to the colour."""
        return int(self.projection.shape[1] + len(self.looks_components) + 1)

    def arrays(self) -> dict[str, NDArray]:
        """Every weight as an array; with `description` all that `load_network` needs."""
        weights = {f"weight_{i:03d}": np.asarray(w) for i, w in enumerate(self.model.get_weights())}
        return weights | self.scales | {name: getattr(self, name) for name in PARTS}

    def description(self) -> dict[str, Any]:
        """Words and sizes, for JSON."""
        return {
            "categories": list(self.categories),
            "colours": list(self.colours),
            "sizes": {k: list(v) if isinstance(v, tuple) else v for k, v in vars(self.sizes).items()},
            "colour_from": self.colour_from,
        }


def load_network(arrays: dict[str, NDArray], description: dict[str, Any]) -> AttributesNetwork:
    """Build a network again from what `arrays` and `description` gave: no pickle, no code.

    Raises
    ------
    ArtefactError
        When the arrays do not fit the description.
    """
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in description["sizes"].items()}
    sizes, scales = Architecture(**given), {name: arrays[name] for name in SCALES}
    model = build_network(sizes, scales)
    weights = [arrays[name] for name in sorted(arrays) if name.startswith("weight_")]
    try:
        model.set_weights(weights)
    except ValueError as error:
        raise ArtefactError(
            f"the weights do not fit the network that attributes.json describes: {error}. Run `make report` again."
        ) from error
    words = tuple(description["categories"]), tuple(description["colours"])
    return AttributesNetwork(model, *words, sizes, scales, *(arrays[name] for name in PARTS))


def best_projection(parts: NDArray, width: int) -> Float:
    """The (d, min(d, width)) matrix that keeps the rows' inner products best: leading right singular vectors.

    Not centred, since it is inner products with the origin that the cosine needs (Eckart and Young 1936).
    """
    d = parts.shape[1]
    if d <= width:
        return np.eye(d, dtype=np.float32)
    gram = parts.T.astype(np.float64) @ parts
    _, vectors = np.linalg.eigh(gram)
    kept = vectors[:, ::-1][:, :width]
    return np.asarray(kept * np.sign(kept[np.abs(kept).argmax(axis=0), np.arange(width)]), np.float32)
