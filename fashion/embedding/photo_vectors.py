"""`fashion.embed`: photos to vectors, without a catalogue, a store or a report."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sized
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fashion.core.errors import PhotoError

if TYPE_CHECKING:
    from fashion.embedding.backbones import Encoder
    from fashion.embedding.runtimes import Runtime
    from fashion.photos.framing import Framing
    from fashion.photos.images import RGB


#: So many photos are embedded by TensorFlow sooner than the network is converted for OpenVINO.
FEW = 200

#: A photo: its file's path, its file's bytes, or RGB as uint8, shape (height, width, 3).
Photo: TypeAlias = "str | Path | bytes | NDArray[np.uint8]"


def embed(
    photos: Photo | Iterable[Photo],
    *,
    backbone: str | Path | Encoder = "auto",
    weights: str | Path | None = None,
    size: int | None = None,
    runtime: str = "auto",
) -> NDArray[np.float32]:
    """Vectors of photos by a frozen network, shape (n, d): of the two ImageNet networks the last layer, max-pooled.

    They equal a report's ``max_pooled.npy``, from which the report then selects features.

    Parameters
    ----------
    photos : iterable of str, Path, bytes or ndarray; or one of these
        Files' paths, files' bytes (JPEG, PNG, WebP), or RGB arrays of uint8, (height, width, 3); an array (n, height,
        width, 3) is n photos. They are read a few at a time, so a generator of many needs little memory.
    backbone : str, Path, Backbone or FileEncoder
        "auto" (resnet50 where its weights are available, else efficientnet-lite0), one of the two by name, the path of
        an encoder's folder or file, or a network from `fashion.embedding.backbones.load_backbone`.
    weights, size, runtime
        As in `Settings`: a weights file for resnet50, the network's input resolution in pixels, and "openvino" or
        "tensorflow".

    Returns
    -------
    ndarray of float32, shape (n, d)
        One row a photo, in the order given; d is 2048 for resnet50, 1280 for efficientnet-lite0.

    Raises
    ------
    PhotoError
        When a photo cannot be read; the message says which.
    WeightsError
        When the network's weights are unavailable.

    Examples
    --------
    >>> grey = np.full((2, 64, 64, 3), 128, np.uint8)
    >>> embed(grey, backbone="efficientnet-lite0", size=96).shape
    (2, 1280)
    """
    from fashion.embedding.extraction import embed_views

    one = isinstance(photos, (str, Path, bytes, bytearray, memoryview))
    each: Iterable[Photo] = [photos] if one or getattr(photos, "ndim", 4) in (2, 3) else photos  # type: ignore[list-item, assignment]
    name = str(backbone) if isinstance(backbone, (str, Path)) else None
    few = runtime == "auto" and (one or (isinstance(each, Sized) and len(each) <= FEW))
    network, how = (
        _network(name, str(weights) if weights is not None else None, size, runtime, few)
        if name is not None
        else _runtime(backbone, runtime, few)  # type: ignore[arg-type]
    )
    views = (_view(photo, number, network.framing) for number, photo in enumerate(each))
    return embed_views(views, network, how)["embedding"]


@cache
def _network(name: str, weights: str | None, size: int | None, runtime: str, few: bool) -> tuple[Encoder, Runtime]:
    """A network and its inference runtime, loaded once for all calls."""
    from fashion.embedding.backbones import load_backbone

    return _runtime(load_backbone(name, weights, size), runtime, few)


def _runtime(backbone: Encoder, runtime: str, few: bool) -> tuple[Encoder, Runtime]:
    from fashion.core.paths import project_root
    from fashion.embedding.extraction import networks_folder
    from fashion.embedding.runtimes import choose_runtime, query_runtime

    # A network that a report has converted and checked loads without TensorFlow.
    kept = networks_folder(project_root() / "data/processed")
    if few:
        return backbone, query_runtime(backbone, kept)
    return backbone, choose_runtime(backbone, runtime, kept if os.access(kept, os.W_OK) else None)


def _view(photo: Photo, number: int, framing: Framing) -> RGB:
    """One photo as the network takes it: uint8 RGB, shape (edge, edge, 3)."""
    from fashion.photos.images import decode

    if isinstance(photo, np.ndarray):
        return framing(rgb_of(photo, f"photo {number}"))
    data, name = photo_bytes(photo, f"photo {number}")
    return framing(decode(data, name, framing.shorter))


def rgb_of(array: NDArray, name: str = "photo") -> RGB:
    """An array as RGB, shape (height, width, 3): grey gets three equal channels, alpha is laid on white.

    Raises
    ------
    PhotoError
        When the array is not uint8, or has another shape.
    """
    grey = array.ndim == 2
    if array.dtype != np.uint8 or not (grey or (array.ndim == 3 and array.shape[2] in (3, 4))) or not array.size:
        raise PhotoError(
            f"expected {name} as RGB of uint8 (0 to 255), shape (height, width, 3); found {array.dtype} "
            f"{array.shape}. Multiply values from 0 to 1 by 255, and convert with .astype('uint8')."
        )
    rgb = np.ascontiguousarray(np.repeat(array[:, :, np.newaxis], 3, axis=2) if grey else array[:, :, :3])
    if not grey and array.shape[2] == 4:
        from fashion.photos.images import lay_on_white

        rgb = rgb.copy()
        lay_on_white(rgb, np.ascontiguousarray(array[:, :, 3]))
    return rgb


def photo_bytes(photo: Photo, name: str = "photo") -> tuple[bytes, str]:
    """The bytes of a photo's file, and its name.

    Parameters
    ----------
    photo : str, Path, bytes or ndarray
        An array becomes a PNG, which is lossless.
    name : str
        Of photos that have none.

    Raises
    ------
    PhotoError
        When the file cannot be read, or the photo is of another type.
    """
    if isinstance(photo, (bytes, bytearray, memoryview)):
        return bytes(photo), name
    if isinstance(photo, np.ndarray):
        import cv2

        bgr = rgb_of(photo, name)[:, :, ::-1]
        clear = photo.ndim == 3 and photo.shape[2] == 4  # the garment is what is opaque
        pixels = photo[:, :, [2, 1, 0, 3]] if clear else bgr
        return cv2.imencode(".png", np.ascontiguousarray(pixels))[1].tobytes(), name
    if not isinstance(photo, (str, Path)):
        raise PhotoError(
            f"expected {name} as a path, a file's bytes, or an array of uint8 (height, width, 3); found "
            f"{type(photo).__name__}. Convert a Pillow image with np.asarray(image.convert('RGB'))."
        )
    try:
        return Path(photo).read_bytes(), Path(photo).name
    except (OSError, ValueError) as error:  # ValueError: a name with a null byte
        why = error.strerror if isinstance(error, OSError) else error
        raise PhotoError(
            f"expected a photo (JPEG, PNG, WebP) at {str(photo)!r}; found that it cannot be read: {why}. Check the "
            "path."
        ) from error
