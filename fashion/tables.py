"""A catalogue's table, read into our column names."""

from __future__ import annotations

import csv
import io
import re
import string
from typing import Any

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
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=catalogue.delimiter)
    header = [name.strip() for name in next(reader, [])]
    place = f"{source.path}: {catalogue.table}"
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
    for number, values in enumerate(reader, start=1):
        if not values:
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
    rows["item"] = [re.sub(r"\.(jpe?g|png|webp)$", "", item, flags=re.IGNORECASE) for item in rows["item"]]
    return rows, pd.DataFrame(bad, columns=["row", "item", "photo", "reason"])


def _unique(header: list[str]) -> list[str]:
    """Nameless and repeated columns get names of their own, so that none hides another."""
    seen: dict[str, int] = {}
    names = []
    for name in header:
        seen[name] = seen.get(name, 0) + 1
        names.append(name if name and seen[name] == 1 else f"{name}#{seen[name]}")
    return names
