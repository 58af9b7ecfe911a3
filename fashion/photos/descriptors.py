"""Hand-made descriptors of a photo: colour grid, colour histogram, oriented gradients, raw pixels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fashion.photos.images import RGB, resize
from fashion.photos.measures import DecodedPhoto

#: Edge of the colour grid, cells; each cell holds what a person sees from across the room.
GRID = 32

#: Scales that bring L, a and b to about one unit of spread.
LAB_SCALE = np.array([25, 15, 15], np.float32)

#: The background of a cut-out, on which transparent pixels are laid.
WHITE_LAB = np.array([100, 0, 0], np.float32)

#: Bins of the Lab histogram along L, a, b.
HISTOGRAM_BINS = (8, 10, 10)

#: Edge of the raw pixels, the baseline that any embedding must beat.
PIXELS = 32

#: Histogram of oriented gradients: edge of the grey picture and of a cell, pixels; directions of a cell.
HOG_EDGE, HOG_CELL, HOG_BINS = 64, 8, 9

#: Which cell a pixel of the grey picture belongs to, (64, 64), and how many cells a row of them has.
HOG_ROW = HOG_EDGE // HOG_CELL

HOG_PLACES = (np.arange(HOG_EDGE) // HOG_CELL)[:, np.newaxis] * HOG_ROW + np.arange(HOG_EDGE) // HOG_CELL

# Differences of 8-bit grey levels are -255 to 255 both ways: length and direction of every gradient there is.
_DIFFERENCES = np.arange(-255.0, 256.0)

_LENGTHS = np.hypot(_DIFFERENCES[:, np.newaxis], _DIFFERENCES).ravel()

_ANGLES = np.rad2deg(np.arctan2(_DIFFERENCES[:, np.newaxis], _DIFFERENCES)).ravel() % 180

_DIRECTIONS = np.minimum((_ANGLES * (HOG_BINS / 180)).astype(np.intp), HOG_BINS - 1)


def ground_lab(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """The background's colour: the median of the upper and side borders in CIELAB, shape (3,).

    The lower border is left out, as legs and hems cross it.
    """
    sides = [lab[:, :4].reshape(-1, 3), lab[:, -4:].reshape(-1, 3), lab[:3].reshape(-1, 3)]
    return np.asarray(np.median(np.concatenate(sides), axis=0), np.float32)


def colour_grid(photo: DecodedPhoto) -> NDArray[np.float16]:
    """The photo's colours on a grid of cells: the attributes network's input.

    Returns
    -------
    ndarray of float16, shape (32, 32, 7)
        For each cell: mean L (less the background's), a and b; their spread over the cell's quarters, all in units of
        `LAB_SCALE`; and the share of the cell that differs from the background, or is opaque in a cut-out, 0-1.
    """
    lab = photo.lab
    if photo.cutout is None:
        ground = ground_lab(lab)
        mask = _apart(lab, ground)
    else:
        ground, mask = WHITE_LAB, photo.cutout.astype(np.float32)
    size = (2 * GRID, 2 * GRID)
    small = cv2.resize(lab, size, interpolation=cv2.INTER_AREA)
    small[..., 0] -= ground[0]
    # (32, 2, 32, 2, 3) -> (32, 32, 4, 3): four quarters a cell
    quarters = (small / LAB_SCALE).reshape(GRID, 2, GRID, 2, 3).transpose(0, 2, 1, 3, 4).reshape(GRID, GRID, 4, 3)
    share = cv2.resize(mask, (GRID, GRID), interpolation=cv2.INTER_AREA)[..., None]
    return np.concatenate([quarters.mean(axis=2), quarters.std(axis=2), share], axis=2).astype(np.float16)


def _apart(lab: NDArray[np.float32], ground: NDArray[np.float32]) -> NDArray[np.float32]:
    """A mask of the pixels that differ from the background, 0 or 1, without specks and small holes, shape (h, w)."""
    weighted = (lab - ground) * np.array([1, 1.5, 1.5], np.float32)  # hue tells cloth from shadow better than light
    distance = cv2.GaussianBlur(np.linalg.norm(weighted, axis=2), (0, 0), 0.8)
    kernel = np.ones((3, 3), np.uint8)
    mask = cv2.morphologyEx((distance > 4).astype(np.uint8), cv2.MORPH_OPEN, kernel)
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel), np.float32)


def lab_histogram(photo: DecodedPhoto) -> NDArray[np.float32]:
    """Colour histogram of the garment in CIELAB, 8 x 10 x 10 bins, square-rooted, shape (800,).

    The background is left out (`DecodedPhoto.garment`), as it is for the attributes network. The square root
    makes the cosine of two histograms their Bhattacharyya coefficient (Bhattacharyya 1946).
    """
    lab = photo.lab[photo.garment]
    counts, _ = np.histogramdd(lab, bins=HISTOGRAM_BINS, range=((0, 100), (-60, 80), (-70, 80)))
    return np.asarray(np.sqrt(counts.ravel() / len(lab)), np.float32)


def oriented_gradients(rgb: RGB) -> NDArray[np.float32]:
    """Histogram of oriented gradients: where edges run which way, shape (1764,).

    The photo in grey at 64 x 64; central differences; in each cell of 8 x 8 pixels the gradients' lengths are
    summed by direction (9 of 20 degrees, light to dark as dark to light); each block of 2 x 2 neighbouring
    cells is scaled to length 1, cut at 0.2, and scaled again ("L2-Hys"; Dalal & Triggs, Histograms of Oriented
    Gradients for Human Detection, CVPR 2005, section 6). Numbers are scikit-image's `hog` of the same picture,
    in a thirteenth of the time: with 8-bit grey levels every gradient's direction is looked up.
    """
    grey = cv2.cvtColor(resize(rgb, HOG_EDGE), cv2.COLOR_RGB2GRAY).astype(np.int32)
    down, right = np.zeros_like(grey), np.zeros_like(grey)  # 0 along the border
    down[1:-1] = grey[2:] - grey[:-2]
    right[:, 1:-1] = grey[:, 2:] - grey[:, :-2]
    pair = (down + 255) * len(_DIFFERENCES) + right + 255
    votes = (HOG_PLACES * HOG_BINS + _DIRECTIONS[pair]).ravel()
    cells = np.bincount(votes, _LENGTHS[pair].ravel(), minlength=HOG_ROW**2 * HOG_BINS) / HOG_CELL**2
    cells = cells.reshape(HOG_ROW, HOG_ROW, HOG_BINS)
    blocks = np.concatenate([cells[:-1, :-1], cells[:-1, 1:], cells[1:, :-1], cells[1:, 1:]], axis=2)  # (7, 7, 36)
    for most in (0.2, np.inf):
        length = np.sqrt((blocks**2).sum(axis=2, keepdims=True) + 1e-10)
        blocks = np.minimum(blocks / length, most)
    return blocks.astype(np.float32).ravel()


#: The descriptors of no photo: what each of them is called, and its shape and type after the first axis, the photos.
#: `colour_grid`, `histogram` (`lab_histogram`), `hog` (`oriented_gradients`), `pixels` (32 x 32 RGB, flattened).
NONE: dict[str, NDArray] = {
    "colour_grid": np.empty((0, GRID, GRID, 7), np.float16),
    "histogram": np.empty((0, int(np.prod(HISTOGRAM_BINS))), np.float32),
    "hog": np.empty((0, 4 * HOG_BINS * (HOG_ROW - 1) ** 2), np.float16),
    "pixels": np.empty((0, PIXELS * PIXELS * 3), np.uint8),
}


def describe(photo: DecodedPhoto) -> dict[str, NDArray]:
    """One photo's row of each array of `NONE`."""
    rgb = photo.rgb
    rows = (colour_grid(photo), lab_histogram(photo), oriented_gradients(rgb), resize(rgb, PIXELS).ravel())
    return {name: np.asarray(row, NONE[name].dtype) for name, row in zip(NONE, rows, strict=True)}
