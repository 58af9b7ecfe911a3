"""Items' photos, as they are or smaller, with addresses that browsers may keep for good."""

from __future__ import annotations

import threading
from collections import OrderedDict

from fashion.photos.headers import read_header
from fashion.photos.images import bounded, decode, jpeg_sides
from fashion.web.shop import Shop

#: Longest sides that are served, pixels; photos are never enlarged.
EDGES = {"small": 320, "large": 960}

#: Bytes of photos held in memory.
HELD = 64 * 2**20


class Pictures:
    """Photos by row and size; the last ones stay in memory."""

    def __init__(self, held: int = HELD) -> None:
        self._held, self._size = held, 0
        self._found: OrderedDict[tuple[int, int, str], tuple[bytes, str]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, shop: Shop, row: int, size: str) -> tuple[bytes, str]:
        """A photo's bytes and media type.

        Raises
        ------
        PhotoError
            When it has vanished or is damaged.
        """
        key = (shop.stamp, row, size)
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        found = smaller(shop.photo(row), str(shop.items["photo"].iloc[row]), EDGES[size])
        with self._lock:
            if key not in self._found:
                self._found[key] = found
                self._size += len(found[0])
            while self._size > self._held and self._found:
                self._size -= len(self._found.popitem(last=False)[1][0])
        return found


def smaller(data: bytes, name: str, edge: int) -> tuple[bytes, str]:
    """A photo whose longer side is at most `edge`: its own bytes where it is a JPEG of that size, else a new JPEG."""
    rgb = decode(data, name, edge)  # for its problems, too
    if max(jpeg_sides(data) or (edge + 1,)) <= edge:
        return data[: read_header(data, name).end], "image/jpeg"  # without a motion photo's film
    return bounded(rgb, edge), "image/jpeg"
