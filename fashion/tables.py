"""A catalogue's table, read into our column names."""

from __future__ import annotations

import csv
import io
import re
import string
from typing import Any, Literal

import pandas as pd

from fashion.catalogue import Catalogue
from fashion.errors import CatalogueError
from fashion.source import Source


def decode_text(data: bytes, encoding: str = "auto") -> str:
    """Decode a table: UTF-8 with or without BOM if it is valid, else Latin-1, which always decodes.

    Raises
    ------
    CatalogueError
        When `encoding` names another one that does not fit.
    """
    try:
        return data.decode("utf-8-sig" if encoding == "auto" else encoding)
    except (UnicodeDecodeError, LookupError) as error:
        if encoding == "auto":
            return data.decode("latin-1")
        raise CatalogueError(f"the table is not {encoding}: {error}; use encoding = 'auto'") from error


def read_table(catalogue: Catalogue, source: Source) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the catalogue's table into our column names; every value is text, empty where it is missing.

    Parameters
    ----------
    catalogue : Catalogue
    source : Source
        From `open_catalogue`.

    Returns
    -------
    rows : DataFrame
        Columns `row` (int, 1 for the first row under the header), `photo` (name inside the source) and one
        for each of the catalogue's columns, with outer spaces stripped.
    rejected : DataFrame
        Rows whose number of fields does not fit the header: `row`, `item`, `photo`, `reason`.

    Raises
    ------
    CatalogueError
        When the table is empty or lacks a column that the TOML names.
    """
    text = decode_text(source.read(catalogue.table), catalogue.encoding)
    place = f"{source.path}: {catalogue.table}"
    records = _records(text, catalogue, place)
    header = [name.strip() for name in records[0]] if records else []
    wanted = list(catalogue.columns.values())
    fields = list(dict.fromkeys(name for _, name, _, _ in string.Formatter().parse(catalogue.photos) if name))
    absent = [name for name in dict.fromkeys(wanted + fields) if name not in header]
    if absent:
        raise CatalogueError(
            f"{place}: expected the columns {', '.join(absent)}; found "
            f"{', '.join(filter(None, header)) or 'no header'}. "
            f"Correct [columns] or `photos` in {catalogue.path}, or the table's delimiter "
            f"(now {catalogue.delimiter!r})."
        )
    good: list[list[str]] = []
    numbers: list[int] = []
    bad: list[dict[str, Any]] = []
    width = len(header)
    for number, values in enumerate(records[1:], start=1):
        if not values:
            continue
        broken = sum(value.count("\n") for value in values)
        if broken:
            reason = f"a field goes on over {broken + 1} lines: is a quotation mark not closed?"
            bad.append({"row": number, "item": "", "photo": "", "reason": reason})
            continue
        # A surplus of empty fields is a trailing delimiter, not damage.
        surplus = [value for value in values[width:] if value.strip()]
        if surplus:
            reason = f"{len(values)} fields where the header has {width}"
            bad.append({"row": number, "item": "", "photo": "", "reason": reason})
            continue
        good.append([value.strip() for value in values[:width]] + [""] * (width - len(values)))
        numbers.append(number)
    if not good:
        raise CatalogueError(f"{place}: expected at least one row under the header; found none")
    table = pd.DataFrame(good, columns=pd.Index(_unique(header)), dtype=object)
    photos = [catalogue.photos.format_map(record) for record in table[fields].astype(str).to_dict("records")]
    rows = pd.DataFrame({"row": numbers, "photo": photos})
    for ours, theirs in catalogue.columns.items():
        rows[ours] = table[theirs].to_numpy()
    bare = [re.sub(r"\.(jpe?g|png|webp)$", "", item, flags=re.IGNORECASE) for item in rows["item"]]
    if len(set(bare)) == rows["item"].nunique():  # 1.jpg and 1.png are two items
        rows["item"] = bare
    return rows, pd.DataFrame(bad, columns=["row", "item", "photo", "reason"])


def _records(text: str, catalogue: Catalogue, place: str) -> list[list[str]]:
    """The table's lines as lists of fields; in tab-separated tables a quotation mark is a letter like any other."""
    quoting: Literal[0, 3] = csv.QUOTE_NONE if catalogue.delimiter == "\t" else csv.QUOTE_MINIMAL
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=catalogue.delimiter, quoting=quoting))
    except csv.Error as error:
        raise CatalogueError(
            f"{place}: expected rows of fields with the delimiter {catalogue.delimiter!r}; found: {error}. Look for a "
            "quotation mark that is not closed."
        ) from error


def _unique(header: list[str]) -> list[str]:
    """Nameless and repeated columns get names of their own, so that none hides another."""
    seen: dict[str, int] = {}
    names = []
    for name in header:
        seen[name] = seen.get(name, 0) + 1
        names.append(name if name and seen[name] == 1 else f"{name}#{seen[name]}")
    return names
