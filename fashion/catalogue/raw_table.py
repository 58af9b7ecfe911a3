"""A catalogue's table as its files have it: named columns of text, whatever the format.

Delimited text, JSON Lines (both also packed with gzip), Parquet, and sheets of workbooks. The format is told by the
content; a table in several files (shards) is one table.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from fashion.catalogue.cells import column_names, flattened, text_of
from fashion.catalogue.delimiters import USUAL, delimiter_of, told_delimiter
from fashion.catalogue.parquet import photo_name, read_columns, rows_of
from fashion.catalogue.records import Records
from fashion.catalogue.source import Source, is_photo
from fashion.core.errors import CatalogueError, did_you_mean, in_short
from fashion.core.texts import advice_on, clean_text, decoded, kind_of

#: Endings by which a text is JSON Lines, beside what it begins with.
JSON_LINES = (".jsonl", ".ndjson")

#: Endings of workbooks.
WORKBOOKS = (".xlsx", ".xls", ".xlsb", ".ods")

#: Bytes that a table packed with gzip may have unpacked: some kilobytes can be made to unpack to any number.
MOST_UNPACKED = 4_000_000_000

#: As a wanted column, the number of the row.
ROW = "#"

#: A delimiter's name for people, where it is not its own.
_NAMED = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}


@dataclass(frozen=True)
class TableFormat:
    """The format of a table as far as its TOML states it; "auto" and the empty text leave it to the file.

    Attributes
    ----------
    delimiter, encoding : str
        Of text.
    sheet : str
        Of a workbook.
    """

    delimiter: str = "auto"
    encoding: str = "auto"
    sheet: str = ""


@dataclass(frozen=True)
class RawTable:
    """A table as its files have it.

    Attributes
    ----------
    header : list of str
        The columns' names, each once: nameless and repeated ones are numbered (`price#2`).
    rows : DataFrame
        The columns that were read, as text on one line without outer spaces; the index is the row's number, 1 for the
        first under the header.
    malformed : DataFrame
        `row` and `reason` of rows that do not fit the header; the reason names the line.
    photos : frozenset of str
        Columns of bytes, which photos may be in.
    shards : list of (str, int)
        Name and rows of each file, in order.
    said : str
        What was understood: "text delimited by semicolons, in Windows-1252".
    """

    header: list[str]
    rows: pd.DataFrame
    malformed: pd.DataFrame
    photos: frozenset[str]
    shards: list[tuple[str, int]]
    said: str

    def photo_names(self, column: str) -> list[str]:
        """The name of each row's photo in a column of bytes (`parquet.photo_name`)."""
        return [photo_name(file, column, row) for file, count in self.shards for row in range(1, count + 1)]

    def folders(self) -> list[str]:
        """The folder of each row's file, with its slash; empty strings where all files lie in one folder."""
        each = [name[: name.rfind("/") + 1] for name, _ in self.shards]
        if len(set(each)) < 2:
            return [""] * len(self.rows)
        ends = np.cumsum([count for _, count in self.shards])
        return [each[place] for place in np.searchsorted(ends, self.rows.index.to_numpy())]


@dataclass
class _File:
    """One file of a table, as its format's reader leaves it; `advice` is for columns that are not there."""

    header: list[str]
    columns: dict[str, list[str]]
    said: str
    numbers: Sequence[int]
    count: int
    malformed: list[tuple[int, str]] = field(default_factory=list)
    photos: frozenset[str] = frozenset()
    advice: Callable[[Collection[str]], str] = lambda absent: ""


def read_raw(
    source: Source,
    form: TableFormat | None = None,
    wanted: Sequence[str] | None = None,
    known: Sequence[str] = (),
    photos: Collection[str] = (),
    toml: str = "the catalogue's TOML",
) -> RawTable:
    """Read the table of a source.

    Parameters
    ----------
    source : Source
        Its `tables` are read.
    form : TableFormat, optional
    wanted : sequence of str, optional
        Columns to read; all but those of bytes if not given. `ROW` is the row's number, unless a column has that name.
    known : sequence of str
        Columns of few words, by which a stray quotation mark is told (`records.Records`).
    photos : collection of str
        Those wanted that are not read where they are of bytes.
    toml : str
        What describes the catalogue, for errors.

    Raises
    ------
    CatalogueError
        When a file is no table, is damaged or empty, or lacks a wanted column.
    """
    files = [_read(source, name, form or TableFormat(), wanted, known, photos) for name in source.tables]
    for name, file in zip(source.tables, files, strict=True):
        absent = [column for column in dict.fromkeys(wanted or ()) if column not in (*file.header, ROW)]
        if absent:
            raise CatalogueError(_absence(absent, file, f"{source.path}: {name}", toml))
    rows, malformed, before = [], [], 0
    for name, file in zip(source.tables, files, strict=True):
        index = pd.Index([before + number for number in file.numbers], name="row", dtype=int)
        rows.append(pd.DataFrame(file.columns, index=index, dtype=object))
        of = f"{name}, " if len(files) > 1 else ""
        malformed += [(before + row, of + reason) for row, reason in file.malformed]
        before += file.count
    joined = pd.concat(rows).fillna("") if len(rows) > 1 else rows[0]
    if ROW in (wanted or ()) and ROW not in joined:
        joined[ROW] = joined.index.astype(str)
    kinds = list(dict.fromkeys(file.said for file in files))
    return RawTable(
        list(dict.fromkeys(name for file in files for name in file.header)),
        joined,
        pd.DataFrame(malformed, columns=["row", "reason"]),
        frozenset().union(*(file.photos for file in files)),
        [(name, file.count) for name, file in zip(source.tables, files, strict=True)],
        "; ".join(kinds) + (f"; {len(files)} files" if len(files) > 1 else ""),
    )


def count_rows(source: Source) -> int:
    """About how many rows a table has, without reading it as one; 0 for Parquet that is packed in a zip."""
    if not source.tables:
        return sum(map(is_photo, source.names()))
    count = 0
    for name in source.tables:
        if source.head(name).startswith(b"PAR1"):
            if not source.needs_copy(name):
                with source.stream(name) as stream:
                    count += rows_of(stream)
        else:
            data, _ = _plain(source.read(name), name)
            lines = len(_sheet_of(data, "", name)[2]) if "workbook" in kind_of(data) else data.count(b"\n")
            count += max(lines - 1, 0)
    return count


def sheets_of(source: Source, name: str) -> list[str]:
    """The names of a workbook's sheets; none where a table has no workbook's ending.

    Raises
    ------
    CatalogueError
        When the workbook cannot be read.
    """
    if not name.lower().removesuffix(".gz").endswith(WORKBOOKS):
        return []
    return _sheet_of(_plain(source.read(name), name)[0], "", f"{source.path}: {name}")[1]


# -- one file ----------------------------------------------------------------------------------------------
def _read(
    source: Source,
    name: str,
    form: TableFormat,
    wanted: Sequence[str] | None,
    known: Sequence[str],
    photos: Collection[str],
) -> _File:
    """Read one file of the table by the reader of its format."""
    place = f"{source.path}: {name}"
    if source.head(name).startswith(b"PAR1"):
        return _parquet(source, name, wanted, photos)
    data, bare = _plain(source.read(name), name)
    kind = kind_of(data)
    if "workbook" in kind:
        return _workbook(data, form.sheet, place, wanted)
    if kind:
        raise CatalogueError(f"expected a table in {place}; found {kind}. {advice_on(kind)}")
    text, encoding = decoded(data, form.encoding, place)
    said = f"in {encoding}" + (", packed with gzip" if bare != name else "")
    if bare.lower().endswith(JSON_LINES) or _is_object(text[:1_000_000].lstrip().split("\n", 1)[0]):
        return _json_lines(text, said, wanted)
    return _delimited(text, said, form.delimiter, wanted, known)


def _plain(data: bytes, name: str) -> tuple[bytes, str]:
    """The file unpacked from gzip, and its name without `.gz`."""
    if not data.startswith(b"\x1f\x8b"):
        return data, name
    parts, size = [], 0
    try:
        with gzip.open(io.BytesIO(data)) as stream:
            while part := stream.read(2**20):
                parts.append(part)
                if (size := size + len(part)) > MOST_UNPACKED:
                    raise CatalogueError(
                        f"expected a table of at most {MOST_UNPACKED / 1e9:g} GB in {name}; found more, packed with "
                        f"gzip into {len(data):,} bytes. If it really is a table, unpack it and split it "
                        "into several files."
                    )
        return b"".join(parts), name[:-3] if name.lower().endswith(".gz") else f"{name} unpacked"
    except (OSError, EOFError, zlib.error) as error:
        raise CatalogueError(
            f"expected {name} whole, packed with gzip; found it damaged: {error}. Fetch it again."
        ) from error


def _chosen(header: Sequence[str], wanted: Sequence[str] | None) -> dict[str, int]:
    """Columns to read -> their places."""
    return {name: place for place, name in enumerate(header) if wanted is None or name in wanted}


def _column(values: Sequence[str]) -> list[str]:
    return [clean_text(value).strip() for value in values]


def _absence(absent: list[str], file: _File, place: str, toml: str) -> str:
    """The message on columns that a file lacks."""
    names = [name if len(name) <= 40 else f"{name[:40]}..." for name in file.header if not re.fullmatch(r"#\d+", name)]
    listed = ", ".join(names[:30]) + (" ..." if len(names) > 30 else "")
    inside = [name for name in names if name.startswith(f"{absent[0]}.")]
    near = did_you_mean(absent[0], names) if len(absent) == 1 else ""
    near = f" In {absent[0]} are {', '.join(inside)}: name one of them." if inside else near
    advice = file.advice(absent) or f"Correct [columns] or `photos` in {toml}."
    return (
        f"expected the columns {', '.join(absent)} in {place}; found {listed or 'no header'}.{near} "
        f"{advice.replace('{toml}', toml)}"
    )


# -- delimited text ----------------------------------------------------------------------------------------
def _delimited(text: str, said: str, delimiter: str, wanted: Sequence[str] | None, known: Sequence[str]) -> _File:
    chosen = delimiter_of(text, {*(wanted or ())} - {ROW}) if delimiter == "auto" else delimiter
    records = Records(clean_text(text, keep=f"{chosen}\t\r\n"), chosen, known)
    header = column_names(records.header)
    width, places = len(header), _chosen(header, wanted)
    good: list[list[str]] = []
    numbers: list[int] = []
    malformed: list[tuple[int, str]] = []
    count = 0
    for count, record in enumerate(records, start=1):
        if record.reason:
            malformed.append((count, record.reason))
        elif record.fields:
            good.append(record.fields[:width] + [""] * (width - len(record.fields)))
            numbers.append(count)
    columns = {name: _column([values[place] for values in good]) for name, place in places.items()}
    by = _NAMED.get(chosen, repr(chosen))

    def advice(absent: Collection[str]) -> str:
        return _other_delimiter(text, chosen, absent)

    return _File(header, columns, f"text delimited by {by}, {said}", numbers, count, malformed, advice=advice)


def _other_delimiter(text: str, delimiter: str, absent: Collection[str]) -> str:
    """Advice where columns are missing: the file may be no table, or may have another delimiter."""
    begin = text.lstrip()[:1]
    if begin and begin in "<{[":
        kind = "HTML or XML" if begin == "<" else "JSON"
        return f"It begins as {kind} does: save it as CSV (UTF-8){' or JSON Lines' if kind == 'JSON' else ''}."
    lines = [line for line in text[:100_000].splitlines() if line.strip()]
    told = told_delimiter(text)
    first = next(iter(lines[1:] if told else lines), "")
    for other in filter(None, (*USUAL, told)):
        names = [clean_text(name).strip().strip('"').strip() for name in first.split(other)]
        if other != delimiter and set(absent) <= set(names):
            right = 'delimiter = "{}"'.format("\\t" if other == "\t" else other)
            return f"Its delimiter is another one: write `{right}` under [table] in {{toml}}."
    return f"Correct [columns] or `photos` in {{toml}}, or the table's delimiter (now {delimiter!r})."


# -- JSON Lines --------------------------------------------------------------------------------------------
def _is_object(line: str) -> bool:
    try:
        return line.startswith("{") and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _json_lines(text: str, said: str, wanted: Sequence[str] | None) -> _File:
    header: dict[str, None] = {}
    records: list[dict[str, Any]] = []
    numbers: list[int] = []
    malformed: list[tuple[int, str]] = []
    count = 0
    for line, body in enumerate(text.split("\n"), start=1):
        if not body.strip():
            continue
        count += 1
        try:
            value = json.loads(body)
            if not isinstance(value, dict):
                raise ValueError(f"a {type(value).__name__}")
        except (ValueError, RecursionError) as error:
            malformed.append((count, f"line {line}: no JSON object ({in_short(error, 80)})"))
            continue
        record = {clean_text(name).strip(): cell for name, cell in flattened(value)}
        header |= dict.fromkeys(record)
        records.append(record if wanted is None else {name: record.get(name) for name in wanted})
        numbers.append(count)
    chosen = [name for name in header if wanted is None or name in wanted]
    columns = {name: _column([text_of(record.get(name)) for record in records]) for name in chosen}
    return _File(list(header), columns, f"JSON Lines, {said}", numbers, count, malformed)


# -- workbooks ---------------------------------------------------------------------------------------------
def _sheet_of(data: bytes, sheet: str, place: str) -> tuple[str, list[str], list[list[Any]]]:
    """The name of the sheet that is named, or of the first that holds anything; all sheets' names; the sheet's rows."""
    import python_calamine as calamine  # here: few tables are workbooks

    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        hidden = {about.name for about in book.sheets_metadata if about.visible != calamine.SheetVisibleEnum.Visible}
        names = sorted(book.sheet_names, key=hidden.__contains__)
        if sheet and sheet not in names:
            raise CatalogueError(
                f"expected the sheet {sheet!r} in {place}; found {', '.join(names)}.{did_you_mean(sheet, names)} "
                "Correct `sheet` under [table]."
            )
        for name in [sheet] if sheet else names:
            rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            if any(cell != "" for row in rows for cell in row):
                return name, names, rows
    except calamine.PasswordError as error:
        raise CatalogueError(
            f"expected a workbook without a password in {place}; found one that has one. Save it without, or save the "
            "sheet as CSV (UTF-8), and name that file as the table."
        ) from error
    except (calamine.CalamineError, OSError, ValueError) as error:
        kind = kind_of(data)
        raise CatalogueError(
            f"expected a table in {place}; found {kind} that cannot be read: {in_short(error)}. Save it again, or "
            "save the sheet as CSV (UTF-8), and name that file as the table."
        ) from error
    return sheet, names, []


def _workbook(data: bytes, sheet: str, place: str, wanted: Sequence[str] | None) -> _File:
    name, names, rows = _sheet_of(data, sheet, place)
    texts = [[text_of(cell) for cell in row] for row in rows]
    filled = [row for row, cells in enumerate(texts) if any(cell.strip() for cell in cells)]
    titled = (row for row in filled if sum(map(bool, map(str.strip, texts[row]))) > 1)  # below any title
    first = next(titled, filled[0]) if filled else len(texts) - 1
    header = column_names(texts[first]) if filled else []
    under = [row for row in filled if row > first]
    columns = {name: _column([texts[row][at] for row in under]) for name, at in _chosen(header, wanted).items()}
    others = [other for other in names if other != name]

    def advice(absent: Collection[str]) -> str:
        if not others:
            return ""
        return f"This is the sheet {name!r}; for {' or '.join(others)} write `sheet` under [table] in {{toml}}."

    said = f"the sheet {name!r} of {kind_of(data)}"
    return _File(header, columns, said, [row - first for row in under], len(texts) - first - 1, advice=advice)


# -- Parquet -----------------------------------------------------------------------------------------------
def _parquet(source: Source, name: str, wanted: Sequence[str] | None, photos: Collection[str]) -> _File:
    try:
        with source.stream(name) as stream:
            read = read_columns(stream, wanted, photos)
    except UnicodeDecodeError as error:
        raise CatalogueError(
            f"expected text in each of [columns] in {source.path}: {name}; found bytes that are not text: "
            f'{in_short(error)}. For photos in a column, write that column alone in `photos`: "{{image.bytes}}".'
        ) from error
    except (OSError, ValueError, RuntimeError, LookupError, MemoryError) as error:  # damaged, it may ask for any size
        raise CatalogueError(
            f"expected a Parquet file in {source.path}: {name}; found one that cannot be read: {in_short(error)}. "
            "Fetch it again."
        ) from error
    columns = {column: _column(values) for column, values in read.text.items()}
    return _File(read.names, columns, "Parquet", range(1, read.rows + 1), read.rows, photos=read.photos)
