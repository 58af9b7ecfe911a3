"""A photo's pixels as a small JPEG, which browsers and slides can show whatever the photo's own format."""

from __future__ import annotations

import cv2
import numpy as np

from fashion.errors import PhotoError
from fashion.pixels import RGB, shrunk


def bounded(rgb: RGB, edge: int, quality: int = 88) -> bytes:
    """A JPEG whose longer side is at most `edge`; never enlarged.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (height, width, 3)
        From `fashion.pixels.decode`, which has turned it as its EXIF data says.
    edge : int
        Pixels.
    quality : int
        Of the JPEG, 1-100.
    """
    small = shrunk(rgb, edge)
    return cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def squared(rgb: RGB, edge: int) -> bytes:
    """Make a small square photo, such as the map shows.

    The whole photo is kept, reduced by area averaging; what a square has to spare is filled with the median
    colour of the photo's border, which on a studio photo is its background.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (height, width, 3)
        Photo, sRGB.
    edge : int
        Edge of the square in pixels.

    Returns
    -------
    bytes
        JPEG, quality 90. The same photo gives the same bytes.

    Raises
    ------
    PhotoError
        If `rgb` is not such an array.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
        raise PhotoError(
            f"A small square needs a photo as uint8 of shape (height, width, 3), found {rgb.dtype} of shape "
            f"{rgb.shape}; decode the photo with fashion.pixels first."
        )
    scale = edge / max(rgb.shape[:2])
    height, width = (max(1, round(side * scale)) for side in rgb.shape[:2])
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    ground = np.median(np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]]), axis=0)
    square = np.full((edge, edge, 3), ground, np.uint8)
    top, left = (edge - height) // 2, (edge - width) // 2
    square[top : top + height, left : left + width] = small
    bgr = cv2.cvtColor(square, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
