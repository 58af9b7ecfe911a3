"""Checksums of files, bytes, JSON and arrays."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def array_checksum(array: NDArray, block: int = 4096) -> str:
    """SHA-256 of an array's kind, shape and content, read a block of rows at a time: memory-mapped ones stay so."""
    parts = [sha256_bytes(np.ascontiguousarray(array[i : i + block]).tobytes()) for i in range(0, len(array), block)]
    return sha256_json([array.dtype.str, array.shape, parts])


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_bytes(data: bytes) -> str:
    """Hex SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_json(content: Any) -> str:
    """Hex SHA-256 of a JSON-able value, independent of the order of keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def short(checksum: str) -> str:
    """The first eight characters of a checksum, for display: enough to tell apart the files of one study."""
    return checksum[:8]


def named(name: str, checksum: str) -> str:
    """A name with its short checksum, for captions, tables and stores; unchanged if it already ends with it.

    Examples
    --------
    >>> named("clip", "579344248a93e23e")
    'clip-57934424'
    >>> named("clip-57934424", "579344248a93e23e")
    'clip-57934424'
    """
    end = f"-{short(checksum)}"
    return name if name.endswith(end) else f"{name}{end}"


def fingerprint(path: Path, without: Collection[Path] = ()) -> str:
    """Say whether a file or folder changed without reading it: names, sizes and times of change, hashed.

    Parameters
    ----------
    path : Path
    without : collection of Path
        Folders inside it that do not count, such as those where our own results go.
    """
    if path.is_file():
        root, files = path, [path]
    else:
        root, files, passed = path.resolve(), [], {folder.resolve() for folder in without}
        for folder, below, names in os.walk(root):
            below[:] = [name for name in below if Path(folder, name) not in passed]
            files += [Path(folder, name) for name in names]
        files.sort()
    signatures = []
    for file in files:
        stat = file.lstat()  # a broken link is a file like any other here; reading it says what is wrong
        signatures.append((file.relative_to(root).as_posix(), stat.st_size, stat.st_mtime_ns))
    return sha256_json(signatures)
