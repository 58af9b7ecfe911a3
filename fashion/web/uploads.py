"""Photos from visitors: measured before they are opened, opened in memory, never written anywhere."""

from __future__ import annotations

import base64
import io
import threading
import warnings

import numpy as np
from numpy.typing import NDArray
from werkzeug.datastructures import FileStorage, MultiDict

from fashion.errors import PhotoError

#: Bytes and pixels at most.
MOST_BYTES, MOST_PIXELS = 12 * 2**20, 50_000_000
#: Kinds that are taken, as Pillow calls them.
KINDS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
#: The same as media types: a phone that takes other kinds turns its photo into one of them for such a form.
TYPES = ",".join(f"image/{kind.lower()}" for kind in KINDS)
#: Photos unpacked at a time: the largest that is allowed takes some 200 MB for a moment, and more at once gain nothing.
UNPACKED = threading.Semaphore(2)
#: Longest side after opening: more than any network here sees.
EDGE = 1024


def open_upload(data: bytes) -> NDArray[np.uint8]:
    """Open a visitor's photo.

    Its header is read first: kind and size must be right before a pixel is unpacked. It is turned as its EXIF says;
    of an animation the first frame counts; transparent parts become white; 16-bit and CMYK photos become 8-bit RGB.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        RGB, the longer side at most `EDGE`.

    Raises
    ------
    PhotoError
        When it is no whole photo of a kind that is taken, or too large.
    """
    from PIL import Image, ImageOps

    if not data:
        raise PhotoError("expected a photo; found an empty file. Choose one and send it again.")
    if len(data) > MOST_BYTES:
        raise PhotoError(f"expected a photo of at most {MOST_BYTES // 2**20} MB; found {len(data) / 2**20:.1f} MB.")
    try:
        with UNPACKED, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow's own limit; ours is checked below, before anything is unpacked
            with Image.open(io.BytesIO(data), formats=KINDS) as photo:
                width, height = photo.size
                if width * height > MOST_PIXELS or min(width, height) < 8:
                    raise PhotoError(
                        f"expected a photo of 8 x 8 to {MOST_PIXELS:,} pixels in all; found {width} x {height}."
                    )
                photo.draft("RGB", (EDGE, EDGE))  # a JPEG is unpacked no larger than needed
                photo.load()
                turned = ImageOps.exif_transpose(photo) or photo
                turned.thumbnail((EDGE, EDGE))
                return _rgb(turned)
    except PhotoError:
        raise
    except Exception as error:  # Pillow raises many kinds on a damaged file
        raise PhotoError(
            f"expected a whole photo ({', '.join(KINDS)}); this one cannot be opened. "
            "Save it as JPEG or PNG and send it again."
        ) from error


def _rgb(photo) -> NDArray[np.uint8]:  # type: ignore[no-untyped-def]
    from PIL import Image

    if photo.mode.startswith("I") or photo.mode == "F":  # 16 bits or more a pixel, grey
        grey = np.asarray(photo, np.float64)
        top = 65535.0 if grey.max() > 255 else 255.0
        grey8 = np.clip(grey / top * 255, 0, 255).astype(np.uint8)
        return np.repeat(grey8[..., np.newaxis], 3, axis=2)
    if photo.mode in ("RGBA", "LA", "PA") or "transparency" in photo.info:
        photo = photo.convert("RGBA")
        ground = Image.new("RGBA", photo.size, "white")
        photo = Image.alpha_composite(ground, photo)
    return np.asarray(photo.convert("RGB"), np.uint8).copy()


def sent_photo(files: MultiDict[str, FileStorage]) -> bytes | None:
    """The bytes of the photo that a form brings, chosen or taken with the phone's camera; None where it has neither."""
    for name in ("photo", "camera"):
        given = files.get(name)
        if given is not None and given.filename:
            return given.read()
    return None


def as_png(rgb: NDArray[np.uint8]) -> bytes:
    """A photo's bytes, losslessly, for what reads photos from bytes."""
    import cv2

    return cv2.imencode(".png", rgb[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def as_address(rgb: NDArray[np.uint8], edge: int = 480) -> str:
    """A small copy as a `data:` address, to show the visitor what was sent."""
    from fashion.jpegs import bounded

    return "data:image/jpeg;base64," + base64.b64encode(bounded(rgb, edge, 85)).decode()
