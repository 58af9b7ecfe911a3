"""A catalogue's table, read into our column names."""

from __future__ import annotations

import re

import pandas as pd

from fashion.catalogue.definition import Catalogue
from fashion.catalogue.listing import FOLDER, FOLDER_ABOVE, folder_names, read_listing
from fashion.catalogue.photo_pattern import column_alone, columns_of, fill
from fashion.catalogue.raw_table import RawTable, read_raw
from fashion.catalogue.source import LISTING, Source
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
    theirs = [column for column in catalogue.columns.values() if column not in (FOLDER, FOLDER_ABOVE)]
    names = [*theirs, *columns_of(catalogue.photos)]
    if catalogue.table == LISTING:
        raw = read_listing(source, names, str(catalogue.path))
        if not len(raw.rows):
            raise CatalogueError(
                f"expected photos in {source.path}; found none among {len(source.names())} files. Name the folder, zip "
                "or tar that holds them."
            )
        return raw
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
        in_folder = theirs in (FOLDER, FOLDER_ABOVE) and theirs not in raw.header
        rows[ours] = folder_names(rows["photo"].tolist(), theirs) if in_folder else raw.rows[theirs].to_numpy()
    if catalogue.category_path:
        rows = with_last_step(rows, catalogue.category_path)
    bare = [re.sub(r"\.(jpe?g|png|webp)$", "", item, flags=re.IGNORECASE) for item in rows["item"]]
    if len(set(bare)) == rows["item"].nunique():  # 1.jpg and 1.png are two items
        rows["item"] = bare
    return rows, raw.malformed.assign(item="", photo="")[["row", "item", "photo", "reason"]]


def with_last_step(rows: pd.DataFrame, separator: str) -> pd.DataFrame:
    """The rows with the last step of each path of categories, and the step before it as a department if there is none.

    Of several paths, parted by commas, the longest counts, and the first of equally long ones.

    Examples
    --------
    >>> rows = pd.DataFrame({"category": ["Sale, Clothing > Women > Dresses", "Shoes"]})
    >>> with_last_step(rows, ">").to_dict("list")
    {'category': ['Dresses', 'Shoes'], 'department': ['Women', 'Shoes']}
    """
    paths = [
        [step.strip() for step in max(value.split(","), key=lambda path: path.count(separator)).split(separator)]
        for value in rows["category"]
    ]
    last = rows.assign(category=[path[-1] for path in paths])
    return last if "department" in rows else last.assign(department=[path[-2:][0] for path in paths])


def photos_named(catalogue: Catalogue, raw: RawTable) -> list[str]:
    """The photo of each row as the table names it."""
    column = column_alone(catalogue.photos)
    if column in raw.photos:
        return raw.photo_names(str(column))
    values = {name: raw.rows[name].tolist() for name in columns_of(catalogue.photos)}
    return [name.replace("\\", "/") for name in fill(catalogue.photos, values)]
