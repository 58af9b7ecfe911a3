"""Zip and tar archives, read in place: each file by its name, in any order, by several threads."""

from __future__ import annotations

import gzip
import io
import json
import posixpath
import shutil
import tarfile
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from fashion.catalogue.source import Source, require_at_most
from fashion.catalogue.unpacked import unpack
from fashion.core.checksums import fingerprint, sha256_json
from fashion.core.code_closure import closure_of, code_of
from fashion.core.errors import CatalogueError
from fashion.core.files import read_sealed, write_sealed
from fashion.core.texts import kind_of

#: How zip programs write names without saying so: today's in UTF-8, older ones as their system did.
_ZIP_NAMES = ("utf-8", "cp437", "cp850", "cp1252")


class ZipSource(Source):
    """A zip file, read without unpacking it (`zipfile` allows several threads to read)."""

    def __init__(self, path: Path, kept: Path | None = None) -> None:
        super().__init__(path, kept)
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, RuntimeError) as error:
            raise _cannot_be_opened("zip file", path, error) from error
        self._members = {_readings(info)[0]: info for info in self._zip.infolist() if not info.is_dir()}

    def names(self) -> list[str]:  # noqa: D102
        return sorted(self._members)

    def _spellings(self) -> dict[str, tuple[str, ...]]:
        return {name: _readings(info) for name, info in self._members.items()}

    def _read(self, full_name: str, most: int | None) -> bytes:
        size = self._members[full_name].file_size
        require_at_most(most, size, full_name)
        with self._stream(full_name) as stream:
            return stream.read(size + 1)  # no more, whatever the size that the zip names

    def _stream(self, full_name: str) -> BinaryIO:
        return cast(BinaryIO, self._zip.open(self._members[full_name]))

    def needs_copy(self, name: str) -> bool:  # noqa: D102
        info = self._members[self.base + name]
        return info.compress_type != zipfile.ZIP_STORED or bool(info.flag_bits & 1)  # packed, or encrypted

    def _open(self, full_name: str) -> BinaryIO:
        info = self._members[full_name]
        if not self.needs_copy(full_name[len(self.base) :]):
            with self.path.open("rb") as stream:
                stream.seek(info.header_offset + 26)
                lengths = stream.read(4)
            begin = (
                info.header_offset + 30 + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
            )
            return _part(self.path, begin, info.file_size)

        def write(aside: Path) -> None:
            with self._stream(full_name) as packed, aside.open("wb") as target:
                shutil.copyfileobj(packed, target, 2**20)

        stamp = f"{self._signature(full_name)} {fingerprint(self.path)}"
        original = f"{self.path.resolve()}: {full_name}"
        return unpack(self.kept, original, stamp, Path(full_name).suffix, write).open("rb")

    def _signature(self, full_name: str) -> str:
        info = self._members[full_name]
        return f"{info.file_size}-{info.CRC:08x}"


def _readings(info: zipfile.ZipInfo) -> tuple[str, ...]:
    """Possible readings of a member's name, the likeliest first, with `/` between folders whatever the zip uses."""
    names = [info.filename]
    if not info.flag_bits & 0x800 and not info.filename.isascii():  # not said to be in UTF-8
        with suppress(UnicodeEncodeError):
            data = info.filename.encode("cp437")  # as `zipfile` reads it
            names = []
            for encoding in _ZIP_NAMES:
                with suppress(UnicodeDecodeError):
                    names.append(data.decode(encoding))
    return tuple(dict.fromkeys(_inside(name) for name in names))


def _inside(name: str) -> str:
    """A member's name without `./` before it."""
    return posixpath.normpath(name.replace("\\", "/"))


class _Member(NamedTuple):
    """The position of a file's bytes in a tar, and when the file was changed."""

    begin: int
    size: int
    changed: float


class TarSource(Source):
    """A tar file, read through an index of where each file begins; one packed with gzip is unpacked first, once.

    A gzip file can only be read from its beginning, so that photos in the table's order, or one for a page, would each
    cost a pass; the copy keeps memory small and costs the disk what `gunzip` would.
    """

    def __init__(self, path: Path, kept: Path | None = None) -> None:
        super().__init__(path, kept)
        self._tar, self._archive = path, fingerprint(path)
        try:
            if is_gzip(path):
                self._tar = unpack(self.kept, str(path.resolve()), self._archive, ".tar", self._gunzip)
            self._members = self._indexed()
        except (tarfile.TarError, EOFError, ValueError, zlib.error, gzip.BadGzipFile) as error:
            raise _cannot_be_opened("tar file", path, error) from error

    def _indexed(self) -> dict[str, _Member]:
        """The tar's index, kept where there is a folder for it: a hundred thousand headers take seconds to read."""
        if self._kept is None:
            return _index(self._tar)
        path = self._kept / f"{sha256_json(str(self.path.resolve()))[:16]}.json"

        def read(whole: Path) -> dict[str, _Member]:
            return {name: _Member(*member) for name, member in json.loads(whole.read_text(encoding="utf-8")).items()}

        made_by = sha256_json([self._archive, code_of(closure_of(__name__))])
        index = read_sealed(path, read, "the tar is indexed again", made_by)
        if index is None:
            index = _index(self._tar)
            with suppress(OSError):  # a disk that takes nothing costs the next run those seconds
                write_sealed(path, lambda aside: aside.write_text(json.dumps(index), encoding="utf-8"), made_by)
        return index

    def _gunzip(self, aside: Path) -> None:
        with gzip.open(self.path) as packed, aside.open("wb") as target:
            shutil.copyfileobj(packed, target, 2**20)

    def names(self) -> list[str]:  # noqa: D102
        return sorted(self._members)

    def _read(self, full_name: str, most: int | None) -> bytes:
        member = self._members[full_name]
        require_at_most(most, member.size, full_name)
        with self._tar.open("rb") as stream:  # each its own: threads do not move each other's place
            stream.seek(member.begin)
            data = stream.read(member.size)
        if len(data) < member.size:
            raise OSError("the tar is truncated inside this file")
        return data

    def _open(self, full_name: str) -> BinaryIO:
        member = self._members[full_name]
        return _part(self._tar, member.begin, member.size)

    def _signature(self, full_name: str) -> str:
        member = self._members[full_name]  # a tar has no checksum of its files, so that of the whole counts as well
        return f"{member.size}-{member.changed}-{self._archive[:16]}"


def is_gzip(path: Path) -> bool:
    """Whether a file is packed with gzip, by its first bytes."""
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def is_tar(path: Path) -> bool:
    """Whether a file is a tar, packed with gzip or not, by its first bytes."""
    try:
        with gzip.open(path) if is_gzip(path) else path.open("rb") as stream:
            return kind_of(stream.read(512)) == "a tar archive"
    except (OSError, EOFError, zlib.error):
        return False


def _index(path: Path) -> dict[str, _Member]:
    """Each file's place; of two of one name the later counts, as when a tar is unpacked, and a link is its target."""
    members: dict[str, _Member] = {}
    links: dict[str, str] = {}
    with tarfile.open(path, "r:", errorlevel=2) as tar:
        while (info := tar.next()) is not None:
            tar.members.clear()  # type: ignore[attr-defined]  # or a million files' headers stay in memory
            name = _inside(_named(info.name))
            if info.isreg() and not info.issparse():
                members[name] = _Member(info.offset_data, info.size, info.mtime)
            elif info.islnk():
                links[name] = _inside(_named(info.linkname))
            elif info.issym():
                links[name] = _inside(posixpath.join(posixpath.dirname(name), _named(info.linkname)))
        end = tar.offset
    with path.open("rb") as stream:  # `tarfile` takes a damaged header for the archive's end
        stream.seek(end)
        if stream.read(512).strip(b"\0"):
            raise tarfile.ReadError(f"the tar header at byte {end:,} is damaged")
    for name, target in links.items():
        seen = {name}
        while target in links and target not in seen:
            seen.add(target)
            target = links[target]
        if target in members:
            members[name] = members[target]
    return members


def _named(name: str) -> str:
    """A tar's name, which is in UTF-8 or else as an older system wrote it."""
    data = name.encode("utf-8", "surrogateescape")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


class _Part(io.RawIOBase):
    """A part of a file, as a file of its own."""

    def __init__(self, path: Path, begin: int, size: int) -> None:
        super().__init__()
        self._file, self._begin, self._size, self._at = path.open("rb"), begin, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        self._file.seek(self._begin + self._at)
        count = self._file.readinto(memoryview(buffer)[: max(0, self._size - self._at)])
        self._at += count
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def _part(path: Path, begin: int, size: int) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_Part(path, begin, size)))


def _cannot_be_opened(kind: str, path: Path, error: Exception) -> CatalogueError:
    return CatalogueError(
        f"expected a {kind} at {path}; found one that cannot be opened: {error}. Fetch it again, or point "
        "DATA= at the unpacked folder."
    )
