"""Framing: a photo of any shape becomes a network's square input, stretched, cropped or padded, by some filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # the names of networks are known without OpenCV
    from fashion.photos.images import RGB

#: Resizing rules, in words.
RULES = {
    "stretch": "stretched to a square",
    "crop": "shorter side resized, central square cut out",
    "pad": "longer side resized, padded to a square",
}

#: Filters by name: "area" is OpenCV's area averaging (bilinear where a side grows); the others are Pillow's, which
#: widen with the reduction and so do not alias. transformers and open_clip use these.
FILTERS = ("area", "nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")


@dataclass(frozen=True)
class Framing:
    """Makes a network's input from a photo; the two ImageNet networks stretch by area averaging.

    Attributes
    ----------
    edge : int
        The network's input resolution, pixels.
    rule : {"stretch", "crop", "pad"}
        As in `RULES`.
    filter : str
        One of `FILTERS`.
    resized : int
        With "crop": pixels of the shorter side before the square is cut out; 0 means `edge`.
    fill : tuple of int
        With "pad": RGB of the border.

    Examples
    --------
    >>> Framing(2, "crop", "bicubic")(np.zeros((4, 8, 3), np.uint8)).shape
    (2, 2, 3)
    """

    edge: int
    rule: str = "stretch"
    filter: str = "area"
    resized: int = 0
    fill: tuple[int, int, int] = (0, 0, 0)

    @property
    def shorter(self) -> int:
        """The fewest pixels that a photo's shorter side needs."""
        return self.resized or self.edge

    def __str__(self) -> str:
        first = f" to {self.resized} px" if self.resized not in (0, self.edge) else ""
        return f"{self.edge} px, {RULES[self.rule]}{first} ({self.filter})"

    def __call__(self, rgb: RGB) -> RGB:
        """The network's input, uint8, shape (edge, edge, 3), of a photo (height, width, 3)."""
        if self.rule == "stretch":
            return self._resize(rgb, self.edge, self.edge)
        height, width = rgb.shape[:2]
        if self.rule == "crop":
            scaled, short = self.shorter, min(height, width)
            # Rounded down, as transformers and torchvision do.
            tall, wide = (scaled if side == short else int(scaled * side / short) for side in (height, width))
            top, left = (tall - self.edge) // 2, (wide - self.edge) // 2
            return self._resize(rgb, tall, wide)[top : top + self.edge, left : left + self.edge]
        scale = self.edge / max(height, width)
        tall, wide = (max(1, round(side * scale)) for side in (height, width))
        square = np.empty((self.edge, self.edge, 3), np.uint8)
        square[:] = self.fill
        top, left = (self.edge - tall) // 2, (self.edge - wide) // 2
        square[top : top + tall, left : left + wide] = self._resize(rgb, tall, wide)
        return square

    def _resize(self, rgb: RGB, height: int, width: int) -> RGB:
        if rgb.shape[:2] == (height, width):
            return rgb
        if self.filter == "area":
            import cv2

            from fashion.photos.images import resize

            if height == width:
                return resize(rgb, height)
            shrink = rgb.shape[0] >= height and rgb.shape[1] >= width
            how = cv2.INTER_AREA if shrink else cv2.INTER_LINEAR
            return np.asarray(cv2.resize(rgb, (width, height), interpolation=how), np.uint8)
        from PIL import Image

        picture = Image.fromarray(np.ascontiguousarray(rgb))
        return np.asarray(picture.resize((width, height), Image.Resampling[self.filter.upper()]), np.uint8)


def view(data: bytes, unpacked: RGB, framing: Framing | int) -> RGB:
    """A photo as a network takes it, shape (edge, edge, 3).

    Parameters
    ----------
    data : bytes
        The file.
    unpacked : ndarray of uint8, shape (height, width, 3)
        From `images.unpack`: what is resized, unless a network of a larger input has use for more of the photo.
    framing : Framing or int
        An int stretches to that many pixels.
    """
    from fashion.photos.images import ENOUGH, decode, reduction

    frame = Framing(framing) if isinstance(framing, int) else framing
    edge = frame.shorter
    finer = edge > ENOUGH and reduction(data, edge) != reduction(data, ENOUGH)
    return frame(decode(data, edge=edge) if finer else unpacked)
