"""A catalogue's files: one folder or one zip, read in place and never written to."""

from __future__ import annotations

import os
import zipfile
import zlib
from abc import ABC, abstractmethod
from pathlib import Path, PurePosixPath, PureWindowsPath

from fashion.core.errors import CatalogueError, PhotoError
from fashion.core.texts import advice_on, kind_of, workbook_of


class Source(ABC):
    """Read access by name to the files of one catalogue.

    Names are POSIX paths relative to `base`, the folder that holds the catalogue's table, so that a zip
    with one top folder and the same files unpacked read alike.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.base = ""

    @abstractmethod
    def names(self) -> list[str]:
        """All file names, relative to the folder or to the zip's root, sorted."""

    @abstractmethod
    def _read(self, full_name: str, most: int | None) -> bytes:
        """The bytes of one file, after `_require_at_most`; raises KeyError or OSError when it cannot be read."""

    @abstractmethod
    def _signature(self, full_name: str) -> str:
        """What `signature` returns; raises KeyError or OSError when there is no such file."""

    def _is_inside(self, full_name: str) -> bool:
        """Whether a name without `..` stays inside, as the system reads it."""
        return True

    def signature(self, name: str) -> str:
        """A file's signature, by size and time or checksum, without reading it; empty where there is no file."""
        try:
            return self._signature(self.base + name)
        except (KeyError, OSError, ValueError):
            return ""

    def read(self, name: str, most: int | None = None) -> bytes:
        """Return the bytes of the file called `name`, relative to the table's folder.

        Raises
        ------
        PhotoError
            When there is no such file, it has more than `most` bytes, or the name leads out of the source.
        """
        windows = PureWindowsPath(name)  # parts at / and at \, and knows drives
        if windows.drive or windows.root or ".." in windows.parts or not self._is_inside(self.base + name):
            raise PhotoError(f"the name {name!r} leads out of {self.path}; names stay inside the catalogue")
        try:
            return self._read(self.base + name, most)
        except (KeyError, FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise PhotoError(f"missing: there is no {name!r} in {self.path.name}") from error
        except (OSError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            # RuntimeError: encrypted, or (NotImplementedError) packed in a way that Python does not know
            raise PhotoError(f"unreadable: {name!r} in {self.path.name}: {error}") from error

    def locate(self, table: str) -> None:
        """Set `base` to the shallowest folder that holds `table`.

        Raises
        ------
        CatalogueError
            When the table is nowhere, or in two places of the same depth.
        """
        names = self.names()
        tables = [name for name in names if name == table or name.endswith("/" + table)]
        depth = min((name.count("/") for name in tables), default=0)
        tables = [name for name in tables if name.count("/") == depth]
        if not tables:
            shown = ", ".join(names[:5]) or "no file at all"
            raise CatalogueError(
                f"expected the table {table!r} in {self.path}; found {shown}"
                f"{' ...' if len(names) > 5 else ''}. Point DATA= at the zip or folder that holds it, or correct "
                "`table` under [source] in the catalogue's TOML."
            )
        if len(tables) > 1:
            raise CatalogueError(
                f"expected one table {table!r} in {self.path}; found {len(tables)}: {', '.join(tables[:5])}. "
                "Name its folder too in `table` under [source]."
            )
        self.base = tables[0][: len(tables[0]) - len(table)]


class FolderSource(Source):
    """A folder on disk."""

    def names(self) -> list[str]:  # noqa: D102
        return sorted(p.relative_to(self.path).as_posix() for p in self.path.rglob("*") if p.is_file())

    def _is_inside(self, full_name: str) -> bool:
        # By the names alone: a link in the folder is the user's own, as photos may lie on another disk.
        folder = os.path.abspath(self.path)
        return Path(os.path.abspath(os.path.join(folder, full_name))).is_relative_to(folder)

    def _read(self, full_name: str, most: int | None) -> bytes:
        _require_at_most(most, (self.path / full_name).stat().st_size, full_name)
        return (self.path / full_name).read_bytes()

    def _signature(self, full_name: str) -> str:
        stat = (self.path / full_name).stat()
        return f"{stat.st_size}-{stat.st_mtime_ns}"


class ZipSource(Source):
    """A zip file, read without unpacking it (`zipfile` allows several threads to read)."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise CatalogueError(
                f"expected a zip file at {path}; found one that cannot be opened: {error}. Fetch it again, or point "
                "DATA= at the unpacked folder."
            ) from error

    def names(self) -> list[str]:  # noqa: D102
        return sorted(info.filename for info in self._zip.infolist() if not info.is_dir())

    def _read(self, full_name: str, most: int | None) -> bytes:
        size = self._zip.getinfo(full_name).file_size
        _require_at_most(most, size, full_name)
        with self._zip.open(full_name) as stream:
            return stream.read(size + 1)  # no more, whatever the size that the zip names

    def _signature(self, full_name: str) -> str:
        info = self._zip.getinfo(full_name)
        return f"{info.file_size}-{info.CRC:08x}"


def _require_at_most(most: int | None, size: int, name: str) -> None:
    if most is not None and size > most:
        raise PhotoError(
            f"too large: expected a file of at most {most:,} bytes; found {name!r} with {size:,}. Save it smaller."
        )


def open_source(path: Path, table: str) -> Source:
    """Open the folder or zip at `path` and find its `table`.

    Parameters
    ----------
    path : Path
        A folder, or a zip file.
    table : str
        The table's name, with as much of its folder as is needed to make it unique.

    Raises
    ------
    CatalogueError
        When `path` does not exist or is neither, or does not hold the table.
    """
    source: Source
    if path.is_dir():
        source = FolderSource(path)
    elif path.is_file():
        _require_zip(path, table)
        source = ZipSource(path)
        book = workbook_of(source.names())
        if book and not any(name == table or name.endswith(f"/{table}") for name in source.names()):
            raise CatalogueError(
                f"expected the catalogue's zip or folder at {path}; found {book}. For a table of it: "
                f"{advice_on(book)} Then name its folder: DATA={path.parent} (make) or --data {path.parent} (fashion)."
            )
    else:
        raise CatalogueError(
            f"expected the catalogue's zip or folder at {path}; found nothing. Give its place with "
            "DATA=path (make) or --data path (fashion)."
        )
    source.locate(table)
    return source


def _require_zip(path: Path, table: str) -> None:
    """Say what a file is that was named in place of a zip or folder."""
    with path.open("rb") as stream:
        head = stream.read(512)
    kind = kind_of(head, names=())
    if kind == "a zip archive":
        return
    folder = f"Name its folder: DATA={path.parent} (make) or --data {path.parent} (fashion)."
    if path.name == PurePosixPath(table).name:
        said, advice = "the table", folder
    elif path.suffix.lower() == ".toml":
        said = "a catalogue's TOML"
        advice = f"Name it as the catalogue, CATALOGUE={path} (make) or --catalogue {path} (fashion)."
    elif "photo" in kind:
        said, advice = kind, "Name the folder or zip that holds the table and the photos."
    elif kind:
        said = kind
        packed = advice_on(kind).startswith("unpack")
        advice = "Unpack it, and name the folder." if packed else f"For a table of it: {advice_on(kind)} {folder}"
    elif head and b"\x00" not in head and path.suffix.lower() != ".zip":
        said, advice = f"a text, {path.name}", f"If it is the table ({table}), name its folder: {path.parent}."
    else:
        return  # a zip that is damaged: what opens it says so
    raise CatalogueError(f"expected the catalogue's zip or folder at {path}; found {said}. {advice}")
