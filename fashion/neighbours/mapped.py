"""Unit vectors in memory-mapped files, which all processes that read them share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fashion.core.checksums import array_checksum
from fashion.core.files import read_sealed, write_sealed
from fashion.neighbours.exact import Float, normalise

#: Rows that are in memory while the files are written.
BLOCK = 65_536


class MappedVectors(NamedTuple):
    """Unit vectors, memory-mapped.

    Attributes
    ----------
    rows : ndarray of float32, shape (n, d)
    columns : ndarray of float32, shape (d, n)
        The same, with the dimensions as rows (`products.JoinedProducts`).
    """

    rows: Float
    columns: Float


def mapped_vectors(vectors: NDArray, folder: Path, name: str) -> MappedVectors:
    """The unit rows of `vectors`, from files in a folder; they are written where they are not of these vectors.

    Parameters
    ----------
    vectors : ndarray of float, shape (n, d)
        May be memory-mapped itself.
    folder : Path
    name : str
        The files are `name`.rows.npy and `name`.columns.npy, each with its seal (`files.write_sealed`).

    Raises
    ------
    ArtefactError
        When a vector is not finite.
    OSError
        Where the folder cannot be written to.
    """
    key = array_checksum(vectors)
    n, d = vectors.shape

    def write_rows(aside: Path) -> None:
        kept = np.lib.format.open_memmap(aside, "w+", np.float32, (n, d))
        for first in range(0, n, BLOCK):
            kept[first : first + BLOCK] = normalise(vectors[first : first + BLOCK])
        kept.flush()

    def write_columns(aside: Path) -> None:
        kept = np.lib.format.open_memmap(aside, "w+", np.float32, (d, n))
        for first in range(0, n, BLOCK):
            kept[:, first : first + BLOCK] = rows[first : first + BLOCK].T
        kept.flush()

    rows = _kept(folder / f"{name}.rows.npy", write_rows, key)
    return MappedVectors(rows, _kept(folder / f"{name}.columns.npy", write_columns, key))


def _kept(path: Path, write: Callable[[Path], None], key: str) -> Float:
    def read(whole: Path) -> Float:
        kept: Float = np.load(whole, mmap_mode="r", allow_pickle=False)
        return kept

    kept = read_sealed(path, read, "it is written again", key)
    if kept is None:
        write_sealed(path, write, key)
        kept = read(path)
    return kept
