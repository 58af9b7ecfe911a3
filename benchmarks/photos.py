"""Photos for the benchmarks: the sample's garments, enlarged to a shop's usual size, with the grain of a camera."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from fashion.catalogue.sample.idx import read_idx
from fashion.catalogue.source import Source
from fashion.core.paths import project_root
from fashion.photos.images import RGB, decode, resize

WIDTH, HEIGHT = 400, 600


def write_photos(folder: Path, count: int, seed: int = 0) -> list[str]:
    """Write `count` JPEGs of 400 x 600 pixels (some 40 KB each), all different; return their names in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    garments = read_idx(project_root() / "data/sample/t10k-images-idx3-ubyte.gz")
    names = []
    for number in range(count):
        grey = cv2.resize(garments[number % len(garments)], (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        tint = random.uniform(0.4, 1, 3)
        rgb = 255 - (grey[..., np.newaxis] * tint) + random.normal(0, 6, (HEIGHT, WIDTH, 3))
        name = f"{number:05d}.jpg"
        cv2.imwrite(str(folder / name), np.clip(rgb, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 90])
        names.append(name)
    return names


def read_photo(source: Source, name: str, edge: int) -> RGB:
    """Read, decode and resize one photo: uint8 RGB, shape (edge, edge, 3)."""
    return resize(decode(source.read(name), name, edge), edge)
