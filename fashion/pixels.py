"""Bytes to RGB arrays, and arrays to other sizes."""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray

from fashion.errors import PhotoError

RGB = NDArray[np.uint8]

#: Pixels that a large JPEG's shorter side keeps at least where it is unpacked smaller than it is: enough to measure a
#: photo, and for the inputs of both backbones as they are by default.
ENOUGH = 200
#: OpenCV's switches for a half, a quarter and an eighth. The JPEG library then leaves out the fine waves of each block
#: of 8 x 8 pixels, and with them most of the work.
REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}


def jpeg_sides(data: bytes) -> tuple[int, int] | None:
    """Height and width of a JPEG as it is shown, by its header; None for another format or a damaged header."""
    if data[:2] != b"\xff\xd8":
        return None
    from PIL.JpegImagePlugin import JpegImageFile

    try:
        photo = JpegImageFile(io.BytesIO(data))
        width, height = photo.size
        turned = photo.getexif().get(0x0112) in (5, 6, 7, 8)  # orientations on a side
    except Exception:  # Pillow raises many kinds on a damaged file, of which `decode` will tell
        return None
    return (width, height) if turned else (height, width)


def reduction(data: bytes, edge: int) -> int:
    """By how much `decode` makes a photo smaller as it unpacks it: 8, 4, 2, or 1 for not at all.

    The most at which the shorter side of a JPEG stays at least `edge`, and at least `ENOUGH`.
    """
    sides = jpeg_sides(data)
    least = max(edge, ENOUGH)
    return next((scale for scale in REDUCED if sides and min(sides) >= scale * least), 1)


def decode(data: bytes, name: str = "photo", edge: int | None = None) -> RGB:
    """Decode JPEG, PNG, WebP or another format of OpenCV's to RGB, turned as its EXIF data says.

    Parameters
    ----------
    data : bytes
        The file's content.
    name : str
        For error messages.
    edge : int, optional
        Of a square that will be made of the photo: a large JPEG is unpacked at a fraction of its size (`reduction`).
        Without it, every photo is unpacked whole.

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
        scale = 1 if edge is None else reduction(data, edge)
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), REDUCED.get(scale, cv2.IMREAD_COLOR))
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
