"""The attributes network: frozen features and measured colours -> category, colour, and a learned embedding.

The category is read from the backbone's features. The colour is read from the photo itself, by how much of each colour
of a learned palette its regions hold (`attributes.palette`); the features tell which region counts for which garment.
Several members of one architecture, trained from different random initialisations, are averaged: their errors differ
(Hansen and Salamon 1990, Neural Network Ensembles).

Further descriptive columns of a catalogue, such as the gender, are read from the looks by logistic regression. The
learned embedding consists of the distributions over each column's words and of the looks (`attributes.layout`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.attributes.layout import NEAR_WIDTH, Layout, blend_words, distribution, require_present
from fashion.attributes.palette import measured_colours, palette_features
from fashion.core.checksums import array_checksum
from fashion.core.errors import ArtefactError
from fashion.core.tensorflow import import_keras

if TYPE_CHECKING:
    import keras


Float = NDArray[np.float32]

#: Most dimensions of the parts of category and colour; the category's is projected to fit. A catalogue of more than
#: 190 colour words gets more, since the category keeps its least.
WIDTH, LEAST_CATEGORY_WIDTH = 224, 32

#: Whitened principal components of the frozen features in the looks part. Whitening takes hubs away
#: (docs/decisions.md).
LOOKS_COMPONENTS = 128

#: Arrays of a trained network beside its members and the further columns' weights.
PARTS = ("palette", "projection", "looks_mean", "looks_components")

#: Arrays that only some networks have.
OPTIONAL = ("customer", "colour_centres")

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
    hidden: tuple[int, int] = (512, 256)
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
    looks_mean, looks_components : ndarray of float32, shapes (f,) and (l, f)
        Principal components of the features, each divided by its spread over the training items.
    further : mapping of str to tuple of str
        Further descriptive column -> its words.
    further_weights : mapping of str to ndarray of float32, shapes (l + 1, words)
        Further column -> weights of the looks, and the intercept in the last row.
    customer : ndarray of float32, shape (l + 1, categories), or None
        The same for the category of customers' photos, from `customer_photos.teach_customer_photos`.
    colour_centres : ndarray of float32, shape (colours, 3), or None
        Each colour word's measured colour, by which it is read where there are no members (`untrained`).
    further_shares : mapping of str to float
        As in `Layout`.
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
    further: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    further_weights: Mapping[str, Float] = field(default_factory=dict)
    customer: Float | None = None
    colour_centres: Float | None = None
    further_shares: Mapping[str, float] = field(default_factory=dict)

    def embed(self, features: NDArray, grid: NDArray, words: pd.DataFrame | None = None) -> Float:
        """The learned embedding, float32, shape (n, d), by `layout`.

        The rows are gallery vectors; `Layout.queries` turns them into queries.

        Parameters
        ----------
        features : ndarray of float, shape (n, f)
            From `join_features`.
        grid : ndarray of float, shape (n, 32, 32, 7)
            Colour grids.
        words : DataFrame, optional
            The items' own words by column, where known: they are mixed into the network's prediction
            (`layout.blend_words`), for a catalogue whose items are described.
        """
        return self.compose(features, self.distributions(features, grid), words)

    def looks(self, features: NDArray) -> Float:
        """Whitened principal components of the features, shape (n, l)."""
        at_origin = self.looks_components @ self.looks_mean  # no copy of the features, which may be large
        return np.asarray(features @ self.looks_components.T - at_origin, np.float32)

    def distributions(self, features: NDArray, grid: NDArray, batch: int = 1024) -> dict[str, Float]:
        """The prediction: column -> distribution over its words, shape (n, words).

        Category and colour come from the mean of the members' logits, in batches: the normalised geometric mean of
        their distributions, in which a word that one of them rules out is ruled out (Hinton 2002, Training Products of
        Experts).
        """
        n = len(features)
        predicted = {column: np.zeros((n, len(words)), np.float32) for column, words in self.layout.words.items()}
        for first in range(0, n, batch):
            part = slice(first, first + batch)
            inputs = {"features": np.asarray(features[part], np.float32)}
            if self.colour_centres is not None:
                apart = measured_colours(grid[part])[:, np.newaxis] - self.colour_centres
                predicted["colour"][part] = -((np.linalg.norm(apart, axis=2) / NEAR_WIDTH) ** 2)
            if self.models:
                inputs["colours"] = palette_features(grid[part], self.palette).astype(np.float32)
            for model in self.models:
                for column, logits in model(inputs, training=False).items():
                    predicted[column][part] += np.asarray(logits) / len(self.models)
            for column, weights in self.further_weights.items():
                looks = self.looks(inputs["features"])
                predicted[column][part] = looks @ weights[:-1] + weights[-1]
            for column in predicted:
                predicted[column][part] = distribution(predicted[column][part])
        return predicted

    def mixed_category(self, features: NDArray, alone: Float) -> Float:
        """Category probabilities of photos that are not the catalogue's, shape (n, categories).

        Parameters
        ----------
        features : ndarray of float, shape (n, f)
        alone : ndarray of float32, shape (n, categories)
            The network's own prediction, of which half is kept; all of it where `customer` is missing.
        """
        if self.customer is None:
            return alone
        taught = distribution(self.looks(features) @ self.customer[:-1] + self.customer[-1])
        return np.asarray((alone + taught) / 2, np.float32)

    def compose(self, features: NDArray, predicted: Mapping[str, Float], words: pd.DataFrame | None = None) -> Float:
        """`embed` from the result of `distributions`, so that one run of the network serves with words and without."""
        parts = dict(predicted)
        if words is not None:
            for column, known in self.layout.words.items():
                if column in words:
                    parts[column] = blend_words(parts[column], words[column], known)
        return self.layout.compose(parts, self.looks(features))

    @cached_property
    def layout(self) -> Layout:
        """The layout of the embedding's dimensions."""
        return Layout(
            self.categories, self.colours, self.projection, self.further, len(self.looks_components),
            array_checksum(self.looks_components), further_shares=self.further_shares,
        )  # fmt: skip

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
        columns = {_further_name(place): array for place, array in enumerate(self.further_weights.values())}
        names = [name for name in OPTIONAL if getattr(self, name) is not None]
        optional = {name: getattr(self, name) for name in names}
        return weights | columns | optional | self.scales | {name: getattr(self, name) for name in PARTS}

    def description(self) -> dict[str, Any]:
        """Words and sizes, for JSON."""
        return {
            "categories": list(self.categories),
            "colours": list(self.colours),
            "members": len(self.models),
            "sizes": {k: list(v) if isinstance(v, tuple) else v for k, v in vars(self.sizes).items()},
            "further": {column: list(words) for column, words in self.further.items()},
            "further_shares": dict(self.further_shares),
            "looks": len(self.looks_components),
            "looks_checksum": array_checksum(self.looks_components),
        }


def _weight_name(member: int, place: int) -> str:
    return f"member_{member + 1}_weight_{place:03d}"


def _further_name(place: int) -> str:
    return f"further_{place + 1}"


def load_network(arrays: dict[str, NDArray], description: dict[str, Any]) -> AttributesNetwork:
    """The network that `arrays` and `description` describe: no pickle, no code.

    Raises
    ------
    ArtefactError
        When the arrays do not fit the description.
    """
    require_present(description)
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
    parts: dict[str, Any] = {name: arrays[name] for name in PARTS}
    bare = AttributesNetwork(models, *words, sizes, scales, **parts)
    further = {column: tuple(known) for column, known in description["further"].items()}
    weights = {column: arrays[_further_name(place)] for place, column in enumerate(further)}
    optional: dict[str, Any] = {name: arrays.get(name) for name in OPTIONAL}
    shares = description.get("further_shares", {})
    return replace(bare, further=further, further_weights=weights, further_shares=shares, **optional)


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
