"""ResNet-50 in Keras, and the loading of a weights file into it.

He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", 2015, as in ``keras.applications``.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fashion.errors import WeightsError
from fashion.quiet import import_keras
from fashion.resnet_weights import FILE_NAME, why
from fashion.resnet_weights import cached_file as cached_file

if TYPE_CHECKING:
    import keras

DEPTHS = {
    "conv2_block3_out": 256,
    "conv3_block4_out": 512,
    "conv4_block6_out": 1024,
    "conv5_block3_out": 2048,
}
"""Layer -> channels: the output of each of the four stages, at 1/4, 1/8, 1/16 and 1/32 of the photo."""

MEAN_BGR = (103.939, 116.779, 123.68)
"""ImageNet's mean of blue, green and red, on the scale 0..255."""


def preprocess(rgb: keras.KerasTensor | np.ndarray) -> keras.KerasTensor:
    """RGB 0..255 -> blue, green, red minus their ImageNet means: what ``resnet50.preprocess_input`` does.

    Unlike that function it never writes over its input.
    """
    keras = import_keras()
    bgr = keras.ops.flip(rgb, axis=-1)
    return keras.layers.Rescaling(1.0, [-mean for mean in MEAN_BGR], name="preprocess")(bgr)


def build_resnet50(size: int, weights: Path | None = None) -> keras.Model:
    """Keras's ResNet50 without its classifier.

    Parameters
    ----------
    size : int
        Edge of the square input, pixels, at least 32.
    weights : Path, optional
        A Keras weights file (``.weights.h5``, or the older ``.h5``) of ResNet50 without top; random
        weights without it.

    Returns
    -------
    keras.Model
        Named ``resnet50``: preprocessed photos (n, size, size, 3) -> last feature maps
        (n, ceil(size / 32), ceil(size / 32), 2048).

    Raises
    ------
    WeightsError
        The file is not what is expected.
    """
    keras = import_keras()
    shape = (size, size, 3)
    if weights is None:
        return keras.applications.ResNet50(weights=None, include_top=False, input_shape=shape)
    try:
        if not weights.is_file():
            raise FileNotFoundError("no such file" if not weights.exists() else "not a file")
        model = keras.applications.ResNet50(weights=None, include_top=False, input_shape=shape)
        _load(model, weights)
        return model
    except Exception as error:  # h5py and Keras raise many kinds on a wrong file
        raise WeightsError(
            "Expected: a Keras weights file of ResNet50 without top (`model.save_weights('x.weights.h5')`, "
            f"or Keras's own {FILE_NAME}). Found: {why(error)}. Where: {weights}. "
            "What next: name the right file in WEIGHTS, or leave WEIGHTS out."
        ) from error


def _load(model: keras.Model, weights: Path) -> None:
    """Load a weights file; every number must come from it, and be a number.

    Keras only warns, at most, of layers that a ``.weights.h5`` file lacks: hence the marks.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.set_weights([np.full(variable.shape, np.nan, "float32") for variable in model.weights])
        model.load_weights(weights)
        loaded = zip((variable.path for variable in model.weights), model.get_weights(), strict=True)
    unset = [path for path, values in loaded if np.isnan(values).any()]
    if unset:
        raise ValueError(f"no numbers, or not-a-number, for {len(unset)} parameter arrays, the first {unset[0]}")
