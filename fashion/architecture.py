"""What a member of the attributes network is made of: features and measured colours -> logits."""

from __future__ import annotations

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
