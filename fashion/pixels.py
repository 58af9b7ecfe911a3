"""Bytes to RGB arrays, and arrays to other sizes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fashion.errors import PhotoError

RGB = NDArray[np.uint8]


def decode(data: bytes, name: str = "photo") -> RGB:
    """Decode JPEG, PNG, WebP or another format of OpenCV's to RGB, turned as its EXIF data says.

    Parameters
    ----------
    data : bytes
        The file's content.
    name : str
        For error messages.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        RGB, 0-255; grey photos have three equal channels, transparency is dropped.

    Raises
    ------
    PhotoError
        When the bytes are no image, or a JPEG or PNG is cut short (OpenCV would fill the rest with grey).
    """
    if not data:
        raise PhotoError(f"empty: {name!r} has no bytes")
    # In a JPEG's data a marker byte is always stuffed, so the end marker after the last scan is the file's own.
    if data[:2] == b"\xff\xd8" and data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
        raise PhotoError(f"truncated: the JPEG {name!r} ends after {len(data)} bytes without its end marker")
    if data[:4] == b"\x89PNG" and b"IEND" not in data[-64:]:
        raise PhotoError(f"truncated: the PNG {name!r} ends after {len(data)} bytes without its end chunk")
    try:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise PhotoError(f"not an image: {name!r} ({error.err or 'OpenCV cannot decode it'})") from error
    if bgr is None:
        raise PhotoError(f"not an image: {name!r} starts with the bytes {data[:8]!r}")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def resize(rgb: RGB, edge: int) -> RGB:
    """Resize to a square of `edge` pixels, aspect not kept, as the original study did.

    Area averaging when both sides shrink (no aliasing), bilinear otherwise: the one filter rule used everywhere.
    """
    height, width = rgb.shape[:2]
    if (height, width) == (edge, edge):
        return rgb
    shrink = height >= edge and width >= edge
    size = (edge, edge)
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR), np.uint8)


def shrunk(rgb: RGB, edge: int) -> RGB:
    """Shrink to a longer side of `edge` pixels by area averaging, aspect kept; a smaller photo stays as it is."""
    height, width = rgb.shape[:2]
    scale = edge / max(height, width)
    if scale >= 1:
        return rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
