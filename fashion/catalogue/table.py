"""A catalogue's table, read into our column names."""

from __future__ import annotations

import re
import string
from typing import Any

import pandas as pd

from fashion.catalogue.definition import Catalogue
from fashion.catalogue.records import SEPARATOR, Records
from fashion.catalogue.source import Source
from fashion.core.errors import CatalogueError
from fashion.core.texts import advice_on, clean_text, decode, kind_of

#: Our columns of few words: by them a line inside a quoted cell is seen to be a row of its own.
FEW_WORDS = ("category", "colour", "department")


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
        for each of the catalogue's columns, with outer spaces stripped, on one line, without control characters.
    rejected : DataFrame
        Rows whose number of fields does not fit the header, or with a quotation mark that is not closed: `row`, `item`,
        `photo`, `reason`, which names the line in the file.

    Raises
    ------
    CatalogueError
        When the table is no text, is empty, or lacks a column that the TOML names.
    """
    place = f"{source.path}: {catalogue.table}"
    data = source.read(catalogue.table)
    kind = kind_of(data)
    if kind:
        raise CatalogueError(f"expected a table of text in {place}; found {kind}: {advice_on(kind)}")
    text = _decoded(data, catalogue, place)
    records = Records(
        clean_text(text, keep=f"{catalogue.delimiter}\t\r\n"),
        catalogue.delimiter,
        [catalogue.columns[ours] for ours in FEW_WORDS if ours in catalogue.columns],
    )
    header = [clean_text(name).strip() for name in records.header]
    wanted = list(catalogue.columns.values())
    fields = list(dict.fromkeys(name for _, name, _, _ in string.Formatter().parse(catalogue.photos) if name))
    absent = [name for name in dict.fromkeys(wanted + fields) if name not in header]
    if absent:
        raise CatalogueError(_absence(absent, header, text, catalogue, place))
    good: list[list[str]] = []
    numbers: list[int] = []
    bad: list[dict[str, Any]] = []
    width = len(header)
    for number, record in enumerate(records, start=1):
        values = record.fields
        if record.reason:
            bad.append({"row": number, "item": "", "photo": "", "reason": record.reason})
        elif values:
            good.append([value.strip() for value in values[:width]] + [""] * (width - len(values)))
            numbers.append(number)
    if not good:
        first = f"; {len(bad)} rows are malformed, the first: row {bad[0]['row']}, {bad[0]['reason']}" if bad else ""
        raise CatalogueError(
            f"{place}: expected at least one row under the header; found none{first}. Name the whole table."
        )
    table = pd.DataFrame(good, columns=pd.Index(_unique(header)), dtype=object)
    for name in dict.fromkeys(wanted + fields):
        table[name] = [clean_text(value) for value in table[name]]
    filled = table[fields].astype(str).to_dict("records")
    photos = [catalogue.photos.format_map(record).replace("\\", "/") for record in filled]
    rows = pd.DataFrame({"row": numbers, "photo": photos})
    for ours, theirs in catalogue.columns.items():
        rows[ours] = table[theirs].to_numpy()
    bare = [re.sub(r"\.(jpe?g|png|webp)$", "", item, flags=re.IGNORECASE) for item in rows["item"]]
    if len(set(bare)) == rows["item"].nunique():  # 1.jpg and 1.png are two items
        rows["item"] = bare
    return rows, pd.DataFrame(bad, columns=["row", "item", "photo", "reason"])


def _decoded(data: bytes, catalogue: Catalogue, place: str) -> str:
    try:
        return decode(data, catalogue.encoding)
    except CatalogueError as error:
        raise CatalogueError(f"{place}: {error}") from error


def _absence(absent: list[str], header: list[str], text: str, catalogue: Catalogue, place: str) -> str:
    """The message on columns that the header lacks, with what the table seems to be."""
    names = [name if len(name) <= 40 else f"{name[:40]}..." for name in header if name]
    listed = ", ".join(names[:30]) + (" ..." if len(names) > 30 else "")
    said = f"{place}: expected the columns {', '.join(absent)}; found {listed or 'no header'}. "
    begin = text.lstrip()[:1]
    if begin and begin in "<{[":
        kind = "HTML or XML" if begin == "<" else "JSON"
        return f"{said}It begins as {kind} does: save it as CSV (UTF-8)."
    first, second, *_ = [*(line for line in text.splitlines() if line.strip()), "", ""]
    told = SEPARATOR.fullmatch(first)
    first = second if told else first
    for other in ",;\t|" + (told[1] if told else ""):
        names = [clean_text(name).strip().strip('"').strip() for name in first.split(other)]
        if other != catalogue.delimiter and set(absent) <= set(names):
            right = 'delimiter = "{}"'.format("\\t" if other == "\t" else other)
            return f"{said}Its delimiter is another one: write `{right}` under [table] in {catalogue.path}."
    return (
        f"{said}Correct [columns] or `photos` in {catalogue.path}, or the table's delimiter (now "
        f"{catalogue.delimiter!r})."
    )


def _unique(header: list[str]) -> list[str]:
    """Nameless and repeated columns get names of their own, so that none hides another."""
    seen: dict[str, int] = {}
    names = []
    for name in header:
        seen[name] = seen.get(name, 0) + 1
        names.append(name if name and seen[name] == 1 else f"{name}#{seen[name]}")
    return names
