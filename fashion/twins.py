"""Which items nearly show the same picture as photos that come later: a query's, or those of items that are added.

The rule is that of notebooks 01 and 03 (`checks.pixel_difference`, `features.same_picture_pairs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.checks import NEAR_BITS
from fashion.features import TWIN_ALONE, TWIN_WITH_HASH
from fashion.neighbours import normalise

#: Mean difference of photos at 16 x 16, of 255, up to which they are one picture; notebook 01's `twin_difference`.
TWIN_PIXELS = 4.0
#: Rows of the catalogue that are looked at together.
BLOCK = 8192


@dataclass(frozen=True)
class Pictures:
    """What near-duplicates are told by.

    Attributes
    ----------
    maxima : ndarray of float32, shape (n, d)
        Frozen vectors; read a block at a time, so they may be memory-mapped.
    hashes : sequence of str, length n
        Perceptual hashes, hexadecimal.
    pixels : ndarray of uint8, shape (n, 3072)
        Photos at 32 x 32, RGB, flattened.
    """

    maxima: NDArray[np.float32]
    hashes: Sequence[str]
    pixels: NDArray

    def __len__(self) -> int:
        return len(self.hashes)

    @cached_property
    def codes(self) -> NDArray[np.uint64]:
        """The hashes as numbers, shape (n,)."""
        return np.array([int(code, 16) for code in self.hashes], np.uint64)

    @cached_property
    def lengths(self) -> NDArray[np.float32]:
        """Lengths of the frozen vectors, shape (n,), at least the smallest positive number; without a copy of them."""
        blocks = [_lengths(np.asarray(self.maxima[i : i + BLOCK], np.float32)) for i in range(0, len(self), BLOCK)]
        return np.concatenate([np.empty(0, np.float32), *blocks])


def twin_pairs(known: Pictures, new: Pictures) -> list[tuple[int, int]]:
    """Pairs of a new photo and a known one that nearly show the same picture, sorted.

    They do when their vectors' cosine is at least .98; or when their hashes differ by at most 4 bits and the cosine is
    at least .9, or the photos at 16 x 16 differ by at most 4 of 255 on average.

    Returns
    -------
    list of (int, int)
        Number of the new photo, and the known one's row.
    """
    own, found = normalise(new.maxima), []
    for first in range(0, len(known), BLOCK):
        rows = np.asarray(known.maxima[first : first + BLOCK], np.float32)
        cosines = own @ rows.T / known.lengths[first : first + BLOCK]  # (m, b)
        for number in range(len(new)):
            near = np.bitwise_count(known.codes[first : first + BLOCK] ^ new.codes[number]) <= NEAR_BITS
            same = (cosines[number] >= TWIN_ALONE) | (near & (cosines[number] >= TWIN_WITH_HASH))
            for offset in np.flatnonzero(near & ~same):
                row = first + int(offset)
                same[offset] = _difference(known.pixels[row], new.pixels[number]) <= TWIN_PIXELS
            found += [(number, first + int(offset)) for offset in np.flatnonzero(same)]
    return sorted(found)


def _lengths(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.maximum(np.sqrt(np.einsum("ij,ij->i", rows, rows)), np.finfo(np.float32).tiny)


def _difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Mean absolute difference of two photos, each reduced from 32 x 32 to 16 x 16."""
    apart = one.astype(np.float32) - other.astype(np.float32)
    return float(np.abs(apart.reshape(16, 2, 16, 2, 3).mean(axis=(1, 3))).mean())


def twins_of_new(names: Sequence[str], known: Pictures, new_names: Sequence[str], new: Pictures) -> list[str]:
    """For each new item the name of the first item before it, in the catalogue or among the new, that repeats it.

    Returns
    -------
    list of str, length m
        Empty where there is none.
    """
    twins = dict(reversed(twin_pairs(known, new)))
    found = {number: names[row] for number, row in twins.items()}
    for number, row in twin_pairs(new, new):
        if row < number and number not in found:
            found[number] = new_names[row]
    return [found.get(number, "") for number in range(len(new))]


def joined_groups(groups: NDArray[np.integer], items: pd.DataFrame) -> NDArray[np.int64]:
    """Groups of near-duplicates with those of added items: its twin's (the first one's, of several), or one of its own.

    Parameters
    ----------
    groups : ndarray of int, shape (n,)
        Of the report's own items.
    items : DataFrame, n + m rows
        The report's items and then the added ones, with `item` and `twin`, from `additions.with_additions`.

    Returns
    -------
    ndarray of int64, shape (n + m,)
    """
    found = np.concatenate([groups, np.zeros(len(items) - len(groups), np.int64)]).astype(np.int64)
    row_of = {name: row for row, name in enumerate(items["item"])}
    free = int(groups.max(initial=-1)) + 1
    for row, twin in enumerate(items["twin"].iloc[len(groups) :], start=len(groups)):
        if twin and row_of.get(twin, row) < row:
            found[row] = found[row_of[twin]]
        else:
            found[row], free = free, free + 1
    return found
