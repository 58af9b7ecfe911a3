"""One member of the attributes network: features and measured colours -> distributions over category and colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fashion.description import distribution
from fashion.errors import ArtefactError
from fashion.palette import palette_features
from fashion.quiet import import_keras

if TYPE_CHECKING:
    import keras

Float = NDArray[np.float32]

#: Arrays that scale a member's inputs.
SCALES = ("mean", "variance", "colour_mean", "colour_variance")


@dataclass(frozen=True)
class Architecture:
    """Sizes of a member; a small catalogue needs no other ones."""

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


@dataclass(frozen=True)
class Member:
    """A trained member with what its inputs need.

    Attributes
    ----------
    model : keras.Model
        From `build_network`.
    sizes : Architecture
    scales : dict of str to ndarray of float32
        As in `build_network`.
    palette : ndarray of float32, shape (c, 3)
        From `palette.learn_palette`.
    """

    model: keras.Model
    sizes: Architecture
    scales: dict[str, Float]
    palette: Float

    def distributions(self, features: NDArray, grid: NDArray, batch: int = 1024) -> tuple[Float, Float]:
        """Distributions over category (n, categories) and colour (n, colours), float32, in batches."""
        category = np.empty((len(features), self.sizes.categories), np.float32)
        colour = np.empty((len(features), self.sizes.colours), np.float32)
        for first in range(0, len(features), batch):
            part = slice(first, first + batch)
            seen = palette_features(grid[part], self.palette).astype(np.float32)
            out = self.model({"features": np.asarray(features[part], np.float32), "colours": seen}, training=False)
            category[part], colour[part] = distribution(out["category"]), distribution(out["colour"])
        return category, colour

    def arrays(self) -> dict[str, NDArray]:
        """Every weight as an array; with the sizes all that `load_member` needs."""
        weights = {f"weight_{i:03d}": np.asarray(w) for i, w in enumerate(self.model.get_weights())}
        return weights | self.scales | {"palette": self.palette}


def load_member(arrays: dict[str, NDArray], sizes: dict[str, Any]) -> Member:
    """Build a member again from what `Member.arrays` gave and its sizes: no pickle, no code.

    Raises
    ------
    ArtefactError
        When the arrays do not fit the sizes.
    """
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in sizes.items()}
    architecture = Architecture(**given)
    scales = {name: arrays[name] for name in SCALES}
    model = build_network(architecture, scales)
    try:
        model.set_weights([arrays[name] for name in sorted(arrays) if name.startswith("weight_")])
    except ValueError as error:
        raise ArtefactError(
            f"the weights do not fit the network that attributes.json describes: {error}. Run `make report` again."
        ) from error
    return Member(model, architecture, scales, arrays["palette"])
