"""A photo's pixels as a JPEG of bounded size, which browsers and slides can show whatever the photo's own format."""

from __future__ import annotations

import cv2
import numpy as np

from fashion.photos import RGB


def bounded(rgb: RGB, edge: int, quality: int = 88) -> bytes:
    """A JPEG whose longer side is at most `edge`; never enlarged.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (height, width, 3)
        From `fashion.photos.decode`, which has turned it as its EXIF data says.
    edge : int
        Pixels.
    quality : int
        Of the JPEG, 1-100.
    """
    scale = edge / max(rgb.shape[:2])
    if scale < 1:
        shape = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
        rgb = np.asarray(cv2.resize(rgb, shape, interpolation=cv2.INTER_AREA), np.uint8)
    return cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
