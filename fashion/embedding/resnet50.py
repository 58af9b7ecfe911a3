"""ResNet-50 in Keras: the network, and its ImageNet weights from a file, Keras's cache or a download.

He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", 2015, as in ``keras.applications``.
"""

from __future__ import annotations

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
    from tqdm import tqdm

LAYERS = {
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
    """ResNet-50 without its classifier, as a Keras model.

    Parameters
    ----------
    size : int
        Input resolution in pixels, at least 32.
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
            raise FileNotFoundError("not a file" if weights.exists() else "no such file")
        model = keras.applications.ResNet50(weights=None, include_top=False, input_shape=shape)
        _load(model, weights)
        return model
    except Exception as error:  # h5py and Keras raise many kinds on a wrong file
        raise WeightsError(
            f"expected a Keras weights file of ResNet50 without top (`model.save_weights('x.weights.h5')`, or Keras's "
            f"own {FILE_NAME}) at {weights}; found {why(error)}. Name the right file in WEIGHTS, or leave WEIGHTS out."
        ) from error


def _load(model: keras.Model, weights: Path) -> None:
    """Load a weights file, and check that it sets every parameter to a number.

    Keras only warns, at most, of layers that a ``.weights.h5`` file lacks: hence the NaN before.
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

SIZE = f"{WEIGHTS_BYTES / 1e6:.1f} MB"

ADDRESS_VARIABLE = "FASHION_RESNET50_URL"
"""Environment variable: another address (a mirror) of the same file; the checksum stays."""

PROBE_SECONDS = 8.0
"""An address that has not begun to answer by then counts as unreachable, name look-up included."""

STALL_SECONDS = 10.0
"""A download that receives nothing for so long has failed."""

SLOWEST = 30_000
"""Bytes a second; below this a download is given up: the 94.8 MB would take an hour."""

GRACE_SECONDS = 15.0
"""How long a download may be slower than that."""


def cached_file() -> Path:
    """The path at which Keras keeps, or would keep, the weights: ``models/`` under KERAS_HOME or ``~/.keras``."""
    home = Path.home() if os.access(Path.home(), os.W_OK) else Path("/tmp")  # as Keras does
    return Path(os.environ.get("KERAS_HOME", home / ".keras")).expanduser() / "models" / FILE_NAME


def address() -> str:
    """The weights' address: Keras's own, or what FASHION_RESNET50_URL says."""
    return os.environ.get(ADDRESS_VARIABLE) or WEIGHTS_URL


def find_weights() -> tuple[Path, str]:
    """Find the ImageNet weights in Keras's cache, else download them there.

    Returns
    -------
    path, how : Path, str
        The file, its checksum verified, and in words where it came from.

    Raises
    ------
    WeightsError
        Neither worked; an unreachable address is recognised within `PROBE_SECONDS`.
    """
    import pooch

    path, url = cached_file(), address()
    damaged = ""
    if path.is_file():
        if pooch.file_hash(path, "md5") == WEIGHTS_MD5:
            return path, "found in Keras's cache"
        damaged = f"a damaged file there (its MD5 is not {WEIGHTS_MD5}), and "
    pooch.get_logger().setLevel("WARNING")  # the bar says enough
    try:
        _probe(url)
        with _download_bar() as bar:
            downloader = pooch.HTTPDownloader(progressbar=bar, chunk_size=2**14, timeout=STALL_SECONDS)
            pooch.retrieve(url, f"md5:{WEIGHTS_MD5}", path.name, path.parent, downloader=downloader)
    except Exception as error:  # requests, urllib3, ssl, socket, pooch: all mean "not available"
        raise WeightsError(
            f"expected ResNet-50's ImageNet weights at {path}, or at {url}; found {damaged}{why(error)}. On a machine "
            f"with internet access, download that address ({SIZE}), then put the file at that path or name it with "
            f"WEIGHTS=path/to/{FILE_NAME}; or use BACKBONE=efficientnet-lite0, which needs no download."
        ) from error
    return path, f"downloaded from {url}"


def _probe(url: str) -> None:
    """Raise unless the address begins to answer within PROBE_SECONDS."""
    import pooch

    errors: list[Exception] = []

    def ask() -> None:
        try:  # what it answers, the download says
            pooch.HTTPDownloader(timeout=PROBE_SECONDS / 2)(url, "", None, check_only=True)
        except Exception as error:
            errors.append(error)

    # A thread, because no time limit of requests covers the look-up of a host's name.
    thread = Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    if thread.is_alive():
        raise TimeoutError(f"no answer within {PROBE_SECONDS:.0f} seconds")
    if errors:
        raise errors[0]


def _download_bar() -> tqdm:
    """A progress bar that gives up on a download too slow to end."""
    bar = progress_bar(WEIGHTS_BYTES, "resnet50's weights downloaded", "B")
    bar.unit_scale = True
    begin, received, update = time.monotonic(), 0, bar.update

    def watched(size: int) -> None:
        nonlocal received
        received += size
        update(size)
        elapsed = time.monotonic() - begin
        if elapsed > GRACE_SECONDS and received < SLOWEST * elapsed:
            raise TimeoutError(f"only {received} bytes in {elapsed:.0f} seconds")

    bar.update = watched
    return bar


def why(error: BaseException) -> str:
    """The cause of a failed download, in a few words."""
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
