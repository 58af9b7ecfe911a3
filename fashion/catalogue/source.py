"""A catalogue's files: one folder, zip or tar, read in place and never written to."""

from __future__ import annotations

import fnmatch
import hashlib
import io
import os
import re
import stat
import threading
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO

from fashion.catalogue.addresses import Downloads, is_address
from fashion.catalogue.parquet import StoredPhotos, place_of
from fashion.catalogue.unpacked import tidy, unpack, unpacked_folder
from fashion.core.checksums import sha256_json
from fashion.core.errors import CatalogueError, PhotoError
from fashion.core.texts import advice_on, fold_text, kind_of, workbook_of

#: As `table`, that there is none: each photo is a row (`listing`).
LISTING = "(photos)"

#: Endings of files that are photos, in lower case.
PHOTOS = (
    *(".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"),
    *(".avif", ".jp2", ".heic", ".heif"),
)

#: Suffixes of photos that a table may leave out, in the order in which they are looked for.
SUFFIXES = (".jpg", ".JPG", ".jpeg", ".png", ".webp")


class Source(ABC):
    """Read access by name to the files of one catalogue.

    Names are POSIX paths relative to `base`, the folder that holds the catalogue's table, so that a zip
    with one top folder and the same files unpacked read alike. A photo that is bytes in a Parquet file is named by
    `parquet.photo_name`; one by address is named by it, and read from `downloads`.

    Parameters
    ----------
    path : Path
    kept : Path, optional
        Folder for copies of what cannot be read at any place (`unpacked`); the project's own if not given.

    Attributes
    ----------
    base : str
        Empty, or a folder with its slash.
    tables : list of str
        Names of the table's files, in order: one, or its shards.
    downloads : Downloads or None
        The photos that are named by addresses.
    """

    def __init__(self, path: Path, kept: Path | None = None) -> None:
        self.path, self._kept = path, kept
        self.base = ""
        self.tables: list[str] = []
        self.downloads: Downloads | None = None
        self._stored = StoredPhotos(self.stream, self._copy_of_column)
        self._looking = threading.Lock()
        self._listed: frozenset[str] = frozenset()
        self._shards: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    @abstractmethod
    def names(self) -> list[str]:
        """All file names, relative to the folder or to the archive's root, sorted."""

    @abstractmethod
    def _read(self, full_name: str, most: int | None) -> bytes:
        """The bytes of one file, after `require_at_most`; raises KeyError or OSError when it cannot be read."""

    @abstractmethod
    def _signature(self, full_name: str) -> str:
        """The result of `signature`; raises KeyError or OSError when there is no such file."""

    def _open(self, full_name: str) -> BinaryIO:
        """A stream on one file that can be read at any place."""
        return io.BytesIO(self._read(full_name, None))

    def _stream(self, full_name: str) -> BinaryIO:
        """A stream on one file that is read from its beginning to its end."""
        return self._open(full_name)

    def _spellings(self) -> dict[str, tuple[str, ...]]:
        """Each file -> the ways in which its name may be read."""
        return {name: (name,) for name in self.names()}

    def _is_inside(self, full_name: str) -> bool:
        """Whether a name without `..` stays inside, as the system reads it."""
        return True

    @property
    def kept(self) -> Path:
        """The folder for copies of what cannot be read at any place."""
        return self._kept or unpacked_folder()

    # -- reading ------------------------------------------------------------------------------------------
    def signature(self, name: str) -> str:
        """A file's signature, by size and time or checksum, without reading it; empty where there is no file.

        That of a photo inside a Parquet file is the file's; that of one by address its content's checksum.
        """
        if is_address(name):
            return self.downloads.signature(name) if self.downloads else ""
        place = place_of(name, self._shards)
        try:
            return self._signature(self.base + (place.file if place else name))
        except (KeyError, OSError, ValueError):
            return ""

    def read(self, name: str, most: int | None = None) -> bytes:
        """Return the bytes of the file called `name`, relative to the table's folder.

        Raises
        ------
        PhotoError
            When there is no such file, it has more than `most` bytes, or the name leads out of the source.
        """
        if is_address(name):
            if self.downloads is None:
                short = "this catalogue's downloads are not known here"
                raise PhotoError(
                    f"expected the photo of {name} on this machine; found none: {short}. Run `make report`, which "
                    "downloads it.",
                    PhotoError.DEAD,
                    f"{name}: {short}",
                )
            require_at_most(most, self.downloads.size(name), name)
            return self.downloads.read(name)
        place = place_of(name, self._shards)
        with self._told(name, place.file if place else name):
            if place is None:
                return self._read(self.base + name, most)
            data = self._stored.read(place)
            if data is None:
                raise KeyError(name)
            require_at_most(most, len(data), name)
            return data

    def file(self, name: str) -> Path | None:
        """The path of `name` as a separate file here; None inside an archive or a table, or where it is missing."""
        if is_address(name):
            return self.downloads.file(name) if self.downloads else None
        return None

    def fetch(self, names: Iterable[str], *, again: bool = False, progress: bool = True) -> None:
        """Download those photos that are named by addresses and not on the disk yet (`addresses.Downloads.fetch`)."""
        if self.downloads is not None and (addresses := [name for name in names if is_address(name)]):
            self.downloads.fetch(addresses, again=again, progress=progress)

    def stream(self, name: str) -> BinaryIO:
        """A stream on a file that can be read at any place, without holding it in memory.

        Raises
        ------
        PhotoError
            As `read`.
        """
        with self._told(name, name):
            return self._open(self.base + name)

    def needs_copy(self, name: str) -> bool:
        """Whether `stream` has to make a copy first."""
        return False

    def head(self, name: str, count: int = 512) -> bytes:
        """The first bytes of a file; raises as `read`."""
        with self._told(name, name), self._stream(self.base + name) as stream:
            return stream.read(count)

    @contextmanager
    def _told(self, name: str, file: str) -> Iterator[None]:
        """Turn errors within the block, of reading `name` in `file`, into a PhotoError."""
        windows = PureWindowsPath(file)  # parts at / and at \, and knows drives
        if windows.drive or windows.root or ".." in windows.parts or not self._is_inside(self.base + file):
            raise PhotoError(
                f"expected the name of a file inside {self.path}; found {name!r}, which leads out of it. Correct the "
                "name, or `photos` in the catalogue's TOML.",
                problem=f"the name {name!r} leads out of {self.path}; names stay inside the catalogue",
            )
        try:
            yield
        except (KeyError, FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            alike = self._alike(_fold_path(name))
            more = f", and {len(alike)} files look like it: {', '.join(alike[:3])}" if len(alike) > 1 else ""
            raise PhotoError(
                f"expected the file {name!r} in {self.path}; found none of that name{more}. Correct the name, or add "
                "the file.",
                PhotoError.MISSING,
                f"there is no {name!r} in {self.path.name}{more}",
            ) from error
        except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            advice = "Copy or download it again"
            if isinstance(
                error, RuntimeError
            ):  # encrypted, or (NotImplementedError) packed in a way Python does not know
                advice = "Unpack it yourself, and name the folder"
            elif isinstance(error, PermissionError):
                advice = "Change its permissions"
            raise PhotoError(
                f"expected to read the file {name!r} in {self.path}; found: {error}. {advice}.",
                PhotoError.UNREADABLE,
                f"{name!r} in {self.path.name}: {error}",
            ) from error

    def _copy_of_column(self, name: str, column: str, write: Callable[[Path], object]) -> Path:
        return unpack(self.kept, f"{self.path.resolve()}: {name}: {column}", self.signature(name), ".parquet", write)

    def table_checksum(self) -> str:
        """SHA-256 of the table's file; of several, of their SHA-256s in order; without a table, of all names."""
        if not self.tables:
            return sha256_json(sorted(self._listed))
        sums = []
        for name in self.tables:
            with self._told(name, name), self._stream(self.base + name) as stream:
                digest = hashlib.sha256()
                while block := stream.read(2**20):
                    digest.update(block)
            sums.append(digest.hexdigest())
        return sums[0] if len(sums) == 1 else sha256_json(sums)

    # -- finding ------------------------------------------------------------------------------------------
    @cached_property
    def _by_folded(self) -> dict[str, list[str]]:
        """Each file's folded name below `base` -> the files of that folded name."""
        by_folded: dict[str, list[str]] = {}
        for name, spellings in self._spellings().items():
            if name.startswith(self.base):
                for folded in {_fold_path(spelling[len(self.base) :]) for spelling in spellings}:
                    by_folded.setdefault(folded, []).append(name[len(self.base) :])
        return by_folded

    def _alike(self, folded: str) -> list[str]:
        with self._looking:  # made once, by the first of several threads
            return self._by_folded.get(folded, [])

    def find(self, name: str) -> str:
        """The file that a name stands for: the name itself, or the only file whose folded name is equal.

        Folded names are equal that differ in letter case, in the form of accents, in `\\` for `/`, or in how a zip has
        written them. A name without suffix finds a photo with one of `SUFFIXES`. What is not there is returned as it
        is.
        """
        if is_address(name) or self.base + name in self._listed or self.signature(name):
            return name
        for suffix in SUFFIXES:
            if self.base + name + suffix in self._listed:
                return name + suffix
        folded = _fold_path(name)
        for ending in dict.fromkeys(("", *map(str.lower, SUFFIXES))):
            if alike := self._alike(folded + ending):
                return alike[0] if len(alike) == 1 else name
        return name

    def locate(self, table: str) -> None:
        """Set `base` to the shallowest folder that holds `table`, and `tables`.

        Parameters
        ----------
        table : str
            The table's name, or its shards' with `*` and `?`, with as much of their folder as is needed; or `LISTING`:
            then `base` is empty, and there are no `tables`.

        Raises
        ------
        CatalogueError
            When the table is nowhere, or in two places of the same depth.
        """
        if table == LISTING:
            self._listed = frozenset(self.names())
            return
        names, steps = self.names(), table.count("/") + 1
        ends = {name: "/".join(name.split("/")[-steps:]) for name in names}
        matches = [name for name in names if ends[name] == table]
        if not matches and re.search(r"[*?]", table):
            matches = [name for name in names if _fits(ends[name], table)]
        matches = matches or [name for name in names if _fold_path(ends[name]) == _fold_path(table)]
        bases = {name: name[: len(name) - len(ends[name])] for name in matches}
        depth = min((base.count("/") for base in bases.values()), default=0)
        bases = {name: base for name, base in bases.items() if base.count("/") == depth}
        if not bases:
            shown = ", ".join(names[:5]) or "no file at all"
            raise CatalogueError(
                f"expected the table {table!r} in {self.path}; found {shown}"
                f"{' ...' if len(names) > 5 else ''}. Point DATA= at the folder, zip or tar that holds it, or correct "
                "`table` under [source] in the catalogue's TOML."
            )
        shards = bool(re.search(r"[*?]", table))
        if len(set(bases.values())) > 1 or (len(bases) > 1 and not shards):
            raise CatalogueError(
                f"expected one table {table!r} in {self.path}; found {len(bases)}: {', '.join([*bases][:5])}. "
                "Name its folder too in `table` under [source]."
            )
        self._listed = frozenset(names)
        self.base = next(iter(bases.values()))
        self.tables = [ends[name] for name in bases]
        self._shards = frozenset(self.tables)


def _fold_path(name: str) -> str:
    """A file's name folded for comparison, without `./` and doubled slashes."""
    parts = fold_text(name.replace("\\", "/")).split("/")
    return "/".join(part for part in parts if part not in ("", "."))


def _fits(name: str, pattern: str) -> bool:
    """Whether a name is, or fits, a pattern with `*` and `?`, part by part; hidden files fit none."""
    parts = list(zip(name.split("/"), pattern.split("/"), strict=False))
    return name.count("/") == pattern.count("/") and all(
        fnmatch.fnmatchcase(part, wanted.replace("[", "[[]")) and not (part.startswith(".") and wanted[:1] in "*?")
        for part, wanted in parts
    )


class FolderSource(Source):
    """A folder on disk."""

    def names(self) -> list[str]:  # noqa: D102
        names, seen = [], set()
        for folder, below, files in os.walk(self.path, followlinks=True):  # photos may lie on another disk
            there = os.stat(folder)
            if there.st_ino and (there.st_dev, there.st_ino) in seen:  # a link that leads back
                below.clear()
                continue
            seen.add((there.st_dev, there.st_ino))
            inside = Path(folder).relative_to(self.path).as_posix()
            names += [name if inside == "." else f"{inside}/{name}" for name in files]
        return sorted(names)

    def _is_inside(self, full_name: str) -> bool:
        # By the names alone: a link in the folder is the user's own, as photos may lie on another disk.
        folder = os.path.abspath(self.path)
        return Path(os.path.abspath(os.path.join(folder, full_name))).is_relative_to(folder)

    def file(self, name: str) -> Path | None:  # noqa: D102
        path = self.path / (self.base + name)
        if is_address(name) or not self._is_inside(self.base + name):
            return super().file(name)
        return path if path.is_file() else None

    def _read(self, full_name: str, most: int | None) -> bytes:
        require_at_most(most, (self.path / full_name).stat().st_size, full_name)
        return (self.path / full_name).read_bytes()

    def _open(self, full_name: str) -> BinaryIO:
        return (self.path / full_name).open("rb")

    def _signature(self, full_name: str) -> str:
        there = (self.path / full_name).stat()
        if stat.S_ISDIR(there.st_mode):
            raise IsADirectoryError(full_name)
        return f"{there.st_size}-{there.st_mtime_ns}"


def is_photo(name: str) -> bool:
    """Whether a file is a photo by its name; hidden files and what macOS packs beside each file are none.

    Examples
    --------
    >>> [is_photo(name) for name in ("red/1.JPG", "notes.txt", ".trash/1.jpg", "__MACOSX/._1.jpg")]
    [True, False, False, False]
    """
    parts = name.split("/")
    hidden = "__MACOSX" in parts or any(part.startswith(".") for part in parts)
    return not hidden and name.lower().endswith(PHOTOS)


def require_at_most(most: int | None, size: int, name: str) -> None:
    """Raise PhotoError where a file has more than `most` bytes."""
    if most is not None and size > most:
        raise PhotoError(
            f"expected a file of at most {most:,} bytes; found {name!r} with {size:,}. Save it smaller.",
            PhotoError.TOO_LARGE,
        )


def open_source(
    path: Path, table: str | None = None, kept: Path | None = None, downloads: Downloads | None = None
) -> Source:
    """Open the folder, zip or tar at `path` and find its `table`.

    Parameters
    ----------
    path : Path
        A folder, a zip file, or a tar file, which may be packed with gzip.
    table : str, optional
        The table's name, or its shards' with `*` and `?`, with as much of their folder as is needed to make it unique;
        without it nothing is located yet (`Source.locate`).
    kept : Path, optional
        Folder for copies of what cannot be read at any place, and for a tar's index; if not given, copies are kept in
        the project's own, and no index is. Copies of what is gone are removed from it.
    downloads : Downloads, optional
        Photos that are named by addresses.

    Raises
    ------
    CatalogueError
        When `path` does not exist or is something else, or does not hold the table.
    """
    from fashion.catalogue.archives import TarSource, ZipSource, is_tar  # here, as they are sources themselves

    if kept is not None:
        tidy(kept)
    source: Source
    if path.is_dir():
        source = FolderSource(path, kept)
    elif not path.is_file():
        raise CatalogueError(
            f"expected the catalogue's folder, zip or tar at {path}; found nothing. Give its place with "
            "DATA=path (make) or --data path (fashion)."
        )
    elif is_tar(path):
        source = TarSource(path, kept)
    else:
        _require_zip(path, table or "")
        source = ZipSource(path, kept)
        if book := workbook_of(source.names()):
            raise _not_a_source(path, book, _folder_of(path))
    source.downloads = downloads
    if table is not None:
        source.locate(table)
    return source


def _require_zip(path: Path, table: str) -> None:
    """Raise CatalogueError for a file that is clearly something other than a zip, and say what it is."""
    with path.open("rb") as stream:
        head = stream.read(512)
    kind = kind_of(head, names=())
    if kind == "a zip archive":
        return
    if _fits(path.name, PurePosixPath(table).name):
        said, advice = "the table", _folder_of(path, table=False)
    elif path.suffix.lower() == ".toml":
        said = "a catalogue's TOML"
        advice = f"Name it as the catalogue, CATALOGUE={path} (make) or --catalogue {path} (fashion)."
    elif "photo" in kind:
        said, advice = kind, "Name the folder, zip or tar that holds the table and the photos."
    elif kind:
        said = kind
        a_table = "workbook" in kind or "Parquet" in kind or path.name.lower().endswith((".csv.gz", ".jsonl.gz"))
        packed = advice_on(kind).startswith("Unpack") and not a_table
        advice = "Unpack it, and name the folder." if packed else _folder_of(path)
    elif head and b"\x00" not in head and path.suffix.lower() != ".zip":
        this = f"the table ({table})" if table else "the table"
        said, advice = f"a text, {path.name}", f"If it is {this}, name its folder: {path.parent}."
    else:
        return  # a zip that is damaged: what opens it says so
    raise _not_a_source(path, said, advice)


def _folder_of(path: Path, *, table: bool = True) -> str:
    named = f", and {path.name} as `table` under [source] of its TOML" if table else ""
    return f"Name its folder: DATA={path.parent} (make) or --data {path.parent} (fashion){named}."


def _not_a_source(path: Path, said: str, advice: str) -> CatalogueError:
    return CatalogueError(f"expected the catalogue's folder, zip or tar at {path}; found {said}. {advice}")
