"""The attributes network: frozen features and measured colours -> category, colour, and a learned embedding.

The category is read from the backbone's features. The colour is read from the photo itself, by how much of each colour
of a learned palette its regions hold (`attributes.palette`); the features tell which region counts for which garment.
Several members of one architecture, trained from different random initialisations, are averaged: their errors differ
(Hansen and Salamon 1990, Neural Network Ensembles).

The learned embedding consists of the two class distributions (`attributes.layout`); a share of the frozen vectors
separates items that the words do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.layout import Layout, blend_words, distribution, looks_of
from fashion.attributes.palette import palette_features
from fashion.core.errors import ArtefactError
from fashion.core.tensorflow import import_keras
from fashion.neighbours.exact import filled

if TYPE_CHECKING:
    import keras


Float = NDArray[np.float32]

#: Most dimensions of the learned embedding; the category's part is projected to fit. A catalogue of more than 190
#: colour words gets more, since the category keeps its least.
WIDTH, LEAST_CATEGORY_WIDTH = 256, 32

#: Principal components of the frozen vectors in the looks part, and padding dimensions of both parts (`exact.filled`).
LOOKS_COMPONENTS, FILLERS = 32, 2

#: Arrays of a trained network beside its members.
PARTS = ("palette", "projection", "looks_mean", "looks_components")

#: Arrays that scale the inputs: the same for all members.
SCALES = ("mean", "variance", "colour_mean", "colour_variance")

#: Dense layers in the order in which Keras lists a member's weights, each a kernel (in, out) and a bias (out,).
DENSE = ("hidden_1", "context", "colour_1", "hidden_2", "colour_2", "category", "colour")


# ---- A member ----


@dataclass(frozen=True)
class Architecture:
    """Sizes of each member's layers, the same for small catalogues and large ones."""

    features: int
    colour_features: int
    categories: int
    colours: int
    hidden: tuple[int, int] = (1024, 512)
    colour_hidden: tuple[int, int] = (640, 320)
    context: int = 128


def build_network(sizes: Architecture, scales: dict[str, Float]) -> keras.Model:
    """An untrained member.

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
    x = layers.ReLU(max_value=12, name="clipped")(x + 6) - 6  # to +-6: a rare feature must not dominate
    first = layers.Dense(sizes.hidden[0], activation="relu", name="hidden_1")(layers.Dropout(0.1)(x))
    h = layers.Dense(sizes.hidden[1], activation="relu", name="hidden_2")(layers.Dropout(0.25)(first))
    category = layers.Dense(sizes.categories, name="category")(layers.Dropout(0.25)(h))
    # The kind of garment decides in which region its colour is read.
    context = layers.Dense(sizes.context, activation="relu", name="context")(first)
    c = layers.Normalization(mean=scales["colour_mean"], variance=scales["colour_variance"], name="colour_scaled")(seen)
    c = layers.Concatenate()([layers.Dropout(0.1)(c), context])
    c = layers.Dense(sizes.colour_hidden[0], activation="relu", name="colour_1")(c)
    c = layers.Dense(sizes.colour_hidden[1], activation="relu", name="colour_2")(layers.Dropout(0.2)(c))
    colour = layers.Dense(sizes.colours, name="colour")(layers.Dropout(0.2)(c))
    return keras.Model(
        {"features": looks, "colours": seen}, {"category": category, "colour": colour}, name="attributes"
    )


class TrainedMember:
    """A trained member in NumPy: `build_network` without dropout, and without the time that TensorFlow takes to load.

    Parameters
    ----------
    weights : sequence of ndarray
        As Keras's `get_weights` gives them.
    scales : dict of str to ndarray of float32
        As in `build_network`.

    Raises
    ------
    ValueError
        When the weights do not fit `sizes`.
    """

    def __init__(self, sizes: Architecture, weights: Sequence[NDArray], scales: dict[str, Float]) -> None:
        self._weights = [np.asarray(weight, np.float32) for weight in weights]
        self._scales = scales
        joined = sizes.colour_features + sizes.context
        widths = {
            "hidden_1": (sizes.features, sizes.hidden[0]),
            "context": (sizes.hidden[0], sizes.context),
            "colour_1": (joined, sizes.colour_hidden[0]),
            "hidden_2": sizes.hidden,
            "colour_2": sizes.colour_hidden,
            "category": (sizes.hidden[1], sizes.categories),
            "colour": (sizes.colour_hidden[1], sizes.colours),
        }
        expected = [shape for name in DENSE for shape in (tuple(widths[name]), (widths[name][1],))]
        shapes = [weight.shape for weight in self._weights]
        if shapes != expected:
            raise ValueError(f"expected weights of the shapes {expected}; found {shapes}")
        self._dense = dict(zip(DENSE, zip(self._weights[::2], self._weights[1::2], strict=True), strict=True))

    def __call__(self, inputs: dict[str, Float], training: bool = False) -> dict[str, Float]:
        """{"features", "colours"} -> logits {"category", "colour"}, called as a Keras model is."""
        x = np.clip(self._scaled(inputs["features"], "mean", "variance") + 6, 0, 12) - 6
        first = self._layer("hidden_1", x)
        context = self._layer("context", first)
        seen = self._scaled(inputs["colours"], "colour_mean", "colour_variance")
        c = self._layer("colour_2", self._layer("colour_1", np.concatenate([seen, context], axis=1)))
        category = self._layer("category", self._layer("hidden_2", first), rectified=False)
        return {"category": category, "colour": self._layer("colour", c, rectified=False)}

    def _scaled(self, x: Float, mean: str, variance: str) -> Float:
        spread = np.maximum(np.sqrt(self._scales[variance]), np.float32(1e-7))  # Keras's own guard
        return np.asarray((x - self._scales[mean]) / spread, np.float32)

    def _layer(self, name: str, x: Float, rectified: bool = True) -> Float:
        kernel, bias = self._dense[name]
        y = x @ kernel + bias
        return np.maximum(y, 0, out=y) if rectified else y

    def get_weights(self) -> list[NDArray]:
        """The weights in Keras's order."""
        return list(self._weights)

    def count_params(self) -> int:
        """The number of parameters."""
        return sum(weight.size for weight in self._weights)


# ---- The trained network ----


def join_features(
    multilayer: NDArray, max_pooled: NDArray, rows: Sequence[int] | NDArray | slice = slice(None)
) -> Float:
    """The network's "features", float32, shape (n, f): "multilayer" vectors beside "max_pooled" ones."""
    return np.concatenate([multilayer[rows], max_pooled[rows]], axis=1, dtype=np.float32)


@dataclass(frozen=True)
class AttributesNetwork:
    """A trained network with its words.

    Attributes
    ----------
    models : tuple of keras.Model or TrainedMember
        The members: Keras models after training, NumPy ones after loading.
    categories, colours : tuple of str
        Words in the order of the distributions.
    sizes : Architecture
    scales : dict of str to ndarray of float32
        As in `build_network`.
    palette : ndarray of float32, shape (c, 3)
        From `palette.learn_palette`.
    projection : ndarray of float32, shape (categories, c)
        Takes the category part to `c` dimensions, preserving inner products as well as `c` dimensions can (SVD).
    looks_mean, looks_components : ndarray of float32, shapes (m,) and (l, m)
        Principal components of the last m features, the frozen embedding.
    """

    models: tuple[keras.Model | TrainedMember, ...]
    categories: tuple[str, ...]
    colours: tuple[str, ...]
    sizes: Architecture
    scales: dict[str, Float]
    palette: Float
    projection: Float
    looks_mean: Float
    looks_components: Float

    def embed(self, features: NDArray, grid: NDArray, words: pd.DataFrame | None = None) -> Float:
        """The learned embedding, float32, shape (n, d): a unit looks part, then a unit colour part.

        The rows are gallery vectors; `layout.as_queries` turns them into queries.

        Parameters
        ----------
        features : ndarray of float, shape (n, f)
            From `join_features`.
        grid : ndarray of float, shape (n, 32, 32, 7)
            Colour grids.
        words : DataFrame, optional
            The items' own `category` and `colour`, where known: they are mixed into the network's prediction
            (`layout.blend_words`), for a catalogue whose items are described.
        """
        return self.compose(features, *self.distributions(features, grid), words)

    def distributions(self, features: NDArray, grid: NDArray, batch: int = 1024) -> tuple[Float, Float]:
        """The prediction: distributions over categories, shape (n, categories), and colours, shape (n, colours).

        From the mean of the members' logits, in batches: the normalised geometric mean of their distributions, in which
        a word that one of them rules out is ruled out (Hinton 2002, Training Products of Experts).
        """
        category = np.zeros((len(features), len(self.categories)), np.float32)
        colour = np.zeros((len(features), len(self.colours)), np.float32)
        for first in range(0, len(features), batch):
            part = slice(first, first + batch)
            seen = palette_features(grid[part], self.palette).astype(np.float32)
            inputs = {"features": np.asarray(features[part], np.float32), "colours": seen}
            for model in self.models:
                out = model(inputs, training=False)
                category[part] += np.asarray(out["category"]) / len(self.models)
                colour[part] += np.asarray(out["colour"]) / len(self.models)
            category[part], colour[part] = distribution(category[part]), distribution(colour[part])
        return category, colour

    def compose(self, features: NDArray, category: Float, colour: Float, words: pd.DataFrame | None = None) -> Float:
        """`embed` from the result of `distributions`, so that one run of the network serves with words and without."""
        if words is not None:
            category = blend_words(category, words["category"], self.categories)
            colour = blend_words(colour, words["colour"], self.colours)
        frozen = np.asarray(features[:, -len(self.looks_mean) :], np.float32)
        looks = (frozen - self.looks_mean) @ self.looks_components.T
        return np.concatenate([filled(looks_of(category, self.projection, looks)), filled(colour)], axis=1)

    @property
    def layout(self) -> Layout:
        """The layout of the embedding's dimensions."""
        return Layout(self.categories, self.colours, self.projection, self.colour_from)

    @property
    def colour_from(self) -> int:
        """Index of the first dimension of the colour part."""
        return int(self.projection.shape[1] + len(self.looks_components) + 1)

    @property
    def parameters(self) -> int:
        """The number of learned parameters."""
        return sum(int(model.count_params()) for model in self.models)

    def arrays(self) -> dict[str, NDArray]:
        """All weights, by name; `load_network` needs them and `description`."""
        weights = {
            _weight_name(member, place): np.asarray(weight)
            for member, model in enumerate(self.models)
            for place, weight in enumerate(model.get_weights())
        }
        return weights | self.scales | {name: getattr(self, name) for name in PARTS}

    def description(self) -> dict[str, Any]:
        """Words and sizes, for JSON."""
        return {
            "categories": list(self.categories),
            "colours": list(self.colours),
            "members": len(self.models),
            "sizes": {k: list(v) if isinstance(v, tuple) else v for k, v in vars(self.sizes).items()},
            "colour_from": self.colour_from,
        }


def _weight_name(member: int, place: int) -> str:
    return f"member_{member + 1}_weight_{place:03d}"


def load_network(arrays: dict[str, NDArray], description: dict[str, Any]) -> AttributesNetwork:
    """The network that `arrays` and `description` describe: no pickle, no code.

    Raises
    ------
    ArtefactError
        When the arrays do not fit the description.
    """
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in description["sizes"].items()}
    sizes, scales = Architecture(**given), {name: arrays[name] for name in SCALES}
    places = range(2 * len(DENSE))
    try:
        models = tuple(
            TrainedMember(sizes, [arrays[_weight_name(member, place)] for place in places], scales)
            for member in range(description["members"])
        )
    except (KeyError, ValueError) as error:
        raise ArtefactError(
            f"expected the weights of the network in attributes.json; found others, which do not fit: {error}. Run "
            "`make report` again."
        ) from error
    words = tuple(description["categories"]), tuple(description["colours"])
    return AttributesNetwork(models, *words, sizes, scales, *(arrays[name] for name in PARTS))


def best_projection(parts: NDArray, width: int) -> Float:
    """The projection that preserves the rows' inner products best, shape (d, min(d, width)).

    The leading right singular vectors (Eckart and Young 1936), not centred: cosines need inner products about the
    origin.

    Examples
    --------
    >>> abs(best_projection(np.array([[3.0, 0.0], [0.0, 1.0]]), 1)).round(6).tolist()
    [[1.0], [0.0]]
    """
    d = parts.shape[1]
    if d <= width:
        return np.eye(d, dtype=np.float32)
    gram = parts.T.astype(np.float64) @ parts
    _, vectors = np.linalg.eigh(gram)
    kept = vectors[:, ::-1][:, :width]
    return np.asarray(kept * np.sign(kept[np.abs(kept).argmax(axis=0), np.arange(width)]), np.float32)
