"""A catalogue's table, read into our column names."""

from __future__ import annotations

import re

import pandas as pd

from fashion.catalogue.addresses import is_address
from fashion.catalogue.definition import Catalogue
from fashion.catalogue.listing import FOLDER, FOLDER_ABOVE, folder_names, read_listing
from fashion.catalogue.photo_pattern import column_alone, columns_of, fill, listed
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
        Columns `row` (int, 1 for the first row under the header), `photo` (name inside the source), `more_photos` (a
        tuple of names, where any row has several) and one for each of the catalogue's columns, with outer spaces
        stripped, on one line, without control characters.
    rejected : DataFrame
        Rows whose number of fields does not fit the header, or with a quotation mark that is not closed: `row`, `item`,
        `photo`, `reason`, which names the line in the file.

    Raises
    ------
    CatalogueError
        When the file is no table, is empty, or lacks a column that the TOML names.
    """
    return in_our_columns(catalogue, source, read_as_described(catalogue, source))


def read_as_described(catalogue: Catalogue, source: Source) -> RawTable:
    """The columns of the table that the TOML names, under the table's names; raises as `read_table`."""
    patterns = (catalogue.photos, *catalogue.more_photos)
    alone = {column for pattern in patterns if (column := column_alone(pattern))}
    theirs = [column for column in catalogue.columns.values() if column not in (FOLDER, FOLDER_ABOVE)]
    names = [*theirs, *(name for pattern in patterns for name in columns_of(pattern))]
    if catalogue.table == LISTING:
        raw = read_listing(source, names, str(catalogue.path))
        if not len(raw.rows):
            raise CatalogueError(
                f"expected photos in {source.path}; found none among {len(source.names())} files. Name the folder, zip "
                "or tar that holds them."
            )
        return raw
    known = [catalogue.columns[ours] for ours in FEW_WORDS if ours in catalogue.columns]
    raw = read_raw(source, catalogue.form, names, known, alone, str(catalogue.path))
    if not len(raw.rows):
        bad = raw.malformed
        first = ""
        if len(bad):
            first = f"; {len(bad)} rows are malformed, the first: row {bad['row'].iloc[0]}, {bad['reason'].iloc[0]}"
        raise CatalogueError(
            f"expected at least one row under the header in {source.path}: {catalogue.table}; found none{first}. "
            "Name the whole table."
        )
    return raw


def in_our_columns(catalogue: Catalogue, source: Source, raw: RawTable) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A raw table in our column names, as `read_table` returns it."""
    photos, more = _photos_of(catalogue, source, raw)
    rows = pd.DataFrame({"row": raw.rows.index, "photo": photos})
    if any(more):
        rows["more_photos"] = more
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


def _photos_of(catalogue: Catalogue, source: Source, raw: RawTable) -> tuple[list[str], list[tuple[str, ...]]]:
    """The photo of each row that is shown, and its further ones."""
    photos: list[list[str]] = [[] for _ in range(len(raw.rows))]
    folders = raw.folders()
    for pattern in (catalogue.photos, *catalogue.more_photos):
        further, columns = pattern != catalogue.photos, columns_of(pattern)
        cells = raw.rows[columns[0]].tolist() if len(columns) == 1 and columns[0] in raw.rows else None
        for row, name in enumerate(photos_named(catalogue, raw, pattern)):
            names = [_find(source, name, folders[row])]
            parts = listed(cells[row]) if cells else []
            if cells and parts != [cells[row]] and not source.signature(names[0]):
                named = fill(pattern, {columns[0]: parts})
                names = [_find(source, _name_of(part), folders[row]) for part in named] or names
            if further:  # a name that is made up, such as {id}_2.jpg, is that of a photo only where there is one
                made_up = column_alone(pattern) is None
                names = [n for n in names if n and not (made_up and not is_address(n) and not source.signature(n))]
            photos[row] += names
    shown = [names[0] for names in photos]
    return shown, [tuple(dict.fromkeys(n for n in names[1:] if n != names[0])) for names in photos]


def _find(source: Source, name: str, folder: str) -> str:
    """Find a photo by name, which may be relative to `folder` where a table lies in several folders."""
    file = source.find(name)
    return file if not folder or is_address(file) or source.signature(file) else source.find(folder + name)


def photos_named(catalogue: Catalogue, raw: RawTable, pattern: str = "") -> list[str]:
    """The photo of each row as the table names it, by a pattern of the catalogue's; that of `photos` if not given."""
    pattern = pattern or catalogue.photos
    column = column_alone(pattern)
    if column in raw.photos:
        return raw.photo_names(str(column))
    values = {name: raw.rows[name].tolist() for name in columns_of(pattern)}
    return [_name_of(text) for text in fill(pattern, values)]


def _name_of(text: str) -> str:
    """A photo's name with `/`; `//host/...`, as pages write addresses, is one by https."""
    name = text.replace("\\", "/")
    return f"https:{name}" if re.match(r"//[\w-]+(\.[\w-]+)+/", name) else name
