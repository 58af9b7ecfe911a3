"""Atomic file writes, and checksummed caches that are set aside when damaged."""

from __future__ import annotations

import errno
import json
import math
import os
import warnings
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from fashion.core.checksums import sha256_file

T = TypeVar("T")

#: What damaged archives, tables and JSON make their readers raise; NotImplementedError is a RuntimeError.
_DAMAGE = (ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


def write_whole(path: Path, write: Callable[[Path], Any]) -> Path:
    """Let `write` fill a file beside `path`, then rename it: a reader sees the old file or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        write(aside)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    return path


def _plain(value: Any) -> Any:
    """Make NumPy's and pandas' values into JSON's; NaN becomes null, which JSON has a word for."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    return value


def write_json(path: Path, content: Any) -> Path:
    """Write `content` as indented JSON in UTF-8; NumPy values are allowed, NaN becomes null."""
    text = json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return write_whole(path, lambda aside: aside.write_text(text, encoding="utf-8"))


def read_or_set_aside(path: Path, read: Callable[[Path], T], then: str) -> T | None:
    """Read a file that can be made again; a damaged one is set aside, and gives None.

    A damaged file is renamed to end in `.damaged`, with a warning. What the system refuses for another reason, such as
    too many open files, is no damage and is raised.

    Parameters
    ----------
    path : Path
    read : callable
        Reads the file, and raises ValueError, or what an archive's reader raises, where it is not what was written.
    then : str
        What happens now, to end the warning with.
    """
    try:
        return read(path)
    except (OSError, *_DAMAGE) as error:
        # A place beyond the file's end is damage; a file that is gone was set aside by another process.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL, errno.ENOENT):
            raise
        aside = path.with_suffix(".damaged")
        with suppress(FileNotFoundError):
            os.replace(path, aside)
        warnings.warn(
            f"expected {path} as it was written; found it damaged ({error}). Set aside as {aside.name}: {then}",
            stacklevel=3,
        )
        return None


def write_sealed(path: Path, write: Callable[[Path], Any], made_by: str = "") -> Path:
    """Write a file whole, and last its seal: its SHA-256, in a file beside it that ends in `.sha256`.

    A flipped byte may still be read as a number; the seal tells. A file without its seal was not finished (a kill came
    between the two) and counts as absent. `read_sealed` sets a file aside that its seal does not fit.

    Parameters
    ----------
    path : Path
    write : callable
        Fills the file at the path that it is given.
    made_by : str
        Key of what the file was made of, where its name does not carry it; a second line of the seal.
    """
    seal = path.with_suffix(".sha256")
    seal.unlink(missing_ok=True)
    write_whole(path, write)
    text = "\n".join([sha256_file(path), made_by] if made_by else [sha256_file(path)])
    write_whole(seal, lambda aside: aside.write_text(text, encoding="utf-8"))
    return path


def read_sealed(path: Path, read: Callable[[Path], T], then: str, made_by: str = "") -> T | None:
    """Read what `write_sealed` wrote; None where it is absent, unfinished, made by something else, or damaged.

    Parameters
    ----------
    path, read, then
        As `read_or_set_aside` takes them.
    made_by : str
        As it was written: a file of another key is no damage.
    """
    seal = path.with_suffix(".sha256")
    try:
        checksum, _, key = seal.read_text(encoding="utf-8").partition("\n")
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    if key != made_by or not path.is_file():
        return None

    def checked(path: Path) -> T:
        if sha256_file(path) != checksum:
            raise ValueError("its checksum differs")
        return read(path)

    return read_or_set_aside(path, checked, then)


def told_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty where the file is missing or damaged, or holds anything but an object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
