"""Copies of packed data that can be read at any place: made once, and kept beside the artefacts.

A gzip file gives a photo only after all that lies before it, and so does a Parquet file that is one large row group.
Read as they are, each photo would cost a pass through the file, or the whole of it in memory. A copy costs disk, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from fashion.core.checksums import sha256_json
from fashion.core.errors import CatalogueError
from fashion.core.files import write_whole
from fashion.core.progress import note
from fashion.core.workspace import Workspace

#: Ending of the file beside a copy that says what it is a copy of.
OF = ".of"

#: Their folder, beside those of the catalogues.
FOLDER = "unpacked"


def unpacked_folder(processed: str | Path | None = None) -> Path:
    """The folder of copies: in `processed`, the folder of all artefacts, or the project's own; shared by runs."""
    return Workspace("", processed).stores / FOLDER


def unpack(folder: Path, original: str, signature: str, suffix: str, write: Callable[[Path], object]) -> Path:
    """The copy of a file, made now if it is not there; one of an earlier state of the file is removed.

    Parameters
    ----------
    folder : Path
        From `unpacked_folder`.
    original : str
        What it is a copy of: a path, or a path and a name inside it, behind a colon and a space.
    signature : str
        Changes when the original does.
    suffix : str
        Of the copy, such as ".tar".
    write : callable
        Fills the copy at the path that it is given.

    Raises
    ------
    CatalogueError
        When the folder takes no copy: a full or a read-only disk.
    """
    name = sha256_json(original)[:16]
    path = folder / f"{name}-{sha256_json(signature)[:16]}{suffix}"
    if path.is_file():
        return path
    note(f"unpacking {original} once, to {path}")
    try:
        write_whole(path, write)
    except OSError as error:
        if error.errno is None:  # the original is damaged
            raise
        if not path.is_file():  # on Windows another process may have made it meanwhile, and reads it
            raise CatalogueError(
                f"expected to unpack {original} to {folder}; found: {error.strerror}. Free some space there, or "
                "unpack it yourself and name the unpacked file."
            ) from error
    for other in folder.glob(f"{name}-*"):
        if other != path:
            _remove(other)
    write_whole(path.with_suffix(OF), lambda aside: aside.write_text(original, "utf-8"))
    return path


def tidy(folder: Path) -> None:
    """Remove copies whose originals are gone.

    Where the original's folder is gone, too, or is empty, a drive may only be unmounted: then the copy stays.
    """
    for told in folder.glob(f"*{OF}"):
        try:
            original = told.read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue
        places = [Path(place) for place in _places(original)]
        if not any(map(_may_exist, places)) and any(_holds_files(place.parent) for place in places):
            for copy in folder.glob(f"{told.stem}.*"):
                _remove(copy)


def _places(original: str) -> Iterator[str]:
    """Possible paths of an original: the whole text, then what lies before each colon and space, the longest first."""
    parts = original.split(": ")
    return (": ".join(parts[:count]) for count in range(len(parts), 0, -1))


def _may_exist(path: Path) -> bool:
    """Whether a path exists; true where nobody can tell: in a folder that may not be read, or of too long a name."""
    try:
        return path.exists()
    except OSError:
        return True


def _holds_files(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError:
        return False


def _remove(path: Path) -> None:
    with suppress(OSError):  # it is being read
        path.unlink()
