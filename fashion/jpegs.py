"""A photo's pixels as a JPEG of bounded size, which browsers and slides can show whatever the photo's own format."""

from __future__ import annotations

import cv2

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
