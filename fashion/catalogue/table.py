"""A catalogue's table, read into our column names."""

from __future__ import annotations

import re

import pandas as pd

from fashion.catalogue.definition import Catalogue
from fashion.catalogue.photo_pattern import column_alone, columns_of, fill
from fashion.catalogue.raw_table import RawTable, read_raw
from fashion.catalogue.source import Source
from fashion.core.errors import CatalogueError

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
        When the table is none, is empty, or lacks a column that the TOML names.
    """
    return in_our_columns(catalogue, source, read_as_described(catalogue, source))


def read_as_described(catalogue: Catalogue, source: Source) -> RawTable:
    """The columns of the table that the TOML names, under the table's names; raises as `read_table`."""
    in_column = column_alone(catalogue.photos)
    names = [*catalogue.columns.values(), *columns_of(catalogue.photos)]
    known = [catalogue.columns[ours] for ours in FEW_WORDS if ours in catalogue.columns]
    raw = read_raw(source, catalogue.form, names, known, in_column, str(catalogue.path))
    if not len(raw.rows):
        bad = raw.malformed
        first = ""
        if len(bad):
            first = f"; {len(bad)} rows are malformed, the first: row {bad['row'].iloc[0]}, {bad['reason'].iloc[0]}"
        raise CatalogueError(
            f"{source.path}: {catalogue.table}: expected at least one row under the header; found none{first}. "
            "Name the whole table."
        )
    return raw


def in_our_columns(catalogue: Catalogue, source: Source, raw: RawTable) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What `read_table` returns, of a table that was read."""
    rows = pd.DataFrame({"row": raw.rows.index, "photo": [source.find(name) for name in photos_named(catalogue, raw)]})
    for ours, theirs in catalogue.columns.items():
        rows[ours] = raw.rows[theirs].to_numpy()
    bare = [re.sub(r"\.(jpe?g|png|webp)$", "", item, flags=re.IGNORECASE) for item in rows["item"]]
    if len(set(bare)) == rows["item"].nunique():  # 1.jpg and 1.png are two items
        rows["item"] = bare
    return rows, raw.malformed.assign(item="", photo="")[["row", "item", "photo", "reason"]]


def photos_named(catalogue: Catalogue, raw: RawTable) -> list[str]:
    """The photo of each row as the table names it."""
    column = column_alone(catalogue.photos)
    if column in raw.photos:
        return raw.photo_names(str(column))
    values = {name: raw.rows[name].tolist() for name in columns_of(catalogue.photos)}
    return [_name_of(text) for text in fill(catalogue.photos, values)]


def _name_of(text: str) -> str:
    """A photo's name with `/`; `//host/...`, as pages write addresses, is one by https."""
    name = text.replace("\\", "/")
    return f"https:{name}" if re.match(r"//[\w-]+(\.[\w-]+)+/", name) else name
