"""Read the IDX files in which the MNIST family of data sets comes."""

from __future__ import annotations

import gzip
import hashlib
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fashion.core.errors import CatalogueError

UNSIGNED_BYTE = 0x08

#: Fashion-MNIST's files in data/sample, with their SHA-256: the sample's source.
IMAGES, LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"

SOURCES = {
    IMAGES: "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    LABELS: "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
}


def read_idx(path: Path, *, sha256: str | None = None) -> NDArray[np.uint8]:
    """Read a gzipped IDX file of unsigned bytes.

    The layout (LeCun, Cortes, Burges, "The MNIST database"): two zero bytes, the type (0x08 for unsigned
    bytes), the number of dimensions, each dimension as a big-endian 32-bit integer, then the values.

    Parameters
    ----------
    path : Path
    sha256 : str, optional
        Expected checksum of the file as it lies on disk, in hex.

    Returns
    -------
    uint8 array of the shape that the file names, read-only

    Raises
    ------
    CatalogueError
        When the file is missing, has another checksum, or is no gzipped IDX file of unsigned bytes.
    """
    restore = "Restore it from the project's repository: git checkout -- data/sample"
    try:
        packed = path.read_bytes()
    except FileNotFoundError as error:
        raise CatalogueError(f"expected a source file of the sample at {path}; nothing is there. {restore}") from error
    found = hashlib.sha256(packed).hexdigest()
    if sha256 is not None and found != sha256:
        raise CatalogueError(
            f"expected sha256 {sha256} of {path}; found {found} ({len(packed):,} bytes): damaged, or another "
            f"file. {restore}"
        )
    try:
        data = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise CatalogueError(f"expected a whole gzip file at {path}; found {error}. {restore}") from error
    if len(data) < 4 or data[:3] != bytes([0, 0, UNSIGNED_BYTE]) or len(data) < 4 + 4 * data[3]:
        raise CatalogueError(
            f"expected an IDX file of unsigned bytes, which begins with 00 00 08, at {path}; found "
            f"{data[:4].hex(' ') or 'nothing'}. {restore}"
        )
    start = 4 + 4 * data[3]
    shape = struct.unpack(f">{data[3]}I", data[4:start])
    expected = int(np.prod(shape, dtype=object))
    if len(data) - start != expected:
        raise CatalogueError(
            f"expected {expected:,} values for the shape {shape} in {path}; found {len(data) - start:,}. {restore}"
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
