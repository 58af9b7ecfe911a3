"""Measures of one photo: size, perceptual hash, garment and its colour, sharpness, light, ground, thumbnails."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.core.bounds import MOST_READ
from fashion.core.errors import PhotoError
from fashion.photos import images
from fashion.photos.framing import Framing, view
from fashion.photos.images import RGB, Alpha, jpeg_sides, resize, shrunk, squared

if TYPE_CHECKING:
    from fashion.catalogue.source import Source


#: Longer side at which a photo is measured, pixels: what that costs grows with the square of the side.
MEASURED = 320

#: CIELAB units from the background at which a pixel counts as garment; about three just noticeable differences.
GROUND_DISTANCE = 7.0

#: Share of a photo's pixels that counts as its darkest and as its lightest end, and share on its steepest edges.
END, STEEPEST = 0.01, 0.005

#: Share of the photo beyond which a mask is none: it says nothing of where the garment is.
ALL = 0.98

#: Edge of the thumbnails by which near-duplicates are confirmed.
THUMBNAIL = 16

#: Edge of the photos on the interactive map.
TILE = 48


def to_lab(rgb: RGB) -> NDArray[np.float32]:
    """sRGB (uint8) to CIELAB (D65): L 0-100, a and b about -128 to 127; float32, same height and width."""
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


@dataclass(frozen=True)
class DecodedPhoto:
    """A decoded photo and what measures need of it, each made once and when it is first needed.

    Attributes
    ----------
    unpacked : ndarray of uint8, shape (height, width, 3)
        The photo, from `images.decode`; of a large JPEG its reduction.
    data : bytes
        The file that it was unpacked from; empty where it was none.
    alpha : ndarray of uint8, shape (height, width), or None
        Opacity of `unpacked`; None where nothing is transparent.
    """

    unpacked: RGB
    data: bytes = b""
    alpha: Alpha | None = None

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width of the whole photo, as it is shown."""
        height, width = self.unpacked.shape[:2]
        whole = jpeg_sides(self.data) or (height, width)
        turned = (height < width) != (whole[0] < whole[1])
        return (whole[1], whole[0]) if turned else whole

    def view(self, framing: Framing | int) -> RGB:
        """The photo as a network takes it, by `framing.view`; an int stretches it to that many pixels."""
        return view(self.data, self.unpacked, framing)

    @cached_property
    def rgb(self) -> RGB:
        """The photo as it is measured, its longer side at most `MEASURED` pixels, shape (h, w, 3)."""
        return shrunk(self.unpacked, MEASURED)

    @cached_property
    def lab(self) -> NDArray[np.float32]:
        """`rgb` by `to_lab`, shape (h, w, 3)."""
        return to_lab(self.rgb)

    @cached_property
    def cutout(self) -> NDArray[np.bool_] | None:
        """A mask of the opaque part of `rgb`, shape (h, w); None where it is empty, or nearly all (rounded corners)."""
        if self.alpha is None:
            return None
        alpha = shrunk(self.alpha, MEASURED)
        opaque = alpha >= max(int(alpha.max()) / 2, 1)  # the middle of a soft edge, or of a sheer garment's
        return opaque if 0 < opaque.mean() < ALL else None

    @cached_property
    def garment(self) -> NDArray[np.bool_]:
        """A mask of the garment in `rgb`, shape (h, w): a cut-out's own opacity, else by `garment_mask`."""
        return garment_mask(self.lab) if self.cutout is None else self.cutout


def _from_ground(pixels: NDArray[np.float32], lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """CIELAB distance of each pixel from the background's colour, the median of the photo's border."""
    return np.asarray(np.linalg.norm(pixels - np.median(_border(lab), axis=0), axis=-1), np.float32)


def _border(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """The outermost pixels, shape (p, 3)."""
    return np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])


def garment_mask(lab: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Separate the garment from a plain background.

    The background's colour is the median of the photo's border in CIELAB; what is further than
    `GROUND_DISTANCE` from it, with specks removed and holes filled, is garment. Where that leaves
    less than 2% or more than 98% of the photo, the central ellipse is taken instead.

    Parameters
    ----------
    lab : ndarray of float32, shape (height, width, 3)
        From `to_lab`.

    Returns
    -------
    ndarray of bool, shape (height, width)
        Never empty.
    """
    height, width = lab.shape[:2]
    mask = (_from_ground(lab, lab) > GROUND_DISTANCE).astype(np.uint8)
    kernel = np.ones((3, 3), np.uint8)
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel), np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros_like(mask)
    cv2.drawContours(filled, contours, -1, 1, cv2.FILLED)
    if not 0.02 < filled.mean() < ALL:
        filled[:] = 0
        axes = (max(width // 3, 1), max(height // 3, 1))
        cv2.ellipse(filled, (width // 2, height // 2), axes, 0, 0, 360, 1, cv2.FILLED)
    return filled.astype(bool)


def garment_lab(photo: DecodedPhoto) -> NDArray[np.float64]:
    """The garment's colour: the median of its pixels in CIELAB, shape (3,)."""
    return np.asarray(np.median(photo.lab[photo.garment], axis=0), np.float64)


def uneven_border(photo: DecodedPhoto) -> float:
    """Share of the border further than `GROUND_DISTANCE` from its median colour: 0 on a plain background.

    Above a half, the median is the colour of no ground at all, and `garment_mask` has nothing to go by.
    """
    return float((_from_ground(_border(photo.lab), photo.lab) > GROUND_DISTANCE).mean())


def _quantiles(values: NDArray[np.float32], *shares: float) -> tuple[float, ...]:
    """Quantiles of values from 0 to 127, to 1/32: by a histogram, in a quarter of the time of `np.quantile`."""
    counts = cv2.calcHist([values], [0], None, [4096], [-1, 127]).cumsum()
    return tuple(float(place / 32 - 1) for place in np.searchsorted(counts, np.array(shares) * values.size, "right"))


def lightness_ends(lightness: NDArray[np.float32]) -> tuple[float, float]:
    """CIELAB lightness (0-100) below which the darkest hundredth of a photo lies, and above which the lightest does.

    Examples
    --------
    >>> lightness_ends(np.arange(1000, dtype=np.float32).reshape(40, 25) / 10)
    (1.0, 99.0)
    """
    low, high = _quantiles(lightness, END, 1 - END)
    return low, high


def edge_width(lightness: NDArray[np.float32]) -> float:
    """Pixels that the sharpest edges take from the photo's dark end to its light one: many in a blurred photo.

    The range of lightness (`lightness_ends`) over the slope (Sobel) that the steepest `STEEPEST` of the pixels exceed:
    about 2 for a sharp edge, and 2.5 standard deviations of a Gaussian blur. Contrast cancels, so pale photos are no
    blurred ones. The steepest edges count, as plain cloth has no others than its outline.

    Parameters
    ----------
    lightness : ndarray of float32, shape (height, width)
        0-100, at the size at which photos are measured.

    Returns
    -------
    float
        Pixels, at least 1.
    """
    slopes = [cv2.Sobel(lightness, cv2.CV_32F, *along, scale=1 / 8) for along in ((1, 0), (0, 1))]
    (steepest,) = _quantiles(np.asarray(cv2.magnitude(*slopes), np.float32), 1 - STEEPEST)
    low, high = lightness_ends(lightness)
    return max((high - low) / max(steepest, 1 / 32), 1.0)


def perceptual_hash(rgb: RGB) -> str:
    """64-bit perceptual hash (signs of the low frequencies of the grey photo's DCT) as 16 hex digits."""
    import imagehash
    from PIL import Image

    return str(imagehash.phash(Image.fromarray(rgb)))


def decode_photo(data: bytes, name: str = "photo") -> DecodedPhoto:
    """Decode a file as far as measures and networks need it.

    Raises
    ------
    PhotoError
        As `images.decode`.
    """
    rgb, alpha = images.unpack(data, name)
    return DecodedPhoto(rgb, data, alpha)


def open_photo(source: Source, name: str) -> tuple[dict[str, Any], DecodedPhoto | None]:
    """Read a photo and decode it; a bad one raises nothing.

    Returns
    -------
    metadata : dict
        `photo`, `problem` and `problem_kind` (both empty if none), `sha256` and, where it could be read, `bytes`.
    photo : DecodedPhoto or None
        None where there is a problem.
    """
    metadata: dict[str, Any] = {"photo": name, "problem": "", "problem_kind": "", "sha256": ""}
    try:
        data = source.read(name, MOST_READ)
        metadata |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        return metadata, decode_photo(data, name)
    except PhotoError as error:
        return metadata | {"problem": error.problem, "problem_kind": error.kind}, None


def measure(photo: DecodedPhoto) -> dict[str, Any]:
    """A decoded photo's metadata: the rest of `METADATA`; height and width are the whole photo's."""
    garment_l, a, b = garment_lab(photo)
    height, width = photo.sides
    lightness = np.ascontiguousarray(photo.lab[..., 0])
    darkest, lightest = lightness_ends(lightness)
    return {
        "height": height,
        "width": width,
        "phash": perceptual_hash(photo.rgb),
        "thumbnail": resize(photo.rgb, THUMBNAIL).tobytes(),
        "tile": squared(photo.rgb, TILE),
        "garment_l": float(garment_l),
        "garment_a": float(a),
        "garment_b": float(b),
        "edge_width": edge_width(lightness),
        "darkest": darkest,
        "lightest": lightest,
        "uneven_border": uneven_border(photo),
    }


#: Columns of a table of metadata: `photo`, `problem` and `problem_kind` (of a PhotoError; empty if none), `sha256`
#: (hex), `bytes`, `width`, `height` (pixels), `phash` (16 hex digits), `thumbnail` (bytes of 16 x 16 RGB), `tile` (a
#: JPEG of 48 x 48), `garment_l`, `garment_a`, `garment_b` (CIELAB), `edge_width` (pixels), `darkest`, `lightest`
#: (`lightness_ends`), `uneven_border`.
METADATA = ("photo", "problem", "problem_kind", "sha256", "bytes", "width", "height", "phash", "thumbnail", "tile",
            "garment_l", "garment_a", "garment_b", "edge_width", "darkest", "lightest", "uneven_border")  # fmt: skip

#: Columns of bytes among them, too large for the items table.
PICTURES = ("thumbnail", "tile")


def metadata_table(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Metadata as a table with the columns `METADATA`; missing values where there is a problem."""
    return pd.DataFrame(list(rows), columns=list(METADATA))
