"""Which items nearly show the same picture as photos that come later: a query's, or those of items that are added.

The rule is that of notebook 03 (`features.same_picture_pairs`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fashion.checks import NEAR_BITS
from fashion.features import TWIN_ALONE, TWIN_WITH_HASH
from fashion.neighbours import normalise

#: Rows of the catalogue that are looked at together.
BLOCK = 8192


def twin_pairs(
    maxima: NDArray, hashes: Sequence[str], new: NDArray, new_hashes: Sequence[str]
) -> list[tuple[int, int]]:
    """Pairs of a new photo and a catalogue's row that nearly show the same picture, sorted.

    Parameters
    ----------
    maxima : ndarray of float32, shape (n, d)
        The catalogue's frozen vectors; read a block at a time, so they may be memory-mapped.
    hashes : sequence of str, length n
        Perceptual hashes, hexadecimal.
    new : ndarray of float32, shape (m, d)
    new_hashes : sequence of str, length m

    Returns
    -------
    list of (int, int)
        Number of the new photo, and the row.
    """
    own, found = normalise(new), []
    codes = [int(code, 16) for code in new_hashes]
    for first in range(0, len(maxima), BLOCK):
        rows = np.asarray(maxima[first : first + BLOCK], np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))  # without a normalised copy of every row
        cosines = own @ rows.T / np.maximum(lengths, np.finfo(np.float32).tiny)
        for number, offset in zip(*np.nonzero(cosines >= TWIN_WITH_HASH), strict=True):
            row = first + int(offset)
            near = (int(hashes[row], 16) ^ codes[number]).bit_count() <= NEAR_BITS
            if cosines[number, offset] >= TWIN_ALONE or near:
                found.append((int(number), row))
    return sorted(found)


def twins_of_new(there: pd.DataFrame, maxima: NDArray, items: pd.DataFrame, new: NDArray) -> list[str]:
    """For each new item the name of the first item before it, in the catalogue or among the new, that repeats it.

    Parameters
    ----------
    there, items : DataFrame
        The catalogue's items and the new ones, with `item` and `phash`.
    maxima, new : ndarray of float32, shapes (n, d) and (m, d)
        Their frozen vectors.

    Returns
    -------
    list of str, length m
        Empty where there is none.
    """
    hashes = items["phash"].tolist()
    twins = dict(reversed(twin_pairs(maxima, there["phash"].tolist(), new, hashes)))
    names = {number: str(there["item"].iloc[row]) for number, row in twins.items()}
    for number, row in twin_pairs(new, hashes, new, hashes):
        if row < number and number not in names:
            names[number] = str(items["item"].iloc[row])
    return [names.get(number, "") for number in range(len(items))]


def joined_groups(groups: NDArray[np.integer], items: pd.DataFrame) -> NDArray[np.int64]:
    """Groups of near-duplicates with those of added items: an item's twin's, or one of its own.

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
