"""Bytes to RGB arrays, and arrays to other sizes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fashion.errors import PhotoError

RGB = NDArray[np.uint8]

#: What a large JPEG keeps of its shorter side at least where it is unpacked smaller than it is: enough for the inputs
#: of both backbones as they are by default.
ENOUGH = 200
#: What it keeps of its longer side at least: next to `photos.MEASURED`, so that all large photos are measured alike.
LONG_ENOUGH = 300
#: OpenCV's switches for an eighth, a quarter and a half. The JPEG library then leaves out the fine waves of each block
#: of 8 x 8 pixels, and with them most of the work.
REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}
#: Markers of a JPEG's frame header, which says its size: all of C0 to CF but tables (C4, CC) and a reserved one (C8).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: Markers that stand alone, without a length.
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})


def jpeg_sides(data: bytes) -> tuple[int, int] | None:
    """Height and width in a JPEG's header, before any turn that its EXIF data asks for; None for other files.

    Found by going from marker to marker up to the frame header (ITU-T T.81, annex B).
    """
    if data[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _FRAMES:
            height, width = (int.from_bytes(data[place : place + 2], "big") for place in (at + 5, at + 7))
            return (height, width) if height and width else None
        if marker == 0xFF:  # a byte that fills up
            at += 1
        else:
            at += 2 if marker in _ALONE else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def reduction(data: bytes, edge: int) -> int:
    """By how much `decode` makes a photo smaller as it unpacks it: 8, 4, 2, or 1 for not at all.

    The most at which a JPEG's shorter side keeps `edge` pixels, and `ENOUGH`, and its longer one `LONG_ENOUGH`,
    and at which the two still differ if they did: by that it is known which of them is the height.
    """
    sides = jpeg_sides(data)
    if sides is None:
        return 1
    short, long = sorted(sides)
    for scale in REDUCED:
        differ = short == long or -(-short // scale) != -(-long // scale)  # OpenCV rounds up
        if short >= scale * max(edge, ENOUGH) and long >= scale * LONG_ENOUGH and differ:
            return scale
    return 1


def decode(data: bytes, name: str = "photo", edge: int | None = None) -> RGB:
    """Decode JPEG, PNG, WebP or another format of OpenCV's to RGB, turned as its EXIF data says.

    Parameters
    ----------
    data : bytes
        The file's content.
    name : str
        For error messages.
    edge : int, optional
        Pixels of the shorter side that suffice: a large JPEG is unpacked at a fraction of its size (`reduction`).
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


def unpack(data: bytes, name: str = "photo") -> RGB:
    """`decode` as far as measures, and networks of up to `ENOUGH` pixels, need a photo."""
    return decode(data, name, ENOUGH)


def view(data: bytes, unpacked: RGB, edge: int) -> RGB:
    """A photo as a network takes it: `decode(data, edge=edge)` resized, shape (edge, edge, 3).

    Parameters
    ----------
    data : bytes
        The file.
    unpacked : ndarray of uint8, shape (height, width, 3)
        From `unpack`: what is resized, unless a network of a larger input has use for more of the photo.
    edge : int
    """
    finer = edge > ENOUGH and reduction(data, edge) != reduction(data, ENOUGH)
    return resize(decode(data, edge=edge) if finer else unpacked, edge)
