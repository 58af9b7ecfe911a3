"""Tables that are joined side by side a few rows at a time: no copy of a whole catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

#: Rows of a table: a slice, or row numbers.
Rows = slice | NDArray[np.integer]


class Joined:
    """Tables side by side, of which rows are computed when they are indexed.

    Parameters
    ----------
    length : int
        Rows of the table.
    *parts : callable
        Rows -> ndarray of float32, shape (rows, d).

    Examples
    --------
    >>> table = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    >>> joined = Joined(2, lambda rows: table[rows], lambda rows: -table[rows, :1])
    >>> joined.shape, joined[1:].tolist()
    ((2, 3), [[3.0, 4.0, -3.0]])
    """

    def __init__(self, length: int, *parts: Callable[[Rows], Float]) -> None:
        self._parts = parts
        self.shape = (length, self[:1].shape[1])
        self.ndim = 2

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Rows) -> Float:
        return np.concatenate([part(rows) for part in self._parts], axis=1)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray:
        return np.asarray(self[slice(None)], dtype)
