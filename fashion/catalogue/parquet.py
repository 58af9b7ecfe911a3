"""Parquet: a table's columns as text, and photos that are bytes in a column, read one at a time.

A column inside a struct has both names, as Hugging Face's `image.bytes` and `image.path`. A photo's name is its file,
column and row: `train-00000.parquet/image.bytes/0000017`, as if the file were a folder.
"""

from __future__ import annotations

import json
import re
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fashion.catalogue.cells import column_names, text_of

#: Bytes that a row group may hold at most, for its photos to be read from the file itself: as much is read for one
#: photo. Hugging Face writes groups of at most 100 MB.
MOST_GROUP = 128 * 2**20

#: Row groups whose photos are held at a time: threads that read photos in order are in two at most.
GROUPS_HELD = 2

#: Bytes of a row group in a copy that is made to read photos one at a time.
COPIED_GROUP = 8 * 2**20

#: Bytes that are read at a time where a column is too large to be held.
BUFFER = 2**20


class Place(NamedTuple):
    """The place of a photo: its file, column, and row, 1 for the first."""

    file: str
    column: str
    row: int


def photo_name(file: str, column: str, row: int) -> str:
    """The name of a photo in a column.

    Examples
    --------
    >>> photo_name("train.parquet", "image.bytes", 17)
    'train.parquet/image.bytes/0000017'
    >>> place_of("train.parquet/image.bytes/0000017", ["train.parquet"])
    Place(file='train.parquet', column='image.bytes', row=17)
    """
    return f"{file}/{column}/{row:07d}"


def is_stored(name: str) -> bool:
    """Whether a photo's name may be one from `photo_name`.

    Examples
    --------
    >>> is_stored("train.parquet/image.bytes/0000017"), is_stored("images/0000017.jpg")
    (True, False)
    """
    return re.search(r".\/.+/\d{7,}$", name, re.ASCII) is not None


def place_of(name: str, files: Collection[str]) -> Place | None:
    """The place that a name from `photo_name` stands for, in one of a table's files; None for any other name."""
    *parts, row = name.split("/")
    if re.fullmatch(r"\d{7,}", row, re.ASCII):
        for length in range(1, len(parts)):
            if (file := "/".join(parts[:length])) in files:
                return Place(file, "/".join(parts[length:]), int(row))
    return None


# -- columns -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Columns:
    """The columns of a Parquet file by name, and some of them as text.

    Attributes
    ----------
    names : list of str
        Every column, one inside a struct by both names.
    photos : frozenset of str
        Columns of bytes.
    rows : int
    text : dict of str to list of str
        The columns that were asked for.
    """

    names: list[str]
    photos: frozenset[str]
    rows: int
    text: dict[str, list[str]]


def read_columns(stream: BinaryIO, wanted: Sequence[str] | None = None, photos: Collection[str] = ()) -> Columns:
    """Read columns of a Parquet file as text; the others are not read.

    Parameters
    ----------
    stream : file object
        Open for reading at any place.
    wanted : sequence of str, optional
        Names; those that the file does not have are passed over. All that are no bytes if not given.
    photos : collection of str
        Those of them that are not read where they are of bytes.

    Raises
    ------
    ArrowException, OSError
        When the file is damaged.
    UnicodeDecodeError
        When a column of bytes is wanted and holds no text.
    """
    with _opened(stream) as file:
        kinds = dict(_leaves(file.schema_arrow))
        given = dict(zip(kinds, column_names(kinds), strict=True))
        of_bytes = frozenset(given[name] for name, kind in kinds.items() if _is_bytes(kind))
        unread = of_bytes if wanted is None else of_bytes & set(photos)
        chosen = [n for n in kinds if given[n] not in unread and (wanted is None or given[n] in wanted)]
        table = _flat(file.read(columns=chosen, use_threads=False))
        labels = _class_labels(file.schema_arrow.metadata or {})
        text = {}
        for name in chosen:
            values = table.column(table.column_names.index(name)).to_pylist()
            if pa.types.is_float32(kinds[name]):  # 19.9, not 19.899999618530273
                values = [value if value is None else float(str(np.float32(value))) for value in values]
            if name in labels:  # -1 stands for none
                values = [labels[name][v] if v is not None and 0 <= v < len(labels[name]) else None for v in values]
            text[given[name]] = [text_of(value) for value in values]
        return Columns(list(given.values()), of_bytes, file.metadata.num_rows, text)


def rows_of(stream: BinaryIO) -> int:
    """The number of rows, from the file's foot."""
    with _opened(stream) as file:
        return int(file.metadata.num_rows)


def _opened(stream: BinaryIO, metadata: pq.FileMetaData | None = None) -> pq.ParquetFile:
    # Not read ahead, and through a buffer: then a column is never held whole.
    return pq.ParquetFile(
        stream, metadata=metadata, buffer_size=BUFFER, pre_buffer=False, page_checksum_verification=True
    )


def _leaves(schema: Any, before: str = "") -> Iterator[tuple[str, pa.DataType]]:
    """Name and type of each column that is no struct."""
    for field in schema:
        kind = field.type.storage_type if isinstance(field.type, pa.BaseExtensionType) else field.type
        if pa.types.is_struct(kind):
            yield from _leaves(kind, f"{before}{field.name}.")
        else:
            yield before + field.name, kind


def _flat(table: pa.Table) -> pa.Table:
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    return table


def _is_bytes(kind: pa.DataType) -> bool:
    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)
    return any(test(kind) for test in tests)


def _class_labels(metadata: dict[bytes, bytes]) -> dict[str, list[str]]:
    """Columns of numbers that stand for words -> the words, as Hugging Face notes them."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return {n: f["names"] for n, f in features.items() if isinstance(f, dict) and f.get("_type") == "ClassLabel"}
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}


# -- photos --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Photos:
    """One column of one file, as it is read: where each row group begins, and a stream on the file."""

    stream: Callable[[], BinaryIO]
    column: str
    metadata: pq.FileMetaData
    starts: list[int]

    def group(self, number: int) -> pa.ChunkedArray:
        with self.stream() as stream, _opened(stream, self.metadata) as file:
            return _flat(file.read_row_group(number, columns=[self.column], use_threads=False)).column(0)


class StoredPhotos:
    """Photos in columns of Parquet files, read one at a time; several threads may read.

    Parameters
    ----------
    open_file : callable
        A file's name -> a stream that can be read at any place.
    copy : callable
        A file's name, a column and what writes a copy -> the copy: for files whose row groups are too large.

    Notes
    -----
    Photos that are read in the table's order read each row group once; at random, each costs its row group.
    """

    def __init__(
        self, open_file: Callable[[str], BinaryIO], copy: Callable[[str, str, Callable[[Path], object]], Path]
    ) -> None:
        self._open, self._copy = open_file, copy
        self._columns: dict[tuple[str, str], _Photos] = {}
        self._groups: OrderedDict[tuple[str, str, int], pa.ChunkedArray] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, place: Place) -> bytes | None:
        """The photo's bytes; None where its row has none.

        Raises
        ------
        KeyError
            When there is no such column or row.
        OSError, ValueError
            When the file is missing or damaged.
        """
        try:
            return self._read(place)
        except (pa.ArrowException, IndexError) as error:  # a row group may hold fewer rows than the file's foot says
            raise ValueError(str(error)) from error

    def _read(self, place: Place) -> bytes | None:
        row = place.row - 1
        with self._lock:
            photos = self._columns.get(place[:2]) or self._columns.setdefault(place[:2], self._find(*place[:2]))
            if not 0 <= row < photos.metadata.num_rows:
                raise KeyError(place)
            number = bisect_right(photos.starts, row) - 1
            key = (*place[:2], number)
            group = self._groups[key] if key in self._groups else photos.group(number)
            self._groups[key] = group
            self._groups.move_to_end(key)
            while len(self._groups) > GROUPS_HELD:
                self._groups.popitem(last=False)
        value: bytes | None = group[row - photos.starts[number]].as_py()
        return value

    def _find(self, name: str, column: str) -> _Photos:
        """The column in the file itself, or in a copy with smaller row groups."""
        photos = _column_of(lambda: self._open(name), column)
        # Of the group as a whole: asked for a column's part of a damaged foot, pyarrow 26 ends the process.
        groups = [photos.metadata.row_group(n).total_byte_size for n in range(photos.metadata.num_row_groups)]
        if max(groups, default=0) <= MOST_GROUP:
            return photos
        size = sum(groups) / max(photos.metadata.num_rows, 1)
        copied = self._copy(name, column, lambda aside: _copy_column(photos, aside, max(1, int(COPIED_GROUP / size))))
        return _column_of(lambda: copied.open("rb"), column)


def _column_of(open_file: Callable[[], BinaryIO], column: str) -> _Photos:
    with open_file() as stream, _opened(stream) as file:
        metadata = file.metadata
        if column not in dict(_leaves(file.schema_arrow)):
            raise KeyError(column)
    sizes = (metadata.row_group(n).num_rows for n in range(metadata.num_row_groups))
    return _Photos(open_file, column, metadata, list(accumulate(sizes, initial=0))[:-1])


def _copy_column(photos: _Photos, target: Path, rows: int) -> None:
    """Write a column alone, in row groups of `rows` rows; only a few photos are held at a time."""
    writer: pq.ParquetWriter | None = None
    with photos.stream() as stream, _opened(stream, photos.metadata) as file:
        for batch in file.iter_batches(batch_size=rows, columns=[photos.column], use_threads=False):
            if writer is None:
                plain = {"compression": "none", "use_dictionary": False, "write_statistics": False}
                writer = pq.ParquetWriter(target, batch.schema, write_page_checksum=True, **plain)
            writer.write_batch(batch, row_group_size=rows)
    if writer is not None:
        writer.close()
