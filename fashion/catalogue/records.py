"""Delimited text cut into records: RFC 4180's quoted cells, and stray quotation marks.

A cell that begins with a quotation mark ends at the next single one, which a delimiter or the line's end must follow;
it may hold delimiters, line breaks, and marks that are doubled. A mark inside any other cell is a letter. Where such a
cell is not closed, the line on which it begins costs its own row and no other.

Each search for the closing mark ends at the next line with an odd run of marks, and a line without one cannot begin a
cell that runs on: so the lines that two searches look at do not overlap, and the time is linear in the table's length
(times its width at worst).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

MARK = '"'

#: A first line by which a table tells Excel its delimiter.
SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)

Mode = Literal["strict", "joined", "lazy"]

#: Lines after a broken cell among which its end is looked for, where no line before it is a row on its own.
TAIL = 20

#: Lines of the table's width inside one cell from which on they are rows, where few of them have known words.
MANY = 20


@dataclass(frozen=True)
class Record:
    """A row of the table.

    Attributes
    ----------
    line : int
        The line on which it begins; 1 for the file's first.
    fields : list of str
    reason : str
        Why it is no row; empty for a good one.
    """

    line: int
    fields: list[str]
    reason: str = ""


@dataclass(frozen=True)
class _Scan:
    """A record as far as it was read: `stray` is the line on which a cell begins that is not closed, or -1."""

    fields: list[str]
    after: int
    stray: int = -1


class Records:
    """The records of a text, in order; blank lines are records without fields.

    Parameters
    ----------
    text : str
        With line ends \\n, \\r\\n or \\r; a \\r ends a line only where no \\n stands outside quotation marks.
    delimiter : str
        One character. In tab-separated text a mark is a letter, unless it begins a cell that is closed and that has to
        be quoted, as it holds a tab, a line break, a comma or a doubled mark (as spreadsheets write it).
    known : sequence of str
        Columns with few words, by the header's names: a line inside a quoted cell that has the table's width, and in
        most of these columns a word that stands elsewhere too, is a row of its own.
    """

    def __init__(self, text: str, delimiter: str, known: Sequence[str] = ()) -> None:
        end = "\n" if "\r" not in text or "\n" in re.sub('"[^"]*"', "", text) else "\r"
        self._lines = re.findall(f"[^{end}]*{end}|[^{end}]+", text)
        self._delimiter, self._tabbed = delimiter, delimiter == "\t"
        filled = (n for n, line in enumerate(self._lines) if line.strip("\r\n"))
        self._begin = next(filled, len(self._lines))
        if self._begin < len(self._lines) and SEPARATOR.fullmatch(self._body(self._begin)):
            self._begin = next(filled, len(self._lines))
        self.header: list[str] = []
        self._width, self._trusting = 0, False
        if self._begin < len(self._lines):
            scan = self._scan(self._begin, "strict")
            if scan.stray >= 0:
                scan = _Scan(self._body(self._begin).split(delimiter), self._begin + 1)
            self.header, self._begin = scan.fields, scan.after
        self._width = len(self.header)
        names = [" ".join(name.split()) for name in self.header]
        self._known = [names.index(" ".join(name.split())) for name in known if " ".join(name.split()) in names]

    def __iter__(self) -> Iterator[Record]:
        at = self._begin
        while at < len(self._lines):
            body = self._body(at)
            if MARK not in body:
                record, after = Record(at + 1, body.split(self._delimiter) if body else []), at + 1
            elif (cells := self._strict(body)) is not None:
                record, after = Record(at + 1, cells), at + 1
            else:
                record, after = self._quoted(at)
            yield record if record.reason else self._checked(record)
            at = after

    def _checked(self, record: Record) -> Record:
        """The record, marked as malformed if it has surplus fields; empty ones are only a trailing delimiter."""
        count = len(record.fields)
        if any(value.strip() for value in record.fields[self._width :]):
            reason = f"line {record.line}: {count} fields where the header has {self._width}"
            return Record(record.line, record.fields, reason)
        return record

    # -- one line ------------------------------------------------------------------------------------
    def _body(self, line: int) -> str:
        return self._lines[line].rstrip("\r\n")

    def _strict(self, body: str) -> list[str] | None:
        """The cells of a line on which each quoted cell is closed as it should be; None for any other."""
        if self._tabbed:
            return None
        try:
            return next(csv.reader([body], delimiter=self._delimiter, strict=True))
        except (csv.Error, ValueError, TypeError):  # also a cell that is longer than csv likes
            return None

    def _fits(self, fields: list[str]) -> bool:
        return len(fields) >= self._width and not any(value.strip() for value in fields[self._width :])

    def _alone(self, line: int) -> list[str] | None:
        """The cells of a line that has the table's width on its own, its quotation marks being letters if necessary."""
        body = self._body(line)
        for cells in (self._strict(body) if MARK in body else None, body.split(self._delimiter)):
            if cells is not None and self._fits(cells):
                return [value.strip().strip(MARK).strip() for value in cells[: self._width]]
        return None

    # -- a line with a mark --------------------------------------------------------------------------
    def _quoted(self, at: int) -> tuple[Record, int]:
        """The record that begins at a line with a mark, and the line after it."""
        scan = self._scan(at, "strict")
        if scan.stray < 0:
            if scan.after == at + 1 or self._fits(scan.fields):
                return Record(at + 1, scan.fields), scan.after
            if self._tabbed:
                return Record(at + 1, self._body(at).split(self._delimiter)), at + 1
            # Closed, but of another width: the fault of one row, where no line in it is a row on its own.
            holds = any(self._is_row(self._alone(line), self._known) for line in range(at + 1, scan.after))
            after = at + 1 if holds else scan.after
            lines = range(at + 1, scan.after)
            if not holds and len(scan.fields) < self._width and not any(self._alone(line) for line in lines):
                return Record(at + 1, scan.fields), scan.after  # only short of its last cells
            count = f"{len(scan.fields)} fields where the header has {self._width}"
            said = f"lines {at + 1} to {scan.after}, by the quotation marks one row: {count}"
            return Record(at + 1, scan.fields, said), after
        modes: tuple[Mode, ...] = ("joined", "lazy")
        if scan.stray == at:
            for mode in modes:
                line = self._scan(at, mode, most=1)
                if line.stray < 0 and self._fits(line.fields):
                    return Record(at + 1, line.fields), at + 1
        most = scan.stray - at + 1 + self._until_row(scan.stray + 1)
        for mode in modes:
            tail = self._scan(at, mode, most=most)
            if tail.stray < 0 and self._fits(tail.fields):
                return Record(at + 1, tail.fields), tail.after
        reason = f"line {scan.stray + 1}: a quotation mark begins a cell and is not closed at the cell's end"
        return Record(scan.stray + 1, [], reason), tail.after if tail.stray < 0 else scan.stray + 1

    def _until_row(self, line: int) -> int:
        """The number of lines before the next one that begins a row; at most `TAIL`."""
        last = min(line + TAIL, len(self._lines))
        return next((n for n, here in enumerate(range(line, last)) if self._begins_row(here)), last - line)

    def _begins_row(self, line: int) -> bool:
        if self._alone(line):
            return True
        scan = self._scan(line, "strict") if MARK in self._body(line) else None
        return scan is not None and scan.stray < 0 and scan.after > line + 1 and self._fits(scan.fields)

    def _scan(self, at: int, mode: Mode, most: int | None = None) -> _Scan:
        """Read a record from line `at`, over `most` lines at most.

        A single mark inside a quoted cell that no delimiter or line end follows ends the reading ("strict"), ends the
        quotation alone, as Python's csv has it ("joined"), or is a letter ("lazy").
        """
        last = len(self._lines) if most is None else min(at + most, len(self._lines))
        fields: list[str] = []
        line, body, here = at, self._body(at), 0
        while True:
            if body.startswith(MARK, here):
                cell = self._cell(line, here, mode, last)
                text, to, end = cell or ("", line, here)
                if cell and to > line:
                    beyond = self._width and len(fields) >= self._width
                    cell = None if beyond or self._holds_rows(at, line, to, len(fields), end) else cell
                if cell and self._tabbed and to == line and not any(sign in text for sign in ("\t", ",", MARK)):
                    cell = None
                if cell is None and not self._tabbed:
                    return _Scan(fields, line + 1, line)
                if cell is not None:
                    fields.append(text)
                    if to > line:
                        line, body = to, self._body(to)
                    here = end
                    if here >= len(body):
                        return _Scan(fields, line + 1)
                    here += 1
                    continue
            end = body.find(self._delimiter, here)
            fields.append(body[here:] if end < 0 else body[here:end])
            if end < 0:
                return _Scan(fields, line + 1)
            here = end + 1

    def _cell(self, line: int, here: int, mode: Mode, last: int) -> tuple[str, int, int] | None:
        """A quoted cell that begins at a place of a line: its text, and the line and place of its end; or None."""
        parts: list[str] = []
        body, at = self._body(line), here + 1
        while True:
            mark = body.find(MARK, at)
            if mark < 0:
                parts.append(self._lines[line][at:])
                line += 1
                if line >= last:
                    return None
                body, at = self._body(line), 0
                continue
            after = mark + 1
            if body.startswith(MARK, after):
                parts.append(body[at:after])
                at = after + 1
            elif after == len(body) or body.startswith(self._delimiter, after):
                return "".join([*parts, body[at:mark]]), line, after
            elif mode == "joined":
                end = body.find(self._delimiter, after)
                end = len(body) if end < 0 else end
                return "".join([*parts, body[at:mark], body[after:end]]), line, end
            elif mode == "lazy":
                parts.append(body[at:after])
                at = after
            else:
                return None

    # -- whether a cell that runs over lines holds rows ------------------------------------------------
    @cached_property
    def _words(self) -> dict[int, set[str]]:
        """Words of the known columns, from records whose quoted cells are closed properly.

        So none comes from within a cell, where a sentence may have as many commas as the table has columns.
        """
        words: dict[int, set[str]] = {column: set() for column in self._known}
        self._trusting, at = True, self._begin
        while at < len(self._lines):
            body, after = self._body(at), at + 1
            cells = body.split(self._delimiter) if MARK not in body else self._strict(body)
            if cells is None:
                scan = self._scan(at, "strict")
                if scan.stray < 0:
                    cells, after = scan.fields, scan.after
            if cells is not None and self._fits(cells):
                for column in self._known:
                    if (word := cells[column].strip()) and "\n" not in word:
                        words[column].add(word)
            at = after
        self._trusting = False
        return words

    def _is_row(self, cells: list[str] | None, columns: Sequence[int]) -> bool:
        """Whether most filled cells of a line, in these columns, hold words that the table has there."""
        filled = [column for column in columns if cells and cells[column]]
        return cells is not None and 2 * sum(cells[n] in self._words[n] for n in filled) > len(filled)

    def _holds_rows(self, at: int, begin: int, end: int, column: int, place: int) -> bool:
        """Whether lines inside a cell are rows of their own: then the cell's quotation marks are two stray ones.

        Parameters
        ----------
        at : int
            First line of the record.
        begin, end : int
            Lines on which the cell begins and ends.
        column : int
            Its number.
        place : int
            Where in its last line it is closed.
        """
        if self._trusting or not self._width:
            return False
        inside = [(self._alone(line), self._known) for line in range(begin + 1, end) if self._body(line).strip()]
        closing = self._alone(end)  # a mark that went astray is closed on a row's line
        wide = [cells for cells, _ in inside if cells is not None]
        if closing and len(wide) >= MANY and 2 * len(wide) > len(inside):
            named = not self._known or any(self._is_row(cells, [known]) for cells in wide for known in self._known)
            if named and any(len(set(column)) == len(wide) for column in zip(*wide, strict=True)):
                return True
        if len(self._known) == 1 and 2 * (len(wide) + bool(closing)) <= len(inside) + 1:
            return False  # one word alone may stand in a sentence
        # Of the first and last line only what lies in the cell says anything.
        if begin == at and (cells := self._alone(begin)):
            inside.append((cells, [known for known in self._known if known > column]))
        before = self._body(end)[: place - 1].count(self._delimiter)
        if before and closing:
            inside.append((closing, [known for known in self._known if known < before]))
        told = [self._is_row(cells, columns) for cells, columns in inside if columns]
        return any(told) and 2 * sum(told) >= len(told)
