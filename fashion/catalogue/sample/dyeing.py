"""Dyeing: a small grey photo of a garment becomes a coloured photo as in a shop's catalogue."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]

Layer = NDArray[np.float32]

EDGE = 128  # pixels of the finished photo's edge

GROUND = 242  # the catalogue's ground, near-white grey (#f2f2f2)

FAINT = 8  # source levels below this are ground

RING = 2  # source pixels of ground that the enlargement needs around the photo

SIDE = 118  # 32 source pixels (28 and two rings) enlarged; leaves a tenth of margin around the garment

CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))

WHITE = 97.0  # CIELAB lightness of a white print


def smoothstep(x: Layer, low: float, high: float) -> Layer:
    """Hermite's step: 0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def fill_holes(mask: NDArray[np.bool_], largest: float = 1.0) -> NDArray[np.bool_]:
    """Fill enclosed holes up to `largest`, a share of the mask's own area; holes connect by edges.

    Parameters
    ----------
    mask : (h, w) bool
    largest : float
        1.0 fills every hole of a normal garment; a small share keeps the loop of a bag's handle open.

    Returns
    -------
    (h, w) bool
    """
    # A rim of ground joins everything outside into one component, the one at the corner.
    ground = np.pad(~mask, 1, constant_values=True).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ground, connectivity=4)
    hole = stats[:, cv2.CC_STAT_AREA] <= largest * mask.sum()
    hole[0] = hole[labels[0, 0]] = False
    return mask | hole[labels][1:-1, 1:-1]


def _spread(values: Layer, known: NDArray[np.bool_], rings: int = 3) -> Layer:
    """Continue the known values outwards, ring by ring, as the mean of known neighbours."""
    weight = known.astype(np.float32)
    out = np.where(known, values, 0).astype(np.float32)
    for _ in range(rings):
        near = cv2.blur(weight, (3, 3), borderType=cv2.BORDER_CONSTANT)
        mean = cv2.blur(out, (3, 3), borderType=cv2.BORDER_CONSTANT) / np.maximum(near, 1e-6)
        new = (weight == 0) & (near > 1e-6)
        out[new], weight[new] = mean[new], 1
    return np.where(weight > 0, out, values).astype(np.float32)


def _enlarge(small: Layer) -> Layer:
    big = cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return np.pad(big, (EDGE - SIDE) // 2, mode="edge")


def garment_layers(grey: Grey, *, largest_hole: float = 1.0) -> tuple[Layer, Layer]:
    """Part a garment from its ground and enlarge it (cubic): its cloth and its soft mask.

    An edge pixel of the source is cloth mixed with ground, so its share of the garment is its level over the
    level of the cloth beside it; the cloth itself is continued past its edge, so that no ground shines in (no
    halo). Holes are filled, or white prints, as light as the ground, become holes.

    Parameters
    ----------
    grey : (28, 28) uint8
        Fashion-MNIST photo: 0 is ground, 255 the darkest cloth.
    largest_hole : float
        See `fill_holes`.

    Returns
    -------
    shade : (128, 128) float32 in [0, 255]
        0 is white cloth, 255 the darkest; meaningful where `alpha` is above 0.
    alpha : (128, 128) float32 in [0, 1]
        The garment's share in each pixel of the finished photo.
    """
    padded = np.pad(grey, RING).astype(np.float32)
    whole = fill_holes(padded >= FAINT, largest_hole)
    core = cv2.erode(whole.astype(np.uint8), CROSS) > 0
    beside = _spread(padded, core)
    share = np.where(core, 1, np.clip(padded / (0.9 * np.clip(beside, 40, None)), 0, 1)) * whole
    # The blur takes the stairs of 28 pixels out of the outline.
    alpha = smoothstep(cv2.GaussianBlur(_enlarge(share.astype(np.float32)), (0, 0), 1.2), 0.25, 0.75)
    cloth = np.where(whole & ~core, np.maximum(padded, beside), padded)
    return np.clip(_enlarge(_spread(cloth.astype(np.float32), whole)), 0, 255), alpha


def garment_alpha(grey: Grey, *, largest_hole: float = 1.0) -> Layer:
    """The soft mask of `garment_layers` alone: (28, 28) uint8 to (128, 128) float32 in [0, 1]."""
    return garment_layers(grey, largest_hole=largest_hole)[1]


def dye(shade: Layer, alpha: Layer, lab: tuple[float, float, float]) -> NDArray[np.uint8]:
    """Dye a garment: its median tone takes the dye, lighter cloth goes to white, darker cloth to shadow.

    Parameters
    ----------
    shade : (h, w) float32 in [0, 255]
        0 is white cloth, 255 the darkest.
    alpha : (h, w) float32 in [0, 1]
    lab : (3,) float
        CIELAB of the dye (D65).

    Returns
    -------
    (h, w, 3) uint8 RGB on the catalogue's ground
    """
    photo = np.full((*alpha.shape, 3), GROUND, np.uint8)
    left, top, width, height = cv2.boundingRect((alpha > 0).astype(np.uint8))
    box = (slice(top, top + height), slice(left, left + width))
    inside, share = alpha[box] > 0.5, alpha[box][..., None]
    if not inside.any():
        return photo
    tone = 255 - shade[box]
    middle = float(np.median(tone[inside]))
    # Black cloth shows its folds in few grey levels: the smaller exponent brings them out.
    exponent = 0.65 + 0.3 * min(middle / 100, 1.0)
    light = 0.93 * np.clip((tone - middle) / max(255 - middle, 1.0), 0, 1) ** exponent
    dark = 0.7 * np.clip((middle - tone) / (middle + 60), 0, 1)
    # Cloth turns away from the light towards its outline: this also parts white from the ground.
    depth = cv2.distanceTransform(np.pad(inside, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    rim = 0.06 * np.exp(-depth / 1.5) + 0.08 * np.exp(-depth / 7)
    chroma = (1 - light) * (1 - dark / 2)
    dye_l, dye_a, dye_b = (float(value) for value in lab)
    lightness = (dye_l * (1 - light) + WHITE * light) * (1 - dark) * (1 - rim)
    cloth = cv2.merge([lightness, dye_a * chroma, dye_b * chroma])
    rgb = np.clip(cv2.cvtColor(cloth, cv2.COLOR_LAB2RGB), 0, 1) * 255
    photo[box] = np.rint(rgb * share + GROUND * (1 - share))
    return photo


def gift_box(lab: tuple[float, float, float]) -> NDArray[np.uint8]:
    """Draw a ribboned gift box in a dye: the sample's goods that are no garments. (128, 128, 3) uint8 RGB."""
    scale = 4  # drawn large and reduced, for smooth edges
    shade = np.zeros((EDGE * scale, EDGE * scale), np.float32)
    alpha = np.zeros_like(shade)

    def box(left: int, top: int, right: int, bottom: int, level: float) -> None:
        corners = ((left * scale, top * scale), (right * scale, bottom * scale))
        cv2.rectangle(shade, *corners, level, cv2.FILLED)
        cv2.rectangle(alpha, *corners, 1.0, cv2.FILLED)

    for side in (-1, 1):
        bow = ((64 + 12 * side) * scale, 31 * scale), (11 * scale, 6 * scale)
        for layer, level in ((shade, 40.0), (alpha, 1.0)):
            cv2.ellipse(layer, *bow, 25 * side, 0, 360, level, 5 * scale)
    box(26, 54, 102, 114, 150)
    box(20, 38, 108, 55, 135)
    box(58, 38, 70, 114, 40)

    def reduce(layer: Layer) -> Layer:
        return np.asarray(cv2.resize(layer, (EDGE, EDGE), interpolation=cv2.INTER_AREA), np.float32)

    return dye(reduce(shade), reduce(alpha), lab)
