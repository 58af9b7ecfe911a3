"""Resemblance of photos to a catalogue: the cosine of the nearest item's vector."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fashion.neighbours.exact import normalise

Float = NDArray[np.float32]

#: Gallery rows that are compared at a time.
BLOCK = 4096


def resemblance(
    photos: NDArray,
    gallery: NDArray,
    *,
    lengths: NDArray | None = None,
    own: NDArray | None = None,
    groups: NDArray | None = None,
) -> Float:
    """The largest cosine of each photo to an item of the gallery, shape (m,); -1 where it is compared with none.

    Parameters
    ----------
    photos : ndarray of float, shape (m, d)
    gallery : ndarray of float, shape (n, d)
    lengths : ndarray of float, shape (n,), optional
        The gallery rows' lengths, where they are known.
    own : ndarray, shape (m,), optional
        Group of each photo, whose items do not count: a photo resembles what it was made from.
    groups : ndarray, shape (n,), optional
        Group of each item; needed with `own`.

    Examples
    --------
    >>> gallery = np.array([[1.0, 0.0], [0.0, 2.0]])
    >>> resemblance(np.array([[3.0, 0.0]]), gallery).tolist()
    [1.0]
    >>> resemblance(np.array([[3.0, 0.0]]), gallery, own=np.array([7]), groups=np.array([7, 8])).tolist()
    [0.0]
    """
    units, best = normalise(photos), np.full(len(photos), -1, np.float32)
    for first in range(0, len(gallery), BLOCK):
        part = slice(first, first + BLOCK)
        rows = gallery[part]
        cosines = units @ normalise(rows).T if lengths is None else units @ np.asarray(rows).T / lengths[part]
        if own is not None and groups is not None:
            cosines[own[:, np.newaxis] == groups[part]] = -1
        best = np.maximum(best, cosines.max(axis=1))
    return best
