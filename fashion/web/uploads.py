"""Uploaded photos: checked by their headers, decoded in memory, never written to disk."""

from __future__ import annotations

import base64
import ctypes
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np
from numpy.typing import NDArray
from werkzeug.datastructures import FileStorage, MultiDict

from fashion.core.errors import PhotoError
from fashion.photos.headers import Header, heic_readable, is_heic, read_header
from fashion.photos.images import decode_with_alpha, shrunk
from fashion.photos.measures import DecodedPhoto
from fashion.photos.profiles import as_srgb
from fashion.web.security import NotNow

#: Largest photo, bytes and pixels.
MOST_BYTES, MOST_PIXELS = 12 * 2**20, 50_000_000

#: Most memory that opening a photo takes, bytes, its file aside: 33 million pixels of 8-bit colour, 22 of 16 bits; with
#: alpha 16 and 8 million. A JPEG is unpacked no larger than needed, so that `MOST_PIXELS` is its limit in general.
MOST_UNPACKED = 2**27

#: Bytes from which a photo counts as large: one at a time is unpacked, and its memory is returned at once.
LARGE = 2**25

#: Accepted formats, by Pillow's names; HEIC beside them where pillow-heif is installed.
KINDS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP")

#: The same as media types: a phone converts other formats, HEIC among them, for such a form.
TYPES = ",".join(f"image/{kind.lower()}" for kind in KINDS)

#: Photos of any size unpacked at a time: more would gain nothing.
UNPACKED = threading.Semaphore(2)

#: Held while a large photo is unpacked, and the seconds that another one waits for it.
ONE_LARGE, PATIENCE = threading.Semaphore(1), 10.0

#: Longest side after opening, pixels: more than any network's input.
EDGE = 1024


def open_upload(data: bytes) -> DecodedPhoto:
    """Decode an uploaded photo.

    Its header is checked first: format, size and memory must be right before a pixel is unpacked. The photo is turned
    as its EXIF says; an animation gives its first frame; transparent pixels become white and are no garment, and
    colours become sRGB by an embedded profile, as in a catalogue's photos (`images.decode`); 16-bit and CMYK photos
    become 8-bit RGB.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    DecodedPhoto
        The longer side at most `EDGE`; without its file.

    Raises
    ------
    PhotoError
        When it is not a whole photo of an accepted format, or too large.
    NotNow
        When it is large, and another large one does not finish within `PATIENCE` seconds.
    """
    if not data:
        raise PhotoError("expected a photo; found an empty file. Choose one and send it again.")
    if len(data) > MOST_BYTES:
        raise PhotoError(
            f"expected a photo of at most {MOST_BYTES // 2**20} MB; found {len(data) / 2**20:.1f} MB. Save it smaller "
            "and send it again."
        )
    if is_heic(data) and not heic_readable():
        raise PhotoError(f"expected a photo ({', '.join(KINDS)}); found HEIC. Save it as JPEG and send it again.")
    damaged = PhotoError(
        f"expected a whole photo ({', '.join(KINDS)}); found one that cannot be opened. "
        "Save it as JPEG or PNG and send it again."
    )
    try:
        header = read_header(data)
    except PhotoError as error:
        raise damaged from error
    if header.kind not in (*KINDS, "HEIC"):
        raise damaged
    _require_pixels(header.width, header.height)
    try:
        if header.alpha or header.pixel_bytes > 4:  # Pillow cannot lay on white, nor reduce 16 bits
            return _as_in_catalogues(data, header)
        return DecodedPhoto(_by_pillow(data, header))
    except (NotNow, _TooLarge):
        raise
    except Exception as error:  # Pillow raises many kinds on a damaged file
        raise damaged from error


class _TooLarge(PhotoError):
    """A photo that would take too much memory."""


def _require_pixels(width: int, height: int) -> None:
    if width * height > MOST_PIXELS or min(width, height) < 8:
        raise _TooLarge(
            f"expected a photo of at least 8 x 8 and at most {MOST_PIXELS:,} pixels in all; found {width} x "
            f"{height}. Send it in another size."
        )


@contextmanager
def _room(size: int) -> Iterator[None]:
    """Hold room to unpack a photo of `size` bytes within the block: for two photos at a time, one of them large.

    Raises
    ------
    PhotoError
        When it takes more than `MOST_UNPACKED`.
    NotNow
        When another large one takes too long.
    """
    if size > MOST_UNPACKED:
        raise _TooLarge(
            f"expected a photo of at most {MOST_UNPACKED // 2**20} MB unpacked; found {size // 2**20} MB. "
            "Save it smaller, or as JPEG, and send it again."
        )
    if size <= LARGE:
        with UNPACKED:
            yield
        return
    if not ONE_LARGE.acquire(timeout=PATIENCE):
        raise NotNow(503, 5, "Another large photo is being processed. Try again in a few seconds.")
    try:
        with UNPACKED:
            yield
    finally:
        give_back_memory()
        ONE_LARGE.release()


def give_back_memory() -> None:
    """Return freed memory, which glibc would keep, to the system; does nothing elsewhere."""
    with suppress(OSError, AttributeError, TypeError):  # no such library, no such function
        ctypes.CDLL(None).malloc_trim(0)


def _as_in_catalogues(data: bytes, header: Header) -> DecodedPhoto:
    """Decode a photo with transparency or 16 bits as a catalogue's photos are."""
    eight_bits = 4 * header.height * header.width  # RGB and alpha beside the decoder's pixels, to be laid on white
    copies = (2 if header.pixel_bytes > 4 else 1) if header.alpha else 0
    with _room(header.unpacked() + copies * eight_bits):
        rgb, alpha = decode_with_alpha(data)
        return DecodedPhoto(shrunk(rgb, EDGE), alpha=None if alpha is None else shrunk(alpha, EDGE))


def _by_pillow(data: bytes, header: Header) -> NDArray[np.uint8]:
    """Decode an opaque 8-bit photo: shrunk before it is turned, so that only one copy is large."""
    from PIL import Image, ImageOps

    formats = ("HEIF",) if header.kind == "HEIC" else KINDS
    with Image.open(io.BytesIO(data), formats=formats) as photo:
        _require_pixels(*photo.size)  # as Pillow sees them, too
        photo.draft("RGB", (EDGE, EDGE))  # a JPEG is unpacked no larger than needed
        width, height = photo.size
        held = int(header.width * header.height * header.held_bytes)
        with _room(width * height * 4 + held):  # Pillow holds RGB in four bytes
            photo.load()
            # A palette's or a bitmap's photo would be made smaller by leaving pixels out.
            small = photo.convert({"1": "L", "P": "RGB"}[photo.mode]) if photo.mode in ("1", "P") else photo
            small.thumbnail((EDGE, EDGE))
            return np.array(as_srgb(ImageOps.exif_transpose(small), header.icc))


def sent_photo(files: MultiDict[str, FileStorage]) -> bytes | None:
    """The bytes of a form's photo, chosen or taken with the phone's camera; None if it has neither."""
    for name in ("photo", "camera"):
        given = files.get(name)
        if given is not None and given.filename:
            return given.read()
    return None


def as_address(photo: DecodedPhoto, edge: int = 480) -> str:
    """A small copy as a `data:` address, shown beside the results."""
    from fashion.photos.images import bounded

    return "data:image/jpeg;base64," + base64.b64encode(bounded(photo.unpacked, edge, 85)).decode()
