"""A catalogue without a table: its photos are its rows, and their folders its words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from fashion.catalogue.raw_table import RawTable
from fashion.catalogue.source import LISTING, Source, is_photo
from fashion.core.errors import CatalogueError

#: In place of a table's column: the name of the folder that a row's photo is in, and of the folder above.
FOLDER, FOLDER_ABOVE = "/", "../"

#: The columns of a listing: the photo's path, and its name without folders and ending.
COLUMNS = ("path", "name")


def read_listing(source: Source, wanted: Iterable[str], toml: str) -> RawTable:
    """The photos of a source as a table, in the order of their names; `photo_pattern` takes its columns.

    Parameters
    ----------
    source : Source
        Located by `source.LISTING`.
    wanted : iterable of str
        Columns that the catalogue names.
    toml : str
        What describes the catalogue, for errors.

    Raises
    ------
    CatalogueError
        When a wanted column is none of `COLUMNS`.
    """
    if absent := [name for name in dict.fromkeys(wanted) if name not in (*COLUMNS, "#")]:
        raise CatalogueError(
            f"expected the columns {', '.join(absent)} in {source.path}; found {', '.join(COLUMNS)}, as `table` is "
            f'{LISTING!r}. "/" stands for the name of the photo\'s folder, "../" for that of the folder above. Correct '
            f"[columns] or `photos` in {toml}."
        )
    paths = [name for name in source.names() if is_photo(name)]
    index = pd.RangeIndex(1, len(paths) + 1, name="row")
    names = [path.rsplit("/", 1)[-1].rsplit(".", 1)[0] for path in paths]
    rows = pd.DataFrame({"path": paths, "name": names, "#": index.astype(str)}, index=index, dtype=object)
    malformed = pd.DataFrame({"row": [], "reason": []})
    return RawTable([*COLUMNS], rows, malformed, frozenset(), [], "no table: each photo is a row")


def folder_names(photos: Sequence[str], column: str) -> list[str]:
    """The name of the folder that each photo is in, or of the one above (`FOLDER`, `FOLDER_ABOVE`); empty without one.

    Examples
    --------
    >>> folder_names(["women/dresses/1.jpg", "2.jpg"], "/"), folder_names(["women/dresses/1.jpg"], "../")
    (['dresses', ''], ['women'])
    """
    place = -2 if column == FOLDER else -3
    return [parts[place] if len(parts := photo.split("/")) >= -place else "" for photo in photos]
