"""ResNet-50 in Keras, and the loading of a weights file into it.

He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", 2015, as in ``keras.applications``.
"""

from __future__ import annotations

import hashlib
import os
import time
import warnings
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np

from fashion.core.errors import WeightsError, in_short
from fashion.core.progress import progress_bar
from fashion.core.tensorflow import import_keras

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
            "expected a Keras weights file of ResNet50 without top (`model.save_weights('x.weights.h5')`, or Keras's "
            f"own {FILE_NAME}) at {weights}; found {why(error)}. Name the right file in WEIGHTS, or leave it out."
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


FILE_NAME = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"

WEIGHTS_URL = f"https://storage.googleapis.com/tensorflow/keras-applications/resnet/{FILE_NAME}"

WEIGHTS_MD5 = "4d473c1dd8becc155b73f8504c6f6626"
"""Address and checksum as Keras itself has them."""

WEIGHTS_BYTES = 94_765_736

SIZE = "94.8 MB"

ADDRESS_VARIABLE = "FASHION_RESNET50_URL"
"""Environment variable: another address (a mirror) of the same file; the checksum stays."""

PROBE_SECONDS = 8.0
"""An address that has not begun to answer by then counts as out of reach, name look-up included."""

STALL_SECONDS = 10.0
"""A download that receives nothing for so long has failed."""

SLOWEST = 30_000
"""Bytes a second; below this a download is given up: the 94.8 MB would take an hour."""

GRACE_SECONDS = 15.0
"""How long a download may be slower than that."""


def cached_file() -> Path:
    """Where Keras keeps, or would keep, the weights: ``models/`` under KERAS_HOME, or under ``~/.keras``."""
    home = Path.home() if os.access(Path.home(), os.W_OK) else Path("/tmp")  # as Keras does
    return Path(os.environ.get("KERAS_HOME", home / ".keras")).expanduser() / "models" / FILE_NAME


def address() -> str:
    """The weights' address: Keras's own, or what FASHION_RESNET50_URL says."""
    return os.environ.get(ADDRESS_VARIABLE) or WEIGHTS_URL


def find_weights() -> tuple[Path, str]:
    """Find the ImageNet weights in Keras's cache, else download them into it.

    Returns
    -------
    path, how : Path, str
        The file, its checksum verified, and in words where it came from.

    Raises
    ------
    WeightsError
        Neither worked; an address out of reach is known as such within `PROBE_SECONDS`.
    """
    path = cached_file()
    damaged = ""
    if path.is_file():
        if _md5(path) == WEIGHTS_MD5:
            return path, "found in Keras's cache"
        damaged = f"a damaged file in the cache (its MD5 is not {WEIGHTS_MD5}), and "
    url = address()
    try:
        _probe(url)
        _download(url, path)
    except Exception as error:  # requests, urllib3, ssl, socket, pooch: all mean "not to be had"
        raise WeightsError(
            f"expected ResNet-50's ImageNet weights in Keras's cache ({path}) or at {url}; found {damaged}"
            f"{why(error)}. On a machine with a network, download that address ({SIZE}), then put the file at that "
            f"path or name it with WEIGHTS=path/to/{FILE_NAME}; or use BACKBONE=efficientnet-lite0 (no download)."
        ) from error
    return path, f"downloaded from {url}"


def _probe(url: str) -> None:
    """Raise unless the address begins to answer within PROBE_SECONDS, whatever is slow about it."""
    import requests

    outcome: list[BaseException | None] = []

    def ask() -> None:
        try:
            with requests.get(url, stream=True, timeout=PROBE_SECONDS / 2) as response:
                response.raise_for_status()
            outcome.append(None)
        except Exception as error:
            outcome.append(error)

    # A thread, because no time limit of requests covers the look-up of a host's name.
    thread = Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    if not outcome:
        raise TimeoutError(f"no answer within {PROBE_SECONDS:.0f} seconds")
    if outcome[0] is not None:
        raise outcome[0]


def _download(url: str, path: Path) -> None:
    import pooch

    pooch.get_logger().setLevel("WARNING")  # the bar says enough
    downloader = pooch.HTTPDownloader(progressbar=_Progress(), chunk_size=2**14, timeout=STALL_SECONDS)
    pooch.retrieve(url, f"md5:{WEIGHTS_MD5}", fname=path.name, path=path.parent, downloader=downloader)


class _Progress:
    """A progress bar (the interface that pooch wants) that gives up on a download too slow to end."""

    def __init__(self) -> None:
        self.bar = progress_bar(WEIGHTS_BYTES, "resnet50's weights downloaded", "B")
        self.bar.unit_scale = True
        self.start = time.monotonic()
        self.received = 0

    @property
    def total(self) -> float:
        return self.bar.total

    @total.setter
    def total(self, size: float) -> None:
        self.bar.total = size

    def update(self, size: int) -> None:
        self.received += size
        self.bar.update(size)
        elapsed = time.monotonic() - self.start
        if elapsed > GRACE_SECONDS and self.received < SLOWEST * elapsed:
            self.bar.close()
            raise TimeoutError(f"only {self.received} bytes in {elapsed:.0f} seconds")

    def reset(self) -> None:
        self.bar.reset()

    def close(self) -> None:
        self.bar.close()


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def why(error: BaseException) -> str:
    """What went wrong, in a few words."""
    import requests

    text = " ".join(str(error).split()).rstrip(".")
    if isinstance(error, requests.Timeout):
        return "an address that does not answer"
    if isinstance(error, requests.ConnectionError):
        return "no connection to the address"
    if isinstance(error, requests.HTTPError):
        return f"an answer that is not the file ({text})"
    if isinstance(error, ValueError) and "hash" in text:
        return f"another file, whose MD5 is not {WEIGHTS_MD5}"
    return in_short(error, 300)
