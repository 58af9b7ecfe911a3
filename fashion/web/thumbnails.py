"""Items' photos in the sizes that pages show."""

from __future__ import annotations

from fashion.core.kept import Kept
from fashion.photos.headers import read_header
from fashion.photos.images import bounded, decode, jpeg_sides
from fashion.web.shop import Shop

#: Longest side of each size, pixels; photos are never enlarged.
EDGES = {"small": 320, "large": 960}

#: Bytes of photos in the cache.
HELD = 64 * 2**20


class Pictures:
    """An in-memory cache of photos by row and size, least recent out first."""

    def __init__(self, held: int = HELD) -> None:
        self._kept: Kept[tuple[bytes, str]] = Kept(held, lambda photo: len(photo[0]))

    def get(self, shop: Shop, row: int, size: str) -> tuple[bytes, str]:
        """A photo's bytes and media type.

        Raises
        ------
        PhotoError
            When it is missing or damaged.
        """

        def make() -> tuple[bytes, str]:
            return smaller(shop.photo(row), str(shop.items["photo"].iloc[row]), EDGES[size])

        return self._kept.get((shop.stamp, row, size), make)


def smaller(data: bytes, name: str, edge: int) -> tuple[bytes, str]:
    """A photo of at most `edge` pixels a side: its own bytes if it is a small JPEG, else a new JPEG."""
    rgb = decode(data, name, edge)  # also raises for a damaged photo
    if max(jpeg_sides(data) or (edge + 1,)) <= edge:
        return data[: read_header(data, name).end], "image/jpeg"  # without a motion photo's film
    return bounded(rgb, edge), "image/jpeg"
