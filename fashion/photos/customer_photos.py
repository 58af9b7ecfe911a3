"""Customers' photos: simulated ones from a catalogue's photos, and the crops in which a given one is seen."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fashion.photos.images import RGB
from fashion.photos.measures import DecodedPhoto

#: Height of a simulated photo, and its possible widths, pixels: most phones are held upright.
HEIGHT, WIDTHS = 240, (180, 180, 240, 320)

#: Shares of both sides that the crops of a customer's photo keep, after it is cut to a square.
CROPS = (1.0, 0.85)


def crops(rgb: RGB) -> list[RGB]:
    """The middle of a photo, at each of `CROPS`: a square, and what is left of each side.

    Examples
    --------
    >>> [crop.shape for crop in crops(np.zeros((400, 300, 3), np.uint8))]
    [(300, 300, 3), (340, 255, 3)]
    """
    height, width = rgb.shape[:2]
    edge = min(height, width)
    sides = [(edge, edge) if share == 1 else (round(height * share), round(width * share)) for share in CROPS]
    return [
        np.ascontiguousarray(rgb[(height - h) // 2 : (height - h) // 2 + h, (width - w) // 2 : (width - w) // 2 + w])
        for h, w in sides
    ]


def simulate(photo: DecodedPhoto, random: np.random.Generator) -> RGB:
    """A catalogue's photo as a customer might have taken it: on another ground, nearer, turned, in other light.

    The garment is cut out by `measures.garment_mask`, as well as that can: on a busy background it takes some of it
    along.

    Parameters
    ----------
    photo : DecodedPhoto
    random : Generator
        Decides everything: the same state gives the same photo.

    Returns
    -------
    ndarray of uint8, shape (HEIGHT, one of WIDTHS, 3)
    """
    width = int(random.choice(WIDTHS))
    mask = cv2.GaussianBlur(photo.garment.astype(np.float32), (3, 3), 0)
    placed = _placement(photo.garment, width, random)
    garment = cv2.warpAffine(photo.rgb, placed, (width, HEIGHT), flags=cv2.INTER_LINEAR).astype(np.float32)
    cover = cv2.warpAffine(mask, placed, (width, HEIGHT))[..., np.newaxis]
    moved = placed + np.array([[0, 0, random.uniform(0, 7)], [0, 0, random.uniform(0, 7)]])
    shadow = cv2.GaussianBlur(cv2.warpAffine(mask, moved, (width, HEIGHT)), (0, 0), random.uniform(3, 9))
    ground = _ground(width, random) * (1 - random.uniform(0, 0.5) * shadow[..., np.newaxis])
    return _lit(garment * cover + ground * (1 - cover), random)


def _placement(garment: NDArray[np.bool_], width: int, random: np.random.Generator) -> NDArray[np.float64]:
    """The affine map, shape (2, 3), that puts the garment near the middle, at half to all of the photo's size."""
    rows, columns = np.nonzero(garment)
    top, left, bottom, right = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
    scale = random.uniform(0.5, 1.05) * min(HEIGHT / (bottom - top), width / (right - left))
    angle = random.normal(0, 12) if random.random() < 0.85 else random.uniform(-180, 180)
    middle = (left + right) / 2, (top + bottom) / 2
    turn = np.vstack([cv2.getRotationMatrix2D(middle, angle, 1.0), [0, 0, 1]])
    across = scale * random.uniform(0.88, 1.12)  # a phone seldom looks straight down
    place = np.diag([across, scale, 1.0])
    place[0, 2] = width * (0.5 + random.normal(0, 0.06)) - across * middle[0]
    place[1, 2] = HEIGHT * (0.5 + random.normal(0, 0.06)) - scale * middle[1]
    mirror = np.array([[-1.0, 0, width], [0, 1, 0], [0, 0, 1]]) if random.random() < 0.5 else np.eye(3)
    return np.asarray((mirror @ place @ turn)[:2])


def _ground(width: int, random: np.random.Generator) -> NDArray[np.float32]:
    """A bed, floor or wall, shape (HEIGHT, width, 3): a colour in uneven light, folds, perhaps stripes or an edge."""
    hsv = [random.integers(0, 180), 255 * random.beta(1.2, 3), 60 + 195 * random.beta(2, 1.5)]
    colour = cv2.cvtColor(np.array([[hsv]], np.uint8), cv2.COLOR_HSV2RGB).astype(np.float32)
    y, x = np.mgrid[0:HEIGHT, 0:width].astype(np.float32) / np.array([HEIGHT, width], np.float32)[:, None, None]

    def along(angle: float) -> NDArray[np.float32]:
        return np.asarray(np.cos(angle) * x + np.sin(angle) * y, np.float32)

    light = 1 + random.uniform(0, 0.35) * (along(random.uniform(0, 2 * np.pi)) - 0.5)
    for cells in (4, 10, 24):
        coarse = random.normal(0, 1, (cells, cells)).astype(np.float32)
        folds = cv2.resize(coarse, (width, HEIGHT), interpolation=cv2.INTER_CUBIC)
        light *= 1 + random.uniform(0, 0.15) * folds
    if random.random() < 0.35:
        waves = np.sin(2 * np.pi * random.uniform(3, 16) * along(random.choice([0, np.pi / 2]) + random.normal(0, 0.1)))
        light *= 1 + random.uniform(0.05, 0.35) * (np.sign(waves) if random.random() < 0.5 else waves)
    ground = np.asarray(colour * light[..., np.newaxis], np.float32)
    if random.random() < 0.25:
        angle = random.uniform(0, 2 * np.pi)
        beyond = along(angle) - along(angle).mean() > random.uniform(-0.2, 0.35)
        ground[beyond] = 0.3 * ground[beyond] + 0.7 * random.uniform(40, 255, 3)
    return ground + random.normal(0, random.uniform(1, 8), (HEIGHT, width, 1)).astype(np.float32)


def _lit(rgb: NDArray[np.float32], random: np.random.Generator) -> RGB:
    """Another contrast, tint and brightness; less sharp in two of five."""
    lit = 255 * np.clip(rgb / 255, 0, 1) ** random.uniform(0.7, 1.5)
    lit = lit * (1 + random.normal(0, 0.06, 3)) * random.uniform(0.75, 1.1)
    if random.random() < 0.4:
        lit = cv2.GaussianBlur(lit, (0, 0), random.uniform(0.3, 1.2))
    return np.clip(lit, 0, 255).astype(np.uint8)
