"""What a member of the attributes network is made of: features and measured colours -> logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fashion.quiet import import_keras

if TYPE_CHECKING:
    import keras

Float = NDArray[np.float32]

#: Arrays that scale the inputs: the same for all members.
SCALES = ("mean", "variance", "colour_mean", "colour_variance")
#: Dense layers in the order in which Keras lists a member's weights, each a kernel (in, out) and a bias (out,).
DENSE = ("hidden_1", "context", "colour_1", "hidden_2", "colour_2", "category", "colour")


@dataclass(frozen=True)
class Architecture:
    """Sizes of each member; a small catalogue needs no other ones."""

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


class TrainedMember:
    """A member that is trained, computed by NumPy: `build_network` without dropout, and without TensorFlow's start.

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
        found = [weight.shape for weight in self._weights]
        if found != expected:
            raise ValueError(f"expected weights of the shapes {expected}; found {found}")
        self._dense = dict(zip(DENSE, zip(self._weights[::2], self._weights[1::2], strict=True), strict=True))

    def __call__(self, inputs: dict[str, Float], training: bool = False) -> dict[str, Float]:
        """As Keras calls a network: {"features", "colours"} -> logits {"category", "colour"}."""
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
        """How many numbers were learned."""
        return sum(weight.size for weight in self._weights)
