"""A catalogue with a report as one Parquet file: items, vectors, map, neighbours and reasons, for other tools.

Its columns are those that Apple's embedding-atlas reads (`x`, `y`, `vector`, `neighbors`, `image`) and that a FiftyOne
dataset is made of (`filepath`, words, `vector`, `x`, `y`); docs/guide.md has the commands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fashion.core.files import write_whole
from fashion.core.progress import progress_bar
from fashion.recommendation.queries import Query
from fashion.recommendation.reasons import reasons, similarity_parts
from fashion.recommendation.recommender import Recommender

#: Rows of a row group, held in memory at a time; fewer where photos go along.
GROUP, GROUP_WITH_PHOTOS = 4096, 256

#: The columns that are made here; a catalogue's own column of such a name gets an underscore at its end.
MADE = ("filepath", "x", "y", "vector", "neighbors", "similar", "similarity", "reasons", "image")


def write_parquet(
    recommender: Recommender,
    path: Path,
    *,
    xy: NDArray[np.float32] | None = None,
    files: Sequence[str | None] | None = None,
    photo: Callable[[int], bytes] | None = None,
    k: int | None = None,
    progress: bool = True,
) -> Path:
    """Write a catalogue's items with all that the report knows of them; memory is bounded by `GROUP` rows.

    Columns: the items table's own; `filepath`; `x` and `y` of the map; `vector`, a list of d float32 of length one;
    `neighbors`, the k most similar items as a struct of `ids` (rows of the file, from 0) and `distances`
    (1 - similarity); the same as `similar` (items' names), `similarity` and `reasons`; and `image`, a struct of `bytes`
    and `path`, where photos go along.

    Parameters
    ----------
    recommender : Recommender
    path : Path
        The file to write.
    xy : ndarray of float32, shape (m, 2), optional
        The map of the first m items; the others have no place on it.
    files : sequence of str or None, optional
        Each item's photo as a file of this machine.
    photo : callable, optional
        Row -> the photo's bytes; without it photos stay out.
    k : int, optional
        Neighbours of each item; the report's number if not given.
    progress : bool

    Returns
    -------
    Path
        `path`.
    """
    k = min(recommender.k if k is None else k, len(recommender.items) - 1)
    rows, similarity = recommender.nearest_of_all(k)
    own = recommender.items.rename(columns={name: f"{name}_" for name in MADE})
    size = GROUP if photo is None else GROUP_WITH_PHOTOS

    def groups() -> Iterator[pa.Table]:
        for first in range(0, len(own), size):
            part = np.arange(first, min(first + size, len(own)))
            columns = {str(name): pa.array(own[name].iloc[part], from_pandas=True) for name in own}
            columns |= {"filepath": pa.array([files[row] if files else None for row in part.tolist()], pa.string())}
            columns |= _places(xy, part) | _neighbours(recommender, part, rows[part], similarity[part])
            width = recommender.vectors.shape[1]
            flat = pa.array(np.ascontiguousarray(recommender.vectors[part], np.float32).ravel())
            columns |= {"vector": pa.FixedSizeListArray.from_arrays(flat, width)}
            if photo is not None:
                images = [{"bytes": photo(row), "path": own["photo"].iloc[row]} for row in part.tolist()]
                columns |= {"image": pa.array(images, pa.struct({"bytes": pa.binary(), "path": pa.string()}))}
            yield pa.table(columns)

    def write(aside: Path) -> None:
        writer = None
        with progress_bar(len(own), "items exported", "item", show=progress) as bar:
            for table in groups():
                if writer is None:
                    schema = _schema(table.schema, own)
                    writer = pq.ParquetWriter(aside, schema, compression="zstd")
                writer.write_table(table.cast(schema))
                bar.update(len(table))
        if writer is not None:
            writer.close()

    return write_whole(path, write)


def _schema(first: pa.Schema, items: pd.DataFrame) -> pa.Schema:
    """The schema of all groups: a column that is empty in the first one alone has the type of the whole column."""
    for name in items:
        place = first.get_field_index(str(name))
        first = first.set(place, pa.field(str(name), pa.array(items[name], from_pandas=True).type))
    return first


def _places(xy: NDArray[np.float32] | None, part: NDArray[np.intp]) -> dict[str, pa.Array]:
    """`x` and `y` of some rows; null where they are not on the map."""
    known = np.zeros((len(part), 2), np.float32)
    missing = np.ones(len(part), bool)
    if xy is not None:
        missing = part >= len(xy)
        known[~missing] = xy[part[~missing]]
    return {name: pa.array(known[:, place], mask=missing) for place, name in enumerate("xy")}


def _neighbours(
    recommender: Recommender, part: NDArray[np.intp], rows: NDArray[np.integer], similarity: NDArray[np.float32]
) -> dict[str, pa.Array]:
    """The neighbours of some rows, by row and by name, with their reasons."""
    names = recommender.items["item"].astype(str).to_numpy()
    records = {int(row): record for row, record in _records(recommender.items, np.union1d(part, rows.ravel()))}
    said = []
    for row, near in zip(part, rows, strict=True):
        query = Query(names[row], recommender.raw_rows(slice(row, row + 1)), records[int(row)])
        parts = similarity_parts(query, recommender.raw_rows(near), recommender.layout)
        said.append([reasons(query.description, records[int(n)], own) for n, own in zip(near, parts, strict=True)])
    pairs = {"ids": pa.array(rows.astype(np.int64).tolist(), pa.list_(pa.int64()))}
    pairs |= {"distances": pa.array((1 - similarity).tolist(), pa.list_(pa.float32()))}
    return {
        "neighbors": pa.StructArray.from_arrays(list(pairs.values()), names=list(pairs)),
        "similar": pa.array([names[near].tolist() for near in rows], pa.list_(pa.string())),
        "similarity": pa.array(similarity.tolist(), pa.list_(pa.float32())),
        "reasons": pa.array(said, pa.list_(pa.string())),
    }


def _records(items: pd.DataFrame, rows: NDArray[np.integer]) -> Iterator[tuple[int, dict]]:
    return zip(rows.tolist(), items.iloc[rows].to_dict("records"), strict=True)
